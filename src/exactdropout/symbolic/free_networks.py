"""Networks and examples whose every entry is a free symbol."""

from __future__ import annotations

import re

import numpy as np
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import architecture_of
from exactdropout.model.numbers import show

__all__ = ["free_examples", "free_network"]

MAX_SYMBOLS = 100_000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")


def free_network(
    architecture: Architecture | str,
    *,
    weight: str = "w",
    bias: str = "b",
    output_weight: str = "v",
    output_bias: str = "c",
    nonnegative: bool = False,
    positive: bool = False,
) -> Network:
    """Return a network whose every weight and bias is its own real symbol.

    Hidden layer l has weights w{l}_{i}_{k} (unit i, from unit k) and biases b{l}_{i}; the output has weights v_{i}
    and bias c, or v_{o}_{i} and c_{o} where there are several outputs. ``nonnegative=True`` or ``positive=True``
    puts that assumption on all weights; biases stay real.

    >>> free_network("2-1-1").weights[0].tolist()
    [[w1_1_1, w1_1_2]]
    """
    names = (weight, bias, output_weight, output_bias)
    for argument, name in zip(("weight", "bias", "output_weight", "output_bias"), names, strict=True):
        if not isinstance(name, str) or not _NAME.match(name):
            raise InvalidInput(f"Argument {argument!r} must be a name of letters and digits, not {show(name)}.")
    if len(set(names)) < len(names):
        raise InvalidInput(f"Arguments for names must differ, not {', '.join(names)}.")
    architecture = architecture_of(architecture)
    if architecture.parameters > MAX_SYMBOLS:
        raise CostLimitExceeded(
            f"Argument 'architecture' must have at most {MAX_SYMBOLS} weights and biases for a free network, "
            f"not {architecture.parameters}."
        )
    assumptions: dict[str, bool] = {"positive": True} if positive else {"nonnegative": True} if nonnegative else {}

    def symbol(base: str, layer: str, *indices: int, **known: bool) -> sympy.Symbol:
        return sympy.Symbol("_".join([f"{base}{layer}", *(str(i + 1) for i in indices)]), real=True, **known)

    weights, biases = [], []
    widths = architecture.widths
    for layer in range(len(widths) - 1):
        rows, columns = widths[layer + 1], widths[layer]
        last = layer == len(widths) - 2
        matrix = np.empty((rows, columns), dtype=object)
        vector = np.empty(rows, dtype=object)
        for i in range(rows):
            single = last and rows == 1
            for k in range(columns):
                place = (k,) if single else (i, k)
                matrix[i, k] = symbol(
                    output_weight if last else weight, "" if last else str(layer + 1), *place, **assumptions
                )
            vector[i] = symbol(output_bias if last else bias, "" if last else str(layer + 1), *(() if single else (i,)))
        weights.append(matrix)
        biases.append(vector if (architecture.output_bias if last else architecture.hidden_biases) else None)
    return Network(weights, biases, activation=architecture.activations)


def free_examples(inputs: int, outputs: int = 1, *, x: str = "x", y: str = "y", nonnegative: bool = False) -> Examples:
    """Return the point mass on symbolic inputs x_1, …, x_K and a symbolic label y (y_1, … for several outputs).

    >>> free_examples(2).inputs.tolist()
    [[x_1, x_2]]
    """
    known = {"nonnegative": True} if nonnegative else {}
    point = [sympy.Symbol(f"{x}_{k + 1}", real=True, **known) for k in range(inputs)]
    if outputs == 1:
        return Examples.point(point, sympy.Symbol(y, real=True))
    return Examples.point(point, [sympy.Symbol(f"{y}_{o + 1}", real=True) for o in range(outputs)])
