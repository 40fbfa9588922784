"""The probability theory of estimates: the inequality itself, the supermartingale, exact coverage of tiny sequences."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.numeric.sampled.confidence import LEVELS, Mean, Means, deviation, psi


@pytest.fixture(autouse=True)
def precise():
    """Balls of 300 bits decide inequalities whose sides are close."""
    before, ctx.prec = ctx.prec, 300
    yield
    ctx.prec = before


def ball(value: F) -> arb:
    return arb(value.numerator) / arb(value.denominator)


def log_gain(s: F, xi: F) -> arb:
    """Return sξ − ψ(s)ξ² with the upper bound of ψ that the package uses."""
    return ball(s * xi - psi(s) * xi * xi)


@pytest.mark.parametrize("s", LEVELS)
def test_psi_is_an_upper_bound_and_a_close_one(s):
    true = -(1 - ball(s)).log() - ball(s)
    assert ball(psi(s)) > true * (1 - arb(2) ** -30)
    assert ball(psi(s)) < true * (1 + arb(2) ** -6)
    assert psi(s) >= sum(s**j / j for j in range(2, 200))  # partial sums of the series, exactly


@given(st.sampled_from(LEVELS), st.fractions(-1, 20, max_denominator=1000))
def test_fans_inequality(s, xi):
    """exp(sξ − ψ(s)ξ²) ≤ 1 + sξ, decided by balls; at ξ = 0 both sides are 1."""
    if xi != 0:
        assert not log_gain(s, xi).exp() > 1 + ball(s * xi)
        assert log_gain(s, xi) < (1 + ball(s * xi)).log() + arb(2) ** -40


@given(st.data())
def test_the_product_is_a_supermartingale(data):
    """For any law on [0, B], centre and c that the theorem allows: E exp(s(X − μ)/c − ψ ξ²) ≤ 1, on both sides."""
    values = data.draw(st.lists(st.fractions(0, 10, max_denominator=8), min_size=2, max_size=5))
    parts = data.draw(st.lists(st.integers(1, 9), min_size=len(values), max_size=len(values)))
    law = [(v, F(p, sum(parts))) for v, p in zip(values, parts, strict=True)]
    mean = sum(v * p for v, p in law)
    centre = data.draw(st.fractions(0, 10, max_denominator=8))
    s = data.draw(st.sampled_from(LEVELS[:8]))
    for sign, least in ((1, centre), (-1, max(0, max(values) - centre))):
        c = max(least, F(1, 100)) * data.draw(st.sampled_from((F(1), F(3, 2), F(7))))
        expected = sum(
            (
                ball(p) * (ball(sign * s * (v - mean) / c) - ball(psi(s)) * ball(((v - centre) / c) ** 2)).exp()
                for v, p in law
            ),
            arb(0),
        )
        assert not expected > 1


@pytest.mark.parametrize("p", [F(1, 20), F(1, 4), F(1, 2), F(9, 10)])
def test_coverage_of_a_tiny_sequence_over_all_outcomes(p):
    """Values 0 and 1, five to a pass: the exact probability to miss the mean at any of two passes."""
    visits, chance = 5, F(3, 10)
    binomial = [math.comb(visits, k) * p**k * (1 - p) ** (visits - k) for k in range(visits + 1)]
    missed = {"below": F(0), "above": F(0)}
    for counts in itertools.product(range(visits + 1), repeat=3):
        passes = [np.array([1.0] * k + [0.0] * (visits - k)) for k in counts]
        mean = Mean(np.array([1.0]), np.array([visits]), np.array([1.0]), copies=1, pilot=passes[0])
        wrong = set()
        for values in passes[1:]:
            mean.add(values)
            low, high = mean.bounds(chance, chance)
            wrong |= {side for side, bad in (("below", low > p), ("above", high < p)) if bad}
        for side in wrong:
            missed[side] += math.prod(binomial[k] for k in counts)
    assert max(missed.values()) <= chance


def test_weights_and_strata_add_up():
    """Constant values are found exactly, up to rounding: Σ P_i μ_i with unequal weights and visits."""
    counts, chances, values = np.array([1, 3, 2]), np.array([0.5, 0.25, 0.25]), np.array([8.0, 4.0, 12.0])
    rows = np.repeat(values, counts)
    mean = Mean(chances, counts, values, copies=1, pilot=rows)
    for _ in range(4000):
        mean.add(rows)
    low, high = mean.bounds(F(1, 10), F(1, 10))
    assert low <= 8 <= high
    assert high - low < 0.2


def test_a_rare_value_that_was_never_seen_keeps_the_upper_end_away():
    """All samples are 0, but 1 is possible: no upper end below log(1/α)/n can be right, and the lower one is 0."""
    mean = Mean(np.array([1.0]), np.array([50]), np.array([1.0]), copies=1, pilot=np.zeros(50))
    for _ in range(20):
        mean.add(np.zeros(50))
    low, high = mean.bounds(F(1, 10**9), F(1, 10**9))
    assert low == 0
    assert math.log(10**9) / 1000 <= high <= 2 * math.log(10**9) / 1000


def test_a_pilot_of_some_rows_gives_centres_in_proportion_to_the_ranges():
    chances, counts, ceilings = np.full(4, 0.25), np.array([1, 2, 1, 1]), np.array([8.0, 4.0, 2.0, 0.0])
    mean = Mean(chances, counts, ceilings, 2, np.array([[1.0, 2.0], [1.0, 0.0]]), np.array([0, 2]))
    assert np.allclose(mean._centres, ceilings / 5)  # 1 over the mean range of rows 0 and 2
    assert (mean._weights * mean._centres <= mean._below).all()
    nothing = Mean(chances, counts, ceilings, 1, np.zeros(1), np.array([3]))
    assert (nothing._centres == 0).all()
    nothing.add(np.array([8.0, 4.0, 0.0, 2.0, 0.0]))
    low, high = nothing.bounds(F(1, 10), F(1, 10))
    assert low <= 3 <= high


def test_a_value_beyond_its_range_is_a_fault_and_not_an_answer():
    mean = Mean(np.array([1.0]), np.array([2]), np.array([1.0]), copies=1, pilot=np.zeros(2))
    with pytest.raises(AssertionError, match="left its proved range"):
        mean.add(np.array([0.0, 1.5]))


def test_deviation_grows_with_squares_and_with_confidence():
    assert deviation(F(1, 10), 1.0, 1.0) < deviation(F(1, 100), 1.0, 1.0) < deviation(F(1, 100), 50.0, 1.0)
    best = math.sqrt(2 * 1e6 * math.log(100))  # no bound of this kind beats √(2 V log 1/α)
    assert best < deviation(F(1, 100), 1e6, 1.0) < 1.6 * best


def test_many_means_are_each_a_mean_of_its_own():
    """A row of Means is the Mean of that example alone, but for the least c of its lower side, which only widens."""
    random = np.random.default_rng(1)
    counts, ceilings = np.array([3, 1, 4]), np.array([[1.0, 2.0], [5.0, 1.0], [1.5, 3.0]])
    rows = np.repeat(np.arange(3), counts)
    drawn = [random.random((8, 2)) ** 2 * ceilings[rows] for _ in range(60)]
    many = Means(counts, ceilings, drawn[0])
    for values in drawn[1:]:
        many.add(values)
    low, high = many.bounds(F(1, 100), F(1, 1000))
    for i, o in itertools.product(range(3), range(2)):
        own = [values[rows == i, o] for values in drawn]
        one = Mean(np.ones(1), counts[i : i + 1], ceilings[i : i + 1, o], copies=1, pilot=own[0])
        for values in own[1:]:
            one.add(values)
        least, most = one.bounds(F(1, 100), F(1, 1000))
        assert high[i, o] == pytest.approx(most, rel=1e-12)
        assert low[i, o] <= ceilings[i, o] / 3 <= high[i, o]  # the mean of B·U² is B/3
        if 4 * own[0].mean() >= ceilings[i, o] / 64:
            assert low[i, o] == pytest.approx(least, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("p", [F(1, 20), F(1, 2), F(9, 10)])
def test_coverage_of_many_means_over_all_outcomes(p):
    """The same exact probability as for one mean: values 0 and 1, five to a pass, two rows that are one sequence."""
    visits, chance = 5, F(3, 10)
    binomial = [math.comb(visits, k) * p**k * (1 - p) ** (visits - k) for k in range(visits + 1)]
    missed = [F(0), F(0)]
    for counts in itertools.product(range(visits + 1), repeat=3):
        passes = [np.array([1.0] * k + [0.0] * (visits - k))[:, None] for k in counts]
        means = Means(np.array([visits]), np.ones((1, 1)), passes[0])
        wrong = [False, False]
        for values in passes[1:]:
            means.add(values)
            low, high = means.bounds(chance, chance)
            wrong = [wrong[0] or low[0, 0] > p, wrong[1] or high[0, 0] < p]
        for side in (0, 1):
            missed[side] += math.prod(binomial[k] for k in counts) if wrong[side] else 0
    assert max(missed) <= chance


def test_a_value_beyond_the_range_of_its_row_is_a_fault():
    means = Means(np.array([1, 1]), np.array([[1.0], [2.0]]), np.zeros((2, 1)))
    with pytest.raises(AssertionError, match="left its proved range"):
        means.add(np.array([[1.5], [0.0]]))
