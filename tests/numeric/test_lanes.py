"""The loops in vectors of eight doubles have the bits of the plain ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.numeric.kernels.simd import pair_products as lanes
from exactdropout.numeric.kernels.simd.compiled import compiled


@compiled
def relus(u, v, w, many, first, end):
    return lanes.products_of_relus(u, v, w, many, first, end)


@compiled
def below(u, v, w, cells, many, first, end):
    return lanes.products_below(u, v, w, cells, many, first, end)


@compiled
def prefixes(values, start, result, totals, rows, width):
    lanes.prefix_rows(values, start, result, totals, rows, width)


@compiled
def count(value):
    return lanes.ones(value)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.data())
def test_products(seed, blocks, data):
    size = lanes.LANES * (blocks + 1)
    many = data.draw(st.integers(0, size))
    first = data.draw(st.integers(many, size))
    rng = np.random.default_rng(seed)
    u, v = rng.integers(-3, 4, size=(2, size)) * rng.choice([1.0, 0.1, 1e300], size=(2, size))
    w, cells = rng.random(size), rng.integers(0, 3, size=size).astype(float)
    u[many:first] = np.nan  # what lies between A and B is left from before
    with np.errstate(all="ignore"):
        plain = (
            lanes.products_of_relus(u, v, w, many, first, size),
            lanes.products_below(u, v, w, cells, many, first, size),
        )
        found = relus(u, v, w, many, first, size), below(u, v, w, cells, many, first, size)
        direct = sum(
            w[x] * w[y] * max(u[x] + u[y], 0) * max(v[x] + v[y], 0) for x in range(many) for y in range(first, size)
        )
    np.testing.assert_array_equal(found, plain)
    np.testing.assert_allclose(found[0], direct, rtol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 4))
def test_prefixes(seed, rows, blocks):
    width = lanes.LANES * blocks
    rng = np.random.default_rng(seed)
    values, start = rng.normal(size=rows * width), rng.normal(size=rows * width)
    plain, totals = np.empty(rows * width), np.empty(width)
    found, found_totals = np.empty(rows * width), np.empty(width)
    lanes.prefix_rows(values, start, plain, totals, rows, width)
    prefixes(values, start, found, found_totals, rows, width)
    np.testing.assert_array_equal(found, plain)
    np.testing.assert_array_equal(found_totals, totals)
    expected = start.reshape(rows, width) + np.cumsum(values.reshape(rows, width), axis=0) - values.reshape(rows, width)
    np.testing.assert_allclose(found.reshape(rows, width), expected, atol=1e-12)


@given(st.integers(0, 2**62))
def test_ones(value):
    assert count(value) == lanes.ones(value) == bin(value).count("1")


def test_fetching_changes_nothing():
    array = np.arange(3.0)

    def run(array, index):
        lanes.fetch(array, index)
        return array[index]

    assert compiled(run)(array, 2) == 2.0
    lanes.fetch(array, 1)
    assert array.tolist() == [0.0, 1.0, 2.0]
