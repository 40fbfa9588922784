"""A drawing of a network on Matplotlib axes: units, weights with their signs and sizes."""

from __future__ import annotations

from typing import Any

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Network
from exactdropout.notation.chart import axes_of

__all__ = ["plot_network"]

MOST_EDGES = 1000


def plot_network(network: Network, axes: Any = None) -> Any:
    """Draw a network, inputs at the left, on Matplotlib axes, new ones or those given, and return them.

    Positive weights are solid and blue, negative ones dashed and red, the wider the larger in their layer; weights that
    are 0 are left out. :func:`tikz_drawing` writes the same for LaTeX, with the numbers.

    Raises:
        InvalidInput: ``network`` is no network, or has more than 1000 weights.
        MixedNumbers: its weights are symbols, which have no sign.
        MissingExtra: Matplotlib is not installed.
    """
    if not isinstance(network, Network):
        raise InvalidInput(f"Argument 'network' must be a Network, not {type(network).__name__}.")
    if network.kind == "symbolic":
        raise MixedNumbers(
            "Argument 'network' must hold numbers to be drawn with signs; xd.tikz_drawing takes symbols."
        )
    edges = sum(w.size for w in network.weights)
    if edges > MOST_EDGES:
        raise InvalidInput(f"Argument 'network' must have at most {MOST_EDGES} weights in a drawing, not {edges}.")
    on = axes_of(axes, (4.8, 3.6))
    widths = network.architecture.widths
    places = [[(layer, (width - 1) / 2 - unit) for unit in range(width)] for layer, width in enumerate(widths)]
    for layer, matrix in enumerate(network.weights):
        largest = max((abs(float(w)) for w in matrix.flat), default=0.0) or 1.0
        for target, row in enumerate(matrix.tolist()):
            for source, weight in enumerate(row):
                if weight:
                    (x0, y0), (x1, y1) = places[layer][source], places[layer + 1][target]
                    line, colour = ("-", "C0") if weight > 0 else ("--", "C3")
                    width = 0.6 + 2.4 * abs(float(weight)) / largest
                    on.plot([x0, x1], [y0, y1], line, color=colour, linewidth=width, zorder=1)
    for layer, units in enumerate(places):
        face = "white" if 0 < layer < len(places) - 1 else "0.85"
        xs, ys = zip(*units, strict=True)
        on.scatter(xs, ys, s=160, facecolor=face, edgecolor="0.3", zorder=2)
    on.set_axis_off()
    on.margins(0.12)
    return on
