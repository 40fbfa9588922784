"""A setting as the kernels of the walk read it: one array of integers and one of floats, prepared once."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import SLACK, grid_exponent
from exactdropout.numeric.float64.problem import Setting, rate_numbers
from exactdropout.numeric.kernels.walk import layout
from exactdropout.numeric.kernels.walk.layout import block_space

__all__ = ["MAX_UNITS", "NO_GRID", "Packed", "Sizes", "block_weights", "flattened", "pack", "room"]

LANES, GROUP = 8, 4
"""Rows are whole vectors of 8 numbers, and each output has a multiple of 4 of them."""

MAX_UNITS = 60
"""Most units of one layer whose subsets are walked: their count fits an int64, and no budget reaches it."""

MOST_ROWS = 1 << 12
"""Most rows of the walk whose sums over sets are tabled, two kilobytes for each."""

NO_GRID = -(1 << 20)


class Sizes(NamedTuple):
    """Sizes of what goes with a plan, which widths and the number of examples decide."""

    numbers: int
    networks: tuple[int, int, int]
    """A row of tables, a row of groups and a record."""
    work: int
    result: int
    workspace: tuple[int, int]
    """Integers and floats of a walk's workspace."""
    outputs: int
    examples: int
    walked: bool
    one_layer: bool
    """Whether one layer with relu is walked, by blocks in which units are decided."""


class Packed(NamedTuple):
    """What :mod:`exactdropout.numeric.kernels.walk.layout` describes, and the sizes of what goes with it."""

    plan: Array
    numbers: Array
    sizes: Sizes
    grid: int
    """The largest g such that every input is a multiple of 2^g, NO_GRID where one was rounded."""


def pack(setting: Setting) -> Packed:
    """Return the arrays of a setting."""
    own = slice(setting.first, setting.first + 1)  # empty where nothing is walked
    relu = setting.slopes[own] == (0.0,) == setting.slope_errors[own]
    plan, sizes = _shape(setting.architecture.widths, setting.dropped, setting.exponents, setting.examples, relu)
    plan = plan.copy()
    plan[layout.GRID] = grid = NO_GRID if setting.inexact else grid_exponent(setting.inputs)
    numbers = room(sizes.numbers)
    pairs = tuple([(q.numerator, q.denominator) for q in setting.rates])
    rates, weights = _rate_numbers(setting.slopes, setting.slope_errors, pairs)
    parts = (
        rates, setting.inputs.reshape(-1), setting.input_errors.reshape(-1), setting.labels.reshape(-1),
        setting.label_errors.reshape(-1), setting.chances, weights,
    )  # fmt: skip
    np.concatenate(parts, out=numbers)
    return Packed(plan=plan, numbers=numbers, sizes=sizes, grid=grid)


@lru_cache(maxsize=64)
def _rate_numbers(
    slopes: tuple[float, ...], slope_errors: tuple[float, ...], rates: tuple[tuple[int, int], ...]
) -> tuple[Array, Array]:
    """Return what stands before the examples, and the probabilities that stand after them."""
    found, last = [rate_numbers(*q) for q in rates], len(rates) - 1
    keep, drop, inverse = ([getattr(q, name) for q in found] for name in ("keep", "drop", "inverse_keep"))
    scales = [q.inverse_keep * SLACK if q.dropped and l < last else 1.0 for l, q in enumerate(found)]
    before = [*slopes, 0.0, *slope_errors, 0.0, *keep, *drop, *inverse, *scales, found[-1].cumulants[0]]
    weights = [block_weights(units, keep[last - 1], drop[last - 1]) for units in (layout.LOW, layout.MIDDLE)]
    return freeze(np.array(before)), freeze(np.concatenate(weights))


@lru_cache(maxsize=64)
def _shape(
    widths: tuple[int, ...], dropped: tuple[bool, ...], exponents: tuple[int, ...], examples: int, relu: bool
) -> tuple[Array, Sizes]:
    """Return the plan of all settings with these widths and this many examples, and the sizes of what goes with it."""
    depth, outputs, m = len(widths) - 1, widths[-1], examples
    last = depth - 1
    first = next((l for l in range(last) if dropped[l]), last)
    layers = range(first, last)
    sizes = [a * b for a, b in itertools.pairwise(widths)]
    rows = [[0] * (depth + 1) for _ in range(12)]
    rows[layout.WIDTHS] = list(widths)
    rows[layout.UNITS] = [0, *itertools.accumulate(widths[:-1])]
    rows[layout.WEIGHTS] = [0, *itertools.accumulate(sizes)]
    rows[layout.BIASES] = list(itertools.accumulate(widths[1:], initial=sum(sizes)))
    most = max([min(widths[l], MAX_UNITS) for l in layers if dropped[l]], default=1)
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
    for l in range(last):
        if dropped[l]:
            rows[layout.EXPONENTS][l] = exponents[l]
            rows[layout.DROPPED][l] = 1
    begins = [own, own + own_rows, own + own_rows + folds]
    for l in layers:
        rows[layout.ROWS][l] += begins[0]
        rows[layout.FOLDS][l] += begins[1]
    begins += [begins[2] + LANES * stride, begins[2] + LANES * stride + (stride << layout.MIDDLE)]
    space = begins[-1] + 6 * LANES
    one_layer = relu and len(layers) == 1 and stride <= MOST_ROWS
    blocks = [(bits + 1) << bits for bits in (layout.LOW, layout.MIDDLE)]
    parts = [2 * depth, *[depth] * 4, 1, *[m * widths[0]] * 2, *[m * outputs] * 2, m, *blocks]
    at = [0, *itertools.accumulate(parts)]
    groups, record = 2 * outputs + 2 * depth + 1, layout.record_size(widths[first], widths[last], outputs)
    result = 2 * (5 + outputs) + 6 * m * outputs + 8 * m + 1
    levels = sum(widths[l] for l in layers if dropped[l]) + 24
    header = [
        depth, first, levels, NO_GRID, m, outputs, most, sum(sizes) + sum(widths[1:]), tables + stride, groups, record,
        result, tables, at[0], at[1], *at[5:13], *begins,
        -(-widths[last] // GROUP) + 12 if one_layer else 0,
    ]  # fmt: skip
    plan = np.array([*header, *itertools.chain.from_iterable(rows)], dtype=np.int64)
    return freeze(plan), Sizes(
        numbers=at[-1],
        networks=(tables + stride, groups, record),
        work=5 * (sum(widths[:-1]) + outputs),
        result=result,
        workspace=block_space(most, stride, outputs) if one_layer else (len(layers) * (most + 6), space),
        outputs=outputs,
        examples=m,
        walked=first < last,
        one_layer=one_layer,
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
    parts = [w.ravel() for w in network.weights]
    parts += [_zeros(len(w)) if b is None else b for w, b in zip(network.weights, network.biases, strict=True)]
    return np.concatenate(parts)


@lru_cache(maxsize=64)
def _zeros(count: int) -> Array:
    return freeze(np.zeros(count))


def room(size: int) -> Array:
    """Return an array that begins at a cache line."""
    raw = np.empty(size + 7)
    shift = -raw.ctypes.data % 64 // 8
    return raw[shift : shift + size]


def _whole(width: int) -> int:
    return max(1, -(-width // LANES)) * LANES
