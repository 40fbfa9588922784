"""Is the planner's pick the fastest strategy? CPU time of every strategy on a grid of networks, and the pick's share.

    python tests/benchmarks/planner_grid.py

Networks of no to three hidden layers, widths 2 to 32, with Gaussian, small-integer or all-equal weights. A strategy
that the plan puts above 0.1 s is not run. Times are CPU times of whole calls with one thread, the best of three.
"""

from __future__ import annotations

import itertools
import statistics
import time

import numpy as np

import exactdropout as xd
from exactdropout.errors import ExactDropoutError
from exactdropout.numeric.float64.strategies.registry import STRATEGIES

SHAPES = [
    (3,), (12,), (32,), (2, 2), (4, 8), (6, 3), (8, 4), (10, 8), (11, 4), (12, 2), (12, 8), (13, 16), (14, 4),
    (15, 8), (16, 2), (16, 8), (17, 32), (18, 4), (19, 8), (20, 3), (20, 16), (21, 8), (22, 4), (22, 12), (23, 8),
    (24, 3), (24, 8), (25, 6), (26, 4), (28, 3), (30, 2), (3, 3, 3), (6, 6, 6), (8, 8, 8), (10, 4, 8), (4, 4, 4, 4),
]  # fmt: skip
KINDS = ("gaussian", "integer", "equal")


def network(kind: str, shape: tuple[int, ...]) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(sum(shape))
    draw = {
        "gaussian": lambda size: random.normal(size=size),
        "integer": lambda size: random.integers(-2, 3, size=size).astype(float),
        "equal": lambda size: np.full(size, 0.5),
    }[kind]
    weights = [draw((b, a)) for a, b in itertools.pairwise((*shape, 1))]
    return xd.Network(weights), xd.Examples.point([1.0] * shape[0], 1.0)


def seconds(net: xd.Network, data: xd.Examples, strategy: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        xd.evaluate(net, data, "1/2", strategy=strategy, threads=1)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print one line per network and the summary."""
    ratios, close = [], 0
    for kind, shape in itertools.product(KINDS, SHAPES):
        net, data = network(kind, shape)
        times = {}
        for strategy in STRATEGIES:
            try:
                xd.plan(net, data, "1/2", strategy=strategy.name, max_cost=0.1)
            except ExactDropoutError:
                continue
            times[strategy.name] = seconds(net, data, strategy.name)
        if len(times) < 2:
            continue
        pick = xd.plan(net, data, "1/2").strategy
        ordered = sorted(times.values())
        close += ordered[1] < 4 * ordered[0]
        ratios.append(times[pick] / ordered[0])
        shown = ", ".join(f"{name} {1e3 * t:.2f}" for name, t in times.items())
        print(f"{kind:9} {shape!s:16} {pick:10} {ratios[-1]:5.2f}   {shown} ms", flush=True)
    print(f"{len(ratios)} networks, {close} of them with the two best within 4 times")
    print(f"the pick costs {statistics.median(ratios):.2f} times the best in the median, {max(ratios):.2f} at worst")


if __name__ == "__main__":
    main()
