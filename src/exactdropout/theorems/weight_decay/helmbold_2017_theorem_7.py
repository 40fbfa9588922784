"""Theorem 7 of Helmbold and Long (2017): the weight-decay aversion of P_(x,1) is min(1/4, λ²/(x·x)), for d = 2.

A shorter proof than the printed one. Let A = W(x) − W(0), u = W(0), r² = x·x and N = ‖W‖². Then r N ≥ 2 |A| whatever
the biases (Lemma 33 needs them 0), and

    J₂(W) = (u − (1 − A)/2)² + ¼ (1 − A)² + ½ λ N.

So at a minimiser A = 1 − 2λ/r and the risk is λ²/r², or A = N = 0 and the risk is ¼ where 2λ > r.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import lam, real
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByCases, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByVanishingSquare
from exactdropout.theorems.statements.terms import Term, equal, number, symbol
from exactdropout.theorems.weight_decay.weight_norm import (
    COSTS,
    CRITERION_VALUE,
    J_2,
    OF_RISK,
    PATHS,
    RADIUS,
    SQUARE,
    STRENGTH,
    UNITS,
    VALUE,
    VALUES,
    A,
    N,
    R,
    networks,
    r,
    relu,
    squared_norm,
    u,
    weight_decay_criterion,
    z,
)

__all__ = ["prove"]

F = Fraction
HALF, QUARTER = F(1, 2), F(1, 4)
h = symbol("h")

_FIRST = (
    Line(label="value", sentence=say("By the squares above {claim}."), claim=VALUE, reason=ByLemma(CRITERION_VALUE)),
    Line(label="above", sentence=say("Weights cost at least {claim}."), claim=COSTS[0], reason=ByLemma(PATHS)),
)
_RISK = Line(label="risk", sentence=say("The risk is {claim}."), claim=OF_RISK, reason=ByLemma(CRITERION_VALUE))
_LEAST = lam / r - lam**2 / r**2
_BEST = 1 - 2 * lam / r

LEAST = Derivation(
    name="theorem-7-bound",
    supporting=True,
    title="The least weight-decay criterion",
    setting=say("One hidden layer, P(x,1), {0} the norm of x, any weights and biases", r),
    quantified=(*UNITS, RADIUS, STRENGTH),
    quantities=VALUES,
    lines=_FIRST,
    conclusions=(
        Conclusion(
            J_2 >= _LEAST, From((part("value"), part("above", lam / (2 * r))), plus=(SQUARE, (A - _BEST) ** 2 / 4))
        ),
    ),
)


def _attained() -> Iterator[Mapping[Term, Any]]:
    for strength, root in ((F(2), F(1, 5)), (F(1), F(1, 3)), (F(3), F(2)), (F(2), F(-1))):
        radius = F(5)
        rise = radius * root * max(root, F(0))
        network = Network([[[root / radius * 3, root / radius * 4]], [root]], [[0], (1 - rise) / 2])
        zero, one = (Fraction(dropout_output(network, v, None, ())[0]) for v in ((0, 0), (3, 4)))
        norm = squared_norm(network)
        yield {r: radius, lam: strength, h: root, A: one - zero, u: zero, N: norm}


ATTAINED = Derivation(
    name="theorem-7-attained",
    supporting=True,
    title="One unit attains it",
    setting=say(
        "One unit with weights {0} times x, no hidden bias, output weight {1}, and output bias half of {2}",
        h / r,
        h,
        1 - r * h**2,
    ),
    quantified=(RADIUS, STRENGTH, real(h, "the root of the output weight's square", low=0, low_in=True)),
    hypotheses=(Hypothesis("root", equal(r * h**2, _BEST)),),
    quantities=VALUES,
    lines=(
        Line(
            label="unit",
            sentence=say("The unit is 0 at the input of zeros, and at x {claim}."),
            claim=equal(relu(h / r * r**2), h * r),
            reason=ByCases(()),
        ),
        Line(
            label="A",
            sentence=say("The output rises by {claim}."),
            claim=equal(A, h * relu(h / r * r**2)),
            reason=InWords(_attained, "x = (3, 4), four weights"),
        ),
        Line(
            label="rise",
            sentence=say("So {claim}."),
            claim=equal(A, h * (h * r)),
            reason=From((part("A"), part("unit", h))),
        ),
        Line(
            label="N",
            sentence=say("The weights have {claim}."),
            claim=equal(N, h**2 + (h / r) ** 2 * r**2),
            reason=InWords(_attained, "the same"),
        ),
        Line(
            label="u",
            sentence=say("The output bias is {claim}."),
            claim=equal(u, (1 - A) / 2),
            reason=InWords(_attained, "the same"),
        ),
        _FIRST[0],
    ),
    conclusions=(
        Conclusion(
            equal(J_2, _LEAST),
            From(
                (
                    part("value"),
                    part("u", u - (1 - A) / 2),
                    part("rise", -((1 - A) + (1 - h * (h * r))) / 4),
                    part("N", lam / 2),
                    part("root", lam / r - ((1 - h**2 * r) + 2 * lam / r) / 4),
                )
            ),
        ),
    ),
)

_MINIMAL = Hypothesis("minimal", J_2 <= _LEAST)

RISK_BELOW = Derivation(
    name="theorem-7-below",
    title="The risk of minimisers below the threshold",
    setting=say("One hidden layer, P(x,1), {0} the norm of x, a network with the least criterion", r),
    quantified=(*UNITS, RADIUS, STRENGTH),
    quantities=VALUES,
    hypotheses=(_MINIMAL,),
    lines=(
        *_FIRST,
        _RISK,
        Line(
            label="A squared",
            sentence=say("Nothing is left for the squares: {claim}."),
            claim=(A - _BEST) ** 2 <= 0,
            reason=From((part("minimal", 4), part("value", 4), part("above", 2 * lam / r)), plus=(4 * SQUARE,)),
        ),
        Line(label="A", sentence=say("So {claim}."), claim=equal(A, _BEST), reason=ByVanishingSquare("A squared")),
        Line(
            label="u squared",
            sentence=say("In the same way {claim}."),
            claim=SQUARE <= 0,
            reason=From((part("minimal"), part("value"), part("above", lam / (2 * r))), plus=((A - _BEST) ** 2 / 4,)),
        ),
        Line(
            label="u", sentence=say("So {claim}."), claim=equal(u, (1 - A) / 2), reason=ByVanishingSquare("u squared")
        ),
    ),
    conclusions=(
        Conclusion(
            equal(R, lam**2 / r**2),
            From((part("risk"), part("u", u - (1 - A) / 2), part("A", (A - 1 - 2 * lam / r) / 4))),
        ),
    ),
)

ABOVE = Derivation(
    name="theorem-7-above",
    title="The threshold where all weights vanish",
    setting=say(
        "For {0} weights 0 and output bias {1} attain {2}, and a network with this criterion has",
        lam >= r / 2,
        number(HALF),
        number(QUARTER),
    ),
    quantified=(*UNITS, RADIUS, real(z, "the strength beyond the threshold", low=0, low_in=True)),
    definitions=(Definition(lam, r / 2 + z, "the strength of weight decay", equal(2 * lam - r, 2 * z)),),
    quantities=VALUES,
    hypotheses=(Hypothesis("minimal", J_2 <= QUARTER),),
    lines=(
        *_FIRST,
        _RISK,
        Line(label="below", sentence=say("Also {claim}."), claim=COSTS[1], reason=ByLemma(PATHS)),
        Line(
            label="sign",
            sentence=say("So {claim}."),
            claim=N >= 0,
            reason=From((part("above", 1 / (2 * r)), part("below", 1 / (2 * r)))),
        ),
        Line(
            label="A squared",
            sentence=say("Nothing is left for the square of {0}: {claim}.", A),
            claim=A**2 <= 0,
            reason=From((part("minimal", 4), part("value", 4), part("above"), part("sign", 2 * z)), plus=(4 * SQUARE,)),
        ),
        Line(label="A", sentence=say("So {claim}."), claim=equal(A, 0), reason=ByVanishingSquare("A squared")),
        Line(
            label="u squared",
            sentence=say("In the same way {claim}."),
            claim=SQUARE <= 0,
            reason=From((part("minimal"), part("value"), part("sign", lam / 2), part("A", (A - 2) / 4))),
        ),
        Line(
            label="u", sentence=say("So {claim}."), claim=equal(u, (1 - A) / 2), reason=ByVanishingSquare("u squared")
        ),
        Line(
            label="N",
            sentence=say("And all weights are 0, as {claim}."),
            claim=N <= 0,
            reason=From(
                (part("minimal", 2 / lam), part("value", 2 / lam), part("A", (A - 2) / (2 * lam))),
                plus=(2 * SQUARE / lam,),
            ),
        ),
    ),
    conclusions=(
        Conclusion(N <= 0, From((part("N"),))),
        Conclusion(
            equal(R, QUARTER),
            From((part("risk"), part("u", u - (1 - A) / 2), part("A", (A - 2) / 4))),
        ),
    ),
)


def _opposite() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion and risk on x and −x, both with label 1."""
    for network, x, _ in networks():
        outputs = [dropout_output(network, tuple(s * v for v in x), None, ())[0] for s in (1, -1)]
        risk = sum((Fraction(output) - 1) ** 2 for output in outputs) / 2
        norm = squared_norm(network)
        yield {lam: F(2), R: risk, N: norm, J_2: risk + norm}


FOOTNOTE = Derivation(
    name="theorem-7-footnote",
    supporting=True,
    title="Footnote 2: another isolated minimum",
    setting=say("On x and its negative, both with label 1, weights that are not all 0, any width"),
    quantified=(STRENGTH,),
    quantities=(
        Variable(term=R, meaning="the risk", kind="network", low=F(0), low_in=True),
        Variable(term=N, meaning="the sum of the squares of all weights", kind="network", low=F(0)),
        VALUES[4],
    ),
    lines=(
        Line(
            label="criterion",
            sentence=say("By definition {claim}."),
            claim=equal(J_2, R + lam / 2 * N),
            reason=InWords(_opposite, "4 networks with one hidden layer"),
        ),
    ),
    conclusions=(Conclusion(J_2 > 0, From((part("criterion"),), plus=(R, lam / 2 * N))),),
)
"""The network with weights 0 and output bias 1 has J₂ = 0, and no other weights have."""
DERIVATIONS = (PATHS, CRITERION_VALUE, LEAST, ATTAINED, RISK_BELOW, ABOVE, FOOTNOTE)


def prove() -> Proof:
    """Prove the theorem, that the least risk is 0, and compare with a grid of networks."""
    further = [
        argument(
            "The least risk is 0: one unit with weights x, divided by the square of its norm, fits both examples. So "
            "the aversion, the largest risk of a minimiser, is the risk of every minimiser as found."
        ),
        enumerated(
            "It fits: the unit (3/25, 4/25) is 0 and 1 at the inputs 0 and (3, 4), and so is 1/3 at 0 and 3.",
            (
                ([dropout_output(Network([[row], [1]]), v, None, ())[0] for v in ((0,) * len(x), x)], [0, 1])
                for row, x in (((F(3, 25), F(4, 25)), (3, 4)), ((F(1, 3),), (3,)))
            ),
        ),
        enumerated(
            r"$x = (3, 4)$, $\lambda = 2$: the stated network has $J_2 = \frac6{25}$ and risk $\frac4{25}$, and no "
            r"network of a grid is below.",
            _grid(),
            "2-1-1 with 7 values per weight and 3 per bias: 3087 networks",
        ),
        enumerated(
            "Footnote 2: on x and -x, both with label 1, weights 0 and output bias 1 fit, at no cost. So this minimum "
            "is isolated for every n, but it is the network that learns nothing from x.",
            [
                (
                    [dropout_output(Network([[[0, 0]], [0]], [[b], 1]), (s * 3, s * 4), None, ())[0] for s in (1, -1)],
                    [1, 1],
                )
                for b in (0, 2)
            ],
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _grid() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(2)
    best = Network([[[F(3, 25), F(4, 25)]], [F(1, 5)]], [[0], F(2, 5)])
    yield weight_decay_criterion(best, x, strength), F(6, 25)
    outputs = [dropout_output(best, v, None, ())[0] for v in ((0, 0), x)]
    yield (outputs[0] ** 2 + (outputs[1] - 1) ** 2) / 2, F(4, 25)
    values = [F(j, 10) for j in (-4, -2, 0, 1, 2, 4, 8)]
    biases = [F(j, 10) for j in (-2, 0, 2)]
    lowest = min(
        weight_decay_criterion(Network([[[v1, v2]], [v]], [[b], c]), x, strength)
        for v1, v2, v in itertools.product(values, repeat=3)
        for b, c in itertools.product(biases, (F(0), F(2, 5), HALF))
    )
    yield lowest >= F(6, 25), True


@register(
    id="helmbold-2017-theorem-7",
    title="The weight-decay aversion, and the threshold where weights vanish",
    source="helmbold2017",
    number="Theorem 7",
    printed=say(
        "Two layers of weights, any width, {0}, {1} the norm of x: the weight-decay aversion of P(x,1) is the smaller "
        "of {2} and {3}; for {4} the only optimum has all weights 0 and output bias {5}.",
        lam > 0,
        r,
        number(QUARTER),
        lam**2 / r**2,
        2 * lam > r,
        number(HALF),
    ),
    derivations=DERIVATIONS,
    verdict="holds",
)
def theorem_7() -> Proof:
    """Prove the entry as declared."""
    return prove()
