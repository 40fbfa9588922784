"""The gradient of a quantity as formulas, and how derivatives are written in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array
from exactdropout.notation.document import document
from exactdropout.notation.latex import QUANTITY_LATEX, expression_latex
from exactdropout.notation.mathml import expression_mathml
from exactdropout.notation.names import parameter_name
from exactdropout.notation.page import Markup, table_html
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.notation.tree import Name
from exactdropout.symbolic.criterion.formula import Formula

__all__ = ["SymbolicGradient", "derivative_equations", "gradient_latex", "partial_latex"]

MAX_ENTRIES = 400
WIDTH = 70


@dataclass(frozen=True, kw_only=True, repr=False)
class SymbolicGradient:
    """∂/∂W of a quantity: arrays of formulas in the shapes of ``Network.weights`` and ``Network.biases``."""

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]
    quantity: str = "criterion"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return one equation per weight and bias, which are named as in :func:`free_network`."""
        return gradient_latex(self, styled(style, options))

    def __repr__(self) -> str:
        """Return the number of entries."""
        count = sum(a.size for a in (*self.weights, *self.biases) if a is not None)
        return f"<SymbolicGradient of the {self.quantity} in {count} weights and biases>"

    def _repr_html_(self) -> str:
        entries = _parameters(self)
        rows = ([Markup(expression_mathml(name)), found.short_html()] for name, found in entries)
        return table_html(["in", "derivative"], rows, title=f"Gradient of the {self.quantity}", count=len(entries))


def gradient_latex(gradient: SymbolicGradient, style: Style) -> str:
    """Return one equation per weight and bias, named as in a free network."""
    lines = [(partial_latex([name], style, gradient.quantity), found) for name, found in _parameters(gradient)]
    return derivative_equations(lines, style)


def _parameters(gradient: SymbolicGradient) -> list[tuple[Name, Formula]]:
    """Return the derivatives with the names of the weights and biases, layer by layer."""
    depth, outputs = len(gradient.weights), gradient.weights[-1].shape[0]
    found: list[tuple[Name, Formula]] = []
    for layer, (weights, bias) in enumerate(zip(gradient.weights, gradient.biases, strict=True)):
        for (unit, source), entry in np.ndenumerate(weights):
            found.append((parameter_name(layer, unit, source, depth, outputs), entry))
        if bias is not None:
            for (unit,), entry in np.ndenumerate(bias):
                found.append((parameter_name(layer, unit, None, depth, outputs), entry))
    return found


def partial_latex(names: Sequence[Name], style: Style, quantity: str = "criterion") -> str:
    """Return ∂J_D/∂w, or ∂²J_D/∂w∂v for two names, or the same of another quantity."""
    above = QUANTITY_LATEX.get(quantity, rf"\text{{{quantity}}}")
    inline = style.inline()
    power = "" if len(names) == 1 else f"^{{{len(names)}}}"
    if len(names) > 1 and names[0] == names[1]:
        shown = expression_latex(names[0], inline)
        shown = rf"\left( {shown} \right)" if "^" in shown else shown
        return rf"\frac{{\partial{power} {above}}}{{\partial {shown}^{{2}}}}"
    below = r" \, ".join(rf"\partial {expression_latex(name, inline)}" for name in names)
    return rf"\frac{{\partial{power} {above}}}{{{below}}}"


def derivative_equations(lines: Sequence[tuple[str, Formula]], style: Style) -> str:
    """Return one equation for each left side and formula."""
    if len(lines) > MAX_ENTRIES:
        raise InvalidInput(f"Argument 'style' prints at most {MAX_ENTRIES} derivatives, not {len(lines)}.")
    inside = style.displayed(WIDTH)
    shown = "\n".join(found.latex(inside, left=left) for left, found in lines)
    return document(shown) if style.standalone else shown
