"""H·V inside the walk: every number of the gradient walk carries its derivative along a direction V.

With a dot for the derivative along V, and φ″ = 0 away from kinks,

    ż = Ẇ(h∘r)/p + W(ḣ∘r)/p + ḃ,   ḣ = φ′(z) ż,   ∂̇w_oi = 2(ṙ h + r ḣ) + 2κ₂(ẇ h² + 2 w h ḣ),   ∂̇b_o = 2ṙ,
    (∂Q/∂h_i)˙ = Σ_o 2(ṙ w + r ẇ) + 2κ₂(2 w ẇ h + w² ḣ),   δ̇ = φ′(z) (∂Q/∂h)˙,
    ∂̇W_ji = K̇_ij h_i + K_ij ḣ_i,   (∂/∂h_i)˙ = Σ_j Ẇ_ji K_ij + W_ji K̇_ij,   ∂̇b_j = E δ̇_j,

with K_ij = E[δ_j | i kept] as in :mod:`.walk`. What is folded for layer l, in this order: doubt, ∂̇w, ∂̇b of the
outputs, then for each deeper layer its columns ∂̇W and ∂̇b, then δ and δ̇ of this layer, then one row (K, K̇) for each
unit decided so far. A unit without a mask has h_i = ḣ_i = 0.
"""

from __future__ import annotations

from typing import NamedTuple

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Walked, Workspace
from exactdropout.numeric.kernels.gradient.walk import open_unit
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.walk.fourth_moments import DONE, INTERRUPTED, TOO_MANY_UNITS

__all__ = ["Direction", "Tangents", "hessian_leaf", "hessian_walk"]


class Direction(NamedTuple):
    """V, in the order of the columns, biases, output weights and output biases of the walked layers."""

    columns: Array
    biases: Array
    output_weights: Array
    output_bias: Array


class Tangents(NamedTuple):
    """What a walk holds beside its workspace: derivatives of hidden values, of what masks scale, of pre-activations."""

    hidden: Array
    scaled: Array
    rows: Array


@subroutine
def hessian_leaf(
    net: Walked, direction: Direction, hidden: Array, tangents: Array, labels: Array, values: Array, backward: Array
) -> None:
    """Write doubt 0, ∂̇w, ∂̇b at a leaf to ``values``, ∂Q/∂h and its derivative to the rows of ``backward``."""
    output_weights, output_tangents = net.output_weights, direction.output_weights
    output_bias, bias_tangents, kappa = net.output_bias, direction.output_bias, net.kappa
    layers = net.slopes.shape[0]
    start, width = net.vector_offsets[layers], net.widths[layers]
    outputs = output_weights.shape[0]
    values[0] = 0.0
    for i in range(width):
        backward[0, i] = 0.0
        backward[1, i] = 0.0
    for o in range(outputs):
        f = output_bias[o]
        df = bias_tangents[o]
        for i in range(width):
            h, dh = hidden[start + i], tangents[start + i]
            f += output_weights[o, i] * h
            df += output_tangents[o, i] * h + output_weights[o, i] * dh
        r = 2.0 * (f - labels[o])
        dr = 2.0 * df
        for i in range(width):
            w, dw = output_weights[o, i], output_tangents[o, i]
            h, dh = hidden[start + i], tangents[start + i]
            noise = 2.0 * kappa * (w * h)
            d_noise = 2.0 * kappa * (dw * h + w * dh)
            values[1 + o * width + i] = (dr * h + r * dh) + (d_noise * h + noise * dh)
            backward[0, i] += r * w + noise * w
            backward[1, i] += (dr * w + r * dw) + (d_noise * w + noise * dw)
        values[1 + outputs * width + o] = dr


@compiled
def hessian_walk(
    net: Walked, direction: Direction, starts: Array, labels: Array, thresholds: Array, items: Array, results: Array,
    work: Workspace, moved: Tangents, budget: int,
) -> int:  # fmt: skip
    """Walk items as ``gradient_walk`` does, leaf by leaf, folding derivatives of gradients; needs a walked layer.

    A result row holds what is folded for the first walked layer.
    """
    widths, columns, column_offsets, biases = net.widths, net.columns, net.column_offsets, net.biases
    vector_offsets, slopes, dropped = net.vector_offsets, net.slopes, net.dropped
    keep, drop, inverse_keep = net.keep, net.drop, net.inverse_keep
    column_tangents, bias_tangents = direction.columns, direction.biases
    tangents, scaled_tangents, row_tangents = moved.hidden, moved.scaled, moved.rows
    state, hidden, scaled, active, sources = work.state, work.hidden, work.scaled, work.active, work.sources
    counters, rows, row_offsets, prefix_sizes = work.counters, work.rows, work.row_offsets, work.prefix_sizes
    folds, fold_offsets, fold_widths = work.folds, work.fold_offsets, work.fold_widths
    values, backward, kept_rows, doubtful = work.values, work.tables, work.kept_rows, work.doubtful
    layers = keep.shape[0]
    item = state[0]
    layer = state[1]
    visited = 0
    while item < items.shape[0]:
        example = items[item, 0]
        if layer < 0:
            for i in range(widths[0]):
                hidden[i] = starts[example, i]
                tangents[i] = 0.0
            layer = 0
        while layer < layers:  # down: open the layers below with every unit dropped
            n, m = widths[layer], widths[layer + 1]
            here, below = vector_offsets[layer], vector_offsets[layer + 1]
            first_row = row_offsets[layer]
            for j in range(m):
                rows[first_row + j] = biases[below - widths[0] + j]
                row_tangents[first_row + j] = bias_tangents[below - widths[0] + j]
            units = 0
            everything = not dropped[layer]
            for i in range(n):
                if hidden[here + i] != 0.0 or tangents[here + i] != 0.0:
                    active[here + units] = i
                    scaled[here + units] = hidden[here + i] * inverse_keep[layer]
                    scaled_tangents[here + units] = tangents[here + i] * inverse_keep[layer]
                    units += 1
            if not everything and units >= sources.shape[1]:
                return TOO_MANY_UNITS
            fixed = items[item, 1] if layer == 0 else 0
            for unit in range(units):
                kept = everything
                if not everything and unit < fixed:
                    kept = (items[item, 2] >> (fixed - 1 - unit)) & 1 == 1
                if kept:
                    start = column_offsets[layer] + active[here + unit] * m
                    s, ds = scaled[here + unit], scaled_tangents[here + unit]
                    for j in range(m):
                        rows[first_row + j] += columns[start + j] * s
                        row_tangents[first_row + j] += column_tangents[start + j] * s + columns[start + j] * ds
            counters[layer, 0] = 0
            counters[layer, 1] = 0 if everything else units - fixed
            counters[layer, 2] = units if everything else fixed
            for position in range(counters[layer, 1] + 1):
                sources[layer, position] = 0
            doubtful[layer] = False
            for j in range(m):
                z, dz = rows[first_row + j], row_tangents[first_row + j]
                tangents[below + j] = dz if z > 0.0 else slopes[layer] * dz
                if open_unit(
                    net, layer, j, z, thresholds[example, below - widths[0] + j], hidden, counters[layer, 1],
                    counters[layer, 2], items[item, 2] if layer == 0 else 0, 0, active, everything,
                ):  # fmt: skip
                    doubtful[layer] = True
            layer += 1
        hessian_leaf(net, direction, hidden, tangents, labels[example], values, backward)
        visited += 1
        layer = layers - 1
        while layer >= 0:  # up: fold what is complete, or go to the next mask of this layer
            n, m = widths[layer], widths[layer + 1]
            here, below = vector_offsets[layer], vector_offsets[layer + 1]
            count, units, fixed = counters[layer, 0], counters[layer, 1], counters[layer, 2]
            delta = prefix_sizes[layer]
            row = row_offsets[layer] + sources[layer, units] * m
            for j in range(m):  # through the activation
                factor = 1.0 if rows[row + j] > 0.0 else slopes[layer]
                values[delta + j] = factor * backward[0, j]
                values[delta + m + j] = factor * backward[1, j]
            if doubtful[layer]:
                values[0] = 1.0
            fold = fold_offsets[layer]
            bit = 0
            while (count >> bit) & 1:
                size = delta + 2 * m * (1 + bit)
                for j in range(2 * m):
                    values[size + j] = values[delta + j]
                at = fold + bit * fold_widths[layer]
                for k in range(size):
                    values[k] = drop[layer] * folds[at + k] + keep[layer] * values[k]
                bit += 1
            if bit < units:
                at = fold + bit * fold_widths[layer]
                for k in range(delta + 2 * m * (1 + bit)):
                    folds[at + k] = values[k]
                position = units - 1 - bit
                source = row_offsets[layer] + sources[layer, position] * m
                target = row_offsets[layer] + (position + 1) * m
                start = column_offsets[layer] + active[here + fixed + position] * m
                s, ds = scaled[here + fixed + position], scaled_tangents[here + fixed + position]
                for later in range(position + 1, units + 1):
                    sources[layer, later] = position + 1
                counters[layer, 0] = count + 1
                doubtful[layer] = False
                for j in range(m):
                    z = rows[source + j] + columns[start + j] * s
                    dz = row_tangents[source + j] + (column_tangents[start + j] * s + columns[start + j] * ds)
                    rows[target + j] = z
                    row_tangents[target + j] = dz
                    tangents[below + j] = dz if z > 0.0 else slopes[layer] * dz
                    if open_unit(
                        net, layer, j, z, thresholds[example, below - widths[0] + j], hidden, units, fixed,
                        items[item, 2] if layer == 0 else 0, count + 1, active, False,
                    ):  # fmt: skip
                        doubtful[layer] = True
                break
            if layer > 0:  # from E δ, E δ̇ and the rows K, K̇ to ∂̇W, ∂̇b, ∂/∂h and its derivative
                everything = not dropped[layer]
                for k in range(2 * m * (1 + units)):
                    kept_rows[k] = values[delta + k]
                for k in range(n * m):
                    values[delta + k] = 0.0
                for j in range(m):
                    values[delta + n * m + j] = kept_rows[m + j]
                for i in range(n):
                    backward[0, i] = 0.0
                    backward[1, i] = 0.0
                unit = 0
                for i in range(n):
                    source = 0
                    if not everything and unit < units and active[here + unit] == i:
                        source = 2 * m * (units - unit)
                        unit += 1
                    start = column_offsets[layer] + i * m
                    h, dh = hidden[here + i], tangents[here + i]
                    for j in range(m):
                        k, dk = kept_rows[source + j], kept_rows[source + m + j]
                        backward[0, i] += columns[start + j] * k
                        backward[1, i] += column_tangents[start + j] * k + columns[start + j] * dk
                        values[delta + i * m + j] = dk * h + k * dh
            layer -= 1
        if layer < 0:
            for k in range(prefix_sizes[0] + 2 * widths[1] * (1 + counters[0, 1])):
                results[item, k] = values[k]
            item += 1
        else:
            layer += 1
        if visited >= budget:
            break
    state[0] = item
    state[1] = layer
    return DONE if item >= items.shape[0] else INTERRUPTED
