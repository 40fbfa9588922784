"""The falsifier: before *proved* is said, a claim is tried at the edges, so that a false proof needs bad luck as well.

Sizes 1, 2 and 3, rates near 0 and near 1, zeros, ties, both signs, and values of very different size; exact fractions,
both sides from the definition. An attack is bounded by a number of points and by seconds: it can only refute.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.refutation.search import MAX_UNSUPPORTED, Naive, admissible, failure
from exactdropout.claims.setting.named_sizes import Fractions, Key, Scope, Undefined, Unsupported, free_keys, scope_of
from exactdropout.claims.setting.setting import Setting

__all__ = ["attack", "edge_points"]

F = Fraction
POINTS = 120
SECONDS = 0.3
MAX_BITS = 8
"""Mask bits of the sizes that are tried; a named shape is tried whatever it has, within the seconds."""
_RATES = (F(1, 2), F(1, 100), F(99, 100), F(1, 3), F(0), F(3, 4), F(1, 1000), F(999, 1000))
_SETS = (
    (F(0), F(1)), (F(1), F(-1)), (F(0), F(1), F(-1)), (F(1), F(-1), F(2), F(-2), F(1, 2)),
    (F(1), F(100), F(-100), F(1, 100)), (F(3), F(-3), F(1, 3), F(7), F(-7)), (F(0), F(10), F(-10)),
)  # fmt: skip


def attack(
    claim: Claim, setting: Setting, *, points: int = POINTS, seconds: float = SECONDS, seed: int = 0
) -> Scope | None:
    """Return an admissible point at which the claim fails, None where none was found."""
    start, unsupported = time.perf_counter(), 0
    for scope in itertools.islice(edge_points(claim, setting, seed=seed), points):
        try:
            if (
                scope is not None
                and admissible(scope)
                and failure(claim, scope) is not None
                and _confirmed(claim, scope)
            ):
                return scope
        except Undefined:
            pass
        except Unsupported:
            unsupported += 1
            if unsupported == MAX_UNSUPPORTED:
                return None
        if time.perf_counter() - start > seconds:
            return None
    return None


def _confirmed(claim: Claim, scope: Scope) -> bool:
    """Return whether the double loop agrees that a claim fails: it has the last word."""
    scope.domain, scope.quantities = Naive(), {}
    return failure(claim, scope) is not None


class Quick(Fractions):
    """Fractions, with quantities by the masks of all layers but the last, whose moments are known: faster by far."""

    def quantity(self, name: str, scope: Scope) -> Fraction:
        """Return a quantity at the scope's point."""
        depth = scope.architecture.depth
        rates = [scope.rate(layer) for layer in range(depth)]
        examples = [_entering(scope, 1)] + ([_entering(scope, 0)] if scope.half else [])
        share = F(1, len(examples))
        totals = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), F(0))
        for number, (x, y) in enumerate(examples):
            mean, second = _moments(scope, x, rates)
            output = _moments(scope, x, [F(0)] * depth)[0]
            if number == 0:
                totals["output"] = output
            totals["criterion"] += share * (second - 2 * y * mean + y * y)
            totals["risk"] += share * (output - y) ** 2
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second - mean * mean)
        scope.quantities |= totals | {"penalty": totals["criterion"] - totals["risk"]}
        return Fraction(scope.quantities[name])


def _entering(scope: Scope, factor: int) -> tuple[tuple[Fraction, ...], Fraction]:
    """Return the example times 1, or times 0: the origin of Definition 1."""
    inputs = scope.architecture.inputs
    return tuple(factor * scope.values["x", (i,)] for i in range(1, inputs + 1)), factor * scope.values["y", ()]


def _moments(scope: Scope, x: tuple[Fraction, ...], rates: list[Fraction]) -> tuple[Fraction, Fraction]:
    """Return E D and E D²: D is affine in the last layer's masks, of mean 1 and variance q/p."""
    architecture, values = scope.architecture, scope.values
    law = {x: F(1)}
    for layer, (activation, width) in enumerate(zip(architecture.activations, architecture.hidden, strict=True), 1):
        after: dict[tuple[Fraction, ...], Fraction] = {}
        for entering, probability in law.items():
            for masked, chance in _masked(entering, rates[layer - 1]):
                hidden = []
                for j in range(1, width + 1):
                    z = values["b", (layer, j)] if architecture.hidden_biases else F(0)
                    z += sum(values["W", (layer, j, i)] * v for i, v in enumerate(masked, 1) if v)
                    hidden.append(z if z >= 0 else activation.slope * z)
                key = tuple(hidden)
                after[key] = after.get(key, F(0)) + probability * chance
        law = after
    spread = rates[-1] / (1 - rates[-1])
    bias = values["b", ()] if architecture.output_bias else F(0)
    mean = second = F(0)
    for entering, probability in law.items():
        terms = [values["w", (i,)] * v for i, v in enumerate(entering, 1)]
        m = bias + sum(terms)
        mean += probability * m
        second += probability * (m * m + spread * sum(t * t for t in terms))
    return mean, second


def _masked(values: tuple[Fraction, ...], rate: Fraction) -> Iterator[tuple[tuple[Fraction, ...], Fraction]]:
    """Yield the masked and rescaled values with their probabilities; what is 0 needs no mask."""
    places = [i for i, v in enumerate(values) if v] if rate else []
    if not places:
        yield values, F(1)
        return
    keep = 1 - rate
    scaled = [v / keep for v in values]
    for bits in itertools.product((False, True), repeat=len(places)):
        masked = [F(0)] * len(values)
        for place, bit in zip(places, bits, strict=True):
            if bit:
                masked[place] = scaled[place]
        kept = sum(bits)
        yield tuple(masked), keep**kept * rate ** (len(places) - kept)


def edge_points(claim: Claim, setting: Setting, *, seed: int = 0) -> Iterator[Scope | None]:
    """Yield points at the edges, the sizes in turn; None where one is not defined."""
    rng = random.Random(seed)
    shapes = []
    for sizes in setting.edge_sizes():
        architecture = setting.architecture(sizes)
        if architecture.mask_bits <= MAX_BITS or setting.shape.named:
            shapes.append((sizes, architecture, free_keys(claim, setting, architecture)))
    for turn in itertools.count():
        for sizes, architecture, keys in shapes:
            free = _point(setting, keys, turn, rng)
            try:
                yield scope_of(claim, setting, architecture, sizes, Quick(), free)
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
