"""Algebraic numbers and rational functions: against SymPy's roots and against plain evaluation."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import sympy
from flint import fmpz_poly
from hypothesis import assume, example, given
from hypothesis import strategies as st

from exactdropout.algebra.algebraic import (
    Algebraic,
    RationalFunction,
    all_roots,
    odd_roots,
    sign_at,
    simplest_between,
    without_sign_change,
)

polynomials = st.lists(st.integers(-9, 9), min_size=1, max_size=6)
units = st.fractions(0, 1, max_denominator=30)
Q = sympy.Symbol("q")


def symbolic(coefficients: list[int]) -> sympy.Poly:
    return sympy.Poly(coefficients[::-1], Q)


@given(polynomials, polynomials)
@example([-1, 0, 0, 3], [1, -3])
def test_roots_are_those_of_sympy(first: list[int], second: list[int]) -> None:
    product = symbolic(first) * symbolic(second) ** 2
    assume(not product.is_zero)
    expected = sorted({r for r in sympy.real_roots(product) if 0 < r < 1}, key=float)
    flint = fmpz_poly(first) * fmpz_poly(second) ** 2
    found = all_roots(flint)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert symbolic(list(ours.minimal_polynomial)) == sympy.Poly(sympy.minimal_polynomial(theirs, Q), Q)
        assert ours.low <= theirs <= ours.high
        assert abs(float(ours) - float(theirs)) < 1e-12


@given(polynomials, polynomials)
def test_odd_roots_are_the_changes_of_sign(first: list[int], second: list[int]) -> None:
    polynomial = fmpz_poly(first) * fmpz_poly(second) ** 2
    assume(bool(polynomial))
    roots, changes = all_roots(polynomial), odd_roots(polynomial)
    assert set(changes) <= set(roots)
    ends = [Algebraic.rational(Fraction(0)), *roots, Algebraic.rational(Fraction(1))]
    signs = []
    for a, b in pairwise(ends):
        width = Fraction(1, 1 << 60)
        signs.append(sign_at(polynomial, (a.refined(width).high + b.refined(width).low) / 2))
    for root, before, after in zip(roots, signs[:-1], signs[1:], strict=True):
        assert (before != after) == (root in changes)


@given(polynomials, units, units)
def test_descartes_never_overlooks_a_root(coefficients: list[int], a: Fraction, b: Fraction) -> None:
    assume(a < b)
    if without_sign_change(fmpz_poly(coefficients), a, b):
        assert not any(a < r < b for r in sympy.real_roots(symbolic(coefficients)))


@given(polynomials, polynomials)
def test_order_is_that_of_the_numbers(first: list[int], second: list[int]) -> None:
    a, b = fmpz_poly(first), fmpz_poly(second)
    assume(bool(a) and bool(b))
    for x in all_roots(a):
        for y in all_roots(b):
            assert (x == y) == (abs(float(x) - float(y)) < 1e-12)
            assert (x < y) == (float(x) < float(y) and x != y)
            if x == y:
                assert hash(x) == hash(y)


def test_numbers_that_agree_to_many_digits_are_told_apart() -> None:
    near = fmpz_poly([-(10**40), 0, 2 * 10**40 + 1])
    (x,), (y,) = all_roots(fmpz_poly([-1, 0, 2])), all_roots(near)
    assert x != y
    assert y < x
    assert x.refined(Fraction(1, 10**60)).low < x.high


@given(units, units)
def test_simplest_fraction_lies_between_and_nothing_simpler_does(a: Fraction, b: Fraction) -> None:
    assume(a < b)
    found = simplest_between(a, b)
    assert a < found < b
    for denominator in range(1, found.denominator):
        assert not any(a < Fraction(k, denominator) < b for k in range(denominator + 1))


@given(polynomials, polynomials, units)
def test_rational_functions_reduce_and_evaluate(top: list[int], bottom: list[int], q: Fraction) -> None:
    numerator, denominator = symbolic(top), symbolic(bottom)
    assume(denominator.eval(q) != 0)
    f = RationalFunction(fmpz_poly(top), fmpz_poly(bottom))
    value = sympy.Rational(numerator.eval(sympy.Rational(q)), 1) / denominator.eval(sympy.Rational(q))
    assert f(q) == Fraction(int(value.p), int(value.q))
    assert sympy.gcd(symbolic(list(f.numerator)), symbolic(list(f.denominator))).is_ground or not any(f.numerator)


def test_text() -> None:
    f = RationalFunction(fmpz_poly([0, -1, 0, 5]), fmpz_poly([1, -7]))
    assert str(f) == "(-q + 5*q^3)/(1 - 7*q)"
    assert f.latex() == r"\frac{-q + 5 q^{3}}{1 - 7 q}"
    assert str(RationalFunction(fmpz_poly([0]), fmpz_poly([3]))) == "0"
    assert f._repr_latex_() == f"${f.latex()}$"
