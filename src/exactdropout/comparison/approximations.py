"""What people use in place of the mean over all masks: formulas for the mean and the variance of each output.

Each takes the noise h ∘ (r/p − 1), of mean 0 and covariance λ diag(h²), λ = q/p, and closes the recursion over the
layers in its own way; docs/approximations.md derives them. All are plain NumPy on real or complex weights, so that the
gradient of any of them is a complex step: Im J(w + iε)/ε, without a difference and so without cancellation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.special import ndtr

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem

__all__ = ["FORMULAS", "Formula", "Layers", "criterion_of", "gradient_of", "moments_of", "steps_of"]

STEP = 1e-30
"""ε of the complex step: the relative error is ε²."""

NODES, NODE_WEIGHTS = (0.5 * a for a in np.polynomial.legendre.leggauss(48))
NODES = NODES + 0.5
"""Of the integral over the angle in :func:`_relu_covariance`, on [0, 1]."""

CLOSEST = 1 - 1e-12
"""Correlations beyond ± this are taken as this: the covariance changes by 10⁻¹² of it, and keeps a derivative."""

ENTRIES = 1 << 21
"""Numbers that a chunk of rows may hold at a time."""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Weights and biases (real, or complex for a step), slopes of the hidden layers, and λ = q/p of each layer."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    slopes: tuple[float, ...]
    noises: tuple[float, ...]

    @classmethod
    def of(cls, problem: Problem) -> Layers:
        """Return those of a float64 problem."""
        noises = tuple(float(rate / (1 - rate)) for rate in problem.rates)
        return cls(weights=problem.weights, biases=problem.biases, slopes=problem.slopes, noises=noises)


Formula: TypeAlias = Callable[[Layers, Array], tuple[Array, Array]]
"""Mean and variance of each output, both of shape (m, outputs), for m rows of inputs."""


def scaled(layers: Layers, x: Array) -> tuple[Array, Array]:
    """Return W(x) and 0: all units kept, weights times p as they were trained without the factor 1/p."""
    output, _, _ = _forward(layers, x)
    return output, np.zeros_like(output)


def second_order(layers: Layers, x: Array) -> tuple[Array, Array]:
    """Return W(x) and R₂ = Σ_l λ_l Σ_i (∂W(x)/∂h_{l,i})² h_{l,i}², the Taylor expansion in the noise of each layer.

    For the squared error ½⟨∇²loss, ·⟩ is this sum, and it is the variance by the delta method, too.
    """
    output, hidden, kinks = _forward(layers, x)
    back = np.broadcast_to(layers.weights[-1], (len(x), *layers.weights[-1].shape))
    spread = np.zeros_like(output)
    for l in reversed(range(len(layers.weights))):
        spread = spread + layers.noises[l] * (back**2 * (hidden[l] ** 2)[:, None, :]).sum(axis=2)
        if l:
            back = (back * kinks[l - 1][:, None, :]) @ layers.weights[l - 1]
    return output, spread


def diagonal(layers: Layers, x: Array) -> tuple[Array, Array]:
    """Return moments where every unit keeps its mean and variance only, as if units were independent and normal."""
    mean, variance = x, np.zeros_like(x)
    for l, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        noisy = variance + layers.noises[l] * (variance + mean**2)
        mean, variance = mean @ weight.T + bias, noisy @ (weight**2).T
        if l < len(layers.weights) - 1:
            mean, variance, _ = _activated(mean, variance, layers.slopes[l])
    return mean, variance


def gaussian(layers: Layers, x: Array) -> tuple[Array, Array]:
    """Return moments where the pre-activations of a layer are jointly normal, with their full covariance.

    With one hidden layer these are exact for multiplicative noise N(1, q/p) in the place of r/p.
    """
    widest = max(w.shape[0] for w in layers.weights[:-1]) if len(layers.weights) > 1 else 1
    rows = max(1, ENTRIES // (widest * widest * len(NODES)))
    parts = [_gaussian_rows(layers, x[at : at + rows]) for at in range(0, len(x), rows)]
    means, variances = zip(*parts, strict=True)
    return np.concatenate(means), np.concatenate(variances)


FORMULAS: dict[str, Formula] = {
    "diagonal": diagonal,
    "gaussian": gaussian,
    "second-order": second_order,
    "scaled": scaled,
}


def moments_of(name: str, problem: Problem) -> tuple[Array, Array]:
    """Return mean and variance of each output of each example by the named formula."""
    return FORMULAS[name](Layers.of(problem), problem.inputs)


def criterion_of(mean: Array, variance: Array, problem: Problem) -> Any:
    """Return ‖m − y‖² + Σ_o v_o of each example: the criterion that these moments give."""
    return ((mean - problem.labels) ** 2 + variance).sum(axis=1)


def gradient_of(name: str, problem: Problem) -> tuple[list[Array], list[Array]]:
    """Return ∂J/∂W and ∂J/∂b of the named formula's criterion, entry by entry, by complex steps.

    Cost: one evaluation of the formula for each weight and bias.
    """
    layers = Layers.of(problem)
    inputs = problem.inputs.astype(complex)

    def derivatives(arrays: tuple[Array, ...], stepped_to: Callable[[tuple[Array, ...]], Layers]) -> Iterator[Array]:
        for l, array in enumerate(arrays):
            found = np.empty(array.shape)
            for at in np.ndindex(array.shape):
                stepped = array.astype(complex)
                stepped[at] += 1j * STEP
                changed = (*arrays[:l], stepped, *arrays[l + 1 :])
                values = criterion_of(*FORMULAS[name](stepped_to(changed), inputs), problem)
                found[at] = (problem.chances * values.imag).sum() / STEP
            yield found

    return (
        list(derivatives(layers.weights, lambda changed: replace(layers, weights=changed))),
        list(derivatives(layers.biases, lambda changed: replace(layers, biases=changed))),
    )


def steps_of(name: str, widths: Sequence[int], rows: int) -> float:
    """Return about how many nanoseconds of one core the moments of so many rows take."""
    products = sum(a * b for a, b in itertools.pairwise(widths))
    hidden = widths[1:-1]
    if name == "gaussian":
        return rows * (0.2 * products * max(hidden, default=1) + sum(90.0 * len(NODES) * n * n / 2 for n in hidden))
    return rows * (2.0 * products * (widths[-1] if name == "second-order" else 1) + sum(100.0 * n for n in hidden))


def _forward(layers: Layers, x: Array) -> tuple[Array, list[Array], list[Array]]:
    """Return W(x), the values that enter each layer, and the derivative of each activation (the left one at a kink)."""
    hidden: list[Array] = [x]
    kinks: list[Array] = []
    for l, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        z = hidden[-1] @ weight.T + bias
        if l == len(layers.weights) - 1:
            return z, hidden, kinks
        kinks.append(np.where(z.real > 0, 1.0, layers.slopes[l]))
        hidden.append(z * kinks[-1])
    raise AssertionError("a network has a layer")


def _activated(mean: Array, variance: Array, slope: float) -> tuple[Array, Array, tuple[Array, Array, Array]]:
    """Return mean and variance of φ(z) for z ~ N(mean, variance), and a = mean/s, s and Φ(a).

    With relu⁺ = max(z, 0): E relu⁺ = mΦ(a) + sφ(a), E (relu⁺)² = (m² + v)Φ(a) + msφ(a), and φ(z) = cz + (1 − c)relu⁺.
    """
    certain = variance.real <= 0
    s = np.sqrt(np.where(certain, 1.0, variance))
    a = np.where(certain, np.where(mean.real > 0, 40.0, -40.0), mean / s)
    s = np.where(certain, 0.0, s)
    below, density = ndtr(a), np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi)
    first = mean * below + s * density
    second = (mean**2 + variance) * below + mean * s * density
    found = slope * mean + (1 - slope) * first
    spread = slope**2 * (mean**2 + variance) + (1 - slope**2) * second - found**2
    return found, np.where(spread.real > 0, spread, 0.0), (a, s, below)


def _gaussian_rows(layers: Layers, x: Array) -> tuple[Array, Array]:
    mean, covariance = x, np.zeros((len(x), 0, 0))
    for l, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        own = np.einsum("eii->ei", covariance) if l else np.zeros_like(x)
        noise = layers.noises[l] * (own + mean**2)
        last = l == len(layers.weights) - 1
        mean = mean @ weight.T + bias
        if last:
            variance = noise @ (weight**2).T
            if l:
                variance = variance + ((weight @ covariance) * weight).sum(axis=2)
            return mean, variance
        added = (weight * noise[:, None, :]) @ weight.T
        covariance = added + weight @ covariance @ weight.T if l else added
        variance = np.einsum("eii->ei", covariance)
        mean, spread, parts = _activated(mean, variance, layers.slopes[l])
        covariance = _relu_covariance(covariance, spread, parts, layers.slopes[l])
    raise AssertionError("a network has a layer")


def _relu_covariance(covariance: Array, spread: Array, parts: tuple[Array, Array, Array], slope: float) -> Array:
    """Return the covariance matrix of φ(z) for z ~ N(·, covariance): its diagonal is ``spread``.

    By Price's theorem ∂/∂ρ Cov(relu zᵢ, relu zⱼ) = sᵢsⱼ P(zᵢ, zⱼ > 0), and ∂P/∂ρ is a bivariate density φ₂,
    so

        Cov = sᵢsⱼ (ρΦ(aᵢ)Φ(aⱼ) + ∫₀^ρ (ρ − t) φ₂(aᵢ, aⱼ; t) dt),   t = sin θ.

    Cov(zᵢ, relu zⱼ) = cᵢⱼΦ(aⱼ) (Stein), and a leaky unit is cz + (1 − c)relu z.
    """
    a, s, below = parts
    n = a.shape[1]
    i, j = np.triu_indices(n, 1)
    product = s[:, i] * s[:, j]
    free = product.real > 0
    own = covariance[:, i, j]
    rho = np.where(free, own, 0.0) / np.where(free, product, 1.0)
    rho = rho - np.where(np.abs(rho.real) > CLOSEST, rho.real - np.sign(rho.real) * CLOSEST, 0.0)
    ai, aj = a[:, i], a[:, j]
    theta = np.arcsin(rho)
    angles = theta[..., None] * NODES
    sines, cosines = np.sin(angles), np.cos(angles)
    exponents = (ai**2 + aj**2)[..., None] - 2 * (ai * aj)[..., None] * sines
    density = np.exp(-0.5 * exponents / cosines**2) / (2 * np.pi)
    integral = theta * (((rho[..., None] - sines) * density) @ NODE_WEIGHTS)
    both = product * (rho * below[:, i] * below[:, j] + integral)
    mixed = own * (below[:, i] + below[:, j])
    pairs = slope**2 * own + slope * (1 - slope) * mixed + (1 - slope) ** 2 * np.where(free, both, 0.0)
    found = np.zeros(covariance.shape, dtype=pairs.dtype)
    found[:, i, j] = found[:, j, i] = pairs
    found[:, np.arange(n), np.arange(n)] = spread
    return found
