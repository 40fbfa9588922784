"""∂J_D/∂W of a network with two narrow hidden layers: all masks of the inputs in a table, those above in lanes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import LARGEST, gamma, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem, out_of_range
from exactdropout.numeric.float64.strategy import Estimate
from exactdropout.numeric.result import Gradient, filled
from exactdropout.numeric.runs.work import Chunk, Payload, Runner, Work

__all__ = ["NestedExamples", "nested_applies", "nested_estimate", "nested_gradient"]

MOST_INPUTS = 12
MOST_UNITS = 10
MOST_PAIRS = 1 << 25
"""Most pairs of a mask and a unit for one example: about a tenth of a second."""

CHUNK_PAIRS = 1 << 22


def nested_applies(problem: Problem) -> bool:
    """Return whether there are two hidden layers, both fed through masks, and few enough masks."""
    if len(problem.weights) != 3 or problem.rates[0] == 0 or problem.rates[1] == 0:
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
def _lane_weights(units: int, keep: float, drop: float) -> Array:
    """Return the probabilities of the subsets of 0, …, ``units`` units, those of k units from 2^k on."""
    lanes = np.ones(2 << units)
    for k in range(units):
        lanes[2 << k : 3 << k] = lanes[1 << k : 2 << k] * drop
        lanes[3 << k : 4 << k] = lanes[1 << k : 2 << k] * keep
    return lanes


def _row(problem: Problem) -> int:
    return sum(w.size + len(b) for w, b in zip(problem.weights, problem.biases, strict=True)) + 3


def nested_gradient(network: Network, problem: Problem, runner: Runner) -> Gradient | None:
    """Return the gradient with a bound that contains every exact entry, or None where some sign is in doubt."""
    work: Work | None = problem.memo.get("nested gradient")
    if work is None:
        work = problem.memo["nested gradient"] = _work(problem)
    found = runner.run(work)
    rows = found[0] if len(found) == 1 else np.concatenate(found)
    marks = rows[:, -1].tolist()
    if max(marks) > 0:
        return None
    if min(marks) < 0:
        raise out_of_range("network")
    total = (
        rows[0, :-3] if problem.examples == 1 else np.einsum("e,ek->k", problem.chances, rows[:, :-3], optimize=False)
    )
    worst = largest = rounding = 0.0
    for p, error, size in zip(problem.chances.tolist(), rows[:, -3].tolist(), rows[:, -2].tolist(), strict=True):
        worst += (p * (1 + 4 * UNIT) + ETA) * error
        rounding += (p * (1 + 4 * UNIT) + ETA) * size
        largest = max(largest, size)
    m = problem.examples
    bound = float(up(up(worst, m) + up(gamma(m + 6) * up(rounding, m))))
    if not (math.isfinite(bound) and largest < LARGEST and np.isfinite(total).all()):
        raise out_of_range("network")
    arrays: list[Array] = []
    at = 0
    for w, b in zip(problem.weights, problem.biases, strict=True):
        arrays += [freeze(total[at : at + w.size].reshape(w.shape)), freeze(total[at + w.size : at + w.size + len(b)])]
        at += w.size + len(b)
    biases = [None if own is None else b for own, b in zip(network.biases, arrays[1::2], strict=True)]
    return filled(Gradient, {"weights": tuple(arrays[0::2]), "biases": tuple(biases), "error_bound": bound})


def _work(problem: Problem) -> Work:
    width, below, n = problem.widths
    lanes = _lane_weights(below, float(problem.keep[1]), float(problem.drop[1]))
    each = max(1, n << (width + below))
    size = max(1, CHUNK_PAIRS // each)
    chunks = tuple((b, min(problem.examples, b + size)) for b in range(0, problem.examples, size))
    payload = {
        "common": (
            problem.inputs, problem.input_errors, problem.labels, problem.label_errors,
            problem.weights[0], problem.biases[0], problem.weights[1], problem.biases[1],
            problem.weights[2], problem.biases[2],
            np.array(problem.slopes), np.array(problem.slope_errors), problem.keep, problem.drop, problem.inverse_keep,
            float(problem.cumulants[0]), lanes,
        ),
        "row": _row(problem),
    }  # fmt: skip
    weights = tuple((end - begin) << (width + below) for begin, end in chunks)
    return Work(name="gradient", begin=NestedExamples, payload=payload, chunks=chunks, weights=weights)


class NestedExamples:
    """The nested tables for one range of examples: a row with gradient, bound, size and doubts of each."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: one row of results for each example."""
        self.result: Array = np.empty((chunk[1] - chunk[0], payload["row"]))
        self._common: tuple[Any, ...] = payload["common"]
        self._begin, self._end, self._position = chunk[0], chunk[1], chunk[0]

    def step(self) -> bool:
        """Take one example."""
        from exactdropout.numeric.kernels.gradient.two_layers import nested_examples

        done = self._position - self._begin
        arguments: tuple[Any, ...] = (
            *self._common, self._position, self._position + 1, self.result[done : done + 1],
        )  # fmt: skip
        nested_examples(*arguments)
        self._position += 1
        return self._position >= self._end
