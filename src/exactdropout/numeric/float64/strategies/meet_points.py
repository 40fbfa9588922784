"""Chunks of the strategy ``meet``: one unit (its order and own moments), or one pair of units.

Any chunk can run anywhere: a pair builds the orders of its two units where they are missing. In one process the orders
of the problem at hand are kept, so that each is built once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from exactdropout.errors import ExactDropoutError, NumericalRange
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem, rounded
from exactdropout.numeric.runs.work import Chunk, Payload

if TYPE_CHECKING:
    from exactdropout.numeric.kernels.meet.pairs import Cells

__all__ = [
    "LARGEST_LEAF",
    "MetPair",
    "MetUnit",
    "Points",
    "cells",
    "mask_weights",
    "pairs_of",
    "points",
    "ramps",
    "release",
]

STEP_POINTS = 1 << 20
LARGEST_LEAF = 7
MOST_CELLS = 8


@dataclass(frozen=True)
class Ordered:
    """One unit: its points in order, their ranks, and the two tables whose sums are the values α and β."""

    order: Array
    rank: Array
    low: Array
    high: Array


@dataclass(eq=False)
class Points:
    """The ordered units of one problem that this process holds, and the workspaces that no pair uses at the moment."""

    units: dict[int, Ordered] = field(default_factory=dict)
    workspaces: list[Cells] = field(default_factory=list)


_HELD: WeakValueDictionary[bytes, Points] = WeakValueDictionary()
_LATEST: list[Points] = []


def points(payload: Payload) -> Points:
    """Return what is held for this problem. The latest problem stays held, so that the next chunk finds it."""
    key: bytes = b"".join(payload[name].tobytes() for name in ("columns", "base", "weights"))
    held = _HELD.setdefault(key, Points())
    _LATEST[:] = [held]
    return held


def release() -> None:
    """Let go of the latest problem."""
    _LATEST.clear()


def mask_weights(rate: Fraction, first: int, second: int) -> Array:
    """Return P of a mask of either half with k ones, correctly rounded, shape (2, 32)."""
    result = np.zeros((2, 32))
    for half, bits in enumerate((first, second)):
        for kept in range(bits + 1):
            result[half, kept] = rounded((1 - rate) ** kept * rate ** (bits - kept), "q")
    return result


def cells(size: int) -> tuple[Array, Array]:
    """Return shifts and bits of each level of dealing for ``size`` points; see :func:`~.kernels.meet.meet_pair`."""
    ranks = max(5, (size - 1).bit_length())
    leaf = min(LARGEST_LEAF, ranks - 2)
    levels = max(1, -(-(ranks - leaf) // MOST_CELLS))
    bits = [(ranks - leaf + level) // levels for level in range(levels)][::-1]
    shifts = [ranks - sum(bits[: level + 1]) for level in range(levels)]
    return np.array(shifts, dtype=np.int64), np.array(bits, dtype=np.int64)


def ramps(problem: Problem) -> tuple[Array, Array]:
    """Return weights and bias of the last hidden layer's distinct units; where it is not relu, of their negatives too.

    φ(z) = max(z, 0) − slope·max(−z, 0).
    """
    layer = len(problem.weights) - 2
    kept = problem.equal_units[layer][0]
    matrix, base = problem.weights[layer][kept], problem.biases[layer][kept]
    if problem.slopes[layer] == 0.0 and problem.slope_errors[layer] == 0.0:
        return matrix, base
    return np.concatenate([matrix, -matrix]), np.concatenate([base, -base])


def pairs_of(problem: Problem) -> tuple[tuple[int, int], ...]:
    """Return the pairs of ramps whose product may differ from 0: all but a unit and its negative."""
    count = len(ramps(problem)[1])
    opposite = count - len(problem.equal_units[len(problem.weights) - 2][0])
    return tuple((i, j) for i in range(count) for j in range(i) if opposite == 0 or i - j != opposite)


def _doubled(column: Array, start: float) -> Array:
    """Return all subset sums of the column plus ``start``, by mask."""
    values = np.array([start])
    for u in column:
        values = np.concatenate([values, values + u])
    return values


def _aligned(rows: int, columns: int) -> Array:
    """Return an array that begins at a multiple of 64 bytes, so that no vector of eight doubles lies in two lines."""
    raw = np.empty(rows * columns + 8)
    start = (-raw.ctypes.data % 64) // 8
    result: Array = raw[start : start + rows * columns].reshape(rows, columns)
    return result


class _Stepped(ABC):
    """A chunk written as a generator that yields after each step."""

    def __init__(self, payload: Payload, chunk: Chunk, held: Points | None = None) -> None:
        self._held = points(payload) if held is None else held
        self._columns, self._base, self._weights = payload["columns"], payload["base"], payload["weights"]
        self._cut = (len(self._columns) + 1) // 2
        self._low_bits = (len(self._columns) - self._cut) // 2
        self._stretch = int(payload["stretch"])
        self._steps = self._work(chunk)
        self.result: Array = np.zeros(0)

    def step(self) -> bool:
        """Go on to the next yield."""
        return next(self._steps, True)

    @abstractmethod
    def _work(self, chunk: Chunk) -> Iterator[bool]:
        """Do the work of a chunk, with a yield after each step."""

    def _ordered(self, unit: int) -> Iterator[bool]:
        """Build the order of a unit, if it is not there."""
        if unit in self._held.units:
            return
        from exactdropout.numeric.kernels.meet.order import join

        column, cut, base = self._columns[:, unit], self._cut, float(self._base[unit])
        if not math.isfinite(sum(abs(u) for u in column.tolist()) + abs(base)):
            raise NumericalRange("A pre-activation is beyond the range of float64; scale the network or the data.")
        many, few = 1 << cut, 1 << (len(column) - cut)
        values, other_values = np.empty(many + 1), np.empty(few + 1)
        marked = np.empty(many + few + 2, dtype=np.int32)
        spare = (np.empty(many // 2 + 1), np.empty(many // 2 + 1, dtype=np.int32))
        yield from self._sorted(column[:cut], base, 0, (values, marked), spare)
        yield from self._sorted(-column[cut:], 0.0, 1 << cut, (other_values, marked[many + 1 :]), spare)
        order, rank = np.empty(many + few, dtype=np.int32), np.full(many + few, -1, dtype=np.int32)
        run: Callable[..., None] = join
        for begin in range(0, many + few, self._stretch):
            end = min(many + few, begin + self._stretch)
            run(values, many, other_values, few, marked, many + 1, begin, end, order, rank)
            yield False
        if rank.min() < 0:  # as many were written as there are points: each one once, unless one never was
            raise ExactDropoutError("The strategy 'meet' lost a point of its order; choose another and report this.")
        low, top = self._low_bits, column[cut:]
        self._held.units[unit] = Ordered(
            order=order,
            rank=rank,
            low=np.concatenate([_doubled(column[:low], 0.0), _doubled(top[:low], 0.0)]),
            high=np.concatenate([_doubled(column[low:cut], base), _doubled(top[low:], 0.0)]),
        )

    def _sorted(
        self, column: Array, start: float, mark: int, to: tuple[Array, Array], spare: tuple[Array, Array]
    ) -> Iterator[bool]:
        """Write all subset sums of the column plus ``start``, ascending, with their marked masks, to ``to``."""
        from exactdropout.numeric.kernels.meet.order import double

        run: Callable[..., None] = double
        here, there = (to, spare) if len(column) % 2 == 0 else (spare, to)
        here[0][:2], here[1][0] = (start, np.inf), mark
        size = 1
        for bit, u in enumerate(column.tolist()):
            for begin in range(0, 2 * size, self._stretch):
                end = min(2 * size, begin + self._stretch)
                run(*here, size, u, 1 << bit, begin, end, *there)
                if size >= self._stretch:
                    yield False
            size *= 2
            here, there = there, here
            here[0][size] = np.inf


class MetUnit(_Stepped):
    """Chunk (unit,): E h, E h², and the sizes E(|α| + |β|), E(|α| + |β|)² that bound their rounding."""

    def _work(self, chunk: Chunk) -> Iterator[bool]:
        from exactdropout.numeric.kernels.meet.order import unit_scan

        (unit,) = chunk
        yield from self._ordered(unit)
        ordered = self._held.units[unit]
        sums, moments = np.zeros((3, 2)), np.zeros((4, 2))
        run: Callable[..., None] = unit_scan
        for begin in range(0, len(ordered.order), self._stretch):
            run(
                ordered.order, self._cut, self._low_bits, ordered.low, ordered.high, self._weights, begin,
                min(len(ordered.order), begin + self._stretch), sums, moments,
            )  # fmt: skip
            yield False
        (a1, a2), (b1, b2) = moments[2:].tolist()
        self.result = np.array([moments[0].sum(), moments[1].sum(), a1 + b1, a2 + 2 * a1 * b1 + b2])


class MetPair(_Stepped):
    """Chunk (i, j): E h_i h_j."""

    def _work(self, chunk: Chunk) -> Iterator[bool]:
        from exactdropout.numeric.kernels.meet.pairs import Points, meet_pair

        for unit in chunk:
            yield from self._ordered(unit)
        i, j = (self._held.units[unit] for unit in chunk)
        size = len(i.order)
        shifts, bits = cells(size)
        try:
            workspace = self._held.workspaces.pop()
        except IndexError:
            workspace = _workspace(size, shifts, bits)
        total = np.zeros((1, 2))
        points = Points(
            order=i.order,
            rank=j.rank,
            first_bits=self._cut,
            low_bits=self._low_bits,
            low=np.stack([i.low, j.low], axis=1).ravel(),
            high=np.stack([i.high, j.high], axis=1).ravel(),
            weights=self._weights.ravel(),
        )
        arguments: tuple[Any, ...] = (
            points, shifts, bits, workspace, np.zeros(2, dtype=np.int64), total, self._stretch,
        )  # fmt: skip
        run: Callable[..., bool] = meet_pair
        while not run(*arguments):
            yield False
        self._held.workspaces.append(workspace)
        self.result = np.array([total[0, 0] + total[0, 1]])


def _workspace(size: int, shifts: Array, bits: Array) -> Cells:
    """Return the arrays that :func:`~.kernels.meet.meet_pair` works in; it writes before it reads."""
    from exactdropout.numeric.kernels.meet.pairs import BLOCK, NEAR, Cells

    most = 1 << int(bits.max())
    deepest = 1 << int(shifts[-2] if len(shifts) > 1 else shifts[0] + bits[0])
    return Cells(
        dealt=np.empty(size if len(shifts) > 1 else 0, dtype=np.int64),
        inner=np.empty(int(np.sum(1 << shifts[:-1])), dtype=np.int64),
        leaves=_aligned(3, deepest),
        points=np.empty(BLOCK, dtype=np.int64),
        heads=np.empty(most, dtype=np.int64),
        tails=np.empty(most, dtype=np.int64),
        sums=_aligned(6, 4 * most + 8),
        near=_aligned(1, 4 * NEAR).ravel(),
    )
