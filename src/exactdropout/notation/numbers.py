"""Numbers as text and LaTeX: fractions, floats with all their digits or those that a bound gives sense to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from exactdropout.model.numbers import approximate, format_rational, rounded_up

__all__ = ["bound_latex", "matched", "matched_latex", "number_latex", "value_text", "vector_latex"]

ALMOST_EQUAL = "\N{ALMOST EQUAL TO}"
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


def value_text(value: Any, digits: int = 17) -> str:
    """Return a number for people: a fraction with its decimal, a float with all its digits, an mpmath number.

    >>> value_text(Fraction(29, 64)), value_text(Fraction(1, 3)), value_text(Fraction(3)), value_text(0.1, 3)
    ('29/64 = 0.453125', '1/3 ≈ 0.333333333333', '3', '0.1')
    """
    if isinstance(value, (Fraction, int)):
        text = format_rational(value)
        if Fraction(value).denominator == 1 and len(text) < MAX_DIGITS:
            return text
        decimal = approximate(Fraction(value))
        if len(text) >= MAX_DIGITS:
            return f"{decimal} ({len(text)} characters exact)"
        return f"{text} {'=' if Fraction(decimal) == value else ALMOST_EQUAL} {decimal}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    # an mpmath number brings its context, and so its printer
    return str(value.context.nstr(value, max(digits, 15)))


def matched(value: Fraction, bound: Fraction) -> tuple[str, str]:
    """Return a value with the digits that its error bound gives sense to, and a bound of the error of what is printed.

    The second is the bound and the rounding together, rounded up.

    >>> matched(Fraction(4195.1138272125145), Fraction(1, 10**10))
    ('4195.1138272125', '1.2e-10')
    >>> matched(Fraction(1, 3), Fraction(0))
    ('1/3 ≈ 0.333333333333', 'exact')
    """
    if not bound:
        return value_text(value), "exact"
    digits = max(1, _exponent(value) - _exponent(bound) + 1) if value else 1
    text = approximate(value, digits)
    return text, rounded_up(bound + abs(Fraction(text) - value))


def matched_latex(value: Fraction, bound: Fraction) -> tuple[str, str]:
    """Return the same two in LaTeX, between dollars.

    >>> matched_latex(Fraction(4195.1138272125145), Fraction(1, 10**10))
    ('$4195.1138272125$', '$1.2 \\\\cdot 10^{-10}$')
    """
    if not bound:
        return f"${number_latex(value)}$", "exact"
    text, error = matched(value, bound)
    return f"${_decimal(text)}$", f"${_decimal(error)}$"


def _exponent(value: Fraction) -> int:
    """Return about the exponent of the first significant decimal digit."""
    return Decimal(approximate(value, 20)).adjusted()


def bound_latex(bound: Fraction) -> str:
    """Return an error bound, rounded up, or "exact"."""
    return rf"${_decimal(rounded_up(bound))}$" if bound else "exact"


def vector_latex(values: Sequence[Any]) -> str:
    """Return a row vector."""
    return rf"\left( {', '.join(map(number_latex, values))} \right)"


def _decimal(text: str) -> str:
    mantissa, e, exponent = text.lower().partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else mantissa
