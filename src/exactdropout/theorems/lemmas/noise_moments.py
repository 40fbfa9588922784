"""Moments of a sum of kept terms, for any number of terms at once: a lemma that the linear results share.

With r_1, …, r_m independent, Pr(r_i = 1) = p = 1 − q, λ = q/p, and numbers a_i, b_i, put S = Σ a_i r_i/p and
T = Σ b_i r_i/p. Then E S = Σ a_i and E S T = (Σ a_i)(Σ b_i) + λ Σ a_i b_i.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, p, q, quantity, real
from exactdropout.theorems.proof import Step
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, lemma_step
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = [
    "FIRST_SUM",
    "MEAN_S",
    "MEAN_ST",
    "MEAN_T",
    "PRODUCTS",
    "SECOND_SUM",
    "SUM_MOMENTS",
    "sum_moments",
    "sums_under_masks",
]

k, a, b = symbols("k a b")
MEAN_S, MEAN_T, MEAN_ST = symbol("E", "S"), symbol("E", "T"), symbol("E", "ST")
FIRST_SUM, SECOND_SUM, PRODUCTS = symbol("A"), symbol("B"), symbol("Q")


def sums_under_masks(first: Sequence[Fraction], second: Sequence[Fraction], rate: Fraction) -> tuple[Fraction, ...]:
    """Return E S, E T and E S T for terms a_i and b_i by listing all masks."""
    moments = [Fraction(0)] * 3
    for mask in itertools.product((0, 1), repeat=len(first)):
        chance = math.prod((1 - rate if bit else rate for bit in mask), start=Fraction(1))
        one, two = (sum((t * bit for t, bit in zip(terms, mask, strict=True)), Fraction(0)) / (1 - rate)
                    for terms in (first, second))  # fmt: skip
        moments = [m + chance * value for m, value in zip(moments, (one, two, one * two), strict=True)]
    return tuple(moments)


def _listed() -> Iterator[Mapping[Term, Any]]:
    F = Fraction
    cases = (((), ()), ((F(2),), (F(-1),)), ((F(1), F(-3)), (F(2), F(1, 2))), ((F(1), F(2), F(-1)), (F(3), F(0), F(5))))
    for (first, second), rate in itertools.product(cases, (F(0), F(1, 2), F(1, 3))):
        one, two, both = sums_under_masks(first, second, rate)
        yield {
            q: rate,
            MEAN_S: one,
            MEAN_T: two,
            MEAN_ST: both,
            FIRST_SUM: sum(first, F(0)),
            SECOND_SUM: sum(second, F(0)),
            PRODUCTS: sum((x * y for x, y in zip(first, second, strict=True)), F(0)),
        }


_CASES = "all masks of up to three terms, q = 0, 1/2, 1/3"
_ONE, _TWO = equal(MEAN_S, FIRST_SUM), equal(MEAN_T, SECOND_SUM)
_BOTH = equal(MEAN_ST, FIRST_SUM * SECOND_SUM + lam * PRODUCTS)

SUM_MOMENTS = Derivation(
    name="sum-moments",
    number=5,
    title="Moments of sums under masks",
    setting=say("Two sums over the same independent masks, each divided by {0}", p),
    quantified=(RATE,),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(MEAN_S, "the mean of the first sum under the masks"),
        quantity(MEAN_T, "the mean of the second"),
        quantity(MEAN_ST, "the mean of their product"),
        quantity(FIRST_SUM, "the first sum without masks"),
        quantity(SECOND_SUM, "the second sum without masks"),
        quantity(PRODUCTS, "the sum of the products of corresponding terms"),
    ),
    auxiliary=(
        integer(k, 0, "a number of terms, taken into the sums one after the other"),
        real(a, "the next term of the first sum"),
        real(b, "the next term of the second"),
    ),
    lines=(
        Line(
            label="one mean",
            sentence=say("A mask is {0} with probability {1} and else 0: its mean is {claim}.", 1 / p, p),
            claim=equal(p * (1 / p), 1),
        ),
        Line(
            label="one square",
            sentence=say("The mean of its square is {claim}."),
            claim=equal(p * (1 / p) ** 2, 1 + lam),
        ),
        Line(
            label="first",
            sentence=say("One more term adds its mean: {claim}."),
            claim=_ONE,
            reason=ByInduction(
                k, ((MEAN_S, number(0)), (FIRST_SUM, number(0))), ((MEAN_S, MEAN_S + a), (FIRST_SUM, FIRST_SUM + a))
            ),
        ),
        Line(
            label="second",
            sentence=say("The same for the second sum: {claim}."),
            claim=_TWO,
            reason=ByInduction(
                k,
                ((MEAN_T, number(0)), (SECOND_SUM, number(0))),
                ((MEAN_T, MEAN_T + b), (SECOND_SUM, SECOND_SUM + b)),
            ),
        ),
        Line(
            label="product",
            sentence=say("The mask of one more term is independent of those before: {claim}."),
            claim=_BOTH,
            reason=ByInduction(
                k,
                (
                    (MEAN_ST, number(0)),
                    (FIRST_SUM, number(0)),
                    (SECOND_SUM, number(0)),
                    (PRODUCTS, number(0)),
                ),
                (
                    (MEAN_ST, MEAN_ST + MEAN_S * b + a * MEAN_T + (1 + lam) * (a * b)),
                    (FIRST_SUM, FIRST_SUM + a),
                    (SECOND_SUM, SECOND_SUM + b),
                    (PRODUCTS, PRODUCTS + a * b),
                ),
                parts=(part("first", b), part("second", a)),
            ),
        ),
        Line(
            label="listed first",
            sentence=say("By listing all masks the mean is right: {claim}."),
            claim=_ONE,
            reason=ByInstances(_listed, _CASES),
        ),
        Line(
            label="listed second",
            sentence=say("So it is for the second sum: {claim}."),
            claim=_TWO,
            reason=ByInstances(_listed, _CASES),
        ),
        Line(
            label="listed product",
            sentence=say("And for the product: {claim}."),
            claim=_BOTH,
            reason=ByInstances(_listed, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(_ONE, From((part("first"),))),
        Conclusion(_TWO, From((part("second"),))),
        Conclusion(_BOTH, From((part("product"),))),
    ),
)
"""E S = A and E S T = A B + λ Q."""


def sum_moments() -> list[Step]:
    """Return the lemma as a step."""
    return [lemma_step(SUM_MOMENTS)]
