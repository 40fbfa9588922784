"""``from_torch``: Sequential modules, and any module that ``torch.fx`` traces to a chain."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain, Imported, RatesAs, dropout_classes, missing, rate_of, slope
from exactdropout.model import Activation
from exactdropout.model.numbers import Array, show

__all__ = ["chain_of_torch", "from_torch", "in_mode"]

NOTHING = ("Identity", "Flatten")
FUNCTIONS_OF_NOTHING = ("flatten", "reshape", "view", "contiguous", "squeeze", "unsqueeze", "float", "double")


Classes = type | tuple[type, ...]


def from_torch(
    module: Any, *, q: Any = None, exact: bool = False, rates: RatesAs = "dyadic", dropout: Classes = ()
) -> Imported:
    """Return the network of a PyTorch module of Linear, ReLU, LeakyReLU, Identity, Flatten and Dropout layers.

    Nested Sequential modules are read layer by layer, any other module as ``torch.fx`` traces it (functional ``relu``
    and ``dropout`` included). Weights are those of the module in float64; rates are the layers' ``p``. Linear after
    Linear is a linear hidden layer; Dropout twice is one with 1 − (1−q₁)(1−q₂).

    Args:
        module: a ``torch.nn.Module``.
        q: drop rates in place of the module's.
        exact: weights as the rationals that they are.
        rates: ``"dyadic"``, or ``"decimal"`` for 0.2 as 1/5.
        dropout: classes of your own that drop independent units; their rate is read from ``p``, ``rate``, ``q``,
            ``drop_prob`` or ``drop_rate``.

    Raises:
        InvalidInput: a layer that is not supported, by name; dropout of the outputs.
        MissingExtra: PyTorch is not installed.
    """
    chain = chain_of_torch(module, dropout)
    import torch

    parameters = list(module.parameters())

    def own(x: Array) -> Array:
        with in_mode(module, training=False), torch.no_grad():
            dtype = parameters[0].dtype if parameters else torch.float64
            device = parameters[0].device if parameters else "cpu"
            return np.asarray(module(torch.tensor(x, dtype=dtype, device=device)).double().cpu().numpy())

    return chain.result(q=q, exact=exact, rates=rates, own=own)


@contextlib.contextmanager
def in_mode(module: Any, *, training: bool) -> Iterator[None]:
    """Set the mode of all layers, and put back that of each afterwards."""
    before = [(part, part.training) for part in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        for part, mode in before:
            part.training = mode


def chain_of_torch(module: Any, dropout: Classes = ()) -> Chain:
    """Return the layers of a module in order; ``parameters`` holds the numbers of the objects that hold them."""
    try:
        import torch
    except ImportError:
        raise missing("PyTorch", "torch") from None
    if not isinstance(module, torch.nn.Module):
        raise InvalidInput(f"Argument 'module' must be a torch.nn.Module, not {_described(module)}.")
    chain = Chain(source=f"torch {type(module).__name__}")
    classes = (torch.nn.Dropout, *dropout_classes(dropout))
    if isinstance(module, torch.nn.Sequential) or not list(module.children()):
        _sequence(chain, module, "", classes)
    else:
        _traced(chain, module, classes)
    return chain


def _sequence(chain: Chain, module: Any, path: str, classes: tuple[type, ...]) -> None:
    import torch

    if isinstance(module, torch.nn.Sequential) and not isinstance(module, classes):
        for name, child in module._modules.items():  # named_children leaves a layer out that comes twice
            _sequence(chain, child, f"{path}{name}.", classes)
    else:
        _layer(chain, module, path.rstrip(".") or type(module).__name__, classes)


def _layer(chain: Chain, module: Any, name: str, classes: tuple[type, ...]) -> None:
    import torch

    kind = type(module).__name__
    if isinstance(module, classes):
        chain.dropout(rate_of(module, name), name)
    elif kind == "Linear" and isinstance(module, torch.nn.Linear):
        bias = None if module.bias is None else module.bias.detach().double().cpu().numpy()
        known = (id(module.weight), None if module.bias is None else id(module.bias))
        chain.linear(module.weight.detach().double().cpu().numpy(), bias, name, parameters=known)
    elif kind == "ReLU":
        chain.activation(Activation.relu(), name)
    elif kind == "LeakyReLU":
        chain.activation(slope(module.negative_slope), name)
    elif kind not in NOTHING:
        raise InvalidInput(
            f"Layer {name!r} is a {kind}, which is not supported; the model has Linear, ReLU, LeakyReLU and Dropout. "
            f"{_advice(kind)}."
        )


def _advice(kind: str) -> str:
    """Return what to do about a layer that is not supported."""
    if "BatchNorm" in kind:
        return (
            "In evaluation it is affine: fold it into the Linear before it, "
            "torch.nn.utils.fusion.fuse_linear_bn_eval(linear, norm)"
        )
    if "Norm" in kind:
        return "It divides by what it computes from its inputs, so that no exact formula of this package holds for it"
    return f"Where it drops independent units, say dropout={kind}"


def _described(value: Any) -> str:
    """Return what was given for a module, and what to write instead."""
    if isinstance(value, Mapping):
        return (
            f"a {type(value).__name__} of parameters, which has no order of layers; write from_torch(module) with the "
            "module whose load_state_dict takes it, or save it as .safetensors and write "
            "xd.interop.load(path, architecture='2-3-1 relu')"
        )
    return (
        f"{show(value)}; a .pt file is a pickle, never loaded: save the weights as .safetensors, or export the module "
        "to .onnx"
    )


def _traced(chain: Chain, module: Any, classes: tuple[type, ...]) -> None:
    import torch.fx

    class Tracer(torch.fx.Tracer):  # type: ignore[misc]
        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return isinstance(m, classes) or bool(super().is_leaf_module(m, module_qualified_name))

    try:
        with in_mode(module, training=True):
            graph = Tracer().trace(module)
    except Exception as error:
        raise InvalidInput(
            f"Argument 'module' cannot be traced by torch.fx ({type(error).__name__}: {show(str(error), 80)}); "
            "write it as a torch.nn.Sequential."
        ) from error
    before: Any = None
    children = dict(module.named_modules(remove_duplicate=False))
    for node in graph.nodes:
        if node.op == "placeholder":
            if before is not None:
                if node.users:
                    raise InvalidInput(f"Argument 'module' has a second input {node.name!r}; the model has one.")
                continue
        elif node.op == "output":
            if node.args[0] is not before:
                raise InvalidInput("Argument 'module' must return one tensor, the last of its chain.")
            continue
        elif not node.args or node.args[0] is not before:
            raise InvalidInput(f"Operation {node.name!r} does not follow the one before; only chains are supported.")
        elif node.op == "call_module":
            _layer(chain, children[node.target], str(node.target), classes)
        else:
            _function(chain, node)
        before = node


def _function(chain: Chain, node: Any) -> None:
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    if name in ("relu", "relu_"):
        chain.activation(Activation.relu(), node.name)
    elif name == "leaky_relu":
        chain.activation(
            slope(node.kwargs.get("negative_slope", node.args[1] if len(node.args) > 1 else 0.01)), node.name
        )
    elif name == "dropout":
        if node.kwargs.get("training", node.args[2] if len(node.args) > 2 else True):
            chain.dropout(node.kwargs.get("p", node.args[1] if len(node.args) > 1 else 0.5), node.name)
    elif name not in FUNCTIONS_OF_NOTHING:
        raise InvalidInput(f"Operation {name!r} is not supported; the model has linear maps, relu and dropout.")
