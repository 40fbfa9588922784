"""One hidden relu layer and finitely many examples: what bounds a network by its criterion, so that minimisers exist.

Units are scaled to mean square 1 over the masked inputs. Then λ Σ a_j² ≤ J_D bounds output weights, these bound output
biases, a mean square of 1 bounds every value at a masked input, and an input is a mean of masked ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, SPREAD, count, lam, n, p, q, quantity, real
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Exists
from exactdropout.theorems.statements.lines import ByCases, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByCompactness, ByEitherValue
from exactdropout.theorems.statements.terms import Term, apply, equal, symbol, symbols

__all__ = [
    "DATA",
    "HIDDEN_RATE",
    "LARGEST_RISK",
    "LAST_LAYER",
    "MINIMISERS",
    "NETWORKS",
    "W_MIN",
    "W",
    "weights",
]

W, W_MIN, W_MAX = symbol("W"), symbol("W", "min"), symbol("W", "max")
a, b, u, v, w, y, z, g, h, eta, t, A, C, M, D, S = symbols("a b u v w y z g h eta t A C M D S")
QI, PI = symbol("q", 0), symbol("p", 0)
J, R = apply("J", W), apply("R", W)
_s = symbol("s")


def weights(term: Term, meaning: str) -> Variable:
    """Return a variable for all weights and biases of a network."""
    return Variable(term=term, meaning=meaning, kind="weights")


def data(term: Term, meaning: str, *, low_in: bool = False) -> Variable:
    """Return a number that the data alone determine, positive or not negative."""
    return Variable(term=term, meaning=meaning, low=Fraction(0), low_in=low_in)


def sum_of_squares(term: Term, meaning: str) -> Variable:
    """Return a number that network and data determine and that is not negative."""
    return Variable(term=term, meaning=meaning, kind="network", low=Fraction(0), low_in=True)


HIDDEN_RATE = Variable(
    term=q,
    meaning="the drop probability of the hidden units",
    kind="rate",
    low=Fraction(0),
    high=Fraction(1),
)
INPUT_RATE = Variable(
    term=QI,
    meaning="the drop probability of the inputs",
    kind="rate",
    low=Fraction(0),
    high=Fraction(1),
    low_in=True,
)
INPUT_KEEP = Definition(PI, 1 - QI, "the probability that an input is kept", equal(PI + QI, 1))
NETWORKS = quantity(J, "the dropout criterion of a network")
DATA = (
    data(C, "the mean square of the labels, which is the criterion of the network of zeros", low_in=True),
    data(w, "the least probability of a masked input"),
)


def _cases() -> Iterator[Mapping[Term, Any]]:
    """Yield networks 1-n-1 on one example whose units have mean square 1 over both masked inputs."""
    F = Fraction
    kinds = {  # values at the masked inputs 0 and 1/p of units with mean square 1
        F(1, 2): ((F(7, 5), F(1, 5)), (F(1, 5), F(7, 5)), (F(1), F(1))),
        F(16, 25): ((F(0), F(5, 3)), (F(5, 4), F(0))),
    }
    outputs = (F(1, 2), F(-2), F(3))
    for rate, units in kinds.items():
        kept = 1 - rate
        for width, bias, label, hidden in ((1, F(1), F(2), F(1, 2)), (2, F(-1, 2), F(-1), F(1, 3))):
            rows, lows, signs = [], [], outputs[:width]
            for low, high in units[:width]:
                first = low if low > 0 else -high
                rows.append([(high - first if high > 0 else -2 * first) * kept])
                lows.append(first)
            network = Network([rows, list(signs)], [lows, bias])
            found = naive_evaluation(network, Examples.point((1,), label), (rate, hidden)).criterion
            sums = [sum((o * unit[i] for o, unit in zip(signs, units, strict=False)), F(0)) for i in (0, 1)]
            chances = (rate, kept)

            def mean(power: Any, chances: Any = chances, sums: Any = sums) -> Fraction:
                return sum((c * power(s) for c, s in zip(chances, sums, strict=True)), F(0))

            yield {
                QI: rate,
                q: hidden,
                n: F(width),
                J: F(found),
                M: mean(lambda s, b=bias, y=label: (b + s - y) ** 2),
                D: mean(lambda s, y=label: (s - y) ** 2),
                S: mean(lambda s: s**2),
                C: label**2,
                a: signs[-1],
                A: sum((o * o for o in signs[:-1]), F(0)),
                b: bias,
                w: min(chances),
                u: units[width - 1][0],
                v: units[width - 1][1],
                eta: max(F(0), lows[-1] + rows[-1][0]),
            }
    # equality: one unit that is 1, the input 0
    network = Network([[[1]], [1]], [[1], -4])
    found = naive_evaluation(network, Examples.point((0,), -1), (F(1, 2), F(1, 3))).criterion
    ones = dict.fromkeys((n, S, C, a, w, u, v, eta), F(1))
    yield {**ones, QI: F(1, 2), q: F(1, 3), J: F(found), M: F(4), D: F(4), A: F(0), b: F(-4)}


_TRIED = "double loop: five networks with one and two units of mean square 1"
_VALUE_U, _VALUE_V, _VALUE_ETA = w * u**2 <= 1, w * v**2 <= 1, w * eta**2 <= 1
_WEIGHTS = lam * a**2 <= J
_BIAS = b**2 <= 2 * J + 4 * n / lam * J + 4 * C
_DEFINITIONS = (KEEP, SPREAD, INPUT_KEEP)
_RATES = (HIDDEN_RATE, INPUT_RATE, count(n, 1, "the number of hidden units"))
_COORDINATES = (
    quantity(a, "an output weight, of a unit scaled to mean square 1"),
    quantity(b, "an output bias"),
    sum_of_squares(u, "the value of such a unit where all inputs are dropped"),
    sum_of_squares(v, "its value at another masked input"),
    sum_of_squares(eta, "its value at the input itself"),
)
_mixed = QI * apply("relu", g) + PI * apply("relu", h)

LAST_LAYER = Derivation(
    name="last-layer-bounds",
    title="The criterion bounds the network",
    setting=say("The last hidden layer, {0} units, each scaled to mean square 1 over the masks below it", n),
    supporting=True,
    quantified=(*_RATES, weights(W, "the weights and biases of a network")),
    definitions=_DEFINITIONS,
    quantities=(
        NETWORKS,
        *DATA,
        *_COORDINATES,
        sum_of_squares(A, "the sum of the squares of the other output weights"),
        sum_of_squares(M, "the mean squared error, over masked inputs, without masks of the hidden units"),
        sum_of_squares(D, "the same without the output bias"),
        sum_of_squares(S, "the mean square of the sum of the units, times their output weights"),
    ),
    auxiliary=(
        real(t, "a positive factor", low=0),
        real(z, "a pre-activation"),
        real(g, "a pre-activation where all inputs are dropped"),
        real(h, "a pre-activation where none is"),
        real(_s, "a sum of units"),
        real(y, "a label"),
    ),
    lines=(
        Line(
            label="scaled",
            sentence=say(
                "A unit may be scaled: {claim}. So each unit that is not 0 at all masked inputs is taken with mean "
                "square 1; one that is 0 there is 0 at the inputs, too, as seen below, and is left out."
            ),
            claim=equal(a / t * apply("relu", t * z), a * apply("relu", z)),
            reason=ByCases((z,)),
        ),
        Line(
            label="last",
            sentence=say("The masks of the hidden units, one output: by Lemma 5 the criterion is {claim}."),
            claim=equal(J, M + lam * (a**2 + A)),
            reason=InWords(_cases, _TRIED),
        ),
        Line(
            label="weights",
            sentence=say("So output weights are bounded: {claim}."),
            claim=_WEIGHTS,
            reason=From((part("last"),), plus=(M, lam * A)),
        ),
        Line(
            label="bias term",
            sentence=say("For numbers {claim}."),
            claim=b**2 <= 2 * (b + _s - y) ** 2 + 2 * (_s - y) ** 2,
            reason=From((), plus=((b + 2 * _s - 2 * y) ** 2,)),
        ),
        Line(
            label="bias mean",
            sentence=say("In the mean over masked inputs {claim}."),
            claim=b**2 <= 2 * M + 2 * D,
            reason=InWords(_cases, _TRIED),
        ),
        Line(
            label="distance",
            sentence=say("In the same way, from {0}, {claim}.", (_s - y) ** 2 <= 2 * _s**2 + 2 * y**2),
            claim=D <= 2 * S + 2 * C,
            reason=InWords(_cases, _TRIED),
        ),
        Line(
            label="sum",
            sentence=say("The square of a sum of {0} terms is at most {0} times that of their squares: {claim}.", n),
            claim=S <= n * (a**2 + A),
            reason=InWords(_cases, _TRIED),
        ),
        Line(
            label="bias",
            sentence=say("So output biases are bounded: {claim}."),
            claim=_BIAS,
            reason=From(
                (part("bias mean"), part("distance", 2), part("sum", 4), part("last", 2 + 4 * n / lam)),
                plus=(2 * lam * a**2, 2 * lam * A, 4 * n / lam * M),
            ),
        ),
        Line(
            label="u value",
            sentence=say("A mean square of 1 bounds each value: {claim}."),
            claim=_VALUE_U,
            reason=InWords(_cases, _TRIED),
        ),
        Line(label="v value", sentence=say("So {claim}."), claim=_VALUE_V, reason=InWords(_cases, _TRIED)),
        Line(
            label="itself",
            sentence=say(
                "The input is the mean of two masked ones, all dropped and all kept, so its pre-activation is that of "
                "theirs. {claim}, by the signs,"
            ),
            claim=_mixed >= QI * g + PI * h,
            reason=ByCases((g, h)),
        ),
        Line(label="zero", sentence=say("and {claim};"), claim=_mixed >= 0, reason=ByCases((g, h))),
        Line(
            label="mixed",
            sentence=say("so {claim}."),
            claim=_mixed >= apply("relu", QI * g + PI * h),
            reason=ByEitherValue(QI * g + PI * h, "itself", "zero"),
        ),
        Line(
            label="input",
            sentence=say("In particular a unit that is 0 at the masked inputs is 0 at the input; and {claim}."),
            claim=eta <= QI * u + PI * v,
            reason=InWords(_cases, _TRIED),
        ),
        Line(
            label="input square",
            sentence=say("Squared, {claim}."),
            claim=eta**2 <= QI * u**2 + PI * v**2,
            reason=From((part("input", QI * u + PI * v + eta),), plus=(PI * QI * (u - v) ** 2,)),
        ),
    ),
    conclusions=(
        Conclusion(_WEIGHTS, From((part("weights"),))),
        Conclusion(_BIAS, From((part("bias"),))),
        Conclusion(_VALUE_U, From((part("u value"),))),
        Conclusion(_VALUE_ETA, From((part("input square", w), part("u value", QI), part("v value", PI)))),
    ),
)
"""λ a² ≤ J, b² ≤ 2 J + 4 n J/λ + 4 C, and w u² ≤ 1 for values at masked inputs and at inputs."""

_CONES = say(
    "The finitely many hyperplanes on which a pre-activation is 0 at some masked input or input cut the space of a "
    "unit's weights into finitely many polyhedral cones. On each the values of the unit are linear in its weights, and "
    "a linear image of a polyhedral cone is closed: so the values of units form a closed set, and so do those of mean "
    "square 1."
)

MINIMISERS = Derivation(
    name="minimisers",
    title="Minimisers exist",
    setting=say("One hidden relu layer, finite support"),
    quantified=(
        *_RATES,
        weights(W, "the weights and biases of any network"),
        Exists(variable=weights(W_MIN, "those of some network")),
    ),
    definitions=_DEFINITIONS,
    quantities=(NETWORKS, *DATA, *_COORDINATES),
    auxiliary=(real(_s, "the sum of other units at a masked input"), real(y, "a label")),
    lines=(
        Line(
            label="weights",
            sentence=say("Output weights are bounded where the criterion is: {claim}."),
            claim=_WEIGHTS,
            reason=ByLemma(LAST_LAYER),
        ),
        Line(label="bias", sentence=say("So are output biases: {claim}."), claim=_BIAS, reason=ByLemma(LAST_LAYER)),
        Line(
            label="value",
            sentence=say("Values of units at masked inputs are bounded: {claim}."),
            claim=_VALUE_U,
            reason=ByLemma(LAST_LAYER),
        ),
        Line(label="closed", sentence=_CONES, reason=InWords()),
        Line(
            label="term",
            sentence=say("The criterion is a mean of terms in these numbers, one mask after the other: {claim}."),
            claim=equal(
                q * (b + _s - y) ** 2 + p * (b + _s + a * u / p - y) ** 2,
                (b + _s + a * u - y) ** 2 + lam * a**2 * u**2,
            ),
        ),
    ),
    conclusions=(
        Conclusion(apply("J", W_MIN) <= J, ByCompactness("term", ((a, "weights"), (b, "bias"), (u, "value")))),
    ),
)
"""J(W_min) ≤ J(W)."""

_WIDE = 2 * C + 4 * n / lam * C + 4 * C


def _minimiser() -> Iterator[Mapping[Term, Any]]:
    """Yield the certified minimum 1/5 of two inputs and one unit on P_(1,1) at q = 1/2, and the label's mean square."""
    half, fifth = Fraction(1, 2), Fraction(1, 5)
    network = Network([[[1, 1]], [Fraction(3, 10)]], [[0], fifth])
    examples = Examples.half((1, 1), 1)
    yield {J: Fraction(naive_evaluation(network, examples, (half, half)).criterion), C: half}
    zero = Network([[[0, 0]], [0]], [[0], 0])
    yield {J: Fraction(naive_evaluation(zero, examples, (half, half)).criterion), C: half}


LARGEST_RISK = Derivation(
    name="largest-risk",
    title="A largest risk among minimisers exists",
    setting=say("Minimisers there and their risks"),
    quantified=(
        *_RATES,
        weights(W, "the weights and biases of any minimiser"),
        Exists(variable=weights(W_MAX, "those of some minimiser")),
    ),
    definitions=_DEFINITIONS,
    quantities=(NETWORKS, *DATA, *_COORDINATES, quantity(R, "the risk of a network")),
    auxiliary=(real(_s, "the sum of other units at an input"), real(y, "a label")),
    lines=(
        Line(
            label="least",
            sentence=say("A minimiser is as good as the network of zeros: {claim}."),
            claim=J <= C,
            reason=InWords(_minimiser, "the least criterion of two inputs, and that of zeros"),
        ),
        Line(
            label="lemma weights",
            sentence=say("As above {claim}."),
            claim=_WEIGHTS,
            reason=ByLemma(LAST_LAYER),
        ),
        Line(
            label="weights",
            sentence=say("So {claim}."),
            claim=lam * a**2 <= C,
            reason=From((part("lemma weights"), part("least"))),
        ),
        Line(label="lemma bias", sentence=say("And {claim}."), claim=_BIAS, reason=ByLemma(LAST_LAYER)),
        Line(
            label="bias",
            sentence=say("So {claim}."),
            claim=b**2 <= _WIDE,
            reason=From((part("lemma bias"), part("least", 2 + 4 * n / lam))),
        ),
        Line(
            label="value",
            sentence=say("Values at the inputs are bounded, too: {claim}."),
            claim=_VALUE_ETA,
            reason=ByLemma(LAST_LAYER),
        ),
        Line(
            label="closed",
            sentence=say("Minimisers form a closed part of the set above, since the criterion is continuous."),
            reason=InWords(),
        ),
        Line(
            label="term",
            sentence=say("The risk is a mean of terms in these numbers: {claim}."),
            claim=equal(
                (b + _s + a * eta - y) ** 2,
                (b + _s - y) ** 2 + 2 * a * eta * (b + _s - y) + a**2 * eta**2,
            ),
        ),
    ),
    conclusions=(
        Conclusion(apply("R", W_MAX) >= R, ByCompactness("term", ((a, "weights"), (b, "bias"), (eta, "value")))),
    ),
)
"""R(W_max) ≥ R(W) for every minimiser W."""
