"""Many networks at once: the same bits as one by one, exact or not, and clear refusals."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import InvalidInput
from exactdropout.testing.strategies import architectures, example_distributions, networks, rates


@settings(max_examples=15, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["exact", "float64"]), gradient=st.booleans())
def test_results_are_those_of_single_calls(data, kind, gradient):
    arch = data.draw(architectures(max_mask_bits=5))
    settings_ = data.draw(st.lists(networks(arch, kind=kind), min_size=1, max_size=3))
    examples = data.draw(example_distributions(inputs=arch.inputs, outputs=arch.outputs, kind=kind))
    q = data.draw(rates(arch))
    try:
        singles = [xd.evaluate(n, examples, q, gradient=gradient, moments=4) for n in settings_]
    except xd.errors.NumericalRange:
        with pytest.raises(xd.errors.NumericalRange):
            xd.evaluate_many(settings_, examples, q, gradient=gradient, moments=4)
        return
    many = xd.evaluate_many(settings_, examples, q, gradient=gradient, moments=4)
    assert len(many) == len(singles)
    for one, other in zip(singles, many, strict=True):
        for name in ("criterion", "risk", "penalty", "mean", "variance", "bias", "error_bounds", "plan"):
            assert getattr(one, name) == getattr(other, name)
        assert np.array_equal(one.per_example.criterion, other.per_example.criterion)
        if gradient:
            for a, b in zip(one.gradient.weights, other.gradient.weights, strict=True):
                assert np.array_equal(a, b)
            assert one.gradient.error_bound == other.gradient.error_bound


def test_progress_counts_networks_and_nothing_is_nothing():
    seen = []
    lines = [xd.Network([[[w]]]) for w in (1, F(1, 2))]
    xd.evaluate_many(iter(lines), [((1,), 2)], "1/2", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    assert xd.evaluate_many([], [((1,), 2)], "1/2") == ()


def test_what_does_not_belong_together_is_refused():
    line = xd.Network([[[1]]])
    for wrong in (line, "abc", 3, [3], [line, 3], [line, xd.Network([[[1, 1]]])], [line, xd.Network([[[1.0]]])]):
        with pytest.raises(InvalidInput, match="'networks'"):
            xd.evaluate_many(wrong, [((1,), 2)], "1/2")
