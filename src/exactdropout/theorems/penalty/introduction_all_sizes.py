"""Where the penalty is not monotone in q: a family at all sizes, and half of all labels for every relu network.

All weights 1, no biases, x = (1, −1, 0, …), λ = q/p, P = n_1 ⋯ n_{d−1}, label v P: the penalty is P² (F − 2 v q) with
F = λ ∏(1 + λ/n_l). As a function of λ it is strictly convex for v > 0, and 0 at 0; so it falls and then rises where it
is negative near 0, which is for v > ½, and it rises for v ≤ ½.

Any network and x: the penalty is E D² − W(x)² − 2 y (E D − W(x)), negative for all y on one side of a threshold where
E D is not W(x); and it tends to ∞ as q → 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, count, integer, lam, m, n, p, q, quantity, real
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.lemmas.powers import BERNOULLI
from exactdropout.theorems.lemmas.powers import k as exponent
from exactdropout.theorems.lemmas.powers import x as base
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["ALL_SIZES"]

F = Fraction
HALF = F(1, 2)
RATES = (F(1, 3), F(2, 3))
SIZES = ((2, (1,)), (3, (2,)), (2, (2, 1)))  # (K, hidden widths)
a, b, c, s, t, v, j, k, y, N = symbols("a b c s t v j k y N")
J, R, P, GROWN, W, S, M, Z = symbols("J R P F W S M Z")
MEAN, SQUARE = symbol("M", 1), symbol("M", 2)
F_A, F_B, F_C = (symbol("F", at) for at in (a, b, c))
G_A, G_B, G_C = (symbol("g", at) for at in (a, b, c))
J_A, J_B = (symbol("J", at) for at in (a, b))

_LAYERS = integer(k, 0, "the number of hidden layers; 0 stands for one unit of the first")
_WIDTH = count(n, 1, "the number of units of one more layer")
_LABEL = "the label over the product of the numbers of units of the hidden layers"
_SPREAD = real(a, "a value of the drop probability over that to be kept", low=0, low_in=True)
_STEP = real(s, "how much larger another such value is", low=0)
_LARGER = Definition(b, a + s, "the larger value")
_ANY = "the product of this value and one factor for each hidden layer, 1 plus the value over its number of units"


def _numbers() -> Iterator[Mapping[Term, Any]]:
    """Yield the numbers of the family, mask by mask."""
    for (inputs, widths), rate, share in itertools.product(SIZES, RATES, (F(0), HALF, F(2))):
        sizes = (inputs, *widths, 1)
        network, x = Network([[[1] * i] * o for i, o in itertools.pairwise(sizes)]), (1, -1, 0)[:inputs]
        spread, product, grown = rate / (1 - rate), 1, rate / (1 - rate)
        for width in widths:
            product, grown = product * width, grown * (1 + spread / width)
        rates = (rate,) * (len(widths) + 1)
        found = naive_evaluation(network, Examples.point(x, share * product), rates)
        moments = [
            sum((chance * F(dropout_output(network, x, mask, rates)[0]) ** i for mask, chance in masks(network, rates)),
                F(0))
            for i in (1, 2)
        ]  # fmt: skip
        yield {
            j: inputs - 2, k: len(widths), q: rate, v: share, P: product, GROWN: grown, MEAN: moments[0],
            SQUARE: moments[1], J: F(found.criterion), R: F(found.risk),
        }  # fmt: skip


_TRIED = "mask by mask, sizes 2-1-1, 3-2-1, 2-2-1-1, q = 1/3, 2/3, three labels"

FAMILY = Derivation(
    name="penalty-of-ones",
    supporting=True,
    title="A network whose weights are all 1",
    setting=say(
        "All weights 1, no biases, two inputs {0} and {1}, {2} others 0, {3} hidden layers",
        number(1),
        number(-1),
        j,
        k,
    ),
    quantified=(integer(j, 0, "the number of further inputs"), RATE, _LAYERS, real(v, _LABEL)),
    definitions=(KEEP, SPREAD, Definition(y, v * P, "the label")),
    quantities=(
        quantity(P, "the product of the numbers of units of the hidden layers"),
        quantity(GROWN, "the product of the spread of a mask and one factor for each hidden layer, as below"),
        quantity(MEAN, "the mean output under dropout"),
        quantity(SQUARE, "the mean of its square"),
        quantity(J, "the mean squared error under dropout"),
        quantity(R, "the squared error without dropout"),
    ),
    auxiliary=(_WIDTH,),
    lines=(
        Line(
            label="unit",
            sentence=say(
                "A unit of the first layer is {0} where the first of the two inputs is kept and the second is not, and "
                "else 0. So its mean is {claim}",
                1 / p,
            ),
            claim=equal(p * q * (1 / p), q),
        ),
        Line(label="unit square", sentence=say("and its mean square {claim}."), claim=equal(p * q * (1 / p) ** 2, lam)),
        Line(
            label="mean",
            sentence=say("The units of a layer are equal, and masks keep means: {claim}."),
            claim=equal(MEAN, q * P),
            reason=ByInduction(k, ((MEAN, q), (P, number(1))), ((MEAN, n * MEAN), (P, n * P)), factor=n),
        ),
        Line(
            label="square",
            sentence=say("The sum of {0} equal units under masks has the mean square {1} times theirs: {claim}.",
                         n, n**2 + n * lam),
            claim=equal(SQUARE, GROWN * P**2),
            reason=ByInduction(
                k,
                ((SQUARE, lam), (GROWN, lam), (P, number(1))),
                ((SQUARE, (n**2 + n * lam) * SQUARE), (GROWN, GROWN * (1 + lam / n)), (P, n * P)),
                factor=n**2 + n * lam,
            ),
        ),
        Line(
            label="mean listed",
            sentence=say("Mask by mask, too: {claim}"),
            claim=equal(MEAN, q * P),
            reason=InWords(_numbers, _TRIED),
        ),
        Line(
            label="square listed",
            sentence=say("and {claim}."),
            claim=equal(SQUARE, GROWN * P**2),
            reason=InWords(_numbers, _TRIED),
        ),
        Line(
            label="criterion",
            sentence=say("By definition {claim}"),
            claim=equal(J, SQUARE - 2 * y * MEAN + y**2),
            reason=InWords(_numbers, _TRIED),
        ),
        Line(
            label="risk",
            sentence=say("and, as the two inputs cancel without masks, {claim}."),
            claim=equal(R, y**2),
            reason=InWords(_numbers, _TRIED),
        ),
    ),
    conclusions=(
        Conclusion(
            equal(J - R, P**2 * (GROWN - 2 * v * q)),
            From((part("criterion"), part("risk", -1), part("square"), part("mean", -2 * y))),
        ),
    ),
)  # fmt: skip
"""J − R = P² (F − 2 v q)."""


def _penalty(at: Term, grown: Term) -> Definition:
    """Return F − 2 v q at a spread by a name of its own."""
    return Definition(
        symbol("g", at),
        grown - 2 * v * at / (1 + at),
        "the penalty over the square of the product of the numbers of units, at this spread",
    )


def _grown(label: str, words: str, claim: Any, names: tuple[tuple[Term, Term], ...], **more: Any) -> Line:
    """Return a line by induction on the layers, each of which multiplies F at a spread by 1 + spread/n."""
    return Line(
        label=label,
        sentence=say(words),
        claim=claim,
        reason=ByInduction(
            k, names, tuple((found, found * (1 + spread / n)) for found, spread in names), **more
        ),
    )  # fmt: skip


CONVEX = Derivation(
    name="penalty-convex",
    title="The penalty has at most one turning point",
    setting=say("All weights 1, input {0}, {1}, 0s, label above 0", number(1), number(-1)),
    quantified=(
        _LAYERS,
        real(v, _LABEL, low=0),
        _SPREAD,
        _STEP,
        real(t, "how much larger a third value is", low=0),
    ),
    definitions=(
        _LARGER,
        Definition(c, b + t, "the largest value"),
        _penalty(a, F_A),
        _penalty(b, F_B),
        _penalty(c, F_C),
    ),
    quantities=tuple(quantity(found, _ANY) for found in (F_A, F_B, F_C)),
    auxiliary=(_WIDTH,),
    lines=(
        _grown("positive", "By induction on the layers {claim},", F_A >= 0, ((F_A, a),), factor=1 + a / n),
        _grown(
            "above", "{claim}", F_C >= F_A, ((F_A, a), (F_C, c)), factor=1 + c / n,
            parts=(part("positive", (s + t) / n),),
        ),
        _grown(
            "chord", "and {claim}.", t * F_A - (s + t) * F_B + s * F_C >= 0, ((F_A, a), (F_B, b), (F_C, c)),
            factor=1 + b / n, parts=(part("above", s * t / n),),
        ),
        Line(
            label="rates",
            sentence=say("The drop probability is strictly concave in the spread: {claim}."),
            claim=(s + t) * (b / (1 + b)) > t * (a / (1 + a)) + s * (c / (1 + c)),
        ),
    ),
    conclusions=(
        Conclusion(
            (s + t) * G_B < t * G_A + s * G_C,
            From((part("chord"), part("rates", 2 * v))),
        ),
    ),
)  # fmt: skip
"""Strictly convex in λ: between two values it is below the chord."""

FALLS = Derivation(
    name="penalty-falls",
    title="It falls and then rises: negative for small spreads, positive for large ones",
    setting=say("Above half the product of widths"),
    quantified=(
        _LAYERS,
        Variable(term=v, meaning=_LABEL, low=HALF),
        real(a, "a spread", low=0),
        real(b, "another one", low=0),
    ),
    hypotheses=(Hypothesis("small", 4 * v * (k + 1) * a <= 2 * v - 1), Hypothesis("large", 1 + b > 2 * v)),
    definitions=(_penalty(a, F_A), _penalty(b, F_B)),
    quantities=tuple(quantity(found, _ANY) for found in (F_A, F_B)),
    auxiliary=(_WIDTH,),
    lines=(
        _grown(
            "at most", "By induction on the layers {claim}", F_A <= a * (1 + a) ** k, ((F_A, a),), factor=1 + a / n,
            plus=(a * (1 + a) ** k * a * (1 - 1 / n),),
        ),
        _grown("at least", "and {claim}.", F_B >= b, ((F_B, b),), factor=1 + b / n, plus=(b**2 / n,)),
        Line(
            label="powers",
            sentence=say("For every spread {claim},"),
            claim=(1 + a) ** (k + 1) * (1 - (k + 1) * a) <= 1,
            reason=ByLemma(BERNOULLI, ((base, a), (exponent, k + 1))),
        ),
        Line(
            label="room",
            sentence=say("which under the first hypothesis gives {claim}."),
            claim=(1 + a) ** (k + 1) < 2 * v,
            reason=From(
                (part("powers", 4 * v / (2 * v + 1)), part("small", (1 + a) ** (k + 1) / (2 * v + 1))),
                plus=(2 * v * (2 * v - 1) / (2 * v + 1),),
            ),
        ),
        Line(
            label="turn",
            sentence=say(
                "A function that is strictly convex, 0 at 0, negative for small values and positive for large ones "
                "falls up to one place and rises from there on."
            ),
            reason=InWords(),
        ),
    ),
    conclusions=(
        Conclusion(G_A < 0, From((part("at most"), part("room", a / (1 + a))))),
        Conclusion(G_B > 0, From((part("at least"), part("large", b / (1 + b))))),
    ),
)  # fmt: skip
"""With the convexity and the value 0 at 0: it falls, and then rises, if v > ½."""

RISES = Derivation(
    name="penalty-rises",
    title="Otherwise it rises",
    setting=say("At most that"),
    quantified=(_LAYERS, Variable(term=v, meaning=_LABEL, high=HALF, high_in=True), _SPREAD, _STEP),
    definitions=(_LARGER, _penalty(a, F_A), _penalty(b, F_B)),
    quantities=tuple(quantity(found, _ANY) for found in (F_A, F_B)),
    auxiliary=(_WIDTH,),
    lines=(
        _grown("positive", "By induction on the layers {claim}", F_B >= 0, ((F_B, b),), factor=1 + b / n),
        _grown(
            "steps", "and {claim}.", F_B - F_A >= s, ((F_A, a), (F_B, b)), factor=1 + a / n,
            parts=(part("positive", s / n),), plus=(s * a / n,),
        ),
    ),
    conclusions=(
        Conclusion(
            G_A < G_B, From((part("steps"),), plus=(s - 2 * v * s / ((1 + a) * (1 + b)),))
        ),
    ),
)  # fmt: skip

NETWORKS = (
    (Network([[[1, -2], [3, 1]], [2, -1]], [[0, 1], 0]), (1, 1)),
    (Network([[[1], [1]], [[1, -1]], [1]]), (1,)),
    (Network([[[0]], [1]], [[1], 0]), (1,)),  # no mask but the last matters: equality
)
FAR = F(99, 100)


def _two_rates() -> Iterator[Mapping[Term, Any]]:
    """Yield the numbers of two networks at a small and a large rate, for labels on the side where the penalty falls."""
    for network, x in NETWORKS:
        depth = len(network.weights)
        output = F(dropout_output(network, x, None, ())[0])
        for rate in (F(1, 1000), F(1, 3)):
            mean, square = F(0), F(0)
            for mask, chance in masks(network, (rate,) * depth):
                found = F(dropout_output(network, x, mask, (rate,) * depth)[0])
                mean, square = mean + chance * found, square + chance * found**2
            label = output
            if mean != output:
                label = (square - output**2) / (2 * (mean - output)) + (1 if mean > output else -1)
            near = naive_evaluation(network, Examples.point(x, label), (rate,) * depth)
            far = naive_evaluation(network, Examples.point(x, label), (FAR,) * depth)
            last = sum(
                (chance * _last_units(network, x, mask, FAR) for mask, chance in masks(network, (FAR,) * depth)),
                F(0),
            )  # fmt: skip
            yield {
                y: label, W: output, M: mean, S: square, J: F(near.criterion), R: F(near.risk),
                b: FAR / (1 - FAR), J_B: F(far.criterion), Z: last,
            }  # fmt: skip


def _last_units(network: Network, x: tuple[int, ...], mask: Any, rate: Fraction) -> Fraction:
    """Return Σ v_j² h_j² over the units of the last hidden layer under the masks of the layers below."""
    values = [F(u) for u in x]
    for rows, biases, kept in zip(network.weights[:-1], network.biases[:-1], mask, strict=False):
        seen = [value * bit / (1 - rate) for value, bit in zip(values, kept, strict=True)]
        values = [
            max(F(0), sum((F(w) * u for w, u in zip(row, seen, strict=True)), F(bias)))
            for row, bias in zip(rows, [0] * len(rows) if biases is None else biases, strict=True)
        ]
    return sum(((F(w) * h) ** 2 for w, h in zip(network.weights[-1][0], values, strict=True)), F(0))


_TWO = "three networks, two with biases, one with two hidden layers, mask by mask; q = 1/1000, 1/3 and 99/100"
ONE_SIDE = Derivation(
    name="penalty-one-side",
    title="For every relu network and input, all labels on one side of a threshold",
    setting=say("Any network, any input"),
    quantified=(
        real(y, "the label"),
        real(b, "the spread of the other drop probability", low=0),
    ),
    hypotheses=(
        Hypothesis("side", 2 * y * (M - W) > S - W**2),
        Hypothesis("large", b * Z > R),
    ),
    quantities=(
        quantity(W, "the output without dropout"),
        quantity(M, "the mean output at the first drop probability"),
        quantity(S, "the mean of its square"),
        quantity(J, "the criterion there"),
        quantity(R, "the squared error without dropout"),
        quantity(J_B, "the criterion at the other drop probability"),
        quantity(Z, "the sum of squared output weights times mean squares of the last hidden units there"),
    ),
    lines=(
        Line(
            label="criterion",
            sentence=say("By definition {claim}"),
            claim=equal(J, S - 2 * y * M + y**2),
            reason=InWords(_two_rates, _TWO),
        ),
        Line(
            label="risk",
            sentence=say("and {claim}."),
            claim=equal(R, (W - y) ** 2),
            reason=InWords(_two_rates, _TWO),
        ),
        Line(
            label="last",
            sentence=say("The last masks alone give {claim}."),
            claim=J_B >= b * Z,
            reason=InWords(_two_rates, _TWO),
        ),
        Line(
            label="path",
            sentence=say(
                "Where the mean is not {0}, some unit with an output weight that is not 0 is not 0 at some mask or "
                "without dropout. Follow positive terms down to an input or a positive bias. To keep only the {1} of "
                "these that have masks has probability {2}, {3} the number of the others, and for drop probabilities "
                "near 1 each value is then at least {4} times the one below, times a positive number that is free of "
                "the drop probability. So {5} is at least such a number times {6}, and {7} grows beyond all bounds.",
                W, m, p**m * q**N, N, 1 / p, Z, q**N / p**m, b * Z,
            ),
            reason=InWords(),
        ),
    ),
    conclusions=(
        Conclusion(J < R, From((part("criterion", -1), part("risk"), part("side")))),
        Conclusion(J_B > R, From((part("last"), part("large")))),
    ),
)  # fmt: skip
"""J = R at q = 0, J < R at one rate and J > R at a larger one."""


def _linear() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, risk and squares of linear models at two spreads."""
    x = (1, 2, -1)
    for weights, (low, high) in itertools.product(((1, -1, 2), (0, 3, 1)), ((F(0), HALF), (HALF, F(3)))):
        found = [
            naive_evaluation(Network([list(weights)]), Examples.point(x, 2), (spread / (1 + spread),))
            for spread in (low, high)
        ]
        yield {
            a: low, s: high - low, J_A: F(found[0].criterion), J_B: F(found[1].criterion), R: F(found[0].risk),
            Z: F(sum((w * u) ** 2 for w, u in zip(weights, x, strict=True))),
        }  # fmt: skip


_MODELS = "two models of three inputs, mask by mask, q = 0, 1/3, 3/4"


def _cited(label: str, words: str, found: Term, spread: Term) -> Line:
    """Return the penalty of the linear model at one spread, by the lemma."""
    return Line(
        label=label,
        sentence=say(words),
        claim=equal(found, R + spread * Z),
        reason=ByLemma(
            MASKED_LAYER,
            ((q, spread / (1 + spread)), (pairs, number(1))),
            renamed=((CRITERION, found), (RISK, R), (SQUARES, Z)),
            tried=_linear,
            described=_MODELS,
        ),
    )


LINEAR = Derivation(
    name="linear-rises",
    title="In the linear model the penalty rises",
    setting=say("Linear model"),
    quantified=(_SPREAD, _STEP),
    definitions=(_LARGER,),
    hypotheses=(Hypothesis("seen", Z > 0),),
    quantities=(
        quantity(J_A, "the criterion at the smaller value"),
        quantity(J_B, "the criterion at the larger one"),
        quantity(R, "the squared error without dropout"),
        quantity(Z, "the sum of the squares of weight times input"),
    ),
    lines=(
        _cited("smaller", "At the smaller value {claim}", J_A, a),
        _cited("larger", "and at the larger {claim}.", J_B, b),
    ),
    conclusions=(Conclusion(J_A - R < J_B - R, From((part("smaller", -1), part("larger"), part("seen", s)))),),
)
ALL_SIZES = (FAMILY, CONVEX, FALLS, RISES, ONE_SIDE, LINEAR)
