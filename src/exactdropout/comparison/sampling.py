"""What averaging T sampled masks gives: moments of each example, and the gradient by back-propagation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.passes import kept

__all__ = ["Sampled", "outputs_of", "sample"]

ENTRIES = 1 << 20
"""Numbers that a chunk of masks may hold at a time."""


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
        output, entering, kinks, masks = _forward(problem, x, random)
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


def outputs_of(problem: Problem, row: int, samples: int, seed: int) -> Array:
    """Return T sampled outputs of one example, of shape (T, outputs)."""
    random = np.random.Generator(np.random.Philox(key=np.array([seed, 1 + row], np.uint64)))
    step = max(1, ENTRIES // max(problem.widths))
    parts = []
    for begin in range(0, samples, step):
        x = np.tile(problem.inputs[row], (min(step, samples - begin), 1))
        parts.append(_forward(problem, x, random)[0])
    return np.concatenate(parts)


def _forward(
    problem: Problem, x: Array, random: np.random.Generator
) -> tuple[Array, list[Array], list[Array], list[Array]]:
    """Return D(W, x, R), what enters each layer, the derivative of each activation, and the masks times 1/p."""
    h = x
    entering: list[Array] = []
    kinks: list[Array] = []
    masks: list[Array] = []
    for l, (weight, bias) in enumerate(zip(problem.weights, problem.biases, strict=True)):
        masks.append(kept(random, problem.rates[l], h.size).reshape(h.shape) * problem.inverse_keep[l])
        entering.append(h * masks[-1])
        z = entering[-1] @ weight.T + bias
        if l == len(problem.weights) - 1:
            return z, entering, kinks, masks
        kinks.append(np.where(z > 0, 1.0, problem.slopes[l]))
        h = z * kinks[-1]
    raise AssertionError("a network has a layer")
