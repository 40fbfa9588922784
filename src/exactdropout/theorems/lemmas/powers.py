"""Bernoulli's inequality, in the form that bounds how A grows with the depth."""

from __future__ import annotations

from exactdropout.theorems.definitions import integer, real
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.terms import symbols

__all__ = ["BERNOULLI", "k", "x"]

x, k = symbols("x k")
_CLAIM = (1 + x) ** k * (1 - k * x) <= 1

BERNOULLI = Derivation(
    name="bernoulli",
    number=1,
    title="Bernoulli's inequality",
    setting=say("For a number and a power"),
    quantified=(real(x, "a number that is not negative", low=0, low_in=True), integer(k, 0, "an exponent")),
    lines=(
        Line(
            label="all k",
            sentence=say("By induction on {0}: {claim}.", k),
            claim=_CLAIM,
            reason=ByInduction(k, (), (), plus=((1 + x) ** k * (k + 1) * x**2,)),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("all k"),))),),
)
