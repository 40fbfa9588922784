"""Lemmas 24 to 33 of Helmbold and Long (2017), the printed way to Theorem 7; true, with two wrong indices.

P_(x,1), one hidden layer, weight decay; a hidden unit is h(x̃) = relu(v·x̃ + a) with output weight w, b the output bias,
A = Σ w_j h_j(x) − Σ w_j h_j(0) the activation. Each lemma is one step below, numbered as printed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.weight_decay.weight_norm import weight_decay_criterion

__all__ = ["prove"]

SCOPE = "d = 2, every K, n, x not 0 and lambda > 0"
F = Fraction


def prove(shift: int = 1) -> Proof:
    """Prove the lemmas, with b + shift·z·w in Lemma 24; only 1 keeps the outputs."""
    steps = [
        *_reflection(shift),
        *_best_bias(),
        argument(
            r"27: projecting $v$ onto the span of $x$ keeps $v \cdot x$ and does not lengthen $v$. 28: if $W(x) > 1$ "
            r"then by "
            r"Lemma 26 $A > 1$, and scaling the output weights by $1/A$ lowers both risk and penalty. 29: a network "
            r"with equal "
            r"penalty and larger $A \le 1$ has smaller risk; one with $A > 1$, scaled to $A = 1$, has smaller "
            r"penalty and no "
            "larger risk."
        ),
        *_budget(),
        enumerated(
            r"26 and 33 at $x = (3, 4)$: no network of a grid has $J_2$ below $\frac14 (1 - A)^2 + \frac\lambda2 \cdot "
            r"\frac{2 |A|}5$ at its own $A$, $\lambda = 1$.",
            _grid(),
            "2-1-1, 540 networks",
        ),
        enumerated(
            r"33 needs $A \ge 0$: $K = n = 1$, $x = 1$, $v = 1$, $w = -1$ has $A = -1$ and $\|W\|^2 = 2$, and no "
            r"network of "
            r"a grid with $A = -1$ has less; printed is $2A/\sqrt{x \cdot x} = -2$.",
            [_negative_activation()],
            "1-1-1 with weights -4, -7/2, ..., 4",
        ),
        enumerated(
            "24 at $K = n = 1$, $x = 1$: the reflected unit has the same outputs.",
            [(_outputs(-2, 2, F(3), F(1)), _outputs(2, 0, F(-3), F(1) + 2 * 3))],
            "v = -2, a = 2, w = 3, b = 1 and v = 2, a = 0, w = -3, b = 7",
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "n = 2, K = 1: the text after Lemma 24 lists the biases a_1, ..., a_K = a_1, but the two hidden units have "
        "the biases "
        "a_1, a_2; Lemma 32 names a unit k that it does not introduce; Lemma 33 at x = 1, v = 1, w = -1: A = -1, the "
        "least "
        "norm is 2 and not -2.",
    )


def _reflection(shift: int) -> list[Step]:
    ring, (z, t, w, b) = generic("z~ t~ w b")
    old = (w * z + b, b)  # h(0) = z, h(x) = 0, so v·x = -z by Lemma 23
    new_bias = b + shift * z * w
    new = (-w * ring.zero + new_bias, -w * z + new_bias)
    return [
        step(
            r"24: a unit with $h(0) = z > 0 = h(x)$ has $v \cdot x = -z$ (Lemma 23). With $-v$, $a = 0$, $-w$ and $b "
            r"+ z w$ the "
            r"outputs at $0$ and $x$ stay $b + z w$ and $b$; the penalty does not change, and now $h(0) = 0$.",
            "identity",
            old == new and ring.relu(z) == z,
        ),
        step(
            r"25: with $a = 0$ and $v \cdot x = -t \le 0$ the unit is 0 at both inputs, so $v = 0$ has the same "
            r"outputs and no "
            r"larger penalty; all units are then linear on $0$ and $x$.",
            "cases",
            ring.relu(-t) == 0,
            "v.x <= 0",
        ),
    ]


def _best_bias() -> list[Step]:
    ring, (a, b) = generic("A b")
    half = ring.constant(F(1, 2))
    best = half * (1 - a)
    quarter = ring.constant(F(1, 4))
    return [
        identity(
            r"26: $\frac12 b^2 + \frac12 (b + A - 1)^2 = (b - \frac{1-A}2)^2 + \frac14 (1-A)^2$, least at $b = "
            r"\frac{1-A}2$; then "
            r"$W(0) = 1 - W(x)$.",
            half * (b * b + (b + a - 1) ** 2),
            (b - best) ** 2 + quarter * (1 - a) ** 2,
        ),
        identity(r"(11): $\frac{1-A}2 = 1 - (\frac{1-A}2 + A)$.", best, 1 - (best + a)),
    ]


def _budget() -> list[Step]:
    _, (w, alpha, r) = generic("w u r+")  # r = √(x·x), v = α x, h(x) = α r²
    return [
        identity(
            r"32: with $v = \alpha x$ and $r = \sqrt{x \cdot x}$, $B = w^2 + \alpha^2 r^2$: $\frac r2 B - w \alpha "
            r"r^2 = \frac r2 (w - "
            r"\alpha r)^2 \ge 0$, so the contribution $w \alpha r^2$ is at most $\frac12 B r$, with equality at $w = "
            r"\alpha r = "
            r"\sqrt{B/2}$.",
            r * (w * w + alpha * alpha * r * r) - 2 * w * alpha * r * r,
            r * (w - alpha * r) ** 2,
        ),
        argument(
            r"33: summing over the hidden units, $A \le \frac12 \sqrt{x \cdot x}\, \|W\|^2$, with equality for one "
            r"unit as in 32: the "
            r"least $\|W\|^2$ is $2A/\sqrt{x \cdot x}$. So (12): $J_2 = \frac14 (1 - A)^2 + \lambda A/\sqrt{x \cdot "
            r"x}$."
        ),
    ]


def _negative_activation() -> tuple[object, object]:
    values = [F(j, 2) for j in range(-8, 9)]
    norms = [v * v + w * w for v in values for w in values if w * max(v, F(0)) == -1]
    return (min(norms), 1 + 1), (2, 2)


def _outputs(v: int, a: int, w: Fraction, b: Fraction) -> list[Fraction]:
    network = Network([[[v]], [w]], [[a], b])
    return [F(dropout_output(network, (x,), None, ())[0]) for x in (0, 1)]


def _grid() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(1)
    values = (F(-1, 5), F(0), F(1, 10), F(1, 5), F(2, 5))
    for v1, v2, w in itertools.product(values, (F(0), F(1, 5), F(3, 10)), (F(-1, 2), F(1, 5), F(1, 2))):
        for a, b in itertools.product((F(-1, 5), F(0), F(1, 2)), (F(0), F(1, 5), F(2, 5), F(1, 2))):
            network = Network([[[v1, v2]], [w]], [[a], b])
            low, high = (dropout_output(network, point, None, ())[0] for point in ((0, 0), x))
            change = high - low
            yield weight_decay_criterion(network, x, strength) >= (1 - change) ** 2 / 4 + abs(change) / 5, True


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
    statement="Lemmas 24 to 33 hold, with n for K in the list of biases and j for k in Lemma 32",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"After Lemma 24: $a_1 = \dots = a_n = 0$. Lemma 32: the contribution is that of unit $j$, and $B$ is "
    r"its part of $\|W\|^2$, without the $\frac\lambda2$ of "
    r"Definition 31. Lemma 33: $2 |A|/\sqrt{x \cdot x}$. That all hidden biases are 0 is Lemma 24, not 25. Lemma 27: "
    r"projecting $v_j$ on $x$ lowers "
    r"the penalty unless $v_j$ is a multiple of $x$ already; that it does not grow is not enough.",
)
def lemmas_24_33() -> Proof:
    """Prove the entry as declared."""
    return prove()
