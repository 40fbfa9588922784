"""Plain functions ``(x, key) -> y`` or ``-> (y, vjp)`` on NumPy arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from exactdropout.interop.recorded import mode_argument
from exactdropout.testing.subjects.subject import Call, Floats, Untestable, plain

__all__ = ["PlainFunction", "parameters"]


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a callable by name; none where they cannot be read."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


class PlainFunction:
    """A function of an array and an integer key; ``training=`` is passed where it takes it."""

    formats: tuple[str, ...] = ("float64", "float32")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Look at the parameters."""
        names = parameters(function)
        self.function = function
        mode = mode_argument(function)
        positional = [n for n, v in names.items() if v.kind in (v.POSITIONAL_ONLY, v.POSITIONAL_OR_KEYWORD)]
        self.keyed = len([n for n in positional if mode is None or n != mode[0]]) >= 2 or "key" in names
        self.seeded = self.keyed
        self.evaluates = mode is not None
        self.mode = mode
        self.differentiates = True
        self.calls = 0

    def _call(self, x: Floats, dtype: str, key: int | None, training: bool, order: Literal["C", "F"] = "C") -> Call:
        array = np.array(x, dtype=np.dtype(dtype), order=order)
        named = {} if self.mode is None else {self.mode[0]: self.mode[1] is training}
        self.calls += 1
        arguments = (array, self.calls if key is None else key) if self.keyed else (array,)
        result = self.function(*arguments, **named)
        y, vjp = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        y = np.asarray(y)

        def gradient(cotangent: Floats) -> Floats:
            assert vjp is not None
            found = vjp(cotangent.astype(array.dtype))
            return plain(found[0] if isinstance(found, tuple) else found)

        return Call(
            y=plain(y),
            dtype=str(y.dtype),
            x_after=plain(array),
            is_input=np.shares_memory(y, array),
            gradient=gradient if vjp else None,
        )

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode."""
        call = self._call(x, dtype, key, True)
        if gradient and call.gradient is None:
            raise Untestable("the function returns no vjp; let it return (y, vjp)")
        return call

    def strided(self, x: Floats, dtype: str, key: int | None = None) -> Call:
        """Call in training mode on the same values, laid out in memory the other way round."""
        return self._call(x, dtype, key, True, "F")

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode, where the function has one."""
        if self.mode is None:
            raise Untestable("the function has no argument training=")
        return self._call(x, dtype, 0, False)
