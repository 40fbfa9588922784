"""Gradients and Hessians of the derived quantities in all weights and biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.notation.mathml import expression_mathml
from exactdropout.notation.names import parameter_name
from exactdropout.notation.page import Markup, table_html
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.notation.tree import Name
from exactdropout.symbolic.criterion.formula import Formula, Piece, formula
from exactdropout.symbolic.criterion.gradient import derivative_equations, partial_latex
from exactdropout.symbolic.criterion.problem import Problem
from exactdropout.symbolic.criterion.symbols_for_entries import Parameter, free_weights
from exactdropout.symbolic.ring.calculus import Differentiation

__all__ = ["SymbolicHessian", "hessian", "slopes_in_weights"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SymbolicHessian:
    """∂²/∂W∂W of a quantity: a symmetric matrix of formulas, rows and columns in the order of ``parameters``."""

    parameters: tuple[Parameter, ...]
    matrix: Array
    quantity: str = "criterion"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return one equation per pair of parameters, zeros left out; they are named as in :func:`free_network`."""
        return hessian_latex(self, styled(style, options))

    def __repr__(self) -> str:
        """Return the size."""
        return f"<SymbolicHessian of {len(self.parameters)} parameters>"

    def _repr_html_(self) -> str:
        names = _names(self)
        pairs = [(a, b) for a in range(len(names)) for b in range(a, len(names)) if self.matrix[a, b].expr != 0]
        rows = (
            [Markup(expression_mathml(names[a])), Markup(expression_mathml(names[b])), self.matrix[a, b].short_html()]
            for a, b in pairs
        )
        title = f"Second derivatives of the {self.quantity} that are not 0"
        return table_html(["in", "and", "derivative"], rows, title=title, count=len(pairs))


def hessian(
    network: Network,
    data: Examples,
    rates: Sequence[Any],
    problem: Problem,
    quantity: str,
    of: Callable[[Problem], Formula],
) -> SymbolicHessian:
    """Return the Hessian: every entry freed, two derivations of the ring, the entries put in again."""
    free, generators, back = free_weights(network, data, rates, problem)
    found, parameters = of(free), tuple(generators)
    slopes = [Differentiation(free.ring, {generators[p]: free.ring.one}) for p in parameters]
    over = back(found.denominator)
    matrix = np.empty((len(parameters), len(parameters)), dtype=object)
    for a, first in enumerate(slopes):
        gradient = _differentiated(found.pieces, first)
        for b in range(a, len(slopes)):
            pieces = [tuple(map(back, piece)) for piece in _differentiated(gradient, slopes[b])]
            matrix[a, b] = matrix[b, a] = formula(problem.ring, pieces, over)
    matrix.setflags(write=False)
    return SymbolicHessian(parameters=parameters, matrix=matrix, quantity=quantity)


def slopes_in_weights(
    network: Network, data: Examples, rates: Sequence[Any], problem: Problem, of: Callable[[Problem], Formula]
) -> dict[Parameter, Formula]:
    """Return the derivative in every weight and bias, each entry freed as in the Hessian."""
    free, generators, back = free_weights(network, data, rates, problem)
    found, slopes = of(free), {}
    for parameter, number in generators.items():
        apply = Differentiation(free.ring, {number: free.ring.one})
        pieces = [tuple(map(back, piece)) for piece in _differentiated(found.pieces, apply)]
        slopes[parameter] = formula(problem.ring, pieces, back(found.denominator))
    return slopes


def _differentiated(pieces: Sequence[Piece], apply: Differentiation) -> list[Piece]:
    """Return the derivative of a sum of products; a factor's derivative that is 0 drops its term."""
    found: list[Piece] = []
    for piece in pieces:
        for k, factor in enumerate(piece):
            slope = apply(factor)
            if slope:
                found.append((*piece[:k], slope, *piece[k + 1 :]))
    return found


def hessian_latex(hessian: SymbolicHessian, style: Style) -> str:
    """Return one equation per pair of parameters, zeros left out, named as in a free network."""
    names = _names(hessian)
    lines = [
        (partial_latex([names[a], names[b]], style, hessian.quantity), hessian.matrix[a, b])
        for a in range(len(names))
        for b in range(a, len(names))
        if not hessian.matrix[a, b].is_identically_zero()
    ]
    return derivative_equations(lines, style)


def _names(hessian: SymbolicHessian) -> list[Name]:
    """Return the names of the parameters, as in a free network."""
    depth = max(p.layer for p in hessian.parameters) + 1
    outputs = max(p.unit for p in hessian.parameters if p.layer == depth - 1) + 1
    return [parameter_name(p.layer, p.unit, p.source, depth, outputs) for p in hessian.parameters]
