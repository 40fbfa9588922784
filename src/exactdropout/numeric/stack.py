"""A stack of networks of one architecture: arrays with a leading axis, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture
from exactdropout.model.numbers import Array, show

__all__ = ["stack_of"]


def stack_of(architecture: Architecture, weights: Any, biases: Any) -> tuple[list[Array], list[Array | None]]:
    """Return arrays with a common leading axis, of the shapes of the architecture."""
    widths, depth = architecture.widths, architecture.depth
    layers = [architecture.hidden_biases] * (depth - 1) + [architecture.output_bias]
    biases = [None] * depth if biases is None else biases
    for value, name in ((weights, "weights"), (biases, "biases")):
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != depth:
            raise InvalidInput(
                f"Argument {name!r} must be a list with one array for each of {depth} layers, not {show(value)}."
            )
    matrices: list[Array] = []
    vectors: list[Array | None] = []
    n = None
    for l in range(depth):
        matrix = _numbers(weights[l], f"weights[{l}]")
        if l == depth - 1 and widths[-1] == 1 and matrix.ndim == 2:
            matrix = matrix[:, None]
        n = len(matrix) if n is None and matrix.ndim else n
        _check_shape(matrix, (n, widths[l + 1], widths[l]), f"weights[{l}]")
        matrices.append(matrix)
        if (biases[l] is not None) != layers[l]:
            wanted = f"of shape ({n}, {widths[l + 1]})" if layers[l] else "None"
            raise InvalidInput(f"Argument 'biases[{l}]' must be {wanted} for {architecture}, not {show(biases[l])}.")
        vector = None if biases[l] is None else _numbers(biases[l], f"biases[{l}]")
        if vector is not None:
            _check_shape(vector, (n, widths[l + 1]), f"biases[{l}]")
        vectors.append(vector)
    return matrices, vectors


def _numbers(value: Any, name: str) -> Array:
    """Return an array of float64, or of numbers of any other kind."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInput(f"Argument {name!r} must be an array with a leading axis, not {show(value)}.") from None
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _check_shape(array: Array, wanted: tuple[int | None, ...], name: str) -> None:
    if array.shape != wanted or wanted[0] == 0:
        shape = ", ".join("n" if size is None else str(size) for size in wanted)
        raise InvalidInput(
            f"Argument {name!r} must have shape ({shape}), one entry for each network first, not {array.shape}."
        )
