"""``xd.estimate``: proved intervals for networks whose masks are too many to enumerate."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.estimation.checks import chance_of, floats_of, positive, seed_of
from exactdropout.estimation.gradient import GradientMeans, certain_gradient
from exactdropout.estimation.result import Estimate, Interval, certain
from exactdropout.estimation.saved import Saved, saved
from exactdropout.estimation.sums import Sums, risk_of
from exactdropout.evaluation import Evaluator
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.arguments import count_of, examples_of, network_of, told_what_is_missing
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.result import Evaluation
from exactdropout.numeric.runs.executors import checked_executor
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import thread_count
from exactdropout.numeric.sampled.gradients import GradientSampler, slopes_of
from exactdropout.numeric.sampled.passes import Pass, Sampler, flipped
from exactdropout.numeric.sampled.ranges import Ranges, ranges_of, reaches_of
from exactdropout.progress import display, on_a_screen

__all__ = ["EstimateProgress", "estimate", "worth_planning"]

EstimateProgress: TypeAlias = Callable[[Estimate], None]
"""Called with what is known so far, from the calling thread, a few times a second at most."""

SECONDS = 10.0
"""How long an estimate runs where neither a width nor a time is asked for."""

VISITS = 4096
"""Least number of visits in a pass."""

PLANNING = 1.5e-8
"""Seconds for each example and weight that a plan takes; where that is a tenth of the limit, nothing is planned."""

MOST_PASSES = 1 << 20
MOST_TOGETHER, BATCH = 64, 4.0
"""Most passes that travel to an executor together, and about how many seconds they take."""

REPORTS = 0.25


@told_what_is_missing
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
    rows: bool = False,
    gradient: bool = False,
    max_cost: float | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
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
        rows: add ``Estimate.rows``, intervals of the mean and the standard deviation of each output for each row: what
            MC dropout reports. They hold at once with all the others; those get half of the probability of being wrong.
        gradient: add ``Estimate.gradient``, an interval of ∂J_D/∂W for every weight and bias. With ``rows`` and this
            each of the three groups gets a third of the probability of being wrong. It takes about three times as long.
        max_cost: the exact engine answers instead where its plan takes at most so many seconds of one core, by default
            ``seconds``, or 10; 0 samples always.
        threads: threads that sample; by default as many as there are cores.
        executor: any ``concurrent.futures.Executor`` that samples instead, such as a ``ProcessPoolExecutor`` or the
            ``client.get_executor()`` of a Dask cluster; after as many passes the bits are the same.
        checkpoint: path of a journal of the state, written every five seconds, then less often, and at the end. A run
            that was stopped, or that is to become narrower, goes on from it with the same bits; at most a tenth of the
            time is lost. It belongs to this network, data, q, ``seed``, ``rows`` and version, and is refused for
            others; width, time and confidence may change.
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
    width = positive(width, "width", "such as 0.05, relative to the criterion")
    if width is not None and width >= 2:
        raise InvalidInput(
            f"Argument 'width' must be below 2, since it is relative to the criterion, not {show(width)}; 5 % is 0.05."
        )
    seconds = positive(seconds, "seconds", "of seconds")
    chance, seed = chance_of(confidence), seed_of(seed)
    if not isinstance(rows, bool):
        raise InvalidInput(f"Argument 'rows' must be True or False, not {show(rows)}.")
    if not isinstance(gradient, bool):
        raise InvalidInput(f"Argument 'gradient' must be True or False, not {show(gradient)}.")
    threads, executor = count_of(threads, "threads") or thread_count(None), checked_executor(executor)
    limit = (seconds or SECONDS) if max_cost is None else _cost(max_cost)
    known = _enumerated(network, examples, q, limit, threads, executor, progress, gradient=gradient)
    if known is not None:
        exact = None if known.gradient is None else certain_gradient(known.gradient)
        return certain(known, rows=rows, gradient=exact)
    problem = floats_of(network, examples, q)
    if width is None and seconds is None:
        seconds = SECONDS
    ranges = ranges_of(problem, flipped=flipped(problem), threads=threads)
    counts = _counts(problem, ranges)
    sampler = Sampler(problem, counts, seed, by_row=rows)
    runner = Runner(threads=threads, executor=executor)
    slopes, means = None, None
    if gradient:
        reaches = reaches_of(problem, threads=threads)
        bounds = slopes_of(problem, reaches)
        slopes = GradientSampler(architecture, examples, problem, reaches, bounds, counts, seed)
        means = GradientMeans(network, problem, bounds, counts, chance / (2 + rows))
    with (
        saved(
            checkpoint, network, examples, problem.rates, seed, rows, gradient, {"counts": counts, **vars(ranges)}
        ) as states,
        _shown(progress, width, seconds, begun) as report,
    ):
        goals = _Goals(width, seconds, begun)
        passes = _Passes(sampler, slopes, runner, goals)
        pilot = sampler.one_pass(0, runner)
        sums = Sums(problem, ranges, counts, pilot, sampler, chance, by_row=rows, gradient=means)
        return _sampled(sums, passes, risk_of(problem, threads=threads), goals, report, states)


def _sampled(
    sums: Sums,
    passes: _Passes,
    risk: Interval,
    goals: _Goals,
    report: EstimateProgress | None,
    states: Saved | None,
) -> Estimate:
    """Sample pass after pass until the interval is narrow, the time is over or Ctrl-C is pressed."""
    state = None if states is None else states.latest
    found: Estimate | None = None
    told = goals.begun
    try:
        if state is not None:
            sums.restore(state)
            passes.skip(sums.passes + 1)
            found = sums.estimate(risk, passes.seed)
        while found is None or not goals.narrow(found):
            started = time.monotonic()
            sums.add(passes.next())
            found = sums.estimate(risk, passes.seed)
            now = time.monotonic()
            if states is not None:
                state = sums.state()
                states.offer(state)
            over = goals.narrow(found) or goals.late(now, now - started) or sums.passes >= MOST_PASSES
            if report is not None and (now - told >= REPORTS or over):
                report(found)
                told = now
            if over:
                break
    except KeyboardInterrupt:
        if found is None:
            raise
        found = replace(found, interrupted=True)
    if states is not None and state is not None:
        states.write(state)
    return found


@dataclass(frozen=True)
class _Goals:
    """When to stop: at a width, or after so many seconds from ``begun`` on."""

    width: float | None
    seconds: float | None
    begun: float

    def narrow(self, found: Estimate) -> bool:
        return self.width is not None and found.criterion.relative_width <= self.width

    def late(self, now: float, one_pass: float) -> bool:
        return self.seconds is not None and now - self.begun + 0.5 * one_pass >= self.seconds

    def left(self) -> float:
        return math.inf if self.seconds is None else self.begun + self.seconds - time.monotonic()


class _Passes:
    """One pass after the other; an executor is handed several at once, twice as many each time while that is quick."""

    def __init__(self, sampler: Sampler, slopes: GradientSampler | None, runner: Runner, goals: _Goals) -> None:
        self.seed, self._slopes = sampler.seed, slopes
        self._sampler, self._runner, self._goals = sampler, runner, goals
        self._number, self._count = 1, 2 if runner.executor is not None else 1
        self._ready: deque[Pass] = deque()

    def skip(self, number: int) -> None:
        """Go on with that pass."""
        self._number = number
        self._ready.clear()

    def next(self) -> Pass:
        """Return the next pass."""
        if not self._ready:
            begun = time.monotonic()
            found = self._sampler.passes(self._number, self._count, self._runner)
            if self._slopes is not None:
                sums = self._slopes.passes(self._number, self._count, self._runner)
                found = [one._replace(slopes=both) for one, both in zip(found, sums, strict=True)]
            self._ready.extend(found)
            if self._runner.executor is not None:
                each = (time.monotonic() - begun) / self._count
                self._count = max(1, min(2 * self._count, MOST_TOGETHER, int(min(BATCH, self._goals.left()) / each)))
        self._number += 1
        return self._ready.popleft()


def _counts(problem: Problem, ranges: Ranges) -> Array:
    """Return how often a pass visits each example: in proportion to the range that it adds, at least once."""
    shares = problem.chances * ranges.most_error
    visits = max(VISITS, problem.examples)
    whole = shares.sum()
    if not whole > 0 or not np.isfinite(whole):
        return np.full(problem.examples, -(-visits // problem.examples))
    counts: Array = np.maximum(1, np.ceil(shares / whole * visits)).astype(np.int64)
    return counts


def worth_planning(network: Network, examples: Examples, q: object, limit: float) -> bool:
    """Return whether a plan of the exact engine takes less than a tenth of ``limit``, or is sure to find an answer."""
    rates, _ = drop_rates(q, network.architecture)
    planning = PLANNING * len(examples) * network.architecture.parameters
    return limit > 10 * planning or not any(rate > 0 for rate in rates[:-1])


def _enumerated(
    network: Network,
    examples: Examples,
    q: object,
    limit: float,
    threads: int,
    executor: Executor | None,
    progress: Any,
    *,
    gradient: bool,
) -> Evaluation | None:
    """Return what the exact engine says, or None where it would take longer than the limit."""
    if not worth_planning(network, examples, q, limit):
        return None
    return Evaluator(
        network.architecture, examples, q, max_cost=limit or None,
        threads=threads if network.kind == "float64" else None, progress=True if progress is True else None,
        executor=executor if network.kind == "float64" else None, gradient=gradient,
    ).attempt(network)  # fmt: skip


def _cost(value: object) -> float:
    numbers = (int, float, Fraction, np.integer, np.floating)
    if not isinstance(value, numbers) or isinstance(value, bool) or not value >= 0:
        raise InvalidInput(
            f"Argument 'max_cost' must be a number of seconds, 0 to sample always, or None, not {show(value)}."
        )
    return float(value)


@contextmanager
def _shown(
    progress: EstimateProgress | bool | None, width: float | None, seconds: float | None, begun: float
) -> Iterator[EstimateProgress | None]:
    """Yield what is told about each estimate: the user's own callable, a line on standard error, or nothing.

    On a terminal the line is drawn anew with every estimate; elsewhere, such as in a file, there is one a minute.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True and not on_a_screen():
        with display("estimate, first pass") as show:
            yield lambda found: show(0, 0, f"criterion {_share_of(found)} wide, {found.samples:,} masks")
    elif progress is True:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        goals = [f"{width:.3g} wide" if width else "", f"{seconds:.3g} s" if seconds else ""]
        goal = " or ".join(g for g in goals if g)
        with Live(Text("first pass"), console=Console(stderr=True), transient=True, auto_refresh=False) as live:

            def tell(found: Estimate) -> None:
                spent = time.monotonic() - begun
                drawn = f"{found.samples:,} masks, {spent:.1f} s (until {goal})"
                line = f"criterion in {found.criterion!r}, {_share_of(found)} wide, {drawn}"
                live.update(Text(line), refresh=True)

            yield tell
    elif callable(progress):
        yield progress
    else:
        raise InvalidInput(
            f"Argument 'progress' must be True, False, None or a callable, not an object of type "
            f"{type(progress).__name__}."
        )


def _share_of(found: Estimate) -> str:
    """Return how wide the interval of the criterion is, as a share of its middle."""
    return f"{found.criterion.relative_width:.2%}" if found.criterion.middle else "-"
