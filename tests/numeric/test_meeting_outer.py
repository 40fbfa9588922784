"""Meet in the middle as the last layer of deeper networks, against the walk and against exact numbers."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.plan import plan_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.strategies import meet_outer as meeting_outer

SCALARS = ("criterion", "risk", "penalty", "variance", "bias")


def build(widths, seed, activation="relu", examples=2):
    rng = np.random.default_rng(seed)
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    network = Network(
        [rng.normal(size=shape) for shape in shapes], [rng.normal(size=b) for b, _ in shapes], activation=activation
    )
    return network, Examples.from_arrays(
        rng.normal(size=(examples, widths[0])), rng.normal(size=(examples, widths[-1]))
    )


@pytest.mark.parametrize(
    ("widths", "q", "activation"),
    [
        ((4, 22, 3, 2), (F(1, 2), F(1, 3), F(1, 4)), "relu"),  # lists of up to 2^11 states, and few active units
        ((3, 4, 18, 2, 1), (F(1, 3), F(1, 2), F(3, 4), F(1, 2)), ["relu", "leaky_relu(-1/2)", "relu"]),
        ((3, 16, 2, 1), (F(1, 4), F(1, 2), F(1, 3)), ["relu", "leaky_relu(1/10)"]),
        ((5, 16, 3, 1), (F(0), F(1, 2), F(1, 2)), "relu"),  # nothing outside: one layer is walked
        ((3, 3, 16, 3, 1), (F(1, 2), F(0), F(1, 5), F(1, 2)), "relu"),  # a layer without dropout between
    ],
)
def test_it_agrees_with_the_walk_within_both_bounds(widths, q, activation):
    network, data = build(widths, sum(widths), activation if isinstance(activation, list) else "relu")
    walk, found = (evaluate_float64(network, data, q, strategy=s, threads=2) for s in ("walk", "meet"))
    for name in SCALARS:
        room = walk.error_bounds[name] + found.error_bounds[name]
        assert abs(getattr(walk, name) - getattr(found, name)) <= room, name
        assert found.error_bounds[name] < 1e-10 * walk.criterion
    assert np.abs(walk.per_example.mean - found.per_example.mean).max() < 1e-12 * np.sqrt(walk.criterion)


@pytest.mark.parametrize("scale", [1.0, 2.0**-60, 2.0**60])
def test_the_bound_contains_the_exact_value(scale):
    network, data = build((3, 5, 2, 1), 3, examples=1)
    network = Network(
        [network.weights[0] * scale, *network.weights[1:]], [network.bias(0) * scale, *network.biases[1:]]
    )
    q = (F(1, 3), F(1, 2), F(1, 4))
    found = evaluate_float64(network, data, q, strategy="meet")
    exact = xd.evaluate(network.exact(), data.exact(), q)
    for name in SCALARS:
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name]), name


def test_it_is_chosen_where_a_wide_layer_follows_few_masks():
    network, data = build((4, 64, 2, 1), 8, examples=1)
    plan = plan_float64(network, data, (F(1, 2), F(1, 2), F(1, 2)))
    assert plan.strategy == "meet"
    assert plan == plan_float64(network, data, (F(1, 2), F(1, 2), F(1, 2)))
    walk = next(other for other in plan.runners_up if other.strategy == "walk")
    assert plan.cost < walk.cost / 100


def test_threads_change_no_bit():
    network, data = build((7, 20, 3, 1), 5, examples=1)
    q = (F(1, 2), F(1, 2), F(1, 2))
    one, two = (evaluate_float64(network, data, q, strategy="meet", threads=t) for t in (1, 2))
    assert one.criterion == two.criterion
    assert one.error_bounds == two.error_bounds


def test_few_masks_and_lists_give_the_same_moments(monkeypatch):
    network, data = build((3, 9, 3, 1), 6, examples=1)
    q = (F(1, 2), F(1, 3), F(1, 2))
    direct = evaluate_float64(network, data, q, strategy="meet")
    monkeypatch.setattr(meeting_outer, "FEW_UNITS", -1)
    lists = evaluate_float64(network, data, q, strategy="meet")
    assert abs(direct.criterion - lists.criterion) <= 1e-13 * direct.criterion


def test_too_many_outer_masks_are_refused(monkeypatch):
    network, data = build((6, 4, 2, 1), 6, examples=1)
    problem = prepare(network, data, (F(1, 2),) * 3)
    states, weights = meeting_outer.outer_states(problem, 0)
    assert len(states) == 2**6
    assert weights.sum() == pytest.approx(1)
    monkeypatch.setattr(meeting_outer, "MOST_OUTER", 63)
    with pytest.raises(CostLimitExceeded, match="more than 63 masks"):
        meeting_outer.outer_states(problem, 0)
