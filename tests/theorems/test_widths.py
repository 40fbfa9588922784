"""Non-negative minima, off units and thresholds against the optimiser and the double loop, and with wrong numbers."""

from dataclasses import replace
from fractions import Fraction

import pytest
from flint import fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.negative_weights.common_and_mixed_units import (
    beats,
    best_value,
    nonnegative_value,
    positive_on,
)
from exactdropout.theorems.negative_weights.exactdropout_2026_every_width import off_value, sufficient_width
from exactdropout.theorems.negative_weights.width_thresholds import FULL, THRESHOLDS, common, off, threshold_step
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import half_minimum, point_minimum

F = Fraction
CASES = {(c.inputs, c.biases, c.width): c for c in (*THRESHOLDS, *FULL)}


@pytest.mark.parametrize("rate", [F(1, 5), F(1, 3), F(2, 3), F(9, 10)])
@pytest.mark.parametrize(("inputs", "width"), [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2)])
def test_the_optimiser_finds_the_minimum_over_nonnegative_weights(inputs, width, rate):
    ones, spread = (1,) * inputs, rate / (1 - rate)
    point = minimize(
        Architecture(inputs, (width,), biases=False), Examples.point(ones, 1), rate, nonnegative=True, compare=False
    )
    assert point.value == point_minimum(inputs, width, spread)
    assert point.value == nonnegative_value(inputs, width, biases=False)(rate)
    if inputs < 3:
        half = minimize(Architecture(inputs, (width,)), Examples.half(ones, 1), rate, nonnegative=True, compare=False)
        assert half.value == half_minimum(inputs, width, spread)
        assert half.value == nonnegative_value(inputs, width, biases=True)(rate)


@given(
    st.lists(st.integers(0, 3), min_size=8, max_size=8),
    st.lists(st.integers(-4, 4), min_size=4, max_size=4),
    st.sampled_from([F(1, 2), F(1, 4)]),
)
@settings(deadline=None, max_examples=25)
def test_no_deep_nonnegative_network_is_below_the_bound_of_its_last_width(w, b, rate):
    network = Network([[w[:2], w[2:4]], [w[4:6]], w[6:7]], [b[:2], b[2:3], F(b[3], 4)])
    found = naive_evaluation(network, Examples.half((1, 1), 1), (rate,) * 3).criterion
    assert found >= half_minimum(2, 1, rate / (1 - rate))


@pytest.mark.parametrize(("inputs", "width"), [(2, 1), (2, 2), (3, 1)])
def test_off_units_are_one_of_the_competitors(inputs, width):
    for rate in (F(1, 10), F(1, 3), F(1, 2)):
        value = off_value(rate**inputs, width, rate / (1 - rate))
        assert value == best_value(inputs, [off(inputs) * width], biases=True)(rate)
        assert (
            minimize(Architecture(inputs, (width,)), Examples.half((1,) * inputs, 1), rate, compare=False).value
            <= value
        )


def test_off_units_alone_are_the_minimum_of_one_unit_for_three_inputs():
    found = minimize(Architecture(3, (1,)), Examples.half((1, 1, 1), 1), F(1, 2), compare=False)
    assert found.value == off_value(F(1, 8), 1, F(1)) == F(79, 414)


def test_the_sufficient_width_of_off_units_by_hand():
    # K = 2, q = 1/2: 3 n/16 > 13/16
    assert sufficient_width(2, F(1, 2)) == 5
    assert sufficient_width(3, F(1, 2)) == 1
    assert off_value(F(1, 4), 4, F(1)) > half_minimum(2, 4, F(1))
    assert off_value(F(1, 4), 5, F(1)) < half_minimum(2, 5, F(1))


@pytest.mark.parametrize("key", [(2, False, 2), (2, False, 3), (2, True, 1), (2, True, 2)])
def test_thresholds_and_the_optimiser_agree_on_both_sides(key):
    inputs, biases, width = key
    data = Examples.half((1,) * inputs, 1) if biases else Examples.point((1,) * inputs, 1)
    own = nonnegative_value(inputs, width, biases=biases)
    for shift, needed in ((F(-1, 50), True), (F(1, 50), False)):
        rate = CASES[key].theta + shift
        found = minimize(Architecture(inputs, (width,), biases=biases), data, rate, compare=False)
        assert (found.value < own(rate)) == needed


@pytest.mark.parametrize("key", [(2, False, 2), (2, True, 1)])
def test_wrong_thresholds_are_not_proved(key):
    case = CASES[key]
    assert threshold_step(case).holds
    for wrong in (
        replace(case, theta=case.theta + F(1, 10**6)),
        replace(case, theta=case.theta - F(1, 10**6)),
        replace(case, groups=(common(case.inputs, case.width),)),
        replace(case, start=case.theta + F(1, 10)),
        replace(case, width=case.width + 1),
    ):
        assert not threshold_step(wrong).holds


def test_positive_up_to_an_end():
    f = fmpz_poly([0, 1, -2])  # q (1 - 2 q)
    assert positive_on(f, F(0), F(49, 100))
    assert not positive_on(f, F(0), F(1, 2))
    assert not positive_on(-f, F(0), F(1, 4))
    assert not positive_on(fmpz_poly([1, -6, 9]), F(0), F(1, 2))  # a double root inside
    assert beats(2, [common(2)], F(0), F(1, 2), biases=False) is False  # equal, not below
