"""How many states the law of a layer can have: bounds from shapes, multiplicities and ranges, as base-2 logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer
from exactdropout.numeric.exact.strategy import ExactProblem, log2_sum

__all__ = ["LayerCounts", "bounded_counts", "lattice_points", "layer_counts"]

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


def bounded_counts(problem: ExactProblem, example: ReducedExample) -> list[LayerCounts]:
    """Return :func:`layer_counts`, made once."""
    known: dict[int, list[LayerCounts]] = problem.memo.setdefault("bounded counts", {})
    if id(example) not in known:
        known[id(example)] = layer_counts(example)
    return known[id(example)]


def _expansion(layer: ReducedLayer, estimated: float) -> tuple[float, float]:
    """Return log2 of the partial states summed over the sources, and of the last ones."""
    if layer.keep == layer.total:
        return math.log2(max(1, len(layer.sources))), 0.0
    box = _box(layer, after=False)
    room, units = min(box, estimated), sum(count for _, _, count in layer.sources)
    bits, done, sizes = 0.0, 0, [0.0]
    for _, _, count in layer.sources:
        bits += math.log2(count + 1)
        done += count
        shrunk = len(layer.bias) * math.log2(done / units) if estimated < box else 0.0  # a smaller copy of the zonotope
        sizes.append(max(0.0, min(bits, room + shrunk)))
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
    """Return an estimate (log2) of the distinct sums of a first layer's columns, the smaller one of two.

    With many columns for few units, nearly all lattice points of the zonotope that the columns span: its volume is
    Σ |det| over all choices of r columns (r the rank), of which the mean over a fixed sample is taken; divided by the
    gcd of the minors (the index of the lattice), and enlarged by half a step on every side. With few columns, sums lie
    about their mean like Gaussian draws and the corners stay empty: see :func:`_occupied`.
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
    chosen_rows = fmpz_mat(len(copies), rank, [columns[s][j] for s in copies for j in pivots])
    gram = int((chosen_rows.transpose() * chosen_rows).det())
    spread = 0.5 * math.log2(gram) - rank - math.log2(index)  # √det of the covariance Σ c cᵀ/4, in lattice points
    draws = sum(math.log2(count + 1) for _, _, count in layer.sources)
    return max(0.0, min(estimate, _occupied(rank, spread, draws)))


def _occupied(rank: int, spread: float, draws: float) -> float:
    """Return log2 of the points of a lattice that 2^draws Gaussian draws are expected to meet.

    ∫ (1 − exp(−N f)) with f the density of standard deviations of volume 2^spread, by shells of radius r.
    """
    peak = draws - spread - 0.5 * rank * math.log2(2 * math.pi)  # expected draws at the densest point
    steps, reach = 400, math.sqrt(2 * max(peak, 0.0) * math.log(2) + 60)
    total = 0.0
    for step in range(steps):
        r = (step + 0.5) * reach / steps
        expected = math.exp(min(peak * math.log(2) - r * r / 2, 40.0))
        total += r ** (rank - 1) * -math.expm1(-expected) * reach / steps
    sphere = math.log2(2) + 0.5 * rank * math.log2(math.pi) - math.lgamma(rank / 2) / math.log(2)
    return spread + sphere + math.log2(total)
