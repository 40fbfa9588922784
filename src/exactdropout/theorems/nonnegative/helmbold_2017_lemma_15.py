"""Lemma 15 of Helmbold and Long (2017), a tail of the binomial: false as printed, smallest at n = 5.

Printed: X ~ Bin(n, ½) has Pr(X < n/2 − √n/4) ≥ ¼. The printed proof bounds an interval of length √n/2 as if it held
√n/2 integers; it can hold one more, and at n = 16 its ends belong to neither tail.
Proved: it holds for every n outside a finite list.
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy

from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["EXCEPTIONS", "FROM", "central_part", "lower_tail", "prove"]

FROM = 76
"""From this n on the central bound decides; below, every n is computed."""
EXCEPTIONS = (5, 7, 16, 18)
SCOPE = "every n >= 1: the bound holds exactly for n not in {5, 7, 16, 18}"


def lower_tail(n: int) -> Fraction:
    """Return Pr(X < n/2 − √n/4) exactly: X < n/2 − √n/4 means 2n − 4X > √n."""
    count = sum(math.comb(n, x) for x in range(n // 2 + 1) if 2 * n > 4 * x and (2 * n - 4 * x) ** 2 > n)
    return Fraction(count, 2**n)


def central_part(n: int) -> Fraction:
    """Return Pr(|X − n/2| < √n/4) exactly: (4X − 2n)² < n."""
    return Fraction(sum(math.comb(n, x) for x in range(n + 1) if (4 * x - 2 * n) ** 2 < n), 2**n)


def prove(exceptions: tuple[int, ...] = EXCEPTIONS) -> Proof:
    """Prove that the bound fails exactly at ``exceptions``."""
    m = sympy.Symbol("m", nonnegative=True)
    gain = sympy.expand((2 * m + 2) ** 2 * (3 * m + 1) - (2 * m + 1) ** 2 * (3 * m + 4))
    r = sympy.Symbol("r")
    excess = sympy.expand(4 * ((1 + sympy.Rational(3, 2) * r**2) / 4 - (r / 2 + 1) ** 2))
    found = tuple(n for n in range(1, FROM) if lower_tail(n) < Fraction(1, 4))
    steps = [
        enumerated(
            f"For n < {FROM} the bound fails exactly at {', '.join(map(str, exceptions))}.",
            [(found, exceptions)],
            f"exact binomial sums for n = 1, ..., {FROM - 1}",
        ),
        enumerated(
            r"The smallest failure: $n = 5$, $\Pr(X < \frac52 - \frac{\sqrt5}4) = \Pr(X \le 1) = \frac6{32} < "
            r"\frac14$.",
            [(lower_tail(5), Fraction(6, 32)), (min(exceptions, default=0), 5)],
        ),
        enumerated(
            r"Where the printed proof fails: $\Pr(|X - \frac n2| < \frac{\sqrt n}4) \le \frac12$ is false exactly for "
            r"$n = 5, 7, 18$ (at 5 it is $\frac58$); at $n = 16$ it is true, $\frac{6435}{32768}$, but the values "
            r"$7$ and "
            r"$9$ with $|X - 8| = \frac{\sqrt{16}}4$ belong to neither tail, and $\Pr(X < 7) = \frac{14893}{65536} < "
            r"\frac14$.",
            [
                (tuple(n for n in range(1, FROM) if central_part(n) > Fraction(1, 2)), (5, 7, 18)),
                ((central_part(5), central_part(16)), (Fraction(5, 8), Fraction(6435, 32768))),
                (lower_tail(16), Fraction(14893, 65536)),
            ],
            f"exact binomial sums for n = 1, ..., {FROM - 1}",
        ),
        step(
            r"Central bound: $a_m = \binom{2m}m 4^{-m} \le (3m+1)^{-1/2}$, by induction from $a_0 = 1$: $a_{m+1} = a_m "
            r"\frac{2m+1}{2m+2}$ and $(2m+2)^2 (3m+1) - (2m+1)^2 (3m+4) = m \ge 0$.",
            "identity",
            gain == m,
        ),
        argument(
            r"So every $\Pr(X = i) \le (\frac32 n + 1)^{-1/2}$: for even $n = 2m$ directly, for odd $n = 2m - 1$ "
            r"because "
            r"$\binom{2m-1}m 2^{1-2m} = a_m$ and $3m + 1 > \frac32 n + 1$."
        ),
        argument(
            r"The closed interval of length $\sqrt n/2$ around $n/2$ holds at most $\sqrt n/2 + 1$ integers, so "
            r"$\Pr(|X - \frac n2| \le \frac{\sqrt n}4) \le (\frac{\sqrt n}2 + 1) (\frac32 n + 1)^{-1/2}$, and the "
            r"two equal "
            r"tails share the rest: each is at least $\frac14$ when this is at most $\frac12$."
        ),
        step(
            rf"It is, for $n \ge {FROM}$: with $r = \sqrt n$, $\frac14 (\frac32 r^2 + 1) - (\frac r2 + 1)^2$ is "
            rf"positive at "
            rf"$r = \sqrt{{{FROM}}}$ and has no root beyond.",
            "root count",
            _positive_beyond(excess, r, FROM),
            "the largest root squared lies below 76",
        ),
    ]
    return conclude(
        "fails as printed",
        SCOPE,
        steps,
        "n = 5: Pr(X < 5/2 - sqrt(5)/4) = Pr(X <= 1) = 3/16 < 1/4.",
    )


def _positive_beyond(polynomial: sympy.Expr, r: sympy.Symbol, n: int) -> bool:
    """Return whether p(r) > 0 for all r ≥ √n, from a rational point just below √n."""
    low = sympy.Rational(math.isqrt(n * 10**6), 10**3)  # at most √n
    return bool(polynomial.subs(r, low) > 0) and sympy.Poly(polynomial, r).count_roots(low, sympy.oo) == 0


@register(
    id="helmbold-2017-lemma-15",
    title="A tail of the binomial",
    source="helmbold2017",
    number="Lemma 15",
    printed=r"$X \sim \mathrm{Bin}(n, \frac12)$: $\Pr(X < \frac n2 - \frac{\sqrt n}4) = \Pr(X > \frac n2 + "
    r"\frac{\sqrt n}4) "
    r"\ge \frac14$.",
    statement="Pr(X < n/2 - sqrt(n)/4) >= 1/4 holds for all n except 5, 7, 16 and 18",
    verdict="fails as printed",
    scope=SCOPE,
    correction=r"The bound holds for every $n \ge 1$ except $n \in \{5, 7, 16, 18\}$; in particular for $n > 18$, "
    r"which is "
    "what Lemma 16 needs.",
)
def lemma_15() -> Proof:
    """Prove the entry as declared."""
    return prove()
