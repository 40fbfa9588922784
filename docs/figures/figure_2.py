"""Figure 2 (Section 6) of Helmbold and Long (2017), twice: by SGD with sampled masks and by the exact criterion.

    pip install . scipy matplotlib
    python docs/figures/figure_2.py compute src/exactdropout/theorems/weight_decay/helmbold_2017_figure_2.json
    python docs/figures/figure_2.py plot docs/figures/figure_2.svg

The setting and the training runs are in :mod:`exactdropout.theorems.weight_decay.figure_2_training`. The networks are
rounded to 12 (SGD: 6) significant digits, and criterion and risk are those of the rounded networks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from exactdropout.theorems.weight_decay import helmbold_2017_figure_2
from exactdropout.theorems.weight_decay.figure_2_training import (
    RUNS,
    SCALES,
    SEED,
    STARTS,
    draw_examples,
    examples,
    minimised,
    record,
    trained,
)

KEPT = 3


def compute(path: Path) -> None:
    """Make the data."""
    runs = []
    for run in range(RUNS):
        numerators, labels = draw_examples(run)
        entry: dict[str, Any] = {"inputs_times_1024": numerators.tolist(), "labels": labels.astype(int).tolist()}
        for name in ("sgd_dropout", "sgd_decay", "sgd_none", "exact_dropout", "exact_decay"):
            entry[name] = []
        for index, scale in enumerate(SCALES):
            inputs = numerators / 1024 * scale
            data = examples(inputs, labels)
            for method in ("dropout", "decay", "none"):
                entry[f"sgd_{method}"].append(record(trained(inputs, labels, method, run, index), data, 6))
            for number, method in enumerate(("dropout", "decay")):
                best, values = minimised(inputs, labels, method, run, 3, index, number)
                entry[f"exact_{method}"].append(
                    {**record(best, data, 12), "reached": [float(f"{v:.9g}") for v in values[:KEPT]]}
                )
            print(f"run {run}, scale {scale}", {k: v[-1]["risk"] for k, v in entry.items() if k[:3] in ("sgd", "exa")})
        for item in entry["sgd_none"]:
            del item["parameters"]
        runs.append(entry)
    head = {"format": "figure-2", "seed": SEED, "scales": ["1/2", "3/4", "1", "5/4", "3/2"], "starts": STARTS}
    lines = ",\n".join(json.dumps(r) for r in runs)
    path.write_text(json.dumps(head)[:-1] + ', "runs": [\n' + lines + "\n]}\n", encoding="utf-8")


def plot(target: Path) -> None:
    """Draw both reproductions from the shipped data."""
    target.write_bytes(helmbold_2017_figure_2.picture("svg"))


if __name__ == "__main__":
    if sys.argv[1] == "compute":
        compute(Path(sys.argv[2]))
    else:
        plot(Path(sys.argv[2]))
