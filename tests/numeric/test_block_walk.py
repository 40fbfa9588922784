"""The walk by vectors of eight masks, compiled and on the plain references of its vector operations."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, nullcontext
from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.model import Examples, Network
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.float64.bounds import layer_magnitudes
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.packed import flattened, pack
from exactdropout.numeric.float64.problem import setting_of
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.float64.strategies import lanes
from exactdropout.numeric.float64.strategies.lanes import begun, walked_at_once
from exactdropout.numeric.kernels.simd import decided, panels
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.walk import one_layer
from exactdropout.numeric.kernels.walk import walk as block_walk
from exactdropout.testing.strategies import problems

NUMBERS = st.one_of(st.floats(-4, 4), st.sampled_from([0.0, 1.0, -1.0, 1e-3, 1e3]))
OPERATIONS = ("copy_row", "add_rows", "double_rows", "scale_row", "mix_rows", "fold_lanes", "lane_table")


def plain():
    """The walk of lanes interpreted, every vector operation by its reference."""
    names = {name: getattr(panels, f"{name}_reference") for name in OPERATIONS}
    for height in (1, 4):
        names[f"panel_{height}"] = lambda *a, height=height: panels.panel_reference(*a, height=height)
    patches = ExitStack()
    patches.enter_context(patch.multiple(block_walk, **names))
    shared = {name: names[name] for name in ("copy_row", "add_rows", "double_rows", "scale_row", "mix_rows")}
    own = {"block_row": decided.block_row_reference, "signed_row": decided.signed_row_reference}
    patches.enter_context(patch.multiple(one_layer, **shared, **own))
    return patches


def moments(network, data, rates, interpreted):
    """E g, E g², E Σ (w h)² of every output, by the kernel, and the pivots and where the walk starts."""
    setting = setting_of(network.architecture, data, rates)
    packed = pack(setting)
    made = begun(packed, flattened(network)[None])
    kernels = (None, block_walk.walk_lanes.py_func if interpreted else block_walk.walk_lanes, None)
    one = one_layer.walk_one_layer.py_func if interpreted else one_layer.walk_one_layer
    with patch.object(lanes, "_kernels", lambda: kernels), patch.object(lanes, "_one_layer", lambda: one):
        items = np.array([[0, e, 0, 0] for e in range(len(data))])
        results = walked_at_once(packed, made, items)
    outputs = network.architecture.outputs
    pivots = made.about[0, :, :outputs]
    return (
        results.reshape(len(data), outputs, panels.LANES)[:, :, :3],
        setting.problem(network).hidden(setting.first),
        pivots,
    )


def by_all_masks(network, start, first, rates, pivot):
    """The same by the loop over all masks of the walked layers, layer by layer."""
    last = len(rates) - 1
    weights, bias = network.weights[first], network.bias(first)
    slope, keep = float(network.architecture.activations[first].slope), float(1 - rates[first])
    outputs, constants = network.weights[-1], network.bias(last) - pivot
    if first == last - 1:
        return block_walk.block_reference(weights, bias, slope, keep, start, outputs, constants)
    total = 0.0
    for mask in itertools.product((0, 1), repeat=len(start)):
        kept = np.array(mask, dtype=float)
        probability = keep ** kept.sum() * (1 - keep) ** (len(start) - kept.sum())
        if probability > 0:
            z = weights @ (start * kept / keep) + bias
            total = total + probability * by_all_masks(network, np.where(z > 0, z, slope * z), first + 1, rates, pivot)
    return total


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=25, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=7, max_hidden=3))
def test_lanes_agree_with_the_loop_over_all_masks(interpreted, problem):
    network, data, rates = problem
    first = next((l for l, q in enumerate(rates[:-1]) if q > 0), len(rates) - 1)
    if first == len(rates) - 1:
        return
    with plain() if interpreted else nullcontext():
        found, starts, pivots = moments(network, data, rates, interpreted)
    for e, start in enumerate(starts):
        expected = by_all_masks(network, start, first, rates, pivots[e])
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
        found, starts, pivots = moments(network, data, rates, False)
        np.testing.assert_allclose(
            found[0], by_all_masks(network, starts[0], 0, rates, pivots[0]), rtol=1e-11, atol=1e-11
        )


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
    data = Examples.from_arrays(data.inputs[:1], data.labels[:1])  # the arrays ask whether all examples are exact
    setting = setting_of(network.architecture, data, rates)
    packed, prepared = pack(setting), setting.problem(network)
    values = flattened(network)[None]
    expected = layer_magnitudes(prepared, dropout=True)
    widths, units = network.architecture.widths, np.cumsum([0, *network.architecture.widths])
    made, work = begun_with_work(packed, values)
    hidden, sizes, _, reaches, wrongs = work.reshape(5, -1)
    lost = 2.0**-1000  # of the inputs; what underflow may have taken by then
    for l in range(len(rates)):
        here, below = slice(units[l], units[l + 1]), slice(units[l + 1], units[l + 1] + widths[l + 1])
        np.testing.assert_allclose(sizes[here], expected.sizes[l][0], rtol=1e-7, atol=lost)
        scale = setting.inverse_keep[l]
        lost = 2 * (lost * (1 + scale * np.abs(network.weights[l]).sum()) + 2.0**-1000)
        np.testing.assert_allclose(reaches[below], expected.reaches[l][0], rtol=1e-7, atol=lost)
        np.testing.assert_allclose(wrongs[below], expected.wrongs[l][0], rtol=1e-6, atol=lost)
    outputs = network.architecture.outputs
    reference = reference_outputs(prepared)
    np.testing.assert_allclose(made.about[0, 0, :outputs], reference.output.value[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(hidden[units[-2] :], reference.output.value[0], rtol=1e-9, atol=1e-9)
    plain = layer_magnitudes(prepared, dropout=False).output_error[0]
    np.testing.assert_allclose(made.about[0, 0, outputs : 2 * outputs], plain, rtol=1e-6, atol=lost)


def begun_with_work(packed, values):
    """What begin leaves, and its workspace."""
    kept = []
    compiled_begin = lanes._kernels()[0]

    def watched(*arguments):
        compiled_begin(*arguments)
        kept.append(arguments[-1])

    with patch.object(lanes, "_kernels", lambda: (watched, None, None)):
        made = begun(packed, values)
    return made, kept[0]


def test_scaled_weights_beyond_the_range_are_walked_leaf_by_leaf():
    """|w| W overflows although no pre-activation does; a relu would turn the infinity into 0."""
    network = Network([[[-1e200, 1e-60]], [[1e200]]])
    data = Examples.point([1e-300, 1e-80], 1.0)
    packed = pack(setting_of(network.architecture, data, (F(1, 2), F(1, 2))))
    assert not begun(packed, flattened(network)[None]).in_range
    found = evaluate_float64(network, data, (F(1, 2), F(1, 2)))
    assert abs(F(found.criterion) - evaluate_exact(network.exact(), data.exact(), (F(1, 2),) * 2).criterion) <= F(
        found.error_bound
    )


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


def test_items_and_budgets_of_one_layer_change_no_bit_of_a_part():
    """A prefix fixes the units that change most; an interrupted walk goes on where it stood."""
    rng = np.random.default_rng(11)
    network = Network([rng.normal(size=(5, 17)), rng.normal(size=(2, 5))], [rng.normal(size=5), rng.normal(size=2)])
    data, rates = Examples.from_arrays(rng.normal(size=(1, 17)), rng.normal(size=(1, 2))), (F(1, 3), F(1, 2))
    packed = pack(setting_of(network.architecture, data, rates))
    assert packed.sizes.one_layer
    made = begun(packed, flattened(network)[None])
    whole = walked_at_once(packed, made, np.array([[0, 0, 0, 0]]))
    parts = np.array([[0, 0, 3, prefix] for prefix in range(8)])
    values = walked_at_once(packed, made, parts)
    running = lanes.WalkedLanes(lanes._payload(packed, made, parts, 1), (0, 8))
    steps = 1
    while not running.step():
        steps += 1
    assert steps > 8
    assert np.array_equal(running.result, values)
    drop, keep = 1 / 3, 2 / 3
    for _ in range(3):
        values = drop * values[0::2] + keep * values[1::2]
    np.testing.assert_allclose(values, whole, rtol=1e-13)
    masks = (np.arange(1 << 17)[:, None] >> np.arange(17) & 1).astype(float)
    h = np.maximum(masks * data.inputs[0] / keep @ network.weights[0].T + network.bias(0), 0.0)
    g = h @ network.weights[1].T + network.bias(1) - made.about[0, 0, :2]
    p = keep ** masks.sum(axis=1) * drop ** (17 - masks.sum(axis=1))
    expected = np.stack([p @ g, p @ g**2, p @ h**2 @ (network.weights[1] ** 2).T], axis=1)
    np.testing.assert_allclose(whole.reshape(2, 8)[:, :3], expected, rtol=1e-11)


@compiled
def one_row(space, counts, signs, first, rows, z):
    decided.block_row(space, counts, 0, signs, 0, first, rows, z, 0.7, 0.3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(3, 5), st.booleans())
def test_rows_of_blocks_agree_with_the_plain_loop(seed, sets, low, rounded):
    """Rounded numbers bring ties: T + Z = 0 at the least, at the largest and between."""
    rng = np.random.default_rng(seed)
    rows, wide, stride = 4 * sets, 1 << low, 8 * -(-4 * sets // 8)
    columns = rng.normal(size=(low, stride))
    z = rng.normal(size=stride)
    if rounded:
        columns, z = np.round(columns), np.round(z)
    tables = np.where(rng.random(stride) < 0.5, -1.0, 1.0)
    at, offsets = 0, [0, 4 * stride, (4 + wide) * stride]
    offsets += [offsets[2] + 4 * stride * wide, offsets[2] + 4 * stride * wide + wide]
    end = offsets[4] + 4 * 8
    counts = np.zeros(40 + 2 * stride, dtype=np.int64)
    counts[:8] = [offsets[0], stride, offsets[1], offsets[2], wide, offsets[3], offsets[4], 8]
    space = np.zeros(end + (low + 1) * stride)
    space[end : end + low * stride] = columns.ravel()
    space[end + low * stride :] = z
    counts[30 + 2 * stride : 30 + 2 * stride + low] = end + stride * np.arange(low)
    with patch.object(one_layer, "signed_row", decided.signed_row_reference):
        one_layer.block_tables(space, counts, at, 30 + 2 * stride, low, tables, 0, 0.25, 0.75)
    first = 4 * (sets - 1) if sets > 1 else 0
    plain = space.copy()
    one_row(space, counts, tables, first, rows - first, end + low * stride)
    decided.block_row_reference(plain, counts, 0, tables, 0, first, rows - first, end + low * stride, 0.7, 0.3)
    found, expected = (a[offsets[4] : end].reshape(4, 8) for a in (space, plain))
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[3].sum(), expected[3].sum(), rtol=1e-12, atol=1e-12)
    # every mask by itself, without tables of sets
    masks = np.array([[l >> k & 1 for k in range(low)] for l in range(wide)], dtype=float)
    h = np.maximum(masks @ columns[:, first:rows] + z[first:rows], 0.0)
    p = 0.25 ** masks.sum(axis=1) * 0.75 ** (low - masks.sum(axis=1))
    g = 0.7 + h @ tables[first:rows]
    by_hand = 0.3 * np.array([p @ g, p @ g**2, p @ (h**2).sum(axis=1)])
    sums = found.sum(axis=1)
    np.testing.assert_allclose([sums[0], sums[1], sums[2] + sums[3]], by_hand, rtol=1e-11, atol=1e-12)
