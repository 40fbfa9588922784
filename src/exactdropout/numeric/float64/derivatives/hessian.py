"""Hessian-vector products of a float64 network: H·V from one walk that carries derivatives along V."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.float64.derivatives.hessian_bounds import hessian_bounds
from exactdropout.numeric.float64.derivatives.layout import (
    MAX_UNITS,
    Folds,
    add_deeper_layers,
    chunked_items,
    folds,
    walked_layers,
)
from exactdropout.numeric.float64.derivatives.prepared import (
    Ordered,
    Prepared,
    filled_derivative,
    prepared_derivatives,
    views,
)
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.result import HessianProduct
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = ["TangentItems", "hessian_estimate", "walked_hessian_product"]

STEP_NANOSECONDS = 1.0e8
CHUNK_NANOSECONDS = 2.0e7
MOST_BYTES = 2.0**27


def leaf_cost(problem: Problem) -> float:
    """Return nanoseconds per leaf, measured on a 3 GHz x86 core."""
    above, below = problem.widths[-2:] if len(problem.widths) > 1 else (0, problem.widths[-1])
    return 40.0 + 8.0 * problem.outputs * below + 12.0 * below + 0.5 * above


def hessian_estimate(problem: Problem) -> Estimate:
    """Return leaves, cost and memory (folds of every level, results of all items) of one product."""
    leaves = float(np.sum(leaves_per_example(problem)))
    row = folded = 0
    if len(problem.weights) > 1:
        sizes = Folds(problem.widths, problem.outputs, [q > 0 for q in problem.rates[:-1]], 2)
        row, folded = sizes.sizes[0] + 2 * problem.widths[1] * (1 + problem.widths[0]), sizes.total
    items = min(MOST_BYTES, 8.0 * row * leaves)
    cost = leaves * leaf_cost(problem) + 3e5 * problem.examples
    return Estimate(visited=leaves, cost=cost, memory=8.0 * folded + items)


@np.errstate(all="ignore")  # what is not finite is reported at the end, whatever the caller's own settings are
def walked_hessian_product(
    network: Network, problem: Problem, direction: Direction, runner: Runner, examples: Ordered | None = None
) -> HessianProduct:
    """Return H·V with bounds that contain every exact entry; layers of rate 0 are walked with every unit kept.

    Its bits do not depend on the order of the examples.
    """
    prepared = prepared_derivatives(problem, examples)
    entries = np.zeros(int(prepared.net.places[2, -1] + prepared.net.places[3, -1]))
    weights, biases = views(entries, problem)
    if len(weights) == 1:
        _output_only(prepared, direction, weights, biases)
        doubt = np.zeros(problem.examples)
    else:
        items, results = _run(prepared, direction, runner)
        doubt = _added(prepared, items, results, weights, biases)
    doubt[prepared.ordered.lost] = 1.0
    bounds = hessian_bounds(prepared, direction, doubt)
    found: HessianProduct = filled_derivative(HessianProduct, network, problem, entries, bounds)
    return found


def _output_only(prepared: Prepared, direction: Direction, weights: list[Array], biases: list[Array]) -> None:
    """Fill in the product of a network without hidden layers, a quadratic."""
    x, chances, kappa = prepared.rows.inputs, prepared.rows.chances, prepared.net.kappa
    change = 2 * (np.einsum("ei,oi->eo", x, direction.weights[0], optimize=False) + direction.biases[0])
    noise = 2 * kappa * (direction.weights[0][None] * x[:, None])
    weights[0] += np.einsum("e,eoi->oi", chances, change[:, :, None] * x[:, None] + noise * x[:, None])
    biases[0] += np.einsum("e,eo->o", chances, change)


def _added(prepared: Prepared, items: Array, results: Array, weights: list[Array], biases: list[Array]) -> Array:
    """Fold the prefixes of each example, add the examples up, and return each example's doubt."""
    problem = prepared.problem
    size, below = folds(prepared, 0, 2).sizes[0], problem.widths[1]
    width, dropped = problem.widths[0], problem.rates[0] > 0
    drop, keep = problem.drop[0], problem.keep[0]
    doubt, total = np.zeros(problem.examples), np.zeros(size)
    position = 0
    while position < len(items):
        example, bits = int(items[position, 0]), int(items[position, 1])
        x = prepared.rows.inputs[example]
        active = np.flatnonzero(x) if dropped else np.zeros(0, dtype=np.int64)
        values = results[position : position + (1 << bits), : size + 2 * below * (1 + len(active) - bits)]
        for _ in range(bits):  # as the kernel folds: the new unit's row is δ of the half that keeps it
            kept = values[1::2]
            values = np.concatenate([drop * values[0::2] + keep * kept, kept[:, size : size + 2 * below]], axis=1)
        position += 1 << bits
        p = prepared.rows.chances[example]
        total += p * values[0, :size]
        doubt[example] = values[0, 0]
        change = values[0, size + below : size + 2 * below]
        rows = np.tile(change, (width, 1))
        rows[active] = values[0, size + 2 * below :].reshape(len(active), 2 * below)[::-1, below:]
        weights[0] += p * (rows * x[:, None]).T
        biases[0] += p * change
    add_deeper_layers(problem, 0, total, weights, biases)
    return doubt


def _run(prepared: Prepared, direction: Direction, runner: Runner) -> tuple[Array, Array]:
    from exactdropout.numeric.kernels.gradient.tangents import Direction as FlatDirection

    problem, last = prepared.problem, len(prepared.problem.weights) - 1
    sizes = folds(prepared, 0, 2)
    row = sizes.sizes[0] + 2 * problem.widths[1] * (1 + problem.widths[0])
    leaves = leaves_per_example(replace(problem, first=0))[prepared.ordered.order]
    active = np.count_nonzero(prepared.rows.inputs, axis=1) * (problem.rates[0] > 0)
    cost = leaf_cost(problem)
    most = int(max(1.0, MOST_BYTES / (8.0 * row * problem.examples)))
    items, chunks, shares = chunked_items(leaves, active, max(1.0, CHUNK_NANOSECONDS / cost), most)
    along = FlatDirection(
        columns=np.concatenate([direction.weights[l].T.ravel() for l in range(last)]),
        biases=np.concatenate([direction.biases[l] for l in range(last)]),
        output_weights=np.array(direction.weights[-1], order="C"),
        output_bias=np.array(direction.biases[-1]),
    )
    thresholds = np.concatenate([prepared.thresholds(l) for l in range(last)], axis=1)
    payload = {
        "common": (walked_layers(prepared, 0), along, prepared.rows.inputs, prepared.rows.labels, thresholds),
        "items": items,
        "row": row,
        "sizes": sizes.arguments,
        "budget": int(max(1.0, STEP_NANOSECONDS / cost)),
    }
    work = Work(name="hessian product", begin=TangentItems, payload=payload, chunks=chunks, weights=shares)
    return items, np.concatenate(runner.run(work))


class TangentItems:
    """The walk with tangents over one range of items: what is folded of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: a workspace of its own and one row of results for each item."""
        from exactdropout.numeric.kernels.gradient.layout import Workspace
        from exactdropout.numeric.kernels.gradient.tangents import Tangents

        items, sizes = payload["items"][slice(*chunk)], Folds(*payload["sizes"])
        self.result: Array = np.zeros((len(items), payload["row"]))
        parts = sizes.workspace()
        none = np.zeros(0)
        work = Workspace(**parts, backward=none, tables=np.zeros((2, sizes.widest)), lanes=none.reshape(0, 0))
        moved = Tangents(*(np.zeros_like(parts[name]) for name in ("hidden", "scaled", "rows")))
        self._arguments: tuple[Any, ...] = (*payload["common"], items, self.result, work, moved, payload["budget"])

    def step(self) -> bool:
        """Walk for one budget of leaves."""
        from exactdropout.numeric.kernels.gradient.tangents import hessian_walk
        from exactdropout.numeric.kernels.walk.fourth_moments import DONE, TOO_MANY_UNITS

        outcome = hessian_walk(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE
