"""Derived here: with biases, from an explicit width on, every width needs negative weights on P_(1,1); any K ≥ 2 and q.

n off units relu(1 − Σ u_i), u the kept inputs, are 1 if every input is dropped and 0 otherwise: a network that answers
t on the input 0 and β elsewhere. With z = q^K, λ = q/p and the best t and β

    2 J_D = (z + 1/(2/(1 − z) + n/λ))/(1 + z),

which is less than the minimum T/(1 + T) of non-negative networks of the same width exactly if

    n (1 − z)(λ (1 − z) − K z) > λ (K z (3 − z) − λ (1 − z)²).

The left factor is positive for K ≥ 2, so this holds for every n from some n on; at q = ½ for every n ≥ 5 if K = 2 and
for every n ≥ 1 if K ≥ 3. As n grows the value tends to z/(1 + z), the bound for all networks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, K, count, lam, n, q, quantity, real
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import GAP
from exactdropout.theorems.nonnegative.exactdropout_2026_every_depth import LEAST, T
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import (
    HALF_MINIMUM,
    J_HALF,
    RHO,
    half_minimum,
)
from exactdropout.theorems.proof import Proof, Step, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, lemma_step, proved
from exactdropout.theorems.statements.lines import ByAlgebra, ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbol, symbols

__all__ = ["every_width_steps", "off_value", "prove", "sufficient_width"]

HALF = Fraction(1, 2)
HALF_TERM = number(HALF)
SIZES = ((2, 1), (2, 2), (3, 1), (3, 2))


def off_value(dropped: Any, width: Any, spread: Any) -> Any:
    """Return J_D of n off units with the best output weight and bias: ½ (z + 1/(2/(1 − z) + n/λ))/(1 + z)."""
    return (dropped + 1 / (2 / (1 - dropped) + width / spread)) / (1 + dropped) / 2


def sufficient_width(inputs: int, rate: Fraction) -> int:
    """Return the least n from which on off units beat every non-negative network of the same width, K ≥ 2.

    >>> [sufficient_width(k, Fraction(1, 2)) for k in (2, 3, 4)]
    [5, 1, 1]
    """
    z, spread = rate**inputs, rate / (1 - rate)
    slope = (1 - z) * (spread * (1 - z) - inputs * z)
    return max(int(spread * (inputs * z * (3 - z) - spread * (1 - z) ** 2) // slope) + 1, 1)


def _network(inputs: int, width: int, rate: Fraction) -> Network:
    """Return the off units: weights −p undo the scaling of kept inputs; t and β as in the proof."""
    z, spread = rate**inputs, rate / (1 - rate)
    force = 1 / (1 + z) / (1 / (1 + z) + 1 / (1 - z) + width / ((1 + z) * spread))
    off, on = z / (1 + z) + force / (1 + z), 1 - force / (1 - z)
    return Network([[[rate - 1] * inputs] * width, [(off - on) / width] * width], [[1] * width, on])


def _values() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of off units with a given value where every input is dropped, and elsewhere."""
    for (inputs, width), rate in itertools.product(SIZES, (HALF, Fraction(1, 3))):
        for off, on in ((HALF, Fraction(1)), (Fraction(-1), Fraction(2)), (Fraction(1), Fraction(1, 3))):
            network = Network([[[rate - 1] * inputs] * width, [(off - on) / width] * width], [[1] * width, on])
            found = naive_evaluation(network, Examples.half((1,) * inputs, 1), (rate, rate)).criterion
            yield {K: inputs, n: width, q: rate, t: off, b: on, J_OFF: Fraction(found)}


t, b, z, V, t_best, b_best = symbols("t b z V u v")
ROOM = symbol("C")
J_OFF, J_BEST = apply("J", t, b), apply("J", t_best, b_best)
_NONE = Definition(z, q**K, "the probability that every input is dropped")
_FORCE = 1 / (2 / (1 - z) + n / lam)
_BEST = (
    Definition(t_best, (z + _FORCE) / (1 + z), "the best value where every input is dropped"),
    Definition(b_best, 1 - _FORCE / (1 - z), "the best value elsewhere"),
    Definition(V, (z + _FORCE) / (1 + z), "twice the criterion at these"),
)
_FACTOR = n / ((1 + z) * (2 * lam + n * (1 - z)) * (2 * K * lam + K * n + 2 * lam**2 + 2 * lam * n))


def _room(inputs: Operand, dropped: Operand, spread: Operand) -> Term:
    """Return n (1 − z)(λ (1 − z) − K z) − λ (K z (3 − z) − λ (1 − z)²)."""
    k, none = number(inputs), number(dropped)
    return n * (1 - none) * (spread * (1 - none) - k * none) - spread * (
        k * none * (3 - none) - spread * (1 - none) ** 2
    )


_ROOM = Definition(ROOM, _room(K, z, lam), "by how much the width meets the condition")
EVERY_WIDTH = Derivation(
    name="every-width",
    title="Off units beat weights that are not negative from an explicit width on",
    setting=say(
        "One hidden layer with biases on P(1,1), off units, {0}",
        equal(ROOM, _room(K, z, lam)),
    ),
    quantified=(count(K, 2, "the number of inputs"), count(n, 1, "the number of hidden units"), OPEN_RATE),
    definitions=(KEEP, SPREAD, _NONE, _ROOM, RHO, LEAST, *_BEST),
    hypotheses=(Hypothesis("wide", ROOM > 0),),
    quantities=(
        quantity(J_OFF, "the criterion of off units with these two values"),
        quantity(J_HALF, "the criterion of a network of the same width whose weights are not negative"),
    ),
    auxiliary=(real(t, "the output where every input is dropped"), real(b, "the output elsewhere, the output bias")),
    lines=(
        Line(
            label="value",
            sentence=say(
                "The unit relu of 1 less the number of kept inputs is 1 where every input is dropped, with probability "
                "{0} and on the input of zeros, and else 0; the last masks are closed: {claim}.",
                z,
            ),
            claim=equal(2 * J_OFF, t**2 + z * (t - 1) ** 2 + (1 - z) * (b - 1) ** 2 + (1 + z) * lam / n * (b - t) ** 2),
            reason=InWords(_values, "the double loop at 4 sizes, q = 1/2, 1/3, three pairs of values"),
        ),
        Line(
            label="best",
            sentence=say("At the values where both slopes are 0, {claim}."),
            claim=equal(2 * J_BEST, V),
            reason=From((part("value", t=t_best, b=b_best),)),
        ),
        Line(
            label="less",
            sentence=say("The condition compares this with the least of the others: {claim}."),
            claim=V < T / (1 + T),
            reason=From((part("wide", _FACTOR),)),
        ),
        Line(
            label="least",
            sentence=say("By the non-negative minimum {claim}."),
            claim=J_HALF >= T / (2 * (1 + T)),
            reason=ByLemma(HALF_MINIMUM),
        ),
        Line(
            label="gap",
            sentence=say("The gap is positive: {claim}."),
            claim=lam * (1 - q**K) > K * q**K,
            reason=ByLemma(GAP),
        ),
    ),
    conclusions=(
        Conclusion(J_BEST < J_HALF, From((part("best", -HALF), part("less", HALF), part("least")))),
        Conclusion((1 - z) * (lam * (1 - z) - K * z) > 0, From((part("gap", 1 - z),))),
    ),
)


_LESS, _CONDITION = J_BEST < J_HALF, ROOM > 0
_HALF = Definition(q, HALF_TERM, "the drop probability")


def _named(inputs: int) -> tuple[Definition, ...]:
    """Return the definitions of the theorem for this number of inputs at one half."""
    return (Definition(K, number(inputs), "the number of inputs"), _HALF, *EVERY_WIDTH.definitions)


def _wide(reason: From | ByAlgebra) -> Line:
    return Line(label="wide", sentence=say("So the condition is met: {claim}."), claim=_CONDITION, reason=reason)


_BY_THEOREM = Conclusion(_LESS, ByLemma(EVERY_WIDTH, (), ("wide",)))
AT_HALF = Derivation(
    name="every-width-at-half",
    title="Every width at the drop probability one half, four inputs or more",
    setting=say("At {0}, four inputs or more", HALF_TERM),
    quantified=(count(K, 4, "the number of inputs"), count(n, 1, "the number of hidden units")),
    definitions=(_HALF, *EVERY_WIDTH.definitions),
    quantities=EVERY_WIDTH.quantities,
    auxiliary=EVERY_WIDTH.auxiliary,
    lines=(
        Line(
            label="power",
            sentence=say("By induction on {0}: {claim}.", K),
            claim=HALF_TERM**K <= Fraction(1, 16),
            reason=ByInduction(K, (), (), factor=HALF_TERM, plus=(number(Fraction(1, 32)),)),
        ),
        Line(
            label="times",
            sentence=say("And {claim}."),
            claim=K * HALF_TERM**K <= Fraction(1, 4),
            reason=ByInduction(
                K, (), (), factor=HALF_TERM, parts=(part("power", HALF),), plus=(number(Fraction(3, 32)),)
            ),
        ),
        Line(
            label="slope",
            sentence=say("So the condition grows with the width: {claim}."),
            claim=1 - z - K * z > 0,
            reason=From((part("power"), part("times")), plus=(number(Fraction(11, 16)),)),
        ),
        _wide(
            From(
                (part("slope", (n - 1) * (1 - z)), part("times", 4), part("power", 4)),
                plus=(Fraction(3, 4) + 2 * z**2 + 2 * K * z**2,),
            )
        ),
    ),
    conclusions=(_BY_THEOREM,),
)
THREE_INPUTS = Derivation(
    name="every-width-three-inputs",
    title="So for three inputs",
    setting=say("Three"),
    quantified=(count(n, 1, "the number of hidden units"),),
    definitions=_named(3),
    quantities=EVERY_WIDTH.quantities,
    auxiliary=EVERY_WIDTH.auxiliary,
    lines=(_wide(ByAlgebra()),),
    conclusions=(_BY_THEOREM,),
)
TWO_INPUTS = Derivation(
    name="every-width-two-inputs",
    title="For two inputs from 5 units on",
    setting=say("Two, 5 on"),
    quantified=(count(n, 5, "the number of hidden units"),),
    definitions=_named(2),
    quantities=EVERY_WIDTH.quantities,
    auxiliary=EVERY_WIDTH.auxiliary,
    lines=(_wide(ByAlgebra()),),
    conclusions=(_BY_THEOREM,),
)
DERIVATIONS = (EVERY_WIDTH, AT_HALF, THREE_INPUTS, TWO_INPUTS)


def every_width_steps() -> list[Step]:
    """Return the parts as steps, for theorems that use them."""
    return [*map(lemma_step, DERIVATIONS)]


def prove() -> Proof:
    """Prove the entry, and that the condition is the exact one for these networks."""
    dropped, spread, width = sympy.symbols("z lambda n", positive=True)
    limit = sympy.limit(2 * off_value(dropped, width, spread), width, sympy.oo)
    further = [
        step(
            r"$n \to \infty$: $2 J_D \to \frac z{1+z}$, the bound for every network.",
            "identity",
            sympy.factor(limit - dropped / (1 + dropped)) == 0,
        ),
        enumerated(
            "The double loop gives the stated value of the off units, and it is below the minimum exactly from the "
            "stated width on.",
            _numbers(),
            "K, n = 2, 1; 2, 2; 3, 1; 3, 2; q = 1/2, 1/3; the comparison for n = 1, ..., 40, K = 2, ..., 6",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _numbers() -> Iterator[tuple[Any, Any]]:
    for rate in (HALF, Fraction(1, 3)):
        for k, width in SIZES:
            found = naive_evaluation(_network(k, width, rate), Examples.half((1,) * k, 1), (rate, rate)).criterion
            yield found, off_value(rate**k, width, rate / (1 - rate))
    for rate in (HALF, Fraction(1, 10), Fraction(9, 10)):
        spread = rate / (1 - rate)
        for k in range(2, 7):
            least = sufficient_width(k, rate)
            for width in range(1, 41):
                yield off_value(rate**k, width, spread) < half_minimum(k, width, spread), width >= least


@register(
    id="exactdropout-2026-every-width",
    title="With biases every width from an explicit one on needs negative weights",
    source="exactdropout2026",
    number="every width",
    derivations=DERIVATIONS,
    verdict="holds",
)
def every_width() -> Proof:
    """Prove the entry as declared."""
    return prove()
