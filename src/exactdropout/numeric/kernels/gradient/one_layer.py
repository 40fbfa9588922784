"""From sums over masks to ∂J_D/∂W of a network with one hidden layer, example by example.

With g_oi = r_o φ′(z_i) + κ₂ w_oi φ′(z_i)² z_i, φ′ = σ + (1 − σ)·1(z > 0) and h_i = φ′(z_i) z_i,

    ∂/∂W_iu = 2 x_u Σ_o w_oi E[g_oi | u kept],   ∂/∂b_i = 2 Σ_o w_oi E g_oi,   ∂/∂b_o = 2 E r_o,
    ∂/∂w_oi = 2 E[g_oi z_i] = 2 (b_i E g_oi + Σ_u W_iu x_u E[g_oi | u kept]),

the last because φ is homogeneous: no further sum is needed. docs/error-bounds.md, step 8b, derives the bounds.
"""

from __future__ import annotations

from typing import NamedTuple

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Layer, Rows
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["Slopes", "add_items", "layer_gradients"]

UNIT = 2.0**-53


class Slopes(NamedTuple):
    """Where ∂J_D/∂W, ∂/∂w, ∂/∂b and ∂/∂b_o are added up, weights first."""

    weights: Array
    output_weights: Array
    bias: Array
    output_bias: Array


@compiled
def add_items(items: Array, sums: Array) -> None:
    """Add the rows of all items of each example in pairs, into the first of them."""
    begin = 0
    while begin < items.shape[0]:
        rows = 1 << items[begin, 1]
        half = rows >> 1
        while half > 0:
            for row in range(begin, begin + half):
                for k in range(sums.shape[1]):
                    sums[row, k] += sums[row + half, k]
            half >>= 1
        begin += rows


@compiled
def layer_gradients(
    layer: Layer, rows: Rows, constants: Array, items: Array, sums: Array, expected: Array, slopes: Slopes,
    doubts: Array, roundings: float,
) -> None:  # fmt: skip
    """Add all examples up, and write the probability of an uncertain sign of each unit to ``doubts``.

    That is P(|z_i| ≤ its error) without the masks on which z_i is a sum of zeros only. The first row of ``sums`` of
    each example (:func:`~.blocks.row_size`) holds the sums over all its items, which meet at most ``roundings``
    roundings; ``constants`` ends with the outputs' bias less the label. ``expected`` (3 × units below) is workspace for
    E z, E z and E max(z, 0) given that a unit is kept.
    """
    weights, bias, output_weights = layer.weights, layer.bias, layer.output_weights
    slope, keep, drop, inverse_keep, kappa = layer.slope, layer.keep, layer.drop, layer.inverse_keep, layer.kappa
    inputs, below, outputs, width = rows.inputs, bias.shape[0], output_weights.shape[0], weights.shape[1]
    across = 1 + width
    moments, near = outputs * below * across, (outputs + 1) * below * across
    begin = 0
    for e in range(inputs.shape[0]):
        probability = rows.chances[e]
        for i in range(below):
            z = bias[i]
            for u in range(width):
                if inputs[e, u] != 0.0:
                    z += (weights[i, u] * (inputs[e, u] * inverse_keep)) * keep
            expected[0, i] = z
        column = 0
        for k in range(-1, width):
            if k >= 0 and inputs[e, k] == 0.0:
                continue
            factor = 1.0 if k < 0 else inverse_keep
            for i in range(below):
                expected[1, i] = expected[0, i]
                if k >= 0:
                    expected[1, i] += (weights[i, k] * (inputs[e, k] * inverse_keep)) * drop
                expected[2, i] = sums[begin, moments + i * across + column] * factor
            for o in range(outputs):
                r = 0.0
                if slope != 0.0 or k < 0:
                    r = constants[e, o, 1]
                    for i in range(below):
                        r += output_weights[o, i] * (slope * expected[1, i] + (1.0 - slope) * expected[2, i])
                if k < 0:
                    slopes.output_bias[o] += probability * (2.0 * r)
                for i in range(below):
                    w, indicator = output_weights[o, i], sums[begin, (o * below + i) * across + column] * factor
                    moment = slope * slope * expected[1, i] + (1.0 - slope * slope) * expected[2, i]
                    g = 2.0 * (slope * r + (1.0 - slope) * indicator + kappa * (w * moment))
                    if k < 0:
                        slopes.bias[i] += probability * (w * g)
                        slopes.output_weights[o, i] += probability * (bias[i] * g)
                    else:
                        slopes.weights[i, k] += probability * (w * (g * inputs[e, k]))
                        slopes.output_weights[o, i] += probability * ((weights[i, k] * inputs[e, k]) * g)
            column += 1
        for i in range(below):
            chance = sums[begin, near + i]
            zeros = 1.0 if bias[i] == 0.0 else 0.0
            if zeros > 0.0:
                for u in range(width):
                    if inputs[e, u] != 0.0 and weights[i, u] != 0.0:
                        zeros *= drop
            doubts[e, i] = max(0.0, chance - zeros) + 4.0 * (roundings + 128.0) * UNIT * chance
        begin += 1 << items[begin, 1]
