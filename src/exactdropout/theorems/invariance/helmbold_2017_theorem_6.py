"""Theorem 6 of Helmbold and Long (2017): labels × c multiply the dropout aversion by c².

Scaling the output weights and the output bias by c is a bijection of networks for c ≠ 0 (its inverse scales by 1/c)
and multiplies D and W(x) by c, so criterion and risk on the scaled labels are c² times those on the old ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.invariance.helmbold_2017_theorem_4 import NETWORK, averages, of
from exactdropout.theorems.proof import Proof, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, Line, part, say
from exactdropout.theorems.statements.rules import ByBijection
from exactdropout.theorems.statements.terms import Term, equal, symbol, symbols

__all__ = ["LABELS", "prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(1, (2,), outputs=2))
a, e, w, h, v, D, y, c, k, j, W, U, P, Q = symbols("a e w h v D y c k j W U P Q")
D_NEW = symbol("D", "new")
FACTOR = e * a
INVERSE = e / a


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion and risk before and after, for a factor of either sign."""
    weights, biases = [[1, -2], [Fraction(1, 2), 3]], [Fraction(1, 3), -1]
    rates = (Fraction(1, 3),) * 2
    point = (Fraction(3, 2), -1)
    before = naive_evaluation(Network([weights, [3, -2]], [biases, Fraction(1, 2)]), Examples.half(point, 2), rates)
    for size in (Fraction(3, 2), Fraction(2)):
        for sign in (1, -1):
            f = size * sign
            network = Network([weights, [3 * f, -2 * f]], [biases, f / 2])
            after = naive_evaluation(network, Examples.half(point, 2 * f), rates)
            yield {
                a: size, e: Fraction(sign),
                of("J", W, P): Fraction(before.criterion), of("R", W, P): Fraction(before.risk),
                of("J", U, Q): Fraction(after.criterion), of("R", U, Q): Fraction(after.risk),
            }  # fmt: skip


_CLAIM = equal(of("aversion", Q), a**2 * of("aversion", P))
_LOST = (D_NEW - FACTOR * y) ** 2

LABELS = Derivation(
    name="theorem-6",
    title="Scaling the labels scales the dropout aversion by the square",
    setting=say(
        "Any distribution {0}, and {1}, in which all labels are multiplied by {2}, {3} a sign", P, Q, FACTOR, e
    ),
    quantified=(
        NETWORK,
        real(a, "the size of the factor of the labels", low=0),
        real(e, "the sign of the factor of the labels, 1 as printed"),
        real(y, "a label"),
    ),
    quantities=(
        quantity(D, "the output under a dropout pattern"),
        quantity(D_NEW, "that of the image, with output weights and output bias times the factor"),
        quantity(of("J", W, P), "the criterion"),
        quantity(of("J", U, Q), "that of the image on the scaled labels"),
        quantity(of("R", W, P), "the risk"),
        quantity(of("R", U, Q), "that of the image"),
        quantity(of("aversion", P), "the largest risk of a minimiser of the criterion, less the least risk of all"),
        quantity(of("aversion", Q), "the same for the scaled labels"),
    ),
    hypotheses=(Hypothesis("sign", equal(e**2, 1)),),
    auxiliary=(
        integer(k, 0, "a number of hidden units, taken into the output one after the other"),
        integer(j, 0, "a number of patterns and examples"),
        real(w, "an output weight"),
        real(h, "the value of a hidden unit, its mask included"),
        real(v, "the output bias"),
        real(c, "a probability"),
    ),
    lines=(
        Line(
            label="output",
            sentence=say("The hidden units are the same, so the output is multiplied, from its bias on: {claim}."),
            claim=equal(D_NEW, FACTOR * D),
            reason=ByInduction(
                k,
                ((D, v), (D_NEW, FACTOR * v)),
                ((D, D + w * h), (D_NEW, D_NEW + FACTOR * w * h)),
            ),
        ),
        Line(
            label="loss",
            sentence=say("Squared errors are multiplied by {0}: {claim}.", a**2),
            claim=equal(_LOST, a**2 * (D - y) ** 2),
            reason=From(
                (part("output", D_NEW + FACTOR * D - 2 * FACTOR * y), part("sign", a**2 * (D - y) ** 2)),
            ),
        ),
        *averages((of("J", W, P), of("R", W, P)), (of("J", U, Q), of("R", U, Q)), a**2, ((D - y) ** 2, _LOST)),
        Line(
            label="listed",
            sentence=say("By the double loop {claim}."),
            claim=equal(of("J", U, Q), a**2 * of("J", W, P)),
            reason=ByInstances(_criteria, "a network 2-2-1, 16 masks, two examples, factors 3/2 and 2 of both signs"),
        ),
        Line(
            label="there",
            sentence=say("The inverse map divides again: {claim}."),
            claim=equal(w * FACTOR * INVERSE, w),
            reason=From((part("sign", w),)),
        ),
        Line(
            label="back",
            sentence=say("It is one in the other order, too: {claim}."),
            claim=equal(w * INVERSE * FACTOR, w),
            reason=From((part("sign", w),)),
        ),
    ),
    conclusions=(
        Conclusion(equal(D_NEW, FACTOR * D), From((part("output"),))),
        Conclusion(_CLAIM, ByBijection("criterion", "risk", "there", "back")),
    ),
)
DERIVATIONS = (LABELS,)


def prove(power: int = 2) -> Proof:
    """Prove the theorem, and with free symbols that criterion and risk are multiplied by c^power; only 2 works."""
    further = [
        step(
            rf"With all weights, inputs, labels and $c$ free: $J' = c^{power} J$, $R' = c^{power} R$: {arch}.",
            "derivation",
            _scaled_by(arch, power),
        )
        for arch in SIZES
    ]
    return proved("holds", DERIVATIONS, further)


def _scaled_by(arch: Architecture, power: int) -> bool:
    factor = sympy.Symbol("c_0", real=True)
    network, data = free_network(arch), free_examples(arch.inputs, arch.outputs)
    last = network.biases[-1]
    assert last is not None
    scaled = Network([*network.weights[:-1], network.weights[-1] * factor], [*network.biases[:-1], last * factor])
    moved = Examples.from_arrays(data.inputs, data.labels * factor)
    rate = Fraction(1, 2)
    before, after = derive(network, data, rate), derive(scaled, moved, rate)
    return all(
        sympy.expand(g.expr - factor**power * f.expr) == 0
        for f, g in ((before.criterion, after.criterion), (before.risk, after.risk))
    )


@register(
    id="helmbold-2017-theorem-6",
    title="Scaling the labels scales the dropout aversion by the square",
    source="helmbold2017",
    number="Theorem 6",
    printed=say("If all labels are multiplied by {0}, the aversion is multiplied by {1}: {2}.", a > 0, a**2, _CLAIM),
    derivations=DERIVATIONS,
    verdict="holds",
)
def theorem_6() -> Proof:
    """Prove the entry as declared."""
    return prove()
