"""Ctrl-C at any instant ends a run of chunks with KeyboardInterrupt, and never leaves the pool waiting."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from exactdropout.numeric.chunks import run_chunks

INTERRUPTED = """
import os, random, signal, threading, time
from exactdropout.numeric.chunks import run_chunks

random.seed(int(__import__("sys").argv[1]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits an ignored one

def start(chunk):
    left = [40]
    def step():
        time.sleep(1e-4)
        left[0] -= 1
        return left[0] == 0
    return step

stopped = 0
for _ in range(60):
    timer = threading.Timer(random.random() * 0.02, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        run_chunks(start, list(range(64)), [1] * 64, 4, None)
        timer.join()
        time.sleep(0.01)
    except KeyboardInterrupt:
        stopped += 1
print(stopped, threading.active_count())
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_interrupts_at_random_instants_never_hang(seed):
    """Found by a process that slept for ever: KeyboardInterrupt inside a lock of concurrent.futures."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(seed)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["60", "1"]


def test_an_error_in_a_chunk_stops_the_others_and_is_raised():
    seen = []

    def start(chunk):
        def step():
            seen.append(chunk)
            if chunk == 3:
                raise ValueError("chunk 3")
            return False  # never finishes by itself

        return step

    with pytest.raises(ValueError, match="chunk 3"):
        run_chunks(start, list(range(4)), [1] * 4, 4, None)
    assert 3 in seen
    assert threading.active_count() == 1


def test_progress_counts_finished_weights_in_a_worker_thread_too():
    """Outside the main thread no signal handler may be set; the run works all the same."""
    told = []

    def run():
        run_chunks(lambda chunk: lambda: True, [1, 2, 3], [5, 6, 7], 2, lambda done, total: told.append((done, total)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told[0] == (0, 18)
    assert told[-1] == (18, 18)
