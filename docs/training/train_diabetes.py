"""Make the shipped real input: the standardised diabetes table and a 10-8-1 ReLU network trained with dropout on it.

    python -m venv training && training/bin/pip install torch==2.13.0 scikit-learn==1.9.1
    training/bin/python docs/training/train_diabetes.py src/exactdropout/data/diabetes

Writes ``diabetes.csv`` and ``network.json`` into the folder named on the command line.

- Data: the raw table that scikit-learn packages (442 patients, 10 variables). Each input column is shifted and
  scaled to mean 0 and variance 1 (divisor 442) and rounded to 4 decimals, so that a cell is a short decimal and
  denotes an exact rational; labels are the original integers.
- Network: 10-8-1, ReLU, biases in both layers; ``torch.nn.Dropout(1/2)`` before both linear layers, as in the paper
  (inputs and hidden units are dropped with probability q = 1/2, kept values are doubled).
- Training: mean squared error, Adam, learning rate 0.01 falling to 0 along a cosine, 3000 epochs in batches of 64,
  no weight decay, float64, one thread, seed 20170707 (labels are divided by their standard deviation during the
  training; the output layer is multiplied by it afterwards, the map behind Theorem 6 of the paper).

With the versions above, the same machine gives the same bits in every run; another processor may differ in the
last digits, which is why the result is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes

SEED = 20170707
EPOCHS = 3000
BATCH = 64


def standardised_table() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names, inputs as written to the CSV file, and labels."""
    raw = load_diabetes(scaled=False)
    inputs = np.round((raw.data - raw.data.mean(axis=0)) / raw.data.std(axis=0), 4) + 0.0  # + 0.0: no "-0.0000"
    return [*raw.feature_names, "progression"], inputs, raw.target


def train(inputs: np.ndarray, labels: np.ndarray) -> torch.nn.Sequential:
    """Return the network trained with dropout on all rows."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_default_dtype(torch.float64)
    x, y = torch.tensor(inputs), torch.tensor(labels).unsqueeze(1)
    network = torch.nn.Sequential(
        torch.nn.Dropout(0.5), torch.nn.Linear(10, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
    )
    torch.nn.init.constant_(network[4].bias, float(y.mean()))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    loss = torch.nn.MSELoss()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            loss(network(x[rows]), y[rows]).backward()
            optimiser.step()
        schedule.step()
    return network.eval()


def main(folder: Path) -> None:
    """Write both files."""
    names, inputs, labels = standardised_table()
    rows = [",".join([*(f"{v:.4f}" for v in x), f"{y:.0f}"]) for x, y in zip(inputs, labels, strict=True)]
    (folder / "diabetes.csv").write_text("\n".join([",".join(names), *rows]) + "\n", encoding="utf-8")

    scale = float(labels.std())
    network = train(inputs, labels / scale)
    hidden, output = network[1], network[4]
    content = {
        "format": "exactdropout-network",
        "version": 1,
        "kind": "float64",
        "activations": ["relu"],
        "weights": [hidden.weight.tolist(), (output.weight * scale).tolist()],
        "biases": [hidden.bias.tolist(), (output.bias * scale).tolist()],
    }
    (folder / "network.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    with torch.no_grad():
        error = network(torch.tensor(inputs)).squeeze(1) * scale - torch.tensor(labels)
    print(f"variance of the labels {scale**2:.1f}, risk of the trained network {float((error**2).mean()):.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
