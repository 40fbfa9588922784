"""What a strategy of the float64 engine is: when it applies, what it costs, and how it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exactdropout.model.numbers import Array
from exactdropout.numeric.problem import Problem
from exactdropout.numeric.quantities import Reference
from exactdropout.progress import Progress

__all__ = ["Estimate", "Folded", "Strategy"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a strategy would cost: leaves or states visited, nanosecond-sized steps on one core, bytes."""

    visited: float
    cost: float
    memory: float


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What a strategy returns: expectations of the leaf moments, one row per example, and the depth of its sums."""

    moments: Array
    levels: int


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One exact way to take the expectation over masks.

    ``refusal(problem, moments)`` says why it does not apply, or None; ``estimate`` is its cost model; ``run(problem,
    reference, moments, threads, progress)`` computes.
    """

    name: str
    title: str
    refusal: Callable[[Problem, int], str | None]
    estimate: Callable[[Problem, int], Estimate]
    run: Callable[[Problem, Reference, int, int, Progress | None], Folded]
