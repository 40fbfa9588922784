"""One unit's positive parts over all masks of a table, in LLVM vectors: their expectation, and masks near a kink."""

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

__all__ = ["ROUND", "add_positive_parts"]

VECTORS = 4
ROUND = VECTORS * LANES
"""Masks that are taken at once: a table is a multiple of this."""


def add_positive_parts(
    table: Array, width: int, weights: Array, shift: float, weight: float, threshold: float, sums: Array, near: Array
) -> float:
    """Return Σ_l p_l max(z_l, 0), z_l = T_l + ``shift``; add ``weight``·max(z_l, 0) to sums[l].

    ``near`` gets in its lanes ``weight``·Σ p_l over the masks with |z_l| ≤ ``threshold``; p_l is ``weights[l]``.
    """
    z = table[:width] + shift
    positive = np.where(z > 0, z, 0.0)
    sums[:width] += weight * positive
    close = np.where(np.abs(z) <= threshold, weights[:width], 0.0)
    near[:LANES] += weight * close.reshape(-1, LANES).sum(axis=0)
    return float((weights[:width] * positive).sum())


def _typed(
    typing: Any, table: Any, width: Any, weights: Any, shift: Any, weight: Any, threshold: Any, sums: Any, near: Any
) -> Any:
    def lower(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        kinds = kind.args
        tables, chances, targets, close = (
            pointer_to(context, builder, kinds[k], values[k], number(0)) for k in (0, 2, 6, 7)
        )
        shift, weight, threshold = (splat(builder, values[k]) for k in (3, 4, 5))
        signature = ir.FunctionType(VECTOR, [VECTOR])
        size = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fabs.v{LANES}f64")
        found = [cgutils.alloca_once(builder, VECTOR) for _ in range(2 * VECTORS)]
        for place in found:
            builder.store(ZERO, place)
        with cgutils.for_range_slice(builder, number(0), values[1], number(ROUND), INDEX) as (begin, _):
            for v in range(VECTORS):
                at = builder.add(begin, number(LANES * v))
                z = builder.fadd(load(builder, builder.gep(tables, [at])), shift)
                positive = builder.select(builder.fcmp_ordered(">", z, ZERO), z, ZERO)
                chance = load(builder, builder.gep(chances, [at]))
                target = builder.gep(targets, [at])
                store(builder, target, fused(builder, weight, positive, load(builder, target)))
                builder.store(fused(builder, chance, positive, builder.load(found[v])), found[v])
                inside = builder.fcmp_ordered("<=", builder.call(size, [z]), threshold)
                old = builder.load(found[VECTORS + v])
                builder.store(builder.fadd(old, builder.select(inside, chance, ZERO)), found[VECTORS + v])

        def pairwise(places: list[Any]) -> Any:
            a, b, c, d = (builder.load(place) for place in places)
            return builder.fadd(builder.fadd(a, b), builder.fadd(c, d))

        store(builder, close, fused(builder, weight, pairwise(found[VECTORS:]), load(builder, close)))
        return across(builder, pairwise(found[:VECTORS]))

    kind = types.float64
    return types.float64(table, types.int64, weights, kind, kind, kind, sums, near), lower


_lowered: Any = lowered(_typed)


def _compiled(
    table: Any, width: Any, weights: Any, shift: Any, weight: Any, threshold: Any, sums: Any, near: Any
) -> Any:
    return lambda table, width, weights, shift, weight, threshold, sums, near: _lowered(  # noqa: PLW0108
        table, width, weights, shift, weight, threshold, sums, near
    )


overload(add_positive_parts, strict=False)(_compiled)
