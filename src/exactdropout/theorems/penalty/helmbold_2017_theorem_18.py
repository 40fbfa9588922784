"""Theorem 18 of Helmbold and Long (2017): the dropout penalty can grow exponentially in the depth.

Point mass on x = (1, …, 1) with label y, all weights c = (y/(K n^{d−1}))^{1/d}, no biases: risk 0 and
J_D = Var D = y² [(1 + λ/K)(1 + λ/n)^{d−1} − 1]; with widths n_l and rates q_l, y² [∏_l (1 + λ_l/n_l) − 1].
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.kept_counts import kept_count_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "variance_factor"]

SCOPE = "all K, n, d >= 2 and 0 <= y <= K n^(d-1), point mass; variance for all widths and rates"
SIZES = ((2, (2,)), (2, (3,)), (1, (2, 2)), (2, (2, 2)), (2, (1, 2, 1)))
HALF = Fraction(1, 2)


def variance_factor(widths: tuple[int, ...], rates: tuple[Fraction, ...]) -> Fraction:
    """Return ∏_l (1 + λ_l/n_l) − 1 over the droppable layers."""
    return math.prod((1 + q / ((1 - q) * n) for n, q in zip(widths, rates, strict=True)), start=Fraction(1)) - 1


def constant_network(inputs: int, hidden: tuple[int, ...], c: object) -> Network:
    """Return the network whose weights are all c, without biases."""
    widths = (inputs, *hidden, 1)
    return Network([[[c] * widths[j]] * widths[j + 1] for j in range(len(widths) - 1)])


def prove(exponent: int = 1) -> Proof:
    """Prove the theorem with (1 + λ_l/n_l)^exponent per layer; only the exponent 1 works."""
    steps = [
        *kept_count_moments(),
        induction(
            r"All units of a layer are equal, and $H_j = c\, N_{j-1} H_{j-1}$ with $N_{j-1}$ the scaled count of kept "
            r"units below; so by induction $\mathcal D = c^d N_0 N_1 \cdots N_{d-1}$, relu being idle. Hence "
            r"$E \mathcal D = c^d K n^{d-1} = y = W(x)$: risk 0, no bias, and $J_D = \mathrm{Var}\, \mathcal D$.",
            start=_next_layer()[0],
            step=_next_layer()[1],
            detail=r"$H_1 = c N_0$; one more unit below, kept or not, adds $c\, (r/p)\, H_{j-1}$, and relu of $\ge "
            r"0$ is idle",
        ),
        _second_moment(exponent),
        *(_at_size(inputs, hidden, exponent) for inputs, hidden in SIZES),
        *_bounds(),
        enumerated(
            r"$c = \frac12$ and given sizes: risk 0, variance and criterion by the formula, (b) and (c).",
            [pair for inputs, hidden in SIZES[:4] for pair in _numbers(inputs, hidden, exponent)],
            "16 to 64 masks, q = 1/2",
        ),
        step(
            r"A caution: with Definition 1's $P_{(x,y)}$ instead of the point mass this network would violate (b): "
            r"$K = 2$, $n = 10$, $d = 2$, $y = 20$ gives $J_D = 130$ against $y^2/(K+1) = \frac{400}3$.",
            "derivation",
            derive(constant_network(2, (10,), 1), Examples.half((1, 1), 20), HALF).criterion.expr == 130,
        ),
        *_with_a_shift(),
        *_growing_labels(),
    ]
    return conclude("holds", SCOPE, steps)


def _growing_labels() -> list[Step]:
    """The remark after the theorem, for y = e^{ad}: J_D ≥ e^{2ad}/K, and J₂ at most a line in d."""
    a, d, k, n, strength = sympy.symbols("a d K n lambda", positive=True)
    label = sympy.exp(a * d)
    penalty = strength * sympy.exp(2 * a) / 2 * (k * n + n**2 * (d - 2) + n)
    return [
        step(
            r"The remark after the theorem: for $y = e^{ad}$, $a > 0$, the penalty is at least $y^2/K = e^{2ad}/K$, "
            r"and "
            r"$y^{2/d} = e^{2a}$ makes the bound (c) on $J_2$ linear in $d$, $\frac\lambda2 e^{2a} (Kn + n^2 (d-2) + "
            r"n)$. "
            r"(Such labels need $e^{ad} \le K n^{d-1}$.)",
            "identity",
            sympy.simplify(label ** (2 / d) - sympy.exp(2 * a)) == 0
            and sympy.simplify(label**2 - sympy.exp(2 * a * d)) == 0
            and sympy.Poly(penalty, d).degree() == 1,
        ),
        step(
            r"(c) needs $d \ge 2$: at $d = 1$ there are $K$ weights, and $Kn + n^2 (d-2) + n = Kn - n^2 + n$ is "
            r"another "
            "number unless $n$ is 1 or $K$.",
            "identity",
            sympy.expand(k * n - n**2 + n - k - (n - 1) * (k - n)) == 0,
        ),
    ]


def _next_layer() -> tuple[bool, bool]:
    ring, (c, count, value, kept) = generic("c~ N~ H~ m~")  # kept = r/p of one more unit below
    first = ring.relu(c * count) == c * count
    grown = c * count * value + c * kept * value == c * (count + kept) * value
    return first, grown and ring.relu(c * count * value) == c * count * value


def _powers() -> tuple[bool, bool]:
    ring, (v, s, power, t) = generic("v~ s+ V~ t+")
    left = (v + s) * (power + t) - v * power
    return ring.is_positive((v + s) - v), left == v * t + s * power + s * t and ring.is_positive(left)


def _with_a_shift() -> list[Step]:
    """On P_(x,y) the statement survives, by biases s of the last hidden layer that the output bias takes back."""
    ring, (h, s) = generic("h~ s~")
    c, shift = sympy.Symbol("c", positive=True), sympy.Symbol("s", nonnegative=True)
    network = Network([[[c, c]] * 2, [c, c]], [[shift] * 2, -2 * c * shift])
    found = derive(network, Examples.half((1, 1), 4 * c**2), HALF)
    least = sympy.expand(found.criterion.expr - 2 * c**2 * shift**2)
    return [
        step(
            r"As a statement of existence it survives there: biases $s \ge 0$ in the last hidden layer and output bias "
            r"$- n c s$ keep $W$ at both inputs, the weights and $J_2$; hidden values $h + s$ with $h \ge 0$ have "
            r"$(h + "
            r"s)^2 \ge s^2$,",
            "cases",
            ring.is_nonnegative((h + s) ** 2 - s * s),
            "manifest signs",
        ),
        argument(
            r"so by the last-layer identity $J_D \ge \lambda c^2 \sum_i E (h_i + s)^2 \ge \lambda n c^2 s^2$, as "
            r"large as one "
            r"likes if $y > 0$."
        ),
        step(
            r"$K = n = d = 2$, $q = \frac12$, $c$ and $s$ free: risk 0, and $J_D - 2 c^2 s^2$ has no negative term.",
            "derivation",
            found.risk.is_identically_zero() and all(v >= 0 for v in sympy.Poly(least, c, shift).coeffs()),
        ),
    ]


def _second_moment(exponent: int) -> Step:
    _, (h, c, m, spread) = generic("M c m L")
    found = c * c * (m * m + spread * m) * h
    growth = (m + spread) ** exponent * m ** (2 - exponent) if exponent <= 2 else (m + spread) ** exponent
    return identity(
        r"One layer of width $m$ multiplies the second moment by $c^2 m^2 (1 + \lambda/m)$, so "
        r"$E \mathcal D^2 = y^2 \prod_l (1 + \lambda_l/n_l)$.",
        found,
        c * c * growth * h,
    )


def _at_size(inputs: int, hidden: tuple[int, ...], exponent: int) -> Step:
    c = sympy.Symbol("c", positive=True)
    rates = sympy.symbols(f"q0:{len(hidden) + 1}", nonnegative=True)
    widths = (inputs, *hidden)
    y = c ** len(widths) * math.prod(widths)
    derived = derive(constant_network(inputs, hidden, c), Examples.point((1,) * inputs, y), rates)
    product = math.prod((1 + q / ((1 - q) * n)) ** exponent for n, q in zip(widths, rates, strict=True))
    holds = sympy.cancel(sympy.together(derived.criterion.expr - y**2 * (product - 1))) == 0
    return step(
        r"$J_D = \mathrm{Var}\, \mathcal D = y^2 (\prod_l (1 + \lambda_l/n_l) - 1)$, $R = 0$, with $c$ and a rate per "
        f"layer free: widths {', '.join(map(str, widths))}.",
        "derivation",
        holds and derived.risk.is_identically_zero() and derived.bias.is_identically_zero(),
    )


def _bounds() -> list[Step]:
    ring, (k, t) = generic("k~ t~")
    weights = all(
        Architecture(inputs, (n,) * (d - 1), biases=False).parameters == inputs * n + n * n * (d - 2) + n
        for inputs in (1, 2, 5)
        for n in (1, 3, 4)
        for d in (2, 3, 6)
    )
    return [
        step(
            r"(b) at $q = \frac12$: with $k = 1/K$ and $(1 + 1/n)^{d-1} = 1 + t$, $t \ge 0$: $(1+k)(1+t) - 1 - k = t + "
            r"kt \ge 0$, so $J_D \ge y^2/K \ge y^2/(K+1)$.",
            "cases",
            ring.is_nonnegative((1 + k) * (1 + t) - 1 - k),
            "manifest signs",
        ),
        induction(
            r"$u^d \le v^d$ with $u, v \ge 0$ makes $u \le v$, since $v < u = v + s$ gives $v^d < u^d$: $d = 1$, and "
            r"with "
            r"$U = V + t$ for the powers, $u U - v V = v t + s V + s t$, positive for $s, t > 0$.",
            start=_powers()[0],
            step=_powers()[1],
        ),
        step(
            r"(a) $c^d = y/(K n^{d-1}) \le 1 = 1^d$. (c) $J_2 = \frac\lambda2 c^2$ times the number of weights, and "
            r"$c^d \le "
            r"y = (y^{1/d})^d$ because $K n^{d-1} \ge 1$; so $c \le 1$ and $c^2 \le y^{2/d}$.",
            "cases",
            ring.is_nonnegative((1 + k) * t - t),
            "y/M <= y for M = 1 + k >= 1",
        ),
        step("The number of weights is $Kn + n^2 (d-2) + n$.", "enumeration", weights, "27 architectures"),
    ]


def _numbers(inputs: int, hidden: tuple[int, ...], exponent: int) -> list[tuple[object, object]]:
    widths = (inputs, *hidden)
    d = len(widths)
    y = Fraction(math.prod(widths), 2**d)
    rates = (HALF,) * d
    result = naive_evaluation(constant_network(inputs, hidden, HALF), Examples.point((1,) * inputs, y), rates)
    factor = math.prod((1 + Fraction(1, n)) ** exponent for n in widths) - 1
    return [
        (result.risk, 0),
        (result.variance, y * y * factor),
        (result.criterion, y * y * factor),
        (result.criterion >= y * y / (inputs + 1), True),
    ]


@register(
    id="helmbold-2017-theorem-18",
    title="Exponential dropout penalty, polynomial weight decay",
    source="helmbold2017",
    number="Theorem 18",
    printed=r"Point mass $P_{x,y}$, $x = (1, \dots, 1)$, $0 \le y \le K n^{d-1}$, $q = \frac12$: some $W$ has $R(W) "
    r"= 0$, "
    r"(a) all weights at most 1 in magnitude, (b) $J_D \ge \frac{y^2}{K+1}$, (c) $J_2 \le \frac{\lambda y^{2/d}}2 "
    r"(Kn + "
    r"n^2(d-2) + n)$.",
    statement="all weights (y/(K n^(d-1)))^(1/d): risk 0, J_D = y^2 (prod(1 + lambda/n_l) - 1) >= y^2/K, and (a), (c)",
    verdict="holds",
    scope=SCOPE,
    correction=r"(b) holds with $\frac{y^2}K$. $P_{x,y}$ is the point mass of Appendix A; with Definition 1's "
    r"$P_{(x,y)}$ the "
    r"printed network violates (b) for large $n$, and biases repair it. (c) is meant for $d \ge 2$.",
)
def theorem_18() -> Proof:
    """Prove the entry as declared."""
    return prove()
