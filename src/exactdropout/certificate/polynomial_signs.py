"""Polynomials in q with integer coefficients, and what is not negative between two real algebraic numbers.

A part of ``phases_checker.py``; it uses the standard library, and ``checker.py`` for reading. Descartes' rule: the sign
variations of the coefficients of (1 + x)^d f(1/(1 + x)) are at least as many as the roots of f in (0, 1), each counted
with its multiplicity, and as many where they are 0 or 1. Where f has a root at an end of a cell, the polynomial of that
end is divided out first; where it has double roots inside, its part of odd multiplicity decides.
"""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exactdropout.certificate import checker
else:
    checker = sys.modules.get("checker") or sys.modules["exactdropout.certificate.checker"]

MAX_DEGREE = 300
MAX_ROUNDS = 4
MAX_DEPTH = 64

Poly = tuple[int, ...]  # coefficients, the constant first, the last one not 0; () is 0
Q: Poly = (0, 1)
KEPT: Poly = (1, -1)


# ---- reading [7] ----------------------------------------------------------------------------------------------------


def polynomial(value: Any, where: str, *, zero: bool = False) -> Poly:
    """Require a list of integers, the coefficients with the constant first; 0 only where it may be."""
    found = checker.items(value, where, limit=MAX_DEGREE + 1)
    if not all(checker.is_integer(v) for v in found):
        raise checker.MalformedError(f"{where} must hold integers")
    f = trimmed(found)
    if not f and not zero:
        raise checker.MalformedError(f"{where} must not be 0")
    return f


def polynomials(value: Any, where: str, length: int) -> list[Poly]:
    """Require a list of polynomials."""
    return [polynomial(v, where, zero=True) for v in checker.items(value, where, length)]


# ---- polynomials with integer coefficients --------------------------------------------------------------------------


def trimmed(values: Any) -> Poly:
    """Return coefficients without zeros at the end."""
    found = list(values)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def plus(*terms: Poly) -> Poly:
    """Return a sum."""
    total = [0] * max((len(f) for f in terms), default=0)
    for f in terms:
        for k, v in enumerate(f):
            total[k] += v
    return trimmed(total)


def times(f: Poly, g: Poly) -> Poly:
    """Return a product."""
    if not f or not g:
        return ()
    total = [0] * (len(f) + len(g) - 1)
    for i, v in enumerate(f):
        if v:
            for j, w in enumerate(g):
                total[i + j] += v * w
    return tuple(total)


def scaled(f: Poly, factor: int) -> Poly:
    """Return an integer multiple."""
    return tuple(v * factor for v in f) if factor else ()


def at(f: Poly, q: Fraction) -> Fraction:
    """Return f(q)."""
    total = Fraction(0)
    for v in reversed(f):
        total = total * q + v
    return total


def sign(value: Fraction) -> int:
    """Return -1, 0 or 1."""
    return (value > 0) - (value < 0)


def primitive(f: Poly) -> Poly:
    """Return f divided by the positive gcd of its coefficients."""
    divisor = math.gcd(*f)
    return tuple(v // divisor for v in f) if divisor > 1 else f


def quotient(f: Poly, g: Poly) -> Poly | None:
    """Return f/g where that has integer coefficients, else None."""
    if not f:
        return ()
    rest, top = list(f), [0] * (len(f) - len(g) + 1)
    for k in range(len(f) - len(g), -1, -1):
        top[k], left = divmod(rest[k + len(g) - 1], g[-1])
        if left:
            return None
        if top[k]:
            for j, v in enumerate(g):
                rest[k + j] -= top[k] * v
    return None if any(rest) or len(f) < len(g) else trimmed(top)


def exact(f: Poly, g: Poly) -> Poly:
    """Return f/g up to a positive factor, for g that divides f over the rationals."""
    found = quotient(scaled(f, g[-1] ** (2 * len(f))), g)
    if found is None:
        raise ArithmeticError("not a divisor")
    return primitive(found)


def common_divisor(f: Poly, g: Poly) -> Poly:
    """Return the greatest common divisor with coprime integer coefficients and a positive leading one."""
    f, g = primitive(f), primitive(g)
    while g:
        while len(f) >= len(g):
            shift = (0,) * (len(f) - len(g))
            f = primitive(plus(scaled(f, g[-1]), scaled((*shift, *g), -f[-1])))
        f, g = g, f
    return scaled(f, -1) if f[-1] < 0 else f


def odd_part(f: Poly) -> Poly:
    """Return the product of the factors of odd multiplicity, with the sign of f: f is this times a square (Yun)."""
    derivative = trimmed(k * v for k, v in enumerate(f) if k)
    repeated = common_divisor(f, derivative)
    flat, number = exact(f, repeated), 0
    found: Poly = (1,)
    while len(flat) > 1:  # flat: the product of the factors of multiplicity above ``number``, each once
        number += 1
        rest = common_divisor(flat, repeated)
        only = exact(flat, rest)
        found = times(found, only) if number % 2 else found
        flat = rest
        repeated = exact(repeated, rest)
    return found if (found[-1] > 0) == (f[-1] > 0) else scaled(found, -1)


def variations(f: Poly, low: Fraction, high: Fraction) -> int:
    """Return Descartes' bound on the number of roots of f in (low, high): it is exact where it is 0 or 1."""
    below = math.lcm(low.denominator, high.denominator)
    start, length = int(low * below), int((high - low) * below)
    degree = len(f) - 1
    moved = [v * below ** (degree - k) for k, v in enumerate(f)]
    _shift(moved, start)
    moved = [v * length**k for k, v in enumerate(moved)][::-1]
    _shift(moved, 1)
    signs = [v > 0 for v in moved if v]
    return sum(a != b for a, b in pairwise(signs))


def _shift(f: list[int], by: int) -> None:
    """Replace f(x) by f(x + by)."""
    for i in range(len(f) - 1):
        for j in range(len(f) - 2, i - 1, -1):
            f[j] += by * f[j + 1]


# ---- the ends of cells, and what is not negative between two of them [8] --------------------------------------------


class End:
    """A real algebraic number in [0, 1]: the only root of a polynomial between two rationals, or a rational."""

    def __init__(self, value: Any) -> None:
        """Read a rational, or {polynomial, low, high}."""
        if isinstance(value, dict):
            checker.keys(value, "an end", "polynomial", "low", "high")
            self.polynomial = polynomial(value["polynomial"], "the polynomial of an end")
            self.low, self.high = checker.rational(value["low"], "low"), checker.rational(value["high"], "high")
            if not 0 <= self.low < self.high <= 1:
                raise checker.MalformedError("an end must lie between 0 <= low < high <= 1")
            if sign(at(self.polynomial, self.low)) * sign(at(self.polynomial, self.high)) >= 0:
                raise checker.RejectedError("the polynomial of an end does not change its sign from low to high")
            if variations(self.polynomial, self.low, self.high) != 1:
                raise checker.RejectedError("the polynomial of an end may have several roots between low and high")
        else:
            self.low = self.high = checker.rational(value, "an end")
            if not 0 <= self.low <= 1:
                raise checker.MalformedError("an end must lie in [0, 1]")
            self.polynomial = (-self.low.numerator, self.low.denominator)

    def refine(self, width: Fraction) -> None:
        """Halve the interval until it is short."""
        if self.low == self.high:
            return
        before = sign(at(self.polynomial, self.low))
        while self.high - self.low > width:
            middle = (self.low + self.high) / 2
            here = sign(at(self.polynomial, middle))
            if not here:
                raise checker.RejectedError("an end is rational and given by a polynomial")
            if here == before:
                self.low = middle
            else:
                self.high = middle

    def __str__(self) -> str:
        """Return the rational, or twelve digits of the root."""
        self.refine(Fraction(1, 10**14))
        return str(self.low) if self.low == self.high else f"{float((self.low + self.high) / 2):.12f}..."


class Interval:
    """The numbers q between two ends."""

    def __init__(self, lower: End, upper: End, work: checker.Work) -> None:
        """Take two ends; the second must be larger."""
        self.lower, self.upper, self.work = lower, upper, work
        for _ in range(MAX_ROUNDS):
            if lower.high < upper.low:
                break
            lower.refine((lower.high - lower.low) / 2**20)
            upper.refine((upper.high - upper.low) / 2**20)
        else:
            raise checker.RejectedError("the ends of a cell are not in order")

    def nonnegative(self, f: Poly) -> bool:
        """Return True where f >= 0 on the whole interval is proved; False says nothing."""
        f = self._without_ends(f)
        if not f:
            return True
        for turn in range(MAX_ROUNDS):
            self.work.add(len(f) ** (2 + (turn > 0)) * (1 + max(v.bit_length() for v in f) // 64) ** 2)
            g = f if not turn else odd_part(f)
            kept = self._signed(g)
            if kept and self._rootless(kept) and self._value(kept) > 0:
                return True
            for end in (self.lower, self.upper):
                end.refine(Fraction(1, 1 << (60 * (turn + 1))))
        return False

    def positive(self, f: Poly) -> bool:
        """Return True where f > 0 on the interval with its ends, 0 and 1 excepted, is proved; False says nothing."""
        f = self._without_ends(f)
        for turn in range(MAX_ROUNDS if f else 0):
            outer = (self.lower.low, self.upper.high)
            whole = all(at(f, v) for v in outer if 0 < v < 1)
            if whole and self._rootless(f) and self._value(f) > 0:
                return True
            for end in (self.lower, self.upper):
                end.refine(Fraction(1, 1 << (60 * (turn + 1))))
        return False

    def sample(self) -> Fraction:
        """Return a rational number inside."""
        return (self.lower.high + self.upper.low) / 2

    def _value(self, f: Poly) -> Fraction:
        """Return a value of f inside that is not 0, for f not 0."""
        low, high = self.lower.high, self.upper.low
        shares = (Fraction(k, len(f) + 1) for k in range(1, len(f) + 1))
        return next(v for v in (at(f, low + (high - low) * share) for share in shares) if v)

    def _without_ends(self, f: Poly) -> Poly:
        """Return f divided by powers of q and 1 - q, which are positive in (0, 1), and by a positive number."""
        f = primitive(f)
        while f and not f[0]:
            f = f[1:]
        while f and not sum(f):
            f = tuple(accumulate(f))[:-1]
        return f

    def _signed(self, f: Poly) -> Poly | None:
        """Return f divided by the polynomials of the ends, as far as their signs inside are known."""
        for end, other in ((self.lower, self.upper), (self.upper, self.lower)):
            if end.low == end.high and end.low in (0, 1):
                continue
            odd = False
            while len(f) >= len(end.polynomial) and (g := quotient(f, end.polynomial)) is not None:
                f, odd = g, not odd
            if odd:
                here = self._sign_of(end, other)
                if not here:
                    return None
                f = scaled(f, here)
        return f

    def _sign_of(self, end: End, other: End) -> int:
        """Return the sign inside of the polynomial of an end, 0 where it may have another root there."""
        p = end.polynomial
        if end.low == end.high:
            return 1 if end is self.lower else -1
        shared = p == other.polynomial
        if end is self.lower:
            low, high, inner = end.high, other.low if shared else other.high, end.high
        else:
            low, high, inner = other.high if shared else other.low, end.low, end.low
        return sign(at(p, inner)) if low < high and self._free(p, low, high) else 0

    def _rootless(self, f: Poly) -> bool:
        """Return True where f is proved to have no root between the outer bounds of the ends."""
        return self._free(f, self.lower.low, self.upper.high)

    def _free(self, f: Poly, low: Fraction, high: Fraction) -> bool:
        waiting = [(low, high, 0)]
        while waiting:
            a, b, depth = waiting.pop()
            digits = sum(v.bit_length() for v in f) + len(f) ** 2 * (a.denominator.bit_length() + depth)
            self.work.add(len(f) ** 2 * (1 + digits // (64 * len(f))) + 200)
            count = variations(f, a, b)
            if not count:
                continue
            middle = (a + b) / 2
            if count == 1 or depth > MAX_DEPTH or not at(f, middle):
                return False
            waiting += [(a, middle, depth + 1), (middle, b, depth + 1)]
        return True
