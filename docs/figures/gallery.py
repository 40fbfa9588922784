"""The figures of the gallery: each function computes one with the package and draws it.

    python docs/figures/gallery.py            # all
    python docs/figures/gallery.py laws depth   # these

Each is written as docs/figures/gallery-NAME.svg. The figures with pages of their own are made by penalty.py,
figure_2.py, cost.py and ``exactdropout phases``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import exactdropout as xd
from exactdropout import testing as xt
from exactdropout.data import diabetes

FIGURE_1 = xd.Network([[[1, 1], [1, 1]], [1, 1]])
FIGURE_1_EXAMPLE = xd.Examples.point((1, -1), 8)


def diabetes_over_q() -> Figure:
    """Criterion, risk and penalty of the shipped diabetes network."""
    network, data = diabetes()
    axes = xd.over_q(network, data, "0:9/10:37").plot()
    axes.set_title("10-8-1 network, 442 patients, all 2^18 masks at each q", fontsize=10)
    return axes.figure


def stretches() -> Figure:
    """Where the penalty of the paper's Figure 1 falls and rises."""
    axes = xd.derive(FIGURE_1, FIGURE_1_EXAMPLE).monotone("penalty").plot()
    axes.set_title("Figure 1's network: the penalty falls up to q = 1/2 exactly", fontsize=10)
    return axes.figure


def laws() -> Figure:
    """The exact law of an output for three drop probabilities."""
    random = np.random.default_rng(7)
    network = xd.Network([random.integers(-2, 4, (6, 5)), random.integers(-2, 4, (1, 6))])
    figure, rows = plt.subplots(3, 1, figsize=(6.4, 4.6), sharex=True, layout="constrained")
    for axes, q in zip(rows, ("1/10", "1/3", "1/2"), strict=True):
        law = xd.output_law(network, (1, 2, 1, 1, 3), q)
        middle, spread = float(law.mean()[0]), float(law.variance()[0]) ** 0.5
        axes.vlines([float(value[0]) for value in law.values], 0, [float(p) for p in law.probabilities], linewidth=0.8)
        axes.axvline(middle, color="C1", linewidth=1)
        axes.set_ylabel(f"q = {q}")
        axes.set_title(
            f"{len(law):,} values; mean {middle:.1f}, standard deviation {spread:.1f}", fontsize=8, loc="right"
        )
    rows[-1].set_xlabel("output D of a 5-6-1 network on one input; the line is its mean")
    return figure


def regions() -> Figure:
    """Weight space of one unit, cut by the relus that dropout can switch."""
    data = [((1, 2), 1), ((2, -1), 1)]
    found = xd.derive("2-1-1 relu, no biases", data, "1/2").regions()
    axes = found.plot()
    axes.set_title(f"{len(found)} regions of a 2-1-1 network on two examples", fontsize=10)
    return axes.figure


def landscape() -> Figure:
    """The risk and the criterion over the two input weights of one unit."""
    data = [((1, 2), 1), ((2, -1), 1)]
    grid = np.linspace(-1.5, 1.5, 61)
    first, second = np.meshgrid(grid, grid)
    weights = [np.stack([first.ravel(), second.ravel()], 1)[:, None, :], np.ones((first.size, 1))]
    figure, both = plt.subplots(1, 2, figsize=(7.6, 4.2), sharey=True, layout="constrained")
    for axes, q in zip(both, ("0", "1/2"), strict=True):
        found = xd.evaluator("2-1-1 relu, no biases", data, float(Fraction(q))).stack(weights)
        heights = found.criterion.reshape(first.shape)
        axes.contour(first, second, heights, levels=np.linspace(heights.min(), 2.0, 14), linewidths=0.8)
        best = int(np.argmin(found.criterion))
        axes.plot(first.ravel()[best], second.ravel()[best], "o", color="C3")
        axes.set_title("risk (q = 0)" if q == "0" else "criterion at q = 1/2", fontsize=10)
        axes.set_xlabel("W[1,1]")
        axes.set_aspect("equal")
    both[0].set_ylabel("W[1,2]")
    return figure


def minimisers() -> Figure:
    """Certified minimisers for one to six hidden units: negative weights from three units on."""
    figure, places = plt.subplots(2, 3, figsize=(8, 4.6), layout="constrained")
    for width, axes in zip(range(1, 7), places.ravel(), strict=True):
        found = xd.minimize(f"2-{width}-1 relu, no biases", "point(1, 1)", "1/2")
        xd.plot_network(found.minimisers[0].network, axes)
        axes.set_title(f"n = {width}: minimum {found.value}", fontsize=10)
    return figure


def widths() -> Figure:
    """The certified minimum over q for several widths, with non-negative weights beside it."""
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    rates = [Fraction(k, 60) for k in range(1, 60)]
    for width in range(1, 5):
        found = xd.phases(f"2-{width}-1 relu, no biases", "point(1, 1)")
        values = [found.value(q) for q in rates]
        axes.plot([float(q) for q in rates], [np.nan if v is None else float(v) for v in values], label=f"n = {width}")
        if found.nonnegative is not None and width == 4:
            below = [found.nonnegative.value(q) for q in rates]
            axes.plot(
                [float(q) for q in rates], [np.nan if v is None else float(v) for v in below], "--", color="0.3",
                label="n = 4, non-negative",
            )  # fmt: skip
    some = [Fraction(k, 12) for k in range(1, 12)]
    limits = [xd.minimize("2-1-1 relu, no biases", "point(1, 1)", q).infinite_width for q in some]
    axes.plot(some, [np.nan if v is None else float(v) for v in limits], "k.", label="infimum over all widths")
    axes.set_xlabel("drop probability q")
    axes.set_ylabel("least criterion on ((1, 1), 1)")
    axes.legend(frameon=False)
    return figure


def depth() -> Figure:
    """How the variance of equal weights grows with depth."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    layers = range(1, 13)
    for units in (2, 4, 8, 32):
        ratio = [float(xd.uniform_moments(units, (units,) * (d - 1), Fraction(1, 2)).growth) - 1 for d in layers]
        axes.semilogy(layers, ratio, "o-", markersize=3, label=f"K = n = {units}")
    axes.set_xlabel("layers d")
    axes.set_ylabel("Var D / (E D)²")
    axes.set_title("Equal weights, inputs all 1, q = 1/2 (Theorem 18's networks)", fontsize=10)
    axes.legend(frameon=False)
    return figure


def sampling() -> Figure:
    """What averaging over random masks shows of the exact criterion."""
    network, data = diabetes()
    exact = xd.evaluate(network, data, "1/2", moments=4)
    counts = [2**k for k in range(15)]
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    shares = [100 * exact.standard_error(count)[1] / exact.criterion for count in counts]
    axes.loglog(counts, shares, "o-", markersize=3, label="standard error of sampling, exact")
    axes.axhline(100 * float(exact.error_bound) / exact.criterion, color="C1", label="proved bound of xd.evaluate")
    axes.set_xlabel("random masks for each of 442 patients")
    axes.set_ylabel("% of the criterion")
    axes.legend(frameon=False)
    return figure


def effects() -> Figure:
    """How small a fault of a dropout layer the oracle sees, by calls."""
    counts = [2**k for k in range(3, 15)]
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    names = {
        "rate": "the rate is off by",
        "position": "the rate of one unit is off by",
        "pair": "two units are correlated by",
    }
    for name, words in names.items():
        seen = [getattr(xt.smallest_effect("element", (16, 12), "1/2", calls=count), name) for count in counts]
        axes.loglog(counts, [np.nan if s is None else s for s in seen], "o-", markersize=3, label=words)
    axes.set_xlabel("calls of a layer on inputs of shape (16, 12)")
    axes.set_ylabel("smallest effect that is seen")
    axes.set_title("False alarms at most once in 10⁹ calls of the assertion", fontsize=10)
    axes.legend(frameon=False)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "diabetes": diabetes_over_q,
    "stretches": stretches,
    "laws": laws,
    "regions": regions,
    "landscape": landscape,
    "minimisers": minimisers,
    "widths": widths,
    "depth": depth,
    "sampling": sampling,
    "effects": effects,
}


def main(names: list[str]) -> None:
    """Draw the figures that are named, or all."""
    mpl.use("svg")
    unknown = sorted(set(names) - set(FIGURES))
    if unknown:
        sys.exit(f"no figure {unknown[0]!r}; there are {', '.join(FIGURES)}")
    for name in names or FIGURES:
        mpl.rcParams["svg.hashsalt"] = name
        figure = FIGURES[name]()
        target = Path(__file__).with_name(f"gallery-{name}.svg")
        figure.savefig(target, metadata={"Date": None, "Creator": None})
        plt.close(figure)
        print(target.name)


if __name__ == "__main__":
    main(sys.argv[1:])
