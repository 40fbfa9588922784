"""Long runs: two threads against one, processes against threads, and what the journal costs. One table, one command:

    python tests/benchmarks/long_runs.py [inputs]

The network has 30 inputs (or as many as asked) and 8 hidden units, one example, q = 1/2, strategy ``walk``. Every
way runs by turns with the others, five times after one warm-up of each; times are medians of whole calls of
``xd.evaluate``, error bound included. All ways must give the same bits. Two free cores are assumed; the last line says
what they are good for: two processes that evaluate with one thread each at the same time, and the time of both halved.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import exactdropout as xd

ROUNDS = 5


def network(inputs: int) -> tuple[xd.Network, xd.Examples]:
    rng = np.random.default_rng(30)
    layers = xd.Network([rng.normal(size=(8, inputs)), rng.normal(size=(1, 8))], [rng.normal(size=8), None])
    return layers, xd.Examples.point(rng.normal(size=inputs), 1.0)


def alone(inputs: int) -> str:
    layers, data = network(inputs)
    return float(xd.evaluate(layers, data, "1/2", strategy="walk", max_cost=1e6, threads=1).criterion).hex()


def main(inputs: int) -> None:
    layers, data = network(inputs)

    def run(**how: object) -> str:
        return float(xd.evaluate(layers, data, "1/2", strategy="walk", max_cost=float("inf"), **how).criterion).hex()

    with (
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
        tempfile.TemporaryDirectory() as folder,
    ):
        journal = Path(folder) / "run.journal"

        def journaled() -> str:
            journal.unlink(missing_ok=True)
            return run(threads=2, checkpoint=journal)

        ways: dict[str, Callable[[], str]] = {
            "one thread": lambda: run(threads=1),
            "two threads": lambda: run(threads=2),
            "two threads and a journal": journaled,
            "two processes": lambda: run(executor=pool),
            "all of it read from the journal": lambda: run(threads=2, checkpoint=journal),
        }
        bits = {way() for way in ways.values()} | set(pool.map(alone, [inputs] * 2))
        assert len(bits) == 1, bits
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                begin = time.perf_counter()
                bits.add(way())
                times[name].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            bits |= set(pool.map(alone, [inputs] * 2))
            times.setdefault("half of two at once, one thread each", []).append((time.perf_counter() - begin) / 2)
        assert len(bits) == 1, bits
        size = journal.stat().st_size
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{inputs} inputs, 8 hidden units, {os.cpu_count()} cores; journal of {size / 1024:.0f} KiB")
    print(f"{'':38}{'seconds':>10}{'one thread / this':>20}")
    for name, seconds in medians.items():
        print(f"{name:38}{seconds:10.3f}{medians['one thread'] / seconds:20.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
