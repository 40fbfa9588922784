"""∂J_D/∂W of a float64 network: the gradient walk, its cost, and the way back through layers that are not dropped."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.derivatives.gradient_nested import nested_applies, nested_estimate, nested_gradient
from exactdropout.numeric.float64.derivatives.gradient_table import table_estimate, table_gradient
from exactdropout.numeric.float64.derivatives.layout import (
    MAX_UNITS,
    Folds,
    add_deeper_layers,
    chunked_items,
    folds,
    walked_layers,
)
from exactdropout.numeric.float64.derivatives.prepared import (
    TINY,
    Ordered,
    Prepared,
    bounded_gradient,
    prepared_derivatives,
    views,
)
from exactdropout.numeric.float64.derivatives.table_items import applies
from exactdropout.numeric.float64.leaf_count import leaves_per_example
from exactdropout.numeric.float64.problem import Problem, affine
from exactdropout.numeric.result import Gradient
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = [
    "criterion_gradient",
    "gradient_cost",
    "gradient_estimate",
    "gradient_kernel",
    "gradient_reference",
    "walked_gradient",
]

CHUNK_NANOSECONDS = 2.0e7
STEP_NANOSECONDS = 1.0e8
MOST_ITEMS = 1 << 14
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


def gradient_estimate(problem: Problem) -> Estimate:
    """Return what the gradient costs: of the gradient walk, leaves, folds of every level and results of all items."""
    if applies(problem):
        return table_estimate(problem)
    if nested_applies(problem):
        return nested_estimate(problem)
    leaves = float(np.sum(leaves_per_example(problem)))
    row = folded = 0
    if problem.first < len(problem.weights) - 1:
        dropped = [problem.rates[l] > 0 for l in problem.walked]
        sizes = Folds(problem.widths[problem.first :], problem.outputs, dropped, 1)
        row, folded = sizes.widths[0], sizes.total
    memory = 8.0 * (folded + sum(w.size for w in problem.weights)) + MOST_BYTES + 8.0 * problem.examples * row
    return Estimate(visited=leaves, cost=leaves * gradient_cost(problem) + 3e4 * problem.examples, memory=memory)


def gradient_kernel(problem: Problem) -> str:
    """Return what computes the gradient, in words."""
    if applies(problem):
        return "one pass over blocks of masks"
    return "nested tables, or the walk where a sign is in doubt" if nested_applies(problem) else "the walk"


@np.errstate(all="ignore")  # what is not finite is reported at the end, whatever the caller's own settings are
def criterion_gradient(network: Network, problem: Problem, runner: Runner, examples: Ordered | None = None) -> Gradient:
    """Return ∂J_D/∂W with a bound for each entry, by tables where they apply, else by the gradient walk.

    Its bits do not depend on the order of the examples; ``examples`` are those of the problem in their order, where
    that is known already.
    """
    prepared = prepared_derivatives(problem, examples)
    if applies(problem):
        return table_gradient(network, prepared, runner)
    if nested_applies(problem):
        found = nested_gradient(network, prepared, runner)
        if found is not None:
            return found
    return walked_gradient(network, prepared, runner)


def walked_gradient(network: Network, prepared: Prepared, runner: Runner) -> Gradient:
    """Return the gradient with bounds that contain every exact entry; the derivative at a kink is the slope."""
    problem = prepared.problem
    entries = np.zeros(int(prepared.net.places[2, -1] + prepared.net.places[3, -1]))
    weights, biases = views(entries, problem)
    hidden, between = prepared.undropped(problem.first)
    if problem.first == len(problem.weights) - 1:
        doubt, backward = _last_layer(prepared, hidden[-1], weights, biases)
    else:
        doubt, backward = _walked(prepared, hidden[-1], weights, biases, runner)
    doubt = np.maximum(doubt, _undropped(prepared, hidden, between, backward, weights, biases))
    lost = TINY * 64.0 * (problem.levels + 8)
    return bounded_gradient(network, prepared, entries, doubt[:, None], (4.0 * problem.levels + 16, lost, 1.0, 0.0))


def _last_layer(prepared: Prepared, h: Array, weights: list[Array], biases: list[Array]) -> tuple[Array, Array]:
    """Fill in ∂w and ∂b where no mask is walked; return the doubt (none) and ∂Q/∂h of the last hidden layer."""
    problem, chances = prepared.problem, prepared.rows.chances
    w, kappa = problem.weights[-1], problem.cumulants[0]
    r = 2 * (affine(h, w, problem.biases[-1]) - prepared.rows.labels)
    noise = 2 * kappa * (w[None] * h[:, None])
    weights[-1] += np.einsum("e,eoi->oi", chances, r[:, :, None] * h[:, None] + noise * h[:, None])
    biases[-1] += np.einsum("e,eo->o", chances, r)
    backward: Array = np.einsum("eo,oi->ei", r, w) + np.einsum("eoi,oi->ei", noise, w)
    return np.zeros(len(h)), backward


def _walked(
    prepared: Prepared, starts: Array, weights: list[Array], biases: list[Array], runner: Runner
) -> tuple[Array, Array]:
    """Run the gradient walk, add its expectations up; return each example's doubt and ∂Q/∂h of the first layer."""
    problem, first = prepared.problem, prepared.problem.first
    sizes = folds(prepared, first, 1)
    items, results = _run(prepared, starts, sizes, runner)
    size, width, below = sizes.sizes[0], problem.widths[first], problem.widths[first + 1]
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
        p = prepared.rows.chances[example]
        total += p * values[0, :size]
        doubt[example] = values[0, 0]
        delta = values[0, size : size + below]
        rows = np.tile(delta, (width, 1))
        rows[active] = values[0, size + below :].reshape(len(active), below)[::-1]
        weights[first] += p * (rows * starts[example][:, None]).T
        biases[first] += p * delta
        backward[example] = np.einsum("ij,ji->i", rows, problem.weights[first])
    add_deeper_layers(problem, first, total, weights, biases)
    return doubt, backward


def _run(prepared: Prepared, starts: Array, sizes: Folds, runner: Runner) -> tuple[Array, Array]:
    problem, first = prepared.problem, prepared.problem.first
    last = len(problem.weights) - 1
    active = np.count_nonzero(starts, axis=1)
    row = sizes.sizes[0] + problem.widths[first + 1] * (1 + int(active.max()))
    most = max(1, min(MOST_ITEMS, int(MOST_BYTES / (8 * row))))
    leaves = leaves_per_example(problem)[prepared.ordered.order]
    cost = gradient_cost(problem)
    items, chunks, shares = chunked_items(leaves, active, max(1.0, CHUNK_NANOSECONDS / cost), most)
    thresholds = np.concatenate([prepared.thresholds(l) for l in range(first, last)], axis=1)
    payload = {
        "common": (walked_layers(prepared, first), starts, prepared.rows.labels, thresholds),
        "items": items,
        "row": row,
        "sizes": sizes.arguments,
        "budget": int(max(1.0, STEP_NANOSECONDS / cost)),
    }
    work = Work(name="gradient", begin=DescendedItems, payload=payload, chunks=chunks, weights=shares)
    return items, np.concatenate(runner.run(work))


class DescendedItems:
    """The gradient walk of one range of items: what is folded of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        from exactdropout.numeric.kernels.gradient.layout import Workspace
        from exactdropout.numeric.kernels.walk.fourth_moments import BLOCK_BITS

        items, sizes = payload["items"][slice(*chunk)], Folds(*payload["sizes"])
        self.result: Array = np.zeros((len(items), payload["row"]))
        workspace = Workspace(
            **sizes.workspace(),
            backward=np.zeros(sizes.widest),
            tables=np.empty((2 * int(payload["common"][0].widths[-1]), 1 << BLOCK_BITS)),
            lanes=np.empty((4, 1 << BLOCK_BITS)),
        )
        self._arguments: tuple[Any, ...] = (*payload["common"], items, self.result, workspace, payload["budget"])

    def step(self) -> bool:
        """Walk for one budget of leaves."""
        from exactdropout.numeric.kernels.gradient.walk import gradient_walk
        from exactdropout.numeric.kernels.walk.fourth_moments import DONE, TOO_MANY_UNITS

        outcome = gradient_walk(*self._arguments)
        if outcome == TOO_MANY_UNITS:
            raise CostLimitExceeded(f"Evaluation meets a layer with more than {MAX_UNITS} active units at once.")
        return outcome == DONE


def _undropped(
    prepared: Prepared,
    hidden: list[Array],
    between: list[Array],
    backward: Array,
    weights: list[Array],
    biases: list[Array],
) -> Array:
    """Go back through the layers before the first walked one; return where a sign of theirs is in doubt (1) or not."""
    problem, chances = prepared.problem, prepared.rows.chances
    doubt = np.zeros(problem.examples)
    for l in reversed(range(problem.first)):
        h, z, threshold = hidden[l], between[l], prepared.thresholds(l)
        near = (np.abs(z) <= threshold) & (threshold > 0)
        terms = (h != 0) @ (problem.weights[l] != 0).T
        near &= (z != 0) | terms | (problem.biases[l] != 0)
        if prepared.faint(l):
            near |= (hidden[l + 1] == 0) & (z != 0)
        doubt[near.any(axis=1)] = 1.0
        delta = np.where(z > 0, backward, problem.slopes[l] * backward)
        weights[l] += np.einsum("e,eji->ji", chances, delta[:, :, None] * h[:, None])
        biases[l] += np.einsum("e,ej->j", chances, delta)
        backward = np.einsum("ej,ji->ei", delta, problem.weights[l])
    return doubt
