"""The face: one door to all engines, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.numeric.float64.strategies.registry import STRATEGIES

NET = xd.Network([[[1, -2], [3, 1]], [1, F(1, 2)]])
DATA = [((1, 2), 1, F(1, 3)), ((F(1, 2), -1), 0, F(2, 3))]


def test_each_kind_goes_to_its_engine():
    exact = xd.evaluate(NET, DATA, "1/2")
    floats = xd.evaluate(NET.float64(), DATA, "1/2")
    precise = xd.evaluate(NET, DATA, "1/2", precision=30)
    assert [e.exactness for e in (exact, floats, precise)] == ["exact", "float64", "interval"]
    assert isinstance(exact.criterion, F)
    assert isinstance(floats.criterion, float)
    for other in (floats, precise):
        low, high = other.enclosure()
        assert low <= exact.criterion <= high


@pytest.mark.parametrize("network", [NET, NET.float64()])
def test_results_are_compared_field_by_field(network):
    """Two examples, so that arrays have more than one entry."""
    first, again, other = (xd.evaluate(network, DATA, q, gradient=True) for q in ("1/2", "1/2", "1/3"))
    assert first == again
    assert first.gradient == again.gradient
    assert first != other
    assert first.per_example != other.per_example
    assert first != first.gradient


def test_exact_numbers_are_welcome_in_a_float_computation():
    data = xd.Examples([(("0.1", "0.7"), "0.3")])
    result = xd.evaluate(NET.float64(), data, "1/3")
    low, high = result.enclosure()
    assert low <= xd.evaluate(NET, data, "1/3").criterion <= high
    assert low < high


def test_a_plan_is_what_the_evaluation_follows_and_starts_nothing():
    assert xd.plan(NET, DATA, "1/2") == xd.evaluate(NET, DATA, "1/2").plan
    followed = xd.evaluate(
        NET.float64(), DATA, "1/2"
    ).plan  # few masks: evaluated without a comparison, planned with one
    planned = xd.plan(NET.float64(), DATA, "1/2")
    assert replace(planned, runners_up=()) == followed
    assert {r.strategy for r in planned.runners_up} | {planned.strategy} == {s.name for s in STRATEGIES}
    assert all(r.reason in str(planned) for r in planned.runners_up)
    big = xd.Network([np.ones((3, 300)) * np.arange(300), np.ones(3)])
    plan = xd.plan(big, [(np.ones(300), 0.0)], "1/2")
    assert plan.masks == 2**303
    assert "masks      2^303" in str(plan)


def test_repr_is_short_even_for_long_fractions():
    long = xd.evaluate(xd.Network([[F(10**50 + 1, 3**40)]]), [((1,), 0)], "1/2")
    assert len(repr(long)) < 200
    assert "\N{ALMOST EQUAL TO}" in repr(long)
    huge = xd.evaluate(xd.Network([[10**400 + 1]]), [((F(1, 3),), 0)], "1/2")
    assert "\N{ALMOST EQUAL TO}1.1111111111111111E+799" in repr(huge)


@pytest.mark.parametrize("network", [NET, NET.float64()], ids=["exact", "float64"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q": F(3, 2)}, "0 <= q < 1, not 3/2"),
        ({"gradient": 1}, "'gradient' must be True or False"),
        ({"moments": 3}, "'moments' must be 2 or 4"),
        ({"max_cost": "many"}, "'max_cost' must be a positive number"),
        ({"max_cost": 0}, "'max_cost' must be a positive number"),
        ({"max_cost": float("nan")}, "'max_cost' must be a positive number"),
        ({"progress": 3}, "'progress' must be True"),
        ({"strategy": "guess"}, "'strategy' must be None or one of"),
        ({"precision": 20, "gradient": True}, "'gradient' must be False with 'precision'"),
        ({"data": None}, "'data' must be Examples"),
        ({"data": [((1, 2, 3), 1)]}, "must have 2 inputs per example"),
        ({"data": [((1, 2), (1, 1))]}, "must have 1 labels per example"),
        ({"network": 5}, "'network' must be a Network"),
    ],
)
def test_bad_arguments(network, options, message):
    arguments = {"network": network, "data": DATA, "q": "1/2"} | options
    with pytest.raises(InvalidInput, match=message):
        xd.evaluate(**arguments)


def test_symbols_are_sent_to_derive():
    with pytest.raises(MixedNumbers, match="use derive"):
        xd.evaluate(xd.free_network(xd.Architecture(2, (1,))), DATA, "1/2")


def test_progress_is_told_from_start_to_end():
    seen = []
    xd.evaluate(NET, DATA, "1/2", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert seen == sorted(seen)


@pytest.mark.parametrize("form", ["exact", "float64", "interval"])
def test_bounds_are_read_only_and_travel(form):
    network = NET.float64() if form == "float64" else NET
    result = xd.evaluate(network, DATA, "1/2", precision=20 if form == "interval" else None)
    for bounds in (result.error_bounds, result.per_example.error_bounds):
        with pytest.raises(TypeError):
            bounds["criterion"] = 0
    assert repr(result.error_bounds) == repr(dict(result.error_bounds))
    assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result)


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "2"])
@pytest.mark.parametrize("network", [NET, NET.float64()])
def test_threads_are_checked_whatever_the_engine(network, threads):
    with pytest.raises(InvalidInput, match="'threads' must be a positive integer or None, not"):
        xd.evaluate(network, DATA, "1/2", threads=threads)
    with pytest.raises(InvalidInput, match="'threads' must be a positive integer or None, not"):
        xd.evaluator(network, DATA, "1/2", threads=threads)
