"""The strategy ``walk``: cost model, grid of chunks and run of the depth-first walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model.numbers import Array
from exactdropout.numeric.chunks import Step, run_chunks
from exactdropout.numeric.probe import leaves_per_example
from exactdropout.numeric.problem import Problem
from exactdropout.numeric.quantities import Reference
from exactdropout.numeric.strategy import Estimate, Folded
from exactdropout.progress import Progress

__all__ = ["estimate", "refusal", "run"]

CHUNK_NANOSECONDS = 2.0e7
STEP_NANOSECONDS = 1.0e8
MOST_ITEMS = 1 << 14
MAX_UNITS = 60
"""Most units of one layer whose subsets are walked: their count fits an int64, and no budget reaches it."""


def refusal(problem: Problem, moments: int) -> str | None:
    """The walk always applies."""
    return None


def moment_count(outputs: int, moments: int) -> int:
    """Return the number of leaf moments: g, g², v, r² for each output, and three more with fourth moments."""
    return 4 * outputs + (3 if moments == 4 else 0)


def _leaf_cost(problem: Problem, moments: int) -> float:
    """Return nanoseconds per leaf: measured on a 3 GHz x86 core, one addition, relu or fold at about 1 ns."""
    widths, outputs = problem.widths, problem.outputs
    size = moment_count(outputs, moments)
    cost = 20.0 + 3.0 * outputs * widths[-1] + 4.0 * size
    if problem.first < len(problem.weights) - 1:
        cost += 2.5 * widths[-1]
    if moments == 4:
        cost += 2.0 * outputs * widths[-1] * (1 + outputs)
    for l in problem.walked:
        if problem.rates[l] == 0 or l > problem.first:  # opened anew for every state above
            above_all_dropped = l == problem.first
            cost += 0.0 if above_all_dropped else 0.1 * widths[l] * widths[l + 1] ** 0.5
    return cost


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the leaves (counted or probed) and what they cost."""
    leaves = float(np.sum(leaves_per_example(problem)))
    layers = sum(a * b for a, b in zip(problem.widths, problem.widths[1:], strict=False))
    items = min(MOST_ITEMS, leaves)
    memory = 8.0 * (2 * layers + items * moment_count(problem.outputs, moments) + 64 * 64)
    return Estimate(visited=leaves, cost=leaves * _leaf_cost(problem, moments) + 2e3 * problem.examples, memory=memory)


@dataclass(frozen=True)
class _Tables:
    """The walked part of the network as flat arrays: what the kernel reads."""

    widths: Array
    columns: Array
    column_offsets: Array
    biases: Array
    vector_offsets: Array
    slopes: Array
    keep: Array
    drop: Array
    inverse_keep: Array
    row_offsets: Array
    row_total: int
    row_units: int


def _tables(problem: Problem) -> _Tables:
    layers = list(problem.walked)
    widths = np.array([*(problem.widths[l] for l in layers), problem.widths[-1]], dtype=np.int64)
    columns = [problem.weights[l].T.ravel() for l in layers]
    column_offsets = np.cumsum([0, *(len(c) for c in columns)])
    units = [min(problem.widths[l], MAX_UNITS) if problem.rates[l] > 0 else 0 for l in layers]
    row_sizes = [(u + 1) * problem.widths[l + 1] for u, l in zip(units, layers, strict=True)]
    row_offsets = np.cumsum([0, *row_sizes])
    index = np.array(layers, dtype=np.int64)
    return _Tables(
        widths=widths,
        columns=np.concatenate([*columns, np.zeros(0)]),
        column_offsets=column_offsets.astype(np.int64),
        biases=np.concatenate([*(problem.biases[l] for l in layers), np.zeros(0)]),
        vector_offsets=np.cumsum([0, *widths.tolist()]).astype(np.int64),
        slopes=np.array([problem.slopes[l] for l in layers], dtype=np.float64),
        keep=problem.keep[index],
        drop=problem.drop[index],
        inverse_keep=problem.inverse_keep[index],
        row_offsets=row_offsets.astype(np.int64),
        row_total=int(row_offsets[-1]),
        row_units=max([*units, 1]),
    )


def _grid(problem: Problem, starts: Array, moments: int) -> tuple[Array, list[tuple[int, int]], list[int]]:
    """Return the items (example, bits, prefix), the chunks as ranges of items, and the leaves of each chunk.

    The grid is a function of the problem alone.
    """
    leaves = leaves_per_example(problem)
    per_chunk = max(1.0, CHUNK_NANOSECONDS / _leaf_cost(problem, moments))
    walked = problem.first < len(problem.weights) - 1
    most = MOST_ITEMS
    active = np.count_nonzero(starts, axis=1) if walked else np.zeros(len(starts), dtype=np.int64)
    items: list[tuple[int, int, int]] = []
    chunks: list[tuple[int, int]] = []
    weights: list[int] = []
    begin, weight = 0, 0.0
    for example, count in enumerate(leaves.tolist()):
        bits = 0
        while bits < active[example] and count / 2**bits > per_chunk and 2**bits * 2 <= most:
            bits += 1
        for prefix in range(1 << bits):
            items.append((example, bits, prefix))
            weight += count / 2**bits
            if weight >= per_chunk:
                chunks.append((begin, len(items)))
                weights.append(int(weight))
                begin, weight = len(items), 0.0
    if begin < len(items):
        chunks.append((begin, len(items)))
        weights.append(int(weight))
    return np.array(items, dtype=np.int64), chunks, weights


def run(problem: Problem, reference: Reference, moments: int, threads: int, progress: Progress | None) -> Folded:
    """Walk all items and fold the prefixes of each example."""
    from exactdropout.numeric.kernels.walk import DONE, TOO_MANY_UNITS, walk

    tables = _tables(problem)
    starts = np.ascontiguousarray(problem.hidden(problem.first))
    size = moment_count(problem.outputs, moments)
    items, chunks, weights = _grid(problem, starts, moments)
    results = np.empty((len(items), size))
    budget = int(max(1.0, STEP_NANOSECONDS / _leaf_cost(problem, moments)))
    common: tuple[Any, ...] = (
        tables.widths,
        tables.columns,
        tables.column_offsets,
        tables.biases,
        tables.vector_offsets,
        tables.slopes,
        tables.keep,
        tables.drop,
        tables.inverse_keep,
        np.ascontiguousarray(problem.weights[-1]),
        np.ascontiguousarray(problem.biases[-1]),
        problem.cumulants,
        moments,
        starts,
        problem.labels,
        reference.output.value,
        reference.square_pivot,
    )

    def start(chunk: tuple[int, int]) -> Step:
        part = slice(*chunk)
        layers = len(tables.keep)
        workspace: tuple[Any, ...] = (
            np.array([0, -1], dtype=np.int64),
            np.zeros(int(tables.widths.sum())),
            np.zeros(int(tables.widths.sum())),
            np.zeros(int(tables.widths.sum()), dtype=np.int64),
            np.zeros((layers + 1, tables.row_units + 1), dtype=np.int64),
            np.zeros((layers + 1, 3), dtype=np.int64),
            np.zeros(tables.row_total),
            tables.row_offsets,
            np.zeros((layers + 1, max(tables.row_units, 2), size)),
        )
        arguments: tuple[Any, ...] = (*common, items[part], results[part], *workspace, budget)
        advance: Callable[..., int] = walk

        def step() -> bool:
            outcome = advance(*arguments)
            if outcome == TOO_MANY_UNITS:
                raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
            return outcome == DONE

        return step

    run_chunks(start, chunks, weights, threads, progress)
    return Folded(moments=_fold(problem, items, results), levels=problem.levels)


def _fold(problem: Problem, items: Array, results: Array) -> Array:
    """Return one row per example: the prefixes folded as the kernel folds its units."""
    first = problem.first
    drop, keep = problem.drop[first], problem.keep[first]
    if len(items) == problem.examples:
        return results
    folded = np.empty((problem.examples, results.shape[1]))
    position = 0
    while position < len(items):
        example, bits = int(items[position, 0]), int(items[position, 1])
        values = results[position : position + (1 << bits)]
        for _ in range(bits):
            values = drop * values[0::2] + keep * values[1::2]
        folded[example] = values[0]
        position += 1 << bits
    return folded
