"""The search for an exact counterexample: simple sizes and small rationals first; the double loop has the last word."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import Claim, Comparison, Expression, Invariance, Minimiser, Monotonicity, Name
from exactdropout.claims.refutation.moments import Naive, Quick, concrete, work_at
from exactdropout.claims.setting.named_sizes import (
    Key,
    Scope,
    Undefined,
    Unsupported,
    free_keys,
    key_name,
    key_text,
    mapped,
    parameters,
    resolved,
    scope_of,
    targets,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verdict import Counterexample
from exactdropout.notation.text import expression_text

__all__ = [
    "FEW_POINTS",
    "MAX_UNSUPPORTED",
    "STEP",
    "admissible",
    "candidates",
    "confirmed",
    "counterexample_at",
    "failure",
    "holds_at",
    "moving_key",
    "search",
]

F = Fraction
MAX_MASK_BITS = 14
MAX_UNSUPPORTED = 3
FEW_POINTS = 20
MAX_WORK = 600_000
"""Products of a search: some seconds of one core. The points are fewer where each is dear."""
STEP = 4
"""A node of an expression, in products."""
_TURN, _POINT = 6, 200
"""Points of one size before the next one, and what a point costs beside its masks, in products."""

_RELATIONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}
_DIRECTIONS = {
    "nondecreasing": "<=", "nonincreasing": ">=", "increasing": "<", "decreasing": ">", "constant": "=",
}  # fmt: skip
_RATES = (F(1, 2), F(1, 3), F(2, 3), F(1, 4), F(0))
_VALUES = (F(1), F(0), F(-1), F(2), F(-2), F(1, 2), F(-1, 2), F(1, 3), F(3), F(-3), F(1, 4), F(2, 3), F(8))


def admissible(scope: Scope) -> bool:
    """Return whether the point satisfies every assumption."""
    setting = scope.setting
    for key, value in scope.values.items():
        if any(not _RELATIONS[sign](value, F(0)) for sign in setting.sign(key)):
            return False
    if any(not 0 <= scope.rate(layer) < 1 for layer in range(scope.architecture.depth)):
        return False
    return all(not _fails(c, scope) for c in setting.filters)


def _fails(comparison: Comparison, scope: Scope) -> tuple[Fraction, str, Fraction] | None:
    sides = [scope.evaluate(side) for side in comparison.sides]
    for left, relation, right in zip(sides, comparison.relations, sides[1:], strict=False):
        if not _RELATIONS[relation](left, right):
            return left, relation, right
    return None


@dataclass(frozen=True)
class Failure:
    """A comparison that is false at a point."""

    left: Fraction
    relation: str
    right: Fraction
    note: str = ""


def failure(claim: Claim, scope: Scope) -> Failure | None:
    """Return how a claim fails at a point, None where it holds there.

    Raises:
        Undefined: a side has no rational value there.
    """
    statement = claim.statement
    match statement:
        case Comparison():
            found = _fails(statement, scope)
            return None if found is None else Failure(*found)
        case Invariance(expression, pairs):
            before, after = scope.evaluate(expression), mapped(pairs, scope).evaluate(expression)
            return None if before == after else Failure(before, "=", after, " (before and after the map)")
        case Monotonicity():
            return _not_monotone(claim, statement, scope)
        case Minimiser(pairs, expression):
            return _not_minimal(pairs, expression, scope)
    raise TypeError(type(statement).__name__)


def _not_monotone(claim: Claim, statement: Monotonicity, scope: Scope) -> Failure | None:
    """Compare with larger values of the variable; what assumptions give by it moves with it."""
    variable = statement.variable
    if variable.name in scope.setting.shape.reserved:
        return _not_monotone_in_size(claim, statement, scope)
    bent = {"convex": ">=", "concave": "<="}.get(statement.direction)
    scalars = parameters(claim, scope.setting)
    free = {k: scope.values[k] for k in free_keys(claim, scope.setting, scope.architecture, scope.sizes, scalars)}
    key = moving_key(claim, scope, scalars)
    here = scope.values[key]
    before = scope.evaluate(statement.expression)
    usual = (*_RATES, F(1, 100), F(99, 100)) if key[0] == "q" else _VALUES[:8]
    steps = [v for v in (*scope.others, *usual) if v > here]
    relation = bent or _DIRECTIONS[statement.direction]
    for other in sorted(steps):
        moved = _moved(claim, scope, free | {key: other}, scalars)
        if not admissible(moved):
            continue
        after = moved.evaluate(statement.expression)
        name = key_text(key)
        if bent:
            middle = (here + other) / 2
            between = _moved(claim, scope, free | {key: middle}, scalars)
            if not admissible(between):
                continue
            ends, twice = before + after, 2 * between.evaluate(statement.expression)
            if not _RELATIONS[bent](ends, twice):
                note = f" (the sum at {name} = {here} and {other}, and twice the value at {middle})"
                return Failure(ends, bent, twice, note)
            continue
        if not _RELATIONS[relation](before, after):
            return Failure(before, relation, after, f" (at {name} = {here} and at {name} = {other})")
    return None


def _moved(claim: Claim, scope: Scope, free: Mapping[Key, Any], scalars: list[Key]) -> Scope:
    return scope_of(claim, scope.setting, scope.architecture, scope.sizes, scope.domain, free, scalars)


def moving_key(claim: Claim, scope: Scope, scalars: list[Key] | None = None) -> Key:
    """Return the free variable in which a claim of growth or convexity moves; ``scalars`` as in :func:`scope_of`.

    Raises:
        Undefined: it is not free.
    """
    statement = claim.statement
    assert isinstance(statement, Monotonicity)
    variable = statement.variable
    key: Key = ("q", ()) if variable.name == "q" and not variable.indices else _single(variable, scope)
    if key not in free_keys(claim, scope.setting, scope.architecture, scope.sizes, scalars):
        raise Undefined
    return key


def _not_monotone_in_size(claim: Claim, statement: Monotonicity, scope: Scope) -> Failure | None:
    """Compare with the next sizes; what has no value at a size is 1 there, and the expression does not depend on it."""
    setting, name = scope.setting, statement.variable.name
    before, relation = scope.evaluate(statement.expression), _DIRECTIONS[statement.direction]
    for more in (1, 2):
        sizes = {**scope.sizes, name: scope.sizes[name] + more}
        architecture = setting.architecture(sizes)
        free = {k: scope.values.get(k, F(1)) for k in free_keys(claim, setting, architecture, sizes)}
        moved = scope_of(claim, setting, architecture, sizes, type(scope.domain)(), free)
        if not setting.bounded(sizes) or not admissible(moved):
            continue
        try:
            after = moved.evaluate(statement.expression)
        except Undefined:
            continue
        if not _RELATIONS[relation](before, after):
            note = f" (at {name} = {scope.sizes[name]} and at {name} = {sizes[name]})"
            return Failure(before, relation, after, note)
    return None


def _single(variable: Any, scope: Scope) -> Key:
    if not variable.indices and (variable.name, ()) in scope.values and variable.name != "b":
        return variable.name, ()
    found = list(targets(variable, scope))
    if len(found) != 1:
        raise Unsupported(f"{variable.name} is a group; name one entry")
    return found[0]


def _not_minimal(pairs: Any, expression: Expression, scope: Scope) -> Failure | None:
    assigned: dict[Key, Fraction] = {}
    for target, value in pairs:
        for key in targets(target, scope):
            assigned[key] = scope.evaluate(value)
    here = resolved(scope, assigned)
    if not admissible(here):
        raise Undefined
    value = here.evaluate(expression)
    other = scope.evaluate(expression)
    if other < value:
        note = " (at the claimed minimiser, and at the point below)"
        return Failure(value, "<=", other, note)
    return None


def candidates(claim: Claim, setting: Setting, *, limit: int, seed: int = 0, simple: bool = True) -> Iterator[Scope]:
    """Yield admissible points, simple ones first: small sizes, few different values, then small random rationals.

    Without ``simple`` all points are random. Sizes get equal shares of the work, at most ``MAX_WORK`` products in all,
    and some points in any case.
    """
    queue = []
    for number, sizes in enumerate(setting.sizes()):
        each = _TURN * (_POINT + work_at(setting.architecture(sizes)))
        queue.append((each, number, each, _points(claim, setting, sizes, seed, simple=simple)))
    heapq.heapify(queue)
    count = work = 0
    while queue and count < limit and (work < MAX_WORK or count < FEW_POINTS):
        spent, number, each, points = heapq.heappop(queue)
        for _ in range(_TURN):
            scope = next(points, None)
            count += 1
            if scope is None:
                break
            if isinstance(scope, Scope):
                yield scope
                work += STEP * scope.steps
        else:
            heapq.heappush(queue, (spent + each, number, each, points))
        work += each


def _points(
    claim: Claim, setting: Setting, sizes: dict[str, int], seed: int, *, simple: bool
) -> Iterator[Scope | bool]:
    architecture = setting.architecture(sizes)
    if architecture.mask_bits > MAX_MASK_BITS:
        return
    keys, scalars = free_keys(claim, setting, architecture, sizes), parameters(claim, setting)
    rng = random.Random(f"{seed} {sorted(sizes.items())}")
    for free in itertools.chain(_simple(keys) if simple else (), _random(keys, rng)):
        try:
            scope = scope_of(claim, setting, architecture, sizes, Quick(), free, scalars)
            yield scope if admissible(scope) else False
        except Undefined:
            yield False


def _simple(keys: list[Key]) -> Iterator[dict[Key, Fraction]]:
    """Yield all ones first, then alternating inputs, single zeros and small shifts of one value."""
    ones = {k: F(1, 2) if k[0] == "q" else F(1) for k in keys}
    alternating = {k: F(-1) if k[0] == "x" and k[1][0] % 2 == 0 else v for k, v in ones.items()}
    skewed = {k: F(-2) if k[0] == "x" and k[1][0] % 2 == 0 else v for k, v in ones.items()}
    for base in (ones, alternating, skewed):
        yield base
        for q in _RATES[1:]:
            if ("q", ()) in base:
                yield base | {("q", ()): q}
    for base in (ones, alternating):
        for key in keys:
            for value in (F(0), F(-1), F(2), F(8)) if key[0] != "q" else ():
                yield base | {key: value}
    yield {k: F(1, 3) for k in keys}


def _random(keys: list[Key], rng: random.Random) -> Iterator[dict[Key, Fraction]]:
    while True:
        width = rng.choice((3, 4, 6, 9, len(_VALUES)))
        yield {k: rng.choice(_RATES) if k[0] == "q" else rng.choice(_VALUES[:width]) for k in keys}


def search(claim: Claim, setting: Setting, *, limit: int) -> Counterexample | None:
    """Return the simplest counterexample found among ``limit`` points, or None."""
    unsupported = 0
    for scope in candidates(claim, setting, limit=limit):
        try:
            if failure(claim, scope) is not None and confirmed(claim, scope):
                return counterexample_at(claim, scope)
        except Undefined:
            continue
        except Unsupported:  # too many steps at one point are too many at all
            unsupported += 1
            if unsupported == MAX_UNSUPPORTED:
                break
    return None


def confirmed(claim: Claim, scope: Scope) -> bool:
    """Return whether the double loop agrees that a claim fails: it has the last word."""
    scope.domain, scope.quantities = Naive(), {}
    return failure(claim, scope) is not None


def holds_at(claim: Claim, scope: Scope) -> bool | None:
    """Return whether a claim holds at a point; None where it is undefined."""
    try:
        return failure(claim, scope) is None
    except (Undefined, Unsupported):
        return None


def counterexample_at(claim: Claim, scope: Scope) -> Counterexample:
    """Return a point at which a claim fails as a counterexample, its values made simpler while it remains one.

    The double loop has confirmed ``scope`` and is asked once more, at the simplest point.
    """
    setting, scalars = scope.setting, parameters(claim, scope.setting)
    keys = free_keys(claim, setting, scope.architecture, scope.sizes, scalars)

    def fails(free: Mapping[Key, Fraction]) -> Scope | None:
        try:
            trial = scope_of(claim, setting, scope.architecture, scope.sizes, Quick(), free, scalars)
            return trial if admissible(trial) and failure(claim, trial) is not None else None
        except (Undefined, Unsupported):
            return None

    free, simplest = {k: scope.values[k] for k in keys}, scope
    for key in keys:
        for value in (F(1, 2),) if key[0] == "q" else (F(1), F(0), F(-1), F(2), F(1, 2)):
            if _weight(value) >= _weight(free[key]) and value != free[key]:
                continue
            if value == free[key]:
                break
            found = fails(free | {key: value})
            if found is not None:
                free, simplest = free | {key: value}, found
                break
    if simplest is not scope:
        simplest.domain, simplest.quantities = Naive(), {}
        scope = simplest if holds_at(claim, simplest) is False else scope
    found_failure = failure(claim, scope)
    assert found_failure is not None
    network, data, rates = concrete(scope)
    shape = setting.shape
    named = {name: F(scope.sizes[name]) for name in shape.symbols}
    told = keys if network.architecture.depth != 2 or shape.symbolic_depth else [_without_layer(k) for k in keys]
    return Counterexample(
        left=found_failure.left,
        relation=found_failure.relation,
        right=found_failure.right,
        note=found_failure.note,
        values=named | {expression_text(key_name(shown)): scope.values[k] for k, shown in zip(keys, told, strict=True)},
        names=(*map(Name, named), *map(key_name, told)),
        network=network,
        data=data,
        rates=rates,
    )


def _without_layer(key: Key) -> Key:
    """Return a weight or bias of the only hidden layer as it is printed: W[1,2] and b[1], without the layer."""
    name, indices = key
    return (name, indices[1:]) if (name, len(indices)) in (("W", 3), ("b", 2)) else key


def _weight(value: Fraction) -> tuple[int, int]:
    return abs(value.numerator) + 4 * (value.denominator - 1), int(value < 0)
