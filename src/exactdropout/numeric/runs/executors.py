"""Chunks on an executor that is not ours: a pool of processes, a cluster.

Such an executor cannot be stepped: what it has begun runs to its end. So chunks travel in bundles of about a second;
Ctrl-C cancels the bundles that have not begun and returns at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from exactdropout.errors import ExactDropoutError, ExecutorFailed, InvalidInput
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.runs.work import Chunk, Halt, Payload, Running, Work, deferred_interrupt

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

__all__ = ["checked_executor", "run_elsewhere", "stand_by"]

BUNDLE_NANOSECONDS = 1.0e9
LEAST_BUNDLES = 64
LEAST_UNDERWAY, MOST_UNDERWAY = 16, 4096
MOST_BYTES = 2.0**30
"""Most bytes of payload that wait in an executor's queue at a time, as long as that is at least 16 bundles."""


def checked_executor(executor: Any) -> Executor | None:
    """Return the argument if it is an executor or None."""
    if executor is None or isinstance(executor, Executor):
        return executor
    hint = "; a Dask client has one: client.get_executor()" if hasattr(executor, "get_executor") else ""
    raise InvalidInput(
        f"Argument 'executor' must be a concurrent.futures.Executor or None, not {show(executor)}{hint}."
    )


class Parcel:
    """A payload on its way: pickled once where it starts, unpickled once in each process that receives it."""

    def __init__(self, payload: Payload) -> None:
        self.payload = payload
        self._packed: tuple[str, bytes] | None = None

    def packed(self) -> tuple[str, bytes]:
        """Return the fingerprint of the pickled payload, and the pickled payload."""
        if self._packed is None:
            data = pickle.dumps(self.payload, protocol=5)
            self._packed = hashlib.sha256(data).hexdigest(), data
        return self._packed

    def __reduce__(self) -> tuple[Callable[[str, bytes], Parcel], tuple[str, bytes]]:
        """Travel as what :meth:`packed` returns."""
        return _received, self.packed()

    def __dask_tokenize__(self) -> str:
        """Name the content for Dask, which otherwise pickles it once more."""
        return self.packed()[0]


_last_received: tuple[str, Parcel] | None = None


def _received(name: str, data: bytes) -> Parcel:
    global _last_received  # noqa: PLW0603 - one entry per worker process; a race only unpickles twice
    known = _last_received
    if known is not None and known[0] == name:
        return known[1]
    parcel = Parcel(pickle.loads(data))
    _last_received = name, parcel
    return parcel


_stop: Event | None = None
"""In a worker process of the command line: set when its parent is interrupted."""


def run_bundle(begin: Callable[[Payload, Chunk], Running], parcel: Parcel, chunks: Sequence[Chunk]) -> list[Array]:
    """Return the results of a few chunks; this is what a worker calls."""
    results = []
    for chunk in chunks:
        running = begin(parcel.payload, chunk)
        unfinished = True
        while unfinished:
            if _stop is not None and _stop.is_set():
                raise KeyboardInterrupt
            unfinished = not running.step()
        results.append(running.result)
    return results


def bundles(places: Sequence[int], weights: Sequence[int], cost: float) -> list[list[int]]:
    """Return the places in bundles of about a second each, but not fewer than 64 where there are as many chunks."""
    wanted = min(len(places), max(LEAST_BUNDLES, int(cost / BUNDLE_NANOSECONDS)))
    total = max(1, sum(weights[place] for place in places))
    result: dict[int, list[int]] = {}
    before = 0
    for place in places:
        result.setdefault(before * wanted // total, []).append(place)
        before += weights[place]
    return list(result.values())


def run_elsewhere(
    executor: Executor,
    work: Work,
    places: Sequence[int],
    keep: Callable[[int, Array], None],
    tell: Callable[..., None],
    cost: float,
) -> None:
    """Run the chunks at ``places`` on the executor; ``keep`` and ``tell`` are called here, as results arrive.

    Raises:
        ExecutorFailed: a worker died, a pool is shut down, something cannot be pickled; what had arrived was kept.
    """
    parcel, halt = Parcel(work.payload), Halt()
    sent: dict[Future[list[Array]], list[int]] = {}
    arrived: queue.SimpleQueue[Future[list[Array]]] = queue.SimpleQueue()
    waiting = bundles(places, work.weights, cost)[::-1]
    most = min(MOST_UNDERWAY, max(LEAST_UNDERWAY, int(MOST_BYTES / (1 + size(work.payload)))))
    with deferred_interrupt(halt):
        try:
            while (waiting or sent) and not halt.asked:
                if waiting and len(sent) < most:
                    bundle = waiting.pop()
                    with explained():
                        future = executor.submit(run_bundle, work.begin, parcel, [work.chunks[p] for p in bundle])
                    if not callable(getattr(future, "add_done_callback", None)):
                        raise ExecutorFailed(
                            f"Argument 'executor' must return futures from its submit, not {show(future)}."
                        )
                    sent[future] = bundle
                    future.add_done_callback(arrived.put)
                    if arrived.empty():
                        continue
                try:
                    future = arrived.get(timeout=0.2)
                except queue.Empty:
                    continue
                with explained():
                    results = future.result()
                bundle = sent.pop(future)
                for place, result in zip(bundle, results, strict=True):
                    keep(place, result)
                tell(*bundle)
        except ExecutorFailed as error:
            if isinstance(error.__cause__, BrokenExecutor):
                # the pool ends all its futures now; to cancel one meanwhile kills that thread of it (CPython 3.11)
                wait(sent, timeout=10)
            raise
        finally:
            _give_up(sent, keep)
    if halt.asked:  # by a signal whose own handler went on
        raise KeyboardInterrupt


def _give_up(sent: dict[Future[list[Array]], list[int]], keep: Callable[[int, Array], None]) -> None:
    """Cancel what has not begun, and keep what has ended in the meantime."""
    for future in sent:
        future.cancel()
    for future, bundle in sent.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            with contextlib.suppress(ExactDropoutError):
                for place, result in zip(bundle, future.result(), strict=True):
                    keep(place, result)


def size(payload: Any) -> int:
    """Return about how many bytes travel."""
    if isinstance(payload, np.ndarray):
        return int(payload.nbytes)
    if isinstance(payload, Mapping):
        return sum(size(part) for part in payload.values())
    return sum(size(part) for part in payload) if isinstance(payload, (tuple, list)) else 8


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what an executor or its worker raises into one sentence; our own errors pass."""
    try:
        yield
    except (ExactDropoutError, KeyboardInterrupt):
        raise
    except CancelledError as error:
        raise ExecutorFailed(
            "Argument 'executor' cancelled work that it had accepted; it must stay open until the evaluation ends."
        ) from error
    except BrokenExecutor as error:
        raise ExecutorFailed(
            "Argument 'executor' lost a worker, which was killed, ran out of memory or could not start (a script that "
            f"starts processes must do so below: if __name__ == '__main__'): {_brief(error)}."
        ) from error
    except Exception as error:
        raise ExecutorFailed(f"Argument 'executor' failed ({_brief(error)}).") from error


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text.rstrip(".")[:200]


def stand_by(stop: Event) -> None:
    """Prepare a worker process of the command line: it stops when ``stop`` is set, and does not outlive its parent.

    Ctrl-C is its parent's affair. A worker of a pool whose parent was killed waits for work for ever otherwise.
    """
    from multiprocessing import parent_process

    global _stop  # noqa: PLW0603 - what the initializer of a pool leaves for its tasks
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
