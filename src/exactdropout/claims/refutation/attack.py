"""The falsifier: before *proved* is said, a claim is tried at the edges, so that a false proof needs bad luck as well.

Sizes 1, 2 and 3, rates near 0 and near 1, zeros, ties, both signs, and values of very different size; exact fractions,
both sides from the definition. An attack is bounded by a number of points and of products: it can only refute.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.refutation.moments import Quick, work_at
from exactdropout.claims.refutation.search import FEW_POINTS, MAX_UNSUPPORTED, STEP, admissible, confirmed, failure
from exactdropout.claims.setting.named_sizes import Key, Scope, Undefined, Unsupported, free_keys, parameters, scope_of
from exactdropout.claims.setting.setting import Setting

__all__ = ["attack", "edge_points"]

F = Fraction
POINTS = 120
WORK = 40_000
"""Products of an attack, a fraction of a second; ``FEW_POINTS`` are tried in any case."""
MAX_BITS = 8
"""Mask bits of the sizes that are tried; a named shape is tried whatever it has."""
_WIDE = (1, 2, 3, 4, 5, 8)
_RATES = (F(1, 2), F(1, 100), F(99, 100), F(1, 3), F(0), F(3, 4), F(1, 1000), F(999, 1000))
_SETS = (
    (F(0), F(1)), (F(1), F(-1)), (F(0), F(1), F(-1)), (F(1), F(-1), F(2), F(-2), F(1, 2)),
    (F(1), F(100), F(-100), F(1, 100)), (F(3), F(-3), F(1, 3), F(7), F(-7)), (F(0), F(10), F(-10)),
)  # fmt: skip


def attack(
    claim: Claim, setting: Setting, *, points: int = POINTS, work: int = WORK, seed: int = 0, wide: bool = False
) -> Scope | None:
    """Return an admissible point at which the claim fails, None where none was found; ``wide`` tries larger sizes."""
    spent = unsupported = 0
    for number, scope in enumerate(itertools.islice(edge_points(claim, setting, seed=seed, wide=wide), points)):
        if spent > work and number >= FEW_POINTS:
            return None
        try:
            if (
                scope is not None
                and admissible(scope)
                and failure(claim, scope) is not None
                and confirmed(claim, scope)
            ):
                return scope
        except Undefined:
            pass
        except Unsupported:
            unsupported += 1
            if unsupported == MAX_UNSUPPORTED:
                return None
        spent += 0 if scope is None else work_at(scope.architecture) + STEP * scope.steps
    return None


def edge_points(claim: Claim, setting: Setting, *, seed: int = 0, wide: bool = False) -> Iterator[Scope | None]:
    """Yield points at the edges, the sizes in turn; None where one is not defined."""
    rng = random.Random(seed)
    shapes, scalars = [], parameters(claim, setting)
    for sizes in setting.edge_sizes(_WIDE) if wide else setting.edge_sizes():
        architecture = setting.architecture(sizes)
        if architecture.mask_bits <= MAX_BITS or setting.named:
            shapes.append((sizes, architecture, free_keys(claim, setting, architecture, sizes)))
    for turn in itertools.count():
        for sizes, architecture, keys in shapes:
            free = _point(setting, keys, turn, rng)
            try:
                yield scope_of(claim, setting, architecture, sizes, Quick(), free, scalars)
            except (Undefined, Unsupported):
                yield None
        if not shapes:
            return


def _point(setting: Setting, keys: list[Key], turn: int, rng: random.Random) -> dict[Key, Fraction]:
    """Return values: few different ones, so that there are ties; some turns give all of a kind the same value."""
    values = _SETS[turn % len(_SETS)]
    equal: dict[str, Fraction] = {}
    found = {}
    for key in keys:
        if key[0] == "q":
            found[key] = _RATES[turn % len(_RATES)]
            continue
        value = rng.choice(values)
        if turn % 4 == 1:
            value = equal.setdefault(key[0], value)
        found[key] = _signed(value, setting, key)
    return found


def _signed(value: Fraction, setting: Setting, key: Key) -> Fraction:
    """Return a value with the sign that is assumed of a variable."""
    signs = setting.sign(key)
    if value == 0 and signs & {">", "<", "!="}:
        value = F(1)
    if signs & {">", ">="}:
        return abs(value)
    return -abs(value) if signs & {"<", "<="} else value
