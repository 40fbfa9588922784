"""A drawing of a network in TikZ: units, weights with their signs, biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model import Network
from exactdropout.model.numbers import format_rational, show
from exactdropout.notation.document import document
from exactdropout.notation.label_places import label_places, label_size
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.names import symbol_name
from exactdropout.notation.style import Style

__all__ = ["tikz_drawing"]

MAX_EDGES = 400
LABELLED_EDGES = 48
"""With more weights their values would hide each other, and only signs and sizes are drawn."""
_STYLES = {1: "positive", -1: "negative", 0: "zero", None: "unsigned"}
_PLAIN = Style()
_SPACING = 1.7
_UNIT = 0.34
"""Half the width of a unit with a little air, in cm."""


def tikz_drawing(
    network: Network, *, labels: bool | None = None, style: Style = _PLAIN, standalone: bool = False
) -> str:
    """Return a ``tikzpicture`` of a network, inputs at the left.

    Positive weights are solid, negative ones dashed and red, weights without a known sign (symbols) grey; weights that
    are 0 are left out. ``labels`` writes the weights in frames on their edges, where they hide neither each other nor
    units nor biases, and as few other edges as possible; None does so where there are at most 48. Without labels
    edges are the wider the larger their weight is in its layer. Biases stand above their units. Needs the package
    ``tikz``; ``standalone=True`` returns a document.

    Raises:
        InvalidInput: no network, or more than 400 weights.
    """
    if not isinstance(network, Network):
        raise InvalidInput(
            f"Argument 'network' must be a Network, not {show(network)}; xd.free_network(architecture) has symbols."
        )
    architecture = network.architecture
    edges = sum(w.size for w in network.weights)
    if edges > MAX_EDGES:
        raise InvalidInput(f"Argument 'network' must have at most {MAX_EDGES} weights in a drawing, not {edges}.")
    if not isinstance(labels, (bool, type(None))):
        raise InvalidInput(f"Argument 'labels' must be True, False or None, not {show(labels)}.")
    labelled = edges <= LABELLED_EDGES if labels is None else labels
    lines = [
        r"\begin{tikzpicture}[unit/.style={circle,draw,fill=white,minimum size=6mm,inner sep=0pt},",
        r"  positive/.style={->}, negative/.style={->,densely dashed,red!75!black}, unsigned/.style={->,gray},",
        r"  weight/.style={fill=white,draw=black!35,very thin,rounded corners=1pt,inner sep=1.5pt,font=\scriptsize},",
        r"  minus/.style={draw=red!45,text=red!75!black}, bias/.style={fill=white,inner sep=1pt,font=\scriptsize}]",
    ]
    places = _places(architecture.widths, labelled)
    for layer, units in enumerate(places):
        for unit, (x, y) in enumerate(units):
            inside = _inside(network, layer, unit)
            lines.append(rf"\node[unit] ({layer}-{unit}) at ({_decimal(x)},{_decimal(y)}) {{{inside}}};")
    tags: list[str] = []
    for layer, matrix in enumerate(network.weights):
        drawn = [
            (source, target, weight)
            for target, row in enumerate(matrix.tolist())
            for source, weight in enumerate(row)
            if _sign(weight) != 0
        ]
        largest = max((abs(float(w)) for _, _, w in drawn if _sign(w) is not None and _is_number(w)), default=1.0)
        for source, target, weight in drawn:
            look = _STYLES[_sign(weight)]
            if not labelled and _is_number(weight):
                look += f",line width={_decimal(0.2 + abs(float(weight)) / largest)}pt"
            lines.append(rf"\draw[{look}] ({layer}-{source}) -- ({layer + 1}-{target});")
        if labelled:
            tags += _tags(places[layer], places[layer + 1], drawn, network.biases[layer], style)
    for layer, biases in enumerate(network.biases, 1):
        for unit, bias in enumerate([] if biases is None else biases):
            if (shown := _label(bias, style)) is not None:
                lines.append(rf"\node[bias,above=3.2mm] at ({layer}-{unit}) {{${shown}$}};")
    drawing = "\n".join([*lines, *tags, r"\end{tikzpicture}"])
    return document(drawing) if standalone else drawing


def _places(widths: Sequence[int], labelled: bool) -> list[list[tuple[float, float]]]:
    """Return the places of the units in cm; layers with more edges between them stand further apart."""
    places, x = [], 0.0
    for layer, width in enumerate(widths):
        places.append([(x, ((width - 1) / 2 - unit) * _SPACING) for unit in range(width)])
        if layer + 1 < len(widths):
            edges = width * widths[layer + 1]
            x += min(2.6 + 0.1 * edges, 9.0) if labelled else min(2.5 + 0.03 * edges, 5.0)
    return places


def _tags(
    left: Sequence[tuple[float, float]],
    right: Sequence[tuple[float, float]],
    drawn: Sequence[tuple[int, int, Any]],
    biases: Any,
    style: Style,
) -> list[str]:
    """Return the nodes of the labels between two layers."""
    edges = [(left[source], right[target]) for source, target, _ in drawn]
    texts = [_label(weight, style) for _, _, weight in drawn]
    boxes = [((x, y), (_UNIT, _UNIT)) for x, y in (*left, *right)]
    for (x, y), bias in zip(right, [] if biases is None else biases, strict=False):
        if (shown := _label(bias, style)) is not None:
            wide, high = label_size(shown)
            boxes.append(((x, y + 0.32 + high), (wide, high)))
    labelled = [i for i, text in enumerate(texts) if text is not None]
    centres = label_places(edges, {i: label_size(texts[i] or "") for i in labelled}, boxes)
    lines = []
    for i in labelled:
        look = "weight,minus" if _sign(drawn[i][2]) == -1 else "weight"
        x, y = centres[i]
        lines.append(rf"\node[{look}] at ({_decimal(x)},{_decimal(y)}) {{${texts[i]}$}};")
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, (Fraction, int, float))


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
