"""Masks from a counter-based generator, and passes over all examples, in blocks of visits.

The bits of a block in a pass are those of Philox with the key (seed, block) and the counter (0, 0, 0, pass), so they
depend neither on the number of threads or workers nor on when a run is stopped. Everything is NumPy on blocks that fit
a cache: nothing has to be compiled before the first interval.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Chunk, Payload, Running, Work
from exactdropout.numeric.sampled.blas import one_blas_thread

__all__ = ["CHUNKS", "HALF", "PILOT", "Pass", "Sampler", "Stepwise", "flipped", "kept"]

HALF = Fraction(1, 2)

BLOCK, LEAST_BLOCK, MOST_BLOCK = 1 << 15, 16, 256
"""Numbers of the widest layer that the visits of a block hold, and the least and the most visits of a block."""

PILOT = 1024
"""About how many visits the pilot, pass 0, has where a pass has at least eight times as many; else all of them."""

CHUNKS = 16
"""Parts that a pass is cut into, for threads and workers."""

STEP = 0.1
"""Seconds after which a chunk asks whether it shall stop."""


class Pass(NamedTuple):
    """What one pass gives: X of each draw (visits, 2), Σ_o V_o (visits,) and F (visits, outputs) of each pair of draws.

    ``row_spreads`` holds V_o (visits, outputs) where rows are wanted, else nothing; ``slopes`` the sums of a pass of
    gradients, where those are wanted.
    """

    errors: Array
    spreads: Array
    means: Array
    row_spreads: Array
    slopes: Array | None = None


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


def flipped(problem: Problem) -> tuple[int, ...]:
    """Return the layers whose masks are taken together with their complements: the first two sampled with q = 1/2.

    There r and 1 − r have the same law. In the first layer that is walked the complement costs no product, since
    W(r∘2h) + W((1 − r)∘2h) is the same for all r. Two layers give four masks of a draw, all combinations.
    """
    halves = [l for l in range(problem.first, len(problem.weights) - 1) if problem.rates[l] == HALF]
    return tuple(halves[:2])


class Sampler:
    """A float64 problem, ready for passes that visit example i ``counts[i]`` times; with each row's V on request.

    Pass 0 is the pilot: of many rows it visits every so many only, ``pilot_rows``.
    A visit draws twice; a draw is one mask, or 2 or 4 with the complements of :func:`flipped`. ``masks`` counts those
    of a pass.
    """

    def __init__(self, problem: Problem, counts: Array, seed: int, *, by_row: bool = False) -> None:
        """Lay out what a block reads: plain arrays, which may travel."""
        first, last = problem.first, len(problem.weights) - 1
        walked = range(first, last + 1)
        entering = problem.hidden(first) * problem.inverse_keep[first]
        used = np.flatnonzero(entering.any(axis=0))
        weights = [np.ascontiguousarray(problem.weights[l].T) for l in walked]
        weights[0] = weights[0][used] if first < last else weights[0]
        cumulant = float(problem.cumulants[0])
        rows = np.repeat(np.arange(len(counts)), counts)
        self.seed, self._outputs, self._by_row = seed, problem.outputs, by_row
        self.payload: Payload = {
            "weights": tuple(weights),
            "biases": tuple(problem.biases[l] for l in walked),
            "slopes": tuple(problem.slopes[first:]),
            "scales": tuple(float(problem.inverse_keep[l]) if problem.rates[l] > 0 else 1.0 for l in walked),
            "rates": tuple(problem.rates[first:last]),
            "noise": cumulant * (problem.weights[last] ** 2).sum(axis=0),
            "row_noise": cumulant * problem.weights[last].T ** 2 if by_row else None,
            "entering": entering if len(used) == entering.shape[1] else np.ascontiguousarray(entering[:, used]),
            "labels": problem.labels,
            "rows": rows,
            "pilot_rows": rows[:: 1 if by_row or len(rows) < 8 * PILOT else len(rows) // PILOT],
            "seed": seed,
            "flipped": tuple(l - first for l in flipped(problem)),
        }
        self.pilot_rows: Array = self.payload["pilot_rows"]
        each = 2 ** (1 + len(self.payload["flipped"]))
        self.masks, self.pilot_masks = each * len(rows), each * len(self.pilot_rows)
        self._blocks: Blocks | None = None

    def one_pass(self, number: int, runner: Runner) -> Pass:
        """Return pass number 0, 1, …: the same bits for any number of threads."""
        return self.passes(number, 1, runner)[0]

    def passes(self, number: int, count: int, runner: Runner) -> list[Pass]:
        """Return so many passes from that one on; on an executor they travel together."""
        if self._blocks is None:
            with one_blas_thread():
                self._blocks = Blocks(self.payload)
        chunks: list[Chunk] = []
        ends = [0]
        for k in range(number, number + count):
            blocks = -(-len(self._blocks.rows_of(k)) // self._blocks.size)
            cuts = [blocks * part // CHUNKS for part in range(CHUNKS + 1)]
            chunks += [(k, a, b) for a, b in itertools.pairwise(cuts) if a < b]
            ends.append(len(chunks))
        work = Work(
            name="passes", begin=_begin if runner.executor is not None else self._blocks.begin, payload=self.payload,
            chunks=tuple(chunks), weights=tuple(b - a for _, a, b in chunks),
        )  # fmt: skip
        with one_blas_thread():
            results = runner.run(work)
        return [self._pass(results[a:b]) for a, b in itertools.pairwise(ends)]

    def _pass(self, parts: list[Array]) -> Pass:
        found, outputs = np.concatenate(parts), self._outputs
        return Pass(
            errors=found[:, :2], spreads=found[:, 2], means=found[:, 3 : 3 + outputs],
            row_spreads=found[:, 3 + outputs :],
        )  # fmt: skip


class Blocks:
    """The blocks of every pass of one payload."""

    def __init__(self, payload: Payload) -> None:
        """Compute what all passes share: what a mask of the first layer and its complement give together."""
        self._weights: tuple[Array, ...] = payload["weights"]
        self._biases: tuple[Array, ...] = payload["biases"]
        self._slopes: tuple[float, ...] = payload["slopes"]
        self._scales: tuple[float, ...] = payload["scales"]
        self._rates: tuple[Fraction, ...] = payload["rates"]
        self._noise: Array = payload["noise"]
        self._row_noise: Array | None = payload["row_noise"]
        self._entering: Array = payload["entering"]
        self._labels: Array = payload["labels"]
        self._rows: Array = payload["rows"]
        self._pilot_rows: Array = payload["pilot_rows"]
        self._seed: int = payload["seed"]
        self._flipped: tuple[int, ...] = payload["flipped"]
        numbers = max(w.shape[0] for w in self._weights) * max(1, 2 ** len(self._flipped) // 2)
        self.size = max(LEAST_BLOCK, min(MOST_BLOCK, BLOCK // numbers))
        self._totals: Array | None = None
        if 0 in self._flipped:
            self._totals = self._entering @ self._weights[0] + 2 * self._biases[0]

    def rows_of(self, number: int) -> Array:
        """Return the row of each visit of a pass."""
        return self._rows if number else self._pilot_rows

    def begin(self, _: Payload, chunk: Chunk) -> Running:
        """Start a chunk (pass, first block, end)."""
        return Stepwise(self.block, chunk, np.concatenate)

    def block(self, number: int, block: int) -> Array:
        """Return X, X′, Σ_o V_o, F and (by row) V of each visit of a block, side by side."""
        random = _generator(self._seed, block, number)
        rows = self.rows_of(number)[block * self.size : (block + 1) * self.size]
        n, x = len(rows), self._entering[rows]
        bits = kept(random, self._rates[0], 2 * x.size).reshape(2, *x.shape)
        z = (bits * x).reshape(2 * n, -1) @ self._weights[0]
        z += self._biases[0]
        if self._totals is not None:
            other = self._totals[rows] - z.reshape(2, n, -1)
            z = np.concatenate([z, other.reshape(z.shape)])
        for l, (weight, bias) in enumerate(zip(self._weights[1:], self._biases[1:], strict=True), 1):
            slope = self._slopes[l - 1]
            h = np.maximum(z, 0.0, out=z) if slope == 0.0 else np.where(z > 0, z, slope * z)
            if l < len(self._weights) - 1:
                h = self._masked(random, l, 2 * n, h)
            z = h @ weight
            z += bias
        squares = h * h
        noise = (squares @ self._noise).reshape(-1, 2, n)
        f = z.reshape(-1, 2, n, z.shape[1])
        away = f - self._labels[rows]
        errors = ((away * away).sum(axis=3) + noise).mean(axis=0)
        apart = f[:, None, 0] - f[None, :, 1]
        spreads = 0.5 * (apart * apart).mean(axis=(0, 1))
        columns = [errors.T, (spreads.sum(axis=1) + noise.mean(axis=(0, 1)))[:, None], f.mean(axis=(0, 1))]
        if self._row_noise is not None:
            each = (squares @ self._row_noise).reshape(-1, 2, n, z.shape[1])
            columns.append(spreads + each.mean(axis=(0, 1)))
        return np.concatenate(columns, axis=1)

    def _masked(self, random: np.random.Generator, l: int, draws: int, h: Array) -> Array:
        """Return what enters a deeper layer: h holds the masks of a draw one after the other, (masks · draws, units).

        A flipped layer doubles them. Another one with q = 1/2 takes the complement where one of two layers before did
        and the other did not; where q is not 1/2, each mask has bits of its own.
        """
        q, masks = self._rates[l], len(h) // draws
        if q == 0:
            return h
        scaled = h * self._scales[l]
        if q != HALF:
            scaled *= kept(random, q, h.size).reshape(h.shape)
            return scaled
        bits = kept(random, q, draws * h.shape[1]).reshape(draws, -1)
        if l in self._flipped:
            both = np.tile(bits, (masks, 1)), np.tile(1 - bits, (masks, 1))
            return np.concatenate([scaled * both[0], scaled * both[1]])
        scaled *= np.concatenate([bits, 1 - bits, 1 - bits, bits][:masks])
        return scaled


class Stepwise:
    """A chunk (pass, first block, end) that has begun: block after block, joined at the end."""

    def __init__(
        self,
        block: Callable[[int, int], Array],
        chunk: Chunk,
        join: Callable[[Sequence[Array]], Array],
        *,
        elsewhere: bool = False,
    ) -> None:
        """Nothing is done yet; ``elsewhere`` than in our own threads linear algebra is kept to one thread here."""
        self._block, self._join, (self._number, self._next, self._end) = block, join, chunk
        self._parts: list[Array] = []
        self._around = one_blas_thread if elsewhere else nullcontext

    def step(self) -> bool:
        """Do about 0.1 s of the blocks, and say whether all are done."""
        begun = time.monotonic()
        with self._around():
            while self._next < self._end and time.monotonic() - begun < STEP:
                self._parts.append(self._block(self._number, self._next))
                self._next += 1
        return self._next == self._end

    @property
    def result(self) -> Array:
        """What all blocks give together."""
        return self._join(self._parts)


_known: tuple[Payload, Blocks] | None = None


def _begin(payload: Payload, chunk: Chunk) -> Running:
    """Start a chunk where a payload has arrived; it stays the same object for all chunks of a process."""
    global _known  # noqa: PLW0603 - one entry per worker process; a race only prepares twice
    known = _known
    if known is None or known[0] is not payload:
        with one_blas_thread():
            known = payload, Blocks(payload)
        _known = known
    return Stepwise(known[1].block, chunk, np.concatenate, elsewhere=True)


def _generator(seed: int, block: int, number: int) -> np.random.Generator:
    key, counter = np.array([seed, block], np.uint64), np.array([0, 0, 0, number], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
