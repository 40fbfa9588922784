"""Counterexamples to inequalities beyond small numbers: the gap is made small in floating point, then rounded.

A (1 + 1) evolution strategy with a step that adapts, from several starts; a point where the gap is negative is rounded
to fractions with small denominators, and counts only where the exact value fails too. The floats prove nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import Claim, Comparison
from exactdropout.claims.refutation.moments import Quick, work_at
from exactdropout.claims.refutation.search import STEP, admissible, confirmed, failure
from exactdropout.claims.setting.named_sizes import Key, Scope, Undefined, Unsupported, free_keys, parameters, scope_of
from exactdropout.claims.setting.setting import Setting
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture

__all__ = ["descend"]

F = Fraction
WORK = 600_000
"""Products of all starts together: a second or two."""
STARTS, STEPS = 6, 250
MAX_BITS = 7
_DENOMINATORS = (1, 2, 4, 10, 64, 1000)
_SMALL = 1e-6
_NOT_EXACT = (Undefined, Unsupported, InvalidInput, OverflowError, ZeroDivisionError)


class Floating(Quick):
    """Floats in place of fractions."""

    def number(self, value: Fraction) -> Any:
        """Return the float."""
        return float(value)

    def relu(self, value: Any) -> Any:
        """Return max(value, 0)."""
        return max(value, 0.0)

    def root(self, value: Any) -> Any:
        """Return the square root."""
        if value < 0:
            raise Undefined
        return math.sqrt(value)

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Any:
        """Refuse."""
        raise Unsupported("derivatives and limits")

    def quantity(self, name: str, scope: Scope) -> Any:
        """Return a quantity at the scope's point."""
        super().quantity(name, scope)
        return float(scope.quantities[name])


def descend(claim: Claim, setting: Setting, *, work: int = WORK, seed: int = 0) -> Scope | None:
    """Return an exact point at which an inequality fails, None where the descent found none."""
    if not isinstance(claim.statement, Comparison) or not set(claim.statement.relations) <= {"<=", "<", ">=", ">"}:
        return None
    rng = random.Random(seed)
    scalars = parameters(claim, setting)
    shapes = [(sizes, setting.architecture(sizes)) for sizes in setting.edge_sizes()]
    shapes = [(sizes, a) for sizes, a in shapes if sum(a.widths[:-2]) <= MAX_BITS]
    spent = 0
    for start in range(STARTS):
        for sizes, architecture in shapes:
            if spent > work:
                return None
            keys = free_keys(claim, setting, architecture, sizes)
            made: list[int] = []

            def scope_at(
                free: dict[Key, Any], domain: Any, sizes: dict[str, int] = sizes, made: list[int] = made,
                architecture: Architecture = architecture,
            ) -> Scope:  # fmt: skip
                scope = scope_of(claim, setting, architecture, sizes, domain, free, scalars)
                made.append(STEP * len(scope.values) + work_at(architecture))
                return scope

            found = _from_one_start(claim, setting, keys, scope_at, rng, start)
            spent += sum(made)
            if found is not None:
                return found
    return None


def _from_one_start(
    claim: Claim, setting: Setting, keys: list[Key], scope_at: Callable[..., Scope], rng: random.Random, start: int
) -> Scope | None:
    def free(point: list[float]) -> dict[Key, float]:
        return {key: _inside(value, setting, key) for key, value in zip(keys, point, strict=True)}

    point = [rng.gauss(0, 1) - 4 * (key[0] == "q") * (start % 2) for key in keys]
    gap, step = _gap(claim, scope_at, free(point)), 1.0
    for _ in range(STEPS):
        direction = [rng.gauss(0, 1) * (rng.random() < 0.5) for _ in keys]
        trial = [a + step * d for a, d in zip(point, direction, strict=True)]
        value = _gap(claim, scope_at, free(trial))
        better = value < gap
        step = min(step * 1.5, 8.0) if better else max(step * 0.9, 1e-3)
        if better:
            point, gap = trial, value
        if gap < -_SMALL and (better or step < 1e-2):
            found = _rounded(claim, scope_at, free(point))
            if found is not None:
                return found
    return None


def _inside(value: float, setting: Setting, key: Key) -> float:
    """Return the value where it is free, its absolute value with a sign that is assumed, or a rate in (0, 1)."""
    if key[0] == "q":
        return 1 / (1 + math.exp(-max(min(value, 30.0), -30.0)))
    signs = setting.sign(key)
    return abs(value) if signs & {">", ">="} else -abs(value) if signs & {"<", "<="} else value


def _gap(claim: Claim, scope_at: Callable[..., Scope], free: dict[Key, float]) -> float:
    """Return the least difference of two sides, relative to their size: negative where the claim fails."""
    statement = claim.statement
    assert isinstance(statement, Comparison)
    try:
        scope = scope_at(free, Floating())
        if not admissible(scope):
            return math.inf
        values = [float(scope.evaluate(side)) for side in statement.sides]
    except _NOT_EXACT:
        return math.inf
    least = math.inf
    for left, relation, right in zip(values, statement.relations, values[1:], strict=False):
        difference = (right - left if relation in ("<=", "<") else left - right) / (abs(left) + abs(right) + 1e-12)
        if math.isnan(difference):
            return math.inf
        least = min(least, difference)
    return least


def _rounded(claim: Claim, scope_at: Callable[..., Scope], free: dict[Key, float]) -> Scope | None:
    for most in _DENOMINATORS:
        exact = {key: F(value).limit_denominator(most) for key, value in free.items()}
        try:
            scope = scope_at(exact, Quick())
            if admissible(scope) and failure(claim, scope) is not None and confirmed(claim, scope):
                return scope
        except _NOT_EXACT:
            continue
    return None
