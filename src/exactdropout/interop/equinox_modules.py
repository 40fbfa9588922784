"""``from_equinox``: any module that is a chain of linear maps, relu and dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain, Imported, RatesAs, dropout_classes, missing
from exactdropout.interop.recorded import OtherSize, Recorder, float64, with_the_right_size
from exactdropout.model.numbers import Array, show

__all__ = ["call_equinox", "chain_of_equinox", "from_equinox"]

Classes = type | tuple[type, ...]


def from_equinox(
    module: Any, *, q: Any = None, exact: bool = False, rates: RatesAs = "dyadic", dropout: Classes = ()
) -> Imported:
    """Return the network of an Equinox module of one sample: ``MLP``, ``Sequential``, or a class of your own.

    The module is executed once: its Linear and Dropout layers are read in the order of the calls, a layer that is
    called twice twice, and what is between two layers from its values. Weights are (out, in), rates ``Dropout.p``. An
    ``MLP`` has no dropout: its rates are unknown unless ``q`` is given.

    Args:
        module: called as ``module(x)`` or ``module(x, key=key)``.
        q: drop rates in place of the module's.
        exact: weights as the rationals that they are.
        rates: ``"dyadic"``, or ``"decimal"`` for 0.2 as 1/5.
        dropout: classes of your own that drop independent units; their rate is read from ``p``, ``rate``, ``q``,
            ``drop_prob`` or ``drop_rate``.

    Raises:
        InvalidInput: what is no chain of linear maps, relu and dropout.
        MissingExtra: Equinox is not installed.
    """
    chain = chain_of_equinox(module, dropout)
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    def own(x: Array) -> Any:
        still = eqx.nn.inference_mode(module)
        return np.array([call_equinox(still, jnp.asarray(row, jnp.float32), jax.random.key(0)) for row in x])

    return chain.result(q=q, exact=exact, rates=rates, own=own, has_rates=not isinstance(module, eqx.nn.MLP))


def call_equinox(module: Any, x: Any, key: Any) -> Any:
    """Return the answer of a module, with a key where it takes one."""
    from inspect import signature

    names = signature(type(module).__call__).parameters
    takes = "key" in names or any(v.kind is v.VAR_KEYWORD for v in names.values())
    return module(x, key=key) if takes else module(x)


def chain_of_equinox(module: Any, dropout: Classes = ()) -> Chain:
    """Return the layers of a module in the order of its calls; parameters are known by their paths in the tree."""
    try:
        import equinox as eqx
    except ImportError:
        raise missing("Equinox", "equinox") from None
    import jax
    import jax.numpy as jnp

    if not isinstance(module, eqx.Module):
        raise InvalidInput(f"Argument 'module' must be an Equinox module, not {show(module)}.")
    classes = (eqx.nn.Dropout, *dropout_classes(dropout))
    recorder = Recorder(chain=Chain(source=f"equinox {type(module).__name__}"), rows=1)
    sizes: list[int] = []

    def is_layer(node: Any) -> bool:
        return isinstance(node, (eqx.nn.Linear, *classes))

    def recording(path: tuple[Any, ...], node: Any) -> Any:
        if not is_layer(node):
            return node
        name = jax.tree_util.keystr(path).lstrip(".") or type(node).__name__
        if isinstance(node, classes):
            return lambda x, *_, **__: recorder.dropout(x, node, name)
        weight, bias = float64(node.weight), None if node.bias is None else float64(node.bias)
        weight = weight.reshape(1, -1) if weight.ndim == 1 else weight
        sizes.append(weight.shape[1])
        paths = _leaf(path, "weight"), None if bias is None else _leaf(path, "bias")
        return _layer(recorder, weight, bias, name, paths, scalar=node.out_features == "scalar")

    copy = jax.tree_util.tree_map_with_path(recording, module, is_leaf=is_layer)

    def run(size: int) -> Chain:
        recorder.chain = Chain(source=f"equinox {type(module).__name__}")
        return recorder.finish(call_equinox(copy, jnp.asarray(recorder.start(size)), jax.random.key(0)))

    return with_the_right_size(run, sizes)


def _leaf(path: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    import jax

    return (*path, jax.tree_util.GetAttrKey(name))


def _layer(
    recorder: Recorder, weight: Array, bias: Any, name: str, paths: tuple[Any, Any], *, scalar: bool
) -> Callable[..., Any]:
    import jax.numpy as jnp

    def call(x: Any, *_: Any, **__: Any) -> Any:
        given = jnp.reshape(x, (-1,))
        if given.shape[0] != weight.shape[1]:
            raise OtherSize
        answer = jnp.asarray(recorder.linear(given, weight, bias, name, paths))
        return answer[0] if scalar else answer

    return call
