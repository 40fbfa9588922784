"""The table kernel of the gradient: sums over masks as plain loops have them, and the gradient inside its bound."""

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
from exactdropout.numeric.float64.derivatives import gradient_table as engine
from exactdropout.numeric.float64.derivatives import table_items as division
from exactdropout.numeric.float64.derivatives.gradient import walked_gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.derivatives.table_items import applies
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.kernels.gradient import conditional_moments as masks_of
from exactdropout.numeric.kernels.gradient import indicators as kernel
from exactdropout.numeric.kernels.gradient import sorted_halves as halves
from exactdropout.numeric.kernels.gradient.layout import Active, Layer
from exactdropout.numeric.kernels.simd.positive_parts import add_positive_parts
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


def indicator_sums(run, columns, base, bits, prefix, slope, weights):
    """Return what the kernel finds for one item of one example, for p = 3/5."""
    units, below = columns.shape
    layer = Layer(np.empty((below, units)), base, weights[None], slope, 0.6, 0.4, 1 / 0.6, 0.4 / 0.6)
    active = Active(np.arange(units)[None], np.array([units]), columns[None])
    result = np.empty((1, 1, below, 1 + units))
    items, space = np.array([[0, bits, prefix]]), kernel.indicator_space(below)
    assert run(layer, active, np.array([[0.5]]), items, 0, 1.0, space, result) == 1
    return result[0, 0]


@pytest.mark.parametrize("units", [0, 1, 3, 7, 8, 9, 10, 11, 12])
@pytest.mark.parametrize("below", [1, 5, 8])
def test_indicator_sums_are_those_of_the_plain_loop(units, below):
    rng = np.random.default_rng(units)
    columns, base, weights = rng.normal(size=(units, below)), rng.normal(size=below), rng.normal(size=below)
    for bits, slope in ((0, 0.0), (min(2, units), -0.25)):
        total, kept = np.zeros(below), np.zeros((below, units))
        for prefix in range(1 << bits):
            result = indicator_sums(kernel.indicator_sums, columns, base, bits, prefix, slope, weights)
            total, kept = total + result[:, 0], kept + result[:, 1:]
        expected, expected_kept = kernel.indicator_reference(columns, base, slope, weights, 0.5, 0.6)
        np.testing.assert_allclose(total, expected, atol=1e-13)
        np.testing.assert_allclose(kept, expected_kept, atol=1e-13)


def fill_moments(layer, active, thresholds, results, near):
    """Fill in all examples, by both kernels; each takes its own."""
    masks_of.conditional_moments(layer, active, thresholds, masks_of.direct_space(), results, near)
    space = halves.halves_of(int(active.counts.max()))
    halves.moments_by_halves(layer, active, thresholds, space, results, near)


@settings(max_examples=25, deadline=None)
@given(
    column=st.lists(st.sampled_from([0.0, 1.0, -1.0, 0.5, 1 / 3, -2.0, 1e-3]), max_size=7),
    base=st.sampled_from([0.0, 1.0, -0.5, 1 / 3]),
    threshold=st.sampled_from([0.0, 1e-12, 0.25]),
)
def test_conditional_moments_are_those_of_the_plain_loop(column, base, threshold):
    """Ties abound: the probability of being near 0 counts equal sums on both sides."""
    count = len(column)
    columns = np.array(column, dtype=float).reshape(count, 1)
    results, nears = np.empty((1, 1, 1 + count)), np.empty((1, 1))
    layer = Layer(np.empty((1, count)), np.array([base]), np.empty((1, 1)), 0.0, 0.6, 0.4, 1 / 0.6, 0.4 / 0.6)
    active = Active(np.arange(count)[None], np.array([count]), columns[None])
    fill_moments(layer, active, np.array([[threshold]]), results, nears)
    result, near = results[0], nears[0]
    np.testing.assert_allclose(result[0], masks_of.conditional_reference(columns[:, 0], base, 0.6), atol=1e-13)
    expected = 0.0
    for mask in itertools.product((0, 1), repeat=count):
        first = sum(c for c, kept in zip(column[: (count + 1) // 2], mask, strict=False) if kept)
        second = sum(c for c, kept in zip(column[(count + 1) // 2 :], mask[(count + 1) // 2 :], strict=True) if kept)
        if threshold and abs(base + first + second) <= threshold * (1 - 1e-9):
            expected += 0.6 ** sum(mask) * 0.4 ** (count - sum(mask))
    assert near[0] >= expected - 1e-15
    assert near[0] <= expected + 1e-12 or threshold == 0.25


@pytest.mark.parametrize("count", [4, 5, 6, 9, 10, 13, 15, 16, 17])
def test_moments_of_many_inputs_are_the_sums_over_all_masks(count):
    """Below, at and above the counts at which all masks are visited; a twentieth of the masks is near 0."""
    rng = np.random.default_rng(count)
    columns, base, keep = rng.normal(size=(count, 2)), rng.normal(size=2), 0.3
    masks = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
    chances = np.prod(np.where(masks, keep, 1 - keep), axis=1)
    z = base + masks @ columns
    thresholds = np.array([[0.0, np.quantile(np.abs(z[:, 1]), 0.05)]])
    layer = Layer(np.empty((2, count)), base, np.empty((1, 2)), 0.0, keep, 1 - keep, 1 / keep, 0.4)
    active = Active(np.arange(count)[None], np.array([count]), columns[None])
    results, near = np.empty((1, 2, 1 + count)), np.empty((1, 2))
    fill_moments(layer, active, thresholds, results, near)
    positive = chances[:, None] * np.maximum(z, 0.0)
    np.testing.assert_allclose(results[0, :, 0], positive.sum(axis=0), atol=1e-13)
    np.testing.assert_allclose(results[0, :, 1:], positive.T @ masks, atol=1e-13)
    np.testing.assert_allclose(near[0], [0.0, chances @ (np.abs(z[:, 1]) <= thresholds[0, 1])], atol=1e-13)


def test_an_exact_zero_is_not_near_where_signs_are_exact():
    """A threshold of 0 says that every sign is the exact one; six masks of these five inputs are exactly 0."""
    column = np.array([1.0, -1.0, 1.0, -1.0, 4.0]).reshape(5, 1)
    layer = Layer(np.empty((1, 5)), np.zeros(1), np.empty((1, 1)), 0.0, 0.5, 0.5, 2.0, 1.0)
    active = Active(np.arange(5)[None], np.array([5]), column[None])
    near = np.empty((1, 1))
    for threshold, expected in ((0.0, 0.0), (1e-300, 6 / 32)):
        results = np.empty((1, 1, 6))
        fill_moments(layer, active, np.array([[threshold]]), results, near)
        assert near[0, 0] == expected


def test_the_vectors_of_positive_parts_are_the_plain_loop():
    rng = np.random.default_rng(3)
    table, weights = rng.normal(size=64), rng.random(64)
    table[5] = -0.25

    @numba.njit
    def compiled(table, weights, sums, near):
        return add_positive_parts(table, 64, weights, 0.25, 0.5, 0.1, sums, near)

    plain, sums, near = (np.zeros(n) for n in (64, 64, 8))
    lanes = np.zeros(8)
    expected = add_positive_parts(table, 64, weights, 0.25, 0.5, 0.1, plain, lanes)
    assert compiled(table, weights, sums, near) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_array_equal(sums, plain)
    np.testing.assert_allclose(near, lanes, rtol=1e-14)
    assert near.sum() == pytest.approx(0.5 * weights[np.abs(table + 0.25) <= 0.1].sum(), rel=1e-14)


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


@pytest.mark.parametrize(
    ("units", "below", "slope"), [(3, 5, 0.1), (3, 5, 0.0), (12, 1, 0.0), (12, 9, 0.0), (13, 17, -0.5)]
)
def test_the_kernel_runs_interpreted(units, below, slope):
    """The same source without Numba; its vectors differ from the plain functions by what is fused."""
    rng = np.random.default_rng(0)
    columns, base, weights = rng.normal(size=(units, below)), rng.normal(size=below), rng.normal(size=below)
    results = []
    for run in (kernel.indicator_sums, kernel.indicator_sums.py_func):
        results.append(indicator_sums(run, columns, base, 0, 0, slope, weights))
    np.testing.assert_allclose(*results, rtol=1e-12, atol=1e-13)
    total, kept = kernel.indicator_reference(columns, base, slope, weights, 0.5, 0.6)
    np.testing.assert_allclose(results[0], np.column_stack([total, kept]), rtol=1e-11, atol=1e-12)
