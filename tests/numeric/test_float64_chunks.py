"""Chunks stop when they are told to, and kernels compile without a cache folder."""

from __future__ import annotations

import threading
import time

import numba
import pytest

from exactdropout.numeric.chunks import run_chunks, thread_count
from exactdropout.numeric.kernels.compiled import compiled


@pytest.mark.parametrize("threads", [1, 3])
def test_every_chunk_runs_to_its_end(threads):
    left = dict.fromkeys("abcdef", 4)

    def start(name):
        def step():
            left[name] -= 1
            return left[name] == 0

        return step

    seen = []
    run_chunks(start, list(left), [2] * 6, threads, lambda done, total: seen.append((done, total)))
    assert set(left.values()) == {0}
    assert seen[0] == (0, 12)
    assert seen[-1] == (12, 12)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_an_interruption_stops_all_threads_after_their_step(raised):
    """Ctrl-C arrives in the calling thread, here from ``progress``; endless chunks must not keep running."""

    def start(name):
        def step():
            time.sleep(0.001)
            return name == 0

        return step

    def progress(done, _):
        if done:
            raise raised

    before = threading.active_count()
    with pytest.raises(raised):
        run_chunks(start, range(4), [1] * 4, 2, progress)
    assert threading.active_count() == before


def test_an_error_in_a_chunk_reaches_the_caller():
    def start(name):
        def step():
            if name == 1:
                raise ZeroDivisionError
            time.sleep(0.001)
            return name == 0

        return step

    with pytest.raises(ZeroDivisionError):
        run_chunks(start, range(3), [1] * 3, 2, None)


def test_threads_default_to_the_cores_of_the_process():
    assert thread_count(None) >= 1
    assert thread_count(3) == 3


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    original = numba.njit

    def refusing(*arguments, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(*arguments, **options)

    monkeypatch.setattr(numba, "njit", refusing)

    def twice(x):
        return 2 * x

    assert compiled(twice)(21) == 42
