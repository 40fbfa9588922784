"""The innermost loop of the table kernel, two vector instructions for each entry, and the sums it begins with."""

from __future__ import annotations

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

__all__ = ["maximum_panel", "maximum_panel_reference", "negated_sum", "negated_sum_reference"]


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
            pointer_to(context, builder, kinds[k], values[k], w if k == 9 else number(0))
            for k in (0, 2, 4, 6, 7, 9, 12)
        )
        many = 4 if "+avx512f" in str(context.codegen().magic_tuple()) else 1  # 32 registers of 8 lanes, or 16 of 4
        partial = [builder.gep(sums, [builder.mul(stride, number(h))]) for h in range(4)]
        fixed = [splat(builder, builder.load(builder.gep(constants, [number(h)]))) for h in range(4)]
        factor = [splat(builder, builder.load(builder.gep(weights, [number(h)]))) for h in range(4)]
        outer = [[cgutils.alloca_once(builder, VECTOR) for _ in range(4)] for _ in range(many)]

        def row(place: Any, index: Any) -> None:
            entry = builder.gep(table, [builder.add(builder.mul(index, width), place)])
            lanes = [load(builder, builder.gep(entry, [number(LANES * v)])) for v in range(many)]
            sign = splat(builder, builder.load(builder.gep(signs, [index])))
            for h in range(4):
                least = splat(builder, builder.load(builder.gep(partial[h], [index])))
                for v in range(many):
                    larger = builder.select(builder.fcmp_ordered(">", lanes[v], least), lanes[v], least)
                    builder.store(fused(builder, sign, larger, builder.load(outer[v][h])), outer[v][h])

        def sweep(few: int) -> None:
            """All vectors of masks, with ``few`` rows written out, or a loop over rows where ``few`` is 0."""
            with cgutils.for_range_slice(builder, number(0), width, number(many * LANES), INDEX) as (place, _):
                for v in range(many):
                    for h in range(4):
                        builder.store(fixed[h], outer[v][h])
                with builder.if_then(builder.icmp_signed("!=", lined, ir.Constant(lined.type, 0))):
                    for v in range(many):
                        along = load(builder, builder.gep(line, [builder.add(place, number(LANES * v))]))
                        for h in range(4):
                            builder.store(builder.fadd(fixed[h], along), outer[v][h])
                for k in range(few):
                    row(place, number(k))
                if not few:
                    with cgutils.for_range_slice(builder, number(0), rows, number(ROWS), INDEX) as (index, _):
                        for k in range(ROWS):
                            row(place, builder.add(index, number(k)))
                with builder.if_else(builder.icmp_signed("!=", weighted, ir.Constant(weighted.type, 0))) as branches:
                    for branch, uneven in zip(branches, (True, False), strict=True):
                        with branch:
                            gather(place, uneven)

        def gather(place: Any, uneven: bool) -> None:
            for v in range(many):
                target = builder.gep(seconds, [builder.add(place, number(LANES * v))])
                total = load(builder, target)
                for h in range(4):
                    g = builder.load(outer[v][h])
                    total = fused(builder, builder.fmul(factor[h], g) if uneven else g, g, total)
                store(builder, target, total)

        written_out(builder, rows, sweep)
        return context.get_dummy_value()

    return signature, lower


def _negated_sum(typing: Any, target: Any, t: Any, count: Any, row: Any, r: Any, high: Any, h: Any, signs: Any) -> Any:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        target, row, high = (pointer_to(context, builder, kinds[k], values[k], values[k + 1]) for k in (0, 3, 5))
        signs = pointer_to(context, builder, kinds[7], values[7], number(0))
        total = cgutils.alloca_once(builder, VECTOR)
        builder.store(ZERO, total)
        with cgutils.for_range_slice(builder, number(0), values[2], number(LANES), INDEX) as (k, _):
            z = builder.fadd(load(builder, builder.gep(row, [k])), load(builder, builder.gep(high, [k])))
            store(builder, builder.gep(target, [k]), builder.fneg(z))
            sign = load(builder, builder.gep(signs, [k]))
            builder.store(fused(builder, sign, z, builder.load(total)), total)
        return across(builder, builder.load(total))

    return types.float64(target, t, count, row, r, high, h, signs), lower


maximum_panel, negated_sum = lowered(_maximum_panel), lowered(_negated_sum)
