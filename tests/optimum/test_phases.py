"""Phases: the formulas against minimisation at single q and brute force, the breakpoints against what is known."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, drop_rates
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import Algebraic, Phases, minimize
from exactdropout.optimum.phases.phases import phases
from exactdropout.optimum.reduced_problem import reduced_problem

from .brute_force import brute_force

HALF = Fraction(1, 2)
POINT = Examples.point((1, 1), 1)
GOLDEN = (1, -3, 1)  # q² − 3q + 1 = 0: q = (3 − √5)/2


@cache
def all_ones(width: int, biases: bool, half: bool) -> Phases:
    data = Examples.half((1, 1), 1) if half else POINT
    return phases(Architecture(2, (width,), biases=biases), data)


def between(low: Algebraic, high: Algebraic, share: Fraction) -> Fraction:
    """Return a rational number inside an open interval."""
    width = Fraction(1, 1 << 40)
    start, end = low.refined(width).high, high.refined(width).low
    return start + (end - start) * share


def check_at(found: Phases, q: Fraction) -> None:
    """Compare a formula at one q with the solver for that q, and its network with the definition of the criterion."""
    piece = found.piece(q)
    assert piece is not None
    best = minimize(found.architecture, found.data, q, nonnegative=found.restricted, compare=False)
    assert piece.value(q) == found.value(q) == best.value
    rates, _ = drop_rates(q, found.architecture)
    problem = reduced_problem(found.architecture, found.data, q)
    units = []
    for unit in piece.units:
        weights = [unit.weights[i](q) / (s * (1 - q)) for i, s in zip(problem.coordinates, problem.scales, strict=True)]
        bias = [] if unit.bias is None else [unit.bias(q)]
        units += [(unit.sign, (*weights, *bias))] * unit.multiplicity
    network = problem.network(units, piece.output_bias(q))
    assert naive_evaluation(network, found.data, rates).criterion == best.value


def check_everywhere(found: Phases, shares: tuple[Fraction, ...]) -> None:
    """Check inside every piece and close to both sides of every breakpoint."""
    for piece in found.pieces:
        for share in (*shares, Fraction(1, 10**6), 1 - Fraction(1, 10**6)):
            q = between(piece.lower, piece.upper, share)
            assert q in piece
            check_at(found, q)


def test_linear_and_mixed_signs_tie_at_one_half_exactly() -> None:
    found = all_ones(3, False, False)
    assert found.complete
    assert [b.minimal_polynomial for b in found.breakpoints] == [(-1, 2)]
    assert found.breakpoints == (Algebraic.rational(HALF),)
    mixed, linear = found.pieces
    assert set(mixed.pattern.split()) == {"1x+(++)", "1x+(+-)", "1x+(-+)"}
    assert linear.pattern == "3x+(++)"
    assert mixed.value(HALF) == linear.value(HALF) == HALF
    assert [p.needs_negative_weight for p in found.pieces] == [True, False]


def test_linear_pieces_are_the_closed_form() -> None:
    # the best linear network on the point mass: v/(1 + v), 1 + v = (1 + λ/K)(1 + λ/n), λ = q/(1 − q)
    for width in (1, 2, 3, 4):
        piece = all_ones(width, False, False).pieces[-1]
        assert piece.pattern == f"{width}x+(++)"
        for q in (Fraction(7, 10), Fraction(9, 10)):
            rate = q / (1 - q)
            v = (1 + rate / 2) * (1 + rate / width) - 1
            assert piece.value(q) == v / (1 + v)


def test_width_two_changes_at_a_golden_number() -> None:
    found = all_ones(2, False, False)
    (at,) = found.breakpoints
    assert at.minimal_polynomial == GOLDEN
    assert not at.is_rational
    assert float(at) == pytest.approx((3 - 5**0.5) / 2, abs=1e-15)
    assert at.low**2 - 3 * at.low + 1 > 0 > at.high**2 - 3 * at.high + 1  # the interval holds the root


def test_active_set_changes_at_one_over_twenty_one() -> None:
    data = Examples.uniform([((1, 1), 0), ((3, 2), 1)])
    found = phases(Architecture(2, (1,), biases=False), data, nonnegative=True)
    assert found.breakpoints == (Algebraic.rational(Fraction(1, 21)),)
    assert [p.pattern for p in found.pieces] == ["1x+(+0)", "1x+(++)"]
    check_everywhere(found, (HALF,))
    free = phases(Architecture(2, (1,), biases=False), data)
    assert free.breakpoints == (Algebraic.rational(Fraction(3, 28)),)
    assert free.nonnegative is not None
    assert free.nonnegative.breakpoints == found.breakpoints
    check_everywhere(free, (HALF,))


@pytest.mark.parametrize(("width", "biases", "half"), [(2, False, False), (3, False, True), (2, True, True)])
def test_formulas_are_the_minimum(width: int, biases: bool, half: bool) -> None:
    found = all_ones(width, biases, half)
    assert found.complete
    check_everywhere(found, (Fraction(1, 3), Fraction(4, 7)))


@pytest.mark.thorough
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("width", range(1, 7))
def test_two_inputs_are_certified_for_all_q_up_to_width_six(width: int, biases: bool, half: bool) -> None:
    found = all_ones(width, biases, half)
    assert found.complete
    assert found.pieces[0].lower == Fraction(0)
    assert found.pieces[-1].upper == Fraction(1)
    check_everywhere(found, (Fraction(1, 5), HALF, Fraction(13, 17)))


def test_thresholds_of_negative_weights_on_the_half_mass() -> None:
    # every minimiser needs a negative weight below the threshold and none needs one above it
    for width, polynomial in [(1, (1, -1, -5, 1)), (2, (8, -23, 15, -5, 1)), (3, (-16, 53, -59, 37, -13, 2))]:
        found = all_ones(width, True, True)
        needed = [p.needs_negative_weight for p in found.pieces]
        assert needed == [True] * (len(needed) - 1) + [False]
        assert found.breakpoints[-1].minimal_polynomial == polynomial


@pytest.mark.thorough
def test_a_gap_of_a_millionth_beside_a_breakpoint_is_closed_and_equal_units_are_one_kind() -> None:
    found = all_ones(5, True, True)
    piece = found.piece(Fraction(4735, 10000))
    assert piece is not None
    assert piece.lower == all_ones(2, True, True).breakpoints[1]
    assert sorted(piece.pattern.split()) == ["2x+(++|0)", "3x-(--|+)"]


def test_breakpoints_are_ties() -> None:
    found = all_ones(4, False, False)
    assert len(found.breakpoints) == 3
    for left, right in pairwise(found.pieces):
        assert left.upper == right.lower
        close = left.upper.refined(Fraction(1, 1 << 90))
        assert left.value != right.value
        assert abs(left.value(close.low) - right.value(close.low)) < Fraction(1, 1 << 80)
        assert left.value(between(left.lower, left.upper, HALF)) < right.value(between(left.lower, left.upper, HALF))
        assert right.value(between(right.lower, right.upper, HALF)) < left.value(
            between(right.lower, right.upper, HALF)
        )


@st.composite
def instances(draw: st.DrawFn) -> tuple[Architecture, Examples, bool]:
    inputs = draw(st.integers(1, 2))
    bias = draw(st.booleans()) and inputs == 1
    arch = Architecture(
        inputs, (draw(st.integers(1, 3 - inputs)),), hidden_biases=bias, output_bias=draw(st.booleans())
    )
    row = st.lists(st.integers(-2, 2), min_size=inputs, max_size=inputs)
    data = draw(st.lists(st.tuples(row, st.integers(-1, 2)), min_size=1, max_size=2))
    return arch, Examples.uniform(data), draw(st.booleans())


@settings(max_examples=8, deadline=None)
@given(instances(), st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=60))
def test_values_are_the_brute_force_minimum(instance: Any, q: Fraction) -> None:
    arch, data, nonnegative = instance
    found = phases(arch, data, nonnegative=nonnegative, compare=False, time_limit=20)
    value = found.value(q)
    if value is None:  # not certified within the time: then it is listed
        assert any(low <= q and high >= q for low, high in found.uncertified)
    else:
        assert value == brute_force(reduced_problem(arch, data, q, nonnegative=nonnegative))


def test_pieces_and_gaps_tile_the_interval() -> None:
    for found in (all_ones(3, False, False), phases(Architecture(2, (4,)), Examples.half((1, 1), 1), time_limit=1)):
        spans = sorted([(p.lower, p.upper) for p in found.pieces] + list(found.uncertified))
        assert spans[0][0] == Fraction(0)
        assert spans[-1][1] == Fraction(1)
        assert all(a[1] == b[0] for a, b in pairwise(spans))
        for piece in found.pieces:
            assert piece.cells[0].lower <= piece.lower
            assert piece.cells[-1].upper >= piece.upper
            assert all(a.upper == b.lower for a, b in pairwise(piece.cells))


def test_time_runs_out_honestly() -> None:
    found = phases(Architecture(2, (6,)), Examples.half((1, 1), 1), compare=False, time_limit=1e-9)
    assert found.pieces == ()
    assert found.uncertified == ((Algebraic.rational(Fraction(0)), Algebraic.rational(Fraction(1))),)
    assert not found.complete
    assert found.value(HALF) is None
    assert "uncertified" in repr(found)


def test_the_output_bias_alone_fits_a_point_mass() -> None:
    found = all_ones(2, True, False)
    assert [p.pattern for p in found.pieces] == ["all weights zero"]
    assert found.value(Fraction(1, 3)) == 0
    assert found.breakpoints == ()


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    phases(Architecture(2, (1,)), Examples.half((1, 1), 1), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (1000, 1000)


def test_latex_and_repr() -> None:
    found = all_ones(3, False, False)
    piece = r"\frac{5 q - 4 q^{2}}{6 - 7 q + 2 q^{2}}, & \frac{1}{2} < q < 1"
    assert found.latex().endswith(piece + "\n\\end{cases}")
    assert repr(found) == "Phases(2-3-1 relu, no biases, 2 pieces, breakpoints=[1/2])"
    assert json.dumps([list(p.value.numerator) for p in found.pieces])


def test_an_interval_of_q_is_the_same_part_of_the_whole() -> None:
    whole = all_ones(3, False, False)
    part = phases(Architecture(2, (3,), biases=False), POINT, compare=False, between=("2/5", "3/4"))
    assert part.complete
    assert part.between == (Fraction(2, 5), Fraction(3, 4))
    assert [p.value for p in part.pieces] == [p.value for p in whole.pieces]
    assert part.breakpoints == whole.breakpoints
    assert (part.pieces[0].lower == Fraction(2, 5), part.pieces[-1].upper == Fraction(3, 4)) == (True, True)
    assert part.value(Fraction(1, 4)) is None


def test_refusals() -> None:
    arch = Architecture(2, (2,))
    with pytest.raises(CostLimitExceeded, match=r"allows 0\.1 s, .* would take about 0\.36 s"):
        phases(Architecture(2, (1,), biases=False), Examples.half((1, 1), 1), max_cost=0.1)
    with pytest.raises(CostLimitExceeded, match="allows 60 s, but phases with"):
        phases(Architecture(5, (2,)), Examples.half((1,) * 5, 1))
    for bad in (0, -1, True, "3", float("nan")):
        with pytest.raises(InvalidInput, match="Argument 'max_cost'"):
            phases(arch, POINT, max_cost=bad)
        with pytest.raises(InvalidInput, match="Argument 'time_limit'"):
            phases(arch, POINT, time_limit=bad)
    with pytest.raises(InvalidInput, match="Argument 'compare'"):
        phases(arch, POINT, compare=1)  # type: ignore[arg-type]
    for bad in ((0.25, 1), (Fraction(1, 2), Fraction(1, 2)), (0, 2), (-1, 1), "01", (0, 1, 1)):
        with pytest.raises(InvalidInput, match="Argument 'between'"):
            phases(arch, POINT, between=bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="one hidden layer"):
        phases(Architecture(2, (2, 2)), POINT)
    with pytest.raises(MixedNumbers):
        phases(arch, Examples.point((0.5, 1.0), 1.0))


def test_the_drop_probability_takes_the_authors_name():
    found = phases(Architecture(1, (1,), biases=False), Examples.point((1,), 1))
    plain, renamed = found.latex(), found.latex(names={"q": "delta"})
    assert r"< \delta <" in renamed
    assert "q" not in renamed.replace(r"\qquad", "")
    assert renamed.replace(r"\delta", "q") == plain
