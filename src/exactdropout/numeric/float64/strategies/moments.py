"""The strategy ``moments``: where no unit changes its sign over the masks, two moments go through the layers.

A unit whose pre-activation keeps one sign over all masks is linear, φ(z) = t·z with t = 1 or the slope. If all are,
the mean μ and the covariance C of the hidden values h before their own mask follow layer by layer: with
A = W and S_i = E h_i² = C_ii + μ_i²,

    μ′ = t∘(Wμ + b),   C′ = tt′∘(W C Wᵀ + (q/p) W diag(S) Wᵀ).

Equal units (the same row of W and the same bias) have the same h for every mask, so each group is carried once; only
their masks differ, which enters through Σ_{i in group} W_ji and Σ_{i in group} W_ji W_ki.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.bounds import SLACK, gamma, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.float64.strategy import Folded
from exactdropout.numeric.runs.runner import Runner

FIRST_EXAMPLES = 16

__all__ = ["estimate", "linear_factors", "moments_reference", "refusal", "run"]

BLOCK_ENTRIES = 1 << 22


def moments_reference(problem: Problem, factors: list[Array], example: int) -> tuple[Array, Array]:
    """Return mean and covariance of the last hidden layer's values for one example, every unit on its own."""
    mean, covariance = problem.inputs[example], np.zeros((problem.widths[0],) * 2)
    for l, t in enumerate(factors):
        weights = problem.weights[l]
        masked = covariance + problem.drop[l] / problem.keep[l] * np.diag(np.diag(covariance) + mean**2)
        mean = t[example] * (weights @ mean + problem.biases[l])
        covariance = np.outer(t[example], t[example]) * (weights @ masked @ weights.T)
    return mean, covariance


def linear_factors(problem: Problem) -> list[Array] | None:
    """Return t (examples × units) for each hidden layer, or None if some pre-activation may change its sign.

    Bounds l ≤ h ≤ u over all masks are propagated outward-rounded; with N the sum of the smallest terms, rounded
    down, b + N ≥ 0 in floats proves z ≥ 0, as the sign of a float sum is exact. The first examples are tried alone: in
    most networks a unit changes its sign there already, and all examples of a large one take seconds.
    """
    if problem.examples > FIRST_EXAMPLES and _factors(problem, slice(FIRST_EXAMPLES)) is None:
        return None
    return _factors(problem, slice(None))


def _factors(problem: Problem, examples: slice) -> list[Array] | None:
    inputs, errors = problem.inputs[examples], problem.input_errors[examples]
    low, high = inputs - up(errors), inputs + up(errors)
    if not errors.any():
        low = high = inputs
    factors = []
    for l in range(len(problem.weights) - 1):
        if problem.rates[l] > 0:
            scale = problem.inverse_keep[l] * SLACK
            low, high = np.minimum(low, 0.0) * scale, np.maximum(high, 0.0) * scale
        representatives, groups = problem.equal_units[l]
        weights, bias = problem.weights[l][representatives], problem.biases[l][representatives]
        plus, minus = np.maximum(weights, 0.0), np.maximum(-weights, 0.0)
        n = plus.shape[1]

        def bound(a: Array, b: Array, plus: Array = plus, minus: Array = minus, n: int = n) -> Array:
            """Return an upper bound of Σ plus·a + minus·b for the positive parts less a lower one of the others."""
            gain = np.einsum("ei,ji->ej", np.maximum(a, 0.0), plus) + np.einsum("ei,ji->ej", np.maximum(b, 0.0), minus)
            loss = np.einsum("ei,ji->ej", np.maximum(-a, 0.0), plus) + np.einsum(
                "ei,ji->ej", np.maximum(-b, 0.0), minus
            )
            some = ((a > 0) @ (plus > 0).T) | ((b > 0) @ (minus > 0).T)  # products may underflow to 0
            over = np.where(some, up(gain, 2 * n), 0.0)
            under = np.maximum(loss * (1 - 2.0**-30) - (2 * n + 2) * ETA, 0.0)
            difference: Array = over - under
            return difference

        above, below = bound(high, -low), bound(-low, high)
        positive, negative = bias - below >= 0, bias + above <= 0
        slope = problem.slopes[l]
        linear = slope == 1.0 and problem.slope_errors[l] == 0.0
        if not linear and not np.all(positive | negative):
            return None
        t = np.where(positive, 1.0, slope)
        factors.append(t[:, groups])
        top, bottom = bias + above, bias - below
        room = 4 * UNIT * (np.abs(bias) + np.abs(above) + np.abs(below))
        if slope == 0.0 and problem.slope_errors[l] == 0.0:
            low = np.where(positive, np.maximum(bottom - room, 0.0), 0.0)
            high = np.where(positive, top + room, 0.0)
        else:
            steep = 1 + 8 * UNIT
            off = problem.slope_errors[l] * (np.abs(top) + np.abs(bottom)) + room * (1 + abs(slope)) + ETA
            ends = np.stack([t * top, t * bottom])
            low = np.where(positive, np.maximum(bottom - room, 0.0), ends.min(axis=0) - off * steep)
            high = np.where(positive, top + room, ends.max(axis=0) + off * steep)
        low, high = low[:, groups], high[:, groups]
    return factors


def refusal(problem: Problem, moments: int) -> str | None:
    """All units must keep their sign, and only second moments are propagated."""
    if moments == 4:
        return "it computes second moments only"
    with np.errstate(over="ignore", invalid="ignore"):
        return None if linear_factors(problem) is not None else "a unit may change its sign over the masks"


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the cost of two products of matrices (values and bounds) for each layer and example."""
    cost, width = 2e5, 1
    for l, weights in enumerate(problem.weights):
        below = len(problem.equal_units[l][0])
        cost += problem.examples * (4.0 * below * below * (weights.shape[1] + width) + 4.0 * below * width * width)
        cost += 20.0 * weights.size
        width = below
    return Estimate(visited=float(problem.examples), cost=cost, memory=64.0 * (BLOCK_ENTRIES + _largest(problem)))


def _largest(problem: Problem) -> float:
    """Return the entries of the largest array of one example: a covariance, or squares spread over rows of weights."""
    pairs = zip(problem.equal_units, problem.weights, strict=False)
    units = [(float(len(representatives)), weights.shape[1]) for (representatives, _), weights in pairs]
    return max((below * max(below, above) for below, above in units), default=1.0)


@dataclass(frozen=True)
class _Moments:
    """Mean and covariance of one value per group, with bounds of their errors; examples first."""

    mean: Array
    covariance: Array
    e_mean: Array
    e_covariance: Array

    def squares(self) -> tuple[Array, Array]:
        """Return E h² and its error."""
        own = np.einsum("egg->eg", self.covariance) + self.mean * self.mean
        size = up(np.abs(np.einsum("egg->eg", self.covariance)) + self.mean * self.mean)
        error = up(
            np.einsum("egg->eg", self.e_covariance)
            + (2 * np.abs(self.mean) + self.e_mean) * self.e_mean
            + gamma(3) * size
        )
        return own, error


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Propagate the moments of blocks of examples."""
    factors = linear_factors(problem)
    if factors is None:
        raise ValueError("moments needs units that keep their sign")
    block = max(1, int(BLOCK_ENTRIES // _largest(problem)))
    values, errors = [], []
    for begin in range(0, problem.examples, block):
        part = slice(begin, begin + block)
        value, error = _propagate(problem, reference, factors, part)
        values.append(value)
        errors.append(error)
        if runner.progress is not None:
            runner.progress(min(begin + block, problem.examples), problem.examples)
    return Folded(moments=np.concatenate(values), levels=0, errors=np.concatenate(errors))


def _propagate(problem: Problem, reference: Reference, factors: list[Array], part: slice) -> tuple[Array, Array]:
    mean, e_mean = problem.inputs[part], problem.input_errors[part]
    m, width = mean.shape
    groups = np.arange(width)
    nothing = np.broadcast_to(0.0, (m, width, width))  # a view of one number: inputs vary only by their masks
    state = _Moments(mean, nothing, e_mean, nothing)
    last = len(problem.weights) - 1
    for l in range(last):
        representatives, below = problem.equal_units[l]
        state = _affine(problem, l, state, groups, representatives)
        t = factors[l][part][:, representatives]
        slope = abs(problem.slopes[l])
        off = np.where(
            t == 1.0,
            0.0,
            problem.slope_errors[l] + UNIT * slope * 2 if slope not in (0.0, 1.0) else problem.slope_errors[l],
        )
        size = np.abs(t)
        pair = t[:, :, None] * t[:, None, :]
        e_pair = up(
            off[:, :, None] * size[:, None, :] + size[:, :, None] * off[:, None, :] + off[:, :, None] * off[:, None, :]
        )
        rounding = np.where((pair == 1.0) | (pair == 0.0), 0.0, 3 * UNIT) * np.abs(pair)
        state = _Moments(
            t * state.mean,
            pair * state.covariance,
            up((size + off) * state.e_mean + off * np.abs(state.mean) + ETA * (off > 0), 3),
            up(
                (np.abs(pair) + e_pair) * state.e_covariance + (e_pair + rounding) * np.abs(state.covariance),
                3,
            ),
        )
        groups = below
    return _outputs(problem, reference, state, groups, part)


def _affine(problem: Problem, layer: int, state: _Moments, groups: Array, representatives: Array) -> _Moments:
    """Return the moments of z = W(masked h) + b for the representatives."""
    weights, bias = problem.weights[layer][representatives], problem.biases[layer][representatives]
    n, count = weights.shape[1], state.mean.shape[1]
    gathered, reach = _gather(weights, groups, count)
    size = up(np.abs(state.mean) + state.e_mean)
    mean = np.einsum("eg,jg->ej", state.mean, gathered) + bias
    bulk = up(np.einsum("eg,jg->ej", size, reach) + np.abs(bias), n)
    e_mean = up(np.einsum("eg,jg->ej", state.e_mean, reach) + gamma(n + count + 4) * bulk + 2 * n * ETA, n)
    if layer == 0:  # inputs vary only by their masks
        spread, e_spread = np.zeros((len(mean), len(weights), len(weights))), np.zeros(())
        size_spread = np.zeros(())
    else:
        half = np.einsum("egh,kh->egk", state.covariance, gathered)
        spread = np.einsum("jg,egk->ejk", gathered, half)
        size_c = up(np.abs(state.covariance) + state.e_covariance)
        size_spread = up(np.einsum("jg,egk->ejk", reach, up(np.einsum("egh,kh->egk", size_c, reach), n)), n)
        e_spread = up(np.einsum("jg,egk->ejk", reach, up(np.einsum("egh,kh->egk", state.e_covariance, reach), n)), n)
    ratio = problem.rates[layer] / (1 - problem.rates[layer])
    if ratio > 0:
        squares, e_squares = state.squares()
        spread = spread + float(ratio) * np.einsum("eji,ki->ejk", weights[None] * squares[:, None, groups], weights)
        top = up(np.abs(squares) + e_squares)
        absolute, factor = np.abs(weights), float(ratio) * (1 + 4 * UNIT) + ETA
        own = up(np.einsum("eji,ki->ejk", absolute[None] * top[:, None, groups], absolute), 2 * n)
        e_own = up(np.einsum("eji,ki->ejk", absolute[None] * e_squares[:, None, groups], absolute), 2 * n)
        size_spread = up(size_spread + factor * own)
        e_spread = up(e_spread + factor * e_own)
    lost = ETA * up(8 * n * (1 + float(ratio)) * (1 + np.max(np.abs(weights))) ** 2 * (1 + np.max(np.abs(reach))))
    e_spread = up(e_spread + gamma(2 * n + 2 * count + 12) * size_spread + lost)
    return _Moments(mean, spread, e_mean, np.broadcast_to(e_spread, spread.shape))


def _gather(weights: Array, groups: Array, count: int) -> tuple[Array, Array]:
    """Return Σ_{i in group} W_ji and Σ_{i in group} |W_ji|, the second an upper bound."""
    order = np.argsort(groups, kind="stable")
    begins = np.searchsorted(groups[order], np.arange(count))
    ordered = weights[:, order]
    return np.add.reduceat(ordered, begins, axis=1), up(np.add.reduceat(np.abs(ordered), begins, axis=1))


def _outputs(
    problem: Problem, reference: Reference, state: _Moments, groups: Array, part: slice
) -> tuple[Array, Array]:
    """Return g, g², v, r² of each output and their errors."""
    last = len(problem.weights) - 1
    weights = problem.weights[last]
    m, outputs, n = len(state.mean), problem.outputs, weights.shape[1]
    gathered, reach = _gather(weights, groups, state.mean.shape[1])
    count = gathered.shape[1]
    mean = np.einsum("eg,og->eo", state.mean, gathered) + problem.biases[last]
    bulk = up(np.einsum("eg,og->eo", up(np.abs(state.mean) + state.e_mean), reach) + np.abs(problem.biases[last]), n)
    e_mean = up(np.einsum("eg,og->eo", state.e_mean, reach) + gamma(n + count + 4) * bulk + 2 * n * ETA, n)
    if last == 0:
        spread, size, e_spread = np.zeros((m, outputs)), np.zeros((m, count, outputs)), np.zeros((m, count, outputs))
    else:
        half = np.einsum("egh,oh->ego", state.covariance, gathered)
        spread = np.einsum("og,ego->eo", gathered, half)
        size = up(np.einsum("egh,oh->ego", up(np.abs(state.covariance) + state.e_covariance), reach), n)
        e_spread = up(np.einsum("egh,oh->ego", state.e_covariance, reach), n)
    lost = ETA * up(8 * n * (1 + np.max(reach)) ** 2)
    e_spread = up(
        up(np.einsum("og,ego->eo", reach, e_spread), n)
        + gamma(2 * n + 2 * count + 8) * up(np.einsum("og,ego->eo", reach, size), n)
        + lost
    )
    squares, e_squares = state.squares()
    kappa = float(problem.cumulants[0])
    noise = kappa * np.einsum("oi,ei->eo", weights * weights, squares[:, groups])
    top = up(np.abs(squares) + e_squares)
    factor = kappa * (1 + 4 * UNIT) + ETA
    e_noise = up(
        factor * up(np.einsum("oi,ei->eo", weights * weights, e_squares[:, groups]), 2 * n)
        + gamma(n + 8) * factor * up(np.einsum("oi,ei->eo", weights * weights, top[:, groups]), 2 * n)
        + ETA * up(4 * n * (1 + kappa) * (1 + np.max(top)) * (1 + np.max(np.abs(weights)) ** 2)),
        3,
    )
    g = mean - reference.output.value[part]
    r = mean - problem.labels[part]
    e_g = up(e_mean + UNIT * np.abs(g))
    e_r = up(e_mean + UNIT * np.abs(r) + problem.label_errors[part])

    def square(v: Array, e: Array) -> tuple[Array, Array]:
        value = v * v + spread
        return value, up((2 * np.abs(v) + e) * e + e_spread + gamma(3) * up(v * v + np.abs(spread)) + 2 * ETA, 3)

    g2, e_g2 = square(g, e_g)
    r2, e_r2 = square(r, e_r)
    values = np.stack([g, g2, noise, r2], axis=2).reshape(m, 4 * outputs)
    errors = np.stack([e_g, e_g2, e_noise, e_r2], axis=2).reshape(m, 4 * outputs)
    return values, errors
