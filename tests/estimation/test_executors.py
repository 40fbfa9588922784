"""Estimates on executors: the bits of threads after as many passes, stops, faults."""

from __future__ import annotations

import dataclasses
import itertools
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import ExecutorFailed, InvalidInput
from exactdropout.estimation.estimate import MOST_TOGETHER
from exactdropout.numeric.sampled.passes import Sampler


def problem(widths: tuple[int, ...] = (12, 9, 2)) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(5)
    weights = [random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)]
    return xd.Network(weights), xd.Examples((random.normal(size=(6, widths[0])), random.normal(size=(6, widths[-1]))))


@pytest.mark.parametrize("q", ["1/2", "1/3"])
@pytest.mark.parametrize("rows", [False, True])
def test_the_bits_are_those_of_threads(q, rows):
    options = {"width": 0.025, "max_cost": 0, "rows": rows, "seed": 4}
    alone = xd.estimate(*problem(), q, threads=1, **options)
    with ThreadPoolExecutor(3) as pool:
        assert xd.estimate(*problem(), q, executor=pool, **options) == alone
    assert alone.passes > 2  # more than travelled together at first


def same(one: xd.Estimate, two: xd.Estimate) -> None:
    """Both have the same bits, gradients included."""
    assert dataclasses.replace(one, gradient=None) == dataclasses.replace(two, gradient=None)
    assert one.gradient is not None
    assert two.gradient is not None
    for name in ("weights_low", "weights_high", "biases_low", "biases_high"):
        for a, b in zip(getattr(one.gradient, name), getattr(two.gradient, name), strict=True):
            assert (a is None and b is None) or np.array_equal(a, b)


@pytest.mark.parametrize("q", ["1/2", ("1/3", "1/2")])
def test_gradients_have_the_bits_of_threads(q):
    options = {"width": 0.03, "max_cost": 0, "gradient": True, "seed": 2}
    alone = xd.estimate(*problem(), q, threads=1, **options)
    with ThreadPoolExecutor(3) as pool:
        same(xd.estimate(*problem(), q, executor=pool, **options), alone)
    assert alone.passes > 2


def test_gradients_on_processes():
    options = {"width": 0.08, "max_cost": 0, "gradient": True, "rows": True}
    alone = xd.estimate(*problem(), "1/2", **options)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = xd.estimate(*problem(), "1/2", executor=pool, **options)
    same(dataclasses.replace(found, rows=None), dataclasses.replace(alone, rows=None))
    for name in ("mean_low", "mean_high", "deviation_low", "deviation_high"):
        assert np.array_equal(getattr(found.rows, name), getattr(alone.rows, name))


def test_a_dask_cluster_has_the_bits_of_threads(external):
    external("distributed")
    from distributed import Client, LocalCluster

    options = {"width": 0.05, "max_cost": 0, "gradient": True}
    alone = xd.estimate(*problem(), "1/2", **options)
    quiet = {"dashboard_address": ":0", "silence_logs": "ERROR"}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", **quiet) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        same(xd.estimate(*problem(), "1/2", executor=client.get_executor(), **options), alone)
        loaded = lambda: "exactdropout.numeric.sampled.passes" in __import__("sys").modules  # noqa: E731
        assert any(client.run(loaded).values())  # it was the workers that sampled


def test_processes_and_a_journal_between_them(tmp_path):
    path = tmp_path / "run.journal"
    alone = xd.estimate(*problem(), "1/2", width=0.03, max_cost=0)
    wide = xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, checkpoint=path)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = xd.estimate(*problem(), "1/2", width=0.03, max_cost=0, checkpoint=path, executor=pool)
    assert found == alone
    assert found.passes > wide.passes


def test_time_ends_a_run_on_an_executor():
    with ThreadPoolExecutor(2) as pool:
        found = xd.estimate(*problem(), "1/2", seconds=0.5, max_cost=0, executor=pool)
    assert found.passes >= 1
    assert not found.interrupted


def test_ctrl_c_on_an_executor_returns_what_is_known():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    told = []

    def press(found: xd.Estimate) -> None:
        told.append(found)
        signal.raise_signal(signal.SIGINT)

    try:
        with ThreadPoolExecutor(2) as pool:
            found = xd.estimate(*problem(), "1/2", seconds=60, max_cost=0, executor=pool, progress=press)
    finally:
        signal.signal(signal.SIGINT, before)
    assert found.interrupted
    assert found.criterion == told[0].criterion


def test_a_dead_pool_and_what_is_none_are_named():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ExecutorFailed):
        xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, executor=pool)
    with pytest.raises(InvalidInput, match="'executor'"):
        xd.estimate(*problem(), "1/2", width=0.1, max_cost=0, executor=3)


def test_few_passes_travel_together_where_the_time_is_short(monkeypatch):
    counts = []
    true = Sampler.passes
    monkeypatch.setattr(
        Sampler, "passes", lambda self, at, count, runner: counts.append(count) or true(self, at, count, runner)
    )
    with ThreadPoolExecutor(2) as pool:
        xd.estimate(*problem(), "1/2", width=0.02, max_cost=0, executor=pool)
    assert counts[:3] == [1, 2, 4]  # the pilot goes first
    assert max(counts) <= MOST_TOGETHER
