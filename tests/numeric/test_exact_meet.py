"""The exact meet in the middle against loops over all masks, and as the oracle of the float engine."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.numeric.exact.engine import evaluate_exact, plan_exact
from exactdropout.numeric.exact.reduction import ReducedLayer
from exactdropout.numeric.exact.strategies import meet as exact_meet

SIZES = st.sampled_from([1, 3, 2**40, 10**25])


@st.composite
def layers(draw):
    units, sources = draw(st.integers(1, 3)), draw(st.integers(0, 5))
    entry = st.builds(lambda v, scale: v * scale, st.integers(-3, 3), SIZES)
    vector = st.tuples(*[entry] * units)
    counts = [draw(st.integers(1, 3)) if place < 2 else 1 for place in range(sources)]
    columns = [draw(vector) for _ in range(sources)]
    total = draw(st.integers(2, 7))
    slopes = [draw(st.sampled_from([(0, 1), (1, 10), (-1, 2), (1, 1), (3, 2)])) for _ in range(units)]
    return ReducedLayer(
        sources=tuple((0, column, count) for column, count in zip(columns, counts, strict=True)),
        bias=draw(vector),
        keep=draw(st.integers(1, total - 1)),
        total=total,
        tops=tuple(top for top, _ in slopes),
        bottoms=tuple(bottom for _, bottom in slopes),
        low=(0,) * units,
        high=(0,) * units,
    )


@settings(max_examples=60, deadline=None)
@given(layers())
def test_moments_of_a_layer_agree_with_the_loop(layer):
    assert exact_meet.layer_moments(layer, lambda share: None) == exact_meet.layer_moments_reference(layer)


def random_problem(k, n, seed, q=F(1, 2)):
    rng = np.random.default_rng(seed)
    network = Network([rng.normal(size=(n, k)), rng.normal(size=(1, n))], [rng.normal(size=n), None])
    return network, Examples.point(rng.normal(size=k).tolist(), 0.5), (q, F(1, 3))


def test_it_is_chosen_where_merging_has_nothing_to_merge():
    network, data, q = random_problem(24, 3, 0)
    plan = plan_exact(network.exact(), data.exact(), q)
    assert plan.strategy == "meet"
    assert plan.cost < min(other.cost for other in plan.runners_up) / 100


def test_it_agrees_with_the_other_strategies_on_many_equal_states():
    network = xd.Network([[[1, 1, 2, 2, 3, -1, -1, 5], [0, 1, 1, -2, 1, 1, -3, 1]], [1, -2]], [[-3, 1], [1]])
    data = xd.Examples.point((1,) * 8, 1)
    found = [evaluate_exact(network, data, (F(2, 5), F(1, 3)), strategy=s) for s in ("meet", "merge", "states")]
    assert found[0].criterion == found[1].criterion == found[2].criterion
    assert found[0].variance == found[1].variance == found[2].variance


@pytest.mark.parametrize(("k", "n", "q"), [(22, 3, F(1, 2)), (24, 2, F(1, 10)), (25, 2, F(2, 3))])
def test_the_float_engine_keeps_its_bound(k, n, q):
    network, data, rates = random_problem(k, n, k, q)
    exact = xd.evaluate(network.exact(), data.exact(), rates, strategy="meet")
    found = xd.evaluate(network, data, rates, strategy="meet")
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name]), name
    assert found.error_bounds["criterion"] < 1e-10 * found.criterion


NEAR = st.sampled_from([1.0, -1.0, 1 + 2**-52, -(1 - 2**-53), 0.5, -0.5])
SCALED = st.builds(
    lambda v, e: v * 2.0**e, st.floats(-2, 2, allow_subnormal=False), st.sampled_from([0, 0, -40, 40, -500, 300])
)
TINY = st.builds(lambda v: v * 5e-324, st.integers(-9, 9))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_bound_holds_for_adversarial_numbers(data):
    """Cancellation, near-ties, huge beside tiny, subnormals; any rate. Only numbers beyond the range may be refused."""
    k, n = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 3))
    entry = data.draw(st.sampled_from([NEAR, SCALED, st.one_of(NEAR, SCALED), st.one_of(NEAR, TINY)]))
    row = st.lists(entry, min_size=k, max_size=k)
    few = st.lists(entry, min_size=n, max_size=n)
    weights = [data.draw(st.lists(row, min_size=n, max_size=n)), [data.draw(few), data.draw(few)]]
    activation = data.draw(st.sampled_from(["relu", "relu", "leaky_relu(1/10)", "leaky_relu(-3)"]))
    network = Network([np.array(w) for w in weights], [np.array(data.draw(few)), None], activation=activation)
    examples = Examples.point(data.draw(row), [1.0, data.draw(entry)])
    q = data.draw(st.sampled_from([F(1, 2), F(1, 3), F(99, 100), F(1, 10**9)]))
    try:
        found = xd.evaluate(network, examples, (q, F(1, 2)), strategy="meet")
    except NumericalRange:
        return
    exact = xd.evaluate(network.exact(), examples.exact(), (q, F(1, 2)))
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name]), name


def test_squares_beyond_the_range_are_refused():
    """Found by the test above: the square of a size overflowed as a Python float, which raises its own error."""
    network = Network([[[2.0**300]], [[0.0]]])
    with pytest.raises(NumericalRange):
        xd.evaluate(network, Examples.point([2.0**300], 0.0), "1/2", strategy="meet")
