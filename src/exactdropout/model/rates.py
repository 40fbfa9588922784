"""Drop probabilities: one number for every droppable layer, validated once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model.architecture import Architecture
from exactdropout.model.numbers import Kind, Number, common_kind, scalar, show

__all__ = ["DropRates", "drop_rates", "exact_rates"]

DropRates = tuple[Number, ...]
"""One drop probability per droppable layer, inputs first; length d."""


def drop_rates(q: object, architecture: Architecture) -> tuple[DropRates, Kind]:
    """Return the drop probability of each droppable layer, inputs first, and their common kind.

    ``q`` is one number for all layers, or a sequence of d numbers (inputs first). It is the probability of
    *dropping*, as in the paper and in the frameworks; kept values are multiplied by 1/(1 − q).
    Ranges: 0 ≤ q < 1, exactly 0 allowed. A float stays a float (the dyadic rational that it is); a SymPy
    expression stays symbolic.

    >>> drop_rates("1/2", Architecture(inputs=2, hidden=(3,)))[0]
    (Fraction(1, 2), Fraction(1, 2))
    """
    if type(q) in (str, Fraction, float, int):
        return _one_rate(q, architecture.depth)
    return _drop_rates(q, architecture.depth)


@lru_cache(maxsize=256, typed=True)
def _one_rate(q: object, layers: int) -> tuple[DropRates, Kind]:
    """Return the rates for one immutable number; people evaluate with the same q again and again."""
    return _drop_rates(q, layers)


def _drop_rates(q: object, layers: int) -> tuple[DropRates, Kind]:
    if isinstance(q, np.ndarray) and q.ndim == 0:
        q = q.item()
    one = isinstance(q, str) or not (isinstance(q, Sequence) or hasattr(q, "__len__"))
    values = [q] * layers if one else list(q)  # type: ignore[call-overload]  # a sequence here
    if len(values) != layers:
        raise InvalidInput(
            f"Argument 'q' must be one number or one per droppable layer ({layers}: the inputs and "
            f"{layers - 1} hidden), not {len(values)}."
        )
    rates: list[Number] = []
    kinds: list[Kind] = []
    for index, value in enumerate(values):
        rate, kind = scalar(value, "q" if one else f"q[{index}]")
        if kind != "symbolic" and not 0 <= rate < 1:
            raise InvalidInput(f"Argument 'q' must satisfy 0 <= q < 1, not {show(value)}.")
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
