"""The inequality of Cauchy and Schwarz for sums of any length, by induction on the number of terms."""

from __future__ import annotations

from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.terms import number, symbol, symbols

__all__ = ["CAUCHY_SCHWARZ", "INPUT_NORM", "PRODUCT", "WEIGHT_NORM", "pairs"]

alpha, beta, pairs, v, x = symbols("alpha beta k v x")
PRODUCT, WEIGHT_NORM, INPUT_NORM = symbol("T"), symbol("V"), symbol("X")
_START = ((PRODUCT, number(0)), (WEIGHT_NORM, number(0)), (INPUT_NORM, number(0)))
_NEXT = ((PRODUCT, PRODUCT + v * x), (WEIGHT_NORM, WEIGHT_NORM + v**2), (INPUT_NORM, INPUT_NORM + x**2))
_CLAIM = WEIGHT_NORM * INPUT_NORM >= PRODUCT**2

CAUCHY_SCHWARZ = Derivation(
    name="cauchy-schwarz",
    number=7,
    title="The inequality of Cauchy and Schwarz",
    setting=say("The sum of the products of {0} pairs of numbers, and the sums of squares of either", pairs),
    quantified=(integer(pairs, 0, "how many pairs"),),
    quantities=(
        quantity(PRODUCT, "the sum of the products"),
        quantity(WEIGHT_NORM, "the sum of the squares of the first numbers"),
        quantity(INPUT_NORM, "the sum of the squares of the second"),
    ),
    auxiliary=(
        real(alpha, "any number"),
        real(beta, "any other number"),
        real(v, "the first number of one more pair"),
        real(x, "the second"),
    ),
    lines=(
        Line(
            label="squares",
            sentence=say("The squares of combinations add up to what is not negative: {claim}."),
            claim=alpha**2 * INPUT_NORM - 2 * alpha * beta * PRODUCT + beta**2 * WEIGHT_NORM >= 0,
            reason=ByInduction(pairs, _START, _NEXT, plus=((alpha * x - beta * v) ** 2,)),
        ),
        Line(
            label="product",
            sentence=say("One more pair adds such a sum, with its own numbers: {claim}."),
            claim=_CLAIM,
            reason=ByInduction(pairs, _START, _NEXT, parts=(part("squares", alpha=v, beta=x),)),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("product"),))),),
)
"""Σ v_i² Σ x_i² ≥ (Σ v_i x_i)²."""
