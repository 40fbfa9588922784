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
    panel_4,
    scale_row,
)
from exactdropout.numeric.kernels.walk.layout import (
    ABOUT,
    BASES,
    COLUMNS,
    DEPTH,
    DROPPED,
    EXAMPLES,
    FIRST,
    FOLDS,
    FOLDS_AT,
    GROUPS,
    HEADER,
    LANE_WEIGHTS,
    LOW,
    MASKS,
    MIDDLE,
    MIDDLE_WEIGHTS,
    MOST,
    OUTPUTS,
    OWN,
    ROWS,
    SIGNS,
    SLOPES,
    STRIDES,
    SUMS_AT,
    TABLE_AT,
    TABLES,
    TOTALS_AT,
)

__all__ = [
    "DONE",
    "INTERRUPTED",
    "TOO_MANY_UNITS",
    "block_reference",
    "walk_lanes",
]

INTERRUPTED, DONE, TOO_MANY_UNITS = 0, 1, 2


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


@compiled
def walk_lanes(
    plan: Array,
    numbers: Array,
    tables: Array,
    groups: Array,
    about: Array,
    items: Array,
    results: Array,
    state: Array,
    counts: Array,
    space: Array,
    budget: int,
) -> int:
    """Walk items until all are DONE, or ``budget`` masks were taken (INTERRUPTED; call again to go on).

    An item (network, example, bits, prefix) is the part of an example's masks in which the first ``bits`` active units
    of the first walked layer are kept or dropped as the binary digits of ``prefix`` say, most significant digit first;
    its result is the expectation over the remaining masks: a vector for each output that begins with g, g², v.

    What is read is what :func:`~.begin.begin` wrote; :mod:`.layout` says where it stands. ``state`` is (item, layer),
    with layer −1 before an item; ``counts`` and ``space`` are the workspace.
    """
    first, outputs, most = plan[FIRST], plan[OUTPUTS], plan[MOST]
    layers = plan[DEPTH] - 1 - first
    last = layers - 1
    size = results.shape[1]
    across = plan[DEPTH] + 1
    widths, strides = HEADER + first, HEADER + STRIDES * across + first
    column_offsets, base_offsets = HEADER + COLUMNS * across + first, HEADER + BASES * across + first
    dropped = HEADER + DROPPED * across + first
    own_offsets, row_offsets = HEADER + OWN * across + first, HEADER + ROWS * across + first
    fold_offsets = HEADER + FOLDS * across + first
    slopes, keep = plan[SLOPES] + first, plan[MASKS] + first
    drop, inverse_keep = keep + plan[DEPTH], keep + 2 * plan[DEPTH]
    lanes, middle, folds = plan[LANE_WEIGHTS], plan[MIDDLE_WEIGHTS], plan[FOLDS_AT]
    table, sums, totals = space[plan[TABLE_AT] :], space[plan[SUMS_AT] :], space[plan[TOTALS_AT] :]
    sources, steps = 5 * layers, most + 1
    constants, starts = 2 * outputs, 5 * outputs + 1
    zero = plan[own_offsets + last] + (most + 1) * plan[strides + last]
    for i in range(plan[strides + last]):
        space[zero + i] = 0.0
    for i in range(6 * LANES):
        totals[i] = 0.0
    item = state[0]
    layer = state[1]
    visited = 0
    while item < items.shape[0]:
        record = (items[item, 0] * plan[EXAMPLES] + items[item, 1]) * plan[ABOUT]
        tabled, grouped = items[item, 0] * plan[TABLES], items[item, 0] * plan[GROUPS]
        signs = tabled + plan[SIGNS]
        layer = max(layer, 0)
        while layer < layers:  # open every layer below with no unit kept
            stride = plan[strides + layer]
            here = plan[own_offsets + layer]
            place = tabled + plan[column_offsets + layer]
            first_row = plan[row_offsets + layer]
            copy_row(space, first_row, stride, tables, tabled + plan[base_offsets + layer])
            scale = numbers[inverse_keep + layer]
            above = 0
            slope = 0.0
            if layer > 0:
                source = counts[sources + (layer - 1) * steps + counts[5 * layer - 4]]
                above = plan[row_offsets + layer - 1] + source * plan[strides + layer - 1]
                slope = numbers[slopes + layer - 1]
            units = 0
            for i in range(plan[widths + layer]):
                if layer == 0:
                    h = about[record + starts + i]
                else:
                    z = space[above + i]
                    h = z if z > 0.0 else slope * z
                scale_row(space, here + units * stride, stride, tables, place + i * stride, h * scale)
                if plan[dropped + layer] == 0:
                    add_rows(space, first_row, stride, space, first_row, space, here)
                else:
                    units += h != 0.0
                    if units > most:
                        return TOO_MANY_UNITS
            fixed = items[item, 2] if layer == 0 else 0
            for unit in range(fixed):
                if (items[item, 3] >> (fixed - 1 - unit)) & 1:
                    add_rows(space, first_row, stride, space, first_row, space, here + unit * stride)
            low = 0
            mid = 0
            if layer == last:
                low = min(LOW, units - fixed)
                mid = min(MIDDLE, units - fixed - low)
                top = here + (units - low) * stride
                one = top if low > 0 else zero
                second = top + stride if low > 1 else zero
                third = top + 2 * stride if low > 2 else zero
                lane_table(table, space, one, second, third, stride)
            walked = units - fixed - low - mid
            counts[5 * layer] = 0
            counts[5 * layer + 1] = walked
            counts[5 * layer + 2] = fixed
            counts[5 * layer + 3] = mid
            counts[5 * layer + 4] = low
            for position in range(walked + 1):
                counts[sources + layer * steps + position] = 0
            layer += 1
        walked, mid, low = counts[5 * last + 1], counts[5 * last + 3], counts[5 * last + 4]
        stride = plan[strides + last]
        row = plan[row_offsets + last] + counts[sources + last * steps + walked] * stride
        unit = plan[own_offsets + last] + (counts[5 * last + 2] + walked) * stride
        copy_row(sums, 0, stride, space, row)
        for bit in range(mid):
            double_rows(sums, 1 << bit, stride, space, unit)
            unit += stride
        slope = numbers[slopes + last]
        relu = slope == 0.0
        w = middle + (mid << MIDDLE)
        even = numbers[keep + last] == 0.5 and numbers[drop + last] == 0.5
        for o in range(outputs):
            place, count = groups[grouped + 2 * o], groups[grouped + 2 * o + 1]
            sign = signs + place
            c = about[record + constants + o]
            t = LANES * place
            if mid < 2:
                for h in range(w, w + (1 << mid)):
                    panel_1(
                        table, t, sums, place, stride, tables, sign, count, c, slope, relu, False, numbers, h, totals, 0
                    )
                    place += stride
            else:
                alike = even and count <= LANES
                for h in range(w, w + (1 << mid), 4):
                    panel_4(
                        table, t, sums, place, stride, tables, sign, count, c, slope, relu, alike, numbers, h, totals, 0
                    )
                    place += 4 * stride
                if alike:  # four sums of squares, and what all masks have in common
                    add_rows(totals, 2 * LANES, 2 * LANES, totals, 2 * LANES, totals, 4 * LANES)
                    add_rows(totals, 2 * LANES, LANES, totals, 2 * LANES, totals, 3 * LANES)
                    scale_row(totals, 0, 3 * LANES, totals, 0, numbers[w])
                    for k in range(3 * LANES, 6 * LANES):
                        totals[k] = 0.0
            fold_lanes(space, folds + LANES * o, totals, numbers, lanes + LANES * low)
        visited += 1 << (mid + low)
        layer = last
        while layer >= 0:  # fold finished subtrees, up to the first unit that is still to be kept
            count, units = counts[5 * layer], counts[5 * layer + 1]
            place = plan[fold_offsets + layer]
            bit = 0
            while (count >> bit) & 1:
                mix_rows(
                    space, folds, size, space, place + bit * size, space, folds,
                    numbers[drop + layer], numbers[keep + layer],
                )  # fmt: skip
                bit += 1
            if bit < units:
                copy_row(space, place + bit * size, size, space, folds)
                stride = plan[strides + layer]
                position = units - 1 - bit
                source = plan[row_offsets + layer] + counts[sources + layer * steps + position] * stride
                target = plan[row_offsets + layer] + (position + 1) * stride
                unit = plan[own_offsets + layer] + (counts[5 * layer + 2] + position) * stride
                add_rows(space, target, stride, space, source, space, unit)
                for later in range(position + 1, units + 1):
                    counts[sources + layer * steps + later] = position + 1
                counts[5 * layer] = count + 1
                break
            layer -= 1
        if layer < 0:
            copy_row(results, item * size, size, space, folds)
            item += 1
        else:
            layer += 1
        if visited >= budget:
            break
    state[0] = item
    state[1] = layer
    return DONE if item >= items.shape[0] else INTERRUPTED
