"""What comes after the walk: quantities of each example with their bounds, and their expectations over the examples.

docs/error-bounds.md derives every line; :mod:`exactdropout.numeric.float64.quantities` is the plain reference.
"""

from __future__ import annotations

import math

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.simd.vectors import LANES
from exactdropout.numeric.kernels.walk.error_bounds import SLACK, TINY, UNIT, gamma, root, tree_error, up
from exactdropout.numeric.kernels.walk.layout import (
    DEPTH,
    EXAMPLES,
    FIRST,
    HEADER,
    KAPPA,
    LABEL_ERRORS,
    LABELS,
    LEVELS,
    OUTPUTS,
    PROBABILITIES,
    SPLIT,
    WEIGHTS,
)

__all__ = ["finish"]


@compiled
def finish(plan: Array, numbers: Array, values: Array, about: Array, folded: Array, result: Array) -> None:
    """Fill a row of ``result`` for each network: 2 × (5 + K) sums (criterion, risk, penalty, bias, variance, means),
    2 × 3 × m × K shares (output, mean, variance), 2 × 4 × m scalars (criterion, risk, penalty, bias), values first and
    then their bounds, and at the end 1, or 0 where any number left the range of float64.

    ``folded`` holds E g, E g², E Σ (w_oj h_j)² of each network, example and output, a vector each, as the walk folded
    them about the pivot; where nothing is walked, it is not read.
    """
    depth, first, examples, outputs = plan[DEPTH], plan[FIRST], plan[EXAMPLES], plan[OUTPUTS]
    levels, kappa, split = plan[LEVELS], numbers[plan[KAPPA]], gamma(plan[SPLIT])
    last = depth - 1
    width = plan[HEADER + last]
    fan_in = plan[HEADER + last - 1] if last > 0 else 0
    own_weights = plan[HEADER + WEIGHTS * (depth + 1) + last]
    starts = 5 * outputs + 1
    sizes = starts + plan[HEADER + first]
    errors = sizes + width
    count = 5 + outputs
    shares = 2 * count
    each = examples * outputs
    scalars = shares + 6 * each
    for k in range(values.shape[0]):
        fine = True
        for e in range(examples):
            before = about[k, e, 5 * outputs]
            for i in range(8):
                result[k, scalars + i * examples + e] = 0.0
            for o in range(outputs):
                w = own_weights + o * width
                pivot, e_pivot = about[k, e, o], about[k, e, outputs + o]
                reach, wrong = about[k, e, 3 * outputs + o], about[k, e, 4 * outputs + o]
                label, e_label = numbers[plan[LABELS] + e * outputs + o], numbers[plan[LABEL_ERRORS] + e * outputs + o]
                if first < last:
                    mean_g, second, noise = (
                        folded[k, e, LANES * o],
                        folded[k, e, LANES * o + 1],
                        folded[k, e, LANES * o + 2],
                    )
                else:
                    mean_g = second = noise = 0.0
                    for i in range(width):
                        term = values[k, w + i] * about[k, e, starts + i]
                        noise += term * term
                residual = pivot - label
                e_residual = up(UNIT * abs(residual) + e_label + TINY, 1)
                largest = up(reach + abs(pivot), 1)
                lost = TINY * up(width * (fan_in + 2.0) * (2.0 + before), 3)
                extra = gamma(fan_in + width + 10) if wrong == 0.0 else 0.0
                e_output = up(wrong + gamma(width + 3) * abs(pivot) + (extra + split) * largest + lost, 3)
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
                    a = abs(values[k, w + j])
                    entry = up(a * about[k, e, sizes + j], 1)
                    apart = up(a * about[k, e, errors + j] + (gamma(2) + extra + split) * entry + lost, 2)
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
                e_noise = up(
                    step * (2 * rms + step) + tree_error(mean, top, levels) + gamma(width + 56) * mean + under, 8
                )
                # E (f − y)² = E g² + 2d E g + d²
                cross = 2 * residual * mean_g
                about_label = second + cross + residual * residual
                bulk = second + abs(cross) + residual * residual
                e_about = up(
                    e_second
                    + 2 * abs(residual) * e_first
                    + 2 * e_residual * (abs(mean_g) + e_first)
                    + (2 * abs(residual) + e_residual) * e_residual
                    + gamma(6) * up(bulk, 3)
                    + 4 * TINY,
                    8,
                )
                mean_output = mean_g + pivot
                variance = max(noise + second - mean_g * mean_g, 0.0)
                e_variance = up(
                    e_noise
                    + e_second
                    + 2 * abs(mean_g) * e_first
                    + e_first * e_first
                    + gamma(4) * up(noise + second + mean_g * mean_g, 1)
                    + 2 * TINY,
                    6,
                )
                at = shares + e * outputs + o
                result[k, at], result[k, at + 3 * each] = pivot, e_pivot
                result[k, at + each] = mean_output
                result[k, at + 4 * each] = up(e_first + UNIT * abs(mean_output), 1)
                result[k, at + 2 * each], result[k, at + 5 * each] = variance, e_variance
                share = up(e_residual + e_pivot, 1)
                shift = mean_g + 2 * residual
                left = up(e_first + e_pivot, 1)
                right = up(e_first + 2 * e_residual + e_pivot + UNIT * abs(shift), 1)
                criterion = max(about_label, 0.0) + noise
                risk = residual * residual
                penalty = noise + second + cross
                bias = mean_g * shift
                e_criterion = up(e_about + e_noise + gamma(outputs + 2) * up(criterion, 1), 1)
                e_risk = up(2 * abs(residual) * share + share * share + TINY + gamma(outputs + 2) * up(risk, 1), 3)
                e_penalty = up(
                    e_noise
                    + e_second
                    + 2 * abs(residual) * e_first
                    + 2 * e_residual * (abs(mean_g) + e_first)
                    + e_pivot * (2 * (abs(residual) + e_residual) + e_pivot)
                    + gamma(outputs + 5) * up(noise + second + abs(cross), 2)
                    + 4 * TINY,
                    8,
                )
                e_bias = up(
                    abs(mean_g) * right
                    + abs(shift) * left
                    + left * right
                    + gamma(outputs + 3) * up(abs(bias), 1)
                    + 2 * TINY,
                    4,
                )
                at = scalars + e
                result[k, at] += criterion
                result[k, at + examples] += risk
                result[k, at + 2 * examples] += penalty
                result[k, at + 3 * examples] += bias
                at += 4 * examples
                result[k, at] = up(result[k, at] + e_criterion, 1)
                result[k, at + examples] = up(result[k, at + examples] + e_risk, 1)
                result[k, at + 2 * examples] = up(result[k, at + 2 * examples] + e_penalty, 1)
                result[k, at + 3 * examples] = up(result[k, at + 3 * examples] + e_bias, 1)
                fine = fine and math.isfinite(mean_output) and math.isfinite(variance + e_variance)
                fine = fine and math.isfinite(pivot) and math.isfinite(e_pivot)
            for i in range(8):
                fine = fine and math.isfinite(result[k, scalars + i * examples + e])
        for place in range(count):  # Σ_e P_e v_e, compensated (Neumaier)
            value = carry = size = error = most = 0.0
            for e in range(examples):
                v = bound = 0.0
                if place < 4:
                    v = result[k, scalars + place * examples + e]
                    bound = result[k, scalars + (4 + place) * examples + e]
                elif place == 4:
                    for o in range(outputs):
                        v += result[k, shares + 2 * each + e * outputs + o]
                        bound += result[k, shares + 5 * each + e * outputs + o]
                    bound = up(bound + outputs * UNIT * SLACK * up(v, outputs), outputs)
                else:
                    v = result[k, shares + each + e * outputs + place - 5]
                    bound = result[k, shares + 4 * each + e * outputs + place - 5]
                p = numbers[plan[PROBABILITIES] + e]
                term = p * v
                after = value + term
                carry += (value - after) + term if abs(value) >= abs(term) else (term - after) + value
                value = after
                size += abs(term)
                error += p * (1 + 4 * UNIT) * bound
                most = max(most, abs(v) + bound)
            value += carry
            bound = up(up(error, examples) + 4 * UNIT * up(size, examples) + examples * TINY * (2 + 2 * most), 1)
            result[k, place], result[k, count + place] = value, bound
            fine = fine and math.isfinite(value) and math.isfinite(bound)
        result[k, -1] = 1.0 if fine else 0.0
