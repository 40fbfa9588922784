"""Every registered exact strategy against the double loop over all masks, compared exactly."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import InvalidInput
from exactdropout.model import Activation
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.exact.strategies.moments import moments_reference
from exactdropout.numeric.exact.strategies.registry import EXACT_STRATEGIES
from exactdropout.numeric.exact.strategy import exact_problem
from exactdropout.testing import problems
from exactdropout.testing.strategies import rates

SCALARS = ("criterion", "risk", "penalty", "mean", "variance", "bias")
COLUMNS = ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance")
NAMES = [s.name for s in EXACT_STRATEGIES]


def assert_equal_evaluations(engine, naive):
    for name in SCALARS:
        assert getattr(engine, name) == getattr(naive, name), name
    for name in COLUMNS:
        ours = getattr(engine.per_example, name)
        assert ours is None or (ours == getattr(naive.per_example, name)).all(), name


@st.composite
def repetitive_problems(draw):
    """Draw networks of few distinct numbers: equal and proportional rows and columns, dead units, zero inputs."""
    hidden = draw(st.sampled_from([(), (2,), (3,), (2, 2), (3, 1), (1, 1, 2)]))
    inputs = draw(st.integers(1, 3 if sum(hidden) < 4 else 2))
    outputs = draw(st.integers(1, 2))
    entry = st.sampled_from(
        draw(st.sampled_from([[F(1)], [F(0), F(1)], [F(1), F(-1)], [F(1), F(2)], [F(-1), F(3, 2)]]))
    )
    widths = (inputs, *hidden, outputs)
    weights = [[[draw(entry) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)]
    shift = st.sampled_from([F(0), F(0), F(1), F(-2), F(-9)])
    biases = [[draw(shift) for _ in range(b)] for b in widths[1:]] if draw(st.booleans()) else None
    kinds = st.sampled_from(["relu", "relu", "leaky_relu(1/10)", "leaky_relu(-1/2)", "leaky_relu(3/2)", "linear"])
    network = xd.Network(weights, biases, activation=[draw(kinds) for _ in hidden])
    x = [draw(st.sampled_from([F(0), F(1), F(1), F(2), F(-1, 2)])) for _ in range(inputs)]
    data = xd.Examples([(x, [draw(shift) for _ in range(outputs)], F(1, 3)), (x[::-1], [F(1)] * outputs, F(2, 3))])
    return network, data, draw(rates(network.architecture))


def agree(problem, *required):
    """Compare every strategy that applies with one double loop; the required ones must apply."""
    network, data, q = problem
    naive = naive_evaluation(network, data, q)
    for strategy in EXACT_STRATEGIES:
        moments = 4 if strategy.refusal(exact_problem(network, data, q, 4)) is None else 2
        if strategy.refusal(exact_problem(network, data, q, moments)) is None:
            result = evaluate_exact(network, data, q, moments=moments, strategy=strategy.name)
            assert result.plan.strategy == strategy.name
            assert_equal_evaluations(result, naive)
        else:
            assert strategy.name not in required


KINK = (  # a leaky unit exactly at 0, after a layer without dropout
    xd.Network([[[1, -1]], [[2]], [1]], [[0], [1], [0]], activation=["leaky_relu(1/10)", "relu"]),
    xd.Examples.point((1, 1), 1),
    (F(0), F(1, 3), F(1, 2)),
)
FLIPPED = (  # a unit below 0 for all masks whose slope is negative
    xd.Network([[[-1], [1]], [[1, 1]]], activation="leaky_relu(-1/2)"),
    xd.Examples.point((1,), 0),
    (F(1, 3), F(1, 2)),
)


@settings(max_examples=40)
@given(problem=problems(max_mask_bits=6))
@example(problem=KINK)
@example(problem=FLIPPED)
def test_strategies_equal_the_double_loop(problem):
    agree(problem, "states")


@settings(max_examples=40)
@given(problem=repetitive_problems())
def test_strategies_equal_the_double_loop_on_equal_and_dead_parts(problem):
    agree(problem, "states")


@st.composite
def steady_problems(draw):
    """Draw networks of one sign, so that no unit changes its own."""
    network, data, q = draw(st.one_of(repetitive_problems(), problems(max_mask_bits=5)))
    kinds = [draw(st.sampled_from([Activation.relu(), Activation.leaky_relu("-1/3")])) for _ in network.weights[1:]]
    sign = draw(st.sampled_from([1, -1]))
    same = xd.Network(
        [sign * abs(network.weights[0]), *map(abs, network.weights[1:])],
        None if network.biases[-1] is None and network.biases[0] is None else [
            None if b is None else (sign if l == 0 else 1) * abs(b) for l, b in enumerate(network.biases)
        ],
        activation=kinds,
    )  # fmt: skip
    return same, xd.Examples.from_arrays(abs(data.inputs), data.labels, data.probabilities), q


@settings(max_examples=40)
@given(problem=steady_problems())
def test_moments_equal_the_double_loop(problem):
    agree(problem, "states", "moments")


@pytest.mark.parametrize(("size", "layers", "q"), [(70, 12, F(1, 2)), (9, 30, F(1, 3))])
def test_wide_and_deep_equal_weights(size, layers, q):
    """Theorem 18's network with a rational weight: E D² is a product of binomial moments, 1 + (q/p)/n per layer."""
    weight = np.full((size, size), F(2, 3 * size), dtype=object)
    network = xd.Network([weight] * layers + [weight[:1]])
    result = xd.evaluate(network, xd.Examples.point([1] * size, 0), q)
    assert result.plan.strategy == "moments"
    assert result.criterion == F(4, 9) ** (layers + 1) * (1 + q / (1 - q) / size) ** (layers + 1)


@settings(max_examples=40)
@given(problem=steady_problems())
def test_propagated_moments_equal_plain_sums(problem):
    """Mean and covariance of the last hidden layer against the plain sums of ``moments_reference``."""
    network, data, q = problem
    one = xd.Examples.point(data.inputs[0].tolist(), data.labels[0].tolist())
    reduced = exact_problem(network, one, q).examples[0]
    mean, covariance = (np.array(values, dtype=object) for values in moments_reference(reduced))
    result = xd.evaluate(network, one, q, strategy="moments")
    scale, ratio = reduced.output.scale, q[-1] / (1 - q[-1])
    for o, bias in enumerate(reduced.output.bias):
        average, noise, weights = F(bias), F(0), np.zeros(len(mean), dtype=object)
        for group, column, count in reduced.output.sources:
            weights[group] += count * column[o]
            average += count * column[o] * mean[group]
            noise += ratio * count * column[o] ** 2 * (covariance[group][group] + mean[group] ** 2)
        spread = sum(v * w * covariance[i][j] for i, v in enumerate(weights) for j, w in enumerate(weights))
        assert result.mean[o] == average / scale
        assert result.per_example.variance[0, o] == (spread + noise) / scale**2


def test_progress_rises_to_its_end():
    """Two distinct inputs of three examples, through both kinds of tables, with thousands of states in between."""
    random = np.random.default_rng(4)
    network = xd.Network([random.integers(-2, 3, size=(4, 16)).tolist(), [[1, -1, 2, 0], [1, 1, -1, -1]], [2, -1]])
    data = xd.Examples([([1] * 16, 0), ([1, 2] * 8, 0), ([1] * 16, 1)])
    found = set()
    for strategy in ("merge", "states"):
        seen = []
        result = xd.evaluate(
            network, data, "1/2", strategy=strategy, progress=lambda *done, seen=seen: seen.append(done)
        )
        found.add((result.criterion, result.mean, result.variance))
        assert seen == sorted(set(seen))
        assert {total for _, total in seen} == {2000}
        assert seen[-1] == (2000, 2000)
        assert len(seen) > 10
    assert len(found) == 1


def test_a_strategy_that_does_not_apply_says_why():
    net = xd.Network([[[1, -1]], [1]])
    data = xd.Examples.point((1, 1), 0)
    with pytest.raises(InvalidInput, match="1 value changes its sign"):
        xd.evaluate(net, data, "1/2", strategy="moments")
    with pytest.raises(InvalidInput, match=r"one of 'moments'.*for an exact network, not 'walk'"):
        xd.plan(net, data, "1/2", strategy="walk")
    plan = xd.plan(net, data, "1/2")
    assert {r.strategy for r in plan.runners_up} | {plan.strategy} == set(NAMES)
    assert "sign" in next(r.reason for r in plan.runners_up if r.strategy == "moments")
