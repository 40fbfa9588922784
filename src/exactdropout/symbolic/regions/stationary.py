"""Stationary points of the criterion inside an activation region, for one hidden layer and one output.

On a region the contribution of unit j is v_j times a form that is linear in its input weights w_j (bias included), so
that J = Q(c, β) with c_j = v_j w_j and Q quadratic; β are weights that are no part of a unit. Hence

    ∂J/∂w_j = v_j ∂Q/∂c_j,   ∂J/∂v_j = w_j · ∂Q/∂c_j,

and the stationary points are, for each choice of the units with v_j = 0: the solutions of the linear system ∂Q/∂c_j = 0
of the other units, with w_k · ∂Q/∂c_k = 0 for those with v_k = 0. A solution c_j stands for the curve v_j = t,
w_j = c_j/t; it meets the region where t > 0 or t < 0 turns c_j into the cone. Output weights that are numbers make
J itself quadratic, for several outputs too. All of it is linear algebra over the rationals.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import flint
import sympy

from exactdropout.algebra.arrangement import arrangement
from exactdropout.model.numbers import format_rational
from exactdropout.symbolic.criterion.problem import Problem
from exactdropout.symbolic.regions.sign_patterns import evaluate, fixed, used

__all__ = ["StationaryPoint", "StationaryPoints", "stationary_points"]

MAX_CHOICES = 10_000


@dataclass(frozen=True, kw_only=True)
class StationaryPoint:
    """A point inside the region at which every derivative is exactly 0, and the set that it stands for.

    ``value`` is the criterion there. ``rescaled`` names the output weights v_j that can be multiplied by t > 0 with
    w_j divided by t; ``free`` counts the further dimensions of the linear set of solutions that it belongs to.
    """

    values: Mapping[sympy.Symbol, Fraction]
    value: Fraction
    rescaled: tuple[sympy.Symbol, ...]
    free: int

    def __str__(self) -> str:
        """Return the point, the value and what is free."""
        return self.text(str)

    def text(self, name: Callable[[sympy.Symbol], str]) -> str:
        """Return the same with ``name(symbol)`` for each symbol."""
        point = ", ".join(f"{name(s)} = {format_rational(v)}" for s, v in self.values.items())
        more = f"; rescaling of {', '.join(map(name, self.rescaled))}" if self.rescaled else ""
        more += f"; {self.free} more free dimension{'s' if self.free > 1 else ''}" if self.free else ""
        return f"{point}: criterion {format_rational(self.value)}{more}"


@dataclass(frozen=True, kw_only=True)
class StationaryPoints:
    """The stationary points in a region: ``status`` "all" lists one point of each set of them, or "not solved"."""

    status: Literal["all", "not solved"]
    reason: str
    points: tuple[StationaryPoint, ...]


def stationary_points(problem: Problem, criterion: Any, scale: Fraction, positive: Sequence[Any]) -> StationaryPoints:
    """Return the stationary points of ``criterion``/scale, a polynomial in weights, where ``positive`` are > 0."""
    units = _units(problem, criterion)
    if units is None:
        return StationaryPoints(
            status="not solved", points=(),
            reason="the criterion is no quadratic polynomial in products v_j w_j here: more than one hidden layer, "
            "several outputs with free weights, a shared weight, or something that is no number beside the weights",
        )  # fmt: skip
    scaled = [j for j, (v, _) in enumerate(units) if v is not None]
    if 3 ** len(scaled) > MAX_CHOICES:
        return StationaryPoints(status="not solved", reason=f"{3 ** len(scaled)} choices of signs", points=())
    points = []
    known = [problem.ring.known_nonnegative(v) for v, _ in units if v is not None]
    for signs in itertools.product(*((1,) if positive_only else (1, -1, 0) for positive_only in known)):
        side = dict(zip(scaled, signs, strict=True))
        found = _solve(criterion, units, side, positive)
        if found is None:
            return StationaryPoints(
                status="not solved", points=(), reason="a unit with output weight 0 beside a family of solutions"
            )
        points += [_point(problem, criterion, scale, units, side, values, free) for values, free in found]
    return StationaryPoints(
        status="all", reason="linear systems over the rationals, one for each sign of the output weights",
        points=tuple(points),
    )  # fmt: skip


Unit = tuple[int | None, tuple[int, ...]]


def _units(problem: Problem, criterion: Any) -> list[Unit] | None:
    """Return (output weight or None, input weights and bias) of every unit, by generator; None if J is no such Q."""
    layers = problem.dropped
    if layers.depth > 2:
        return None

    def generator(element: Any) -> int | None:
        """Return the generator that an element is; −1 for a number, None for something else."""
        polynomial = element.terms.get((), problem.ring.context.constant(0))
        if polynomial.is_constant() or not element.terms:
            return -1
        where = used(polynomial)
        return where[0] if len(where) == 1 and polynomial == problem.ring.context.gen(where[0]) else None

    units: list[Unit] = []
    rows = layers.weights[0] if layers.depth == 2 else ()
    for j, row in enumerate(rows):
        inner = [generator(w) for w in (*row, layers.biases[0][j])]
        outers = [generator(output[j]) for output in layers.weights[1]]
        outer = outers[0] if len(outers) == 1 else -1 if set(outers) == {-1} else None
        if outer is None or None in inner:
            return None
        units.append((None if outer < 0 else outer, tuple(i for i in inner if i is not None and i >= 0)))
    direct = [w for output in layers.weights[0] for w in output] if layers.depth == 1 else []
    last = [generator(w) for w in (*direct, *layers.biases[-1])]
    owned = [i for v, own in units for i in (*own, *(() if v is None else (v,)))]
    others = [i for i in last if i is not None and i >= 0]
    if (
        None in last
        or len(set(owned + others)) < len(owned + others)
        or not set(used(criterion)) <= set(owned + others)
    ):
        return None
    for monomial in criterion.monoms():
        inside = sum(int(monomial[i]) for _, own in units for i in own) + sum(int(monomial[i]) for i in others)
        if inside > 2:
            return None
        for v, own in units:
            if v is not None and int(monomial[v]) != sum(int(monomial[i]) for i in own):
                return None
    return units


def _solve(
    criterion: Any, units: Sequence[Unit], side: Mapping[int, int], positive: Sequence[Any]
) -> list[tuple[dict[int, Fraction], int]] | None:
    """Return [(c and β, and w of the units with v = 0; free dimensions)] for one choice of signs, or [] for none."""
    ones = {v: Fraction(1) for v, _ in units if v is not None}
    quadratic = fixed(criterion, ones)
    off = {i: Fraction(0) for j, s in side.items() if s == 0 for i in units[j][1]}
    generators = sorted({i for p in (criterion, *positive) for i in used(p)} - ones.keys() - off.keys())
    system = [fixed(quadratic.derivative(i), off) for i in generators]
    turn = {i: Fraction(-1) for j, s in side.items() if s < 0 for i in units[j][1]}
    constraints = [_turned(p, turn) for p in positive if not set(used(p)) & off.keys()]
    found = _interior(system, constraints, generators)
    if found is None:
        return []
    values, directions = found
    free = len(directions)
    for j, s in side.items():
        if s == 0:
            mine = [i for i in units[j][1] if any(i in used(p) for p in (criterion, *positive))]
            slopes = {i: fixed(quadratic.derivative(i), off) for i in mine}
            if any(_changes(p, generators, directions) for p in slopes.values()):
                return None
            context = criterion.context()
            condition = context.constant(0)
            for i, p in slopes.items():
                number = evaluate(p, values)
                condition += context.gen(i) * flint.fmpq(number.numerator, number.denominator)
            inside = _interior([condition], [p for p in positive if set(used(p)) & set(mine)], mine)
            if inside is None:
                return []
            values |= inside[0]
            free += len(inside[1])
    return [(values, free)]


def _turned(polynomial: Any, turn: Mapping[int, Fraction]) -> Any:
    context = polynomial.context()
    images = [context.gen(i) * (-1 if i in turn else 1) for i in range(context.nvars())]
    return polynomial.compose(*images, ctx=context)


def _changes(polynomial: Any, generators: Sequence[int], directions: Sequence[Sequence[Fraction]]) -> bool:
    row = [evaluate(polynomial.derivative(i), {}) for i in generators]
    return any(sum(a * b for a, b in zip(row, d, strict=True)) for d in directions)


def _row(polynomial: Any, generators: Sequence[int]) -> list[Fraction]:
    """Return (constant, coefficients) of a polynomial of degree 1."""
    entries = dict.fromkeys([-1, *generators], Fraction(0))
    for monomial, coefficient in polynomial.terms():
        where = next((i for i, power in enumerate(monomial) if power), -1)
        entries[where] = Fraction(int(coefficient.p), int(coefficient.q))
    return list(entries.values())


def _interior(
    system: Sequence[Any], constraints: Sequence[Any], generators: Sequence[int]
) -> tuple[dict[int, Fraction], list[list[Fraction]]] | None:
    """Return a solution of system = 0 with constraints > 0 and the directions of all solutions, or None."""
    solved = _affine([_row(p, generators) for p in system], len(generators))
    if solved is None:
        return None
    base, directions = solved
    rows = []
    for constraint in constraints:
        constant, *entries = _row(constraint, generators)
        rows.append([constant + _dot(entries, base), *(_dot(entries, d) for d in directions)])
    shift = [Fraction(0)] * len(directions)
    if rows:
        cells = arrangement([], rows, max_cells=float("inf"))
        if not cells:
            return None
        shift = list(cells[0].point)
    for amount, direction in zip(shift, directions, strict=True):
        base = [b + amount * d for b, d in zip(base, direction, strict=True)]
    return dict(zip(generators, base, strict=True)), directions


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), start=Fraction(0))


def _affine(rows: Sequence[Sequence[Fraction]], size: int) -> tuple[list[Fraction], list[list[Fraction]]] | None:
    """Return a solution of a₀ + a·u = 0 for all rows, and a basis of the directions; None if there is none."""
    work = [[*row[1:], -row[0]] for row in rows]
    pivots: list[int] = []
    for column in range(size):
        place = next((r for r in range(len(pivots), len(work)) if work[r][column]), None)
        if place is None:
            continue
        r = len(pivots)
        work[r], work[place] = work[place], work[r]
        work[r] = [v / work[r][column] for v in work[r]]
        for other in range(len(work)):
            if other != r and (factor := work[other][column]):
                work[other] = [a - factor * b for a, b in zip(work[other], work[r], strict=True)]
        pivots.append(column)
    if any(row[size] for row in work[len(pivots) :]):
        return None
    base = [Fraction(0)] * size
    for r, column in enumerate(pivots):
        base[column] = work[r][size]
    directions = []
    for column in (c for c in range(size) if c not in pivots):
        direction = [Fraction(0)] * size
        direction[column] = Fraction(1)
        for r, pivot in enumerate(pivots):
            direction[pivot] = -work[r][column]
        directions.append(direction)
    return base, directions


def _point(
    problem: Problem, criterion: Any, scale: Fraction, units: Sequence[Unit], side: Mapping[int, int],
    values: Mapping[int, Fraction], free: int,
) -> StationaryPoint:  # fmt: skip
    """Return the point with v_j = ±1 or 0; every derivative is checked to vanish."""
    point = dict(values)
    for j, sign in side.items():
        v, inner = units[j]
        assert v is not None
        point[v] = Fraction(sign)
        for i in inner:
            if sign and i in point:
                point[i] *= sign
    point |= {i: Fraction(1) for i in _weights(units) if i not in point}
    slopes = [evaluate(criterion.derivative(i), point) for i in used(criterion)]
    if any(slopes):
        raise RuntimeError("a stationary point does not solve its equations")
    ring = problem.ring
    moving = tuple(ring.generators[units[j][0]] for j, s in side.items() if s)  # type: ignore[index]
    return StationaryPoint(
        values={ring.generators[i]: point[i] for i in sorted(point)},
        value=evaluate(criterion, point) / scale,
        rescaled=moving,
        free=free,
    )


def _weights(units: Sequence[Unit]) -> Iterator[int]:
    for v, inner in units:
        yield from inner
        if v is not None:
            yield v
