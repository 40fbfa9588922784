"""A distribution of bounded, infinite support for which J_D has no minimiser: d = 2, every n and q. For Definition 2.

With κ = λ/(n + λ): x = 1 with label 1 and probability ¼; x = 0 with label −(q + κp)/2 and probability ½; x = 1 − 2^{−m}
with label 0 and probability ¼ 2^{−m}, m = 1, 2, … . The unit relu(1 + k (p x̃ − 1)) tends to the indicator of x̃ = 1/p,
n copies of which would be best and which is no unit.

Proof. Let e be the residual of that limit. Squares lie above their tangents at e, and E e = 0, so a unit g with output
weight a enters with 2 a E e g + λ a² E g², at least −κ² π/λ, and more for every unit that is not the indicator.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Step, argument, enumerated, step

__all__ = ["no_minimiser"]

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


def no_minimiser(origin: Fraction = HALF) -> list[Step]:
    """Return the steps, with probability ``origin`` of x = 0 and the same for x = 1 and for the others; ½ works."""
    mass = (1 - origin) / 2
    return [
        *_reduced(mass, origin),
        *_tangent(mass, origin),
        argument(
            r"So each of the $n$ terms is at least $-\kappa^2 \pi/\lambda$, and above it: for $a > 0$ equality needs "
            r"$E g^2 = \pi g(\frac1p)^2 > 0$, but $g$ is continuous, so positive at $\tilde x = (1 - 2^{-m})/p$ for "
            r"all "
            r"large $m$; for $a = 0$ the term is 0. Every network has more than $J^* = E (y - m)^2 + \pi \kappa + "
            r"\pi_0 c^2$. But $n$ units $g = \mathrm{relu}(1 + k (p \tilde x - 1))$, $k = 2^M$, with $a = (1 - "
            r"\kappa)/n$ and $\beta = 0$ have $g(\frac1p) = 1$, $0 \le g \le 1$, and elsewhere $g > 0$ only for $m > "
            r"M$, with probability $\le 2^{-M}$: their $J_D$ tends to $J^*$, the infimum, which no network attains. "
            r"For $K > 1$ let the other inputs be 0."
        ),
        enumerated(
            r"Cut at $m \le N$ (the rest of the mass at $m = N$) $k = 2^N$ gives the indicator and $J^*$, by the "
            r"double "
            r"loop; $k = 2^{N-1}$ with the best $a$, $\beta$ gives more.",
            _cut(mass, origin),
            "n = 1, N = 1, 2, 3; n = 2, N = 2; q = 1/3, 1/2, 4/5",
        ),
    ]


def _reduced(mass: Fraction, origin: Fraction) -> list[Step]:
    _, (q, kappa) = generic("q k")
    p = 1 - q
    label = -(mass / origin) * (q + kappa * p)
    _, (beta, s, m, square) = generic("B s m Q")
    return [
        step(
            r"No minimiser for infinite support. Let $K = 1$, $d = 2$, any $n$, biases, $\kappa = \frac\lambda{n + "
            r"\lambda}$; $x = 1$, label 1, probability $\frac14$; $x = 0$, label $-\frac12 (q + \kappa p)$, "
            r"probability "
            r"$\frac12$; $x = 1 - 2^{-m}$, label 0, probability $\frac14 2^{-m}$, $m \ge 1$. Then $\tilde x = \frac1p$ "
            r"has probability $\pi = \frac p4$ and mean label $m = 1$; $\tilde x = 0$ has $\pi_0 = \frac12 (1 + q)$ "
            r"and $m = -c$, $c = \kappa \pi/\pi_0$; elsewhere $m = 0$.",
            "identity",
            origin * label + mass * q == -kappa * (mass * p),
        ),
        identity(
            r"With $S = \sum_j a_j g_j$: $J_D = E (y - m)^2 + E (\beta + S - m)^2 + \lambda \sum_j a_j^2 E g_j^2$; "
            r"given $\tilde x$, where $y$ has mean $m$ and mean square $Q$, that of $(\beta + S - y)^2$ is $(\beta + "
            r"S - "
            r"m)^2 + Q - m^2$.",
            (beta + s) ** 2 - 2 * (beta + s) * m + square,
            (beta + s - m) ** 2 + (square - m**2),
        ),
    ]


def _tangent(mass: Fraction, origin: Fraction) -> list[Step]:
    _, (u, e) = generic("u e")
    ring, (q, lam, t, r) = generic("q+ L+ t r")
    n, spread, pi, c, pi0 = sympy.symbols("n lambda pi c pi_0", positive=True)
    kappa = spread / (n + spread)
    bound = -(kappa**2 * pi + c**2 * pi0) + 2 * (kappa * pi + c**2 * pi0) - n * kappa**2 * pi / spread
    reached = kappa**2 * pi + c**2 * pi0 + spread / n * (1 - kappa) ** 2 * pi
    # π₀ − π = origin + q (1 − origin) − mass (1 − q)
    gap = (origin - mass) + q * (1 - origin + mass)
    return [
        identity(
            r"Let $e$ be $-\kappa$ at $\tilde x = \frac1p$, $c$ at 0, and 0 elsewhere: $E e = -\kappa \pi + c \pi_0 = "
            r"0$. With $u = \beta + S - m$: $u^2 = e^2 + 2 e (u - e) + (u - e)^2$, so $E u^2 \ge -E e^2 - 2 E e m + 2 "
            r"\sum_j a_j E e g_j$.",
            u**2,
            e**2 + 2 * e * (u - e) + (u - e) ** 2,
        ),
        step(
            r"Its constant: $-E e^2 - 2 E e m - n \frac{\kappa^2 \pi}\lambda = \pi \kappa + \pi_0 c^2$, which is $E "
            r"e^2 "
            r"+ \frac\lambda n (1 - \kappa)^2 \pi$.",
            "identity",
            sympy.cancel(bound - (pi * kappa + pi0 * c**2)) == 0 and sympy.cancel(reached - bound) == 0,
        ),
        step(
            r"One unit $g \ge 0$, $a > 0$: $E e g \ge -\kappa \pi g(\frac1p)$ and $E g^2 \ge \pi g(\frac1p)^2$, so "
            r"with "
            r"$t = a\, g(\frac1p)$ its term $2 a E e g + \lambda a^2 E g^2 \ge \pi (\lambda t^2 - 2 \kappa t) \ge "
            r"-\kappa^2 \pi/\lambda$, as $\lambda (\lambda t^2 - 2 \kappa t) + \kappa^2 = (\lambda t - \kappa)^2$. For "
            r"$a < 0$, with $t = -a\, g(0)$: at least $\pi_0 (\lambda t^2 - 2 c t) \ge -c^2 \pi_0/\lambda$, and this "
            r"is "
            r"$> -\kappa^2 \pi/\lambda$, as $c \pi_0 = \kappa \pi$ and $\pi < \pi_0$: $\pi_0 - \pi = \frac14 + \frac34 "
            r"q$.",
            "cases",
            lam * (lam * t**2 - 2 * r * t) + r**2 == (lam * t - r) ** 2 and ring.is_positive(gap),
            "a > 0; a < 0; manifest signs",
        ),
    ]


def _distribution(cut: int, rate: Fraction, kappa: Fraction, mass: Fraction, origin: Fraction) -> Examples:
    label = -(mass / origin) * (rate + kappa * (1 - rate))
    rows = [((Fraction(1),), Fraction(1), mass), ((Fraction(0),), label, origin)]
    for m in range(1, cut + 1):
        rows.append(((1 - Fraction(1, 2**m),), Fraction(0), mass * Fraction(1, 2 ** min(m, cut - 1))))
    return Examples(rows)


def _cut(mass: Fraction, origin: Fraction) -> Iterator[tuple[object, object]]:
    for rate in (Fraction(1, 3), HALF, Fraction(4, 5)):
        p = 1 - rate
        lam, pi, pi0 = rate / p, mass * p, origin + rate * (1 - origin)
        for n, cut in ((1, 1), (1, 2), (1, 3), (2, 2)):
            kappa = lam / (n + lam)
            c = kappa * pi / pi0
            data = _distribution(cut, rate, kappa, mass, origin)
            squares = sum((w * y[0] ** 2 for y, w in zip(data.labels, data.probabilities, strict=True)), Fraction(0))
            infimum = squares - (pi + pi0 * c**2) + pi * kappa + pi0 * c**2
            yield _criterion(2**cut, n, (1 - kappa) / n, Fraction(0), data, rate), infimum
            if cut > 1:  # relu(1 − k 2^−m), k = 2^(N−1), is ½ at m = N and 0 at the others
                last = mass * Fraction(1, 2 ** (cut - 1)) * p
                mean, square = pi + last / 2, pi + last / 4
                average = pi - pi0 * c
                share = (pi - mean * average) / ((1 + lam / n) * square - mean**2) / n
                found = _criterion(2 ** (cut - 1), n, share, average - n * share * mean, data, rate)
                yield found > infimum, True


def _criterion(k: int, n: int, share: Fraction, bias: Fraction, data: Examples, rate: Fraction) -> Fraction:
    network = Network([[[k * (1 - rate)]] * n, [share] * n], [[1 - k] * n, bias])
    return Fraction(naive_evaluation(network, data, (rate, rate)).criterion)
