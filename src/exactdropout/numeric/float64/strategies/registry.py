"""The float64 strategies."""

from __future__ import annotations

from exactdropout.numeric.choice import Registry
from exactdropout.numeric.float64.strategies import blocks
from exactdropout.numeric.float64.strategies import meet as meeting
from exactdropout.numeric.float64.strategies import merge as merging
from exactdropout.numeric.float64.strategies import moments as propagating
from exactdropout.numeric.float64.strategies import walk as walking
from exactdropout.numeric.float64.strategy import Float64Strategy

__all__ = ["FLOAT64", "STRATEGIES"]

_WHOLE: tuple[Float64Strategy, ...] = (
    Float64Strategy(
        name="moments",
        title="no unit changes its sign: two moments go through the layers, equal units once",
        refusal=propagating.refusal,
        estimate=propagating.estimate,
        run=propagating.run,
    ),
    Float64Strategy(
        name="walk",
        title="depth first over the masks of active units",
        refusal=walking.refusal,
        estimate=walking.estimate,
        run=walking.run,
    ),
    Float64Strategy(
        name="meet",
        title="meet in the middle: pairs of units over two halves of the mask bits",
        refusal=meeting.refusal,
        estimate=meeting.estimate,
        run=meeting.run,
    ),
    Float64Strategy(
        name="merge",
        title="few distinct states, from small dyadic numbers or equal columns: merged as integers, rounded once",
        refusal=merging.refusal,
        estimate=merging.estimate,
        run=merging.run,
    ),
)

STRATEGIES: tuple[Float64Strategy, ...] = (*_WHOLE, blocks.strategy(_WHOLE))

FLOAT64 = Registry(STRATEGIES)
