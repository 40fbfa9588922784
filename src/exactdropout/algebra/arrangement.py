"""The open cells into which affine hyperplanes cut a rational space, each with an interior point and its facets.

Affine forms a·c + a₀ are made homogeneous with one more coordinate t > 0. Where the forms do not span the space, the
coordinates are thinned out to as many independent columns as the forms have rank: the values that the forms take
together, and so the cells, stay the same, and the coordinates left out are 0 in every interior point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from exactdropout.algebra.cones import Cone, Ray, cells, cone_bound, independent_first, primitive, rank
from exactdropout.errors import CostLimitExceeded

__all__ = ["Cell", "arrangement"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An open cell: the sign of every form on it (0 for the form 0), an interior point, the forms of its facets."""

    signs: tuple[int, ...]
    point: tuple[Fraction, ...]
    facets: tuple[int, ...]


def arrangement(
    forms: Sequence[Sequence[Fraction]], positive: Sequence[Sequence[Fraction]] = (), *, max_cells: float
) -> tuple[Cell, ...]:
    """Return all cells cut by the forms where all ``positive`` ones are > 0; a form is (a₀, a₁, …, a_m), a₀ constant.

    The list is complete, and every cell is not empty: exact integer arithmetic. ``facets`` numbers the forms, those
    in ``positive`` following the others.

    Raises:
        CostLimitExceeded: Schläfli's bound on the number of cells is larger than ``max_cells``.

    >>> [cell.signs for cell in arrangement([(0, 1, 0), (0, 0, 1), (0, 1, 1)], max_cells=10)]
    [(-1, -1, -1), (-1, 1, -1), (-1, 1, 1), (1, -1, -1), (1, -1, 1), (1, 1, 1)]
    """
    given = [tuple(Fraction(v) for v in form) for form in (*forms, *positive)]
    size = len(given[0]) if given else 1
    affine = any(form[0] for form in given)
    if affine:
        given.append((Fraction(1), *[Fraction(0)] * (size - 1)))
    columns = _independent_columns(given, size, affine)
    rows = [tuple(form[k] for k in columns) for form in given]
    first_held = len(forms)
    rays: dict[Ray, int] = {}
    place: list[tuple[Ray | None, int]] = []
    held: set[Ray] = set()
    for number, row in enumerate(rows):
        ray, sign = _oriented(row)
        if ray is not None and number >= first_held:
            opposite = tuple(-v for v in ray)
            oriented = ray if sign > 0 else opposite
            if (opposite if sign > 0 else ray) in held:
                return ()
            if oriented != ray and ray in rays:
                rays[oriented] = rays.pop(ray)
            rays.setdefault(oriented, number)
            held.add(oriented)
        elif ray is None and number >= first_held:
            return ()  # 0 > 0
        elif ray is not None and ray not in rays and tuple(-v for v in ray) not in rays:
            rays[ray] = number
        place.append((ray, sign))
    if not columns:
        return (Cell(signs=(0,) * len(forms), point=(Fraction(0),) * (size - 1), facets=()),)
    dimension = len(columns)
    normals = independent_first([*held, *(r for r in rays if r not in held)], dimension)
    bound = cone_bound(len(normals), dimension)
    if bound > max_cells:
        raise CostLimitExceeded(
            f"Argument 'max_cost' allows {max_cells:.3g} regions, at some 4,000 a second, but {len(normals)} "
            f"hyperplanes in dimension {dimension} may cut up to {bound:.3g}; raise max_cost to allow them."
        )
    basis_held = sum(1 for v in normals[:dimension] if v in held)
    later = {k for k, v in enumerate(normals) if k >= dimension and v in held}
    found = cells(normals, basis_held, positive=later)
    listed = [_cell(cone, normals, place, columns, size, affine, first_held) for cone in found]
    return tuple(sorted(listed, key=lambda cell: cell.signs))


def _oriented(row: Sequence[Fraction]) -> tuple[Ray | None, int]:
    """Return (the primitive integer vector with a first entry > 0, ±1 with which the row is a multiple of it)."""
    if not any(row):
        return None, 0
    scale = math.lcm(*(v.denominator for v in row))
    ray = primitive([int(v * scale) for v in row])
    return (ray, 1) if next(v for v in ray if v) > 0 else (tuple(-v for v in ray), -1)


def _independent_columns(rows: Sequence[Sequence[Fraction]], size: int, affine: bool) -> tuple[int, ...]:
    """Return the first columns, the constant one first of all, that span the column space."""
    scaled = []
    for row in rows:
        scale = math.lcm(*(v.denominator for v in row))
        scaled.append([int(v * scale) for v in row])
    chosen: list[int] = [0] if affine else []
    for k in range(1, size):
        if rank([[row[c] for row in scaled] for c in (*chosen, k)]) > len(chosen):
            chosen.append(k)
    return tuple(chosen)


def _cell(
    cone: Cone,
    normals: Sequence[Ray],
    place: Sequence[tuple[Ray | None, int]],
    columns: Sequence[int],
    size: int,
    affine: bool,
    count: int,
) -> Cell:
    inside = [sum(entries) for entries in zip(*cone.rays, strict=True)]
    scale = inside[0] if affine else 1
    point = [Fraction(0)] * size
    for k, value in zip(columns, inside, strict=True):
        point[k] = Fraction(value, scale)
    side = dict(zip(normals, cone.signs, strict=True))
    signs = []
    facets = []
    seen: set[Ray] = set()
    for number, (ray, sign) in enumerate(place):
        if ray is None:
            signs.append(0)
            continue
        opposite = tuple(-v for v in ray)
        signs.append(sign * (side[ray] if ray in side else -side[opposite]))
        if ray not in seen:
            seen.add(ray)
            tight = [r for r in cone.rays if sum(a * b for a, b in zip(r, ray, strict=True)) == 0]
            at_infinity = affine and number == len(place) - 1  # t = 0
            if rank(tight) == len(columns) - 1 and not at_infinity:
                facets.append(number)
    return Cell(signs=tuple(signs[:count]), point=tuple(point[1:]), facets=tuple(facets))
