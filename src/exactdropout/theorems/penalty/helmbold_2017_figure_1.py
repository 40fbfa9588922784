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


def prove(criterion: int = 54, risk: int = 64, penalty: int = -10, variance: int = 5) -> Proof:
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
            step(
                r"The variance does not lower the criterion, the mean does: $J_D - R = \mathrm{Var}\, \mathcal D + (E "
                rf"\mathcal D - y)^2 - (W(x) - y)^2 = {variance} + 7^2 - 8^2$, with $E \mathcal D = 1$ and $W(x) = 0$.",
                "derivation",
                derived.variance.evaluate({}) == variance
                and derived.mean[0].evaluate({}) == 1
                and derived.risk.evaluate({}) == 8**2
                and variance + 7**2 - 8**2 == penalty,
            ),
            enumerated(
                "Mean and variance, mask by mask.",
                [(sum(p * v for v, p in law.items()), 1), (sum(p * v * v for v, p in law.items()) - 1, variance)],
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
    correction="The text below Equation (2) lets the variance of the output explain this. The variance is 5 and adds "
    "5; "
    "the mean, 1 in place of 0, takes 15 away.",
)
def figure_1() -> Proof:
    """Prove the entry as declared."""
    return prove()
