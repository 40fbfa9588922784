"""Derived here: how well non-negative weights can do on P_(1,1), at every width, depth and drop rate.

With non-negative weights (output weights included), any biases, convex non-decreasing activations, rates q for the
inputs and any rates for hidden units: J_D ≥ q/(2 (K p + 2 q)); 1/(2 (K + 2)) at q = ½. It sharpens Lemma 16 of
Helmbold and Long (2017), which has 1/(36 K) and K > 18.

Proof. Let ψ(ℓ) be the mean output given ℓ kept inputs. By Jensen, 2 J_D ≥ ψ(0)² + E (ψ(L) − 1)², L ~ Bin(K, p), and ψ
is convex (Lemma 14). Let f(ℓ) = a + bℓ minimise the right side among lines, with value c. Then for every ψ

    ψ(0)² + E (ψ(L) − 1)² − c ≥ 2 Λ(ψ − f),   Λ(g) = a g(0) + E (f(L) − 1) g(L),

Λ vanishes on lines; on g with g(0) = 0 it is −E (1 − f(L)) g(L), and as g(ℓ)/ℓ does not decrease and 1 − f falls, Λ ≥ 0
on convex functions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.sum_inequalities import mean_of_squares, rising_ratio_steps
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_12 import activation_step
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_14 import uniform_exchange
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["bound", "nonnegative_bound_steps", "prove"]

SCOPE = "all K, widths and depths d >= 1, any biases, q in [0, 1)"
KNOTS = range(2, 9)


def bound(inputs: int, rate: Fraction) -> Fraction:
    """Return q/(2 (K p + 2 q))."""
    return rate / (2 * (inputs * (1 - rate) + 2 * rate))


def _line(k: Any, p: Any) -> tuple[Any, Any]:
    """Return (a, b) of the best line a + bℓ: a = q/(Kp + 2q), b = 1/(Kp + 2q)."""
    q = 1 - p
    a = q / (k * p + 2 * q)
    return a, 1 / (k * p + 2 * q)


def nonnegative_bound_steps(factor: int = 1) -> list[Step]:
    """Return the steps that prove J_D ≥ factor · q/(2 (K p + 2 q)); only the factor 1 (or less) works."""
    k, p = sympy.symbols("K p", positive=True)
    q = 1 - p
    a, b = _line(k, p)
    mean, square = k * p, k * p * q + k**2 * p**2
    residual_mean = a - 1 + b * mean
    normal = (a + residual_mean, (a - 1) * mean + b * square)
    value = a**2 + (a - 1) ** 2 + 2 * (a - 1) * b * mean + b**2 * square
    _, (g, f, z) = generic("g f z")
    return [
        activation_step(),
        *uniform_exchange(),
        argument(
            r"So $\psi(\ell)$, the mean output given $\ell$ kept inputs, is convex in $\ell$ (Lemma 14, any rates)."
        ),
        mean_of_squares(
            r"$2 J_D \ge \psi(0)^2 + E(\psi(L) - 1)^2$, $L \sim \mathrm{Bin}(K, p)$: the input 0 gives $\psi(0)$ "
            r"(Jensen)."
        ),
        identity(
            r"Squares lie above tangents: $(f + g - z)^2 - (f - z)^2 - 2 (f - z) g = g^2 \ge 0$, with $g = \psi - f$.",
            (f + g - z) ** 2 - (f - z) ** 2 - 2 * (f - z) * g,
            g * g,
        ),
        step(
            r"The line $f(\ell) = a + b \ell$, $a = \frac q{Kp+2q}$, $b = \frac1{Kp+2q}$: $\Lambda(1) = a + E(f - 1) "
            r"= 0$ "
            r"and $\Lambda(\ell) = E\, \ell (f - 1) = 0$, for symbolic $K$, $p$.",
            "identity",
            all(sympy.cancel(e) == 0 for e in normal),
        ),
        step(
            r"Its value $a^2 + E(f(L) - 1)^2$ is $\frac q{Kp+2q}$, for symbolic $K$, $p$.",
            "identity",
            sympy.cancel(value - factor * q / (k * p + 2 * q)) == 0,
        ),
        *rising_ratio_steps(),
        step(
            r"With $\psi = \psi(0) + g$: $\Lambda$ kills constants and $g(0) = 0$, so $\Lambda(\psi) = \Lambda(g) = "
            r"- E[w(L) "
            r"g(L)]$ with $w = 1 - f$, a falling line ($b > 0$) with $E[w(L) L] = 0$. So $\Lambda(\psi) \ge 0$, "
            r"$\Lambda(f) = 0$, and $2 J_D \ge \frac q{Kp+2q}$.",
            "identity",
            b.is_positive is True or sympy.fraction(sympy.cancel(b * (k * p + 2 * q)))[0] == 1,
            "b (Kp + 2q) = 1",
        ),
    ]


def prove(factor: int = 1) -> Proof:
    """Prove the bound times ``factor``."""
    steps = nonnegative_bound_steps(factor)
    steps += [
        step(
            r"$\Lambda((\ell - j)^+) > 0$ for every $q$ in $(0, 1)$ and every knot $j$: numerators have no root there.",
            "root count",
            all(_positive_on_knot(k, j) for k in KNOTS for j in range(1, k)),
            f"K = {KNOTS.start}, ..., {KNOTS.stop - 1}, all j",
        ),
        enumerated(
            "No network of a grid is below the bound: 2-1-1 with weights 0, 1/2, 1 and biases of both signs, q = "
            "1/2, 1/3.",
            _grid(factor),
            "216 networks, 8 masks, at each of two rates",
        ),
        enumerated(
            "Nearly attained: the linear network 2-n-1 with the best line approaches 1/8 at K = 2, q = 1/2.",
            [(_wide(n) > bound(2, Fraction(1, 2)) * factor, True) for n in (1, 4)]
            + [(_wide(8) - bound(2, Fraction(1, 2)) < Fraction(1, 20), True)],
            "n = 1, 4, 8",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _positive_on_knot(k: int, j: int) -> bool:
    """Λ((ℓ − j)⁺) as a rational function of p; its sign on (0, 1) by counting roots and one value."""
    p = sympy.Symbol("p")
    a, b = _line(k, p)
    total = sum(
        math.comb(k, ell) * p**ell * (1 - p) ** (k - ell) * (a - 1 + b * ell) * (ell - j) for ell in range(j + 1, k + 1)
    )
    numerator, denominator = sympy.fraction(sympy.cancel(total))

    def sign(expr: sympy.Expr) -> int:
        polynomial = sympy.Poly(expr, p)
        inside = polynomial.count_roots(0, 1) - sum(1 for end in (0, 1) if polynomial.eval(end) == 0)
        value = polynomial.eval(sympy.Rational(1, 2))
        return 0 if inside or value == 0 else (1 if value > 0 else -1)

    return sign(numerator) * sign(denominator) > 0


def _grid(factor: int) -> Iterator[tuple[object, object]]:
    values = (0, Fraction(1, 2), 1)
    data = Examples.half((1, 1), 1)
    for rate in (Fraction(1, 2), Fraction(1, 3)):
        lowest = min(
            naive_evaluation(Network([[[u, v]], [w]], [[b], c]), data, (rate, rate)).criterion
            for u, v, w in itertools.product(values, repeat=3)
            for b in (-1, Fraction(-1, 2), 0, Fraction(1, 2))
            for c in (0, Fraction(1, 4))
        )
        yield lowest >= factor * bound(2, rate), True


def _wide(n: int) -> Fraction:
    """J_D of the network 2-n-1 whose mean is the best line; ψ(ℓ) = a + bℓ with inputs 2 where kept."""
    a, b = (Fraction(int(v.p), int(v.q)) for v in _line(sympy.Integer(2), sympy.Rational(1, 2)))
    network = Network([[[1, 1]] * n, [b / (2 * n)] * n], [[0] * n, a])
    return Fraction(naive_evaluation(network, Examples.half((1, 1), 1), (Fraction(1, 2),) * 2).criterion)


@register(
    id="exactdropout-2026-nonnegative-bound",
    title="The best that non-negative weights can do on P_(1,1)",
    source="exactdropout2026",
    number="non-negative bound",
    printed=r"Weights $\ge 0$, any biases, on $P_{(\mathbf 1, 1)}$: $J_D \ge \frac{q}{2 (Kp + 2q)}$.",
    statement="weights >= 0, any biases, on P_(1,1): J_D >= q/(2(Kp + 2q)), 1/(2(K+2)) at q = 1/2",
    verdict="holds",
    scope=SCOPE,
)
def nonnegative_bound() -> Proof:
    """Prove the entry as declared."""
    return prove()
