"""The reduced problem is the criterion: compared with the double loop over examples and all masks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, drop_rates
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.optimum.reduced_problem import reduced_problem

SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=4)
RATE = st.sampled_from([Fraction(1, 3), Fraction(1, 2), Fraction(3, 4)])


@st.composite
def instances(draw: st.DrawFn) -> tuple[Architecture, Examples, tuple[Fraction, Fraction]]:
    inputs, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    arch = Architecture(inputs, (width,), hidden_biases=draw(st.booleans()), output_bias=draw(st.booleans()))
    row = st.lists(SMALL, min_size=inputs, max_size=inputs)
    data = Examples.uniform(draw(st.lists(st.tuples(row, SMALL), min_size=1, max_size=3)))
    return arch, data, (draw(st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2)])), draw(RATE))


@given(instances(), st.data())
def test_criterion_is_the_double_loop_over_masks(instance: Any, data: st.DataObject) -> None:
    arch, examples, rates = instance
    problem = reduced_problem(arch, examples, rates)
    units = [
        (data.draw(st.sampled_from([1, -1])), tuple(data.draw(SMALL) for _ in range(problem.dimension)))
        for _ in range(data.draw(st.integers(0, problem.width)))
    ]
    bias = data.draw(SMALL) if arch.output_bias else Fraction(0)
    network = problem.network(units, bias)
    assert network.architecture == arch
    checked, _ = drop_rates(rates, arch)
    assert problem.criterion(units, bias) == naive_evaluation(network, examples, checked).criterion


@given(instances())
def test_weights_sum_to_one_and_points_are_distinct(instance: Any) -> None:
    problem = reduced_problem(*instance)
    assert sum(problem.weights) == 1
    assert len(set(problem.points)) == len(problem.points) == len(problem.labels)
    assert problem.noise >= 0


def test_examples_that_share_a_masked_input_are_merged() -> None:
    # On P_(1,1) the masked input 0 has label 1 with weight ½q² and label 0 with weight ½: at q = ½, 1/8 and 1/2.
    problem = reduced_problem(Architecture(2, (1,)), Examples.half((1, 1), 1), "1/2")
    at = problem.points.index((0, 0, 1))
    assert (problem.weights[at], problem.labels[at]) == (Fraction(5, 8), Fraction(1, 5))
    assert problem.noise == Fraction(1, 10)  # ½ q²/(1 + q²)


@pytest.mark.parametrize(
    ("arch", "data", "q", "error", "text"),
    [
        (Architecture(2, (2, 2)), Examples.half((1, 1), 1), "1/2", InvalidInput, "one hidden layer"),
        (Architecture(2, (2,), 2), Examples.half((1, 1), 1), "1/2", InvalidInput, "one output"),
        (Architecture(2, (2,), activation="linear"), Examples.half((1, 1), 1), "1/2", InvalidInput, "relu"),
        (Architecture(3, (2,)), Examples.half((1, 1), 1), "1/2", InvalidInput, "3 inputs"),
        (Architecture(2, (2,)), Examples.half((1.0, 1.0), 1.0), "1/2", MixedNumbers, "exact"),
        (Architecture(2, (2,)), Examples.half((1, 1), 1), 0.5, MixedNumbers, "'q'"),
        (Architecture(2, (2,)), Examples.half((1, 1), 1), ("1/2", 0), InvalidInput, "hidden layer"),
        (Architecture(2, (2,)), "data", "1/2", InvalidInput, "'data'"),
        ("arch", Examples.half((1, 1), 1), "1/2", InvalidInput, "'architecture'"),
        (Architecture(17, (2,)), Examples.half((1,) * 17, 1), "1/2", CostLimitExceeded, "masked inputs"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arch: Any, data: Any, q: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        reduced_problem(arch, data, q)


@pytest.mark.parametrize(
    ("label", "q", "words"), [(Fraction(10) ** 160, "1/2", "labels"), (1, Fraction(1, 10**700), "Argument 'q'")]
)
def test_what_floats_cannot_hold_is_refused_with_a_sentence(label: object, q: object, words: str) -> None:
    with pytest.raises(InvalidInput, match="floats") as caught:
        minimize(Architecture(2, (2,)), Examples.half((1, 1), label), q, compare=False)
    assert words.removeprefix("Argument ") in str(caught.value)
