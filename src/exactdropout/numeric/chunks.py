"""A fixed grid of chunks, run by a thread pool; what a chunk computes does not depend on who runs it, or when."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.progress import Progress

__all__ = ["Step", "run_chunks", "thread_count"]

T = TypeVar("T")
Step = Callable[[], bool]
"""Does at most about 0.1 s of a chunk's work and says whether the chunk is finished."""


def thread_count(threads: int | None) -> int:
    """Return the number of threads to use: the argument, or one for each core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InvalidInput(f"Argument 'threads' must be a positive integer or None, not {show(threads)}.")
    return threads


class Halt:
    """A flag that asks workers to stop; without a lock, so that a signal handler may set it at any instant."""

    def __init__(self) -> None:
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


def run_chunks(
    start: Callable[[T], Step], chunks: Sequence[T], weights: Sequence[int], threads: int, progress: Progress | None
) -> None:
    """Run every chunk to its end; ``start(chunk)`` allocates its workspace and returns its step.

    Progress counts the weights of finished chunks. Ctrl-C and any error stop all threads after their current step.
    """
    total = sum(weights)
    done = 0
    if progress is not None:
        progress(0, total)
    if threads == 1 or len(chunks) < 2:
        for chunk, weight in zip(chunks, weights, strict=True):
            step = start(chunk)
            while not step():
                pass
            done += weight
            if progress is not None:
                progress(done, total)
        return
    halt = Halt()

    def work(chunk: T, weight: int) -> int:
        step = start(chunk)
        while not halt.asked:
            if step():
                return weight
        return 0

    with deferred_interrupt(halt), ThreadPoolExecutor(max_workers=min(threads, len(chunks))) as pool:
        pending: set[Future[int]] = {pool.submit(work, c, w) for c, w in zip(chunks, weights, strict=True)}
        try:
            while pending and not halt.asked:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                done += sum(future.result() for future in finished)
                if progress is not None and finished:
                    progress(done, total)
        finally:
            halt.asked = True  # nothing runs any more at the regular end; otherwise the rest is given up
            for future in pending:
                future.cancel()
