"""Lemma 12 of Helmbold and Long (2017): non-negative weights and convex activations make a supermodular network.

Supermodular (Definition 11): φ(x) + φ(x + δ₁ + δ₂) ≥ φ(x + δ₁) + φ(x + δ₂) for δ₁, δ₂ ≥ 0. Differentiability is not
needed, nor is continuity beyond what convexity gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.proof import Proof, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, number, symbol, symbols

__all__ = ["RISING_EXCESS", "SUPERMODULAR", "UNIT", "prove"]

a, b, g, k, j, w, z, x, v, first, second = symbols("a b g k j w z x v delta epsilon")
S = [symbol("S", place) for place in range(4)]
"""Pre-activations at x, x + δ, x + ε and x + δ + ε."""


def _phi(at: Operand) -> Term:
    return apply("phi", at)


def _w(at: Operand) -> Term:
    return apply("W", at)


def excess(values: list[Term]) -> Term:
    """Return the value at both steps, plus that at none, less those at one."""
    return values[3] + values[0] - values[1] - values[2]


_NOT_NEGATIVE = (
    real(a, "how much the first step adds", low=0, low_in=True),
    real(b, "how much the second adds", low=0, low_in=True),
    real(g, "how much both together add beyond that", low=0, low_in=True),
)
_RISES = (_phi(z + a) >= _phi(z), _phi(z + b) >= _phi(z), _phi(z + a + b + g) >= _phi(z + a + b))
_CONVEX = _phi(z + a + b) - _phi(z + a) >= _phi(z + b) - _phi(z)
_UNIT = excess([_phi(z), _phi(z + a), _phi(z + b), _phi(z + a + b + g)]) >= 0

UNIT = Derivation(
    name="supermodular-unit",
    supporting=True,
    title="A unit keeps the excess",
    setting=say("A pre-activation {0} that steps raise by {1}, by {2}, and together by {3}", z, a, b, a + b + g),
    quantified=(real(z, "a pre-activation"), *_NOT_NEGATIVE),
    quantities=(quantity(_phi(z), "the activation, which does not decrease and is convex"),),
    hypotheses=(Hypothesis("rises", _RISES[2]), Hypothesis("convex", _CONVEX)),
    conclusions=(Conclusion(_UNIT, From((part("rises"), part("convex")))),),
)
"""φ(z₁₂) + φ(z₀) ≥ φ(z₁) + φ(z₂) for convex non-decreasing φ."""

RISING_EXCESS = Derivation(
    name="supermodular-sum",
    supporting=True,
    title="A sum with weights that are not negative keeps the excess",
    setting=say("The sum of {0} values, with weights that are not negative, and a bias", k),
    quantified=(integer(k, 0, "the number of values"),),
    quantities=tuple(
        quantity(term, f"the sum at {place}")
        for term, place in zip(S, ("x", "the first step", "the second", "both"), strict=True)
    ),
    auxiliary=(
        real(w, "the weight of one value more", low=0, low_in=True),
        real(v, "the bias"),
        real(z, "that value without a step"),
        *_NOT_NEGATIVE,
    ),
    lines=tuple(
        Line(
            label=label,
            sentence=say(sentence),
            claim=claim >= 0,
            reason=ByInduction(
                k,
                tuple((S[i], v) for i in places),
                tuple((S[i], S[i] + w * (z, z + a, z + b, z + a + b + g)[i]) for i in places),
                plus=(w * added,),
            ),
        )
        for label, sentence, claim, places, added in (
            ("first", "The first step does not lower the sum: {claim}.", S[1] - S[0], (0, 1), a),
            ("second", "Nor does the second: {claim}.", S[2] - S[0], (0, 2), b),
            ("both", "Biases cancel, and one value more adds its excess times its weight: {claim}.",
             excess(S), (0, 1, 2, 3), g),
        )
    ),
    conclusions=(
        Conclusion(S[1] >= S[0], From((part("first"),))),
        Conclusion(S[2] >= S[0], From((part("second"),))),
        Conclusion(excess(S) >= 0, From((part("both"),))),
    ),
)  # fmt: skip
"""Increases and excess of a pre-activation are sums of those below, times weights."""

_ACTIVATIONS: tuple[Callable[[Fraction], Fraction], ...] = (
    lambda at: max(at, Fraction(0)),
    lambda at: max(at, at / 10),
    lambda at: at,
    lambda at: max(at, Fraction(0)) ** 2,
)


def _values() -> Iterator[Mapping[Term, Any]]:
    """Yield convex functions that do not decrease at four points each."""
    steps = (Fraction(0), Fraction(1), Fraction(5, 2))
    for at, one, two, more in itertools.product((Fraction(-2), Fraction(-1, 2), Fraction(1)), steps, steps, steps):
        points = {
            z: at,
            z + a: at + one,
            z + b: at + two,
            z + a + b: at + one + two,
            z + a + b + g: at + one + two + more,
        }
        for function in _ACTIVATIONS:
            yield {
                **{_phi(point): function(value) for point, value in points.items()},
                z: at, a: one, b: two, g: more,
            }  # fmt: skip


def _networks() -> Iterator[Mapping[Term, Any]]:
    """Yield the outputs of networks with weights that are not negative, at four inputs each."""
    networks = [
        Network([[entries[:2], entries[2:]], [1, 2]], [biases, Fraction(-1, 2)])
        for entries in itertools.product((0, 1), repeat=4)
        for biases in itertools.product((-1, 0), repeat=2)
    ]
    networks.append(Network([[[1, 2], [3, 0]], [[1, 1]], [2]], [[-1, -2], [-3], 0]))
    shifts = list(itertools.product((0, 1, 2), repeat=2))[1:]
    for network in networks:
        for start in ((0, 0), (-1, 1)):
            for one, two in itertools.combinations_with_replacement(shifts, 2):
                points = (start, _sum(start, one), _sum(start, two), _sum(start, one, two))
                yield dict(
                    zip(_POINTS, (Fraction(dropout_output(network, p, None, ())[0]) for p in points), strict=True)
                )


def _sum(*vectors: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*vectors, strict=True)))


_POINTS = [_w(x), _w(x + first), _w(x + second), _w(x + first + second)]
_CLAIM = _POINTS[3] + _POINTS[0] >= _POINTS[1] + _POINTS[2]

SUPERMODULAR = Derivation(
    name="lemma-12",
    title="Non-negative weights make a supermodular network",
    setting=say(
        "A network whose weights are not negative, with any biases and convex activations that do not decrease, at an "
        "input {0} and steps {1} and {2} that are not negative",
        x,
        first,
        second,
    ),
    quantified=(integer(j, 0, "the number of layers"),),
    quantities=(
        *(quantity(term, "the output there") for term in _POINTS),
        quantity(_phi(z), "the activation of a unit"),
    ),
    auxiliary=(
        real(z, "the pre-activation of a unit of the next layer"),
        *_NOT_NEGATIVE,
    ),
    lines=(
        Line(
            label="sum",
            sentence=say(
                "Let the values below do not fall by either step and have an excess that is not negative. The next "
                "pre-activation is a sum with weights that are not negative, so by the lines on sums it becomes {0}, "
                "{1} and {2}: {claim}.",
                z + a,
                z + b,
                z + a + b + g,
            ),
            claim=excess([z, z + a, z + b, z + a + b + g]) >= 0,
        ),
        Line(
            label="rises",
            sentence=say("The activation does not decrease: {claim}."),
            claim=_RISES[2],
            reason=InWords(_values, "relu, leaky relu, linear and squared relu at 81 choices of points"),
        ),
        Line(
            label="convex",
            sentence=say("It is convex: {claim}."),
            claim=_CONVEX,
            reason=InWords(_values, "the same"),
        ),
        Line(
            label="unit",
            sentence=say("So the unit has an excess that is not negative, too: {claim}."),
            claim=_UNIT,
            reason=ByLemma(UNIT, (), ("rises", "convex")),
        ),
        Line(
            label="layers",
            sentence=say(
                "By induction on the layers, from the inputs, which are {0}, {1}, {2} and {3}: {claim}. Outputs that "
                "are linear are the case of an activation that is its argument.",
                x,
                x + first,
                x + second,
                x + first + second,
            ),
            claim=_CLAIM,
            reason=ByInduction(
                j,
                tuple(zip(_POINTS, (x, x + first, x + second, x + first + second), strict=True)),
                tuple(zip(_POINTS, map(_phi, (z, z + a, z + b, z + a + b + g)), strict=True)),
                factor=number(0),
                parts=(part("unit"),),
            ),
        ),
        Line(
            label="listed",
            sentence=say("By listing networks and steps: {claim}."),
            claim=_CLAIM,
            reason=ByInstances(_networks, "64 networks 2-2-1 and one 2-2-1-1, 36 pairs of steps at 2 points"),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("layers"),))),),
)
DERIVATIONS = (UNIT, RISING_EXCESS, SUPERMODULAR)


def prove() -> Proof:
    """Prove the lemma, and that it needs its signs."""
    broken = enumerated(
        "A negative weight breaks it: relu(x1 - x2) at 0, steps (1, 0) and (0, 1), has excess -1.", [_broken()]
    )
    return proved("holds", DERIVATIONS, [broken])


def _broken() -> tuple[object, object]:
    network = Network([[[1, -1]], [1]])
    at = {p: Fraction(dropout_output(network, p, None, ())[0]) for p in ((0, 0), (1, 0), (0, 1), (1, 1))}
    return at[1, 1] + at[0, 0] - at[1, 0] - at[0, 1], Fraction(-1)


@register(
    id="helmbold-2017-lemma-12",
    title="Non-negative weights make a supermodular network",
    source="helmbold2017",
    number="Lemma 12",
    printed=say(
        "Weights that are not negative, and activations that are convex, continuous, not decreasing and differentiable "
        "except on a finite set: {0} for steps {1} and {2} that are not negative.",
        _CLAIM,
        first,
        second,
    ),
    derivations=DERIVATIONS,
    verdict="holds",
)
def lemma_12() -> Proof:
    """Prove the entry as declared."""
    return prove()
