"""Derived here: n*(K, q), the smallest width at which dropout needs negative weights, and that all larger ones do.

One hidden relu layer, all-ones input with label 1: with biases on P_(1,1), without biases on the point mass. There
are exact algebraic thresholds θ_n: every minimiser of width n has a negative weight exactly for q < θ_n. So n*(K, q)
is the step function "the least n with q < θ_n" (:mod:`exactdropout.theorems.negative_weights.width_thresholds`). For
K = 2 this is proved for n ≤ 7, and that widths from 8 on need negative weights for every q ≤ θ_7; for larger q a
polynomial S(n, p) decides (:mod:`exactdropout.theorems.negative_weights.two_inputs`), with biases one more
(:mod:`exactdropout.theorems.negative_weights.two_inputs_with_biases`). At q = ½ it is proved for K = 2, 3, 4 and
every n.

All larger widths: if common units with one further group of units have J_D below the minimum N_n of non-negative
weights once, and the group alone has not, then they do so with any number of further common units.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy
from flint import fmpz_poly

from exactdropout.certificate.shipped import SHIPPED, Shipped
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.lemmas.certified_minima import shipped_minimum
from exactdropout.theorems.lemmas.sum_inequalities import mean_of_squares
from exactdropout.theorems.negative_weights.common_and_mixed_units import (
    Group,
    beats,
    best_value,
    nonnegative_value,
    positive_on,
)
from exactdropout.theorems.negative_weights.exactdropout_2026_every_width import every_width_steps, sufficient_width
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import BIASED_MINIMUM
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import MINIMUM as NARROW_MINIMUM
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import gap_is_positive_steps
from exactdropout.theorems.negative_weights.larger_widths import LARGER
from exactdropout.theorems.negative_weights.numbers_of_widths import smallest_at_half, thresholds_of
from exactdropout.theorems.negative_weights.two_inputs import RATE, two_inputs_steps
from exactdropout.theorems.negative_weights.two_inputs_biased_bounds import BOUNDS_WITH_BIASES
from exactdropout.theorems.negative_weights.two_inputs_bounds import BOUNDS
from exactdropout.theorems.negative_weights.two_inputs_with_biases import two_inputs_with_biases_steps
from exactdropout.theorems.negative_weights.width_thresholds import FULL, THRESHOLDS, Threshold, common, threshold_step
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import (
    half_minimum,
    nonnegative_minimum_steps,
    point_minimum,
)
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Derivation, lemma_step, proved

__all__ = ["AT_HALF", "full_steps", "gadget_gain", "prove"]

HALF = Fraction(1, 2)
AT_HALF: dict[tuple[int, bool], int] = {
    (2, True): 3,
    (3, True): 1,
    (4, True): 1,
    (2, False): 4,
    (3, False): 4,
    (4, False): 4,
}
"""(K, biases) ↦ n*(K, ½)."""
FROM = {2: 5, 3: 5, 4: 5}
BEYOND = 8
GROUPS: dict[int, Group] = {
    2: (((1, -1), 0), ((-1, 1), 0)),
    3: (((2, -1, -1), 0), ((-1, 2, -1), 0), ((-1, -1, 2), 0)),
    4: (((2, 2, -1, -1), 0), ((-1, -1, 2, 2), 0)),
}
"""K ↦ units that, with common ones, are below N_n from the width FROM on at q = ½; K = 2 up to θ_7 from BEYOND on."""


FOUR = (
    (3, Fraction(11, 50), 1),
    (4, Fraction(41, 100), 2),
    (5, Fraction(57, 100), 2),
    (6, Fraction(16, 25), 2),
    (7, Fraction(17, 25), 2),
    (8, Fraction(71, 100), 2),
)
"""K = 4 without biases: n* ≤ n for q up to the number, by units (4, 4, −s, −s), (−s, −s, 4, 4) and common ones."""


def prove(at_half: Mapping[tuple[int, bool], int] = AT_HALF, thresholds: Sequence[Threshold] = THRESHOLDS) -> Proof:
    """Prove the thresholds of K = 2 and the claimed smallest widths at q = ½."""
    as_declared = at_half is AT_HALF and thresholds is THRESHOLDS
    further = [
        *nonnegative_minimum_steps(),
        *_single_unit_steps(),
        *every_width_steps(),
        *gap_is_positive_steps(),
        _increasing(),
        *two_inputs_steps(),
        *two_inputs_with_biases_steps(),
        _every_rate_for_two(THRESHOLDS),
        lemma_step(NARROW_MINIMUM),
        lemma_step(BIASED_MINIMUM),
        _every_rate(),
        _interval_for_four(),
        enumerated(
            "Given units with their best output weights: J_D by the double loop is the rational function of q.",
            _numbers(),
            "units (1, 1), (2, -1), (-1, 2) with and without biases, 32 masks; q = 1/2, 1/3; and the closed form of "
            "N_n",
        ),
    ]
    return proved("holds", DERIVATIONS if as_declared else statements(at_half, thresholds), further)


def full_steps() -> list[Step]:
    """K = 3 as a function of q: n* = 2, 3, 4 without biases for q below θ_2, θ_3, θ_4, and 1, 2 with biases."""
    return [threshold_step(case) for case in FULL]


def _single_unit_steps() -> list[Step]:
    """n = 1 without biases: no sign pattern beats T_1, any K and q."""
    k, lam, a, s, mean = sympy.symbols("k lambda a S m", positive=True)
    ratio = 1 / (1 + lam / k)
    value = 1 - 2 * a * mean + a**2 * (1 + lam) * s
    square = (1 + lam) * s * (a - mean / ((1 + lam) * s)) ** 2
    return [
        argument(
            r"$n = 1$ without biases: let $h = \mathrm{relu}(c \cdot u)$, with $k \le K$ positive weights. Given the "
            r"masks $v$ of the other inputs it is a unit with weights $\ge 0$ on $k$ inputs and a bias $\le 0$. With "
            r"$w = 1 - \gamma \ell$, $\gamma = E L/E L^2$ over these $k$ inputs, the proof of the minimum gives "
            r"$E[h \mid v] \le \gamma E[L \psi] \le \gamma \sqrt{E L^2\, E[h^2 \mid v]}$, so $E[h \mid v]^2 \le "
            r"\frac1{1 + \lambda/k} E[h^2 \mid v]$."
        ),
        mean_of_squares(r"So $(E h)^2 \le E_v\, E[h \mid v]^2$."),
        step(
            r"and $E_v\, E[h \mid v]^2 \le \frac1{1 + \lambda/K} E h^2$, as $\frac1{1 + \lambda/k}$ increases with "
            r"$k$.",
            "identity",
            sympy.factor(ratio.diff(k) * (k + lam) ** 2 - lam) == 0,
        ),
        step(
            r"$J_D = 1 - 2 a E h + a^2 (1 + \lambda) E h^2 \ge 1 - \frac{(E h)^2}{(1 + \lambda) E h^2} \ge T_1$: "
            r"without biases negative weights are never needed at $n = 1$, for every $K$ and $q$.",
            "identity",
            sympy.factor(value - (1 - mean**2 / ((1 + lam) * s)) - square) == 0
            and sympy.factor(1 - ratio / (1 + lam) - point_minimum(k, 1, lam)) == 0,
        ),
    ]


def gadget_gain(inputs: Any, width: Any, z: Any, p: Any) -> Any:
    """P(width − K) of the first-one gadget beside common units, z = q^K."""
    q, m = 1 - p, width - inputs
    lam, square = q / p, inputs * p * q + (inputs * p) ** 2
    mean = cross = inputs * p
    alone, both = 1 - z, (1 - z) * (1 + lam)
    gain = (mean**2 * both - 2 * mean * alone * cross) * m + alone**2 * square * (m + lam)
    return gain * square * (m + inputs + lam) - mean**2 * (square * (m + lam) * both - cross**2 * m) * (m + inputs)


def _every_rate() -> Step:
    """For K = 2, 3, 4 and every q: an explicit lower and an explicit upper bound of n*."""
    rate = sympy.Symbol("q")
    holds = True
    for k in (2, 3, 4):
        start = sympy.Poly(sympy.cancel(-gadget_gain(k, k, rate**k, 1 - rate) / (1 - rate) ** 2), rate)
        coefficients = [int(c) for c in start.all_coeffs()[::-1]]
        holds = holds and all(c.is_Integer for c in start.all_coeffs())
        holds = holds and positive_on(fmpz_poly(coefficients), Fraction(0), Fraction(999, 1000))
    return step(
        r"$K = 2, 3, 4$, without biases, $q < \frac{999}{1000}$: for the first-one gadget $P(0) < 0$, so every width "
        r"from $K + m$ on needs negative weights once $P(m) > 0$; with the step on narrow layers $\frac qp "
        r"\sqrt{\frac{q + Kp}{(K - 1) p}} < n^* \le K + m$, $m$ the least with $P(m) > 0$, $P$ with $E = 1 - q^K$, "
        r"$X = A = Kp$, $G = (1 - q^K)/p$. With biases on $P_{(\mathbf 1, 1)}$ $n^* \le K + m$ too, "
        r"as these networks with an output bias show, and no width that meets the condition with biases needs them.",
        "root count",
        holds,
        "P(0) as a polynomial in q",
    )


def _increasing() -> Step:
    """θ_n increases with n, and the pair of mixed units covers all widths from 8 on for q up to beyond θ_7."""
    last = max(case.theta for case in THRESHOLDS) + Fraction(1, 10**6)
    ordered = all(
        a.theta + Fraction(1, 10**6) < b.theta
        for biases in (False, True)
        for cases in ([c for c in THRESHOLDS if c.biases == biases],)
        for a, b in itertools.pairwise(cases)
    )
    pair, width = GROUPS[2], BEYOND
    alone = beats(2, [pair], Fraction(0), Fraction(999, 1000), biases=False, worse=True)
    wide = beats(2, [pair, common(2, width - len(pair))], Fraction(0), last, biases=False)
    return step(
        r"$K = 2$: $\theta_n$ increases for $n \le 7$; common units with the pair $(1, -1)$, $(-1, 1)$ are below $T_8$ "
        r"for every $q \le \theta_7$, the pair alone is above $T_2$; so every $n \ge 8$ needs negative weights there, "
        r"and $n^*(2, q)$ is the least $n$ with $q < \theta_n$.",
        "root count",
        ordered and alone and wide,
        f"q up to {last}; the pair alone for q up to 999/1000",
    )


def _every_rate_for_two(thresholds: Sequence[Threshold]) -> Step:
    """θ_7 is above the rate from which S and W decide, and the same with and without biases."""
    last = {c.biases: c.theta for c in thresholds if c.width == BEYOND - 1}
    return step(
        r"$K = 2$: so $n^*$ is known for every $q$: the least $n$ with $q < \theta_n$, and for $q \ge \theta_7$ the "
        r"least $n \ge 8$ with $S(n, 1 - q) > 0$, with biases on $P_{(\mathbf 1, 1)}$ the least with $S > 0$ or $W > "
        r"0$.",
        "cases",
        last.keys() == {False, True} and last[False] == last[True] > RATE,
        f"theta_7 > {RATE}",
    )


def _interval_for_four() -> Step:
    """2 ≤ n*(4, q) ≤ a step function of q, without biases."""
    holds = True
    for width, end, s in FOUR:
        pair: Group = (((4, 4, -s, -s), 0), ((-s, -s, 4, 4), 0))
        holds = holds and beats(4, [pair, common(4, width - 2)], Fraction(0), end, biases=False)
        holds = holds and beats(4, [pair], Fraction(0), end, biases=False, worse=True)
    return step(
        r"$K = 4$, without biases: $2 \le n^* \le n$, and every width from this $n$ on needs negative weights, for "
        + ", ".join(rf"$n = {width}$ if $q \le {end}$" for width, end, _ in FOUR)
        + ".",
        "root count",
        holds,
        "units (4, 4, -s, -s), (-s, -s, 4, 4) and common ones, s = "
        + ", ".join(str(s) for _, _, s in FOUR)
        + "; the pair alone is above T_2",
    )


def smallest(inputs: int, biases: bool) -> int | None:
    """Return n*(K, ½) from shipped certificates, and closed forms for every larger width; None where these fail."""
    minimum = half_minimum if biases else point_minimum
    kind = sorted((s for s in SHIPPED if (s.inputs, s.biases, s.nonnegative) == (inputs, biases, False)), key=_width)
    gains: dict[int, bool] = {}
    for item in kind:
        found, own = shipped_minimum(item), minimum(inputs, item.width, Fraction(1))
        if found is None or found > own:
            return None
        gains[item.width] = found < own
    first = next((width for width, gain in gains.items() if gain), None)
    if first is None or any(width not in gains for width in range(1, first)):
        return None
    if biases and inputs > 2:
        return first if first == 1 and sufficient_width(inputs, HALF) == 1 else None
    group, width = GROUPS[inputs], FROM[inputs]
    wide = best_value(inputs, [group, common(inputs, width - len(group))], biases=False)(HALF)
    alone = best_value(inputs, [group], biases=False)(HALF)
    beyond = wide < point_minimum(inputs, width, Fraction(1)) and alone >= point_minimum(
        inputs, len(group), Fraction(1)
    )
    between = all(gains.get(between, False) for between in range(first, width))
    return first if beyond and between else None


def _width(item: Shipped) -> int:
    return item.width


def _numbers() -> Iterator[tuple[Any, Any]]:
    for rate in (HALF, Fraction(1, 3)):
        spread = rate / (1 - rate)
        for k, n in ((2, 2), (3, 2), (3, 3)):
            yield nonnegative_value(k, n, biases=False)(rate), point_minimum(k, n, spread)
            yield nonnegative_value(k, n, biases=True)(rate), half_minimum(k, n, spread)
        for biases in (False, True):
            yield _best_by_elimination(rate, biases), best_value(2, UNITS, biases=biases)(rate)


UNITS: tuple[Group, ...] = (common(2), (((2, -1), 0), ((-1, 2), 0)))


def _best_by_elimination(rate: Fraction, biases: bool) -> Fraction:
    """J_D is quadratic in the output weights (and bias): its minimum from values of the double loop alone."""
    p = 1 - rate
    rows = [[p * w for w in ws] for group in UNITS for ws, _ in group]
    data = Examples.half((1, 1), 1) if biases else Examples.point((1, 1), 1)

    def value(a: int, b: int, c: int) -> Fraction:
        network = Network([rows, [a, b, b]], [[0] * 3, c])
        return Fraction(naive_evaluation(network, data, (rate, rate)).criterion)

    size = 2 + biases
    units = [tuple(int(i == j) for j in range(3)) for i in range(size)]
    zero = value(0, 0, 0)
    plus, minus = ([value(*(s * u for u in unit)) for unit in units] for s in (1, -1))
    slopes = sympy.Matrix([(a - b) / 2 for a, b in zip(plus, minus, strict=True)])
    curvature = sympy.zeros(size, size)
    for i, j in itertools.product(range(size), repeat=2):
        both = value(*(u + v for u, v in zip(units[i], units[j], strict=True)))
        curvature[i, j] = both - plus[i] - plus[j] + zero
    lowest = zero - (slopes.T * curvature.inv() * slopes)[0, 0] / 2
    return Fraction(int(lowest.p), int(lowest.q))


def statements(
    at_half: Mapping[tuple[int, bool], int] = AT_HALF, thresholds: Sequence[Threshold] = THRESHOLDS
) -> tuple[Derivation, ...]:
    """Return the derivations, with smallest widths at q = ½ and thresholds of K = 2 as claimed."""
    further = [case for case in thresholds if case.biases and case.width > 3]
    first = [case for case in thresholds if case not in further]
    named = [thresholds_of(first)] if first else []
    named += [thresholds_of(further, supporting=True)] if further else []
    return (*named, smallest_at_half(at_half, smallest), *BOUNDS, *BOUNDS_WITH_BIASES, *LARGER)


DERIVATIONS = statements()


@register(
    id="exactdropout-2026-smallest-width",
    title="The smallest width at which dropout needs negative weights",
    source="exactdropout2026",
    number="smallest width",
    printed=r"One hidden layer, input $\mathbf 1_K$ with label 1: minimisers need negative weights exactly for $n \ge "
    r"n^*(K, q)$. $K = 2$: $n^* = \min \{n : q < \theta_n\}$ with $\theta_2, \dots, \theta_7 \approx 0.382, 0.5, "
    r"0.589, 0.648, 0.689, 0.720$ without biases on the point mass, $\theta_1, \theta_2, \theta_3 \approx 0.369, "
    r"0.473, 0.524$ and the same from $n = 4$ on with biases on $P_{(\mathbf 1, 1)}$; for $q \ge \theta_7$ $n^*$ is "
    r"the least $n \ge 8$ with $S > 0$, with biases also with $p x^2 - p (p + 4) x > 2$, $x = q + np$; $p = 1 - q$, "
    r"$S = n^3 p^5 + n^2 p^3 (2 + p - 5 p^2) - n p (1 - 2 p + 6 p^2 + 4 p^3 - 8 p^4) - (1 - p + 2 p^2 - 4 p^3 - 4 "
    r"p^4 + 4 p^5)$, and $(1 - q)^2 n^* \to \sqrt 2 - 1$ as $q \to 1$, with biases $(1 - q)^{3/2} n^* \to \sqrt 2$. "
    r"At $q = \frac12$: $n^* = 4, 4, 4$ for $K = 2, 3, 4$ without biases, $3, 1, 1$ with.",
    derivations=DERIVATIONS,
    verdict="holds",
    full=full_steps,
)
def smallest_width() -> Proof:
    """Prove the entry as declared."""
    return prove()
