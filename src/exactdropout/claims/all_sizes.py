"""Proofs for every K, n and d at once: quantities as opaque numbers with known relations, or written out as sums.

Three descriptions of the quantities are tried, from the most general one:

- *opaque*: any network; J_D = Var D + (E D − y)², R = (W(x) − y)², Var D ≥ 0, and what :mod:`structure` knows of E D;
- *written out*: linear or non-negative networks (or only the last layer dropped) of a depth that is a number;
- *equal weights*: the closed product over layers, for symbolic d.

A symbolic q enters by t = q/p ≥ 0. A power with the exponent d is a symbol of its own, with base ≥ 1 written 1 + e,
e ≥ 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import flint

from exactdropout.claims.evaluation import Unsupported
from exactdropout.claims.indexed import Element, Part, describe, is_square_sum, signed_parts
from exactdropout.claims.inequality import manifest, nonnegative
from exactdropout.claims.named import Quotient
from exactdropout.claims.problem import Problem
from exactdropout.claims.structure import Facts, Moments, facts, uniform_moments, written_out
from exactdropout.claims.syntax import (
    Claim,
    Comparison,
    Monotonicity,
    Name,
    walk,
)
from exactdropout.claims.world import World, plain
from exactdropout.symbolic.ring import ReluPolynomial

__all__ = ["prove_everywhere"]


def prove_everywhere(claim: Claim, problem: Problem) -> tuple[str, list[str]] | None:
    """Return the scope and the steps of a proof that covers every size the shape leaves open, or None."""
    known = facts(problem)
    descriptions: list[Callable[[], Moments | None]] = [
        lambda: None,
        lambda: written_out(problem, known),
        lambda: uniform_moments(problem, known),
    ]
    for index, make in enumerate(descriptions):
        moments = make()
        if index and moments is None:
            continue
        try:
            steps = _prove(claim, problem, known, moments)
        except Unsupported:
            continue
        if steps is not None:
            return _scope(problem), steps
    return None


def _scope(problem: Problem) -> str:
    shape = problem.shape
    free = []
    if isinstance(shape.inputs, str):
        free.append("K >= 1")
    if "n" in shape.hidden:
        free.append("n >= 1")
    if shape.symbolic_depth:
        free.append("d >= 1")
    return f"all sizes: {', '.join(free)} ({shape})" if free else f"the sizes of {shape}"


def _prove(claim: Claim, problem: Problem, known: Facts, moments: Moments | None) -> list[str] | None:
    world = World(claim, problem, known, moments)
    statement = claim.statement
    if isinstance(statement, Comparison):
        steps: list[str] = []
        values = [world.evaluate(side, {}) for side in statement.sides]
        for left, relation, right in zip(values, statement.relations, values[1:], strict=False):
            found = _relation(world, left, relation, right)
            if found is None:
                return None
            steps.append(found)
    elif isinstance(statement, Monotonicity):
        found = _monotone(world, statement)
        if found is None:
            return None
        steps = [found]
    else:
        return None
    return [*world.reasons(), *steps]


def _relation(world: World, left: Element, relation: str, right: Element) -> str | None:
    normal = (left - right).normal()
    if relation == "=":
        if normal:
            return None
        return "Both sides have the same normal form as sums over indices, products multiplied out."
    if relation in ("<=", "<"):
        normal = {parts: -c for parts, c in normal.items()}
    if relation == "!=":
        return None
    top, _, parts, signed = _flat(world, normal)
    if relation in ("<", ">"):
        constants = [c for m, c in top.terms() if not any(m)]
        if not (constants and constants[0] > 0 and manifest(top, signed)):
            return None
    found = nonnegative(top, signed)
    if found is None:
        return None
    squares = ", ".join(describe(p) for p in parts if is_square_sum(p))
    where = f" (sums of squares: {squares})" if squares else ""
    return f"The difference has the sign of a polynomial that is not negative: {found}{where}."


def _flat(world: World, normal: Mapping[tuple[Part, ...], Quotient]) -> tuple[Any, Any, list[Part], set[int]]:
    """Return numerator and denominator over a common positive denominator; parts become variables."""
    parts = signed_parts(normal)
    count = len(world.ring.generators)
    context = flint.fmpq_mpoly_ctx.get([f"v{i}" for i in range(count + len(parts))], "degrevlex")

    def lift(element: ReluPolynomial, extra: tuple[int, ...]) -> Any:
        return context.from_dict({(*m, *extra): c for m, c in plain(element).terms()})

    nothing = (0,) * len(parts)
    bottoms: dict[Any, ReluPolynomial] = {}
    for coefficient in normal.values():
        if not world.ring.is_positive(coefficient.bottom):
            raise Unsupported("a divisor that is not known to be positive")
        bottoms[coefficient.bottom.key()] = coefficient.bottom
    denominator = math.prod((lift(b, nothing) for b in bottoms.values()), start=context.constant(1))
    total = context.constant(0)
    for found, coefficient in normal.items():
        extra = tuple(found.count(part) for part in parts)
        others = [lift(b, nothing) for key, b in bottoms.items() if key != coefficient.bottom.key()]
        total += math.prod(others, start=lift(coefficient.top, extra))
    signed = {i for i, g in enumerate(world.ring.generators) if not g.is_nonnegative}
    signed |= {count + i for i, part in enumerate(parts) if not is_square_sum(part)}
    return total, denominator, parts, signed


def _monotone(world: World, statement: Monotonicity) -> str | None:
    name = statement.variable.name
    value = world.evaluate(statement.expression, {})
    if statement.variable.indices or name not in (*world.names, "q") or name in ("t", "K", "n", "m"):
        raise Unsupported("monotonicity in something else than q, y or a scalar")
    if world.powers or (world.moments is None and world.used and name != "y") or world.problem.definition((name, ())):
        raise Unsupported("a quantity that depends on the variable in an unknown way")
    if world.moments is None and world.used and _through_definitions("y", world.problem):
        raise Unsupported("weights or inputs that are given by the label")
    if name == "y" and (world.problem.label is not None or world.problem.definition(("y", ()))):
        raise Unsupported("the label is not free")
    if name == "q" and Name("q") not in world.problem.rates:
        raise Unsupported("q is a number here")
    top, bottom, _, signed = _flat(world, value.normal())
    index = world.ring.generators.index(world.symbols["t" if name == "q" else name])
    if index in world.inside_relu:
        raise Unsupported(f"{name} stands inside relu")
    slope = top.derivative(index) * bottom - top * bottom.derivative(index)
    if statement.direction == "constant":
        return f"The derivative in {name} is identically 0." if slope == 0 else None
    if statement.direction in ("increasing", "decreasing"):
        return None
    found = nonnegative(slope if statement.direction == "nondecreasing" else -slope, signed)
    return None if found is None else f"The derivative in {name} has the right sign: {found}."


def _through_definitions(name: str, problem: Problem) -> bool:
    """Return whether an assumption gives something by an expression in a symbol."""
    return any(isinstance(node, Name) and node.name == name for d in problem.definitions.values() for node in walk(d))
