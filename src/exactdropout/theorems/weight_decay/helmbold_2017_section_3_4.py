"""Section 3.4 of Helmbold and Long (2017): weight decay with one layer and with two, and its two flexibilities.

On P_(x,1), with A = W(x) − W(0) and r² = x·x, the best output bias leaves ¼ (1 − A)² + (λ/2) ‖W‖². One layer has
‖w‖² ≥ A²/r², and the minimiser has A = r²/(r² + 2λ) > 0 for every λ. Two layers have ‖W‖² ≥ 2 |A|/r (Theorem 7), and
A = 0 from 2λ = r on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import INPUTS, K, lam, quantity, real
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ, INPUT_NORM, PRODUCT, WEIGHT_NORM, pairs
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByCases, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByVanishingSquare
from exactdropout.theorems.statements.terms import Term, apply, equal, symbol, symbols
from exactdropout.theorems.weight_decay.weight_norm import (
    J_2,
    RADIUS,
    STRENGTH,
    r,
    u,
    weight_decay_criterion,
)

__all__ = ["prove"]

F = Fraction
c, h, t, z, S = symbols("c h t z S")
OTHER = symbol("S", "new")
_TOTAL = r**2 + 2 * lam
_LEAST = lam / (2 * _TOTAL)
_BEST = r**2 / _TOTAL


def _one_layer() -> Iterator[Mapping[Term, Any]]:
    """Yield J₂ of networks with one layer, on P_(x,1)."""
    for (x, radius), bias, strength in itertools.product(
        (((3, 4), F(5)), ((1, 2, -2), F(3))), (F(1, 3), F(-1)), (F(1), F(5, 2))
    ):
        weights = [F(2 - place, 7) for place in range(len(x))]
        yield {
            r: radius, lam: strength, u: bias, INPUT_NORM: F(sum(v * v for v in x)),
            PRODUCT: sum((w * v for w, v in zip(weights, x, strict=True)), F(0)),
            WEIGHT_NORM: sum((w * w for w in weights), F(0)),
            J_2: weight_decay_criterion(Network([[weights]], [bias]), x, strength),
        }  # fmt: skip


_VALUE = equal(J_2, (u - (1 - PRODUCT) / 2) ** 2 + (1 - PRODUCT) ** 2 / 4 + lam / 2 * WEIGHT_NORM)
_TIMES = 4 * r**2 / _TOTAL

ONE_LAYER = Derivation(
    name="one-layer",
    title="One layer keeps the signal",
    setting=say(
        "One layer, P(x,1), {0} the norm of x, {1} weights times x, least criterion",
        r,
        PRODUCT,
    ),
    quantified=(INPUTS, RADIUS, STRENGTH),
    quantities=(
        quantity(PRODUCT, "the product of weights and x"),
        quantity(WEIGHT_NORM, "the sum of the squares of the weights"),
        quantity(INPUT_NORM, "the sum of the squares of x"),
        quantity(u, "the output bias"),
        quantity(J_2, "the weight-decay criterion"),
    ),
    hypotheses=(Hypothesis("minimal", J_2 <= _LEAST),),
    lines=(
        Line(
            label="criterion",
            sentence=say("By definition {claim}."),
            claim=equal(J_2, u**2 / 2 + (u + PRODUCT - 1) ** 2 / 2 + lam / 2 * WEIGHT_NORM),
            reason=InWords(_one_layer, "8 networks with two and three inputs"),
        ),
        Line(
            label="value",
            sentence=say("With a square completed, {claim}."),
            claim=_VALUE,
            reason=From((part("criterion"),)),
        ),
        Line(
            label="norm",
            sentence=say("By definition of the norm {claim}."),
            claim=equal(INPUT_NORM, r**2),
            reason=InWords(_one_layer, "the same"),
        ),
        Line(
            label="cauchy",
            sentence=say("By the inequality of Cauchy and Schwarz {claim}."),
            claim=WEIGHT_NORM * INPUT_NORM >= PRODUCT**2,
            reason=ByLemma(CAUCHY_SCHWARZ, ((pairs, K),)),
        ),
        Line(
            label="square",
            sentence=say("Nothing is left for the square of the distance to {0}: {claim}.", _BEST),
            claim=(PRODUCT - _BEST) ** 2 <= 0,
            reason=From(
                tuple(
                    part(label, factor)
                    for label, factor in (
                        ("minimal", _TIMES),
                        ("value", _TIMES),
                        ("cauchy", 2 * lam / _TOTAL),
                        ("norm", -(2 * lam * WEIGHT_NORM / _TOTAL)),
                    )
                ),
                plus=(_TIMES * (u - (1 - PRODUCT) / 2) ** 2,),
            ),
        ),
        Line(
            label="product",
            sentence=say("So {claim}."),
            claim=equal(PRODUCT, _BEST),
            reason=ByVanishingSquare("square"),
        ),
    ),
    conclusions=(
        Conclusion(equal(PRODUCT, _BEST), From((part("product"),))),
        Conclusion(PRODUCT > 0, From((part("product"),), plus=(_BEST,))),
    ),
)
"""A = r²/(r² + 2λ) > 0 for every λ; two layers have A = 0 from 2λ = r on."""

VERTICAL = Derivation(
    name="no-vertical-flexibility",
    title="No vertical flexibility",
    setting=say("Two layers, one times {0}, the other over {0}", c),
    quantified=(real(c, "the factor of a layer", low=0),),
    quantities=(
        quantity(S, "the squared norm of the one layer"),
        Variable(term=OTHER, meaning="that of the other", kind="network", low=F(0), low_in=True),
    ),
    conclusions=(Conclusion(c**2 * S + OTHER / c**2 >= c**2 * S, From((), plus=(OTHER / c**2,))),),
)
"""The penalty grows beyond every bound with the factor, where the one layer is not 0."""


def _shifted() -> Iterator[Mapping[Term, Any]]:
    """Yield units with one input 1: output weight and incoming weight h, and what they add to the output."""
    for root in (F(1), F(3, 5), F(5, 13), F(-1)):
        network = Network([[[root]], [root]])
        outputs = [F(dropout_output(network, (v,), None, ())[0]) for v in (0, 1)]
        yield {r: F(1), h: root, t: 2 * root**2, z: outputs[1] - outputs[0]}


def _listed() -> Iterator[Mapping[Term, Any]]:
    """Yield those with weights that are not negative."""
    return itertools.islice(_shifted(), 3)


_UNIT = apply("relu", h / r * r**2)

HORIZONTAL = Derivation(
    name="horizontal-flexibility",
    title="Horizontal flexibility",
    setting=say("A unit with output weight {0}, weights {1} times x", h, h / r),
    quantified=(
        RADIUS,
        real(h, "the output weight of a unit", low=0, low_in=True),
        real(t, "the squares that a unit costs"),
    ),
    quantities=(quantity(z, "what the unit adds to the output at x"),),
    hypotheses=(Hypothesis("cost", equal(h**2 + (h / r) ** 2 * r**2, t)),),
    lines=(
        Line(
            label="unit",
            sentence=say("At x the unit is {claim}."),
            claim=equal(_UNIT, h * r),
            reason=ByCases(()),
        ),
        Line(
            label="adds",
            sentence=say("To the output it adds {claim}."),
            claim=equal(z, h * _UNIT),
            reason=InWords(_shifted, "four units with one input"),
        ),
        Line(
            label="listed",
            sentence=say("That is linear in the cost, so any part of it may be moved from unit to unit: {claim}."),
            claim=equal(z, r / 2 * t),
            reason=ByInstances(_listed, "three units with one input"),
        ),
    ),
    conclusions=(Conclusion(equal(z, r / 2 * t), From((part("adds"), part("unit", h), part("cost", r / 2)))),),
)
"""What a unit adds is r/2 times what it costs."""

MOVED = Derivation(
    name="no-symmetry-of-dropout",
    supporting=True,
    title="It is no symmetry of dropout",
    setting=say("Two units that add {0} and {1} to the output, against one that adds both, last layer", S, z),
    quantified=(
        real(lam, "the relative variance of a mask", low=0),
        real(S, "what one unit adds", low=0),
        real(z, "what another adds", low=0),
    ),
    conclusions=(Conclusion(lam * (S + z) ** 2 > lam * S**2 + lam * z**2, From((), plus=(2 * lam * S * z,))),),
)
"""The dropout penalty of the last layer is λ Σ (w_j h_j)²."""
DERIVATIONS = (ONE_LAYER, VERTICAL, HORIZONTAL, MOVED)


def prove() -> Proof:
    """Prove the section, and compare with grids of networks."""
    further = [
        argument(
            "Two layers give the signal up: by Theorem 7 all weights are 0 as soon as the strength is half the norm "
            "of x. With one layer the signal stays at every strength."
        ),
        enumerated(
            r"$x = (3, 4)$, $\lambda = 5$: one layer with $A = \frac57$ has $J_2 = \frac1{14}$, and two layers with "
            r"all weights 0 and output bias $\frac12$ have $J_2 = \frac14$; no network of a grid is below.",
            _grids(),
            "625 networks 2-1, 1,125 networks 2-1-1",
        ),
        enumerated(
            r"$K = 1$, $x = 1$: two units that cost $(2, 0), (0, 2), (\frac{18}{25}, \frac{32}{25}), "
            r"(\frac{50}{169}, \frac{288}{169})$ have the outputs 0 and 1 and $J_2 = \lambda$.",
            _pairs(),
            "lambda = 1",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _grids() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(5)
    best = Network([[[F(15, 175), F(20, 175)]]], [F(1, 7)])
    least = F(5, 2 * 35)
    yield weight_decay_criterion(best, x, strength), least
    values = [F(k, 20) for k in (-4, -2, 0, 2, 4)]
    biases = [F(k, 4) for k in range(-2, 3)]
    one = [
        weight_decay_criterion(Network([[[v1, v2]]], [b + offset]), x, strength)
        for v1, v2 in itertools.product(values, repeat=2)
        for b, offset in itertools.product(biases, values)
    ]
    yield min(one) >= least, True
    zero = Network([[[0, 0]], [0]], [[0], F(1, 2)])
    yield weight_decay_criterion(zero, x, strength), F(1, 4)
    two = [
        weight_decay_criterion(Network([[[v1, v2]], [w]], [[b], offset]), x, strength)
        for v1, v2, w in itertools.product((F(-1, 5), F(0), F(1, 10), F(3, 10), F(1, 2)), repeat=3)
        for b in (F(-1, 5), F(0), F(1, 5))
        for offset in (F(0), F(1, 4), F(1, 2))
    ]
    yield (min(two) >= F(1, 4), len(one), len(two)), (True, 625, 1125)


def _pairs() -> Iterator[tuple[object, object]]:
    """Two units with one input 1 whose costs add up to 2: outputs at 0 and 1, and J₂."""
    for w1, w2 in ((F(1), F(0)), (F(0), F(1)), (F(3, 5), F(4, 5)), (F(5, 13), F(12, 13))):
        network = Network([[[w1], [w2]], [w1, w2]])
        outputs = [dropout_output(network, (v,), None, ())[0] for v in (0, 1)]
        yield (outputs, weight_decay_criterion(network, (1,), F(1))), ([0, 1], F(1))


@register(
    id="helmbold-2017-section-3-4",
    title="Weight decay with one layer and with two, and its flexibilities",
    source="helmbold2017",
    number="Section 3.4",
    printed="On P(x,1) weight decay regularises the signal away entirely with two layers and large strength, and "
    "never with one layer. Scaling one layer up and another down can drive its penalty to infinity; any part of a "
    "hidden unit's contribution may be shifted to another unit.",
    derivations=DERIVATIONS,
    verdict="holds",
)
def section_3_4() -> Proof:
    """Prove the entry as declared."""
    return prove()
