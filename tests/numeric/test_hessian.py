"""Hessian-vector products: exact ones against symbols and differences, float ones inside their bound of exact ones."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction as F

import numpy as np
import pytest
import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers, NumericalRange, UnreadableFile
from exactdropout.evaluation import evaluate, plan
from exactdropout.model import Examples, Network
from exactdropout.numeric.direction import direction_of
from exactdropout.numeric.float64.derivatives import hessian as engine
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner
from exactdropout.symbolic.derivation import derive
from exactdropout.testing.strategies import networks, problems

from .entrywise import outside

HALF = F(1, 2)


def parts(found):
    """Return all entries in one list."""
    return [v for a in (*found.weights, *found.biases) if a is not None for v in a.ravel().tolist()]


def moved(network, direction, t):
    return Network(
        [w + t * v for w, v in zip(network.weights, direction.weights, strict=True)],
        [None if b is None else b + t * v for b, v in zip(network.biases, direction.biases, strict=True)],
        activation=network.architecture.activations,
    )


def random_network(seed, widths, activation="relu", denominator=997):
    rng = random.Random(seed)

    def entry():
        return F(rng.randint(-1000, 1000), denominator)

    return Network(
        [[[entry() for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)],
        [[entry() for _ in range(b)] for b in widths[1:]],
        activation=activation,
    )


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, -1)])
def test_exact_products_are_the_second_derivatives_of_the_formula(signs):
    """Positive symbols resolve every relu; SymPy differentiates twice, the numbers come last."""
    w = sympy.symbols("w1:5", positive=True)
    b = sympy.symbols("b1:3", positive=True)
    a = sympy.symbols("a1:4")
    rows = [[w[0], w[1]], [signs[0] * w[2], signs[1] * w[3]]]
    hidden = [b[0], signs[0] * b[1]]
    data, q = Examples([((1, 2), 3), ((F(1, 2), 1), 1)]), (F(1, 3), F(1, 4))
    symbolic = Network([rows, [a[0], a[1]]], [hidden, [a[2]]])
    values = dict(
        zip((*w, *b, *a), map(sympy.Rational, ("1/2", "3/7", "5/3", "2/9", "1/5", "4", "-2", "7/6", "3")), strict=True)
    )
    if signs[0] != signs[1]:  # a unit of both signs needs its branch: large b decides it
        values[b[1]] = sympy.Rational(4)
    criterion = derive(symbolic, data, q).criterion.expr
    order = [*w, *b, *a]
    tangents = dict(zip(order, map(sympy.Integer, range(1, 10)), strict=True))
    expected = [
        sympy.nsimplify(
            sum(sympy.diff(criterion, s, t).subs(values).doit() * tangents[t] for t in order), rational=True
        )
        for s in order
    ]

    def numbers(table):
        at = {s: F(int(v.p), int(v.q)) for s, v in table.items()}
        s0, s1 = signs
        return Network(
            [[[at[w[0]], at[w[1]]], [s0 * at[w[2]], s1 * at[w[3]]]], [at[a[0]], at[a[1]]]],
            [[at[b[0]], s0 * at[b[1]]], [at[a[2]]]],
        )

    found = evaluate(numbers(values), data, q, hessian_product=numbers(tangents)).hessian_product
    (w1, w2), (w3, w4) = found.weights[0].tolist()
    (a1, a2), (b1, b2), (a3,) = found.weights[1].tolist()[0], found.biases[0].tolist(), found.biases[1].tolist()
    s0, s1 = signs
    assert [w1, w2, s0 * w3, s1 * w4, b1, s0 * b2, a1, a2, a3] == [F(int(e.p), int(e.q)) for e in expected]


@pytest.mark.parametrize("widths", [(2, 1), (3, 2, 1), (2, 2, 2, 2), (1, 2, 1, 2, 1)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu(-1/3)"])
def test_exact_products_are_exact_differences_inside_one_piece(widths, activation):
    """Between kinks t ↦ ∂J_D/∂W (W + tV) is a polynomial; its derivative at 0 follows from degree + 1 values."""
    network, direction = random_network(1, widths, activation), random_network(2, widths, activation)
    rng = random.Random(3)
    data = Examples(
        [
            ([F(rng.randint(-9, 9), 7) for _ in range(widths[0])], [F(rng.randint(-9, 9), 5)] * widths[-1])
            for _ in range(2)
        ]
    )
    q = tuple(F(1, 2 + l) for l in range(len(widths) - 1))
    degree, step = 2 * (len(widths) - 1), F(1, 10**12)
    nodes = [step * k for k in range(degree + 1)]
    slopes = [F(0)] * (degree + 1)  # derivatives at 0 of the Lagrange polynomials of the nodes
    for i, t in enumerate(nodes):
        for j in range(degree + 1):
            if j != i:
                term = 1 / (t - nodes[j])
                for k in range(degree + 1):
                    if k not in (i, j):
                        term *= (0 - nodes[k]) / (t - nodes[k])
                slopes[i] += term
    values = [parts(evaluate(moved(network, direction, t), data, q, gradient=True).gradient) for t in nodes]
    expected = [sum((s * v for s, v in zip(slopes, column, strict=True)), F(0)) for column in zip(*values, strict=True)]
    assert parts(evaluate(network, data, q, hessian_product=direction).hessian_product) == expected


@pytest.mark.parametrize(("activation", "slope"), [("relu", F(0)), ("leaky_relu(1/2)", F(1, 2))])
def test_at_a_kink_the_negative_branch_is_differentiated(activation, slope):
    """D = a φ(wx + b) with wx + b = 0: as if φ(z) = slope·z, so J = (a·slope·(wx + b) − y)²."""
    network = Network([[[2]], [[3]]], [[-2], None], activation=activation)
    found = evaluate(network, [((1,), 5)], 0, hessian_product=([[[1]], [[1]]], [[1], None])).hessian_product
    # J = r², r = a s z − y: ∂_w = 2 r a s, ∂_a = 2 r s z; along (1, 1, 1): ṙ = s z + 2 a s, ż = 2, z = 0
    r, dr = F(-5), 6 * slope
    expected = 2 * (dr * 3 * slope + r * slope)
    assert found.weights[0].tolist() == [[expected]]
    assert found.biases[0].tolist() == [expected]
    assert found.weights[1].tolist() == [[2 * (r * slope * 2)]]


@settings(max_examples=40, deadline=None)
@given(problem=problems(kind="float64", max_mask_bits=5, max_examples=2), data=st.data())
@example((Network([[[0.01]], [1.0]], [[-1.0], None]), Examples.point([1.0], 1.0), (F(99, 100), F(0))), None)
def test_float_products_are_inside_their_bound(problem, data):
    network, examples, q = problem
    along = network if data is None else data.draw(networks(network.architecture, kind="float64"))
    try:
        found = evaluate(network, examples, q, hessian_product=along).hessian_product
    except NumericalRange:
        return
    exact = evaluate(network.exact(), examples.exact(), q, hessian_product=along.exact(), max_cost=1000)
    assert outside(found, exact.hessian_product) == []


NEAR_TIES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, -0.1, 1 + 2.0**-52, 1 - 2.0**-53, 3.0, 1 / 3, 5e-324, 1e-300, 1e8]),
    st.floats(-1e3, 1e3),
)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_near_ties_stay_inside(data):
    widths = (*data.draw(st.sampled_from([(2,), (3, 2), (2, 2, 2), (1, 2, 2)])), 1)
    activation = data.draw(st.sampled_from(["relu", "leaky_relu(1/10)", "leaky_relu(-1/3)", "linear"]))
    with_biases = data.draw(st.booleans())

    def drawn():
        rows = [[[data.draw(NEAR_TIES) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)]
        biases = [[data.draw(NEAR_TIES) for _ in range(b)] for b in widths[1:]] if with_biases else None
        return Network(rows, biases, activation=activation)

    network, along = drawn(), drawn()
    examples = Examples.point([data.draw(NEAR_TIES) for _ in range(widths[0])], data.draw(NEAR_TIES))
    q = tuple(data.draw(st.sampled_from([F(0), F(1, 2), F(1, 3), F(1, 4), F(2, 3)])) for _ in widths[1:])
    try:
        found = evaluate(network, examples, q, hessian_product=along).hessian_product
    except NumericalRange:
        return
    exact = evaluate(network.exact(), examples.exact(), q, hessian_product=along.exact(), max_cost=1000)
    assert outside(found, exact.hessian_product) == []


def gaussian(seed, *widths, examples=1):
    rng = np.random.default_rng(seed)
    network = Network(
        [rng.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)],
        [rng.normal(size=b) / 4 for b in widths[1:]],
    )
    inputs, labels = rng.normal(size=(examples, widths[0])), rng.normal(size=(examples, widths[-1]))
    return network, Examples.from_arrays(inputs, labels)


@pytest.mark.parametrize("widths", [(4, 3, 1), (3, 3, 2, 2), (2, 2, 2, 2, 1)])
def test_bounds_are_small_and_the_hessian_is_symmetric(widths):
    network, data = gaussian(4, *widths, examples=2)
    first, second = gaussian(5, *widths)[0], gaussian(6, *widths)[0]
    q = (F(1, 3),) * (len(widths) - 1)
    a = evaluate(network, data, q, hessian_product=first).hessian_product
    b = evaluate(network, data, q, hessian_product=second).hessian_product
    assert a.error_bound < 1e-9 * max(np.abs(w).max() for w in a.weights)
    assert np.dot(parts(a), parts(second)) == pytest.approx(np.dot(parts(b), parts(first)), rel=1e-12)


def test_bits_do_not_depend_on_threads_or_chunks(monkeypatch):
    network, data = gaussian(8, 8, 5, 4, 2, examples=3)
    along = direction_of(gaussian(9, 8, 5, 4, 2)[0], network)
    problem = prepare(network, data, (F(1, 3), F(1, 4), F(1, 5)))
    whole = engine.walked_hessian_product(network, problem, along, Runner())
    monkeypatch.setattr(engine, "CHUNK_NANOSECONDS", 3000.0)
    monkeypatch.setattr(engine, "STEP_NANOSECONDS", 5000.0)
    pieces = engine.walked_hessian_product(network, problem, along, Runner(threads=3))
    assert parts(pieces) == parts(whole)
    assert pieces.error_bound == whole.error_bound


def test_plans_state_the_cost_and_refuse():
    network, data = gaussian(1, 12, 6, 1)
    plain, with_product = plan(network, data, "1/2"), plan(network, data, "1/2", hessian_product=network)
    assert with_product.cost > plain.cost
    assert "Hessian product" in with_product.reason
    exact_cost = plan(network.exact(), data.exact(), "1/2").seconds
    assert plan(network.exact(), data.exact(), "1/2", hessian_product=network.exact()).seconds > exact_cost
    with pytest.raises(CostLimitExceeded):
        evaluate(network, data, "1/2", hessian_product=network, max_cost=plain.seconds)
    with pytest.raises(CostLimitExceeded):
        evaluate(network.exact(), data.exact(), "1/2", hessian_product=network.exact(), max_cost=exact_cost)


def test_directions_are_checked():
    network = Network([[[1.0, 2.0]], [1.0]])
    data = [((1.0, 1.0), 1.0)]
    gradient = evaluate(network, data, "1/2", gradient=True).gradient
    along = evaluate(network, data, "1/2", hessian_product=gradient).hessian_product
    assert evaluate(network, data, "1/2", hessian_product=(gradient.weights, None)).hessian_product.weights[
        0
    ].tolist() == (along.weights[0].tolist())
    assert along.biases == (None, None)
    for wrong in (
        3,
        "w",
        (1, 2),
        (None, 3),
        ([[[1.0]], [1.0]], None),
        Network([[1.0, 1.0]]),
        (gradient.weights, [[1.0], [1.0]]),
    ):
        with pytest.raises(InvalidInput, match="hessian_product"):
            evaluate(network, data, "1/2", hessian_product=wrong)
    with pytest.raises(MixedNumbers, match="hessian_product"):
        evaluate(network, data, "1/2", hessian_product=network.exact())
    with pytest.raises(InvalidInput, match="precision"):
        evaluate(network, data, "1/2", hessian_product=network, precision=20)
    with pytest.raises(InvalidInput, match="hessian_product"):
        evaluate(network, data, "1/2", hessian_product=([[[float("nan"), 1.0]], [1.0]], None))


def test_a_journal_belongs_to_its_direction(tmp_path):
    """Nested tables give this gradient up, so the journal holds them, the walk and the product."""
    network = Network([[[0.1, 0.2]], [[1.0]], [1.0]], [[-0.2], [0.5], [0.0]])
    data, path = Examples.point([1.0, 1.0], 1.0), tmp_path / "journal"
    first = evaluate(network, data, "1/2", gradient=True, hessian_product=network, checkpoint=path)
    again = evaluate(network, data, "1/2", gradient=True, hessian_product=network, checkpoint=path)
    assert parts(first.gradient) == parts(again.gradient)
    assert parts(first.hessian_product) == parts(again.hessian_product)
    other = moved(network, network, 1.0)
    with pytest.raises(UnreadableFile, match="direction of 'hessian_product'"):
        evaluate(network, data, "1/2", gradient=True, hessian_product=other, checkpoint=path)
