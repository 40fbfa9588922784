"""What kernels of derivatives read: a network, its examples and the bounds of every layer, as flat arrays."""

from __future__ import annotations

from typing import NamedTuple

from exactdropout.model.numbers import Array

__all__ = ["Layer", "Layers", "Reach", "Rows", "Walked", "Workspace"]


class Layers(NamedTuple):
    """A network and its rates. With d layers of weights and the widths n_0, …, n_d:

    ``places`` has the rows widths, first unit, first weight and first bias of each layer; ``weights`` and ``biases``
    hold all layers one after another; the rows of ``slopes`` are the slopes of the hidden layers and the bounds of
    their rounding; those of ``masks`` are p, q, 1/p of each droppable layer and an upper bound of 1/p, which is 1 where
    the masks of a layer are not walked; the rows of ``marks`` say whether units of the layer are dropped, and k where
    1/p is an integer below 2⁵³ over 2^k, else −1. ``kappa`` is κ₂ = q/p of the last layer.
    """

    places: Array
    weights: Array
    biases: Array
    slopes: Array
    masks: Array
    marks: Array
    kappa: float


class Layer(NamedTuple):
    """A network with one hidden layer: W, b and w, the slope, p, q and 1/p of the inputs, κ₂ of the hidden layer."""

    weights: Array
    bias: Array
    output_weights: Array
    slope: float
    keep: float
    drop: float
    inverse_keep: float
    kappa: float


class Rows(NamedTuple):
    """Examples, one a row, with bounds of the rounding of inputs and labels, and their probabilities."""

    inputs: Array
    input_errors: Array
    labels: Array
    label_errors: Array
    chances: Array


class Reach(NamedTuple):
    """Bounds for every mask, a row for each example, units of all layers side by side (docs/error-bounds.md, step 2).

    |h|, |ĥ| ≤ ``sizes`` and |ĥ − h| ≤ ``errors``; of the pre-activations |z|, |ẑ| ≤ ``reaches`` and
    |ẑ − z| ≤ ``wrongs``.
    """

    sizes: Array
    errors: Array
    reaches: Array
    wrongs: Array


class Walked(NamedTuple):
    """The walked layers: ``widths`` with that of the last hidden layer, columns of all weights, and what masks do.

    ``dropped`` says whether a layer's units have masks (a rate above 0, however small), ``faint`` whether a computed
    φ(z) = 0 with z ≠ 0 may stand for another number on which a later sign hangs.
    """

    widths: Array
    columns: Array
    column_offsets: Array
    biases: Array
    vector_offsets: Array
    slopes: Array
    dropped: Array
    faint: Array
    keep: Array
    drop: Array
    inverse_keep: Array
    output_weights: Array
    output_bias: Array
    kappa: float


class Workspace(NamedTuple):
    """Where a walk stands and what it holds: of each layer the active units, the pre-activations along the path from
    the root of the tree of masks, and what is folded on each of its levels.

    ``prefix_sizes[l]`` is where δ of layer l begins in what is folded for it; ``state`` is item and layer.
    """

    state: Array
    hidden: Array
    scaled: Array
    active: Array
    sources: Array
    counters: Array
    rows: Array
    row_offsets: Array
    prefix_sizes: Array
    folds: Array
    fold_offsets: Array
    fold_widths: Array
    values: Array
    backward: Array
    kept_rows: Array
    doubtful: Array
    tables: Array
    lanes: Array
