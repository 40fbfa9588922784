"""Checkpoints of estimates: the same bits as without a stop, refused for anything else."""

from __future__ import annotations

import itertools
import signal

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import UnreadableFile
from exactdropout.estimation import saved
from exactdropout.numeric.sampled.passes import Sampler


def problem() -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(2)
    net = xd.Network([random.normal(size=(b, a)) for a, b in itertools.pairwise((10, 8, 2))], [np.ones(8), np.ones(2)])
    return net, xd.Examples((random.normal(size=(5, 10)), random.normal(size=(5, 2))))


@pytest.mark.parametrize("rows", [False, True])
def test_a_run_that_goes_on_has_the_bits_of_one_that_did_not_stop(tmp_path, rows):
    path = tmp_path / "run.journal"
    options = {"max_cost": 0, "rows": rows, "seed": 3}
    wide = xd.estimate(*problem(), "1/2", width=0.2, checkpoint=path, **options)
    narrow = xd.estimate(*problem(), "1/2", width=0.05, checkpoint=path, **options)
    assert wide.passes < narrow.passes
    assert narrow == xd.estimate(*problem(), "1/2", width=0.05, **options)


def test_what_is_reached_already_is_not_sampled_again(tmp_path, monkeypatch):
    path = tmp_path / "run.journal"
    found = xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path)
    size = path.stat().st_size
    numbers = []
    true = Sampler.passes
    monkeypatch.setattr(Sampler, "passes", lambda self, number, *a: numbers.append(number) or true(self, number, *a))
    assert xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path) == found
    assert numbers == [0]  # the pilot, from which the constants follow
    assert path.stat().st_size == size
    sure = xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path, confidence="0.9")
    assert sure.criterion.width < found.criterion.width


def test_ctrl_c_leaves_the_last_whole_pass(tmp_path):
    path = tmp_path / "run.journal"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        stopped = xd.estimate(
            *problem(), "1/2", seconds=60, max_cost=0, checkpoint=path,
            progress=lambda found: signal.raise_signal(signal.SIGINT),
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.interrupted
    again = xd.estimate(*problem(), "1/2", width=stopped.criterion.relative_width, max_cost=0, checkpoint=path)
    assert (again.passes, again.criterion) == (stopped.passes, stopped.criterion)


def test_states_are_written_now_and_then(tmp_path, monkeypatch):
    path = tmp_path / "run.journal"
    monkeypatch.setattr(saved, "SECONDS", 0.0)
    monkeypatch.setattr(saved, "SHARE", 0.0)
    written = []
    true = saved.Saved.write
    monkeypatch.setattr(saved.Saved, "write", lambda self, state: written.append(state[0]) or true(self, state))
    found = xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path)
    assert written == [*range(1, found.passes + 1), found.passes]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "another seed"), ({"rows": True}, "another choice of 'rows'"), ({"q": "1/3"}, "drop probability"),
        ({"data": True}, "another data set"), ({"network": True}, "another network"),
    ],
)  # fmt: skip
def test_another_estimate_is_refused(tmp_path, change, words):
    path = tmp_path / "run.journal"
    network, data = problem()
    xd.estimate(network, data, "1/2", width=0.2, max_cost=0, checkpoint=path)
    if change.pop("data", False):
        data = xd.Examples((data.inputs, data.labels + 1))
    if change.pop("network", False):
        network = xd.Network([w * 2 for w in network.weights], network.biases)
    with pytest.raises(UnreadableFile, match=words):
        xd.estimate(network, data, change.pop("q", "1/2"), width=0.1, max_cost=0, checkpoint=path, **change)


def test_a_damaged_file_and_that_of_an_evaluation_are_refused(tmp_path):
    path = tmp_path / "run.journal"
    xd.estimate(*problem(), "1/2", width=0.2, max_cost=0, checkpoint=path)
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableFile, match="damaged"):
        xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path)
    other = tmp_path / "evaluation.journal"
    xd.evaluate(*problem(), "1/2", checkpoint=other)
    with pytest.raises(UnreadableFile, match="strategy"):
        xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=other)
