"""Strategies: what they reach, what they shrink to, and modules of frameworks that are read back as they were drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout import testing as xt
from exactdropout.errors import InvalidInput
from exactdropout.interop.layers import forward
from exactdropout.model import Network

External = Callable[[str], str]
SEARCH = settings(max_examples=500, database=None, derandomize=True, deadline=None)
THOROUGH = pytest.mark.thorough


def not_zero(network: Any, data: Any, q: Any) -> bool:
    """Return whether something is dropped, and what enters the first layer is not 0."""
    return bool(any(q) and data.inputs.any() and network.weights[0].any())


SHRINKS_WIDTHS = tuple(map(int, hypothesis.__version__.split(".")[:2])) >= (6, 160)


@pytest.mark.parametrize(
    ("condition", "smallest"),
    [
        (lambda n: all(w.any() for w in n.weights), xd.Network([[[1]]], activation=[])),
        pytest.param(
            lambda n: n.architecture.depth >= 3 and all(w.any() for w in n.weights),
            xd.Network([[[1]], [[1]], [[1]]]), marks=THOROUGH,
        ),
    ],
)  # fmt: skip
def test_networks_shrink_to_the_smallest_that_fails(condition: Callable[[Network], bool], smallest: Network) -> None:
    found = find(xt.networks(), condition, settings=SEARCH)
    assert found.architecture == smallest.architecture
    entries = [Fraction(w) for matrix in found.weights for w in matrix.flat]
    assert all(abs(w) <= 1 and w.denominator <= 2 for w in entries)  # 1, or 1/2 with older versions of Hypothesis


@pytest.mark.parametrize(
    ("limits", "condition", "widths"),
    [
        ({"max_mask_bits": 3, "max_width": 2, "max_hidden": 1, "max_outputs": 1, "max_examples": 2}, not_zero, (1, 1)),
        pytest.param({}, not_zero, (1, 1), marks=THOROUGH),
        pytest.param(
            {},
            lambda n, data, q: n.architecture.depth >= 3 and q[1] and all(w.any() for w in n.weights) and len(data) > 1,
            (1, 1, 1, 1), marks=THOROUGH,
        ),
    ],
)  # fmt: skip
def test_problems_shrink_as_far_as_networks(
    limits: dict[str, int], condition: Callable[..., bool], widths: tuple[int, ...]
) -> None:
    network, data, _ = find(xt.problems(**limits), lambda problem: bool(condition(*problem)), settings=SEARCH)
    assert network.architecture.depth == len(widths) - 1
    if SHRINKS_WIDTHS:
        assert network.architecture.widths == widths
    else:  # older versions stop at a network that is one step wider
        assert max(network.architecture.widths) <= 3
    assert all(abs(w) <= 1 for matrix in network.weights for w in matrix.flat)
    assert len(data) == (2 if len(widths) > 2 else 1)
    assert all(abs(v) <= 1 for v in data.inputs.flat)


@given(xt.networks(max_mask_bits=5, max_width=3, max_hidden=2, max_outputs=1))
def test_limits_are_kept(network: Network) -> None:
    widths = network.architecture.widths
    assert sum(widths[:-1]) <= 5
    assert max(widths) <= 3
    assert len(widths) <= 4
    assert widths[-1] == 1


@given(xt.kinked_networks())
def test_kinks_are_exactly_zero(pair: tuple[Network, xd.Examples]) -> None:
    network, data = pair
    z = network.weights[0] @ data.inputs[0] + network.biases[0]
    assert 0 in z.tolist()
    assert network.kind == "exact"


@settings(max_examples=15)
@given(st.data())
def test_rescaled_networks_have_the_same_criterion(data: st.DataObject) -> None:
    network = data.draw(xt.networks(max_mask_bits=4, max_width=2, max_hidden=2))
    other = data.draw(xt.rescalings(network))
    examples = data.draw(
        xt.example_distributions(
            inputs=network.architecture.inputs, outputs=network.architecture.outputs, max_examples=1
        )
    )
    assert xd.evaluate(other, examples, "1/3").criterion == xd.evaluate(network, examples, "1/3").criterion


@settings(max_examples=10)
@given(st.data())
def test_modules_of_torch_are_what_was_drawn(external: External, data: st.DataObject) -> None:
    external("torch")
    module, network, q = data.draw(xt.modules(max_mask_bits=4))
    found = xd.interop.from_torch(module, rates="decimal")
    assert found.network == network
    assert found.q == q or any(r.denominator == 3 for r in q)


@THOROUGH
@pytest.mark.parametrize("framework", ["keras", "flax", "equinox"])
def test_modules_of_other_frameworks(external: External, framework: Any) -> None:
    external(framework)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    readers = {"keras": xd.interop.from_keras, "flax": xd.interop.from_flax, "equinox": xd.interop.from_equinox}
    read: Any = readers[framework]

    @settings(max_examples=3, database=None, derandomize=True, deadline=None)
    @given(xt.modules(framework, max_mask_bits=4, max_hidden=1))
    def check(drawn: tuple[Any, Network, tuple[Fraction, ...]]) -> None:
        module, network, _ = drawn
        found = read(module)
        x = np.ones((1, network.architecture.inputs))
        assert found.network.architecture.widths == network.architecture.widths
        assert forward(found.network, x) == pytest.approx(forward(network, x), rel=1e-6)

    check()


def test_an_unknown_framework_is_named() -> None:
    unknown: Any = "tensorflow"
    with pytest.raises(InvalidInput, match="Argument 'framework' must be one of"):
        find(xt.modules(unknown), lambda _: True, settings=settings(SEARCH, phases=[Phase.generate]))
