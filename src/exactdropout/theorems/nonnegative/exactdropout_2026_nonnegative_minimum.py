"""Derived here: the exact minimum of J_D over non-negative weights for one hidden layer, at every K, n and q.

With λ = q/p, ρ = (1 + λ/K)(1 + λ/n) and T = 1 − 1/ρ: the minimum is T on the point mass (1, 1) without biases, and
T/(2 (1 + T)) on P_(1,1) with any biases; equal weights and hidden biases 0 attain it. With biases it is a lower bound
at every depth d ≥ 2, n the width of the last hidden layer. For n → ∞ it is q/(2 (K p + 2 q)).

Proof. Let z be the residual of the stated network, an affine function of the number N of kept inputs, each over p.
Squares lie above their tangents at z. So a unit h with output weight a ≥ 0, t its mean where no input is kept and
Ψ = E h − t, X = E N (h − t), enters the bound with λ a² E h² − 2 a (c Ψ − b X). The mean of h given N is convex
(Lemma 14), so its ratio to N rises, and E N X ≥ E N² Ψ: among such units the one linear in N gains most.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import sympy

from exactdropout.certificate.shipped import SHIPPED
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.definitions import (
    INPUTS,
    KEEP,
    OPEN_RATE,
    SPREAD,
    K,
    count,
    d,
    integer,
    lam,
    n,
    q,
    quantity,
    real,
)
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ, INPUT_NORM, PRODUCT, WEIGHT_NORM, pairs
from exactdropout.theorems.lemmas.certified_minima import certified_step, shipped_minimum
from exactdropout.theorems.lemmas.kept_counts import KEPT_COUNTS, k
from exactdropout.theorems.lemmas.kept_counts import MEAN as COUNT
from exactdropout.theorems.lemmas.kept_counts import SQUARE as COUNT_SQUARE
from exactdropout.theorems.lemmas.mean_of_squares import MEAN_OF_SQUARES
from exactdropout.theorems.lemmas.rising_sums import FIRST_SUM, PRODUCT_SUM, RISING_SUMS, SECOND_SUM, TOTAL
from exactdropout.theorems.lemmas.sum_inequalities import RISING_RATIO
from exactdropout.theorems.nonnegative.exactdropout_2026_every_depth import (
    EQUAL_WEIGHTS,
    LEAST,
    T,
    beta,
    c,
    rho,
)
from exactdropout.theorems.proof import Proof, Step, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, lemma_step, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = [
    "HALF_MINIMUM",
    "J_HALF",
    "POINT_MINIMUM",
    "RHO",
    "half_minimum",
    "nonnegative_minimum_steps",
    "point_minimum",
    "prove",
]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
a, b, o, u, kappa = symbols("a b o u kappa")
_SQUARE = K**2 + lam * K
OF_UNIT, PSI, CROSS, OF_MEAN = symbol("H"), symbol("Psi"), symbol("X"), symbol("Q")
COST, F_0, F_1, F_2, F_N, G_1, G_N = (
    symbol("P"),
    *(symbol("F", i) for i in (0, 1, 2, "N")),
    symbol("G", 1),
    symbol("G", "N"),
)
J_POINT, J_HALF = symbol("J", "point"), symbol("J", "half")


def point_minimum(inputs: Any, width: Any, spread: Any) -> Any:
    """Return T = 1 − 1/((1 + λ/K)(1 + λ/n)), λ = ``spread``."""
    return 1 - 1 / ((1 + spread / inputs) * (1 + spread / width))


def half_minimum(inputs: Any, width: Any, spread: Any) -> Any:
    """Return T/(2 (1 + T))."""
    value = point_minimum(inputs, width, spread)
    return value / (2 * (1 + value))


def _networks() -> Iterator[tuple[Network, tuple[Fraction, ...]]]:
    """Yield networks with weights that are not negative, with and without biases, with rates."""
    yield Network([[[1, 2], [3, 1]], [HALF, THIRD]], [[-1, 0], THIRD]), (THIRD, THIRD)
    yield Network([[[1, 0, 2]], [HALF]], [[-1], 0]), (HALF, HALF)
    yield Network([[[2, 1], [1, 1]], [THIRD, THIRD]], [[1, -2], -1]), (HALF, HALF)
    yield Network([[[1, 1]], [[2], [1]], [HALF, 1]], [[0], [-1, -3], HALF]), (HALF, THIRD, HALF)
    for weights in ([[[1, 2]], [THIRD]], [[[1, 1], [2, 0]], [HALF, THIRD]], [[[1, 1, 1]], [Fraction(1, 5)]]):
        yield Network(weights), (THIRD, THIRD)


def _unit_values(network: Network, rates: tuple[Fraction, ...]) -> Iterator[tuple[Fraction, Fraction, list[Fraction]]]:
    """Yield, for each mask below the last, its probability, the scaled number of kept inputs and the last units."""
    inputs, biases = network.architecture.inputs, network.biases[:-1]
    rows = network.weights[-2].tolist()
    shifts = [0] * len(rows) if biases[-1] is None else biases[-1].tolist()
    below = [
        Network([*network.weights[:-2], [row]], [*biases[:-1], shift]) for row, shift in zip(rows, shifts, strict=True)
    ]
    for mask, chance in masks(below[0], rates[:-1]):
        values = (Fraction(dropout_output(unit, (1,) * inputs, mask, rates[:-1])[0]) for unit in below)
        yield chance, Fraction(sum(mask[0])) / (1 - rates[0]), [max(Fraction(0), z) for z in values]


@cache
def _means(network: Network, rates: tuple[Fraction, ...]) -> list[dict[Term, Any]]:
    """Return for each unit of the last layer t, Ψ, X, E h² and the mean square of its mean given N, less t."""
    found = []
    table = list(_unit_values(network, rates))
    for place in range(network.architecture.hidden[-1]):
        total: dict[Fraction, Fraction] = {}
        chances: dict[Fraction, Fraction] = {}
        square = Fraction(0)
        for chance, kept, units in table:
            total[kept] = total.get(kept, Fraction(0)) + chance * units[place]
            chances[kept] = chances.get(kept, Fraction(0)) + chance
            square += chance * units[place] ** 2
        start = total[Fraction(0)] / chances[Fraction(0)]
        above = {kept: total[kept] / chances[kept] - start for kept in total}
        found.append({
            F_0: start, PSI: sum(chances[v] * above[v] for v in above), OF_UNIT: square,
            CROSS: sum(chances[v] * v * above[v] for v in above),
            OF_MEAN: sum(chances[v] * above[v] ** 2 for v in above),
            COUNT: sum(chances[v] * v for v in above), COUNT_SQUARE: sum(chances[v] * v * v for v in above),
        })  # fmt: skip
    return found


def _one_unit() -> Iterator[Mapping[Term, Any]]:
    for network, rates in _networks():
        for unit in _means(network, rates):
            yield {K: network.architecture.inputs, q: rates[0], **unit}


def _sums(network: Network, rates: tuple[Fraction, ...]) -> dict[Term, Fraction]:
    """Return what the units of a network add up to, and the moments of its output without the output bias."""
    above = [Fraction(v) for v in network.weights[-1].flat]
    units = _means(network, rates)
    found = {
        total: sum((w * unit[part_] for w, unit in zip(above, units, strict=True)), Fraction(0))
        for total, part_ in ((F_0, F_0), (G_1, PSI), (G_N, CROSS))
    }
    found[COST] = sum((w * w * unit[OF_UNIT] for w, unit in zip(above, units, strict=True)), Fraction(0))
    for chance, kept, values in _unit_values(network, rates):
        output = sum((w * v for w, v in zip(above, values, strict=True)), Fraction(0))
        for total, value in ((F_1, output), (F_N, kept * output), (F_2, output**2)):
            found[total] = found.get(total, Fraction(0)) + chance * value
    return {**found, K: Fraction(network.architecture.inputs), n: Fraction(len(units)), q: rates[-1]}


def _points() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion on the point mass, and the moments, of networks without biases."""
    for network, rates in _networks():
        if all(bias is None for bias in network.biases):
            data = Examples.point((1,) * network.architecture.inputs, 1)
            for slope in (HALF, Fraction(-1), Fraction(1, 5)):  # the last is that of one network
                found = Fraction(naive_evaluation(network, data, rates).criterion)
                yield {**_sums(network, rates), J_POINT: found, b: slope}


def _halves() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion on P_(1,1), and the moments, of networks with one rate for the inputs and the last layer."""
    for network, rates in _networks():
        inputs, bias = network.architecture.inputs, network.biases[-1]
        found = Fraction(naive_evaluation(network, Examples.half((1,) * inputs, 1), rates).criterion)
        shift = Fraction(0) if bias is None else Fraction(bias[0])
        for slope, level in ((HALF, THIRD), (Fraction(1, 5), Fraction(0))):  # the last is that of one network
            yield {**_sums(network, rates), J_HALF: found, o: shift, b: slope, u: level}


_CASES = "double loop: 7 networks with weights not negative, two and three layers, up to 3 inputs"
_KAPPA = Definition(kappa, c / (K + lam) - b, "what the best unit gains, over the number of kept inputs")
_SPENT = n * (K**2 + lam * K) / lam
_UNITS = lam * COST - 2 * (c * G_1 - b * G_N) >= -(_SPENT * kappa**2)
_ABOVE_ZERO = quantity(G_1, "the sum, over the units, of output weight times mean, less that for no kept input")
_WITH_COUNT = quantity(G_N, "the same sum of the mean of the product with the scaled number of kept inputs")
_COST = quantity(COST, "the sum of squared output weight times mean square of the unit")


def _in_words(label: str, sentence: str, claim: Any, instances: Any) -> Line:
    return Line(label=label, sentence=say(sentence), claim=claim, reason=InWords(instances, _CASES))


UNITS = Derivation(
    name="units-at-most-linear",
    supporting=True,
    title="No unit gains more than one that is linear in the kept inputs",
    setting=say("Units of weights that are not negative, {0} of them, against a line", n),
    quantified=(
        INPUTS,
        integer(n, 0, "the number of units"),
        OPEN_RATE,
        real(c, "the line at no kept input", low=0, low_in=True),
        real(b, "by how much it falls with each"),
    ),
    definitions=(KEEP, SPREAD, _KAPPA),
    quantities=(
        quantity(COUNT, "the mean of the scaled number of kept inputs"),
        quantity(COUNT_SQUARE, "the mean of its square"),
        quantity(PSI, "the mean of a unit, less its mean where no input is kept"),
        quantity(CROSS, "the mean of this difference times the scaled number of kept inputs"),
        quantity(OF_MEAN, "the mean square of the mean of a unit given this number, less that where none is kept"),
        quantity(OF_UNIT, "the mean square of a unit"),
        _COST,
        _ABOVE_ZERO,
        _WITH_COUNT,
    ),
    auxiliary=(real(a, "an output weight", low=0, low_in=True),),
    lines=(
        Line(
            label="count",
            sentence=say("The scaled number of kept inputs has {claim}."),
            claim=equal(COUNT, K),
            reason=ByLemma(KEPT_COUNTS, ((k, K),)),
        ),
        Line(
            label="square",
            sentence=say("And {claim}."),
            claim=equal(COUNT_SQUARE, K**2 + lam * K),
            reason=ByLemma(KEPT_COUNTS, ((k, K),)),
        ),
        Line(
            label="rising",
            sentence=say(
                "The mean of a unit given this number is convex in it by Lemma 14, so its ratio to it, less that where "
                f"none is kept, does not fall ({RISING_RATIO.cited}): {{claim}}."
            ),
            claim=COUNT * CROSS >= COUNT_SQUARE * PSI,
            reason=ByLemma(
                RISING_SUMS,
                ((k, K),),
                renamed=((TOTAL, COUNT), (PRODUCT_SUM, CROSS), (FIRST_SUM, COUNT_SQUARE), (SECOND_SUM, PSI)),
                tried=_one_unit,
                described="the units of 7 networks",
            ),
        ),
        Line(
            label="cauchy",
            sentence=say("By the inequality of Cauchy and Schwarz {claim}."),
            claim=OF_MEAN * COUNT_SQUARE >= CROSS**2,
            reason=ByLemma(
                CAUCHY_SCHWARZ,
                ((pairs, K),),
                renamed=((WEIGHT_NORM, OF_MEAN), (INPUT_NORM, COUNT_SQUARE), (PRODUCT, CROSS)),
                tried=_one_unit,
                described="the same units",
            ),
        ),
        _in_words(
            "jensen",
            "A mean of squares is at least the square of the mean, for each number of kept inputs "
            f"({MEAN_OF_SQUARES.cited}), and no mean is negative: {{claim}}.",
            OF_UNIT >= OF_MEAN,
            _one_unit,
        ),
        Line(
            label="unit",
            sentence=say("So no unit adds less than one that is linear: {claim}."),
            claim=lam * a**2 * OF_UNIT - 2 * a * (c * PSI - b * CROSS) >= -((K**2 + lam * K) / lam * kappa**2),
            reason=From(
                (
                    part("rising", 2 * a * c / _SQUARE),
                    part("count", -(2 * a * c * CROSS / _SQUARE)),
                    part("square", 2 * a * c * PSI / _SQUARE - lam * a**2 * OF_MEAN / _SQUARE),
                    part("cauchy", lam * a**2 / _SQUARE),
                    part("jensen", lam * a**2),
                ),
                plus=(lam / _SQUARE * (a * CROSS - kappa * _SQUARE / lam) ** 2,),
            ),
        ),
        Line(
            label="all",
            sentence=say("Summed over the units, {claim}."),
            claim=_UNITS,
            reason=ByInduction(
                n,
                ((COST, number(0)), (G_1, number(0)), (G_N, number(0))),
                ((COST, COST + a**2 * OF_UNIT), (G_1, G_1 + a * PSI), (G_N, G_N + a * CROSS)),
                parts=(part("unit"),),
            ),
        ),
    ),
    conclusions=(Conclusion(_UNITS, From((part("all"),))),),
)

_WIDTH = count(n, 1, "the number of units of the last hidden layer")
RHO = Definition(
    rho, (1 + lam / K) * (1 + lam / n), "the growth of the mean square", equal(rho * K * n, (K + lam) * (n + lam))
)
_POINT_SLOPE = (1 - T) / K
_POINT_GAP = 1 / (K + lam) - _POINT_SLOPE
_EQUAL_POINT, _EQUAL_HALF = apply("J", 1 / rho), apply("B", 1 / (rho * (1 + T)), T / (1 + T))
_SECOND = quantity(F_2, "the mean square of the output without output bias, before the last masks")

POINT_MINIMUM = Derivation(
    name="nonnegative-minimum-point",
    title="The least criterion of weights that are not negative on the point mass",
    setting=say(
        "One hidden layer of {0} units without biases, weights that are not negative, {1} inputs 1 and label 1", n, K
    ),
    quantified=(INPUTS, _WIDTH, OPEN_RATE),
    definitions=(KEEP, SPREAD, RHO, LEAST),
    quantities=(
        quantity(J_POINT, "the criterion"),
        _ABOVE_ZERO,
        _WITH_COUNT,
        _COST,
        _SECOND,
        quantity(apply("J", c), "the criterion of equal weights with this output without dropout"),
    ),
    auxiliary=(real(b, "the slope of a line"), real(c, "an output without dropout")),
    lines=(
        _in_words(
            "criterion",
            "No unit is positive where no input is kept, and the last masks are closed: {claim}.",
            equal(J_POINT, F_2 - 2 * G_1 + 1 + lam * COST),
            _points,
        ),
        _in_words(
            "distance",
            "The mean squared distance of the output from a line is not negative: {claim}.",
            F_2 - 2 * b * G_N + b**2 * (K**2 + lam * K) >= 0,
            _points,
        ),
        Line(
            label="units",
            sentence=say("For the slope {0} of the best line {claim}.", _POINT_SLOPE),
            claim=lam * COST - 2 * (G_1 - _POINT_SLOPE * G_N) >= -(_SPENT * _POINT_GAP**2),
            reason=ByLemma(UNITS, ((c, number(1)), (b, _POINT_SLOPE))),
        ),
        Line(
            label="equal",
            sentence=say("Equal weights attain it: {claim}."),
            claim=equal(_EQUAL_POINT, T),
            reason=ByLemma(EQUAL_WEIGHTS, ((d, number(2)),)),
        ),
    ),
    conclusions=(
        Conclusion(J_POINT >= T, From((part("criterion"), part("distance", b=_POINT_SLOPE), part("units")))),
        Conclusion(equal(_EQUAL_POINT, T), From((part("equal"),))),
    ),
)

_HALF_SLOPE = (1 - beta) * (1 - T) / K
_HALF_GAP = (1 - beta) / (K + lam) - _HALF_SLOPE
HALF_MINIMUM = Derivation(
    name="nonnegative-minimum-half",
    title="The least criterion of weights that are not negative with biases",
    setting=say("With any biases on P(1,1), a lower bound at every depth, {0} the last width", n),
    quantified=(INPUTS, _WIDTH, OPEN_RATE),
    definitions=(
        KEEP,
        SPREAD,
        RHO,
        LEAST,
        Definition(beta, T / (1 + T), "the best output bias", equal((1 - beta) * (1 + T), 1)),
    ),
    quantities=(
        quantity(J_HALF, "the criterion"),
        quantity(o, "the output bias"),
        quantity(F_0, "the mean output without output bias, on the input of ones, where no input is kept"),
        quantity(F_1, "its mean over all masks"),
        quantity(F_N, "the mean of its product with the scaled number of kept inputs"),
        _ABOVE_ZERO,
        _WITH_COUNT,
        _COST,
        _SECOND,
        quantity(
            apply("B", c, u), "the criterion of equal weights with this output without dropout and this output bias"
        ),
    ),
    auxiliary=(
        real(b, "the slope of a line"),
        real(u, "an output bias, or how far it is above the line at no kept input"),
        real(c, "an output without dropout"),
    ),
    lines=(
        _in_words(
            "criterion",
            "The input of zeros gives what no kept input gives, and a mean of squares is at least the square of the "
            "mean: {claim}.",
            2 * J_HALF >= (F_0 + o) ** 2 + F_2 + 2 * (o - 1) * F_1 + (o - 1) ** 2 + lam * COST,
            _halves,
        ),
        _in_words("mean", "Unit by unit {claim}.", equal(F_1, F_0 + G_1), _halves),
        _in_words("product", "And {claim}.", equal(F_N, K * F_0 + G_N), _halves),
        _in_words(
            "distance",
            "The mean squared distance of the output from a line is not negative: {claim}.",
            F_2 + 2 * u * F_1 - 2 * b * F_N + u**2 - 2 * u * b * K + b**2 * (K**2 + lam * K) >= 0,
            _halves,
        ),
        Line(
            label="units",
            sentence=say("For the slope {0} of the best line {claim}.", _HALF_SLOPE),
            claim=lam * COST - 2 * ((1 - beta) * G_1 - _HALF_SLOPE * G_N) >= -(_SPENT * _HALF_GAP**2),
            reason=ByLemma(UNITS, ((c, 1 - beta), (b, _HALF_SLOPE))),
        ),
        Line(
            label="equal",
            sentence=say("Equal weights without hidden biases attain it: {claim}."),
            claim=equal(_EQUAL_HALF, T / (2 * (1 + T))),
            reason=ByLemma(EQUAL_WEIGHTS, ((d, number(2)),)),
        ),
    ),
    conclusions=(
        Conclusion(
            J_HALF >= T / (2 * (1 + T)),
            From(
                (
                    part("criterion", HALF),
                    part("distance", HALF, u=o - beta, b=_HALF_SLOPE),
                    part("mean", -(1 - beta)),
                    part("product", _HALF_SLOPE),
                    part("units", HALF),
                ),
                plus=((F_0 + o - beta) ** 2 / 2,),
            ),
        ),
        Conclusion(equal(_EQUAL_HALF, T / (2 * (1 + T))), From((part("equal"),))),
    ),
)
DERIVATIONS = (UNITS, POINT_MINIMUM, HALF_MINIMUM)


def nonnegative_minimum_steps() -> list[Step]:
    """Return the two minima as steps."""
    return [lemma_step(POINT_MINIMUM), lemma_step(HALF_MINIMUM)]


def prove() -> Proof:
    """Prove the minima, and compare them with networks and with certified minima."""
    names = [item for item in SHIPPED if item.nonnegative]
    inputs, width, spread = sympy.symbols("K n L", positive=True)
    limit = sympy.limit(sympy.factor(half_minimum(inputs, width, spread)), width, sympy.oo)
    further = [
        enumerated(
            "No network 2-1-1 of a grid with weights 0, 1/2, 1 and biases of both signs is below.",
            _grid(),
            "216 networks, 8 masks, q = 1/2 and 1/3",
        ),
        certified_step(
            r"$q = \frac12$: the certified minima over non-negative weights are these numbers, $K = 2, 3, 4, 5$.",
            all(
                shipped_minimum(item)
                == (half_minimum if item.biases else point_minimum)(item.inputs, item.width, Fraction(1))
                for item in names
            ),
            names,
        ),
        step(
            r"$n \to \infty$: $\frac q{2 (Kp + 2q)}$, the bound for every width.",
            "identity",
            bool(sympy.factor(limit - spread / (2 * (inputs + 2 * spread))) == 0),
            "q/p = lambda",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _grid() -> Iterator[tuple[Any, Any]]:
    values = (0, HALF, 1)
    data = Examples.half((1, 1), 1)
    for rate in (HALF, THIRD):
        lowest = min(
            naive_evaluation(Network([[[u, v]], [w]], [[b], c]), data, (rate, rate)).criterion
            for u, v, w in itertools.product(values, repeat=3)
            for b in (-1, -HALF, 0, HALF)
            for c in (0, Fraction(1, 4))
        )
        yield lowest >= half_minimum(2, 1, rate / (1 - rate)), True


@register(
    id="exactdropout-2026-nonnegative-minimum",
    title="The exact minimum over non-negative weights",
    source="exactdropout2026",
    number="non-negative minimum",
    derivations=DERIVATIONS,
    verdict="holds",
)
def nonnegative_minimum() -> Proof:
    """Prove the entry as declared."""
    return prove()
