"""What comes before the walk: the tables that it reads, each example without dropout, and bounds for all masks.

docs/error-bounds.md derives every line; ``layer_magnitudes`` in :mod:`exactdropout.numeric.float64.bounds` is the plain
reference, for arrays, that the tests compare with.
"""

from __future__ import annotations

import math

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.walk.error_bounds import LARGEST, NO_GRID, SLACK, TINY, UNIT, gamma, up
from exactdropout.numeric.kernels.walk.layout import (
    BASES,
    BIASES,
    COLUMNS,
    DEPTH,
    EXAMPLES,
    EXPONENTS,
    FIRST,
    GRID,
    HEADER,
    INPUT_ERRORS,
    INPUTS,
    MASKS,
    OUTPUTS,
    SIGNS,
    SLOPES,
    STRIDES,
    UNITS,
    WEIGHTS,
)

__all__ = ["begin"]

GROUP = 4
"""Each output has a multiple of so many rows, the last of them zeros."""


@compiled
def begin(plan: Array, numbers: Array, values: Array, tables: Array, groups: Array, about: Array, work: Array) -> None:
    """Fill ``tables``, ``groups`` and ``about`` for each network, a row of ``values``; see :mod:`.layout`.

    ``tables`` gets what each unit of a walked layer adds to the layer above, a row for each unit, and the biases; of
    the last of them once for each output with w_oj ≠ 0, scaled by |w_oj|; and the signs of w_oj. ``groups`` gets where
    each output's rows begin and how many they are, the grids of all weights and of all biases of each layer, and
    whether all that scaling stayed in the range of float64.

    ``about`` gets the record of each example; ``work`` holds hidden values, sizes, errors, reaches and wrongs of the
    units of one example at a time, as in :class:`~exactdropout.numeric.float64.bounds.Magnitudes`, and at the end
    those of the last example with dropout.
    """
    depth, first, examples, outputs = plan[DEPTH], plan[FIRST], plan[EXAMPLES], plan[OUTPUTS]
    last, row = depth - 1, depth + 1
    widths, units = HEADER, HEADER + UNITS * row
    weights_at, biases_at = HEADER + WEIGHTS * row, HEADER + BIASES * row
    strides, columns = HEADER + STRIDES * row, HEADER + COLUMNS * row
    bases, exponents = HEADER + BASES * row, HEADER + EXPONENTS * row
    inputs, input_errors = plan[INPUTS], plan[INPUT_ERRORS]
    slopes, scales = plan[SLOPES], plan[MASKS] + 3 * depth
    width = plan[widths + last]
    every = plan[units + depth] + outputs
    hidden, sizes, errors, reaches, wrongs = 0, every, 2 * every, 3 * every, 4 * every
    starts = 5 * outputs + 1
    own_sizes = starts + plan[widths + first]
    own_errors = own_sizes + width
    grids = 2 * outputs
    for k in range(values.shape[0]):
        for part in range(2 * depth):
            l = part if part < depth else part - depth
            below = plan[widths + l + 1]
            at = plan[weights_at + l] if part < depth else plan[biases_at + l]
            lowest = 1023
            for i in range(at, at + (below * plan[widths + l] if part < depth else below)):
                if values[k, i] != 0.0:
                    mantissa, exponent = math.frexp(values[k, i])
                    whole = int(mantissa * 9007199254740992.0)
                    lowest = min(lowest, exponent - 54 + math.frexp(float(whole & -whole))[1])
            groups[k, grids + part] = lowest
        for l in range(first, last - 1):
            n, below, stride = plan[widths + l], plan[widths + l + 1], plan[strides + l]
            column, base = plan[columns + l], plan[bases + l]
            for j in range(stride):
                inside = j < below
                tables[k, base + j] = values[k, plan[biases_at + l] + j] if inside else 0.0
                for i in range(n):
                    tables[k, column + i * stride + j] = values[k, plan[weights_at + l] + j * n + i] if inside else 0.0
        fine = True
        if first < last:
            l = last - 1
            n, stride = plan[widths + l], plan[strides + l]
            column, base, signs = plan[columns + l], plan[bases + l], plan[SIGNS]
            count = 0
            for o in range(outputs):
                groups[k, 2 * o] = count
                for j in range(width):
                    weight = values[k, plan[weights_at + last] + o * width + j]
                    if weight != 0.0:
                        tables[k, signs + count] = 1.0 if weight > 0.0 else -1.0
                        scale = abs(weight)
                        entry = values[k, plan[biases_at + l] + j] * scale
                        fine = fine and math.isfinite(entry)
                        tables[k, base + count] = entry
                        for i in range(n):
                            entry = values[k, plan[weights_at + l] + j * n + i] * scale
                            fine = fine and math.isfinite(entry)
                            tables[k, column + i * stride + count] = entry
                        count += 1
                end = stride if o == outputs - 1 else count + (groups[k, 2 * o] - count) % GROUP
                groups[k, 2 * o + 1] = (count - groups[k, 2 * o] + GROUP - 1) // GROUP * GROUP
                for rest in range(count, end):
                    tables[k, signs + rest] = 0.0
                    tables[k, base + rest] = 0.0
                    for i in range(n):
                        tables[k, column + i * stride + rest] = 0.0
                count = groups[k, 2 * o] + groups[k, 2 * o + 1]
        groups[k, grids + 2 * depth] = 1 if fine else 0
        for e in range(examples):
            for dropout in range(2):
                grid = plan[GRID]
                for i in range(plan[widths]):
                    x, off = numbers[inputs + e * plan[widths] + i], numbers[input_errors + e * plan[widths] + i]
                    work[hidden + i] = x
                    work[sizes + i] = up(abs(x) + off, 1)
                    work[errors + i] = off
                for l in range(depth):
                    n, m = plan[widths + l], plan[widths + l + 1]
                    here, below = plan[units + l], plan[units + l + 1]
                    scale = numbers[scales + l] if dropout else 1.0
                    exponent = plan[exponents + l] if dropout else 0
                    largest = 0.0
                    for i in range(n):
                        largest = max(largest, work[sizes + here + i])
                    furthest = 0.0
                    for j in range(m):
                        w = plan[weights_at + l] + j * n
                        bias = values[k, plan[biases_at + l] + j]
                        z = reach = carried = absolute = 0.0
                        for i in range(n):
                            weight = values[k, w + i]
                            size = abs(weight)
                            z += weight * work[hidden + here + i]
                            reach += size * work[sizes + here + i]
                            carried += size * work[errors + here + i]
                            absolute += size
                        lost = TINY * up(n + 2.0 + absolute, n)
                        bound = up(abs(bias) + scale * up(reach, n) + lost, n)
                        if not (bound < LARGEST and largest * scale < LARGEST):
                            bound = math.inf
                        furthest = max(furthest, bound)
                        work[hidden + below + j] = z + bias
                        work[reaches + below + j] = bound
                        work[wrongs + below + j] = up(scale * up(carried, n) + gamma(n + 4) * bound + lost, n)
                    exact = False
                    if grid > NO_GRID and exponent >= 0:
                        scaled = grid - exponent
                        lowest = min(scaled + groups[k, grids + l], groups[k, grids + depth + l], 1023)
                        exact = (
                            scaled > -1000
                            and lowest > -1000
                            and largest * scale < math.ldexp(1.0, min(scaled + 53, 1000))
                            and furthest < math.ldexp(1.0, min(lowest + 53, 1000))
                        )
                        grid = lowest
                    if not exact:
                        grid = NO_GRID
                    else:
                        for j in range(m):
                            work[wrongs + below + j] = 0.0
                    if l == last:
                        break
                    slope, off = numbers[slopes + l], numbers[slopes + depth + l]
                    steepness = max(1.0, abs(slope) * SLACK)
                    rounded = off > 0 or (slope != 0.0 and abs(slope - 1.0) > 0.0)
                    off += 2 * UNIT * abs(slope)
                    if rounded:
                        grid = NO_GRID
                    for j in range(below, below + m):
                        z, reach, wrong = work[hidden + j], work[reaches + j], work[wrongs + j]
                        work[hidden + j] = z if z > 0.0 else slope * z
                        work[sizes + j] = up(steepness * reach, 1)
                        work[errors + j] = (
                            up(steepness * wrong + off * reach + 4 * TINY * (1 + reach), 2) if rounded else wrong
                        )
                out, here = plan[units + depth], plan[units + last]
                if dropout:
                    before = 0.0
                    if last > 0:
                        for i in range(plan[units + last - 1], here):
                            before = max(before, work[sizes + i])
                        before *= numbers[scales + last - 1]
                    about[k, e, 5 * outputs] = before
                    for o in range(outputs):
                        about[k, e, 3 * outputs + o] = work[reaches + out + o]
                        about[k, e, 4 * outputs + o] = work[wrongs + out + o]
                    for i in range(width):
                        about[k, e, own_sizes + i] = work[sizes + here + i]
                        about[k, e, own_errors + i] = work[errors + here + i]
                else:
                    for o in range(outputs):
                        about[k, e, o] = work[hidden + out + o]
                        about[k, e, outputs + o] = work[wrongs + out + o]
                        about[k, e, 2 * outputs + o] = values[k, plan[biases_at + last] + o] - work[hidden + out + o]
                    for i in range(plan[widths + first]):
                        about[k, e, starts + i] = work[hidden + plan[units + first] + i]
