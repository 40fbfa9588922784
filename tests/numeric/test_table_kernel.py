"""The table kernel and the sorted halves, compiled and interpreted, against loops over all masks."""

from __future__ import annotations

from contextlib import nullcontext
from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.strategies import enumerate as enumerating
from exactdropout.numeric.kernels.enumerate import subset_sums, table
from exactdropout.numeric.kernels.simd import maximum_panel, panels

ENTRIES = st.one_of(st.integers(-2, 2).map(float), st.floats(-4, 4, allow_subnormal=False))


def plain(module, *names, **others):
    """Patch compiled functions of the module by their interpreted forms, and vector operations by their references."""
    interpreted = {name: getattr(module, name).py_func for name in names}
    return patch.multiple(module, **interpreted, **others)


def interpreted_table():
    operations = ("copy_row", "add_rows", "maximum_panel", "negated_sum")
    modules = vars(panels) | vars(maximum_panel)
    references = {name: modules[f"{name}_reference"] for name in operations}
    return plain(table, "table_sums", "subsets", "subset_weights", "aligned", **references)


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_table_agrees_with_the_loop(interpreted, data):
    units, rows = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    positive = data.draw(st.integers(0, rows))
    drawn = st.lists(ENTRIES, min_size=units * rows, max_size=units * rows)
    columns, base = np.zeros((units, 16)), np.zeros(16)
    columns[:, :rows] = np.array(data.draw(drawn), dtype=float).reshape(units, rows)
    base[:rows] = data.draw(st.lists(ENTRIES, min_size=rows, max_size=rows))
    linear = np.array(data.draw(st.lists(ENTRIES, min_size=units, max_size=units)), dtype=float)
    keep = data.draw(st.sampled_from([0.5, 0.25, 0.9]))
    signs = np.where(np.arange(16) < positive, 1.0, -1.0)
    with interpreted_table() if interpreted else nullcontext():
        second = table.table_sums(columns, linear, base, units, 0, 0, positive, rows, 0.5, keep, 1 - keep)
    expected = table.table_reference(columns, base, signs, linear, 0.5, keep)[1]
    np.testing.assert_allclose(second, expected, rtol=1e-11, atol=1e-9)


def test_deep_tables_fold_their_blocks_and_prefixes():
    """17 units: 8 low, 6 high, 3 blocks of high ones; cut by a prefix of 2 bits; more rows than are written out."""
    rng = np.random.default_rng(7)
    columns, base, linear = np.zeros((17, 24)), np.zeros(24), rng.normal(size=17)
    columns[:, :19], base[:19] = rng.normal(size=(17, 19)), rng.normal(size=19)
    for keep, drop in ((0.6, 0.4), (0.5, 0.5)):
        parts = [
            table.table_sums(columns, linear, base, 17, prefix, bits, 11, 19, 0.1, keep, drop)
            for bits, prefix in [(0, 0), (2, 0), (2, 1), (2, 2), (2, 3)]
        ]
        halves = [drop * parts[1] + keep * parts[2], drop * parts[3] + keep * parts[4]]
        np.testing.assert_allclose(drop * halves[0] + keep * halves[1], parts[0], rtol=1e-13)
        kept = (np.arange(1 << 17)[:, None] >> np.arange(17) & 1).astype(float)
        weights = np.prod(np.where(kept > 0, keep, drop), axis=1)
        signs = np.where(np.arange(24) < 11, 1.0, -1.0)
        g = 0.1 + kept @ linear + np.maximum(base + kept @ columns, 0) @ signs
        np.testing.assert_allclose(parts[0], weights @ g**2, rtol=1e-11)


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_sorted_halves_agree_with_the_loop(interpreted, data):
    bits, units = data.draw(st.integers(0, 8)), data.draw(st.integers(1, 3))
    drawn = st.lists(ENTRIES, min_size=bits * units, max_size=bits * units)
    columns = np.array(data.draw(drawn), dtype=float).reshape(bits, units)
    base = np.array(data.draw(st.lists(ENTRIES, min_size=units, max_size=units)))
    keep = data.draw(st.sampled_from([0.5, 0.25, 0.9]))
    result = np.empty((units, 4))
    with plain(subset_sums, "unit_moments", "sorted_sums") if interpreted else nullcontext():
        subset_sums.unit_moments(columns, base, bits, keep, 1 - keep, *(np.empty((2, 16)) for _ in range(4)), result)
    expected = subset_sums.unit_moments_reference(columns, base, keep)
    np.testing.assert_allclose(result[:, :2], expected, rtol=1e-11, atol=1e-11)
    assert (result[:, 2:] >= result[:, :2] * (1 - 1e-12)).all()


@pytest.mark.parametrize("activation", ["relu", "leaky_relu(1/7)", "leaky_relu(-2)", "leaky_relu(3)", "linear"])
def test_enumerate_and_walk_agree_within_their_bounds(activation):
    rng = np.random.default_rng(11)
    network = Network(
        [rng.normal(size=(5, 16)), rng.normal(size=(2, 5))], [rng.normal(size=5), None], activation=activation
    )
    data = Examples.from_arrays(rng.normal(size=(2, 16)), rng.normal(size=(2, 2)))
    q = (F(1, 3), F(1, 4))
    walk, enumerate_ = (evaluate_float64(network, data, q, strategy=s) for s in ("walk", "enumerate"))
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        room = walk.error_bounds[name] + enumerate_.error_bounds[name]
        assert abs(getattr(walk, name) - getattr(enumerate_, name)) <= room
        assert room < 1e-9 * walk.criterion


def test_prefixes_and_threads_change_no_bit(monkeypatch):
    rng = np.random.default_rng(2)
    network = Network([rng.normal(size=(3, 24)), rng.normal(size=(1, 3))])
    data = Examples.from_arrays(rng.normal(size=(1, 24)), rng.normal(size=(1, 1)))
    monkeypatch.setattr(enumerating, "STEP_MASKS", 2.0**20)
    one, two = (evaluate_float64(network, data, (F(1, 2), F(1, 2)), strategy="enumerate", threads=t) for t in (1, 2))
    assert one.criterion == two.criterion
    assert one.error_bounds == two.error_bounds
