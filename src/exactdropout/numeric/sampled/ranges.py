"""What holds for every mask: ranges of the outputs, and what float64 can lose, example by example.

Two enclosures of each layer run side by side and tighten each other: an interval for every unit, and a ball,
‖h − c‖₂ ≤ ρ, whose radius grows with the spectral norm of the weights. docs/estimates.md derives them.
Every bound is a float expression of non-negative terms, multiplied by what its rounding may have taken away.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import LARGEST, SLACK, gamma
from exactdropout.numeric.float64.problem import UNIT, Problem, out_of_range
from exactdropout.numeric.sampled.blas import one_blas_thread

__all__ = ["NEAR", "SHORTER_SUMS", "TINY", "Ranges", "Reaches", "ranges_of", "reaches_of", "spectral_norm", "up"]

NEAR = 1 + 2.0**-48
"""Covers a few roundings."""

TINY = 2.0**-900
"""Stands for η, what a product may lose to underflow: larger, so that no array fills with slow subnormal numbers."""

SQUARINGS = 7
"""‖A‖ ≤ ‖(AᵀA)^64‖_F^(1/128): at most 2 % above the spectral norm for 100 columns."""

ROWS = 256
"""Examples that are taken at a time: arrays that stay in a cache."""

SHORTER_SUMS = 16
"""A sum of n terms and a bias passes at most n + 16 roundings, in the order of the kernel and in that of a BLAS."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """For each example, over all masks: bounds of the three quantities that are sampled.

    ``low`` ≤ f ≤ ``high`` are the outputs before the last mask, of shape (m, outputs); ``most_error`` ≥ X and
    ``most_spread`` ≥ Σ_o V_o as :mod:`exactdropout.numeric.sampled.visit` defines them, ``most_row_spread`` ≥ V_o for
    each output. ``wrong_*`` bound what float64 computes wrongly, |X̂ − X|, |V̂ − V| and |f̂ − f|.
    """

    low: Array
    high: Array
    most_error: Array
    most_spread: Array
    most_row_spread: Array
    wrong_error: Array
    wrong_spread: Array
    wrong_row_spread: Array
    wrong_output: Array


@dataclass(frozen=True, kw_only=True)
class Reaches:
    """For each row, over all masks, what the forward pass can reach; each bounds the computed numbers too.

    ``sizes[l]`` ≥ |h| of layer l, inputs first, and ``wrong[l]`` ≥ |ĥ − h|; ``wrong_sums[l]`` ≥ |ẑ − z| of the hidden
    units that layer l feeds; ``away`` ≥ |f_o − y_o|, ``length`` ≥ ‖f − y‖, and ``wrong_away`` ≥ |(f̂ − ŷ) − (f − y)|.
    """

    sizes: tuple[Array, ...]
    wrong: tuple[Array, ...]
    wrong_sums: tuple[Array, ...]
    away: Array
    length: Array
    wrong_away: Array


def reaches_of(problem: Problem, *, threads: int = 1) -> Reaches:
    """Return what :func:`ranges_of` finds on its way.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    constants = [_constants(w) for w in problem.weights]

    def of_rows(part: Problem) -> tuple[Ranges, list[tuple[Array, Array, Array]]]:
        layers: list[tuple[Array, Array, Array]] = []
        return _of_rows(part, constants, dropout=True, flipped=(), layers=layers), layers

    found, layers = zip(*_by_slices(problem, of_rows, threads), strict=True)
    low, high, error, most = (
        np.concatenate([getattr(f, name) for f in found]) for name in ("low", "high", "wrong_output", "most_error")
    )
    sizes, wrong, wrong_sums = (
        tuple(np.concatenate(parts) for parts in zip(*[[entry[k] for entry in one] for one in layers], strict=True))
        for k in range(3)
    )
    far = np.maximum(np.abs(low - problem.labels), np.abs(high - problem.labels)) * NEAR + problem.label_errors
    off = up(error + problem.label_errors + 4 * UNIT * (far + np.abs(problem.labels)), 2)
    return Reaches(
        sizes=sizes, wrong=wrong, wrong_sums=wrong_sums[:-1], away=up(far + off),
        length=up(np.sqrt(most) * NEAR + _norm(off), problem.outputs), wrong_away=off,
    )  # fmt: skip


_T = TypeVar("_T")


def _by_slices(problem: Problem, function: Callable[[Problem], _T], threads: int) -> list[_T]:
    """Return what a function gives for each slice of rows: the same for any number of threads."""

    def quietly(at: int) -> _T:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            return function(_part(problem, slice(at, at + ROWS)))

    starts = range(0, problem.examples, ROWS)
    with one_blas_thread():
        if threads == 1 or len(starts) == 1:
            return [quietly(at) for at in starts]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(quietly, starts))


def _part(problem: Problem, rows: slice) -> Problem:
    return replace(
        problem, inputs=problem.inputs[rows], input_errors=problem.input_errors[rows], labels=problem.labels[rows],
        label_errors=problem.label_errors[rows], memo={},
    )  # fmt: skip


def ranges_of(problem: Problem, *, dropout: bool = True, flipped: tuple[int, ...] = (), threads: int = 1) -> Ranges:
    """Return bounds for every mask, or (no dropout) for the network itself.

    X and V are means over the masks of a draw, all combinations of a mask and its complement in the layers ``flipped``,
    where q = 1/2. Cost: three matrix products for each layer (two for the first), of m rows.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    constants = [_constants(w) for w in problem.weights]
    parts = _by_slices(problem, lambda part: _of_rows(part, constants, dropout=dropout, flipped=flipped), threads)
    found = Ranges(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Ranges)})
    if not all(np.all(values < LARGEST) for values in (found.most_error, found.most_spread, found.wrong_error)):
        raise out_of_range("network")
    return found


def up(value: Any, terms: int = 1) -> Any:
    """Return an upper bound of what a float expression of non-negative terms with so many products is exactly."""
    return value * SLACK + (terms + 2) * TINY


@dataclass(frozen=True)
class _Constants:
    """Of the weights of one layer: bounds of ‖W‖ and of the ‖W_j‖, Σ|W_ji| for each j, and |W|ᵀ."""

    norm: float
    lengths: Array
    sums: Array
    absolute: Array


def _constants(weights: Array) -> _Constants:
    absolute = np.ascontiguousarray(np.abs(weights).T)
    lengths = up(_norm(weights), weights.shape[1])
    return _Constants(spectral_norm(weights), lengths, absolute.sum(axis=0), absolute)


def _of_rows(
    problem: Problem,
    constants: list[_Constants],
    *,
    dropout: bool,
    flipped: tuple[int, ...],
    layers: list[tuple[Array, Array, Array]] | None = None,
) -> Ranges:
    slack = np.abs(problem.inputs) * 2 * UNIT + TINY
    error = problem.input_errors
    low, high = problem.inputs - error - slack, problem.inputs + error + slack
    centre, radius = problem.inputs, up(_norm(error))
    last = len(problem.weights) - 1
    mean = radius  # the root mean square, over the masks of a draw, of what radius bounds for each
    for l in range(last + 1):
        masked = dropout and l < last and problem.rates[l] > 0
        scale = problem.inverse_keep[l] * NEAR if masked else 1.0
        before, size, off = radius, np.maximum(-low, high) + error, error
        if masked:
            low, high = np.minimum(low, 0.0) * scale - TINY, np.maximum(high, 0.0) * scale + TINY
            length, lost = up(_norm(centre)), TINY * low.shape[1]
            radius = up(scale * radius + 0.5 * scale * NEAR * length + lost)
            each = up(scale * mean + 0.5 * scale * NEAR * length + lost)
            mean = np.minimum(each, _flipped_mean(mean, length) + lost) if l in flipped else each
            centre = centre * (0.5 * problem.inverse_keep[l])
        if l == last:
            hidden = low, high, centre, radius, error
            mean_hidden = np.minimum(mean, radius)
        low, high, centre, radius, error = _layer(
            problem, l, constants[l], low, high, centre, radius, scale * error, dropout=dropout
        )
        if not np.all(np.maximum(-low, high) + error < LARGEST):
            raise out_of_range("network")
        if layers is not None:
            layers.append((size, off, error))
        mean = np.minimum(radius, up(constants[l].norm * mean + _norm(error), error.shape[1]))
        first = l == problem.first and l in flipped
        if first:
            error = up(4 * error)  # the complement's: what both give together, less what the mask gives
        if l < last:
            z, wide, off = centre, radius, up(constants[l].norm * before + _norm(error))
            low, high, centre, radius, mean, error = _activated(problem, l, low, high, centre, radius, mean, error)
            if first and problem.slopes[l] == 0.0 and problem.slope_errors[l] == 0.0:
                mean = np.minimum(mean, _both(z, wide, off))
    balls = mean_hidden, mean
    return _quantities(problem, low, high, centre, radius, error, hidden, balls, dropout=dropout)


def _flipped_mean(mean: Array, length: Array) -> Array:
    """Return a bound of the root mean square of ‖r∘2h − c‖ over r, 1 − r and h, where that of ‖h − c‖ is at most mean.

    ‖c‖ ≤ length. Component by component ((2h − c)² + c²)/2 = (h − c)² + h².
    """
    return np.asarray(up(np.sqrt(up(mean**2 + up(length + mean) ** 2)) * NEAR))


def _both(centre: Array, radius: Array, off: Array) -> Array:
    """Return a bound of √((‖h − c‖² + ‖h′ − c‖²)/2) of a mask and its complement, where c = relu(centre).

    Their pre-activations are a ± d with ‖d‖ ≤ radius and ‖a − centre‖ ≤ off. Component by component
    (relu(c + d) − relu(c))² + (relu(c − d) − relu(c))² ≤ d² + min(d², relu(c)²).
    """
    squares = up(radius**2)
    larger = np.minimum(squares, up(_norm(np.maximum(centre, 0.0)) ** 2, centre.shape[1]))
    return np.asarray(up(np.sqrt(0.5 * (squares + larger)) * NEAR + off, 2))


def _layer(
    problem: Problem,
    l: int,
    of: _Constants,
    low: Array,
    high: Array,
    centre: Array,
    radius: Array,
    error: Array,
    *,
    dropout: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Return the same for z = W h + b: interval, centre, radius of the ball, error of what the kernel computes."""
    weights, bias = problem.weights[l], problem.biases[l]
    above, n = weights.shape
    lengths = of.lengths
    rounding = gamma(n + SHORTER_SUMS)
    lost = TINY * up(n + 2 + of.sums, n)
    largest = up(_norm(np.maximum(-low, high) + error), n)[:, None]
    off = up(rounding * (lengths * largest + np.abs(bias)) + lost, 2)  # ≥ γ(|b| + Σ|W||h|), of exact and computed h
    tight = centre @ weights.T + bias
    by_ball = up(lengths * radius[:, None] + off, 2)
    if dropout:
        middle = 0.5 * low + 0.5 * high if l else centre  # of inputs the centre is the middle, but for rounding
        half = np.maximum(high - middle, middle - low) * NEAR + TINY
        z, reach = middle @ weights.T + bias if l else tight, up(half @ of.absolute + off, n)
        low = np.maximum(_down(z, reach), _down(tight, by_ball))
        high = np.minimum(_above(z, reach), _above(tight, by_ball))
    else:
        low, high = _down(tight, by_ball), _above(tight, by_ball)
    wide = up(of.norm * radius + _norm(off), above)
    radius = np.minimum(wide, up(_norm(np.maximum(high - tight, tight - low) * NEAR), above))
    wrong = up(lengths * up(_norm(error), n)[:, None] + off, 2)
    return low, high, tight, radius, wrong


def _activated(
    problem: Problem, l: int, low: Array, high: Array, centre: Array, radius: Array, mean: Array, error: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return the same, and the mean radius, for φ(z), z for z > 0 and slope·z otherwise."""
    slope, uncertain = problem.slopes[l], problem.slope_errors[l] + 4 * UNIT * abs(problem.slopes[l])
    inexact = uncertain if problem.slope_errors[l] or slope not in (0.0, 1.0) else 0.0
    steepness = max(1.0, (abs(slope) + inexact) * NEAR)
    size = np.maximum(-low, high)
    off = inexact * size + (4 * TINY * (1 + size) if inexact else 0.0)

    def activated(z: Array) -> Array:
        return np.where(z > 0, z, slope * z)

    ends = activated(low), activated(high)
    inside = (low < 0) & (high > 0)
    least = np.where(inside, np.minimum(np.minimum(*ends), 0.0), np.minimum(*ends)) - off
    most = np.where(inside, np.maximum(np.maximum(*ends), 0.0), np.maximum(*ends)) + off
    lost = _norm(inexact * np.abs(centre) + (4 * TINY * (1 + np.abs(centre)) if inexact else 0.0))
    n = low.shape[1]
    radius, mean, error = (up(steepness * v + o, n) for v, o in ((radius, lost), (mean, lost), (error, off)))
    return least, most, activated(centre), radius, mean, error


def _quantities(
    problem: Problem,
    low: Array,
    high: Array,
    centre: Array,
    radius: Array,
    error: Array,
    hidden: tuple[Array, Array, Array, Array, Array],
    balls: tuple[Array, Array],
    *,
    dropout: bool,
) -> Ranges:
    """Return the bounds of X, V and F; ``balls`` are the mean radii for X and V, around the same centres."""
    labels = problem.labels
    outputs, n = problem.weights[-1].shape
    largest = np.maximum(np.abs(low - labels), np.abs(high - labels)) * NEAR + problem.label_errors
    by_interval = up((largest**2).sum(axis=1), outputs)
    off_centre = _norm(np.abs(centre - labels) * NEAR + problem.label_errors)
    squares = np.minimum(by_interval, up(up(off_centre + radius, outputs) ** 2))
    mean_squares = np.minimum(squares, up(up(off_centre + balls[1], outputs) ** 2))
    wide = np.minimum(up(2 * radius), up(_norm((high - low) * NEAR), outputs))

    noises, mean_noises, wrong_noise = np.zeros(len(low)), np.zeros(len(low)), np.zeros(len(low))
    row_noises, wrong_row_noise = np.zeros(low.shape), np.zeros(low.shape)
    if dropout and problem.rates[-1] > 0:
        below, above, middle, ball, wrong = hidden
        shares = problem.cumulants[0] * up((problem.weights[-1] ** 2).sum(axis=0), outputs + 1)
        sizes = np.maximum(-below, above) + wrong
        by_interval = up((sizes**2) @ shares, n)
        length, widest = np.sqrt((middle**2) @ shares) * NEAR, np.sqrt(shares.max()) * NEAR
        noises = np.minimum(by_interval, up((length + widest * ball) ** 2, n))
        mean_noises = np.minimum(noises, up((length + widest * balls[0]) ** 2, n))
        doubled = 2 * ((sizes * wrong) @ shares) + (wrong**2) @ shares
        wrong_noise = up(doubled + gamma(n + outputs + SHORTER_SUMS) * up((sizes**2) @ shares, n), 2 * n)
        shares = problem.cumulants[0] * up(problem.weights[-1].T ** 2)
        row_noises = up((sizes**2) @ shares, n)
        doubled = 2 * ((sizes * wrong) @ shares) + (wrong**2) @ shares
        wrong_row_noise = up(doubled + gamma(n + SHORTER_SUMS) * row_noises, 2 * n)

    off = up(_norm(error + problem.label_errors + 4 * UNIT * (largest + np.abs(labels))), outputs)
    length = up(np.sqrt(squares))
    rounding = gamma(outputs + SHORTER_SUMS)
    wrong_error = up((2 * length + off) * off + wrong_noise + rounding * (squares + off**2 + noises), 4 * (n + outputs))
    apart = up(_norm(error + 4 * UNIT * (np.maximum(-low, high) + error)), outputs)
    wrong_spread = up(
        (2 * wide + 2 * apart) * apart + wrong_noise + rounding * (wide**2 + apart**2 + noises), 4 * (n + outputs)
    )
    row_wide = np.minimum(up(2 * radius)[:, None], up((high - low) * NEAR))
    mean_wide, mean_row_wide = np.minimum(wide, up(2 * balls[1])), np.minimum(row_wide, up(2 * balls[1])[:, None])
    row_apart = up(error + 4 * UNIT * (np.maximum(-low, high) + error))
    wrong_row_spread = up(
        (2 * row_wide + 2 * row_apart) * row_apart + wrong_row_noise
        + gamma(SHORTER_SUMS) * (row_wide**2 + row_apart**2 + row_noises), 8,
    )  # fmt: skip
    return Ranges(
        low=low,
        high=high,
        most_error=up(mean_squares + mean_noises),
        most_spread=up(0.5 * mean_wide**2 + mean_noises),
        most_row_spread=up(0.5 * mean_row_wide**2 + row_noises),
        wrong_error=wrong_error,
        wrong_spread=wrong_spread,
        wrong_row_spread=wrong_row_spread,
        wrong_output=up(error + 8 * UNIT * (np.maximum(-low, high) + error), 2),
    )


def _norm(values: Array) -> Any:
    """Return the Euclidean norm of each row; up to rounding, which ``up`` covers. Entries are at most 2¹⁰⁰⁰."""
    scale = float(np.max(np.abs(values), initial=0.0))
    if scale == 0.0:
        return np.zeros(values.shape[:-1])
    scaled = values / scale
    return scale * (np.sqrt((scaled * scaled).sum(axis=-1)) * NEAR + 2.0**-500)  # squares below 2⁻¹⁰²² may be lost


def _down(value: Array, reach: Array) -> Array:
    """Return at most value − reach."""
    return value - reach - (2 * UNIT * (np.abs(value) + reach) + TINY)


def _above(value: Array, reach: Array) -> Array:
    """Return at least value + reach."""
    return value + reach + (2 * UNIT * (np.abs(value) + reach) + TINY)


def spectral_norm(matrix: Array) -> float:
    """Return an upper bound of ‖A‖₂, proved: ‖G‖² = ‖GᵀG‖ ≤ ‖fl(GᵀG)‖ + γ_n ‖G‖_F², step by step, and ‖G‖ ≤ ‖G‖_F.

    >>> 5 <= spectral_norm(np.array([[3.0, 0.0], [4.0, 0.0]])) < 5.0001
    True
    """
    g = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    steps = []
    for _ in range(SQUARINGS):
        largest = float(np.abs(g).max())
        if largest == 0.0:
            break
        scale = 2.0 ** float(np.floor(np.log2(largest)))
        g = g / scale  # exact but for underflow, which the slack of ``up`` covers: an entry is at least 1
        square = float((g * g).sum())
        steps.append((scale, up(gamma(g.shape[0] + 2) * up(square, g.size))))
        g = g.T @ g
    norm = up(float(np.sqrt((g * g).sum())), g.size)
    for scale, lost in reversed(steps):
        norm = scale * up(float(np.sqrt(norm + lost)) * NEAR)
    return float(up(norm))
