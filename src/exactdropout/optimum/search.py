"""Branch and bound over multiplicities: the certified global minimum.

A node is a partition of the types into groups with integer capacities (a group of capacity 0 is forbidden). The root
has one group, all types, with capacity n. A node is split by choosing a part T of a group S and its capacity a: T gets
a units and S∖T the rest; the children are all a = 0, …, k. A child, or a range of a at both ends of the range, is a
leaf when a dual cut proves that nothing in it is below the incumbent; the bound of a cut is linear in a, so the ends
of a range suffice.

Symmetry. Permutations of inputs that keep the data also permute the types; let G be those that map every group of a
node onto itself. If some image gT of the part holds a unit then so does T in the image of that network under g⁻¹, which
has the same criterion and lies in the same node. So in the child a = 0 all images of T may be forbidden.

Ties. At an optimum of a node whose relaxation is exact there, the exact residual is the dual solution, and the exact
cut made from it reaches the incumbent with equality; this closes leaves that touch the optimum.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from exactdropout.optimum.cuts import Cut, round_residual
from exactdropout.optimum.relaxation import Atoms, Groups, Relaxed, relax
from exactdropout.optimum.unit_types import Arrangement, Assignment, Floats, separators
from exactdropout.progress import Progress

__all__ = ["Child", "Node", "Search"]

DENOMINATORS = (1 << 8, 1 << 14, 1 << 20, 1 << 28, 1 << 40)
NEAR = 1e-6
MANY_TYPES = 64
WIDE = 512
"""Beyond this width nothing is branched on: the interval of the first relaxation is far smaller than 1/n."""
BALANCE = 0.5
"""Of the choice of a half, the weight of halving its group beside that of a fractional mass."""


@dataclass(eq=False)
class Node:
    """One node: its groups, its relaxation, and how it was closed (a cut) or split (children)."""

    groups: tuple[tuple[tuple[int, ...], int], ...]
    relaxed: Relaxed
    symmetries: tuple[tuple[int, ...], ...]
    cut: int | None = None
    split: tuple[int, tuple[int, ...]] | None = None
    children: list[Child] = field(default_factory=list)
    tie: Assignment | None = None


@dataclass(eq=False)
class Child:
    """Part T holds between ``low`` and ``high`` units; ``orbit``: low = high = 0 and all images of T are forbidden."""

    low: int
    high: int
    orbit: bool
    node: Node


class Search:
    """The state of one minimisation: incumbent, cuts, and the tree."""

    def __init__(
        self,
        arrangement: Arrangement,
        progress: Progress | None,
        deadline: float | None,
        *,
        symmetric: bool = True,
    ) -> None:
        """Prepare; :meth:`run` does the work."""
        self.arrangement = arrangement
        self.progress = progress
        self.deadline = math.inf if deadline is None else deadline
        kinds = tuple(range(arrangement.signs_per_cone * len(arrangement.cones)))
        self.symmetries = arrangement.symmetries if symmetric and not self.late else (kinds,)
        self.cuts: list[Cut] = []
        self.tried: dict[tuple[tuple[int, int], ...], Assignment] = {}
        self.incumbent = self._assignment({})
        self.solved = 0
        problem = arrangement.problem
        second = problem.noise + arrangement.norm(problem.labels)
        self.scale = float(second) or 1.0
        normals = np.array(separators(problem, ordered=arrangement.ordered)[0], dtype=float)
        self.normals = normals / np.abs(normals).max(axis=1, keepdims=True) if len(normals) else normals
        self.signs = np.array([c.signs for c in arrangement.cones])

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self.deadline

    def _assignment(self, multiplicities: dict[int, int]) -> Assignment:
        key = tuple(sorted((t, m) for t, m in multiplicities.items() if m))
        if key not in self.tried:
            self.tried[key] = self.arrangement.optimum(dict(key))
        return self.tried[key]

    def _consider(self, multiplicities: dict[int, int]) -> Assignment:
        found = self._assignment(multiplicities)
        if found.value < self.incumbent.value:
            self.incumbent = found
        return found

    def run(self) -> Node:
        """Return the closed tree, or an open one when time runs out or the layer is wide.

        What is open at the end needs a cut for each of its nodes: the time for that is set aside. A node whose cut
        would come too late takes the cut of the root, which bounds every node.
        """
        a = self.arrangement
        groups = ((a.live, a.problem.width if a.live else 0),)
        root = Node(groups, self._relax(groups, Atoms()), self.symmetries)
        started = time.monotonic()
        above = self._open_cut(root) if self.deadline < math.inf else 0
        each = 1.5 * (time.monotonic() - started)
        self._improve(root)
        counter = itertools.count()
        queue = [(root.relaxed.dual, next(counter), root)]
        first = root.relaxed.dual
        wide = a.problem.width > WIDE
        while queue and time.monotonic() + each * len(queue) < self.deadline:
            _, _, node = heapq.heappop(queue)
            if self._close(node):
                continue
            opened = None if wide else self._branch(node)
            if opened is None:
                heapq.heappush(queue, (node.relaxed.dual, next(counter), node))
                break
            for child in opened:
                heapq.heappush(queue, (child.relaxed.dual, next(counter), child))
            if self.progress and queue:
                gap = float(self.incumbent.value) - first
                done = 1.0 if gap <= 0 else min(max((queue[0][0] - first) / gap, 0.0), 1.0)
                self.progress(int(1000 * done), 1000)
        for _, _, node in sorted(queue, key=lambda item: item[:2]):
            node.cut = above if self.late else self._open_cut(node)
        return root

    def _relax(self, groups: Groups, atoms: Atoms) -> Relaxed:
        self.solved += 1
        target = float(self.incumbent.value) + 1e-7 * self.scale
        return relax(self.arrangement, groups, atoms, target, deadline=self.deadline)

    # -- incumbents ---------------------------------------------------------------------------------------------

    def _masses(self, node: Node) -> list[dict[int, float]]:
        """Return the real multiplicities of the relaxed solution, group by group."""
        home = {t: g for g, (kinds, _) in enumerate(node.groups) for t in kinds}
        totals: dict[int, Floats] = {}
        for t, theta, response in zip(
            node.relaxed.atoms.kinds, node.relaxed.sizes, node.relaxed.atoms.responses, strict=True
        ):
            totals[t] = totals.get(t, 0.0) + theta * response
        masses: list[dict[int, float]] = [{} for _ in node.groups]
        for t, total in totals.items():
            masses[home[t]][t] = float(np.sqrt(self.arrangement.weights @ (total * total)))
        for g, (_, capacity) in enumerate(node.groups):
            whole = sum(masses[g].values())
            # a type whose share of the group is noise is not used
            masses[g] = {t: capacity * v / whole for t, v in masses[g].items() if v > 1e-7 * whole}
        return masses

    def _round(self, node: Node) -> dict[int, int]:
        """Return integer multiplicities close to the relaxed ones (largest remainders, group by group)."""
        result: dict[int, int] = {}
        for (_, capacity), masses in zip(node.groups, self._masses(node), strict=True):
            base = {t: int(v + NEAR) for t, v in masses.items()}
            rest = capacity - sum(base.values())
            for t in sorted(masses, key=lambda t: base[t] - masses[t])[: max(rest, 0)]:
                base[t] += 1
            for t, m in base.items():
                if m:
                    result[t] = result.get(t, 0) + m
        return result

    def _improve(self, root: Node) -> None:
        """Round the relaxed solution and move single units between promising types while that helps."""
        current = self._consider(self._round(root))
        if not self.arrangement.live or self.arrangement.problem.width > WIDE:
            return
        rough = Cut(self.arrangement, round_residual(self.arrangement, root.relaxed.residual, 1 << 20)).rough[0]
        top = float(rough.max())
        near = [t for t in self.arrangement.live if rough[t] > 0.8 * top]
        near = sorted(near, key=lambda t: -rough[t])[:24]
        used = [t for masses in self._masses(root) for t in masses]
        pool = sorted({*near, *used})
        improved = True
        while improved:
            improved = False
            for source, target in itertools.product(sorted(current.multiplicities), pool):
                if self.late:
                    return
                if source == target:
                    continue
                moved = dict(current.multiplicities)
                moved[source] -= 1
                moved[target] = moved.get(target, 0) + 1
                found = self._consider({t: m for t, m in moved.items() if m})
                if found.value < current.value:
                    current, improved = found, True
                    break

    # -- closing ------------------------------------------------------------------------------------------------

    def _above(self, cut: Cut, groups: Groups, denominator: int | None) -> bool:
        return cut.bound(groups, denominator, self.deadline) > self.incumbent.value

    def _close(self, node: Node) -> bool:
        """Try to prove that nothing in the node is below the incumbent; improves the incumbent on the way.

        A leaf is strictly above the incumbent, or ``tie`` holds an optimum whose exact cut it touches.
        """
        margin = node.relaxed.dual - float(self.incumbent.value)
        if margin > 1e-11 * self.scale:
            for denominator in DENOMINATORS:
                if 10.0 * self.scale < margin * denominator or denominator == DENOMINATORS[-1]:
                    cut = Cut(self.arrangement, round_residual(self.arrangement, node.relaxed.residual, denominator))
                    if self._above(cut, node.groups, denominator):
                        node.cut = self._keep(cut)
                        return True
        found = self._consider(self._round(node))
        fixed = all(len(kinds) <= 1 or not capacity for kinds, capacity in node.groups)
        if fixed:
            # The relaxation is the problem itself, and the exact cut is tight.
            found = self._consider({kinds[0]: k for kinds, k in node.groups if kinds and k})
        if fixed or margin > -NEAR * 10 * self.scale:
            for assignment in (found, self.incumbent):
                cut = self._exact_cut(assignment)
                bound = cut.bound(node.groups, None, self.deadline)
                tie = assignment.value == self.incumbent.value == bound
                if tie or bound > self.incumbent.value:
                    node.cut = self._keep(cut)
                    node.tie = assignment if tie else None
                    return True
        return False

    def _exact_cut(self, assignment: Assignment) -> Cut:
        for cut in self.cuts:
            if cut.z == assignment.residual:
                return cut
        return Cut(self.arrangement, assignment.residual)

    def _keep(self, cut: Cut) -> int:
        for index, known in enumerate(self.cuts):
            if known is cut:
                return index
        self.cuts.append(cut)
        return len(self.cuts) - 1

    def _open_cut(self, node: Node) -> int:
        cut = Cut(self.arrangement, round_residual(self.arrangement, node.relaxed.residual, 1 << 40))
        cut.bound(node.groups, 1 << 40, self.deadline)
        return self._keep(cut)

    # -- branching ----------------------------------------------------------------------------------------------

    def _choose(self, node: Node) -> tuple[int, tuple[int, ...], float]:
        """Return the group, the part and the relaxed mass of the part to split on.

        Of few types, those that the relaxation uses are split off. Of many, halves: else the tree would be as deep as
        there are types.
        """
        masses = self._masses(node)
        if max((len(kinds) for kinds, capacity in node.groups if capacity), default=0) > MANY_TYPES:
            return self._half(node, masses)
        directions: dict[int, Floats] = {}
        for t, theta, c in zip(
            node.relaxed.atoms.kinds, node.relaxed.sizes, node.relaxed.atoms.directions, strict=True
        ):
            directions[t] = directions.get(t, 0.0) + theta * c
        best: tuple[float, int, tuple[int, ...], float] | None = None
        for g, (kinds, _) in enumerate(node.groups):
            for t in masses[g]:
                for part in (self._touching(kinds, t, directions[t]), (t,)):
                    if len(part) == len(kinds):
                        continue
                    mass = sum(m for s, m in masses[g].items() if s in set(part))
                    off = abs(mass - round(mass)) - (1e-3 if len(part) == 1 else 0.0)
                    if best is None or off > best[0]:
                        best = (off, g, part, mass)
        if best is None:
            g = max(range(len(node.groups)), key=lambda g: len(node.groups[g][0]) if node.groups[g][1] else 0)
            return g, node.groups[g][0][: len(node.groups[g][0]) // 2], 0.0
        _, g, part, mass = best
        return g, part, mass

    def _half(self, node: Node, masses: Sequence[dict[int, float]]) -> tuple[int, tuple[int, ...], float]:
        """Return a split by the side of a separator, or by the output sign: how many units respond to a masked input.

        The mass of the part is to be far from an integer, and the part about half of the group.
        """
        per = self.arrangement.signs_per_cone
        best: tuple[float, int, npt.NDArray[np.bool_], float] | None = None
        for g, (kinds, capacity) in enumerate(node.groups):
            if not capacity or len(kinds) < 2:
                continue
            types = np.array(kinds)
            sides = np.column_stack([self.signs[types // per] > 0, types % per == 0])
            sizes = np.count_nonzero(sides, axis=0)
            mass = np.array([masses[g].get(t, 0.0) for t in kinds]) @ sides
            halves = np.minimum(sizes, len(kinds) - sizes) / len(kinds)
            scores = np.where(halves > 0, np.abs(mass - np.round(mass)) + BALANCE * halves, -1.0)
            at = int(scores.argmax())
            if best is None or scores[at] > best[0]:
                best = float(scores[at]), g, sides[:, at], float(mass[at])
        if best is None:
            raise ArithmeticError("A group of many types has two of them.")
        _, g, inside, amount = best
        return g, tuple(t for t, chosen in zip(node.groups[g][0], inside, strict=True) if chosen), amount

    def _touching(self, kinds: Sequence[int], kind: int, direction: Floats) -> tuple[int, ...]:
        """Return the types of a group whose closed cone holds a direction, up to rounding."""
        a = self.arrangement
        sides = self.normals @ (direction / np.abs(direction).max())
        required = np.where(np.abs(sides) < 1e-5, 0, np.sign(sides)).astype(int)
        found = []
        for t in kinds:
            if a.sign(t) == a.sign(kind):
                signs = self.signs[a.cone(t)]
                if not np.any(signs * required < 0):
                    found.append(t)
        return tuple(found)

    def _branch(self, node: Node) -> list[Node] | None:
        """Split a node; return the children that remain open, or nothing where time ran out: it is not split then."""
        group, part, mass = self._choose(node)
        kinds, capacity = node.groups[group]
        node.split = (group, part)
        inside = set(part)
        images = tuple(sorted({s[t] for s in node.symmetries for t in part}))
        fixing = tuple(s for s in node.symmetries if {s[t] for t in part} == inside)
        before, after = node.groups[:group], node.groups[group + 1 :]
        opened: list[Node] = []

        def groups(amount: int, orbit: bool = False) -> tuple[tuple[tuple[int, ...], int], ...]:
            taken = images if orbit else part
            return (*before, (tuple(t for t in kinds if t not in taken), capacity - amount), *after, (taken, amount))

        start = min(max(int(mass), 0), capacity)
        for amounts, end in ((range(start, -1, -1), 0), (range(start + 1, capacity + 1), capacity)):
            for amount in amounts:
                if self.late:
                    node.split = None
                    node.children.clear()
                    return None
                symmetric = amount == 0 and len(images) > len(part)
                here = groups(amount, symmetric)
                relaxed = self._relax(here, node.relaxed.atoms)
                child = Node(here, relaxed, node.symmetries if symmetric else fixing)
                if self._close(child):
                    tail = [groups(amount), groups(end)]
                    cut = self.cuts[child.cut] if child.cut is not None else None
                    if (
                        amount != end
                        and cut is not None
                        and child.tie is None
                        and all(self._above(cut, t, 1 << 30) for t in tail)
                    ):
                        node.children.append(Child(min(amount, end), max(amount, end), False, child))
                        break
                else:
                    opened.append(child)
                node.children.append(Child(amount, amount, symmetric, child))
        node.children.sort(key=lambda child: child.low)
        return opened
