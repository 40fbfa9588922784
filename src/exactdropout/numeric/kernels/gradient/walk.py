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
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.walk.fourth_moments import BLOCK_BITS, DONE, INTERRUPTED, TOO_MANY_UNITS

__all__ = ["block_gradient", "gradient_leaf", "gradient_walk", "in_doubt"]


@compiled
def in_doubt(
    z: float,
    threshold: float,
    bias: float,
    columns: Array,
    column_offset: Any,
    width: Any,
    j: int,
    units: Any,
    fixed: Any,
    prefix: Any,
    count: Any,
    active: Array,
    here: Any,
    everything: bool,
) -> bool:
    """Return whether the sign of a z with |z| ≤ threshold is uncertain: it is not where z is a sum of zeros."""
    if threshold == 0.0:
        return False
    if bias != 0.0 or z != 0.0:
        return True
    for unit in range(fixed + units):
        kept = 1
        if everything:
            pass
        elif unit < fixed:
            kept = (prefix >> (fixed - 1 - unit)) & 1
        else:
            kept = (count >> (units - 1 - (unit - fixed))) & 1
        if kept == 1 and columns[column_offset + active[here + unit] * width + j] != 0.0:
            return True
    return False


@compiled
def gradient_leaf(
    hidden: Array,
    start: Any,
    width: Any,
    output_weights: Array,
    output_bias: Array,
    labels: Array,
    kappa: float,
    example: int,
    values: Array,
    backward: Array,
) -> None:
    """Write doubt 0, ∂w, ∂b at a leaf to ``values`` and ∂Q/∂h to ``backward``."""
    outputs = output_weights.shape[0]
    values[0] = 0.0
    for i in range(width):
        backward[i] = 0.0
    for o in range(outputs):
        f = output_bias[o]
        for i in range(width):
            f += output_weights[o, i] * hidden[start + i]
        r = 2.0 * (f - labels[example, o])
        for i in range(width):
            w = output_weights[o, i]
            h = hidden[start + i]
            noise = 2.0 * kappa * (w * h)
            values[1 + o * width + i] = r * h + noise * h
            backward[i] += r * w + noise * w
        values[1 + outputs * width + o] = r


@compiled
def block_gradient(
    rows: Array,
    row: Any,
    width: Any,
    slope: Any,
    columns: Array,
    column_offset: Any,
    biases: Array,
    bias_offset: Any,
    thresholds: Array,
    active: Array,
    scaled: Array,
    here: Any,
    walked: Any,
    fixed: Any,
    prefix: Any,
    count: Any,
    units: Any,
    keep: Any,
    drop: Any,
    output_weights: Array,
    output_bias: Array,
    labels: Array,
    kappa: float,
    example: int,
    tables: Array,
    lanes: Array,
    delta: Any,
    values: Array,
) -> None:
    """Fold the gradients of all subsets of the last ``units`` units, 2^units leaves side by side.

    Writes doubt, ∂w and ∂b, then from ``delta`` on E δ and one row K for each of these units, last unit first. A lane
    is a subset; its terms are those of :func:`gradient_leaf`. ``tables`` keeps the pre-activations of all lanes.
    """
    size = 1 << units
    outputs = output_weights.shape[0]
    first = here + fixed + walked
    doubts, outer, work, kept = lanes[0], lanes[1], lanes[2], lanes[3]
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
        threshold = thresholds[example, bias_offset + j]
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
                        table[l],
                        threshold,
                        biases[bias_offset + j],
                        columns,
                        column_offset,
                        width,
                        j,
                        walked + units,
                        fixed,
                        prefix,
                        decided,
                        active,
                        here,
                        False,
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
        bias, label = output_bias[o], labels[example, o]
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
                work[l] = outer[l] * h + noise * h
                back[l] += outer[l] * w + noise * w
            half = size >> 1
            while half > 0:
                for l in range(half):
                    work[l] = drop * work[l] + keep * work[half + l]
                half >>= 1
            values[1 + o * width + j] = work[0]
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
    widths: Array,
    columns: Array,
    column_offsets: Array,
    biases: Array,
    vector_offsets: Array,
    slopes: Array,
    keep: Array,
    drop: Array,
    inverse_keep: Array,
    output_weights: Array,
    output_bias: Array,
    kappa: float,
    starts: Array,
    labels: Array,
    thresholds: Array,
    items: Array,
    results: Array,
    state: Array,
    hidden: Array,
    scaled: Array,
    active: Array,
    sources: Array,
    counters: Array,
    rows: Array,
    row_offsets: Array,
    prefix_sizes: Array,
    folds: Array,
    fold_offsets: Array,
    fold_widths: Array,
    values: Array,
    backward: Array,
    kept_rows: Array,
    doubtful: Array,
    tables: Array,
    lanes: Array,
    budget: int,
) -> int:
    """Walk items as ``walk`` does, folding gradients; needs at least one walked layer.

    A result row holds what is folded for the first walked layer, with rows K for the units that the item's prefix
    does not decide, last unit first. ``prefix_sizes[l]`` is where δ of layer l begins; ``thresholds`` bounds the
    error of each pre-activation.
    """
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
            everything = keep[layer] == 1.0
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
                z = rows[first_row + j]
                hidden[below + j] = z if z > 0.0 else slopes[layer] * z
                threshold = thresholds[example, below - widths[0] + j]
                if (
                    block == 0
                    and abs(z) <= threshold
                    and in_doubt(
                        z,
                        threshold,
                        biases[below - widths[0] + j],
                        columns,
                        column_offsets[layer],
                        m,
                        j,
                        counters[layer, 1],
                        counters[layer, 2],
                        items[item, 2] if layer == 0 else 0,
                        0,
                        active,
                        here,
                        everything,
                    )
                ):
                    doubtful[layer] = True
            layer += 1
        last = layers - 1
        side_by_side = counters[last, 3]
        if side_by_side > 0:
            block_gradient(
                rows,
                row_offsets[last] + sources[last, counters[last, 1]] * widths[layers],
                widths[layers],
                slopes[last],
                columns,
                column_offsets[last],
                biases,
                vector_offsets[layers] - widths[0],
                thresholds,
                active,
                scaled,
                vector_offsets[last],
                counters[last, 1],
                counters[last, 2],
                items[item, 2] if last == 0 else 0,
                counters[last, 0],
                side_by_side,
                keep[last],
                drop[last],
                output_weights,
                output_bias,
                labels,
                kappa,
                example,
                tables,
                lanes,
                prefix_sizes[last],
                values,
            )
        else:
            gradient_leaf(
                hidden,
                vector_offsets[layers],
                widths[layers],
                output_weights,
                output_bias,
                labels,
                kappa,
                example,
                values,
                backward,
            )
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
                    hidden[below + j] = z if z > 0.0 else slopes[layer] * z
                    threshold = thresholds[example, below - widths[0] + j]
                    if (
                        block == 0
                        and abs(z) <= threshold
                        and in_doubt(
                            z,
                            threshold,
                            biases[below - widths[0] + j],
                            columns,
                            column_offsets[layer],
                            m,
                            j,
                            units,
                            fixed,
                            items[item, 2] if layer == 0 else 0,
                            count + 1,
                            active,
                            here,
                            False,
                        )
                    ):
                        doubtful[layer] = True
                break
            if layer > 0:  # from E δ and the rows K to ∂W, ∂b and ∂/∂h
                everything = keep[layer] == 1.0
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
