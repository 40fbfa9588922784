"""A formula of a network with leaky relu in its own function: s z + (1 − s) relu(z) is leaky(z)."""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.symbolic.criterion.tidied import RATE, as_product
from exactdropout.symbolic.ring.relu import Leaky, Relu

__all__ = ["with_leaky_units"]

MAX_TERMS = 400
"""Sums of more terms keep relu: putting them together takes longer than anybody reads."""


def with_leaky_units(expression: sympy.Expr, slope: Fraction) -> sympy.Expr:
    """Return an equal expression in leaky(z) for 0 < slope < 1, by relu(z) = (leaky(z) − s z)/(1 − s).

    Sums are multiplied out and equal terms put together, so that what is left of z cancels; squares of sums with relu
    stay squares.

    >>> z, w = sympy.symbols("z w")
    >>> with_leaky_units((w * z / 10 + 9 * w * Relu(z) / 10) ** 2, Fraction(1, 10))
    w**2*leaky(z)**2
    """
    s = sympy.Rational(slope.numerator, slope.denominator)

    def moved(node: sympy.Expr) -> sympy.Expr:
        if isinstance(node, Relu):
            z = _together(moved(node.args[0]))
            size = abs(z.as_content_primitive()[0])
            return size * (Leaky(z / size) - s * z / size) / (1 - s)
        if not node.has(Relu):
            return node
        if not node.is_Add:
            return node.func(*map(moved, node.args))
        squares = [term for term in node.args if _holds_square(term)]
        rest = sympy.Add(*(_replaced(term, moved) for term in node.args if term not in squares))
        return sympy.Add(*map(moved, squares), _together(rest))

    if len(sympy.Add.make_args(expression)) > MAX_TERMS:
        return expression
    if not expression.is_Add and not _holds_square(expression):
        return _together(_replaced(expression, moved)) if expression.has(Relu) else expression
    return moved(expression)


def _replaced(term: sympy.Expr, moved: object) -> sympy.Expr:
    return term.replace(lambda node: isinstance(node, Relu), moved)


def _holds_square(term: sympy.Expr) -> bool:
    """Return whether a power of a sum with relu occurs, outside of the arguments of relu."""
    if isinstance(term, Relu) or not term.has(Relu):
        return False
    return (term.is_Pow and term.base.is_Add) or any(map(_holds_square, term.args))


def _together(expression: sympy.Expr) -> sympy.Expr:
    """Return a sum multiplied out, coefficients being rational functions of the rates."""
    units = sorted(expression.atoms(Leaky), key=sympy.default_sort_key)
    outer = [u for u in units if not any(u != v and v.has(u) for v in units)]
    names = {unit: sympy.Dummy(f"u{k}") for k, unit in enumerate(outer)}
    inner = expression.xreplace(names)
    names |= {u: sympy.Dummy(f"v{k}") for k, u in enumerate(inner.atoms(Leaky))}
    inner = inner.xreplace(names)
    rates = sorted((x for x in inner.free_symbols if RATE.match(x.name)), key=str)
    others = sorted(inner.free_symbols - set(rates), key=lambda x: (isinstance(x, sympy.Dummy), str(x)))
    if not others:
        return expression
    domain = sympy.QQ.frac_field(*rates) if rates else sympy.QQ
    back = {name: unit for unit, name in names.items()}
    total = sympy.Poly(inner, *others, domain=domain)
    terms = (as_product(c, sympy.Mul(*(x**e for x, e in zip(others, m, strict=True)))) for m, c in total.terms())
    return sympy.Add(*terms).xreplace(back)
