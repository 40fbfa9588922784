"""The exact engine against the definition: a double loop over examples and all masks."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import example, given, settings

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded, MixedNumbers
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact, plan_exact
from exactdropout.numeric.exact.strategies.states import last_law, next_states
from exactdropout.numeric.exact.strategies.steady_units import walked
from exactdropout.numeric.exact.strategy import exact_problem
from exactdropout.testing import problems

SCALARS = ("criterion", "risk", "penalty", "mean", "variance", "bias")
COLUMNS = ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance")


def assert_equal_evaluations(engine, naive):
    for name in SCALARS:
        assert getattr(engine, name) == getattr(naive, name), name
    for name in COLUMNS:
        assert (getattr(engine.per_example, name) == getattr(naive.per_example, name)).all(), name


LEAKY_KINK = (  # a leaky unit exactly at 0: its own gradient needs the slope although the unit is idle
    xd.Network([[[1, -1]], [[2]], [1]], [[0], [1], [0]], activation=["leaky_relu(1/10)", "relu"]),
    xd.Examples.point((1, 1), 1),
    (F(0), F(1, 3), F(1, 2)),
)


@given(problems(max_mask_bits=6))
@example(LEAKY_KINK)
@settings(deadline=None)
def test_exact_engine_equals_the_double_loop_with_gradient_and_fourth_moments(problem):
    naive = naive_evaluation(*problem, gradient=True)
    engine = evaluate_exact(*problem, gradient=True, moments=4)
    assert_equal_evaluations(engine, naive)
    for ours, theirs in zip(engine.gradient.weights, naive.gradient.weights, strict=True):
        assert (ours == theirs).all()
    for ours, theirs in zip(engine.gradient.biases, naive.gradient.biases, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or (ours == theirs).all()


@given(problems(max_mask_bits=6, max_outputs=1))
@settings(deadline=None, max_examples=30)
def test_gradient_is_the_slope_along_the_bias(problem):
    """The criterion is quadratic in the output bias, so a central difference is its exact derivative."""
    network, data, rates = problem
    if not network.architecture.output_bias:
        return

    def shifted(by):
        biases = [*network.biases[:-1], [network.biases[-1][0] + by]]
        moved = xd.Network(network.weights, biases, activation=network.architecture.activations)
        return evaluate_exact(moved, data, rates).criterion

    gradient = evaluate_exact(network, data, rates, gradient=True).gradient
    assert gradient.biases[-1][0] == (shifted(F(1)) - shifted(F(-1))) / 2


def test_figure_1():
    """J_D = 54, R = 64, penalty −10 as printed in the paper; variance and bias by hand: E D = 1, E D² = 6."""
    net = xd.Network([[[1, 1], [1, 1]], [1, 1]])
    result = xd.evaluate(net, xd.Examples.point((1, -1), 8), "1/2")
    assert (result.criterion, result.risk, result.penalty) == (54, 64, -10)
    assert result.mean == (1,)
    assert result.variance == 6 - 1
    assert result.bias == -15
    assert all(isinstance(v, F) for v in (result.criterion, result.risk, result.penalty))


def test_linear_model_penalty_is_weight_decay():
    """Wager et al. 2013: penalty (q/p) Σ x_i² w_i² for least squares, here with one rate and K = 3."""
    net = xd.Network([[2, F(-1, 3), 5]])
    result = xd.evaluate(net, [((1, 2, F(1, 2)), 7)], "1/5")
    assert result.penalty == F(1, 4) * (4 + F(4, 9) + F(25, 4))


def test_equal_units_are_merged_far_past_the_reach_of_a_double_loop():
    """30 equal inputs: the law is binomial, and the criterion of a linear chain is known by hand."""
    net = xd.Network([[[1] * 30], [1]])
    result = xd.evaluate(net, xd.Examples.point([1] * 30, 0), "1/2")
    # h = 2 Bin(30, 1/2): E h² = 4 (30/4 + 225); the last layer doubles it at q = 1/2
    assert result.criterion == 2 * 4 * (F(30, 4) + 225)


def test_large_numbers_take_flints_integers():
    scale = 10**700
    net = xd.Network([[[F(1, scale), F(scale)]], [F(3, scale)]], [[F(1, 7**500)], None])
    data = xd.Examples.point((1, F(-1, 3)), 1)
    reduced = exact_problem(net, data, (F(1, 2), F(1, 3))).examples[0]
    assert {type(v).__name__ for h in last_law(reduced, lambda share: None) for v in h} == {"fmpz"}
    assert_equal_evaluations(
        evaluate_exact(net, data, (F(1, 2), F(1, 3)), moments=4), naive_evaluation(net, data, (F(1, 2), F(1, 3)))
    )


def test_cost_beyond_the_limit_is_refused_before_starting():
    net = xd.Network([[[F((-3) ** k, k + 1) for k in range(120)]], [1]])
    data = xd.Examples.point([1] * 120, 0)
    with pytest.raises(CostLimitExceeded, match=r"allows 60 s, but exact evaluation of 2\^121 masks"):
        xd.evaluate(net, data, "1/2")
    assert xd.plan(net, data, "1/2").cost > 2**59


@given(problems(max_mask_bits=8))
@settings(deadline=None, max_examples=40)
def test_plan_bounds_the_states_that_are_visited(problem):
    network, data, rates = problem
    plan = plan_exact(network, data, rates, strategy="states")
    assert plan.visited <= len(data) << sum(network.architecture.widths[:-1])
    assert plan == plan_exact(network, data, rates, strategy="states")
    seen = 0
    problem = exact_problem(network, data, rates)
    for example_of_problem in problem.examples:
        reduced, _ = walked(problem, example_of_problem)
        states: dict = {(1,): 1}
        seen += 0 if reduced.layers else 1
        for layer in reduced.layers:
            states = next_states(states, layer, lambda share: None)
            seen += len(states)
    assert seen <= plan.visited


def test_floats_do_not_slip_in():
    net = xd.Network([[[1, 2]], [1]])
    with pytest.raises(MixedNumbers, match=r"data\.exact"):
        xd.evaluate(net, [((1.5, 2.0), 1.0)], "1/2")
    with pytest.raises(MixedNumbers, match="for example '1/10'"):
        xd.evaluate(net, [((1, 2), 1)], 0.1)
