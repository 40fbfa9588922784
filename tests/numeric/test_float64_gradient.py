"""The float64 gradient: inside its bound of the exact one, kinks included, and worth its bound elsewhere."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.errors import NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_gradient
from exactdropout.numeric.float64.derivatives import gradient as engine
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.kernels.gradient import walk as kernel
from exactdropout.numeric.runs.runner import Runner
from exactdropout.testing.strategies import problems

from .entrywise import outside

HALF = F(1, 2)


def walked(network, data, q, runner):
    """The walk, whichever kernel would be taken."""
    return engine.walked_gradient(network, prepared_derivatives(prepare(network, data, q)), runner)


def gaussian(seed, *widths, examples=1, biases=True):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) / math.sqrt(a) for a, b in itertools.pairwise(widths)]
    vectors = [rng.normal(size=b) / 4 for b in widths[1:]] if biases else None
    return Network(weights, vectors), Examples.from_arrays(
        rng.normal(size=(examples, widths[0])), rng.normal(size=(examples, widths[-1]))
    )


@settings(max_examples=30, deadline=None)
@given(problems(kind="float64", max_mask_bits=5, max_examples=2))
@example((Network([[[1.0, -1.0]], [1.0]]), Examples.point([1.0, 1.0], 1.0), (F(1, 4), HALF)))  # a kink with 4/3
@example((Network([[[0.01]], [1.0]], [[-1.0], None]), Examples.point([1.0], 1.0), (F(99, 100), F(0))))  # rarely kept
@example((Network([[[1.0]], [[1.0]], [1.0]]), Examples.point([1.0], 1.0), (F(0), HALF, HALF)))
def test_gradient_is_inside_its_bound(problem):
    network, data, q = problem
    try:
        found = evaluate_float64(network, data, q, gradient=True).gradient
    except NumericalRange:
        assert naive_evaluation(network.exact(), data.exact(), q).criterion < F(2) ** -990
        return
    exact = naive_gradient(network.exact(), data.exact(), q)
    assert outside(found, exact) == []
    assert outside(walked(network, data, q, Runner()), exact) == []


NEAR_TIES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, -0.1, 1 + 2.0**-52, 1 - 2.0**-53, 3.0, 1 / 3, 5e-324, 1e-300, 1e8]),
    st.floats(-1e3, 1e3),
)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_near_ties_stay_inside(data):
    widths = (*data.draw(st.sampled_from([(2,), (3, 2), (2, 2, 2), (1, 2, 2)])), 1)
    network = Network(
        [[[data.draw(NEAR_TIES) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)],
        [[data.draw(NEAR_TIES) for _ in range(b)] for b in widths[1:]] if data.draw(st.booleans()) else None,
        activation=data.draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)", "linear"])),
    )
    examples = Examples.point([data.draw(NEAR_TIES) for _ in range(widths[0])], data.draw(NEAR_TIES))
    q = tuple(data.draw(st.sampled_from([F(0), F(1, 2), F(1, 3), F(1, 4), F(2, 3)])) for _ in widths[1:])
    try:
        found = evaluate_float64(network, examples, q, gradient=True).gradient
    except NumericalRange:
        return
    exact = naive_gradient(network.exact(), examples.exact(), q)
    assert outside(found, exact) == []
    assert outside(walked(network, examples, q, Runner()), exact) == []


def test_kinks_that_are_computed_exactly_are_not_in_doubt():
    """Integers with q = 1/2: 1 − 1 is 0 without rounding, so the bound stays small at the kink."""
    network = Network([[[1.0, -1.0], [2.0, 1.0]], [1.0, -3.0]])
    data = Examples.point([1.0, 1.0], 1.0)
    found = evaluate_float64(network, data, (HALF, HALF), gradient=True).gradient
    assert found.error_bound < 1e-10
    assert outside(found, naive_gradient(network.exact(), data.exact(), (HALF, HALF))) == []


@pytest.mark.parametrize("widths", [(4, 3, 1), (3, 3, 2, 2), (2, 2, 2, 2, 1)])
def test_bounds_are_small_on_ordinary_networks(widths):
    network, data = gaussian(4, *widths, examples=2)
    q = (F(1, 3),) * (len(widths) - 1)
    found = evaluate_float64(network, data, q, gradient=True).gradient
    assert outside(found, naive_gradient(network.exact(), data.exact(), q)) == []
    assert found.error_bound < 1e-10 * max(np.abs(w).max() for w in found.weights)


@settings(max_examples=15, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=6, max_examples=2), interpreted=st.booleans())
def test_kernel_agrees_with_reverse_mode_on_every_mask(problem, interpreted):
    network, _, _ = problem
    prepared = prepare(*problem)
    expected = [(np.zeros(w.shape), np.zeros(b.shape)) for w, b in zip(prepared.weights, prepared.biases, strict=True)]
    for e, p_example in enumerate(prepared.probabilities):
        for bits in itertools.product((0, 1), repeat=sum(prepared.widths)):
            rest = iter(bits)
            mask = tuple(np.array(list(itertools.islice(rest, w))) for w in prepared.widths)
            p = float(p_example)
            for part, q in zip(mask, prepared.rates, strict=True):
                p *= float((1 - q) ** int(part.sum()) * q ** int(len(part) - part.sum()))
            if p > 0:
                for sums, terms in zip(expected, engine.gradient_reference(prepared, e, mask), strict=True):
                    for total, term in zip(sums, terms, strict=True):
                        total[...] += p * term
    scale = 1 + max(np.abs(w).max() for w, _ in expected)
    if interpreted:
        with patch.object(kernel, "gradient_walk", kernel.gradient_walk.py_func):
            found = engine.walked_gradient(network, prepared_derivatives(prepared), Runner())
    else:
        found = engine.walked_gradient(network, prepared_derivatives(prepared), Runner())
    tolerance = max(1e-9 * scale, 4 * found.error_bound)
    for (w, b), dw, db in zip(expected, found.weights, found.biases, strict=True):
        np.testing.assert_allclose(dw, w, atol=tolerance)
        if db is not None:
            np.testing.assert_allclose(db, b, atol=tolerance)


def test_bits_do_not_depend_on_threads_or_chunks(monkeypatch):
    network, data = gaussian(8, 9, 7, 4, 2, examples=3)
    q = (F(1, 3), F(1, 4), F(1, 5))
    whole = walked(network, data, q, Runner())
    monkeypatch.setattr(engine, "CHUNK_NANOSECONDS", 3000.0)
    monkeypatch.setattr(engine, "STEP_NANOSECONDS", 5000.0)
    pieces = walked(network, data, q, Runner(threads=3))
    assert pieces.error_bound == whole.error_bound
    for a, b in zip((*whole.weights, *whole.biases), (*pieces.weights, *pieces.biases), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("widths", [(11, 9, 1), (10, 9, 3, 2), (3, 10, 2, 1)])
def test_large_trees_agree_with_differences_and_homogeneity(widths):
    """More units than a block holds: units above it are walked, and rows of both kinds meet in one matrix."""
    network, data = gaussian(13, *widths, examples=2)
    q = tuple(F(1, 3 + l) for l in range(len(widths) - 1))
    gradient = evaluate_float64(network, data, q, gradient=True).gradient
    rng = np.random.default_rng(1)
    moves = [rng.normal(size=w.shape) for w in (*network.weights, *network.biases)]
    layers, step = len(network.weights), 1e-8  # few masks have a kink so near

    def moved(size):
        arrays = [a + size * v for a, v in zip((*network.weights, *network.biases), moves, strict=True)]
        return evaluate_float64(Network(arrays[:layers], arrays[layers:]), data, q).criterion

    slope = sum(np.sum(g * v) for g, v in zip((*gradient.weights, *gradient.biases), moves, strict=True))
    assert (moved(step) - moved(-step)) / (2 * step) == pytest.approx(slope, rel=1e-6)
    for l in range(layers - 1):  # scaling a unit up and its outgoing weights down changes nothing
        inward = (network.weights[l] * gradient.weights[l]).sum(axis=1) + network.biases[l] * gradient.biases[l]
        outward = (network.weights[l + 1] * gradient.weights[l + 1]).sum(axis=0)
        np.testing.assert_allclose(inward, outward, atol=1e-11)


@pytest.mark.parametrize("widths", [(5, 3, 1), (3, 4, 3, 2), (4, 1)])
def test_what_a_network_keeps_belongs_to_one_question(widths):
    """Other examples and rates between two calls change nothing, and each answer is that of a new network."""
    network, first = gaussian(1, *widths)
    other = gaussian(2, *widths)[1]
    rates = [(q,) * (len(widths) - 1) for q in (HALF, F(1, 3))]
    for data, q in itertools.product((first, other, first), rates):
        kept = evaluate_float64(network, data, q, gradient=True)
        fresh = evaluate_float64(gaussian(1, *widths)[0], data, q, gradient=True)
        assert kept.gradient.error_bound == fresh.gradient.error_bound
        assert str(kept.plan) == str(fresh.plan)
        for a, b in zip(
            (*kept.gradient.weights, *kept.gradient.biases),
            (*fresh.gradient.weights, *fresh.gradient.biases),
            strict=True,
        ):
            assert np.array_equal(a, b)
            assert not a.flags.writeable
