"""Exact evaluation by its strategies beside what one would write oneself: a loop over all masks in fractions.

    python tests/benchmarks/exact_strategies.py [--large]

Baselines: ``itertools.product`` over all mask bits with Fractions (and with Python's integers, the last layer in
closed form), and the strategy ``states``. A baseline of more than 2^10 masks (2^14 in integers) runs on that many and
is extrapolated (marked *); ``states`` is left out where its plan is beyond 10 s. All are warm, single-threaded, q = 1/2
and one example unless said otherwise; results are compared before their times are printed. Times are processor times,
the best of three.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Callable
from fractions import Fraction as F

import numpy as np

import exactdropout as xd

FRACTION_MASKS, INTEGER_MASKS = 1 << 10, 1 << 14


def timed(function: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    best, value = float("inf"), None
    calls = 1
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            value = function()
        best = min(best, (time.process_time() - start) / calls)
        if best > 5:
            break
        calls = max(1, int(0.02 / best)) if repeats > 1 else 1
    return best, value


def in_fractions(network: xd.Network, x: list[F], y: F, q: F, most: int) -> tuple[F, int]:
    """Sum P(mask)·(D − y)² over the first ``most`` masks of all layers, as the definition says."""
    widths = network.architecture.widths[:-1]
    weights = [w.tolist() for w in network.weights]
    total, done = F(0), 0
    for mask in itertools.islice(itertools.product((0, 1), repeat=sum(widths)), most):
        bits = iter(mask)
        h = x
        for layer, w in enumerate(weights):
            kept = [v / (1 - q) if next(bits) else F(0) for v in h]
            z = [sum((a * b for a, b in zip(row, kept, strict=True)), F(0)) for row in w]
            h = z if layer == len(weights) - 1 else [max(v, F(0)) for v in z]
        ones = sum(mask)
        total += (1 - q) ** ones * q ** (len(mask) - ones) * (h[0] - y) ** 2
        done += 1
    return total, done


def in_integers(network: xd.Network, x: list[F], y: F, most: int) -> tuple[F, int]:
    """Do the same at q = 1/2 for integer networks: Python's integers, the last dropout layer in closed form."""
    widths = network.architecture.widths[:-2]
    weights = [[[int(v) for v in row] for row in w.tolist()] for w in network.weights]
    start = [int(v) for v in x]
    total = done = 0
    for mask in itertools.islice(itertools.product((0, 2), repeat=sum(widths)), most):
        bits = iter(mask)
        h = start
        for w in weights[:-1]:
            kept = [v * next(bits) for v in h]
            h = [max(0, sum([a * b for a, b in zip(row, kept, strict=True)])) for row in w]
        terms = [a * b for a, b in zip(weights[-1][0], h, strict=True)]
        total += (sum(terms) - y) ** 2 + sum([t * t for t in terms])
        done += 1
    return F(total, done), done


def network(seed: int, widths: tuple[int, ...]) -> xd.Network:
    random = np.random.default_rng(seed)
    weights = [random.integers(-2, 3, size=(b, a)).tolist() for a, b in itertools.pairwise(widths)]
    return xd.Network([*weights, random.choice([-2, -1, 1, 2], size=(1, widths[-1])).tolist()])


def row(title: str, net: xd.Network, data: xd.Examples, q: F = F(1, 2), strategy: str | None = None) -> None:
    """Print one row: our time, and each baseline's as a multiple of it."""
    call = lambda name=strategy: xd.evaluate(net, data, q, strategy=name, max_cost=600)  # noqa: E731
    call()
    ours, result = timed(call)
    x, y = data.inputs[0].tolist(), data.labels[0, 0]
    integral = q == F(1, 2) and all(v.denominator == 1 for w in net.weights for v in w.ravel().tolist())
    cells = []
    bits = net.architecture.mask_bits
    if bits < 2_000:
        size = sum(w.size for w in net.weights)
        count = min(1 << bits, FRACTION_MASKS, 1 << max(2, 18 - size.bit_length()))
        seconds, (value, done) = timed(lambda: in_fractions(net, x, y, q, count), 1)
        if done == 1 << bits and value != result.criterion:
            sys.exit(f"the loop in fractions differs: {value} is not {result.criterion}")
        cells.append(ratio("fractions", seconds, bits, count, ours))
    if integral and bits < 2_000:
        bits -= net.weights[-1].shape[1]
        count = min(1 << bits, INTEGER_MASKS)
        seconds, (value, done) = timed(lambda: in_integers(net, x, y, count), 1)
        if done == 1 << bits and value != result.criterion:
            sys.exit(f"the loop in integers differs: {value} is not {result.criterion}")
        cells.append(ratio("integers, last layer closed", seconds, bits, count, ours))
    plan = xd.plan(net, data, q, strategy="states")
    if result.plan.strategy != "states" and plan.cost < 1e10:
        seconds, other = timed(lambda: call("states"), 1)
        if other.criterion != result.criterion:
            sys.exit(f"states differs: {other.criterion} is not {result.criterion}")
        cells.append(f"states {seconds / ours:,.1f}x")
    states = f"{result.plan.visited:,}" if result.plan.strategy != "moments" else ""
    print(
        f"| {title} | {result.plan.strategy} | {states} | {ours * 1e3:,.2f} | {result.plan.seconds * 1e3:,.2f} | "
        f"{', '.join(cells)} |",
        flush=True,
    )


def ratio(name: str, seconds: float, bits: int, count: int, ours: float) -> str:
    logarithm = math.log10(seconds) + (bits - math.log2(count)) * math.log10(2) - math.log10(ours)
    text = f"{10**logarithm:,.0f}" if logarithm < 7 else f"10^{logarithm:.0f}"
    return f"{name} {text}x{'' if count == 1 << bits else '*'}"


def main() -> None:
    """Print one table."""
    print("| case | strategy | visited | ms | planned ms | baselines' time as a multiple |\n|---|---|---|---|---|---|")
    if "--large" in sys.argv:
        large()
        return
    row("Figure 1 (2-2-1)", xd.Network([[[1, 1], [1, 1]], [1, 1]]), xd.Examples.point((1, -1), 8))
    row("K=8, n=4", network(0, (8, 4)), xd.Examples.point([1] * 8, 3))
    row("K=10, n=4", network(0, (10, 4)), xd.Examples.point([1] * 10, 3))
    row("K=50 equal columns, n=8", equal_columns(50, 8), xd.Examples.point([1] * 50, 3))
    row("K=30, n=4", network(0, (30, 4)), xd.Examples.point([1] * 30, 3), strategy="merge")
    row("K=30, n=4, q=1/3", network(0, (30, 4)), xd.Examples.point([1] * 30, 3), F(1, 3), "merge")
    mixed = np.random.default_rng(1).integers(1, 4, size=30).tolist()
    row("K=30, n=4, x in 1..3", network(0, (30, 4)), xd.Examples.point(mixed, 3), strategy="merge")
    row("K=50, n=4", network(0, (50, 4)), xd.Examples.point([1] * 50, 3), strategy="merge")
    row("K=60, n=3", network(0, (60, 3)), xd.Examples.point([1] * 60, 3), strategy="merge")
    row("K=70, n=3 (residues)", network(0, (70, 3)), xd.Examples.point([1] * 70, 3), strategy="merge")
    row("K=30, (4, 4)", network(0, (30, 4, 4)), xd.Examples.point([1] * 30, 3), strategy="merge")
    size = 100
    weight = np.full((size, size), F(1, 128), dtype=object)
    deep = xd.Network([weight] * 9 + [weight[:1]])
    row("K=100, 9 x 100, equal weights", deep, xd.Examples.point([1] * size, 1))
    random = np.random.default_rng(2)
    dense = [np.vectorize(lambda v: F(int(v), 97), otypes=[object])(random.integers(1, 50, (40, 40))) for _ in range(4)]
    row("K=40, 4 x 40, positive", xd.Network([*dense, dense[0][:1]]), xd.Examples.point([1] * 40, 1))


def large() -> None:
    """Print what takes seconds and gigabytes."""
    row("K=30, n=6", network(0, (30, 6)), xd.Examples.point([1] * 30, 3), strategy="merge")
    size = 1000
    weight = np.full((size, size), F(1, 512), dtype=object)
    deep = xd.Network([weight] * 49 + [weight[:1]])
    row("K=1000, 49 x 1000, equal weights", deep, xd.Examples.point([1] * size, 1))


def equal_columns(inputs: int, units: int) -> xd.Network:
    """Return a network that sees the number of kept inputs only: unit i is positive for fewer than a few of them."""
    first = [[(-1) ** i * (i + 1)] * inputs for i in range(units)]
    return xd.Network([first, [1] * units], [[(-1) ** (i + 1) * 20 * i for i in range(units)], [0]])


if __name__ == "__main__":
    main()
