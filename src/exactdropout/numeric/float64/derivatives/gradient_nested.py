"""∂J_D/∂W of a network with two narrow hidden layers: all masks of the inputs in a table, those above in lanes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.derivatives.prepared import TINY, Prepared, bounded_gradient
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = [
    "CHUNK_PAIRS",
    "NestedExamples",
    "lane_weights",
    "nested_applies",
    "nested_estimate",
    "nested_gradient",
    "nested_rounding",
]

MOST_INPUTS = 12
MOST_UNITS = 10
MOST_PAIRS = 1 << 25
"""Most pairs of a mask and a unit for one example: about a tenth of a second."""

CHUNK_PAIRS = 1 << 22
STEP_PAIRS = 1 << 22


def nested_applies(problem: Problem) -> bool:
    """Return whether there are two hidden layers, both fed through masks, and few enough masks; never interpreted."""
    if interpreted() or len(problem.weights) != 3 or problem.rates[0] == 0 or problem.rates[1] == 0:
        return False
    width, below, n = problem.widths
    return width <= MOST_INPUTS and below <= MOST_UNITS and n << (width + below) <= MOST_PAIRS


def nested_estimate(problem: Problem) -> Estimate:
    """Return masks, with half of the units active, and their cost, measured on a 3 GHz x86 core."""
    width, below, n = problem.widths
    outer = float(sum(1 << int(np.count_nonzero(x)) for x in problem.inputs))
    leaves = outer * 1.5**below
    memory = 8.0 * (2 * below << width) + 16.0 * (n << below) + 8.0 * problem.examples * _row(problem)
    cost = leaves * (5.0 + 1.5 * n) * problem.outputs + outer * (200.0 + 10.0 * below * n) + 3e4
    return Estimate(visited=leaves, cost=cost, memory=memory)


@lru_cache(maxsize=64)
def lane_weights(units: int, keep: float, drop: float) -> Array:
    """Return the probabilities of the subsets of 0, …, ``units`` units, those of k units from 2^k on."""
    lanes = np.ones(2 << units)
    for k in range(units):
        lanes[2 << k : 3 << k] = lanes[1 << k : 2 << k] * drop
        lanes[3 << k : 4 << k] = lanes[1 << k : 2 << k] * keep
    return lanes


def _row(problem: Problem) -> int:
    return sum(w.size + len(b) for w, b in zip(problem.weights, problem.biases, strict=True)) + 1


def nested_gradient(network: Network, prepared: Prepared, runner: Runner) -> Gradient | None:
    """Return the gradient with bounds that contain every exact entry, or None where some sign is in doubt."""
    problem, chances = prepared.problem, prepared.rows.chances
    if prepared.ordered.lost.any():
        return None
    found = runner.run(_work(prepared))
    rows = found[0] if len(found) == 1 else np.concatenate(found)
    if rows[:, -1].any():
        return None
    entries = np.zeros(rows.shape[1] - 1)
    for chance, row in zip(chances, rows[:, :-1], strict=True):  # in this order, as where they are made at once
        entries += chance * row
    return bounded_gradient(network, prepared, entries, np.zeros((problem.examples, 1)), nested_rounding(problem))


def nested_rounding(problem: Problem) -> tuple[float, float, float, float]:
    """Return what the sums over masks add to the errors; docs/error-bounds.md, step 8d, counts."""
    from exactdropout.numeric.kernels.gradient.two_layers import FLUSH

    (width, below, n), outputs = problem.widths, problem.outputs
    bits = width + below
    operations = 3.0 * bits + 2.0 ** (below - 1) + 2.0 ** (width - 1) + FLUSH + 2.0**width / FLUSH + n + outputs + 60.0
    scale = (1.0 + float(problem.inverse_keep[0])) * (1.0 + float(problem.inverse_keep[1]))
    return operations, TINY * 2.0**bits * 64.0 * (bits + n + outputs) * scale, 1.0, 0.0


def _work(prepared: Prepared) -> Work:
    from exactdropout.numeric.kernels.gradient.two_layers import Nested

    problem = prepared.problem
    width, below, n = problem.widths
    each = max(1, n << (width + below))
    size = max(1, CHUNK_PAIRS // each)
    chunks = tuple((b, min(problem.examples, b + size)) for b in range(0, problem.examples, size))
    (first, second, third), (first_bias, second_bias, third_bias) = prepared.weights, prepared.biases
    net = Nested(
        first=first, first_bias=first_bias, second=second, second_bias=second_bias, third=third, third_bias=third_bias,
        slopes=np.array(problem.slopes), keep=problem.keep, drop=problem.drop, inverse_keep=problem.inverse_keep,
        kappa=float(problem.cumulants[0]),
        lane_weights=lane_weights(below, float(problem.keep[1]), float(problem.drop[1])), faint=prepared.faint(0),
    )  # fmt: skip
    payload = {
        "common": (
            net, prepared.rows.inputs, prepared.rows.labels, prepared.thresholds(0), prepared.thresholds(1),
        ),
        "row": _row(problem),
        "few": max(1, STEP_PAIRS // each),
    }  # fmt: skip
    weights = tuple((end - begin) << (width + below) for begin, end in chunks)
    return Work(name="gradient", begin=NestedExamples, payload=payload, chunks=chunks, weights=weights)


class NestedExamples:
    """The nested tables for one range of examples: a row with the gradient and the doubts of each."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: one row of results for each example."""
        self.result: Array = np.empty((chunk[1] - chunk[0], payload["row"]))
        self._common: tuple[Any, ...] = payload["common"]
        self._begin, self._end, self._position, self._few = chunk[0], chunk[1], chunk[0], payload["few"]

    def step(self) -> bool:
        """Take a few examples."""
        from exactdropout.numeric.kernels.gradient.two_layers import nested_examples

        done = self._position - self._begin
        until = min(self._end, self._position + self._few)
        arguments: tuple[Any, ...] = (*self._common, self._position, until, self.result[done:])
        nested_examples(*arguments)
        self._position = until
        return self._position >= self._end
