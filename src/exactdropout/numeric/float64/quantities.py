"""From folded leaf moments to per-example quantities and totals, each with its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import LARGEST, Magnitudes, gamma, layer_magnitudes, root, tree_error, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem, out_of_range, rounded

__all__ = ["Bounded", "Reference", "per_example", "reference_outputs", "square_error", "total"]


@dataclass(frozen=True)
class Bounded:
    """Numbers, and bounds of the same shape."""

    value: Array
    error: Array


@dataclass(frozen=True, kw_only=True)
class Reference:
    """W(x) in floats: the pivot that shifted moments are taken about, its error, and the risk's shares."""

    output: Bounded
    residual: Bounded
    square_pivot: Array


def reference_outputs(problem: Problem) -> Reference:
    """Return ĉ ≈ W(x), d̂ ≈ ĉ − y with a bound relative to the number ĉ, and Σ_o d̂² as pivot of the squared error."""
    magnitudes = layer_magnitudes(problem, dropout=False)
    output = problem.output()
    residual = output - problem.labels
    error = up(UNIT * np.abs(residual) + problem.label_errors + ETA)
    if not np.all(np.abs(problem.labels) < LARGEST) or not np.all(np.isfinite(residual)):
        raise out_of_range("data")
    with np.errstate(over="ignore"):
        pivot = np.sum(residual * residual, axis=1)
    return Reference(
        output=Bounded(output, magnitudes.output_error),
        residual=Bounded(residual, error),
        square_pivot=np.where(pivot < LARGEST, pivot, 0.0),
    )


def per_example(
    problem: Problem,
    reference: Reference,
    folded: Array,
    levels: int,
    moments: int,
    output_error: Array | None = None,
    noise_error: Array | None = None,
    errors: Array | None = None,
) -> dict[str, Bounded]:
    """Return every per-example quantity with its bound; the arguments from ``folded`` on are those of ``Folded``."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = _per_example(problem, reference, folded, levels, moments, output_error, noise_error, errors)
    for bounded in result.values():
        if not (np.all(np.isfinite(bounded.value)) and np.all(np.isfinite(bounded.error))):
            raise out_of_range("network")
    return result


def _per_example(
    problem: Problem,
    reference: Reference,
    folded: Array,
    levels: int,
    moments: int,
    output_error: Array | None,
    noise_error: Array | None,
    errors: Array | None,
) -> dict[str, Bounded]:
    outputs = problem.outputs
    size = layer_magnitudes(problem, dropout=True)
    first, second, noise, square = (folded[:, k : 4 * outputs : 4] for k in range(4))
    pivot, residual = reference.output, reference.residual
    spread_reach = up(size.output_size + np.abs(pivot.value))
    label_reach = up(size.output_size + np.abs(problem.labels) + problem.label_errors)
    e_output = size.output_error if output_error is None else output_error
    e_second = square_error(second, e_output, spread_reach, levels)
    rms = root(up(second + _tiny(levels, spread_reach**2)))
    e_first = up(e_output + 2 * UNIT * rms + tree_error(rms, spread_reach, levels), 3)
    e_square = square_error(square, up(e_output + problem.label_errors), label_reach, levels)
    e_noise = _noise_error(problem, size, noise, levels) if noise_error is None else noise_error
    if errors is not None:
        e_first, e_second, e_noise, e_square = (errors[:, k : 4 * outputs : 4] for k in range(4))
    e_pivot, e_residual = pivot.error, residual.error

    mean = first + pivot.value
    e_mean = up(e_first + UNIT * np.abs(mean))
    variance = np.maximum(noise + second - first * first, 0.0)
    bulk = np.abs(noise) + np.abs(second) + first * first
    e_variance = up(
        e_noise + e_second + 2 * np.abs(first) * e_first + e_first * e_first + gamma(4) * up(bulk) + 2 * ETA, 6
    )
    criterion = np.sum(square + noise, axis=1)
    e_criterion = up(np.sum(e_square + e_noise, axis=1) + gamma(outputs + 2) * up(criterion, outputs), outputs)
    risk = np.sum(residual.value * residual.value, axis=1)
    e_share = up(e_residual + e_pivot)
    e_risk = up(
        np.sum(2 * np.abs(residual.value) * e_share + e_share * e_share + ETA, axis=1)
        + gamma(outputs + 2) * up(risk, outputs),
        3 * outputs,
    )
    cross = 2 * residual.value * first
    penalty = np.sum(noise + second + cross, axis=1)
    e_penalty = up(
        np.sum(
            e_noise
            + e_second
            + 2 * np.abs(residual.value) * e_first
            + 2 * e_residual * (np.abs(first) + e_first)
            + e_pivot * (2 * (np.abs(residual.value) + e_residual) + e_pivot)
            + gamma(outputs + 5) * up(noise + second + np.abs(cross), 2)
            + 4 * ETA,
            axis=1,
        ),
        8 * outputs,
    )
    shift = first + 2 * residual.value
    bias = np.sum(first * shift, axis=1)
    e_left = up(e_first + e_pivot)
    e_right = up(e_first + 2 * e_residual + e_pivot + UNIT * np.abs(shift))
    e_bias = up(
        np.sum(
            np.abs(first) * e_right
            + np.abs(shift) * e_left
            + e_left * e_right
            + gamma(outputs + 3) * up(np.abs(first * shift), 1)
            + 2 * ETA,
            axis=1,
        ),
        4 * outputs,
    )
    result = {
        "output": Bounded(pivot.value, e_pivot),
        "mean": Bounded(mean, e_mean),
        "variance": Bounded(variance, e_variance),
        "criterion": Bounded(criterion, e_criterion),
        "risk": Bounded(risk, e_risk),
        "penalty": Bounded(penalty, e_penalty),
        "bias": Bounded(bias, e_bias),
    }
    if moments == 4:
        result["squared_error_variance"] = _squared_error_variance(
            problem, size, label_reach, reference.square_pivot, folded[:, 4 * outputs :], levels
        )
    return result


def _tiny(levels: int, largest: Array) -> Array:
    """Return what underflow can have taken from the expectation of a square."""
    result: Array = up((32 * levels + 512) * ETA * (1 + largest))
    return result


def square_error(folded: Array, error: Array, largest: Array, levels: int) -> Array:
    """Return the error of E ĝ² against E g*², where ĝ = (f̂ − constant)(1 + δ), |f̂ − f| ≤ ``error``, |ĝ| ≤ ``largest``.

    |E ĝ² − E g*²| ≤ ‖ĝ − g*‖(2‖ĝ‖ + ‖ĝ − g*‖) in L² over the masks, and ‖ĝ − g*‖ ≤ error + 2u‖ĝ‖.
    """
    mean_square = up(folded + _tiny(levels, largest * largest))
    rms = root(mean_square)
    distance = up(error + 2 * UNIT * rms)
    result: Array = up(distance * (2 * rms + distance) + tree_error(mean_square, largest * largest, levels), 4)
    return result


def _noise_error(problem: Problem, size: Magnitudes, folded: Array, levels: int) -> Array:
    """Return the error of E κ₂ Σ_i (w_oi h_i)², by the same argument with the vector (w_oi h_i)_i in place of g."""
    kappa = problem.cumulants[0] * (1 + 4 * UNIT) + ETA
    weights = np.abs(problem.weights[-1])
    n = weights.shape[1]
    reach = up(np.einsum("oi,ei->eoi", weights, size.hidden_size, optimize=False))
    off = up(np.einsum("oi,ei->eoi", weights, size.hidden_error, optimize=False) + 2 * UNIT * reach + ETA)
    distance = root(up(np.sum(off * off, axis=2), n))
    squares = up(np.sum(reach * reach, axis=2), n)
    largest = up(kappa * squares)
    mean = up(folded + _tiny(levels, largest) + (n + 2) * ETA * (1 + kappa + squares))
    rms, step = root(mean), root(kappa) * distance
    lost = (n + 4) * ETA * (1 + kappa + largest + squares)
    result: Array = up(step * (2 * rms + step) + tree_error(mean, largest, levels) + gamma(n + 8) * mean + lost, 8)
    return result


def _squared_error_variance(
    problem: Problem, size: Magnitudes, label_reach: Array, square_pivot: Array, folded: Array, levels: int
) -> Bounded:
    """Return Var_R ‖D − y‖² = E Var(‖Z‖² | h) + E T² − (E T)², with its bound.

    Products are bounded by |x̂ŷ − xy| ≤ X e_y + Y e_x + e_x e_y with X, Y the largest sizes over all masks.
    """
    spread, first, second = folded[:, 0], folded[:, 1], folded[:, 2]
    weights = np.abs(problem.weights[-1])
    outputs, n = weights.shape
    k2, k3, k4 = (float(abs(k)) * (1 + 4 * UNIT) + ETA for k in problem.cumulants)
    u = up(np.einsum("oi,ei->eoi", weights, size.hidden_size, optimize=False))
    e_u = up(np.einsum("oi,ei->eoi", weights, size.hidden_error, optimize=False) + 2 * UNIT * u + ETA)
    r = label_reach
    e_r = up(size.output_error + problem.label_errors + 2 * UNIT * r + ETA)
    alpha = up(np.einsum("eo,eoi->ei", r, u, optimize=False), outputs)
    e_alpha = up(
        np.sum(r[:, :, None] * e_u + e_r[:, :, None] * (u + e_u), axis=1) + gamma(outputs + 2) * alpha, 3 * outputs
    )
    beta = up(np.sum(u * u, axis=1), outputs)
    e_beta = up(np.sum(2 * u * e_u + e_u * e_u, axis=1) + gamma(outputs + 2) * beta, 3 * outputs)
    pair = up(np.einsum("eai,ebi->eab", u, u, optimize=False), n)
    one_sided = up(np.einsum("eai,ebi->eab", u + e_u, e_u, optimize=False), n)
    e_pair = up(one_sided + one_sided.transpose(0, 2, 1) + gamma(n + 2) * pair)
    largest = up(
        np.sum(4 * k2 * alpha * alpha + 4 * k3 * alpha * beta + k4 * beta * beta, axis=1)
        + 2 * k2 * k2 * np.sum(pair * pair, axis=(1, 2)),
        6 * (n + outputs * outputs),
    )
    off = up(
        np.sum(
            4 * k2 * (2 * alpha + e_alpha) * e_alpha
            + 4 * k3 * (alpha * e_beta + beta * e_alpha + e_alpha * e_beta)
            + k4 * (2 * beta + e_beta) * e_beta,
            axis=1,
        )
        + 2 * k2 * k2 * np.sum((2 * pair + e_pair) * e_pair, axis=(1, 2))
        + gamma(2 * n + outputs * outputs + 20) * largest,
        12 * (n + outputs * outputs),
    )
    products = 8 * (n + outputs * outputs) * (1 + k2) * (1 + k2 + k3 + k4)
    lost = ETA * up(products * (1 + np.max(alpha, axis=1) + np.max(beta, axis=1) + np.max(pair, axis=(1, 2))) ** 2)
    e_spread = up(off + lost + tree_error(largest, largest, levels))

    noise = up(k2 * np.sum(u * u, axis=2), n)
    e_noise = up(k2 * np.sum(2 * u * e_u + e_u * e_u, axis=2) + gamma(n + 4) * noise + (n + 2) * ETA * (1 + k2), 3 * n)
    reach = up(np.sum(r * r + noise, axis=1) + square_pivot, outputs)
    e_t = up(np.sum(2 * r * e_r + e_r * e_r + e_noise + ETA, axis=1) + gamma(2 * outputs + 2) * reach, 3 * outputs)
    e_second = square_error(second, e_t, reach, levels)
    rms = root(up(second + _tiny(levels, reach * reach)))
    e_first = up(e_t + 2 * UNIT * rms + tree_error(rms, reach, levels), 3)
    value = np.maximum(spread + second - first * first, 0.0)
    bulk = up(np.abs(spread) + second + first * first)
    error = up(e_spread + e_second + 2 * np.abs(first) * e_first + e_first * e_first + gamma(4) * bulk + 2 * ETA, 6)
    return Bounded(value, error)


def total(probabilities: tuple[Fraction, ...], shares: Bounded) -> tuple[float, float]:
    """Return Σ_i P_i v_i over the examples (v of shape (m,)), summed without further rounding, and a bound."""
    p = np.array([rounded(v, "data") for v in probabilities])
    products = p * shares.value
    value = math.fsum(products.tolist())
    m = len(p)
    sizes = float(up(np.sum(np.abs(products)), m))
    largest = float(np.max(np.abs(shares.value) + shares.error))
    error = float(up(np.sum(p * (1 + 4 * UNIT) * shares.error), m)) + 4 * UNIT * sizes + m * ETA * (2 + 2 * largest)
    return value, float(up(error))
