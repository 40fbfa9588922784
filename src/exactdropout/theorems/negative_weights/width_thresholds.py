"""Thresholds θ_n: negative weights are needed at width n exactly for q < θ_n, proved for every q in (0, 1).

Above θ_n, and a little below it, cells of q are proved in the run (:func:`exactdropout.optimum.phases.phases`):
above, the minimum is the minimum N_n of non-negative weights, below it is less. Further down given units with their
best output weights are below N_n (:mod:`exactdropout.theorems.negative_weights.common_and_mixed_units`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from exactdropout.algebra.algebraic import Algebraic, RationalFunction, all_roots
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.phases.phases import phases
from exactdropout.theorems.negative_weights.common_and_mixed_units import Group, beats, nonnegative_value
from exactdropout.theorems.proof import Step, step

__all__ = ["FULL", "THRESHOLDS", "Threshold", "common", "millionths", "off", "threshold_step"]

F = Fraction
MILLIONTH = F(1, 10**6)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """θ_n lies in (theta, theta + 10⁻⁶]; cells are proved from ``start`` on, ``groups`` beat N_n up to there."""

    inputs: int
    biases: bool
    width: int
    theta: Fraction
    start: Fraction
    groups: tuple[Group, ...]


def common(inputs: int, count: int = 1) -> Group:
    """Return units that count the kept inputs."""
    return (((1,) * inputs, 0),) * count


def off(inputs: int) -> Group:
    """Return the unit that is 1 exactly where no input is kept."""
    return (((-1,) * inputs, 1),)


def _pair(plus: int, minus: int) -> Group:
    return (((plus, -minus), 0), ((-minus, plus), 0))


def _two() -> list[Threshold]:
    """K = 2: without biases from n = 2 on; with biases the same from n = 4 on."""
    point = (
        (2, 381966, F(7, 20), (_pair(2, 1),)),
        (3, 499999, F(12, 25), (_pair(2, 1), common(2))),
        (4, 589295, F(11, 20), (_pair(2, 1), common(2, 2))),
        (5, 647532, F(3, 5), (_pair(2, 1), common(2, 3))),
        (6, 688906, F(13, 20), (_pair(4, 3), common(2, 4))),
        (7, 719526, F(17, 25), (_pair(1, 1), common(2, 5))),
    )
    half = (
        (1, 369102, F(9, 25), (off(2),)),
        (2, 472818, F(9, 20), (off(2), common(2))),
        (3, 524374, F(1, 2), (off(2), common(2, 2))),
        *point[2:],
    )
    return [
        Threshold(inputs=2, biases=biases, width=n, theta=F(theta, 10**6), start=start, groups=groups)
        for biases, rows in ((False, point), (True, half))
        for n, theta, start, groups in rows
    ]


def _three() -> list[Threshold]:
    mixed = ((((2, 2, -1), 0),), (((-1, -1, 4), 0),))
    equal = ((((2, 2, -1), 0),), (((-1, -1, 2), 0),))
    rows = (
        (False, 2, 318020, F(3, 10), mixed),
        (False, 3, 463000, F(43, 100), (*mixed, common(3))),
        (False, 4, 595624, F(27, 50), (*equal, common(3, 2))),
        (True, 1, 519676, F(1, 2), (off(3),)),
        (True, 2, 600076, F(1, 2), (off(3), common(3))),
    )
    return [
        Threshold(inputs=3, biases=biases, width=n, theta=F(theta, 10**6), start=start, groups=groups)
        for biases, n, theta, start, groups in rows
    ]


THRESHOLDS = tuple(_two())
FULL = tuple(_three())
"""Those that take longer to prove: part of ``verify --full``."""


@cache
def _found(case: Threshold) -> tuple[Algebraic | None, int]:
    """Return the rate from which on the minimum is N_n, None unless it is less everywhere below, and the cells."""
    k, n, biases = case.inputs, case.width, case.biases
    data = Examples.half((1,) * k, 1) if biases else Examples.point((1,) * k, 1)
    found = phases(
        Architecture(k, (n,), biases=biases), data, compare=False, between=(case.start, 1), max_cost=float("inf")
    )
    own = nonnegative_value(k, n, biases=biases)
    above = [p for p in found.pieces if p.value == own]
    below = [p for p in found.pieces if p.value != own]
    edge = above[0].lower if above else Algebraic.rational(F(1))
    # units without biases give T < T_n on the point mass, and with an output bias T/(2 (1 + T)), which increases in T
    point = not any(bias for group in case.groups for _, bias in group)
    holds = (
        found.complete
        and bool(above)
        and all(p.upper <= edge and _below(p.value, own, p.lower, p.upper, p.sample) for p in below)
        and edge > case.start
        and beats(k, case.groups, F(0), case.start, biases=biases and not point)
    )
    return edge if holds else None, sum(len(p.cells) for p in found.pieces)


def millionths(case: Threshold) -> int | None:
    """Return the largest whole number of millionths that is less than θ_n; None where θ_n is not proved.

    Only inputs, biases, width, start and groups of the case are used.
    """
    edge, _ = _found(case)
    if edge is None:
        return None
    near = int(float(edge) * 10**6)
    return next(m for m in range(near + 2, -1, -1) if edge > F(m, 10**6))


def threshold_step(case: Threshold) -> Step:
    """Prove that negative weights are needed at this width exactly for q < θ_n."""
    k, n, biases = case.inputs, case.width, case.biases
    found, cells = _found(case)
    edge = Algebraic.rational(F(1)) if found is None else found
    holds = found is not None and edge > case.theta and edge <= case.theta + MILLIONTH
    where = r"with biases on $P_{(\mathbf 1, 1)}$" if biases else "without biases on the point mass"
    shown = f"= {edge}" if edge.is_rational else rf"\approx {float(edge):.9f}"
    return step(
        rf"$K = {k}$, {where}, $n = {n}$: every minimiser has a negative weight exactly for $q < \theta_{n}$, "
        rf"$\theta_{n} {shown}$.",
        "certificate",
        holds,
        f"{_polynomial(edge)}; from q = {case.start} on {cells} cells of q, proved now; up to there the units "
        f"{_shown(case.groups)} are below",
    )


def _below(value: RationalFunction, other: RationalFunction, low: Algebraic, high: Algebraic, sample: Fraction) -> bool:
    """Return whether value < other on [low, high), which holds the sample; pieces meet at their ends."""
    difference = value.numerator_times(other) - other.numerator_times(value)
    return (
        bool(difference)
        and not any(low <= r < high for r in all_roots(difference))
        and low < sample
        and high > sample
        and value(sample) < other(sample)
    )


def _polynomial(number: Algebraic) -> str:
    coefficients = list(number.minimal_polynomial)
    return f"exactly the root there of the polynomial with coefficients {coefficients}, constant first"


def _shown(groups: Sequence[Group]) -> str:
    units = [f"{w}" + (f" with bias {b}" if b else "") for group in groups for w, b in group]
    return ", ".join(f"{units.count(u)} x {u}" if units.count(u) > 1 else u for u in dict.fromkeys(units))
