"""From SymPy expressions to the trees that are printed and compared."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.names import author_order
from exactdropout.notation.tree import Add, Call, Divide, Expression, Multiply, Name, Negate, Number, Power, Repeated
from exactdropout.symbolic.ring.relu import Leaky, Relu, Step

__all__ = ["MAX_NESTING", "tree"]

MAX_NESTING = 200
MAX_ORDERED = 200
"""Longer sums keep the order that they have: SymPy's order of terms costs more than anybody reads."""
_FUNCTIONS = (
    (Relu, "relu"), (Step, "step"), (Leaky, "leaky"), (sympy.Abs, "abs"), (sympy.Max, "max"), (sympy.Min, "min"),
)  # fmt: skip


def tree(
    expression: Any,
    symbol: Callable[[str], Expression],
    *,
    base: Callable[[str], bool] = lambda name: False,
    max_nesting: int = MAX_NESTING,
    max_exponent: int | None = None,
    argument: str = "expression",
) -> Expression:
    """Return a SymPy expression as a tree, term by term as it stands.

    Args:
        expression: numbers, symbols, sums, products, powers, relu, step, Abs, Max, Min, Sum, Product, Indexed.
        symbol: makes a tree of a symbol's name.
        base: says whether an ``IndexedBase`` of this name may occur.
        max_nesting: refuse deeper expressions.
        max_exponent: refuse larger integer exponents.
        argument: what an error message calls the expression.

    Raises:
        InvalidInput: something else occurs, or a limit is passed.
    """

    def product(node: Any, depth: int) -> Expression:
        top, bottom = sympy.fraction(node, exact=True)
        if bottom != 1:
            above, below = walk(top, depth), walk(bottom, depth)
            return Negate(Divide(above.operand, below)) if isinstance(above, Negate) else Divide(above, below)
        coefficient, rest = node.as_coeff_Mul()
        if coefficient == -1 and rest.is_Add:
            return walk(sympy.Add(*(-term for term in rest.args)), depth)
        if coefficient.is_negative:
            return Negate(walk(-node, depth))
        factors = sorted((walk(f, depth) for f in sympy.Mul.make_args(rest)), key=author_order)
        return Multiply((*([walk(coefficient, depth)] if coefficient != 1 else []), *factors))

    def power(node: Any, depth: int) -> Expression:
        if max_exponent is not None and node.exp.is_Integer and abs(int(node.exp)) > max_exponent:
            raise InvalidInput(f"Argument {argument!r} must have exponents up to {max_exponent}, not {node.exp}.")
        if node.exp.could_extract_minus_sign():
            return Divide(Number(Fraction(1)), walk(1 / node, depth))
        if node.exp == sympy.S.Half:
            return Call("sqrt", (walk(node.base, depth),))
        return Power(walk(node.base, depth), walk(node.exp, depth))

    def walk(node: Any, depth: int) -> Expression:
        if depth > max_nesting:
            raise InvalidInput(f"Argument {argument!r} nests more than {max_nesting} levels.")
        depth += 1
        if node.is_Rational:
            value = Fraction(int(node.p), int(node.q))
            number: Expression = Number(Fraction(abs(value.numerator)))
            if value.denominator != 1:
                number = Divide(number, Number(Fraction(value.denominator)))
            return Negate(number) if value < 0 else number
        if isinstance(node, sympy.Symbol):
            return symbol(str(node))
        if isinstance(node, sympy.Indexed):
            if not base(str(node.base)):
                raise InvalidInput(
                    f"Argument {argument!r} holds {show(str(node.base))} with indices; x, w, W and b have them."
                )
            return Name(str(node.base), tuple(walk(i, depth) for i in node.indices))
        if node.is_Add:
            ordered = node.as_ordered_terms() if len(node.args) <= MAX_ORDERED else node.args
            return Add(_plus_first([walk(term, depth) for term in ordered]))
        if node.is_Mul:
            return product(node, depth)
        if node.is_Pow:
            return power(node, depth)
        for kind, name in _FUNCTIONS:
            if isinstance(node, kind):
                return Call(name, tuple(walk(a, depth) for a in node.args))
        if isinstance(node, (sympy.Sum, sympy.Product)):
            body = walk(node.function, depth)
            sign = "sum" if isinstance(node, sympy.Sum) else "product"
            for index, first, last in node.limits:
                body = Repeated(sign, str(index), walk(first, depth), walk(last, depth), body)  # type: ignore[arg-type]
            return body
        raise InvalidInput(f"Argument {argument!r} holds {show(node)}, which is not part of the grammar.")

    return walk(expression, 0)


def _plus_first(terms: list[Expression]) -> tuple[Expression, ...]:
    """Return the terms of a sum with one that has no minus in front, if there is one: y − b, not −b + y."""
    first = next((i for i, term in enumerate(terms) if not isinstance(term, Negate)), 0)
    return (terms[first], *terms[:first], *terms[first + 1 :])
