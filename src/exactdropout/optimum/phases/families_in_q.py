"""One-parameter families of reduced problems: weights, optima and projections as polynomials and quotients in q.

With the drop probability q at the inputs and at the hidden units, the points u = r∘x and the cones are free of q
(:mod:`exactdropout.optimum.reduced_problem`). Multiplied by a common denominator M of the data, the masses W_u = M w_u
and the first moments L_u = M w_u y_u are integer polynomials in q, and λ = q/(1 − q). For fixed multiplicities and a
fixed passive set the optimality conditions are a linear system over Z[q]; Bareiss's elimination solves it.

The dual bound without fractions. Let φ be any function on the points (with Σ_u (W_u φ_u − L_u) = 0 when the output
bias is free), f = b + Σ_j s_j g_j the network's function. From (f − y)² ≥ 2 (φ − y)(f − y) − (φ − y)²,

    M·J ≥ M·E y² − Σ_u W_u φ_u² + Σ_j [2 s_j Σ_u ω_u g_j(u) + λ Σ_u W_u g_j(u)²],   ω_u = W_u φ_u − L_u,

and for a unit of type t the bracket is at least −κ_t/λ, κ_t = Σ_u W_u (h·u)² over the active points, for every vector h
with Σ_u (W_u h·u + s ω_u) ρ(u) ≥ 0 for every extreme ray response ρ of its cone (:mod:`exactdropout.optimum.cuts`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpz_poly

from exactdropout.algebra.algebraic import RationalFunction
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.qp import guess, solve
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem
from exactdropout.optimum.unit_types import Arrangement, gram_matrix

__all__ = ["Family", "Optimal", "Projected", "at"]

Q = fmpz_poly([0, 1])
KEPT = fmpz_poly([1, -1])
_ONE = fmpz_poly([1])


def at(polynomial: fmpz_poly, q: Fraction) -> Fraction:
    """Return f(q)."""
    value = polynomial(fmpq(q.numerator, q.denominator))
    return Fraction(int(value.p), int(value.q))


def bareiss(matrix: Sequence[Sequence[fmpz_poly]], right: Sequence[fmpz_poly]) -> tuple[list[fmpz_poly], fmpz_poly]:
    """Return N and D with x = N/D the solution of a linear system whose leading minors are not 0, in lowest terms."""
    size = len(right)
    work = [[*row, r] for row, r in zip(matrix, right, strict=True)]
    previous = fmpz_poly([1])
    for k in range(size):
        pivot = work[k][k]
        if not pivot:
            raise ArithmeticError("A leading minor is 0.")
        for i in range(size):
            if i != k:
                factor = work[i][k]
                work[i] = [(pivot * a - factor * b) // previous for a, b in zip(work[i], work[k], strict=True)]
        previous = pivot
    numerators = [row[size] for row in work]
    common = previous
    for n in numerators:
        common = common.gcd(n)
    return [n // common for n in numerators], previous // common


@dataclass(frozen=True, kw_only=True)
class Optimal:
    """The solution of the optimality conditions for multiplicities and a passive set, for all q at once.

    Column k (type, ray) has coefficient ``coefficients[k]`` / ``denominator``, the output bias is ``bias`` /
    ``denominator``, the fit at point u ``fit[u]`` / ``denominator``, and M·J is ``value`` / ``denominator``. Where the
    coefficients are non-negative it is the optimum; as a dual function the fit needs no condition.
    """

    multiplicities: Mapping[int, Fraction]
    columns: tuple[tuple[int, int], ...]
    coefficients: tuple[fmpz_poly, ...]
    bias: fmpz_poly
    denominator: fmpz_poly
    fit: tuple[fmpz_poly, ...]
    value: fmpz_poly


@dataclass(frozen=True, kw_only=True)
class Projected:
    """κ_t = ``numerator`` / ``denominator``, valid where the ``conditions`` are all ≥ 0 and ``denominator`` > 0.

    ``solution`` / ``below`` are the coefficients of the projection on the rays that carry it.
    """

    numerator: fmpz_poly
    denominator: fmpz_poly
    conditions: tuple[fmpz_poly, ...]
    solution: tuple[tuple[int, fmpz_poly], ...]
    below: fmpz_poly


class Family:
    """The reduced problems of one architecture and one distribution for all q in (0, 1)."""

    def __init__(self, architecture: Architecture, data: Examples, *, nonnegative: bool, max_cones: int) -> None:
        """Collect the masses and moments as polynomials and enumerate the cones once."""
        self.architecture = architecture
        self.data = data
        self.nonnegative = nonnegative
        self.max_cones = max_cones
        problem = reduced_problem(architecture, data, Fraction(1, 2), nonnegative=nonnegative)
        self.points = problem.points
        self.scales, self.coordinates, self.dimension = problem.scales, problem.coordinates, problem.dimension
        self.free_bias = architecture.output_bias
        self._collect(problem)
        self.arrangement = Arrangement(problem, max_cones)

    def _collect(self, problem: ReducedProblem) -> None:
        labels = [Fraction(y) for y in self.data.labels[:, 0].tolist()]
        chances = [Fraction(p) for p in self.data.probabilities]
        self.common = math.lcm(*((p * y).denominator for p, y in zip(chances, labels, strict=True)))
        self.common = math.lcm(self.common, *(p.denominator for p in chances))
        second = sum((p * y * y for p, y in zip(chances, labels, strict=True)), Fraction(0))
        self.common = math.lcm(self.common, second.denominator)
        self.second = int(second * self.common)
        masses = {u: fmpz_poly([0]) for u in self.points}
        moments = {u: fmpz_poly([0]) for u in self.points}
        for row, label, chance in zip(self.data.inputs.tolist(), labels, chances, strict=True):
            x = [int(Fraction(row[i]) * s) for i, s in zip(problem.coordinates, problem.scales, strict=True)]
            live = [i for i, v in enumerate(x) if v]
            for mask in range(1 << len(live)):
                kept = {i for bit, i in enumerate(live) if mask >> bit & 1}
                u = tuple(v if i in kept else 0 for i, v in enumerate(x))
                point = (*u, 1) if self.architecture.hidden_biases else u
                chance_of_mask = KEPT ** len(kept) * Q ** (len(live) - len(kept))
                masses[point] += int(chance * self.common) * chance_of_mask
                moments[point] += int(chance * label * self.common) * chance_of_mask
        self.masses = [masses[u] for u in self.points]
        self.moments = [moments[u] for u in self.points]

    @property
    def width(self) -> int:
        """The number n of hidden units."""
        return self.architecture.hidden[0]

    @property
    def assignments(self) -> int:
        """The number of ways to give n units types that respond."""
        return math.comb(len(self.arrangement.live) + self.width - 1, self.width)

    def problem(self, q: Fraction) -> ReducedProblem:
        """Return the member at a rational q."""
        return reduced_problem(self.architecture, self.data, q, nonnegative=self.nonnegative)

    def symmetric(self, order: Sequence[int]) -> bool:
        """Return whether a permutation of the coordinates keeps masses and moments for every q."""
        where = {u: k for k, u in enumerate(self.points)}
        for k, u in enumerate(self.points):
            image = where.get(tuple(u[i] for i in order))
            if image is None or self.masses[image] != self.masses[k] or self.moments[image] != self.moments[k]:
                return False
        return True

    # -- optima -------------------------------------------------------------------------------------------------

    def optimal(self, q: Fraction, multiplicities: Mapping[int, Fraction | int]) -> Optimal:
        """Solve at q for the passive set, then the conditions of that passive set for all q."""
        shares = {t: Fraction(m) for t, m in multiplicities.items()}
        columns = self._passive(q, shares)
        a = self.arrangement
        responses = [a.responses[a.cone(t)][k] for t, k in columns]
        signs = [a.sign(t) for t, _ in columns]
        scale = math.lcm(*(shares[t].numerator for t, _ in columns)) if columns else 1
        matrix = [[self._inner(g, h) * (s * r * scale) * KEPT for h, r in zip(responses, signs, strict=True)]
                  for g, s in zip(responses, signs, strict=True)]  # fmt: skip
        for i, (t, _) in enumerate(columns):
            for j, (other, _) in enumerate(columns):
                if t == other:
                    matrix[i][j] += self._inner(responses[i], responses[j]) * Q * int(scale / shares[t])
        linear = [s * self._moment(g) for g, s in zip(responses, signs, strict=True)]
        right = [v * scale * KEPT for v in linear]
        if self.free_bias:
            ones = [s * self._mass(g) * scale * KEPT for g, s in zip(responses, signs, strict=True)]
            matrix = [[fmpz_poly([self.common * scale]) * KEPT, *ones]] + [
                [one, *row] for one, row in zip(ones, matrix, strict=True)
            ]
            total = sum(self.moments, fmpz_poly([0]))
            linear, right = [total, *linear], [total * scale * KEPT, *right]
        solution, denominator = bareiss(matrix, right)
        if at(denominator, q) < 0:
            solution, denominator = [-v for v in solution], -denominator
        value = denominator * self.second - sum((v * x for v, x in zip(linear, solution, strict=True)), fmpz_poly([0]))
        bias, coefficients = (solution[0], solution[1:]) if self.free_bias else (fmpz_poly([0]), solution)
        fit = []
        for u in range(len(self.points)):
            part = (x * (s * g[u]) for x, s, g in zip(coefficients, signs, responses, strict=True) if g[u])
            fit.append(sum(part, bias))
        return Optimal(
            multiplicities=shares,
            columns=columns,
            coefficients=tuple(coefficients),
            bias=bias,
            denominator=denominator,
            fit=tuple(fit),
            value=value,
        )

    def _passive(self, q: Fraction, multiplicities: Mapping[int, Fraction]) -> tuple[tuple[int, int], ...]:
        """Return the columns (type, ray) with a positive coefficient in an optimum at q."""
        problem, a = self.problem(q), self.arrangement
        columns = [(t, k) for t in sorted(multiplicities) for k, r in enumerate(a.responses[a.cone(t)]) if any(r)]
        raw = [a.responses[a.cone(t)][k] for t, k in columns]
        weights, labels = problem.weights, problem.labels
        free = Fraction(int(self.free_bias))
        mean = [free * sum((w * g for w, g in zip(weights, r, strict=True) if g), Fraction(0)) for r in raw]
        middle = free * sum((w * y for w, y in zip(weights, labels, strict=True)), Fraction(0))
        inner = gram_matrix(raw, weights)
        gram = [
            [
                a.sign(s) * a.sign(t) * (inner[i][j] - mean[i] * mean[j])
                + (problem.penalty / multiplicities[t] * inner[i][j] if s == t else 0)
                for j, (t, _) in enumerate(columns)
            ]
            for i, (s, _) in enumerate(columns)
        ]
        linear = [
            a.sign(t)
            * (sum((w * y * g for w, y, g in zip(weights, labels, r, strict=True) if g), Fraction(0)) - m * middle)
            for (t, _), r, m in zip(columns, raw, mean, strict=True)
        ]
        x = solve(gram, linear, _support(gram, linear))
        return tuple(c for c, v in zip(columns, x, strict=True) if v)

    def _inner(self, g: Sequence[int], h: Sequence[int]) -> fmpz_poly:
        return sum((w * (x * y) for w, x, y in zip(self.masses, g, h, strict=True) if x and y), fmpz_poly([0]))

    def _moment(self, g: Sequence[int]) -> fmpz_poly:
        return sum((v * x for v, x in zip(self.moments, g, strict=True) if x), fmpz_poly([0]))

    def _mass(self, g: Sequence[int]) -> fmpz_poly:
        return sum((w * x for w, x in zip(self.masses, g, strict=True) if x), fmpz_poly([0]))

    # -- dual functions -----------------------------------------------------------------------------------------

    def centred(self, top: Sequence[fmpz_poly], below: fmpz_poly) -> tuple[tuple[fmpz_poly, ...], fmpz_poly]:
        """Return φ = top/below, moved by a function of q where the output bias asks for Σ_u (W_u φ_u − L_u) = 0."""
        if not self.free_bias:
            return tuple(top), below
        mass = sum((w * v for w, v in zip(self.masses, top, strict=True)), fmpz_poly([0]))
        shift = sum(self.moments, fmpz_poly([0])) * below - mass
        return tuple(v * self.common + shift for v in top), below * self.common

    def project(self, q: Fraction, kind: int, omega: Sequence[fmpz_poly]) -> Projected:
        """Return κ_t for ω in Z[q]: h is the projection of −s ω on the rays that carry it at q.

        The denominator is a principal minor of a Gram matrix with weights W_u, positive for all q in (0, 1) or none.
        """
        a = self.arrangement
        rows = [r for r in a.responses[a.cone(kind)] if any(r)]
        sign = a.sign(kind)
        linear = [sum((v * (-sign * x) for v, x in zip(omega, r, strict=True) if x), fmpz_poly([0])) for r in rows]
        here = [at(v, q) for v in linear]
        if all(v <= 0 for v in here):
            return Projected(
                numerator=fmpz_poly([0]),
                denominator=_ONE,
                conditions=tuple(-v for v in linear),
                solution=(),
                below=_ONE,
            )
        gram = gram_matrix(rows, [at(w, q) for w in self.masses])
        x = solve(gram, here, _support(gram, here))
        passive = [k for k, v in enumerate(x) if v]
        matrix = [[self._inner(rows[i], rows[j]) for j in passive] for i in passive]
        solution, below = bareiss(matrix, [linear[k] for k in passive])
        if at(below, q) < 0:
            solution, below = [-v for v in solution], -below
        conditions = []
        for k, row in enumerate(rows):
            if k not in passive:
                reached = (self._inner(row, rows[p]) * v for p, v in zip(passive, solution, strict=True))
                conditions.append(sum(reached, fmpz_poly([0])) - linear[k] * below)
        numerator = sum((v * linear[k] for v, k in zip(solution, passive, strict=True)), fmpz_poly([0]))
        carried = tuple(zip(passive, solution, strict=True))
        return Projected(
            numerator=numerator, denominator=below, conditions=tuple(conditions), solution=carried, below=below
        )

    def lifted(self, q: Fraction, kind: int, omega: Sequence[fmpz_poly], base: Projected, lift: float) -> Projected:
        """Return a larger κ_t with looser conditions: h is the projection plus a vector inside the cone.

        The added vector has about the norm ``lift`` at q and grows like q; its inner products with the responses of
        the rays are positive, which is what loosens the conditions.
        """
        a = self.arrangement
        rows = [r for r in a.responses[a.cone(kind)] if any(r)]
        sign = a.sign(kind)
        count = range(len(rows))
        inner = [[self._inner(g, h) for h in rows] for g in rows]
        sizes = [1 / math.sqrt(float(at(inner[k][k], q))) for k in count]
        norm = math.sqrt(sum(sizes[i] * sizes[j] * float(at(inner[i][j], q)) for i in count for j in count))
        shares = [_few_bits(lift * size / norm / float(q)) for size in sizes]
        scale = math.lcm(*(v.denominator for v in shares))
        below = base.below * scale
        x = [base.below * Q * int(share * scale) for share in shares]
        for k, v in base.solution:
            x[k] += v * scale
        conditions = []
        for k, row in enumerate(rows):
            linear = sum((v * (-sign * g) for v, g in zip(omega, row, strict=True) if g), fmpz_poly([0]))
            reached = sum((inner[k][j] * v for j, v in enumerate(x)), fmpz_poly([0]))
            conditions.append(reached - linear * below)
        numerator = sum((x[i] * x[j] * inner[i][j] for i in count for j in count), fmpz_poly([0]))
        return Projected(
            numerator=numerator,
            denominator=below * below,
            conditions=tuple(conditions),
            solution=tuple(enumerate(x)),
            below=below,
        )

    # -- networks -----------------------------------------------------------------------------------------------

    def weights(self, optimal: Optimal, kind: int) -> tuple[tuple[RationalFunction, ...], RationalFunction | None]:
        """Return the first-layer weights and the bias of one unit of a type, output weight ±1, as functions of q."""
        rays = self.arrangement.cones[self.arrangement.cone(kind)].rays
        c = [fmpz_poly([0])] * self.dimension
        for (t, k), x in zip(optimal.columns, optimal.coefficients, strict=True):
            if t == kind:
                c = [v + x * r for v, r in zip(c, rays[k], strict=True)]
        share = Fraction(optimal.multiplicities[kind])
        below = optimal.denominator * share.numerator
        result = [RationalFunction(fmpz_poly([0]), fmpz_poly([1]))] * self.architecture.inputs
        for v, i, scale in zip(c, self.coordinates, self.scales, strict=False):
            top = v * KEPT * (scale.numerator * share.denominator)
            result[i] = RationalFunction(top, below * scale.denominator)
        bias = RationalFunction(c[-1] * share.denominator, below) if self.architecture.hidden_biases else None
        return tuple(result), bias


def _support(gram: Sequence[Sequence[Fraction]], linear: Sequence[Fraction]) -> list[int]:
    size = len(linear)
    rough = guess(np.array(gram, dtype=float).reshape(size, size), np.array(linear, dtype=float), size)
    scale = float(np.max(rough, initial=0.0))
    return [i for i in range(size) if rough[i] > 1e-9 * scale]


def _few_bits(value: float) -> Fraction:
    """Return a close rational number with few digits."""
    exponent = 6 - math.frexp(value)[1]
    return Fraction(round(math.ldexp(value, exponent))) / Fraction(2) ** exponent
