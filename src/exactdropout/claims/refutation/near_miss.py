"""Slips that are made often: a refuted claim is compared with what it would be without each of them.

An edit changes the claim (p and q swapped, a missing factor ½, …), a variant changes what the author computed
(classic scaling, the last layer's masks forgotten, …). A near miss is named where the changed claim holds at many exact
points; that is a hint and no proof, and the verdict says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Add,
    Claim,
    Comparison,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Quantity,
    rebuilt,
    walk,
)
from exactdropout.claims.refutation.moments import Quick, Variant
from exactdropout.claims.refutation.search import candidates, failure
from exactdropout.claims.setting.named_sizes import Undefined, Unsupported
from exactdropout.claims.setting.setting import Setting, constant
from exactdropout.claims.verdict import NearMiss
from exactdropout.errors import InvalidInput

__all__ = ["edits", "near_miss"]

POINTS = 24
_ONE, _TWO = Number(Fraction(1)), Number(Fraction(2))
_Q, _P = Name("q"), Name("p")


def _swap(node: Any) -> Any:
    """Exchange p and q; 1 − q counts as p."""
    if node == Add((_ONE, Negate(_Q))):
        return _P
    return {_Q: _P, _P: _Q}.get(node, node) if isinstance(node, Name) else node


def _swapped(expression: Expression) -> Expression:
    without = rebuilt(expression, lambda node: _P if node == Add((_ONE, Negate(_Q))) else node)
    return rebuilt(without, _swap)  # type: ignore[no-any-return]


def _bottoms(node: Any) -> Any:
    """Put p for q, and q for p, in denominators alone."""
    if isinstance(node, Divide):
        plain = rebuilt(node.bottom, lambda inner: _P if inner == Add((_ONE, Negate(_Q))) else inner)
        return replace(node, bottom=rebuilt(plain, _swap))
    return node


def _deeper(by: int) -> Callable[[Any], Any]:
    shift: Expression = Number(Fraction(by)) if by > 0 else Negate(Number(Fraction(-by)))
    return lambda node: Add((node, shift)) if node == Name("d") else node


def _moment(node: Any) -> Any:
    names = {"variance": "second_moment", "second_moment": "variance"}
    return replace(node, name=names[node.name]) if isinstance(node, Quantity) and node.name in names else node


def _instead(name: str, meant: str) -> Callable[[Expression], Expression]:
    """Put another quantity where a side is one quantity alone: what a letter means elsewhere, R a regulariser."""
    return lambda e: replace(e, name=meant) if isinstance(e, Quantity) and e.name == name else e


def _second_moment_factor(node: Any) -> Any:
    """Put 1/p − 1, the variance of a mask, for its second moment 1/p."""
    if isinstance(node, Divide) and node.top == _ONE and node.bottom in (_P, Add((_ONE, Negate(_Q)))):
        return Add((node, Negate(_ONE)))
    return node


def edits(claim: Claim) -> Iterator[tuple[str, Claim]]:
    """Yield (name of the slip, corrected claim) for an equation."""
    statement = claim.statement
    if not isinstance(statement, Comparison) or statement.relations != ("=",):
        return
    rules: list[tuple[str, Callable[[Expression], Expression]]] = [
        # before the swap: where denominators alone hold p or q, both change the same
        ("1/p stands for 1/(1 - p), or 1/q for 1/(1 - q), in a denominator", lambda e: rebuilt(e, _bottoms)),
        ("p and q are swapped", _swapped),
        (
            "the second moment 1/p of a mask is taken for its variance 1/p - 1",
            lambda e: rebuilt(e, _second_moment_factor),
        ),
        ("the variance is taken for the second moment, or the reverse", lambda e: rebuilt(e, _moment)),
        ("R is the risk, the error without dropout; the penalty is meant", _instead("risk", "penalty")),
        ("J_D is the whole criterion; the penalty is meant", _instead("criterion", "penalty")),
        ("the penalty is what dropout adds; the whole criterion J_D is meant", _instead("penalty", "criterion")),
        ("d is counted without the output layer", lambda e: rebuilt(e, _deeper(-1))),
        ("d is counted once too often", lambda e: rebuilt(e, _deeper(1))),
        ("a factor 1/2 is missing", lambda e: Divide(e, _TWO)),
        ("a factor 1/2 is too much", lambda e: Multiply((_TWO, e))),
    ]
    for position in (1, 0):
        side = statement.sides[position]
        for name, rule in rules:
            changed = rule(side)
            if changed == side or (name.startswith("a factor") and not _stated(side)):
                continue
            sides = (statement.sides[0], changed) if position else (changed, statement.sides[1])
            yield name, Claim(Comparison(sides, statement.relations), claim.assumptions)


def _stated(side: Expression) -> bool:
    """Return whether a side is the author's formula and no bare quantity."""
    return not any(isinstance(node, Quantity) for node in walk(side))


_VARIANTS: tuple[tuple[str, Variant], ...] = (
    ("classic scaling (kept values not multiplied by 1/p) in place of inverted", "classic"),
    ("classic scaling (kept values not multiplied by 1/p) in place of inverted", "classic full"),
    ("the last layer's masks are forgotten", "last kept"),
    ("point mass for half mass, or the reverse", "other mass"),
)


def near_miss(claim: Claim, setting: Setting) -> NearMiss | None:
    """Return the slip that explains a refuted claim, or None."""
    if not isinstance(claim.statement, Comparison) or claim.statement.relations != ("=",):
        return None  # an inequality that holds after an edit explains little
    if setting.design is not None:
        return _edit(claim, setting, "")
    has_quantity = any(isinstance(node, Quantity) for side in claim.statement.sides for node in walk(side))
    if has_quantity:
        for name, variant in _VARIANTS:
            if (
                variant == "other mass"
                and setting.inputs is not None
                and setting.label is not None
                and not setting.half
            ):
                continue
            if variant == "last kept" and _only_last_masks(setting):
                continue  # without them there is no dropout at all
            if _everywhere(claim, setting, variant):
                other = _edit(claim, setting, "a factor") if variant == "other mass" else None
                return NearMiss(name, POINTS, other=other)
    return _edit(claim, setting, "")


def _edit(claim: Claim, setting: Setting, start: str) -> NearMiss | None:
    """Return the first edit, of those whose name starts so, that makes the claim hold."""
    for name, changed in edits(claim):
        if name.startswith(start) and not _trivial(changed) and _everywhere(changed, setting, "dropout"):
            return NearMiss(name, POINTS, changed)
    return None


def _only_last_masks(setting: Setting) -> bool:
    """Return whether no layer but the last is dropped."""
    alone = not setting.shape.hidden and not setting.shape.symbolic_depth
    return alone or (len(setting.rates) > 1 and all(constant(rate) == 0 for rate in setting.rates[:-1]))


def _trivial(claim: Claim) -> bool:
    """Return whether an edit made both sides the same text."""
    statement = claim.statement
    return isinstance(statement, Comparison) and statement.sides[0] == statement.sides[1]


def _everywhere(claim: Claim, setting: Setting, variant: Variant) -> bool:
    """Return whether a claim holds at many points; a false one usually fails at the first few.

    Simple points may all lie where a unit is linear: as many random ones must agree, as far as they are admissible.
    """
    held = _held(claim, setting, variant, simple=True)
    if held is None or _held(claim, setting, variant, simple=False) is None:
        return False
    return held >= 3 and (held == POINTS or setting.named)


def _held(claim: Claim, setting: Setting, variant: Variant, *, simple: bool) -> int | None:
    """Return at how many points, of one kind, a claim was found to hold; None if it failed at one."""
    held = 0
    for scope in candidates(claim, setting, limit=POINTS * 6, seed=1, simple=simple):
        try:
            scope.domain, scope.quantities = Quick(variant), {}
            if failure(claim, scope) is not None:
                return None
        except (Undefined, Unsupported):
            continue
        except InvalidInput:
            return None
        held += 1
        if held == POINTS:
            break
    return held
