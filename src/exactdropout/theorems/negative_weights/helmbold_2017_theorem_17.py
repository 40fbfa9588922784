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
from exactdropout.theorems.definitions import (
    COPIES,
    DEPTH,
    KEEP,
    OPEN_RATE,
    SPREAD,
    A,
    K,
    d,
    lam,
    m,
    n,
    q,
    quantity,
    real,
    s,
    t,
)
from exactdropout.theorems.gadget.first_one_gadget import (
    biased_criterion,
    first_one_gadget,
    gadget_network,
    growth,
    kept_input_probability,
)
from exactdropout.theorems.gadget.gadget_optimum import (
    BEST_BIAS,
    GADGET_MEANING,
    J_NEG,
    beta,
    kappa,
)
from exactdropout.theorems.gadget.helmbold_2017_lemma_10 import best_output_weight
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import (
    THEOREM_8,
    certificates_step,
)
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import (
    J_PLUS,
    NONNEGATIVE_BOUND,
)
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import (
    ByLemma,
    Conclusion,
    Derivation,
    Hypothesis,
    proved,
)
from exactdropout.theorems.statements.lines import Definition, From, Line, part, say
from exactdropout.theorems.statements.terms import apply, number, symbols

__all__ = ["prove"]

BIAS = Fraction(1, 5)
SIZES = ((1, 2), (2, 2), (1, 3))  # (copies, d)


u, e, z, V, L = symbols("u e z V L")
_EXCESS, _MIDDLE = V - e - 1, u - (2 + V - e) / 3

PRINTED_BOUND = Derivation(
    name="theorem-17-printed",
    supporting=True,
    title="The printed bound",
    setting=say(
        "The printed way from (8), mean outputs {0} with nothing kept and {1} with one input kept",
        V,
        u,
    ),
    quantified=(
        real(u, "the mean output with one input kept"),
        real(e, "what supermodularity leaves", low=0, low_in=True),
        real(z, "how far the mean output with nothing kept is below 1", low=0),
    ),
    definitions=(Definition(V, 1 - z, "the mean output with nothing kept"),),
    quantities=(quantity(J_PLUS, "the criterion of a network whose weights are not negative"),),
    hypotheses=(
        Hypothesis(
            "eight",
            8 * J_PLUS >= (2 * u - V + e - 1) ** 2 + 2 * (u - 1) ** 2 + (V - 1) ** 2 + 4 * V**2,
        ),
    ),
    lines=(
        Line(
            label="middle",
            sentence=say("The best mean output with one input kept leaves {claim}."),
            claim=8 * J_PLUS >= _EXCESS**2 / 3 + (V - 1) ** 2 + 4 * V**2,
            reason=From((part("eight"),), plus=(6 * _MIDDLE**2,)),
        ),
        Line(
            label="excess",
            sentence=say("As {0} is less than 1, {claim}.", V),
            claim=_EXCESS**2 >= (V - 1) ** 2,
        ),
    ),
    conclusions=(
        Conclusion(
            J_PLUS >= number(Fraction(1, 8)),
            From(
                (part("middle", Fraction(1, 8)), part("excess", Fraction(1, 24))),
                plus=(Fraction(2, 3) * (V - Fraction(1, 4)) ** 2,),
            ),
        ),
    ),
)
_J = apply("J", beta, kappa)
_WIDE = 2 * m * (L - 1) > lam * (2 + L * (d - 2))

TWO_INPUTS = Derivation(
    name="theorem-17",
    title="Negative weights are needed at K = 2",
    setting=say(
        "Two inputs, {0} units in each hidden layer, the gadget network and weights that are not negative",
        2 * m,
    ),
    quantified=(DEPTH, OPEN_RATE, COPIES),
    definitions=(
        KEEP,
        SPREAD,
        Definition(
            L,
            (1 - q**2) * (1 + lam / 2),
            "what the growth of the gadget network must stay below",
        ),
        Definition(n, 2 * m, "the number of units in each hidden layer"),
        Definition(
            A,
            (1 + lam * 2 / n) * (1 + lam / n) ** (d - 2),
            "how its second moment exceeds its square mean",
        ),
        Definition(s, 1 - q**2, "the probability that some input is kept"),
        Definition(
            t,
            (1 - s / A) / 2,
            "the criterion of the gadget network without output bias",
        ),
        BEST_BIAS,
    ),
    quantities=(
        quantity(_J, GADGET_MEANING),
        quantity(
            J_PLUS,
            "the criterion of any network with the same layers whose weights are not negative",
        ),
    ),
    hypotheses=(Hypothesis("wide", _WIDE),),
    auxiliary=(
        real(beta, "an output bias"),
        real(kappa, "a multiple of the best output weight"),
    ),
    lines=(
        Line(
            label="plus",
            sentence=say("Weights that are not negative have {claim}, which is the printed bound at rate one half."),
            claim=J_PLUS >= q / 4,
            reason=ByLemma(NONNEGATIVE_BOUND, ((K, number(2)),)),
        ),
        Line(
            label="below",
            sentence=say("Theorem 8 with two inputs: {claim}."),
            claim=J_NEG < J_PLUS,
            reason=ByLemma(THEOREM_8, ((K, number(2)),), ("wide",)),
        ),
    ),
    conclusions=(
        Conclusion(J_NEG < J_PLUS, From((part("below"),))),
        Conclusion(J_PLUS >= q / 4, From((part("plus"),))),
    ),
)
DERIVATIONS = (PRINTED_BOUND, TWO_INPUTS)


def prove(share: Fraction = Fraction(4, 5)) -> Proof:
    """Prove the theorem, and compare with networks of output weight share·c; the limit 1/10 needs the share 4/5."""
    a = sympy.Symbol("A", positive=True)
    survival, fifth = sympy.Rational(3, 4), sympy.Rational(1, 5)

    def limit(weight: Fraction) -> sympy.Expr:
        return biased_criterion(survival, 1, fifth, sympy.Rational(weight.numerator, weight.denominator))

    kept = (1 - fifth) ** 2 - 2 * (1 - fifth) / a + 1 / a
    further = [
        step(
            r"Output bias $\frac15$ and output weight $\frac45 c$: $J_D \to \frac1{10}$ as $A \to 1$.",
            "identity",
            limit(share) == sympy.Rational(1, 10),
        ),
        step(
            r"With the printed output weight $c$: $J_D \to \frac{23}{200}$, and on kept inputs $E(\hat y - 1)^2 = "
            r"\frac{16}{25} - \frac3{5A}$, not $1 - \frac1A$.",
            "identity",
            limit(Fraction(1)) == sympy.Rational(23, 200)
            and sympy.cancel(kept - (sympy.Rational(16, 25) - sympy.Rational(3, 5) / a)) == 0,
        ),
        argument(
            r"$\frac1{10} < \frac18$ (and $\frac{23}{200} < \frac18$). All large widths meet the condition, as $L > "
            r"1$ by Lemma 3; $n \ge 18$ is enough for $d = 2$ at $q = \frac12$."
        ),
        *_every_rate(share),
        enumerated(
            r"$J_D$ by the double loop for both output weights.",
            _numbers(),
            "n, d = 2, 2; 4, 2; 2, 3",
        ),
        enumerated(
            r"At the masked input $(2, 0)$ the two units of a gadget are 2 and 0, at $(0, 2)$ 0 and 2, at $(2, 2)$ 2 "
            r"and 0: one of them is 2, not each of them 1 as the printed proof says.",
            [
                (
                    [_gadget_values(x) for x in ((2, 0), (0, 2), (2, 2))],
                    [[2, 0], [0, 2], [2, 0]],
                )
            ],
            "K = n = 2",
        ),
        certificates_step(2),
    ]
    return proved(
        "holds with a correction",
        DERIVATIONS,
        further,
        "n = d = 2: E(y - 1)^2 on kept inputs is 17/50 with Lemma 10's c and bias 1/5; printed is 1 - 1/A = 1/2. In "
        "the limit J_D = 23/200, not 1/10.",
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
        for copies, depth in SIZES:
            n = 2 * copies
            network = gadget_network(2, copies, depth, weight * best_output_weight(2, n, depth, rate), bias)
            found = naive_evaluation(network, Examples.half((1, 1), 1), (rate,) * depth).criterion
            # J_D = ½ β² + t (1 − β)² + s/(2A) (κ − 1 + β)², which is the first two terms for the best weight
            t = (1 - kept_input_probability(2, rate) / growth(2, n, depth, rate)) / 2
            yield found, bias**2 / 2 + t * (1 - bias) ** 2


def _gadget_values(x: tuple[int, int]) -> list[int]:
    return [max(sum(w * v for w, v in zip(row, x, strict=True)), 0) for row in first_one_gadget(2)]


def _numbers() -> Iterator[tuple[object, object]]:
    half = Fraction(1, 2)
    survival = kept_input_probability(2)
    for copies, depth in SIZES:
        n = 2 * copies
        for share in (Fraction(1), Fraction(4, 5)):
            network = gadget_network(2, copies, depth, share * best_output_weight(2, n, depth), BIAS)
            found = naive_evaluation(network, Examples.half((1, 1), 1), (half,) * depth).criterion
            yield found, biased_criterion(survival, growth(2, n, depth), BIAS, share)
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
    derivations=DERIVATIONS,
    verdict="holds with a correction",
    correction=r"Output bias $\frac15$ and $\frac45$ of Lemma 10's output weight; with that weight itself the limit is "
    r"$\frac{23}{200}$. One unit of each gadget is 2, not each unit 1; $V_{22} \ge V_{20} + V_{02} - V_{00}$, where "
    r"$V_0$ is printed. $K = 2$ is no square, as the standard architecture asks.",
)
def theorem_17() -> Proof:
    """Prove the entry as declared."""
    return prove()
