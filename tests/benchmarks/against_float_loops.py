"""Whole calls of ``evaluate`` on float64 networks beside what one would write oneself, over all masks.

    python tests/benchmarks/against_float_loops.py

One line for each figure: what was asked, what was reached. Baselines: NumPy in batches, PyTorch in batches (left out
where it is not installed), a plain Numba loop over all 2^N masks, and one with the last layer in closed form; each
runs on 2^21 masks and is extrapolated where there are more (marked *). Everything is warm, q = 1/2, one example, one
thread where nothing else is said. Every call of ours gets a network that was never evaluated before, through
``xd.evaluate`` and through a prepared ``xd.evaluator``; ours include planning and the error bounds. Both are medians:
three runs of a baseline by turns with three times 0.3 s of calls of ours. The ceiling is measured by ceiling.c,
compiled by gcc in the same run and run by turns with the kernel of the walk. All results are compared with those of the
baselines on smaller networks of the same kind before any time is printed.
"""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numba
import numpy as np

import exactdropout as xd

BATCH = 4096
MOST = 1 << 21


def timed(function: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    best, value = float("inf"), None
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        best = min(best, time.perf_counter() - start)
    return best, value


@numba.njit
def every_mask(first, second, third, layers, x, y, widths, count, closed):  # pragma: no cover
    """Sum of squared errors over the masks 0 .. count−1, the last layer enumerated as well or in closed form."""
    total = 0.0
    h = np.empty(64)
    g = np.empty(64)
    for mask in range(count):
        bits = mask
        n = widths[0]
        for i in range(n):
            h[i] = 2.0 * x[i] * (bits & 1)
            bits >>= 1
        for layer in range(layers - 1):
            w = first if layer == 0 else second
            m = widths[layer + 1]
            last = layer == layers - 2
            for j in range(m):
                z = 0.0
                for i in range(n):
                    z += w[j, i] * h[i]
                g[j] = max(z, 0.0)
            for j in range(m):
                if last and closed:
                    h[j] = g[j]
                else:
                    h[j] = 2.0 * g[j] * (bits & 1)
                    bits >>= 1
            n = m
        f = -y
        noise = 0.0
        for i in range(n):
            f += third[i] * h[i]
            noise += (third[i] * h[i]) ** 2
        total += f * f + (noise if closed else 0.0)
    return total


def by_batches(network: xd.Network, x: np.ndarray, y: float, count: int, matmul: Callable, to: Callable) -> float:
    """Return the sum of squared errors over masks 0 .. count−1, BATCH masks at a time."""
    widths = network.architecture.widths[:-1]
    weights = [to(w.T.copy()) for w in network.weights]
    total = 0.0
    for begin in range(0, count, BATCH):
        masks = np.arange(begin, min(count, begin + BATCH))
        bits = ((masks[:, None] >> np.arange(sum(widths))) & 1) * 2.0
        values, at = to(np.broadcast_to(x, (len(masks), len(x))).copy()), 0
        for layer, width in enumerate(widths):
            values = matmul(values * to(np.ascontiguousarray(bits[:, at : at + width])), weights[layer])
            if layer < len(widths) - 1:
                values = values.clip(0)
            at += width
        total += float(((values[:, 0] - y) ** 2).sum())
    return total


def problem(seed: int, *widths: int) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise((*widths, 1))]
    return xd.Network(weights), xd.Examples.point(random.normal(size=widths[0]), float(random.normal()))


def new_networks(network: xd.Network) -> Iterator[xd.Network]:
    """Yield networks of the same shape that were never evaluated."""
    random = np.random.default_rng(0)
    while True:
        yield xd.Network([random.normal(size=w.shape) / w.shape[1] ** 0.5 for w in network.weights])


def baselines(network: xd.Network, data: xd.Examples) -> dict[str, Callable[[int], float]]:
    x, y = data.inputs[0], float(data.labels[0, 0])
    widths = np.array(network.architecture.widths[:-1])
    first, third = network.weights[0], network.weights[-1][0]
    second = network.weights[1] if len(widths) > 2 else np.zeros((1, 1))
    layers = len(widths)
    found = {
        "NumPy": lambda count: by_batches(network, x, y, count, np.matmul, lambda a: a),
        "Numba loop": lambda count: every_mask(first, second, third, layers, x, y, widths, count, False),
        "Numba, closed": lambda count: every_mask(first, second, third, layers, x, y, widths, count, True),
    }
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found["PyTorch"] = lambda count: by_batches(network, x, y, count, torch.matmul, torch.from_numpy)
    return found


def row(figure: str, asked: str, reached: str, note: str = "") -> None:
    print(f"| {figure} | {asked} | {reached} | {note} |", flush=True)


def whole(network: xd.Network, data: xd.Examples, **keywords: object) -> tuple[float, xd.Evaluation]:
    """Return the median seconds of warm whole calls with new networks, 0.3 s of them or two, and a result."""
    call = lambda n: xd.evaluate(n, data, "1/2", **{"threads": 1, "max_cost": 1000, **keywords})  # noqa: E731
    result = call(network)
    times: list[float] = []
    for new in new_networks(network):
        times.append(timed(lambda n=new: call(n), 1)[0])
        if len(times) > 1 and sum(times) > 0.3:
            break
    return statistics.median(times), result


def agree(*widths: int) -> None:
    """Compare with every baseline over all masks of a network that is small enough."""
    network, data = problem(sum(widths), *widths)
    result = xd.evaluate(network, data, "1/2")
    for name, function in baselines(network, data).items():
        count = 1 << (sum(widths) - (widths[-1] if name == "Numba, closed" else 0))
        if abs(function(count) / count - result.criterion) > 1e-9 * result.criterion:
            sys.exit(f"{name} differs: {function(count) / count} is not {result.criterion}")


def loops(figure: str, asked: str, *widths: int) -> None:
    """One line for each baseline: its time as a multiple of a whole call's, and of a prepared evaluator's."""
    network, data = problem(sum(widths), *widths)
    ways = {
        "evaluate": lambda n: xd.evaluate(n, data, "1/2", threads=1),
        "evaluator": xd.evaluator(network.architecture, data, "1/2", threads=1),
    }
    networks, strategy = new_networks(network), ways["evaluate"](network).plan.strategy
    for name, function in baselines(network, data).items():
        bits = sum(widths) - (widths[-1] if name == "Numba, closed" else 0)
        count = min(1 << bits, MOST)
        function(1)
        theirs: list[float] = []
        ours: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(3):
            theirs.append(timed(lambda f=function, c=count: f(c), 1)[0] * 2.0**bits / count)
            for way, call in ways.items():
                call(network)
                until = time.perf_counter() + 0.3
                while time.perf_counter() < until:
                    new = next(networks)
                    ours[way].append(timed(lambda c=call, n=new: c(n), 1)[0])
        star = "" if count == 1 << bits else "*"
        for way, times in ours.items():
            seconds, own = statistics.median(theirs), statistics.median(times)
            row(
                f"{figure}, {way}, against {name}", "" if name == "Numba, closed" else asked,
                f"{seconds / own:,.0f} x{star}", f"{seconds:.3g} s{star} against {own * 1e3:.3f} ms ({strategy})",
            )  # fmt: skip


def ceiling(folder: Path) -> Callable[[], float] | None:
    """Return a function that measures the ceiling of one core in Gelem/s, or None without gcc."""
    if shutil.which("gcc") is None:
        return None
    program = folder / "ceiling"
    source = Path(__file__).with_name("ceiling.c")
    subprocess.run(["gcc", "-O3", "-march=native", "-o", str(program), str(source)], check=True)

    def measure() -> float:
        done = subprocess.run([str(program), "7"], capture_output=True, text=True, check=True)
        return statistics.median(map(float, done.stdout.split()))

    return measure


def kernel(units: int) -> Iterator[float]:
    """Yield Gelem/s of the walk's kernel on 2^20 masks of 20 inputs, the median of seven, again and again."""
    from exactdropout.numeric.float64.packed import flattened, pack
    from exactdropout.numeric.float64.problem import setting_of
    from exactdropout.numeric.float64.strategies.lanes import begun, walked_at_once

    network, data = problem(units, 20, units)
    packed = pack(setting_of(network.architecture, data, (Fraction(1, 2),) * 2))
    made, items = begun(packed, flattened(network)[None]), np.zeros((1, 4), dtype=np.int64)
    walked_at_once(packed, made, items)
    while True:
        seconds = [timed(lambda: walked_at_once(packed, made, items), 1)[0] for _ in range(7)]
        yield units * 2.0**20 / statistics.median(seconds) * 1e-9


def shares() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure = ceiling(Path(folder))
        for units in (8, 16, 32):
            rates = kernel(units)
            if measure is None:
                row(f"walk's kernel, n={units}", "", f"{next(rates):.1f} Gelem/s", "no gcc, so no ceiling")
                continue
            pairs = [(next(rates), measure()) for _ in range(9)]
            ours, most = (statistics.median(column) for column in zip(*pairs, strict=True))
            share = statistics.median(a / b for a, b in pairs)
            row(
                f"walk's kernel, n={units}, share of the max+add ceiling", "", f"{share:.0%}",
                f"{ours:.1f} of {most:.1f} Gelem/s; a walk also squares and adds",
            )  # fmt: skip


def long_runs() -> None:
    network, data = problem(38, 30, 8)
    one, _ = whole(network, data, strategy="walk")
    two, result = whole(network, data, strategy="walk", threads=2)
    row("K=30, n=8, two threads against one", "1.9 x", f"{one / two:.2f} x", f"{one:.3f} s, {two:.3f} s")
    larger, points = problem(48, 40, 8)
    meet, met = whole(larger, points, strategy="meet", threads=2)
    row("meet K=40, n=8 over walk K=30, n=8, two threads", "<= 6", f"{meet / two:.1f}", f"{meet:.2f} s, {two:.3f} s")
    row("relative error bound, K=30 (walk)", "", f"{result.error_bound / result.criterion:.1e}")
    row("relative error bound, K=40 (meet)", "1e-10", f"{met.error_bound / met.criterion:.1e}")
    fits, gibibytes = 0, 0.0
    for inputs in range(44, 57):
        try:
            memory = xd.plan(*problem(inputs, inputs, 4), "1/2", strategy="meet", max_cost=1e6).memory
        except xd.errors.CostLimitExceeded:  # more than seven eighths of this machine's memory
            break
        fits, gibibytes = (inputs, memory / 2**30) if memory <= 24 * 2**30 else (fits, gibibytes)
    row("meet, n=4: largest K whose plan fits in 24 GiB", "52", str(fits), f"planned: {gibibytes:.1f} GiB, not run")


def bounds() -> None:
    worst = 0.0
    for widths in ((8, 4), (12, 8), (16, 8), (18, 4), (20, 4), (8, 8, 8), (6, 6, 6)):
        for seed in range(5):
            network, data = problem(100 + seed, *widths)
            result = xd.evaluate(network, data, "1/2", strategy="walk")
            worst = max(worst, result.error_bound / result.criterion)
    row("relative error bound, K <= 20 (walk), the worst of 35", "1e-12", f"{worst:.1e}")


def gradients() -> None:
    for widths in ((16, 8), (20, 8)):
        network, data = problem(sum(widths), *widths)
        value, result = whole(network, data)
        both, _ = whole(network, data, gradient=True)
        row(
            f"K={widths[0]}, n={widths[1]}, gradient and value over the fastest value", "<= 5", f"{both / value:.1f}",
            f"{both * 1e3:.2f} ms, {value * 1e3:.2f} ms ({result.plan.strategy})",
        )  # fmt: skip


def theorem_18(exact: bool) -> None:
    """K = n = 1000, 49 hidden layers, all weights 1/1024."""
    size = 1000
    entry = Fraction(1, 1024) if exact else 1 / 1024
    matrix = np.full((size, size), entry, dtype=object if exact else float)
    network = xd.Network([matrix] * 49 + [matrix[:1]])
    data = xd.Examples.point([1 if exact else 1.0] * size, 1 if exact else 1.0)
    seconds, result = timed(lambda: xd.evaluate(network, data, "1/2"), 1)
    kind, asked = ("exact rational", "60 s") if exact else ("float", "5 s")
    row(
        f"Theorem 18's network, K=n=1000, 49 hidden layers, {kind}",
        f"< {asked}",
        f"{seconds:.2f} s",
        result.plan.strategy,
    )


FIRST = """
import time; begin = time.perf_counter()
import numpy as np, exactdropout as xd
random = np.random.default_rng(0)
network = xd.Network([random.normal(size=(8, 16)), random.normal(size=(1, 8))])
xd.evaluate(network, xd.Examples.point(random.normal(size=16), 0.5), "1/2")
print(time.perf_counter() - begin)
"""


def first_call() -> None:
    times = []
    for _ in range(6):
        done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
        times.append(float(done.stdout))
    row("first call in a new process, warm cache, imports included", "< 1 s", f"{statistics.median(times[1:]):.2f} s")


def main() -> None:
    """Print one table."""
    for widths in ((12, 6), (9, 5), (6, 5, 5)):
        agree(*widths)
    print("| figure | asked | reached | |\n|---|---|---|---|")
    loops("one hidden layer, K=16, n=8", "20,000 x", 16, 8)
    loops("two hidden layers, K=8, (8, 8)", "40,000 x", 8, 8, 8)
    loops("K=20, n=4", "", 20, 4)
    shares()
    long_runs()
    gradients()
    bounds()
    theorem_18(exact=False)
    theorem_18(exact=True)
    first_call()


if __name__ == "__main__":
    main()
