"""The gradient of problems of few masks: from a row of weights to a gradient, without a plan, a grid or a runner.

What depends on no network is prepared once. Kernels and their order, and so the bits, are those of
:mod:`.gradient_table` and :mod:`.gradient_nested`; where those would take more than one chunk, or leave the matter to
the walk, nothing is made at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array
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
from exactdropout.numeric.kernels.gradient.layout import Layers
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


@cache
def _kernels() -> tuple[Callable[..., Any], Callable[..., int], Callable[..., bool]]:
    """Return the kernels; Numba is loaded by the first call, and later ones skip the import statements."""
    from exactdropout.numeric.kernels.gradient.at_once import one_layer_at_once, two_layers_at_once
    from exactdropout.numeric.kernels.gradient.bounds import Rounding

    return Rounding, one_layer_at_once, two_layers_at_once


@lru_cache(maxsize=64)
def _parts(widths: tuple[int, ...]) -> tuple[list[tuple[int, int, tuple[int, int]]], list[tuple[int, int]]]:
    """Return where the weights of each layer begin and end in a flat array, with their shapes, and its biases."""
    shapes = [(below, above) for above, below in itertools.pairwise(widths)]
    ends = list(itertools.accumulate((a * b for a, b in shapes), initial=0))
    weights = [(begin, end, shape) for (begin, end), shape in zip(itertools.pairwise(ends), shapes, strict=True)]
    return weights, list(itertools.pairwise(itertools.accumulate(widths[1:], initial=ends[-1])))


class AtOnce:
    """Gradients of the networks of one architecture on the same few examples; makes one for each row of weights."""

    def __init__(self, problem: Problem, ordered: Ordered, rounding: tuple[float, float, float, float]) -> None:
        """Keep the shapes of all parts, and what the kernels read beside weights."""
        self._kernels = _kernels()
        self._ordered, self._rounding = ordered, self._kernels[0](*rounding)
        self._weights, self._biases = _parts((*problem.widths, problem.outputs))
        self._cut, self._size = self._biases[0][0], self._biases[-1][1]
        self._kappa = float(problem.cumulants[0])

    def __call__(self, network: Network, flat: Array, about: Array) -> tuple[Gradient, Array | None] | None:
        """Return the gradient of the network with these weights and biases, None where that takes the other way.

        Also what the walk folds, where the same pass makes it: ``about`` holds what :func:`~.kernels.walk.begin.begin`
        left of each example.
        """
        ordered, cut = self._ordered, self._cut
        net = Layers(ordered.places, flat[:cut], flat[cut:], ordered.slopes, *ordered.masks, self._kappa)
        both = np.zeros((2, self._size))
        made, folded = self._made(net, about, both)
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

    def _made(self, net: Layers, about: Array, both: Array) -> tuple[bool, Array | None]:
        """Write entries and bounds; return whether that could be done, and what the walk folds."""
        raise NotImplementedError


class BlocksAtOnce(AtOnce):
    """One hidden layer: value and gradient in one pass over the masks."""

    def __init__(self, problem: Problem, ordered: Ordered, table: TableItems) -> None:
        """Keep the items, and whether the pass makes the value too: that of a relu."""
        super().__init__(problem, ordered, table_rounding(problem, table))
        self._kernel = self._kernels[1]
        self._before = (ordered.rows, ordered.grid, ordered.lost)
        self._after = (ordered.order, table.items, self._rounding, block_rounding(problem, table))
        self._folded = (problem.examples, LANES * problem.outputs)
        self._relu = problem.slopes[0] == 0.0 == problem.slope_errors[0]

    def _made(self, net: Layers, about: Array, both: Array) -> tuple[bool, Array | None]:
        folded = np.zeros(self._folded)  # the kernel writes three numbers a vector and reads all
        made = self._kernel(net, *self._before, about, *self._after, both, folded)
        return made > 0, folded if self._relu and made == 2 else None


class NestedAtOnce(AtOnce):
    """Two hidden layers, by nested tables."""

    def __init__(self, problem: Problem, ordered: Ordered) -> None:
        """Keep what the kernel reads beside weights."""
        super().__init__(problem, ordered, nested_rounding(problem))
        self._kernel = self._kernels[2]
        lanes = lane_weights(problem.widths[1], float(problem.keep[1]), float(problem.drop[1]))
        faint = problem.slopes[0] != 0.0 or problem.slope_errors[0] != 0.0
        self._rest = (ordered.rows, ordered.grid, lanes, faint, self._rounding)

    def _made(self, net: Layers, about: Array, both: Array) -> tuple[bool, Array | None]:
        return self._kernel(net, *self._rest, both), None
