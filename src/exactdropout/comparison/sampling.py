"""What averaging T sampled masks gives: moments of each example, and the gradient by back-propagation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.outputs import ENTRIES, masked_forward

__all__ = ["Sampled", "sample"]


class Sampled(NamedTuple):
    """Means, unbiased variances (both (m, outputs)) and mean squared errors (m,) of T outputs; gradients on request."""

    mean: Array
    variance: Array
    criterion: Array
    weights: list[Array] | None
    biases: list[Array] | None


def sample(problem: Problem, samples: int, seed: int, *, gradient: bool) -> Sampled:
    """Return averages over ``samples`` masks of all layers for each example, those of one example independent."""
    random = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    rows = problem.examples
    first, second = np.zeros((rows, problem.outputs)), np.zeros((rows, problem.outputs))
    squares = np.zeros(rows)
    weights, biases = [np.zeros(w.shape) for w in problem.weights], [np.zeros(b.shape) for b in problem.biases]
    start: Array | None = None
    at = max(1, ENTRIES // max(problem.widths))  # outputs are kept as they are: masks by rows, T at a time
    step = max(1, at // rows)
    for begin in range(0, samples, step):
        count = min(step, samples - begin)
        x = np.tile(problem.inputs, (count, 1))
        output, entering, kinks, masks = masked_forward(problem, x, random)
        found = output.reshape(count, rows, -1)
        start = found[0] if start is None else start  # shifted, so that squares do not cancel
        first += (found - start).sum(axis=0)
        second += ((found - start) ** 2).sum(axis=0)
        away = found - problem.labels
        squares += (away**2).sum(axis=(0, 2))
        if gradient:
            back = (2.0 / samples) * (problem.chances[None, :, None] * away).reshape(count * rows, -1)
            for l in reversed(range(len(weights))):
                weights[l] += back.T @ entering[l]
                biases[l] += back.sum(axis=0)
                if l:
                    back = (back @ problem.weights[l]) * masks[l] * kinks[l - 1]
    assert start is not None
    spread = np.maximum(0.0, second - first**2 / samples) / (samples - 1)
    return Sampled(
        start + first / samples, spread, squares / samples,
        weights if gradient else None, biases if gradient else None,
    )  # fmt: skip
