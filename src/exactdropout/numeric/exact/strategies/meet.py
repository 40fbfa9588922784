"""The strategy ``meet`` for rationals: meet in the middle in Python's integers, one walked layer, never a rounding.

z = α + β with α over the masks A of one half of the sources (bias included) and β over those of the other, B. A value
that leaves the layer is t·z + (b − t)·max(z, 0), so all second moments follow from E z_i, E z_i z_j, E h_i, E z_i h_j
and E h_i h_j with h = max(z, 0). The first two are closed forms. For the others, with P_a P_b in place of
probabilities,

    Σ_a P_a (α_i α_j S + α_j S_i + α_i S_j + S_ij),   (S, S_i, S_j, S_ij) = Σ_b P_b (1, β_i, β_j, β_i β_j)

over the b with β_j > −α_j: prefix sums in the order of β_j, and for E h_i h_j over those with β_i > −α_i too: prefix
sums in a Fenwick tree that grows as α_i does. The four sums travel as one integer, each in bits of its own.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer, Source
from exactdropout.numeric.exact.strategy import ExactProblem, OutputMoments, Tick

__all__ = ["estimate", "layer_moments", "layer_moments_reference", "refusal", "run"]

NS_PER_UNIT = 1.4e3
NS_PER_PRODUCT = 600.0
NS_PER_POINT = 600.0
NS_PER_LEVEL = 85.0
BYTES_PER_POINT = 100.0
"""Costs of a point, as measured: of a unit, of z_i h_j, of a pair of units, and of each level of its tree."""


def layer_moments_reference(layer: ReducedLayer) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return E v_i and E v_i v_j of the values that leave a layer with incoming value 1, by a loop over all masks."""
    n = len(layer.bias)
    first, second = [Fraction(0)] * n, [[Fraction(0)] * n for _ in range(n)]
    columns = [column for _, column, count in layer.sources for _ in range(count)]
    for mask in itertools.product((0, 1), repeat=len(columns)):
        weight = Fraction(1)
        z = list(layer.bias)
        for kept, column in zip(mask, columns, strict=True):
            weight *= Fraction(layer.keep if kept else layer.total - layer.keep, layer.total)
            z = [u + kept * c for u, c in zip(z, column, strict=True)]
        v = [b * u if u > 0 else t * u for u, t, b in zip(z, layer.tops, layer.bottoms, strict=True)]
        for i in range(n):
            first[i] += weight * v[i]
            for j in range(n):
                second[i][j] += weight * v[i] * v[j]
    return first, second


def refusal(problem: ExactProblem) -> str | None:
    """One layer whose units change sign, and second moments."""
    if problem.moments == 4:
        return "it computes second moments only"
    if any(len(example.layers) != 1 for example in problem.examples):
        return "exactly one hidden layer must depend on masks"
    return None


def estimate(problem: ExactProblem) -> Estimate:
    """Return the points of both halves over all pairs of units, and what they cost."""
    visited = cost = memory = 0.0
    for example in problem.examples:
        if len(example.layers) != 1:
            continue
        layer = example.layers[0]
        halves = [2.0 ** sum(math.log2(count + 1) for *_, count in part) for part in _split(layer)]
        size, units = sum(halves), len(layer.bias)
        bent = sum(t != b for t, b in zip(layer.tops, layer.bottoms, strict=True))
        pairs = bent * (bent - 1) / 2
        words = 1 + max((abs(v).bit_length() for v in (*layer.low, *layer.high)), default=1) / 64
        level = NS_PER_LEVEL * (1 + words / 10) * math.log2(size + 1)
        visited += size * max(1.0, pairs)
        leaning = sum(t != 0 for t in layer.tops)
        cost += size * (bent * (NS_PER_UNIT + leaning * NS_PER_PRODUCT) + pairs * (NS_PER_POINT + level)) + 2e5
        memory = max(memory, size * (BYTES_PER_POINT + 16 * words) * (2 * units + 4))
    return Estimate(visited=visited, cost=cost, memory=memory)


def run(problem: ExactProblem, example: ReducedExample, label: Sequence[Fraction], tick: Tick) -> OutputMoments:
    """Return the moments of one example's output."""
    del problem, label
    mean, square = layer_moments(example.layers[0], tick)
    output = example.output
    ratio = output.rate / (1 - output.rate)
    first, second, noise = [], [], []
    for o, bias in enumerate(output.bias):
        weights = [0] * len(mean)
        own = Fraction(0)
        for group, column, count in output.sources:
            weights[group] += count * column[o]
            own += count * column[o] ** 2 * square[group][group]
        line = sum((w * v for w, v in zip(weights, mean, strict=True)), Fraction(0))
        pairs = sum((w * u * square[i][j] for i, w in enumerate(weights) for j, u in enumerate(weights)), Fraction(0))
        first.append((bias + line) / output.scale)
        second.append((bias * bias + 2 * bias * line + pairs) / output.scale**2)
        noise.append(ratio * own / output.scale**2)
    return OutputMoments(first=tuple(first), second=tuple(second), noise=tuple(noise))


@dataclass(frozen=True, kw_only=True)
class Half:
    """All sums of one half of the sources: ``values[i]`` of unit i by state, and the integer weights of the states."""

    values: list[list[int]]
    weights: list[int]


def _split(layer: ReducedLayer) -> tuple[list[Source], list[Source]]:
    """Return two lists of sources with about equally many states: the next one goes to the shorter list."""
    parts: tuple[list[Source], list[Source]] = ([], [])
    states = [0.0, 0.0]
    for source in sorted(layer.sources, key=lambda s: -s[2]):
        place = 0 if states[0] <= states[1] else 1
        parts[place].append(source)
        states[place] += math.log2(source[2] + 1)
    return parts


def _half(sources: Sequence[Source], start: Sequence[int], keep: int, total: int) -> Half:
    """Return the states of some sources; a source of ``count`` equal columns has count + 1."""
    drop = total - keep
    values, weights = [[b] for b in start], [1]
    for _, column, count in sources:
        factors = [math.comb(count, kept) * keep**kept * drop ** (count - kept) for kept in range(count + 1)]
        weights = [w * f for f in factors for w in weights]
        values = [
            [v + kept * c for kept in range(count + 1) for v in row] for row, c in zip(values, column, strict=True)
        ]
    return Half(values=values, weights=weights)


def layer_moments(layer: ReducedLayer, tick: Tick) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return E v_i and E v_i v_j of the values that leave a layer with incoming value 1."""
    front, back = _split(layer)
    n = len(layer.bias)
    a = _half(front, layer.bias, layer.keep, layer.total)
    b = _half(back, [0] * n, layer.keep, layer.total)
    whole = layer.total ** sum(count for *_, count in layer.sources)
    # E z and E z z: masks are independent
    p = Fraction(layer.keep, layer.total)
    mean_z = [shift + p * sum(count * c[i] for _, c, count in layer.sources) for i, shift in enumerate(layer.bias)]
    spread = p * (1 - p)
    bends = [bottom - top for top, bottom in zip(layer.tops, layer.bottoms, strict=True)]
    bent = [i for i in range(n) if bends[i]]
    orders = {j: _Order(a, b, j) for j in bent}
    relu = {j: Fraction(orders[j].mean(), whole) for j in bent}
    asked = [(i, j) for j in bent for i in range(n) if i == j or layer.tops[i]]
    crossed = {(i, j): Fraction(orders[j].product(i), whole) for i, j in asked}
    both: dict[tuple[int, int], Fraction] = {(j, j): crossed[j, j] for j in bent}  # z h = h²
    pairs = [(i, j) for i in bent for j in bent if j < i]
    for number, (i, j) in enumerate(pairs):
        tick(number / len(pairs))
        both[i, j] = both[j, i] = Fraction(_dominated(orders[i], orders[j]), whole)
    tops = layer.tops
    first = [tops[i] * mean_z[i] + bends[i] * relu.get(i, Fraction(0)) for i in range(n)]
    second = []
    for i in range(n):
        row: list[Fraction] = []
        for j in range(n):
            line = spread * sum(count * c[i] * c[j] for _, c, count in layer.sources) + mean_z[i] * mean_z[j]
            value: Fraction = tops[i] * tops[j] * line + bends[i] * bends[j] * both.get((i, j), Fraction(0))
            value += tops[i] * bends[j] * crossed.get((i, j), Fraction(0))
            row.append(value + tops[j] * bends[i] * crossed.get((j, i), Fraction(0)))
        second.append(row)
    return first, second


class _Order:
    """One unit's order: A by ascending α, B by descending β, and how many b have β > −α for each a."""

    def __init__(self, a: Half, b: Half, unit: int) -> None:
        self.a, self.b = a, b
        self.alpha, self.beta = a.values[unit], b.values[unit]
        self.order_a = sorted(range(len(self.alpha)), key=self.alpha.__getitem__)
        self.order_b = sorted(range(len(self.beta)), key=self.beta.__getitem__, reverse=True)
        ascending = [self.beta[k] for k in reversed(self.order_b)]
        size = len(ascending)
        self.reached = [size - bisect.bisect_right(ascending, -x) for x in self.alpha]

    def mean(self) -> int:
        """Return Σ P_a P_b max(α + β, 0)."""
        weights = [self.b.weights[k] for k in self.order_b]
        sums = _prefix(weights)
        firsts = _prefix([w * self.beta[k] for w, k in zip(weights, self.order_b, strict=True)])
        return sum(
            [p * (x * sums[t] + firsts[t]) for p, x, t in zip(self.a.weights, self.alpha, self.reached, strict=True)]
        )

    def product(self, other: int) -> int:
        """Return Σ P_a P_b (α_i + β_i) max(α + β, 0) for another unit i."""
        alpha, beta = self.a.values[other], self.b.values[other]
        weights = [self.b.weights[k] for k in self.order_b]
        own = [w * self.beta[k] for w, k in zip(weights, self.order_b, strict=True)]
        s = _prefix(weights)
        s_own = _prefix(own)
        s_other = _prefix([w * beta[k] for w, k in zip(weights, self.order_b, strict=True)])
        s_both = _prefix([w * beta[k] for w, k in zip(own, self.order_b, strict=True)])
        return sum(
            [
                p * (x * (y * s[t] + s_own[t]) + y * s_other[t] + s_both[t])
                for p, x, y, t in zip(self.a.weights, alpha, self.alpha, self.reached, strict=True)
            ]
        )


def _prefix(values: list[int]) -> list[int]:
    return list(itertools.accumulate(values, initial=0))


def _dominated(i: _Order, j: _Order) -> int:
    """Return Σ P_a P_b max(α_i + β_i, 0) max(α_j + β_j, 0)."""
    weights = i.b.weights
    size = len(weights)
    place = [0] * size  # the place of β_j from the top, from 1
    for rank, k in enumerate(j.order_b):
        place[k] = rank + 1
    # the bits of each of the four sums, with its sign
    total = sum(weights).bit_length()
    widest_i = max(map(abs, i.beta)).bit_length()
    widest_j = max(map(abs, j.beta)).bit_length()
    at_i = total + 1
    at_j = at_i + total + widest_i + 2
    at_both = at_j + total + widest_j + 2
    mask, mask_i, mask_j = (1 << at_i) - 1, (1 << (at_j - at_i)) - 1, (1 << (at_both - at_j)) - 1
    half_i, half_j = (mask_i + 1) >> 1, (mask_j + 1) >> 1
    lift = (half_i << at_i) + (half_j << at_j)  # makes the middle fields non-negative
    tree = [0] * (size + 1)
    result = met = 0
    for a in i.order_a:
        x, y = i.alpha[a], j.alpha[a]
        for k in i.order_b[met : i.reached[a]]:
            u, v = i.beta[k], j.beta[k]
            w = weights[k]
            packed = w + ((w * u) << at_i) + ((w * v) << at_j) + ((w * u * v) << at_both)
            node = place[k]
            while node <= size:
                tree[node] += packed
                node += node & -node
        met = i.reached[a]
        node = j.reached[a]
        packed = lift
        while node:
            packed += tree[node]
            node &= node - 1
        s = packed & mask
        s_i = ((packed >> at_i) & mask_i) - half_i
        s_j = ((packed >> at_j) & mask_j) - half_j
        result += i.a.weights[a] * (y * (x * s + s_i) + x * s_j + (packed >> at_both))
    return result
