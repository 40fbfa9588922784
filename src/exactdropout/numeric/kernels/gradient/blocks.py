"""Value and gradient of one hidden layer in one pass over all masks: sums over masks, and over those that keep a unit.

One hidden layer, r_o = f_o − y_o the residual before the last mask. All of ∂J_D/∂W follows from Σ P r_o·1(z_i > 0)
and Σ P max(z_i, 0), over all masks and over those that keep input u (:mod:`.one_layer` says how); the value from E g,
E g² and E h_i², g_o = f_o less a constant. One pass makes them all, block by block: the masks of the seven units that
change least are a table, and of each row of the others' masks :mod:`exactdropout.numeric.kernels.simd.masked` takes the
whole block. There units whose sign is the same on the block are linear: their sums are those of all masks, or 0.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Layer
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.masked import (
    BLOCK,
    PLACES,
    decide_units,
    halve_rows,
    masked_sums,
    open_unit,
    residual_row,
)
from exactdropout.numeric.kernels.simd.panels import LANES, add_rows, copy_row, double_rows, scale_row

__all__ = ["MIDDLE", "block_reference", "block_space", "block_sums", "row_size"]

MIDDLE = 6
"""Units whose masks are the rows of a chunk; what is above them is taken chunk by chunk."""

CLEARANCE = 4.0
"""A unit is decided where its pre-activations keep so many times the bound of their error from 0."""


@subroutine
def row_size(width: int, below: int, outputs: int) -> int:
    """Return the size of an item's result: for each output and unit below Σ P r 1(z > 0), then for each unit below
    Σ P max(z, 0), each over all masks and over those that keep each input; Σ P 1(|z| ≤ threshold) of each unit below;
    and Σ P g, Σ P g², Σ P Σ_i (w_oi h_i)² of each output."""
    return (outputs + 1) * below * (1 + width) + below + 3 * outputs


@subroutine
def block_space(width: int, below: int, outputs: int) -> tuple[int, int]:
    """Return how many integers and floats :func:`block_sums` works with."""
    stride, wide = -(-below // LANES) * LANES, 1 << BLOCK
    floats = (width + 1) * stride + width + (stride << MIDDLE)
    floats += 9 * stride + 2 * stride * wide + wide + 2 * LANES
    floats += outputs * (2 * stride + 2 * wide + 2 * LANES + stride * LANES + (stride << MIDDLE))
    floats += stride * LANES + (stride << MIDDLE)
    floats += (outputs + 1) * (1 + width) * stride + 2 * stride + (1 << MIDDLE) + 3 * outputs * (width + 2)
    return width + PLACES + 2 * stride + LANES, floats


def block_reference(
    columns: Array, base: Array, slope: float, weights: Array, constants: Array, threshold: float, keep: float
) -> tuple[Array, Array, Array, Array]:
    """Return what :func:`block_sums` finds for one output, from the list of all masks.

    ``columns`` (units × units below) are what each unit adds to the pre-activations ``base``, ``constants`` the
    output's bias less pivot and less label. The arrays have the shapes (below, 1 + units) twice, (below,) and (3,).
    """
    units = len(columns)
    masks = np.array(list(itertools.product((0.0, 1.0), repeat=units))).reshape(1 << units, units)
    kept = masks.sum(axis=1)
    p = keep**kept * (1 - keep) ** (units - kept)
    z = base + masks @ columns
    h = np.where(z > 0, z, slope * z)
    s, both = h @ weights, np.column_stack([np.ones(len(masks)), masks])
    indicators = ((p * (constants[1] + s))[:, None] * (z > 0)).T @ both
    moments = (p[:, None] * np.maximum(z, 0.0)).T @ both
    near = p @ (np.abs(z) <= threshold) * (threshold > 0)
    g = constants[0] + s
    values = np.array([p @ g, p @ (g * g), p @ ((weights * h) ** 2).sum(axis=1)])
    return indicators, moments, near, values


@subroutine
def scaled_columns(layer: Layer, x: Array, stride: Any, space: Array, sizes: Any, order: Array) -> int:
    """Write W_iu·(x_u/p) of each active input from the beginning of ``space`` on; return how many there are.

    ``order`` gets their places, those that change most first.
    """
    weights, units = layer.weights, 0
    for u in range(x.shape[0]):
        if x[u] != 0.0:
            scaled = x[u] * layer.inverse_keep
            size = 0.0
            for i in range(weights.shape[0]):
                value = weights[i, u] * scaled
                space[units * stride + i] = value
                size += abs(value)
            for i in range(weights.shape[0], stride):
                space[units * stride + i] = 0.0
            place = units
            while place > 0 and space[sizes + place - 1] < size:
                space[sizes + place] = space[sizes + place - 1]
                order[place] = order[place - 1]
                place -= 1
            space[sizes + place] = size
            order[place] = units
            units += 1
    return units


@subroutine
def block_table(
    space: Array, counts: Array, at: Any, order: Array, first: Any, low: Any, below: Any, keep: float, drop: float,
    thresholds: Array,
) -> None:  # fmt: skip
    """Write T, its extremes less and more the clearance, means and variances, and the probabilities of the masks."""
    stride, about, table, wide, chances = counts[at], counts[at + 1], counts[at + 5], counts[at + 7], counts[at + 8]
    for l in range(wide):
        space[chances + l] = 0.0
    space[chances] = 1.0
    for k in range(low):
        for l in range(1 << k):
            space[chances + (1 << k) + l] = space[chances + l] * keep
            space[chances + l] *= drop
    for j in range(stride):
        row = table + j * wide
        least = largest = mean = variance = 0.0
        for l in range(min(wide, LANES)):
            space[row + l] = 0.0
        for k in range(low):
            u = space[order[first + k] * stride + j]
            for l in range(1 << k):
                space[row + (1 << k) + l] = space[row + l] + u
            least = min(least, least + u)
            largest = max(largest, largest + u)
            mean += keep * u
            variance += (keep * drop) * (u * u)
        clear = CLEARANCE * thresholds[j] if j < below else 0.0
        space[about + j] = least - clear
        space[about + stride + j] = largest + clear
        space[about + 2 * stride + j] = mean
        space[about + 3 * stride + j] = variance


@compiled
def block_sums(
    layer: Layer, inputs: Array, constants: Array, thresholds: Array, items: Array, begin: int, budget: float,
    counts: Array, space: Array, results: Array,
) -> int:  # fmt: skip
    """Write the sums over the masks of each item from row ``begin`` on; :func:`row_size` says what stands in a row.

    An item (example, bits, prefix) is those masks in which the first ``bits`` inputs, those that change most first, are
    as ``prefix`` says. ``constants`` (examples × outputs × 2) is the outputs' bias less the pivot, and less the label;
    a pre-activation that is at most ``thresholds`` (examples × units below) in size is near 0, but where that is 0.
    Returns the next row once ``budget`` masks are done.
    """
    weights, output_weights, slope = layer.weights, layer.output_weights, layer.slope
    keep, drop = layer.keep, layer.drop
    below, most = weights.shape
    outputs, stride = output_weights.shape[0], (below + LANES - 1) // LANES * LANES
    size, each = stride << MIDDLE, outputs * stride * LANES
    order, at = counts, most
    base = most * stride
    rows = base + stride + most
    counts[at] = stride
    counts[at + 1] = rows + size
    counts[at + 2] = counts[at + 1] + 4 * stride
    counts[at + 3] = counts[at + 2] + stride
    counts[at + 4] = sums = counts[at + 3] + stride
    counts[at + 5] = counts[at + 4] + 3 * stride
    counts[at + 6] = counts[at + 5] + (stride << BLOCK)
    counts[at + 8] = counts[at + 6] + (stride << BLOCK)
    counts[at + 9] = kept = counts[at + 8] + (1 << BLOCK)
    counts[at + 12] = lists = at + PLACES
    factors = kept + 2 * LANES
    lines = factors + 2 * outputs * stride
    masses = lines + (outputs << BLOCK)
    vectors = masses + (outputs << BLOCK)
    shares = vectors + 2 * LANES * outputs  # Σ P r 1(z > 0) of the block's units, eight numbers of each unit below
    parts = shares + each  # the same of Σ P max(z, 0)
    residuals = parts + stride * LANES  # Σ P r 1(z > 0), a row of units below for each row of a chunk
    means = residuals + outputs * size  # the same of Σ P max(z, 0)
    totals = means + size  # those sums, a row of units below for all masks and each input, output by output
    whole = (1 + most) * stride
    near = totals + (outputs + 1) * whole
    close = near + stride
    chances = close + stride
    stack = chances + (1 << MIDDLE)  # Σ P g, Σ P g², Σ P v of chunks, added in pairs
    for o in range(outputs):
        for j in range(stride):
            w = output_weights[o, j] if j < below else 0.0
            space[factors + 2 * o * stride + j] = (1.0 - slope) * w
            space[factors + (2 * o + 1) * stride + j] = slope * w
    row, done = begin, 0.0
    while row < items.shape[0] and done < budget:
        e, fixed, prefix = items[row, 0], items[row, 1], items[row, 2]
        units = scaled_columns(layer, inputs[e], stride, space, base + stride, order)
        low = min(BLOCK, units - fixed)
        mid = min(MIDDLE, units - fixed - low)
        walked = units - fixed - low - mid
        wide = max(LANES, 1 << low)
        counts[at + 7] = wide
        block_table(space, counts, at, order, units - low, low, below, keep, drop, thresholds[e])
        for o in range(outputs):
            if slope != 0.0:
                for l in range(wide):
                    space[lines + (o << BLOCK) + l] = 0.0
                for j in range(below):
                    w = space[factors + (2 * o + 1) * stride + j]
                    for l in range(wide):
                        space[lines + (o << BLOCK) + l] += w * space[counts[at + 5] + j * wide + l]
        for k in range(totals, chances):
            space[k] = 0.0
        weight = 1.0
        for j in range(stride):
            space[base + j] = layer.bias[j] if j < below else 0.0
        for unit in range(fixed):
            if (prefix >> (fixed - 1 - unit)) & 1:
                weight *= keep
                add_rows(space, base, stride, space, base, space, order[unit] * stride)
            else:
                weight *= drop
        for chunk in range(1 << walked):
            share = weight
            copy_row(space, rows, stride, space, base)
            for unit in range(walked):
                if (chunk >> unit) & 1:
                    share *= keep
                    add_rows(space, rows, stride, space, rows, space, order[fixed + unit] * stride)
                else:
                    share *= drop
            space[chances] = share
            for bit in range(mid):
                double_rows(space[rows:], 1 << bit, stride, space, order[fixed + walked + bit] * stride)
                for h in range(1 << bit):
                    space[chances + (1 << bit) + h] = space[chances + h] * keep
                    space[chances + h] *= drop
            for k in range(sums, sums + 3 * stride):
                space[k] = 0.0
            for k in range(vectors, residuals):
                space[k] = 0.0
            for k in range(close, close + stride):
                space[k] = 0.0
            for h in range(1 << mid):
                p, z, mean = space[chances + h], rows + h * stride, means + h * stride
                decide_units(space, counts, at, z, p, mean)
                for k in range(counts[at + 11]):
                    j = counts[lists + stride + k]
                    nearest = open_unit(space, counts, at, j, space[z + j], p, parts + LANES * j)
                    space[mean + j] = space[kept]
                    space[sums + 2 * stride + j] += space[kept + LANES]
                    threshold = thresholds[e, j]
                    if nearest <= threshold and threshold > 0.0:
                        chance = 0.0
                        for l in range(1 << low):
                            if abs(space[counts[at + 5] + j * wide + l] + space[z + j]) <= threshold:
                                chance += space[counts[at + 8] + l]
                        space[close + j] += p * chance
                for o in range(outputs):
                    line = lines + (o << BLOCK) if slope != 0.0 else -1
                    mass, own = masses + (o << BLOCK), shares + o * stride * LANES
                    target = residuals + o * size + h * stride
                    first = residual_row(
                        space, counts, at, factors + 2 * o * stride, line, z, constants[e, o, 0], constants[e, o, 1],
                        p, mass, vectors + 2 * LANES * o,
                    )  # fmt: skip
                    scale_row(space, target, stride, space, counts[at + 2], first)
                    for k in range(counts[at + 10]):
                        j = own + LANES * counts[lists + k]
                        add_rows(space, j, LANES, space, j, space, kept)
                    for k in range(counts[at + 11]):
                        j = counts[lists + stride + k]
                        space[target + j] = masked_sums(space, counts, at, j, mass, p, own + LANES * j)
            for o in range(outputs + 1):
                place, total = residuals + o * size, totals + o * whole
                for bit in range(mid - 1, -1, -1):
                    unit = 1 + order[fixed + walked + bit]
                    halve_rows(space, place, 1 << bit, stride, total + unit * stride)
                add_rows(space, total, stride, space, total, space, place)
                for unit in range(walked):
                    if (chunk >> unit) & 1:
                        target = total + (1 + order[fixed + unit]) * stride
                        add_rows(space, target, stride, space, target, space, place)
                own = shares + o * stride * LANES  # after the outputs' shares come those of the moments
                for k in range(low):
                    target = total + (1 + order[units - low + k]) * stride
                    for j in range(below):
                        space[target + j] += space[own + LANES * j + 1 + k]
            for k in range(low):  # positive units: E T given unit k is kept, times P(k kept)
                unit = order[units - low + k]
                target = totals + outputs * whole + (1 + unit) * stride
                for j in range(below):
                    mean = keep * (space[counts[at + 1] + 2 * stride + j] + drop * space[unit * stride + j])
                    space[target + j] += keep * space[sums + stride + j] + mean * space[sums + j]
            add_rows(space, near, stride, space, near, space, close)
            filled = 3 * outputs
            for o in range(outputs):
                for k in range(2):
                    v = vectors + LANES * (2 * o + k)
                    space[stack + 3 * o + k] = (
                        ((space[v] + space[v + 4]) + (space[v + 2] + space[v + 6]))
                        + ((space[v + 1] + space[v + 5]) + (space[v + 3] + space[v + 7]))
                    )  # fmt: skip
                noise = 0.0
                for j in range(below):
                    w = output_weights[o, j]
                    noise += (w * w) * space[sums + 2 * stride + j]
                space[stack + 3 * o + 2] = noise
            bit = 0
            while (chunk >> bit) & 1:
                for k in range(filled):
                    space[stack + k] += space[stack + (1 + bit) * filled + k]
                bit += 1
            if bit < walked:
                for k in range(filled):
                    space[stack + (1 + bit) * filled + k] = space[stack + k]
        for o in range(outputs + 1):
            for unit in range(fixed):
                if (prefix >> (fixed - 1 - unit)) & 1:
                    target = totals + o * whole + (1 + order[unit]) * stride
                    copy_row(space, target, stride, space, totals + o * whole)
            for j in range(below):
                place = (o * below + j) * (1 + most)
                for column in range(1 + units):
                    results[row, place + column] = space[totals + o * whole + column * stride + j]
                for column in range(1 + units, 1 + most):
                    results[row, place + column] = 0.0
        place = (outputs + 1) * below * (1 + most)
        for j in range(below):
            results[row, place + j] = space[near + j]
        for k in range(3 * outputs):
            results[row, place + below + k] = space[stack + k]
        done += 2.0 ** (units - fixed)
        row += 1
    return row
