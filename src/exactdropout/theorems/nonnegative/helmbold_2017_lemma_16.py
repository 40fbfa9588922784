"""Lemma 16 of Helmbold and Long (2017): K > 18 and non-negative weights give J_D ≥ 1/(36 K) on P_(1,1).

It follows from the sharper bound 1/(2 (K + 2)), which needs no condition on K. The printed proof is also followed where
its indices are integers: its one numerical inequality holds for K > (17 + 12√2)/2 ≈ 16.99, and Lemma 15 for K > 18.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import bound, nonnegative_bound_steps
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_15 import lower_tail
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "all K (not only K > 18), n, d, any biases, q = 1/2"


def prove(constant: int = 36) -> Proof:
    """Prove J_D ≥ 1/(constant · K)."""
    ring, (k,) = generic("k~")
    n = k + 1  # K = 1 + k
    root = sympy.sqrt(2)
    threshold = sympy.radsimp((root / 6 / (1 - 2 * root / 3)) ** 2)
    steps = [
        *nonnegative_bound_steps(),
        step(
            rf"$\frac1{{2(K+2)}} \ge \frac1{{{constant} K}}$ for $K = 1 + k$: ${constant} K - 2 (K + 2) \ge 0$.",
            "cases",
            ring.is_nonnegative(constant * n - 2 * (n + 2)),
            "manifest signs",
        ),
        step(
            r"The printed inequality $\bigl(1 - \sqrt{\frac2{9K}} - \sqrt{\frac1{18K}}\bigr) / \bigl(\frac K2 - "
            r"\frac{\sqrt "
            r"K}4\bigr) > 1/\bigl(\sqrt{9/32}\, K\bigr)$ is affine in $1/\sqrt K$ and holds exactly for $K > "
            r"\frac{17 + 12 "
            r"\sqrt2}2 \approx 16.99$.",
            "identity",
            sympy.simplify(threshold - (17 + 12 * root) / 2) == 0 and bool(threshold < 17) and bool(threshold > 16),
        ),
        argument(
            r"With $K$ a square and $K/2 \pm \sqrt K/4$ integers, as the paper assumes, the printed proof is then "
            r"complete: "
            r"it uses Lemma 15 at $n = K > 18$, where that lemma holds. For other $K$ it evaluates $\psi$ between "
            r"integers."
        ),
        enumerated(
            r"The bound, and Lemma 15, at given $K$.",
            [(bound(j, Fraction(1, 2)) >= Fraction(1, constant * j), True) for j in range(1, 65)]
            + [(lower_tail(j) >= Fraction(1, 4), True) for j in range(19, 200)],
            "K = 1, ..., 64; n = 19, ..., 199",
        ),
    ]
    return conclude("holds", SCOPE, steps)


@register(
    id="helmbold-2017-lemma-16",
    title="Non-negative weights cannot do well on P_(1,1)",
    source="helmbold2017",
    number="Lemma 16",
    printed=r"$K > 18$, weights $\ge 0$, $q = \frac12$: $J_D(W) \ge \frac1{36K}$ on $P_{(\mathbf 1, 1)}$.",
    statement="weights >= 0: J_D >= 1/(36K) on P_(1,1), for every K; in fact J_D >= 1/(2(K+2))",
    verdict="holds",
    scope=SCOPE,
)
def lemma_16() -> Proof:
    """Prove the entry as declared."""
    return prove()
