"""``xd.compare``: the referee of approximations, where the exact value is known or enclosed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.comparison.approximations import criterion_of, gradient_of, moments_of, steps_of
from exactdropout.comparison.laws import distance_to_normal, distance_to_sample
from exactdropout.comparison.laws import steps_of as law_steps
from exactdropout.comparison.result import TITLES, Approximation, Comparison, LawDistance
from exactdropout.comparison.sampling import sample
from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.estimation.estimate import EstimateProgress, estimate, worth_planning
from exactdropout.estimation.result import Estimate, certain
from exactdropout.evaluation import Evaluator
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.arguments import beyond, cost_limit, count_of, examples_of, network_of, told_what_is_missing
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.exact.law import OutputLaw, output_law
from exactdropout.numeric.float64.problem import Problem, prepare
from exactdropout.numeric.result import Evaluation
from exactdropout.numeric.sampled.outputs import outputs_of

__all__ = ["compare"]


@told_what_is_missing
def compare(
    network: Network,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    samples: int = 100,
    seed: int = 0,
    gradient: bool = False,
    laws: Sequence[int] = (),
    width: float | Fraction | None = None,
    seconds: float | None = None,
    confidence: float | Fraction | str = "0.999999999",
    max_cost: float | None = None,
    threads: int | None = None,
    progress: EstimateProgress | bool | None = None,
) -> Comparison:
    """Return what approximations of J_D say, and by how much each is wrong, per row and in total.

    The methods, of which each gives a mean and a variance of the output D for every row, and so a criterion
    ‖mean − y‖² + variance (docs/approximations.md derives them):

    - ``"sampling"``: the averages of T sampled masks of all layers, and the unbiased variance;
    - ``"diagonal"``: moment propagation; units count as independent and normal, each with its mean and variance;
    - ``"gaussian"``: pre-activations count as jointly normal with their covariances (fast dropout; for one hidden layer
      the exact value of dropout with Gaussian noise);
    - ``"second-order"``: W(x) and R₂ = Σ_l λ_l Σ_i (∂W/∂h_{l,i})² h_{l,i}², λ = q/p;
    - ``"scaled"``: the network with all units, "weights times p": W(x), variance 0.

    Args:
        network: float64 or exact; approximations are computed in float64 from the nearest floats.
        data: examples in any form that :func:`exactdropout.evaluate` takes.
        q: drop probability in [0, 1), one number or one per layer, inputs first.
        label: for a data frame, its label column or columns.
        methods: which, by the names above; by default all five but those beyond ``max_cost``, which are named in
            ``left_out``.
        samples: T ≥ 2, masks for each row that ``"sampling"`` averages.
        seed: of its generator, 0 to 2⁶⁴ − 1.
        gradient: compare ∂J/∂W and ∂J/∂b too; each method's own gradient costs one evaluation for each weight.
        laws: rows (from 0) whose exact law of the output is compared with each method's law, in Kolmogorov's distance.
        width: beyond enumeration, as in :func:`exactdropout.estimate`.
        seconds: beyond enumeration, as in :func:`exactdropout.estimate`.
        confidence: beyond enumeration, as in :func:`exactdropout.estimate`.
        max_cost: seconds of one core (60) that the exact evaluation, each law and each method may take. Where the
            evaluation would take longer, the truth is the interval of :func:`exactdropout.estimate`, for each row too.
        threads: of the evaluation or estimate.
        progress: True for what ``evaluate`` or ``estimate`` shows, or a callable that takes an Estimate.

    Raises:
        InvalidInput, MixedNumbers: bad arguments.
        CostLimitExceeded: a method asked for by name, or a law, beyond ``max_cost``; a gradient whose exact one is.

    >>> figure_1 = Network(weights=[[[1, 1], [1, 1]], [1, 1]])
    >>> found = compare(figure_1, Examples.point((1, -1), 8), "1/2", methods=["diagonal", "second-order", "scaled"])
    >>> found
    Comparison(criterion 54 exact: diagonal -6.3 %, second-order +18.5 %, scaled +18.5 %)
    >>> found["second-order"].penalty, found.evaluation.penalty         # all units are at their kinks: R2 = 0
    (0.0, Fraction(-10, 1))
    """
    architecture = network_of(network).architecture
    examples = examples_of(data, architecture, label)
    rates, kind = drop_rates(q, architecture)
    names = _methods(methods)
    _check(samples, seed, gradient)
    rows = _rows(laws, len(examples))
    if kind == "symbolic" or network.kind == "symbolic" or examples.kind == "symbolic":
        raise MixedNumbers("Arguments 'network', 'data' and 'q' must hold numbers to be compared, not symbols.")
    problem = prepare(
        network if network.kind == "float64" else network.float64(), examples, tuple(Fraction(r) for r in rates)
    )
    left_out = {n: r for n in names if (r := _refusal(n, problem, samples, gradient, cost_limit(max_cost)))}
    if left_out and methods is not None:
        raise CostLimitExceeded(next(iter(left_out.values())))
    exact = _exact(network, examples, q, gradient=gradient, max_cost=max_cost, threads=threads, progress=progress)
    truth: Estimate
    if exact is None:
        truth = estimate(
            network, examples, q, width=width, seconds=seconds, confidence=confidence, seed=seed, rows=True, max_cost=0,
            threads=threads, progress=progress,
        )  # fmt: skip
    else:
        truth = certain(exact)
    found = tuple(_approximation(n, problem, samples, seed, gradient=gradient) for n in names if n not in left_out)
    fourth = exact is not None and exact.per_example.squared_error_variance is not None
    distances: list[LawDistance] = []
    for row in rows:
        distances += _distances(network, examples, q, row, problem, found, seed, samples, max_cost)
    return Comparison(
        truth=truth, approximations=found, samples=samples, seed=seed,
        sampling_error=exact.standard_error(samples) if exact is not None and fourth else None, laws=tuple(distances),
        left_out=left_out,
    )  # fmt: skip


def _approximation(name: str, problem: Problem, samples: int, seed: int, *, gradient: bool) -> Approximation:
    slopes: tuple[list[Array], list[Array]] | None = None
    if name == "sampling":
        drawn = sample(problem, samples, seed, gradient=gradient)
        mean, variance, criterion = drawn.mean, drawn.variance, drawn.criterion
        if drawn.weights is not None and drawn.biases is not None:
            slopes = drawn.weights, drawn.biases
    else:
        mean, variance = moments_of(name, problem)
        criterion = criterion_of(mean, variance, problem)
        if gradient:
            slopes = gradient_of(name, problem)
    chances, labels = problem.chances, problem.labels
    own, _ = moments_of("scaled", problem)
    risk, spread = float(chances @ ((own - labels) ** 2).sum(axis=1)), float(chances @ variance.sum(axis=1))
    bias = float(chances @ ((mean - own) * (mean + own - 2 * labels)).sum(axis=1))
    total, penalty = float(chances @ criterion), spread + bias
    if name == "sampling":  # its criterion is an average of its own
        penalty = total - risk
        bias = penalty - spread
    return Approximation(
        name=name, title=TITLES[name].format(samples=f"{samples:,}"), criterion=total, risk=risk, penalty=penalty,
        variance=spread, bias=bias, mean=tuple((chances @ mean).tolist()), row_mean=mean, row_variance=variance,
        row_criterion=criterion, weights=None if slopes is None else tuple(slopes[0]),
        biases=None if slopes is None else tuple(slopes[1]),
    )  # fmt: skip


def _exact(
    network: Network,
    examples: Examples,
    q: object,
    *,
    gradient: bool,
    max_cost: float | None,
    threads: Any,
    progress: Any,
) -> Evaluation | None:
    """Return the exact evaluation, with fourth moments where they are affordable, or None beyond ``max_cost``.

    Raises:
        CostLimitExceeded: with ``gradient``, for which there is no interval.
    """
    if not gradient and not worth_planning(network, examples, q, cost_limit(max_cost)):
        return None
    for moments in (4, 2):
        evaluator = Evaluator(
            network.architecture, examples, q, gradient=gradient, moments=4 if moments == 4 else 2, max_cost=max_cost,
            threads=threads if network.kind == "float64" else None, progress=True if progress is True else None,
        )  # fmt: skip
        found = evaluator.attempt(network)
        if found is not None:
            return found
    return evaluator(network) if gradient else None  # refused, in words


def _distances(
    network: Network,
    examples: Examples,
    q: object,
    row: int,
    problem: Problem,
    found: Sequence[Approximation],
    seed: int,
    samples: int,
    max_cost: float | None,
) -> list[LawDistance]:
    exact = network if network.kind == "exact" else network.exact()
    rates, _ = drop_rates(q, network.architecture)
    law: OutputLaw = output_law(
        exact, examples.exact().inputs[row].tolist(), [Fraction(r) for r in rates], max_cost=max_cost
    )
    random = np.random.Generator(np.random.Philox(key=np.array([seed, 1 + row], np.uint64)))
    drawn = outputs_of(problem, row, samples, random) if any(m.name == "sampling" for m in found) else None
    result = []
    for output in range(problem.outputs):
        steps = law_steps(law, output)
        for method in found:
            if method.name == "sampling" and drawn is not None:
                away = distance_to_sample(steps, drawn[:, output])
            else:
                mean, variance = float(method.row_mean[row, output]), float(method.row_variance[row, output])
                away = distance_to_normal(steps, mean, variance)
            result.append(LawDistance(name=method.name, row=row, output=output, distance=away))
    return result


def _refusal(name: str, problem: Problem, samples: int, gradient: bool, limit: float) -> str:
    """Return why a method costs too much, or nothing."""
    widths = (*problem.widths, problem.outputs)
    weights = sum(w.size + w.shape[0] for w in problem.weights)
    if name == "sampling":
        seconds = samples * problem.examples * (1.5e-10 * weights * (1 + 2 * gradient) + 1e-8 * sum(widths))
    else:
        seconds = 1e-9 * steps_of(name, widths, problem.examples) * (1 + 4 * weights * gradient)
    if seconds <= limit:
        return ""
    less = "lower samples" if name == "sampling" else f"leave {name!r} out of methods"
    less += ", leave gradient out" if gradient else ""
    return beyond(seconds, limit, f"the method {name!r}", f"{less}, or raise max_cost")


def _methods(methods: Any) -> tuple[str, ...]:
    if methods is None:
        return tuple(TITLES)
    known = ", ".join(repr(name) for name in TITLES)
    if isinstance(methods, str) or not isinstance(methods, Iterable):
        raise InvalidInput(f"Argument 'methods' must be a list of names from {known}, not {show(methods)}.")
    names = list(methods)
    for name in names:
        if name not in TITLES:
            raise InvalidInput(f"Argument 'methods' must hold names from {known}, not {show(name)}.")
    return tuple(name for name in TITLES if name in names)


def _check(samples: object, seed: object, gradient: object) -> None:
    if (count_of(samples, "samples", "") or 0) < 2:
        raise InvalidInput("Argument 'samples' must be at least 2: one sampled mask has no variance.")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise InvalidInput(f"Argument 'seed' must be an integer from 0 to 2^64 - 1, not {show(seed)}.")
    if not isinstance(gradient, bool):
        raise InvalidInput(f"Argument 'gradient' must be True or False, not {show(gradient)}.")


def _rows(laws: Any, count: int) -> tuple[int, ...]:
    if isinstance(laws, (str, bytes)) or not isinstance(laws, Iterable):
        raise InvalidInput(f"Argument 'laws' must be a list of rows from 0 to {count - 1}, not {show(laws)}.")
    rows = list(laws)
    for row in rows:
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not 0 <= row < count:
            raise InvalidInput(f"Argument 'laws' must hold rows from 0 to {count - 1}, not {show(row)}.")
    return tuple(int(row) for row in rows)
