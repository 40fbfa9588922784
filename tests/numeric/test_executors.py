"""Any executor gives the same bits; a dead worker, a closed pool, a foreign object end in one sentence."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

from exactdropout.errors import CostLimitExceeded, ExecutorFailed, InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric import training
from exactdropout.numeric.float64 import engine as float64
from exactdropout.numeric.runs.executors import Parcel, bundles, checked_executor
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work

PARTS = ("criterion", "risk", "penalty", "variance", "bias", "mean")


class Squared:
    """A chunk (place,) leaves the square; one place ends its process, others raise errors."""

    def __init__(self, payload, chunk):
        self.payload, self.place = payload, chunk[0]

    def step(self):
        time.sleep(self.payload.get("seconds", 0.0))
        if self.place == self.payload.get("dies"):
            os._exit(1)
        if self.place == self.payload.get("refuses"):
            raise CostLimitExceeded("Too much.")
        if self.place == self.payload.get("breaks"):
            raise ZeroDivisionError("in a chunk")
        return True

    @property
    def result(self):
        return np.array([self.place**2], dtype=np.int64)


class Local(Squared):
    """A chunk that no other process finds by its name."""


Local.__qualname__ = "nowhere.to.be.found"


def squares(count=40, begin=Squared, **payload):
    weights = (1,) * count
    return Work(name="squares", begin=begin, payload=payload, chunks=tuple((i,) for i in range(count)), weights=weights)


def pool(start):
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(start))


@pytest.fixture(scope="module")
def processes():
    with pool("spawn") as executor:
        yield executor


@pytest.fixture(scope="module")
def forked():
    """Processes that know the classes of this file."""
    with pool("fork") as executor:
        yield executor


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(7)
    network = Network([rng.normal(size=(5, 16)), rng.normal(size=(2, 5))], [rng.normal(size=5), None])
    return network, Examples.from_arrays(rng.normal(size=(3, 16)), rng.normal(size=(3, 2))), F(1, 3)


@pytest.fixture
def always_away(monkeypatch):
    monkeypatch.setattr(float64, "SERIAL", 0.0)  # hand over even what is done in a millisecond


def bits(evaluation):
    rows = [np.asarray(getattr(evaluation, name)).tobytes() for name in PARTS]
    rows += [np.asarray(evaluation.error_bounds[name]).tobytes() for name in PARTS]
    if evaluation.gradient is not None:
        rows += [w.tobytes() for w in evaluation.gradient.weights]
    return rows


@pytest.mark.parametrize("strategy", ["walk", "meet"])
@pytest.mark.parametrize("gradient", [False, True])
def test_every_executor_gives_the_same_bits(problem, strategy, gradient, processes, always_away):
    def run(**how):
        return bits(evaluate(*problem, strategy=strategy, gradient=gradient, **how))

    alone = run(threads=1)
    assert run(threads=3) == alone
    assert run(executor=processes) == alone
    with ThreadPoolExecutor(2) as threads:
        assert run(executor=threads) == alone
    with pool("fork") as forked:  # after calls of compiled kernels in this process
        assert run(executor=forked) == alone


def test_training_on_an_executor_finds_the_same_network(processes, always_away):
    rng = np.random.default_rng(5)
    network = Network([rng.normal(size=(3, 4)), rng.normal(size=(1, 3))])
    data = Examples.from_arrays(rng.normal(size=(4, 4)), rng.normal(size=(4, 1)))
    at_home = training.train(network, data, "1/2", iterations=5)
    away = training.train(network, data, "1/2", iterations=5, executor=processes)
    assert at_home.evaluations == away.evaluations > 3
    for a, b in zip(at_home.network.weights, away.network.weights, strict=True):
        assert np.array_equal(a, b)


class Late(Executor):
    """Runs what it is given in one thread, the last first, and counts."""

    def __init__(self, together):
        self.tasks, self.together, self.thread = [], together, ThreadPoolExecutor(1)
        self.submitted = 0

    def submit(self, function, /, *arguments, **named):
        future = Future()
        self.tasks.append((future, function, arguments))
        self.submitted += 1
        if len(self.tasks) == self.together:
            self.thread.submit(self.work, self.tasks[::-1])
            self.tasks = []
        return future

    def work(self, tasks):
        for future, function, arguments in tasks:
            future.set_result(function(*arguments))


def test_results_come_in_the_order_of_the_grid_whatever_ends_first():
    told = []
    late = Late(40)
    runner = Runner(executor=late, progress=lambda done, total: told.append((done, total)))
    assert [int(r[0]) for r in runner.run(squares())] == [i**2 for i in range(40)]
    assert told == [(i, 40) for i in range(41)]
    late.thread.shutdown()


class Forgetful(Executor):
    """Returns no futures."""

    def submit(self, function, /, *arguments, **named):
        return None


def test_an_executor_without_futures_is_named():
    with pytest.raises(ExecutorFailed, match=r"^Argument 'executor' must return futures from its submit, not None\.$"):
        Runner(executor=Forgetful()).run(squares())


def test_bundles_hold_every_place_once_and_about_a_second_of_work():
    places = list(range(1000))
    for cost, least, most in ((0.0, 64, 64), (300e9, 300, 300), (1e15, 1000, 1000)):
        cut = bundles(places, (3,) * 1000, cost)
        assert [place for bundle in cut for place in bundle] == places
        assert least <= len(cut) <= most
        assert max(map(len, cut)) <= -(-1000 // len(cut)) + 1
    assert bundles([5, 8], (1,) * 9, 0.0) == [[5], [8]]


def test_a_payload_is_unpickled_once_in_each_process(forked):
    """50 copies of 8 MB would show: the parcel travels as bytes, and what has arrived is kept."""
    seen = set()
    for result in Runner(executor=forked).run(squares(50, Identified, big=np.zeros(1 << 20))):
        seen.add(tuple(result.tolist()))
    by_process = {}
    for process, identity in seen:
        by_process.setdefault(process, set()).add(identity)
    assert 1 <= len(by_process) <= 2
    assert all(len(identities) == 1 for identities in by_process.values())


class Identified(Squared):
    """Leaves the process and the address of the payload in it."""

    @property
    def result(self):
        return np.array([os.getpid(), id(self.payload)], dtype=np.int64)


def test_a_worker_that_dies_is_one_sentence_and_what_arrived_is_kept():
    with pool("fork") as executor, pytest.raises(ExecutorFailed, match="lost a worker, which was killed") as caught:
        Runner(executor=executor).run(squares(dies=30))
    assert isinstance(caught.value.__cause__, BrokenExecutor)
    assert "\n" not in str(caught.value)


def test_errors_of_ours_pass_and_others_are_named(forked):
    with pytest.raises(CostLimitExceeded, match=r"^Too much\.$"):
        Runner(executor=forked).run(squares(refuses=3))
    with pytest.raises(ExecutorFailed, match=r"'executor' failed \(ZeroDivisionError: in a chunk\)"):
        Runner(executor=forked).run(squares(breaks=3))
    assert len(Runner(executor=forked).run(squares())) == 40  # the pool lives on


def test_a_worker_that_cannot_read_its_task_is_one_sentence(monkeypatch):
    """A new process does not find the classes of this file, as a worker without the package would not find ours."""
    here = Path(__file__).parents[2]  # with ``python -m pytest`` the folder of the tests is on the path
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if Path(folder).resolve() != here])
    with pool("spawn") as executor, pytest.raises(ExecutorFailed, match="lost a worker"):
        Runner(executor=executor).run(squares())


def test_what_cannot_be_pickled_is_one_sentence(forked):
    with pytest.raises(ExecutorFailed, match=r"'executor' failed \(\w*Error: .*nowhere"):
        Runner(executor=forked).run(squares(begin=Local))


def test_a_pool_that_is_shut_down_is_one_sentence():
    closed = ThreadPoolExecutor(1)
    closed.shutdown()
    with pytest.raises(ExecutorFailed, match="cannot schedule new futures after shutdown"):
        Runner(executor=closed).run(squares())


def test_a_pool_that_is_shut_down_on_the_way_is_one_sentence():
    executor = ThreadPoolExecutor(1)
    with pytest.raises(ExecutorFailed, match="must stay open"):
        Runner(executor=executor).run(squares(begin=Closing, executor=executor, seconds=0.2))


class Closing(Squared):
    """Closes the executor it runs on."""

    def step(self):
        done = super().step()
        self.payload["executor"].shutdown(wait=False, cancel_futures=True)
        return done


class Client:
    def get_executor(self):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("wrong", "hint"), [(4, "not 4"), (ThreadPoolExecutor, "Executor"), (Client(), "get_executor")]
)
def test_what_is_no_executor_is_refused(wrong, hint, problem):
    with pytest.raises(InvalidInput, match=f"Argument 'executor' must be .*{hint}"):
        evaluate(*problem, executor=wrong)
    assert checked_executor(None) is None


def test_engines_without_chunks_refuse_executor_and_checkpoint(tmp_path):
    exact, data = Network([[[1, 1]], [1]]), Examples.point((1, -1), 8)
    with pytest.raises(InvalidInput, match="'checkpoint' is for the float64 engine"):
        evaluate(exact, data, "1/2", checkpoint=tmp_path / "run.journal")
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InvalidInput, match="'executor' is for the float64 engine"),
    ):
        evaluate(exact, data, "1/2", precision=20, executor=executor)
    assert not (tmp_path / "run.journal").exists()


def test_ctrl_c_cancels_what_has_not_begun_and_returns_at_once():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    executor = ThreadPoolExecutor(2)
    count = Begun(threading.Lock())
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Runner(executor=executor).run(squares(500, count, seconds=0.02))
    finally:
        signal.signal(signal.SIGINT, before)
        timer.join()
    executor.shutdown()
    assert 2 <= count.value < 400


class Begun:
    """Begins a chunk and counts it."""

    def __init__(self, lock):
        self.value, self.lock = 0, lock

    def __call__(self, payload, chunk):
        with self.lock:
            self.value += 1
        return Squared(payload, chunk)


def test_a_parcel_does_not_pickle_where_nothing_travels():
    with ThreadPoolExecutor(1) as executor:
        assert len(Runner(executor=executor).run(squares(lock=threading.Lock()))) == 40
    with pytest.raises(TypeError, match="pickle"):
        Parcel({"lock": threading.Lock()}).packed()


UNGUARDED = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing, numpy as np
import exactdropout as xd
rng = np.random.default_rng(1)
network = xd.Network([rng.normal(size=(6, 26)), rng.normal(size=(1, 6))])
with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
    xd.evaluate(network, xd.Examples.point(rng.normal(size=26), 1.0), "1/2", strategy="walk", executor=pool)
"""


def test_a_script_without_a_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert "ExecutorFailed: Argument 'executor' lost a worker" in last
    assert "__name__ == '__main__'" in last
