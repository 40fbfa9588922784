"""What a proof is here: steps, each with how it was checked, and a verdict that no failed step survives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = [
    "METHODS",
    "RULES",
    "Method",
    "Proof",
    "Step",
    "Verdict",
    "argument",
    "by_rule",
    "conclude",
    "enumerated",
    "extended",
    "induction",
    "step",
]

Verdict: TypeAlias = Literal["holds", "holds with a correction", "fails as printed", "not proved"]

Method: TypeAlias = Literal[
    "identity",
    "cases",
    "induction",
    "consequence",
    "lemma",
    "rule",
    "derivation",
    "enumeration",
    "root count",
    "bound",
    "data",
    "certificate",
    "argument",
]

METHODS: dict[str, str] = {
    "identity": "a polynomial identity in generic symbols, checked coefficient by coefficient",
    "cases": "a complete list of sign cases, each checked with generic symbols of that sign",
    "induction": "an induction whose start and whose step, with a generic hypothesis, were both checked",
    "consequence": "the claim's difference is a sum of earlier lines times factors, and of terms, of manifest sign",
    "lemma": "a lemma that is proved once, cited with values that lie in its ranges",
    "rule": "a textbook theorem, named and not proved here, whose hypotheses in this place were checked",
    "derivation": "the symbolic engine, with free symbols, at the sizes named",
    "enumeration": "the definition as a double loop over examples and all 2^N masks, in exact fractions",
    "root count": "the number of real roots of a polynomial in an interval, counted exactly",
    "bound": "float64 over all masks, with a proved bound on its error",
    "data": "figures that ship with the package from a documented run, compared as rationals",
    "certificate": "an exact global optimum: a certificate that ships with the package or was made in this run, "
    "verified by the independent checker in this run, or cells of q proved in this run",
    "argument": "reasoning in words that no computation checked",
}

RULES: dict[str, str] = {
    "bijection": "a bijection that multiplies two functions by positive constants maps minimisers to minimisers, and "
    "infima and maxima accordingly",
    "closed cones": "a linear image of a polyhedral cone is a polyhedral cone, and so it is closed",
    "Frank and Wolfe": "a quadratic that is bounded below on a polyhedron attains its minimum there",
    "Weierstrass": "a continuous function on a compact set that is not empty attains its minimum and its maximum",
}
"""Textbook theorems that a step may name; what each needs is checked where it is used."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a proof: what it claims (text, formulas in LaTeX between dollars) and how it was checked.

    ``holds`` is the outcome of the computation; a step in words has the method ``"argument"`` and ``holds=None``:
    it is never marked as checked.
    """

    claim: str
    method: Method
    holds: bool | None
    detail: str = ""

    def __post_init__(self) -> None:
        """Refuse an argument in words that poses as checked, and a checked step without an outcome."""
        if self.method not in METHODS:
            raise InvalidInput(f"Argument 'method' must be one of {', '.join(METHODS)}, not {show(self.method)}.")
        if (self.method == "argument") != (self.holds is None) or not isinstance(self.holds, (bool, type(None))):
            raise InvalidInput("Argument 'holds' must be None for an argument in words and True or False otherwise.")

    def __str__(self) -> str:
        """Return one line."""
        checked = "hypotheses checked" if self.method == "rule" else "checked"
        mark = {True: checked, False: "FAILED", None: "in words"}[self.holds]
        return f"[{self.method}, {mark}] {self.claim}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The outcome of a proof: verdict, scope, steps and time.

    ``scope`` says for which sizes the steps prove the statement. ``counterexample`` is the smallest exact one where
    the printed statement fails.
    """

    verdict: Verdict
    scope: str
    steps: tuple[Step, ...]
    counterexample: str = ""
    seconds: float = 0.0

    @property
    def evidence(self) -> str:
        """The kinds of evidence, and how many steps rest on words."""
        kinds = dict.fromkeys(s.method for s in self.steps if s.method != "argument")
        words = sum(s.method == "argument" for s in self.steps)
        return ", ".join(kinds) + (f" (+{words} in words)" if words else "")

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps whose check failed."""
        return tuple(s for s in self.steps if s.holds is False)

    def timed(self, seconds: float) -> Proof:
        """Return the proof with the time it took."""
        return replace(self, seconds=seconds)

    def __str__(self) -> str:
        """Return the proof as numbered lines."""
        lines = [f"{self.verdict}; scope: {self.scope}"]
        lines += [f"  {number}. {s}" for number, s in enumerate(self.steps, 1)]
        if self.counterexample:
            lines.append(f"  counterexample: {self.counterexample}")
        return "\n".join(lines)


def step(claim: str, method: Method, holds: bool, detail: str = "") -> Step:
    """Return a step that a computation checked."""
    return Step(claim=claim, method=method, holds=bool(holds), detail=detail)


def argument(claim: str) -> Step:
    """Return a step in words."""
    return Step(claim=claim, method="argument", holds=None)


def enumerated(claim: str, pairs: Iterable[tuple[Any, Any]], detail: str = "") -> Step:
    """Return a step that compares what was found by enumeration with what was claimed, pair by pair, exactly."""
    found = list(pairs)
    return step(claim, "enumeration", bool(found) and all(a == b for a, b in found), detail)


def induction(claim: str, *, start: bool, step: bool, detail: str = "") -> Step:
    """Return a step for an induction: ``start`` is the checked first case, ``step`` the checked passage to the next.

    >>> print(induction("1 + ... + m = m (m + 1)/2", start=True, step=False))
    [induction, FAILED] 1 + ... + m = m (m + 1)/2
    """
    return Step(claim=claim, method="induction", holds=bool(start) and bool(step), detail=detail)


def by_rule(claim: str, rule: str, hypotheses: Mapping[str, bool]) -> Step:
    """Return a step that applies a rule of ``RULES``; ``hypotheses`` says in words what it needs, and what was found.

    Raises:
        InvalidInput: an unknown rule, or no hypothesis.

    >>> print(by_rule("f has a minimum on [0, 1]", "Weierstrass", {"0 <= 1": 0 <= 1}))
    [rule, hypotheses checked] f has a minimum on [0, 1] (Weierstrass: 0 <= 1)
    """
    if rule not in RULES:
        raise InvalidInput(f"Argument 'rule' must be one of {', '.join(RULES)}, not {show(rule)}.")
    if not hypotheses:
        raise InvalidInput("Argument 'hypotheses' must name what the rule needs; it is empty.")
    return Step(claim=claim, method="rule", holds=all(hypotheses.values()), detail=f"{rule}: " + "; ".join(hypotheses))


def conclude(verdict: Verdict, scope: str, steps: Sequence[Step], counterexample: str = "") -> Proof:
    """Return the proof: the verdict stands only if a computation checked something and no check failed.

    >>> conclude("holds", "all sizes", [step("1 = 2", "identity", False)]).verdict
    'not proved'
    >>> conclude("holds", "all sizes", [argument("It is clear.")]).verdict
    'not proved'
    """
    checked = [s for s in steps if s.holds is not None]
    proved = bool(checked) and all(s.holds for s in checked)
    return Proof(
        verdict=verdict if proved else "not proved",
        scope=scope if proved else "none",
        steps=tuple(steps),
        counterexample=counterexample,
    )


def extended(proof: Proof, steps: Sequence[Step]) -> Proof:
    """Return the proof with further steps; its verdict stands only if they hold too."""
    return conclude(proof.verdict, proof.scope, [*proof.steps, *steps], proof.counterexample)
