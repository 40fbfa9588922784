"""The strategy ``states``: the law of each layer over all masks as a table of integer vectors, equal ones merged.

A layer maps a value vector h to z = b + Σ_s r_s·column_s·h_s. The law of z is pushed source by source: each splits
every partial sum by how many of its units are kept, equal partial sums are merged, and the weights are integers over
the common denominator total^units. Nothing is ever rounded, and no integer is too large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias, cast

from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer
from exactdropout.numeric.exact.strategies.state_counts import bounded_counts
from exactdropout.numeric.exact.strategies.steady_units import walked, with_noise
from exactdropout.numeric.exact.strategy import (
    ExactProblem,
    OutputMoments,
    Tick,
    log2_sum,
    power,
)

__all__ = ["States", "activated", "estimate", "expand", "last_law", "next_states", "output_moments", "refusal", "run"]

States: TypeAlias = dict[tuple[Any, ...], Any]
"""Value vector (integers) → weight (integer over the common denominator)."""

FLINT_BITS = 2_048
"""Beyond this size flint's integers multiply faster than Python's."""

NS_PER_PUSH, NS_PER_PUSHED_UNIT = 350.0, 90.0
NS_PER_FOLD, NS_PER_FOLDED_TERM = 600.0, 180.0
BYTES_PER_STATE, BYTES_PER_UNIT = 300.0, 40.0
TICK_STATES = 256


def refusal(problem: ExactProblem) -> str | None:
    """It applies to every network."""
    del problem
    return None


def estimate(problem: ExactProblem) -> Estimate:
    """Return upper bounds: every layer's states are at most the products of kept counts, and at most a box."""
    visited, costs, memory = [], [0.0], [0.0]
    for reduced in problem.examples:
        example, _ = walked(problem, reduced)
        counts = bounded_counts(problem, example)
        for layer, count in zip(example.layers, counts, strict=True):
            width = len(layer.bias)
            visited.append(count.alive)
            costs.append(count.entering + count.pushes + math.log2(NS_PER_PUSH + NS_PER_PUSHED_UNIT * width))
            costs.append(count.entering + count.expanded + math.log2(NS_PER_PUSH + NS_PER_PUSHED_UNIT * width))
            memory.append(max(count.alive, count.expanded) + math.log2(BYTES_PER_STATE + BYTES_PER_UNIT * width))
        last = counts[-1].alive if counts else 0.0
        terms = len(example.output.sources) * len(example.output.bias) * (1 if problem.moments == 2 else 8)
        costs.append(last + math.log2(NS_PER_FOLD + NS_PER_FOLDED_TERM * terms))
        if not counts:
            visited.append(0.0)
    return Estimate(visited=power(log2_sum(visited)), cost=power(log2_sum(costs)), memory=power(max(memory)))


def activated(z: tuple[Any, ...], layer: ReducedLayer) -> tuple[Any, ...]:
    """Return the values that leave the layer."""
    if layer.linear:
        return z
    return tuple([b * u if u > 0 else t * u for u, t, b in zip(z, layer.tops, layer.bottoms, strict=True)])


def expand(value: tuple[Any, ...], layer: ReducedLayer) -> States:
    """Return the law of z for one value vector; the weights sum to total^(number of units)."""
    keep, drop, total = layer.keep, layer.total - layer.keep, layer.total
    sums: States = {layer.bias: 1}
    free = 0  # units of value 0: their mask bits change nothing, their factor is total
    for group, column, count in layer.sources:
        v = value[group]
        if not v:
            free += count
            continue
        step = column if v == 1 else tuple([c * v for c in column])
        if drop == 0:  # one source for each group, all its units added up
            sums = {tuple([a + b for a, b in zip(z, step, strict=True)]): w for z, w in sums.items()}
            continue
        for _ in range(count):  # z + 0, 1, …, count steps with binomial weights: merging makes it so
            kept = [(tuple([a + b for a, b in zip(z, step, strict=True)]), w * keep) for z, w in sums.items()]
            sums = {z: w * drop for z, w in sums.items()} if drop != 1 else dict(sums)
            for z, w in kept:
                sums[z] = sums.get(z, 0) + w
    if free and total != 1:
        factor = total**free
        sums = {z: w * factor for z, w in sums.items()}
    return sums


def next_states(states: States, layer: ReducedLayer, tick: Tick) -> States:
    """Return the law of the layer's values from the law of the values that enter it."""
    result: States = {}
    for index, (value, weight) in enumerate(states.items()):
        if index % TICK_STATES == TICK_STATES - 1:
            tick(index / len(states))
        for z, w in expand(value, layer).items():
            h = activated(z, layer)
            result[h] = result.get(h, 0) + weight * w
    return result


def last_law(example: ReducedExample, tick: Tick) -> States:
    """Return the law of the last hidden layer's values (of the constant 1 where there is no hidden layer)."""
    large = max(
        (v.bit_length() for layer in example.layers for _, column, _ in layer.sources for v in column), default=0
    )
    layers, one = example.layers, cast("Any", 1)
    if large > FLINT_BITS:
        layers, one = _flint_layers(layers)
    states: States = {(one,): 1}
    depth = len(layers)
    for index, layer in enumerate(layers):
        states = next_states(states, layer, lambda share, begin=index: tick((begin + share) / (depth + 1)))  # type: ignore[misc]
    return states


def _flint_layers(layers: tuple[ReducedLayer, ...]) -> tuple[tuple[ReducedLayer, ...], Any]:
    """Return the layers with flint's integers, and flint's 1."""
    from flint import fmpz

    def large(values: tuple[int, ...]) -> tuple[Any, ...]:
        return tuple([fmpz(v) for v in values])

    converted = tuple(
        replace(
            layer,
            bias=large(layer.bias),
            sources=tuple((group, large(column), count) for group, column, count in layer.sources),
        )
        for layer in layers
    )
    return converted, fmpz(1)


def run(problem: ExactProblem, example: ReducedExample, label: Sequence[Fraction], tick: Tick) -> OutputMoments:
    """Push the law to the last hidden layer and fold it."""
    walk, lacking = walked(problem, example)
    return with_noise(output_moments(walk, last_law(walk, tick), problem.moments, label), lacking)


def output_moments(example: ReducedExample, states: States, moments: int, label: Sequence[Fraction]) -> OutputMoments:
    """Return the moments of the output from the law of the last hidden layer; its own masks are in closed form."""
    output = example.output
    total = sum(states.values())
    groups = len(next(iter(states)))
    squares = [0] * groups
    for h, weight in states.items():
        for g, v in enumerate(h):
            if v:
                squares[g] += weight * v * v
    first, second, noise = [], [], []
    ratio = output.rate / (1 - output.rate)
    denominator = int(total) * output.scale
    for o, bias in enumerate(output.bias):
        linear, quadratic = [0] * groups, [0] * groups
        for group, column, count in output.sources:
            linear[group] += count * column[o]
            quadratic[group] += count * column[o] ** 2
        terms = [(g, c) for g, c in enumerate(linear) if c]
        s1 = s2 = 0
        for h, weight in states.items():
            mu = bias
            for g, c in terms:
                mu += c * h[g]
            s1 += weight * mu
            s2 += weight * mu * mu
        first.append(Fraction(int(s1), denominator))
        second.append(Fraction(int(s2), denominator * output.scale))
        spread = int(sum(c * s for c, s in zip(quadratic, squares, strict=True)))
        noise.append(Fraction(ratio.numerator * spread, ratio.denominator * denominator * output.scale))
    return OutputMoments(
        first=tuple(first),
        second=tuple(second),
        noise=tuple(noise),
        fourth=fourth_moment(example, states, label) if moments == 4 else None,
    )


def fourth_moment(example: ReducedExample, states: States, label: Sequence[Fraction]) -> Fraction:
    """Return E ‖D − y‖⁴ = Σ_ab E Z_a² Z_b² by the joint cumulants of Z = m + Σ_i g_i (r_i/p − 1).

    E Z_a² Z_b² = m_a² m_b² + m_a² κ_bb + m_b² κ_aa + 4 m_a m_b κ_ab + 2 m_a κ_abb + 2 m_b κ_aab
                  + κ_aabb + κ_aa κ_bb + 2 κ_ab², where κ_S = c_|S| Σ_i Π_{a∈S} g_ai and c_k is the k-th cumulant
    of r/p: c₂ = q/p, c₃ = q(q − p)/p², c₄ = q(q³/p³ + 1) − 3(q/p)².
    """
    output = example.output
    q = output.rate
    p = 1 - q
    c2, c3 = q / p, q * (q - p) / p**2
    c4 = q * (q**3 / p**3 + 1) - 3 * c2**2
    common = math.lcm(1, *[t.denominator for t in label])
    targets = [t.numerator * (common // t.denominator) * output.scale for t in label]
    sums = [0, 0, 0, 0, 0]  # coefficients of 1, c2, c3, c4, c2²
    outputs = range(len(output.bias))
    counts = [count for _, _, count in output.sources]
    for h, weight in states.items():
        g = [[common * column[a] * h[group] for group, column, _ in output.sources] for a in outputs]
        m = [
            sum([n * t for n, t in zip(counts, g[a], strict=True)], common * output.bias[a] - targets[a])
            for a in outputs
        ]
        for a in outputs:
            for b in outputs:
                aa = bb = ab = aab = abb = aabb = 0
                for n, s, t in zip(counts, g[a], g[b], strict=True):
                    aa += n * s * s
                    bb += n * t * t
                    ab += n * s * t
                    aab += n * s * s * t
                    abb += n * s * t * t
                    aabb += n * s * s * t * t
                sums[0] += weight * m[a] ** 2 * m[b] ** 2
                sums[1] += weight * (m[a] ** 2 * bb + m[b] ** 2 * aa + 4 * m[a] * m[b] * ab)
                sums[2] += weight * (2 * m[a] * abb + 2 * m[b] * aab)
                sums[3] += weight * aabb
                sums[4] += weight * (aa * bb + 2 * ab**2)
    s0, s2, s3, s4, s22 = (int(s) for s in sums)
    numerator = s0 + c2 * s2 + c3 * s3 + c4 * s4 + c2**2 * s22
    return Fraction(numerator) / (int(sum(states.values())) * (common * output.scale) ** 4)
