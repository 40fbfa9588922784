"""Derived here: how well non-negative weights can do on P_(1,1), at every width, depth and drop rate.

With non-negative weights (output weights included), any biases, convex non-decreasing activations, rates q for the
inputs and any rates for hidden units: J_D ≥ q/(2 (K p + 2 q)); 1/(2 (K + 2)) at q = ½. It sharpens Lemma 16 of
Helmbold and Long (2017), which has 1/(36 K) and K > 18.

Proof. Let ψ(ℓ) be the mean output given ℓ kept inputs. By Jensen, 2 J_D ≥ ψ(0)² + E (ψ(L) − 1)², L ~ Bin(K, p), and ψ
is convex (Lemma 14). Let f(ℓ) = a + bℓ minimise the right side among lines. Squares lie above their tangents at f, and
what the tangents leave, Λ(ψ) = a ψ(0) + E (f(L) − 1) ψ(L), vanishes on lines and is ≥ 0 on convex functions, since
g(ℓ)/ℓ does not decrease for g = ψ − ψ(0) and 1 − f falls.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.definitions import INPUTS, KEEP, RATE, K, integer, p, q, quantity, real
from exactdropout.theorems.proof import Proof, Step, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, lemma_step, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, symbol, symbols

__all__ = ["J_PLUS", "NONNEGATIVE_BOUND", "bound", "nonnegative_bound_steps", "prove"]

KNOTS = range(2, 9)
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
a, b, ell, u, v = symbols("a b l u v")
J_PLUS, AT_ZERO = symbol("J", "plus"), symbol("psi", 0)
MEAN, SQUARE, PRODUCT = symbol("Psi", 1), symbol("Psi", 2), symbol("Psi", "L")
COUNT, COUNT_SQUARE = K * p, K * p * q + K**2 * p**2
LAMBDA = a * AT_ZERO + (a - 1) * MEAN + b * PRODUCT


def bound(inputs: int, rate: Fraction) -> Fraction:
    """Return q/(2 (K p + 2 q))."""
    return rate / (2 * (inputs * (1 - rate) + 2 * rate))


def _networks() -> Iterator[Network]:
    """Yield networks with weights ≥ 0 and biases of both signs."""
    yield Network([[HALF / 2, HALF / 2]], [HALF / 2])  # the best line at q = 1/2: equality
    yield Network([[[2]], [HALF]], [[-1], THIRD])
    yield Network([[[1, 2]], [THIRD]], [[-1], 0])
    yield Network([[[1, 1], [0, 2]], [HALF, 1]], [[-HALF, -1], -THIRD])
    yield Network([[[1, 2, 1]], [HALF]], [[-2], HALF])
    yield Network([[[1, 1]], [[1], [2]], [HALF, THIRD]], [[-1], [HALF, -1], 0])


def _means() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D, and what the mean output ψ(ℓ) given ℓ kept inputs gives, for given networks."""
    for network, rate in itertools.product(_networks(), (HALF, THIRD)):
        inputs, depth = network.architecture.inputs, network.architecture.depth
        rates = (rate,) * depth
        total, chances = [Fraction(0)] * (inputs + 1), [Fraction(0)] * (inputs + 1)
        for mask, chance in masks(network, rates):
            kept = sum(mask[0])
            total[kept] += chance * Fraction(dropout_output(network, (1,) * inputs, mask, rates)[0])
            chances[kept] += chance
        found = Fraction(naive_evaluation(network, Examples.half((1,) * inputs, 1), rates).criterion)
        yield {
            K: Fraction(inputs),
            q: rate,
            J_PLUS: found,
            AT_ZERO: total[0] / chances[0],
            MEAN: sum(total, Fraction(0)),
            SQUARE: sum((t * t / w for t, w in zip(total, chances, strict=True)), Fraction(0)),
            PRODUCT: sum((kept * t for kept, t in enumerate(total)), Fraction(0)),
        }


def _g(at: Operand) -> Term:
    """Return g(ℓ), a convex function that is 0 at 0."""
    return apply("g", at)


def _convex() -> Iterator[Mapping[Term, Any]]:
    """Yield convex functions that are 0 at 0: (ℓ − 1)⁺, −ℓ and ℓ² − 3 ℓ."""
    functions: tuple[Callable[[int], int], ...] = (
        lambda count: max(0, count - 1),
        lambda count: -count,
        lambda count: count * count - 3 * count,
    )
    for place, function in itertools.product(range(4), functions):
        values = {_g(ell + i if i else ell): Fraction(function(place + i)) for i in range(3)}
        yield {ell: Fraction(place), **values, _g(0): Fraction(function(0))}


_CONVEX = "three convex functions, at numbers up to 5"
_CASES = "double loop: 6 networks with weights not negative, one to three inputs; q = 1/2, 1/3"

NONNEGATIVE_BOUND = Derivation(
    name="nonnegative-bound",
    title="The best that non-negative weights can do",
    setting=say("Weights that are not negative, any biases, on P(1,1) with {0} inputs, any depth and hidden rates", K),
    quantified=(INPUTS, RATE),
    definitions=(
        KEEP,
        Definition(a, q / (K * p + 2 * q), "the best line at no kept input"),
        Definition(b, 1 / (K * p + 2 * q), "its slope in the number of kept inputs"),
    ),
    quantities=(
        quantity(J_PLUS, "the criterion of a network whose weights are not negative"),
        quantity(AT_ZERO, "its mean output given that no input is kept, on the input of ones"),
        quantity(MEAN, "its mean output on the input of ones"),
        quantity(SQUARE, "the mean square of its mean output given the number of kept inputs"),
        quantity(PRODUCT, "the mean of its output times the number of kept inputs"),
        quantity(_g(ell), "a convex function of the number of kept inputs that is 0 at 0"),
    ),
    auxiliary=(
        integer(ell, 0, "a number of kept inputs"),
        real(u, "how far the ratio is from its value where the line changes sign", low=0, low_in=True),
        real(v, "how far the line is from zero", low=0, low_in=True),
    ),
    lines=(
        Line(
            label="jensen",
            sentence=say(
                "The input of zeros gives the mean output for no kept input, and a mean of squares is at least the "
                "square of the mean: {claim}."
            ),
            claim=2 * J_PLUS >= AT_ZERO**2 + (SQUARE - 2 * MEAN + 1),
            reason=InWords(_means, _CASES),
        ),
        Line(
            label="distance",
            sentence=say("The mean square of the distance to the line is not negative: {claim}."),
            claim=SQUARE - 2 * (a * MEAN + b * PRODUCT) + a**2 + 2 * a * b * COUNT + b**2 * COUNT_SQUARE >= 0,
            reason=InWords(_means, _CASES),
        ),
        Line(
            label="constant",
            sentence=say("What the tangents leave is 0 on constants: {claim}."),
            claim=equal(a + (a - 1) + b * COUNT, 0),
        ),
        Line(
            label="slope",
            sentence=say("It is 0 on the number of kept inputs, too: {claim}."),
            claim=equal((a - 1) * COUNT + b * COUNT_SQUARE, 0),
        ),
        Line(
            label="start",
            sentence=say("Let {0} be a function on the numbers of kept inputs, 0 at 0: {claim}.", _g(ell)),
            claim=equal(_g(0), 0),
            reason=InWords(_convex, _CONVEX),
        ),
        Line(
            label="second",
            sentence=say("Let it be convex: {claim}."),
            claim=_g(ell + 2) - 2 * _g(ell + 1) + _g(ell) >= 0,
            reason=InWords(_convex, _CONVEX),
        ),
        Line(
            label="ratio",
            sentence=say("Then its value over the number of kept inputs does not fall: {claim}."),
            claim=ell * _g(ell + 1) - (ell + 1) * _g(ell) >= 0,
            reason=ByInduction(ell, (), (), parts=(part("second", ell + 1),), first=(part("start", -1),)),
        ),
        Line(
            label="terms",
            sentence=say(
                "The line less the label falls, so each term of the mean of its product with the ratio, less the "
                "ratio where the line changes sign, has two factors of opposite signs: {claim}."
            ),
            claim=-(u * v) * ell <= 0,
        ),
        Line(
            label="convex",
            sentence=say(
                "By Lemma 14 the mean output is convex in the number of kept inputs; so, summing these terms, {claim}."
            ),
            claim=LAMBDA >= 0,
            reason=InWords(_means, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(
            J_PLUS >= q / (2 * (K * p + 2 * q)),
            From(
                (part("jensen", HALF), part("distance", HALF), part("convex")),
                plus=((AT_ZERO - a) ** 2 / 2,),
            ),
        ),
    ),
)
DERIVATIONS = (NONNEGATIVE_BOUND,)


def nonnegative_bound_steps() -> list[Step]:
    """Return the lemma as a step."""
    return [lemma_step(NONNEGATIVE_BOUND)]


def prove() -> Proof:
    """Prove the bound, and compare with networks."""
    further = [
        step(
            r"$\Lambda((\ell - j)^+) > 0$ for every $q$ in $(0, 1)$ and every knot $j$: numerators have no root there.",
            "root count",
            all(_positive_on_knot(k, j) for k in KNOTS for j in range(1, k)),
            f"K = {KNOTS.start}, ..., {KNOTS.stop - 1}, all j",
        ),
        enumerated(
            "No network of a grid is below the bound: 2-1-1 with weights 0, 1/2, 1 and biases of both signs, q = "
            "1/2, 1/3.",
            _grid(),
            "216 networks, 8 masks, at each of two rates",
        ),
        enumerated(
            "Nearly attained: the linear network 2-n-1 with the best line approaches 1/8 at K = 2, q = 1/2.",
            [(_wide(n) > bound(2, Fraction(1, 2)), True) for n in (1, 4)]
            + [(_wide(8) - bound(2, Fraction(1, 2)) < Fraction(1, 20), True)],
            "n = 1, 4, 8",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _line(k: Any, p: Any) -> tuple[Any, Any]:
    """Return (a, b) of the best line a + bℓ: a = q/(Kp + 2q), b = 1/(Kp + 2q)."""
    q = 1 - p
    a = q / (k * p + 2 * q)
    return a, 1 / (k * p + 2 * q)


def _positive_on_knot(k: int, j: int) -> bool:
    """Λ((ℓ − j)⁺) as a rational function of p; its sign on (0, 1) by counting roots and one value."""
    p = sympy.Symbol("p")
    a, b = _line(k, p)
    total = sum(
        math.comb(k, ell) * p**ell * (1 - p) ** (k - ell) * (a - 1 + b * ell) * (ell - j) for ell in range(j + 1, k + 1)
    )
    numerator, denominator = sympy.fraction(sympy.cancel(total))

    def sign(expr: sympy.Expr) -> int:
        polynomial = sympy.Poly(expr, p)
        inside = polynomial.count_roots(0, 1) - sum(1 for end in (0, 1) if polynomial.eval(end) == 0)
        value = polynomial.eval(sympy.Rational(1, 2))
        return 0 if inside or value == 0 else (1 if value > 0 else -1)

    return sign(numerator) * sign(denominator) > 0


def _grid() -> Iterator[tuple[object, object]]:
    values = (0, Fraction(1, 2), 1)
    data = Examples.half((1, 1), 1)
    for rate in (Fraction(1, 2), Fraction(1, 3)):
        lowest = min(
            naive_evaluation(Network([[[u, v]], [w]], [[b], c]), data, (rate, rate)).criterion
            for u, v, w in itertools.product(values, repeat=3)
            for b in (-1, Fraction(-1, 2), 0, Fraction(1, 2))
            for c in (0, Fraction(1, 4))
        )
        yield lowest >= bound(2, rate), True


def _wide(n: int) -> Fraction:
    """J_D of the network 2-n-1 whose mean is the best line; ψ(ℓ) = a + bℓ with inputs 2 where kept."""
    a, b = (Fraction(int(v.p), int(v.q)) for v in _line(sympy.Integer(2), sympy.Rational(1, 2)))
    network = Network([[[1, 1]] * n, [b / (2 * n)] * n], [[0] * n, a])
    return Fraction(naive_evaluation(network, Examples.half((1, 1), 1), (Fraction(1, 2),) * 2).criterion)


@register(
    id="exactdropout-2026-nonnegative-bound",
    title="The best that non-negative weights can do on P_(1,1)",
    source="exactdropout2026",
    number="non-negative bound",
    derivations=DERIVATIONS,
    verdict="holds",
)
def nonnegative_bound() -> Proof:
    """Prove the entry as declared."""
    return prove()
