"""Moments of the number of kept units, for every width at once: a lemma that several theorems share.

With r_1, …, r_m independent, Pr(r_i = 1) = p, λ = q/p and N = Σ r_i/p: E N = m and E N² = m² (1 + λ/m).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, p, q, quantity
from exactdropout.theorems.lemmas.sum_inequalities import independent_product
from exactdropout.theorems.proof import Step
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, lemma_step
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol

__all__ = ["KEPT_COUNTS", "MEAN", "SQUARE", "k", "kept_count_moments"]

k = symbol("k")
MEAN, SQUARE = symbol("N", 1), symbol("N", 2)


def _listed() -> Iterator[Mapping[Term, Any]]:
    """Yield the two moments by listing all masks."""
    for count, rate in itertools.product(range(5), (Fraction(0), Fraction(1, 2), Fraction(1, 3))):
        kept = 1 - rate
        moments = [Fraction(0), Fraction(0)]
        for masks in itertools.product((0, 1), repeat=count):
            chance = kept ** sum(masks) * rate ** (count - sum(masks))
            for power in (1, 2):
                moments[power - 1] += chance * (sum(masks) / kept) ** power
        yield {k: Fraction(count), q: rate, MEAN: moments[0], SQUARE: moments[1]}


_CASES = "k = 0, ..., 4; q = 0, 1/2, 1/3; all masks"
_FIRST, _SECOND = equal(MEAN, k), equal(SQUARE, k**2 + lam * k)

KEPT_COUNTS = Derivation(
    name="kept-counts",
    number=2,
    title="Moments of the number of kept units",
    setting=say("The sum of {0} independent masks, each divided by {1}", k, p),
    quantified=(integer(k, 0, "the number of units"), RATE),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(MEAN, "the mean of the scaled number of kept units"),
        quantity(SQUARE, "the mean of its square"),
    ),
    lines=(
        Line(
            label="one mean",
            sentence=say("One unit is {0} with probability {1} and else 0: its mean is {claim}.", 1 / p, p),
            claim=equal(p * (1 / p), 1),
        ),
        Line(
            label="one square",
            sentence=say("The mean of its square is {claim}."),
            claim=equal(p * (1 / p) ** 2, 1 + lam),
        ),
        Line(
            label="mean",
            sentence=say("One more unit adds its mean: {claim}."),
            claim=_FIRST,
            reason=ByInduction(k, ((MEAN, number(0)),), ((MEAN, MEAN + 1),)),
        ),
        Line(
            label="square",
            sentence=say("One more unit is independent of those before, whose mean is {0}: {claim}.", k),
            claim=_SECOND,
            reason=ByInduction(k, ((SQUARE, number(0)),), ((SQUARE, SQUARE + 2 * k + (1 + lam)),)),
        ),
        Line(
            label="listed first",
            sentence=say("By listing all masks: {claim}."),
            claim=_FIRST,
            reason=ByInstances(_listed, _CASES),
        ),
        Line(
            label="listed second",
            sentence=say("By listing all masks: {claim}."),
            claim=_SECOND,
            reason=ByInstances(_listed, _CASES),
        ),
    ),
    conclusions=(Conclusion(_FIRST, From((part("mean"),))), Conclusion(_SECOND, From((part("square"),)))),
)


def kept_count_moments() -> list[Step]:
    """Return the lemma as a step, and that moments of products of independent counts are products."""
    return [
        lemma_step(KEPT_COUNTS),
        independent_product(
            r"Masks of different layers are independent, so the moments of a product of counts are products."
        ),
    ]
