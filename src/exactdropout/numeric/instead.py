"""What would answer where an evaluation is refused: dropping fewer layers, or an estimate with its expected width."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np

from exactdropout.errors import ExactDropoutError
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import duration
from exactdropout.model.numbers import format_rational
from exactdropout.numeric.exact.plan import plan_exact
from exactdropout.numeric.float64.plan import plan_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.sampled.expected import expected_width

__all__ = ["instead"]

PLANNED, PILOT = 16, 64
"""Rows that a plan, and an expected width, are guessed from."""

MOST_LAYERS = 8
"""Of more layers only the last is tried as the one that is dropped."""

SECONDS, VISITS = 10.0, 4096
"""Of processor time, which does not depend on other work; and the visits of a pass of ``xd.estimate``."""


def instead(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    *,
    limit: float,
    moments: Literal[2, 4],
    derivatives: bool,
    strategy: str | None,
) -> str:
    """Return clauses that go on from a refusal: "; with drop probabilities 0, 1/2 ...; xd.estimate gives ...".

    Both are guesses from a few rows. Derivatives have no estimate.
    """
    parts = [_fewer_layers(network, data, rates, limit, moments, derivatives, strategy)]
    if not derivatives:
        parts.append(_estimate(network, data, rates))
    return "".join(f"; {part}" for part in parts if part)


def _fewer_layers(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    limit: float,
    moments: Literal[2, 4],
    derivatives: bool,
    strategy: str | None,
) -> str:
    """Return the rates that drop most units within ``limit`` seconds: one layer less, or the last alone."""
    few, last = _thinned(data, PLANNED), len(rates) - 1
    plan = plan_float64 if network.kind == "float64" else plan_exact
    walked = [l for l in range(last) if rates[l]]
    tried = [tuple(Fraction(0) if l == kept else q for l, q in enumerate(rates)) for kept in walked]
    tried = tried if len(tried) <= MOST_LAYERS else []
    tried.append(tuple(q if l == last else Fraction(0) for l, q in enumerate(rates)))
    best: tuple[int, float, tuple[Fraction, ...]] | None = None
    for fewer in tried:
        dropped = sum(n for n, q in zip(network.architecture.widths, fewer, strict=False) if q)
        if not dropped or (best is not None and dropped <= best[0]):
            continue
        try:
            found = plan(
                network, few, fewer, gradient=derivatives, moments=moments, strategy=strategy, max_cost=float("inf")
            )
        except ExactDropoutError:
            continue
        seconds = found.seconds * len(data) / len(few)
        if seconds <= limit:
            best = dropped, seconds, fewer
    if best is None:
        return ""
    _, seconds, fewer = best
    shown = ", ".join(map(format_rational, fewer))
    return f"with drop probabilities {shown} it would take about {duration(max(seconds, 0.01))}"


def _estimate(network: Network, data: Examples, rates: Sequence[Fraction]) -> str:
    few = _thinned(data, PILOT)
    try:
        rounded = network if network.kind == "float64" else network.float64()
        width = expected_width(prepare(rounded, few, tuple(rates)), len(data), SECONDS, VISITS)
    except ExactDropoutError:  # beyond float64: there is no estimate either
        return ""
    whose = "" if rounded is network or rounded.exact() == network else " of network.float64()"
    what = f"xd.estimate gives{whose}"
    if width >= 1:
        return f"{what} an interval with a proved probability, but hardly in {SECONDS:.0f} s of processor time"
    time = f"{SECONDS:.0f} s of processor time"
    return f"{what} in {time} an interval with a proved probability, about {_percent(width)} wide"


def _percent(share: float) -> str:
    return f"{float(f'{100 * share:.1g}'):g} %"


def _thinned(data: Examples, most: int) -> Examples:
    """Return at most so many rows, evenly spread, all equally likely."""
    if len(data) <= most:
        return data
    at = np.linspace(0, len(data) - 1, most).astype(np.int64)
    return Examples.from_arrays(data.inputs[at], data.labels[at])
