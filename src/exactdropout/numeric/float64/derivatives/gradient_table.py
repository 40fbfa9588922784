"""∂J_D/∂W of a float64 network with one hidden layer: one pass over the masks of the inputs, block by block."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.derivatives.prepared import TINY, Prepared, bounded_gradient, views
from exactdropout.numeric.float64.derivatives.table_items import (
    ITEM_BITS,
    MOST_BYTES,
    TableItems,
    table_items,
)
from exactdropout.numeric.float64.packed import room
from exactdropout.numeric.float64.problem import Problem, active_inputs
from exactdropout.numeric.kernels.gradient.layout import Layer
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = [
    "BlockItems",
    "block_kernels",
    "table_estimate",
    "table_gradient",
    "table_rounding",
]

STEP_MASKS = 2.0**23


def table_estimate(problem: Problem) -> Estimate:
    """Return masks, cost and memory: a third of a nanosecond for each mask and unit, measured on a 3 GHz x86 core."""
    active = active_inputs(problem.inputs)
    masks = float(sum([1 << units for units in active]))
    below, outputs, width = problem.widths[1], problem.outputs, problem.widths[0]
    each = problem.examples * below * (300.0 + 20.0 * outputs * width)
    rows = 8.0 * (outputs + 1) * below * (1 + width) * problem.examples
    items = min(MOST_BYTES, rows * 2.0 ** max(0, max(active) - ITEM_BITS))
    return Estimate(visited=masks, cost=masks * outputs * (0.3 + 0.15 * below) + each + 1e5, memory=items + 1e6)


def table_gradient(network: Network, prepared: Prepared, runner: Runner) -> Gradient:
    """Return the gradient with bounds that contain every exact entry; the derivative at a kink is the slope."""
    kernels = block_kernels()
    problem, rows = prepared.problem, prepared.rows
    m, below = problem.examples, problem.widths[1]
    layer = Layer(
        prepared.weights[0], prepared.biases[0], prepared.weights[1], problem.slopes[0], float(problem.keep[0]),
        float(problem.drop[0]), float(problem.inverse_keep[0]), float(problem.cumulants[0]),
    )  # fmt: skip
    constants = np.repeat((problem.biases[1] - rows.labels)[:, :, None], 2, axis=2)
    table = prepared.ordered.table or table_items(problem, rows.inputs)
    sums = _sums(problem, table, (layer, rows.inputs, constants, prepared.thresholds(0)), runner)
    entries = np.zeros(sum(w.size for w in problem.weights) + below + problem.outputs)
    slopes, vectors = views(entries, problem)
    doubts, rounding = np.empty((m, below)), block_rounding(problem, table)
    arguments: tuple[Any, ...] = (
        layer, rows, constants, table.items, sums, np.empty((3, below)), kernels.Slopes(*slopes, *vectors), doubts,
        rounding,
    )  # fmt: skip
    kernels.layer_gradients(*arguments)
    return bounded_gradient(network, prepared, entries, doubts, table_rounding(problem, table))


class Kernels(NamedTuple):
    """What is called of the kernels' room, in the order of the calls."""

    row_size: Callable[..., int]
    block_space: Callable[..., tuple[int, int]]
    block_sums: Callable[..., int]
    add_items: Callable[..., None]
    Slopes: Callable[..., Any]
    layer_gradients: Callable[..., None]


@cache
def block_kernels() -> Kernels:
    """Return the kernels; Numba is loaded by the first call, and later ones skip the import statements."""
    from exactdropout.numeric.kernels.gradient.blocks import block_space, block_sums, row_size
    from exactdropout.numeric.kernels.gradient.one_layer import Slopes, add_items, layer_gradients

    return Kernels(row_size, block_space, block_sums, add_items, Slopes, layer_gradients)


def block_rounding(problem: Problem, table: TableItems) -> float:
    """Return how many roundings a sum over masks meets at most, beside those of its terms' pre-activations."""
    return _block_rounding(table.most, table.least_bits, table.most_bits)


@lru_cache(maxsize=256)
def _block_rounding(count: int, least_bits: int, most_bits: int) -> float:
    from exactdropout.numeric.kernels.gradient.blocks import MIDDLE
    from exactdropout.numeric.kernels.simd.masked import BLOCK

    others = max(0, count - least_bits - BLOCK)
    return 2.0 * count + 2.0 ** min(others, MIDDLE) + 2.0 ** max(0, others - MIDDLE) + most_bits + 24.0


def table_rounding(problem: Problem, table: TableItems) -> tuple[float, float, float, float]:
    """Return what the sums over masks add to the errors; docs/error-bounds.md, step 8b, counts."""
    sums, inverse_keep = block_rounding(problem, table), float(problem.inverse_keep[0])
    return _roundings(problem.widths[1], problem.outputs, table.most, sums, inverse_keep, problem.slopes[0])


@lru_cache(maxsize=256)
def _roundings(
    below: int, outputs: int, count: int, sums: float, inverse_keep: float, slope: float
) -> tuple[float, float, float, float]:
    output = count + 2.0 * below + 24.0
    lost = TINY * 64.0 * 2.0**count * (count + below + outputs + 8.0) * (1.0 + inverse_keep)
    size = abs(slope)
    steep, spread = max(1.0, size), 1.0 + size
    parts = max(size + abs(1.0 - slope), size**2 + abs(1.0 - size**2)) / steep
    return 2.0 * (spread / steep) ** 2 * (2.0 * sums + output), lost, max(1.0, parts) * (1.0 + 2.0**-30), 1.0


def _sums(problem: Problem, table: TableItems, common: tuple[Any, ...], runner: Runner) -> Array:
    """Return the sums over masks, those of each example in the row of its first item."""
    shape = (problem.widths[0], problem.widths[1], problem.outputs)
    if table.linear:  # φ′ is constant: the sums are multiplied by 0
        return np.zeros((len(table.items), block_kernels().row_size(*shape)))
    payload = {"common": common, "items": table.items, "shape": shape}
    work = Work(name="gradient", begin=BlockItems, payload=payload, chunks=table.chunks, weights=table.weights)
    found = runner.run(work)
    sums = found[0] if len(found) == 1 else np.concatenate(found)
    if len(table.items) > problem.examples:
        summed: tuple[Any, ...] = (table.items, sums)
        block_kernels().add_items(*summed)
    return sums


class BlockItems:
    """The pass over the masks of one range of items."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: one row of results for each item."""
        items, shape, kernels = payload["items"][slice(*chunk)], payload["shape"], block_kernels()
        integers, floats = kernels.block_space(*shape)
        self.result: Array = np.empty((len(items), kernels.row_size(*shape)))
        self._end, self._position = len(items), 0
        self._before: tuple[Any, ...] = (*payload["common"], items)
        self._space = np.empty(integers, dtype=np.int64), room(floats)

    def step(self) -> bool:
        """Run the items of one budget of masks."""
        arguments: tuple[Any, ...] = (*self._before, self._position, STEP_MASKS, *self._space, self.result)
        self._position = block_kernels().block_sums(*arguments)
        return self._position >= self._end
