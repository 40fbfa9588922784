"""Estimates with a proved probability, for networks whose masks are too many to enumerate."""

from exactdropout.estimation.estimate import EstimateProgress, estimate
from exactdropout.estimation.result import Estimate, Interval, RowIntervals

__all__ = ["Estimate", "EstimateProgress", "Interval", "RowIntervals", "estimate"]
