"""∂J_D/∂W of a network with two hidden layers, both fed through masks: small tables inside a table.

All masks of the inputs stand in one table of pre-activations z¹. For each of them the masks of the active units of the
first hidden layer are taken side by side, a row of units of the second layer for every mask. With
c_o = 2(r_o + κ₂ w_oi h_i) at a mask, ∂w_oi is E c_o h_i and δ²_i = φ′ Σ_o w_oi c_o; its sums over the masks that keep
unit j come by halving. They give ∂W² and δ¹ for this mask of the inputs, and the δ¹ of all of them are halved in their
turn.

A sign is in doubt where |z| is at most the bound of its error; where that happens on any mask, other than with nothing
kept and no bias, the example is given up and the walk, which counts such masks, has to take it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.adjoint_rows import (
    LANES,
    activate_row,
    adjoint_row,
    carry_row,
    halve_row,
    near_row,
    step_row,
)
from exactdropout.numeric.kernels.simd.aligned import aligned, borrowed
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.panels import add_rows, copy_row, scale_row

__all__ = ["FLUSH", "Nested", "NestedWork", "nested_examples", "nested_gradient"]

FLUSH = 64
"""Sums over the masks of the inputs begin anew after so many terms."""


class Nested(NamedTuple):
    """The network; ``lane_weights`` holds the probabilities of all subsets of 0, 1, … units of the first hidden layer.

    ``faint``: a computed φ(z) = 0 of that layer with z ≠ 0 may stand for another number on which a sign hangs.
    """

    first: Array
    first_bias: Array
    second: Array
    second_bias: Array
    third: Array
    third_bias: Array
    slopes: Array
    keep: Array
    drop: Array
    inverse_keep: Array
    kappa: float
    lane_weights: Array
    faint: bool


class NestedWork(NamedTuple):
    """W², b² and w with rows filled up to whole vectors, the table of the inputs' masks, and sums of one mask."""

    second: Array
    base: Array
    third: Array
    thresholds: Array
    table: Array
    masses: Array
    outer: Array
    units: Array
    columns: Array
    z: Array
    h: Array
    deltas: Array
    kept: Array
    parts: Array
    part_weights: Array
    part_bias: Array


@subroutine
def inner_layer(net: Nested, work: NestedWork, count: Any, outer_weight: float, residuals: Array) -> int:
    """Add ∂w, ∂b of one mask of the inputs; leave Σ P δ² in the first row of ``deltas``, over the kept in ``kept``.

    ``columns`` holds what each of ``count`` active units adds, units of the layer filled up to whole vectors with zeros
    as are ``base``, ``thresholds`` (−1) and ``output_weights``; the first row of ``thresholds`` is for
    nothing kept. Returns how many signs are in doubt.
    """
    lane_weights, kappa, slope = borrowed(net.lane_weights), net.kappa, net.slopes[1]
    columns, base, thresholds = borrowed(work.columns), borrowed(work.base), borrowed(work.thresholds)
    output_weights, z, h = borrowed(work.third), borrowed(work.z), borrowed(work.h)
    deltas, kept = borrowed(work.deltas), borrowed(work.kept)
    d_output_weights, d_output_bias = borrowed(work.part_weights), borrowed(work.part_bias)
    n = base.shape[0]
    outputs = output_weights.shape[0]
    copy_row(z, 0, n, base, 0)
    size = 1
    for unit in range(count):
        for l in range(size):
            for b in range(0, n, LANES):
                step_row(z, (size + l) * n + b, l * n + b, columns, unit * n + b)
        size *= 2
    doubts = 0
    for l in range(size):
        weight = outer_weight * lane_weights[size + l]
        for b in range(0, n, LANES):
            doubts += near_row(z, l * n + b, thresholds, b if l == 0 else n + b)
        for o in range(outputs):
            f = residuals[o]
            for b in range(0, n, LANES):
                f += activate_row(z, l * n + b, h, b, slope, output_weights, o * n + b)
            d_output_bias[o] += weight * (2.0 * f)
            for b in range(0, n, LANES):
                adjoint_row(
                    z, l * n + b, h, b, output_weights, o * n + b, d_output_weights, deltas, slope, f, kappa, weight, o
                )
    for unit in range(count - 1, -1, -1):
        size >>= 1
        copy_row(kept, unit * n, n, deltas, size * n)
        add_rows(deltas, 0, n, deltas, 0, deltas, size * n)
        for l in range(1, size):
            for b in range(0, n, LANES):
                halve_row(deltas, l * n + b, (size + l) * n + b, kept, unit * n + b)
    return doubts


@subroutine
def nested_gradient(
    net: Nested, work: NestedWork, x: Array, first_wrongs: Array, residuals: Array, d_first: Array, d_second: Array,
    d_third: Array, d_first_bias: Array, d_second_bias: Array, d_third_bias: Array,
) -> int:  # fmt: skip
    """Write one example's gradient. Returns the doubts."""
    first, first_bias, slopes = borrowed(net.first), borrowed(net.first_bias), net.slopes
    keep, drop, inverse_keep = net.keep, net.drop, net.inverse_keep
    second, base, table, masses = borrowed(work.second), borrowed(work.base), work.table, work.masses
    outer, units, columns, deltas = work.outer, work.units, borrowed(work.columns), borrowed(work.deltas)
    kept, parts = borrowed(work.kept), borrowed(work.parts)
    part_weights, part_bias = borrowed(work.part_weights), borrowed(work.part_bias)
    width, below, n = x.shape[0], first_bias.shape[0], base.shape[0]
    outputs = net.third.shape[0]
    active = 0
    for j in range(below):
        table[0, j] = first_bias[j]
    masses[0] = 1.0
    size = 1
    for u in range(width):
        if x[u] != 0.0:
            scaled = x[u] * inverse_keep[0]
            for j in range(below):
                units[below + active] = u
                columns[0, 0] = first[j, u] * scaled
                for s in range(size):
                    table[size + s, j] = table[s, j] + columns[0, 0]
            for s in range(size):
                masses[size + s] = masses[s] * keep[0]
                masses[s] = masses[s] * drop[0]
            units[below + active] = u
            active += 1
            size *= 2
    doubts = 0
    for s in range(size):
        for j in range(below):
            v, wrong = table[s, j], first_wrongs[j]
            if (net.faint and v < 0.0 and slopes[0] * v == 0.0) or (
                wrong > 0.0 and abs(v) <= wrong and not (s == 0 and first_bias[j] == 0.0)
            ):
                doubts += 1
    if doubts > 0:
        return doubts
    for j in range(below):
        for i in range(n):
            parts[j, i] = 0.0
    for i in range(n):
        parts[below, i] = 0.0
        for o in range(outputs):
            part_weights[o, i] = 0.0
    for o in range(outputs):
        part_bias[o] = 0.0
    for s in range(size):
        count = 0
        for j in range(below):
            v = table[s, j]
            value = v if v > 0.0 else slopes[0] * v
            if value != 0.0:
                scaled = value * inverse_keep[1]
                scale_row(columns, count * n, n, second, j * n, scaled)
                units[count] = j
                count += 1
        doubts += inner_layer(net, work, count, masses[s], residuals)
        add_rows(parts, below * n, n, parts, below * n, deltas, 0)
        unit = 0
        for j in range(below):
            v = table[s, j]
            through = 1.0 if v > 0.0 else slopes[0]
            back = 0.0
            if unit < count and units[unit] == j:
                value = through * v
                for b in range(0, n, LANES):
                    back += carry_row(kept, unit * n + b, inverse_keep[1], value, parts, j * n + b, second, j * n + b)
                unit += 1
            elif through != 0.0:
                for i in range(n):
                    back += second[j, i] * deltas[0, i]
            outer[s, j] = through * back
        if s % FLUSH == FLUSH - 1 or s == size - 1:
            for j in range(below):
                for i in range(d_second.shape[0]):
                    d_second[i, j] += parts[j, i]
                for i in range(n):
                    parts[j, i] = 0.0
            for i in range(d_second.shape[0]):
                d_second_bias[i] += parts[below, i]
                for o in range(outputs):
                    d_third[o, i] += part_weights[o, i]
            for i in range(n):
                parts[below, i] = 0.0
                for o in range(outputs):
                    part_weights[o, i] = 0.0
            for o in range(outputs):
                d_third_bias[o] += part_bias[o]
                part_bias[o] = 0.0
    for bit in range(active - 1, -1, -1):
        size >>= 1
        u = units[below + bit]
        factor = x[u] * inverse_keep[0]
        for j in range(below):
            part_bias[0] = 0.0
            for s in range(size):
                part_bias[0] += outer[size + s, j]
                outer[s, j] += outer[size + s, j]
            d_first[j, u] += part_bias[0] * factor
    for j in range(below):
        d_first_bias[j] += outer[0, j]
    return doubts


@subroutine
def vectors(rows: Any, width: Any) -> Array:
    """Return rows of whole vectors, each of which begins at a cache line."""
    return aligned(rows * width).reshape((rows, width))


@compiled
def nested_examples(
    net: Nested, inputs: Array, labels: Array, first_wrongs: Array, second_wrongs: Array, begin: int, end: int,
    results: Array,
) -> None:  # fmt: skip
    """Write the gradients of the examples begin … end, first all weights, then all biases, and how many doubts."""
    width, below, n, outputs = net.first.shape[1], net.first.shape[0], net.second.shape[0], net.third.shape[0]
    rows, lanes, padded = 1 << width, 1 << below, (n + LANES - 1) // LANES * LANES
    work = NestedWork(
        vectors(below, padded), aligned(padded), vectors(outputs, padded), vectors(2, padded),
        np.empty((rows, below)), np.empty(rows), np.empty((rows, below)), np.empty(below + width, dtype=np.int64),
        vectors(max(below, 1), padded), vectors(lanes, padded), aligned(padded), vectors(lanes, padded),
        vectors(max(below, 1), padded), vectors(below + 1, padded), vectors(outputs, padded), np.empty(outputs),
    )  # fmt: skip
    for i in range(n):
        work.base[i] = net.second_bias[i]
        for j in range(below):
            work.second[j, i] = net.second[i, j]
        for o in range(outputs):
            work.third[o, i] = net.third[o, i]
    residuals = np.empty(outputs)
    second, third, bias = below * width, below * width + n * below, below * width + n * below + outputs * n
    for e in range(begin, end):
        row = results[e - begin]
        row[:] = 0.0
        for i in range(padded):
            certain = i >= n or second_wrongs[e, min(i, n - 1)] == 0.0
            work.thresholds[1, i] = -1.0 if certain else second_wrongs[e, i]
            work.thresholds[0, i] = work.thresholds[1, i] if work.base[i] != 0.0 else -1.0
        for o in range(outputs):
            residuals[o] = net.third_bias[o] - labels[e, o]
        row[row.shape[0] - 1] = nested_gradient(
            net, work, inputs[e], first_wrongs[e], residuals, row[:second].reshape((below, width)),
            row[second:third].reshape((n, below)), row[third:bias].reshape((outputs, n)), row[bias : bias + below],
            row[bias + below : bias + below + n], row[bias + below + n : row.shape[0] - 1],
        )  # fmt: skip
