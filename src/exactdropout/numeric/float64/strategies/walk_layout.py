"""What every kernel that walks masks reads: the walked layers as flat arrays, and the fixed grid of chunks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels.walk.leaves import Tree

__all__ = ["MAX_UNITS", "MOST_ITEMS", "Tables", "grid", "tables"]

CHUNK_NANOSECONDS = 2.0e7
MOST_ITEMS = 1 << 14
MAX_UNITS = 60
"""Most units of one layer whose subsets are walked: their count fits an int64, and no budget reaches it."""


class Tables(NamedTuple):
    """The walked part of the network as the kernel reads it, how many rows of it there are, and units of a layer."""

    tree: Tree
    row_total: int
    row_units: int


def tables(problem: Problem) -> Tables:
    """Return the walked layers as flat arrays."""
    layers = list(problem.walked)
    widths = np.array([*(problem.widths[l] for l in layers), problem.widths[-1]], dtype=np.int64)
    columns = [problem.weights[l].T.ravel() for l in layers]
    column_offsets = np.cumsum([0, *(len(c) for c in columns)])
    units = [min(problem.widths[l], MAX_UNITS) if problem.rates[l] > 0 else 0 for l in layers]
    row_sizes = [(u + 1) * problem.widths[l + 1] for u, l in zip(units, layers, strict=True)]
    row_offsets = np.cumsum([0, *row_sizes])
    index = np.array(layers, dtype=np.int64)
    tree = Tree(
        widths=widths,
        columns=np.concatenate([*columns, np.zeros(0)]),
        column_offsets=column_offsets.astype(np.int64),
        biases=np.concatenate([*(problem.biases[l] for l in layers), np.zeros(0)]),
        vector_offsets=np.cumsum([0, *widths.tolist()]).astype(np.int64),
        slopes=np.array([problem.slopes[l] for l in layers], dtype=np.float64),
        dropped=problem.dropped[index],
        keep=problem.keep[index],
        drop=problem.drop[index],
        inverse_keep=problem.inverse_keep[index],
        row_offsets=row_offsets.astype(np.int64),
    )
    return Tables(tree, row_total=int(row_offsets[-1]), row_units=max([*units, 1]))


def grid(
    problem: Problem, starts: Array, leaf_cost: float, most_items: int = MOST_ITEMS
) -> tuple[Array, list[tuple[int, int]], list[int]]:
    """Return the items (example, bits, prefix), the chunks as ranges of items, and the leaves of each chunk.

    The grid is a function of the problem alone.
    """
    leaves = leaves_per_example(problem)
    per_chunk = max(1.0, CHUNK_NANOSECONDS / leaf_cost)
    walked = problem.first < len(problem.weights) - 1
    most = most_items
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
