"""Claims at many points at once, in float64: where a counterexample may be. Nothing here decides anything.

A value is a number or an array with one entry per point. The quantities are sums over the masks of all layers but the
last, all masks in one array; D is affine in the last layer's masks, of mean 1 and variance q/p.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.claims.setting.named_sizes import Scope, Unsupported
from exactdropout.model import Architecture

__all__ = ["Arrays", "work_of_arrays"]


def work_of_arrays(architecture: Architecture) -> int:
    """Return the products of one point: weights times the masks of all layers but the last."""
    return (architecture.parameters + 10) << sum(architecture.widths[:-2])


class Arrays:
    """Float64 arrays in place of fractions; what is undefined is NaN."""

    def number(self, value: Fraction) -> Any:
        """Return the float."""
        return float(value)

    def relu(self, value: Any) -> Any:
        """Return max(value, 0)."""
        return np.maximum(value, 0.0)

    def root(self, value: Any) -> Any:
        """Return the square root."""
        return np.sqrt(value)

    def divide(self, top: Any, bottom: Any) -> Any:
        """Return a quotient."""
        return np.divide(top, bottom)

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Any:
        """Refuse."""
        raise Unsupported("derivatives and limits")

    def quantity(self, name: str, scope: Scope) -> Any:
        """Return a quantity at all points."""
        rates = [scope.rate(layer) for layer in range(scope.architecture.depth)]
        totals: dict[str, Any] = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), 0.0)
        for number, (x, y, mass) in enumerate(scope.examples()):
            share = float(mass)
            mean, second = _moments(scope, x, rates)
            output = _moments(scope, x, [0.0] * len(rates))[0]
            if number == 0:
                totals["output"] = output
            totals["criterion"] += share * (second - 2 * y * mean + y * y)
            totals["risk"] += share * (output - y) ** 2
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second - mean * mean)
        scope.quantities |= totals | {"penalty": totals["criterion"] - totals["risk"]}
        return scope.quantities[name]


def _moments(scope: Scope, x: list[Any], rates: list[Any]) -> tuple[Any, Any]:
    """Return E D and E D² at all points; arrays have the axes masks, points."""
    architecture, values = scope.architecture, scope.values
    chance: Any = np.ones((1, 1))
    now = [np.atleast_2d(np.asarray(v, dtype=float)) for v in x]
    for layer, (activation, width) in enumerate(zip(architecture.activations, architecture.hidden, strict=True), 1):
        now, chance = _masked(now, chance, rates[layer - 1])
        after = []
        for j in range(1, width + 1):
            z = values["b", (layer, j)] if architecture.hidden_biases else 0.0
            for i, v in enumerate(now, 1):
                z = z + values["W", (layer, j, i)] * v
            after.append(np.where(z >= 0, z, float(activation.slope) * z))
        now = after
    spread = rates[-1] / (1 - rates[-1])
    terms = [values["w", (i,)] * v for i, v in enumerate(now, 1)]
    m = sum(terms, values["b", ()] if architecture.output_bias else 0.0)
    squares = sum((t * t for t in terms), 0.0)
    return np.sum(chance * m, axis=0), np.sum(chance * (m * m + spread * squares), axis=0)


def _masked(values: list[Any], chance: Any, rate: Any) -> tuple[list[Any], Any]:
    """Return masked and rescaled values under all masks, and the probabilities of the masks."""
    if np.ndim(rate) == 0 and rate == 0:
        return values, chance
    bits = np.array(list(itertools.product((0.0, 1.0), repeat=len(values))))
    keep = 1 - rate
    kept = bits.sum(axis=1)[:, None]
    own = np.asarray(keep) ** kept * np.asarray(rate) ** (len(values) - kept)

    def product(mask: Any, value: Any) -> Any:
        """Return the product for each new mask and each state before it, as one axis."""
        found = mask[:, None, :] * np.asarray(value)[None, :, :]
        return found.reshape(-1, found.shape[-1])

    masked = [product(bits[:, i, None] / keep, v) for i, v in enumerate(values)]
    return masked, product(own, chance)
