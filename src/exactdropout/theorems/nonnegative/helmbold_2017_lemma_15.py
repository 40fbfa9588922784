"""Lemma 15 of Helmbold and Long (2017), a tail of the binomial: false as printed, smallest at n = 5.

Printed: X ~ Bin(n, ½) has Pr(X < n/2 − √n/4) ≥ ¼. The printed proof bounds an interval of length √n/2 as if it held
√n/2 integers; it can hold one more, and at n = 16 its ends belong to neither tail.
Proved: it holds for every n outside a finite list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.theorems.definitions import count, m, n, quantity, real
from exactdropout.theorems.proof import Proof
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import (
    ByDivision,
    ByInduction,
    ByInstances,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["EXCEPTIONS", "FROM", "central_part", "lower_tail", "prove"]

FROM = 76
"""From this n on the central bound decides; below, every n is computed."""
EXCEPTIONS = {5: Fraction(3, 16), 7: Fraction(29, 128), 16: Fraction(14893, 65536), 18: Fraction(15751, 65536)}
QUARTER, HALF = Fraction(1, 4), Fraction(1, 2)
a, r, C, M, T = symbols("a r C M T")
LEAST = symbol("T", "least")


def lower_tail(n: int) -> Fraction:
    """Return Pr(X < n/2 − √n/4) exactly: X < n/2 − √n/4 means 2n − 4X > √n."""
    count = sum(math.comb(n, x) for x in range(n // 2 + 1) if 2 * n > 4 * x and (2 * n - 4 * x) ** 2 > n)
    return Fraction(count, 2**n)


def central_part(n: int) -> Fraction:
    """Return Pr(|X − n/2| < √n/4) exactly: (4X − 2n)² < n."""
    return Fraction(sum(math.comb(n, x) for x in range(n + 1) if (4 * x - 2 * n) ** 2 < n), 2**n)


def _largest() -> Iterator[Mapping[Term, Any]]:
    for size in range(1, 61):
        yield {n: size, M: Fraction(math.comb(size, size // 2), 2**size)}


def _squares() -> Iterator[Mapping[Term, Any]]:
    """Yield tails, the closed middle and the largest probability for squares, whose root is rational."""
    for root in range(1, 16):
        size = root**2
        tail = lower_tail(size)
        yield {n: size, r: root, T: tail, C: 1 - 2 * tail, M: Fraction(math.comb(size, size // 2), 2**size)}


def _central() -> Iterator[Mapping[Term, Any]]:
    for half in range(40):
        yield {m: half, a: Fraction(math.comb(2 * half, half), 4**half)}


def _below() -> Iterator[Mapping[Term, Any]]:
    """Yield the tails at the exceptions, and the least of all others, computed."""
    tails = {size: lower_tail(size) for size in range(1, FROM)}
    yield {
        LEAST: min(tail for size, tail in tails.items() if size not in EXCEPTIONS),
        **{_tail(size): tails[size] for size in EXCEPTIONS},
        **{_middle(size): central_part(size) for size in EXCEPTIONS},
    }


def _tail(size: int) -> Term:
    return symbol("T", size)


def _middle(size: int) -> Term:
    return symbol("C", size)


_SUMS = "exact binomial sums"
_COMPUTED = ByInstances(_below, _SUMS, whole=True)
_ROOM = HALF - (r / 2 + 1) * M
_FIRST, _LAST = Fraction(87, 10), number(FROM)

LARGE = Derivation(
    name="lemma-15-large",
    title="The tail from 76 on",
    setting=say("Fair coins, at least {0}, {1} the probability of less than {2} heads", _LAST, T, n / 2 - r / 4),
    quantified=(count(n, FROM, "the number of coins"), real(r, "the root of this number", low=0)),
    hypotheses=(Hypothesis("root", equal(r**2, n)),),
    quantities=(
        quantity(T, "the probability of the tail below, and of that above"),
        quantity(C, "the probability of all values between them, ends included"),
        Variable(term=M, meaning="the largest probability of one value", kind="network", low=Fraction(0), low_in=True),
        quantity(a, "the probability of the middle value for an even number of coins"),
    ),
    auxiliary=(Variable(term=m, meaning="half this even number", kind="integer", low=Fraction(0), low_in=True),),
    lines=(
        Line(
            label="central",
            sentence=say("Two more coins multiply the middle probability by {0}: {claim}.", (2 * m + 1) / (2 * m + 2)),
            claim=(3 * m + 1) * a**2 <= 1,
            reason=ByInduction(
                m, ((a, number(1)),), ((a, a * (2 * m + 1) / (2 * m + 2)),), plus=(a**2 * m / (2 * m + 2) ** 2,)
            ),
        ),
        Line(
            label="listed",
            sentence=say("By binomial coefficients {claim}."),
            claim=(3 * m + 1) * a**2 <= 1,
            reason=ByInstances(_central, "up to 78 coins"),
        ),
        Line(
            label="odd",
            sentence=say("With one coin less the largest probability is the same: {claim}."),
            claim=(Fraction(3, 2) * (2 * m - 1) + 1) * a**2 <= 1,
            reason=From((part("central"),), plus=(Fraction(3, 2) * a**2,)),
        ),
        Line(
            label="largest",
            sentence=say("So for even and odd numbers of coins {claim}."),
            claim=(Fraction(3, 2) * n + 1) * M**2 <= 1,
            reason=InWords(_largest, "n = 1, ..., 60"),
        ),
        Line(
            label="middle",
            sentence=say("A closed interval of length {0} holds at most {1} integers: {claim}.", r / 2, r / 2 + 1),
            claim=C <= (r / 2 + 1) * M,
            reason=InWords(_squares, "squares up to 225"),
        ),
        Line(
            label="tails",
            sentence=say("The two tails are equal and share the rest: {claim}."),
            claim=equal(2 * T + C, 1),
            reason=InWords(_squares, "the same squares"),
        ),
        Line(
            label="product",
            sentence=say("The root is large: {claim}."),
            claim=(r - _FIRST) * (r + _FIRST) > 0,
            reason=From((part("root"),), plus=(n - _FIRST**2,)),
        ),
        Line(label="sum", sentence=say("As {claim},"), claim=r + _FIRST > 0),
        Line(label="at least", sentence=say("{claim}."), claim=r > _FIRST, reason=ByDivision("sum", "product")),
        Line(
            label="square",
            sentence=say("So {claim}."),
            claim=_ROOM * (HALF + (r / 2 + 1) * M) >= 0,
            reason=From(
                (
                    part("largest", QUARTER),
                    part("root", -(Fraction(3, 8) * M**2)),
                    part("at least", (r + Fraction(7, 10)) / 8 * M**2),
                ),
                plus=(Fraction(9, 800) * M**2,),
            ),
        ),
        Line(label="factor", sentence=say("As {claim},"), claim=HALF + (r / 2 + 1) * M > 0),
        Line(label="half", sentence=say("{claim}."), claim=_ROOM >= 0, reason=ByDivision("factor", "square")),
    ),
    conclusions=(Conclusion(T >= QUARTER, From((part("tails", HALF), part("middle", HALF), part("half", HALF)))),),
)

_MIDDLES = {5: Fraction(5, 8), 16: Fraction(6435, 32768)}
SMALL = Derivation(
    name="lemma-15-small",
    title="Where the tail is smaller",
    setting=say("With an index the number of coins, {0} the least tail of all other numbers below {1}", LEAST, _LAST),
    quantified=(),
    quantities=(
        quantity(LEAST, "the least tail of all numbers of coins below 76 without an index here"),
        *(quantity(_tail(size), f"the tail for {size} coins") for size in EXCEPTIONS),
        *(quantity(_middle(size), f"the open middle for {size} coins") for size in _MIDDLES),
    ),
    lines=(
        *(
            Line(
                label=f"tail {size}",
                sentence=say("For {0} coins {claim}.", number(size)),
                claim=equal(_tail(size), value),
                reason=_COMPUTED,
            )
            for size, value in EXCEPTIONS.items()
        ),
        Line(
            label="others",
            sentence=say("For all other numbers below {0} {claim}.", _LAST),
            claim=LEAST >= QUARTER,
            reason=_COMPUTED,
        ),
        *(
            Line(
                label=f"middle {size}",
                sentence=say(words, number(size)),
                claim=equal(_middle(size), value),
                reason=_COMPUTED,
            )
            for (size, value), words in zip(
                _MIDDLES.items(),
                (
                    "The printed proof takes the open middle as at most one half; for {0} coins {claim}.",
                    "For {0} it is less, {claim}, but its two ends belong to neither tail.",
                ),
                strict=True,
            )
        ),
    ),
    conclusions=(
        *(
            Conclusion(_tail(size) < QUARTER, From((part(f"tail {size}", -1),), plus=(number(QUARTER - value),)))
            for size, value in EXCEPTIONS.items()
        ),
        Conclusion(LEAST >= QUARTER, From((part("others"),))),
    ),
)
DERIVATIONS = (LARGE, SMALL)


def prove() -> Proof:
    """Prove the bound from 76 coins on, and where it fails below."""
    return proved("fails as printed", DERIVATIONS, counterexample=_FIVE)


_FIVE = "n = 5: Pr(X < 5/2 - sqrt(5)/4) = Pr(X <= 1) = 3/16 < 1/4."


@register(
    id="helmbold-2017-lemma-15",
    title="A tail of the binomial",
    source="helmbold2017",
    number="Lemma 15",
    printed=say(
        "Of {0} fair coins fewer than {1} show heads with probability at least {2}.", n, n / 2 - r / 4, number(QUARTER)
    ),
    derivations=DERIVATIONS,
    verdict="fails as printed",
    correction=say(
        "The bound holds for every number of coins except 5, 7, 16 and 18; in particular for {0}, which is "
        "what Lemma 16 needs.",
        n > 18,
    ),
)
def lemma_15() -> Proof:
    """Prove the entry as declared."""
    return prove()
