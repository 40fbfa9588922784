"""Units of one hidden layer that never change their sign, walked as one number per output instead of one each.

Let S be the steady units of the last hidden layer. The output needs them through U_o = Σ_{i in S} w_oi z_i alone,
except for the variance of their own masks, (q/p) Σ_{i in S} w_oi² E z_i²; and for one hidden layer E z_i² and E U_o²
are closed forms: z = b + Σ_s r_s c_s with independent masks has mean b + p Σ c and variance p(1 − p) Σ c². So the
states need a coordinate for every unit that can change its sign, and one for each output.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer, Source, bounds_of
from exactdropout.numeric.exact.strategy import ExactProblem, OutputMoments

__all__ = ["gathered", "walked", "with_noise"]

Row = tuple[int, tuple[int, ...]]
"""(bias, steps): one unit as an integer affine function of the masks of the layer's sources."""


def gathered(example: ReducedExample) -> tuple[ReducedExample, tuple[Fraction, ...]]:
    """Return the example with its steady units gathered, and what the noise of each output then lacks.

    The example itself, and zeros, where there is not exactly one hidden layer or nothing to gain.
    """
    output = example.output
    nothing = (example, (Fraction(0),) * len(output.bias))
    if len(example.layers) != 1:
        return nothing
    layer = example.layers[0]
    if example.steady < 2:
        return nothing
    steady = [i for i, (t, b) in enumerate(zip(layer.tops, layer.bottoms, strict=True)) if t == b]
    weights = [[0] * len(layer.bias) for _ in output.bias]
    squares = [[0] * len(layer.bias) for _ in output.bias]
    for group, column, count in output.sources:
        for o, w in enumerate(column):
            weights[o][group] += count * w
            squares[o][group] += count * w * w
    used = [o for o, row in enumerate(weights) if any(row[i] for i in steady)]
    if len(steady) <= len(used):
        return nothing
    units = [_row(layer, i) for i in range(len(layer.bias))]
    sums = [_combined([(weights[o][i], units[i]) for i in steady]) for o in used]
    changing = [i for i in range(len(layer.bias)) if i not in steady]
    factors = [math.gcd(bias, *steps) or 1 for bias, steps in sums]
    rows = [units[i] for i in changing] + [
        (bias // f, tuple([s // f for s in steps])) for (bias, steps), f in zip(sums, factors, strict=True)
    ]
    ratio = output.rate / (1 - output.rate) / output.scale**2
    lacking = [Fraction(0)] * len(output.bias)
    for o in range(len(output.bias)):
        lacking[o] += sum((squares[o][i] * _second_moment(layer, units[i]) for i in steady), Fraction(0))
    for o, row in zip(used, sums, strict=True):
        lacking[o] -= _second_moment(layer, row)
    place = {unit: k for k, unit in enumerate(changing)}
    sources: list[Source] = [(place[g], column, count) for g, column, count in output.sources if g in place]
    for k, (o, f) in enumerate(zip(used, factors, strict=True)):
        sources.append((len(changing) + k, tuple(f * (o == other) for other in range(len(output.bias))), 1))
    tops, bottoms = [layer.tops[i] for i in changing], [layer.bottoms[i] for i in changing]
    return (
        replace(
            example,
            layers=(_layer(layer, rows, tops + [1] * len(used), bottoms + [1] * len(used)),),
            output=replace(output, sources=tuple(sources)),
        ),
        tuple(ratio * v for v in lacking),
    )


def walked(problem: ExactProblem, example: ReducedExample) -> tuple[ReducedExample, tuple[Fraction, ...]]:
    """Return :func:`gathered`, made once; the example itself where fourth moments are asked for."""
    known: dict[int, tuple[ReducedExample, tuple[Fraction, ...]]] = problem.memo.setdefault("walked", {})
    if id(example) not in known:
        whole = (example, (Fraction(0),) * len(example.output.bias))
        known[id(example)] = gathered(example) if problem.moments == 2 else whole
    return known[id(example)]


def with_noise(moments: OutputMoments, lacking: tuple[Fraction, ...]) -> OutputMoments:
    """Return the moments with what gathering took from the noise."""
    if not any(lacking):
        return moments
    return replace(moments, noise=tuple(a + b for a, b in zip(moments.noise, lacking, strict=True)))


def _row(layer: ReducedLayer, unit: int) -> Row:
    return layer.bias[unit], tuple([column[unit] for _, column, _ in layer.sources])


def _combined(terms: list[tuple[int, Row]]) -> Row:
    return (
        sum(w * bias for w, (bias, _) in terms),
        tuple([sum(values) for values in zip(*([w * s for s in steps] for w, (_, steps) in terms), strict=True)]),
    )


def _second_moment(layer: ReducedLayer, row: Row) -> Fraction:
    p = Fraction(layer.keep, layer.total)
    bias, steps = row
    counts = [count for *_, count in layer.sources]
    mean = bias + p * sum(n * s for n, s in zip(counts, steps, strict=True))
    return mean**2 + p * (1 - p) * sum(n * s * s for n, s in zip(counts, steps, strict=True))


def _layer(layer: ReducedLayer, rows: list[Row], tops: list[int], bottoms: list[int]) -> ReducedLayer:
    """Return the layer of these units; sources that have become equal are counted together."""
    counts: dict[tuple[int, ...], int] = {}
    for s, (_, _, count) in enumerate(layer.sources):
        column = tuple([steps[s] for _, steps in rows])
        if any(column):
            counts[column] = counts.get(column, 0) + count
    sources = tuple((0, column, count) for column, count in counts.items())
    bias = [b for b, _ in rows]
    low, high = bounds_of(sources, bias, [1], [1], layer.keep != layer.total)
    return replace(
        layer,
        sources=sources,
        bias=tuple(bias),
        tops=tuple(tops),
        bottoms=tuple(bottoms),
        low=tuple(low),
        high=tuple(high),
    )
