"""A distribution of bounded, infinite support for which J_D has no minimiser: d = 2, n = 1, every q. For Definition 2.

x = 1 with label 1 and probability ½; x = 0 with label −2q and probability ¼; x = 1 − 2^{−m} with label 0 and
probability ¼ 2^{−m}, m = 1, 2, … . Given the masked input, the mean label is 1 at x̃ = 1/p and 0 elsewhere. The unit
relu(1 + k (p x̃ − 1)) tends to the indicator of x̃ = 1/p, which would be the best unit and is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.reference import naive_evaluation
from exactdropout.theorems.generic import generic, identity
from exactdropout.theorems.proof import Step, argument, enumerated, step
from exactdropout.theorems.sum_inequalities import mean_of_squares

__all__ = ["no_minimiser"]

HALF = Fraction(1, 2)


def no_minimiser(mass: Fraction = HALF) -> list[Step]:
    """Return the steps, with probability ``mass`` of x = 1 (at most ½), and half of the rest on x = 0."""
    rest = (1 - mass) / 2
    return [
        *_reduced(mass, rest),
        mean_of_squares(
            r"A unit with $g(1/p) = 1$ and mean $s$ on the other masked inputs, of probability $u = 1 - \pi$, has $E "
            r"g^2 \ge \pi + u s^2$."
        ),
        *_worse(mass),
        argument(
            r"$s > 0$ for every unit with $g(1/p) = 1$: it is continuous, so positive at $\tilde x = (1 - 2^{-m})/p$ "
            r"for all large $m$. (Units are scaled; $a = 0$ has $c = 0$.) So every network is above the value of the "
            r"indicator. But $g = \mathrm{relu}(1 + k (p \tilde x - 1))$, $k = 2^M$, has $g(1/p) = 1$, $0 \le g \le "
            r"1$, and elsewhere $g > 0$ only for $m > M$, with probability $\le 2^{-M}$: its $J_D$ tends to that "
            r"value, the infimum, which no network attains. For $K > 1$ let the other inputs be 0."
        ),
        enumerated(
            r"Cut at $m \le N$ (the rest of the mass at $m = N$) $k = 2^N$ gives the indicator: the double loop finds "
            r"the "
            r"infimum with $a = \frac{u}{u + \lambda}$, $\beta = \pi (1 - a)$, and more with the best $a$, $\beta$ for "
            r"$k = 2^{N-1}$.",
            _cut(mass, rest),
            "N = 1, 2, 3, 4; q = 1/3, 1/2, 4/5",
        ),
    ]


def _reduced(mass: Fraction, rest: Fraction) -> list[Step]:
    ring, (q,) = generic("q+")
    label = -(mass / rest) * q
    _, (a, beta, g, h, m, m2, c, lam) = generic("a B G H M N C L")
    spread = (1 + lam) * h - g * g
    cov = c - g * m
    value = beta**2 + 2 * beta * a * g - 2 * beta * m + a**2 * h - 2 * a * c + m2 + lam * a**2 * h
    return [
        step(
            r"No minimiser for infinite support. Let $K = n = 1$, $d = 2$, biases; $x = 1$, label 1, probability "
            r"$\frac12$; $x = 0$, label $-2q$, probability $\frac14$; $x = 1 - 2^{-m}$, label 0, probability $\frac14 "
            r"2^{-m}$, $m \ge 1$. The mean label given $\tilde x$ is 1 at $\tilde x = 1/p$, and 0 elsewhere: at "
            r"$\tilde x = 0$, $\frac14 (-2q) + q \cdot \frac12 = 0$.",
            "identity",
            rest * label + mass * q == ring.zero,
        ),
        identity(
            r"With $m$ for that mean and $g$ for the unit, $J_D = E (y - m)^2 + E (\beta + a g - m)^2 + \lambda a^2 E "
            r"g^2$. With $G, H, M, N, C$ for the means of $g, g^2, m, m^2, g m$ and $\Delta = (1 + \lambda) H - G^2$, "
            r"$c = C - G M$: $\Delta$ times the last two terms is $\Delta (\beta + a G - M)^2 + (\Delta a - c)^2 + "
            r"\Delta (N - M^2) - c^2$; so the best $a$, $\beta$ leave $N - M^2 - c^2/\Delta$.",
            spread * value,
            spread * (beta + a * g - m) ** 2 + (spread * a - cov) ** 2 + spread * (m2 - m * m) - cov**2,
        ),
    ]


def _worse(mass: Fraction) -> list[Step]:
    ring, (pi, e, lam, s) = generic("P+ e+ L+ s+")
    u = pi + e
    rates, (q,) = generic("q+")
    _, (w, t) = generic("w t")

    def spread(x: Any) -> Any:
        return pi * u * (1 - x) ** 2 + lam * (pi + u * x**2)

    return [
        identity(
            r"With $E g = \pi + u s$: $c = \pi u (1 - s)$, and $\Delta \ge (1 + \lambda)(\pi + u s^2) - (\pi + u s)^2 "
            r"= \pi u (1 - s)^2 + \lambda (\pi + u s^2)$.",
            w + (1 - w) * t**2 - (w + (1 - w) * t) ** 2,
            w * (1 - w) * (1 - t) ** 2,
        ),
        step(
            r"$\pi = \frac p2 < \frac12$, so $e = u - \pi = q > 0$, and the indicator, $s = 0$, is best: "
            r"$\Delta(s) - (1 - s)^2 \Delta(0) = \lambda s (2 \pi + e s) > 0$ for $s > 0$, so $c^2/\Delta < \pi^2 "
            r"u^2/\Delta(0)$. A unit with $g(1/p) = 0$ has $c^2/\Delta \le \pi^2 u^2/(\pi u + \lambda u)$, less too, "
            r"as $\lambda u - \lambda \pi = \lambda e > 0$.",
            "cases",
            rates.is_positive((1 - 2 * mass) + 2 * mass * q)
            and ring.is_positive(spread(s) - (1 - s) ** 2 * spread(ring.zero))
            and ring.is_positive((pi * u + lam * u) - spread(ring.zero)),
            "manifest signs",
        ),
    ]


def _distribution(cut: int, rate: Fraction, mass: Fraction, rest: Fraction) -> Examples:
    rows = [((Fraction(1),), Fraction(1), mass), ((Fraction(0),), -rate * mass / rest, rest)]
    for m in range(1, cut + 1):
        rows.append(((1 - Fraction(1, 2**m),), Fraction(0), rest * Fraction(1, 2 ** min(m, cut - 1))))
    return Examples(rows)


def _cut(mass: Fraction, rest: Fraction) -> Iterator[tuple[object, object]]:
    for rate in (Fraction(1, 3), HALF, Fraction(4, 5)):
        p = 1 - rate
        lam, pi = rate / p, mass * p
        u = 1 - pi
        labels = mass + rate**2 * mass**2 / rest
        infimum = labels - pi + pi * u - pi * u**2 / (u + lam)
        for cut in (1, 2, 3, 4):
            data = _distribution(cut, rate, mass, rest)
            share = u / (u + lam)
            yield _criterion(2**cut, share, pi * (1 - share), data, rate), infimum
            # k = 2^(N-1): relu(1 - k 2^-m) is 1/2 at m = N and 0 at the others
            last = rest * Fraction(1, 2 ** (cut - 1)) * p
            if cut > 1:
                mean, square = pi + last / 2, pi + last / 4
                share = (pi - mean * pi) / ((1 + lam) * square - mean**2)
                yield _criterion(2 ** (cut - 1), share, pi - share * mean, data, rate) > infimum, True


def _criterion(k: int, share: Fraction, bias: Fraction, data: Examples, rate: Fraction) -> Fraction:
    network = Network([[[k * (1 - rate)]], [share]], [[1 - k], bias])
    return Fraction(naive_evaluation(network, data, (rate, rate)).criterion)
