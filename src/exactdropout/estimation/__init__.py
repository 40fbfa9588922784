"""Estimates with a proved probability, for networks whose masks are too many to enumerate."""

from exactdropout.estimation.band import LawBand, law_band
from exactdropout.estimation.estimate import EstimateProgress, estimate
from exactdropout.estimation.result import Estimate, GradientIntervals, Interval, RowIntervals

__all__ = [
    "Estimate",
    "EstimateProgress",
    "GradientIntervals",
    "Interval",
    "LawBand",
    "RowIntervals",
    "estimate",
    "law_band",
]
