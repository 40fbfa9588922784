"""A setting as the kernels of the walk read it: one array of integers and one of floats, prepared once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import SLACK, grid_exponent
from exactdropout.numeric.float64.problem import Setting
from exactdropout.numeric.kernels.walk import layout

__all__ = ["MAX_UNITS", "Packed", "aligned", "block_weights", "flattened", "pack", "room"]

LANES, GROUP = 8, 4
"""Rows are whole vectors of 8 numbers, and each output has a multiple of 4 of them."""

MAX_UNITS = 60
"""Most units of one layer whose subsets are walked: their count fits an int64, and no budget reaches it."""

NO_GRID = -(1 << 20)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What :mod:`exactdropout.numeric.kernels.walk.layout` describes, and the sizes of what goes with it."""

    plan: Array
    numbers: Array
    networks: tuple[int, int, int]
    """Sizes of a row of tables, of a row of groups and of a record."""
    work: int
    result: int
    workspace: tuple[int, int]
    """Integers and floats of a walk's workspace."""
    outputs: int
    examples: int
    walked: bool


def pack(setting: Setting) -> Packed:
    """Return the arrays of a setting."""
    widths = setting.architecture.widths
    depth, outputs, m, first = len(widths) - 1, widths[-1], setting.examples, setting.first
    last = depth - 1
    layers = range(first, last)
    sizes = [a * b for a, b in itertools.pairwise(widths)]
    rows = [[0] * (depth + 1) for _ in range(12)]
    rows[layout.WIDTHS] = list(widths)
    rows[layout.UNITS] = [0, *itertools.accumulate(widths[:-1])]
    rows[layout.WEIGHTS] = [0, *itertools.accumulate(sizes)]
    rows[layout.BIASES] = list(itertools.accumulate(widths[1:], initial=sum(sizes)))
    most = max([min(widths[l], MAX_UNITS) for l in layers if setting.rates[l].numerator], default=1)
    tables = own = own_rows = stride = 0
    folds = LANES * outputs
    for l in layers:
        stride = _whole(widths[l + 1] if l < last - 1 else outputs * (-(-widths[last] // GROUP) * GROUP))
        rows[layout.STRIDES][l] = stride
        rows[layout.COLUMNS][l], rows[layout.BASES][l] = tables, tables + widths[l] * stride
        tables += (widths[l] + 1) * stride
        rows[layout.OWN][l], rows[layout.ROWS][l], rows[layout.FOLDS][l] = own, own_rows, folds
        own, own_rows = own + (most + 2) * stride, own_rows + (most + 1) * stride
        folds += (most + 1) * LANES * outputs
    scales = [1.0] * depth
    for l in range(last):
        if setting.rates[l].numerator:
            rows[layout.EXPONENTS][l] = setting.exponents[l]
            rows[layout.DROPPED][l] = 1
            scales[l] = float(setting.inverse_keep[l]) * SLACK
    keep, drop = float(setting.keep[last - 1]), float(setting.drop[last - 1])
    parts = [
        np.array([*setting.slopes, 0.0, *setting.slope_errors, 0.0]), setting.keep, setting.drop, setting.inverse_keep,
        np.array(scales), setting.cumulants[:1], setting.inputs, setting.input_errors, setting.labels,
        setting.label_errors, setting.chances, block_weights(layout.LOW, keep, drop),
        block_weights(layout.MIDDLE, keep, drop),
    ]  # fmt: skip
    at = [0, *itertools.accumulate(part.size for part in parts)]
    groups, record = 2 * outputs + 2 * depth + 1, layout.record_size(widths[first], widths[last], outputs)
    result = 2 * (5 + outputs) + 6 * m * outputs + 8 * m + 1
    begins = [own, own + own_rows, own + own_rows + folds]
    begins += [begins[2] + LANES * stride, begins[2] + LANES * stride + (stride << layout.MIDDLE)]
    space = begins[-1] + 6 * LANES
    counts = [0, 5 * len(layers), len(layers) * (most + 6)]
    levels = sum(widths[l] for l in layers if setting.rates[l].numerator) + 24
    grid = NO_GRID if setting.input_errors.any() else grid_exponent(setting.inputs)
    header = [
        depth, first, levels, grid, m, outputs, most, sum(sizes) + sum(widths[1:]), tables + stride, groups, record,
        result, tables, at[0], at[1], *at[5:13], *begins, space, *counts,
    ]  # fmt: skip
    return Packed(
        plan=np.array([*header, *itertools.chain.from_iterable(rows)], dtype=np.int64),
        numbers=aligned(parts),
        networks=(tables + stride, groups, record),
        work=5 * (sum(widths[:-1]) + outputs),
        result=result,
        workspace=(counts[-1], space),
        outputs=outputs,
        examples=m,
        walked=first < last,
    )


@lru_cache(maxsize=64)
def block_weights(units: int, keep: float, drop: float) -> Array:
    """Return the probabilities of the masks of k units from k·2^units on, k ≤ ``units``, filled up with zeros.

    Bit i of a mask says whether unit i is kept.
    """
    row, numbers = [1.0], []
    for k in range(units + 1):
        numbers += [*row, *[0.0] * ((1 << units) - (1 << k))]
        row = [p * drop for p in row] + [p * keep for p in row]
    return freeze(np.array(numbers))


def flattened(network: Network) -> Array:
    """Return weights and biases of a float64 network as one row of ``values``; zeros where a layer has no biases."""
    biases = (np.zeros(len(w)) if b is None else b for w, b in zip(network.weights, network.biases, strict=True))
    return np.concatenate([*(w.reshape(-1) for w in network.weights), *biases])


def aligned(parts: Sequence[Array]) -> Array:
    """Return the parts one after another, beginning at a cache line, where a whole vector is read at once."""
    result = room(sum(p.size for p in parts))
    np.concatenate([p.reshape(-1) for p in parts], out=result)
    return result


def room(size: int) -> Array:
    """Return an array that begins at a cache line."""
    raw = np.empty(size + 7)
    shift = -raw.ctypes.data % 64 // 8
    return raw[shift : shift + size]


def _whole(width: int) -> int:
    return max(1, -(-width // LANES)) * LANES
