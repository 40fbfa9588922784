"""Derivatives and batches beside what one would write oneself, and beside the value alone, in one run.

    python tests/benchmarks/derivatives.py

Whole calls of ``evaluate``, warm, q = 1/2, one example, bounds included, one thread, the best of several. The gradient
and the Hessian-vector product are compared with PyTorch over all 2^N masks in batches (left out where it is not
installed); where there are more than 2^19 masks it takes that many and the time is extrapolated (marked *). Results are
compared before times are printed: ours with PyTorch on a smaller network whose masks all fit, and many networks at once
with single calls, bit for bit.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import exactdropout as xd

HALF = Fraction(1, 2)
MOST_BITS = 19
BATCH_BITS = 12
SETTINGS = 200


def timed(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    value = function()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        best = min(best, time.perf_counter() - start)
    return best, value


def gaussian(seed: int, *widths: int) -> tuple[xd.Network, xd.Examples]:
    rng = np.random.default_rng(seed)
    network = xd.Network(
        [rng.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)],
        [rng.normal(size=b) / 4 for b in widths[1:]],
    )
    return network, xd.Examples.from_arrays(rng.normal(size=(1, widths[0])), rng.normal(size=(1, widths[-1])))


def flat(slopes: Any) -> np.ndarray:
    return np.concatenate([a.ravel() for a in (*slopes.weights, *slopes.biases)])


class Batched:
    """Value, gradient and Hessian-vector product over masks 0 … 2^bits − 1 in batches, by PyTorch's autograd."""

    def __init__(self, torch: Any, network: xd.Network, data: xd.Examples) -> None:
        self.torch, self.widths = torch, [w.shape[1] for w in network.weights]
        self.weights = [torch.tensor(np.array(w), requires_grad=True) for w in network.weights]
        self.biases = [torch.tensor(np.array(b), requires_grad=True) for b in network.biases]
        self.x, self.y = torch.tensor(np.array(data.inputs[0])), torch.tensor(np.array(data.labels[0]))
        self.bits = sum(self.widths)

    def loss(self, first: int, count: int) -> Any:
        torch = self.torch
        masks = torch.arange(first, first + count)[:, None] >> torch.arange(self.bits)[None]
        kept = (masks & 1).double() * 2.0
        h, at = self.x[None], 0
        for l, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = (h * kept[:, at : at + self.widths[l]]) @ w.T + b
            at += self.widths[l]
            h = h if l == len(self.weights) - 1 else torch.relu(h)
        return ((h - self.y) ** 2).sum() / 2.0**self.bits

    def run(self, bits: int, along: list[Any] | None) -> np.ndarray:
        parameters = [*self.weights, *self.biases]
        total = None
        for first in range(0, 1 << bits, 1 << BATCH_BITS):
            loss = self.loss(first, 1 << min(bits, BATCH_BITS))
            found = self.torch.autograd.grad(loss, parameters, create_graph=along is not None)
            if along is not None:
                inner = sum((g * v).sum() for g, v in zip(found, along, strict=True))
                found = self.torch.autograd.grad(inner, parameters)
            part = np.concatenate([g.detach().numpy().ravel() for g in found])
            total = part if total is None else total + part
        return total

    def direction(self, network: xd.Network) -> list[Any]:
        return [self.torch.tensor(np.array(a)) for a in (*network.weights, *network.biases)]


def compare(torch: Any, *widths: int) -> None:
    """Stop unless PyTorch over all masks has the same gradient and product."""
    network, data = gaussian(1, *widths)
    along = gaussian(2, *widths)[0]
    ours = xd.evaluate(network, data, HALF, gradient=True, hessian_product=along)
    batched = Batched(torch, network, data)
    np.testing.assert_allclose(flat(ours.gradient), batched.run(batched.bits, None), atol=1e-11)
    np.testing.assert_allclose(
        flat(ours.hessian_product), batched.run(batched.bits, batched.direction(along)), atol=1e-11
    )


def derivatives(torch: Any, *widths: int) -> None:
    network, data = gaussian(1, *widths)
    along = gaussian(2, *widths)[0]
    value, _ = timed(lambda: xd.evaluate(network, data, HALF, threads=1), 100)
    both, _ = timed(lambda: xd.evaluate(network, data, HALF, gradient=True, threads=1), 100)
    product, _ = timed(lambda: xd.evaluate(network, data, HALF, hessian_product=along, threads=1), 10)
    name = f"K={widths[0]} {widths[1:-1]}"
    print(f"{name:14} value alone          {value * 1e3:9.3f} ms")
    print(f"{name:14} value and gradient   {both * 1e3:9.3f} ms   {both / value:8.2f} x the value alone")
    print(f"{name:14} value and H·V        {product * 1e3:9.3f} ms   {product / value:8.2f} x the value alone")
    if torch is None:
        return
    batched = Batched(torch, network, data)
    bits = min(batched.bits, MOST_BITS)
    mark, factor = ("*" if bits < batched.bits else " "), 2.0 ** (batched.bits - bits)
    for what, mine, direction in (("autograd", both, None), ("double backward", product, batched.direction(along))):
        theirs = timed(lambda d=direction: batched.run(bits, d), 2)[0] * factor
        print(f"{name:14} PyTorch {what:15}{theirs * 1e3:9.0f} ms{mark}  {theirs / mine:8.0f} x ours")


def batches() -> None:
    """Many weight settings on the same rows, given as a list of pairs, together and one by one."""
    for what, rows, inputs, exact in (("float rows", 20, 6, False), ("rational rows", 20, 6, True)):
        rng = np.random.default_rng(5)
        x, y = rng.integers(-99, 100, size=(rows, inputs)), rng.integers(-9, 10, size=rows)
        pairs = [
            ([Fraction(int(v), 37) for v in r], Fraction(int(t), 7)) if exact else ((r / 37).tolist(), float(t / 7))
            for r, t in zip(x, y, strict=True)
        ]
        settings = [gaussian(seed, inputs, 5, 1)[0] for seed in range(SETTINGS)]

        def singly(pairs: Any = pairs, settings: Any = settings) -> list[xd.Evaluation]:
            return [xd.evaluate(n, pairs, HALF, gradient=True, threads=1) for n in settings]

        def together(pairs: Any = pairs, settings: Any = settings) -> tuple[xd.Evaluation, ...]:
            return tuple(map(xd.evaluator(settings[0], pairs, HALF, gradient=True, threads=1), settings))

        single, one = timed(singly, 2)
        many, other = timed(together, 2)
        for a, b in zip(one, other, strict=True):
            assert a.criterion == b.criterion
            assert np.array_equal(flat(a.gradient), flat(b.gradient))
        print(
            f"{SETTINGS} networks, {rows} {what}: single calls {single * 1e3:.0f} ms, "
            f"evaluator {many * 1e3:.0f} ms: {single / many:.2f} x"
        )


def main() -> int:
    torch: Any = None
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed; pip install torch to compare with its autograd.")
    else:
        import torch

        torch.set_num_threads(1)
        compare(torch, 7, 4, 1)
        compare(torch, 4, 4, 4, 1)
    derivatives(torch, 16, 8, 1)
    derivatives(torch, 8, 8, 8, 1)
    batches()
    return 0


if __name__ == "__main__":
    sys.exit(main())
