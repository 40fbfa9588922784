"""Certified global optima of the dropout criterion of networks with one hidden layer."""

from exactdropout.algebra.algebraic import Algebraic, RationalFunction
from exactdropout.optimum.minimize import minimize
from exactdropout.optimum.phases.phases import phases
from exactdropout.optimum.phases.result import Cell, Phases, Piece, UnitFamily
from exactdropout.optimum.result import Minimiser, Optimum, Unit

__all__ = [
    "Algebraic",
    "Cell",
    "Minimiser",
    "Optimum",
    "Phases",
    "Piece",
    "RationalFunction",
    "Unit",
    "UnitFamily",
    "minimize",
    "phases",
]
