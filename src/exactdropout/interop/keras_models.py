"""``from_keras``: Sequential and functional chains of Dense, ReLU and Dropout, or a ``.keras`` file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.interop.layers import Chain, Imported, RatesAs, dropout_classes, missing, rate_of, slope
from exactdropout.model import Activation
from exactdropout.model.numbers import Array, show

__all__ = ["chain_of_keras", "from_keras"]

Classes = type | tuple[type, ...]


def from_keras(
    model: Any, *, q: Any = None, exact: bool = False, rates: RatesAs = "decimal", dropout: Classes = ()
) -> Imported:
    """Return the network of a Keras 3 model (a chain of layers) or of a ``.keras`` file.

    Rates are decimals in Keras's own files, so they are read as such by default. A path needs Keras with a backend:
    ``KERAS_BACKEND`` is set to an installed one where it is not set. Lambda layers are refused, not run. A layer that a
    functional model calls twice is read twice. ``dropout`` names classes of your own that drop independent units; their
    rate is read from ``rate``, ``p``, ``q``, ``drop_prob`` or ``drop_rate``.

    Raises:
        InvalidInput: a layer that is not supported, by name; ``noise_shape``.
        UnreadableFile: no Keras file.
        MissingExtra: Keras is not installed.
    """
    if "KERAS_BACKEND" not in os.environ:
        import importlib.util

        for backend in ("torch", "jax"):
            if importlib.util.find_spec(backend) is not None:
                os.environ["KERAS_BACKEND"] = backend
                break
    try:
        import keras
    except ImportError:
        raise missing("Keras", "keras") from None
    source = "a Keras model"
    if isinstance(model, (str, os.PathLike)):
        source = str(model)
        try:
            model = keras.saving.load_model(os.fspath(model), compile=False, safe_mode=True)
        except Exception as error:
            raise UnreadableFile(
                f"File {source!r} is no Keras model ({type(error).__name__}: {show(str(error), 80)})."
            ) from error
    if not isinstance(model, keras.Model):
        raise InvalidInput(f"Argument 'model' must be a keras.Model or a path, not {show(model)}.")
    chain = chain_of_keras(model, dropout, source)

    def own(x: Array) -> Any:
        return keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(x.astype(np.float32)), training=False))

    return chain.result(q=q, exact=exact, rates=rates, own=own)


def chain_of_keras(model: Any, dropout: Classes = (), source: str = "a Keras model") -> Chain:
    """Return the layers of a model in the order of its calls; parameters are known by their variables' ids."""

    chain = Chain(source=source)
    classes = dropout_classes(dropout)
    for layer in _in_order(model):
        _layer(chain, layer, classes)
    return chain


def _in_order(model: Any) -> list[Any]:
    """Return each call of a layer; ``model.layers`` names a layer once, however often it is called."""
    import keras

    if isinstance(model, keras.Sequential):
        return [call for layer in model.layers for call in _in_order(layer)]
    if not isinstance(model, keras.Model):
        return [model]
    depths = getattr(model, "_nodes_by_depth", None)
    if not depths:
        raise InvalidInput(
            f"Argument 'model' is a {type(model).__name__} whose layers Keras does not order; write it as a "
            "keras.Sequential or a functional model."
        )
    found = []
    for depth in sorted(depths, reverse=True):
        if len(depths[depth]) != 1:
            names = ", ".join(repr(node.operation.name) for node in depths[depth])
            raise InvalidInput(f"Layers {names} stand side by side; only chains of layers are supported.")
        found += _in_order(depths[depth][0].operation)
    return found


def _layer(chain: Chain, layer: Any, classes: tuple[type, ...]) -> None:
    import keras

    kind = type(layer).__name__
    if type(layer) is keras.layers.Dropout or isinstance(layer, classes):  # SpatialDropout1D is a subclass of Dropout
        if getattr(layer, "noise_shape", None) is not None:
            raise InvalidInput(f"Layer {layer.name!r} shares masks (noise_shape), which is outside the model.")
        chain.dropout(rate_of(layer, layer.name), layer.name)
    elif kind == "Dense":
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else None
        known = (id(layer.kernel), id(layer.bias) if layer.use_bias else None)
        chain.linear(kernel.T, bias, layer.name, parameters=known)
        _activation(chain, layer.activation, layer.name)
    elif kind == "Activation":
        _activation(chain, layer.activation, layer.name)
    elif kind == "ReLU":
        config = layer.get_config()
        if config.get("max_value") is not None or config.get("threshold"):
            raise InvalidInput(f"Layer {layer.name!r} is a ReLU with a threshold or a largest value; not supported.")
        chain.activation(slope(config.get("negative_slope", 0.0)), layer.name)
    elif kind == "LeakyReLU":
        chain.activation(slope(layer.negative_slope), layer.name)
    elif kind not in ("InputLayer", "Flatten", "Identity"):
        raise InvalidInput(
            f"Layer {layer.name!r} is a {kind}, which is not supported; the model has Dense, ReLU and Dropout. "
            f"{_advice(kind)}."
        )


def _advice(kind: str) -> str:
    """Return what to do about a layer that is not supported."""
    if kind == "BatchNormalization":
        return "In evaluation it is affine: multiply its scale into the Dense before it, and add its shift to the bias"
    if "Normalization" in kind:
        return "It divides by what it computes from its inputs, so that no exact formula of this package holds for it"
    return f"Where it drops independent units, say dropout={kind}"


def _activation(chain: Chain, function: Any, name: str) -> None:
    kind = getattr(function, "__name__", str(function))
    if kind == "relu":
        chain.activation(Activation.relu(), name)
    elif kind == "leaky_relu":
        chain.activation(slope(0.2), name)
    elif kind != "linear":
        raise InvalidInput(f"Layer {name!r} has the activation {kind!r}; the model has relu, leaky_relu and linear.")
