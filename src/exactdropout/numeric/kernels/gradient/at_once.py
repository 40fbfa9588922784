"""Gradients of few masks in one call: bounds of every layer, sums over masks, entries and their bounds.

The kernels and their order are those of the long way through a plan, a grid and a runner, and so are the bits.
"""

from __future__ import annotations

import math

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.blocks import block_space, block_sums, row_size
from exactdropout.numeric.kernels.gradient.bounds import Rounding, entry_bounds, forward_bounds
from exactdropout.numeric.kernels.gradient.layout import Layer, Layers, Reach, Rows
from exactdropout.numeric.kernels.gradient.one_layer import Slopes, add_items, layer_gradients
from exactdropout.numeric.kernels.gradient.two_layers import Nested, nested_examples
from exactdropout.numeric.kernels.simd.aligned import aligned
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.vectors import LANES
from exactdropout.numeric.kernels.walk.error_bounds import LARGEST

__all__ = ["one_layer_at_once", "two_layers_at_once"]

HEAVIEST, FAINTEST = 2.0**10, 2.0**-500
"""Sizes of output weights whose squares may be multiplied by E h²; docs/error-bounds.md, step 8b."""


@compiled
def one_layer_at_once(
    net: Layers, rows: Rows, grid: int, lost: Array, about: Array, order: Array, items: Array, rounding: Rounding,
    roundings: float, both: Array, folded: Array,
) -> int:  # fmt: skip
    """Add entries and bounds of the gradient of one hidden layer to the rows of ``both``, weights first, then biases.

    Write E g, E g², E Σ (w_oj h_j)² of each example where it stands in ``order`` to ``folded``, a vector for each
    output, g the output less the pivot; ``about`` holds the records of
    :mod:`~exactdropout.numeric.kernels.walk.layout`. Return 0 where a number leaves the range of float64, 1 where
    ``folded`` must not be used, since squares of weights or units leave it or what underflows may count, and else 2.
    """
    m, width, below, outputs = rows.inputs.shape[0], net.places[0, 0], net.places[0, 1], net.places[0, 2]
    every = net.places[1, 2] + outputs
    reach = Reach(np.empty((m, every)), np.empty((m, every)), np.empty((m, every)), np.empty((m, every)))
    if not forward_bounds(net, rows, grid, np.empty((2, 2), dtype=np.int64), reach) < LARGEST:
        return 0
    cut = net.places[2, 1]
    layer = Layer(
        net.weights[:cut].reshape((below, width)), net.biases[:below], net.weights[cut:].reshape((outputs, below)),
        net.slopes[0, 0], net.masks[0, 0], net.masks[1, 0], net.masks[2, 0], net.kappa,
    )  # fmt: skip
    constants, thresholds = np.empty((m, outputs, 2)), np.empty((m, below))
    for e in range(m):
        for o in range(outputs):
            constants[e, o, 0] = about[order[e], 2 * outputs + o]
            constants[e, o, 1] = net.biases[below + o] - rows.labels[e, o]
        for j in range(below):
            thresholds[e, j] = reach.wrongs[e, width + j]
    integers, floats = block_space(width, below, outputs)
    sums = np.empty((items.shape[0], row_size(width, below, outputs)))
    counts, space = np.empty(integers, dtype=np.int64), aligned(floats)
    block_sums(layer, rows.inputs, constants, thresholds, items, 0, math.inf, counts, space, sums)
    if items.shape[0] > m:
        add_items(items, sums)
    entries, bounds = both[0], both[1]
    whole = cut + outputs * below
    doubts = np.empty((m, below))
    slopes = Slopes(
        entries[:cut].reshape((below, width)), entries[cut:whole].reshape((outputs, below)),
        entries[whole : whole + below], entries[whole + below :],
    )  # fmt: skip
    layer_gradients(layer, rows, constants, items, sums, np.empty((3, below)), slopes, doubts, roundings)
    begin, values = 0, sums.shape[1] - 3 * outputs
    for e in range(m):
        if lost[e]:
            for j in range(below):
                doubts[e, j] = 1.0
        for o in range(outputs):
            for k in range(3):
                folded[order[e], LANES * o + k] = sums[begin, values + 3 * o + k]
        begin += 1 << items[begin, 1]
    work = np.empty((4, max(width, below, outputs)))
    largest = entry_bounds(net, rows, reach, doubts, rounding, work, bounds[:whole], bounds[whole:])
    if not (largest < LARGEST and finite(both)):
        return 0
    return 2 if squares_of(layer.output_weights) and finite(folded) else 1


@compiled
def squares_of(weights: Array) -> bool:
    """Return whether Σ_i w_i² E h_i² loses nothing that counts to underflow: each weight is 0 or has a usual size."""
    for o in range(weights.shape[0]):
        for i in range(weights.shape[1]):
            size = abs(weights[o, i])
            if size > HEAVIEST or 0.0 < size < FAINTEST:
                return False
    return True


@compiled
def finite(both: Array) -> bool:
    """Return whether all numbers are finite."""
    total = 0.0
    for k in range(both.shape[0]):
        for i in range(both.shape[1]):
            total += abs(both[k, i])
    return bool(total < math.inf)


@compiled
def two_layers_at_once(
    net: Layers, rows: Rows, grid: int, lane_weights: Array, faint: bool, rounding: Rounding, both: Array
) -> bool:
    """Write entries and bounds of the gradient of two hidden layers to the rows of ``both``.

    Return False where a sign is in doubt or a number leaves the range of float64.
    """
    m, outputs = rows.inputs.shape[0], net.places[0, 3]
    width, below, n = net.places[0, 0], net.places[0, 1], net.places[0, 2]
    every = net.places[1, 3] + outputs
    reach = Reach(np.empty((m, every)), np.empty((m, every)), np.empty((m, every)), np.empty((m, every)))
    if not forward_bounds(net, rows, grid, np.empty((2, 3), dtype=np.int64), reach) < LARGEST:
        return False
    first, second = net.places[2, 1], net.places[2, 2]
    nested = Nested(
        net.weights[:first].reshape((below, width)), net.biases[:below],
        net.weights[first:second].reshape((n, below)), net.biases[below : below + n],
        net.weights[second:].reshape((outputs, n)), net.biases[below + n :],
        net.slopes[0], net.masks[0], net.masks[1], net.masks[2], net.kappa, lane_weights, faint,
    )  # fmt: skip
    first_wrongs, second_wrongs = np.empty((m, below)), np.empty((m, n))
    for e in range(m):
        for j in range(below):
            first_wrongs[e, j] = reach.wrongs[e, width + j]
        for j in range(n):
            second_wrongs[e, j] = reach.wrongs[e, width + below + j]
    found = np.empty((m, both.shape[1] + 1))
    nested_examples(nested, rows.inputs, rows.labels, first_wrongs, second_wrongs, 0, m, found)
    entries, bounds = both[0], both[1]
    for e in range(m):
        if found[e, entries.shape[0]] != 0.0:
            return False
        for k in range(entries.shape[0]):
            entries[k] += rows.chances[e] * found[e, k]
    cut = net.weights.shape[0]
    work, doubts = np.empty((4, max(width, below, n, outputs))), np.zeros((m, 1))
    largest = entry_bounds(net, rows, reach, doubts, rounding, work, bounds[:cut], bounds[cut:])
    return largest < LARGEST and finite(both)
