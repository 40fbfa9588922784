"""∂J_D/∂W of a network with one hidden layer by the table kernel: one pass over the masks of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.derivatives.prepared import TINY, Prepared, bounded_gradient, views
from exactdropout.numeric.float64.derivatives.table_items import (
    ITEM_BITS,
    MOST_BYTES,
    TableItems,
    table_items,
)
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = [
    "IndicatorItems",
    "fill_moments",
    "table_estimate",
    "table_gradient",
    "table_kernels",
    "table_rounding",
]

STEP_MASKS = 2.0**23


def table_estimate(problem: Problem) -> Estimate:
    """Return masks, cost and memory: a third of a nanosecond for each mask and unit, measured on a 3 GHz x86 core."""
    active = (problem.inputs != 0).sum(axis=1)  # a third of what count_nonzero along an axis takes
    masks = float(np.exp2(active).sum())
    below, outputs, width = problem.widths[1], problem.outputs, problem.widths[0]
    halves = float(np.exp2((active + 1) // 2).sum()) * 25.0 * below
    each = problem.examples * below * (300.0 + 20.0 * outputs * width)
    rows = 8.0 * outputs * below * (1 + width) * problem.examples
    items = min(MOST_BYTES, rows * 2.0 ** max(0, int(active.max()) - ITEM_BITS))
    memory = items + 8.0 * problem.examples * width * below + 2.0 ** (int(active.max()) / 2) * 100.0
    return Estimate(visited=masks, cost=masks * outputs * (0.5 + 0.33 * below) + halves + each + 1e5, memory=memory)


def table_gradient(network: Network, prepared: Prepared, runner: Runner) -> Gradient:
    """Return the gradient with bounds that contain every exact entry; the derivative at a kink is the slope."""
    kernels = table_kernels()
    problem, rows = prepared.problem, prepared.rows
    weights, bias = prepared.weights[0], prepared.biases[0]
    m, width = rows.inputs.shape
    below, outputs = len(bias), problem.outputs
    columns, units, counts = np.empty((m, width, below)), np.empty((m, width), np.int64), np.empty(m, np.int64)
    active = Active(units, counts, columns)
    kernels.active_columns(rows.inputs, weights, float(problem.inverse_keep[0]), active)
    layer = Layer(
        weights, bias, prepared.weights[1], problem.slopes[0], float(problem.keep[0]), float(problem.drop[0]),
        float(problem.inverse_keep[0]), float(problem.cumulants[0]),
    )  # fmt: skip
    residuals = problem.biases[1] - rows.labels
    table = prepared.ordered.table or table_items(problem, rows.inputs)
    indicators = _indicators(problem, table, layer, active, residuals, runner)
    entries = np.zeros(weights.size + problem.weights[1].size + below + outputs)
    slopes, vectors = views(entries, problem)
    moments, doubts = np.empty((m, below, 1 + width)), np.empty((m, below))
    fill_moments(table, layer, active, 3.5 * prepared.thresholds(0), moments, doubts)
    arguments: tuple[Any, ...] = (
        layer, rows, active, residuals, table.items, indicators, moments, np.empty((2, below)),
        kernels.Slopes(*slopes, *vectors),
        doubts, _moment_roundings(table.most),
    )  # fmt: skip
    kernels.layer_gradients(*arguments)
    return bounded_gradient(network, prepared, entries, doubts, table_rounding(problem, table))


class Kernels(NamedTuple):
    """What is called of the kernels' room, in the order of the calls."""

    active_columns: Callable[..., None]
    indicator_space: Callable[..., Any]
    indicator_sums: Callable[..., int]
    Slopes: Callable[..., Any]
    moment_roundings: Callable[..., Array]
    layer_gradients: Callable[..., None]


@cache
def table_kernels() -> Kernels:
    """Return the kernels; Numba is loaded by the first call, and later ones skip the import statements."""
    from exactdropout.numeric.kernels.gradient.indicators import indicator_space, indicator_sums
    from exactdropout.numeric.kernels.gradient.one_layer import Slopes, active_columns, layer_gradients

    return Kernels(active_columns, indicator_space, indicator_sums, Slopes, _moment_roundings, layer_gradients)


def fill_moments(
    table: TableItems, layer: Layer, active: Active, thresholds: Array, moments: Array, near: Array
) -> None:
    """Fill in the conditional moments, by the kernel or the two that the numbers of active units ask for."""
    least, most, by_masks, room = _moment_kernel()
    if least <= table.most and table.fewest <= most:
        by_masks(*(layer, active, thresholds, room(), moments, near))
    if table.fewest < least or most < table.most:
        from exactdropout.numeric.kernels.gradient.sorted_halves import halves_of, moments_by_halves

        by_halves: Callable[..., None] = moments_by_halves
        by_halves(layer, active, thresholds, halves_of(table.most), moments, near)


@cache
def _moment_kernel() -> tuple[int, int, Callable[..., None], Callable[[], Any]]:
    from exactdropout.numeric.kernels.gradient.conditional_moments import (
        DIRECT,
        LEAST,
        conditional_moments,
        direct_space,
    )

    return LEAST, DIRECT, conditional_moments, direct_space


def table_rounding(problem: Problem, table: TableItems) -> tuple[float, float, float, float]:
    """Return what the sums over masks add to the errors; docs/error-bounds.md, step 8b, counts."""
    bits = (table.most, table.least_bits, table.most_bits)
    return _roundings(problem.widths[1], problem.outputs, *bits, float(problem.inverse_keep[0]), problem.slopes[0])


@lru_cache(maxsize=256)
def _roundings(
    below: int, outputs: int, count: int, least_bits: int, most_bits: int, inverse_keep: float, slope: float
) -> tuple[float, float, float, float]:
    from exactdropout.numeric.kernels.gradient.indicators import LOW_BITS, MIDDLE_BITS

    outer = max(0, count - least_bits - LOW_BITS - MIDDLE_BITS)
    moments = float(_moment_roundings(count).max())
    tables = 2.0 * count + 8.0 * 2.0**outer + 40.0 + most_bits
    output = count + 2.0 * below + 24.0
    lost = TINY * 64.0 * 2.0**count * (count + below + outputs + 8.0) * (1.0 + inverse_keep)
    size = abs(slope)
    steep, spread = max(1.0, size), 1.0 + size
    parts = max(size + abs(1.0 - slope), size**2 + abs(1.0 - size**2)) / steep
    return 2.0 * (spread / steep) ** 2 * (moments + tables + output), lost, max(1.0, parts) * (1.0 + 2.0**-30), 1.0


@lru_cache(maxsize=64)
def _moment_roundings(most: int) -> Array:
    """Return how many roundings a moment meets, for each number of active units."""
    from exactdropout.numeric.kernels.gradient.conditional_moments import moment_roundings

    return freeze(np.array([moment_roundings(units) for units in range(most + 1)]))


def _indicators(
    problem: Problem, table: TableItems, layer: Layer, active: Active, residuals: Array, runner: Runner
) -> Array:
    """Return Σ P r 1(z > 0), of each example in the row of its first item."""
    shape = (problem.outputs, problem.widths[1], 1 + problem.widths[0])
    if table.linear:  # φ′ is constant: the indicators are multiplied by 0
        return np.zeros((len(table.items), *shape))
    payload = {"common": (layer, active, residuals), "items": table.items, "shape": shape}
    work = Work(name="gradient", begin=IndicatorItems, payload=payload, chunks=table.chunks, weights=table.weights)
    found = runner.run(work)
    indicators = found[0] if len(found) == 1 else np.concatenate(found)
    if len(table.items) > problem.examples:
        from exactdropout.numeric.kernels.gradient.one_layer import add_items

        summed: tuple[Any, ...] = (table.items, active.counts, indicators)
        add_items(*summed)
    return indicators


class IndicatorItems:
    """The table kernel on one range of items."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: one row of results for each item and output."""
        items, shape = payload["items"][slice(*chunk)], payload["shape"]
        self.result: Array = np.empty((len(items), *shape))
        self._end, self._position = len(items) * int(shape[0]), 0
        self._before: tuple[Any, ...] = (*payload["common"], items)
        self._space = table_kernels().indicator_space(shape[1])

    def step(self) -> bool:
        """Run the items of one budget of masks."""
        arguments: tuple[Any, ...] = (*self._before, self._position, STEP_MASKS, self._space, self.result)
        self._position = table_kernels().indicator_sums(*arguments)
        return self._position >= self._end
