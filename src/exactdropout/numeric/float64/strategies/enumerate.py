"""The strategy ``enumerate``: one walked layer, all its masks by the table kernel.

The kernel accumulates g² of the outputs. E g and the noise of the last layer need E h_i and E h_i² only, one unit at
a time, and come from sorted halves of subset sums in 2^(k/2) steps; E (f − y)² = E g² + 2d E g + d² with d = c − y.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import Magnitudes, gamma, layer_magnitudes, root, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem
from exactdropout.numeric.float64.quantities import Reference, square_error
from exactdropout.numeric.float64.strategy import Estimate, Folded
from exactdropout.numeric.kernels import interpreted
from exactdropout.numeric.runs.work import Chunk, Payload, Runner, Work

__all__ = ["active_columns", "estimate", "refusal", "run", "signed_rows", "unit_quantities"]

HALF = Fraction(1, 2)
MOST_BITS = 40
CHUNK_MASKS = 2.0**24
STEP_MASKS = 2.0**24
LANES = 8
"""A row of the table is filled up to whole vectors of this many numbers."""


def refusal(problem: Problem, moments: int) -> str | None:
    """Only a layer that feeds the last hidden layer directly is enumerated, and only for second moments."""
    if problem.first != len(problem.weights) - 2:
        return "exactly the droppable layer before the last hidden layer must have a rate above 0"
    if moments == 4:
        return "it computes second moments only"
    if interpreted():
        return "its kernel is written in vectors, and NUMBA_DISABLE_JIT is set"
    if int(np.count_nonzero(problem.hidden(problem.first), axis=1).max()) > MOST_BITS:
        return f"more than {MOST_BITS} units are active"
    return None


def _rows(problem: Problem) -> int:
    """Return the rows of the table: the units that reach some output, most of all outputs."""
    return int(np.max(np.count_nonzero(problem.weights[-1], axis=1)))


def estimate(problem: Problem, moments: int) -> Estimate:
    """Return the masks of active units and their cost: one maximum and one addition for each unit of the layer."""
    active = np.count_nonzero(problem.hidden(problem.first), axis=1).astype(np.float64)
    masks = float(np.sum(np.exp2(active)))
    width, below, m = problem.widths[problem.first], problem.widths[-1], problem.examples
    rows = -(-_rows(problem) // 4) * 4
    each = problem.outputs * (0.065 * rows + 0.1)
    tables = problem.outputs * (256.0 * rows * 0.5 + 5e3)
    halves = below * np.exp2(np.ceil(float(active.max()) / 2)) * 30.0
    memory = 8.0 * (m * problem.outputs * width * (_rows(problem) + 2) + 8 * halves / 30.0 + 1e5)
    return Estimate(visited=masks, cost=masks * each + m * (tables + halves) + 1e6, memory=memory)


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


def signed_rows(problem: Problem) -> tuple[Array, Array, Array, Array, Array]:
    """Return for each output the unit of each row (−1 for a row of zeros), |a|, slope weights, and the numbers of rows
    with a > 0 and of all rows; a row is filled up to whole vectors."""
    slope = problem.slopes[problem.first]
    a = problem.weights[-1] * (1.0 - slope)
    units = np.full((problem.outputs, max(1, -(-_rows(problem) // LANES)) * LANES), -1, dtype=np.int64)
    positive, rows = np.count_nonzero(a > 0, axis=1), np.count_nonzero(a, axis=1)
    for o in range(problem.outputs):
        units[o, : positive[o]] = np.flatnonzero(a[o] > 0)
        units[o, positive[o] : rows[o]] = np.flatnonzero(a[o] < 0)
    return units, np.abs(a), problem.weights[-1] * slope, positive.astype(np.int64), rows.astype(np.int64)


def run(problem: Problem, reference: Reference, moments: int, runner: Runner) -> Folded:
    """Enumerate E g², fold the prefixes, and add what is a matter of one unit: E g and the noise of the last layer."""
    from exactdropout.numeric.kernels.enumerate.table import HIGH_BITS

    columns, counts = active_columns(problem)
    units, sizes, slopes, positive, rows = signed_rows(problem)
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
        rows,
        starts,
        float(problem.keep[first]),
        float(problem.drop[first]),
    )

    work = Work(
        name="enumerate",
        begin=EnumeratedItems,
        payload={"common": common, "items": items, "budget": min(STEP_MASKS, 2.0**30 / units.shape[1])},
        chunks=tuple(chunks),
        weights=tuple(weights),
    )
    results = np.concatenate(runner.run(work))
    second = _fold(items, results, float(problem.drop[first]), float(problem.keep[first]), m, outputs)
    magnitudes = layer_magnitudes(problem, dropout=True)
    e_output = _output_error(problem, reference, magnitudes, columns, counts)
    reach = up(magnitudes.output_size + np.abs(reference.output.value))
    e_second = square_error(second, e_output, reach, int(counts.max()) + (1 << HIGH_BITS) // 4 + 8)
    mean, e_mean, noise, e_noise = unit_quantities(problem, magnitudes, columns, counts)
    shift = problem.biases[-1] - reference.output.value
    value = mean + shift
    e_value = up(e_mean + UNIT * (np.abs(shift) + np.abs(value)))
    residual, e_residual = reference.residual.value, reference.residual.error
    cross = 2 * residual * value
    square = second + cross + residual * residual
    e_square = up(
        e_second
        + 2 * np.abs(residual) * e_value
        + 2 * e_residual * (np.abs(value) + e_value)
        + (2 * np.abs(residual) + e_residual) * e_residual
        + gamma(6) * up(second + np.abs(cross) + residual * residual, 3)
        + 4 * ETA,
        8,
    )
    values = np.stack([value, second, noise, np.maximum(square, 0.0)], axis=2)
    errors = np.stack([e_value, e_second, e_noise, e_square], axis=2)
    return Folded(moments=values.reshape(m, 4 * outputs), levels=0, errors=errors.reshape(m, 4 * outputs))


class EnumeratedItems:
    """The table kernel on one range of items: E g² of each."""

    def __init__(self, payload: Payload, chunk: Chunk) -> None:
        self._items = payload["items"][slice(*chunk)]
        self._common, self._budget = payload["common"], payload["budget"]
        self.result: Array = np.empty((len(self._items), 1))
        self._position = 0

    def step(self) -> bool:
        """Enumerate for one budget of masks."""
        from exactdropout.numeric.kernels.enumerate.table import table_items

        arguments: tuple[Any, ...] = (*self._common, self._items, self._position, self.result, self._budget)
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
        return results.reshape(m, outputs)
    folded = np.empty((m, outputs))
    position = 0
    while position < len(items):
        example, output, bits, _ = items[position].tolist()
        values = results[position : position + (1 << bits), 0]
        for _ in range(bits):
            values = drop * values[0::2] + keep * values[1::2]
        folded[example, output] = values[0]
        position += 1 << bits
    return folded


def _norms(problem: Problem, magnitudes: Magnitudes) -> tuple[Array, Array]:
    """Return L² norms over the masks of |b_j| + Σ_i (r_i/p)|W_ji|S_i and of Σ_i (r_i/p)|W_ji|e_i, shape (m, units).

    The squares are (|b_j| + Σ_i |W_ji|S_i)² + q/p Σ_i (W_ji S_i)², as the mask entries r_i/p have mean 1, variance q/p.
    """
    first = problem.first
    weights, n = np.abs(problem.weights[first]), problem.widths[first]
    ratio = up(problem.drop[first] * problem.inverse_keep[first] * (1 + 4 * UNIT))
    found: list[Array] = []
    for sizes, bias in ((magnitudes.sizes[first], np.abs(problem.biases[first])), (magnitudes.errors[first], 0.0)):
        with np.errstate(over="ignore"):
            mean = up(bias + np.einsum("ei,ji->ej", sizes, weights, optimize=False), n)
            squares = np.einsum("ei,ji->ej", sizes * sizes, weights * weights, optimize=False)
            lost = n * ETA * up(2 + np.max(sizes) ** 2 + np.max(weights) ** 2, 2)
            found.append(root(up(mean * mean + ratio * up(squares + lost, n), 2)))
    return found[0], found[1]


def _partial_norms(problem: Problem, columns: Array, counts: Array, lowest: int) -> tuple[Array, Array, Array]:
    """Return bounds of the L² norms of all partial sums of low units, of high units with the bias, and of z itself.

    Whatever units a sum takes, it is |b_j| plus at most the positive or the negative terms in the mean, and at most
    p(1 − p)Σ c² in the variance.
    """
    p, q, bias = problem.keep[problem.first], problem.drop[problem.first], np.abs(problem.biases[problem.first])
    n = columns.shape[1]
    low = (np.arange(n) >= (counts - np.minimum(counts, lowest))[:, None])[:, :, None]
    found: list[Array] = []
    for part, start in ((columns * low, 0.0), (columns * ~low, bias), (columns, bias)):
        with np.errstate(over="ignore"):
            sides = (np.maximum(side, 0.0).sum(axis=1) for side in (part, -part))
            mean = up(start + p * np.maximum(*sides), n)
            spread = up(p * q * (np.sum(part * part, axis=1) + n * ETA), n)
            found.append(root(up(mean * mean + spread, 2)))
    return found[0], found[1], found[2]


def _output_error(
    problem: Problem, reference: Reference, magnitudes: Magnitudes, columns: Array, counts: Array
) -> Array:
    """Return a bound of ‖ĝ − g‖ in L² over the masks (docs/error-bounds.md, step 9)."""
    from exactdropout.numeric.kernels.enumerate.table import LOW_BITS

    first, bits = problem.first, int(counts.max())
    slope, off = abs(problem.slopes[first]), problem.slope_errors[first]
    output = problem.weights[-1]
    n = output.shape[1]
    norm, wrong = _norms(problem, magnitudes)
    low, high, whole = _partial_norms(problem, columns, counts, LOW_BITS)
    most = min(LOW_BITS, bits)
    sums = gamma(4 if slope == 0.0 else 7) * norm + gamma(most) * low + gamma(bits - most + 1) * high
    each = up((1 + 2 * slope) * wrong + (1 + slope) * sums, 5)
    carried, through, starts = (
        up(np.einsum("ej,oj->eo", values, np.abs(output), optimize=False), n) for values in (each, norm, high)
    )
    more, less = (
        up(np.einsum("ej,oj->eo", whole, np.maximum(side, 0.0), optimize=False), n) for side in (output, -output)
    )
    bulk = np.abs(problem.biases[-1]) + np.abs(reference.output.value) + slope * (more + less)
    bulk = up(bulk + (1 + slope) * (root(up(more * more + less * less, 2)) + starts), 2)
    lost = ETA * up(
        16 * (bits + 2) * (n + 2) * (1 + np.max(np.abs(output))) * (1 + slope) * (1 + np.max(magnitudes.reaches[first]))
    )
    rounding = up(gamma(n + 3) * bulk + gamma(2 * (n // LANES) + 16) * (1 + slope) * starts, 2)
    straight = up((gamma(n + bits + 10) * slope + 2 * off) * through, 2)
    result: Array = up(carried + rounding + straight + 2 * UNIT * np.abs(reference.residual.value) + lost)
    return result


def unit_quantities(
    problem: Problem, magnitudes: Magnitudes, columns: Array, counts: Array
) -> tuple[Array, Array, Array, Array]:
    """Return Σ_i w_oi E h_i and κ₂ Σ_i w_oi² E h_i² for each example and output, each followed by its error.

    φ(z) = slope·z + (1 − slope)·max(z, 0), φ(z)² = slope²·z² + (1 − slope²)·max(z, 0)², and E z, E z² = (E z)² +
    q/p Σ (W h)² need no enumeration.
    """
    first = problem.first
    n = columns.shape[2]
    bits = int(counts.max())
    moments, sizes = positive_moments(problem, columns, counts)
    slope, off = problem.slopes[first], problem.slope_errors[first]
    kappa = problem.cumulants[0]
    norm, carried = _norms(problem, magnitudes)
    lost = ETA * up(problem.widths[first] + 2 + np.abs(problem.weights[first]).sum(axis=1), problem.widths[first])
    wrong = np.minimum(magnitudes.wrongs[first], up(carried + gamma(bits + 4) * norm + lost, 2))
    p, q = problem.keep[first], problem.drop[first]
    rounding = gamma(14 + (0 if problem.rates[first] == HALF else 2 * bits)) * 1.01
    squares, e_squares = moments[:, :, 1], up(rounding * sizes[:, :, 1])
    firsts, e_firsts = moments[:, :, 0], up(rounding * sizes[:, :, 0])
    if slope != 0.0 or problem.slope_errors[first] > 0:
        center = problem.biases[first] + p * columns.sum(axis=1)
        spread = p * q * (columns * columns).sum(axis=1)
        firsts = slope * center + (1 - slope) * firsts
        e_firsts = up(
            (1 + abs(slope)) * e_firsts * (1 + 2.0**-20) + (gamma(bits + 16) * abs(slope) + gamma(4) + 2 * off) * norm,
            3,
        )
        squares = slope * slope * (center * center + spread) + (1 - slope * slope) * squares
        steep = 1 + slope * slope
        e_squares = up(
            steep * e_squares * (1 + 2.0**-20)
            + (gamma(2 * bits + 24) * slope**2 + gamma(5) * steep + 4 * off * (abs(slope) + off)) * (norm * norm),
            5,
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
    output, size = problem.weights[-1], np.abs(problem.weights[-1])
    mean = np.einsum("oi,ei->eo", output, firsts, optimize=False)
    e_firsts = up(e_firsts + step + ETA * 2.0**bits * (4 * bits + 32) * (2 + up(magnitudes.sizes[-1])), 3)
    e_mean = up(
        np.einsum("oi,ei->eo", size, e_firsts, optimize=False)
        + gamma(n + 2) * up(np.einsum("oi,ei->eo", size, np.abs(firsts), optimize=False), n)
        + n * ETA,
        2 * n,
    )
    weights = output**2
    factor = kappa * weights
    value = np.einsum("oi,ei->eo", factor, np.maximum(squares, 0.0), optimize=False)
    error = up(
        np.einsum("oi,ei->eo", up(factor, 2), e_squares, optimize=False)
        + gamma(n + 8) * up(value, n)
        + (n + 4) * ETA * (1 + kappa + up(np.max(magnitudes.sizes[-1], axis=1) ** 2)[:, None]) * (1 + np.max(weights)),
        3 * n,
    )
    return mean, e_mean, value, error


def positive_moments(problem: Problem, columns: Array, counts: Array) -> tuple[Array, Array]:
    """Return E max(z, 0)^k and E(|α| + |β|)^k for k = 1, 2, shapes (m, units, 2)."""
    from exactdropout.numeric.kernels.enumerate.subset_sums import unit_moments

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
