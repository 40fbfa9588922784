"""``xd.estimate``: proved intervals for networks whose masks are too many to enumerate."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.estimation.confidence import Mean
from exactdropout.estimation.ranges import Ranges, ranges_of
from exactdropout.estimation.result import Estimate, Interval, certain
from exactdropout.estimation.sampling import Pass, Sampler
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.arguments import count_of, examples_of, network_of
from exactdropout.model.numbers import Array, scalar, show
from exactdropout.numeric.float64.bounds import up
from exactdropout.numeric.float64.problem import UNIT, Problem, prepare

__all__ = ["EstimateProgress", "estimate"]

EstimateProgress: TypeAlias = Callable[[Estimate], None]
"""Called with what is known so far, from the calling thread, a few times a second at most."""

SECONDS = 10.0
"""How long an estimate runs where neither a width nor a time is asked for."""

VISITS = 4096
"""Least number of visits in a pass."""

PLANNING = 1.5e-8
"""Seconds for each example and weight that a plan takes; where that is a tenth of the limit, nothing is planned."""

MOST_PASSES = 1 << 20
REPORTS = 0.25


def estimate(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    width: float | Fraction | None = None,
    seconds: float | None = None,
    confidence: float | Fraction | str = "0.999999999",
    seed: int = 0,
    gradient: bool = False,
    max_cost: float | None = None,
    threads: int | None = None,
    progress: EstimateProgress | bool | None = None,
) -> Estimate:
    """Return intervals that contain criterion, risk, penalty, variance, bias and mean with a proved probability.

    All intervals hold at once with probability at least ``confidence`` over the sampled masks, at any time of stopping,
    the rounding of float64 included. Masks are sampled for each example; the last layer's are not, since
    E‖D − y‖² over them is ‖f − y‖² + (q/p) Σ_j ‖w_j‖² h_j² for given hidden values h. docs/estimates.md derives it.

    Args:
        network: float64 numbers, or exact ones that are floats.
        data: examples in any form that :func:`exactdropout.evaluate` takes.
        q: drop probability in [0, 1), one number or one per layer, inputs first.
        label: for a data frame, its label column or columns.
        width: stop when the criterion's interval is so wide, relative to its middle: 0.05 is 5 %.
        seconds: stop after about so many seconds, with at least two passes over the examples; 10 where neither this
            nor ``width`` is given. With both, the first to be reached stops.
        confidence: in (0, 1), as a number or as text such as "0.999".
        seed: of the generator, 0 to 2⁶⁴ − 1. The same seed and number of passes give the same bits, for any
            ``threads``.
        gradient: must be False; intervals of gradients are not built yet.
        max_cost: the exact engine answers instead where its plan takes at most so many seconds of one core, by default
            ``seconds``, or 10; 0 samples always.
        threads: threads that sample; by default as many as there are cores.
        progress: True for a line on standard error that shows the interval, or a callable that takes an Estimate.

    Ctrl-C stops the sampling and returns what is known, with ``interrupted`` set, once a first interval is known.

    Raises:
        InvalidInput, MixedNumbers: bad arguments, rationals that are no floats.
        NumericalRange: magnitudes beyond float64.

    >>> figure_1 = Network(weights=[[[1, 1], [1, 1]], [1, 1]])
    >>> estimate(figure_1, Examples.point((1, -1), 8), "1/2")
    Estimate(criterion in [54, 54] certain: all masks were evaluated)
    >>> wide = estimate(figure_1, Examples.point((1, -1), 8), "1/2", width=0.1, max_cost=0)
    >>> wide.how_sure, 54 in wide.criterion, 64 in wide.risk
    ('with probability at least 1 - 1e-9', True, True)
    """
    begun = time.monotonic()
    architecture = network_of(network).architecture
    examples = examples_of(data, architecture, label)
    width = _positive(width, "width", "such as 0.05, relative to the criterion")
    seconds = _positive(seconds, "seconds", "of seconds")
    chance = 1 - _confidence(confidence)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise InvalidInput(f"Argument 'seed' must be an integer from 0 to 2^64 - 1, not {show(seed)}.")
    if gradient is not False:
        raise InvalidInput(
            "Argument 'gradient' must be False: intervals of gradients are not built yet; xd.evaluate has exact ones "
            "for networks that can be enumerated."
        )
    threads = count_of(threads, "threads") or os.cpu_count() or 1
    limit = (seconds or SECONDS) if max_cost is None else _cost(max_cost)
    known = _enumerated(network, examples, q, limit, threads, progress)
    if known is not None:
        return known
    problem = _floats(network, examples, q)
    if width is None and seconds is None:
        seconds = SECONDS
    with _shown(progress, width, seconds, begun) as report:
        return _sampled(problem, chance, int(seed), width, seconds, begun, threads, report)


def _sampled(
    problem: Problem,
    chance: Fraction,
    seed: int,
    width: float | None,
    seconds: float | None,
    begun: float,
    threads: int,
    report: EstimateProgress | None,
) -> Estimate:
    """Sample pass after pass until the interval is narrow, the time is over or Ctrl-C is pressed."""
    ranges = ranges_of(problem)
    risk = _risk(problem)
    counts = _counts(problem, ranges)
    sampler = Sampler(problem, counts, seed)
    found: Estimate | None = None
    told = begun
    with ThreadPoolExecutor(threads, thread_name_prefix="exactdropout") as pool:
        try:
            sums = _Sums(problem, ranges, counts, sampler.one_pass(0, pool, threads), chance)
            while True:
                started = time.monotonic()
                sums.add(sampler.one_pass(sums.passes + 1, pool, threads))
                found = sums.estimate(risk, seed)
                now = time.monotonic()
                narrow = width is not None and found.criterion.relative_width <= width
                late = seconds is not None and now - begun + 0.5 * (now - started) >= seconds
                if report is not None and (now - told >= REPORTS or narrow or late):
                    report(found)
                    told = now
                if narrow or late or sums.passes >= MOST_PASSES:
                    return found
        except KeyboardInterrupt:
            if found is None:
                raise
            return _interrupted(found)


def _interrupted(found: Estimate) -> Estimate:
    from dataclasses import replace

    return replace(found, interrupted=True)


class _Sums:
    """The confidence sequences of all quantities; each has its share of the probability of being wrong."""

    def __init__(self, problem: Problem, ranges: Ranges, counts: Array, pilot: Pass, chance: Fraction) -> None:
        """Half of the chance goes to the criterion, a quarter to the variance, a quarter to the means."""
        chances = problem.chances
        self._counts = counts
        outputs = problem.outputs
        self._shares = chance / 4, chance / 8, chance / (8 * outputs)
        self._low, self._rows = ranges.low, np.repeat(np.arange(len(counts)), counts)
        self._criterion = Mean(
            chances, counts, up(ranges.most_error + ranges.wrong_error), copies=2, pilot=pilot.errors
        )
        self._variance = Mean(
            chances, counts, up(ranges.most_spread + ranges.wrong_spread), copies=1, pilot=pilot.spreads
        )
        wrong = up(ranges.wrong_output + 2 * UNIT * np.maximum(np.abs(ranges.low), np.abs(ranges.high)))
        self._means = [
            Mean(
                chances, counts, up((ranges.high - ranges.low)[:, o] * (1 + 4 * UNIT) + wrong[:, o]), copies=1,
                pilot=self._above_low(pilot, o),
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

    def _above_low(self, found: Pass, output: int) -> Array:
        """Return F − (its lower end), which is not negative but for rounding."""
        above: Array = np.maximum(found.means[:, output] - self._low[self._rows, output], 0.0)
        return above

    def add(self, found: Pass) -> None:
        """Take one pass."""
        self._criterion.add(found.errors)
        self._variance.add(found.spreads)
        for o, mean in enumerate(self._means):
            mean.add(self._above_low(found, o))

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
            confidence=1 - 4 * side,
            samples=2 * int(self._counts.sum()) * (self.passes + 1),
            passes=self.passes,
            seed=seed,
        )


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


def _risk(problem: Problem) -> Interval:
    """Return an interval that certainly contains Σ P_i ‖W(x_i) − y_i‖²."""
    own = ranges_of(problem, dropout=False)
    slack = 4 * UNIT * np.maximum(np.abs(own.low), np.abs(own.high)) + 4 * UNIT * np.abs(problem.labels)
    off = up(slack + problem.label_errors)
    low, high = own.low - problem.labels - off, own.high - problem.labels + off
    least = np.maximum(0.0, np.maximum(low, -high)) ** 2
    most = np.maximum(np.abs(low), np.abs(high)) ** 2
    n = problem.outputs
    small = math.fsum(problem.chances * (least.sum(axis=1) * (1 - 2.0**-30)))
    return Interval(max(0.0, small * (1 - 2.0**-30) - 1e-300), _total(problem.chances, up(most.sum(axis=1), n)))


def _counts(problem: Problem, ranges: Ranges) -> Array:
    """Return how often a pass visits each example: in proportion to the range that it adds, at least once."""
    shares = problem.chances * ranges.most_error
    visits = max(VISITS, problem.examples)
    whole = shares.sum()
    if not whole > 0 or not np.isfinite(whole):
        return np.full(problem.examples, -(-visits // problem.examples))
    counts: Array = np.maximum(1, np.ceil(shares / whole * visits)).astype(np.int64)
    return counts


def _enumerated(
    network: Network, examples: Examples, q: object, limit: float, threads: int, progress: Any
) -> Estimate | None:
    """Return what the exact engine says, or None where it would take longer than the limit."""
    rates, _ = drop_rates(q, network.architecture)
    planning = PLANNING * len(examples) * network.architecture.parameters
    if limit <= 10 * planning and any(rate > 0 for rate in rates[:-1]):
        return None
    try:
        found = evaluate(
            network, examples, q, max_cost=limit or None, threads=threads if network.kind == "float64" else None,
            progress=True if progress is True else None,
        )  # fmt: skip
    except CostLimitExceeded:
        return None
    return certain(found)


def _floats(network: Network, examples: Examples, q: object) -> Problem:
    """Return the float64 problem; a rational network must consist of floats."""
    rates, kind = drop_rates(q, network.architecture)
    if kind == "symbolic" or network.kind == "symbolic":
        raise MixedNumbers("Argument 'network' and 'q' must hold numbers to be sampled, not symbols.")
    if network.kind != "float64":
        rounded = network.float64()
        if rounded.exact() != network:
            raise InvalidInput(
                "Argument 'network' holds fractions that are no floats; pass network.float64() to estimate the network "
                "of the nearest floats."
            )
        network = rounded
    return prepare(network, examples, tuple(Fraction(rate) for rate in rates))


def _confidence(value: object) -> Fraction:
    number, kind = scalar(value, "confidence")
    if kind == "symbolic" or not 0 < number < 1:
        raise InvalidInput(f"Argument 'confidence' must satisfy 0 < confidence < 1, not {show(value)}.")
    return Fraction(number)


def _cost(value: object) -> float:
    numbers = (int, float, Fraction, np.integer, np.floating)
    if not isinstance(value, numbers) or isinstance(value, bool) or not value >= 0:
        raise InvalidInput(
            f"Argument 'max_cost' must be a number of seconds, 0 to sample always, or None, not {show(value)}."
        )
    return float(value)


def _positive(value: object, name: str, what: str) -> float | None:
    if value is None:
        return None
    numbers = (int, float, Fraction, np.integer, np.floating)
    if not isinstance(value, numbers) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidInput(f"Argument {name!r} must be a positive number {what}, or None, not {show(value)}.")
    return float(value)


@contextmanager
def _shown(
    progress: EstimateProgress | bool | None, width: float | None, seconds: float | None, begun: float
) -> Iterator[EstimateProgress | None]:
    """Yield what is told about each estimate: the user's own callable, a line on standard error, or nothing."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        goals = [f"{width:.3g} wide" if width else "", f"{seconds:.3g} s" if seconds else ""]
        goal = " or ".join(g for g in goals if g)
        with Live(Text("first pass"), console=Console(stderr=True), transient=True, auto_refresh=False) as live:

            def tell(found: Estimate) -> None:
                share = f"{found.criterion.relative_width:.2%}" if found.criterion.middle else "-"
                spent = time.monotonic() - begun
                drawn = f"{found.samples:,} masks, {spent:.1f} s (until {goal})"
                line = f"criterion in {found.criterion!r}, {share} wide, {drawn}"
                live.update(Text(line), refresh=True)

            yield tell
    elif callable(progress):
        yield progress
    else:
        raise InvalidInput(
            f"Argument 'progress' must be True, False, None or a callable, not an object of type "
            f"{type(progress).__name__}."
        )
