"""Symbols put in afterwards give what the double loop over all masks gives."""

from fractions import Fraction as F

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.symbolic.ring.relu import relu, step
from exactdropout.testing import strategies

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


def half_symbolic(draw, array, name, values):
    """Return the array with some entries replaced by symbols, assumptions that fit included; note the values."""
    result = np.empty(array.shape, dtype=object)
    for index, value in np.ndenumerate(array):
        kind = draw(st.sampled_from(["number", "plain", "signed", "shared"]))
        if kind == "number":
            result[index] = value
            continue
        if kind == "shared":  # one symbol times a number: entries that are no bare symbols
            shared = sympy.Symbol("t", positive=True)
            values[shared] = F(3, 2)
            result[index] = shared * sympy.Rational(value.numerator, value.denominator) * sympy.Rational(2, 3)
            continue
        known = {}
        if kind == "signed":
            known = {"positive": True} if value > 0 else {"nonnegative": True} if value == 0 else {"negative": True}
        symbol = sympy.Symbol(f"{name}_{'_'.join(map(str, index))}", **known)
        values[symbol] = value
        result[index] = symbol
    return result


@st.composite
def symbolic_problems(draw):
    network, data, rates = draw(strategies.problems(max_mask_bits=6, max_examples=2))
    values = {}
    weights = [half_symbolic(draw, w, f"w{i}", values) for i, w in enumerate(network.weights)]
    biases = [None if b is None else half_symbolic(draw, b, f"b{i}", values) for i, b in enumerate(network.biases)]
    mixed = Network(
        weights,
        biases if any(b is not None for b in biases) else None,
        activation=network.architecture.activations,
    )
    examples = Examples.from_arrays(
        half_symbolic(draw, data.inputs, "x", values),
        half_symbolic(draw, data.labels, "y", values),
        data.probabilities,
    )
    if draw(st.booleans()):
        q = rates
    elif len(set(rates)) == 1:
        q = sympy.Symbol("q")
        values[q] = rates[0]
    else:
        q = [sympy.Symbol(f"q_{i}") for i in range(len(rates))]
        values |= dict(zip(q, rates, strict=True))
    return (network, data, rates), derive(mixed, examples, q), values


@given(symbolic_problems())
def test_substituted_equals_double_loop(case):
    (network, data, rates), derivation, values = case
    expected = naive_evaluation(network, data, rates)
    for name in QUANTITIES:
        assert getattr(derivation, name).evaluate(values) == getattr(expected, name), name
    assert tuple(m.evaluate(values) for m in derivation.mean) == expected.mean


@given(symbolic_problems())
def test_gradient_equals_double_loop_at_kinks_too(case):
    (network, data, rates), derivation, values = case
    expected = naive_evaluation(network, data, rates, gradient=True).gradient
    gradient = derivation.gradient()
    for mine, theirs in zip(gradient.weights, expected.weights, strict=True):
        assert [f.evaluate(values) for f in mine.flat] == list(theirs.flat)
    for mine, theirs in zip(gradient.biases, expected.biases, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert [f.evaluate(values) for f in mine.flat] == list(theirs.flat)


@pytest.mark.quick_cases(5)
@settings(max_examples=15)
@given(symbolic_problems())
def test_sympy_expression_is_the_same_function(case):
    (network, data, rates), derivation, values = case
    expected = naive_evaluation(network, data, rates)
    exact = {s: sympy.Rational(v.numerator, v.denominator) for s, v in values.items()}
    for name in ("criterion", "penalty", "variance"):
        formula = getattr(derivation, name)
        substituted = formula.subs({s: v for s, v in exact.items() if s in formula.symbols})
        value = getattr(expected, name)
        assert substituted == sympy.Rational(value.numerator, value.denominator), name


def test_gradient_entry_is_the_derivative_of_the_criterion_by_sympy():
    derivation = derive(Architecture(inputs=1, hidden=(2, 1)), q=F(1, 3))
    gradient = derivation.gradient()
    network = derivation.network
    entries = [
        *zip(network.weights, gradient.weights, strict=True),
        *zip(network.biases, gradient.biases, strict=True),
    ]
    for k in range(3):
        point = {s: sympy.Rational((7 * i + 3 * k) % 11 - 5, 1 + i % 3) for i, s in enumerate(derivation.symbols)}
        for symbols, formulas in entries:
            for symbol, formula in list(zip(symbols.flat, formulas.flat, strict=True))[:2]:
                value = sympy.Rational(str(formula.evaluate(point)))
                assert derivation.criterion.expr.diff(symbol).subs(point, simultaneous=True) == value


def test_linear_penalty_is_the_known_one():
    d = derive(Architecture(inputs=3, hidden=(), biases=True))
    q = sympy.Symbol("q")
    x, w = sympy.symbols("x[1] x[2] x[3]"), sympy.symbols("w[1] w[2] w[3]")
    wanted = q / (1 - q) * sum(a**2 * b**2 for a, b in zip(x, w, strict=True))
    assert sympy.simplify(d.penalty.expr - wanted) == 0
    assert d.bias.expr == 0
    assert d.bias.is_identically_zero()


def test_nonnegative_weights_need_no_relu():
    arch = Architecture(inputs=2, hidden=(2, 2), biases=False)
    d = derive(free_network(arch, nonnegative=True), free_examples(2, nonnegative=True))
    assert not d.criterion.expr.has(relu)
    assert d.bias.is_identically_zero()


def test_an_architecture_of_nonnegative_weights():
    arch = Architecture(inputs=2, hidden=(2,), biases=False)
    d = derive(arch, q=F(1, 3), assume="weights >= 0, x >= 0")
    assert all(s == sympy.Symbol(str(s)) for s in d.symbols)
    with pytest.raises(InvalidInput, match="respect the assumptions"):
        d.penalty.evaluate(dict.fromkeys(d.symbols, -1))
    values = {s: F(k + 1, 3) for k, s in enumerate(d.symbols)}
    given = {str(s): v for s, v in values.items()}
    assert d.penalty.evaluate(values) == derive(arch, q=F(1, 3)).penalty.evaluate(given)
    assert not d.penalty.expr.has(relu)
    assert (
        d.penalty.expr
        == derive(
            arch, q=F(1, 3), assume=["w >= 0", "W[1][1,1] > 0, W[1,2] >= 0", "W[2,1]>=0", "W[2,2] >= 0", "x >= 0"]
        ).penalty.expr
    )
    assert derive(arch, q=F(1, 3), assume="w >= 0, x >= 0").penalty.expr.has(relu)
    for wrong in ("positive", "w <= 0", "w[3] >= 0", "z >= 0", 3, "y = 2"):
        with pytest.raises(InvalidInput, match="assume"):
            derive(arch, assume=wrong)


def test_rates_as_text():
    arch = Architecture(inputs=2, hidden=(1,), biases=False)
    assert derive(arch, q="q").criterion.expr == derive(arch).criterion.expr
    assert derive(arch, q="0, q").criterion.expr == derive(arch, q=(0, sympy.Symbol("q"))).criterion.expr


def test_the_gradient_states_its_cost():
    d = derive(Architecture(inputs=2, hidden=(2,)))
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        d.gradient(max_cost=d.cost * 1e-5)


def test_steps_survive_where_a_symbol_may_be_zero():
    w = sympy.Symbol("w", nonnegative=True)
    d = derive(Network([[[w]], [[1]]]), Examples.point((1,), 0), 0)
    assert d.criterion.expr == w**2
    assert d.gradient().weights[0][0, 0].evaluate({w: 0}) == 0
    v = sympy.Symbol("v", nonnegative=True)
    hinge = derive(Network([[[w, -1]], [[v]], [[1]]]), Examples.point((1, 1), 0), 0)
    entry = hinge.gradient().weights[1][0, 0]
    assert entry.evaluate({w: 3, v: 0}) == 0  # relu′(0) = 0 although v may only grow
    assert entry.evaluate({w: 3, v: 2}) == 2 * (2 * 2) * 2


def test_latex_and_text_of_a_small_case():
    d = derive(Architecture(inputs=1, hidden=(1,), biases=False), q=F(1, 2))
    assert str(d.criterion) == "4*w[1]**2*relu(W[1,1]*x[1])**2 - 2*w[1]*y*relu(W[1,1]*x[1]) + y**2"
    assert d._repr_latex_() == (
        r"$\displaystyle J_D = 4 w_{1}^{2} \operatorname{relu}\left( W_{1,1} x_{1} \right)^{2} "
        r"- 2 y w_{1} \operatorname{relu}\left( W_{1,1} x_{1} \right) + y^{2}$"
    )
    assert [str(s) for s in d.symbols] == ["W[1,1]", "w[1]", "x[1]", "y"]


def test_leaky_relu_and_several_outputs():
    arch = Architecture(inputs=1, hidden=(1,), outputs=2, biases=False, activation="leaky_relu(1/10)")
    d = derive(arch, q=0)
    z = sympy.Symbol("W[1,1]") * sympy.Symbol("x[1]")
    v = sympy.Symbol("w[1,1]")
    assert sympy.expand(d.mean[0].expr - v * (z / 10 + sympy.Rational(9, 10) * relu(z))) == 0


def test_irrational_entries_are_kept_as_they_are():
    d = derive(Network([[[sympy.sqrt(2)]], [[1]]]), Examples.point((1,), 0), F(1, 2))
    assert d.criterion.expr == 8
    with pytest.raises(InvalidInput, match="rational"):
        derive(Network([[[sympy.sqrt(2)]], [[1]]]), Examples.point((1,), 1), F(1, 2)).criterion.evaluate({})


def test_progress_is_told_and_grows():
    told = []
    derive(Architecture(inputs=7, hidden=(1,)), q=F(1, 2), progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (1000, 1000)


def test_refusals():
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        derive(Architecture(inputs=30, hidden=(30,)))
    with pytest.raises(CostLimitExceeded, match="inf"):
        derive(Architecture(inputs=1_000_000, hidden=(1_000_000,) * 5))
    with pytest.raises(CostLimitExceeded, match="architecture"):
        free_network(Architecture(inputs=1000, hidden=(1000,)))
    with pytest.raises(MixedNumbers, match="exact"):
        derive(Network([[[0.5]]]))
    with pytest.raises(MixedNumbers, match="q"):
        derive(Architecture(inputs=1), q=0.5)
    with pytest.raises(InvalidInput, match="inputs"):
        derive(Architecture(inputs=2), Examples.point((1,), 1))
    with pytest.raises(InvalidInput, match="architecture"):
        derive(5)
    d = derive(Architecture(inputs=1, hidden=()))
    with pytest.raises(InvalidInput, match="must give a number for"):
        d.criterion.evaluate({})
    with pytest.raises(InvalidInput, match="assumptions"):
        d.criterion.evaluate({"q": 1, "w[1]": 1, "x[1]": 1, "y": 1, "b": 0})
    with pytest.raises(InvalidInput, match="no symbol"):
        d.criterion.subs({"nobody": 1})


def test_a_value_that_makes_an_entry_infinite_is_refused():
    z = sympy.Symbol("z", positive=True)
    d = derive(Network([[[1 / z]]]), Examples.point((1,), 0), 0)
    assert d.criterion.evaluate({z: 2}) == F(1, 4)
    with pytest.raises(InvalidInput, match="finite"):
        d.criterion.evaluate({z: 0})


def test_symbol_names_must_be_names():
    with pytest.raises(InvalidInput, match="weight"):
        free_network(Architecture(inputs=1), weight="__import__('os')")
    with pytest.raises(InvalidInput, match="differ"):
        free_network(Architecture(inputs=1), weight="b")


def test_relu_and_step_of_numbers():
    z = sympy.Symbol("z")
    assert relu(z).diff(z) == step(z)
    assert [step(v) for v in (-1, 0, sympy.Rational(1, 9))] == [0, 0, 1]
    assert relu(-sympy.pi) == 0
    assert sympy.latex(step(z)) == r"\operatorname{step}\left(z\right)"
