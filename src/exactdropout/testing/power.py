"""How much a number of calls sees: ``plan`` and ``smallest_effect``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log, prod
from typing import Any, Literal

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational, show
from exactdropout.testing.assertions import FALSE_ALARM, drop_rate
from exactdropout.testing.evidence import log_bit_evidence
from exactdropout.testing.law_checks import MOST_WATCHES
from exactdropout.testing.schemes import Scheme, scheme
from exactdropout.testing.statistics import FAMILIES

__all__ = ["CallPlan", "SmallestEffect", "plan", "smallest_effect"]

Kind = Literal["rate", "position", "neighbours", "pair", "calls"]
KINDS: dict[str, str] = {
    "rate": "the rate of all bits is off by this",
    "position": "the rate of one position is off by this",
    "neighbours": "each bit is correlated with its neighbour along memory by this",
    "pair": "two positions of a call are correlated by this",
    "calls": "each bit is correlated with that of the call before by this",
}
MAX_CALLS = 2**60


@dataclass(frozen=True, kw_only=True)
class CallPlan:
    """Calls and bits after which an effect alarms in about half the runs, and what is not seen with them."""

    kind: str
    effect: Fraction
    calls: int
    bits: int
    not_seen: SmallestEffect

    def __str__(self) -> str:
        """Return the plan in words."""
        return (
            f"{KINDS[self.kind]} ({float(self.effect):.3g}): about {self.calls:,} calls, {self.bits:,} bits\n"
            f"not seen with them:\n{self.not_seen}"
        )


@dataclass(frozen=True, kw_only=True)
class SmallestEffect:
    """The smallest effect of each kind that alarms in about half the runs; a pass says nothing below it."""

    calls: int
    bits: int
    rate: float | None
    position: float | None
    neighbours: float | None
    pair: float | None
    calls_apart: float | None

    def __str__(self) -> str:
        """Return the effects in words."""
        rows = zip(
            KINDS.values(), (self.rate, self.position, self.neighbours, self.pair, self.calls_apart), strict=True
        )
        shown = [f"  below {value:.2g}: {words}" if value else f"  at all: {words}" for words, value in rows]
        return "\n".join(
            [*shown, "  joint laws of four and more that are no linear relation, permutations of the whole batch"]
        )


def plan(
    model: str | Scheme,
    shape: Sequence[int],
    q: Any,
    *,
    effect: Any,
    kind: Kind = "rate",
    false_alarm: float = FALSE_ALARM,
) -> CallPlan:
    """Return how many calls on inputs of a shape show an effect, and what they do not show.

    The number at which the evidence of the statistic that looks for it, at its expected counts, reaches the alarm:
    about half of all runs alarm before, half after. Effects: a shift of the rate, or a correlation.

    >>> found = plan("element", (16, 12), "1/2", effect="1/100")
    >>> 500 < found.calls < 2000
    True
    """
    bits, positions, p = _sizes(model, shape, q)
    size = Fraction(str(effect)) if isinstance(effect, float) else Fraction(effect)
    if kind not in KINDS:
        raise InvalidInput(f"Argument 'kind' must be one of {', '.join(map(repr, KINDS))}, not {show(kind)}.")
    if not 0 < size < 1:
        raise InvalidInput(f"Argument 'effect' must satisfy 0 < effect < 1, not {show(effect)}.")
    low, high = 1, 1
    while not _seen(kind, float(size), high, bits, positions, p, false_alarm):
        high *= 2
        if high > MAX_CALLS:
            raise InvalidInput(f"Argument 'effect' {format_rational(size)} is not seen with any number of calls.")
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (
            (low, middle) if _seen(kind, float(size), middle, bits, positions, p, false_alarm) else (middle, high)
        )
    return CallPlan(
        kind=kind, effect=size, calls=high, bits=high * bits,
        not_seen=smallest_effect(model, shape, q, calls=high, false_alarm=false_alarm),
    )  # fmt: skip


def smallest_effect(
    model: str | Scheme, shape: Sequence[int], q: Any, *, calls: int, false_alarm: float = FALSE_ALARM
) -> SmallestEffect:
    """Return the smallest effects that so many calls show in about half the runs.

    >>> found = smallest_effect("element", (16, 12), "1/2", calls=256)
    >>> found.rate < found.position
    True
    """
    bits, positions, p = _sizes(model, shape, q)
    if isinstance(calls, bool) or not isinstance(calls, int) or calls < 1:
        raise InvalidInput(f"Argument 'calls' must be a positive integer, not {show(calls)}.")

    def smallest(kind: str) -> float | None:
        high = min(p, 1 - p) if kind in ("rate", "position") else 1.0
        if not _seen(kind, high * 0.999, calls, bits, positions, p, false_alarm):
            return None
        low = 0.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if _seen(kind, middle, calls, bits, positions, p, false_alarm) else (middle, high)
        return high

    return SmallestEffect(
        calls=calls, bits=calls * bits, rate=smallest("rate"), position=smallest("position"),
        neighbours=smallest("neighbours"), pair=smallest("pair"), calls_apart=smallest("calls"),
    )  # fmt: skip


def _sizes(model: str | Scheme, shape: Sequence[int], q: Any) -> tuple[int, int, float]:
    found = scheme(model)
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in shape):
        raise InvalidInput(f"Argument 'shape' must hold positive integers, not {show(shape)}.")
    bits = prod(found.bit_shape(tuple(shape)))
    return bits, bits, float(1 - drop_rate(q))


def _seen(kind: str, effect: float, calls: int, bits: int, positions: int, p: float, false_alarm: float) -> bool:
    """Return whether the expected counts reach the alarm of the family that looks for the effect."""
    q, n = 1 - p, float(calls * bits)
    family = log(len(FAMILIES)) + log(MOST_WATCHES / false_alarm)
    evidence: Callable[[float, float], float] = lambda k, t: float(log_bit_evidence(k, t, p))  # noqa: E731
    if kind == "rate":
        kept = p - effect if p - effect > 0 else p + effect
        return evidence(n * kept, n) >= family
    if kind == "position":
        kept = p - effect if p - effect > 0 else p + effect
        return evidence(calls * kept, float(calls)) >= family + log(5 * positions)
    pairs, members = {"neighbours": (n, 2.0), "calls": (n - bits, bits * (bits + 1.0))}.get(
        kind, (float(calls), positions * (positions - 1.0))
    )
    if pairs <= 0:
        return False
    after_kept, after_dropped = p + effect * q, p - effect * p
    found = evidence(pairs * p * after_kept, pairs * p) + evidence(pairs * q * after_dropped, pairs * q)
    return found >= family + log(max(members, 1.0))
