"""Assumptions that nothing satisfies: under them every claim would hold, so they are refused where they are seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.claims.language.syntax import Comparison, Expression, Name
from exactdropout.claims.setting.setting import SIZES, Problem, constant
from exactdropout.errors import InvalidInput

__all__ = ["refuse_contradictions"]

Key = tuple[str, tuple[int, ...]]
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def refuse_contradictions(problem: Problem) -> None:
    """Refuse assumptions on one variable that no number satisfies: bounds and signs, of its groups too.

    What ties several variables together is not judged here; a check says when it found no point that satisfies it.

    Raises:
        InvalidInput: the variable, and what is assumed of it.
    """
    bounds: dict[Key, list[tuple[str, Fraction]]] = {}
    for comparison in problem.filters:
        for key, relation, bound in _single(comparison):
            bounds.setdefault(key, []).append((relation, bound))
    for key in (*problem.signs, *(k for k in problem.definitions if constant(problem.definitions[k]) is not None)):
        bounds.setdefault(key, [])
    for key, found in bounds.items():
        assumed = [*found, *((sign, Fraction(0)) for sign in sorted(problem.sign(key)))]
        definition = problem.definition(key)
        value = None if definition is None else constant(definition)
        if value is not None:
            assumed.append(("=", value))
        known = _known(key)
        if not _satisfiable([*assumed, *known]):
            name = key[0] + (f"[{','.join(map(str, key[1]))}]" if key[1] else "")
            texts = dict.fromkeys(f"{name} {relation} {number}" for relation, number in (*assumed, *known))
            raise InvalidInput(f"Argument 'assume' contradicts itself: no number has {', '.join(texts)}.")


def _known(key: Key) -> list[tuple[str, Fraction]]:
    name = key[0]
    if name == "q":
        return [(">=", Fraction(0)), ("<", Fraction(1))]
    if name == "p":
        return [(">", Fraction(0)), ("<=", Fraction(1))]
    return [(">=", Fraction(1))] if name in SIZES else []


def _single(comparison: Comparison) -> Iterator[tuple[Key, str, Fraction]]:
    """Yield what a comparison says of single variables: pairs of neighbours, one a variable, one a number."""
    for left, relation, right in zip(comparison.sides, comparison.relations, comparison.sides[1:], strict=False):
        for side, other, turned in ((left, right, relation), (right, left, _TURNED[relation])):
            key, bound = _variable(side), constant(other)
            if key is not None and bound is not None:
                yield key, turned, bound


def _variable(side: Expression) -> Key | None:
    if not isinstance(side, Name):
        return None
    indices = [constant(index) for index in side.indices]
    if any(i is None or i.denominator != 1 for i in indices):
        return None
    return side.name, tuple(int(i) for i in indices if i is not None)


def _satisfiable(relations: list[tuple[str, Fraction]]) -> bool:
    """Return whether a real number satisfies all relations: a bound, a number between two of them, or one beyond."""
    bounds = sorted({bound for _, bound in relations})
    if not bounds:
        return True
    between = [(a + b) / 2 for a, b in itertools.pairwise(bounds)]
    tests = {
        "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    }  # fmt: skip
    return any(
        all(tests[relation](candidate, bound) for relation, bound in relations)
        for candidate in (*bounds, *between, bounds[0] - 1, bounds[-1] + 1)
    )
