"""How the cost of ``evaluate`` grows: seconds of warm whole calls, drawn as docs/figures/cost.svg.

    python docs/figures/cost.py

One thread, q = 1/2, Gaussian weights, the planner's choice, the median processor time of nine calls.
"""

from __future__ import annotations

import itertools
import statistics
import time
from pathlib import Path

import numpy as np

import exactdropout as xd

PANELS = {
    "inputs K (8 hidden units)": [((k, 8), 1, k) for k in range(4, 35, 2)],
    "hidden units n (K = 16)": [((16, n), 1, n) for n in (2, 4, 8, 16, 32, 64)],
    "hidden layers of 6 units (K = 6)": [((6,) * (d + 1), 1, d) for d in range(1, 5)],
    "examples (K = 10, n = 8)": [((10, 8), m, m) for m in (1, 4, 16, 64, 256, 1024)],
}


def seconds(widths: tuple[int, ...], examples: int) -> tuple[float, str]:
    """Return the processor time of a warm call and the strategy."""
    random = np.random.default_rng(sum(widths))
    network = xd.Network([random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise((*widths, 1))])
    data = xd.Examples.from_arrays(random.normal(size=(examples, widths[0])), random.normal(size=examples))
    strategy = xd.evaluate(network, data, "1/2", threads=1).plan.strategy
    times = []
    for _ in range(9):
        begin = time.process_time()
        xd.evaluate(network, data, "1/2", threads=1)
        times.append(time.process_time() - begin)
    return statistics.median(times), strategy


def main() -> None:
    """Measure, print and draw."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "cost"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
    markers = {"walk": "o", "meet": "^", "moments": "v", "merge": "D"}
    for (title, points), axis in zip(PANELS.items(), axes.flat, strict=True):
        measured = [(x, *seconds(widths, examples)) for widths, examples, x in points]
        axis.plot([x for x, _, _ in measured], [1e3 * t for _, t, _ in measured], color="0.7", zorder=1)
        for name in dict.fromkeys(s for _, _, s in measured):
            chosen = [(x, 1e3 * t) for x, t, s in measured if s == name]
            axis.plot(*zip(*chosen, strict=True), markers[name], label=name, zorder=2)
        axis.set(xlabel=title, ylabel="ms", yscale="log")
        if "examples" in title or "units n" in title:
            axis.set_xscale("log", base=2)
        axis.legend(frameon=False)
        print(title, *(f"{x}: {t * 1e3:.3g} ms ({s})" for x, t, s in measured), sep="\n  ", flush=True)
    figure.savefig(Path(__file__).with_name("cost.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
