"""The walk: depth first over the masks of all droppable layers but the last, active units only.

For the layer l with hidden vector h, the walk visits every subset of the active units {i : h_i ≠ 0}; adding one
unit to a subset adds one column to the pre-activations of its parent in the tree, so a pre-activation is a sum of at
most n_l + 1 terms and nothing drifts. The last droppable layer is never walked: given h, with u_oi = w_oi h_i,
Z_o = D_o − y_o has mean m_o = Σ_i u_oi + b_o − y_o and variance (q/p) Σ_i u_oi².

Expectations are folded up the same tree, q·(unit dropped) + p·(unit kept) at each node, so that a sum over 2^N masks
costs N roundings and not 2^N. Everything is an argument, so the same function runs compiled and (as ``py_func``)
interpreted.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.walk.leaves import Leaves, Place, Tree

__all__ = ["BLOCK_BITS", "DONE", "INTERRUPTED", "TOO_MANY_UNITS", "leaf", "walk", "walk_reference"]

INTERRUPTED, DONE, TOO_MANY_UNITS = 0, 1, 2
BLOCK_BITS = 8


def walk_reference(
    weights: list[Array],
    biases: list[Array],
    slopes: list[float],
    keep: list[float],
    start: Array,
    leaf_values: Any,
) -> Any:
    """Return Σ over all masks of (probability × leaf value): the double loop that :func:`walk` must agree with.

    ``weights`` are those of the walked layers, ``keep`` their p, ``leaf_values`` maps the last hidden vector to the
    values whose expectation is wanted.
    """
    if not weights:
        return leaf_values(start)
    total: Any = 0.0
    for mask in itertools.product((0, 1), repeat=len(start)):
        kept = sum(mask)
        probability = keep[0] ** kept * (1 - keep[0]) ** (len(start) - kept)
        if probability > 0:
            z = weights[0] @ (start * np.array(mask) / keep[0]) + biases[0]
            hidden = np.where(z > 0, z, slopes[0] * z)
            total = total + probability * walk_reference(
                weights[1:], biases[1:], slopes[1:], keep[1:], hidden, leaf_values
            )
    return total


@subroutine
def leaf(hidden: Array, start: Any, width: Any, leaves: Leaves, example: Any, scratch: Array, values: Array) -> None:
    """Write the moments of one leaf: for each output g, g², v, r² with g = f − pivot, r = f − label.

    f_o = Σ_i w_oi h_i + b_o and v_o = κ₂ Σ_i (w_oi h_i)². With ``moments`` 4 three more: Var(‖Z‖² | h), T, T² where
    T = Σ_o (r_o² + v_o) − square_pivot. With α_i = Σ_o r_o u_oi, β_i = Σ_o u_oi², C_ab = Σ_i u_ai u_bi,

        Var(‖Z‖² | h) = Σ_i (4κ₂ α_i² + 4κ₃ α_i β_i + κ₄ β_i²) + 2κ₂² Σ_ab C_ab²,

    where κ are the cumulants of a mask entry r/p: κ₂ = q/p, κ₃ = q(q−p)/p², κ₄ = q(1−6pq)/p³.
    """
    output_weights, cumulants = leaves.output_weights, leaves.cumulants
    outputs = output_weights.shape[0]
    for o in range(outputs):
        f = leaves.output_bias[o]
        v = 0.0
        for i in range(width):
            u = output_weights[o, i] * hidden[start + i]
            f += u
            v += u * u
        g = f - leaves.pivots[example, o]
        r = f - leaves.labels[example, o]
        values[4 * o] = g
        values[4 * o + 1] = g * g
        values[4 * o + 2] = cumulants[0] * v
        values[4 * o + 3] = r * r
        scratch[o] = r
    if leaves.moments == 4:
        spread = 0.0
        for i in range(width):
            alpha = 0.0
            beta = 0.0
            for o in range(outputs):
                u = output_weights[o, i] * hidden[start + i]
                alpha += scratch[o] * u
                beta += u * u
            spread += 4.0 * cumulants[0] * alpha * alpha + 4.0 * cumulants[1] * alpha * beta
            spread += cumulants[2] * beta * beta
        for a in range(outputs):
            for b in range(outputs):
                c = 0.0
                for i in range(width):
                    c += (output_weights[a, i] * hidden[start + i]) * (output_weights[b, i] * hidden[start + i])
                spread += 2.0 * (cumulants[0] * c) * (cumulants[0] * c)
        t = -leaves.square_pivots[example]
        for o in range(outputs):
            t += values[4 * o + 3] + values[4 * o + 2]
        values[4 * outputs] = spread
        values[4 * outputs + 1] = t
        values[4 * outputs + 2] = t * t


@compiled
def walk(tree: Tree, leaves: Leaves, starts: Array, items: Array, results: Array, place: Place, budget: int) -> int:
    """Walk items until all are DONE, or ``budget`` leaves were visited (INTERRUPTED; call again to go on).

    An item (example, bits, prefix) is the part of an example's masks in which the first ``bits`` active units of the
    first walked layer are kept or dropped as the binary digits of ``prefix`` say, most significant digit first; its
    result is the expectation over the remaining masks. ``starts`` are the vectors that enter the first walked layer.
    """
    widths, columns, column_offsets = tree.widths, tree.columns, tree.column_offsets
    vector_offsets, row_offsets, biases = tree.vector_offsets, tree.row_offsets, tree.biases
    slopes, keep, drop = tree.slopes, tree.keep, tree.drop
    state, hidden, scaled, active = place.state, place.hidden, place.scaled, place.active
    sources, counters, rows, folds = place.sources, place.counters, place.rows, place.folds
    layers = keep.shape[0]
    size = results.shape[1]
    values = folds[0, 0]
    scratch = folds[0, 1]
    item = state[0]
    layer = state[1]
    visited = 0
    while item < items.shape[0]:
        example = items[item, 0]
        if layer < 0:
            for i in range(widths[0]):
                hidden[i] = starts[example, i]
            layer = 0
        while layer < layers:  # open every layer below with no unit kept
            n, m = widths[layer], widths[layer + 1]
            here, below = vector_offsets[layer], vector_offsets[layer + 1]
            first_row = row_offsets[layer]
            for j in range(m):
                rows[first_row + j] = biases[below - widths[0] + j]
            units = 0
            for i in range(n):
                h = hidden[here + i]
                if h != 0.0:
                    start = column_offsets[layer] + i * m
                    s = h * tree.inverse_keep[layer]
                    if not tree.dropped[layer]:
                        for j in range(m):
                            rows[first_row + j] += columns[start + j] * s
                    else:
                        active[here + units] = i
                        scaled[here + units] = s
                        units += 1
            if units >= sources.shape[1]:
                return TOO_MANY_UNITS
            fixed = items[item, 1] if layer == 0 else 0
            for unit in range(fixed):
                if (items[item, 2] >> (fixed - 1 - unit)) & 1:
                    start = column_offsets[layer] + active[here + unit] * m
                    s = scaled[here + unit]
                    for j in range(m):
                        rows[first_row + j] += columns[start + j] * s
            walked = units - fixed
            counters[layer, 0] = 0
            counters[layer, 1] = walked
            counters[layer, 2] = fixed
            for position in range(walked + 1):
                sources[layer, position] = 0
            for j in range(m):
                z = rows[first_row + j]
                hidden[below + j] = z if z > 0.0 else slopes[layer] * z
            layer += 1
        leaf(hidden, vector_offsets[layers], widths[layers], leaves, example, scratch, values)
        visited += 1
        layer = layers - 1
        while layer >= 0:  # fold finished subtrees, up to the first unit that is still to be kept
            count, units = counters[layer, 0], counters[layer, 1]
            bit = 0
            while (count >> bit) & 1:
                for k in range(size):
                    values[k] = drop[layer] * folds[layer + 1, bit, k] + keep[layer] * values[k]
                bit += 1
            if bit < units:
                for k in range(size):
                    folds[layer + 1, bit, k] = values[k]
                n, m = widths[layer], widths[layer + 1]
                here, below = vector_offsets[layer], vector_offsets[layer + 1]
                position = units - 1 - bit
                source = row_offsets[layer] + sources[layer, position] * m
                target = row_offsets[layer] + (position + 1) * m
                unit = counters[layer, 2] + position
                start = column_offsets[layer] + active[here + unit] * m
                s = scaled[here + unit]
                for j in range(m):
                    z = rows[source + j] + columns[start + j] * s
                    rows[target + j] = z
                    hidden[below + j] = z if z > 0.0 else slopes[layer] * z
                for later in range(position + 1, units + 1):
                    sources[layer, later] = position + 1
                counters[layer, 0] = count + 1
                break
            layer -= 1
        if layer < 0:
            for k in range(size):
                results[item, k] = values[k]
            item += 1
        else:
            layer += 1
        if visited >= budget:
            break
    state[0] = item
    state[1] = layer
    return DONE if item >= items.shape[0] else INTERRUPTED
