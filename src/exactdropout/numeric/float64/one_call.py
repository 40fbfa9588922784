"""Problems of few masks: no comparison of strategies, no chunks, one compiled call for the walk, bounds and totals."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.packed import (
    FlatExamples,
    FlatNetwork,
    FlatRates,
    aligned,
    flat_examples,
    flat_network,
    flat_rates,
)
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.result import Evaluation, Plan, ReadOnly, filled
from exactdropout.progress import Progress

__all__ = ["MOST_STEPS", "SMALLEST", "evaluate_if_small", "evaluate_small", "plan_small", "repeatable"]

MOST_STEPS = 1 << 25
"""Most (mask, unit) pairs of a small problem: two milliseconds, less than any other way takes with its preparation."""

CALL, EXAMPLE, LAYER, UNIT = 3.5e4, 1.0e3, 500.0, 100.0
"""Nanoseconds of a call, and of each example, its hidden layers and units beside the leaves that are walked."""

SMALLEST = 2.0**-1000
"""A criterion that is surely below this but not surely 0 has underflowed."""

MOST_KEPT = 1 << 12
"""Most weights, times examples, of a problem whose plan its network keeps: it should not hold much data alive."""

REASON = "depth first over the masks of active units; so few that no other way is worth comparing"


class Kept(NamedTuple):
    """What a network keeps of its latest small problem: whose it is, the plan, what the kernel reads; never results."""

    data: Examples
    rates: tuple[Fraction, ...]
    strategy: str | None
    max_cost: float | None
    plan: Plan
    arguments: tuple[Array, Array, int, int]


def plan_small(
    network: Network, data: Examples, rates: tuple[Fraction, ...], strategy: str | None, max_cost: float | None
) -> Plan | None:
    """Return the plan of a problem of few masks, whose strategy is ``walk``, or None where there are many."""
    kept: Kept | None = network.memo.get("small")
    asked = kept is not None and kept.strategy is strategy and kept.max_cost is max_cost
    if kept is not None and asked and kept.data is data and kept.rates is rates:  # all of these are immutable
        return kept.plan
    plan = _planned(network, data, rates, strategy, max_cost)
    if plan is not None and len(data) * len(flat_network(network).weights) <= MOST_KEPT:
        network.memo["small"] = Kept(data, rates, strategy, max_cost, plan, _arguments(network, data, rates))
    return plan


def _planned(
    network: Network, data: Examples, rates: tuple[Fraction, ...], strategy: str | None, max_cost: float | None
) -> Plan | None:
    if interpreted() or strategy not in (None, "walk") or network.kind != "float64" or data.kind == "symbolic":
        return None
    masks, widths = flat_rates(rates), network.architecture.widths
    if len(rates) != len(widths) - 1:
        return None
    bits = sum(widths[l] for l in masks.walked)
    if bits > 24 or len(data) * 8 << bits > MOST_STEPS:  # before a large network is flattened in vain
        return None
    flat = flat_network(network)
    if not flat.finite:
        return None
    if data.inputs.shape[1] != widths[0] or data.labels.shape[1] != widths[-1]:
        return None
    units = int(flat.layout[4, -3]) + 8 if len(rates) > 1 else 8
    if len(data) * units << bits > MOST_STEPS:
        return None
    leaves = _leaves(flat_examples(data), widths, masks)
    cost = CALL + len(data) * (EXAMPLE + LAYER * (len(widths) - 2) + UNIT * sum(widths[1:-1])) + 0.1 * leaves * units
    if max_cost is not None and not cost <= max_cost:
        return None
    return filled(
        Plan,
        {
            "strategy": "walk",
            "exactness": "float64",
            "mask_bits": sum(widths[:-1]),
            "visited": leaves,
            "cost": cost,
            "memory": 8 * (len(flat.weights) + 256 * units),
            "seconds": cost * 1e-9,
            "reason": REASON if strategy is None else REASON + " (asked for)",
            "runners_up": (),
        },
    )


def _leaves(data: FlatExamples, widths: tuple[int, ...], rates: FlatRates) -> int:
    """Return the masks of non-zero inputs, and of all units of deeper layers, over all examples."""
    below = sum(widths[l] for l in rates.walked if l > 0)
    return (data.masks if rates.first == 0 and rates.walked else len(data.inputs)) << below


def evaluate_if_small(
    network: Network,
    data: Examples,
    rates: tuple[Fraction, ...],
    strategy: str | None,
    max_cost: float | None,
    progress: Progress | None,
) -> Evaluation | None:
    """Return the evaluation where masks are few and all numbers stay in the range of float64, else None."""
    plan = plan_small(network, data, rates, strategy, max_cost)
    return None if plan is None else evaluate_small(network, data, rates, plan, progress)


def evaluate_small(
    network: Network, data: Examples, rates: tuple[Fraction, ...], plan: Plan, progress: Progress | None
) -> Evaluation | None:
    """Return the evaluation of a small problem, or None where a number leaves the range of float64 or vanishes.

    The general path then says what happened, in its words.
    """
    kept: Kept | None = network.memo.get("small")
    arguments = kept.arguments if kept is not None and kept.plan is plan else _arguments(network, data, rates)
    return _evaluated(arguments, data, plan, progress)


def repeatable(
    network: Network, data: Examples, rates: tuple[Fraction, ...]
) -> Callable[[Network], Evaluation | None] | None:
    """Return the evaluation of few masks that was just made as a function, if the network kept what it takes.

    The function is called with the network: that holds the function, which should not hold it in turn.
    """
    kept: Kept | None = network.memo.get("small")
    if kept is None or kept.data is not data or kept.rates is not rates:
        return None
    arguments, plan = kept.arguments, kept.plan
    return lambda _: _evaluated(arguments, data, plan, None)


def _evaluated(
    arguments: tuple[Array, Array, int, int], data: Examples, plan: Plan, progress: Progress | None
) -> Evaluation | None:
    integers, numbers, size, sums = arguments
    result = np.empty(size)
    fine = _compiled()(integers, numbers, result)
    found = result[:sums].tolist()
    criterion, risk, penalty, bias, variance = found[:5]
    bounds = found[sums // 2 :]
    if not fine or criterion + bounds[0] < SMALLEST:
        return None
    if progress is not None:
        progress(0, plan.visited)
        progress(plan.visited, plan.visited)
    return filled(
        Evaluation,
        {
            "criterion": criterion,
            "risk": risk,
            "penalty": penalty,
            "mean": tuple(found[5 : sums // 2]),
            "variance": variance,
            "bias": bias,
            "error_bounds": ReadOnly(
                {
                    "criterion": bounds[0],
                    "risk": bounds[1],
                    "penalty": bounds[2],
                    "bias": bounds[3],
                    "variance": bounds[4],
                    "mean": max(bounds[5:]),
                }
            ),
            "exactness": "float64",
            "probabilities": data.probabilities,
            "plan": plan,
            "_rows": result[sums:],
        },
    )


@cache
def _compiled() -> Callable[..., bool]:
    """Return the kernel; Numba is loaded by the first call, and later ones skip the import statement's microsecond."""
    from exactdropout.numeric.kernels.walk.whole_call import evaluate_small

    return evaluate_small


def _arguments(network: Network, data: Examples, rates: tuple[Fraction, ...]) -> tuple[Array, Array, int, int]:
    """Return integers and numbers as the kernel reads them, the size of its result and that of the sums in it."""
    flat, examples, masks = flat_network(network), flat_examples(data), flat_rates(rates)
    m, outputs = examples.labels.shape
    parts = (
        flat.columns, flat.bases, flat.weights, flat.biases, flat.slopes, flat.signs, masks.masks, masks.cumulants,
        examples.inputs, examples.input_errors, examples.labels, examples.label_errors, examples.probabilities,
    )  # fmt: skip
    at = [0, *itertools.accumulate(part.size for part in parts)]
    header = [len(rates), masks.first, _levels(flat, masks), examples.grid, m, outputs, *at]
    integers = np.concatenate([np.array(header), flat.layout.ravel(), masks.exponents, flat.groups])
    sums = 2 * (5 + outputs)
    return integers, aligned(parts), sums + 6 * m * outputs + 8 * m, sums


def _levels(flat: FlatNetwork, rates: FlatRates) -> int:
    """Return a quarter of the roundings of a folded expectation (docs/error-bounds.md, step 4)."""
    return sum(int(flat.layout[0, l]) for l in rates.walked) + 24
