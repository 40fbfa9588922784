"""What an estimate returns: intervals with a proved probability, which never look like an exact result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Unpack

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array, rounded_up
from exactdropout.numeric.result import Evaluation, dyadic

if TYPE_CHECKING:
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["QUANTITIES", "Estimate", "GradientIntervals", "Interval", "RowIntervals", "certain", "outward"]

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


@dataclass(frozen=True)
class Interval:
    """A closed interval of floats.

    >>> Interval(1.0, 3.0).middle, Interval(1.0, 3.0).width, 2 in Interval(1.0, 3.0)
    (2.0, 2.0, True)
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle."""
        return 0.5 * self.low + 0.5 * self.high

    @property
    def width(self) -> float:
        """high − low."""
        return self.high - self.low

    @property
    def relative_width(self) -> float:
        """Width over |middle|, infinite where the middle is 0 and the width is not."""
        if self.width == 0:
            return 0.0
        return self.width / abs(self.middle) if self.middle else float("inf")

    def __contains__(self, value: float | Fraction) -> bool:
        """Return whether a number is inside; a Fraction is compared exactly."""
        return self.low <= value <= self.high

    def __iter__(self) -> Iterator[float]:
        """Yield both ends."""
        yield from (self.low, self.high)

    def __repr__(self) -> str:
        """Return both ends, rounded outwards."""
        low, high = self.ends()
        return f"[{low}, {high}]"

    def ends(self) -> tuple[str, str]:
        """Return both ends as decimals that are rounded outwards, with as many digits as the width gives sense to."""
        digits = next((d for d in range(4, 15) if self.width >= 10 ** (2.0 - d) * max(map(abs, self))), 15)
        low, high = (
            str(Context(prec=digits, rounding=mode).plus(Decimal(end))).lower()
            for end, mode in zip(self, (ROUND_FLOOR, ROUND_CEILING), strict=True)
        )
        return low, high


def outward(value: Fraction, *, up: bool) -> float:
    """Return the nearest float on the named side of a rational, at any size."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.copysign(math.inf, value)
    if up:
        return nearest if nearest >= value else math.nextafter(nearest, math.inf)
    return nearest if nearest <= value else math.nextafter(nearest, -math.inf)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RowIntervals:
    """Intervals of the mean and the standard deviation of each output under dropout, for each example.

    Four arrays of shape (m, outputs): ``mean_low`` ≤ E D ≤ ``mean_high``, ``deviation_low`` ≤ √Var D ≤
    ``deviation_high``, all at once and as sure as the estimate that holds them.
    """

    mean_low: Array
    mean_high: Array
    deviation_low: Array
    deviation_high: Array

    def mean(self, row: int, output: int = 0) -> Interval:
        """Return the interval of one mean."""
        return Interval(float(self.mean_low[row, output]), float(self.mean_high[row, output]))

    def deviation(self, row: int, output: int = 0) -> Interval:
        """Return the interval of one standard deviation."""
        return Interval(float(self.deviation_low[row, output]), float(self.deviation_high[row, output]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.mean_low)

    def __eq__(self, other: object) -> bool:
        """Return whether all ends are equal, bit for bit."""
        if not isinstance(other, RowIntervals):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]  # as arrays have none

    def __repr__(self) -> str:
        """Return the number of rows and the first interval of each kind."""
        return (
            f"<RowIntervals of {len(self)} rows, the first: mean in {self.mean(0)}, deviation in {self.deviation(0)}>"
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class GradientIntervals:
    """Intervals of ∂J_D/∂W for every weight and bias, all at once and as sure as the estimate that holds them.

    Arrays of the shapes of ``Network.weights`` and ``Network.biases`` (None where there is no bias). At a kink the
    derivative is that of :class:`exactdropout.numeric.result.Gradient`: relu′(0) = 0.
    """

    weights_low: tuple[Array, ...]
    weights_high: tuple[Array, ...]
    biases_low: tuple[Array | None, ...]
    biases_high: tuple[Array | None, ...]

    def weight(self, layer: int, unit: int, below: int) -> Interval:
        """Return the interval of one weight: of ``unit`` in the layer above for the unit ``below`` it, from 0."""
        return Interval(float(self.weights_low[layer][unit, below]), float(self.weights_high[layer][unit, below]))

    def bias(self, layer: int, unit: int) -> Interval:
        """Return the interval of one bias.

        Raises:
            InvalidInput: the layer has none.
        """
        low, high = self.biases_low[layer], self.biases_high[layer]
        if low is None or high is None:
            raise InvalidInput(f"Argument 'layer' must name a layer that has biases; layer {layer} has none.")
        return Interval(float(low[unit]), float(high[unit]))

    def largest(self, count: int = 20) -> list[tuple[str, Interval]]:
        """Return the names and intervals of the entries furthest from 0, by their middles: W1[3,2] and b1[3], from 1.

        The first number is the layer, then the unit above, then the unit below.
        """
        found: list[tuple[float, str, Interval]] = []
        for letter, lows, highs in (
            ("W", self.weights_low, self.weights_high),
            ("b", self.biases_low, self.biases_high),
        ):
            for l, (low, high) in enumerate(zip(lows, highs, strict=True), 1):
                if low is None or high is None:
                    continue
                size = np.abs(low + high).ravel()
                for at in np.argsort(-size, kind="stable")[:count].tolist():
                    place = ",".join(str(int(k) + 1) for k in np.unravel_index(at, low.shape))
                    name = f"{letter}{l}[{place}]"
                    found.append((float(size[at]), name, Interval(float(low.ravel()[at]), float(high.ravel()[at]))))
        found.sort(key=lambda entry: -entry[0])  # stable: as they stand in the network
        return [(name, interval) for _, name, interval in found[:count]]

    @property
    def entries(self) -> int:
        """Number of entries."""
        return sum(a.size for a in (*self.weights_low, *self.biases_low) if a is not None)

    @property
    def widest(self) -> float:
        """Width of the widest interval."""
        lows, highs = (*self.weights_low, *self.biases_low), (*self.weights_high, *self.biases_high)
        return max(float((b - a).max()) for a, b in zip(lows, highs, strict=True) if a is not None and b is not None)

    def __eq__(self, other: object) -> bool:
        """Return whether all ends are equal, bit for bit."""
        if not isinstance(other, GradientIntervals):
            return NotImplemented
        pairs = [
            (a, b) for f in fields(self) for a, b in zip(getattr(self, f.name), getattr(other, f.name), strict=True)
        ]
        return all((a is None and b is None) or np.array_equal(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]  # as arrays have none

    def __repr__(self) -> str:
        """Return the number of entries and the widest interval."""
        return f"<GradientIntervals of {self.entries:,} entries, the widest {self.widest:.3g} wide>"

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import table_html

        rows = [[name, *interval.ends()] for name, interval in self.largest()]
        more = f"the {len(rows)} of {self.entries:,} entries that are furthest from 0; no surer than their estimate"
        return table_html(
            ["entry", "at least", "at most"], rows, title="Gradient of the criterion", notes=[more], numeric=[1, 2]
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate:
    """Intervals that contain the exact values, all of them at once, with probability at least ``confidence``.

    The probability is over the sampled masks, and holds whatever decided when to stop. ``samples`` masks were drawn in
    ``passes`` passes over the examples. ``risk`` is certain. Where the exact engine could answer, ``evaluation`` is its
    answer, nothing was sampled, and the intervals are certain. ``rows`` has intervals for each example and
    ``gradient`` for each entry of the gradient, on request.
    """

    criterion: Interval
    risk: Interval
    penalty: Interval
    variance: Interval
    bias: Interval
    mean: tuple[Interval, ...]
    confidence: Fraction
    samples: int
    passes: int
    seed: int
    evaluation: Evaluation | None = None
    interrupted: bool = False
    rows: RowIntervals | None = None
    gradient: GradientIntervals | None = None

    @property
    def certain(self) -> bool:
        """Whether the exact engine answered: then nothing was sampled."""
        return self.evaluation is not None

    @property
    def how_sure(self) -> str:
        """The truth of the intervals in words, such as "with probability at least 1 - 1e-9"."""
        if self.certain:
            return "certain: all masks were evaluated"
        return f"with probability at least {chance_text(self.confidence)}"

    def __repr__(self) -> str:
        """Return the criterion's interval, and what is proved of it."""
        drawn = "" if self.certain else f", {self.samples:,} masks sampled"
        return f"Estimate(criterion in {self.criterion!r} {self.how_sure}{drawn})"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table of the intervals, with the probability in its last line."""
        from exactdropout.notation.document import document, table
        from exactdropout.notation.latex import QUANTITY_LATEX
        from exactdropout.notation.style import styled

        shown = styled(style, options)
        named = [(name, f"${QUANTITY_LATEX[name]}$" if name != "penalty" else "") for name in QUANTITIES[:4]]
        rows = [[f"{name} {symbol}".strip(), *_ends(getattr(self, name))] for name, symbol in named]
        rows.append(["bias", *_ends(self.bias)])
        for number, interval in enumerate(self.mean, 1):
            index = f" of output {number}" if len(self.mean) > 1 else ""
            rows.append([rf"mean{index} $\mathbb{{E}}[D]$", *_ends(interval)])
        if self.gradient is not None:
            rows += [[rf"$\partial J_D/\partial \text{{{name}}}$", *_ends(i)] for name, i in self.gradient.largest(10)]
        rows.append([self._truth(), "", ""])
        text = table(["quantity", "at least", "at most"], rows, "lll")
        return document(text) if shown.standalone else text

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import table_html

        rows = [[name, *getattr(self, name).ends()] for name in QUANTITIES]
        for number, interval in enumerate(self.mean, 1):
            rows.append([f"mean of output {number}" if len(self.mean) > 1 else "mean", *interval.ends()])
        drawn = "" if self.certain else f", {self.samples:,} masks sampled"
        return table_html(
            ["quantity", "at least", "at most"], rows, title="Intervals that contain the exact values",
            notes=[f"{self.how_sure}{drawn}"], numeric=[1, 2],
        )  # fmt: skip

    def _truth(self) -> str:
        return self.how_sure if self.certain else rf"with probability at least ${chance_latex(self.confidence)}$"

    def _repr_latex_(self) -> str:
        low, high = _ends(self.criterion)
        ends = rf"{low.strip('$')} \le J_D \le {high.strip('$')}"
        words = self.how_sure if self.certain else "with probability at least "
        last = "" if self.certain else chance_latex(self.confidence)
        return rf"$\displaystyle {ends} \quad \text{{{words}}} {last}$"


def certain(found: Evaluation, *, rows: bool = False, gradient: GradientIntervals | None = None) -> Estimate:
    """Return an exact evaluation as an estimate: its enclosures, rounded outwards."""

    def around(low: Fraction, high: Fraction) -> Interval:
        return Interval(outward(low, up=False), outward(high, up=True))

    wrong = Fraction(found.error_bounds["mean"])
    return Estimate(
        criterion=around(*found.enclosure("criterion")),
        risk=around(*found.enclosure("risk")),
        penalty=around(*found.enclosure("penalty")),
        variance=around(*found.enclosure("variance")),
        bias=around(*found.enclosure("bias")),
        mean=tuple(around(Fraction(v) - wrong, Fraction(v) + wrong) for v in found.mean),
        confidence=Fraction(1),
        samples=0,
        passes=0,
        seed=0,
        evaluation=found,
        rows=_certain_rows(found) if rows else None,
        gradient=gradient,
    )


def _certain_rows(found: Evaluation) -> RowIntervals:
    """Return the enclosures of an exact evaluation's rows, rounded outwards."""
    table = found.per_example

    def ends(name: str) -> tuple[Array, Array]:
        values = getattr(table, name)
        bounds = table.error_bounds.get(name)
        exact = [dyadic(v) for v in values.ravel().tolist()]
        wrong = [Fraction(0)] * len(exact) if bounds is None else [dyadic(e) for e in bounds.ravel().tolist()]
        low = [outward(v - e, up=False) for v, e in zip(exact, wrong, strict=True)]
        high = [outward(v + e, up=True) for v, e in zip(exact, wrong, strict=True)]
        return np.array(low).reshape(values.shape), np.array(high).reshape(values.shape)

    (low, high), (least, most) = ends("mean"), ends("variance")
    return RowIntervals(
        mean_low=low, mean_high=high, deviation_low=np.nextafter(np.sqrt(np.maximum(least, 0.0)), 0.0),
        deviation_high=np.nextafter(np.sqrt(most), math.inf),
    )  # fmt: skip


def _ends(interval: Interval) -> tuple[str, str]:
    from exactdropout.notation.numbers import number_latex

    low, high = (number_latex(float(end)) for end in interval.ends())
    return f"${low}$", f"${high}$"


def chance_text(confidence: Fraction) -> str:
    """Return a probability, one close to 1 as 1 − the rest, never above the true one.

    >>> chance_text(Fraction(999_999_999, 10**9)), chance_text(Fraction(9, 10))
    ('1 - 1e-9', '0.9')
    """
    rest = 1 - confidence
    if rest < Fraction(1, 1000):
        return f"1 - {rounded_up(rest).replace('.0e', 'e').replace('e-0', 'e-')}"
    down = Context(prec=12, rounding=ROUND_FLOOR)
    return str(down.divide(Decimal(confidence.numerator), Decimal(confidence.denominator)))


def chance_latex(confidence: Fraction) -> str:
    """Return the same in LaTeX."""
    text = chance_text(confidence)
    if "e" not in text:
        return text
    mantissa, _, exponent = text.removeprefix("1 - ").partition("e")
    times = "" if mantissa == "1" else rf"{mantissa} \cdot "
    return rf"1 - {times}10^{{{int(exponent)}}}"
