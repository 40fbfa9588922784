"""The strategy ``moments``: it applies exactly where no unit changes its sign, and collapses equal units."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exactdropout.errors import InvalidInput, NumericalRange
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import masks, naive_evaluation
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.float64.strategies import moments as propagating
from exactdropout.numeric.runs.runner import Runner
from exactdropout.testing.strategies import networks, problems, rates

TOTALS = ("criterion", "risk", "penalty", "variance", "bias")


@st.composite
def keeping_signs(draw):
    """Draw problems with non-negative weights, biases and inputs, a sign flipped per layer by an activation."""
    arch = Architecture(
        inputs=draw(st.integers(1, 3)),
        hidden=draw(st.sampled_from([(), (2,), (3,), (2, 2)])),
        outputs=draw(st.integers(1, 2)),
        biases=draw(st.booleans()),
        activation=draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)", "linear"])),
    )
    network = draw(networks(arch, kind="float64"))
    signs = [draw(st.sampled_from([1.0, -1.0])) for _ in network.weights]
    network = Network(
        [s * np.abs(w) for s, w in zip(signs, network.weights, strict=True)],
        [None if b is None else s * np.abs(b) for s, b in zip(signs, network.biases, strict=True)],
        activation=arch.activations,
    )
    entries = st.sampled_from([F(0), F(1), F(1, 3), F(5, 2), F(1, 10)])
    x = draw(st.lists(entries, min_size=arch.inputs, max_size=arch.inputs))
    y = draw(st.lists(entries, min_size=arch.outputs, max_size=arch.outputs))
    return network, Examples.point(x, y), draw(rates(arch))


@settings(max_examples=80, deadline=None)
@given(keeping_signs())
def test_moments_are_inside_their_bounds(problem):
    network, data, q = problem
    assume(propagating.refusal(prepare(network, data, q), 2) is None)
    exact = naive_evaluation(network.exact(), data, q)
    try:
        result = evaluate_float64(network, data, q, strategy="moments")
    except NumericalRange:  # weights can be so small that squares underflow
        assert exact.criterion < F(2) ** -990
        return
    for name in TOTALS:
        assert abs(F(getattr(result, name)) - getattr(exact, name)) <= F(result.error_bounds[name]), name
    for value, truth in zip(result.mean, exact.mean, strict=True):
        assert abs(F(value) - truth) <= F(result.error_bounds["mean"])
    assert result.error_bound <= 1e-9 * (abs(result.criterion) + 1e-3 + sum(result.per_example.output.ravel() ** 2))


@settings(max_examples=80, deadline=None)
@given(problems(kind="float64", max_mask_bits=6))
def test_it_applies_only_where_no_sign_changes(problem):
    network, data, q = problem
    prepared = prepare(network, data, q)
    factors = propagating.linear_factors(prepared)
    assume(factors is not None)
    exact = network.exact()
    for e, x in enumerate(data.exact().inputs.tolist()):
        for mask, p in masks(exact, q):
            if p == 0:
                continue
            h = x
            for l, t in enumerate(factors):
                entering = [v * b / (1 - q[l]) for v, b in zip(h, mask[l], strict=True)]
                z = exact.weights[l] @ np.array(entering, dtype=object) + exact.bias(l)
                h = [exact.architecture.activations[l](v) for v in z]
                slope = exact.architecture.activations[l].slope
                assert all(v == (u if k == 1.0 else slope * u) for v, u, k in zip(h, z, t[e], strict=True))


def test_collapsed_moments_agree_with_every_unit_on_its_own():
    rng = np.random.default_rng(6)
    first = np.abs(rng.normal(size=(2, 4)))[[0, 1, 0, 0, 1]]
    second = np.abs(rng.normal(size=(2, 5)))[[1, 1, 0]]
    network = Network([first, second, np.abs(rng.normal(size=(1, 3)))])
    problem = prepare(network, Examples.point(np.abs(rng.normal(size=4)), 1.0), (F(1, 3), F(1, 2), F(1, 4)))
    folded = propagating.run(problem, reference_outputs(problem), 2, Runner())
    mean, covariance = propagating.moments_reference(problem, propagating.linear_factors(problem), 0)
    w = problem.weights[-1][0]
    g = w @ mean - reference_outputs(problem).output.value[0, 0]
    noise = w**2 @ (np.diag(covariance) + mean**2) / 3
    expected = [g, g * g + w @ covariance @ w, noise, (w @ mean - 1) ** 2 + w @ covariance @ w]
    np.testing.assert_allclose(folded.moments[0], expected, rtol=1e-12)
    assert [len(representatives) for representatives, _ in problem.equal_units] == [2, 2, 1]


def test_wide_and_deep_equal_weights_have_a_closed_form():
    """All weights 1/K, no biases: E D = 1 and E D² = Π (1 + (1/p)·q/n_l), the product of binomial moments."""
    size, layers = 200, 12
    weight = 1.0 / 128
    network = Network([np.full((size, size), weight)] * layers + [np.full((1, size), weight)])
    q = (F(1, 3),) * (layers + 1)
    result = evaluate_float64(network, Examples.point([1.0] * size, 0.0), q)
    assert result.plan.strategy == "moments"
    one = F(size, 128) ** (2 * (layers + 1))
    exact = one * (1 + F(1, 2) / size) ** (layers + 1)
    assert abs(F(result.criterion) - exact) <= F(result.error_bound)
    assert result.error_bound < 1e-9 * result.criterion


def test_many_inputs_need_no_matrix_of_all_their_pairs():
    """10^5 inputs of 2 and weights of 1, p = 1/2: E z = 2K, Var z = 4K; a hidden unit doubles E z²."""
    size = 100_000
    for network in (Network([np.ones((1, size)), [[1.0]]]), Network([np.ones((1, size))])):
        data = Examples([(np.full(size, 2.0), [0.0])])
        hidden = len(network.weights) == 2
        result = evaluate_float64(network, data, (F(1, 2),) * len(network.weights), strategy="moments")
        second = F(2 * size) ** 2 + 4 * size  # E z²
        assert abs(F(result.criterion) - (2 * second if hidden else second)) <= F(result.error_bound)
        assert result.plan.memory < 2**30


def test_a_unit_that_changes_its_sign_is_refused():
    with pytest.raises(InvalidInput, match="change its sign"):
        evaluate_float64(
            Network([[[1.0, -1.0]], [1.0]]), Examples.point([1.0, 1.0], 0.0), (F(1, 2),) * 2, strategy="moments"
        )


def test_products_that_underflow_still_have_a_sign():
    """1e-200 · 1e-200 is 0 in floats, but the unit is positive for one mask and negative for another."""
    network = Network([[[1e-200, -1e-200], [1e-200, 1.0]], [[1.0, 1.0]]])
    problem = prepare(network, Examples.point([1e-200, 1e-200], 1.0), (F(1, 2),) * 2)
    assert propagating.linear_factors(problem) is None
