"""A theorem of one's own, with the objects of the catalogue: ``exactdropout verify my_theorem.py --steps`` proves it.

One linear unit with dropout on its input, x kept with probability p = 1 - q and then divided by p, label y: the
criterion is the squared error without dropout plus q/p times the square of the output. Change a sign, an exponent or a
range below, and the verdict becomes "not proved".
"""

from fractions import Fraction

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems import (
    Conclusion,
    Definition,
    Derivation,
    From,
    InWords,
    Line,
    Variable,
    equal,
    part,
    proved,
    register,
    say,
    symbols,
)

# letters, and what they stand for
w, x, y, q, p, s, J = symbols("w x y q p lambda J")


def networks():
    """Yield the criterion of a few networks by the double loop over examples and masks, with the letters' values."""
    for weight, label in ((2, 1), (Fraction(-1, 3), 4)):
        for rate in (Fraction(1, 2), Fraction(1, 3)):
            found = naive_evaluation(Network([[weight]]), Examples.point((3,), label), (rate,)).criterion
            yield {w: Fraction(weight), x: Fraction(3), y: Fraction(label), q: rate, J: Fraction(found)}


LINEAR_UNIT = Derivation(
    name="linear-unit",
    title="Dropout on the input of a linear unit",
    setting=say("One linear unit without bias on one example"),
    quantified=(
        Variable(term=q, meaning="the drop probability", kind="rate", low=Fraction(0), high=Fraction(1), low_in=True),
        Variable(term=w, meaning="the weight"),
        Variable(term=x, meaning="the input"),
        Variable(term=y, meaning="the label"),
    ),
    quantities=(Variable(term=J, meaning="the dropout criterion", kind="network"),),
    definitions=(
        Definition(p, 1 - q, "the probability to be kept"),
        Definition(s, q / p, "the variance of the mask divided by its mean"),
    ),
    lines=(
        Line(
            label="definition",
            sentence=say("The input is dropped with probability {0} and else divided by {1}: {claim}.", q, p),
            claim=equal(J, q * y**2 + p * (w * x / p - y) ** 2),
            reason=InWords(networks, "double loop, four networks"),
        ),
        Line(
            label="penalty",
            sentence=say("Written with the error of the output without dropout, {claim}."),
            claim=equal(J, (w * x - y) ** 2 + s * (w * x) ** 2),
            reason=From((part("definition"),)),
        ),
    ),
    conclusions=(
        Conclusion(equal(J, (w * x - y) ** 2 + s * (w * x) ** 2), From((part("penalty"),))),
        Conclusion(J >= (w * x - y) ** 2, From((part("penalty"),), plus=(s * (w * x) ** 2,))),
    ),
)


@register(
    id="me-2026-linear-unit",
    title="Dropout on the input of a linear unit",
    source="me2026",
    number="Example",
    derivations=(LINEAR_UNIT,),
    verdict="holds",
)
def linear_unit():
    """Prove the theorem."""
    return proved("holds", (LINEAR_UNIT,))
