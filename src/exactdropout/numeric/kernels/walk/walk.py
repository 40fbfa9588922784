"""The walk for second moments: depth first over active units, and blocks of up to 2⁹ masks of the last walked layer.

As in :mod:`.walk`, the masks of each layer are the subsets of its active units, and adding one unit adds one column to
the pre-activations of its parent in the tree. In the last walked layer the pre-activations of each output's units are
scaled by |w_oj| and ordered by the sign of w_oj, so that

    g = (b_o − pivot) ± Σ_j φ(|w_oj| z_j),    v = Σ_j φ(|w_oj| z_j)² = Σ_j (w_oj h_j)²

need no multiplication by weights. Its last 3 active units are the lanes of a vector, the 6 before them rows of
partial sums, and only the others are walked one by one.

A block is summed with the probabilities of its masks; above it, expectations are folded up the tree of masks.
"""

from __future__ import annotations

import itertools

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.panels import (
    LANES,
    add_rows,
    copy_row,
    double_rows,
    fold_lanes,
    lane_table,
    mix_rows,
    panel_1,
    panel_2,
    panel_4,
    scale_row,
)

__all__ = [
    "DONE",
    "INTERRUPTED",
    "LOW",
    "MIDDLE",
    "TOO_MANY_UNITS",
    "block_reference",
    "block_weights",
    "padded",
    "walk_lanes",
]

INTERRUPTED, DONE, TOO_MANY_UNITS = 0, 1, 2
LOW, MIDDLE = 3, 6


def block_reference(
    weights: Array, biases: Array, slope: float, keep: float, start: Array, outputs: Array, constants: Array
) -> Array:
    """Return E g, E g², E Σ_j (w_oj h_j)² of each output over the masks of one layer, by the loop over all masks."""
    result = np.zeros((len(outputs), 3))
    for mask in itertools.product((0, 1), repeat=len(start)):
        kept = np.array(mask, dtype=float)
        z = weights @ (start * kept / keep) + biases
        h = np.where(z > 0, z, slope * z)
        g = constants + outputs @ h
        probability = keep ** kept.sum() * (1 - keep) ** (len(start) - kept.sum())
        result += probability * np.stack([g, g * g, ((outputs * h) ** 2).sum(axis=1)], axis=1)
    return result


def padded(width: int) -> int:
    """Return the width of a row that holds ``width`` numbers in whole vectors."""
    return -(-width // LANES) * LANES


@compiled
def block_weights(keep: float, drop: float, lanes: Array, middle: Array) -> None:
    """Write the probabilities of the masks of k low units into lanes[8k:] (0 where k has no such mask), k ≤ 3,
    and of k ≤ 6 units into middle[64k:]; bit i of a mask says whether unit i is kept."""
    for units in range(LOW + 1):
        for lane in range(LANES):
            weight = 1.0 if lane < 1 << units else 0.0
            for bit in range(units):
                weight *= keep if lane >> bit & 1 else drop
            lanes[LANES * units + lane] = weight
    for units in range(MIDDLE + 1):
        begin = units << MIDDLE
        middle[begin] = 1.0
        for bit in range(units):
            for h in range(1 << bit):
                middle[begin + h + (1 << bit)] = middle[begin + h] * keep
                middle[begin + h] *= drop


@compiled
def walk_lanes(
    widths: Array,
    strides: Array,
    columns: Array,
    column_offsets: Array,
    bases: Array,
    base_offsets: Array,
    slopes: Array,
    dropped: Array,
    keep: Array,
    drop: Array,
    inverse_keep: Array,
    groups: Array,
    signs: Array,
    starts: Array,
    constants: Array,
    items: Array,
    results: Array,
    state: Array,
    own: Array,
    own_offsets: Array,
    rows: Array,
    row_offsets: Array,
    counters: Array,
    sources: Array,
    folds: Array,
    fold_offsets: Array,
    table: Array,
    sums: Array,
    totals: Array,
    lanes: Array,
    middle: Array,
    budget: int,
) -> int:
    """Walk items until all are DONE, or ``budget`` masks were taken (INTERRUPTED; call again to go on).

    An item (example, bits, prefix) is the part of an example's masks in which the first ``bits`` active units of the
    first walked layer are kept or dropped as the binary digits of ``prefix`` say, most significant digit first; its
    result is the expectation over the remaining masks: a vector for each output that begins with g, g², v.

    Layer l of the walk has ``widths[l]`` units; what they feed has rows of ``strides[l]`` numbers, whole vectors.
    ``columns`` holds a row for each unit of a layer, the last layer's scaled as above; ``bases`` are the biases.
    ``dropped[l]`` is 0 for a layer of rate 0 only.
    ``state`` is (item, layer), with layer −1 before an item.
    """
    layers = keep.shape[0]
    last = layers - 1
    size = results.shape[1]
    most = sources.shape[1] - 1
    outputs = groups.shape[0] // 2
    item = state[0]
    layer = state[1]
    visited = 0
    while item < items.shape[0]:
        example = items[item, 0]
        layer = max(layer, 0)
        while layer < layers:  # open every layer below with no unit kept
            stride = strides[layer]
            here = own_offsets[layer]
            place = column_offsets[layer]
            first_row = row_offsets[layer]
            copy_row(rows, first_row, stride, bases, base_offsets[layer])
            scale = inverse_keep[layer]
            above = 0
            slope = 0.0
            if layer > 0:
                above = row_offsets[layer - 1] + sources[layer - 1, counters[layer - 1, 1]] * strides[layer - 1]
                slope = slopes[layer - 1]
            units = 0
            for i in range(widths[layer]):
                if layer == 0:
                    h = starts[example, i]
                else:
                    z = rows[above + i]
                    h = z if z > 0.0 else slope * z
                scale_row(own, here + units * stride, stride, columns, place + i * stride, h * scale)
                if dropped[layer] == 0.0:
                    add_rows(rows, first_row, stride, rows, first_row, own, here)
                else:
                    units += h != 0.0
                    if units > most:
                        return TOO_MANY_UNITS
            fixed = items[item, 1] if layer == 0 else 0
            for unit in range(fixed):
                if (items[item, 2] >> (fixed - 1 - unit)) & 1:
                    add_rows(rows, first_row, stride, rows, first_row, own, here + unit * stride)
            low = 0
            mid = 0
            if layer == last:
                low = min(LOW, units - fixed)
                mid = min(MIDDLE, units - fixed - low)
                zero = here + (most + 1) * stride
                top = here + (units - low) * stride
                first = top if low > 0 else zero
                second = top + stride if low > 1 else zero
                third = top + 2 * stride if low > 2 else zero
                lane_table(table, own, first, second, third, stride)
            walked = units - fixed - low - mid
            counters[layer, 0] = 0
            counters[layer, 1] = walked
            counters[layer, 2] = fixed
            counters[layer, 3] = mid
            counters[layer, 4] = low
            for position in range(walked + 1):
                sources[layer, position] = 0
            layer += 1
        walked, mid, low = counters[last, 1], counters[last, 3], counters[last, 4]
        stride = strides[last]
        row = row_offsets[last] + sources[last, walked] * stride
        unit = own_offsets[last] + (counters[last, 2] + walked) * stride
        if mid > 0:
            copy_row(sums, 0, stride, rows, row)
            for bit in range(mid):
                double_rows(sums, 1 << bit, stride, own, unit)
                unit += stride
        slope = slopes[last]
        relu = slope == 0.0
        w = mid << MIDDLE
        even = keep[last] == 0.5 and drop[last] == 0.5
        for o in range(outputs):
            begin, count = groups[2 * o], groups[2 * o + 1]
            c = constants[example * outputs + o]
            t = LANES * begin
            if mid == 0:
                place = row + begin
                panel_1(table, t, rows, place, stride, signs, begin, count, c, slope, relu, False, middle, w, totals, 0)
            elif mid == 1:
                panel_2(table, t, sums, begin, stride, signs, begin, count, c, slope, relu, False, middle, w, totals, 0)
            else:
                alike = even and count <= LANES
                place = begin
                for h in range(0, 1 << mid, 4):
                    at = w + h
                    panel_4(
                        table, t, sums, place, stride, signs, begin, count, c, slope, relu, alike, middle, at, totals, 0
                    )
                    place += 4 * stride
                if alike:  # four sums of squares, and what all masks have in common
                    add_rows(totals, 2 * LANES, 2 * LANES, totals, 2 * LANES, totals, 4 * LANES)
                    add_rows(totals, 2 * LANES, LANES, totals, 2 * LANES, totals, 3 * LANES)
                    scale_row(totals, 0, 3 * LANES, totals, 0, middle[w])
                    for k in range(3 * LANES, 6 * LANES):
                        totals[k] = 0.0
            fold_lanes(folds, LANES * o, totals, lanes, LANES * low)
        visited += 1 << (mid + low)
        layer = last
        while layer >= 0:  # fold finished subtrees, up to the first unit that is still to be kept
            count, units = counters[layer, 0], counters[layer, 1]
            place = fold_offsets[layer]
            bit = 0
            while (count >> bit) & 1:
                mix_rows(folds, 0, size, folds, place + bit * size, folds, 0, drop[layer], keep[layer])
                bit += 1
            if bit < units:
                copy_row(folds, place + bit * size, size, folds, 0)
                stride = strides[layer]
                position = units - 1 - bit
                source = row_offsets[layer] + sources[layer, position] * stride
                target = row_offsets[layer] + (position + 1) * stride
                unit = own_offsets[layer] + (counters[layer, 2] + position) * stride
                add_rows(rows, target, stride, rows, source, own, unit)
                for later in range(position + 1, units + 1):
                    sources[layer, later] = position + 1
                counters[layer, 0] = count + 1
                break
            layer -= 1
        if layer < 0:
            copy_row(results, item * size, size, folds, 0)
            item += 1
        else:
            layer += 1
        if visited >= budget:
            break
    state[0] = item
    state[1] = layer
    return DONE if item >= items.shape[0] else INTERRUPTED
