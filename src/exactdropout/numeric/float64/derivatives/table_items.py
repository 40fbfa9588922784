"""How the gradient of one hidden layer divides its work: by the examples alone, so once for all networks."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem, active_inputs
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.runs.work import Chunk

__all__ = ["ITEM_BITS", "MOST_BYTES", "TableItems", "applies", "table_items"]

MOST_UNITS = 40
ITEM_BITS = 16
MOST_PREFIX_BITS = 14
MOST_BYTES = 2.0**27
CHUNK_MASKS = 2.0**22


class TableItems(NamedTuple):
    """Items (example, bits, prefix), one chunk of them after another with its masks, and extremes of all of them.

    ``linear`` says that φ has no kink, so that there is nothing to sum; ``fewest`` and ``most`` are active units of an
    example, ``least_bits`` and ``most_bits`` those of an item.
    """

    items: Array
    chunks: tuple[Chunk, ...]
    weights: tuple[int, ...]
    linear: bool
    fewest: int
    most: int
    least_bits: int
    most_bits: int


def applies(problem: Problem) -> bool:
    """Return whether the network has one hidden layer, whose inputs are dropped, and few enough of them.

    Interpreted code has no vectors and takes the gradient walk.
    """
    if interpreted():
        return False
    return len(problem.weights) == 2 and problem.rates[0].numerator != 0 and problem.widths[0] <= MOST_UNITS


def table_items(problem: Problem, inputs: Array) -> TableItems:
    """Return the items for these inputs, those of the problem in the order in which they are taken."""
    active = active_inputs(inputs)
    linear = problem.slopes[0] == 1.0 and problem.slope_errors[0] == 0.0
    fewest, largest, masks = min(active), max(active), float(sum([1 << units for units in active]))
    if largest <= ITEM_BITS and masks < CHUNK_MASKS:  # an item for each example, and one chunk
        items = np.zeros((len(active), 3), dtype=np.int64)
        items[:, 0] = np.arange(len(active))
        return TableItems(items, ((0, len(active)),), (int(masks),), linear, fewest, largest, 0, 0)
    counts = np.array(active)
    row = (problem.outputs + 1) * problem.widths[1] * (1 + problem.widths[0])
    most = max(1.0, MOST_BYTES / (8.0 * row * problem.examples))
    bits = np.minimum(np.clip(counts - ITEM_BITS, 0, MOST_PREFIX_BITS), int(np.log2(most))) * (not linear)
    items = np.zeros((int((1 << bits).sum()), 3), dtype=np.int64)
    items[:, 0] = np.repeat(np.arange(len(counts)), 1 << bits)
    items[:, 1] = bits[items[:, 0]]
    items[:, 2] = np.arange(len(items)) - np.repeat(np.cumsum(1 << bits) - (1 << bits), 1 << bits)
    ends = np.cumsum(np.exp2(counts[items[:, 0]] - items[:, 1]))
    cuts = np.flatnonzero(np.diff(np.floor(ends / CHUNK_MASKS), prepend=0.0)) + 1
    bounds = [0, *cuts.tolist(), *([] if len(cuts) and cuts[-1] == len(items) else [len(items)])]
    chunks: list[Chunk] = list(itertools.pairwise(bounds))
    weights = [int(ends[end - 1] - (ends[begin - 1] if begin else 0.0)) for begin, end in chunks]
    return TableItems(
        items=items,
        chunks=tuple(chunks),
        weights=tuple(weights),
        linear=linear,
        fewest=fewest,
        most=largest,
        least_bits=int(bits.min()),
        most_bits=int(bits.max()),
    )
