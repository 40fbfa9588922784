"""A formula of one symbol as a curve; formulas ask for it, and so it imports none of them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.notation.chart import axes_of, cut_poles, drawn

__all__ = ["curve"]

POINTS = 400
WIDE = 3
"""Symbols other than q are drawn from −3 to 3: weights, inputs and labels of the size of the examples in papers."""


def curve(formula: Any, axes: Any = None, label: str = "value") -> Any:
    """Draw a formula of one symbol, exact values rounded to floats, with a name beside the axis; return the axes.

    Raises:
        InvalidInput: no symbol is free, or more than one.
        MissingExtra: Matplotlib is not installed.
    """
    names = [str(symbol) for symbol in formula.symbols]
    if len(names) != 1:
        free = ", ".join(names[:6]) + (", …" if len(names) > 6 else "") if names else "none"
        raise InvalidInput(f"Argument 'formula' must have one free symbol to be drawn as a curve; it has {free}.")
    name = names[0]
    low, high = (Fraction(0), Fraction(1)) if name == "q" else (Fraction(-WIDE), Fraction(WIDE))
    places = [low + (high - low) * k / POINTS for k in range(1, POINTS)]
    on = axes_of(axes)
    heights = [_height(formula, name, place) for place in places]
    on.plot([float(place) for place in places], heights)
    cut_poles(on, heights)
    on.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    on.set_xlim(float(low), float(high))
    on.set_xlabel("drop probability q" if name == "q" else name)
    on.set_ylabel(label)
    return on


def _height(formula: Any, name: str, place: Fraction) -> float:
    try:
        return drawn(formula.evaluate({name: place}))
    except InvalidInput:  # a divisor vanishes there
        return math.nan
