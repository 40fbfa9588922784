"""Theorem 4 of Helmbold and Long (2017): dropout does not feel a rescaling of the inputs.

For a diagonal invertible A let A∘P be the law of (Ax, y). The map W₁ ↦ W₁ A⁻¹ is a bijection of networks (its inverse
is W₁ ↦ W₁ A) that keeps the output for every dropout pattern, hence the criterion, the risk and the aversion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation, naive_gradient
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.proof import Proof, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByBijection
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["SAME_AVERSION", "averages", "prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(3, (1, 2), biases=False))
HALF = Fraction(1, 2)
a, b, w, x, mu, v, S, D, y, c, k, j, W, U, P, Q = symbols("a b w x mu v S D y c k j W U P Q")
S_NEW, D_NEW = symbol("S", "new"), symbol("D", "new")
NETWORK = Variable(term=W, meaning="any network", kind="weights")


def averages(before: tuple[Term, Term], after: tuple[Term, Term], factor: Term, lost: tuple[Term, Term]) -> list[Line]:
    """Return lines that criterion and risk are multiplied by a factor, as every squared error is.

    Args:
        before, after: criterion and risk of the network, and those of its image.
        factor: what the squared errors are multiplied by, which a line ``loss`` says.
        lost: the squared errors before and after.
    """
    return [
        Line(
            label=label,
            sentence=say(sentence),
            claim=equal(new, old if factor == number(1) else factor * old),
            reason=ByInduction(
                j,
                ((old, number(0)), (new, number(0))),
                ((old, old + c * lost[0]), (new, new + c * lost[1])),
                parts=(part("loss", c),),
            ),
        )
        for label, sentence, old, new in (
            ("criterion", "The criterion is a mean of squared errors, over patterns and examples: {claim}.",
             before[0], after[0]),
            ("risk", "The risk is one, too, with every factor of a mask equal to 1: {claim}.", before[1], after[1]),
        )
    ]  # fmt: skip


def of(function: str, *arguments: Term) -> Term:
    """Return criterion, risk or aversion of networks and distributions."""
    return apply(function, *arguments)


def _image() -> tuple[Network, Network, tuple[Fraction, ...]]:
    scales = (Fraction(2), Fraction(-3))
    weights = [[Fraction(1), Fraction(-2)], [HALF, Fraction(3)], [Fraction(2), Fraction(1)]]
    biases = [Fraction(1, 3), -1, 0]
    moved = [[weight / scale for weight, scale in zip(row, scales, strict=True)] for row in weights]
    before, after = (Network([rows, [1, -1, 2]], [biases, 1]) for rows in (weights, moved))
    return before, after, scales


def _outputs() -> Iterator[Mapping[Term, Any]]:
    """Yield outputs under every mask, before and after."""
    before, after, scales = _image()
    for point in ((Fraction(3, 2), Fraction(-1)), (Fraction(-2), Fraction(1, 3))):
        for rate in (HALF, Fraction(1, 3)):
            moved = tuple(scale * value for scale, value in zip(scales, point, strict=True))
            for mask, _ in masks(before, (rate, rate)):
                outputs = (
                    dropout_output(before, point, mask, (rate, rate)),
                    dropout_output(after, moved, mask, (rate, rate)),
                )
                yield {D: Fraction(outputs[0][0]), D_NEW: Fraction(outputs[1][0]), y: Fraction(2)}


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion and risk, before and after."""
    before, after, scales = _image()
    points = (((Fraction(3, 2), Fraction(-1)), 2), ((Fraction(-2), Fraction(1, 3)), -1))
    for rate in (HALF, Fraction(1, 3)):
        found = naive_evaluation(before, Examples.uniform(points), (rate, rate))
        scaled = [(tuple(s * u for s, u in zip(scales, point, strict=True)), label) for point, label in points]
        image = naive_evaluation(after, Examples.uniform(scaled), (rate, rate))
        yield {
            of("J", W, P): Fraction(found.criterion), of("R", W, P): Fraction(found.risk),
            of("J", U, Q): Fraction(image.criterion), of("R", U, Q): Fraction(image.risk),
        }  # fmt: skip


_CLAIM = equal(of("aversion", Q), of("aversion", P))

SAME_AVERSION = Derivation(
    name="theorem-4",
    title="Rescaling the inputs leaves the dropout aversion alone",
    setting=say(
        "Any distribution {0}, and {1}, in which each input is multiplied by the entry {2} of a diagonal matrix whose "
        "inverse has the entry {3}",
        P,
        Q,
        a,
        b,
    ),
    quantified=(
        NETWORK,
        real(a, "an entry of the diagonal matrix"),
        real(b, "the entry of its inverse"),
        real(y, "a label"),
    ),
    quantities=(
        quantity(D, "the output under a dropout pattern"),
        quantity(D_NEW, "that of the image, with the first weights times the inverse, on the rescaled input"),
        quantity(of("J", W, P), "the criterion"),
        quantity(of("J", U, Q), "that of the image on the rescaled distribution"),
        quantity(of("R", W, P), "the risk"),
        quantity(of("R", U, Q), "that of the image"),
        quantity(of("aversion", P), "the largest risk of a minimiser of the criterion, less the least risk of all"),
        quantity(of("aversion", Q), "the same for the rescaled distribution"),
    ),
    hypotheses=(Hypothesis("inverse", equal(a * b, 1)),),
    auxiliary=(
        integer(k, 0, "a number of inputs, taken into the sum one after the other"),
        integer(j, 0, "a number of patterns and examples"),
        real(w, "a first weight"),
        real(x, "an input"),
        real(mu, "the mask of that input, divided by the probability to be kept"),
        real(v, "a hidden bias"),
        real(c, "a probability"),
        real(S, "a pre-activation, as far as it is summed"),
        real(S_NEW, "the same of the image"),
    ),
    lines=(
        Line(
            label="input",
            sentence=say("The image has the weight {0} for {1}. For one input {claim}.", w * b, w),
            claim=equal((w * b) * (mu * (a * x)), w * (mu * x)),
            reason=From((part("inverse", w * mu * x),)),
        ),
        Line(
            label="sum",
            sentence=say("So first pre-activations are the same, from the bias on: {claim}."),
            claim=equal(S_NEW, S),
            reason=ByInduction(
                k,
                ((S, v), (S_NEW, v)),
                ((S, S + w * (mu * x)), (S_NEW, S_NEW + (w * b) * (mu * (a * x)))),
                parts=(part("input"),),
            ),
        ),
        Line(
            label="output",
            sentence=say("Later weights, biases and masks are the same, and so is the output: {claim}."),
            claim=equal(D_NEW, D),
            reason=InWords(_outputs, "a network 2-3-1, all 32 masks, two inputs, q = 1/2, 1/3"),
        ),
        Line(
            label="loss",
            sentence=say("The squared errors are the same: {claim}."),
            claim=equal((D_NEW - y) ** 2, (D - y) ** 2),
            reason=From((part("output", D_NEW + D - 2 * y),)),
        ),
        *averages(
            (of("J", W, P), of("R", W, P)), (of("J", U, Q), of("R", U, Q)), number(1), ((D - y) ** 2, (D_NEW - y) ** 2)
        ),
        Line(
            label="listed",
            sentence=say("By the double loop {claim}."),
            claim=equal(of("J", U, Q), of("J", W, P)),
            reason=ByInstances(_criteria, "two examples, 32 masks, q = 1/2, 1/3"),
        ),
        Line(
            label="there",
            sentence=say("Every network is an image: {claim}."),
            claim=equal(w * a * b, w),
            reason=From((part("inverse", w),)),
        ),
        Line(
            label="back",
            sentence=say("And of one network only: {claim}."),
            claim=equal(w * b * a, w),
            reason=From((part("inverse", w),)),
        ),
    ),
    conclusions=(
        Conclusion(equal(D_NEW, D), From((part("output"),))),
        Conclusion(_CLAIM, ByBijection("criterion", "risk", "there", "back")),
    ),
)
DERIVATIONS = (SAME_AVERSION,)


def prove(power: int = -1) -> Proof:
    """Prove the theorem, and with free symbols for the map W₁ ↦ W₁ A^power, where only the power −1 works."""
    further = [
        *(
            step(
                f"With every weight, input and entry of A free, criterion and risk agree: {arch}.",
                "derivation",
                _same_criterion(arch, power),
            )
            for arch in SIZES
        ),
        enumerated(
            r"Centring is no such map: in the linear model with $x \in \{1, 3\}$, $y = x$, $q = \frac12$ the "
            r"aversion is $\frac{25}{36}$, and after $x \mapsto x - 2$ it is $\frac14$ (gradient 0 of a convex "
            r"criterion; the least risk is 0).",
            [
                _linear_minimiser((1, 3), Fraction(1, 6), Fraction(5, 3)),
                _linear_minimiser((-1, 1), Fraction(1, 2), Fraction(2)),
            ],
            "2 masks, 2 examples each",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _linear_minimiser(inputs: tuple[int, int], weight: Fraction, bias: Fraction) -> tuple[object, object]:
    """Gradient and risk of the network w x + b on the two inputs with labels 1 and 3."""
    data = Examples.uniform([((u,), label) for u, label in zip(inputs, (1, 3), strict=True)])
    network = Network([[weight]], [bias])
    gradient = naive_gradient(network, data, (HALF,))
    slope = gradient.biases[0]
    slopes = (gradient.weights[0][0, 0], None if slope is None else slope[0])
    return (slopes, naive_evaluation(network, data, (HALF,)).risk), ((0, 0), (1 - weight) ** 2)


def _same_criterion(arch: Architecture, power: int) -> bool:
    scales = sympy.symbols(f"a1:{arch.inputs + 1}", real=True)
    network, data = free_network(arch), free_examples(arch.inputs)
    first = [[u * s**-power for u, s in zip(row, scales, strict=True)] for row in network.weights[0].tolist()]
    scaled = Network([first, *network.weights[1:]], _biases(network))
    moved = Examples.point([s * u for s, u in zip(scales, data.inputs[0], strict=True)], data.labels[0, 0])
    rate = Fraction(1, 3)
    before, after = derive(scaled, data, rate), derive(network, moved, rate)
    return all(
        sympy.expand(f.expr - g.expr) == 0
        for f, g in ((before.criterion, after.criterion), (before.risk, after.risk), (before.mean[0], after.mean[0]))
    )


def _biases(network: Network) -> list[object] | None:
    return list(network.biases) if any(bias is not None for bias in network.biases) else None


@register(
    id="helmbold-2017-theorem-4",
    title="Rescaling the inputs leaves the dropout aversion alone",
    source="helmbold2017",
    number="Theorem 4",
    printed=say(
        "If a diagonal matrix of full rank is applied to all inputs, the aversion remains the same: {0}.", _CLAIM
    ),
    derivations=DERIVATIONS,
    verdict="holds",
)
def theorem_4() -> Proof:
    """Prove the entry as declared."""
    return prove()
