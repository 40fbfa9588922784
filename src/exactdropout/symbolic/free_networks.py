"""Networks and examples whose every entry is a free symbol, named in the alphabet of :mod:`exactdropout.notation`."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import architecture_of
from exactdropout.model.numbers import show
from exactdropout.notation.names import entry, parameter_name
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Name

__all__ = ["free_examples", "free_network"]

MAX_SYMBOLS = 100_000

_NAME = re.compile(r"[A-Za-z]+\Z")


def free_network(
    architecture: Architecture | str,
    *,
    weight: str = "W",
    bias: str = "b",
    output_weight: str = "w",
    output_bias: str = "b",
    nonnegative: bool = False,
    positive: bool = False,
) -> Network:
    """Return a network whose every weight and bias is a symbol of its own, called as in the paper and in claims.

    Hidden layer l has weights W[l][j,i] (unit j, from unit i) and biases b[l][j]; the output has weights w[j] and the
    bias b. With one hidden layer the layer is left out, W[j,i] and b[j]; several outputs have w[o,j], b[o] and
    b[l][j]. A symbol is ``sympy.Symbol("W[1][2,3]")`` without assumptions; ``nonnegative=True`` or ``positive=True``
    gives SymPy's assumption of that name to all weights.

    >>> free_network("2-1-1").weights[0].tolist()
    [[W[1,1], W[1,2]]]
    """
    names = {"W": (weight, output_weight), "b": (bias, output_bias)}
    given = {"weight": weight, "bias": bias, "output_weight": output_weight, "output_bias": output_bias}
    for argument, name in given.items():
        if not isinstance(name, str) or not _NAME.match(name):
            raise InvalidInput(f"Argument {argument!r} must be a name of letters, not {show(name)}.")
    if len({weight, output_weight, bias}) < 3 or output_bias in (weight, output_weight):
        raise InvalidInput(f"Arguments for names must differ, not {', '.join(given.values())}.")
    architecture = architecture_of(architecture)
    if architecture.parameters > MAX_SYMBOLS:
        raise CostLimitExceeded(
            f"Argument 'architecture' must have at most {MAX_SYMBOLS} weights and biases for a free network, "
            f"not {architecture.parameters}."
        )
    known: dict[str, bool] = {"positive": True} if positive else {"nonnegative": True} if nonnegative else {}
    depth, outputs = architecture.depth, architecture.outputs

    def symbol(layer: int, unit: int, source: int | None, **assumed: bool) -> sympy.Symbol:
        name = parameter_name(layer, unit, source, depth, outputs)
        letter = names["b" if source is None else "W"][layer == depth - 1]
        return _symbol(replace(name, name=letter), **assumed)

    weights, biases = [], []
    widths = architecture.widths
    for layer in range(depth):
        rows, columns = widths[layer + 1], widths[layer]
        matrix = np.empty((rows, columns), dtype=object)
        for j in range(rows):
            for i in range(columns):
                matrix[j, i] = symbol(layer, j, i, **known)
        weights.append(matrix)
        there = architecture.output_bias if layer == depth - 1 else architecture.hidden_biases
        biases.append(np.array([symbol(layer, j, None) for j in range(rows)], dtype=object) if there else None)
    return Network(weights, biases, activation=architecture.activations)


def free_examples(inputs: int, outputs: int = 1, *, x: str = "x", y: str = "y", nonnegative: bool = False) -> Examples:
    """Return the point mass on symbolic inputs x[1], …, x[K] and a symbolic label y (y[1], … for several outputs).

    >>> free_examples(2).inputs.tolist()
    [[x[1], x[2]]]
    """
    known = {"nonnegative": True} if nonnegative else {}
    point = [_symbol(entry(x, k), **known) for k in range(1, inputs + 1)]
    if outputs == 1:
        return Examples.point(point, _symbol(entry(y)))
    return Examples.point(point, [_symbol(entry(y, o)) for o in range(1, outputs + 1)])


def _symbol(name: Name, **known: bool) -> sympy.Symbol:
    return sympy.Symbol(expression_text(name), **known)
