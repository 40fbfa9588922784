"""The error bound of the float64 Hessian-vector product; docs/error-bounds.md, step 8c, derives it.

The walk with tangents is a sequence of sums and products of quantities that, with the signs fixed, depend smoothly on
the weights. Each is carried as a pair: a size that bounds exact and computed value on every mask, and an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.float64.bounds import LARGEST, gamma, up
from exactdropout.numeric.float64.derivatives.prepared import TINY, Prepared, views
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem, out_of_range

__all__ = ["Sized", "hessian_bounds"]


@dataclass(frozen=True)
class Sized:
    """Arrays with |v|, |v̂| ≤ size and |v̂ − v| ≤ error, for every mask."""

    size: Array
    error: Array

    def plus(self, *others: Sized) -> Sized:
        """Return the sum, rounded once for each further term."""
        size, error = self.size, self.error
        for other in others:
            size, error = size + other.size, error + other.error
        size = up(size)
        return Sized(size, up(error + gamma(len(others)) * size))

    def times(self, other: Sized) -> Sized:
        """Return the product, rounded once."""
        size = up(self.size * other.size)
        error = self.size * other.error + self.error * other.size + self.error * other.error
        return Sized(size, up(error + UNIT * size + ETA, 4))

    def scaled(self, factor: float, roundings: int = 1) -> Sized:
        """Return the product with a constant that has itself at most ``roundings`` − 1 roundings."""
        size = up(abs(factor) * (1 + 8 * UNIT) * self.size)
        return Sized(
            size, up(abs(factor) * (1 + 8 * UNIT) * self.error + gamma(roundings) * size + ETA * (1 + self.size), 3)
        )

    def contracted(self, subscripts: str, other: Sized, terms: int) -> Sized:
        """Return a sum of ``terms`` products, in any order."""

        def product(a: Array, b: Array) -> Array:
            result: Array = np.einsum(subscripts, a, b, optimize=False)
            return result

        size = up(product(self.size, other.size), terms)
        error = product(self.size, other.error) + product(self.error, other.size) + product(self.error, other.error)
        lost = (terms + 2) * ETA
        return Sized(up(size + lost), up(error + gamma(terms + 1) * size + lost, 4 * terms))

    def folded(self, levels: int) -> Sized:
        """Return the expectation over the masks below: four roundings for each level."""
        lost = (levels + 4) * ETA * (2 + 2 * self.size)
        return Sized(up(self.size + lost), up(self.error + gamma(4 * levels + 4) * self.size + lost, 2))


def _constant(values: Array, examples: int) -> Sized:
    size = np.broadcast_to(np.abs(values), (examples, *values.shape))
    return Sized(size, np.zeros(size.shape))


def hessian_bounds(prepared: Prepared, direction: Direction, doubt: Array) -> Array:
    """Return a bound of the error of each entry of H·V, flat, first of all weights, then of all biases.

    ``doubt`` is, for each example, the computed probability of a mask with an uncertain sign.
    """
    problem = prepared.problem
    levels = sum(problem.widths[l] for l in range(len(problem.weights) - 1) if problem.rates[l] > 0)
    chance = np.minimum(1.0, up(doubt + (levels + 2) * TINY * 4) * (1 + gamma(4 * levels + 4)))
    m = problem.examples
    p = prepared.rows.chances * (1 + 4 * UNIT) + TINY
    bounds = np.zeros(int(prepared.net.places[2, -1] + prepared.net.places[3, -1]))
    layers = zip(*views(bounds, problem), strict=True)
    largest = 0.0
    for (entries, scale), place in zip(
        _entries(prepared, direction, levels), (a for pair in reversed(list(layers)) for a in pair), strict=True
    ):
        share = np.minimum(1.0, chance * scale).reshape(m, *([1] * place.ndim))
        error = up(entries.error + 2 * up(share * entries.size) + gamma(m + 6) * entries.size, 3)
        place[...] = up(np.einsum("e...,e->...", error, p), m)
        largest = max(largest, float(entries.size.max()))
    if not largest < LARGEST:
        raise out_of_range("network")
    return bounds


def _through(problem: Problem, layer: int, value: Sized) -> Sized:
    """Return φ′·value: a factor 1 or the slope."""
    slope = abs(problem.slopes[layer])
    if slope in (0.0, 1.0) and problem.slope_errors[layer] == 0:
        return value
    steepness = max(1.0, slope * (1 + 2.0**-30))
    off = problem.slope_errors[layer] + 2 * UNIT * slope
    return Sized(up(steepness * value.size), up(steepness * value.error + off * value.size + 2 * ETA, 2))


def _entries(prepared: Prepared, direction: Direction, levels: int) -> list[tuple[Sized, float]]:
    """Return the entries of H·V, last layer first, and for each the largest 1/P(the units on its paths are kept)."""
    problem, reach = prepared.problem, prepared.reach
    m, last = problem.examples, len(problem.weights) - 1
    weights = [_constant(w, m) for w in problem.weights]
    changes = [_constant(w, m) for w in direction.weights]
    hidden = [Sized(prepared.of_layer(reach.sizes, l), prepared.of_layer(reach.errors, l)) for l in range(last + 1)]
    tangents = [Sized(np.zeros_like(hidden[0].size), np.zeros_like(hidden[0].size))]
    for l in range(last + 1):
        n = problem.widths[l]
        scale = float(problem.inverse_keep[l]) if l < last and problem.rates[l] > 0 else 1.0
        moved = changes[l].contracted("eji,ei->ej", hidden[l], n)
        carried = weights[l].contracted("eji,ei->ej", tangents[l], n)
        z = moved.plus(carried).scaled(scale, n + 6).plus(_constant(direction.biases[l], m))
        tangents.append(_through(problem, l, z) if l < last else z)
    h, dh, w, dw = hidden[last], tangents[last], weights[last], changes[last]
    labels = Sized(np.abs(prepared.rows.labels), prepared.rows.label_errors)
    outputs = (prepared.of_layer(values, last + 1) for values in (reach.reaches, reach.wrongs))
    r = Sized(*outputs).plus(labels).scaled(2.0)
    dr = tangents[last + 1].scaled(2.0)
    kappa, n, o = 2 * float(problem.cumulants[0]), problem.widths[-1], problem.outputs

    def outer(a: Sized, b: Sized) -> Sized:
        return a.contracted("eo,ei->eoi", b, 1)

    def by_unit(a: Sized, b: Sized) -> Sized:
        return a.contracted("eoi,ei->eoi", b, 1)

    noise = by_unit(w, h).scaled(kappa, 4)
    d_noise = by_unit(dw, h).plus(by_unit(w, dh)).scaled(kappa, 4)
    result = [
        (outer(dr, h).plus(outer(r, dh), by_unit(d_noise, h), by_unit(noise, dh)).folded(levels), 1.0),
        (dr.folded(levels), 1.0),
    ]
    back = r.contracted("eo,eoi->ei", w, o).plus(noise.contracted("eoi,eoi->ei", w, o))
    change = dr.contracted("eo,eoi->ei", w, o).plus(
        r.contracted("eo,eoi->ei", dw, o),
        d_noise.contracted("eoi,eoi->ei", w, o),
        noise.contracted("eoi,eoi->ei", dw, o),
    )
    kept = 1.0
    for l in reversed(range(last)):
        delta = _through(problem, l, back).folded(levels)
        d_delta = _through(problem, l, change).folded(levels)
        if problem.rates[l] > 0:
            kept = float(up(kept * float(problem.inverse_keep[l]) * (1 + 4 * UNIT)))
        entries = d_delta.contracted("ej,ei->eji", hidden[l], 1).plus(delta.contracted("ej,ei->eji", tangents[l], 1))
        result += [(entries.folded(levels), kept), (d_delta.folded(levels), kept)]
        m_below = problem.widths[l + 1]
        change = (
            changes[l]
            .contracted("eji,ej->ei", delta, m_below)
            .plus(weights[l].contracted("eji,ej->ei", d_delta, m_below))
        )
        back = weights[l].contracted("eji,ej->ei", delta, m_below)
    return result
