"""The infimum over all widths: the engine of one hidden layer against lists of masks, and against what is claimed."""

import math
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum.infinite_width import infinite_width
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import Arrangement
from exactdropout.theorems.width.exactdropout_2026_infinite_width import (
    conditional_variance,
    homogeneous_limit,
    interpolating,
)

HALF = Fraction(1, 2)
RATES = st.sampled_from([Fraction(0), Fraction(1, 3), HALF])


def rows(low):
    inputs = st.tuples(st.integers(low, 2), st.integers(low, 2))
    return st.lists(st.tuples(inputs, st.integers(-2, 2)), min_size=1, max_size=3)


def limit(data, rate, biases):
    problem = reduced_problem(Architecture(2, (1,), biases=biases), Examples(data), (rate, HALF))
    return infinite_width(Arrangement(problem, math.inf))


@settings(max_examples=15)
@given(rows(-2), RATES)
@example([((1, -1), 8)], HALF)  # Figure 1
def test_with_biases_it_is_the_variance_of_the_label(data, rate):
    assert limit(data, rate, True) == conditional_variance(data, rate)


@settings(max_examples=15)
@given(rows(0), RATES)
@example([((1, 1), 1), ((2, 2), 1)], HALF)  # two masked inputs on each ray
def test_without_biases_it_is_the_sum_over_the_rays(data, rate):
    assert limit(data, rate, False) == homogeneous_limit(data, rate)


@settings(max_examples=10)
@given(rows(-2), RATES)
def test_opposite_masked_inputs_can_only_raise_it(data, rate):
    assert limit(data, rate, False) >= homogeneous_limit(data, rate) >= conditional_variance(data, rate)


@settings(max_examples=10)
@given(rows(-2), RATES)
def test_interpolating_networks_have_no_error_but_that_variance(data, rate):
    """With a hidden rate 0 the criterion is the variance itself."""
    found = naive_evaluation(interpolating(data, rate, 1), Examples(data), (rate, Fraction(0)))
    assert found.criterion == conditional_variance(data, rate)


def test_the_value_on_the_half_mass_is_the_universal_bound():
    for inputs in (1, 2, 3):
        data = [((1,) * inputs, 1), ((0,) * inputs, 0)]
        assert conditional_variance(data, HALF) == HALF**inputs / (2 * (1 + HALF**inputs))


@settings(max_examples=10)
@given(st.lists(st.integers(-2, 2), min_size=4, max_size=4), RATES)
def test_a_network_is_not_below(weights, rate):
    network = Network([[weights[:2], weights[2:]], [1, -1]], [[0, 1], HALF])
    data = [((1, 2), 1), ((1, 0), -1), ((2, 2), 3)]
    assert naive_evaluation(network, Examples(data), (rate, HALF)).criterion >= conditional_variance(data, rate)
