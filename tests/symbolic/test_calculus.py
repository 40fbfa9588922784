"""Hessian, derivative in q and monotone stretches against the double loop over all masks, by exact interpolation.

Near a point off the kinks the double loop is a polynomial in one weight, and in q after multiplication by a power of p:
its values at enough points beside it give its derivative exactly, without any derivative of ours.
"""

import random
from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.criterion.symbols_for_entries import network_parameters
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples

TINY = F(1, 10**12)
CASES = [
    (Architecture(2, (2,)), 1),
    (Architecture(2, (2,), biases=False), 2),
    (Architecture(1, (2, 1)), 1),
    (Architecture(2, (1, 1), biases=False, activation="leaky_relu(1/3)"), 1),
    (Architecture(2, (2,), outputs=2, activation="linear"), 2),
    (Architecture(2, (1,), outputs=2, activation=("relu",)), 1),
    (Architecture(3, ()), 2),
]


def slope_at_zero(values, step):
    """Return the derivative at 0 of the polynomial with the given values at 0, step, 2 step, …, by Newton's formula."""
    rows, total = list(values), F(0)
    for k in range(1, len(values)):
        rows = [b - a for a, b in pairwise(rows)]
        total += F((-1) ** (k - 1), k) * rows[0]
    return total / step


def random_problem(arch, examples, seed):
    rng = random.Random(seed)
    number = lambda: F(rng.choice([-1, 1]) * rng.randint(1, 997), 101)  # noqa: E731
    widths = arch.widths
    weights = [[[number() for _ in range(a)] for _ in range(b)] for a, b in pairwise(widths)]
    biases = [[number() for _ in range(b)] for b in widths[1:]] if arch.output_bias else None
    network = Network(weights, biases, activation=arch.activations)
    points = [[number() for _ in range(arch.inputs)] for _ in range(examples)]
    labels = [[number() for _ in range(arch.outputs)] for _ in range(examples)]
    return network, Examples.from_arrays(points, labels), [F(rng.randint(1, 8), 9) for _ in range(arch.depth)]


def moved(network, parameter, shift):
    weights = [np.array(w, dtype=object) for w in network.weights]
    biases = [None if b is None else np.array(b, dtype=object) for b in network.biases]
    if parameter.source is None:
        biases[parameter.layer][parameter.unit] += shift
    else:
        weights[parameter.layer][parameter.unit, parameter.source] += shift
    return Network(
        weights, biases if any(b is not None for b in biases) else None, activation=network.architecture.activations
    )


def gradient_entry(gradient, parameter):
    if parameter.source is None:
        return gradient.biases[parameter.layer][parameter.unit]
    return gradient.weights[parameter.layer][parameter.unit, parameter.source]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_hessian_is_that_of_the_double_loop(case):
    arch, examples = CASES[case]
    network, data, rates = random_problem(arch, examples, case)
    found = derive(network, data, rates).hessian()
    assert found.parameters == network_parameters(network)
    assert len(found.parameters) == arch.parameters
    rng = random.Random(case)
    degree = 2 * arch.depth
    for b in rng.sample(range(len(found.parameters)), min(4, len(found.parameters))):
        at = [
            naive_evaluation(moved(network, found.parameters[b], k * TINY), data, rates, gradient=True).gradient
            for k in range(degree + 1)
        ]
        for a, parameter in enumerate(found.parameters):
            wanted = slope_at_zero([gradient_entry(g, parameter) for g in at], TINY)
            assert found.matrix[a, b].evaluate({}) == wanted
            assert found.matrix[b, a].evaluate({}) == wanted


def test_symbolic_hessian_is_the_second_derivative_by_sympy():
    derivation = derive(Architecture(2, (1,), biases=True), q=F(1, 3))
    found = derivation.hessian()
    symbols = [gradient_entry(derivation.network, p) for p in found.parameters]
    point = {s: sympy.Rational((5 * i) % 7 - 3, 2) for i, s in enumerate(derivation.symbols)}
    for a, first in enumerate(symbols):
        for b, second in enumerate(symbols):
            wanted = derivation.criterion.expr.diff(first, second).subs(point, simultaneous=True)
            assert sympy.Rational(str(found.matrix[a, b].evaluate(point))) == wanted


def test_hessian_of_shared_and_numeric_entries_is_entry_by_entry():
    t = sympy.Symbol("t", positive=True)
    found = derive(Network([[[t]], [[t]]]), Examples.point((2,), 1), 0).hessian()
    assert [[sympy.expand(f.expr) for f in row] for row in found.matrix.tolist()] == [
        [8 * t**2, 16 * t**2 - 4],
        [16 * t**2 - 4, 8 * t**2],
    ]


def test_hessian_states_its_cost():
    derivation = derive(Architecture(2, (2,)))
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        derivation.hessian(max_cost=derivation.cost * 1e-5)


@pytest.mark.parametrize("quantity", ["criterion", "penalty", "variance", "bias", "risk"])
@pytest.mark.parametrize("case", [0, 2, 3, 4])
def test_derivative_in_q_is_that_of_the_double_loop(case, quantity):
    arch, examples = CASES[case]
    network, data, rates = random_problem(arch, examples, case + 100)
    derivation = derive(network, data, rates)
    for layers in (*((layer,) for layer in range(arch.depth)), None):
        power = 2 * arch.depth
        degree = power + arch.mask_bits
        values = []
        for k in range(degree + 1):
            at = [r + k * TINY if layers is None or i in layers else r for i, r in enumerate(rates)]
            scale = F(1)
            for i, r in enumerate(at):
                scale *= (1 - r) ** 2 if layers is None or i in layers else 1
            values.append((getattr(naive_evaluation(network, data, at), quantity), scale))
        # J = F/s with F a polynomial of degree at most `degree`: J' = (F' − J s')/s
        top = slope_at_zero([v * s for v, s in values], TINY)
        bottom = slope_at_zero([s for _, s in values], TINY)
        wanted = (top - values[0][0] * bottom) / values[0][1]
        found = derivation.derivative_q(quantity, None if layers is None else layers[0])
        assert found.evaluate({}) == wanted


def test_derivative_in_a_symbolic_q_is_sympys():
    q = sympy.Symbol("q")
    derivation = derive(Architecture(1, (1,)))
    point = {s: sympy.Rational(3 * i + 2, 5) for i, s in enumerate(derivation.symbols)} | {q: sympy.Rational(2, 7)}
    for quantity in ("criterion", "penalty", "variance"):
        wanted = getattr(derivation, quantity).expr.diff(q).subs(point, simultaneous=True)
        assert sympy.Rational(str(derivation.derivative_q(quantity).evaluate(point))) == wanted
    with pytest.raises(InvalidInput, match="layer"):
        derivation.derivative_q(layer=2)
    with pytest.raises(InvalidInput, match="quantity"):
        derivation.derivative_q("mass")


@pytest.mark.parametrize("seed", range(8))
def test_stretches_are_where_the_double_loop_rises_and_falls(seed):
    arch, examples = [(Architecture(2, (2,)), 1), (Architecture(2, (1, 1)), 1), (Architecture(2, (2,)), 2)][seed % 3]
    network, data, _ = random_problem(arch, examples, seed + 200)
    quantity = ["criterion", "penalty"][seed % 2]
    found = derive(network, data).monotone(quantity)

    def value(q):
        return getattr(naive_evaluation(network, data, [q] * arch.depth), quantity)

    assert found.stretches[0].low == F(0)
    assert found.stretches[-1].high == F(1)
    for left, right in pairwise(found.stretches):
        assert left.high == right.low
        assert left.direction != right.direction
    for stretch in found.stretches:
        low, high = (end.refined(F(1, 10**15)) for end in (stretch.low, stretch.high))
        width = high.low - low.high
        grid = [low.high + width * t for t in (F(1, 10**6), *(F(k, 12) for k in range(1, 12)), 1 - F(1, 10**6))]
        values = [value(q) for q in grid]
        steps = [b - a for a, b in pairwise(values)]
        sign = {"increasing": 1, "decreasing": -1, "constant": 0}[stretch.direction]
        assert {(s > 0) - (s < 0) for s in steps} == {sign}
    for piece in found.pieces:
        middle = (piece.low.high + piece.high.low) / 2
        assert piece.function(middle) == value(middle)


def test_the_known_stretches():
    # the risk does not know q
    hinge = derive(Network([[[-1]], [[1]]], [[2], [0]]), Examples.point((1,), 0)).monotone("risk")
    assert [str(s) for s in hinge.stretches] == ["constant on (0, 1)"]
    # W = 0: criterion y² whatever q is
    flat = derive(Network([[[0]], [[1]]]), Examples.point((1,), 3)).monotone()
    assert (str(flat.stretches[0]), len(flat.stretches)) == ("constant on (0, 1)", 1)
    # (w − 1)² + q/(1−q) w²: rises
    line = derive(Network([[[F(1, 2)]]]), Examples.point((1,), 1)).monotone()
    assert [str(s) for s in line.stretches] == ["increasing on (0, 1)"]
    assert line.latex() == r"\frac{1}{4 - 4 q}"
    # Figure 1: the criterion is least at q = 1/2
    figure = derive(Network([[[1, 1], [1, 1]], [1, 1]]), Examples.point((1, -1), 8)).monotone()
    assert [str(s) for s in figure.stretches] == ["decreasing on (0, 1/2)", "increasing on (1/2, 1)"]
    with pytest.raises(InvalidInput, match="q alone"):
        derive(Architecture(1, ())).monotone()


def test_a_unit_that_turns_off_on_the_way_cuts_the_pieces():
    # kept: relu(3/2 − 1/p), which is on for q < 1/3 only
    network = Network([[[-1]], [[1]]], [[F(3, 2)], [0]])
    data = Examples.point((1,), 0)
    found = derive(network, data).monotone()
    assert [(str(p.low), str(p.high)) for p in found.pieces] == [("0", "1/3"), ("1/3", "1")]
    for piece in found.pieces:
        for q in (piece.low.low + F(1, 100), piece.high.low - F(1, 100)):
            assert piece.function(q) == naive_evaluation(network, data, [q, q]).criterion


def test_free_inputs_have_a_hessian_too():
    arch = Architecture(2, (2,), biases=False)
    network = Network([[[1, -1], [2, 3]], [1, -2]])
    found = derive(network, free_examples(2), F(1, 2)).hessian()
    values = {"x[1]": F(7, 3), "x[2]": F(-5, 2), "y": F(1, 3)}
    numbers = derive(network, Examples.point((F(7, 3), F(-5, 2)), F(1, 3)), F(1, 2)).hessian()
    assert arch.parameters == len(found.parameters)
    for a in range(6):
        for b in range(6):
            assert found.matrix[a, b].evaluate(values) == numbers.matrix[a, b].evaluate({})
