"""Two steps of the gradient by tables in LLVM vectors: residuals of all masks, and their sums where a unit is active.

Numba's own vectoriser takes half a register of AVX-512 and fuses nothing. Interpreted code calls the plain functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import overload

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.vectors import (
    INDEX,
    LANES,
    ROWS,
    cgutils,
    fused,
    load,
    lowered,
    number,
    pointer_to,
    splat,
    store,
    written_out,
)

__all__ = ["PART", "WIDTH", "add_eight_where_positive", "add_weighted_maxima"]

WIDTH, PART = 256, 32
"""Masks of the low bits, and how many of their sums are kept apart for each middle bit."""

MANY = 4
"""Vectors that are summed at once, so that a weight is loaded once for all of them."""


def add_weighted_maxima(
    lanes: Array, at: int, width: int, tables: Array, stride: int, weights: Array, limits: int, rows: int
) -> None:
    """Add Σ_j w_j max(T_jl, v_j) to lanes[at + l], l < ``width``, unit after unit.

    T_j is ``tables`` from j·stride on, w_j is ``weights[j]`` and v_j ``weights[limits + j]``; ``rows`` is a multiple of
    4. A width below 8, or between 8 and a multiple of 8, is filled up: what is beyond it is overwritten by anything.
    """
    for j in range(rows):
        larger = np.maximum(tables[j * stride : j * stride + width], weights[limits + j])
        lanes[at : at + width] += weights[j] * larger


def add_eight_where_positive(
    tables: Array, t: int, width: int, lanes: Array, limits: Array, at: int, weights: Array, sums: Array, s: int,
    block: Array,
) -> None:  # fmt: skip
    """Add r·1(T > −Z) of eight middle masks: all of them, and those with each middle bit.

    ``width`` is that of the table, a multiple of PART. T is ``tables`` from t on, r of the c-th mask ``lanes`` from
    c·WIDTH on, its −Z ``limits[at + c]``. ``block`` gets the sum of all eight times the probabilities ``weights`` of
    the low bits; ``sums`` holds from s on all masks, and then, in PART lanes each, those that keep the first, the
    second and the third middle unit.
    """
    masked = [
        np.where(tables[t : t + width] > limits[at + c], lanes[c * WIDTH : c * WIDTH + width], 0.0) for c in range(8)
    ]
    m0, m1, m2, m3, m4, m5, m6, m7 = masked
    upper = (m4 + m5) + (m6 + m7)
    everything = ((m0 + m1) + (m2 + m3)) + upper
    block[:width] = everything * weights[:width]
    sums[s : s + width] += everything
    for bit, kept in enumerate(((m1 + m3) + (m5 + m7), (m2 + m3) + (m6 + m7), upper)):
        first = s + WIDTH + bit * PART
        sums[first : first + PART] += (kept * weights[:width]).reshape(-1, PART).sum(axis=0)


def _typed(
    typing: Any, lanes: Any, at: Any, width: Any, tables: Any, stride: Any, weights: Any, limits: Any, rows: Any
) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        _, _, width, _, stride, _, limits, rows = values
        target = pointer_to(context, builder, kinds[0], values[0], values[1])
        table = pointer_to(context, builder, kinds[3], values[3], number(0))
        weights = pointer_to(context, builder, kinds[5], values[5], number(0))
        least = builder.gep(weights, [limits])

        def sweep(few: int, many: int) -> None:
            """All lanes, ``many`` vectors at a time, with ``few`` rows written out, or a loop where ``few`` is 0."""
            sums = [cgutils.alloca_once(builder, ir.VectorType(ir.DoubleType(), LANES)) for _ in range(many)]

            def row(place: Any, index: Any) -> None:
                entry = builder.gep(table, [builder.add(builder.mul(index, stride), place)])
                weight = splat(builder, builder.load(builder.gep(weights, [index])))
                limit = splat(builder, builder.load(builder.gep(least, [index])))
                for v in range(many):
                    lane = load(builder, builder.gep(entry, [number(LANES * v)]))
                    larger = builder.select(builder.fcmp_ordered(">", lane, limit), lane, limit)
                    builder.store(fused(builder, weight, larger, builder.load(sums[v])), sums[v])

            with cgutils.for_range_slice(builder, number(0), width, number(many * LANES), INDEX) as (place, _):
                for v in range(many):
                    own = builder.gep(target, [builder.add(place, number(LANES * v))])
                    builder.store(load(builder, own), sums[v])
                for k in range(few):
                    row(place, number(k))
                if not few:
                    with cgutils.for_range_slice(builder, number(0), rows, number(ROWS), INDEX) as (index, _):
                        for k in range(ROWS):
                            row(place, builder.add(index, number(k)))
                for v in range(many):
                    own = builder.gep(target, [builder.add(place, number(LANES * v))])
                    store(builder, own, builder.load(sums[v]))

        with builder.if_else(builder.icmp_signed("<", width, number(MANY * LANES))) as (then, otherwise):
            with then:
                sweep(0, 1)
            with otherwise:
                written_out(builder, rows, lambda few: sweep(few, MANY))
        return context.get_dummy_value()

    integer = types.int64
    return types.void(lanes, integer, integer, tables, integer, weights, integer, integer), lower


_lowered: Any = lowered(_typed)


def _compiled(lanes: Any, at: Any, width: Any, tables: Any, stride: Any, weights: Any, limits: Any, rows: Any) -> Any:
    return lambda lanes, at, width, tables, stride, weights, limits, rows: _lowered(  # noqa: PLW0108
        lanes, at, width, tables, stride, weights, limits, rows
    )


overload(add_weighted_maxima, strict=False)(_compiled)


def _typed_eight(
    typing: Any, tables: Any, t: Any, width: Any, lanes: Any, limits: Any, at: Any, weights: Any, sums: Any, s: Any,
    block: Any,
) -> Any:  # fmt: skip
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        table, limit, total = (pointer_to(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 4, 7))
        rest = {k: pointer_to(context, builder, kinds[k], values[k], number(0)) for k in (3, 6, 9)}
        least = [splat(builder, builder.load(builder.gep(limit, [number(c)]))) for c in range(8)]
        kept = [cgutils.alloca_once(builder, ir.VectorType(ir.DoubleType(), LANES)) for _ in range(3)]
        zero = ir.Constant(ir.VectorType(ir.DoubleType(), LANES), [0.0] * LANES)

        def part(place: Any) -> None:
            own = load(builder, builder.gep(table, [place]))
            m = []
            for c in range(8):
                r = load(builder, builder.gep(rest[3], [builder.add(place, number(c * WIDTH))]))
                m.append(builder.select(builder.fcmp_ordered(">", own, least[c]), r, zero))
            add = builder.fadd
            s23, s67 = add(m[2], m[3]), add(m[6], m[7])
            upper = add(add(m[4], m[5]), s67)
            everything = add(add(add(m[0], m[1]), s23), upper)
            weight = load(builder, builder.gep(rest[6], [place]))
            store(builder, builder.gep(rest[9], [place]), builder.fmul(everything, weight))
            target = builder.gep(total, [place])
            store(builder, target, add(load(builder, target), everything))
            for bit, value in enumerate((add(add(m[1], m[3]), add(m[5], m[7])), add(s23, s67), upper)):
                builder.store(fused(builder, value, weight, builder.load(kept[bit])), kept[bit])

        with cgutils.for_range_slice(builder, number(0), number(PART), number(LANES), INDEX) as (lane, _):
            places = [builder.gep(total, [builder.add(lane, number(WIDTH + bit * PART))]) for bit in range(3)]
            for bit in range(3):
                builder.store(load(builder, places[bit]), kept[bit])
            with cgutils.for_range_slice(builder, number(0), values[2], number(PART), INDEX) as (begin, _):
                part(builder.add(begin, lane))
            for bit in range(3):
                store(builder, places[bit], builder.load(kept[bit]))
        return context.get_dummy_value()

    integer = types.int64
    return types.void(tables, integer, integer, lanes, limits, integer, weights, sums, integer, block), lower


_lowered_eight: Any = lowered(_typed_eight)


def _compiled_eight(
    tables: Any, t: Any, width: Any, lanes: Any, limits: Any, at: Any, weights: Any, sums: Any, s: Any, block: Any
) -> Any:
    return lambda tables, t, width, lanes, limits, at, weights, sums, s, block: _lowered_eight(  # noqa: PLW0108
        tables, t, width, lanes, limits, at, weights, sums, s, block
    )


overload(add_eight_where_positive, strict=False)(_compiled_eight)
