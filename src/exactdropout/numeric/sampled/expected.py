"""How wide an estimate's interval is going to be, from a few rows and masks: a guess, and said to be one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.sampled.confidence import deviation
from exactdropout.numeric.sampled.passes import PILOT, Sampler, flipped
from exactdropout.numeric.sampled.ranges import ranges_of

__all__ = ["expected_width"]

VISITS = 8
"""Of each row, in the pilot."""

SECONDS_PER_PRODUCT, SECONDS_PER_UNIT, SECONDS_PER_DRAW = 1.5e-10, 2e-9, 3e-7
"""Of one core, for each draw: products, units (bits and values), and what a draw costs in any case."""

PREPARING = 1e-9
"""Seconds for each row and weight before the first pass."""

SHARE = Fraction(1, 4 * 10**9)
"""What each side of the criterion's interval gets of 10⁻⁹."""


def expected_width(problem: Problem, rows: int, seconds: float, visits: int) -> float:
    """Return about how wide, relative to its middle, the criterion's interval is after so much processor time.

    As ``xd.estimate`` finds it at confidence 1 − 10⁻⁹. Other work on the machine makes it take longer by the clock.
    ``problem`` holds a few, equally likely, of the ``rows`` that the estimate is of; ``visits`` is the least number of
    visits in a pass. Infinite where not even the first interval is known in that time.
    """
    pilot = _Pilot(problem, rows, visits)
    first, masks, products, units = problem.first, 1, 0, problem.outputs * 2 ** len(flipped(problem))
    for l in range(first, len(problem.weights)):
        masks *= 2 if l in flipped(problem) else 1
        products += problem.weights[l].size * (1 if l == first else masks)
        units += problem.widths[l] * (1 if l == first else masks)
    draw = SECONDS_PER_PRODUCT * products + SECONDS_PER_UNIT * units + SECONDS_PER_DRAW
    one_pass = 2 * float(pilot.counts.mean()) * rows * draw
    left = seconds - PREPARING * rows * sum(w.size for w in problem.weights)
    every = float(pilot.counts.mean()) * rows
    return pilot.width_after(math.floor(left / one_pass - (1 if every < 8 * PILOT else PILOT / every)))


class _Pilot:
    """X of a few rows and masks, and what follows for passes over all rows."""

    def __init__(self, problem: Problem, rows: int, visits: int) -> None:
        """Sample the masks; ``counts`` are the visits of each row in a pass."""
        self._rows = rows
        self._ceilings = ranges_of(problem, flipped=flipped(problem)).most_error
        sampler = Sampler(problem, np.full(problem.examples, VISITS), 0)
        self._errors = sampler.one_pass(0, Runner()).errors.reshape(problem.examples, 2 * VISITS)
        most = self._ceilings / self._ceilings.mean() if self._ceilings.any() else np.ones(problem.examples)
        self.counts = np.maximum(1.0, np.ceil(most * max(visits, rows) / rows))

    def width_after(self, passes: int) -> float:
        """Return the relative width of the criterion's interval after so many passes that count."""
        mean = float(self._errors.mean())
        if passes < 1 or mean <= 0:
            return math.inf if mean > 0 else 0.0
        a = 1 / (2 * self._rows * self.counts)
        above = float((a * self._ceilings).max())
        below = min(above, 4 * float((a * self._errors.mean(axis=1)).max()))
        squares = float((self.counts * a**2 * self._errors.var(axis=1)).mean()) * 2 * passes * self._rows
        away = [deviation(SHARE, squares / c**2, c) / passes for c in (below, above)]
        low, high = max(0.0, mean - away[0]), mean + away[1]
        return 2 * (high - low) / (high + low)
