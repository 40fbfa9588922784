"""Weight decay on P_(x,1), one hidden layer: what the weights cost at least, and the criterion in squares.

With u = W(0), A = W(x) − W(0), r² = x·x and N = ‖W‖²: r N ≥ 2 |A| whatever the biases, and
J₂ = (u − (1 − A)/2)² + ¼ (1 − A)² + ½ λ N.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import INPUTS, K, integer, lam, quantity, real
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ, INPUT_NORM, PRODUCT, WEIGHT_NORM, pairs
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByCases, ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbol, symbols

__all__ = [
    "COSTS", "CRITERION_VALUE", "J_2", "OF_RISK", "PATHS", "RADIUS", "SQUARE", "STRENGTH", "UNITS", "VALUE",
    "VALUES", "A", "N", "R", "k", "networks", "r", "relu", "squared_norm", "u", "weight_decay_criterion", "z",
]  # fmt: skip

F = Fraction
HALF, QUARTER = F(1, 2), F(1, 4)
A, N, R, u, r, w, a, e, k, h, z = symbols("A N R u r w a e k h z")
J_2 = symbol("J", 2)


def weight_decay_criterion(network: Network, x: tuple[int, ...], strength: Fraction) -> Fraction:
    """Return J₂ = ½ W(0)² + ½ (W(x) − 1)² + (λ/2) ‖W‖² on P_(x,1), biases free."""
    zero, one = (dropout_output(network, v, None, ())[0] for v in ((0,) * len(x), x))
    return Fraction((zero**2 + (one - 1) ** 2 + strength * squared_norm(network)) / 2)


def squared_norm(network: Network) -> Fraction:
    """Return ‖W‖², biases left out."""
    return sum((Fraction(v) ** 2 for matrix in network.weights for v in matrix.flat), Fraction(0))


def relu(at: Operand) -> Term:
    """Return relu of a formula."""
    return apply("relu", at)


def networks() -> Iterator[tuple[Network, tuple[int, ...], Fraction]]:
    """Yield networks with one hidden layer, an input with a rational norm, and that norm."""
    yield Network([[[1, -1]], [2]], [[HALF], F(1, 3)]), (3, 4), F(5)
    yield Network([[[F(3, 25), F(4, 25)]], [F(1, 5)]], [[0], F(2, 5)]), (3, 4), F(5)
    yield Network([[[2], [-1]], [1, HALF]], [[-1, 3], -1]), (1,), F(1)
    yield Network([[[0, 1, 1], [-1, 0, 2]], [-1, HALF]], [[0, 1], 0]), (1, 2, -2), F(3)


def _values() -> Iterator[Mapping[Term, Any]]:
    """Yield J₂, the risk, W(0), W(x) − W(0) and ‖W‖²."""
    for (network, x, radius), strength in itertools.product(networks(), (F(1), F(2, 3))):
        zero, one = (Fraction(dropout_output(network, v, None, ())[0]) for v in ((0,) * len(x), x))
        yield {
            r: radius, lam: strength, z: strength - radius / 2, u: zero, A: one - zero,
            R: (zero**2 + (one - 1) ** 2) / 2,
            N: squared_norm(network),
            J_2: weight_decay_criterion(network, x, strength),
        }  # fmt: skip


def _units() -> Iterator[Mapping[Term, Any]]:
    for x, radius in (((3, 4), F(5)), ((1,), F(1)), ((1, 2, -2), F(3))):
        yield {r: radius, INPUT_NORM: Fraction(sum(v * v for v in x))}


RADIUS = real(r, "the norm of the input x", low=0)
STRENGTH = real(lam, "the strength of weight decay", low=0)
_CASES = "4 networks with one hidden layer, two strengths"
VALUES = (
    quantity(u, "the output at the input of zeros"),
    quantity(A, "the output at x less that"),
    quantity(N, "the sum of the squares of all weights"),
    quantity(R, "the risk"),
    quantity(J_2, "the weight-decay criterion"),
)
NORM = Line(
    label="norm",
    sentence=say("By definition of the norm {claim}."),
    claim=equal(INPUT_NORM, r**2),
    reason=InWords(_units, "three inputs"),
)
CAUCHY = Line(
    label="cauchy",
    sentence=say("By the inequality of Cauchy and Schwarz {claim}."),
    claim=WEIGHT_NORM * INPUT_NORM >= PRODUCT**2,
    reason=ByLemma(CAUCHY_SCHWARZ, ((pairs, K),)),
)
OF_UNIT = (
    quantity(PRODUCT, "the product of the incoming weights of one more unit with x"),
    quantity(WEIGHT_NORM, "the sum of their squares"),
    quantity(INPUT_NORM, "the sum of the squares of x"),
)
_RISE = relu(a + PRODUCT) - relu(a)
COSTS = (r * N >= 2 * A, r * N >= -(2 * A))


def _one_unit(label: str, sign: int) -> Line:
    """Return the line r (w² + ‖v‖²) ≥ ± 2 w (h(x) − h(0))."""
    rise = 2 * w * _RISE if sign > 0 else -(2 * w * _RISE)
    square = w - _RISE / r if sign > 0 else w + _RISE / r
    return Line(
        label=label,
        sentence=say("A unit adds no more to the output than its weights allow: {claim}."),
        claim=r * (w**2 + WEIGHT_NORM) >= rise,
        reason=From(
            (part("slope", 1 / r, e=a + PRODUCT), part("cauchy", 1 / r), part("norm", -(WEIGHT_NORM / r))),
            plus=(r * square**2,),
        ),
    )


def _all_units(label: str, unit: str, sentence: str, place: int) -> Line:
    return Line(
        label=label,
        sentence=say(sentence),
        claim=COSTS[place],
        reason=ByInduction(
            k,
            ((N, number(0)), (A, number(0))),
            ((N, N + (w**2 + WEIGHT_NORM)), (A, A + w * _RISE)),
            parts=(part(unit),),
        ),
    )


PATHS = Derivation(
    name="weight-norm",
    supporting=True,
    title="What the weights cost at least",
    setting=say("One hidden layer of {0} units, any biases, at an input of norm {1}", k, r),
    quantified=(INPUTS, integer(k, 0, "the number of hidden units"), RADIUS),
    quantities=(VALUES[1], VALUES[2], *OF_UNIT),
    auxiliary=(
        real(w, "the output weight of one more unit"),
        real(a, "its bias"),
        real(e, "a pre-activation"),
    ),
    lines=(
        Line(
            label="slope",
            sentence=say("A relu moves no more than its pre-activation: {claim}."),
            claim=(relu(e) - relu(a)) ** 2 <= (e - a) ** 2,
            reason=ByCases((a, e)),
        ),
        CAUCHY,
        NORM,
        _one_unit("up", 1),
        _one_unit("down", -1),
        _all_units("above", "up", "Summed over the units, {claim}.", 0),
        _all_units("below", "down", "In the same way {claim}.", 1),
    ),
    conclusions=(Conclusion(COSTS[0], From((part("above"),))), Conclusion(COSTS[1], From((part("below"),)))),
)
"""r ‖W‖² ≥ 2 |W(x) − W(0)|."""

SQUARE = (u - (1 - A) / 2) ** 2


VALUE = equal(J_2, (u - (1 - A) / 2) ** 2 + (1 - A) ** 2 / 4 + lam / 2 * N)
OF_RISK = equal(R, (u - (1 - A) / 2) ** 2 + (1 - A) ** 2 / 4)

CRITERION_VALUE = Derivation(
    name="weight-decay-criterion",
    supporting=True,
    title="The weight-decay criterion in squares",
    setting=say("A network on P(x,1)"),
    quantified=(real(lam, "the strength of weight decay"),),
    quantities=VALUES,
    lines=(
        Line(
            label="criterion",
            sentence=say("By definition {claim}."),
            claim=equal(J_2, R + lam / 2 * N),
            reason=InWords(_values, _CASES),
        ),
        Line(
            label="risk",
            sentence=say("The risk is {claim}."),
            claim=equal(R, u**2 / 2 + (u + A - 1) ** 2 / 2),
            reason=InWords(_values, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(OF_RISK, From((part("risk"),))),
        Conclusion(VALUE, From((part("criterion"), part("risk")))),
    ),
)
"""J₂ = (u − (1 − A)/2)² + ¼ (1 − A)² + ½ λ N: the best output bias leaves the rest."""
UNITS = INPUTS, integer(k, 0, "the number of hidden units")
