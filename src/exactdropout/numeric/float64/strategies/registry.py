"""The registry of float64 strategies: what the planner chooses from, and what the tests run through.

A strategy is tested by being registered: every entry runs on every network of the test matrix it applies to.
"""

from __future__ import annotations

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.numeric.float64.strategies import meet as meeting
from exactdropout.numeric.float64.strategies import merge as merging
from exactdropout.numeric.float64.strategies import moments as propagating
from exactdropout.numeric.float64.strategies import walk as walking
from exactdropout.numeric.float64.strategy import Strategy

__all__ = ["STRATEGIES", "named"]

STRATEGIES: tuple[Strategy, ...] = (
    Strategy(
        name="moments",
        title="no unit changes its sign: two moments go through the layers, equal units once",
        refusal=propagating.refusal,
        estimate=propagating.estimate,
        run=propagating.run,
    ),
    Strategy(
        name="walk",
        title="depth first over the masks of active units",
        refusal=walking.refusal,
        estimate=walking.estimate,
        run=walking.run,
    ),
    Strategy(
        name="meet",
        title="meet in the middle: pairs of units over two halves of the mask bits",
        refusal=meeting.refusal,
        estimate=meeting.estimate,
        run=meeting.run,
    ),
    Strategy(
        name="merge",
        title="few distinct states, from small dyadic numbers or equal columns: merged as integers, rounded once",
        refusal=merging.refusal,
        estimate=merging.estimate,
        run=merging.run,
    ),
)


def named(name: str | None) -> tuple[Strategy, ...]:
    """Return the strategy of that name, or all for None, in the order of registration."""
    if name is None:
        return STRATEGIES
    for strategy in STRATEGIES:
        if strategy.name == name:
            return (strategy,)
    known = ", ".join(repr(s.name) for s in STRATEGIES)
    raise InvalidInput(f"Argument 'strategy' must be None or one of {known}, not {show(name)}.")
