"""Fast dropout (Wang and Manning 2013): a unit's pre-activation taken as normal, and the exact error of that.

If z ~ N(μ, s²), r = μ/s, then E relu(z) = μ Φ(r) + s φ(r). Under dropout z is not normal.
For K inputs x_i w_i = ±1 in equal numbers and q = 1/2 (K = 2 is a unit of Figure 1's network): μ = 0, s² = K, the
normal mean is √(K/(2π)) and the exact one (K/2) C(K, K/2)/2^K, for every even K. The statement is written down and
derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy
from mpmath import MPIntervalContext

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import K, count, integer, quantity
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["exact_mean", "prove"]


def exact_mean(inputs: int) -> Fraction:
    """Return E relu(Σ ±2 r_i) = (K/2) C(K, K/2)/2^K for even K and q = 1/2."""
    return Fraction(inputs // 2 * math.comb(inputs, inputs // 2), 2**inputs)


mu, sigma, r, I, h, k, E = symbols("mu sigma r I h k E")
SLOPE, INTEGRAND, AT_INFINITY, AT_EDGE = symbols("D F U V")
LAW, DENSITY = apply("Phi", r), apply("phi", r)


def binomial(at: Term | int) -> Term:
    """Return the binomial coefficient of K and a number."""
    return apply("C", at)


def partial_sum(at: Term | int) -> Term:
    """Return the sum of (2 i - K) C(i) for i up to a number."""
    return apply("S", at)


def central(at: Term | int) -> Term:
    """Return the binomial coefficient of twice a number and the number."""
    return apply("B", at)


def _normal() -> Iterator[Mapping[Term, Any]]:
    """Yield derivative, integrand, limit and value at -r of mu Phi(t) - sigma phi(t), all symbols free."""
    t, mean = sympy.symbols("t mu", real=True)
    scale = sympy.Symbol("sigma", positive=True)
    density = sympy.exp(-(t**2) / 2) / sympy.sqrt(2 * sympy.pi)
    law = (1 + sympy.erf(t / sympy.sqrt(2))) / 2
    antiderivative = mean * law - scale * density
    ratio = mean / scale
    yield {
        mu: mean,
        sigma: scale,
        SLOPE: sympy.diff(antiderivative, t),
        INTEGRAND: (mean + scale * t) * density,
        AT_INFINITY: sum(factor * sympy.limit(f, t, sympy.oo) for factor, f in ((mean, law), (-scale, density))),
        AT_EDGE: antiderivative.subs(t, -ratio),
        LAW: law.subs(t, ratio),
        DENSITY: density.subs(t, ratio),
    }


def _derived(label: str, words: str, claim: Any) -> Line:
    reason = ByInstances(_normal, "all symbols free", method="derivation", whole=True)
    return Line(label=label, sentence=say(words), claim=claim, reason=reason)


_NORMAL = equal(I, mu * LAW + sigma * DENSITY)

NORMAL_MEAN = Derivation(
    name="normal-relu",
    title="The mean of a relu unit with a normal pre-activation",
    setting=say("relu of a normal pre-activation"),
    quantified=(),
    quantities=(
        quantity(I, "the mean of relu"),
        quantity(mu, "the mean before relu"),
        quantity(sigma, "the standard deviation, positive"),
        quantity(r, "their ratio"),
        quantity(LAW, "the normal distribution function"),
        quantity(DENSITY, "the normal density"),
        quantity(INTEGRAND, "the integrand, value times density"),
        quantity(SLOPE, "the derivative of mean times distribution function less deviation times density"),
        quantity(AT_INFINITY, "the limit of this at infinity"),
        quantity(AT_EDGE, "its value at minus the ratio, where relu begins"),
    ),
    lines=(
        _derived("slope", "An antiderivative: {claim}.", equal(SLOPE, INTEGRAND)),
        _derived("infinity", "It tends to {claim}.", equal(AT_INFINITY, mu)),
        _derived("edge", "Where relu begins {claim}.", equal(AT_EDGE, mu * (1 - LAW) - sigma * DENSITY)),
        Line(
            label="integral",
            sentence=say("The integral from there on is the difference: {claim}."),
            claim=equal(I, AT_INFINITY - AT_EDGE),
            reason=InWords(),
        ),
    ),
    conclusions=(Conclusion(_NORMAL, From((part("integral"), part("infinity"), part("edge", -1)))),),
)
"""E relu(μ + σ t) = μ Φ(r) + σ φ(r)."""


def _binomials() -> Iterator[Mapping[Term, Any]]:
    """Yield binomial coefficients and sums of (2 i - K) binomial(K, i)."""
    for size, kept in ((2, 0), (2, 1), (4, 1), (4, 2), (6, 5)):
        sums = [sum((2 * i - size) * math.comb(size, i) for i in range(end + 1)) for end in (0, kept, kept + 1)]
        yield {
            h: Fraction(size, 2),
            k: Fraction(kept),
            **{binomial(at): math.comb(size, i) for at, i in ((0, 0), (k, kept), (k + 1, kept + 1))},
            **dict(zip((partial_sum(0), partial_sum(k), partial_sum(k + 1)), sums, strict=True)),
        }


def _units() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean of the unit by the double loop, and the sum of (2 i - K) C(K, i) for i up to K/2."""
    for half in (1, 2, 3, 4):
        found = naive_evaluation(*_unit(2 * half), (Fraction(1, 2), Fraction(0)))
        yield {
            h: Fraction(half), E: Fraction(found.mean[0]),
            partial_sum(h): sum((2 * i - 2 * half) * math.comb(2 * half, i) for i in range(half + 1)),
        }  # fmt: skip


def _central() -> Iterator[Mapping[Term, Any]]:
    for half in (1, 2, 5):
        yield {
            h: Fraction(half),
            central(h): math.comb(2 * half, half),
            central(h + 1): math.comb(2 * half + 2, half + 1),
        }


_CASES = "K = 2, 4, 6"
_MEAN = equal(E, h * binomial(h) / number(4) ** h)

EXACT_MEAN = Derivation(
    name="exact-relu",
    title="The exact mean for signs in equal numbers",
    setting=say(
        "A relu unit with {0} terms 1 and as many {1}, drop probability {2}", h, number(-1), number(Fraction(1, 2))
    ),
    quantified=(count(h, 1, "half the number of inputs"),),
    definitions=(Definition(K, 2 * h, "the number of inputs"),),
    quantities=(
        quantity(E, "the mean of the unit"),
        quantity(binomial(k), "the binomial coefficient of these two numbers, the second as argument"),
        quantity(partial_sum(k), "the sum of twice the argument less inputs, times this, up to this argument"),
    ),
    auxiliary=(integer(k, 0, "a number of inputs"),),
    lines=(
        Line(
            label="half",
            sentence=say(
                "Kept terms 1 and dropped ones {0} are together as many as heads of {1} coins; the pre-activation is "
                "twice their number less {1}. Its mean is 0, so its parts of either sign have equal means: {claim}.",
                number(-1),
                K,
            ),
            claim=equal(number(4) ** h * E, -partial_sum(h)),
            reason=InWords(_units, "K = 2, 4, 6, 8, mask by mask"),
        ),
        Line(
            label="begins",
            sentence=say("The sums begin and go on as they are named: {claim}"),
            claim=equal(partial_sum(0), -K * binomial(0)),
            reason=InWords(_binomials, _CASES),
        ),
        Line(
            label="adds",
            sentence=say("and {claim}."),
            claim=equal(partial_sum(k + 1), partial_sum(k) + (2 * (k + 1) - K) * binomial(k + 1)),
            reason=InWords(_binomials, _CASES),
        ),
        Line(
            label="next",
            sentence=say("Binomial coefficients satisfy {claim}."),
            claim=equal((k + 1) * binomial(k + 1), (K - k) * binomial(k)),
            reason=InWords(_binomials, _CASES),
        ),
        Line(
            label="sum",
            sentence=say("So the sum telescopes: {claim}."),
            claim=equal(partial_sum(k), -(K - k) * binomial(k)),
            reason=ByInduction(k, (), (), parts=(part("adds"), part("next")), first=(part("begins"),)),
        ),
    ),
    conclusions=(Conclusion(_MEAN, From((part("half", 1 / number(4) ** h), part("sum", -1 / number(4) ** h, k=h)))),),
)
"""E = (K/2) C(K, K/2)/2^K."""

RATIO_RISES = Derivation(
    name="exact-rises",
    title="The ratio to the normal mean rises",
    setting=say("The squared ratio of the exact to the normal mean over {0}, for two inputs more", symbol("pi")),
    quantified=(count(h, 1, "half the number of inputs"),),
    quantities=(
        Variable(term=central(h), meaning="the central binomial coefficient", kind="network", low=Fraction(0)),
        quantity(central(h + 1), "the next one"),
    ),
    lines=(
        Line(
            label="central",
            sentence=say("Central binomial coefficients satisfy {claim}."),
            claim=equal((h + 1) * central(h + 1), 2 * (2 * h + 1) * central(h)),
            reason=InWords(_central, "h = 1, 2, 5"),
        ),
    ),
    conclusions=(
        Conclusion(
            (h + 1) * (central(h + 1) / number(4) ** (h + 1)) ** 2 > h * (central(h) / number(4) ** h) ** 2,
            From(
                (
                    part(
                        "central",
                        ((h + 1) * central(h + 1) + 2 * (2 * h + 1) * central(h))
                        / (h + 1)
                        / (number(4) ** (h + 1)) ** 2,
                    ),
                ),
                plus=((central(h) / number(4) ** h) ** 2 / (4 * (h + 1)),),
            ),
        ),
    ),
)
"""K C(K, K/2)²/4^K rises with K."""
DERIVATIONS = (NORMAL_MEAN, EXACT_MEAN, RATIO_RISES)


def prove() -> Proof:
    """Prove the statements."""
    further = [
        argument(
            r"Here $\mu = 0$, $\sigma^2 = K$, and the normal mean is $\sigma \phi(0) = \sqrt{K/(2\pi)}$. The "
            r"squared ratio is $\pi$ times $h (B(h)/4^h)^2$; it rises, and to 1 by Wallis' product: the normal mean is "
            r"too large for every even $K$, by a factor that tends to 1."
        ),
        *_ratios(),
        enumerated(
            r"The mean of the unit by the formula; $K = 2$ is Figure 1: $\frac12$ against $1/\sqrt\pi$.",
            _numbers(),
            "K = 2, 4, 6, 8: 8 to 512 masks",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _ratios() -> Iterator[Step]:
    iv = MPIntervalContext()
    iv.dps = 30
    ratios = []
    for inputs in (2, 8, 32, 128):
        mean = exact_mean(inputs)
        ratios.append(iv.mpf(mean.numerator) / mean.denominator / iv.sqrt(iv.mpf(inputs) / (2 * iv.pi)))
    yield step(
        "The ratio of the exact to the normal mean, in interval arithmetic: below 1 and increasing.",
        "derivation",
        all(bool(a < b) for a, b in zip(ratios, [*ratios[1:], iv.mpf(1)], strict=True)),
        "K = 2, 8, 32, 128: " + ", ".join(f"{float(r.mid):.5f}" for r in ratios),
    )


def _unit(inputs: int) -> tuple[Network, Examples]:
    """Return a relu unit with as many weights 1 as -1 on ones."""
    return Network([[[1, -1] * (inputs // 2)], [1]]), Examples.point([1] * inputs, 0)


def _numbers() -> Iterator[tuple[Any, Any]]:
    for inputs in (2, 4, 6, 8):
        found = naive_evaluation(*_unit(inputs), (Fraction(1, 2), Fraction(0)))
        yield found.mean[0], exact_mean(inputs)


@register(
    id="wang-2013-fast-dropout",
    title="Fast dropout: the normal approximation of a relu unit and its exact error",
    source="wang2013",
    number="relu unit (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def fast_dropout() -> Proof:
    """Prove the entry as declared."""
    return prove()
