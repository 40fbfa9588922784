"""Printed formulas hold no terms that add up or cancel, and are equal to what was derived."""

from fractions import Fraction as F

import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exactdropout.claims import derived_claims
from exactdropout.symbolic.criterion.tidied import tidied
from exactdropout.symbolic.ring.relu import relu

q, a, b = sympy.symbols("q a b")
RESTS = [sympy.S.One, a, b, a * b, relu(a), relu(a - q) * b, a**2]
rates = st.builds(
    lambda number, drops, keeps: sympy.Rational(number) * q**drops * (1 - q) ** keeps,
    st.fractions(-3, 3, max_denominator=4), st.integers(0, 2), st.integers(-3, 2),
)  # fmt: skip
sums = st.lists(st.tuples(rates, st.sampled_from(RESTS)), min_size=1, max_size=6).map(
    lambda terms: sympy.Add(*(rate * rest for rate, rest in terms))
)


@given(sums, st.integers(-2, 1))
@example(1 - q, 0)
@settings(max_examples=60)
def test_tidied_is_equal_and_has_one_term_for_each_rest(total, keeps):
    expression = total * (1 - q) ** keeps
    found = tidied(expression)
    for point in ({q: F(1, 3), a: 2, b: -3}, {q: F(3, 4), a: F(-1, 2), b: 5}):
        values = {symbol: sympy.Rational(F(value)) for symbol, value in point.items()}
        assert sympy.simplify((found - expression).subs(values)) == 0
    if found.is_Add:
        rests = [frozenset(f for f in sympy.Mul.make_args(t) if f.has(a, b)) for t in found.args]
        with_weights = [rest for rest in rests if rest]  # what is left is a polynomial in q, such as 1 - q
        assert len(set(with_weights)) == len(with_weights)


def test_what_authors_write():
    linear = derived_claims("1-1 linear, no biases", quantities=["criterion"])["criterion"]
    assert str(linear) == "J_D = w[1]^2*x[1]^2/(1 - q) - 2*y*w[1]*x[1] + y^2"
    two = derived_claims("1-1-1 linear", quantities=["penalty"])["penalty"]
    assert "q*w[1]^2*W[1,1]^2*x[1]^2*(2 - q)/(1 - q)^2" in str(two)
    numbers = derived_claims("1-1, no biases", [((1,), 8), ((2,), 3)], quantities=["criterion"])["criterion"]
    assert str(numbers).endswith(" + 73/2")
