"""Claims given as SymPy relations: from expression trees to syntax trees, by the names that ``free_network`` uses."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.language.parser import MAX_EXPONENT, MAX_NESTING
from exactdropout.claims.language.syntax import (
    QUANTITIES,
    Call,
    Claim,
    Comparison,
    Expression,
    Name,
    Number,
    Quantity,
    walk,
)
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.symbolic.ring.from_sympy import tree

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
    sides = tuple(
        tree(
            side,
            _symbol,
            base="xwWb".__contains__,
            max_nesting=MAX_NESTING,
            max_exponent=MAX_EXPONENT,
            argument="claim",
        )
        for side in (relation.lhs, relation.rhs)
    )
    if any(isinstance(node, Call) and node.function == "step" for node in walk(sides)):
        raise InvalidInput("Argument 'claim' holds step, which is not part of the grammar.")
    return Claim(Comparison(sides, (name,)))  # type: ignore[arg-type]


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
