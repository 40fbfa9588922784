"""Counterexamples beyond small numbers: the gap of a claim is made small in floating point, then rounded.

Random points first, then L-BFGS from the best of them, the gradient by differences; a point where the gap is negative
is rounded to fractions with small denominators, and counts only where the exact value fails too. The floats prove
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.claims.language.syntax import Claim, Comparison, Minimiser, Monotonicity
from exactdropout.claims.refutation.arrays import Arrays, work_of_arrays
from exactdropout.claims.refutation.moments import Quick
from exactdropout.claims.refutation.search import admissible, confirmed, failure, moving_key
from exactdropout.claims.setting.named_sizes import (
    Key,
    Scope,
    Undefined,
    Unsupported,
    free_keys,
    parameters,
    resolved,
    scope_of,
    targets,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture

__all__ = ["descend"]

F = Fraction
WORK = 1_000_000_000
"""Products of all starts together, in arrays: a second or two."""
POINTS, STARTS = 128, 6
"""Random points of one size, and how many of the best are followed; ``ROUNDS`` times each size."""
ROUNDS = 10
ITERATIONS = 50
FIXED = 1_000_000
"""What a step costs beside its products."""
MAX_BITS, MAX_TIED_BITS, MAX_LOOP_BITS = 7, 9, 12
"""Masks of all layers but the last in arrays, and of all layers in the exact double loop."""
_WIDE = (1, 2, 3, 4, 5)
_DENOMINATORS = (1, 2, 4, 10, 64, 1000, 10**5)
_SMALL, _ENOUGH = 1e-7, -0.05
_MEMORY, _FAR = 6, 0.5
_LENGTHS = np.array([1.0, 0.5, 0.2, 0.05, 0.01, 1e-3, 2.0])
_STEP = 1e-6
_BEYOND = 10.0
"""The gap where nothing is defined."""
_NOT_EXACT = (Undefined, Unsupported, InvalidInput, OverflowError, ZeroDivisionError)
_OTHER: Key = ("other value", ())


@dataclass(frozen=True)
class _Place:
    """A claim at one size; variables of one group have the same value."""

    claim: Claim
    setting: Setting
    architecture: Architecture
    sizes: dict[str, int]
    keys: tuple[Key, ...]
    scalars: list[Key]
    moving: Key | None

    groups: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return how many numbers make a point."""
        return max(self.groups) + 1

    @property
    def work(self) -> int:
        """Return the products of one point."""
        return work_of_arrays(self.architecture)

    def scope(self, free: Mapping[Key, Any], domain: Any) -> Scope:
        return scope_of(self.claim, self.setting, self.architecture, self.sizes, domain, free, self.scalars)

    def free(self, points: Any) -> dict[Key, Any]:
        """Return the values of the variables at points, one row each: inside their signs, rates in (0, 1)."""
        found = {}
        columns = np.atleast_2d(points).T
        for key, group in zip(self.keys, self.groups, strict=True):
            column = columns[group]
            like = self.moving if key == _OTHER and self.moving is not None else key
            if like[0] == "q":
                found[key] = 1 / (1 + np.exp(-np.clip(column, -30, 30)))
                continue
            signs = self.setting.sign(like)
            up, down = bool(signs & {">", ">="}), bool(signs & {"<", "<="})
            found[key] = abs(column) if up else -abs(column) if down else column
        return found

    def gaps(self, points: Any) -> Any:
        """Return for each point a number that is negative only where the claim fails, as far as floats tell."""
        with np.errstate(all="ignore"):
            try:
                found = np.broadcast_to(self._gaps(self.free(points)), len(points))
            except _NOT_EXACT:
                return np.full(len(points), np.inf)
            return np.where(np.isfinite(found), np.clip(found, -1, _BEYOND), _BEYOND)

    def _gaps(self, free: dict[Key, Any]) -> Any:
        statement, other = self.claim.statement, free.pop(_OTHER, None)
        scope = self.scope(free, Arrays())
        outside = _outside(self.setting, scope)
        if isinstance(statement, Comparison):
            values = [scope.evaluate(side) for side in statement.sides]
            pairs = zip(values, statement.relations, values[1:], strict=False)
            gap = np.minimum.reduce(np.broadcast_arrays(*(_room(a, r, b) for a, r, b in pairs)))
        elif isinstance(statement, Minimiser):
            assigned = {key: scope.evaluate(v) for target, v in statement.assignments for key in targets(target, scope)}
            there = resolved(scope, assigned)
            outside = np.maximum(outside, _outside(self.setting, there))
            gap = _room(there.evaluate(statement.expression), "<=", scope.evaluate(statement.expression))
        else:
            assert isinstance(statement, Monotonicity)
            assert self.moving is not None
            low, high = np.minimum(free[self.moving], other), np.maximum(free[self.moving], other)
            scopes = [self.scope(free | {self.moving: v}, Arrays()) for v in (low, high, (low + high) / 2)]
            first, last, middle = (s.evaluate(statement.expression) for s in scopes)
            for s in scopes:
                outside = np.maximum(outside, _outside(self.setting, s))
            match statement.direction:
                case "convex":
                    gap = _room(2 * middle, "<=", first + last)
                case "concave":
                    gap = _room(first + last, "<=", 2 * middle)
                case "nondecreasing" | "increasing":
                    gap = _room(first, "<=", last)
                case _:
                    gap = _room(last, "<=", first)
        return np.where(outside > 0, np.maximum(gap, outside), gap)

    def rounded(self, point: Any) -> Scope | None:
        """Return an exact point that fails, near one in floats; simple scales and numbers first."""
        free = {key: float(value[0]) for key, value in self.free([point]).items()}
        for values in (_rescaled(free), free):
            for most in _DENOMINATORS:
                exact = {key: F(value).limit_denominator(most) for key, value in values.items()}
                scope = self.fails(exact)
                if scope is None:
                    continue
                found = self.simpler(exact)
                if found is not None or confirmed(self.claim, scope):
                    return found or scope
        return None

    def fails(self, exact: Mapping[Key, Fraction]) -> Scope | None:
        """Return the scope of an exact point where the claim fails, as the quick evaluation has it."""
        free = dict(exact)
        other = free.pop(_OTHER, None)
        if self.moving is not None and other is not None and other < free[self.moving]:
            free[self.moving], other = other, free[self.moving]
        try:
            scope = self.scope(free, Quick())
            scope.others = () if other is None else (other,)
            return scope if admissible(scope) and failure(self.claim, scope) is not None else None
        except _NOT_EXACT:
            return None

    def simpler(self, exact: dict[Key, Fraction]) -> Scope | None:
        """Return a point with simpler numbers where the claim still fails, the double loop agreeing."""
        for key in sorted(exact, key=lambda k: -exact[k].denominator):
            for most in _DENOMINATORS:
                value = exact[key].limit_denominator(most)
                if value == exact[key]:
                    break
                if self.fails(exact | {key: value}) is not None:
                    exact = exact | {key: value}
                    break
        scope = self.fails(exact)
        return scope if scope is not None and confirmed(self.claim, scope) else None


def _rescaled(free: dict[Key, float]) -> dict[Key, float]:
    """Return a point with label 1 or -1 and hidden weights up to 1, the same by homogeneity where all is free."""
    found, label = dict(free), abs(free.get(("y", ()), 0.0))
    units = {key[1][:2] for key in free if key[0] == "W"}
    last = max((layer for layer, _ in units), default=0)
    for layer, unit in units:
        ours = [key for key in free if key[0] in ("W", "b") and key[1][:2] == (layer, unit)]
        most = max(abs(free[key]) for key in ours)
        if last != 1 or not most or ("w", (unit,)) not in free:
            continue
        found |= {key: free[key] / most for key in ours}
        found["w", (unit,)] = free["w", (unit,)] * most
    if label:
        found |= {key: value / label for key, value in found.items() if key[0] in ("y", "w") or key == ("b", ())}
    return found


def _room(left: Any, relation: str, right: Any) -> Any:
    """Return the difference of two sides, relative to their size: negative where the relation fails."""
    difference = right - left if relation in ("<=", "<") else left - right
    return difference / (abs(left) + abs(right) + 1e-12)


def _outside(setting: Setting, scope: Scope) -> Any:
    """Return how far a point is from what is assumed, relative to the size of both sides; 0 where it satisfies it."""
    far: Any = 0.0
    for comparison in setting.filters:
        values = [scope.evaluate(side) for side in comparison.sides]
        for left, relation, right in zip(values, comparison.relations, values[1:], strict=False):
            if relation in ("=", "!="):
                away = abs(left - right) if relation == "=" else np.where(left == right, 1.0, 0.0)
                far = np.maximum(far, away / (abs(left) + abs(right) + 1e-12))
            else:
                far = np.maximum(far, -_room(left, relation, right))
    return far


def descend(claim: Claim, setting: Setting, *, work: int = WORK, seed: int = 0) -> Scope | None:
    """Return an exact point at which a claim fails, None where the descent found none.

    It covers inequalities, growth and convexity in a number, and minimisers.
    """
    statement = claim.statement
    if isinstance(statement, Comparison):
        if not set(statement.relations) <= {"<=", "<", ">=", ">"}:
            return None
    elif not isinstance(statement, Monotonicity | Minimiser):
        return None
    rng = np.random.default_rng(seed)
    places = list(_places(claim, setting))
    left = float(work)
    for _ in range(ROUNDS):
        for place in places:
            points = rng.normal(size=(POINTS, place.size)) * rng.choice((0.3, 1.0, 3.0), size=(POINTS, 1))
            gaps = place.gaps(points)
            if not np.isfinite(gaps).any():
                break
            points = points[np.argsort(gaps, kind="stable")[:STARTS]]
            points, gaps, calls = lowered(place.gaps, points, each=place.work)
            left -= POINTS * place.work + calls
            for at in np.argsort(gaps, kind="stable"):
                found = place.rounded(points[at]) if gaps[at] < -_SMALL else None
                if found is not None:
                    return found
            if left <= 0:
                return None
    return None


def lowered(gaps: Callable[[Any], Any], points: Any, *, each: float = 1.0) -> tuple[Any, Any, float]:
    """Return points after steps of L-BFGS from each, their gaps, and the products that it took at ``each`` a point.

    The gradient is a central difference; of several lengths of a step the best is taken.
    """
    starts, size = points.shape
    value, spent = gaps(points), 0.0
    history: list[tuple[Any, Any]] = []
    before: tuple[Any, Any] | None = None
    for _ in range(ITERATIONS):
        steps = _STEP * np.maximum(1.0, abs(points))
        moves = steps[:, None, :] * np.eye(size)
        around = np.concatenate([points[:, None] + moves, points[:, None] - moves], axis=1)
        found = gaps(around.reshape(-1, size)).reshape(starts, 2, size)
        slope = (found[:, 0] - found[:, 1]) / (2 * steps)
        if before is not None:
            history = [*history, (points - before[0], slope - before[1])][-_MEMORY:]
        before = points, slope
        way = _direction(slope, history)
        far = np.sqrt((way * way).sum(axis=1, keepdims=True)) + 1e-300
        way *= np.minimum(1.0, _FAR * (1 + np.sqrt((points * points).sum(axis=1, keepdims=True))) / far)
        trials = points[:, None] + _LENGTHS[None, :, None] * way[:, None]
        tried = gaps(trials.reshape(-1, size)).reshape(starts, len(_LENGTHS))
        spent += FIXED + each * starts * (2 * size + len(_LENGTHS))
        best = tried.argmin(axis=1)
        least = tried[np.arange(starts), best]
        better = least < value - 1e-12
        if not better.any() or value.min() < _ENOUGH:
            break
        points = np.where(better[:, None], trials[np.arange(starts), best], points)
        value = np.where(better, least, value)
    return points, value, spent


def _direction(slope: Any, history: list[tuple[Any, Any]]) -> Any:
    """Return minus the slope times the inverse Hessian as the last steps tell it, for each start."""
    way, scales = -slope, []
    for step, change in reversed(history):
        curved = (step * change).sum(axis=1, keepdims=True)
        rho = np.where(curved > 1e-14, 1 / np.where(curved > 1e-14, curved, 1.0), 0.0)
        part = rho * (step * way).sum(axis=1, keepdims=True)
        way = way - part * change
        scales.append((rho, part))
    if history:
        step, change = history[-1]
        curved, size = (step * change).sum(axis=1, keepdims=True), (change * change).sum(axis=1, keepdims=True)
        way = way * np.where(curved > 1e-14, curved / np.maximum(size, 1e-300), 1.0)
    for (step, change), (rho, part) in zip(history, reversed(scales), strict=True):
        way = way + step * (part - rho * (change * way).sum(axis=1, keepdims=True))
    downhill = (way * slope).sum(axis=1, keepdims=True) < 0
    return np.where(downhill & np.isfinite(way).all(axis=1, keepdims=True), way, -slope)


def _places(claim: Claim, setting: Setting) -> Iterator[_Place]:
    """Yield the claim at the sizes that are tried, the cheap ones first; at larger ones entries of a name are equal."""
    scalars = parameters(claim, setting)
    found = []
    for sizes in setting.edge_sizes(_WIDE):
        architecture = setting.architecture(sizes)
        bits = sum(architecture.widths[:-2])
        if bits > MAX_TIED_BITS or architecture.mask_bits > MAX_LOOP_BITS:
            continue
        keys, moving = free_keys(claim, setting, architecture, sizes), None
        if isinstance(claim.statement, Monotonicity):
            try:
                moving = moving_key(
                    claim, scope_of(claim, setting, architecture, sizes, Arrays(), _ones(keys), scalars)
                )
            except _NOT_EXACT:
                continue
            keys = [*keys, _OTHER]
        if not keys:
            continue
        names = [key[0] for key in keys] if bits > MAX_BITS else list(range(len(keys)))
        groups = tuple(list(dict.fromkeys(names)).index(name) for name in names)
        found.append(_Place(claim, setting, architecture, sizes, tuple(keys), scalars, moving, groups))
    yield from sorted(found, key=lambda place: place.work * place.size)


def _ones(keys: list[Key]) -> dict[Key, float]:
    return {key: 0.5 if key[0] == "q" else 1.0 for key in keys}
