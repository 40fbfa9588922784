"""The registry of exact strategies: what the planner chooses from, and what the tests run through.

A strategy is tested by being registered: every entry runs on every network of the test matrix it applies to.
"""

from __future__ import annotations

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.numeric import exact_meet, exact_merge, exact_moments, exact_states
from exactdropout.numeric.exact_strategy import ExactStrategy

__all__ = ["EXACT_STRATEGIES", "exact_named"]

EXACT_STRATEGIES: tuple[ExactStrategy, ...] = (
    ExactStrategy(
        name="moments",
        title="no unit changes its sign: mean and covariance go through the layers as integers",
        refusal=exact_moments.refusal,
        estimate=exact_moments.estimate,
        run=exact_moments.run,
    ),
    ExactStrategy(
        name="merge",
        title="the law of each layer as packed int64 keys, equal states merged by sorted lists",
        refusal=exact_merge.refusal,
        estimate=exact_merge.estimate,
        run=exact_merge.run,
    ),
    ExactStrategy(
        name="meet",
        title="meet in the middle: pairs of units over two halves of the mask bits, in integers",
        refusal=exact_meet.refusal,
        estimate=exact_meet.estimate,
        run=exact_meet.run,
    ),
    ExactStrategy(
        name="states",
        title="the law of each layer as a table of integer vectors, equal states merged",
        refusal=exact_states.refusal,
        estimate=exact_states.estimate,
        run=exact_states.run,
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
