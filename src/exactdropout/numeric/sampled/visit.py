"""One visit of an example, from its definition: what :mod:`exactdropout.numeric.sampled.passes` does many at a time."""

from __future__ import annotations

import numpy as np

from exactdropout.model.numbers import Array

__all__ = ["visit_reference"]


def visit_reference(
    weights: list[Array],
    biases: list[Array],
    slopes: list[float],
    scales: list[float],
    noise: Array,
    start: Array,
    label: Array,
    masks: list[list[list[Array]]],
) -> tuple[tuple[float, float], Array, Array]:
    """Return X of each of the two draws, V of each output, and F of each output.

    For a mask let h be the last hidden values and f = W h + b the outputs before the last mask. Then
    ‖f − y‖² + Σ_oj noise_oj h_j² is the expectation of ‖D − y‖² over the last mask. X is its mean over the masks of a
    draw: one mask, or one and its complement. V_o is the mean of ½(f_o − f′_o)² over the pairs of a mask of the first
    draw and one of the second, plus the mean of all Σ_j noise_oj h_j²: an unbiased estimate of Var D_o. F is the mean
    of all f. ``start`` are the values that enter the first layer, ``masks[t][k][l]`` the kept units of layer l under
    mask k of draw t (all ones where nothing is dropped).
    """
    errors: list[float] = []
    outputs: list[list[Array]] = []
    noises = []
    for draw in masks:
        outputs.append([])
        squares = []
        for mask in draw:
            h = start
            for l, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                last = l == len(weights) - 1
                z = weight @ (h if last else h * scales[l] * mask[l]) + bias
                if not last:
                    h = np.where(z > 0, z, slopes[l] * z)
            noises.append(noise @ (h * h))
            outputs[-1].append(z)
            squares.append(float(((z - label) ** 2).sum() + noises[-1].sum()))
        errors.append(sum(squares) / len(squares))
    first, second = outputs
    spreads = [(f - g) ** 2 / 2 for f in first for g in second]
    every = [*first, *second]
    return (
        (errors[0], errors[1]),
        sum(spreads, np.zeros(len(label))) / len(spreads) + sum(noises, np.zeros(len(label))) / len(noises),
        sum(every, np.zeros(len(label))) / len(every),
    )
