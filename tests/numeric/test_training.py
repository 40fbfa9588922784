"""Training reaches known minima of the exact criterion and never ends above its start."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.numeric.sampled_descent import _balance
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


def test_a_warm_up_leaves_a_distant_start_and_never_ends_above_it():
    """Labels of another size than the network's outputs: L-BFGS alone needs many steps to get there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 3))
    y = 150 + 60 * np.maximum(x[:, 0], 0) - 30 * x[:, 1]
    start = Network([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))], [np.zeros(4), [0.0]])
    data = Examples.from_arrays(x, y)
    with np.errstate(all="raise"):
        warm = train(start, data, HALF, iterations=3)
    again = train(start, data, HALF, iterations=3)
    cold = train(start, data, HALF, iterations=3, warm_up=0)
    other = train(start, data, HALF, iterations=3, seed=1)
    assert warm.criterion == again.criterion
    assert warm.criterion < 0.5 * cold.criterion
    assert other.criterion != warm.criterion
    assert warm.start == cold.start == other.start
    assert train(warm.network, data, HALF, iterations=1, warm_up=20).criterion <= warm.criterion
    bare = Network(start.weights)
    assert train(bare, data, HALF, iterations=2).network.biases == (None, None)
    for keyword, value in (("warm_up", -1), ("warm_up", True), ("seed", 0.5)):
        with pytest.raises(InvalidInput, match=keyword):
            train(start, data, HALF, **{keyword: value})


def test_balanced_units_compute_the_same():
    """Unless they are lifted: a unit's ingoing weights times c, its outgoing ones over c."""
    rng = np.random.default_rng(1)
    weights, bias, above = 9 * rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(2, 3))
    x = rng.normal(size=(5, 4))
    before = np.maximum(x @ weights.T + bias, 0) @ above.T
    _balance(weights, bias, above)
    np.testing.assert_allclose(np.maximum(x @ weights.T + bias, 0) @ above.T, before, rtol=1e-12)
    np.testing.assert_allclose((weights**2).sum(axis=1) + bias**2, (above**2).sum(axis=0), rtol=1e-12)
