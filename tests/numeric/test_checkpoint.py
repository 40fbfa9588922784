"""A killed evaluation goes on from its journal with the same bits; a journal that does not belong or is damaged is
refused with what differs, and never changed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64 import plan as planning
from exactdropout.numeric.runs.journal import journal
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work

BELONGS = {"package": "1", "network": "a" * 64, "q": "1/2"}


def problem(seed=3, inputs=15, examples=2):
    rng = np.random.default_rng(seed)
    network = Network([rng.normal(size=(4, inputs)), rng.normal(size=(1, 4))], [rng.normal(size=4), None])
    return network, Examples.from_arrays(rng.normal(size=(examples, inputs)), rng.normal(size=(examples, 1)))


def bits(evaluation):
    names = ("criterion", "risk", "penalty", "variance", "bias", "mean")
    rows = [np.asarray(v).tobytes() for n in names for v in (getattr(evaluation, n), evaluation.error_bounds[n])]
    gradient = evaluation.gradient
    return rows if gradient is None else [*rows, *(w.tobytes() for w in gradient.weights), gradient.error_bound]


BEGUN: list[int] = []


class Cubed:
    """A chunk (place,): leaves its cube and counts that it was begun."""

    def __init__(self, payload, chunk):
        BEGUN.append(chunk[0])
        self.result = np.array([[chunk[0] ** 3, payload["offset"]]], dtype=payload["kind"])

    def step(self):
        return True


def cubes(count=12, offset=0, kind="float64", name="cubes"):
    payload = {"offset": offset, "kind": kind}
    chunks = tuple((i,) for i in range(count))
    return Work(name=name, begin=Cubed, payload=payload, chunks=chunks, weights=(1,) * count)


@pytest.fixture(autouse=True)
def fewer_small_problems(monkeypatch):
    """Two million masks would be walked in one call, without chunks; here a quarter of them has chunks."""
    monkeypatch.setattr(planning, "MOST_STEPS", 1 << 23)


def run(path, *works, belongs=BELONGS, **how):
    """Run works on a journal, mark it complete; return the results and which chunks were begun."""
    BEGUN.clear()
    with journal(path, belongs) as log:
        results = [Runner(journal=log, **how).run(work) for work in works]
        log.finish()
    return results, sorted(BEGUN)


def same(found, expected):
    return all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for left, right in zip(found, expected, strict=True)
        for a, b in zip(left, right, strict=True)
    )


# --- killed ----------------------------------------------------------------------------------------------------------

KILLED = """
import json, os, sys
import numpy as np
from exactdropout.evaluation import evaluate
from exactdropout.numeric.float64 import engine as float64
from exactdropout.numeric.float64 import plan as planning
from exactdropout.numeric.float64.strategies import walk_layout as tables
from exactdropout.numeric.float64.derivatives import gradient_table, table_items
from exactdropout.numeric.float64.strategies import lanes
sys.path.insert(0, sys.argv[1])
from test_checkpoint import problem

journal, how = sys.argv[2], json.loads(sys.argv[4])
counter = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
tables.CHUNK_NANOSECONDS, float64.SERIAL, planning.MOST_STEPS, table_items.CHUNK_MASKS = 2e3, 0.0, 1 << 23, 1.0
for kind in (lanes.WalkedLanes, gradient_table.BlockItems):
    def counted(self, *arguments, begin=kind.__init__):
        os.write(counter, b".")
        begin(self, *arguments)
    kind.__init__ = counted
if how.pop("processes", False):
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    how["executor"] = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork"))
result = evaluate(*problem(inputs=20), "1/3", strategy="walk", gradient=True, checkpoint=journal, **how)
print(result.criterion.hex(), *(w.tobytes().hex() for w in result.gradient.weights), flush=True)
os._exit(0)
"""


class Started:
    """The script in a process group of its own, which ends with the block; what it prints goes to a file."""

    def __init__(self, tmp_path, how):
        self.output = tmp_path / "output"
        files = [str(tmp_path / "run.journal"), str(tmp_path / "count"), json.dumps(how)]
        with open(self.output, "wb") as output:
            command = [sys.executable, "-c", KILLED, os.path.dirname(__file__), *files]
            self.process = subprocess.Popen(command, stdout=output, start_new_session=True)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def completed(tmp_path, how):
    """Return what an undisturbed run prints."""
    started = Started(tmp_path, how)
    with started as process:
        assert process.wait(timeout=120) == 0
        return started.output.read_text().split()


def chunks_of(path):
    """Count the records of chunks by walking over the file as its format says."""
    data, position, parts = path.read_bytes(), 0, 0
    position = data.index(b"\n") + 1
    while position < len(data):
        parts += data[position : position + 4] == b"PART"
        position += 16 + int.from_bytes(data[position + 4 : position + 12], "little") + 32
    return parts


@pytest.mark.parametrize(
    ("how", "seed"),
    [
        ({"threads": 2}, 1),
        pytest.param({"threads": 1}, 2, marks=pytest.mark.thorough),
        ({"processes": True}, 3),
    ],
)
def test_kill_9_at_random_instants_repeats_only_what_was_in_flight(how, seed, tmp_path):
    """Value and gradient are two works on one journal; the kill comes when a random number of bytes is written."""
    alone = evaluate(*problem(inputs=20), "1/3", strategy="walk", gradient=True, threads=1)
    expected = [alone.criterion.hex(), *(w.tobytes().hex() for w in alone.gradient.weights)]
    generator = random.Random(seed)
    path, kills = tmp_path / "run.journal", 0
    with contextlib.ExitStack() as orphans:  # workers of a killed process live on for now, and must not hold the lock
        for share in sorted(generator.random() for _ in range(4)):
            process = orphans.enter_context(Started(tmp_path, how))
            wanted = 500 + share * 60_000
            while process.poll() is None and not (path.exists() and path.stat().st_size > wanted):
                time.sleep(0.001)
            time.sleep(generator.random() * 0.003)
            kills += process.poll() is None
            process.kill()
            process.wait()
        assert completed(tmp_path, how) == expected
    assert kills >= 2
    chunks, begun = chunks_of(path), (tmp_path / "count").stat().st_size
    assert chunks == 256 + 2 * 16  # the value's, and the gradient's of two examples; each is counted when begun
    # bundles: two run, three wait in the pool, and what has arrived is kept one by one, later on a busy machine
    at_once = how.get("threads", 0) or 9 * (chunks // 64 + 1)
    assert chunks <= begun <= chunks + kills * at_once
    assert completed(tmp_path, how) == expected  # once more: everything is read, nothing begun
    assert (tmp_path / "count").stat().st_size == begun


def test_ctrl_c_leaves_a_journal_from_which_the_rest_is_done(tmp_path):
    path, expected = tmp_path / "run.journal", evaluate(*problem(), "1/2", strategy="walk", gradient=True)

    def interrupted(done, total):
        if done > total / 3:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            evaluate(
                *problem(), "1/2", strategy="walk", gradient=True, checkpoint=path, progress=interrupted, threads=1
            )
    found = evaluate(*problem(), "1/2", strategy="walk", gradient=True, checkpoint=path)
    assert bits(found) == bits(expected)


def test_a_signal_during_threads_leaves_whole_records(tmp_path):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    path = tmp_path / "run.journal"
    works = (cubes(400, kind="int64"),)
    expected = [Runner().run(work) for work in works]
    try:
        for _ in range(3):
            timer = threading.Timer(0.005, os.kill, (os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the signal may come late
                timer.start()
                run(path, *works, threads=2)
                timer.join()
                path.unlink()
                time.sleep(0.1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert same(run(path, *works)[0], expected)


@pytest.mark.parametrize("strategy", ["walk", "meet", "moments"])
def test_every_strategy_and_the_gradient_are_read_back_whole(strategy, tmp_path):
    network, data = problem()
    if strategy == "moments":
        network = Network([np.abs(w) for w in network.weights])
        data = Examples.from_arrays(np.abs(data.inputs), data.labels)
    path = tmp_path / "run.journal"
    options = {"strategy": strategy, "gradient": True}
    first = evaluate(network, data, "1/2", checkpoint=path, **options)
    written = path.read_bytes()
    again = evaluate(network, data, "1/2", checkpoint=str(path), threads=1, **options)
    assert bits(first) == bits(again) == bits(evaluate(network, data, "1/2", **options))
    assert path.read_bytes() == written


def test_several_works_keep_their_chunks_apart(tmp_path):
    works = [cubes(5, offset=1), cubes(7, offset=2, kind="int64"), cubes(5, offset=3)]
    expected = [Runner().run(work) for work in works]
    path = tmp_path / "run.journal"
    results, begun = run(path, *works)
    assert same(results, expected)
    assert len(begun) == 17
    results, begun = run(path, *works)
    assert same(results, expected)
    assert begun == []


# --- damaged ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.thorough)])
def test_every_flipped_bit_is_refused_and_every_truncation_goes_on(tmp_path, step):
    works = [cubes(3, offset=1), cubes(4, offset=-7, kind="int64")]
    path = tmp_path / "run.journal"
    expected, _ = run(path, *works)
    whole = path.read_bytes()
    generator = random.Random(4)
    for position in range(0, len(whole), step):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(UnreadableFile, match=r"run\.journal"):
            run(path, *works)
        assert path.read_bytes() == flipped  # what is refused is not touched
    lengths = []
    ends = {whole.index(tag) for tag in (b"WORK", b"PART", b"DONE")} | {whole.rindex(tag) for tag in (b"WORK", b"PART")}
    for length in sorted({*range(0, len(whole), 7 * step), *ends}):
        path.write_bytes(whole[:length])
        results, begun = run(path, *works)
        assert same(results, expected)
        assert path.read_bytes() == whole  # one thread: the same records in the same order
        lengths.append(len(begun))
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 7
    assert lengths[-1] == 0


def test_a_flipped_bit_before_a_cut_is_refused_and_one_after_it_does_no_harm(tmp_path):
    work = cubes(6)
    path = tmp_path / "run.journal"
    expected, _ = run(path, work)
    whole = path.read_bytes()
    last = whole.rindex(b"PART")
    cut = last + 40  # inside the last chunk's record
    for position in range(len(whole[:cut])):
        flipped = bytearray(whole[:cut])
        flipped[position] ^= 0x10
        path.write_bytes(flipped)
        if position < last + 16:  # whole records, and the whole head of the last one
            with pytest.raises(UnreadableFile):
                run(path, work)
        else:
            assert same(run(path, work)[0], expected)


def test_records_cannot_be_moved_between_journals(tmp_path):
    one, other = tmp_path / "one.journal", tmp_path / "other.journal"
    run(one, cubes(3))
    run(other, cubes(3), belongs={**BELONGS, "q": "1/3"})
    left, right = one.read_bytes(), other.read_bytes()
    start = left.index(b"WORK"), right.index(b"WORK")
    one.write_bytes(left[: start[0]] + right[start[1] :])
    with pytest.raises(UnreadableFile, match=f"damaged after byte {start[0]}"):
        run(one, cubes(3))
    one.write_bytes(left + left[start[0] :])  # a second copy of all records behind the end
    with pytest.raises(UnreadableFile, match=f"damaged after byte {len(left)}"):
        run(one, cubes(3))


# --- another evaluation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": problem(4)[0]}, "another network: [0-9a-f]{12} there, [0-9a-f]{12} here"),
        ({"data": problem(4)[1]}, "another data set"),
        ({"q": F(1, 3)}, "another drop probability: '1/2, 1/2' there, '1/3, 1/3' here"),
        ({"gradient": True}, "another choice of 'gradient': 'False' there, 'True' here"),
        ({"moments": 4}, "another choice of 'moments'"),
        ({"strategy": "meet"}, "another strategy: 'walk' there, 'meet' here"),
    ],
)
def test_a_journal_of_another_evaluation_is_refused_with_what_differs(change, said, tmp_path):
    path = tmp_path / "run.journal"
    network, data = problem()
    own = {"network": network, "data": data, "q": F(1, 2), "strategy": "walk", "checkpoint": path}
    evaluate(**own)
    written = path.read_bytes()
    with pytest.raises(UnreadableFile, match=f"run.journal', which belongs to {said}") as caught:
        evaluate(**(own | change))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == written


def test_one_bit_of_one_weight_is_another_network(tmp_path):
    network, data = problem()
    path = tmp_path / "run.journal"
    evaluate(network, data, "1/2", checkpoint=path)
    weights = [w.copy() for w in network.weights]
    weights[0][1, 2] = np.nextafter(weights[0][1, 2], 9.0)
    with pytest.raises(UnreadableFile, match="another network"):
        evaluate(Network(weights, [network.biases[0], None]), data, "1/2", checkpoint=path)
    with pytest.raises(UnreadableFile, match="another network"):
        evaluate(Network(network.weights, network.biases, activation="leaky_relu(1/100)"), data, "1/2", checkpoint=path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("package", "version of exactdropout: '0' there"),
        ("engine", "build of the engine"),
        ("numba", "version of Numba"),
        ("numpy", "version of NumPy"),
    ],
)
def test_a_journal_of_another_engine_is_refused(name, said, tmp_path, monkeypatch):
    from exactdropout.numeric.runs import fingerprint

    path = tmp_path / "run.journal"
    now = dict(fingerprint.engine_identity())
    monkeypatch.setattr(fingerprint, "engine_identity", lambda: now | {name: "0"})
    evaluate(*problem(), "1/2", checkpoint=path)
    monkeypatch.undo()
    with pytest.raises(UnreadableFile, match=f"belongs to another {said}"):
        evaluate(*problem(), "1/2", checkpoint=path)


def test_another_grid_another_payload_and_another_format_are_refused(tmp_path):
    path = tmp_path / "run.journal"
    run(path, cubes(5))
    for work, said in (
        (cubes(6), "another grid of chunks"),
        (cubes(5, offset=1e-300), "another machine or library"),
        (cubes(5, name="squares"), "another kind of work"),
    ):
        with pytest.raises(UnreadableFile, match=said):
            run(path, work)
    with pytest.raises(UnreadableFile, match="is marked complete, but work is missing"):
        run(path, cubes(5), cubes(5))
    path.write_bytes(path.read_bytes().replace(b"journal 1\n", b"journal 2\n"))
    with pytest.raises(UnreadableFile, match="has the format '2', not 1"):
        run(path, cubes(5))


def test_any_other_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "network.json"
    for content in (
        b"{}",
        b"exactly what it was",
        b"exactdropout journal 1\nHEAD and then something else that is long enough",
    ):
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=r"network\.json"):
            evaluate(*problem(), "1/2", checkpoint=path)
        assert path.read_bytes() == content


# --- full, unwritable ------------------------------------------------------------------------------------------------

FULL = """
import resource, sys
from test_checkpoint import Runner, cubes, journal
from exactdropout.errors import InvalidInput
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # a write beyond it is cut short, as on a full disk
try:
    with journal(sys.argv[1], {"package": "1"}) as log:
        Runner(journal=log, threads=int(sys.argv[3])).run(cubes(50))
except InvalidInput as error:
    print(error)
"""


@pytest.mark.parametrize("threads", [pytest.param("1", marks=pytest.mark.thorough), "2"])
def test_a_full_disk_is_one_sentence_and_damages_nothing(threads, tmp_path):
    path = tmp_path / "run.journal"
    for limit in (100, 1500, 1501, 1560, 2000):
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(path), str(limit), threads],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert "run.journal', which cannot be written: File too large" in done.stdout
        assert done.stdout.count("\n") == 1
        assert path.stat().st_size <= limit
    kept = chunks_of(path)
    assert kept > 8
    results, begun = run(path, cubes(50), belongs={"package": "1"})
    assert len(begun) == 50 - kept
    assert same(results, [Runner().run(cubes(50))])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing/run.journal", "cannot be written: No such file or directory"),
        ("folder", "cannot be written: Is a directory"),
        ("pipe", "must name a regular file"),
        ("nul\0", "cannot be written: .*embedded null"),
    ],
)
def test_a_path_that_cannot_be_written_is_one_sentence(name, said, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match=f"Argument 'checkpoint' .*{said}"):
        evaluate(*problem(), "1/2", checkpoint=str(tmp_path / name))
    with pytest.raises(InvalidInput, match="must be the path of a file, not 7"):
        evaluate(*problem(), "1/2", checkpoint=7)
