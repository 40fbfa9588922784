"""The innermost loops over masks, eight masks in the eight lanes of a vector, written as LLVM vector instructions.

Numba's automatic vectoriser takes 256 bits at most and keeps sums in memory. Here vectors have always 8 lanes of
float64, so that the same additions happen in the same order on every machine; LLVM maps one vector to one AVX-512
register, two of AVX2 or four of SSE2. Fused multiply-add is the IEEE operation everywhere.

Beside each stands the plain loop that it must agree with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

from exactdropout.model.numbers import Array

__all__ = [
    "LANES",
    "ROWS",
    "add_rows",
    "add_rows_reference",
    "copy_row",
    "copy_row_reference",
    "fold_lanes",
    "fold_lanes_reference",
    "lane_table",
    "lane_table_reference",
    "maximum_panel",
    "maximum_panel_reference",
    "mix_rows",
    "mix_rows_reference",
    "negated_sum",
    "negated_sum_reference",
    "panel_1",
    "panel_2",
    "panel_4",
    "panel_reference",
    "scale_row",
    "scale_row_reference",
]

LANES = 8
ROWS = 4
cgutils: Any = untyped_cgutils
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_INDEX = ir.IntType(64)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)


def panel_reference(
    table: Array, t: int, sums: Array, s: int, stride: int, signs: Array, first: int, rows: int, constant: float,
    slope: float, relu: bool, weights: Array, w: int, totals: Array, at: int, height: int = 1,
) -> None:  # fmt: skip
    """Add Σ_h w_h g, Σ_h w_h g² and Σ_h w_h v to three vectors of ``totals``, for h = 0, …, height − 1.

    In each lane, g = constant + Σ_j signs[first + j] φ(T_j + Z_hj) and v = Σ_j φ(T_j + Z_hj)². T is ``table`` from
    ``t`` on, 8 lanes for each of the ``rows``, a multiple of 4; Z_h is ``sums`` from s + h·stride on; w_h is
    ``weights[w + h]``; φ(z) = max(z, 0), or slope·z for z ≤ 0 where ``relu`` is false.
    """
    for h in range(height):
        g, v = np.full(LANES, constant), np.zeros(LANES)
        for j in range(rows):
            z = table[t + LANES * j : t + LANES * (j + 1)] + sums[s + h * stride + j]
            value = np.where(z > 0, z, 0.0 if relu else slope * z)
            g = g + signs[first + j] * value
            v = v + value * value
        for k, term in enumerate((g, g * g, v)):
            totals[at + LANES * k : at + LANES * (k + 1)] += weights[w + h] * term


def maximum_panel_reference(
    table: Array, width: int, sums: Array, stride: int, signs: Array, rows: int, constants: Array, line: Array,
    lined: bool, weights: Array, w: int, weighted: bool, seconds: Array,
) -> None:  # fmt: skip
    """Add Σ_h w_h g² to each lane l < ``width`` of ``seconds``, for h = 0, …, 3, or Σ_h g² where not ``weighted``.

    g = constants[h] + Σ_j signs_j max(T_jl, N_hj), and + line[l] where ``lined``. T is ``table``, ``width`` lanes for
    each of the ``rows``, N_h is ``sums`` from h·stride on; ``width`` is a multiple of 32 and ``rows`` of 4.
    """
    for h in range(4):
        g = np.full(width, constants[h]) + (line[:width] if lined else 0.0)
        for j in range(rows):
            g = g + signs[j] * np.maximum(table[width * j : width * (j + 1)], sums[h * stride + j])
        seconds[:width] += weights[w + h] * (g * g) if weighted else g * g


def negated_sum_reference(
    target: Array, t: int, count: int, row: Array, r: int, high: Array, h: int, signs: Array
) -> float:
    """Set target[t : t + count] = −(row + high), and return Σ_j signs_j (row_j + high_j), added lane by lane."""
    total = row[r : r + count] + high[h : h + count]
    target[t : t + count] = -total
    lanes = (signs[:count] * total).reshape(-1, LANES).sum(axis=0)
    for half in (4, 2, 1):
        lanes = lanes[:half] + lanes[half : 2 * half]
    return float(lanes[0])


def copy_row_reference(target: Array, t: int, count: int, source: Array, s: int) -> None:
    """Set target[t : t + count] = source[s : s + count]; ``count`` is a multiple of 8, here and below."""
    target.reshape(-1)[t : t + count] = source[s : s + count]


def add_rows_reference(target: Array, t: int, count: int, source: Array, s: int, column: Array, c: int) -> None:
    """Set target[t : t + count] = source[s : s + count] + column[c : c + count]."""
    target[t : t + count] = source[s : s + count] + column[c : c + count]


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


def _number(value: int) -> Any:
    return ir.Constant(_INDEX, value)


def _splat(builder: Any, scalar: Any) -> Any:
    """Return a vector with the scalar in each lane."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _load(builder: Any, pointer: Any) -> Any:
    loaded = builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()))
    loaded.align = 8
    return loaded


def _store(builder: Any, pointer: Any, vector: Any) -> None:
    builder.store(vector, builder.bitcast(pointer, _VECTOR.as_pointer())).align = 8


def _fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x·y + z, rounded once."""
    signature = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{LANES}f64"), [x, y, z])


def _at(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _lowered(build: Callable[..., Any]) -> Any:
    return intrinsic(build)


def _written_out(builder: Any, rows: Any, sweep: Callable[[int], None]) -> None:
    """Call ``sweep(few)`` for 4, 8, 12 or 16 rows, which it writes out without a branch, else ``sweep(0)``."""
    end = builder.append_basic_block("swept")
    other = builder.append_basic_block("many_rows")
    switch = builder.switch(rows, other)
    for few in range(ROWS, 4 * ROWS + 1, ROWS):
        block = builder.append_basic_block(f"rows_{few}")
        switch.add_case(_number(few), block)
        builder.position_at_end(block)
        sweep(few)
        builder.branch(end)
    builder.position_at_end(other)
    sweep(0)
    builder.branch(end)
    builder.position_at_end(end)


def _panel(height: int) -> Any:
    """Return the panel of ``height`` rows of partial sums: 2·height sums stay in registers over all units."""

    def build(
        typing: Any, table: Any, t: Any, sums: Any, s: Any, stride: Any, signs: Any, first: Any, rows: Any,
        constant: Any, slope: Any, relu: Any, weights: Any, w: Any, totals: Any, at: Any,
    ) -> Any:  # fmt: skip
        signature = types.void(
            table, t, sums, s, stride, signs, first, rows, constant, slope, relu, weights, w, totals, at
        )

        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds = signature.args
            stride, rows, constant, slope, relu = values[4], values[7], values[8], values[9], values[10]
            lanes, begin, signs, weights, target = (
                _at(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 2, 5, 11, 13)
            )
            partial = [builder.gep(begin, [builder.mul(stride, _number(h))]) for h in range(height)]
            outer = [cgutils.alloca_once(builder, _VECTOR) for _ in range(height)]
            square = [cgutils.alloca_once(builder, _VECTOR) for _ in range(height)]
            for h in range(height):
                builder.store(_splat(builder, constant), outer[h])
                builder.store(_ZERO, square[h])
            leak = _splat(builder, slope)

            def row(index: Any, leaky: bool) -> None:
                lane = _load(builder, builder.gep(lanes, [builder.mul(index, _number(LANES))]))
                sign = _splat(builder, builder.load(builder.gep(signs, [index])))
                for h in range(height):
                    z = builder.fadd(lane, _splat(builder, builder.load(builder.gep(partial[h], [index]))))
                    above = builder.fcmp_ordered(">", z, _ZERO)
                    value = builder.select(above, z, builder.fmul(leak, z) if leaky else _ZERO)
                    builder.store(_fused(builder, sign, value, builder.load(outer[h])), outer[h])
                    builder.store(_fused(builder, value, value, builder.load(square[h])), square[h])

            def sweep(few: int, leaky: bool = False) -> None:
                for k in range(few):
                    row(_number(k), leaky)
                if not few:
                    with cgutils.for_range_slice(builder, _number(0), rows, _number(ROWS), _INDEX) as (index, _):
                        for k in range(ROWS):
                            row(builder.add(index, _number(k)), leaky)

            with builder.if_else(builder.icmp_signed("!=", relu, ir.Constant(relu.type, 0))) as (then, otherwise):
                with then:
                    _written_out(builder, rows, sweep)
                with otherwise:
                    sweep(0, True)
            places = [builder.gep(target, [_number(LANES * k)]) for k in range(3)]
            first, second, noise = (_load(builder, place) for place in places)
            for h in range(height):
                weight = _splat(builder, builder.load(builder.gep(weights, [_number(h)])))
                g = builder.load(outer[h])
                weighted = builder.fmul(weight, g)
                first = builder.fadd(first, weighted)
                second = _fused(builder, weighted, g, second)
                noise = _fused(builder, weight, builder.load(square[h]), noise)
            for place, vector in zip(places, (first, second, noise), strict=True):
                _store(builder, place, vector)
            return context.get_dummy_value()

        return signature, lower

    return _lowered(build)


panel_1, panel_2, panel_4 = _panel(1), _panel(2), _panel(4)


def _each(context: Any, builder: Any, kinds: Any, values: Any, operands: tuple[int, ...], combine: Any) -> Any:
    """Set vector after vector of target[t : t + count] to ``combine`` of the arrays at the places ``operands``.

    The arguments of every such operation begin with target, t, count; each array is followed by its offset.
    """
    target = _at(context, builder, kinds[0], values[0], values[1])
    sources = [_at(context, builder, kinds[place], values[place], values[place + 1]) for place in operands]
    with cgutils.for_range_slice(builder, _number(0), values[2], _number(LANES), _INDEX) as (k, _):
        vectors = [_load(builder, builder.gep(source, [k])) for source in sources]
        _store(builder, builder.gep(target, [k]), combine(*vectors))
    return context.get_dummy_value()


def _copy_row(typing: Any, target: Any, t: Any, count: Any, source: Any, s: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _each(context, builder, signature.args, values, (3,), lambda x: x)

    return types.void(target, t, count, source, s), lower


def _add_rows(typing: Any, target: Any, t: Any, count: Any, source: Any, s: Any, column: Any, c: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _each(context, builder, signature.args, values, (3, 5), builder.fadd)

    return types.void(target, t, count, source, s, column, c), lower


def _scale_row(typing: Any, target: Any, t: Any, count: Any, column: Any, c: Any, factor: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        factor = _splat(builder, values[5])
        return _each(context, builder, signature.args, values, (3,), lambda x: builder.fmul(factor, x))

    return types.void(target, t, count, column, c, factor), lower


def _mix_rows(
    typing: Any, target: Any, t: Any, count: Any, dropped: Any, d: Any, kept: Any, k: Any, drop: Any, keep: Any
) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        q, p = _splat(builder, values[7]), _splat(builder, values[8])

        def mix(dropped: Any, kept: Any) -> Any:
            return builder.fadd(builder.fmul(q, dropped), builder.fmul(p, kept))

        return _each(context, builder, signature.args, values, (3, 5), mix)

    return types.void(target, t, count, dropped, d, kept, k, drop, keep), lower


def _lane_table(typing: Any, table: Any, own: Any, first: Any, second: Any, third: Any, units: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin = _at(context, builder, signature.args[0], values[0], _number(0))
        columns = [_at(context, builder, signature.args[1], values[1], place) for place in values[2:5]]
        with cgutils.for_range(builder, values[5], intp=_INDEX) as loop:
            total = _ZERO
            for bit, column in enumerate(columns):
                kept = ir.Constant(_VECTOR, [float(lane >> bit & 1) for lane in range(LANES)])
                entry = _splat(builder, builder.load(builder.gep(column, [loop.index])))
                total = _fused(builder, entry, kept, total)
            _store(builder, builder.gep(begin, [builder.mul(loop.index, _number(LANES))]), total)
        return context.get_dummy_value()

    return types.void(table, own, first, second, third, units), lower


def _maximum_panel(
    typing: Any, table: Any, width: Any, sums: Any, stride: Any, signs: Any, rows: Any, constants: Any, line: Any,
    lined: Any, weights: Any, w: Any, weighted: Any, seconds: Any,
) -> Any:  # fmt: skip
    """Some vectors of masks by four partial sums: their sums stay in registers, two instructions for each entry.

    The sign is a factor of the fused addition, exact like it. Up to 16 rows are written out without a branch.
    """
    signature = types.void(
        table, width, sums, stride, signs, rows, constants, line, lined, weights, w, weighted, seconds
    )

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        _, width, _, stride, _, rows, _, _, lined, _, w, weighted, _ = values
        table, sums, signs, constants, line, weights, seconds = (
            _at(context, builder, kinds[k], values[k], w if k == 9 else _number(0)) for k in (0, 2, 4, 6, 7, 9, 12)
        )
        many = 4 if "+avx512f" in str(context.codegen().magic_tuple()) else 1  # 32 registers of 8 lanes, or 16 of 4
        partial = [builder.gep(sums, [builder.mul(stride, _number(h))]) for h in range(4)]
        fixed = [_splat(builder, builder.load(builder.gep(constants, [_number(h)]))) for h in range(4)]
        factor = [_splat(builder, builder.load(builder.gep(weights, [_number(h)]))) for h in range(4)]
        outer = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(4)] for _ in range(many)]

        def row(place: Any, index: Any) -> None:
            entry = builder.gep(table, [builder.add(builder.mul(index, width), place)])
            lanes = [_load(builder, builder.gep(entry, [_number(LANES * v)])) for v in range(many)]
            sign = _splat(builder, builder.load(builder.gep(signs, [index])))
            for h in range(4):
                least = _splat(builder, builder.load(builder.gep(partial[h], [index])))
                for v in range(many):
                    larger = builder.select(builder.fcmp_ordered(">", lanes[v], least), lanes[v], least)
                    builder.store(_fused(builder, sign, larger, builder.load(outer[v][h])), outer[v][h])

        def sweep(few: int) -> None:
            """All vectors of masks, with ``few`` rows written out, or a loop over rows where ``few`` is 0."""
            with cgutils.for_range_slice(builder, _number(0), width, _number(many * LANES), _INDEX) as (place, _):
                for v in range(many):
                    for h in range(4):
                        builder.store(fixed[h], outer[v][h])
                with builder.if_then(builder.icmp_signed("!=", lined, ir.Constant(lined.type, 0))):
                    for v in range(many):
                        along = _load(builder, builder.gep(line, [builder.add(place, _number(LANES * v))]))
                        for h in range(4):
                            builder.store(builder.fadd(fixed[h], along), outer[v][h])
                for k in range(few):
                    row(place, _number(k))
                if not few:
                    with cgutils.for_range_slice(builder, _number(0), rows, _number(ROWS), _INDEX) as (index, _):
                        for k in range(ROWS):
                            row(place, builder.add(index, _number(k)))
                with builder.if_else(builder.icmp_signed("!=", weighted, ir.Constant(weighted.type, 0))) as branches:
                    for branch, uneven in zip(branches, (True, False), strict=True):
                        with branch:
                            gather(place, uneven)

        def gather(place: Any, uneven: bool) -> None:
            for v in range(many):
                target = builder.gep(seconds, [builder.add(place, _number(LANES * v))])
                total = _load(builder, target)
                for h in range(4):
                    g = builder.load(outer[v][h])
                    total = _fused(builder, builder.fmul(factor[h], g) if uneven else g, g, total)
                _store(builder, target, total)

        _written_out(builder, rows, sweep)
        return context.get_dummy_value()

    return signature, lower


def _negated_sum(typing: Any, target: Any, t: Any, count: Any, row: Any, r: Any, high: Any, h: Any, signs: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        target, row, high = (_at(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 3, 5))
        signs = _at(context, builder, kinds[7], values[7], _number(0))
        total = cgutils.alloca_once(builder, _VECTOR)
        builder.store(_ZERO, total)
        with cgutils.for_range_slice(builder, _number(0), values[2], _number(LANES), _INDEX) as (k, _):
            z = builder.fadd(_load(builder, builder.gep(row, [k])), _load(builder, builder.gep(high, [k])))
            _store(builder, builder.gep(target, [k]), builder.fneg(z))
            sign = _load(builder, builder.gep(signs, [k]))
            builder.store(_fused(builder, sign, z, builder.load(total)), total)
        return _across(builder, builder.load(total))

    return types.float64(target, t, count, row, r, high, h, signs), lower


def _across(builder: Any, vector: Any) -> Any:
    """Return the sum of the lanes, by halving."""
    half = LANES // 2
    while half:
        upper = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(i + half) % LANES for i in range(LANES)])
        vector = builder.fadd(vector, builder.shuffle_vector(vector, vector, upper))
        half //= 2
    return builder.extract_element(vector, _number(0))


def _fold_lanes(typing: Any, values: Any, v: Any, totals: Any, weights: Any, w: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        target = _at(context, builder, kinds[0], arguments[0], arguments[1])
        totals = _at(context, builder, kinds[2], arguments[2], _number(0))
        weights = _load(builder, _at(context, builder, kinds[3], arguments[3], arguments[4]))
        result = _ZERO
        for k in range(3):
            place = builder.gep(totals, [_number(LANES * k)])
            vector = builder.fmul(weights, _load(builder, place))
            total = _across(builder, vector)
            result = builder.insert_element(result, total, _number(k))
            _store(builder, place, _ZERO)
        _store(builder, target, result)
        return context.get_dummy_value()

    return types.void(values, v, totals, weights, w), lower


copy_row, add_rows, scale_row, mix_rows = (_lowered(f) for f in (_copy_row, _add_rows, _scale_row, _mix_rows))
lane_table, fold_lanes = _lowered(_lane_table), _lowered(_fold_lanes)
maximum_panel, negated_sum = _lowered(_maximum_panel), _lowered(_negated_sum)
