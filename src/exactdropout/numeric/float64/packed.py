"""What compiled functions read of a network, of examples and of rates: flat arrays, prepared once for each object.

Networks and examples are immutable, so each keeps the arrays made from it; they are validated copies in another
order, scaled weights and grids of exact multiples, never anything that depends on two of the three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import SLACK, grid_exponent
from exactdropout.numeric.float64.problem import exact_cumulants, float_with_error, floats_with_errors, rounded

__all__ = ["FlatExamples", "FlatNetwork", "FlatRates", "aligned", "flat_examples", "flat_network", "flat_rates"]

LANES, ROWS = 8, 4
"""Rows are whole vectors of 8 numbers, and each output has a multiple of 4 of them; as in :mod:`.kernels.panels`."""


@dataclass(frozen=True, kw_only=True)
class FlatNetwork:
    """A float64 network in the order in which :mod:`.kernels.small` reads it.

    ``layout`` is described there. ``columns`` holds what each unit adds to the layer above, a row for each unit; of the
    last hidden layer once for each output with |w_oj| ≠ 0, scaled by it; ``groups`` says where each output's rows are,
    ``signs`` holds those of w_oj. ``finite`` is false where that scaling leaves the range of float64.
    """

    layout: Array
    weights: Array
    biases: Array
    slopes: Array
    columns: Array
    bases: Array
    groups: Array
    signs: Array
    finite: bool


def flat_network(network: Network) -> FlatNetwork:
    """Return the arrays of a float64 network, made at the first call."""
    found: FlatNetwork | None = network.memo.get("flat")
    if found is None:
        found = network.memo["flat"] = _flattened(network)
    return found


def _flattened(network: Network) -> FlatNetwork:
    weights, biases = network.weights, [network.bias(l) for l in range(len(network.weights))]
    depth, last = len(weights), len(weights) - 1
    columns: list[Array] = []
    bases: list[Array] = []
    groups, signs = [0, 0] * weights[-1].shape[0], np.zeros(0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for l in range(last - 1):
            columns.append(_padded(weights[l].T))
            bases.append(_padded(biases[l][None]))
        if last > 0:
            units, scale, signs, groups = _signed(weights[-1])
            columns.append(_padded(weights[last - 1][units].T * scale))
            bases.append(_padded(biases[last - 1][units][None] * scale))
    layout = np.zeros((9, depth + 1), dtype=np.int64)
    layout[0] = [weights[0].shape[1], *(w.shape[0] for w in weights)]
    layout[1, 1:] = np.cumsum(layout[0, :-1])
    layout[2, 1:] = np.cumsum([w.size for w in weights])
    layout[3, 1:] = np.cumsum([len(b) for b in biases])
    layout[4, :last] = [b.shape[1] for b in bases]
    layout[5, 1 : last + 1] = np.cumsum([c.size for c in columns])
    layout[6, 1 : last + 1] = np.cumsum([b.size for b in bases])
    layout[7, :depth] = [grid_exponent(w) for w in weights]
    layout[8, :depth] = [grid_exponent(b) for b in biases]
    slopes = [float_with_error(a.slope, "activation") for a in network.architecture.activations]
    flat = aligned(columns), aligned(bases)
    return FlatNetwork(
        layout=layout,
        weights=np.concatenate([w.ravel() for w in weights]),
        biases=np.concatenate(biases),
        slopes=np.array([*slopes, (0.0, 0.0)]).T.copy(),
        columns=flat[0],
        bases=flat[1],
        groups=np.array(groups, dtype=np.int64),
        signs=signs,
        finite=bool(np.isfinite(flat[0]).all() and np.isfinite(flat[1]).all()),
    )


def _signed(outputs: Array) -> tuple[Array, Array, Array, list[int]]:
    """Return unit, |w| and sign of each row of the last walked layer, and (first, count) of each output.

    Each output has a multiple of four rows, the last of them zeros.
    """
    units: list[int] = []
    weights: list[float] = []
    groups: list[int] = []
    for w in outputs:
        reached = np.flatnonzero(w).tolist()
        room = -len(reached) % ROWS
        groups += [len(units), len(reached) + room]
        units += reached + [0] * room
        weights += w[reached].tolist() + [0.0] * room
    return np.array(units, dtype=np.int64), np.abs(weights), np.sign(weights), groups


def _padded(rows: Array) -> Array:
    """Return the rows filled up with zeros to whole vectors, at least one."""
    width = max(1, -(-rows.shape[1] // LANES)) * LANES
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])))


def aligned(parts: Sequence[Array]) -> Array:
    """Return the parts one after another, beginning at a cache line, where a whole vector is read at once."""
    size = sum(p.size for p in parts)
    raw = np.zeros(size + 7)
    shift = -raw.ctypes.data % 64 // 8
    result = raw[shift : shift + size]
    if parts:
        result[:] = np.concatenate([p.ravel() for p in parts])
    return result


@dataclass(frozen=True, kw_only=True)
class FlatExamples:
    """Examples in floats, with bounds of their rounding, and the grid of the inputs (see ``Magnitudes.grid``)."""

    inputs: Array
    input_errors: Array
    labels: Array
    label_errors: Array
    probabilities: Array
    grid: int
    masks: int
    """Σ over examples of 2^k with k inputs that are not 0."""


def flat_examples(data: Examples) -> FlatExamples:
    """Return the arrays of float64 or exact examples, made at the first call."""
    found: FlatExamples | None = data.memo.get("flat")
    if found is None:
        inputs, input_errors = floats_with_errors(data.inputs, "data")
        labels, label_errors = floats_with_errors(data.labels, "data")
        found = data.memo["flat"] = FlatExamples(
            inputs=inputs,
            input_errors=input_errors,
            labels=labels,
            label_errors=label_errors,
            probabilities=np.array([rounded(p, "data") for p in data.probabilities]),
            grid=-(1 << 20) if input_errors.any() else grid_exponent(inputs),
            masks=sum(1 << k for k in np.count_nonzero(inputs, axis=1).tolist()),
        )
    return found


@dataclass(frozen=True, kw_only=True)
class FlatRates:
    """Rates in floats: rows p, q, 1/p (each correctly rounded), a bound of 1/p (1 where nothing is dropped), and
    whether the layer is dropped (1 or 0; p of a tiny rate rounds to 1 too).

    ``exponents[l]`` is k where 1/p is an integer below 2⁵³ over 2^k, else −1; the last layer, whose masks are taken in
    closed form, counts as not dropped here. ``first`` is the first walked layer.
    """

    masks: Array
    exponents: Array
    cumulants: Array
    first: int
    walked: tuple[int, ...]


_LATEST: dict[int, tuple[tuple[Fraction, ...], FlatRates]] = {}


def flat_rates(rates: tuple[Fraction, ...]) -> FlatRates:
    """Return the arrays of the drop probabilities.

    The same tuple comes again and again, and is known by its identity: hashing a Fraction takes half a microsecond.
    """
    latest = _LATEST.get(id(rates))
    if latest is not None and latest[0] is rates:
        return latest[1]
    if len(_LATEST) >= 256:
        _LATEST.clear()
    made = _flattened_rates(rates)
    _LATEST[id(rates)] = rates, made
    return made


@lru_cache(maxsize=256)
def _flattened_rates(rates: tuple[Fraction, ...]) -> FlatRates:
    last = len(rates) - 1
    masks = np.ones((5, len(rates)))
    masks[4] = [q > 0 for q in rates]
    exponents = np.zeros(len(rates), dtype=np.int64)
    for l, q in enumerate(rates):
        inverse = 1 / (1 - q)
        masks[:3, l] = rounded(1 - q, "q"), rounded(q, "q"), rounded(inverse, "q")
        if q > 0 and l < last:
            masks[3, l] = masks[2, l] * SLACK
            dyadic = inverse.denominator & (inverse.denominator - 1) == 0 and inverse.numerator < 2**53
            exponents[l] = inverse.denominator.bit_length() - 1 if dyadic else -1
    walked = tuple(l for l in range(last) if rates[l] > 0)
    return FlatRates(
        masks=masks,
        exponents=exponents,
        cumulants=np.array([rounded(k, "q") for k in exact_cumulants(rates[-1])]),
        first=walked[0] if walked else last,
        walked=walked,
    )
