"""The reductions: each on a network where it alone matters, and against the double loop in test_exact_strategies."""

from __future__ import annotations

import itertools
from fractions import Fraction as F
from math import comb

from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.strategies.states import last_law, output_moments
from exactdropout.numeric.exact.strategies.steady_units import gathered
from exactdropout.numeric.exact.strategy import exact_problem

HALF = F(1, 2)


def numbers(evaluation):
    names = ("criterion", "risk", "penalty", "mean", "variance", "bias")
    return {name: getattr(evaluation, name) for name in names}


def reduce_one(network, x, q=HALF):
    rates = (q,) * len(network.weights) if isinstance(q, F) else q
    return exact_problem(network, xd.Examples.point(x, [0] * network.architecture.outputs), rates).examples[0]


def test_zero_inputs_and_zero_columns_have_no_mask():
    example = reduce_one(xd.Network([[[1, 5, 0, 2], [3, 5, 0, -7]], [1, 1]]), (1, 0, 1, 1))
    assert example.zeros == 1
    assert [source[1:] for source in example.layers[0].sources] == [((1, 3), 1), ((2, -7), 1)]


def test_dead_units_go_and_with_them_what_only_they_used():
    """The second unit of layer 2 is never positive; then the first layer's second unit and input 2 serve nobody."""
    network = xd.Network([[[1, 0], [0, 1]], [[1, 0], [-1, -1]], [1, 1]])
    example = reduce_one(network, (1, 1))
    assert [len(layer.bias) for layer in example.layers] == [1, 1]
    assert [len(layer.sources) for layer in example.layers] == [1, 1]
    assert example.dead == 2


def test_proportional_units_share_one_value():
    """The rows (1, −1), (2, −2), (1/3, −1/3) differ by positive factors; (−1, 1) does not."""
    network = xd.Network([[[1, -1], [2, -2], [F(1, 3), F(-1, 3)], [-1, 1]], [1, 1, 1, 1]])
    example = reduce_one(network, (1, 2))
    assert len(example.layers[0].bias) == 2
    assert example.merged == 2
    assert sum(count for group, _, count in example.output.sources if group == 0) == 3


def test_biases_tell_units_apart():
    example = reduce_one(xd.Network([[[1, -1], [1, -1]], [1, 1]], [[0, 1], [0]]), (1, 1))
    assert len(example.layers[0].bias) == 2


def test_fifty_equal_columns_cost_fifty_one_states():
    network = xd.Network([[[1] * 50, [-2] * 50], [1, 1]], [[-7, 50], [0]])
    data = xd.Examples.point([1] * 50, 0)
    plan = xd.plan(network, data, "1/2")
    assert plan.visited <= 51
    assert "50 equal columns as 1 binomial count" in plan.reason
    mean = sum(F(comb(50, k), 2**50) * (max(2 * k - 7, 0) + max(50 - 4 * k, 0)) for k in range(51))
    assert xd.evaluate(network, data, "1/2").mean == (mean,)


def test_units_of_one_sign_are_linear():
    network = xd.Network([[[1, 2], [-1, -1], [1, -1]], [1, 1, 1]], activation="leaky_relu(1/3)")
    layer = reduce_one(network, (1, 1)).layers[0]
    assert layer.tops == (1, 1, 1)
    assert layer.bottoms == (1, 1, 3)
    assert (layer.low, layer.high) == ((0, -2, -1), (3, 0, 1))


def test_steady_units_are_walked_as_one_number_per_output():
    """Four of six units stay positive: the states have three coordinates, and the value is that of the whole law."""
    first = [[1, -1, 2, 0], [2, 1, 0, 1], [1, 1, 1, 2], [0, 2, 1, 1], [1, 0, 3, 1], [-1, 2, -1, 1]]
    network = xd.Network([first, [1, -2, 3, 1, F(-1, 2), 5]], [[0, 1, 0, 2, 0, 0], [1]])
    data, q = xd.Examples.point((1, 1, 2, 1), 3), (F(1, 3), F(1, 4))
    example = exact_problem(network, data, q).examples[0]
    walk, lacking = gathered(example)
    assert [len(e.layers[0].bias) for e in (example, walk)] == [6, 3]
    assert lacking != (0,)
    expected = output_moments(example, last_law(example, lambda share: None), 2, ())
    for strategy in ("states", "merge"):
        result = xd.evaluate(network, data, q, strategy=strategy)
        assert result.mean == expected.first
        assert result.variance == expected.second[0] + expected.noise[0] - expected.first[0] ** 2


def test_a_layer_without_dropout_adds_its_units_up():
    network = xd.Network([[[1, 2, 3], [1, -2, 3]], [1, 1]])
    layer = reduce_one(network, (1, 1, 1), (F(0), HALF)).layers[0]
    assert len(layer.sources) == 1
    assert layer.low == layer.high


def test_numbers_of_one_value_are_one_number_whoever_made_them():
    """Equal rows are found by value, not by object."""
    row = [F(10**30 + k, 7) for k in range(3)]
    again = [F(10**30 + k, 7) for k in range(3)]
    assert len(reduce_one(xd.Network([[row, again], [1, 1]]), (1, -1, 1)).layers[0].bias) == 1


def test_a_unit_that_is_dead_because_of_a_useless_one_stays_dead():
    """Rate 0: h = 5/4 always, so −h + 1/2 is dead; h then serves nobody, but without it 1/2 would seem to live."""
    network = xd.Network([[[F(-1, 2)]], [[-1]], [[F(-1, 2)]]], [[F(5, 4)], [F(1, 2)], [1]])
    for rates in ((HALF, F(0), HALF), (F(0), F(0), HALF), (HALF, F(0), F(0))):
        for x in (0, 1):
            data = xd.Examples.point((x,), 0)
            expected = numbers(naive_evaluation(network, data, rates))
            for strategy in ("states", None):
                assert numbers(xd.evaluate(network, data, rates, strategy=strategy)) == expected


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_layers_of_rate_0_with_dead_units_agree_with_the_double_loop(data):
    """Negative weights and biases kill units; rates of 0 let them be killed by units that serve nobody else."""
    widths = data.draw(st.sampled_from([(1, 1, 1, 1), (1, 2, 1, 1), (1, 2, 2, 1), (2, 1, 2, 1), (1, 1, 2, 1, 1)]))
    entry = st.integers(-3, 2)
    layers = [
        [[data.draw(entry) for _ in range(wide)] for _ in range(high)] for wide, high in itertools.pairwise(widths)
    ]
    biases = [[data.draw(entry) for _ in range(high)] for high in widths[1:]]
    rates = tuple(data.draw(st.sampled_from([F(0), F(0), HALF])) for _ in widths[1:])
    network = xd.Network(layers, biases)
    examples = xd.Examples.point([data.draw(st.integers(0, 1)) for _ in range(widths[0])], 1)
    expected = numbers(naive_evaluation(network, examples, rates))
    assert numbers(xd.evaluate(network, examples, rates)) == expected
