"""How an engine chooses among its strategies: what one is, a registry of them, and their comparison by estimates.

The float64 and the exact engine are two instances; each says what a strategy is asked about and what its run returns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.numeric.result import RunnerUp

__all__ = ["STEPS_PER_SECOND", "Choice", "Estimate", "Registry", "Strategy"]

STEPS_PER_SECOND = 1e9
"""Measured: a step, a multiply-add of one number at one leaf, takes about a nanosecond."""

About = ParamSpec("About")
Run = TypeVar("Run", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Leaves or states visited, steps of a nanosecond on one core, bytes; upper bounds if ``bound`` is True."""

    visited: float
    cost: float
    memory: float
    bound: bool = True

    def plus(self, other: Estimate) -> Estimate:
        """Return the estimate of doing both, one after the other."""
        return Estimate(
            visited=self.visited + other.visited,
            cost=self.cost + other.cost,
            memory=max(self.memory, other.memory),
            bound=self.bound and other.bound,
        )


@dataclass(frozen=True, kw_only=True)
class Strategy(Generic[About, Run]):
    """One exact way to take the expectation over masks.

    ``refusal`` says why it does not apply to what it is asked about, or None; ``estimate`` is its cost model; ``run``
    computes.
    """

    name: str
    title: str
    refusal: Callable[About, str | None]
    estimate: Callable[About, Estimate]
    run: Run


@dataclass(frozen=True, kw_only=True)
class Choice(Generic[About, Run]):
    """The strategies that apply, cheapest first, those that need too much memory last, and why the others do not."""

    ranked: tuple[tuple[Estimate, Strategy[About, Run]], ...]
    refusals: tuple[RunnerUp, ...]
    memory: float

    def runners_up(self, extra: float = 0.0) -> tuple[RunnerUp, ...]:
        """Return all but the first, and why each is not the first; ``extra`` costs what follows in any case."""
        return (
            *(
                RunnerUp(
                    strategy=strategy.name,
                    cost=estimate.cost + extra,
                    reason="its estimate is higher"
                    if estimate.memory <= self.memory
                    else f"it may take {estimate.memory / 2**30:.3g} GiB",
                )
                for estimate, strategy in self.ranked[1:]
            ),
            *self.refusals,
        )


@dataclass(frozen=True)
class Registry(Generic[About, Run]):
    """The strategies of an engine: what its planner chooses from, and what the tests run through.

    A strategy is tested by being registered: every entry runs on every network of the test matrix that it applies to.
    """

    strategies: tuple[Strategy[About, Run], ...]
    where: str = ""

    def named(self, name: str | None) -> tuple[Strategy[About, Run], ...]:
        """Return the strategy of that name, or all for None, in the order of registration."""
        if name is None:
            return self.strategies
        for strategy in self.strategies:
            if strategy.name == name:
                return (strategy,)
        known = ", ".join(repr(s.name) for s in self.strategies)
        raise InvalidInput(f"Argument 'strategy' must be None or one of {known}{self.where}, not {show(name)}.")

    def weighed(self, name: str | None, memory: float, *about: About.args, **more: About.kwargs) -> Choice[About, Run]:
        """Return the comparison of all strategies, or of the one that is named, for ``memory`` bytes at most.

        Raises:
            InvalidInput: an unknown name, or nothing applies.
        """
        refusals: list[RunnerUp] = []
        ranked: list[tuple[Estimate, Strategy[About, Run]]] = []
        for strategy in self.named(name):
            refusal = strategy.refusal(*about, **more)
            if refusal is None:
                ranked.append((strategy.estimate(*about, **more), strategy))
            else:
                refusals.append(RunnerUp(strategy=strategy.name, cost=math.inf, reason=refusal))
        if not ranked:
            raise InvalidInput(f"Argument 'strategy' must be one that applies, not {name!r}: {refusals[0].reason}.")
        ranked.sort(key=lambda c: (c[0].memory > memory, c[0].cost))  # stable: the first registered wins a tie
        return Choice(ranked=tuple(ranked), refusals=tuple(refusals), memory=memory)
