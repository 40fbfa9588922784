"""Dropout in generalised linear models and its quadratic approximation (Wager, Wang and Liang 2013).

Loss A(θ) − y θ with A convex, θ = w·x. The penalty E A(w·x̃) − A(w·x) is non-negative and free of labels; its quadratic
approximation is ½ A″(w·x) λ Σ x_i² w_i². The exact ratio of the two: 1 for A = θ²/2; for the Poisson model A = e^θ a
product formula; for the logistic model, K = 1, below and above 1, and unbounded. The statement is written down and
derived here; the source was not read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy
from mpmath import MPIntervalContext

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["logistic_ratio", "prove"]

SCOPE = "sign, label, Gaussian and Poisson: all K, q, w, x; logistic ratio: K = 1, q = 1/2"


def logistic_ratio(theta: Fraction) -> Any:
    """Return an interval with the ratio of the penalty to its quadratic approximation: A = log(1 + e^θ), K = 1, q = "
    "1/2."""
    iv = MPIntervalContext()
    iv.dps = 40

    def softplus(z: Any) -> Any:
        return iv.log(1 + iv.exp(z))

    network = Network([[theta]])
    point = iv.mpf(theta.numerator) / theta.denominator
    penalty = -softplus(point)
    for mask, chance in masks(network, (Fraction(1, 2),)):
        z = dropout_output(network, (1,), mask, (Fraction(1, 2),))[0]
        penalty += iv.mpf(chance.numerator) / chance.denominator * softplus(iv.mpf(z.numerator) / z.denominator)
    curvature = iv.exp(point) / (1 + iv.exp(point)) ** 2
    return penalty / (curvature * point**2 / 2)


def prove(half: Fraction = Fraction(1, 2)) -> Proof:
    """Prove the statements with half·A″ λ Σ x_i² w_i² as the approximation; only ``half=1/2`` works."""
    _, (mean, square, lam, partial, q, t) = generic("m Q L P q t")
    second = mean**2 + lam * square
    steps = [
        *sum_moments(),
        argument(
            r"For every mask the label enters the loss as $-y\, w \cdot \tilde x$, of mean $-y\, w \cdot x$: the "
            r"penalty is $E A(w "
            r"\cdot \tilde x) - A(w \cdot x)$ for every label, and non-negative by Jensen's inequality."
        ),
        identity(
            r"Gaussian, $A = \theta^2/2$, $A'' = 1$: $\frac12 (m^2 + \lambda Q) - \frac12 m^2 = \frac12 \lambda Q$, "
            r"$Q = \sum x_i^2 "
            r"w_i^2$: the approximation is exact.",
            second * Fraction(1, 2) - mean**2 * Fraction(1, 2),
            lam * square * half,
        ),
        identity(
            r"Poisson, $A = e^\theta$: with $t_i = e^{x_i w_i / p}$ one more mask turns the mean $P$ into $q P + "
            r"(1-q) P t = P (q "
            r"+ (1-q) t)$, so the penalty is $\prod_i (q + p t_i) - \prod_i t_i^p$ against $\frac12 \prod_i t_i^p\, "
            r"\lambda Q$.",
            q * partial + (1 - q) * partial * t,
            partial * (q + (1 - q) * t),
        ),
        _small_weights(half),
        *_logistic(),
        enumerated(
            "The Gaussian model is half the criterion of a linear network: given numbers, mask by mask.",
            _numbers(half),
            "8 masks; q = 1/3, 4/5; labels 0 and 5",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _small_weights(half: Fraction) -> Step:
    """The Taylor coefficient of the penalty at w = 0 for any A, K = 1: q A(0) + p A(θ/p) − A(θ)."""
    theta = sympy.Symbol("theta", real=True)
    p = sympy.Symbol("p", positive=True)
    coefficients = sympy.symbols("a0:4", real=True)
    taylor = sum(a * theta**k for k, a in enumerate(coefficients))
    penalty = sympy.expand((1 - p) * coefficients[0] + p * taylor.subs(theta, theta / p) - taylor)
    wanted = sympy.Rational(half.numerator, half.denominator) * 2 * coefficients[2] * (1 - p) / p
    return step(
        r"Any smooth $A$, $K = 1$: the penalty $q A(0) + p A(\theta/p) - A(\theta)$ is $\frac12 A''(0) \lambda "
        r"\theta^2 + "
        r"O(\theta^3)$, so the ratio tends to 1 as $\theta \to 0$ if $A''(0) \ne 0$.",
        "derivation",
        penalty.coeff(theta, 0) == 0
        and penalty.coeff(theta, 1) == 0
        and sympy.cancel(penalty.coeff(theta, 2) - wanted) == 0,
    )


def _logistic() -> Iterator[Step]:
    points = tuple(map(Fraction, (1, 2, 4, 8, 16)))
    ratios = [logistic_ratio(t) for t in points]
    yield step(
        r"Logistic, $K = 1$, $q = \frac12$: the ratio at $\theta = 1$ is below 1, from $\theta = 2$ on above 1 and "
        r"increasing "
        "along these points.",
        "derivation",
        bool(ratios[0] < 1) and bool(ratios[1] > 1) and all(bool(a < b) for a, b in itertools.pairwise(ratios)),
        "interval arithmetic, theta = 1, 2, 4, 8, 16: " + ", ".join(f"{float(r.mid):.5g}" for r in ratios),
    )
    yield argument(
        r"It is unbounded: as $\theta \to \infty$ the penalty $\frac12 \log 2 + \frac12 \log(1 + e^{2\theta}) - "
        r"\log(1 + e^\theta)$ "
        r"tends to $\frac12 \log 2$ and the approximation $\frac12 \theta^2 e^\theta / (1 + e^\theta)^2$ to 0."
    )


def _numbers(half: Fraction) -> Iterator[tuple[Any, Any]]:
    weights, x = (Fraction(2), Fraction(-1, 3), Fraction(1)), (1, 3, -2)
    square = sum((w * v) ** 2 for w, v in zip(weights, x, strict=True))
    for q in (Fraction(1, 3), Fraction(4, 5)):
        for label in (0, 5):
            found = naive_evaluation(Network([list(weights)]), Examples.point(x, label), (q,))
            yield found.penalty / 2, half * q / (1 - q) * square


@register(
    id="wager-2013-quadratic",
    title="Generalised linear models: the penalty of dropout and its quadratic approximation",
    source="wager2013",
    number="quadratic approximation (our derivation; source not read)",
    printed=r"$E A(w \cdot \tilde x) - A(w \cdot x) \ge 0$, free of labels, $\approx \frac12 A''(w \cdot x) \lambda "
    r"\sum_i x_i^2 "
    r"w_i^2$.",
    statement="GLM penalty E A(w.x~) - A(w.x) >= 0, label-free; its quadratic approximation: exact ratios, unbounded "
    "for logistic",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def quadratic_approximation() -> Proof:
    """Prove the entry as declared."""
    return prove()
