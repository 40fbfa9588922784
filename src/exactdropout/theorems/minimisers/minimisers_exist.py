"""That J_D has minimisers beyond one relu layer: where no unit can cancel what it gets. Part of Definition 2.

Let z = b + Σ w_i h_i r_i/p be a pre-activation and |φ(z)| ≥ α |z| for its activation, α > 0. Then

    E φ(z)² ≥ α² E z² = α² (E (b + Σ w_i h_i)² + λ Σ w_i² E h_i²) ≥ α² λ Σ w_i² E h_i²:

units of mean square 1 have bounded weights, layer by layer. So it is for leaky relu with slope α in (0, 1], for linear
units (α = 1), and for relu with weights and biases ≥ 0 above the first layer, where z ≥ 0. It is not so for relu with
negative weights: relu(h_1 − k h_2) may stay small as k grows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, SPREAD, count, lam, n, q, quantity, real
from exactdropout.theorems.minimisers.one_hidden_layer import (
    HIDDEN_RATE,
    LAST_LAYER,
    NETWORKS,
    W_MIN,
    W,
    data,
    sum_of_squares,
    weights,
)
from exactdropout.theorems.proof import Step, argument, enumerated
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Exists
from exactdropout.theorems.statements.lines import ByCases, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByCompactness
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["DEEP_MINIMISERS", "DEEP_UNIT", "minimisers_at_depth"]

HALF = Fraction(1, 2)
SLOPE = Fraction(1, 10)
LEAKY = "leaky_relu(1/10)"
FIRST = [[1, 2], [-1, 1]]
EXAMPLES = Examples([((1, -1), 0), ((2, 1), 0)])

alpha, b, c, w, x, y, z, t, beta, a, m, mu = symbols("alpha b c w x y z t beta a m mu")
UNIT, BELOW, OTHERS, MEAN, SQUARE, SUM = symbols("G H V T Z S")
J = apply("J", W)


def _mean_square(
    rows: list[Any], biases: list[Any], rates: tuple[Fraction, ...], activations: tuple[str, ...]
) -> Fraction:
    """E h² of the one unit on top: with output weight 1 and label 0 the criterion is E h² for output rate 0."""
    network = Network([*rows, [1]], [*biases, 0], activation=activations)
    return Fraction(naive_evaluation(network, EXAMPLES, (*rates, Fraction(0))).criterion)


def _units() -> Iterator[Mapping[Term, Any]]:
    """Yield the moments of a unit with two units below it, by the double loop."""
    third, both = Fraction(2, 3), Fraction(1)
    for one, two, bias, rate, slope in (
        (-2, 1, -HALF, HALF, SLOPE),
        (1, -2, Fraction(0), third, SLOPE),
        (-2, -2, -HALF, HALF, both),
        (1, 1, Fraction(0), HALF, SLOPE),
        (3, 0, -HALF, third, SLOPE),
        (0, 0, Fraction(0), HALF, both),
    ):
        name = LEAKY if slope == SLOPE else "linear"
        rows, lows = [FIRST, [[one, two]]], [[0, 1], [bias]]

        def top(at: tuple[Fraction, ...], last: str, low: Any = bias, rows: Any = rows, name: str = name) -> Any:
            return _mean_square(rows, [[0, 1], [low]], at, (name, last))

        below = [_mean_square([[row]], [[low]], (rate,), (name,)) for row, low in zip(FIRST, (0, 1), strict=True)]
        yield {
            alpha: slope,
            q: rate,
            w: Fraction(one),
            b: bias,
            BELOW: below[0],
            OTHERS: two**2 * below[1],
            UNIT: _mean_square(rows, lows, (rate, rate), (name, name)),
            SQUARE: top((rate, rate), "linear"),
            MEAN: top((rate, Fraction(0)), "linear"),
            SUM: top((rate, rate), "linear", Fraction(0)),
            m: Fraction(2 if two else 1),
        }


_TRIED = "double loop: six networks 2-2-1, leaky relu of slope 1/10 and linear"


def _leaky(at: Term) -> Term:
    return apply("relu", at) - alpha * apply("relu", -at)


SLOPES = Variable(
    term=alpha,
    meaning="the slope of the activation below 0; 1 for linear units",
    low=Fraction(0),
    high=Fraction(1),
    high_in=True,
)
_MOMENTS = (
    sum_of_squares(UNIT, "the mean square of a unit above the first layer"),
    data(BELOW, "the mean square of one unit below it that is not 0"),
    sum_of_squares(OTHERS, "the sum of the squared weights from the others, times their mean squares"),
    sum_of_squares(MEAN, "the mean square of its pre-activation without the masks of the layer below"),
    sum_of_squares(SQUARE, "the same with these masks"),
    sum_of_squares(SUM, "the same without its bias"),
    quantity(w, "its weight from the unit below"),
    quantity(b, "its bias"),
)
_RANGES = (SLOPES, HIDDEN_RATE, count(m, 1, "the number of units below"))
_WEIGHT = lam * alpha**2 * BELOW * w**2 <= UNIT
_BIAS = b**2 <= 2 / alpha**2 * UNIT + 2 * (m + lam) / (lam * alpha**2) * UNIT

DEEP_UNIT = Derivation(
    name="deep-unit",
    title="A unit that cannot cancel what it gets",
    supporting=True,
    setting=say("A unit with activation of slope {0} below 0", alpha),
    quantified=_RANGES,
    definitions=(KEEP, SPREAD),
    quantities=_MOMENTS,
    auxiliary=(
        real(z, "a pre-activation"),
        real(t, "a sum of weights times values"),
        real(y, "a bias"),
    ),
    lines=(
        Line(
            label="activation",
            sentence=say("Leaky relu keeps a part of every value: {claim}."),
            claim=_leaky(z) ** 2 >= alpha**2 * z**2,
            reason=ByCases((z,)),
        ),
        Line(
            label="unit",
            sentence=say(
                "In the mean {claim}. (Relu with weights and biases that are not negative has {0}, as all its "
                "pre-activations are.)",
                equal(alpha, 1),
            ),
            claim=alpha**2 * SQUARE <= UNIT,
            reason=InWords(_units, _TRIED),
        ),
        Line(
            label="masks",
            sentence=say("By Lemma 5, given the values below and then in the mean, {claim}."),
            claim=equal(SQUARE, MEAN + lam * (BELOW * w**2 + OTHERS)),
            reason=InWords(_units, _TRIED),
        ),
        Line(
            label="weight",
            sentence=say("So {claim}."),
            claim=_WEIGHT,
            reason=From((part("unit"), part("masks", alpha**2)), plus=(alpha**2 * MEAN, lam * alpha**2 * OTHERS)),
        ),
        Line(
            label="bias term",
            sentence=say("For numbers {claim}."),
            claim=y**2 <= 2 * (y + t) ** 2 + 2 * t**2,
            reason=From((), plus=((y + 2 * t) ** 2,)),
        ),
        Line(
            label="bias mean",
            sentence=say("In the mean {claim}."),
            claim=b**2 <= 2 * SQUARE + 2 * SUM,
            reason=InWords(_units, _TRIED),
        ),
        Line(
            label="sum",
            sentence=say(
                "The square of a sum of {0} terms is at most {0} times that of their squares, and masks add as "
                "before: {claim}.",
                m,
            ),
            claim=SUM <= (m + lam) * (BELOW * w**2 + OTHERS),
            reason=InWords(_units, _TRIED),
        ),
        Line(
            label="bias",
            sentence=say("So {claim}."),
            claim=_BIAS,
            reason=From(
                (
                    part("bias mean"),
                    part("sum", 2),
                    part("unit", 2 / alpha**2 + 2 * (m + lam) / (lam * alpha**2)),
                    part("masks", 2 * (m + lam) / lam),
                ),
                plus=(2 * (m + lam) / lam * MEAN,),
            ),
        ),
    ),
    conclusions=(Conclusion(_WEIGHT, From((part("weight"),))), Conclusion(_BIAS, From((part("bias"),)))),
)
"""λ α² H w² ≤ G, and b² ≤ (2/α²) G + 2 (m + λ)/(λ α²) G."""


def _normalised() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean squares of the units of a chain that was scaled, 1 and 1, where all inputs are negative."""
    rate, weight, scaled = Fraction(3, 4), Fraction(50), Fraction(1, 2) / SLOPE
    point = Examples.point((-SLOPE,), 0)
    squares = [
        Fraction(naive_evaluation(network, point, (*(rate,) * depth, Fraction(0))).criterion)
        for depth, network in (
            (1, Network([[[weight]], [1]], activation=LEAKY)),
            (2, Network([[[weight]], [[scaled]], [1]], activation=LEAKY)),
        )
    ]
    yield {BELOW: squares[0], UNIT: squares[1], mu: 4 * SLOPE**2, c: weight, alpha: SLOPE}


def _outputs() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of networks 1-1-m-1 whose hidden units are 1, dropout on the last, with output and bias."""
    rate = Fraction(1, 10)
    for width, output, bias, label in ((1, 1, 2, 3), (8, 1, -8, 0), (2, 0, 3, 3), (2, -2, 1, -1)):
        network = Network([[[1]], [[1]] * width, [output] * width], [[0], [0] * width, bias])
        found = naive_evaluation(network, Examples.point((1,), label), (Fraction(0), Fraction(0), rate)).criterion
        yield {
            J: Fraction(found),
            q: rate,
            m: Fraction(width),
            a: Fraction(output),
            beta: Fraction(bias),
            symbol("C"): Fraction(label**2),
        }


_OUTPUTS = "double loop: four networks 1-1-m-1 with units of mean square 1"
_CHAIN = "a chain of two units, scaled, 4 masks"
_inner = b + w * _leaky(c * x)

DEEP_MINIMISERS = Derivation(
    name="deep-minimisers",
    title="Minimisers exist at every depth",
    setting=say("Any depth, slope {0} below 0, finite second moments", alpha),
    quantified=(
        *_RANGES,
        weights(W, "the weights and biases of any network"),
        Exists(variable=weights(W_MIN, "those of some network")),
    ),
    definitions=(KEEP, SPREAD),
    quantities=(
        NETWORKS,
        data(mu, "the least mean square of the masked inputs in any direction in which they are not 0"),
        quantity(c, "a weight of the first layer"),
        quantity(a, "an output weight"),
        quantity(beta, "an output bias"),
        data(symbol("C"), "the mean square of the labels", low_in=True),
        *_MOMENTS,
    ),
    auxiliary=(real(x, "a masked input"), real(y, "a label")),
    lines=(
        Line(
            label="below",
            sentence=say("Units are scaled one by one (Theorem 5), so that {claim}"),
            claim=equal(BELOW, 1),
            reason=InWords(_normalised, _CHAIN),
        ),
        Line(
            label="unit",
            sentence=say("and {claim}; a unit of mean square 0 is 0 at all inputs and is left out."),
            claim=equal(UNIT, 1),
            reason=InWords(_normalised, _CHAIN),
        ),
        Line(
            label="first",
            sentence=say(
                "First layer: directions in which all masked inputs are 0 are dropped, in the others {claim}."
            ),
            claim=alpha**2 * mu * c**2 <= 1,
            reason=InWords(_normalised, _CHAIN),
        ),
        Line(label="lemma weight", sentence=say("Next layers: {claim}."), claim=_WEIGHT, reason=ByLemma(DEEP_UNIT)),
        Line(
            label="weight",
            sentence=say("So weights are bounded: {claim}."),
            claim=lam * alpha**2 * w**2 <= 1,
            reason=From((part("lemma weight"), part("unit", -1), part("below", lam * alpha**2 * w**2))),
        ),
        Line(label="lemma bias", sentence=say("And {claim}."), claim=_BIAS, reason=ByLemma(DEEP_UNIT)),
        Line(
            label="bias",
            sentence=say("So biases are: {claim}."),
            claim=b**2 <= 2 / alpha**2 + 2 * (m + lam) / (lam * alpha**2),
            reason=From((part("lemma bias"), part("unit", -(2 / alpha**2 + 2 * (m + lam) / (lam * alpha**2))))),
        ),
        Line(
            label="output weight",
            sentence=say("Output weights and biases as for one hidden layer: {claim}"),
            claim=lam * a**2 <= J,
            reason=ByLemma(LAST_LAYER, ((n, m), (symbol("q", 0), number(0)))),
        ),
        Line(
            label="output bias",
            sentence=say("and {claim}."),
            claim=beta**2 <= 2 * J + 4 * m / lam * J + 4 * symbol("C"),
            reason=ByLemma(
                LAST_LAYER,
                ((n, m), (symbol("q", 0), number(0))),
                renamed=((b, beta),),
                tried=_outputs,
                described=_OUTPUTS,
            ),
        ),
        Line(
            label="term",
            sentence=say(
                "The criterion is a mean of terms that are continuous in these numbers, and at most a constant times "
                "the second moments, such as {claim}."
            ),
            claim=equal(
                (beta + a * _leaky(_inner) - y) ** 2,
                (beta - y) ** 2 + 2 * a * (beta - y) * _leaky(_inner) + a**2 * _leaky(_inner) ** 2,
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            apply("J", W_MIN) <= J,
            ByCompactness(
                "term",
                ((c, "first"), (w, "weight"), (b, "bias"), (a, "output weight"), (beta, "output bias")),
            ),
        ),
    ),
)
"""J(W_min) ≤ J(W) for leaky relu and linear units at every depth."""


def minimisers_at_depth() -> list[Step]:
    """Return what remains in words, and networks, beside the derivations."""
    return [
        argument(
            r"Closed conditions that scaling keeps may be added: some weights or biases $\ge 0$. For relu those of the "
            r"layers 2 to $d - 1$ must be among them, and the minimum is one over such networks; for leaky relu "
            r"and linear units no condition is needed."
        ),
        enumerated(
            r"For relu with a negative weight it fails: $x = (1, 1)$, $h_1 = h_2 = \mathrm{relu}(\tilde x_1)$, "
            r"$z = h_1 - 10 h_2$.",
            [_relu_counterexample()],
            "32 masks",
        ),
        enumerated(
            r"$K = n_1 = n_2 = 1$, $d = 3$, no biases, point mass $(1, 1)$, $q = \frac12$: the criterion is $8 v^2 - 2 "
            r"v + 1$ in the product $v$ of the weights, where $v > 0$; its minimum $\frac78$ is attained, and no "
            r"network of a grid is below.",
            _smallest_deep(),
            "linear and leaky relu; 8 masks, 64 networks each",
        ),
    ]


def _relu_counterexample() -> tuple[object, object]:
    point = Examples.point((1, 1), 0)
    rows = [[1, 0], [1, 0]]
    found, below = (
        (1 - HALF) * Fraction(naive_evaluation(network, point, (HALF,) * (len(network.weights))).criterion)
        for network in (Network([rows, [[1, -10]], [1]]), Network([[[1, 0]], [1]]))
    )
    # kept: x_1 and h_1 but not h_2, with probability 1/8, and then z = 4; h = 2 with probability 1/2
    return (found, below, found < (1 + 100) * below), (Fraction(16, 8), Fraction(2), True)


def _smallest_deep() -> Iterator[tuple[object, object]]:
    point = Examples.point((1,), 1)
    values = [Fraction(v, 4) for v in (-4, 1, 2, 4)]
    for activation in ("linear", LEAKY):
        found = {
            ws: Fraction(
                naive_evaluation(Network([[[w]] for w in ws], activation=activation), point, (HALF,) * 3).criterion
            )
            for ws in itertools.product(values, repeat=3)
        }
        best = (HALF, Fraction(1, 4), Fraction(1))
        yield (found[best], min(found.values())), (Fraction(7, 8), Fraction(7, 8))
        yield {found[ws] == _cubed(ws) for ws in found if min(ws) >= 0}, {True}


def _cubed(ws: tuple[Fraction, ...]) -> Fraction:
    v = ws[0] * ws[1] * ws[2]
    return 8 * v * v - 2 * v + 1
