"""The walk by vectors of eight masks, compiled and on the plain references of its vector operations."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.model import Examples, Network
from exactdropout.numeric.float64 import one_call as small
from exactdropout.numeric.float64.bounds import layer_magnitudes
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.packed import flat_examples, flat_network, flat_rates
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.kernels.simd import panels
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.walk import error_bounds as certain
from exactdropout.numeric.kernels.walk import walk as block_walk
from exactdropout.numeric.kernels.walk import whole_call as fused
from exactdropout.testing.strategies import problems

NUMBERS = st.one_of(st.floats(-4, 4), st.sampled_from([0.0, 1.0, -1.0, 1e-3, 1e3]))
OPERATIONS = ("copy_row", "add_rows", "double_rows", "scale_row", "mix_rows", "fold_lanes", "lane_table")


def plain():
    """The walk of lanes interpreted, every vector operation by its reference."""
    names = {name: getattr(panels, f"{name}_reference") for name in OPERATIONS}
    for height in (1, 2, 4):
        names[f"panel_{height}"] = lambda *a, height=height: panels.panel_reference(*a, height=height)
    return patch.multiple(block_walk, **names)


def moments(network, data, rates, interpreted):
    """E g, E g², E Σ (w h)² of every output, by the kernel."""
    flat, masks = flat_network(network), flat_rates(rates)
    first, m, outputs = masks.first, len(data), network.architecture.outputs
    starts = np.ascontiguousarray(prepare(network, data, rates).hidden(first))
    results = np.zeros((m, panels.LANES * outputs))
    constants = np.tile(network.bias(len(rates) - 1) - 0.25, m)
    most = max([1, *network.architecture.widths[first:-2]])
    run = fused.walk_small.py_func if interpreted else fused.walk_small
    with patch.multiple(
        fused, walk_lanes=block_walk.walk_lanes.py_func, block_weights=block_walk.block_weights.py_func,
        aligned=fused.aligned.py_func,
    ) if interpreted else nullcontext():  # fmt: skip
        outcome = run(
            first, most, flat.layout, flat.columns, flat.bases, flat.groups, flat.signs, flat.slopes, masks.masks,
            starts, constants, results,
        )  # fmt: skip
    assert outcome == block_walk.DONE
    return results.reshape(m, outputs, panels.LANES)[:, :, :3], starts


def by_all_masks(network, start, first, rates):
    """The same by the loop over all masks of the walked layers, layer by layer."""
    last = len(rates) - 1
    weights, bias = network.weights[first], network.bias(first)
    slope, keep = float(network.architecture.activations[first].slope), float(1 - rates[first])
    outputs, constants = network.weights[-1], network.bias(last) - 0.25
    if first == last - 1:
        return block_walk.block_reference(weights, bias, slope, keep, start, outputs, constants)
    total = 0.0
    for mask in itertools.product((0, 1), repeat=len(start)):
        kept = np.array(mask, dtype=float)
        probability = keep ** kept.sum() * (1 - keep) ** (len(start) - kept.sum())
        if probability > 0:
            z = weights @ (start * kept / keep) + bias
            total = total + probability * by_all_masks(network, np.where(z > 0, z, slope * z), first + 1, rates)
    return total


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=25, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=7, max_hidden=3))
def test_lanes_agree_with_the_loop_over_all_masks(interpreted, problem):
    network, data, rates = problem
    first = flat_rates(rates).first
    if first == len(rates) - 1:
        return
    with plain() if interpreted else nullcontext():
        found, starts = moments(network, data, rates, interpreted)
    for e, start in enumerate(starts):
        expected = by_all_masks(network, start, first, rates)
        scale = np.abs(expected).max() + 1
        np.testing.assert_allclose(found[e], expected, rtol=1e-10, atol=1e-11 * scale**2)


def test_all_blocks_and_walked_units():
    """1 to 12 inputs: none to 3 low units, none to 6 middle ones, and walked ones above them; slopes of every kind.

    With q = 1/2 the masks of a block have one weight; up to 8 units of the layer above are then summed in another way.
    """
    rng = np.random.default_rng(5)
    kinds = (("relu", F(1, 3), 3), ("leaky_relu(1/7)", F(1, 3), 3), ("leaky_relu(3)", F(1, 2), 7), ("relu", F(1, 2), 9))
    for units, (activation, q, above) in itertools.product(range(1, 13), kinds):
        network = Network(
            [rng.normal(size=(above, units)), rng.normal(size=(2, above))],
            [rng.normal(size=above), rng.normal(size=2)],
            activation=activation,
        )
        data = Examples.from_arrays(rng.normal(size=(1, units)), rng.normal(size=(1, 2)))
        rates = (q, F(1, 2))
        found, starts = moments(network, data, rates, False)
        np.testing.assert_allclose(found[0], by_all_masks(network, starts[0], 0, rates), rtol=1e-11, atol=1e-11)


GROWING = (
    Network([[[0.0], [0.0]], [[1e6, 1e6]] * 2, [[1e6, 1e6]] * 2, [[1e6, 1e6]]]),
    Examples.point([1.0], 0.0),
    (F(1, 2),) * 4,
)
"""The terms for underflow, 2^-1022 compiled and 2^-1074 by arrays, grow with the weights behind them."""


@settings(max_examples=60, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=12, max_hidden=3))
@example(problem=GROWING)
def test_compiled_bounds_are_those_of_the_arrays(problem):
    network, data, rates = problem
    prepared = prepare(network, data, rates)
    flat, examples, masks = flat_network(network), flat_examples(data), flat_rates(rates)
    depth = len(rates)
    units = flat.layout[1]
    for dropout in (False, True):
        expected = layer_magnitudes(prepared, dropout=dropout)
        scales, exponents = (masks.masks[3], masks.exponents) if dropout else (np.ones(depth), np.zeros(depth, int))
        for e in range(len(data)):
            hidden, sizes, errors, reaches, wrongs = np.zeros((5, units[depth] + network.architecture.outputs))
            hidden[: units[1]] = examples.inputs[e]
            errors[: units[1]] = examples.input_errors[e]
            sizes[: units[1]] = np.abs(examples.inputs[e]) + examples.input_errors[e]
            certain.propagate(
                flat.layout[0], units, flat.weights, flat.layout[2], flat.biases, flat.layout[3], flat.slopes[0],
                flat.slopes[1], scales, exponents, flat.layout[7], flat.layout[8], examples.grid,
                hidden, sizes, errors, reaches, wrongs,
            )  # fmt: skip
            lost = 2.0**-1000  # of the inputs; what underflow may have taken by then
            for l in range(depth):
                begin, end = units[l + 1], units[l + 1] + network.architecture.widths[l + 1]
                lost = 2 * (lost * (1 + scales[l] * np.abs(network.weights[l]).sum()) + 2.0**-1000)
                np.testing.assert_allclose(reaches[begin:end], expected.reaches[l][e], rtol=1e-7, atol=lost)
                expected_wrong = expected.wrongs[l][e]
                assert (wrongs[begin:end] <= expected_wrong * (1 + 1e-6) + lost).all()
                if len(data) == 1:  # otherwise the array version asks whether all examples are exact
                    np.testing.assert_allclose(wrongs[begin:end], expected_wrong, rtol=1e-6, atol=lost)
            if not dropout:
                np.testing.assert_allclose(
                    hidden[units[depth] :], reference_outputs(prepared).output.value[e], rtol=1e-9, atol=1e-9
                )


def test_scaled_weights_beyond_the_range_take_the_general_path():
    """|w| W overflows although no pre-activation does; a relu would turn the infinity into 0."""
    network = Network([[[-1e200, 1e-60]], [[1e200]]])
    assert not flat_network(network).finite
    data = Examples.point([1e-300, 1e-80], 1.0)
    assert small.plan_small(network, data, (F(1, 2), F(1, 2)), None, None) is None
    assert evaluate_float64(network, data, (F(1, 2), F(1, 2))).criterion > 0


def test_a_network_keeps_no_result_and_a_copy_no_memo():
    network = Network([[[1.0, 2.0]], [[1.0]]])
    data = Examples.point([1.0, 2.0], 1.0)
    rates = (F(1, 2), F(1, 2))
    evaluate_float64(network, data, rates)
    assert set(network.memo) == {"flat", "small"}
    assert set(data.memo) == {"flat"}
    assert set(network.memo["small"]._fields) == {"data", "rates", "strategy", "max_cost", "plan", "arguments"}
    for original in (network, data):
        copy = type(original).__new__(type(original))
        copy.__setstate__(original.__getstate__())
        assert copy == original
        assert copy.memo == {}


def test_what_a_network_keeps_is_used_for_the_same_problem_only():
    """The same network by turns with other examples, rates, strategies and limits, as if it were new each time."""
    weights = [[[1.0, -2.0], [0.5, 3.0]], [[1.0, -1.0]]]
    network = Network(weights)
    points = [Examples.point([1.0, 2.0], 1.0), Examples.point([-1.0, 0.5], 0.0)]
    for data, q, strategy, cost in itertools.product(points, (F(1, 2), F(1, 3)), (None, "walk", "meet"), (None, 1e9)):
        for _ in range(2):
            arguments = (data, (q, q)), {"strategy": strategy, "max_cost": cost}
            assert evaluate_float64(network, *arguments[0], **arguments[1]) == evaluate_float64(
                Network(weights), *arguments[0], **arguments[1]
            )
    evaluate_float64(network, points[0], (F(1, 2),) * 2)
    assert small.plan_small(network, points[0], (F(1, 2),) * 2, None, 1.0) is None
    many = Examples.uniform([([1.0, float(i)], 0.0) for i in range(small.MOST_KEPT)])
    assert small.plan_small(network, many, (F(1, 2),) * 2, None, None) is not None
    assert network.memo["small"].data is points[0]


def test_vector_operations_agree_with_their_references():
    @compiled
    def operate(target, source, column, mixed, totals, values, doubled):
        panels.copy_row(target, 8, 8, source, 1)
        panels.add_rows(target, 16, 16, source, 0, column, 8)
        panels.scale_row(target, 32, 8, column, 3, -1.5)
        panels.double_rows(doubled, 1, 16, column, 2)
        panels.double_rows(doubled, 2, 16, column, 5)
        panels.double_rows(doubled, 4, 16, column, 0)
        panels.mix_rows(mixed, 0, 8, source, 2, column, 4, 0.25, 0.75)
        panels.fold_lanes(values, 8, totals, source, 8)
        panels.lane_table(totals, column, 0, 3, 6, 3)

    rng = np.random.default_rng(1)
    source, column, totals = rng.normal(size=24), rng.normal(size=24), rng.normal(size=24)
    made, again = (
        (np.zeros(48), source, column, np.zeros(8), totals.copy(), np.ones(24), np.tile(source, 6)) for _ in range(2)
    )  # two sets of the same arguments
    operate(*made)
    references = {name: getattr(panels, f"{name}_reference") for name in OPERATIONS}
    with patch.multiple(panels, **references):
        operate.py_func(*again)
    for one, two in zip(made, again, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-15)
