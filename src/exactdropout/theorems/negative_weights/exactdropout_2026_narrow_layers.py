r"""Derived here: narrow layers do not need negative weights, for every number of inputs K, width n and q.

One hidden relu layer without biases on the point mass (1_K, 1), λ = q/p, K ≥ 2. If

    (K − 1) n² p³ ≤ q² (q + K p),

the minimum of J_D over all weights is the minimum T_n over non-negative ones: n* > (q/p) √((q + K p)/((K − 1) p)).

With biases on P_(1,1) the same holds if K p (q + (K − 1) p (q + n p))² + (K − 1) n² p³ ≤ q² (q + K p).

Proof. With ρ = 1 − c L, the residual of n equal units on the number L of kept inputs, J_D ≥ T_n unless a unit h
has (E ρ h)² > κ E h², κ what a unit h = L reaches. Given the masks of the inputs with weights ≤ 0, a unit is a convex
function that starts at 0 of the number of the kept others, and the bound for non-negative weights applies; averaged,
the bounds are below κ under the condition. For negative output weights (c L − 1)₊² ≤ c² L (L − 1) is enough.
With biases a unit also has its value t on (0, 0), which it can lose on masked inputs: two more terms with t.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import (
    OPEN_RATE,
    K,
    lam,
    n,
    p,
    q,
    quantity,
)
from exactdropout.theorems.lemmas.sum_inequalities import cauchy_schwarz
from exactdropout.theorems.negative_weights.narrow_units import (
    ALL_POSITIVE,
    COUNT,
    COUNT_SQUARE,
    KAPPA,
    LINE,
    LOST,
    NARROW,
    NARROW_WITH_BIASES,
    NEGATIVE_OUTPUT,
    SMALL,
    SOME,
    UNIT_GAIN,
    WIDTH,
    WITH_BIASES,
    c,
    kappa,
)
from exactdropout.theorems.negative_weights.width_thresholds import THRESHOLDS
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import (
    nonnegative_minimum_steps,
    point_minimum,
)
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, symbol

__all__ = [
    "BIASED_MINIMUM",
    "GAIN",
    "MINIMUM",
    "MINIMUM_OF_POINT_MASS",
    "SQUARE",
    "J",
    "T",
    "gains",
    "narrow",
    "narrow_with_biases",
    "prove",
]

T, GAIN, SQUARE, J, TERMS = symbol("T", "n"), symbol("x"), symbol("Q"), symbol("J"), symbol("U")
ell = symbol("l")


def _given(inputs: int, width: int, rate: Fraction) -> dict[Term, Fraction]:
    return {K: Fraction(inputs), n: Fraction(width), q: rate, p: 1 - rate}


def narrow(inputs: int, width: int, rate: Fraction) -> bool:
    """Return whether (K − 1) n² p³ ≤ q² (q + K p).

    >>> [width for width in range(1, 20) if narrow(4, width, Fraction(4, 5))]
    [1, 2, 3, 4, 5, 6]
    """
    return NARROW.holds_at(_given(inputs, width, rate))


def narrow_with_biases(inputs: int, width: int, rate: Fraction) -> bool:
    """Return whether K p (q + (K − 1) p (q + n p))² + (K − 1) n² p³ ≤ q² (q + K p).

    >>> [width for width in range(1, 20) if narrow_with_biases(4, width, Fraction(9, 10))]
    [1, 2, 3, 4, 5, 6, 7, 8]
    """
    return NARROW_WITH_BIASES.holds_at(_given(inputs, width, rate))


def gains(meets: Callable[[int, int, Fraction], bool], rates: tuple[Fraction, ...]) -> Iterator[Mapping[Term, Any]]:
    """Yield, at the largest widths that meet a condition, (E ρ h)₊ and (−E ρ h)₊ with E h² of units, all masks."""
    for inputs, values in ((2, range(-2, 3)), (3, range(-1, 2))):
        for rate in rates:
            kept = 1 - rate
            width = max((w for w in range(1, 200) if meets(inputs, w, rate)), default=1)
            slope = (1 - rate / (rate + width * kept)) / (rate + inputs * kept)
            masks = list(itertools.product((0, 1), repeat=inputs))
            chance = [kept ** sum(m) * rate ** (inputs - sum(m)) for m in masks]
            for weights in itertools.product(values, repeat=inputs):
                units = [max(0, sum(w * u for w, u in zip(weights, m, strict=True))) for m in masks]
                mean = sum(
                    (x * h * (1 - slope * sum(m)) for x, h, m in zip(chance, units, masks, strict=True)), Fraction(0)
                )
                square = sum((x * h * h for x, h in zip(chance, units, strict=True)), Fraction(0))
                for gain in (mean, -mean):
                    yield {**_given(inputs, width, rate), GAIN: max(gain, Fraction(0)), SQUARE: square}


def _gains() -> Iterator[Mapping[Term, Any]]:
    return gains(narrow, (Fraction(3, 5), Fraction(4, 5)))


def _criteria() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D of networks without biases by the double loop, and the sum of what their units enter with."""
    half, best = Fraction(1, 2), Fraction(1, 9)  # the best equal units for two inputs, two units and q = 1/2: equality
    cases: tuple[tuple[int, list[list[int]], list[Fraction], Fraction], ...] = (
        (2, [[1, -1], [2, 1]], [half, Fraction(-1)], Fraction(3, 5)),
        (2, [[1, 1]], [Fraction(1, 3)], half),
        (2, [[1, 1], [1, 1]], [best, best], half),
        (3, [[1, 0, -1], [1, 1, 1]], [Fraction(1), Fraction(1, 4)], Fraction(4, 5)),
    )
    for inputs, rows, outputs, rate in cases:
        width, kept = len(rows), 1 - rate
        slope = (1 - rate / (rate + width * kept)) / (rate + inputs * kept)
        total = Fraction(0)
        for weights, output in zip(rows, outputs, strict=True):
            for mask in itertools.product((0, 1), repeat=inputs):
                chance = kept ** sum(mask) * rate ** (inputs - sum(mask))
                count_ = Fraction(sum(w * u for w, u in zip(weights, mask, strict=True)))
                unit = output * max(Fraction(0), count_ / kept)
                residual = 1 - slope * sum(mask)
                total += chance * (rate / kept * unit**2 - 2 * residual * unit)
        network = Network([rows, outputs])
        found = naive_evaluation(network, Examples.point((1,) * inputs, 1), (rate, rate)).criterion
        yield {**_given(inputs, width, rate), J: Fraction(found), TERMS: total}


MINIMUM_OF_POINT_MASS = Definition(
    T,
    1 - 1 / ((1 + lam / K) * (1 + lam / n)),
    "the minimum over weights that are not negative on the point mass without biases",
    equal(T, 1 - c * COUNT),
)
_RESIDUAL_SQUARE = 1 - 2 * c * COUNT + c**2 * COUNT_SQUARE

MINIMUM = Derivation(
    name="narrow-minimum",
    title="Narrow layers do not need negative weights",
    setting=say("One hidden layer without biases on the point mass with {0} inputs 1 and label 1", K),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(
        *LINE,
        KAPPA,
        MINIMUM_OF_POINT_MASS,
    ),
    hypotheses=(Hypothesis("narrow", NARROW),),
    quantities=(
        quantity(J, "the criterion of any network of this shape"),
        quantity(GAIN, "the positive part of the mean product of a unit, with its output weight, and the residual"),
        quantity(SQUARE, "the mean square of the unit, with its output weight"),
        quantity(TERMS, "the sum over the units of minus twice the gain plus the spread times the mean square"),
    ),
    lines=(
        Line(
            label="tangent",
            sentence=say("Squares lie above their tangents at the residual {0}: {claim}.", 1 - c * ell),
            claim=J >= 2 * (1 - c * COUNT) - _RESIDUAL_SQUARE + TERMS,
            reason=InWords(_criteria, "double loop, four networks"),
        ),
        Line(
            label="negative",
            sentence=say("By the condition a unit with negative output weight gains little: {claim}."),
            claim=c**2 * (COUNT_SQUARE - COUNT) <= kappa,
            reason=ByLemma(NEGATIVE_OUTPUT, (), ("narrow",)),
        ),
        Line(
            label="gain",
            sentence=say("By the bounds above and the inequality of Cauchy and Schwarz {claim}."),
            claim=kappa * SQUARE >= GAIN**2,
            reason=InWords(_gains, "all masks, 104 units of two and three inputs, the largest widths of the condition"),
        ),
        Line(
            label="unit",
            sentence=say("A unit enters with {claim}."),
            claim=lam * SQUARE - 2 * GAIN >= -kappa / lam,
            reason=From((part("gain", lam / kappa),), plus=(lam / kappa * (GAIN - kappa / lam) ** 2,)),
        ),
        Line(
            label="units",
            sentence=say("There are {0} of them: {claim}.", n),
            claim=TERMS >= -(n * kappa / lam),
            reason=InWords(_criteria, "double loop, four networks"),
        ),
        Line(
            label="value",
            sentence=say("All together this is the minimum over weights that are not negative: {claim}."),
            claim=equal(2 * (1 - c * COUNT) - _RESIDUAL_SQUARE - n * kappa / lam, T),
        ),
    ),
    conclusions=(Conclusion(J >= T, From((part("tangent"), part("units"), part("value")))),),
)
"""J ≥ T_n, which non-negative weights attain."""

J_BIASED = symbol("J", "b")


def _biased() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D on P_(1,1) of networks 2-1-1 with biases within the condition, by the double loop."""
    rate, half = Fraction(9, 10), Fraction(1, 2)
    data = Examples.half((1, 1), 1)
    for u, v, w in itertools.product((-1, 0, 1), repeat=3):
        for bias, output in itertools.product((-half, Fraction(0), half), repeat=2):
            network = Network([[[u, v]], [Fraction(w, 10)]], [[bias], output])
            yield {**_given(2, 1, rate), J_BIASED: Fraction(naive_evaluation(network, data, (rate, rate)).criterion)}
    best = T_BIASED.value({T: Fraction(point_minimum(2, 1, rate / (1 - rate)))})
    yield {**_given(2, 1, rate), J_BIASED: best}  # attained by weights that are not negative, as shown below


T_BIASED = T / (2 * (1 + T))
_NEEDS = (NARROW, SMALL, WITH_BIASES.conclusions[2].claim)
BIASED_MINIMUM = Derivation(
    name="narrow-minimum-with-biases",
    title="Narrow layers with biases do not need negative weights",
    setting=say("With biases on P(1,1)"),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(
        *LINE,
        KAPPA,
        MINIMUM_OF_POINT_MASS,
    ),
    hypotheses=(Hypothesis("narrow", NARROW_WITH_BIASES),),
    quantities=(quantity(J_BIASED, "the criterion of any network of this shape with biases"),),
    lines=(
        Line(
            label="alone",
            sentence=say("The condition gives that without biases: {claim}."),
            claim=_NEEDS[0],
            reason=ByLemma(WITH_BIASES, (), ("narrow",)),
        ),
        Line(
            label="small",
            sentence=say("It gives {claim}, which bounds what a unit loses on masked inputs."),
            claim=_NEEDS[1],
            reason=ByLemma(WITH_BIASES, (), ("narrow",)),
        ),
        Line(
            label="negative",
            sentence=say("Negative output weights need {claim}."),
            claim=_NEEDS[2],
            reason=ByLemma(WITH_BIASES, (), ("narrow",)),
        ),
        Line(
            label="biased",
            sentence=say(
                "The value of a unit on zeros adds two terms to its gain, which these bounds cover as said below; the "
                "rest of the proof is that without biases. So {claim}."
            ),
            claim=J_BIASED >= T_BIASED,
            reason=InWords(_biased, "double loop: 243 networks 2-1-1 and the best equal units, q = 9/10"),
        ),
    ),
    conclusions=(Conclusion(J_BIASED >= T_BIASED, From((part("biased"),))),),
)
"""J ≥ T/(2 (1 + T)) with biases."""

DERIVATIONS = (UNIT_GAIN, ALL_POSITIVE, NEGATIVE_OUTPUT, MINIMUM, WITH_BIASES, LOST, BIASED_MINIMUM)


def prove() -> Proof:
    """Prove that layers within the condition need no negative weights."""
    return proved("holds", DERIVATIONS, [*nonnegative_minimum_steps(), *_further()])


def _further() -> list[Step]:
    return [
        cauchy_schwarz(
            r"On average over the other masks: $E[\rho h] \le E_v\, g_j \|h\|_v \le \sqrt{E_v\, g_j^2} \sqrt{E h^2}$."
        ),
        argument(
            r"Given the masks of the inputs with weights $\le 0$, $h$ is a unit with weights $\ge 0$ and a bias $\le "
            r"0$: $\psi(\ell) = E[h \mid \ell]$ is convex and non-decreasing with $\psi(0) = 0$, and the bound for "
            r"non-negative weights applies. If $1 - c j < 0$ then $\rho < 0$ and $E[\rho \psi] \le 0$."
        ),
        argument(
            r"With biases on $P_{(\mathbf 1, 1)}$, given the other masks $h = t_v + g$ with $0 \le t_v \le t$, $t$ the "
            r"value of the unit on $(0, 0)$, and $g$ as $\psi$ before, so $E[\rho g] \le \sqrt{E_v\, g_j^2} \sqrt{E "
            r"g^2}$, $-E[\rho (t - t_v)] \le t\, E_v (c (j + kp) - 1)_+ \le t \delta$ and $\|h\|^2 \ge E g^2 + t^2$: "
            r"then $(E[\rho g] + t \delta)^2 \le \kappa\, \|h\|^2$. For negative output weights $-E[\rho (h - t)] \le "
            r"Kp (1 - c)\, t + E[(c L - 1)_+ (h - t)_+]$."
        ),
        enumerated(
            r"The best equal units attain $\frac T{2 (1 + T)}$ at $K = 2$, $n = 1$, $q = \frac9{10}$, within the "
            r"condition.",
            [(narrow_with_biases(2, 1, Fraction(9, 10)), True), _attained(Fraction(9, 10))],
            "one network, 8 masks",
        ),
        step(
            r"The condition excludes no width that is known to need negative weights: $K = 2$, $q$ below $\theta_n$.",
            "cases",
            not any((narrow_with_biases if t.biases else narrow)(t.inputs, t.width, t.theta) for t in THRESHOLDS),
            "n = 2, ..., 7 without biases, n = 1, ..., 7 with",
        ),
    ]


def _attained(rate: Fraction) -> tuple[Fraction, Fraction]:
    """Return J_D of one unit with weights 1 and the best output weight and bias, and T/(2 (1 + T))."""
    value = Fraction(point_minimum(2, 1, rate / (1 - rate)))
    bias = value / (1 + value)
    network = Network([[[1, 1]], [(1 - bias) * (1 - value) / 2]], [[0], bias])
    found = naive_evaluation(network, Examples.half((1, 1), 1), (rate, rate)).criterion
    return Fraction(found), T_BIASED.value({T: value})


@register(
    id="exactdropout-2026-narrow-layers",
    title="Narrow layers do not need negative weights",
    source="exactdropout2026",
    number="narrow layers",
    derivations=DERIVATIONS,
    verdict="holds",
)
def narrow_layers() -> Proof:
    """Prove the entry as declared."""
    return prove()
