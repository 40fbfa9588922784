"""Meet in the middle against double loops, against exact numbers, and against the other strategies at more bits."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.model import Examples, Network
from exactdropout.numeric import meeting
from exactdropout.numeric.float64 import evaluate_float64
from exactdropout.numeric.kernels import meet
from exactdropout.numeric.problem import prepare
from exactdropout.numeric.work import Runner

ENTRIES = st.one_of(st.integers(-2, 2).map(float), st.floats(-4, 4, allow_subnormal=False))


def build(rows, bits, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    network = Network(
        [scale * rng.normal(size=(rows, bits)), rng.normal(size=(2, rows))], [rng.normal(size=rows), None]
    )
    return network, Examples.from_arrays(rng.normal(size=(2, bits)), rng.normal(size=(2, 2)))


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_pairs_agree_with_the_double_loop(interpreted, data):
    bits = data.draw(st.integers(0, 6))
    flat = data.draw(st.lists(ENTRIES, min_size=2 * bits + 2, max_size=2 * bits + 2))
    network = Network([np.array(flat[: 2 * bits] or [0.0, 0.0]).reshape(2, -1), [[1.0, 1.0]]], [flat[-2:], None])
    q = data.draw(st.sampled_from([F(1, 2), F(1, 4), F(9, 10)]))
    problem = prepare(network, Examples.point([1.0] * max(bits, 1), 0.0), (q, F(1, 2)))
    columns, counts = meeting.active_columns(problem)
    halves = meeting._halves(problem, columns[0, : counts[0]])
    kernel = meet.meet_pair.py_func if interpreted else meet.meet_pair
    sums, state = np.zeros(2), np.array([0, len(halves.p_second)])
    tree = np.zeros((len(halves.p_second) + 1, 4), dtype=np.int64)
    arguments = (
        halves.first[1], halves.first[0], halves.second[1], halves.second[0], halves.orders_first[1],
        halves.orders_second[1], halves.reached[0], halves.ranks[0], halves.p_first, halves.p_second,
        np.full(4, 2.0**40), tree, state, sums,
    )  # fmt: skip
    while not kernel(*arguments, 3):
        pass
    expected = meet.meet_reference(halves.first, halves.second, halves.p_first, halves.p_second, 1, 0)
    assert sums.sum() == pytest.approx(expected, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize(("rows", "bits", "q"), [(5, 17, F(1, 2)), (3, 18, F(1, 3)), (9, 16, F(1, 10))])
def test_it_agrees_with_the_table_within_both_bounds(rows, bits, q):
    network, data = build(rows, bits, rows)
    table, found = (evaluate_float64(network, data, (q, F(1, 4)), strategy=s) for s in ("enumerate", "meet"))
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        room = table.error_bounds[name] + found.error_bounds[name]
        assert abs(getattr(table, name) - getattr(found, name)) <= room
        assert found.error_bounds[name] < 1e-10 * table.criterion


def test_massive_ties_are_no_trouble():
    network = Network([np.array([[1.0, -1.0, 1.0, -1.0] * 4, [1.0, 1.0, -1.0, -1.0] * 4]), [[1.0, 1.0]]])
    data = Examples.point([1.0] * 16, 1.0)
    table, found = (evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy=s) for s in ("enumerate", "meet"))
    assert abs(table.criterion - found.criterion) <= table.error_bound + found.error_bound
    assert found.error_bound < 1e-10 * found.criterion


def test_steps_and_threads_change_no_bit(monkeypatch):
    network, data = build(4, 14, 1)
    one = evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy="meet", threads=1)
    monkeypatch.setattr(meeting, "STEP_ELEMENTS", 7)
    two = meeting.run(prepare(network, data, (F(1, 2), F(1, 2))), *_reference(network, data), 2, Runner(threads=2))
    again = meeting.run(prepare(network, data, (F(1, 2), F(1, 2))), *_reference(network, data), 2, Runner())
    assert np.array_equal(two.moments, again.moments)
    assert np.array_equal(two.errors, again.errors)
    assert one.criterion > 0


def _reference(network, data):
    from exactdropout.numeric.quantities import reference_outputs

    return (reference_outputs(prepare(network, data, (F(1, 2), F(1, 2)))),)


def test_what_no_walk_could_enumerate_is_within_reach():
    network, data = build(3, 36, 5, 0.2)
    result = evaluate_float64(network, data, (F(1, 2), F(1, 2)))
    assert result.plan.strategy == "meet"
    assert result.plan.masks == 2**39
    assert result.error_bound < 1e-10 * result.criterion
