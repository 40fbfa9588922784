"""Sums over indices of any range, in normal form: identities for every K and n at once.

An element is a sum of terms c · Σ_{i, j, …} ∏ factors, where a factor is an entry such as w[i] or W[1][j,i], or relu of
an element in one index, and c is a quotient of scalars. Every factor names bound indices; ranges are symbols (K, n) or
numbers. Two elements that have the same normal form are equal for all sizes. The normal form multiplies products of
sums out, replaces an index that occurs nowhere by its range, splits each term into factors that share no index, and
numbers the indices of each part in the least of all possible orders.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from exactdropout.claims.proofs.ring_domain import Quotient
from exactdropout.claims.setting.named_sizes import Unsupported

__all__ = ["Element", "Factor", "Part", "Sums"]

MAX_TERMS = 4_000
MAX_INDICES = 6

Factor = tuple[str, tuple[str, ...]]
"""Name and indices, for example ("W1", ("j", "i"))."""
Part = tuple[tuple[str, ...], tuple[Factor, ...]]
"""Ranges of the indices 0, 1, …, and the factors in them: one connected sum in normal form."""


@dataclass(frozen=True)
class _Term:
    coefficient: Quotient
    factors: tuple[Factor, ...]
    summed: tuple[tuple[str, str], ...]  # (index, range)


@dataclass(frozen=True)
class Element:
    """A sum of terms; ``sums`` makes scalars and fresh indices."""

    sums: Sums
    terms: tuple[_Term, ...]

    def __add__(self, other: Element) -> Element:
        """Return the sum."""
        return self.sums.limited(self.terms + other.terms)

    def __neg__(self) -> Element:
        """Return the negative."""
        return Element(self.sums, tuple(_Term(-t.coefficient, t.factors, t.summed) for t in self.terms))

    def __sub__(self, other: Element) -> Element:
        """Return the difference."""
        return self + (-other)

    def __mul__(self, other: Element) -> Element:
        """Return the product, with the summed indices of one factor renamed."""
        terms = []
        if len(self.terms) * len(other.terms) > MAX_TERMS:
            raise Unsupported("too many terms")
        for a in self.terms:
            for b in other.terms:
                renamed = self.sums.renamed(b)
                terms.append(
                    _Term(a.coefficient * b.coefficient, a.factors + renamed.factors, a.summed + renamed.summed)
                )
        return self.sums.limited(tuple(terms))

    def __pow__(self, exponent: int) -> Element:
        """Return a power."""
        result = self.sums.scalar(self.sums.one)
        for _ in range(exponent):
            result = result * self
        return result

    def summed(self, index: str, extent: str) -> Element:
        """Return the sum over an index."""
        return Element(
            self.sums, tuple(_Term(t.coefficient, t.factors, (*t.summed, (index, extent))) for t in self.terms)
        )

    def scalar(self) -> Quotient | None:
        """Return the value as a scalar where no indexed factor is left."""
        normal = self.normal()
        if not normal:
            return self.sums.zero
        return normal[()] if set(normal) == {()} else None

    def normal(self) -> dict[tuple[Part, ...], Quotient]:
        """Return the normal form: a coefficient for every product of parts."""
        result: dict[tuple[Part, ...], Quotient] = {}
        for term in self.terms:
            coefficient, parts = self.sums.split(term)
            known = result.get(parts)
            result[parts] = coefficient if known is None else known + coefficient
        return {parts: c for parts, c in result.items() if c.top}


class Sums:
    """Makes elements over a ring of scalars; ``extents`` gives the scalar of each range."""

    def __init__(self, zero: Quotient, one: Quotient, extents: Mapping[str, Quotient]) -> None:
        """Take the scalars 0 and 1 and the sizes."""
        self.zero, self.one, self.extents = zero, one, dict(extents)
        self._fresh = itertools.count()

    def scalar(self, value: Quotient) -> Element:
        """Return a scalar as an element."""
        return Element(self, (_Term(value, (), ()),) if value.top else ())

    def factor(self, name: str, indices: tuple[str, ...]) -> Element:
        """Return one indexed factor."""
        return Element(self, (_Term(self.one, ((name, indices),), ()),))

    def fresh(self) -> str:
        """Return an index that is used nowhere else."""
        return f"_{next(self._fresh)}"

    def limited(self, terms: tuple[_Term, ...]) -> Element:
        """Return an element unless it is too long."""
        if len(terms) > MAX_TERMS:
            raise Unsupported("too many terms")
        return Element(self, terms)

    def renamed(self, term: _Term) -> _Term:
        """Return a term with fresh summed indices."""
        names = {index: self.fresh() for index, _ in term.summed}
        return _Term(
            term.coefficient,
            tuple((name, tuple(names.get(i, i) for i in indices)) for name, indices in term.factors),
            tuple((names[i], extent) for i, extent in term.summed),
        )

    def split(self, term: _Term) -> tuple[Quotient, tuple[Part, ...]]:
        """Return the coefficient and the connected parts of a term, each in normal form."""
        extents = dict(term.summed)
        if len(extents) != len(term.summed):
            raise Unsupported("an index that is bound twice")
        coefficient = term.coefficient
        groups: list[tuple[set[str], list[Factor]]] = []
        for factor in term.factors:
            indices, factors = set(factor[1]) & set(extents), [factor]
            rest = []
            for group in groups:
                if group[0] & indices:
                    indices |= group[0]
                    factors = group[1] + factors
                else:
                    rest.append(group)
            groups = [*rest, (indices, factors)]
        for index, extent in term.summed:
            if not any(index in group[0] for group in groups):
                coefficient = coefficient * self.extents[extent]
        return coefficient, tuple(sorted(_least(group[0], group[1], extents) for group in groups))


def _least(indices: Iterable[str], factors: list[Factor], extents: Mapping[str, str]) -> Part:
    """Return the least numbering of the indices of a connected part (unsummed indices keep their names)."""
    names = sorted(indices)
    if len(names) > MAX_INDICES:
        raise Unsupported("too many indices under one sum")
    best: Part | None = None
    for order in itertools.permutations(names):
        number = {name: f"#{k}" for k, name in enumerate(order)}
        part = (
            tuple(extents[name] for name in order),
            tuple(sorted((f, tuple(number.get(i, i) for i in bound)) for f, bound in factors)),
        )
        if best is None or part < best:
            best = part
    assert best is not None
    return best


def is_square_sum(part: Part) -> bool:
    """Return whether every factor of a part occurs an even number of times: then the part is ≥ 0."""
    return all(count % 2 == 0 for count in Counter(part[1]).values())


def describe(part: Part) -> str:
    """Return a part as text."""
    ranges = ", ".join(f"#{k}=1..{extent}" for k, extent in enumerate(part[0]))
    named = (("relu(...)" if name.startswith("relu<") else name, ",".join(indices)) for name, indices in part[1])
    shown = (f"{name}[{indices}]" for name, indices in named)
    inner = "*".join(shown)
    return f"Sum({inner}, {ranges})" if ranges else inner


def signed_parts(normal: Mapping[tuple[Part, ...], Any]) -> list[Part]:
    """Return the distinct parts that occur, in order."""
    return sorted({part for parts in normal for part in parts})
