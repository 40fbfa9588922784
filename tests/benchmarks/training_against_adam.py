"""xd.train beside Adam on sampled masks, on the diabetes table: values reached and CPU time, in one run.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/training_against_adam.py [starts]

Each start is a 10-8-1 relu network of Gaussian weights (hidden ones of variance 1/10, output ones as large as the
labels' spread) with zero biases, q = 1/2 at both layers. Adam is what one writes oneself in NumPy: labels in units of
their spread, batches of 64, one mask for each example, the rate 0.03 falling to 0 along a cosine; the same in PyTorch
where that is installed. Its exact criterion is looked at after the fact, at a hundred places on its way, and that costs
it no time: it is as fast as the first of these that is within 0.1 % of the value that ``train`` found, for the fastest
of four lengths of the descent; its time to within 0.1 % of the best value that it met itself stands beside. ``train``
runs as it is and from the given start alone. Times are CPU times of this process, both warm.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from typing import Any

import numpy as np

import exactdropout as xd
from exactdropout.data import diabetes

LENGTHS = (500, 1000, 2000, 8000)
BATCH, RATE, LOOKS, CLOSE = 64, 0.03, 100, 1.001


def start_of(seed: int, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(8, x.shape[1])) / x.shape[1] ** 0.5
    return [hidden, rng.normal(size=(1, 8)) / 8**0.5 * y.std(), np.zeros(8), np.zeros(1)]


def network_of(parts: list[np.ndarray], spread: float = 1.0, middle: float = 0.0) -> xd.Network:
    first, last, bias, output = parts
    return xd.Network([first, last * spread], [bias, output * spread + middle])


def numpy_adam(start: list[np.ndarray], x: np.ndarray, y: np.ndarray, steps: int, seed: int) -> list[Any]:
    """Return (CPU seconds, parameters) at a hundred places on the way."""
    rng = np.random.default_rng(seed)
    parts = [start[0].copy(), start[1] / y.std(), start[2].copy(), (start[3] - y.mean()) / y.std()]
    labels = (y - y.mean()) / y.std()
    mean, square = [np.zeros_like(p) for p in parts], [np.zeros_like(p) for p in parts]
    seen, begin = [], time.process_time()
    for step in range(steps):
        rows = rng.integers(len(x), size=BATCH)
        entering = x[rows] * (rng.random((BATCH, x.shape[1])) < 0.5) * 2.0
        z = entering @ parts[0].T + parts[2]
        mask = (rng.random((BATCH, 8)) < 0.5) * 2.0
        hidden = np.maximum(z, 0.0) * mask
        delta = (2.0 / BATCH) * (hidden @ parts[1].T + parts[3] - labels[rows, None])
        back = (delta @ parts[1]) * mask * (z > 0)
        slopes = [back.T @ entering, delta.T @ hidden, back.sum(axis=0), delta.sum(axis=0)]
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        for k, slope in enumerate(slopes):
            mean[k] += 0.1 * (slope - mean[k])
            square[k] += 0.001 * (slope * slope - square[k])
            size = np.sqrt(square[k] / (1 - 0.999 ** (step + 1))) + 1e-8
            parts[k] -= rate * (mean[k] / (1 - 0.9 ** (step + 1))) / size
        if (step + 1) % (steps // LOOKS) == 0:
            seen.append((time.process_time() - begin, [p.copy() for p in parts]))
    return seen


def torch_adam(start: list[np.ndarray], x: np.ndarray, y: np.ndarray, steps: int, seed: int) -> list[Any]:
    """Return the same from PyTorch's own layers and optimiser."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    nn = torch.nn
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(10, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1)).double()
    values = [start[0], start[2], start[1] / y.std(), (start[3] - y.mean()) / y.std()]
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value))
    data, labels = torch.tensor(x), torch.tensor((y - y.mean()) / y.std())[:, None]
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    seen, begin = [], time.process_time()
    for step in range(steps):
        rows = torch.randint(len(x), (BATCH,))
        optimiser.zero_grad()
        nn.functional.mse_loss(model(data[rows]), labels[rows]).backward()
        optimiser.step()
        schedule.step()
        if (step + 1) % (steps // LOOKS) == 0:
            first, bias, last, output = (p.detach().numpy().copy() for p in model.parameters())
            seen.append((time.process_time() - begin, [first, last, bias, output]))
    return seen


def main() -> int:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    _, data = diabetes()
    x, y = data.inputs.astype(float), data.labels.astype(float)[:, 0]
    exact = xd.evaluator("10-8-1 relu", data, "1/2")
    rivals = {"NumPy": numpy_adam}
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed; pip install torch to compare with its Adam too.")
    else:
        rivals["PyTorch"] = torch_adam
    xd.train(network_of(start_of(99, x, y)), data, "1/2", iterations=2)
    ratios: dict[str, list[float]] = {name: [] for name in rivals}
    for seed in range(starts):
        start = start_of(seed, x, y)
        begin = time.process_time()
        found = xd.train(network_of(start), data, "1/2")
        mine = time.process_time() - begin
        print(f"start {seed}: J_D {found.start:8.0f}   train {found.criterion:8.2f} in {mine:6.3f} s of CPU, "
              f"{found.evaluations} exact evaluations ({found.reason})")  # fmt: skip
        begin = time.process_time()
        alone = xd.train(network_of(start), data, "1/2", starts=1)
        print(f"    from this start alone {alone.criterion:8.2f} in {time.process_time() - begin:6.3f} s of CPU")
        for name, rival in rivals.items():
            met = [
                (float(exact(network_of(parts, y.std(), y.mean())).criterion), seconds)
                for steps in LENGTHS
                for seconds, parts in rival(start, x, y, steps, seed)
            ]
            best = min(value for value, _ in met)
            own = min(seconds for value, seconds in met if value <= CLOSE * best)
            fastest = min((t for value, t in met if value <= CLOSE * found.criterion), default=float("inf"))
            ratios[name].append(fastest / mine)
            print(f"    {name:8} Adam, best of {LENGTHS} steps {best:8.2f}: {best / found.criterion:.4f} x ours "
                  f"(within 0.1 % of it after {own:.3f} s); "
                  f"within 0.1 % of ours after {fastest:.3f} s: {fastest / mine:.2f} x our time")  # fmt: skip
    for name, found_ratios in ratios.items():
        print(
            f"{name}: median of Adam's time over ours {statistics.median(found_ratios):.2f} (inf: never within 0.1 %)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
