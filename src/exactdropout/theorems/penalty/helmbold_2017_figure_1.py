"""Figure 1 and Equation (2) of Helmbold and Long (2017): a network whose dropout penalty is negative.

K = 2, two hidden relu units, all weights 1, no biases, x = (1, −1), y = 8, q = 1/2: J_D = 54, R = 64.
"""

from __future__ import annotations

from fractions import Fraction

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_law
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.proof import Proof, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["NETWORK", "POINT", "prove"]

NETWORK = Network([[[1, 1], [1, 1]], [1, 1]])
POINT = Examples.point((1, -1), 8)
HALF = Fraction(1, 2)
LAW = {8: Fraction(1, 16), 4: Fraction(2, 16), 0: Fraction(13, 16)}


def prove(criterion: int = 54, risk: int = 64, penalty: int = -10) -> Proof:
    """Compute the three numbers by the symbolic engine and, independently, by the double loop over 16 masks."""
    derived = derive(NETWORK, POINT, HALF)
    counted = naive_evaluation(NETWORK, POINT, (HALF, HALF))
    claimed = tuple(map(Fraction, (criterion, risk, penalty)))
    law = {value: p for (value,), p in naive_law(NETWORK, (1, -1), (HALF, HALF)).items()}
    return conclude(
        "holds",
        "the network of the figure",
        [
            step(
                rf"$J_D = {criterion}$, $R = {risk}$, $J_D - R = {penalty}$.",
                "derivation",
                tuple(f.evaluate({}) for f in (derived.criterion, derived.risk, derived.penalty)) == claimed,
            ),
            enumerated(
                "The same three numbers, mask by mask.",
                zip((counted.criterion, counted.risk, counted.penalty), claimed, strict=True),
                "16 masks",
            ),
            enumerated(
                r"$\mathcal D$ is 8, 4, 0 with probabilities $\frac1{16}, \frac2{16}, \frac{13}{16}$, the three terms "
                "of Equation (2).",
                [(law, LAW)],
                "16 masks",
            ),
        ],
    )


@register(
    id="helmbold-2017-figure-1",
    title="A network with a negative dropout penalty",
    source="helmbold2017",
    number="Figure 1",
    printed=r"$x = (1, -1)$, $y = 8$, all weights 1, $q = \frac12$: "
    r"$J_D = \frac1{16}(8-8)^2 + \frac2{16}(4-8)^2 + \frac{13}{16}(0-8)^2 = 54$, $R = 64$.",
    statement="J_D = 54, R = 64, penalty -10",
    verdict="holds",
    scope="the network of the figure",
)
def figure_1() -> Proof:
    """Prove the entry as declared."""
    return prove()
