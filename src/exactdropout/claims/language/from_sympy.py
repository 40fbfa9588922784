"""Claims given as SymPy relations: from expression trees to syntax trees; symbols are called as in text."""

from __future__ import annotations

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
    Quantity,
    walk,
)
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.names import symbol_name
from exactdropout.notation.style import GREEK
from exactdropout.symbolic.ring.from_sympy import tree

__all__ = ["claim_from_sympy"]

_ENTRIES = frozenset("xywWb")
_QUANTITIES = {**{name: name for name in QUANTITIES}, "J_D": "criterion", "R": "risk"}
_RELATIONS = {
    sympy.Eq: "=", sympy.Ne: "!=", sympy.Le: "<=", sympy.Lt: "<", sympy.Ge: ">=", sympy.Gt: ">",
}  # fmt: skip


def claim_from_sympy(relation: Any) -> Claim:
    """Return the claim that a SymPy relation states.

    Symbols named ``penalty``, ``criterion``, ``mean``, … are the quantities; ``W[1][2,3]``, ``b[1][2]``, ``w[1]``,
    ``b``, ``x[1]``, ``y`` (or SymPy's ``w_1``, ``W_1_2_3``) are the entries that :func:`exactdropout.free_network`
    names; ``IndexedBase`` objects named w, W, b, x under ``Sum`` carry indices as in the text form.

    Raises:
        InvalidInput: something else occurs.

    >>> x, w, q = sympy.symbols("x[1] w[1] q")
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
    try:
        found = symbol_name(name)
    except InvalidInput:
        found = Name("")
    if found.name in _ENTRIES and (found.indices or found.name == "b"):
        return found
    if not found.indices and ((len(found.name) == 1) or found.name in GREEK):
        return found
    raise InvalidInput(f"Argument 'claim' holds the symbol {show(name)}, which names nothing in a network.")
