"""A whole evaluation in one call: forward pass, bounds, walk, quantities and totals, for problems of few masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.aligned import aligned
from exactdropout.numeric.kernels.block_walk import LOW, MIDDLE, block_weights, walk_lanes
from exactdropout.numeric.kernels.certain import SLACK, propagate, quantities, total, up
from exactdropout.numeric.kernels.compiled import compiled
from exactdropout.numeric.kernels.panels import LANES

__all__ = ["evaluate_small", "walk_small"]


@compiled
def walk_small(
    first: Any,
    most: Any,
    layout: Array,
    columns: Array,
    bases: Array,
    groups: Array,
    signs: Array,
    slopes: Array,
    masks: Array,
    starts: Array,
    constants: Array,
    results: Array,
) -> Any:
    """Walk every example from its first unit to its last, in a workspace made here."""
    last = layout.shape[1] - 2
    layers = last - first
    outputs = groups.shape[0] // 2
    size = LANES * outputs
    strides = layout[4, first:last]
    own_offsets = np.zeros(layers + 1, dtype=np.int64)
    row_offsets = np.zeros(layers + 1, dtype=np.int64)
    fold_offsets = np.zeros(layers + 1, dtype=np.int64)
    fold_offsets[0] = size
    for l in range(layers):
        own_offsets[l + 1] = own_offsets[l] + (most + 2) * strides[l]
        row_offsets[l + 1] = row_offsets[l] + (most + 1) * strides[l]
        fold_offsets[l + 1] = fold_offsets[l] + (most + 1) * size
    stride = strides[layers - 1]
    lanes, middle = aligned(LANES * (LOW + 1)), aligned((MIDDLE + 1) << MIDDLE)
    block_weights(masks[0, last - 1], masks[1, last - 1], lanes, middle)
    examples = starts.shape[0]
    items = np.zeros((examples, 3), dtype=np.int64)
    for e in range(examples):
        items[e, 0] = e
    state = np.zeros(2, dtype=np.int64)
    state[1] = -1
    return walk_lanes(
        layout[0, first:last],
        strides,
        columns,
        layout[5, first:last],
        bases,
        layout[6, first:last],
        slopes[0, first:last],
        masks[0, first:last],
        masks[1, first:last],
        masks[2, first:last],
        groups,
        signs,
        starts,
        constants,
        items,
        results,
        state,
        aligned(own_offsets[layers]),
        own_offsets,
        aligned(row_offsets[layers]),
        row_offsets,
        np.zeros((layers + 1, 5), dtype=np.int64),
        np.zeros((layers + 1, most + 1), dtype=np.int64),
        aligned(fold_offsets[layers]),
        fold_offsets,
        aligned(LANES * stride),
        aligned(stride << MIDDLE),
        aligned(3 * LANES),
        lanes,
        middle,
        1 << 62,
    )


@compiled
def evaluate_small(
    layout: Array,
    weights: Array,
    biases: Array,
    slopes: Array,
    columns: Array,
    bases: Array,
    groups: Array,
    signs: Array,
    masks: Array,
    exponents: Array,
    cumulants: Array,
    first: int,
    levels: int,
    inputs: Array,
    input_errors: Array,
    labels: Array,
    label_errors: Array,
    probabilities: Array,
    grid: int,
    shares: Array,
    scalars: Array,
    sums: Array,
) -> bool:
    """Fill ``shares`` (2 × 3 × m × outputs: output, mean, variance), ``scalars`` (2 × 4 × m: criterion, risk, penalty,
    bias) and ``sums`` (2 × (5 + outputs): criterion, risk, penalty, bias, variance, means); bounds are in [1].

    ``layout`` has the rows widths, units, weight_offsets, bias_offsets, strides, column_offsets, base_offsets,
    weight_grids, bias_grids, and the other arrays are those of :mod:`exactdropout.numeric.flat`. False where any number
    left the range of float64.
    """
    widths, units, weight_offsets, bias_offsets = layout[0], layout[1], layout[2], layout[3]
    depth = widths.shape[0] - 1
    examples, outputs = labels.shape
    every = units[depth] + outputs
    hidden, sizes, errors = np.zeros(every), np.zeros(every), np.zeros(every)
    reaches, wrongs, ones = np.zeros(every), np.zeros(every), np.ones(depth)
    no_shift = np.zeros(depth, dtype=np.int64)
    starts = np.zeros((examples, widths[first]))
    pivots, e_pivots = np.zeros(examples * outputs), np.zeros(examples * outputs)
    constants = np.zeros(examples * outputs)
    results = np.zeros((examples, LANES * outputs))
    last = depth - 1
    end, out = units[last], units[depth]
    w = weight_offsets[last]
    for e in range(examples):
        for i in range(widths[0]):
            hidden[i] = inputs[e, i]
            sizes[i] = up(abs(inputs[e, i]) + input_errors[e, i], 1)
            errors[i] = input_errors[e, i]
        propagate(
            widths, units, weights, weight_offsets, biases, bias_offsets, slopes[0], slopes[1], ones, no_shift,
            layout[7], layout[8], grid, hidden, sizes, errors, reaches, wrongs,
        )  # fmt: skip
        for i in range(widths[first]):
            starts[e, i] = hidden[units[first] + i]
        for o in range(outputs):
            k = e * outputs + o
            pivots[k] = hidden[out + o]
            e_pivots[k] = wrongs[out + o]
            constants[k] = biases[bias_offsets[last] + o] - pivots[k]
    if first < last:
        most = 1
        for l in range(first, last):
            if masks[0, l] < 1.0:
                most = max(most, widths[l])
        walk_small(first, most, layout, columns, bases, groups, signs, slopes, masks, starts, constants, results)
    else:
        for e in range(examples):
            for o in range(outputs):
                square = 0.0
                for i in range(widths[last]):
                    term = weights[w + o * widths[last] + i] * starts[e, i]
                    square += term * term
                results[e, LANES * o + 2] = square
    fan_in = widths[last - 1] if last > 0 else 0
    values, bounds = np.zeros(7), np.zeros(7)
    fine = True
    for e in range(examples):
        for i in range(widths[0]):
            sizes[i] = up(abs(inputs[e, i]) + input_errors[e, i], 1)
            errors[i] = input_errors[e, i]
        propagate(
            widths, units, weights, weight_offsets, biases, bias_offsets, slopes[0], slopes[1], masks[3], exponents,
            layout[7], layout[8], grid, hidden, sizes, errors, reaches, wrongs,
        )  # fmt: skip
        before = 0.0
        if last > 0:
            for i in range(fan_in):
                before = max(before, sizes[units[last - 1] + i])
            before *= masks[3, last - 1]
        for k in range(4):
            scalars[0, k, e] = 0.0
            scalars[1, k, e] = 0.0
        for o in range(outputs):
            k = e * outputs + o
            quantities(
                results[e, LANES * o], results[e, LANES * o + 1], results[e, LANES * o + 2], levels, fan_in,
                cumulants[0], weights, w + o * widths[last], sizes, errors, wrongs, end, widths[last], before,
                reaches[out + o], wrongs[out + o], pivots[k], e_pivots[k], labels[e, o], label_errors[e, o],
                outputs, values, bounds,
            )  # fmt: skip
            for k in range(3):
                shares[0, k, e, o] = values[k]
                shares[1, k, e, o] = bounds[k]
            for k in range(4):
                scalars[0, k, e] += values[3 + k]
                scalars[1, k, e] = up(scalars[1, k, e] + bounds[3 + k], 1)
            for k in range(7):
                fine = fine and math.isfinite(values[k]) and math.isfinite(bounds[k])
    for k in range(4):
        total(probabilities, scalars[0, k], scalars[1, k], sums, k)
    variances, e_variances = np.zeros(examples), np.zeros(examples)
    for e in range(examples):
        size = 0.0
        for o in range(outputs):
            variances[e] += shares[0, 2, e, o]
            e_variances[e] += shares[1, 2, e, o]
        size = variances[e]
        e_variances[e] = up(e_variances[e] + outputs * 2.0**-53 * SLACK * up(size, outputs), outputs)
    total(probabilities, variances, e_variances, sums, 4)
    for o in range(outputs):
        for e in range(examples):
            variances[e] = shares[0, 1, e, o]
            e_variances[e] = shares[1, 1, e, o]
        total(probabilities, variances, e_variances, sums, 5 + o)
    for k in range(5 + outputs):
        fine = fine and math.isfinite(sums[0, k]) and math.isfinite(sums[1, k])
    return fine
