"""The one check of arguments that many functions take: ``network``, ``architecture``, ``data`` and ``max_cost``.

Every function of the face calls these, so that the same argument is read in the same way everywhere; ``q`` is read by
:func:`exactdropout.model.drop_rates`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.architecture import Architecture
from exactdropout.model.calls import told_what_is_missing
from exactdropout.model.examples import Examples
from exactdropout.model.frameworks import file_instead, instead_of_framework
from exactdropout.model.network import Network
from exactdropout.model.numbers import parse_rational, show

__all__ = [
    "MAX_SECONDS",
    "architecture_of",
    "beyond",
    "cost_limit",
    "count_of",
    "duration",
    "enough",
    "examples_of",
    "network_of",
    "told_what_is_missing",
]

MAX_SECONDS = 60.0
"""What may be started without being asked: an estimate of a minute of one core."""

LIFETIME = 1e9
"""Seconds, 32 years: for more nobody is told to raise ``max_cost``."""

_WIDTHS = re.compile(r"\s*\w+(\s*-\s*\w+)+\b[^.]*\Z")
_PAIR = re.compile(r"\s*\(?\s*[(\[]\s*([-\d./, ]+?)\s*[)\]]\s*,\s*([-\d./]+)\s*\)?\s*\Z")
_TEXT = re.compile(r"\s*(point|half)\s*\(\s*(.*?)\s*,\s*([^,()]+)\)\s*\Z")


def network_of(value: object, name: str = "network") -> Network:
    """Return the value where it is a network.

    Raises:
        InvalidInput: anything else; the sentence names the importer of a framework's module, or how a file is read.
    """
    if isinstance(value, Network):
        return value
    instead = instead_of_framework(value)
    if isinstance(value, Architecture):
        instead = "which has no weights; write xd.Network(weights, biases)"
    elif isinstance(value, str):
        instead = file_instead(value) or (
            "; an architecture has no weights: write xd.Network(weights, biases)"
            if _WIDTHS.match(value)
            else "; a file is read by xd.Network.load(path)"
        )
    elif not instead and isinstance(value, (Sequence, np.ndarray)):
        instead = "; write xd.Network(weights, biases)"
    raise InvalidInput(f"Argument {name!r} must be a Network, not {show(value)}{_joined(instead)}.")


def architecture_of(value: object, example: str = "'2-3-1 relu, no biases'") -> Architecture:
    """Return an Architecture from one, from its text, or from a network.

    >>> print(architecture_of("2-3-1"))
    2-3-1 relu, biases
    """
    if isinstance(value, Architecture):
        return value
    if isinstance(value, str):
        return Architecture(value)
    if isinstance(value, Network):
        return value.architecture
    instead = instead_of_framework(value)
    if isinstance(value, Sequence) and len(value) > 1 and all(type(n) is int and n > 0 for n in value):
        instead = f"; write {'-'.join(map(str, value))!r}"
    raise InvalidInput(
        f"Argument 'architecture' must be an Architecture, a Network or text such as {example}, not "
        f"{show(value)}{_joined(instead)}."
    )


def _joined(instead: str) -> str:
    return instead if not instead or instead.startswith(";") else f", {instead}"


def examples_of(data: object, architecture: Architecture, label: str | Sequence[str] | None = None) -> Examples:
    """Return the examples that ``data`` means, checked against the architecture: the one door for data.

    Forms: :class:`Examples`; a list of ``(x, y)`` or ``(x, y, probability)``; arrays ``(X, y)`` or ``(X, y,
    probabilities)``, with one row per example; a data frame (pandas, Polars or any other with named columns) with
    ``label``, the name of its label column or the names of several; text, ``"half(1, 1)"`` or
    ``"point((1, -2), 3)"``, for the half mass of Definition 1 and the point mass, where ``1`` alone is the vector of
    ones. Columns and numbers are those of :class:`Examples`.

    Raises:
        InvalidInput: another form, or another number of inputs or labels than the architecture has.

    >>> examples_of("half(1, 1)", Architecture("2-3-1")) == Examples.half((1, 1), 1)
    True
    >>> examples_of(([[1, 2], [3, 4]], [5, 6]), Architecture("2-1"))
    <Examples: 2 rows of 2 inputs and 1 label, exact>
    """
    if label is not None and not hasattr(data, "columns"):
        raise InvalidInput(
            f"Argument 'label' names a column of a data frame, but 'data' is {show(data)}; leave it out."
        )
    if isinstance(data, Examples):
        found = data
    else:
        found = _from_text(data, architecture) if isinstance(data, str) else Examples(data, label=label)  # type: ignore[arg-type]  # what is not iterable is refused there
    for given, wanted, what in (
        (found.inputs.shape[1], architecture.inputs, "inputs"),
        (found.labels.shape[1], architecture.outputs, "labels"),
    ):
        if given != wanted:
            raise InvalidInput(
                f"Argument 'data' must have {wanted} {what} per example, as {architecture} has, not {given}."
            )
    return found


def _from_text(text: str, architecture: Architecture) -> Examples:
    match = _TEXT.match(text) if len(text) <= 10_000 else None
    if match is None:
        file = re.search(r"\.(csv|json|npz)\Z", text)
        pair = _PAIR.match(text) if len(text) <= 10_000 else None
        instead = "; a file is read by xd.Examples.load(path)" if file else ""
        instead = f"; did you mean 'point(({pair[1]}), {pair[2]})'?" if pair else f"{instead}."
        raise InvalidInput(
            "Argument 'data' must be Examples, a list of (x, y), arrays (X, y), a data frame or text such as "
            f"'half(1, 1)' or 'point((1, -2), 3)', not {show(text)}{instead}"
        )
    kind, x, y = match.groups()
    if x == "1":
        inputs = [Fraction(1)] * architecture.inputs
    elif x.startswith("(") and x.endswith(")"):
        inputs = [_number(part, text) for part in x[1:-1].rstrip(", ").split(",")]
    else:
        raise InvalidInput(f"Argument 'data' must give the inputs as 1 or (1, -2), not {show(x)}.")
    make = Examples.half if kind == "half" else Examples.point
    return make(inputs, _number(y, text))


def _number(part: str, text: str) -> Fraction:
    if re.fullmatch(r"\s*[A-Za-z]\w*(\[.*\])?\s*", part):
        raise InvalidInput(
            f"Argument 'data' must hold numbers here, not {show(part.strip())} as {show(text)} does; symbols stand in "
            "derive and check."
        )
    return parse_rational(part, "data")


def cost_limit(max_cost: object, default: float = MAX_SECONDS) -> float:
    """Return ``max_cost`` in estimated seconds of one core, or the default for None; ``inf`` never refuses.

    The estimates come from counts and from seconds a step that were measured once; they are the same on every machine,
    and say how long the work takes on a common one within a factor of a few.

    >>> cost_limit(None), cost_limit(Fraction(1, 2))
    (60.0, 0.5)
    """
    if max_cost is None:
        return default
    numbers = (int, float, Fraction, np.integer, np.floating)
    if isinstance(max_cost, numbers) and not isinstance(max_cost, bool) and max_cost > 0:
        try:
            return float(max_cost)
        except OverflowError:  # an integer beyond float64
            return math.inf
    raise InvalidInput(
        f"Argument 'max_cost' must be a positive number of seconds, float('inf') or None, not {show(max_cost)}."
    )


def beyond(seconds: float, limit: float, what: str, instead: str = "raise max_cost to allow it") -> str:
    """Return the sentence of a refusal.

    >>> beyond(7200, 60, "this derivation")
    "Argument 'max_cost' allows 60 s, but this derivation would take about 2 h of one core; raise max_cost to allow it."
    """
    return (
        f"Argument 'max_cost' allows {duration(limit)}, but {what} would take about {duration(seconds)} of one core; "
        f"{instead}."
    )


def enough(seconds: float) -> str:
    """Return what to do about ``max_cost`` for so many seconds: a limit that allows them, where a person could wait.

    >>> enough(7234.5), enough(1e12)
    ('raise max_cost to 7300 to allow it', 'no max_cost makes that practical')
    """
    if not seconds <= LIFETIME:
        return "no max_cost makes that practical"
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1) if seconds > 0 else 1.0
    return f"raise max_cost to {float(f'{math.ceil(seconds / unit) * unit:.2g}'):.10g} to allow it"


def duration(seconds: float) -> str:
    """Return a number of seconds in the unit that suits it.

    >>> duration(0.25), duration(90), duration(1e6), duration(1e12)
    ('0.25 s', '90 s', '12 days', '3.2e+04 years')
    """
    if seconds < 3600:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, length in (("years", 365.25 * 86400), ("days", 86400), ("h", 3600)):
        if seconds >= length * (2 if unit == "years" else 1):
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.0f} s"


def count_of(value: object, name: str, otherwise: str = " or None") -> int | None:
    """Return a positive integer or None, such as ``threads``."""
    if value is None and otherwise:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidInput(f"Argument {name!r} must be a positive integer{otherwise}, not {show(value)}.")
    return int(value)
