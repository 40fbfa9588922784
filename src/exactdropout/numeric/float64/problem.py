"""A float64 problem: network, examples and rates as float arrays, with what their rounding costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array

__all__ = [
    "ETA",
    "UNIT",
    "Problem",
    "exact_cumulants",
    "float_with_error",
    "floats_with_errors",
    "prepare",
    "prepared",
    "rounded",
]

UNIT = 2.0**-53
"""u, the unit roundoff of float64."""

MOST_KEPT = 1 << 12
"""Most weights, times examples, of a problem that its network keeps."""

ETA = 2.0**-1074
"""η, the smallest positive float64; a product that underflows loses at most η/2."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What the float engine computes with. Arrays of the layer l = 0, …, d−1; examples are rows.

    ``keep``, ``drop``, ``inverse_keep`` are p, q and 1/p of each droppable layer, ``slopes`` those of the hidden
    layers, ``cumulants`` κ₂, κ₃, κ₄ of the last layer's mask entries; each is its exact value correctly rounded.
    ``input_errors``, ``label_errors``, ``slope_errors`` bound the rounding of x, y and the slopes. ``first`` is the
    first layer that is walked (rate above 0, not the last), d−1 where there is none. ``chances`` are the rounded
    probabilities.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    slopes: tuple[float, ...]
    slope_errors: tuple[float, ...]
    rates: tuple[Fraction, ...]
    keep: Array
    drop: Array
    inverse_keep: Array
    cumulants: Array
    inputs: Array
    input_errors: Array
    labels: Array
    label_errors: Array
    probabilities: tuple[Fraction, ...]
    chances: Array
    first: int
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Widths of the inputs and the hidden layers."""
        return tuple(w.shape[1] for w in self.weights)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.weights[-1].shape[0])

    @cached_property
    def equal_units(self) -> tuple[tuple[Array, Array], ...]:
        """For each layer a representative of each group of units with equal weights and bias, and the unit's groups."""
        return tuple(_equal_rows(w, b) for w, b in zip(self.weights, self.biases, strict=True))

    @property
    def examples(self) -> int:
        """Number of examples m."""
        return len(self.inputs)

    @property
    def walked(self) -> range:
        """The layers below the last whose masks are enumerated (those of rate 0 inside it cost nothing)."""
        return range(self.first, len(self.weights) - 1)

    @cached_property
    def dropped(self) -> Array:
        """Whether each droppable layer is dropped: its exact rate is not 0, though p may round to 1."""
        return np.array([rate > 0 for rate in self.rates])

    @property
    def levels(self) -> int:
        """Most units that one walk decides: the depth of the tree of masks."""
        return sum(self.widths[l] for l in self.walked if self.rates[l] > 0)

    def hidden(self, layer: int) -> Array:
        """Return h of the given layer for every example, nothing dropped, of shape (m, width)."""
        if layer == 0:
            return self.inputs
        if f"hidden {layer}" in self.memo:
            known: Array = self.memo[f"hidden {layer}"]
            return known
        h = self.inputs
        for l in range(layer):
            z = self.pre_activations(l, h)
            h = np.where(z > 0, z, self.slopes[l] * z)
        self.memo[f"hidden {layer}"] = h
        return h

    def pre_activations(self, layer: int, h: Array) -> Array:
        """Return W h + b of the given layer, row by row; equal units are computed once."""
        representatives, groups = self.equal_units[layer]
        if len(representatives) == len(groups):
            return affine(h, self.weights[layer], self.biases[layer])
        return affine(h, self.weights[layer][representatives], self.biases[layer][representatives])[:, groups]

    def output(self) -> Array:
        """Return W(x) for every example, of shape (m, outputs)."""
        last = len(self.weights) - 1
        return self.pre_activations(last, self.hidden(last))


def affine(h: Array, weights: Array, bias: Array) -> Array:
    """Return W h + b row by row; einsum's own loop, so that the bits do not depend on the threads of a BLAS."""
    result: Array = np.einsum("ei,ji->ej", h, weights, optimize=False) + bias
    return result


def _equal_rows(weights: Array, bias: Array) -> tuple[Array, Array]:
    found: dict[bytes, int] = {}
    representatives: list[int] = []
    groups = np.empty(len(bias), dtype=np.int64)
    for j, row in enumerate(np.ascontiguousarray(np.column_stack([weights, bias]))):
        group = groups[j] = found.setdefault(row.tobytes(), len(found))
        if group == len(representatives):
            representatives.append(j)
    return np.array(representatives, dtype=np.int64), groups


def rounded(value: Fraction, name: str) -> float:
    """Return the nearest float64."""
    try:
        return float(value)
    except OverflowError:
        raise out_of_range(name) from None


def out_of_range(name: str) -> NumericalRange:
    """Return the error that says which quantity left the range of float64."""
    return NumericalRange(
        f"Argument {name!r} leads beyond the range of float64 (about 1e-308 to 1e308); exact evaluation remains "
        "possible: pass network.exact() and data.exact()."
    )


def prepare(network: Network, data: Examples, rates: tuple[Fraction, ...]) -> Problem:
    """Return the problem in floats.

    Raises:
        MixedNumbers: the network is not float64, or the data is symbolic.
        InvalidInput: shapes that do not fit.
        NumericalRange: an entry, a rate or its inverse that float64 cannot hold.
    """
    if network.kind != "float64" or data.kind == "symbolic":
        raise MixedNumbers("Argument 'network' must hold float64 numbers and 'data' floats or rationals.")
    weights = network.weights
    if data.inputs.shape[1] != weights[0].shape[1]:
        raise InvalidInput(
            f"Argument 'data' must have {weights[0].shape[1]} inputs per example, not {data.inputs.shape[1]}."
        )
    if data.labels.shape[1] != weights[-1].shape[0]:
        raise InvalidInput(
            f"Argument 'data' must have {weights[-1].shape[0]} label(s) per example, not {data.labels.shape[1]}."
        )
    if len(rates) != len(weights):
        raise InvalidInput(f"Argument 'rates' must have {len(weights)} entries, not {len(rates)}.")
    inputs, input_errors, labels, label_errors, chances = _data_floats(data)
    keep, drop, inverse_keep, cumulants = _rate_floats(rates)
    slopes = [float_with_error(a.slope, "activation") for a in network.architecture.activations]
    walked = [l for l in range(len(weights) - 1) if rates[l] > 0]
    return Problem(
        weights=weights,
        biases=tuple(network.bias(l) for l in range(len(weights))),
        slopes=tuple(slope for slope, _ in slopes),
        slope_errors=tuple(error for _, error in slopes),
        rates=rates,
        keep=keep,
        drop=drop,
        inverse_keep=inverse_keep,
        cumulants=cumulants,
        inputs=inputs,
        input_errors=input_errors,
        labels=labels,
        label_errors=label_errors,
        probabilities=data.probabilities,
        chances=chances,
        first=walked[0] if walked else len(weights) - 1,
    )


def prepared(network: Network, data: Examples, rates: tuple[Fraction, ...]) -> Problem:
    """Return :func:`prepare`'s problem; a small network keeps its latest one, as people ask again and again."""
    latest: tuple[Examples, tuple[Fraction, ...], Problem] | None = network.memo.get("problem")
    if latest is not None and latest[0] is data and (latest[1] is rates or latest[1] == rates):
        return latest[2]
    problem = prepare(network, data, rates)
    if problem.examples * sum(w.size for w in problem.weights) <= MOST_KEPT:
        network.memo["problem"] = data, rates, problem
    return problem


def _data_floats(data: Examples) -> tuple[Array, Array, Array, Array, Array]:
    """Return inputs, labels, their errors, and the rounded probabilities, made once for each set of examples."""
    found: tuple[Array, Array, Array, Array, Array] | None = data.memo.get("floats")
    if found is None:
        found = data.memo["floats"] = (
            *floats_with_errors(data.inputs, "data"),
            *floats_with_errors(data.labels, "data"),
            np.array([rounded(p, "data") for p in data.probabilities]),
        )
    return found


@lru_cache(maxsize=64)
def _rate_floats(rates: tuple[Fraction, ...]) -> tuple[Array, Array, Array, Array]:
    """Return p, q, 1/p of each layer and the cumulants of the last."""
    return (
        np.array([rounded(1 - q, "q") for q in rates]),
        np.array([rounded(q, "q") for q in rates]),
        np.array([rounded(1 / (1 - q), "q") for q in rates]),
        np.array([rounded(k, "q") for k in exact_cumulants(rates[-1])]),
    )


def exact_cumulants(q: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """Return κ₂, κ₃, κ₄ of a mask entry r/p."""
    p = 1 - q
    return q / p, q * (q - p) / p**2, q * (1 - 6 * p * q) / p**3


def floats_with_errors(array: Array, name: str) -> tuple[Array, Array]:
    """Return the nearest floats and bounds of their errors (0 where the number is a float)."""
    if array.dtype == np.float64:
        return np.ascontiguousarray(array), np.zeros(array.shape)
    pairs = [float_with_error(v, name) for v in array.ravel().tolist()]
    floats, errors = (np.array(column).reshape(array.shape) for column in zip(*pairs, strict=True))
    return floats, errors


@lru_cache(maxsize=1024)
def float_with_error(value: Fraction, name: str) -> tuple[float, float]:
    """Return the nearest float and a bound of its error (0 where the number is a float)."""
    nearest = rounded(value, name)
    return nearest, 0.0 if Fraction(nearest) == value else abs(nearest) * (2 * UNIT) + ETA
