"""Sums and products put together directly are those that SymPy's constructors return, hash and all."""

import random
from fractions import Fraction as F

import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.model import Architecture, Examples, Network
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.ring.relu import relu, step
from exactdropout.symbolic.ring.ring import ReluRing
from exactdropout.symbolic.ring.sympy_order import Order
from exactdropout.symbolic.ring.to_sympy import PlainWriter, to_sympy

X, Y, Z = sympy.symbols("x y z")
BASES = [X, Y, Z, 1 - X, X + Y, relu(X), relu(X - Y), step(X + 2 * Y), relu(X * relu(Y)), sympy.Symbol("y_10")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.fractions(max_denominator=9), st.integers(0, 10**9)), max_size=8))
def test_order_is_sympys(drawn):
    order = Order()
    terms, plain = [], []
    for number, seed in drawn:
        rng = random.Random(seed)
        factors = [b ** rng.choice([-2, -1, 1, 2]) for b in rng.sample(BASES, rng.randint(0, 4))]
        size = sympy.Rational(number.numerator, number.denominator)
        if size:
            one = order.product(size, factors)
            assert (one, hash(one)) == (sympy.Mul(size, *factors), hash(sympy.Mul(size, *factors)))
            assert one.args == sympy.Mul(size, *factors).args
            if not any(t.as_coeff_Mul()[1] == one.as_coeff_Mul()[1] for t in terms) and not one.is_Add:
                terms.append(one)
                plain.append(one)
    total = order.sum(terms)
    assert total.args == sympy.Add(*plain).args
    assert (total, hash(total)) == (sympy.Add(*plain), hash(sympy.Add(*plain)))


def test_both_writers_write_the_same():
    q = sympy.Symbol("q")
    for arch in (Architecture(2, (2,)), Architecture(2, (1, 2), biases=False), Architecture(1, (2,), outputs=2)):
        for rate in (q, F(1, 3)):
            found = derive(arch, q=rate)
            for formula in (found.criterion, found.variance, found.bias):
                other = PlainWriter(formula.ring)
                for number in range(len(formula.ring.atoms)):
                    other.atoms[number] = other.atom(number)
                for piece in formula.pieces:
                    for factor in piece:
                        assert sympy.expand(to_sympy(factor) - other.sum(factor, None)) == 0
                        over = None if formula.denominator == 1 else formula.denominator
                        difference = to_sympy(factor, over) - other.sum(factor, over)
                        assert sympy.expand(sympy.together(difference)) == 0


def test_an_unresolved_hinge_is_the_one_that_the_constructor_makes():
    for function in (relu, step):
        made, wanted = function.unresolved(X * Y - Z), function(X * Y - Z)
        assert (made, hash(made), made.args, made.nargs) == (wanted, hash(wanted), wanted.args, wanted.nargs)
        assert made.is_real == wanted.is_real
        assert made.is_extended_nonnegative
        assert made.subs({X: 2, Y: 3, Z: 1}) == wanted.subs({X: 2, Y: 3, Z: 1})


def test_generators_that_are_no_symbols_are_collected_by_sympy():
    root = sympy.sqrt(2)
    ring = ReluRing([root, X])
    z = ring.generator(root) * ring.generator(root) * ring.generator(X)
    assert to_sympy(z) == 2 * X
    assert derive(Network([[[root]], [[root]]]), Examples.point((X,), 0), F(1, 2)).criterion.expr == 16 * relu(X) ** 2
