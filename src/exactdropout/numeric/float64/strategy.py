"""What a strategy of the float64 engine is: when it applies, what it costs, and how it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.runs.runner import Runner

__all__ = ["Estimate", "Folded", "Strategy"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a strategy would cost: leaves or states visited, nanosecond-sized steps on one core, bytes."""

    visited: float
    cost: float
    memory: float

    def plus(self, other: Estimate) -> Estimate:
        """Return the estimate of doing both, one after the other."""
        return Estimate(
            visited=self.visited + other.visited,
            cost=self.cost + other.cost,
            memory=max(self.memory, other.memory),
        )


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


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One exact way to take the expectation over masks.

    ``refusal(problem, moments)`` says why it does not apply, or None; ``estimate`` is its cost model; ``run(problem,
    reference, moments, runner)`` computes.
    """

    name: str
    title: str
    refusal: Callable[[Problem, int], str | None]
    estimate: Callable[[Problem, int], Estimate]
    run: Callable[[Problem, Reference, int, Runner], Folded]
