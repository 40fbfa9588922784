"""Families in q: every polynomial against the exact solver at single q."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from flint import fmpz_poly
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exactdropout.algebra.algebraic import Algebraic
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.phases.dual_functions import Coincidence, reach, reach_all
from exactdropout.optimum.phases.families_in_q import Family, at, bareiss
from exactdropout.optimum.unit_types import Arrangement

ZERO, ONE = Algebraic.rational(Fraction(0)), Algebraic.rational(Fraction(1))
rates = st.fractions(Fraction(1, 40), Fraction(39, 40), max_denominator=40)


@st.composite
def families(draw: st.DrawFn) -> Family:
    inputs = draw(st.integers(1, 2))
    arch = Architecture(inputs, (3,), hidden_biases=draw(st.booleans()), output_bias=draw(st.booleans()))
    row = st.lists(st.integers(-2, 2), min_size=inputs, max_size=inputs)
    label = st.fractions(-2, 2, max_denominator=3)
    data = draw(st.lists(st.tuples(row, label), min_size=1, max_size=3))
    return Family(arch, Examples.uniform(data), nonnegative=draw(st.booleans()), max_cones=10**4)


@given(families(), rates)
def test_masses_and_moments_are_those_of_the_reduced_problem(family: Family, q: Fraction) -> None:
    problem = family.problem(q)
    assert family.points == problem.points
    weights = [at(w, q) / family.common for w in family.masses]
    moments = [at(v, q) / family.common for v in family.moments]
    assert weights == list(problem.weights)
    assert moments == [w * y for w, y in zip(problem.weights, problem.labels, strict=True)]
    second = problem.noise + sum(w * y * y for w, y in zip(problem.weights, problem.labels, strict=True))
    assert Fraction(family.second, family.common) == second


@settings(max_examples=40)
@given(families(), rates, st.data())
def test_optima_and_projections_at_the_sample(family: Family, q: Fraction, data: Any) -> None:
    assume(family.arrangement.live)
    kinds = data.draw(st.lists(st.sampled_from(family.arrangement.live), min_size=1, max_size=3))
    counts = {t: kinds.count(t) for t in kinds}
    found = family.optimal(q, counts)
    there = Arrangement(family.problem(q), 10**4)
    expected = there.optimum(counts)
    below = at(found.denominator, q)
    assert below > 0
    assert at(found.value, q) / below / family.common == expected.value
    fit = [at(f, q) / below for f in found.fit]
    assert fit == [z + y for z, y in zip(expected.residual, there.problem.labels, strict=True)]
    omega = [w * f - v * found.denominator for w, f, v in zip(family.masses, found.fit, family.moments, strict=True)]
    for t in family.arrangement.live:
        p = family.project(q, t, omega)
        kappa = at(p.numerator, q) / at(p.denominator, q) / below**2 / family.common
        assert kappa == there.projection(t, expected.residual)[1]
        assert all(at(c, q) >= 0 for c in p.conditions)
        loose = family.lifted(q, t, omega, p, 0.5)
        assert all(at(c, q) > 0 for c in loose.conditions)
        assert at(loose.numerator, q) / at(loose.denominator, q) > at(p.numerator, q) / at(p.denominator, q)
        # for any vector of the cone: −s⟨ω, g⟩ ≤ √κ ‖g‖, here for the sum of its rays
        rays = [r for r in family.arrangement.responses[family.arrangement.cone(t)] if any(r)]
        g = [sum(column) for column in zip(*rays, strict=True)]
        masses = [at(w, q) for w in family.masses]
        forms = [at(v, q) for v in omega]
        inner = -family.arrangement.sign(t) * sum(v * x for v, x in zip(forms, g, strict=True))
        size = sum(w * x * x for w, x in zip(masses, g, strict=True))
        for bound in (p, loose):
            assert max(inner, Fraction(0)) ** 2 <= size * at(bound.numerator, q) / at(bound.denominator, q)


@settings(max_examples=30)
@given(families(), rates, rates, st.data())
def test_an_optimum_continued_is_an_upper_bound_where_it_is_admissible(
    family: Family, q: Fraction, other: Fraction, data: Any
) -> None:
    assume(family.arrangement.live)
    kind = data.draw(st.sampled_from(family.arrangement.live))
    found = family.optimal(q, {kind: 3})
    value = at(found.value, other) / at(found.denominator, other) / family.common
    best = Arrangement(family.problem(other), 10**4).optimum({kind: 3}).value
    if all(at(c, other) >= 0 for c in found.coefficients):
        assert value >= best
        weights, bias = family.weights(found, kind)
        problem = family.problem(other)
        c = [weights[i](other) / (s * (1 - other)) for i, s in zip(problem.coordinates, problem.scales, strict=True)]
        unit = (family.arrangement.sign(kind), (*c, *([] if bias is None else [bias(other)])))
        output = at(found.bias, other) / at(found.denominator, other)
        assert problem.criterion([unit] * 3, output) == value


def test_reach_stops_where_the_sign_changes() -> None:
    span, half = (ZERO, ONE), Fraction(1, 2)
    polynomial = fmpz_poly([-1, 4]) * fmpz_poly([3, -4]) * fmpz_poly([-2, 3]) ** 2  # zeros 1/4, 3/4 and twice 2/3
    quarter, three = Algebraic.rational(Fraction(1, 4)), Algebraic.rational(Fraction(3, 4))
    assert reach(polynomial, half, span) == (quarter, three)
    assert reach(-polynomial, half, span) is None
    assert reach(polynomial, Fraction(2, 3), span) == (quarter, three)
    assert reach(-polynomial, Fraction(2, 3), span) is None
    assert reach(polynomial, Fraction(1, 8), span) is None
    assert reach(fmpz_poly([0]), half, span) == span
    assert reach(fmpz_poly([0, 1]), half, span) == span
    assert reach_all([polynomial, fmpz_poly([3, -5])], half, span) == (quarter, Algebraic.rational(Fraction(3, 5)))
    with pytest.raises(Coincidence):
        reach(polynomial, Fraction(1, 4), span)


@given(st.lists(st.lists(st.integers(-5, 5), min_size=3, max_size=3), min_size=3, max_size=3), rates)
def test_elimination_solves_gram_systems(rows: list[list[int]], q: Fraction) -> None:
    # I + qRRᵀ is positive definite: its leading minors are not 0
    q_poly = fmpz_poly([0, 1])
    gram = [[sum(a * b for a, b in zip(x, y, strict=True)) * q_poly + int(i == j) for j, y in enumerate(rows)]
            for i, x in enumerate(rows)]  # fmt: skip
    right = [fmpz_poly([k + 1, -k]) for k in range(3)]
    numerators, denominator = bareiss(gram, right)
    for row, r in zip(gram, right, strict=True):
        assert sum((a * n for a, n in zip(row, numerators, strict=True)), fmpz_poly([0])) == r * denominator
    assert at(denominator, q) != 0
