"""Theorem 20 of Helmbold and Long (2017): the dropout penalty of a deep network depends on the labels.

With δ = D-output minus W(x) before the last mask, δ = w·(H − h): penalty = E δ² + 2 (w·h + b − y) E δ. Witness:
x = (1, −2), two hidden relu units, all weights 1. There E δ = 2q, which is not 0 on (0, 1). The sizes at which there is
such a network, with hidden biases and without, are found in label_dependence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, integer, p, q, quantity, real
from exactdropout.theorems.penalty.theorem_20_all_sizes import SIZES, label_dependence
from exactdropout.theorems.proof import Proof, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByCases, ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbol, symbols

__all__ = ["LABELS_MATTER", "WITNESS", "prove", "roots_in_open_interval"]

NETWORK = Network([[[1, 1], [1, 1]], [1, 1]])
a, k, c, e, v, y, z = symbols("a k c e v y z")
TOTAL, SHIFT, SQUARE = (symbol("M", place) for place in range(3))


def roots_in_open_interval(polynomial: sympy.Poly) -> int:
    """Return the number of distinct real roots in (0, 1), counted exactly."""
    if polynomial.is_zero:
        raise ValueError("the zero polynomial vanishes everywhere")
    ends = sum(1 for end in (0, 1) if polynomial.eval(end) == 0)
    return int(polynomial.count_roots(0, 1)) - ends


def _relu(at: Operand) -> Term:
    return apply("relu", at)


def _of(function: str, label: Term) -> Term:
    return apply(function, label)


def _penalties() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, risk and moments of δ at several labels."""
    networks = (
        (NETWORK, (1, -2)),
        (Network([[[1, 2], [-1, 1]], [2, -1]], [[0, 1], Fraction(1, 2)]), (2, 1)),
    )
    for network, point in networks:
        for rate in (Fraction(1, 3), Fraction(1, 2)):
            output = Fraction(dropout_output(network, point, None, ())[0])
            moments = [Fraction(0)] * 3
            for mask, chance in masks(network, (rate, rate)):
                delta = Fraction(dropout_output(network, point, mask, (rate, rate))[0]) - output
                moments = [total + chance * delta**power for power, total in enumerate(moments)]
            for label in (Fraction(0), Fraction(3), Fraction(-1, 2)):
                found = naive_evaluation(network, Examples.point(point, label), (rate, rate))
                yield {
                    q: rate, a: output, v: label, TOTAL: moments[0], SHIFT: moments[1], SQUARE: moments[2],
                    _of("J", v): Fraction(found.criterion), _of("R", v): Fraction(found.risk),
                }  # fmt: skip


def _penalty(label: Term) -> Term:
    return _of("J", label) - _of("R", label)


_DIFFERENCE = equal(_penalty(y) - _penalty(z), 2 * (z - y) * SHIFT)

LABELS_MATTER = Derivation(
    name="theorem-20",
    title="The penalty depends on the labels where dropout shifts the output",
    setting=say("One network and input, labels {0} and {1}, {2} the mean shift of the output by dropout", y, z, SHIFT),
    quantified=(
        real(a, "the output without dropout"),
        real(y, "a label"),
        real(z, "another label"),
        integer(k, 0, "the number of dropout patterns"),
    ),
    quantities=(
        quantity(TOTAL, "the sum of the probabilities of patterns"),
        quantity(SHIFT, "the mean of the output under dropout less the output without"),
        quantity(SQUARE, "the mean of the square of this shift"),
        quantity(_of("J", v), "the mean squared error under dropout at this label"),
        quantity(_of("R", v), "the squared error without dropout at this label"),
    ),
    auxiliary=(
        real(v, "any label"),
        real(c, "the probability of one more pattern"),
        real(e, "the shift under this pattern"),
    ),
    lines=(
        Line(
            label="sum",
            sentence=say("Each pattern adds the square of {0}: {claim}.", a + e - v),
            claim=equal(_of("J", v), SQUARE + 2 * (a - v) * SHIFT + (a - v) ** 2 * TOTAL),
            reason=ByInduction(
                k,
                tuple((term, number(0)) for term in (_of("J", v), TOTAL, SHIFT, SQUARE)),
                (
                    (_of("J", v), _of("J", v) + c * (a + e - v) ** 2),
                    (TOTAL, TOTAL + c),
                    (SHIFT, SHIFT + c * e),
                    (SQUARE, SQUARE + c * e**2),
                ),
            ),
        ),
        Line(
            label="total",
            sentence=say("Probabilities add up to one: {claim}."),
            claim=equal(TOTAL, 1),
            reason=InWords(_penalties, "two networks, 16 masks, q = 1/3, 1/2"),
        ),
        Line(
            label="risk",
            sentence=say("Without dropout {claim}."),
            claim=equal(_of("R", v), (a - v) ** 2),
            reason=InWords(_penalties, "two networks, three labels"),
        ),
        Line(
            label="penalty",
            sentence=say("So the penalty is {claim}."),
            claim=equal(_penalty(v), SQUARE + 2 * (a - v) * SHIFT),
            reason=From((part("sum"), part("risk", -1), part("total", (a - v) ** 2))),
        ),
        Line(
            label="listed",
            sentence=say("By the double loop, too: {claim}."),
            claim=equal(_penalty(v), SQUARE + 2 * (a - v) * SHIFT),
            reason=InWords(_penalties, "two networks, 16 masks, q = 1/3, 1/2, three labels"),
        ),
    ),
    conclusions=(
        Conclusion(equal(_penalty(y), SQUARE + 2 * (a - y) * SHIFT), From((part("penalty", v=y),))),
        Conclusion(_DIFFERENCE, From((part("penalty", v=y), part("penalty", -1, v=z)))),
    ),
)


def _shift(first: int, second: int) -> Term:
    """Return E δ of the witness at an input, over the masks of the inputs."""
    kept = p**2 * _relu((number(first) + second) / p)
    one, other = p * q * _relu(number(first) / p), q * p * _relu(number(second) / p)
    return 2 * (kept + one + other) - 2 * _relu(number(first) + second)


def _shifts() -> Iterator[Mapping[Term, Any]]:
    for rate in (Fraction(1, 10), Fraction(1, 2), Fraction(6, 7)):
        found = naive_evaluation(NETWORK, Examples.point((1, -2), 0), (rate, rate))
        yield {q: rate, SHIFT: Fraction(found.mean[0]) - Fraction(found.per_example.output[0, 0])}


WITNESS = Derivation(
    name="theorem-20-witness",
    title="A witness for all rates at once",
    setting=say("The input {0} and {1}, two hidden relu units, all weights 1", number(1), number(-2)),
    quantified=(OPEN_RATE,),
    definitions=(KEEP,),
    quantities=(quantity(SHIFT, "the mean of the output under dropout less the output without"),),
    lines=(
        Line(
            label="masks",
            sentence=say("Both units see the same; masks of units have mean 1 and keep means: {claim}."),
            claim=equal(SHIFT, _shift(1, -2)),
            reason=InWords(_shifts, "16 masks; q = 1/10, 1/2, 6/7"),
        ),
        Line(
            label="cases",
            sentence=say("Only the first input alone makes them positive: {claim}."),
            claim=equal(_shift(1, -2), 2 * q),
            reason=ByCases(()),
        ),
    ),
    conclusions=(
        Conclusion(equal(SHIFT, 2 * q), From((part("masks"), part("cases")))),
        Conclusion(SHIFT > 0, From((part("masks"), part("cases")), plus=(2 * q,))),
    ),
)
DERIVATIONS = (LABELS_MATTER, WITNESS, *SIZES)


def prove(x: tuple[int, int] = (1, -2), threshold: int = 1, second: int = -1) -> Proof:
    """Prove the theorem, and at which sizes the penalty can depend on the label.

    ``x``, ``threshold`` and ``second`` change the witnesses that are compared with the symbolic engine and the double
    loop; only the values given work.
    """
    rate, label = sympy.Symbol("q"), sympy.Symbol("y")
    derived = derive(NETWORK, Examples.point(x, label), rate)
    slope = sympy.cancel(sympy.Poly(sympy.cancel(derived.penalty.expr), label).coeff_monomial(label))
    further = [
        step(
            r"The symbolic engine finds the slope $-2 E \delta = -4 q$ in the label, for symbolic $q$ and $y$.",
            "derivation",
            sympy.cancel(slope + 4 * rate) == 0,
        ),
        *label_dependence(threshold, second),
    ]
    return proved("holds", DERIVATIONS, further)


@register(
    id="helmbold-2017-theorem-20",
    title="The penalty depends on the labels",
    source="helmbold2017",
    number="Theorem 20",
    printed=r"There are $P$, $Q$ with equal marginals on the inputs and one $W$ such that for all $q \in (0, 1)$ the "
    r"penalties differ; penalty $= E\delta^2 + 2 (w \cdot h + b - y) E\delta$, $\delta = w \cdot (H - h)$; witness "
    r"$x = (1, -2)$, all weights 1.",
    derivations=DERIVATIONS,
    verdict="holds",
)
def theorem_20() -> Proof:
    """Prove the entry as declared."""
    return prove()
