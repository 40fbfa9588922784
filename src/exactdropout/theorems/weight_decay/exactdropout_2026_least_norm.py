"""Derived here: the least ‖W‖² for W(1) − W(0) = y is d (y/√K)^{2/d}, linear in d, whatever widths and biases.

With s the d-th root of y²/K this is d s. A layer stretches distances by at most its Frobenius norm, so y² is at most K
times the product of the squared norms, and their mean is at least the d-th root of that product. One path attains it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import INPUTS, K, count, d, integer, n, quantity, real
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ, INPUT_NORM, PRODUCT, WEIGHT_NORM, pairs
from exactdropout.theorems.proof import Proof
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import (
    ByCases,
    ByDivision,
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
from exactdropout.theorems.statements.terms import apply, equal, number, symbols
from exactdropout.theorems.weight_decay.weight_norm import squared_norm

__all__ = ["prove"]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
a, e, k, s, u, v, y = symbols("a e k s u v y")
A, D, F, G, N, P = symbols("A D F G N P")
_RISE = apply("relu", e + PRODUCT) - apply("relu", e)

ONE_LAYER = Derivation(
    name="distance-in-a-layer",
    supporting=True,
    title="A layer stretches distances by at most its norm",
    setting=say("A relu layer of {0} units, any biases, at two inputs", n),
    quantified=(integer(n, 0, "the number of units"), integer(pairs, 0, "the number of values below")),
    quantities=(
        quantity(PRODUCT, "how far the pre-activation of one more unit moves"),
        quantity(WEIGHT_NORM, "the sum of the squares of its incoming weights"),
        quantity(INPUT_NORM, "the squared distance of the two inputs"),
        quantity(F, "the sum of the squares of all weights of the layer"),
        quantity(D, "the squared distance of its two outputs"),
    ),
    auxiliary=(real(e, "a pre-activation"), real(a, "another")),
    lines=(
        Line(
            label="slope",
            sentence=say("A relu, and so much more the identity, moves no more than its pre-activation: {claim}."),
            claim=(apply("relu", a) - apply("relu", e)) ** 2 <= (a - e) ** 2,
            reason=ByCases((a, e)),
        ),
        Line(
            label="cauchy",
            sentence=say("By the inequality of Cauchy and Schwarz {claim}."),
            claim=WEIGHT_NORM * INPUT_NORM >= PRODUCT**2,
            reason=ByLemma(CAUCHY_SCHWARZ),
        ),
        Line(
            label="layer",
            sentence=say("Summed over the units, {claim}."),
            claim=D <= F * INPUT_NORM,
            reason=ByInduction(
                n,
                ((D, number(0)), (F, number(0))),
                ((D, D + _RISE**2), (F, F + WEIGHT_NORM)),
                parts=(part("slope", a=e + PRODUCT), part("cauchy")),
            ),
        ),
    ),
    conclusions=(Conclusion(D <= F * INPUT_NORM, From((part("layer"),))),),
)
TANGENT = Derivation(
    name="tangent-of-a-power",
    supporting=True,
    title="A power lies above its tangent",
    setting=say("Positive numbers {0} and {1}", u, v),
    quantified=(
        integer(k, 0, "an exponent less one"),
        real(u, "a number", low=0),
        real(v, "another number", low=0),
    ),
    lines=(
        Line(
            label="power",
            sentence=say("By induction on {0}: {claim}.", k),
            claim=u ** (k + 1) >= v ** (k + 1) + (k + 1) * v**k * (u - v),
            reason=ByInduction(k, (), (), factor=u, plus=((k + 1) * v**k * (u - v) ** 2,)),
        ),
    ),
    conclusions=(Conclusion(u ** (k + 1) >= v ** (k + 1) + (k + 1) * v**k * (u - v), From((part("power"),))),),
)
ROOTS = Derivation(
    name="roots-keep-order",
    supporting=True,
    title="A number whose power is no smaller is no smaller",
    setting=say("Powers of {0} and {1} with the same exponent", u, v),
    quantified=(
        count(d, 1, "the exponent"),
        real(u, "a number", low=0, low_in=True),
        real(v, "a positive number", low=0),
    ),
    quantities=(quantity(G, "the sum of all products of as many factors, one less than the exponent, in order"),),
    hypotheses=(Hypothesis("powers", u**d >= v**d),),
    lines=(
        Line(
            label="sum",
            sentence=say("With {0} the sum of the products of powers of the two, {claim}.", G),
            claim=equal((u - v) * G, u**d - v**d),
            reason=ByInduction(d, ((G, number(1)),), ((G, u * G + v**d),), factor=u),
        ),
        Line(
            label="positive",
            sentence=say("And {claim}."),
            claim=G > 0,
            reason=ByInduction(d, ((G, number(1)),), ((G, u * G + v**d),), factor=u, plus=(v**d,)),
        ),
        Line(
            label="product",
            sentence=say("So {claim}."),
            claim=(u - v) * G >= 0,
            reason=From((part("sum"), part("powers"))),
        ),
    ),
    conclusions=(Conclusion(u >= v, ByDivision("positive", "product")),),
)


def _networks() -> Iterator[Mapping[Any, Any]]:
    """Yield networks 4-1-1 with equal weights below: y = 4 v w and s = 2 v w, with biases that change nothing."""
    values = [Fraction(j, 2) for j in range(1, 7)]
    for below, above in itertools.product(values, values):
        network = Network([[[below] * 4], [above]], [[1], -2])
        zero, one = (Fraction(dropout_output(network, (i,) * 4, None, ())[0]) for i in (0, 1))
        yield {
            K: Fraction(4), d: Fraction(2), y: one - zero, s: (one - zero) / 2, INPUT_NORM: (one - zero) ** 2,
            P: 4 * below**2 * above**2, A: squared_norm(network) / 2,
        }  # fmt: skip


_FOUND = N >= d * s
_NEXT = (d * A + a) / (d + 1)

LEAST_NORM = Derivation(
    name="least-norm",
    title="The least weight norm is linear in depth",
    setting=say(
        "Relu networks with {0} layers of weights, any widths and biases, whose output is by {2} larger at {1} ones "
        "than at zeros, {3} the sum of the squares of the weights",
        d,
        K,
        y,
        N,
    ),
    quantified=(
        INPUTS,
        count(d, 1, "the number of layers of weights, the output layer included"),
        real(s, "the root, of the order of the depth, of the squared difference over the number of inputs", low=0),
    ),
    hypotheses=(Hypothesis("root", equal(y**2, K * s**d)),),
    quantities=(
        quantity(y, "the output at the input of ones less that at the input of zeros"),
        Variable(term=A, meaning="the mean of the squared norms of the layers", kind="network", low=Fraction(0)),
        quantity(P, "the product of the squared norms of the layers"),
        quantity(INPUT_NORM, "the squared distance of the outputs of the layers"),
    ),
    definitions=(Definition(N, d * A, "the sum of the squares of all weights", equal(N / d, A)),),
    auxiliary=(
        real(a, "the squared norm of one more layer, not 0, as the two outputs differ", low=0),
        real(
            e,
            "how much less the distance is than this layer allows, not negative by the part before",
            low=0,
            low_in=True,
        ),
    ),
    lines=(
        Line(
            label="layers",
            sentence=say("The inputs have the squared distance {0}, and layer by layer {claim}.", K),
            claim=INPUT_NORM <= K * P,
            reason=ByInduction(
                d,
                ((INPUT_NORM, a * K - e), (P, a)),
                ((INPUT_NORM, a * INPUT_NORM - e), (P, a * P)),
                factor=a,
                plus=(e,),
            ),
        ),
        Line(
            label="tangent",
            sentence=say("A power lies above its tangent: {claim}."),
            claim=_NEXT ** (d + 1) >= A ** (d + 1) + (d + 1) * A**d * (_NEXT - A),
            reason=ByLemma(TANGENT, ((k, d), (u, _NEXT), (v, A))),
        ),
        Line(
            label="means",
            sentence=say("So the mean is at least the root of the product: {claim}."),
            claim=A**d >= P,
            reason=ByInduction(d, ((A, a), (P, a)), ((A, _NEXT), (P, a * P)), factor=a, parts=(part("tangent"),)),
        ),
        Line(
            label="output",
            sentence=say("There is one output: {claim}."),
            claim=equal(INPUT_NORM, y**2),
            reason=InWords(_networks, "36 networks 4-1-1"),
        ),
        Line(
            label="times",
            sentence=say("Together {claim}."),
            claim=K * (A**d - s**d) >= 0,
            reason=From((part("means", K), part("layers"), part("output"), part("root"))),
        ),
        Line(label="inputs", sentence=say("As {claim},"), claim=K > 0),
        Line(
            label="powers",
            sentence=say("{claim}."),
            claim=A**d >= s**d,
            reason=ByDivision("inputs", "times"),
        ),
        Line(
            label="root of it",
            sentence=say("So {claim}."),
            claim=A >= s,
            reason=ByLemma(ROOTS, ((u, A), (v, s)), ("powers",)),
        ),
        Line(
            label="grid",
            sentence=say("In a grid of networks {claim}."),
            claim=_FOUND,
            reason=ByInstances(_networks, "36 networks 4-1-1 with biases"),
        ),
    ),
    conclusions=(Conclusion(_FOUND, From((part("root of it", d),))),),
)


def _paths() -> Iterator[Mapping[Any, Any]]:
    """Yield the norm and the squared output of one path, for rational weights."""
    for inputs, weight, later in (
        (4, Fraction(1), 2),
        (9, THIRD, 1),
        (1, HALF, HALF),
        (4, Fraction(3, 4), Fraction(3, 2)),
    ):
        for depth in (1, 2, 3, 4):
            network = Network([[[weight] * inputs], *([[later]] for _ in range(depth - 1))])
            found = Fraction(dropout_output(network, (1,) * inputs, None, ())[0])
            yield {K: Fraction(inputs), d: Fraction(depth), v: weight, N: squared_norm(network), D: found**2}


_PATH = "16 networks of one to four layers"
_FIRST = apply("relu", K * v)
ONE_PATH = Derivation(
    name="least-norm-attained",
    title="One path attains it",
    setting=say(
        "One unit in each layer, weights {0} from all inputs, and squares {1} of the weight of each later layer", v, s
    ),
    quantified=(
        INPUTS,
        count(d, 1, "the number of layers of weights, the output layer included"),
        real(v, "the weight of each input", low=0),
    ),
    definitions=(Definition(s, K * v**2, "the squared norm of each layer", equal(s / v**2, K)),),
    quantities=(
        quantity(D, "the squared output at the input of ones"),
        quantity(N, "the sum of the squares of all weights"),
    ),
    lines=(
        Line(
            label="first",
            sentence=say("The first unit is positive: {claim}."),
            claim=equal(_FIRST, K * v),
            reason=ByCases(()),
        ),
        Line(
            label="output",
            sentence=say("Each later layer multiplies the squared output: {claim}."),
            claim=equal(D, K * s**d),
            reason=ByInduction(d, ((D, _FIRST**2),), ((D, s * D),), factor=s, first=(part("first", _FIRST + K * v),)),
        ),
        Line(
            label="norm",
            sentence=say("And adds as much to the norm: {claim}."),
            claim=equal(N, d * s),
            reason=ByInduction(d, ((N, s),), ((N, N + s),)),
        ),
        Line(
            label="listed output",
            sentence=say("For given networks {claim}."),
            claim=equal(D, K * s**d),
            reason=ByInstances(_paths, _PATH),
        ),
        Line(
            label="listed norm",
            sentence=say("And {claim}."),
            claim=equal(N, d * s),
            reason=ByInstances(_paths, _PATH),
        ),
    ),
    conclusions=(
        Conclusion(equal(D, K * s**d), From((part("output"),))),
        Conclusion(equal(N, d * s), From((part("norm"),))),
    ),
)
DERIVATIONS = (ONE_LAYER, TANGENT, ROOTS, LEAST_NORM, ONE_PATH)


def prove() -> Proof:
    """Prove the bound and that it is attained."""
    return proved("holds", DERIVATIONS)


@register(
    id="exactdropout-2026-least-norm",
    title="The least weight norm is linear in depth",
    source="exactdropout2026",
    number="least norm",
    derivations=DERIVATIONS,
    verdict="holds",
)
def least_norm() -> Proof:
    """Prove the entry as declared."""
    return prove()
