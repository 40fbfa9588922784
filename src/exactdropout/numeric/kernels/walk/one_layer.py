"""The walk of one layer of masks below the last: blocks of masks in which most units keep one sign.

With relu, the masks of the units that change least are a table, and of each row of the other units' masks
:mod:`exactdropout.numeric.kernels.simd.decided` takes the whole block at once: units whose sign does not change in it
are linear there. The rows are 64 at a time, sums of a table by doubling; what is above them is walked depth first and
folded, as in :mod:`.walk`. :func:`~.walk.block_reference` is the plain loop.
"""

from __future__ import annotations

from typing import Any

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.decided import FOUR, PLACES, block_row, signed_row
from exactdropout.numeric.kernels.simd.panels import (
    LANES,
    add_rows,
    copy_row,
    double_rows,
    mix_rows,
    scale_row,
)
from exactdropout.numeric.kernels.walk.layout import (
    ABOUT,
    BASES,
    BLOCK,
    COLUMNS,
    DEPTH,
    EXAMPLES,
    FIRST,
    GROUPS,
    HEADER,
    MASKS,
    MIDDLE,
    MIDDLE_WEIGHTS,
    MOST,
    OUTPUTS,
    SIGNS,
    STRIDES,
    TABLES,
    WIDTHS,
)
from exactdropout.numeric.kernels.walk.walk import DONE, INTERRUPTED, TOO_MANY_UNITS

__all__ = ["block_units", "walk_one_layer"]

SETS = 1 << FOUR


@subroutine
def block_units(units: Any) -> Any:
    """Return how many of so many units are the table's: a table that is not used often is not worth its making."""
    return min(units, max(3, min(BLOCK, units - 6)))


@subroutine
def ordered_units(counts: Array, order: Any, units: Any, space: Array, stride: Any) -> None:
    """Order the scaled columns by their sizes, largest first: ``counts`` gets where each begins, from ``order`` on."""
    for unit in range(units):
        counts[order + unit] = unit * stride
    sizes = space[units * stride :]
    for unit in range(units):
        size = 0.0
        for j in range(unit * stride, unit * stride + stride):
            size += abs(space[j])
        place = unit
        while place > 0 and sizes[place - 1] < size:
            sizes[place] = sizes[place - 1]
            counts[order + place] = counts[order + place - 1]
            place -= 1
        sizes[place] = size
        counts[order + place] = unit * stride


@subroutine
def block_tables(
    space: Array, counts: Array, at: Any, lows: Any, low: Any, tables: Array, sign: Any, keep: float, drop: float
) -> None:
    """Write the table of a block and what :data:`~.simd.decided.PLACES` describes: extremes, moments, sets, chances.

    ``low`` units, whose columns begin where ``counts`` says from ``lows`` on.
    """
    about, stride, table, sets, wide, chances = (
        counts[at], counts[at + 1], counts[at + 2], counts[at + 3], counts[at + 4], counts[at + 5],
    )  # fmt: skip
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
            u = space[counts[lows + k] + j]
            for l in range(1 << k):
                space[row + (1 << k) + l] = space[row + l] + u
            least = min(least, least + u)
            largest = max(largest, largest + u)
            mean += keep * u
            variance += (keep * drop) * (u * u)
        space[about + j] = least
        space[about + stride + j] = largest
        space[about + 2 * stride + j] = mean
        space[about + 3 * stride + j] = variance
    for group in range(stride // FOUR):
        begin = sets + group * SETS * wide
        for l in range(wide):
            space[begin + l] = 0.0
        for k in range(FOUR):
            j = group * FOUR + k
            for members in range(1 << k):
                signed_row(
                    space, begin + ((1 << k) + members) * wide, wide, space, begin + members * wide,
                    space, table + j * wide, tables[sign + j],
                )  # fmt: skip


@compiled
def walk_one_layer(
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
    """Do what :func:`~.walk.walk_lanes` does, of one walked layer with relu; the arguments are the same.

    The first units of an item's prefix are those that change most. ``state`` is (item, count), with count −1 before an
    item; :func:`block_space` says how large ``counts`` and ``space`` are.
    """
    layer, outputs, most = plan[FIRST], plan[OUTPUTS], plan[MOST]
    across = plan[DEPTH] + 1
    size = results.shape[1]
    width, stride = plan[HEADER + WIDTHS * across + layer], plan[HEADER + STRIDES * across + layer]
    columns, bases = plan[HEADER + COLUMNS * across + layer], plan[HEADER + BASES * across + layer]
    keep, drop = numbers[plan[MASKS] + layer], numbers[plan[MASKS] + plan[DEPTH] + layer]
    scale = numbers[plan[MASKS] + 2 * plan[DEPTH] + layer]
    starts, constants, middle = 5 * outputs + 1, 2 * outputs, plan[MIDDLE_WEIGHTS]
    sources, order, at = 0, most + 2, 2 * most + 2
    rows = most * stride
    folds = rows + (most + 1) * stride
    sums = folds + (most + 2) * size
    counts[at] = sums + (stride << MIDDLE)
    counts[at + 1] = stride
    counts[at + 7] = at + PLACES
    visited = 0
    item = state[0]
    while item < items.shape[0]:
        tabled, grouped = items[item, 0] * plan[TABLES], items[item, 0] * plan[GROUPS]
        record = (items[item, 0] * plan[EXAMPLES] + items[item, 1]) * plan[ABOUT]
        sign, fixed = tabled + plan[SIGNS], items[item, 2]
        if state[1] < 0:
            units = 0
            for i in range(width):
                h = about[record + starts + i]
                if h != 0.0:
                    if units == most:
                        return TOO_MANY_UNITS
                    scale_row(space, units * stride, stride, tables, tabled + columns + i * stride, h * scale)
                    units += 1
            ordered_units(counts, order, units, space, stride)
            copy_row(space, rows, stride, tables, tabled + bases)
            for unit in range(fixed):
                if (items[item, 3] >> (fixed - 1 - unit)) & 1:
                    add_rows(space, rows, stride, space, rows, space, counts[order + unit])
            low = block_units(units - fixed)
            mid = min(MIDDLE, units - fixed - low)
            walked = units - fixed - low - mid
            wide = max(LANES, 1 << low)
            counts[at + 2] = counts[at] + 4 * stride
            counts[at + 3] = counts[at + 2] + stride * wide
            counts[at + 4] = wide
            counts[at + 5] = counts[at + 3] + stride // FOUR * SETS * wide
            counts[at + 6] = counts[at + 5] + wide
            block_tables(space, counts, at, order + units - low, low, tables, sign, keep, drop)
            for position in range(walked + 1):
                counts[sources + position] = 0
            counts[at - 1] = units
            state[1] = 0
        units = counts[at - 1]
        low = block_units(units - fixed)
        mid = min(MIDDLE, units - fixed - low)
        walked = units - fixed - low - mid
        wide, totals = counts[at + 4], counts[at + 6]
        count = state[1]
        while count >= 0 and visited < budget:
            copy_row(space, sums, stride, space, rows + counts[sources + walked] * stride)
            for bit in range(mid):
                double_rows(space[sums:], 1 << bit, stride, space, counts[order + fixed + walked + bit])
            w = middle + (mid << MIDDLE)
            for o in range(outputs):
                place, many = groups[grouped + 2 * o], groups[grouped + 2 * o + 1]
                c = about[record + constants + o]
                for k in range(4 * LANES):
                    space[totals + k] = 0.0
                for h in range(1 << mid):
                    block_row(space, counts, at, tables, sign, place, many, sums + h * stride, c, numbers[w + h])
                fold = folds + LANES * o
                for k in range(LANES):
                    space[fold + k] = 0.0
                for k in range(4):
                    part = totals + LANES * k
                    total = (space[part] + space[part + 4]) + (space[part + 2] + space[part + 6])
                    total += (space[part + 1] + space[part + 5]) + (space[part + 3] + space[part + 7])
                    space[fold + min(k, 2)] += total
            visited += wide << mid
            bit = 0
            while (count >> bit) & 1:
                mix_rows(space, folds, size, space, folds + (bit + 1) * size, space, folds, drop, keep)
                bit += 1
            if bit >= walked:
                count = -1
                break
            copy_row(space, folds + (bit + 1) * size, size, space, folds)
            position = walked - 1 - bit
            source = rows + counts[sources + position] * stride
            unit = counts[order + fixed + position]
            add_rows(space, rows + (position + 1) * stride, stride, space, source, space, unit)
            for later in range(position + 1, walked + 1):
                counts[sources + later] = position + 1
            count += 1
        state[1] = count
        if count >= 0:
            return INTERRUPTED
        copy_row(results, item * size, size, space, folds)
        item += 1
        state[0] = item
        if visited >= budget:
            break
    return DONE if item >= items.shape[0] else INTERRUPTED
