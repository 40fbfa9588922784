"""Intervals of every entry of the gradient: their confidence sequences, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.estimation.result import GradientIntervals, outward
from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import up
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.result import Gradient, dyadic
from exactdropout.numeric.sampled.confidence import SLACK, deviations
from exactdropout.numeric.sampled.gradients import Slopes

__all__ = ["GradientMeans", "certain_gradient"]


class GradientMeans:
    """The confidence sequences of all entries: Σ a G within what Σ a²G² allows, around 0, for every entry by itself."""

    def __init__(self, network: Network, problem: Problem, slopes: Slopes, counts: Array, chance: Fraction) -> None:
        """Every end of every interval gets the same share of the chance."""
        self._reach = slopes.ceilings(problem, problem.chances / counts)
        self._wrong = slopes.wrong(problem)
        self._share = chance / (2 * len(self._reach))
        self._shapes = [w.shape for w in network.weights]
        self._biased = [network.biases is not None and network.biases[l] is not None for l in range(len(self._shapes))]
        self._sums = np.zeros((2, len(self._reach)))
        self.passes = 0

    def add(self, found: Array) -> None:
        """Take Σ a G and Σ a² G² of one pass."""
        self._sums += found
        self.passes += 1

    def state(self) -> Array:
        """Return what passes have changed."""
        return np.concatenate([[float(self.passes)], self._sums.ravel()])

    def restore(self, state: Array) -> None:
        """Go on from a state of the same problem."""
        self.passes, self._sums = int(state[0]), state[1:].reshape(2, -1).copy()

    def intervals(self) -> GradientIntervals:
        """Return all of them."""
        total, squares = self._sums
        away = deviations(self._share, up((np.sqrt(squares) / self._reach) ** 2, 4) * (1 + SLACK), self._reach)
        middle = total / self.passes
        off = up((away / self.passes + self._wrong) * (1 + SLACK) + 2.0**-50 * np.abs(middle), 4)
        return entries(middle - off, middle + off, self._shapes, self._biased)


def entries(low: Array, high: Array, shapes: Sequence[tuple[int, ...]], biased: Sequence[bool]) -> GradientIntervals:
    """Return intervals in the shapes of the network from flat arrays, layer after layer, biases after weights."""
    ends: list[tuple[tuple[Array, ...], tuple[Array | None, ...]]] = []
    for flat in (low, high):
        weights, biases, at = [], [], 0
        for (above, below), some in zip(shapes, biased, strict=True):
            weights.append(flat[at : at + above * below].reshape(above, below))
            at += above * below
            biases.append(flat[at : at + above] if some else None)
            at += above
        ends.append((tuple(weights), tuple(biases)))
    (weights_low, biases_low), (weights_high, biases_high) = ends
    return GradientIntervals(
        weights_low=weights_low, weights_high=weights_high, biases_low=biases_low, biases_high=biases_high
    )


def certain_gradient(found: Gradient) -> GradientIntervals:
    """Return an exact gradient as intervals: its entries with their bounds, rounded outwards."""

    def ends(values: Array | None, bounds: Array | None) -> tuple[Any, Any]:
        if values is None or bounds is None:
            return None, None
        pairs = [(dyadic(v), dyadic(e)) for v, e in zip(values.ravel().tolist(), bounds.ravel().tolist(), strict=True)]
        low = np.array([outward(v - e, up=False) for v, e in pairs]).reshape(values.shape)
        return low, np.array([outward(v + e, up=True) for v, e in pairs]).reshape(values.shape)

    bounds = found.error_bounds
    weights = [ends(w, e) for w, e in zip(found.weights, bounds.weights, strict=True)]
    biases = [ends(b, e) for b, e in zip(found.biases, bounds.biases, strict=True)]
    return GradientIntervals(
        weights_low=tuple(low for low, _ in weights), weights_high=tuple(high for _, high in weights),
        biases_low=tuple(low for low, _ in biases), biases_high=tuple(high for _, high in biases),
    )  # fmt: skip
