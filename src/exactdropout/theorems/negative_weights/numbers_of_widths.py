"""The thresholds and the smallest widths that certificates prove, as statements about numbers.

θ_n is the rate below which, and only below which, every minimiser of width n has a negative weight; t_n is the largest
whole number of millionths below it. Cells of q are proved in the run. The smallest width at q = ½ is from certificates
that ship with the package, verified in the run, and from closed forms for all larger widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from exactdropout.theorems.definitions import quantity
from exactdropout.theorems.negative_weights.width_thresholds import Threshold, millionths
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInstances, From, Instances, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, symbol

__all__ = ["smallest_at_half", "thresholds_of"]


def _listed(
    name: str,
    title: str,
    words: str,
    numbers: Sequence[tuple[Term, str, int]],
    found: Instances,
    described: str,
    *,
    supporting: bool = False,
) -> Derivation:
    """Return the statement that quantities, each with its meaning, are numbers, as certificates say."""
    reason = ByInstances(found, described, method="certificate", whole=True)
    lines = tuple(
        Line(label=str(term), sentence=say("So {claim}."), claim=equal(term, value), reason=reason)
        for term, _, value in numbers
    )
    return Derivation(
        name=name,
        title=title,
        supporting=supporting,
        setting=say(words),
        quantified=(),
        quantities=tuple(quantity(term, meaning) for term, meaning, _ in numbers),
        lines=lines,
        conclusions=tuple(Conclusion(equal(term, value), From((part(str(term)),))) for term, _, value in numbers),
    )


def _name(case: Threshold) -> Term:
    return symbol("u" if case.biases else "t", case.width)


def thresholds_of(cases: Sequence[Threshold], *, supporting: bool = False) -> Derivation:
    """Return the statement of the thresholds of these cases, all for one number of inputs."""

    def found() -> Iterator[Mapping[Term, Any]]:
        values = {_name(case): millionths(case) for case in cases}
        yield {name: value for name, value in values.items() if value is not None}

    at = {False: "without biases on the point mass", True: "with biases on the half-half distribution"}
    meaning = {
        biases: f"the largest whole number of millionths below the threshold of this width, {where}: every minimiser "
        "has a negative weight exactly for drop probabilities below it"
        for biases, where in at.items()
    }
    numbers = [(_name(case), meaning[case.biases], int(case.theta * 10**6)) for case in cases]
    return _listed(
        "smallest-width-further" if supporting else "smallest-width-thresholds",
        "The thresholds of further widths" if supporting else "The thresholds of small widths",
        "Two inputs, millionths of q",
        numbers,
        found,
        "cells of q, proved now, and given units below them",
        supporting=supporting,
    )


def smallest_at_half(
    declared: Mapping[tuple[int, bool], int], smallest: Callable[[int, bool], int | None]
) -> Derivation:
    """Return the statement of the smallest widths at q = ½; ``smallest`` finds them from certificates."""

    def name(inputs: int, biases: bool) -> Term:
        return symbol("N" if biases else "n", inputs)

    def found() -> Iterator[Mapping[Term, Any]]:
        values = {name(*key): smallest(*key) for key in declared}
        yield {term: value for term, value in values.items() if value is not None}

    meaning = {
        biases: f"the smallest width whose minimisers, and those of all larger widths, have a negative weight, {where} "
        "by number of inputs"
        for biases, where in (
            (False, "without biases on the point mass"),
            (True, "with biases on the half-half distribution"),
        )
    }
    numbers = [(name(*key), meaning[key[1]], value) for key, value in declared.items()]
    return _listed(
        "smallest-width-at-half",
        "The smallest widths at one half",
        "At one half",
        numbers,
        found,
        "shipped certificates, rechecked now, and closed forms for all larger widths",
    )
