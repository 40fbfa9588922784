"""Inequalities for finite sums of any length, each an identity or an induction: steps that several theorems share."""

from __future__ import annotations

from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Step, induction, step

__all__ = ["cauchy_schwarz", "independent_product", "mean_of_squares", "rising_ratio_steps"]


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


def rising_ratio_steps() -> list[Step]:
    """E w(L) g(L) ≤ 0 for convex g with g(0) = 0 and a falling line w with E w(L) L = 0, on ℓ = 0, 1, …, K."""
    ring, (s, t, c) = generic("s~ t~ c~")
    _, (ell, low, mid, high) = generic("l a b c")
    ratio = ell * high - (ell + 1) * mid - ((ell - 1) * mid - ell * low)
    return [
        induction(
            r"$g(\ell)/\ell$ does not decrease: $a_\ell = \ell g(\ell+1) - (\ell+1) g(\ell)$ starts at $a_0 = -g(0) = "
            r"0$ and $a_\ell - a_{\ell-1} = \ell\, (g(\ell+1) - 2 g(\ell) + g(\ell-1)) \ge 0$.",
            start=ring.zero * s - (ring.zero + 1) * ring.zero == 0,
            step=ratio == ell * (high - 2 * mid + low),
        ),
        step(
            r"Let $w(\ell)$ fall from $\ge 0$ (up to $\ell_1 \ge 1$) to $\le 0$, with $E[w(L) L] = 0$. With $r = "
            r"g(\ell)/\ell$, $r_1 = g(\ell_1)/\ell_1$, every term of $E[w L (r - r_1)]$ is $\le 0$, so $E[w(L) g(L)] = "
            r"E[w L (r - r_1)] + r_1 E[w L] \le 0$.",
            "cases",
            ring.is_nonnegative(-(t * c * -s)) and ring.is_nonnegative(-(-t * c * s)),
            "up to l_1: w = t, r - r_1 = -s; beyond: w = -t, r - r_1 = s; c = l >= 0",
        ),
    ]
