"""Masks from a counter-based generator, and passes over all examples, in blocks of visits.

The bits of a block in a pass are those of Philox with the key (seed, block) and the counter (0, 0, 0, pass), so they
depend neither on the number of threads nor on when a run is stopped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.sampled.kernel import sample_pairs

__all__ = ["Pass", "Sampler", "kept"]

BLOCK = 128
"""Visits of a block."""


class Pass(NamedTuple):
    """What one pass gives: X of each mask (visits, 2), Σ_o V_o (visits,) and F (visits, outputs) of each pair of masks.

    ``row_spreads`` holds V_o (visits, outputs) where rows are wanted, else nothing.
    """

    errors: Array
    spreads: Array
    means: Array
    row_spreads: Array


def kept(random: np.random.Generator, q: Fraction, count: int) -> Array:
    """Return that many independent bytes, 0 with probability exactly q, else 1.

    A uniform number U is compared with q digit by digit, in base 256 and then 2⁶⁴; U < q drops. More digits are drawn
    only while all are equal so far.

    >>> kept(np.random.Generator(np.random.Philox(1)), Fraction(0), 3)
    array([1, 1, 1], dtype=uint8)
    """
    if q == 0:
        return np.ones(count, np.uint8)
    if q == Fraction(1, 2):
        return np.unpackbits(_words(random, -(-count // 64)).view(np.uint8))[:count]
    first, rest = divmod(q * 256, 1)
    digits = _words(random, -(-count // 8)).view(np.uint8)[:count]
    keep = (digits >= int(first)).view(np.uint8)
    equal = np.flatnonzero(digits == int(first))
    while rest and equal.size:
        digit, rest = divmod(rest * 2**64, 1)
        words = _words(random, equal.size)
        keep[equal] = words >= int(digit)
        equal = equal[words == int(digit)]
    return keep


def _words(random: np.random.Generator, count: int) -> Array:
    return random.integers(0, 2**64, size=count, dtype=np.uint64)


class Sampler:
    """A float64 problem, ready for passes that visit example i ``counts[i]`` times; with each row's V on request."""

    def __init__(self, problem: Problem, counts: Array, seed: int, *, by_row: bool = False) -> None:
        """Lay out what the kernel reads."""
        first, last = problem.first, len(problem.weights) - 1
        walked = range(first, last + 1)
        entering = problem.hidden(first)
        at, self._units = np.nonzero(entering)
        self._values = entering[at, self._units] * problem.inverse_keep[first]
        self._ends = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=len(entering)))])
        self._widths = np.array([*(problem.weights[l].shape[1] for l in walked), problem.outputs])
        self._weights = np.concatenate([problem.weights[l].T.ravel() for l in walked])
        self._biases = np.concatenate([problem.biases[l] for l in walked])
        self._slopes = np.array([*problem.slopes[first:], 0.0])
        self._scales = np.array([problem.inverse_keep[l] if problem.rates[l] > 0 else 1.0 for l in walked])
        self._noise = float(problem.cumulants[0]) * (problem.weights[last] ** 2).sum(axis=0)
        squares = float(problem.cumulants[0]) * problem.weights[last].T ** 2
        self._row_noise = np.ascontiguousarray(squares) if by_row else np.empty((0, 0))
        self._labels = problem.labels.copy()  # one kind of array, and so one compilation
        self._rates = [problem.rates[l] for l in range(first, last)]
        self._rows = np.repeat(np.arange(len(counts)), counts)
        self.seed = seed

    def one_pass(self, number: int, pool: ThreadPoolExecutor, threads: int) -> Pass:
        """Return pass number 0, 1, …: the same bits for any number of threads."""
        visits = len(self._rows)
        outputs = self._labels.shape[1]
        rows = np.empty((visits, outputs if len(self._row_noise) else 0))
        found = Pass(np.empty((visits, 2)), np.empty(visits), np.empty((visits, outputs)), rows)
        blocks = -(-visits // BLOCK)
        share = max(1, -(-blocks // (8 * threads)))
        work = [pool.submit(self._blocks, number, b, min(b + share, blocks), found) for b in range(0, blocks, share)]
        try:
            for part in work:
                part.result()
        finally:
            for part in work:
                part.cancel()
            wait(work)
        return found

    def _blocks(self, number: int, begin: int, end: int, found: Pass) -> None:
        for block in range(begin, end):
            key = np.array([self.seed, block], np.uint64)
            random = np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, number], np.uint64)))
            visits = slice(block * BLOCK, (block + 1) * BLOCK)
            rows = self._rows[visits]
            entering = kept(random, self._rates[0], 2 * int((self._ends[rows + 1] - self._ends[rows]).sum()))
            deeper = [
                kept(random, q, 2 * len(rows) * int(n)).reshape(2 * len(rows), int(n))
                for q, n in zip(self._rates[1:], self._widths[1:-2], strict=True)
            ]
            sample_pairs(
                self._widths, self._weights, self._biases, self._slopes, self._scales, self._noise, self._row_noise,
                self._units, self._values, self._ends, self._labels, rows, entering,
                np.concatenate([*deeper, np.empty((2 * len(rows), 0), np.uint8)], axis=1).ravel(),
                found.errors[visits], found.spreads[visits], found.row_spreads[visits], found.means[visits],
            )  # fmt: skip
