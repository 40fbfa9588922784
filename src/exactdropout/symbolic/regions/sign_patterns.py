"""Sign patterns of polynomials in the weights: all of them where the polynomials are linear, candidates elsewhere.

Polynomials without common generators are independent of each other, so that they are treated component by component.
Linear ones, under linear constraints, cut an arrangement of hyperplanes, whose cells are listed completely. Others are
linear in their monomials: a pattern that does not occur with the monomials taken as free numbers does not occur at all
(Farkas' lemma), and one that occurs there is a candidate. What is more, for a generator v and constraints f > 0 the
products v f have one sign; candidates that break this are left out as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint

from exactdropout.algebra.arrangement import arrangement

__all__ = [
    "Candidate",
    "Component",
    "Pattern",
    "components",
    "evaluate",
    "fixed",
    "linear_patterns",
    "relaxed_patterns",
    "used",
]


@dataclass(frozen=True)
class Pattern:
    """Signs of the polynomials of a component, a point with them, and which polynomials are facets."""

    signs: tuple[int, ...]
    point: Mapping[int, Fraction]
    facets: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """Signs that no linear relation between monomials excludes, and the values of the monomials that show it.

    ``sides`` holds the sign of each own generator, 0 where nothing is said of it.
    """

    signs: tuple[int, ...]
    monomials: Mapping[tuple[int, ...], Fraction]
    sides: Mapping[int, int]


@dataclass(frozen=True)
class Component:
    """Numbers of polynomials, and of constraints, that share generators."""

    polynomials: tuple[int, ...]
    constraints: tuple[int, ...]
    generators: tuple[int, ...]


def used(polynomial: Any) -> tuple[int, ...]:
    """Return the generators that occur (FLINT gives the zero polynomial the degrees −1)."""
    return tuple(i for i, degree in enumerate(polynomial.degrees()) if degree > 0)


def evaluate(polynomial: Any, point: Mapping[int, Fraction]) -> Fraction:
    """Return the value at a point that gives all generators that occur."""
    total = Fraction(0)
    for monomial, coefficient in polynomial.terms():
        term = Fraction(int(coefficient.p), int(coefficient.q))
        for i, power in enumerate(monomial):
            if power:
                term *= point[i] ** int(power)
        total += term
    return total


def components(polynomials: Sequence[Any], constraints: Sequence[Any]) -> list[Component]:
    """Return the components of polynomials and constraints; constraints that touch no polynomial are left out."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            i = parent[i]
        return i

    for polynomial in (*polynomials, *constraints):
        first, *others = used(polynomial) or (-1,)
        for other in others:
            parent[root(other)] = root(first)
        root(first)
    groups: dict[int, tuple[list[int], list[int]]] = {}
    for k, polynomial in enumerate(polynomials):
        groups.setdefault(root((used(polynomial) or (-1,))[0]), ([], []))[0].append(k)
    for k, constraint in enumerate(constraints):
        group = groups.get(root((used(constraint) or (-1,))[0]))
        if group is not None:
            group[1].append(k)
    return [
        Component(tuple(a), tuple(b), tuple(sorted(i for i in parent if i >= 0 and root(i) == key)))
        for key, (a, b) in groups.items()
    ]


def linear_patterns(
    polynomials: Sequence[Any], constraints: Sequence[Any], generators: Sequence[int], max_cells: float
) -> list[Pattern]:
    """Return all sign patterns of polynomials of degree 1 where all constraints, of degree 1 too, are > 0."""
    order = [-1, *generators]

    def row(polynomial: Any) -> list[Fraction]:
        entries = dict.fromkeys(order, Fraction(0))
        for monomial, coefficient in polynomial.terms():
            where = next((i for i, power in enumerate(monomial) if power), -1)
            entries[where] = Fraction(int(coefficient.p), int(coefficient.q))
        return list(entries.values())

    cells = arrangement([row(p) for p in polynomials], [row(c) for c in constraints], max_cells=max_cells)
    return [Pattern(cell.signs, dict(zip(generators, cell.point, strict=True)), cell.facets) for cell in cells]


def relaxed_patterns(
    polynomials: Sequence[Any], constraints: Sequence[Any], own: Sequence[int], max_cells: float
) -> list[Candidate]:
    """Return the sign patterns that are possible with free monomials, products of ``own`` and constraints agreeing."""
    context = polynomials[0].context()
    monomials: dict[tuple[int, ...], int] = {}
    for polynomial in polynomials:
        for monomial in polynomial.monoms():
            if any(monomial):
                monomials.setdefault(tuple(map(int, monomial)), len(monomials))
    products = []
    known = [{s for s in (1, -1) if any(c == context.gen(v) * s for c in constraints)} for v in own]
    for v in own:
        same = []
        for constraint in constraints:
            product = context.gen(v) * constraint
            if all(tuple(map(int, m)) in monomials for m in product.monoms()):
                same.append(product)
        products.append(same)

    def row(polynomial: Any) -> list[Fraction]:
        entries = [Fraction(0)] * (len(monomials) + 1)
        for monomial, coefficient in polynomial.terms():
            key = tuple(map(int, monomial))
            entries[monomials[key] + 1 if any(key) else 0] = Fraction(int(coefficient.p), int(coefficient.q))
        return entries

    forms = [row(p) for p in polynomials]
    flat = [row(p) for same in products for p in same]
    found: dict[Any, Candidate] = {}
    direct = [row(c) for c in constraints if all(not any(m) or tuple(map(int, m)) in monomials for m in c.monoms())]
    for cell in arrangement([*forms, *flat], direct, max_cells=max_cells):
        position = len(forms)
        sides: dict[int, int] = {}
        for v, same, side in zip(own, products, known, strict=True):
            seen = side.union(cell.signs[position : position + len(same)])
            position += len(same)
            if len(seen) > 1:
                break
            sides[v] = next(iter(seen), 0)
        else:
            signs = cell.signs[: len(forms)]
            values = {m: cell.point[k] for m, k in monomials.items()}
            found.setdefault((signs, *sides.values()), Candidate(signs, values, sides))
    return list(found.values())


def fixed(polynomial: Any, point: Mapping[int, Fraction]) -> Any:
    """Return the polynomial with numbers put in for the generators of the point."""
    context = polynomial.context()
    images = [context.gen(i) for i in range(context.nvars())]
    for i, value in point.items():
        images[i] = context.constant(flint.fmpq(value.numerator, value.denominator))
    return polynomial.compose(*images, ctx=context)
