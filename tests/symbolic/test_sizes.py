"""Moments for all sizes, put in numbers, are those of the double loop over all masks; Theorem 18 as it is printed."""

from fractions import Fraction as F

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.uniform_moments import uniform_moments

K, N, D = sympy.symbols("K n d", integer=True, positive=True)
Y = sympy.Symbol("y")


def rational(value):
    return F(int(value.p), int(value.q))


def double_loop(widths, weights, rates):
    sizes = [*widths, 1]
    network = Network([[[c] * a for _ in range(b)] for a, b, c in zip(widths, sizes[1:], weights, strict=True)])
    return naive_evaluation(network, Examples.point([1] * widths[0], 0), rates)


def test_theorem_18():
    found = uniform_moments(K, N, F(1, 2), depth=D)
    assert str(found.variance) == "y**2*((1 + 1/K)*(1 + 1/n)**(d - 1) - 1)"
    assert found.output == K * N ** (D - 1) * sympy.Symbol("c") ** D
    free = uniform_moments(K, N, depth=D)
    q = sympy.Symbol("q")
    assert str(free.variance) == "y**2*((1 + q/(K*(1 - q)))*(1 + q/(n*(1 - q)))**(d - 1) - 1)"
    assert sympy.simplify(free.variance.subs(q, sympy.Rational(1, 2)) - found.variance) == 0


def test_the_product_over_layers_with_their_own_widths_and_rates():
    n, q = sympy.IndexedBase("n"), sympy.IndexedBase("q")
    found = uniform_moments(K, n, q, depth=D)
    assert str(found.growth) == "(1 + q[0]/(K*(1 - q[0])))*Product(1 + q[l]/((1 - q[l])*n[l]), (l, 1, d - 1))"
    listed = uniform_moments(K, sympy.symbols("n_1 n_2"), sympy.symbols("q_0 q_1 q_2"))
    assert str(listed.variance) == (
        "y**2*((1 + q_0/(K*(1 - q_0)))*(1 + q_1/(n_1*(1 - q_1)))*(1 + q_2/(n_2*(1 - q_2))) - 1)"
    )
    # d = 3 of the product is the list
    names = {n[1]: sympy.Symbol("n_1"), n[2]: sympy.Symbol("n_2")} | {q[k]: sympy.Symbol(f"q_{k}") for k in range(3)}
    assert sympy.simplify(found.growth.subs(D, 3).doit().subs(names) - listed.growth) == 0


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_lists_are_what_the_double_loop_computes(data):
    widths = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    weights = data.draw(st.lists(st.fractions(0, 3, max_denominator=4), min_size=len(widths), max_size=len(widths)))
    rates = data.draw(st.lists(st.fractions(0, F(4, 5), max_denominator=5), min_size=len(widths), max_size=len(widths)))
    symbols = sympy.symbols(f"n0:{len(widths)}", integer=True, positive=True)
    drops, sizes = sympy.symbols(f"q0:{len(widths)}"), sympy.symbols(f"c0:{len(widths)}")
    found = uniform_moments(symbols[0], symbols[1:], drops, weights=sizes)
    values = dict(zip(symbols, widths, strict=True)) | {
        s: sympy.Rational(v.numerator, v.denominator)
        for names, numbers in ((drops, rates), (sizes, weights))
        for s, v in zip(names, numbers, strict=True)
    }
    wanted = double_loop(widths, weights, rates)
    output = found.output.subs(values)
    assert rational(output) == wanted.mean[0]
    assert rational(found.variance.subs(Y, found.output).subs(values)) == wanted.variance == wanted.penalty
    criterion = found.criterion(0).subs(Y, found.output).subs(values)
    assert rational(criterion) == wanted.criterion


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_symbolic_depth_is_what_the_double_loop_computes(depth):
    found = uniform_moments(K, N, F(1, 3), depth=D, weights=F(3, 2))
    wanted = double_loop([2] + [2] * (depth - 1), [F(3, 2)] * depth, [F(1, 3)] * depth)
    values = {K: 2, N: 2, D: depth}
    assert rational(found.output.subs(values)) == wanted.mean[0]
    assert rational(found.variance.subs(Y, found.output).subs(values)) == wanted.variance


def test_the_linear_model_is_depth_one():
    found = uniform_moments(K, N, F(1, 2), depth=1)
    assert sympy.simplify(found.variance - Y**2 / K) == 0
    assert found.criterion(2) == Y**2 * ((1 + 1 / K) - 1) + (Y - 2) ** 2


def test_refusals():
    with pytest.raises(InvalidInput, match="'hidden'"):
        uniform_moments(K, N)
    with pytest.raises(InvalidInput, match="'q'"):
        uniform_moments(K, [N], [F(1, 2)])
    with pytest.raises(InvalidInput, match="0 <= q < 1"):
        uniform_moments(K, [N], 1)
    with pytest.raises(InvalidInput, match="at least 1"):
        uniform_moments(0, [N])
    with pytest.raises(MixedNumbers, match="'q'"):
        uniform_moments(K, [N], 0.5)
    with pytest.raises(InvalidInput, match="0 <= q < 1"):
        uniform_moments(K, [N], sympy.Integer(2))
    with pytest.raises(MixedNumbers, match="SymPy Float"):
        uniform_moments(K, [N], 0.5 * sympy.Symbol("q"))
