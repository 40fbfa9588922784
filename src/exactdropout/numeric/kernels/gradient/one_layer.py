"""From sums over masks to ∂J_D/∂W of a network with one hidden layer, example by example.

With g_oi = r_o φ′(z_i) + κ₂ w_oi φ′(z_i)² z_i, φ′ = σ + (1 − σ)·1(z > 0) and h_i = φ′(z_i) z_i,

    ∂/∂W_iu = 2 x_u Σ_o w_oi E[g_oi | u kept],   ∂/∂b_i = 2 Σ_o w_oi E g_oi,   ∂/∂b_o = 2 E r_o,
    ∂/∂w_oi = 2 E[g_oi z_i] = 2 (b_i E g_oi + Σ_u W_iu x_u E[g_oi | u kept]),

the last because φ is homogeneous: no further sum is needed. docs/error-bounds.md, step 8b, derives the bounds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.conditional_moments import BLOCK, conditional_moments
from exactdropout.numeric.kernels.gradient.layout import Rows
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["Active", "Layer", "active_columns", "add_items", "layer_gradient", "layer_gradients"]

UNIT = 2.0**-53


class Layer(NamedTuple):
    """The network: W, b and w, the slope, p, q and 1/p of the inputs, κ₂ of the hidden layer."""

    weights: Array
    bias: Array
    output_weights: Array
    slope: float
    keep: float
    drop: float
    inverse_keep: float
    kappa: float


class Active(NamedTuple):
    """The active units of each example, how many there are, and W_iu·(x_u/p) of each (units × units below)."""

    units: Array
    counts: Array
    columns: Array


@compiled
def active_columns(inputs: Array, weights: Array, inverse_keep: float, active: Active) -> None:
    """Find the units that are not 0."""
    units, counts, columns = active.units, active.counts, active.columns
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
def layer_gradient(
    layer: Layer, x: Array, units: Array, count: Any, columns: Array, residuals: Array, probability: float,
    indicators: Array, moments: Array, expected: Array, d_weights: Array, d_output_weights: Array, d_bias: Array,
    d_output_bias: Array,
) -> None:  # fmt: skip
    """Add one example's share of the gradient.

    ``indicators`` (outputs × units below × 1 + most units) holds Σ P r 1(z > 0), ``moments`` Σ P max(z, 0), each over
    all masks and over those that keep each unit. ``expected`` (2 × units below) is workspace for E z and E max(z, 0).
    """
    weights, bias, output_weights = layer.weights, layer.bias, layer.output_weights
    slope, keep, drop, inverse_keep, kappa = layer.slope, layer.keep, layer.drop, layer.inverse_keep, layer.kappa
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
                g = 2.0 * g
                if column == 0:
                    d_bias[i] += probability * (w * g)
                    d_output_weights[o, i] += probability * (bias[i] * g)
                else:
                    k = units[column - 1]
                    d_weights[i, k] += probability * (w * (g * x[k]))
                    d_output_weights[o, i] += probability * ((weights[i, k] * x[k]) * g)


@compiled
def doubtful(layer: Layer, x: Array, count: Any, near: Array, doubts: Array) -> None:
    """Write the probability of a mask with an uncertain sign of each unit.

    ``near`` is P(|z_i| ≤ 3.5·wrongs); masks that are sums of zeros only are taken off it.
    """
    terms = 2.0 ** ((count + 1) // 2)
    rounding = 2.0 * (3.0 * count + 24.0 + 2.0 * (min(float(BLOCK), terms) + terms / BLOCK)) * UNIT
    for i in range(near.shape[0]):
        zeros = 1.0 if layer.bias[i] == 0.0 else 0.0
        if zeros > 0.0:
            for u in range(x.shape[0]):
                if x[u] != 0.0 and layer.weights[i, u] != 0.0:
                    zeros *= layer.drop
        doubts[i] = max(0.0, near[i] - zeros) + 2.0 * rounding * near[i]


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
    layer: Layer, rows: Rows, active: Active, residuals: Array, wrongs: Array, items: Array, indicators: Array,
    doubts: Array, d_weights: Array, d_output_weights: Array, d_bias: Array, d_output_bias: Array,
) -> None:  # fmt: skip
    """Add all examples up, and write the probability of an uncertain sign of each of their units.

    The first row of ``indicators`` of each example holds the sum over all its items; ``wrongs`` bounds what each
    pre-activation is wrong by, and is 0 where signs do not matter.
    """
    inputs, counts, columns, bias = rows.inputs, active.counts, active.columns, layer.bias
    below, width = bias.shape[0], inputs.shape[1]
    half = 1 << (width + 1) // 2
    # Rows of uneven length: 4096 bytes apart, loads would wait for stores whose addresses end in the same 12 bits.
    values, others = np.empty((2, half + 24)), np.empty((2, half + 40))
    masks, other_masks = np.empty((2, half + 56), dtype=np.int64), np.empty((2, half + 72), dtype=np.int64)
    half_weights, other_weights, by_mask = np.empty(half), np.empty(half), np.empty(half)
    sums, moments, expected = np.empty((2, half + 1)), np.empty((below, 1 + width)), np.empty((2, below))
    thresholds, near = np.empty(below), np.empty(below)
    begin = 0
    for e in range(inputs.shape[0]):
        for i in range(below):
            thresholds[i] = 3.5 * wrongs[e, i]
        conditional_moments(
            columns[e], bias, counts[e], layer.keep, layer.drop, thresholds, values, others, masks, other_masks,
            half_weights, other_weights, sums, by_mask, moments, near,
        )  # fmt: skip
        layer_gradient(
            layer, inputs[e], active.units[e], counts[e], columns[e], residuals[e], rows.chances[e], indicators[begin],
            moments, expected, d_weights, d_output_weights, d_bias, d_output_bias,
        )  # fmt: skip
        doubtful(layer, inputs[e], counts[e], near, doubts[e])
        begin += 1 << items[begin, 1]
