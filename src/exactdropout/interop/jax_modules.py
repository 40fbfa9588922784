"""``from_flax`` (parameters, or an nnx Sequential) and ``from_equinox``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain, Imported, RatesAs, missing
from exactdropout.model import Activation
from exactdropout.model.numbers import Array, show

__all__ = ["from_equinox", "from_flax"]


def from_flax(
    module: Any,
    *,
    q: Any = None,
    activation: str = "relu",
    own: Any = None,
    exact: bool = False,
    rates: RatesAs = "dyadic",
) -> Imported:
    """Return the network of Flax parameters (layers with ``kernel`` and ``bias``) or of an ``nnx.Sequential``.

    Kernels are (in, out). Parameters hold no rates and no activations: ``activation`` stands between their layers in
    natural order (Dense_2 before Dense_10), and the rates are unknown unless ``q`` is given. Flax numbers layers as
    they are made, which need not be their order: ``own``, such as ``lambda x: net.apply(params, x)``, is compared.
    """
    if isinstance(module, Mapping):
        params = module.get("params", module)
        chain = Chain(source="Flax parameters")
        names = sorted((n for n in params if isinstance(params[n], Mapping)), key=_natural)
        for number, name in enumerate(names):
            if "kernel" not in params[name]:
                raise InvalidInput(f"Layer {name!r} has no 'kernel'; the model has Dense layers only.")
            bias = params[name].get("bias")
            chain.linear(_array(params[name]["kernel"]).T, None if bias is None else _array(bias), name)
            if number < len(names) - 1:
                chain.activation(Activation.parse(activation), name)
        chain.notes.append(f"parameters hold no activation; {activation} was taken")
        compare = None if own is None else (lambda x: np.asarray(own(x.astype(np.float32))))
        return chain.result(q=q, exact=exact, rates=rates, has_rates=False, own=compare)
    try:
        from flax import nnx
    except ImportError:
        raise missing("Flax", "flax") from None
    if not isinstance(module, nnx.Sequential):
        raise InvalidInput(f"Argument 'module' must be Flax parameters or an nnx.Sequential, not {show(module)}.")
    chain = Chain(source="nnx.Sequential")
    for number, layer in enumerate(module.layers):
        name, kind = f"layers[{number}]", type(layer).__name__
        if kind == "Linear":
            bias = getattr(layer, "bias", None)
            value = None if bias is None else bias[...]
            chain.linear(_array(layer.kernel[...]).T, None if value is None else _array(value), name)
        elif kind == "Dropout":
            if tuple(layer.broadcast_dims):
                raise InvalidInput(f"Layer {name!r} shares masks (broadcast_dims), which is outside the model.")
            chain.dropout(layer.rate, name)
        else:
            _function(chain, layer, name)

    def answer(x: Array) -> Any:
        import jax.numpy as jnp

        module.eval()
        try:
            return np.asarray(module(jnp.asarray(x, dtype=jnp.float32)))
        finally:
            module.train()

    return chain.result(q=q, exact=exact, rates=rates, own=answer)


def from_equinox(module: Any, *, q: Any = None, exact: bool = False, rates: RatesAs = "dyadic") -> Imported:
    """Return the network of an ``equinox.nn.MLP`` or ``Sequential``; weights are (out, in), rates ``Dropout.p``."""
    try:
        import equinox as eqx
    except ImportError:
        raise missing("Equinox", "equinox") from None
    chain = Chain(source=f"equinox {type(module).__name__}")
    drops = True
    if isinstance(module, eqx.nn.MLP):
        drops = False
        for number, layer in enumerate(module.layers):
            _equinox_linear(chain, layer, f"layers[{number}]")
            if number < len(module.layers) - 1:
                _function(chain, module.activation, f"layers[{number}]")
        _function(chain, module.final_activation, "final_activation")
    elif isinstance(module, eqx.nn.Sequential):
        for number, layer in enumerate(module.layers):
            name = f"layers[{number}]"
            if isinstance(layer, eqx.nn.Linear):
                _equinox_linear(chain, layer, name)
            elif isinstance(layer, eqx.nn.Dropout):
                chain.dropout(layer.p, name)
            elif isinstance(layer, eqx.nn.Lambda):
                _function(chain, layer.fn, name)
            elif type(layer).__name__ != "Identity":
                _function(chain, layer, name)
    else:
        raise InvalidInput(f"Argument 'module' must be an equinox MLP or Sequential, not {show(module)}.")

    def own(x: Array) -> Any:
        import jax
        import jax.numpy as jnp

        still = eqx.nn.inference_mode(module)
        return np.array([np.asarray(still(jnp.asarray(row, jnp.float32), key=jax.random.key(0))) for row in x])

    return chain.result(q=q, exact=exact, rates=rates, own=own, has_rates=drops)


def _equinox_linear(chain: Chain, layer: Any, name: str) -> None:
    weight = _array(layer.weight)
    bias = None if layer.bias is None else _array(layer.bias)
    chain.linear(weight.reshape(1, -1) if weight.ndim == 1 else weight, bias, name)


def _function(chain: Chain, function: Any, name: str) -> None:
    import jax.numpy as jnp

    kind = getattr(function, "__name__", None)
    if kind is None:
        kind = getattr(getattr(function, "__wrapped__", function), "__name__", type(function).__name__)
    x = jnp.asarray([-2.0, -1.0, 0.0, 1.0, 3.0])
    try:
        y = np.asarray(function(x), dtype=np.float64)
    except Exception:
        raise InvalidInput(
            f"Layer {name!r} is a {kind}, which is not supported; the model has linear maps, relu, dropout."
        ) from None
    values = np.asarray(x, dtype=np.float64)
    if kind in ("relu", "leaky_relu", "identity", "<lambda>", "_identity") or np.array_equal(y, np.maximum(values, 0)):
        negative = float(y[1] / -1.0)
        if np.allclose(y, np.where(values > 0, values, negative * values)):
            from exactdropout.interop.layers import slope

            chain.activation(Activation.linear() if negative == 1 else slope(negative), name)
            return
    raise InvalidInput(
        f"Layer {name!r} is {kind!r}, which is not supported; the model has relu, leaky_relu and linear."
    )


def _array(values: Any) -> Array:
    return np.asarray(
        np.asarray(values).astype(np.float32) if str(getattr(values, "dtype", "")) == "bfloat16" else values, np.float64
    )


def _natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
