"""Derived here: no network whatever has J_D < ½ q^K/(1 + q^K) on P_(1,1), and wide gadget networks approach it.

When all inputs are dropped the network cannot tell the two examples apart. With U its (random) output on the input 0,
2 J_D ≥ E U² + q^K E (U − 1)² ≥ q^K/(1 + q^K). Any activations, weights, biases, widths and hidden rates.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.gadget.first_one_gadget import (
    best_biased_criterion,
    biased_criterion,
    gadget_network,
    growth,
    kept_input_probability,
)
from exactdropout.theorems.gadget.helmbold_2017_lemma_10 import best_output_weight
from exactdropout.theorems.lemmas.kept_counts import kept_count_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["best_gadget_steps", "bound", "prove"]

SCOPE = "every network; approached for every K, d >= 2 and q in (0, 1)"
SIZES = ((1, 1, 2), (2, 1, 2), (2, 2, 2), (3, 1, 2), (2, 1, 3))  # (K, copies, d)


def bound(inputs: int, rate: Fraction) -> Fraction:
    """Return ½ q^K/(1 + q^K)."""
    return rate**inputs / (2 * (1 + rate**inputs))


def best_gadget_steps() -> list[Step]:
    """W_neg with output bias β and output weight κ c: best at κ = 1 − β, β = 2t/(1 + 2t), J_D = t/(1 + 2t)."""
    s, a, b, k = sympy.symbols("s A b k", positive=True)
    t = (1 - s / a) / 2
    value = biased_criterion(s, a, b, k)
    return [
        *kept_count_moments(),
        step(
            r"$W_{\mathrm{neg}}$ with output bias $\beta$ and $\kappa$ times the best output weight of Lemma 10: on "
            r"kept "
            r"inputs $E \hat y = \beta + \kappa/A$; completing squares, $J_D = \frac12 \beta^2 + t (1 - \beta)^2 + "
            r"\frac{s}{2A} "
            r"(\kappa - 1 + \beta)^2$, $t = \frac12 (1 - s/A)$, $s = 1 - q^K$.",
            "identity",
            sympy.cancel(value - (b**2 / 2 + t * (1 - b) ** 2 + s / (2 * a) * (k - 1 + b) ** 2)) == 0,
        ),
        step(
            r"$\frac12 \beta^2 + t (1-\beta)^2$ is least at $\beta = \frac{2t}{1+2t}$, with value $\frac t{1+2t}$.",
            "identity",
            sympy.cancel(
                b**2 / 2
                + t * (1 - b) ** 2
                - best_biased_criterion(s, a)
                - (1 + 2 * t) / 2 * (b - 2 * t / (1 + 2 * t)) ** 2
            )
            == 0,
        ),
        enumerated(
            r"The double loop gives $\frac t{1+2t}$.",
            (_gadget_pair(k_, m, d, rate) for k_, m, d in SIZES for rate in (Fraction(1, 2), Fraction(1, 3))),
            "K, n, d = " + "; ".join(f"{k_}, {k_ * m}, {d}" for k_, m, d in SIZES) + "; q = 1/2, 1/3",
        ),
    ]


def _gadget_pair(k: int, copies: int, d: int, rate: Fraction) -> tuple[Fraction, Fraction]:
    n = k * copies
    s, a = kept_input_probability(k, rate), growth(k, n, d, rate)
    t = (1 - s / a) / 2
    bias = 2 * t / (1 + 2 * t)
    network = gadget_network(k, copies, d, (1 - bias) * best_output_weight(k, n, d, rate), bias)
    found = naive_evaluation(network, Examples.half((1,) * k, 1), (rate,) * d).criterion
    return Fraction(found), best_biased_criterion(s, a)


def prove(power: int = 1) -> Proof:
    """Prove the bound with (q^K)^power for q^K; only the power 1 works."""
    u, z = sympy.symbols("u z", positive=True)  # z = q^K
    low = z**power / (1 + z**power)
    s = sympy.Symbol("s", positive=True)
    steps = [
        argument(
            r"With probability $q^K$ all inputs are dropped, and then both examples give the same output $U$, that "
            r"on the "
            r"input 0. So $2 J_D \ge E U^2 + q^K E (U - 1)^2$; other patterns of the second example cost at least 0."
        ),
        step(
            r"$u^2 + z (u-1)^2 - \frac z{1+z} = (1+z) \bigl(u - \frac z{1+z}\bigr)^2 \ge 0$, with $z = q^K$.",
            "identity",
            sympy.cancel(u**2 + z * (u - 1) ** 2 - low - (1 + z) * (u - z / (1 + z)) ** 2) == 0,
        ),
        *best_gadget_steps(),
        step(
            r"As $n \to \infty$, $A \to 1$, $t \to \frac12 q^K$ and $J_D \to \frac12 \frac{q^K}{1 + q^K}$: the bound "
            r"is approached.",
            "identity",
            sympy.cancel(best_biased_criterion(s, 1).subs(s, 1 - z) - low / 2) == 0,
        ),
        enumerated(
            "No network of a grid is below: 2-2-1 with hidden weights -1, 0, 1, given biases and output weights.",
            _grid(power),
            "324 networks, 16 masks, q = 1/2",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _grid(power: int) -> Iterator[tuple[object, object]]:
    half = Fraction(1, 2)
    data = Examples.half((1, 1), 1)
    lowest = min(
        naive_evaluation(Network([[w[:2], w[2:]], [v, v]], [[0, 0], b]), data, (half, half)).criterion
        for w in itertools.product((-1, 0, 1), repeat=4)
        for v in (Fraction(1, 4), half)
        for b in (0, Fraction(1, 5))
    )
    wanted = half ** (2 * power) / (2 * (1 + half ** (2 * power)))
    yield lowest >= wanted, True


@register(
    id="exactdropout-2026-universal-bound",
    title="The best that any network can do on P_(1,1)",
    source="exactdropout2026",
    number="universal bound",
    printed=r"Any network on $P_{(\mathbf 1, 1)}$: $J_D \ge \frac12 \frac{q^K}{1 + q^K}$, approached as $n \to "
    r"\infty$ for every "
    r"$d \ge 2$.",
    statement="any network on P_(1,1): J_D >= q^K/(2(1 + q^K)), approached by W_neg as n grows",
    verdict="holds",
    scope=SCOPE,
)
def universal_bound() -> Proof:
    """Prove the entry as declared."""
    return prove()
