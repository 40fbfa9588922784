"""What proves a cell of q, in integers: networks, dual functions, vectors, and the tree whose leaves they close.

A cell is proved on the two sides of its sample separately, because a dual function may reach further on one side and
another one on the other. Everything is copied out of the search, so that a proof can be kept, compared and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpz_poly

from exactdropout.algebra.algebraic import Algebraic
from exactdropout.optimum.phases.dual_functions import Closed, Dual, Span
from exactdropout.optimum.phases.families_in_q import Family, Optimal, Projected
from exactdropout.optimum.relaxation import Groups
from exactdropout.optimum.search import Node

__all__ = ["Branch", "CellProof", "Half", "LeafProof", "Tip", "Tried", "proof_of_cell"]

Coefficients = tuple[int, ...]
Tried = tuple[Groups, Sequence[tuple[Dual, Optimal | None]]]


@dataclass(frozen=True, kw_only=True)
class LeafProof:
    """A leaf closed by cut ``cut``: for each group in use the numbers of the witnesses of its types, the largest first;
    (1 + ``slack``) times the κ of the first bounds all."""

    cut: int
    slack: Fraction
    witnesses: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Half:
    """The proof on one side of the sample.

    A cut is φ = F/D as (F, D); a witness (cut, type, H, B) the vector h = H/(B D). ``leaves`` are in the order of the
    tips of the tree, or of the sorted multisets of types, one of each orbit, where there is no tree.
    """

    lower: Algebraic
    upper: Algebraic
    cuts: tuple[tuple[tuple[Coefficients, ...], Coefficients], ...]
    witnesses: tuple[tuple[int, int, tuple[Coefficients, ...], Coefficients], ...]
    leaves: tuple[LeafProof, ...]


@dataclass(frozen=True, kw_only=True)
class Tip:
    """Leaf number ``leaf``."""

    leaf: int


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A split of group ``group`` by how many units are in ``part``: 0, 1, … in this order; ``orbit``: in child 0 all
    images of the part are forbidden."""

    group: int
    part: tuple[int, ...]
    orbit: bool
    children: tuple[Branch | Tip, ...]


@dataclass(frozen=True, kw_only=True)
class CellProof:
    """A proof of one cell: M·J = ``value``/``denominator``, attained by ``units`` (sign, multiplicity, C) with reduced
    weights C/(denominator · multiplicity) and output bias ``bias``/``denominator``; ``tree`` is None where every
    multiset of types is a leaf."""

    value: Coefficients
    denominator: Coefficients
    units: tuple[tuple[int, int, tuple[Coefficients, ...]], ...]
    bias: Coefficients
    tree: Branch | Tip | None
    halves: tuple[Half, ...]


def _ints(polynomial: fmpz_poly) -> Coefficients:
    return tuple(int(c) for c in polynomial.coeffs())


def _vector(family: Family, kind: int, p: Projected) -> tuple[Coefficients, ...]:
    """Return H with h = H/below, from the coefficients on the rays that respond."""
    a = family.arrangement
    cone = a.cones[a.cone(kind)]
    rays = [ray for ray, row in zip(cone.rays, a.responses[a.cone(kind)], strict=True) if any(row)]
    entries = [fmpz_poly([0])] * family.dimension
    for k, x in p.solution:
        entries = [v + x * r for v, r in zip(entries, rays[k], strict=True)]
    return tuple(_ints(v) for v in entries)


class _Half:
    """The cuts and witnesses of one side, each listed once."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.cuts: dict[Dual, int] = {}
        self.witnesses: dict[tuple[int, int, tuple[Coefficients, ...], Coefficients], int] = {}

    def leaf(self, closed: Closed) -> LeafProof:
        cut = self.cuts.setdefault(closed.dual, len(self.cuts))
        groups = []
        for group in closed.witnesses:
            keys = [(cut, t, _vector(self.family, t, p), _ints(p.below)) for t, p in group]
            groups.append(tuple(self.witnesses.setdefault(key, len(self.witnesses)) for key in keys))
        return LeafProof(cut=cut, slack=closed.slack, witnesses=tuple(groups))

    def done(self, span: Span, leaves: Iterable[LeafProof]) -> Half:
        return Half(
            lower=span[0],
            upper=span[1],
            cuts=tuple((tuple(_ints(v) for v in dual.top), _ints(dual.below)) for dual in self.cuts),
            witnesses=tuple(self.witnesses),
            leaves=tuple(leaves),
        )


def proof_of_cell(
    family: Family, optimal: Optimal, q: Fraction, span: Span, leaves: Sequence[Tried], root: Node | None
) -> CellProof:
    """Return the proof of a cell from the dual functions that were tried on its leaves.

    Raises:
        ArithmeticError: no single dual function closes a leaf on one whole side of the sample (the search claims it).
    """
    a = family.arrangement
    sample = Algebraic.rational(q)
    halves = []
    for side in ((span[0], sample), (sample, span[1])):
        half = _Half(family)
        closed = []
        for groups, duals in leaves:
            ways = (dual.closing(groups, optimal, own, side) for dual, own in duals)
            way = next((w for w in ways if w is not None), None)
            if way is None:
                raise ArithmeticError("A leaf is closed on no whole side of its sample.")
            closed.append(half.leaf(way))
        halves.append(half.done(side, closed))
    units = []
    for t in sorted({t for t, _ in optimal.columns}):
        c = [fmpz_poly([0])] * family.dimension
        for (kind, k), x in zip(optimal.columns, optimal.coefficients, strict=True):
            if kind == t:
                c = [v + x * r for v, r in zip(c, a.cones[a.cone(t)].rays[k], strict=True)]
        units.append((a.sign(t), int(optimal.multiplicities[t]), tuple(_ints(v) for v in c)))
    return CellProof(
        value=_ints(optimal.value),
        denominator=_ints(optimal.denominator),
        units=tuple(units),
        bias=_ints(optimal.bias),
        tree=None if root is None else _tree(root),
        halves=tuple(halves),
    )


def _tree(root: Node) -> Branch | Tip:
    """Return the tree with its tips numbered from left to right."""
    count = iter(range(1 << 62))

    def below(node: Node) -> Branch | Tip:
        if node.split is None:
            return Tip(leaf=next(count))
        group, part = node.split
        children = tuple(below(child.node) for child in node.children)
        return Branch(group=group, part=part, orbit=node.children[0].orbit, children=children)

    return below(root)
