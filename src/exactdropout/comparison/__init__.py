"""Approximations of the mean over all masks, beside the truth."""

from exactdropout.comparison.compare import compare
from exactdropout.comparison.result import Approximation, Comparison, LawDistance, RowErrors

__all__ = ["Approximation", "Comparison", "LawDistance", "RowErrors", "compare"]
