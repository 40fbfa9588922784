"""``xd.evaluate``, ``xd.evaluator`` and ``xd.plan``: one door to the exact, the float64 and the interval engine.

Everything is checked here, once; an engine gets what it can compute.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, Network, drop_rates, exact_rates
from exactdropout.model.arguments import (
    architecture_of,
    cost_limit,
    count_of,
    examples_of,
    network_of,
    told_what_is_missing,
)
from exactdropout.model.numbers import Kind, Number, show
from exactdropout.numeric.over_q import OverQ, rate_grid
from exactdropout.numeric.result import Evaluation, Plan
from exactdropout.numeric.rows import Evaluations, stacked
from exactdropout.numeric.stack import stack_of
from exactdropout.progress import Progress, reporting

if TYPE_CHECKING:
    from exactdropout.numeric.float64.engine import Prepared

__all__ = ["Evaluations", "Evaluator", "OverQ", "evaluate", "evaluator", "over_q", "plan"]


@told_what_is_missing
def evaluate(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    precision: int | None = None,
    gradient: bool = False,
    hessian_product: Any = None,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Evaluation:
    """Return dropout criterion, risk and penalty of a network on a finite example distribution.

    J_D(W) = E_P E_R ‖D(W, x, R) − y‖², R_P(W) = E_P ‖W(x) − y‖², penalty = J_D − R_P (Helmbold and Long 2017).

    Args:
        network: exact, float64, or (with ``precision``) SymPy numbers.
        data: :class:`Examples`, or one of the forms that it takes: a list of ``(x, y)`` or ``(x, y, probability)``,
            arrays ``(X, y)``, a data frame with ``label``; or text such as ``"half(1, 1)"``.
        q: drop probability in [0, 1), one number or one per layer, inputs first; it has no default here
            (:func:`exactdropout.model.drop_rates`).
        label: for a data frame, its label column, or a list of several.
        precision: evaluate in intervals to this many decimal digits (1 to 10 000), for irrational weights.
        gradient: add ∂J_D/∂W for every weight and bias; relu′(0) = 0 at a kink.
        hessian_product: a direction V, as a Network of the same architecture, a gradient or a pair (weights, biases):
            add H·V, the derivative of the gradient along V; see :class:`~exactdropout.numeric.result.HessianProduct`.
        moments: 4 adds Var_R ‖D − y‖² per example, from which the standard error of sampling follows.
        strategy: name a strategy instead of letting the planner choose (docs: exact strategies; error bounds).
        threads: threads of the float64 engine (results have the same bits for any number).
        executor: any ``concurrent.futures.Executor`` that does the work instead, such as a ``ProcessPoolExecutor`` or
            the ``client.get_executor()`` of a Dask cluster; the bits are the same.
        checkpoint: path of a journal of the finished chunks of this evaluation. A run that was killed goes on from it,
            with the same bits; one that was complete is read from it. It belongs to this network, data, q, options and
            version, and is refused for others.
        max_cost: refuse before starting what is estimated to take more seconds of one core, 60 where it is left out;
            the estimate is ``plan(...).seconds``. ``float("inf")`` never refuses.
        progress: True for a bar on standard error, or ``progress(done, total)``.

    Exact in, exact out: an exact network gives Fractions, a float64 network gives floats with ``error_bounds`` that
    provably contain the exact values, ``precision`` gives mpmath numbers with such bounds.

    Raises:
        InvalidInput, MixedNumbers: bad arguments, floats in an exact computation.
        CostLimitExceeded: the plan exceeds ``max_cost`` or memory; nothing was started.
        NumericalRange: a float64 computation overflowed.
        ExecutorFailed: a worker of ``executor`` died, or it cannot take the work.
        UnreadableFile: ``checkpoint`` is damaged, or belongs to another evaluation; the message says which.

    >>> figure_1 = Network(weights=[[[1, 1], [1, 1]], [1, 1]])
    >>> evaluate(figure_1, Examples.point((1, -1), 8), "1/2")
    Evaluation(criterion=54, risk=64, penalty=-10, exact)
    """
    prepared = Evaluator(
        network_of(network).architecture, data, q, label=label, precision=precision, gradient=gradient,
        moments=moments, strategy=strategy, threads=threads, executor=executor, max_cost=max_cost, progress=progress,
    )  # fmt: skip
    return prepared(network, hessian_product=hessian_product, checkpoint=checkpoint)


@told_what_is_missing
def evaluator(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    precision: int | None = None,
    gradient: bool = False,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Evaluator:
    """Return what evaluates many networks of one architecture on the same examples: checked and prepared once.

    ``evaluator(architecture, data, q)(network)`` is ``evaluate(network, data, q)``, bit for bit, without preparation.
    :meth:`Evaluator.stack` takes a whole stack of networks, arrays with a leading axis, in one call. Arguments are
    those of :func:`evaluate`; the architecture may be text such as ``"2-3-1 relu, no biases"``, or a network of it.

    >>> lines = evaluator("1-1, no biases", Examples.point((1,), 2), "1/2")
    >>> [str(lines(Network([[[w]]])).criterion) for w in (1, 2, 3)]
    ['2', '4', '10']
    >>> lines.stack([[[[1.0]], [[2.0]], [[3.0]]]]).criterion
    array([ 2.,  4., 10.])
    """
    return Evaluator(
        architecture_of(architecture), data, q, label=label, precision=precision, gradient=gradient, moments=moments,
        strategy=strategy, threads=threads, executor=executor, max_cost=max_cost, progress=progress,
    )  # fmt: skip


class Evaluator:
    """An architecture, examples and drop probabilities, ready for networks; made by :func:`evaluator`.

    It depends on no network that it was called with, and may be called from several threads.
    """

    def __init__(
        self,
        architecture: Architecture,
        data: Examples | Iterable[Any] | str,
        q: object,
        *,
        label: str | Sequence[str] | None = None,
        precision: int | None = None,
        gradient: bool = False,
        moments: Literal[2, 4] = 2,
        strategy: str | None = None,
        threads: int | None = None,
        executor: Executor | None = None,
        max_cost: float | None = None,
        progress: Progress | bool | None = None,
    ) -> None:
        """Check everything that depends on no network; the float64 engine prepares itself for its first network."""
        self._architecture = architecture
        self._examples = examples_of(data, architecture, label)
        self._rates, self._rates_kind = drop_rates(q, architecture)
        _check_options(gradient, moments, max_cost)
        count_of(threads, "threads")
        if precision is not None and gradient:
            raise InvalidInput("Argument 'gradient' must be False with 'precision'; intervals carry no gradient.")
        self._precision, self._gradient, self._moments, self._strategy = precision, gradient, moments, strategy
        self._threads, self._executor, self._max_cost, self._progress = threads, executor, max_cost, progress
        self._float64: Prepared | None = None

    def __call__(
        self,
        network: Network,
        *,
        hessian_product: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Evaluation:
        """Return the evaluation of a network of this architecture, as :func:`evaluate` does."""
        derivatives = self._gradient or hessian_product is not None
        try:
            return self._evaluated(network, hessian_product, checkpoint)
        except CostLimitExceeded as refused:
            raise CostLimitExceeded(self._instead(str(refused), network, derivatives)) from None

    def attempt(self, network: Network) -> Evaluation | None:
        """Return the evaluation, or None where it is refused, without looking for what would answer."""
        try:
            return self._evaluated(network, None, None)
        except CostLimitExceeded:
            return None

    def _instead(self, refusal: str, network: Network, derivatives: bool) -> str:
        """Return the refusal, and what would answer."""
        if self._precision is not None or self._rates_kind == "symbolic":
            return refusal
        from exactdropout.numeric.instead import instead

        clauses = instead(
            network, self._examples, [Fraction(rate) for rate in self._rates], limit=cost_limit(self._max_cost),
            moments=self._moments, derivatives=derivatives, strategy=self._strategy,
        )  # fmt: skip
        return f"{refusal.removesuffix('.')}{clauses}."

    def _evaluated(
        self, network: Network, hessian_product: Any, checkpoint: str | os.PathLike[str] | None
    ) -> Evaluation:
        own = network_of(network).architecture
        if (own.widths, own.activations) != (self._architecture.widths, self._architecture.activations):
            raise InvalidInput(f"Argument 'network' must be of the architecture {self._architecture}, not {own}.")
        precision = self._precision
        engine = _engine(network, self._examples) if precision is None else "interval"
        if engine != "float64":
            self._refuse_chunks(engine, checkpoint)
        direction = None
        if hessian_product is not None:
            if self._precision is not None:
                raise InvalidInput(
                    "Argument 'hessian_product' must be None with 'precision'; intervals carry no derivatives."
                )
            from exactdropout.numeric.direction import direction_of

            direction = direction_of(hessian_product, network)
        with _NOTHING if self._progress is None else reporting(self._progress, _COUNTED[engine]) as report:
            if engine == "float64":
                return self._prepared().evaluate(
                    network, direction=direction, threads=self._threads, executor=self._executor,
                    checkpoint=checkpoint, progress=report,
                )  # fmt: skip
            if precision is None:
                from exactdropout.numeric.exact.engine import evaluate_exact

                return evaluate_exact(
                    network, self._examples, exact_rates(self._rates, self._rates_kind), gradient=self._gradient,
                    direction=direction, moments=self._moments, strategy=self._strategy, max_cost=self._max_cost,
                    progress=report,
                )  # fmt: skip
            from exactdropout.numeric.interval import evaluate_interval
            from exactdropout.symbolic.enclosure import enclose

            return evaluate_interval(
                network, self._examples, self._rates, enclose,
                precision=precision, moments=self._moments, max_cost=self._max_cost, progress=report,
            )  # fmt: skip

    def stack(self, weights: Sequence[Any], biases: Sequence[Any] | None = None) -> Evaluations:
        """Return the evaluations of n networks in one call, bit for bit as one by one.

        Args:
            weights: one array for each layer, of shape (n, width of the layer, width below); (n, width below) will do
                for the last where there is one output.
            biases: one array for each layer, of shape (n, width of the layer), None where it has none.

        Floats are evaluated in float64. Stacks of other numbers, of problems with many masks, and with derivatives are
        evaluated network by network.

        Raises:
            InvalidInput: shapes that do not fit the architecture; and what a call raises.
        """
        matrices, vectors = stack_of(self._architecture, weights, biases)
        n = len(matrices[0])
        floats = all(a.dtype == np.float64 for a in (*matrices, *vectors) if a is not None)
        if floats and self._precision is None:
            given = [
                np.zeros((n, below)) if v is None else v
                for v, below in zip(vectors, self._architecture.widths[1:], strict=True)
            ]
            values = np.concatenate([a.reshape(n, -1) for a in (*matrices, *given)], axis=1)
            if not np.isfinite(values).all():
                raise InvalidInput("Argument 'weights' must hold finite numbers, and so must 'biases'; one is not.")
            with _NOTHING if self._progress is None else reporting(self._progress, "networks") as report:
                found = self._prepared().stack(values, report)
            if found is not None:
                return found
        some = any(v is not None for v in vectors)
        one_by_one = []
        quiet = copy(self)
        quiet._progress = None
        with _NOTHING if self._progress is None else reporting(self._progress, "networks") as report:
            for k in range(n):
                own = [None if v is None else v[k] for v in vectors] if some else None
                network = Network([m[k] for m in matrices], own, activation=self._architecture.activations)
                one_by_one.append(quiet(network))
                if report is not None:
                    report(k + 1, n)
        return stacked(tuple(one_by_one))

    def __repr__(self) -> str:
        """Return a short description."""
        rates = ", ".join(str(rate) for rate in dict.fromkeys(self._rates))
        many = f"{len(self._examples)} example{'s' if len(self._examples) != 1 else ''}"
        return f"<Evaluator of {self._architecture} on {many}, q = {rates}>"

    def _prepared(self) -> Prepared:
        """Return the float64 engine, prepared by the first network that needs it."""
        if self._float64 is None:
            self._float64 = _float64_engine()(
                self._architecture, self._examples, _dyadic_rates(self._rates, self._rates_kind),
                gradient=self._gradient, moments=self._moments, strategy=self._strategy, max_cost=self._max_cost,
            )  # fmt: skip
        return self._float64

    def _refuse_chunks(self, engine: str, checkpoint: Any) -> None:
        for value, name in ((self._executor, "executor"), (checkpoint, "checkpoint")):
            if value is not None:
                raise InvalidInput(
                    f"Argument {name!r} is for the float64 engine, which alone works in chunks; leave it out for the "
                    f"{engine} engine."
                )


_NOTHING: AbstractContextManager[None] = nullcontext()
_COUNTED = {"float64": "masks", "exact": "examples", "interval": "examples"}


@cache
def _float64_engine() -> type[Prepared]:
    """Return the engine, imported by the first call; an import statement costs a microsecond every time."""
    from exactdropout.numeric.float64.engine import Prepared

    return Prepared


@told_what_is_missing
def plan(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    precision: int | None = None,
    gradient: bool = False,
    hessian_product: Any = None,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    max_cost: float | None = None,
) -> Plan:
    """Return how :func:`evaluate` would compute this, and what it costs, without computing it.

    Deterministic: from shapes and values alone. ``print(plan(...))`` shows strategy, masks, visits, cost, memory
    and the reason against the runners-up. Arguments are those of :func:`evaluate`; ``gradient=True`` and a direction
    ``hessian_product`` add what they cost, whatever the direction is.

    >>> figure_1 = Network(weights=[[[1, 1], [1, 1]], [1, 1]])
    >>> plan(figure_1, Examples.point((1, -1), 8), "1/2").mask_bits
    4
    """
    examples, rates, rates_kind = _checked(network, data, q, label)
    _check_options(gradient, moments, max_cost)
    limit = float("inf") if max_cost is None else max_cost
    hessian = hessian_product is not None
    if hessian:
        from exactdropout.numeric.direction import direction_of

        direction_of(hessian_product, network)
    if precision is not None:
        from exactdropout.numeric.interval import plan_interval

        return plan_interval(network, examples, rates, max_cost=limit)
    if _engine(network, examples) == "exact":
        from exactdropout.numeric.exact.plan import plan_exact

        fractions = exact_rates(rates, rates_kind)
        return plan_exact(
            network, examples, fractions, gradient=gradient, hessian=hessian, moments=moments, strategy=strategy,
            max_cost=limit,
        )  # fmt: skip
    from exactdropout.numeric.float64.plan import plan_float64

    return plan_float64(
        network, examples, _dyadic_rates(rates, rates_kind),
        gradient=gradient, hessian=hessian, moments=moments, strategy=strategy, max_cost=limit,
    )  # fmt: skip


@told_what_is_missing
def over_q(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: Sequence[object] | str = "0:19/20:20",
    *,
    label: str | Sequence[str] | None = None,
    precision: int | None = None,
    strategy: str | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> OverQ:
    """Return the evaluations of a network over several drop probabilities, with a table and a picture.

    Args:
        network, data, label, precision, strategy, threads, executor: as in :func:`evaluate`.
        q: drop probabilities, each the same for all layers, or ``"START:STOP:COUNT"``, both ends included; every
            twentieth of 1 where it is left out.
        max_cost: for each evaluation.
        progress: True for a bar, or ``progress(done, total)`` of the evaluations.

    Each entry is what :func:`evaluate` returns for its q, with the same exactness. Cost: that of its evaluations.

    Raises:
        InvalidInput: no q, or one that is no rational number in [0, 1); whatever :func:`evaluate` raises.

    >>> figure_1 = Network(weights=[[[1, 1], [1, 1]], [1, 1]])
    >>> curve = over_q(figure_1, Examples.point((1, -1), 8), ["1/4", "1/2", "3/4"])
    >>> [str(penalty) for penalty in curve.penalty]
    ['-58/9', '-10', '6']
    """
    given = q if isinstance(q, str) else [*q] if isinstance(q, Iterable) else q
    rates = rate_grid(given)
    found = []
    with reporting(progress, "evaluations") as tell:
        # numbers go on as they came: a float beside fractions is refused as everywhere
        for done, (rate, came) in enumerate(zip(rates, rates if isinstance(given, str) else given, strict=True), 1):
            one = evaluate(
                network, data, came if isinstance(came, float) else rate, label=label, precision=precision,
                strategy=strategy, threads=threads, executor=executor, max_cost=max_cost,
            )  # fmt: skip
            found.append(one)
            if tell is not None:
                tell(done, len(rates))
    return OverQ(rates=rates, evaluations=tuple(found))


def _checked(
    network: Network, data: Any, q: object, label: str | Sequence[str] | None
) -> tuple[Examples, tuple[Number, ...], Kind]:
    architecture = network_of(network).architecture
    examples = examples_of(data, architecture, label)
    rates, kind = drop_rates(q, architecture)
    return examples, rates, kind


def _check_options(gradient: bool, moments: int, max_cost: float | None) -> None:
    if not isinstance(gradient, bool):
        raise InvalidInput(f"Argument 'gradient' must be True or False, not {show(gradient)}.")
    if isinstance(moments, bool) or moments not in (2, 4):
        raise InvalidInput(f"Argument 'moments' must be 2 or 4, not {show(moments)}.")
    cost_limit(max_cost)


def _engine(network: Network, data: Examples) -> Literal["exact", "float64"]:
    for kind, name in ((network.kind, "network"), (data.kind, "data")):
        if kind == "symbolic":
            raise MixedNumbers(
                f"Argument {name!r} is symbolic; pass precision=50 to evaluate irrational numbers, or use derive."
            )
    if network.kind == "float64":
        return "float64"
    if data.kind == "float64":
        raise MixedNumbers(
            "Argument 'data' holds floats but the network is exact; use data.exact() for the exact value of each "
            "float, or network.float64() to compute in floats."
        )
    return "exact"


def _dyadic_rates(rates: tuple[Number, ...], kind: Kind) -> tuple[Fraction, ...]:
    if kind == "exact":
        return rates
    if kind == "symbolic":
        raise MixedNumbers(f"Argument 'q' must be a number here, not {show(rates[0])}; use derive for a symbolic q.")
    return tuple(Fraction(r) for r in rates)
