"""The list of cones is complete and right: against known counts and against a feasibility test by elimination."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.algebra.cones import cells, cone_bound
from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import separators, unit_cones


def all_ones(inputs: int, *, biases: bool, nonnegative: bool = False) -> int:
    arch = Architecture(inputs, (1,), biases=biases)
    problem = reduced_problem(arch, Examples.half((1,) * inputs, 1), "1/2", nonnegative=nonnegative)
    return len(unit_cones(problem, 10**6))


@pytest.mark.parametrize(("inputs", "count"), [(1, 2), (2, 6), (3, 32), (4, 370)])
def test_counts_without_biases(inputs: int, count: int) -> None:
    assert all_ones(inputs, biases=False) == count


@pytest.mark.thorough
def test_count_for_five_inputs() -> None:
    assert all_ones(5, biases=False) == 11_292


@pytest.mark.parametrize(("inputs", "count"), [(1, 4), (2, 14), (3, 104), (4, 1882)])
def test_counts_with_biases_are_the_threshold_functions(inputs: int, count: int) -> None:
    assert all_ones(inputs, biases=True) == count  # OEIS A000609


@pytest.mark.parametrize(("inputs", "count"), [(1, 3), (2, 6), (3, 20), (4, 150)])
def test_counts_with_nonnegative_weights_are_the_monotone_threshold_functions(inputs: int, count: int) -> None:
    assert all_ones(inputs, biases=True, nonnegative=True) == count


def feasible(rows: list[tuple[Fraction, ...]]) -> bool:
    """Return whether r·c > 0 for all rows has a solution, by Fourier and Motzkin's elimination."""
    width = len(rows[0])
    for k in range(width):
        plus = [r for r in rows if r[k] > 0]
        minus = [r for r in rows if r[k] < 0]
        rows = [r for r in rows if r[k] == 0]
        rows += [tuple(a / p[k] - b / m[k] for a, b in zip(p, m, strict=True)) for p in plus for m in minus]
        if any(not any(r) for r in rows):
            return False
    return True


@given(st.integers(1, 3), st.data())
def test_cells_are_the_feasible_sign_vectors(dimension: int, data: st.DataObject) -> None:
    entry = st.integers(-2, 2)
    extra = data.draw(st.lists(st.tuples(*[entry] * dimension), max_size=4))
    normals = [tuple(int(i == k) for i in range(dimension)) for k in range(dimension)]
    for v in extra:
        parallel = any(all(a * w[j] == w[i] * v[j] for i, a in enumerate(v) for j in range(dimension)) for w in normals)
        if any(v) and not parallel:
            normals.append(v)
    cones = cells(normals)
    expected = {
        signs
        for signs in product((-1, 1), repeat=len(normals))
        if feasible([tuple(Fraction(s * x) for x in v) for s, v in zip(signs, normals, strict=True)])
    }
    assert [c.signs for c in cones] == sorted(expected)
    for cone in cones:
        for ray in cone.rays:
            sides = [sum(a * b for a, b in zip(v, ray, strict=True)) for v in normals]
            assert all(s * side >= 0 for s, side in zip(cone.signs, sides, strict=True))
        middle = [sum(r[i] for r in cone.rays) for i in range(dimension)]
        assert all(
            s * sum(a * b for a, b in zip(v, middle, strict=True)) > 0 for s, v in zip(cone.signs, normals, strict=True)
        )


@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=1, max_size=20))
def test_every_vector_is_a_nonnegative_combination_of_the_rays_of_its_cone(vectors: list[tuple[int, ...]]) -> None:
    problem = reduced_problem(Architecture(2, (1,)), Examples.uniform([((1, 2), 1), ((-1, 1), 0)]), "1/2")
    cones = unit_cones(problem, 10**6)
    normals, _ = separators(problem)
    for c in vectors:
        sides = [sum(a * b for a, b in zip(v, c, strict=True)) for v in normals]
        homes = [k for k in cones if all(s * side >= 0 for s, side in zip(k.signs, sides, strict=True))]
        assert homes
        for cone in homes:
            assert _in_hull(cone.rays, c)


def _in_hull(rays: tuple[tuple[int, ...], ...], c: tuple[int, ...]) -> bool:
    """Return whether c is a non-negative combination of rays in three dimensions: of some triple (Carathéodory)."""

    def det(a: tuple[int, ...], b: tuple[int, ...], d: tuple[int, ...]) -> int:
        return (
            a[0] * (b[1] * d[2] - b[2] * d[1]) - a[1] * (b[0] * d[2] - b[2] * d[0]) + a[2] * (b[0] * d[1] - b[1] * d[0])
        )

    for x, y, z in combinations(rays, 3):
        whole = det(x, y, z)
        if whole and all(part * whole >= 0 for part in (det(c, y, z), det(x, c, z), det(x, y, c))):
            return True
    return False


def test_beyond_the_limit_nothing_is_started() -> None:
    problem = reduced_problem(Architecture(4, (1,)), Examples.half((1,) * 4, 1), "1/2")
    with pytest.raises(CostLimitExceeded, match="allows 100 cones"):
        unit_cones(problem, 100)


def test_bound_is_attained_in_general_position() -> None:
    assert cone_bound(3, 2) == 6
    assert cone_bound(4, 3) == 14
