"""Units of a layer whose sign is the same over a whole block of masks, in LLVM vectors.

A block is the masks of the units of a table. Of one row of pre-activations Z that the other units give, the j-th unit
has T_jl + Z_j on the l-th mask. It is decided where Z_j plus the least T_jl is positive, or Z_j plus the largest is
not; a rounded sum is monotone, so every T_jl + Z_j of the block has that sign as it is computed. A decided unit is
linear in T, and sums of T over sets of four units stand in a second table; only the others need a maximum.

Beside the operation stands the plain loop that it must agree with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.vectors import (
    INDEX,
    LANES,
    ZERO,
    cgutils,
    fused,
    load,
    lowered,
    number,
    pointer_to,
    splat,
    store,
)

__all__ = ["FOUR", "PLACES", "block_row", "block_row_reference", "signed_row", "signed_row_reference"]

FOUR = 4
"""Units of a set; an output has a multiple of so many rows."""

SETS = 1 << FOUR

ABOUT, STRIDE, TABLE, SETS_AT, WIDE, CHANCES, TOTALS, LISTS = range(8)
PLACES = 8
"""Where things stand in ``space``: of each unit the least and the largest T, its mean and its variance, ``stride``
numbers each; T, ``wide`` numbers of each unit; sums of T over sets; the probabilities of the block's masks; the four
vectors of sums; and where the lists of rows begin in ``counts``."""

_QUARTER = ir.VectorType(ir.DoubleType(), FOUR)
_BIT = ir.IntType(1)


def block_row_reference(
    space: Array, counts: Array, at: int, signs: Array, sign: int, first: int, rows: int, z: int, constant: float,
    weight: float,
) -> None:  # fmt: skip
    """Add ``weight`` times Σ_l P_l g, Σ_l P_l g² and Σ_l P_l v to four vectors of sums, lane by lane; v in two parts.

    g = constant + Σ_j s_j max(T_jl + Z_j, 0) and v = Σ_j max(T_jl + Z_j, 0)² over the units first … first + rows, with
    s_j = signs[sign + j] and Z_j = space[z + j]. The squares of undecided units are in the third vector; those of
    positive ones, Z_j plus the mean squared and the variance, in the fourth. ``counts`` holds from ``at`` on
    what :data:`PLACES` describes.
    """
    about, stride, table, _, wide, chances, totals = counts[at : at + 7]
    units = np.arange(first, first + rows)
    own, s = space[z + units], signs[sign + units]
    least, largest, mean, variance = (space[about + k * stride + units] for k in range(4))
    t = space[table + first * wide : table + (first + rows) * wide].reshape(rows, wide)
    positive = own + least > 0
    open_ = ~positive & (own + largest > 0)
    g = constant + (s * own)[positive].sum() + (s[:, None] * t)[positive].sum(axis=0)
    parts = np.maximum(t + own[:, None], 0.0)[open_]
    g = g + (s[open_, None] * parts).sum(axis=0)
    p = space[chances : chances + wide]
    for k, term in enumerate((p * g, p * g * g, p * (parts**2).sum(axis=0))):
        space[totals + LANES * k : totals + LANES * (k + 1)] += weight * term.reshape(-1, LANES).sum(axis=0)
    space[totals + 3 * LANES] += weight * ((own + mean) ** 2 + variance)[positive].sum()


def signed_row_reference(
    target: Array, t: int, count: int, source: Array, s: int, column: Array, c: int, sign: float
) -> None:
    """Set target[t : t + count] = source[s : s + count] + sign·column[c : c + count], rounded once."""
    target[t : t + count] = source[s : s + count] + sign * column[c : c + count]


def _quarter(builder: Any, pointer: Any) -> Any:
    loaded = builder.load(builder.bitcast(pointer, _QUARTER.as_pointer()))
    loaded.align = 8
    return loaded


def _block_row(
    typing: Any, space: Any, counts: Any, at: Any, signs: Any, sign: Any, first: Any, rows: Any, z: Any, constant: Any,
    weight: Any,
) -> Any:  # fmt: skip
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        _, _, at, _, sign, first, rows, z, constant, weight = values
        begin = pointer_to(context, builder, kinds[0], values[0], number(0))
        integers = pointer_to(context, builder, kinds[1], values[1], number(0))
        signs = builder.gep(pointer_to(context, builder, kinds[3], values[3], sign), [first])
        record = builder.gep(integers, [at])
        place = [builder.load(builder.gep(record, [number(k)])) for k in range(PLACES)]
        stride, wide = place[STRIDE], place[WIDE]
        own = builder.gep(begin, [builder.add(z, first)])
        about = builder.gep(begin, [builder.add(place[ABOUT], first)])
        linear = builder.gep(integers, [place[LISTS]])
        kinked = builder.gep(linear, [builder.sdiv(rows, number(FOUR))])
        kinked = builder.gep(kinked, [number(1)])
        zero = ir.Constant(_QUARTER, [0.0] * FOUR)

        some, many = (cgutils.alloca_once_value(builder, number(0)) for _ in range(2))
        shift = cgutils.alloca_once_value(builder, zero)
        noise = cgutils.alloca_once_value(builder, zero)
        with cgutils.for_range_slice(builder, number(0), rows, number(FOUR), INDEX) as (j, _):
            here = [builder.gep(about, [builder.add(j, builder.mul(stride, number(k)))]) for k in range(4)]
            least, largest, mean, variance = (_quarter(builder, pointer) for pointer in here)
            value, s = _quarter(builder, builder.gep(own, [j])), _quarter(builder, builder.gep(signs, [j]))
            positive = builder.fcmp_ordered(">", builder.fadd(value, least), zero)
            above = builder.fcmp_ordered(">", builder.fadd(value, largest), zero)
            term = builder.select(positive, builder.fmul(s, value), zero)
            builder.store(builder.fadd(builder.load(shift), term), shift)
            middle = builder.fadd(value, mean)
            squares = builder.select(positive, builder.fadd(builder.fmul(middle, middle), variance), zero)
            builder.store(builder.fadd(builder.load(noise), squares), noise)
            short = ir.IntType(FOUR)
            bits = builder.zext(builder.bitcast(positive, short), INDEX)
            group = builder.mul(builder.sdiv(builder.add(first, j), number(FOUR)), number(SETS))
            row = builder.mul(builder.add(group, bits), wide)
            count = builder.load(some)
            builder.store(builder.add(place[SETS_AT], row), builder.gep(linear, [count]))
            builder.store(builder.add(count, builder.zext(builder.icmp_signed("!=", bits, number(0)), INDEX)), some)
            doubtful = builder.xor(builder.bitcast(positive, short), builder.bitcast(above, short))
            with builder.if_then(builder.icmp_unsigned("!=", doubtful, ir.Constant(short, 0))):
                doubtful = builder.zext(doubtful, INDEX)
                for k in range(FOUR):
                    count = builder.load(many)
                    builder.store(builder.add(j, number(k)), builder.gep(kinked, [count]))
                    bit = builder.and_(builder.lshr(doubtful, number(k)), number(1))
                    builder.store(builder.add(count, bit), many)
        total = builder.load(shift)
        for k in range(FOUR):
            constant = builder.fadd(constant, builder.extract_element(total, number(k)))

        sums = [builder.gep(begin, [builder.add(place[TOTALS], number(LANES * k))]) for k in range(4)]
        factor = splat(builder, weight)
        narrow = builder.bitcast(sums[3], _QUARTER.as_pointer())
        splatted = builder.shuffle_vector(factor, factor, ir.Constant(ir.VectorType(ir.IntType(32), FOUR), [0] * FOUR))
        before = _quarter(builder, sums[3])
        builder.store(builder.fadd(before, builder.fmul(splatted, builder.load(noise))), narrow).align = 8

        base = splat(builder, constant)
        few, open_units = builder.load(some), builder.load(many)
        running = [cgutils.alloca_once_value(builder, ZERO) for _ in range(3)]

        def sweep(vectors: int) -> None:
            g = [cgutils.alloca_once(builder, ZERO.type) for _ in range(vectors)]
            v = [cgutils.alloca_once(builder, ZERO.type) for _ in range(vectors)]
            with cgutils.for_range_slice(builder, number(0), wide, number(vectors * LANES), INDEX) as (lane, _):
                for k in range(vectors):
                    builder.store(base, g[k])
                    builder.store(ZERO, v[k])
                with cgutils.for_range(builder, few, intp=INDEX) as loop:
                    row = builder.add(builder.load(builder.gep(linear, [loop.index])), lane)
                    for k in range(vectors):
                        entry = load(builder, builder.gep(begin, [builder.add(row, number(LANES * k))]))
                        builder.store(builder.fadd(builder.load(g[k]), entry), g[k])
                with cgutils.for_range(builder, open_units, intp=INDEX) as loop:
                    j = builder.load(builder.gep(kinked, [loop.index]))
                    value = splat(builder, builder.load(builder.gep(own, [j])))
                    s = splat(builder, builder.load(builder.gep(signs, [j])))
                    row = builder.add(place[TABLE], builder.mul(builder.add(first, j), wide))
                    row = builder.add(row, lane)
                    for k in range(vectors):
                        entry = load(builder, builder.gep(begin, [builder.add(row, number(LANES * k))]))
                        entry = builder.fadd(entry, value)
                        entry = builder.select(builder.fcmp_ordered(">", entry, ZERO), entry, ZERO)
                        builder.store(fused(builder, s, entry, builder.load(g[k])), g[k])
                        builder.store(fused(builder, entry, entry, builder.load(v[k])), v[k])
                for k in range(vectors):
                    p = load(
                        builder,
                        builder.gep(begin, [builder.add(place[CHANCES], builder.add(lane, number(LANES * k)))]),
                    )
                    value = builder.load(g[k])
                    mass = builder.fmul(p, value)
                    builder.store(builder.fadd(builder.load(running[0]), mass), running[0])
                    builder.store(fused(builder, mass, value, builder.load(running[1])), running[1])
                    builder.store(fused(builder, p, builder.load(v[k]), builder.load(running[2])), running[2])

        with builder.if_else(builder.icmp_signed("<", wide, number(2 * LANES))) as (then, otherwise):
            with then:
                sweep(1)
            with otherwise:
                sweep(2)
        for k in range(3):
            store(builder, sums[k], fused(builder, factor, builder.load(running[k]), load(builder, sums[k])))
        return context.get_dummy_value()

    integer = types.int64
    return types.void(
        space, counts, integer, signs, integer, integer, integer, integer, types.float64, types.float64
    ), lower


def _signed_row(
    typing: Any, target: Any, t: Any, count: Any, source: Any, s: Any, column: Any, c: Any, sign: Any
) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        places = [pointer_to(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 3, 5)]
        sign = splat(builder, values[7])
        with cgutils.for_range_slice(builder, number(0), values[2], number(LANES), INDEX) as (k, _):
            source, column = (load(builder, builder.gep(place, [k])) for place in places[1:])
            store(builder, builder.gep(places[0], [k]), fused(builder, sign, column, source))
        return context.get_dummy_value()

    integer = types.int64
    return types.void(target, integer, integer, source, integer, column, integer, types.float64), lower


block_row, signed_row = lowered(_block_row), lowered(_signed_row)
