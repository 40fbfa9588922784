"""(Σ_i f_i)² ≤ N Σ_i f_i²: what a sum of squares has above the square of the sum becomes a variable that is ≥ 0."""

from __future__ import annotations

from collections import Counter
from typing import Any

from exactdropout.claims.proofs.index_sums import Part, describe, is_square_sum
from exactdropout.claims.proofs.sums_world import World, plain

__all__ = ["above_squares"]


def above_squares(world: World, polynomial: Any, parts: list[Part]) -> tuple[Any, set[int], str] | None:
    """Return the polynomial with N B = A² + B′, B = Σ f², A = Σ f, times powers of N > 0; B′ stands where B stood.

    The set holds the variables that are B′ now, which may be 0. None where no such pair occurs.
    """
    context, offset = polynomial.context(), len(world.ring.generators)
    changed: set[int] = set()
    told = []
    # a sum before its root: the square that takes its place is of the sum Σ f itself, not of what is left of that
    for number, part in sorted(enumerate(parts), key=lambda item: -len(item[1][1])):
        root = _root(part)
        position = offset + number
        degree = polynomial.degrees()[position]
        if root is None or root not in parts or degree < 1:
            continue
        size = plain(world.sums.extents[part[0][0]].top)
        width = context.from_dict({(*m, *(0,) * len(parts)): c for m, c in size.terms()})
        above = context.gen(offset + parts.index(root)) ** 2 + context.gen(position)
        terms: dict[int, dict[tuple[int, ...], Any]] = {}
        for monomial, coefficient in polynomial.terms():
            rest = (*monomial[:position], 0, *monomial[position + 1 :])
            terms.setdefault(int(monomial[position]), {})[rest] = coefficient
        polynomial = sum(
            (context.from_dict(rest) * above**k * width ** (degree - k) for k, rest in terms.items()),
            start=context.constant(0),
        )
        changed.add(position)
        told.append(f"{describe(root)}^2 <= {part[0][0]}*{describe(part)}")
    return (polynomial, changed, f"by Cauchy-Schwarz {', '.join(told)}") if changed else None


def _root(part: Part) -> Part | None:
    """Return Σ f for Σ f² over one index."""
    if len(part[0]) != 1 or not part[1] or not is_square_sum(part):
        return None
    half = [factor for factor, count in Counter(part[1]).items() for _ in range(count // 2)]
    return part[0], tuple(sorted(half))
