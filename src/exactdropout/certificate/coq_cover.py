"""The cover of weight space by sign patterns, with Farkas multipliers, and lists of numbers, as Coq text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

__all__ = ["Pattern", "Vector", "conic", "cover", "in_list", "in_row", "in_sparse_row"]

Vector = Sequence[Fraction]
Pattern = tuple[bool, ...]
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
        leaving = min(
            (i for i in range(size) if rows[i][entering] > 0),
            key=lambda i: (Fraction(rows[i][-1], rows[i][entering]), basis[i]),
        )
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


@lru_cache(maxsize=8)
def cover(rows: tuple[tuple[Fraction, ...], ...], held: int) -> tuple[str, tuple[Pattern, ...]]:
    """Return the tree of splits c·u ≥ 0, c·u < 0 over the rows as Coq text, and the patterns of its leaves in order.

    The first ``held`` rows are known to be non-negative. An empty side is closed by Farkas multipliers of the rows
    before it: Σ λ_k v_k = 0 for the signed rows v_k, with a positive multiplier of a strict one. Rows whose other side
    is empty follow from those before them, so that only the others are tried.
    """
    size = len(rows[0])
    signed = {True: rows, False: [tuple(-v for v in u) for u in rows]}
    text: list[str] = []
    patterns: list[Pattern] = []
    start = ((True,) * held, [Fraction(int(i > 0)) for i in range(size)], tuple(range(held)))
    waiting: list[tuple[Pattern, list[Fraction], tuple[int, ...]] | str] = [start]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            text.append(item)
            continue
        path, inside, free = item
        if len(path) == len(rows):
            patterns.append(path)
            text.append("CLeaf")
            continue
        value = sum((a * b for a, b in zip(inside, rows[len(path)], strict=True)), ZERO)
        here, other = value >= 0, value < 0
        tried = (*free, len(path))
        signs = [*(path[k] for k in free), other]
        columns = [(*signed[on][k], Fraction(int(not on))) for k, on in zip(tried, signs, strict=True)]
        mult, y = conic(columns, (*(ZERO for _ in range(size)), Fraction(1)))
        sides: dict[bool, tuple[Pattern, list[Fraction], tuple[int, ...]] | str] = {}
        if mult is None:
            sides[here] = (*path, here), inside, tried
            sides[other] = (*path, other), [-v for v in y[:-1]], tried
        else:
            sides[here] = (*path, here), inside, free
            sides[other] = f"(CEmpty {in_sparse_row(dict(zip(tried, mult, strict=True)))})"
        text.append("(CSplit ")
        waiting += [")", sides[False], " ", sides[True]]
    return "".join(text), tuple(patterns)


def in_list(values: Any) -> str:
    """Return a list as Coq text."""
    return "[" + "; ".join(map(str, values)) + "]"


def over_one(values: Vector) -> tuple[int, list[int]]:
    """Return one denominator and the numerators."""
    bottom = math.lcm(*(v.denominator for v in values))
    return bottom, [int(v * bottom) for v in values]


def in_row(values: Vector) -> str:
    """Return numbers over one denominator as Coq text."""
    bottom, tops = over_one(values)
    return f"(over {bottom} {in_list(tops)})"


def in_sparse_row(values: dict[int, Fraction], whole: int = 0) -> str:
    """Return numbers at places in order as Coq text; up to ``whole``, if that is given, with zeros."""
    bottom, tops = over_one(list(values.values()))
    shown = [(k, v) for k, v in zip(values, tops, strict=True) if v or k == whole - 1]
    places = [-1, *(k for k, _ in shown)]
    gaps = [b - a - 1 for a, b in pairwise(places)]
    return f"(sparse {bottom} {in_list(f'({gap}%nat, {v})' for gap, (_, v) in zip(gaps, shown, strict=True))})"
