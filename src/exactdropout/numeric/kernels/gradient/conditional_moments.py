"""Conditional moments of one unit in 2^(k/2) steps: E max(z, 0) and E max(z, 0) given that input u is kept.

The mask bits are split in two halves of subset sums α and β, each sorted with its masks beside it. For one α,
E(max(α + β, 0) | α) = α S₀ + S₁ with S_k = Σ_{β > −α} P_β β^k, a suffix of the sorted β; summed over the α that keep u
it gives the expectation given u, by halving over the bits. The β that keep u come from the same pass the other way
round.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["BLOCK", "conditional_moments", "conditional_reference", "near_probability", "sorted_masks"]

BLOCK = 64
"""Running sums begin anew every 64 terms, so that 2^k terms meet 64 + 2^k/64 roundings."""


def conditional_reference(column: Array, base: float, keep: float) -> Array:
    """Return Σ P max(z, 0) over all masks, then over those that keep each unit, by a plain loop."""
    result = np.zeros(1 + len(column))
    for mask in itertools.product((0, 1), repeat=len(column)):
        kept = np.array(mask, dtype=float)
        p = keep ** kept.sum() * (1 - keep) ** (len(kept) - kept.sum())
        result += p * max(base + kept @ column, 0.0) * np.array([1.0, *kept])
    return result


@compiled
def sorted_masks(columns: Array, begin: Any, end: Any, j: Any, start: float, values: Array, masks: Array) -> int:
    """Write all subset sums of units begin…end of column j plus ``start``, ascending, and their masks.

    Bit b of a mask is unit begin + b. Each unit merges the list with its own shifted copy, from both ends. The result
    is in the row that is returned.
    """
    here = 0
    values[0, 0] = start
    masks[0, 0] = 0
    size = 1
    for unit in range(begin, end):
        u = columns[unit, j]
        bit = 1 << (unit - begin)
        there = 1 - here
        a = 0
        b = 0
        c = size - 1
        d = size - 1
        for k in range(size):  # the smallest k and the largest k of 2·size values, without a branch
            x = values[here, a]
            y = values[here, b] + u
            first = x <= y
            values[there, k] = x if first else y
            masks[there, k] = masks[here, a] if first else masks[here, b] | bit
            a += 1 if first else 0
            b += 0 if first else 1
            x = values[here, c]
            y = values[here, d] + u
            second = x <= y
            values[there, 2 * size - 1 - k] = y if second else x
            masks[there, 2 * size - 1 - k] = masks[here, d] | bit if second else masks[here, c]
            c -= 0 if second else 1
            d -= 1 if second else 0
        size *= 2
        here = there
    return here


@compiled
def suffix_sums(values: Array, masks: Array, row: Any, weights: Array, size: Any, sums: Array) -> None:
    """Write Σ P and Σ P·value over the entries from k on, for k = 0, …, size; blocks of 64 begin anew."""
    zeroth = 0.0
    first = 0.0
    before = 0.0
    before_first = 0.0
    sums[0, size] = 0.0
    sums[1, size] = 0.0
    for k in range(size - 1, -1, -1):
        p = weights[masks[row, k]]
        zeroth += p
        first += p * values[row, k]
        sums[0, k] = before + zeroth
        sums[1, k] = before_first + first
        if k % BLOCK == 0:
            before += zeroth
            before_first += first
            zeroth = 0.0
            first = 0.0


@compiled
def one_side(
    values: Array,
    masks: Array,
    row: Any,
    weights: Array,
    size: Any,
    others: Array,
    other: Any,
    count: Any,
    sums: Array,
    threshold: float,
    by_mask: Array,
) -> bool:
    """Write P_α (α S₀ + S₁) for each α, at its mask; return whether some |α + β| ≤ threshold may exist."""
    position = count
    near = False
    for k in range(size):
        a = values[row, k]
        while position > 0 and others[other, position - 1] > -a:
            position -= 1
        mask = masks[row, k]
        by_mask[mask] = weights[mask] * (a * sums[0, position] + sums[1, position])
        if position < count and others[other, position] <= threshold - a:
            near = True
        if position > 0 and others[other, position - 1] >= -threshold - a:
            near = True
    return near


@compiled
def near_probability(
    values: Array, masks: Array, row: Any, weights: Array, size: Any, others: Array, other: Any, count: Any,
    sums: Array, threshold: float,
) -> float:  # fmt: skip
    """Return P(|α + β| ≤ threshold) from the suffix sums of the β: two positions that move one way."""
    low = count
    high = count
    total = 0.0
    for k in range(size):
        a = values[row, k]
        while low > 0 and others[other, low - 1] >= -threshold - a:
            low -= 1
        while high > 0 and others[other, high - 1] > threshold - a:
            high -= 1
        if low < high:
            total += weights[masks[row, k]] * (sums[0, low] - sums[0, high])
    return total


@compiled
def kept_sums(by_mask: Array, bits: Any, result: Array, at: Any) -> None:
    """Write the sum of the entries with each bit to result[at + bit], by halving; entry 0 becomes the sum of all."""
    for bit in range(bits - 1, -1, -1):
        half = 1 << bit
        kept = 0.0
        for begin in range(0, half, BLOCK):
            part = 0.0
            for k in range(begin, min(half, begin + BLOCK)):
                part += by_mask[half + k]
                by_mask[k] += by_mask[half + k]
            kept += part
        result[at + bit] = kept


@compiled
def conditional_moments(
    columns: Array,
    base: Array,
    count: Any,
    keep: float,
    drop: float,
    thresholds: Array,
    values: Array,
    others: Array,
    masks: Array,
    other_masks: Array,
    weights: Array,
    other_weights: Array,
    sums: Array,
    by_mask: Array,
    result: Array,
    near: Array,
) -> None:
    """Write Σ P max(z_j, 0) over all masks and over those that keep each unit, and P(|z_j| ≤ thresholds[j]).

    ``columns`` (units × units below), of which ``count`` rows are used; ``result`` (units below × 1 + most units).
    Workspace: ``values``, ``others``, masks (2, 2^half), weights and ``by_mask`` (2^half), ``sums`` (2, 1 + 2^half).
    """
    cut = (count + 1) // 2
    many, few = 1 << cut, 1 << (count - cut)
    for k in range(many):
        weights[k] = 1.0
        for bit in range(cut):
            weights[k] *= keep if (k >> bit) & 1 else drop
    for k in range(few):
        other_weights[k] = 1.0
        for bit in range(count - cut):
            other_weights[k] *= keep if (k >> bit) & 1 else drop
    for j in range(base.shape[0]):
        row = sorted_masks(columns, 0, cut, j, base[j], values, masks)
        other = sorted_masks(columns, cut, count, j, 0.0, others, other_masks)
        suffix_sums(values, masks, row, weights, many, sums)
        one_side(others, other_masks, other, other_weights, few, values, row, many, sums, thresholds[j], by_mask)
        kept_sums(by_mask, count - cut, result[j], 1 + cut)
        suffix_sums(others, other_masks, other, other_weights, few, sums)
        close = one_side(values, masks, row, weights, many, others, other, few, sums, thresholds[j], by_mask)
        near[j] = 0.0
        if close and thresholds[j] > 0.0:
            near[j] = near_probability(values, masks, row, weights, many, others, other, few, sums, thresholds[j])
        kept_sums(by_mask, cut, result[j], 1)
        result[j, 0] = by_mask[0]
