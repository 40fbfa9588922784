"""Theorem 8 of Helmbold and Long (2017): on P_(1,1), wide networks need negative weights; for every K ≥ 2 and every q.

Printed for K > 18 and q = ½. Proved: with L = (1 − q^K)(1 + λ/K) > 1 and n (L − 1) > λ (K + L (d − 2)), n a
multiple of K, W_neg beats every network with non-negative weights.
"""

from __future__ import annotations

from fractions import Fraction

from exactdropout.certificate.shipped import SHIPPED
from exactdropout.errors import InvalidInput
from exactdropout.theorems.definitions import (
    COPIES,
    DEPTH,
    KEEP,
    OPEN_RATE,
    SPREAD,
    A,
    K,
    count,
    d,
    lam,
    n,
    p,
    q,
    quantity,
    real,
    s,
    t,
)
from exactdropout.theorems.gadget.first_one_gadget import best_biased_criterion, growth, kept_input_probability
from exactdropout.theorems.gadget.gadget_optimum import (
    GADGET_DEFINITIONS,
    GADGET_MEANING,
    GADGET_OPTIMUM,
    J_NEG,
    beta,
    kappa,
)
from exactdropout.theorems.lemmas.certified_minima import certified_step, shipped_minimum
from exactdropout.theorems.lemmas.powers import BERNOULLI, k, x
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import J_PLUS, NONNEGATIVE_BOUND, bound
from exactdropout.theorems.proof import Proof, Step, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import (
    ByLemma,
    Conclusion,
    Derivation,
    Hypothesis,
    lemma_step,
    proved,
)
from exactdropout.theorems.statements.lines import ByDivision, ByInduction, Definition, From, Line, part, say
from exactdropout.theorems.statements.terms import apply, equal, symbol

__all__ = ["GAP", "THEOREM_8", "certificates_step", "gap_is_positive_steps", "prove", "sufficient_width"]


def sufficient_width(inputs: int, depth: int, rate: Fraction = Fraction(1, 2)) -> int:
    """Return the least multiple n of K with A < (1 − q^K)(1 + λ/K); W_neg then beats all non-negative networks."""
    spread = rate / (1 - rate)
    limit = kept_input_probability(inputs, rate) * (1 + spread / inputs)
    if limit <= 1:
        raise InvalidInput(f"Argument 'inputs' must be at least 2 for a sufficient width, not {inputs}.")
    copies = 1
    while growth(inputs, inputs * copies, depth, rate) >= limit:
        copies *= 2
    low, high = copies // 2, copies
    while high - low > 1:
        middle = (low + high) // 2
        if growth(inputs, inputs * middle, depth, rate) < limit:
            high = middle
        else:
            low = middle
    return inputs * high


def certificates_step(*inputs: int) -> Step:
    """The gap in certified minima, for all weights against non-negative ones: biases, d = 2, q = ½."""
    kinds = [s for s in SHIPPED if s.biases and s.inputs in inputs and s.width >= {2: 3}.get(s.inputs, 1)]
    free, signed = ([s for s in kinds if s.nonnegative == flag] for flag in (False, True))
    pairs = [(shipped_minimum(a), shipped_minimum(b)) for a, b in zip(free, signed, strict=True)]
    names = " and ".join(map(str, inputs)) if len(inputs) < 3 else ", ".join(map(str, inputs))
    return certified_step(
        rf"$K = {names}$, $d = 2$, $q = \frac12$: at the widths of these certificates the minimum over all weights is "
        "less than that over non-negative ones.",
        all(a is not None and b is not None and a < b for a, b in pairs),
        kinds,
    )


L = symbol("L")
GAP_DEFINITIONS = (KEEP, SPREAD)
_POSITIVE = (1 - q**K) * (K * p + q) - K * p > 0

GAP = Derivation(
    name="gap",
    number=3,
    title="The gap is positive",
    setting=say("Two inputs or more"),
    quantified=(count(K, 2, "the number of inputs"), OPEN_RATE),
    definitions=GAP_DEFINITIONS,
    lines=(
        Line(
            label="gap",
            sentence=say("By induction on {0}: {claim}.", K),
            claim=_POSITIVE,
            reason=ByInduction(K, (), (), plus=(K * p**2 * q**K,)),
        ),
    ),
    conclusions=(
        Conclusion(_POSITIVE, From((part("gap"),))),
        Conclusion((1 - q**K) * (1 + lam / K) > 1, From((part("gap", 1 / (K * p)),))),
        Conclusion(lam * (1 - q**K) > K * q**K, From((part("gap", 1 / p),))),
    ),
)
"""(1 − q^K)(1 + λ/K) > 1 for K ≥ 2, which the width must leave room for."""

_REST = 1 - (d - 2) * (lam / n)
_BOUND = q / (2 * (K * p + 2 * q))

THEOREM_8 = Derivation(
    name="theorem-8",
    title="Dropout needs negative weights",
    setting=say(
        "On P(1,1) with {0} inputs, the gadget network beats every network with weights that are not negative", K
    ),
    quantified=(count(K, 2, "the number of inputs"), DEPTH, OPEN_RATE, COPIES),
    definitions=(
        *GADGET_DEFINITIONS,
        Definition(L, (1 - q**K) * (1 + lam / K), "what the growth of the gadget network must stay below"),
    ),
    quantities=(
        quantity(apply("J", beta, kappa), GADGET_MEANING),
        quantity(J_PLUS, "the criterion of any network with the same layers whose weights are not negative"),
    ),
    auxiliary=(real(beta, "an output bias"), real(kappa, "a multiple of the best output weight")),
    hypotheses=(Hypothesis("wide", n * (L - 1) > lam * (K + L * (d - 2))),),
    lines=(
        Line(
            label="plus",
            sentence=say("Weights that are not negative cannot do better than {claim}."),
            claim=J_PLUS >= _BOUND,
            reason=ByLemma(NONNEGATIVE_BOUND),
        ),
        Line(
            label="gadget",
            sentence=say("The gadget network has {claim}."),
            claim=equal(J_NEG, t / (1 + 2 * t)),
            reason=ByLemma(GADGET_OPTIMUM),
        ),
        Line(
            label="power",
            sentence=say("By Bernoulli's inequality {claim}."),
            claim=(1 + lam / n) ** (d - 2) * (1 - (d - 2) * (lam / n)) <= 1,
            reason=ByLemma(BERNOULLI, ((x, lam / n), (k, d - 2))),
        ),
        Line(
            label="product",
            sentence=say("So {claim}."),
            claim=A * _REST <= 1 + lam * K / n,
            reason=From((part("power", 1 + lam * K / n),)),
        ),
        Line(
            label="positive",
            sentence=say("The hypothesis gives {claim}."),
            claim=_REST > 0,
            reason=From((part("wide", 1 / (n * L)),), plus=((n + lam * K) / (n * L),)),
        ),
        Line(
            label="room",
            sentence=say("With it {claim}."),
            claim=(L - A) * _REST > 0,
            reason=From((part("product"), part("wide", 1 / n))),
        ),
        Line(
            label="growth",
            sentence=say("So {claim}."),
            claim=L > A,
            reason=ByDivision("positive", "room"),
        ),
        Line(
            label="difference",
            sentence=say("The bound exceeds the criterion of the gadget network by a multiple of that: {claim}."),
            claim=_BOUND - t / (1 + 2 * t) > 0,
            reason=From((part("growth", K * p / (2 * (K * p + 2 * q) * (2 * A - s))),)),
        ),
        Line(
            label="gap",
            sentence=say("The hypothesis is met by all large widths, as {claim}."),
            claim=(1 - q**K) * (1 + lam / K) > 1,
            reason=ByLemma(GAP),
        ),
    ),
    conclusions=(
        Conclusion(J_NEG < J_PLUS, From((part("plus"), part("gadget", -1), part("difference")))),
        Conclusion(L > 1, From((part("gap"),))),
    ),
)
DERIVATIONS = (THEOREM_8,)


def gap_is_positive_steps() -> list[Step]:
    """(1 − q^K)(1 + λ/K) > 1, the same as λ (1 − q^K) > K q^K, for all K ≥ 2 and q in (0, 1), as a step."""
    return [lemma_step(GAP)]


def prove() -> Proof:
    """Prove the theorem, and compare with widths and certified minima."""
    half = Fraction(1, 2)
    further = [
        argument(
            r"So whatever minimises $J_D$ has a negative weight. (For $n$ no multiple of $K$, use $\lfloor n/K "
            r"\rfloor$ gadgets and leave other units of each layer at 0.) That minimisers exist is shown for $d = 2$ "
            r"only; for deeper networks the gap of the infima is what is proved."
        ),
        enumerated(
            "At the sufficient width the gadget is below the bound, one gadget less is not.",
            (
                (
                    best_biased_criterion(kept_input_probability(k, rate), growth(k, n, d, rate)) < bound(k, rate),
                    (n <= smaller) == (not below),
                )
                for k in range(2, 7)
                for d in (2, 3, 5)
                for rate in (half, Fraction(1, 10), Fraction(9, 10))
                for n in (sufficient_width(k, d, rate),)
                for smaller in (n - k,)
                for below in (
                    smaller < 1
                    or best_biased_criterion(kept_input_probability(k, rate), growth(k, smaller, d, rate))
                    >= bound(k, rate),
                )
            ),
            "K = 2, ..., 6; d = 2, 3, 5; q = 1/2, 1/10, 9/10",
        ),
        certificates_step(2, 3, 4, 5),
        enumerated(
            r"Widths that suffice at $q = \frac12$, $d = 2$: 18, 21, 24 for $K = 2, 3, 4$.",
            [([sufficient_width(k, 2) for k in (2, 3, 4)], [18, 21, 24])],
        ),
    ]
    return proved("holds", DERIVATIONS, further)


@register(
    id="helmbold-2017-theorem-8",
    title="Dropout needs negative weights on P_(1,1)",
    source="helmbold2017",
    number="Theorem 8",
    printed=say(
        "For {0}, {1} large relative to {2} and {3}, and {4}, every minimiser of the criterion on P(1,1) has a "
        "negative weight.",
        K > 18,
        n,
        K,
        d,
        equal(q, Fraction(1, 2)),
    ),
    derivations=DERIVATIONS,
    verdict="holds",
)
def theorem_8() -> Proof:
    """Prove the entry as declared."""
    return prove()
