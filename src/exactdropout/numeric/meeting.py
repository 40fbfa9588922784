"""The strategy ``meet``: meet in the middle, one walked relu layer, in about n² 2^(k/2) k steps instead of n 2^k.

The outputs' second moments need E h_i and E h_i h_j only, with h = max(z, 0): the first and the diagonal come from
sorted halves of subset sums, one unit at a time, the others pair by pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.bounds import Magnitudes, gamma, layer_magnitudes, root, up
from exactdropout.numeric.enumerating import active_columns, positive_moments
from exactdropout.numeric.problem import ETA, UNIT, Problem
from exactdropout.numeric.quantities import Reference
from exactdropout.numeric.strategy import Estimate, Folded
from exactdropout.numeric.work import Chunk, Payload, Runner, Work

__all__ = ["estimate", "refusal", "run"]

MOST_BITS = 56
STEP_ELEMENTS = 1 << 19


def refusal(problem: Problem, moments: int) -> str | None:
    """One walked relu layer, second moments."""
    if problem.first != len(problem.weights) - 2:
        return "exactly the droppable layer before the last hidden layer must have a rate above 0"
    if moments == 4:
        return "it computes second moments only"
    if problem.slopes[problem.first] != 0.0 or problem.slope_errors[problem.first] > 0:
        return "it needs relu"
    if int(np.count_nonzero(problem.hidden(problem.first), axis=1).max()) > MOST_BITS:
        return f"more than {MOST_BITS} units are active"
    return None


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the elements of both lists over all pairs; one costs 40 to 200 ns as the tree leaves the caches."""
    active = np.count_nonzero(problem.hidden(problem.first), axis=1)
    width = problem.widths[-1]
    visited = cost = memory = 0.0
    for k in active.tolist():
        elements = 2.0 ** ((k + 1) // 2) + 2.0 ** (k // 2)
        pairs = width * (width - 1) / 2
        visited += elements * max(1.0, pairs)
        pair, unit = 40.0 + 14.0 * max(0, k - 27), 60.0 + 12.0 * max(0, k - 24)
        cost += elements * (pairs * pair + width * unit) + 3e5 + 2e4 * pairs
        memory = max(memory, elements * (width * 16.0 + 100.0))
    return Estimate(visited=visited, cost=cost + 1e6, memory=memory)


@dataclass(frozen=True)
class _Halves:
    """Subset sums of one example: values (units × list), probabilities, and orders."""

    first: Array
    second: Array
    p_first: Array
    p_second: Array
    orders_first: list[Array]
    orders_second: list[Array]
    ranks: list[Array]
    reached: list[Array]


def _subset_sums(columns: Array, base: Array, keep: float, drop: float) -> tuple[Array, Array]:
    """Return all subset sums (units × 2^bits) and their probabilities, by doubling."""
    values, weights = base[:, None].copy(), np.ones(1)
    for column in columns:
        values = np.concatenate([values, values + column[:, None]], axis=1)
        weights = np.concatenate([weights * drop, weights * keep])
    return np.ascontiguousarray(values), weights


def _halves(problem: Problem, columns: Array) -> _Halves:
    keep, drop = float(problem.keep[problem.first]), float(problem.drop[problem.first])
    cut = (len(columns) + 1) // 2
    base = problem.biases[problem.first]
    first, p_first = _subset_sums(columns[:cut], base, keep, drop)
    second, p_second = _subset_sums(columns[cut:], np.zeros_like(base), keep, drop)
    orders_first, orders_second, ranks, reached = [], [], [], []
    for i in range(len(base)):
        orders_first.append(np.argsort(first[i], kind="stable").astype(np.int32))
        order = np.argsort(second[i], kind="stable")
        orders_second.append(order.astype(np.int32))
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order) - 1, -1, -1, dtype=np.int32)
        ranks.append(rank)
        below = np.searchsorted(second[i][order], -first[i], side="right")
        reached.append((len(order) - below).astype(np.int32))
    return _Halves(first, second, p_first, p_second, orders_first, orders_second, ranks, reached)


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Compute E h_i and E h_i h_j of each example, and from them the moments of the outputs."""
    magnitudes = layer_magnitudes(problem, dropout=True)
    columns, counts = active_columns(problem)
    values, errors = [], []
    inner = replace(runner, progress=None)
    for e in range(problem.examples):
        count = int(counts[e])
        part = slice(e, e + 1)
        own, sizes = positive_moments(problem, columns[part], counts[part])
        second, e_second = _products(problem, magnitudes, columns[e, :count], own[0], sizes[0], e, inner)
        value, error = _outputs(problem, reference, magnitudes, own[0], sizes[0], second, e_second, e, count)
        values.append(value)
        errors.append(error)
        if runner.progress is not None:
            runner.progress(e + 1, problem.examples)
    return Folded(moments=np.array(values), levels=0, errors=np.array(errors))


def _products(
    problem: Problem, magnitudes: Magnitudes, columns: Array, own: Array, sizes: Array, example: int, runner: Runner
) -> tuple[Array, Array]:
    """Return E h_i h_j for all pairs of units, and bounds of the errors."""
    n, bits = len(own), len(columns)
    halves = _halves(problem, columns)
    result, size = np.diag(own[:, 1]), np.diag(sizes[:, 1])
    pairs = tuple((i, j) for i in range(n) for j in range(i))
    absolute = (np.abs(halves.first), np.abs(halves.second))
    means = (absolute[0] @ halves.p_first, absolute[1] @ halves.p_second)
    payload = {"halves": vars(halves), "absolute": absolute, "means": means, "budget": STEP_ELEMENTS}
    work = Work(name="meet", begin=MetPair, payload=payload, chunks=pairs, weights=(1,) * len(pairs))
    for (i, j), (value, total) in zip(pairs, runner.run(work), strict=True):
        result[i, j] = result[j, i] = value
        size[i, j] = size[j, i] = total
    half = (bits + 1) // 2
    rounding = up((gamma(2 * bits + 48) + 2.0 ** (half - 59)) * size * 1.01)
    wrong = magnitudes.wrongs[problem.first][example]
    rms = root(up(np.maximum(own[:, 1], 0.0) + gamma(2 * bits + 40) * sizes[:, 1] * 1.01))
    across = up(wrong[:, None] * rms[None, :] + rms[:, None] * wrong[None, :] + wrong[:, None] * wrong[None, :], 3)
    reach = up(magnitudes.sizes[-1][example])
    lost = (ETA * 2.0**bits + 2.0 ** (half - 955)) * up(32 * (1 + reach[:, None]) * (1 + reach[None, :]), 3)
    return np.maximum(result, 0.0), up(rounding + across + lost)


class MetPair:
    """E h_i h_j of one pair of units, and the sum of absolute values that bounds its rounding."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        from exactdropout.numeric.kernels.meet import meet_pair

        i, j = chunk
        halves, absolute, (mean_first, mean_second) = payload["halves"], payload["absolute"], payload["means"]
        p_first, p_second = halves["p_first"], halves["p_second"]
        tops = [
            float(p_second.sum()),
            float(mean_second[i]),
            float(mean_second[j]),
            float((p_second * absolute[1][i] * absolute[1][j]).sum()),
        ]
        crossed = float((p_first * absolute[0][i] * absolute[0][j]).sum())
        self._size = crossed * tops[0] + mean_first[i] * tops[2] + mean_first[j] * tops[1] + tops[3]
        self._sums = np.zeros(2)
        self._advance: Callable[..., bool] = meet_pair
        self._arguments: tuple[Any, ...] = (
            halves["first"][i],
            halves["first"][j],
            halves["second"][i],
            halves["second"][j],
            halves["orders_first"][i],
            halves["orders_second"][i],
            halves["reached"][j],
            halves["ranks"][j],
            p_first,
            p_second,
            np.array([_scale(top) for top in tops]),
            np.zeros((len(p_second) + 1, 4), dtype=np.int64),
            np.array([0, len(p_second)], dtype=np.int64),
            self._sums,
            payload["budget"],
        )

    def step(self) -> bool:
        """Go on for one budget of list elements."""
        return bool(self._advance(*self._arguments))

    @property
    def result(self) -> Array:
        """The expectation, and the sum of absolute values."""
        return np.array([self._sums[0] + self._sums[1], self._size])


def _scale(top: float) -> float:
    """Return the power of 2 that brings a sum of absolute values below 2⁶¹ (1 for a sum of zeros)."""
    if top <= 0.0:
        return 1.0
    return float(2.0 ** min(960, 60 - int(np.ceil(np.log2(top * 1.01)))))


def _outputs(
    problem: Problem,
    reference: Reference,
    magnitudes: Magnitudes,
    own: Array,
    sizes: Array,
    second: Array,
    e_second: Array,
    example: int,
    bits: int,
) -> tuple[Array, Array]:
    """Return g, g², v, r² of every output and their errors, from the moments of the hidden units."""
    wrong = magnitudes.wrongs[problem.first][example]
    n = len(own)
    mean, e_mean = own[:, 0], up(wrong + gamma(2 * bits + 40) * sizes[:, 0] * 1.01 + ETA * 2.0**bits * 32, 2)
    kappa = float(problem.cumulants[0])
    values, errors = [], []
    for o in range(problem.outputs):
        w, w_abs = problem.weights[-1][o], np.abs(problem.weights[-1][o])
        pairs = np.einsum("i,ij,j->", w, second, w)
        bulk = up(np.einsum("i,ij,j->", w_abs, second, w_abs), n * n)
        e_pairs = up(
            np.einsum("i,ij,j->", w_abs, e_second, w_abs)
            + gamma(n * n + 8) * bulk
            + n * n * ETA * (2 + 2 * np.max(w_abs)),
            3 * n * n,
        )
        line = float(np.einsum("i,i->", w, mean))
        line_bulk = up(np.einsum("i,i->", w_abs, mean), n)
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
                diagonal = np.diag(second)
                noise = kappa * float(np.einsum("i,i->", weights, diagonal))
                values += [noise, max(square, 0.0)]
                reach = float(np.max(magnitudes.sizes[-1][example])) ** 2
                e_noise = up(
                    kappa * (1 + 4 * UNIT) * up(np.einsum("i,i->", up(weights), np.diag(e_second)), n)
                    + gamma(n + 8) * up(noise)
                    + (n + 4) * ETA * (1 + kappa) * (1 + reach) * (1 + float(np.max(weights))) * 4,
                    n,
                )
                errors += [e_noise, e_square]
    return np.array(values), np.array(errors)
