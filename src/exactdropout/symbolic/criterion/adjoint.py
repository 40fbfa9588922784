"""The gradient of the criterion in every weight and bias: reverse mode over the distinct hidden values.

For a value s of h̃_l let V(s) be the expected scaled loss given s, and G(s) = ∂V/∂s. Then, with s′ = φ(z̃) the value
that a mask r leads to (masks.py),

    G(s)_i = Σ_r Pr(r) r_i Σ_j W_ji φ′(z̃_j) G(s′)_j,
    ∂J̃/∂W_ji = Σ_s Pr(s) Σ_r Pr(r) r_i s_i φ′(z̃_j) G(s′)_j,   ∂J̃/∂b_j = P Σ_s Pr(s) Σ_r Pr(r) φ′(z̃_j) G(s′)_j,

where J̃ = P_{d−1}² p_{d−1} J_D. V depends on s alone, so states that were merged share one G.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exactdropout.symbolic.criterion.masks import Layers, Vector, states, transitions
from exactdropout.symbolic.ring.ring import ReluPolynomial, RunningSum

__all__ = ["Adjoint", "adjoint"]


@dataclass
class Adjoint:
    """Running sums of ∂J̃/∂W and ∂J̃/∂b."""

    weights: list[list[list[RunningSum]]]
    biases: list[list[RunningSum]]

    @classmethod
    def zero(cls, layers: Layers) -> Adjoint:
        """Return zeros of the network's shape."""
        ring = layers.ring
        return cls(
            [[[RunningSum(ring) for _ in row] for row in w] for w in layers.weights],
            [[RunningSum(ring) for _ in b] for b in layers.biases],
        )


def adjoint(layers: Layers, inputs: Vector, labels: Vector, share: ReluPolynomial, total: Adjoint) -> None:
    """Add the gradient of one example's scaled loss, times ``share``, to ``total``."""
    visited = states(layers, inputs)
    gradients = _last_layer(layers, visited[-1], labels, share, total)
    for layer in reversed(range(layers.depth - 1)):
        gradients = _hidden_layer(layers, layer, visited[layer], gradients, share, total)


def _last_layer(
    layers: Layers, final: dict[Any, Any], labels: Vector, share: ReluPolynomial, total: Adjoint
) -> dict[Any, list[ReluPolynomial]]:
    """V = Σ_o p (w·h̃ + P(b − y))² + q Σ w² h̃²: differentiate in w, b and h̃."""
    ring, last = layers.ring, layers.depth - 1
    scale, keep = layers.scale(last), layers.keep[last]
    drop = ring.one - keep
    gradients = {}
    for key, state in final.items():
        weight = state.weight * share
        gradient = [RunningSum(ring) for _ in state.values]
        for o, label in enumerate(labels):
            row = layers.weights[last][o]
            residual = scale * (layers.biases[last][o] - label)
            for w, h in zip(row, state.values, strict=True):
                residual = residual + w * h
            slope = residual * keep * 2
            total.biases[last][o].add(slope * scale * weight)
            for i, (w, h) in enumerate(zip(row, state.values, strict=True)):
                spread = w * h * drop * 2
                total.weights[last][o][i].add((slope + spread) * h * weight)
                gradient[i].add(w * (slope + spread))
        gradients[key] = [g.total for g in gradient]
    return gradients


def _hidden_layer(
    layers: Layers,
    layer: int,
    before: dict[Any, Any],
    after: dict[Any, list[ReluPolynomial]],
    share: ReluPolynomial,
    total: Adjoint,
) -> dict[Any, list[ReluPolynomial]]:
    ring = layers.ring
    scale = layers.scale(layer + 1)
    matrix = layers.weights[layer]
    gradients = {}
    for key, state in before.items():
        weight = state.weight * share
        gradient = [RunningSum(ring) for _ in state.values]
        for bits, chance, z in transitions(layers, layer, state.values):
            reached = tuple(layers.activation(layer, u).key() for u in z)
            for j, u in enumerate(z):
                slope = layers.derivative(layer, u) * after[reached][j] * chance
                if not slope:
                    continue
                total.biases[layer][j].add(slope * scale * weight)
                for i, value in enumerate(state.values):
                    if bits >> i & 1:
                        total.weights[layer][j][i].add(slope * value * weight)
                        gradient[i].add(slope * matrix[j][i])
                    elif not value:  # its masks were not walked: z̃ does not feel them
                        gradient[i].add(slope * matrix[j][i] * layers.keep[layer])
        gradients[key] = [g.total for g in gradient]
    return gradients
