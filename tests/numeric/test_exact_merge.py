"""The strategy ``merge``: its kernels beside plain tables, and what must fit into 64 bits from both sides."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.exact.strategies import merge as exact_merge
from exactdropout.numeric.exact.strategies import states as exact_states
from exactdropout.numeric.exact.strategies.merge_keys import INT64, layout, moduli, recombined
from exactdropout.numeric.exact.strategies.registry import EXACT_STRATEGIES
from exactdropout.numeric.exact.strategy import exact_problem
from exactdropout.numeric.kernels.merge.merge import cut, push, push_halves, push_reference

HALF = F(1, 2)


def silent(share):
    assert 0 <= share <= 1


def reduce_one(network, x, *rates):
    return exact_problem(network, xd.Examples.point(x, 0), rates or (HALF,) * len(network.weights)).examples[0]


@settings(max_examples=60)
@given(
    deltas=st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=7),
    weights=st.sampled_from([(1, 1), (1, 2), (2, 5)]),
    modulus=st.sampled_from([0, 0, 101]),
    most=st.integers(1, 9),
    halves=st.booleans(),
)
def test_linear_merging_equals_a_table(deltas, weights, modulus, most, halves):
    """In one lane or in two, the kernel may stop anywhere and go on."""
    drop, keep = weights
    law = {100: 1}
    keys, counts = np.array([100]), np.array([1])
    for delta in deltas:
        law = push_reference(law, delta, drop, keep)
        new_keys, new_counts = np.empty((2, 2 * len(keys)), dtype=np.int64)
        at, ends = np.zeros((2, 3), dtype=np.int64), np.full((2, 2), len(keys))
        if halves and not modulus:
            cut(keys, len(keys), delta, at, ends)
            while not push_halves(keys, counts, ends, delta, drop, keep, new_keys, new_counts, at, most):
                pass
        else:
            while not push(keys, counts, ends[0], delta, drop, keep, modulus, new_keys, new_counts, at[0], most):
                pass
        keys, counts = new_keys[: at[0, 2]].copy(), new_counts[: at[0, 2]].copy()
    assert list(keys) == sorted(law)
    assert list(counts) == [law[k] % modulus if modulus else law[k] for k in sorted(law)]


@st.composite
def small_integer_networks(draw):
    """Draw networks whose numbers are so small that ``merge`` must apply."""
    hidden = draw(st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 2, 1)]))
    widths = (draw(st.integers(1, 3)), *hidden, draw(st.integers(1, 2)))
    entry = st.integers(-2, 2)
    weights = [[[draw(entry) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)]
    biases = [[draw(entry) for _ in range(b)] for b in widths[1:]] if draw(st.booleans()) else None
    slopes = st.sampled_from(["relu", "relu", "leaky_relu(1/2)", "leaky_relu(-2/3)", "linear"])
    network = xd.Network(weights, biases, activation=[draw(slopes) for _ in hidden])
    x = [draw(st.integers(1, 2)) for _ in range(widths[0])]
    q = [draw(st.sampled_from([F(0), HALF, F(1, 3), F(3, 4)])) for _ in range(len(weights))]
    return network, xd.Examples.point(x, [draw(entry) for _ in range(widths[-1])]), tuple(q)


OFTEN_EQUAL = (
    xd.Network([[[1, -1, 2], [1, 1, -1]], [[1, -2], [-1, 1]], [1, 1]]),
    xd.Examples.point((1, 1, 1), 2),
    (HALF, F(1, 3), F(0)),
)


@settings(max_examples=50)
@given(problem=small_integer_networks())
@example(problem=OFTEN_EQUAL)
def test_merge_applies_to_small_integers_and_equals_the_double_loop(problem):
    network, data, q = problem
    reduced = exact_problem(network, data, q).examples[0]
    if all(layer.bias for layer in reduced.layers):
        assert not isinstance(layout(reduced), str)
        naive = naive_evaluation(network, data, q)
        for moments in (2, 4):
            result = evaluate_exact(network, data, q, strategy="merge", moments=moments)
            assert (result.criterion, result.mean, result.variance) == (naive.criterion, naive.mean, naive.variance)
            table = result.per_example.squared_error_variance
            assert table is None or (table == naive.per_example.squared_error_variance).all()


@settings(max_examples=50)
@given(problem=small_integer_networks())
def test_the_law_of_the_last_hidden_layer_is_that_of_the_tables(problem):
    network, data, q = problem
    reduced = exact_problem(network, data, q).examples[0]
    plan = layout(reduced)
    if isinstance(plan, str):
        return
    found = exact_merge.merged_law(reduced, plan, 10**6, silent)
    if plan.moduli == (0,):
        assert found == exact_states.last_law(reduced, silent)
        assert sum(found.values()) == plan.weight


def wide(inputs, units, seed=3):
    """Return a network of weights −2 … 2, no two columns equal up to the order of the units' signs."""
    random = np.random.default_rng(seed)
    first = random.integers(-2, 3, size=(units, inputs))
    return xd.Network([first.tolist(), random.choice([-2, -1, 1, 2], size=units).tolist()])


@pytest.mark.parametrize(("inputs", "q"), [(62, HALF), (63, HALF), (64, HALF), (39, F(1, 3)), (41, F(1, 3))])
def test_counts_on_both_sides_of_2_63(inputs, q):
    """Total weights 2^62, 2^63, 2^64, 3^39 < 2^63 < 3^41; the tables of Python integers are the reference."""
    network, data = wide(inputs, 2), xd.Examples.point([1] * inputs, 1)
    plan = layout(exact_problem(network, data, (q, HALF)).examples[0])
    used = sum(1 for column in network.weights[0].T.tolist() if any(column))
    weight = q.denominator**used
    assert plan.weight == weight
    assert (plan.moduli == (0,)) == (weight < INT64)
    ours, tables = (evaluate_exact(network, data, (q, HALF), strategy=s) for s in ("merge", "states"))
    assert (ours.criterion, ours.mean) == (tables.criterion, tables.mean)


def test_keys_on_both_sides_of_63_bits():
    """A unit of 2^k values takes k bits; 32 + 31 bits fit beside each other, 32 + 32 do not."""
    for bits, fits in ((31, True), (32, False)):
        first = [2**k for k in range(32)] + [0] * bits
        second = [0] * 32 + [2**k for k in range(bits)]
        found = layout(reduce_one(xd.Network([[first, second], [1, 1]]), [1] * (32 + bits)))
        reason = found if isinstance(found, str) else ""
        assert ("more than 63 bits" in reason) == (not fits)


def test_large_output_weights_are_kept_out_of_the_kernels():
    """E h_i h_j comes from sums of two values where w·h would not fit."""
    network = xd.Network([[[1, -1, 2], [2, 1, -1]], [F(10**12, 7), F(-(10**9) - 7, 11)]], [[0, 1], [F(1, 13)]])
    data = xd.Examples.point((1, 2, 1), F(3, 5))
    assert layout(reduce_one(network, (1, 2, 1))).forms.pairs
    ours = evaluate_exact(network, data, (F(1, 3), F(1, 4)), strategy="merge")
    naive = naive_evaluation(network, data, (F(1, 3), F(1, 4)))
    assert (ours.criterion, ours.mean, ours.variance) == (naive.criterion, naive.mean, naive.variance)


@given(st.integers(-(10**60), 10**60), st.integers(2, 7))
def test_residues_determine_a_sum(value, total):
    by = moduli(1 << 70, 10**60, total)
    assert all(math.gcd(a, b) == 1 for a, b in itertools.combinations(by, 2))
    assert all(m * total < INT64 for m in by)
    assert recombined([value % m for m in by], by) == value
    assert moduli(INT64 - 1, 10**60, total) == (0,)
    assert moduli(INT64, 10**60, total) != (0,)


def test_the_state_limit_leads_to_the_next_strategy(monkeypatch):
    network, data = wide(14, 3), xd.Examples.point([1] * 14, 1)
    expected = evaluate_exact(network, data, (HALF, HALF), strategy="states")
    monkeypatch.setattr(exact_merge, "BYTES_PER_STATE", 1e12)
    with pytest.raises(CostLimitExceeded, match=r"merging met [0-9,]+ states, more than the plan allows"):
        evaluate_exact(network, data, (HALF, HALF), strategy="merge", max_cost=math.inf)
    monkeypatch.setattr(exact_merge, "START", 0.0)
    result = evaluate_exact(network, data, (HALF, HALF), max_cost=math.inf)
    assert result.criterion == expected.criterion
    assert result.plan.strategy != "merge"
    assert "took over" in result.plan.reason


@pytest.mark.parametrize(("inputs", "units"), [(30, 3), (24, 4), (40, 2), (16, 4), (18, 5), (20, 6)])
def test_expected_states_are_near_the_true_ones(inputs, units):
    """Few units fill their zonotope, many leave its corners empty; 1.5 times either way on these."""
    network = wide(inputs, units)
    problem = exact_problem(network, xd.Examples.point([1] * inputs, 1), (HALF, HALF))
    reduced = problem.examples[0]
    plan = layout(reduced)
    states = len(exact_merge._Merging(reduced, plan, plan.moduli[0], 10**7, silent).first_list()[0])
    assert 2 / 3 < 2 ** exact_merge.counts_of(problem, reduced)[0].expanded / states < 3 / 2


def test_merge_goes_first_where_states_are_many():
    names = [s.name for s in EXACT_STRATEGIES]
    assert names.index("merge") < names.index("states")
    plan = xd.plan(wide(30, 4), xd.Examples.point([1] * 30, 1), "1/2")
    assert plan.strategy == "merge"
    assert plan == xd.plan(wide(30, 4), xd.Examples.point([1] * 30, 1), "1/2")
    assert plan.memory < 2**30
