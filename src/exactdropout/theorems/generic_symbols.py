"""Generic symbols for proofs that hold at all sizes: identities are checked in the polynomial ring."""

from __future__ import annotations

import sympy

from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.theorems.proof import Step, step

__all__ = ["generic", "identity"]


def generic(names: str) -> tuple[ReluRing, tuple[ReluPolynomial, ...]]:
    """Return a ring over named real symbols and its generators; all are real.

    A trailing ``+`` makes a symbol positive and a trailing ``~`` makes it non-negative.

    >>> ring, (c, w) = generic("c+ w")
    >>> ring.relu(c * w) == c * ring.relu(w)
    True
    """
    symbols = []
    for name in names.split():
        if name.endswith("+"):
            symbols.append(sympy.Symbol(name[:-1], positive=True))
        elif name.endswith("~"):
            symbols.append(sympy.Symbol(name[:-1], nonnegative=True))
        else:
            symbols.append(sympy.Symbol(name, real=True))
    ring = ReluRing(symbols)
    return ring, tuple(ring.generator(s) for s in symbols)


def identity(claim: str, left: ReluPolynomial, right: ReluPolynomial | int) -> Step:
    """Return a step that two elements of a ring are equal, coefficient by coefficient."""
    return step(claim, "identity", left == right)
