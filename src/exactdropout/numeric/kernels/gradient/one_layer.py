"""From sums over masks to ∂J_D/∂W of a network with one hidden layer, example by example.

With g_oi = r_o φ′(z_i) + κ₂ w_oi φ′(z_i)² z_i, φ′ = σ + (1 − σ)·1(z > 0) and h_i = φ′(z_i) z_i,

    ∂/∂W_iu = 2 x_u Σ_o w_oi E[g_oi | u kept],   ∂/∂b_i = 2 Σ_o w_oi E g_oi,   ∂/∂b_o = 2 E r_o,
    ∂/∂w_oi = 2 E[g_oi z_i] = 2 (b_i E g_oi + Σ_u W_iu x_u E[g_oi | u kept]),

the last because φ is homogeneous: no further sum is needed. docs/error-bounds.md, step 8b, derives the bounds.
"""

from __future__ import annotations

from typing import NamedTuple

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Active, Layer, Rows
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["Slopes", "active_columns", "add_items", "layer_gradients"]

UNIT = 2.0**-53


class Slopes(NamedTuple):
    """Where ∂J_D/∂W, ∂/∂w, ∂/∂b and ∂/∂b_o are added up, weights first."""

    weights: Array
    output_weights: Array
    bias: Array
    output_bias: Array


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
    layer: Layer, rows: Rows, active: Active, residuals: Array, items: Array, indicators: Array, moments: Array,
    expected: Array, slopes: Slopes, doubts: Array, roundings: Array,
) -> None:  # fmt: skip
    """Add all examples up, and turn ``doubts`` from P(|z_i| ≤ 3.5·wrongs) to the probability of an uncertain sign.

    Masks that are sums of zeros only are taken off it. The first row of ``indicators`` of each example (outputs × units
    below × 1 + most units) holds Σ P r 1(z > 0) over all its items, ``moments`` Σ P max(z, 0), each over all masks and
    over those that keep each unit; ``roundings[k]`` is how many one of k active units meets. ``expected`` (2 × units
    below) is workspace for E z and E max(z, 0).
    """
    weights, bias, output_weights = layer.weights, layer.bias, layer.output_weights
    slope, keep, drop, inverse_keep, kappa = layer.slope, layer.keep, layer.drop, layer.inverse_keep, layer.kappa
    columns, inputs, below, outputs = active.columns, rows.inputs, bias.shape[0], output_weights.shape[0]
    begin = 0
    for e in range(inputs.shape[0]):
        count, probability = active.counts[e], rows.chances[e]
        for column in range(1 + count):
            factor = 1.0 if column == 0 else inverse_keep
            for i in range(below):
                z = bias[i]
                for u in range(count):
                    z += columns[e, u, i] * keep
                if column > 0:
                    z += columns[e, column - 1, i] * drop
                expected[0, i] = z
                expected[1, i] = moments[e, i, column] * factor
            for o in range(outputs):
                r = 0.0
                if slope != 0.0 or column == 0:
                    r = residuals[e, o]
                    for i in range(below):
                        r += output_weights[o, i] * (slope * expected[0, i] + (1.0 - slope) * expected[1, i])
                if column == 0:
                    slopes.output_bias[o] += probability * (2.0 * r)
                for i in range(below):
                    w = output_weights[o, i]
                    moment = slope * slope * expected[0, i] + (1.0 - slope * slope) * expected[1, i]
                    g = slope * r + (1.0 - slope) * (indicators[begin, o, i, column] * factor) + kappa * (w * moment)
                    g = 2.0 * g
                    if column == 0:
                        slopes.bias[i] += probability * (w * g)
                        slopes.output_weights[o, i] += probability * (bias[i] * g)
                    else:
                        k = active.units[e, column - 1]
                        slopes.weights[i, k] += probability * (w * (g * inputs[e, k]))
                        slopes.output_weights[o, i] += probability * ((weights[i, k] * inputs[e, k]) * g)
        rounding = 2.0 * roundings[count] * UNIT
        for i in range(below):
            near = doubts[e, i]
            zeros = 1.0 if bias[i] == 0.0 else 0.0
            if zeros > 0.0:
                for u in range(inputs.shape[1]):
                    if inputs[e, u] != 0.0 and weights[i, u] != 0.0:
                        zeros *= drop
            doubts[e, i] = max(0.0, near - zeros) + 2.0 * rounding * near
        begin += 1 << items[begin, 1]
