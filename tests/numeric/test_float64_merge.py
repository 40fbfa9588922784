"""The float64 strategy ``merge``: the exact value of small dyadic numbers, rounded once."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import InvalidInput
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.strategies import merge as merging

HALF = F(1, 2)


def small(inputs, units, scale=0.5, seed=5):
    random = np.random.default_rng(seed)
    network = xd.Network(
        [scale * random.integers(-2, 3, size=(units, inputs)), random.choice([-2.0, -1.0, 1.0, 3.0], size=(1, units))]
    )
    return network, xd.Examples.point([1.0] * inputs, 0.25)


def test_every_moment_is_the_nearest_float():
    network, data = small(14, 4)
    result = xd.evaluate(network, data, "1/3", strategy="merge")
    exact = xd.evaluate(network.exact(), data.exact(), "1/3")
    assert result.plan.strategy == "merge"
    for name in ("criterion", "risk", "penalty", "variance"):
        error = abs(F(getattr(result, name)) - getattr(exact, name))
        assert error <= F(result.error_bounds[name]) <= F(1, 10**14) * abs(exact.criterion)


def test_it_is_chosen_where_numbers_repeat():
    network, data = small(40, 4)
    plan = xd.plan(network, data, "1/2")
    assert plan.strategy == "merge"
    assert plan.visited < 2**22


def test_fifty_equal_columns_of_any_floats():
    """Two kinds of inputs, 25 each, of Gaussian weights: 26² states instead of 2^50 masks."""
    random = np.random.default_rng(8)
    columns = random.normal(size=(5, 2))
    network = xd.Network([np.repeat(columns, 25, axis=1), random.normal(size=(1, 5))])
    data = xd.Examples.point(np.repeat(random.normal(size=2), 25), 0.1)
    result = xd.evaluate(network, data, "1/3")
    assert result.plan.strategy == "merge"
    assert result.plan.visited <= 26**2
    low, high = result.enclosure()
    assert low <= xd.evaluate(network.exact(), data.exact(), "1/3").criterion <= high
    assert high - low <= 1e-14 * result.criterion


@pytest.mark.parametrize("power", [-300, 0, 300])
def test_scale_plays_no_part(power):
    network, data = small(12, 3, scale=2.0**power)
    scaled = xd.Network([network.weights[0], network.weights[1] * 2.0**-power])
    assert merging.refusal(prepare(scaled, data, (HALF, HALF)), 2) is None
    result = xd.evaluate(scaled, data, "1/2", strategy="merge")
    low, high = result.enclosure()
    assert low <= xd.evaluate(scaled.exact(), data.exact(), "1/2").criterion <= high


@pytest.mark.parametrize(
    ("network", "data", "reason"),
    [
        ([[[0.1, 1.0]], [[1.0]]], xd.Examples.point((1.0, 1.0), 1.0), "no small multiples"),
        ([[[1.0, 1.0]], [[2.0**40 + 1.0]]], xd.Examples.point((1.0, 1.0), 1.0), "no small multiples"),
        ([[[1.0, 2.0**-40]], [[1.0]]], xd.Examples.point((1.0, 1.0), 1.0), "no small multiples"),
        ([[[1.0, 1.0]], [[1.0]]], xd.Examples.point(("0.1", 1), 1), "were rounded"),
        ([[[1.0, 1.0]], [[1.0]]], xd.Examples.point((1, 1), "1/3"), "were rounded"),
        ([[[1.0, 1.0]]], xd.Examples.point((1.0, 1.0), 1.0), "no hidden layer"),
    ],
)
def test_other_numbers_are_refused(network, data, reason):
    with pytest.raises(InvalidInput, match=reason):
        xd.evaluate(xd.Network(network), data, "1/2", strategy="merge")
