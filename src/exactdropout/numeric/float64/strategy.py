"""What a strategy of the float64 engine is asked about, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Strategy
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.runs.runner import Runner

__all__ = ["Float64Strategy", "Folded"]


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What a strategy returns: expectations of the leaf moments, one row per example, and how they were rounded.

    ``levels``: a quarter of the roundings that a sum of leaves can meet, as :func:`~.bounds.tree_error` counts them.
    ``output_error`` bounds |ĝ − g| over all masks for each example and output, and ``noise_error`` the error of the
    expected variance of the last layer, where the strategy computes them otherwise than the walk. ``errors`` bounds
    the errors of ``moments`` entry by entry, where the strategy has no leaves at all; the other bounds are then unused.
    """

    moments: Array
    levels: int
    output_error: Array | None = None
    noise_error: Array | None = None
    errors: Array | None = None


Float64Strategy: TypeAlias = Strategy[[Problem, int], Callable[[Problem, Reference, int, Runner], Folded]]
"""Asked about a problem and the moments that are wanted, 2 or 4; run with the network's outputs without dropout."""
