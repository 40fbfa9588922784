"""Linear networks under dropout (Baldi and Sadowski 2013): the mean is W(x), and second moments obey a recursion.

With m_l = E h_l, M_l = E h_l h_lᵀ and λ_l = q_l/p_l, for units h_{l+1} = W (r ∘ h_l/p) + b:

    m_{l+1} = W m_l + b,    M_{l+1} = W (M_l + λ_l Diag(M_l)) Wᵀ + b (W m_l)ᵀ + (W m_l) bᵀ + b bᵀ.

The statement is written down and derived here, for inverted dropout; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, p, quantity, real
from exactdropout.theorems.lemmas.mean_of_squares import TOTAL, totals
from exactdropout.theorems.lemmas.noise_moments import (
    FIRST_SUM,
    MEAN_S,
    MEAN_ST,
    MEAN_T,
    PRODUCTS,
    SECOND_SUM,
    SUM_MOMENTS,
)
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK, POINT
from exactdropout.theorems.proof import Proof, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["linear_moments", "prove"]

SIZES = (
    Architecture(3, ()),
    Architecture(2, (2,), activation="linear"),
    Architecture(2, (2, 2), biases=False, activation="linear"),
    Architecture(2, (2,), outputs=2, activation="linear"),
)


def linear_moments(network: Network, x: Sequence[Any], spreads: Sequence[Any], noise: int = 1) -> tuple[Array, Array]:
    """Return E D and E D Dᵀ of a linear network by the recursion; ``spreads`` are the λ_l; only ``noise=1`` is right.

    Cost: two matrix products per layer, whatever the number of masks.
    """
    mean = np.array(list(x), dtype=object)
    second = np.outer(mean, mean)
    for layer, weight in enumerate(network.weights):
        bias = network.bias(layer)
        linear = weight @ mean
        second = weight @ (second + noise * spreads[layer] * np.diag(np.diag(second))) @ weight.T
        second = second + np.outer(bias, linear) + np.outer(linear, bias) + np.outer(bias, bias)
        mean = linear + bias
    return mean, second


a, b, k, j, v, w, x, y, J, R, W = symbols("a b k j v w x y J R W")
OF_SUM, OF_PRODUCT, SECOND = symbol("G", "i"), symbol("F", "ij"), symbol("M", "ij")
OTHER_SUM, KEPT, SPREAD_PART = symbol("G", "j"), symbol("Y", "ij"), symbol("Z", "ij")
FIRST_MEAN, OTHER_MEAN = symbol("F", "i"), symbol("F", "j")
UNIT_MEAN, UNIT, OUTPUT_MEAN, OUTPUT_SQUARE = symbol("m"), symbol("h"), symbol("M", 1), symbol("M", 2)
SUM_MEAN, SUM_VALUE = symbol("m", "sum"), symbol("h", "sum")


def _instances() -> tuple[tuple[Network, tuple[Fraction, ...]], ...]:
    """Return linear networks, one with two outputs, with a rate for each layer."""
    f = Fraction
    return (
        (Network([[[1, -2], [f(1, 2), 3]], [2, -1]], [[1, f(-1, 3)], 1], activation="linear"), (f(1, 2), f(1, 3))),
        (
            Network([[[1, -1], [2, f(1, 3)]], [[1, 2], [-1, 1]], [[3, -2], [1, f(1, 2)]]], activation="linear"),
            (f(1, 5), f(0), f(2, 3)),
        ),
    )


def _outputs() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, risk and moments of a linear network with one output, by the double loop, at two labels."""
    network, rates = _instances()[0]
    for label in (Fraction(5), Fraction(-2)):
        found = naive_evaluation(network, Examples.point((3, -1), label), rates)
        assert found.per_example is not None
        mean = Fraction(found.mean[0])
        yield {
            y: label, J: Fraction(found.criterion), R: Fraction(found.risk),
            W: Fraction(found.per_example.output[0, 0]),
            OUTPUT_MEAN: mean, OUTPUT_SQUARE: Fraction(found.variance) + mean**2,
        }  # fmt: skip


_CASES = "2-2-1, two labels"
_VARIANCE = equal(J - R, OUTPUT_SQUARE - OUTPUT_MEAN**2)

LINEAR_MEAN = Derivation(
    name="linear-mean",
    title="The mean of a linear network",
    setting=say("A network of linear units, inputs and units dropped, one example and output"),
    quantified=(RATE, integer(j, 0, "the number of layers"), real(y, "the label")),
    definitions=(KEEP,),
    quantities=(
        quantity(UNIT_MEAN, "the mean of a unit under masks"),
        quantity(UNIT, "its value without masks"),
        quantity(SUM_MEAN, "the mean of a unit of the next layer"),
        quantity(SUM_VALUE, "its value without masks"),
        quantity(OUTPUT_MEAN, "the mean of the output under masks"),
        quantity(OUTPUT_SQUARE, "the mean of its square"),
        quantity(W, "the output without masks"),
        quantity(J, "the mean squared error under masks"),
        quantity(R, "the squared error without masks"),
    ),
    auxiliary=(
        integer(k, 0, "a number of units below"),
        real(w, "a weight"),
        real(b, "a bias"),
        real(v, "a value below that is its own mean"),
        real(x, "an input"),
    ),
    lines=(
        Line(
            label="sum",
            sentence=say("A mask is {0} or 0 and independent of the values below; if these are means, {claim}.", 1 / p),
            claim=equal(SUM_MEAN, SUM_VALUE),
            reason=ByInduction(
                k,
                ((SUM_MEAN, b), (SUM_VALUE, b)),
                ((SUM_MEAN, SUM_MEAN + w * (p * (1 / p) * v)), (SUM_VALUE, SUM_VALUE + w * v)),
            ),
        ),
        Line(
            label="units",
            sentence=say("So by layers {claim}."),
            claim=equal(UNIT_MEAN, UNIT),
            reason=ByInduction(
                j,
                ((UNIT_MEAN, x), (UNIT, x)),
                ((UNIT_MEAN, SUM_MEAN), (UNIT, SUM_VALUE)),
                factor=number(0),
                parts=(part("sum"),),
            ),
        ),
        Line(
            label="output",
            sentence=say("The output is such a unit: {claim}."),
            claim=equal(OUTPUT_MEAN, W),
            reason=InWords(_outputs, _CASES),
        ),
        Line(
            label="criterion",
            sentence=say("Squares are expanded: {claim}."),
            claim=equal(J, OUTPUT_SQUARE - 2 * y * OUTPUT_MEAN + y**2),
            reason=InWords(_outputs, _CASES),
        ),
        Line(
            label="risk",
            sentence=say("Without masks {claim}."),
            claim=equal(R, (W - y) ** 2),
            reason=InWords(_outputs, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(equal(OUTPUT_MEAN, W), From((part("output"),))),
        Conclusion(_VARIANCE, From((part("criterion"), part("risk", -1), part("output", OUTPUT_MEAN + W - 2 * y)))),
    ),
)
"""E D = W(x), and the penalty is Var D, without the label."""

_MEAN, _OTHER = equal(FIRST_MEAN, OF_SUM), equal(OTHER_MEAN, OTHER_SUM)
_RECURSION = equal(SECOND, KEPT + lam * SPREAD_PART + a * OTHER_SUM + b * OF_SUM + a * b)

RECURSION = Derivation(
    name="second-moments",
    title="The recursion of second moments",
    setting=say("Two units of the next layer, with biases {0} and {1}, or one unit taken twice", a, b),
    quantified=(RATE, real(a, "the bias of the first"), real(b, "that of the second")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(SECOND, "the mean of the product of both units"),
        quantity(KEPT, "the mean of the product of their sums without own masks"),
        quantity(SPREAD_PART, "the sum of the products of their weights and the mean square of the unit below"),
        quantity(OF_SUM, "the mean of the first sum without own masks"),
        quantity(OTHER_SUM, "that of the second"),
        quantity(FIRST_MEAN, "the mean of the first sum"),
        quantity(OTHER_MEAN, "that of the second"),
        quantity(OF_PRODUCT, "the mean of the product of both sums"),
        quantity(TOTAL, "the sum of the probabilities"),
        quantity(MEAN_S, "the first mean, given the values below"),
        quantity(MEAN_T, "the second"),
        quantity(MEAN_ST, "that of the product"),
        quantity(FIRST_SUM, "the first sum without own masks, given them"),
        quantity(SECOND_SUM, "the second"),
        quantity(PRODUCTS, "the sum of the products of their terms"),
    ),
    auxiliary=(integer(k, 0, "a number of possible values below"), real(v, "the probability of one more")),
    lines=(
        Line(
            label="one",
            sentence=say("Given the values below, {claim},"),
            claim=equal(MEAN_S, FIRST_SUM),
            reason=ByLemma(SUM_MOMENTS),
        ),
        Line(label="two", sentence=say("{claim}"), claim=equal(MEAN_T, SECOND_SUM), reason=ByLemma(SUM_MOMENTS)),
        Line(
            label="both",
            sentence=say("and {claim}."),
            claim=equal(MEAN_ST, FIRST_SUM * SECOND_SUM + lam * PRODUCTS),
            reason=ByLemma(SUM_MOMENTS),
        ),
        Line(
            label="means",
            sentence=say("Over these values {claim}"),
            claim=_MEAN,
            reason=ByInduction(
                k,
                ((FIRST_MEAN, number(0)), (OF_SUM, number(0))),
                ((FIRST_MEAN, FIRST_MEAN + v * MEAN_S), (OF_SUM, OF_SUM + v * FIRST_SUM)),
                parts=(part("one", v),),
            ),
        ),
        Line(
            label="others",
            sentence=say("and {claim}."),
            claim=_OTHER,
            reason=ByInduction(
                k,
                ((OTHER_MEAN, number(0)), (OTHER_SUM, number(0))),
                ((OTHER_MEAN, OTHER_MEAN + v * MEAN_T), (OTHER_SUM, OTHER_SUM + v * SECOND_SUM)),
                parts=(part("two", v),),
            ),
        ),
        Line(
            label="products",
            sentence=say("Likewise {claim}."),
            claim=equal(OF_PRODUCT, KEPT + lam * SPREAD_PART),
            reason=ByInduction(
                k,
                ((OF_PRODUCT, number(0)), (KEPT, number(0)), (SPREAD_PART, number(0))),
                (
                    (OF_PRODUCT, OF_PRODUCT + v * MEAN_ST),
                    (KEPT, KEPT + v * (FIRST_SUM * SECOND_SUM)),
                    (SPREAD_PART, SPREAD_PART + v * PRODUCTS),
                ),
                parts=(part("both", v),),
            ),
        ),
        Line(
            label="biases",
            sentence=say("With biases {claim}."),
            claim=equal(SECOND, OF_PRODUCT + a * OTHER_MEAN + b * FIRST_MEAN + a * b * TOTAL),
            reason=ByInduction(
                k,
                (
                    (SECOND, number(0)),
                    (OF_PRODUCT, number(0)),
                    (OTHER_MEAN, number(0)),
                    (FIRST_MEAN, number(0)),
                    (TOTAL, number(0)),
                ),
                (
                    (SECOND, SECOND + v * (MEAN_ST + a * MEAN_T + b * MEAN_S + a * b)),
                    (OF_PRODUCT, OF_PRODUCT + v * MEAN_ST),
                    (OTHER_MEAN, OTHER_MEAN + v * MEAN_T),
                    (FIRST_MEAN, FIRST_MEAN + v * MEAN_S),
                    (TOTAL, TOTAL + v),
                ),
            ),
        ),
        Line(
            label="total",
            sentence=say("Probabilities add up to one: {claim}."),
            claim=equal(TOTAL, 1),
            reason=InWords(totals, "masks of up to three units"),
        ),
    ),
    conclusions=(
        Conclusion(
            _RECURSION,
            From((part("biases"), part("products"), part("others", a), part("means", b), part("total", a * b))),
        ),
    ),
)
"""M_ij' = (W (M + λ Diag M) Wᵀ)_ij + b_i (W m)_j + b_j (W m)_i + b_i b_j."""
DERIVATIONS = (LINEAR_MEAN, RECURSION)


def prove(noise: int = 1) -> Proof:
    """Prove mean and recursion; the networks are compared with noise·λ_l Diag(M_l), and only ``noise=1`` works."""
    further = [
        step(
            "Mean $= W(x)$, variance $=$ penalty by the recursion, all symbols and one rate per layer free: "
            f"{'; '.join(map(str, SIZES))}.",
            "derivation",
            all(_at_size(arch, noise) for arch in SIZES),
        ),
        enumerated(
            "Given numbers: mean, variance and penalty by the recursion.",
            _numbers(noise),
            "16 and 64 masks, one rate per layer",
        ),
        enumerated(
            r"Linearity is needed: the relu network of Figure 1 has $E \mathcal D = 1$ and $W(x) = 0$.",
            _relu(),
            "16 masks, q = 1/2",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _at_size(arch: Architecture, noise: int) -> bool:
    keeps = sympy.symbols(f"p0:{arch.depth}", positive=True)
    derived = derive(free_network(arch), None, [1 - keep for keep in keeps])
    spreads = [(1 - keep) / keep for keep in keeps]
    mean, second = linear_moments(derived.network, derived.data.inputs[0], spreads, noise)
    variance = sum(second[o, o] - mean[o] ** 2 for o in range(arch.outputs))
    holds = all(sympy.expand(f.expr - m) == 0 for f, m in zip(derived.mean, mean, strict=True))
    unbiased = bool(derived.bias.is_identically_zero())
    return holds and unbiased and bool(sympy.expand(derived.variance.expr - variance) == 0)


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    for network, rates in _instances():
        outputs = network.architecture.outputs
        found = naive_evaluation(network, Examples.point((3, -1), 5 if outputs == 1 else (5, 1)), rates)
        mean, second = linear_moments(network, (3, -1), [q / (1 - q) for q in rates], noise)
        variance = sum(second[o, o] - mean[o] ** 2 for o in range(outputs))
        yield found.mean, tuple(mean)
        yield found.variance, variance
        yield found.penalty, variance


def _relu() -> Iterator[tuple[Any, Any]]:
    found = naive_evaluation(NETWORK, POINT, (Fraction(1, 2),) * 2)
    assert found.per_example is not None
    yield (found.mean[0], found.per_example.output[0][0]), (1, 0)


@register(
    id="baldi-2013-mean",
    title="Linear networks: the mean under dropout, and the recursion of second moments",
    source="baldi2013",
    number="linear networks (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def linear_mean() -> Proof:
    """Prove the entry as declared."""
    return prove()
