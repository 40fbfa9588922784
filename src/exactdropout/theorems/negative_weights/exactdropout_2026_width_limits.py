r"""Derived here: how the smallest width with negative weights grows as q → 1, for every number K ≥ 2 of inputs.

One hidden relu layer, input 1_K with label 1, p = 1 − q; n* is the least width whose minimisers all have a negative
weight:

    (1 − q)² n* → √(K/(K − 1)) − 1     without biases, on the point mass,
    (1 − q)^(3/2) n* → √(2/(K − 1))    with biases, on P_(1,1).

There are explicit bounds on both sides: :func:`needed` from above for every q, :func:`enough` from below for every q
with 3 (K − 1) p ≤ 1 (with biases 6 (K − 1) p ≤ 1).

Proof. Lower bounds: with c ≥ ½ the residual 1 − c L of equal units has what a unit could gain only where the inputs
with weights ≤ 0 are all dropped; negative output weights gain by the masks with two kept inputs, and without biases not
at all. Upper bounds: of n equal units one becomes ℓ·1{m_K = 0}, ℓ the number of the others kept, or with biases
(L − 1)₊ with a negative output weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import narrow_layer_steps
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import nonnegative_minimum_steps
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["enough", "needed", "prove", "swapped_network"]

SCOPE = (
    "one hidden layer: without biases on the point mass, with biases on P_(1,1), all-ones input; every K >= 2 as q "
    "-> 1; upper bounds for every n and q, lower ones for 3 (K-1) (1-q) <= 1 (with biases 6 (K-1) (1-q) <= 1)"
)
K, k, n, p, j, ell, y, w, s, r = sympy.symbols("K k n p j ell y w s r", positive=True)
q = 1 - p
TAU = q / (q + n * p)
SLOPE = (1 - TAU) / (q + K * p)
"""τ = λ/(n + λ) and c, as in the entry on narrow layers."""
EDGE = n * p / (q * (q + K * p))
"""c/τ, which increases with n."""


def _zero(expression: Any) -> bool:
    return bool(sympy.factor(expression) == 0)


def enough(inputs: int, width: int, rate: Fraction, *, biases: bool) -> bool:
    """Return whether the theorem excludes that this width, or a smaller one, needs negative weights.

    >>> [max(n for n in range(1, 99) if enough(2, n, Fraction(9, 10), biases=b)) for b in (False, True)]
    [41, 32]
    """
    kept, others = 1 - rate, inputs - 1
    total = rate + inputs * kept
    edge = width * kept / (rate * total)
    if (6 if biases else 3) * others * kept > 1:
        return False
    limit = inputs * kept / total
    for positive in range(0 if biases else 1, inputs):
        rest = inputs - positive
        gain = positive * kept * rate**rest * (1 + rest * kept * edge) ** 2 / (rate + positive * kept)
        lost = (rest * (rest - 1) * kept**2 * edge / 2) ** 2 if biases else 0
        if gain + lost > limit:
            return False
    two = inputs * others * kept**2 * (Fraction(1, 2) + Fraction(inputs - 2, 6) * kept)
    lost = (inputs * kept * (1 + others * kept * (1 + width * kept / rate)) / total) ** 2
    return not biases or lost + edge**2 * two <= limit


def needed(inputs: int, width: int, rate: Fraction, *, biases: bool) -> bool:
    """Return whether a network with negative weights of this width ≥ 2 is shown to be below the non-negative minimum.

    >>> [min(n for n in range(2, 99) if needed(2, n, Fraction(9, 10), biases=b)) for b in (False, True)]
    [47, 47]
    """
    kept, others, more = 1 - rate, inputs - 1, width - 1
    small = others * kept
    one = small * kept**3 * more**2 + small * kept * (2 * small * rate + 1 + rate**2) * more
    one -= (1 + small) * (rate + small + small**2)
    two = rate - rate**inputs * (rate + inputs * kept)
    edge = rate + width * kept
    both = two * edge**2 - kept * (two + 2 * inputs * small * rate) * edge - inputs * kept * rate
    return width > 1 and (one > 0 or (biases and both > 0))


def _unit(inputs: Any, both: bool, kept: Any = p, none: Any = None) -> tuple[Any, Any, Any]:
    """E h, E h² and E h L of h = (L − 1)₊ or of h = ℓ·1{m_K = 0}; ``none`` is q^K."""
    drop = 1 - kept
    if not both:
        square = drop * (inputs - 1) * kept * (drop + (inputs - 1) * kept)
        return drop * (inputs - 1) * kept, square, square
    none = drop**inputs if none is None else none
    mean, square = inputs * kept, inputs * kept * drop + (inputs * kept) ** 2
    return mean - 1 + none, square - 2 * mean + 1 - none, square - mean


def _best(inputs: Any, width: Any, unit: tuple[Any, Any, Any], kept: Any) -> tuple[Any, Any]:
    """The best total output weight of width − 1 units L, and that of one other unit."""
    lam = (1 - kept) / kept
    mean, square = inputs * kept, inputs * kept * (1 - kept) + (inputs * kept) ** 2
    alone, own, cross = unit
    common, other = square * (1 + lam / (width - 1)), own * (1 + lam)
    determinant = common * other - cross**2
    return (mean * other - alone * cross) / determinant, (alone * common - mean * cross) / determinant


def _value(inputs: int, width: int, rate: Fraction, both: bool) -> Fraction:
    unit = _unit(inputs, both, 1 - rate)
    first, second = _best(inputs, width, unit, 1 - rate)
    return Fraction(1 - first * inputs * (1 - rate) - second * unit[0])


def swapped_network(inputs: int, width: int, rate: Fraction, *, biases: bool) -> Network:
    """Return the network of the upper bound: width − 1 equal units, one ℓ·1{m_K = 0}, with biases (L − 1)₊.

    >>> for row in swapped_network(2, 3, Fraction(1, 2), biases=False).weights[0]:
    ...     print(*row)
    1/2 1/2
    1/2 1/2
    1/2 -1/2
    """
    kept = 1 - rate
    unit = _unit(inputs, biases, kept)
    first, second = _best(inputs, width, unit, kept)
    last = [kept] * inputs if biases else [kept] * (inputs - 1) + [-(inputs - 1) * kept]
    rows = [[kept] * inputs] * (width - 1) + [last]
    out = [first / (width - 1)] * (width - 1) + [second]
    if not biases:
        return Network([rows, out])
    value = _value(inputs, width, rate, biases)
    bias = value / (1 + value)
    return Network([rows, [a * (1 - bias) for a in out]], [[0] * (width - 1) + [-1], bias])


def prove(spare: int = 1, share: int = 2) -> Proof:
    """Prove the limits √(K/(K − spare)) − 1 and √(share/(K − 1)); only 1 and 2 work."""
    steps = [
        *nonnegative_minimum_steps(),
        argument(
            r"First, layers with $(K - 1)\, n^2 p^3 \le q^2 (q + Kp)$ need no negative weights without biases, and "
            r"with biases on $P_{(\mathbf 1, 1)}$ those with $Kp (q + (K - 1) p (q + np))^2 + (K - 1) n^2 p^3 \le "
            r"q^2 (q + Kp)$ (the condition):"
        ),
        *narrow_layer_steps(),
        argument(r"Now sharper for large $q$: $\rho = 1 - cL$, $\tau$, $\kappa$, $\gamma$ and $g_j$ are as above."),
        *_lower(),
        *_limit_of_lower(spare),
        *_upper(spare),
        *_lower_with_biases(share),
        *_upper_with_biases(share),
        enumerated(
            r"The networks of the upper bounds have the stated $J_D$, by the double loop.",
            _numbers(),
            "K = 2, 3, n = 2, 3, q = 1/2, 3/4; up to 64 masks",
        ),
        enumerated(
            r"At the largest width of the lower bounds no unit with small integer weights gains more, by listing all "
            r"masks.",
            _grid(),
            "K = 2, 3, q = 19/20; weights and biases -2, ..., 2, either sign of the output weight",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _lower() -> list[Step]:
    """C_k: k q^(K−k) (q + K p)(1 + (K − k) p c/τ)² ≤ K (q + k p)."""
    level = 1 - SLOPE * (q + k * p)
    line = (1 - SLOPE * j) / (q + k * p) - SLOPE
    mean, square = k * p, k * p * q + k**2 * p**2
    t, x = sympy.symbols("t x", positive=True)
    narrow = t * (q * (1 + t) / (1 - t)) ** 2 - q**2 * (1 + t)
    return [
        step(
            r"Let $c \ge \frac12$. For given other masks $\gamma = \frac{1 - cj}{q + kp} - c$ is at most $\frac{1 - "
            r"2c - c (k - 1) p}{q + kp} \le 0$ for $j \ge 1$: only the masks with $j = 0$ count, with probability "
            r"$q^{K - k}$. So $E[\rho h] \le q^{K - k} g_0 \|h\|_0 \le \sqrt{q^{K - k}}\, g_0 \sqrt{E h^2}$, and "
            r"$g_0^2 = \frac{kp\, (\tau + c (K - k) p)^2}{q + kp}$.",
            "identity",
            _zero(((1 - SLOPE * j) * mean - SLOPE * square) / square - line)
            and _zero(line.subs(j, 1) * (q + k * p) - (1 - 2 * SLOPE - SLOPE * (k - 1) * p))
            and _zero(level - TAU - SLOPE * (K - k) * p),
        ),
        step(
            r"Without biases a unit has $h(m) = \mathrm{relu}(u \cdot m) \le a \cdot m$, $a_i = h(e_i) = "
            r"\mathrm{relu}(u_i)$, with equality if at most one input is kept; with two or more $\rho \le 0$. So "
            r"$-E[\rho h] \le -E[\rho\, a \cdot m] = -\frac{a_1 + \dots + a_K}K E[\rho L] \le 0$, as $E[\rho L] = Kp\, "
            r"\tau$: negative output weights gain nothing.",
            "identity",
            _zero(K * p - SLOPE * (K * p * q + K**2 * p**2) - K * p * TAU),
        ),
        step(
            r"So no negative weights are needed if $c \ge \frac12$ and, for $k = 1, \dots, K - 1$, $k q^{K - k} (q + "
            r"Kp) \bigl(1 + (K - k)\, p \frac c\tau\bigr)^2 \le K (q + kp)$. As $\frac c\tau = \frac{np}{q (q + Kp)}$ "
            r"this is $n \le N_k := \frac{q (q + Kp)}{(K - k) p^2} \Bigl(\sqrt{\frac{K (q + kp)}{k q^{K - k} (q + "
            r"Kp)}} - 1\Bigr)$.",
            "identity",
            _zero(SLOPE / TAU - EDGE)
            and _zero((1 + (K - k) * p * EDGE).subs(n, q * (q + K * p) / ((K - k) * p**2) * (x - 1)) - x),
        ),
        step(
            r"If $c < \frac12$ then with $t = (K - 1) p \le \frac13$: $2 np < (np + q)(q + Kp)$, so $np < \frac{q (1 + "
            r"t)}{1 - t}$, and $t n^2 p^2 - q^2 (1 + t) < \frac{q^2 (1 + t)(3t - 1)}{(1 - t)^2} \le 0$: the "
            r"condition on narrow layers holds. So for $3 (K - 1) p \le 1$ no width $n \le \min_k N_k$ needs "
            r"negative weights.",
            "identity",
            _zero((2 * SLOPE - 1) * (n * p + q) * (q + K * p) - (2 * n * p - (n * p + q) * (q + K * p)))
            and _zero(2 * x - (x + q) * (1 + t) - (x * (1 - t) - q * (1 + t)))
            and _zero(narrow - q**2 * (1 + t) * (3 * t - 1) / (1 - t) ** 2),
            "q + Kp = 1 + t",
        ),
    ]


def _limit_of_lower(spare: int) -> list[Step]:
    a, b = sympy.symbols("a b", positive=True)
    limit = (a / b - 1) / (a**2 - b**2)
    least = sympy.sqrt(K / (K - spare)) - 1
    return [
        step(
            r"As $p \to 0$, $p^2 N_k \to \frac{\sqrt{K/k} - 1}{K - k} = \frac1{\sqrt k\, (\sqrt K + \sqrt k)}$, which "
            rf"falls with $k$: $\liminf p^2 n^* \ge \sqrt{{\frac K{{K - {spare}}}}} - 1$, its value at $k = K - 1$.",
            "identity",
            _zero(limit - 1 / (b * (a + b))) and bool(sympy.simplify((sympy.sqrt(K / (K - 1)) - 1 - least) ** 2) == 0),
            r"$K = a^2$, $k = b^2$",
        ),
    ]


def _gain(both: bool, claimed: Any) -> bool:
    """Return whether T_n less the value is ``claimed`` over (n − 1)(q + K p)(q + n p) and the determinant; y is q^K."""
    alone, own, cross = _unit(K, both, p, y)
    mean, square = K * p, K * p * q + K**2 * p**2
    # times n - 1, from λ/(n - 1)
    common, other = square * (n - 1 + q / p), own / p
    determinant = common * other - (n - 1) * cross**2
    best = mean**2 * other * (n - 1) - 2 * (n - 1) * mean * alone * cross + alone**2 * common
    least = 1 - K * p**2 * n / ((q + K * p) * (q + n * p))
    return _zero((best - (1 - least) * determinant) * (q + K * p) * (q + n * p) - claimed)


def _upper(spare: int) -> list[Step]:
    m, b = sympy.symbols("m b", positive=True)
    value = b * p**4 * m**2 + b * p**2 * (2 * b * p * q + 1 + q**2) * m - (1 + b * p) * (q + b * p + b**2 * p**2)
    limit = sympy.expand(value.subs(m, w / p**2)).subs(p, 0)
    root = sympy.sqrt((b + 1) / (b + 1 - spare)) - 1
    claimed = K * (K - 1) * p**2 * q**2 * value.subs({b: K - 1, m: n - 1})
    return [
        step(
            r"Let $m = n - 1$ equal units $L$ and one unit $\mathrm{relu}(m_1 + \dots + m_{K-1} - (K - 1) m_K)$, "
            r"which is the number of the kept among the first $K - 1$ where $m_K = 0$ and 0 elsewhere, have their "
            r"best output weights: $J_D = T_n - \frac{K (K - 1) p^2 q^2 U}{m (q + Kp)(q + np) \Delta}$, $\Delta > 0$ "
            r"the determinant for the two weights (Cauchy and Schwarz), and with $b = K - 1$ $U = b p^4 m^2 + b p^2 "
            r"(2 b p q + 1 + q^2)\, m - (1 + bp)(q + bp + b^2 p^2)$.",
            "identity",
            _gain(False, claimed),
        ),
        step(
            r"As a function of $m$ $U$ has one sign change: from a width on all need negative weights. For $m = \frac "
            r"w{p^2}$ and $p \to 0$ it tends to $(K - 1)(w^2 + 2w) - 1$, uniformly for bounded $w$: "
            rf"$p^2 n^* \to \sqrt{{\frac K{{K - {spare}}}}} - 1$, where this is 0.",
            "identity",
            _zero(limit - b * (w**2 + 2 * w) + 1) and bool(sympy.simplify(limit.subs(w, root)) == 0),
        ),
    ]


def _lower_with_biases(share: int) -> list[Step]:
    mean = (q + p * y) ** K
    two, three = (sympy.diff(mean, y, i).subs(y, 1) for i in (2, 3))
    between = ell * (ell - 1) / 2 + ell * (ell - 1) * (ell - 2) / 6 - (ell - 1) ** 2
    lost = (1 - SLOPE) / TAU
    second = K * (K - 1) * p**2 * (sympy.Rational(1, 2) + (K - 2) * p / 6)
    t = sympy.Symbol("t", positive=True)
    small = 2 * t * (q + t * 2 * q / (1 - t)) ** 2 + t * (q * (1 + t) / (1 - t)) ** 2 - q**2 * (1 + t)
    # p = s², n = w/s³; each divided by p
    kept, drop = s**2, 1 - s**2
    edge = w / (s * drop * (drop + K * kept))
    ratio = (1 + (K - 1) * (kept + s * w / drop)) / (drop + K * kept)
    gain = k * drop ** (K - k) * (1 + (K - k) * kept * edge) ** 2 / (drop + k * kept)
    square = ((K - k) * (K - k - 1) * kept**2 * edge / 2) ** 2 / kept
    negative = K**2 * kept * ratio**2 + edge**2 * second.subs(p, kept) / kept
    at = {p: kept, n: w / s**3}
    least = K - negative.subs(s, 0)
    return [
        step(
            r"With biases on $P_{(\mathbf 1, 1)}$ and $c \ge \frac12$, as in the steps on narrow layers with biases "
            r"but with $j = 0$ only in the first term: enough is $\frac{kp\, q^{K-k}}{q + kp} \bigl(1 + (K - k)\, p "
            r"\frac c\tau\bigr)^2 + \bigl(\frac{(K - k)(K - k - 1) p^2}2 \frac c\tau\bigr)^2 \le \frac{Kp}{q + Kp}$ "
            r"for $k = 0, \dots, K - 1$, and for negative output weights $K^2 p^2 \frac{(1 - c)^2}{\tau^2} + "
            r"\frac{c^2}{\tau^2} E (L - 1)_+^2 \le \frac{Kp}{q + Kp}$.",
            "identity",
            _zero(SLOPE / TAU - EDGE) and _zero(lost - (1 + (K - 1) * p * (1 + n * p / q)) / (q + K * p)),
            r"$\frac{1 - c}\tau = \frac{1 + (K - 1) p (1 + np/q)}{q + Kp}$",
        ),
        step(
            r"$(\ell - 1)_+^2 \le \frac12 \ell (\ell - 1) + \frac16 \ell (\ell - 1)(\ell - 2)$ for $\ell = 0, 1, 2, "
            r"\dots$: the difference is $\frac16 (\ell - 1)(\ell - 2)(\ell - 3)$ for $\ell \ge 1$. So $E (L - 1)_+^2 "
            r"\le \frac12 K (K - 1) p^2 + \frac16 K (K - 1)(K - 2) p^3$.",
            "identity",
            _zero(between - (ell - 1) * (ell - 2) * (ell - 3) / 6)
            and _zero(two - K * (K - 1) * p**2)
            and _zero(three - K * (K - 1) * (K - 2) * p**3),
            r"the moments from $E y^L = (q + py)^K$",
        ),
        step(
            r"If $c < \frac12$ and $t = (K - 1) p \le \frac16$ the condition on narrow layers with biases holds: $Kp "
            r"\le 2t$ and $q + np < \frac{2q}{1 - t}$, so its left side less the right one is less than $q^2 (1 + t) "
            r"\frac{2 t^2 + 5 t - 1}{(1 - t)^2} < 0$.",
            "identity",
            _zero(small - q**2 * (1 + t) * (2 * t**2 + 5 * t - 1) / (1 - t) ** 2)
            and _zero(q + q * (1 + t) / (1 - t) - 2 * q / (1 - t))
            and bool((2 * t**2 + 5 * t - 1).subs(t, sympy.Rational(1, 6)) < 0),
        ),
        step(
            r"All left sides grow with $n$. For $n = w p^{-3/2}$ and $p \to 0$, divided by $p$, the first tends to "
            r"$k < K$, and the second to $\frac12 K (K - 1) w^2$, which is less than $K$ for $w^2 < \frac{"
            + str(share)
            + r"}{K - 1}$.",
            "identity",
            _zero(EDGE.subs(at) - edge)
            and _zero(lost.subs(at) - ratio)
            and _zero(gain.subs(s, 0) - k)
            and _zero(square.subs(s, 0))
            and _zero(negative.subs(s, 0) - K * (K - 1) * w**2 / 2)
            and _zero(least.subs(w, sympy.sqrt(share / (K - 1)))),
        ),
    ]


def _upper_with_biases(share: int) -> list[Step]:
    x, e = sympy.symbols("x e", positive=True)
    two = q - y * (q + K * p)
    value = e * x**2 - p * (e + 2 * K * (K - 1) * p * q) * x - K * p * q
    claimed = K * two * value.subs({e: two, x: q + n * p})
    cubic = K * (K - 1) * (K - 2) / 6
    none = 1 - K * p + K * (K - 1) * p**2 / 2 - cubic * p**3 + r * p**4
    shown = value.subs({e: two, x: q + n * p}).subs(y, none).subs({p: s**2, n: w / s**3})
    series = sympy.Poly(sympy.expand(shown), s)
    power = min(exponent for (exponent,) in series.monoms())
    limit = sympy.factor(series.coeff_monomial(s**power))
    beta, t = sympy.symbols("beta T", positive=True)
    half = beta**2 + (1 - beta) ** 2 * t
    return [
        step(
            r"With biases let one of the $n$ units be $(L - 1)_+$: on the point mass $J_D = T_n - \frac{K e V}{(n - 1) "
            r"(q + Kp)(q + np) \Delta}$, $\Delta > 0$ as before, with $e = q - q^K (q + Kp) = q P(L \ge 2) > 0$ and "
            r"$V = e x^2 - p\, (e + 2 K (K - 1) p q)\, x - K p q$, $x = q + np$.",
            "identity",
            _gain(True, claimed),
            r"$q P(L \le 1) = q^{K+1} + K p q^K$",
        ),
        step(
            r"With output weights times $1 - \beta$ and an output bias $\beta = \frac T{1 + T}$ a network that is 0 on "
            r"the origin with the value $T$ has $\frac T{2 (1 + T)}$ on $P_{(\mathbf 1, 1)}$, which increases with "
            r"$T$.",
            "identity",
            _zero(half.subs(beta, t / (1 + t)) - t / (1 + t)) and _zero((t / (1 + t)).diff(t) - 1 / (1 + t) ** 2),
        ),
        step(
            r"As a function of $x$ $V$ has one sign change: from a width on all need negative weights. For $n = w "
            r"p^{-3/2}$ and $p \to 0$ $\frac Vp$ tends to $\frac K2 ((K - 1) w^2 - 2)$, uniformly for bounded $w$: "
            r"$p^{3/2} "
            rf"n^* \to \sqrt{{\frac{share}{{K - 1}}}}$, where this is 0.",
            "identity",
            power == 2
            and not limit.has(r)
            and _zero(limit.subs(w, sympy.sqrt(share / (K - 1))))
            and _zero(limit - K * ((K - 1) * w**2 / 2 - 1)),
            r"$q^K = 1 - Kp + \binom K2 p^2 - \binom K3 p^3 + r p^4$ with bounded $r$",
        ),
    ]


def _numbers() -> Iterator[tuple[Any, Any]]:
    for inputs, width, rate in itertools.product((2, 3), (2, 3), (Fraction(1, 2), Fraction(3, 4))):
        for biases in (False, True):
            network = swapped_network(inputs, width, rate, biases=biases)
            data = Examples.half((1,) * inputs, 1) if biases else Examples.point((1,) * inputs, 1)
            value = _value(inputs, width, rate, biases)
            found = naive_evaluation(network, data, (rate, rate)).criterion
            yield found, value / (2 * (1 + value)) if biases else value


def _grid() -> Iterator[tuple[Any, Any]]:
    rate = Fraction(19, 20)
    kept = 1 - rate
    for inputs, biases in itertools.product((2, 3), (False, True)):
        width = max(m for m in range(1, 199) if enough(inputs, m, rate, biases=biases))
        slope = (1 - rate / (rate + width * kept)) / (rate + inputs * kept)
        masks = list(itertools.product((0, 1), repeat=inputs))
        chance = [kept ** sum(m) * rate ** (inputs - sum(m)) for m in masks]

        def gains(
            weights: tuple[int, ...], shift: int, masks: Any = masks, chance: Any = chance, c: Any = slope
        ) -> tuple[Fraction, Fraction]:
            units = [max(0, shift + sum(a * u for a, u in zip(weights, m, strict=True))) for m in masks]
            start = max(0, shift)
            mean = sum(x * (h - start) * (1 - c * sum(m)) for x, h, m in zip(chance, units, masks, strict=True))
            return Fraction(mean), Fraction(start**2 + sum(x * h * h for x, h in zip(chance, units, strict=True)))

        best, size = gains((1,) * inputs, 0)
        for weights in itertools.product(range(-2, 3), repeat=inputs):
            for shift in range(-2, 3) if biases else (0,):
                gain, square = gains(weights, shift)
                yield gain**2 * size <= best**2 * square, True


@register(
    id="exactdropout-2026-width-limits",
    title="How fast the smallest width with negative weights grows as q tends to 1",
    source="exactdropout2026",
    number="width limits",
    printed=r"One hidden layer, input $\mathbf 1_K$ with label 1, $K \ge 2$, $n^*(K, q)$ the least width whose "
    r"minimisers all have negative weights. As $q \to 1$: $(1 - q)^2\, n^* \to \sqrt{\frac K{K - 1}} - 1$ without "
    r"biases on the point mass, and $(1 - q)^{3/2}\, n^* \to \sqrt{\frac2{K - 1}}$ with biases on $P_{(\mathbf 1, "
    r"1)}$.",
    statement="d = 2, every K: (1-q)^2 n*(K,q) -> sqrt(K/(K-1)) - 1 without biases, (1-q)^(3/2) n*(K,q) -> "
    "sqrt(2/(K-1)) with biases",
    verdict="holds",
    scope=SCOPE,
)
def width_limits() -> Proof:
    """Prove the entry as declared."""
    return prove()
