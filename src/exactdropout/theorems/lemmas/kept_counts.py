"""Moments of the number of kept units, for every width at once: steps that several theorems share.

With r_1, …, r_m independent, Pr(r_i = 1) = p, λ = q/p and N = Σ r_i/p: E N = m and E N² = m² (1 + λ/m).
"""

from __future__ import annotations

import sympy

from exactdropout.symbolic.ring.ring import ReluPolynomial
from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.lemmas.sum_inequalities import independent_product
from exactdropout.theorems.proof import Step, induction, step

__all__ = ["kept_count_moments"]


def kept_count_moments() -> list[Step]:
    """Return the proof that E N = m and E N² = m² + λ m, by induction on m."""
    p = sympy.Symbol("p", positive=True)
    ring, (m, spread) = generic("m L")

    def second(count: ReluPolynomial) -> ReluPolynomial:
        return count * count + spread * count

    return [
        step(
            r"One unit: $E[r/p] = 1$ and $E[(r/p)^2] = 1/p = 1 + \lambda$ with $\lambda = q/p$, $q = 1 - p$.",
            "identity",
            sympy.cancel(p * (1 / p)) == 1 and sympy.cancel(p * (1 / p) ** 2 - 1 - (1 - p) / p) == 0,
        ),
        induction(
            r"$N_m = \sum_{i \le m} r_i/p$ has $E N_m = m$ and $E N_m^2 = m^2 + \lambda m$, by induction on $m$ from "
            r"$N_0 = 0$: $E N_m^2 + 2\, E N_m \cdot 1 + (1 + \lambda) = (m+1)^2 + \lambda (m+1)$.",
            start=second(ring.zero) == 0,
            step=second(m) + 2 * m + (1 + spread) == second(m + 1),
        ),
        independent_product(
            r"Masks of different layers are independent, so the moments of a product of counts are products."
        ),
    ]
