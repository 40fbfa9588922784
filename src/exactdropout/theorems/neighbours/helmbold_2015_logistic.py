"""Dropout with the logistic loss in the linear model (Helmbold and Long 2015; Wager, Wang and Liang 2013).

φ(z) = log(1 + e^−z), labels y = ±1, penalty = E φ(y w·x̃) − φ(y w·x) with x̃ = x ∘ r/p. It is non-negative and does not
see the label, but as a function of the weights it need be neither convex nor monotone in |w_1|, although the criterion
E φ is convex. The statements are written down and derived here; the sources were not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from mpmath import MPIntervalContext

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output, masks
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, argument, conclude, step
from exactdropout.theorems.registry import register

__all__ = ["penalty_interval", "prove"]

SCOPE = "sign and label: all K, q, w, x; shape: witnesses with K = 2, x = (1, 1), q = 1/2"
DIGITS = 40


def penalty_interval(weights: Sequence[Any], x: Sequence[Any], q: Fraction, y: int = 1) -> Any:
    """Return an interval that contains E φ(y w·x̃) − φ(y w·x), by the sum over all masks."""
    network = Network([list(weights)])
    iv = MPIntervalContext()
    iv.dps = DIGITS

    def loss(mask: Any) -> Any:
        z = y * dropout_output(network, x, mask, (q,))[0]
        return iv.log(1 + iv.exp(-iv.mpf(z.numerator) / z.denominator))

    total = -loss(None)
    for mask, chance in masks(network, (q,)):
        total += iv.mpf(chance.numerator) / chance.denominator * loss(mask)
    return total


def prove(middle: int = 2, turn: int = 1) -> Proof:
    """Prove the shape at w = (middle, 0) and w = (turn, 2); not every point shows it."""
    half, ones = Fraction(1, 2), (1, 1)
    ends = [penalty_interval((w, 0), ones, half) for w in (0, 4)]
    between = penalty_interval((middle, 0), ones, half)
    down = [penalty_interval((w, 2), ones, half) for w in (0, turn, 6)]
    z, e = sympy.symbols("z e", positive=True)  # e stands for exp(−z)
    labels = [
        penalty_interval((Fraction(3, 2), -2), (1, 3), q, 1) - penalty_interval((Fraction(3, 2), -2), (1, 3), q, -1)
        for q in (Fraction(1, 3), half)
    ]
    steps = [
        *sum_moments(),
        step(
            r"$\varphi(-z) = \varphi(z) + z$: with $e = e^{-z}$, $1 + 1/e = (1 + e)/e$ and $-\log e = z$.",
            "identity",
            sympy.cancel((1 + 1 / e) - (1 + e) / e) == 0,
        ),
        argument(
            r"So the label $-1$ adds $E[w \cdot \tilde x] - w \cdot x$ to the penalty, which is 0 ($E S = \sum a_i$): "
            r"it is the "
            "same for both labels."
        ),
        step(
            r"$\varphi'' = e^{-z}/(1 + e^{-z})^2 > 0$: $\varphi$ is convex.",
            "derivation",
            sympy.simplify(sympy.diff(sympy.log(1 + sympy.exp(-z)), z, 2) - sympy.exp(-z) / (1 + sympy.exp(-z)) ** 2)
            == 0,
        ),
        argument(
            r"So the criterion is convex in $w$ (a mean of $\varphi$ at linear functions of $w$), and by Jensen's "
            r"inequality with "
            r"$E[w \cdot \tilde x] = w \cdot x$ the penalty is non-negative."
        ),
        step(
            rf"Not convex: $x = (1, 1)$, $q = \frac12$: the penalty at $({middle}, 0)$ exceeds the chord from $(0, "
            rf"0)$ to $(4, 0)$.",
            "enumeration",
            bool(between > (ends[0] * (4 - middle) + ends[1] * middle) / 4),
            f"4 masks, intervals: {_shown(between)} at {middle}, {_shown(ends[0])} at 0, {_shown(ends[1])} at 4",
        ),
        step(
            rf"Not monotone in $|w_1|$: with $w_2 = 2$ the penalty falls from $w_1 = 0$ to $w_1 = {turn}$ and rises "
            rf"to $w_1 = 6$.",
            "enumeration",
            bool(down[0] > down[1]) and bool(down[1] < down[2]),
            "4 masks, intervals: " + ", ".join(map(_shown, down)),
        ),
        step(
            r"Given numbers: the penalties for both labels agree to 30 digits.",
            "enumeration",
            all(abs(d.a) < 10**-30 and abs(d.b) < 10**-30 for d in labels),
            "4 masks, q = 1/3, 1/2",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _shown(interval: Any) -> str:
    return f"{float(interval.mid):.5f}"


@register(
    id="helmbold-2015-logistic",
    title="Logistic loss: the dropout penalty need be neither convex nor monotone",
    source="helmbold2015",
    number="logistic loss (our derivation; source not read)",
    printed=r"$\varphi(z) = \log(1 + e^{-z})$: the penalty $E \varphi(y w \cdot \tilde x) - \varphi(y w \cdot x) \ge "
    r"0$ does not see "
    r"$y$; it can be non-convex in $w$ and non-monotone in one weight, although $E \varphi$ is convex.",
    statement="logistic loss, linear model: penalty >= 0, free of labels, not convex and not monotone in |w_1|",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def logistic() -> Proof:
    """Prove the entry as declared."""
    return prove()
