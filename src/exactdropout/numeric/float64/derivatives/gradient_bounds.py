"""The error bound of the float64 gradient; docs/error-bounds.md, step 8, derives it.

Away from kinks the gradient is a smooth function of the hidden values, and its rounding errors propagate backwards
like those of the values forwards. Masks for which the sign of some pre-activation is uncertain ("in doubt") count
with their probability times twice the largest possible gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import LARGEST, Magnitudes, gamma, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem, out_of_range

__all__ = ["gradient_bound"]


def gradient_bound(problem: Problem, magnitudes: Magnitudes, doubt: Array, probabilities: Array) -> float:
    """Return a bound of the error of every entry of ∂J_D/∂W.

    ``doubt`` is, for each example, the computed probability of a mask with an uncertain sign. Sizes and errors are
    taken at their largest over masks, and entries at their largest over a layer.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        shares = _shares(problem, magnitudes, doubt)
        size, error = (np.max(np.stack(column), axis=0) for column in zip(*shares, strict=True))
        m = len(probabilities)
        p = probabilities * (1 + 4 * UNIT) + ETA
        total = up(np.sum(up(p * error)), m) + up(gamma(m + 6) * up(np.sum(up(p * size)), m))
    if not np.isfinite(total) or not np.all(size < LARGEST):
        raise out_of_range("network")
    return float(up(total))


def _widest(array: Array) -> Array:
    result: Array = np.max(array, axis=1)
    return result


def _shares(problem: Problem, magnitudes: Magnitudes, doubt: Array) -> list[tuple[Array, Array]]:
    """Return size and error of the entries of each layer's ∂W and ∂b, at their largest, for each example."""
    outputs = problem.outputs
    w = np.abs(problem.weights[-1])
    kappa = float(problem.cumulants[0]) * (1 + 4 * UNIT) + ETA
    levels = problem.levels
    chance = np.where(doubt > 0, np.minimum(1.0, up(doubt + (levels + 2) * ETA * 4) * (1 + gamma(4 * levels + 4))), 0.0)
    s, e = magnitudes.hidden_size, magnitudes.hidden_error
    r = up(magnitudes.output_size + np.abs(problem.labels) + problem.label_errors)
    e_r = up(magnitudes.output_error + problem.label_errors + 2 * UNIT * r + ETA)
    shares: list[tuple[Array, Array]] = []
    scale = 1.0  # 1 over the probability that the units of a path are kept: what they are conditioned on

    def add(size: Any, error: Any) -> None:
        folded = up(error + gamma(4 * levels + 4) * size + (levels + 4) * ETA * (2 + 2 * size), 4)
        shares.append((size, up(folded + 2 * up(np.minimum(1.0, chance * scale) * size), 2)))

    heaviest = np.max(w)
    s_top, e_top, r_top, e_r_top = _widest(s), _widest(e), _widest(r), _widest(e_r)
    noise = up(2 * kappa * up(heaviest * s_top))
    size = up(2 * r_top * s_top + noise * s_top, 2)
    error = (
        2 * up(r_top * e_top + e_r_top * (s_top + e_top), 2) + up(2 * kappa * heaviest) * (2 * s_top + e_top) * e_top
    )
    add(size, up(error + gamma(12) * size + 6 * ETA * (1 + kappa) * (1 + s_top), 6))
    add(2 * r_top, 2 * e_r_top)

    back = up(2 * np.einsum("eo,oi->ei", r, w, optimize=False) + 2 * kappa * up(np.sum(w * w, axis=0)) * s, outputs + 2)
    e_back = up(
        2 * np.einsum("eo,oi->ei", e_r, w, optimize=False)
        + 2 * kappa * up(np.sum(w * w, axis=0)) * e
        + gamma(2 * outputs + 10) * back
        + ETA * up(8 * outputs * (1 + kappa) * (1 + s) * (1 + np.max(w)), 3),
        outputs + 4,
    )
    for l in reversed(range(len(problem.weights) - 1)):
        weights = np.abs(problem.weights[l])
        slope = abs(problem.slopes[l])
        steepness = max(1.0, slope * (1 + 2.0**-30))
        delta = up(steepness * back)
        rounding = problem.slope_errors[l] + (0.0 if slope in (0.0, 1.0) else 2 * UNIT * slope)
        e_delta = up(steepness * e_back + rounding * back + (0.0 if slope in (0.0, 1.0) else 2 * ETA), 2)
        e_kept = up(e_delta + gamma(4 * weights.shape[1] + 4) * delta + weights.shape[1] * ETA * (2 + 2 * delta), 3)
        s, e = magnitudes.sizes[l], magnitudes.errors[l]
        scale = up(scale * (1.0 if problem.rates[l] == 0 else problem.inverse_keep[l] * (1 + 4 * UNIT)))
        d_top, e_d_top, s_top, e_top = _widest(delta), _widest(e_kept), _widest(s), _widest(e)
        size = up(d_top * s_top)
        add(size, up(e_d_top * (s_top + e_top) + d_top * e_top + 2 * UNIT * size + ETA, 3))
        add(d_top, e_d_top)
        back = up(np.einsum("ej,ji->ei", delta, weights, optimize=False), weights.shape[0])
        e_back = up(
            np.einsum("ej,ji->ei", e_kept, weights, optimize=False) + gamma(weights.shape[0] + 4) * back,
            2 * weights.shape[0],
        )
    return shares
