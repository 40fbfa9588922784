"""The table kernel: all masks of one layer, contiguous adds and maxima over a table of partial pre-activations.

For a network whose only walked layer feeds the last hidden layer, and one output o, put a_j = w_oj(1 − slope). With
φ(z) = slope·z + (1 − slope)·max(z, 0),

    g = f − c = (b − c) + Σ_j w_oj·slope·z_j + Σ_j sign(a_j) max(|a_j| z_j, 0).

Split the mask bits into low ones (a table T of 2⁸ partial sums for each unit, scaled by |a_j|) and high ones (partial
sums Z): max(T + Z, 0) = max(T, −Z) + Z, so one mask and unit cost one maximum and one addition, and the Z are added
once per high mask. Rows of units come in groups of four with one sign, filled up with rows of zeros, which add
max(0, −0) = 0.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.compiled import compiled

__all__ = ["GROUP", "HIGH_BITS", "LOW_BITS", "table_items", "table_reference", "table_sums"]

LOW_BITS = 8
HIGH_BITS = 6
GROUP = 4


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
def subsets(
    columns: Array,
    linear: Array,
    begin: Any,
    count: Any,
    keep: float,
    drop: float,
    table: Array,
    line: Array,
    weights: Array,
) -> None:
    """Fill rows table[:, s], line[s], weights[s] for all subsets s of ``count`` units, by doubling."""
    rows = table.shape[0]
    line[0] = 0.0
    weights[0] = 1.0
    for r in range(rows):
        table[r, 0] = 0.0
    size = 1
    for unit in range(begin, begin + count):
        for r in range(rows):
            u = columns[unit, r]
            for s in range(size):
                table[r, size + s] = table[r, s] + u
        u = linear[unit]
        for s in range(size):
            line[size + s] = line[s] + u
            weights[size + s] = weights[s] * keep
            weights[s] = weights[s] * drop
        size *= 2


@compiled
def add_group(table: Array, row: Any, a: float, b: float, c: float, d: float, width: Any, sums: Array) -> None:
    """Add max(T, ·) of four rows of a positive group."""
    for l in range(width):
        p = table[row, l]
        q = table[row + 1, l]
        r = table[row + 2, l]
        s = table[row + 3, l]
        sums[l] += ((p if p > a else a) + (q if q > b else b)) + ((r if r > c else c) + (s if s > d else d))


@compiled
def subtract_group(table: Array, row: Any, a: float, b: float, c: float, d: float, width: Any, sums: Array) -> None:
    """Subtract max(T, ·) of four rows of a negative group."""
    for l in range(width):
        p = table[row, l]
        q = table[row + 1, l]
        r = table[row + 2, l]
        s = table[row + 3, l]
        sums[l] -= ((p if p > a else a) + (q if q > b else b)) + ((r if r > c else c) + (s if s > d else d))


@compiled
def table_sums(
    columns: Array,
    linear: Array,
    base: Array,
    units: Any,
    prefix: Any,
    bits: Any,
    positive: Any,
    start: Any,
    residual: Any,
    keep: float,
    drop: float,
    low: Array,
    low_line: Array,
    low_weights: Array,
    high: Array,
    high_line: Array,
    high_weights: Array,
    lanes: Array,
    folds: Array,
    z: Array,
    result: Array,
) -> None:
    """Write E g, E g², E (g + residual)² over the masks of all but the first ``bits`` units, fixed by ``prefix``.

    ``columns`` (units × rows), ``base`` and ``linear`` are scaled; the first ``positive`` rows have sign +1. ``lanes``
    is workspace of shape (4, 2^LOW_BITS).
    """
    rows = base.shape[0]
    low_count = min(LOW_BITS, units - bits)
    high_count = min(HIGH_BITS, units - bits - low_count)
    outer = units - bits - low_count - high_count
    width = 1 << low_count
    subsets(columns, linear, units - low_count, low_count, keep, drop, low, low_line, low_weights)
    subsets(columns, linear, units - low_count - high_count, high_count, keep, drop, high, high_line, high_weights)
    sums, firsts, seconds, squares = lanes[0], lanes[1], lanes[2], lanes[3]
    for block in range(1 << outer):
        line = start
        for r in range(rows):
            z[r] = base[r]
        for unit in range(bits + outer):
            kept = (prefix >> (bits - 1 - unit)) & 1 if unit < bits else (block >> (bits + outer - 1 - unit)) & 1
            if kept:
                line += linear[unit]
                for r in range(rows):
                    z[r] += columns[unit, r]
        for l in range(width):
            firsts[l] = 0.0
            seconds[l] = 0.0
            squares[l] = 0.0
        for h in range(1 << high_count):
            constant = line + high_line[h]
            for r in range(positive):
                constant += z[r] + high[r, h]
            for r in range(positive, rows):
                constant -= z[r] + high[r, h]
            for l in range(width):
                sums[l] = low_line[l] + constant
            for row in range(0, positive, GROUP):
                add_group(
                    low,
                    row,
                    -(z[row] + high[row, h]),
                    -(z[row + 1] + high[row + 1, h]),
                    -(z[row + 2] + high[row + 2, h]),
                    -(z[row + 3] + high[row + 3, h]),
                    width,
                    sums,
                )
            for row in range(positive, rows, GROUP):
                subtract_group(
                    low,
                    row,
                    -(z[row] + high[row, h]),
                    -(z[row + 1] + high[row + 1, h]),
                    -(z[row + 2] + high[row + 2, h]),
                    -(z[row + 3] + high[row + 3, h]),
                    width,
                    sums,
                )
            weight = high_weights[h]
            for l in range(width):
                g = sums[l]
                r = g + residual
                firsts[l] += weight * g
                seconds[l] += weight * (g * g)
                squares[l] += weight * (r * r)
        half = width >> 1
        while half > 0:  # the low units, folded from the last one down
            for l in range(half):
                firsts[l] = drop * firsts[l] + keep * firsts[half + l]
                seconds[l] = drop * seconds[l] + keep * seconds[half + l]
                squares[l] = drop * squares[l] + keep * squares[half + l]
            half >>= 1
        a = firsts[0]
        b = seconds[0]
        c = squares[0]
        bit = 0
        while (block >> bit) & 1:
            a = drop * folds[bit, 0] + keep * a
            b = drop * folds[bit, 1] + keep * b
            c = drop * folds[bit, 2] + keep * c
            bit += 1
        folds[bit, 0] = a
        folds[bit, 1] = b
        folds[bit, 2] = c
    result[0] = a
    result[1] = b
    result[2] = c


@compiled
def table_items(
    columns: Array,
    linear: Array,
    bases: Array,
    units: Array,
    positive: Array,
    starts: Array,
    residuals: Array,
    keep: float,
    drop: float,
    items: Array,
    begin: int,
    results: Array,
    low: Array,
    low_line: Array,
    low_weights: Array,
    high: Array,
    high_line: Array,
    high_weights: Array,
    lanes: Array,
    folds: Array,
    z: Array,
    budget: float,
) -> int:
    """Run :func:`table_sums` for items (example, output, bits, prefix) from ``begin`` until ``budget`` masks are done.

    Returns the next item. ``columns`` has shape (examples, outputs, units, rows).
    """
    done = 0.0
    item = begin
    while item < items.shape[0] and done < budget:
        e, o = items[item, 0], items[item, 1]
        table_sums(
            columns[e, o],
            linear[e, o],
            bases[o],
            units[e],
            items[item, 3],
            items[item, 2],
            positive[o],
            starts[e, o],
            residuals[e, o],
            keep,
            drop,
            low,
            low_line,
            low_weights,
            high,
            high_line,
            high_weights,
            lanes,
            folds,
            z,
            results[item],
        )
        done += 2.0 ** (units[e] - items[item, 2])
        item += 1
    return item
