"""Theorem 17 of Helmbold and Long (2017): Theorem 8 at K = 2; true, with a wrong network in the printed proof.

The printed W_neg is that of Lemma 10 with output bias 1/5, claimed to have J_D → 1/10. With Lemma 10's output weight c
its limit is 23/200; 1/10 needs the weight 4c/5. Both are below 1/8, the bound for non-negative weights. For every q:
output bias q²/(1 + q²) and weight c/(1 + q²) tend to q²/(2 (1 + q²)) < q/4.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.gadget.exactdropout_2026_universal_bound import best_gadget_steps
from exactdropout.theorems.gadget.first_one_gadget import (
    biased_criterion,
    first_one_gadget,
    gadget_network,
    growth,
    kept_input_probability,
)
from exactdropout.theorems.gadget.helmbold_2017_lemma_10 import best_output_weight
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import certificates_step
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import bound, nonnegative_bound_steps
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "K = 2, every q in (0, 1) (printed: 1/2) and d >= 2, all large n"
BIAS = Fraction(1, 5)
SIZES = ((1, 2), (2, 2), (1, 3))  # (copies, d)


def prove(share: Fraction = Fraction(4, 5)) -> Proof:
    """Prove the theorem with output weight share·c; the limit 1/10 needs the share 4/5."""
    a = sympy.Symbol("A", positive=True)
    survival = sympy.Rational(3, 4)
    fifth = sympy.Rational(1, 5)

    def limit(kappa: Fraction) -> sympy.Expr:
        return biased_criterion(survival, 1, fifth, sympy.Rational(kappa.numerator, kappa.denominator))

    kept = (1 - fifth) ** 2 - 2 * (1 - fifth) / a + 1 / a
    steps = [
        *nonnegative_bound_steps(),
        *_printed_lower_bound(),
        *best_gadget_steps(),
        step(
            r"Output bias $\frac15$ and output weight $\frac45 c$: $J_D \to \frac1{10}$ as $A \to 1$.",
            "identity",
            limit(share) == sympy.Rational(1, 10),
        ),
        step(
            r"With the printed output weight $c$: $J_D \to \frac{23}{200}$, and on kept inputs $E(\hat y - 1)^2 = "
            r"\frac{16}{25} - "
            r"\frac3{5A}$, not $1 - \frac1A$.",
            "identity",
            limit(Fraction(1)) == sympy.Rational(23, 200)
            and sympy.cancel(kept - (sympy.Rational(16, 25) - sympy.Rational(3, 5) / a)) == 0,
        ),
        argument(
            r"$\frac1{10} < \frac18$ (and $\frac{23}{200} < \frac18$), so for all large $n$ this network beats every "
            r"one with "
            r"non-negative weights, and whatever minimises $J_D$ has a negative weight. By Theorem 8's condition $n "
            r"\ge 18$ is "
            "enough for d = 2."
        ),
        *_every_rate(share),
        enumerated(
            r"$J_D$ by the double loop for both output weights.",
            _numbers(),
            "n, d = 2, 2; 4, 2; 2, 3",
        ),
        enumerated(
            r"At the masked input $(2, 0)$ the two units of a gadget are 2 and 0, at $(0, 2)$ 0 and 2, at $(2, 2)$ 2 "
            r"and "
            r"0: one of them is 2, not each of them 1 as the printed proof says.",
            [([_gadget_values(x) for x in ((2, 0), (0, 2), (2, 2))], [[2, 0], [0, 2], [2, 0]])],
            "K = n = 2",
        ),
        certificates_step(2),
        enumerated(
            r"The bound at $K = 2$ is $\frac18$.",
            [(bound(2, Fraction(1, 2)), Fraction(1, 8))],
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "n = d = 2: E(y - 1)^2 on kept inputs is 17/50 with Lemma 10's c and bias 1/5; printed is 1 - 1/A = 1/2. In "
        "the "
        "limit J_D = 23/200, not 1/10.",
    )


def _every_rate(share: Fraction) -> list[Step]:
    """The same network for every q: bias q²/(1 + q²), which is 1/5 at q = ½, and weight c/(1 + q²), there 4c/5."""
    q = sympy.Symbol("q", positive=True)
    bias = q**2 / (1 + q**2)
    weight = sympy.Rational(share.numerator, share.denominator) / sympy.Rational(4, 5) * (1 - bias)
    low = q / (2 * (2 * (1 - q) + 2 * q))
    limit = biased_criterion(1 - q**2, 1, bias, weight)
    return [
        step(
            r"For every $q$: output bias $\frac{q^2}{1 + q^2}$ and output weight $\frac c{1 + q^2}$ tend to $J_D = "
            r"\frac{q^2}{2 (1 + q^2)}$ as $A \to 1$; non-negative weights give $J_D \ge \frac q4$; and $\frac q4 - "
            r"\frac{q^2}{2 (1 + q^2)} = \frac{q (1 - q)^2}{4 (1 + q^2)} > 0$ on $(0, 1)$. So negative weights are "
            r"needed for all large $n$.",
            "identity",
            sympy.cancel(limit - q**2 / (2 * (1 + q**2))) == 0
            and sympy.cancel(low - q / 4) == 0
            and sympy.cancel(low - limit - q * (1 - q) ** 2 / (4 * (1 + q**2))) == 0,
        ),
        enumerated(
            r"These networks by the double loop.",
            _at_rates(share),
            "n, d = 2, 2; 4, 2; 2, 3; q = 1/3, 3/4",
        ),
    ]


def _at_rates(share: Fraction) -> Iterator[tuple[object, object]]:
    for rate in (Fraction(1, 3), Fraction(3, 4)):
        bias = rate**2 / (1 + rate**2)
        weight = share / Fraction(4, 5) * (1 - bias)
        for copies, d in SIZES:
            n = 2 * copies
            network = gadget_network(2, copies, d, weight * best_output_weight(2, n, d, rate), bias)
            found = naive_evaluation(network, Examples.half((1, 1), 1), (rate,) * d).criterion
            # J_D = ½ β² + t (1 − β)² + s/(2A) (κ − 1 + β)², which is the first two terms for the best weight
            t = (1 - kept_input_probability(2, rate) / growth(2, n, d, rate)) / 2
            yield found, bias**2 / 2 + t * (1 - bias) ** 2


def _gadget_values(x: tuple[int, int]) -> list[int]:
    return [max(sum(w * v for w, v in zip(row, x, strict=True)), 0) for row in first_one_gadget(2)]


def _printed_lower_bound() -> list[Step]:
    """The printed chain from (8) to 8 J_D ≥ 1, with V = V₀₀, u = V₂₀ = V₀₂, e = ε."""
    ring, (v, u, e, t) = generic("V u e~ t~")
    third = ring.constant(Fraction(1, 3))
    quarter = ring.constant(Fraction(1, 4))
    best = third * (2 + v - e)
    return [
        identity(
            r"Printed: $(2u - V + \varepsilon - 1)^2 + 2 (u-1)^2 = 6 (u - \frac{2 + V - \varepsilon}3)^2 + \frac13 "
            r"(V - "
            r"\varepsilon - 1)^2$.",
            (2 * u - v + e - 1) ** 2 + 2 * (u - 1) ** 2,
            6 * (u - best) ** 2 + third * (v - e - 1) ** 2,
        ),
        step(
            r"Printed: for $V = 1 - t < 1$, $(V - \varepsilon - 1)^2 \ge (V - 1)^2$.",
            "cases",
            ring.is_nonnegative((t + e) ** 2 - t * t),
            "manifest signs",
        ),
        identity(
            r"Printed: $\frac43 (V-1)^2 + 4 V^2 = 1 + \frac{16}3 (V - \frac14)^2 \ge 1$.",
            4 * third * (v - 1) ** 2 + 4 * v * v,
            1 + 16 * third * (v - quarter) ** 2,
        ),
    ]


def _numbers() -> Iterator[tuple[object, object]]:
    half = Fraction(1, 2)
    survival = kept_input_probability(2)
    for copies, d in SIZES:
        n = 2 * copies
        for share in (Fraction(1), Fraction(4, 5)):
            network = gadget_network(2, copies, d, share * best_output_weight(2, n, d), BIAS)
            found = naive_evaluation(network, Examples.half((1, 1), 1), (half,) * d).criterion
            yield found, biased_criterion(survival, growth(2, n, d), BIAS, share)
    kept = Fraction(16, 25) - Fraction(3, 5) / growth(2, 2, 2)
    yield (kept, 1 - 1 / growth(2, 2, 2)), (Fraction(17, 50), half)


@register(
    id="helmbold-2017-theorem-17",
    title="Negative weights are needed at K = 2",
    source="helmbold2017",
    number="Theorem 17",
    printed=r"$K = 2$, fixed $d$, $n$ large: every minimiser of $J_D$ on $P_{((1,1),1)}$ uses negative weights; "
    r"Lemma 10's "
    r"network with output bias $\frac15$ has $J_D \to \frac1{10}$, weights $\ge 0$ give $J_D \ge \frac18$.",
    statement="K = 2, any d, n large: minimisers need negative weights; the 1/10 needs output weight 4c/5, not c",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"Output bias $\frac15$ and $\frac45$ of Lemma 10's output weight; with that weight itself the limit is "
    r"$\frac{23}{200}$. One unit of each gadget is 2, not each unit 1; $V_{22} \ge V_{20} + V_{02} - V_{00}$, where "
    r"$V_0$ is printed. $K = 2$ is no square, as the standard architecture asks.",
)
def theorem_17() -> Proof:
    """Prove the entry as declared."""
    return prove()
