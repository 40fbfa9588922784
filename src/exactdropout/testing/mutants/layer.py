"""A dropout layer in parts, each of which can be broken: mask, scale, backward pass, evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exactdropout.testing.schemes import Scheme

__all__ = ["Mutant", "Parts", "as_plain", "as_torch", "bits"]

Array = npt.NDArray[Any]
Draw = Callable[[tuple[int, ...]], Array]
"""Uniform numbers in [0, 1) of a shape, from the generator of the framework."""


@dataclass
class Parts:
    """What the parts of a layer see: the rate, the generator, and what earlier calls left in ``memory``."""

    q: float
    draw: Draw
    memory: dict[Any, Any] = field(default_factory=dict)


def bits(parts: Parts, shape: tuple[int, ...]) -> Array:
    """Return the mask of a correct layer."""
    return np.asarray(parts.draw(shape) >= parts.q)


def _scale(q: float) -> float:
    return 1 / (1 - q) if q < 1 else 0.0


def _times(x: Array, mask: Array, scale: float) -> Array:
    return np.asarray(np.where(mask, x * x.dtype.type(scale), x.dtype.type(0)))


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A layer y = x m · scale, its backward pass and its evaluation, one of them broken (or none).

    ``check`` is the check that is meant for it, ``rates`` those at which it is wrong. ``forward(parts, x)`` replaces
    the whole training pass and returns (y, vjp).
    """

    name: str
    source: str = ""
    check: str = "laws"
    rates: tuple[str, ...] = ("1/2", "3/10")
    mask: Callable[[Parts, tuple[int, ...]], Array] = bits
    scale: Callable[[float], float] = _scale
    backward: Callable[[Parts, Array, Array, Array], Array] | None = None  # (parts, cotangent, mask, y)
    evaluate: Callable[[Parts, Array], Array] | None = None
    forward: Callable[[Parts, Array], tuple[Array, Callable[[Array], Array]]] | None = None
    model: str | Scheme = "element"
    scaling: Literal["inverted", "classic", "none"] = "inverted"
    x_shape: tuple[int, ...] | None = None
    budget: int = 60_000

    def train(self, parts: Parts, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return the output and the backward pass."""
        if self.forward is not None:
            return self.forward(parts, x)
        mask, scale = self.mask(parts, x.shape), self.scale(parts.q)
        y = _times(x, mask, scale)

        def vjp(g: Array) -> Array:
            return _times(g, mask, scale) if self.backward is None else self.backward(parts, g, mask, y)

        return y, vjp

    def evaluated(self, parts: Parts, x: Array) -> Array:
        """Return the output of evaluation."""
        parts.memory["evaluated"] = parts.memory.get("evaluated", 0) + 1
        return x if self.evaluate is None else self.evaluate(parts, x)


def as_plain(mutant: Mutant, seed: int = 1) -> Callable[[float], Callable[..., Any]]:
    """Return the mutant as a factory of functions ``(x, training=True) -> (y, vjp)`` of NumPy arrays."""
    generator = np.random.default_rng(seed)

    def make(q: float) -> Callable[..., Any]:
        parts = Parts(q, generator.random)

        def layer(x: Array, training: bool = True) -> tuple[Array, Callable[[Array], Array]]:
            if training:
                return mutant.train(parts, x)
            factor = 1 - q if mutant.scaling == "classic" else 1
            return mutant.evaluated(parts, x), lambda g: g * g.dtype.type(factor)

        return layer

    return make


def as_torch(mutant: Mutant) -> Callable[[float], Any]:
    """Return the mutant as a factory of PyTorch modules that draw from PyTorch's generator."""
    import torch

    def narrow(tensor: Any) -> Any:
        half = tensor.dtype in (torch.bfloat16, torch.float16)
        return tensor.detach().float().numpy() if half else tensor.detach().numpy()

    def forward_pass(context: Any, x: Any, parts: Parts) -> Any:
        array = narrow(x)
        y, context.vjp = mutant.train(parts, array)
        if y is array:
            context.mark_dirty(x)
            return x
        return torch.from_numpy(np.array(y)).to(x.dtype)

    def backward_pass(context: Any, g: Any) -> Any:
        return torch.from_numpy(np.array(context.vjp(narrow(g)))).to(g.dtype), None

    passes = {"forward": staticmethod(forward_pass), "backward": staticmethod(backward_pass)}
    function: Any = type("MaskedFunction", (torch.autograd.Function,), passes)

    def start(self: Any, q: float) -> None:
        torch.nn.Module.__init__(self)
        self.parts = Parts(q, lambda shape: torch.rand(shape, dtype=torch.float64).numpy())

    def forward(self: Any, x: Any) -> Any:
        if self.training:
            return function.apply(x, self.parts)
        if mutant.evaluate is None:
            mutant.evaluated(self.parts, np.zeros(1))
            return x
        return torch.from_numpy(np.array(mutant.evaluated(self.parts, x.detach().double().numpy()))).to(x.dtype)

    return type(mutant.name, (torch.nn.Module,), {"__init__": start, "forward": forward})
