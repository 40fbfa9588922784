"""Lemma 9 of Helmbold and Long (2017): on a 0/1 input that is not 0 one unit of each first-one gadget is 1, the rest 0.

Proved for inputs that are 0 or c > 0: with c = 1 this is the lemma, with c = 1/p it is a masked all-ones input.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import COPIES, INPUTS, WIDTH_OF_COPIES, K, integer, m, n, quantity, real
from exactdropout.theorems.gadget.first_one_gadget import first_one_gadget
from exactdropout.theorems.proof import Proof, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByCases, ByInduction, ByInstances, From, Line, part, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbols

__all__ = ["FIRST_ONE", "prove"]

c, k, t, u, G, H = symbols("c k t u G H")


def _relu(at: Operand) -> Term:
    return apply("relu", at)


def _units(x: tuple[Fraction, ...]) -> list[Fraction]:
    """Return the values of the units of one gadget."""
    return [
        max(sum((w * v for w, v in zip(row, x, strict=True)), Fraction(0)), Fraction(0))
        for row in first_one_gadget(len(x))
    ]


def _listed() -> Iterator[Mapping[Term, Any]]:
    """Yield the sums for every input of 0 and c that is not 0."""
    for inputs, copies, size in itertools.product(range(1, 7), (1, 3), (Fraction(1), Fraction(2), Fraction(3, 2))):
        for bits in itertools.product((0, 1), repeat=inputs):
            if any(bits):
                found = sum(_units(tuple(size * b for b in bits)), Fraction(0))
                yield {K: Fraction(inputs), m: Fraction(copies), c: size, G: found, H: copies * found}


_CASES = "every input of 0 and c with one c, K up to 6, c = 1, 2, 3/2, m = 1, 3"
_FIRST = equal(_relu(c), c)
_BEFORE = equal(_relu(number(0)), 0)
_LATER = equal(_relu((c - u) - (c + t)), 0)

FIRST_ONE = Derivation(
    name="first-one",
    title="The first-one gadget counts to one",
    setting=say(
        "On every input of {0} entries that are 0 or {1}, not all 0, the units of a gadget add up to {2}, and the "
        "first hidden layer of the gadget network adds up to {3}",
        K,
        c,
        G,
        H,
    ),
    quantified=(INPUTS, COPIES, real(c, "the value of the entries that are not 0: 1 in the lemma", low=0)),
    definitions=(WIDTH_OF_COPIES,),
    quantities=(
        quantity(G, "the sum of the units of one gadget"),
        quantity(H, "the sum of the first hidden layer"),
    ),
    auxiliary=(
        integer(k, 0, "a number of inputs after the first that is not 0"),
        real(t, "the sum of the entries between the first that is not 0 and a later one", low=0, low_in=True),
        real(u, "by how much an entry is below the largest value", low=0, low_in=True),
    ),
    lines=(
        Line(
            label="before",
            sentence=say("A unit before the first entry that is not 0 sees 0 alone: {claim}."),
            claim=_BEFORE,
            reason=ByCases(()),
        ),
        Line(
            label="first",
            sentence=say("The unit of this entry sees it and zeros before: {claim}."),
            claim=_FIRST,
            reason=ByCases(()),
        ),
        Line(
            label="later",
            sentence=say(
                "A later unit sees its own entry {0}, less {1} from the entries before it: {claim}.", c - u, c + t
            ),
            claim=_LATER,
            reason=ByCases(()),
        ),
        Line(
            label="gadget",
            sentence=say("So from the first entry that is not 0 on the sum stays the same: {claim}."),
            claim=equal(G, c),
            reason=ByInduction(
                k,
                ((G, _relu(number(0)) + _relu(c)),),
                ((G, G + _relu((c - u) - (c + t))),),
                first=(part("before"), part("first")),
                parts=(part("later"),),
            ),
        ),
        Line(
            label="copies",
            sentence=say("Each gadget adds this to the layer: {claim}."),
            claim=equal(H, m * c),
            reason=ByInduction(m, ((H, G),), ((H, H + G),), first=(part("gadget"),), parts=(part("gadget"),)),
        ),
        Line(
            label="listed",
            sentence=say("By listing all inputs: {claim}."),
            claim=equal(H, n / K * c),
            reason=ByInstances(_listed, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(equal(G, c), From((part("gadget"),))),
        Conclusion(equal(H, n / K * c), From((part("copies"),))),
    ),
)
"""One unit of each gadget is c, the rest are 0."""
DERIVATIONS = (FIRST_ONE,)


def prove() -> Proof:
    """Prove the lemma, and that the printed rule for a unit is another one."""
    further = [
        enumerated(
            "Exactly one unit is 1, at the first 1, on every 0/1 input that is not 0.",
            (
                (_units(tuple(map(Fraction, x))), [int(i == x.index(1)) for i in range(j)])
                for j in range(1, 9)
                for x in itertools.product((0, 1), repeat=j)
                if any(x)
            ),
            "K = 1, ..., 8",
        ),
        enumerated(
            "At x = (1, 0) the first unit of a gadget is 1, although the Kth input is 0, K = 2.",
            [(_units((Fraction(1), Fraction(0))), [1, 0])],
        ),
    ]
    return proved(
        "holds with a correction",
        DERIVATIONS,
        further,
        "K = 2, unit 1 at x = (1, 0): it is 1 although the Kth input is 0 (the text asks for the Kth input to be 1); "
        "and for n = 2K the inputs have K entries, not n.",
    )


@register(
    id="helmbold-2017-lemma-9",
    title="The first-one gadget counts to one",
    source="helmbold2017",
    number="Lemma 9",
    printed=say(
        "On every input of {0} entries that are 0 or 1, not all 0, the first hidden layer of the gadget network sums "
        "to {1}; a unit of a gadget is 1 if the last input is 1 and all inputs before its own are 0.",
        n,
        n / K,
    ),
    derivations=DERIVATIONS,
    verdict="holds with a correction",
    correction=say(
        "The inputs have {0} entries; a unit of a gadget is 1 if its own input is 1 and all inputs before it are 0.", K
    ),
)
def lemma_9() -> Proof:
    """Prove the entry as declared."""
    return prove()
