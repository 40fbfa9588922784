"""A float64 problem: network, examples and rates as float arrays, with what their rounding costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.result import filled

__all__ = [
    "ETA",
    "UNIT",
    "Problem",
    "Setting",
    "active_inputs",
    "exact_cumulants",
    "float_with_error",
    "floats_with_errors",
    "prepare",
    "rate_numbers",
    "rounded",
    "setting_of",
]

UNIT = 2.0**-53
"""u, the unit roundoff of float64."""

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


def active_inputs(inputs: Array) -> list[int]:
    """Return how many inputs of each example are not 0."""
    if len(inputs) == 1:  # a fifth of what an axis costs
        return [int(np.count_nonzero(inputs))]
    found: list[int] = (inputs != 0).sum(axis=1).tolist()
    return found


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


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a float64 computation knows before it meets a network: architecture, examples and rates, in floats.

    Made once by :func:`setting_of`; :meth:`problem` adds the weights. ``inexact``: some input was rounded.
    """

    architecture: Architecture
    data: Examples
    rates: tuple[Fraction, ...]
    slopes: tuple[float, ...]
    slope_errors: tuple[float, ...]
    keep: Array
    drop: Array
    inverse_keep: Array
    cumulants: Array
    exponents: tuple[int, ...]
    dropped: tuple[bool, ...]
    inexact: bool
    inputs: Array
    input_errors: Array
    labels: Array
    label_errors: Array
    chances: Array
    first: int

    @property
    def examples(self) -> int:
        """Number of examples m."""
        return len(self.inputs)

    def problem(self, network: Network) -> Problem:
        """Return the problem of a float64 network of this architecture."""
        weights = network.weights
        return filled(
            Problem,
            {
                "weights": weights,
                "biases": tuple([network.bias(l) for l in range(len(weights))]),
                "slopes": self.slopes,
                "slope_errors": self.slope_errors,
                "rates": self.rates,
                "keep": self.keep,
                "drop": self.drop,
                "inverse_keep": self.inverse_keep,
                "cumulants": self.cumulants,
                "inputs": self.inputs,
                "input_errors": self.input_errors,
                "labels": self.labels,
                "label_errors": self.label_errors,
                "probabilities": self.data.probabilities,
                "chances": self.chances,
                "first": self.first,
                "memo": {},
            },
        )


def setting_of(architecture: Architecture, data: Examples, rates: tuple[Fraction, ...]) -> Setting:
    """Return what all networks of an architecture share, validated.

    Raises:
        InvalidInput: shapes that do not fit.
        MixedNumbers: symbolic examples.
        NumericalRange: a number beyond the range of float64.
    """
    if data.kind == "symbolic":
        raise MixedNumbers("Argument 'data' must hold numbers for a float64 evaluation; it holds symbols.")
    widths = architecture.widths
    if data.inputs.shape[1] != widths[0] or data.labels.shape[1] != widths[-1]:
        raise InvalidInput(
            f"Argument 'data' must have {widths[0]} inputs and {widths[-1]} labels per example, not "
            f"{data.inputs.shape[1]} and {data.labels.shape[1]}."
        )
    depth = len(widths) - 1
    if len(rates) != depth:
        raise InvalidInput(f"Argument 'rates' must have one rate per droppable layer ({depth}), not {len(rates)}.")
    inputs, input_errors = floats_with_errors(data.inputs, "data")
    labels, label_errors = floats_with_errors(data.labels, "data")
    chances = {
        at: rounded(p, "data") for at, p in {id(p): p for p in data.probabilities}.items()
    }  # most are one object
    of_rates = _rate_arrays(tuple([(q.numerator, q.denominator) for q in rates]))
    dropped: tuple[bool, ...] = of_rates["dropped"]
    slopes = [float_with_error(a.slope, "activation") for a in architecture.activations]
    return filled(
        Setting,
        {
            "architecture": architecture,
            "data": data,
            "rates": rates,
            "slopes": tuple([slope for slope, _ in slopes]),
            "slope_errors": tuple([error for _, error in slopes]),
            **of_rates,
            "inexact": data.inputs.dtype != np.float64 and bool(input_errors.any()),
            "inputs": inputs,
            "input_errors": input_errors,
            "labels": labels,
            "label_errors": label_errors,
            "chances": np.array([chances[id(p)] for p in data.probabilities]),
            "first": dropped.index(True) if True in dropped[:-1] else depth - 1,
        },
    )


def prepare(network: Network, data: Examples, rates: tuple[Fraction, ...]) -> Problem:
    """Return the problem of one float64 network; see :func:`setting_of`."""
    if network.kind != "float64":
        raise MixedNumbers(f"Argument 'network' must be float64 here, not {network.kind}; use network.float64().")
    return setting_of(network.architecture, data, rates).problem(network)


class RateNumbers(NamedTuple):
    """A drop probability q in floats, each correctly rounded: p, q, 1/p, the cumulants κ₂, κ₃, κ₄ of a mask entry r/p;
    k where 1/p is an integer below 2⁵³ over 2^k, else −1; and whether q is not 0, however small."""

    keep: float
    drop: float
    inverse_keep: float
    cumulants: tuple[float, ...]
    exponent: int
    dropped: bool


@lru_cache(maxsize=256)
def rate_numbers(numerator: int, denominator: int) -> RateNumbers:
    """Return the floats of one rate; a Fraction is hashed slowly, its parts are not."""
    q = Fraction(numerator, denominator)
    inverse = 1 / (1 - q)
    dyadic = inverse.denominator & (inverse.denominator - 1) == 0 and inverse.numerator < 2**53
    return RateNumbers(
        keep=rounded(1 - q, "q"),
        drop=rounded(q, "q"),
        inverse_keep=rounded(inverse, "q"),
        cumulants=tuple(rounded(k, "q") for k in exact_cumulants(q)),
        exponent=inverse.denominator.bit_length() - 1 if dyadic else -1,
        dropped=numerator != 0,
    )


@lru_cache(maxsize=256)
def _rate_arrays(rates: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Return the fields of a setting that its rates decide; nobody writes to the arrays."""
    keep, drop, inverse_keep, cumulants, exponents, dropped = zip(*[rate_numbers(*q) for q in rates], strict=True)
    return {
        "keep": np.array(keep),
        "drop": np.array(drop),
        "inverse_keep": np.array(inverse_keep),
        "cumulants": np.array(cumulants[-1]),
        "exponents": exponents,
        "dropped": dropped,
    }


def exact_cumulants(q: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """Return κ₂, κ₃, κ₄ of a mask entry r/p."""
    p = 1 - q
    return q / p, q * (q - p) / p**2, q * (1 - 6 * p * q) / p**3


def floats_with_errors(array: Array, name: str) -> tuple[Array, Array]:
    """Return the nearest floats and bounds of their errors (0 where the number is a float).

    Fractions in lowest terms of integers up to 2⁵³ all at once: the quotient of two floats is correctly rounded, and is
    exact where the denominator is a power of 2.
    """
    if array.dtype == np.float64:
        return np.ascontiguousarray(array), np.zeros(array.shape)
    numbers = array.ravel().tolist()
    try:
        parts = np.array([(v.numerator, v.denominator) for v in numbers], dtype=np.int64)
    except OverflowError:
        parts = None
    if parts is None or ((parts > 1 << 53) | (parts < -(1 << 53))).any():
        pairs = [float_with_error(v, name) for v in numbers]
        floats, errors = (np.array(column).reshape(array.shape) for column in zip(*pairs, strict=True))
        return floats, errors
    nearest = (parts[:, 0] / parts[:, 1]).reshape(array.shape)
    dyadic = (parts[:, 1] & (parts[:, 1] - 1) == 0).reshape(array.shape)
    return nearest, np.where(dyadic, 0.0, np.abs(nearest) * (2 * UNIT) + ETA)


@lru_cache(maxsize=1024)
def float_with_error(value: Fraction, name: str) -> tuple[float, float]:
    """Return the nearest float and a bound of its error (0 where the number is a float)."""
    nearest = rounded(value, name)
    return nearest, 0.0 if Fraction(nearest) == value else abs(nearest) * (2 * UNIT) + ETA
