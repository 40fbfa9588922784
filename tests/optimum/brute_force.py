"""The second route to the global minimum: every assignment of a sign and a cone to every unit, one exact program each.

No relaxation, no cuts, no multiplicities, no symmetry: each unit keeps its own variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from exactdropout.optimum.cones import unit_cones
from exactdropout.optimum.problem import Problem
from exactdropout.optimum.qp import guess, solve

Floats = npt.NDArray[np.float64]


def brute_force(problem: Problem) -> Fraction:
    """Return the least value over all assignments; units are exchangeable, so only multisets are walked."""
    return min(_value(problem, choice) for choice in assignments(problem))


def assignments(problem: Problem) -> Iterator[tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]]:
    """Yield all multisets of (sign, extreme rays of a cone), one for each unit."""
    signs = (1,) if problem.nonnegative else (1, -1)
    types = [(s, cone.rays) for s in signs for cone in unit_cones(problem, 10**5)]
    yield from combinations_with_replacement(types, problem.width if types else 0)


def _value(problem: Problem, choice: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]) -> Fraction:
    """Minimise J over coefficients of rays, and over β = β₊ − β₋ when the output bias is free."""
    columns: list[tuple[int, list[Fraction]]] = []
    for unit, (sign, rays) in enumerate(choice):
        for ray in rays:
            response = [max(0, sum(a * b for a, b in zip(ray, u, strict=True))) for u in problem.points]
            columns.append((unit, [Fraction(sign * g) for g in response]))
    if problem.architecture.output_bias:
        columns += [(-1, [Fraction(s)] * len(problem.points)) for s in (1, -1)]
    weights = problem.weights

    def inner(a: list[Fraction], b: list[Fraction]) -> Fraction:
        return sum((w * x * y for w, x, y in zip(weights, a, b, strict=True)), Fraction(0))

    gram = [[inner(a, b) * (1 + problem.penalty if i == j >= 0 else 1) for j, b in columns] for i, a in columns]
    linear = [inner(a, list(problem.labels)) for _, a in columns]
    x = solve(gram, linear)
    # at the minimum of ½xᵀGx − lᵀx the value is −½ lᵀx, and J = noise + ‖y‖² + 2(½xᵀGx − lᵀx)
    best = sum((a * b for a, b in zip(x, linear, strict=True)), Fraction(0))
    return problem.noise + inner(list(problem.labels), list(problem.labels)) - best


def sweep(problem: Problem) -> float:
    """Return the least value over all assignments in float64, for problems without an output bias."""
    weights = np.array([float(w) for w in problem.weights])
    labels = np.array([float(y) for y in problem.labels])
    points = np.array(problem.points, dtype=float)
    penalty, base = float(problem.penalty), float(problem.noise) + float(weights @ labels**2)
    least = np.inf
    for choice in assignments(problem):
        columns = np.concatenate([sign * np.maximum(np.array(rays) @ points.T, 0) for sign, rays in choice])
        owner = np.concatenate([np.full(len(rays), j) for j, (_, rays) in enumerate(choice)])
        inner = (columns * weights) @ columns.T
        linear = columns @ (weights * labels)
        x = guess(inner * (1 + penalty * (owner[:, None] == owner[None, :])), linear, len(linear))
        least = min(least, base - float(x @ linear))
    return least


def descend(problem: Problem, rng: np.random.Generator, steps: int) -> float:
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
