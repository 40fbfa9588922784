"""A direction in the space of weights and biases, to differentiate along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Network
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.result import Gradient, HessianProduct

__all__ = ["Direction", "direction_of"]


@dataclass(frozen=True, kw_only=True)
class Direction:
    """V: one array of the shape of each weight matrix and each bias; zeros where the network has no bias."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


def direction_of(value: Any, network: Network) -> Direction:
    """Return the direction that ``value`` describes: a Network, a gradient, or a pair (weights, biases).

    Biases that are None count as 0. Numbers must be of the network's kind: rational for an exact one, floats otherwise.

    Raises:
        InvalidInput: other shapes than the network's, or a bias where the network has none.
        MixedNumbers: floats for an exact network, or the other way round.
    """
    if isinstance(value, (Network, Gradient, HessianProduct)):
        value = (value.weights, value.biases)
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise InvalidInput(
            "Argument 'hessian_product' must be a direction: a Network of the same architecture, a gradient or a pair "
            f"(weights, biases), not {show(value)}."
        )
    weights, biases = value
    if isinstance(biases, (tuple, list)) and all(b is None for b in biases):
        biases = None
    try:
        described = Network(weights, biases, activation=network.architecture.activations)
    except InvalidInput as error:
        raise InvalidInput(f"Argument 'hessian_product' must be a direction of the network's shapes: {error}") from None
    shapes = [w.shape for w in network.weights]
    if [w.shape for w in described.weights] != shapes:
        raise InvalidInput(
            f"Argument 'hessian_product' must have weights of the shapes {shapes}, as the network has, not "
            f"{[w.shape for w in described.weights]}."
        )
    if described.kind != network.kind:
        raise MixedNumbers(
            f"Argument 'hessian_product' must hold numbers of the network's kind, {network.kind}, not "
            f"{described.kind}; use float64() or exact() of a Network."
        )
    for layer, (own, given) in enumerate(zip(network.biases, described.biases, strict=True)):
        if own is None and given is not None:
            raise InvalidInput(
                f"Argument 'hessian_product' must have no bias in layer {layer}, where the network has none."
            )
    return Direction(
        weights=described.weights,
        biases=tuple(np.asarray(described.bias(layer)) for layer in range(len(shapes))),
    )
