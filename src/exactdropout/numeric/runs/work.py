"""Work that can travel: a fixed grid of chunks, each a function of a payload of plain arrays and of its own place.

What a chunk computes does not depend on who runs it, or when, so the results have the same bits in one thread, in many,
and in another process.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol, TypeAlias

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array, show
from exactdropout.progress import Progress

__all__ = [
    "Chunk",
    "Halt",
    "Journal",
    "Payload",
    "Runner",
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


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Who does the work, who is told, and where finished chunks are kept.

    Results are the same for any runner, bit for bit. ``executor`` does the work instead of threads of our own; ``cost``
    is the estimate of all work in nanoseconds of one core, by which chunks are handed to it.
    """

    threads: int = 1
    progress: Progress | None = None
    executor: Executor | None = None
    journal: Journal | None = None
    cost: float = 0.0

    def run(self, work: Work) -> list[Array]:
        """Return the result of every chunk, in the order of the grid.

        Progress counts the weights of finished chunks; its first call says what the journal held. Ctrl-C and any error
        stop all threads after their current step.
        """
        alone = self.executor is None and self.journal is None and self.progress is None
        if alone and len(work.chunks) == 1:  # nobody has to hear of it
            running = work.begin(work.payload, work.chunks[0])
            while not running.step():
                pass
            return [running.result]
        state = _State(work, self)
        if self.executor is not None:
            from exactdropout.numeric.runs.executors import run_elsewhere

            run_elsewhere(self.executor, work, state.missing, state.keep, state.tell, self.cost)
        elif self.threads == 1 or len(state.missing) < 2:
            for place in state.missing:
                running = work.begin(work.payload, work.chunks[place])
                while not running.step():
                    pass
                state.keep(place, running.result)
                state.tell(place)
        else:
            _run_threads(work, self.threads, state)
        return [state.results[place] for place in range(len(work.chunks))]


class _State:
    """The results so far, and who has to hear of each new one."""

    def __init__(self, work: Work, runner: Runner) -> None:
        self.results = {} if runner.journal is None else runner.journal.begin(work)
        self.missing = [place for place in range(len(work.chunks)) if place not in self.results]
        self._journal, self._progress = runner.journal, runner.progress
        self._weights, self._total = work.weights, sum(work.weights)
        self._done = sum(work.weights[place] for place in self.results)
        if self._progress is not None:
            self._progress(self._done, self._total)

    def keep(self, place: int, result: Array) -> None:
        """Keep a result, on disk too; the thread that computed it does this before it begins another chunk."""
        if self._journal is not None:
            self._journal.record(place, result)
        self.results[place] = result

    def tell(self, *places: int) -> None:
        """Report chunks as done, from the calling thread."""
        if self._progress is not None and places:
            self._done += sum(self._weights[place] for place in places)
            self._progress(self._done, self._total)


def _run_threads(work: Work, threads: int, state: _State) -> None:
    """Let each thread take the next chunk when it has finished one; this thread waits, and tells."""
    halt = Halt()
    left = iter(state.missing)  # shared: one step of a list's iterator is atomic
    done: deque[int] = deque()

    def labour() -> None:
        for place in left:
            running = work.begin(work.payload, work.chunks[place])
            unfinished = True
            while unfinished:
                if halt.asked:
                    return
                unfinished = not running.step()
            state.keep(place, running.result)
            done.append(place)

    def tell() -> None:
        state.tell(*(done.popleft() for _ in range(len(done))))

    threads = min(threads, len(state.missing))
    with deferred_interrupt(halt), ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            pending: set[Future[None]] = {pool.submit(labour) for _ in range(threads)}
            while pending and not halt.asked:
                ended, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                tell()
                for future in ended:
                    future.result()
        finally:
            halt.asked = True  # nothing runs any more at the regular end; otherwise the rest is given up
    if len(state.results) < len(work.chunks):  # halted by a signal whose own handler went on
        raise KeyboardInterrupt


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
