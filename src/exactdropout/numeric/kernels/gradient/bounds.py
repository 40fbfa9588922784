"""A bound of the error of each entry of the gradient; docs/error-bounds.md, step 8, derives every line.

Away from kinks the gradient is a smooth function of the hidden values, and its rounding errors propagate backwards like
those of the values forwards. Masks for which a sign is in doubt count with their probability, times twice the largest
possible gradient. 2⁻¹⁰²², the smallest normal float, stands for η: a bound may be larger, and subnormals are slow.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.gradient.layout import Layers, Reach, Rows
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine
from exactdropout.numeric.kernels.walk.error_bounds import LARGEST, NO_GRID, TINY, UNIT, gamma, up

__all__ = ["Rounding", "entry_bounds", "forward_bounds"]

SLACK = 1 + 2.0**-29


class Rounding(NamedTuple):
    """What one way to sum over masks adds to the errors.

    Every sum over masks meets at most ``operations``·``coarse`` roundings, relative to the sizes of the recurrence, and
    loses at most ``lost``·(1 + size) to underflow. Errors are multiplied by ``coarse`` where φ enters in two parts, σz
    and (1 − σ) max(z, 0). ``outputs``: doubts also change ∂/∂w of the output layer.
    """

    operations: float
    lost: float
    coarse: float
    outputs: float


@subroutine
def common_grid(values: Array, begin: Any, end: Any) -> Any:
    """Return the largest g ≤ 1023 such that all these values are integer multiples of 2^g."""
    grid = 1023
    for k in range(begin, end):
        if values[k] != 0.0:
            mantissa, exponent = math.frexp(values[k])
            integer = np.int64(mantissa * 9007199254740992.0)
            lowest = math.frexp(np.float64(integer & -integer))[1] - 1
            grid = min(grid, exponent - 53 + lowest)
    return grid


@compiled
def forward_bounds(net: Layers, rows: Rows, grid: int, grids: Array, reach: Reach) -> float:
    """Fill ``reach`` example by example; return the largest size, which must stay below 2¹⁰⁰⁰.

    ``grid`` is that of the inputs; ``grids`` gets those of weights and biases.
    """
    widths, units = net.places[0], net.places[1]
    depth = widths.shape[0] - 1
    inputs, errors = rows.inputs, rows.input_errors
    sizes, wrong_values, reaches, wrongs = reach.sizes, reach.errors, reach.reaches, reach.wrongs
    if grid > NO_GRID:
        for l in range(depth):
            grids[0, l] = common_grid(net.weights, net.places[2, l], net.places[2, l + 1])
            grids[1, l] = common_grid(net.biases, net.places[3, l], net.places[3, l + 1])
    largest = 0.0
    for e in range(inputs.shape[0]):
        for i in range(widths[0]):
            sizes[e, i] = up(abs(inputs[e, i]) + errors[e, i], 1)
            wrong_values[e, i] = errors[e, i]
        lattice = grid
        for l in range(depth):
            n, m, here, below = widths[l], widths[l + 1], units[l], units[l + 1]
            scale, exponent = net.masks[3, l], net.marks[1, l]
            highest = 0.0
            for i in range(here, here + n):
                highest = max(highest, sizes[e, i] * scale)
            largest = max(largest, highest)
            furthest = 0.0
            for j in range(m):
                bound = carried = absolute = 0.0
                for i in range(n):
                    weight = abs(net.weights[net.places[2, l] + j * n + i])
                    bound += weight * sizes[e, here + i]
                    carried += weight * wrong_values[e, here + i]
                    absolute += weight
                lost = TINY * up(n + 2.0 + absolute, n)
                bound = up(abs(net.biases[net.places[3, l] + j]) + scale * up(bound, n) + lost, n)
                furthest = max(furthest, bound)
                reaches[e, below + j] = bound
                wrongs[e, below + j] = up(scale * up(carried, n) + gamma(n + 4) * bound + lost, n)
            if not furthest < LARGEST:
                return math.inf
            largest = max(largest, furthest)
            exact = False
            if lattice > NO_GRID and exponent >= 0:
                scaled = lattice - exponent
                lattice = min(scaled + grids[0, l], grids[1, l], 1023)
                exact = scaled > -1000 and lattice > -1000 and highest < math.ldexp(1.0, min(scaled + 53, 1000))
                exact = exact and furthest < math.ldexp(1.0, min(lattice + 53, 1000))
            if not exact:
                lattice = NO_GRID
            else:
                for j in range(below, below + m):
                    wrongs[e, j] = 0.0
            if l == depth - 1:
                break
            slope, off = net.slopes[0, l], net.slopes[1, l]
            steep = max(1.0, abs(slope) * SLACK)
            rounded = off > 0.0 or slope * (1.0 - slope) != 0.0
            off += 2 * UNIT * abs(slope)
            if rounded:
                lattice = NO_GRID
            for j in range(below, below + m):
                bound, wrong = reaches[e, j], wrongs[e, j]
                sizes[e, j] = up(steep * bound, 1)
                wrong_values[e, j] = up(steep * wrong + off * bound + 4 * TINY * (1 + bound), 2) if rounded else wrong
    return float(largest)


@compiled
def entry_bounds(
    net: Layers, rows: Rows, reach: Reach, doubts: Array, rounding: Rounding, work: Array, weights: Array, biases: Array
) -> float:
    """Add bounds of the entries of Σ_e P_e ∂Q_e to ``weights`` and ``biases``; return the largest size met.

    ``doubts`` has a row for each example: the probability of a mask with an uncertain sign, once, or of an uncertain
    sign of each unit of the only hidden layer. ``work`` (4 × the widest layer) holds sizes and errors of two layers.
    """
    widths, units, weight_at, bias_at = net.places[0], net.places[1], net.places[2], net.places[3]
    depth = widths.shape[0] - 1
    last = depth - 1
    n, outputs = widths[last], widths[depth]
    g = rounding.operations * rounding.coarse * UNIT * SLACK
    lost, coarse = rounding.lost, rounding.coarse
    kappa = net.kappa * (1 + 4 * UNIT) + TINY
    extra = (rows.inputs.shape[0] + 10.0) * UNIT * SLACK
    single = doubts.shape[1] == 1
    largest = 0.0
    for e in range(rows.inputs.shape[0]):
        p = rows.chances[e] * (1 + 4 * UNIT) + TINY
        this, following = 0, 2  # rows of work: sizes, and below them errors
        here, out = units[last], units[depth]
        for i in range(n):
            work[this, i] = 0.0
            work[this + 1, i] = 0.0
        for o in range(outputs):
            y, e_y = abs(rows.labels[e, o]), rows.label_errors[e, o]
            r = (reach.reaches[e, out + o] + y + e_y) * SLACK + 4 * TINY
            e_r = coarse * reach.wrongs[e, out + o] + e_y + (g + 4 * UNIT) * r + lost * (1 + r)
            k = bias_at[last] + o
            biases[k] += p * (2 * e_r + lost * (1 + 2 * r) + (g + extra) * 2 * r)
            largest = max(largest, r)
            for i in range(n):
                k = weight_at[last] + o * n + i
                w, s, off = abs(net.weights[k]), reach.sizes[e, here + i], coarse * reach.errors[e, here + i]
                c = 2 * (r + kappa * w * s) * SLACK
                e_c = 2 * (e_r + kappa * w * off) + (g + 16 * UNIT) * c + lost * (1 + kappa + w * s)
                whole = c * s
                wrong = c * off + e_c * (s + off) + (g + 4 * UNIT) * whole + lost * (1 + whole)
                if rounding.outputs > 0.0:
                    chance = (doubts[e, 0 if single else i] + lost) * (1 + g) * SLACK * net.masks[3, last - 1]
                    wrong += 2 * min(1.0, chance) * whole
                weights[k] += p * (wrong + extra * whole)
                work[this, i] += w * c
                work[this + 1, i] += w * e_c
                largest = max(largest, whole)
        terms = outputs
        scale = 1.0
        kinked = False
        for l in range(last - 1, -1, -1):
            n_above, n_below = widths[l + 1], widths[l]
            here = units[l]
            slope, e_slope = abs(net.slopes[0, l]), net.slopes[1, l]
            steep = max(1.0, slope * SLACK)
            rounded = 0.0
            if e_slope > 0.0 or (slope != 0.0 and abs(net.slopes[0, l] - 1.0) > 0.0):
                rounded = coarse * (e_slope + 8 * UNIT * (1 + slope))
            kinked = kinked or net.slopes[0, l] != 1.0 or e_slope > 0.0  # here or further up: signs matter
            scale = scale * net.masks[3, l] * SLACK
            for i in range(n_below):
                work[following, i] = 0.0
                work[following + 1, i] = 0.0
            for j in range(n_above):
                d = (work[this, j] * SLACK + (terms + 4) * TINY) * steep
                e_d = (work[this + 1, j] + (terms + 8) * UNIT * d) * SLACK * steep * coarse + rounded * d + g * d
                e_d = e_d * SLACK + lost * (1 + d)
                share = 0.0
                if kinked:
                    share = 2 * min(1.0, (doubts[e, 0 if single else j] + lost) * (1 + g) * scale)
                k = bias_at[l] + j
                biases[k] += p * (e_d + (share + extra) * d)
                largest = max(largest, d)
                for i in range(n_below):
                    k = weight_at[l] + j * n_below + i
                    w, s, off = abs(net.weights[k]), reach.sizes[e, here + i], reach.errors[e, here + i]
                    whole = d * s
                    wrong = e_d * (s + off) + d * off + (g + 8 * UNIT) * whole + lost * (1 + whole)
                    weights[k] += p * (wrong + (share + extra) * whole)
                    largest = max(largest, whole)
                    work[following, i] += w * d
                    work[following + 1, i] += w * e_d
            this, following = following, this
            terms = n_above
    for k in range(weights.shape[0]):
        weights[k] = weights[k] * SLACK + TINY
    for k in range(biases.shape[0]):
        biases[k] = biases[k] * SLACK + TINY
    return float(largest)
