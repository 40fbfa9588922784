"""The strategy ``enumerate``: one walked layer, all its masks by the table kernel.

The kernel accumulates g, g² and r² of the outputs. The noise of the last layer needs E h_i² only, one unit at a
time, and comes from sorted halves of subset sums in 2^(k/2) steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.bounds import Magnitudes, gamma, layer_magnitudes, root, up
from exactdropout.numeric.problem import ETA, UNIT, Problem
from exactdropout.numeric.quantities import Reference
from exactdropout.numeric.strategy import Estimate, Folded
from exactdropout.numeric.work import Chunk, Payload, Runner, Work

__all__ = ["active_columns", "estimate", "noise", "refusal", "run", "signed_rows"]

MOST_BITS = 40
CHUNK_MASKS = 2.0**22
STEP_MASKS = 2.0**24
MOST_ITEMS = 1 << 14
GROUP = 4


def refusal(problem: Problem, moments: int) -> str | None:
    """Only a layer that feeds the last hidden layer directly is enumerated, and only for second moments."""
    if problem.first != len(problem.weights) - 2:
        return "exactly the droppable layer before the last hidden layer must have a rate above 0"
    if moments == 4:
        return "it computes second moments only"
    if int(np.count_nonzero(problem.hidden(problem.first), axis=1).max()) > MOST_BITS:
        return f"more than {MOST_BITS} units are active"
    return None


def _rows(problem: Problem) -> int:
    """Return the rows of the table of one output: units in groups of four of one sign."""
    signs = problem.weights[-1]
    positive, negative = np.count_nonzero(signs > 0, axis=1), np.count_nonzero(signs < 0, axis=1)
    return int(np.max(-(-positive // GROUP) * GROUP + -(-negative // GROUP) * GROUP))


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the masks of active units and their cost: one maximum and one addition for each unit of the layer."""
    active = np.count_nonzero(problem.hidden(problem.first), axis=1).astype(np.float64)
    masks = float(np.sum(np.exp2(active)))
    width, below, m = problem.widths[problem.first], problem.widths[-1], problem.examples
    each = problem.outputs * (0.1 * _rows(problem) + 0.45)
    tables = problem.outputs * (256.0 * _rows(problem) * 0.5 + 3e3)
    halves = below * np.exp2(np.ceil(float(active.max()) / 2)) * 30.0
    memory = 8.0 * (m * problem.outputs * width * (_rows(problem) + 2) + 8 * halves / 30.0 + 1e5)
    return Estimate(visited=masks, cost=masks * each + m * (tables + halves) + 2.5e5, memory=memory)


def active_columns(problem: Problem) -> tuple[Array, Array]:
    """Return W_ji·(h_i/p) of the active units of each example, shape (m, most active, units below), and their counts.

    Rows beyond an example's count are 0.
    """
    start = problem.hidden(problem.first)
    counts = np.count_nonzero(start, axis=1)
    most = int(counts.max())
    order = np.argsort(start == 0, axis=1, kind="stable")[:, :most]
    scaled = np.take_along_axis(start, order, axis=1) * problem.inverse_keep[problem.first]
    columns = problem.weights[problem.first].T[order] * scaled[:, :, None]
    return columns, counts.astype(np.int64)


def signed_rows(problem: Problem) -> tuple[Array, Array, Array, Array]:
    """Return for each output the unit of each row (−1 for a row of zeros), |a|, slope weights, and positive rows."""
    slope = problem.slopes[problem.first]
    a = problem.weights[-1] * (1.0 - slope)
    rows = max(GROUP, _rows(problem))
    units = np.full((problem.outputs, rows), -1, dtype=np.int64)
    positive = np.zeros(problem.outputs, dtype=np.int64)
    for o in range(problem.outputs):
        up_units, down_units = np.flatnonzero(a[o] > 0), np.flatnonzero(a[o] < 0)
        cut = -(-len(up_units) // GROUP) * GROUP
        units[o, : len(up_units)] = up_units
        units[o, cut : cut + len(down_units)] = down_units
        positive[o] = cut
    return units, np.abs(a), problem.weights[-1] * slope, positive


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Enumerate, fold the prefixes, and add the noise of the last layer."""
    from exactdropout.numeric.kernels.table import HIGH_BITS

    columns, counts = active_columns(problem)
    units, sizes, slopes, positive = signed_rows(problem)
    first, outputs, m = problem.first, problem.outputs, problem.examples
    own = np.arange(outputs)[:, None]
    scale = np.where(units >= 0, sizes[own, units], 0.0)
    bias = problem.biases[first]
    tables = np.ascontiguousarray(columns[:, :, units].transpose(0, 2, 1, 3) * scale[None, :, None, :])
    linear = np.ascontiguousarray(np.einsum("eij,oj->eoi", columns, slopes, optimize=False))
    starts = (problem.biases[-1] - reference.output.value) + np.einsum("j,oj->o", bias, slopes, optimize=False)
    items, chunks, weights = _items(counts, outputs)
    common: tuple[Any, ...] = (
        tables,
        linear,
        bias[units] * scale,
        counts,
        positive,
        starts,
        reference.residual.value,
        float(problem.keep[first]),
        float(problem.drop[first]),
    )

    work = Work(
        name="enumerate",
        begin=EnumeratedItems,
        payload={"common": common, "items": items, "rows": units.shape[1], "budget": STEP_MASKS},
        chunks=tuple(chunks),
        weights=tuple(weights),
    )
    results = np.concatenate(runner.run(work))
    folded = _fold(items, results, float(problem.drop[first]), float(problem.keep[first]), m, outputs)
    magnitudes = layer_magnitudes(problem, dropout=True)
    variance, e_variance = noise(problem, magnitudes, columns, counts)
    values = np.stack([folded[:, :, 0], folded[:, :, 1], variance, folded[:, :, 2]], axis=2)
    return Folded(
        moments=values.reshape(m, 4 * outputs),
        levels=int(counts.max()) + (1 << HIGH_BITS) // 4 + 8,
        output_error=_output_error(problem, reference, magnitudes, int(counts.max())),
        noise_error=e_variance,
    )


class EnumeratedItems:
    """The table kernel on one range of items: g, g², r² of each, one row per item."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        from exactdropout.numeric.kernels.table import HIGH_BITS, LOW_BITS

        rows, low, high = payload["rows"], 1 << LOW_BITS, 1 << HIGH_BITS
        self._common, self._items = payload["common"], payload["items"][slice(*chunk)]
        self.result: Array = np.empty((len(self._items), 3))
        self._position = 0
        self._workspace: tuple[Any, ...] = (
            np.empty((rows, low)), np.empty(low), np.empty(low),
            np.empty((rows, high)), np.empty(high), np.empty(high),
            np.empty((4, low)), np.empty((64, 3)), np.empty(rows), payload["budget"],
        )  # fmt: skip

    def step(self) -> bool:
        """Enumerate for one budget of masks."""
        from exactdropout.numeric.kernels.table import table_items

        arguments: tuple[Any, ...] = (*self._common, self._items, self._position, self.result, *self._workspace)
        self._position = table_items(*arguments)
        return self._position >= len(self._items)


def _items(counts: Array, outputs: int) -> tuple[Array, list[tuple[int, int]], list[int]]:
    """Return items (example, output, bits, prefix), chunks of them, and the masks of each chunk: a fixed grid."""
    items: list[tuple[int, int, int, int]] = []
    chunks: list[tuple[int, int]] = []
    weights: list[int] = []
    begin, weight = 0, 0
    for example, units in enumerate(counts.tolist()):
        bits = min(max(0, units - 22), 12)
        for output in range(outputs):
            for prefix in range(1 << bits):
                items.append((example, output, bits, prefix))
                weight += 1 << (units - bits)
                if weight >= CHUNK_MASKS:
                    chunks.append((begin, len(items)))
                    weights.append(weight)
                    begin, weight = len(items), 0
    if begin < len(items):
        chunks.append((begin, len(items)))
        weights.append(weight)
    return np.array(items, dtype=np.int64), chunks, weights


def _fold(items: Array, results: Array, drop: float, keep: float, m: int, outputs: int) -> Array:
    if len(items) == m * outputs:
        return results.reshape(m, outputs, 3)
    folded = np.empty((m, outputs, 3))
    position = 0
    while position < len(items):
        example, output, bits, _ = items[position].tolist()
        values = results[position : position + (1 << bits)]
        for _ in range(bits):
            values = drop * values[0::2] + keep * values[1::2]
        folded[example, output] = values[0]
        position += 1 << bits
    return folded


def _output_error(problem: Problem, reference: Reference, magnitudes: Magnitudes, bits: int) -> Array:
    """Return a bound of |ĝ − g| (docs/error-bounds.md, step 9)."""
    first = problem.first
    slope, off = abs(problem.slopes[first]), problem.slope_errors[first] + 4 * UNIT * (1 + abs(problem.slopes[first]))
    weights = np.abs(problem.weights[-1])
    n = weights.shape[1]
    reach, wrong = magnitudes.reaches[first], magnitudes.wrongs[first]
    through = up(np.einsum("ej,oj->eo", reach, weights, optimize=False), n)
    carried = up((1 + 2 * slope) * np.einsum("ej,oj->eo", wrong, weights, optimize=False), n)
    bulk = up(np.abs(problem.biases[-1]) + np.abs(reference.output.value) + (2 + 3 * slope) * through)
    lost = ETA * up(16 * (bits + 2) * (n + 2) * (1 + np.max(weights)) * (1 + slope) * (1 + np.max(reach)))
    rounding = up(gamma(bits + 8) * (1 + 2 * slope) * through + gamma(n + n // GROUP + 16) * bulk, 2)
    result: Array = up(carried + rounding + 4 * off * through + 2 * UNIT * np.abs(reference.residual.value) + lost)
    return result


def noise(problem: Problem, magnitudes: Magnitudes, columns: Array, counts: Array) -> tuple[Array, Array]:
    """Return κ₂ Σ_i w_oi² E h_i² for each example and output, and its error.

    φ(z)² = slope²·z² + (1 − slope²)·max(z, 0)², and E z² = (E z)² + q/p Σ (W h)² needs no enumeration.
    """
    first = problem.first
    n = columns.shape[2]
    bits = int(counts.max())
    moments, sizes = positive_moments(problem, columns, counts)
    slope, off = problem.slopes[first], problem.slope_errors[first] + 4 * UNIT
    kappa, wrong = problem.cumulants[0], magnitudes.wrongs[first]
    p, q = problem.keep[first], problem.drop[first]
    squares, e_squares = (
        moments[:, :, 1],
        up(gamma(2 * bits + 40) * sizes[:, :, 1] * 1.01),
    )
    if slope != 0.0 or problem.slope_errors[first] > 0:
        mean = problem.biases[first] + p * columns.sum(axis=1)
        spread = p * q * (columns * columns).sum(axis=1)
        bulk = magnitudes.reaches[first] ** 2
        squares = slope * slope * (mean * mean + spread) + (1 - slope * slope) * squares
        steep = 1 + slope * slope
        e_squares = up(
            steep * e_squares * (1 + 2.0**-20) + (gamma(6 * bits + 40) * steep + 4 * off * (1 + abs(slope))) * bulk, 4
        )
    steepness = max(1.0, abs(slope) * (1 + 2.0**-30))
    rms = root(up(np.maximum(squares, 0.0) + e_squares))
    step = up(steepness * wrong)
    e_squares = up(
        e_squares
        + step * (2 * rms + step)
        + (4 * bits + 16) * 2.0**bits * ETA * (2 + 2 * up(magnitudes.sizes[-1] ** 2)),
        3,
    )
    weights = problem.weights[-1] ** 2
    factor = kappa * weights
    value = np.einsum("oi,ei->eo", factor, np.maximum(squares, 0.0), optimize=False)
    error = up(
        np.einsum("oi,ei->eo", up(factor, 2), e_squares, optimize=False)
        + gamma(n + 8) * up(value, n)
        + (n + 4) * ETA * (1 + kappa + up(np.max(magnitudes.sizes[-1], axis=1) ** 2)[:, None]) * (1 + np.max(weights)),
        3 * n,
    )
    return value, error


def positive_moments(problem: Problem, columns: Array, counts: Array) -> tuple[Array, Array]:
    """Return E max(z, 0)^k and E(|α| + |β|)^k for k = 1, 2, shapes (m, units, 2)."""
    from exactdropout.numeric.kernels.subset_sums import unit_moments

    m, bits, n = columns.shape
    half = 1 << ((bits + 1) // 2)
    result = np.empty((m, n, 4))
    workspace: tuple[Any, ...] = tuple(np.empty((2, half)) for _ in range(4))
    keep, drop = float(problem.keep[problem.first]), float(problem.drop[problem.first])
    for e in range(m):
        arguments: tuple[Any, ...] = (
            columns[e], problem.biases[problem.first], int(counts[e]), keep, drop, *workspace, result[e],
        )  # fmt: skip
        unit_moments(*arguments)
    return result[:, :, :2], result[:, :, 2:]
