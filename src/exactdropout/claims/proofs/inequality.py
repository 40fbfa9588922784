"""Is a polynomial ≥ 0, or > 0, on a product of lines and half-lines? Exact, sufficient tests: a None is no refutation.

- every coefficient positive and every odd power of a variable known to be ≥ 0;
- factors: even powers are ≥ 0, the rest one by one;
- a v² + b v + c with a ≥ 0, c ≥ 0 and 4 a c − b² ≥ 0 (where a = 0, b is 0 too);
- one variable left: no root of odd multiplicity inside the domain (Sturm), and one value ≥ 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sympy

__all__ = ["manifest", "nonnegative", "positive"]

MAX_TERMS = 1_500
MAX_DEPTH = 6
MAX_TESTS = 60
MAX_SPLITS = 6
"""Terms that are tried as the positive part of a sum."""


@dataclass
class _Budget:
    """Polynomials still to be tested: the recursion branches, and a None is an honest answer."""

    tests: int = MAX_TESTS

    def spent(self) -> bool:
        self.tests -= 1
        return self.tests < 0


def nonnegative(polynomial: Any, signed: Collection[int]) -> str | None:
    """Return how ``polynomial`` (a FLINT polynomial over ℚ) is shown to be ≥ 0, None where no test succeeds.

    ``signed`` lists the variables that may be negative; all others are ≥ 0.
    """
    return _test(polynomial, signed, 0, _Budget())


def positive(polynomial: Any, signed: Collection[int], strict: Collection[int]) -> str | None:
    """Return how ``polynomial`` is shown to be > 0: c m > 0 for one of its terms, and what remains is ≥ 0.

    ``strict`` lists the variables that are not 0. A half of the term is tried after the whole one.
    """

    def never_zero(monomial: Any) -> bool:
        return all(i in strict and not (power & 1 and i in signed) for i, power in enumerate(monomial) if power)

    found = [(m, c) for m, c in polynomial.terms() if c > 0 and never_zero(m)]
    for monomial, coefficient in sorted(found, key=lambda term: (sum(term[0]), term[0]))[:MAX_SPLITS]:
        for share in (1, 2):
            rest = polynomial - polynomial.context().from_dict({monomial: coefficient / share})
            shown = nonnegative(rest, signed)
            if shown is not None:
                return f"one term is positive; as for the rest, {shown}"
    return None


def _test(polynomial: Any, signed: Collection[int], depth: int, budget: _Budget) -> str | None:
    if len(polynomial) > MAX_TERMS or depth > MAX_DEPTH or budget.spent():
        return None
    if manifest(polynomial, signed):
        return "every term is a product of factors that are not negative" if polynomial != 0 else "it is 0"
    used = [i for i, degree in enumerate(polynomial.degrees()) if degree]
    if len(used) <= 1:
        return _univariate(polynomial, used, signed)
    found = _factored(polynomial, signed, depth, budget)
    if found is not None:
        return found
    return _quadratic(polynomial, used, signed, depth, budget)


def manifest(polynomial: Any, signed: Collection[int]) -> bool:
    """Return whether every term is a positive number times factors known to be ≥ 0."""
    return all(c > 0 and not any(m[i] & 1 for i in signed) for m, c in polynomial.terms())


def _factored(polynomial: Any, signed: Collection[int], depth: int, budget: _Budget) -> str | None:
    content, factors = polynomial.factor()
    odd = [f for f, power in factors if power & 1]
    if len(factors) == 1 and factors[0][1] == 1:
        return None
    positive = content > 0
    for factor in odd:
        if _test(factor, signed, depth + 1, budget) is None:
            if _test(-factor, signed, depth + 1, budget) is None:
                return None
            positive = not positive
    if not positive:
        return None
    return "it is a product of even powers and of factors that are not negative"


def _quadratic(polynomial: Any, used: list[int], signed: Collection[int], depth: int, budget: _Budget) -> str | None:
    degrees = polynomial.degrees()
    for v in sorted(used, key=lambda i: (i not in signed, i)):
        if degrees[v] != 2:
            continue
        c, b, a = (_coefficient(polynomial, v, power) for power in range(3))
        # cheap tests first; the discriminant may be large
        if _test(a, signed, depth + 1, budget) is None or _test(c, signed, depth + 1, budget) is None:
            continue
        if len(a) * len(c) + len(b) ** 2 > MAX_TERMS:
            continue
        if _test(4 * a * c - b * b, signed, depth + 1, budget) is not None:
            return "it is a quadratic in one variable whose leading coefficient and discriminant have the right signs"
    return None


def _coefficient(polynomial: Any, variable: int, power: int) -> Any:
    terms = {}
    for monomial, value in polynomial.terms():
        if monomial[variable] == power:
            exponents = list(monomial)
            exponents[variable] = 0
            terms[tuple(exponents)] = value
    return polynomial.context().from_dict(terms)


def _univariate(polynomial: Any, used: list[int], signed: Collection[int]) -> str | None:
    if not used:
        return None  # a negative constant
    variable = used[0]
    z = sympy.Symbol("z")
    terms = {(m[variable],): sympy.Rational(int(c.p), int(c.q)) for m, c in polynomial.terms()}
    poly = sympy.Poly.from_dict(terms, z, domain=sympy.QQ)
    for factor, power in poly.factor_list()[1]:
        if power & 1:
            inside = factor.count_roots() if variable in signed else factor.count_roots(0, None)
            if variable not in signed and factor.eval(0) == 0:
                inside -= 1  # a root at the edge changes no sign inside
            if inside:
                return None
    for sample in range(1, poly.degree() + 3):
        value = poly.eval(sample)
        if value != 0:
            return "a polynomial in one variable without sign change, by Sturm's theorem" if value > 0 else None
    return None
