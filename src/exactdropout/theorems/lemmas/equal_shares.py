"""A sum of squares is least for equal shares: n Σ x_i² ≥ (Σ x_i)², by induction on the number of terms."""

from __future__ import annotations

from exactdropout.theorems.definitions import integer, n, quantity, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.terms import number, symbols

__all__ = ["EQUAL_SHARES", "SQUARES", "SUM"]

SUM, SQUARES, x, a = symbols("S Q x a")
_START = ((SUM, number(0)), (SQUARES, number(0)))
_NEXT = ((SUM, SUM + a), (SQUARES, SQUARES + a**2))
_CLAIM = n * SQUARES >= SUM**2

EQUAL_SHARES = Derivation(
    name="equal-shares",
    number=6,
    title="Equal shares",
    setting=say("The sum of {0} numbers, and the sum of their squares", n),
    quantified=(integer(n, 0, "how many numbers"),),
    quantities=(quantity(SUM, "their sum"), quantity(SQUARES, "the sum of their squares")),
    auxiliary=(real(x, "any number"), real(a, "one number more")),
    lines=(
        Line(
            label="distances",
            sentence=say("The squared distances from any number add up to what is not negative: {claim}."),
            claim=SQUARES - 2 * SUM * x + n * x**2 >= 0,
            reason=ByInduction(n, _START, _NEXT, plus=((a - x) ** 2,)),
        ),
        Line(
            label="shares",
            sentence=say("One number more adds its squared distances from those before: {claim}."),
            claim=_CLAIM,
            reason=ByInduction(n, _START, _NEXT, parts=(part("distances", x=a),)),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("shares"),))),),
)
"""Σ x_i² ≥ (Σ x_i)²/n, with equality for equal numbers."""
