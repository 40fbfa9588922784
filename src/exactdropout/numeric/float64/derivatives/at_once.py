"""The gradient of problems of few masks: from a row of weights to a gradient, without a plan, a grid or a runner.

What depends on no network is prepared once. Kernels and their order, and so the bits, are those of
:mod:`.gradient_table` and :mod:`.gradient_nested`; where those would take more than one chunk, or leave the matter to
the walk, nothing is made at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import LARGEST
from exactdropout.numeric.float64.derivatives.gradient_nested import (
    CHUNK_PAIRS,
    lane_weights,
    nested_applies,
    nested_rounding,
)
from exactdropout.numeric.float64.derivatives.gradient_table import fill_moments, table_kernels, table_rounding
from exactdropout.numeric.float64.derivatives.prepared import Ordered
from exactdropout.numeric.float64.derivatives.table_items import applies
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels.gradient.layout import Active, Layer, Layers, Reach
from exactdropout.numeric.result import EntryBounds, Gradient, filled

__all__ = ["AtOnce", "at_once"]

BUDGET = 2.0**62


def at_once(problem: Problem, ordered: Ordered) -> AtOnce | None:
    """Return what makes gradients at once for networks of this architecture, None where it takes more than that."""
    kinked = all(slope != 1.0 for slope in problem.slopes)
    if not kinked:
        return None
    if applies(problem):
        table = ordered.table
        if table is None or len(table.chunks) > 1 or len(table.items) > problem.examples:
            return None
        return TableAtOnce(problem, ordered)
    if not nested_applies(problem) or ordered.lost.any():
        return None
    width, below, n = problem.widths
    return NestedAtOnce(problem, ordered) if problem.examples * (n << (width + below)) <= CHUNK_PAIRS else None


class AtOnce:
    """Gradients of the networks of one architecture on the same few examples; makes one for each row of weights."""

    def __init__(self, problem: Problem, ordered: Ordered, rounding: tuple[float, float, float, float]) -> None:
        """Keep the shapes of all parts, and what the kernels read beside weights."""
        from exactdropout.numeric.kernels.gradient.bounds import Rounding, entry_bounds, forward_bounds

        self._forward_bounds: Callable[..., float] = forward_bounds
        self._entry_bounds: Callable[..., float] = entry_bounds
        self._ordered, self._rounding = ordered, Rounding(*rounding)
        shapes = [w.shape for w in problem.weights]
        ends = [0, *itertools.accumulate(a * b for a, b in shapes)]
        self._weights = [
            (begin, end, shape) for (begin, end), shape in zip(itertools.pairwise(ends), shapes, strict=True)
        ]
        self._cut = ends[-1]
        ends = list(itertools.accumulate((a for a, _ in shapes), initial=self._cut))
        self._biases = list(itertools.pairwise(ends))
        self._size, self._depth = ends[-1], len(shapes)
        self._units = (4, problem.examples, int(ordered.places[1, -1]) + problem.outputs)
        self._widest = (4, max(*problem.widths, problem.outputs))
        self._kappa = float(problem.cumulants[0])

    def __call__(self, network: Network, flat: Array) -> Gradient | None:
        """Return the gradient of the network with these weights and biases; None where that takes the other way."""
        ordered, cut = self._ordered, self._cut
        net = Layers(ordered.places, flat[:cut], flat[cut:], ordered.slopes, *ordered.masks, self._kappa)
        reach = Reach(*np.empty(self._units))
        grids = np.empty((2, self._depth), dtype=np.int64)
        if not self._forward_bounds(net, ordered.rows, ordered.grid, grids, reach) < LARGEST:
            return None
        both = np.zeros((2, self._size))
        doubts = self._entries(flat, reach, both[0])
        if doubts is None:
            return None
        doubts[ordered.lost] = 1.0
        bounds, work = both[1], np.empty(self._widest)
        arguments = (net, ordered.rows, reach, doubts, self._rounding, work, bounds[:cut], bounds[cut:])
        if not self._entry_bounds(*arguments) < LARGEST or not math.isfinite(float(np.abs(both).sum())):
            return None
        freeze(both)
        fields: list[dict[str, Any]] = []
        for row in both:
            weights, biases = self._views(row)
            own = tuple([b if given is not None else None for b, given in zip(biases, network.biases, strict=True)])
            fields.append({"weights": tuple(weights), "biases": own})
        return filled(Gradient, {**fields[0], "error_bounds": filled(EntryBounds, fields[1])})

    def _views(self, flat: Array) -> tuple[list[Array], list[Array]]:
        weights = [flat[begin:end].reshape(shape) for begin, end, shape in self._weights]
        return weights, [flat[begin:end] for begin, end in self._biases]

    def _entries(self, flat: Array, reach: Reach, entries: Array) -> Array | None:
        """Write the entries; return the doubts."""
        raise NotImplementedError

    def _wrongs(self, reach: Reach, layer: int) -> Array:
        begin, width = self._ordered.places[1, layer + 1], self._ordered.places[0, layer + 1]
        part: Array = reach.wrongs[:, begin : begin + width]
        return part


class TableAtOnce(AtOnce):
    """One hidden layer, by the table kernel."""

    def __init__(self, problem: Problem, ordered: Ordered) -> None:
        """Keep numbers of the layer and sizes of the workspace."""
        assert ordered.table is not None
        self._table = ordered.table
        super().__init__(problem, ordered, table_rounding(problem, ordered.table))
        width, below = problem.widths
        m = problem.examples
        self._rates = (
            problem.slopes[0], float(problem.keep[0]), float(problem.drop[0]), float(problem.inverse_keep[0]),
            float(problem.cumulants[0]),
        )  # fmt: skip
        self._columns, self._active = (m, width, below), (m, width)
        self._indicators, self._moments = (m, problem.outputs, below, 1 + width), (m, below, 1 + width)

    def _entries(self, flat: Array, reach: Reach, entries: Array) -> Array:
        kernels, table, rows = table_kernels(), self._table, self._ordered.rows
        m, below = self._moments[:2]
        (first, second), (bias, output_bias) = self._views(flat)
        active = Active(np.empty(self._active, np.int64), np.empty(m, np.int64), np.empty(self._columns))
        layer = Layer(first, bias, second, *self._rates)
        kernels.active_columns(rows.inputs, first, layer.inverse_keep, active)
        residuals = output_bias - rows.labels
        indicators, moments, doubts = np.empty(self._indicators), np.empty(self._moments), np.empty((m, below))
        space = kernels.indicator_space(below)
        kernels.indicator_sums(layer, active, residuals, table.items, 0, BUDGET, space, indicators)
        fill_moments(table, layer, active, 3.5 * self._wrongs(reach, 0), moments, doubts)
        slopes, vectors = self._views(entries)
        arguments: tuple[Any, ...] = (
            layer, rows, active, residuals, table.items, indicators, moments, np.empty((2, below)),
            kernels.Slopes(*slopes, *vectors), doubts, kernels.moment_roundings(table.most),
        )  # fmt: skip
        kernels.layer_gradients(*arguments)
        return doubts


class NestedAtOnce(AtOnce):
    """Two hidden layers, by nested tables."""

    def __init__(self, problem: Problem, ordered: Ordered) -> None:
        """Keep numbers of the layers."""
        from exactdropout.numeric.kernels.gradient.two_layers import Nested, nested_examples

        super().__init__(problem, ordered, nested_rounding(problem))
        self._nested: Callable[..., Any] = Nested
        self._examples: Callable[..., None] = nested_examples
        below = problem.widths[1]
        slope, error = problem.slopes[0], problem.slope_errors[0]
        self._rates = (
            np.array(problem.slopes), problem.keep, problem.drop, problem.inverse_keep, float(problem.cumulants[0]),
            lane_weights(below, float(problem.keep[1]), float(problem.drop[1])), slope != 0.0 or error != 0.0,
        )  # fmt: skip

    def _entries(self, flat: Array, reach: Reach, entries: Array) -> Array | None:
        rows, m = self._ordered.rows, self._units[1]
        (first, second, third), (first_bias, second_bias, third_bias) = self._views(flat)
        net = self._nested(first, first_bias, second, second_bias, third, third_bias, *self._rates)
        found = np.empty((m, self._size + 1))
        self._examples(net, rows.inputs, rows.labels, self._wrongs(reach, 0), self._wrongs(reach, 1), 0, m, found)
        if found[:, -1].any():
            return None
        np.einsum("e,ek->k", rows.chances, found[:, :-1], out=entries, optimize=False)
        return np.zeros((m, 1))
