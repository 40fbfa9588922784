"""Intervals of any precision contain the exact value, and shrink to the digits that were asked for."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.testing import problems


def rational(value):
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * int(mantissa) * F(2) ** int(exponent)


@given(problems(max_mask_bits=6), st.sampled_from([1, 15, 40]))
@settings(deadline=None, max_examples=60)
def test_intervals_contain_the_exact_values_and_have_the_digits(problem, digits):
    naive = naive_evaluation(*problem)
    result = xd.evaluate(*problem, precision=digits, moments=4)
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        low, high = result.enclosure(name)
        value = getattr(naive, name)
        assert low <= value <= high, name
        assert high - low <= 4 * F(1, 10**digits) * max(abs(value), naive.criterion + naive.risk), name
    for name in ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance"):
        exact = getattr(naive.per_example, name).ravel()
        ours = getattr(result.per_example, name).ravel()
        bounds = result.per_example.error_bounds[name].ravel()
        for e, v, b in zip(exact, ours, bounds, strict=True):
            assert abs(rational(v) - e) <= rational(b), name


def test_irrational_weights_against_a_hand_calculation():
    """h = √2·x r/p with q = ½ and output weight √3: E D² = 2·2·3, so J_D = 12 − 2·√6·1 + 1 for the label 1."""
    net = xd.Network([[[sympy.sqrt(2)]], [sympy.sqrt(3)]])
    result = xd.evaluate(net, [((1,), 1)], "1/2", precision=60)
    exact = sympy.Integer(24) - 2 * sympy.sqrt(6) + 1
    low, high = result.enclosure("criterion")
    assert sympy.Rational(low.numerator, low.denominator) < exact < sympy.Rational(high.numerator, high.denominator)
    assert high - low < F(1, 10**58)


def test_a_pre_activation_that_is_exactly_zero_only_algebraically():
    """√2·√2 − 2 = 0 is a kink that no interval can decide; the value must still be enclosed."""
    net = xd.Network([[[sympy.sqrt(2), sympy.sqrt(8)]], [1]], [[-2], None])
    result = xd.evaluate(net, [((sympy.sqrt(2), 0), 0)], 0, precision=30)
    low, high = result.enclosure("criterion")
    assert low <= 0 <= high < F(1, 10**20)


def test_symbolic_network_without_precision_says_what_to_do():
    net = xd.Network([[[sympy.sqrt(2)]], [1]])
    with pytest.raises(MixedNumbers, match="precision=50"):
        xd.evaluate(net, [((1,), 1)], "1/2")
    with pytest.raises(InvalidInput):
        xd.evaluate(xd.Network([[[sympy.Symbol("w")]], [1]]), [((1,), 1)], "1/2", precision=10)


@pytest.mark.parametrize("digits", [0, -3, 2.5, True, 10**6])
def test_bad_precision(digits):
    with pytest.raises(InvalidInput, match="'precision' must satisfy 1 <= precision <= 10000"):
        xd.evaluate(xd.Network([[1]]), [((1,), 1)], "1/2", precision=digits)


def test_cost_is_refused_before_starting():
    net = xd.Network([[[1] * 40], [1]])
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        xd.evaluate(net, [([1] * 40, 1)], "1/2", precision=10)
