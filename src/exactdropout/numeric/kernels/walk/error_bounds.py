"""Bounds and quantities of one example, number by number: the compiled form of ``bounds.py`` and ``quantities.py``.

docs/error-bounds.md derives every line. In place of η = 2⁻¹⁰⁷⁴ stands 2⁻¹⁰²², the smallest normal float: arithmetic
with subnormal numbers is slow, and a bound may be larger. The array versions in those two modules are the plain
references that the tests compare with.
"""

from __future__ import annotations

import math
from typing import Any

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["NO_GRID", "propagate", "quantities", "total", "up"]

UNIT = 2.0**-53
TINY = 2.0**-1022
SLACK = 1 + 2.0**-30
LARGEST = 2.0**1000
NO_GRID = -(1 << 20)
"""In place of a grid: the numbers are not known to be multiples of one power of 2 that float64 holds."""


@compiled
def up(value: Any, terms: Any) -> Any:
    """Return an upper bound of what ``value``, a float expression of non-negative terms, would be without rounding."""
    return value * SLACK + (terms + 2.0) * TINY


@compiled
def gamma(operations: Any) -> Any:
    """Return an upper bound of γ_k for k ≤ 2²²."""
    return operations * UNIT * SLACK


@compiled
def root(value: float) -> float:
    """Return an upper bound of √value."""
    return math.sqrt(value) * SLACK


@compiled
def tree_error(size: Any, largest: Any, levels: Any) -> Any:
    """Return the error of folding an expectation: 4·levels + 1 roundings."""
    return up(gamma(4 * levels + 1) * size + (32.0 * levels + 512.0) * TINY * (1.0 + largest), 4)


@compiled
def propagate(
    widths: Array,
    units: Array,
    weights: Array,
    weight_offsets: Array,
    biases: Array,
    bias_offsets: Array,
    slopes: Array,
    slope_errors: Array,
    scales: Array,
    exponents: Array,
    weight_grids: Array,
    bias_grids: Array,
    grid: Any,
    hidden: Array,
    sizes: Array,
    errors: Array,
    reaches: Array,
    wrongs: Array,
) -> Any:
    """Carry one example through the layers: h without dropout, and the bounds that hold for every mask.

    Layer l has its units at ``units[l]`` of each of the last five arrays; the inputs stand there already. As in
    :class:`~exactdropout.numeric.float64.bounds.Magnitudes`, ``reaches`` and ``wrongs`` of the units of layer l + 1
    are those of their pre-activations. ``scales[l]`` bounds 1/p from above, or is 1 for a layer that is not dropped;
    ``exponents[l]`` is k where 1/p is an integer below 2⁵³ over 2^k, and −1 otherwise.

    Returns the grid of the outputs, or NO_GRID; a size beyond 2¹⁰⁰⁰ shows in ``reaches`` as infinity.
    """
    depth = widths.shape[0] - 1
    for l in range(depth):
        n, m = widths[l], widths[l + 1]
        here, below = units[l], units[l + 1]
        scale = scales[l]
        largest = 0.0
        for i in range(n):
            largest = max(largest, sizes[here + i])
        furthest = 0.0
        for j in range(m):
            w = weight_offsets[l] + j * n
            bias = biases[bias_offsets[l] + j]
            z = reach = carried = absolute = 0.0
            for i in range(n):
                weight = weights[w + i]
                size = abs(weight)
                z += weight * hidden[here + i]
                reach += size * sizes[here + i]
                carried += size * errors[here + i]
                absolute += size
            lost = TINY * up(n + 2.0 + absolute, n)
            bound = up(abs(bias) + scale * up(reach, n) + lost, n)
            if not (bound < LARGEST and largest * scale < LARGEST):
                bound = math.inf
            furthest = max(furthest, bound)
            hidden[below + j] = z + bias
            reaches[below + j] = bound
            wrongs[below + j] = up(scale * up(carried, n) + gamma(n + 4) * bound + lost, n)
        exact = False
        if grid > NO_GRID and exponents[l] >= 0:
            scaled = grid - exponents[l]
            lowest = min(scaled + weight_grids[l], bias_grids[l], 1023)
            exact = scaled > -1000 and lowest > -1000 and largest * scale < math.ldexp(1.0, min(scaled + 53, 1000))
            exact = exact and furthest < math.ldexp(1.0, min(lowest + 53, 1000))
            grid = lowest
        if not exact:
            grid = NO_GRID
        else:
            for j in range(m):
                wrongs[below + j] = 0.0
        if l == depth - 1:
            break
        slope = slopes[l]
        steepness = max(1.0, abs(slope) * SLACK)
        rounded = slope_errors[l] > 0 or (slope != 0.0 and abs(slope - 1.0) > 0.0)
        off = slope_errors[l] + 2 * UNIT * abs(slope)
        if rounded:
            grid = NO_GRID
        for j in range(m):
            k = below + j
            z = hidden[k]
            hidden[k] = z if z > 0.0 else slope * z
            sizes[k] = up(steepness * reaches[k], 1)
            errors[k] = wrongs[k]
            if rounded:
                errors[k] = up(steepness * wrongs[k] + off * reaches[k] + 4 * TINY * (1 + reaches[k]), 2)
    return grid


@compiled
def quantities(
    first: float,
    second: float,
    noise: float,
    levels: Any,
    fan_in: Any,
    kappa: float,
    weights: Array,
    w: Any,
    sizes: Array,
    errors: Array,
    wrongs: Array,
    here: Any,
    width: Any,
    before: float,
    reach: float,
    wrong: float,
    pivot: float,
    e_pivot: float,
    label: float,
    e_label: float,
    outputs: Any,
    values: Array,
    bounds: Array,
) -> None:
    """Write seven quantities of one output of one example, and their bounds.

    They are the output W(x), mean, variance, and the output's shares of criterion, risk, penalty and bias.

    ``first``, ``second``, ``noise`` are E g, E g², E Σ (w_oj h_j)² as the walk folded them about ``pivot``; ``before``
    bounds every entry of the last walked layer divided by p.
    """
    residual = pivot - label
    e_residual = up(UNIT * abs(residual) + e_label + TINY, 1)
    largest = up(reach + abs(pivot), 1)
    lost = TINY * up(width * (fan_in + 2.0) * (2.0 + before), 3)
    extra = gamma(fan_in + width + 10) if wrongs[here] == 0.0 else 0.0
    e_output = up(wrong + gamma(width + 3) * abs(pivot) + extra * largest + lost, 3)
    # E g and E g²
    room = up((32.0 * levels + 512.0) * TINY * (1 + largest * largest), 1)
    square = up(second + room, 1)
    rms = root(square)
    distance = up(e_output + 2 * UNIT * rms, 1)
    e_second = up(distance * (2 * rms + distance) + tree_error(square, largest * largest, levels), 4)
    e_first = up(distance + tree_error(rms, largest, levels), 3)
    # κ₂ E Σ (w_oj h_j)²
    steep = kappa * (1 + 4 * UNIT) + TINY
    off = squares = 0.0
    for j in range(width):
        a = abs(weights[w + j])
        entry = up(a * sizes[here + j], 1)
        apart = up(a * errors[here + j] + (gamma(2) + extra) * entry + lost, 2)
        off += apart * apart
        squares += entry * entry
    distance = root(up(off, width))
    squares = up(squares, width)
    noise = kappa * noise
    top = up(steep * squares, 1)
    mean = up(noise + (32.0 * levels + 512.0 + width) * TINY * (1 + kappa + squares + top), 3)
    rms = root(mean)
    step = root(steep) * distance
    under = (width + 4.0) * TINY * (1 + kappa + top + squares)
    e_noise = up(step * (2 * rms + step) + tree_error(mean, top, levels) + gamma(width + 56) * mean + under, 8)
    # E (f − y)² = E g² + 2d E g + d²
    cross = 2 * residual * first
    about = second + cross + residual * residual
    bulk = second + abs(cross) + residual * residual
    e_about = up(
        e_second
        + 2 * abs(residual) * e_first
        + 2 * e_residual * (abs(first) + e_first)
        + (2 * abs(residual) + e_residual) * e_residual
        + gamma(6) * up(bulk, 3)
        + 4 * TINY,
        8,
    )
    values[0], bounds[0] = pivot, e_pivot
    values[1] = first + pivot
    bounds[1] = up(e_first + UNIT * abs(values[1]), 1)
    values[2] = max(noise + second - first * first, 0.0)
    bounds[2] = up(
        e_noise
        + e_second
        + 2 * abs(first) * e_first
        + e_first * e_first
        + gamma(4) * up(noise + second + first * first, 1)
        + 2 * TINY,
        6,
    )
    criterion = max(about, 0.0) + noise
    values[3] = criterion
    bounds[3] = up(e_about + e_noise + gamma(outputs + 2) * up(criterion, 1), 1)
    risk = residual * residual
    share = up(e_residual + e_pivot, 1)
    values[4] = risk
    bounds[4] = up(2 * abs(residual) * share + share * share + TINY + gamma(outputs + 2) * up(risk, 1), 3)
    values[5] = noise + second + cross
    bounds[5] = up(
        e_noise
        + e_second
        + 2 * abs(residual) * e_first
        + 2 * e_residual * (abs(first) + e_first)
        + e_pivot * (2 * (abs(residual) + e_residual) + e_pivot)
        + gamma(outputs + 5) * up(noise + second + abs(cross), 2)
        + 4 * TINY,
        8,
    )
    shift = first + 2 * residual
    left = up(e_first + e_pivot, 1)
    right = up(e_first + 2 * e_residual + e_pivot + UNIT * abs(shift), 1)
    values[6] = first * shift
    bounds[6] = up(
        abs(first) * right + abs(shift) * left + left * right + gamma(outputs + 3) * up(abs(values[6]), 1) + 2 * TINY, 4
    )


@compiled
def total(probabilities: Array, values: Array, bounds: Array, sums: Array, place: Any) -> None:
    """Write Σ_e P_e v_e, compensated (Neumaier), to sums[0, place] and its bound to sums[1, place]."""
    m = probabilities.shape[0]
    value = carry = size = error = largest = 0.0
    for e in range(m):
        term = probabilities[e] * values[e]
        after = value + term
        carry += (value - after) + term if abs(value) >= abs(term) else (term - after) + value
        value = after
        size += abs(term)
        error += probabilities[e] * (1 + 4 * UNIT) * bounds[e]
        largest = max(largest, abs(values[e]) + bounds[e])
    sums[0, place] = value + carry
    sums[1, place] = up(up(error, m) + 4 * UNIT * up(size, m) + m * TINY * (2 + 2 * largest), 1)
