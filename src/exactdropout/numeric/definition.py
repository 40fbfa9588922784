"""The definition itself, as a double loop over examples and all 2^N masks: what every engine is tested against.

Nothing here is clever. The last layer's masks are enumerated like all others, moments are added up one mask at a
time, and the gradient is reverse mode on each mask's own network. Works on anything with exact arithmetic
(Fraction) and just as well on floats or mpmath numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.result import EntryBounds, Evaluation, Gradient, PerExample, Plan

__all__ = ["dropout_output", "masks", "naive_evaluation", "naive_gradient", "naive_law"]

Mask = tuple[tuple[int, ...], ...]


def masks(network: Network, rates: Sequence[Any]) -> Iterator[tuple[Mask, Any]]:
    """Yield every dropout pattern R (one 0/1 tuple per droppable layer, inputs first) with its probability."""
    widths = network.architecture.widths[:-1]
    probabilities: list[Any] = [Fraction(1)]
    for width, q in zip(widths, rates, strict=True):
        p = 1 - q
        for _ in range(width):
            probabilities = [before * factor for before in probabilities for factor in (q, p)]
    for bits, probability in zip(itertools.product((0, 1), repeat=sum(widths)), probabilities, strict=True):
        rest = iter(bits)
        yield tuple(tuple(itertools.islice(rest, width)) for width in widths), probability


def _layers(network: Network, x: Sequence[Any], mask: Mask | None, rates: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the masked, rescaled values that enter each layer, and the pre-activations of each layer."""
    values, entering, pre_activations = list(x), [], []
    for layer, weight in enumerate(network.weights):
        kept = (1,) * len(values) if mask is None else mask[layer]
        if mask is not None:
            p = 1 - rates[layer]
            values = [v / p if bit else v * 0 for v, bit in zip(values, kept, strict=True)]
        entering.append(values)
        bias = network.bias(layer)
        rows = weight.tolist()
        z = [
            sum((w * v for w, v, bit in zip(row, values, kept, strict=True) if bit), bias[i])
            for i, row in enumerate(rows)
        ]
        pre_activations.append(z)
        last = layer == len(network.weights) - 1
        values = z if last else [network.architecture.activations[layer](u) for u in z]
    return entering, pre_activations


def dropout_output(network: Network, x: Sequence[Any], mask: Mask | None, rates: Sequence[Any]) -> list[Any]:
    """Return D(W, x, R), one number per output; ``mask=None`` gives W(x)."""
    return list(_layers(network, x, mask, rates)[1][-1])


def naive_evaluation(network: Network, data: Examples, rates: Sequence[Any], *, gradient: bool = False) -> Evaluation:
    """Return all quantities of :class:`Evaluation` by the double loop (the gradient on request).

    Cost: m·2^N forward passes, and as many backward passes for the gradient. Exact for exact networks, data and rates.

    >>> from exactdropout.model import Examples, Network
    >>> figure_1 = Network([[[1, 1], [1, 1]], [1, 1]])
    >>> result = naive_evaluation(figure_1, Examples.point((1, -1), 8), (Fraction(1, 2),) * 2)
    >>> [int(v) for v in (result.criterion, result.risk, result.penalty)]
    [54, 64, -10]
    """
    m, outputs = data.labels.shape
    columns: dict[str, Any] = {
        name: np.empty((m, outputs), dtype=object) for name in ("output", "mean", "variance")
    } | {name: np.empty(m, dtype=object) for name in ("criterion", "risk", "penalty", "squared_error_variance")}
    patterns = list(masks(network, rates))
    for i in range(m):
        x, y = data.inputs[i].tolist(), data.labels[i].tolist()
        output = dropout_output(network, x, None, rates)
        draws = [(dropout_output(network, x, mask, rates), p) for mask, p in patterns]
        mean = [sum(p * d[o] for d, p in draws) for o in range(outputs)]
        errors = [(sum((d[o] - y[o]) ** 2 for o in range(outputs)), p) for d, p in draws]
        columns["output"][i] = output
        columns["mean"][i] = mean
        columns["variance"][i] = [sum(p * (d[o] - mean[o]) ** 2 for d, p in draws) for o in range(outputs)]
        columns["criterion"][i] = sum(p * e for e, p in errors)
        columns["risk"][i] = sum((output[o] - y[o]) ** 2 for o in range(outputs))
        columns["penalty"][i] = columns["criterion"][i] - columns["risk"][i]
        columns["squared_error_variance"][i] = sum(p * (e - columns["criterion"][i]) ** 2 for e, p in errors)

    def averaged(column: Array) -> Any:
        return sum(p * v for p, v in zip(data.probabilities, column.tolist(), strict=True))

    variance = averaged(columns["variance"].sum(axis=1))
    penalty = averaged(columns["penalty"])
    bits = network.architecture.mask_bits
    return Evaluation(
        criterion=averaged(columns["criterion"]),
        risk=averaged(columns["risk"]),
        penalty=penalty,
        mean=tuple(averaged(columns["mean"][:, o]) for o in range(outputs)),
        variance=variance,
        bias=penalty - variance,
        error_bounds=dict.fromkeys(("criterion", "risk", "penalty", "mean", "variance", "bias"), Fraction(0)),
        exactness="exact",
        probabilities=data.probabilities,
        per_example=PerExample(**columns),
        plan=Plan(
            strategy="naive",
            exactness="exact",
            mask_bits=bits,
            visited=m << bits,
            cost=float(m * network.architecture.parameters << bits),
            memory=1 << bits,
            seconds=0.0,
            reason="the definition, as a double loop",
        ),
        gradient=naive_gradient(network, data, rates) if gradient else None,
    )


def naive_gradient(network: Network, data: Examples, rates: Sequence[Any]) -> Gradient:
    """Return ∂J_D/∂W by reverse mode on every mask's own network; the derivative at a kink is the left one."""
    weights = [np.full(w.shape, Fraction(0), dtype=object) for w in network.weights]
    biases = [np.full(w.shape[0], Fraction(0), dtype=object) for w in network.weights]
    activations = network.architecture.activations
    for x, y, p_example in zip(data.inputs.tolist(), data.labels.tolist(), data.probabilities, strict=True):
        for mask, p_mask in masks(network, rates):
            entering, z = _layers(network, x, mask, rates)
            delta = [2 * p_example * p_mask * (d - target) for d, target in zip(z[-1], y, strict=True)]
            for layer in reversed(range(len(weights))):
                for i, d in enumerate(delta):
                    biases[layer][i] += d
                    for k, v in enumerate(entering[layer]):
                        weights[layer][i, k] += d * v
                if layer:
                    back = [
                        sum(d * network.weights[layer][i, k] for i, d in enumerate(delta))
                        for k in range(len(z[layer - 1]))
                    ]
                    delta = [
                        b * bit / (1 - rates[layer]) * activations[layer - 1].derivative(u)
                        for b, bit, u in zip(back, mask[layer], z[layer - 1], strict=True)
                    ]
    present = [b if mine is not None else None for b, mine in zip(biases, network.biases, strict=True)]
    return Gradient(weights=tuple(weights), biases=tuple(present), error_bounds=EntryBounds.zeros(weights, present))


def naive_law(network: Network, x: Sequence[Any], rates: Sequence[Any]) -> dict[tuple[Any, ...], Any]:
    """Return the law of D(W, x, R): a map from each output vector to its probability."""
    law: dict[tuple[Any, ...], Any] = {}
    for mask, p in masks(network, rates):
        value = tuple(dropout_output(network, x, mask, rates))
        law[value] = law.get(value, 0) + p
    return {value: p for value, p in law.items() if p}
