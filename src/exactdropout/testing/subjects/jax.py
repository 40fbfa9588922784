"""Layers on JAX: Flax (linen and nnx), Equinox, and functions ``(x, key)`` of JAX arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.interop.recorded import mode_argument
from exactdropout.testing.subjects.subject import Call, Floats, Untestable, plain

__all__ = ["JaxLayer", "jax_layer"]

Function = Callable[[Any, Any, bool], Any]


class JaxLayer:
    """A function (x, key, training) of JAX arrays."""

    seeded = True
    keyed = True
    differentiates = True

    def __init__(self, function: Function, *, evaluates: bool = True) -> None:
        """Take float64 where JAX was told to have it."""
        import jax

        self.function, self.evaluates = function, evaluates
        self.formats = ("float32", "bfloat16", "float16") + (("float64",) if jax.config.jax_enable_x64 else ())
        self.calls = 0

    def _call(self, x: Floats, dtype: str, key: int, training: bool, gradient: bool) -> Call:
        import jax
        import jax.numpy as jnp

        array = jnp.asarray(x, dtype=getattr(jnp, dtype))
        rng = jax.random.key(key)

        def run(t: Any) -> Any:
            return self.function(t, rng, training)

        pull: Any = None
        y = run(array)
        if gradient:
            y, pull = jax.vjp(run, array)

        def back(cotangent: Floats) -> Floats:
            (found,) = pull(jnp.asarray(cotangent, dtype=y.dtype))
            return plain(np.asarray(found, dtype=np.float64))

        return Call(
            y=plain(np.asarray(y, dtype=np.float64)),
            dtype=str(y.dtype),
            x_after=plain(np.asarray(array, np.float64)),
            gradient=back if gradient else None,
        )

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode."""
        self.calls += 1
        return self._call(x, dtype, self.calls if key is None else key, True, gradient)

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode."""
        if not self.evaluates:
            raise Untestable("the function has no argument training=, deterministic= or inference=")
        return self._call(x, dtype, 0, False, True)

    def wrapped(self, how: str, x: Floats, dtype: str) -> Call:
        """Call in training mode inside ``jax.checkpoint``, ``jax.vmap`` or ``jax.jit``."""
        import jax
        import jax.numpy as jnp

        array = jnp.asarray(x, dtype=getattr(jnp, dtype))
        rng = jax.random.key(0)

        def run(t: Any) -> Any:
            return self.function(t, rng, True)

        def rows(t: Any) -> Any:
            return jax.vmap(lambda row, key: self.function(row, key, True))(t, jax.random.split(rng, len(t)))

        function = {"checkpoint": jax.checkpoint(run), "vmap": rows, "compile": jax.jit(run)}[how]
        y, pull = jax.vjp(function, array)

        def back(cotangent: Floats) -> Floats:
            (found,) = pull(jnp.asarray(cotangent, dtype=y.dtype))
            return plain(np.asarray(found, dtype=np.float64))

        return Call(y=plain(np.asarray(y, np.float64)), dtype=str(y.dtype), x_after=plain(x), gradient=back)


def jax_layer(layer: Any, framework: str | None) -> JaxLayer:
    """Return a module of Flax or Equinox, or a function, as one function of (x, key, training)."""
    if framework == "equinox":
        return JaxLayer(lambda x, key, training: layer(x, key=key, inference=not training))
    linen, nnx = sys.modules.get("flax.linen"), sys.modules.get("flax.nnx")
    if linen is not None and isinstance(layer, linen.Module):
        return JaxLayer(lambda x, key, training: layer.apply({}, x, deterministic=not training, rngs={"dropout": key}))
    if nnx is not None and isinstance(layer, nnx.Module):
        return JaxLayer(
            lambda x, key, training: layer(x, deterministic=not training, rngs=nnx.Rngs(dropout=key)),
        )
    mode = mode_argument(layer)

    def call(x: Any, key: Any, training: bool) -> Any:
        return layer(x, key, **({} if mode is None else {mode[0]: mode[1] is training}))

    return JaxLayer(call, evaluates=mode is not None)
