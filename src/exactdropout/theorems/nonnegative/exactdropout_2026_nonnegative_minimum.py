"""Derived here: the exact minimum of J_D over non-negative weights for one hidden layer, at every K, n and q.

With λ = q/p, ρ = (1 + λ/K)(1 + λ/n) and T = 1 − 1/ρ: the minimum is T on the point mass (1, 1) without biases, and
T/(2 (1 + T)) on P_(1,1) with any biases; equal weights and hidden biases 0 attain it. With biases it is a lower bound
at every depth d ≥ 2, n the width of the last hidden layer. For n → ∞ it is q/(2 (K p + 2 q)).

Proof. Let z be the residual of the stated network, an affine function of the number ℓ of kept inputs. Squares lie above
their tangents at z, so a unit h with output weight a ≥ 0 enters 2 J_D with at least −2 a Λ(h) + λ a² ‖h‖², where
Λ(h) = −⟨z, h⟩. Among the units with non-negative weights Λ(h)²/‖h‖² is largest for h = ℓ: only the convex function
ψ(ℓ) = E[h | ℓ kept] matters, its value at 0 does not help, and ψ(ℓ)/ℓ does not decrease.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.certificate.shipped import SHIPPED
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.certified_minima import certified_step, shipped_minimum
from exactdropout.theorems.lemmas.kept_counts import kept_count_moments
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.lemmas.sum_inequalities import cauchy_schwarz, mean_of_squares, rising_ratio_steps
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_14 import convex_mean_steps
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = [
    "falls_against",
    "half_minimum",
    "largest_unit_steps",
    "nonnegative_minimum_steps",
    "point_minimum",
    "prove",
    "tangent_steps",
]

SCOPE = "one hidden layer: all K, n and q in (0, 1); a lower bound for every depth, n the last hidden width"
HALF = Fraction(1, 2)
K, N, SPREAD = sympy.symbols("K n L", positive=True)


def point_minimum(inputs: Any, width: Any, spread: Any, power: int = 1) -> Any:
    """Return T = 1 − 1/((1 + λ/K)(1 + λ/n)), λ = ``spread``."""
    return 1 - 1 / ((1 + spread / inputs) * (1 + spread / width) ** power)


def half_minimum(inputs: Any, width: Any, spread: Any, power: int = 1) -> Any:
    """Return T/(2 (1 + T))."""
    value = point_minimum(inputs, width, spread, power)
    return value / (2 * (1 + value))


def _moments() -> tuple[sympy.Expr, sympy.Expr]:
    """E L and E L² for L ~ Bin(K, p), p = 1/(1 + λ)."""
    p = 1 / (1 + SPREAD)
    return K * p, K * p * (1 - p) + K**2 * p**2


def _zero(expr: sympy.Expr) -> bool:
    return bool(sympy.factor(expr) == 0)


def largest_unit_steps() -> list[Step]:
    """The steps that bound what one unit with non-negative weights can gain, for any affine residual."""
    ring, (t, g) = generic("t~ g~")
    return [
        *convex_mean_steps(),
        argument(
            r"Let $h \ge 0$ be a unit of a network with weights $\ge 0$, for given masks of the hidden layers below. "
            r"By Lemma 14 $\psi(\ell) = E[h \mid \ell \text{ inputs kept}]$ is convex and non-decreasing in $\ell$."
        ),
        mean_of_squares(
            r"$E h^2 \ge E \psi(L)^2$, given $\ell$ kept inputs, and $h$ enters linearly everywhere else: $\psi$ may "
            r"stand for $h$."
        ),
        step(
            r"Write $\psi = t + g$ with $t = \psi(0) \ge 0$, $g \ge 0$: $(t + g)^2 \ge g^2$.",
            "cases",
            ring.is_nonnegative((t + g) ** 2 - g**2),
            "manifest signs",
        ),
        *rising_ratio_steps(),
    ]


def nonnegative_minimum_steps(power: int = 1) -> list[Step]:
    """The steps of the lower bounds with (1 + λ/n)^power; only the power 1 works."""
    mean, square = _moments()
    value = sympy.factor(point_minimum(K, N, SPREAD, power))
    steps = [*kept_count_moments(), *sum_moments(), *largest_unit_steps(), *tangent_steps()]
    for biases in (True, False):
        bias = sympy.factor(value / (1 + value)) if biases else sympy.Integer(0)
        slope = sympy.factor((1 - bias) * (1 - value) / mean)
        gain = sympy.factor((1 - bias) * mean - slope * square)
        shift = sympy.factor(bias - 1 + slope * mean)  # E z on the example with label 1
        second = sympy.factor((bias - 1) ** 2 + 2 * (bias - 1) * slope * mean + slope**2 * square)
        total = -(bias**2) - 2 * shift - second - N / SPREAD * gain**2 / square
        where = r"With biases on $P_{(\mathbf 1, 1)}$" if biases else "Without biases on the point mass"
        start = r"$\beta = \frac T{1+T}$" if biases else r"$\beta = 0$"
        lower = r"$2 J_D \ge \frac T{1+T}$" if biases else r"$J_D \ge T$"
        steps += [
            step(
                rf"{where}: {start}, $b = \frac{{(1 - \beta)(1 - T)}}{{Kp}}$, residual $z = \beta + b \ell - 1$"
                + (
                    r", and $z = \beta$ on the example $(0, 0)$. The residuals have mean 0, so $\Lambda(1) = 0$ and "
                    r"$\Lambda(\psi) = \Lambda(g)$, as well as an output bias, drop out."
                    if biases
                    else r"; without hidden biases $\psi(0) = 0$."
                ),
                "identity",
                not biases or _zero(bias + shift),
            ),
            step(
                r"$\Lambda(\ell) = E[(1 - \beta - b L) L] > 0$ and $b > 0$, so with $\kappa' = \Lambda(\ell)/E L^2$ "
                r"the line $w = 1 - \beta - b \ell - \kappa' \ell$ falls and has $E[w(L) L] = 0$, so as above "
                r"$\Lambda(g) \le \kappa' E[L g(L)]$.",
                "identity",
                _positive(gain) and _positive(slope) and falls_against(bias, slope, gain / square),
                "rational functions of K, n and lambda with positive coefficients",
            ),
            step(
                rf"All together: {lower}: the terms without units, less $\frac n\lambda \kappa$ with $\kappa = "
                r"\Lambda(\ell)^2/E L^2$, for symbolic $K$, $n$, $\lambda$.",
                "identity",
                _zero(total - (value / (1 + value) if biases else value)),
            ),
        ]
    return steps


def falls_against(bias: sympy.Expr, slope: sympy.Expr, ratio: sympy.Expr) -> bool:
    """Return whether w = 1 − β − b ℓ − κ' ℓ falls and has E w(L) L = 0."""
    mean, square = _moments()
    return _positive(slope + ratio) and _zero((1 - bias) * mean - (slope + ratio) * square)


def tangent_steps() -> list[Step]:
    """Squares above their tangents, and the least that a unit of given gain costs."""
    _, (f, y, z, gain, kappa, spread) = generic("f y z G k L")
    return [
        identity(
            r"Squares lie above their tangents: $(f - y)^2 - 2 z (f - y) + z^2 = (f - y - z)^2 \ge 0$.",
            (f - y) ** 2 - 2 * z * (f - y) + z**2,
            (f - y - z) ** 2,
        ),
        cauchy_schwarz(
            r"$\Lambda(h)^2 \le \kappa \|h\|^2$ with $\kappa = \Lambda(\ell)^2/E L^2$ and $\|h\|^2$ the mean of $h^2$ "
            r"over examples and masks: $\Lambda(g)^2 \le (\kappa')^2\, (E[L g])^2 \le (\kappa')^2\, E L^2\, E g^2$ "
            r"where $\Lambda(g) > 0$ (Cauchy and Schwarz)."
        ),
        identity(
            r"A unit with output weight $a$ and $G = a \Lambda(h)$ enters with $-2 G + \lambda a^2 \|h\|^2 \ge -2 G + "
            r"\lambda G^2/\kappa \ge -\frac\kappa\lambda$: times $\kappa \lambda$, $\kappa^2 - 2 \kappa \lambda G + "
            r"\lambda^2 G^2$ is a square.",
            kappa**2 - 2 * kappa * spread * gain + spread**2 * gain**2,
            (kappa - spread * gain) ** 2,
        ),
    ]


def _positive(expr: sympy.Expr) -> bool:
    """Return whether a rational function has positive coefficients above and below; its symbols are positive."""
    parts = [sympy.Poly(part, K, N, SPREAD) for part in sympy.fraction(sympy.factor(expr))]
    return all(all(c > 0 for c in part.coeffs()) for part in parts) or all(
        all(c < 0 for c in part.coeffs()) for part in parts
    )


def prove(power: int = 1) -> Proof:
    """Prove the minimum with (1 + λ/n)^power; only the power 1 works."""
    value = point_minimum(K, N, SPREAD, power)
    limit = sympy.limit(sympy.factor(value / (2 * (1 + value))), N, sympy.oo)
    names = [item for item in SHIPPED if item.nonnegative]
    steps = [
        *nonnegative_minimum_steps(power),
        argument(
            r"Attained: hidden weights 1, hidden biases 0, output bias $\beta$ and output weights $\frac{(1 - \beta)(1 "
            r"- T)}{nK}$ have $z$ for their mean residual, and equality in every step."
        ),
        enumerated(
            r"The double loop gives the stated values for this network.",
            (
                pair
                for k, n in ((1, 1), (2, 1), (2, 3), (3, 2))
                for rate in (HALF, Fraction(1, 3))
                for pair in _attained(k, n, rate, power)
            ),
            "K, n = 1, 1; 2, 1; 2, 3; 3, 2; q = 1/2, 1/3; with and without biases",
        ),
        enumerated(
            "No network 2-1-1 of a grid with weights 0, 1/2, 1 and biases of both signs is below.",
            _grid(power),
            "216 networks, 8 masks, q = 1/2 and 1/3",
        ),
        certified_step(
            r"$q = \frac12$: the certified minima over non-negative weights are these numbers, $K = 2, 3, 4$.",
            all(
                shipped_minimum(item)
                == (half_minimum if item.biases else point_minimum)(item.inputs, item.width, Fraction(1), power)
                for item in names
            ),
            names,
        ),
        step(
            r"$n \to \infty$: $\frac q{2 (Kp + 2q)}$, the bound for every width.",
            "identity",
            _zero(limit - SPREAD / (2 * (K + 2 * SPREAD))),
            "q/p = lambda",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _attained(k: int, n: int, rate: Fraction, power: int) -> Iterator[tuple[Any, Any]]:
    spread = rate / (1 - rate)
    value = point_minimum(k, n, spread, power)
    for biases in (True, False):
        bias = value / (1 + value) if biases else Fraction(0)
        network = Network([[[1] * k] * n, [(1 - bias) * (1 - value) / (n * k)] * n], [[0] * n, bias])
        data = Examples.half((1,) * k, 1) if biases else Examples.point((1,) * k, 1)
        wanted = (half_minimum if biases else point_minimum)(k, n, spread, power)
        yield naive_evaluation(network, data, (rate, rate)).criterion, wanted


def _grid(power: int) -> Iterator[tuple[Any, Any]]:
    values = (0, HALF, 1)
    data = Examples.half((1, 1), 1)
    for rate in (HALF, Fraction(1, 3)):
        lowest = min(
            naive_evaluation(Network([[[u, v]], [w]], [[b], c]), data, (rate, rate)).criterion
            for u, v, w in itertools.product(values, repeat=3)
            for b in (-1, -HALF, 0, HALF)
            for c in (0, Fraction(1, 4))
        )
        yield lowest >= half_minimum(2, 1, rate / (1 - rate), power), True


@register(
    id="exactdropout-2026-nonnegative-minimum",
    title="The exact minimum over non-negative weights",
    source="exactdropout2026",
    number="non-negative minimum",
    printed=r"One hidden layer, weights $\ge 0$: $\min J_D = T = 1 - \frac1{(1 + \lambda/K)(1 + \lambda/n)}$ on the "
    r"point mass $(\mathbf 1, 1)$ without biases, and $\frac T{2(1 + T)}$ on $P_{(\mathbf 1, 1)}$ with any biases.",
    statement="weights >= 0, d = 2: min J_D = T = 1 - 1/((1 + lambda/K)(1 + lambda/n)) (point mass), "
    "T/(2(1+T)) (P_(1,1), biases)",
    verdict="holds",
    scope=SCOPE,
)
def nonnegative_minimum() -> Proof:
    """Prove the entry as declared."""
    return prove()
