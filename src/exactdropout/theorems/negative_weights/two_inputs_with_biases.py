r"""Two inputs, one hidden relu layer of width n with biases, P_(1,1): n*(2, q) for large q.

As in :mod:`.two_inputs`, with two more values of a unit h: t ≥ 0 on the origin and where both inputs are dropped. Then

    2 J_D ≥ M²/(M² + N),    M = E ρ,   N = E ρ² + Σ_i max_h (2Λ(h) − λ‖h‖²),   ρ(0, 0) = 1,

Λ(h) = E[ρ (h − t)], ‖h‖² = E h² + t²: at least T/(1 + T) where the bound 2M − N without biases is at least T. For the
vectors ρ of that case a unit with biases gains no more than one without, except the unit (0, 0, γ) with a negative
output weight, which is nothing without biases. One more ρ is for that unit. It shows that negative weights are needed
exactly where S > 0, as without biases, or

    W = p x² − p (p + 4) x − 2 > 0,    x = q + n p.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy
from flint import fmpz_poly

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.negative_weights.common_and_mixed_units import positive_on
from exactdropout.theorems.negative_weights.two_inputs import (
    LEAST,
    SINGLE,
    Vector,
    best_common,
    duals,
    inner,
    lam,
    n,
    needs_negative,
    p,
    positive,
    q,
    zero,
)
from exactdropout.theorems.proof import Step, argument, enumerated, step

__all__ = ["needs_negative_with_biases", "network_with_both", "two_inputs_with_biases_steps"]

x = sympy.Symbol("x", positive=True)
X = q + n * p
KINK = p * x**2 - p * (p + 4) * x - 2
BOTH = KINK.subs(x, X)
"""W > 0: one unit (0, 0, γ) with a negative output weight and n − 1 common ones are below T_n."""
MIXED_AGAINST_BOTH = n**2 * p**4 + 2 * n * p**2 * (1 + p - p**2) - (1 + 2 * p + p**2 - 2 * p**3 - 3 * p**4)
"""Not positive exactly where a mixed unit gains no more than a common one, for the ρ of the unit (0, 0, γ)."""
SCALE = 2 * n * p**2 + n * p + 1 - 2 * p**2
RHO: Vector = ((n * p**2 + 1 + p - p**2) / SCALE,) * 2 + (-q * (n * p - 1 - 2 * p) / SCALE,)
MOST = Fraction(13, 50)
SPLIT = Fraction(5, 2)
"""n p: below, the unit (0, 0, γ) counts as a common one beside mixed units; above, mixed units count as common ones."""
r1, r2, s, t, a, c, z = sympy.symbols("r_1 r_2 s t a c z", real=True)


def two_inputs_with_biases_steps() -> list[Step]:
    """Negative weights are needed at n ≥ 8, q ≥ 0.7195 with biases exactly where S > 0 or W > 0."""
    return [
        argument(
            r"$K = 2$ with biases on $P_{(\mathbf 1, 1)}$. A unit is $t$ on the origin and, where both inputs are "
            r"dropped, also on the example; with $t > 0$ it is $h = ((t + w_1)_+, (t + w_2)_+, (t + w_1 + w_2)_+)$ on "
            r"the other masks. With $t = 0$ and weights $\ge 0$ it is $(\alpha, \beta, \gamma)$ with $\gamma \ge "
            r"\alpha + \beta$; with $t = 0$ and one weight $\ge 0$ it is mixed as above, $(\alpha, 0, \gamma)$ with "
            r"$\gamma \le \alpha$."
        ),
        _duality(),
        _positive_outputs(),
        _negative_outputs(),
        _conditions(),
        *_compared(),
        argument(
            r"So let $S \le 0$ and $W \le 0$. Without a unit $(0, 0, \gamma)$ (negative output weight, $t = 0$, "
            r"weights $\ge 0$) all units gain at most what common or mixed ones do, and the bounds without biases "
            r"hold. With such units, $l \ge 1$ of them, and $k$ mixed ones: if $k \ge 1$ and $np \le \frac52$ they "
            r"gain at most $D_c$ in the vector that belongs to the mixed units, and count as common. Otherwise the "
            r"last $\rho$ gives $T_n + (l - 1)(D_c - D_b) + k (D_c - D_m)$ or more, and $D_c \ge D_b$ as $n$ common "
            r"units give $T_n$."
        ),
        _below(),
        enumerated(
            "The network of the last step: J_D by the double loop.",
            _numbers(),
            "n = 5 and 8, q = 3/4; 2 examples, 128 and 1,024 masks",
        ),
    ]


def _on(expression: Any, low: Fraction, high: Fraction) -> bool:
    """Return whether a polynomial in p alone is > 0 for low < p ≤ high."""
    polynomial = sympy.Poly(expression, p)
    coefficients = [x * sympy.lcm_list([y.q for y in polynomial.all_coeffs()]) for x in polynomial.all_coeffs()[::-1]]
    return positive_on(fmpz_poly([int(x) for x in coefficients]), low, high)


def _between(polynomial: Any, first: Any, last: Any, high: Fraction) -> bool:
    """Return whether a polynomial is > 0 for first ≤ n ≤ last, 0 < p ≤ high: n = (first + last z)/(1 + z), z ≥ 0."""
    top, bottom = sympy.fraction(sympy.together(polynomial.subs(n, (first + last * z) / (1 + z))))
    return all(_on(e, Fraction(0), high) for part in (top, bottom) for e in sympy.Poly(part, z).all_coeffs())


def _duality() -> Step:
    m, big, least, scale, beta, u, v, sigma = sympy.symbols("M N T s beta u v sigma", positive=True)
    square = (1 - beta - v) ** 2 - (2 * sigma * (1 - beta - v) - sigma**2)
    origin = (beta + u) ** 2 - (2 * sigma * (beta + u) - sigma**2)
    best = 2 * scale * m - scale**2 * (m**2 + big)
    return step(
        r"Let $\rho(0, 0) = 1$, $M = E \rho = q^2 + \langle \rho, 1 \rangle$, $\Lambda(h) = E[\rho (h - t)]$, "
        r"$\|h\|^2 = E h^2 + t^2$ and $N = q^2 + \|\rho\|^2 + \sum_i \max_h (2 \Lambda(h) - \lambda \|h\|^2)$. "
        r"Squares lie above their tangents, with the residuals $s \rho$ on the example and $-sM$ on the origin; the "
        r"output bias drops out, and $2 J_D \ge 2 s M - s^2 (M^2 + N)$, which is $\frac{M^2}{M^2 + N}$ at the best "
        r"$s$. If $B = 2 M - N \ge T$ this is at least $\frac T{1 + T}$, as $M^2 - T N \ge M^2 - B N = (M - N)^2$.",
        "identity",
        zero(square - (1 - beta - v - sigma) ** 2)
        and zero(origin - (beta + u - sigma) ** 2)
        and zero(best.subs(scale, m / (m**2 + big)) - m**2 / (m**2 + big))
        and zero(m**2 / (m**2 + big) - least / (1 + least) - (m**2 - least * big) / ((m**2 + big) * (1 + least)))
        and zero(m**2 - (2 * m - big) * big - (m - big) ** 2),
    )


def _gained(rho: Vector, values: Vector) -> Any:
    """Λ(h) of a unit with these values on (1, 0), (0, 1), (1, 1) and t on the origin."""
    return inner(rho, tuple(v - t for v in values))


def _positive_outputs() -> Step:
    rho: Vector = (r1, r2, s)
    first, second = p * q * r1 + p**2 * s, p * q * r2 + p**2 * s
    kappa = (r1 + r2 - s) / (1 + p)
    near: Vector = (r1 - kappa * p, r2 - kappa * p, s + kappa * q)
    alpha, beta, gamma = sympy.symbols("alpha beta gamma")
    unit: Vector = (alpha, beta, gamma)
    c1, c2, c3 = sympy.symbols("c_1 c_2 c_3")
    off = _gained(rho, (t - c1, t - c2, t - c3))
    return step(
        r"Let $\rho_1, \rho_2 > 0$, $x_i = pq \rho_i + p^2 \rho_3 \ge 0$, $\rho_3 \le \rho_1 + \rho_2$, and the output "
        r"weight positive. $t = 0$, weights $\ge 0$: $\rho = h^* + \kappa\, (p, p, -q)$, $h^*$ common with "
        r"$\|h^*\|^2 = \lambda D_c$, $\kappa = \frac{\rho_1 + \rho_2 - \rho_3}{1 + p}$, so $\Lambda(h) = \langle "
        r"h^*, h \rangle - \kappa p^2 q (\gamma - \alpha - \beta)$: at most $D_c$. $t > 0$, weights $\ge 0$: $h - t$ "
        r"is common. $w_1 = a \ge 0$, $w_2 = -c$, $0 < c \le t$: $\Lambda(h) = a x_1 - c x_2$, at most that of $(a, "
        r"0, a)$. $c > t$: with $h = (t + a, 0, \gamma)$, $0 \le \gamma \le a$, $\Lambda(h) = \langle \rho, (a, 0, "
        r"\gamma) \rangle - t x_2$: at most that of a mixed unit. Both weights negative, $h - t = -(c_1, c_2, c_3)$, "
        r"$c_1, c_2 \le c_3 \le c_1 + c_2$: $\Lambda(h) = -c_1 x_1 - c_2 x_2 + p^2 \rho_3 (c_1 + c_2 - c_3) \le 0$, "
        r"for $\rho_3 \ge 0$ also clear.",
        "identity",
        zero(near[0] + near[1] - near[2])
        and zero(inner(near, near) - lam * best_common(rho))
        and zero(inner(rho, unit) - inner(near, unit) + kappa * p**2 * q * (gamma - alpha - beta))
        and zero(_gained(rho, (t + a, t - c, t + a - c)) - a * first + c * second)
        and zero(inner(rho, (a, 0, a)) - a * first)
        and zero(_gained(rho, (t + a, 0, gamma)) - inner(rho, (a, 0, gamma)) + t * second)
        and zero(off + c1 * first + c2 * second - p**2 * s * (c1 + c2 - c3)),
    )


def _negative_outputs() -> Step:
    x1, x2 = sympy.symbols("x_1 x_2")
    common = (x1**2 - 2 * p * x1 * x2 + x2**2) / (p * (1 - p**2))
    return step(
        r"Negative output weights. $t = 0$, weights $\ge 0$: $-\Lambda(h) \le -p^2 \rho_3 \gamma$ gains $D_b = p^2 "
        r"\rho_3^2/\lambda$ at most, and nothing if $\rho_3 \ge 0$. Mixed, or $t > 0$ and weights $\ge 0$: "
        r"$-\Lambda(h) \le 0$. $t > 0$, one weight negative: $-\Lambda(h) \le \min(c, t)\, x_2$ and $\|h\|^2 \ge (1 "
        r"+ q^2 + pq)\, t^2 = (1 + q)\, t^2$, less than $D_c$, as $\lambda D_c \ge x_2^2/p$. Two: $\|h\|^2 \ge (1 + "
        r"q^2)\, t^2$ and $-\Lambda(h) \le t (x_1 + x_2)$ if $\rho_3 \ge 0$, $\le t p q (\rho_1 + \rho_2)$ if not; "
        r"as $\lambda D_c \ge \frac{x_1^2 + x_2^2}{p (1 + p)}$ this is at most $D_c$ if $2p (1 + p) \le 1 + q^2$, "
        r"and $p^3 q^2 (1 + p)(\rho_1 + \rho_2)^2 \le (1 + q^2)(x_1^2 + x_2^2)$ where $\rho_3 < 0$.",
        "identity",
        zero(1 + q**2 + p * q - (1 + q))
        and zero(common - x2**2 / p - (x1 - p * x2) ** 2 / (p * (1 - p**2)))
        and zero(common - (x1**2 + x2**2) / (p * (1 + p)) - (x1 - x2) ** 2 / (1 - p**2))
        and zero(2 * (x1**2 + x2**2) - (x1 + x2) ** 2 - (x1 - x2) ** 2)
        and _on(1 + q**2 - 2 * p * (1 + p), Fraction(0), MOST),
    )


def _room(rho: Vector) -> Any:
    """(1 + q²)(x₁² + x₂²) − p³ q² (1 + p)(ρ₁ + ρ₂)²."""
    first, second = (p * q * r + p**2 * rho[2] for r in rho[:2])
    return (1 + q**2) * (first**2 + second**2) - p**3 * q**2 * (1 + p) * (rho[0] + rho[1]) ** 2


def _conditions() -> Step:
    """What the two steps before ask of the vectors, for n ≥ 8 and S ≤ 0."""
    slope = 1 / ((1 + p) * (1 + lam / n))
    vectors = {name: found[0] for name, found in duals().items()}
    edges: list[Vector] = [(1 - slope, 1 - slope, 1 - 2 * slope), vectors["single"], vectors["pair"], RHO]
    holds = _on(SINGLE.subs(n, 8), MOST, Fraction(2805, 10**4))
    holds = holds and _on(sympy.expand(125 * p * SINGLE.subs(n, 3 / (5 * p**2))), Fraction(0), MOST)
    for rho in (*edges, vectors["single free"], vectors["pair free"]):
        for value in (rho[0], rho[1], rho[0] + rho[1] - rho[2]):
            holds = holds and _manifest(value)
    for rho in edges:
        holds = holds and all(_manifest(q * r + p * rho[2]) for r in rho[:2])
        top, bottom = _parts(_room(rho))
        sign = 1 if _between(bottom, 8, 3 / (5 * p**2), MOST) else -1
        holds = holds and all(_between(sign * part, 8, 3 / (5 * p**2), MOST) for part in (top, bottom))
    return step(
        r"For $n \ge 8$ and $S \le 0$, so $p \le \frac{13}{50}$ and $n < \frac3{5 p^2}$, all this holds for the "
        r"vectors without biases, wherever they are used, and for $\rho = \frac1{2 n p^2 + n p + 1 - 2 p^2} \bigl(n "
        r"p^2 + 1 + p - p^2, n p^2 + 1 + p - p^2, -q (n p - 1 - 2p)\bigr)$.",
        "root count",
        holds,
        "the last condition wherever rho_3 can be negative",
    )


def _parts(value: Any) -> tuple[Any, Any]:
    """Return numerator and denominator of a rational function of n and p."""
    found = sympy.polys.fields.FracField((n, p), sympy.QQ, sympy.polys.orderings.lex).from_expr(value)
    return found.numer.as_expr(), found.denom.as_expr()


def _manifest(value: Any) -> bool:
    """Return whether a rational function is > 0 for n ≥ 8 and the p in question, by the signs of coefficients."""
    top, bottom = _parts(value)
    return (positive(top) and positive(bottom)) or (positive(-top) and positive(-bottom))


def _compared() -> list[Step]:
    vectors = {name: found[0] for name, found in duals().items()}
    high = Fraction(1, 5)
    low = True
    for name in ("single", "pair"):
        rho = vectors[name]
        top, bottom = _parts(lam * best_common(rho) - p**2 * rho[2] ** 2)
        sign = 1 if _below_split(bottom) else -1
        low = low and _below_split(sign * top) and _below_split(sign * bottom)
    gap = lam * best_common(RHO) - p * q * RHO[0] ** 2
    mixed = zero(gap + q * p * MIXED_AGAINST_BOTH / SCALE**2)
    beyond = sympy.expand(SINGLE - X * MIXED_AGAINST_BOTH)
    return [
        step(
            r"If $np \le \frac52$ then $D_b \le D_c$ for the vectors of one and of two mixed units with $\rho_3 \le "
            r"0$ (in the others $(0, 0, \gamma)$ gains nothing).",
            "root count",
            low,
            "0 < p <= 13/50",
        ),
        step(
            r"If $np > \frac52$ and $S \le 0$, then $p < \frac15$, $n < \frac1{2 p^2}$, and for the $\rho$ of the "
            r"unit $(0, 0, \gamma)$ $\rho_3 < 0$ and $D_m \le D_c$: the sign is that of $-Z$, $Z = n^2 p^4 + 2 n p^2 "
            r"(1 + p - p^2) - (1 + 2p + p^2 - 2 p^3 - 3 p^4)$, and $S > (np + q) Z$.",
            "root count",
            mixed
            and _on(sympy.expand(SINGLE.subs(n, SPLIT / p)), high, MOST)
            and _on(sympy.expand(8 * p * SINGLE.subs(n, 1 / (2 * p**2))), Fraction(0), high)
            and _between(beyond, SPLIT / p, 1 / (2 * p**2), high)
            and SPLIT - 1 - 2 * MOST > 0,
        ),
    ]


def _below_split(polynomial: Any) -> bool:
    """Return whether a polynomial is > 0 for 0 ≤ n p ≤ 5/2, 0 < p ≤ 13/50: n = 5/(2 p (1 + z))."""
    split = sympy.Rational(SPLIT.numerator, SPLIT.denominator)
    top, bottom = sympy.fraction(sympy.together(polynomial.subs(n, split / (p * (1 + z)))))
    return all(_on(x, Fraction(0), MOST) for part in (top, bottom) for x in sympy.Poly(part, z).all_coeffs())


def _sums() -> tuple[Any, Any]:
    """The sum a of the common units on each input, and the last unit's value, from H = 1 − ρ."""
    common = 1 - RHO[0]
    return common, 1 - RHO[2] - 2 * common


def network_with_both(width: int, rate: Fraction) -> Network:
    """Return width − 1 common units and one (m_1 + m_2 − 1)₊ with a negative output weight.

    >>> network = network_with_both(3, Fraction(1, 2))
    >>> print(*network.weights[0][0], *network.weights[0][2], *network.biases[0])
    3/28 3/28 1/28 1/28 0 0 -1/14
    """
    drop = sympy.Rational(rate.numerator, rate.denominator)
    kept = 1 - rate
    at = {n: width, p: 1 - drop}
    common, last = (_fraction(e.subs(at)) for e in _sums())
    value = _fraction(_value().subs(at))
    bias = value / (1 + value)
    rows = [[kept * common / (width - 1)] * 2] * (width - 1) + [[kept * abs(last)] * 2]
    out = [1 - bias] * (width - 1) + [(1 - bias) * (1 if last > 0 else -1)]
    return Network([rows, out], [[Fraction(0)] * (width - 1) + [-abs(last)], bias])


def _fraction(number: Any) -> Fraction:
    exact = sympy.Rational(number)
    return Fraction(int(exact.p), int(exact.q))


def _value() -> Any:
    """J_D on the point mass of the units with the sums of ``_sums``, from the definition."""
    common, last = _sums()
    miss: Vector = (1 - common, 1 - common, 1 - 2 * common - last)
    shared: Vector = (common, common, 2 * common)
    return q**2 + inner(miss, miss) + lam * (inner(shared, shared) / (n - 1) + p**2 * last**2)


def _below() -> Step:
    factor = p**2 * q / ((1 + p) * X * SCALE)
    beta, value = sympy.symbols("beta T", positive=True)
    half = beta**2 + (1 - beta) ** 2 * value
    return step(
        r"Conversely, the common units and the unit $(0, 0, \gamma)$ with $\sum h_i = 1 - \rho$ have $J_D = T_n$ "
        r"less the same multiple of $W$ on the point mass, and with an output bias $\frac T{1 + T}$ and output "
        r"weights times $\frac1{1 + T}$ the value $T$ becomes $\frac T{2 (1 + T)}$: negative weights are needed if "
        r"$W > 0$, and if $S > 0$ by the network without biases. $W$ has one sign change in $x$, so every larger "
        r"width needs them too.",
        "identity",
        zero(_value() - LEAST + factor * BOTH)
        and zero(half.subs(beta, value / (1 + value)) - value / (1 + value))
        and [sympy.sign(coefficient) for coefficient in sympy.Poly(KINK, x).all_coeffs()] == [1, -1, -1],
    )


def needs_negative_with_biases(width: int, rate: Fraction) -> bool:
    """Return whether S > 0 or W > 0: whether every minimiser of this width ≥ 8 has a negative weight, q ≥ 0.7195.

    >>> [min(m for m in range(8, 400) if f(m, Fraction(24, 25))) for f in (needs_negative, needs_negative_with_biases)]
    [261, 211]
    """
    kept = 1 - rate
    edge = rate + width * kept
    return needs_negative(width, rate) or kept * edge**2 - kept * (kept + 4) * edge - 2 > 0


def _numbers() -> Iterator[tuple[Any, Any]]:
    for width in (5, 8):
        rate = Fraction(3, 4)
        network = network_with_both(width, rate)
        found = naive_evaluation(network, Examples.half((1, 1), 1), (rate, rate)).criterion
        value = _fraction((LEAST - p**2 * q / ((1 + p) * X * SCALE) * BOTH).subs({n: width, p: sympy.Rational(1, 4)}))
        yield found, value / (2 * (1 + value))
