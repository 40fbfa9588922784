"""``xd.evaluate`` and ``xd.plan``: one door to the exact, the float64 and the interval engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Examples, Network, drop_rates, exact_rates
from exactdropout.model.arguments import examples_of, network_of
from exactdropout.model.numbers import Kind, Number, show
from exactdropout.numeric.result import Evaluation, Plan
from exactdropout.progress import Progress, reporting

__all__ = ["evaluate", "evaluate_many", "plan"]


def evaluate(
    network: Network,
    data: Examples | Iterable[Any],
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
        max_cost: refuse before starting when the plan costs more elementary steps; see :func:`plan`.
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
    plain = precision is None and hessian_product is None and executor is None and checkpoint is None
    plain = plain and type(gradient) is bool and type(moments) is int and moments == 2
    if plain and progress is None and (threads is None or (type(threads) is int and threads > 0)):
        found = _again(network, data, q, strategy, max_cost, "gradient again" if gradient else "again")
        if found is not None:
            return found
    examples, rates, rates_kind = _checked(network, data, q, label)
    _check_options(gradient, moments, max_cost)
    _check_threads(threads)
    engine = _engine(network, examples) if precision is None else "interval"
    direction = None
    if hessian_product is not None and precision is None:
        from exactdropout.numeric.direction import direction_of

        direction = direction_of(hessian_product, network)
    for value, name in ((executor, "executor"), (checkpoint, "checkpoint")) if engine != "float64" else ():
        if value is not None:
            raise InvalidInput(
                f"Argument {name!r} must be None for the {engine} engine, not {show(value)}; only the float64 engine "
                "works in chunks."
            )
    if precision is not None:
        if hessian_product is not None:
            raise InvalidInput(
                "Argument 'hessian_product' must be None with 'precision'; intervals carry no derivatives."
            )
        if gradient:
            raise InvalidInput("Argument 'gradient' must be False with 'precision'; intervals carry no gradient.")
        from exactdropout.numeric.interval import evaluate_interval
        from exactdropout.symbolic.enclosure import enclose

        with reporting(progress, "examples") as report:
            return evaluate_interval(
                network, examples, rates, enclose,
                precision=precision, moments=moments, max_cost=max_cost, progress=report,
            )  # fmt: skip
    if engine == "exact":
        from exactdropout.numeric.exact.engine import evaluate_exact

        fractions = exact_rates(rates, rates_kind)
        with reporting(progress, "examples") as report:
            return evaluate_exact(
                network, examples, fractions, gradient=gradient, direction=direction, moments=moments,
                strategy=strategy, max_cost=max_cost, progress=report,
            )  # fmt: skip
    fractions = _dyadic_rates(rates, rates_kind)
    with _NOTHING if progress is None else reporting(progress, "masks") as report:
        if plain and not gradient:
            evaluate_if_small, repeatable = _small_problems()
            few = evaluate_if_small(network, examples, fractions, strategy, max_cost, report)
            if few is not None:
                run = repeatable(network, examples, fractions)
                if run is not None and type(q) in _NUMBERS:
                    network.memo["again"] = _Repeatable(examples, q, strategy, max_cost, run)
                return few
        evaluate_float64, repeatable_gradient = _float64_engine()
        found = evaluate_float64(
            network, examples, fractions, gradient=gradient, direction=direction,
            moments=moments, strategy=strategy, threads=threads, executor=executor, checkpoint=checkpoint,
            max_cost=max_cost, progress=report,
        )  # fmt: skip
        if plain and gradient and found.plan.strategy == "walk" and type(q) in _NUMBERS:
            run = repeatable_gradient(network, examples, fractions, found.plan)
            if run is not None:
                network.memo["gradient again"] = _Repeatable(examples, q, strategy, max_cost, run)
        return found


_NOTHING: AbstractContextManager[None] = nullcontext()
_NUMBERS = (str, Fraction, float, int)
_Maker: TypeAlias = Callable[..., Callable[[Network], Evaluation | None] | None]


class _Repeatable(NamedTuple):
    """A network's latest evaluation of few masks: what it was asked with, checked and immutable; how to repeat it."""

    data: Examples
    q: object
    strategy: str | None
    max_cost: float | None
    run: Callable[[Network], Evaluation | None]


def _again(network: Any, data: Any, q: Any, strategy: Any, max_cost: Any, name: str) -> Evaluation | None:
    """Return the evaluation where the very same objects come again, which need not be checked again, else None."""
    latest: _Repeatable | None = network.memo.get(name) if type(network) is Network else None
    if latest is None:
        return None
    known, number, chosen, limit, run = latest
    if data is not known or strategy is not chosen or max_cost is not limit:
        return None
    return run(network) if q is number or (type(q) is type(number) and q == number) else None


@cache
def _small_problems() -> tuple[Callable[..., Evaluation | None], _Maker]:
    """Return what the engine does with few masks; without it a first call need not load the engine's other parts."""
    from exactdropout.numeric.float64.one_call import evaluate_if_small, repeatable

    return evaluate_if_small, repeatable


@cache
def _float64_engine() -> tuple[Callable[..., Evaluation], _Maker]:
    """Return the engine, imported by the first call; an import statement costs a microsecond every time."""
    from exactdropout.numeric.float64.engine import evaluate_float64, repeatable_gradient

    return evaluate_float64, repeatable_gradient


def plan(
    network: Network,
    data: Examples | Iterable[Any],
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


def evaluate_many(
    networks: Iterable[Network],
    data: Examples | Iterable[Any],
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    gradient: bool = False,
    moments: Literal[2, 4] = 2,
    strategy: str | None = None,
    threads: int | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> tuple[Evaluation, ...]:
    """Return the evaluations of many networks of one architecture on the same examples, bit for bit as one by one.

    Examples, probabilities and drop rates are checked and prepared once for all of them. Arguments are those of
    :func:`evaluate`; ``max_cost`` limits each evaluation, and progress counts networks.

    Raises:
        InvalidInput: networks of different architectures or kinds, and what :func:`evaluate` raises.

    >>> lines = [Network([[[w]]]) for w in (1, 2, 3)]
    >>> [str(e.criterion) for e in evaluate_many(lines, Examples.point((1,), 2), "1/2")]
    ['2', '4', '10']
    """
    if isinstance(networks, (Network, str, bytes)) or not isinstance(networks, Iterable):
        raise InvalidInput(f"Argument 'networks' must be a sequence of networks, not {show(networks)}.")
    settings = tuple(networks)
    if not settings:
        return ()
    for place, network in enumerate(settings):
        if not isinstance(network, Network):
            raise InvalidInput(f"Argument 'networks' must hold networks only, not {show(network)} at {place}.")
    examples, rates, rates_kind = _checked(settings[0], data, q, label)
    _check_options(gradient, moments, max_cost)
    _check_threads(threads)
    engine = _engine(settings[0], examples)
    for place, network in enumerate(settings):
        if network.architecture != settings[0].architecture or network.kind != settings[0].kind:
            raise InvalidInput(
                f"Argument 'networks' must hold networks of one architecture and kind, {settings[0]!r} first and not "
                f"{network!r} at {place}."
            )
    fractions = exact_rates(rates, rates_kind) if engine == "exact" else _dyadic_rates(rates, rates_kind)
    results: list[Evaluation] = []
    with reporting(progress, "networks") as report:
        for network in settings:
            if engine == "exact":
                from exactdropout.numeric.exact.engine import evaluate_exact

                result = evaluate_exact(
                    network, examples, fractions, gradient=gradient, moments=moments, strategy=strategy,
                    max_cost=max_cost,
                )  # fmt: skip
            else:
                from exactdropout.numeric.float64.engine import evaluate_float64

                result = evaluate_float64(
                    network, examples, fractions, gradient=gradient, moments=moments, strategy=strategy,
                    threads=threads, max_cost=max_cost,
                )  # fmt: skip
            results.append(result)
            if report is not None:
                report(len(results), len(settings))
    return tuple(results)


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
    number = isinstance(max_cost, (int, float, Fraction)) and not isinstance(max_cost, bool)
    if max_cost is not None and not (number and max_cost > 0):
        raise InvalidInput(f"Argument 'max_cost' must be a positive number of steps or None, not {show(max_cost)}.")


def _check_threads(threads: int | None) -> None:
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise InvalidInput(f"Argument 'threads' must be a positive integer or None, not {show(threads)}.")


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
