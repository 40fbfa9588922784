"""Modules read as they are executed: their layers in the order of the calls, what is between from its values.

While a module is read, a linear layer answers numbers of its own in place of W x + b, and a dropout layer what it gets.
So what comes between two layers shows on values of both signs and several sizes, whatever the weights are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain, rate_of, slope
from exactdropout.model import Activation
from exactdropout.model.numbers import Array

__all__ = ["OtherSize", "Recorder", "float64", "leaf_at", "mode_argument", "with_the_right_size"]

MODE_NAMES = (("training", True), ("train", True), ("deterministic", False), ("inference", False))
SIZES = (0.1, 1.0, 30.0, 1000.0)


def mode_argument(function: Callable[..., Any]) -> tuple[str, bool] | None:
    """Return the argument that says training or evaluation, and its value for training."""
    try:
        names = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    return next(((name, value) for name, value in MODE_NAMES if name in names), None)


def float64(values: Any) -> Array:
    """Return an array of any number format in doubles; bfloat16 is no format of NumPy."""
    array = np.asarray(values)
    return np.asarray(array.astype(np.float32) if array.dtype.kind == "V" else array, dtype=np.float64)


def leaf_at(tree: Any, path: tuple[Any, ...]) -> Any:
    """Return what stands at a path of nested mappings."""
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return None
        tree = tree[part]
    return tree


class OtherSize(Exception):
    """The module was given another number of inputs than its first layer has."""


def with_the_right_size(run: Callable[[int], Chain], sizes: Iterable[int]) -> Chain:
    """Return what is read with as many inputs as one of the weights has: the first layer takes no other number."""
    for size in dict.fromkeys(sizes):
        try:
            return run(size)
        except OtherSize:
            continue
    raise InvalidInput("Argument 'module' must have a linear layer that takes its input.")


@dataclass(kw_only=True)
class Recorder:
    """The chain of the layers that a module calls; ``rows`` is how many samples the module is given."""

    chain: Chain
    rows: int = 64
    now: Any = None
    last: str = "the input"
    calls: int = 0
    others: list[str] = field(default_factory=list)

    def start(self, inputs: int) -> Array:
        """Return the input of the module."""
        self.now, self.last, self.calls = None, "the input", 0
        return self._probe((self.rows, inputs) if self.rows > 1 else (inputs,))

    def _probe(self, shape: tuple[int, ...]) -> Array:
        """Return numbers of several sizes and both signs, other ones after each layer."""
        rng = np.random.default_rng((20261129, self.calls))
        self.calls += 1
        values = (rng.normal(size=shape) * rng.choice(SIZES, size=shape)).astype(np.float32)
        values.flat[0] = -abs(values.flat[0])  # a single number shows relu where it is negative
        self.now = values
        return np.asarray(values)

    def linear(self, before: Any, weight: Any, bias: Any, name: str, parameters: tuple[Any, Any]) -> Array:
        """Add a linear layer, of weight (out, in), and return what it answers while it is read."""
        self._between(before, name)
        self.chain.linear(float64(weight), None if bias is None else float64(bias), name, parameters=parameters)
        self.last = name
        return self._probe((*np.shape(before)[:-1], np.shape(weight)[0]))

    def dropout(self, before: Any, layer: Any, name: str) -> Any:
        """Add a dropout layer, which answers what it gets."""
        if tuple(getattr(layer, "broadcast_dims", ())):
            raise InvalidInput(f"Layer {name!r} shares masks (broadcast_dims), which is outside the model.")
        self._between(before, name)
        self.chain.dropout(rate_of(layer, name), name)
        self.now, self.last = np.asarray(before), name
        return before

    def finish(self, answer: Any) -> Chain:
        """Return the chain, after the answer of the module."""
        self._between(answer, "the output")
        return self.chain

    def _between(self, after: Any, right: str) -> None:
        """Add what maps the last values to these: nothing, relu or leaky relu."""
        a, b = float64(self.now), float64(after)
        if a.size == b.size:
            a, b = a.ravel(), b.ravel()
            below = a < 0
            if np.array_equal(a, b):
                return
            if np.array_equal(b, np.where(below, 0.0, a)):
                return self.chain.activation(Activation.relu(), f"relu after {self.last}")
            ratio = float(np.median(b[below] / a[below]))
            if 0 < ratio < 1 and np.allclose(b, np.where(below, ratio * a, a), rtol=1e-5, atol=0):
                return self.chain.activation(slope(float(f"{ratio:.6g}")), f"leaky relu after {self.last}")
        called = f", where {', '.join(self.others)} is called," if self.others else ""
        raise InvalidInput(
            f"Between {self.last!r} and {right!r}{called} the values change by something that is neither relu, "
            "leaky_relu nor nothing; only chains of Linear, relu and dropout are supported."
        )
