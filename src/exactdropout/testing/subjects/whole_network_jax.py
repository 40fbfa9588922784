"""Whole networks on JAX: Flax (linen and nnx), Equinox, Keras on JAX; and Keras on PyTorch.

A module becomes a function (parameters, state, x, key, training) -> (output, state). Calls on many rows run operation
by operation, as a user's do; calls that are differentiated are compiled once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from exactdropout.interop.equinox_modules import call_equinox, chain_of_equinox
from exactdropout.interop.flax_modules import chain_of_flax, linen_parts
from exactdropout.interop.keras_models import chain_of_keras
from exactdropout.interop.layers import Chain
from exactdropout.interop.recorded import mode_argument
from exactdropout.testing.subjects.keras import checked_backend, generator_states
from exactdropout.testing.subjects.subject import Floats
from exactdropout.testing.subjects.whole_network import TorchNetwork, WholeNetwork, epsilon_of, known_parameters

__all__ = ["equinox_network", "flax_network", "keras_network"]

Classes = type | tuple[type, ...]
Function = Callable[[Any, Any, Any, Any, bool], tuple[Any, Any]]


class JaxNetwork:
    """A function of parameters; ``leaves`` finds the parameters in a tree of their shape, by what the chain knows."""

    def __init__(
        self, chain: Chain, function: Function, values: Any, state: Any, leaves: Callable[[Any], dict[Any, Any]],
        *, transposed: bool, single: bool = False,
    ) -> None:  # fmt: skip
        """Take what the module was made of."""
        found = chain.result(rates="decimal")
        assert found.q is not None
        self.source, self.network, self.rates = chain.source, found.network, found.q
        self.function, self.values, self.state, self.leaves = function, values, state, leaves
        self.transposed, self.single, self.calls, self.seed = transposed, single, 0, 0
        every = leaves(values)
        self.known, self.parameters = known_parameters(chain, every.__contains__)
        self.dtype = str(every[self.known[0]].dtype) if self.known else "float32"
        self.epsilon = epsilon_of(self.dtype)

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Start keys from the seed; a state that the module draws from is a copy of its own."""
        self.seed, self.calls = seed, 0
        yield

    def _key(self) -> Any:
        import jax

        self.calls += 1
        return jax.random.fold_in(jax.random.key(self.seed), self.calls)

    def _call(self, rows: Floats, training: bool) -> Floats:
        import jax
        import jax.numpy as jnp

        array = jnp.asarray(rows, dtype=self.dtype)
        if self.single:
            keys = jax.random.split(self._key(), len(rows))
            y = jax.vmap(lambda row, key: self.function(self.values, None, row, key, training)[0])(array, keys)
        else:
            y, state = self.function(self.values, self.state, array, self._key(), training)
            self.state = state if training else self.state
        return np.asarray(y, dtype=np.float64).reshape(len(rows), -1)

    def outputs(self, x: Floats, count: int) -> Floats:
        """Call in training mode."""
        return self._call(np.tile(x, (count, 1)), True)

    def evaluate(self, rows: Floats) -> Floats:
        """Call in evaluation mode."""
        return self._call(rows, False)

    @cached_property
    def _differentiated(self) -> Any:
        import jax

        def loss(values: Any, state: Any, x: Any, y: Any, key: Any) -> Any:
            out, after = self.function(values, state, x, key, True)
            flat = out.reshape(-1)
            return ((flat - y) ** 2).sum(), (flat, after)

        return jax.jit(jax.grad(loss, has_aux=True))

    def draws(self, x: Floats, y: Floats, count: int) -> Floats:
        """Call on one row at a time, and differentiate."""
        import jax.numpy as jnp

        row = jnp.asarray(x if self.single else x[None, :], dtype=self.dtype)
        label, drawn = jnp.asarray(y, dtype=self.dtype), []
        for _ in range(count):
            gradient, (out, state) = self._differentiated(self.values, self.state, row, label, self._key())
            self.state = state
            found = self.leaves(gradient)
            parts = [np.asarray(found[key], dtype=np.float64) for key in self.known]
            parts = [g.T if self.transposed and g.ndim == 2 else g for g in parts]
            drawn.append(np.concatenate([np.asarray(out, dtype=np.float64), *(g.ravel() for g in parts)]))
        return np.array(drawn)


def _mode(function: Callable[..., Any], training: bool) -> dict[str, bool]:
    mode = mode_argument(function)
    return {} if mode is None else {mode[0]: mode[1] is training}


def flax_network(module: Any, dropout: Classes) -> WholeNetwork:
    """Return a linen module with its parameters, or an nnx module."""
    chain = chain_of_flax(module, dropout)
    pair = linen_parts(module)
    if pair is None:
        return _nnx_network(chain, module)
    linen_module, variables = pair
    rest = {name: values for name, values in variables.items() if name != "params"}

    def function(values: Any, state: Any, x: Any, key: Any, training: bool) -> tuple[Any, Any]:
        named = _mode(linen_module.__call__, training)
        return linen_module.apply({"params": values, **rest}, x, rngs={"dropout": key}, **named), state

    return JaxNetwork(chain, function, variables["params"], None, _by_names, transposed=True)


def _by_names(tree: Any, before: tuple[str, ...] = ()) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for name, value in tree.items():
        found |= _by_names(value, (*before, name)) if hasattr(value, "items") else {(*before, name): value}
    return found


def _nnx_network(chain: Chain, module: Any) -> WholeNetwork:
    import jax
    from flax import nnx

    graph, values, rest = nnx.split(module, nnx.Param, ...)
    numbers, tree = jax.tree_util.tree_flatten(rest)

    def function(parameters: Any, state: Any, x: Any, key: Any, training: bool) -> tuple[Any, Any]:
        # variables made here, inside every transformation: those made outside may not change in it
        merged = nnx.merge(graph, parameters, jax.tree_util.tree_unflatten(tree, state))
        merged.train() if training else merged.eval()
        y = merged(x, **_mode(type(module).__call__, training))
        return y, jax.tree_util.tree_leaves(nnx.split(merged, nnx.Param, ...)[2])

    def leaves(state: Any) -> dict[Any, Any]:
        flat = dict(nnx.to_flat_state(state)) if hasattr(nnx, "to_flat_state") else state.flat_state()
        arrays = {path: jax.tree_util.tree_leaves(variable) for path, variable in flat.items()}
        return {path: found[0] for path, found in arrays.items() if found}  # a bias may be a parameter without value

    return JaxNetwork(chain, function, values, numbers, leaves, transposed=True)


def equinox_network(module: Any, dropout: Classes) -> WholeNetwork:
    """Return an Equinox module of one sample; many are mapped over, each with a key of its own."""
    import equinox as eqx
    import jax

    chain = chain_of_equinox(module, dropout)
    values, static = eqx.partition(module, eqx.is_inexact_array)

    def function(parameters: Any, state: Any, x: Any, key: Any, training: bool) -> tuple[Any, Any]:
        found = eqx.nn.inference_mode(eqx.combine(parameters, static), value=not training)
        return call_equinox(found, x, key).reshape(-1), state

    def leaves(tree: Any) -> dict[Any, Any]:
        return dict(jax.tree_util.tree_flatten_with_path(tree)[0])

    return JaxNetwork(chain, function, values, None, leaves, transposed=False, single=True)


def keras_network(model: Any, dropout: Classes) -> WholeNetwork:
    """Return a Keras model, on the backend that Keras runs on."""
    return KerasOnTorch(model, dropout) if checked_backend() == "torch" else KerasOnJax(model, dropout)


class KerasOnJax(JaxNetwork):
    """A Keras model as a function without side effects."""

    def __init__(self, model: Any, dropout: Classes) -> None:
        """Read the model, and find its variables."""
        self.model = model
        self.places = {id(v): i for i, v in enumerate(model.trainable_variables)}

        def function(values: Any, state: Any, x: Any, key: Any, training: bool) -> tuple[Any, Any]:
            y, after = model.stateless_call(values, state, x, training=training)
            return y, after

        def leaves(values: Any) -> dict[Any, Any]:
            return {key: values[i] for key, i in self.places.items()}

        values = [v.value for v in model.trainable_variables]
        super().__init__(chain_of_keras(model, dropout), function, values, None, leaves, transposed=True)

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Put the generators of the model back afterwards."""
        with generator_states(self.model):
            self.state = [v.value for v in self.model.non_trainable_variables]
            yield


class KerasOnTorch(TorchNetwork):
    """A Keras model whose variables are PyTorch's parameters."""

    def __init__(self, model: Any, dropout: Classes) -> None:
        """Read the model, and find its variables."""
        chain = chain_of_keras(model, dropout)
        found = chain.result(rates="decimal")
        assert found.q is not None
        self.model, self.source, self.network, self.rates = model, chain.source, found.network, found.q
        every = {id(v): v for v in model.trainable_variables}
        known, self.parameters = known_parameters(chain, every.__contains__)
        self.tensors = [every[key].value for key in known]  # type: ignore[index]
        self.first = self.tensors[0]
        self.epsilon = epsilon_of(str(self.first.dtype).removeprefix("torch."))
        self.module: Any = _Mode(model)

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Put the generators of the model back afterwards."""
        with generator_states(self.model):
            yield

    def draws(self, x: Floats, y: Floats, count: int) -> Floats:
        """Turn kernels, which are (in, out), round."""
        found = super().draws(x, y, count)
        parts, start = [found[:, : y.size]], y.size
        for tensor in self.tensors:
            part = found[:, start : start + tensor.numel()]
            start += tensor.numel()
            if tensor.ndim == 2:
                part = part.reshape(count, *tensor.shape).transpose(0, 2, 1).reshape(count, -1)
            parts.append(part)
        return np.hstack(parts)


class _Mode:
    """A Keras model that is told its mode once, as a PyTorch module is."""

    def __init__(self, model: Any) -> None:
        self.model, self.training = model, True

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False

    def __call__(self, rows: Any) -> Any:
        return self.model(rows, training=self.training)
