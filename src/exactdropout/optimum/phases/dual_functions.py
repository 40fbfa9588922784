"""Dual functions of q: how far from a sample the bound of a leaf holds, and which vectors prove it.

A dual function φ with projections h_t closes a leaf where polynomial inequalities in q hold (see
:mod:`exactdropout.optimum.phases.certified_cells`). Each holds from the sample up to the nearest root at which its
polynomial changes sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpz_poly

from exactdropout.algebra.algebraic import Algebraic, sign_at, sign_changes, without_sign_change
from exactdropout.optimum.phases.families_in_q import KEPT, Family, Optimal, Projected, Q, at
from exactdropout.optimum.relaxation import Groups

__all__ = ["Closed", "Coincidence", "Dual", "Span", "reach", "reach_all"]

Span = tuple[Algebraic, Algebraic]
CLOSE = Fraction(1, 1 << 30)


class Coincidence(Exception):
    """The sample is itself a root of an inequality, or has more symmetries than its neighbours."""


@dataclass(frozen=True, kw_only=True)
class Closed:
    """How a dual function closes a leaf on a whole span: (1 + ``slack``) times the κ of the first witness of a group
    bounds the κ of every type of it. Each witness is a type with its vector, in the order of the groups in use."""

    dual: Dual
    slack: Fraction
    witnesses: tuple[tuple[tuple[int, Projected], ...], ...]


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


class Dual:
    """A dual function φ = F/D with its projections, computed once per type."""

    def __init__(self, family: Family, q: Fraction, top: Sequence[fmpz_poly], below: fmpz_poly) -> None:
        """Take φ = top/below, with below positive at q."""
        self.family, self.q, self.top, self.below = family, q, tuple(top), below
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
        plan = self._plan(groups, optimal, own)
        if plan is None:
            return None
        used, bests, slack, tight = plan
        found = reach_all(self._goals(used, bests, slack, optimal, own if tight else None), self.q, span)
        for (kinds, _), best in zip(used, bests, strict=True):
            for t in kinds:
                found = None if found is None else self._below(t, best, slack, found)
        return found

    def closing(self, groups: Groups, optimal: Optimal, own: Optimal | None, span: Span) -> Closed | None:
        """Return how φ proves the same on all of a span that has the sample at one end; None where it does not."""
        plan = self._plan(groups, optimal, own)
        if plan is None:
            return None
        used, bests, slack, tight = plan
        if reach_all(self._goals(used, bests, slack, optimal, own if tight else None), self.q, span) != span:
            return None
        chosen: list[tuple[tuple[int, Projected], ...]] = []
        for (kinds, _), best in zip(used, bests, strict=True):
            top = next(t for t in kinds if self.projected(t) is best)
            here = []
            for t in (top, *(t for t in kinds if t != top)):
                ways = (p for p in self._ways(t, best, slack) if self._compare(p, best, slack, span) == span)
                way = next(ways, None)
                if way is None:
                    return None
                here.append((t, way))
            chosen.append(tuple(here))
        return Closed(dual=self, slack=slack, witnesses=tuple(chosen))

    def _plan(
        self, groups: Groups, optimal: Optimal, own: Optimal | None
    ) -> tuple[list[tuple[Sequence[int], int]], list[Projected], Fraction, bool] | None:
        """Return the groups in use, their largest κ at the sample, the slack for others, and whether ``own`` is met."""
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
        return used, [self.projected(t) for t in tops], slack, tight

    def _below(self, kind: int, best: Projected, slack: Fraction, span: Span) -> Span | None:
        """Return where κ_t is valid and at most (1 + slack) times the best one; the sides of q are independent."""
        found: Span | None = None
        for p in self._ways(kind, best, slack):
            other = self._compare(p, best, slack, span)
            if found is None or other is None:
                found = found or other
            else:
                found = (min(found[0], other[0]), max(found[1], other[1]))
            if found == span:
                break
        return found

    def _ways(self, kind: int, best: Projected, slack: Fraction) -> Iterator[Projected]:
        """Yield vectors that may prove a κ_t: the projection, and one inside the cone that needs fewer conditions."""
        q = self.q
        p = self.projected(kind)
        yield p
        if p is best:
            return
        level = math.sqrt(float(at(best.numerator, q) / at(best.denominator, q) * (1 + slack)))
        room = level - math.sqrt(float(self.kappa(kind)))
        if room > 1e-6 * level:
            # where the rays that carry the projection change, a vector in between needs no change
            yield self.family.lifted(q, kind, self.omega, p, room / 2)

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
