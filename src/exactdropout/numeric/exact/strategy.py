"""What a strategy of the exact engine is asked about, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, TypeAlias

from exactdropout.model import Examples, Network
from exactdropout.numeric.choice import Strategy
from exactdropout.numeric.exact.reduction import IntegerRows, ReducedExample, integer_rows, reduced

__all__ = [
    "ExactProblem",
    "ExactStrategy",
    "OutputMoments",
    "StateLimitReached",
    "Tick",
    "exact_problem",
]

Tick: TypeAlias = Callable[[float], None]
"""Called with the finished share, 0 to 1, of one example's work, a few times a second at least."""


class StateLimitReached(Exception):
    """More states than the plan allows: the next strategy takes over. Counts decide, never a clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputMoments:
    """Moments of one example's output, with D̄ = E[D | all masks but the last layer's], one entry per output.

    ``first`` = E D̄ = E D, ``second`` = E D̄², ``noise`` = E Var[D | …], so E D² = second + noise; ``fourth`` is
    E ‖D − y‖⁴ where asked for.
    """

    first: tuple[Fraction, ...]
    second: tuple[Fraction, ...]
    noise: tuple[Fraction, ...]
    fourth: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class ExactProblem:
    """An exact network, its examples and rates; ``examples`` are the reductions, one per distinct input vector."""

    layers: tuple[IntegerRows, ...]
    slopes: tuple[Fraction, ...]
    rates: tuple[Fraction, ...]
    inputs: tuple[tuple[Any, ...], ...]
    moments: Literal[2, 4]
    mask_bits: int
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def index_of(self) -> dict[tuple[tuple[int, int], ...], int]:
        """The place in ``examples`` of each distinct input vector, by the integer ratios of its entries."""
        found: dict[tuple[tuple[int, int], ...], int] = {}
        for x in self.inputs:
            found.setdefault(ratios(x), len(found))
        return found

    @cached_property
    def examples(self) -> tuple[ReducedExample, ...]:
        """The reduced networks."""
        done: dict[tuple[tuple[int, int], ...], ReducedExample] = {}
        for x in self.inputs:
            key = ratios(x)
            if key not in done:
                done[key] = reduced(self.layers, self.slopes, self.rates, x)
        return tuple(done.values())


def ratios(x: Sequence[Any]) -> tuple[tuple[int, int], ...]:
    """Return the vector as integer ratios: equal numbers give equal keys, and hashing is quick."""
    return tuple([v.as_integer_ratio() for v in x])


def exact_problem(
    network: Network, data: Examples, rates: Sequence[Fraction], moments: Literal[2, 4] = 2
) -> ExactProblem:
    """Return the problem; each number is taken as the rational that it is."""
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        shifts = (_ZERO,) * len(weight) if bias is None else bias.tolist()
        layers.append(integer_rows(weight.tolist(), shifts))
    return ExactProblem(
        layers=tuple(layers),
        slopes=tuple(a.slope for a in network.architecture.activations),
        rates=tuple(rates),
        inputs=tuple(map(tuple, data.inputs.tolist())),
        moments=moments,
        mask_bits=network.architecture.mask_bits,
    )


_ZERO = Fraction(0)


ExactStrategy: TypeAlias = Strategy[
    [ExactProblem], Callable[[ExactProblem, ReducedExample, Sequence[Fraction], Tick], OutputMoments]
]
"""Asked about a problem; run on one reduced example (its label matters to the fourth moment only).

A run may raise :class:`StateLimitReached` where its estimate was no bound."""


def log2_sum(values: Sequence[float]) -> float:
    """Return log2 Σ 2^v without leaving the range of floats."""
    top = max(values)
    return top + math.log2(sum(2.0 ** (v - top) for v in values))


def power(log: float) -> float:
    """Return 2^log, infinity beyond the range of floats."""
    return 2.0**log if log < 1023 else math.inf
