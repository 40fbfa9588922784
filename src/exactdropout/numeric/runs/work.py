"""Work that can travel: a fixed grid of chunks, each a function of a payload of plain arrays and of its own place.

What a chunk computes does not depend on who runs it, or when, so the results have the same bits in one thread, in many,
and in another process.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol, TypeAlias

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array, show

__all__ = [
    "Chunk",
    "Halt",
    "Journal",
    "Payload",
    "Running",
    "Work",
    "deferred_interrupt",
    "thread_count",
]

Payload: TypeAlias = Mapping[str, Any]
"""NumPy arrays, plain numbers and text, and tuples or lists of these: what can be pickled and fingerprinted."""

Chunk: TypeAlias = tuple[int, ...]
"""The place of a chunk in its grid, such as (first item, end)."""


class Running(Protocol):
    """A chunk that has begun, with a workspace of its own."""

    def step(self) -> bool:
        """Do at most about 0.1 s of the work, without the GIL, and say whether the chunk is finished."""

    @property
    def result(self) -> Array:
        """What the finished chunk leaves: an array of float64 or int64."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A sum over masks cut into chunks that may be computed anywhere, in any order.

    ``begin(payload, chunk)`` starts a chunk; it is a function or class at the top of a module, so that another process
    finds it by name. ``chunks`` is a function of the problem alone, never of the number of threads; ``weights`` are
    the units of progress in each (masks, pairs).
    """

    name: str
    begin: Callable[[Payload, Chunk], Running]
    payload: Payload
    chunks: tuple[Chunk, ...]
    weights: tuple[int, ...]


def thread_count(threads: int | None) -> int:
    """Return the number of threads to use: the argument, or one for each core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InvalidInput(f"Argument 'threads' must be a positive integer or None, not {show(threads)}.")
    return threads


class Journal(Protocol):
    """What keeps finished chunks on disk."""

    def begin(self, work: Work) -> dict[int, Array]:
        """Return the results of the chunks that are known already, by place."""

    def record(self, place: int, result: Array) -> None:
        """Keep the result of one more chunk; any thread may."""

    def finish(self) -> None:
        """Say that there is no more work."""


class Halt:
    """A flag that asks workers to stop; without a lock, so that a signal handler may set it at any instant."""

    def __init__(self) -> None:
        """Nothing is asked."""
        self.asked = False


@contextmanager
def deferred_interrupt(halt: Halt) -> Iterator[None]:
    """Turn Ctrl-C inside the block into ``halt``, and raise it at the end of the block.

    KeyboardInterrupt inside the locks of ``concurrent.futures`` can leave one of them held, and the pool then never
    ends. Only the main thread receives signals; elsewhere this does nothing.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []

    def handler(number: int, frame: FrameType | None) -> None:
        caught.append((number, frame))
        halt.asked = True

    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if caught:
        previous(*caught[-1])
