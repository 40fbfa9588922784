"""Conditional moments of one unit: E max(z, 0) and E max(z, 0) given that input u is kept, by a visit of all masks.

A table holds the sums of the low units; each subset of the others shifts it, and a vector takes eight masks. Sums over
the others give the expectations given a low unit, sums over the table those given one of the others. That suits
LEAST to DIRECT units; :mod:`.sorted_halves` has the others.
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
    "BLOCK",
    "DIRECT",
    "LEAST",
    "Direct",
    "conditional_moments",
    "conditional_reference",
    "direct_space",
    "mask_weights",
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


def direct_space() -> Direct:
    """Return the workspace for examples of up to DIRECT active units."""
    low, others = 1 << LOW_BITS, 1 << DIRECT - LOW_BITS
    return Direct(*(np.empty(size) for size in (low, low, low, others, others, others, ROUND, ROUND)))


def conditional_reference(column: Array, base: float, keep: float) -> Array:
    """Return Σ P max(z, 0) over all masks, then over those that keep each unit, by a plain loop."""
    result = np.zeros(1 + len(column))
    for mask in itertools.product((0, 1), repeat=len(column)):
        kept = np.array(mask, dtype=float)
        p = keep ** kept.sum() * (1 - keep) ** (len(kept) - kept.sum())
        result += p * max(base + kept @ column, 0.0) * np.array([1.0, *kept])
    return result


def moment_roundings(count: int) -> float:
    """Return how many roundings a moment of ``count`` units meets at most, relative to Σ P |z|, beside those of z."""
    if LEAST <= count <= DIRECT:  # 2·count of probabilities; a sum for each other unit's mask, and the folds
        return float(3.0 * count + 40.0 + 2.0 ** (count - min(LOW_BITS, max(LEAST, (count + 1) // 2))))
    terms = 2.0 ** ((count + 1) // 2)
    return float(3.0 * count + 24.0 + 2.0 * (min(float(BLOCK), terms) + terms / BLOCK))


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
def kept_lanes(values: Array, bits: Any, parts: Array, results: Array, e: Any, j: Any, at: Any) -> None:
    """Write the sum of the entries with each bit to results[e, j, at + bit], by halving; that of all to entry 0.

    Long sums go in ROUND lanes, or every addition would wait for the one before.
    """
    half = 1 << bits >> 1
    for bit in range(bits - 1, -1, -1):
        kept = 0.0
        if half >= ROUND:
            for l in range(ROUND):
                parts[l] = 0.0
            for begin in range(0, half, ROUND):
                for l in range(ROUND):
                    value = values[half + begin + l]
                    values[begin + l] += value
                    parts[l] += value
            size = ROUND >> 1
            while size > 0:
                for l in range(size):
                    parts[l] += parts[size + l]
                size >>= 1
            kept = parts[0]
        else:
            for l in range(half):
                kept += values[half + l]
                values[l] += values[half + l]
        results[e, j, at + bit] = kept
        half >>= 1


@subroutine
def all_masks(
    columns: Array, e: Any, count: Any, low: Any, j: Any, start: float, threshold: float, space: Direct, results: Array
) -> float:
    """Write what the moments of one unit, mask by mask: ``low`` units are in the table.

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
    kept_lanes(by_shift, count - low, parts, results, e, j, 1 + low)
    for l in range(width):
        sums[l] *= weights[l]
    kept_lanes(sums, low, parts, results, e, j, 1)
    results[e, j, 0] = sums[0]
    return float(((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])))


@compiled
def conditional_moments(
    layer: Layer, active: Active, thresholds: Array, space: Direct, results: Array, near: Array
) -> None:
    """Write Σ P max(z_j, 0) over all masks and over those that keep each unit, and P(|z_j| ≤ thresholds[e, j]).

    ``results`` has shape (examples, units below, 1 + most units), ``near`` (examples, units below). Examples with fewer
    than LEAST or more than DIRECT active units are left out.
    """
    for e in range(active.counts.shape[0]):
        count = active.counts[e]
        if not LEAST <= count <= DIRECT:
            continue
        low = min(LOW_BITS, max(LEAST, (count + 1) // 2))
        mask_weights(low, layer.keep, layer.drop, space.weights)
        mask_weights(count - low, layer.keep, layer.drop, space.shift_weights)
        for j in range(layer.bias.shape[0]):
            threshold = thresholds[e, j] if thresholds[e, j] > 0.0 else -1.0  # 0: signs are exact, zeros too
            near[e, j] = all_masks(active.columns, e, count, low, j, layer.bias[j], threshold, space, results)
