"""Derived here: with non-negative weights and inputs and no biases, growth in depth is a lower bound, not an example.

If E D > 0: E D²/(E D)² ≥ ∏_l (1 + λ_l/n_l) over the droppable layers (widths n_l, inputs first; λ_l = q_l/p_l), with
equality where all paths weigh the same, such as Theorem 18's network.

Proof. All units are linear on every mask. Given the masks above it, one more layer below multiplies the mean square of
a sum by 1 + λ_l/n_l at least, and by no more where its terms are equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, SPREAD, count, d, integer, lam, q, quantity
from exactdropout.theorems.lemmas.kept_counts import KEPT_COUNTS, k
from exactdropout.theorems.lemmas.kept_counts import MEAN as ONE_MEAN
from exactdropout.theorems.lemmas.kept_counts import SQUARE as ONE_SQUARE
from exactdropout.theorems.nonnegative.exactdropout_2026_every_depth import (
    GROWTH_OF_SQUARES,
    LAYERS_PRODUCT,
    MEAN,
    SQUARE,
    growth,
    rho,
)
from exactdropout.theorems.penalty.helmbold_2017_theorem_18 import FIRST, SECOND, C, constant_network
from exactdropout.theorems.proof import Proof
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number

__all__ = ["prove"]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def _moments(network: Network, x: tuple[int, ...], rates: tuple[Fraction, ...]) -> Mapping[Term, Any]:
    """Return d, ρ, E D and E D² of a network by the double loop."""
    found = naive_evaluation(network, Examples.point(x, 0), rates)
    widths = (len(x), *network.architecture.hidden)
    return {
        d: Fraction(len(widths)),
        rho: growth(widths, rates),
        MEAN: Fraction(found.mean[0]),
        SQUARE: Fraction(found.criterion),
    }


def _grid() -> Iterator[Mapping[Term, Any]]:
    for rate, w, x in itertools.product(
        (HALF, THIRD), itertools.product((0, 2), (0, 1), (0, 1), (1, 3)), ((1, 1), (1, 2))
    ):
        found = _moments(Network([[w[:2], w[2:]], [1, 2]]), x, (rate, rate))
        if found[MEAN] > 0:
            yield found
    yield from _equal()


def _equal() -> Iterator[Mapping[Term, Any]]:
    """Yield the moments of networks with one weight and one input value, and of the products of kept counts."""
    for inputs, hidden, weight, value in (
        (2, (2,), HALF, 1), (2, (1, 2), Fraction(2), 1), (1, (3,), THIRD, 1), (3, (), HALF, 3),
    ):  # fmt: skip
        rates = (HALF, THIRD, Fraction(1, 4))[: len(hidden) + 1]
        first = second = Fraction(1)
        for units, rate in zip((inputs, *hidden), rates, strict=True):
            first, second = first * units, second * (units**2 + rate / (1 - rate) * units)
        moments = _moments(constant_network(inputs, hidden, weight), (value,) * inputs, rates)
        yield {**moments, C: weight ** len(rates) * value, FIRST: first, SECOND: second}


def _bias_only() -> Iterator[Mapping[Term, Any]]:
    yield _moments(Network([[[0, 0]], [0]], [[0], 1]), (1, 1), (HALF, HALF))


_LAYERS = integer(d, 0, "the number of droppable layers, the inputs included")
_POSITIVE = Variable(term=MEAN, meaning="the mean output, which is positive", kind="network", low=Fraction(0))
_MORE = SQUARE / MEAN**2 >= rho
_OUTPUT_SQUARE = quantity(SQUARE, "the mean square of the output")
DEPTH_GROWTH = Derivation(
    name="depth-growth",
    title="The second moment grows with depth",
    setting=say(
        "Weights and inputs that are not negative, no biases, mean output {0} and mean square {1}, {2} the product "
        "over the droppable layers of 1 plus spread over width",
        MEAN,
        SQUARE,
        rho,
    ),
    quantified=(_LAYERS,),
    quantities=(_POSITIVE, _OUTPUT_SQUARE, LAYERS_PRODUCT),
    lines=(
        Line(
            label="growth",
            sentence=say(
                "Each droppable layer multiplies the mean square by one plus its spread over its width or more: "
                "{claim}."
            ),
            claim=SQUARE >= rho * MEAN**2,
            reason=ByLemma(GROWTH_OF_SQUARES),
        ),
        Line(
            label="grid",
            sentence=say("In a grid of networks {claim}."),
            claim=_MORE,
            reason=ByInstances(
                _grid, "double loop: 2-2-1, weights 0 to 3, two inputs, q = 1/2, 1/3, and the equal weights below"
            ),
        ),
    ),
    conclusions=(Conclusion(_MORE, From((part("growth", 1 / MEAN**2),))),),
)
EQUAL_PATHS = Derivation(
    name="equal-paths",
    title="Equality",
    setting=say("All weights equal, and all inputs equal"),
    quantified=(_LAYERS,),
    definitions=(KEEP, SPREAD),
    quantities=(
        _POSITIVE,
        _OUTPUT_SQUARE,
        LAYERS_PRODUCT,
        quantity(C, "the weight of a path with its input"),
        quantity(FIRST, "the mean of the product of the scaled numbers of kept inputs and units"),
        quantity(SECOND, "the mean of its square"),
        quantity(ONE_MEAN, "the mean of this number in one layer"),
        quantity(ONE_SQUARE, "the mean of its square"),
    ),
    auxiliary=(
        count(k, 1, "the width of one more layer"),
        Variable(term=q, meaning="its drop probability", kind="rate", low=Fraction(0), high=Fraction(1), low_in=True),
    ),
    lines=(
        Line(
            label="one mean",
            sentence=say("One layer of {0} units has {claim}.", k),
            claim=equal(ONE_MEAN, k),
            reason=ByLemma(KEPT_COUNTS),
        ),
        Line(
            label="one square",
            sentence=say("And {claim}."),
            claim=equal(ONE_SQUARE, k**2 + lam * k),
            reason=ByLemma(KEPT_COUNTS),
        ),
        Line(
            label="layers",
            sentence=say("Masks of different layers are independent, so one more layer multiplies: {claim}."),
            claim=equal(SECOND, rho * FIRST**2),
            reason=ByInduction(
                d,
                ((FIRST, number(1)), (SECOND, number(1)), (rho, number(1))),
                ((FIRST, ONE_MEAN * FIRST), (SECOND, ONE_SQUARE * SECOND), (rho, (1 + lam / k) * rho)),
                factor=k**2 + lam * k,
                parts=(
                    part("one square", SECOND),
                    part("one mean", -((1 + lam / k) * rho * FIRST**2 * (ONE_MEAN + k))),
                ),
            ),
        ),
        Line(
            label="mean",
            sentence=say("The output is {0} times the product: {claim}.", C),
            claim=equal(MEAN, C * FIRST),
            reason=InWords(_equal, "double loop: 4 sizes, one to three layers, a rate for each layer"),
        ),
        Line(
            label="square",
            sentence=say("And {claim}."),
            claim=equal(SQUARE, C**2 * SECOND),
            reason=InWords(_equal, "the same networks"),
        ),
    ),
    conclusions=(
        Conclusion(
            equal(SQUARE / MEAN**2, rho),
            From(
                (
                    part("square", 1 / MEAN**2),
                    part("layers", C**2 / MEAN**2),
                    part("mean", -(rho * (C * FIRST + MEAN) / MEAN**2)),
                )
            ),
        ),
    ),
)
WITH_BIASES = Derivation(
    name="growth-with-biases",
    supporting=True,
    title="With biases it is false",
    setting=say("Two inputs, one unit, weights 0 and output bias 1, at drop probability {0}", number(HALF)),
    quantified=(),
    quantities=(_POSITIVE, _OUTPUT_SQUARE, LAYERS_PRODUCT),
    lines=(
        Line(
            label="network",
            sentence=say("An output bias alone has no variance: {claim}."),
            claim=SQUARE < rho * MEAN**2,
            reason=ByInstances(_bias_only, "the double loop over 8 masks", whole=True),
        ),
    ),
    conclusions=(Conclusion(SQUARE / MEAN**2 < rho, From((part("network", 1 / MEAN**2),))),),
)
DERIVATIONS = (DEPTH_GROWTH, EQUAL_PATHS, WITH_BIASES)


def prove() -> Proof:
    """Prove the bound, that it is attained, and that it needs networks without biases."""
    return proved("holds", DERIVATIONS)


@register(
    id="exactdropout-2026-depth-growth",
    title="Non-negative networks: the second moment grows with depth",
    source="exactdropout2026",
    number="growth in depth",
    derivations=DERIVATIONS,
    verdict="holds",
)
def depth_growth() -> Proof:
    """Prove the entry as declared."""
    return prove()
