"""Evaluation of float64 networks over all masks, with bounds that contain the exact values."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np

from exactdropout.errors import NumericalRange
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.float64.bounds import gamma, grid_exponent, layer_magnitudes, up
from exactdropout.numeric.float64.derivatives.gradient import criterion_gradient
from exactdropout.numeric.float64.derivatives.hessian import walked_hessian_product
from exactdropout.numeric.float64.one_call import SMALLEST, evaluate_small, plan_small, repeatable
from exactdropout.numeric.float64.plan import choose, with_derivatives
from exactdropout.numeric.float64.problem import Problem, prepare, prepared
from exactdropout.numeric.float64.quantities import Bounded, per_example, reference_outputs, total
from exactdropout.numeric.result import Evaluation, Gradient, HessianProduct, PerExample, Plan, filled
from exactdropout.numeric.runs.executors import checked_executor
from exactdropout.numeric.runs.fingerprint import identity
from exactdropout.numeric.runs.journal import journal
from exactdropout.numeric.runs.work import Runner, thread_count
from exactdropout.progress import Progress

__all__ = ["SERIAL", "evaluate_float64", "repeatable_gradient"]

SERIAL = 5.0e6
"""Below this cost, in nanoseconds, a pool of threads is not worth starting."""

NEGLIGIBLE = 2.0**-900
"""A bound below this is what the range of float64 costs, not what rounding does; meet adds up many such losses."""


def repeatable_gradient(
    network: Network, data: Examples, rates: tuple[Fraction, ...], plan: Plan
) -> Callable[[Network], Evaluation | None] | None:
    """Return the value and gradient of few masks that were just made with this plan as a function of the network.

    None where the network did not keep what it takes, or where threads are worth their while.
    """
    value = repeatable(network, data, rates)
    latest: tuple[Examples, tuple[Fraction, ...], Problem] | None = network.memo.get("problem")
    if value is None or latest is None or latest[0] is not data or latest[1] is not rates or plan.cost > SERIAL:
        return None
    problem, runner = latest[2], Runner(cost=plan.cost)

    def run(network: Network) -> Evaluation | None:
        found = value(network)
        if found is not None:
            vars(found).update(plan=plan, gradient=criterion_gradient(network, problem, runner))
        return found

    return run


@np.errstate(all="ignore")  # what is not finite is reported at the end, whatever the caller's own settings are
def evaluate_float64(
    network: Network,
    data: Examples,
    rates: tuple[Fraction, ...],
    *,
    gradient: bool = False,
    direction: Direction | None = None,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return J_D(W) = E_P E_R ‖D(W, x, R) − y‖² and its parts for a float64 network, over all 2^N masks.

    Each float of the network and the data is taken as the dyadic rational that it is; rational data, rates,
    slopes and probabilities are rounded to float64 inside the computation, and that rounding is inside the bounds:
    |value − exact value| ≤ error bound for every quantity (docs/error-bounds.md derives them). The last droppable
    layer is taken in closed form, units that are 0 have no mask, layers of rate 0 no branch. The bits of the
    result do not depend on ``threads``, ``executor`` or ``checkpoint``.

    Args:
        network: of the kind ``"float64"``.
        data: floats or exact rationals.
        rates: drop probability of each droppable layer, inputs first.
        gradient: also ∂J_D/∂W.
        direction: also the Hessian's product with it.
        moments: 4 adds Var_R ‖D − y‖² for each example, from which sampling errors follow.
        strategy: one of the registry; None lets the planner choose.
        threads: number of threads; None for one per core.
        executor: does the chunks instead of threads of this process; unused below 5 ms of work.
        checkpoint: journal of finished chunks; see :mod:`.journal`.
        max_cost: limit in steps of about a nanosecond; None for about a minute of one core.
        progress: called as ``progress(done, total)``.

    Cost: Σ over examples of the leaves that are visited, see :func:`plan_float64`.

    Raises:
        CostLimitExceeded: before anything starts, with the estimate.
        NumericalRange: overflow, or a criterion that underflows; exact evaluation remains possible.

    >>> from fractions import Fraction as F
    >>> from exactdropout.model import Examples, Network
    >>> figure_1 = Network([[[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]])
    >>> result = evaluate_float64(figure_1, Examples.half((1.0, -1.0), 8.0), (F(1, 2), F(1, 2)))
    >>> abs(result.risk - 32) <= result.error_bounds["risk"] < 1e-10
    True
    """
    if threads is not None or executor is not None:
        threads, executor = thread_count(threads), checked_executor(executor)
    plan = plan_small(network, data, rates, strategy, max_cost) if moments == 2 else None
    few = None if plan is None else evaluate_small(network, data, rates, plan, progress)
    if few is not None and not gradient and direction is None and checkpoint is None:
        return few
    problem = prepare(network, data, rates) if few is None else prepared(network, data, rates)
    derivatives = {"gradient": gradient, "hessian": direction is not None}
    if few is None or plan is None:
        reference = reference_outputs(problem)
        chosen, plan = choose(problem, **derivatives, moments=moments, strategy=strategy, max_cost=max_cost)
    else:
        plan = with_derivatives(plan, problem, **derivatives, max_cost=max_cost)
    with contextlib.ExitStack() as stack:
        runner = Runner(progress=progress, cost=plan.cost)
        if plan.cost > SERIAL:
            runner = replace(runner, threads=thread_count(threads), executor=executor)
        if checkpoint is not None:
            along = None if direction is None else (direction.weights, direction.biases)
            belongs = identity(
                network, data, rates, gradient=gradient, moments=moments, strategy=plan.strategy, direction=along
            )
            runner = replace(runner, journal=stack.enter_context(journal(checkpoint, belongs)))
        if few is None:
            folded = chosen.run(problem, reference, moments, runner)
        slope = criterion_gradient(network, problem, runner) if gradient else None
        product = None if direction is None else walked_hessian_product(network, problem, direction, runner)
        if runner.journal is not None:
            runner.journal.finish()
    if few is not None:
        return filled(Evaluation, {**vars(few), "plan": plan, "gradient": slope, "hessian_product": product})
    quantities = per_example(
        problem,
        reference,
        folded.moments,
        folded.levels,
        moments,
        folded.output_error,
        folded.noise_error,
        folded.errors,
    )
    return _evaluation(problem, quantities, plan, slope, product)


def _evaluation(
    problem: Problem,
    quantities: dict[str, Bounded],
    plan: Plan,
    gradient: Gradient | None,
    product: HessianProduct | None,
) -> Evaluation:
    totals: dict[str, float] = {}
    bounds: dict[str, float] = {}
    for name in ("criterion", "risk", "penalty", "bias"):
        totals[name], bounds[name] = total(problem.probabilities, quantities[name])
    variance = quantities["variance"]
    outputs = problem.outputs
    summed = Bounded(
        variance.value.sum(axis=1),
        up(variance.error.sum(axis=1) + gamma(outputs) * up(variance.value.sum(axis=1), outputs), outputs),
    )
    totals["variance"], bounds["variance"] = total(problem.probabilities, summed)
    means = [
        total(problem.probabilities, Bounded(quantities["mean"].value[:, o], quantities["mean"].error[:, o]))
        for o in range(outputs)
    ]
    bounds["mean"] = max(bound for _, bound in means)
    squared = quantities.get("squared_error_variance")
    if not all(math.isfinite(v) for v in (*totals.values(), *bounds.values())):
        raise NumericalRange(
            "Argument 'network' leads beyond the range of float64; exact evaluation remains possible: "
            "pass network.exact() and data.exact()."
        )
    if totals["criterion"] < SMALLEST and bounds["criterion"] < NEGLIGIBLE and _may_underflow(problem):
        raise NumericalRange(
            f"Argument 'network' leads to a criterion below {SMALLEST:.0e}, where float64 underflows; exact evaluation "
            "remains possible: pass network.exact() and data.exact()."
        )
    names = ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance")
    shares = PerExample(
        output=freeze(quantities["output"].value),
        mean=freeze(quantities["mean"].value),
        variance=freeze(variance.value),
        criterion=freeze(quantities["criterion"].value),
        risk=freeze(quantities["risk"].value),
        penalty=freeze(quantities["penalty"].value),
        squared_error_variance=None if squared is None else freeze(squared.value),
        error_bounds={name: freeze(quantities[name].error) for name in names if name in quantities},
    )
    return Evaluation(
        hessian_product=product,
        criterion=totals["criterion"],
        risk=totals["risk"],
        penalty=totals["penalty"],
        variance=totals["variance"],
        bias=totals["bias"],
        mean=tuple(value for value, _ in means),
        error_bounds=bounds,
        exactness="float64",
        probabilities=problem.probabilities,
        per_example=shares,
        plan=plan,
        gradient=gradient,
    )


def _may_underflow(problem: Problem) -> bool:
    """Return whether some product on the way to the squared error may be subnormal although its factors are not 0.

    A sum of floats is 0 or at least 2⁻⁵³ times its smallest term, so the least non-zero value of each layer follows
    from the least non-zero inputs, weights and biases. Where none can underflow, a computed 0 (dead units) is a 0.
    Nor can multiples of 2^−500, whose squares are 0 or at least 2^−1000, nor an output that no path of non-zero weights
    reaches.
    """
    reached = (problem.inputs != 0) | (problem.input_errors > 0)
    for weights, bias in zip(problem.weights, problem.biases, strict=True):
        reached = (reached @ (weights != 0).T) | (bias != 0)
    if not (reached.any() or problem.labels.any() or problem.label_errors.any()):
        return False
    grid = layer_magnitudes(problem, dropout=True).grid
    if grid is not None and min(grid, grid_exponent(problem.labels)) >= -500 and not problem.label_errors.any():
        return False

    def least(values: Array) -> float:
        sizes = np.abs(values[values != 0])
        return float(np.log2(sizes.min())) if sizes.size else math.inf

    smallest = least(problem.inputs)
    for weights, bias in zip(problem.weights, problem.biases, strict=True):
        smallest = min(smallest + least(weights), least(bias)) - 60
    return 2 * (min(smallest, least(problem.labels)) - 60) < -1000
