"""The plan of an exact evaluation: which strategy, and what it will cost, before anything starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import beyond, cost_limit, enough
from exactdropout.numeric.choice import STEPS_PER_SECOND, Estimate
from exactdropout.numeric.exact.reduction import reduction_reason
from exactdropout.numeric.exact.strategies.registry import EXACT
from exactdropout.numeric.exact.strategy import ExactProblem, ExactStrategy, exact_problem, power
from exactdropout.numeric.result import Plan

__all__ = ["MEMORY_LIMIT", "choose", "plan_exact"]

MEMORY_LIMIT = 8 << 30
"""Most bytes a strategy may ask for, unless ``max_cost`` is infinite."""

NS_PER_GRADIENT_STEP = 480.0
HESSIAN_STEPS = 6.0
"""How much longer a step of the gradient takes with tangents."""

NS_PER_CALL, NS_PER_ENTRY, NS_PER_WEIGHT = 1e5, 60.0, 600.0
"""What every strategy shares: the call, reading each number of the network, and the weights of each reduced example."""


def plan_exact(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    *,
    gradient: bool = False,
    hessian: bool = False,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    max_cost: float | None = None,
) -> Plan:
    """Return the plan that :func:`evaluate_exact` would follow. Deterministic: counts decide, never a clock.

    Raises:
        CostLimitExceeded: every strategy may take more than ``max_cost`` seconds of one core (60) or too much memory.
        InvalidInput: an unknown strategy, or one that does not apply.
    """
    problem = exact_problem(network, data, rates, moments)
    return choose(
        problem, network, len(data), gradient=gradient, hessian=hessian, strategy=strategy, max_cost=max_cost
    )[1]


def choose(
    problem: ExactProblem,
    network: Network,
    examples: int,
    *,
    gradient: bool = False,
    hessian: bool = False,
    strategy: str | None = None,
    max_cost: float | None = None,
    instead: str = "network.float64() is evaluated faster, with a proved error bound",
) -> tuple[list[ExactStrategy], Plan]:
    """Return the strategies that are affordable, cheapest first (ties by registration), and the plan of the first.

    A refusal ends with ``instead``.
    """
    limit = cost_limit(max_cost) * STEPS_PER_SECOND
    memory = math.inf if math.isinf(limit) else MEMORY_LIMIT
    found = EXACT.weighed(strategy, memory, problem)
    problem.memo["memory"] = min(memory, 1 << 45)
    extra = _shared_cost(problem, network, examples)
    if gradient or hessian:
        extra += (gradient + HESSIAN_STEPS * hessian) * _gradient_cost(network, problem.rates, examples)
    affordable = [s for e, s in found.ranked if e.memory <= memory and e.cost + extra <= limit]
    best, chosen = found.ranked[0]
    if not affordable and not math.isinf(limit):
        raise CostLimitExceeded(_sentence(problem, best, chosen, extra, limit, memory, instead))
    removed = reduction_reason(problem.examples)
    cost = best.cost + extra
    return affordable or [chosen], Plan(
        strategy=chosen.name,
        exactness="exact",
        mask_bits=problem.mask_bits,
        visited=_whole(best.visited),
        cost=cost,
        memory=_whole(best.memory),
        seconds=cost / STEPS_PER_SECOND,
        reason=chosen.title
        + (" (asked for)" if strategy is not None else "")
        + (f"; {removed}" if removed else "")
        + ("; gradient by the states" if gradient else "")
        + ("; Hessian product by the states with their tangents" if hessian else ""),
        runners_up=found.runners_up(),
    )


def _whole(value: float) -> int:
    """Return the ceiling; what no float holds is shown as 2^1023, the largest power that one does."""
    return math.ceil(value) if math.isfinite(value) else 1 << 1023


def _shared_cost(problem: ExactProblem, network: Network, examples: int) -> float:
    entries = sum(weight.size for weight in network.weights)
    weights = sum(len(layer.sources) * (len(layer.bias) + 1) for e in problem.examples for layer in e.layers)
    return NS_PER_CALL * (1 + 0.2 * examples) + NS_PER_ENTRY * entries + NS_PER_WEIGHT * weights


def _gradient_cost(network: Network, rates: Sequence[Fraction], examples: int) -> float:
    widths = network.architecture.widths
    bits = float(sum(w for w, q in zip(widths[:-2], rates, strict=False) if q != 0))
    return power(bits + math.log2(NS_PER_GRADIENT_STEP * examples * max(widths[1:]) * max(widths)))


def _sentence(
    problem: ExactProblem,
    estimate: Estimate,
    strategy: ExactStrategy,
    extra: float,
    limit: float,
    memory: float,
    instead: str,
) -> str:
    cost = estimate.cost + extra
    what = f"exact evaluation of 2^{problem.mask_bits} masks"
    if cost <= limit and estimate.memory > memory:
        states, needed = _log2(estimate.visited), estimate.memory / 2**30
        return (
            f"Argument 'max_cost' must be float('inf') to try {what}: it may hold 2^{states:.1f} states "
            f"({strategy.name}) in {needed:.3g} GiB, beyond the limit of {MEMORY_LIMIT >> 30} GiB; {instead}."
        )
    seconds = cost / STEPS_PER_SECOND
    return beyond(seconds, limit / STEPS_PER_SECOND, f"{what} ({strategy.name})", f"{enough(seconds)}; {instead}")


def _log2(value: float) -> float:
    return math.log2(value) if math.isfinite(value) and value > 0 else 1023.0
