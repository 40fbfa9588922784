"""What a layer may return: the intervals around exact values, in the number formats of frameworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["FORMATS", "NumberFormat", "interval", "number_format", "rounded_rates", "within"]

Floats = npt.NDArray[np.float64]
UNITS = 2  # in the last place


@dataclass(frozen=True)
class NumberFormat:
    """A binary floating-point format: bits of the significand (the hidden one counted), smallest power of two."""

    name: str
    digits: int
    lowest: int

    def unit(self, value: Fraction) -> Fraction:
        """Return the unit in the last place of numbers as large as ``value``.

        >>> FORMATS["float32"].unit(Fraction(3)) == Fraction(1, 2**22)
        True
        """
        return Fraction(2) ** max(self.lowest, _exponent(value) - self.digits + 1)

    def rounded(self, value: Fraction) -> Fraction:
        """Return the nearest number of the format, ties to even (no overflow)."""
        unit = self.unit(value)
        return round(value / unit) * unit

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number."""
        return float(2.0 ** (1 - self.digits))


FORMATS = {
    "float64": NumberFormat("float64", 53, -1074),
    "float32": NumberFormat("float32", 24, -149),
    "float16": NumberFormat("float16", 11, -24),
    "bfloat16": NumberFormat("bfloat16", 8, -133),
}


def number_format(name: str) -> NumberFormat:
    """Return the format of that name."""
    if name not in FORMATS:
        raise InvalidInput(f"Argument 'dtype' must be one of {', '.join(FORMATS)}, not {show(name)}.")
    return FORMATS[name]


def _exponent(value: Fraction) -> int:
    """Return ⌊log2 |value|⌋; 0 counts as smaller than every number of a format."""
    top, bottom = abs(value.numerator), value.denominator
    if top == 0:
        return -(10**6)
    guess = top.bit_length() - bottom.bit_length()
    at_most = top >= bottom << guess if guess >= 0 else top << -guess >= bottom
    return guess if at_most else guess - 1


def rounded_rates(q: Fraction, form: NumberFormat) -> tuple[Fraction, ...]:
    """Return q and what it becomes when a layer keeps it as a double, a float32 or in its own format."""
    kept = {q, *(FORMATS[name].rounded(q) for name in ("float64", "float32")), form.rounded(q)}
    return tuple(sorted(rate for rate in kept if rate < 1))


def interval(values: Iterable[Fraction], form: NumberFormat, scale: Fraction | None = None) -> tuple[float, float]:
    """Return the smallest and the largest double within two units in the last place of any of the values.

    ``scale`` is the size whose unit counts, where terms cancel; that of each value by default.
    """
    low, high = inf, -inf
    for value in values:
        room = UNITS * form.unit(value if scale is None else scale)
        low, high = min(low, _inside(value - room, inf)), max(high, _inside(value + room, -inf))
    return low, high


def _inside(bound: Fraction, towards: float) -> float:
    nearest = float(bound)
    outside = Fraction(nearest) < bound if towards > 0 else Fraction(nearest) > bound
    return nextafter(nearest, towards) if outside else nearest


def within(
    values: Floats, references: Floats, interval_of: Callable[[float], tuple[float, float]]
) -> npt.NDArray[np.bool_]:
    """Return where each value lies in the interval of the reference beside it."""
    keys, index = np.unique(references, return_inverse=True)
    ends = np.array([interval_of(key) for key in keys.tolist()]).reshape(-1, 2)[index.reshape(references.shape)]
    result: npt.NDArray[np.bool_] = (values >= ends[..., 0]) & (values <= ends[..., 1])
    return result


def exact(value: Any) -> Fraction:
    """Return a finite double as the fraction that it is."""
    return Fraction(float(value))
