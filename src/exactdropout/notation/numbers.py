"""Numbers as LaTeX: fractions, floats with all their digits, mpmath numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactdropout.model.numbers import approximate, rounded_up

__all__ = ["bound_latex", "number_latex", "vector_latex"]

MAX_DIGITS = 40
"""Fractions with more digits are shown as decimals; text and JSON have them in full."""


def number_latex(value: Any) -> str:
    """Return an exact number as a fraction, a long one as a decimal with ≈ before it, a float with all its digits.

    >>> number_latex(Fraction(-3, 7)), number_latex(0.1), number_latex(2.5e-9)
    ('-\\\\frac{3}{7}', '0.1', '2.5 \\\\cdot 10^{-9}')
    """
    if isinstance(value, (int, Fraction)):
        top, bottom = abs(Fraction(value)).as_integer_ratio()
        if len(str(top)) + len(str(bottom)) > MAX_DIGITS:
            return rf"\approx {_decimal(str(approximate(Fraction(value), 17)))}"
        sign = "-" if value < 0 else ""
        return f"{sign}{top}" if bottom == 1 else rf"{sign}\frac{{{top}}}{{{bottom}}}"
    if isinstance(value, float):
        return _decimal(repr(float(value)).removesuffix(".0"))
    # an mpmath number brings its context, and so its printer
    return _decimal(str(value.context.nstr(value, max(15, int(value._mpf_[3] * 0.302)))))


def bound_latex(bound: Fraction) -> str:
    """Return an error bound, rounded up, or "exact"."""
    return rf"${_decimal(rounded_up(bound))}$" if bound else "exact"


def vector_latex(values: Sequence[Any]) -> str:
    """Return a row vector."""
    return rf"\left( {', '.join(map(number_latex, values))} \right)"


def _decimal(text: str) -> str:
    mantissa, e, exponent = text.lower().partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa
