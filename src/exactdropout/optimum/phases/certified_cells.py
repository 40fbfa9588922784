"""Certified cells: a proof of optimality at one q, continued as far as its inequalities hold.

The search at a rational q ends in a tree whose leaves (groups of types with capacities) cover all multiplicity
vectors. The tree is valid for every q, because cones, points and symmetries are. At each leaf a dual function φ with
projections h_t, all rational functions of q, gives the bound of :mod:`exactdropout.optimum.phases.families_in_q`,

    M·J ≥ M·E y² − Σ_u W_u φ_u² − ((1 − q)/q) Σ_S k_S K_S,

where K_S is (1 + δ_S) times the κ of one type of the group. That the projections are valid, that no κ_t of the group
exceeds K_S, and that the bound is at least the value of the incumbent are polynomial inequalities in q; each holds from
the sample up to the nearest root at which its polynomial changes sign. The cell is what all of them leave, intersected
with the q at which the incumbent itself is admissible. By continuity the ends of a cell within (0, 1) belong to it.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
from flint import fmpz_poly

from exactdropout.algebra.algebraic import Algebraic, sign_at, sign_changes, without_sign_change
from exactdropout.optimum.minimisers import listed_minimisers
from exactdropout.optimum.phases.families_in_q import KEPT, Family, Optimal, Projected, Q, at
from exactdropout.optimum.relaxation import Atoms, Groups, Relaxed, relax
from exactdropout.optimum.result import Minimiser
from exactdropout.optimum.search import Node, Search
from exactdropout.optimum.unit_types import Arrangement

__all__ = ["Coincidence", "Proved", "certified_cell"]

Span = tuple[Algebraic, Algebraic]
DENOMINATORS = (1 << 8, 1 << 12, 1 << 18, 1 << 26)
CLOSE = Fraction(1, 1 << 30)
RESERVE = 1 / 500


class Coincidence(Exception):
    """The sample is itself a root of an inequality, or has more symmetries than its neighbours."""


@dataclass(frozen=True, kw_only=True)
class Proved:
    """A certified cell: its span, the incumbent as a function of q, and minimisers at the sample."""

    span: Span
    sample: Fraction
    optimal: Optimal
    minimisers: tuple[Minimiser, ...]
    leaves_exhausted: bool
    leaves: int


def reach(polynomial: fmpz_poly, q: Fraction, span: Span) -> Span | None:
    """Return the largest interval around q within the span on which f ≥ 0; None where f is negative near q."""
    if not polynomial:
        return span
    low, high = span
    if without_sign_change(polynomial, low.low, high.high):
        return span if sign_at(polynomial, q) > 0 else None
    middle = q
    for root in sign_changes(polynomial):
        if root == q:
            raise Coincidence
        if root.high <= low.low or root.low >= high.high:
            continue
        if root < q:
            low = max(low, root.refined(CLOSE))
        else:
            high = min(high, root.refined(CLOSE))
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
            slack = min(Fraction(math.floor(margin * scale / spent / 2 * 1024), 1024), Fraction(1))
        bests = [self.projected(t) for t in tops]
        found = reach_all(self._goals(used, bests, slack, optimal, own if tight else None), q, span)
        for (kinds, _), best in zip(used, bests, strict=True):
            for t in kinds:
                found = None if found is None else self._below(t, best, slack, found)
        return found

    def _below(self, kind: int, best: Projected, slack: Fraction, span: Span) -> Span | None:
        """Return where κ_t is valid and at most (1 + slack) times the best one; the sides of q are independent."""
        q = self.q
        p = self.projected(kind)
        found = self._compare(p, best, slack, span)
        if found == span or p is best:
            return found
        level = math.sqrt(float(at(best.numerator, q) / at(best.denominator, q) * (1 + slack)))
        room = level - math.sqrt(float(self.kappa(kind)))
        if room > 1e-6 * level:
            # where the rays that carry the projection change, a vector in between needs no change
            other = self._compare(self.family.lifted(q, kind, self.omega, p, room / 2), best, slack, span)
            if found is None or other is None:
                return found or other
            found = (min(found[0], other[0]), max(found[1], other[1]))
        return found

    def _compare(self, p: Projected, best: Projected, slack: Fraction, span: Span) -> Span | None:
        conditions = list(p.conditions)
        if p.numerator and p is not best:
            gap = best.numerator * p.denominator * (slack.numerator + slack.denominator)
            conditions.append(gap - p.numerator * best.denominator * slack.denominator)
        return reach_all(conditions, self.q, span)

    def _goals(
        self,
        used: Sequence[tuple[Sequence[int], int]],
        bests: Sequence[Projected],
        slack: Fraction,
        optimal: Optimal,
        own: Optimal | None,
    ) -> list[fmpz_poly]:
        """Return the inequality: bound ≥ value of the optimum."""
        spent, over = fmpz_poly([0]), fmpz_poly([1])
        for (_, k), p in zip(used, bests, strict=True):
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


class _Search(Search):
    """The search of one q, for continuation: leaves closed by a margin keep a share of the value in reserve.

    A leaf with a tiny margin would be proved on a tiny interval of q only; it is split instead. The margins are floats:
    what is claimed is proved afterwards, by the dual functions.
    """

    @property
    def _reserve(self) -> float:
        return RESERVE * float(self.incumbent.value)

    def _relax(self, groups: Groups, atoms: Atoms) -> Relaxed:
        self.solved += 1
        target = float(self.incumbent.value) + 2 * self._reserve + 1e-7 * self.scale
        return relax(self.arrangement, groups, atoms, target)

    def _close(self, node: Node) -> bool:
        margin = node.relaxed.dual - float(self.incumbent.value)
        if margin > self._reserve + 1e-9 * self.scale:
            return True
        found = self._consider(self._round(node))
        fixed = _fixed(node.groups)
        if fixed is not None:
            found = self._consider(fixed)
        if fixed is not None or margin > -1e-5 * self.scale:
            for assignment in (found, self.incumbent):
                cut = self._exact_cut(assignment)
                bound = cut.bound(node.groups, None)
                tie = assignment.value == self.incumbent.value == bound
                if tie or (bound > self.incumbent.value and bound == assignment.value):
                    node.cut = self._keep(cut)
                    node.tie = assignment
                    return True
        return False


def _fixed(groups: Groups) -> dict[int, int] | None:
    """Return the multiplicities of a leaf that leaves no choice."""
    if any(len(kinds) > 1 and k for kinds, k in groups):
        return None
    return {kinds[0]: k for kinds, k in groups if kinds and k}


def certified_cell(
    family: Family, q: Fraction, span: Span, deadline: float, *, exhaustive: bool = False
) -> Proved | None:
    """Return the cell around q that the search at q proves, within a span; None when time ran out or nothing closed.

    ``exhaustive`` takes every multiplicity vector as a leaf of its own, bounded by its own optimum, instead of the
    leaves of the tree: more leaves, but no margin of theirs can fade towards an end of the span.

    Raises:
        Coincidence: q is a special point of the span; another sample will do.
    """
    arrangement = Arrangement(family.problem(q), family.max_cones)
    if any(not family.symmetric(order) for order in arrangement.orders):
        raise Coincidence
    search = _Search(arrangement, None, deadline)
    root = search.run()
    if time.monotonic() > deadline:
        return None
    prover = _Prover(family, search, q, span)
    optimal = prover.optimal
    found = reach_all(optimal.coefficients, q, span)
    leaves = 0
    for proof in prover.single(family.width) if exhaustive else (prover.leaf(node) for node in _leaves(root)):
        if found is None or time.monotonic() > deadline:
            return None
        leaves += 1
        found = prover.close(proof, found)
    if found is None:
        return None
    minimisers, listed = listed_minimisers(search, root)
    return Proved(span=found, sample=q, optimal=optimal, minimisers=minimisers, leaves_exhausted=listed, leaves=leaves)


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        if child.low != child.high:
            raise ArithmeticError("A range of capacities is no leaf here.")
        yield from _leaves(child.node)


_Leaf = tuple[Groups, Iterator[tuple[_Dual, Optimal | None]]]


class _Prover:
    """Dual functions for the leaves of one tree."""

    def __init__(self, family: Family, search: _Search, q: Fraction, span: Span) -> None:
        self.family, self.search, self.q = family, search, q
        self.optimal = family.optimal(q, search.incumbent.multiplicities)
        self._own: dict[tuple[tuple[int, Fraction], ...], tuple[_Dual, Optimal]] = {}
        # The relaxed optima at three nodes give the continuation of a leaf that no assignment touches.
        room = min(q - span[0].low, span[1].high - q, q / 2, (1 - q) / 2) / 2
        self._step = max(Fraction(int(room * 1024), 1024), room / 2)
        self._near = [Arrangement(family.problem(v), family.max_cones) for v in (q - self._step, q + self._step)]

    def leaf(self, node: Node) -> _Leaf:
        """Return a leaf of the tree with its dual functions, the best ones first."""
        return node.groups, self._candidates(node)

    def single(self, width: int) -> Iterator[_Leaf]:
        """Yield all multiplicity vectors, one of each orbit under the symmetries of the data."""
        arrangement = self.search.arrangement
        for kinds in combinations_with_replacement(arrangement.live, width):
            if all(tuple(sorted(s[t] for t in kinds)) >= kinds for s in arrangement.symmetries):
                counts = Counter(kinds)
                yield tuple(((t,), m) for t, m in counts.items()), iter([self._of(counts)])

    def close(self, leaf: _Leaf, span: Span) -> Span | None:
        """Return the part of the span on which some dual function closes a leaf; the two sides of q are independent."""
        best: Span | None = None
        groups, candidates = leaf
        for dual, own in candidates:
            found = dual.reach(groups, self.optimal, own, span)
            if found is not None:
                best = found if best is None else (min(best[0], found[0]), max(best[1], found[1]))
                if best == span:
                    break
        return best

    def _of(self, multiplicities: Mapping[int, int] | Mapping[int, Fraction]) -> tuple[_Dual, Optimal]:
        key = tuple(sorted((t, Fraction(m)) for t, m in multiplicities.items() if m))
        if key not in self._own:
            own = self.family.optimal(self.q, dict(key))
            self._own[key] = (_Dual(self.family, self.q, own.fit, own.denominator), own)
        return self._own[key]

    def _candidates(self, node: Node) -> Iterator[tuple[_Dual, Optimal | None]]:
        """Yield dual functions for a leaf: of the optimum that it touches, or of its relaxation, then of others."""
        search = self.search
        if node.tie is not None:
            yield self._of(node.tie.multiplicities)
        relaxed = relax(search.arrangement, node.groups, node.relaxed.atoms, math.inf, precision=1e-10)
        margin = relaxed.dual - float(search.incumbent.value)
        if margin > 0:
            fits = [relaxed.residual + search.arrangement.labels]
            for near in self._near:
                there = relax(near, node.groups, _rescaled(relaxed.atoms, near), math.inf, precision=1e-10)
                fits.append(there.residual + near.labels)
            denominator = next((d for d in DENOMINATORS if margin * d > 4 * search.scale), DENOMINATORS[-1])
            yield self._interpolated([fits[k].tolist() for k in (1, 0, 2)], denominator), None
        rounded = search._round(Node(node.groups, relaxed, node.symmetries))
        if rounded:
            yield self._of(rounded)
        yield self._of(search.incumbent.multiplicities)

    def _interpolated(self, fits: Sequence[Sequence[float]], denominator: int) -> _Dual:
        """Return the quadratic in q through rounded values at the three nodes."""
        q, step = self.q, self._step
        top, below = [], fmpz_poly([denominator * 2 * step.numerator**2 * q.denominator**2 * step.denominator**2])
        x = fmpz_poly([-q.numerator, q.denominator])  # (q − sample) × denominator of the sample
        for values in zip(*fits, strict=True):
            a, b, c = (round(v * denominator) for v in values)
            # b + (c − a)/2 s + (a − 2b + c)/2 s², s = (q − sample)/step
            n, d, r = step.numerator, step.denominator, q.denominator
            top.append(
                fmpz_poly([2 * b * n * n * r * r * d * d])
                + x * ((c - a) * n * r * d**3)
                + x * x * ((a - 2 * b + c) * d**4)
            )
        return _Dual(self.family, self.q, *self.family.centred(top, below))


def _rescaled(atoms: Atoms, arrangement: Arrangement) -> Atoms:
    """Return atoms of another q with responses of norm 1 in this one."""
    result = Atoms()
    for kind, direction, response in zip(atoms.kinds, atoms.directions, atoms.responses, strict=True):
        size = float(np.sqrt(arrangement.weights @ (response * response)))
        if size > 0:
            result.kinds.append(kind)
            result.directions.append(direction / size)
            result.responses.append(response / size)
    return result
