"""Chebyshev's inequality for sums: two rising sequences, weighted, of any length, by induction on the number of terms.

Σ v_i Σ v_i x_i y_i ≥ Σ v_i x_i Σ v_i y_i for v_i ≥ 0 where x_i and y_i both do not fall.
"""

from __future__ import annotations

from fractions import Fraction

from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, number, symbol, symbols

__all__ = ["FIRST_SUM", "PRODUCT_SUM", "RISING_SUMS", "SECOND_SUM", "TOTAL"]

k, v, x, y, s, t, delta, epsilon = symbols("k v x y s t delta epsilon")
TOTAL, FIRST_SUM, SECOND_SUM, PRODUCT_SUM = (symbol("S", name) for name in ("1", "x", "y", "xy"))
_START = ((TOTAL, number(0)), (FIRST_SUM, number(0)), (SECOND_SUM, number(0)), (PRODUCT_SUM, number(0)))
_NEXT = (
    (TOTAL, TOTAL + v),
    (FIRST_SUM, FIRST_SUM + v * (x + delta)),
    (SECOND_SUM, SECOND_SUM + v * (y + epsilon)),
    (PRODUCT_SUM, PRODUCT_SUM + v * (x + delta) * (y + epsilon)),
)
_LAST = ((x, x + delta), (y, y + epsilon))
_AT = ((x, delta), (y, epsilon))
_CLAIM = TOTAL * PRODUCT_SUM >= FIRST_SUM * SECOND_SUM


def _above(term: Term, meaning: str) -> Variable:
    return real(term, meaning, low=0, low_in=True)


def _last(term: Term, meaning: str) -> Variable:
    return Variable(term=term, meaning=meaning, kind="network")


RISING_SUMS = Derivation(
    name="rising-sums",
    number=12,
    title="Chebyshev's inequality for sums",
    setting=say("Sums over terms with weights that are not negative, of two numbers that both do not fall"),
    quantified=(integer(k, 0, "the number of terms"),),
    quantities=(
        Variable(term=TOTAL, meaning="the sum of the weights", kind="network", low=Fraction(0), low_in=True),
        quantity(FIRST_SUM, "the sum of the weighted first numbers"),
        quantity(SECOND_SUM, "the sum of the weighted second numbers"),
        quantity(PRODUCT_SUM, "the sum of the weighted products"),
        _last(x, "the first number of the last term"),
        _last(y, "the second number of the last term"),
    ),
    auxiliary=(
        _above(v, "the weight of one more term"),
        _above(delta, "by how much its first number is above that of the last"),
        _above(epsilon, "by how much its second number is above"),
        _above(s, "how far a number is above the first of the last term"),
        _above(t, "how far a number is above the second"),
    ),
    lines=(
        Line(
            label="first",
            sentence=say("The last first number is the largest: {claim}."),
            claim=TOTAL * x >= FIRST_SUM,
            reason=ByInduction(k, (*_START[:2], _AT[0]), (*_NEXT[:2], _LAST[0]), plus=(TOTAL * delta,)),
        ),
        Line(
            label="second",
            sentence=say("So is the second: {claim}."),
            claim=TOTAL * y >= SECOND_SUM,
            reason=ByInduction(
                k, (_START[0], _START[2], _AT[1]), (_NEXT[0], _NEXT[2], _LAST[1]), plus=(TOTAL * epsilon,)
            ),
        ),
        Line(
            label="distances",
            sentence=say("With numbers above these, the weighted products of distances add up: {claim}."),
            claim=TOTAL * (x + s) * (y + t) + PRODUCT_SUM >= (x + s) * SECOND_SUM + (y + t) * FIRST_SUM,
            reason=ByInduction(
                k,
                (*_START, *_AT),
                (*_NEXT, *_LAST),
                parts=(part("first", epsilon), part("second", delta)),
                plus=(TOTAL * (delta * t + epsilon * s + delta * epsilon) + v * s * t,),
            ),
        ),
        Line(
            label="products",
            sentence=say("One more term adds such products: {claim}."),
            claim=_CLAIM,
            reason=ByInduction(k, (*_START, *_AT), (*_NEXT, *_LAST), parts=(part("distances", v, s=delta, t=epsilon),)),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("products"),))),),
)
"""S_1 S_xy ≥ S_x S_y."""
