"""How many states the law of a layer can have: bounds from shapes, multiplicities and ranges, as base-2 logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from exactdropout.numeric.exact_strategy import log2_sum
from exactdropout.numeric.reduction import ReducedExample, ReducedLayer

__all__ = ["LayerCounts", "layer_counts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCounts:
    """Upper bounds for one layer, as log2.

    ``pushes``: partial states that are written while one state of the layer before is expanded; ``expanded``: the
    states it becomes; ``alive``: distinct values of the layer over all masks; ``entering``: the same of the one before.
    """

    entering: float
    pushes: float
    expanded: float
    alive: float


def layer_counts(example: ReducedExample) -> list[LayerCounts]:
    """Return the bounds of every hidden layer of a reduced example.

    A source with count m can be kept in m + 1 ways; and however many ways there are, unit i's partial sums are
    multiples of the gcd of its steps between known ends, so the states fill at most a box.
    """
    result = []
    alive = 0.0
    for layer in example.layers:
        pushes, expanded = _expansion(layer)
        entering = alive
        alive = min(alive + expanded, _box(layer, after=True))
        result.append(LayerCounts(entering=entering, pushes=pushes, expanded=expanded, alive=alive))
    return result


def _expansion(layer: ReducedLayer) -> tuple[float, float]:
    """Return log2 of the partial states summed over the sources, and of the last ones."""
    if layer.keep == layer.total:
        return math.log2(max(1, len(layer.sources))), 0.0
    room = _box(layer, after=False)
    bits, sizes = 0.0, [0.0]
    for _, _, count in layer.sources:
        bits += math.log2(count + 1)
        sizes.append(min(bits, room))
    return log2_sum(sizes), min(bits, room)


def _box(layer: ReducedLayer, *, after: bool) -> float:
    """Return log2 of the number of vectors that the bounds and the steps' common divisors leave, before or after φ."""
    total = 0.0
    for i, (low, high, top) in enumerate(zip(layer.low, layer.high, layer.tops, strict=True)):
        step = math.gcd(*[column[i] for _, column, _ in layer.sources])
        below = 0 if after and top == 0 else low
        total += math.log2((high - below) // max(step, 1) + (2 if after else 1))
    return total
