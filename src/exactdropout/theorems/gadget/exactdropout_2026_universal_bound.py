"""Derived here: no network whatever has J_D < ½ q^K/(1 + q^K) on P_(1,1), and wide gadget networks approach it.

When all inputs are dropped the network cannot tell the two examples apart. With U its (random) output on the input 0,
2 J_D ≥ E U² + q^K E (U − 1)² ≥ q^K/(1 + q^K). Any activations, weights, biases, widths and hidden rates. The gadget
network is at most λ (K + d − 2)/(2 (n − λ (d − 2))) above.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.definitions import INPUTS, OPEN_RATE, K, q, quantity
from exactdropout.theorems.gadget.gadget_optimum import GADGET_OPTIMUM, GADGET_RATE
from exactdropout.theorems.proof import Proof, Step, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, lemma_step, proved
from exactdropout.theorems.statements.lines import From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, symbol

__all__ = ["UNIVERSAL_BOUND", "best_gadget_steps", "bound", "prove"]

J, MEAN, SQUARE = symbol("J"), symbol("U", 1), symbol("U", 2)
LOWER = q**K / (2 * (1 + q**K))
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def bound(inputs: int, rate: Fraction) -> Fraction:
    """Return ½ q^K/(1 + q^K)."""
    return rate**inputs / (2 * (1 + rate**inputs))


def best_gadget_steps() -> list[Step]:
    """Return the lemma on the best gadget network as a step."""
    return [lemma_step(GADGET_OPTIMUM)]


def _networks() -> Iterator[Network]:
    yield Network([[HALF]])  # right wherever an input is kept, at q = 1/2: equality
    yield Network([[[1]], [HALF]], [[0], THIRD])
    yield Network([[[-2]], [3]], [[1], -1])
    yield Network([[[1, -1], [2, 1]], [1, -HALF]], [[0, 1], HALF])
    yield Network([[[1, 1], [-1, 1]], [THIRD, 2]], [[HALF, -1], 0])
    yield Network([[[2]], [[-1], [1]], [1, 1]], [[1], [0, HALF], 0])


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D on P_(1,1), and mean and mean square of the output on the input 0, for given networks."""
    for network, rate in itertools.product(_networks(), (HALF, THIRD)):
        inputs, depth = network.architecture.inputs, network.architecture.depth
        rates, moments = (rate,) * depth, [Fraction(0), Fraction(0)]
        for mask, chance in masks(network, rates):
            output = Fraction(dropout_output(network, (0,) * inputs, mask, rates)[0])
            moments = [moments[0] + chance * output, moments[1] + chance * output**2]
        found = naive_evaluation(network, Examples.half((1,) * inputs, 1), rates).criterion
        yield {K: Fraction(inputs), q: rate, J: Fraction(found), MEAN: moments[0], SQUARE: moments[1]}


_CASES = "double loop: 6 networks with one and two inputs, up to two hidden layers; q = 1/2, 1/3"

UNIVERSAL_BOUND = Derivation(
    name="universal-bound",
    title="The best that any network can do",
    setting=say("Any network on P(1,1) with {0} inputs, any activations and hidden rates", K),
    quantified=(INPUTS, OPEN_RATE),
    quantities=(
        quantity(
            J,
            "the dropout criterion of a network on the distribution with all inputs 1 and label 1, or all "
            "inputs 0 and label 0, each with probability one half",
        ),
        quantity(MEAN, "the mean, over the masks of the hidden units, of the output on the input 0"),
        quantity(SQUARE, "the mean of its square"),
    ),
    lines=(
        Line(
            label="dropped",
            sentence=say(
                "With probability {0} all inputs are dropped, and then both examples give the output on the input 0; "
                "other masks of the second example cost at least 0. So {claim}.",
                q**K,
            ),
            claim=2 * J >= SQUARE + q**K * (SQUARE - 2 * MEAN + 1),
            reason=InWords(_criteria, _CASES),
        ),
        Line(
            label="squares",
            sentence=say("A mean of squares is at least the square of the mean: {claim}."),
            claim=SQUARE >= MEAN**2,
            reason=InWords(_criteria, _CASES),
        ),
        Line(
            label="both",
            sentence=say("Together {claim}."),
            claim=2 * J >= q**K / (1 + q**K),
            reason=From(
                (part("dropped"), part("squares", 1 + q**K)),
                plus=((1 + q**K) * (MEAN - q**K / (1 + q**K)) ** 2,),
            ),
        ),
    ),
    conclusions=(Conclusion(J >= LOWER, From((part("both", HALF),))),),
)
DERIVATIONS = (UNIVERSAL_BOUND, GADGET_RATE)


def prove() -> Proof:
    """Prove both parts, and compare with a grid of networks."""
    grid = enumerated(
        "No network of a grid is below: 2-2-1 with hidden weights -1, 0, 1, given biases and output weights.",
        _grid(),
        "324 networks, 16 masks, q = 1/2",
    )
    return proved("holds", DERIVATIONS, [grid])


def _grid() -> Iterator[tuple[object, object]]:
    data = Examples.half((1, 1), 1)
    lowest = min(
        naive_evaluation(Network([[w[:2], w[2:]], [v, v]], [[0, 0], b]), data, (HALF, HALF)).criterion
        for w in itertools.product((-1, 0, 1), repeat=4)
        for v in (Fraction(1, 4), HALF)
        for b in (0, Fraction(1, 5))
    )
    yield lowest >= bound(2, HALF), True


@register(
    id="exactdropout-2026-universal-bound",
    title="The best that any network can do on P_(1,1)",
    source="exactdropout2026",
    number="universal bound",
    derivations=DERIVATIONS,
    verdict="holds",
)
def universal_bound() -> Proof:
    """Prove the entry as declared."""
    return prove()
