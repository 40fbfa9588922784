"""Lemmas 22 and 23 of Helmbold and Long (2017), steps towards Theorem 7: a slip in one, a missing reason in the other.

Both say what may be assumed of a minimiser of the weight-decay criterion on P_(x,1), for a hidden unit
h(x̃) = relu(v·x̃ + a) with output weight w and output bias b.
"""

from __future__ import annotations

from fractions import Fraction

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import lam, real
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByCases, Definition, From, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, symbols

__all__ = ["prove_22", "prove_23"]

m, z, w, b, k, c, N, t = symbols("m z w b k c N t")


def _relu(at: Operand) -> Term:
    return apply("relu", at)


_KEPT = equal(w * _relu(m + z - m) + (b + w * m), w * _relu(m + z) + b)

SHIFTED = Derivation(
    name="lemma-22",
    title="A hidden unit may be shifted to reach 0",
    setting=say("A hidden unit whose pre-activation is {0} at one of the inputs 0, x", m + z),
    quantified=(
        real(m, "the smaller of the two values of the unit", low=0, low_in=True),
        real(z, "by how much its pre-activation at this input exceeds it", low=0, low_in=True),
        real(w, "its output weight"),
        real(b, "the output bias"),
    ),
    lines=(
        Line(
            label="lower",
            sentence=say("Lowering the bias of the unit by {0} lowers it by {0} at both inputs: {claim}.", m),
            claim=equal(_relu(m + z - m), _relu(m + z) - m),
            reason=ByCases(()),
        ),
    ),
    conclusions=(Conclusion(_KEPT, From((part("lower", w),))),),
)
"""w relu(m + z − m) + (b + w m) = w relu(m + z) + b."""

_SIZES = (
    real(t, "the larger of the two values of the unit", low=0),
    real(k, "its slack: how much the product of weights and input exceeds that value", low=0),
    real(N, "the squared norm of its incoming weights", low=0),
    real(lam, "the strength of weight decay", low=0),
)
_FACTOR = Definition(c, t / (t + k), "the factor of the incoming weights", equal(c * (t + k), t))
_FIRST = equal(_relu(c * (t + k)), _relu(t + k - k))
_ZERO = equal(_relu(-k), 0)
_SECOND = equal(_relu(t - c * (t + k)), _relu(t - (t + k)))
_CHEAPER = lam / 2 * (c**2 * N) < lam / 2 * N

NO_SLACK = Derivation(
    name="lemma-23",
    title="A hidden unit of a minimiser has no slack",
    setting=say("A unit with slack {0} has the same values with {1} times its weights, at less cost", k, c),
    quantified=_SIZES,
    definitions=(_FACTOR,),
    lines=(
        Line(
            label="first",
            sentence=say(
                "If it is 0 at 0 and {0} at x, its bias is {1} and the product {2}; with bias 0 instead {claim} at x",
                t,
                -k,
                t + k,
            ),
            claim=_FIRST,
            reason=ByCases(()),
        ),
        Line(label="zero", sentence=say("and, at 0, {claim}."), claim=_ZERO, reason=ByCases(())),
        Line(
            label="second",
            sentence=say(
                "If it is {0} at 0 and 0 at x, its bias is {0} and the product {1}; with the same bias {claim}.",
                t,
                -(t + k),
            ),
            claim=_SECOND,
            reason=ByCases(()),
        ),
        Line(
            label="cheaper",
            sentence=say("The penalty falls, as the product is not 0 and so the weights are not: {claim}."),
            claim=_CHEAPER,
        ),
    ),
    conclusions=(
        Conclusion(_FIRST, From((part("first"),))),
        Conclusion(_SECOND, From((part("second"),))),
        Conclusion(_CHEAPER, From((part("cheaper"),))),
    ),
)
"""The values stay and λ/2 c² ‖v‖² < λ/2 ‖v‖²."""


def prove_22() -> Proof:
    """Prove that h may be shifted to reach 0, with b changed by w · min h, and that the printed change is wrong."""
    before = _outputs(1, 1, Fraction(2), Fraction(0))
    further = [
        argument(
            "Weights and their penalty do not change; biases are free. If w = 0 the unit's incoming weights and its "
            "bias may be set to 0. So for each unit some input of 0, x gives h = 0."
        ),
        enumerated(
            r"$K = 1$, $x = 1$, $v = a = 1$, $w = 2$, $b = 0$, $m = 1$: adding $w m = 2$ keeps both outputs, adding "
            r"the printed $m/w = \frac12$ does not.",
            [
                (_outputs(1, 0, Fraction(2), Fraction(2)), before),
                (_outputs(1, 0, Fraction(2), Fraction(1, 2)) == before, False),
            ],
            "inputs 0 and 1",
        ),
    ]
    return proved(
        "holds with a correction",
        (SHIFTED,),
        further,
        "x = 1, v = a = 1, w = 2, b = 0: min h = 1; with a = 0 and the printed b = 1/2 the outputs 2, 4 become 1/2, "
        "5/2.",
    )


def _outputs(v: int, a: int, w: Fraction, b: Fraction) -> list[Fraction]:
    network = Network([[[v]], [w]], [[a], b])
    return [Fraction(dropout_output(network, (x,), None, ())[0]) for x in (0, 1)]


def prove_23() -> Proof:
    """Prove |v·x| = max h, and a = 0 where h(x) > h(0) = 0, at a minimiser."""
    further = [
        argument(
            r"Lemma 22 leaves three cases. By the lines above slack would give a network with the same outputs and a "
            r"smaller criterion: at a minimiser there is none. Where $h(0) = 0 < h(x)$ then $a = 0$ and $h(x) = v "
            r"\cdot x$, where $h(x) = 0 < h(0)$, $v \cdot x = -h(0)$. If $h(0) = h(x) = 0$, then $v = 0$ at a "
            r"minimiser for the same reason ($v = 0$, $a = 0$ keeps both outputs), and $a = 0$ may be put."
        ),
        enumerated(
            r"That the network is a minimiser is needed, and the printed proof does not say so: with $K = 1$, $x = 1$, "
            r"$v = 2$, $a = -1$ (no minimiser) $h(0) = 0$ and $h(x) = 1$, although $a \ne 0$; $v = 1$, $a = 0$ has the "
            "same outputs.",
            [
                (_outputs(2, -1, Fraction(1), Fraction(0)), [0, 1]),
                (_outputs(1, 0, Fraction(1), Fraction(0)), [0, 1]),
            ],
            "inputs 0 and 1",
        ),
    ]
    return proved("holds", (NO_SLACK,), further)


@register(
    id="helmbold-2017-lemma-22",
    title="A hidden unit may be shifted to reach 0",
    source="helmbold2017",
    number="Lemma 22",
    printed=r"Each hidden unit has $h_j(0) = 0$ or $h_j(x) = 0$ without loss of generality, by subtracting $m = "
    r"\min(h_j(0), h_j(x))$ from its bias and adding $m/w_j$ to the output bias.",
    derivations=(SHIFTED,),
    verdict="holds with a correction",
    correction=r"The output bias grows by $w_j m$.",
)
def lemma_22() -> Proof:
    """Prove the entry as declared."""
    return prove_22()


@register(
    id="helmbold-2017-lemma-23",
    title="A hidden unit of a minimiser has no slack",
    source="helmbold2017",
    number="Lemma 23",
    printed=r"$|v_j \cdot x| = \max(h_j(0), h_j(x))$ without loss of generality; if $h_j(x) \ge h_j(0) = 0$ then "
    r"$a_j = 0$.",
    derivations=(NO_SLACK,),
    verdict="holds",
    correction=r"The printed proof omits the reason for $a_j = 0$: otherwise shrinking $v_j$ keeps the outputs and "
    r"lowers the penalty, which a minimiser does not allow.",
)
def lemma_23() -> Proof:
    """Prove the entry as declared."""
    return prove_23()
