"""When all larger widths need negative weights, too: common units with one further group of units, and the gadget.

P(m) is m (m + k) times the gain of m common units and a group of k less that of m + k common ones: a quadratic in m.
"""

from __future__ import annotations

from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, K, count, integer, lam, m, p, q, real
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import GAP
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import ByAlgebra, Definition, From, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, equal, number, symbol, symbols

__all__ = ["LARGER"]

k, t, A, B, E, G, S, X, P, z, x, y = symbols("k t A B E G S X P z x y")
LEADING, START = symbol("D"), symbol("c")
_GAINED = (A**2 * G - 2 * A * E * X) * m + E**2 * S * (m + lam)
_OWN = A**2 * (S * (m + lam) * G - X**2 * m) * (m + k)
_LINEAR = (
    (A**2 * G - 2 * A * E * X) * S * (k + lam)
    + E**2 * S**2 * (k + lam)
    + E**2 * S**2 * lam
    - A**2 * (S * lam * G)
    - A**2 * (S * G - X**2) * k
)
QUADRATIC = Derivation(
    name="larger-quadratic",
    title="Common units and a group",
    supporting=True,
    setting=say("{0} common units and {1} others, each group with its best output weight", m, k),
    quantified=(
        OPEN_RATE,
        count(m, 1, "the number of common units"),
        count(k, 1, "the number of the others"),
        real(A, "the mean of the count of kept inputs"),
        real(S, "its mean square"),
        real(E, "the mean of the sum of the others"),
        real(X, "its mean product with the count"),
        real(G, "its mean square, and the spread times the mean squares of its units"),
    ),
    definitions=(
        KEEP, SPREAD,
        Definition(P, _GAINED * S * (m + k + lam) - _OWN, "by how much they gain more than as many common units, "
                   "times a positive number"),
    ),
    conclusions=(
        Conclusion(
            equal(P, (S * E - A * X) ** 2 * m**2 + _LINEAR * m + S * lam * (E**2 * S * (k + lam) - A**2 * G * k)),
            ByAlgebra(),
        ),
    ),
)  # fmt: skip


def _at(width: Operand) -> Term:
    return LEADING**2 * number(width) ** 2 + B * number(width) - START


ONCE = Derivation(
    name="larger-once",
    title="Every larger width needs negative weights, too",
    supporting=True,
    setting=say("A quadratic with leading coefficient {0} that is not positive at 0", LEADING**2),
    quantified=(
        count(m, 1, "a number of common units"),
        integer(t, 0, "the number of further ones"),
        real(LEADING, "the root of the leading coefficient"),
        real(B, "the next coefficient"),
        real(START, "minus the value at 0: the others alone gain no more than common ones", low=0, low_in=True),
    ),
    hypotheses=(Hypothesis("positive", _at(m) > 0),),
    conclusions=(
        Conclusion(
            _at(m + t) > 0,
            From((part("positive", (m + t) / m),), plus=(t * LEADING**2 * (m + t), t * START / m)),
        ),
    ),
)
"""m₀ P(m) − m P(m₀) = t (D² m m₀ + c) ≥ 0, m = m₀ + t."""

FINITE = Derivation(
    name="larger-gadget",
    title="The first-one gadget",
    supporting=True,
    setting=say("The units of the first-one gadget beside common ones, without biases"),
    quantified=(count(K, 2, "the number of inputs"), OPEN_RATE),
    definitions=(
        KEEP, SPREAD,
        Definition(z, q**K, "the probability that no input is kept"),
        Definition(S, K * p * q + K**2 * p**2, "the mean square of the count of kept inputs"),
    ),
    lines=(
        Line(
            label="gap",
            sentence=say("The gap is positive: {claim}."),
            claim=lam * (1 - q**K) > K * q**K,
            reason=ByLemma(GAP),
        ),
    ),
    conclusions=(Conclusion(S * (1 - z) - (K * p) ** 2 > 0, From((part("gap", K * p**2),))),),
)  # fmt: skip
"""S E − A X > 0: the leading coefficient is positive, so every width from some one on needs negative weights."""

VALUES = Derivation(
    name="larger-output-bias",
    title="A smaller value on the point mass is a smaller value with an output bias",
    supporting=True,
    setting=say("Two criteria on the point mass"),
    quantified=(real(x, "the smaller one", low=0, low_in=True), real(y, "what the other is larger by", low=0)),
    conclusions=(Conclusion(x / (2 * (1 + x)) < (x + y) / (2 * (1 + (x + y))), ByAlgebra()),),
)
LARGER = (QUADRATIC, ONCE, FINITE, VALUES)
