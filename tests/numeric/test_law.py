"""The output law against the law that the plain loop over all masks counts."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given, settings

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.numeric.definition import naive_law
from exactdropout.testing import problems


@given(problems(max_mask_bits=7, max_examples=1))
@settings(deadline=None)
def test_law_equals_the_plain_loop(problem):
    network, data, rates = problem
    x = data.inputs[0].tolist()
    law = xd.output_law(network, x, rates)
    assert dict(zip(law.values, law.probabilities, strict=True)) == naive_law(network, x, rates)
    assert sum(law.probabilities) == 1
    evaluation = xd.evaluate(network, xd.Examples.point(x, [0] * law.outputs), rates)
    assert law.mean() == evaluation.mean
    assert sum(law.variance()) == evaluation.variance


def test_quantiles_and_distribution_function_of_figure_1():
    law = xd.output_law(xd.Network([[[1, 1], [1, 1]], [1, 1]]), (1, -1), "1/2")
    assert law.cdf(-1) == 0
    assert law.cdf(0) == F(13, 16)
    assert law.cdf("3.99") == F(13, 16)
    assert law.quantile("13/16") == 0
    assert law.quantile(F(13, 16) + F(1, 10**9)) == 4
    assert law.quantile(1) == 8


def test_binomial_law_of_forty_equal_inputs():
    from math import comb

    law = xd.output_law(xd.Network([[1] * 40]), [1] * 40, "1/2")
    assert law.values == tuple((F(2 * k),) for k in range(41))
    assert law.probabilities == tuple(F(comb(40, k), 2**40) for k in range(41))


def test_units_with_different_biases_are_not_taken_for_equal():
    """Found in review: the cost bound of a law ignored biases and took such units for one group."""
    units = 34
    net = xd.Network([[[1]] * units, [1] * units], [[2**k for k in range(units)], 0])
    with pytest.raises(CostLimitExceeded):
        xd.output_law(net, [1], "1/2")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda law: law.quantile(0), InvalidInput, "0 < level <= 1"),
        (lambda law: law.quantile(0.5), MixedNumbers, "'level' is the float"),
        (lambda law: law.marginal(1), InvalidInput, "0 <= output < 1"),
        (lambda law: law.cdf("x"), InvalidInput, "'t' must be an integer"),
    ],
)
def test_bad_questions_to_a_law(call, error, message):
    law = xd.output_law(xd.Network([[1, 1]]), (1, 2), "1/2")
    with pytest.raises(error, match=message):
        call(law)


def test_law_refuses_floats_and_wrong_shapes():
    with pytest.raises(MixedNumbers, match=r"network\.exact"):
        xd.output_law(xd.Network([[1.5, 1.0]]), (1, 2), "1/2")
    with pytest.raises(MixedNumbers, match="'x' must be exact"):
        xd.output_law(xd.Network([[1, 1]]), (1.5, 2.0), "1/2")
    with pytest.raises(InvalidInput, match="'x' must have 2 entries"):
        xd.output_law(xd.Network([[1, 1]]), (1, 2, 3), "1/2")


@given(problems(max_mask_bits=6, max_examples=1))
@settings(deadline=None, max_examples=25)
def test_histograms_and_quantiles_are_those_of_the_plain_loop(problem):
    network, data, rates = problem
    law = xd.output_law(network, data.inputs[0].tolist(), rates)
    levels = [F(1, 7), F(1, 2), F(6, 7), F(1)]
    for o in range(law.outputs):
        assert law.quantiles(levels, o) == tuple(law.quantile(level, o) for level in levels)
        edges, chances = law.histogram(5, o)
        assert sum(chances) == 1
        assert (edges[0], edges[-1]) == (law.quantile(F(1, 10**30), o), law.quantile(1, o))
        if edges[0] < edges[-1]:
            for k, (a, b, p) in enumerate(zip(edges[:-1], edges[1:], chances, strict=True)):
                inside = [
                    q
                    for v, q in zip(law.values, law.probabilities, strict=True)
                    if a <= v[o] < b or (k == 4 and v[o] == b)
                ]
                assert sum(inside) == p


def test_a_law_of_one_value_has_one_bin():
    law = xd.output_law(xd.Network([[[1]], [1]]), (1,), 0)
    assert law.histogram() == ((1, 1), (1,))
    with pytest.raises(InvalidInput, match="'bins'"):
        law.histogram(0)
    with pytest.raises(InvalidInput, match=r"'levels\[1\]'"):
        law.quantiles(["1/2", 0])


def test_progress_of_a_law_is_told_and_a_picture_drawn():
    told: list[tuple[int, int]] = []
    net = xd.Network([[[F(3**k, 2) + i for k in range(9)] for i in range(4)], [1, 2, 3, 4]])
    law = xd.output_law(net, [1] * 9, "1/2", progress=lambda done, total: told.append((done, total)))
    assert told == sorted(set(told))
    assert {total for _, total in told} == {1000}
    assert told[-1][0] > 400
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    axes = law.plot(bins=10)
    (steps,) = axes.patches
    values, edges, _ = steps.get_data()
    assert sum(values * (edges[1:] - edges[:-1])) == pytest.approx(1)
    pyplot.close(axes.get_figure())
