"""This version beside version 0.2 (commit 185dc56) in one run: evaluations as users call them, each of a new network.

    python tests/benchmarks/against_0_2.py [--quick]

The commit is exported by git into a temporary folder. Both versions run by turns in processes of their own, one thread,
three times each; a figure is the least of the three medians of processor time, so that other work on the machine counts
little. Every call gets a network that was never evaluated before; all calls include planning and the error bounds.
Networks, examples and q = 1/2 are the same in both, and so are the values that come out, within both bounds.

Three kinds of lines: calls of ``evaluate`` in both versions, and of the prepared ``evaluator`` and its ``stack`` beside
``evaluate`` of 0.2; large networks by the walk; and first numbers, in a process that starts with an empty cache of
machine code and in one that finds it full.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COMMIT = "185dc56"
ROOT = Path(__file__).resolve().parents[2]
SMALL = ((16, 8, 1), (8, 8, 8, 1))
LARGE = ((14, 14, 8, 1), (16, 12, 16, 1), (10, 10, 10, 8, 1), (16, 16, 8, 1), (18, 14, 8, 1))
ROUNDS = 3

FIRST = """
import exactdropout as xd, numpy as np
rng = np.random.default_rng(0)
data = xd.data.diabetes()
data = data[1] if isinstance(data, tuple) else data
net = xd.Network([rng.normal(size=(8, 10)), rng.normal(size=(1, 8))], [rng.normal(size=8), rng.normal(size=1)])
xd.evaluate(net, data, "1/2", threads=1, gradient=GRADIENT)
"""


def problems(widths: tuple[int, ...], count: int) -> tuple[Any, list[Any]]:
    import numpy as np

    import exactdropout as xd

    rng = np.random.default_rng(sum(widths))
    data = xd.Examples.point(rng.normal(size=widths[0]), float(rng.normal()))
    networks = [
        xd.Network([rng.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)]) for _ in range(count)
    ]
    return data, networks


def median_of(call: Callable[[Any], Any], networks: list[Any]) -> tuple[float, float, float]:
    """Return the median processor time of a call, and the first criterion with its bound."""
    first = call(networks[0])
    times = []
    for network in networks[1:]:
        begin = time.process_time_ns()
        call(network)
        times.append(time.process_time_ns() - begin)
    return statistics.median(times) * 1e-9, float(first.criterion), float(first.error_bound)


def child(count: int) -> Iterator[tuple[str, Any]]:
    """Measure one version: the one that Python imports here."""
    import exactdropout as xd

    for widths in SMALL:
        name = "-".join(map(str, widths))
        data, networks = problems(widths, count)
        yield f"{name} evaluate", median_of(lambda n, d=data: xd.evaluate(n, d, "1/2", threads=1), networks)
        data, networks = problems(widths, count)  # objects of their own: 0.2 keeps values with a network
        slope = lambda n, d=data: xd.evaluate(n, d, "1/2", threads=1, gradient=True)  # noqa: E731
        yield f"{name} gradient", median_of(slope, networks)
        if hasattr(xd, "evaluator"):
            data, networks = problems(widths, count)
            prepared = xd.evaluator(networks[0].architecture, data, "1/2", threads=1)
            yield f"{name} evaluator", median_of(prepared, networks)
            data, networks = problems(widths, count)
            sloping = xd.evaluator(networks[0].architecture, data, "1/2", threads=1, gradient=True)
            yield f"{name} gradient evaluator", median_of(sloping, networks)
            yield from stacks(name, prepared, networks)
    for widths in LARGE:
        data, networks = problems(widths, 4)
        call = lambda n, d=data: xd.evaluate(n, d, "1/2", threads=1, strategy="walk", max_cost=1e13)  # noqa: E731
        yield "-".join(map(str, widths[:-1])), median_of(call, networks)


def stacks(name: str, prepared: Any, networks: list[Any]) -> Iterator[tuple[str, Any]]:
    """Measure a stack, and the kernel that walks it alone, for each network."""
    import numpy as np

    from exactdropout.numeric.float64.strategies.lanes import begun, walked_at_once

    weights = [np.stack([n.weights[l] for n in networks]) for l in range(len(networks[0].weights))]
    engine = prepared._prepared()
    values = np.concatenate([w.reshape(len(networks), -1) for w in weights], axis=1)
    values = np.pad(values, ((0, 0), (0, sum(len(w) for w in networks[0].weights))))[:64]
    made = begun(engine._packed, values)
    items = np.array([[k, 0, 0, 0] for k in range(len(values))])
    times: dict[str, list[float]] = {"stack": [], "kernel": []}
    for _ in range(12):
        begin = time.process_time_ns()
        found = prepared.stack(weights)
        middle = time.process_time_ns()
        walked_at_once(engine._packed, made, items)
        times["stack"].append((middle - begin) / len(networks))
        times["kernel"].append((time.process_time_ns() - middle) / len(values))
    for what, values_ in times.items():
        yield (
            f"{name} {what}",
            (min(values_) * 1e-9, float(found.criterion[0]), float(found.error_bounds["criterion"][0])),
        )


def run(source: Path, cache: Path, *arguments: str) -> tuple[str, float]:
    """Return what a process with that version prints, and its processor time."""
    environment = {**os.environ, "PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(cache), "NUMBA_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=source, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(what: str, old: float, new: float, unit: str) -> None:
    scale = {"µs": 1e6, "ms": 1e3, "s": 1.0}[unit]
    print(f"| {what} | {old * scale:.3g} {unit} | {new * scale:.3g} {unit} | {old / new:.2f} |", flush=True)


def first_numbers(old: Path, new: Path, folder: Path) -> None:
    for what, gradient in (("value", "False"), ("gradient", "True")):
        script = FIRST.replace("GRADIENT", gradient)
        fresh, warm = [], []
        for name, source in (("old", old), ("new", new)):
            cache = folder / f"{name}-{what}"
            fresh.append(run(source, cache, "-c", script)[1])
            warm.append(min(run(source, cache, "-c", script)[1] for _ in range(ROUNDS)))
        row(f"first {what} of a fresh installation, 10-8-1, 442 rows, whole process", *fresh, "s")
        row(f"first {what} of a new process, 10-8-1, 442 rows, whole process", *warm, "s")


def main() -> None:
    if "--child" in sys.argv:
        for name, result in child(int(sys.argv[-1])):
            print(json.dumps([name, result]), flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = subprocess.run(["git", "archive", COMMIT, "src"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", name], input=archive, check=True)
        old, new = folder / "src", ROOT / "src"
        print("| | 0.2 | now | ratio |\n|---|---|---|---|")
        first_numbers(old, new, folder)
        count = "40" if "--quick" in sys.argv else "200"
        found: dict[str, dict[str, tuple[float, float, float]]] = {"old": {}, "new": {}}
        for _ in range(ROUNDS):
            for version, source in (("old", old), ("new", new)):
                text, _ = run(source, folder / version, __file__, "--child", count)
                for what, result in map(json.loads, text.splitlines()):
                    best = found[version].get(what)
                    found[version][what] = result if best is None or result[0] < best[0] else best
        for what, (seconds, value, bound) in found["new"].items():
            kind = what.split()[-1]
            beside = (
                what if what in found["old"] else what.split()[0] + (" gradient" if "gradient" in what else " evaluate")
            )
            before, other, room = found["old"][beside]
            assert abs(value - other) <= bound + room, what
            row(f"{what}, beside {beside.split()[-1]}" if kind != beside.split()[-1] else what, before, seconds,
                "µs" if seconds < 1e-3 else "ms")  # fmt: skip


if __name__ == "__main__":
    main()
