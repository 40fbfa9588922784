"""A formula as an author would write it: terms that differ in their rate are one, and 1 − q is cancelled."""

from __future__ import annotations

import re
from typing import Any

import sympy

__all__ = ["RATE", "as_product", "tidied"]

RATE = re.compile(r"q(\[\d+\])?\Z")


def tidied(expression: sympy.Expr) -> sympy.Expr:
    """Return an equal expression without terms that add up, such as a/(1 - q) - a q/(1 - q) = a.

    A term is a rational function of one drop rate times the rest; terms with one rest become one, its coefficient as
    q^a (1 - q)^b times a polynomial. A fraction over powers of 1 - q is divided out where one of its terms cancels. A
    polynomial in rates is positive at rate 0, its sign in front.

    >>> q, a, b = sympy.symbols("q a b")
    >>> tidied(a / (1 - q) - a * q / (1 - q) + b)
    a + b
    >>> tidied((a - b * (1 - q)) / (1 - q))
    a/(1 - q) - b
    >>> tidied(-a * (-q - 1) + b)
    a*(q + 1) + b
    """
    rates = [s for s in expression.free_symbols if isinstance(s, sympy.Symbol) and RATE.match(s.name)]
    if not rates:
        return expression
    given = [_signed(term, rates) for term in sympy.Add.make_args(expression)]
    terms = [part for term in given for part in _divided(term, rates)]
    groups: dict[Any, list[sympy.Expr]] = {}
    for term in terms:
        factors = sympy.Mul.make_args(term)
        own = [f for f in factors if f.is_Rational or _is_of(f, rates)]
        rest = sympy.Mul(*(f for f in factors if f not in own))
        groups.setdefault(rest, []).append(sympy.Mul(*own))
    if len(groups) == len(terms) and len(terms) == len(sympy.Add.make_args(expression)):
        return sympy.Add(*given)
    return sympy.Add(*(_sum(parts) * rest for rest, parts in groups.items()))


def _signed(term: sympy.Expr, rates: list[sympy.Symbol]) -> sympy.Expr:
    """Return a product in which polynomials in rates are positive at rate 0."""
    turned, found = False, []
    for factor in sympy.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if base.is_Add and exponent.is_Integer and _is_of(base, rates) and base.subs(dict.fromkeys(rates, 0)) < 0:
            turned ^= bool(exponent % 2)
            found.append(sympy.expand(-base) ** exponent)
        else:
            found.append(factor)
    return sympy.Mul(-1 if turned else 1, *found)


def _divided(term: sympy.Expr, rates: list[sympy.Symbol]) -> list[sympy.Expr]:
    """Return the terms of a fraction over powers of 1 - q, where that cancels a factor of one of them."""
    factors = sympy.Mul.make_args(term)
    below = {f.base for f in factors if f.is_Pow and f.exp.is_negative and _is_of(f, rates)}
    sums = [f for f in factors if f.is_Add and not _is_of(f, rates)]
    if len(sums) != 1 or not below:
        return [term]
    cancels = any(
        part in below or (part.is_Pow and part.base in below)
        for inner in sums[0].args
        for part in sympy.Mul.make_args(inner)
    )
    if not cancels:
        return [term]
    rest = sympy.Mul(*(f for f in factors if f is not sums[0]))
    return [rest * inner for inner in sums[0].args]


def _is_of(factor: sympy.Expr, rates: list[sympy.Symbol]) -> bool:
    """Return whether a factor is a rational function of rates alone."""
    return not factor.is_Function and factor.free_symbols <= set(rates) and factor.is_rational_function(*rates)


def _sum(parts: list[sympy.Expr]) -> sympy.Expr:
    """Return the sum of rational functions of rates; of several as a product."""
    return parts[0] if len(parts) == 1 else as_product(sympy.Add(*parts))


def as_product(function: sympy.Expr, rest: sympy.Expr = sympy.S.One) -> sympy.Expr:
    """Return a rational function of rates times the rest as a product, over powers of 1 - q if there is one rate."""
    total = sympy.cancel(function)
    used = sorted(total.free_symbols, key=str)
    if len(used) != 1:
        return (total if not used else sympy.factor(total)) * rest
    q = used[0]
    top, bottom = sympy.fraction(sympy.together(total))
    top, power = sympy.Poly(top, q), 0
    bottom = sympy.Poly(bottom, q)
    keep = sympy.Poly(1 - q, q)
    while bottom.degree() > 0:
        quotient, remainder = sympy.div(bottom, keep)
        if not remainder.is_zero:
            return sympy.factor(total) * rest
        bottom, power = quotient, power - 1
    number = 1 / bottom.as_expr()
    drops = 0
    while top.degree() > 0 and top.eval(0) == 0:
        top, drops = sympy.div(top, sympy.Poly(q, q))[0], drops + 1
    while top.degree() > 0 and top.eval(1) == 0:
        top, power = sympy.div(top, keep)[0], power + 1
    content, left = top.primitive()
    if left.eval(0) < 0:
        content, left = -content, -left
    return sympy.Mul(content * number, q**drops, (1 - q) ** power, left.as_expr(), rest)
