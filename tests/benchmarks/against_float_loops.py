"""Whole calls of ``evaluate`` on float64 networks beside what one would write oneself, over all masks.

    python tests/benchmarks/against_float_loops.py

Baselines: NumPy in batches, PyTorch in batches (left out where it is not installed), a plain Numba loop over all 2^N
masks, and one with the last layer in closed form. Everything is warm, q = 1/2, one example, the best of three; a
baseline that would take more than 2^21 masks is run on that many and extrapolated (marked *). Ours include planning
and the error bounds. All results are compared before their times are printed.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import time
from collections.abc import Callable

import numba
import numpy as np

import exactdropout as xd

BATCH = 4096
MOST = 1 << 21


def timed(function: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    best, value = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        best = min(best, time.perf_counter() - start)
    return best, value


@numba.njit
def every_mask(first, second, third, layers, x, y, widths, count, closed):  # pragma: no cover
    """Sum of squared errors over the masks 0 .. count−1, the last layer enumerated as well or in closed form."""
    total = 0.0
    h = np.empty(64)
    g = np.empty(64)
    for mask in range(count):
        bits = mask
        n = widths[0]
        for i in range(n):
            h[i] = 2.0 * x[i] * (bits & 1)
            bits >>= 1
        for layer in range(layers - 1):
            w = first if layer == 0 else second
            m = widths[layer + 1]
            last = layer == layers - 2
            for j in range(m):
                z = 0.0
                for i in range(n):
                    z += w[j, i] * h[i]
                g[j] = max(z, 0.0)
            for j in range(m):
                if last and closed:
                    h[j] = g[j]
                else:
                    h[j] = 2.0 * g[j] * (bits & 1)
                    bits >>= 1
            n = m
        f = -y
        noise = 0.0
        for i in range(n):
            f += third[i] * h[i]
            noise += (third[i] * h[i]) ** 2
        total += f * f + (noise if closed else 0.0)
    return total


def by_batches(network: xd.Network, x: np.ndarray, y: float, count: int, matmul: Callable, to: Callable) -> float:
    """Return the sum of squared errors over masks 0 .. count−1, BATCH masks at a time."""
    widths = network.architecture.widths[:-1]
    weights = [to(np.ascontiguousarray(w.T)) for w in network.weights]
    total = 0.0
    for begin in range(0, count, BATCH):
        masks = np.arange(begin, min(count, begin + BATCH))
        bits = ((masks[:, None] >> np.arange(sum(widths))) & 1) * 2.0
        values, at = to(np.broadcast_to(x, (len(masks), len(x))).copy()), 0
        for layer, width in enumerate(widths):
            values = matmul(values * to(np.ascontiguousarray(bits[:, at : at + width])), weights[layer])
            if layer < len(widths) - 1:
                values = values.clip(0)
            at += width
        total += float(((values[:, 0] - y) ** 2).sum())
    return total


def problem(seed: int, *widths: int) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise((*widths, 1))]
    return xd.Network(weights), xd.Examples.point(random.normal(size=widths[0]), float(random.normal()))


def baselines(network: xd.Network, data: xd.Examples) -> dict[str, Callable[[int], float]]:
    x, y = data.inputs[0], float(data.labels[0, 0])
    widths = np.array(network.architecture.widths[:-1])
    first, third = network.weights[0], network.weights[-1][0]
    second = network.weights[1] if len(widths) > 2 else np.zeros((1, 1))
    layers = len(widths)
    found = {
        "NumPy": lambda count: by_batches(network, x, y, count, np.matmul, lambda a: a),
        "Numba loop": lambda count: every_mask(first, second, third, layers, x, y, widths, count, False),
        "Numba, closed": lambda count: every_mask(first, second, third, layers, x, y, widths, count, True),
    }
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found["PyTorch"] = lambda count: by_batches(network, x, y, count, torch.matmul, torch.from_numpy)
    return found


def compare(title: str, *widths: int) -> None:
    """Print one row: our time with one thread, and each baseline's time as a multiple of it."""
    network, data = problem(sum(widths), *widths)
    ours, result = timed(lambda: xd.evaluate(network, data, "1/2", threads=1), 7)
    xd.evaluate(network, data, "1/2", threads=1)
    cells = []
    for name, function in baselines(network, data).items():
        bits = sum(widths) - (widths[-1] if name == "Numba, closed" else 0)
        count = min(1 << bits, MOST)
        function(1)
        seconds, total = timed(lambda f=function, c=count: f(c), 1)
        if count == 1 << bits and abs(total / count - result.criterion) > 1e-9 * result.criterion:
            sys.exit(f"{name} differs: {total / count} is not {result.criterion}")
        star = "" if count == 1 << bits else "*"
        cells.append(f"{name} {seconds * 2.0**bits / count / ours:,.0f}x{star}")
    bound = result.error_bound / result.criterion
    print(f"| {title} | {result.plan.strategy} | {ours * 1e3:.2f} | {bound:.0e} | {', '.join(cells)} |", flush=True)


def own(title: str, widths: tuple[int, ...], threads: int, **keywords: object) -> float:
    """Print one row with our time alone."""
    network, data = problem(sum(widths), *widths)
    call = lambda: xd.evaluate(network, data, "1/2", threads=threads, max_cost=1e12, **keywords)  # noqa: E731
    seconds, result = timed(call, 2)
    bound = result.error_bound / result.criterion
    print(f"| {title} | {result.plan.strategy} | {seconds * 1e3:.1f} | {bound:.0e} | |", flush=True)
    return seconds


def main() -> None:
    """Print one table."""
    print("| case | strategy | ms | relative bound | baselines' time as a multiple |\n|---|---|---|---|---|")
    compare("K=12, n=8", 12, 8)
    compare("K=16, n=8", 16, 8)
    compare("K=20, n=4", 20, 4)
    compare("K=8, (8, 8)", 8, 8, 8)
    one = own("K=30, n=8, enumerate, 1 thread", (30, 8), 1, strategy="enumerate")
    two = own("K=30, n=8, enumerate, 2 threads", (30, 8), 2, strategy="enumerate")
    own("K=30, n=8, meet, 1 thread", (30, 8), 1, strategy="meet")
    meet = own("K=40, n=8, meet, 2 threads", (40, 8), 2, strategy="meet")
    value = own("K=16, n=8, value", (16, 8), 1)
    both = own("K=16, n=8, value and gradient", (16, 8), 1, gradient=True)
    size = 1000
    network = xd.Network([np.full((size, size), 1 / 1024)] * 49 + [np.full((1, size), 1 / 1024)])
    data = xd.Examples.point([1.0] * size, 1.0)
    seconds, result = timed(lambda: xd.evaluate(network, data, "1/2"), 1)
    bound = result.error_bound / result.criterion
    print(f"| K=1000, 49 x 1000, equal weights | {result.plan.strategy} | {seconds * 1e3:.0f} | {bound:.0e} | |")
    print(
        f"\ntwo threads: {one / two:.2f} x; meet K=40 over enumerate K=30 (2 threads): {meet / two:.2f}; "
        f"gradient and value over value: {both / value:.1f}"
    )


if __name__ == "__main__":
    main()
