"""Rates so small that p rounds to 1, and rates near 1: whether a layer is dropped is decided from the exact rate."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import InvalidInput, NumericalRange
from exactdropout.numeric.float64.strategies.registry import STRATEGIES
from exactdropout.testing.strategies import architectures, example_distributions, networks

TINY = (F(1, 2**54), F(1, 2**55), F(1, 2**60), F(1, 2**300), F(1, 10**40))
LARGE = (1 - F(1, 2**40), 1 - F(1, 1000))
SCALARS = ("criterion", "risk", "penalty", "variance", "bias")
NAMES = [None, *(s.name for s in STRATEGIES)]


def check(network, data, q, strategy, moments):
    exact = xd.evaluate(network.exact(), data.exact(), q)
    try:
        found = xd.evaluate(network, data, q, strategy=strategy, moments=moments)
    except (InvalidInput, NumericalRange):  # a strategy that does not apply, a criterion below 2^-1000
        return False
    for name in SCALARS:
        low, high = found.enclosure(name)
        assert low <= getattr(exact, name) <= high, name
    return True


@pytest.mark.parametrize("moments", [2, 4])
@pytest.mark.parametrize("strategy", NAMES)
def test_a_rate_of_two_to_the_minus_sixty_is_a_rate(strategy, moments):
    """The criterion is 2^-60 and a little; it was 0 ± 6e-30 when a layer with p = 1.0 counted as not dropped."""
    network, data = xd.Network([[[1.0]], [[1.0]]]), xd.Examples.point([1.0], 1.0)
    q = (F(1, 2**60), F(0))
    exact = xd.evaluate(network.exact(), data.exact(), q).criterion
    assert F(1, 2**60) < exact < F(2, 2**60)
    if strategy is None:
        assert abs(F(xd.evaluate(network, data, q, moments=moments).criterion) - exact) < exact / 2**10
    check(network, data, q, strategy, moments)


@pytest.mark.parametrize("strategy", NAMES)
@settings(deadline=None, max_examples=40)
@given(draw=st.data(), moments=st.sampled_from([2, 4]))
def test_tiny_and_large_rates_in_every_strategy(strategy, draw, moments):
    architecture = draw.draw(architectures(max_mask_bits=7))
    network = draw.draw(networks(architecture, kind="float64"))
    data = draw.draw(example_distributions(inputs=architecture.inputs, outputs=architecture.outputs, kind="float64"))
    rate = st.sampled_from((*TINY, *LARGE, F(0), F(1, 2)))
    q = tuple(draw.draw(rate) for _ in range(architecture.depth))
    check(network, data, q, strategy, moments)
