"""Sums over a block of masks, over all of them and over those that keep each of its units, in LLVM vectors.

A block is the masks of up to seven units; its l-th mask keeps unit b where bit b of l is 1. The units of the layer
above have T_jl + Z_j on it, where the row Z belongs to the masks of the other units. A unit is decided where Z_j plus
the least T_jl, or Z_j plus the largest, proves its sign on the whole block; a positive one is linear there. The others
are open.

What is summed becomes eight numbers: the sum over all masks, then over those that keep each unit of the block. They
come from one tree of additions: the sum of a half of the masks is both a part of the whole and the share of a unit.

Beside each operation stands the plain loop that it must agree with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.vectors import (
    INDEX,
    LANES,
    VECTOR,
    ZERO,
    across,
    cgutils,
    fused,
    load,
    lowered,
    number,
    pointer_to,
    splat,
    store,
)

__all__ = [
    "BLOCK",
    "PLACES",
    "decide_units",
    "decide_units_reference",
    "halve_rows",
    "halve_rows_reference",
    "masked_sums",
    "masked_sums_reference",
    "open_unit",
    "open_unit_reference",
    "residual_row",
    "residual_row_reference",
]

BLOCK = 7
"""Most units of a block: with the sum over all masks they fill a vector."""

STRIDE, ABOUT, CLEAR, OWN, SUMS, TABLE, VALUES, WIDE, CHANCES, KEPT, DECIDED, OPEN, LISTS = range(13)
PLACES = 13
"""Where things stand in ``space``: the stride of a row of units; of each unit the least and the largest T, less and
more what its sign must be clear by, mean and variance; 1 where it is positive, else 0; Z where it is positive, else 0;
three rows of sums; T and max(T + Z, 0), ``wide`` numbers of each unit; the probabilities of the block's masks; and
eight numbers, sums over one unit's masks. Then how many units are decided positive and how many are open, and where the
list of the first begins in ``counts``; that of the second begins a stride later."""

_BIT = ir.IntType(1)


def _sums(values: Array) -> Array:
    """Return the sum of all values, then of those whose index has bit 0, 1, …; eight numbers, the last of them 0."""
    places, found = np.arange(len(values)), np.zeros(LANES)
    found[0] = values.sum()
    for bit in range(min(BLOCK, len(values).bit_length() - 1)):
        found[1 + bit] = values[(places >> bit & 1) == 1].sum()
    return found


def decide_units_reference(space: Array, counts: Array, at: int, z: int, weight: float, target: int) -> None:
    """Decide the units of the row Z = space[z …] over the block; list those that are positive and those that are open.

    Of the positive ones ``weight``, ``weight``·Z and ``weight``·E (T + Z)² are added to the three rows of sums, and
    ``weight``·E (T + Z) is written to space[target …], 0 for all others.
    """
    stride, about, clear, own, sums = counts[at : at + 5]
    row = space[z : z + stride]
    least, largest, mean, variance = space[about : about + 4 * stride].reshape(4, stride)
    positive = row + least > 0
    undecided = ~positive & (row + largest > 0)
    factor = np.where(positive, weight, 0.0)
    space[clear : clear + stride] = np.where(positive, 1.0, 0.0)
    space[own : own + stride] = np.where(positive, row, 0.0)
    middle = row + mean
    for k, term in enumerate((factor, factor * row, factor * (middle * middle + variance))):
        space[sums + k * stride : sums + (k + 1) * stride] += term
    space[target : target + stride] = factor * middle
    lists = counts[at + LISTS]
    for k, which in enumerate((positive, undecided)):
        units = np.flatnonzero(which)
        counts[at + DECIDED + k] = len(units)
        counts[lists + k * stride : lists + k * stride + len(units)] = units


def open_unit_reference(space: Array, counts: Array, at: int, unit: int, z: float, weight: float, target: int) -> float:
    """Write max(T_l + z, 0) of an open unit, add ``weight`` times the sums of P_l max(T_l + z, 0) to space[target …].

    What is added stands in the eight numbers of ``KEPT``, with ``weight``·Σ_l P_l max(T_l + z, 0)² at their end.
    Return the least |T_l + z|.
    """
    table, values, wide, chances, kept = counts[at + TABLE : at + KEPT + 1]
    own = space[table + unit * wide : table + (unit + 1) * wide] + z
    positive = np.maximum(own, 0.0)
    space[values + unit * wide : values + (unit + 1) * wide] = positive
    mass = space[chances : chances + wide] * positive
    added = weight * _sums(mass)
    space[target : target + LANES] += added
    space[kept : kept + LANES] = added
    space[kept + LANES] = weight * (mass * positive).sum()
    return float(np.abs(own).min())


def residual_row_reference(
    space: Array, counts: Array, at: int, weights: int, line: int, z: int, constant: float, residual: float,
    weight: float, mass: int, sums: int,
) -> float:  # fmt: skip
    """Write P_l·(residual + s_l) to space[mass …], leave ``weight`` times their sums in ``KEPT``, and return the first.

    s_l = Σ_j w_j max(T_jl + Z_j, 0), with w = space[weights …], of positive and open units; where ``line`` ≥ 0, and
    Σ_j v_j (T_jl + Z_j) of all units, v = space[weights + stride …], Σ_j v_j T_jl = space[line …]. ``weight`` times
    P g and P g² for g = constant + s are added to two vectors from ``sums`` on, lane by lane.
    """
    stride, _, _, own, _, table, values, wide, chances, kept, decided, undecided, lists = counts[at : at + PLACES]
    factors = space[weights : weights + stride]
    s = np.full(wide, factors @ space[own : own + stride])
    if line >= 0:
        s += space[weights + stride : weights + 2 * stride] @ space[z : z + stride] + space[line : line + wide]
    for begin, first, many in ((table, lists, decided), (values, lists + stride, undecided)):
        for j in counts[first : first + many]:
            s += factors[j] * space[begin + j * wide : begin + (j + 1) * wide]
    p = space[chances : chances + wide]
    g = constant + s
    for k, term in enumerate((p * g, p * g * g)):
        space[sums + LANES * k : sums + LANES * (k + 1)] += weight * term.reshape(-1, LANES).sum(axis=0)
    space[mass : mass + wide] = p * (residual + s)
    space[kept : kept + LANES] = weight * _sums(space[mass : mass + wide])
    return float(space[kept])


def masked_sums_reference(
    space: Array, counts: Array, at: int, unit: int, mass: int, weight: float, target: int
) -> float:
    """Add ``weight`` times the sums of space[mass + l] over the masks where an open unit is positive to
    space[target …]; return the first of what was added."""
    values, wide = counts[at + VALUES], counts[at + WIDE]
    positive = space[values + unit * wide : values + (unit + 1) * wide] > 0
    added = weight * _sums(np.where(positive, space[mass : mass + wide], 0.0))
    space[target : target + LANES] += added
    return float(added[0])


def halve_rows_reference(space: Array, at: int, half: int, count: int, target: int) -> None:
    """Add the upper ``half`` of twice as many rows of ``count`` numbers to the lower, and to space[target …]."""
    rows = space[at : at + 2 * half * count].reshape(2, half, count)
    space[target : target + count] += rows[1].sum(axis=0)
    rows[0] += rows[1]


class Tree:
    """Vectors that are added up in pairs, in the order in which they come; shares are the upper halves' sums."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._waiting: list[tuple[Any, list[Any]]] = []

    def take(self, vector: Any) -> None:
        """Take the next vector: halves of the same size are joined at once."""
        part: tuple[Any, list[Any]] = (vector, [])
        while self._waiting and len(self._waiting[-1][1]) == len(part[1]):
            total, shares = self._waiting.pop()
            add = self._builder.fadd
            joined = [add(a, b) for a, b in zip(shares, part[1], strict=True)]
            part = add(total, part[0]), [*joined, part[0]]
        self._waiting.append(part)

    def sums(self) -> Any:
        """Return the eight sums: of everything, of the lanes with bits 0, 1, 2, and of the shares."""
        ((total, shares),) = self._waiting
        lanes = []
        for bit in range(3):
            chosen = ir.Constant(ir.VectorType(_BIT, LANES), [lane >> bit & 1 for lane in range(LANES)])
            lanes.append(self._builder.select(chosen, total, ZERO))
        return transposed(self._builder, [total, *lanes, *shares, *[ZERO] * (4 - len(shares))])


def transposed(builder: Any, rows: list[Any]) -> Any:
    """Return a vector with the sum of the lanes of each of eight vectors, in three rounds of additions."""
    orders = (
        ([0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15]),
        ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
        ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
    )
    for pair in orders:
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), LANES), order) for order in pair]
        rows = [
            builder.fadd(*[builder.shuffle_vector(one, two, mask) for mask in masks])
            for one, two in zip(rows[::2], rows[1::2], strict=True)
        ]
    return rows[0]


def _by_width(builder: Any, wide: Any, write: Callable[[int], None]) -> None:
    """Write the code for 1, 2, 4, 8 and 16 vectors, and choose by how many numbers there are."""
    end, last = builder.append_basic_block("summed"), builder.append_basic_block("widest")
    switch = builder.switch(wide, last)
    for bits in range(BLOCK - 2):
        if bits < BLOCK - 3:
            block = builder.append_basic_block(f"wide_{1 << bits}")
            switch.add_case(number(LANES << bits), block)
        else:
            block = last
        builder.position_at_end(block)
        write(1 << bits)
        builder.branch(end)
    builder.position_at_end(end)


def _at(builder: Any, begin: Any, *offsets: Any) -> Any:
    """Return the pointer that many numbers further."""
    for offset in offsets:
        begin = builder.gep(begin, [offset if isinstance(offset, ir.Value) else number(offset)])
    return begin


def _record(context: Any, builder: Any, kinds: Any, values: Any) -> tuple[Any, Any, list[Any]]:
    """Return pointers to ``space`` and to the record, the second and third argument, and what the record holds."""
    begin = pointer_to(context, builder, kinds[0], values[0], number(0))
    record = pointer_to(context, builder, kinds[1], values[1], values[2])
    return begin, record, [builder.load(_at(builder, record, k)) for k in range(PLACES)]


def _smaller(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", one, other), one, other)


def _decide_units(typing: Any, space: Any, counts: Any, at: Any, z: Any, weight: Any, target: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin, record, place = _record(context, builder, signature.args, values)
        row, target = _at(builder, begin, values[3]), _at(builder, begin, values[5])
        stride, about, clear, own, sums = (
            place[STRIDE], *(_at(builder, begin, place[k]) for k in (ABOUT, CLEAR, OWN, SUMS)),
        )  # fmt: skip
        integers = pointer_to(context, builder, signature.args[1], values[1], number(0))
        first = _at(builder, integers, place[LISTS])
        lists = (first, _at(builder, first, stride))
        many = [cgutils.alloca_once_value(builder, number(0)) for _ in range(2)]
        factor, one = splat(builder, values[4]), splat(builder, ir.Constant(ir.DoubleType(), 1.0))
        bits = ir.IntType(LANES)

        def listed(which: Any, j: Any, k: int) -> None:
            which = builder.zext(which, INDEX)
            count = builder.load(many[k])
            for lane in range(LANES):
                builder.store(builder.add(j, number(lane)), builder.gep(lists[k], [count]))
                count = builder.add(count, builder.and_(builder.lshr(which, number(lane)), number(1)))
            builder.store(count, many[k])

        with cgutils.for_range_slice(builder, number(0), stride, number(LANES), INDEX) as (j, _):
            least, largest, mean, variance = (
                load(builder, _at(builder, about, j, builder.mul(stride, number(k)))) for k in range(4)
            )
            value = load(builder, _at(builder, row, j))
            positive = builder.fcmp_ordered(">", builder.fadd(value, least), ZERO)
            above = builder.fcmp_ordered(">", builder.fadd(value, largest), ZERO)
            mass = builder.select(positive, factor, ZERO)
            middle = builder.fadd(value, mean)
            store(builder, _at(builder, clear, j), builder.select(positive, one, ZERO))
            store(builder, _at(builder, own, j), builder.select(positive, value, ZERO))
            store(builder, _at(builder, target, j), builder.fmul(mass, middle))
            second = builder.fadd(builder.fmul(middle, middle), variance)
            terms = mass, builder.fmul(mass, value), builder.fmul(mass, second)
            for k, term in enumerate(terms):
                pointer = _at(builder, sums, j, builder.mul(stride, number(k)))
                store(builder, pointer, builder.fadd(load(builder, pointer), term))
            positive, above = builder.bitcast(positive, bits), builder.bitcast(above, bits)
            undecided = builder.and_(above, builder.not_(positive))
            for k, which in enumerate((positive, undecided)):
                with builder.if_then(builder.icmp_unsigned("!=", which, ir.Constant(bits, 0))):
                    listed(which, j, k)
        for k in range(2):
            builder.store(builder.load(many[k]), _at(builder, record, DECIDED + k))
        return context.get_dummy_value()

    integer, double = types.int64, types.float64
    return types.void(space, counts, integer, integer, double, integer), lower


def _open_unit(typing: Any, space: Any, counts: Any, at: Any, unit: Any, z: Any, weight: Any, target: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin, _, place = _record(context, builder, signature.args, values)
        shift = builder.mul(values[3], place[WIDE])
        table, target = _at(builder, begin, place[TABLE], shift), _at(builder, begin, place[VALUES], shift)
        chances, kept = _at(builder, begin, place[CHANCES]), _at(builder, begin, place[KEPT])
        z, added = splat(builder, values[4]), _at(builder, begin, values[6])
        size = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR]), f"llvm.fabs.v{LANES}f64"
        )
        found = [cgutils.alloca_once(builder, VECTOR) for _ in range(3)]

        def write(vectors: int) -> None:
            tree, second, nearest = Tree(builder), ZERO, None
            for v in range(vectors):
                own = builder.fadd(load(builder, _at(builder, table, LANES * v)), z)
                positive = builder.select(builder.fcmp_ordered(">", own, ZERO), own, ZERO)
                store(builder, _at(builder, target, LANES * v), positive)
                mass = builder.fmul(load(builder, _at(builder, chances, LANES * v)), positive)
                second = fused(builder, mass, positive, second)
                distance = builder.call(size, [own])
                nearest = distance if nearest is None else _smaller(builder, distance, nearest)
                tree.take(mass)
            for pointer, vector in zip(found, (tree.sums(), second, nearest), strict=True):
                builder.store(vector, pointer)

        _by_width(builder, place[WIDE], write)
        sums, second, nearest = (builder.load(pointer) for pointer in found)
        sums = builder.fmul(splat(builder, values[5]), sums)
        store(builder, added, builder.fadd(load(builder, added), sums))
        store(builder, kept, sums)
        builder.store(builder.fmul(values[5], across(builder, second)), _at(builder, kept, LANES))
        half = LANES // 2
        while half:
            upper = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(i + half) % LANES for i in range(LANES)])
            nearest = _smaller(builder, nearest, builder.shuffle_vector(nearest, nearest, upper))
            half //= 2
        return builder.extract_element(nearest, number(0))

    integer, double = types.int64, types.float64
    return double(space, counts, integer, integer, double, double, integer), lower


def _residual_row(
    typing: Any, space: Any, counts: Any, at: Any, weights: Any, line: Any, z: Any, constant: Any, residual: Any,
    weight: Any, mass: Any, sums: Any,
) -> Any:  # fmt: skip
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin, _, place = _record(context, builder, signature.args, values)
        integers = pointer_to(context, builder, signature.args[1], values[1], number(0))
        _, _, _, weights, line, z, constant, residual, weight, mass, sums = values
        factors, mass, sums = (_at(builder, begin, k) for k in (weights, mass, sums))
        chances, kept = _at(builder, begin, place[CHANCES]), _at(builder, begin, place[KEPT])
        stride, wide = place[STRIDE], place[WIDE]
        leaky = builder.icmp_signed(">=", line, number(0))
        shift = cgutils.alloca_once_value(builder, ZERO)
        own, row, slopes = _at(builder, begin, place[OWN]), _at(builder, begin, z), _at(builder, factors, stride)

        def dot(one: Any, other: Any) -> None:
            with cgutils.for_range_slice(builder, number(0), stride, number(LANES), INDEX) as (j, _):
                pair = (load(builder, _at(builder, one, j)), load(builder, _at(builder, other, j)))
                builder.store(fused(builder, *pair, builder.load(shift)), shift)

        dot(factors, own)
        with builder.if_then(leaky):
            dot(slopes, row)
        moved = across(builder, builder.load(shift))
        constant, residual = (splat(builder, builder.fadd(c, moved)) for c in (constant, residual))
        factor = splat(builder, weight)
        first = _at(builder, integers, place[LISTS])
        parts = (
            (_at(builder, begin, place[TABLE]), first, place[DECIDED]),
            (_at(builder, begin, place[VALUES]), _at(builder, first, stride), place[OPEN]),
        )
        found = [cgutils.alloca_once(builder, VECTOR) for _ in range(3)]
        for k in range(2):
            builder.store(ZERO, found[k])
        running = [cgutils.alloca_once(builder, VECTOR) for _ in range(4)]

        def write(vectors: int) -> None:
            tree, some = Tree(builder), min(vectors, len(running))
            for lane in range(0, vectors, some):
                for v in range(some):
                    builder.store(ZERO, running[v])
                with builder.if_then(leaky):
                    for v in range(some):
                        builder.store(load(builder, _at(builder, begin, line, LANES * (lane + v))), running[v])
                for rows, units, many in parts:
                    with cgutils.for_range(builder, many, intp=INDEX) as loop:
                        j = builder.load(_at(builder, units, loop.index))
                        own_weight = splat(builder, builder.load(_at(builder, factors, j)))
                        entry = _at(builder, rows, builder.mul(j, wide), LANES * lane)
                        for v in range(some):
                            value = load(builder, _at(builder, entry, LANES * v))
                            builder.store(fused(builder, own_weight, value, builder.load(running[v])), running[v])
                for v in range(some):
                    s, here = builder.load(running[v]), LANES * (lane + v)
                    p = load(builder, _at(builder, chances, here))
                    g = builder.fadd(constant, s)
                    term = builder.fmul(p, g)
                    builder.store(builder.fadd(builder.load(found[0]), term), found[0])
                    builder.store(fused(builder, term, g, builder.load(found[1])), found[1])
                    term = builder.fmul(p, builder.fadd(residual, s))
                    store(builder, _at(builder, mass, here), term)
                    tree.take(term)
            builder.store(tree.sums(), found[2])

        _by_width(builder, wide, write)
        for k in range(2):
            own = _at(builder, sums, LANES * k)
            store(builder, own, fused(builder, factor, builder.load(found[k]), load(builder, own)))
        eight = builder.fmul(factor, builder.load(found[2]))
        store(builder, kept, eight)
        return builder.extract_element(eight, number(0))

    integer, double = types.int64, types.float64
    return double(space, counts, *[integer] * 4, double, double, double, integer, integer), lower


def _masked_sums(typing: Any, space: Any, counts: Any, at: Any, unit: Any, mass: Any, weight: Any, target: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin, _, place = _record(context, builder, signature.args, values)
        own = _at(builder, begin, place[VALUES], builder.mul(values[3], place[WIDE]))
        mass, target = _at(builder, begin, values[4]), _at(builder, begin, values[6])
        found = cgutils.alloca_once(builder, VECTOR)

        def write(vectors: int) -> None:
            tree = Tree(builder)
            for v in range(vectors):
                positive = builder.fcmp_ordered(">", load(builder, _at(builder, own, LANES * v)), ZERO)
                tree.take(builder.select(positive, load(builder, _at(builder, mass, LANES * v)), ZERO))
            builder.store(tree.sums(), found)

        _by_width(builder, place[WIDE], write)
        sums = builder.fmul(splat(builder, values[5]), builder.load(found))
        store(builder, target, builder.fadd(load(builder, target), sums))
        return builder.extract_element(sums, number(0))

    integer, double = types.int64, types.float64
    return double(space, counts, integer, integer, integer, double, integer), lower


def _halve_rows(typing: Any, space: Any, at: Any, half: Any, count: Any, target: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin = pointer_to(context, builder, signature.args[0], values[0], number(0))
        _, at, half, count, target = values
        size = builder.mul(half, count)
        kept = cgutils.alloca_once(builder, VECTOR)
        with cgutils.for_range_slice(builder, number(0), count, number(LANES), INDEX) as (lane, _):
            own = _at(builder, begin, target, lane)
            builder.store(load(builder, own), kept)
            with cgutils.for_range(builder, half, intp=INDEX) as loop:
                row = _at(builder, begin, at, lane, builder.mul(loop.index, count))
                upper = load(builder, _at(builder, row, size))
                builder.store(builder.fadd(builder.load(kept), upper), kept)
                store(builder, row, builder.fadd(load(builder, row), upper))
            store(builder, own, builder.load(kept))
        return context.get_dummy_value()

    return types.void(space, *[types.int64] * 4), lower


decide_units, open_unit, halve_rows = lowered(_decide_units), lowered(_open_unit), lowered(_halve_rows)
residual_row, masked_sums = lowered(_residual_row), lowered(_masked_sums)
