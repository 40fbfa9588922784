"""A claim at many points at once: the double loop over examples and all masks in float64, in arrays.

A screen and no judge: a point where a claim seems to fail is looked at again in fractions, where the double loop has
the last word. Derivatives are extrapolated differences, limits extrapolated values.
"""

import itertools
import random
from fractions import Fraction as F

import numpy as np

from exactdropout.claims.language.syntax import (
    Comparison,
    Derivative,
    Invariance,
    Limit,
    Minimiser,
    Monotonicity,
    Name,
    Number,
    walk,
)
from exactdropout.claims.refutation.attack import MAX_BITS
from exactdropout.claims.refutation.moments import Quick
from exactdropout.claims.refutation.search import admissible, confirmed, failure, moving_key
from exactdropout.claims.setting.named_sizes import (
    Undefined,
    Unsupported,
    free_keys,
    mapped,
    parameters,
    resolved,
    scope_of,
    targets,
)
from exactdropout.claims.setting.series import _given, _key
from exactdropout.errors import InvalidInput

SHAPES = 5
"""Sizes that one claim is tried at, the least one and a random choice of the others."""
RATES = tuple(map(F, ("1/2", "1/100", "99/100", "1/3", "0", "3/4", "1/1000", "999/1000", "1/5", "2/3")))
SETS = [tuple(map(F, values.split())) for values in (
    "0 1", "1 -1", "0 1 -1", "1 -1 2 -2 1/2", "1 100 -100 1/100", "3 -3 1/3 7 -7", "0 10 -10",
    "-1/2 1/2 3/2 -5/3 1/7 4",
)]  # fmt: skip
LOOKED_AT = 4
"""Suspicious points of a claim that are looked at in fractions, those with the largest gap."""
NOTHING = (Undefined, Unsupported, InvalidInput, OverflowError, ZeroDivisionError)


class Loop:
    """Values at all points; what is undefined is NaN."""

    def __init__(self):
        self.scale = 1.0

    def number(self, value):
        return float(value)

    def relu(self, value):
        return np.maximum(value, 0.0)

    def root(self, value):
        return np.sqrt(value)

    def divide(self, top, bottom):
        return np.divide(top, bottom)

    def quantity(self, name, scope):
        architecture, values = scope.architecture, scope.values
        widths, depth = architecture.widths, architecture.depth
        rates = [np.atleast_1d(np.asarray(scope.rate(layer), dtype=float)) for layer in range(depth)]
        bits = np.array(list(itertools.product((0.0, 1.0), repeat=sum(widths[:-1]))))[:, :, None]
        chance, masks, start = 1.0, [], 0
        for layer, rate in enumerate(rates):
            mine = bits[:, start : start + widths[layer]]
            start += widths[layer]
            chance = chance * np.prod(np.where(mine == 1, 1 - rate, rate), axis=1)
            masks.append(mine / (1 - rate))

        def output(x, masks):
            now = [np.asarray(v, dtype=float) for v in x]
            for layer in range(depth):
                last = layer == depth - 1
                if masks is not None:
                    now = [v * masks[layer][:, i] for i, v in enumerate(now)]
                biased = architecture.output_bias if last else architecture.hidden_biases
                after = []
                for j in range(1, widths[layer + 1] + 1):
                    z = values["b", () if last else (layer + 1, j)] if biased else 0.0
                    for i, v in enumerate(now, start=1):
                        z = z + values["w" if last else "W", (i,) if last else (layer + 1, j, i)] * v
                    if not last:
                        z = np.where(z >= 0, z, float(architecture.activations[layer].slope) * z)
                    after.append(z)
                now = after
            return now[0]

        names = ("criterion", "risk", "mean", "variance", "second_moment")
        totals = dict.fromkeys(names, 0.0)
        for number, (x, y, mass) in enumerate(scope.examples()):
            d, plain, share = output(x, masks), output(x, None), float(mass)
            if number == 0:
                totals["output"] = plain
            mean = (chance * d).sum(axis=0)
            totals["criterion"] += share * (chance * (d - y) ** 2).sum(axis=0)
            totals["risk"] += share * (plain - y) ** 2
            totals["mean"] += share * mean
            totals["variance"] += share * (chance * (d - mean) ** 2).sum(axis=0)
            totals["second_moment"] += share * (chance * d * d).sum(axis=0)
        self.scale = np.fmax(self.scale, np.abs(totals["criterion"]) + np.abs(totals["second_moment"]))
        scope.quantities |= totals | {"penalty": totals["criterion"] - totals["risk"]}
        return scope.quantities[name]

    def calculus(self, node, scope, bound):
        """Return Richardson's extrapolation of differences, or of values near a limit."""
        variable = Name(node.variable.name, tuple(Number(F(scope.integer(i, bound))) for i in node.variable.indices))
        if variable.name in scope.setting.shape.reserved or variable == Name("p"):
            raise Unsupported("a limit in a size, or anything in p")
        key = _key(variable, scope)
        here = np.asarray(scope.values[key], dtype=float)

        def at(value):
            if _given(key, scope):
                moved = resolved(scope, {key: value})
            else:
                free = {k: v for k, v in scope.values.items() if not _given(k, scope)} | {key: value}
                scalars = [k for k in scope.values if not k[1] and k[0] not in ("b", "y", "q")]
                moved = scope_of(NONE, scope.setting, scope.architecture, scope.sizes, Loop(), free, scalars)
            found = moved.evaluate(node.operand, bound)
            scope.steps += moved.steps
            self.scale = np.fmax(self.scale, moved.domain.scale)
            return found

        if isinstance(node, Derivative):
            step = 2.0**-6 * (1 + np.abs(here))
            if key[0] == "q":
                step = np.minimum(2.0**-6, np.minimum(here, 1 - here) / 4)
                step = np.where(step > 0, step, np.nan)  # at q = 0 one side is missing
            slopes = [(at(here + h) - at(here - h)) / (2 * h) for h in (step, step / 2, step / 4)]
            first, second = ((4 * b - a) / 3 for a, b in itertools.pairwise(slopes))
            return (16 * second - first) / 15
        if node.target == Name("infty"):
            near = [at(here * 0 + 2.0**k) for k in (8, 9, 10, 11)]
        else:
            target = scope.evaluate(node.target, bound)
            side = {"+": 1, "-": -1}.get(node.side or "", -1 if key[0] == "q" and np.all(target == 1) else 1)
            near = [at(here * 0 + target + side * 2.0**-k) for k in (8, 9, 10, 11)]
        for power in (2, 4, 8):
            near = [(power * b - a) / (power - 1) for a, b in itertools.pairwise(near)]
        return near[0]


class _None:
    statement, assumptions = Comparison((Number(F(0)), Number(F(0))), ("=",)), ()


NONE = _None()


def _gap(a, relation, b, near):
    """Return how far a relation fails, in units of the scale; NaN is no failure."""
    difference = np.asarray(a - b, dtype=float)
    match relation:
        case "=":
            return np.abs(difference) - near
        case "!=":
            return near - np.abs(difference)
        case "<=":
            return difference - near
        case "<":
            return difference + near / 1e3
        case ">=":
            return -difference - near
    return -difference + near / 1e3


def _worst(sides, relations, scale, tolerance):
    top = np.fmax.reduce(np.broadcast_arrays(scale, *map(np.abs, sides)))
    gaps = [_gap(a, r, b, tolerance * top) / top for a, r, b in zip(sides, relations, sides[1:], strict=False)]
    return np.fmax.reduce(np.broadcast_arrays(*gaps))


def _failing(claim, setting, architecture, sizes, free, scalars, others):
    """Return how far a claim seems to fail at each point; ``others`` are further values of what grows."""
    statement = claim.statement
    calculus = any(isinstance(node, Derivative | Limit) for node in walk(claim))
    tolerance = 1e-5 if calculus else 1e-10

    def scope(free):
        return scope_of(claim, setting, architecture, sizes, Loop(), free, scalars)

    def outside(place):
        gaps = [_worst([place.evaluate(side) for side in c.sides], c.relations, 1.0, 1e-12) for c in setting.filters]
        return np.fmax.reduce(np.broadcast_arrays(-1.0, *gaps)) > 0

    here = scope(free)
    match statement:
        case Comparison(sides, relations):
            values = [here.evaluate(side) for side in sides]
            return np.where(outside(here), -1.0, _worst(values, relations, here.domain.scale, tolerance))
        case Invariance(expression, pairs):
            values = [here.evaluate(expression), mapped(pairs, here).evaluate(expression)]
            return np.where(outside(here), -1.0, _worst(values, ("=",), here.domain.scale, tolerance))
        case Minimiser(pairs, expression):
            assigned = {key: here.evaluate(value) for target, value in pairs for key in targets(target, here)}
            there = resolved(here, assigned)
            gaps = _worst(
                [there.evaluate(expression), here.evaluate(expression)], ("<=",), here.domain.scale, tolerance
            )
            return np.where(outside(here) | outside(there), -1.0, gaps)
    key = moving_key(claim, here)
    low, high = np.minimum(free[key], others), np.maximum(free[key], others)
    places = [scope(free | {key: value}) for value in (low, (low + high) / 2, high)]
    first, middle, last = (place.evaluate(statement.expression) for place in places)
    scale = np.fmax.reduce(np.broadcast_arrays(*(place.domain.scale for place in places)))
    relation = {"constant": "=", "nondecreasing": "<=", "nonincreasing": ">=", "increasing": "<", "decreasing": ">"}
    if statement.direction in ("convex", "concave"):
        return _worst(
            [first + last, 2 * middle], (">=" if statement.direction == "convex" else "<=",), scale, tolerance
        )
    gaps = _worst([first, last], (relation[statement.direction],), scale, tolerance)
    return np.where((low == high) | outside(places[0]) | outside(places[2]), -1.0, gaps)


def falls(claim, setting, points, seed):
    """Return a point in fractions that refutes a claim, or None: one of many, seen in floats and confirmed exactly."""
    rng = random.Random(seed)
    statement = claim.statement
    sized = isinstance(statement, Monotonicity) and statement.variable.name in setting.shape.reserved
    scalars, few = parameters(claim, setting), 24
    choices = [(s, setting.architecture(s)) for s in setting.edge_sizes()]
    choices = [(s, a) for s, a in choices if a.mask_bits <= MAX_BITS or (setting.named and a.mask_bits <= 12)]
    if len(choices) > SHAPES:
        choices = [choices[0], *rng.sample(choices[1:], SHAPES - 1)]
    if not choices:
        return None
    suspects = []
    for sizes, architecture in choices:
        keys = free_keys(claim, setting, architecture, sizes, scalars)
        count = -(-points // len(choices))
        drawn = columns(setting, keys, count, np.random.default_rng(rng.randrange(2**32)))
        rate = _of_rate(statement)
        others = [F(rng.randrange(1, 100), 100) if rate else F(rng.randrange(-30, 31), 1 + 9 * (k % 2))
                  for k in range(count)]  # fmt: skip
        if sized:
            some = range(min(count, few // len(choices) + 1))
            suspects += [(0.0, sizes, architecture, {key: drawn[key][k] for key in keys}, None) for k in some]
            continue
        free = {key: np.array([float(value) for value in drawn[key]]) for key in keys}
        with np.errstate(all="ignore"):
            try:
                found = _failing(
                    claim, setting, architecture, sizes, free, scalars, np.array([float(o) for o in others])
                )
            except NOTHING:
                continue
        found = np.broadcast_to(found, (count,))
        places = [k for k in np.argsort(-found) if found[k] > 0]
        suspects += [
            (float(found[k]), sizes, architecture, {key: drawn[key][k] for key in keys}, others[k])
            for k in places[:few]
        ]
    if not sized:
        suspects = sorted(suspects, key=lambda s: -s[0])[: 2 * few]
    looked = 0
    for _, sizes, architecture, free, other in suspects:
        try:
            scope = scope_of(claim, setting, architecture, sizes, Quick(), free, scalars)
            if other is not None and isinstance(statement, Monotonicity):
                key = moving_key(claim, scope)
                low, high = sorted((free[key], other))
                scope = scope_of(claim, setting, architecture, sizes, Quick(), free | {key: low}, scalars)
                scope.others = (high,)
            if not admissible(scope):
                continue
            looked += 1
            if looked > LOOKED_AT and not sized:
                return None
            if failure(claim, scope) is not None and confirmed(claim, scope):
                return scope
        except NOTHING:
            continue
    return None


def columns(setting, keys, count, rng):
    """Return the values of each variable at all points: few different ones, and in every fourth point one of a kind."""
    found, equal = {}, {}
    turns = [SETS[(turn + turn // len(SETS)) % len(SETS)] for turn in range(count)]
    start = int(rng.integers(len(RATES)))
    for key in keys:
        if key[0] == "q":
            found[key] = [RATES[(start + turn) % len(RATES)] for turn in range(count)]
            start += bool(key[1])
            continue
        places = rng.integers(0, 2**20, count).tolist()
        values = [values[place % len(values)] for values, place in zip(turns, places, strict=True)]
        signs = setting.sign(key)
        if signs & {">", "<", "!="}:
            values = [value or F(1) for value in values]
        if signs & {">", ">="}:
            values = [abs(value) for value in values]
        elif signs & {"<", "<="}:
            values = [-abs(value) for value in values]
        same = equal.setdefault(key[0], values)
        found[key] = [s if turn % 4 == 1 else v for turn, (s, v) in enumerate(zip(same, values, strict=True))]
    return found


def _of_rate(statement):
    return isinstance(statement, Monotonicity) and statement.variable.name in ("q", "p")
