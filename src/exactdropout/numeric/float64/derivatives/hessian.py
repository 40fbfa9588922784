"""Hessian-vector products of a float64 network: H·V from one walk that carries derivatives along V."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.float64.bounds import layer_magnitudes
from exactdropout.numeric.float64.derivatives.hessian_bounds import hessian_bound
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem, out_of_range
from exactdropout.numeric.float64.strategies.walk_layout import MAX_UNITS, Tables, tables
from exactdropout.numeric.float64.strategy import Estimate
from exactdropout.numeric.result import HessianProduct
from exactdropout.numeric.runs.work import Chunk, Payload, Runner, Work

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
    sizes = _prefix_sizes(replace(problem, first=0))
    folds = sum(
        min(n, MAX_UNITS) * (s + 2 * (1 + min(n, MAX_UNITS)) * m)
        for n, m, s in zip(problem.widths, problem.widths[1:], sizes, strict=False)
    )
    row = sizes[0] + 2 * problem.widths[1] * (1 + problem.widths[0]) if sizes else 0
    items = min(MOST_BYTES, 8.0 * row * leaves)
    cost = leaves * leaf_cost(problem) + 3e5 * problem.examples
    return Estimate(visited=leaves, cost=cost, memory=8.0 * folds + items)


def _prefix_sizes(problem: Problem) -> list[int]:
    """Return where δ of each layer begins in what is folded for it."""
    position = 1 + problem.outputs * (problem.widths[-1] + 1)
    sizes = []
    for l in reversed(range(len(problem.weights) - 1)):
        sizes.append(position)
        position += (problem.widths[l] + 1) * problem.widths[l + 1]
    return sizes[::-1]


def walked_hessian_product(network: Network, problem: Problem, direction: Direction, runner: Runner) -> HessianProduct:
    """Return H·V with a bound that contains every exact entry; layers of rate 0 are walked with every unit kept."""
    whole = replace(problem, first=0)
    probabilities = problem.chances
    weights = [np.zeros(w.shape) for w in problem.weights]
    biases = [np.zeros(b.shape) for b in problem.biases]
    with np.errstate(over="ignore", invalid="ignore"):
        magnitudes = layer_magnitudes(problem, dropout=True)
        if len(weights) == 1:
            doubt = _output_only(problem, direction, probabilities, weights, biases)
        else:
            items, results = _run(whole, direction, leaves_per_example(problem), runner)
            doubt = _added(whole, items, results, probabilities, weights, biases)
        lost = (problem.inputs == 0) & (problem.input_errors > 0)
        doubt[lost.any(axis=1)] = 1.0
        bound = hessian_bound(problem, magnitudes, direction, doubt, probabilities)
    if not (np.isfinite(bound) and all(np.isfinite(a).all() for a in (*weights, *biases))):
        raise out_of_range("network")
    return HessianProduct(
        weights=tuple(freeze(w) for w in weights),
        biases=tuple(None if own is None else freeze(b) for own, b in zip(network.biases, biases, strict=True)),
        error_bound=bound,
    )


def _output_only(
    problem: Problem, direction: Direction, probabilities: Array, weights: list[Array], biases: list[Array]
) -> Array:
    """Fill in the product of a network without hidden layers, a quadratic."""
    x, kappa = problem.inputs, problem.cumulants[0]
    change = 2 * (np.einsum("ei,oi->eo", x, direction.weights[0], optimize=False) + direction.biases[0])
    noise = 2 * kappa * (direction.weights[0][None] * x[:, None])
    weights[0] += np.einsum("e,eoi->oi", probabilities, change[:, :, None] * x[:, None] + noise * x[:, None])
    biases[0] += np.einsum("e,eo->o", probabilities, change)
    return np.zeros(len(x))


def _added(
    problem: Problem, items: Array, results: Array, probabilities: Array, weights: list[Array], biases: list[Array]
) -> Array:
    """Fold the prefixes of each example, add the examples up, and return each example's doubt."""
    size, below = _prefix_sizes(problem)[0], problem.widths[1]
    width, dropped = problem.widths[0], problem.rates[0] > 0
    drop, keep = problem.drop[0], problem.keep[0]
    doubt, total = np.zeros(problem.examples), np.zeros(size)
    position = 0
    while position < len(items):
        example, bits = int(items[position, 0]), int(items[position, 1])
        x = problem.inputs[example]
        active = np.flatnonzero(x) if dropped else np.zeros(0, dtype=np.int64)
        values = results[position : position + (1 << bits), : size + 2 * below * (1 + len(active) - bits)]
        for _ in range(bits):  # as the kernel folds: the new unit's row is δ of the half that keeps it
            kept = values[1::2]
            values = np.concatenate([drop * values[0::2] + keep * kept, kept[:, size : size + 2 * below]], axis=1)
        position += 1 << bits
        p = probabilities[example]
        total += p * values[0, :size]
        doubt[example] = values[0, 0]
        change = values[0, size + below : size + 2 * below]
        rows = np.tile(change, (width, 1))
        rows[active] = values[0, size + 2 * below :].reshape(len(active), 2 * below)[::-1, below:]
        weights[0] += p * (rows * x[:, None]).T
        biases[0] += p * change
    outputs, last = problem.outputs, len(problem.weights) - 1
    cut = 1 + outputs * problem.widths[-1]
    weights[-1] += total[1:cut].reshape(outputs, -1)
    biases[-1] += total[cut : cut + outputs]
    cut += outputs
    for l in range(last - 1, 0, -1):
        n, m = problem.widths[l], problem.widths[l + 1]
        weights[l] += total[cut : cut + n * m].reshape(n, m).T
        biases[l] += total[cut + n * m : cut + n * m + m]
        cut += (n + 1) * m
    return doubt


def _grid(problem: Problem, leaves: Array, row: int) -> tuple[Array, tuple[Chunk, ...], tuple[int, ...]]:
    """Return items (example, bits, prefix), the chunks as ranges of items, and the leaves of each."""
    per_chunk = max(1.0, CHUNK_NANOSECONDS / leaf_cost(problem))
    most = max(1.0, MOST_BYTES / (8.0 * row * problem.examples))
    active = np.count_nonzero(problem.inputs, axis=1)
    items: list[tuple[int, int, int]] = []
    chunks: list[Chunk] = []
    weights: list[int] = []
    begin, weight = 0, 0.0
    for example, count in enumerate(leaves.tolist()):
        bits = 0
        while problem.rates[0] > 0 and bits < active[example] and count / 2**bits > per_chunk and 2**bits * 2 <= most:
            bits += 1
        for prefix in range(1 << bits):
            items.append((example, bits, prefix))
            weight += count / 2**bits
            if weight >= per_chunk:
                chunks.append((begin, len(items)))
                weights.append(int(weight))
                begin, weight = len(items), 0.0
    if begin < len(items):
        chunks.append((begin, len(items)))
        weights.append(int(weight))
    return np.array(items, dtype=np.int64), tuple(chunks), tuple(weights)


def _run(problem: Problem, direction: Direction, leaves: Array, runner: Runner) -> tuple[Array, Array]:
    flat: Tables = tables(problem)
    layers = range(len(problem.weights) - 1)
    sizes = _prefix_sizes(problem)
    row = sizes[0] + 2 * problem.widths[1] * (1 + problem.widths[0])
    items, chunks, shares = _grid(problem, leaves, row)
    units = [min(n, MAX_UNITS) for n in problem.widths[:-1]]
    fold_widths = [s + 2 * (1 + u) * m for s, u, m in zip(sizes, units, problem.widths[1:], strict=True)]
    fold_offsets = np.cumsum([0, *(u * w for u, w in zip(units, fold_widths, strict=True))])
    wrongs = layer_magnitudes(problem, dropout=True).wrongs
    smooth = [problem.slopes[l] == 1.0 and problem.slope_errors[l] == 0.0 for l in layers]
    payload = {
        "common": (
            flat.widths,
            flat.columns,
            np.concatenate([direction.weights[l].T.ravel() for l in layers]),
            flat.column_offsets,
            flat.biases,
            np.concatenate([direction.biases[l] for l in layers]),
            flat.vector_offsets,
            flat.slopes,
            flat.keep,
            flat.drop,
            flat.inverse_keep,
            np.ascontiguousarray(problem.weights[-1]),
            np.ascontiguousarray(direction.weights[-1]),
            np.ascontiguousarray(problem.biases[-1]),
            np.ascontiguousarray(direction.biases[-1]),
            float(problem.cumulants[0]),
            problem.inputs,
            np.zeros(problem.inputs.shape),
            problem.labels,
            np.concatenate([np.zeros_like(wrongs[l]) if smooth[l] else wrongs[l] for l in layers], axis=1),
        ),
        "items": items,
        "row": row,
        "row_units": flat.row_units,
        "row_offsets": flat.row_offsets,
        "row_total": flat.row_total,
        "sizes": np.array(sizes, dtype=np.int64),
        "fold_offsets": fold_offsets.astype(np.int64),
        "fold_widths": np.array(fold_widths, dtype=np.int64),
        "budget": int(max(1.0, STEP_NANOSECONDS / leaf_cost(problem))),
    }
    work = Work(name="hessian product", begin=TangentItems, payload=payload, chunks=chunks, weights=shares)
    return items, np.concatenate(runner.run(work))


class TangentItems:
    """The walk with tangents over one range of items: what is folded of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        """Begin: a workspace of its own and one row of results for each item."""
        from exactdropout.numeric.kernels.gradient.tangents import hessian_walk

        items, units = payload["items"][slice(*chunk)], payload["row_units"]
        widths, layers = payload["common"][0], len(payload["common"][8])
        total, widest, rows = int(widths.sum()), int(widths.max()), payload["row_total"]
        self.result: Array = np.zeros((len(items), payload["row"]))
        self._advance: Callable[..., int] = hessian_walk
        self._arguments: tuple[Any, ...] = (
            *payload["common"],
            items,
            self.result,
            np.array([0, -1], dtype=np.int64),
            *(np.zeros(total) for _ in range(4)),
            np.zeros(total, dtype=np.int64),
            np.zeros((layers + 1, units + 1), dtype=np.int64),
            np.zeros((layers + 1, 3), dtype=np.int64),
            np.zeros(rows),
            np.zeros(rows),
            payload["row_offsets"],
            payload["sizes"],
            np.zeros(int(payload["fold_offsets"][-1])),
            payload["fold_offsets"],
            payload["fold_widths"],
            np.zeros(int(payload["fold_widths"].max()) + 2 * widest),
            np.zeros((2, widest)),
            np.zeros(2 * (units + 1) * widest),
            np.zeros(layers, dtype=np.bool_),
            payload["budget"],
        )

    def step(self) -> bool:
        """Walk for one budget of leaves."""
        from exactdropout.numeric.kernels.walk.fourth_moments import DONE, TOO_MANY_UNITS

        outcome = self._advance(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE
