"""How many states the law of a layer can have: bounds from shapes, multiplicities and ranges, as base-2 logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from exactdropout.numeric.exact_strategy import log2_sum
from exactdropout.numeric.reduction import ReducedExample, ReducedLayer

__all__ = ["LayerCounts", "lattice_points", "layer_counts"]

SAMPLED_MINORS = 200


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


def layer_counts(example: ReducedExample, *, first: float | None = None) -> list[LayerCounts]:
    """Return the bounds of every hidden layer of a reduced example.

    A source with count m can be kept in m + 1 ways; and however many ways there are, unit i's partial sums are
    multiples of the gcd of its steps between known ends, so the states fill at most a box. ``first``, if given, is an
    estimate of the first layer's states (log2); the results are then no bounds.
    """
    result = []
    alive = 0.0
    for number, layer in enumerate(example.layers):
        pushes, expanded = _expansion(layer, math.inf if first is None or number else first)
        entering = alive
        alive = min(alive + expanded, _box(layer, after=True))
        result.append(LayerCounts(entering=entering, pushes=pushes, expanded=expanded, alive=alive))
    return result


def _expansion(layer: ReducedLayer, estimated: float) -> tuple[float, float]:
    """Return log2 of the partial states summed over the sources, and of the last ones."""
    if layer.keep == layer.total:
        return math.log2(max(1, len(layer.sources))), 0.0
    room = min(_box(layer, after=False), estimated)
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


def lattice_points(layer: ReducedLayer) -> float:
    """Return an estimate (log2) of the distinct sums of a first layer's columns.

    They are lattice points of the zonotope that the columns span, whose volume is Σ |det| over all choices of r columns
    (r the rank); the mean over a fixed sample of choices stands for all. Divided by the gcd of the minors (the index of
    the lattice), and enlarged by half a step on every side.
    """
    import numpy as np
    from flint import fmpz_mat

    rows = len(layer.bias)
    columns = [column for _, column, _ in layer.sources]
    matrix = fmpz_mat(len(columns), rows, [v for column in columns for v in column])
    echelon, _, rank = matrix.rref()
    pivots = [next(j for j in range(rows) if echelon[i, j] != 0) for i in range(rank)]
    copies = [s for s, (_, _, count) in enumerate(layer.sources) for _ in range(count)]
    raw = np.random.PCG64(20172).random_raw(SAMPLED_MINORS * rank).tolist()
    volume, index = 0, 0
    for sample in range(SAMPLED_MINORS):
        left, chosen = list(range(len(copies))), []
        for number in raw[sample * rank : (sample + 1) * rank]:
            chosen.append(copies[left.pop(number % len(left))])
        minor = abs(int(fmpz_mat(rank, rank, [columns[s][j] for s in chosen for j in pivots]).det()))
        volume += minor
        index = math.gcd(index, minor)
    if volume == 0:
        return math.inf
    estimate = math.log2(volume) - math.log2(SAMPLED_MINORS * index) + math.log2(math.comb(len(copies), rank))
    for j in pivots:
        step = math.gcd(*[column[j] for column in columns])
        reach = (layer.high[j] - layer.low[j]) // max(step, 1)
        estimate += math.log2((reach + 1) / max(reach, 1)) if reach < 1 << 60 else 0.0
    return max(estimate, 0.0)
