"""The Hessian of the criterion in all weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.symbolic.calculus import Differentiation
from exactdropout.symbolic.formula import formula
from exactdropout.symbolic.freed import Parameter, free_weights
from exactdropout.symbolic.problem import Problem

__all__ = ["SymbolicHessian", "hessian"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SymbolicHessian:
    """∂²J_D/∂W∂W: a symmetric matrix of formulas, rows and columns in the order of ``parameters``."""

    parameters: tuple[Parameter, ...]
    matrix: Array

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return one equation per pair of parameters, zeros left out; they are named as in :func:`free_network`."""
        from exactdropout.symbolic.derivation_latex import hessian_latex

        return hessian_latex(self, styled(style, options))

    def __repr__(self) -> str:
        """Return the size."""
        return f"<SymbolicHessian of {len(self.parameters)} parameters>"


def hessian(network: Network, data: Examples, rates: Sequence[Any], problem: Problem) -> SymbolicHessian:
    """Return the Hessian: every entry freed, two derivations of the ring, the entries put in again."""
    free, generators, back = free_weights(network, data, rates, problem)
    over = problem.loss_denominator
    parameters = tuple(generators)
    slopes = [Differentiation(free.ring, {generators[p]: free.ring.one}) for p in parameters]
    matrix = np.empty((len(parameters), len(parameters)), dtype=object)
    for a, first in enumerate(slopes):
        gradient = first(free.loss)
        for b in range(a, len(slopes)):
            entry = back(slopes[b](gradient))
            matrix[a, b] = matrix[b, a] = formula(problem.ring, [(entry,)], over)
    matrix.setflags(write=False)
    return SymbolicHessian(parameters=parameters, matrix=matrix)
