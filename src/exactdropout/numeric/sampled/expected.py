"""How wide an estimate's interval is going to be, from a few rows and masks: a guess, and said to be one."""

from __future__ import annotations

import itertools
import math
import os
from fractions import Fraction

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.confidence import deviation
from exactdropout.numeric.sampled.passes import kept
from exactdropout.numeric.sampled.ranges import ranges_of

__all__ = ["expected_width"]

MASKS = 16
"""Of each row, in the pilot."""

SECONDS_PER_PRODUCT, SECONDS_PER_BIT, SECONDS_PER_MASK = 2.5e-10, 1.5e-9, 4e-7
"""Of one core, for each mask: products of kept values, random bits, and what a mask costs in any case."""

PREPARING = 1e-9
"""Seconds for each row and weight before the first pass."""

SHARE = Fraction(1, 4 * 10**9)
"""What each side of the criterion's interval gets of 10⁻⁹."""


def expected_width(problem: Problem, rows: int, seconds: float, visits: int) -> float:
    """Return about how wide, relative to its middle, the criterion's interval is after so many seconds.

    As ``xd.estimate`` finds it at confidence 1 − 10⁻⁹ with as many threads as there are cores, nothing else running.
    ``problem`` holds a few, equally likely, of the ``rows`` that the estimate is of; ``visits`` is the least number of
    visits in a pass. Infinite where not even the first interval is known in that time.
    """
    pilot = _Pilot(problem, rows, visits)
    bits = sum(n for n, rate in zip(problem.widths[:-1], problem.rates[:-1], strict=True) if rate)
    mask = SECONDS_PER_PRODUCT * pilot.products + SECONDS_PER_BIT * bits + SECONDS_PER_MASK
    one_pass = 2 * float(pilot.counts.mean()) * rows * mask
    left = seconds - PREPARING * rows * sum(w.size for w in problem.weights)
    return pilot.width_after(math.floor(left * (os.cpu_count() or 1) / one_pass) - 1)  # one is the estimate's pilot


class _Pilot:
    """X of a few rows and masks, and what follows for passes over all rows."""

    def __init__(self, problem: Problem, rows: int, visits: int) -> None:
        """Sample the masks; ``counts`` are the visits of each row in a pass."""
        self._rows = rows
        self._ceilings = ranges_of(problem).most_error
        self._errors, self.products = _sampled(problem)
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


def _sampled(problem: Problem) -> tuple[Array, float]:
    """Return X for each row and mask, of shape (rows, masks), and products of kept values for each mask."""
    random = np.random.Generator(np.random.Philox(key=np.array([0, 0], np.uint64)))
    h = np.repeat(problem.inputs, MASKS, axis=0)
    last, products = len(problem.weights) - 1, 0.0
    for l, (below, above) in enumerate(itertools.pairwise((*problem.widths, problem.outputs))):
        if l < last and problem.rates[l]:
            h = h * kept(random, problem.rates[l], h.size).reshape(-1, below) * problem.inverse_keep[l]
        products += np.count_nonzero(h) / len(h) * above
        z = h @ problem.weights[l].T + problem.biases[l]
        if l < last:
            h = np.where(z > 0, z, problem.slopes[l] * z)
    noise = (h**2) @ (float(problem.cumulants[0]) * (problem.weights[-1] ** 2).sum(axis=0))
    errors = ((z - np.repeat(problem.labels, MASKS, axis=0)) ** 2).sum(axis=1) + noise
    return errors.reshape(problem.examples, MASKS), products
