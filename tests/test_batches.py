"""Many networks: one prepared evaluator, a stack in one call with the same bits as one by one, and clear refusals."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import InvalidInput, NumericalRange
from exactdropout.testing.strategies import architectures, example_distributions, networks, rates

SCALARS = ("criterion", "risk", "penalty", "variance", "bias")


def stack_of(many):
    """The weights and biases of networks of one architecture, with a leading axis."""
    weights = [np.stack([n.weights[l] for n in many]) for l in range(len(many[0].weights))]
    biases = [
        None if b is None else np.stack([n.biases[l] for n in many]) for l, b in enumerate(many[0].biases)
    ]  # fmt: skip
    return weights, biases


@settings(max_examples=25, deadline=None)
@given(
    data=st.data(), kind=st.sampled_from(["exact", "float64"]), gradient=st.booleans(), moments=st.sampled_from([2, 4])
)
def test_results_are_those_of_single_calls(data, kind, gradient, moments):
    arch = data.draw(architectures(max_mask_bits=5))
    many = data.draw(st.lists(networks(arch, kind=kind), min_size=1, max_size=3))
    examples = data.draw(example_distributions(inputs=arch.inputs, outputs=arch.outputs, kind=kind))
    q = data.draw(rates(arch))
    prepared = xd.evaluator(arch, examples, q, gradient=gradient, moments=moments)
    try:
        singles = [xd.evaluate(n, examples, q, gradient=gradient, moments=moments) for n in many]
    except NumericalRange:
        with pytest.raises(NumericalRange):
            prepared.stack(*stack_of(many))
        return
    assert [prepared(network) for network in many] == singles
    found = prepared.stack(*stack_of(many))
    assert len(found) == len(singles)
    assert list(found) == singles
    for place, one in enumerate(singles):
        for name in SCALARS:
            assert getattr(found, name)[place] == getattr(one, name)
            assert found.error_bounds[name][place] == one.error_bounds[name]
        assert tuple(found.mean[place]) == one.mean
        if gradient:
            for a, b in zip(found.gradient.weights, one.gradient.weights, strict=True):
                assert np.array_equal(a[place], b)


def test_a_stack_longer_than_one_call_of_the_kernel_has_the_same_bits():
    rng = np.random.default_rng(3)
    weights, biases = [rng.normal(size=(150, 3, 4)), rng.normal(size=(150, 2, 3))], [rng.normal(size=(150, 3)), None]
    arch = xd.Architecture(inputs=4, hidden=(3,), outputs=2, hidden_biases=True, output_bias=False)
    data = xd.Examples.from_arrays(rng.normal(size=(5, 4)), rng.normal(size=(5, 2)))
    prepared = xd.evaluator(arch, data, "1/3")
    told = []
    found = xd.evaluator(arch, data, "1/3", progress=lambda *count: told.append(count)).stack(weights, biases)
    assert told == [(64, 150), (128, 150), (150, 150)]
    for k in (0, 63, 64, 149):
        network = xd.Network([w[k] for w in weights], [biases[0][k], None])
        assert found[k] == prepared(network) == xd.evaluate(network, data, "1/3")
    assert "150 networks, float64" in repr(found)
    with pytest.raises(IndexError):
        found[150]


def test_an_evaluator_takes_exact_and_float_networks_by_turns():
    prepared = xd.evaluator("2-2-1 relu, no biases", xd.Examples.point((1, -1), 8), F(1, 2))
    figure_1 = xd.Network([[[1, 1], [1, 1]], [1, 1]])
    for network in (figure_1, figure_1.float64(), figure_1):
        assert prepared(network) == xd.evaluate(network, xd.Examples.point((1, -1), 8), F(1, 2))
    assert prepared(figure_1).criterion == 54
    assert prepared(figure_1.float64()).exactness == "float64"
    assert "2-2-1" in repr(prepared)
    with pytest.raises(InvalidInput, match="'network' must be of the architecture 2-2-1"):
        prepared(xd.Network([[[1, 1]], [[1]]]))


def test_a_stack_of_exact_numbers_is_exact():
    lines = xd.evaluator("1-1, no biases", [((1,), 2)], "1/2", progress=None)
    found = lines.stack([[[[1]], [[F(1, 3)]]]])
    assert found.exactness == "exact"
    assert found.criterion.tolist() == [2, F(26, 9)]
    assert found.error_bounds["criterion"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("weights", "biases", "words"),
    [
        ("abc", None, "'weights' must be a list"),
        ([[[[1.0]]], [[[1.0]]]], None, "'weights' must be a list"),
        ([[[1.0, 2.0]]], None, r"'weights\[0\]' must have shape"),
        ([np.zeros((0, 1, 1))], None, r"'weights\[0\]' must have shape"),
        ([[[[float("nan")]]]], None, "finite"),
        ([[[[1.0]]]], [[[1.0]]], r"'biases\[0\]' must be None"),
        ([[[[1.0]], [[1.0, 2.0]]]], None, r"'weights\[0\]'"),
    ],
)
def test_what_is_no_stack_is_refused(weights, biases, words):
    with pytest.raises(InvalidInput, match=words):
        xd.evaluator("1-1, no biases", [((1,), 2)], "1/2").stack(weights, biases)


def test_biases_of_a_stack_are_those_of_the_architecture():
    biased = xd.evaluator("1-1", [((1,), 2)], "1/2")
    with pytest.raises(InvalidInput, match=r"'biases\[0\]' must be of shape"):
        biased.stack([[[[1.0]]]])
    found = biased.stack([[[1.0], [2.0]]], [[[0.5], [0.25]]])
    for k, (w, b) in enumerate([(1.0, 0.5), (2.0, 0.25)]):
        assert found[k] == xd.evaluate(xd.Network([[[w]]], [[b]]), [((1,), 2)], "1/2")


def test_networks_that_leave_the_range_are_evaluated_one_by_one():
    """One dead network, whose criterion is exactly 0, beside others: the kernel alone cannot tell 0 from underflow."""
    weights = [np.array([[[0.0]], [[1.0]], [[-2.0]]])]
    prepared = xd.evaluator("1-1, no biases", [((1,), 0)], "1/2")
    assert prepared.stack(weights).criterion.tolist() == [0.0, 2.0, 8.0]
    weights[0][1] = 1e200
    with pytest.raises(NumericalRange):
        prepared.stack(weights)


def test_the_options_are_checked_before_any_network():
    for name, options in itertools.chain(
        [("threads", {"threads": 0}), ("moments", {"moments": 3}), ("gradient", {"gradient": 1})],
        [("max_cost", {"max_cost": -1}), ("q", {"q": 2}), ("data", {"data": 3})],
    ):
        with pytest.raises(InvalidInput, match=f"'{name}'"):
            xd.evaluator(**{"architecture": "1-1", "data": [((1,), 2)], "q": "1/2", **options})
