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
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import LARGEST
from exactdropout.numeric.float64.derivatives.gradient_nested import (
    CHUNK_PAIRS,
    lane_weights,
    nested_applies,
    nested_rounding,
)
from exactdropout.numeric.float64.derivatives.gradient_table import block_rounding, table_rounding
from exactdropout.numeric.float64.derivatives.prepared import Ordered
from exactdropout.numeric.float64.derivatives.table_items import TableItems, applies
from exactdropout.numeric.float64.packed import LANES
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.kernels.gradient.layout import Layers, Reach
from exactdropout.numeric.result import EntryBounds, Gradient, filled

__all__ = ["AtOnce", "at_once"]


def at_once(problem: Problem, ordered: Ordered) -> AtOnce | None:
    """Return what makes gradients at once for networks of this architecture, None where it takes more than that."""
    kinked = all(slope != 1.0 for slope in problem.slopes)
    if not kinked:
        return None
    if applies(problem):
        table = ordered.table
        return None if table is None or len(table.chunks) > 1 else BlocksAtOnce(problem, ordered, table)
    if not nested_applies(problem) or ordered.lost.any():
        return None
    width, below, n = problem.widths
    return NestedAtOnce(problem, ordered) if problem.examples * (n << (width + below)) <= CHUNK_PAIRS else None


class AtOnce:
    """Gradients of the networks of one architecture on the same few examples; makes one for each row of weights."""

    def __init__(self, problem: Problem, ordered: Ordered, rounding: tuple[float, float, float, float]) -> None:
        """Keep the shapes of all parts, and what the kernels read beside weights."""
        from exactdropout.numeric.kernels.gradient.bounds import Rounding

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

    def __call__(self, network: Network, flat: Array, about: Array) -> tuple[Gradient, Array | None] | None:
        """Return the gradient of the network with these weights and biases, None where that takes the other way.

        Also what the walk folds, where the same pass makes it: ``about`` holds what :func:`~.kernels.walk.begin.begin`
        left of each example.
        """
        ordered, cut = self._ordered, self._cut
        net = Layers(ordered.places, flat[:cut], flat[cut:], ordered.slopes, *ordered.masks, self._kappa)
        both = np.zeros((2, self._size))
        made, folded = self._made(net, flat, about, both)
        if not made:
            return None
        both.setflags(write=False)
        fields: list[dict[str, Any]] = []
        for row in both:
            weights, biases = self._views(row)
            own = tuple([b if given is not None else None for b, given in zip(biases, network.biases, strict=True)])
            fields.append({"weights": tuple(weights), "biases": own})
        return filled(Gradient, {**fields[0], "error_bounds": filled(EntryBounds, fields[1])}), folded

    def _views(self, flat: Array) -> tuple[list[Array], list[Array]]:
        weights = [flat[begin:end].reshape(shape) for begin, end, shape in self._weights]
        return weights, [flat[begin:end] for begin, end in self._biases]

    def _made(self, net: Layers, flat: Array, about: Array, both: Array) -> tuple[bool, Array | None]:
        """Write entries and bounds; return whether that could be done, and what the walk folds."""
        raise NotImplementedError


class BlocksAtOnce(AtOnce):
    """One hidden layer: value and gradient in one pass over the masks."""

    def __init__(self, problem: Problem, ordered: Ordered, table: TableItems) -> None:
        """Keep the items, and whether the pass makes the value too: that of a relu."""
        from exactdropout.numeric.kernels.gradient.at_once import one_layer_at_once

        super().__init__(problem, ordered, table_rounding(problem, table))
        self._kernel: Callable[..., bool] = one_layer_at_once
        self._before = (ordered.rows, ordered.grid, ordered.lost)
        self._after = (ordered.order, table.items, self._rounding, block_rounding(problem, table))
        self._folded = (problem.examples, LANES * problem.outputs)
        self._relu = problem.slopes[0] == 0.0 == problem.slope_errors[0]

    def _made(self, net: Layers, flat: Array, about: Array, both: Array) -> tuple[bool, Array | None]:
        folded = np.empty(self._folded)
        made = self._kernel(net, *self._before, about, *self._after, both, folded)
        return made, folded if self._relu else None


class NestedAtOnce(AtOnce):
    """Two hidden layers, by nested tables."""

    def __init__(self, problem: Problem, ordered: Ordered) -> None:
        """Keep numbers of the layers."""
        from exactdropout.numeric.kernels.gradient.bounds import entry_bounds, forward_bounds
        from exactdropout.numeric.kernels.gradient.two_layers import Nested, nested_examples

        super().__init__(problem, ordered, nested_rounding(problem))
        self._forward_bounds: Callable[..., float] = forward_bounds
        self._entry_bounds: Callable[..., float] = entry_bounds
        self._nested: Callable[..., Any] = Nested
        self._examples: Callable[..., None] = nested_examples
        below = problem.widths[1]
        slope, error = problem.slopes[0], problem.slope_errors[0]
        self._rates = (
            np.array(problem.slopes), problem.keep, problem.drop, problem.inverse_keep, float(problem.cumulants[0]),
            lane_weights(below, float(problem.keep[1]), float(problem.drop[1])), slope != 0.0 or error != 0.0,
        )  # fmt: skip

    def _made(self, net: Layers, flat: Array, about: Array, both: Array) -> tuple[bool, Array | None]:
        reach = Reach(*np.empty(self._units))
        grids = np.empty((2, self._depth), dtype=np.int64)
        rows = self._ordered.rows
        if not self._forward_bounds(net, rows, self._ordered.grid, grids, reach) < LARGEST:
            return False, None
        doubts = self._entries(flat, reach, both[0])
        if doubts is None:
            return False, None
        doubts[self._ordered.lost] = 1.0
        bounds, work, cut = both[1], np.empty(self._widest), self._cut
        arguments = (net, rows, reach, doubts, self._rounding, work, bounds[:cut], bounds[cut:])
        if not self._entry_bounds(*arguments) < LARGEST or not math.isfinite(float(np.abs(both).sum())):
            return False, None
        return True, None

    def _wrongs(self, reach: Reach, layer: int) -> Array:
        begin, width = self._ordered.places[1, layer + 1], self._ordered.places[0, layer + 1]
        part: Array = reach.wrongs[:, begin : begin + width]
        return part

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
