r"""Derived here: how the smallest width with negative weights grows as q → 1, for every number K ≥ 2 of inputs.

One hidden relu layer, input 1_K with label 1, p = 1 − q; n* is the least width whose minimisers all have a negative
weight:

    (1 − q)² n* → √(K/(K − 1)) − 1     without biases, on the point mass,
    (1 − q)^(3/2) n* → √(2/(K − 1))    with biases, on P_(1,1).

There are explicit bounds: without biases no width with 3 (K − 1) p ≤ 1 and (K − 1)(1 + n p²/q)² (1 + (K − 1) p) ≤ K
needs negative weights (:mod:`.slow_widths`), and every width with U > 0 does (:mod:`.fast_widths`). As p → 0 both give
the limit. With biases :func:`needed` and :func:`enough` are such bounds.

Proof with biases. Lower bounds: negative output weights gain by the masks with two kept inputs. Upper bounds: of n
equal units one becomes (L − 1)₊ with a negative output weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import count, quantity
from exactdropout.theorems.negative_weights.exactdropout_2026_narrow_layers import BIASED_MINIMUM
from exactdropout.theorems.negative_weights.fast_widths import FAST_WIDTHS
from exactdropout.theorems.negative_weights.slow_widths import SLOW_WIDTHS
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import nonnegative_minimum_steps
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements import terms as statements
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, lemma_step, proved
from exactdropout.theorems.statements.lines import From, InWords, Line, part, say

__all__ = ["enough", "needed", "prove", "swapped_network"]

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


def prove(share: int = 2) -> Proof:
    """Prove the entry; the limit with biases is √(share/(K − 1)), and only 2 works."""
    further = [
        *nonnegative_minimum_steps(),
        argument(
            r"With biases on $P_{(\mathbf 1, 1)}$ layers with $Kp (q + (K - 1) p (q + np))^2 + (K - 1) n^2 p^3 \le q^2 "
            r"(q + Kp)$ need no negative weights, by the entry on narrow layers (the condition); $\tau$, $c$ and "
            r"$\kappa$ are as there."
        ),
        lemma_step(BIASED_MINIMUM),
        *_lower_with_biases(share),
        _limit_of_upper(share),
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
    return proved("holds", DERIVATIONS, further)


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
            r"With biases on $P_{(\mathbf 1, 1)}$ and $c \ge \frac12$, as in the entry on narrow layers with biases "
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


def _limit_of_upper(share: int) -> Step:
    """V/p at n = w p^(−3/2) as p → 0."""
    x, e = sympy.symbols("x e", positive=True)
    two = q - y * (q + K * p)
    value = e * x**2 - p * (e + 2 * K * (K - 1) * p * q) * x - K * p * q
    cubic = K * (K - 1) * (K - 2) / 6
    none = 1 - K * p + K * (K - 1) * p**2 / 2 - cubic * p**3 + r * p**4
    shown = value.subs({e: two, x: q + n * p}).subs(y, none).subs({p: s**2, n: w / s**3})
    series = sympy.Poly(sympy.expand(shown), s)
    power = min(exponent for (exponent,) in series.monoms())
    limit = sympy.factor(series.coeff_monomial(s**power))
    return step(
        r"With biases: as a function of $x$ $V$ has one sign change, so from a width on all need negative weights. For "
        r"$n = w p^{-3/2}$ and $p \to 0$ $\frac Vp$ tends to $\frac K2 ((K - 1) w^2 - 2)$, uniformly for bounded $w$: "
        rf"$p^{{3/2}} n^* \to \sqrt{{\frac{share}{{K - 1}}}}$, where this is 0.",
        "identity",
        power == 2
        and not limit.has(r)
        and _zero(limit.subs(w, sympy.sqrt(share / (K - 1))))
        and _zero(limit - K * ((K - 1) * w**2 / 2 - 1)),
        r"$q^K = 1 - Kp + \binom K2 p^2 - \binom K3 p^3 + r p^4$ with bounded $r$",
    )


LIMIT, LIMIT_WITH_BIASES = statements.symbol("L"), statements.symbol("L", "b")
_INPUTS = statements.symbol("K")


def _limit(
    name: str, found: statements.Term, claim: statements.Relation, both: str, words: str, meaning: str
) -> Derivation:
    """Return the statement that a limit is a number, which words take from the bounds on both sides."""
    lines = (
        Line(label="others", sentence=say("There is another input: {claim}."), claim=_INPUTS - 1 > 0),
        Line(label="both", sentence=say(both), claim=claim, reason=InWords()),
    )
    return Derivation(
        name=name,
        title="The limit",
        setting=say(words),
        quantified=(count(_INPUTS, 2, "the number of inputs"),),
        quantities=(quantity(found, meaning),),
        lines=lines,
        conclusions=(Conclusion(claim, From((part("both"),))),),
    )


LIMITS = (
    _limit(
        "width-limit",
        LIMIT,
        statements.equal((_INPUTS - 1) * (1 + LIMIT) ** 2, _INPUTS),
        "The smallest width does not meet the condition of widths that need no negative weights, and the width before "
        "it not the one that is enough for them; as the drop probability tends to 1 the sides of both tend to those "
        "of {claim}.",
        "At the limit",
        "any limit of the smallest width that needs negative weights times the square of the probability to be kept, "
        "as this tends to 0",
    ),
    _limit(
        "width-limit-with-biases",
        LIMIT_WITH_BIASES,
        statements.equal((_INPUTS - 1) * LIMIT_WITH_BIASES**2, 2),
        "In the same way by the conditions with biases, below, and where the exchanged unit is enough: {claim}.",
        "With biases",
        "the same with the power three halves",
    ),
)
DERIVATIONS = (*SLOW_WIDTHS, *FAST_WIDTHS, *LIMITS)


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
    derivations=DERIVATIONS,
    verdict="holds",
)
def width_limits() -> Proof:
    """Prove the entry as declared."""
    return prove()
