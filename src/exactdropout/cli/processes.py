"""``--workers``: processes that do the work of a command, and end with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from exactdropout.errors import InvalidInput

__all__ = ["processes"]


@contextlib.contextmanager
def processes(count: int | None) -> Iterator[Executor | None]:
    """Yield a pool of worker processes, or None for None; none of them outlives this process, however it ends."""
    if count is None:
        yield None
        return
    if count < 1:
        raise InvalidInput(f"Argument '--workers' must be a positive integer, not {count}.")
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from exactdropout.numeric.runs.executors import stand_by

    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(count, mp_context=context, initializer=stand_by, initargs=(stop,)) as pool:
        try:
            yield pool
        finally:
            stop.set()
