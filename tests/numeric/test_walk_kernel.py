"""The walk kernel, compiled and interpreted, against the plain double loop beside it."""

from __future__ import annotations

from fractions import Fraction as F
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.float64.strategies import walk as walking
from exactdropout.numeric.float64.strategies import walk_layout as tables
from exactdropout.numeric.float64.strategies.walk_layout import grid
from exactdropout.numeric.kernels.walk import fourth_moments as kernel
from exactdropout.numeric.runs.runner import Runner
from exactdropout.testing.strategies import problems


def plain_moments(problem, reference, moments):
    """The leaf moments' expectations by the double loop, the last layer's masks enumerated as well."""
    first, last = problem.first, len(problem.weights) - 1
    starts = problem.hidden(first)
    rows = []
    for e in range(problem.examples):

        def leaf(h, e=e):
            f = problem.weights[-1] @ h + problem.biases[-1]
            g, r = f - reference.output.value[e], f - problem.labels[e]
            u = problem.weights[-1] * h
            v = problem.cumulants[0] * np.sum(u * u, axis=1)
            values = np.stack([g, g * g, v, r * r], axis=1).ravel()
            if moments == 2:
                return values
            p = 1 - float(problem.rates[-1])
            total = second = 0.0
            for mask in np.ndindex(*(2,) * len(h)):
                probability = p ** sum(mask) * (1 - p) ** (len(h) - sum(mask))
                s = np.sum((u @ (np.array(mask) / p) + problem.biases[-1] - problem.labels[e]) ** 2)
                total, second = total + probability * s, second + probability * s * s
            t = np.sum(r * r + v) - reference.square_pivot[e]
            return np.concatenate([values, [second - total * total, t, t * t]])

        rows.append(
            kernel.walk_reference(
                list(problem.weights[first:last]),
                list(problem.biases[first:last]),
                list(problem.slopes[first:last]),
                [1 - float(q) for q in problem.rates[first:last]],
                starts[e],
                leaf,
            )
        )
    return np.array(rows)


@pytest.mark.parametrize("interpreted", [False, True])
@settings(max_examples=25, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=6), moments=st.sampled_from([2, 4]))
def test_walk_agrees_with_the_double_loop(interpreted, problem, moments):
    prepared = prepare(*problem)
    reference = reference_outputs(prepared)
    if interpreted:
        with patch.object(kernel, "walk", kernel.walk.py_func):
            folded = walking.run(prepared, reference, moments, Runner())
    else:
        folded = walking.run(prepared, reference, moments, Runner())
    expected = plain_moments(prepared, reference, moments)
    scale = np.max(np.abs(expected)) + np.max(np.abs(reference.output.value)) + 1
    assert folded.moments.shape == expected.shape
    np.testing.assert_allclose(folded.moments, expected, rtol=1e-9, atol=1e-9 * scale**2)


def test_chunks_and_budget_do_not_change_bits(monkeypatch):
    rng = np.random.default_rng(3)
    network = Network([rng.normal(size=(6, 7)), rng.normal(size=(4, 6)), rng.normal(size=(2, 4))])
    data = Examples.from_arrays(rng.normal(size=(3, 7)), rng.normal(size=(3, 2)))
    problem = prepare(network, data, (F(1, 3), F(1, 4), F(1, 5)))
    reference = reference_outputs(problem)
    whole = walking.run(problem, reference, 4, Runner()).moments
    monkeypatch.setattr(tables, "CHUNK_NANOSECONDS", 500.0)
    monkeypatch.setattr(walking, "STEP_NANOSECONDS", 3000.0)
    starts = problem.hidden(problem.first)
    items, chunks, _ = grid(problem, starts, walking.leaf_cost(problem, 4))
    assert len(items) > 30
    assert len(chunks) > 5
    assert np.array_equal(walking.run(problem, reference, 4, Runner(threads=2)).moments, whole)


def test_dead_units_and_zero_inputs_have_no_mask():
    """Relu kills one unit of the first layer for every mask: the walk must not branch on it."""
    network = Network([[[1.0, 2.0, 0.0], [-1.0, -1.0, 0.0]], [[1.0, 1.0]], [[1.0]]])
    problem = prepare(network, Examples.point([1.0, 0.0, 5.0], 1.0), (F(1, 2),) * 3)
    estimate = walking.estimate(problem, 2)
    # masks of inputs 0 and 2; where input 0 is kept, unit 0 is 2 and unit 1 is dead; otherwise both are 0
    assert estimate.visited == 2 * 2 + 2 * 1


def test_more_active_units_than_any_walk_could_finish_are_refused():
    problem = prepare(Network([np.ones((1, 70)), [[1.0]]]), Examples.point([1.0] * 70, 1.0), (F(1, 2),) * 2)
    with pytest.raises(CostLimitExceeded, match="more than 60 active units"):
        walking.run(problem, reference_outputs(problem), 2, Runner())
