"""Outputs under sampled masks of all layers, the last one's too, in plain NumPy: what a dropout layer computes."""

from __future__ import annotations

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.passes import kept

__all__ = ["ENTRIES", "masked_forward", "outputs_of"]

ENTRIES = 1 << 20
"""Numbers that a chunk of masks may hold at a time."""


def masked_forward(
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


def outputs_of(problem: Problem, row: int, samples: int, random: np.random.Generator) -> Array:
    """Return so many independent outputs of one example, of shape (samples, outputs)."""
    step = max(1, ENTRIES // max(problem.widths))
    parts = []
    for begin in range(0, samples, step):
        x = np.tile(problem.inputs[row], (min(step, samples - begin), 1))
        parts.append(masked_forward(problem, x, random)[0])
    return np.concatenate(parts)
