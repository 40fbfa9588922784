"""A whole evaluation in one call: forward pass, bounds, walk, quantities and totals, for problems of few masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.aligned import aligned, borrowed
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.panels import LANES
from exactdropout.numeric.kernels.walk.error_bounds import SLACK, propagate, quantities, total, up
from exactdropout.numeric.kernels.walk.walk import LOW, MIDDLE, block_weights, walk_lanes

__all__ = ["evaluate_small", "walk_small"]

BEGIN = 20
"""Where ``layout`` begins among the integers, after 6 numbers and the 14 places where parts begin or end."""


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
    """Walk every example from its first unit to its last, in a workspace made here. Returns :func:`walk_lanes`'s."""
    last = layout.shape[1] - 2
    layers = last - first
    outputs = groups.shape[0] // 2
    size = LANES * outputs
    strides = layout[4, first:last]
    examples = starts.shape[0]
    counted = 3 * (layers + 1)
    listed = counted + 3 * examples
    kept_integers = np.zeros(listed + 2 + (layers + 1) * (most + 6), dtype=np.int64)
    integers = borrowed(kept_integers)
    own_offsets = integers[: layers + 1]
    row_offsets, fold_offsets = integers[layers + 1 : 2 * layers + 2], integers[2 * layers + 2 : counted]
    items, state = integers[counted:listed].reshape((examples, 3)), integers[listed : listed + 2]
    for e in range(examples):
        items[e, 0] = e
    state[1] = -1
    sources = listed + 2 + 5 * (layers + 1)
    fold_offsets[0] = size
    for l in range(layers):
        own_offsets[l + 1] = own_offsets[l] + (most + 2) * strides[l]
        row_offsets[l + 1] = row_offsets[l] + (most + 1) * strides[l]
        fold_offsets[l + 1] = fold_offsets[l] + (most + 1) * size
    stride = strides[layers - 1]
    rows = own_offsets[layers]  # where each part of the workspace begins: whole vectors, one after another
    folds = rows + row_offsets[layers]
    table = folds + fold_offsets[layers]
    sums = table + LANES * stride
    totals = sums + (stride << MIDDLE)
    lanes = totals + 6 * LANES
    middle = lanes + LANES * (LOW + 1)
    end = middle + ((MIDDLE + 1) << MIDDLE)
    kept_numbers = aligned(end)
    work = borrowed(kept_numbers)
    block_weights(masks[0, last - 1], masks[1, last - 1], work[lanes:middle], work[middle:end])
    outcome = walk_lanes(
        layout[0, first:last],
        strides,
        columns,
        layout[5, first:last],
        bases,
        layout[6, first:last],
        slopes[0, first:last],
        masks[4, first:last],
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
        work[:rows],
        own_offsets,
        work[rows:folds],
        row_offsets,
        integers[listed + 2 : sources].reshape((layers + 1, 5)),
        integers[sources:].reshape((layers + 1, most + 1)),
        work[folds:table],
        fold_offsets,
        work[table:sums],
        work[sums:totals],
        work[totals:lanes],
        work[lanes:middle],
        work[middle:end],
        1 << 62,
    )
    return outcome if kept_integers.size + kept_numbers.size > 0 else -1


@compiled
def evaluate_small(integers: Array, numbers: Array, result: Array) -> bool:
    """Fill ``result``: 2 × (5 + outputs) sums (criterion, risk, penalty, bias, variance, means), 2 × 3 × m × outputs
    shares (output, mean, variance) and 2 × 4 × m scalars (criterion, risk, penalty, bias); bounds are in [1].

    Unpacking an argument costs a twelfth of a microsecond, so all of them come in two arrays: ``integers`` begins with
    depth, first walked layer, levels, grid of the inputs, m, outputs and where each part of ``numbers`` begins; then
    ``layout``, ``exponents`` and ``groups``. ``layout`` has the rows widths, units, weight_offsets, bias_offsets,
    strides, column_offsets, base_offsets, weight_grids, bias_grids; all parts are those of
    :mod:`exactdropout.numeric.float64.packed`. False where any number left the range of float64.
    """
    integers, numbers, result = borrowed(integers), borrowed(numbers), borrowed(result)
    depth, first, levels = integers[0], integers[1], integers[2]
    grid, examples, outputs = integers[3], integers[4], integers[5]
    at = integers[6:BEGIN]
    place = BEGIN + 9 * (depth + 1)
    layout = integers[BEGIN:place].reshape((9, depth + 1))
    exponents, groups = integers[place : place + depth], integers[place + depth :]
    columns, bases = numbers[at[0] : at[1]], numbers[at[1] : at[2]]
    weights, biases = numbers[at[2] : at[3]], numbers[at[3] : at[4]]
    slopes, signs = numbers[at[4] : at[5]].reshape((2, depth)), numbers[at[5] : at[6]]
    masks, kappa = numbers[at[6] : at[7]].reshape((5, depth)), numbers[at[7]]
    inputs = numbers[at[8] : at[9]].reshape((examples, layout[0, 0]))
    input_errors = numbers[at[9] : at[10]].reshape((examples, layout[0, 0]))
    labels = numbers[at[10] : at[11]].reshape((examples, outputs))
    label_errors = numbers[at[11] : at[12]].reshape((examples, outputs))
    probabilities = numbers[at[12] : at[13]]
    begin = 2 * (5 + outputs)
    middle = begin + 6 * examples * outputs
    sums = result[:begin].reshape((2, 5 + outputs))
    shares = result[begin:middle].reshape((2, 3, examples, outputs))
    scalars = result[middle:].reshape((2, 4, examples))
    widths, units, weight_offsets, bias_offsets = layout[0], layout[1], layout[2], layout[3]
    every, each = units[depth] + outputs, examples * outputs
    about = 5 * every
    seen = about + 3 * each
    walked = seen + LANES * each
    ended = walked + examples * (2 + widths[first])
    kept_numbers, kept_integers = np.zeros(ended + depth + 14), np.zeros(depth, dtype=np.int64)
    work, no_shift = borrowed(kept_numbers), borrowed(kept_integers)
    hidden, sizes, errors = work[:every], work[every : 2 * every], work[2 * every : 3 * every]
    reaches, wrongs = work[3 * every : 4 * every], work[4 * every : about]
    pivots, e_pivots = work[about : about + each], work[about + each : about + 2 * each]
    constants = work[about + 2 * each : seen]
    results = work[seen:walked].reshape((examples, LANES * outputs))
    variances, e_variances = work[walked : walked + examples], work[walked + examples : walked + 2 * examples]
    starts = work[walked + 2 * examples : ended].reshape((examples, widths[first]))
    ones, values, bounds = work[ended : ended + depth], work[ended + depth : -7], work[-7:]
    ones[:] = 1.0
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
            if masks[4, l] > 0.0:
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
                kappa, weights, w + o * widths[last], sizes, errors, wrongs, end, widths[last], before,
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
    for e in range(examples):
        variances[e] = e_variances[e] = 0.0
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
    return fine and kept_numbers.size + kept_integers.size > 0
