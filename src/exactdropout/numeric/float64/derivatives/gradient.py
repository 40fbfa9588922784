"""∂J_D/∂W of a float64 network: the gradient walk, its cost, and the way back through layers that are not dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Network
from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.float64.bounds import Magnitudes, layer_magnitudes
from exactdropout.numeric.float64.derivatives.gradient_bounds import gradient_bound
from exactdropout.numeric.float64.derivatives.gradient_nested import nested_applies, nested_estimate, nested_gradient
from exactdropout.numeric.float64.derivatives.gradient_table import applies, table_estimate, table_gradient
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem, affine, out_of_range
from exactdropout.numeric.float64.strategies.walk_layout import MAX_UNITS, MOST_ITEMS, grid, tables
from exactdropout.numeric.float64.strategy import Estimate
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.work import Chunk, Payload, Runner, Work

__all__ = [
    "criterion_gradient",
    "gradient_cost",
    "gradient_estimate",
    "gradient_kernel",
    "gradient_reference",
    "walked_gradient",
]

STEP_NANOSECONDS = 1.0e8
MOST_BYTES = 2.0**27
"""Most bytes for the results of items: the grid is coarser for networks with many parameters."""


def gradient_reference(problem: Problem, example: int, mask: tuple[Array, ...]) -> list[tuple[Array, Array]]:
    """Return ∂/∂(W_l, b_l) of ‖D − y‖² for one mask (0/1 vectors, inputs first), in plain NumPy.

    Its expectation over all masks is what the gradient walk computes.
    """
    entering, pre_activations = [], []
    values = problem.inputs[example]
    for l, weights in enumerate(problem.weights):
        entering.append(values * mask[l] * problem.inverse_keep[l])
        z = weights @ entering[-1] + problem.biases[l]
        pre_activations.append(z)
        values = np.where(z > 0, z, problem.slopes[l] * z) if l < len(problem.weights) - 1 else z
    delta = 2 * (values - problem.labels[example])
    result = []
    for l in reversed(range(len(problem.weights))):
        result.append((np.outer(delta, entering[l]), delta))
        if l > 0:
            through = np.where(pre_activations[l - 1] > 0, 1.0, problem.slopes[l - 1])
            delta = (problem.weights[l].T @ delta) * mask[l] * problem.inverse_keep[l] * through
    return result[::-1]


def gradient_cost(problem: Problem) -> float:
    """Return nanoseconds per leaf of the gradient walk, measured on a 3 GHz x86 core; blocks as in ``leaf_cost``."""
    widths, outputs = problem.widths, problem.outputs
    walked = list(problem.walked)
    if not walked:
        return 10.0 * outputs * (widths[-1] + 1)
    above, below = widths[walked[-1]], widths[walked[-1] + 1]
    bits = 8.0 if len(walked) == 1 else min(8.0, above / 2)
    return float(outputs * (1.0 + 1.2 * below) + (400.0 + 60.0 * (above + below)) / 2.0**bits)


def _sizes(problem: Problem) -> list[int]:
    """Return where δ of each walked layer begins in what is folded for it."""
    layers = list(problem.walked)
    position = 1 + problem.outputs * (problem.widths[-1] + 1)
    sizes = []
    for l in reversed(layers):
        sizes.append(position)
        position += (problem.widths[l] + 1) * problem.widths[l + 1]
    return sizes[::-1]


def gradient_estimate(problem: Problem) -> Estimate:
    """Return what the gradient costs: of the gradient walk, leaves, folds of every level and results of all items."""
    if applies(problem):
        return table_estimate(problem)
    if nested_applies(problem):
        return nested_estimate(problem)
    leaves = float(np.sum(leaves_per_example(problem)))
    sizes = _sizes(problem)
    folds = sum(
        min(problem.widths[l], MAX_UNITS) * (size + (1 + min(problem.widths[l], MAX_UNITS)) * problem.widths[l + 1])
        for size, l in zip(sizes, problem.walked, strict=True)
    )
    memory = 8.0 * (folds + sum(w.size for w in problem.weights)) + MOST_BYTES + 8.0 * problem.examples * _row(problem)
    return Estimate(visited=leaves, cost=leaves * gradient_cost(problem) + 3e4 * problem.examples, memory=memory)


def _row(problem: Problem) -> int:
    sizes = _sizes(problem)
    if not sizes:
        return 0
    units = min(problem.widths[problem.first], MAX_UNITS)
    return sizes[0] + problem.widths[problem.first + 1] * (1 + units)


def gradient_kernel(problem: Problem) -> str:
    """Return what computes the gradient, in words."""
    if applies(problem):
        return "the table kernel"
    return "nested tables, or the walk where a sign is in doubt" if nested_applies(problem) else "the walk"


def criterion_gradient(network: Network, problem: Problem, runner: Runner) -> Gradient:
    """Return ∂J_D/∂W with its bound, by tables where they apply, else by the gradient walk."""
    kernel: str | None = problem.memo.get("gradient kernel")
    if kernel is None:
        kernel = "table" if applies(problem) else "nested" if nested_applies(problem) else "walk"
        problem.memo["gradient kernel"] = kernel
    if kernel == "table":
        with np.errstate(over="ignore", invalid="ignore"):
            return table_gradient(network, problem, runner)
    if kernel == "nested":
        with np.errstate(over="ignore", invalid="ignore"):
            found = nested_gradient(network, problem, runner)
        if found is not None:
            return found
    return walked_gradient(network, problem, runner)


def walked_gradient(network: Network, problem: Problem, runner: Runner) -> Gradient:
    """Return the gradient with a bound that contains every exact entry; the derivative at a kink is the slope."""
    magnitudes = layer_magnitudes(problem, dropout=True)
    weights = [np.zeros(w.shape) for w in problem.weights]
    biases = [np.zeros(b.shape) for b in problem.biases]
    probabilities = problem.chances
    if problem.first == len(problem.weights) - 1:
        doubt, backward = _last_layer(problem, probabilities, weights, biases)
    else:
        doubt, backward = _walked(problem, magnitudes, probabilities, weights, biases, runner)
    doubt = np.maximum(doubt, _undropped(problem, magnitudes, probabilities, backward, weights, biases))
    lost = (problem.inputs == 0) & (problem.input_errors > 0)
    doubt[lost.any(axis=1)] = 1.0
    bound = gradient_bound(problem, magnitudes, doubt, probabilities)
    if not all(np.isfinite(a).all() for a in (*weights, *biases)):
        raise out_of_range("network")
    return Gradient(
        weights=tuple(freeze(w) for w in weights),
        biases=tuple(None if own is None else freeze(b) for own, b in zip(network.biases, biases, strict=True)),
        error_bound=bound,
    )


def _last_layer(
    problem: Problem, probabilities: Array, weights: list[Array], biases: list[Array]
) -> tuple[Array, Array]:
    """Fill in ∂w and ∂b where no mask is walked; return the doubt (none) and ∂Q/∂h of the last hidden layer."""
    h, w = problem.hidden(problem.first), problem.weights[-1]
    kappa = problem.cumulants[0]
    r = 2 * (affine(h, w, problem.biases[-1]) - problem.labels)
    noise = 2 * kappa * (w[None] * h[:, None])
    weights[-1] += np.einsum("e,eoi->oi", probabilities, r[:, :, None] * h[:, None] + noise * h[:, None])
    biases[-1] += np.einsum("e,eo->o", probabilities, r)
    backward: Array = np.einsum("eo,oi->ei", r, w) + np.einsum("eoi,oi->ei", noise, w)
    return np.zeros(len(h)), backward


def _walked(
    problem: Problem,
    magnitudes: Magnitudes,
    probabilities: Array,
    weights: list[Array],
    biases: list[Array],
    runner: Runner,
) -> tuple[Array, Array]:
    """Run the gradient walk, add its expectations up; return each example's doubt and ∂Q/∂h of the first layer."""
    starts = np.ascontiguousarray(problem.hidden(problem.first))
    items, results = _run(problem, magnitudes, starts, runner)
    first, size = problem.first, _sizes(problem)[0]
    width, below = problem.widths[first], problem.widths[first + 1]
    drop, keep = problem.drop[first], problem.keep[first]
    doubt, backward = np.zeros(problem.examples), np.zeros((problem.examples, width))
    total = np.zeros(size)
    position = 0
    while position < len(items):
        example, bits = int(items[position, 0]), int(items[position, 1])
        active = np.flatnonzero(starts[example])
        values = results[position : position + (1 << bits), : size + below * (1 + len(active) - bits)]
        for _ in range(bits):  # as the kernel folds: the new unit's row is δ of the half that keeps it
            kept = values[1::2]
            values = np.concatenate([drop * values[0::2] + keep * kept, kept[:, size : size + below]], axis=1)
        position += 1 << bits
        p = probabilities[example]
        total += p * values[0, :size]
        doubt[example] = values[0, 0]
        delta = values[0, size : size + below]
        rows = np.tile(delta, (width, 1))
        rows[active] = values[0, size + below :].reshape(len(active), below)[::-1]
        weights[first] += p * (rows * starts[example][:, None]).T
        biases[first] += p * delta
        backward[example] = np.einsum("ij,ji->i", rows, problem.weights[first])
    outputs, last = problem.outputs, len(problem.weights) - 1
    cut = 1 + outputs * problem.widths[-1]
    weights[-1] += total[1:cut].reshape(outputs, -1)
    biases[-1] += total[cut : cut + outputs]
    cut += outputs
    for l in range(last - 1, first, -1):
        n, m = problem.widths[l], problem.widths[l + 1]
        weights[l] += total[cut : cut + n * m].reshape(n, m).T
        biases[l] += total[cut + n * m : cut + n * m + m]
        cut += (n + 1) * m
    return doubt, backward


def _threshold(problem: Problem, magnitudes: Magnitudes, layer: int) -> Array:
    """Return below which size a sign is in doubt; a linear layer has no kink."""
    linear = problem.slopes[layer] == 1.0 and problem.slope_errors[layer] == 0.0
    return np.zeros_like(magnitudes.wrongs[layer]) if linear else magnitudes.wrongs[layer]


def _run(problem: Problem, magnitudes: Magnitudes, starts: Array, runner: Runner) -> tuple[Array, Array]:
    flat = tables(problem)
    sizes = _sizes(problem)
    row = sizes[0] + problem.widths[problem.first + 1] * (1 + int(np.count_nonzero(starts, axis=1).max()))
    most = max(1, min(MOST_ITEMS, int(MOST_BYTES / (8 * row))))
    items, chunks, shares = grid(problem, starts, gradient_cost(problem), most)
    units = [min(problem.widths[l], MAX_UNITS) for l in problem.walked]
    below = [problem.widths[l + 1] for l in problem.walked]
    fold_widths = np.array([s + (1 + u) * m for s, u, m in zip(sizes, units, below, strict=True)], dtype=np.int64)
    fold_offsets = np.cumsum([0, *(u * w for u, w in zip(units, fold_widths.tolist(), strict=True))])
    thresholds = np.concatenate([_threshold(problem, magnitudes, l) for l in problem.walked], axis=1)
    common: tuple[Any, ...] = (
        flat.widths,
        flat.columns,
        flat.column_offsets,
        flat.biases,
        flat.vector_offsets,
        flat.slopes,
        flat.keep,
        flat.drop,
        flat.inverse_keep,
        np.ascontiguousarray(problem.weights[-1]),
        np.ascontiguousarray(problem.biases[-1]),
        float(problem.cumulants[0]),
        starts,
        problem.labels,
        thresholds,
    )
    payload = {
        "common": common,
        "items": items,
        "row": row,
        "row_units": flat.row_units,
        "row_offsets": flat.row_offsets,
        "row_total": flat.row_total,
        "sizes": np.array(sizes, dtype=np.int64),
        "fold_offsets": fold_offsets.astype(np.int64),
        "fold_widths": fold_widths,
        "budget": int(max(1.0, STEP_NANOSECONDS / gradient_cost(problem))),
    }
    work = Work(name="gradient", begin=DescendedItems, payload=payload, chunks=tuple(chunks), weights=tuple(shares))
    return items, np.concatenate(runner.run(work))


class DescendedItems:
    """The gradient walk of one range of items: what is folded of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        from exactdropout.numeric.kernels.gradient.walk import gradient_walk
        from exactdropout.numeric.kernels.walk.fourth_moments import BLOCK_BITS

        items, units = payload["items"][slice(*chunk)], payload["row_units"]
        widths, keep, output_weights = payload["common"][0], payload["common"][6], payload["common"][9]
        layers, total, widest = len(keep), int(widths.sum()), int(widths.max())
        self.result: Array = np.zeros((len(items), payload["row"]))
        self._advance: Callable[..., int] = gradient_walk
        self._arguments: tuple[Any, ...] = (
            *payload["common"],
            items,
            self.result,
            np.array([0, -1], dtype=np.int64),
            np.zeros(total),
            np.zeros(total),
            np.zeros(total, dtype=np.int64),
            np.zeros((layers + 1, units + 1), dtype=np.int64),
            np.zeros((layers + 1, 4), dtype=np.int64),
            np.zeros(payload["row_total"]),
            payload["row_offsets"],
            payload["sizes"],
            np.zeros(int(payload["fold_offsets"][-1])),
            payload["fold_offsets"],
            payload["fold_widths"],
            np.zeros(int(payload["fold_widths"].max()) + widest),
            np.zeros(widest),
            np.zeros((units + 1) * widest),
            np.zeros(layers, dtype=np.bool_),
            np.empty((2 * output_weights.shape[1], 1 << BLOCK_BITS)),
            np.empty((4, 1 << BLOCK_BITS)),
            payload["budget"],
        )

    def step(self) -> bool:
        """Walk for one budget of leaves."""
        from exactdropout.numeric.kernels.walk.fourth_moments import DONE, TOO_MANY_UNITS

        outcome = self._advance(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE


def _undropped(
    problem: Problem,
    magnitudes: Magnitudes,
    probabilities: Array,
    backward: Array,
    weights: list[Array],
    biases: list[Array],
) -> Array:
    """Go back through the layers before the first walked one; return where a sign of theirs is in doubt (1) or not."""
    doubt = np.zeros(problem.examples)
    for l in reversed(range(problem.first)):
        h = problem.hidden(l)
        z = affine(h, problem.weights[l], problem.biases[l])
        threshold = _threshold(problem, magnitudes, l)
        near = (np.abs(z) <= threshold) & (threshold > 0)
        terms = (h != 0) @ (problem.weights[l] != 0).T
        near &= terms | (problem.biases[l] != 0)
        doubt[near.any(axis=1)] = 1.0
        delta = np.where(z > 0, backward, problem.slopes[l] * backward)
        weights[l] += np.einsum("e,ej,ei->ji", probabilities, delta, h)
        biases[l] += np.einsum("e,ej->j", probabilities, delta)
        backward = np.einsum("ej,ji->ei", delta, problem.weights[l])
    return doubt
