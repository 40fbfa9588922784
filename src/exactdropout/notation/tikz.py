"""A drawing of a network in TikZ: units, weights with their signs, biases."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model import Network
from exactdropout.model.numbers import format_rational, show
from exactdropout.notation.document import document
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.names import symbol_name
from exactdropout.notation.style import Style

__all__ = ["tikz_drawing"]

MAX_EDGES = 400
LABELLED_EDGES = 24
"""With more weights their values would hide each other, and only the signs are drawn."""
_STYLES = {1: "positive", -1: "negative", 0: "zero", None: "unsigned"}
_PLAIN = Style()
_SPACING = 1.7


def tikz_drawing(
    network: Network, *, labels: bool | None = None, style: Style = _PLAIN, standalone: bool = False
) -> str:
    """Return a ``tikzpicture`` of a network, inputs at the left.

    Positive weights are solid, negative ones dashed and red, weights without a known sign (symbols) grey; weights that
    are 0 are left out. ``labels`` writes the weights at their edges, None where there are at most 24; biases stand
    above their units. Needs the package ``tikz``; ``standalone=True`` returns a document.

    Raises:
        InvalidInput: more than 400 weights.
    """
    architecture = network.architecture
    edges = sum(w.size for w in network.weights)
    if edges > MAX_EDGES:
        raise InvalidInput(f"Argument 'network' must have at most {MAX_EDGES} weights in a drawing, not {edges}.")
    if not isinstance(labels, (bool, type(None))):
        raise InvalidInput(f"Argument 'labels' must be True, False or None, not {show(labels)}.")
    labelled = edges <= LABELLED_EDGES if labels is None else labels
    widths = architecture.widths
    spread, tallest = (3.0 if labelled else 2.5), max(widths)
    lines = [
        r"\begin{tikzpicture}[unit/.style={circle,draw,minimum size=6mm,inner sep=0pt},",
        r"  positive/.style={->}, negative/.style={->,dashed,red!75!black}, unsigned/.style={->,gray},",
        r"  weight/.style={fill=white,inner sep=1pt,font=\scriptsize}, bias/.style={font=\scriptsize}]",
    ]
    for layer, width in enumerate(widths):
        for unit in range(width):
            y = ((tallest - 1) / 2 - unit - (tallest - width) / 2) * _SPACING
            place = rf"({layer}-{unit}) at ({spread * layer:g},{_decimal(y)})"
            lines.append(rf"\node[unit] {place} {{{_inside(network, layer, unit)}}};")
            bias = network.biases[layer - 1] if layer else None
            if bias is not None and (shown := _label(bias[unit], style)) is not None:
                lines.append(rf"\node[bias,above=3.2mm] at ({layer}-{unit}) {{${shown}$}};")
    for layer, matrix in enumerate(network.weights):
        for target, row in enumerate(matrix.tolist()):
            for source, weight in enumerate(row):
                sign = _sign(weight)
                if sign == 0:
                    continue
                shown = _label(weight, style) if labelled else None
                # at this place the labels of all edges between two layers stand at different heights
                position = 1 / (len(matrix) + 1)
                label = "" if shown is None else rf" node[weight,pos={_decimal(position)}] {{${shown}$}}"
                lines.append(rf"\draw[{_STYLES[sign]}] ({layer}-{source}) --{label} ({layer + 1}-{target});")
    drawing = "\n".join([*lines, r"\end{tikzpicture}"])
    return document(drawing) if standalone else drawing


def _inside(network: Network, layer: int, unit: int) -> str:
    architecture = network.architecture
    if layer == 0:
        return f"$x_{{{unit + 1}}}$"
    if layer == architecture.depth:
        return r"$\Sigma$"
    slope = architecture.activations[layer - 1].slope
    if slope == 1:
        return r"\tikz\draw (-0.15,-0.15) -- (0.15,0.15);"
    return rf"\tikz\draw (-0.18,{_decimal(-0.18 * float(slope))}) -- (0,0) -- (0.15,0.15);"


def _decimal(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _sign(value: Any) -> int | None:
    if isinstance(value, (Fraction, int, float)):
        return (value > 0) - (value < 0)
    signs: Mapping[str, int] = {"is_zero": 0, "is_positive": 1, "is_negative": -1}
    return next((sign for name, sign in signs.items() if getattr(value, name, None)), None)


def _label(value: Any, style: Style) -> str | None:
    """Return the LaTeX of an entry, None where it is no number or symbol of our naming, or too long."""
    if isinstance(value, float):
        return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 or value == 0 else None
    if isinstance(value, (Fraction, int)):
        text = format_rational(value)
        if len(text) > 9:
            return None
        top, _, bottom = text.lstrip("-").partition("/")
        sign = "-" if value < 0 else ""
        return rf"{sign}\tfrac{{{top}}}{{{bottom}}}" if bottom else sign + top
    if getattr(value, "is_Symbol", False):
        try:
            return expression_latex(symbol_name(str(value)), style)
        except InvalidInput:
            return None
    return None
