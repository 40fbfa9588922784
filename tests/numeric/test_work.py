"""Work gives the same results for any runner; Ctrl-C at any instant ends it and never leaves a pool waiting."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.model import Examples, Network
from exactdropout.numeric.float64.derivatives import gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.packed import flattened, pack
from exactdropout.numeric.float64.problem import prepare, setting_of
from exactdropout.numeric.float64.quantities import reference_outputs
from exactdropout.numeric.float64.strategies import lanes, walk_layout
from exactdropout.numeric.float64.strategies import meet as meeting
from exactdropout.numeric.float64.strategies import walk as walking
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work, thread_count


class Counted:
    """A chunk (place, steps): sleeps through its steps, then leaves [place, steps]."""

    def __init__(self, payload, chunk):
        self.payload, self.place, self.left = payload, chunk[0], chunk[1]
        self.result = np.array(chunk, dtype=np.int64)

    def step(self):
        time.sleep(self.payload.get("seconds", 0.0))
        if self.place == self.payload.get("broken"):
            raise ZeroDivisionError("a chunk that breaks")
        self.left -= 1
        return self.left == 0


def counted(chunks, **payload):
    weights = tuple(place + 1 for place, _ in chunks)
    return Work(name="counted", begin=Counted, payload=payload, chunks=tuple(chunks), weights=weights)


ENDLESS = 1 << 60


@pytest.mark.parametrize("threads", [1, 3])
def test_every_chunk_runs_to_its_end_and_results_keep_their_order(threads):
    seen = []
    chunks = [(place, 1 + (5 * place) % 4) for place in range(6)]
    runner = Runner(threads=threads, progress=lambda done, total: seen.append((done, total)))
    results = runner.run(counted(chunks, seconds=1e-4))
    assert [tuple(r) for r in results] == chunks
    assert seen[0] == (0, 21)
    assert seen[-1] == (21, 21)
    assert sorted(seen) == seen


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_an_interruption_stops_all_threads_after_their_step(raised):
    """Ctrl-C arrives in the calling thread, here from ``progress``; endless chunks must not keep running."""

    def progress(done, _):
        if done:
            raise raised

    before = threading.active_count()
    with pytest.raises(raised):
        Runner(threads=2, progress=progress).run(counted([(0, 1), (1, ENDLESS), (2, ENDLESS)], seconds=1e-3))
    assert threading.active_count() == before


def test_an_error_in_a_chunk_stops_the_others_and_reaches_the_caller():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="a chunk that breaks"):
        Runner(threads=4).run(counted([(place, ENDLESS) for place in range(4)], seconds=1e-4, broken=3))
    assert threading.active_count() == before


def test_progress_counts_finished_weights_in_a_worker_thread_too():
    """Outside the main thread no signal handler may be set; the run works all the same."""
    told = []
    runner = Runner(threads=2, progress=lambda done, total: told.append((done, total)))
    thread = threading.Thread(target=runner.run, args=(counted([(4, 1), (5, 1), (6, 1)]),))
    thread.start()
    thread.join()
    assert told[0] == (0, 18)
    assert told[-1] == (18, 18)


def test_a_handler_of_the_caller_that_returns_does_not_let_half_a_result_through():
    """Found by reading: with a handler that only notes the signal, a halted run went on with what was not computed."""
    noted = []
    previous = signal.signal(signal.SIGINT, lambda *_: noted.append(1))
    try:
        with pytest.raises(KeyboardInterrupt):
            Runner(threads=2, progress=lambda done, _: signal.raise_signal(signal.SIGINT) if done else None).run(
                counted([(0, 1), (1, ENDLESS), (2, ENDLESS)], seconds=1e-3)
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    assert noted


INTERRUPTED = """
import os, random, signal, sys, threading, time
import numpy as np
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work

random.seed(int(sys.argv[1]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits an ignored one

class Sleeping:
    def __init__(self, payload, chunk):
        self.left, self.result = 40, np.zeros(1)
    def step(self):
        time.sleep(1e-4)
        self.left -= 1
        return self.left == 0

work = Work(name="sleep", begin=Sleeping, payload={}, chunks=tuple((i,) for i in range(64)), weights=(1,) * 64)
stopped = 0
for _ in range(60):
    timer = threading.Timer(random.random() * 0.02, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        Runner(threads=4).run(work)
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


class Travelling(Runner):
    """Sends every chunk through pickle, as another process would receive it, in reverse order, and counts."""

    def run(self, work):
        SEEN.append((work.name, len(work.chunks)))
        results = {}
        for place in reversed(range(len(work.chunks))):
            begin, payload, chunk = pickle.loads(pickle.dumps((work.begin, work.payload, work.chunks[place])))
            running = begin(payload, chunk)
            while not running.step():
                pass
            results[place] = pickle.loads(pickle.dumps(running.result))
            assert results[place].dtype in (np.float64, np.int64)
        return [results[place] for place in range(len(work.chunks))]


SEEN: list[tuple[str, int]] = []


@pytest.mark.parametrize(("module", "name", "shape"), [(walking, "leaves", 4), (meeting, "meet", 4)])
def test_the_work_of_every_strategy_travels_with_the_same_bits(module, name, shape):
    rng = np.random.default_rng(11)
    network = Network([rng.normal(size=(4, 13)), rng.normal(size=(1, 4))], [rng.normal(size=4), None])
    data = Examples.from_arrays(rng.normal(size=(2, 13)), rng.normal(size=(2, 1)))
    problem = prepare(network, data, (F(1, 3), F(1, 4)))
    reference = reference_outputs(problem)
    SEEN.clear()
    away = module.run(problem, reference, 2, Travelling())
    assert {seen.split()[0] for seen, _ in SEEN} == {name}  # "meet units", "meet pairs"
    assert np.array_equal(away.moments, module.run(problem, reference, 2, Runner()).moments)
    assert away.moments.shape == (2, shape)


def test_the_walk_by_lanes_travels_with_the_same_bits(monkeypatch):
    """In many small chunks, prefixes of one example among them, and all at once."""
    monkeypatch.setattr(walk_layout, "CHUNK_NANOSECONDS", 2e3)
    rng = np.random.default_rng(13)
    network = Network([rng.normal(size=(4, 13)), rng.normal(size=(5, 4)), rng.normal(size=(2, 5))])
    data = Examples.from_arrays(rng.normal(size=(2, 13)), rng.normal(size=(2, 2)))
    setting = setting_of(network.architecture, data, (F(1, 3), F(1, 4), F(1, 2)))
    packed = pack(setting)
    made = lanes.begun(packed, flattened(network)[None])
    problem = setting.problem(network)
    SEEN.clear()
    away = lanes.walked_in_chunks(packed, made, problem, Travelling())
    assert SEEN[0][0] == "walk"
    assert SEEN[0][1] > 8
    assert np.array_equal(away, lanes.walked_in_chunks(packed, made, problem, Runner()))
    items = np.array([[0, 0, 0, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(lanes.walked_at_once(packed, made, items), away, rtol=1e-12)


def test_the_work_of_the_gradient_travels_with_the_same_bits():
    rng = np.random.default_rng(12)
    network = Network([rng.normal(size=(4, 9)), rng.normal(size=(3, 4)), rng.normal(size=(1, 3))])
    data = Examples.from_arrays(rng.normal(size=(2, 9)), rng.normal(size=(2, 1)))
    problem = prepare(network, data, (F(1, 3), F(1, 4), F(1, 2)))
    SEEN.clear()
    away = gradient.walked_gradient(network, prepared_derivatives(problem), Travelling())
    home = gradient.walked_gradient(network, prepared_derivatives(problem), Runner())
    assert SEEN
    for a, b in zip(away.weights, home.weights, strict=True):
        assert np.array_equal(a, b)


def test_threads_default_to_the_cores_of_the_process():
    assert thread_count(None) >= 1
    assert thread_count(3) == 3
