"""Gradients that are made at once have the bits of those that go through a plan, a grid and a runner."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings

from exactdropout.model import Examples, Network
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.float64.engine import Prepared
from exactdropout.testing.strategies import problems


def both_ways(network, data, rates):
    """Through the short way, and, as somebody wants to hear of the progress, through the long one."""
    prepared = Prepared(network.architecture, data, rates, gradient=True)
    short = prepared.evaluate(network)
    long = Prepared(network.architecture, data, rates, gradient=True).evaluate(
        network, progress=lambda done, total: None
    )
    return prepared, short, long


def assert_same_bits(short, long):
    assert short.plan == long.plan
    assert short.criterion == long.criterion
    for part in (lambda g: (*g.weights, *g.biases), lambda g: (*g.error_bounds.weights, *g.error_bounds.biases)):
        for one, two in zip(part(short.gradient), part(long.gradient), strict=True):
            if one is None:
                assert two is None
            else:
                assert not one.flags.writeable
                assert np.array_equal(one, two)


@settings(max_examples=60, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=8, max_hidden=2))
def test_short_and_long_way_agree_bit_for_bit(problem):
    _, short, long = both_ways(*problem)
    assert_same_bits(short, long)


@pytest.mark.parametrize("widths", [(6, 3, 2), (3, 4, 3, 2)])
def test_the_short_way_is_taken_and_contains_the_exact_gradient(widths):
    """Several examples and outputs, biases in the last layer only."""
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    biases = [*([None] * (len(weights) - 1)), rng.normal(size=widths[-1])]
    network = Network(weights, biases)
    data = Examples.from_arrays(rng.normal(size=(3, widths[0])), rng.normal(size=(3, widths[-1])))
    rates = (F(1, 3),) * len(weights)
    prepared, short, long = both_ways(network, data, rates)
    assert_same_bits(short, long)
    assert prepared._at_once is not None
    exact = evaluate_exact(network.exact(), data.exact(), rates, gradient=True).gradient
    for found, bound, expected in zip(
        short.gradient.weights, short.gradient.error_bounds.weights, exact.weights, strict=True
    ):
        for place in np.ndindex(found.shape):
            assert abs(F(found[place]) - expected[place]) <= F(bound[place]) < F(1, 10**9)
    again = prepared.evaluate(Network([2 * w for w in weights], biases))
    assert not np.array_equal(again.gradient.weights[0], short.gradient.weights[0])


def test_doubtful_signs_and_linear_units_go_the_long_way():
    """A kink that is hit up to rounding is left to the walk; a linear layer has no kink to look for."""
    data, rates = Examples.point([0.1, 0.2, -0.3], 1.0), (F(1, 3),) * 3
    kink = Network([[[1.0, 1.0, 1.0]], [[1.0]], [[1.0]]])  # 0.1 + 0.2 - 0.3
    prepared, short, long = both_ways(kink, data, rates)
    assert_same_bits(short, long)
    linear = Network([[[1.0, 1.0, 1.0]], [[1.0]], [[1.0]]], activation="linear")
    prepared, short, long = both_ways(linear, data, rates)
    assert prepared._at_once is None
    assert_same_bits(short, long)
