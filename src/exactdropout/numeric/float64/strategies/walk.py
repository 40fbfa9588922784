"""The strategy ``walk``: its cost, and the walk leaf by leaf.

Second moments are walked by lanes (:mod:`~exactdropout.numeric.float64.strategies.lanes`). Leaf by leaf go fourth
moments, and networks whose weights times output weights leave the range of float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.quantities import Reference
from exactdropout.numeric.float64.strategies.lanes import fold, lane_cost
from exactdropout.numeric.float64.strategies.walk_layout import MAX_UNITS, MOST_ITEMS, grid, tables
from exactdropout.numeric.float64.strategy import Folded
from exactdropout.numeric.kernels.walk.leaves import Leaves, Place, Tree
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = ["estimate", "fold", "leaf_cost", "refusal", "run"]

STEP_NANOSECONDS = 1.0e8


def refusal(problem: Problem, moments: int) -> str | None:
    """The walk always applies."""
    return None


def moment_count(outputs: int, moments: int) -> int:
    """Return the number of leaf moments: g, g², v, r² for each output, and three more with fourth moments."""
    return 4 * outputs + (3 if moments == 4 else 0)


def leaf_cost(problem: Problem, moments: int) -> float:
    """Return nanoseconds per leaf of the walk that takes them one by one, measured on a 3 GHz x86 core."""
    widths, outputs, size = problem.widths, problem.outputs, moment_count(problem.outputs, moments)
    cost = 20.0 + 3.0 * outputs * widths[-1] + 4.0 * size
    if problem.walked:
        cost += 2.5 * widths[-1]
    if moments == 4:
        cost += 2.0 * outputs * widths[-1] * (1 + outputs)
    return cost


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the leaves (counted or probed) and what they cost: by lanes, or one by one for fourth moments."""
    leaves = float(np.sum(leaves_per_example(problem)))
    each = lane_cost(problem) if moments == 2 else leaf_cost(problem, moments)
    layers = sum(a * b for a, b in zip(problem.widths, problem.widths[1:], strict=False))
    items = min(MOST_ITEMS, leaves)
    memory = 8.0 * (2 * layers + items * moment_count(problem.outputs, moments) + 64 * 64)
    return Estimate(visited=leaves, cost=leaves * each + 2e3 * problem.examples + 1e6, memory=memory)


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Walk all items leaf by leaf, and fold the prefixes of each example."""
    flat = tables(problem)
    starts = np.ascontiguousarray(problem.hidden(problem.first))
    items, chunks, weights = grid(problem, starts, leaf_cost(problem, moments))
    leaves = Leaves(
        output_weights=np.ascontiguousarray(problem.weights[-1]),
        output_bias=np.ascontiguousarray(problem.biases[-1]),
        cumulants=problem.cumulants,
        moments=moments,
        labels=problem.labels,
        pivots=reference.output.value,
        square_pivots=reference.square_pivot,
    )
    payload = {
        "common": (flat.tree, leaves, starts),
        "items": items,
        "size": moment_count(problem.outputs, moments),
        "row_units": flat.row_units,
        "row_total": flat.row_total,
        "budget": int(max(1.0, STEP_NANOSECONDS / leaf_cost(problem, moments))),
    }
    drop, keep = float(problem.drop[problem.first]), float(problem.keep[problem.first])
    work = Work(name="leaves", begin=WalkedItems, payload=payload, chunks=tuple(chunks), weights=tuple(weights))
    return Folded(
        moments=fold(items, np.concatenate(runner.run(work)), problem.examples, drop, keep), levels=problem.levels
    )


class WalkedItems:
    """The walk of one range of items: the moments of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        from exactdropout.numeric.kernels.walk.fourth_moments import walk

        items, size, units = payload["items"][slice(*chunk)], payload["size"], payload["row_units"]
        tree: Tree = payload["common"][0]
        layers, total = len(tree.keep), int(tree.widths.sum())
        self.result: Array = np.empty((len(items), size))
        self._advance: Callable[..., int] = walk
        place = Place(
            state=np.array([0, -1], dtype=np.int64),
            hidden=np.zeros(total),
            scaled=np.zeros(total),
            active=np.zeros(total, dtype=np.int64),
            sources=np.zeros((layers + 1, units + 1), dtype=np.int64),
            counters=np.zeros((layers + 1, 4), dtype=np.int64),
            rows=np.zeros(payload["row_total"]),
            folds=np.zeros((layers + 1, max(units, 2), size)),
        )
        self._arguments: tuple[Any, ...] = (*payload["common"], items, self.result, place, payload["budget"])

    def step(self) -> bool:
        """Walk for one budget of leaves."""
        from exactdropout.numeric.kernels.walk.fourth_moments import DONE, TOO_MANY_UNITS

        outcome = self._advance(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE
