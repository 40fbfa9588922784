"""Meet in the middle against double loops, against exact numbers, and against the other strategies at more bits."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.errors import NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.float64.strategies import meet as meeting
from exactdropout.numeric.float64.strategies import meet_points as meeting_points
from exactdropout.numeric.kernels.meet import order as meet_order
from exactdropout.numeric.kernels.meet import pairs as meet
from exactdropout.numeric.runs.runner import Runner

ENTRIES = st.one_of(st.sampled_from((0.0, -0.0, 5e-324, -5e-324)), st.integers(-2, 2).map(float), st.floats(-4, 4))


def build(rows, bits, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    network = Network(
        [scale * rng.normal(size=(rows, bits)), rng.normal(size=(2, rows))], [rng.normal(size=rows), None]
    )
    return network, Examples.from_arrays(rng.normal(size=(2, bits)), rng.normal(size=(2, 2)))


def reference(columns, base, keep):
    """Both lists of subset sums (units × masks) and their probabilities, for :func:`meet_reference`."""
    cut = (len(columns) + 1) // 2
    lists = []
    for part, start in ((columns[:cut], base), (columns[cut:], np.zeros_like(base))):
        kept = (np.arange(1 << len(part))[:, None] >> np.arange(len(part)) & 1).astype(float)
        lists.append((start[:, None] + (kept @ part).T, np.prod(np.where(kept > 0, keep, 1 - keep), axis=1)))
    (first, p_first), (second, p_second) = lists
    return first, second, p_first, p_second


def drawn_problem(data, bits, units):
    flat = data.draw(st.lists(ENTRIES, min_size=(bits + 1) * units, max_size=(bits + 1) * units))
    columns = np.array(flat[units:], dtype=float).reshape(bits, units)
    q = data.draw(st.sampled_from([F(1, 2), F(1, 4), F(9, 10)]))
    cut = (bits + 1) // 2
    weights = meeting_points.mask_weights(q, cut, bits - cut)
    return {"columns": columns, "base": np.array(flat[:units]), "weights": weights, "stretch": 7}, float(1 - q)


def finished(running):
    while not running.step():
        pass
    return running.result


@contextmanager
def interpreted():
    """Run the kernels as plain Python, their callees too."""
    modules = (meet, meet_order)
    saved = [(m, name, f) for m in modules for name, f in vars(m).items() if hasattr(f, "py_func")]
    try:
        for module, name, function in saved:
            setattr(module, name, function.py_func)
        yield
    finally:
        for module, name, function in saved:
            setattr(module, name, function)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_order_of_a_unit(data):
    """Ascending by α and −β, every point once, ranks inverse; the tables add up to the sums."""
    bits = data.draw(st.integers(0, 9))
    payload, keep = drawn_problem(data, bits, 1)
    finished(meeting_points.MetUnit(payload, (0,)))
    unit = meeting_points.points(payload).units[0]
    first, second, *_ = reference(payload["columns"], payload["base"], keep)
    values = np.concatenate([first[0], -second[0]])
    assert sorted(unit.order.tolist()) == list(range(len(values)))
    assert (np.diff(values[unit.order]) > -1e-12).all()
    assert (unit.rank[unit.order] == np.arange(len(values))).all()
    cut, low = (bits + 1) // 2, bits // 2 // 2
    for mask, value in enumerate(np.concatenate([first[0], second[0]]).tolist()):
        half, within = mask >> cut, mask & ((1 << low) - 1)
        assert unit.low[(half << low) | within] + unit.high[mask >> low] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("plain", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_units_agree_with_the_loop(plain, data):
    bits = data.draw(st.integers(0, 7))
    payload, keep = drawn_problem(data, bits, 1)
    with interpreted() if plain else nullcontext():
        mean, square, size, size_square = finished(meeting_points.MetUnit(payload, (0,)))
    column, base = payload["columns"][:, 0].tolist(), float(payload["base"][0])
    expected = meet_order.unit_reference(column, base, keep)
    assert (mean, square) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    first, second, p_first, p_second = reference(payload["columns"], payload["base"], keep)
    sizes = np.abs(first[0])[:, None] + np.abs(second[0])[None, :]
    weights = p_first[:, None] * p_second[None, :]
    assert (size, size_square) == pytest.approx([(weights * sizes).sum(), (weights * sizes**2).sum()])


@pytest.mark.parametrize("plain", [False, True])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_pairs_agree_with_the_double_loop(plain, data):
    """Every number of levels, cells of one and of many points, chunks of near points and blocks cut anywhere."""
    bits = data.draw(st.integers(0, 7 if plain else 10))
    payload, keep = drawn_problem(data, bits, 2)
    size = 2 ** ((bits + 1) // 2) + 2 ** (bits // 2)
    levels = data.draw(st.lists(st.integers(2, 5), min_size=1, max_size=3))
    leaf = max(3, (size - 1).bit_length() - sum(levels))
    shifts = [leaf + sum(levels[level + 1 :]) for level in range(len(levels))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meeting_points, "cells", lambda _: (np.array(shifts), np.array(levels)))
        with interpreted() if plain else nullcontext():
            (value,) = finished(meeting_points.MetPair(payload, (1, 0)))
    expected = meet.meet_reference(*reference(payload["columns"], payload["base"], keep), 1, 0)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("bits", [0, 1, 2, 11, 12, 30, 39, 40, 52, 56])
def test_cells_hold_all_points_down_to_a_few_dozen(bits):
    size = 2 ** ((bits + 1) // 2) + 2 ** (bits // 2)
    shifts, levels = (part.tolist() for part in meeting_points.cells(size))
    assert 1 << (shifts[0] + levels[0]) >= size
    assert all(upper == lower + bits for upper, lower, bits in zip(shifts[:-1], shifts[1:], levels[1:], strict=True))
    assert 3 <= shifts[-1] <= meeting_points.LARGEST_LEAF
    assert all(2 <= level <= 8 for level in levels)


def test_mask_weights_are_the_nearest_floats():
    weights = meeting_points.mask_weights(F(1, 3), 3, 2)
    assert weights[0, :4].tolist() == [1 / 27, 2 / 27, 4 / 27, 8 / 27]
    assert weights[1, :3].tolist() == [1 / 9, 2 / 9, 4 / 9]
    assert not weights[0, 4:].any()


@pytest.mark.parametrize(("rows", "bits", "q"), [(5, 17, F(1, 2)), (3, 18, F(1, 3)), (9, 16, F(1, 10))])
def test_it_agrees_with_the_walk_within_both_bounds(rows, bits, q):
    network, data = build(rows, bits, rows)
    table, found = (evaluate_float64(network, data, (q, F(1, 4)), strategy=s) for s in ("walk", "meet"))
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        room = table.error_bounds[name] + found.error_bounds[name]
        assert abs(getattr(table, name) - getattr(found, name)) <= room
        assert found.error_bounds[name] < 1e-10 * table.criterion


@pytest.mark.parametrize("activation", ["leaky_relu(1/7)", "leaky_relu(-2)", "leaky_relu(3)", "linear"])
def test_leaky_units_are_two_ramps(activation):
    rng = np.random.default_rng(11)
    network = Network(
        [rng.normal(size=(4, 14)), rng.normal(size=(2, 4))], [rng.normal(size=4), None], activation=activation
    )
    data = Examples.from_arrays(rng.normal(size=(2, 14)), rng.normal(size=(2, 2)))
    table, found = (evaluate_float64(network, data, (F(1, 3), F(1, 4)), strategy=s) for s in ("walk", "meet"))
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        room = table.error_bounds[name] + found.error_bounds[name]
        assert abs(getattr(table, name) - getattr(found, name)) <= room
        assert found.error_bounds[name] < 1e-9 * table.criterion


def test_massive_ties_are_no_trouble():
    network = Network([np.array([[1.0, -1.0, 1.0, -1.0] * 4, [1.0, 1.0, -1.0, -1.0] * 4]), [[1.0, 1.0]]])
    data = Examples.point([1.0] * 16, 1.0)
    table, found = (evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy=s) for s in ("walk", "meet"))
    assert abs(table.criterion - found.criterion) <= table.error_bound + found.error_bound
    assert found.error_bound < 1e-10 * found.criterion


@pytest.mark.parametrize(
    ("weights", "bias", "activation", "x", "y", "exact"),
    [
        ([[0.5, 0.2, -0.5], [0, 0, 0.3]], None, "leaky_relu(1/4)", [-1, 1, -1], 0, F("0.75875")),
        ([[0.0, -0.0, 1.0], [-0.0, 0.0, -1.0]], [-0.0, 0.0], "relu", [1, 1, 1], 1, None),
        ([[1.0, -1.0, 1.0], [-1.0, 1.0, 0.0]], [-0.0, -0.0], "relu", [1, -1, 1], 1, None),
    ],
)
def test_zeros_of_either_sign_are_equal(weights, bias, activation, x, y, exact):
    """(−0.0) − (+0.0) is −0.0, whose sign bit made the order lose one point and double another."""
    network = Network([weights, [1.0, 1.0]], None if bias is None else [bias, None], activation=activation).float64()
    data = Examples.point([float(v) for v in x], float(y))
    found = evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy="meet")
    expected = evaluate_exact(network.exact(), data.exact(), (F(1, 2), F(1, 2))).criterion
    if exact is not None:
        assert abs(expected - exact) < F(1, 10**12)
    assert abs(F(found.criterion) - expected) <= F(found.error_bound)
    assert found.error_bound < 1e-10


@pytest.mark.parametrize("seed", range(4))
def test_pruned_leaky_networks_keep_their_points(seed):
    """Weights of 0 have either sign after scaling; 26 inputs are the planner's own choice of this strategy."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(3, 26)) * (rng.random((3, 26)) < 0.6)
    network = Network([matrix, rng.normal(size=(1, 3))], activation="leaky_relu(1/4)")
    data = Examples.point(rng.normal(size=26), 1.0)
    found = evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy="meet")
    table = evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy="walk")
    assert abs(table.criterion - found.criterion) <= table.error_bound + found.error_bound


def test_points_beyond_float64_are_refused_before_they_are_ordered():
    payload = {
        "columns": np.full((4, 1), 1e308), "base": np.zeros(1), "weights": np.full((2, 32), 0.25), "stretch": 4096,
    }  # fmt: skip
    with pytest.raises(NumericalRange, match="beyond the range"):
        finished(meeting_points.MetUnit(payload, (0,)))


def test_steps_and_threads_change_no_bit(monkeypatch):
    network, data = build(4, 24, 1)
    problem = prepare(network, data, (F(1, 3), F(1, 2)))
    reference = reference_outputs(problem)
    told = []
    runners = (Runner(), Runner(threads=2), Runner(threads=3, progress=lambda done, total: told.append((done, total))))
    found = [meeting.run(problem, reference, 2, runner) for runner in runners]
    monkeypatch.setattr(meeting, "STEP_POINTS", meet.BLOCK)
    found.append(meeting.run(problem, reference, 2, Runner(threads=2)))
    for other in found[1:]:
        assert np.array_equal(other.moments, found[0].moments)
        assert np.array_equal(other.errors, found[0].errors)
    assert not meeting_points._LATEST
    assert told == sorted(told)
    assert told[-1] == (2 * 16, 2 * 16)


def test_equal_units_are_taken_once():
    network, data = build(3, 12, 4)
    rows = [0, 1, 0, 2, 1]
    many = Network([network.weights[0][rows], network.weights[1][:, rows]], [network.bias(0)[rows], None])
    table, found = (evaluate_float64(many, data, (F(1, 2), F(1, 4)), strategy=s) for s in ("walk", "meet"))
    for name in ("criterion", "variance", "penalty"):
        assert abs(getattr(table, name) - getattr(found, name)) <= table.error_bounds[name] + found.error_bounds[name]
    assert found.plan.visited == 2 * 3 * 2**7


def test_what_no_walk_could_enumerate_is_within_reach():
    network, data = build(3, 36, 5, 0.2)
    result = evaluate_float64(network, data, (F(1, 2), F(1, 2)))
    assert result.plan.strategy == "meet"
    assert result.plan.masks == 2**39
    assert result.error_bound < 1e-10 * result.criterion
