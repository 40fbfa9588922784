r"""Widths that need negative weights when q is large, for every number K of inputs: one of n equal units is exchanged.

On the point mass (1_K, 1), b = K − 1 and m = n − 1: m equal units L, which count the kept inputs, and the unit
ℓ·1{m_K = 0}, ℓ the number of the others kept, with their best output weights have J_D < T_n exactly if

    U = b p⁴ m² + b p² (2 b p q + 1 + q²) m − (1 + b p)(q + b p + b² p²) > 0.

With biases and (L − 1)₊ in its place, e = q − q^K (q + K p), x = q + n p:  V = e x² − p (e + 2 K b p q) x − K p q > 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, K, count, lam, m, n, p, q, quantity, real
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import MINIMUM_OF_POINT_MASS, T
from exactdropout.theorems.negative_weights.narrow_units import LINE
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import ByAlgebra, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, symbol, symbols

__all__ = ["FAST", "FAST_WIDTHS", "exchanged"]

F = Fraction
b, u, v, w, x, z, e, A, B, H, S, U, V, X = symbols("b u v w x z e A B H S U V X")
DET = symbol("Delta")
U_BEST, V_BEST = (symbol(name, "best") for name in "uv")
J_OF, J_BEST = apply("J", u, v), apply("J", U_BEST, V_BEST)
_SOME = count(K, 2, "the number of inputs")
_EQUAL = count(m, 1, "the number of equal units")
_WIDTH = Definition(n, m + 1, "the number of hidden units")
_OTHERS = Definition(b, K - 1, "the number of inputs but one")
_TOTALS = (real(u, "the sum of the output weights of the equal units"), real(v, "that of the other unit"))


def exchanged(inputs: int, width: int, rate: Fraction, *, biases: bool) -> Network:
    """Return n − 1 units that count kept inputs and the other unit, all output weights 1.

    >>> [row.tolist() for row in exchanged(2, 2, Fraction(1, 2), biases=False).weights[0]]
    [[Fraction(1, 2), Fraction(1, 2)], [Fraction(1, 2), Fraction(-1, 2)]]
    """
    kept = 1 - rate
    last = [kept] * inputs if biases else [kept] * (inputs - 1) + [-(inputs - 1) * kept]
    rows = [[kept] * inputs] * (width - 1) + [last]
    return Network([rows, [1] * width], [[0] * (width - 1) + [-1], 0] if biases else None)


def _networks(biases: bool) -> Iterator[Mapping[Term, Any]]:
    """Yield J_D of such networks with several output weights, by the double loop."""
    for inputs, width, rate in itertools.product((2, 3), (2, 3), (F(1, 2), F(3, 4))):
        rows = exchanged(inputs, width, rate, biases=biases)
        for first, second in ((F(1), F(0)), (F(0), F(1)), (F(1, 2), F(-1, 3)), (F(1, 3), F(2))):
            out = [first / (width - 1)] * (width - 1) + [second]
            moved = Network([rows.weights[0], out], [rows.biases[0], 0] if biases else None)
            found = naive_evaluation(moved, Examples.point((1,) * inputs, 1), (rate, rate)).criterion
            yield {K: inputs, m: width - 1, q: rate, u: first, v: second, J_OF: F(found)}


def _without() -> Iterator[Mapping[Term, Any]]:
    return _networks(biases=False)


def _with() -> Iterator[Mapping[Term, Any]]:
    return _networks(biases=True)


_TRIED = "double loop, K = 2, 3, n = 2, 3, q = 1/2, 3/4, four pairs of output weights"
_SQUARE = Definition(S, K * p * q + K**2 * p**2, "the mean square of the count of kept inputs")


def _best(alone: Term, own: Term, cross: Term) -> tuple[Definition, ...]:
    """Return the determinant and the best output weights, for mean, mean square and mean product of the other unit."""
    common, other = S * (1 + lam / m), own * (1 + lam)
    return (
        Definition(DET, common * other - cross**2, "the determinant for the two output weights"),
        Definition(U_BEST, (K * p * other - alone * cross) / DET, "the best value of the first"),
        Definition(V_BEST, (alone * common - K * p * cross) / DET, "that of the second"),
    )


def _value(alone: Term, own: Term, cross: Term) -> Any:
    """Return the claim that J is the quadratic function of the two output weights."""
    square = u**2 * S * (1 + lam / m) + 2 * u * v * cross + v**2 * own * (1 + lam)
    return equal(J_OF, 1 - 2 * (u * (K * p) + v * alone) + square)


_U = b * p**4 * m**2 + b * p**2 * (2 * b * p * q + 1 + q**2) * m - (1 + b * p) * (q + b * p + b**2 * p**2)
FAST = b * (1 + w) ** 2 > b + 1 + p * (2 * b * w + 2 * b + 2 * b**2 + b**3)
ENOUGH = Derivation(
    name="fast-enough",
    title="An explicit width",
    supporting=True,
    setting=say("With {0}", w),
    quantified=(_SOME, _EQUAL, OPEN_RATE),
    definitions=(
        KEEP,
        _OTHERS,
        Definition(w, m * p**2, "the width but one in the scale of the limit"),
        Definition(U, _U, "by how much the width is enough"),
    ),
    hypotheses=(Hypothesis("fast", FAST),),
    conclusions=(
        Conclusion(
            U > 0,
            From(
                (part("fast"),),
                plus=(
                    b * w * p * (2 * b * q + p),
                    p * (1 + 2 * b**2 * (1 - p) + b * p + b**3 * (1 - p**2)),
                ),
            ),
        ),
    ),
)
ABOVE = Derivation(
    name="fast-below",
    title="Widths that need negative weights without biases",
    setting=say("The same, {0} units equal, one exchanged", m),
    quantified=(_SOME, _EQUAL, OPEN_RATE),
    definitions=(
        _WIDTH,
        *LINE,
        MINIMUM_OF_POINT_MASS,
        _OTHERS,
        _SQUARE,
        Definition(A, q * b * p, "the mean of the exchanged unit"),
        Definition(H, A * (q + b * p), "its mean square, and mean product with the count of kept inputs"),
        *_best(A, H, H),
        Definition(U, _U, "by how much the width is enough"),
    ),
    hypotheses=(Hypothesis("wide", U > 0),),
    quantities=(quantity(J_OF, "the criterion with these output weights"),),
    auxiliary=_TOTALS,
    lines=(
        Line(
            label="value",
            sentence=say(
                "The other unit has weights 1 and, at one input, {0}: it is the number of the kept among the others "
                "where this one is dropped, and else 0. So {claim}.",
                -b,
            ),
            claim=_value(A, H, H),
            reason=InWords(_without, _TRIED),
        ),
        Line(
            label="best",
            sentence=say("At the best output weights {claim}."),
            claim=equal(J_BEST, 1 - U_BEST * (K * p) - V_BEST * A),
            reason=From((part("value", u=U_BEST, v=V_BEST),)),
        ),
        Line(
            label="least",
            sentence=say("Against the minimum over weights that are not negative this is {claim}."),
            claim=equal(
                T - (1 - U_BEST * (K * p) - V_BEST * A),
                K * b * p**2 * q**2 * U / (m * (q + K * p) * (q + n * p) * DET),
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            J_BEST < T,
            From(
                (
                    part("best", -1),
                    part("least"),
                    part("wide", K * b * p**2 * q**2 / (m * (q + K * p) * (q + n * p) * DET)),
                )
            ),
        ),
    ),
)

_Z = q**K
BOTH = Derivation(
    name="fast-below-with-biases",
    title="The same with biases",
    supporting=True,
    setting=say("The same with biases, the exchanged unit the number of kept inputs but one, or 0"),
    quantified=(
        _SOME,
        _EQUAL,
        OPEN_RATE,
        real(e, "the probability that two inputs or more are kept, times that to be dropped", low=0),
    ),
    definitions=(
        _WIDTH,
        *LINE,
        MINIMUM_OF_POINT_MASS,
        _SQUARE,
        Definition(X, K * (K - 1) * p**2, "the mean product of the exchanged unit with the count", equal(S - K * p, X)),
        Definition(A, (X - e) / (q + K * p), "its mean"),
        Definition(B, (X**2 + K * p * e) / S, "its mean square"),
        *_best(A, B, X),
        Definition(x, q + n * p, "the width in another scale"),
        Definition(V, e * x**2 - p * (e + 2 * K * (K - 1) * p * q) * x - K * p * q, "by how much the width is enough"),
    ),
    hypotheses=(Hypothesis("chance", equal(e, q - q**K * (q + K * p))), Hypothesis("wide", V > 0)),
    quantities=(quantity(J_OF, "the criterion on the point mass with these output weights, output bias 0"),),
    auxiliary=_TOTALS,
    lines=(
        Line(
            label="value",
            sentence=say(
                "The unit is the count less 1, but 0 where no input is kept, with probability {0}: {claim}.", _Z
            ),
            claim=_value(K * p - 1 + _Z, S - 2 * (K * p) + 1 - _Z, S - K * p),
            reason=InWords(_with, _TRIED),
        ),
        Line(
            label="mean",
            sentence=say("By the first hypothesis {claim}"),
            claim=equal(K * p - 1 + _Z, A),
            reason=From((part("chance", 1 / (q + K * p)),)),
        ),
        Line(
            label="square",
            sentence=say("and {claim}."),
            claim=equal(S - 2 * (K * p) + 1 - _Z, B),
            reason=From((part("chance", -1 / (q + K * p)),)),
        ),
        Line(
            label="best",
            sentence=say("At the best output weights {claim}."),
            claim=equal(J_BEST, 1 - U_BEST * (K * p) - V_BEST * A),
            reason=From(
                (
                    part("value", u=U_BEST, v=V_BEST),
                    part("mean", -2 * V_BEST),
                    part("square", V_BEST**2 * (1 + lam)),
                )
            ),
        ),
        Line(
            label="least",
            sentence=say("Against the minimum over weights that are not negative this is {claim}."),
            claim=equal(T - (1 - U_BEST * (K * p) - V_BEST * A), K * e * V / (m * (q + K * p) * (q + n * p) * DET)),
        ),
    ),
    conclusions=(
        Conclusion(
            J_BEST < T,
            From(
                (
                    part("best", -1),
                    part("least"),
                    part("wide", K * e / (m * (q + K * p) * (q + n * p) * DET)),
                )
            ),
        ),
    ),
)
beta, t, g, t_more = symbols("beta t g T")
OUTPUT_BIAS = Derivation(
    name="output-bias-of-half",
    title="From the point mass to the input of zeros, too",
    supporting=True,
    setting=say("A network that is 0 at zeros, {0} its criterion on the point mass, output weights times {1}", t,
                1 - beta),
    quantified=(
        real(t, "a criterion on the point mass", low=0, low_in=True),
        real(g, "what another is larger by", low=0),
    ),
    definitions=(
        Definition(beta, t / (1 + t), "the output bias"),
        Definition(t_more, t + g, "the other criterion"),
    ),
    conclusions=(
        Conclusion(equal((beta**2 + (1 - beta) ** 2 * t) / 2, t / (2 * (1 + t))), ByAlgebra()),
        Conclusion(t / (2 * (1 + t)) < t_more / (2 * (1 + t_more)), ByAlgebra()),
    ),
)  # fmt: skip
"""(β² + (1 − β)² T)/2 = T/(2 (1 + T)), which increases with T."""
FAST_WIDTHS = (ENOUGH, ABOVE, BOTH, OUTPUT_BIAS)
