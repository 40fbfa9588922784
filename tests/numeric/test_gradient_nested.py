"""Nested tables for two hidden layers: vector steps as plain loops have them, and the gradient inside its bound."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.errors import NumericalRange
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_gradient
from exactdropout.numeric.float64.derivatives import gradient_nested as engine
from exactdropout.numeric.float64.derivatives.gradient import walked_gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.kernels.simd import adjoint_rows as rows
from exactdropout.numeric.runs.runner import Runner

from .entrywise import outside

step_row, near_row, activate_row = rows.step_row, rows.near_row, rows.activate_row
adjoint_row, halve_row, carry_row = rows.adjoint_row, rows.halve_row, rows.carry_row


@numba.njit
def every_step(z, h, weights, sums, deltas, kept, parts, thresholds):
    found = np.empty(4)
    step_row(z, 8, 0, weights, 8)
    found[0] = near_row(z, 0, thresholds, 0)
    found[1] = near_row(z, 8, thresholds, 8)
    found[2] = activate_row(z, 8, h, 0, 0.25, weights, 8)
    adjoint_row(z, 8, h, 0, weights, 8, sums, deltas, 0.25, 0.5, 2.0, 0.125, 0)
    adjoint_row(z, 8, h, 0, weights, 0, sums, deltas, -0.25, 0.75, 2.0, 0.125, 1)
    halve_row(deltas, 0, 8, kept, 8)
    found[3] = carry_row(kept, 8, 1.5, -0.75, parts, 8, weights, 0)
    return found


def test_vector_steps_are_the_plain_loops_bit_for_bit():
    rng = np.random.default_rng(0)
    mine = [rng.normal(size=16) for _ in range(8)]
    mine[7] = np.abs(mine[7]) / 100
    mine[0][3] = mine[7][3]
    plain = [a.copy() for a in mine]
    found = every_step(*mine)
    z, h, weights, sums, deltas, kept, parts, thresholds = plain
    rows.step_row_reference(z, 8, 0, weights, 8)
    expected = [rows.near_row_reference(z, 0, thresholds, 0), rows.near_row_reference(z, 8, thresholds, 8)]
    expected.append(rows.activate_row_reference(z, 8, h, 0, 0.25, weights, 8))
    rows.adjoint_row_reference(z, 8, h, 0, weights, 8, sums, deltas, 0.25, 0.5, 2.0, 0.125, 0)
    rows.adjoint_row_reference(z, 8, h, 0, weights, 0, sums, deltas, -0.25, 0.75, 2.0, 0.125, 1)
    rows.halve_row_reference(deltas, 0, 8, kept, 8)
    expected.append(rows.carry_row_reference(kept, 8, 1.5, -0.75, parts, 8, weights, 0))
    assert found[0] == 1
    assert found.tolist() == expected
    for a, b in zip(mine, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def nested(problem, runner=None):
    with np.errstate(over="ignore", invalid="ignore"):
        return engine.nested_gradient(problem[0], prepared_derivatives(prepare(*problem)), runner or Runner())


def gaussian(seed, *widths, examples=1, activation="relu", biases=True):
    rng = np.random.default_rng(seed)
    network = Network(
        [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)],
        [rng.normal(size=b) for b in widths[1:]] if biases else None,
        activation=activation,
    )
    inputs, labels = rng.normal(size=(examples, widths[0])), rng.normal(size=(examples, widths[-1]))
    return network, Examples.from_arrays(inputs, labels)


ENTRIES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, -0.3, 1 + 2.0**-52, 3.0, 1 / 3, 5e-324, 1e-300, 1e8]), st.floats(-1e3, 1e3)
)


@settings(max_examples=80, deadline=None)
@given(st.data())
@example(None)
def test_gradient_is_inside_its_bound_or_given_up(data):
    if data is None:  # rarely kept, and a kink up to rounding
        network = Network([[[0.01]], [[1.0]], [1.0]], [[-1.0], [0.0], None])
        problem = network, Examples.point([1.0], 1.0), (F(99, 100), F(1, 2), F(0))
        assert nested(problem) is None
        return
    widths = (*data.draw(st.sampled_from([(2, 2, 2), (1, 2, 2), (2, 1, 3), (3, 2, 1)])), data.draw(st.integers(1, 2)))
    draw = data.draw
    network = Network(
        [[[draw(ENTRIES) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)],
        [[draw(ENTRIES) for _ in range(b)] for b in widths[1:]] if draw(st.booleans()) else None,
        activation=draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)", "linear"])),
    )
    x, y = [draw(ENTRIES) for _ in range(widths[0])], [draw(ENTRIES) for _ in range(widths[-1])]
    if draw(st.booleans()):
        x, y = [F(v) / 3 for v in x], [F(v) / 7 for v in y]
    q = (draw(st.sampled_from([F(1, 2), F(1, 3), F(9, 10)])), draw(st.sampled_from([F(1, 2), F(1, 4)])), F(1, 3))
    problem = network, Examples([(x, y)]), q
    try:
        found = nested(problem)
    except NumericalRange:
        return
    if found is not None:
        assert outside(found, naive_gradient(network.exact(), problem[1].exact(), q)) == []


@pytest.mark.parametrize("widths", [(4, 3, 3, 1), (3, 4, 9, 2), (5, 2, 2, 1)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu(-1/3)"])
def test_ordinary_networks_are_taken_and_stay_inside(widths, activation):
    network, data = gaussian(2, *widths, examples=2, activation=activation)
    q = (F(1, 2), F(1, 3), F(1, 4))
    found = nested((network, data, q))
    assert outside(found, evaluate(network.exact(), data.exact(), q, gradient=True, max_cost=1000).gradient) == []
    assert found.error_bound < 1e-9 * max(np.abs(w).max() for w in found.weights)


def test_larger_tables_agree_with_the_walk():
    problem = (*gaussian(8, 8, 7, 11, 2, examples=3), (F(1, 3), F(1, 4), F(1, 2)))
    a, b = nested(problem), walked_gradient(problem[0], prepared_derivatives(prepare(*problem)), Runner())
    for mine, other in zip((*a.weights, *a.biases), (*b.weights, *b.biases), strict=True):
        np.testing.assert_allclose(mine, other, atol=a.error_bound + b.error_bound)


def test_a_doubt_sends_the_whole_gradient_to_the_walk():
    network = Network([[[0.1, 0.2]], [[1.0]], [1.0]], [[-0.2], [0.5], [0.0]])  # 0.1·2 − 0.2 is 0 up to rounding
    problem = network, Examples.point([1.0, 1.0], 1.0), (F(1, 2), F(1, 2), F(1, 2))
    assert nested(problem) is None
    found = evaluate(*problem, gradient=True).gradient
    assert outside(found, naive_gradient(network.exact(), problem[1].exact(), problem[2])) == []
    free = (*gaussian(3, 3, 3, 2, 1, biases=False), (F(1, 3), F(1, 2), F(1, 2)))
    assert nested(free) is not None  # nothing kept without a bias is exactly 0


def test_bits_do_not_depend_on_threads_or_chunks(monkeypatch):
    problem = (*gaussian(9, 5, 4, 3, 2, examples=4), (F(1, 3), F(1, 4), F(1, 5)))
    whole = nested(problem)
    monkeypatch.setattr(engine, "CHUNK_PAIRS", 1)
    pieces = nested(problem, Runner(threads=3))
    assert pieces.error_bound == whole.error_bound
    for a, b in zip((*whole.weights, *whole.biases), (*pieces.weights, *pieces.biases), strict=True):
        assert np.array_equal(a, b)
