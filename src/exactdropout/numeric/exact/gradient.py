"""The exact gradient ∂J_D/∂W of a rational network, by reverse mode over merged states.

Let G_l(h) = ∂/∂h E[loss | values h leave layer l]; it depends on the past only through h, so states with equal
values share it. With r the masks of layer l−1's values, z = W(h∘r)/p + b and δ = G_l(φ(z))∘φ′(z):
∂J/∂W = E δ (h∘r/p)ᵀ, ∂J/∂b = E δ, G_{l−1}(h) = E_r (Wᵀδ)∘r/p. A unit with h_k = 0 changes nothing below by its
mask, so r_k/p is replaced by its mean 1 there. Flint's rationals underneath, Fractions at the face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.result import EntryBounds, Gradient

__all__ = ["adjoint_sums", "exact_gradient", "fractions", "rational"]

Vector = tuple[Any, ...]


def exact_gradient(network: Network, data: Examples, rates: Sequence[Fraction]) -> Gradient:
    """Return the gradient of the criterion by every weight and bias, as Fractions.

    Exact away from kinks; where a pre-activation is exactly 0 on some mask, the activation's derivative is its slope
    on the negative side. Cost: one pass of 2^(active units) masks per distinct state of each layer but the last.
    """
    weight_sums, bias_sums = adjoint_sums(network, data, rates, rational)
    weights = tuple(fractions(s, w.shape) for s, w in zip(weight_sums, network.weights, strict=True))
    biases = tuple(
        None if b is None else fractions([s], b.shape) for s, b in zip(bias_sums, network.biases, strict=True)
    )
    return Gradient(weights=weights, biases=biases, error_bounds=EntryBounds.zeros(weights, biases))


def rational(value: Fraction, *_: Any) -> Any:
    """Return flint's rational of the same value."""
    from flint import fmpq

    return fmpq(value.numerator, value.denominator)


def fractions(rows: Any, shape: tuple[int, ...]) -> Array:
    """Return an array of Fractions of the given shape from rows of flint's rationals."""
    array = np.empty(shape, dtype=object)
    array.ravel()[:] = [Fraction(int(v.p), int(v.q)) for row in rows for v in row]
    return array


def adjoint_sums(
    network: Network, data: Examples, rates: Sequence[Fraction], entry: Callable[[Fraction, str, tuple[int, ...]], Any]
) -> tuple[list[list[list[Any]]], list[list[Any]]]:
    """Return ∂J_D/∂W and ∂J_D/∂b as lists of what ``entry(value, "weights" or "biases", place)`` makes of each entry.

    Entries are numbers with +, −, * and an order, such as rationals or rationals with a tangent.
    """
    weights = [
        [[entry(w, "weights", (l, i, k)) for k, w in enumerate(row)] for i, row in enumerate(matrix.tolist())]
        for l, matrix in enumerate(network.weights)
    ]
    biases = [[entry(b, "biases", (l, i)) for i, b in enumerate(network.bias(l).tolist())] for l in range(len(weights))]
    keeps = [rational(1 - q) for q in rates]
    slopes = [rational(a.slope) for a in network.architecture.activations]
    zero = rational(Fraction(0))
    weight_sums = [[[zero] * len(row) for row in matrix] for matrix in weights]
    bias_sums = [[zero] * len(vector) for vector in biases]
    for x, y, p in zip(data.inputs.tolist(), data.labels.tolist(), data.probabilities, strict=True):
        laws: list[dict[Vector, Any]] = [{tuple(map(rational, x)): rational(p)}]
        for layer in range(len(weights) - 1):
            law: dict[Vector, Any] = {}
            for h, mass in laws[-1].items():
                for _, z, chance in _masked(h, weights[layer], biases[layer], keeps[layer]):
                    value = tuple(u if u > 0 else slopes[layer] * u for u in z)
                    law[value] = law.get(value, zero) + mass * chance
            laws.append(law)
        adjoint = _output_layer(
            laws[-1], weights[-1], biases[-1], keeps[-1], [rational(v) for v in y], weight_sums[-1], bias_sums[-1]
        )
        for layer in reversed(range(len(weights) - 1)):
            adjoint = _hidden_layer(
                laws[layer], weights[layer], biases[layer], keeps[layer], slopes[layer], adjoint,
                weight_sums[layer], bias_sums[layer],
            )  # fmt: skip
    return weight_sums, bias_sums


def _masked(h: Vector, weight: Any, bias: Any, keep: Any) -> Iterator[tuple[Vector, Vector, Any]]:
    """Yield (factors r_k/p, pre-activation, probability) over the masks of the units with h_k ≠ 0."""
    one = keep / keep
    partial: list[tuple[Vector, Vector, Any]] = [((), tuple(bias), one)]
    for k, value in enumerate(h):
        if value == 0 or keep == one:
            step = [row[k] * value for row in weight]
            partial = [((*f, one), tuple(a + s for a, s in zip(z, step, strict=True)), c) for f, z, c in partial]
            continue
        step = [row[k] * value / keep for row in weight]
        partial = [
            branch
            for f, z, c in partial
            for branch in (
                ((*f, one - one), z, c * (one - keep)),
                ((*f, one / keep), tuple(a + s for a, s in zip(z, step, strict=True)), c * keep),
            )
        ]
    yield from partial


def _output_layer(
    law: dict[Vector, Any], weight: Any, bias: Any, keep: Any, label: Sequence[Any], weight_sum: Any, bias_sum: Any
) -> dict[Vector, Vector]:
    """Add the output layer's gradient, last dropout layer in closed form, and return G for each state."""
    noise = (1 - keep) / keep  # q/p
    adjoint: dict[Vector, Vector] = {}
    for h, mass in law.items():
        errors = [
            sum((w * v for w, v in zip(row, h, strict=True)), b - t)
            for row, b, t in zip(weight, bias, label, strict=True)
        ]
        for o, error in enumerate(errors):
            bias_sum[o] += 2 * mass * error
            for i, v in enumerate(h):
                weight_sum[o][i] += 2 * mass * (error * v + noise * weight[o][i] * v * v)
        adjoint[h] = tuple(
            sum(
                (2 * (e * row[i] + noise * row[i] * row[i] * v) for e, row in zip(errors, weight, strict=True)),
                keep - keep,
            )
            for i, v in enumerate(h)
        )
    return adjoint


def _hidden_layer(
    law: dict[Vector, Any], weight: Any, bias: Any, keep: Any, slope: Any, adjoint: dict[Vector, Vector],
    weight_sum: Any, bias_sum: Any,
) -> dict[Vector, Vector]:  # fmt: skip
    """Add a hidden layer's gradient and return G for each state of the values that enter it."""
    zero = keep - keep
    below: dict[Vector, Vector] = {}
    for h, mass in law.items():
        total = [zero] * len(h)
        for factors, z, chance in _masked(h, weight, bias, keep):
            value = tuple(u if u > 0 else slope * u for u in z)
            delta = [chance * (g if u > 0 else slope * g) for g, u in zip(adjoint[value], z, strict=True)]
            for i, d in enumerate(delta):
                if d == 0:
                    continue
                bias_sum[i] += mass * d
                for k, (f, v) in enumerate(zip(factors, h, strict=True)):
                    weight_sum[i][k] += mass * d * f * v
                    total[k] += d * weight[i][k] * f
        below[h] = tuple(total)
    return below
