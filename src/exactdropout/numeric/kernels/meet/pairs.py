"""Meet in the middle: E max(z_i, 0) max(z_j, 0) over 2^k masks from two lists of 2^(k/2) subset sums.

z = α + β with α over the masks A of one half of the bits and β over those of the other, B. Sort the points of both
lists for each unit as :mod:`~.meet_order` does. Then z_i and z_j are both positive where B's point precedes A's in both
orders, and the sum over such B is

    Σ_B P_B (α_i + β_i)(α_j + β_j) = α_iα_j ΣP + α_j ΣPβ_i + α_i ΣPβ_j + ΣPβ_iβ_j .

Take the points in the order of i and deal them into 2^r cells by their rank for j. A point of A needs the four sums
over the B of lower cells that were dealt before: prefix sums over the cells, renewed after every ``NEAR`` points. The B
among the same ``NEAR`` points are taken one by one, as products of two factors. What remains are pairs in one cell:
the cells are dealt again in the same way, until they hold a few dozen points and all their pairs are taken one by one.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.meet.order import add
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.simd.pair_products import fetch, ones, prefix_rows, products_below, products_of_relus

__all__ = ["BLOCK", "NEAR", "Cells", "Points", "meet_pair", "meet_reference"]

BLOCK = 4096
"""Points whose terms are added without compensation."""

NEAR = 64
"""Points after which the prefix sums are renewed."""

RANK = 32
"""A point on its way is one integer: its rank for j times 2³², plus the point."""

INDEX = (1 << RANK) - 1
"""Indices are cut to 32 bits: what cannot be negative needs no test whether it counts from the end."""


def meet_reference(first: Array, second: Array, p_first: Array, p_second: Array, i: int, j: int) -> float:
    """Return Σ_A Σ_B P_A P_B max(α_i + β_i, 0) max(α_j + β_j, 0) by the double loop (rows of the lists: units)."""
    return float(
        sum(
            p_first[a] * p_second[b] * max(first[i, a] + second[i, b], 0) * max(first[j, a] + second[j, b], 0)
            for a, b in itertools.product(range(len(p_first)), range(len(p_second)))
        )
    )


class Points(NamedTuple):
    """The points of both lists for two units i and j.

    ``order`` is that of i, ``rank`` that of j. ``low`` and ``high`` hold what low and high bits of a point add to its
    values for i and j, one after the other; ``weights[32 half + k]`` is the probability of a mask with k ones.
    """

    order: Array
    rank: Array
    first_bits: int
    low_bits: int
    low: Array
    high: Array
    weights: Array


class Cells(NamedTuple):
    """Workspace: points dealt at level 0, at the inner levels one after the other, and at the last one; a block of
    them; where each cell begins and ends; sums of cells; and the points that are taken one by one."""

    dealt: Array
    inner: Array
    leaves: Array
    points: Array
    heads: Array
    tails: Array
    sums: Array
    near: Array


@subroutine
def deal(
    points: Array, begin: Any, end: Any, origin: Any, shift: Any, bits: Any, last: Any, of: Points, space: Cells,
    dealt: Array, ahead: Any,
) -> float:  # fmt: skip
    """Deal one block of points into 2^bits cells of 2^shift ranks from ``origin``, and return its far and near pairs.

    Place 0 of ``dealt`` (or of ``leaves``, at the last level: A from the head of its cell, B from the tail) is that of
    rank ``origin``. Where ``ahead`` ≥ 0, the ranks of the points of ``order`` from there on are fetched meanwhile, for
    the next block. Rows of ``sums``, cells in the order (low part, high part): the block's own sums of (P, Pβ_i, Pβ_j,
    Pβ_iβ_j), the prefix sums of former blocks, and both together.
    """
    order, rank, first_bits, low_bits = of.order, of.rank, of.first_bits, of.low_bits
    low, high, weights = of.low, of.high, of.weights
    heads, tails, leaves, sums, near = space.heads, space.tails, space.leaves, space.sums, space.near
    high_part = bits >> 1
    low_part = bits - high_part
    groups, rows = 1 << high_part, 1 << low_part
    within = rows - 1
    width = 4 * groups
    low_mask = (1 << low_bits) - 1
    first_mask = (1 << first_bits) - 1
    own, former, prefix, across = sums[0], sums[1], sums[2], sums[3]
    u, v, w, cells = near[:NEAR], near[NEAR : 2 * NEAR], near[2 * NEAR : 3 * NEAR], near[3 * NEAR :]
    for x in range(rows * width):
        own[x] = 0.0
        prefix[x] = former[x]
    for x in range(width + 4):
        across[x] = 0.0
    total = 0.0
    for start in range(begin, end, NEAR):
        many = 0
        back = NEAR
        for t in range(start, min(end, start + NEAR)):
            point = points[t]
            if ahead >= 0:
                fetch(rank, np.int64(order[ahead + t]))
            e = point & INDEX
            cell = (((point >> RANK) - origin) >> shift) & INDEX
            half = e >> first_bits
            l = 2 * (((half << low_bits) | (e & low_mask)) & INDEX)
            h = 2 * ((e >> low_bits) & INDEX)
            x = low[l] + high[h]
            y = low[l + 1] + high[h + 1]
            weight = weights[((half << 5) | ones(e & first_mask)) & INDEX]
            back -= half
            side = -half
            place = (many ^ ((many ^ back) & side)) & INDEX
            many += 1 - half
            near[place] = x
            near[place + NEAR] = y
            near[place + 2 * NEAR] = weight
            near[place + 3 * NEAR] = float(cell)
            head = heads[cell] & INDEX
            if last:
                tail = (tails[cell] - half) & INDEX
                tails[cell] = tail
                heads[cell] = head + 1 - half
                place = (head ^ ((head ^ tail) & side)) & INDEX
                leaves[0, place] = x
                leaves[1, place] = y
                leaves[2, place] = weight
            else:
                heads[cell] = head + 1
                dealt[head] = point
        far = 0.0
        for x in range(many):
            cell = int(cells[x])
            group = (4 * (cell >> low_part)) & INDEX
            c = ((cell & within) * width + group) & INDEX
            s0 = prefix[c] + across[group]
            s1 = prefix[c + 1] + across[group + 1]
            s2 = prefix[c + 2] + across[group + 2]
            s3 = prefix[c + 3] + across[group + 3]
            far += w[x] * (v[x] * (u[x] * s0 + s1) + (u[x] * s2 + s3))
        total += far + products_below(u, v, w, cells, many, back, NEAR)
        for y in range(back, NEAR):
            cell = int(cells[y])
            c = ((cell & within) * width + 4 * (cell >> low_part)) & INDEX
            first = w[y] * u[y]
            own[c] += w[y]
            own[c + 1] += first
            own[c + 2] += w[y] * v[y]
            own[c + 3] += first * v[y]
        prefix_rows(own, former, prefix, across[4:], rows, width)
        for x in range(4, width):
            across[x] += across[x - 4]
    return total


@subroutine
def settle(bits: Any, sums: Array) -> None:
    """Add the block's own sums of each cell to the compensated ones (rows 4 and 5), and renew ``former`` from them."""
    high_part = bits >> 1
    groups, rows = 1 << high_part, 1 << (bits - high_part)
    width = 4 * groups
    own, former, prefix, across, large, small = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for x in range(rows * width):
        old = large[x]
        new = old + own[x]
        back = new - old
        small[x] += (old - (new - back)) + (own[x] - back)
        large[x] = new
        own[x] = new + small[x]
        prefix[x] = 0.0
    prefix_rows(own, prefix, former, across[4:], rows, width)
    for x in range(4):
        across[x] = 0.0
    for x in range(4, width):
        across[x] += across[x - 4]
    for r in range(rows):
        for x in range(width):
            former[r * width + x] += across[x]


@subroutine
def open_cells(shift: Any, bits: Any, sums: Array, heads: Array, tails: Array) -> None:
    """Begin a deal: no sums yet, every cell empty."""
    for x in range(4 << bits):
        sums[1, x] = 0.0
        sums[4, x] = 0.0
        sums[5, x] = 0.0
    for cell in range(1 << bits):
        heads[cell] = cell << shift
        tails[cell] = (cell + 1) << shift


@subroutine
def pairs_of_leaves(size: Any, shift: Any, heads: Array, tails: Array, leaves: Array) -> float:
    """Return the pairs within each cell of 2^shift ranks, all of them."""
    total = 0.0
    for start in range(0, size, 1 << shift):
        end = start + (1 << shift)
        many, first = heads[start >> shift] - start, tails[start >> shift] - start
        u, v, w = leaves[0, start:end], leaves[1, start:end], leaves[2, start:end]
        total += products_of_relus(u, v, w, many, first, end - start)
    return total


@compiled
def meet_pair(of: Points, shifts: Array, bits: Array, space: Cells, state: Array, total: Array, budget: int) -> bool:
    """Go on with one pair for about ``budget`` points; True when it is done, with the value total[0, 0] + total[0, 1].

    Level l deals cells of 2^shifts[l−1] ranks (level 0: all points) into 2^bits[l] cells of 2^shifts[l]; it writes
    ``dealt`` (level 0), ``inner`` (one level after the other) or, the last one, ``leaves``. ``state`` is (points
    dealt at level 0, ranks done below).
    """
    order, rank, dealt, inner, leaves = of.order, of.rank, space.dealt, space.inner, space.leaves
    points, heads, tails, sums = space.points, space.heads, space.tails, space.sums
    levels = shifts.shape[0]
    size = order.shape[0]
    done = 0
    if state[0] == 0:
        open_cells(shifts[0], bits[0], sums, heads, tails)
    while state[0] < size and done < budget:
        begin = state[0]
        end = min(size, begin + BLOCK)
        for t in range(begin, end):
            e = np.int64(order[t])
            points[t - begin] = (np.int64(rank[e]) << RANK) | e
        value = deal(
            points, 0, end - begin, 0, shifts[0], bits[0], levels == 1, of, space, dealt,
            end if end + BLOCK <= size else -1,
        )  # fmt: skip
        add(total, 0, value)
        if end < size:
            settle(bits[0], sums)
        state[0] = end
        done += end - begin
    if state[0] == size and levels == 1 and state[1] == 0:
        add(total, 0, pairs_of_leaves(size, shifts[0], heads, tails, leaves))
        state[1] = size
    while state[0] == size and state[1] < size and done < budget:
        origin = state[1]
        offset = 0
        for level in range(1, levels):
            ranks = 1 << shifts[level - 1]
            here = min(ranks, size - origin)
            if origin & (ranks - 1) == 0:
                source = dealt[origin : origin + here]
                if level > 1:
                    before = offset - (1 << shifts[level - 2]) + (origin & ((1 << shifts[level - 2]) - 1))
                    source = inner[before : before + here]
                open_cells(shifts[level], bits[level], sums, heads, tails)
                for begin in range(0, here, BLOCK):
                    end = min(here, begin + BLOCK)
                    value = deal(
                        source, begin, end, origin, shifts[level], bits[level], level == levels - 1, of, space,
                        inner[offset : offset + ranks], -1,
                    )  # fmt: skip
                    add(total, 0, value)
                    if end < here:
                        settle(bits[level], sums)
                done += here
            offset += ranks
            if level == levels - 1:
                add(total, 0, pairs_of_leaves(here, shifts[level], heads, tails, leaves))
                state[1] = origin + here
    return bool(state[1] >= size)
