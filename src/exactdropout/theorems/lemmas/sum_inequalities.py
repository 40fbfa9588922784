"""Inequalities for finite sums of any length, cited by many proofs: each is a lemma that is proved and printed once."""

from __future__ import annotations

from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ
from exactdropout.theorems.lemmas.mean_of_squares import MEAN_OF_SQUARES
from exactdropout.theorems.proof import Step, step
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbol, symbols

__all__ = [
    "INDEPENDENT_PRODUCT",
    "RISING_RATIO",
    "cauchy_schwarz",
    "independent_product",
    "mean_of_squares",
]

k, v, x, ell, u, t = symbols("k v x l u t")
OF_X, OF_Y, OF_XY = (symbol("E", name) for name in ("X", "Y", "XY"))
_PRODUCT = equal(OF_XY, OF_X * OF_Y)

INDEPENDENT_PRODUCT = Derivation(
    name="independent-product",
    number=9,
    title="The mean of an independent product",
    setting=say("Two independent numbers with finitely many values"),
    quantified=(integer(k, 0, "the number of values of the first"),),
    quantities=(
        quantity(OF_X, "the mean of the first"),
        quantity(OF_Y, "the mean of the second"),
        quantity(OF_XY, "the mean of their product"),
    ),
    auxiliary=(real(v, "the probability of one more value of the first"), real(x, "this value")),
    lines=(
        Line(
            label="values",
            sentence=say(
                "The second has the same mean for each value of the first, so one more value adds {0}: {claim}.",
                v * x * OF_Y,
            ),
            claim=_PRODUCT,
            reason=ByInduction(
                k,
                ((OF_X, number(0)), (OF_XY, number(0))),
                ((OF_X, OF_X + v * x), (OF_XY, OF_XY + v * x * OF_Y)),
            ),
        ),
    ),
    conclusions=(Conclusion(_PRODUCT, From((part("values"),))),),
)
"""E X Y = E X E Y."""


def _g(at: Operand) -> Term:
    return apply("g", at)


_RATIO = ell * _g(ell + 1) - (ell + 1) * _g(ell) >= 0

RISING_RATIO = Derivation(
    name="rising-ratio",
    number=10,
    title="The ratio of a convex function that begins at 0",
    setting=say("A function of whole numbers, its ratio to the number at {0} and at the next", ell),
    quantified=(integer(ell, 0, "a number of kept inputs"),),
    quantities=(quantity(_g(ell), "a convex function of this number that is 0 at 0"),),
    hypotheses=(
        Hypothesis("begins", equal(_g(0), 0)),
        Hypothesis("convex", _g(ell + 2) - 2 * _g(ell + 1) + _g(ell) >= 0),
    ),
    lines=(
        Line(
            label="ratio",
            sentence=say("The ratio does not fall: {claim}."),
            claim=_RATIO,
            reason=ByInduction(ell, (), (), parts=(part("convex", ell + 1),), first=(part("begins", -1),)),
        ),
    ),
    conclusions=(Conclusion(_RATIO, From((part("ratio"),))),),
)
"""g(ℓ)/ℓ does not fall."""


def _cited(lemma: Derivation, claim: str) -> Step:
    return step(claim, "lemma", lemma.holds(), lemma.cited)


def mean_of_squares(claim: str) -> Step:
    """Jensen's inequality for squares, E X² ≥ (E X)², for probabilities that sum to 1.

    >>> print(mean_of_squares("The mean of squares is at least the square of the mean."))
    [lemma, checked] The mean of squares is at least the square of the mean. (Lemma 8, A mean of squares)
    """
    return _cited(MEAN_OF_SQUARES, claim)


def cauchy_schwarz(claim: str) -> Step:
    """(Σ a_i b_i)² ≤ Σ a_i² Σ b_i² for any number of terms; weights enter as squares of factors."""
    return _cited(CAUCHY_SCHWARZ, claim)


def independent_product(claim: str) -> Step:
    """E X Y = E X E Y for independent X and Y with finitely many values."""
    return _cited(INDEPENDENT_PRODUCT, claim)
