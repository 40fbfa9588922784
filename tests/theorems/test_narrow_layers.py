"""Narrow layers need no negative weights, wide ones do: against the optimiser and exact least squares."""

from dataclasses import replace
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.model import Architecture, Examples, Network
from exactdropout.notation.tree import Add
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.gadget.first_one_gadget import first_one_gadget
from exactdropout.theorems.negative_weights.common_and_mixed_units import best_value, nonnegative_value
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import (
    BIASED_MINIMUM,
    narrow,
    narrow_with_biases,
)
from exactdropout.theorems.negative_weights.exactdropout_2026_smallest_width import gadget_gain
from exactdropout.theorems.negative_weights.narrow_units import NARROW_WITH_BIASES, WITH_BIASES
from exactdropout.theorems.negative_weights.two_inputs import needs_negative
from exactdropout.theorems.negative_weights.width_thresholds import common
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import half_minimum, point_minimum
from exactdropout.theorems.statements.derivation import Hypothesis
from exactdropout.theorems.statements.terms import Relation, Term

F = Fraction


@pytest.mark.parametrize(("inputs", "width", "rate"), [(2, 2, F(3, 5)), (2, 4, F(7, 10)), (3, 2, F(3, 5))])
def test_the_optimiser_finds_the_nonnegative_minimum(inputs, width, rate):
    assert narrow(inputs, width, rate)
    found = minimize(
        Architecture(inputs, (width,), biases=False), Examples.point((1,) * inputs, 1), rate, compare=False
    )
    assert found.value == point_minimum(inputs, width, rate / (1 - rate))


@given(
    st.integers(2, 4),
    st.integers(1, 3),
    st.sampled_from([F(1, 2), F(3, 5), F(7, 10), F(4, 5)]),
    st.data(),
)
@settings(deadline=None, max_examples=40)
def test_no_narrow_network_is_below(inputs, width, rate, data):
    if not narrow(inputs, width, rate):
        return
    entry = st.integers(-4, 4)
    rows = data.draw(st.lists(st.lists(entry, min_size=inputs, max_size=inputs), min_size=width, max_size=width))
    out = data.draw(st.lists(st.fractions(-1, 1, max_denominator=8), min_size=width, max_size=width))
    found = naive_evaluation(Network([rows, out]), Examples.point((1,) * inputs, 1), (rate, rate)).criterion
    assert found >= point_minimum(inputs, width, rate / (1 - rate))


@given(
    st.integers(2, 4),
    st.integers(1, 4),
    st.sampled_from([F(4, 5), F(17, 20), F(9, 10), F(19, 20)]),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_no_narrow_network_with_biases_is_below(inputs, width, rate, data):
    if not narrow_with_biases(inputs, width, rate):
        return
    entry = st.integers(-4, 4)
    rows = data.draw(st.lists(st.lists(entry, min_size=inputs, max_size=inputs), min_size=width, max_size=width))
    shifts = data.draw(st.lists(entry, min_size=width, max_size=width))
    out = data.draw(st.lists(st.fractions(-1, 1, max_denominator=8), min_size=width, max_size=width))
    shift = data.draw(st.fractions(-1, 1, max_denominator=8))
    network = Network([rows, out], biases=[shifts, shift])
    found = naive_evaluation(network, Examples.half((1,) * inputs, 1), (rate, rate)).criterion
    assert found >= half_minimum(inputs, width, rate / (1 - rate))


@pytest.mark.parametrize(("width", "rate"), [(1, F(4, 5)), (2, F(9, 10))])
def test_the_optimiser_finds_the_nonnegative_minimum_with_biases(width, rate):
    assert narrow_with_biases(2, width, rate)
    found = minimize(Architecture(2, (width,), biases=True), Examples.half((1, 1), 1), rate, compare=False)
    assert found.value == half_minimum(2, width, rate / (1 - rate))


@pytest.mark.parametrize("place", [0, 1])
def test_half_a_term_of_the_condition_with_biases_is_refused(place):
    """The condition that `narrow_with_biases` reads is the hypothesis; with half a term nothing follows from it."""
    terms = list(NARROW_WITH_BIASES.left.node.terms)
    terms[place] = (Term(terms[place]) / 2).node
    half = Relation(Term(Add(tuple(terms))), NARROW_WITH_BIASES.sign, NARROW_WITH_BIASES.right)
    for derivation in (WITH_BIASES, BIASED_MINIMUM):
        assert derivation.hypotheses == (Hypothesis("narrow", NARROW_WITH_BIASES),)
        assert derivation.holds()
        assert not replace(derivation, hypotheses=(Hypothesis("narrow", half),)).holds()


def test_the_condition_and_the_exact_answer_for_two_inputs_do_not_contradict_each_other():
    seen = set()
    for width in range(8, 60, 3):
        for i in range(145, 199):
            needed, fine = needs_negative(width, F(i, 200)), narrow(2, width, F(i, 200))
            assert not (needed and fine)
            seen.add((needed, fine))
    assert seen == {(True, False), (False, True), (False, False)}


@pytest.mark.parametrize("inputs", [2, 3, 4])
def test_the_quadratic_of_the_gadget_has_the_sign_of_its_gain(inputs):
    group = tuple((tuple(row), 0) for row in first_one_gadget(inputs))
    signs = set()
    for extra in (0, 1, 5, 40):
        own = best_value(inputs, [group, common(inputs, extra)] if extra else [group], biases=False)
        other = nonnegative_value(inputs, inputs + extra, biases=False)
        for rate in (F(1, 10), F(1, 2), F(3, 4), F(9, 10)):
            exact = sympy.Rational(rate.numerator, rate.denominator)
            below = other(rate) > own(rate)
            assert bool(gadget_gain(inputs, inputs + extra, exact**inputs, 1 - exact) > 0) is below
            signs.add(below)
    assert signs == {True, False}
