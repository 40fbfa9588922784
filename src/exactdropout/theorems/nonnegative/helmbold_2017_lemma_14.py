"""Lemma 14 of Helmbold and Long (2017): with non-negative weights, ψ has non-decreasing differences.

ψ(ℓ) is the mean of D(W, 1, R) given that ℓ inputs are kept. For ℓ = 1, …, K − 1: ψ(ℓ+1) − ψ(ℓ) ≥ ψ(ℓ) − ψ(ℓ−1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output, masks
from exactdropout.theorems.definitions import K, count, quantity
from exactdropout.theorems.gadget.first_one_gadget import first_one_gadget
from exactdropout.theorems.proof import Proof, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByDivision, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, symbol, symbols

__all__ = ["CONVEX_MEAN", "mean_given_kept", "prove"]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
ell, r, N = symbols("l r N")
BELOW, HERE, ABOVE = (symbol("B", place) for place in ("below", "here", "above"))
MORE, LESS, SAME, OTHER = (symbol("D", place) for place in ("more", "less", "same", "other"))


def _psi(at: Operand) -> Term:
    return apply("psi", at)


def _outputs(network: Network, rates: tuple[Fraction, ...]) -> dict[tuple[int, ...], Fraction]:
    """Return the mean output on the input of ones for each mask of the inputs."""
    total: dict[tuple[int, ...], Fraction] = {}
    chances: dict[tuple[int, ...], Fraction] = {}
    for mask, chance in masks(network, rates):
        kept = tuple(mask[0])
        output = Fraction(dropout_output(network, (1,) * len(kept), mask, rates)[0])
        total[kept] = total.get(kept, Fraction(0)) + chance * output
        chances[kept] = chances.get(kept, Fraction(0)) + chance
    return {kept: value / chances[kept] for kept, value in total.items()}


def mean_given_kept(network: Network, rates: tuple[Fraction, ...]) -> list[Fraction]:
    """Return ψ(0), …, ψ(K) by the double loop over all masks."""
    found: list[list[Fraction]] = [[] for _ in range(network.architecture.inputs + 1)]
    for kept, value in _outputs(network, rates).items():
        found[sum(kept)].append(value)
    return [sum(values, Fraction(0)) / len(values) for values in found]


def _networks() -> Iterator[tuple[Network, tuple[Fraction, ...]]]:
    for rate in (HALF, THIRD):
        yield Network([[[1, 2, 0], [3, 1, 1]], [2, 1]], [[-3, -2], -1]), (rate, rate)
        yield Network([[[1, 1, 1, 1], [2, 0, 1, 0]], [1, 3]], [[-4, 1], 0]), (rate, rate)
        yield Network([[[1, 2, 1]], [[1], [2]], [1, 1]], [[-2], [-1, -3], 2]), (rate, HALF, THIRD)


def _exchanged(kept: tuple[int, ...], added: int, removed: int) -> tuple[tuple[int, ...], ...]:
    """Return the masks u + i, u − j, u and u − j + i."""
    more, less, other = (list(kept) for _ in range(3))
    more[added] = other[added] = 1
    less[removed] = other[removed] = 0
    return tuple(more), tuple(less), kept, tuple(other)


def _sums() -> Iterator[Mapping[Term, Any]]:
    """Yield the four sums over all u, i, j, and the means ψ, for given networks by the double loop."""
    for network, rates in _networks():
        inputs, outputs, psi = network.architecture.inputs, _outputs(network, rates), mean_given_kept(network, rates)
        for size in range(1, inputs):
            sums = [Fraction(0)] * 4
            for kept in (mask for mask in outputs if sum(mask) == size):
                outside, inside = ([i for i, bit in enumerate(kept) if bit == b] for b in (0, 1))
                for added, removed in itertools.product(outside, inside):
                    found = _exchanged(kept, added, removed)
                    sums = [total + outputs[mask] for total, mask in zip(sums, found, strict=True)]
            counts = (math.comb(inputs, size + place) for place in (-1, 0, 1))
            yield {
                ell: Fraction(size), r: Fraction(inputs - size),
                **dict(zip((MORE, LESS, SAME, OTHER), sums, strict=True)),
                **dict(zip((BELOW, HERE, ABOVE), map(Fraction, counts), strict=True)),
                _psi(ell + 1): psi[size + 1], _psi(ell): psi[size], _psi(ell - 1): psi[size - 1],
            }  # fmt: skip


_CASES = "all u, i, j of networks 3-2-1, 4-2-1 and 3-1-2-1 with biases of both signs, q = 1/2, 1/3"
_CONVEX = _psi(ell + 1) - _psi(ell) >= _psi(ell) - _psi(ell - 1)


def _line(label: str, sentence: str, claim: Any, *formulas: Term) -> Line:
    return Line(label=label, sentence=say(sentence, *formulas), claim=claim, reason=InWords(_sums, _CASES))


CONVEX_MEAN = Derivation(
    name="lemma-14",
    title="The mean output is convex in the number of kept inputs",
    setting=say(
        "Weights that are not negative, any biases, depth and hidden rates, {0} the mean output on the input of ones "
        "where {1} of the {2} inputs are kept",
        _psi(ell),
        ell,
        K,
    ),
    quantified=(count(ell, 1, "the number of kept inputs"), count(r, 1, "the number of dropped inputs")),
    definitions=(Definition(K, ell + r, "the number of inputs", equal(K - ell, r)),),
    quantities=(
        quantity(_psi(ell), "the mean output where so many inputs are kept"),
        quantity(_psi(ell + 1), "with one more kept"),
        quantity(_psi(ell - 1), "with one less"),
        quantity(BELOW, "the number of sets of one input less"),
        Variable(
            term=HERE, meaning="the number of sets of so many inputs", kind="network", low=Fraction(1), low_in=True
        ),
        quantity(ABOVE, "the number of sets of one input more"),
        quantity(MORE, "the sum, over all sets, one input outside and one inside, of the mean output with the first"),
        quantity(LESS, "the same sum without the second"),
        quantity(SAME, "the same sum of the mean output on the set"),
        quantity(OTHER, "the same sum with the first in place of the second"),
    ),
    lines=(
        _line(
            "exchange",
            "For each pattern of the hidden units the network has weights that are not negative and is supermodular in "
            "its masked input, by Lemma 12. Take a set of {0} kept inputs, one input outside and one inside, and let "
            "the two be kept or dropped: summed over all these, {claim}.",
            MORE + LESS >= SAME + OTHER,
            ell,
        ),
        _line(
            "more",
            "A set of {0} is such a set with one input more in {1} ways: {claim}.",
            equal(MORE, (ell + 1) * ell * ABOVE * _psi(ell + 1)),
            ell + 1,
            (ell + 1) * ell,
        ),
        _line(
            "less",
            "A set of {0} is one with one input less in {1} ways: {claim}.",
            equal(LESS, (r + 1) * r * BELOW * _psi(ell - 1)),
            ell - 1,
            (r + 1) * r,
        ),
        _line(
            "same", "A set of {0} goes with {1} pairs: {claim}.", equal(SAME, ell * r * HERE * _psi(ell)), ell, ell * r
        ),
        _line("other", "It comes from as many by the exchange: {claim}.", equal(OTHER, ell * r * HERE * _psi(ell))),
        _line(
            "above",
            "One input more may be chosen in {0} ways, and each larger set is found {1} times: {claim}.",
            equal((ell + 1) * ABOVE, r * HERE),
            r,
            ell + 1,
        ),
        _line(
            "below",
            "One input less, and each smaller set is found {0} times: {claim}.",
            equal((r + 1) * BELOW, ell * HERE),
            r + 1,
        ),
        Line(
            label="times",
            sentence=say("So, times the number of choices, {claim}."),
            claim=ell * r * HERE * (_psi(ell + 1) - 2 * _psi(ell) + _psi(ell - 1)) >= 0,
            reason=From(
                (
                    part("exchange"),
                    part("more", -1),
                    part("less", -1),
                    part("same"),
                    part("other"),
                    part("above", -ell * _psi(ell + 1)),
                    part("below", -r * _psi(ell - 1)),
                )
            ),
        ),
        Line(label="choices", sentence=say("There is a choice: {claim}."), claim=ell * r * HERE > 0),
    ),
    conclusions=(Conclusion(_CONVEX, ByDivision("choices", "times")),),
)
"""ψ(ℓ+1) − ψ(ℓ) ≥ ψ(ℓ) − ψ(ℓ−1): u + i, u − j, u − j + i are uniform where u, i, j are."""
DERIVATIONS = (CONVEX_MEAN,)


def prove() -> Proof:
    """Prove the lemma, and that it needs its signs."""
    gadget = Network([first_one_gadget(3), [1, 1, 1]])
    broken = enumerated(
        "The gadget 3-3-1, which has negative weights, violates it.",
        [(any(d < 0 for d in _second_differences(gadget, (HALF,) * 2)), True)],
        "64 masks",
    )
    return proved("holds", DERIVATIONS, [broken])


def _second_differences(network: Network, rates: tuple[Fraction, ...]) -> list[Fraction]:
    psi = mean_given_kept(network, rates)
    return [psi[k + 1] - 2 * psi[k] + psi[k - 1] for k in range(1, len(psi) - 1)]


@register(
    id="helmbold-2017-lemma-14",
    title="The mean output is convex in the number of kept inputs",
    source="helmbold2017",
    number="Lemma 14",
    derivations=DERIVATIONS,
    verdict="holds",
)
def lemma_14() -> Proof:
    """Prove the entry as declared."""
    return prove()
