"""Lemma 16 of Helmbold and Long (2017): K > 18 and non-negative weights give J_D ≥ 1/(36 K) on P_(1,1).

It follows from the sharper bound 1/(2 (K + 2)), which needs no condition on K. The printed proof is also followed where
its indices are integers: its one numerical inequality holds for K > (17 + 12√2)/2 ≈ 16.99, and Lemma 15 for K > 18.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.theorems.definitions import INPUTS, K, q, quantity
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import J_PLUS, NONNEGATIVE_BOUND, bound
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_15 import lower_tail
from exactdropout.theorems.proof import Proof, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import From, Line, part, say
from exactdropout.theorems.statements.terms import number

__all__ = ["prove"]

_SHARP = J_PLUS >= 1 / (2 * (K + 2))
_PRINTED = J_PLUS >= 1 / (36 * K)

LEMMA_16 = Derivation(
    name="lemma-16",
    title="Weights that are not negative cannot do well",
    setting=say(
        "Weights that are not negative, any biases and depth, on P(1,1) with {0} inputs, drop probability {1}",
        K,
        number(Fraction(1, 2)),
    ),
    quantified=(INPUTS,),
    quantities=(quantity(J_PLUS, "the criterion of a network whose weights are not negative"),),
    lines=(
        Line(
            label="sharp",
            sentence=say("The bound for every rate, at {0}: {claim}.", number(Fraction(1, 2))),
            claim=_SHARP,
            reason=ByLemma(NONNEGATIVE_BOUND, ((q, number(Fraction(1, 2))),)),
        ),
        Line(label="weaker", sentence=say("It is sharper: {claim}."), claim=1 / (2 * (K + 2)) >= 1 / (36 * K)),
    ),
    conclusions=(
        Conclusion(_PRINTED, From((part("sharp"), part("weaker")))),
        Conclusion(_SHARP, From((part("sharp"),))),
    ),
)
"""J ≥ 1/(2 (K + 2)) ≥ 1/(36 K) at q = ½, for every K."""
DERIVATIONS = (LEMMA_16,)


def prove(constant: int = 36) -> Proof:
    """Prove J_D ≥ 1/(36 K), and compare the bound with 1/(constant · K) at given K."""
    root = sympy.sqrt(2)
    threshold = sympy.radsimp((root / 6 / (1 - 2 * root / 3)) ** 2)
    further = [
        step(
            r"The printed inequality $\bigl(1 - \sqrt{\frac2{9K}} - \sqrt{\frac1{18K}}\bigr) / \bigl(\frac K2 - "
            r"\frac{\sqrt K}4\bigr) > 1/\bigl(\sqrt{9/32}\, K\bigr)$ is affine in $1/\sqrt K$ and holds exactly for $K "
            r"> \frac{17 + 12 \sqrt2}2 \approx 16.99$.",
            "identity",
            sympy.simplify(threshold - (17 + 12 * root) / 2) == 0 and bool(threshold < 17) and bool(threshold > 16),
        ),
        argument(
            r"With $K$ a square and $K/2 \pm \sqrt K/4$ integers, as the paper assumes, the printed proof is then "
            r"complete: it uses Lemma 15 at $n = K > 18$, where that lemma holds. For other $K$ it evaluates $\psi$ "
            r"between integers."
        ),
        enumerated(
            r"The bound, and Lemma 15, at given $K$.",
            [(bound(j, Fraction(1, 2)) >= Fraction(1, constant * j), True) for j in range(1, 65)]
            + [(lower_tail(j) >= Fraction(1, 4), True) for j in range(19, 200)],
            "K = 1, ..., 64; n = 19, ..., 199",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


@register(
    id="helmbold-2017-lemma-16",
    title="Non-negative weights cannot do well on P_(1,1)",
    source="helmbold2017",
    number="Lemma 16",
    printed=say(
        "For {0}, weights that are not negative and drop probability {1} the criterion on P(1,1) is at least {2}.",
        K > 18,
        number(Fraction(1, 2)),
        1 / (36 * K),
    ),
    derivations=DERIVATIONS,
    verdict="holds",
)
def lemma_16() -> Proof:
    """Prove the entry as declared."""
    return prove()
