"""Figure 1 and Equation (2) of Helmbold and Long (2017): a network whose dropout penalty is negative.

K = 2, two hidden relu units, all weights 1, no biases, x = (1, −1), y = 8, q = 1/2: J_D = 54, R = 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_law
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.definitions import quantity
from exactdropout.theorems.proof import Proof, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInstances, From, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["FIGURE_1", "NETWORK", "POINT", "prove"]

NETWORK = Network([[[1, 1], [1, 1]], [1, 1]])
POINT = Examples.point((1, -1), 8)
HALF = Fraction(1, 2)
J, R, M, V, W = symbols("J R M V W")
CHANCES = {value: symbol("P", value) for value in (8, 4, 0)}
_SIXTEENTHS = {8: 1, 4: 2, 0: 13}


def _found() -> Iterator[Mapping[Term, Any]]:
    """Yield the numbers of the network, mask by mask."""
    found = naive_evaluation(NETWORK, POINT, (HALF, HALF))
    law = {value: p for (value,), p in naive_law(NETWORK, (1, -1), (HALF, HALF)).items()}
    mean = sum((p * value for value, p in law.items()), Fraction(0))
    yield {
        J: Fraction(found.criterion), R: Fraction(found.risk), M: mean, W: Fraction(found.per_example.output[0, 0]),
        V: sum((p * value**2 for value, p in law.items()), Fraction(0)) - mean**2,
        **{term: law[value] for value, term in CHANCES.items()},
    }  # fmt: skip


def _listed(label: str, sentence: str, claim: Any) -> Line:
    return Line(
        label=label, sentence=say(sentence), claim=claim, reason=ByInstances(_found, "all 16 masks", whole=True)
    )


_LOSS = sum((CHANCES[value] * (number(value) - 8) ** 2 for value in (4, 0)), CHANCES[8] * (number(8) - 8) ** 2)

FIGURE_1 = Derivation(
    name="figure-1",
    title="A network with a negative dropout penalty",
    setting=say(
        "Two inputs, two hidden relu units, all weights 1, no biases, input {0} and {1}, label 8, drop probability {2}",
        number(1),
        number(-1),
        number(HALF),
    ),
    quantified=(),
    quantities=(
        quantity(J, "the criterion of this network"),
        quantity(R, "its risk"),
        quantity(W, "its output without dropout"),
        quantity(M, "its mean output"),
        quantity(V, "the variance of its output"),
        *(quantity(term, f"the probability of the output {value}") for value, term in CHANCES.items()),
    ),
    lines=(
        *(
            _listed(f"law {value}", "Among the masks {claim}.", equal(term, Fraction(_SIXTEENTHS[value], 16)))
            for value, term in CHANCES.items()
        ),
        _listed("criterion", "These are all values, as in Equation (2): {claim}.", equal(J, _LOSS)),
        _listed("output", "Without dropout both units are 0: {claim}.", equal(W, 0)),
        _listed("risk", "So {claim}.", equal(R, (W - 8) ** 2)),
        _listed("mean", "The mean output is {claim}.", equal(M, 1)),
        _listed("variance", "Its variance is {claim}.", equal(V, 5)),
        Line(
            label="value",
            sentence=say("Together {claim}."),
            claim=equal(J, 54),
            reason=From(
                (
                    part("criterion"),
                    *(part(f"law {value}", (number(value) - 8) ** 2) for value in CHANCES),
                )
            ),
        ),
        Line(
            label="loss",
            sentence=say("And {claim}."),
            claim=equal(R, 64),
            reason=From((part("risk"), part("output", W - 16))),
        ),
    ),
    conclusions=(
        Conclusion(equal(J, 54), From((part("value"),))),
        Conclusion(equal(R, 64), From((part("loss"),))),
        Conclusion(equal(J - R, -10), From((part("value"), part("loss", -1)))),
        Conclusion(
            equal(J - R, V + (M - 8) ** 2 - (W - 8) ** 2),
            From(
                (
                    part("value"),
                    part("risk", -1),
                    part("variance", -1),
                    part("mean", -(M - 15)),
                )
            ),
        ),
    ),
)
DERIVATIONS = (FIGURE_1,)


def prove(criterion: int = 54, risk: int = 64, penalty: int = -10, variance: int = 5) -> Proof:
    """Prove the numbers mask by mask, and compare with the symbolic engine."""
    derived = derive(NETWORK, POINT, HALF)
    found = (derived.criterion, derived.risk, derived.penalty, derived.variance, derived.mean[0])
    further = [
        step(
            "The symbolic engine finds the same criterion, risk, penalty, variance and mean.",
            "derivation",
            tuple(f.evaluate({}) for f in found) == tuple(map(Fraction, (criterion, risk, penalty, variance, 1))),
        )
    ]
    return proved("holds", DERIVATIONS, further)


@register(
    id="helmbold-2017-figure-1",
    title="A network with a negative dropout penalty",
    source="helmbold2017",
    number="Figure 1",
    derivations=DERIVATIONS,
    verdict="holds",
    correction="The text below Equation (2) lets the variance of the output explain this. The variance is 5 and adds "
    "5; the mean, 1 in place of 0, takes 15 away.",
)
def figure_1() -> Proof:
    """Prove the entry as declared."""
    return prove()
