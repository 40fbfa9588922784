"""The table kernel: all masks of one layer, contiguous adds and maxima over a table of partial pre-activations.

For a network whose only walked layer feeds the last hidden layer, and one output o, put a_j = w_oj(1 − slope). With
φ(z) = slope·z + (1 − slope)·max(z, 0),

    g = f − c = (b − c) + Σ_j w_oj·slope·z_j + Σ_j sign(a_j) max(|a_j| z_j, 0).

Split the mask bits into low ones (a table T of 2⁸ partial sums for each unit, scaled by |a_j|) and high ones (partial
sums Z): max(T + Z, 0) = max(T, −Z) + Z, so one mask and unit cost one maximum and one addition, and the Z are added
once per high mask. Only g² is summed here; everything else is a matter of one unit at a time (:mod:`.subset_sums`).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.aligned import aligned
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.maximum_panel import maximum_panel, negated_sum
from exactdropout.numeric.kernels.simd.panels import add_rows, copy_row
from exactdropout.numeric.kernels.simd.vectors import ROWS

__all__ = ["HIGH_BITS", "LOW_BITS", "subsets", "table_items", "table_reference", "table_sums"]

LOW_BITS = 8
HIGH_BITS = 6
LEAST_WIDTH = 32


def table_reference(columns: Array, base: Array, signs: Array, linear: Array, start: float, keep: float) -> Array:
    """Return E g and E g² by a loop over all masks; the arguments are those of one item of :func:`table_sums`.

    ``columns`` (units × rows) are what each unit adds to the scaled pre-activations, ``base`` what they begin with.
    """
    first = second = 0.0
    for mask in itertools.product((0, 1), repeat=len(columns)):
        kept = np.array(mask, dtype=float)
        z = base + kept @ columns
        g = start + kept @ linear + np.sum(signs * np.maximum(z, 0.0))
        weight = keep ** kept.sum() * (1 - keep) ** (len(kept) - kept.sum())
        first, second = first + weight * g, second + weight * g * g
    return np.array([first, second])


@compiled
def subsets(columns: Array, begin: Any, count: Any, table: Array, width: Any, lanes_first: bool) -> None:
    """Write the sums of the columns over all subsets s of ``count`` units from ``begin``, by doubling.

    Entry r of subset s stands at r·width + s where ``lanes_first``, else at s·width + r; ``table`` is 0 elsewhere.
    """
    rows = columns.shape[1]
    across, along = (1, width) if lanes_first else (width, 1)
    for unit in range(count):
        size = 1 << unit
        for s in range(size):
            for r in range(rows):
                before = table[r * along + s * across]
                table[r * along + (size + s) * across] = before + columns[begin + unit, r]


@compiled
def subset_weights(count: Any, keep: float, drop: float, weights: Array) -> None:
    """Write the probabilities of all subsets of ``count`` units, by doubling."""
    weights[0] = 1.0
    for unit in range(count):
        size = 1 << unit
        for s in range(size):
            weights[size + s] = weights[s] * keep
            weights[s] *= drop


@compiled
def table_sums(
    columns: Array,
    linear: Array,
    base: Array,
    units: Any,
    prefix: Any,
    bits: Any,
    positive: Any,
    rows: Any,
    start: Any,
    keep: float,
    drop: float,
) -> float:
    """Return E g² over the masks of all but the first ``bits`` units, which are fixed by ``prefix``.

    ``columns`` (units × whole vectors), ``base`` and ``linear`` are scaled; of ``rows`` rows the first ``positive``
    have sign +1.
    """
    stride = base.shape[0]
    low_count = min(LOW_BITS, units - bits)
    high_count = min(HIGH_BITS, units - bits - low_count)
    outer = units - bits - low_count - high_count
    width = max(LEAST_WIDTH, 1 << low_count)
    masks = max(4, 1 << high_count)
    low, high = aligned(stride * width), aligned(masks * stride)
    line, high_line = np.zeros((width, 1)), np.zeros((masks, 1))
    weights, seconds = np.zeros(masks), aligned(width)
    slanted = linear.reshape(-1, 1)
    subsets(columns, units - low_count, low_count, low, width, True)
    subsets(columns, units - low_count - high_count, high_count, high, stride, False)
    subsets(slanted, units - low_count, low_count, line.reshape(-1), 1, False)
    subsets(slanted, units - low_count - high_count, high_count, high_line.reshape(-1), 1, False)
    subset_weights(high_count, keep, drop, weights)
    weighted = keep != drop or high_count < 2
    lined = False
    for unit in range(units):
        lined = lined or linear[unit] != 0.0
    along = line.reshape(-1)
    signs, z, negated = aligned(stride), aligned(stride), aligned(4 * stride)
    zeros, below = aligned(stride), aligned(stride)
    for r in range(rows):
        signs[r] = 1.0 if r < positive else -1.0
    whole = (rows + ROWS - 1) // ROWS * ROWS
    constants, sums = np.zeros(4), np.zeros(masks)
    for h in range(masks):  # the sum of each high row, which is negated here, once for all blocks
        sums[h] = high_line[h, 0] + negated_sum(high, h * stride, stride, zeros, 0, high, h * stride, signs)
    folds = np.zeros(outer + 1)
    flat = columns.reshape(-1)
    value = 0.0
    for block in range(1 << outer):
        level = start
        copy_row(z, 0, stride, base, 0)
        for unit in range(bits + outer):
            kept = (prefix >> (bits - 1 - unit)) & 1 if unit < bits else (block >> (bits + outer - 1 - unit)) & 1
            if kept:
                level += linear[unit]
                add_rows(z, 0, stride, z, 0, flat, unit * stride)
        level += negated_sum(below, 0, stride, z, 0, zeros, 0, signs)
        for lane in range(width):
            seconds[lane] = 0.0
        for first in range(0, masks, 4):
            for h in range(4):
                add_rows(negated, h * stride, stride, below, 0, high, (first + h) * stride)
                constants[h] = level + sums[first + h]
            maximum_panel(
                low, width, negated, stride, signs, whole, constants, along, lined, weights, first, weighted, seconds
            )
        size = 1 << low_count
        while size > 1:  # the low units, folded from the last one down
            size >>= 1
            for lane in range(size):
                seconds[lane] = drop * seconds[lane] + keep * seconds[size + lane]
        value = seconds[0]
        if not weighted:
            value *= 1.0 / masks  # a power of 2
        bit = 0
        while (block >> bit) & 1:
            value = drop * folds[bit] + keep * value
            bit += 1
        folds[bit] = value
    return value


@compiled
def table_items(
    columns: Array,
    linear: Array,
    bases: Array,
    units: Array,
    positive: Array,
    rows: Array,
    starts: Array,
    keep: float,
    drop: float,
    items: Array,
    begin: int,
    results: Array,
    budget: float,
) -> int:
    """Run :func:`table_sums` for items (example, output, bits, prefix) from ``begin`` until ``budget`` masks are done.

    Returns the next item. ``columns`` has shape (examples, outputs, units, whole vectors).
    """
    done = 0.0
    item = begin
    while item < items.shape[0] and done < budget:
        e, o, bits = items[item, 0], items[item, 1], items[item, 2]
        results[item, 0] = table_sums(
            columns[e, o], linear[e, o], bases[o], units[e], items[item, 3], bits, positive[o], rows[o], starts[e, o],
            keep, drop,
        )  # fmt: skip
        done += 2.0 ** (units[e] - bits)
        item += 1
    return item
