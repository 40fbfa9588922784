"""Proofs for every K, n and d at once: quantities as opaque numbers with known relations, or written out as sums.

Three descriptions of the quantities are tried, from the most general one:

- *opaque*: any network; J_D = Var D + (E D − y)², R = (W(x) − y)², Var D ≥ 0, and what :mod:`structure` knows of E D
  and W(x);
- *floor*: J_D and E D² are at least what the mask that drops the whole last layer gives, times its probability s > 0;
- *written out*: linear or non-negative networks (or only the last layer dropped) of a depth that is a number;
- *equal weights*: the closed product over layers, for symbolic d.

A symbolic q enters by t = q/p ≥ 0. A power with the exponent d is a symbol of its own, with base ≥ 1 written 1 + e,
e ≥ 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import flint

from exactdropout.claims.language.syntax import (
    Add,
    Claim,
    Comparison,
    Divide,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Quantity,
    walk,
)
from exactdropout.claims.proofs.cauchy_schwarz import above_squares
from exactdropout.claims.proofs.index_sums import Element, Part, describe, is_square_sum, signed_parts
from exactdropout.claims.proofs.inequality import nonnegative, positive
from exactdropout.claims.proofs.known_moments import Moments, facts, uniform_moments, written_out
from exactdropout.claims.proofs.one_unit import penalty_of_one_unit
from exactdropout.claims.proofs.ring_domain import Quotient
from exactdropout.claims.proofs.sums_world import World, last_layer_share, plain
from exactdropout.claims.setting.named_sizes import Unsupported
from exactdropout.claims.setting.setting import Setting
from exactdropout.symbolic.ring.ring import ReluPolynomial

__all__ = ["every_size", "prove_everywhere"]


def prove_everywhere(claim: Claim, setting: Setting) -> tuple[str, list[str]] | None:
    """Return the scope and the steps of a proof that covers every size the shape leaves open, or None."""
    if isinstance(claim.statement, Minimiser):
        return _least_at_zero(claim.statement, setting) or _least_of_linear(claim.statement, setting)
    known = facts(setting)
    descriptions: list[Callable[[], Moments | None]] = [
        lambda: None,
        lambda: None,
        lambda: written_out(setting, known),
        lambda: uniform_moments(setting, known),
    ]
    for index, make in enumerate(descriptions):
        floor = index == 1
        moments = make()
        if (floor and not (known.may_drop_all or last_layer_share(setting))) or (index > 1 and moments is None):
            continue
        try:
            steps = _prove(claim, World(claim, setting, known, moments, floor=floor))
        except Unsupported:
            continue
        if steps is not None:
            return every_size(setting), steps
    one = penalty_of_one_unit(claim, setting)
    return None if one is None else (every_size(setting), one)


def _least_at_zero(statement: Minimiser, setting: Setting) -> tuple[str, list[str]] | None:
    """Return a proof that w = 0 minimises penalty or variance, which are 0 there: what is left is that they are ≥ 0."""
    zero = Number(Fraction(0))
    targets = [target.name for target, value in statement.assignments if not target.indices and value == zero]
    if len(targets) < len(statement.assignments) or not {"w", "weights"} & set(targets):
        return None
    if statement.expression not in (Quantity("penalty"), Quantity("variance")) or setting.network is not None:
        return None
    named = {n.name for c in setting.filters for side in c.sides for n in walk(side) if isinstance(n, Name)}
    keys = [key for key in setting.signs if key[0] in ("w", "W", "b", "weights", "biases")]
    if named & {"w", "W", "b", "weights", "biases"} or any(setting.signs[key] - {">=", "<="} for key in keys):
        return None  # 0 may be forbidden
    bound = Comparison((statement.expression, zero), (">=",))
    found = prove_everywhere(Claim(bound), setting)
    if found is None:
        return None
    scope, steps = found
    return scope, [
        "At w = 0 the output is the same for every mask, so Var D = 0, E D = W(x) and the value is 0.",
        *steps,
    ]


def _least_of_linear(statement: Minimiser, setting: Setting) -> tuple[str, list[str]] | None:
    """Return a proof that equal weights minimise the criterion of a linear model at x = (1, …, 1)."""
    constrained = any(key[0] in ("w", "weights") for key in setting.signs) or setting.filters or setting.network
    if setting.shape.hidden or setting.inputs != "ones" or constrained:
        return None
    if statement.expression != Quantity("criterion") or len(statement.assignments) != 1:
        return None
    target, value = statement.assignments[0]
    through = {node.name for node in walk(value) if isinstance(node, Name)}
    if target.indices or target.name != "w" or through & {"w", "W", "weights", "biases"}:
        return None
    bias = (Name("b"),) if setting.shape.output_bias else ()
    noise = Multiply((Divide(Name("q"), Name("p")), value))
    slope = Add((Multiply((Name("K"), value)), *bias, Negate(Name("y")), noise))
    found = prove_everywhere(Claim(Comparison((slope, Number(Fraction(0))), ("=",))), setting)
    if found is None:
        return None
    scope, steps = found
    return scope, [
        "Without hidden layers J_D is a convex quadratic in w, so a stationary point is a global minimum.",
        "At equal weights and x = (1, ..., 1) half its derivative in every w_i is K w + b - y + (q/p) w, "
        "times the mass of the example.",
        *steps,
    ]


def every_size(setting: Setting) -> str:
    """Return the scope of a proof that covers every size which the shape leaves open."""
    shape = setting.shape
    free = [f"{size} >= 1" for size in shape.symbols]
    if setting.design is not None and setting.design.rows == "m":
        free.append("m >= 1")
    return f"all sizes: {', '.join(free)} ({shape})" if free else f"the sizes of {shape}"


def _prove(claim: Claim, world: World) -> list[str] | None:
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
    top, _, parts, signed = _flat(world, normal)
    strict = _strict(world, parts)
    squares = ", ".join(describe(p) for p in parts if is_square_sum(p))
    where = f" (sums of squares: {squares})" if squares else ""
    trials = [(top, ""), (_from_one(world, top), "")]
    above = above_squares(world, top, parts)
    if above is not None:
        trials.append((above[0], f", {above[2]}"))
    for polynomial, why in trials:
        if why and above is not None:
            strict = strict - above[1]
        if relation in (">=", "<="):
            found, word = nonnegative(polynomial, signed), "not negative"
        else:
            found, word = positive(polynomial, signed, strict), "positive"
        if found is None and relation == "!=":
            found, word = positive(-polynomial, signed, strict), "negative"
        if found is not None:
            return f"The difference has the sign of a polynomial that is {word}: {found}{where}{why}."
        strict -= {world.ring.generators.index(world.symbols[size]) for size in ("K", "n")}
    return None


def _from_one(world: World, polynomial: Any) -> Any:
    """Return the polynomial in K − 1 and n − 1, which are ≥ 0 too."""
    arguments = list(polynomial.context().gens())
    for size in ("K", "n"):
        arguments[world.ring.generators.index(world.symbols[size])] += 1
    return polynomial.compose(*arguments)


def _group(factor: str) -> tuple[str, tuple[int, ...]]:
    """Return the group whose entries a factor stands for."""
    name = factor.rstrip("0123456789")
    return name, (int(factor[len(name) :]),) if factor != name else ()


def _strict(world: World, parts: list[Part]) -> set[int]:
    """Return the variables of a flat polynomial that are never 0."""
    generators = world.ring.generators
    strict = {i for i, g in enumerate(generators) if g.is_nonzero}
    return strict | {len(generators) + i for i, part in enumerate(parts) if _signs(part, world.setting)[1]}


def _signs(part: Part, setting: Setting) -> tuple[bool, bool]:
    """Return whether a sum of products is seen to be ≥ 0, and not 0: by squares and assumed signs of its entries.

    There is at least one of each index, so a sum of positive terms is positive.
    """
    above = never_zero = True
    turned = 0
    for (name, _), count in Counter(part[1]).items():
        if not name.isalnum():  # relu of something
            never_zero = False
            continue
        sign = setting.sign(_group(name))
        never_zero &= bool(sign & {">", "<", "!="})
        if count & 1:
            above &= bool(sign & {">", ">=", "<", "<="})
            turned += bool(sign & {"<", "<="})
    above &= not turned & 1
    return above, never_zero and (above or not part[0])


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
    signed |= {count + i for i, part in enumerate(parts) if not _signs(part, world.setting)[0]}
    return total, denominator, parts, signed


def _monotone(world: World, statement: Monotonicity) -> str | None:
    name = statement.variable.name
    value = world.evaluate(statement.expression, {})
    if statement.variable.indices or name not in (*world.names, "q"):
        raise Unsupported("monotonicity in something else than q, y or a scalar")
    if world.floor and world.used:
        raise Unsupported("what stays of J_D without one mask depends on the variable")
    if (
        (world.powers and name != "q")
        or (world.moments is None and world.used and name != "y" and not _variance_grows(world, name))
        or world.setting.definition((name, ()))
    ):
        raise Unsupported("a quantity that depends on the variable in an unknown way")
    if world.moments is None and world.used and _through_definitions("y", world.setting):
        raise Unsupported("weights or inputs that are given by the label")
    if name == "y" and (world.setting.label is not None or world.setting.definition(("y", ()))):
        raise Unsupported("the label is not free")
    if name == "q" and Name("q") not in world.setting.rates:
        raise Unsupported("q is a number here")
    top, bottom, parts, signed = _flat(world, value.normal())
    index = world.ring.generators.index(world.symbols["t'" if name == "q" else name])
    grows = name == "q" and world.moments is None and bool(world.used)
    moving = {index, *(power.index for power in world.powers.values())}
    moving |= {v for _, v in _variances(world)} if grows else set()
    if moving & world.inside_relu:
        raise Unsupported(f"{name} stands inside relu")
    derivative = _along(world, index, top.context(), grows=grows)
    slope = derivative(top) * bottom - top * derivative(bottom)
    if statement.direction == "constant":
        return f"The derivative in {name} is identically 0." if slope == 0 else None
    if (statement.direction in ("nonincreasing", "decreasing")) != (name in world.flipped):
        slope = -slope
    if statement.direction in ("nondecreasing", "nonincreasing"):
        found = nonnegative(slope, signed)
    else:  # a derivative that is positive for 0 < q < 1 is enough: the value at q = 0 is the limit
        strict = _strict(world, parts) | ({index} if name == "q" else set())
        strict |= {
            p.index for p in world.powers.values() if name == "q" and not p.excess and _never_zero(p.over, strict)
        }
        found = positive(slope, signed, strict)
    if found is None:
        return None
    why = _GROWTH if grows else ""
    return f"{why}The derivative in {name} has the right sign: {found}."


def _never_zero(base: Any, strict: set[int]) -> bool:
    """Return whether a polynomial is one term, in variables that are not 0."""
    return len(base) == 1 and all(i in strict for i, degree in enumerate(base.degrees()) if degree)


_GROWTH = (
    "D is affine in the mask of each unit, so Var D is a sum, over non-empty sets of units, of squares free of q times "
    "the product of q_l/(1 - q_l) over the set (independent masks of mean 1): it does not fall as q grows, and E D is "
    "free of q. "
)


def _variance_grows(world: World, name: str) -> bool:
    """Return whether E D is free of q and Var D does not fall in q: units linear on all masks, or only the last layer.

    Weights, inputs and the label must not be given by q.
    """
    setting = world.setting
    around = (
        *setting.definitions.values(),
        *(setting.inputs if isinstance(setting.inputs, tuple) else ()),
        setting.label,
    )
    through = any(isinstance(node, Name) and node.name in ("q", "p") for value in around for node in walk(value))
    return name == "q" and world.known.mean_is_output is not None and not through


def _variances(world: World) -> list[tuple[int, int]]:
    """Return the generators (S, V) of each example: V stands for Var D, S for its derivative in t, which is >= 0."""
    place = world.ring.generators.index
    return [(place(world.symbols[f"S{example}'"]), place(world.symbols[f"V{example}'"])) for example in ("", "0")]


def _along(world: World, index: int, context: Any, *, grows: bool) -> Callable[[Any], Any]:
    """Return the derivative in a generator times a positive polynomial; powers with the exponent m = d − 1 move.

    (a/b)^m has the derivative m (a/b)^m (a' b − a b')/(a b); z is (a/b)^m or (a/b)^m − 1. Where Var D ``grows``, it
    has the derivative S; it may stand in the base of a power too.
    """
    width = len(context.gens())
    variances = _variances(world) if grows else []

    def lift(polynomial: Any) -> Any:
        return context.from_dict({(*m, *(0,) * (width - len(m))): c for m, c in polynomial.terms()})

    def plainly(polynomial: Any) -> Any:
        steps = (context.gen(slope) * polynomial.derivative(v) for slope, v in variances)
        return sum(steps, start=polynomial.derivative(index))

    moving = []
    powers = {power.index for power in world.powers.values()}
    for power in world.powers.values():
        a, b = lift(power.over), lift(power.under)
        if any(degree for base in (a, b) for i, degree in enumerate(base.degrees()) if i in powers):
            raise Unsupported("a power with the exponent d inside another one")
        change = plainly(a) * b - a * plainly(b)
        if change != 0:
            moving.append((power.index, power.excess, change, a * b))
    exponent = context.gen(world.ring.generators.index(world.symbols["m'"]))
    common = math.prod((scale for *_, scale in moving), start=context.constant(1))

    def derivative(polynomial: Any) -> Any:
        total = plainly(polynomial) * common
        for number, (position, excess, change, _) in enumerate(moving):
            others = (scale for k, (*_, scale) in enumerate(moving) if k != number)
            rest = math.prod(others, start=context.constant(1))
            total += polynomial.derivative(position) * exponent * (context.gen(position) + excess) * change * rest
        return total

    return derivative


def _through_definitions(name: str, setting: Setting) -> bool:
    """Return whether an assumption gives something by an expression in a symbol."""
    return any(isinstance(node, Name) and node.name == name for d in setting.definitions.values() for node in walk(d))
