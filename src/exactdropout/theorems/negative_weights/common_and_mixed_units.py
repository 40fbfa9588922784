"""Networks with given hidden units and the best output weights: J_D as a rational function of q, compared with N_n(q).

One hidden layer on the all-ones input, label 1. Units come in groups that share one output weight; with the vector φ of
the sums of the groups (and the constant 1 for an output bias), a = E φ on the example with label 1 and M = E φ φᵀ over
all examples plus λ times the second moments of the single units, the best output weights are M⁻¹ a, and

    J_D = 1 − aᵀ M⁻¹ a  on the point mass,    2 J_D = 1 − aᵀ M⁻¹ a  on P_(1,1) with biases.

N_n is the exact minimum over non-negative weights (:mod:`.exactdropout_2026_nonnegative_minimum`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

from flint import fmpz_poly

from exactdropout.algebra.algebraic import Algebraic, RationalFunction, all_roots, sign_at

__all__ = ["Group", "Unit", "beats", "best_value", "nonnegative_value", "positive_on"]

Unit = tuple[tuple[int, ...], int]
"""Integer weights on the kept inputs, and a hidden bias."""
Group = tuple[Unit, ...]
Q, P = fmpz_poly([0, 1]), fmpz_poly([1, -1])


def _responses(inputs: int, group: Group) -> Iterator[tuple[tuple[int, ...], fmpz_poly]]:
    """Yield, for every mask, the values of the group's units and the probability as a polynomial in q."""
    for mask in itertools.product((0, 1), repeat=inputs):
        kept = sum(mask)
        values = tuple(max(sum(w * u for w, u in zip(ws, mask, strict=True)) + b, 0) for ws, b in group)
        yield values, P**kept * Q ** (inputs - kept)


def best_value(inputs: int, groups: Sequence[Group], *, biases: bool) -> RationalFunction:
    """Return J_D of the groups with their best output weights, as a function of q.

    >>> print(best_value(2, [(((1, 1), 0),)], biases=False))
    (3*q - 2*q^2)/(2 - q)
    """
    size = len(groups) + biases
    masks = [list(_responses(inputs, g)) for g in groups]
    zeros = [[max(b, 0) for _, b in g] for g in groups]
    weights = [chance for _, chance in masks[0]]
    columns = [[sum(values) for values, _ in rows] for rows in masks] + [[1] * len(weights)] * biases
    at_zero = [sum(values) for values in zeros] + [1] * biases
    mean = [sum((v * w for v, w in zip(c, weights, strict=True)), fmpz_poly([0])) for c in columns]
    matrix = [[fmpz_poly([0])] * size for _ in range(size)]  # p times M
    for i in range(size):
        for j in range(size):
            total = fmpz_poly([at_zero[i] * at_zero[j] * biases])
            for u, v, w in zip(columns[i], columns[j], weights, strict=True):
                total += u * v * w
            matrix[i][j] = P * total
        if i < len(groups):
            squares = fmpz_poly([sum(v * v for v in zeros[i]) * biases])
            for values, w in masks[i]:
                squares += sum(v * v for v in values) * w
            matrix[i][i] += Q * squares
    determinant = _determinant(matrix)
    # Cramer: aᵀ M⁻¹ a = −det [[0, aᵀ], [a, M]]/det M
    bordered = [[fmpz_poly([0]), *mean], *([m, *row] for m, row in zip(mean, matrix, strict=True))]
    gain = -P * _determinant(bordered)
    return RationalFunction(determinant - gain, determinant * (2 if biases else 1))


def _determinant(matrix: Sequence[Sequence[fmpz_poly]]) -> fmpz_poly:
    if not matrix:
        return fmpz_poly([1])
    total = fmpz_poly([0])
    for j, entry in enumerate(matrix[0]):
        if entry:
            minor = [[*row[:j], *row[j + 1 :]] for row in matrix[1:]]
            total += (-1) ** j * entry * _determinant(minor)
    return total


def nonnegative_value(inputs: int, width: int, *, biases: bool) -> RationalFunction:
    """Return N_n as a function of q: T or T/(2 (1 + T)), T = 1 − K n p²/((K p + q)(n p + q)).

    >>> nonnegative_value(2, 3, biases=False)(Fraction(1, 2))
    Fraction(1, 2)
    """
    low = (inputs * P + Q) * (width * P + Q)
    high = inputs * width * P**2
    return RationalFunction(low - high, 2 * (2 * low - high)) if biases else RationalFunction(low - high, low)


def positive_on(polynomial: fmpz_poly, low: Fraction, high: Fraction) -> bool:
    """Return whether f > 0 on (low, high]: positive at the end and no root inside, isolated exactly."""
    if sign_at(polynomial, high) <= 0:
        return False
    ends = Algebraic.rational(low), Algebraic.rational(high)
    return not any(ends[0] < root <= ends[1] for root in all_roots(polynomial))


def beats(
    inputs: int, groups: Sequence[Group], low: Fraction, high: Fraction, *, biases: bool, worse: bool = False
) -> bool:
    """Return whether these units have J_D < N_n (with ``worse``: J_D > N_n) for every q in (low, high]."""
    own = best_value(inputs, groups, biases=biases)
    other = nonnegative_value(inputs, sum(len(g) for g in groups), biases=biases)
    difference = other.numerator_times(own) - own.numerator_times(other)
    denominators = fmpz_poly(list(own.denominator)) * fmpz_poly(list(other.denominator))
    sign = -1 if worse else 1
    return positive_on(sign * difference * denominators, low, high)
