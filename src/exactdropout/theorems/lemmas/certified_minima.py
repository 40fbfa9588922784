"""Minima whose certificates ship with the package, checked again by the independent checker each time they are used.

All at q = ½ with the all-ones input and label 1: ``half-K…`` with biases on P_(1,1), ``point-K…`` without biases on the
point mass. The checker reads the text of the certificate only; what it proves is compared with what is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from exactdropout.certificate import checker
from exactdropout.certificate.shipped import Shipped
from exactdropout.theorems.proof import Step, step

__all__ = ["certified", "certified_step", "shipped_minimum"]


@cache
def shipped_minimum(item: Shipped) -> Fraction | None:
    """Return the minimum that the checker verifies for a shipped problem; None if it proves something else."""
    try:
        return item.check(item.read(), minimisers=False).lower
    except (checker.RejectedError, checker.MalformedError):
        return None


def certified(inputs: int, width: int, *, biases: bool, nonnegative: bool = False) -> Fraction | None:
    """Return the certified minimum at q = ½, or None."""
    return shipped_minimum(Shipped(inputs=inputs, width=width, biases=biases, nonnegative=nonnegative))


def certified_step(claim: str, holds: bool, items: Sequence[Shipped]) -> Step:
    """Return a step that rests on shipped certificates, named in the detail; widths of one kind are put together."""
    kinds: dict[str, list[int]] = {}
    for item in items:
        kinds.setdefault(item.name.replace(f"-n{item.width}", "-n*", 1), []).append(item.width)
    names = [
        kind.replace("*", str(widths[0])) if len(widths) == 1 else f"{kind} (n = {', '.join(map(str, widths))})"
        for kind, widths in kinds.items()
    ]
    return step(claim, "certificate", holds, "shipped certificates, rechecked now: " + "; ".join(names))
