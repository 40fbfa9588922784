"""Conditional moments of one unit in 2^(k/2) steps: E max(z, 0) and E max(z, 0) given that input u is kept.

The mask bits are split in two halves of subset sums α and β, each sorted with its masks beside it. For one α,
E(max(α + β, 0) | α) = α S₀ + S₁ with S_k = Σ_{β > −α} P_β β^k, a suffix of the sorted β; summed over the α that keep u
it gives the expectation given u, by halving over the bits. The β that keep u come from the same pass the other way
round.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.conditional_moments import BLOCK, DIRECT, LEAST, mask_weights
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine

__all__ = ["Halves", "halves_of", "moments_by_halves"]


class Half(NamedTuple):
    """All sums of one half of the units, ascending in one of two rows, their masks, and the masks' probabilities."""

    values: Array
    masks: Array
    weights: Array


class Halves(NamedTuple):
    """Workspace: both halves, sums of one of them from each place on, and a number for each mask."""

    first: Half
    second: Half
    sums: Array
    by_mask: Array


def halves_of(width: int) -> Halves:
    """Return the workspace for examples of ``width`` inputs.

    Rows are of uneven length: 4096 bytes apart, loads would wait for stores whose addresses end in the same 12 bits.
    """
    half = 1 << (width + 1) // 2

    def one(shift: int) -> Half:
        masks = np.empty((2, half + 32 + shift), dtype=np.int64)
        return Half(np.empty((2, half + shift)), masks, np.empty(half))

    return Halves(one(24), one(40), np.empty((2, half + 1)), np.empty(half))


@subroutine
def sorted_masks(columns: Array, e: Any, begin: Any, end: Any, j: Any, start: float, half: Half) -> Any:
    """Write all subset sums of units begin…end of example e and unit j plus ``start``, ascending, and their masks.

    Bit b of a mask is unit begin + b. Each unit merges the list with its own shifted copy, from both ends. The result
    is in the row that is returned.
    """
    values, masks = half.values, half.masks
    here = 0
    values[0, 0] = start
    masks[0, 0] = 0
    size = 1
    for unit in range(begin, end):
        u = columns[e, unit, j]
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


@subroutine
def suffix_sums(half: Half, row: Any, size: Any, sums: Array) -> None:
    """Write Σ P and Σ P·value over the entries from k on, for k = 0, …, size; blocks of 64 begin anew."""
    values, masks, weights = half.values, half.masks, half.weights
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


@subroutine
def one_side(
    half: Half, row: Any, size: Any, other: Half, other_row: Any, count: Any, threshold: float, sums: Array,
    by_mask: Array,
) -> Any:  # fmt: skip
    """Write P_α (α S₀ + S₁) for each α, at its mask; return whether some |α + β| ≤ threshold may exist."""
    values, masks, weights, others = half.values, half.masks, half.weights, other.values
    position = count
    near = False
    for k in range(size):
        a = values[row, k]
        while position > 0 and others[other_row, position - 1] > -a:
            position -= 1
        mask = masks[row, k]
        by_mask[mask] = weights[mask] * (a * sums[0, position] + sums[1, position])
        if position < count and others[other_row, position] <= threshold - a:
            near = True
        if position > 0 and others[other_row, position - 1] >= -threshold - a:
            near = True
    return near


@subroutine
def near_probability(
    half: Half, row: Any, size: Any, other: Half, other_row: Any, count: Any, threshold: float, sums: Array
) -> Any:
    """Return P(|α + β| ≤ threshold) from the suffix sums of the β: two positions that move one way."""
    values, masks, weights, others = half.values, half.masks, half.weights, other.values
    low = count
    high = count
    total = 0.0
    for k in range(size):
        a = values[row, k]
        while low > 0 and others[other_row, low - 1] >= -threshold - a:
            low -= 1
        while high > 0 and others[other_row, high - 1] > threshold - a:
            high -= 1
        if low < high:
            total += weights[masks[row, k]] * (sums[0, low] - sums[0, high])
    return total


@subroutine
def kept_sums(by_mask: Array, bits: Any, results: Array, e: Any, j: Any, at: Any) -> None:
    """Write the sum of the entries with each bit to results[e, j, at + bit], by halving; that of all to entry 0."""
    for bit in range(bits - 1, -1, -1):
        half = 1 << bit
        kept = 0.0
        for begin in range(0, half, BLOCK):
            part = 0.0
            for k in range(begin, min(half, begin + BLOCK)):
                part += by_mask[half + k]
                by_mask[k] += by_mask[half + k]
            kept += part
        results[e, j, at + bit] = kept


@compiled
def moments_by_halves(
    layer: Layer, active: Active, thresholds: Array, space: Halves, results: Array, near: Array
) -> None:
    """Write what :func:`~.conditional_moments.conditional_moments` does, of the examples that it leaves out."""
    first, second, sums, by_mask = space.first, space.second, space.sums, space.by_mask
    columns = active.columns
    for e in range(active.counts.shape[0]):
        count = active.counts[e]
        if LEAST <= count <= DIRECT:
            continue
        cut = (count + 1) // 2
        rest = count - cut
        many, few = 1 << cut, 1 << rest
        mask_weights(cut, layer.keep, layer.drop, first.weights)
        mask_weights(rest, layer.keep, layer.drop, second.weights)
        for j in range(layer.bias.shape[0]):
            threshold = thresholds[e, j]
            a = sorted_masks(columns, e, 0, cut, j, layer.bias[j], first)
            b = sorted_masks(columns, e, cut, count, j, 0.0, second)
            suffix_sums(first, a, many, sums)
            one_side(second, b, few, first, a, many, threshold, sums, by_mask)
            kept_sums(by_mask, rest, results, e, j, 1 + cut)
            suffix_sums(second, b, few, sums)
            close = one_side(first, a, many, second, b, few, threshold, sums, by_mask)
            near[e, j] = 0.0
            if close and threshold > 0.0:
                near[e, j] = near_probability(first, a, many, second, b, few, threshold, sums)
            kept_sums(by_mask, cut, results, e, j, 1)
            results[e, j, 0] = by_mask[0]
