"""Derived here: with biases, from an explicit width on, every width needs negative weights on P_(1,1); any K ≥ 2 and q.

n off units relu(1 − Σ u_i), u the kept inputs, are 1 if every input is dropped and 0 otherwise: a network that answers
t on the input 0 and β elsewhere. With z = q^K, λ = q/p and the best t and β

    2 J_D = (z + 1/(2/(1 − z) + n/λ))/(1 + z),

which is less than the minimum T/(1 + T) of non-negative networks of the same width exactly if

    n (1 − z)(λ (1 − z) − K z) > λ (K z (3 − z) − λ (1 − z)²).

The left factor is positive for K ≥ 2, so this holds for every n from some n on; at q = ½ for every n ≥ 5 if K = 2 and
for every n ≥ 1 if K ≥ 3. As n grows the value tends to z/(1 + z), the bound for all networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import gap_is_positive_steps
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import (
    half_minimum,
    nonnegative_minimum_steps,
    point_minimum,
)
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["every_width_steps", "off_value", "prove", "sufficient_width"]

SCOPE = "one hidden layer with biases, K >= 2, q in (0, 1), n above an explicit number; q = 1/2: all n if K >= 3"
HALF = Fraction(1, 2)
SIZES = ((2, 1), (2, 2), (3, 1), (3, 2))


def off_value(dropped: Any, width: Any, spread: Any) -> Any:
    """Return J_D of n off units with the best output weight and bias: ½ (z + 1/(2/(1 − z) + n/λ))/(1 + z)."""
    return (dropped + 1 / (2 / (1 - dropped) + width / spread)) / (1 + dropped) / 2


def sufficient_width(inputs: int, rate: Fraction) -> int:
    """Return the least n from which on off units beat every non-negative network of the same width, K ≥ 2.

    >>> [sufficient_width(k, Fraction(1, 2)) for k in (2, 3, 4)]
    [5, 1, 1]
    """
    z, spread = rate**inputs, rate / (1 - rate)
    slope = (1 - z) * (spread * (1 - z) - inputs * z)
    return max(int(spread * (inputs * z * (3 - z) - spread * (1 - z) ** 2) // slope) + 1, 1)


def _network(inputs: int, width: int, rate: Fraction) -> Network:
    """Return the off units: weights −p undo the scaling of kept inputs; t and β as in the proof."""
    z, spread = rate**inputs, rate / (1 - rate)
    force = 1 / (1 + z) / (1 / (1 + z) + 1 / (1 - z) + width / ((1 + z) * spread))
    off, on = z / (1 + z) + force / (1 + z), 1 - force / (1 - z)
    return Network([[[rate - 1] * inputs] * width, [(off - on) / width] * width], [[1] * width, on])


def every_width_steps(power: int = 1) -> list[Step]:
    """The value of the off units and its comparison, with (1 + λ/n)^power in the minimum; only 1 works."""
    z, lam, n, k, t, b = sympy.symbols("z lambda n K t beta", positive=True)
    value = t**2 + z * (t - 1) ** 2 + (1 - z) * (b - 1) ** 2 + (1 + z) * lam / n * (b - t) ** 2
    rest = 1 / (1 + z)
    force = rest / (1 / (1 + z) + 1 / (1 - z) + n / ((1 + z) * lam))
    off, on = z * rest + force / (1 + z), 1 - force / (1 - z)
    best = 2 * off_value(z, n, lam)
    own = point_minimum(k, n, lam, power)
    wanted = n * (1 - z) * (lam * (1 - z) - k * z) + lam * (lam * (1 - z) ** 2 - k * z * (3 - z))
    difference = sympy.factor(own / (1 + own) - best)
    factor = sympy.factor(difference / wanted)
    return [
        argument(
            r"The unit $\mathrm{relu}(1 - \sum_i u_i)$, $u \in \{0,1\}^K$ the kept inputs, is 1 if all inputs are "
            r"dropped (probability $z = q^K$, and always on the example $(0, 0)$) and 0 otherwise. With output bias "
            r"$\beta$ and output weights $(t - \beta)/n$: $2 J_D = t^2 + z (t-1)^2 + (1-z)(\beta-1)^2 + (1+z) "
            r"\frac\lambda n (\beta - t)^2$, by the last-layer identity."
        ),
        step(
            r"At the best $t$, $\beta$ (slopes 0): $2 J_D = \bigl(z + 1/(\frac2{1-z} + \frac n\lambda)\bigr)/(1 + z)$.",
            "identity",
            sympy.factor(value.subs({t: off, b: on}) - best) == 0
            and all(sympy.factor(value.diff(v).subs({t: off, b: on})) == 0 for v in (t, b)),
        ),
        step(
            r"$\frac T{1+T} - 2 J_D$ is a positive factor times $n (1-z)(\lambda (1-z) - K z) + \lambda (\lambda "
            r"(1-z)^2 - K z (3 - z))$, affine in $n$.",
            "identity",
            _positive_factor(factor, z, (lam, n, k)),
            "z = 1/(1 + f): coefficients of one sign",
        ),
    ]


def _positive_factor(factor: sympy.Expr, z: sympy.Symbol, others: tuple[sympy.Symbol, ...]) -> bool:
    f = sympy.Symbol("f", positive=True)
    parts = [sympy.Poly(part, f, *others) for part in sympy.fraction(sympy.factor(factor.subs(z, 1 / (1 + f))))]
    signs = {c > 0 for part in parts for c in part.coeffs()}
    return len(signs) == 1


def _half_steps() -> list[Step]:
    """q = ½, λ = 1: K = 2 from n = 5; K ≥ 3 from n = 1."""
    at = [_condition(k, n) for k, n in ((2, 4), (2, 5), (3, 1))]
    ring, (z, kz, k) = generic("z k K~")
    quarter, sixteenth = Fraction(1, 4), Fraction(1, 16)
    return [
        step(
            r"$q = \frac12$, $K = 2$: the condition is $\frac3{16} n > \frac{13}{16}$, $n \ge 5$; $K = 3$: $\frac7{16} "
            r"n > \frac5{16}$, every $n \ge 1$.",
            "identity",
            at[0] < 0 < min(at[1:])
            and [_condition(2, 0), _condition(2, 1) - _condition(2, 0)] == [Fraction(-13, 16), Fraction(3, 16)]
            and [_condition(3, 0), _condition(3, 1) - _condition(3, 0)] == [Fraction(-5, 16), Fraction(7, 16)],
        ),
        induction(
            r"$K 2^{-K} \le \frac14$ and $2^{-K} \le \frac1{16}$ for $K \ge 4$: equal at $K = 4$, and $2 K - (K + 1) = "
            r"3 + k \ge 0$ for $K = 4 + k$.",
            start=4 * Fraction(1, 16) == quarter,
            step=2 * (4 + k) - (5 + k) == 3 + k and ring.is_nonnegative(3 + k),
        ),
        step(
            r"So for $K \ge 4$ the constant term is at least $(\frac{15}{16})^2 - \frac34 > 0$ and the slope positive: "
            r"every $n \ge 1$.",
            "identity",
            (1 - sixteenth) ** 2 - 3 * quarter > 0 and kz * 3 - kz * (3 - z) == kz * z,
            "K z (3 - z) <= 3 K z",
        ),
    ]


def _condition(inputs: int, width: int) -> Fraction:
    z = HALF**inputs
    return width * (1 - z) * (1 - z - inputs * z) + (1 - z) ** 2 - inputs * z * (3 - z)


def prove(power: int = 1) -> Proof:
    """Prove the entry, with (1 + λ/n)^power in the minimum of non-negative weights; only 1 works."""
    z, lam, n = sympy.symbols("z lambda n", positive=True)
    steps = [
        *nonnegative_minimum_steps(power),
        *every_width_steps(power),
        *gap_is_positive_steps(),
        *_half_steps(),
        step(
            r"$n \to \infty$: $2 J_D \to \frac z{1+z}$, the bound for every network.",
            "identity",
            sympy.factor(sympy.limit(2 * off_value(z, n, lam), n, sympy.oo) - z / (1 + z)) == 0,
        ),
        enumerated(
            "The double loop gives the stated value of the off units, and it is below the minimum exactly from the "
            "stated width on.",
            _numbers(),
            "K, n = 2, 1; 2, 2; 3, 1; 3, 2; q = 1/2, 1/3; the comparison for n = 1, ..., 40, K = 2, ..., 6",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _numbers() -> Iterator[tuple[Any, Any]]:
    for rate in (HALF, Fraction(1, 3)):
        for k, n in SIZES:
            found = naive_evaluation(_network(k, n, rate), Examples.half((1,) * k, 1), (rate, rate)).criterion
            yield found, off_value(rate**k, n, rate / (1 - rate))
    for rate in (HALF, Fraction(1, 10), Fraction(9, 10)):
        spread = rate / (1 - rate)
        for k in range(2, 7):
            least = sufficient_width(k, rate)
            for n in range(1, 41):
                yield off_value(rate**k, n, spread) < half_minimum(k, n, spread), n >= least


@register(
    id="exactdropout-2026-every-width",
    title="With biases every width from an explicit one on needs negative weights",
    source="exactdropout2026",
    number="every width",
    printed=r"$P_{(\mathbf 1, 1)}$, one hidden layer with biases, $K \ge 2$, $z = q^K$: every minimiser has a negative "
    r"weight if $n (1-z)(\lambda (1-z) - K z) > \lambda (K z (3-z) - \lambda (1-z)^2)$; at $q = \frac12$, $K \ge 3$ "
    r"this is every $n \ge 1$.",
    statement="P_(1,1), d = 2, biases: K >= 2: negative weights for n above an explicit number; K >= 3, q = 1/2: all n",
    verdict="holds",
    scope=SCOPE,
)
def every_width() -> Proof:
    """Prove the entry as declared."""
    return prove()
