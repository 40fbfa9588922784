"""The points of the two halves of the mask bits, in the order of one unit, and the moments of that unit.

z = α + β with α over the masks A of the first half (bias included) and β over the masks B of the second. A *point* is
a mask of either half; the order of a unit is ascending by α on A and by −β on B, so that α + β > 0 exactly where B's
point precedes A's. A list of subset sums is doubled by merging it with its own shifted copy, so nothing is sorted.

A point is one integer: its mask, plus 2^(bits of the first half) for B. Its value is the sum of two small tables.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.pair_products import ones

__all__ = ["BLOCK", "double", "join", "unit_reference", "unit_scan"]

BLOCK = 512
"""Points whose terms are added without compensation by :func:`unit_scan`."""


def unit_reference(column: Array, base: float, keep: float) -> tuple[float, float]:
    """Return E max(z, 0) and E max(z, 0)² by a loop over all masks."""
    first = second = 0.0
    for mask in itertools.product((0, 1), repeat=len(column)):
        z = max(base + sum(u for u, kept in zip(column, mask, strict=True) if kept), 0.0)
        weight = keep ** sum(mask) * (1 - keep) ** (len(mask) - sum(mask))
        first, second = first + weight * z, second + weight * z * z
    return first, second


@subroutine
def taken(first: Array, many: Any, second: Array, few: Any, shift: float, place: Any) -> Any:
    """Return how many of the first ``place`` elements of the merged list come from ``first``, which wins ties."""
    low = max(0, place - few)
    high = min(place, many)
    while low < high:
        middle = (low + high) >> 1
        if first[middle] > second[place - middle - 1] + shift:
            high = middle
        else:
            low = middle + 1
    return low


@subroutine
def below(value: Any, other: Any) -> Any:
    """Return −1 where ``value`` < ``other``, else 0, without a branch, where every guess would be idle.

    It is the comparison of :func:`taken`, of equal zeros with different signs too: the sign of the difference is not.
    """
    return -np.int64(value < other)


@compiled
def double(
    values: Array, points: Array, size: Any, shift: float, bit: Any, begin: Any, end: Any, to: Array, at: Array
) -> None:
    """Write elements begin … end−1 of the list merged with its copy, shifted by ``shift`` and marked by ``bit``.

    ``values[size]`` is +∞, so that no bound is tested. Four stretches are merged at once: each waits for its own
    comparisons only.
    """
    quarter = (end - begin) >> 2
    t0 = begin
    t1 = t0 + quarter
    t2 = t1 + quarter
    t3 = t2 + quarter
    a0 = taken(values, size, values, size, shift, t0)
    a1 = taken(values, size, values, size, shift, t1)
    a2 = taken(values, size, values, size, shift, t2)
    a3 = taken(values, size, values, size, shift, t3)
    b0 = t0 - a0
    b1 = t1 - a1
    b2 = t2 - a2
    b3 = t3 - a3
    for k in range(quarter):
        x, y = values[a0], values[b0] + shift
        other = below(y, x)
        to[t0 + k] = min(x, y)
        at[t0 + k] = points[a0 ^ ((a0 ^ b0) & other)] | (bit & other)
        a0 += 1 + other
        b0 -= other
        x, y = values[a1], values[b1] + shift
        other = below(y, x)
        to[t1 + k] = min(x, y)
        at[t1 + k] = points[a1 ^ ((a1 ^ b1) & other)] | (bit & other)
        a1 += 1 + other
        b1 -= other
        x, y = values[a2], values[b2] + shift
        other = below(y, x)
        to[t2 + k] = min(x, y)
        at[t2 + k] = points[a2 ^ ((a2 ^ b2) & other)] | (bit & other)
        a2 += 1 + other
        b2 -= other
        x, y = values[a3], values[b3] + shift
        other = below(y, x)
        to[t3 + k] = min(x, y)
        at[t3 + k] = points[a3 ^ ((a3 ^ b3) & other)] | (bit & other)
        a3 += 1 + other
        b3 -= other
    for t in range(t3 + quarter, end):
        x, y = values[a3], values[b3] + shift
        to[t] = min(x, y)
        if x <= y:
            at[t] = points[a3]
            a3 += 1
        else:
            at[t] = points[b3] | bit
            b3 += 1


@compiled
def join(
    first: Array,
    many: Any,
    second: Array,
    few: Any,
    points: Array,
    start: Any,
    begin: Any,
    end: Any,
    order: Array,
    rank: Array,
) -> None:
    """Write places begin … end−1 of the order of the points of both lists, and the rank of those points.

    ``first`` are the values α of the points at places from 0, ``second`` the values −β of those at places from
    ``start``; both end in +∞. Values are finite, so that no list is read beyond its end.
    """
    middle = (begin + end) >> 1
    a0 = taken(first, many, second, few, 0.0, begin)
    a1 = taken(first, many, second, few, 0.0, middle)
    b0 = begin - a0
    b1 = middle - a1
    for t in range(begin, middle):
        other = below(second[b0], first[a0])
        place = b0 + start
        r = points[a0 ^ ((a0 ^ place) & other)]
        order[t] = r
        rank[r] = t
        a0 += 1 + other
        b0 -= other
        s = t - begin + middle
        other = below(second[b1], first[a1])
        place = b1 + start
        r = points[a1 ^ ((a1 ^ place) & other)]
        order[s] = r
        rank[r] = s
        a1 += 1 + other
        b1 -= other
    if (end - begin) & 1:
        r = points[a1] if first[a1] <= second[b1] else points[b1 + start]
        order[end - 1] = r
        rank[r] = end - 1


@compiled
def unit_scan(
    order: Array,
    first_bits: int,
    low_bits: int,
    low: Array,
    high: Array,
    weights: Array,
    begin: Any,
    end: Any,
    sums: Array,
    moments: Array,
) -> None:
    """Go on with one unit over the points begin … end−1 of its order.

    ``sums`` (3 × 2, compensated) are Σ P, Σ Pβ, Σ Pβ² over the B met so far; ``moments`` (2 × 2, compensated) grow to
    E max(z, 0) and E max(z, 0)², its third row to Σ P|α| and Σ Pα², its fourth to Σ P|β| and Σ Pβ².
    """
    low_mask = (1 << low_bits) - 1
    first_mask = (1 << first_bits) - 1
    for start in range(begin, end, BLOCK):
        o0 = sums[0, 0] + sums[0, 1]
        o1 = sums[1, 0] + sums[1, 1]
        o2 = sums[2, 0] + sums[2, 1]
        s0 = s1 = s2 = m1 = m2 = a1 = a2 = b1 = 0.0
        for t in range(start, min(end, start + BLOCK)):
            e: Any = np.int64(order[t])
            half = e >> first_bits
            v = low[(half << low_bits) | (e & low_mask)] + high[e >> low_bits]
            w = weights[half, ones(e & first_mask)]
            in_b = w if half else 0.0
            in_a = w - in_b
            t0 = o0 + s0
            t1 = o1 + s1
            t2 = o2 + s2
            m1 += in_a * (v * t0 + t1)
            m2 += in_a * (v * (v * t0 + (t1 + t1)) + t2)
            a1 += in_a * abs(v)
            a2 += in_a * (v * v)
            b1 += in_b * abs(v)
            s0 += in_b
            s1 += in_b * v
            s2 += in_b * (v * v)
        add(sums, 0, s0)
        add(sums, 1, s1)
        add(sums, 2, s2)
        add(moments, 0, m1)
        add(moments, 1, m2)
        moments[2, 0] += a1
        moments[2, 1] += a2
        moments[3, 0] += b1
        moments[3, 1] += s2


@subroutine
def add(sums: Array, row: Any, value: float) -> None:
    """Add ``value`` to the compensated sum sums[row, 0] + sums[row, 1]."""
    old = sums[row, 0]
    new = old + value
    back = new - old
    sums[row, 1] += (old - (new - back)) + (value - back)
    sums[row, 0] = new
