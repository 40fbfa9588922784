"""Cells of arrangements: against linear programs over all sign vectors, known counts and random points."""

import random
from fractions import Fraction as F
from itertools import product
from math import comb

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exactdropout.algebra.arrangement import arrangement
from exactdropout.errors import CostLimitExceeded


def value(form, point):
    return form[0] + sum(a * b for a, b in zip(form[1:], point, strict=True))


def sign(number):
    return (number > 0) - (number < 0)


def feasible(forms, positive, signs):
    """Return whether a point has these strict signs: the largest common slack, by a linear program in floats."""
    rows = [[s * v for v in form] for s, form in zip(signs, forms, strict=True) if s] + [list(p) for p in positive]
    if any(s == 0 and any(form) for s, form in zip(signs, forms, strict=True)):
        return False
    if not rows:
        return True
    size = len(rows[0]) - 1
    a = [[-float(v) for v in row[1:]] + [1.0] for row in rows]
    b = [float(row[0]) for row in rows]
    found = linprog([0.0] * size + [-1.0], A_ub=a, b_ub=b, bounds=[(-1e4, 1e4)] * size + [(None, 1.0)])
    return -found.fun > 1e-7


forms_and_positive = st.integers(1, 3).flatmap(
    lambda size: st.tuples(
        st.lists(st.tuples(*[st.integers(-2, 2)] * (size + 1)), min_size=1, max_size=5),
        st.lists(st.tuples(*[st.integers(-2, 2)] * (size + 1)), max_size=2),
    )
)


@settings(max_examples=60, deadline=None)
@given(forms_and_positive)
@example(([(0, 1, 1)], []))  # rank 1 in dimension 2
@example(([(0, 1), (1, -1)], [(0, 1), (0, -1)]))  # nothing is positive
@example(([(0, 0), (3, 0), (0, 1)], []))  # a zero form and a constant one
@example(([(0, 1, 0), (0, 0, 1)], [(0, 1, 1), (0, 1, 0)]))
def test_the_list_is_complete_and_every_cell_is_real(case):
    forms, positive = case
    found = arrangement(forms, positive, max_cells=10**6)
    listed = {cell.signs for cell in found}
    assert len(listed) == len(found)
    for cell in found:
        assert tuple(sign(value(f, cell.point)) for f in forms) == cell.signs
        assert all(value(p, cell.point) > 0 for p in positive)
    constant = [sign(f[0]) if not any(f[1:]) else None for f in forms]
    for signs in product((-1, 0, 1), repeat=len(forms)):
        if all(c is None or c == s for c, s in zip(constant, signs, strict=True)):
            assert (signs in listed) == feasible(forms, positive, signs), signs


@settings(max_examples=40, deadline=None)
@given(forms_and_positive, st.integers(0, 10**6))
def test_facets_alone_describe_the_cell(case, seed):
    forms, positive = case
    everything = [*forms, *positive]
    rng = random.Random(seed)
    points = [[F(rng.randint(-30, 30), 7) for _ in forms[0][1:]] for _ in range(30)]
    for cell in arrangement(forms, positive, max_cells=10**6):
        signs = (*cell.signs, *(1 for _ in positive))
        assert all(signs[k] for k in cell.facets)
        for point in points:
            inside = all(sign(value(f, point)) == s for f, s in zip(everything, signs, strict=True) if any(f[1:]))
            assert inside == all(sign(value(everything[k], point)) == signs[k] for k in cell.facets)


@pytest.mark.parametrize(("planes", "dimension"), [(4, 2), (6, 2), (5, 3)])
def test_planes_in_general_position(planes, dimension):
    forms = [[k**3, *(k**power for power in range(dimension))] for k in range(1, planes + 1)]
    wanted = sum(comb(planes, i) for i in range(dimension + 1))
    assert len(arrangement(forms, max_cells=1000)) == wanted


def test_too_many_are_refused_beforehand():
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        arrangement([(0, k, k * k, 1) for k in range(1, 40)], max_cells=100)
