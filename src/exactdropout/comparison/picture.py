"""Pictures of a comparison: bars of relative errors, and each row's standard deviation against the exact one."""

from __future__ import annotations

import math
from typing import Any

from exactdropout.notation.chart import axes_of

__all__ = ["draw_both", "draw_errors", "draw_rows"]

DRAWN = {"criterion": "0.35", "variance": "tab:blue"}


def draw_errors(found: Any, axes: Any = None) -> Any:
    """Draw relative errors of criterion and variance as bars; where the truth is an interval, with its width."""
    axes = axes_of(axes, (5.2, 3.6))
    for k, (quantity, colour) in enumerate(DRAWN.items()):
        errors = [found.relative_error(a.name, quantity) for a in found.approximations]
        middle = [100 * e.middle if math.isfinite(e.width) else math.nan for e in errors]
        half = [50 * e.width if math.isfinite(e.width) else math.nan for e in errors]
        at = [i + 0.38 * (k - 0.5) for i in range(len(errors))]
        bars = None if found.truth.certain else half
        axes.barh(at, middle, height=0.36, xerr=bars, label=quantity, color=colour)
        for y, value in zip(at, middle, strict=True):
            if math.isfinite(value):
                side = 1 if value >= 0 else -1
                axes.annotate(
                    f"{value:+.3g} %", (value, y), xytext=(3 * side, 0), textcoords="offset points",
                    ha="left" if side > 0 else "right", va="center", fontsize=7,
                )  # fmt: skip
    axes.axvline(0, color="0.2", linewidth=0.8)
    axes.margins(x=0.2)
    axes.set_yticks(range(len(found.approximations)), [a.title for a in found.approximations])
    axes.invert_yaxis()
    axes.set_xlabel("relative error in percent" + ("" if found.truth.certain else f", {found.truth.how_sure}"))
    axes.legend(frameon=False, fontsize=8)
    return axes


def draw_rows(found: Any, axes: Any = None) -> Any:
    """Draw each row's standard deviation by each method against the exact one."""
    exact = found.rows(found.approximations[0].name).exact_variance.ravel() ** 0.5
    axes = axes_of(axes, (4.4, 3.6))
    for a in found.approximations:
        axes.plot(exact, a.row_variance.ravel() ** 0.5, ".", markersize=3, label=a.title)
    axes.plot([0, exact.max()], [0, exact.max()], color="0.2", linewidth=0.8, zorder=0)
    axes.set_xlabel("exact standard deviation of a row's output")
    axes.set_ylabel("by the method")
    axes.legend(frameon=False, fontsize=7)
    return axes


def draw_both(found: Any) -> Any:
    """Return a figure's first axes: both pictures side by side, or the errors alone beyond enumeration."""
    if not found.truth.certain:
        return draw_errors(found)
    figure = axes_of(None, (9.6, 3.6)).get_figure()
    figure.clf()
    left, right = figure.subplots(1, 2)
    draw_rows(found, right)
    return draw_errors(found, left)
