"""The smallest width as q tends to 1: both bounds against the optimiser, exact answers and the double loop."""

import itertools
from fractions import Fraction
from math import sqrt

import pytest

from exactdropout.model import Architecture, Examples
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.optimum import minimize
from exactdropout.theorems.negative_weights.exactdropout_2026_width_limits import enough, needed, swapped_network
from exactdropout.theorems.negative_weights.two_inputs import needs_negative
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import half_minimum, point_minimum

F = Fraction


def widths(inputs, rate, biases):
    """The largest width that is excluded and the smallest that is shown, by bisection."""

    def last(test):
        low, high = 1, 10**9
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if test(middle) else (low, middle)
        return low

    excluded = last(lambda n: enough(inputs, n, rate, biases=biases))
    return excluded, last(lambda n: not needed(inputs, n, rate, biases=biases)) + 1


@pytest.mark.parametrize(("inputs", "biases"), list(itertools.product((2, 3, 4, 7), (False, True))))
def test_the_bounds_meet_at_the_limit(inputs, biases):
    rate = F(9999, 10**4)
    excluded, shown = widths(inputs, rate, biases)
    assert excluded < shown
    scale = 1e-4**1.5 if biases else 1e-8
    limit = sqrt(2 / (inputs - 1)) if biases else sqrt(inputs / (inputs - 1)) - 1
    assert excluded * scale == pytest.approx(limit, rel=0.03)
    assert shown * scale == pytest.approx(limit, rel=0.03)


def test_the_bounds_and_the_exact_answer_for_two_inputs_agree():
    seen = set()
    for i in range(145, 199):
        excluded, shown = widths(2, F(i, 200), False)
        for width in {*range(max(8, excluded - 1), shown + 2, max(1, (shown - excluded) // 3))}:
            exact = needs_negative(width, F(i, 200))
            if width <= excluded and enough(2, width, F(i, 200), biases=False):
                assert not exact
                seen.add("excluded")
            elif width >= shown:
                assert exact
                seen.add("shown")
            else:
                seen.add("open")
    assert seen == {"excluded", "shown", "open"}


@pytest.mark.parametrize(
    ("width", "rate", "biases"),
    [(200, F(957, 1000), True), (200, F(957, 1000), False), (60, F(9, 10), True), (30, F(9, 10), True)],
)
def test_the_optimiser_agrees(width, rate, biases):
    data = Examples.half((1, 1), 1) if biases else Examples.point((1, 1), 1)
    found = minimize(Architecture(2, (width,), biases=biases), data, rate, compare=False)
    least = (half_minimum if biases else point_minimum)(2, width, rate / (1 - rate))
    assert enough(2, width, rate, biases=biases) != needed(2, width, rate, biases=biases)
    assert (found.value < least) is needed(2, width, rate, biases=biases)


def test_with_biases_a_width_needs_negative_output_weights_that_needs_none_without():
    rate = F(957, 1000)
    assert needed(2, 200, rate, biases=True)
    assert enough(2, 200, rate, biases=False)
    assert not needs_negative(200, rate)


@pytest.mark.parametrize("inputs", [2, 3])
def test_a_network_of_the_upper_bound_is_below_exactly_where_the_polynomials_say(inputs):
    seen = set()
    for width, rate, biases in itertools.product((2, 4, 5), (F(1, 5), F(1, 2), F(3, 4)), (False, True)):
        spread, ones = rate / (1 - rate), (1,) * inputs
        network = swapped_network(inputs, width, rate, biases=False)
        value = naive_evaluation(network, Examples.point(ones, 1), (rate, rate)).criterion
        below = value < point_minimum(inputs, width, spread)
        if biases:
            network = swapped_network(inputs, width, rate, biases=True)
            value = naive_evaluation(network, Examples.half(ones, 1), (rate, rate)).criterion
            below = below or value < half_minimum(inputs, width, spread)
        assert below is needed(inputs, width, rate, biases=biases)
        seen.add(below)
    assert seen == {True, False}


def with_half_its_constant(inputs, width, rate):
    """What `needed` says without biases, with half the constant of its quadratic in the width."""
    kept, small, more = 1 - rate, (inputs - 1) * (1 - rate), width - 1
    one = small * kept**3 * more**2 + small * kept * (2 * small * rate + 1 + rate**2) * more
    return one - (1 + small) * (rate + small + small**2) / 2 > 0


def test_needed_says_exactly_that_the_network_of_the_upper_bound_is_below():
    halves = set()
    for inputs, width, rate in itertools.product((2, 3, 4), range(2, 9), (F(1, 3), F(1, 2), F(3, 5), F(7, 10))):
        if inputs + width > 9:
            continue
        shown = {}
        for biases, data, least in ((False, Examples.point, point_minimum), (True, Examples.half, half_minimum)):
            network = swapped_network(inputs, width, rate, biases=biases)
            examples = data((1,) * inputs, 1)
            if inputs + width <= 7:
                found = naive_evaluation(network, examples, (rate, rate)).criterion
            else:  # the engine, which is the definition elsewhere, in a tenth of the time
                found = evaluate_exact(network, examples, (rate, rate)).criterion
            shown[biases] = found < least(inputs, width, rate / (1 - rate))
        assert needed(inputs, width, rate, biases=False) is shown[False]
        assert needed(inputs, width, rate, biases=True) is (shown[False] or shown[True])
        halves.add((with_half_its_constant(inputs, width, rate), shown[False]))
    assert (True, False) in halves, "half the constant claims a network that is not below"
