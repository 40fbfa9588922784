"""Stationary points: inside their region, the gradient 0, and the certified global minimum among them."""

from fractions import Fraction as F

import pytest
import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network

CASES = [
    (Architecture(2, (1,), biases=False), Examples.point((1, 1), 1), F(1, 2)),
    (Architecture(2, (2,), biases=False), Examples.point((1, 1), 1), F(1, 2)),
    (Architecture(2, (1,)), Examples.half((1, 1), 1), F(1, 2)),
    (Architecture(1, (2,), output_bias=True, hidden_biases=False), Examples.point((2,), -3), [F(1, 3), F(1, 4)]),
    (Architecture(2, (1,), biases=False), Examples.from_arrays([[1, 2], [-1, 3]], [1, 2]), F(1, 3)),
]


def entries(network):
    return [a for a in (*network.weights, *network.biases) if a is not None]


def every_point(arch, data, q):
    derivation = derive(free_network(arch), data, q)
    for region in derivation.regions("criterion"):
        found = region.stationary_points()
        assert found.status == "all"
        for point in found.points:
            yield derivation, region, point


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_gradient_of_the_double_loop_vanishes(case):
    arch, data, q = CASES[case]
    number = 0
    for derivation, region, point in list(every_point(arch, data, q))[:40]:
        number += 1
        assert region.contains(point.values)
        symbols = derivation.network
        weights = [[[point.values[s] for s in row] for row in w.tolist()] for w in symbols.weights]
        biases = [None if b is None else [point.values[s] for s in b] for b in symbols.biases]
        network = Network(weights, biases if any(b is not None for b in biases) else None)
        rates = q if isinstance(q, list) else [q, q]
        wanted = naive_evaluation(network, data, rates, gradient=True)
        assert point.value == wanted.criterion
        gradient = [g for a in (*wanted.gradient.weights, *wanted.gradient.biases) if a is not None for g in a.flat]
        assert set(gradient) == {0}
        for v in point.rescaled:  # any point of the curve is stationary too
            j = list(symbols.weights[-1].flat).index(v)
            moved = dict(point.values)
            moved[v] *= 3
            for s in (*symbols.weights[0][j], *(() if symbols.biases[0] is None else (symbols.biases[0][j],))):
                moved[s] /= 3
            assert region.criterion.evaluate(moved) == point.value
    assert number


@pytest.mark.parametrize("case", [0, 1, 2])
def test_the_certified_minimum_is_stationary(case):
    arch, data, q = CASES[case]
    least = min(point.value for _, _, point in every_point(arch, data, q))
    minimum = minimize(arch, data, q).upper
    # with a hidden bias the minimum lies on a boundary: bias 0
    assert least > minimum if arch.hidden_biases else least == minimum


def test_fixed_output_weights_give_a_linear_system():
    w = sympy.Symbol("w")
    derivation = derive(Network([[[w]], [[2]]]), Examples.point((1,), 1), F(1, 2))
    found = [p for region in derivation.regions() for p in region.stationary_points().points]
    # J = E (4 r s relu(2w) … − 1)²: 1 − 2·(1/4)·8w + (1/4)(8w)², least at w = 1/8
    assert [(p.values[w], p.value, p.rescaled, p.free) for p in found if p.free == 0] == [(F(1, 8), F(3, 4), (), 0)]
    assert [p.free for p in found if p.value == 1] == [1]


def test_signs_that_are_assumed_are_kept():
    v = sympy.Symbol("v", nonnegative=True)
    w = sympy.Symbol("w")
    derivation = derive(Network([[[w]], [[v]]]), Examples.point((1,), -1), F(1, 2))
    for region in derivation.regions():
        for point in region.stationary_points().points:
            assert point.values[v] > 0
            assert point.value == 1  # the unit is off


def test_what_is_not_solved_is_said():
    deep = Architecture(1, (1, 1), biases=False)
    assert derive(deep, Examples.point((1,), 1), F(1, 2)).regions()[0].stationary_points().status == "not solved"
    two = Architecture(1, (1,), outputs=2, biases=False)
    assert derive(two, Examples.point((1,), (1, 2)), F(1, 2)).regions()[0].stationary_points().status == "not solved"
    one = Architecture(1, (1,), biases=False)
    for derivation in (
        derive(one, Examples.point((1,), 1)),
        derive(one, Examples.point((1,), sympy.Symbol("y")), F(1, 2)),
    ):
        assert derivation.regions()[0].stationary_points().status == "not solved"
    t = sympy.Symbol("t")
    shared = derive(Network([[[t]], [[t]]]), Examples.point((1,), 1), F(1, 2)).regions()
    assert shared[0].stationary_points().status == "not solved"


def test_several_outputs_with_given_weights():
    """D_o = 4 v_o w with probability 1/4: J = 20 w^2 - 6 w + 2 for v = (1, 2) and labels 1, where w > 0."""
    w = sympy.Symbol("w")
    network = Network([[[w]], [[1], [2]]])
    found = derive(network, Examples.point([1], [1, 1]), F(1, 2)).regions()
    solved = found.at({w: 1}).stationary_points()
    assert solved.status == "all"
    assert [(point.values[w], point.value) for point in solved.points] == [(F(3, 20), F(31, 20))]
    b, c = sympy.symbols("b c")
    biased = Network([[[w]], [[1], [2]]], [None, [b, c]])
    (point,) = derive(biased, Examples.point([1], [1, 1]), F(1, 2)).regions().at({w: -1}).stationary_points().points
    assert (point.values[b], point.values[c], point.value) == (1, 1, 0)


def test_several_outputs_with_free_weights_are_not_solved():
    derivation = derive(Architecture(1, (1,), outputs=2, biases=False), Examples.point([1], [1, 1]), F(1, 2))
    found = derivation.regions().at({"W[1,1]": 1}).stationary_points()
    assert found.status == "not solved"
    assert "several outputs" in found.reason
