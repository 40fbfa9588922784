"""Moments of a sum of kept terms, for any number of terms at once: steps that the linear results share.

With r_1, …, r_m independent, Pr(r_i = 1) = p = 1 − q, λ = q/p, and numbers a_i, b_i, put S = Σ a_i r_i/p and
T = Σ b_i r_i/p. Then E S = Σ a_i and E S T = (Σ a_i)(Σ b_i) + λ Σ a_i b_i.
"""

from __future__ import annotations

import sympy

from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Step, step

__all__ = ["sum_moments"]


def sum_moments(noise: int = 1) -> list[Step]:
    """Return the proof that E S = Σ a_i and E S T = (Σ a_i)(Σ b_i) + noise·λ Σ a_i b_i; only ``noise=1`` works."""
    p = sympy.Symbol("p", positive=True)
    spread = (1 - p) / p
    _, (a, b, total_a, total_b, products, lam) = generic("a b A B Q L")
    before = total_a * total_b + noise * lam * products
    return [
        step(
            r"One mask bit: $E[r/p] = 1$ and $E[(r/p)^2] = 1 + \lambda$, $\lambda = q/p = q/(1-q)$.",
            "identity",
            sympy.cancel(p * (1 / p) - 1) == 0 and sympy.cancel(p * (1 / p) ** 2 - 1 - noise * spread) == 0,
        ),
        identity(
            r"Sums: let $S$, $T$ be sums over the same masks with $E S = A$, $E T = B$, $E S T = A B + \lambda Q$ "
            r"(all 0 "
            r"for no term). One more independent mask, terms $a\, r/p$ and $b\, r/p$: $E S T + A b + a B + (1 + "
            r"\lambda) "
            r"a b = (A + a)(B + b) + \lambda (Q + a b)$. So, by induction on the number of terms, $E S = \sum a_i$ and "
            r"$E S T = (\sum a_i)(\sum b_i) + \lambda \sum a_i b_i$.",
            before + total_a * b + a * total_b + (1 + lam) * a * b,
            (total_a + a) * (total_b + b) + noise * lam * (products + a * b),
        ),
    ]
