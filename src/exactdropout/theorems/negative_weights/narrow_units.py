"""What one unit can gain in a narrow layer: the parts of the theorem on narrow layers, each a statement of its own.

With ρ = 1 − c L the residual of the best equal units, κ = E[ρ L]²/E L². Given the masks of its inputs with weights ≤ 0
a unit gains at most g_j; averaged, g_j² ≤ κ under the condition. With a negative output weight E (c L − 1)₊² ≤ κ.
"""

from __future__ import annotations

from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, K, count, integer, lam, n, p, q, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import ByDivision, Definition, From, Line, part, say
from exactdropout.theorems.statements.terms import equal, symbols

__all__ = [
    "ALL_POSITIVE",
    "COUNT",
    "COUNT_SQUARE",
    "KAPPA",
    "LINE",
    "LOST",
    "NARROW",
    "NARROW_WITH_BIASES",
    "NEGATIVE_OUTPUT",
    "SMALL",
    "SOME",
    "UNIT_GAIN",
    "WIDTH",
    "WITH_BIASES",
    "c",
    "kappa",
]

k, i, j, ell, tau, c, kappa, delta = symbols("k i j l tau c kappa delta")
SOME = count(K, 2, "the number of inputs")
WIDTH = count(n, 1, "the number of hidden units")
COUNT, COUNT_SQUARE = K * p, K * p * q + K**2 * p**2

NARROW = (K - 1) * n**2 * p**3 <= q**2 * (q + K * p)
NARROW_WITH_BIASES = K * p * (q + (K - 1) * p * (q + n * p)) ** 2 + (K - 1) * n**2 * p**3 <= q**2 * (q + K * p)


LINE = (
    KEEP,
    SPREAD,
    Definition(
        tau,
        lam / (n + lam),
        "the residual of the best equal units, in the mean over kept inputs",
        equal(n * tau, lam * (1 - tau)),
    ),
    Definition(
        c,
        (1 - tau) / (q + K * p),
        "their slope in the number of kept inputs",
        equal(K * p - c * (K * p * q + K**2 * p**2), tau * K * p),
    ),
)
KAPPA = Definition(
    kappa,
    K * p * tau**2 / (q + K * p),
    "what the unit that counts kept inputs gains",
    equal(kappa * (K * p * q + K**2 * p**2), (K * p * tau) ** 2),
)
_EACH, _EACH_SQUARE = k * p, k * p * q + k**2 * p**2
_OTHER, _OTHER_SQUARE = i * p, i * p * q + i**2 * p**2
_LEVEL = 1 - c * (q + k * p)
_AVERAGE = k * p / (q + k * p) * (tau**2 + c**2 * i * p * q)
_BRACKET = tau**2 - k * p * (1 - tau) ** 2 / (q + K * p)
_INPUTS = (
    count(k, 1, "the number of inputs with positive weights of the unit"),
    count(i, 1, "the number of its other inputs"),
)
_ALL_INPUTS = Definition(K, k + i, "the number of inputs", equal(K - i, k))

UNIT_GAIN = Derivation(
    name="unit-gain",
    title="What a unit with positive output weight gains",
    supporting=True,
    setting=say("One unit with {0} positive and {1} other weights", k, i),
    quantified=(*_INPUTS, WIDTH, OPEN_RATE),
    definitions=(_ALL_INPUTS, *LINE, KAPPA),
    hypotheses=(Hypothesis("narrow", NARROW),),
    auxiliary=(real(j, "the number of the other inputs that are kept"),),
    lines=(
        Line(
            label="slope",
            sentence=say(
                "Given {0} of the others kept, the residual less a multiple of the count of the {1} has mean product 0 "
                "with the count, and falls: its slope is minus {claim}.",
                j,
                k,
            ),
            claim=equal(c + ((1 - c * j) * _EACH - c * _EACH_SQUARE) / _EACH_SQUARE, (1 - c * j) / (q + k * p)),
        ),
        Line(
            label="given",
            sentence=say("By Cauchy and Schwarz the square of the gain, over the mean square, is at most {claim}."),
            claim=equal(
                ((1 - c * j) * _EACH - c * _EACH_SQUARE) ** 2 / _EACH_SQUARE,
                k * p * (1 - c * j - c * (q + k * p)) ** 2 / (q + k * p),
            ),
        ),
        Line(
            label="mean",
            sentence=say("On average over the other masks this is {claim}."),
            claim=equal(k * p / (q + k * p) * (_LEVEL**2 - 2 * c * _LEVEL * _OTHER + c**2 * _OTHER_SQUARE), _AVERAGE),
        ),
        Line(
            label="difference",
            sentence=say("It differs from {0} by {claim}.", kappa),
            claim=equal(kappa - _AVERAGE, p * q * i / ((q + K * p) * (q + k * p)) * _BRACKET),
        ),
        Line(
            label="bracket",
            sentence=say("By the condition {claim}."),
            claim=_BRACKET >= 0,
            reason=From(
                (part("narrow", 1 / ((q + n * p) ** 2 * (q + K * p))),),
                plus=((i - 1) * p * (1 - tau) ** 2 / (q + K * p),),
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            kappa >= _AVERAGE,
            From((part("difference"), part("bracket", p * q * i / ((q + K * p) * (q + k * p))))),
        ),
    ),
)
"""E_v g_j² ≤ κ for a unit with k positive input weights and i ≥ 1 others; without others it is κ."""

ALL_POSITIVE = Derivation(
    name="all-positive",
    title="A unit whose weights are all positive",
    supporting=True,
    setting=say("One unit with {0} positive weights", K),
    quantified=(count(K, 1, "the number of inputs"), WIDTH, OPEN_RATE),
    definitions=(*LINE, KAPPA),
    lines=(
        Line(
            label="all",
            sentence=say("The same with no other inputs: {claim}."),
            claim=equal((COUNT - c * COUNT_SQUARE) ** 2 / COUNT_SQUARE, kappa),
        ),
    ),
    conclusions=(Conclusion(equal((COUNT - c * COUNT_SQUARE) ** 2 / COUNT_SQUARE, kappa), From((part("all"),))),),
)

NEGATIVE_OUTPUT = Derivation(
    name="negative-output",
    title="What a unit with negative output weight gains",
    supporting=True,
    setting=say("The part of the residual that is negative"),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(*LINE, KAPPA),
    hypotheses=(Hypothesis("narrow", NARROW),),
    auxiliary=(integer(ell, 1, "a number of kept inputs"),),
    lines=(
        Line(label="slope", sentence=say("The slope is less than 1: {claim}."), claim=c < 1),
        Line(
            label="positive part",
            sentence=say("So {claim}."),
            claim=c * ell - 1 < c * (ell - 1),
            reason=From((part("slope"),)),
        ),
        Line(
            label="square",
            sentence=say("For one kept input or more {claim}."),
            claim=(ell - 1) ** 2 <= ell * (ell - 1),
        ),
        Line(
            label="pairs",
            sentence=say("The mean of the right side, over all masks, is {claim}."),
            claim=equal(COUNT_SQUARE - COUNT, K * (K - 1) * p**2),
        ),
    ),
    conclusions=(
        Conclusion(
            c**2 * (COUNT_SQUARE - COUNT) <= kappa,
            From((part("narrow", K * p / ((q + n * p) ** 2 * (q + K * p) ** 2)),)),
        ),
    ),
)
"""E (c L − 1)₊² ≤ c² E L (L − 1) ≤ κ."""


SMALL = 2 * K * (K - 1) * p**2 <= q
_CONDITION = q**2 * (q + K * p) - (K * p * (q + (K - 1) * p * (q + n * p)) ** 2 + (K - 1) * n**2 * p**3)
_BIAS_TERM = K**2 * p**2 * (1 - c) ** 2

WITH_BIASES = Derivation(
    name="narrow-with-biases",
    title="What the condition with biases gives",
    supporting=True,
    setting=say("With biases"),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(*LINE, KAPPA),
    hypotheses=(Hypothesis("narrow", NARROW_WITH_BIASES),),
    conclusions=(
        Conclusion(NARROW, From((part("narrow"),), plus=(K * p * (q + (K - 1) * p * (q + n * p)) ** 2,))),
        Conclusion(
            SMALL,
            From((part("narrow", 1 / q**2),), plus=(1 / q**2 * (q**2 * (q - 2 * K * (K - 1) * p**2) - _CONDITION),)),
        ),
        Conclusion(
            _BIAS_TERM + c**2 * (K * (K - 1) * p**2) <= kappa,
            From((part("narrow", K * p / ((q + n * p) ** 2 * (q + K * p) ** 2)),)),
        ),
    ),
)
"""The condition with biases: that without, 2 K (K − 1) p² ≤ q, and what negative output weights need."""

LOST = Derivation(
    name="lost-value",
    title="What a unit with biases loses on masked inputs",
    supporting=True,
    setting=say("One unit with {0} positive and {1} other weights", k, i),
    quantified=(*_INPUTS, WIDTH, OPEN_RATE),
    definitions=(_ALL_INPUTS, *LINE, Definition(delta, c * i * (i - 1) * p**2 / 2, "a bound of the mean loss")),
    hypotheses=(Hypothesis("small", SMALL),),
    lines=(
        Line(
            label="squares",
            sentence=say("As {0} is less than 1, {claim}.", q),
            claim=1 - K**2 * p**2 > 0,
            reason=From((part("small"),), plus=(K * (K - 2) * p**2, 1 - q)),
        ),
        Line(label="sum", sentence=say("With {claim}."), claim=1 + K * p > 0),
        Line(
            label="few",
            sentence=say("it follows that {claim}."),
            claim=1 - K * p > 0,
            reason=ByDivision("sum", "squares"),
        ),
        Line(
            label="room",
            sentence=say("So {claim}."),
            claim=q >= (q + k * p) * (i * (i - 1) * p**2),
            reason=From(
                (part("small"), part("few", i * (i - 1) * p**2)),
                plus=(2 * (K * (K - 1) - i * (i - 1)) * p**2, ((1 - q) + i * p) * (i * (i - 1) * p**2)),
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            4 * delta**2 <= p * q * i / ((q + K * p) * (q + k * p)) * ((i - 1) * p * (1 - tau) ** 2 / (q + K * p)),
            From((part("room", c**2 * i * (i - 1) * p**2 / (q + k * p)),)),
        ),
    ),
)
"""δ² is at most a quarter of a lower bound of κ − E_v g_j²."""
