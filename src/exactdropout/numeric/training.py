"""Training on the exact dropout criterion: L-BFGS or a trust region on J_D and its derivatives, no sampling noise."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from exactdropout.errors import InvalidInput, MissingExtra, MixedNumbers, NumericalRange
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.arguments import MAX_SECONDS, cost_limit, examples_of, network_of
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.choice import STEPS_PER_SECOND
from exactdropout.numeric.direction import direction_of
from exactdropout.numeric.float64.derivatives.hessian import walked_hessian_product
from exactdropout.numeric.float64.engine import SERIAL, Prepared
from exactdropout.numeric.float64.plan import plan_float64
from exactdropout.numeric.float64.problem import Problem, setting_of
from exactdropout.numeric.result import Evaluation, Gradient, HessianProduct
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import thread_count
from exactdropout.numeric.sampled_descent import sampled_descent
from exactdropout.progress import Progress, reporting

if TYPE_CHECKING:  # printing is loaded by the first table
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["Training", "train"]

CORRECTIONS = 10
WARM_UP = 2000
FEWEST = 32
"""Examples from which on a warm-up begins by itself: with fewer the exact criterion is as cheap as a sample."""

WARM_UP_NANOSECONDS = 1e5
LIMIT = "The cost limit was reached"
STUCK = "Further steps gain next to nothing, as at a kink"
PATIENCE, LEAST = 10, 1e-5
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

    @property
    def criterion(self) -> float:
        """J_D at the network that was found."""
        return float(self.evaluation.criterion)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the booktabs table of the evaluation at the network that was found."""
        return self.evaluation.latex(style, **options)

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


def train(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    method: Literal["L-BFGS-B", "trust-ncg"] = "L-BFGS-B",
    iterations: int = 500,
    tolerance: float = 1e-8,
    warm_up: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    executor: Executor | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Training:
    """Return a network near ``network`` that minimises J_D(W) = E_P E_R ‖D(W, x, R) − y‖² locally.

    L-BFGS, or Newton's method with conjugate gradients in a trust region, from SciPy, on the criterion over all masks,
    its gradient and (for the second) Hessian-vector products, after a warm-up on sampled masks. J_D is piecewise
    polynomial and not convex: the result is a local minimum or a point at a kink, and depends on the start.

    Args:
        network: where to begin; an exact one is rounded to float64. Layers without biases stay without.
        data, q, label: as in :func:`exactdropout.evaluate`.
        method: ``"L-BFGS-B"``, or ``"trust-ncg"`` for second-order steps, which end in fewer iterations near a minimum.
        iterations: most steps of the method.
        tolerance: converged when no entry of the gradient exceeds it. Where kinks keep the gradient from shrinking, a
            descent also ends when ten steps lower the criterion by less than a 1e-5 of it.
        warm_up: steps of Adam on batches of 64 sampled masks before the method begins, which leave a distant start
            cheaply; the method then begins at the best of the start and four places on that way, by the exact
            criterion. None: 2000 where there are hidden layers and at least 32 examples, else 0.
        seed: of the warm-up's masks; the same seed gives the same result on the same machine.
        threads: threads of the engine; the result has the same bits for any number.
        executor: does the work instead, as in :func:`exactdropout.evaluate`; the result has the same bits.
        max_cost: limit for all evaluations together, in estimated seconds of one core; 600 where it is left out. Where
            it is reached the best network so far is returned, and ``reason`` says so.
        progress: True for a bar, or ``progress(iteration, iterations)``.

    Cost: a few more evaluations with gradient than iterations, for trust-ncg also a few products for each; see
    :func:`exactdropout.plan`.

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
    if warm_up is not None and (isinstance(warm_up, bool) or not isinstance(warm_up, int) or warm_up < 0):
        raise InvalidInput(f"Argument 'warm_up' must be None or a number of steps, not {show(warm_up)}.")
    begin = network_of(network) if network_of(network).kind == "float64" else network.float64()
    examples = examples_of(data, begin.architecture, label)
    numbers, kind = drop_rates(q, begin.architecture)
    if kind == "symbolic":
        raise MixedNumbers(f"Argument 'q' must be a number here, not {show(numbers[0])}; use derive for a symbolic q.")
    rates = tuple(Fraction(r) for r in numbers)
    limit = cost_limit(max_cost, 10 * MAX_SECONDS)
    plan = plan_float64(begin, examples, rates, gradient=True, hessian=method == "trust-ncg", max_cost=limit)
    with reporting(progress, "steps") as report:
        descent = _Descent(begin, examples, rates, thread_count(threads), executor, limit, plan.cost)
        few = len(begin.weights) == 1 or len(examples) < FEWEST
        descent.warm_up((0 if few else WARM_UP) if warm_up is None else warm_up, seed)
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
        self.shape, self.data, self.rates = begin, data, rates
        self.threads, self.executor, self.limit = threads, executor, limit
        self.cost, self.most = cost, max(1, int(min(1e9, limit * STEPS_PER_SECOND / cost)))
        self.evaluations = self.products = 0
        self.reason = ""
        self.latest: tuple[bytes, Network, Problem] | None = None
        self.evaluator = Prepared(begin.architecture, data, rates, gradient=True, max_cost=limit)
        self.setting = setting_of(begin.architecture, data, rates)
        self.best = (begin, self.evaluate(begin))
        self.start = float(self.best[1].criterion)

    def evaluate(self, network: Network) -> Evaluation:
        self.evaluations += 1
        return self.evaluator.evaluate(network, threads=self.threads, executor=self.executor)

    @np.errstate(all="ignore")  # a warm-up that leaves the range of float64 ends, whatever the caller's settings are
    def warm_up(self, steps: int, seed: int) -> None:
        """Move the beginning to the best place on the way of a descent on sampled masks."""
        steps = min(steps, int(min(1e9, self.limit * 1e9 / WARM_UP_NANOSECONDS)))
        for network in sampled_descent(self.best[0], self.data, self.rates, steps, seed):
            if self.evaluations >= self.most:
                return
            try:
                evaluation = self.evaluate(network)
            except NumericalRange:
                return
            if _better(evaluation, self.best[1]):
                self.best = (network, evaluation)

    def network(self, flat: Array) -> Network:
        arrays, position = [], 0
        for shape in (*self.shape.weights, *(b for b in self.shape.biases if b is not None)):
            arrays.append(flat[position : position + shape.size].reshape(shape.shape))
            position += shape.size
        layers = len(self.shape.weights)
        rest = iter(arrays[layers:])
        biases = [None if b is None else next(rest) for b in self.shape.biases]
        none = all(b is None for b in biases)
        activations = self.shape.architecture.activations
        return Network(arrays[:layers], None if none else biases, activation=activations)

    def value_and_gradient(self, flat: Array) -> tuple[float, Array]:
        if self.evaluations + self.products >= self.most:
            self.reason = LIMIT
            raise StopIteration
        network = self.network(flat)
        try:
            evaluation = self.evaluate(network)
        except NumericalRange:  # a step too far: the line search comes back
            return float("inf"), np.zeros(len(flat))
        if _better(evaluation, self.best[1]):
            self.best = (network, evaluation)
        return float(evaluation.criterion), _flat_gradient(evaluation)

    def product(self, flat: Array, along: Array) -> Array:
        """Return H·V at the given weights; the gradient is known there, so they are in range."""
        if self.evaluations + self.products >= self.most:
            self.reason = LIMIT
            raise StopIteration
        self.products += 1
        if self.latest is None or self.latest[0] != flat.tobytes():
            network = self.network(flat)
            self.latest = (flat.tobytes(), network, self.setting.problem(network))
        _, network, problem = self.latest
        direction = direction_of(self.network(along), network)
        runner = Runner(cost=self.cost)
        if self.cost > SERIAL:
            runner = Runner(cost=self.cost, threads=self.threads, executor=self.executor)
        found = walked_hessian_product(network, problem, direction, runner)
        return _flat(found)

    @np.errstate(all="ignore")  # SciPy's steps too may underflow
    def run(self, method: str, iterations: int, tolerance: float, report: Progress | None) -> Training:
        optimize = _scipy_optimize()
        begin = self.best[0]
        own = (*begin.weights, *(b for b in begin.biases if b is not None))
        steps = 0
        course: list[tuple[float, float]] = []

        def callback(_: Array) -> None:
            nonlocal steps
            steps += 1
            if report is not None:
                report(steps, iterations)
            found = self.best[1]
            course.append((float(found.criterion), float(np.max(np.abs(_flat_gradient(found))))))
            if len(course) > PATIENCE:
                (before, slope), (now, last) = course[-1 - PATIENCE], course[-1]
                if before - now < LEAST * before and last > slope / 2 > tolerance:
                    self.reason = STUCK
                    raise StopIteration

        options: dict[str, Any] = {"maxiter": iterations, "gtol": tolerance}
        if method == "L-BFGS-B":
            options |= {"maxfun": 10**9, "ftol": 0.0, "maxcor": CORRECTIONS}
        try:
            outcome = optimize.minimize(
                self.value_and_gradient,
                np.concatenate([a.ravel() for a in own]),
                jac=True,
                hessp=self.product if method == "trust-ncg" else None,
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
            converged=bool(np.max(np.abs(_flat_gradient(evaluation))) <= tolerance),
            reason=reason,
        )


def _scipy_optimize() -> Any:
    try:
        return importlib.import_module("scipy.optimize")
    except ImportError:
        raise MissingExtra("Training needs SciPy; install it with 'pip install scipy'.") from None


def _better(found: Evaluation, best: Evaluation) -> bool:
    """Return whether the criterion is lower, or the same within the bounds and the gradient smaller."""
    room = found.error_bound + best.error_bound
    if abs(found.criterion - best.criterion) > room:
        return bool(found.criterion < best.criterion)
    return bool(np.max(np.abs(_flat_gradient(found))) < np.max(np.abs(_flat_gradient(best))))


def _flat_gradient(evaluation: Evaluation) -> Array:
    gradient = evaluation.gradient
    if gradient is None:
        raise InvalidInput("Argument 'gradient' must be True for an evaluation that is to be descended.")
    return _flat(gradient)


def _flat(slopes: Gradient | HessianProduct) -> Array:
    parts = (*slopes.weights, *(b for b in slopes.biases if b is not None))
    return np.concatenate([a.ravel() for a in parts])
