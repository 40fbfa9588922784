"""Certified cells: a proof of optimality at one q, continued as far as its inequalities hold.

The search at a rational q ends in a tree whose leaves (groups of types with capacities) cover all multiplicity
vectors. The tree is valid for every q, because cones, points and symmetries are. At each leaf a dual function φ with
projections h_t, all rational functions of q, gives the bound of :mod:`exactdropout.optimum.phase_family`,

    M·J ≥ M·E y² − Σ_u W_u φ_u² − ((1 − q)/q) Σ_S k_S K_S,

where K_S is (1 + δ_S) times the κ of one type of the group. That the projections are valid, that no κ_t of the group
exceeds K_S, and that the bound is at least the value of the incumbent are polynomial inequalities in q; each holds from
the sample up to the nearest root at which its polynomial changes sign. The cell is what all of them leave, intersected
with the q at which the incumbent itself is admissible. By continuity the ends of a cell within (0, 1) belong to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpz_poly

from exactdropout.optimum.algebraic import Algebraic, odd_roots, sign_at, without_sign_change
from exactdropout.optimum.minimisers import all_minimisers
from exactdropout.optimum.phase_family import KEPT, Family, Optimal, Projected, Q, at
from exactdropout.optimum.relaxation import relax
from exactdropout.optimum.result import Minimiser
from exactdropout.optimum.search import Node, Search
from exactdropout.optimum.types import Arrangement

__all__ = ["Coincidence", "Proved", "certified_cell"]

Span = tuple[Algebraic, Algebraic]
Groups = tuple[tuple[tuple[int, ...], int], ...]
DENOMINATORS = (1 << 6, 1 << 10, 1 << 16, 1 << 24)


class Coincidence(Exception):  # noqa: N818
    """The sample is itself a root of an inequality, or has more symmetries than its neighbours."""


@dataclass(frozen=True, kw_only=True)
class Proved:
    """A certified cell: its span, the incumbent as a function of q, and all minimisers at the sample."""

    span: Span
    sample: Fraction
    optimal: Optimal
    minimisers: tuple[Minimiser, ...]
    leaves: int


def reach(polynomial: fmpz_poly, q: Fraction, span: Span) -> Span | None:
    """Return the largest interval around q within the span on which f ≥ 0; None where f is negative near q."""
    if not polynomial:
        return span
    low, high = span
    if without_sign_change(polynomial, low.low, high.high):
        return span if sign_at(polynomial, q) > 0 else None
    middle = q
    for root in odd_roots(polynomial):
        if root == q:
            raise Coincidence
        if root < q:
            low = max(low, root)
        else:
            high = min(high, root)
    while (sign := sign_at(polynomial, middle)) == 0:  # a root without a change of sign
        middle = (middle + high.low) / 2 if middle < high.low else (middle + low.high) / 2
    return (low, high) if sign > 0 else None


def reach_all(polynomials: Sequence[fmpz_poly], q: Fraction, span: Span) -> Span | None:
    """Return the largest interval around q within the span on which all polynomials are ≥ 0."""
    for polynomial in polynomials:
        found = reach(polynomial, q, span)
        if found is None:
            return None
        span = found
    return span


class _Dual:
    """A dual function φ = F/D with its projections, computed once per type."""

    def __init__(self, family: Family, q: Fraction, top: Sequence[fmpz_poly], below: fmpz_poly) -> None:
        self.family, self.q, self.below = family, q, below
        masses, moments = family.masses, family.moments
        self.omega = [w * f - v * below for w, f, v in zip(masses, top, moments, strict=True)]
        self.square = sum((w * f * f for w, f in zip(masses, top, strict=True)), fmpz_poly([0]))
        self._projected: dict[int, Projected] = {}

    def projected(self, kind: int) -> Projected:
        """κ_t D², as a quotient."""
        if kind not in self._projected:
            self._projected[kind] = self.family.project(self.q, kind, self.omega)
        return self._projected[kind]

    def kappa(self, kind: int) -> Fraction:
        """κ_t D² at the sample."""
        p = self.projected(kind)
        return at(p.numerator, self.q) / at(p.denominator, self.q)

    def reach(self, groups: Groups, optimal: Optimal, own: Optimal | None, span: Span) -> Span | None:
        """Return where φ proves that the leaf holds nothing below ``optimal``; ``own`` is the optimum φ belongs to."""
        q, family = self.q, self.family
        used = [(kinds, k) for kinds, k in groups if kinds and k]
        tops = [max(kinds, key=self.kappa) for kinds, _ in used]
        spent = sum((k * self.kappa(t) for (_, k), t in zip(used, tops, strict=True)), Fraction(0)) * (1 - q) / q
        scale = at(self.below, q) ** 2
        value = at(optimal.value, q) / at(optimal.denominator, q)
        margin = family.second - (at(self.square, q) + spent) / scale - value
        if margin < 0:
            return None
        tight = own is not None and margin == at(own.value, q) / at(own.denominator, q) - value
        slack = Fraction(0)
        if not tight and spent:
            # half of the margin lets the κ of other types overtake the largest one at the sample
            slack = Fraction(math.floor(margin * scale / spent / 2 * 1024), 1024)
            slack = min(slack, Fraction(1))
        goals = self._goals(used, tops, slack, optimal, own if tight else None)
        found = reach_all(goals, q, span)
        for (kinds, _), top in zip(used, tops, strict=True):
            best = self.projected(top)
            for t in kinds:
                if found is None:
                    return None
                p = self.projected(t)
                found = reach_all(p.conditions, q, found)
                if found is not None and t != top and p.numerator:
                    gap = best.numerator * p.denominator * (slack.numerator + slack.denominator)
                    found = reach(gap - p.numerator * best.denominator * slack.denominator, q, found)
        return found

    def _goals(
        self,
        used: Sequence[tuple[Sequence[int], int]],
        tops: Sequence[int],
        slack: Fraction,
        optimal: Optimal,
        own: Optimal | None,
    ) -> list[fmpz_poly]:
        """Return the inequality: bound ≥ value of the optimum."""
        spent, over = fmpz_poly([0]), fmpz_poly([1])
        for (_, k), t in zip(used, tops, strict=True):
            p = self.projected(t)
            if p.numerator:
                spent, over = spent * p.denominator + p.numerator * over * k, over * p.denominator
                common = spent.gcd(over)
                spent, over = spent // common, over // common
        if sign_at(over, self.q) < 0:
            spent, over = -spent, -over
        spent = spent * KEPT * (slack.numerator + slack.denominator)
        over = over * Q * slack.denominator
        # (second − square/D² − spent/(over·D²)) is the bound
        top = (self.family.second * self.below**2 - self.square) * over - spent
        bottom = over * self.below**2
        if own is not None and not (top * own.denominator - own.value * bottom):
            return [own.value * optimal.denominator - optimal.value * own.denominator]
        return [top * optimal.denominator - optimal.value * bottom]


def certified_cell(family: Family, q: Fraction, span: Span, deadline: float) -> Proved | None:
    """Return the cell around q that the search at q proves, within a span; None when time ran out or nothing closed.

    Raises:
        Coincidence: q is a special point of the span; another sample will do.
    """
    arrangement = Arrangement(family.problem(q), family.max_cones)
    if any(not family.symmetric(order) for order in arrangement.orders):
        raise Coincidence
    search = Search(arrangement, None, deadline)
    root = search.run()
    if time.monotonic() > deadline:
        return None
    optimal = family.optimal(q, dict(search.incumbent.multiplicities))
    found = reach_all(optimal.coefficients, q, span)
    duals: dict[object, tuple[_Dual, Optimal | None]] = {}
    leaves = 0
    for node, variants in _leaves(root, None):
        if found is None or time.monotonic() > deadline:
            return None
        leaves += 1
        found = _close(family, search, node, variants, optimal, found, duals)
    if found is None:
        return None
    return Proved(span=found, sample=q, optimal=optimal, minimisers=all_minimisers(search, root), leaves=leaves)


def _leaves(node: Node, other: Groups | None) -> Iterator[tuple[Node, list[Groups]]]:
    """Yield the leaves; a range of capacities is a leaf with the groups at both of its ends."""
    if not node.children:
        yield node, [node.groups] if other is None else [node.groups, other]
        return
    group, part = node.split if node.split else (0, ())
    kinds, capacity = node.groups[group]
    before, after = node.groups[:group], node.groups[group + 1 :]
    rest = tuple(t for t in kinds if t not in set(part))
    for child in node.children:
        end = None
        if child.low < child.high:
            amount = child.low + child.high - child.node.groups[-1][1]
            end = (*before, (rest, capacity - amount), *after, (part, amount))
        yield from _leaves(child.node, end)


def _close(
    family: Family,
    search: Search,
    node: Node,
    variants: Sequence[Groups],
    optimal: Optimal,
    span: Span,
    duals: dict[object, tuple[_Dual, Optimal | None]],
) -> Span | None:
    """Return the part of the span on which some dual function closes a leaf; the two sides of q are independent."""
    q = search.arrangement.problem.rates[0]
    best: Span | None = None
    for dual, own in _candidates(family, search, node, q, duals):
        found: Span | None = span
        for groups in variants:
            found = dual.reach(groups, optimal, own, found) if found is not None else None
        if found is not None:
            best = found if best is None else (min(best[0], found[0]), max(best[1], found[1]))
            if best == span:
                break
    return best


def _candidates(
    family: Family,
    search: Search,
    node: Node,
    q: Fraction,
    duals: dict[object, tuple[_Dual, Optimal | None]],
) -> Iterator[tuple[_Dual, Optimal | None]]:
    """Yield dual functions for a leaf, the cheap ones first."""

    def of(multiplicities: dict[int, Fraction]) -> tuple[_Dual, Optimal]:
        key = tuple(sorted((t, m) for t, m in multiplicities.items() if m))
        if key not in duals:
            own = family.optimal(q, dict(key))
            duals[key] = (_Dual(family, q, own.fit, own.denominator), own)
        dual, own_found = duals[key]
        assert own_found is not None
        return dual, own_found

    if node.tie is not None:
        yield of({t: Fraction(m) for t, m in node.tie.multiplicities.items()})
    relaxed = relax(search.arrangement, node.groups, node.relaxed.atoms, math.inf, precision=1e-9)
    value = float(search.incumbent.value)
    if relaxed.dual > value:
        labels = search.arrangement.labels
        for denominator in DENOMINATORS:
            if (relaxed.dual - value) * denominator > 4 * search.scale:
                fit = tuple(Fraction(round(float(v) * denominator), denominator) for v in relaxed.residual + labels)
                if fit not in duals:
                    duals[fit] = (_Dual(family, q, *family.centred(fit)), None)
                yield duals[fit]
                break
        sharper = Node(node.groups, relaxed, node.symmetries)
        masses: dict[int, Fraction] = {}
        for part in search._masses(sharper):
            for t, m in part.items():
                masses[t] = masses.get(t, Fraction(0)) + Fraction(round(m * 16), 16)
        yield of({t: m for t, m in masses.items() if m})
    rounded = search._round(node)
    if rounded:
        yield of({t: Fraction(m) for t, m in rounded.items()})
    cut = search.cuts[node.cut].z if node.cut is not None else None
    for assignment in search.tried.values():
        if assignment.residual == cut:
            yield of({t: Fraction(m) for t, m in assignment.multiplicities.items()})
    yield of({t: Fraction(m) for t, m in search.incumbent.multiplicities.items()})


_ = np
