"""The state of an estimate in a journal, now and then, so that a run that was stopped goes on with the same bits."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import NoReturn

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.runs.fingerprint import identity
from exactdropout.numeric.runs.journal import Journal, journal
from exactdropout.numeric.runs.work import Chunk, Payload, Work

__all__ = ["Saved", "saved"]

SECONDS, SHARE = 5.0, 0.1
"""A state is written when so many seconds and this share of the whole time have passed since the last one."""

MOST = 10_000
"""States in one file."""


class Saved:
    """Where states are written; ``latest`` is the last one that the file held, or None."""

    def __init__(self, book: Journal, payload: Payload) -> None:
        """Read what is there for this very problem."""
        chunks: tuple[Chunk, ...] = tuple((k,) for k in range(MOST))
        states = book.begin(Work(name="estimate", begin=_never, payload=payload, chunks=chunks, weights=(1,) * MOST))
        self._book, self._count = book, len(states)
        self.latest: Array | None = states[self._count - 1] if states else None
        self._begun = self._written = time.monotonic()

    def offer(self, state: Array) -> None:
        """Write the state after a pass, if it is time."""
        now = time.monotonic()
        if now - self._written >= max(SECONDS, SHARE * (now - self._begun)):
            self.write(state)

    def write(self, state: Array) -> None:
        """Write a state, unless it is the last one of the file."""
        if self.latest is not None and np.array_equal(self.latest, state):
            return
        if self._count == MOST:
            raise InvalidInput(f"Argument 'checkpoint' names a file that holds {MOST} states; name another file.")
        self._book.record(self._count, state)
        self.latest = state
        self._count += 1
        self._written = time.monotonic()


def _never(payload: Payload, chunk: Chunk) -> NoReturn:
    raise AssertionError("a state is read from its journal and not computed by itself")


@contextmanager
def saved(
    path: str | os.PathLike[str] | None, network: Network, data: Examples, rates: tuple[Fraction, ...],
    seed: int, rows: bool, gradient: bool, payload: Payload,
) -> Iterator[Saved | None]:  # fmt: skip
    """Yield the states of the journal at ``path``, locked until the block ends, or None without a path.

    Raises:
        UnreadableFile: the file is damaged, or belongs to another estimate; the message says which part differs.
        InvalidInput: it cannot be written, or another run holds it.
    """
    if path is None:
        yield None
        return
    belongs = identity(network, data, rates, gradient=gradient, moments=2, strategy="estimate")
    with journal(path, belongs | {"seed": str(seed), "rows": str(rows)}) as book:
        yield Saved(book, payload)
