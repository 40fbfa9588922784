"""Eight units of a layer in the eight lanes of a vector: the innermost steps of the nested gradient, in LLVM vectors.

Arrays are read at flat offsets. Beside each step stands the plain loop that it must agree with, bit for bit: no two
operations are fused, and lanes are added by halving.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

from exactdropout.model.numbers import Array

__all__ = [
    "LANES",
    "activate_row",
    "activate_row_reference",
    "adjoint_row",
    "adjoint_row_reference",
    "carry_row",
    "carry_row_reference",
    "halve_row",
    "halve_row_reference",
    "near_row",
    "near_row_reference",
    "step_row",
    "step_row_reference",
]

LANES = 8
cgutils: Any = untyped_cgutils
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_INDEX = ir.IntType(64)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)


def _halved(lanes: Array) -> float:
    for half in (4, 2, 1):
        lanes = lanes[:half] + lanes[half : 2 * half]
    return float(lanes[0])


def step_row_reference(z: Array, target: int, source: int, columns: Array, c: int) -> None:
    """Set z[target …] = z[source …] + columns[c …]."""
    z[target : target + LANES] = z[source : source + LANES] + columns[c : c + LANES]


def near_row_reference(z: Array, at: int, thresholds: Array, t: int) -> int:
    """Return 1 if some |z| ≤ threshold, else 0."""
    return int((np.abs(z[at : at + LANES]) <= thresholds[t : t + LANES]).any())


def activate_row_reference(z: Array, at: int, h: Array, t: int, slope: float, weights: Array, w: int) -> float:
    """Set h = φ(z) and return Σ w h."""
    v = z[at : at + LANES]
    h[t : t + LANES] = np.where(v > 0, v, slope * v)
    return _halved(weights[w : w + LANES] * h[t : t + LANES])


def adjoint_row_reference(
    z: Array, at: int, h: Array, t: int, weights: Array, w: int, sums: Array, deltas: Array, slope: float,
    residual: float, kappa: float, mass: float, more: int,
) -> None:  # fmt: skip
    """With c = mass·2(r + κ₂ w h): sums[w …] += c h, and deltas = φ′ w c, added to what is there if ``more`` ≠ 0."""
    entries, value = weights[w : w + LANES], h[t : t + LANES]
    c = (mass * 2.0) * (residual + kappa * (entries * value))
    sums[w : w + LANES] += c * value
    delta = entries * c
    delta = np.where(z[at : at + LANES] > 0, delta, slope * delta)
    deltas[at : at + LANES] = deltas[at : at + LANES] + delta if more else delta


def halve_row_reference(deltas: Array, low: int, high: int, kept: Array, k: int) -> None:
    """Add the row at ``high`` to the row at ``low`` and to ``kept``."""
    kept[k : k + LANES] += deltas[high : high + LANES]
    deltas[low : low + LANES] += deltas[high : high + LANES]


def carry_row_reference(
    kept: Array, k: int, factor: float, value: float, parts: Array, p: int, weights: Array, w: int
) -> float:
    """With K = factor·kept: parts += K·value; return Σ w K."""
    rows = factor * kept[k : k + LANES]
    parts[p : p + LANES] += rows * value
    return _halved(weights[w : w + LANES] * rows)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    pointer = builder.gep(context.make_array(kind)(context, builder, array).data, [index])
    return builder.bitcast(pointer, _VECTOR.as_pointer())


def _load(builder: Any, place: Any) -> Any:
    loaded = builder.load(place)
    loaded.align = 8
    return loaded


def _store(builder: Any, place: Any, vector: Any) -> None:
    builder.store(vector, place).align = 8


def _sum(builder: Any, vector: Any) -> Any:
    half = LANES // 2
    while half:
        upper = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(i + half) % LANES for i in range(LANES)])
        vector = builder.fadd(vector, builder.shuffle_vector(vector, vector, upper))
        half //= 2
    return builder.extract_element(vector, ir.Constant(_INDEX, 0))


def _positive(builder: Any, z: Any) -> Any:
    return builder.fcmp_ordered(">", z, _ZERO)


def _step_row(typing: Any, z: Any, target: Any, source: Any, columns: Any, c: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        z, target, source, columns, c = values
        kinds = signature.args
        total = builder.fadd(
            _load(builder, _place(context, builder, kinds[0], z, source)),
            _load(builder, _place(context, builder, kinds[3], columns, c)),
        )
        _store(builder, _place(context, builder, kinds[0], z, target), total)
        return context.get_dummy_value()

    return types.void(z, target, source, columns, c), lower


def _near_row(typing: Any, z: Any, at: Any, thresholds: Any, t: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        v = _load(builder, _place(context, builder, kinds[0], values[0], values[1]))
        limit = _load(builder, _place(context, builder, kinds[2], values[2], values[3]))
        signs = builder.and_(
            builder.fcmp_ordered("<=", v, limit), builder.fcmp_ordered(">=", v, builder.fsub(_ZERO, limit))
        )
        bits = builder.bitcast(signs, ir.IntType(LANES))
        return builder.zext(builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0)), _INDEX)

    return types.int64(z, at, thresholds, t), lower


def _activate_row(typing: Any, z: Any, at: Any, h: Any, t: Any, slope: Any, weights: Any, w: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        z, at, h, t, slope, weights, w = values
        kinds = signature.args
        v = _load(builder, _place(context, builder, kinds[0], z, at))
        value = builder.select(_positive(builder, v), v, builder.fmul(_splat(builder, slope), v))
        _store(builder, _place(context, builder, kinds[2], h, t), value)
        return _sum(builder, builder.fmul(_load(builder, _place(context, builder, kinds[5], weights, w)), value))

    return types.float64(z, at, h, t, slope, weights, w), lower


def _adjoint_row(
    typing: Any, z: Any, at: Any, h: Any, t: Any, weights: Any, w: Any, sums: Any, deltas: Any, slope: Any,
    residual: Any, kappa: Any, mass: Any, more: Any,
) -> Any:  # fmt: skip
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        z, at, h, t, weights, w, sums, deltas, slope, residual, kappa, mass, more = arguments
        kinds = signature.args
        v = _load(builder, _place(context, builder, kinds[0], z, at))
        value = _load(builder, _place(context, builder, kinds[2], h, t))
        entries = _load(builder, _place(context, builder, kinds[4], weights, w))
        double = _splat(builder, builder.fmul(mass, ir.Constant(_DOUBLE, 2.0)))
        noise = builder.fmul(_splat(builder, kappa), builder.fmul(entries, value))
        c = builder.fmul(double, builder.fadd(_splat(builder, residual), noise))
        sum_place = _place(context, builder, kinds[6], sums, w)
        _store(builder, sum_place, builder.fadd(_load(builder, sum_place), builder.fmul(c, value)))
        delta = builder.fmul(entries, c)
        delta = builder.select(_positive(builder, v), delta, builder.fmul(_splat(builder, slope), delta))
        place = _place(context, builder, kinds[7], deltas, at)
        added = builder.fadd(_load(builder, place), delta)
        first = builder.icmp_signed("==", more, ir.Constant(more.type, 0))
        _store(builder, place, builder.select(first, delta, added))
        return context.get_dummy_value()

    return types.void(z, at, h, t, weights, w, sums, deltas, slope, residual, kappa, mass, more), lower


def _halve_row(typing: Any, deltas: Any, low: Any, high: Any, kept: Any, k: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        deltas, low, high, kept, k = values
        kinds = signature.args
        upper = _load(builder, _place(context, builder, kinds[0], deltas, high))
        for kind, array, at in ((kinds[3], kept, k), (kinds[0], deltas, low)):
            place = _place(context, builder, kind, array, at)
            _store(builder, place, builder.fadd(_load(builder, place), upper))
        return context.get_dummy_value()

    return types.void(deltas, low, high, kept, k), lower


def _carry_row(
    typing: Any, kept: Any, k: Any, factor: Any, value: Any, parts: Any, p: Any, weights: Any, w: Any
) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kept, k, factor, value, parts, p, weights, w = values
        kinds = signature.args
        rows = builder.fmul(_splat(builder, factor), _load(builder, _place(context, builder, kinds[0], kept, k)))
        place = _place(context, builder, kinds[4], parts, p)
        _store(builder, place, builder.fadd(_load(builder, place), builder.fmul(rows, _splat(builder, value))))
        return _sum(builder, builder.fmul(_load(builder, _place(context, builder, kinds[6], weights, w)), rows))

    return types.float64(kept, k, factor, value, parts, p, weights, w), lower


step_row: Any = intrinsic(_step_row)
near_row: Any = intrinsic(_near_row)
activate_row: Any = intrinsic(_activate_row)
adjoint_row: Any = intrinsic(_adjoint_row)
halve_row: Any = intrinsic(_halve_row)
carry_row: Any = intrinsic(_carry_row)
