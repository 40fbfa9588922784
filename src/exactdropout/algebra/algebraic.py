"""Rational functions of q and real algebraic numbers between 0 and 1, exact: roots, signs and comparisons.

Roots are isolated by Vincent, Collins and Akritas's bisection: the number of sign variations of the coefficients of
(1 + x)^d f(1/(1 + x)) is at least the number of roots of f in (0, 1), counted with multiplicity, and equal to it when
it is 0 or 1 (Descartes). On an irreducible polynomial, whose roots are simple, the bisection ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering
from itertools import pairwise

from flint import fmpq, fmpz_poly

from exactdropout.model.numbers import format_rational

__all__ = [
    "Algebraic",
    "RationalFunction",
    "all_roots",
    "odd_roots",
    "sign_at",
    "sign_changes",
    "simplest_between",
    "without_sign_change",
]

MAX_SQUARE_FACTOR = 10_000
"""Larger square factors of a discriminant stay under the root."""
_ONE_PLUS_X = fmpz_poly([1, 1])


def _evaluate(polynomial: fmpz_poly, q: Fraction) -> Fraction:
    value = polynomial(fmpq(q.numerator, q.denominator))
    return Fraction(int(value.p), int(value.q))


def sign_at(polynomial: fmpz_poly, q: Fraction) -> int:
    """Return the sign of f(q) for a rational q."""
    value = polynomial(fmpq(q.numerator, q.denominator))
    return int(value > 0) - int(value < 0)


def _onto(polynomial: fmpz_poly, low: Fraction, high: Fraction) -> fmpz_poly:
    """Return a positive multiple of f(low + (high − low) x)."""
    scale = low.denominator * high.denominator
    start, length = int(low * scale), int((high - low) * scale)
    degree = polynomial.degree()
    # scale^d f((start + length x)/scale)
    scaled = fmpz_poly([c * scale ** (degree - k) for k, c in enumerate(polynomial.coeffs())])
    return scaled(fmpz_poly([start, length]))


def _variations(polynomial: fmpz_poly) -> int:
    """Return the sign variations that bound the number of roots of f in (0, 1)."""
    coefficients = polynomial.coeffs()
    moved = fmpz_poly(coefficients[::-1])(_ONE_PLUS_X).coeffs()
    signs = [c > 0 for c in moved if c]
    return sum(a != b for a, b in pairwise(signs))


def without_sign_change(polynomial: fmpz_poly, low: Fraction, high: Fraction) -> bool:
    """Return True when Descartes' rule shows that f has no root in (low, high); False says nothing."""
    return bool(polynomial) and _variations(_onto(polynomial, low, high)) == 0


@total_ordering
@dataclass(frozen=True, eq=False, repr=False)
class Algebraic:
    """A real algebraic number in [0, 1]: root number ``index`` (from 0) in that interval of an irreducible polynomial.

    ``minimal_polynomial`` holds its integer coefficients, constant term first, coprime, leading one positive;
    ``low`` ≤ the number ≤ ``high`` and no other root of the polynomial lies in between (low = high for a rational).

    >>> root = odd_roots(fmpz_poly([-1, 0, 2]))[0]
    >>> print(root, root.minimal_polynomial, root > Fraction(7, 10))
    0.7071067811865 (-1, 0, 2) True
    """

    minimal_polynomial: tuple[int, ...]
    index: int
    low: Fraction
    high: Fraction

    @classmethod
    def rational(cls, value: Fraction) -> Algebraic:
        """Return a rational number."""
        return cls((-value.numerator, value.denominator), 0, value, value)

    @property
    def degree(self) -> int:
        """Degree of the minimal polynomial."""
        return len(self.minimal_polynomial) - 1

    @property
    def is_rational(self) -> bool:
        """Whether the number is rational; then it is ``low``."""
        return self.degree == 1

    def latex(self) -> str:
        """Return LaTeX: a fraction, an expression in a square root, or six decimals for a higher degree.

        >>> odd_roots(fmpz_poly([1, -3, 1]))[0].latex()
        '\\\\frac{3 - \\\\sqrt{5}}{2}'
        """
        if self.is_rational:
            top, bottom = self.low.numerator, self.low.denominator
            return str(top) if bottom == 1 else rf"\frac{{{top}}}{{{bottom}}}"
        if self.degree > 2:
            return rf"{float(self):.6f}\ldots"
        c, b, a = self.minimal_polynomial  # a > 0: (−b ± √(b² − 4ac))/(2a)
        square, rest, factor = 1, b * b - 4 * a * c, 2
        while factor * factor <= rest and factor < MAX_SQUARE_FACTOR:
            if rest % (factor * factor) == 0:
                rest //= factor * factor
                square *= factor
            else:
                factor += 1
        common = math.gcd(b, square, 2 * a)
        b, square, bottom = b // common, square // common, 2 * a // common
        root = ("" if square == 1 else str(square)) + rf"\sqrt{{{rest}}}"
        plus = self > Fraction(-self.minimal_polynomial[1], 2 * a)
        if b == 0:
            shown = root if plus else f"-{root}"
        else:
            shown = f"{-b} {'+' if plus else '-'} {root}" if -b > 0 or not plus else f"{root} - {b}"
        return shown if bottom == 1 else rf"\frac{{{shown}}}{{{bottom}}}"

    def refined(self, width: Fraction) -> Algebraic:
        """Return the same number with an isolating interval of at most this width."""
        if self.high - self.low <= width:
            return self
        polynomial = fmpz_poly(list(self.minimal_polynomial))
        low, high = (fmpq(v.numerator, v.denominator) for v in (self.low, self.high))
        limit = fmpq(width.numerator, width.denominator)
        before = polynomial(low) > 0
        while high - low > limit:
            middle = (low + high) / 2
            if (polynomial(middle) > 0) == before:
                low = middle
            else:
                high = middle
        ends = (Fraction(int(v.p), int(v.q)) for v in (low, high))
        return Algebraic(self.minimal_polynomial, self.index, *ends)

    def __eq__(self, other: object) -> bool:
        """Return whether the numbers are the same, exactly."""
        if isinstance(other, Fraction):
            return self.is_rational and self.low == other
        if not isinstance(other, Algebraic):
            return NotImplemented
        return self.minimal_polynomial == other.minimal_polynomial and self.index == other.index

    def __hash__(self) -> int:
        """Hash the value of a rational number, else the polynomial and the index."""
        return hash(self.low if self.is_rational else (self.minimal_polynomial, self.index))

    def __lt__(self, other: Algebraic | Fraction) -> bool:
        """Compare exactly: two different numbers separate after finitely many bisections."""
        a, b = self, other if isinstance(other, Algebraic) else Algebraic.rational(other)
        if a == b:
            return False
        while not (a.high < b.low or b.high < a.low or (a.high == b.low and a.low < b.high) or a.low == b.high):
            a, b = a.refined((a.high - a.low) / 64), b.refined((b.high - b.low) / 64)
        return a.high <= b.low

    def __float__(self) -> float:
        """Return the nearest float, up to rounding."""
        close = self.refined(Fraction(1, 1 << 80))
        return float((close.low + close.high) / 2)

    def __str__(self) -> str:
        """Return the fraction of a rational number, else thirteen decimals."""
        return format_rational(self.low) if self.is_rational else f"{float(self):.13f}"

    def __repr__(self) -> str:
        """Return a short description."""
        return f"Algebraic({self})"


def _isolate(polynomial: fmpz_poly) -> list[tuple[Fraction, Fraction]]:
    """Return isolating intervals of the roots in (0, 1) of an irreducible polynomial, in order."""
    found, work = [], [(Fraction(0), Fraction(1), polynomial)]
    half_line = fmpz_poly([0, 1])
    while work:
        low, high, part = work.pop()
        count = _variations(part)
        if count == 1:
            found.append((low, high))
        elif count > 1:
            middle = (low + high) / 2
            # the roots are irrational here, so that no root is lost at the middle
            degree = part.degree()
            left = fmpz_poly([c * 2 ** (degree - k) for k, c in enumerate(part.coeffs())])
            right = left(half_line + 1)
            work += [(middle, high, right), (low, middle, left)]
    return sorted(found)


def odd_roots(polynomial: fmpz_poly) -> list[Algebraic]:
    """Return the roots in (0, 1) at which a polynomial, not 0, changes its sign, in order."""
    return sorted(sign_changes(polynomial))


def all_roots(polynomial: fmpz_poly) -> list[Algebraic]:
    """Return the distinct roots in (0, 1) of a polynomial, not 0, in order."""
    return sorted(_roots([factor for factor, _ in polynomial.factor()[1]]))


def sign_changes(polynomial: fmpz_poly) -> list[Algebraic]:
    """Return what :func:`odd_roots` returns, in no particular order."""
    return _roots([factor for factor, multiplicity in polynomial.factor()[1] if multiplicity % 2])


def _roots(factors: Sequence[fmpz_poly]) -> list[Algebraic]:
    found = []
    for factor in factors:
        coefficients = tuple(int(c) for c in factor.coeffs())
        if coefficients[-1] < 0:
            coefficients = tuple(-c for c in coefficients)
        if len(coefficients) == 2:
            value = Fraction(-coefficients[0], coefficients[1])
            if 0 < value < 1:
                found.append(Algebraic.rational(value))
        else:
            for index, (low, high) in enumerate(_isolate(factor)):
                found.append(Algebraic(coefficients, index, low, high))
    return found


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction with the smallest denominator strictly between two numbers.

    >>> simplest_between(Fraction(3, 10), Fraction(39, 100))
    Fraction(1, 3)
    """
    whole = low.numerator // low.denominator
    if whole + 1 < high:
        return Fraction(whole + 1)
    if low == whole:  # then high ≤ whole + 1
        return whole + Fraction(1, (1 / (high - whole)).__floor__() + 1)
    return whole + 1 / simplest_between(1 / (high - whole), 1 / (low - whole))


@dataclass(frozen=True, init=False, repr=False)
class RationalFunction:
    """A quotient of two polynomials in q with integer coefficients, in lowest terms, exact.

    >>> f = RationalFunction(fmpz_poly([0, 2, 2]), fmpz_poly([2, 4, 2]))
    >>> str(f), f.latex(), f(Fraction(1, 2))
    ('(q)/(1 + q)', '\\\\frac{q}{1 + q}', Fraction(1, 3))
    """

    numerator: tuple[int, ...]
    denominator: tuple[int, ...]

    def __init__(self, numerator: fmpz_poly, denominator: fmpz_poly) -> None:
        """Reduce to lowest terms; the lowest coefficient of the denominator becomes positive."""
        common = numerator.gcd(denominator)
        top, bottom = numerator // common, denominator // common
        if next(c for c in bottom.coeffs() if c) < 0:
            top, bottom = -top, -bottom
        object.__setattr__(self, "numerator", tuple(int(c) for c in top.coeffs()) or (0,))
        object.__setattr__(self, "denominator", tuple(int(c) for c in bottom.coeffs()))

    def __call__(self, q: Fraction) -> Fraction:
        """Return the value at a rational q."""
        return _evaluate(fmpz_poly(list(self.numerator)), q) / _evaluate(fmpz_poly(list(self.denominator)), q)

    def numerator_times(self, other: RationalFunction) -> fmpz_poly:
        """Return this numerator times the other denominator: two such products compare two quotients."""
        return fmpz_poly(list(self.numerator)) * fmpz_poly(list(other.denominator))

    def __str__(self) -> str:
        """Return plain text such as ``(1 - q)/(2 + q^2)``."""
        top, bottom = _text(self.numerator, "^{}"), _text(self.denominator, "^{}")
        return top if self.denominator == (1,) else f"({top})/({bottom})"

    def __repr__(self) -> str:
        """Return a short description."""
        return f"RationalFunction({self})"

    def latex(self, variable: str = "q") -> str:
        """Return LaTeX, the variable under a name that is LaTeX itself."""
        top, bottom = (_text(polynomial, "^{{{}}}", " ", variable) for polynomial in (self.numerator, self.denominator))
        return top if self.denominator == (1,) else f"\\frac{{{top}}}{{{bottom}}}"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def _text(coefficients: tuple[int, ...], power: str, times: str = "*", q: str = "q") -> str:
    parts = []
    for k, c in enumerate(coefficients):
        if c:
            name = "" if k == 0 else q if k == 1 else q + power.format(k)
            size = "" if abs(c) == 1 and k else str(abs(c)) + (times if k else "")
            parts.append((" - " if c < 0 else " + ") + size + name)
    text = "".join(parts) or " + 0"
    return text[3:] if text.startswith(" + ") else "-" + text[3:]
