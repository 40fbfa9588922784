"""A prepared evaluator keeps nothing of a network, and its result makes its table when asked for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from fractions import Fraction as F

import pytest

from exactdropout.errors import ExactDropoutError
from exactdropout.evaluation import evaluate, evaluator
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.result import Evaluation

SAME = (Examples.point([1.0, 2.0], 1.0), F(1, 2), {})
CHANGED = (
    (SAME[0], "1/3", {}),
    (SAME[0], [0.5, 0.25], {}),
    (SAME[0], [0.25, 0.5], {}),
    (Examples.point([1.0, 2.0], 2.0), F(1, 2), {}),
    (SAME[0], F(1, 2), {"moments": 4}),
    (SAME[0], F(1, 2), {"gradient": True}),
    (SAME[0], F(1, 3), {"gradient": True}),
    (Examples.point([1.0, 2.0], 2.0), F(1, 2), {"gradient": True, "threads": 2}),
    (SAME[0], F(1, 2), {"strategy": "meet"}),
    (SAME[0], F(1, 2), {"precision": 20}),
)
REFUSED = (
    ("q", {"q": 2}),
    ("q", {"q": "2"}),
    ("threads", {"threads": 0}),
    ("threads", {"threads": True}),
    ("moments", {"moments": 3}),
    ("moments", {"moments": True}),
    ("gradient", {"gradient": 0}),
    ("max_cost", {"max_cost": -1}),
    ("strategy", {"strategy": "none"}),
    ("data", {"data": "none"}),
    ("hessian_product", {"hessian_product": False}),
)


@pytest.mark.parametrize("deeper", [[], [[[1.0, 0.3], [-0.7, 0.2]]], [[[1.0, 0.5], [-1.0, 0.5]]]])
def test_a_prepared_evaluator_says_what_single_calls_say(deeper):
    """The same network again, and others in between, whose signs, kinks and gradients' kernels are others."""
    weights = [[[1.0, -2.0], [0.5, 3.0]], *deeper, [[1.0, -1.0]]]
    others = [
        Network([[[a * b for b in row] for row in layer] for layer in weights]) for a in (1.0, 0.7, -1.0, 0.0, 1e-3)
    ]
    for data, one_or_more, options in (SAME, *CHANGED):
        q = [*one_or_more, 0.125][: len(weights)] if isinstance(one_or_more, list) else one_or_more
        prepared = evaluator(others[0], data, q, **options)
        for network in (*others, *others[::-1]):
            assert prepared(network) == evaluate(network, data, q, **options)
    for name, options in REFUSED:
        with pytest.raises(ExactDropoutError, match=rf"Argument '{name}'"):
            evaluate(**{"network": others[0], "data": SAME[0], "q": "1/2", **options})
    calls = []
    for gradient in (False, True):
        evaluate(others[0], SAME[0], "1/2", gradient=gradient, progress=lambda *count: calls.append(count))
        assert calls
        calls.clear()


def test_the_table_that_is_made_when_asked_for_is_part_of_the_result():
    network = Network([[[1.0, -2.0], [0.5, 3.0]], [[1.0, -1.0], [2.0, 1.0]]])
    data = Examples([([1.0, 2.0], [1.0, 0.5]), ([0.5, -1.0], [0.0, 2.0])])
    one, two, three = (evaluate(network, data, "1/2") for _ in range(3))
    other = evaluate(network, Examples([([1.0, 2.0], [1.0, 0.25]), ([0.5, -1.0], [0.0, 2.0])]), "1/2")
    assert pickle.loads(pickle.dumps(one)) == copy.copy(two) == replace(three, gradient=None) == one != other
    assert one.per_example is one.per_example
    assert one.per_example == evaluate_float64(network, data, (F(1, 2),) * 2).per_example
    assert not one.per_example.mean.flags.writeable
    with pytest.raises(AttributeError, match="'Evaluation' object has no attribute 'per_examples'"):
        one.per_examples  # noqa: B018
    assert not hasattr(Evaluation.__new__(Evaluation), "per_example")
