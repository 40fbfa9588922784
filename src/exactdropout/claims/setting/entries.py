"""Which entries a claim names: one spelling for each, and none that does not exist at a size it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Add,
    Claim,
    Derivative,
    Direction,
    Expression,
    Invariance,
    Limit,
    Minimiser,
    Monotonicity,
    Name,
    Negate,
    Number,
    Quantity,
    expression_text,
    rebuilt,
    walk,
)
from exactdropout.claims.setting.named_sizes import (
    Fractions,
    Key,
    Scope,
    Undefined,
    Unsupported,
    free_keys,
    key_text,
    parameters,
    parts,
    scope_of,
    targets,
)
from exactdropout.claims.setting.setting import Setting, constant
from exactdropout.errors import InvalidInput

__all__ = ["refuse_growth_of_free_entries", "refuse_missing_entries", "with_layers"]

_FIRST = Number(Fraction(1))
_TURNED: dict[Direction, Direction] = {
    "nondecreasing": "nonincreasing", "nonincreasing": "nondecreasing", "increasing": "decreasing",
    "decreasing": "increasing", "constant": "constant", "convex": "convex", "concave": "concave",
}  # fmt: skip


def with_layers(claim: Claim, setting: Setting) -> Claim:
    """Return the claim with the layer written in every name: with one hidden layer W[j,i] is W[1][j,i].

    As the target of a map b[1] is the hidden layer beside groups such as W[1], and a unit beside single entries.

    Raises:
        InvalidInput: W with two indices where there is not one hidden layer; b[1] as a target that reads two ways.
    """
    shape = setting.shape
    single = len(shape.hidden) == 1 and not shape.symbolic_depth

    def weight(node: Any) -> Any:
        if isinstance(node, Name) and node.name == "W" and len(node.indices) == 2:
            if not single:
                raise InvalidInput(
                    f"Argument 'claim' names {expression_text(node)}, but {shape} has not one hidden layer: write "
                    "W[l][j,i] for the weight of unit j in layer l, and W[l] for the layer."
                )
            return replace(node, indices=(_FIRST, *node.indices))
        if isinstance(node, (Derivative, Limit)) and node.variable.name == "p":
            node = _in_q(node)
        if isinstance(node, Limit) and node.variable.name == "q":
            _refuse_outside(node)
        return node

    statement = rebuilt(claim.statement, weight)
    assumptions = rebuilt(claim.assumptions, weight)
    if single and isinstance(statement, (Invariance, Minimiser)):
        pairs = statement.map if isinstance(statement, Invariance) else statement.assignments
        changed = tuple(_unit(pair, pairs, setting) for pair in pairs)
        statement = (
            replace(statement, map=changed)
            if isinstance(statement, Invariance)
            else replace(statement, assignments=changed)
        )
    elif isinstance(statement, Monotonicity) and statement.variable == Name("p"):
        statement = replace(statement, variable=Name("q"), direction=_TURNED[statement.direction])
    elif single and isinstance(statement, Monotonicity) and _lone_bias(statement.variable):
        statement = replace(statement, variable=_with_first(statement.variable))
    return replace(claim, statement=statement, assumptions=assumptions)


def _in_q(node: Derivative | Limit) -> Expression:
    """Return what is varied in p = 1 - q as it is in q."""
    q = replace(node.variable, name="q")
    if isinstance(node, Derivative):
        return Negate(replace(node, variable=q))
    side: Any = {"+": "-", "-": "+", "": ""}[node.side]
    target = constant(node.target)
    to: Expression = Add((_FIRST, Negate(node.target))) if target is None else Number(1 - target)
    return replace(node, variable=q, target=to, side=side)


def _refuse_outside(node: Limit) -> None:
    """Refuse a limit in q at a place, or from a side, where no drop probability is."""
    target = constant(node.target)
    outside = node.target == Name("infty") or (target is not None and not 0 <= target <= 1)
    if outside or (target == 0 and node.side == "-") or (target == 1 and node.side == "+"):
        place = f"{expression_text(node.target)}{'^' if node.side else ''}{node.side}"
        raise InvalidInput(
            f"Argument 'claim' has a limit as q -> {place}, where no drop probability is (0 <= q < 1): write q -> 0^+, "
            "q -> 1^- or a number between."
        )


def _lone_bias(target: Name) -> bool:
    return target.name == "b" and len(target.indices) == 1


def _with_first(target: Name) -> Name:
    return replace(target, indices=(_FIRST, *target.indices))


def _unit(pair: tuple[Name, Expression], pairs: Any, setting: Setting) -> tuple[Name, Expression]:
    target, expression = pair
    if not _lone_bias(target) or setting.shape.hidden == (1,):
        return pair
    others = [other for other, _ in pairs if not _lone_bias(other)]
    entries = any(len(o.indices) > (o.name == "W") for o in others if o.name in ("W", "w"))
    groups = any(len(o.indices) <= (o.name == "W") for o in others if o.name in ("W", "w", "weights", "biases"))
    if groups and not entries and target.indices == (_FIRST,):
        return pair
    if groups or not entries:
        raise InvalidInput(
            f"Argument 'claim' maps {expression_text(target)}, which reads two ways: write b[1][j] for the bias of "
            "unit j, or map W[1] beside b[1] for the whole hidden layer."
        )
    unit = _with_first(target)
    return unit, rebuilt(expression, lambda node: unit if node == target else node)


def refuse_growth_of_free_entries(claim: Claim, setting: Setting) -> None:
    """Refuse growth in K, n or d of what depends on weights or inputs that are free: other sizes have other ones.

    Raises:
        InvalidInput: what has to be given, or a size that is a number here.
    """
    statement, shape = claim.statement, setting.shape
    if not isinstance(statement, Monotonicity) or statement.variable.name not in shape.reserved:
        return
    name = statement.variable.name
    if statement.direction in ("convex", "concave"):
        raise InvalidInput(
            "Argument 'claim' may say convex or concave of a number such as w[1], y or q, not of a size."
        )
    if name == "K" and isinstance(setting.inputs, tuple):
        raise InvalidInput(
            f"Argument 'claim' must not vary K, since argument 'data' gives {len(setting.inputs)} inputs."
        )
    if name not in shape.symbols or statement.variable.indices:
        raise InvalidInput(
            f"Argument 'claim' must vary a size that is a symbol of the architecture; {shape} has no {name}."
        )
    depends = any(
        isinstance(n, Quantity) or (isinstance(n, Name) and n.name in ("w", "W", "b", "x", "X"))
        for n in walk(statement)
    )
    sizes = next(replace(setting, filters=()).sizes())  # what is free is the same at each size, tried or not
    keys = free_keys(claim, setting, setting.architecture(sizes), sizes)
    entries = sorted({key[0] for key in keys if key[0] in ("w", "W", "b", "x", "X")})
    if depends and entries:
        raise InvalidInput(
            f"Argument 'claim' compares sizes, but {' and '.join(entries)} may be others at each size: give them, for "
            "example by data 'point(1, y)' and assume 'weights = c' for a network without biases."
        )


class _Ones(Fractions):
    """Every value and quantity is 1, every quotient has one: what is left of a claim are the entries that it names."""

    def root(self, value: Fraction) -> Fraction:
        return Fraction(1)

    def divide(self, top: Fraction, bottom: Fraction) -> Fraction:
        return top / bottom if bottom else Fraction(1)

    def quantity(self, name: str, scope: Scope) -> Fraction:
        return Fraction(1)

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Fraction:
        scope.evaluate(node.operand, bound)
        size = node.variable.name in scope.setting.shape.reserved and isinstance(node, Limit)
        if not size:
            scope.evaluate(node.variable, bound)
        return Fraction(1)


def refuse_missing_entries(claim: Claim, setting: Setting) -> None:
    """Refuse a claim that names an entry which some size of the setting does not have, or d and n without a meaning.

    Raises:
        InvalidInput: the entry, the size, and what to assume where larger sizes have it.
    """
    shape, claim = setting.shape, Claim(claim.statement)  # what is assumed of groups is no number
    names = {n.name for part in parts(claim) for n in walk(part) if isinstance(n, Name) and not n.indices}
    if "d" in names and not shape.hidden and not shape.symbolic_depth:
        raise InvalidInput(
            f"Argument 'claim' names d, the number of layers, which is 1 in {shape}: write K for the number of inputs."
        )
    if "n" in names and not shape.hidden:
        raise InvalidInput(f"Argument 'claim' names n, the width of hidden layers, but {shape} has none.")
    scalars = parameters(claim, setting)
    for sizes in setting.sizes():
        architecture = setting.architecture(sizes)
        free = dict.fromkeys(free_keys(claim, setting, architecture, sizes, scalars), Fraction(1))
        free |= {key: Fraction(1, 2) for key in free if key == ("q", ())}
        try:
            scope = scope_of(claim, setting, architecture, sizes, _Ones(), free, scalars)
            _evaluate(claim, scope)
            for side in (side for comparison in setting.filters for side in comparison.sides):
                scope.evaluate(side)
        except (Undefined, Unsupported):
            continue
        except InvalidInput as error:
            larger = "which does not exist" in str(error) and not shape.named
            hint = "; assume a size that has it, such as K >= 2 or n >= 2" if larger else ""
            if "[0]" in str(error) or "[0," in str(error) or ",0]" in str(error):
                hint = "; indices count from 1, so a sum over all entries is written i=1..K"
            raise InvalidInput(f"{str(error).removesuffix('.')}{hint}.") from error


def _evaluate(claim: Claim, scope: Scope) -> None:
    statement = claim.statement
    own: dict[Name, Any] = {}
    if isinstance(statement, (Invariance, Minimiser)):
        pairs = statement.map if isinstance(statement, Invariance) else statement.assignments
        seen = set[Key]()
        for target, expression in pairs:
            for key in targets(target, scope):
                if key in seen:
                    raise InvalidInput(f"Argument 'claim' gives {key_text(key)} two values; one is expected.")
                seen.add(key)
            own[target] = scope.evaluate(expression, own=(target, Fraction(1)))
    elif (
        isinstance(statement, Monotonicity)
        and statement.variable.name in ("x", "w", "W", "b", "X", "y")
        and len(list(targets(statement.variable, scope))) > 1
    ):
        raise InvalidInput(
            f"Argument 'claim' must vary one number, such as w[1] or y, not all of {statement.variable.name}."
        )
    skipped = {id(t) for t in own} | ({id(statement.variable)} if isinstance(statement, Monotonicity) else set())
    through = {id(e) for _, e in pairs} if own else set()
    for part in parts(claim):
        if id(part) not in skipped | through and not isinstance(part, Quantity):
            scope.evaluate(part)
