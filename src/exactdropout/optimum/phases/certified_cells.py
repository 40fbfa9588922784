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

from exactdropout.optimum.minimisers import listed_minimisers
from exactdropout.optimum.phases.cell_proof import CellProof, Tried, proof_of_cell
from exactdropout.optimum.phases.dual_functions import Coincidence, Dual, Span, reach_all
from exactdropout.optimum.phases.families_in_q import Family, Optimal
from exactdropout.optimum.relaxation import Atoms, Groups, Relaxed, relax
from exactdropout.optimum.result import Minimiser
from exactdropout.optimum.search import Node, Search
from exactdropout.optimum.unit_types import Arrangement

__all__ = ["Proved", "certified_cell"]

DENOMINATORS = (1 << 8, 1 << 12, 1 << 18, 1 << 26)
RESERVE = 1 / 500


@dataclass(frozen=True, kw_only=True)
class Proved:
    """A certified cell: its span, the incumbent as a function of q, and minimisers at the sample."""

    span: Span
    sample: Fraction
    optimal: Optimal
    minimisers: tuple[Minimiser, ...]
    leaves_exhausted: bool
    leaves: int
    proof: CellProof | None


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
    family: Family,
    q: Fraction,
    span: Span,
    deadline: float,
    *,
    exhaustive: bool = False,
    keep_proof: bool = False,
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
    tried: list[Tried] = []
    for leaf in prover.single(family.width) if exhaustive else (prover.leaf(node) for node in _leaves(root)):
        if found is None or time.monotonic() > deadline:
            return None
        groups, candidates = leaf
        used: list[tuple[Dual, Optimal | None]] = []
        found = prover.close(groups, candidates, found, used)
        tried.append((groups, used if keep_proof else ()))
    if found is None:
        return None
    minimisers, listed = listed_minimisers(search, root)
    proof = None
    if keep_proof:
        proof = proof_of_cell(family, optimal, q, found, tried, None if exhaustive else root)
    return Proved(
        span=found,
        sample=q,
        optimal=optimal,
        minimisers=minimisers,
        leaves_exhausted=listed,
        leaves=len(tried),
        proof=proof,
    )


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        if child.low != child.high:
            raise ArithmeticError("A range of capacities is no leaf here.")
        yield from _leaves(child.node)


_Leaf = tuple[Groups, Iterator[tuple[Dual, Optimal | None]]]


class _Prover:
    """Dual functions for the leaves of one tree."""

    def __init__(self, family: Family, search: _Search, q: Fraction, span: Span) -> None:
        self.family, self.search, self.q = family, search, q
        self.optimal = family.optimal(q, search.incumbent.multiplicities)
        self._own: dict[tuple[tuple[int, Fraction], ...], tuple[Dual, Optimal]] = {}
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

    def close(
        self,
        groups: Groups,
        candidates: Iterator[tuple[Dual, Optimal | None]],
        span: Span,
        used: list[tuple[Dual, Optimal | None]],
    ) -> Span | None:
        """Return the part of the span on which some dual function closes a leaf; the two sides of q are independent.

        ``used`` takes the dual functions that close some part.
        """
        best: Span | None = None
        for dual, own in candidates:
            found = dual.reach(groups, self.optimal, own, span)
            if found is not None:
                used.append((dual, own))
                best = found if best is None else (min(best[0], found[0]), max(best[1], found[1]))
                if best == span:
                    break
        return best

    def _of(self, multiplicities: Mapping[int, int] | Mapping[int, Fraction]) -> tuple[Dual, Optimal]:
        key = tuple(sorted((t, Fraction(m)) for t, m in multiplicities.items() if m))
        if key not in self._own:
            own = self.family.optimal(self.q, dict(key))
            self._own[key] = (Dual(self.family, self.q, own.fit, own.denominator), own)
        return self._own[key]

    def _candidates(self, node: Node) -> Iterator[tuple[Dual, Optimal | None]]:
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

    def _interpolated(self, fits: Sequence[Sequence[float]], denominator: int) -> Dual:
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
        return Dual(self.family, self.q, *self.family.centred(top, below))


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
