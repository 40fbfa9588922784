"""Convex quadratic programs over non-negative combinations of rays: an exact active-set method and its float twin.

Every program here has the form

    minimise ½ xᵀGx − lᵀx over x ≥ 0,   G positive semidefinite, l in the range of G,

with x the coefficients of the extreme rays of cones. Its optimality conditions (Karush, Kuhn, Tucker) are x ≥ 0,
Gx − l ≥ 0 and xᵀ(Gx − l) = 0. The method is Lawson and Hanson's: a column enters the passive set when its gradient is
strictly negative, and that makes it independent of the passive columns (were G_j a combination of them, its gradient
would be the same combination of zeros, l being in the range), so the passive system is never singular even where G is.
In exact arithmetic the value falls strictly with each passive set, so the method ends. The float run only proposes the
passive set from which the exact run starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpq_mat

from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["guess", "guesses", "solve", "solve_by_enumeration"]

Floats = npt.NDArray[np.float64]


def _rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _passive_solution(gram: list[list[fmpq]], linear: list[fmpq], passive: Sequence[int]) -> list[fmpq] | None:
    """Return the solution of G_PP x = l_P, or None where G_PP is singular."""
    if not passive:
        return []
    matrix = fmpq_mat([[gram[i][j] for j in passive] for i in passive])
    right = fmpq_mat([[linear[i]] for i in passive])
    try:
        return list(matrix.solve(right).entries())
    except ZeroDivisionError:
        return None


def solve(
    gram: Sequence[Sequence[Fraction]], linear: Sequence[Fraction], start: Sequence[int] = ()
) -> tuple[Fraction, ...]:
    """Return an exact minimiser of ½ xᵀGx − lᵀx over x ≥ 0.

    Exact; each step is one rational linear system. ``start`` is a guessed set of positive entries; it changes the
    cost and not the minimal value.

    >>> solve([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(2)]], [Fraction(1), Fraction(-1)])
    (Fraction(1, 2), Fraction(0, 1))
    """
    size = len(linear)
    g = [[_rational(v) for v in row] for row in gram]
    right = [_rational(v) for v in linear]
    zero = fmpq(0)
    passive = sorted(start)
    found = _passive_solution(g, right, passive)
    x = [zero] * size
    if found is None or any(v < 0 for v in found):
        passive = []
    else:
        for i, v in zip(passive, found, strict=True):
            x[i] = v
    while True:
        support = [i for i in range(size) if x[i]]
        gradient = [sum((row[i] * x[i] for i in support), zero) - right[j] for j, row in enumerate(g)]
        entering = min((j for j in range(size) if j not in passive), key=lambda j: gradient[j], default=None)
        if entering is None or gradient[entering] >= 0:
            return tuple(Fraction(int(v.p), int(v.q)) for v in x)
        passive = sorted([*passive, entering])
        while True:
            found = _passive_solution(g, right, passive)
            if found is None:
                raise ArithmeticError("The linear form is not in the range of the quadratic form.")
            if all(v > 0 for v in found):
                for i, v in zip(passive, found, strict=True):
                    x[i] = v
                break
            # Go towards the passive solution as far as x stays non-negative; the entries that stop it leave.
            step = min(x[i] / (x[i] - v) for i, v in zip(passive, found, strict=True) if v <= 0)
            for i, v in zip(passive, found, strict=True):
                x[i] += step * (v - x[i])
            passive = [i for i in passive if x[i] > 0]


def solve_by_enumeration(gram: Sequence[Sequence[Fraction]], linear: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Return an exact minimiser by trying every support: the plain reference of :func:`solve`, cost 2^size."""
    size = len(linear)
    g = [[_rational(v) for v in row] for row in gram]
    right = [_rational(v) for v in linear]
    for count in range(size + 1):
        for passive in combinations(range(size), count):
            found = _passive_solution(g, right, passive)
            if found is None or any(v < 0 for v in found):
                continue
            x = [fmpq(0)] * size
            for i, v in zip(passive, found, strict=True):
                x[i] = v
            if all(sum((a * b for a, b in zip(row, x, strict=True)), fmpq(0)) >= right[j] for j, row in enumerate(g)):
                return tuple(Fraction(int(v.p), int(v.q)) for v in x)
    raise ArithmeticError("The linear form is not in the range of the quadratic form.")


@compiled
def guess(gram: Floats, linear: Floats, count: int) -> Floats:
    """Return an approximate minimiser over the first ``count`` columns in float64; columns that are nearly
    dependent on the passive ones never enter."""
    x = np.zeros(count)
    passive = np.zeros(count, dtype=np.bool_)
    blocked = np.zeros(count, dtype=np.bool_)
    order = np.empty(count, dtype=np.int64)
    factor = np.zeros((count, count))
    solution = np.zeros(count)
    scale = 0.0
    for i in range(count):
        scale = max(scale, abs(linear[i]))
    tolerance = 1e-13 * scale
    for _ in range(6 * count + 20):
        best = tolerance
        entering = -1
        for j in range(count):
            if not passive[j] and not blocked[j] and gram[j, j] > 0.0:
                slope = linear[j]
                for i in range(count):
                    slope -= gram[j, i] * x[i]
                if slope > best:
                    best = slope
                    entering = j
        if entering < 0:
            break
        passive[entering] = True
        first = True
        while True:
            size = 0
            for i in range(count):
                if passive[i]:
                    order[size] = i
                    size += 1
            singular = False
            for a in range(size):
                for b in range(a + 1):
                    value = gram[order[a], order[b]]
                    for c in range(b):
                        value -= factor[a, c] * factor[b, c]
                    if a == b:
                        if value <= 1e-12 * gram[order[a], order[a]]:
                            singular = True
                            break
                        factor[a, a] = np.sqrt(value)
                    else:
                        factor[a, b] = value / factor[b, b]
                if singular:
                    break
            if singular:
                passive[entering] = False
                blocked[entering] = True
                if not first:
                    return x
                break
            for a in range(size):
                value = linear[order[a]]
                for c in range(a):
                    value -= factor[a, c] * solution[c]
                solution[a] = value / factor[a, a]
            for a in range(size - 1, -1, -1):
                value = solution[a]
                for c in range(a + 1, size):
                    value -= factor[c, a] * solution[c]
                solution[a] = value / factor[a, a]
            step = 2.0
            leaving = -1
            for a in range(size):
                i = order[a]
                if solution[a] <= 0.0 and x[i] - solution[a] > 0.0 and x[i] / (x[i] - solution[a]) < step:
                    step = x[i] / (x[i] - solution[a])
                    leaving = i
            if leaving < 0:
                for a in range(size):
                    x[order[a]] = max(solution[a], 0.0)
                for i in range(count):
                    blocked[i] = False
                break
            for a in range(size):
                i = order[a]
                x[i] += step * (solution[a] - x[i])
                if x[i] <= 1e-300:
                    x[i] = 0.0
                    passive[i] = False
            x[leaving] = 0.0
            passive[leaving] = False
            if first and not passive[entering]:
                # The entering column left at once: rounding noise, not descent.
                blocked[entering] = True
            first = False
    return x


@compiled
def guesses(grams: Floats, linears: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Return :func:`guess` for each of many programs, as the rows of one array."""
    out = np.zeros(linears.shape)
    for k in range(len(counts)):
        out[k, : counts[k]] = guess(grams[k], linears[k], counts[k])
    return out
