"""Certified global optima of the dropout criterion of networks with one hidden layer."""

from exactdropout.optimum.minimise import minimize
from exactdropout.optimum.result import Minimiser, Optimum, Unit

__all__ = ["Minimiser", "Optimum", "Unit", "minimize"]
