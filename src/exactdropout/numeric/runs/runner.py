"""Who does the work: threads of our own, or an executor; who is told, and where finished chunks are kept."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from exactdropout.model.numbers import Array
from exactdropout.numeric.runs.executors import run_elsewhere
from exactdropout.numeric.runs.work import Halt, Journal, Work, deferred_interrupt
from exactdropout.progress import Progress

__all__ = ["Runner"]


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
