"""The plan: which strategy, and what it will cost, before anything starts."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import LIFETIME, beyond, cost_limit, enough
from exactdropout.model.numbers import show
from exactdropout.numeric.choice import STEPS_PER_SECOND, Estimate
from exactdropout.numeric.float64.derivatives.gradient import gradient_estimate, gradient_kernel
from exactdropout.numeric.float64.derivatives.hessian import hessian_estimate
from exactdropout.numeric.float64.problem import Problem, Setting, active_inputs, setting_of
from exactdropout.numeric.float64.strategies.lanes import decided_cost
from exactdropout.numeric.float64.strategies.registry import FLOAT64
from exactdropout.numeric.float64.strategy import Float64Strategy
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.memory import memory_limit
from exactdropout.numeric.result import Plan, RunnerUp, filled

__all__ = ["MAX_MEMORY", "choose", "plan_few", "plan_float64", "refuse_a_part", "with_derivatives"]

MOST_VISITED = 2.0**60
"""More leaves than this are refused whatever ``max_cost`` allows: at a leaf a nanosecond they take 36 years."""

MAX_MEMORY = memory_limit()
"""Most bytes a strategy may ask for: seven eighths of the physical memory."""


MOST_STEPS = 1 << 25
"""Most (mask, unit) pairs of a problem of few masks: 2 ms, less than a comparison of strategies is worth."""

MOST_PLANNED, ROWS = 1 << 26, 16
"""Most pairs of a row and a weight that are planned all at once, a fifth of a second; else so many rows come first."""

CALL, EXAMPLE, LAYER, UNIT = 3.5e4, 1.0e3, 500.0, 100.0
"""Nanoseconds of a call, and of each example, its hidden layers and units beside the leaves that are walked."""

REASON = "depth first over the masks of active units; so few that no other way is worth comparing"


def plan_few(setting: Setting, strategy: str | None, max_cost: float | None) -> Plan | None:
    """Return the plan of a problem of few masks, whose strategy is ``walk``, or None where there are many.

    It holds for every network of the setting: deeper layers count as if all their units were active.
    """
    if interpreted() or strategy not in (None, "walk"):
        return None
    widths, first, m = setting.architecture.widths, setting.first, setting.examples
    walked = [l for l in range(first, len(widths) - 2) if setting.rates[l].numerator]
    bits = sum(widths[l] for l in walked)
    rows = widths[-1] * -(-widths[-2] // 4) * 4
    units = -(-rows // 8) * 8 + 8 if len(widths) > 2 else 8
    if bits > 24 or m * units << bits > MOST_STEPS:
        return None
    below = sum(widths[l] for l in walked if l > 0)
    decided = len(walked) == 1 and setting.slopes[first] == 0.0 == setting.slope_errors[first]
    each = decided_cost(widths[-1], rows) if decided else 0.1 * units
    starts = active_inputs(setting.inputs) if walked and first == 0 else [0] * m
    leaves = sum([1 << k for k in starts]) << below
    cost = CALL + m * (EXAMPLE + LAYER * (len(widths) - 2) + UNIT * sum(widths[1:-1])) + each * leaves
    if max_cost is not None and not cost <= _limit(max_cost):
        return None
    return filled(
        Plan,
        {
            "strategy": "walk",
            "exactness": "float64",
            "mask_bits": sum(widths[:-1]),
            "visited": leaves,
            "cost": cost,
            "memory": 8 * (sum(a * b for a, b in itertools.pairwise(widths)) + 256 * units),
            "seconds": cost / STEPS_PER_SECOND,
            "reason": REASON if strategy is None else REASON + " (asked for)",
            "runners_up": (),
        },
    )


def plan_float64(
    network: Network,
    data: Examples,
    rates: tuple[Fraction, ...],
    *,
    gradient: bool = False,
    hessian: bool = False,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    max_cost: float | None = None,
) -> Plan:
    """Return the plan that :func:`evaluate_float64` would follow; nothing is walked.

    Deterministic: shapes and values decide, through counts and a probe with a fixed seed, never a clock.

    Raises:
        CostLimitExceeded: every strategy would take more than ``max_cost`` seconds of one core (60) or too much
            memory; the estimate is in the message.
        InvalidInput: an unknown strategy, or one that does not apply.
    """
    _limit(max_cost)
    setting = setting_of(network.architecture, data, rates)
    few = plan_few(setting, strategy, max_cost) if moments == 2 else None
    problem = setting.problem(network)
    if few is not None:
        plan = with_derivatives(few, problem, gradient=gradient, hessian=hessian, max_cost=max_cost)
        return filled(Plan, {**vars(plan), "runners_up": _others(problem, plan, gradient, hessian)})
    return choose(problem, gradient=gradient, hessian=hessian, moments=moments, strategy=strategy, max_cost=max_cost)[1]


def _others(problem: Problem, plan: Plan, gradient: bool, hessian: bool) -> tuple[RunnerUp, ...]:
    """Return what the other strategies would cost where few masks are walked without a comparison."""
    extra = _derivatives(problem, gradient, hessian)
    found = []
    for other in FLOAT64.strategies:
        if other.name == plan.strategy:
            continue
        reason, cost = other.refusal(problem, 2), math.inf
        if reason is None:
            cost = other.estimate(problem, 2).plus(extra).cost
            reason = "its preparation costs more" if cost > plan.cost else "few masks are walked without a comparison"
        found.append(RunnerUp(strategy=other.name, cost=float(cost), reason=reason))
    return tuple(sorted(found, key=lambda other: other.cost))  # stable: those that do not apply come last, in order


def with_derivatives(plan: Plan, problem: Problem, *, gradient: bool, hessian: bool, max_cost: float | None) -> Plan:
    """Return the plan of a value, and after it of its derivatives."""
    if not (gradient or hessian):
        return plan
    value = Estimate(visited=plan.visited, cost=plan.cost, memory=plan.memory)
    estimate = value.plus(_derivatives(problem, gradient, hessian))
    if estimate.cost > _limit(max_cost) or estimate.memory > MAX_MEMORY:
        raise CostLimitExceeded(_sentence(problem, FLOAT64.named(plan.strategy)[0], estimate, _limit(max_cost)))
    changed = {
        "visited": int(estimate.visited),
        "cost": estimate.cost,
        "memory": int(estimate.memory),
        "seconds": estimate.cost / STEPS_PER_SECOND,
        "reason": plan.reason + _how(problem, gradient, hessian),
    }
    return filled(Plan, {**vars(plan), **changed})


def _derivatives(problem: Problem, gradient: bool, hessian: bool) -> Estimate:
    extra = gradient_estimate(problem) if gradient else Estimate(visited=0.0, cost=0.0, memory=0.0)
    return extra.plus(hessian_estimate(problem)) if hessian else extra


def _how(problem: Problem, gradient: bool, hessian: bool) -> str:
    by_kernel = f"; gradient by {gradient_kernel(problem)}" if gradient else ""
    return by_kernel + ("; Hessian product by the walk with tangents" if hessian else "")


def choose(
    problem: Problem,
    *,
    gradient: bool,
    hessian: bool = False,
    moments: int,
    strategy: str | None,
    max_cost: float | None,
) -> tuple[Float64Strategy, Plan]:
    """Return the cheapest strategy that applies, and the plan."""
    if moments not in (2, 4):
        raise InvalidInput(f"Argument 'moments' must be 2 or 4, not {show(moments)}.")
    limit = _limit(max_cost)
    refuse_a_part(problem, moments, strategy, max_cost)
    found = FLOAT64.weighed(strategy, MAX_MEMORY, problem, moments)
    value, best = found.ranked[0]
    extra = _derivatives(problem, gradient, hessian)
    estimate = value.plus(extra)
    endless = not math.isfinite(estimate.cost) or estimate.visited >= MOST_VISITED
    if endless or estimate.cost > limit or estimate.memory > MAX_MEMORY:
        raise CostLimitExceeded(_sentence(problem, best, estimate, limit))
    return best, Plan(
        strategy=best.name,
        exactness="float64",
        mask_bits=sum(problem.widths),
        visited=int(estimate.visited),
        cost=estimate.cost,
        memory=int(estimate.memory),
        seconds=estimate.cost / STEPS_PER_SECOND,
        reason=best.title + (" (asked for)" if strategy is not None else "") + _how(problem, gradient, hessian),
        runners_up=found.runners_up(extra.cost),
    )


def refuse_a_part(problem: Problem, moments: int, strategy: str | None, max_cost: float | None) -> None:
    """Refuse a large problem of which a few rows alone cost too much: no strategy takes less time for more rows.

    Raises:
        CostLimitExceeded: with the cost of all rows, guessed from the few.
    """
    if problem.examples * sum(w.size for w in problem.weights) <= MOST_PLANNED or strategy not in (None, "walk"):
        return
    limit, at = _limit(max_cost), np.linspace(0, problem.examples - 1, ROWS).astype(np.int64)
    few = replace(
        problem, inputs=problem.inputs[at], input_errors=problem.input_errors[at], labels=problem.labels[at],
        label_errors=problem.label_errors[at], chances=problem.chances[at], memo={},
        probabilities=tuple(problem.probabilities[i] for i in at.tolist()),
    )  # fmt: skip
    found = FLOAT64.weighed(strategy, math.inf, few, moments)
    value, best = found.ranked[0]
    if math.isfinite(value.cost) and value.cost <= limit and value.visited < MOST_VISITED:
        return
    many = problem.examples / ROWS
    whole = Estimate(visited=value.visited * many, cost=value.cost * many, memory=0.0)
    raise CostLimitExceeded(_sentence(problem, best, whole, limit))


def _limit(max_cost: float | None) -> float:
    """Return the limit in steps."""
    return cost_limit(max_cost) * STEPS_PER_SECOND


def _sentence(problem: Problem, strategy: Float64Strategy, estimate: Estimate, limit: float) -> str:
    bits = math.log2(estimate.visited) if math.isfinite(estimate.visited) else sum(problem.widths)
    what = f"needs about 2^{bits:.0f} leaves ({strategy.name}), {estimate.cost:.1e} steps"
    if estimate.memory > MAX_MEMORY:
        needed, allowed = estimate.memory / 2**30, MAX_MEMORY / 2**30
        return f"Evaluation {what} and {needed:.0f} GiB of memory; at most {allowed:.0f} GiB are allowed."
    if estimate.visited >= MOST_VISITED:
        return (
            f"Evaluation {what}; at most 2^{math.log2(MOST_VISITED):.0f} leaves are walked, whatever 'max_cost' allows."
        )
    seconds, allowed_seconds = estimate.cost / STEPS_PER_SECOND, limit / STEPS_PER_SECOND
    long = "" if seconds > LIFETIME else ", or use executor= and checkpoint= for long runs"
    return beyond(seconds, allowed_seconds, "this evaluation", f"it {what}; {enough(seconds)}{long}")
