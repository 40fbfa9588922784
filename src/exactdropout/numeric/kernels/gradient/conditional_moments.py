"""Conditional moments of one unit: E max(z, 0) and E max(z, 0) given that input u is kept.

Up to DIRECT units all masks are visited, eight in a vector: a table of the low units, shifted by each subset of the
others. Sums over the others give the expectations given a low unit, sums over the table those given one of the others.

Of more units 2^(k/2) steps suffice. The mask bits are split in two halves of subset sums α and β, each sorted with its
masks beside it. For one α,
E(max(α + β, 0) | α) = α S₀ + S₁ with S_k = Σ_{β > −α} P_β β^k, a suffix of the sorted β; summed over the α that keep u
it gives the expectation given u, by halving over the bits. The β that keep u come from the same pass the other way
round.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.positive_parts import ROUND, add_positive_parts

__all__ = [
    "DIRECT",
    "Halves",
    "conditional_moments",
    "conditional_reference",
    "halves_of",
    "moment_roundings",
]

BLOCK = 64
"""Running sums begin anew every 64 terms, so that 2^k terms meet 64 + 2^k/64 roundings."""

LEAST, DIRECT = 5, 15
"""Fewest and most units of which all masks are visited; the fewest fill one round of vectors."""

LOW_BITS = 8
"""Units of the table, where there are as many."""


class Direct(NamedTuple):
    """Workspace for all masks: the table, its masks' probabilities and sums, those of the other units, and lanes."""

    table: Array
    weights: Array
    sums: Array
    shifts: Array
    shift_weights: Array
    by_shift: Array
    lanes: Array
    parts: Array


class Half(NamedTuple):
    """All sums of one half of the units, ascending in one of two rows, their masks, and the masks' probabilities."""

    values: Array
    masks: Array
    weights: Array


class Halves(NamedTuple):
    """Workspace: both halves, sums of one of them from each place on, a number for each mask; that of all masks."""

    first: Half
    second: Half
    sums: Array
    by_mask: Array
    direct: Direct


def halves_of(width: int) -> Halves:
    """Return the workspace for examples of ``width`` inputs.

    Rows are of uneven length: 4096 bytes apart, loads would wait for stores whose addresses end in the same 12 bits.
    """
    half = 1 << (width + 1) // 2

    def one(shift: int) -> Half:
        masks = np.empty((2, half + 32 + shift), dtype=np.int64)
        return Half(np.empty((2, half + shift)), masks, np.empty(half))

    low, others = 1 << LOW_BITS, 1 << DIRECT - LOW_BITS
    direct = Direct(*(np.empty(size) for size in (low, low, low, others, others, others, ROUND, ROUND)))
    return Halves(one(24), one(40), np.empty((2, half + 1)), np.empty(half), direct)


def conditional_reference(column: Array, base: float, keep: float) -> Array:
    """Return Σ P max(z, 0) over all masks, then over those that keep each unit, by a plain loop."""
    result = np.zeros(1 + len(column))
    for mask in itertools.product((0, 1), repeat=len(column)):
        kept = np.array(mask, dtype=float)
        p = keep ** kept.sum() * (1 - keep) ** (len(kept) - kept.sum())
        result += p * max(base + kept @ column, 0.0) * np.array([1.0, *kept])
    return result


@subroutine
def table_bits(count: Any) -> Any:
    """Return how many of ``count`` units are in the table where all masks are visited."""
    return min(LOW_BITS, max(LEAST, (count + 1) // 2))


@subroutine
def moment_roundings(count: Any) -> float:
    """Return how many roundings a moment of ``count`` units meets at most, relative to Σ P |z|, beside those of z."""
    if LEAST <= count <= DIRECT:  # 2·count of probabilities; a sum for each other unit's mask, and the folds
        return float(3.0 * count + 40.0 + 2.0 ** (count - table_bits(count)))
    terms = 2.0 ** ((count + 1) // 2)
    return float(3.0 * count + 24.0 + 2.0 * (min(float(BLOCK), terms) + terms / BLOCK))


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


@subroutine
def mask_weights(bits: Any, keep: float, drop: float, weights: Array) -> None:
    """Write the probabilities of the masks of so many units."""
    for k in range(1 << bits):
        weights[k] = 1.0
        for bit in range(bits):
            weights[k] *= keep if (k >> bit) & 1 else drop


@subroutine
def subset_sums(columns: Array, e: Any, begin: Any, end: Any, j: Any, start: float, sums: Array) -> None:
    """Write the sums of ``start`` and all subsets of units begin…end of example e and unit j; bit b is begin + b."""
    sums[0] = start
    size = 1
    for unit in range(begin, end):
        u = columns[e, unit, j]
        for k in range(size):
            sums[size + k] = sums[k] + u
        size *= 2


@subroutine
def all_masks(
    columns: Array, e: Any, count: Any, low: Any, j: Any, start: float, threshold: float, space: Direct, results: Array
) -> float:
    """Write what :func:`conditional_moments` does, mask by mask: ``low`` units in the table, the others outside it.

    Return P(|z| ≤ threshold).
    """
    table, weights, sums, lanes, parts = space.table, space.weights, space.sums, space.lanes, space.parts
    shifts, shift_weights, by_shift = space.shifts, space.shift_weights, space.by_shift
    width, many = 1 << low, 1 << (count - low)
    subset_sums(columns, e, 0, low, j, 0.0, table)
    subset_sums(columns, e, low, count, j, start, shifts)
    for l in range(width):
        sums[l] = 0.0
    for l in range(ROUND):
        lanes[l] = 0.0
    for place in range(many):
        weight = shift_weights[place]
        part = add_positive_parts(table, width, weights, shifts[place], weight, threshold, sums, lanes)
        by_shift[place] = weight * part
    kept_sums(by_shift, count - low, results, e, j, 1 + low)
    for l in range(width):
        sums[l] *= weights[l]
    half = width >> 1
    for bit in range(low - 1, -1, -1):
        kept = 0.0
        if half >= ROUND:  # in lanes, or every addition would wait for the one before
            for l in range(ROUND):
                parts[l] = 0.0
            for begin in range(0, half, ROUND):
                for l in range(ROUND):
                    value = sums[half + begin + l]
                    sums[begin + l] += value
                    parts[l] += value
            size = ROUND >> 1
            while size > 0:
                for l in range(size):
                    parts[l] += parts[size + l]
                size >>= 1
            kept = parts[0]
        else:
            for l in range(half):
                kept += sums[half + l]
                sums[l] += sums[half + l]
        results[e, j, 1 + bit] = kept
        half >>= 1
    results[e, j, 0] = sums[0]
    return float(((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])))


@compiled
def conditional_moments(
    layer: Layer, active: Active, thresholds: Array, space: Halves, results: Array, near: Array
) -> None:
    """Write Σ P max(z_j, 0) over all masks and over those that keep each unit, and P(|z_j| ≤ thresholds[e, j]).

    ``results`` has shape (examples, units below, 1 + most units), ``near`` (examples, units below).
    """
    first, second, sums, by_mask, direct = space.first, space.second, space.sums, space.by_mask, space.direct
    columns = active.columns
    for e in range(active.counts.shape[0]):
        count = active.counts[e]
        if LEAST <= count <= DIRECT:
            low = table_bits(count)
            mask_weights(low, layer.keep, layer.drop, direct.weights)
            mask_weights(count - low, layer.keep, layer.drop, direct.shift_weights)
            for j in range(layer.bias.shape[0]):
                threshold = thresholds[e, j] if thresholds[e, j] > 0.0 else -1.0  # 0: signs are exact, zeros too
                near[e, j] = all_masks(columns, e, count, low, j, layer.bias[j], threshold, direct, results)
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
