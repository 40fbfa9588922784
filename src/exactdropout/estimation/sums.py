"""From passes to intervals: the confidence sequences of all quantities, and the risk, which needs no masks."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from exactdropout.estimation.gradient import GradientMeans
from exactdropout.estimation.result import Estimate, Interval, RowIntervals
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import up
from exactdropout.numeric.float64.problem import UNIT, Problem
from exactdropout.numeric.sampled.confidence import Mean, Means
from exactdropout.numeric.sampled.passes import Pass, Sampler
from exactdropout.numeric.sampled.ranges import Ranges, ranges_of

__all__ = ["Sums", "risk_of"]


class Sums:
    """The confidence sequences of all quantities; each has its share of the probability of being wrong."""

    def __init__(
        self,
        problem: Problem,
        ranges: Ranges,
        counts: Array,
        pilot: Pass,
        sampler: Sampler,
        chance: Fraction,
        *,
        by_row: bool = False,
        gradient: GradientMeans | None = None,
    ) -> None:
        """Half of the chance goes to the criterion, a quarter to the variance, a quarter to the means.

        ``pilot`` is pass 0 of ``sampler``. With ``by_row`` all rows together get as much as these, and so does
        ``gradient``, which was made with its share: a half or a third each.
        """
        self._chance = chance
        chance = chance / (1 + by_row + (gradient is not None))
        self._by_row = _Rows(problem, ranges, counts, pilot, chance) if by_row else None
        self._gradient = gradient
        chances = problem.chances
        self._masks, self._pilot_masks = sampler.masks, sampler.pilot_masks
        outputs = problem.outputs
        self._shares = chance / 4, chance / 8, chance / (8 * outputs)
        self._low, self._rows = ranges.low, np.repeat(np.arange(len(counts)), counts)
        visited = sampler.pilot_rows
        some = visited if len(visited) < len(self._rows) else None
        self._criterion = Mean(chances, counts, up(ranges.most_error + ranges.wrong_error), 2, pilot.errors, some)
        self._variance = Mean(chances, counts, up(ranges.most_spread + ranges.wrong_spread), 1, pilot.spreads, some)
        wrong = _wrong_outputs(ranges)
        self._means = [
            Mean(
                chances, counts, up((ranges.high - ranges.low)[:, o] * (1 + 4 * UNIT) + wrong[:, o]), 1,
                self._above_low(pilot, o, visited), some,
            )
            for o in range(outputs)
        ]  # fmt: skip
        self._wrong = tuple(_total(chances, w) for w in (ranges.wrong_error, ranges.wrong_spread))
        self._wrong_means = [_total(chances, wrong[:, o]) for o in range(outputs)]
        self._lowest = [_signed(chances, ranges.low[:, o]) for o in range(outputs)]

    @property
    def passes(self) -> int:
        """Passes so far, the pilot not counted."""
        return self._criterion.passes

    def _above_low(self, found: Pass, output: int, rows: Array) -> Array:
        """Return F − (its lower end), which is not negative but for rounding."""
        above: Array = np.maximum(found.means[:, output] - self._low[rows, output], 0.0)
        return above

    def add(self, found: Pass) -> None:
        """Take one pass."""
        self._criterion.add(found.errors)
        self._variance.add(found.spreads)
        for o, mean in enumerate(self._means):
            mean.add(self._above_low(found, o, self._rows))
        if self._by_row is not None:
            self._by_row.add(found)
        if self._gradient is not None and found.slopes is not None:
            self._gradient.add(found.slopes)

    def _sequences(self) -> list[Mean | Means | GradientMeans]:
        by_row = [] if self._by_row is None else self._by_row.sequences()
        gradient = [] if self._gradient is None else [self._gradient]
        return [self._criterion, self._variance, *self._means, *by_row, *gradient]

    def state(self) -> Array:
        """Return what passes have changed, all sequences one after the other."""
        return np.concatenate([sequence.state() for sequence in self._sequences()])

    def restore(self, state: Array) -> None:
        """Go on from a state of the same problem, seed and choice of rows."""
        begin = 0
        for sequence in self._sequences():
            end = begin + len(sequence.state())
            sequence.restore(state[begin:end])
            begin = end

    def estimate(self, risk: Interval, seed: int) -> Estimate:
        """Return all intervals; they hold at once, since the shares sum to the chance."""
        side, narrow, each = self._shares
        criterion = _widened(self._criterion.bounds(side, side), self._wrong[0])
        variance = _widened(self._variance.bounds(narrow, narrow), self._wrong[1])
        means = []
        for mean, wrong, (low, high) in zip(self._means, self._wrong_means, self._lowest, strict=True):
            below, above = mean.bounds(each, each)
            means.append(Interval(_down(_down(low + below) - wrong), _above(_above(high + above) + wrong)))
        penalty = _difference(criterion, risk)
        return Estimate(
            criterion=criterion,
            risk=risk,
            penalty=penalty,
            variance=variance,
            bias=_difference(penalty, variance),
            mean=tuple(means),
            confidence=1 - self._chance,
            samples=self._pilot_masks + self._masks * self.passes,
            passes=self.passes,
            seed=seed,
            rows=None if self._by_row is None else self._by_row.intervals(),
            gradient=None if self._gradient is None else self._gradient.intervals(),
        )


class _Rows:
    """The confidence sequences of the mean and the variance of each output, for each row."""

    def __init__(self, problem: Problem, ranges: Ranges, counts: Array, pilot: Pass, chance: Fraction) -> None:
        """Every end of every interval gets the same share of the chance."""
        self._share = chance / (4 * ranges.low.size)
        self._low, self._rows = ranges.low, np.repeat(np.arange(len(counts)), counts)
        self._wrong = _wrong_outputs(ranges), ranges.wrong_row_spread
        highest = up((ranges.high - ranges.low) * (1 + 4 * UNIT) + self._wrong[0])
        self._means = Means(counts, highest, self._above_low(pilot))
        self._variances = Means(counts, up(ranges.most_row_spread + ranges.wrong_row_spread), pilot.row_spreads)

    def _above_low(self, found: Pass) -> Array:
        above: Array = np.maximum(found.means - self._low[self._rows], 0.0)
        return above

    def add(self, found: Pass) -> None:
        """Take one pass."""
        self._means.add(self._above_low(found))
        self._variances.add(found.row_spreads)

    def sequences(self) -> list[Mean | Means]:
        """Return both."""
        return [self._means, self._variances]

    def intervals(self) -> RowIntervals:
        """Return all of them."""
        (below, above), (least, most) = (m.bounds(self._share, self._share) for m in (self._means, self._variances))
        wrong, wrong_variance = self._wrong
        size = np.abs(self._low) + above
        off = up(wrong + 8 * UNIT * size)  # four additions
        least = np.maximum(0.0, least - up(wrong_variance + 4 * UNIT * least))
        most = up(most + wrong_variance)
        return RowIntervals(
            mean_low=self._low + below - off, mean_high=self._low + above + off,
            deviation_low=np.sqrt(least) * (1 - 2 * UNIT), deviation_high=np.sqrt(most) * (1 + 4 * UNIT),
        )  # fmt: skip


def _wrong_outputs(ranges: Ranges) -> Array:
    """Return how far the computed F − (its lower end) may be from the exact one."""
    wrong: Array = up(ranges.wrong_output + 2 * UNIT * np.maximum(np.abs(ranges.low), np.abs(ranges.high)))
    return wrong


def _down(value: float) -> float:
    return math.nextafter(value, -math.inf)


def _above(value: float) -> float:
    return math.nextafter(value, math.inf)


def _widened(ends: tuple[float, float], wrong: float) -> Interval:
    """Return the interval of a non-negative number."""
    return Interval(max(0.0, _down(ends[0] - wrong)), _above(ends[1] + wrong))


def _difference(a: Interval, b: Interval) -> Interval:
    return Interval(_down(a.low - b.high), _above(a.high - b.low))


def _total(chances: Array, values: Array) -> float:
    """Return at least Σ P_i v_i for v ≥ 0."""
    return float(up((chances * values).sum(), len(values)))


def _signed(chances: Array, values: Array) -> tuple[float, float]:
    """Return an interval that contains Σ P_i v_i."""
    total, wrong = math.fsum(chances * values), up(4 * UNIT * _total(chances, np.abs(values)), len(values))
    return _down(total - wrong), _above(total + wrong)


def risk_of(problem: Problem, *, threads: int = 1) -> Interval:
    """Return an interval that certainly contains Σ P_i ‖W(x_i) − y_i‖²."""
    own = ranges_of(problem, dropout=False, threads=threads)
    slack = 4 * UNIT * np.maximum(np.abs(own.low), np.abs(own.high)) + 4 * UNIT * np.abs(problem.labels)
    off = up(slack + problem.label_errors)
    low, high = own.low - problem.labels - off, own.high - problem.labels + off
    least = np.maximum(0.0, np.maximum(low, -high)) ** 2
    most = np.maximum(np.abs(low), np.abs(high)) ** 2
    n = problem.outputs
    small = math.fsum(problem.chances * (least.sum(axis=1) * (1 - 2.0**-30)))
    return Interval(max(0.0, small * (1 - 2.0**-30) - 1e-300), _total(problem.chances, up(most.sum(axis=1), n)))
