"""Reverse mode inside the walk: the expectation of ∂/∂W over all masks, from one pass over the same tree.

Write Q = Σ_o (r_o² + κ₂ Σ_i (w_oi h_i)²) for the criterion given the last hidden vector h. At a leaf

    ∂Q/∂w_oi = 2 r_o h_i + 2κ₂ w_oi h_i²,   ∂Q/∂b_o = 2 r_o,   ∂Q/∂h_i = Σ_o (2 r_o w_oi + 2κ₂ w_oi² h_i).

With δ_j = ∂Q/∂z_j of the layer that unit i feeds and r_i/p the mask entry of unit i,
E[δ_j r_i/p] = E[δ_j | i kept] =: K_ij, so ∂/∂W_ji = K_ij h_i, ∂/∂h_i = Σ_j W_ji K_ij, ∂/∂b_j = E[δ_j]. The tree of
masks has K_ij at the node that decides unit i; folding carries the rows of the units below along. A unit with
h_i = 0 has K_ij = E[δ_j].

What is folded for layer l, in this order: doubt (the probability of a mask for which some pre-activation is so near
0 that its sign is not certain), ∂w, ∂b of the outputs, then for each deeper layer its columns ∂W and ∂b, then δ of
this layer, then one row K for each unit decided so far.
"""

from __future__ import annotations

from typing import Any

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Walked, Workspace
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.walk.fourth_moments import BLOCK_BITS, DONE, INTERRUPTED, TOO_MANY_UNITS

__all__ = ["block_gradient", "gradient_leaf", "gradient_walk", "in_doubt", "open_unit"]


@subroutine
def in_doubt(
    net: Walked, layer: Any, j: int, z: float, threshold: float, units: Any, fixed: Any, prefix: Any, count: Any,
    active: Array, everything: bool,
) -> bool:  # fmt: skip
    """Return whether the sign of a z with |z| ≤ threshold is uncertain: it is not where z is a sum of zeros."""
    if threshold == 0.0:
        return False
    here, start, width = net.vector_offsets[layer], net.column_offsets[layer], net.widths[layer + 1]
    if z != 0.0 or net.biases[net.vector_offsets[layer + 1] - net.widths[0] + j] != 0.0:
        return True
    for unit in range(fixed + units):
        kept = 1
        if everything:
            pass
        elif unit < fixed:
            kept = (prefix >> (fixed - 1 - unit)) & 1
        else:
            kept = (count >> (units - 1 - (unit - fixed))) & 1
        if kept == 1 and net.columns[start + active[here + unit] * width + j] != 0.0:
            return True
    return False


@subroutine
def open_unit(
    net: Walked, layer: Any, j: int, z: float, threshold: float, hidden: Array, units: Any, fixed: Any, prefix: Any,
    count: Any, active: Array, everything: bool,
) -> bool:  # fmt: skip
    """Write h = φ(z); return whether the sign of z, or that h is 0, is uncertain."""
    h = z if z > 0.0 else net.slopes[layer] * z
    hidden[net.vector_offsets[layer + 1] + j] = h
    if h == 0.0 and z != 0.0 and net.faint[layer]:
        return True
    return abs(z) <= threshold and in_doubt(
        net, layer, j, z, threshold, units, fixed, prefix, count, active, everything
    )


@subroutine
def gradient_leaf(net: Walked, hidden: Array, labels: Array, values: Array, backward: Array) -> None:
    """Write doubt 0, ∂w, ∂b at a leaf to ``values`` and ∂Q/∂h to ``backward``."""
    output_weights, output_bias, kappa = net.output_weights, net.output_bias, net.kappa
    layers = net.slopes.shape[0]
    start, width = net.vector_offsets[layers], net.widths[layers]
    outputs = output_weights.shape[0]
    values[0] = 0.0
    for i in range(width):
        backward[i] = 0.0
    for o in range(outputs):
        f = output_bias[o]
        for i in range(width):
            f += output_weights[o, i] * hidden[start + i]
        r = 2.0 * (f - labels[o])
        for i in range(width):
            w = output_weights[o, i]
            h = hidden[start + i]
            noise = 2.0 * kappa * (w * h)
            values[1 + o * width + i] = r * h + noise * h
            backward[i] += r * w + noise * w
        values[1 + outputs * width + o] = r


@subroutine
def block_gradient(
    net: Walked, work: Workspace, labels: Array, thresholds: Array, fixed: Any, prefix: Any, units: Any
) -> None:
    """Fold the gradients of all subsets of the last ``units`` units, 2^units leaves side by side.

    Writes doubt, ∂w and ∂b, then from ``delta`` on E δ and one row K for each of these units, last unit first. A lane
    is a subset; its terms are those of :func:`gradient_leaf`. ``tables`` keeps the pre-activations of all lanes.
    """
    layer = net.slopes.shape[0] - 1
    width, slope, keep, drop, kappa = (
        net.widths[layer + 1],
        net.slopes[layer],
        net.keep[layer],
        net.drop[layer],
        net.kappa,
    )
    columns, column_offset, active, scaled = net.columns, net.column_offsets[layer], work.active, work.scaled
    output_weights, output_bias = net.output_weights, net.output_bias
    rows, tables, lanes, values = work.rows, work.tables, work.lanes, work.values
    count, walked = work.counters[layer, 0], work.counters[layer, 1]
    row = work.row_offsets[layer] + work.sources[layer, walked] * width
    delta = work.prefix_sizes[layer]
    bias_offset = net.vector_offsets[layer + 1] - net.widths[0]
    size = 1 << units
    outputs = output_weights.shape[0]
    first = net.vector_offsets[layer] + fixed + walked
    doubts, outer, products, kept = lanes[0], lanes[1], lanes[2], lanes[3]
    for l in range(size):
        doubts[l] = 0.0
    for j in range(width):
        table = tables[j]
        table[0] = rows[row + j]
        half = 1
        for unit in range(first, first + units):
            u = columns[column_offset + active[unit] * width + j] * scaled[unit]
            for l in range(half):
                table[half + l] = table[l] + u
            half *= 2
        threshold = thresholds[bias_offset + j]
        near = 0
        for l in range(size):
            near += 1 if abs(table[l]) <= threshold else 0
        if near > 0:
            for l in range(size):
                if abs(table[l]) <= threshold:
                    decided = count
                    for b in range(units):
                        decided = 2 * decided + ((l >> b) & 1)
                    if in_doubt(
                        net, layer, j, table[l], threshold, walked + units, fixed, prefix, decided, active, False
                    ):
                        doubts[l] = 1.0
    half = size >> 1
    while half > 0:
        for l in range(half):
            doubts[l] = drop * doubts[l] + keep * doubts[half + l]
        half >>= 1
    values[0] = doubts[0]
    backward = tables[width:]
    for j in range(width):
        for l in range(size):
            backward[j, l] = 0.0
    for o in range(outputs):
        bias, label = output_bias[o], labels[o]
        for l in range(size):
            outer[l] = bias
        for j in range(width):
            w, table = output_weights[o, j], tables[j]
            for l in range(size):
                z = table[l]
                outer[l] += w * (z if z > 0.0 else slope * z)
        for l in range(size):
            outer[l] = 2.0 * (outer[l] - label)
        for j in range(width):
            w, table, back = output_weights[o, j], tables[j], backward[j]
            for l in range(size):
                z = table[l]
                h = z if z > 0.0 else slope * z
                noise = 2.0 * kappa * (w * h)
                products[l] = outer[l] * h + noise * h
                back[l] += outer[l] * w + noise * w
            half = size >> 1
            while half > 0:
                for l in range(half):
                    products[l] = drop * products[l] + keep * products[half + l]
                half >>= 1
            values[1 + o * width + j] = products[0]
        half = size >> 1
        while half > 0:
            for l in range(half):
                outer[l] = drop * outer[l] + keep * outer[half + l]
            half >>= 1
        values[1 + outputs * width + o] = outer[0]
    for j in range(width):
        table, back = tables[j], backward[j]
        for l in range(size):
            back[l] = back[l] if table[l] > 0.0 else slope * back[l]
        half = size >> 1
        for bit in range(units):  # the last unit has the highest lane bit: fold it first, its kept half is its row K
            for l in range(half):
                kept[l] = back[half + l]
            for l in range(half):
                back[l] = drop * back[l] + keep * kept[l]
            quarter = half >> 1
            while quarter > 0:
                for l in range(quarter):
                    kept[l] = drop * kept[l] + keep * kept[quarter + l]
                quarter >>= 1
            values[delta + width * (1 + bit) + j] = kept[0]
            half >>= 1
        values[delta + j] = back[0]


@compiled
def gradient_walk(
    net: Walked, starts: Array, labels: Array, thresholds: Array, items: Array, results: Array, work: Workspace,
    budget: int,
) -> int:  # fmt: skip
    """Walk items as ``walk`` does, folding gradients; needs at least one walked layer.

    A result row holds what is folded for the first walked layer, with rows K for the units that the item's prefix
    does not decide, last unit first. ``thresholds`` bounds the error of each pre-activation.
    """
    widths, columns, column_offsets, biases = net.widths, net.columns, net.column_offsets, net.biases
    vector_offsets, slopes, dropped = net.vector_offsets, net.slopes, net.dropped
    keep, drop, inverse_keep = net.keep, net.drop, net.inverse_keep
    state, hidden, scaled, active, sources = work.state, work.hidden, work.scaled, work.active, work.sources
    counters, rows, row_offsets, prefix_sizes = work.counters, work.rows, work.row_offsets, work.prefix_sizes
    folds, fold_offsets, fold_widths = work.folds, work.fold_offsets, work.fold_widths
    values, backward, kept_rows, doubtful = work.values, work.backward, work.kept_rows, work.doubtful
    layers = keep.shape[0]
    item = state[0]
    layer = state[1]
    visited = 0
    while item < items.shape[0]:
        example = items[item, 0]
        if layer < 0:
            for i in range(widths[0]):
                hidden[i] = starts[example, i]
            layer = 0
        while layer < layers:
            n, m = widths[layer], widths[layer + 1]
            here, below = vector_offsets[layer], vector_offsets[layer + 1]
            first_row = row_offsets[layer]
            for j in range(m):
                rows[first_row + j] = biases[below - widths[0] + j]
            units = 0
            everything = not dropped[layer]
            for i in range(n):
                h = hidden[here + i]
                if h != 0.0:
                    start = column_offsets[layer] + i * m
                    s = h * inverse_keep[layer]
                    if everything:
                        for j in range(m):
                            rows[first_row + j] += columns[start + j] * s
                    active[here + units] = i
                    scaled[here + units] = s
                    units += 1
            if not everything and units >= sources.shape[1]:
                return TOO_MANY_UNITS
            fixed = items[item, 1] if layer == 0 else 0
            for unit in range(fixed):
                if (items[item, 2] >> (fixed - 1 - unit)) & 1:
                    start = column_offsets[layer] + active[here + unit] * m
                    s = scaled[here + unit]
                    for j in range(m):
                        rows[first_row + j] += columns[start + j] * s
            block = min(BLOCK_BITS, units - fixed) if layer == layers - 1 and not everything else 0
            counters[layer, 0] = 0
            counters[layer, 1] = 0 if everything else units - fixed - block
            counters[layer, 2] = units if everything else fixed
            counters[layer, 3] = block
            for position in range(counters[layer, 1] + 1):
                sources[layer, position] = 0
            doubtful[layer] = False
            for j in range(m):
                threshold = thresholds[example, below - widths[0] + j] if block == 0 else 0.0
                if open_unit(
                    net, layer, j, rows[first_row + j], threshold, hidden, counters[layer, 1], counters[layer, 2],
                    items[item, 2] if layer == 0 else 0, 0, active, everything,
                ):  # fmt: skip
                    doubtful[layer] = True
            layer += 1
        last = layers - 1
        side_by_side = counters[last, 3]
        if side_by_side > 0:
            block_gradient(
                net, work, labels[example], thresholds[example], counters[last, 2], items[item, 2] if last == 0 else 0,
                side_by_side,
            )  # fmt: skip
        else:
            gradient_leaf(net, hidden, labels[example], values, backward)
        visited += 1 << side_by_side
        layer = layers - 1
        while layer >= 0:
            n, m = widths[layer], widths[layer + 1]
            here, below = vector_offsets[layer], vector_offsets[layer + 1]
            count, units, fixed = counters[layer, 0], counters[layer, 1], counters[layer, 2]
            delta = prefix_sizes[layer]
            block = counters[layer, 3]
            if block == 0:
                row = row_offsets[layer] + sources[layer, units] * m
                for j in range(m):  # through the activation
                    values[delta + j] = backward[j] if rows[row + j] > 0.0 else slopes[layer] * backward[j]
                if doubtful[layer]:
                    values[0] = 1.0
            fold = fold_offsets[layer]
            bit = 0
            while (count >> bit) & 1:
                size = delta + m + (block + bit) * m
                for j in range(m):
                    values[size + j] = values[delta + j]
                at = fold + bit * fold_widths[layer]
                for k in range(size):
                    values[k] = drop[layer] * folds[at + k] + keep[layer] * values[k]
                bit += 1
            if bit < units:
                at = fold + bit * fold_widths[layer]
                for k in range(delta + m + (block + bit) * m):
                    folds[at + k] = values[k]
                position = units - 1 - bit
                source = row_offsets[layer] + sources[layer, position] * m
                target = row_offsets[layer] + (position + 1) * m
                start = column_offsets[layer] + active[here + fixed + position] * m
                s = scaled[here + fixed + position]
                for later in range(position + 1, units + 1):
                    sources[layer, later] = position + 1
                counters[layer, 0] = count + 1
                doubtful[layer] = False
                for j in range(m):
                    z = rows[source + j] + columns[start + j] * s
                    rows[target + j] = z
                    threshold = thresholds[example, below - widths[0] + j] if block == 0 else 0.0
                    if open_unit(
                        net, layer, j, z, threshold, hidden, units, fixed, items[item, 2] if layer == 0 else 0,
                        count + 1, active, False,
                    ):  # fmt: skip
                        doubtful[layer] = True
                break
            if layer > 0:  # from E δ and the rows K to ∂W, ∂b and ∂/∂h
                everything = not dropped[layer]
                units += block
                for k in range(m * (1 + units)):
                    kept_rows[k] = values[delta + k]
                for k in range(n * m):
                    values[delta + k] = 0.0
                for j in range(m):
                    values[delta + n * m + j] = kept_rows[j]
                for i in range(n):
                    backward[i] = 0.0
                    start = column_offsets[layer] + i * m
                    if everything or hidden[here + i] == 0.0:
                        for j in range(m):
                            backward[i] += columns[start + j] * kept_rows[j]
                            values[delta + i * m + j] = kept_rows[j] * hidden[here + i]
                if not everything:
                    for unit in range(units):
                        i = active[here + unit]
                        start = column_offsets[layer] + i * m
                        source = m * (units - unit)
                        for j in range(m):
                            backward[i] += columns[start + j] * kept_rows[source + j]
                            values[delta + i * m + j] = kept_rows[source + j] * hidden[here + i]
            layer -= 1
        if layer < 0:
            for k in range(prefix_sizes[0] + widths[1] * (1 + counters[0, 1] + counters[0, 3])):
                results[item, k] = values[k]
            item += 1
        else:
            layer += 1
        if visited >= budget:
            break
    state[0] = item
    state[1] = layer
    return DONE if item >= items.shape[0] else INTERRUPTED
