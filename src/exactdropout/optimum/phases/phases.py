"""The phases of the global optimum: which network is best as a function of q, with exact breakpoints.

Each certified cell (:mod:`exactdropout.optimum.phases.certified_cells`) carries one formula for the minimum. Cells
are proved at samples until they cover (0, 1), or time runs out, or a gap is too short; a gap that is left is
reported, never guessed. Neighbouring cells with the same value, attained by the same network family, are joined;
where formulas or the sign of a weight change there is a breakpoint, an exact real algebraic number.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import fmpz_poly

from exactdropout.algebra.algebraic import Algebraic, RationalFunction, all_roots, simplest_between
from exactdropout.algebra.cones import cone_bound
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import architecture_of, beyond, cost_limit, examples_of, told_what_is_missing
from exactdropout.model.numbers import exact_fraction, scalar, show
from exactdropout.optimum.minimize import minimize
from exactdropout.optimum.phases.certified_cells import Proved, certified_cell
from exactdropout.optimum.phases.dual_functions import Coincidence, reach_all
from exactdropout.optimum.phases.families_in_q import Family, Optimal
from exactdropout.optimum.phases.result import Cell, Phases, Piece, UnitFamily
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.result import Unit, joined_pattern
from exactdropout.optimum.unit_types import separators
from exactdropout.progress import Progress, reporting

__all__ = ["phases"]

SECONDS_PER_STEP = 0.015
"""Measured: cones per unit (Schläfli's bound) × masked inputs × width are steps of 8 to 24 ms, all cells together."""
NEAR_ZERO = Fraction(1, 1 << 7)
NARROW = Fraction(1, 1 << 12)
MAX_ASSIGNMENTS = 3000
SHORTEST = Fraction(1, 1 << 40)
TAIL = Fraction(1, 1 << 20)
ZERO, ONE = Algebraic.rational(Fraction(0)), Algebraic.rational(Fraction(1))
Span = tuple[Algebraic, Algebraic]


@told_what_is_missing
def phases(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str,
    *,
    label: str | Sequence[str] | None = None,
    nonnegative: bool = False,
    compare: bool = True,
    between: tuple[Any, Any] = (0, 1),
    keep_proof: bool = False,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
    time_limit: float | None = None,
) -> Phases:
    """Return the global minimum of J_D as a function of the drop probability q in (0, 1), with a proof for every q.

    Between two breakpoints the minimum and a minimiser are rational functions of q with integer coefficients; the
    breakpoints are real algebraic numbers, given by minimal polynomial and isolating interval. Breakpoints are ties of
    two values, changes of the active set, and sign changes of a weight. The drop probability is the same at inputs and
    hidden units. All arithmetic behind a claim is exact; floats only propose what is then proved.

    Args:
        architecture: one hidden layer, relu, one output; hidden biases and output bias independently on or off. Text
            such as ``"2-3-1 relu, no biases"`` will do, or a network, whose weights do not count.
        data: an exact finite distribution, in one of the forms of :func:`exactdropout.evaluate`.
        label: for a data frame, its label column.
        nonnegative: minimise over non-negative weights only, output weights included; biases stay free.
        compare: also find the phases under non-negative weights, which decide ``needs_negative_weight``.
        between: rational numbers 0 <= low < high <= 1; only q in (low, high) is covered and spoken of.
        keep_proof: keep what proves each cell, for :func:`exactdropout.certificate.write_phases_certificate`
            (about a third of the time more).
        max_cost: refuse beforehand what is estimated to take more seconds of one core, 60 where it is left out
            (``inf``: never). The estimate is 15 ms times cones per unit × masked inputs × width. The work is one
            minimisation and one continuation per cell, and some tens of cells are usual.
        progress: True for a bar, or a callable ``progress(done, total)`` in thousandths of (0, 1) covered.
        time_limit: seconds after which the rest of (0, 1) is returned as uncertified.

    Raises:
        InvalidInput: another architecture, a time limit that is not positive, an interval outside [0, 1].
        MixedNumbers: floats or symbols in the data.
        CostLimitExceeded: more than ``max_cost``.

    Source: derived for this project; the reduction is in :mod:`exactdropout.optimum.reduced_problem`, the dual bound in
    :mod:`exactdropout.optimum.phases.families_in_q`, the cells in :mod:`exactdropout.optimum.phases.certified_cells`.

    >>> found = phases("2-3-1 relu, no biases", Examples.point((1, 1), 1))
    >>> found
    Phases(2-3-1 relu, no biases, 2 pieces, breakpoints=[1/2])
    >>> found.pieces[1].value, found.pieces[1].pattern
    (RationalFunction((5*q - 4*q^2)/(6 - 7*q + 2*q^2)), '3x+(++)')
    >>> [p.needs_negative_weight for p in found.pieces]
    [True, False]
    """
    limit, interval = cost_limit(max_cost), _interval(between)
    deadline = math.inf if time_limit is None else time.monotonic() + _seconds(time_limit)
    for name, flag in (("compare", compare), ("keep_proof", keep_proof)):
        if not isinstance(flag, bool):
            raise InvalidInput(f"Argument '{name}' must be True or False, not {show(flag)}.")
    shape = architecture_of(architecture)
    examples = examples_of(data, shape, label)
    family = _family(shape, examples, nonnegative, limit)
    with reporting(progress, "certifying") as report:
        if nonnegative or not compare:
            return _phases(family, interval, report, deadline, keep_proof)
        other = _phases(_family(shape, examples, True, math.inf), interval, None, deadline, keep_proof)
        found = _phases(family, interval, report, deadline, keep_proof)
    pieces = tuple(replace(p, needs_negative_weight=_needs_negative(p, other)) for p in found.pieces)
    return replace(found, nonnegative=other, pieces=pieces)


def _family(architecture: Architecture, data: Examples, nonnegative: bool, limit: float) -> Family:
    sample = reduced_problem(architecture, data, Fraction(1, 2), nonnegative=nonnegative)
    cones = cone_bound(len(separators(sample)[0]), sample.dimension) if sample.dimension else 0
    seconds = SECONDS_PER_STEP * cones * len(sample.points) * sample.width
    if seconds > limit:
        what = f"phases with up to {cones} cones per unit, {len(sample.points)} masked inputs and width {sample.width}"
        raise CostLimitExceeded(beyond(seconds, limit, what, "raise max_cost, or use minimize at one q"))
    return Family(architecture, data, nonnegative=nonnegative, max_cones=max(cones, 1))


def _phases(
    family: Family, interval: tuple[Fraction, Fraction], progress: Progress | None, deadline: float, keep_proof: bool
) -> Phases:
    started = time.monotonic()
    cells, gaps, solved = _cover(family, interval, progress, deadline, keep_proof)
    return Phases(
        architecture=family.architecture,
        data=family.data,
        between=interval,
        restricted=family.nonnegative,
        nonnegative=None,
        pieces=tuple(_pieces(family, cells)),
        uncertified=tuple(gaps),
        solved=solved,
        seconds=time.monotonic() - started,
    )


def _needs_negative(piece: Piece, other: Phases) -> bool | None:
    """Compare a piece with the optimum under non-negative weights, for all q of the piece at once."""
    if any(low < piece.upper and piece.lower < high for low, high in other.uncertified):
        return None
    verdicts = set()
    for rival in other.pieces:
        low, high = max(rival.lower, piece.lower), min(rival.upper, piece.upper)
        if not low < high:
            continue
        difference = rival.value.numerator_times(piece.value) - piece.value.numerator_times(rival.value)
        inside = [r for r in all_roots(difference) if piece.lower < r < piece.upper] if difference else []
        verdicts.add("equal" if not difference else "mixed" if any(low <= r <= high for r in inside) else "above")
    return {"above": True, "equal": False}.get(verdicts.pop()) if len(verdicts) == 1 else None


def _interval(between: Any) -> tuple[Fraction, Fraction]:
    if not isinstance(between, tuple) or len(between) != 2:
        raise InvalidInput(f"Argument 'between' must be a pair of rational numbers, not {show(between)}.")
    (low, first), (high, second) = (scalar(end, "between") for end in between)
    if not {first, second} <= {"exact", "integer"}:
        raise InvalidInput(f"Argument 'between' must hold rational numbers such as '1/3', not {show(between)}.")
    if not 0 <= low < high <= 1:
        raise InvalidInput(f"Argument 'between' must satisfy 0 <= low < high <= 1, not {show(between)}.")
    return exact_fraction(low), exact_fraction(high)


def _seconds(time_limit: float) -> float:
    if (
        isinstance(time_limit, bool)
        or not isinstance(time_limit, (int, float, Fraction))
        or not (math.isfinite(time_limit) and time_limit > 0)
    ):
        raise InvalidInput(f"Argument 'time_limit' must be a positive number of seconds, not {show(time_limit)}.")
    return float(time_limit)


def _cover(
    family: Family, interval: tuple[Fraction, Fraction], progress: Progress | None, deadline: float, keep_proof: bool
) -> tuple[list[Proved], list[Span], int]:
    """Return certified cells, sorted, the gaps that they leave, and the number of samples."""
    cells: list[Proved] = []
    left: list[Span] = []
    open_gaps: list[Span] = [(Algebraic.rational(interval[0]), Algebraic.rational(interval[1]))]
    whole = float(interval[1] - interval[0])
    solved = 0
    while open_gaps:
        gap = max(open_gaps, key=lambda s: float(s[1]) - float(s[0]))  # when time runs out, little is left open
        open_gaps.remove(gap)
        low, high = _room(gap)
        found = None
        narrow = high - low < (NEAR_ZERO if gap[0] == ZERO else NARROW) and family.assignments <= MAX_ASSIGNMENTS
        if high - low > (TAIL if gap[0] == ZERO or gap[1] == ONE else SHORTEST):
            for start, end in ((40, 60), (25, 40), (60, 75), (10, 25), (75, 90)):
                q = simplest_between(low + (high - low) * start / 100, low + (high - low) * end / 100)
                if time.monotonic() > deadline:
                    break
                solved += 1
                try:
                    found = certified_cell(family, q, gap, deadline, exhaustive=narrow, keep_proof=keep_proof)
                except Coincidence:
                    continue
                break
        if found is None:
            left.append(gap)
            continue
        cells.append(found)
        a, b = found.span
        open_gaps += [s for s in ((gap[0], a), (b, gap[1])) if s[0] < s[1]]
        if progress:
            rest = sum(float(s[1]) - float(s[0]) for s in (*open_gaps, *left))
            progress(int(1000 * (1 - rest / whole)), 1000)
    return sorted(cells, key=lambda c: c.span[0]), sorted(left), solved


def _room(gap: Span) -> tuple[Fraction, Fraction]:
    """Return rational numbers inside a gap, close to its ends."""
    low, high = gap
    width = Fraction(1, 1 << 12)
    while True:
        low, high = low.refined(width), high.refined(width)
        inner = high.low - low.high
        if inner > 16 * width:
            return low.high, high.low
        width /= 1 << 8


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """Neighbouring cells with one family of networks."""

    span: Span
    optimal: Optimal
    value: RationalFunction
    cells: tuple[Proved, ...]


def _pieces(family: Family, cells: Sequence[Proved]) -> list[Piece]:
    stretches: list[_Stretch] = []
    for cell in cells:
        value = RationalFunction(cell.optimal.value, cell.optimal.denominator * family.common)
        new = _Stretch(span=cell.span, optimal=cell.optimal, value=value, cells=(cell,))
        joined = _join(stretches[-1], new) if stretches else None
        if joined is None:
            stretches.append(new)
        else:
            stretches[-1] = joined
    return [piece for stretch in stretches for piece in _split(family, stretch)]


def _join(a: _Stretch, b: _Stretch) -> _Stretch | None:
    """Return two neighbours as one where their values agree and one family is admissible on both."""
    if a.span[1] != b.span[0] or a.value != b.value:
        return None
    span = (a.span[0], b.span[1])
    for optimal, inside in ((a.optimal, a.cells[0].sample), (b.optimal, b.cells[0].sample)):
        if reach_all(optimal.coefficients, inside, span) == span:
            return _Stretch(span=span, optimal=optimal, value=a.value, cells=a.cells + b.cells)
    return None


def _split(family: Family, stretch: _Stretch) -> list[Piece]:
    """Cut a stretch where a weight of its network changes its sign."""
    a = family.arrangement
    # on a common face of two cones equal units may carry two types
    counts: Counter[tuple[int, tuple[RationalFunction, ...], RationalFunction | None]] = Counter()
    for kind in sorted({t for t, _ in stretch.optimal.columns}):
        weights, bias = family.weights(stretch.optimal, kind)
        counts[a.sign(kind), weights, bias] += int(stretch.optimal.multiplicities[kind])
    units = [
        UnitFamily(sign=sign, weights=weights, bias=bias, multiplicity=count)
        for (sign, weights, bias), count in counts.items()
    ]
    output = RationalFunction(stretch.optimal.bias, stretch.optimal.denominator)
    low, high = stretch.span
    cuts = {
        root
        for unit in units
        for f in (*unit.weights, *([] if unit.bias is None else [unit.bias]))
        if any(f.numerator)
        for root in all_roots(fmpz_poly(list(f.numerator)))
        if low < root < high
    }
    ends = [low, *sorted(cuts), high]
    pieces = []
    for lower, upper in pairwise(ends):
        here = tuple(c for c in stretch.cells if c.span[0] < upper and lower < c.span[1])
        sampled = next((c for c in here if lower < c.sample and upper > c.sample), None)
        if sampled is not None:
            sample, minimisers, listed = sampled.sample, sampled.minimisers, sampled.leaves_exhausted
        else:
            sample = simplest_between(*_room((lower, upper)))
            best = minimize(family.architecture, family.data, sample, nonnegative=family.nonnegative, compare=False)
            minimisers, listed = best.minimisers, best.leaves_exhausted
        there = {id(u): _at(u, sample) for u in units}
        units.sort(key=lambda u: (-u.sign, there[id(u)].weights, there[id(u)].bias or 0))
        pieces.append(
            Piece(
                lower=lower,
                upper=upper,
                value=stretch.value,
                units=tuple(units),
                output_bias=output,
                pattern=joined_pattern((there[id(u)].pattern, u.multiplicity) for u in units),
                sample=sample,
                needs_negative_weight=False if family.nonnegative else None,
                minimisers=minimisers,
                leaves_exhausted=listed,
                cells=tuple(
                    Cell(lower=c.span[0], upper=c.span[1], sample=c.sample, leaves=c.leaves, proof=c.proof)
                    for c in here
                ),
            )
        )
    return pieces


def _at(family: UnitFamily, q: Fraction) -> Unit:
    return Unit(
        sign=family.sign,
        weights=tuple(w(q) for w in family.weights),
        bias=None if family.bias is None else family.bias(q),
        multiplicity=family.multiplicity,
        unique=True,
    )
