"""Phases as a diagram: one bar for each width over q, the darker, the more units have a negative weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exactdropout.notation.chart import axes_of

__all__ = ["draw"]

NARROW = 0.05
"""Pieces shorter than this carry no text."""
SIZE, LETTERS = 8.5, 90
"""Points of the texts, and letters that the whole axis has room for."""


def draw(found: Sequence[Any], axes: Any = None) -> Any:
    """Draw the phases of several widths, one bar each, and return the axes; what is not certified is hatched."""
    on = axes_of(axes, (9.0, 1.5 + 0.5 * len(found)))
    from matplotlib import colormaps

    colours = colormaps["Blues"]
    for one in found:
        width = one.architecture.hidden[0]
        for piece in one.pieces:
            low, high = float(piece.lower), float(piece.upper)
            negative = sum(
                int(part.partition("x")[0]) for part in piece.pattern.split() if "x" in part and _negative(part)
            )
            shade = 0.08 + 0.6 * negative / width
            on.barh(width, high - low, left=low, height=0.8, color=colours(shade), edgecolor="white", linewidth=0.8)
            if high - low > NARROW:
                room = LETTERS * (high - low)
                words = (piece.pattern, f"{negative} of {width} negative", f"{negative} of {width}")
                text = next((text for text in words if len(text) < room), "")
                colour = "white" if shade > 0.5 else "black"
                on.text((low + high) / 2, width, text, ha="center", va="center", fontsize=SIZE, color=colour)
        for start, end in one.uncertified:
            low, high = float(start), float(end)
            on.barh(width, high - low, left=low, height=0.8, color="none", edgecolor="0.5", hatch="///")
    on.set_title("Signs of the global minimum; darker: more units with a negative weight", fontsize=10)
    on.set_xlim(0, 1)
    on.set_yticks([one.architecture.hidden[0] for one in found])
    on.set_xlabel("drop probability q")
    on.set_ylabel("hidden units n")
    return on


def _negative(unit: str) -> bool:
    """Return whether the pattern of a unit has a negative output or input weight; the bias does not count."""
    return "-" in unit.partition("|")[0]
