"""The same problem with a symbol in the place of every weight, or of every rate, and the way back.

Derivatives in entries that are numbers, or that share a symbol, are taken where each entry is a symbol of its own;
a homomorphism puts the entries in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.symbolic.criterion.problem import Problem, build_problem
from exactdropout.symbolic.ring.calculus import Substitution
from exactdropout.symbolic.ring.ring import ReluPolynomial

__all__ = ["Parameter", "free_rates", "free_weights", "network_parameters"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A weight ``network.weights[layer][unit, source]``, or with ``source`` None the bias ``biases[layer][unit]``."""

    layer: int
    unit: int
    source: int | None = None

    def __str__(self) -> str:
        """Return Python's name of the entry."""
        if self.source is None:
            return f"biases[{self.layer}][{self.unit}]"
        return f"weights[{self.layer}][{self.unit}, {self.source}]"


def network_parameters(network: Network) -> tuple[Parameter, ...]:
    """Return all parameters: layer by layer, the weights of a unit and then its bias."""
    found = []
    for layer, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        for unit in range(weights.shape[0]):
            found += [Parameter(layer=layer, unit=unit, source=k) for k in range(weights.shape[1])]
            found += [] if bias is None else [Parameter(layer=layer, unit=unit)]
    return tuple(found)


def free_weights(
    network: Network, data: Examples, rates: Sequence[Any], target: Problem
) -> tuple[Problem, dict[Parameter, int], Substitution]:
    """Return the solved problem with free weights, the generator of each parameter, and the way back."""
    images: dict[Any, ReluPolynomial] = {}
    symbols: dict[Parameter, Any] = {}

    def symbol(parameter: Parameter, image: ReluPolynomial) -> Any:
        made = symbols[parameter] = sympy.Dummy(f"g{len(symbols)}")
        images[made] = image
        return made

    layers = target.dropped
    weights: list[Array] = []
    biases: list[Array | None] = []
    for layer, (matrix, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        free = np.empty(matrix.shape, dtype=object)
        vector = None if bias is None else np.empty(bias.shape, dtype=object)
        for unit in range(matrix.shape[0]):
            for k in range(matrix.shape[1]):
                free[unit, k] = symbol(Parameter(layer=layer, unit=unit, source=k), layers.weights[layer][unit][k])
            if vector is not None:
                vector[unit] = symbol(Parameter(layer=layer, unit=unit), layers.biases[layer][unit])
        weights.append(free)
        biases.append(vector)
    copy = Network(weights, biases if any(b is not None for b in biases) else None,
                   activation=network.architecture.activations)  # fmt: skip
    problem = build_problem(copy, data, rates, target.nonnegative).solved()
    numbers = {g: i for i, g in enumerate(problem.ring.generators)}
    return problem, {p: numbers[s] for p, s in symbols.items()}, _back(problem, target, images)


def free_rates(
    network: Network, data: Examples, target: Problem
) -> tuple[Problem, tuple[int, ...], Substitution, tuple[Any, ...]]:
    """Return the solved problem with a free rate at every layer, the generators 1 − q_l, the way back, the rates."""
    rates = tuple(sympy.Dummy(f"q{layer}") for layer in range(len(target.dropped.keep)))
    problem = build_problem(network, data, rates, target.nonnegative).solved()
    images = {1 - rate: keep for rate, keep in zip(rates, target.dropped.keep, strict=True)}
    numbers = {g: i for i, g in enumerate(problem.ring.generators)}
    return problem, tuple(numbers[1 - rate] for rate in rates), _back(problem, target, images), rates


def _back(problem: Problem, target: Problem, images: dict[Any, ReluPolynomial]) -> Substitution:
    chosen = [images[g] if g in images else target.ring.element(g) for g in problem.ring.generators]
    return Substitution(problem.ring, target.ring, chosen)
