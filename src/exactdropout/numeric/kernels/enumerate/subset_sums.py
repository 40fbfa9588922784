"""Moments of one unit in 2^(k/2) steps: split its k mask bits in two halves of sorted subset sums.

z = α + β with α over the first half of the bits and β over the second; max(z, 0) is α + β on the pairs with
β > −α, which for sorted lists are a suffix that grows as α grows.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["sorted_sums", "unit_moments", "unit_moments_reference"]


def unit_moments_reference(columns: Array, base: Array, keep: float) -> Array:
    """Return E max(z, 0) and E max(z, 0)² for each unit by a loop over all masks (columns: mask bits × units)."""
    total = np.zeros((columns.shape[1], 2))
    for mask in itertools.product((0, 1), repeat=len(columns)):
        kept = np.array(mask, dtype=float)
        z = np.maximum(base + kept @ columns, 0.0)
        total += keep ** kept.sum() * (1 - keep) ** (len(kept) - kept.sum()) * np.stack([z, z * z], axis=1)
    return total


@compiled
def sorted_sums(
    units: Array, begin: Any, end: Any, start: float, keep: float, drop: float, values: Array, weights: Array
) -> None:
    """Write all subset sums of units[begin:end] plus ``start``, ascending, with their probabilities.

    Each unit merges the list with its own shifted copy; ``values`` and ``weights`` have shape (2, ≥ 2^(end−begin)),
    and the result is in row 0.
    """
    here = (end - begin) & 1
    values[here, 0] = start
    weights[here, 0] = 1.0
    size = 1
    for unit in range(begin, end):
        u = units[unit]
        there = 1 - here
        a = 0
        b = 0
        for k in range(2 * size):
            if b >= size or (a < size and values[here, a] <= values[here, b] + u):
                values[there, k] = values[here, a]
                weights[there, k] = weights[here, a] * drop
                a += 1
            else:
                values[there, k] = values[here, b] + u
                weights[there, k] = weights[here, b] * keep
                b += 1
        size *= 2
        here = there


@compiled
def unit_moments(
    columns: Array,
    base: Array,
    count: int,
    keep: float,
    drop: float,
    first: Array,
    second: Array,
    weights: Array,
    other: Array,
    result: Array,
) -> None:
    """Write for each unit j: E max(z, 0), E max(z, 0)², and the sizes E(|α| + |β|), E(|α| + |β|)² that bound rounding.

    ``columns`` (mask bits × units), of which ``count`` bits are used. All running sums are compensated (Neumaier).
    """
    cut = (count + 1) // 2
    for j in range(base.shape[0]):
        units = columns[:, j]
        sorted_sums(units, 0, cut, base[j], keep, drop, first, weights)
        sorted_sums(units, cut, count, 0.0, keep, drop, second, other)
        many, few = 1 << cut, 1 << (count - cut)
        b1 = 0.0
        b2 = 0.0
        for k in range(few):
            b1 += other[0, k] * abs(second[0, k])
            b2 += other[0, k] * (second[0, k] * second[0, k])
        s0 = s1 = s2 = c0 = c1 = c2 = 0.0
        a1 = a2 = m1 = m2 = p1 = p2 = 0.0
        position = few
        for k in range(many):
            a = first[0, k]
            w = weights[0, k]
            while position > 0 and second[0, position - 1] > -a:
                position -= 1
                b = second[0, position]
                x = other[0, position]
                t = s0 + x
                c0 += (s0 - t) + x if s0 >= x else (x - t) + s0
                s0 = t
                x = x * b
                t = s1 + x
                c1 += (s1 - t) + x if abs(s1) >= abs(x) else (x - t) + s1
                s1 = t
                x = x * b
                t = s2 + x
                c2 += (s2 - t) + x if s2 >= x else (x - t) + s2
                s2 = t
            x = w * (a * (s0 + c0) + (s1 + c1))
            t = m1 + x
            p1 += (m1 - t) + x if abs(m1) >= abs(x) else (x - t) + m1
            m1 = t
            x = w * ((a * a) * (s0 + c0) + 2.0 * a * (s1 + c1) + (s2 + c2))
            t = m2 + x
            p2 += (m2 - t) + x if abs(m2) >= abs(x) else (x - t) + m2
            m2 = t
            a1 += w * abs(a)
            a2 += w * (a * a)
        result[j, 0] = m1 + p1
        result[j, 1] = m2 + p2
        result[j, 2] = a1 + b1
        result[j, 3] = a2 + 2.0 * a1 * b1 + b2
