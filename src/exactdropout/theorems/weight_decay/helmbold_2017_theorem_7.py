"""Theorem 7 of Helmbold and Long (2017): the weight-decay aversion of P_(x,1) is min(1/4, λ²/(x·x)), for d = 2.

A shorter proof than the printed one. Let A = W(x) − W(0) and m = λ/√(x·x). Then

    J₂(W) ≥ g(A) = ¼ (1 − A)² + m |A|,

by the best output bias and ‖W‖² ≥ 2|A|/√(x·x) (Lemma 33 for any biases). g has one minimiser, A* = max(0, 1 − 2m),
it is attained, and every minimiser of J₂ has A = A*, W(0) = (1 − A*)/2 and risk ¼ (1 − A*)².
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.sum_inequalities import cauchy_schwarz
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "weight_decay_criterion"]

SCOPE = "d = 2, every K and n, every x not 0 and lambda > 0"
F = Fraction


def weight_decay_criterion(network: Network, x: tuple[int, ...], strength: Fraction) -> Fraction:
    """Return J₂ = ½ W(0)² + ½ (W(x) − 1)² + (λ/2) ‖W‖² on P_(x,1), biases free."""
    zero, one = (dropout_output(network, v, None, ())[0] for v in ((0,) * len(x), x))
    norm = sum(w * w for matrix in network.weights for w in matrix.flat)
    return Fraction((zero**2 + (one - 1) ** 2 + strength * norm) / 2)


def prove(threshold: int = 2) -> Proof:
    """Prove the theorem with A* = max(0, 1 − threshold·m); only 2 works."""
    steps = [*_lower_bound(), *_minimum(threshold)]
    steps += [
        _attained(),
        argument(
            r"Attained with one unit: $v = \alpha x$, $\alpha = \sqrt{A^*}/(x \cdot x)^{3/4}$, output weight "
            r"$\sqrt{A^*}/(x \cdot x)^{1/4}$, hidden bias 0, output bias $(1 - A^*)/2$, all else 0: equality in every "
            r"step. So the minimum of $J_2$ is $g(A^*)$, and at every minimiser $A = A^*$ and $W(0) = (1 - A^*)/2$; "
            r"its "
            r"risk is $\frac14 (1 - A^*)^2 = \min(\frac14, \lambda^2/(x \cdot x))$. The least risk is 0 (one unit with "
            r"$v = x/(x \cdot x)$ fits both points), so this is the aversion."
        ),
        _vanishing(),
        _footnote(),
        enumerated(
            r"$x = (3, 4)$, $\lambda = 2$: the stated network has $J_2 = \frac6{25}$ and risk $\frac4{25}$, and no "
            r"network of a grid is below.",
            _grid(),
            "2-1-1 with 7 values per weight and 3 per bias: 3087 networks",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _attained() -> Step:
    a, r = sympy.symbols("A r", positive=True)
    alpha, w = sympy.sqrt(a) / r ** sympy.Rational(3, 2), sympy.sqrt(a) / sympy.sqrt(r)
    return step(
        r"One unit $v = \alpha x$, $\alpha = \sqrt A/r^{3/2}$, output weight $w = \sqrt A/r^{1/2}$, $r = \sqrt{x "
        r"\cdot x}$: "
        r"$w \alpha r^2 = A$ and $w^2 + \alpha^2 r^2 = 2A/r$.",
        "identity",
        sympy.simplify(w * alpha * r**2 - a) == 0 and sympy.simplify(w**2 + alpha**2 * r**2 - 2 * a / r) == 0,
    )


def _vanishing() -> Step:
    ring, (strength, norm) = generic("l+ N+")
    quarter, half = ring.constant(F(1, 4)), ring.constant(F(1, 2))
    return step(
        r"If $2\lambda \ge \sqrt{x \cdot x}$ then $A^* = 0$, the minimum is $g(0) = \frac14$, and a minimiser has "
        r"$W(0) = W(x) "
        r"= \frac12$ and $J_2 = \frac14 + \frac\lambda2 \|W\|^2$: all weights are 0 and the output bias is $\frac12$; "
        r"hidden biases are free. (Equality may be included.)",
        "cases",
        ring.is_positive((quarter + half * strength * norm) - quarter) and half * (quarter + quarter) == quarter,
        "norm > 0 would cost more",
    )


def _footnote() -> Step:
    """x and −x, both with label 1: J₂ of a network that is 1 at both points, with weights of norm N."""
    ring, (strength, norm, risk) = generic("l+ N+ R~")
    half = ring.constant(F(1, 2))
    return step(
        r"Footnote 2: on $x$ and $-x$, both with label 1, the network with weights 0 and output bias 1 has $J_2 = "
        r"0$, and "
        r"any other weights have $J_2 \ge \frac\lambda2 \|W\|^2 > 0$. So the minimum is isolated in the sense of the "
        r"footnote, for every $n$, but it is the network that learns nothing from $x$.",
        "cases",
        ring.is_positive(risk + half * strength * norm),
        "risk >= 0, norm > 0",
    )


def _lower_bound() -> list[Step]:
    ring, (s, t, e, a, c, w, r) = generic("s~ t~ e~ A c w r")
    half, quarter = ring.constant(F(1, 2)), ring.constant(F(1, 4))
    gap = c - half * (1 - a)
    lipschitz = {  # relu(u) − relu(b) against |u − b|, in the four sign cases
        "u, b >= 0, u >= b": (ring.relu(s + t) - ring.relu(t), s),
        "u >= 0 >= b": (ring.relu(s) - ring.relu(-t), s + t),
        "b >= 0 >= u": (ring.relu(t) - ring.relu(-s), s + t),
        "u, b <= 0": (ring.relu(-s) - ring.relu(-t), ring.zero),
    }
    return [
        identity(
            r"Best output bias, with $c = W(0)$: $\frac12 [c^2 + (c + A - 1)^2] - \frac14 (1 - A)^2 = "
            r"(c - \frac{1-A}2)^2 \ge 0$.",
            half * (c * c + (c + a - 1) ** 2) - quarter * (1 - a) ** 2,
            gap * gap,
        ),
        step(
            r"$|\mathrm{relu}(v \cdot x + b) - \mathrm{relu}(b)| \le |v \cdot x|$.",
            "cases",
            all(ring.is_nonnegative(bound - d) and ring.is_nonnegative(d) for d, bound in lipschitz.values()),
            "; ".join(lipschitz),
        ),
        identity(
            r"$w^2 + r^2 - 2 w r = (w - r)^2 \ge 0$, with $r = \|v\|$ and $|w|$ for $w$.",
            w * w + r * r - 2 * w * r,
            (w - r) ** 2,
        ),
        cauchy_schwarz(r"$|v \cdot x| \le \|v\| \sqrt{x \cdot x}$ (Cauchy and Schwarz)."),
        induction(
            r"So $|A| \le \sum_j |w_j| |v_j \cdot x| \le \sqrt{x \cdot x} \sum_j |w_j| \|v_j\| \le "
            r"\frac12 \sqrt{x \cdot x}\, \|W\|^2$ (Cauchy and Schwarz), whatever the biases and n: "
            r"$\|W\|^2 \ge 2 |A|/\sqrt{x \cdot x}$, and $J_2 \ge \frac14 (1-A)^2 + m |A|$ with $m = \lambda/\sqrt{x "
            r"\cdot x}$.",
            start=ring.is_nonnegative(half * t * ring.zero - ring.zero),
            step=ring.is_nonnegative(half * t * ((s + e) ** 2 + s * s) - s * (s + e) * t)
            and ring.is_nonnegative(half * t * (s * s + (s + e) ** 2) - (s + e) * s * t),
            detail=r"number of units; one more adds $|w| \|v\| r \le \frac r2 (w^2 + \|v\|^2)$, $r = \sqrt{x \cdot "
            r"x}$, with "
            r"either of $|w|$, $\|v\|$ the larger",
        ),
    ]


def _minimum(threshold: int) -> list[Step]:
    ring, (a, m, e, t, free) = generic("A~ m~ e~ t+ B")
    quarter, half = ring.constant(F(1, 4)), ring.constant(F(1, 2))
    best = 1 - threshold * m
    return [
        identity(
            r"For $A \ge 0$ and $m \le \frac12$: $g(A) - g(1 - 2m) = \frac14 (A - (1 - 2m))^2$, 0 only at $A^* = 1 - "
            r"2m$.",
            quarter * (1 - free) ** 2 + m * free - (quarter * (1 - best) ** 2 + m * best),
            quarter * (free - best) ** 2,
        ),
        step(
            r"For $A \ge 0$ and $m = \frac12 + e$: $g(A) - g(0) = \frac14 A^2 + e A \ge 0$, 0 only at $A = 0$.",
            "cases",
            quarter * (1 - a) ** 2 + (half + e) * a - quarter == quarter * a * a + e * a
            and ring.is_nonnegative(quarter * a * a + e * a),
            "manifest signs",
        ),
        step(
            r"For $A = -t < 0$: $g(-t) - g(0) > 0$.",
            "cases",
            ring.is_positive(quarter * (1 + t) ** 2 + m * t - quarter),
            "manifest signs",
        ),
    ]


def _grid() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(2)
    best = Network([[[F(3, 25), F(4, 25)]], [F(1, 5)]], [[0], F(2, 5)])
    yield weight_decay_criterion(best, x, strength), F(6, 25)
    outputs = [dropout_output(best, v, None, ())[0] for v in ((0, 0), x)]
    yield (outputs[0] ** 2 + (outputs[1] - 1) ** 2) / 2, F(4, 25)
    values = [F(k, 10) for k in (-4, -2, 0, 1, 2, 4, 8)]
    biases = [F(k, 10) for k in (-2, 0, 2)]
    lowest = min(
        weight_decay_criterion(Network([[[v1, v2]], [w]], [[b], c]), x, strength)
        for v1, v2, w in itertools.product(values, repeat=3)
        for b, c in itertools.product(biases, (F(0), F(2, 5), F(1, 2)))
    )
    yield lowest >= F(6, 25), True


@register(
    id="helmbold-2017-theorem-7",
    title="The weight-decay aversion, and the threshold where weights vanish",
    source="helmbold2017",
    number="Theorem 7",
    printed=r"$d = 2$, any $n$, $\lambda > 0$: the weight-decay aversion of $P_{(x,1)}$ is $\min(\frac14, \lambda^2/(x "
    r"\cdot x))$; for $2\lambda > \sqrt{x \cdot x}$ the only optimum has all weights 0 and output bias $\frac12$.",
    statement="the weight-decay aversion of P_(x,1) is min(1/4, lambda^2/(x.x)); for 2 lambda >= |x| all weights are 0",
    verdict="holds",
    scope=SCOPE,
)
def theorem_7() -> Proof:
    """Prove the entry as declared."""
    return prove()
