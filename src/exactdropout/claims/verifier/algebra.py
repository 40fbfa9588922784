"""Polynomials and quotients of the verifier: dictionaries of fractions, shared with no other algebra of the package."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = [
    "MAX_POWER",
    "MAX_TERMS",
    "ONE",
    "Monomial",
    "NotReplayed",
    "Polynomial",
    "Ratio",
    "T",
    "budget",
    "by_power",
    "constant",
    "gen",
    "plus",
    "polynomial_text",
    "ratio", "roots",
    "scaled",
    "spend",
    "square_root",
    "substitute",
    "times",
    "to_power",
]  # fmt: skip

F = Fraction
Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]
MAX_TERMS = 1_500
MAX_POWER = 40
MAX_ROOT = 30
"""Terms of a polynomial of which the square is recognised."""


class NotReplayed(Exception):
    """A side condition fails, a certificate is wrong, or a claim is not covered; the message says why."""


_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


@contextmanager
def budget(products: int) -> Iterator[None]:
    """Let what is inside end with NotReplayed after so many products of terms: a search must end."""
    token = _left.set([products])
    try:
        yield
    finally:
        _left.reset(token)


def spend(products: int) -> None:
    """Take products from the budget around, if there is one.

    Raises:
        NotReplayed: it is spent.
    """
    left = _left.get()
    if left is not None:
        left[0] -= products
        if left[0] < 0:
            raise NotReplayed("a proof that takes more products than its budget")


def constant(value: Fraction | int) -> Polynomial:
    """Return a number as a polynomial."""
    return {(): F(value)} if value else {}


def gen(name: str) -> Polynomial:
    """Return a variable as a polynomial."""
    return {((name, 1),): F(1)}


def plus(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a + b."""
    total = dict(a)
    for monomial, value in b.items():
        both = value + total.pop(monomial, F(0))
        if both:
            total[monomial] = both
    return total


def scaled(a: Polynomial, factor: Fraction) -> Polynomial:
    """Return factor · a."""
    return {m: factor * v for m, v in a.items()} if factor else {}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a b.

    Raises:
        NotReplayed: the product has too many terms.
    """
    if len(a) * len(b) > 40 * MAX_TERMS:
        raise NotReplayed("a product with too many terms")
    spend(len(a) * len(b))
    total: Polynomial = {}
    for m, u in a.items():
        for n, v in b.items():
            exponents = dict(m)
            for name, power in n:
                exponents[name] = exponents.get(name, 0) + power
            key = tuple(sorted(exponents.items()))
            value = total.get(key, F(0)) + u * v
            if value:
                total[key] = value
            else:
                total.pop(key, None)
    if len(total) > MAX_TERMS:
        raise NotReplayed("a polynomial with too many terms")
    return total


def to_power(a: Polynomial, exponent: int) -> Polynomial:
    """Return a^exponent."""
    if not 0 <= exponent <= MAX_POWER:
        raise NotReplayed(f"the exponent {exponent}")
    result = constant(1)
    for _ in range(exponent):
        result = times(result, a)
    return result


def by_power(a: Polynomial, name: str) -> dict[int, Polynomial]:
    """Return the coefficients of the powers of one variable."""
    found: dict[int, Polynomial] = {}
    for monomial, value in a.items():
        power = dict(monomial).get(name, 0)
        found.setdefault(power, {})[tuple(item for item in monomial if item[0] != name)] = value
    return found


def square_root(a: Polynomial) -> Polynomial | None:
    """Return s with s² = a, by leading terms; None where there is none of at most MAX_ROOT terms.

    >>> square_root({(("x", 2),): F(4), (("x", 1),): F(4), (): F(1)})
    {(('x', 1),): Fraction(2, 1), (): Fraction(1, 1)}
    """
    order = sorted({name for m in a for name, _ in m})

    def place(monomial: Monomial) -> tuple[int, ...]:
        return tuple(dict(monomial).get(name, 0) for name in order)

    found: Polynomial = {}
    rest = a
    lead: tuple[Monomial, Fraction] = ((), F(0))
    while rest and len(found) < MAX_ROOT:
        top = max(rest, key=place)
        value, powers = rest[top], dict(top)
        if found:
            value /= 2 * lead[1]
            powers = {name: powers.get(name, 0) - dict(lead[0]).get(name, 0) for name in {*powers, *dict(lead[0])}}
            if any(power < 0 for power in powers.values()):
                return None
        else:
            roots_of = math.isqrt(max(value.numerator, 0)), math.isqrt(value.denominator)
            if (F(*roots_of)) ** 2 != value or any(power % 2 for power in powers.values()):
                return None
            value, powers = F(*roots_of), {name: power // 2 for name, power in powers.items()}
        term = {tuple(sorted((name, power) for name, power in powers.items() if power)): value}
        lead = lead if found else next(iter(term.items()))
        found = plus(found, term)
        rest = plus(a, scaled(times(found, found), F(-1)))
        if rest and place(max(rest, key=place)) >= place(top):
            return None
    return None if rest else found


def substitute(a: Polynomial, name: str, value: Polynomial) -> Polynomial:
    """Return a with a polynomial for a variable."""
    total: Polynomial = {}
    for power, rest in by_power(a, name).items():
        total = plus(total, times(rest, to_power(value, power)))
    return total


ONE, T = constant(1), gen("t'")
ONE_PLUS_T = plus(ONE, T)


@dataclass(frozen=True)
class Ratio:
    """top / ((1 + t)^keep · bottom)."""

    top: Polynomial
    keep: int = 0
    bottom: Polynomial = field(default_factory=lambda: ONE)

    def at(self, keep: int) -> Polynomial:
        """Return the top over (1 + t)^keep, keep ≥ self.keep."""
        return times(self.top, to_power(ONE_PLUS_T, keep - self.keep))

    def __add__(self, other: Ratio) -> Ratio:
        """Return the sum."""
        if not self.top or not other.top:
            return other if not self.top else self
        keep = max(self.keep, other.keep)
        a, b = self.at(keep), other.at(keep)
        if self.bottom == other.bottom:
            return Ratio(plus(a, b), keep, self.bottom)
        top = plus(times(a, other.bottom), times(b, self.bottom))
        return Ratio(top, keep, times(self.bottom, other.bottom))

    def __mul__(self, other: Ratio) -> Ratio:
        """Return the product."""
        return Ratio(times(self.top, other.top), self.keep + other.keep, times(self.bottom, other.bottom))

    def __neg__(self) -> Ratio:
        """Return the negative."""
        return Ratio(scaled(self.top, F(-1)), self.keep, self.bottom)

    def cancelled(self) -> Ratio:
        """Return the same without powers of variables that top and bottom share: equal where this is defined."""
        terms = [dict(m) for part in (self.top, self.bottom) for m in part]
        shared = {name: min(m.get(name, 0) for m in terms) for name in terms[0]} if self.top else {}

        def without(a: Polynomial) -> Polynomial:
            return {tuple((n, p - shared.get(n, 0)) for n, p in m if p > shared.get(n, 0)): v for m, v in a.items()}

        return Ratio(without(self.top), self.keep, without(self.bottom)) if any(shared.values()) else self

    def inverse(self) -> Ratio:
        """Return 1 / self."""
        if not self.top:
            raise NotReplayed("a division by 0")
        k = max((power for m in self.top for _, power in m), default=0)
        if k <= MAX_POWER and self.top == to_power(ONE_PLUS_T, k):  # a power of 1 + t stays one
            return Ratio(self.bottom, k - self.keep)
        return Ratio(self.bottom, -self.keep, self.top)


def ratio(value: Fraction | int) -> Ratio:
    """Return a number."""
    return Ratio(constant(value))


def polynomial_text(a: Polynomial) -> str:
    """Return a text that two polynomials share only where they are equal."""
    return "+".join(f"{v}*{'*'.join(f'{n}^{p}' for n, p in m)}" for m, v in sorted(a.items()))


def roots(p: list[Fraction], *, half: bool) -> int:
    """Return the number of distinct real roots, or of positive ones (p(0) ≠ 0), by Sturm's theorem."""
    chain = [p, [k * c for k, c in enumerate(p)][1:]]
    while any(chain[-1]):
        rest, divisor = list(chain[-2]), chain[-1]
        while divisor and divisor[-1] == 0:
            divisor = divisor[:-1]
        chain[-1] = divisor
        while len(rest) >= len(divisor):
            factor = rest[-1] / divisor[-1]
            for k, c in enumerate(divisor, start=len(rest) - len(divisor)):
                rest[k] -= factor * c
            rest.pop()
        chain.append([-c for c in rest])
    chain = [c for c in chain if any(c)]

    def changes(values: Iterable[Fraction]) -> int:
        signs = [v > 0 for v in values if v]
        return sum(a != b for a, b in itertools.pairwise(signs))

    high = changes(c[-1] for c in chain)
    low = changes(c[0] for c in chain) if half else changes(c[-1] * (-1) ** (len(c) - 1) for c in chain)
    return low - high
