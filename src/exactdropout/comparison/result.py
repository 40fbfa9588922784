"""What a comparison returns: the truth as intervals, each approximation, and intervals that contain its errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.estimation.result import QUANTITIES, Estimate, Interval
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.result import Evaluation

if TYPE_CHECKING:
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["TITLES", "Approximation", "Comparison", "LawDistance", "RowErrors", "percent"]

TITLES = {
    "sampling": "{samples} sampled masks",
    "diagonal": "moments, diagonal",
    "gaussian": "moments, Gaussian",
    "second-order": "second order",
    "scaled": "weights times p",
}
"""The methods, in the order of tables."""

HEAD = ["", "criterion", "error", "penalty", "error", "variance", "error", "bias", "error"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Approximation:
    """What one method says, in floats: the quantities of :class:`exactdropout.Evaluation`, and rows.

    ``row_mean`` and ``row_variance`` have shape (m, outputs), ``row_criterion`` (m,). ``weights`` and ``biases`` are
    its gradient ∂J/∂W, ∂J/∂b where one was asked for.
    """

    name: str
    title: str
    criterion: float
    risk: float
    penalty: float
    variance: float
    bias: float
    mean: tuple[float, ...]
    row_mean: Array
    row_variance: Array
    row_criterion: Array
    weights: tuple[Array, ...] | None = None
    biases: tuple[Array, ...] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class RowErrors:
    """Approximation minus truth for each example: ``mean`` and ``variance`` (m, outputs), ``criterion`` (m,).

    ``exact_mean`` and ``exact_variance`` are what they are compared with, known within ``per_example.error_bounds``.
    """

    mean: Array
    variance: Array
    criterion: Array
    exact_mean: Array
    exact_variance: Array

    @property
    def mean_in_deviations(self) -> float:
        """Root mean square, over rows and outputs that vary, of the mean's error in exact standard deviations."""
        some = self.exact_variance > 0
        if not some.any():
            return 0.0 if not self.mean.any() else math.inf
        return float(np.sqrt((self.mean[some] ** 2 / self.exact_variance[some]).mean()))

    @property
    def relative_variance(self) -> Array:
        """Error of each variance over the exact one; 0/0 is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.variance / self.exact_variance
        return np.where((self.variance == 0) & (self.exact_variance == 0), 0.0, found)

    @property
    def worst_variance(self) -> float:
        """The largest |relative error| of a row's variance."""
        return float(np.abs(self.relative_variance).max())


@dataclass(frozen=True, kw_only=True)
class LawDistance:
    """Kolmogorov's distance sup_t |F(t) − G(t)| of a method's law to the exact one, for one row (from 0) and output.

    A method that gives moments means the normal law with them; sampling means the empirical law of its masks.
    """

    name: str
    row: int
    output: int
    distance: float


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Comparison:
    """Approximations of the criterion beside the truth; made by :func:`exactdropout.compare`.

    ``truth`` holds an interval for each quantity: certain where all masks were evaluated (``evaluation``), else with a
    proved probability. ``left_out`` says of methods that nobody asked for by name why they were too dear.
    ``sampling_error`` are floats [lower, upper] that contain the exact standard error of the
    criterion that T sampled masks give, where fourth moments were affordable.
    """

    truth: Estimate
    approximations: tuple[Approximation, ...]
    samples: int
    seed: int
    sampling_error: tuple[float, float] | None = None
    laws: tuple[LawDistance, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def evaluation(self) -> Evaluation | None:
        """The exact evaluation, or None beyond enumeration."""
        return self.truth.evaluation

    def __getitem__(self, name: str) -> Approximation:
        """Return the approximation of this name, such as ``"diagonal"``."""
        for found in self.approximations:
            if found.name == name:
                return found
        known = ", ".join(repr(a.name) for a in self.approximations)
        raise InvalidInput(f"Argument 'name' must be one of {known}, not {show(name)}.")

    def error(self, name: str, quantity: str = "criterion") -> Interval:
        """Return an interval that contains approximation − truth, as sure as ``truth`` is.

        ``quantity`` is criterion, risk, penalty, variance or bias.
        """
        value, true = getattr(self[name], _known(quantity)), getattr(self.truth, quantity)
        return Interval(math.nextafter(value - true.high, -math.inf), math.nextafter(value - true.low, math.inf))

    def relative_error(self, name: str, quantity: str = "criterion") -> Interval:
        """Return an interval that contains (approximation − truth)/|truth|; infinite where the truth may be 0.

        0/0 is 0.
        """
        value, true = getattr(self[name], _known(quantity)), getattr(self.truth, quantity)
        if true.low == true.high == value == 0:
            return Interval(0.0, 0.0)
        if true.low <= 0 <= true.high:
            return Interval(-math.inf, math.inf)
        sign = 1 if true.low > 0 else -1
        ends = sorted((sign * (value / end - 1)) for end in true)
        slack = 4 * 2.0**-53 * (1 + abs(value) / min(abs(true.low), abs(true.high)))
        return Interval(ends[0] - slack, ends[1] + slack)

    def rows(self, name: str) -> RowErrors:
        """Return the errors of each example. Needs an exact evaluation."""
        table = self._certain("rows").per_example
        mean, variance, criterion = (
            np.array(a, dtype=np.float64) for a in (table.mean, table.variance, table.criterion)
        )
        found = self[name]
        return RowErrors(
            mean=found.row_mean - mean, variance=found.row_variance - variance,
            criterion=found.row_criterion - criterion, exact_mean=mean, exact_variance=variance,
        )  # fmt: skip

    def rows_proved_wrong(self, name: str) -> float:
        """Return the share of rows (and outputs) whose deviation by this method lies outside the proved interval.

        All these intervals hold at once, as sure as ``truth`` is. Needs a truth that is an interval: beside exact
        values nearly every row of an approximation is wrong, and ``rows`` says by how much.
        """
        rows = self.truth.rows
        if rows is None:
            raise InvalidInput("'rows_proved_wrong' needs a truth with intervals for each row; here rows are exact.")
        deviation = np.sqrt(self[name].row_variance)
        return float(((deviation < rows.deviation_low) | (deviation > rows.deviation_high)).mean())

    def gradient_error(self, name: str) -> float:
        """Return ‖g − g*‖/‖g*‖ over all weights and biases, g* the exact gradient; needs ``gradient=True``.

        Infinite where the exact gradient is 0 and g is not.
        """
        found, true = self[name], self._certain("gradient_error").gradient
        if true is None or found.weights is None or found.biases is None:
            raise InvalidInput("Argument 'gradient' of compare must be True for the errors of gradients; it was False.")
        pairs = [*zip(found.weights, true.weights, strict=True)]
        pairs += [(a, b) for a, b in zip(found.biases, true.biases, strict=True) if b is not None]
        own, exact = (np.concatenate([np.ravel(p[k]).astype(np.float64) for p in pairs]) for k in (0, 1))
        size, away = float(np.linalg.norm(exact)), float(np.linalg.norm(own - exact))
        return away / size if size else 0.0 if not away else math.inf

    def _certain(self, name: str) -> Evaluation:
        if self.evaluation is None:
            raise InvalidInput(f"{name!r} needs an exact evaluation, and here all masks were too many; see truth.rows.")
        return self.evaluation

    def lines(self) -> list[tuple[str, ...]]:
        """Return the rows of the table: method, then value and relative error of criterion, penalty, variance, bias."""
        shown = ("criterion", "penalty", "variance", "bias")
        true = [(_short(getattr(self.truth, q)), "") for q in shown]
        rows = [("exact" if self.truth.certain else "interval", *(cell for pair in true for cell in pair))]
        for a in self.approximations:
            cells = [(f"{getattr(a, q):.6g}", percent(self.relative_error(a.name, q))) for q in shown]
            rows.append((a.title, *(cell for pair in cells for cell in pair)))
        return rows

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table: each method's criterion, penalty, variance and bias with their relative errors."""
        from exactdropout.notation.document import document, table
        from exactdropout.notation.style import styled

        shown = styled(style, options)
        rows = [[_cell(c) for c in row] for row in self.lines()]
        rows[0][0] = r"\emph{" + rows[0][0] + "}"
        if not self.truth.certain:
            rows.append([self.truth.how_sure, *[""] * 8])
        text = table(HEAD, rows, "lrrrrrrrr")
        return document(text) if shown.standalone else text

    def plot(self, axes: Any = None) -> Any:
        """Draw the relative errors of criterion and variance as bars; return the Matplotlib axes."""
        from exactdropout.comparison.picture import draw_errors

        return draw_errors(self, axes)

    def plot_rows(self, axes: Any = None) -> Any:
        """Draw each row's standard deviation by each method against the exact one; needs an exact evaluation."""
        from exactdropout.comparison.picture import draw_rows

        return draw_rows(self, axes)

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import table_html

        note = "The truth is exact." if self.truth.certain else f"The truth is an interval, {self.truth.how_sure}."
        return table_html(
            HEAD, [list(row) for row in self.lines()], title="Approximations and their relative errors", notes=[note],
            numeric=range(1, 9),
        )  # fmt: skip

    def __repr__(self) -> str:
        """Return the error of each method in the criterion."""
        errors = ", ".join(f"{a.name} {percent(self.relative_error(a.name))}" for a in self.approximations)
        known = "exact" if self.truth.certain else self.truth.how_sure
        return f"Comparison(criterion {_short(self.truth.criterion)} {known}: {errors})"


def _known(quantity: str) -> str:
    if quantity not in QUANTITIES:
        raise InvalidInput(f"Argument 'quantity' must be one of {', '.join(QUANTITIES)}, not {show(quantity)}.")
    return quantity


def _short(interval: Interval) -> str:
    """Return six digits of a number that is known so well, else both ends."""
    if interval.low == interval.high or interval.relative_width < 1e-7:
        return f"{interval.middle:.6g}"
    return repr(interval)


def percent(error: Interval) -> str:
    """Return a relative error in percent, or as a power of ten where it is small, both ends where they differ.

    >>> percent(Interval(-0.39045, -0.39044)), percent(Interval(0.0, 1e-15)), percent(Interval(-0.1, 0.2))
    ('-39.0 %', '0', '-10.0 % to +20.0 %')
    """
    low, high = (_percent(end) for end in error)
    if low == high or error.high - error.low < 2e-4 * max(abs(error.low), abs(error.high)):
        return _percent(error.middle)
    return (
        "0" if max(abs(error.low), abs(error.high)) < 1e-11 else "-" if math.isinf(error.high) else f"{low} to {high}"
    )


def _percent(value: float) -> str:
    if abs(value) < 1e-11:
        return "0"
    if abs(value) < 5e-5:
        return f"{value:+.0e}".replace("e-0", "e-")
    return (
        f"{100 * value:+.2f} %"
        if abs(value) < 0.05
        else f"{100 * value:+.1f} %"
        if abs(value) < 10
        else f"{value:+.1e}"
    )


def _cell(text: str) -> str:
    """Return plain text of the table as LaTeX."""
    words: Sequence[str] = text.replace("%", r"\%").split(" ")
    return " ".join(f"${w}$" if w[:1] in "+-" and len(w) > 1 else w for w in words)
