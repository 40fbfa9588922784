"""Lemmas 24 to 33 of Helmbold and Long (2017), the printed way to Theorem 7; true, with two wrong indices.

P_(x,1), one hidden layer, weight decay; a hidden unit is h(x̃) = relu(v·x̃ + a) with output weight w, b the output bias,
A = Σ w_j h_j(x) − Σ w_j h_j(0) the activation. Each lemma is a derivation below, numbered as printed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import real
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import (
    ByLemma,
    Conclusion,
    Derivation,
    proved,
)
from exactdropout.theorems.statements.lines import (
    ByAlgebra,
    ByCases,
    From,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.terms import equal, number, symbols
from exactdropout.theorems.weight_decay.weight_norm import (
    COSTS,
    PATHS,
    RADIUS,
    STRENGTH,
    UNITS,
    VALUES,
    A,
    r,
    relu,
    weight_decay_criterion,
)

__all__ = ["prove"]

F = Fraction
z, w, b, t, u, alpha, h, S, Y = symbols("z w b t u alpha h S Y")

LEMMA_24 = Derivation(
    name="lemma-24",
    title="Lemma 24",
    setting=say("24: a unit {0} at 0 and 0 at x, reflected", z),
    quantified=(
        real(
            z,
            "the value of the unit at 0; the product of its weights with x is then the negative",
            low=0,
            low_in=True,
        ),
        real(w, "its output weight"),
        real(b, "the output bias"),
    ),
    conclusions=(
        Conclusion(equal(w * relu(z) + b, -w * relu(number(0)) + (b + z * w)), ByCases(())),
        Conclusion(equal(w * relu(z - z) + b, -w * relu(z) + (b + z * w)), ByCases(())),
    ),
)
LEMMA_25 = Derivation(
    name="lemma-25",
    supporting=True,
    title="Lemma 25",
    setting=say("25: without bias, a unit whose product with x is {0} is 0 at both inputs", -t),
    quantified=(real(t, "minus the product of weights and x", low=0, low_in=True),),
    conclusions=(Conclusion(equal(relu(-t), 0), ByCases(())),),
)
LEMMA_26 = Derivation(
    name="lemma-26",
    supporting=True,
    title="Lemma 26 and Equation (11)",
    setting=say(
        "26: the best output bias {0}, with which the outputs at 0 and x add up to 1",
        (1 - A) / 2,
    ),
    quantified=(
        real(b, "an output bias"),
        real(A, "the activation at the output on x"),
    ),
    conclusions=(
        Conclusion(
            equal(
                b**2 / 2 + (b + A - 1) ** 2 / 2,
                (b - (1 - A) / 2) ** 2 + (1 - A) ** 2 / 4,
            ),
            ByAlgebra(),
        ),
        Conclusion(equal((1 - A) / 2, 1 - ((1 - A) / 2 + A)), ByAlgebra()),
    ),
)
LEMMA_27 = Derivation(
    name="lemma-27",
    supporting=True,
    title="Lemma 27",
    setting=say(
        "27: weights are {0} times x and a part at right angles to it, squared norm {1}",
        alpha,
        Y,
    ),
    quantified=(
        RADIUS,
        real(alpha, "the factor of x"),
        real(
            Y,
            "the squared norm of the part at right angles to x, if it is not 0",
            low=0,
        ),
    ),
    conclusions=(Conclusion(alpha**2 * r**2 + Y > alpha**2 * r**2, From((), plus=(Y,))),),
)
LEMMA_28 = Derivation(
    name="lemma-28",
    supporting=True,
    title="Lemma 28",
    setting=say("28: output weights of squared norm {0} divided by an activation above 1", S),
    quantified=(
        real(A, "the activation at the output on x", low=1),
        real(S, "the squared norm of the output weights", low=0),
    ),
    conclusions=(
        Conclusion(S / A**2 < S, ByAlgebra()),
        Conclusion((A - 1) ** 2 / 4 > 0, ByAlgebra()),
    ),
)
LEMMA_29 = Derivation(
    name="lemma-29",
    supporting=True,
    title="Lemma 29",
    setting=say("29: activations {0} and less, {1}, at the same penalty", 1 - t, 1 - t - u),
    quantified=(
        real(t, "what the larger activation lacks", low=0, low_in=True),
        real(u, "how much the other lacks beyond that", low=0),
    ),
    conclusions=(Conclusion((1 - (1 - t)) ** 2 / 4 < (1 - (1 - t - u)) ** 2 / 4, ByAlgebra()),),
)
_BUDGET = w**2 + (alpha * r) ** 2

LEMMA_32 = Derivation(
    name="lemma-32",
    title="Lemma 32",
    setting=say("32: weights {0} times x, output weight {1}", alpha, w),
    quantified=(
        RADIUS,
        real(w, "the output weight"),
        real(alpha, "the factor of x"),
        real(h, "a number"),
    ),
    conclusions=(
        Conclusion(
            w * (alpha * r**2) <= r / 2 * _BUDGET,
            From((), plus=(r / 2 * (w - alpha * r) ** 2,)),
        ),
        Conclusion(equal(h * (h / r * r**2), r / 2 * (h**2 + (h / r * r) ** 2)), ByAlgebra()),
    ),
)
LEMMA_33 = Derivation(
    name="lemma-33",
    title="Lemma 33",
    setting=say("33: any biases"),
    quantified=(*UNITS, RADIUS, STRENGTH),
    quantities=(VALUES[1], VALUES[2]),
    lines=(
        Line(
            label="above",
            sentence=say("By Theorem 7's bound {claim}."),
            claim=COSTS[0],
            reason=ByLemma(PATHS),
        ),
        Line(
            label="below",
            sentence=say("Also {claim}."),
            claim=COSTS[1],
            reason=ByLemma(PATHS),
        ),
    ),
    conclusions=(
        Conclusion(COSTS[0], From((part("above"),))),
        Conclusion(COSTS[1], From((part("below"),))),
    ),
)
DERIVATIONS = (
    LEMMA_24,
    LEMMA_25,
    LEMMA_26,
    LEMMA_27,
    LEMMA_28,
    LEMMA_29,
    LEMMA_32,
    PATHS,
    LEMMA_33,
)


def prove() -> Proof:
    """Prove the lemmas, and compare with networks."""
    further = [
        argument(
            "Reflecting keeps the penalty (24). The zero vector is shorter (25), and so is the projection on x, which "
            "keeps the product with x (27). At an activation above 1 scaling lowers risk and penalty (28), so one with "
            "the same penalty and a larger activation would have less risk (29). One unit as in 32 attains 33."
        ),
        enumerated(
            r"26 and 33 at $x = (3, 4)$: no network of a grid has $J_2$ below $\frac14 (1 - A)^2 + \frac\lambda2 \cdot "
            r"\frac{2 |A|}5$ at its own $A$, $\lambda = 1$.",
            _grid(),
            "2-1-1, 540 networks",
        ),
        enumerated(
            r"33 needs $A \ge 0$: $K = n = 1$, $x = 1$, $v = 1$, $w = -1$ has $A = -1$ and $\|W\|^2 = 2$, and no "
            r"network of a grid with $A = -1$ has less; printed is $2A/\sqrt{x \cdot x} = -2$.",
            [_negative_activation()],
            "1-1-1 with weights -4, -7/2, ..., 4",
        ),
        enumerated(
            "24 at $K = n = 1$, $x = 1$: the reflected unit has the same outputs.",
            [(_outputs(-2, 2, F(3), F(1)), _outputs(2, 0, F(-3), F(1) + 2 * 3))],
            "v = -2, a = 2, w = 3, b = 1 and v = 2, a = 0, w = -3, b = 7",
        ),
    ]
    return proved(
        "holds with a correction",
        DERIVATIONS,
        further,
        "n = 2, K = 1: the text after Lemma 24 lists the biases a_1, ..., a_K = a_1, but the two hidden units have "
        "the biases a_1, a_2; Lemma 32 names a unit k that it does not introduce; Lemma 33 at x = 1, v = 1, w = -1: "
        "A = -1, the least norm is 2 and not -2.",
    )


def _negative_activation() -> tuple[object, object]:
    values = [F(j, 2) for j in range(-8, 9)]
    norms = [v * v + o * o for v in values for o in values if o * max(v, F(0)) == -1]
    return (min(norms), 1 + 1), (2, 2)


def _outputs(v: int, a: int, out: Fraction, bias: Fraction) -> list[Fraction]:
    network = Network([[[v]], [out]], [[a], bias])
    return [F(dropout_output(network, (x,), None, ())[0]) for x in (0, 1)]


def _grid() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(1)
    values = (F(-1, 5), F(0), F(1, 10), F(1, 5), F(2, 5))
    for v1, v2, out in itertools.product(values, (F(0), F(1, 5), F(3, 10)), (F(-1, 2), F(1, 5), F(1, 2))):
        for a, bias in itertools.product((F(-1, 5), F(0), F(1, 2)), (F(0), F(1, 5), F(2, 5), F(1, 2))):
            network = Network([[[v1, v2]], [out]], [[a], bias])
            low, high = (dropout_output(network, point, None, ())[0] for point in ((0, 0), x))
            change = high - low
            yield (
                weight_decay_criterion(network, x, strength) >= (1 - change) ** 2 / 4 + abs(change) / 5,
                True,
            )


@register(
    id="helmbold-2017-lemmas-24-33",
    title="The printed way to Theorem 7",
    source="helmbold2017",
    number="Lemmas 24-33",
    printed=r"24: $h_j(0) = 0$ may be assumed, so $a_1 = \dots = a_K = 0$. 25: $v_j \cdot x \ge 0$. 26: $b = "
    r"\frac{1-A}2$. 27: $v_j = "
    r"\alpha_j x$. 28: $W(x) \le 1$. 29: $W(x)$ is largest for its penalty. 32: unit $k$ contributes at most "
    r"$\frac12 B \sqrt{x \cdot "
    r"x}$. 33: $\min \|W\|^2 = 2A/\sqrt{x \cdot x}$.",
    derivations=DERIVATIONS,
    verdict="holds with a correction",
    correction=r"After Lemma 24: $a_1 = \dots = a_n = 0$. Lemma 32: the contribution is that of unit $j$, and $B$ is "
    r"its part of $\|W\|^2$, without the $\frac\lambda2$ of "
    r"Definition 31. Lemma 33: $2 |A|/\sqrt{x \cdot x}$. That all hidden biases are 0 is Lemma 24, not 25. Lemma 27: "
    r"projecting $v_j$ on $x$ lowers "
    r"the penalty unless $v_j$ is a multiple of $x$ already; that it does not grow is not enough.",
)
def lemmas_24_33() -> Proof:
    """Prove the entry as declared."""
    return prove()
