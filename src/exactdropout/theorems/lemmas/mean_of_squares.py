"""A mean of squares is at least the square of the mean, for probabilities of any number of cases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["FIRST", "MEAN_OF_SQUARES", "SECOND", "TOTAL", "cases", "totals"]

c, v, x, cases = symbols("c v x k")
FIRST, SECOND, TOTAL = symbol("M", 1), symbol("M", 2), symbol("M", 0)


def totals() -> Iterator[Mapping[Term, Any]]:
    """Yield the sum of the probabilities of all masks of a few units."""
    for size, rate in itertools.product((1, 2, 3), (Fraction(1, 2), Fraction(1, 3))):
        masks = itertools.product((rate, 1 - rate), repeat=size)
        yield {TOTAL: sum((math.prod(chances, start=Fraction(1)) for chances in masks), Fraction(0))}


MEAN_OF_SQUARES = Derivation(
    name="mean-of-squares",
    number=8,
    title="A mean of squares",
    setting=say("A number that takes values with probabilities"),
    quantified=(integer(cases, 0, "the number of values"),),
    quantities=(
        quantity(TOTAL, "the sum of the probabilities"),
        quantity(FIRST, "the mean"),
        quantity(SECOND, "the mean of the squares"),
    ),
    auxiliary=(
        real(c, "any number"),
        real(v, "the probability of one more value", low=0, low_in=True),
        real(x, "this value"),
    ),
    lines=(
        Line(
            label="distances",
            sentence=say("Mean squared distances from any number add up to what is not negative: {claim}."),
            claim=SECOND - 2 * c * FIRST + c**2 * TOTAL >= 0,
            reason=ByInduction(
                cases,
                ((TOTAL, number(0)), (FIRST, number(0)), (SECOND, number(0))),
                ((TOTAL, TOTAL + v), (FIRST, FIRST + v * x), (SECOND, SECOND + v * x**2)),
                plus=(v * (x - c) ** 2,),
            ),
        ),
        Line(
            label="total",
            sentence=say("Probabilities add up to one: {claim}."),
            claim=equal(TOTAL, 1),
            reason=InWords(totals, "masks of up to three units"),
        ),
    ),
    conclusions=(Conclusion(SECOND >= FIRST**2, From((part("distances", c=FIRST), part("total", -(FIRST**2))))),),
)
"""E X² ≥ (E X)²."""
