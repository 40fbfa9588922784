"""The registry of exact strategies: what the planner chooses from, and what the tests run through.

A strategy is tested by being registered: every entry runs on every network of the test matrix it applies to.
"""

from __future__ import annotations

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.numeric.exact.strategies import meet, merge, moments, states
from exactdropout.numeric.exact.strategy import ExactStrategy

__all__ = ["EXACT_STRATEGIES", "exact_named"]

EXACT_STRATEGIES: tuple[ExactStrategy, ...] = (
    ExactStrategy(
        name="moments",
        title="no unit changes its sign: mean and covariance go through the layers as integers",
        refusal=moments.refusal,
        estimate=moments.estimate,
        run=moments.run,
    ),
    ExactStrategy(
        name="merge",
        title="the law of each layer as packed int64 keys, equal states merged by sorted lists",
        refusal=merge.refusal,
        estimate=merge.estimate,
        run=merge.run,
    ),
    ExactStrategy(
        name="meet",
        title="meet in the middle: pairs of units over two halves of the mask bits, in integers",
        refusal=meet.refusal,
        estimate=meet.estimate,
        run=meet.run,
    ),
    ExactStrategy(
        name="states",
        title="the law of each layer as a table of integer vectors, equal states merged",
        refusal=states.refusal,
        estimate=states.estimate,
        run=states.run,
    ),
)


def exact_named(name: str | None) -> tuple[ExactStrategy, ...]:
    """Return the strategy of that name, or all for None, in the order of registration."""
    if name is None:
        return EXACT_STRATEGIES
    for strategy in EXACT_STRATEGIES:
        if strategy.name == name:
            return (strategy,)
    known = ", ".join(repr(s.name) for s in EXACT_STRATEGIES)
    raise InvalidInput(f"Argument 'strategy' must be None or one of {known} for an exact network, not {show(name)}.")
