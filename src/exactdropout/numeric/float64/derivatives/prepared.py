"""What every derivative begins with: examples in one order, flat arrays, bounds of every layer; and how it ends."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import LARGEST, SLACK, grid_exponent
from exactdropout.numeric.float64.derivatives.table_items import TableItems, applies, table_items
from exactdropout.numeric.float64.packed import NO_GRID
from exactdropout.numeric.float64.problem import Problem, affine, out_of_range
from exactdropout.numeric.kernels.gradient.layout import Layers, Reach, Rows
from exactdropout.numeric.result import EntryBounds, Gradient, filled

__all__ = [
    "TINY",
    "Ordered",
    "Prepared",
    "bounded_gradient",
    "filled_derivative",
    "ordered_examples",
    "prepared_derivatives",
    "views",
]

TINY = 2.0**-1022
"""In place of η in the bounds of derivatives, as in their kernels."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A problem as the kernels of derivatives read it.

    The examples stand in an order of their own, by their numbers, so that sums over them have the same bits in
    whichever order they came. ``order`` says where each was; ``lost`` marks those with an input that was rounded to 0.
    """

    problem: Problem
    weights: list[Array]
    biases: list[Array]
    net: Layers
    rows: Rows
    reach: Reach
    ordered: Ordered

    @property
    def units(self) -> Array:
        """Where the units of each layer begin, inputs first, the outputs last."""
        units: Array = self.net.places[1]
        return units

    def of_layer(self, values: Array, layer: int) -> Array:
        """Return the columns of one layer's units (0 the inputs) of an array of ``reach``."""
        begin = self.net.places[1, layer]
        part: Array = values[:, begin : begin + self.net.places[0, layer]]
        return part

    def thresholds(self, layer: int) -> Array:
        """Return below which size the sign of a pre-activation is in doubt.

        A linear layer has no kink; but where more hidden layers follow, a computed 0 must not pass for an exact one.
        """
        wrongs, problem = self.of_layer(self.reach.wrongs, layer + 1), self.problem
        if problem.slopes[layer] != 1.0 or problem.slope_errors[layer] != 0.0:
            return wrongs
        smallest: Array = np.where(wrongs > 0, 2.0**-1074 if layer < len(problem.weights) - 2 else 0.0, 0.0)
        return smallest

    def faint(self, layer: int) -> bool:
        """Return whether φ(z) may be computed as 0 where it is not, and a later sign hangs on it.

        A relu is exactly 0 below 0; a small slope, or one that was rounded to 0, underflows.
        """
        slope, error = self.problem.slopes[layer], self.problem.slope_errors[layer]
        return (slope != 0.0 or error != 0.0) and layer < len(self.problem.weights) - 2

    def undropped(self, layer: int) -> tuple[list[Array], list[Array]]:
        """Return h_0, …, h_layer of every example, nothing dropped, and the pre-activations between them."""
        hidden, between = [self.rows.inputs], []
        for l in range(layer):
            z = affine(hidden[-1], self.problem.weights[l], self.problem.biases[l])
            between.append(z)
            hidden.append(np.where(z > 0, z, self.problem.slopes[l] * z))
        return hidden, between


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What derivatives need that depends on no network: examples in the order of their numbers, see :class:`Prepared`,
    what :class:`~.kernels.gradient.layout.Layers` holds beside weights,
    and the items of the pass over blocks."""

    rows: Rows
    order: Array
    lost: Array
    grid: int
    """The largest g such that every input is a multiple of 2^g, NO_GRID where one was rounded."""
    places: Array
    slopes: Array
    masks: tuple[Array, Array]
    table: TableItems | None


def ordered_examples(problem: Problem, grid: int | None = None) -> Ordered:
    """Return the examples in the order of the bits of all their numbers; those that are equal there are equal.

    ``grid`` is that of the inputs, NO_GRID where one was rounded, where it is known.
    """
    parts = (problem.inputs, problem.input_errors, problem.labels, problem.label_errors, problem.chances)
    rows = Rows(*[part if _own(part) else np.array(part, order="C") for part in parts])
    order = np.arange(problem.examples)
    if len(order) > 1:
        keys = np.column_stack([part.reshape(len(part), -1) + 0.0 for part in rows]).view(np.int64)
        order = np.lexsort(keys.T[::-1])
        rows = Rows(*(np.ascontiguousarray(part[order]) for part in rows))
    if grid is None:
        grid = NO_GRID if rows.input_errors.any() else grid_exponent(rows.inputs)
    if grid == NO_GRID:
        lost = ((rows.inputs == 0) & (rows.input_errors > 0)).any(axis=1)
    else:  # no input was rounded
        lost = np.zeros(len(rows.inputs), dtype=bool)
    return filled(
        Ordered,
        {
            "rows": rows,
            "order": order,
            "lost": lost,
            "grid": grid,
            "places": _places((*problem.widths, problem.outputs)),
            "slopes": np.array([[*problem.slopes, 0.0], [*problem.slope_errors, 0.0]]),
            "masks": _masks(tuple([(q.numerator, q.denominator) for q in problem.rates])),
            "table": table_items(problem, rows.inputs) if applies(problem) else None,
        },
    )


def _own(part: Array) -> bool:
    """Return whether a kernel can take the array as it is: read-only arrays are types of their own."""
    return bool(part.flags.writeable and part.flags.c_contiguous)


def prepared_derivatives(problem: Problem, examples: Ordered | None = None) -> Prepared:
    """Return the problem as the kernels of derivatives read it, with the bounds of every layer for every mask.

    ``examples`` are those of the problem, where they are ordered already.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    from exactdropout.numeric.kernels.gradient.bounds import forward_bounds

    ordered = ordered_examples(problem) if examples is None else examples
    flat = np.concatenate([*(w.ravel() for w in problem.weights), *problem.biases])
    weights, biases = views(flat, problem)
    cut = int(ordered.places[2, -1])
    net = Layers(
        ordered.places,
        flat[:cut],
        flat[cut:],
        ordered.slopes,
        *ordered.masks,
        float(problem.cumulants[0]),
    )
    reach = Reach(*np.empty((4, problem.examples, int(net.places[1, -1]) + problem.outputs)))
    grids = np.empty((2, len(weights)), dtype=np.int64)
    if not forward_bounds(net, ordered.rows, ordered.grid, grids, reach) < LARGEST:
        raise out_of_range("network")
    return filled(
        Prepared,
        {
            "problem": problem,
            "weights": weights,
            "biases": biases,
            "net": net,
            "rows": ordered.rows,
            "reach": reach,
            "ordered": ordered,
        },
    )


@lru_cache(maxsize=256)
def _places(widths: tuple[int, ...]) -> Array:
    """Return the rows widths, first unit, first weight and first bias of each layer."""
    places = np.zeros((4, len(widths)), dtype=np.int64)
    places[0] = widths
    places[1, 1:] = np.cumsum(widths[:-1])
    places[2, 1:] = np.cumsum([a * b for a, b in itertools.pairwise(widths)])
    places[3, 1:] = np.cumsum(widths[1:])
    return freeze(places)


@lru_cache(maxsize=256)
def _masks(pairs: tuple[tuple[int, int], ...]) -> tuple[Array, Array]:
    """Return p, q, 1/p and an upper bound of 1/p, and which layers are dropped and where 1/p is dyadic."""
    rates = [Fraction(*pair) for pair in pairs]  # a Fraction is hashed slowly, its parts are not
    masks, marks = np.ones((4, len(rates))), np.zeros((2, len(rates)), dtype=np.int64)
    for l, q in enumerate(rates):
        inverse = 1 / (1 - q)
        masks[:3, l] = float(1 - q), float(q), float(inverse)
        marks[0, l] = q > 0
        if q > 0 and l < len(rates) - 1:
            masks[3, l] = float(inverse) * SLACK
            dyadic = inverse.denominator & (inverse.denominator - 1) == 0 and inverse.numerator < 2**53
            marks[1, l] = inverse.denominator.bit_length() - 1 if dyadic else -1
    return freeze(masks), freeze(marks)


def views(flat: Array, problem: Problem) -> tuple[list[Array], list[Array]]:
    """Return the weights and the biases of all layers in a flat array that holds first all weights, then all biases."""
    weights, biases, at = [], [], 0
    for w in problem.weights:
        end = at + w.size
        weights.append(flat[at:end].reshape(w.shape))
        at = end
    for b in problem.biases:
        end = at + len(b)
        biases.append(flat[at:end])
        at = end
    return weights, biases


def filled_derivative(kind: Any, network: Network, problem: Problem, entries: Array, bounds: Array) -> Any:
    """Return a Gradient or HessianProduct from flat arrays of all entries and their bounds.

    Raises:
        NumericalRange: an entry or a bound is not finite.
    """
    if not np.isfinite(entries + bounds).all():
        raise out_of_range("network")
    fields: list[dict[str, Any]] = []
    for flat in (entries, bounds):
        weights, biases = views(freeze(flat), problem)
        own = tuple(b if mine is not None else None for b, mine in zip(biases, network.biases, strict=True))
        fields.append({"weights": tuple(weights), "biases": own})
    return filled(kind, {**fields[0], "error_bounds": filled(EntryBounds, fields[1])})


def bounded_gradient(
    network: Network, prepared: Prepared, entries: Array, doubts: Array, rounding: tuple[float, float, float, float]
) -> Gradient:
    """Return the gradient with a bound for each entry; ``rounding`` as the kernel of the bounds explains it.

    Raises:
        NumericalRange: a size beyond 2¹⁰⁰⁰.
    """
    from exactdropout.numeric.kernels.gradient.bounds import Rounding, entry_bounds

    bounds = np.zeros(len(entries))
    cut = int(prepared.net.places[2, -1])
    doubts[prepared.ordered.lost] = 1.0
    arguments: tuple[Any, ...] = (
        prepared.net, prepared.rows, prepared.reach, doubts, Rounding(*rounding),
        np.empty((4, max(*prepared.problem.widths, prepared.problem.outputs))), bounds[:cut], bounds[cut:],
    )  # fmt: skip
    if not entry_bounds(*arguments) < LARGEST:
        raise out_of_range("network")
    found: Gradient = filled_derivative(Gradient, network, prepared.problem, entries, bounds)
    return found
