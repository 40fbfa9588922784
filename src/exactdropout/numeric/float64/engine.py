"""Evaluation of float64 networks over all masks, with bounds that contain the exact values."""

from __future__ import annotations

import contextlib
import math
import os
from concurrent.futures import Executor
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np

from exactdropout.errors import MixedNumbers, NumericalRange
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.float64.bounds import gamma, grid_exponent, layer_magnitudes, up
from exactdropout.numeric.float64.derivatives.at_once import AtOnce, at_once
from exactdropout.numeric.float64.derivatives.gradient import criterion_gradient, gradient_kernel
from exactdropout.numeric.float64.derivatives.hessian import walked_hessian_product
from exactdropout.numeric.float64.derivatives.prepared import Ordered, ordered_examples
from exactdropout.numeric.float64.packed import Packed, flattened, pack
from exactdropout.numeric.float64.plan import choose, plan_few, refuse_a_part, with_derivatives
from exactdropout.numeric.float64.problem import Problem, setting_of
from exactdropout.numeric.float64.quantities import Bounded, per_example, reference_outputs, total
from exactdropout.numeric.float64.strategies.lanes import begun, finished, walked_at_once, walked_in_chunks
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.result import Evaluation, Gradient, HessianProduct, PerExample, Plan, filled
from exactdropout.numeric.rows import SMALLEST, Evaluations, evaluation_of_row, stacked_rows
from exactdropout.numeric.runs.executors import checked_executor
from exactdropout.numeric.runs.fingerprint import identity
from exactdropout.numeric.runs.journal import journal
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import thread_count
from exactdropout.progress import Progress

__all__ = ["SERIAL", "Prepared", "evaluate_float64"]

SERIAL = 5.0e6
"""Below this cost, in nanoseconds, a pool of threads is not worth starting."""

STACKED = 64
"""Most networks of a stack that are walked in one call, so that Ctrl-C is heard."""

NEGLIGIBLE = 2.0**-900
"""A bound below this is what the range of float64 costs, not what rounding does; meet adds up many such losses."""


class Prepared:
    """Float64 evaluation of networks of one architecture: examples and rates checked and packed once, for all of them.

    What is kept depends on no network. A problem of few masks is walked in one call of the kernel; anything else is
    planned network by network.
    """

    def __init__(
        self,
        architecture: Architecture,
        data: Examples,
        rates: tuple[Fraction, ...],
        *,
        gradient: bool = False,
        moments: Literal[2, 4] = 2,
        strategy: str | None = None,
        max_cost: float | None = None,
    ) -> None:
        """Check and pack; see :func:`evaluate_float64` for the arguments."""
        self._setting = setting_of(architecture, data, rates)
        self._gradient, self._moments, self._strategy, self._max_cost = gradient, moments, strategy, max_cost
        self._few = plan_few(self._setting, strategy, max_cost) if moments == 2 else None
        self._packed: Packed | None = None if self._few is None else pack(self._setting)
        self._items = _items(1, self._setting.examples)
        self._with_gradient: Plan | None = None
        self._ordered: Ordered | None = None
        self._at_once: AtOnce | None = None
        self._begun = False

    def evaluate(
        self,
        network: Network,
        *,
        direction: Direction | None = None,
        threads: int | None = None,
        executor: Executor | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Evaluation:
        """Return the evaluation of a float64 network of this architecture."""
        if threads is not None or executor is not None:
            threads, executor = thread_count(threads), checked_executor(executor)
        few = slope = None
        if self._few is not None and self._packed is not None:
            few, slope = self._at_once_of(network, self._packed, self._few)
            if few is not None and direction is None and checkpoint is None:
                if not self._gradient:
                    if progress is not None:
                        progress(0, self._few.visited)
                        progress(self._few.visited, self._few.visited)
                    return few
                if executor is None and progress is None and slope is not None:
                    return filled(Evaluation, {**vars(few), "plan": self._with_gradient, "gradient": slope})
        return self._in_chunks(network, few, direction, threads, executor, checkpoint, progress)

    def stack(self, values: Array, progress: Progress | None = None) -> Evaluations | None:
        """Return the evaluations of the networks whose weights are the rows of ``values`` (:func:`~.packed.flattened`).

        None where masks are many, or derivatives wanted, or a number leaves the range of float64: then one by one is
        the way.
        """
        if self._few is None or self._packed is None or self._gradient:
            return None
        outputs = self._packed.sizes.outputs
        found = np.empty((len(values), self._packed.sizes.result))
        for begin in range(0, len(values), STACKED):
            part = values[begin : begin + STACKED]
            rows = self._rows(self._packed, part, _items(len(part), self._setting.examples))
            if rows is None or not rows[:, -1].all() or (rows[:, 0] + rows[:, 5 + outputs] < SMALLEST).any():
                return None
            found[begin : begin + len(part)] = rows
            if progress is not None:
                progress(begin + len(part), len(values))
        return stacked_rows(found, outputs, self._setting.data.probabilities, self._few)

    def _rows(self, packed: Packed, values: Array, items: Array) -> Array | None:
        made = begun(packed, values)
        return finished(packed, made, walked_at_once(packed, made, items)) if made.in_range else None

    def _at_once_of(self, network: Network, packed: Packed, plan: Plan) -> tuple[Evaluation | None, Gradient | None]:
        """Return the evaluation, and the gradient where that is asked for and made at once; None where they are not."""
        values = flattened(network)
        made = begun(packed, values[None])
        if not made.in_range:
            return None, None
        slope = folded = None
        if self._gradient:
            maker = self._maker(network, plan)
            found = None if maker is None else maker(network, values, made.about[0])
            if found is not None:
                slope, folded = found
        if folded is None:
            folded = walked_at_once(packed, made, self._items)
        row = finished(packed, made, folded)[0]
        return evaluation_of_row(row, packed.sizes.outputs, self._setting.data.probabilities, plan), slope

    def _maker(self, network: Network, plan: Plan) -> AtOnce | None:
        """Return what makes gradients at once, None where that is not possible; prepared by the first network."""
        if not self._begun:
            problem = self._setting.problem(network)
            self._ordered = self._ordered or ordered_examples(
                problem, None if self._packed is None else self._packed.grid
            )
            found = at_once(problem, self._ordered)
            if found is not None:
                self._with_gradient = with_derivatives(
                    plan, problem, gradient=True, hessian=False, max_cost=self._max_cost
                )
            self._at_once = found
            self._begun = True
        return self._at_once

    def _evaluation(self, row: Array, plan: Plan) -> Evaluation | None:
        return evaluation_of_row(row, self._setting.architecture.outputs, self._setting.data.probabilities, plan)

    @np.errstate(all="ignore")  # what is not finite is reported at the end, whatever the caller's own settings are
    def _in_chunks(
        self,
        network: Network,
        found: Evaluation | None,
        direction: Direction | None,
        threads: int | None,
        executor: Executor | None,
        checkpoint: str | os.PathLike[str] | None,
        progress: Progress | None,
    ) -> Evaluation:
        """Plan, and work in chunks; ``found`` is the value where that is known and only derivatives are wanted."""
        problem, moments = self._setting.problem(network), self._moments
        derivatives = {"gradient": self._gradient, "hessian": direction is not None}
        if found is None:
            refuse_a_part(problem, moments, self._strategy, self._max_cost)
            reference = reference_outputs(problem)
            chosen, plan = choose(
                problem, **derivatives, moments=moments, strategy=self._strategy, max_cost=self._max_cost
            )
        else:
            known = self._with_gradient if direction is None else None
            plan = known or with_derivatives(found.plan, problem, **derivatives, max_cost=self._max_cost)
            if direction is None and known is None and gradient_kernel(problem) != "the walk":
                self._with_gradient = plan  # of the examples alone
        with contextlib.ExitStack() as stack:
            runner = Runner(progress=progress, cost=plan.cost)
            if plan.cost > SERIAL:
                runner = replace(runner, threads=thread_count(threads), executor=executor)
            if checkpoint is not None:
                along = None if direction is None else (direction.weights, direction.biases)
                belongs = identity(
                    network, self._setting.data, problem.rates,
                    gradient=self._gradient, moments=moments, strategy=plan.strategy, direction=along,
                )  # fmt: skip
                runner = replace(runner, journal=stack.enter_context(journal(checkpoint, belongs)))
            if found is None and self._few is None and plan.strategy == "walk" and moments == 2:
                found = self._walked(network, problem, plan, runner)
            if found is None:
                folded = chosen.run(problem, reference, moments, runner)
            slope = product = None
            if self._gradient or direction is not None:
                grid = None if self._packed is None else self._packed.grid
                self._ordered = self._ordered or ordered_examples(problem, grid)
            if self._gradient:
                slope = criterion_gradient(network, problem, runner, self._ordered)
            if direction is not None:
                product = walked_hessian_product(network, problem, direction, runner, self._ordered)
            if runner.journal is not None:
                runner.journal.finish()
        if found is not None:
            return filled(Evaluation, {**vars(found), "plan": plan, "gradient": slope, "hessian_product": product})
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

    def _walked(self, network: Network, problem: Problem, plan: Plan, runner: Runner) -> Evaluation | None:
        """Return the value by the walk of lanes, None where it leaves the range of float64."""
        if interpreted():
            return None
        if self._packed is None:
            self._packed = pack(self._setting)
        made = begun(self._packed, flattened(network)[None])
        if not made.in_range:
            return None
        results = walked_in_chunks(self._packed, made, problem, runner)
        return self._evaluation(finished(self._packed, made, results)[0], plan)


def _items(networks: int, examples: int) -> Array:
    """Return an item for each network and example, with all of its masks."""
    items = np.zeros((networks, examples, 4), dtype=np.int64)
    items[:, :, 0] = np.arange(networks)[:, None]
    items[:, :, 1] = np.arange(examples)
    return items.reshape(-1, 4)


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
        max_cost: limit in estimated seconds of one core; None for 60.
        progress: called as ``progress(done, total)``.

    Cost: Σ over examples of the leaves that are visited, see :func:`plan_float64`.

    Raises:
        CostLimitExceeded: before anything starts, with the estimate.
        NumericalRange: overflow, or a criterion that underflows; exact evaluation remains possible.

    >>> from fractions import Fraction as F
    >>> from exactdropout.model import Architecture, Examples, Network
    >>> figure_1 = Network([[[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]])
    >>> result = evaluate_float64(figure_1, Examples.half((1.0, -1.0), 8.0), (F(1, 2), F(1, 2)))
    >>> abs(result.risk - 32) <= result.error_bounds["risk"] < 1e-10
    True
    """
    if network.kind != "float64":
        raise MixedNumbers(f"Argument 'network' must be float64 here, not {network.kind}; use network.float64().")
    prepared = Prepared(
        network.architecture, data, rates, gradient=gradient, moments=moments, strategy=strategy, max_cost=max_cost
    )
    return prepared.evaluate(
        network, direction=direction, threads=threads, executor=executor, checkpoint=checkpoint, progress=progress
    )


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
