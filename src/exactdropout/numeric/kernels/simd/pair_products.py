"""Three inner loops of ``meet`` in vectors of eight doubles, which Numba's own vectoriser leaves scalar.

Each is a plain function, which interpreted code calls and tests compare with, and the same loop built in LLVM for
compiled code: eight lanes are one or more registers of any processor, and no operation is reordered or contracted, so
the bits are the same everywhere. Lane l of a sum takes the elements of index l mod 8; the lanes are added pairwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.np import arrayobj

from exactdropout.model.numbers import Array

__all__ = ["LANES", "fetch", "ones", "prefix_rows", "products_below", "products_of_relus"]

LANES = 8

arrays: Any = arrayobj
builders: Any = cgutils
intrinsic: Any = extending.intrinsic
overload: Any = extending.overload

DOUBLE = ir.DoubleType()
INTEGER = ir.IntType(64)
VECTOR = ir.VectorType(DOUBLE, LANES)
INTEGERS = ir.VectorType(INTEGER, LANES)
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)


def products_of_relus(u: Array, v: Array, w: Array, many: int, first: int, end: int) -> float:
    """Return Σ_x Σ_y w_x w_y max(u_x + u_y, 0) max(v_x + v_y, 0) over x < ``many`` and ``first`` ≤ y < ``end``.

    ``end`` is a multiple of 8.
    """
    return _products(u, v, w, many, first, end, lambda _x, _y, z: z > 0)


def products_below(u: Array, v: Array, w: Array, cells: Array, many: int, first: int, end: int) -> float:
    """Return Σ_x Σ_y w_x w_y max(u_x + u_y, 0) (v_x + v_y) over the same x and y where cells_y < cells_x."""
    return _products(u, v, w, many, first, end, lambda x, y, _z: bool(cells[y] < cells[x]))


def _products(
    u: Array, v: Array, w: Array, many: int, first: int, end: int, counts: Callable[[int, int, float], bool]
) -> float:
    lanes = [0.0] * LANES
    for start in range(first & -LANES, end, LANES):
        for y in range(start, start + LANES):
            total = 0.0
            for x in range(many):
                p, q = u[x] + u[y], v[x] + v[y]
                total += (w[x] * (p if p > 0 else 0.0)) * (q if counts(x, y, q) else 0.0)
            lanes[y - start] += total * w[y] if y >= first else 0.0
    while len(lanes) > 1:
        lanes = [a + b for a, b in zip(lanes[0::2], lanes[1::2], strict=True)]
    return float(lanes[0])


def prefix_rows(values: Array, start: Array, result: Array, totals: Array, rows: int, width: int) -> None:
    """Write row r of ``result`` = row r of ``start`` + Σ_{s<r} row s of ``values``, and Σ_s to ``totals``.

    All are flat, row after row; ``width`` is a multiple of 8.
    """
    running = np.zeros(width)
    for r in range(rows):
        part = slice(r * width, (r + 1) * width)
        result[part] = start[part] + running
        running += values[part]
    totals[:width] = running


def ones(value: int) -> int:
    """Return the number of ones among the bits of a non-negative integer."""
    return value.bit_count()


def fetch(array: Array, index: Any) -> None:
    """Ask for an element that will be read a little later; nothing is read, and nothing changes."""


# ---- the same loops in LLVM ------------------------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    return arrays.make_array(array_type)(context, builder, array).data


def _load(builder: Any, pointer: Any, index: Any) -> Any:
    vector = builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer())
    return builder.load(vector, align=8)


def _store(builder: Any, value: Any, pointer: Any, index: Any) -> None:
    builder.store(value, builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer()), align=8)


def _splat(builder: Any, scalar: Any, kind: Any) -> Any:
    nothing = ir.Constant(kind, ir.Undefined)
    vector = builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(vector, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _range(builder: Any, start: Any, stop: Any, step: int) -> Any:
    return builders.for_range_slice(builder, start, stop, ir.Constant(INTEGER, step), INTEGER)


def _pair_loop(builder: Any, arrays: list[Any], many: Any, first: Any, end: Any) -> Any:
    """Build the double loop; the pointers are u, v, w and, for :func:`products_below`, cells."""
    u, v, w = arrays[:3]
    cells = arrays[3] if len(arrays) > 3 else None
    sums, lane = builders.alloca_once(builder, VECTOR), builders.alloca_once(builder, VECTOR)
    builder.store(ZEROS, sums)
    begin = builder.and_(first, ir.Constant(INTEGER, -LANES))
    places = ir.Constant(INTEGERS, list(range(LANES)))

    def broadcast(pointer: Any, index: Any) -> Any:
        return _splat(builder, builder.load(builder.gep(pointer, [index])), VECTOR)

    with _range(builder, begin, end, LANES) as (y, _):
        u_y, v_y = _load(builder, u, y), _load(builder, v, y)
        cell = None if cells is None else _load(builder, cells, y)
        builder.store(ZEROS, lane)
        with _range(builder, ir.Constant(INTEGER, 0), many, 1) as (x, _):
            p, q = builder.fadd(broadcast(u, x), u_y), builder.fadd(broadcast(v, x), v_y)
            p = builder.select(builder.fcmp_ordered(">", p, ZEROS), p, ZEROS)
            if cells is None:
                counts = builder.fcmp_ordered(">", q, ZEROS)
            else:
                counts = builder.fcmp_ordered("<", cell, broadcast(cells, x))
            q = builder.select(counts, q, ZEROS)
            product = builder.fmul(builder.fmul(broadcast(w, x), p), q)
            builder.store(builder.fadd(builder.load(lane), product), lane)
        inside = builder.icmp_signed(
            ">=", builder.add(_splat(builder, y, INTEGERS), places), _splat(builder, first, INTEGERS)
        )
        weighted = builder.select(inside, builder.fmul(builder.load(lane), _load(builder, w, y)), ZEROS)
        builder.store(builder.fadd(builder.load(sums), weighted), sums)
    vector = builder.load(sums)
    terms = [builder.extract_element(vector, ir.Constant(ir.IntType(32), l)) for l in range(LANES)]
    while len(terms) > 1:
        terms = [builder.fadd(a, b) for a, b in zip(terms[0::2], terms[1::2], strict=True)]
    return terms[0]


def _compiled_products(count: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [_pointer(context, builder, signature.args[k], arguments[k]) for k in range(count)]
        return _pair_loop(builder, pointers, *arguments[count:])

    return generate


def _typed_products_of_relus(_: Any, u: Any, v: Any, w: Any, many: Any, first: Any, end: Any) -> Any:
    return types.float64(u, v, w, types.int64, types.int64, types.int64), _compiled_products(3)


def _typed_products_below(_: Any, u: Any, v: Any, w: Any, cells: Any, many: Any, first: Any, end: Any) -> Any:
    return types.float64(u, v, w, cells, types.int64, types.int64, types.int64), _compiled_products(4)


def _typed_prefix_rows(_: Any, values: Any, start: Any, result: Any, totals: Any, rows: Any, width: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [_pointer(context, builder, signature.args[k], arguments[k]) for k in range(4)]
        source, begin, target, total = pointers
        count, across = arguments[4:]
        zero = ir.Constant(INTEGER, 0)
        running = builders.alloca_once(builder, VECTOR)
        with _range(builder, zero, across, LANES) as (x, _):
            builder.store(ZEROS, running)
            with _range(builder, zero, count, 1) as (r, _):
                place = builder.add(builder.mul(r, across), x)
                here = builder.load(running)
                _store(builder, builder.fadd(_load(builder, begin, place), here), target, place)
                builder.store(builder.fadd(here, _load(builder, source, place)), running)
            _store(builder, builder.load(running), total, x)
        return context.get_dummy_value()

    return types.void(values, start, result, totals, types.int64, types.int64), generate


def _typed_ones(_: Any, value: Any) -> Any:
    return types.int64(types.int64), lambda _context, builder, _signature, arguments: builder.ctpop(arguments[0])


def _typed_fetch(_: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.gep(_pointer(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        small = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), small, small, small])
        prefetch = builders.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        read, near, data = (ir.Constant(small, value) for value in (0, 2, 1))
        builder.call(prefetch, [builder.bitcast(place, ir.IntType(8).as_pointer()), read, near, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


# Numba reads the code of the lambdas; it takes no intrinsic in their place.
_products_of_relus: Any = intrinsic(_typed_products_of_relus)
_products_below: Any = intrinsic(_typed_products_below)
_prefix_rows: Any = intrinsic(_typed_prefix_rows)
_ones: Any = intrinsic(_typed_ones)
_fetch: Any = intrinsic(_typed_fetch)


def _compiled_as_products_of_relus(u: Any, v: Any, w: Any, many: Any, first: Any, end: Any) -> Any:
    return lambda u, v, w, many, first, end: _products_of_relus(u, v, w, many, first, end)  # noqa: PLW0108


def _compiled_as_products_below(u: Any, v: Any, w: Any, cells: Any, many: Any, first: Any, end: Any) -> Any:
    return lambda u, v, w, cells, many, first, end: _products_below(u, v, w, cells, many, first, end)  # noqa: PLW0108


def _compiled_as_prefix_rows(values: Any, start: Any, result: Any, totals: Any, rows: Any, width: Any) -> Any:
    return lambda values, start, result, totals, rows, width: _prefix_rows(  # noqa: PLW0108
        values, start, result, totals, rows, width
    )


def _compiled_as_fetch(array: Any, index: Any) -> Any:
    return lambda array, index: _fetch(array, index)  # noqa: PLW0108


def _compiled_as_ones(value: Any) -> Any:
    return lambda value: _ones(value)  # noqa: PLW0108


for plain, code in (
    (products_of_relus, _compiled_as_products_of_relus),
    (products_below, _compiled_as_products_below),
    (prefix_rows, _compiled_as_prefix_rows),
    (ones, _compiled_as_ones),
    (fetch, _compiled_as_fetch),
):
    overload(plain, strict=False)(code)
