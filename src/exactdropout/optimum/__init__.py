"""Certified global optima of the dropout criterion of networks with one hidden layer."""

from exactdropout.algebra.algebraic import Algebraic, RationalFunction
from exactdropout.optimum.minimise import minimize
from exactdropout.optimum.phase_result import Cell, Phases, Piece, UnitFamily
from exactdropout.optimum.phases import phases
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
