"""The compact forms are the same functions as the plain ones and as the double loop over all masks."""

import random
from fractions import Fraction as F

import pytest
import sympy
from hypothesis import given, settings

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.testing import strategies

QUANTITIES = ("criterion", "penalty", "variance")


@settings(max_examples=40, deadline=None)
@given(strategies.problems(max_mask_bits=6, max_examples=2))
def test_numbers_are_those_of_the_double_loop(case):
    network, data, rates = case
    expected = naive_evaluation(network, data, rates)
    derivation = derive(network, data, rates)
    for name in QUANTITIES:
        assert derivation.compact(name).evaluate({}) == getattr(expected, name), name


CASES = [
    (Architecture(2, (2,), biases=False), False),
    (Architecture(1, (2, 1)), False),
    (Architecture(2, (2, 2), activation="linear"), False),
    (Architecture(2, (2, 2), biases=False), True),
    (Architecture(2, (1,), outputs=2, activation="leaky_relu(1/4)"), False),
    (Architecture(3, (), outputs=2), False),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_same_function_with_symbols(case):
    arch, nonnegative = CASES[case]
    network = free_network(arch, nonnegative=nonnegative)
    data = free_examples(arch.inputs, arch.outputs, nonnegative=nonnegative)
    rates = sympy.symbols(f"q_0:{arch.depth}")
    derivation = derive(network, data, rates)
    rng = random.Random(case)
    for _ in range(4):
        values = {s: F(rng.randint(0 if nonnegative else -40, 40), 7) for s in derivation.symbols}
        values |= {q: F(rng.randint(0, 8), 9) for q in rates}
        for name in QUANTITIES:
            formula = derivation.compact(name)
            assert formula.evaluate(values) == getattr(derivation, name).evaluate(values)
    exact = {s: sympy.Rational(v.numerator, v.denominator) for s, v in values.items()}
    for name in QUANTITIES:
        value = derivation.compact(name).expr.subs(exact)
        assert value == sympy.Rational(str(getattr(derivation, name).evaluate(values)))


def test_what_an_author_would_write():
    q = sympy.Symbol("q")
    network = free_network(Architecture(2, (2,), biases=False), nonnegative=True)
    found = derive(network, free_examples(2, nonnegative=True)).compact("variance").expr
    (a, b), (c, d) = network.weights[0].tolist()
    v, w = network.weights[1][0].tolist()
    x, z = free_examples(2, nonnegative=True).inputs[0].tolist()
    t = q / (1 - q)
    wanted = [
        *(t * p**2 * s**2 for p, s in ((x, v * a + w * c), (z, v * b + w * d), (v, a * x + b * z), (w, c * x + d * z))),
        *(t**2 * (p * s * u) ** 2 for p, s, u in ((v, a, x), (v, b, z), (w, c, x), (w, d, z))),
    ]
    assert found == sympy.Add(*wanted)
    hinge = derive(Architecture(1, (1,), biases=False), q=F(1, 2)).compact().expr
    assert str(hinge) == "2*w[1]**2*relu(W[1,1]*x[1])**2 + y**2/2 + (2*w[1]*relu(W[1,1]*x[1]) - y)**2/2"


def test_figure_1_and_refusals():
    figure_1 = Network([[[1, 1], [1, 1]], [1, 1]])
    derivation = derive(figure_1, Examples.point((1, -1), 8), F(1, 2))
    assert derivation.compact("penalty").evaluate({}) == -10
    with pytest.raises(InvalidInput, match="quantity"):
        derivation.compact("risk")
