"""The compiled loop: a pair of independent masks for each visit of an example, the last layer in closed form."""

from __future__ import annotations

import numba
import numpy as np

from exactdropout.model.numbers import Array

__all__ = ["sample_pairs", "sample_pairs_reference"]


def sample_pairs_reference(
    weights: list[Array],
    biases: list[Array],
    slopes: list[float],
    scales: list[float],
    noise: Array,
    start: Array,
    label: Array,
    masks: list[list[Array]],
) -> tuple[tuple[float, float], Array, Array]:
    """Return what :func:`sample_pairs` computes for one visit, from its definition.

    For each of two masks let h be the last hidden values and f = W h + b the outputs before the last mask. Then
    X = ‖f − y‖² + Σ_oj noise_oj h_j², the expectation of ‖D − y‖² over the last mask; V_o = ½(f_o − f′_o)² + the mean
    of the two Σ_j noise_oj h_j², an unbiased estimate of Var D_o; and F = (f + f′)/2. ``start`` are the values that
    enter the first layer, ``masks[t][l]`` the kept units of layer l under mask t (all ones where nothing is dropped).
    """
    errors, noises, outputs = [], [], []
    for mask in masks:
        h = start
        for l, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            last = l == len(weights) - 1
            z = weight @ (h if last else h * scales[l] * mask[l]) + bias
            if last:
                noises.append(noise @ (h * h))
                outputs.append(z)
            else:
                h = np.where(z > 0, z, slopes[l] * z)
        errors.append(float(((outputs[-1] - label) ** 2).sum() + noises[-1].sum()))
    first, second = outputs
    return (
        (errors[0], errors[1]),
        (first - second) ** 2 / 2 + (noises[0] + noises[1]) / 2,
        (first + second) / 2,
    )


@numba.njit(nogil=True, cache=True)
def sample_pairs(
    widths: Array,  # of the layers from the first that is walked to the outputs
    weights: Array,  # all matrices, each transposed: one row for each unit below
    biases: Array,
    slopes: Array,
    scales: Array,  # 1/p of each layer but the last hidden one, 1 where nothing is dropped
    noise: Array,  # summed over the outputs
    row_noise: Array,  # of each output: (units, outputs), or (0, 0) where only sums over outputs are wanted
    units: Array,  # the non-zero entering values of each example, with their unit, row after row
    values: Array,
    ends: Array,
    labels: Array,
    rows: Array,  # the example of each visit
    entering: Array,  # one byte for each entering value of each mask: kept or not
    deeper: Array,  # the same for the units of deeper layers
    errors: Array,  # (visits, 2), written: X of each mask
    spreads: Array,  # (visits,), written: Σ_o V_o of each pair
    row_spreads: Array,  # (visits, outputs), written where ``row_noise`` is given: V of each pair
    means: Array,  # (visits, outputs), written: F of each pair
) -> None:
    """Write X, V and F of :func:`sample_pairs_reference` for every visit."""
    layers = len(widths) - 1
    most = 0
    for l in range(layers + 1):
        most = max(most, widths[l])
    h, z = np.empty(most), np.empty(most)
    kept_at, kept_of = np.empty(most, np.int64), np.empty(most)
    outputs = widths[layers]
    other = np.empty(outputs)
    by_row = row_noise.shape[0] > 0
    at_entering = at_deeper = 0
    for v in range(len(rows)):
        row = rows[v]
        noise_before = 0.0
        if by_row:
            for o in range(outputs):
                row_spreads[v, o] = 0.0
        for t in range(2):
            at_weights = at_biases = 0
            noise_now = 0.0
            for l in range(layers):
                n, above = widths[l], widths[l + 1]
                count = 0
                if l == 0:
                    for k in range(ends[row], ends[row + 1]):
                        if entering[at_entering]:
                            kept_at[count], kept_of[count] = units[k], values[k]
                            count += 1
                        at_entering += 1
                elif l < layers - 1:
                    for i in range(n):
                        if deeper[at_deeper] and h[i] != 0.0:
                            kept_at[count], kept_of[count] = i, h[i] * scales[l]
                            count += 1
                        at_deeper += 1
                else:
                    for i in range(n):
                        if h[i] != 0.0:
                            kept_at[count], kept_of[count] = i, h[i]
                            count += 1
                            noise_now += noise[i] * h[i] * h[i]
                            if by_row:
                                for o in range(outputs):
                                    row_spreads[v, o] += 0.5 * row_noise[i, o] * h[i] * h[i]
                for j in range(above):
                    z[j] = biases[at_biases + j]
                whole = count - count % 4
                for k in range(0, whole, 4):
                    a, b, c, d = kept_of[k], kept_of[k + 1], kept_of[k + 2], kept_of[k + 3]
                    wa = weights[at_weights + kept_at[k] * above : at_weights + (kept_at[k] + 1) * above]
                    wb = weights[at_weights + kept_at[k + 1] * above : at_weights + (kept_at[k + 1] + 1) * above]
                    wc = weights[at_weights + kept_at[k + 2] * above : at_weights + (kept_at[k + 2] + 1) * above]
                    wd = weights[at_weights + kept_at[k + 3] * above : at_weights + (kept_at[k + 3] + 1) * above]
                    for j in range(above):
                        z[j] += ((a * wa[j] + b * wb[j]) + c * wc[j]) + d * wd[j]
                for k in range(whole, count):
                    a = kept_of[k]
                    wa = weights[at_weights + kept_at[k] * above : at_weights + (kept_at[k] + 1) * above]
                    for j in range(above):
                        z[j] += a * wa[j]
                at_weights += n * above
                at_biases += above
                if l < layers - 1:
                    for j in range(above):
                        h[j] = z[j] if z[j] > 0.0 else slopes[l] * z[j]
            error = noise_now
            for o in range(outputs):
                error += (z[o] - labels[row, o]) * (z[o] - labels[row, o])
            errors[v, t] = error
            if t == 0:
                for o in range(outputs):
                    other[o] = z[o]
                noise_before = noise_now
            else:
                spread = 0.0
                for o in range(outputs):
                    spread += (z[o] - other[o]) * (z[o] - other[o])
                    means[v, o] = 0.5 * (z[o] + other[o])
                    if by_row:
                        row_spreads[v, o] += 0.5 * (z[o] - other[o]) * (z[o] - other[o])
                spreads[v] = 0.5 * spread + 0.5 * (noise_before + noise_now)
