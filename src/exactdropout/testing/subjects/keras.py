"""Keras 3 layers, on the backend that Keras was imported with (PyTorch or JAX)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from exactdropout.testing.subjects.subject import Call, Floats, Untestable, plain

__all__ = ["KerasLayer", "checked_backend", "generator_states", "keras_layer"]


def checked_backend() -> str:
    """Return the backend of Keras, one of those that can be differentiated here."""
    import keras

    backend = str(keras.backend.backend())
    if backend not in ("torch", "jax"):
        raise Untestable(f"Keras runs on {backend}; set KERAS_BACKEND=torch or jax before it is imported")
    return backend


def _states(layer: Any) -> list[Any]:
    """Return the states of all seed generators that a layer and the layers in it own."""
    import keras

    found: dict[int, Any] = {}
    for part in layer._flatten_layers():
        generators = list(getattr(part, "_seed_generators", []) or [])
        generators += [v for v in vars(part).values() if isinstance(v, keras.random.SeedGenerator)]
        found |= {id(g.state): g.state for g in generators}
    return list(found.values())


def _seed_all(states: list[Any], seed: int) -> None:
    for number, state in enumerate(states):  # (key, counter): generators with one key start far from each other
        _assign(state, np.array([seed, number << 20]))


def _assign(state: Any, values: Any) -> None:
    import keras

    state.assign(keras.ops.convert_to_tensor(values, dtype=state.dtype))


@contextlib.contextmanager
def generator_states(model: Any) -> Iterator[None]:
    """Put the states of all generators of a model back afterwards.

    They go on from where they stand: to seed them would hide that two layers were given one seed.
    """
    import keras

    states = _states(model)
    before = [np.array(keras.ops.convert_to_numpy(state)) for state in states]
    try:
        yield
    finally:
        for state, values in zip(states, before, strict=True):
            _assign(state, values)


class KerasLayer:
    """A Keras layer; a key sets the state of every seed generator that it owns."""

    seeded = True
    keyed = False
    differentiates = True
    evaluates = True

    def __init__(self, layer: Any) -> None:
        """Find the seed generators of the layer."""
        self.layer = layer
        policy = getattr(layer, "compute_dtype", None) or "float32"
        self.formats: tuple[str, ...] = (str(policy),)
        self.backend = checked_backend()

    def _seed(self, key: int) -> None:
        import keras

        keras.utils.set_random_seed(key)
        _seed_all(_states(self.layer), key)

    def _call(self, x: Floats, dtype: str, training: bool, gradient: bool) -> Call:
        return (self._torch if self.backend == "torch" else self._jax)(x, dtype, training, gradient)

    def _torch(self, x: Floats, dtype: str, training: bool, gradient: bool) -> Call:
        import torch

        leaf = torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=gradient)
        y = self.layer(leaf.clone() if gradient else leaf, training=training)

        def back(cotangent: Floats) -> Floats:
            (found,) = torch.autograd.grad(y, leaf, torch.tensor(cotangent, dtype=y.dtype), retain_graph=True)
            return plain(found.double().numpy())

        name = str(y.dtype).removeprefix("torch.")
        values = plain(y.detach().cpu().double().numpy())
        return Call(
            y=values, dtype=name, x_after=plain(leaf.detach().double().numpy()), gradient=back if gradient else None
        )

    def _jax(self, x: Floats, dtype: str, training: bool, gradient: bool) -> Call:
        import jax
        import jax.numpy as jnp

        array = jnp.asarray(x, dtype=getattr(jnp, dtype))
        if not self.layer.built:
            self.layer(array, training=False)
        weights = [v.value for v in self.layer.trainable_variables]
        states = [v.value for v in self.layer.non_trainable_variables]

        def run(t: Any) -> Any:
            return self.layer.stateless_call(weights, states, t, training=training)

        y, pull, after = jax.vjp(run, array, has_aux=True)
        for variable, value in zip(self.layer.non_trainable_variables, after, strict=True):
            variable.assign(value)

        def back(cotangent: Floats) -> Floats:
            (found,) = pull(jnp.asarray(cotangent, dtype=y.dtype))
            return plain(np.asarray(found, np.float64))

        return Call(
            y=plain(np.asarray(y, np.float64)),
            dtype=str(y.dtype),
            x_after=plain(x),
            gradient=back if gradient else None,
        )

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode."""
        if key is not None:
            self._seed(key)
        return self._call(x, dtype, True, gradient)

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode."""
        return self._call(x, dtype, False, True)


def keras_layer(layer: Any) -> KerasLayer:
    """Return a Keras layer as a subject."""
    return KerasLayer(layer)
