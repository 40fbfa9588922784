"""What the walk leaf by leaf reads and holds: the walked layers, what a leaf is made of, and where the walk stands."""

from __future__ import annotations

from typing import NamedTuple

from exactdropout.model.numbers import Array

__all__ = ["Leaves", "Place", "Tree"]


class Tree(NamedTuple):
    """The walked layers of a network, for the walk leaf by leaf: flat arrays, one layer after another.

    ``widths`` ends with that of the last hidden layer. ``columns`` are the transposed weights, those of layer l from
    ``column_offsets[l]`` on; hidden vectors stand from ``vector_offsets[l]`` on. ``dropped[l]`` is false for a layer of
    rate 0 only. The pre-activations of layer l, a row for each active unit that may be kept last, stand from
    ``row_offsets[l]`` on.
    """

    widths: Array
    columns: Array
    column_offsets: Array
    biases: Array
    vector_offsets: Array
    slopes: Array
    dropped: Array
    keep: Array
    drop: Array
    inverse_keep: Array
    row_offsets: Array


class Leaves(NamedTuple):
    """What the moments of a leaf are made of: the output layer, κ₂, κ₃, κ₄ of its masks, and for each example labels,
    pivots of the outputs and of the squared error; ``moments`` is 2 or 4."""

    output_weights: Array
    output_bias: Array
    cumulants: Array
    moments: int
    labels: Array
    pivots: Array
    square_pivots: Array


class Place(NamedTuple):
    """Where a walk leaf by leaf stands, (item, layer) with layer −1 before an item, and what it holds of the layers."""

    state: Array
    hidden: Array
    scaled: Array
    active: Array
    sources: Array
    counters: Array
    rows: Array
    folds: Array
