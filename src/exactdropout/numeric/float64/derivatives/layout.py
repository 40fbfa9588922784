"""What both walks of derivatives read, the fixed grid of their work, and their workspace."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.derivatives.prepared import Prepared
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels.gradient.layout import Walked
from exactdropout.numeric.runs.work import Chunk

__all__ = ["MAX_UNITS", "Folds", "add_deeper_layers", "chunked_items", "folds", "walked_layers"]

MAX_UNITS = 60
"""Most units of one layer whose subsets are walked: their count fits an int64, and no budget reaches it."""


def walked_layers(prepared: Prepared, first: int) -> Walked:
    """Return the hidden layers from ``first`` on."""
    problem, last = prepared.problem, len(prepared.problem.weights) - 1
    layers = range(first, last)
    widths = np.array(problem.widths[first:], dtype=np.int64)
    return Walked(
        widths=widths,
        columns=np.concatenate([problem.weights[l].T.ravel() for l in layers]),
        column_offsets=np.cumsum([0, *(problem.weights[l].size for l in layers)]),
        biases=np.concatenate([problem.biases[l] for l in layers]),
        vector_offsets=np.cumsum([0, *widths.tolist()]),
        slopes=np.array([problem.slopes[l] for l in layers]),
        dropped=np.array([problem.rates[l] > 0 for l in layers]),
        faint=np.array([prepared.faint(l) for l in layers]),
        keep=problem.keep[first:last].copy(),
        drop=problem.drop[first:last].copy(),
        inverse_keep=problem.inverse_keep[first:last].copy(),
        output_weights=prepared.weights[-1],
        output_bias=prepared.biases[-1],
        kappa=float(problem.cumulants[0]),
    )


class Folds:
    """Sizes of what is folded: for each layer where its δ begins, how wide a row is, and where its levels begin.

    ``each`` is the number of vectors that are folded for a layer beside its columns: δ, or δ and its tangent.
    """

    def __init__(self, widths: tuple[int, ...], outputs: int, dropped: list[bool], each: int) -> None:
        """Keep the arguments too, as plain numbers can be fingerprinted and travel."""
        self.arguments = (widths, outputs, dropped, each)
        layers = len(widths) - 1
        self.units = [min(n, MAX_UNITS) if d else 0 for n, d in zip(widths, dropped, strict=False)]
        position = 1 + outputs * (widths[-1] + 1)
        self.sizes = [0] * layers
        for l in reversed(range(layers)):
            self.sizes[l] = position
            position += (widths[l] + 1) * widths[l + 1]
        self.widths = [s + each * (1 + u) * m for s, u, m in zip(self.sizes, self.units, widths[1:], strict=True)]
        self.total = sum(u * w for u, w in zip(self.units, self.widths, strict=True))
        self.rows = [(u + 1) * m for u, m in zip(self.units, widths[1:], strict=True)]
        self.layers, self.widest, self.each, self.all = layers, max(widths), each, sum(widths)

    def workspace(self) -> dict[str, Any]:
        """Return the parts of a workspace that both walks have."""
        layers, units = self.layers, max([*self.units, 1])
        return {
            "state": np.array([0, -1], dtype=np.int64),
            "hidden": np.zeros(self.all),
            "scaled": np.zeros(self.all),
            "active": np.zeros(self.all, dtype=np.int64),
            "sources": np.zeros((layers + 1, units + 1), dtype=np.int64),
            "counters": np.zeros((layers + 1, 4), dtype=np.int64),
            "rows": np.zeros(sum(self.rows)),
            "row_offsets": np.cumsum([0, *self.rows]),
            "prefix_sizes": np.array(self.sizes, dtype=np.int64),
            "folds": np.zeros(self.total),
            "fold_offsets": np.cumsum([0, *(u * w for u, w in zip(self.units, self.widths, strict=True))]),
            "fold_widths": np.array(self.widths, dtype=np.int64),
            "values": np.zeros(max(self.widths) + self.each * self.widest),
            "kept_rows": np.zeros(self.each * (units + 1) * self.widest),
            "doubtful": np.zeros(layers, dtype=np.bool_),
        }


def folds(prepared: Prepared, first: int, each: int) -> Folds:
    """Return the sizes for the hidden layers from ``first`` on."""
    problem = prepared.problem
    dropped = [problem.rates[l] > 0 for l in range(first, len(problem.weights) - 1)]
    return Folds(problem.widths[first:], problem.outputs, dropped, each)


def chunked_items(
    leaves: Array, active: Array, per_chunk: float, most: int
) -> tuple[Array, tuple[Chunk, ...], tuple[int, ...]]:
    """Return items (example, bits, prefix), the chunks as ranges of items, and the leaves of each chunk.

    ``active`` counts the units of each example whose masks may be cut, ``most`` items at most into which one is cut.
    The grid is a function of the problem alone.
    """
    items: list[tuple[int, int, int]] = []
    chunks: list[Chunk] = []
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
    return np.array(items, dtype=np.int64), tuple(chunks), tuple(weights)


def add_deeper_layers(problem: Problem, first: int, total: Array, weights: list[Array], biases: list[Array]) -> None:
    """Add what was folded for the layers above ``first``: a doubt, ∂w and ∂b of the outputs, then layer by layer."""
    outputs, last = problem.outputs, len(problem.weights) - 1
    cut = 1 + outputs * problem.widths[-1]
    weights[-1] += total[1:cut].reshape(outputs, -1)
    biases[-1] += total[cut : cut + outputs]
    cut += outputs
    for l in range(last - 1, first, -1):
        n, m = problem.widths[l], problem.widths[l + 1]
        weights[l] += total[cut : cut + n * m].reshape(n, m).T
        biases[l] += total[cut + n * m : cut + n * m + m]
        cut += (n + 1) * m
