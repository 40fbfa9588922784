"""What an assertion answers: what was checked, what was not and why; and how it fails, in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from math import log
from typing import ParamSpec, TypeVar

from exactdropout.errors import DropoutFault, InvalidInput
from exactdropout.model.numbers import format_rational, show

__all__ = ["CHECKS", "DropoutReport", "Skip", "fault", "in_words", "odds", "skip", "wanted"]

P = ParamSpec("P")
R = TypeVar("R")

CHECKS = {
    "value": "every output is the kept or the dropped value, within two units in the last place",
    "gradient": "the backward pass uses the mask and the scale of the forward pass",
    "evaluation": "evaluation is the identity, bit for bit (p·x with classic scaling)",
    "rates 0 and 1": "rate 0 is the identity, bit for bit; rate 1 drops everything",
    "modes": "training, evaluation and training again: nothing is left behind",
    "in place": "the input is as it was, unless the layer returns it",
    "seed": "a seed gives its mask again, and another seed another mask",
    "memory": "the order of the input in memory changes no value",
    "checkpoint": "forward = backward when the forward pass is recomputed",
    "vmap": "forward = backward inside vmap",
    "compile": "forward = backward inside the compiler",
    "weight gradient": "a dropped weight has gradient 0, a kept one that of its mask",
    "laws": "the joint law of the mask: rates by position, pairs, triples, totals, calls",
    "one batch": "the same laws in one large batch",
    "gradient at zeros": "where the input is 0 the gradient is kept at the rate p",
    "layers": "two layers of one network draw independent masks",
    "replicas": "the same layer on two devices draws independent masks",
    "other rates": "rates beside q, which show faults that hide at one half",
}


def in_words(assertion: Callable[P, R]) -> Callable[P, R]:
    """Return an assertion whose failure shows its words and the caller's line, and none of our own frames.

    ``EXACTDROPOUT_TRACEBACK=1`` keeps the frames.
    """

    @wraps(assertion)
    def told(*arguments: P.args, **options: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return assertion(*arguments, **options)
        except DropoutFault as found:
            if os.environ.get("EXACTDROPOUT_TRACEBACK"):
                raise
            raise found.with_traceback(None) from None

    return told


@dataclass(frozen=True)
class Skip:
    """A check that is not to be made, and why."""

    check: str
    reason: str


def skip(check: str, reason: str) -> Skip:
    """Return a check to leave out, with the reason that the report gives: ``checks=[skip("seed", "own generator")]``.

    >>> skip("seed", "own generator")
    Skip(check='seed', reason='own generator')
    """
    if check not in CHECKS:
        raise InvalidInput(f"Argument 'check' must be one of {', '.join(map(repr, CHECKS))}, not {show(check)}.")
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidInput("Argument 'reason' must say why the check cannot be made.")
    return Skip(check, reason)


def wanted(checks: object, possible: Iterable[str]) -> tuple[set[str], dict[str, str]]:
    """Return the checks to make, and the reasons for those left out."""
    names = set(possible)
    if checks == "all":
        return names, {}
    if isinstance(checks, (str, Skip)):
        checks = [checks]
    if not isinstance(checks, Iterable):
        raise InvalidInput(f"Argument 'checks' must be 'all' or a list of checks and skip(...), not {show(checks)}.")
    chosen: set[str] = set()
    reasons: dict[str, str] = {}
    everything = False
    for item in checks:
        if isinstance(item, Skip):
            reasons[item.check] = item.reason
        elif isinstance(item, str) and item in CHECKS:
            chosen.add(item)
        elif item == "all":
            everything = True
        else:
            raise InvalidInput(
                f"Argument 'checks' must hold {', '.join(map(repr, CHECKS))} or skip(...), not {show(item)}."
            )
    return (chosen & names if chosen and not everything else names) - set(reasons), {
        k: v for k, v in reasons.items() if k in names
    }


@dataclass(frozen=True, kw_only=True)
class DropoutReport:
    """What was checked and found without fault, and what was not checked.

    A report is no proof: ``checked`` names what held on every call that was made. ``evidence`` is the largest evidence
    against the law that was seen (a false alarm needs ``1/false_alarm``); 0 calls of a law mean that none was watched.
    """

    subject: str
    scheme: str
    q: Fraction
    checked: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    calls: int
    bits: int
    log_evidence: float
    false_alarm: float
    seed: int

    @property
    def evidence(self) -> float:
        """The largest evidence against the law, as odds against 1 (infinite beyond the range of floats)."""
        return float(10.0 ** min(self.log_evidence / log(10), 308.0))

    def __str__(self) -> str:
        """Return the report in lines."""
        lines = [f"{self.subject}: {self.scheme}, q = {format_rational(self.q)}; no fault in {self.calls} calls"]
        lines += [f"  checked: {name} ({detail})" for name, detail in self.checked]
        lines += [f"  not checked: {name} ({reason})" for name, reason in self.skipped]
        if self.bits:
            lines.append(
                f"  {self.bits:,} bits; evidence against the law {odds(self.log_evidence)} "
                f"(alarm at {odds(-log(self.false_alarm))}); repeat with seed={self.seed}"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<DropoutReport {self.subject}: {len(self.checked)} checked, {len(self.skipped)} not>"


def odds(log_evidence: float) -> str:
    """Return evidence such as ``1e41 : 1``.

    >>> odds(94.5), odds(0.7)
    ('1e41 : 1', '2 : 1')
    """
    if log_evidence < log(1000):
        return f"{2.718281828459045**log_evidence:.2g} : 1"
    return f"1e{int(log_evidence / log(10) + 1e-9)} : 1"


def fault(
    check: str,
    what: str,
    *details: str,
    setting: str,
    seed: int,
    skipped: Iterable[tuple[str, str]] = (),
    calls: int = 0,
) -> DropoutFault:
    """Return the failure of a check: what, details, the setting and how to repeat it, what was not checked."""
    lines = [f"{what} ({check})", *(f"  {line}" for line in details if line)]
    lines.append(f"  {setting}; repeat with seed={seed}")
    left_out = [f"{name} ({reason})" for name, reason in skipped]
    if left_out:
        lines.append(f"  not checked: {'; '.join(left_out)}")
    error = DropoutFault("\n".join(lines))
    error.check, error.calls = check, calls
    return error
