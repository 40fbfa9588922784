r"""Two inputs, one hidden layer with biases on P_(1,1), large q: the unit (0, 0, γ) gains exactly if W > 0.

W = p x² − p (p + 4) x − 2, x = q + n p. For a vector ρ with ρ(0, 0) = 1, M = E ρ and N = E ρ² + Σ_i max_h (2 Λ(h) −
λ ‖h‖²): 2 J_D ≥ M²/(M² + N), which is at least T/(1 + T) where 2 M − N ≥ T.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, SPREAD, lam, n, p, q, quantity, real
from exactdropout.theorems.negative_weights.two_inputs_bounds import LARGE_RATE, LEAST_VALUE, WIDE, T, norm
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, symbol, symbols

__all__ = ["BOUNDS_WITH_BIASES", "KINK", "RHO", "SCALE"]

F = Fraction
x, y, z, a, c, M, N, W, J = symbols("x y z a c M N W J")
R = tuple(symbol("rho", place) for place in (1, 2, 3))
_X = q + n * p
KINK = p * x**2 - p * (p + 4) * x - 2
"""W > 0: one unit (0, 0, γ) with a negative output weight and n − 1 common ones are below T_n."""
SCALE = 2 * n * p**2 + n * p + 1 - 2 * p**2
RHO = (
    (n * p**2 + 1 + p - p**2) / SCALE,
    (n * p**2 + 1 + p - p**2) / SCALE,
    -q * (n * p - 1 - 2 * p) / SCALE,
)
_FACTOR = p**2 * q / ((1 + p) * _X * SCALE)
_WIDTH = Definition(x, _X, "the width in another scale")
_DECIDES = Definition(W, KINK, "what decides")
_SUM = (z - p * y) ** 2 + (1 - p**2) * y**2
_COMMON = _SUM / (lam * p * (1 - p**2))
_VECTOR = (
    *(Definition(entry, value, "an entry of the vector") for entry, value in zip(R, RHO, strict=True)),
    Definition(z, p * q * R[0] + p**2 * R[2], "the product of the vector with (1, 0, 1)"),
    Definition(y, p * q * R[1] + p**2 * R[2], "that with (0, 1, 1)"),
    Definition(
        M,
        q * (n * p * (1 + p - p**2) + 1 + p + p**2 + 2 * p**3) / SCALE,
        "the mean of the vector, 1 where no input is kept",
        equal(M, q**2 + p * q * (R[0] + R[1]) + p**2 * R[2]),
    ),
    Definition(
        N,
        q**2 + norm(R) + (n - 1) * _COMMON + p**2 * R[2] ** 2 / lam,
        "its mean square and what common units and this one gain",
    ),
)


def _biased() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D of common units and one that is there where both inputs are kept, with and without negative weights."""
    rate, kept = F(3, 4), F(1, 4)
    for shared, last in ((F(1, 20), F(1, 4)),):
        rows = [[kept * shared] * 2] * 7 + [[kept * abs(last)] * 2]
        network = Network([rows, [1] * 7 + [1 if last >= 0 else -1]], [[0] * 7 + [-abs(last)], F(1, 8)])
        found = naive_evaluation(network, Examples.half((1, 1), 1), (rate, rate)).criterion
        yield {n: 8, q: rate, J: F(found)}


BOUND = Derivation(
    name="two-inputs-biased",
    title="One such unit beside common ones",
    supporting=True,
    setting=say(
        "With biases, one unit that is 0 unless both inputs are kept, negative output weight, the others common"
    ),
    quantified=(WIDE, LARGE_RATE),
    definitions=(KEEP, SPREAD, LEAST_VALUE, _WIDTH, _DECIDES, *_VECTOR),
    hypotheses=(Hypothesis("kink", W <= 0),),
    quantities=(quantity(J, "the criterion of any such network"),),
    lines=(
        Line(
            label="dual",
            sentence=say("Squares lie above their tangents, at the best multiple of the vector: {claim}."),
            claim=2 * J >= M**2 / (M**2 + N),
            reason=InWords(_biased, "double loop over 1,024 masks: a network of 8 units, q = 3/4"),
        ),
        Line(
            label="value",
            sentence=say("The vector is such that {claim}."),
            claim=equal(2 * M - N, T - _FACTOR * W),
        ),
        Line(
            label="square",
            sentence=say("So {claim},"),
            claim=M**2 >= T * N,
            reason=From((part("value", N), part("kink", _FACTOR * N)), plus=((M - N) ** 2,)),
        ),
        Line(
            label="ratio",
            sentence=say("that is, {claim}."),
            claim=M**2 / (M**2 + N) >= T / (1 + T),
            reason=From((part("square", 1 / ((M**2 + N) * (1 + T))),)),
        ),
    ),
    conclusions=(Conclusion(J >= T / (2 * (1 + T)), From((part("dual", F(1, 2)), part("ratio", F(1, 2))))),),
)

C_BEST, A_BEST = symbol("c", "best"), symbol("a", "best")
J_OF, J_BEST = apply("J", c, a), apply("J", C_BEST, A_BEST)
_MISS = 2 * p * q * (1 - c) ** 2 + p**2 * (1 - 2 * c - a) ** 2
_SQUARES = (2 * p * q * c**2 + p**2 * (2 * c) ** 2) / (n - 1) + p**2 * a**2
_THERE = {c: C_BEST, a: A_BEST}


def _sums() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D on the point mass of common units with given sums and one unit (0, 0, γ), by the double loop."""
    for width, rate in ((2, F(1, 2)), (3, F(3, 4))):
        kept, others = 1 - rate, width - 1
        for shared, last in ((F(1), F(-1, 2)), (F(1, 2), F(-1, 3)), (F(0), F(1))):
            rows = [[kept * shared / others] * 2] * others + [[kept * abs(last)] * 2]
            out = [1] * others + [1 if last > 0 else -1]
            network = Network([rows, out], [[0] * others + [-abs(last)], 0])
            found = naive_evaluation(network, Examples.point((1, 1), 1), (rate, rate)).criterion
            yield {n: width, q: rate, c: shared, a: last, J_OF: F(found)}


BELOW_BOTH = Derivation(
    name="two-inputs-biased-below",
    title="Such a unit is enough",
    supporting=True,
    setting=say("Common units whose sums are {0} for each input, one unit that is {1} where both are kept", c, a),
    quantified=(WIDE, LARGE_RATE),
    definitions=(
        KEEP,
        SPREAD,
        LEAST_VALUE,
        _WIDTH,
        _DECIDES,
        Definition(C_BEST, 1 - RHO[0], "the sum of the common units for an input"),
        Definition(A_BEST, 1 - RHO[2] - 2 * C_BEST, "the value of the other unit"),
    ),
    hypotheses=(Hypothesis("kink", W > 0),),
    quantities=(quantity(J_OF, "the criterion on the point mass, output bias 0"),),
    auxiliary=(real(c, "a sum of common units"), real(a, "a value of the other unit")),
    lines=(
        Line(
            label="value",
            sentence=say("With {0} equal common units {claim}.", n - 1),
            claim=equal(J_OF, q**2 + _MISS + lam * _SQUARES),
            reason=InWords(_sums, "double loop, 2 and 3 units, q = 1/2, 3/4, three pairs"),
        ),
        Line(
            label="best",
            sentence=say("At the values above {claim}."),
            claim=equal(J_BEST, (q**2 + _MISS + lam * _SQUARES).at(_THERE)),
            reason=From((part("value", c=C_BEST, a=A_BEST),)),
        ),
        Line(
            label="less",
            sentence=say("This is {claim}."),
            claim=equal((q**2 + _MISS + lam * _SQUARES).at(_THERE), T - _FACTOR * W),
        ),
    ),
    conclusions=(Conclusion(J_BEST < T, From((part("best", -1), part("less", -1), part("kink", _FACTOR)))),),
)
BOUNDS_WITH_BIASES = (BOUND, BELOW_BOTH)
