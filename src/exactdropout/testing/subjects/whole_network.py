"""Whole networks under test, behind one interface; PyTorch modules, and plain functions beside a given network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import Chain
from exactdropout.interop.torch_modules import chain_of_torch, in_mode
from exactdropout.model import Network, drop_rates
from exactdropout.testing.network_law import Parameter
from exactdropout.testing.subjects.plain import PlainFunction
from exactdropout.testing.subjects.subject import Floats, Untestable
from exactdropout.testing.subjects.torch import torch_state

__all__ = ["EPSILONS", "FunctionBesideNetwork", "TorchNetwork", "WholeNetwork", "epsilon_of", "known_parameters"]

Classes = type | tuple[type, ...]
EPSILONS = {"float32": 2.0**-24, "float64": 2.0**-53}


class WholeNetwork(Protocol):
    """A network that draws its own masks.

    ``parameters`` are the parameters whose gradients :meth:`draws` returns, in that order, weights as (out, in);
    ``epsilon`` is the rounding of its number format, ``source`` what it is called.
    """

    source: str
    network: Network
    rates: tuple[Fraction, ...]
    parameters: tuple[Parameter, ...]
    epsilon: float

    def seeded(self, seed: int) -> contextlib.AbstractContextManager[None]:
        """Seed what the network draws from, and put it back afterwards."""
        ...

    def outputs(self, x: Floats, count: int) -> Floats:
        """Return outputs in training mode, (count, outputs), of one call on copies of x."""
        ...

    def draws(self, x: Floats, y: Floats, count: int) -> Floats:
        """Return outputs, each with its gradient of ‖D − y‖², of calls on x alone; a row for each call."""
        ...

    def evaluate(self, rows: Floats) -> Floats:
        """Return outputs in evaluation mode."""
        ...


def epsilon_of(dtype: str) -> float:
    """Return the rounding of a number format that is precise enough to tell masks apart."""
    if dtype not in EPSILONS:
        raise InvalidInput(
            f"Argument 'module' must compute in float32 or float64, not {dtype}, which does not tell masks apart; "
            "convert its parameters."
        )
    return EPSILONS[dtype]


def known_parameters(chain: Chain, trainable: Callable[[Any], bool]) -> tuple[list[Hashable], tuple[Parameter, ...]]:
    """Return what the parameters are known by, and where each stands in the network (twice where it is shared)."""
    places: dict[Hashable, list[tuple[int, str]]] = {}
    for layer, (weight, bias) in enumerate(chain.parameters):
        for known, kind in ((weight, "weight"), (bias, "bias")):
            if known is not None and trainable(known):
                places.setdefault(known, []).append((layer, kind))
    return list(places), tuple(tuple(found) for found in places.values())


class TorchNetwork:
    """A PyTorch module, as ``torch.autograd`` differentiates it."""

    def __init__(self, module: Any, dropout: Classes) -> None:
        """Read the module."""
        chain = chain_of_torch(module, dropout)
        found = chain.result(rates="decimal")
        assert found.q is not None
        self.module, self.source, self.network, self.rates = module, chain.source, found.network, found.q
        every = {id(p): p for p in module.parameters() if p.requires_grad}
        known, self.parameters = known_parameters(chain, every.__contains__)
        self.tensors = [every[key] for key in known]  # type: ignore[index]
        self.first = next(module.parameters())
        self.epsilon = epsilon_of(str(self.first.dtype).removeprefix("torch."))

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Seed PyTorch's generators; modes of the module's layers are put back too."""
        with torch_state(seed), in_mode(self.module, training=True):
            yield

    def _tensor(self, values: Floats) -> Any:
        import torch

        return torch.tensor(values, dtype=self.first.dtype, device=self.first.device)

    def outputs(self, x: Floats, count: int) -> Floats:
        """Call in training mode, without gradient."""
        import torch

        self.module.train()
        with torch.no_grad():
            return np.asarray(
                self.module(self._tensor(np.tile(x, (count, 1)))).double().cpu().numpy().reshape(count, -1)
            )

    def draws(self, x: Floats, y: Floats, count: int) -> Floats:
        """Call on one row at a time, and differentiate."""
        import torch

        self.module.train()
        row, label, drawn = self._tensor(x[None, :]), self._tensor(y), []
        for _ in range(count):
            out = self.module(row).reshape(-1)
            found = torch.autograd.grad(((out - label) ** 2).sum(), self.tensors, allow_unused=True)
            flat = [
                (torch.zeros_like(p) if g is None else g).reshape(-1)
                for g, p in zip(found, self.tensors, strict=True)
            ]  # fmt: skip
            drawn.append(torch.cat([out.detach(), *flat]).double().cpu().numpy())
        return np.array(drawn)

    def evaluate(self, rows: Floats) -> Floats:
        """Call in evaluation mode."""
        import torch

        self.module.eval()
        with torch.no_grad():
            return np.asarray(self.module(self._tensor(rows)).double().cpu().numpy().reshape(len(rows), -1))


class FunctionBesideNetwork:
    """A function ``(x, key) -> y`` or ``-> (y, vjp)`` of rows, beside the network that it should be.

    ``vjp(cotangent)`` returns the gradients of the weights, (out, in), and biases, in the order of the layers.
    """

    epsilon = EPSILONS["float32"]

    def __init__(self, function: Callable[..., Any], network: Network, q: Any) -> None:
        """Take the network and the rates as they are given."""
        if not isinstance(network, Network):
            raise InvalidInput(f"Argument 'network' must be a Network, not {type(network).__name__}.")
        if q is None:
            raise InvalidInput("Argument 'q' must be given for a function: its drop probabilities, inputs first.")
        values, kind = drop_rates(q, network.architecture)
        if kind == "symbolic":
            raise InvalidInput("Argument 'q' must be a number or numbers here.")
        self.rates = tuple(Fraction(repr(v)) if isinstance(v, float) else Fraction(v) for v in values)
        self.source = getattr(function, "__name__", type(function).__name__)
        self.network, self.subject = network.float64(), PlainFunction(function)
        self.function, self.calls = function, 0
        self.parameters: tuple[Parameter, ...] = tuple(
            ((layer, kind),)
            for layer in range(len(network.weights))
            for kind in (("weight", "bias") if network.biases[layer] is not None else ("weight",))
        )

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Count keys from the seed on."""
        self.calls = seed
        yield

    def _call(self, rows: Floats, training: bool) -> Any:
        self.calls += 1
        mode = self.subject.mode
        named = {} if mode is None else {mode[0]: mode[1] is training}
        given = rows.astype(np.float32)
        return self.function(*((given, self.calls) if self.subject.keyed else (given,)), **named)

    def _values(self, answer: Any, rows: int) -> Floats:
        y = answer[0] if isinstance(answer, tuple) else answer
        return np.asarray(np.asarray(y, dtype=np.float64).reshape(rows, -1))

    def outputs(self, x: Floats, count: int) -> Floats:
        """Call on copies of x."""
        return self._values(self._call(np.tile(x, (count, 1)), True), count)

    def draws(self, x: Floats, y: Floats, count: int) -> Floats:
        """Call on one row at a time; the cotangent is 2(D − y)."""
        drawn = []
        for _ in range(count):
            answer = self._call(x[None, :], True)
            if not isinstance(answer, tuple):
                raise Untestable("the function returns no vjp; let it return (y, vjp)")
            out = self._values(answer, 1)
            found = answer[1]((2 * (out - y)).astype(np.float32))
            drawn.append(np.concatenate([out.ravel(), *(np.asarray(g, dtype=np.float64).ravel() for g in found)]))
        return np.array(drawn)

    def evaluate(self, rows: Floats) -> Floats:
        """Call in evaluation mode, where the function has one."""
        if self.subject.mode is None:
            raise Untestable("the function has no argument training=")
        return self._values(self._call(rows, False), len(rows))
