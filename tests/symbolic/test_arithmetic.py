"""Formulas under + − · / and powers, against fractions at random points; equality as functions."""

from fractions import Fraction as F

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from exactdropout import Architecture, Examples, Network, derive
from exactdropout.errors import InvalidInput, MixedNumbers

HINGE = derive("2-1-1 relu, biases")
OTHER = derive("2-1-1 leaky_relu(1/3), no biases", q=F(1, 4))
LINE = derive("2-1 linear, no biases", q=[sympy.Symbol("q")])
FORMULAS = [
    HINGE.criterion, HINGE.penalty, HINGE.mean[0], OTHER.variance, OTHER.risk, LINE.penalty, LINE.criterion,
    derive("1-1 linear, no biases", Examples.point((1,), 2), F(1, 2)).risk,
]  # fmt: skip
NAMES = sorted({str(s) for f in FORMULAS for s in f.symbols})

numbers = st.fractions(-3, 3, max_denominator=4)
points = st.fixed_dictionaries({n: st.fractions(0, F(9, 10), max_denominator=10) if n == "q" else numbers
                                for n in NAMES})  # fmt: skip
formulas = st.sampled_from(FORMULAS)


@given(formulas, formulas, points, numbers)
def test_operations_are_those_of_the_values(a, b, point, c):
    u, v = a(point), b(point)
    assert (a + b)(point) == u + v
    assert (a - b)(point) == u - v
    assert (a * b)(point) == u * v
    assert (-a)(point) == -u
    assert (a + c - 2 * b)(point) == u + c - 2 * v
    assert (c - a)(point) == c - u
    assert (a**2)(point) == u**2
    assume(v and c)
    assert (a / b)(point) == u / v
    assert (a / c)(point) == u / c
    assert (c / b)(point) == c / v
    assert (a * b**-2)(point) == u / v**2


@given(formulas, formulas, points)
def test_printed_forms_of_quotients_are_the_quotient(a, b, point):
    u, v = a(point), b(point)
    assume(v)
    ratio = a / b
    values = {s: sympy.Rational(str(point[str(s)])) for s in ratio.symbols}
    assert ratio.expr.subs(values) == sympy.Rational(str(u / v))
    scope = {}
    exec(ratio.code("python"), scope)
    assert scope["formula"](*(point[str(s)] for s in ratio.symbols)) == u / v


@given(formulas, formulas)
def test_equal_is_proved_and_unequal_has_a_witness(a, b):
    assert (a + b - b).equals(a) is True
    assert ((a + b) ** 2).equals(a**2 + 2 * a * b + b**2) is True
    assert a.equals(a + 1) is False
    assert (a == b) is (a is b)
    assert hash(a + b - b) == hash(a)
    assert hash((a * b) / b) == hash(a)


def test_relu_of_both_signs_is_one_function():
    z = sympy.Symbol("z")
    ring = HINGE.penalty.ring
    up = derive(Network([[[z]], [1]]), Examples.point((1,), 0), 0).mean[0]
    down = derive(Network([[[-z]], [1]]), Examples.point((1,), 0), 0).mean[0]
    assert str(up - down) == "-relu(-z) + relu(z)"
    identity = derive(Network([[z]]), Examples.point((1,), 0), 0).mean[0]
    assert (up - down).equals(identity) is True
    assert up - down == identity
    assert up.equals(down) is False
    assert (up * down) == 0
    assert ring is not up.ring


def test_the_parts_of_a_derivation_add_up():
    assert HINGE.criterion - HINGE.risk == HINGE.penalty
    assert HINGE.variance + HINGE.bias == HINGE.penalty
    assert HINGE.penalty != HINGE.variance
    assert sum([LINE.penalty, LINE.risk]) == LINE.criterion
    assert str(LINE.penalty / LINE.penalty) == "1"
    assert derive("2-1-1 relu, biases").penalty in {HINGE.penalty}


def test_sympy_takes_formulas():
    q, w = sympy.Symbol("q"), sympy.Symbol("w[1]")
    assert sympy.sympify(LINE.penalty) == LINE.penalty.expr
    assert q * LINE.penalty == LINE.penalty * q == q * LINE.penalty.expr
    assert sympy.diff(LINE.penalty, w) == LINE.penalty.expr.diff(w)


def test_a_call_takes_symbols_names_and_keywords():
    risk = derive("1-1 linear, no biases").risk  # (w x − y)²
    assert risk({sympy.Symbol("w[1]"): 3, "x[1]": "1/2"}, y=1) == F(1, 4)
    assert risk(w_1=3, x_1=2, y=1) == 25
    deep = derive("1-1-1 relu, no biases").risk
    assert deep({"W[1][1,1]": 2, "w[1]": 3, "x[1]": 1, "y": 0}) == 36
    with pytest.raises(InvalidInput, match="two numbers for x"):
        risk({"x[1]": 1}, x_1=2, w_1=1, y=0)
    with pytest.raises(InvalidInput, match="give a number for y"):
        risk(w_1=3, x_1=2)


def test_a_name_of_another_symbol_is_not_taken_for_it():
    several = derive("1-2-1 relu, biases").risk
    values = {str(s): F(1, 2) for s in several.symbols}
    assert "b[1]" in values
    # with several outputs b[1] is an output's bias, b[1][1] a hidden one: neither stands for the other
    two = derive(Architecture(1, (1,), outputs=2)).mean[1]
    ones = {str(s): F(1, 2) for s in two.symbols}
    assert two(ones | {"b[1]": 1000}) == two(ones)


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (lambda f: f + 0.5, MixedNumbers, "exact"),
        (lambda f: f / 0, InvalidInput, "must not be 0"),
        (lambda f: f / (f - f), InvalidInput, "must not be 0"),
        (lambda f: f**100, InvalidInput, "at most 64"),
        (lambda f: f**0.5, TypeError, "unsupported"),
        (lambda f: f + "1", TypeError, "unsupported"),
        (lambda f: f(3), InvalidInput, "must map"),
        (lambda f: f.equals("f"), InvalidInput, "a formula or an exact number"),
        (lambda f: (1 / f)({str(s): 0 for s in f.symbols}), InvalidInput, "apart from 0"),
    ],
)
def test_what_is_refused(operation, error, message):
    with pytest.raises(error, match=message):
        operation(LINE.penalty)
