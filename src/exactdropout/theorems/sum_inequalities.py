"""Inequalities for finite sums of any length, each an identity or an induction: steps that several theorems share."""

from __future__ import annotations

from exactdropout.theorems.generic import generic, identity
from exactdropout.theorems.proof import Step, induction

__all__ = ["cauchy_schwarz", "independent_product", "mean_of_squares"]


def mean_of_squares(claim: str) -> Step:
    """Jensen's inequality for squares: E X² − (E X)² = E (X − E X)², for probabilities that sum to 1.

    >>> print(mean_of_squares("The mean of squares is at least the square of the mean."))  # doctest: +ELLIPSIS
    [identity, checked] The mean of squares is at least the square of the mean. ($E X^2 - m^2 = E (X - m)^2 \\ge 0$...
    """
    _, (square, mean) = generic("Q m")
    # E (X − m)² = E X² − 2 m E X + m² E 1
    found = identity(claim, square - 2 * mean * mean + mean * mean, square - mean * mean)
    return Step(
        claim=found.claim,
        method=found.method,
        holds=found.holds,
        detail=r"$E X^2 - m^2 = E (X - m)^2 \ge 0$ with $m = E X$",
    )


def cauchy_schwarz(claim: str) -> Step:
    """(Σ a_i²)(Σ b_i²) − (Σ a_i b_i)² ≥ 0, by induction on the number of terms; weights enter as squares of factors."""
    ring, (squares_a, squares_b, products, a, b) = generic("A B S a b")
    grown = (squares_a + a * a) * (squares_b + b * b) - (products + a * b) ** 2
    # what a new term adds is Σ (a_i b − b_i a)²
    added = squares_a * b * b - 2 * products * a * b + squares_b * a * a
    return induction(
        claim,
        start=a * a * b * b - (a * b) ** 2 == ring.zero,
        step=grown == (squares_a * squares_b - products**2) + added,
        detail=r"one more term adds $\sum_i (a_i b - b_i a)^2$ to $\sum a_i^2 \sum b_i^2 - (\sum a_i b_i)^2$, which is "
        "0 for one term",
    )


def independent_product(claim: str) -> Step:
    """E X Y = E X E Y for independent X and Y with finitely many values, by induction on the values of X."""
    ring, (mean_x, mean_y, p, x) = generic("M N p x")
    return induction(
        claim,
        start=ring.zero * mean_y == ring.zero,
        step=mean_x * mean_y + p * x * mean_y == (mean_x + p * x) * mean_y,
        detail=r"$E X Y = \sum_{i,j} p_i q_j x_i y_j$; one more value $x$ with probability $p$ adds $p x\, E Y$",
    )
