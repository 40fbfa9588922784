"""The gadget network with an output bias: its criterion, the best bias and output weight, and how fast it approaches.

W_neg has output bias β and κ times the best output weight of Lemma 10. With s = 1 − q^K and t = (1 − s/A)/2 its
criterion on P_(1,1) is least at β = 2t/(1 + 2t), κ = 1 − β, where it is t/(1 + 2t).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import (
    COPIES,
    DEPTH,
    GADGET_SHARE,
    GROWTH,
    INPUTS,
    KEEP,
    OPEN_RATE,
    SOME_INPUT_KEPT,
    SPREAD,
    WIDTH_OF_COPIES,
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
from exactdropout.theorems.gadget.first_one_gadget import gadget_network, growth
from exactdropout.theorems.lemmas.powers import BERNOULLI, k, x
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import (
    ByDivision,
    Definition,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = [
    "BEST_BIAS",
    "GADGET_DEFINITIONS",
    "GADGET_MEANING",
    "GADGET_OPTIMUM",
    "GADGET_RATE",
    "J_NEG",
    "beta",
    "kappa",
]

beta, kappa = symbols("beta kappa")
J = apply("J", beta, kappa)
b = symbol("b")
BEST_BIAS = Definition(b, 2 * t / (1 + 2 * t), "the best output bias of the gadget network")
J_NEG = apply("J", b, 1 - b)
"""The criterion of the gadget network at the best bias and weight."""
_SIZES = ((1, 1, 2), (2, 1, 2), (2, 2, 2), (3, 1, 2), (2, 1, 3))  # K, copies, d
_POINTS = ((Fraction(0), Fraction(1)), (Fraction(1, 3), Fraction(1, 2)), (Fraction(-1, 2), Fraction(3, 2)))


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of W_neg by the double loop, for given biases and shares of the best output weight."""
    for inputs, copies, depth in _SIZES:
        for rate in (Fraction(1, 2), Fraction(1, 3)):
            width = inputs * copies
            best = (1 - rate) * inputs / (Fraction(width) ** (depth - 1) * growth(inputs, width, depth, rate))
            data = Examples.half((1,) * inputs, 1)
            for bias, share in _POINTS if depth == 2 else _POINTS[1:2]:
                network = gadget_network(inputs, copies, depth, share * best, bias)
                found = naive_evaluation(network, data, (rate,) * depth).criterion
                given: dict[Term, Fraction | int] = {K: inputs, m: copies, d: depth, q: rate, beta: bias, kappa: share}
                yield {**{name: Fraction(value) for name, value in given.items()}, J: Fraction(found)}


GADGET_DEFINITIONS = (KEEP, SPREAD, WIDTH_OF_COPIES, GROWTH, SOME_INPUT_KEPT, GADGET_SHARE, BEST_BIAS)
GADGET_MEANING = (
    "the criterion on P(1,1) of the gadget network: copies of the first-one gadget, then layers of ones, with this "
    "output bias and this multiple of the best output weight of Lemma 10"
)
_VALUE = equal(
    J,
    (beta**2 + (1 - s) * (1 - beta) ** 2 + s * ((1 - beta) ** 2 - 2 * (1 - beta) * kappa / A + kappa**2 / A)) / 2,
)
_SQUARES = equal(J, beta**2 / 2 + t * (1 - beta) ** 2 + s / (2 * A) * (kappa - 1 + beta) ** 2)
_BIAS = equal(beta**2 / 2 + t * (1 - beta) ** 2, t / (1 + 2 * t) + (1 + 2 * t) / 2 * (beta - b) ** 2)

GADGET_OPTIMUM = Derivation(
    name="gadget-optimum",
    number=4,
    title="The best gadget network",
    setting=say("The gadget network on {0} inputs has criterion, at the best output bias and weight", K),
    quantified=(INPUTS, DEPTH, OPEN_RATE, COPIES),
    definitions=GADGET_DEFINITIONS,
    quantities=(quantity(J, GADGET_MEANING),),
    auxiliary=(
        real(beta, "an output bias"),
        real(kappa, "a multiple of the best output weight"),
    ),
    lines=(
        Line(
            label="criterion",
            sentence=say(
                "With no input kept the output is {0}; with some input kept, probability {1}, the random part has mean "
                "and mean square equal to {2} and {3}, by Lemma 10. So {claim}.",
                beta,
                s,
                kappa / A,
                kappa**2 / A,
            ),
            claim=_VALUE,
            reason=InWords(_criteria, "double loop, K <= 3, d = 2 and 3, q = 1/2 and 1/3, 26 networks"),
        ),
        Line(
            label="squares",
            sentence=say("Completing squares, {claim}."),
            claim=_SQUARES,
            reason=From((part("criterion"),)),
        ),
        Line(label="bias", sentence=say("In the bias alone, {claim}."), claim=_BIAS),
    ),
    conclusions=(
        Conclusion(
            equal(J_NEG, t / (1 + 2 * t)),
            From((part("squares", beta=b, kappa=1 - b), part("bias", 1, beta=b))),
        ),
    ),
)
"""At the best bias and weight J_D = t/(1 + 2t)."""

_LIMIT = q**K / (2 * (1 + q**K))
_EXCESS = lam * (K + d - 2) / (n - lam * (d - 2))
_WIDE = n > lam * (d - 2)
_REST = 1 - (d - 2) * (lam / n)

GADGET_RATE = Derivation(
    name="gadget-rate",
    title="How fast the gadget network approaches",
    setting=say("The gadget network on {0} inputs", K),
    quantified=(INPUTS, DEPTH, OPEN_RATE, COPIES),
    definitions=GADGET_DEFINITIONS,
    quantities=(quantity(J, GADGET_MEANING),),
    hypotheses=(Hypothesis("wide", _WIDE),),
    auxiliary=(real(beta, "an output bias"), real(kappa, "a multiple of the best output weight")),
    lines=(
        Line(
            label="value",
            sentence=say("At the best output bias and weight {claim}."),
            claim=equal(J_NEG, t / (1 + 2 * t)),
            reason=ByLemma(GADGET_OPTIMUM),
        ),
        Line(
            label="above",
            sentence=say("This is {claim}."),
            claim=equal(J_NEG, _LIMIT + (1 - q**K) * (A - 1) / (2 * (1 + q**K) * (2 * A - 1 + q**K))),
            reason=From((part("value"),)),
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
            claim=1 + lam * K / n >= A * _REST,
            reason=From((part("power", 1 + lam * K / n),)),
        ),
        Line(
            label="positive",
            sentence=say("The hypothesis says {claim}."),
            claim=_REST > 0,
            reason=From((part("wide", 1 / n),)),
        ),
        Line(
            label="excess",
            sentence=say("Written with the excess of the growth, {claim}."),
            claim=(_EXCESS - (A - 1)) * _REST >= 0,
            reason=From((part("product"),)),
        ),
        Line(
            label="growth",
            sentence=say("So {claim}."),
            claim=_EXCESS >= A - 1,
            reason=ByDivision("positive", "excess"),
        ),
    ),
    conclusions=(
        Conclusion(
            J_NEG < _LIMIT + lam * (K + d - 2) / (2 * (n - lam * (d - 2))),
            From(
                (part("above", -1), part("growth", number(1) / 2)),
                plus=((A - 1) * (1 - (1 - q**K) / ((1 + q**K) * (2 * A - 1 + q**K))) / 2,),
            ),
        ),
    ),
)
"""For n > λ (d − 2) the gadget network is less than λ (K + d − 2)/(2 (n − λ (d − 2))) above the universal bound."""
