"""``xd.law_band``: a confidence band for the law of the output, for networks whose masks are too many to enumerate."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Unpack

import flint
import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.estimation.checks import chance_of, floats_of, positive, seed_of
from exactdropout.estimation.result import Interval, chance_text, outward
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import network_of, told_what_is_missing
from exactdropout.model.numbers import Array, format_rational, freeze, scalar, show
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.outputs import outputs_of
from exactdropout.numeric.sampled.ranges import ranges_of
from exactdropout.progress import Progress, reporting

if TYPE_CHECKING:
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["LEVELS", "LawBand", "half_width", "law_band"]

LEVELS = tuple(Fraction(k, 20) for k in (1, 5, 10, 15, 19))
"""Of the quantiles that tables show."""

FIRST = 4096
"""Masks of the first round; each round doubles them all."""

MOST_NUMBERS = 1 << 25
"""Most outputs that are kept: 256 MiB."""

SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class LawBand:
    """|F_n(t) − F(t)| ≤ ``half_width`` for all t and all outputs at once, with probability at least ``confidence``.

    F_n is the distribution function of the computed outputs ``samples`` (n, outputs), each column sorted; ``rounding``
    bounds the error of each, and ``low`` ≤ D ≤ ``high`` is certain. ``interrupted``: Ctrl-C ended the sampling; what
    is here holds as it stands.
    """

    samples: Array
    half_width: float
    rounding: Array
    low: Array
    high: Array
    confidence: Fraction
    seed: int
    interrupted: bool = False

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return int(self.samples.shape[1])

    @property
    def how_sure(self) -> str:
        """The truth of the band in words."""
        return f"with probability at least {chance_text(self.confidence)}"

    def cdf(self, t: Any, output: int = 0) -> Interval:
        """Return an interval for P(D ≤ t): that of all t, outputs and quantiles at once."""
        place, kind = scalar(t, "t")
        if kind == "symbolic":
            raise MixedNumbers(f"Argument 't' must be a number, not {show(t)}.")
        o, at = self._checked(output), Fraction(place)
        if at < Fraction(float(self.low[o])):
            return Interval(0.0, 0.0)
        if at >= Fraction(float(self.high[o])):
            return Interval(1.0, 1.0)
        off, wide, n = Fraction(float(self.rounding[o])), Fraction(self.half_width), len(self.samples)
        ends = []
        for sign in (-1, 1):
            below = int(np.searchsorted(self.samples[:, o], outward(at + sign * off, up=False), side="right"))
            ends.append(min(Fraction(1), max(Fraction(0), Fraction(below, n) + sign * wide)))
        return Interval(outward(ends[0], up=False), outward(ends[1], up=True))

    def quantile(self, level: Any, output: int = 0) -> Interval:
        """Return an interval for the smallest v with P(D ≤ v) ≥ level, for 0 < level ≤ 1.

        An end that the band leaves open is the certain range of the output.
        """
        wanted, kind = scalar(level, "level")
        if kind == "symbolic" or not 0 < wanted <= 1:
            raise InvalidInput(f"Argument 'level' must satisfy 0 < level <= 1, not {show(level)}.")
        o, n, wide = self._checked(output), len(self.samples), Fraction(self.half_width)
        column, off = self.samples[:, o], float(self.rounding[o])
        first, last = math.ceil((Fraction(wanted) - wide) * n), math.ceil((Fraction(wanted) + wide) * n)
        low, high = float(self.low[o]), float(self.high[o])
        if first >= 1:
            low = max(low, math.nextafter(float(column[first - 1]) - off, -math.inf))
        if last <= n:
            high = min(high, math.nextafter(float(column[last - 1]) + off, math.inf))
        return Interval(low, high)

    def _checked(self, output: object) -> int:
        if isinstance(output, bool) or not isinstance(output, (int, np.integer)) or not 0 <= output < self.outputs:
            raise InvalidInput(f"Argument 'output' must satisfy 0 <= output < {self.outputs}, not {show(output)}.")
        return int(output)

    def plot(self, axes: Any = None, output: int = 0, points: int = 400) -> Any:
        """Draw the band of the distribution function on Matplotlib axes; return them."""
        from exactdropout.notation.chart import axes_of

        o, on = self._checked(output), axes_of(axes)
        column = self.samples[:, o]
        places = np.unique(column[np.linspace(0, len(column) - 1, points).astype(int)])
        ends = [self.cdf(float(t), o) for t in places]
        on.fill_between(places, [e.low for e in ends], [e.high for e in ends], step="post", alpha=0.4, linewidth=0)
        on.step(places, [e.middle for e in ends], where="post", linewidth=1)
        on.set_ylim(-0.02, 1.02)
        on.set_xlabel("output D" if self.outputs == 1 else f"output {o} of D")
        on.set_ylabel("probability of D up to here")
        on.set_title(f"within ±{self.half_width:.2g} {self.how_sure}", fontsize=9)
        return on

    def lines(self, output: int = 0, levels: Sequence[Any] = LEVELS) -> list[tuple[str, str, str]]:
        """Return rows of a table: a level, and both ends of the quantile."""
        return [(f"quantile {_level(level)}", *self.quantile(level, output).ends()) for level in levels]

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table of five quantiles of each output, with the probability in its last line."""
        from exactdropout.estimation.result import chance_latex
        from exactdropout.notation.document import document, table
        from exactdropout.notation.style import styled

        rows = []
        for o in range(self.outputs):
            index = f" of output {o}" if self.outputs > 1 else ""
            rows += [[name + index, f"${low}$", f"${high}$"] for name, low, high in self.lines(o)]
        rows.append([rf"with probability at least ${chance_latex(self.confidence)}$", "", ""])
        shown = table(["", "at least", "at most"], rows, "lll")
        return document(shown) if styled(style, options).standalone else shown

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import table_html

        rows = [(str(o), *line) for o in range(self.outputs) for line in self.lines(o)]
        note = f"P(D <= t) within ±{self.half_width:.3g} for all t, {self.how_sure}"
        return table_html(
            ["output", "", "at least", "at most"], rows, title="Law of the output D", notes=[note], numeric=[2, 3]
        )

    def __repr__(self) -> str:
        """Return the half width, and what is proved of it."""
        return (
            f"LawBand(P(D <= t) within {self.half_width:.3g} for all t {self.how_sure}, {len(self.samples):,} masks "
            "sampled)"
        )


@told_what_is_missing
def law_band(
    network: Network,
    x: Sequence[Any],
    q: object = None,
    *,
    width: float | Fraction | None = None,
    seconds: float | None = None,
    confidence: float | Fraction | str = "0.999999999",
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> LawBand:
    """Return a band that contains the distribution function of D(W, x, R), of every output, with a proved probability.

    From n independent masks of all layers, by Massart's form of the inequality of Dvoretzky, Kiefer and Wolfowitz:
    P(sup_t |F_n(t) − F(t)| > ε) ≤ 2 exp(−2nε²), for any F. n doubles from round to round, and the k-th round (from 0)
    has the share 1/((k + 1)(k + 2)) of the probability of being wrong, divided among the outputs, so that one may stop
    after any round. The rounding of the computed outputs is proved and moves t. docs/estimates.md derives it.

    Args:
        network: float64 numbers, or exact ones that are floats.
        x: one input vector.
        q: drop probability in [0, 1), one number or one per layer, inputs first.
        width: stop when the band is so wide: 0.01 is ± 0.005 in probability.
        seconds: stop where the next round would end later than about so many seconds; 10 where neither this nor
            ``width`` is given. The first round is always done.
        confidence: in (0, 1), as a number or as text such as "0.999".
        seed: of the generator, 0 to 2⁶⁴ − 1. The same seed and number of rounds give the same masks.
        progress: True for a bar on standard error, or ``progress(done, total)`` in masks of the round.

    Ctrl-C returns what the rounds before gave, with ``interrupted`` set. At most 2²⁵ numbers are kept.

    Raises:
        InvalidInput, MixedNumbers: bad arguments, rationals that are no floats.
        NumericalRange: magnitudes beyond float64.

    >>> band = law_band(Network([[[1, 1], [1, 1]], [1, 1]]), (1, -1), "1/2", width=0.05)
    >>> Fraction(13, 16) in band.cdf(0), Fraction(15, 16) in band.cdf(4), 0 in band.quantile("1/2")
    (True, True, True)
    """
    begun = time.monotonic()
    width = positive(width, "width", "such as 0.01, in probability")
    seconds = positive(seconds, "seconds", "of seconds")
    if width is None and seconds is None:
        seconds = SECONDS
    chance, seed = chance_of(confidence), seed_of(seed)
    architecture = network_of(network).architecture
    data = Examples.point(x, [0] * architecture.outputs)
    if data.inputs.shape[1] != architecture.inputs:
        raise InvalidInput(
            f"Argument 'x' must have {architecture.inputs} entries, one per input, not {data.inputs.shape[1]}."
        )
    problem = floats_of(network, data, q)
    low, high, rounding = _certain(problem)
    found: LawBand | None = None
    samples = np.empty((0, problem.outputs))
    try:
        with reporting(progress, "masks") as report:
            for number in range(64):
                started = time.monotonic()
                added = _round(problem, number, seed, report)
                if not ((added >= low - rounding) & (added <= high + rounding)).all():
                    raise AssertionError("a sampled value left its proved range; please report this")
                samples = np.concatenate([samples, added])
                share = chance / ((number + 1) * (number + 2) * problem.outputs)
                found = LawBand(
                    samples=freeze(np.sort(samples, axis=0)), half_width=half_width(len(samples), share), low=low,
                    high=high, rounding=rounding, confidence=1 - chance, seed=seed,
                )  # fmt: skip
                now = time.monotonic()
                narrow = width is not None and 2 * found.half_width <= width
                late = seconds is not None and now - begun + (2 if number else 1) * (now - started) > seconds
                if narrow or late or 2 * samples.size > MOST_NUMBERS:
                    break
    except KeyboardInterrupt:
        if found is None:
            raise
        return replace(found, interrupted=True)
    assert found is not None
    return found


def half_width(count: int, chance: Fraction) -> float:
    """Return √(log(2/α)/2n), rounded up: the ε of 2 exp(−2nε²) = α.

    >>> 0.003 < half_width(10**6, Fraction(1, 10**9)) < 0.0033
    True
    """
    ratio = 2 / chance
    log = (flint.arb(ratio.numerator) / flint.arb(ratio.denominator)).log().upper()  # a ball that contains it
    return math.sqrt(float(log) / (2 * count)) * (1 + 2.0**-40)


def _round(problem: Problem, number: int, seed: int, report: Progress | None) -> Array:
    """Return the outputs of a round: 4096 masks, then as many as all rounds before gave together."""
    wanted = FIRST << max(0, number - 1)
    parts = []
    for block in range(wanted // FIRST):
        key, counter = np.array([seed, 0], np.uint64), np.array([0, 0, block, number], np.uint64)
        parts.append(outputs_of(problem, 0, FIRST, np.random.Generator(np.random.Philox(key=key, counter=counter))))
        if report is not None:
            report((block + 1) * FIRST, wanted)
    return np.concatenate(parts)


def _certain(problem: Problem) -> tuple[Array, Array, Array]:
    """Return low ≤ D ≤ high for every mask, and a bound of what float64 computes wrongly, one number for each output.

    The ranges leave the last masks out; so a layer z ↦ z without dropout is put on top.
    """
    outputs = problem.outputs
    deeper = replace(
        problem, weights=(*problem.weights, np.eye(outputs)), biases=(*problem.biases, np.zeros(outputs)),
        slopes=(*problem.slopes, 1.0), slope_errors=(*problem.slope_errors, 0.0), rates=(*problem.rates, Fraction(0)),
        keep=np.append(problem.keep, 1.0), drop=np.append(problem.drop, 0.0),
        inverse_keep=np.append(problem.inverse_keep, 1.0), cumulants=np.zeros_like(problem.cumulants), memo={},
    )  # fmt: skip
    found = ranges_of(deeper)
    return found.low[0], found.high[0], found.wrong_output[0]


def _level(level: Any) -> str:
    value, _ = scalar(level, "level")
    return format_rational(Fraction(value))
