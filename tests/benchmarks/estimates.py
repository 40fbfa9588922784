"""Proved intervals for networks that cannot be enumerated, beside plain sampling in NumPy and PyTorch in the same run.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/estimates.py [--record]

First the width of the proved interval of the criterion, relative to its middle, after ten seconds (the largest networks
after a minute too), and after four passes, which is the same in every run. Then variance times processor seconds of an
estimate of the criterion that plain sampling of all masks makes, over the same for the passes of ``xd.estimate``: how
many times longer sampling takes to the same standard error, one thread each. PyTorch and the digits of scikit-learn are
left out where they are not installed. ``--record`` writes ``estimates.json`` beside this file;
``python tests/estimation/test_page.py`` then writes the tables of docs/estimates.md.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import exactdropout as xd
from exactdropout.estimation.estimate import _counts
from exactdropout.estimation.sums import Sums, risk_of
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.sampled.passes import Sampler, flipped
from exactdropout.numeric.sampled.ranges import ranges_of

PASSES, FEW, RATIO_ROWS = 40, 4, 1000
HALF = Fraction(1, 2)
Problem = tuple[str, xd.Network, xd.Examples]


def drawn(widths: tuple[int, ...], rows: int, zeros: float) -> Problem:
    """Return a network with He's initial weights on uniform inputs, of which a share is 0."""
    random = np.random.default_rng(0)
    weights = [random.normal(size=(b, a)) * (2 / a) ** 0.5 for a, b in itertools.pairwise(widths)]
    x = random.random((rows, widths[0])) * (random.random((rows, widths[0])) >= zeros)
    y = np.eye(widths[-1])[random.integers(0, widths[-1], rows)] if widths[-1] > 1 else random.normal(size=(rows, 1))
    biases = [np.zeros(n) for n in widths[1:]]
    return (
        f"{'-'.join(map(str, widths))}, {rows} rows, {zeros:.0%} zeros",
        xd.Network(weights, biases),
        xd.Examples((x, y)),
    )


def digits() -> Problem:
    """Return 64-128-10 trained on the digits of scikit-learn by gradient steps on sampled masks."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x, y = found.data / 16, np.eye(10)[found.target]
    _, network, _ = drawn((64, 128, 10), 1, 0)
    (w1, w2), (b1, b2) = ([a.copy() for a in arrays] for arrays in (network.weights, network.biases))
    random = np.random.default_rng(1)
    for _ in range(3000):
        at = random.integers(0, len(x), 64)
        u = x[at] * (2.0 * random.integers(0, 2, (64, 64)))
        z = u @ w1.T + b1
        mask = 2.0 * random.integers(0, 2, z.shape)
        h = np.maximum(z, 0) * mask
        delta = 2 * (h @ w2.T + b2 - y[at]) / 64
        back = delta @ w2 * mask * (z > 0)
        w2 -= 0.03 * delta.T @ h
        b2 -= 0.03 * delta.sum(axis=0)
        w1 -= 0.03 * back.T @ u
        b1 -= 0.03 * back.sum(axis=0)
    return "64-128-10 trained on digits, 1797 rows", xd.Network([w1, w2], [b1, b2]), xd.Examples((x, y))


def cost(one_pass: Callable[[], float]) -> float:
    """Return variance times processor seconds of one pass: other work on the machine does not count."""
    one_pass()
    begun = time.process_time()
    values = [one_pass() for _ in range(PASSES)]
    return float(np.var(values, ddof=1)) * (time.process_time() - begun) / PASSES


def numpy_pass(network: xd.Network, data: xd.Examples) -> Callable[[], float]:
    """Return one pass of plain sampling: a mask of all layers for each row."""
    random = np.random.default_rng(0)
    x, y = data.inputs, data.labels

    def one_pass() -> float:
        h = x
        for l, w in enumerate(network.weights):
            z = (h * (2.0 * random.integers(0, 2, h.shape, dtype=np.uint8))) @ w.T + network.bias(l)
            h = np.maximum(z, 0) if l < len(network.weights) - 1 else z
        return float(((h - y) ** 2).sum(axis=1).mean())

    return one_pass


def torch_pass(network: xd.Network, data: xd.Examples) -> Callable[[], float]:
    """Return the same with ``torch.nn.Dropout`` in training mode, float64."""
    import torch

    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for l, w in enumerate(network.weights):
        linear = torch.nn.Linear(w.shape[1], w.shape[0]).double()
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            linear.bias.copy_(torch.tensor(network.bias(l)))
        layers += [torch.nn.Dropout(0.5), linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).train()
    x, y = torch.tensor(data.inputs.copy()), torch.tensor(data.labels.copy())

    def one_pass() -> float:
        with torch.no_grad():
            return float(((model(x) - y) ** 2).sum(dim=1).mean())

    return one_pass


def own_pass(network: xd.Network, data: xd.Examples) -> Callable[[], float]:
    """Return one pass as ``xd.estimate`` makes it."""
    problem = prepare(network, data, (HALF,) * len(network.weights))
    counts = _counts(problem, ranges_of(problem, flipped=flipped(problem)))
    sampler = Sampler(problem, counts, 0)
    shares = np.repeat(problem.chances / (2 * counts), counts)[:, None]
    numbers = itertools.count()
    return lambda: float((shares * sampler.one_pass(next(numbers), Runner()).errors).sum())


def after(network: xd.Network, data: xd.Examples, passes: int) -> xd.Estimate:
    """Return what ``xd.estimate`` knows after so many passes: seed 0, confidence 1 - 1e-9, q = 1/2."""
    problem = prepare(network, data, (HALF,) * len(network.weights))
    ranges = ranges_of(problem, flipped=flipped(problem))
    counts = _counts(problem, ranges)
    sampler = Sampler(problem, counts, 0)
    sums = Sums(problem, ranges, counts, sampler.one_pass(0, Runner()), sampler, Fraction(1, 10**9))
    for number in range(passes):
        sums.add(sampler.one_pass(number + 1, Runner()))
    return sums.estimate(risk_of(problem), 0)


def problems() -> list[Problem]:
    """Return the networks of the tables; the digits where scikit-learn is installed."""
    found = [drawn((30, 100, 1), 1000, 0), drawn((64, 128, 10), 1797, 0.5), drawn((784, 128, 10), 10_000, 0.8)]
    found += [drawn((784, 128, 10), 10_000, 0), drawn((40, 60, 60, 1), 1000, 0)]
    if importlib.util.find_spec("sklearn") is not None:
        found.insert(2, digits())
    return found


def timed(network: xd.Network, data: xd.Examples, seconds: float) -> dict[str, Any]:
    """Return what an estimate reaches in so many seconds, and the processor time that it got."""
    begun = time.process_time()
    found = xd.estimate(network, data, HALF, seconds=seconds)
    spent = time.process_time() - begun
    width = found.criterion.relative_width
    return {"width": width, "masks": found.samples, "passes": found.passes, "processor": round(spent, 1)}


def ratios(network: xd.Network, data: xd.Examples) -> dict[str, float]:
    """Return how many times as much processor time plain sampling takes to the same standard error."""
    if len(data) > 2 * RATIO_ROWS:
        data = xd.Examples((data.inputs[:RATIO_ROWS], data.labels[:RATIO_ROWS]))
    own = cost(own_pass(network, data))
    found = {"NumPy": cost(numpy_pass(network, data)) / own}
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
        found["PyTorch"] = cost(torch_pass(network, data)) / own
    return found


def main() -> None:
    """Print what is measured, network after network; keep it on request."""
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the run, confidence 1 - 1e-9, q = 1/2")
    record: dict[str, Any] = {"cores": os.cpu_count(), "load": [round(load, 1)], "networks": {}}
    for name, network, data in problems():
        row: dict[str, Any] = {"few": after(network, data, FEW).criterion.relative_width}
        row["10"] = timed(network, data, 10)
        if len(data) == 10_000:
            row["60"] = timed(network, data, 60)
        row["ratios"] = ratios(network, data)
        record["networks"][name] = row
        print(name, json.dumps(row), flush=True)
    record["load"].append(round(os.getloadavg()[0], 1))
    if "--record" in sys.argv[1:]:
        Path(__file__).with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
