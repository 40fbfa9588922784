"""Claims given as SymPy relations: from expression trees to syntax trees, by the names that ``free_network`` uses."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.parser import MAX_EXPONENT, MAX_NESTING
from exactdropout.claims.syntax import (
    QUANTITIES,
    Add,
    Call,
    Claim,
    Comparison,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
)
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.symbolic.relu import Relu

__all__ = ["claim_from_sympy"]

_ENTRY = re.compile(r"(x|v|w([0-9]+)|b([0-9]+))_([0-9]+)(?:_([0-9]+))?\Z")
_LETTER = re.compile(r"[A-Za-z]\Z")
_QUANTITIES = {**{name: name for name in QUANTITIES}, "J_D": "criterion", "R": "risk"}
_RELATIONS = {
    sympy.Eq: "=", sympy.Ne: "!=", sympy.Le: "<=", sympy.Lt: "<", sympy.Ge: ">=", sympy.Gt: ">",
}  # fmt: skip


def claim_from_sympy(relation: Any) -> Claim:
    """Return the claim that a SymPy relation states.

    Symbols named ``penalty``, ``criterion``, ``mean``, … are the quantities; ``w1_2_3``, ``b1_2``, ``v_1``, ``c``,
    ``x_1``, ``y`` are the entries that :func:`exactdropout.free_network` names:
    W[1][2,3], b[1][2], w[1], b, x[1] and y;
    ``IndexedBase`` objects named w, W, b, x under ``Sum`` carry indices as in the text form.

    Raises:
        InvalidInput: something else occurs.

    >>> x, w, q = sympy.symbols("x_1 v_1 q")
    >>> print(claim_from_sympy(sympy.Eq(sympy.Symbol("penalty"), q / (1 - q) * x**2 * w**2)))
    penalty = q*w[1]^2*x[1]^2/(1 - q)
    """
    name = next((text for kind, text in _RELATIONS.items() if isinstance(relation, kind)), None)
    if name is None:
        raise InvalidInput(f"Argument 'claim' must be text or a SymPy relation such as Eq, not {show(relation)}.")
    sides = (_expression(relation.lhs, 0), _expression(relation.rhs, 0))
    return Claim(Comparison(sides, (name,)))  # type: ignore[arg-type]


def _expression(node: Any, depth: int) -> Expression:
    if depth > MAX_NESTING:
        raise InvalidInput(f"Argument 'claim' nests more than {MAX_NESTING} levels.")

    def inner(item: Any) -> Expression:
        return _expression(item, depth + 1)

    if node.is_Rational:
        value = Fraction(int(node.p), int(node.q))
        number: Expression = Number(Fraction(abs(value.numerator)))
        if value.denominator != 1:
            number = Divide(number, Number(Fraction(value.denominator)))
        return Negate(number) if value < 0 else number
    if isinstance(node, sympy.Symbol):
        return _symbol(str(node))
    if isinstance(node, sympy.Indexed):
        base = str(node.base)
        if base not in ("x", "w", "W", "b"):
            raise InvalidInput(f"Argument 'claim' holds {show(base)} with indices; x, w, W and b have them.")
        return Name(base, tuple(map(inner, node.indices)))
    if node.is_Add:
        return Add(tuple(map(inner, node.as_ordered_terms())))
    if node.is_Mul:
        return _product(node, inner)
    if node.is_Pow:
        if node.exp.is_Integer and abs(int(node.exp)) > MAX_EXPONENT:
            raise InvalidInput(f"Argument 'claim' must have exponents up to {MAX_EXPONENT}, not {node.exp}.")
        if node.exp.could_extract_minus_sign():
            return Divide(Number(Fraction(1)), inner(1 / node))
        return Power(inner(node.base), inner(node.exp))
    for kind, name in ((Relu, "relu"), (sympy.Abs, "abs"), (sympy.Max, "max"), (sympy.Min, "min")):
        if isinstance(node, kind):
            return Call(name, tuple(map(inner, node.args)))
    if isinstance(node, (sympy.Sum, sympy.Product)):
        body = inner(node.function)
        kind = "sum" if isinstance(node, sympy.Sum) else "product"
        for index, first, last in node.limits:
            body = Repeated(kind, str(index), inner(first), inner(last), body)  # type: ignore[arg-type]
        return body
    raise InvalidInput(f"Argument 'claim' holds {show(node)}, which is not part of the grammar.")


def _product(node: Any, inner: Any) -> Expression:
    top, bottom = sympy.fraction(node, exact=True)
    if bottom != 1:
        return Divide(inner(top), inner(bottom))
    coefficient, rest = node.as_coeff_Mul()
    if coefficient.is_negative:
        return Negate(inner(-node))
    factors = ([coefficient] if coefficient != 1 else []) + list(sympy.Mul.make_args(rest))
    return Multiply(tuple(map(inner, factors)))


def _symbol(name: str) -> Expression:
    if name in _QUANTITIES:
        return Quantity(_QUANTITIES[name])
    if name == "c":
        return Name("b")  # the output bias of free_network
    if match := _ENTRY.match(name):
        kind, layer, bias_layer, first, second = match.groups()
        indices = [Number(Fraction(int(i))) for i in (layer, bias_layer, first, second) if i is not None]
        if (len(indices) == 1) == (kind in ("x", "v")) or (kind not in ("x", "v") and len(indices) == 2 + bool(layer)):
            return Name("x" if kind == "x" else "w" if kind == "v" else "W" if layer else "b", tuple(indices))
    if _LETTER.match(name) or name in ("lambda", "alpha", "beta", "gamma"):
        return Name(name)
    raise InvalidInput(f"Argument 'claim' holds the symbol {show(name)}, which names nothing in a network.")
