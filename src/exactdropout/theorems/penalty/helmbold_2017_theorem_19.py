"""Theorem 19 of Helmbold and Long (2017): the penalty can be negative, and where signs forbid it.

Printed: for a negative penalty a weight, an input or a bias must be negative. Proved, a little sharper: if all hidden
weights, hidden biases and inputs are ≥ 0, the penalty is Var_R D ≥ 0, whatever the output weights and output bias.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.definitions import KEEP, RATE, integer, p, quantity, real
from exactdropout.theorems.lemmas.mean_of_squares import FIRST, MEAN_OF_SQUARES, SECOND, cases
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import FIGURE_1
from exactdropout.theorems.proof import Proof, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByCases, ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["NO_NEGATIVE", "prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(1, (1, 1, 1)), Architecture(2, (2,), outputs=2))
HALF = Fraction(1, 2)
WITNESSES = {
    "only weights are negative": (Network([[[1, -1], [1, -1]], [1, 1]]), Examples.point((1, 1), 8)),
    "only a hidden bias is negative": (Network([[[1]], [1]], [[-1], None]), Examples.point((1,), 2)),
}
k, j, N, w, h, mu, v, x, y, a, S, H, J, R, W = symbols("k j N w h mu v x y a S H J R W")
MEAN_OF_SUM, MEAN_OF_UNIT, OF_SUM = symbol("S", "mean"), symbol("H", "mean"), symbol("S", 0)


def _networks() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, risk and moments of networks without a negative hidden number, at labels of both signs."""
    for entries in itertools.product((0, 1), repeat=7):
        first, point, bias = entries[:4], entries[4:6], Fraction(entries[6], 2)
        network = Network([[first[:2], first[2:]], [2, -1]], [[bias, bias], -3])
        yield _values(network, point, Fraction(5))
    deep = Network([[[1, 2], [3, 0]], [[1, 1]], [-2]], [[1, 0], [2], HALF])
    yield _values(deep, (1, 2), Fraction(-3))


def _values(network: Network, point: tuple[int, ...], label: Fraction) -> dict[Term, Any]:
    rates = (Fraction(1, 3),) * len(network.weights)
    found = naive_evaluation(network, Examples.point(point, label), rates)
    mean = Fraction(found.mean[0])
    return {
        y: label, J: Fraction(found.criterion), R: Fraction(found.risk), W: Fraction(found.per_example.output[0, 0]),
        FIRST: mean, SECOND: Fraction(found.variance) + mean**2,
    }  # fmt: skip


_CASES = "128 networks 2-2-1 and one 2-2-1-1, q = 1/3"

NO_NEGATIVE = Derivation(
    name="theorem-19",
    title="Without a negative number the penalty is a variance",
    setting=say("Hidden weights, hidden biases and inputs that are not negative, any depth, output weights and bias"),
    quantified=(
        RATE,
        integer(j, 0, "the number of layers"),
        integer(N, 0, "the number of dropout patterns"),
        real(y, "the label of an example"),
    ),
    definitions=(KEEP,),
    quantities=(
        quantity(J, "the mean squared error of an example under dropout"),
        quantity(R, "its squared error without dropout"),
        quantity(W, "the output without dropout"),
        quantity(FIRST, "the mean output under dropout"),
        quantity(SECOND, "the mean of its square"),
        quantity(S, "a pre-activation under a pattern"),
        quantity(MEAN_OF_SUM, "the mean of a pre-activation"),
        quantity(OF_SUM, "the pre-activation without dropout"),
        quantity(MEAN_OF_UNIT, "the mean of the value of a unit"),
        quantity(H, "its value without dropout"),
    ),
    auxiliary=(
        integer(k, 0, "a number of units below, taken into the sum one after the other"),
        real(w, "a hidden weight", low=0, low_in=True),
        real(h, "the value of the unit below it", low=0, low_in=True),
        real(mu, "the mask of that unit over the probability to be kept", low=0, low_in=True),
        real(v, "a hidden bias", low=0, low_in=True),
        real(a, "a pre-activation that is not negative", low=0, low_in=True),
        real(x, "an input; as a value below it is not negative"),
    ),
    lines=(
        Line(
            label="sign",
            sentence=say("Pre-activations are not negative, from the bias on: {claim}."),
            claim=S >= 0,
            reason=ByInduction(k, ((S, v),), ((S, S + w * (mu * h)),), plus=(w * (mu * h),)),
        ),
        Line(
            label="linear",
            sentence=say("So relu is idle under every pattern, and hidden values are not negative again: {claim}."),
            claim=equal(apply("relu", a), a),
            reason=ByCases(()),
        ),
        Line(
            label="mask",
            sentence=say("A mask is {0} or 0: its mean is {claim}.", 1 / p),
            claim=equal(p * (1 / p), 1),
        ),
        Line(
            label="sum",
            sentence=say(
                "The value below depends on other masks, so its mean is multiplied by that of its own: if means are "
                "values without dropout below, {claim}."
            ),
            claim=equal(MEAN_OF_SUM, OF_SUM),
            reason=ByInduction(
                k,
                ((MEAN_OF_SUM, v), (OF_SUM, v)),
                ((MEAN_OF_SUM, MEAN_OF_SUM + w * (p * (1 / p) * h)), (OF_SUM, OF_SUM + w * h)),
                parts=(part("mask", w * h),),
            ),
        ),
        Line(
            label="units",
            sentence=say("By induction on the layers, from the inputs on, {claim}."),
            claim=equal(MEAN_OF_UNIT, H),
            reason=ByInduction(
                j,
                ((MEAN_OF_UNIT, x), (H, x)),
                ((MEAN_OF_UNIT, MEAN_OF_SUM), (H, OF_SUM)),
                factor=number(0),
                parts=(part("sum"),),
            ),
        ),
        Line(
            label="output",
            sentence=say("The output is linear with weights of any sign, so {claim}."),
            claim=equal(FIRST, W),
            reason=InWords(_networks, _CASES),
        ),
        Line(
            label="criterion",
            sentence=say("Squares are expanded: {claim}."),
            claim=equal(J, SECOND - 2 * y * FIRST + y**2),
            reason=InWords(_networks, _CASES),
        ),
        Line(
            label="risk",
            sentence=say("Without dropout {claim}."),
            claim=equal(R, (W - y) ** 2),
            reason=InWords(_networks, _CASES),
        ),
        Line(
            label="squares",
            sentence=say("A mean of squares is at least the square of the mean: {claim}."),
            claim=SECOND >= FIRST**2,
            reason=ByLemma(MEAN_OF_SQUARES, ((cases, N),)),
        ),
        Line(
            label="variance",
            sentence=say("So the penalty is the variance: {claim}."),
            claim=equal(J - R, SECOND - FIRST**2),
            reason=From((part("criterion"), part("risk", -1), part("output", FIRST + W - 2 * y))),
        ),
    ),
    conclusions=(
        Conclusion(equal(J - R, SECOND - FIRST**2), From((part("variance"),))),
        Conclusion(J >= R, From((part("variance"), part("squares")))),
    ),
)
"""J − R = Var D ≥ 0 for each example, and so for means over examples and sums over outputs."""
DERIVATIONS = (FIGURE_1, NO_NEGATIVE)


def prove(*, hidden_sign: str = "~") -> Proof:
    """Prove both halves; with free symbols for ``hidden_sign="~"``, hidden weights ≥ 0, and nothing less will do."""
    further = [
        enumerated(
            "The penalty is negative where only weights or only a hidden bias are negative, too.",
            ((naive_evaluation(network, data, (HALF, HALF)).penalty < 0, True) for network, data in WITNESSES.values()),
            "16 and 4 masks, q = 1/2",
        ),
        *(
            step(
                "With free non-negative hidden weights, hidden biases and inputs, and free output weights, output "
                f"bias, label and q: penalty = variance, E D = W(x): {arch}.",
                "derivation",
                _bias_vanishes(arch, hidden_sign == "~"),
            )
            for arch in SIZES
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _bias_vanishes(arch: Architecture, nonnegative: bool) -> bool:
    free = free_network(arch, nonnegative=nonnegative)
    biases = [
        [sympy.Symbol(f"{s}p", nonnegative=nonnegative or None) for s in b] for b in free.biases[:-1] if b is not None
    ]
    signed = free_network(arch)
    network = Network([*free.weights[:-1], signed.weights[-1]], [*biases, free.biases[-1]])
    data = free_examples(arch.inputs, arch.outputs, nonnegative=nonnegative)
    derived = derive(network, data)
    difference = sympy.expand(derived.penalty.expr - derived.variance.expr) if arch.depth == 2 else sympy.S.Zero
    return derived.bias.is_identically_zero() and sympy.cancel(difference) == 0


@register(
    id="helmbold-2017-theorem-19",
    title="The penalty can be negative, but not without a negative number",
    source="helmbold2017",
    number="Theorem 19",
    printed=say("The penalty can be negative: {0}; this needs a negative weight, input or bias.", J - R < 0),
    derivations=DERIVATIONS,
    verdict="holds",
    correction=r"In the printed display the first term is $(E_R \mathcal D - y)^2$; its parenthesis is closed nowhere.",
)
def theorem_19() -> Proof:
    """Prove the entry as declared."""
    return prove()
