"""The letters of the catalogue: what K, n, d, q, p, λ, A, s and t stand for, once for every entry that is an object."""

from __future__ import annotations

from fractions import Fraction

from exactdropout.theorems.statements.lines import Definition
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, symbol, symbols

__all__ = [
    "COPIES",
    "DEPTH",
    "GADGET_SHARE",
    "GROWTH",
    "INPUTS",
    "KEEP",
    "OPEN_RATE",
    "RATE",
    "SOME_INPUT_KEPT",
    "SPREAD",
    "WIDTH_OF_COPIES",
    "A",
    "K",
    "count",
    "d",
    "integer",
    "lam",
    "m",
    "n",
    "p",
    "q",
    "quantity",
    "real",
    "s",
    "t",
]

K, n, d, m, q, p, s, t, A = symbols("K n d m q p s t A")
lam = symbol("lambda")


def integer(term: Term, low: int, meaning: str) -> Variable:
    """Return a variable for the integers from ``low`` on."""
    return Variable(term=term, meaning=meaning, kind="integer", low=Fraction(low), low_in=True)


def count(term: Term, low: int, meaning: str) -> Variable:
    """Return a variable for numbers of inputs, units or layers, from ``low`` on."""
    return Variable(term=term, meaning=meaning, kind="count", low=Fraction(low), low_in=True)


def real(term: Term, meaning: str, *, low: int | None = None, low_in: bool = False) -> Variable:
    """Return a variable for the real numbers, or for those above ``low``."""
    return Variable(term=term, meaning=meaning, low=None if low is None else Fraction(low), low_in=low_in)


def quantity(term: Term, meaning: str) -> Variable:
    """Return a number that a network and data determine."""
    return Variable(term=term, meaning=meaning, kind="network")


INPUTS = count(K, 1, "the number of inputs")
DEPTH = count(d, 2, "the number of layers of weights, the output layer included")
COPIES = count(m, 1, "the number of first-one gadgets in the first hidden layer")
OPEN_RATE = Variable(
    kind="rate",
    term=q,
    meaning="the drop probability",
    low=Fraction(0),
    high=Fraction(1),
)
RATE = Variable(
    kind="rate",
    term=q,
    meaning="the drop probability",
    low=Fraction(0),
    high=Fraction(1),
    low_in=True,
)
KEEP = Definition(p, 1 - q, "the probability to be kept", equal(p + q, 1))
SPREAD = Definition(lam, q / p, "the relative variance of a mask", equal(p * (1 + lam), 1))
WIDTH_OF_COPIES = Definition(n, m * K, "the number of units in each hidden layer", equal(n / K, m))
GROWTH = Definition(
    A,
    (1 + lam * K / n) * (1 + lam / n) ** (d - 2),
    "how the second moment of the gadget network exceeds its square mean",
)
SOME_INPUT_KEPT = Definition(s, 1 - q**K, "the probability that some input is kept")
GADGET_SHARE = Definition(t, (1 - s / A) / 2, "the criterion of the gadget network without output bias")
