"""Types of units: a sign and a cone. Within one type the criterion is convex, so its units may be taken equal.

The hyperplanes c·u = 0 of the masked inputs u cut the space of a unit's reduced weights c into polyhedral cones; on one
of them every relu(c·u) is linear (:mod:`exactdropout.algebra.cones`).

A network is described by how many units m_t it has of each type and by the sums C_t of their reduced weights. Units of
one type with responses g₁, …, g_m and sum g may be replaced by m copies of g/m: the fit is unchanged and the penalty
Σ‖g_j‖² falls to ‖g‖²/m. A type whose response is 0 everywhere contributes nothing and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.algebra.cones import Cone, Ray, cells, cone_bound, independent_first, primitive
from exactdropout.errors import CostLimitExceeded
from exactdropout.optimum.qp import guess, solve
from exactdropout.optimum.reduced_problem import ReducedProblem

__all__ = ["Arrangement", "Assignment", "exchangeable", "gram_matrix", "most_cones", "separators", "unit_cones"]

Floats = npt.NDArray[np.float64]
Vector = tuple[Fraction, ...]
MAX_SYMMETRIC_INPUTS = 6


def separators(problem: ReducedProblem, *, ordered: bool = False) -> tuple[tuple[Ray, ...], int]:
    """Return the hyperplanes that cut c-space, and how many of the first ones are held at sign +.

    A restriction to non-negative input weights comes first (those unit vectors, sign + only); ``ordered`` restricts c
    to c_1 ≥ … ≥ c_k in the input coordinates. Then the directions of
    the masked inputs, each once up to a factor, and unit vectors as far as they are needed for rank dim, so that
    every cone is pointed. The first dim separators are independent.
    """
    dimension = problem.dimension
    units = [tuple(int(i == k) for i in range(dimension)) for k in range(dimension)]
    free = len(problem.coordinates)
    held = units[:free] if problem.nonnegative else []
    if ordered:
        steps = [tuple(a - b for a, b in zip(u, v, strict=True)) for u, v in pairwise(units[:free])]
        held = [*steps, *held[-1:]]
    found: dict[Ray, None] = dict.fromkeys(held)
    for point in problem.points:
        if any(point):
            ray = primitive(point)
            if next(v for v in ray if v) < 0:
                ray = tuple(-v for v in ray)
            found.setdefault(ray)
    return independent_first(found, dimension), len(held)


def exchangeable(problem: ReducedProblem) -> bool:
    """Return whether every exchange of two neighbouring coordinates keeps points, weights and labels.

    Then every permutation of the inputs does, and a network of one unit may be taken with c_1 ≥ … ≥ c_k.
    """
    data = {u: (w, y) for u, w, y in zip(problem.points, problem.weights, problem.labels, strict=True)}
    return all(
        data.get((*u[:k], u[k + 1], u[k], *u[k + 2 :])) == value
        for k in range(len(problem.coordinates) - 1)
        for u, value in data.items()
    )


def most_cones(problem: ReducedProblem, *, ordered: bool = False) -> int:
    """Return a bound on the number of cones: Schläfli's, of which ``ordered`` leaves one in k! of a finer one.

    With all k(k − 1)/2 hyperplanes c_i = c_j beside the others, permutations map the cones of one order to another's.
    """
    if problem.dimension == 0:
        return 0
    count, free = len(separators(problem, ordered=ordered)[0]), len(problem.coordinates)
    if not ordered:
        return cone_bound(count, problem.dimension)
    return cone_bound(count + math.comb(free - 1, 2), problem.dimension) // math.factorial(free)


def unit_cones(
    problem: ReducedProblem, max_cones: float, deadline: float = math.inf, *, ordered: bool = False
) -> tuple[Cone, ...]:
    """Return the cones of one unit's reduced weights, refusing beforehand when there may be more than ``max_cones``.

    A problem without a live input and without hidden biases has no cone.
    """
    if problem.dimension == 0:
        return ()
    normals, held = separators(problem, ordered=ordered)
    bound = most_cones(problem, ordered=ordered)
    if bound > max_cones:
        raise CostLimitExceeded(
            f"Argument 'max_cost' allows {max_cones:.6g} cones per unit, at some 1,700 a second, but {len(normals)} "
            f"hyperplanes in dimension {problem.dimension} may cut up to {bound}; raise max_cost to allow them."
        )
    return cells(normals, held, deadline=deadline)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The exact optimum for given multiplicities: a unit of type t has reduced weights ``totals[t]`` / m_t.

    ``residual`` is z_u = b + Σ s g(u) − y_u; where the criterion is minimal, z is the dual solution of the paper-and-
    pencil bound in :mod:`exactdropout.optimum.cuts`.
    """

    multiplicities: Mapping[int, int]
    totals: Mapping[int, Vector]
    bias: Fraction
    value: Fraction
    residual: Vector


class Arrangement:
    """The cones of a problem with what is computed from them once: responses of rays, Gram matrices, symmetries.

    Type 2i is (+1, cone i) and type 2i+1 is (−1, cone i), in the order of :func:`cells`; with non-negative weights
    type i is (+1, cone i). ``live`` are the types whose response is not 0 everywhere. ``ordered``, for one unit on
    exchangeable inputs, has the cones of c_1 ≥ … ≥ c_k alone.
    """

    def __init__(
        self, problem: ReducedProblem, max_cones: float, deadline: float = math.inf, *, ordered: bool = False
    ) -> None:
        """Enumerate the cones; refuses beyond ``max_cones``, and raises TimeoutError after ``deadline``."""
        self.problem = problem
        self.ordered = ordered
        self.cones: tuple[Cone, ...] = unit_cones(problem, max_cones, deadline, ordered=ordered)
        self.signs_per_cone = 1 if problem.nonnegative else 2
        points = _integers(problem.points, problem.dimension)
        self.responses: list[list[tuple[int, ...]]] = [
            [tuple(row) for row in np.maximum(_integers(c.rays, problem.dimension) @ points.T, 0).tolist()]
            for c in self.cones
        ]
        self.live = tuple(
            t for t in range(self.signs_per_cone * len(self.cones)) if any(any(r) for r in self.responses[self.cone(t)])
        )

    def cone(self, kind: int) -> int:
        """Return the index of the cone of a type."""
        return kind // self.signs_per_cone

    def sign(self, kind: int) -> int:
        """Return the sign of the output weight of a type."""
        return 1 if kind % self.signs_per_cone == 0 else -1

    @cached_property
    def weights(self) -> Floats:
        """The weights w_u in float64."""
        return np.array([float(w) for w in self.problem.weights])

    @cached_property
    def labels(self) -> Floats:
        """The mean labels y_u in float64."""
        return np.array([float(y) for y in self.problem.labels])

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Number of extreme rays of each cone."""
        return np.array([len(c.rays) for c in self.cones], dtype=np.int64)

    @cached_property
    def table(self) -> Floats:
        """Responses of the rays, shape (cones, most rays, points), each ray scaled to norm 1, padded by zeros."""
        most = int(self.counts.max()) if len(self.cones) else 0
        table = np.zeros((len(self.cones), most, len(self.problem.points)))
        for i, rows in enumerate(self.responses):
            table[i, : len(rows)] = rows
        norms = np.sqrt((table**2) @ self.weights)
        return np.asarray(table / np.where(norms > 0, norms, 1.0)[..., None])

    @cached_property
    def directions(self) -> Floats:
        """The extreme rays themselves under the same scaling, shape (cones, most rays, dimension)."""
        raw = np.zeros((*self.table.shape[:2], self.problem.dimension))
        for i, cone in enumerate(self.cones):
            raw[i, : len(cone.rays)] = cone.rays
        plain = np.zeros(self.table.shape)
        for i, rows in enumerate(self.responses):
            plain[i, : len(rows)] = rows
        norms = np.sqrt((plain**2) @ self.weights)
        return np.asarray(raw / np.where(norms > 0, norms, 1.0)[..., None])

    @cached_property
    def grams(self) -> Floats:
        """Weighted inner products of the responses of the rays of each cone."""
        return np.asarray((self.table * self.weights) @ self.table.swapaxes(1, 2), dtype=np.float64)

    @cached_property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """Permutations of the coordinates (the bias fixed) that keep the points, their weights and their labels.

        The identity comes first. Beyond ``MAX_SYMMETRIC_INPUTS`` inputs only the identity is looked for.
        """
        problem = self.problem
        free = len(problem.coordinates)
        rest = tuple(range(free, problem.dimension))
        data = {u: (w, y) for u, w, y in zip(problem.points, problem.weights, problem.labels, strict=True)}
        candidates = permutations(range(free)) if free <= MAX_SYMMETRIC_INPUTS else iter([tuple(range(free))])
        return tuple(
            (*order, *rest)
            for order in candidates
            if all(data.get(tuple(u[k] for k in (*order, *rest))) == value for u, value in data.items())
        )

    @cached_property
    def symmetries(self) -> tuple[tuple[int, ...], ...]:
        """The permutations of the types that :attr:`orders` induce.

        A permutation of the coordinates that keeps the set of separators maps cones to cones; the image of a cone is
        the one that holds the image of the sum of its rays. (Unit vectors that were added only to make the cones
        pointed may stand out among the inputs; then only the permutations that keep them count.)
        """
        if not self.cones:
            return ((),)
        if self.ordered:
            return (tuple(range(self.signs_per_cone * len(self.cones))),)
        normals = separators(self.problem)[0]
        lines = {tuple(s * v for v in row) for row in normals for s in (1, -1)}
        middles = _integers(
            [[sum(column) for column in zip(*c.rays, strict=True)] for c in self.cones], len(normals[0])
        )
        where = {bytes(s > 0 for s in c.signs): i for i, c in enumerate(self.cones)}
        rows = _integers(normals, len(normals[0])).T
        found = []
        for order in self.orders:
            if all(tuple(row[k] for k in order) in lines for row in normals):
                sides = (middles[:, list(order)] @ rows > 0).astype(np.uint8)
                per = self.signs_per_cone
                found.append(tuple(per * where[side.tobytes()] + s for side in sides for s in range(per)))
        return tuple(found)

    def norm(self, response: Sequence[Fraction]) -> Fraction:
        """Return Σ_u w_u g(u)², exact."""
        return sum((w * g * g for w, g in zip(self.problem.weights, response, strict=True) if g), Fraction(0))

    def response(self, kind: int, c: Sequence[Fraction]) -> Vector:
        """Return the linear form c·u where the type is active, 0 elsewhere; c need not be in the cone."""
        active = self.active(kind)
        return tuple(
            sum((a * b for a, b in zip(c, u, strict=True) if b), Fraction(0)) if on else Fraction(0)
            for on, u in zip(active, self.problem.points, strict=True)
        )

    def active(self, kind: int) -> tuple[bool, ...]:
        """Return on which points a unit of this type can respond."""
        return self._active[self.cone(kind)]

    @cached_property
    def _active(self) -> list[tuple[bool, ...]]:
        points = range(len(self.problem.points))
        return [tuple(any(r[k] for r in rows) for k in points) for rows in self.responses]

    def combination(self, kind: int, coefficients: Sequence[Fraction]) -> Vector:
        """Return Σ_k x_k ρ_k over the extreme rays of the type's cone."""
        rays = self.cones[self.cone(kind)].rays
        return tuple(
            sum((x * r[i] for x, r in zip(coefficients, rays, strict=True) if x), Fraction(0))
            for i in range(self.problem.dimension)
        )

    def projection(self, kind: int, z: Sequence[Fraction]) -> tuple[Vector, Fraction]:
        """Return c with relu(c·u) the projection of −s z onto the type's responses, and its squared norm; exact."""
        weights = self.problem.weights
        rows = self.responses[self.cone(kind)]
        sign = self.sign(kind)
        linear = [
            -sign * sum((w * v * g for w, v, g in zip(weights, z, r, strict=True) if g), Fraction(0)) for r in rows
        ]
        if all(v <= 0 for v in linear):
            return (Fraction(0),) * self.problem.dimension, Fraction(0)
        gram = gram_matrix(rows, weights)
        rough = guess(np.array(gram, dtype=float), np.array(linear, dtype=float), len(rows))
        x = solve(gram, linear, [i for i in range(len(rows)) if rough[i] > 0])
        return self.combination(kind, x), sum((a * b for a, b in zip(x, linear, strict=True)), Fraction(0))

    def optimum(self, multiplicities: Mapping[int, int]) -> Assignment:
        """Return the exact minimum of the criterion for given multiplicities m_t ≥ 1; one rational convex QP.

        The output bias is eliminated by centring: at the best b, Σ_u w_u z_u = 0.
        """
        problem = self.problem
        weights, labels = problem.weights, problem.labels
        kinds = sorted(t for t, m in multiplicities.items() if m > 0)
        columns = [(t, k) for t in kinds for k in range(len(self.responses[self.cone(t)]))]
        raw = [self.responses[self.cone(t)][k] for t, k in columns]
        mean = [
            sum((w * g for w, g in zip(weights, r, strict=True) if g), Fraction(0))
            if problem.architecture.output_bias
            else Fraction(0)
            for r in raw
        ]
        middle = (
            sum((w * y for w, y in zip(weights, labels, strict=True)), Fraction(0))
            if problem.architecture.output_bias
            else Fraction(0)
        )
        inner = gram_matrix(raw, weights)
        gram = [
            [
                self.sign(s) * self.sign(t) * (inner[a][b] - mean[a] * mean[b])
                + (problem.penalty / multiplicities[t] * inner[a][b] if s == t else 0)
                for b, (t, _) in enumerate(columns)
            ]
            for a, (s, _) in enumerate(columns)
        ]
        linear = [
            self.sign(t)
            * (sum((w * y * g for w, y, g in zip(weights, labels, r, strict=True) if g), Fraction(0)) - m * middle)
            for (t, _), r, m in zip(columns, raw, mean, strict=True)
        ]
        square = np.array(gram, dtype=float).reshape(len(columns), len(columns))
        rough = guess(square, np.array(linear, dtype=float), len(columns))
        scale = float(np.max(rough, initial=0.0))
        x = solve(gram, linear, [i for i in range(len(columns)) if rough[i] > 1e-9 * scale])
        totals, fit = {}, [Fraction(0)] * len(weights)
        for t in kinds:
            part = [v for v, (s, _) in zip(x, columns, strict=True) if s == t]
            totals[t] = self.combination(t, part)
            for u, g in enumerate(self.response(t, totals[t])):
                fit[u] += self.sign(t) * g
        bias = middle - sum((self.sign(t) * v * m for v, (t, _), m in zip(x, columns, mean, strict=True)), Fraction(0))
        residual = tuple(bias + f - y for f, y in zip(fit, labels, strict=True))
        value = problem.noise + self.norm(residual)
        for t in kinds:
            value += problem.penalty * self.norm(self.response(t, totals[t])) / multiplicities[t]
        return Assignment(
            multiplicities={t: multiplicities[t] for t in kinds},
            totals=totals,
            bias=bias,
            value=value,
            residual=residual,
        )


def gram_matrix(rows: Sequence[Sequence[int]], weights: Sequence[Fraction]) -> list[list[Fraction]]:
    """Return Σ_u w_u g_a(u) g_b(u) for integer rows, exact."""
    denominator = math.lcm(*(w.denominator for w in weights))
    scaled = [int(w * denominator) for w in weights]
    weighted = [[s * g for s, g in zip(scaled, r, strict=True)] for r in rows]
    return [[Fraction(sum(a * b for a, b in zip(x, r, strict=True) if b), denominator) for r in rows] for x in weighted]


def _integers(rows: Sequence[Sequence[int]], width: int) -> npt.NDArray[Any]:
    """Return an integer matrix; of Python integers unless every product of two such rows fits 64 bits."""
    largest = max((abs(v) for row in rows for v in row), default=0)
    kind = np.int64 if largest < 2**28 and width < 64 else object
    return np.array([list(row) for row in rows], dtype=kind).reshape(len(rows), width)
