"""Training on the exact dropout criterion: L-BFGS or a trust region on J_D and its derivatives, no sampling noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.arguments import MAX_SECONDS, cost_limit, examples_of, network_of, told_what_is_missing
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.choice import STEPS_PER_SECOND
from exactdropout.numeric.coordinates import Coordinates, flat
from exactdropout.numeric.direction import direction_of
from exactdropout.numeric.float64.derivatives.hessian import walked_hessian_product
from exactdropout.numeric.float64.engine import SERIAL, Prepared
from exactdropout.numeric.float64.plan import plan_float64
from exactdropout.numeric.float64.problem import Problem, prepare
from exactdropout.numeric.result import Evaluation, Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import thread_count
from exactdropout.numeric.sampled_criterion import (
    SampledCriterion,
    balanced,
    descended,
    drawn_start,
    one_blas_thread,
    optimizers,
)
from exactdropout.progress import Progress, reporting

if TYPE_CHECKING:  # printing is loaded by the first table
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["Training", "train"]

CORRECTIONS = 10
STARTS = 6
"""Starts where the user names no number; a sixth of a second of sampled descents at most would be wasted."""

FEWEST = 32
"""Examples from which on a warm-up begins by itself: with fewer the exact criterion is as cheap as a sample."""

FIRST_ROWS, SECOND_ROWS = 1024, 4096
"""Examples with a mask each on which all starts, and then the better half of them, descend."""

FIRST_STEPS, SECOND_STEPS, TILTED_STEPS = 60, 60, 30
SHARE = 0.25
"""Part of ``max_cost`` that sampled descents may take."""

MOST_TILTED, ENOUGH = 10, 1e-4
"""Most descents on a tilted sample, which end where one lowers the exact criterion by less than this part."""

LIMIT = "The cost limit was reached"
STUCK = "Further steps gain next to nothing, as at a kink"
SMALL = "No entry of the gradient exceeds the tolerance"
PATIENCE, LEAST = 5, 1e-5
"""A descent ends where so many steps lower the criterion by less than this part while its gradient does not halve."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Training:
    """A float64 network with a small dropout criterion, and how it was found.

    ``evaluation`` holds J_D, its parts and its gradient at ``network`` with their proved bounds; ``start`` is J_D where
    it began. ``converged`` says that the largest entry of the gradient is at most the tolerance asked for; a point
    where it is not can still be a minimum at a kink, where the gradient jumps. Neither says that it is global.
    """

    network: Network
    evaluation: Evaluation
    start: float
    iterations: int
    evaluations: int
    converged: bool
    reason: str
    products: int = 0
    """Hessian-vector products that the trust region asked for."""
    course: tuple[float, ...] = ()
    """J_D where the method began, which is after the warm-up, and then the least one so far after each step."""

    @property
    def criterion(self) -> float:
        """J_D at the network that was found."""
        return float(self.evaluation.criterion)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the booktabs table of the evaluation at the network that was found."""
        return self.evaluation.latex(style, **options)

    def plot(self, axes: Any = None) -> Any:
        """Draw the course of J_D on Matplotlib axes, new ones or those given, and return them.

        Step 0 is where the method began, after the warm-up; the dashed line is J_D of the network that was given.

        Raises:
            MissingExtra: Matplotlib is not installed.
        """
        from exactdropout.notation.chart import axes_of

        on = axes_of(axes)
        on.plot(
            range(len(self.course)), self.course, "-", marker="." if len(self.course) < 40 else "", label="training"
        )
        on.axhline(self.start, color="0.5", linestyle="--", linewidth=0.8, label="network given")
        on.set_xlabel("step")
        on.set_ylabel("dropout criterion")
        on.legend(frameon=False)
        return on

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import block_html

        state = "converged" if self.converged else f"stopped: {self.reason}"
        told = f"{state}; {self.iterations} steps, {self.evaluations} evaluations, from {self.start:.6g}"
        return self.evaluation._repr_html_() + block_html(told)

    def __repr__(self) -> str:
        """Return a short description."""
        state = "converged" if self.converged else "stopped"
        return (
            f"Training(criterion={self.criterion:.10g}, from {self.start:.6g}, {state} after {self.iterations} steps)"
        )


@told_what_is_missing
def train(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    method: Literal["L-BFGS-B", "trust-ncg"] = "L-BFGS-B",
    iterations: int = 500,
    tolerance: float = 1e-8,
    starts: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    executor: Executor | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Training:
    """Return a network of the shape of ``network`` that minimises J_D(W) = E_P E_R ‖D(W, x, R) − y‖² locally.

    L-BFGS, or Newton's method with conjugate gradients in a trust region, from SciPy, on the criterion over all masks,
    its gradient and (for the second) Hessian-vector products, after a warm-up from several starts on sampled masks,
    which costs little. J_D is piecewise polynomial and not convex: the result is a local minimum or a point at a kink,
    and depends on the starts; it is never above ``network``.

    Args:
        network: where to begin; an exact one is rounded to float64. Layers without biases stay without.
        data, q, label: as in :func:`exactdropout.evaluate`.
        method: ``"L-BFGS-B"``, or ``"trust-ncg"`` for second-order steps, which end in fewer iterations near a minimum.
        iterations: most steps of the method.
        tolerance: converged when no entry of the gradient exceeds it. Where kinks keep the gradient from shrinking, a
            descent also ends when five steps lower the criterion by less than a 1e-5 of it.
        starts: how many starts the warm-up compares: ``network``, its units balanced, and Gaussian ones. Each descends
            a sampled criterion, a thousand examples with a mask each; the better half goes on with four thousand; and
            the best by the exact criterion with those tilted to its exact gradient, until a descent gains less than
            1e-4 of it. There the method begins. 0 for no warm-up, 1 for ``network`` alone. None: 6 where there are
            hidden layers and at least 32 examples, else 0.
        seed: of the warm-up's starts and masks; the same seed gives the same result on the same machine.
        threads: threads of the engine; the result has the same bits for any number.
        executor: does the work instead, as in :func:`exactdropout.evaluate`; the result has the same bits.
        max_cost: limit for all evaluations together, in estimated seconds of one core; 600 where it is left out. Where
            it is reached the best network so far is returned, and ``reason`` says so.
        progress: True for a bar, or ``progress(iteration, iterations)``.

    Cost: a few more evaluations with gradient than iterations, for trust-ncg also a few products for each (see
    :func:`exactdropout.plan`), and about 20 ms for each start of a small network.

    Raises:
        MissingExtra: SciPy is not installed.
        CostLimitExceeded: one evaluation alone would exceed ``max_cost``.
        NumericalRange: the start is out of the range of float64.

    >>> from exactdropout.model import Examples, Network
    >>> found = train(Network([[[0.0]]]), Examples.point([1.0], 1.0), "1/2")
    >>> round(float(found.network.weights[0][0, 0]), 6), round(found.criterion, 6)   # the penalty halves the weight
    (0.5, 0.5)
    """
    if method not in ("L-BFGS-B", "trust-ncg"):
        raise InvalidInput(f"Argument 'method' must be 'L-BFGS-B' or 'trust-ncg', not {show(method)}.")
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
        raise InvalidInput(f"Argument 'iterations' must be a positive integer, not {show(iterations)}.")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < float("inf"):
        raise InvalidInput(f"Argument 'tolerance' must be a non-negative number, not {show(tolerance)}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInput(f"Argument 'seed' must be a non-negative integer, not {show(seed)}.")
    if starts is not None and (isinstance(starts, bool) or not isinstance(starts, int) or starts < 0):
        raise InvalidInput(f"Argument 'starts' must be None or a number of starts, not {show(starts)}.")
    begin = network_of(network) if network_of(network).kind == "float64" else network.float64()
    examples = examples_of(data, begin.architecture, label)
    numbers, kind = drop_rates(q, begin.architecture)
    if kind == "symbolic":
        raise MixedNumbers(f"Argument 'q' must be a number here, not {show(numbers[0])}; use derive for a symbolic q.")
    rates = tuple(Fraction(r) for r in numbers)
    limit = cost_limit(max_cost, 10 * MAX_SECONDS)
    plan = plan_float64(begin, examples, rates, gradient=True, hessian=method == "trust-ncg", max_cost=limit)
    with reporting(progress, "steps") as report, one_blas_thread():
        descent = _Descent(begin, examples, rates, thread_count(threads), executor, limit, plan.cost)
        few = len(begin.weights) == 1 or len(examples) < FEWEST
        descent.warm_up((0 if few else STARTS) if starts is None else starts, seed)
        return descent.run(method, iterations, float(tolerance), report)


class _Descent:
    """The function that the method sees, the best network it has met, and the count of evaluations.

    Examples and rates are prepared once; the problem of the latest weights is kept for the products at the same place.
    """

    def __init__(
        self,
        begin: Network,
        data: Examples,
        rates: tuple[Fraction, ...],
        threads: int,
        executor: Executor | None,
        limit: float,
        cost: float,
    ) -> None:
        self.data, self.rates, self.threads, self.executor, self.limit = data, rates, threads, executor, limit
        self.cost, self.most = cost, max(1, int(min(1e9, limit * STEPS_PER_SECOND / cost)))
        self.evaluations = self.products = 0
        self.reason = ""
        self.latest: tuple[bytes, Network, Problem] | None = None
        self.evaluator = Prepared(begin.architecture, data, rates, gradient=True, max_cost=limit)
        self.coordinates = Coordinates(begin, data)
        self.best = (begin, self.evaluate(begin))
        self.start = float(self.best[1].criterion)

    def evaluate(self, network: Network) -> Evaluation:
        self.evaluations += 1
        return self.evaluator.evaluate(network, threads=self.threads, executor=self.executor)

    def met(self, theta: Array) -> Evaluation | None:
        """Return the evaluation at θ, kept where it is the best; None beyond the limit or the range of float64."""
        if self.evaluations + self.products >= self.most:
            self.reason = LIMIT
            return None
        try:
            network = self.coordinates.network(theta)
            evaluation = self.evaluate(network)
        except (NumericalRange, InvalidInput):  # InvalidInput: θ itself is not finite
            return None
        if _better(evaluation, self.best[1]):
            self.best = (network, evaluation)
        return evaluation

    @np.errstate(all="ignore")  # a descent that leaves the range of float64 ends, whatever the caller's settings are
    def warm_up(self, starts: int, seed: int) -> None:
        """Descend sampled criteria from several starts, and from the best end a sample with the exact gradient."""
        if not starts:
            return
        rng = np.random.default_rng(seed)
        first, second = (SampledCriterion(self.coordinates, self.rates, n, rng) for n in (FIRST_ROWS, SECOND_ROWS))
        each = FIRST_STEPS * first.nanoseconds + 0.5 * SECOND_STEPS * second.nanoseconds
        starts = min(starts, int(SHARE * self.limit * 1e9 / each))
        begins = [balanced(self.coordinates, self.coordinates.of(self.best[0]))]
        begins = [*begins, *(drawn_start(self.coordinates, rng) for _ in range(starts - 1))][:starts]
        ends = sorted((descended(first, theta, FIRST_STEPS) for theta in begins), key=lambda theta: second(theta)[0])
        for theta in ends[: -(-len(ends) // 2)]:
            self.met(descended(second, theta, SECOND_STEPS))
        for _ in range(MOST_TILTED if ends else 0):
            network, evaluation = self.best
            theta, before = self.coordinates.of(network), evaluation.criterion
            tilted = second.tilted(theta, self.coordinates.slopes(_gradient(evaluation)))
            self.met(descended(tilted, theta, TILTED_STEPS))
            if not before - self.best[1].criterion > ENOUGH * before:
                return

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        known, begin = self.begin
        evaluation = begin if np.array_equal(theta, known) else self.met(theta)
        if self.reason:
            raise StopIteration
        if evaluation is None:  # a step too far: the line search comes back
            return float("inf"), np.zeros(len(theta))
        return float(evaluation.criterion) / self.coordinates.spread**2, self.coordinates.slopes(_gradient(evaluation))

    def product(self, theta: Array, along: Array) -> Array:
        """Return H·V in θ; the gradient is known there, so its network is in range."""
        if self.evaluations + self.products >= self.most:
            self.reason = LIMIT
            raise StopIteration
        self.products += 1
        if self.latest is None or self.latest[0] != theta.tobytes():
            network = self.coordinates.network(theta)
            self.latest = (theta.tobytes(), network, prepare(network, self.data, self.rates))
        _, network, problem = self.latest
        direction = direction_of(self.coordinates.along(along), network)
        runner = Runner(cost=self.cost)
        if self.cost > SERIAL:
            runner = Runner(cost=self.cost, threads=self.threads, executor=self.executor)
        return self.coordinates.slopes(walked_hessian_product(network, problem, direction, runner))

    @np.errstate(all="ignore")  # SciPy's steps too may underflow
    def run(self, method: str, iterations: int, tolerance: float, report: Progress | None) -> Training:
        steps = 0
        course: list[tuple[float, float]] = []

        def callback(_: Array) -> None:
            nonlocal steps
            steps += 1
            if report is not None:
                report(steps, iterations)
            found = self.best[1]
            course.append((float(found.criterion), _largest(found)))
            if course[-1][1] <= tolerance:
                self.reason = SMALL
                raise StopIteration
            if len(course) > PATIENCE:
                (before, slope), (now, last) = course[-1 - PATIENCE], course[-1]
                if before - now < LEAST * before and last > slope / 2:
                    self.reason = STUCK
                    raise StopIteration

        options: dict[str, Any] = {"maxiter": iterations, "gtol": 0.0}
        if method == "L-BFGS-B":
            options |= {"maxfun": 10**9, "ftol": 0.0, "maxcor": CORRECTIONS}
        begin, evaluation = self.best
        theta = self.coordinates.of(begin)
        self.begin = theta, evaluation
        length = float(np.linalg.norm(self.coordinates.slopes(_gradient(evaluation))))
        unit = length if 0 < length < 1 else 1.0  # the first step is one of this length: near a minimum a short one

        def function(place: Array) -> tuple[float, Array]:
            value, slopes = self.value_and_gradient(theta + unit * place)
            return value, unit * slopes

        def product(place: Array, along: Array) -> Array:
            return unit * self.product(theta + unit * place, unit * along)

        try:
            if _largest(evaluation) <= tolerance:
                self.reason = SMALL
                raise StopIteration
            outcome = optimizers().minimize(
                function,
                np.zeros_like(theta),
                jac=True,
                hessp=product if method == "trust-ncg" else None,
                method=method,
                callback=callback,
                options=options,
            )
            reason = self.reason or str(outcome.message).strip().capitalize()
        except StopIteration:
            reason = self.reason
        network, evaluation = self.best
        return Training(
            network=network,
            evaluation=evaluation,
            start=self.start,
            iterations=steps,
            evaluations=self.evaluations,
            products=self.products,
            converged=_largest(evaluation) <= tolerance,
            reason=reason,
            course=(float(self.begin[1].criterion), *(value for value, _ in course)),
        )


def _better(found: Evaluation, best: Evaluation) -> bool:
    """Return whether the criterion is lower, or the same within the bounds and the gradient smaller."""
    room = found.error_bound + best.error_bound
    if abs(found.criterion - best.criterion) > room:
        return bool(found.criterion < best.criterion)
    return _largest(found) < _largest(best)


def _gradient(evaluation: Evaluation) -> Gradient:
    if evaluation.gradient is None:
        raise InvalidInput("Argument 'gradient' must be True for an evaluation that is to be descended.")
    return evaluation.gradient


def _largest(evaluation: Evaluation) -> float:
    """Return the size of the largest entry of the gradient."""
    return float(np.max(np.abs(flat(_gradient(evaluation)))))
