"""The cover of weight space by cells of sign patterns, with multipliers, and lists of numbers, as Coq text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

__all__ = ["Cover", "Pattern", "Vector", "conic", "in_list", "in_sparse_row", "over_one"]

Vector = Sequence[Fraction] | Sequence[int]
Pattern = tuple[bool, ...]
Ray = tuple[int, ...]
ZERO = Fraction(0)


def conic(columns: Sequence[Vector], target: Vector) -> tuple[list[Fraction] | None, list[Fraction]]:
    """Return λ ≥ 0 with Σ λ_j column_j = target, or None and y with y·column_j ≤ 0 for all j and y·target > 0.

    Phase one of the simplex method with Bland's rule, in integers (fraction-free pivots).
    """
    size, count = len(target), len(columns)
    scales = [math.lcm(*(v.denominator for v in c)) for c in columns]
    bottom = math.lcm(*(v.denominator for v in target))
    flips = [-1 if v < 0 else 1 for v in target]
    rows = [
        [flips[i] * int(c[i] * s) for c, s in zip(columns, scales, strict=True)]
        + [int(i == j) for j in range(size)]
        + [flips[i] * int(target[i] * bottom)]
        for i in range(size)
    ]
    cost = [-sum(row[j] for row in rows) if j < count or j == count + size else 0 for j in range(count + size + 1)]
    basis, last = [count + i for i in range(size)], 1
    while (entering := next((j for j in range(count) if cost[j] < 0), None)) is not None:
        leaving = -1  # the least ratio; of equal ones the first variable
        for i, row in enumerate(rows):
            if row[entering] > 0:
                ahead = rows[leaving][-1] * row[entering] - row[-1] * rows[leaving][entering] if leaving >= 0 else 1
                if ahead > 0 or (ahead == 0 and basis[i] < basis[leaving]):
                    leaving = i
        head, pivot = rows[leaving], rows[leaving][entering]

        rows = [row if i == leaving else _pivoted(row, head, entering, last) for i, row in enumerate(rows)]
        cost, basis[leaving], last = _pivoted(cost, head, entering, last), entering, pivot
    if cost[-1]:
        return None, [flips[i] * (1 - Fraction(cost[count + i], last)) for i in range(size)]
    found = [ZERO] * count
    for i, j in enumerate(basis):
        if j < count:
            found[j] = Fraction(rows[i][-1], last) * scales[j] / bottom
    return found, []


def _pivoted(row: list[int], head: list[int], at: int, last: int) -> list[int]:
    """Return a row without the variable ``at``, which ``head`` defines; division by the pivot before is exact."""
    pivot, factor = head[at], row[at]
    return [(pivot * v - factor * h) // last for v, h in zip(row, head, strict=True)]


class Cell:
    """A cone of weight vectors: those with the signs of a path over the first rows.

    It is spanned by ``lines`` (both directions) and ``rays``; bit k of the number beside a ray says that row k vanishes
    there. The cones are never flat, because a row that does not change its sign on a cone does not split it.
    """

    def __init__(self, path: Pattern, lines: list[Ray], rays: list[tuple[Ray, int]]) -> None:
        """Take what it is spanned by."""
        self.path = path
        self.lines = lines
        self.rays = rays

    def sides(self, row: Ray) -> dict[bool, Cell]:
        """Return the cell, or its two sides, by the sign of c·row; rows that vanish are positive."""
        place = len(self.path)
        here = 1 << place
        crossing = next((line for line in self.lines if _dot(row, line)), None)
        if crossing is not None:
            size = _dot(row, crossing)
            crossing, size = (crossing, size) if size > 0 else (tuple(-v for v in crossing), -size)
            lines = [_primitive(size, v, _dot(row, v), crossing) for v in self.lines]
            kept = [(_primitive(size, r, _dot(row, r), crossing), tight | here) for r, tight in self.rays]
            opposite = tuple(-v for v in crossing)
            return {
                yes: Cell((*self.path, yes), [v for v in lines if any(v)], [*kept, (ray, here - 1)])
                for yes, ray in ((True, crossing), (False, opposite))
            }
        values = [_dot(row, r) for r, _ in self.rays]
        zero = [(r, tight | here) for (r, tight), v in zip(self.rays, values, strict=True) if not v]
        above = [(r, tight, v) for (r, tight), v in zip(self.rays, values, strict=True) if v > 0]
        below = [(r, tight, v) for (r, tight), v in zip(self.rays, values, strict=True) if v < 0]
        for a, b in product(above, below):
            both = a[1] & b[1]
            if sum(tight & both == both for _, tight in self.rays) == 2:  # neighbours: only these two vanish there
                zero.append((_primitive(a[2], b[0], b[2], a[0]), both | here))
        whole = not (above and below)
        return {
            yes: Cell((*self.path, yes), self.lines, [*zero, *((r, tight) for r, tight, _ in part)])
            for yes, part, other in ((True, above, below), (False, below, above))
            if not whole or part or (yes and not other)
        }

    def walls(self, dimension: int) -> list[int]:
        """Return rows that together bound the cell: one for each set of enough rays on which rows vanish."""
        vanishing = [0] * len(self.path)
        for i, (_, tight) in enumerate(self.rays):
            left = tight
            while left:
                lowest = left & -left
                vanishing[lowest.bit_length() - 1] |= 1 << i
                left ^= lowest
        enough, everywhere = dimension - 1 - len(self.lines), (1 << len(self.rays)) - 1
        found: dict[int, int] = {}
        for k, where in enumerate(vanishing):
            if where != everywhere and where.bit_count() >= enough:
                found.setdefault(where, k)
        return list(found.values())


def _dot(a: Ray, b: Ray) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _primitive(p: int, a: Ray, q: int, b: Ray) -> Ray:
    """Return p a − q b divided by the gcd of its entries."""
    found = [p * x - q * y for x, y in zip(a, b, strict=True)]
    divisor = math.gcd(*found) or 1
    return tuple(v // divisor for v in found)


class Cover:
    """The tree of splits c·u ≥ 0, c·u ≤ 0 over the rows as Coq text, and the cells of its leaves in order.

    The first ``held`` rows are known to be non-negative. A row that does not change its sign on a cell is a combination
    ±u = Σ ±λ_k v_k, λ ≥ 0, of rows v_k before it, of walls of the cell; Coq checks that.
    """

    def __init__(self, rows: Sequence[Ray], held: int) -> None:
        """Split; the rows are over one denominator."""
        size = len(rows[0])
        self.rows = rows
        self.used = [i for i in range(size) if any(u[i] for u in rows)]
        self.cells: list[Cell] = []
        lines = [tuple(int(i == j) for j in range(size)) for i in self.used]
        start = Cell((), lines, [])
        for row in rows[:held]:
            start = start.sides(row)[True]
        text: list[str] = []
        waiting: list[Cell | str] = [start]
        while waiting:
            cell = waiting.pop()
            if isinstance(cell, str):
                text.append(cell)
            elif len(cell.path) == len(rows):
                self.cells.append(cell)
                text.append("CLeaf")
            else:
                place = len(cell.path)
                sides = cell.sides(rows[place])
                if len(sides) == 2:
                    text.append("(CSplit ")
                    waiting += [")", sides[False], " ", sides[True]]
                else:
                    ((yes, side),) = sides.items()
                    u = rows[place]
                    shown = in_sparse_row(self.multipliers(cell, u if yes else [-v for v in u]))
                    text.append(f"(CKnown {str(yes).lower()} {shown} ")
                    waiting += [")", side]
        self.text = "".join(text)

    def multipliers(self, cell: Cell, target: Sequence[int]) -> dict[int, Fraction]:
        """Return λ ≥ 0 by row with Σ ±λ_k u_k = target, for a target that is not negative on the cell."""
        if not any(target):
            return {}
        walls = cell.walls(len(self.used))
        columns = [[self.rows[k][i] if cell.path[k] else -self.rows[k][i] for i in self.used] for k in walls]
        found, _ = conic(columns, [target[i] for i in self.used])
        if found is None:
            raise ArithmeticError("A form that is not negative on a cell has no multipliers.")
        return dict(sorted(zip(walls, found, strict=True)))


def in_list(values: Any) -> str:
    """Return a list as Coq text."""
    return "[" + "; ".join(map(str, values)) + "]"


def over_one(values: Vector) -> tuple[int, list[int]]:
    """Return one denominator and the numerators."""
    bottom = math.lcm(*(v.denominator for v in values))
    return bottom, [int(v * bottom) for v in values]


def in_sparse_row(values: dict[int, Fraction]) -> str:
    """Return numbers at places in order as Coq text."""
    bottom, tops = over_one(list(values.values()))
    shown = [(k, v) for k, v in zip(values, tops, strict=True) if v]
    places = [-1, *(k for k, _ in shown)]
    gaps = [b - a - 1 for a, b in pairwise(places)]
    return f"(sparse {bottom} {in_list(f'({gap}%nat, {v})' for gap, (_, v) in zip(gaps, shown, strict=True))})"
