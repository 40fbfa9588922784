"""Begin, walk, finish: the forward evaluation of float64 networks by the kernels, in one go or in chunks.

:func:`begun` makes the tables of one network or of a stack of networks, :func:`walked_at_once` or
:func:`walked_in_chunks` takes the expectations over the masks, and :func:`finished` makes quantities, bounds and sums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.packed import LANES, MAX_UNITS, MOST_ROWS, Packed, room
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.float64.strategies.walk_layout import grid
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = [
    "Begun",
    "WalkedLanes",
    "begun",
    "decided_cost",
    "finished",
    "lane_cost",
    "walked_at_once",
    "walked_in_chunks",
]

STEP_NANOSECONDS = 1.0e8
ALL = 1 << 62


class Begun(NamedTuple):
    """What the walk reads of networks: a row each of values, tables and groups, and a record for each example."""

    values: Array
    tables: Array
    groups: Array
    about: Array

    @property
    def in_range(self) -> bool:
        """Whether the scaled weights of all networks stayed in the range of float64."""
        return bool(self.groups[:, -1].all())


def begun(packed: Packed, values: Array) -> Begun:
    """Return what the walk reads of the networks whose weights are the rows of ``values``."""
    n = len(values)
    tables, groups, record = packed.sizes.networks
    made = Begun(
        values,
        room(n * tables).reshape(n, tables),
        np.empty((n, groups), dtype=np.int64),
        np.empty((n, packed.sizes.examples, record)),
    )
    _kernels()[0](packed.plan, packed.numbers, *made, np.empty(packed.sizes.work))
    return made


def walked_at_once(packed: Packed, made: Begun, items: Array) -> Array:
    """Return E g, E g², E Σ (w_oj h_j)² of every network and example: of the items in one call of the kernel."""
    results = np.empty((len(items), LANES * packed.sizes.outputs))
    if packed.sizes.walked:
        running = WalkedLanes(_payload(packed, made, items, ALL), (0, len(items)), results)
        running.step()
    return results


def walked_in_chunks(packed: Packed, made: Begun, problem: Problem, runner: Runner) -> Array:
    """Return the same of one network, in a grid of chunks that is a function of the problem alone."""
    if not packed.sizes.walked:
        return np.empty((problem.examples, LANES * packed.sizes.outputs))
    starts = np.ascontiguousarray(problem.hidden(problem.first))
    cost = lane_cost(problem)
    places, chunks, weights = grid(problem, starts, cost)
    items = np.concatenate([np.zeros((len(places), 1), dtype=np.int64), places], axis=1)
    payload = _payload(packed, made, items, int(max(1.0, STEP_NANOSECONDS / cost)))
    work = Work(name="walk", begin=WalkedLanes, payload=payload, chunks=tuple(chunks), weights=tuple(weights))
    found = runner.run(work)
    results = found[0] if len(found) == 1 else np.concatenate(found)
    drop, keep = problem.drop[problem.first], problem.keep[problem.first]
    return fold(places, results, problem.examples, float(drop), float(keep))


def finished(packed: Packed, made: Begun, results: Array) -> Array:
    """Return a row of quantities, bounds and sums for each network; see :func:`~.kernels.walk.finish.finish`."""
    n = len(made.values)
    result = np.empty((n, packed.sizes.result))
    folded = results.reshape(n, packed.sizes.examples, LANES * packed.sizes.outputs)
    _kernels()[2](packed.plan, packed.numbers, made.values, made.about, folded, result)
    return result


def lane_cost(problem: Problem) -> float:
    """Return nanoseconds per mask of the walk by lanes, measured on a 3 GHz x86 core.

    Blocks of up to 2⁹ masks have each the cost of opening them; in a deeper layer about half the units are active.
    Where one layer is walked with relu, most units are decided in most blocks.
    """
    walked = list(problem.walked)
    if not walked:
        return 10.0
    above, rows = problem.widths[walked[-1]], 4.0 * -(-problem.widths[-1] // 4) * problem.outputs
    if len(walked) == 1 and problem.slopes[walked[0]] == 0.0 and rows <= MOST_ROWS:
        return decided_cost(problem.outputs, rows)
    bits = min(9.0, above if len(walked) == 1 else above / 2)
    return float(0.02 * problem.outputs + 0.12 * rows + (60.0 + 4.0 * above + 2.0 * rows) / 2.0**bits)


def decided_cost(outputs: int, rows: float) -> float:
    """Return nanoseconds per mask where units are decided over blocks of masks, for so many rows of units."""
    return 0.15 * outputs + 0.05 * rows


def fold(items: Array, results: Array, examples: int, drop: float, keep: float) -> Array:
    """Return one row per example: the prefixes of items (example, bits, prefix), folded as the kernel folds units."""
    if len(items) == examples:
        return results
    folded = np.empty((examples, results.shape[1]))
    position = 0
    while position < len(items):
        example, bits = int(items[position, 0]), int(items[position, 1])
        values = results[position : position + (1 << bits)]
        for _ in range(bits):
            values = drop * values[0::2] + keep * values[1::2]
        folded[example] = values[0]
        position += 1 << bits
    return folded


def _payload(packed: Packed, made: Begun, items: Array, budget: int) -> Payload:
    return {
        "common": (
            packed.plan, packed.numbers, made.tables.reshape(-1), made.groups.reshape(-1), made.about.reshape(-1),
        ),
        "items": items,
        "size": LANES * packed.sizes.outputs,
        "workspace": packed.sizes.workspace,
        "one_layer": packed.sizes.one_layer,
        "budget": budget,
    }  # fmt: skip


class WalkedLanes:
    """The walk of one range of items: a vector for each output of each item."""

    def __init__(self, payload: Payload, chunk: Chunk, result: Array | None = None) -> None:
        """Begin with a workspace of its own; results go to ``result`` where there is one."""
        items = payload["items"][chunk[0] : chunk[1]]
        self.result: Array = np.empty((len(items), payload["size"])) if result is None else result
        integers, floats = payload["workspace"]
        self._kernel = _one_layer() if payload["one_layer"] else _kernels()[1]
        self._arguments: tuple[Any, ...] = (
            *payload["common"],
            items,
            self.result,
            np.array([0, -1], dtype=np.int64),
            np.zeros(integers, dtype=np.int64),
            room(floats),
            payload["budget"],
        )

    def step(self) -> bool:
        """Walk for one budget of masks."""
        outcome: int = self._kernel(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE


TOO_MANY_UNITS, DONE = 2, 1


@cache
def _kernels() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return the kernels; Numba is loaded by the first call, and later ones skip the import statement's microsecond."""
    from exactdropout.numeric.kernels.walk.begin import begin
    from exactdropout.numeric.kernels.walk.finish import finish
    from exactdropout.numeric.kernels.walk.walk import walk_lanes

    return begin, walk_lanes, finish


@cache
def _one_layer() -> Callable[..., Any]:
    from exactdropout.numeric.kernels.walk.one_layer import walk_one_layer

    return walk_one_layer
