"""PyTorch modules, and functions of a tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from exactdropout.interop.recorded import mode_argument
from exactdropout.testing.subjects.subject import Call, Floats, NoGradient, Untestable, plain

__all__ = ["TorchLayer", "torch_state"]

FORMATS = ("float32", "float64", "bfloat16", "float16")


def _dtype(name: str) -> Any:
    import torch

    return getattr(torch, name)


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


@contextlib.contextmanager
def torch_state(seed: int) -> Iterator[None]:
    """Seed the generators of PyTorch, and put their states back afterwards."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


class TorchLayer:
    """A ``torch.nn.Module``, or a function of a tensor (with an argument ``training=``, or without)."""

    seeded = True
    keyed = False
    differentiates = True

    def __init__(self, layer: Callable[..., Any], device: str = "cpu") -> None:
        """Look at the parameters of the layer."""
        import torch

        self.layer, self.device = layer, device
        self.module = layer if isinstance(layer, torch.nn.Module) else None
        self.mode = None if self.module is not None else mode_argument(layer)
        self.evaluates = self.module is not None or self.mode is not None
        self.parameters = [] if self.module is None else list(self.module.parameters())
        own = {_name(v.dtype) for v in self.parameters} & set(FORMATS)
        self.formats = tuple(sorted(own)) if own else FORMATS

    def _call(self, x: Floats, dtype: str, training: bool, differentiate: bool) -> Call:
        import torch

        leaf = torch.tensor(x, dtype=_dtype(dtype), device=self.device)
        leaf.requires_grad_(differentiate)
        given = leaf.clone() if differentiate else leaf
        if self.module is not None:
            self.module.train(training)
            y = self.module(given)
        else:
            y = self.layer(given, **({} if self.mode is None else {self.mode[0]: self.mode[1] is training}))
        if not isinstance(y, torch.Tensor):
            raise Untestable(f"the layer returns {type(y).__name__}, not a tensor")

        def gradient(cotangent: Floats) -> Floats:
            if not y.requires_grad:
                raise NoGradient
            g = torch.tensor(cotangent, dtype=y.dtype, device=y.device)
            (found,) = torch.autograd.grad(y, leaf, g, retain_graph=True, allow_unused=True)
            if found is None:
                raise NoGradient
            return _numpy(found)

        def weight_gradient(cotangent: Floats) -> Floats:
            weights = [p for p in self.parameters if p.ndim == 2]
            if len(weights) != 1:
                raise Untestable(f"the module has {len(weights)} weights with two dimensions, not one")
            g = torch.tensor(cotangent, dtype=y.dtype, device=y.device)
            (found,) = torch.autograd.grad(y, weights[0], g, retain_graph=True, allow_unused=True)
            if found is None:
                raise NoGradient
            return _numpy(found)

        return Call(
            y=_numpy(y),
            dtype=_name(y.dtype),
            x_after=_numpy(given),
            is_input=y.data_ptr() == given.data_ptr(),
            gradient=gradient if differentiate else None,
            weight_gradient=weight_gradient if differentiate and self.parameters else None,
        )

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode, after ``torch.manual_seed(key)`` where there is a key."""
        import torch

        if key is not None:
            torch.manual_seed(key)
        if gradient:
            return self._call(x, dtype, True, True)
        with torch.no_grad():
            return self._call(x, dtype, True, False)

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode."""
        if not self.evaluates:
            raise Untestable("a function of a tensor alone has no evaluation mode; give it an argument training=")
        return self._call(x, dtype, False, True)

    def strided(self, x: Floats, dtype: str, key: int | None = None) -> Call:
        """Call in training mode on the same values, laid out in memory the other way round."""
        import torch

        if key is not None:
            torch.manual_seed(key)
        order = list(reversed(range(x.ndim)))
        given = torch.tensor(np.ascontiguousarray(x.transpose(order)), dtype=_dtype(dtype), device=self.device)
        given = given.permute(order)
        if self.module is not None:
            self.module.train(True)
        with torch.no_grad():
            y = self.layer(given, **({} if self.mode is None else {self.mode[0]: self.mode[1]}))
        return Call(y=_numpy(y), dtype=_name(y.dtype), x_after=_numpy(given))

    def wrapped(self, how: str, x: Floats, dtype: str) -> Call:
        """Call in training mode inside ``torch.utils.checkpoint``, ``torch.vmap`` or ``torch.compile``."""
        import torch

        if self.module is not None:
            self.module.train(True)
        layer = self.layer
        mode = {} if self.mode is None else {self.mode[0]: self.mode[1]}

        def inner(t: Any) -> Any:
            return layer(t, **mode)

        if how == "checkpoint":
            from torch.utils.checkpoint import checkpoint

            def run(t: Any) -> Any:
                return checkpoint(inner, t, use_reentrant=False)
        elif how == "vmap":
            run = torch.vmap(inner, randomness="different")
        else:
            run = torch.compile(inner)
        leaf = torch.tensor(x, dtype=_dtype(dtype), device=self.device, requires_grad=True)
        y = run(leaf.clone())

        def gradient(cotangent: Floats) -> Floats:
            if not y.requires_grad:
                raise NoGradient
            (found,) = torch.autograd.grad(y, leaf, torch.tensor(cotangent, dtype=y.dtype, device=y.device))
            return _numpy(found)

        return Call(y=_numpy(y), dtype=_name(y.dtype), x_after=_numpy(leaf), gradient=gradient)


def _numpy(tensor: Any) -> Floats:
    return plain(tensor.detach().cpu().double().numpy())
