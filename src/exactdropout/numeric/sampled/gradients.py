"""Gradients of the criterion under sampled masks, and what holds for every mask: docs/estimates.md derives both.

For a mask of all layers but the last, X = ‖f − y‖² + κ Σ_j ‖w_j‖² h_j² is the expectation over the last layer's. Its
derivatives are sampled: δ = φ′(z)·∂X/∂h times the values that enter a layer. Their sums and the sums of their squares
are matrix products, so no visit holds a gradient of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactdropout.model import Architecture, Examples
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import gamma, layer_magnitudes
from exactdropout.numeric.float64.problem import UNIT, Problem
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Running, Work
from exactdropout.numeric.sampled.blas import one_blas_thread
from exactdropout.numeric.sampled.passes import CHUNKS, Stepwise, kept
from exactdropout.numeric.sampled.ranges import NEAR, SHORTER_SUMS, TINY, Reaches, up

__all__ = ["GradientSampler", "Slopes", "slopes_of"]

BLOCK, LEAST_BLOCK, MOST_BLOCK = 1 << 16, 32, 512

MOST_GRIDS = 1 << 24
"""Most pairs of a row and a weight for which it is asked whether all sums are exact."""

POWER = 32
"""max u_i v_i ≤ (Σ u_i^32 v_i^32)^(1/32): a matrix product, at most 4/3 of the maximum for 10,000 rows."""

SUMS = gamma(1 << 22)
"""Covers the roundings of a sum over all visits of a pass, and over passes."""


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """For each layer and row, over all masks: bounds of δ and of what enters, and of what float64 computes wrongly.

    ``deltas[l]`` ≥ |∂X/∂z| of the units that layer l feeds (of the last layer ≥ 2|f_o − y_o|), ``entering[l]`` ≥ the
    masked values times 1/p; each bounds the computed number too.
    """

    deltas: tuple[Array, ...]
    wrong_deltas: tuple[Array, ...]
    entering: tuple[Array, ...]
    wrong_entering: tuple[Array, ...]

    def ceilings(self, problem: Problem, shares: Array) -> Array:
        """Return c ≥ max over rows of share·|∂X/∂w| for every entry, layer after layer, biases after weights."""
        parts = []
        for l, (delta, value) in enumerate(zip(self.deltas, self.entering, strict=True)):
            most = _largest_products(shares[:, None] * delta, value)
            if l == len(self.deltas) - 1:
                squares = 2 * float(problem.cumulants[0]) * (shares[:, None] * value**2).max(axis=0)
                most = most + np.abs(problem.weights[l]) * squares
            parts += [up(most, 4).ravel(), up((shares[:, None] * delta).max(axis=0))]
        return np.concatenate(parts) + TINY

    def wrong(self, problem: Problem) -> Array:
        """Return Σ_i P_i of what is computed wrongly in each entry of row i, the roundings of all sums included."""
        chances, parts = problem.chances[:, None], []
        for l, (delta, value) in enumerate(zip(self.deltas, self.entering, strict=True)):
            off, wrong = self.wrong_deltas[l] + SUMS * delta, self.wrong_entering[l]
            total = (chances * off).T @ value + (chances * delta).T @ wrong
            if l == len(self.deltas) - 1:
                doubled = 2 * float(problem.cumulants[0]) * (chances * (2 * value * wrong + 2 * SUMS * value**2)).sum(0)
                total = total + np.abs(problem.weights[l]) * doubled
            parts += [up(total, len(chances)).ravel(), up((chances * off).sum(axis=0), len(chances))]
        return np.concatenate(parts)


def slopes_of(problem: Problem, reaches: Reaches) -> Slopes:
    """Return the bounds, from those of the forward pass, layer after layer downwards."""
    last, cumulant = len(problem.weights) - 1, float(problem.cumulants[0])
    scales = [problem.inverse_keep[l] * NEAR if problem.rates[l] > 0 and l < last else 1.0 for l in range(last + 1)]
    entering = [up(s * size, 1) for s, size in zip(scales, reaches.sizes, strict=True)]
    wrong_entering = [
        up(s * wrong + 4 * UNIT * value, 2) for s, wrong, value in zip(scales, reaches.wrong, entering, strict=True)
    ]
    delta, wrong = up(2 * reaches.away), up(2 * reaches.wrong_away + 4 * UNIT * reaches.away)
    deltas, wrong_deltas = [delta], [wrong]
    length = up(2 * reaches.length)
    for l in range(last, 0, -1):
        weights = np.abs(problem.weights[l])
        above, below = weights.shape
        lengths = up(np.sqrt((weights**2).sum(axis=0)) * NEAR, above)
        reach = np.minimum(up(delta @ weights, above), up(length[:, None] * lengths, 2))
        rounding = gamma(above + SHORTER_SUMS)
        off = up(wrong @ weights + rounding * up(delta @ weights, above), 2 * above)
        if l == last:
            noise = 2 * cumulant * up((weights**2).sum(axis=0), above)
            reach = up(reach + noise * reaches.sizes[l], 2)
            off = up(off + noise * (reaches.wrong[l] + rounding * reaches.sizes[l]), 4)
        slope, uncertain = abs(problem.slopes[l - 1]), problem.slope_errors[l - 1]
        steepness = max(1.0, (slope + uncertain) * NEAR)
        factor = scales[l] * steepness
        delta = up(factor * reach, 2)
        wrong = up(factor * off + (scales[l] * uncertain + 8 * UNIT * factor) * reach, 4)
        delta = up(delta + wrong)  # of the computed one too
        length = up(np.sqrt((delta**2).sum(axis=1)) * NEAR, below)
        deltas.insert(0, delta)
        wrong_deltas.insert(0, wrong)
    return Slopes(
        deltas=tuple(deltas), wrong_deltas=tuple(wrong_deltas), entering=tuple(entering),
        wrong_entering=tuple(wrong_entering),
    )  # fmt: skip


def _largest_products(left: Array, right: Array) -> Array:
    """Return at least max_i u_ij v_ik for non-negative u and v, and at most the product of both maxima."""
    tops = np.maximum(left.max(axis=0), TINY), np.maximum(right.max(axis=0), TINY)
    product = np.multiply.outer(*tops)
    powers = ((left / tops[0]) ** POWER).T @ ((right / tops[1]) ** POWER)
    shares = np.minimum(1.0, powers ** (1 / POWER) * (1 + 2.0**-20) + 2.0**-30)  # powers below 2⁻¹⁰²² are lost
    return np.asarray(up(product * shares, 2))


class GradientSampler:
    """Passes that give, for every entry of the gradient, Σ a G and Σ a² G² over the visits, a = P_i/counts_i."""

    def __init__(
        self,
        architecture: Architecture,
        data: Examples,
        problem: Problem,
        reaches: Reaches,
        slopes: Slopes,
        counts: Array,
        seed: int,
    ) -> None:
        """Lay out what a block reads."""
        doubts = list(reaches.wrong_sums)
        if problem.examples * sum(w.size for w in problem.weights) <= MOST_GRIDS:
            exact = layer_magnitudes(problem, dropout=True).wrongs  # 0 where all sums are exact, in any order
            doubts = [np.where(e == 0, -1.0, d) for e, d in zip(exact, doubts, strict=False)]
        self.payload: Payload = {
            "weights": problem.weights,
            "biases": problem.biases,
            "slopes": problem.slopes,
            "rates": problem.rates,
            "scales": tuple(problem.inverse_keep.tolist()),
            "cumulant": float(problem.cumulants[0]),
            "inputs": problem.inputs,
            "labels": problem.labels,
            "rows": np.repeat(np.arange(len(counts)), counts),
            "shares": problem.chances / counts,
            "doubts": tuple(doubts),
            "deltas": slopes.deltas,
            "entering": slopes.entering,
            "exact_inputs": data.inputs,
            "exact_slopes": tuple(Fraction(a.slope) for a in architecture.activations),
            "certain": tuple(e == 0 for e in problem.slope_errors),
            "alive": (problem.inputs != 0) | (problem.input_errors > 0),
            "seed": seed,
        }
        self._visits = int(np.sum(counts))
        self._blocks = GradientBlocks(self.payload)

    def passes(self, number: int, count: int, runner: Runner) -> list[Array]:
        """Return Σ a G and Σ a² G² of each pass, of shape (2, entries): the same bits for any runner."""
        blocks = -(-self._visits // self._blocks.size)
        cuts = [blocks * part // CHUNKS for part in range(CHUNKS + 1)]
        parts = [(a, b) for a, b in itertools.pairwise(cuts) if a < b]
        chunks = [(number + k, a, b) for k in range(count) for a, b in parts]
        work = Work(
            name="gradients", begin=_begin if runner.executor is not None else self._blocks.begin,
            payload=self.payload, chunks=tuple(chunks), weights=tuple(b - a for _, a, b in chunks),
        )  # fmt: skip
        with one_blas_thread():
            results = runner.run(work)
        return [_added(results[k * len(parts) : (k + 1) * len(parts)]) for k in range(count)]


def _added(parts: Sequence[Array]) -> Array:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


class GradientBlocks:
    """The blocks of every pass of one payload."""

    def __init__(self, payload: Payload) -> None:
        """Hold the arrays."""
        self._of = payload
        self._weights: tuple[Array, ...] = payload["weights"]
        self.size = max(LEAST_BLOCK, min(MOST_BLOCK, BLOCK // max(w.shape[1] for w in self._weights)))

    def begin(self, _: Payload, chunk: Chunk) -> Running:
        """Start a chunk (pass, first block, end)."""
        return Stepwise(self.block, chunk, _added)

    def block(self, number: int, block: int) -> Array:
        """Return Σ a G and Σ a² G² over the visits of a block."""
        of, last = self._of, len(self._weights) - 1
        key, counter = np.array([of["seed"], block], np.uint64), np.array([0, 0, 1, number], np.uint64)
        random = np.random.Generator(np.random.Philox(key=key, counter=counter))
        rows = of["rows"][block * self.size : (block + 1) * self.size]
        h, alive = of["inputs"][rows], of["alive"][rows]
        entering: list[Array] = []
        masks: list[Array | None] = []
        kinks: list[Array] = []
        for l, weight in enumerate(self._weights):
            bits = None
            if l < last and of["rates"][l] > 0:
                bits = kept(random, of["rates"][l], h.size).reshape(h.shape)
                h, alive = bits * h * of["scales"][l], alive & (bits > 0)
            masks.append(bits)
            entering.append(h)
            z = h @ weight.T + of["biases"][l]
            if l < last:
                positive = self._positive(rows, z, masks, alive.any(axis=1))
                zero = of["slopes"][l] == 0.0 and of["certain"][l]
                alive = positive if zero else np.ones_like(positive)  # what is not is exactly 0
                kinks.append(np.where(positive, 1.0, of["slopes"][l]))
                h = np.where(positive, np.maximum(z, 0.0), of["slopes"][l] * np.minimum(z, 0.0))
        return self._sums(rows, 2 * (z - of["labels"][rows]), entering, masks, kinks)

    def _sums(
        self, rows: Array, delta: Array, entering: list[Array], masks: list[Array | None], kinks: list[Array]
    ) -> Array:
        of, last = self._of, len(self._weights) - 1
        shares, cumulant = of["shares"][rows][:, None], of["cumulant"]
        sums: list[Array] = []
        for l in range(last, -1, -1):
            value = entering[l]
            if not (
                (np.abs(delta) <= of["deltas"][l][rows]).all() and (np.abs(value) <= of["entering"][l][rows]).all()
            ):
                raise AssertionError("a sampled value left its proved range; please report this")
            shared = shares * delta
            total, squares = shared.T @ value, (shared * shared).T @ (value * value)
            if l == last:  # G = g h + 2κ w h²
                weight, parts = 2 * cumulant * self._weights[l], value * value
                fourth = weight * weight * (shares * shares * parts * parts).sum(axis=0)
                cross = 2 * weight * ((shares * shared).T @ (parts * value))
                squares = np.maximum(squares + cross + fourth, 0.0) + 2.0**-28 * (squares + fourth)
                total = total + weight * (shares * parts).sum(axis=0)
            each = [[total, squares], [shared.sum(axis=0), (shared * shared).sum(axis=0)]]
            sums.insert(0, np.concatenate([np.stack([a.ravel(), b.ravel()]) for a, b in each], axis=1))
            if l > 0:
                delta = delta @ self._weights[l]
                if l == last:
                    delta = delta + 2 * cumulant * (self._weights[l] ** 2).sum(axis=0) * value
                mask = masks[l]
                if mask is not None:
                    delta = delta * mask * of["scales"][l]
                delta = delta * kinks[l - 1]
        return np.concatenate(sums, axis=1)

    def _positive(self, rows: Array, z: Array, masks: list[Array | None], alive: Array) -> Array:
        """Return whether each exact pre-activation is positive: those that float64 does not decide, in fractions.

        Where nothing enters, it is the bias.
        """
        positive: Array = z > 0
        open_ = (np.abs(z) <= self._of["doubts"][len(masks) - 1][rows]) & alive[:, None]
        for visit in np.flatnonzero(open_.any(axis=1)).tolist():
            units = np.flatnonzero(open_[visit])
            below = [None if mask is None else mask[visit].tolist() for mask in masks]
            exact = self._exact(int(rows[visit]), below, units.tolist())
            positive[visit, units] = [value > 0 for value in exact]
        return positive

    def _exact(self, row: int, masks: list[list[int] | None], units: list[int]) -> list[Fraction]:
        """Return p_0⋯p_l times the exact pre-activations of some units of the layer that the last mask feeds."""
        of = self._of
        h, factor = [Fraction(v) for v in of["exact_inputs"][row].tolist()], Fraction(1)
        for l, mask in enumerate(masks):
            if mask is not None:
                h = [v if bit else Fraction(0) for v, bit in zip(h, mask, strict=True)]
                factor *= 1 - of["rates"][l]
            weights, biases = of["weights"][l], of["biases"][l]
            wanted = units if l == len(masks) - 1 else range(len(weights))
            live = [i for i, v in enumerate(h) if v]
            z = [sum((Fraction(weights[j, i]) * h[i] for i in live), factor * Fraction(biases[j])) for j in wanted]
            slope = of["exact_slopes"][l] if l < len(of["exact_slopes"]) else Fraction(1)
            h = [v if v > 0 else slope * v for v in z]
        return z


_known: tuple[Payload, GradientBlocks] | None = None


def _begin(payload: Payload, chunk: Chunk) -> Running:
    """Start a chunk where a payload has arrived."""
    global _known  # noqa: PLW0603 - one entry per worker process; a race only prepares twice
    known = _known
    if known is None or known[0] is not payload:
        known = payload, GradientBlocks(payload)
        _known = known
    return Stepwise(known[1].block, chunk, _added, elsewhere=True)
