"""∂J_D/∂W of a network with one hidden layer by the table kernel: one pass over the masks of the inputs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.derivatives.prepared import TINY, Prepared, bounded_gradient, views
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.strategy import Estimate
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = ["IndicatorItems", "applies", "table_estimate", "table_gradient"]

MOST_UNITS = 40
ITEM_BITS = 16
MOST_PREFIX_BITS = 14
MOST_BYTES = 2.0**27
CHUNK_MASKS = 2.0**22
STEP_MASKS = 2.0**23


def applies(problem: Problem) -> bool:
    """Return whether the network has one hidden layer, whose inputs are dropped, and few enough of them."""
    return len(problem.weights) == 2 and problem.rates[0] > 0 and problem.widths[0] <= MOST_UNITS


def table_estimate(problem: Problem) -> Estimate:
    """Return masks, cost and memory: a third of a nanosecond for each mask and unit, measured on a 3 GHz x86 core."""
    active = np.count_nonzero(problem.inputs, axis=1)
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
    from exactdropout.numeric.kernels.gradient.conditional_moments import conditional_moments, halves_of
    from exactdropout.numeric.kernels.gradient.one_layer import Slopes, active_columns, layer_gradients

    problem, rows = prepared.problem, prepared.rows
    weights, bias = prepared.weights[0], prepared.biases[0]
    m, width = rows.inputs.shape
    below, outputs = len(bias), problem.outputs
    columns, units, counts = np.empty((m, width, below)), np.empty((m, width), np.int64), np.empty(m, np.int64)
    active = Active(units, counts, columns)
    active_columns(rows.inputs, weights, float(problem.inverse_keep[0]), active)
    layer = Layer(
        weights, bias, prepared.weights[1], problem.slopes[0], float(problem.keep[0]), float(problem.drop[0]),
        float(problem.inverse_keep[0]), float(problem.cumulants[0]),
    )  # fmt: skip
    residuals = problem.biases[1] - rows.labels
    items, work = _work(problem, layer, active, residuals)
    indicators = _indicators(prepared, items, counts, work, runner)
    entries = np.zeros(weights.size + problem.weights[1].size + below + outputs)
    slopes, vectors = views(entries, problem)
    moments, doubts = np.empty((m, below, 1 + width)), np.empty((m, below))
    about: tuple[Any, ...] = (layer, active, 3.5 * prepared.thresholds(0), halves_of(width), moments, doubts)
    conditional_moments(*about)
    arguments: tuple[Any, ...] = (
        layer, rows, active, residuals, items, indicators, moments, np.empty((2, below)), Slopes(*slopes, *vectors),
        doubts,
    )  # fmt: skip
    layer_gradients(*arguments)
    return bounded_gradient(network, prepared, entries, doubts, _rounding(problem, int(counts.max()), items))


def _rounding(problem: Problem, count: int, items: Array) -> tuple[float, float, float, float]:
    """Return what the sums over masks add to the errors; docs/error-bounds.md, step 8b, counts."""
    from exactdropout.numeric.kernels.gradient.conditional_moments import BLOCK
    from exactdropout.numeric.kernels.gradient.indicators import LOW_BITS, MIDDLE_BITS

    below, outputs = problem.widths[1], problem.outputs
    outer = max(0, count - int(items[:, 1].min()) - LOW_BITS - MIDDLE_BITS)
    half = 2.0 ** ((count + 1) // 2)
    halves = 3.0 * count + 24.0 + 2.0 * (min(float(BLOCK), half) + half / BLOCK)
    table = 2.0 * count + 8.0 * 2.0**outer + 40.0 + int(items[:, 1].max())
    output = count + 2.0 * below + 24.0
    lost = TINY * 64.0 * 2.0**count * (count + below + outputs + 8.0) * (1.0 + float(problem.inverse_keep[0]))
    slope = abs(problem.slopes[0])
    steep, spread = max(1.0, slope), 1.0 + slope
    parts = max(slope + abs(1.0 - problem.slopes[0]), slope**2 + abs(1.0 - slope**2)) / steep
    return 2.0 * (spread / steep) ** 2 * (halves + table + output), lost, max(1.0, parts) * (1.0 + 2.0**-30), 1.0


def _indicators(prepared: Prepared, items: Array, counts: Array, work: Work | None, runner: Runner) -> Array:
    """Return Σ P r 1(z > 0), of each example in the row of its first item."""
    from exactdropout.numeric.kernels.gradient.one_layer import add_items

    problem = prepared.problem
    if work is None:  # φ′ is constant: the indicators are multiplied by 0
        return np.zeros((len(items), problem.outputs, problem.widths[1], 1 + problem.widths[0]))
    found = runner.run(work)
    indicators = found[0] if len(found) == 1 else np.concatenate(found)
    if len(items) > problem.examples:
        summed: tuple[Any, ...] = (items, counts, indicators)
        add_items(*summed)
    return indicators


def _work(problem: Problem, layer: Layer, active: Active, residuals: Array) -> tuple[Array, Work | None]:
    """Return the items (example, bits, prefix), and their work, None where φ is linear."""
    counts = active.counts
    below, outputs, width = problem.widths[1], problem.outputs, problem.widths[0]
    row = outputs * below * (1 + width)
    most = max(1.0, MOST_BYTES / (8.0 * row * problem.examples))
    linear = problem.slopes[0] == 1.0 and problem.slope_errors[0] == 0.0
    bits = np.minimum(np.clip(counts - ITEM_BITS, 0, MOST_PREFIX_BITS), int(np.log2(most))) * (not linear)
    grid = np.zeros((int((1 << bits).sum()), 3), dtype=np.int64)
    grid[:, 0] = np.repeat(np.arange(len(counts)), 1 << bits)
    grid[:, 1] = bits[grid[:, 0]]
    grid[:, 2] = np.arange(len(grid)) - np.repeat(np.cumsum(1 << bits) - (1 << bits), 1 << bits)
    ends = np.cumsum(np.exp2(counts[grid[:, 0]] - grid[:, 1]))
    cuts = np.flatnonzero(np.diff(np.floor(ends / CHUNK_MASKS), prepend=0.0)) + 1
    bounds = [0, *cuts.tolist(), *([] if len(cuts) and cuts[-1] == len(grid) else [len(grid)])]
    chunks: list[Chunk] = list(itertools.pairwise(bounds))
    weights = [int(ends[end - 1] - (ends[begin - 1] if begin else 0.0)) for begin, end in chunks]
    if linear:
        return grid, None
    payload = {
        "common": (layer, active, residuals),
        "items": grid,
        "shape": (outputs, below, 1 + width),
    }
    return grid, Work(
        name="gradient", begin=IndicatorItems, payload=payload, chunks=tuple(chunks), weights=tuple(weights)
    )


class IndicatorItems:
    """The table kernel on one range of items."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: one row of results for each item and output."""
        from exactdropout.numeric.kernels.gradient.indicators import indicator_space

        items, shape = payload["items"][slice(*chunk)], payload["shape"]
        self.result: Array = np.empty((len(items), *shape))
        self._end, self._position = len(items) * int(shape[0]), 0
        self._before: tuple[Any, ...] = (*payload["common"], items)
        self._space = indicator_space(shape[1])

    def step(self) -> bool:
        """Run the items of one budget of masks."""
        from exactdropout.numeric.kernels.gradient.indicators import indicator_sums

        arguments: tuple[Any, ...] = (*self._before, self._position, STEP_MASKS, self._space, self.result)
        self._position = indicator_sums(*arguments)
        return self._position >= self._end
