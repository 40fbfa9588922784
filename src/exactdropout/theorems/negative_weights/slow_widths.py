r"""Widths that need no negative weights when q is large, for every number K of inputs, without biases.

If 3 (K − 1) p ≤ 1 and (K − 1)(1 + n p²/q)² (1 + (K − 1) p) ≤ K, the minimum of J_D over all weights is the minimum T_n
over non-negative ones, on the point mass (1_K, 1): so lim inf (1 − q)² n* ≥ √(K/(K − 1)) − 1.

Proof. ρ = 1 − c L is the residual of n equal units. Let c ≥ ½. Where one of the inputs with weights ≤ 0 of a unit is
kept, the unit gains nothing; so it gains at most by the masks where they are all dropped, and this is at most what a
unit h = L gains. Let c < ½. Then the layer is narrow (:mod:`.exactdropout_2026_narrow_layers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import KEEP, OPEN_RATE, K, count, integer, n, p, q, real
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import (
    GAIN,
    MINIMUM,
    MINIMUM_OF_POINT_MASS,
    SQUARE,
    J,
    T,
    gains,
)
from exactdropout.theorems.negative_weights.narrow_units import (
    COUNT,
    COUNT_SQUARE,
    KAPPA,
    LINE,
    NARROW,
    SOME,
    WIDTH,
    c,
    kappa,
)
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, symbols

__all__ = ["SLOW", "SLOW_WIDTHS", "slow"]

b, e, i, j, k, r, w, tau = symbols("b e i j k r w tau")
FEW = 3 * (K - 1) * p <= 1
SLOW = (K - 1) * (1 + n * p**2 / q) ** 2 * (1 + (K - 1) * p) <= K
"""What keeps a width slow: as p → 0 it is n p² ≤ √(K/(K − 1)) − 1."""


def slow(inputs: int, width: int, rate: Fraction) -> bool:
    """Return whether this width is excluded: 3 (K − 1) p ≤ 1 and (K − 1)(1 + n p²/q)² (1 + (K − 1) p) ≤ K.

    >>> max(width for width in range(1, 99) if slow(2, width, Fraction(9, 10)))
    31
    """
    given = {K: Fraction(inputs), n: Fraction(width), q: rate, p: 1 - rate}
    return FEW.holds_at(given) and SLOW.holds_at(given)


def _room(positive: Term, others: Term) -> Any:
    """Return k q^i (q + K p)(1 + i n p²/(q (q + K p)))² ≤ K (q + k p), the condition for one unit."""
    bracket = 1 + others * n * p**2 / (q * (q + K * p))
    return positive * q**others * (q + K * p) * bracket**2 <= K * (q + positive * p)


_INNER = 1 + i * w
ROOM = Derivation(
    name="slow-room",
    title="What the condition gives for each number of positive weights",
    supporting=True,
    setting=say("With {0} the root of the number of positive weights of a unit and {1} that of {2}", b, r, K - 1),
    quantified=(
        real(b, "the root of the number of inputs with positive weights", low=1, low_in=True),
        real(e, "how much larger the root of the number of all inputs but one is", low=0, low_in=True),
        WIDTH,
        OPEN_RATE,
    ),
    definitions=(
        Definition(r, b + e, "this root"),
        Definition(K, r**2 + 1, "the number of inputs"),
        Definition(i, e * (2 * b + e) + 1, "the number of inputs with other weights", equal(b**2 + i, K)),
        KEEP,
        Definition(w, n * p**2 / q, "the width in the scale of the limit"),
    ),
    hypotheses=(Hypothesis("slow", SLOW),),
    lines=(
        Line(
            label="half",
            sentence=say("The condition gives {claim}."),
            claim=2 * r**2 * w <= 1,
            reason=From((part("slow"),), plus=(r**2 * w**2, r**4 * p * (1 + w) ** 2)),
        ),
        Line(
            label="one",
            sentence=say("So {claim},"),
            claim=1 + w - w * b * (r + b) >= 0,
            reason=From((part("half"),), plus=(w * (1 + 3 * b * e + 2 * e**2),)),
        ),
        Line(
            label="less",
            sentence=say("which times {0} is {claim}.", e),
            claim=b * _INNER <= r * (1 + w),
            reason=From((part("one", e),)),
        ),
        Line(
            label="squares",
            sentence=say("Neither side is negative: {claim}."),
            claim=b**2 * _INNER**2 <= r**2 * (1 + w) ** 2,
            reason=From((part("less", r * (1 + w) + b * _INNER),)),
        ),
    ),
    conclusions=(
        Conclusion(
            _room(b**2, i),
            From(
                (part("slow"), part("squares", 1 + r**2 * p)),
                plus=(
                    K * p * (b**2 - 1),
                    b**2 * (1 + r**2 * p) * _INNER**2 * (1 - q**i),
                    b**2 * q**i * i * w * (r**2 * p) * (2 + i * w + i * w / (1 + r**2 * p)),
                ),
            ),
        ),
    ),
)
"""C_k for k = b², i = K − k."""

UNIT = Derivation(
    name="slow-unit",
    title="What a unit gains by the masks that drop its other inputs",
    supporting=True,
    setting=say("One unit with {0} positive and {1} other weights, the slope {2} at least one half", k, i, c),
    quantified=(
        count(k, 1, "the number of inputs with positive weights of the unit"),
        count(i, 1, "the number of its other inputs"),
        WIDTH,
        OPEN_RATE,
    ),
    definitions=(Definition(K, k + i, "the number of inputs", equal(K - i, k)), *LINE, KAPPA),
    hypotheses=(Hypothesis("steep", 2 * c >= 1), Hypothesis("room", _room(k, i))),
    auxiliary=(integer(j, 1, "the number of the other inputs that are kept"),),
    lines=(
        Line(
            label="kept",
            sentence=say("With {0} of the others kept the gain, as in narrow layers, is not positive: {claim}.", j),
            claim=1 - c * j - c * (q + k * p) <= 0,
            reason=From((part("steep"),), plus=(c * (j - 1), c * (k - 1) * p)),
        ),
        Line(
            label="dropped",
            sentence=say("With none kept, which has probability {0}, it is a multiple of {claim}.", q**i),
            claim=equal(1 - c * (q + k * p), tau + c * i * p),
        ),
    ),
    conclusions=(
        Conclusion(
            k * p * q**i * (1 - c * (q + k * p)) ** 2 / (q + k * p) <= kappa,
            From((part("room", p * tau**2 / ((q + K * p) * (q + k * p))),)),
        ),
    ),
)

_X, _S = n * p, (K - 1) * p
FLAT = Derivation(
    name="slow-flat",
    supporting=True,
    title="The same with a slope below one half",
    setting=say("For {0}", 2 * c < 1),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(*LINE, KAPPA, MINIMUM_OF_POINT_MASS),
    quantities=MINIMUM.quantities,
    hypotheses=(Hypothesis("few", FEW), Hypothesis("flat", 2 * c < 1)),
    lines=(
        Line(
            label="near",
            sentence=say("The slope says that {claim}."),
            claim=_X * (1 - _S) < q * (1 + _S),
            reason=From((part("flat", (n * p + q) * (q + K * p)),)),
        ),
        Line(
            label="first",
            sentence=say("With few inputs {claim}"),
            claim=2 * _S * _X < q * (1 + _S),
            reason=From((part("near"), part("few", _X))),
        ),
        Line(
            label="second",
            sentence=say("and {claim}."),
            claim=2 * _X < 3 * q * (1 + _S),
            reason=From((part("near", 3), part("few", _X))),
        ),
        Line(
            label="narrow",
            sentence=say("So the layer is narrow: {claim}."),
            claim=NARROW,
            reason=From((part("first", _X / 2), part("second", q * (1 + _S) / 4), part("few", q**2 * (1 + _S) / 4))),
        ),
        Line(
            label="minimum",
            sentence=say("Narrow layers need no negative weights: {claim}."),
            claim=J >= T,
            reason=ByLemma(MINIMUM, (), ("narrow",)),
        ),
    ),
    conclusions=(Conclusion(J >= T, From((part("minimum"),))),),
)


def _gains() -> Iterator[Mapping[Term, Any]]:
    return gains(slow, (Fraction(9, 10), Fraction(19, 20)))


_W, _ALL = n * p**2 / q, q + K * p
_KEPT = {line.label: line for line in MINIMUM.lines}
SLOW_MINIMUM = Derivation(
    name="slow-minimum",
    title="Widths that need no negative weights when q is large",
    setting=say("One hidden layer, no biases, point mass"),
    quantified=(SOME, WIDTH, OPEN_RATE),
    definitions=(*LINE, KAPPA, MINIMUM_OF_POINT_MASS),
    quantities=MINIMUM.quantities,
    hypotheses=(Hypothesis("slow", SLOW), Hypothesis("steep", 2 * c >= 1)),
    lines=(
        _KEPT["tangent"],
        Line(
            label="last",
            sentence=say("The condition for a unit with one weight that is not positive is {claim}."),
            claim=(K - 1) * q * (q + K * p) * (1 + n * p**2 / (q * (q + K * p))) ** 2 <= K * (q + (K - 1) * p),
            reason=From(
                (part("slow"),),
                plus=(
                    K * (K - 2) * p,
                    (K - 1) ** 2 * p * _W * (2 + _W + _W / _ALL),
                    (K - 1) * _ALL * p * (1 + _W / _ALL) ** 2,
                ),
            ),
        ),
        Line(
            label="two",
            sentence=say("Where two inputs are kept the residual is not positive: {claim}."),
            claim=1 - 2 * c <= 0,
            reason=From((part("steep"),)),
        ),
        Line(
            label="product",
            sentence=say("The residual has the mean product {claim} with the count of kept inputs."),
            claim=equal(COUNT - c * COUNT_SQUARE, K * p * tau),
        ),
        Line(
            label="negative",
            sentence=say(
                "A unit is at most the linear one with its values where one input is kept, and equal to it where none "
                "or one is; with two or more the residual is not positive. The mean product of the residual with the "
                "linear one is not negative, so negative output weights gain nothing."
            ),
            reason=InWords(),
        ),
        Line(
            label="gain",
            sentence=say(
                "Positive output weights: by what a unit gains where its other inputs are dropped, by what the "
                "condition gives with {0} for {1}, and by the inequality of Cauchy and Schwarz {claim}.",
                b**2,
                k,
            ),
            claim=kappa * SQUARE >= GAIN**2,
            reason=InWords(_gains, "all masks, 104 units of two and three inputs, the largest widths of the condition"),
        ),
        _KEPT["unit"],
        _KEPT["units"],
        _KEPT["value"],
    ),
    conclusions=(Conclusion(J >= T, From((part("tangent"), part("units"), part("value")))),),
)
SLOW_WIDTHS = (ROOM, UNIT, SLOW_MINIMUM, FLAT)
