"""Plans are deterministic, refusals come before any work, and errors say what to do."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.plan import plan_float64

HALF = F(1, 2)


def network(*widths):
    rng = np.random.default_rng(0)
    return Network([rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)])


def point(size):
    return Examples.point(np.linspace(1, 2, size).tolist(), 1.0)


def test_plans_are_deterministic_and_printable():
    plans = [plan_float64(network(9, 8, 7, 1), point(9), (HALF,) * 3) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plans[0].mask_bits == 24
    assert plans[0].visited > 0
    assert plans[0].strategy in str(plans[0])


def test_the_walk_counts_one_layer_exactly():
    plan = plan_float64(network(6, 3, 1), Examples.uniform([([1.0] * 6, 1.0), ([0.0] * 5 + [1.0], 0.0)]), (HALF,) * 2)
    if plan.strategy == "walk":
        assert plan.visited == 2**6 + 2
    assert plan_float64(network(6, 3, 1), point(6), (HALF,) * 2, strategy="walk").visited == 2**6
    assert plan_float64(network(6, 3, 1), point(6), (F(0), HALF), strategy="walk").visited == 1


def test_what_costs_too_much_is_refused_before_it_starts():
    many = Network([np.random.default_rng(1).normal(size=(30, 200)), np.ones((30, 30)), np.ones((1, 30))])
    with pytest.raises(CostLimitExceeded, match=r"about 2\^\d+ leaves.*max_cost"):
        evaluate_float64(many, point(200), (HALF,) * 3)
    with pytest.raises(CostLimitExceeded):
        plan_float64(network(10, 3, 1), point(10), (HALF,) * 2, max_cost=1e-8)
    with pytest.raises(CostLimitExceeded, match=r"about 2\^70 leaves \(walk\).*whatever 'max_cost' allows"):
        evaluate_float64(network(70, 8, 1), point(70), (HALF,) * 2, max_cost=np.inf)


def test_the_plan_of_few_masks_grows_with_examples():
    """Thousands of examples of four masks: what each example costs beside its masks counts."""
    many = Examples.uniform([((float(i), 1.0), 1.0) for i in range(2000)])
    one, all_of_them = (plan_float64(network(2, 2, 1), data, (HALF,) * 2) for data in (point(2), many))
    assert all_of_them.strategy == "walk"
    assert all_of_them.cost > 20 * one.cost


def test_arguments_are_checked():
    arguments = (network(2, 1), point(2), (HALF,))
    for keyword, value in (("max_cost", 0), ("max_cost", "1"), ("moments", 3), ("strategy", "guess")):
        with pytest.raises(InvalidInput, match=keyword):
            plan_float64(*arguments, **{keyword: value})
