"""Sums of r·1(z_i > 0) over all masks of one layer and over the masks that keep each unit, from contiguous loops.

One hidden layer, one output o, r = f_o − y_o the residual before the last mask. All of ∂J_D/∂W follows from the
expectations of r·1(z_i > 0) (:mod:`.one_layer` says how), over all masks and given that input u is kept. The
mask bits are split into low ones (tables T_i of 2⁸ partial pre-activations), three middle ones and outer ones, which
add Z_i: z_i = T_i + Z_i is positive where T_i > −Z_i, and max(z_i, 0) = max(T_i, −Z_i) + Z_i, so one mask and unit cost
one maximum and one fused product for r, and one comparison and about two sums for the indicators. Eight middle masks
are taken at once: their masked residuals are added in a tree whose partial sums are those of the middle bits.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.kernels.simd.aligned import aligned
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.residuals import PART, WIDTH, add_eight_where_positive, add_weighted_maxima

__all__ = [
    "LOW_BITS",
    "MIDDLE_BITS",
    "IndicatorSpace",
    "indicator_reference",
    "indicator_space",
    "indicator_sums",
]

LOW_BITS = 8
MIDDLE_BITS = 3
MOST_MIDDLE = 1 << MIDDLE_BITS
LONG = WIDTH + MIDDLE_BITS * PART
GROUP = 4


class IndicatorSpace(NamedTuple):
    """Workspace of :func:`indicator_sums`.

    T_i of the low masks and Z_i of the middle ones, a row for each unit; what is summed, LONG numbers each; r of
    the low masks, a row for each middle one; the probabilities of both; and four rows of numbers for each unit: output
    weight times probability, −Z, −Z of the middle masks of one unit, Z of the outer ones.
    """

    tables: Array
    middles: Array
    sums: Array
    lanes: Array
    block: Array
    low_weights: Array
    middle_weights: Array
    line: Array
    scalars: Array


def indicator_space(below: int) -> IndicatorSpace:
    """Return the workspace for a layer of ``below`` units; vectors begin at cache lines."""
    size, places = _places(below)
    room = aligned(size)
    return IndicatorSpace(*[room[place] for place in places])


@cache
def _places(below: int) -> tuple[int, list[slice]]:
    rows = -(-below // GROUP) * GROUP
    sizes = (
        rows * WIDTH, rows * MOST_MIDDLE, below * LONG, MOST_MIDDLE * WIDTH, WIDTH, WIDTH, MOST_MIDDLE, WIDTH,
        4 * max(rows, MOST_MIDDLE),
    )  # fmt: skip
    ends = itertools.accumulate(sizes)
    return sum(sizes), [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


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


@subroutine
def subset_table(columns: Array, e: Any, begin: Any, count: Any, j: Any, tables: Array, at: Any) -> None:
    """Write the pre-activations of unit j below for all subsets of ``count`` units of example e, by doubling."""
    tables[at] = 0.0
    half = 1
    for unit in range(begin, begin + count):
        u = columns[e, unit, j]
        for s in range(half):
            tables[at + half + s] = tables[at + s] + u
        half *= 2


@subroutine
def subset_weights(count: Any, keep: float, drop: float, weights: Array) -> None:
    """Write the probabilities of all subsets of ``count`` units."""
    weights[0] = 1.0
    size = 1
    for _ in range(count):
        for s in range(size):
            weights[size + s] = weights[s] * keep
            weights[s] = weights[s] * drop
        size *= 2


@subroutine
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
    layer: Layer, active: Active, residuals: Array, items: Array, begin: int, budget: float, space: IndicatorSpace,
    results: Array,
) -> int:  # fmt: skip
    """Write Σ P r 1(z_i > 0) of every output over the masks of each item, for each unit i below.

    An item (example, bits, prefix) is those masks whose first ``bits`` units are as ``prefix`` says. A row of
    ``results`` (items, outputs, units below, 1 + most units) holds the sum over all its masks, then over those that
    keep each unit; ``residuals`` is the outputs' bias minus the label. Begins at row ``begin``, a row for each item and
    output, and returns the next one once ``budget`` masks are done.
    """
    columns, base, output_weights = active.columns, layer.bias, layer.output_weights
    slope, keep, drop = layer.slope, layer.keep, layer.drop
    tables, middles, sums, lanes, block = space.tables, space.middles, space.sums, space.lanes, space.block
    low_weights, middle_weights, line, scalars = space.low_weights, space.middle_weights, space.line, space.scalars
    below, outputs = output_weights.shape[1], output_weights.shape[0]
    wide, padded = scalars.shape[0] // 4, tables.shape[0] // WIDTH
    row, end, done = begin, items.shape[0] * outputs, 0.0
    while row < end and done < budget:
        item, o = row // outputs, row % outputs
        e, bits, prefix = items[item, 0], items[item, 1], items[item, 2]
        units = active.counts[e]
        low_count = min(LOW_BITS, units - bits)
        if LOW_BITS <= units - bits < LOW_BITS + MIDDLE_BITS:  # three middle units are worth more than a long table
            low_count = units - bits - MIDDLE_BITS
        middle_count = min(MIDDLE_BITS, units - bits - low_count)
        outer = units - bits - low_count - middle_count
        first_low, first_middle = units - low_count, units - low_count - middle_count
        width, middle = 1 << low_count, 1 << middle_count
        subset_weights(low_count, keep, drop, low_weights)
        subset_weights(middle_count, keep, drop, middle_weights)
        for i in range(below):
            subset_table(columns, e, first_low, low_count, i, tables, i * WIDTH)
            subset_table(columns, e, first_middle, middle_count, i, middles, i * MOST_MIDDLE)
            for u in range(1 + units):
                results[item, o, i, u] = 0.0
        for l in range(below * LONG):
            sums[l] = 0.0
        if slope != 0.0:
            for l in range(width):
                line[l] = 0.0
            for i in range(below):
                add = output_weights[o, i] * slope
                for l in range(width):
                    line[l] += add * tables[i * WIDTH + l]
        for place in range(1 << outer):
            weight = 1.0
            for i in range(below):
                scalars[3 * wide + i] = base[i]
            for unit in range(bits + outer):
                kept = (prefix >> (bits - 1 - unit)) & 1 if unit < bits else (place >> (bits + outer - 1 - unit)) & 1
                if kept == 1:
                    weight *= keep
                    for i in range(below):
                        scalars[3 * wide + i] += columns[e, unit, i]
                else:
                    weight *= drop
            for c in range(middle):
                factor = weight * middle_weights[c]
                constant = residuals[e, o]
                for i in range(below):
                    z = scalars[3 * wide + i] + middles[i * MOST_MIDDLE + c]
                    constant += output_weights[o, i] * z
                    scalars[wide + i] = -z
                    scalars[i] = factor * (output_weights[o, i] * (1.0 - slope))
                constant *= factor
                for l in range(c * WIDTH, c * WIDTH + width):
                    lanes[l] = constant
                if slope != 0.0:
                    for l in range(width):
                        lanes[c * WIDTH + l] += factor * line[l]
                add_weighted_maxima(lanes, c * WIDTH, width, tables, WIDTH, scalars, wide, padded)
            for i in range(below):
                for c in range(middle):
                    scalars[2 * wide + c] = -(scalars[3 * wide + i] + middles[i * MOST_MIDDLE + c])
                if middle_count == MIDDLE_BITS:
                    add_eight_where_positive(
                        tables, i * WIDTH, width, lanes, scalars, 2 * wide, low_weights, sums, i * LONG, block
                    )
                    if outer > 0:
                        total = halved(block, width)
                        for unit in range(bits, bits + outer):
                            if (place >> (bits + outer - 1 - unit)) & 1:
                                results[item, o, i, 1 + unit] += total
                else:
                    for c in range(middle):
                        limit = scalars[2 * wide + c]
                        for l in range(width):
                            value = lanes[c * WIDTH + l] if tables[i * WIDTH + l] > limit else 0.0
                            sums[i * LONG + l] += value
                            block[l] = value * low_weights[l]
                        total = halved(block, width)
                        for bit in range(middle_count):
                            if (c >> bit) & 1:
                                results[item, o, i, 1 + first_middle + bit] += total
        for i in range(below):
            own = i * LONG
            for l in range(width):
                sums[own + l] *= low_weights[l]
            if middle_count == MIDDLE_BITS:
                for bit in range(MIDDLE_BITS):
                    for l in range(PART):
                        block[l] = sums[own + WIDTH + bit * PART + l]
                    results[item, o, i, 1 + first_middle + bit] = halved(block, PART)
            half = width >> 1
            for bit in range(low_count):
                for l in range(half):
                    block[l] = sums[own + half + l]
                    sums[own + l] += sums[own + half + l]
                results[item, o, i, units - bit] = halved(block, half)
                half >>= 1
            results[item, o, i, 0] = sums[own]
            for unit in range(bits):
                if (prefix >> (bits - 1 - unit)) & 1:
                    results[item, o, i, 1 + unit] = sums[own]
        done += 2.0 ** (units - bits)
        row += 1
    return row
