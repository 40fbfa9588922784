"""The strategy ``meet``: meet in the middle, for the last walked layer, in about n² 2^(k/2) k steps instead of n 2^k.

The outputs' second moments need E h_i and E h_i h_j only, with h = max(z, 0): the first and the diagonal come from one
scan of each unit's points, the others pair by pair. Layers that are walked before it are walked mask by mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.bounds import Magnitudes, gamma, layer_magnitudes, root, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.float64.strategies.meet_outer import FEW_UNITS, MOST_OUTER, outer_moments, sampled_leaves
from exactdropout.numeric.float64.strategies.meet_points import (
    STEP_POINTS,
    MetPair,
    MetUnit,
    mask_weights,
    pairs_of,
    ramps,
    release,
)
from exactdropout.numeric.float64.strategy import Folded
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work, thread_count
from exactdropout.progress import Progress

__all__ = ["estimate", "refusal", "run"]

MOST_BITS = 56

UNIT_ROUNDINGS = 1088
PAIR_ROUNDINGS = 4608
"""Roundings of each term, docs/error-bounds.md, step 10; 2·512 and 4096 of them in uncompensated blocks."""


def refusal(problem: Problem, moments: int) -> str | None:
    """The last walked layer feeds the last hidden layer; second moments; few masks outside it."""
    layer = len(problem.weights) - 2
    if problem.first > layer or problem.rates[layer] == 0:
        return "the droppable layer before the last hidden layer must have a rate above 0"
    if moments == 4:
        return "it computes second moments only"
    if problem.first < layer:
        leaves = sampled_leaves(problem)
        if sum(weight for weight, _ in leaves) > MOST_OUTER * problem.examples:
            return f"it keeps the vectors of at most {MOST_OUTER} masks outside the last walked layer"
        most = max(active for _, active in leaves)
    else:
        most = int(np.count_nonzero(problem.hidden(layer), axis=1).max())
    return f"more than {MOST_BITS} units are active" if most > MOST_BITS else None


def active_columns(problem: Problem) -> tuple[Array, Array]:
    """Return W_ji·(h_i/p) of the active units of each example, shape (m, most active, units below), and their counts.

    Rows beyond an example's count are 0.
    """
    start = problem.hidden(problem.first)
    counts = np.count_nonzero(start, axis=1)
    most = int(counts.max())
    order = np.argsort(start == 0, axis=1, kind="stable")[:, :most]
    scaled = np.take_along_axis(start, order, axis=1) * problem.inverse_keep[problem.first]
    columns = problem.weights[problem.first].T[order] * scaled[:, :, None]
    return columns, counts.astype(np.int64)


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the points of both lists over all pairs; one costs 35 to 120 ns as the orders leave the caches."""
    layer = len(problem.weights) - 2
    width, count = len(ramps(problem)[1]), len(pairs_of(problem))
    outer = problem.first < layer
    if outer:
        leaves = sampled_leaves(problem)
    else:
        leaves = [(1.0, k) for k in np.count_nonzero(problem.hidden(layer), axis=1).tolist()]
    visited = cost = memory = 0.0
    for weight, k in leaves:
        size = 2.0 ** ((k + 1) // 2) + 2.0 ** (k // 2)
        pairs = float(count)
        if outer and k <= FEW_UNITS:
            visited += weight * 2.0**k
            cost += weight * (1e5 + 2.0**k * width * (20.0 + 2.0 * width))
            continue
        visited += weight * size * max(1.0, pairs)
        beyond = max(0, k - 42)  # ranks lie in memory
        pair, unit = 35.0 + 1.2 * max(0, k - 24) + 5.0 * beyond, 25.0 + 1.0 * max(0, k - 30) + 8.0 * beyond
        cost += weight * (size * (pairs * pair + width * unit) + 2e5 + 9e4 * width + 5e4 * pairs)
        memory = max(memory, size * (8.0 * width + 16.0 * thread_count(None)) + 1e6)
    if outer:
        memory = memory * thread_count(None) + 8.0 * problem.widths[layer] * sum(weight for weight, _ in leaves)
    return Estimate(visited=visited, cost=cost + 1e6, memory=memory)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """E h_i and E h_i h_j of one example, with bounds of their errors."""

    mean: Array
    e_mean: Array
    second: Array
    e_second: Array


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Compute E h_i and E h_i h_j of each example, and from them the moments of the outputs."""
    magnitudes = layer_magnitudes(problem, dropout=True)
    values, errors = [], []
    try:
        for e in range(problem.examples):
            told = replace(runner, progress=_share(runner.progress, e, problem.examples))
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by per_example
                found = _moments(problem, magnitudes, e, told)
                value, error = _outputs(problem, reference, magnitudes, found, e)
            values.append(value)
            errors.append(error)
    finally:
        release()
    return Folded(moments=np.array(values), levels=0, errors=np.array(errors))


def _share(progress: Progress | None, example: int, examples: int) -> Progress | None:
    """Return the progress of one example as a part of that of all."""
    if progress is None:
        return None
    told = progress
    return lambda done, total: told(example * total + done, examples * total)


def _moments(problem: Problem, magnitudes: Magnitudes, example: int, runner: Runner) -> Moments:
    """Return the moments of all units of one example; equal units are taken once."""
    layer = len(problem.weights) - 2
    kept, groups = problem.equal_units[layer]
    if problem.first < layer:
        own, second, more = outer_moments(problem, example, runner)
    else:
        columns, counts = active_columns(problem)
        own, second = _pairs(problem, columns[example, : int(counts[example])], runner)
        more = 0
    copies = len(own) // len(kept)
    sizes = up(own[:, 2:] * 1.01)
    wrong = np.tile(2 * magnitudes.wrongs[layer][example][kept], copies)
    reach = np.tile(up(magnitudes.sizes[-1][example][kept]), copies)
    lost = 32 * ETA * 2.0 ** (MOST_BITS + MOST_OUTER.bit_length())
    e_mean = up(wrong + gamma(UNIT_ROUNDINGS + more) * sizes[:, 0] + lost * (1 + reach), 3)
    extent = root(sizes[:, 1])
    rounding = gamma(PAIR_ROUNDINGS + more) * extent[:, None] * extent[None, :]
    np.fill_diagonal(rounding, gamma(UNIT_ROUNDINGS + more) * sizes[:, 1])
    rms = root(up(np.maximum(own[:, 1], 0.0) + gamma(UNIT_ROUNDINGS + more) * sizes[:, 1] + lost * (1 + reach) ** 2, 4))
    across = wrong[:, None] * rms[None, :] + rms[:, None] * wrong[None, :] + 3 * wrong[:, None] * wrong[None, :]
    e_second = up(rounding + across + lost * (1 + reach[:, None]) * (1 + reach[None, :]), 8)
    found = Moments(mean=np.maximum(own[:, 0], 0.0), e_mean=e_mean, second=np.maximum(second, 0.0), e_second=e_second)
    if copies == 2:
        found = _leaning(found, problem.slopes[layer], problem.slope_errors[layer])
    everywhere = np.ix_(groups, groups)
    return Moments(
        mean=found.mean[groups],
        e_mean=found.e_mean[groups],
        second=found.second[everywhere],
        e_second=found.e_second[everywhere],
    )


def _leaning(ramp: Moments, slope: float, off: float) -> Moments:
    """Return the moments of φ(z) = max(z, 0) − slope·max(−z, 0) from both ramps'; ``off`` bounds the slope's error."""
    n = len(ramp.mean) // 2
    steep, off = abs(slope), off + 4 * UNIT * abs(slope)
    front, back = slice(0, n), slice(n, 2 * n)
    opposite = np.arange(n)
    second, e_second = ramp.second.copy(), ramp.e_second.copy()
    for part in (second, e_second):  # max(z, 0)·max(−z, 0) = 0
        part[opposite, opposite + n] = part[opposite + n, opposite] = 0.0
    size_mean = up(ramp.mean + ramp.e_mean)
    size = up(second + e_second)
    mixed = second[front, back] + second[back, front]
    e_mixed = up(e_second[front, back] + e_second[back, front])
    size_mixed = up(size[front, back] + size[back, front])
    value = second[front, front] - slope * mixed + slope * slope * second[back, back]
    error = up(
        e_second[front, front]
        + steep * e_mixed
        + steep * steep * e_second[back, back]
        + off * size_mixed
        + off * (2 * steep + off) * size[back, back]
        + gamma(6) * (size[front, front] + steep * size_mixed + steep * steep * size[back, back])
        + 8 * ETA * (1 + steep),
        12,
    )
    mean = ramp.mean[front] - slope * ramp.mean[back]
    e_mean = up(
        ramp.e_mean[front]
        + steep * ramp.e_mean[back]
        + off * size_mean[back]
        + gamma(3) * (size_mean[front] + steep * size_mean[back])
        + 4 * ETA,
        6,
    )
    return Moments(mean=mean, e_mean=e_mean, second=value, e_second=error)


def _pairs(problem: Problem, columns: Array, runner: Runner) -> tuple[Array, Array]:
    """Return the moments and sizes of :class:`MetUnit` and E h_i h_j for one set of active columns."""
    layer = problem.first
    base = ramps(problem)[1]
    bits, n = len(columns), len(base)
    kept = problem.equal_units[layer][0]
    signs = np.repeat([1.0, -1.0], len(kept))[:n]
    cut = (bits + 1) // 2
    payload = {
        "columns": np.ascontiguousarray(columns[:, np.resize(kept, n)] * signs),
        "base": base,
        "weights": mask_weights(problem.rates[layer], cut, bits - cut),
        "stretch": STEP_POINTS,
    }
    pairs = pairs_of(problem)
    whole = n + 2 * len(pairs)

    def part(before: int) -> Runner:
        told = runner.progress
        return runner if told is None else replace(runner, progress=lambda done, _: told(before + done, whole))

    units = tuple((i,) for i in range(n))
    work = Work(name="meet units", begin=MetUnit, payload=payload, chunks=units, weights=(1,) * n)
    own = np.array(part(0).run(work))
    work = Work(name="meet pairs", begin=MetPair, payload=payload, chunks=pairs, weights=(2,) * len(pairs))
    second = np.diag(own[:, 1])
    for (i, j), value in zip(pairs, part(n).run(work), strict=True):
        second[i, j] = second[j, i] = value[0]
    return own, second


def _outputs(
    problem: Problem,
    reference: Reference,
    magnitudes: Magnitudes,
    found: Moments,
    example: int,
) -> tuple[Array, Array]:
    """Return g, g², v, r² of every output and their errors, from the moments of the hidden units."""
    mean, e_mean, second, e_second = found.mean, found.e_mean, found.second, found.e_second
    n = len(mean)
    kappa = float(problem.cumulants[0])
    values, errors = [], []
    for o in range(problem.outputs):
        w, w_abs = problem.weights[-1][o], np.abs(problem.weights[-1][o])
        pairs = np.einsum("i,ij,j->", w, second, w)
        bulk = up(np.einsum("i,ij,j->", w_abs, np.abs(second), w_abs), n * n)
        e_pairs = up(
            np.einsum("i,ij,j->", w_abs, e_second, w_abs)
            + gamma(n * n + 8) * bulk
            + n * n * ETA * (2 + 2 * np.max(w_abs)),
            3 * n * n,
        )
        line = float(np.einsum("i,i->", w, mean))
        line_bulk = up(np.einsum("i,i->", w_abs, np.abs(mean)), n)
        e_line = up(np.einsum("i,i->", w_abs, e_mean) + gamma(n + 2) * line_bulk + n * ETA, 2 * n)
        for shift, e_shift, kind in (
            (problem.biases[-1][o] - reference.output.value[example, o], 0.0, "g"),
            (problem.biases[-1][o] - problem.labels[example, o], float(problem.label_errors[example, o]), "r"),
        ):
            off = up(e_shift + UNIT * abs(shift))
            first = line + shift
            e_first = up(e_line + off + UNIT * abs(first))
            square = pairs + 2 * shift * line + shift * shift
            e_square = up(
                e_pairs
                + 2 * (abs(shift) * e_line + off * (abs(line) + e_line))
                + (2 * abs(shift) + off) * off
                + gamma(6) * up(bulk + 2 * abs(shift) * line_bulk + shift * shift, 3)
                + 4 * ETA,
                6,
            )
            if kind == "g":
                values += [first, max(square, 0.0)]
                errors += [e_first, e_square]
            else:
                weights = w * w
                diagonal = np.maximum(np.diag(second), 0.0)
                noise = kappa * float(np.einsum("i,i->", weights, diagonal))
                values += [noise, max(square, 0.0)]
                reach = np.max(magnitudes.sizes[-1][example]) ** 2
                e_noise = up(
                    kappa * (1 + 4 * UNIT) * up(np.einsum("i,i->", up(weights), np.diag(e_second)), n)
                    + gamma(n + 8) * up(noise)
                    + (n + 4) * ETA * (1 + kappa) * (1 + reach) * (1 + float(np.max(weights))) * 4,
                    n,
                )
                errors += [e_noise, e_square]
    return np.array(values), np.array(errors)
