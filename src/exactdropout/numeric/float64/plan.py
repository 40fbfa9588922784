"""The plan: which strategy, and what it will cost, before anything starts."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import show
from exactdropout.numeric.float64.derivatives.gradient import gradient_estimate, gradient_kernel
from exactdropout.numeric.float64.derivatives.hessian import hessian_estimate
from exactdropout.numeric.float64.one_call import plan_small
from exactdropout.numeric.float64.problem import Problem, prepare
from exactdropout.numeric.float64.strategies.registry import named
from exactdropout.numeric.float64.strategy import Estimate, Strategy
from exactdropout.numeric.memory import memory_limit
from exactdropout.numeric.result import Plan, RunnerUp, filled

__all__ = ["MAX_COST", "MAX_MEMORY", "choose", "plan_float64", "with_derivatives"]

MAX_COST = 6.0e10
"""Default limit in steps of about a nanosecond: a minute of one core."""

MOST_VISITED = 2.0**60
"""More leaves than this are refused whatever ``max_cost`` allows: at a leaf a nanosecond they take 36 years."""

MAX_MEMORY = memory_limit()
"""Most bytes a strategy may ask for: seven eighths of the physical memory."""


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
        CostLimitExceeded: every strategy would cost more than ``max_cost`` (6e10 steps, about a minute) or too much
            memory; the estimate is in the message.
        InvalidInput: an unknown strategy, or one that does not apply.
    """
    _limit(max_cost)
    small = plan_small(network, data, rates, strategy, max_cost) if moments == 2 else None
    problem = prepare(network, data, rates)
    if small is not None:
        plan = with_derivatives(small, problem, gradient=gradient, hessian=hessian, max_cost=max_cost)
        return filled(Plan, {**vars(plan), "runners_up": _others(problem, plan, gradient, hessian)})
    return choose(problem, gradient=gradient, hessian=hessian, moments=moments, strategy=strategy, max_cost=max_cost)[1]


def _others(problem: Problem, plan: Plan, gradient: bool, hessian: bool) -> tuple[RunnerUp, ...]:
    """Return what the other strategies would cost where few masks are walked without a comparison."""
    extra = _derivatives(problem, gradient, hessian)
    found = []
    for other in named(None):
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
        raise CostLimitExceeded(_sentence(problem, named(plan.strategy)[0], estimate, _limit(max_cost)))
    changed = {
        "visited": int(estimate.visited),
        "cost": estimate.cost,
        "memory": int(estimate.memory),
        "seconds": estimate.cost * 1e-9,
        "reason": plan.reason + _how(problem, gradient, hessian),
    }
    return filled(Plan, {**vars(plan), **changed})


def _derivatives(problem: Problem, gradient: bool, hessian: bool) -> Estimate:
    extra = _slopes(problem) if gradient else Estimate(visited=0.0, cost=0.0, memory=0.0)
    return extra.plus(hessian_estimate(problem)) if hessian else extra


def _slopes(problem: Problem) -> Estimate:
    """Return the estimate of the gradient, made once for each problem."""
    found: Estimate | None = problem.memo.get("gradient estimate")
    if found is None:
        found = problem.memo["gradient estimate"] = gradient_estimate(problem)
    return found


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
) -> tuple[Strategy, Plan]:
    """Return the cheapest strategy that applies, and the plan."""
    if moments not in (2, 4):
        raise InvalidInput(f"Argument 'moments' must be 2 or 4, not {show(moments)}.")
    limit = _limit(max_cost)
    extra = _derivatives(problem, gradient, hessian)
    refusals: list[RunnerUp] = []
    candidates: list[tuple[Estimate, Strategy]] = []
    for candidate in named(strategy):
        refusal = candidate.refusal(problem, moments)
        if refusal is None:
            candidates.append((candidate.estimate(problem, moments).plus(extra), candidate))
        else:
            refusals.append(RunnerUp(strategy=candidate.name, cost=math.inf, reason=refusal))
    if not candidates:
        raise InvalidInput(f"Argument 'strategy' must be one that applies, not {strategy!r}: {refusals[0].reason}.")
    affordable = [c for c in candidates if c[0].memory <= MAX_MEMORY] or candidates
    estimate, best = min(affordable, key=lambda c: c[0].cost)  # the first registered wins a tie
    endless = not math.isfinite(estimate.cost) or estimate.visited >= MOST_VISITED
    if endless or estimate.cost > limit or estimate.memory > MAX_MEMORY:
        raise CostLimitExceeded(_sentence(problem, best, estimate, limit))
    others = [
        RunnerUp(strategy=s.name, cost=e.cost, reason="its estimate is higher" if e.memory <= MAX_MEMORY else "memory")
        for e, s in candidates
        if s is not best
    ]
    return best, Plan(
        strategy=best.name,
        exactness="float64",
        mask_bits=sum(problem.widths),
        visited=int(estimate.visited),
        cost=estimate.cost,
        memory=int(estimate.memory),
        seconds=estimate.cost * 1e-9,
        reason=best.title + (" (asked for)" if strategy is not None else "") + _how(problem, gradient, hessian),
        runners_up=(*others, *refusals),
    )


def _limit(max_cost: float | None) -> float:
    if max_cost is None:
        return MAX_COST
    if isinstance(max_cost, bool) or not isinstance(max_cost, (int, float, Fraction)) or not max_cost > 0:
        raise InvalidInput(f"Argument 'max_cost' must be a positive number of steps, not {show(max_cost)}.")
    return math.inf if max_cost > 1e300 else float(max_cost)


def _sentence(problem: Problem, strategy: Strategy, estimate: Estimate, limit: float) -> str:
    bits = math.log2(estimate.visited) if math.isfinite(estimate.visited) else sum(problem.widths)
    what = f"needs about 2^{bits:.0f} leaves ({strategy.name}), {estimate.cost:.1e} steps"
    if estimate.memory > MAX_MEMORY:
        needed, allowed = estimate.memory / 2**30, MAX_MEMORY / 2**30
        return f"Evaluation {what} and {needed:.0f} GiB of memory; at most {allowed:.0f} GiB are allowed."
    if estimate.visited >= MOST_VISITED:
        return (
            f"Evaluation {what}; at most 2^{math.log2(MOST_VISITED):.0f} leaves are walked, whatever 'max_cost' allows."
        )
    duration = estimate.cost * 1e-9
    unit = (
        f"{duration:.2g} s"
        if duration < 10
        else f"{duration:.0f} s"
        if duration < 1e4
        else f"{duration / 3600:.0f} h"
        if duration < 1e9
        else "centuries"
    )
    return f"Evaluation {what}, about {unit} on one core; 'max_cost' allows {limit:.1e} steps."
