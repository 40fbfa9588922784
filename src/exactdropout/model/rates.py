"""Drop probabilities: one number for every droppable layer, validated once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from fractions import Fraction
from functools import lru_cache

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, WrongCall
from exactdropout.model.architecture import Architecture
from exactdropout.model.numbers import Kind, Number, as_array, common_kind, scalar, show

__all__ = ["DropRates", "drop_rates", "exact_rates"]

DropRates = tuple[Number, ...]
"""One drop probability per droppable layer, inputs first; length d."""


def drop_rates(q: object, architecture: Architecture) -> tuple[DropRates, Kind]:
    """Return the drop probability of each droppable layer, inputs first, and their common kind.

    ``q`` is one number for all layers, or a sequence of d numbers (inputs first), or text, ``"1/2"`` or ``"0, 1/2"``.
    It is the probability of *dropping*, as in the paper and in the frameworks; kept values are multiplied by
    1/(1 − q). Ranges: 0 ≤ q < 1, exactly 0 allowed. A float stays a float (the dyadic rational that it is); a SymPy
    expression stays symbolic.

    One rule holds for its default everywhere: q left out (None) is the symbol q. Functions that give formulas,
    ``derive`` and ``check``, take it as that; those that compute a number need one and say so.

    Raises:
        WrongCall: no number was given.
        InvalidInput: one is not in [0, 1), or there are neither 1 nor d of them.
        MixedNumbers: floats beside fractions.

    >>> drop_rates("1/2", Architecture(inputs=2, hidden=(3,)))[0]
    (Fraction(1, 2), Fraction(1, 2))
    """
    if q is None:
        raise WrongCall(
            "Argument 'q' must be a number here, such as '1/2', or one per layer, and has no default; "
            "xd.derive and xd.check leave it a symbol."
        )
    if type(q) in (str, Fraction, float, int):
        return _one_rate(q, architecture.depth)
    return _drop_rates(q, architecture.depth)


@lru_cache(maxsize=256, typed=True)
def _one_rate(q: object, layers: int) -> tuple[DropRates, Kind]:
    """Return the rates for one immutable number; people evaluate with the same q again and again."""
    return _drop_rates(q, layers)


def _drop_rates(q: object, layers: int) -> tuple[DropRates, Kind]:
    q = as_array(q, nested=True)
    if isinstance(q, np.ndarray):
        if q.ndim > 1:
            raise InvalidInput(f"Argument 'q' must be one number or one per droppable layer, not shape {q.shape}.")
        q = q.tolist() if q.dtype.kind in "fi" else list(q) if q.ndim else q[()]
    written = q
    if isinstance(q, str) and "," in q:
        q = [part for part in q.strip().strip("()[]").split(",") if part.strip()]
    if isinstance(q, (AbstractSet, Mapping)):
        raise InvalidInput(f"Argument 'q' must be one number or one per droppable layer in order, not {show(q)}.")
    one = isinstance(q, (str, bytes)) or not (isinstance(q, Iterable) or hasattr(q, "__len__"))
    values = [q] * layers if one else list(q)  # type: ignore[call-overload]  # a sequence here
    if len(values) != layers:
        text = written.strip() if isinstance(written, str) else ""
        instead = f"; a decimal has a point: {text.replace(',', '.')}" if re.fullmatch(r"0,\d+", text) else ""
        raise InvalidInput(
            f"Argument 'q' must be one number or one per droppable layer ({layers}: the inputs and "
            f"{layers - 1} hidden), not {len(values)}{instead}."
        )
    rates: list[Number] = []
    kinds: list[Kind] = []
    for index, value in enumerate(values):
        name = "q" if one else f"q[{index}]"
        rate, kind = scalar(value, name)
        if kind != "symbolic" and not 0 <= rate < 1:
            instead = "; q is the probability of dropping, so with q = 1 nothing would be left" if rate == 1 else ""
            if isinstance(written, str) and re.fullmatch(r"0,\d+", written.strip()):
                instead = f"; a decimal has a point: {written.strip().replace(',', '.')}"
            elif 1 < rate <= 100:
                instead = f"; for a percentage write '{show(rate)}/100'" if rate == int(rate) else ""
            raise InvalidInput(f"Argument {name!r} must satisfy 0 <= q < 1, not {show(value)}{instead}.")
        rates.append(rate)
        kinds.append(kind)
    kind = common_kind(kinds, "q")
    if kind == "float64":
        return tuple(float(r) for r in rates), kind
    return tuple(rates), "exact" if kind == "integer" else kind


def exact_rates(rates: DropRates, kind: Kind) -> tuple[Fraction, ...]:
    """Return rates of an exact computation; a float or a symbol is an error that says how to convert it."""
    if kind == "float64":
        raise MixedNumbers(
            f"Argument 'q' is the float {rates[0]!r} in an exact computation; write it as a Fraction or as text, "
            f"for example '{Fraction(rates[0]).limit_denominator(1000)}'."
        )
    if kind == "symbolic":
        raise MixedNumbers(f"Argument 'q' must be a number here, not {show(rates[0])}; use derive for a symbolic q.")
    return tuple(rates)
