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

from typing import Any

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
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.panels import add_rows, copy_row, scale_row

__all__ = ["FLUSH", "nested_bound", "nested_examples", "nested_gradient", "nested_reaches"]

FLUSH = 64
"""Sums over the masks of the inputs begin anew after so many terms."""

ROWS = 15
UNIT = 2.0**-53
ETA = 2.0**-1074
SLACK = 1 + 2.0**-29


@compiled
def nested_reaches(
    sizes: Array,
    errors: Array,
    weights: Array,
    bias: Array,
    scale: float,
    slope: float,
    slope_error: float,
    reaches: Array,
    wrongs: Array,
    next_sizes: Array,
    next_errors: Array,
) -> float:
    """Write |z| ≤ reaches, |ẑ − z| ≤ wrongs, and size and error of φ(z) (docs/error-bounds.md, step 2)."""
    n = weights.shape[1]
    steep = max(1.0, abs(slope) * (1 + 2.0**-30))
    off = 0.0 if slope_error == 0.0 and (slope * (1.0 - slope) == 0.0) else slope_error + 2 * UNIT * abs(slope)
    largest = 0.0
    for i in range(weights.shape[0]):
        total = 0.0
        reach = 0.0
        carried = 0.0
        for u in range(n):
            w = abs(weights[i, u])
            total += w
            reach += w * sizes[u]
            carried += w * errors[u]
        lost = 2.0 * ETA * (2.0 * n + 6.0 + total)
        below = (abs(bias[i]) + scale * SLACK * (reach * SLACK + (n + 2) * ETA) + lost) * SLACK + (n + 2) * ETA
        wrong = scale * SLACK * (carried * SLACK + (n + 2) * ETA) + (n + 12) * UNIT * SLACK * below + lost
        reaches[i] = below
        wrongs[i] = wrong * SLACK + (n + 2) * ETA
        next_sizes[i] = steep * below * SLACK
        next_errors[i] = (steep * wrongs[i] + off * below) * SLACK + 8 * ETA * (1 + below)
        largest = max(largest, below * scale)
    return float(largest)


@compiled
def inner_layer(
    count: Any,
    lane_weights: Array,
    outer_weight: float,
    columns: Array,
    base: Array,
    thresholds: Array,
    output_weights: Array,
    residuals: Array,
    kappa: float,
    slope: float,
    z: Array,
    h: Array,
    deltas: Array,
    kept: Array,
    d_output_weights: Array,
    d_output_bias: Array,
) -> int:
    """Add ∂w, ∂b of one mask of the inputs; leave Σ P δ² in the first row of ``deltas``, over the kept in ``kept``.

    ``columns`` holds what each of ``count`` active units adds, units of the layer filled up to whole vectors with zeros
    as are ``base``, ``thresholds`` (−1) and ``output_weights``; the first row of ``thresholds`` is for
    nothing kept. Returns how many signs are in doubt.
    """
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


@compiled
def nested_gradient(
    x: Array,
    first: Array,
    first_bias: Array,
    first_wrongs: Array,
    second: Array,
    base: Array,
    second_wrongs: Array,
    output_weights: Array,
    residuals: Array,
    slopes: Array,
    keep: Array,
    drop: Array,
    inverse_keep: Array,
    kappa: float,
    lane_weights: Array,
    table: Array,
    masses: Array,
    outer: Array,
    units: Array,
    columns: Array,
    z: Array,
    h: Array,
    deltas: Array,
    kept: Array,
    parts: Array,
    part_weights: Array,
    part_bias: Array,
    d_first: Array,
    d_first_bias: Array,
    d_second: Array,
    d_second_bias: Array,
    d_output_weights: Array,
    d_output_bias: Array,
) -> int:
    """Write one example's gradient; ``second`` holds the columns of W², rows filled up. Returns the doubts."""
    lane_weights, base, second_wrongs = borrowed(lane_weights), borrowed(base), borrowed(second_wrongs)
    output_weights, residuals = borrowed(output_weights), borrowed(residuals)
    columns, z, h = borrowed(columns), borrowed(z), borrowed(h)
    deltas, kept = borrowed(deltas), borrowed(kept)
    part_weights, part_bias = borrowed(part_weights), borrowed(part_bias)
    width, below, n = x.shape[0], first_bias.shape[0], base.shape[0]
    outputs = output_weights.shape[0]
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
            if abs(table[s, j]) <= first_wrongs[j] and not (s == 0 and first_bias[j] == 0.0):
                doubts += 1
    if slopes[0] == 1.0:
        doubts = 0
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
        doubts += inner_layer(
            count, lane_weights, masses[s], columns, base, second_wrongs, output_weights, residuals, kappa, slopes[1],
            z, h, deltas, kept, part_weights, part_bias,
        )  # fmt: skip
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
                    d_output_weights[o, i] += part_weights[o, i]
            for i in range(n):
                parts[below, i] = 0.0
                for o in range(outputs):
                    part_weights[o, i] = 0.0
            for o in range(outputs):
                d_output_bias[o] += part_bias[o]
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


@compiled
def nested_bound(
    sizes: Array,
    errors: Array,
    first_sizes: Array,
    first_errors: Array,
    second: Array,
    second_sizes: Array,
    second_errors: Array,
    output_weights: Array,
    output_sizes: Array,
    output_errors: Array,
    label_sizes: Array,
    label_errors: Array,
    slopes: Array,
    slope_errors: Array,
    inverse_keep: Array,
    kappa: float,
    work: Array,
    result: Array,
) -> None:
    """Write the largest error and the largest size of an entry where no sign is in doubt (docs, step 8d)."""
    width, below, n = sizes.shape[0], first_sizes.shape[0], second.shape[0]
    outputs = output_weights.shape[0]
    bits = width + below
    rounds = 3.0 * bits + 2.0 ** (below - 1) + 2.0 ** (width - 1) + FLUSH + 2.0**width / FLUSH + n + outputs + 60.0
    g = rounds * UNIT * SLACK
    k = kappa * (1 + 4 * UNIT) + ETA
    worst = 0.0
    largest = 0.0
    top = 1.0
    for i in range(n):
        top = max(top, second_sizes[i])
        for o in range(outputs):
            top = max(top, abs(output_weights[o, i]))
        for j in range(below):
            top = max(top, abs(second[i, j]))
    for u in range(width):
        top = max(top, sizes[u])
    lost = ETA * 2.0**bits * 64.0 * (bits + n + outputs) * (1.0 + k) * (1.0 + inverse_keep[0]) * (1.0 + inverse_keep[1])
    lost = lost * top * top * top
    for i in range(n):
        work[0, i] = 0.0
        work[1, i] = 0.0
    for o in range(outputs):
        r = output_sizes[o] + label_sizes[o] + label_errors[o]
        e_r = output_errors[o] + label_errors[o] + 4 * UNIT * r
        worst = max(worst, 2.0 * (e_r + g * (r + e_r)) + lost)
        largest = max(largest, 2.0 * r)
        for i in range(n):
            w = abs(output_weights[o, i])
            s, e = second_sizes[i], second_errors[i]
            c = 2.0 * (r + k * w * s)
            e_c = 2.0 * (e_r + k * w * e) + 12 * UNIT * c
            worst = max(worst, c * e + e_c * (s + e) + g * (c + e_c) * (s + e) + lost * (1.0 + r))
            largest = max(largest, c * s)
            work[0, i] += w * c
            work[1, i] += w * e_c
    for i in range(n):
        steep = max(1.0, abs(slopes[1]) * (1 + 2.0**-30))
        off = slope_errors[1] + 4 * UNIT * abs(slopes[1])
        d, e = work[0, i], work[1, i]
        work[1, i] = steep * (e + g * (d + e)) + off * (d + e) + lost * (1.0 + d)
        work[0, i] = steep * d
        worst = max(worst, work[1, i])
        largest = max(largest, work[0, i])
    s_top = 0.0
    e_top = 0.0
    for u in range(width):
        s_top = max(s_top, sizes[u])
        e_top = max(e_top, errors[u])
    for j in range(below):
        d = 0.0
        e = 0.0
        s1, e1 = first_sizes[j], first_errors[j]
        for i in range(n):
            w = abs(second[i, j])
            d += w * work[0, i]
            e += w * work[1, i]
            size = work[0, i] * s1
            worst = max(worst, work[1, i] * (s1 + e1) + work[0, i] * e1 + g * (work[0, i] + work[1, i]) * (s1 + e1))
            largest = max(largest, size)
        steep = max(1.0, abs(slopes[0]) * (1 + 2.0**-30))
        off = slope_errors[0] + 4 * UNIT * abs(slopes[0])
        e = steep * (e + g * (d + e)) + off * (d + e) + lost * (1.0 + d)
        d = steep * d
        e += g * (d + e)
        worst = max(worst, e)
        worst = max(worst, e * (s_top + e_top) + d * (e_top + 8 * UNIT * s_top) + ETA * (1.0 + d))
        largest = max(largest, d, d * s_top)
    result[0] = worst * SLACK
    result[1] = largest * SLACK


@compiled
def vectors(rows: Any, width: Any) -> Array:
    """Return rows of whole vectors, each of which begins at a cache line."""
    return aligned(rows * width).reshape((rows, width))


@compiled
def nested_examples(
    inputs: Array,
    input_errors: Array,
    labels: Array,
    label_errors: Array,
    first: Array,
    first_bias: Array,
    second: Array,
    second_bias: Array,
    third: Array,
    third_bias: Array,
    slopes: Array,
    slope_errors: Array,
    keep: Array,
    drop: Array,
    inverse_keep: Array,
    kappa: float,
    lane_weights: Array,
    begin: int,
    end: int,
    results: Array,
) -> None:
    """Write gradient, bound, size and doubts (−1 where a bound is out of range) of the examples begin … end."""
    width, below, n, outputs = first.shape[1], first.shape[0], second.shape[0], third.shape[0]
    rows, lanes, padded = 1 << width, 1 << below, (n + LANES - 1) // LANES * LANES
    padded_second, base = vectors(below, padded), aligned(padded)
    padded_third, thresholds = vectors(outputs, padded), vectors(2, padded)
    for i in range(n):
        base[i] = second_bias[i]
        for j in range(below):
            padded_second[j, i] = second[i, j]
        for o in range(outputs):
            padded_third[o, i] = third[o, i]
    table, masses, outer = np.empty((rows, below)), np.empty(rows), np.empty((rows, below))
    units = np.empty(below + width, dtype=np.int64)
    columns, kept = vectors(max(below, 1), padded), vectors(max(below, 1), padded)
    z, deltas, h = vectors(lanes, padded), vectors(lanes, padded), aligned(padded)
    parts, part_weights, part_bias = vectors(below + 1, padded), vectors(outputs, padded), np.empty(outputs)
    bounds, work = np.empty((ROWS, max(width, below, n, outputs))), np.empty((2, n))
    for e in range(begin, end):
        row = results[e - begin]
        for k in range(row.shape[0]):
            row[k] = 0.0
        lost = False
        for u in range(width):
            bounds[0, u] = (abs(inputs[e, u]) + input_errors[e, u]) * SLACK + 3 * ETA
            lost = lost or (inputs[e, u] == 0.0 and input_errors[e, u] > 0.0)
        largest = nested_reaches(
            bounds[0], input_errors[e], first, first_bias, inverse_keep[0], slopes[0], slope_errors[0],
            bounds[1], bounds[2], bounds[3], bounds[4],
        )  # fmt: skip
        further = nested_reaches(
            bounds[3], bounds[4], second, second_bias, inverse_keep[1], slopes[1], slope_errors[1],
            bounds[5], bounds[6], bounds[7], bounds[8],
        )  # fmt: skip
        last = nested_reaches(
            bounds[7], bounds[8], third, third_bias, 1.0, 1.0, 0.0, bounds[9], bounds[10], bounds[11], bounds[12]
        )
        if not max(largest, further, last) < 2.0**1000:
            row[row.shape[0] - 1] = -1.0
            continue
        for i in range(base.shape[0]):
            thresholds[1, i] = bounds[6, i] if i < n and slopes[1] != 1.0 else -1.0
            thresholds[0, i] = thresholds[1, i] if base[i] != 0.0 else -1.0
        for o in range(outputs):
            bounds[13, o] = third_bias[o] - labels[e, o]
            bounds[14, o] = abs(labels[e, o])
        at = below * width
        doubts = nested_gradient(
            inputs[e], first, first_bias, bounds[2], padded_second, base, thresholds, padded_third, bounds[13],
            slopes, keep, drop, inverse_keep, kappa, lane_weights, table, masses, outer, units, columns, z, h,
            deltas, kept, parts, part_weights, part_bias,
            row[:at].reshape((below, width)), row[at : at + below],
            row[at + below : at + below + n * below].reshape((n, below)),
            row[at + below + n * below : at + below + n * below + n],
            row[at + below + n * below + n : at + below + n * below + n + outputs * n].reshape((outputs, n)),
            row[at + below + n * below + n + outputs * n : row.shape[0] - 3],
        )  # fmt: skip
        nested_bound(
            bounds[0][:width], input_errors[e], bounds[3][:below], bounds[4][:below], second, bounds[7], bounds[8],
            third, bounds[9], bounds[10], bounds[14], label_errors[e], slopes, slope_errors, inverse_keep, kappa, work,
            row[row.shape[0] - 3 :],
        )  # fmt: skip
        row[row.shape[0] - 1] = 1.0 if doubts > 0 or lost else 0.0
