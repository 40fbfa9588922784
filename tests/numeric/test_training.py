"""Training reaches known minima of the exact criterion and never ends above its start."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.coordinates import Coordinates, flat
from exactdropout.numeric.sampled_criterion import SampledCriterion, balanced, one_blas_thread
from exactdropout.numeric.training import train

HALF = F(1, 2)


def test_the_linear_model_reaches_its_closed_form():
    """J = Σ P (w·x + b − y)² + q/p Σ P x_i² w_i²: a quadratic, minimised by one linear system."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    q = F(1, 3)
    found = train(Network([np.zeros((1, 4))], [[0.0]]), Examples.from_arrays(x, y), q, tolerance=1e-7)
    extended = np.column_stack([x, np.ones(20)])
    ridge = np.diag([*(float(q / (1 - q)) * (x**2).mean(axis=0)), 0.0])
    expected = np.linalg.solve(extended.T @ extended / 20 + ridge, extended.T @ y / 20)
    assert found.converged
    np.testing.assert_allclose([*found.network.weights[0][0], found.network.biases[0][0]], expected, atol=1e-6)


def test_a_relu_network_descends_to_a_small_gradient():
    rng = np.random.default_rng(3)
    start = Network([rng.normal(size=(3, 3)), rng.normal(size=(1, 3))], [rng.normal(size=3), [0.0]])
    data = Examples.from_arrays(rng.normal(size=(12, 3)), rng.normal(size=12))
    found = train(start, data, HALF, iterations=40, tolerance=1e-6)
    again = train(start, data, HALF, iterations=40, tolerance=1e-6, threads=2)
    assert found.criterion < found.start
    assert 1 < found.iterations <= 40
    assert again.criterion == found.criterion
    assert (again.network.weights[0] == found.network.weights[0]).all()
    assert found.converged == (
        max(np.abs(w).max() for w in (*found.evaluation.gradient.weights, *found.evaluation.gradient.biases)) <= 1e-6
    )


def test_exact_networks_and_missing_biases_are_welcome():
    found = train(Network([[[1, 2], [3, 4]], [1, 1]]), [((1, 1), 1)], "1/2", iterations=5)
    assert found.network.kind == "float64"
    assert found.network.biases == (None, None)
    assert found.criterion < found.start
    assert "Training(criterion=" in repr(found)


def test_the_cost_limit_stops_or_refuses():
    rng = np.random.default_rng(5)
    network = Network([rng.normal(size=(3, 6)), rng.normal(size=(1, 3))])
    data = Examples.from_arrays(rng.normal(size=(3, 6)), rng.normal(size=3))
    with pytest.raises(CostLimitExceeded):
        train(network, data, HALF, max_cost=1e-8)
    found = train(network, data, HALF, max_cost=0.01, tolerance=0.0)
    assert not found.converged
    assert found.evaluations * 1e3 < 1e7


def test_progress_and_arguments():
    seen = []
    network, data = Network([[[0.5, -0.25]]]), Examples.point([1.0, 2.0], 1.0)
    train(network, data, HALF, iterations=7, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (1, 7)
    for keyword, value in (("iterations", 0), ("tolerance", -1.0)):
        with pytest.raises(InvalidInput, match=keyword):
            train(network, data, HALF, **{keyword: value})
    with pytest.raises(InvalidInput, match="'network'"):
        train(5, data, "1/2")
    with pytest.raises(InvalidInput, match="'data'"):
        train(network, 5, "1/2")


def test_the_trust_region_ends_where_the_closed_form_is():
    """A quadratic: Newton's step is exact once the region is wide enough."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    found = train(Network([np.zeros((1, 4))], [[0.0]]), Examples.from_arrays(x, y), HALF, method="trust-ncg")
    extended = np.column_stack([x, np.ones(20)])
    ridge = np.diag([*(x**2).mean(axis=0), 0.0])
    expected = np.linalg.solve(extended.T @ extended / 20 + ridge, extended.T @ y / 20)
    assert found.converged
    assert found.products > 0
    np.testing.assert_allclose([*found.network.weights[0][0], found.network.biases[0][0]], expected, atol=1e-8)


def test_both_methods_reach_a_minimum_that_second_order_steps_refine():
    rng = np.random.default_rng(3)
    start = Network([rng.normal(size=(3, 3)), rng.normal(size=(1, 3))], [rng.normal(size=3), [0.0]])
    data = Examples.from_arrays(rng.normal(size=(12, 3)), rng.normal(size=12))
    first = train(start, data, HALF, iterations=30)
    second = train(first.network, data, HALF, method="trust-ncg", iterations=30)
    again = train(first.network, data, HALF, method="trust-ncg", iterations=30, threads=2)
    assert second.criterion <= first.criterion + first.evaluation.error_bound
    assert (again.network.weights[0] == second.network.weights[0]).all()
    few = train(start, data, HALF, method="trust-ncg", iterations=30, max_cost=0.01)
    assert (few.evaluations + few.products) * 1e3 < 1e7
    with pytest.raises(InvalidInput, match="method"):
        train(start, data, HALF, method="newton")


def distant():
    """Labels of another size than the network's outputs: L-BFGS alone needs many steps to get there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 3))
    y = 150 + 60 * np.maximum(x[:, 0], 0) - 30 * x[:, 1]
    start = Network([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))], [np.zeros(4), [0.0]])
    return start, Examples.from_arrays(x, y)


def test_a_warm_up_leaves_a_distant_start_and_never_ends_above_it():
    start, data = distant()
    with np.errstate(all="raise"):
        warm = train(start, data, HALF, iterations=3)
    again = train(start, data, HALF, iterations=3)
    cold = train(start, data, HALF, iterations=3, starts=0)
    other = train(start, data, HALF, iterations=3, seed=1)
    assert warm.criterion == again.criterion
    assert warm.criterion < 0.5 * cold.criterion
    assert other.criterion != warm.criterion
    assert warm.start == cold.start == other.start
    for starts in (1, 2):
        assert train(warm.network, data, HALF, iterations=1, starts=starts).criterion <= warm.criterion
    bare = Network(start.weights)
    assert train(bare, data, HALF, iterations=2).network.biases == (None, None)
    for keyword, value in (("starts", -1), ("starts", True), ("seed", 0.5)):
        with pytest.raises(InvalidInput, match=keyword):
            train(start, data, HALF, **{keyword: value})


def test_underflow_on_the_way_is_no_error_under_any_settings_of_numpy():
    """Inputs, labels and weights whose products underflow, at both methods, with and without a warm-up."""
    rng = np.random.default_rng(4)
    x, y = 1e-160 * rng.normal(size=(40, 2)), 1e-150 * rng.normal(size=40)
    start = Network([rng.normal(size=(2, 2)), 1e-160 * rng.normal(size=(1, 2))], [1e-170 * np.ones(2), [1e-150]])
    x[0] = 1.0
    y[0] = 1.0
    for options in ({}, {"starts": 0}, {"method": "trust-ncg"}):
        with np.errstate(all="raise"):
            found = train(start, Examples.from_arrays(x, y), HALF, iterations=5, **options)
        assert found.criterion <= found.start


def test_more_starts_leave_a_minimum_that_one_start_is_caught_in():
    """A dead unit stays dead: from this start one descent fits one of two bends, a Gaussian start fits both."""
    x = np.linspace(-2, 2, 40)[:, None]
    y = np.abs(x[:, 0])
    start = Network([[[1.0], [1.0]], [1.0, 1.0]], [[-100.0, 0.0], [0.0]])
    data = Examples.from_arrays(x, y)
    one = train(start, data, ["0", "1/10"], starts=1)
    several = train(start, data, ["0", "1/10"], starts=8)
    assert several.criterion < 0.8 * one.criterion


def drawn(hidden, outputs, rates, activation="relu"):
    """Return a network, its examples, the coordinates of a descent and a sampled criterion of 4096 rows."""
    rng = np.random.default_rng(len(hidden) + outputs)
    widths = [3, *hidden, outputs]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    network = Network(weights, [rng.normal(size=len(w)) for w in weights], activation=activation)
    chances = [F(k + 1, 45) for k in range(9)]
    data = Examples.from_arrays(10 * rng.normal(size=(9, 3)), 5 + 3 * rng.normal(size=(9, outputs)), chances)
    at = Coordinates(network, data)
    return network, data, at, SampledCriterion(at, rates, 4096, rng)


@pytest.mark.parametrize(
    ("hidden", "outputs", "rates", "activation"),
    [
        ((4,), 1, (F(0), HALF), "relu"),
        ((4,), 2, (F(0), F(1, 3)), "leaky_relu(1/5)"),
        ((4, 5), 2, (F(0), F(0), F(1, 4)), "relu"),
        ((4, 3, 5), 1, (F(0), F(0), F(0), F(1, 4)), "leaky_relu(1/5)"),
        ((), 2, (F(1, 3),), "relu"),
    ],
)
def test_without_masks_below_the_last_layer_the_sample_is_the_criterion(hidden, outputs, rates, activation):
    """Nothing is drawn then, as the last layer is taken in closed form: value and gradient agree with the engine's."""
    network, data, at, sample = drawn(hidden, outputs, rates, activation)
    theta = at.of(network)
    exact = evaluate(network, data, rates, gradient=True)
    value, slopes = sample(theta)
    assert value * at.spread**2 == pytest.approx(exact.criterion, rel=1e-12)
    np.testing.assert_allclose(slopes, at.slopes(exact.gradient), atol=1e-11 * np.abs(slopes).max())
    np.testing.assert_allclose(flat(at.network(theta)), flat(network), rtol=1e-13)


@pytest.mark.parametrize(("hidden", "rates"), [((4,), (HALF, HALF)), ((4, 3), (F(1, 5), F(1, 3), HALF))])
def test_a_sample_with_masks_is_near_the_criterion_and_has_its_own_gradient(hidden, rates):
    network, data, at, sample = drawn(hidden, 1, rates)
    theta = at.of(network)
    value, slopes = sample(theta)
    exact = evaluate(network, data, rates, gradient=True)
    assert value * at.spread**2 == pytest.approx(exact.criterion, rel=0.1)
    assert value * at.spread**2 != exact.criterion
    rng = np.random.default_rng(0)
    for _ in range(5):
        along = rng.normal(size=len(theta))
        difference = (sample(theta + 1e-7 * along)[0] - sample(theta - 1e-7 * along)[0]) / 2e-7
        assert difference == pytest.approx(slopes @ along, rel=1e-4)
    wanted = at.slopes(exact.gradient)
    np.testing.assert_allclose(sample.tilted(theta, wanted)(theta)[1], wanted, atol=1e-12 * np.abs(wanted).max())


def test_more_examples_than_rows_are_drawn_with_their_probabilities():
    rng = np.random.default_rng(0)
    x = np.concatenate([np.zeros(50), np.ones(50)])[:, None]
    chances = [F(9, 500)] * 50 + [F(1, 500)] * 50
    at = Coordinates(Network([[[1.0]], [1.0]]), Examples.from_arrays(x, x[:, 0], chances))
    sample = SampledCriterion(at, (F(0), F(0)), 64, rng)
    assert sample.inputs.shape == (1, 64)
    assert 0 < np.count_nonzero(sample.inputs) < 20


def test_linear_algebra_gets_its_threads_back():
    import threadpoolctl

    with one_blas_thread():  # SciPy's library is there from here on
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"} == {1}
    before = threadpoolctl.threadpool_info()
    start, data = distant()
    train(start, data, HALF, iterations=1)
    assert threadpoolctl.threadpool_info() == before


def test_balanced_units_compute_the_same():
    """Unless they are lifted: a unit's ingoing weights times c, its outgoing ones over c."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 4))
    network = Network([9 * rng.normal(size=(3, 4)), rng.normal(size=(2, 3))], [rng.normal(size=3), np.zeros(2)])
    at = Coordinates(network, Examples.from_arrays(x, rng.normal(size=(5, 2))))
    theta = at.of(network)
    (weights, above), (bias, _) = at.parts(balanced(at, theta))
    before, (own, _) = at.parts(theta)
    expected = np.maximum(x @ before[0].T + own, 0) @ before[1].T
    np.testing.assert_allclose(np.maximum(x @ weights.T + bias, 0) @ above.T, expected, rtol=1e-12)
    np.testing.assert_allclose((weights**2).sum(axis=1) + bias**2, (above**2).sum(axis=0), rtol=1e-12)
