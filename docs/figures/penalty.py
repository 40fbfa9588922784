"""The penalty of Figure 1's network over the drop probability, exactly and by sampling: docs/figures/penalty.svg.

    python docs/figures/penalty.py

The curve and its zeros are derived; the dots are what 1,000 random dropout patterns give at each of 34 values of q.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sympy
from matplotlib import rc_context
from matplotlib.figure import Figure

import exactdropout as xd

NETWORK = xd.Network([[[1, 1], [1, 1]], [1, 1]])
EXAMPLE = xd.Examples.point((1, -1), 8)
MASKS, SEED = 1000, 2017


def sampled(q: float, random: np.random.Generator) -> float:
    """Return the mean of (D − y)² over random patterns, less the risk: what a framework would show."""
    kept = (random.random((MASKS, 4)) >= q) / (1 - q)
    hidden = np.maximum(kept[:, 0] - kept[:, 1], 0.0)
    output = hidden * kept[:, 2] + hidden * kept[:, 3]
    return float(np.mean((output - 8) ** 2)) - 64.0


def main() -> None:
    """Draw the figure."""
    penalty, q = xd.derive(NETWORK, EXAMPLE).penalty.expr, sympy.Symbol("q")
    zero = max(r for r in sympy.solve(sympy.numer(sympy.together(penalty)), q) if 0 < r < 1)
    curve = sympy.lambdify(q, penalty)
    grid, random = np.linspace(0, 0.83, 400), np.random.default_rng(SEED)
    dots = np.linspace(0.01, 0.82, 34)
    figure = Figure(figsize=(7.2, 3.1), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.fill_between(grid, curve(grid), 0, where=curve(grid) < 0, color="C0", alpha=0.15, linewidth=0)
    axes.plot(
        dots, [sampled(v, random) for v in dots], "o", color="C1", markersize=4, label="1,000 random dropout patterns"
    )
    axes.plot(grid, curve(grid), color="C0", linewidth=2, label="exact, all 16 patterns")
    axes.plot([float(zero)], [0], "s", color="C0", markersize=5)
    place = (float(zero), 0.0)
    line = {"arrowstyle": "-", "color": "0.4"}
    axes.annotate(f"zero at ${sympy.latex(zero)}$", place, (place[0] - 0.33, 9), arrowprops=line)
    axes.set_ylim(-14, 26)
    axes.set_xlim(0, 0.83)
    axes.set_xlabel("drop probability q")
    axes.set_ylabel("dropout penalty")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    with rc_context({"svg.hashsalt": "penalty"}):
        figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
