"""The coordinates of a descent: all parameters of a network in one vector, in units in which data have size 1."""

from __future__ import annotations

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.result import Gradient, HessianProduct

__all__ = ["Coordinates", "flat"]


class Coordinates:
    """Vectors θ for the networks of one shape: weights layer by layer, then the biases that there are.

    Weights of the inputs are measured in units of one over each input's root mean square, output weights in units of
    the labels' spread, the output bias also from their mean: in θ the network maps inputs of size 1 to labels of spread
    1, whatever the units of the data, and one length of a step suits all entries. J_D is measured in spread².
    """

    @np.errstate(all="ignore")  # sizes beyond float64 are measured in units of 1
    def __init__(self, network: Network, data: Examples) -> None:
        """Measure the data; of the network only the shape matters."""
        self.shape = network
        x, y = data.inputs.astype(np.float64), data.labels.astype(np.float64)
        chances = np.array([float(p) for p in data.probabilities])
        self.chances = chances / chances.sum()
        sizes = _positive(np.sqrt(self.chances @ x**2))
        own_bias = network.biases[-1] is not None
        middle = self.chances @ y if own_bias else np.zeros(y.shape[1])
        self.spread = float(_positive(np.sqrt([(self.chances @ (y - middle) ** 2).mean()]))[0])
        self.inputs, self.labels = x / sizes, (y - middle) / self.spread
        parts = [np.ones_like(w) for w in network.weights]
        parts[0] = parts[0] / sizes
        parts[-1] = parts[-1] * self.spread
        ends = [np.ones_like(b) for b in network.biases if b is not None]
        origins = [np.zeros_like(a) for a in (*parts, *ends)]
        if own_bias:
            ends[-1] = ends[-1] * self.spread
            origins[-1] = middle
        self.units = _joined([*parts, *ends])
        self.origin = _joined(origins)

    def of(self, network: Network) -> Array:
        """Return θ of a network of this shape."""
        return np.asarray((flat(network) - self.origin) / self.units)

    def network(self, theta: Array) -> Network:
        """Return the network at θ."""
        weights, biases = self.parts(theta * self.units + self.origin)
        none = all(b is None for b in biases)
        return Network(weights, None if none else biases, activation=self.shape.architecture.activations)

    def along(self, direction: Array) -> Network:
        """Return the direction of the parameters that a direction in θ is, as a network."""
        weights, biases = self.parts(direction * self.units)
        none = all(b is None for b in biases)
        return Network(weights, None if none else biases, activation=self.shape.architecture.activations)

    def slopes(self, derivative: Gradient | HessianProduct) -> Array:
        """Return a derivative of J_D by the parameters as that of J_D/spread² by θ."""
        return np.asarray(flat(derivative) * self.units / self.spread**2)

    def parts(self, vector: Array) -> tuple[list[Array], list[Array | None]]:
        """Return views of the weights and the biases in a vector."""
        found, at = [], 0
        for part in (*self.shape.weights, *(b for b in self.shape.biases if b is not None)):
            found.append(vector[at : at + part.size].reshape(part.shape))
            at += part.size
        layers = len(self.shape.weights)
        rest = iter(found[layers:])
        return found[:layers], [None if b is None else next(rest) for b in self.shape.biases]


def flat(parts: Network | Gradient | HessianProduct) -> Array:
    """Return all weights and then all biases of a network, or of a derivative by them, as one vector."""
    return _joined([*parts.weights, *(b for b in parts.biases if b is not None)])


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([a.ravel() for a in arrays])


def _positive(sizes: Array) -> Array:
    return np.where((sizes > 0) & np.isfinite(sizes), sizes, 1.0)
