"""The second route to the global minimum: every assignment of a sign and a cone to every unit, one exact program each.

No relaxation, no cuts, no multiplicities, no symmetry: each unit keeps its own variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from exactdropout.optimum.qp import guess, solve
from exactdropout.optimum.reduced_problem import ReducedProblem
from exactdropout.optimum.unit_types import unit_cones

Floats = npt.NDArray[np.float64]


Types = list[tuple[int, tuple[tuple[int, ...], ...]]]


def brute_force(problem: ReducedProblem) -> Fraction:
    """Return the least value over all assignments; units are exchangeable, so only multisets are walked."""
    programs = Programs(problem, unit_types(problem))
    return min(map(programs.value, assignments(problem)))


def unit_types(problem: ReducedProblem) -> Types:
    """Return all pairs of a sign and the extreme rays of a cone."""
    signs = (1,) if problem.nonnegative else (1, -1)
    return [(s, cone.rays) for s in signs for cone in unit_cones(problem, 10**5)]


def assignments(problem: ReducedProblem) -> Iterator[tuple[int, ...]]:
    """Yield all multisets of types, as indices, one for each unit."""
    count = len(unit_types(problem))
    yield from combinations_with_replacement(range(count), problem.width if count else 0)


class Programs:
    """One exact quadratic program for each assignment, over coefficients of rays and over β = β₊ − β₋.

    All responses are integers, so with weights over a common denominator every inner product is an integer.
    """

    def __init__(self, problem: ReducedProblem, types: Types) -> None:
        """Compute all inner products once."""
        rows: list[list[int]] = []
        self.columns: list[list[int]] = []
        for sign, rays in types:
            self.columns.append(list(range(len(rows), len(rows) + len(rays))))
            for ray in rays:
                responses = [max(0, sum(a * b for a, b in zip(ray, u, strict=True))) for u in problem.points]
                rows.append([sign * int(g) for g in responses])
                assert [sign * g for g in responses] == rows[-1]
        self.free: list[int] = []
        if problem.architecture.output_bias:
            self.free = [len(rows), len(rows) + 1]
            rows += [[s] * len(problem.points) for s in (1, -1)]
        self.over = math.lcm(*(w.denominator for w in problem.weights))
        self.label_over = math.lcm(*(Fraction(y).denominator for y in problem.labels))
        weights = [int(w * self.over) for w in problem.weights]
        labels = [int(y * self.label_over) for y in problem.labels]
        largest = max(map(abs, (v for row in rows for v in row)), default=0)
        assert largest**2 * sum(weights) < 2**60
        matrix = np.array(rows, dtype=np.int64).reshape(len(rows), len(weights))
        self.inner = (matrix * np.array(weights)) @ matrix.T
        self.linear = matrix @ (np.array(weights) * np.array(labels))
        self.penalty = Fraction(problem.penalty)
        self.base = problem.noise + sum(
            (w * y * y for w, y in zip(problem.weights, problem.labels, strict=True)), Fraction(0)
        )

    def value(self, choice: tuple[int, ...]) -> Fraction:
        """Return the least J of an assignment: at the minimum of ½xᵀGx − lᵀx, J = noise + ‖y‖² − lᵀx."""
        gram, linear = self.program(choice)
        start = np.flatnonzero(guess(gram.astype(float), linear.astype(float), len(linear)) > 0)
        exact = [[Fraction(int(v)) for v in row] for row in gram]
        x = solve(exact, [Fraction(int(v)) for v in linear], start.tolist())
        gain = sum((a * int(b) for a, b in zip(x, linear, strict=True)), Fraction(0))
        return self.base - gain * self.penalty.denominator / (self.over * self.label_over**2)

    def program(self, choice: tuple[int, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return G and l in integers: G times over·(denominator of λ), l times over·label_over."""
        columns = [c for t in choice for c in self.columns[t]] + self.free
        owner = [unit for unit, t in enumerate(choice) for _ in self.columns[t]]
        owner += [-1 - k for k in range(len(self.free))]
        gram = self.inner[np.ix_(columns, columns)] * self.penalty.denominator
        same = np.equal.outer(owner, owner) & (np.array(owner) >= 0)
        gram = gram + np.where(same, self.inner[np.ix_(columns, columns)] * self.penalty.numerator, 0)
        return gram, self.linear[columns]


def sweep(problem: ReducedProblem) -> float:
    """Return the least value over all assignments in float64."""
    programs = Programs(problem, unit_types(problem))
    scale = programs.penalty.denominator / (programs.over * programs.label_over**2)
    best = 0.0
    for choice in assignments(problem):
        gram, linear = programs.program(choice)
        x = guess(gram.astype(float), linear.astype(float), len(linear))
        best = max(best, float(x @ linear))
    return float(programs.base) - best * scale


def descend(problem: ReducedProblem, rng: np.random.Generator, steps: int) -> float:
    """Return the criterion after gradient descent with backtracking from a random start, over a, w and b themselves."""
    points = np.array(problem.points, dtype=float)
    weights = np.array([float(w) for w in problem.weights])
    labels = np.array([float(y) for y in problem.labels])
    penalty, noise = float(problem.penalty), float(problem.noise)
    free = float(problem.architecture.output_bias)
    a, w, b = rng.normal(size=problem.width), rng.normal(size=(problem.width, problem.dimension)), 0.0

    def criterion(a: Floats, w: Floats, b: float) -> float:
        h = np.maximum(points @ w.T, 0)
        return float(noise + weights @ ((b + h @ a - labels) ** 2 + penalty * (h**2) @ (a**2)))

    value, step = criterion(a, w, b), 0.1
    for _ in range(steps):
        pre = points @ w.T
        h = np.maximum(pre, 0)
        z = b + h @ a - labels
        grad_a = 2 * ((weights * z) @ h + penalty * a * (weights @ h**2))
        back = 2 * weights[:, None] * (z[:, None] * a + penalty * h * a**2) * (pre > 0)
        grad_w, grad_b = back.T @ points, 2 * free * float(weights @ z)
        while step > 1e-12:
            trial = (a - step * grad_a, w - step * grad_w, b - step * grad_b)
            new = criterion(*trial)
            if new <= value:
                (a, w, b), value, step = trial, new, step * 1.5
                break
            step /= 2
    return value
