"""Bounds on the least criterion of every width at once: J_∞ + A/(n + B) ≤ J_n ≤ J_∞ + A′/(n − m).

Notation of :mod:`exactdropout.optimum.cuts`; ⟨·,·⟩ is the weighted inner product on the masked inputs, g* the best
response with its output bias (the projection of the labels), r* = g* − y, and κ(v) the largest κ_t over all types.

Below. r* is orthogonal to every response, so the dual cut of z = r* + τ v has κ(z) = τ² κ(v), and its bound is
J_∞ − 2 τ ⟨v, g*⟩ − τ² (‖v‖² + n κ(v)/λ). At the best τ, for any v (with Σ w_u v_u = 0 where the output bias is free),

    J_n ≥ J_∞ + λ ⟨v, g*⟩² / (n κ(v) + λ ‖v‖²),

so A = λ ⟨v, g*⟩²/κ(v) and B = λ ‖v‖²/κ(v), rational numbers.

Above. Let m units of responses g_i add up to g* with an output bias, G ≥ Σ ‖g_i‖. Split unit i into
⌈(n − m) ‖g_i‖/Σ‖g‖⌉ equal ones, at most n in all: their penalty is at most λ G²/(n − m). So A′ = λ G².

With the best v and the best units both A and A′ are λ γ*² (theorem ``exactdropout-2026-width-rate``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.model.numbers import format_rational, show
from exactdropout.optimum.cuts import Cut, round_residual
from exactdropout.optimum.infinite_width import best_fit
from exactdropout.optimum.qp import guess
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem
from exactdropout.optimum.relaxation import Atoms, relax
from exactdropout.optimum.unit_types import Arrangement, Floats, Vector

__all__ = ["EveryWidth", "bounds_for_every_width", "every_width"]

WIDE = 1000
"""The width of the relaxation whose dual solution is used."""
DENOMINATOR = 1 << 30
ROOT_DIGITS = 60


@dataclass(frozen=True, kw_only=True, repr=False)
class EveryWidth:
    """Bounds on the least criterion J_n for every width n, all proved and rational.

    ``infinite`` is J_∞, the infimum over all widths. J_n ≥ J_∞ + ``rate_below``/(n + ``offset``) for n ≥ 1 and
    J_n ≤ J_∞ + ``rate_above``/(n − ``units``) for n > ``units``; so n (J_n − J_∞) tends to a number between both rates.
    """

    infinite: Fraction
    rate_below: Fraction
    offset: Fraction
    rate_above: Fraction
    units: int

    def lower(self, width: int) -> Fraction:
        """Return a number that the least criterion of this width is not below."""
        self._check(width, 1)
        return self.infinite + self.rate_below / (width + self.offset)

    def upper(self, width: int) -> Fraction:
        """Return a number that the least criterion of this width, more than ``units``, is not above."""
        self._check(width, self.units + 1)
        return self.infinite + self.rate_above / (width - self.units)

    @staticmethod
    def _check(width: object, least: int) -> None:
        if isinstance(width, bool) or not isinstance(width, int) or width < least:
            raise InvalidInput(f"Argument 'width' must be an integer from {least} on, not {show(width)}.")

    def __repr__(self) -> str:
        """Return both bounds."""
        below = f"{float(self.rate_below):.7g}/(n + {float(self.offset):.4g})"
        above = f"{float(self.rate_above):.7g}/(n - {self.units})"
        return f"EveryWidth(J_n - {format_rational(self.infinite)} from about {below} to {above})"


def every_width(architecture: Architecture, data: Examples, q: object) -> EveryWidth:
    """Return the bounds for one hidden layer; the width of the architecture does not count.

    >>> wide = every_width(Architecture(2, (1,)), Examples.half((1, 1), 1), "1/2")
    >>> wide.infinite, float(wide.lower(8)) <= 33 / 244
    (Fraction(1, 10), True)
    """
    return bounds_for_every_width(Arrangement(reduced_problem(architecture, data, q), math.inf))


def bounds_for_every_width(arrangement: Arrangement) -> EveryWidth:
    """Return the bounds of a problem over all weights, from one float relaxation and exact checks of what it proposes.

    Raises:
        InvalidInput: a problem over non-negative weights, for which the projection is not onto a linear space.
    """
    problem = arrangement.problem
    if problem.nonnegative:
        raise InvalidInput("Bounds for every width need all weights free, not only non-negative ones.")
    value, fit, parts = best_fit(arrangement)
    sizes = [arrangement.norm(tuple(x * v for v in column)) for x, column in parts]
    below = offset = Fraction(0)
    if sizes:
        direction, masses = _dual_direction(arrangement, fit)
        below, offset = _below(arrangement, fit, direction)
        better = _fewest(arrangement, fit, masses)
        if better is not None and _sum_of_roots(better) < _sum_of_roots(sizes):
            sizes = better
    return EveryWidth(
        infinite=value,
        rate_below=below,
        offset=offset,
        rate_above=problem.penalty * _sum_of_roots(sizes) ** 2,
        units=len(sizes),
    )


def _inner(problem: ReducedProblem, a: Vector, b: Vector) -> Fraction:
    return sum((w * x * y for w, x, y in zip(problem.weights, a, b, strict=True) if x and y), Fraction(0))


def _dual_direction(arrangement: Arrangement, fit: Vector) -> tuple[Floats, dict[int, float]]:
    """Return z − r* of a wide relaxation, and the sizes of its types."""
    groups = ((arrangement.live, WIDE),)
    relaxed = relax(arrangement, groups, Atoms(), math.inf)
    rest = np.array([float(g - y) for g, y in zip(fit, arrangement.problem.labels, strict=True)])
    totals: dict[int, Floats] = {}
    for t, theta, response in zip(relaxed.atoms.kinds, relaxed.sizes, relaxed.atoms.responses, strict=True):
        totals[t] = totals.get(t, 0.0) + theta * response
    sizes = {t: float(np.sqrt(arrangement.weights @ (v * v))) for t, v in totals.items()}
    return relaxed.residual - rest, sizes


def _below(arrangement: Arrangement, fit: Vector, direction: Floats) -> tuple[Fraction, Fraction]:
    """Return A and B for the direction, rounded."""
    largest = float(np.abs(direction).max(initial=0.0))
    if not largest:
        return Fraction(0), Fraction(0)
    v = round_residual(arrangement, direction / largest, DENOMINATOR)
    kappa = Cut(arrangement, v).limit(arrangement.live, DENOMINATOR)
    if not kappa:
        return Fraction(0), Fraction(0)
    problem = arrangement.problem
    scale = problem.penalty / kappa
    return scale * _inner(problem, v, fit) ** 2, scale * arrangement.norm(v)


def _fewest(arrangement: Arrangement, fit: Vector, masses: dict[int, float]) -> list[Fraction] | None:
    """Return the squared sizes of units, one for each type, that give the best fit exactly; None where that fails.

    They minimise Σ ‖g_t‖²/μ_t for the shares μ_t of the types in the relaxation, on the rays that it uses: one rational
    linear system.
    """
    whole = sum(masses.values())
    kinds = sorted(t for t, v in masses.items() if v > 1e-7 * whole)
    share = {t: Fraction(max(round(masses[t] / whole * (1 << 20)), 1), 1 << 20) for t in kinds}
    problem = arrangement.problem
    columns = [(t, k) for t in kinds for k in range(len(arrangement.responses[arrangement.cone(t)]))]
    rows = [arrangement.responses[arrangement.cone(t)][k] for t, k in columns]
    signed = [[arrangement.sign(t) * v for v in row] for (t, _), row in zip(columns, rows, strict=True)]
    used = _support(arrangement, fit, [t for t, _ in columns], rows, signed, share)
    columns, rows, signed = [columns[i] for i in used], [rows[i] for i in used], [signed[i] for i in used]
    bias = [[1] * len(fit)] if problem.architecture.output_bias else []
    equations = _solvable([list(row) for row in zip(*signed, *bias, strict=True)], fit)
    if equations is None or not columns:
        return None
    size, free = len(columns), len(columns) + len(bias)
    system: list[list[Any]] = [[Fraction(0)] * (free + len(equations)) for _ in range(free + len(equations))]
    for i, (t, _) in enumerate(columns):
        for j, (s, _) in enumerate(columns):
            if s == t:
                system[i][j] = _inner(problem, tuple(map(Fraction, rows[i])), tuple(map(Fraction, rows[j]))) / share[t]
    for place, (row, _) in enumerate(equations):
        for i, coefficient in enumerate(row):
            system[i][free + place] = system[free + place][i] = Fraction(coefficient)
    right = [Fraction(0)] * free + [value for _, value in equations]
    try:
        found = fmpq_mat([[_rational(v) for v in row] for row in system]).solve(
            fmpq_mat([[_rational(v)] for v in right])
        )
    except ZeroDivisionError:
        return None
    x = [Fraction(int(v.p), int(v.q)) for v in found.entries()[:size]]
    if any(v < 0 for v in x):
        return None
    totals = {t: [Fraction(0)] * len(fit) for t in kinds}
    for value, (t, _), response in zip(x, columns, rows, strict=True):
        totals[t] = [a + value * b for a, b in zip(totals[t], response, strict=True)]
    middle = Fraction(int(found.entries()[size].p), int(found.entries()[size].q)) if bias else Fraction(0)
    given = [middle + sum((arrangement.sign(t) * totals[t][u] for t in kinds), Fraction(0)) for u in range(len(fit))]
    return [arrangement.norm(v) for v in totals.values() if any(v)] if given == list(fit) else None


def _support(
    arrangement: Arrangement, fit: Vector, kinds: list[int], rows: list[Any], signed: list[list[int]],
    share: dict[int, Fraction],
) -> list[int]:  # fmt: skip
    """Return which rays a float program with the shares and a small penalty uses."""
    if not rows:
        return []
    weights, plain = arrangement.weights, np.array(rows, dtype=float)
    values, target = np.array(signed, dtype=float), np.array([float(v) for v in fit])
    if arrangement.problem.architecture.output_bias:
        values = values - (values @ weights)[:, None]
        target = target - float(target @ weights)
    same = np.array(kinds)[:, None] == np.array(kinds)[None, :]
    rates = np.array([1e-6 / float(share[t]) for t in kinds])
    gram = (values * weights) @ values.T + np.where(same, (plain * weights) @ plain.T * rates[:, None], 0.0)
    x = guess(gram, (values * weights) @ target, len(rows))
    return [i for i in range(len(rows)) if x[i] > 1e-6 * x.max(initial=0.0)]


def _solvable(rows: list[list[int]], values: Vector) -> list[tuple[list[int], Fraction]] | None:
    """Return independent equations Σ row·x = value that say the same as all; None where they contradict each other."""
    kept: list[tuple[list[int], Fraction]] = []
    for equation in zip(rows, values, strict=True):
        row, value = equation
        plain = fmpq_mat([[fmpq(v) for v in r] for r in [*(k for k, _ in kept), row]])
        if plain.rank() > len(kept):
            kept.append(equation)
            continue
        whole = [[*map(fmpq, r), _rational(v)] for r, v in [*kept, (row, value)]]
        if fmpq_mat(whole).rank() > len(kept):
            return None
    return kept


def _rational(value: Fraction) -> Any:
    return fmpq(value.numerator, value.denominator)


def _sum_of_roots(squares: list[Fraction]) -> Fraction:
    """Return a number not below the sum of the square roots, nearer than 2^−60 a term."""
    grid = 1 << ROOT_DIGITS
    total = 0
    for square in squares:
        scaled = -(-square.numerator * grid * grid // square.denominator)
        root = math.isqrt(scaled)
        total += root + (root * root < scaled)
    return Fraction(total, grid)
