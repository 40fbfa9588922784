"""Modules of frameworks made from a network: dropout before every linear map, what ``interop`` reads back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import missing
from exactdropout.model import Network
from exactdropout.model.numbers import Array, show

__all__ = ["module_of"]


def module_of(network: Network, q: Sequence[Fraction], framework: str = "torch") -> Any:
    """Return a module of a framework with these weights in float32 and dropout at these rates, inputs first."""
    makers: dict[str, Callable[[Network, Sequence[Fraction]], Any]] = {
        "torch": _torch, "keras": _keras, "flax": _flax, "equinox": _equinox
    }  # fmt: skip
    if framework not in makers:
        raise InvalidInput(
            f"Argument 'framework' must be one of {', '.join(map(repr, makers))}, not {show(framework)}."
        )
    try:
        return makers[framework](network, q)
    except ImportError:
        raise missing(framework, framework) from None


def _layers(network: Network) -> list[tuple[Array, Array | None, float | None]]:
    """Return (weights, bias, slope) of each layer; no slope after the last."""
    slopes = [float(a.slope) for a in network.architecture.activations]
    return [
        (np.asarray(w, np.float32), None if b is None else np.asarray(b, np.float32), slope)
        for w, b, slope in zip(network.weights, network.biases, [*slopes, None], strict=True)
    ]


def _torch(network: Network, q: Sequence[Fraction]) -> Any:
    import torch

    parts: list[Any] = []
    for (weight, bias, slope), rate in zip(_layers(network), q, strict=True):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            if bias is not None:
                linear.bias.copy_(torch.from_numpy(bias))
        parts += [torch.nn.Dropout(float(rate)), linear]
        if slope is not None and slope != 1:
            parts.append(torch.nn.ReLU() if slope == 0 else torch.nn.LeakyReLU(slope))
    return torch.nn.Sequential(*parts)


def _keras(network: Network, q: Sequence[Fraction]) -> Any:
    import keras

    model = keras.Sequential([keras.Input((network.architecture.inputs,))])
    for (weight, bias, slope), rate in zip(_layers(network), q, strict=True):
        dense = keras.layers.Dense(weight.shape[0], use_bias=bias is not None)
        model.add(keras.layers.Dropout(float(rate)))
        model.add(dense)
        dense.set_weights([weight.T] if bias is None else [weight.T, bias])
        if slope is not None and slope != 1:
            model.add(keras.layers.ReLU() if slope == 0 else keras.layers.LeakyReLU(slope))
    return model


def _flax(network: Network, q: Sequence[Fraction]) -> Any:
    import jax.numpy as jnp
    from flax import nnx

    def filled(values: Array) -> Callable[..., Any]:
        return lambda *_: jnp.asarray(values)

    rngs = nnx.Rngs(0)
    parts: list[Any] = []
    for (weight, bias, slope), rate in zip(_layers(network), q, strict=True):
        given = {} if bias is None else {"bias_init": filled(bias)}
        linear = nnx.Linear(
            weight.shape[1],
            weight.shape[0],
            use_bias=bias is not None,
            kernel_init=filled(weight.T),
            rngs=rngs,
            **given,
        )
        parts += [nnx.Dropout(float(rate), rngs=rngs), linear]
        if slope is not None and slope != 1:
            parts.append(_leaky(slope))
    return nnx.Sequential(*parts)


def _leaky(slope: float) -> Callable[[Any], Any]:
    import jax

    return jax.nn.relu if slope == 0 else lambda z: jax.nn.leaky_relu(z, slope)


def _equinox(network: Network, q: Sequence[Fraction]) -> Any:
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    parts: list[Any] = []
    for (weight, bias, slope), rate in zip(_layers(network), q, strict=True):
        linear = eqx.nn.Linear(weight.shape[1], weight.shape[0], use_bias=bias is not None, key=jax.random.key(0))
        linear = eqx.tree_at(lambda layer: layer.weight, linear, jnp.asarray(weight))
        if bias is not None:
            linear = eqx.tree_at(lambda layer: layer.bias, linear, jnp.asarray(bias))
        parts += [eqx.nn.Dropout(float(rate)), linear]
        if slope is not None and slope != 1:
            parts.append(eqx.nn.Lambda(_leaky(slope)))
    return eqx.nn.Sequential(parts)
