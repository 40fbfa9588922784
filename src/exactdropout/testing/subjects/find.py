"""Which framework a layer belongs to, and whether it is a layer or a factory of layers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from exactdropout.errors import InvalidInput
from exactdropout.interop.recorded import mode_argument
from exactdropout.model.numbers import show
from exactdropout.testing.subjects.plain import PlainFunction, parameters
from exactdropout.testing.subjects.subject import Subject

if TYPE_CHECKING:
    from exactdropout.testing.subjects.whole_network import WholeNetwork

__all__ = ["layer_maker", "whole_network"]

FRAMEWORKS = ("torch", "keras", "flax", "equinox", "jax", "numpy")


def layer_maker(
    layer: Any, q: Fraction, framework: str | None, device: str
) -> tuple[Callable[[Fraction], Subject], bool, str]:
    """Return how to make the layer at a rate, whether it has one rate only, and its name."""
    if framework is not None and framework not in FRAMEWORKS:
        raise InvalidInput(
            f"Argument 'framework' must be None or one of {', '.join(FRAMEWORKS)}, not {show(framework)}."
        )
    if isinstance(layer, Subject) and not isinstance(layer, type):
        subject: Subject = layer
        return lambda _: subject, True, name_of(layer)
    if not callable(layer):
        raise InvalidInput(
            f"Argument 'layer' must be a module, a factory of q or a function, not {show(layer)} of type "
            f"{type(layer).__name__}."
        )
    kind = framework_of(layer)
    if kind is not None:
        one = wrapped(layer, kind, device)
        return lambda _: one, True, name_of(layer)
    made = _made(layer, q)
    if made is not None:
        inner = framework_of(made) or framework

        def make(rate: Fraction) -> Subject:
            found = layer(float(rate))
            return found if isinstance(found, Subject) else wrapped(found, inner, device)

        return make, False, name_of(layer)
    one = wrapped(layer, framework, device)
    return lambda _: one, True, name_of(layer)


def whole_network(module: Any, network: Any, q: Any, dropout: Any) -> WholeNetwork:
    """Return a module of a framework, or a function beside the network that it should be, as a whole network."""
    first = module[0] if isinstance(module, tuple) and module else module
    kind = framework_of(first)
    if kind is not None and network is not None:
        raise InvalidInput("Argument 'network' is for functions; a module's network is read from it.")
    if kind == "torch":
        from exactdropout.testing.subjects.whole_network import TorchNetwork

        return TorchNetwork(module, dropout)
    if kind is not None:
        from exactdropout.testing.subjects import whole_network_jax as jax_networks

        makers = {
            "keras": jax_networks.keras_network,
            "flax": jax_networks.flax_network,
            "equinox": jax_networks.equinox_network,
        }
        return makers[kind](module, dropout)
    if network is None or not callable(module):
        raise InvalidInput(
            "Argument 'module' must be a module of PyTorch, Keras, Flax or Equinox, or a function beside network=..., "
            f"not {show(module)}."
        )
    from exactdropout.testing.subjects.whole_network import FunctionBesideNetwork

    return FunctionBesideNetwork(module, network, q)


def _made(layer: Any, q: Fraction) -> Any:
    """Return what a factory makes of q, or None where the layer is no factory."""
    if isinstance(layer, type):
        return layer(float(q))
    needed = [
        v
        for v in parameters(layer).values()
        if v.default is v.empty and v.kind in (v.POSITIONAL_ONLY, v.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1 or mode_argument(layer) is not None:
        return None
    try:
        found = layer(float(q))
    except Exception:
        return None
    return found if callable(found) or isinstance(found, Subject) else None


def framework_of(layer: Any) -> str | None:
    """Return the framework of a module, without importing any."""
    for module, kind, base in (
        ("keras", "keras", "Layer"),  # before PyTorch: on that backend its layers are PyTorch modules too
        ("torch.nn", "torch", "Module"),
        ("flax.linen", "flax", "Module"),
        ("flax.nnx", "flax", "Module"),
        ("equinox", "equinox", "Module"),
    ):
        loaded = sys.modules.get(module)
        found = getattr(loaded, base, None) if loaded is not None else None
        if inspect.isclass(found) and isinstance(layer, found):
            return kind
    return None


def wrapped(layer: Any, framework: str | None, device: str) -> Subject:
    """Return the layer behind the interface of subjects."""
    if framework == "torch" or (framework is None and _takes_a_tensor(layer)):
        from exactdropout.testing.subjects.torch import TorchLayer

        return TorchLayer(layer, device)
    if framework == "keras":
        from exactdropout.testing.subjects.keras import keras_layer

        return keras_layer(layer)
    if framework in ("flax", "equinox", "jax"):
        from exactdropout.testing.subjects.jax import jax_layer

        return jax_layer(layer, framework)
    return PlainFunction(layer)


def _takes_a_tensor(layer: Any) -> bool:
    """Return whether a function of one argument is meant for PyTorch: PyTorch is loaded, and the module says so."""
    if "torch" not in sys.modules:
        return False
    if framework_of(layer) == "torch":
        return True
    plain = PlainFunction(layer)
    if plain.keyed:
        return False
    import torch

    try:
        answer = layer(torch.ones(2, 3), **({} if plain.mode is None else {plain.mode[0]: not plain.mode[1]}))
    except Exception:
        return False
    return isinstance(answer, torch.Tensor)


def name_of(layer: Any) -> str:
    """Return what the layer is called in reports."""
    name = getattr(layer, "__qualname__", None) or type(layer).__name__
    return str(name).replace("<locals>.", "").replace("<lambda>", "a function")
