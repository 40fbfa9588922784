"""Meet in the middle below walked layers: the outer masks one by one, the last walked layer by halves.

E h_i and E h_i h_j of the last hidden layer are means over the outer masks, that is over the vectors that enter the
last walked layer, of the same moments given such a vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.strategies.meet_points import (
    STEP_POINTS,
    MetPair,
    MetUnit,
    Points,
    mask_weights,
    pairs_of,
    ramps,
)
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = ["FEW_UNITS", "MOST_OUTER", "MetLeaves", "outer_moments", "outer_states", "outer_work", "sampled_leaves"]

MOST_OUTER = 1 << 20
"""Outer masks whose vectors are kept; more are refused."""

FEW_UNITS = 10
"""Up to so many active units all masks are taken one by one: below it two lists cost more."""

LEAVES_PER_CHUNK = 64
FEW_BITS = 20
SAMPLED_EXAMPLES = 8
SAMPLES = 32


def outer_states(problem: Problem, example: int) -> tuple[Array, Array]:
    """Return the vectors that enter the last walked layer (states × units) and their probabilities.

    Raises:
        CostLimitExceeded: more than 2²⁰ of them.
    """
    states, weights = problem.hidden(problem.first)[example][None, :], np.ones(1)
    for layer in range(problem.first, len(problem.weights) - 2):
        parts = [_expanded(problem, layer, h, w) for h, w in zip(states, weights, strict=True)]
        if sum(len(w) for _, w in parts) > MOST_OUTER:
            raise CostLimitExceeded(f"Evaluation meets more than {MOST_OUTER} masks outside the last walked layer.")
        states = np.concatenate([h for h, _ in parts])
        weights = np.concatenate([w for _, w in parts])
    return states, weights


def _expanded(problem: Problem, layer: int, h: Array, weight: float) -> tuple[Array, Array]:
    """Return the values after one layer for all masks of its active units, with their probabilities."""
    active = np.flatnonzero(h)
    columns = problem.weights[layer].T[active]
    if problem.rates[layer] > 0:
        if len(active) > MOST_OUTER.bit_length():
            raise CostLimitExceeded(f"Evaluation meets more than {MOST_OUTER} masks outside the last walked layer.")
        keep, drop = float(problem.keep[layer]), float(problem.drop[layer])
        columns = columns * (h[active] * problem.inverse_keep[layer])[:, None]
        z, weights = problem.biases[layer][None, :], np.array([weight])
        for column in columns:
            z = np.concatenate([z, z + column])
            weights = np.concatenate([weights * drop, weights * keep])
    else:
        z, weights = problem.pre_activations(layer, h[None, :]), np.array([weight])
    return np.where(z > 0, z, problem.slopes[layer] * z), weights


def sampled_leaves(problem: Problem) -> list[tuple[float, int]]:
    """Return (weight, active units of the last walked layer): outer masks of all examples, counted by the weights.

    Few masks are all taken to have every unit active. Otherwise a fixed sample of masks stands for all: one whose
    layers had a₁, a₂, … active units for 2^(a₁ + a₂ + …) (Knuth 1975, as in the probe of the walk).
    """
    last = len(problem.weights) - 2
    outer = sum(problem.widths[l] for l in range(problem.first, last) if problem.rates[l] > 0)
    if outer + problem.widths[last] <= FEW_BITS:
        return [(problem.examples * 2.0**outer, problem.widths[last])]
    if "meet leaves" in problem.memo:
        known: list[tuple[float, int]] = problem.memo["meet leaves"]
        return known
    raw = np.random.PCG64(20171)
    count = min(problem.examples, SAMPLED_EXAMPLES)
    chosen = np.unique(np.linspace(0, problem.examples - 1, count).round().astype(np.int64)).tolist()
    share = problem.examples / (len(chosen) * SAMPLES)
    found = []
    for example in chosen * SAMPLES:
        h, bits = problem.hidden(problem.first)[example], 0
        for layer in range(problem.first, last):
            if problem.rates[layer] > 0:
                bits += int(np.count_nonzero(h))
                h = h * (raw.random_raw(len(h)) & np.uint64(1)).astype(np.float64) * problem.inverse_keep[layer]
            z = problem.pre_activations(layer, h[None, :])[0]
            h = np.where(z > 0, z, problem.slopes[layer] * z)
        found.append((share * 2.0 ** min(bits, 1000), int(np.count_nonzero(h))))
    problem.memo["meet leaves"] = found
    return found


def outer_work(problem: Problem, states: Array, weights: Array) -> Work:
    """Return the sums over all outer masks as work; see :class:`MetLeaves`."""
    layer = len(problem.weights) - 2
    matrix, base = ramps(problem)
    rate = problem.rates[layer]
    payload = {
        "states": states,
        "weights": weights,
        "matrix": np.ascontiguousarray(matrix),
        "base": base,
        "pairs": np.array(pairs_of(problem), dtype=np.int64).reshape(-1, 2),
        "scale": float(problem.inverse_keep[layer]),
        "rate": (rate.numerator, rate.denominator),
        "stretch": STEP_POINTS,
    }
    starts = range(0, len(weights), LEAVES_PER_CHUNK)
    chunks = tuple((s, min(len(weights), s + LEAVES_PER_CHUNK)) for s in starts)
    return Work(
        name="meet leaves", begin=MetLeaves, payload=payload, chunks=chunks, weights=tuple(b - a for a, b in chunks)
    )


def outer_moments(problem: Problem, example: int, runner: Runner) -> tuple[Array, Array, int]:
    """Return moments and sizes of units (as :class:`MetUnit`), E h_i h_j, and the roundings of a mean over leaves."""
    states, weights = outer_states(problem, example)
    n = len(ramps(problem)[1])
    parts = runner.run(outer_work(problem, states, weights))
    total = np.zeros(4 * n + n * n)
    for part in parts:
        total = total + part
    bits = sum(problem.widths[l] for l in range(problem.first, len(problem.weights) - 2) if problem.rates[l] > 0)
    return total[: 4 * n].reshape(n, 4), total[4 * n :].reshape(n, n), 2 * bits + LEAVES_PER_CHUNK + len(parts) + 4


class MetLeaves:
    """Chunk (begin, end) of outer masks: Σ P of the units' moments and sizes (units × 4) and of E h_i h_j, flat."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin with the first of them."""
        self._payload = payload
        self._rate = Fraction(*payload["rate"])
        n = len(payload["base"])
        self.result: Array = np.zeros(4 * n + n * n)
        self._steps = self._work(*chunk)

    def step(self) -> bool:
        """Go on to the next yield."""
        return next(self._steps, True)

    def _work(self, begin: int, end: int) -> Iterator[bool]:
        payload = self._payload
        n = len(payload["base"])
        known: dict[int, Array] = {}
        for h, weight in zip(payload["states"][begin:end], payload["weights"][begin:end], strict=True):
            active = np.flatnonzero(h)
            columns = np.ascontiguousarray(payload["matrix"].T[active] * (h[active] * payload["scale"])[:, None])
            bits = len(active)
            cut = (bits + 1) // 2
            if bits not in known:
                known[bits] = mask_weights(self._rate, cut, bits - cut)
            weights = known[bits]
            leaf = {"columns": columns, "base": payload["base"], "weights": weights, "stretch": payload["stretch"]}
            if bits <= FEW_UNITS:
                own, second = _all_masks(leaf)
            else:
                held = Points()
                own = np.empty((n, 4))
                for i in range(n):
                    running = MetUnit(leaf, (i,), held)
                    while not running.step():
                        yield False
                    own[i] = running.result
                second = np.diag(own[:, 1])
                for i, j in payload["pairs"].tolist():
                    pair = MetPair(leaf, (i, j), held)
                    while not pair.step():
                        yield False
                    second[i, j] = second[j, i] = pair.result[0]
            self.result = self.result + weight * np.concatenate([own.ravel(), second.ravel()])
            yield False


def _all_masks(leaf: Payload) -> tuple[Array, Array]:
    """Return the moments and sizes of :class:`MetUnit`, and E h_i h_j, from at most 2¹⁰ masks."""
    columns = leaf["columns"]
    z, kept = leaf["base"][None, :], np.zeros(1, dtype=np.int64)
    for column in columns:
        z = np.concatenate([z, z + column])
        kept = np.concatenate([kept, kept + 1])
    bits = len(columns)
    p = leaf["weights"]
    # only the number of kept units matters: as many as fit are put into the first half
    cut = (bits + 1) // 2
    inside = np.minimum(kept, cut)
    weights = p[0][inside] * p[1][kept - inside]
    h = np.maximum(z, 0.0)
    size = np.abs(leaf["base"])[None, :] + sum((np.abs(c)[None, :] for c in columns), start=np.zeros((1, z.shape[1])))
    second = np.einsum("s,si,sj->ij", weights, h, h, optimize=False)
    own = np.stack([np.einsum("s,si->i", weights, h, optimize=False), np.diag(second), size[0], size[0] ** 2], axis=1)
    return own, second
