"""``from_flax``: linen modules with their parameters, nnx modules, and parameters alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain, Imported, RatesAs, dropout_classes, missing
from exactdropout.interop.recorded import OtherSize, Recorder, float64, leaf_at, mode_argument, with_the_right_size
from exactdropout.model import Activation
from exactdropout.model.numbers import Array, show

__all__ = ["chain_of_flax", "from_flax", "linen_parts", "still_arguments"]

Classes = type | tuple[type, ...]


def from_flax(
    module: Any,
    *,
    q: Any = None,
    activation: str = "relu",
    own: Any = None,
    exact: bool = False,
    rates: RatesAs = "dyadic",
    dropout: Classes = (),
) -> Imported:
    """Return the network of a Flax module (linen with its parameters, or nnx), or of parameters alone.

    ``linen`` modules are given with their parameters: ``module.bind(variables)`` or ``(module, variables)``. A module
    is executed once: its Dense (Linear) and Dropout layers are read in the order of the calls, a layer that is called
    twice twice, and what is between two layers from its values. Kernels are (in, out).

    Parameters alone (layers with ``kernel`` and ``bias``) hold no rates and no activations: ``activation`` stands
    between their layers in natural order (Dense_2 before Dense_10), and the rates are unknown unless ``q`` is given.
    Flax numbers layers as they are made, which need not be their order: ``own``, such as
    ``lambda x: net.apply(params, x)``, is compared.

    Args:
        module: a module, or parameters.
        q: drop rates in place of the module's.
        activation: what stands between the layers of parameters alone.
        own: what parameters alone are compared with.
        exact: weights as the rationals that they are.
        rates: ``"dyadic"``, or ``"decimal"`` for 0.2 as 1/5.
        dropout: classes of your own that drop independent units; their rate is read from ``rate``, ``p``, ``q``,
            ``drop_prob`` or ``drop_rate``.

    Raises:
        InvalidInput: what is no chain of linear maps, relu and dropout, in words.
        MissingExtra: Flax is not installed.
    """
    if isinstance(module, Mapping):
        return _from_parameters(module, q, activation, own, exact, rates)
    chain = chain_of_flax(module, dropout)
    return chain.result(q=q, exact=exact, rates=rates, own=_evaluated(module, dropout_classes(dropout)))


def _from_parameters(
    module: Mapping[str, Any], q: Any, activation: str, own: Any, exact: bool, rates: RatesAs
) -> Imported:
    params = module.get("params", module)
    chain = Chain(source="Flax parameters")
    names = sorted((n for n in params if isinstance(params[n], Mapping)), key=_natural)
    for number, name in enumerate(names):
        if "kernel" not in params[name]:
            raise InvalidInput(f"Layer {name!r} has no 'kernel'; the model has Dense layers only.")
        bias = params[name].get("bias")
        chain.linear(float64(params[name]["kernel"]).T, None if bias is None else float64(bias), name)
        if number < len(names) - 1:
            chain.activation(Activation.parse(activation), name)
    chain.notes.append(f"parameters hold no activation; {activation} was taken")
    compare = None if own is None else (lambda x: np.asarray(own(x.astype(np.float32))))
    return chain.result(q=q, exact=exact, rates=rates, has_rates=False, own=compare)


def _natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def linen_parts(module: Any) -> tuple[Any, Any] | None:
    """Return a linen module and its variables, of a bound module or a pair; None where it is no linen module."""
    linen = sys.modules.get("flax.linen")
    if linen is None:
        return None
    if isinstance(module, tuple) and len(module) == 2 and isinstance(module[0], linen.Module):
        variables = module[1]
        return module[0], variables if "params" in variables else {"params": variables}
    if not isinstance(module, linen.Module):
        return None
    if module.scope is None:
        raise InvalidInput(
            "Argument 'module' is a Flax module without parameters; write module.bind(variables) or "
            "(module, variables)."
        )
    found: tuple[Any, Any] = module.unbind()
    return found


def still_arguments(function: Callable[..., Any]) -> dict[str, bool]:
    """Return the argument that a call in evaluation mode needs, if it takes one."""
    mode = mode_argument(function)
    return {} if mode is None else {mode[0]: not mode[1]}


def chain_of_flax(module: Any, dropout: Classes = ()) -> Chain:
    """Return the layers of a Flax module in the order of its calls; parameters are known by their paths."""
    try:
        from flax import nnx
    except ImportError:
        raise missing("Flax", "flax") from None
    classes = dropout_classes(dropout)
    pair = linen_parts(module)
    if pair is not None:
        return _linen_chain(*pair, classes)
    if not isinstance(module, nnx.Module):
        raise InvalidInput(
            "Argument 'module' must be a Flax module (linen with its parameters, or nnx) or its parameters, not "
            f"{show(module)}."
        )
    return _nnx_chain(module, classes)


def _linen_chain(module: Any, variables: Any, classes: tuple[type, ...]) -> Chain:
    import jax.numpy as jnp
    from flax import linen

    params = variables["params"]
    made: list[Recorder] = []

    def record(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        layer, recorder = context.module, made[-1]
        if context.method_name != "__call__" or not args:
            return call(*args, **kwargs)
        name = "/".join(layer.path) or type(layer).__name__
        if type(layer) is linen.Dropout or isinstance(layer, classes):
            return recorder.dropout(args[0], layer, name)
        if isinstance(layer, linen.Dense):
            kernel, bias = leaf_at(params, (*layer.path, "kernel")), leaf_at(params, (*layer.path, "bias"))
            if kernel is None or np.shape(args[0])[-1] != kernel.shape[0]:
                raise OtherSize
            paths = ((*layer.path, "kernel"), None if bias is None else (*layer.path, "bias"))
            return jnp.asarray(recorder.linear(args[0], float64(kernel).T, bias, name, paths))
        if layer.path and type(layer) is not linen.Sequential:
            recorder.others.append(name)
        return call(*args, **kwargs)

    def run(inputs: int) -> Chain:
        made.append(Recorder(chain=Chain(source=f"flax {type(module).__name__}")))
        with linen.intercept_methods(record):
            answer = module.apply(variables, jnp.asarray(made[-1].start(inputs)), **still_arguments(module.__call__))
        return made[-1].finish(answer)

    return with_the_right_size(run, _kernel_sizes(params))


def _kernel_sizes(params: Any) -> list[int]:
    import jax

    return [int(leaf.shape[0]) for leaf in jax.tree_util.tree_leaves(params) if getattr(leaf, "ndim", 0) == 2]


def _nnx_chain(module: Any, classes: tuple[type, ...]) -> Chain:
    import jax.numpy as jnp
    from flax import nnx

    copy = nnx.clone(module)
    made: list[Recorder] = []

    def linear(path: tuple[Any, ...]) -> Callable[..., Any]:
        def call(layer: Any, x: Any, *_: Any, **__: Any) -> Any:
            kernel, bias = float64(layer.kernel[...]), layer.bias
            values = float64(bias[...]) if layer.use_bias else None
            if np.shape(x)[-1] != kernel.shape[0]:
                raise OtherSize
            paths = ((*path, "kernel"), None if values is None else (*path, "bias"))
            name = ".".join(map(str, path)) or type(module).__name__
            return jnp.asarray(made[-1].linear(x, kernel.T, values, name, paths))

        return call

    def drop(path: tuple[Any, ...]) -> Callable[..., Any]:
        def call(layer: Any, x: Any, *_: Any, **__: Any) -> Any:
            return made[-1].dropout(x, layer, ".".join(map(str, path)) or type(module).__name__)

        return call

    for path, node in list(nnx.iter_graph(copy)):
        drops = type(node) is nnx.Dropout or isinstance(node, classes)
        if drops or type(node) is nnx.Linear:
            call = (drop if drops else linear)(path)
            object.__setattr__(node, "__class__", type(type(node).__name__, (type(node),), {"__call__": call}))

    def run(inputs: int) -> Chain:
        made.append(Recorder(chain=Chain(source=f"nnx {type(module).__name__}")))
        answer = copy(jnp.asarray(made[-1].start(inputs)), **still_arguments(type(module).__call__))
        return made[-1].finish(answer)

    return with_the_right_size(run, _kernel_sizes(nnx.state(module, nnx.Param)))


def _evaluated(module: Any, classes: tuple[type, ...]) -> Callable[[Array], Any]:
    """Return the module's own evaluation; where a linen module has no mode, its dropout layers are taken out."""
    import jax.numpy as jnp

    pair = linen_parts(module)
    if pair is None:
        return _evaluated_nnx(module)
    from flax import linen

    linen_module, variables = pair
    still = still_arguments(linen_module.__call__)

    def without(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        drops = isinstance(context.module, (linen.Dropout, *classes)) and not still
        return args[0] if drops and args else call(*args, **kwargs)

    def answer(x: Array) -> Any:
        with linen.intercept_methods(without):
            return np.asarray(linen_module.apply(variables, jnp.asarray(x, jnp.float32), **still))

    return answer


def _evaluated_nnx(module: Any) -> Callable[[Array], Any]:
    import jax.numpy as jnp
    from flax import nnx

    def answer(x: Array) -> Any:
        still = nnx.clone(module)
        still.eval()
        return np.asarray(still(jnp.asarray(x, dtype=jnp.float32), **still_arguments(type(module).__call__)))

    return answer
