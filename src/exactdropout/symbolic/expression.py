"""From ring elements to SymPy: coefficients in factored form, atoms as relu(…) and step(…)."""

from __future__ import annotations

from typing import Any

import sympy

from exactdropout.symbolic.relu import relu, step
from exactdropout.symbolic.ring import ReluPolynomial, ReluRing

__all__ = ["to_sympy"]

FACTOR_TERMS = 64
"""Longer coefficients are written as sums; factoring them would cost more than it tells."""


def to_sympy(element: ReluPolynomial, divisor: ReluPolynomial | None = None) -> sympy.Expr:
    """Return an element, divided by a product of generators if one is given, as a SymPy expression."""
    ring = element.ring
    known: dict[int, sympy.Expr] = {}
    for number in sorted(element.atom_numbers()):  # an atom's argument holds lower numbers only
        atom = ring.atoms[number]
        function = relu if atom.kind == "relu" else step
        known[number] = function(_sum(ring, atom.argument, known, sympy.S.One))
    inverse = sympy.S.One if divisor is None else 1 / _sum(ring, divisor, known, sympy.S.One)
    return _sum(ring, element, known, inverse)


def _sum(ring: ReluRing, element: ReluPolynomial, atoms: dict[int, sympy.Expr], factor: sympy.Expr) -> sympy.Expr:
    terms = []
    for monomial, coefficient in element.terms.items():
        product = [atoms[n] for n in monomial]
        if not monomial and len(coefficient) > FACTOR_TERMS:
            terms += [factor * _term(ring, m, c) for m, c in coefficient.terms()]
        else:
            terms.append(sympy.Mul(factor, _coefficient(ring, coefficient), *product))
    return sympy.Add(*terms)


def _coefficient(ring: ReluRing, coefficient: Any) -> sympy.Expr:
    if len(coefficient) == 1:
        ((exponents, value),) = coefficient.terms()
        return _term(ring, exponents, value)
    if len(coefficient) > FACTOR_TERMS:
        return sympy.Add(*(_term(ring, m, c) for m, c in coefficient.terms()))
    content, factors = coefficient.factor()
    parts = [sympy.Rational(int(content.p), int(content.q))]
    for base, exponent in factors:
        total = sympy.Add(*(_term(ring, m, c) for m, c in base.terms()))
        only = [i for i, degree in enumerate(base.degrees()) if degree]
        if len(only) == 1 and not ring.generators[only[0]].is_Symbol and len(base) > 1:
            total = sympy.expand(total)  # a polynomial in 1 − q alone reads better as one in q
        parts.append(total**exponent)
    return sympy.Mul(*parts)


def _term(ring: ReluRing, exponents: tuple[int, ...], value: Any) -> sympy.Expr:
    powers = [ring.generators[i] ** e for i, e in enumerate(exponents) if e]
    return sympy.Mul(sympy.Rational(int(value.p), int(value.q)), *powers)
