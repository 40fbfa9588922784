"""The exact strategies."""

from __future__ import annotations

from exactdropout.numeric.choice import Registry
from exactdropout.numeric.exact.strategies import blocks, meet, merge, moments, states
from exactdropout.numeric.exact.strategy import ExactStrategy

__all__ = ["EXACT", "EXACT_STRATEGIES"]

_WHOLE: tuple[ExactStrategy, ...] = (
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

EXACT_STRATEGIES: tuple[ExactStrategy, ...] = (*_WHOLE, blocks.strategy(_WHOLE))

EXACT = Registry(EXACT_STRATEGIES, " for an exact network")
