"""The innermost loops over masks, eight masks in the eight lanes of a vector, written as LLVM vector instructions.

Numba's automatic vectoriser takes 256 bits at most and keeps sums in memory. Here vectors have always 8 lanes of
float64, so that the same additions happen in the same order on every machine; LLVM maps one vector to one AVX-512
register, two of AVX2 or four of SSE2. Fused multiply-add is the IEEE operation everywhere.

Beside each stands the plain loop that it must agree with.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.vectors import (
    INDEX,
    LANES,
    ROWS,
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
    written_out,
)

__all__ = [
    "LANES",
    "ROWS",
    "add_rows",
    "add_rows_reference",
    "copy_row",
    "copy_row_reference",
    "double_rows",
    "double_rows_reference",
    "fold_lanes",
    "fold_lanes_reference",
    "lane_table",
    "lane_table_reference",
    "mix_rows",
    "mix_rows_reference",
    "panel_1",
    "panel_4",
    "panel_reference",
    "scale_row",
    "scale_row_reference",
]


def panel_reference(
    table: Array, t: int, sums: Array, s: int, stride: int, signs: Array, first: int, rows: int, constant: float,
    slope: float, relu: bool, even: bool, weights: Array, w: int, totals: Array, at: int, height: int = 1,
) -> None:  # fmt: skip
    """Add Σ_h w_h g, Σ_h w_h g² and Σ_h w_h v to three vectors of ``totals``, for h = 0, …, height − 1.

    Where ``even``, w_h = 1 is taken, as equal weights can be multiplied later, and the squares that make v are added
    one by one to a vector of ``totals`` for each h, from the third on.

    In each lane, g = constant + Σ_j signs[first + j] φ(T_j + Z_hj) and v = Σ_j φ(T_j + Z_hj)². T is ``table`` from
    ``t`` on, 8 lanes for each of the ``rows``, a multiple of 4; Z_h is ``sums`` from s + h·stride on; w_h is
    ``weights[w + h]``; φ(z) = max(z, 0), or slope·z for z ≤ 0 where ``relu`` is false.
    """
    for h in range(height):
        own = slice(at + LANES * (2 + h), at + LANES * (3 + h))
        g, v = np.full(LANES, constant), totals[own].copy() if even else np.zeros(LANES)
        for j in range(rows):
            z = table[t + LANES * j : t + LANES * (j + 1)] + sums[s + h * stride + j]
            value = np.where(z > 0, z, 0.0 if relu else slope * z)
            g = g + signs[first + j] * value
            v = v + value * value
        if even:
            totals[own] = v
        for k, term in enumerate((g, g * g) if even else (g, g * g, v)):
            totals[at + LANES * k : at + LANES * (k + 1)] += term if even else weights[w + h] * term


def copy_row_reference(target: Array, t: int, count: int, source: Array, s: int) -> None:
    """Set target[t : t + count] = source[s : s + count]; ``count`` is a multiple of 8, here and below."""
    target.reshape(-1)[t : t + count] = source[s : s + count]


def add_rows_reference(target: Array, t: int, count: int, source: Array, s: int, column: Array, c: int) -> None:
    """Set target[t : t + count] = source[s : s + count] + column[c : c + count]."""
    target[t : t + count] = source[s : s + count] + column[c : c + count]


def double_rows_reference(target: Array, rows: int, count: int, column: Array, c: int) -> None:
    """Write ``rows`` rows after as many rows of ``target``: row l plus column[c : c + count] to row rows + l."""
    for l in range(rows):
        here, there = l * count, (rows + l) * count
        target[there : there + count] = target[here : here + count] + column[c : c + count]


def scale_row_reference(target: Array, t: int, count: int, column: Array, c: int, factor: float) -> None:
    """Set target[t : t + count] = factor · column[c : c + count]."""
    target[t : t + count] = factor * column[c : c + count]


def mix_rows_reference(
    target: Array, t: int, count: int, dropped: Array, d: int, kept: Array, k: int, drop: float, keep: float
) -> None:
    """Set target[t : t + count] = drop · dropped[d : d + count] + keep · kept[k : k + count]."""
    target[t : t + count] = drop * dropped[d : d + count] + keep * kept[k : k + count]


def fold_lanes_reference(values: Array, v: int, totals: Array, weights: Array, w: int) -> None:
    """Set values[v + k] = Σ_l weights[w + l] · totals[8k + l] for k = 0, 1, 2, by halving, the rest of the vector and
    ``totals`` to 0."""
    values[v : v + LANES] = 0.0
    for k in range(3):
        vector = weights[w : w + LANES] * totals[LANES * k : LANES * (k + 1)]
        for half in (4, 2, 1):
            vector = vector[:half] + vector[half : 2 * half]
        values[v + k] = vector[0]
        totals[LANES * k : LANES * (k + 1)] = 0.0


def lane_table_reference(table: Array, own: Array, first: int, second: int, third: int, units: int) -> None:
    """Write for each unit j its 8 subset sums of own[first + j], own[second + j], own[third + j] (bits 0, 1, 2)."""
    for j, lane in itertools.product(range(units), range(LANES)):
        terms = (own[place + j] * (lane >> bit & 1) for bit, place in enumerate((first, second, third)))
        table[LANES * j + lane] = sum(terms, 0.0)


def _panel(height: int) -> Any:
    """Return the panel of ``height`` rows of partial sums: 2·height sums stay in registers over all units."""

    def build(
        typing: Any, table: Any, t: Any, sums: Any, s: Any, stride: Any, signs: Any, first: Any, rows: Any,
        constant: Any, slope: Any, relu: Any, even: Any, weights: Any, w: Any, totals: Any, at: Any,
    ) -> Any:  # fmt: skip
        signature = types.void(
            table, t, sums, s, stride, signs, first, rows, constant, slope, relu, even, weights, w, totals, at
        )

        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds = signature.args
            stride, rows, constant, slope, relu, even = (values[k] for k in (4, 7, 8, 9, 10, 11))
            lanes, begin, signs, weights, target = (
                pointer_to(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 2, 5, 12, 14)
            )
            partial = [builder.gep(begin, [builder.mul(stride, number(h))]) for h in range(height)]
            outer = [cgutils.alloca_once(builder, VECTOR) for _ in range(height)]
            square = [cgutils.alloca_once(builder, VECTOR) for _ in range(height)]
            alike = builder.icmp_signed("!=", even, ir.Constant(even.type, 0))
            running = [builder.gep(target, [number(LANES * (2 + h))]) for h in range(height)]
            for h in range(height):
                builder.store(splat(builder, constant), outer[h])
                builder.store(ZERO, square[h])
            with builder.if_then(alike):
                for h in range(height):
                    builder.store(load(builder, running[h]), square[h])
            leak = splat(builder, slope)

            def row(index: Any, leaky: bool) -> None:
                lane = load(builder, builder.gep(lanes, [builder.mul(index, number(LANES))]))
                sign = splat(builder, builder.load(builder.gep(signs, [index])))
                for h in range(height):
                    z = builder.fadd(lane, splat(builder, builder.load(builder.gep(partial[h], [index]))))
                    above = builder.fcmp_ordered(">", z, ZERO)
                    value = builder.select(above, z, builder.fmul(leak, z) if leaky else ZERO)
                    builder.store(fused(builder, sign, value, builder.load(outer[h])), outer[h])
                    builder.store(fused(builder, value, value, builder.load(square[h])), square[h])

            def sweep(few: int, leaky: bool = False) -> None:
                for k in range(few):
                    row(number(k), leaky)
                if not few:
                    with cgutils.for_range_slice(builder, number(0), rows, number(ROWS), INDEX) as (index, _):
                        for k in range(ROWS):
                            row(builder.add(index, number(k)), leaky)

            with builder.if_else(builder.icmp_signed("!=", relu, ir.Constant(relu.type, 0))) as (then, otherwise):
                with then:
                    if height == 1:  # for trees of few masks, where nothing is gained by code for each number of rows
                        sweep(0)
                    else:
                        written_out(builder, rows, sweep)
                with otherwise:
                    sweep(0, True)
            places = [builder.gep(target, [number(LANES * k)]) for k in range(3)]

            def gather(weighted: bool) -> None:
                first, second, noise = (load(builder, place) for place in places)
                for h in range(height):
                    g, v = builder.load(outer[h]), builder.load(square[h])
                    mass = g
                    if weighted:
                        weight = splat(builder, builder.load(builder.gep(weights, [number(h)])))
                        mass = builder.fmul(weight, g)
                        noise = fused(builder, weight, v, noise)
                    else:
                        store(builder, running[h], v)
                    first = builder.fadd(first, mass)
                    second = fused(builder, mass, g, second)
                for place, vector in zip(places[: 3 if weighted else 2], (first, second, noise), strict=False):
                    store(builder, place, vector)

            with builder.if_else(alike) as (then, otherwise):
                with then:
                    gather(False)
                with otherwise:
                    gather(True)
            return context.get_dummy_value()

        return signature, lower

    return lowered(build)


panel_1, panel_4 = _panel(1), _panel(4)


def _each(context: Any, builder: Any, kinds: Any, values: Any, operands: tuple[int, ...], combine: Any) -> Any:
    """Set vector after vector of target[t : t + count] to ``combine`` of the arrays at the places ``operands``.

    The arguments of every such operation begin with target, t, count; each array is followed by its offset.
    """
    target = pointer_to(context, builder, kinds[0], values[0], values[1])
    sources = [pointer_to(context, builder, kinds[place], values[place], values[place + 1]) for place in operands]
    with cgutils.for_range_slice(builder, number(0), values[2], number(LANES), INDEX) as (k, _):
        vectors = [load(builder, builder.gep(source, [k])) for source in sources]
        store(builder, builder.gep(target, [k]), combine(*vectors))
    return context.get_dummy_value()


def _copy_row(typing: Any, target: Any, t: Any, count: Any, source: Any, s: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _each(context, builder, signature.args, values, (3,), lambda x: x)

    return types.void(target, t, count, source, s), lower


def _add_rows(typing: Any, target: Any, t: Any, count: Any, source: Any, s: Any, column: Any, c: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _each(context, builder, signature.args, values, (3, 5), builder.fadd)

    return types.void(target, t, count, source, s, column, c), lower


def _double_rows(typing: Any, target: Any, rows: Any, count: Any, column: Any, c: Any) -> Any:
    """The column stays in a register; four rows at a time where there are so many (their number is a power of 2)."""

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, rows, count, _, _ = values
        begin = pointer_to(context, builder, signature.args[0], values[0], number(0))
        column = pointer_to(context, builder, signature.args[3], values[3], values[4])
        size = builder.mul(rows, count)

        def sweep(lane: Any, added: Any, few: int) -> None:
            with cgutils.for_range_slice(builder, number(0), rows, number(few), INDEX) as (row, _):
                for k in range(few):
                    place = builder.gep(begin, [builder.add(builder.mul(builder.add(row, number(k)), count), lane)])
                    store(builder, builder.gep(place, [size]), builder.fadd(load(builder, place), added))

        with cgutils.for_range_slice(builder, number(0), count, number(LANES), INDEX) as (lane, _):
            added = load(builder, builder.gep(column, [lane]))
            with builder.if_else(builder.icmp_signed("<", rows, number(4))) as (then, otherwise):
                with then:
                    sweep(lane, added, 1)
                with otherwise:
                    sweep(lane, added, 4)
        return context.get_dummy_value()

    return types.void(target, rows, count, column, c), lower


def _scale_row(typing: Any, target: Any, t: Any, count: Any, column: Any, c: Any, factor: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        factor = splat(builder, values[5])
        return _each(context, builder, signature.args, values, (3,), lambda x: builder.fmul(factor, x))

    return types.void(target, t, count, column, c, factor), lower


def _mix_rows(
    typing: Any, target: Any, t: Any, count: Any, dropped: Any, d: Any, kept: Any, k: Any, drop: Any, keep: Any
) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        q, p = splat(builder, values[7]), splat(builder, values[8])

        def mix(dropped: Any, kept: Any) -> Any:
            return builder.fadd(builder.fmul(q, dropped), builder.fmul(p, kept))

        return _each(context, builder, signature.args, values, (3, 5), mix)

    return types.void(target, t, count, dropped, d, kept, k, drop, keep), lower


def _lane_table(typing: Any, table: Any, own: Any, first: Any, second: Any, third: Any, units: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin = pointer_to(context, builder, signature.args[0], values[0], number(0))
        columns = [pointer_to(context, builder, signature.args[1], values[1], place) for place in values[2:5]]
        with cgutils.for_range(builder, values[5], intp=INDEX) as loop:
            total = ZERO
            for bit, column in enumerate(columns):
                kept = ir.Constant(VECTOR, [float(lane >> bit & 1) for lane in range(LANES)])
                entry = splat(builder, builder.load(builder.gep(column, [loop.index])))
                total = fused(builder, entry, kept, total)
            store(builder, builder.gep(begin, [builder.mul(loop.index, number(LANES))]), total)
        return context.get_dummy_value()

    return types.void(table, own, first, second, third, units), lower


def _fold_lanes(typing: Any, values: Any, v: Any, totals: Any, weights: Any, w: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        target = pointer_to(context, builder, kinds[0], arguments[0], arguments[1])
        totals = pointer_to(context, builder, kinds[2], arguments[2], number(0))
        weights = load(builder, pointer_to(context, builder, kinds[3], arguments[3], arguments[4]))
        result = ZERO
        for k in range(3):
            place = builder.gep(totals, [number(LANES * k)])
            vector = builder.fmul(weights, load(builder, place))
            total = across(builder, vector)
            result = builder.insert_element(result, total, number(k))
            store(builder, place, ZERO)
        store(builder, target, result)
        return context.get_dummy_value()

    return types.void(values, v, totals, weights, w), lower


copy_row, add_rows, scale_row, mix_rows = (lowered(f) for f in (_copy_row, _add_rows, _scale_row, _mix_rows))
lane_table, fold_lanes, double_rows = lowered(_lane_table), lowered(_fold_lanes), lowered(_double_rows)
