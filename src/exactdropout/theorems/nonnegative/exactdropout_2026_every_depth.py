"""Derived here: the exact minimum of J_D over non-negative weights without hidden biases, at every depth and widths.

With ρ = ∏_{l<d} (1 + λ_l/n_l) over the droppable layers (n_0 = K inputs, then the hidden layers) and T = 1 − 1/ρ: the
minimum is T on the point mass (1, 1) without biases, and T/(2 (1 + T)) on P_(1,1) with an output bias. Equal weights
attain it. With hidden biases it is proved for one hidden layer only (``exactdropout-2026-nonnegative-minimum``).

Proof. Without biases non-negative units are linear on every mask. One more droppable layer multiplies the mean square
of the output by 1 + λ_l/n_l at least, and leaves its mean: E D² ≥ ρ (E D)². What is left is a square.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import INPUTS, K, count, d, integer, quantity, real
from exactdropout.theorems.lemmas.equal_shares import EQUAL_SHARES, SQUARES, SUM
from exactdropout.theorems.proof import Proof, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import (
    ByInduction,
    ByInstances,
    Definition,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = [
    "EQUAL_WEIGHTS",
    "GROWTH_OF_SQUARES",
    "LAYERS_PRODUCT",
    "LEAST",
    "MEAN",
    "NONNEGATIVE_DEPTH",
    "SQUARE",
    "T",
    "growth",
    "prove",
    "rho",
]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
beta, rho, T, c, e, u, width, spread = symbols("beta rho T c e u n lambda")
MEAN, SQUARE = symbol("M", 1), symbol("M", 2)
J, J_BIAS = symbol("J"), symbol("J", "b")
J_EQUAL, J_EQUAL_BIAS = apply("J", c), apply("B", c, beta)


def growth(widths: Sequence[int], rates: Sequence[Fraction]) -> Fraction:
    """Return ρ = ∏ (1 + λ_l/n_l) over the droppable layers, inputs first."""
    return math.prod((1 + q / (1 - q) / n for n, q in zip(widths, rates, strict=True)), start=Fraction(1))


def _networks() -> Iterator[tuple[Network, tuple[Fraction, ...]]]:
    """Yield networks with weights that are not negative and rates for each layer."""
    yield Network([[HALF, 1]]), (THIRD,)
    yield Network([[[1]], [HALF]]), (HALF, THIRD)
    yield Network([[[1, 2]], [THIRD]]), (THIRD, HALF)
    yield Network([[[1, 0], [1, 1]], [HALF, 2]]), (HALF, HALF)
    yield Network([[[1, 1]], [[1], [2]], [HALF, THIRD]]), (HALF, THIRD, Fraction(1, 4))
    yield Network([[[2]], [[1], [1]], [HALF, HALF]]), (THIRD, HALF, HALF)


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, mean and mean square on the point mass, and the criterion with an output bias, for networks."""
    for (network, rates), bias in itertools.product(_networks(), (Fraction(0), THIRD, Fraction(-1), Fraction(3, 2))):
        inputs = network.architecture.inputs
        found = naive_evaluation(network, Examples.point((1,) * inputs, 1), rates)
        depth = len(network.weights)
        none = [[0] * len(w) for w in network.weights[:-1]]
        biased = Network(list(network.weights), [*none, bias])
        half = naive_evaluation(biased, Examples.half((1,) * inputs, 1), rates).criterion
        mean = Fraction(found.mean[0])
        widths = (inputs, *network.architecture.hidden)
        yield {
            K: Fraction(inputs), d: Fraction(depth), rho: growth(widths, rates), beta: bias, MEAN: mean,
            SQUARE: Fraction(found.variance) + mean**2, J: Fraction(found.criterion), J_BIAS: Fraction(half),
        }  # fmt: skip


def equal_network(inputs: int, hidden: Sequence[int], mean: Fraction, bias: Fraction | None = None) -> Network:
    """Return the network with weights 1 below and equal output weights whose output without dropout is ``mean``."""
    sizes = (inputs, *hidden)
    weights: list[Any] = [[[1] * a] * b for a, b in itertools.pairwise(sizes)]
    weights.append([Fraction(mean) / math.prod(sizes)] * hidden[-1])
    return Network(weights, None if bias is None else [*([0] * h for h in hidden), bias])


def _equal() -> Iterator[Mapping[Term, Any]]:
    """Yield the criteria of networks with equal weights."""
    for inputs, hidden in ((1, (1,)), (2, (1,)), (2, (2,)), (1, (2, 1)), (2, (1, 2))):
        rates = (HALF, THIRD, Fraction(1, 4))[: len(hidden) + 1]
        for mean, bias in ((HALF, THIRD), (Fraction(2), Fraction(-1)), (Fraction(0), HALF)):
            point = naive_evaluation(equal_network(inputs, hidden, mean), Examples.point((1,) * inputs, 1), rates)
            half = naive_evaluation(equal_network(inputs, hidden, mean, bias), Examples.half((1,) * inputs, 1), rates)
            yield {
                K: Fraction(inputs), d: Fraction(len(rates)), rho: growth((inputs, *hidden), rates), c: mean,
                beta: bias, J_EQUAL: Fraction(point.criterion), J_EQUAL_BIAS: Fraction(half.criterion),
                MEAN: Fraction(point.mean[0]), SQUARE: Fraction(point.variance) + Fraction(point.mean[0]) ** 2,
            }  # fmt: skip


DEPTH = count(d, 1, "the number of layers of weights, the output layer included")
_CASES = "double loop: 6 networks with weights not negative, one to three layers, a rate for each layer, 4 biases"
LAYERS_PRODUCT = Variable(
    term=rho,
    meaning="the product over the inputs and the hidden layers of one plus the spread of a mask over the width",
    kind="network",
    low=Fraction(1),
    low_in=True,
)
LEAST = Definition(T, 1 - 1 / rho, "the least criterion on the point mass", equal(rho * (1 - T), 1))
_MEANS = (
    quantity(MEAN, "the mean output on the input of ones"),
    quantity(SQUARE, "the mean square of this output"),
)
_MORE = SQUARE >= rho * MEAN**2


def _one_layer() -> Iterator[Mapping[Term, Any]]:
    for terms, rate in itertools.product(((2,), (1, 3), (1, -2, 2), (0, 1)), (HALF, THIRD)):
        keep, total = 1 - rate, Fraction(0)
        for masks in itertools.product((0, 1), repeat=len(terms)):
            chance = keep ** sum(masks) * rate ** (len(masks) - sum(masks))
            total += chance * (sum(m * t for m, t in zip(masks, terms, strict=True)) / keep) ** 2
        yield {
            width: Fraction(len(terms)), spread: rate / keep, SQUARE: total,
            SUM: Fraction(sum(terms)), SQUARES: Fraction(sum(t * t for t in terms)),
        }  # fmt: skip


ONE_LAYER = Derivation(
    name="one-droppable-layer",
    supporting=True,
    title="One droppable layer",
    setting=say("The sum of {0} kept terms, each over the probability to be kept, with spread {1}", width, spread),
    quantified=(
        Variable(term=width, meaning="the number of terms", kind="count", low=Fraction(1), low_in=True),
        real(spread, "the relative variance of a mask", low=0, low_in=True),
    ),
    quantities=(
        quantity(SUM, "the sum of the terms"),
        quantity(SQUARES, "the sum of their squares"),
        quantity(SQUARE, "the mean square of the sum of the kept terms"),
    ),
    lines=(
        Line(
            label="masks",
            sentence=say("Masks are independent: {claim}."),
            claim=equal(SQUARE, SUM**2 + spread * SQUARES),
            reason=InWords(_one_layer, "all masks of 1 to 3 terms, rates 1/2 and 1/3"),
        ),
        Line(
            label="shares",
            sentence=say("Equal shares have the least squares: {claim}."),
            claim=width * SQUARES >= SUM**2,
            reason=ByLemma(EQUAL_SHARES),
        ),
    ),
    conclusions=(
        Conclusion(SQUARE >= (1 + spread / width) * SUM**2, From((part("masks"), part("shares", spread / width)))),
    ),
)


GROWTH_OF_SQUARES = Derivation(
    name="growth-of-squares",
    supporting=True,
    title="Growth of the mean square",
    setting=say("Weights and inputs that are not negative, no biases"),
    quantified=(integer(d, 0, "the number of droppable layers"),),
    quantities=(*_MEANS, LAYERS_PRODUCT),
    auxiliary=(
        real(u, "the output without a droppable layer"),
        real(e, "what one more layer adds beyond its factor, not negative by the part before", low=0, low_in=True),
        real(c, "the spread of a mask of one more layer over its width", low=0, low_in=True),
    ),
    lines=(
        Line(
            label="layers",
            sentence=say(
                "Without biases units that are not negative are linear on every mask. So a layer below the others "
                "leaves the mean of a sum with given weights, and multiplies the mean square by {0} at least: {claim}.",
                1 + c,
            ),
            claim=_MORE,
            reason=ByInduction(
                d,
                ((MEAN, u), (SQUARE, u**2), (rho, number(1))),
                ((MEAN, MEAN), (SQUARE, (1 + c) * SQUARE + e), (rho, (1 + c) * rho)),
                factor=1 + c,
                plus=(e,),
            ),
        ),
        Line(
            label="equal",
            sentence=say("For equal weights there is equality, by listing all masks: {claim}."),
            claim=equal(SQUARE, rho * MEAN**2),
            reason=ByInstances(_equal, "5 networks of equal weights, two and three layers, a rate for each layer"),
        ),
    ),
    conclusions=(Conclusion(_MORE, From((part("layers"),))),),
)

_BIAS_VALUE = beta**2 + SQUARE - 2 * (1 - beta) * MEAN + (1 - beta) ** 2
_POINT = Line(
    label="point",
    sentence=say("On the point mass {claim}."),
    claim=equal(J, SQUARE - 2 * MEAN + 1),
    reason=InWords(_criteria, _CASES),
)

NONNEGATIVE_DEPTH = Derivation(
    name="nonnegative-depth",
    title="The least criterion of weights that are not negative, at every depth",
    setting=say(
        "No negative weight, no hidden bias, {0} inputs 1 and label 1, {1} the product over the droppable layers of 1 "
        "plus spread over width: the point mass, and P(1,1) with an output bias",
        K,
        rho,
    ),
    quantified=(INPUTS, DEPTH),
    quantities=(
        *_MEANS,
        LAYERS_PRODUCT,
        quantity(J, "the criterion without output bias on the point mass"),
        quantity(beta, "the output bias on P(1,1)"),
        quantity(J_BIAS, "the criterion with this output bias on P(1,1)"),
    ),
    definitions=(LEAST,),
    lines=(
        Line(
            label="growth",
            sentence=say("The mean square grows with each droppable layer: {claim}."),
            claim=_MORE,
            reason=ByLemma(GROWTH_OF_SQUARES),
        ),
        _POINT,
        Line(
            label="half",
            sentence=say("With an output bias the input of zeros gives it, and {claim}."),
            claim=equal(2 * J_BIAS, _BIAS_VALUE),
            reason=InWords(_criteria, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(J >= 1 - 1 / rho, From((part("point"), part("growth")), plus=(rho * (MEAN - 1 / rho) ** 2,))),
        Conclusion(
            J_BIAS >= T / (2 * (1 + T)),
            From(
                (part("half", HALF), part("growth", HALF)),
                plus=(rho * (MEAN - (1 - beta) / rho) ** 2 / 2, (1 + T) * (beta - T / (1 + T)) ** 2 / 2),
            ),
        ),
    ),
)

EQUAL_WEIGHTS = Derivation(
    name="equal-weights",
    title="Equal weights attain the least criterion",
    setting=say("Equal weights attain both"),
    quantified=(INPUTS, DEPTH),
    quantities=(
        LAYERS_PRODUCT,
        quantity(J_EQUAL, "the criterion on the point mass of equal weights that have this output without dropout"),
        quantity(J_EQUAL_BIAS, "its criterion on P(1,1) with the output bias that is named second"),
    ),
    auxiliary=(real(c, "an output without dropout"), real(beta, "an output bias")),
    definitions=(LEAST,),
    lines=(
        Line(
            label="point",
            sentence=say("All paths weigh the same, so the mean square is {0}: {claim}.", rho * c**2),
            claim=equal(J_EQUAL, rho * c**2 - 2 * c + 1),
            reason=InWords(_equal, "double loop: 5 sizes, two and three layers, 3 outputs"),
        ),
        Line(
            label="half",
            sentence=say("With an output bias {claim}."),
            claim=equal(2 * J_EQUAL_BIAS, beta**2 + rho * c**2 - 2 * (1 - beta) * c + (1 - beta) ** 2),
            reason=InWords(_equal, "double loop: 5 sizes, two and three layers, 3 outputs and biases"),
        ),
    ),
    conclusions=(
        Conclusion(equal(apply("J", 1 / rho), T), From((part("point", c=1 / rho),))),
        Conclusion(
            equal(apply("B", 1 / (rho * (1 + T)), T / (1 + T)), T / (2 * (1 + T))),
            From((part("half", HALF, c=1 / (rho * (1 + T)), beta=T / (1 + T)),)),
        ),
    ),
)
DERIVATIONS = (ONE_LAYER, GROWTH_OF_SQUARES, NONNEGATIVE_DEPTH, EQUAL_WEIGHTS)


def prove() -> Proof:
    """Prove the bound and that it is attained, and compare with a grid of networks with two hidden layers."""
    grid = enumerated(
        "Hidden biases are no part of this; no network 2-1-1-1 of a grid with them is below either.",
        _grid(),
        "54 networks on P(1,1), 16 masks, q = 1/2",
    )
    return proved("holds", DERIVATIONS, [grid])


def _grid() -> Iterator[tuple[object, object]]:
    least = 1 - 1 / growth((2, 1, 1), (HALF,) * 3)
    for weight, first, second in itertools.product((HALF, 1, 2), (-HALF, 0, HALF), (-HALF, 0, HALF)):
        for bias in (0, Fraction(1, 4)):
            network = Network([[[1, 1]], [[1]], [weight]], [[first], [second], bias])
            found = naive_evaluation(network, Examples.half((1, 1), 1), (HALF,) * 3).criterion
            yield found >= least / (2 * (1 + least)), True


@register(
    id="exactdropout-2026-every-depth",
    title="The exact minimum over non-negative weights at every depth",
    source="exactdropout2026",
    number="every depth",
    derivations=DERIVATIONS,
    verdict="holds",
)
def every_depth() -> Proof:
    """Prove the entry as declared."""
    return prove()
