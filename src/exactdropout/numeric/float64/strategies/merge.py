"""The strategy ``merge`` for float64: numbers that are small multiples of powers of two are evaluated as integers.

Such a network denotes an exact one with few states (:mod:`.exact_merge`), and so does a network of any floats most of
whose input columns are equal (:mod:`.exact_states`). Its moments come out as fractions and are rounded once, so each of
them is the float nearest to its exact value, and the error of that rounding is its bound.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded, NumericalRange
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import integer_rows
from exactdropout.numeric.exact.strategies import merge as exact_merge
from exactdropout.numeric.exact.strategies import states as exact_states
from exactdropout.numeric.exact.strategy import ExactProblem, OutputMoments, StateLimitReached, ratios
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.float64.strategy import Folded
from exactdropout.numeric.runs.runner import Runner

__all__ = ["estimate", "refusal", "run"]

SMALL_BITS = 24
"""Entries of one array are multiples of one power of two, below 2^24 times it."""

STATE_BITS = 14
"""Networks of any floats are merged where equal input columns leave at most 2^14 states, and half the mask bits."""

MOST_ENTRIES = 1 << 16
"""Larger networks are not turned into integers to find out what merging would cost."""


def refusal(problem: Problem, moments: int) -> str | None:
    """The states must be few: small multiples of a power of two that fit into int64, or many equal input columns."""
    if moments == 4:
        return "it computes second moments only"
    many = "its numbers are no small multiples of a power of two, and its input columns differ"
    if problem.weights[0].size and _bits(problem.weights[0].flat[0]) > SMALL_BITS and not _columns_repeat(problem):
        return many  # most networks, told from one number
    arrays = (*problem.weights, *problem.biases, problem.inputs, problem.labels)
    if sum(a.size for a in arrays) > MOST_ENTRIES:
        return "it is too large to look for equal states"
    if problem.input_errors.any() or problem.label_errors.any() or any(problem.slope_errors):
        return "its data are no floats, and were rounded"
    small = all(_small(a) for a in arrays)
    if small and (reason := exact_merge.refusal(exact_problem_of(problem))) is None:
        return None
    if _columns_repeat(problem):
        return None
    return reason if small else many


def _columns_repeat(problem: Problem) -> bool:
    """Return whether there is one walked layer, and counts of kept inputs of each kind are few for every example."""
    if len(problem.weights) != 2:
        return False
    for x in problem.inputs:
        counts: dict[tuple[float, bytes], int] = {}
        for value, column in zip(x.tolist(), problem.weights[0].T, strict=True):
            if value:
                key = (value, column.tobytes())
                counts[key] = counts.get(key, 0) + 1
                if len(counts) > STATE_BITS:
                    return False
        if sum(math.log2(n + 1) for n in counts.values()) > min(STATE_BITS, len(x) / 2):
            return False
    return True


def _engine(problem: Problem) -> Any:
    """Return the exact strategy that runs: ``merge`` where int64 holds it, else ``states``."""
    return exact_states if exact_merge.refusal(exact_problem_of(problem)) else exact_merge


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the expected cost of merging."""
    del moments
    found = _engine(problem).estimate(exact_problem_of(problem))
    return Estimate(visited=found.visited, cost=found.cost + 1e5 * problem.examples, memory=found.memory)


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Evaluate every distinct input vector exactly and round."""
    del moments
    exact, engine = exact_problem_of(problem), _engine(problem)
    values, errors = [], []
    done: dict[int, OutputMoments] = {}
    total = len(exact.index_of)
    for e in range(problem.examples):
        place = exact.index_of[ratios(exact.inputs[e])]
        if place not in done:
            done[place] = _run_one(engine, exact, place, runner, len(done), total)
        rows = [
            _rounded(done[place], o, float(reference.output.value[e, o]), float(problem.labels[e, o]))
            for o in range(problem.outputs)
        ]
        values.append([v for row in rows for v, _ in row])
        errors.append([b for row in rows for _, b in row])
    return Folded(moments=np.array(values), levels=0, errors=np.array(errors))


def _run_one(engine: Any, exact: ExactProblem, place: int, runner: Runner, number: int, total: int) -> OutputMoments:
    def tick(share: float) -> None:
        if runner.progress is not None:
            runner.progress(number * 1000 + min(999, int(share * 1000)), total * 1000)

    try:
        found: OutputMoments = engine.run(exact, exact.examples[place], (), tick)
    except StateLimitReached as reached:
        raise CostLimitExceeded(
            f"Argument 'strategy' must be another one: {reached}, more than memory holds and more than was expected."
        ) from None
    if runner.progress is not None:
        runner.progress((number + 1) * 1000, total * 1000)
    return found


def exact_problem_of(problem: Problem) -> ExactProblem:
    """Return the exact problem that the floats denote, made once."""
    if "exact problem" not in problem.memo:
        problem.memo["exact problem"] = ExactProblem(
            layers=tuple(
                integer_rows(w.tolist(), b.tolist()) for w, b in zip(problem.weights, problem.biases, strict=True)
            ),
            slopes=tuple(Fraction(s) for s in problem.slopes),
            rates=problem.rates,
            inputs=tuple(map(tuple, problem.inputs.tolist())),
            moments=2,
            mask_bits=sum(problem.widths),
        )
    found: ExactProblem = problem.memo["exact problem"]
    return found


def _bits(value: float) -> int:
    top, _ = float(value).as_integer_ratio()
    return (top // (top & -top)).bit_length() if top else 0


def _small(array: Array) -> bool:
    """Return whether all entries are multiples of one power of two, below 2^SMALL_BITS times it."""
    nonzero = array[array != 0]
    if not nonzero.size:
        return True
    fractions, exponents = np.frexp(nonzero)
    whole = np.abs(fractions * 2.0**53).astype(np.int64)
    lowest = exponents - 53 + np.round(np.log2((whole & -whole).astype(np.float64))).astype(np.int64)
    return bool(exponents.max() - lowest.min() <= SMALL_BITS)


def _rounded(found: OutputMoments, output: int, pivot: float, label: float) -> list[tuple[float, float]]:
    """Return E g, E g², v, E r² with g = D̄ − pivot, r = D̄ − label, each the nearest float, with its error."""
    first, second, noise = found.first[output], found.second[output], found.noise[output]
    shift, target = Fraction(pivot), Fraction(label)
    exact: list[Any] = [
        first - shift,
        second - 2 * shift * first + shift * shift,
        noise,
        second - 2 * target * first + target * target,
    ]
    try:
        return [_nearest(value) for value in exact]
    except OverflowError:
        raise NumericalRange(
            "Argument 'network' leads beyond the range of float64; exact evaluation remains possible: pass "
            "network.exact() and data.exact()."
        ) from None


def _nearest(value: Fraction) -> tuple[float, float]:
    nearest = float(value)
    lost = abs(Fraction(nearest) - value)
    return nearest, math.nextafter(float(lost), math.inf) if lost else 0.0
