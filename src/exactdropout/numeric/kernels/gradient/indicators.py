"""Sums of r·1(z_i > 0) over all masks of one layer and over the masks that keep each unit, from contiguous loops.

One hidden layer, one output o, r = f_o − y_o the residual before the last mask. All of ∂J_D/∂W follows from the
expectations of r·1(z_i > 0) (kernels/gradient_layer.py says how), over all masks and given that input u is kept. The
mask bits are split into low ones (tables T_i of 2⁸ partial pre-activations), three middle ones and outer ones, which
add Z_i: z_i = T_i + Z_i is positive where T_i > −Z_i, and max(z_i, 0) = max(T_i, −Z_i) + Z_i, so one mask and unit cost
one maximum and one fused product for r, and one comparison and about two sums for the indicators. Eight middle masks
are taken at once: their masked residuals are added in a tree whose partial sums are those of the middle bits.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.aligned import aligned
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.residuals import PART, WIDTH, add_eight_where_positive, add_weighted_maxima

__all__ = ["LOW_BITS", "MIDDLE_BITS", "indicator_items", "indicator_reference", "indicator_sums", "workspace"]

LOW_BITS = 8
MIDDLE_BITS = 3
GROUP = 4


def indicator_reference(
    columns: Array, base: Array, slope: float, weights: Array, residual: float, keep: float
) -> tuple[Array, Array]:
    """Return Σ P r 1(z_i > 0) over all masks, shape (units below,), and over those that keep u, (units below, units).

    A plain loop: ``columns`` (units × units below) are what each unit adds to the pre-activations ``base``, ``weights``
    the output's, ``residual`` its bias minus the label.
    """
    units, below = columns.shape
    total, kept_sums = np.zeros(below), np.zeros((below, units))
    for mask in itertools.product((0, 1), repeat=units):
        kept = np.array(mask, dtype=float)
        z = base + kept @ columns
        r = residual + weights @ np.where(z > 0, z, slope * z)
        term = keep ** kept.sum() * (1 - keep) ** (units - kept.sum()) * r * (z > 0)
        total += term
        kept_sums += term[:, None] * kept
    return total, kept_sums


@compiled
def workspace(below: int) -> tuple[Any, ...]:
    """Return the workspace of :func:`indicator_sums` for a layer of ``below`` units; vectors begin at cache lines."""
    groups = (below + GROUP - 1) // GROUP
    middle = 1 << MIDDLE_BITS
    long = WIDTH + MIDDLE_BITS * PART
    wide = max(GROUP * groups, middle)
    return (
        aligned(groups * GROUP * WIDTH).reshape((groups, GROUP * WIDTH)),
        aligned(groups * GROUP * middle).reshape((groups, GROUP * middle)),
        aligned(below * long).reshape((below, long)),
        aligned(middle * WIDTH).reshape((middle, WIDTH)),
        aligned(WIDTH),
        aligned(WIDTH),
        aligned(middle),
        aligned(WIDTH),
        aligned(4 * wide).reshape((4, wide)),
    )


@compiled
def subset_table(columns: Array, begin: Any, count: Any, j: Any, tables: Array, size: Any) -> None:
    """Write the partial pre-activations of unit j below for all subsets of ``count`` units, by doubling."""
    row, at = j // GROUP, (j % GROUP) * size
    tables[row, at] = 0.0
    half = 1
    for unit in range(begin, begin + count):
        u = columns[unit, j]
        for s in range(half):
            tables[row, at + half + s] = tables[row, at + s] + u
        half *= 2


@compiled
def subset_weights(count: Any, keep: float, drop: float, weights: Array) -> None:
    """Write the probabilities of all subsets of ``count`` units."""
    weights[0] = 1.0
    size = 1
    for _ in range(count):
        for s in range(size):
            weights[size + s] = weights[s] * keep
            weights[s] = weights[s] * drop
        size *= 2


@compiled
def add_where_positive(
    tables: Array, i: Any, lanes: Array, lane: Any, width: Any, limit: Any, sums: Array, block: Array
) -> None:
    """Write r·1(T > limit) of one middle mask to ``block`` and add it to the sums of unit i."""
    group, at = i // GROUP, (i % GROUP) * WIDTH
    for l in range(width):
        value = lanes[lane, l] if tables[group, at + l] > limit else 0.0
        sums[i, l] += value
        block[l] = value


@compiled
def halved(block: Array, width: Any) -> float:
    """Return the sum of ``width`` (a power of 2) values by halving; they are overwritten."""
    half = width >> 1
    while half > 0:
        for l in range(half):
            block[l] += block[half + l]
        half >>= 1
    return float(block[0])


@compiled
def indicator_sums(
    columns: Array,
    base: Array,
    units: Any,
    bits: Any,
    prefix: Any,
    slope: Any,
    weights: Array,
    residual: Any,
    keep: float,
    drop: float,
    tables: Array,
    middles: Array,
    sums: Array,
    lanes: Array,
    block: Array,
    low_weights: Array,
    middle_weights: Array,
    line: Array,
    scalars: Array,
    result: Array,
) -> None:
    """Write Σ P r 1(z_i > 0) over the masks whose first ``bits`` units are as ``prefix`` says, for each unit i below.

    ``result`` (units below × 1 + most units) holds the sum over all these masks, then over those that keep each unit.
    The workspace from ``tables`` on is that of :func:`workspace`; rows of ``scalars``: output weight times probability,
    −Z, −Z of the middle masks of one unit, Z of the outer bits.
    """
    below = base.shape[0]
    groups = tables.shape[0]
    low_count = min(LOW_BITS, units - bits)
    middle_count = min(MIDDLE_BITS, units - bits - low_count)
    outer = units - bits - low_count - middle_count
    first_low, first_middle = units - low_count, units - low_count - middle_count
    width, middle = 1 << low_count, 1 << middle_count
    flat_lanes, flat_tables, flat_scalars = lanes.reshape(-1), tables.reshape(-1), scalars.reshape(-1)
    flat_sums = sums.reshape(-1)
    subset_weights(low_count, keep, drop, low_weights)
    subset_weights(middle_count, keep, drop, middle_weights)
    for i in range(below):
        subset_table(columns, first_low, low_count, i, tables, WIDTH)
        subset_table(columns, first_middle, middle_count, i, middles, 1 << MIDDLE_BITS)
        for l in range(WIDTH + MIDDLE_BITS * PART):
            sums[i, l] = 0.0
        for u in range(1 + units):
            result[i, u] = 0.0
    if slope != 0.0:
        for l in range(width):
            line[l] = 0.0
        for i in range(below):
            add = weights[i] * slope
            for l in range(width):
                line[l] += add * tables[i // GROUP, (i % GROUP) * WIDTH + l]
    for place in range(1 << outer):
        weight = 1.0
        for i in range(below):
            scalars[3, i] = base[i]
        for unit in range(bits + outer):
            kept = (prefix >> (bits - 1 - unit)) & 1 if unit < bits else (place >> (bits + outer - 1 - unit)) & 1
            if kept == 1:
                weight *= keep
                for i in range(below):
                    scalars[3, i] += columns[unit, i]
            else:
                weight *= drop
        for c in range(middle):
            factor = weight * middle_weights[c]
            constant = residual
            for i in range(below):
                z = scalars[3, i] + middles[i // GROUP, (i % GROUP) * 8 + c]
                constant += weights[i] * z
                scalars[1, i] = -z
                scalars[0, i] = factor * (weights[i] * (1.0 - slope))
            constant *= factor
            for l in range(width):
                lanes[c, l] = constant
            if slope != 0.0:
                for l in range(width):
                    lanes[c, l] += factor * line[l]
            add_weighted_maxima(
                flat_lanes, c * WIDTH, width, flat_tables, WIDTH, flat_scalars, scalars.shape[1], GROUP * groups
            )
        for i in range(below):
            for c in range(middle):
                scalars[2, c] = -(scalars[3, i] + middles[i // GROUP, (i % GROUP) * 8 + c])
            if middle_count == MIDDLE_BITS:
                add_eight_where_positive(
                    flat_tables, i * WIDTH, flat_lanes, flat_scalars, 2 * scalars.shape[1], low_weights,
                    flat_sums, i * sums.shape[1], block,
                )  # fmt: skip
                if outer > 0:
                    total = halved(block, width)
                    for unit in range(bits, bits + outer):
                        if (place >> (bits + outer - 1 - unit)) & 1:
                            result[i, 1 + unit] += total
            else:
                for c in range(middle):
                    add_where_positive(tables, i, lanes, c, width, scalars[2, c], sums, block)
                    for l in range(width):
                        block[l] *= low_weights[l]
                    total = halved(block, width)
                    for bit in range(middle_count):
                        if (c >> bit) & 1:
                            result[i, 1 + first_middle + bit] += total
    for i in range(below):
        for l in range(width):
            sums[i, l] *= low_weights[l]
        if middle_count == MIDDLE_BITS:
            for bit in range(MIDDLE_BITS):
                for l in range(PART):
                    block[l] = sums[i, WIDTH + bit * PART + l]
                result[i, 1 + first_middle + bit] = halved(block, PART)
        half = width >> 1
        for bit in range(low_count):
            for l in range(half):
                block[l] = sums[i, half + l]
                sums[i, l] += sums[i, half + l]
            result[i, units - bit] = halved(block, half)
            half >>= 1
        result[i, 0] = sums[i, 0]
        for unit in range(bits):
            if (prefix >> (bits - 1 - unit)) & 1:
                result[i, 1 + unit] = sums[i, 0]


@compiled
def indicator_items(
    columns: Array,
    counts: Array,
    base: Array,
    slope: float,
    weights: Array,
    residuals: Array,
    keep: float,
    drop: float,
    items: Array,
    begin: int,
    budget: float,
    results: Array,
) -> int:
    """Run :func:`indicator_sums` for items (example, bits, prefix) and all outputs until ``budget`` masks are done.

    Returns the next item. ``columns`` has shape (examples, most units, units below), ``results`` (items, outputs,
    units below, 1 + most units).
    """
    tables, middles, sums, lanes, block, low_weights, middle_weights, line, scalars = workspace(base.shape[0])
    done = 0.0
    item = begin
    while item < items.shape[0] and done < budget:
        e, bits = items[item, 0], items[item, 1]
        for o in range(weights.shape[0]):
            indicator_sums(
                columns[e], base, counts[e], bits, items[item, 2], slope, weights[o], residuals[e, o], keep, drop,
                tables, middles, sums, lanes, block, low_weights, middle_weights, line, scalars, results[item, o],
            )  # fmt: skip
            done += 2.0 ** (counts[e] - bits)
        item += 1
    return item
