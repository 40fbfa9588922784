"""A Dask cluster of two processes, through the executor that its client offers."""

from __future__ import annotations

import numpy as np
import pytest

from exactdropout.errors import ExecutorFailed, InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.float64 import engine as float64
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.runs.work import Work


@pytest.fixture(scope="module")
def client(external):
    external("distributed")
    from distributed import Client, LocalCluster

    quiet = {"dashboard_address": ":0", "silence_logs": "ERROR"}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", **quiet) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(17)
    network = Network([rng.normal(size=(4, 14)), rng.normal(size=(3, 4)), rng.normal(size=(1, 3))])
    return network, Examples.from_arrays(rng.normal(size=(2, 14)), rng.normal(size=(2, 1))), "1/3"


def test_a_cluster_gives_the_same_bits_in_both_its_processes(client, problem, monkeypatch, tmp_path):
    monkeypatch.setattr(float64, "SERIAL", 0.0)
    monkeypatch.setattr("exactdropout.numeric.float64.strategies.walk_layout.CHUNK_NANOSECONDS", 2e4)
    monkeypatch.setattr("exactdropout.numeric.float64.derivatives.gradient.CHUNK_NANOSECONDS", 2e4)
    received = lambda: "exactdropout.numeric.runs.executors" in __import__("sys").modules  # noqa: E731
    assert list(client.run(received).values()) == [False, False]
    alone = evaluate(*problem, strategy="walk", gradient=True, threads=1)
    told = []
    away = evaluate(
        *problem, strategy="walk", gradient=True, executor=client.get_executor(),
        checkpoint=tmp_path / "run.journal", progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert away.criterion == alone.criterion
    assert away.error_bounds == alone.error_bounds
    for a, b in zip(away.gradient.weights, alone.gradient.weights, strict=True):
        assert np.array_equal(a, b)
    assert len(told) > 20
    assert list(client.run(received).values()) == [True, True]
    read = evaluate(*problem, strategy="walk", gradient=True, checkpoint=tmp_path / "run.journal")
    assert (read.criterion, read.error_bounds) == (alone.criterion, alone.error_bounds)


def test_a_client_itself_is_refused_with_the_way_out(client, problem):
    with pytest.raises(InvalidInput, match=r"client\.get_executor\(\)"):
        evaluate(*problem, executor=client)


def test_an_error_on_the_cluster_is_one_sentence(client):
    work = Work(name="wrong", begin=np.zeros, payload={}, chunks=((1,),), weights=(1,))  # numpy.zeros({}, (1,))
    with pytest.raises(ExecutorFailed, match=r"'executor' failed \(TypeError: ") as caught:
        Runner(executor=client.get_executor()).run(work)
    assert "\n" not in str(caught.value)
