"""Dropout with the logistic loss in the linear model (Helmbold and Long 2015; Wager, Wang and Liang 2013).

φ(z) = log(1 + e^−z), labels y = ±1, penalty = E φ(y w·x̃) − φ(y w·x) with x̃ = x ∘ r/p. It is non-negative and does not
see the label, but as a function of the weights it need be neither convex nor monotone in |w_1|, although the criterion
E φ is convex. The statements are written down and derived here; the sources were not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import sympy
from mpmath import MPIntervalContext

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output, masks
from exactdropout.theorems.definitions import RATE, integer, quantity, real
from exactdropout.theorems.neighbours.wager_2013_quadratic import CONVEX_LOSS, L, X, c, exact_end, f, k, s, y, z
from exactdropout.theorems.proof import Proof, argument, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Relation, Term, equal, number, symbol

__all__ = ["penalty_interval", "prove"]

DIGITS = 40


def penalty_interval(weights: Sequence[Any], x: Sequence[Any], q: Fraction, y: int = 1) -> Any:
    """Return an interval that contains E φ(y w·x̃) − φ(y w·x), by the sum over all masks."""
    network = Network([list(weights)])
    iv = MPIntervalContext()
    iv.dps = DIGITS

    def loss(mask: Any) -> Any:
        z = y * dropout_output(network, x, mask, (q,))[0]
        return iv.log(1 + iv.exp(-iv.mpf(z.numerator) / z.denominator))

    total = -loss(None)
    for mask, chance in masks(network, (q,)):
        total += iv.mpf(chance.numerator) / chance.denominator * loss(mask)
    return total


t = symbol("t")
ORIGIN, BETWEEN, END = symbol("P", 0), symbol("P", 1), symbol("P", 2)
FIRST, LOW, LAST = symbol("D", 0), symbol("D", 1), symbol("D", 2)
_FREE = equal(X - f(-c), L - f(c))


def _touching() -> Iterator[Mapping[Term, Any]]:
    """Yield a value that is the point of contact: the tangent is not below the loss there."""
    yield {z: Fraction(0), c: Fraction(0)}


LABELS = Derivation(
    name="logistic-labels",
    title="The logistic penalty",
    setting=say(
        "Loss {0}, the logarithm of 1 plus the exponential of {1}, at label 1; {2} at label {3}",
        f(z),
        -z,
        f(-z),
        number(-1),
    ),
    quantified=(RATE, integer(k, 0, "the number of values"), real(t, "the exponential of minus a value", low=0)),
    quantities=(
        quantity(f(z), "the loss at a value of the linear predictor under masks"),
        quantity(c, "the value without masks"),
        quantity(s, "the slope of the loss there"),
        quantity(X, "the mean loss at the other label"),
        quantity(L, "the mean loss at label 1"),
    ),
    auxiliary=(real(z, "any value"),),
    lines=(
        Line(
            label="odd",
            sentence=say("For {0} the exponential of minus a value, {claim},", t),
            claim=equal(1 + 1 / t, (1 + t) / t),
        ),
        Line(
            label="label",
            sentence=say("and the logarithm of both sides is {claim}."),
            claim=equal(f(-z), f(z) + z),
            reason=InWords(),
        ),
        Line(
            label="curve",
            sentence=say("The second derivative is positive: {claim}."),
            claim=t / (1 + t) ** 2 > 0,
        ),
        Line(
            label="tangent",
            sentence=say("So the loss lies above its tangents: {claim}."),
            claim=f(z) >= f(c) + s * (z - c),
            reason=InWords(_touching, "at the point of contact"),
        ),
        Line(
            label="other",
            sentence=say("The other label adds the value: {claim}."),
            claim=equal(X - (f(c) + c), L - f(c)),
            reason=ByLemma(CONVEX_LOSS, values=((y, number(-1)),), hypotheses=("tangent",)),
        ),
    ),
    conclusions=(
        Conclusion(_FREE, From((part("other"), part("label", -1, z=c)))),
        Conclusion(L >= f(c), ByLemma(CONVEX_LOSS, values=((y, number(-1)),), hypotheses=("tangent",))),
    ),
)
"""E φ(−w·x̃) − φ(−w·x) = E φ(w·x̃) − φ(w·x) ≥ 0."""


def _ends(middle: int, turn: int) -> Iterator[Mapping[Term, Any]]:
    """Yield ends of intervals with the penalty at x = (1, 1), q = ½."""

    def end(weights: tuple[int, int], *, upper: bool) -> Fraction:
        return exact_end(penalty_interval(weights, (1, 1), Fraction(1, 2)), upper=upper)

    yield {
        ORIGIN: end((0, 0), upper=True),
        BETWEEN: end((middle, 0), upper=False),
        END: end((4, 0), upper=True),
        FIRST: end((0, 2), upper=False),
        LOW: end((turn, 2), upper=True),
        LAST: end((6, 2), upper=False),
    }


def shape(middle: int = 2, turn: int = 1) -> Derivation:
    """Return that the penalty is not convex, at w = (middle, 0), and not monotone, at w = (turn, 2)."""

    def listed(label: str, claim: Relation) -> Line:
        return Line(
            label=label,
            sentence=say("In interval arithmetic {claim}."),
            claim=claim,
            reason=ByInstances(partial(_ends, middle, turn), "4 masks, 40 digits", whole=True),
        )

    chord = BETWEEN > (1 - number(Fraction(middle, 4))) * ORIGIN + number(Fraction(middle, 4)) * END
    claims = {"chord": chord, "falls": LOW < FIRST, "rises": LAST > LOW}
    return Derivation(
        name="logistic-shape",
        title="Neither convex nor monotone",
        setting=say("Two inputs that are 1, drop probability {0}", number(Fraction(1, 2))),
        quantified=(),
        quantities=(
            quantity(ORIGIN, "an upper bound of the penalty at weights 0, 0"),
            quantity(BETWEEN, f"a lower bound of it at {middle}, 0"),
            quantity(END, "an upper one at 4, 0"),
            quantity(FIRST, "a lower one at 0, 2"),
            quantity(LOW, f"an upper one at {turn}, 2"),
            quantity(LAST, "a lower one at 6, 2"),
        ),
        lines=tuple(listed(label, claim) for label, claim in claims.items()),
        conclusions=tuple(Conclusion(claim, From((part(label),))) for label, claim in claims.items()),
    )


DERIVATIONS = (LABELS, shape())


def prove(middle: int = 2, turn: int = 1) -> Proof:
    """Prove the shape at w = (middle, 0) and w = (turn, 2); not every point shows it."""
    at = sympy.Symbol("z", real=True)
    second = sympy.diff(sympy.log(1 + sympy.exp(-at)), at, 2)
    labels = [
        penalty_interval((Fraction(3, 2), -2), (1, 3), q, 1) - penalty_interval((Fraction(3, 2), -2), (1, 3), q, -1)
        for q in (Fraction(1, 3), Fraction(1, 2))
    ]
    further = [
        step(
            r"The second derivative is $t/(1 + t)^2$, $t = e^{-z}$.",
            "derivation",
            sympy.simplify(second - sympy.exp(-at) / (1 + sympy.exp(-at)) ** 2) == 0,
        ),
        argument(
            "The criterion is a mean of the loss at linear functions of the weights, so it is convex. The penalty "
            "exceeds a chord, and in one weight it falls and rises: it is neither convex nor monotone."
        ),
        step(
            "Given numbers: the penalties for both labels agree to 30 digits.",
            "enumeration",
            all(abs(d.a) < 10**-30 and abs(d.b) < 10**-30 for d in labels),
            "4 masks, q = 1/3, 1/2",
        ),
    ]
    return proved("holds", (LABELS, shape(middle, turn)), further)


@register(
    id="helmbold-2015-logistic",
    title="Logistic loss: the dropout penalty need be neither convex nor monotone",
    source="helmbold2015",
    number="logistic loss (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def logistic() -> Proof:
    """Prove the entry as declared."""
    return prove()
