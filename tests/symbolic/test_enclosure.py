"""The interval contains the value, and is narrow."""

import mpmath
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from mpmath.ctx_iv import MPIntervalContext

from exactdropout.errors import InvalidInput
from exactdropout.symbolic.enclosure import enclose
from exactdropout.symbolic.ring.relu import relu, step

S = sympy.S


def context(bits):
    iv = MPIntervalContext()
    iv.prec = bits
    return iv


def reference(expression, bits):
    """Return the value by mpmath's own evaluation at three times the precision."""
    with mpmath.workprec(3 * bits + 50):
        return +sympy.lambdify([], expression, modules=[{"relu": lambda z: max(z, 0)}, "mpmath"])()


rationals = st.fractions(min_value=-5, max_value=5, max_denominator=9).map(
    lambda f: sympy.Rational(f.numerator, f.denominator)
)
expressions = st.recursive(
    rationals | st.sampled_from([S.Pi, S.Exp1, sympy.sqrt(2), S.GoldenRatio, sympy.cbrt(7)]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda t: t[0] + t[1]),
        st.tuples(inner, inner).map(lambda t: t[0] * t[1]),
        inner.map(sympy.sin),
        inner.map(sympy.atan),
        inner.map(sympy.tanh),
        inner.map(lambda e: sympy.exp(sympy.cos(e))),
        inner.map(lambda e: sympy.log(2 + e**2)),
        inner.map(lambda e: sympy.sqrt(1 + e**2)),
        inner.map(relu),
    ),
    max_leaves=6,
)


@given(expressions, st.integers(20, 200))
def test_contains_what_mpmath_computes(expression, bits):
    interval = enclose(expression, context(bits))
    with mpmath.workprec(3 * bits + 60):
        value = mpmath.mpf(reference(expression, bits))
        low, high = mpmath.mpf(interval.a.a), mpmath.mpf(interval.b.b)
        margin = mpmath.mpf(2) ** (-2 * bits) * (1 + abs(value))
        assert low - margin <= value <= high + margin
        assert high - low <= mpmath.mpf(2) ** (3 - bits) * abs(value)


@pytest.mark.parametrize("bits", [53, 300, 2000])
def test_algebraic_numbers_satisfy_their_polynomial(bits):
    x = sympy.Symbol("x")
    for polynomial in (x**5 - x - 1, x**4 - 10 * x**2 + 1, 3 * x**3 - 7 * x + 1, (x**2 - 2) * (x**3 - x - 5)):
        for root in sympy.real_roots(polynomial):
            interval = enclose(root, context(bits))
            with mpmath.workprec(2 * bits + 50):
                low, high = (mpmath.mpf(e) for e in (interval.a.a, interval.b.b))
                values = [sympy.lambdify(x, polynomial, "mpmath")(e) for e in (low, high)]
                assert values[0] * values[1] < 0  # a simple root lies between the ends
                assert high - low <= abs(low) * mpmath.mpf(2) ** (3 - bits)


def test_hidden_zero_is_enclosed():
    zero = sympy.sqrt(3 + 2 * sympy.sqrt(2)) - 1 - sympy.sqrt(2)
    interval = enclose(zero, context(53))
    assert 0 in interval


def test_step_and_relu():
    iv = context(53)
    assert enclose(step(sympy.sqrt(2) - 1), iv) == 1
    assert enclose(relu(1 - sympy.sqrt(2)), iv) == 0
    hidden_zero = sympy.sqrt(3 + 2 * sympy.sqrt(2)) - 1 - sympy.sqrt(2)
    undecided = enclose(step(hidden_zero, evaluate=False), iv)
    assert 0 in undecided


def test_deep_nesting_is_no_recursion():
    deep = S(1)
    for _ in range(3000):
        deep = sympy.Add(1, sympy.Mul(sympy.Rational(1, 2), deep, evaluate=False), evaluate=False)
    assert abs(enclose(deep, context(53)) - 2) < 1e-12


@pytest.mark.parametrize(
    "bad",
    [sympy.Symbol("x") + 1, sympy.sqrt(-2), sympy.besselj(0, 1), S.Infinity, 1 / sympy.sin(0, evaluate=False)],
)
def test_what_is_no_real_number_is_refused(bad):
    with pytest.raises(InvalidInput, match="weights"):
        enclose(bad, context(53), "weights[0]")
