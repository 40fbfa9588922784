"""Proved error bounds of the float engine; the derivation, step by step, is docs/error-bounds.md.

Notation: u = 2⁻⁵³, η = 2⁻¹⁰⁷⁴, γ_k = k·u/(1 − k·u), a hat for what the machine holds. Every bound is itself computed
in floats from non-negative terms and multiplied by 1 + 2⁻³⁰, which is more than the rounding of fewer than 2²⁰
operations can take away; η-terms cover underflow. So each bound is an upper bound, not an estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem, out_of_range

__all__ = ["LARGEST", "Magnitudes", "gamma", "grid_exponent", "layer_magnitudes", "root", "tree_error", "up"]

FEW = 64
"""So many numbers are looked at one by one sooner than by arrays."""

MANTISSA = (1 << 52) - 1
"""The bits of a float below its exponent."""

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
    """Bounds that hold for every mask; one array of shape (m, width) per layer of units, inputs first.

    |h| and |ĥ| ≤ ``sizes[l]``, |ĥ − h| ≤ ``errors[l]``; the pre-activations that layer l feeds have |z| and
    |ẑ| ≤ ``reaches[l]``, |ẑ − z| ≤ ``wrongs[l]``. The last of these are the outputs f, before the last mask.
    """

    sizes: tuple[Array, ...]
    errors: tuple[Array, ...]
    reaches: tuple[Array, ...]
    wrongs: tuple[Array, ...]
    grid: int | None
    """All products and sums that make the outputs are multiples of 2^grid, computed exactly; None if not known."""

    @property
    def hidden_size(self) -> Array:
        """``sizes`` of the last droppable layer."""
        return self.sizes[-1]

    @property
    def hidden_error(self) -> Array:
        """``errors`` of the last droppable layer."""
        return self.errors[-1]

    @property
    def output_size(self) -> Array:
        """``reaches`` of the outputs."""
        return self.reaches[-1]

    @property
    def output_error(self) -> Array:
        """``wrongs`` of the outputs."""
        return self.wrongs[-1]


def layer_magnitudes(problem: Problem, *, dropout: bool) -> Magnitudes:
    """Return the bounds of every layer, computed once for each problem; see :func:`_propagated`."""
    key = f"magnitudes, dropout={dropout}"
    if key not in problem.memo:
        problem.memo[key] = _propagated(problem, dropout=dropout)
    found: Magnitudes = problem.memo[key]
    return found


def _propagated(problem: Problem, *, dropout: bool) -> Magnitudes:
    """Propagate sizes and errors layer by layer, with the largest mask entries 1/p or (no dropout) with 1.

    With s = 1/p, for z = W(s∘r∘h) + b, r ∈ {0,1}: |z| ≤ B = |b| + s|W|S and
    |ẑ − z| ≤ s|W|e + γ_{n+4} B + η-terms; φ is Lipschitz with Λ = max(1, |slope|), so S′ = ΛB and
    e′ = Λ|ẑ − z| + rounding of slope·z. Where all numbers are small multiples of one power of 2 the layer is computed
    without any rounding and its errors are 0.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    size = up(np.abs(problem.inputs) + problem.input_errors)
    error = problem.input_errors
    grid = None if error.any() else grid_exponent(problem.inputs)
    sizes, errors, reaches, wrongs = [], [], [], []
    last = len(problem.weights) - 1
    for l in range(last + 1):
        representatives, groups = problem.equal_units[l]
        weights, bias = np.abs(problem.weights[l][representatives]), np.abs(problem.biases[l][representatives])
        n = weights.shape[1]
        # γ-terms are covered: sizes carry the slack of ``up``, and γ_{n+4} < 2⁻³⁰.
        masked = dropout and l < last and problem.rates[l] > 0
        scale = problem.inverse_keep[l] * SLACK if masked else 1.0
        reach = np.einsum("ei,ji->ej", size, weights, optimize=False)
        carried = np.einsum("ei,ji->ej", error, weights, optimize=False)
        lost = ETA * up(n + 2 + weights.sum(axis=1), n)
        below = up(bias + scale * up(reach, n) + lost, n)
        if not np.all(below < LARGEST) or not np.all(size * scale < LARGEST):
            raise out_of_range("network")
        factor = 1 / (1 - problem.rates[l]) if masked else Fraction(1)
        grid = _grid_below(problem, l, grid, factor, float(np.max(size)) * scale, float(np.max(below)))
        wrong = up(scale * up(carried, n) + gamma(n + 4) * below + lost, n) if grid is None else np.zeros(below.shape)
        below, wrong = below[:, groups], wrong[:, groups]
        sizes.append(size)
        errors.append(error)
        reaches.append(below)
        wrongs.append(wrong)
        if l < last:
            slope = abs(problem.slopes[l])
            steepness = max(1.0, slope * SLACK)
            size = up(steepness * below)
            error = wrong
            if problem.slope_errors[l] > 0 or slope not in (0.0, 1.0):
                off = problem.slope_errors[l] + 2 * UNIT * slope
                error = up(steepness * wrong + off * below + 4 * ETA * (1 + below), 2)
                grid = None
    return Magnitudes(sizes=tuple(sizes), errors=tuple(errors), reaches=tuple(reaches), wrongs=tuple(wrongs), grid=grid)


def grid_exponent(array: Array) -> int:
    """Return the largest g such that every entry is an integer multiple of 2^g (1023 if all are 0).

    The lowest bit of a float that is no power of 2 is what it loses with the lowest bit of its mantissa.
    """
    if array.size <= FEW:  # every float is an odd integer times a power of 2, or 0
        lowest_bits = [
            (numerator & -numerator).bit_length() - denominator.bit_length()
            for numerator, denominator in [x.as_integer_ratio() for x in array.ravel().tolist() if x != 0.0]
        ]
        return min(lowest_bits, default=1023)
    bits = array.view(np.int64)
    lowest = np.abs(array - np.where(bits & MANTISSA, bits & (bits - 1), 0).view(np.float64))
    lowest = lowest[lowest > 0]
    return math.frexp(lowest.min())[1] - 1 if lowest.size else 1023


def _grid_below(
    problem: Problem, layer: int, grid: int | None, factor: Fraction, size: float, reach: float
) -> int | None:
    """Return the grid of the pre-activations if products and partial sums are all exact, else None.

    Multiples of 2^g below 2^(g+53) are floats, and so is every sum of such numbers that stays below 2^(g+53).
    """
    denominator = factor.denominator
    if grid is None or denominator & (denominator - 1) or factor.numerator >= 2**53:
        return None
    scaled = grid - (denominator.bit_length() - 1)
    bias = problem.biases[layer]
    product = scaled + grid_exponent(problem.weights[layer][problem.equal_units[layer][0]])
    below = min(product, grid_exponent(bias), 1023)
    exact = scaled > -1000 and below > -1000 and size < 2.0 ** min(scaled + 53, 1000)
    return below if exact and reach < 2.0 ** min(below + 53, 1000) else None


def tree_error(size: Any, largest: Any, levels: int) -> Any:
    """Return the error of folding an expectation up a tree of masks of the given depth.

    Each node computes q̂·a + p̂·b: four roundings, relative to the expected absolute value ``size``, and η-terms
    relative to the largest value of a leaf (at most 2⁶ explicit weights of six factors included).
    """
    return up(gamma(4 * levels + 1) * size + (32 * levels + 512) * ETA * (1 + largest), 4)
