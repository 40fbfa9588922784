"""Meet in the middle: E max(z_i, 0) max(z_j, 0) over 2^k masks from two lists of 2^(k/2) subset sums.

z = α + β with α over one half A of the mask bits and β over the other, B. Take A in ascending order of α_i: the B with
β_i > −α_i only grow. Those met so far stand in a Fenwick tree by the rank of β_j, so that the sums over them with
β_j > −α_j, of P, Pβ_i, Pβ_j and Pβ_iβ_j, are prefix sums; they give

    Σ_B P_B (α_i + β_i)(α_j + β_j) = α_iα_j ΣP + α_j ΣPβ_i + α_i ΣPβ_j + ΣPβ_iβ_j .

The tree holds fixed-point integers, scaled so that the sum of absolute values stays below 2⁶²: integer sums are
exact in any order, and the only rounding is that of each entry.
"""

from __future__ import annotations

import itertools

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.compiled import compiled

__all__ = ["meet_pair", "meet_reference"]


def meet_reference(first: Array, second: Array, p_first: Array, p_second: Array, i: int, j: int) -> float:
    """Return Σ_A Σ_B P_A P_B max(α_i + β_i, 0) max(α_j + β_j, 0) by the double loop (rows of the lists: units)."""
    return float(
        sum(
            p_first[a] * p_second[b] * max(first[i, a] + second[i, b], 0) * max(first[j, a] + second[j, b], 0)
            for a, b in itertools.product(range(len(p_first)), range(len(p_second)))
        )
    )


@compiled
def meet_pair(
    alpha_i: Array,
    alpha_j: Array,
    beta_i: Array,
    beta_j: Array,
    order_a: Array,
    order_b: Array,
    reached: Array,
    ranks: Array,
    p_first: Array,
    p_second: Array,
    scales: Array,
    tree: Array,
    state: Array,
    sums: Array,
    budget: int,
) -> bool:
    """Go on with one pair for ``budget`` elements of A; True when it is done, with the value sums[0] + sums[1].

    ``order_a`` sorts A by α_i, ``order_b`` sorts B by β_i (both ascending); ``ranks[b]`` is the place of β_j[b] from
    the top, and ``reached[a]`` the number of B with β_j > −α_j[a]. ``tree`` has shape (|B| + 1, 4) and starts at 0;
    ``state`` is (next place in order_a, elements of B not yet met).
    """
    size = order_b.shape[0]
    place = state[0]
    left = state[1]
    end = min(order_a.shape[0], place + budget)
    total, carry = sums[0], sums[1]
    while place < end:
        a = order_a[place]
        x = alpha_i[a]
        y = alpha_j[a]
        while left > 0 and beta_i[order_b[left - 1]] > -x:
            left -= 1
            b = order_b[left]
            p = p_second[b]
            c0 = np.int64(np.rint(p * scales[0]))
            c1 = np.int64(np.rint(p * beta_i[b] * scales[1]))
            c2 = np.int64(np.rint(p * beta_j[b] * scales[2]))
            c3 = np.int64(np.rint(p * beta_i[b] * beta_j[b] * scales[3]))
            node = ranks[b] + 1
            while node <= size:
                tree[node, 0] += c0
                tree[node, 1] += c1
                tree[node, 2] += c2
                tree[node, 3] += c3
                node += node & -node
        s0 = s1 = s2 = s3 = 0
        node = reached[a]
        while node > 0:
            s0 += tree[node, 0]
            s1 += tree[node, 1]
            s2 += tree[node, 2]
            s3 += tree[node, 3]
            node -= node & -node
        value = x * y * (s0 / scales[0]) + (y * (s1 / scales[1]) + x * (s2 / scales[2])) + s3 / scales[3]
        value *= p_first[a]
        t = total + value
        carry += (total - t) + value if abs(total) >= abs(value) else (value - t) + total
        total = t
        place += 1
    state[0] = place
    state[1] = left
    sums[0] = total
    sums[1] = carry
    return bool(place >= order_a.shape[0])
