"""The pass over blocks of masks that makes value and gradient of one hidden layer: sums as plain loops have them."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.errors import NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.float64.derivatives.at_once import BlocksAtOnce
from exactdropout.numeric.float64.engine import Prepared
from exactdropout.numeric.kernels.gradient import blocks
from exactdropout.numeric.kernels.gradient.layout import Layer
from exactdropout.numeric.kernels.simd import masked, panels
from exactdropout.numeric.kernels.simd.compiled import compiled

from .entrywise import outside

OWN = ("decide_units", "open_unit", "residual_row", "masked_sums", "halve_rows")
SHARED = ("add_rows", "copy_row", "double_rows", "scale_row")
TIES = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.5, 1 / 3, -2.0, 0.1, 0.2, -0.3, 1 + 2.0**-52, 1e-3, 1e8, -1e-8, 5e-324, -1e-300]
)
RATES = st.sampled_from([F(1, 2), F(1, 3), F(2, 3), F(9, 10), F(1, 2**60), F(1, 10**30), 1 - F(1, 2**40), F(999, 1000)])


def plain():
    """Every vector operation of the pass by its reference."""
    names = {name: getattr(masked, f"{name}_reference") for name in OWN}
    return patch.multiple(blocks, **names, **{name: getattr(panels, f"{name}_reference") for name in SHARED})


def sums(run, columns, base, slope, weights, constants, thresholds, keep, bits=0):
    """What the pass finds of one example: indicators of each output, moments, near and values, over all items."""
    (units, below), outputs = columns.shape, len(weights)
    layer = Layer(np.ascontiguousarray(columns.T), base, weights, slope, keep, 1 - keep, 1.0, 0.5)
    integers, floats = blocks.block_space(units, below, outputs)
    items = np.array([[0, bits, prefix] for prefix in range(1 << bits)])
    results = np.full((len(items), blocks.row_size(units, below, outputs)), np.nan)
    space, counts = np.full(floats, np.nan), np.full(integers, -1)  # what is read before it is written shows
    arguments = layer, np.ones((1, units)), constants[None], thresholds[None], items
    assert run(*arguments, 0, 2.0**60, counts, space, results) == len(items)
    row, one = results.sum(axis=0), below * (1 + units)
    return (
        row[: outputs * one].reshape(outputs, below, -1),
        row[outputs * one : (outputs + 1) * one].reshape(below, -1),
        row[(outputs + 1) * one :][:below],
        row[(outputs + 1) * one + below :].reshape(outputs, 3),
    )


def assert_agree(found, columns, base, slope, weights, constants, thresholds, keep, near=True):
    for o, own in enumerate(weights):
        arguments = columns, base, slope, own, constants[o]
        for i, threshold in enumerate(thresholds):
            expected = blocks.block_reference(*arguments, threshold, keep)
            scale = 1 + np.abs(expected[0]).max() + np.abs(expected[1]).max()
            np.testing.assert_allclose(found[0][o][i], expected[0][i], rtol=1e-11, atol=1e-13 * scale)
            np.testing.assert_allclose(found[1][i], expected[1][i], rtol=1e-11, atol=1e-13 * scale)
            if near:
                np.testing.assert_allclose(found[2][i], expected[2][i], atol=1e-13)
        if slope == 0:
            np.testing.assert_allclose(found[3][o], expected[3], rtol=1e-11, atol=1e-12 * scale**2)


@pytest.mark.parametrize("units", [0, 1, 2, 3, 4, 6, 7, 8, 10, 13, 14, 15])
@pytest.mark.parametrize(("below", "outputs"), [(1, 1), (5, 2), (8, 1), (9, 1)])
def test_sums_are_those_of_the_plain_loop(units, below, outputs):
    """No to seven units of the table, six rows' and two chunks'; layers that fill vectors and that do not."""
    if units > 12 and (below, outputs) not in {(1, 1), (5, 2)}:
        return
    rng = np.random.default_rng(units)
    problem = [rng.normal(size=(units, below)), rng.normal(size=below)]
    rest = rng.normal(size=(outputs, below)), rng.normal(size=(outputs, 2))
    for slope, threshold, bits in ((0.0, 0.3, 0), (-0.25, 0.0, min(2, units))):
        thresholds = np.full(below, threshold)
        found = sums(blocks.block_sums, *problem, slope, *rest, thresholds, 0.6, bits)
        if units <= 10 or below <= 5:
            assert_agree(found, *problem, slope, *rest, thresholds[: 1 if units > 10 else None], 0.6)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), interpreted=st.booleans())
def test_ties_zeros_and_scales_are_those_of_the_plain_loop(data, interpreted):
    """T + Z is 0 at the least, at the largest and between, signed or not; thresholds count both sides."""
    units, below = data.draw(st.integers(0, 8)), data.draw(st.integers(1, 3))
    draw = lambda *shape: np.array([data.draw(TIES) for _ in range(int(np.prod(shape)))]).reshape(shape)  # noqa: E731
    columns, base, weights, constants = draw(units, below), draw(below), draw(1, below), draw(1, 2)
    slope, keep = data.draw(st.sampled_from([0.0, 0.1, -0.5, 3.0])), data.draw(st.sampled_from([0.5, 0.3, 1e-3, 1.0]))
    thresholds = np.array([data.draw(st.sampled_from([0.0, 1e-12])) for _ in range(below)])
    run = blocks.block_sums.py_func if interpreted else blocks.block_sums
    bits = data.draw(st.integers(0, min(2, units)))
    with plain() if interpreted else nullcontext():
        found = sums(run, columns, base, slope, weights, constants, thresholds, keep, bits)
    masks = np.array(list(itertools.product((0, 1), repeat=units)), dtype=float).reshape(1 << units, units)
    p = keep ** masks.sum(axis=1) * (1 - keep) ** (units - masks.sum(axis=1))
    exact = [  # every pre-activation as a fraction: signs are those of the numbers, not of a sum in some order
        [F(b) + sum(F(c) for c, kept in zip(column, mask, strict=True) if kept) for mask in masks]
        for b, column in zip(base.tolist(), columns.T.tolist(), strict=True)
    ]
    error = (units + 4) * 2.0**-53 * (np.abs(base) + np.abs(columns).sum(axis=0))
    for i in range(below):
        z = np.array([float(v) for v in exact[i]])
        moments = np.concatenate([[p @ np.maximum(z, 0)], (p * np.maximum(z, 0)) @ masks])
        assert (np.abs(found[1][i] - moments) <= error[i] + 1e-12 * np.abs(moments) + 1e-300).all()
        if thresholds[i] > 0:
            low, high = (p @ (np.abs(z) <= thresholds[i] + s * error[i]) for s in (-1, 1))
            assert low - 1e-12 <= found[2][i] <= high + 1e-12
        else:
            assert found[2][i] == 0
    doubtful = sum(float(p @ (np.abs([float(v) for v in exact[i]]) <= error[i])) for i in range(below))
    reach = np.abs(constants).max() + (1 + abs(slope)) ** 2 * np.abs(weights[0]) @ (
        np.abs(base) + np.abs(columns).sum(axis=0)
    )
    signs = np.array([[v > 0 for v in row] for row in exact])
    z = np.array([[float(v) for v in row] for row in exact])
    r = constants[0, 1] + weights[0] @ np.where(signs, z, slope * z)
    expected = np.concatenate([(p * r * signs).sum(axis=1)[:, None], (p * r * signs) @ masks], axis=1)
    assert (np.abs(found[0][0] - expected) <= (1e-12 + 2 * doubtful) * reach + 1e-300).all()


@pytest.mark.parametrize("width", [8, 16, 32, 64, 128])
def test_vector_operations_agree_with_their_references(width):
    """One row of two vectors of units, integers and halves: sums are exact, in whatever order."""

    @compiled
    def operate(space, counts, found):
        masked.decide_units(space, counts, 0, 0, 0.5, 16)
        for k in range(counts[masked.OPEN]):
            j = counts[counts[masked.LISTS] + 16 + k]
            found[j] = masked.open_unit(space, counts, 0, j, space[j], 0.5, 300 + 8 * j)
        for line in (-1, 500):
            found[16] += masked.residual_row(space, counts, 0, 200, line, 0, 2.0, 3.0, 0.25, 700, 900)
        for k in range(counts[masked.OPEN]):
            j = counts[counts[masked.LISTS] + 16 + k]
            found[17] += masked.masked_sums(space, counts, 0, j, 700, 0.5, 1000 + 8 * j)
        masked.halve_rows(space, 300, 4, 16, 1200)

    rng = np.random.default_rng(width)
    space = rng.integers(-4, 5, size=1500 + 33 * width) / 2
    counts = np.zeros(64, dtype=np.int64)
    # places of the stride, the extremes, the flags, Z, sums, T, values, the width, probabilities and eight numbers
    counts[:10] = [16, 32, 96, 112, 128, 1500, 1500 + 16 * width, width, 1500 + 32 * width, 1400]
    counts[masked.LISTS] = 20
    tables = space[1500 : 1500 + 16 * width].reshape(16, width)
    space[32:48], space[48:64] = tables.min(axis=1), tables.max(axis=1)
    space[:16] *= 4
    again, first, second = space.copy(), np.zeros(18), np.zeros(18)
    other = counts.copy()
    operate(space, counts, first)
    assert counts[masked.DECIDED] > 0
    assert counts[masked.OPEN] > 0
    with patch.multiple(masked, **{name: getattr(masked, f"{name}_reference") for name in OWN}):
        operate.py_func(again, other, second)
    assert np.array_equal(counts[:20], other[:20])
    for k, many in ((20, counts[masked.DECIDED]), (36, counts[masked.OPEN])):
        assert np.array_equal(counts[k : k + many], other[k : k + many])
    assert np.array_equal(first, second)
    bits = 8 if width == 128 else 1 + int(np.log2(width))  # the rest of the eight numbers means nothing
    for j in range(16):
        for begin in (300 + 8 * j, 1000 + 8 * j):
            space[begin + bits : begin + 8] = again[begin + bits : begin + 8] = 0
    space[900:916], again[900:916] = space[900:916].sum(), again[900:916].sum()
    space[1400:1408], again[1400:1408] = space[1400], again[1400]
    assert np.array_equal(space, again)


QUANTITIES = ("criterion", "risk", "penalty", "bias", "variance")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
@example(None)
def test_value_and_gradient_of_the_pass_contain_the_exact_numbers(data):
    """Ties, signed zeros, subnormals, mixed scales, rates next to 0 and to 1, rational data that is rounded."""
    if data is None:  # two chunks, nothing in doubt
        rng = np.random.default_rng(1)
        network = Network([rng.normal(size=(2, 14)), rng.normal(size=(1, 2))], [rng.normal(size=2), None])
        examples, q = Examples.point(rng.normal(size=14), 1.0), (F(1, 3), F(1, 4))
    else:
        inputs, hidden, outputs = (data.draw(st.integers(1, most)) for most in (5, 3, 2))
        number = st.one_of(TIES, st.floats(-1e3, 1e3))
        rows = [[data.draw(number) for _ in range(inputs)] for _ in range(hidden)]
        last = [[data.draw(number) for _ in range(hidden)] for _ in range(outputs)]
        biases = (
            [[data.draw(number) for _ in range(n)] for n in (hidden, outputs)] if data.draw(st.booleans()) else None
        )
        kind = data.draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)", "leaky_relu(1e-200)"]))
        network = Network([rows, last], biases, activation=kind)
        points = []
        for _ in range(data.draw(st.integers(1, 2))):
            x, y = [data.draw(number) for _ in range(inputs)], [data.draw(number) for _ in range(outputs)]
            points.append(([F(v) / 3 for v in x], y) if data.draw(st.booleans()) else (x, y))
        try:
            examples = Examples([(x, y, F(1, len(points))) for x, y in points])
        except Exception:  # floats beside fractions
            return
        q = (data.draw(RATES), data.draw(st.one_of(RATES, st.just(F(0)))))
    prepared = Prepared(network.architecture, examples, q, gradient=True)
    try:
        found = prepared.evaluate(network)
    except NumericalRange:
        return
    exact = evaluate_exact(network.exact(), examples.exact(), q, gradient=True)
    assert outside(found.gradient, exact.gradient) == []
    for name in QUANTITIES:
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name]), name
    for one, other in zip(found.mean, exact.mean, strict=True):
        assert abs(F(one) - other) <= F(found.error_bounds["mean"])


def test_the_value_comes_from_the_pass_and_examples_keep_their_places():
    """The pass takes the examples in an order of its own; values of each stand where the example stood."""
    rng = np.random.default_rng(3)
    network = Network([rng.normal(size=(3, 9)), rng.normal(size=(2, 3))], [rng.normal(size=3), rng.normal(size=2)])
    data, q = Examples.from_arrays(rng.normal(size=(4, 9)), rng.normal(size=(4, 2))), (F(1, 3), F(1, 2))
    prepared = Prepared(network.architecture, data, q, gradient=True)
    found = prepared.evaluate(network)
    assert isinstance(prepared._at_once, BlocksAtOnce)
    made = prepared._at_once(network, *_flat_and_records(prepared, network))
    assert made is not None
    assert made[1] is not None
    plain_value = Prepared(network.architecture, data, q).evaluate(network)
    for name in QUANTITIES:
        one, other = getattr(found.per_example, name, None), getattr(plain_value.per_example, name, None)
        if one is not None:
            np.testing.assert_allclose(np.array(one, dtype=float), np.array(other, dtype=float), rtol=1e-11)
        assert abs(getattr(found, name) - getattr(plain_value, name)) <= (
            found.error_bounds[name] + plain_value.error_bounds[name]
        )
    order = [2, 0, 3, 1]
    moved = Examples.from_arrays(data.inputs[order], data.labels[order])
    again = Prepared(network.architecture, moved, q, gradient=True).evaluate(network)
    for one, other in zip(found.gradient.weights, again.gradient.weights, strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(found.gradient.error_bounds.weights, again.gradient.error_bounds.weights, strict=True):
        assert np.array_equal(one, other)


def _flat_and_records(prepared, network):
    from exactdropout.numeric.float64.packed import flattened
    from exactdropout.numeric.float64.strategies.lanes import begun

    values = flattened(network)
    return values, begun(prepared._packed, values[None]).about[0]


def test_several_items_of_an_example_are_one_value():
    """Seventeen inputs are two items; the value is that of the walk within both bounds."""
    rng = np.random.default_rng(4)
    network = Network([rng.normal(size=(2, 17)), rng.normal(size=(1, 2))], [rng.normal(size=2), None])
    data, q = Examples.from_arrays(rng.normal(size=(2, 17)), rng.normal(size=(2, 1))), (F(1, 3), F(1, 2))
    prepared = Prepared(network.architecture, data, q, gradient=True)
    found, plain_value = prepared.evaluate(network), Prepared(network.architecture, data, q).evaluate(network)
    assert prepared._at_once is not None
    for name in QUANTITIES:
        assert abs(getattr(found, name) - getattr(plain_value, name)) <= (
            found.error_bounds[name] + plain_value.error_bounds[name]
        )
        assert found.error_bounds[name] <= 1.01 * plain_value.error_bounds[name]


@pytest.mark.parametrize(
    ("hidden", "outgoing", "x"),
    [
        ([-1.5e-5, 3e-21, -8.8e-42, -1.3e24], [1.2e43, -4e-52, 4e118, 1.6e-29], -7.2e-145),  # h² is 0, (wh)² is not
        ([1.6e-147, 1.6e-147], [-1.2e-145, 1e146], 6.7e-29),
        ([1e200, 1.0], [1e-200, 1.0], 1.0),  # w² is 0, h² infinite
        ([1e170, 3e169], [1e-170, 1e-169], 1.0),
        ([1e-170, 0.0], [1e170, 1.0], 1.0),
        ([2.0**-520], [2.0**11], 1.0),
    ],
)
def test_squares_of_units_that_underflow_or_overflow_beside_their_weights(hidden, outgoing, x):
    """Found by a campaign: Σ w² E h² in place of E Σ (w h)² lost half of the variance, far beyond its bound."""
    network = Network([[[v] for v in hidden], [outgoing]])
    data, q = Examples.from_arrays([[x], [x / 3]], [[0.8], [0.0]]), (F(1, 2), F(1, 3))
    exact = evaluate_exact(network.exact(), data.exact(), q)
    found = Prepared(network.architecture, data, q, gradient=True).evaluate(network)
    for name in QUANTITIES:
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name]), name
    assert abs(found.variance - float(exact.variance)) <= 1e-9 * float(exact.variance) or found.variance < 2.0**-1000
