"""The gradient of one hidden layer inside its bound, whatever it is cut into."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.errors import NumericalRange
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_gradient
from exactdropout.numeric.float64.derivatives import gradient_table as engine
from exactdropout.numeric.float64.derivatives import table_items as division
from exactdropout.numeric.float64.derivatives.gradient import walked_gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.derivatives.table_items import applies
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner
from exactdropout.testing.strategies import problems

from .entrywise import outside

RATES = st.sampled_from([F(1, 2), F(1, 3), F(1, 4), F(2, 3), F(9, 10), F(999, 1000)])


def table(problem, runner=None):
    return engine.table_gradient(problem[0], prepared_derivatives(prepare(*problem)), runner)


def gaussian(seed, inputs, hidden, outputs, examples, activation="relu"):
    rng = np.random.default_rng(seed)
    network = Network(
        [rng.normal(size=(hidden, inputs)), rng.normal(size=(outputs, hidden))],
        [rng.normal(size=hidden), rng.normal(size=outputs)],
        activation=activation,
    )
    return network, Examples.from_arrays(rng.normal(size=(examples, inputs)), rng.normal(size=(examples, outputs)))


@settings(max_examples=60, deadline=None)
@given(problems(kind="float64", max_mask_bits=7, max_hidden=1, max_examples=2))
@example((Network([[[1.0, -1.0]], [1.0]]), Examples.point([1.0, 1.0], 1.0), (F(1, 4), F(1, 2))))  # a kink with 4/3
@example((Network([[[0.01]], [1.0]], [[-1.0], None]), Examples.point([1.0], 1.0), (F(99, 100), F(0))))  # rarely kept
@example((Network([[[1.0, 1.0]], [1.0]], [[5e-324], [0.0]]), Examples.point([5e-324, 1.0], 1.0), (F(1, 2),) * 2))
def test_gradient_is_inside_its_bound(problem):
    network, data, q = problem
    if not applies(prepare(*problem)):
        return
    try:
        found = table(problem, Runner())
    except NumericalRange:
        return
    assert outside(found, naive_gradient(network.exact(), data.exact(), q)) == []


NEAR_TIES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, -0.1, 0.3, 1 + 2.0**-52, 1 - 2.0**-53, 3.0, 1 / 3, 5e-324, 1e-300, 1e8]),
    st.floats(-1e3, 1e3),
)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_near_ties_stay_inside(data):
    inputs, hidden, outputs = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    rows = [[data.draw(NEAR_TIES) for _ in range(inputs)] for _ in range(hidden)]
    last = [[data.draw(NEAR_TIES) for _ in range(hidden)] for _ in range(outputs)]
    biases = [[data.draw(NEAR_TIES) for _ in range(n)] for n in (hidden, outputs)] if data.draw(st.booleans()) else None
    network = Network(
        [rows, last], biases, activation=data.draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)"]))
    )
    x, y = [data.draw(NEAR_TIES) for _ in range(inputs)], [data.draw(NEAR_TIES) for _ in range(outputs)]
    if data.draw(st.booleans()):  # rational data, rounded inside the computation
        x, y = [F(v) / 3 for v in x], [F(v) / 7 for v in y]
    examples = Examples([(x, y)])
    problem = network, examples, (data.draw(RATES), data.draw(st.one_of(RATES, st.just(F(0)))))
    try:
        found = table(problem, Runner())
    except NumericalRange:
        return
    assert outside(found, naive_gradient(network.exact(), examples.exact(), problem[2])) == []


@pytest.mark.parametrize("activation", ["relu", "leaky_relu(1/10)", "linear"])
@pytest.mark.parametrize("rate", [F(1, 2), F(1, 5)])
def test_larger_networks_stay_inside(activation, rate):
    """More bits than the lanes hold: middle and outer bits, against the exact gradient."""
    network, data = gaussian(3, 12, 2, 1, 1, activation)
    q = (rate, F(1, 3))
    found = table((network, data, q), Runner())
    truth = evaluate(network.exact(), data.exact(), q, gradient=True, max_cost=1000).gradient
    assert outside(found, truth) == []
    assert found.error_bound < 1e-9 * max(np.abs(w).max() for w in found.weights)


def test_kinks_that_are_computed_exactly_are_not_in_doubt():
    """Integers with q = 1/2: 1 − 1 is 0 without rounding; without a bias all dropped is 0 without rounding."""
    network = Network([[[1.0, -1.0], [2.0, 1.0]], [1.0, -3.0]])
    data = Examples.point([1.0, 1.0], 1.0)
    assert table((network, data, (F(1, 2), F(1, 2))), Runner()).error_bound < 1e-10
    drawn, data = gaussian(5, 6, 4, 1, 2)
    free = Network(drawn.weights)
    assert table((free, data, (F(1, 3), F(1, 2))), Runner()).error_bound < 1e-9


def test_both_kernels_agree_where_the_walk_is_a_witness():
    problem = (*gaussian(8, 13, 9, 2, 3, "leaky_relu(1/10)"), (F(1, 3), F(1, 4)))
    a, b = table(problem, Runner()), walked_gradient(problem[0], prepared_derivatives(prepare(*problem)), Runner())
    for mine, other in zip((*a.weights, *a.biases), (*b.weights, *b.biases), strict=True):
        np.testing.assert_allclose(mine, other, atol=a.error_bound + b.error_bound)


def test_bits_do_not_depend_on_threads_or_chunks(monkeypatch):
    problem = (*gaussian(9, 14, 5, 2, 3), (F(1, 3), F(1, 4)))
    monkeypatch.setattr(division, "ITEM_BITS", 11)
    whole = table(problem, Runner())
    monkeypatch.setattr(division, "CHUNK_MASKS", 2.0**12)
    monkeypatch.setattr(engine, "STEP_MASKS", 2.0**12)
    pieces = table(problem, Runner(threads=3))
    monkeypatch.setattr(division, "ITEM_BITS", 16)
    other = table(problem, Runner())
    assert pieces.error_bound == whole.error_bound
    for a, b, c in zip(
        (*whole.weights, *whole.biases), (*pieces.weights, *pieces.biases), (*other.weights, *other.biases), strict=True
    ):
        assert np.array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=whole.error_bound + other.error_bound)


def test_doubt_is_settled_by_the_same_sums(monkeypatch):
    """Tenths meet a kink up to rounding: the bound is made twice, the sums over several items only once."""
    monkeypatch.setattr(division, "ITEM_BITS", 3)
    network = Network([[[0.1, 0.2, -0.3, 0.4, -0.1, 0.3]], [1.0]], [[0.2], [0.5]])
    data, q = Examples.point([1.0] * 6, 1.0), (F(1, 2), F(1, 3))
    found = table((network, data, q), Runner())
    assert outside(found, naive_gradient(network.exact(), data.exact(), q)) == []
    assert found.error_bound > 1e-3
    other = walked_gradient(network, prepared_derivatives(prepare(network, data, q)), Runner())
    np.testing.assert_allclose(found.weights[1], other.weights[1], rtol=1e-12)
