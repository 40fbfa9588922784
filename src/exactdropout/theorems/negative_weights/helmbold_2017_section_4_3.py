"""Section 4.3 of Helmbold and Long (2017): one network beats all non-negative ones on every mixture of pairs at once.

Inputs with exactly two ones, label 1, half the mass on (0, 0). Weights ≥ 0 give J_D ≥ 1/8; W_neg with K-input gadgets,
output bias 1/5 and 4/5 of the best output weight has J_D → 1/10, whatever the mixture. Printed without the label.

Proved for inputs with exactly k ones, 2 ≤ k ≤ K, and every q: weights ≥ 0 give J_D ≥ q/(2(kp + 2q)), and the gadgets
with output bias q^k/(1 + q^k) and 1/(1 + q^k) of the best output weight tend to ½ q^k/(1 + q^k), which is less.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import (
    COPIES,
    DEPTH,
    GROWTH,
    INPUTS,
    KEEP,
    OPEN_RATE,
    RATE,
    SPREAD,
    WIDTH_OF_COPIES,
    A,
    K,
    count,
    d,
    integer,
    lam,
    m,
    p,
    q,
    quantity,
    real,
)
from exactdropout.theorems.gadget.first_one_gadget import gadget_network
from exactdropout.theorems.gadget.helmbold_2017_lemma_10 import best_output_weight
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import GAP
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import J_PLUS, NONNEGATIVE_BOUND, bound
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["prove"]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
SIZES = ((3, 1, 2), (2, 2, 2), (2, 1, 3))  # (K, copies, d)
k, z, b, v, j, S = symbols("k z beta v j S")
J_MIX, J_GADGET = symbol("J", "mix"), symbol("J", "neg")
_BOUND = q / (2 * (k * p + 2 * q))
ONES = count(k, 2, "the number of inputs that are 1")


def _with_ones(inputs: int, ones: int) -> list[tuple[int, ...]]:
    return [tuple(int(i in chosen) for i in range(inputs)) for chosen in itertools.combinations(range(inputs), ones)]


def _mixture(inputs: int, parts: list[int], label: int, ones: int = 2) -> Examples:
    rows = [(x, label, share / 2) for x, share in zip(_with_ones(inputs, ones), _shares(parts), strict=True)]
    return Examples([((0,) * inputs, 0, HALF), *rows])


def _shares(parts: list[int]) -> list[Fraction]:
    """Return the shares of the inputs with ones in a mixture."""
    return [Fraction(part_, sum(parts)) for part_ in parts]


def _weights() -> Iterator[Mapping[Term, Any]]:
    """Yield the sum of the shares of the inputs with ones."""
    for parts in ([1, 2, 3], [1]):
        yield {S: sum(_shares(parts), Fraction(0))}


MIXTURE = Derivation(
    name="mixture-bound",
    supporting=True,
    title="Weights that are not negative on mixtures",
    setting=say("Weights that are not negative, any mixture of inputs with {0} ones, label 1, half the mass on 0", k),
    quantified=(count(k, 1, "the number of inputs that are 1"), RATE),
    definitions=(KEEP,),
    quantities=(
        quantity(J_MIX, "the criterion on the mixture"),
        quantity(J_PLUS, "that on one of the inputs and 0, each with probability one half"),
        quantity(S, "the sum of the shares of the inputs"),
    ),
    auxiliary=(integer(j, 0, "a number of inputs"), real(v, "the share of one more input", low=0, low_in=True)),
    lines=(
        Line(
            label="single",
            sentence=say(
                "Inputs that are 0 stay 0 under their masks, so on one input the network acts as one with {0} inputs: "
                "{claim}.",
                k,
            ),
            claim=J_PLUS >= _BOUND,
            reason=ByLemma(NONNEGATIVE_BOUND, ((K, k),)),
        ),
        Line(
            label="sum",
            sentence=say("The criterion of a mixture is the mixture of the criteria: {claim}."),
            claim=J_MIX >= _BOUND * S,
            reason=ByInduction(
                j,
                ((J_MIX, number(0)), (S, number(0))),
                ((J_MIX, J_MIX + v * J_PLUS), (S, S + v)),
                parts=(part("single", v),),
            ),
        ),
        Line(
            label="shares",
            sentence=say("The shares add up to one: {claim}."),
            claim=equal(S, 1),
            reason=InWords(_weights, "two mixtures"),
        ),
    ),
    conclusions=(Conclusion(J_MIX >= _BOUND, From((part("sum"), part("shares", _BOUND)))),),
)


def _mixtures() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of the gadget network on mixtures, by the double loop."""
    cases = [(*size, 2, HALF) for size in SIZES]
    for inputs, copies, depth, ones, rate in [*cases, (2, 1, 3, 2, THIRD), (3, 1, 2, 2, THIRD), (3, 1, 2, 3, THIRD)]:
        bias = rate**ones / (1 + rate**ones)
        weight = (1 - bias) * best_output_weight(inputs, inputs * copies, depth, rate)
        network = gadget_network(inputs, copies, depth, weight, bias)
        some = len(_with_ones(inputs, ones))
        for parts in [list(range(1, some + 1)), *([[1] * some] if rate == HALF else [])]:
            found = naive_evaluation(network, _mixture(inputs, parts, 1, ones), (rate,) * depth).criterion
            yield {
                K: Fraction(inputs), m: Fraction(copies), d: Fraction(depth), k: Fraction(ones), q: rate,
                J_GADGET: Fraction(found),
            }  # fmt: skip


_VALUE = equal(J_GADGET, z / (2 * (1 + z)) + (1 - z) * (1 - 1 / A) / (2 * (1 + z) ** 2))
_WIDE = (1 - z) * (A - 1) * (k * p + 2 * q) < A * (1 + z) * (q * (1 - z) - k * p * z)

ONE_GADGET = Derivation(
    name="section-4-3",
    title="One network for all mixtures",
    setting=say(
        "The gadget network, output bias {0} and {1} of the best weight, on every mixture of inputs with {2} ones",
        b,
        1 - b,
        k,
    ),
    quantified=(INPUTS, ONES, DEPTH, OPEN_RATE, COPIES),
    definitions=(
        KEEP,
        SPREAD,
        WIDTH_OF_COPIES,
        GROWTH,
        Definition(z, q**k, "the probability that no one is kept"),
        Definition(b, z / (1 + z), "the output bias", equal(1 - b, 1 / (1 + z))),
    ),
    quantities=(
        quantity(J_GADGET, "the criterion of the gadget network on the mixture"),
        quantity(J_MIX, "that of any network whose weights are not negative"),
    ),
    hypotheses=(Hypothesis("wide", _WIDE),),
    lines=(
        Line(
            label="criterion",
            sentence=say(
                "With some one kept, exactly one unit of each gadget is {0}, whatever the mixture, and the random part "
                "of the output has mean and mean square equal to {1} and {2}, by Lemma 10: {claim}.",
                1 / p,
                (1 - b) / A,
                (1 - b) ** 2 / A,
            ),
            claim=equal(
                J_GADGET,
                (b**2 + z * (1 - b) ** 2 + (1 - z) * ((1 - b) ** 2 - 2 * (1 - b) * ((1 - b) / A) + (1 - b) ** 2 / A))
                / 2,
            ),
            reason=InWords(
                _mixtures, "mixtures of pairs with K, n, d = 3, 3, 2; 2, 4, 2; 2, 2, 3, and of triples; q = 1/2, 1/3"
            ),
        ),
        Line(label="value", sentence=say("So {claim}."), claim=_VALUE, reason=From((part("criterion"),))),
        Line(
            label="bound",
            sentence=say("Weights that are not negative have {claim}."),
            claim=J_MIX >= _BOUND,
            reason=ByLemma(MIXTURE),
        ),
        Line(
            label="gap",
            sentence=say("All large widths meet the hypothesis, as its right side is positive: {claim}."),
            claim=lam * (1 - q**k) > k * q**k,
            reason=ByLemma(GAP, ((K, k),)),
        ),
    ),
    conclusions=(
        Conclusion(
            J_GADGET < J_MIX,
            From(
                (
                    part("bound"),
                    part("value", -1),
                    part("wide", 1 / (2 * A * (1 + z) ** 2 * (k * p + 2 * q))),
                )
            ),
        ),
        Conclusion(lam * (1 - q**k) > k * q**k, From((part("gap"),))),
    ),
)
EMPTY, FULL, J_FIXED = symbol("J", "dropped"), symbol("J", "kept"), symbol("J", "fixed")


def _fixed(first: Any, extra: Any, out: Any, bias: Any, inputs: int) -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion with a fixed further feature, by the double loop, and without it with other biases."""
    for value, rate in itertools.product((HALF, Fraction(-3)), (HALF, THIRD)):
        wide = Network([[[*row, w] for row, w in zip(first, extra, strict=True)], out], [bias, Fraction(1, 5)])
        data = Examples([((*((0,) * inputs), value), 0, HALF), ((*((1,) * inputs), value), 1, HALF)])
        parts = []
        for kept in (Fraction(0), value / (1 - rate)):
            moved = [b_ + w * kept for b_, w in zip(bias, extra, strict=True)]
            network = Network([first, out], [moved, Fraction(1, 5)])
            found = naive_evaluation(network, Examples.half((1,) * inputs, 1), (rate, rate)).criterion
            parts.append(Fraction(found))
        whole = naive_evaluation(wide, data, (rate, rate)).criterion
        yield {K: Fraction(inputs), q: rate, EMPTY: parts[0], FULL: parts[1], J_FIXED: Fraction(whole)}


def _features() -> Iterator[Mapping[Term, Any]]:
    one = Fraction(1)
    yield from _fixed([[one, 0], [HALF, one]], [THIRD, 2 * one], [one, Fraction(1, 4)], [Fraction(-1, 5), 0], 2)
    yield from _fixed([[one]], [HALF], [HALF], [Fraction(-1, 5)], 1)


_FIXED_BOUND = q / (2 * (K * p + 2 * q))

FEATURE = Derivation(
    name="fixed-feature",
    title="A further feature that is not 0",
    setting=say("With a further feature that is not 0, weights that are not negative"),
    quantified=(INPUTS, RATE),
    definitions=(KEEP,),
    quantities=(
        quantity(J_FIXED, "the criterion with the feature"),
        quantity(EMPTY, "that of the network without it"),
        quantity(FULL, "that with hidden biases which grow by its weight times its value, divided by p"),
    ),
    lines=(
        Line(
            label="masks",
            sentence=say("The feature is dropped too, and for each of its masks acts as hidden biases: {claim}."),
            claim=equal(J_FIXED, q * EMPTY + p * FULL),
            reason=InWords(_features, "networks 3-2-1 and 2-1-1, values 1/2 and -3, q = 1/2, 1/3"),
        ),
        *(
            Line(
                label=label,
                sentence=say(sentence),
                claim=term >= _FIXED_BOUND,
                reason=ByLemma(
                    NONNEGATIVE_BOUND, renamed=((J_PLUS, term),), tried=_features, described="the same networks"
                ),
            )
            for label, sentence, term in (
                ("dropped", "Biases are arbitrary, so {claim}.", EMPTY),
                ("kept", "In the same way {claim}.", FULL),
            )
        ),
    ),
    conclusions=(Conclusion(J_FIXED >= _FIXED_BOUND, From((part("masks"), part("dropped", q), part("kept", p)))),),
)
"""The bound holds with non-zero embeddings; the gadget network has weight 0 from the feature."""
DERIVATIONS = (MIXTURE, ONE_GADGET, FEATURE)


def prove(label: int = 1) -> Proof:
    """Prove the statement, and compare with networks for the given label of the pairs; only 1 works."""
    further = [
        argument(
            r"At $q = \frac12$ and pairs the bound is $\frac18$, and the gadget network, with output bias $\frac15$ "
            r"and $\frac45$ of the best output weight, tends to $\frac1{10}$ as $n$ grows, for all mixtures at once."
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
    return proved(
        "holds with a correction",
        DERIVATIONS,
        further,
        "half the mass on ((0,0), 0) and half on ((1,1), 0): a distribution over {0,1}^2 × {0,1} as printed, and J_D "
        "= 0 < 1/8 for the zero network.",
    )


def _lowest(label: int) -> Fraction:
    data = _mixture(3, [1, 1, 1], label)
    return min(
        Fraction(naive_evaluation(Network([[list(w)], [o]], [[b_], c]), data, (HALF, HALF)).criterion)
        for w in itertools.product((Fraction(0), HALF), repeat=3)
        for o in (Fraction(1, 4), HALF)
        for b_, c in ((0, 0), (0, Fraction(1, 5)), (-HALF, Fraction(1, 5)))
    )


@register(
    id="helmbold-2017-section-4-3",
    title="One network with negative weights beats all others on every mixture of pairs",
    source="helmbold2017",
    number="Section 4.3",
    printed=r"$P$ over $\{0,1\}^K \times \{0,1\}$, half on $(0, 0)$, half on inputs with exactly two ones: weights "
    r"$\ge 0$ give $J_D \ge \frac18$, one $W_{\mathrm{neg}}$ with $n/K$ gadgets has $J_D \approx \frac1{10}$ for all "
    r"of them.",
    derivations=DERIVATIONS,
    verdict="holds with a correction",
    correction=r"The inputs with two ones have label 1, and the output weight is $\frac45$ of Lemma 10's. Further "
    r"features that are not 0 are dropped too: they act as hidden biases for each of their masks, not as fixed ones.",
)
def section_4_3() -> Proof:
    """Prove the entry as declared."""
    return prove()
