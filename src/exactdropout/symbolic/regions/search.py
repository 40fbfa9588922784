"""The search for activation regions, one level of hinges after the other.

The hinges of the first hidden layer have arguments that are linear in the weights: their sign patterns are listed
completely. On such a pattern the next layer's arguments are polynomials without relu. Where they are linear too (later
weights are numbers) the list stays complete. Elsewhere the candidates of :mod:`hyperplanes` are compared with the
patterns found at exact points: with the lower weights fixed, all patterns in the layer's own weights are listed.
Lower points are the ones known, and those that a candidate's monomials suggest: for one unit with weights v_j = ±1
every value of the monomials v_j w_jk is taken on.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from exactdropout.algebra.cones import cone_bound
from exactdropout.errors import CostLimitExceeded
from exactdropout.progress import amount
from exactdropout.symbolic.regions.sign_patterns import (
    Candidate,
    Component,
    Pattern,
    components,
    evaluate,
    fixed,
    linear_patterns,
    relaxed_patterns,
    used,
)
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing, RunningSum

__all__ = ["Branch", "Hinges", "resolve"]

TRIES = 6
POINTS = 3
DRAWN, SCATTERED = 400, 40
"""Where patterns are still open: so many points of the lower weights are drawn, so many on the branch are used."""


def resolve(element: ReluPolynomial, known: Mapping[int, ReluPolynomial]) -> ReluPolynomial:
    """Return the element with atoms replaced."""
    total = RunningSum(element.ring)
    for monomial, coefficient in element.terms.items():
        term = ReluPolynomial(element.ring, {(): coefficient})
        for number in monomial:
            term = term * known[number]
        total.add(term)
    return total.total


@dataclass(frozen=True)
class Branch:
    """Signs of some hinges: what they resolve to, the constraints > 0, and points where that is so, none if unknown."""

    signs: Mapping[int, int]
    known: Mapping[int, ReluPolynomial]
    constraints: tuple[Any, ...]
    facets: tuple[Any, ...]
    points: tuple[Mapping[int, Fraction], ...]


class Hinges:
    """The hinges of some ring elements, in levels, and the layer of every weight that is a symbol."""

    def __init__(self, ring: ReluRing, elements: Sequence[ReluPolynomial], layers: Mapping[int, int], limit: float):
        """Sort the atoms into levels: an argument holds atoms of lower levels only."""
        self.ring, self.layers, self.limit = ring, layers, limit
        self.atoms = sorted(set().union(*(e.atom_numbers() for e in elements)))
        level: dict[int, int] = {}
        for n in self.atoms:
            inner = {m for monomial in ring.atoms[n].argument.terms for m in monomial}
            level[n] = 1 + max((level[m] for m in inner), default=-1)
        self.levels = [[n for n in self.atoms if level[n] == k] for k in range(max(level.values(), default=-1) + 1)]
        signed = [i for i in layers if ring.known_nonnegative(i)]
        self.signs_known = tuple(ring.context.gen(i) for i in signed)
        self._nothing = ring.context.constant(0)

    def start(self) -> Branch:
        """Return the branch without hinges; weights that are known to be ≥ 0 are constraints."""
        return Branch({}, {}, self.signs_known, (), ({},))

    def plan(self) -> str:
        """Return what a search has before it: the hinges of each level, and bounds on their sign patterns.

        In the first level Schläfli's count bounds the patterns of each group of hinges that share weights.
        """
        if not self.levels:
            return "no hinges: one region"
        first, most = self.arguments(self.start(), 0), 1
        for part in components(first, self.signs_known):
            affine = any(not any(m) for k in part.polynomials for m in first[k].monoms())
            shift = int(affine)  # the hyperplane at infinity
            count, dimension = len(part.polynomials) + shift, len(part.generators) + shift
            most *= min(2 ** len(part.polynomials), cone_bound(count, dimension))
        told = f"{amount(len(first))} hinges in level 1, at most {amount(most)} sign patterns"
        for number, level in enumerate(self.levels[1:], 2):
            told += f"; {amount(len(level))} in level {number}, at most 2^{len(level)} on each of them"
        return told

    def arguments(self, branch: Branch, level: int) -> list[Any]:
        """Return the arguments of a level's hinges on a branch, as polynomials without atoms."""
        found = []
        for n in self.levels[level]:
            found.append(resolve(self.ring.atoms[n].argument, branch.known).terms.get((), self._nothing))
        return found

    def linear(self, branch: Branch, level: int) -> list[tuple[Component, list[Pattern]]] | None:
        """Return all patterns of a level, component by component; None where something is not linear."""
        arguments = self.arguments(branch, level)
        parts = components(arguments, branch.constraints)
        touched = [branch.constraints[k] for part in parts for k in part.constraints]
        if any(p.total_degree() > 1 for p in (*arguments, *touched)):
            return None
        found = []
        for part in parts:
            chosen = [arguments[k] for k in part.polynomials]
            constraints = [branch.constraints[k] for k in part.constraints]
            found.append((part, linear_patterns(chosen, constraints, part.generators, self.limit)))
        return found

    def extended(
        self, branch: Branch, level: int, signs: Sequence[int], points: Sequence[Mapping[int, Fraction]]
    ) -> Branch:
        """Return the branch with the signs of one more level."""
        known, all_signs = dict(branch.known), dict(branch.signs)
        constraints = list(branch.constraints)
        for n, argument, sign in zip(self.levels[level], self.arguments(branch, level), signs, strict=True):
            all_signs[n] = sign
            known[n] = ReluPolynomial(self.ring, {(): argument}) if sign > 0 else self.ring.zero
            if sign and not argument.is_constant():
                constraints.append(argument * sign)
        return Branch(all_signs, known, tuple(constraints), tuple(constraints), tuple(points))

    def joined(self, branch: Branch, level: int, parts: Sequence[tuple[Component, Pattern]]) -> Branch:
        """Return the branch with one pattern of each component of a level whose list is complete."""
        signs = [0] * len(self.levels[level])
        point: dict[int, Fraction] = dict(branch.points[0]) if branch.points else {}
        facets: list[Any] = []
        arguments = self.arguments(branch, level)
        for part, pattern in parts:
            for k, sign in zip(part.polynomials, pattern.signs, strict=True):
                signs[k] = sign
            for number in pattern.facets:
                if number < len(part.polynomials):
                    facets.append(arguments[part.polynomials[number]] * pattern.signs[number])
                else:
                    facets.append(branch.constraints[part.constraints[number - len(part.polynomials)]])
            point |= pattern.point
        made = self.extended(branch, level, signs, [point])
        return replace(made, facets=tuple(facets) if level == 0 else made.constraints)

    def expand(self, branch: Branch, level: int) -> Iterator[Branch]:
        """Yield the branch's continuations at a level: with points, or without where nothing is known."""
        complete = self.linear(branch, level)
        if complete is not None:
            for combination in itertools.product(*(patterns for _, patterns in complete)):
                parts = [part for part, _ in complete]
                yield self.joined(branch, level, list(zip(parts, combination, strict=True)))
            return
        arguments = self.arguments(branch, level)
        top = max(self.layers[i] for p in arguments for i in used(p))
        own = sorted({i for p in arguments for i in used(p) if self.layers[i] == top})
        candidates, suggestions = self._candidates(branch, arguments, own)
        found: dict[tuple[int, ...], list[Mapping[int, Fraction]]] = {}
        for point in self._lower_points(branch, arguments, own, suggestions):
            for signs, full in self._at(point, arguments, own, branch):
                points = found.setdefault(signs, [])
                if len(points) < POINTS:
                    points.append(full)
        missing = set(candidates) - found.keys()
        if missing:
            for point in self._scattered_points(branch, arguments, own):
                for signs, full in self._at(point, arguments, own, branch):
                    if len(found.setdefault(signs, [])) < POINTS:
                        found[signs].append(full)
                    missing.discard(signs)
                if not missing:
                    break
        for signs in candidates:
            if signs not in found:
                yield self.extended(branch, level, signs, [])
        for signs, points in found.items():
            yield self.extended(branch, level, signs, points)

    def _candidates(
        self, branch: Branch, arguments: Sequence[Any], own: Sequence[int]
    ) -> tuple[list[tuple[int, ...]], list[Candidate]]:
        """Return the patterns of a level that are not excluded, and the candidates of the single components."""
        groups = _by_own(arguments, own)
        lists: list[list[tuple[int, ...]]] = []
        suggestions: list[Candidate] = []
        for group in groups:
            chosen = [arguments[k] for k in group]
            inside = sorted({i for p in chosen for i in used(p)})
            top = max((self.layers[i] for i in inside), default=0)
            # hinges of a lower layer can stand in the same level: then it is that layer's weights
            mine = [v for v in own if v in inside] or [i for i in inside if self.layers[i] == top]
            found = relaxed_patterns(chosen, branch.constraints, mine, self.limit)
            lists.append(list(dict.fromkeys(c.signs for c in found)))
            suggestions += found
        total = 1
        for patterns_of_group in lists:
            total *= len(patterns_of_group)
        if total > self.limit:
            raise CostLimitExceeded(
                f"Argument 'max_cost' allows {self.limit:.3g} regions, at some 4,000 a second, but {total:.3g} sign "
                "patterns of one layer are to be examined."
            )
        patterns = []
        for combination in itertools.product(*lists):
            signs = [0] * len(arguments)
            for group, chosen_signs in zip(groups, combination, strict=True):
                for k, sign in zip(group, chosen_signs, strict=True):
                    signs[k] = sign
            patterns.append(tuple(signs))
        return patterns, suggestions

    def _lower_points(
        self, branch: Branch, arguments: Sequence[Any], own: Sequence[int], suggestions: Sequence[Candidate]
    ) -> Iterator[Mapping[int, Fraction]]:
        """Yield points of the lower weights on the branch, each checked exactly."""
        lower = sorted({i for p in (*arguments, *branch.constraints) for i in used(p)} - set(own))
        rng = random.Random(0)
        guesses: list[dict[int, Fraction]] = []
        for point in branch.points:
            for attempt in range(TRIES):
                near: dict[int, Fraction] = {}
                for i in lower:
                    value = point.get(i, Fraction(rng.choice((-1, 1)) * rng.randint(1, 9)))
                    near[i] = value if not attempt else value * Fraction(rng.randint(1, 99), 32)
                guesses.append(near)
        base = guesses[0] if guesses else {}
        for candidate in suggestions:
            open_sides = [v for v, side in candidate.sides.items() if not side][:4]
            for flips in itertools.product((1, -1), repeat=len(open_sides)):
                sides = {**candidate.sides, **dict(zip(open_sides, flips, strict=True))}
                guess: dict[int, Fraction] = dict(base)
                for monomial, value in candidate.monomials.items():
                    above = [v for v in own if monomial[v]]
                    if len(above) != 1 or max(monomial) > 1:
                        continue
                    below = sorted((i for i in lower if monomial[i]), key=self.layers.__getitem__)
                    others = math.prod((base.get(i, Fraction(0)) for i in below[:-1]), start=Fraction(1))
                    if below and others:  # the weight of the highest layer is solved for
                        guess[below[-1]] = value * (sides.get(above[0], 1) or 1) / others
                guesses.append(guess)
        seen = set()
        for guess in guesses:
            key = tuple(guess.get(i) for i in lower)
            if key not in seen and all(i in guess for i in lower):
                seen.add(key)
                if all(evaluate(c, guess) > 0 for c in branch.constraints if not set(used(c)) & set(own)):
                    yield guess

    def _scattered_points(
        self, branch: Branch, arguments: Sequence[Any], own: Sequence[int]
    ) -> Iterator[Mapping[int, Fraction]]:
        """Yield up to SCATTERED points of the lower weights on the branch, of sizes 1/64 to 64, by a fixed seed."""
        lower = sorted({i for p in (*arguments, *branch.constraints) for i in used(p)} - set(own))
        held = [c for c in branch.constraints if not set(used(c)) & set(own)]
        known = [self._sign(branch, i) for i in lower]
        rng, given = random.Random(1), 0
        for _ in range(DRAWN):
            point = {
                i: Fraction(rng.randint(32, 63) * 2 ** rng.randint(0, 12), 64 * 32) * (sign or rng.choice((-1, 1)))
                for i, sign in zip(lower, known, strict=True)
            }
            if all(evaluate(c, point) > 0 for c in held):
                given += 1
                yield point
            if given == SCATTERED:
                return

    def _sign(self, branch: Branch, generator: int) -> int:
        """Return the sign of a weight that the branch's constraints state, 0 for none."""
        plain = self.ring.context.gen(generator)
        return next((sign for sign in (1, -1) if any(c == plain * sign for c in branch.constraints)), 0)

    def _at(
        self, point: Mapping[int, Fraction], arguments: Sequence[Any], own: Sequence[int], branch: Branch
    ) -> Iterator[tuple[tuple[int, ...], Mapping[int, Fraction]]]:
        """Yield all patterns of a level for given lower weights, each with a full point."""
        forms = [fixed(p, point) for p in arguments]
        held = [c for c in branch.constraints if set(used(c)) <= set(own)]
        parts = components(forms, held)
        if any(p.total_degree() > 1 for p in forms):
            return
        lists = [
            linear_patterns(
                [forms[k] for k in p.polynomials], [held[k] for k in p.constraints], p.generators, self.limit
            )
            for p in parts
        ]
        for combination in itertools.product(*lists):
            signs = [0] * len(forms)
            full = dict(point)
            for part, pattern in zip(parts, combination, strict=True):
                for k, sign in zip(part.polynomials, pattern.signs, strict=True):
                    signs[k] = sign
                full |= pattern.point
            if all(sign or argument == 0 for sign, argument in zip(signs, arguments, strict=True)):
                yield tuple(signs), full


def _by_own(arguments: Sequence[Any], own: Sequence[int]) -> list[list[int]]:
    """Return the arguments in groups that share no own generator."""
    groups: list[tuple[set[int], list[int]]] = []
    for k, polynomial in enumerate(arguments):
        mine, members = set(used(polynomial)) & set(own), [k]
        for other in [g for g in groups if g[0] & mine]:
            groups.remove(other)
            mine |= other[0]
            members = other[1] + members
        groups.append((mine, members))
    return [members for _, members in groups]
