"""Fast dropout (Wang and Manning 2013): a unit's pre-activation taken as normal, and the exact error of that.

If z ~ N(μ, s²), r = μ/s, then E relu(z) = μ Φ(r) + s φ(r). Under dropout z is not normal.
For K inputs x_i w_i = ±1 in equal numbers and q = 1/2 (K = 2 is a unit of Figure 1's network): μ = 0, s² = K, the
normal mean is √(K/(2π)) and the exact one (K/2) C(K, K/2)/2^K, for every even K. The statement is written down and
derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy
from mpmath import MPIntervalContext

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["exact_mean", "prove"]

SCOPE = "the normal mean: all mu and s > 0; its error: all even K, alternating signs, q = 1/2"


def exact_mean(inputs: int) -> Fraction:
    """Return E relu(Σ ±2 r_i) = (K/2) C(K, K/2)/2^K for even K and q = 1/2."""
    return Fraction(inputs // 2 * math.comb(inputs, inputs // 2), 2**inputs)


def prove(slope: int = 2) -> Proof:
    """Prove the statements, with the term slope·k − K of the telescoping sum; only ``slope=2`` works."""
    _, (k, n) = generic("k K")
    ring, (size,) = generic("K+")
    steps = [
        _normal_mean(),
        *sum_moments(),
        argument(
            r"So a pre-activation $\sum_i w_i x_i r_i/p$ has mean $\mu = w \cdot x$ and variance $s^2 = \lambda "
            r"\sum_i w_i^2 "
            r"x_i^2$; for $K$ terms $\pm 1$, half of each sign, and $q = \frac12$: $\mu = 0$, $s^2 = K$, and the "
            r"normal mean is "
            r"$s \varphi(0) = \sqrt{K/(2\pi)}$."
        ),
        argument(
            r"Exactly: with $B$ the number of kept positive terms plus the number of dropped negative ones, $B \sim "
            r"\mathrm{Bin}(K, \frac12)$ and the pre-activation is $2 (B - K/2) = 2B - K$."
        ),
        identity(
            r"$(2k - K) \binom Kk = K \left(\binom{K-1}{k-1} - \binom{K-1}k\right)$, since $K \binom{K-1}{k-1} = k "
            r"\binom Kk$ and "
            r"$K \binom{K-1}k = (K - k) \binom Kk$; here divided by $\binom Kk$.",
            slope * k - n,
            k - (n - k),
        ),
        argument(
            r"Summed over $k > K/2$ it telescopes: $E (2B - K)^+ = K \binom{K-1}{K/2} / 2^K = \frac K2 \binom K{K/2} "
            r"/ 2^K$."
        ),
        step(
            r"The ratio $\rho(K)$ of the exact to the normal mean is $\sqrt{\pi K/2} \binom K{K/2} 2^{-K}$, and "
            r"$\rho(K+2)^2 / \rho(K)^2 = \frac{K+2}K \left(\frac{K+1}{K+2}\right)^2$, which exceeds 1: $(K+1)^2 - K "
            r"(K+2) = 1$.",
            "cases",
            ring.is_positive((size + 1) ** 2 - size * (size + 2)),
            "manifest sign",
        ),
        argument(
            r"So $\rho$ increases, and to 1 by Wallis' product: the normal mean is too large for every even $K$, by a "
            r"factor that "
            r"tends to 1."
        ),
        *_ratios(),
        enumerated(
            r"The mean of the unit by the formula, mask by mask; $K = 2$ is Figure 1: $\frac12$ against $1/\sqrt\pi$.",
            _numbers(),
            "K = 2, 4, 6, 8: 8 to 512 masks",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _normal_mean() -> Step:
    """∫_{−r}^∞ (μ + s t) φ(t) dt by its antiderivative μ Φ(t) − s φ(t)."""
    t, mu = sympy.symbols("t mu", real=True)
    s = sympy.Symbol("s", positive=True)
    density = sympy.exp(-(t**2) / 2) / sympy.sqrt(2 * sympy.pi)
    law = (1 + sympy.erf(t / sympy.sqrt(2))) / 2
    antiderivative = mu * law - s * density
    value = sympy.limit(antiderivative.subs({mu: 1, s: 1}), t, sympy.oo)
    at_edge = (mu - antiderivative.subs(t, -mu / s)) - (mu * law + s * density).subs(t, mu / s)
    return step(
        r"$E\, \mathrm{relu}(\mu + s t) = \int_{-r}^\infty (\mu + s t) \varphi(t)\, dt$, and $\mu \Phi(t) - s "
        r"\varphi(t)$ is an "
        r"antiderivative that tends to $\mu$: the value is $\mu - \mu \Phi(-r) + s \varphi(r) = \mu \Phi(r) + s "
        r"\varphi(r)$.",
        "derivation",
        sympy.simplify(sympy.diff(antiderivative, t) - (mu + s * t) * density) == 0
        and value == 1
        and sympy.simplify(at_edge) == 0,
    )


def _ratios() -> Iterator[Step]:
    iv = MPIntervalContext()
    iv.dps = 30
    ratios = []
    for inputs in (2, 8, 32, 128):
        mean = exact_mean(inputs)
        ratios.append(iv.mpf(mean.numerator) / mean.denominator / iv.sqrt(iv.mpf(inputs) / (2 * iv.pi)))
    yield step(
        "The ratio of the exact to the normal mean, in interval arithmetic: below 1 and increasing.",
        "derivation",
        all(bool(a < b) for a, b in zip(ratios, [*ratios[1:], iv.mpf(1)], strict=True)),
        "K = 2, 8, 32, 128: " + ", ".join(f"{float(r.mid):.5f}" for r in ratios),
    )


def _numbers() -> Iterator[tuple[Any, Any]]:
    for inputs in (2, 4, 6, 8):
        signs = [1, -1] * (inputs // 2)
        network = Network([[signs], [1]])
        found = naive_evaluation(network, Examples.point([1] * inputs, 0), (Fraction(1, 2), Fraction(0)))
        yield found.mean[0], exact_mean(inputs)


@register(
    id="wang-2013-fast-dropout",
    title="Fast dropout: the normal approximation of a relu unit and its exact error",
    source="wang2013",
    number="relu unit (our derivation; source not read)",
    printed=r"$z \sim N(\mu, s^2)$, $r = \mu/s$: $E\, \mathrm{relu}(z) = \mu \Phi(r) + s \varphi(r)$, taken for a "
    r"unit under dropout.",
    statement="normal relu mean = mu Phi(r) + s phi(r); for +-1 terms, q = 1/2 the exact mean is K/2 C(K,K/2)/2^K, "
    "less",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def fast_dropout() -> Proof:
    """Prove the entry as declared."""
    return prove()
