"""The law of a layer's values over all masks, in scaled integers, equal states merged.

A layer maps a value vector h (an integer vector at a common scale) to W(h∘r)/p + b. The law of that vector is
pushed unit by unit: every unit that matters splits each partial sum into "dropped" and "kept", and equal partial
sums are merged, with integer weights over a common denominator. Nothing is ever rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from exactdropout.model import Activation, Network
from exactdropout.model.numbers import Array

__all__ = ["IntegerLayer", "IntegerNetwork", "States", "expand", "integer_network", "next_states", "scaled"]

States: TypeAlias = dict[tuple[Any, ...], Any]
"""Value vector (integers) → weight (integer over the common denominator of the layer)."""

_FLINT_BITS = 2_048  # beyond this size flint's integers multiply faster than Python's


@dataclass(frozen=True, kw_only=True)
class IntegerLayer:
    """One layer at integer scale: ``columns[k][i]`` = W_ik/p·scale ratio, p = keep/total."""

    columns: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    keep: int
    total: int
    activation: Activation

    def activate(self, z: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return φ(z) at the scale of the next layer's incoming values (denominator of the slope included)."""
        top, bottom = self.activation.slope.numerator, self.activation.slope.denominator
        if top == 0:
            return tuple(u if u > 0 else 0 for u in z)
        if top == bottom:
            return z
        return tuple(bottom * u if u > 0 else top * u for u in z)


@dataclass(frozen=True, kw_only=True)
class IntegerNetwork:
    """All layers at integer scale; layer l's incoming values are integers over ``scales[l]``.

    ``scales`` has d + 1 entries; the last is the scale of the output when ``layers[-1]`` is expanded over its
    masks. For the closed form of the last dropout layer, ``output_weights`` and ``output_bias`` give
    W(h) = Σ w h + b at ``output_scale``, the factor 1/p left out.
    """

    layers: tuple[IntegerLayer, ...]
    scales: tuple[int, ...]
    output_weights: tuple[tuple[int, ...], ...]
    output_bias: tuple[int, ...]
    output_scale: int
    integer: type


def common_denominator(values: Sequence[Fraction]) -> int:
    """Return the least common multiple of the denominators."""
    return math.lcm(1, *{v.denominator for v in values})


def scaled(values: Sequence[Fraction], scale: int, integer: type = int) -> tuple[Any, ...]:
    """Return the values times ``scale`` as integers; the scale must be a multiple of every denominator."""
    return tuple(integer(v.numerator * (scale // v.denominator)) for v in values)


def _affine(weight: Array, bias: Array, factor: Fraction, scale: int, extra: int = 1) -> tuple[Any, Any, int]:
    """Return integer columns and bias of (W·factor)·(v/scale) + b, and the new scale (a multiple of ``extra``)."""
    rows = [[w * factor for w in row] for row in weight.tolist()]
    flat = [w for row in rows for w in row]
    new_scale = math.lcm(common_denominator(flat) * scale, common_denominator(bias.tolist()), extra)
    ratio = new_scale // scale
    columns = tuple(zip(*(scaled(row, ratio) for row in rows), strict=True))
    return columns, scaled(bias.tolist(), new_scale), new_scale


def integer_network(
    network: Network, rates: Sequence[Fraction], input_scale: int, label_scale: int = 1
) -> IntegerNetwork:
    """Return the network at integer scales for inputs given over ``input_scale`` and labels over ``label_scale``."""
    layers: list[IntegerLayer] = []
    scales = [input_scale]
    depth = len(network.weights)
    for index, weight in enumerate(network.weights):
        keep = 1 - rates[index]
        activation = network.architecture.activations[index] if index < depth - 1 else Activation.linear()
        columns, bias, scale = _affine(weight, network.bias(index), 1 / keep, scales[-1])
        layers.append(
            IntegerLayer(columns=columns, bias=bias, keep=keep.numerator, total=keep.denominator, activation=activation)
        )
        slope = activation.slope
        scales.append(scale if slope in (0, 1) else scale * slope.denominator)
    columns, bias, output_scale = _affine(
        network.weights[-1], network.bias(depth - 1), Fraction(1), scales[-2], label_scale
    )
    integer: type = int
    if max(scales[-1], output_scale).bit_length() > _FLINT_BITS:
        from flint import fmpz as integer
    as_integers = tuple(
        IntegerLayer(
            columns=tuple(tuple(map(integer, c)) for c in layer.columns),
            bias=tuple(map(integer, layer.bias)),
            keep=layer.keep,
            total=layer.total,
            activation=layer.activation,
        )
        for layer in layers
    )
    return IntegerNetwork(
        layers=as_integers,
        scales=tuple(scales),
        output_weights=tuple(tuple(map(integer, row)) for row in zip(*columns, strict=True)),
        output_bias=tuple(map(integer, bias)),
        output_scale=output_scale,
        integer=integer,
    )


def expand(value: tuple[Any, ...], layer: IntegerLayer) -> States:
    """Return the law of W(value∘r)/p + b; the weights sum to total^(number of units)."""
    keep, drop = layer.keep, layer.total - layer.keep
    sums: States = {layer.bias: 1}
    free = 0  # units whose mask bit changes nothing: their factor is total
    for v, column in zip(value, layer.columns, strict=True):
        step = tuple([c * v for c in column]) if v else ()
        if not any(step):
            free += 1
            continue
        kept = [(tuple([a + b for a, b in zip(z, step, strict=True)]), w * keep) for z, w in sums.items()]
        if drop == 0:
            sums = dict(kept)  # a shift keeps states distinct
            continue
        merged = {z: w * drop for z, w in sums.items()} if drop != 1 else dict(sums)
        for z, w in kept:
            merged[z] = merged.get(z, 0) + w
        sums = merged
    if free and layer.total != 1:
        factor = layer.total**free
        sums = {z: w * factor for z, w in sums.items()}
    return sums


def next_states(states: States, layer: IntegerLayer) -> States:
    """Return the law of φ(W(h∘r)/p + b) from the law of h; total weight grows by total^(number of units)."""
    result: States = {}
    for value, weight in states.items():
        for z, w in expand(value, layer).items():
            h = layer.activate(z)
            result[h] = result.get(h, 0) + weight * w
    return result
