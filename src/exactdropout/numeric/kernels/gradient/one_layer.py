"""From sums over masks to ∂J_D/∂W of a network with one hidden layer, and their proved bounds, example by example.

With g_oi = r_o φ′(z_i) + κ₂ w_oi φ′(z_i)² z_i, φ′ = σ + (1 − σ)·1(z > 0) and h_i = φ′(z_i) z_i,

    ∂/∂W_iu = 2 x_u Σ_o w_oi E[g_oi | u kept],   ∂/∂b_i = 2 Σ_o w_oi E g_oi,   ∂/∂b_o = 2 E r_o,
    ∂/∂w_oi = 2 E[g_oi z_i] = 2 (b_i E g_oi + Σ_u W_iu x_u E[g_oi | u kept]),

the last because φ is homogeneous: no further sum is needed. docs/error-bounds.md, step 8b, derives the bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.conditional_moments import BLOCK, conditional_moments
from exactdropout.numeric.kernels.gradient.indicators import LOW_BITS, MIDDLE_BITS
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["active_columns", "add_items", "layer_bound", "layer_gradient", "layer_gradients", "layer_reaches"]

UNIT = 2.0**-53
ETA = 2.0**-1074
SLACK = 1 + 2.0**-29
DOUBT = 2.0**-40
"""What is left of P(|z| ≤ 3·wrongs) after sums of zeros are taken off, where it is rounding only, is below this."""


@compiled
def active_columns(
    inputs: Array, weights: Array, inverse_keep: float, columns: Array, units: Array, counts: Array
) -> None:
    """Write W_iu·(x_u/p) of the active units u of each example, their numbers and how many there are."""
    for e in range(inputs.shape[0]):
        count = 0
        for u in range(inputs.shape[1]):
            if inputs[e, u] != 0.0:
                scaled = inputs[e, u] * inverse_keep
                for i in range(weights.shape[0]):
                    columns[e, count, i] = weights[i, u] * scaled
                units[e, count] = u
                count += 1
        counts[e] = count


@compiled
def layer_reaches(
    inputs: Array,
    input_errors: Array,
    weights: Array,
    bias: Array,
    inverse_keep: float,
    sizes: Array,
    reaches: Array,
    wrongs: Array,
) -> float:
    """Write |x| ≤ sizes, |z|, |ẑ| ≤ reaches and |ẑ − z| ≤ wrongs for every mask, and return the largest reach.

    The recurrence of docs/error-bounds.md, step 2, as :mod:`..bounds` has it, but without its layers that are exact.
    """
    n = inputs.shape[1]
    scale = inverse_keep * SLACK
    largest = 0.0
    for e in range(inputs.shape[0]):
        for u in range(n):
            sizes[e, u] = (abs(inputs[e, u]) + input_errors[e, u]) * SLACK + 3 * ETA
            largest = max(largest, sizes[e, u] * scale)
        for i in range(weights.shape[0]):
            total = 0.0
            reach = 0.0
            carried = 0.0
            for u in range(n):
                w = abs(weights[i, u])
                total += w
                reach += w * sizes[e, u]
                carried += w * input_errors[e, u]
            lost = 2.0 * ETA * (2.0 * n + 6.0 + total)
            below = (abs(bias[i]) + scale * (reach * SLACK + (n + 2) * ETA) + lost) * SLACK + (n + 2) * ETA
            wrong = scale * (carried * SLACK + (n + 2) * ETA) + (n + 4) * UNIT * SLACK * below + lost
            reaches[e, i] = below
            wrongs[e, i] = wrong * SLACK + (n + 2) * ETA
            largest = max(largest, below)
    return float(largest)


@compiled
def layer_gradient(
    x: Array,
    units: Array,
    count: Any,
    columns: Array,
    weights: Array,
    bias: Array,
    output_weights: Array,
    residuals: Array,
    slope: float,
    keep: float,
    drop: float,
    inverse_keep: float,
    kappa: float,
    probability: float,
    indicators: Array,
    moments: Array,
    expected: Array,
    d_weights: Array,
    d_bias: Array,
    d_output_weights: Array,
    d_output_bias: Array,
) -> None:
    """Add one example's share of the gradient.

    ``indicators`` (outputs × units below × 1 + most units) holds Σ P r 1(z > 0), ``moments`` Σ P max(z, 0), each over
    all masks and over those that keep each unit. ``expected`` (2 × units below) is workspace for E z and E max(z, 0).
    """
    below, outputs = bias.shape[0], output_weights.shape[0]
    for column in range(1 + count):
        factor = 1.0 if column == 0 else inverse_keep
        for i in range(below):
            z = bias[i]
            for u in range(count):
                z += columns[u, i] * keep
            if column > 0:
                z += columns[column - 1, i] * drop
            expected[0, i] = z
            expected[1, i] = moments[i, column] * factor
        for o in range(outputs):
            r = 0.0
            if slope != 0.0 or column == 0:
                r = residuals[o]
                for i in range(below):
                    r += output_weights[o, i] * (slope * expected[0, i] + (1.0 - slope) * expected[1, i])
            if column == 0:
                d_output_bias[o] += probability * (2.0 * r)
            for i in range(below):
                w = output_weights[o, i]
                moment = slope * slope * expected[0, i] + (1.0 - slope * slope) * expected[1, i]
                g = slope * r + (1.0 - slope) * (indicators[o, i, column] * factor) + kappa * (w * moment)
                g = 2.0 * probability * g
                if column == 0:
                    d_bias[i] += w * g
                    d_output_weights[o, i] += bias[i] * g
                else:
                    k = units[column - 1]
                    d_weights[i, k] += w * (g * x[k])
                    d_output_weights[o, i] += weights[i, k] * x[k] * g


@compiled
def layer_bound(
    sizes: Array,
    errors: Array,
    reaches: Array,
    wrongs: Array,
    weights: Array,
    bias: Array,
    output_weights: Array,
    output_bias: Array,
    labels: Array,
    label_errors: Array,
    count: Any,
    outer: Any,
    slope: float,
    slope_error: float,
    drop: float,
    inverse_keep: float,
    kappa: float,
    lost: bool,
    active: Array,
    near: Array,
    result: Array,
) -> None:
    """Write the largest error and the largest size of an entry of one example's share of the gradient.

    ``near`` is P(|z_i| ≤ 3·wrongs); masks that are sums of zeros only are taken off it. ``lost`` says that a non-zero
    input was rounded to 0.
    """
    below, outputs = bias.shape[0], output_weights.shape[0]
    sigma = 1.0 + abs(slope)
    k = kappa * (1 + 4 * UNIT) + ETA
    off = 0.0 if slope == 0.0 and slope_error == 0.0 else slope_error + 8 * UNIT * sigma
    terms = 2.0 ** ((count + 1) // 2)
    g_halves = (3.0 * count + 24.0 + 2.0 * (min(float(BLOCK), terms) + terms / BLOCK)) * UNIT
    g_table = (2.0 * count + 8.0 * 2.0**outer + 40.0) * UNIT
    g_output = (count + 2.0 * below + 24.0) * UNIT
    s_top = 0.0
    e_top = 0.0
    for u in range(sizes.shape[0]):
        s_top = max(s_top, sizes[u])
        e_top = max(e_top, errors[u])
    b_top = 0.0
    for i in range(below):
        b_top = max(b_top, reaches[i])
    worst = 0.0
    largest = 0.0
    for i in range(below):
        near[i] = near[i] * (1.0 + g_halves * SLACK)
        zeros = 1.0 if bias[i] == 0.0 else 0.0
        if zeros > 0.0:
            for u in range(weights.shape[1]):
                if active[u] != 0.0 and weights[i, u] != 0.0:
                    zeros *= drop
        near[i] = (
            1.0 if lost else min(1.0, (max(0.0, near[i] - zeros) + 2.0 * g_halves * near[i]) * inverse_keep * SLACK)
        )
        result[2 + i] = 0.0
        result[2 + below + i] = 0.0
    tiny = ETA * (2.0**count * 64.0 * (count + below + outputs + 8.0)) * (1.0 + k) * (1.0 + inverse_keep)
    for o in range(outputs):
        flow = abs(output_bias[o]) + abs(labels[o]) + label_errors[o]
        wrong = label_errors[o]
        unit_wrong = label_errors[o]
        w_top = 0.0
        for i in range(below):
            w = abs(output_weights[o, i])
            w_top = max(w_top, w)
            flow += 2.0 * sigma * w * reaches[i]
            wrong += sigma * w * wrongs[i]
            unit_wrong += 2.0 * sigma * w * (wrongs[i] + g_halves * SLACK * reaches[i])
        lose = tiny * (1.0 + flow) * (1.0 + w_top) * (1.0 + w_top) * (1.0 + b_top) * (1.0 + s_top) * sigma
        e_r = wrong + (g_output * SLACK + off) * flow + lose
        e_mean = unit_wrong + (g_output * SLACK + off) * flow + lose
        worst = max(worst, 2.0 * e_mean)
        largest = max(largest, 2.0 * flow)
        for i in range(below):
            w = abs(output_weights[o, i])
            noise = 2.0 * k * w * sigma * sigma
            size = 2.0 * sigma * flow + noise * reaches[i]
            error = (
                abs(slope) * e_mean
                + sigma * (e_r + g_table * SLACK * (flow + e_r) + near[i] * flow)
                + noise * (wrongs[i] + g_halves * SLACK * reaches[i])
                + (16 * UNIT * SLACK) * size
                + off * (2.0 * flow + 8.0 * k * w * sigma * reaches[i])
                + lose
            )
            result[2 + i] += 2.0 * w * (error + (outputs + 8.0) * UNIT * SLACK * size)
            result[2 + below + i] += 2.0 * w * size
            scale = 2.0 * (error * reaches[i] + size * wrongs[i] + (count + 12.0) * UNIT * SLACK * size * reaches[i])
            worst = max(worst, scale + lose)
            largest = max(largest, 2.0 * size * reaches[i])
    for i in range(below):
        e_delta, delta = result[2 + i], result[2 + below + i]
        worst = max(worst, e_delta)
        largest = max(largest, delta)
        worst = max(worst, e_delta * (s_top + e_top) + delta * (e_top + 4 * UNIT * s_top) + ETA * (1.0 + delta))
        largest = max(largest, delta * s_top)
    result[0] = worst * SLACK
    result[1] = largest * SLACK


@compiled
def add_items(items: Array, counts: Array, indicators: Array) -> None:
    """Add the rows of all items of each example in pairs, into the first of them."""
    begin = 0
    while begin < items.shape[0]:
        rows = 1 << items[begin, 1]
        count = counts[items[begin, 0]]
        half = rows >> 1
        while half > 0:
            for row in range(begin, begin + half):
                for o in range(indicators.shape[1]):
                    for i in range(indicators.shape[2]):
                        for u in range(1 + count):
                            indicators[row, o, i, u] += indicators[row + half, o, i, u]
            half >>= 1
        begin += rows


@compiled
def layer_gradients(
    inputs: Array,
    units: Array,
    counts: Array,
    columns: Array,
    weights: Array,
    bias: Array,
    output_weights: Array,
    output_bias: Array,
    residuals: Array,
    labels: Array,
    label_errors: Array,
    slope: float,
    slope_error: float,
    keep: float,
    drop: float,
    inverse_keep: float,
    kappa: float,
    probabilities: Array,
    sizes: Array,
    errors: Array,
    reaches: Array,
    wrongs: Array,
    items: Array,
    indicators: Array,
    d_weights: Array,
    d_bias: Array,
    d_output_weights: Array,
    d_output_bias: Array,
) -> tuple[float, bool]:
    """Add all examples up; return a bound of the error of every entry, and whether some sign is in doubt.

    The first row of ``indicators`` of each example holds the sum over all its items.
    """
    smooth = slope == 1.0 and slope_error == 0.0
    below, width = bias.shape[0], inputs.shape[1]
    half = 1 << (width + 1) // 2
    # Rows of uneven length: 4096 bytes apart, loads would wait for stores whose addresses end in the same 12 bits.
    values, others = np.empty((2, half + 24)), np.empty((2, half + 40))
    masks, other_masks = np.empty((2, half + 56), dtype=np.int64), np.empty((2, half + 72), dtype=np.int64)
    half_weights, other_weights, by_mask = np.empty(half), np.empty(half), np.empty(half)
    sums, moments, expected = np.empty((2, half + 1)), np.empty((below, 1 + width)), np.empty((2, below))
    thresholds, near, bound = np.empty(below), np.empty(below), np.empty(2 + 2 * below)
    begin = 0
    total = 0.0
    rounding = 0.0
    doubt = False
    for e in range(inputs.shape[0]):
        rows = 1 << items[begin, 1]
        for i in range(bias.shape[0]):
            thresholds[i] = 0.0 if smooth else 3.0 * wrongs[e, i] * (1 + 2.0**-20)
        conditional_moments(
            columns[e], bias, counts[e], keep, drop, thresholds, values, others, masks, other_masks, half_weights,
            other_weights, sums, by_mask, moments, near,
        )  # fmt: skip
        layer_gradient(
            inputs[e], units[e], counts[e], columns[e], weights, bias, output_weights, residuals[e], slope, keep, drop,
            inverse_keep, kappa, probabilities[e], indicators[begin], moments, expected, d_weights, d_bias,
            d_output_weights, d_output_bias,
        )  # fmt: skip
        lost = False
        for u in range(inputs.shape[1]):
            if inputs[e, u] == 0.0 and errors[e, u] > 0.0:
                lost = not smooth
        outer = max(0, counts[e] - items[begin, 1] - LOW_BITS - MIDDLE_BITS)
        layer_bound(
            sizes[e], errors[e], reaches[e], wrongs[e], weights, bias, output_weights, output_bias, labels[e],
            label_errors[e], counts[e], outer, slope, slope_error, drop, inverse_keep, kappa, lost, inputs[e], near,
            bound,
        )  # fmt: skip
        for i in range(bias.shape[0]):
            doubt = doubt or near[i] > DOUBT
        p = probabilities[e] * (1 + 4 * UNIT) + ETA
        total += p * bound[0]
        rounding += p * bound[1]
        begin += rows
    return (total + (inputs.shape[0] + 10.0) * UNIT * SLACK * rounding) * SLACK + ETA, doubt
