"""The regions of two free weights as a map."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.chart import axes_of

__all__ = ["draw"]

POINTS = 60
"""Points of the grid along each side; hinges are evaluated exactly on it."""


def draw(regions: Any, axes: Any, span: float) -> Any:
    """Draw the zero lines of all hinges and the number of each region that the square meets, and return the axes."""
    names = sorted({str(symbol) for hinge in regions.hinges for symbol in hinge.symbols})
    if len(names) != 2:
        free = ", ".join(names[:6]) or "none"
        raise InvalidInput(f"Argument 'regions' must depend on exactly two free weights to be drawn, not on {free}.")
    if isinstance(span, bool) or not isinstance(span, (int, float)) or not 0 < span < float("inf"):
        raise InvalidInput(f"Argument 'span' must be a positive number, not {show(span)}.")
    on = axes_of(axes, (4.8, 4.8))
    # cell centres, so that hinges through the origin or along an axis meet no point
    steps = [Fraction(span) * (2 * k + 1 - POINTS) / POINTS for k in range(POINTS)]
    heights: list[list[list[float]]] = [[[0.0] * POINTS for _ in steps] for _ in regions.hinges]
    where: dict[tuple[int, ...], list[tuple[float, float]]] = defaultdict(list)
    for row, second in enumerate(steps):
        for column, first in enumerate(steps):
            at = dict(zip(names, (first, second), strict=True))
            values = [hinge.evaluate({str(s): at[str(s)] for s in hinge.symbols}) for hinge in regions.hinges]
            for number, value in enumerate(values):
                heights[number][row][column] = float(value)
            where[tuple((v > 0) - (v < 0) for v in values)].append((float(first), float(second)))
    places = [float(step) for step in steps]
    for number, grid in enumerate(heights):
        on.contour(places, places, grid, levels=[0.0], colors=f"C{number % 10}", linewidths=1.2)
    for number, region in enumerate(regions):
        points = where.get(region.signs)
        if points:
            middle = [sum(coordinate) / len(points) for coordinate in zip(*points, strict=True)]
            nearest = min(points, key=lambda point: sum((a - b) ** 2 for a, b in zip(point, middle, strict=True)))
            on.text(*nearest, str(number), ha="center", va="center")
    on.set_xlabel(names[0])
    on.set_ylabel(names[1])
    on.set_aspect("equal")
    on.set_title("Regions of weight space; on a line a relu switches", fontsize=9)
    return on
