r"""Derived here: narrow layers do not need negative weights, for every number of inputs K, width n and q.

One hidden relu layer without biases on the point mass (1_K, 1), λ = q/p, K ≥ 2. If

    (K − 1) n² p³ ≤ q² (q + K p),

the minimum of J_D over all weights is the minimum T_n over non-negative ones: n* > (q/p) √((q + K p)/((K − 1) p)).

With biases on P_(1,1) the same holds if K p (q + (K − 1) p (q + n p))² + (K − 1) n² p³ ≤ q² (q + K p).

Proof. With ρ = 1 − c L, the residual of n equal units on the number L of kept inputs, J_D ≥ T_n unless a unit h
has (E ρ h)² > κ E h², κ what a unit h = L reaches. Given the masks of the inputs with weights ≤ 0, a unit is a convex
function that starts at 0 of the number of the kept others, and the bound for non-negative weights applies; averaged,
the bounds are below κ under the condition. For negative output weights (c L − 1)₊² ≤ c² L (L − 1) is enough.
With biases a unit also has its value t on (0, 0), which it can lose on masked inputs: two more terms with t.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.theorems.lemmas.sum_inequalities import cauchy_schwarz
from exactdropout.theorems.negative_weights.width_thresholds import THRESHOLDS
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import (
    nonnegative_minimum_steps,
    point_minimum,
)
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["narrow", "narrow_layer_steps", "narrow_with_biases", "prove"]

SCOPE = (
    "one hidden layer: without biases on the point mass, with biases on P_(1,1), all-ones input; all K >= 2, n >= 1 "
    "and q in (0, 1)"
)
K, k, n, p, j, ell = sympy.symbols("K k n p j ell", positive=True)
q = 1 - p
TAU = q / (q + n * p)
SLOPE = (1 - TAU) / (q + K * p)
"""τ = λ/(n + λ) and c."""


def narrow(inputs: int, width: int, rate: Fraction, power: int = 3) -> bool:
    """Return whether (K − 1) n² p³ ≤ q² (q + K p); only the power 3 is proved.

    >>> [width for width in range(1, 20) if narrow(4, width, Fraction(4, 5))]
    [1, 2, 3, 4, 5, 6]
    """
    return (inputs - 1) * width**2 * (1 - rate) ** power <= rate**2 * (rate + inputs * (1 - rate))


def narrow_with_biases(inputs: int, width: int, rate: Fraction, power: int = 3) -> bool:
    """Return whether K p (q + (K − 1) p (q + n p))² + (K − 1) n² p³ ≤ q² (q + K p); only the power 3 is proved.

    >>> [width for width in range(1, 20) if narrow_with_biases(4, width, Fraction(9, 10))]
    [1, 2, 3, 4, 5, 6, 7, 8]
    """
    kept = 1 - rate
    lost = inputs * kept * (rate + (inputs - 1) * kept * (rate + width * kept)) ** 2
    return lost + (inputs - 1) * width**2 * kept**power <= rate**2 * (rate + inputs * kept)


def _zero(expression: Any) -> bool:
    return bool(sympy.factor(expression) == 0)


def _moments(count: Any) -> tuple[Any, Any]:
    """The mean and the mean square of the number of kept inputs among ``count``."""
    return count * p, count * p * q + count**2 * p**2


def prove(power: int = 3) -> Proof:
    """Prove that widths with (K − 1) n² p^power ≤ q² (q + K p) need no negative weights; only 3 works."""
    return conclude("holds", SCOPE, [*nonnegative_minimum_steps(), *narrow_layer_steps(power)])


def narrow_layer_steps(power: int = 3) -> list[Step]:
    """The steps that go beyond the minimum over non-negative weights."""
    return [
        _residual(),
        *_given_the_others(),
        *_averaged(power),
        _negative_output(),
        argument(
            r"So every unit $h$ with output weight $a$ of either sign has $(a E[\rho h])_+^2 \le \kappa\, E (a "
            r"h)^2$, and enters with at least $-\frac\kappa\lambda$, as above; with $n$ of them $J_D \ge T_n$, which "
            r"non-negative weights attain."
        ),
        *_with_biases(power),
        enumerated(
            r"Units with integer weights have $E[\rho h]^2 \le \kappa E h^2$, by listing all masks.",
            _grid(power),
            "K = 2, 3, weights -2, ..., 2; K = 4, weights -1, 0, 1; the largest n of the condition at q = 3/5, 4/5",
        ),
        step(
            r"The condition excludes no width that is known to need negative weights: $K = 2$, $q$ below $\theta_n$.",
            "cases",
            not any(
                (narrow_with_biases if c.biases else narrow)(c.inputs, c.width, c.theta, power) for c in THRESHOLDS
            ),
            "n = 2, ..., 7 without biases, n = 1, ..., 7 with",
        ),
    ]


def _residual() -> Step:
    """ρ = 1 − c L and κ; every unit with (E ρ h)² ≤ κ E h² gives J_D ≥ T_n."""
    mean, square = _moments(K)
    return step(
        r"Let $\rho = 1 - c L$ with $c = \frac{1 - \tau}{q + Kp}$, $\tau = \frac\lambda{n + \lambda}$: minus the "
        r"residual of the step before without biases, whose $\kappa = E[\rho L]^2/E L^2 = \frac{Kp\, \tau^2}{q + "
        r"Kp}$. There only the gain of a unit used that weights are $\ge 0$. It is left to show that no unit gains "
        r"more: $E[\rho h]^2 \le \kappa E h^2$ where $E[\rho h] > 0$, and where $E[\rho h] < 0$.",
        "identity",
        _zero(SLOPE - (1 - point_minimum(K, n, q / p)) / mean)
        and _zero((mean - SLOPE * square) ** 2 / square - K * p * TAU**2 / (q + K * p)),
    )


def _given_the_others() -> list[Step]:
    """What a unit gains given the masks of its inputs with weights ≤ 0."""
    mean, square = _moments(k)
    start = 1 - SLOPE * j
    gain = (start * mean - SLOPE * square) / square
    return [
        argument(
            r"Let $k \ge 1$ input weights of $h$ be positive (with none $h = 0$), and let the masks of the other "
            r"inputs be given, $j$ of them kept. Then $h$ is a unit with weights $\ge 0$ on $k$ inputs and a bias "
            r"$\le 0$: $\psi(\ell) = E[h \mid \ell]$, $\ell$ of the $k$ kept, is convex and non-decreasing with "
            r"$\psi(0) = 0$."
        ),
        step(
            r"If $1 - c j \ge 0$: with $\gamma = E[(1 - c j - c \ell) \ell]/E \ell^2$ the line $1 - c j - c \ell - "
            r"\gamma \ell$ has the slope $-\frac{1 - c j}{q + kp} \le 0$ and $E[w \ell] = 0$, so as above $E[\rho "
            r"\psi] \le \gamma E[\ell \psi]$. If $1 - c j < 0$ then $\rho < 0$ and $E[\rho \psi] \le 0$. So in both "
            r"cases, by Cauchy and Schwarz, $E[\rho h] \le g_j \sqrt{E h^2}$ with $g_j^2 = \gamma^2 E \ell^2 = "
            r"\frac{kp\, (1 - c j - c (q + kp))^2}{q + kp}$.",
            "identity",
            _zero(SLOPE + gain - start / (q + k * p))
            and _zero(gain**2 * square - k * p * (1 - SLOPE * j - SLOPE * (q + k * p)) ** 2 / (q + k * p)),
        ),
    ]


def _averaged(power: int) -> list[Step]:
    mean, square = _moments(K - k)
    level = 1 - SLOPE * (q + k * p)
    average = k * p / (q + k * p) * (level**2 - 2 * SLOPE * level * mean + SLOPE**2 * square)
    left = K * p * TAU**2 / (q + K * p)
    rest = TAU**2 - k * p * (1 - TAU) ** 2 / (q + K * p)
    condition = q**2 * (q + K * p) - (K - 1) * n**2 * p**power
    spare = TAU**2 - (K - 1) * p * (1 - TAU) ** 2 / (q + K * p)
    return [
        cauchy_schwarz(
            r"On average over the other masks: $E[\rho h] \le E_v\, g_j \|h\|_v \le \sqrt{E_v\, g_j^2} \sqrt{E h^2}$."
        ),
        step(
            r"$E_v\, g_j^2 = \frac{kp}{q + kp} \bigl(\tau^2 + c^2 (K - k) p q\bigr)$, and $\kappa - E_v\, g_j^2 = "
            r"\frac{pq (K - k)}{(q + Kp)(q + kp)} \Bigl(\tau^2 - \frac{kp (1 - \tau)^2}{q + Kp}\Bigr)$.",
            "identity",
            _zero(average - k * p / (q + k * p) * (TAU**2 + SLOPE**2 * (K - k) * p * q))
            and _zero(left - average - p * q * (K - k) / ((q + K * p) * (q + k * p)) * rest),
        ),
        step(
            r"For $k = K$ this is 0, for $k \le K - 1$ the bracket is at least $\tau^2 - \frac{(K-1) p (1 - "
            r"\tau)^2}{q + Kp}$, which is $\frac{q^2 (q + Kp) - (K - 1) n^2 p^3}{(q + np)^2 (q + Kp)}$: not negative "
            r"by the condition.",
            "identity",
            _zero(spare - condition / ((q + n * p) ** 2 * (q + K * p))),
        ),
    ]


def _negative_output() -> Step:
    """E (cL − 1)₊² ≤ c² E L (L − 1) = c² K (K − 1) p² ≤ κ, as c ≤ 1."""
    mean, square = _moments(K)
    bound = SLOPE**2 * (square - mean)
    left = K * p * TAU**2 / (q + K * p)
    spare = TAU**2 - (K - 1) * p * (1 - TAU) ** 2 / (q + K * p)
    # 1 - c has positive coefficients for K = 1 + u
    u, s = sympy.symbols("u s", positive=True)
    below = sympy.fraction(sympy.factor((1 - SLOPE).subs(K, 1 + u).subs(p, 1 / (1 + s))))
    positive = all(all(x > 0 for x in sympy.Poly(part, u, s, n).coeffs()) for part in below)
    return step(
        r"Negative output weights: $-E[\rho h] \le E[(c L - 1)_+ h] \le \sqrt{E (c L - 1)_+^2}\, \sqrt{E h^2}$. As "
        r"$c \le 1$, for $L \ge 1$ $c L - 1 \le c (L - 1)$ and $(L - 1)^2 = L (L - 1) - (L - 1) \le L (L - 1)$; so "
        r"$E (c L - 1)_+^2 \le c^2 K (K - 1) p^2$, and $\kappa$ less this is $\frac{Kp}{q + Kp}$ times the last "
        r"bracket.",
        "identity",
        positive
        and _zero(square - mean - K * (K - 1) * p**2)
        and _zero((ell - 1) ** 2 - ell * (ell - 1) + (ell - 1))
        and _zero(left - bound - K * p / (q + K * p) * spare),
        "1 - c: positive coefficients",
    )


def _with_biases(power: int) -> list[Step]:
    """The same with hidden biases and an output bias on P_(1,1): t is the value of a unit on (0, 0)."""
    mean, square = _moments(K)
    left = K * p * TAU**2 / (q + K * p)
    condition = q**2 * (q + K * p) - (K - 1) * n**2 * p**power - K * p * (q + (K - 1) * p * (q + n * p)) ** 2
    negative = left - (K * p * (1 - SLOPE)) ** 2 - SLOPE**2 * (square - mean)
    u, s = sympy.symbols("u s", positive=True)

    def nonnegative(polynomial: Any) -> bool:  # K = 2 + u, p = 1/(1 + s)
        moved = sympy.together(sympy.expand(polynomial).subs(K, 2 + u).subs(p, 1 / (1 + s)))
        return all(all(x >= 0 for x in sympy.Poly(part, u, s, n).coeffs()) for part in moved.as_numer_denom())

    # the condition gives q - 2 K (K - 1) p^2 >= 0: q^2 times this, less the condition, is a sum of products
    implied = q**2 * (q - 2 * K * (K - 1) * p**2) - condition
    value = 1 - SLOPE * K * p
    first = 1 - SLOPE * (1 + k * p)
    return [
        step(
            r"With biases on $P_{(\mathbf 1, 1)}$: $E \rho = T$ and $\frac\beta{1 - \beta} = T$, so with $t$ the "
            r"value of the unit on $(0, 0)$ $\Lambda(h) = (1 - \beta)\, E[\rho\, (h - t)]$; $\|h\|^2 = E h^2 + t^2$, "
            r"and $\kappa$ is $(1 - \beta)^2$ times the one above.",
            "identity",
            _zero(value - point_minimum(K, n, q / p))
            and _zero(value / (1 + value) - value * (1 - value / (1 + value))),
        ),
        argument(
            r"Given the other masks $h = t_v + g$ with $0 \le t_v \le t$ and $g$ as $\psi$ above, so $E[\rho g] \le "
            r"\sqrt{E_v\, g_j^2} \sqrt{E g^2}$, $-E[\rho (t - t_v)] \le t\, E_v (c (j + kp) - 1)_+$ and $\|h\|^2 \ge "
            r"E g^2 + t^2$."
        ),
        step(
            r"For $k \le K - 1$: $c (1 + kp) \le 1$, so $(c (j + kp) - 1)_+ \le c (j - 1)_+ \le \frac c2 j (j - 1)$, "
            r"with mean $\frac c2 (K - k)(K - k - 1) p^2 =: \delta$; for $k = K$ $t_v = t$.",
            "identity",
            _zero((q + K * p) * (1 - (1 + k * p) / (q + K * p)) - (K - k - 1) * p)
            and _zero(first - (1 - (1 + k * p) / (q + K * p)) - TAU * (1 + k * p) / (q + K * p))
            and _zero(_moments(K - k)[1] - _moments(K - k)[0] - (K - k) * (K - k - 1) * p**2),
        ),
        step(
            r"The condition gives $2 K (K - 1) p^2 \le q$, and more than the one without biases. So $Kp \le 1$, $q + "
            r"kp \le 2$ and $\delta^2 \le \frac{c^2}4 (K - k)(K - k - 1) p^2 \frac q{q + kp}$, a quarter of a lower "
            r"bound of $\kappa - E_v\, g_j^2$: then $(E[\rho g] + t \delta)^2 \le \kappa\, \|h\|^2$.",
            "identity",
            nonnegative(implied) and _delta(),
            "q^2 (q - 2 K (K - 1) p^2) less the condition: coefficients >= 0",
        ),
        step(
            r"Negative output weights: $-E[\rho (h - t)] \le Kp (1 - c)\, t + E[(c L - 1)_+ (h - t)_+]$, as $h = t$ "
            r"where no input is kept, and $\|h\|^2 \ge E (h - t)_+^2 + t^2$: enough is $K^2 p^2 (1 - c)^2 + c^2 K (K "
            r"- 1) p^2 \le \kappa$, which is the condition, divided by $(q + np)^2 (q + Kp)^2/(Kp)$.",
            "identity",
            _zero(negative - K * p * condition / ((q + n * p) ** 2 * (q + K * p) ** 2)),
        ),
    ]


def _delta() -> bool:
    """δ² ≤ κ − E g_j² from 2 K (K − 1) p² ≤ q and the condition without biases."""
    delta = SLOPE * (K - k) * (K - k - 1) * p**2 / 2
    # (K − k)(K − k − 1) p² ≤ q/2 ≤ q/(q + kp), as q + kp ≤ 2
    upper = SLOPE**2 * (K - k) * (K - k - 1) * p**2 / 4 * q / (q + k * p)
    exact = _zero(delta**2 - SLOPE**2 / 4 * ((K - k) * (K - k - 1)) ** 2 * p**4)
    # κ − E g² ≥ pq (K − k)/((q + Kp)(q + kp)) (K − 1 − k) p (1 − τ)²/(q + Kp)
    lower = p * q * (K - k) / ((q + K * p) * (q + k * p)) * (K - 1 - k) * p * (1 - TAU) ** 2 / (q + K * p)
    # K² p² ≤ 2 K (K − 1) p² ≤ q, as K ≤ 2 (K − 1)
    return exact and _zero(lower - 4 * upper) and _zero(2 * K * (K - 1) - K**2 - K * (K - 2))


def _grid(power: int) -> Iterator[tuple[Any, Any]]:
    for inputs, values in ((2, range(-2, 3)), (3, range(-2, 3)), (4, range(-1, 2))):
        for rate in (Fraction(3, 5), Fraction(4, 5)):
            kept = 1 - rate
            width = max((w for w in range(1, 40) if narrow(inputs, w, rate, power)), default=1)
            slope = (1 - rate / (rate + width * kept)) / (rate + inputs * kept)
            masks = list(itertools.product((0, 1), repeat=inputs))
            chance = [kept ** sum(m) * rate ** (inputs - sum(m)) for m in masks]

            def gains(weights: tuple[int, ...], masks: Any = masks, chance: Any = chance, c: Any = slope) -> Any:
                units = [max(0, sum(w * u for w, u in zip(weights, m, strict=True))) for m in masks]
                mean = sum(x * h * (1 - c * sum(m)) for x, h, m in zip(chance, units, masks, strict=True))
                return mean**2, sum(x * h * h for x, h in zip(chance, units, strict=True))

            best, size = gains((1,) * inputs)
            for weights in itertools.product(values, repeat=inputs):
                gain, square = gains(weights)
                yield gain * size <= best * square, True


@register(
    id="exactdropout-2026-narrow-layers",
    title="Narrow layers do not need negative weights",
    source="exactdropout2026",
    number="narrow layers",
    printed=r"One hidden layer without biases on the point mass $(\mathbf 1_K, 1)$, $K \ge 2$: if $(K - 1)\, n^2 p^3 "
    r"\le q^2 (q + Kp)$ then the minimum of $J_D$ over all weights is that over non-negative weights, so $n^*(K, q) "
    r"> \frac qp \sqrt{\frac{q + Kp}{(K - 1) p}}$.",
    statement="d = 2: no negative weights are needed where (K-1) n^2 p^3 <= q^2 (q + Kp); with biases: Kp r^2 more on "
    "the left, r = q + (K-1) p (q + np)",
    verdict="holds",
    scope=SCOPE,
)
def narrow_layers() -> Proof:
    """Prove the entry as declared."""
    return prove()
