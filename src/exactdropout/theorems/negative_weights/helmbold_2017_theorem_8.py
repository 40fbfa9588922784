"""Theorem 8 of Helmbold and Long (2017): on P_(1,1), wide networks need negative weights; for every K ≥ 2 and every q.

Printed for K > 18 and q = ½. Proved: if (1 + λK/n)(1 + λ/n)^{d−2} < (1 − q^K)(1 + λ/K), n a multiple of K, then W_neg
beats every network with non-negative weights; the right side exceeds 1 exactly for K ≥ 2, so all large n satisfy it.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.certificate.shipped import SHIPPED
from exactdropout.errors import InvalidInput
from exactdropout.theorems.gadget.exactdropout_2026_universal_bound import best_gadget_steps
from exactdropout.theorems.gadget.first_one_gadget import best_biased_criterion, growth, kept_input_probability
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.certified_minima import certified_step, shipped_minimum
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_bound import bound, nonnegative_bound_steps
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["certificates_step", "gap_is_positive_steps", "gap_steps", "prove", "sufficient_width"]

SCOPE = "all K >= 2, d >= 2 and q in (0, 1); n at least an explicit width"


def sufficient_width(inputs: int, depth: int, rate: Fraction = Fraction(1, 2)) -> int:
    """Return the least multiple n of K with A < (1 − q^K)(1 + λ/K); W_neg then beats all non-negative networks."""
    spread = rate / (1 - rate)
    limit = kept_input_probability(inputs, rate) * (1 + spread / inputs)
    if limit <= 1:
        raise InvalidInput(f"Argument 'inputs' must be at least 2 for a sufficient width, not {inputs}.")
    copies = 1
    while growth(inputs, inputs * copies, depth, rate) >= limit:
        copies *= 2
    low, high = copies // 2, copies
    while high - low > 1:
        middle = (low + high) // 2
        if growth(inputs, inputs * middle, depth, rate) < limit:
            high = middle
        else:
            low = middle
    return inputs * high


def gap_steps(smallest: int = 2) -> list[Step]:
    """The comparison of the two bounds, and that it can be met for all K ≥ ``smallest``; 2 is the least."""
    k, p, a, z = sympy.symbols("K p A z", positive=True)
    q = 1 - p
    low = q / (2 * (k * p + 2 * q))
    gadget = best_biased_criterion(1 - z, a)  # z = q^K
    difference = sympy.numer(sympy.together(low - gadget))
    wanted = (1 - z) * (k * p + q) - a * k * p
    ratio = sympy.cancel(difference / wanted)
    return [
        step(
            r"The bound of non-negative networks exceeds $J_D$ of $W_{\mathrm{neg}}$ exactly if $A < (1 - q^K)(1 + "
            r"\lambda/K)$: "
            r"the difference is a positive factor times $(1 - q^K)(Kp + q) - A K p$.",
            "identity",
            ratio.is_positive is True or _positive_factor(ratio, k, p, a, z),
        ),
        *gap_is_positive_steps(smallest),
    ]


def certificates_step(*inputs: int) -> Step:
    """The gap in certified minima, for all weights against non-negative ones: biases, d = 2, q = ½."""
    kinds = [s for s in SHIPPED if s.biases and s.inputs in inputs and s.width >= {2: 3}.get(s.inputs, 1)]
    free, signed = ([s for s in kinds if s.nonnegative == flag] for flag in (False, True))
    pairs = [(shipped_minimum(a), shipped_minimum(b)) for a, b in zip(free, signed, strict=True)]
    names = " and ".join(map(str, inputs)) if len(inputs) < 3 else ", ".join(map(str, inputs))
    return certified_step(
        rf"$K = {names}$, $d = 2$, $q = \frac12$: at the widths of these certificates the minimum over all weights is "
        "less than that over non-negative ones.",
        all(a is not None and b is not None and a < b for a, b in pairs),
        kinds,
    )


def gap_is_positive_steps(smallest: int = 2) -> list[Step]:
    """(1 − q^K)(1 + λ/K) > 1, the same as λ (1 − q^K) > K q^K, for all K ≥ ``smallest`` and q in (0, 1); 2 is least."""
    ring, (kk, rate, power) = generic("K q Q")
    first = kk * power - (kk - 1) * rate * power  # g_K = K q^{K−1} − (K − 1) q^K, Q = q^{K−1}
    second = (kk + 1) * rate * power - kk * rate * rate * power
    starts = smallest * rate ** (smallest - 1) - (smallest - 1) * rate**smallest
    square = (1 - rate) ** 2
    sums = sum((j * rate ** (j - 1) for j in range(1, smallest)), ring.zero)
    z = rate * power
    return [
        identity(
            r"$g_K = K q^{K-1} - (K-1) q^K$ has $g_K - g_{K+1} = K q^{K-1} (1-q)^2$, with $Q = q^{K-1}$.",
            first - second,
            kk * power * (1 - rate) ** 2,
        ),
        step(
            rf"So $1 - g_K = (1-q)^2 \sum_{{j < K}} j q^{{j-1}}$, positive on $0 < q < 1$ for $K \ge {smallest}$; "
            rf"and $1 - g_K > "
            r"0$ says $(1 - q^K)(Kp + q) > Kp$.",
            "identity",
            1 - starts == square * sums and bool(sums),
            f"start of the induction, K = {smallest}",
        ),
        identity(
            r"In other words, times $p$: $q (1 - q^K) - K p q^K = (1 - q^K)(Kp + q) - Kp = q (1 - g_K)$, so $\lambda "
            r"(1 - q^K) > K q^K$.",
            (1 - z) * (kk * (1 - rate) + rate) - kk * (1 - rate),
            rate * (1 - first),
        ),
        identity(
            r"and $(1 - q^K)(Kp + q) - Kp = q (1 - q^K) - K p q^K$.",
            (1 - z) * (kk * (1 - rate) + rate) - kk * (1 - rate),
            rate * (1 - z) - kk * (1 - rate) * z,
        ),
    ]


def _positive_factor(ratio: sympy.Expr, *symbols: sympy.Symbol) -> bool:
    """Return whether 1/ratio or ratio is a product of manifestly positive factors on 0 < p < 1, 0 < z < 1, A ≥ 1."""
    k, p, a, z = symbols
    h, e, f = sympy.symbols("h e f", positive=True)
    # p = 1/(1 + h), z = 1/(1 + f), A = 1 + e cover the domain; signs are then those of the coefficients
    moved = sympy.cancel(ratio.subs({p: 1 / (1 + h), z: 1 / (1 + f), a: 1 + e}))
    parts = [sympy.Poly(part, k, h, e, f) for part in sympy.fraction(moved)]
    return all(all(c > 0 for c in part.coeffs()) for part in parts) or all(
        all(c < 0 for c in part.coeffs()) for part in parts
    )


def prove(smallest: int = 2) -> Proof:
    """Prove the theorem for all K ≥ ``smallest``."""
    half = Fraction(1, 2)
    steps = [
        *nonnegative_bound_steps(),
        *best_gadget_steps(),
        *gap_steps(smallest),
        argument(
            r"For fixed $K \ge 2$, $d$, $q$, $A = (1 + \lambda \frac Kn)(1 + \frac\lambda n)^{d-2} \to 1$, so all "
            r"large $n$ have "
            r"$\inf J_D \le J_D(W_{\mathrm{neg}}) < \inf_{W \ge 0} J_D$: whatever minimises $J_D$ has a negative "
            r"weight. (For $n$ "
            r"no multiple of $K$, use $\lfloor n/K \rfloor$ gadgets and leave other units of each layer at 0.) That "
            r"minimisers exist is shown for $d = 2$ only; for deeper networks the gap of the infima is what is proved."
        ),
        enumerated(
            "At the sufficient width the gadget is below the bound, one gadget less is not.",
            (
                (
                    best_biased_criterion(kept_input_probability(k, rate), growth(k, n, d, rate)) < bound(k, rate),
                    (n <= smaller) == (not below),
                )
                for k in range(max(smallest, 2), 7)
                for d in (2, 3, 5)
                for rate in (half, Fraction(1, 10), Fraction(9, 10))
                for n in (sufficient_width(k, d, rate),)
                for smaller in (n - k,)
                for below in (
                    smaller < 1
                    or best_biased_criterion(kept_input_probability(k, rate), growth(k, smaller, d, rate))
                    >= bound(k, rate),
                )
            ),
            "K = 2, ..., 6; d = 2, 3, 5; q = 1/2, 1/10, 9/10",
        ),
        certificates_step(2, 3, 4),
        enumerated(
            r"Widths that suffice at $q = \frac12$, $d = 2$: 18, 21, 24 for $K = 2, 3, 4$.",
            [([sufficient_width(k, 2) for k in (2, 3, 4)], [18, 21, 24])],
        ),
    ]
    return conclude("holds", SCOPE, steps)


@register(
    id="helmbold-2017-theorem-8",
    title="Dropout needs negative weights on P_(1,1)",
    source="helmbold2017",
    number="Theorem 8",
    printed=r"$K > 18$, $n$ large relative to $K$ and $d$, $q = \frac12$: every minimiser of $J_D$ on $P_{(\mathbf "
    r"1, 1)}$ has a "
    "negative weight.",
    statement="K >= 2, any q in (0,1), n large: every minimiser of J_D on P_(1,1) has a negative weight",
    verdict="holds",
    scope=SCOPE,
)
def theorem_8() -> Proof:
    """Prove the entry as declared."""
    return prove()
