"""Exact evaluation of rational networks: the criterion and its relatives as Fractions.

Given the values h of the last hidden layer, the last dropout layer is closed form (``docs``: last-layer identity):
E_r(w·(h∘r)/p + b − y)² = (w·h + b − y)² + (q/p) Σ w_i² h_i², so only K + Σ_{l<d−1} n_l mask bits matter. What is zero,
dead or equal is removed first (:mod:`.reduction`), then one of the registered strategies takes the expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Examples, Network
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.exact.gradient import exact_gradient
from exactdropout.numeric.exact.hessian import exact_hessian_product
from exactdropout.numeric.exact.plan import choose, plan_exact
from exactdropout.numeric.exact.reduction import ReducedExample
from exactdropout.numeric.exact.strategy import (
    ExactProblem,
    ExactStrategy,
    OutputMoments,
    StateLimitReached,
    Tick,
    exact_problem,
    ratios,
)
from exactdropout.numeric.result import Evaluation, PerExample, Plan
from exactdropout.progress import Progress

__all__ = ["evaluate_exact", "plan_exact"]

PARTS = 1_000
"""Progress of one example is told in thousandths."""

ZERO = Fraction(0)


def evaluate_exact(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    *,
    gradient: bool = False,
    direction: Direction | None = None,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return all quantities of :class:`Evaluation` as Fractions; every error bound is 0.

    Examples with the same input vector are evaluated once. ``moments=4`` adds Var_R ‖D − y‖², ``gradient=True`` the
    derivative by every weight and bias, ``direction`` its derivative along one; ``strategy`` names one of the registry
    (docs: exact strategies).

    Cost: see :func:`plan_exact`.
    """
    problem = exact_problem(network, data, rates, moments)
    strategies, plan = choose(
        problem,
        network,
        len(data),
        gradient=gradient,
        hessian=direction is not None,
        strategy=strategy,
        max_cost=max_cost,
    )
    found, switches = _all_moments(problem, data, strategies, progress)
    if switches:
        plan = replace(plan, strategy=strategies[len(switches)].name, reason="; ".join((plan.reason, *switches)))
    evaluation = _evaluation(network, data, problem, found, plan)
    return replace(
        evaluation,
        gradient=exact_gradient(network, data, rates) if gradient else None,
        hessian_product=None if direction is None else exact_hessian_product(network, data, rates, direction),
    )


def _all_moments(
    problem: ExactProblem, data: Examples, strategies: list[ExactStrategy], progress: Progress | None
) -> tuple[list[OutputMoments], list[str]]:
    """Return the moments of every example; where a strategy meets its state limit, the next one goes on, as is said."""
    places = [problem.index_of[ratios(x)] for x in problem.inputs]
    labels = data.labels.tolist()
    asked = list(zip(places, map(tuple, labels), strict=True))
    if problem.moments == 2:  # the label plays no part
        asked = [(place, ()) for place in places]
    distinct = list(dict.fromkeys(asked))
    done: dict[Any, OutputMoments] = {}
    switches: list[str] = []
    for number, key in enumerate(distinct):
        place, label = key
        tick = _ticker(progress, number, len(distinct))
        while True:
            try:
                done[key] = strategies[len(switches)].run(problem, problem.examples[place], label, tick)
                break
            except StateLimitReached as reached:
                if len(switches) + 1 == len(strategies):
                    raise CostLimitExceeded(
                        f"Argument 'max_cost' must be larger: {reached}, more than the plan allows; no other strategy "
                        "is within the limit."
                    ) from None
                switches.append(f"{reached}, so {strategies[len(switches) + 1].name!r} took over")
        if progress is not None:
            progress((number + 1) * PARTS, len(distinct) * PARTS)
    return [done[key] for key in asked], switches


def _ticker(progress: Progress | None, number: int, count: int) -> Tick:
    if progress is None:
        return _ignore
    told = number * PARTS

    def tick(share: float) -> None:
        nonlocal told
        here = number * PARTS + min(PARTS - 1, int(share * PARTS))
        if here > told:
            told = here
            progress(here, count * PARTS)

    return tick


def _ignore(share: float) -> None:
    """Tell nobody."""


def _evaluation(
    network: Network,
    data: Examples,
    problem: ExactProblem,
    found: list[OutputMoments],
    plan: Plan,
) -> Evaluation:
    m, outputs = data.labels.shape
    columns: dict[str, Any] = {
        name: np.empty((m, outputs), dtype=object) for name in ("output", "mean", "variance")
    } | {name: np.empty(m, dtype=object) for name in ("criterion", "risk", "penalty")}
    if problem.moments == 4:
        columns["squared_error_variance"] = np.empty(m, dtype=object)
    clean = [without_dropout(example) for example in problem.examples]
    for i, (x, y, moments) in enumerate(zip(problem.inputs, data.labels.tolist(), found, strict=True)):
        output = clean[problem.index_of[ratios(x)]]
        criterion = risk = ZERO
        for o, target in enumerate(y):
            mean = moments.first[o]
            square = moments.second[o] + moments.noise[o]
            columns["output"][i, o] = output[o]
            columns["mean"][i, o] = mean
            columns["variance"][i, o] = square - mean * mean
            criterion += square - 2 * target * mean + target * target  # E(D − y)² = E D² − 2y E D + y²
            risk += (output[o] - target) ** 2
        columns["criterion"][i], columns["risk"][i], columns["penalty"][i] = criterion, risk, criterion - risk
        if moments.fourth is not None:
            columns["squared_error_variance"][i] = moments.fourth - criterion * criterion

    def averaged(values: list[Fraction]) -> Fraction:
        if len(values) == 1:  # of probability 1
            return values[0]
        return sum((p * v for p, v in zip(data.probabilities, values, strict=True)), ZERO)

    variance = averaged([sum(row, ZERO) for row in columns["variance"].tolist()])
    penalty = averaged(columns["penalty"].tolist())
    return Evaluation(
        criterion=averaged(columns["criterion"].tolist()),
        risk=averaged(columns["risk"].tolist()),
        penalty=penalty,
        mean=tuple(averaged(columns["mean"][:, o].tolist()) for o in range(outputs)),
        variance=variance,
        bias=penalty - variance,
        error_bounds=dict.fromkeys(("criterion", "risk", "penalty", "mean", "variance", "bias"), ZERO),
        exactness="exact",
        probabilities=data.probabilities,
        per_example=PerExample(**columns),
        plan=plan,
    )


def without_dropout(example: ReducedExample) -> list[Fraction]:
    """Return W(x). The reduction holds for it too: each value lies between its values with masks, r/p replaced by 1.

    Integers over one running denominator: a source counts keep/total of what it adds when kept.
    """
    values, denominator = [1], 1
    for layer in example.layers:
        sums = [b * layer.total * denominator for b in layer.bias]
        for group, column, count in layer.sources:
            v = layer.keep * count * values[group]
            if v:
                for i, c in enumerate(column):
                    sums[i] += c * v
        denominator *= layer.total
        values = [b * z if z > 0 else t * z for z, t, b in zip(sums, layer.tops, layer.bottoms, strict=True)]
    result = []
    for o, bias in enumerate(example.output.bias):
        total = bias * denominator
        for group, column, count in example.output.sources:
            total += count * column[o] * values[group]
        result.append(Fraction(total, denominator * example.output.scale))
    return result
