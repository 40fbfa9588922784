"""Proved error bounds of the float engine; the derivation, step by step, is docs/error-bounds.md.

Notation: u = 2⁻⁵³, η = 2⁻¹⁰⁷⁴, γ_k = k·u/(1 − k·u), a hat for what the machine holds. Every bound is itself computed
in floats from non-negative terms and multiplied by 1 + 2⁻³⁰, which is more than the rounding of fewer than 2²⁰
operations can take away; η-terms cover underflow. So each bound is an upper bound, not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.problem import ETA, UNIT, Problem, out_of_range

__all__ = ["LARGEST", "Magnitudes", "gamma", "layer_magnitudes", "root", "tree_error", "up"]

SLACK = 1 + 2.0**-30
LARGEST = 2.0**1000
"""Magnitudes beyond this are refused, so that no sum, square or bound below can overflow."""


def up(value: Any, terms: int = 1) -> Any:
    """Return an upper bound of what ``value``, a float expression of non-negative terms, would be without rounding.

    ``terms`` is at least the number of its products (each may lose η/2 to underflow).
    """
    return value * SLACK + (terms + 2) * ETA


def gamma(operations: int) -> float:
    """Return an upper bound of γ_k = k·u/(1 − k·u) for k ≤ 2²²."""
    return operations * UNIT * SLACK


def root(value: Any) -> Any:
    """Return an upper bound of √value; the square root of IEEE is correctly rounded."""
    return np.sqrt(value) * SLACK


@dataclass(frozen=True, kw_only=True)
class Magnitudes:
    """Bounds that hold for every mask: |h| and |ĥ| ≤ ``size``, |ĥ − h| ≤ ``error``; arrays of shape (m, width).

    ``hidden`` are those of the last hidden layer, ``output`` those of the linear outputs (no mask of the last layer).
    """

    hidden_size: Array
    hidden_error: Array
    output_size: Array
    output_error: Array


def layer_magnitudes(problem: Problem, *, dropout: bool) -> Magnitudes:
    """Propagate sizes and errors layer by layer, with the largest mask entries 1/p or (no dropout) with 1.

    With s = 1/p, for z = W(s∘r∘h) + b, r ∈ {0,1}: |z| ≤ B = |b| + s|W|S and
    |ẑ − z| ≤ s|W|e + γ_{n+4} B + η-terms; φ is Lipschitz with Λ = max(1, |slope|), so S′ = ΛB and
    e′ = Λ|ẑ − z| + rounding of slope·z.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    size = up(np.abs(problem.inputs) + problem.input_errors)
    error = problem.input_errors
    last = len(problem.weights) - 1
    for l in range(last + 1):
        weights = np.abs(problem.weights[l])
        n = weights.shape[1]
        # γ-terms are covered: sizes carry the slack of ``up``, and γ_{n+4} < 2⁻³⁰.
        scale = problem.inverse_keep[l] * SLACK if dropout and l < last else 1.0
        reach = np.einsum("ei,ji->ej", size, weights, optimize=False)
        carried = np.einsum("ei,ji->ej", error, weights, optimize=False)
        lost = ETA * up(n + 2 + weights.sum(axis=1), n)
        below = up(np.abs(problem.biases[l]) + scale * up(reach, n) + lost, n)
        wrong = up(scale * up(carried, n) + gamma(n + 4) * below + lost, n)
        if not np.all(below < LARGEST) or not np.all(size * scale < LARGEST):
            raise out_of_range("network")
        if l == last:
            return Magnitudes(hidden_size=size, hidden_error=error, output_size=below, output_error=wrong)
        slope = abs(problem.slopes[l])
        steepness = max(1.0, slope * SLACK)
        size = up(steepness * below)
        error = (
            wrong if slope in (0.0, 1.0) else up(steepness * wrong + 4 * UNIT * slope * below + 4 * ETA * (1 + below))
        )
    raise AssertionError("a network has at least one layer")


def tree_error(size: Any, largest: Any, levels: int) -> Any:
    """Return the error of folding an expectation up a tree of masks of the given depth.

    Each node computes q̂·a + p̂·b: four roundings, relative to the expected absolute value ``size``, and η-terms
    relative to the largest value of a leaf.
    """
    return up(gamma(4 * levels + 1) * size + (levels + 1) * ETA * (2 + 2 * largest), 4)
