"""The dropout criterion of the shipped diabetes network: over all masks, and by sampling masks in NumPy and PyTorch.

    python tests/benchmarks/against_sampling.py

One thread each, whole calls after one warm-up call, the same 442 examples and q = 1/2 in all layers. The error of
sampling is its exact standard error. PyTorch is left out where it is not installed (pip install torch==2.13.0).
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import numpy as np

import exactdropout as xd
from exactdropout.cli.output import bound_text
from exactdropout.data import diabetes

BATCH = 100  # masks per row in one pass


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def numpy_sampler() -> Callable[[int], float]:
    """Return the mean squared error over so many sampled masks per row, float64."""
    network, data = diabetes()
    (w1, w2), (b1, b2) = network.weights, network.biases
    assert b1 is not None
    assert b2 is not None
    x = np.repeat(data.inputs.astype(float), BATCH, axis=0)
    y = np.repeat(data.labels.astype(float), BATCH, axis=0)
    random = np.random.default_rng(0)

    def one_pass() -> float:
        hidden = np.maximum((x * (2.0 * random.integers(0, 2, x.shape))) @ w1.T + b1, 0)
        output = (hidden * (2.0 * random.integers(0, 2, hidden.shape))) @ w2.T + b2
        return float(((output - y) ** 2).mean())

    return lambda masks: sum(one_pass() for _ in range(masks // BATCH)) / (masks // BATCH)


def torch_sampler() -> Callable[[int], float]:
    """Return the same with ``torch.nn.Dropout`` in training mode, float64."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network, data = diabetes()
    linear = [torch.nn.Linear(w.shape[1], w.shape[0]).double() for w in network.weights]
    with torch.no_grad():
        for layer, w, b in zip(linear, network.weights, network.biases, strict=True):
            assert b is not None
            layer.weight.copy_(torch.tensor(w))
            layer.bias.copy_(torch.tensor(b))
    model = torch.nn.Sequential(torch.nn.Dropout(0.5), linear[0], torch.nn.ReLU(), torch.nn.Dropout(0.5), linear[1])
    model.train()
    x = torch.tensor(data.inputs.astype(float)).repeat_interleave(BATCH, 0)
    y = torch.tensor(data.labels.astype(float)).repeat_interleave(BATCH, 0)

    def one_pass() -> float:
        with torch.no_grad():
            return float(((model(x) - y) ** 2).mean())

    return lambda masks: sum(one_pass() for _ in range(masks // BATCH)) / (masks // BATCH)


def main() -> None:
    """Print one table."""
    network, data = diabetes()
    exact = xd.evaluate(network, data, "1/2", moments=4)
    time_exact = seconds(lambda: xd.evaluate(network, data, "1/2", threads=1))
    print("| method | masks per row | criterion | error | seconds |\n|---|---|---|---|---|")
    bound = f"at most {bound_text(exact.error_bound)}"
    print(f"| exactdropout | all 2^{exact.plan.mask_bits} | {exact.criterion:.10f} | {bound} | {time_exact:.2f} |")
    samplers = [("NumPy", numpy_sampler())]
    if importlib.util.find_spec("torch") is not None:
        samplers.append(("PyTorch", torch_sampler()))
    for name, sample in samplers:
        sample(BATCH)
        for masks in (100, 10_000):
            start = time.perf_counter()
            value = sample(masks)
            taken = time.perf_counter() - start
            error = f"standard error {exact.standard_error(masks)[1]:.2g}"
            print(f"| {name} | {masks:,} | {value:.2f} | {error} | {taken:.2f} |")


if __name__ == "__main__":
    main()
