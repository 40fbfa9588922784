"""Section 4.3 of Helmbold and Long (2017): one network beats all non-negative ones on every mixture of pairs at once.

Inputs with exactly two ones, label 1, half the mass on (0, 0). Weights ≥ 0 give J_D ≥ 1/8; W_neg with K-input gadgets,
output bias 1/5 and 4/5 of the best output weight has J_D → 1/10, whatever the mixture. Printed without the label.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.reference import naive_evaluation
from exactdropout.theorems.exactdropout_2026_nonnegative_bound import bound, nonnegative_bound_steps
from exactdropout.theorems.first_one_gadget import biased_criterion, gadget_network, growth
from exactdropout.theorems.helmbold_2017_lemma_10 import best_output_weight
from exactdropout.theorems.kept_counts import kept_count_moments
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "every K >= 2, d >= 2 and mixture, q = 1/2"
HALF = Fraction(1, 2)
BIAS = Fraction(1, 5)
SIZES = ((3, 1, 2), (2, 2, 2), (2, 1, 3))  # (K, copies, d)


def prove(label: int = 1) -> Proof:
    """Prove the statement for the given label of the pairs; only 1 works."""
    limit = biased_criterion(sympy.Rational(3, 4), 1, sympy.Rational(1, 5), sympy.Rational(4, 5))
    steps = [
        *nonnegative_bound_steps(),
        argument(
            r"The criterion of a mixture is the mixture of the criteria of $P_{(x,1)}$, $x$ with exactly two ones. "
            r"On such an $x$ "
            r"other inputs are 0 with or without their masks, so a network with non-negative weights acts as one "
            r"with $K = 2$: "
            r"$J_D \ge \frac18$. (Fixed further features that are not 0 act, for each of their masks, as other "
            r"hidden biases.)"
        ),
        *kept_count_moments(),
        argument(
            r"On a masked $x$ with some one kept, exactly one unit of each K-input gadget is $1/p$ (Lemma 9), "
            r"whatever the pair: the "
            r"output is $\beta + \frac{\kappa c}p N_1 \cdots N_{d-1}$ as in Lemma 10, and some one is kept with "
            r"probability $1 - "
            r"q^2 = \frac34$."
        ),
        step(
            r"With $\beta = \frac15$, $\kappa = \frac45$, $A = (1 + \frac Kn)(1 + \frac1n)^{d-2} \to 1$: $J_D \to "
            r"\frac1{10} < "
            r"\frac18$.",
            "identity",
            limit == sympy.Rational(1, 10),
        ),
        enumerated(
            "The gadget network on several mixtures at once, by the double loop.",
            _mixtures(),
            "K, n, d = 3, 3, 2; 2, 4, 2; 2, 2, 3",
        ),
        enumerated(
            r"Networks 3-1-1 of a grid with weights $\ge 0$ on a mixture of the three pairs: none is below $\frac18$.",
            [(_lowest(label) >= bound(2, HALF), True)],
            "48 networks, 16 masks, 4 examples",
        ),
        enumerated(
            "Without label 1 it is false: all labels 0 and the zero network have $J_D = 0$.",
            [(naive_evaluation(Network([[[0, 0]], [0]]), Examples.half((1, 1), 0), (HALF, HALF)).criterion, 0)],
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "half the mass on ((0,0), 0) and half on ((1,1), 0): a distribution over {0,1}^2 x {0,1} as printed, and J_D "
        "= 0 < 1/8 for "
        "the zero network.",
    )


def _pairs(k: int) -> list[tuple[int, ...]]:
    return [tuple(int(i in pair) for i in range(k)) for pair in itertools.combinations(range(k), 2)]


def _mixture(k: int, parts: list[int], label: int) -> Examples:
    total = 2 * sum(parts)
    rows = [(x, label, Fraction(part, total)) for x, part in zip(_pairs(k), parts, strict=True)]
    return Examples([((0,) * k, 0, HALF), *rows])


def _mixtures() -> Iterator[tuple[object, object]]:
    for k, copies, d in SIZES:
        n = k * copies
        c = best_output_weight(k, n, d)
        network = gadget_network(k, copies, d, Fraction(4, 5) * c, BIAS)
        wanted = biased_criterion(Fraction(3, 4), growth(k, n, d), BIAS, Fraction(4, 5))
        for parts in ([1] * len(_pairs(k)), list(range(1, len(_pairs(k)) + 1))):
            yield naive_evaluation(network, _mixture(k, parts, 1), (HALF,) * d).criterion, wanted


def _lowest(label: int) -> Fraction:
    data = _mixture(3, [1, 1, 1], label)
    values = (Fraction(0), HALF)
    return min(
        Fraction(naive_evaluation(Network([[list(w)], [v]], [[b], c]), data, (HALF, HALF)).criterion)
        for w in itertools.product(values, repeat=3)
        for v in (Fraction(1, 4), HALF)
        for b, c in ((0, 0), (0, BIAS), (-HALF, BIAS))
    )


@register(
    id="helmbold-2017-section-4-3",
    title="One network with negative weights beats all others on every mixture of pairs",
    source="helmbold2017",
    number="Section 4.3",
    printed=r"$P$ over $\{0,1\}^K \times \{0,1\}$, half on $(0, 0)$, half on inputs with exactly two ones: weights "
    r"$\ge 0$ give $J_D "
    r"\ge \frac18$, one $W_{\mathrm{neg}}$ with $n/K$ gadgets has $J_D \approx \frac1{10}$ for all of them.",
    statement="pairs with label 1: weights >= 0 give J_D >= 1/8, one gadget network tends to 1/10 on all mixtures",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"The inputs with two ones have label 1, and the output weight is $\frac45$ of Lemma 10's.",
)
def section_4_3() -> Proof:
    """Prove the entry as declared."""
    return prove()
