"""``python -m exactdropout.testing.false_alarms``: the false alarms of one statistic on correct layers.

A run is a row of 400 bits of a framework's own dropout; its statistic is the evidence against the rate, looked at after
each bit, which reaches 1/α with probability at most α (Ville). At α = 1/20 that is seen in 10,000 runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.testing.masks import bits_log

__all__ = ["LAYERS", "share_of_alarms"]

ALPHA = 0.05
BITS = 400
RATE = 0.3
Truths = npt.NDArray[np.bool_]


def _torch(x: Any) -> Any:
    import torch

    torch.manual_seed(20261129)
    return torch.nn.Dropout(RATE)(torch.from_numpy(x)).numpy()


def _keras(x: Any) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras.ops.convert_to_numpy(keras.layers.Dropout(RATE, seed=20261129)(x, training=True))


def _flax(x: Any) -> Any:
    import jax
    from flax import linen

    return linen.Dropout(RATE, deterministic=False).apply({}, x, rngs={"dropout": jax.random.key(20261129)})


def _equinox(x: Any) -> Any:
    import equinox as eqx
    import jax

    return eqx.nn.Dropout(RATE)(jax.numpy.asarray(x), key=jax.random.key(20261129))


def _numpy(x: Any) -> Any:
    return np.where(np.random.default_rng(20261129).random(x.shape) >= RATE, x / (1 - RATE), 0)


LAYERS: dict[str, Callable[[Any], Any]] = {
    "numpy": _numpy, "torch": _torch, "keras": _keras, "flax": _flax, "equinox": _equinox
}  # fmt: skip


def share_of_alarms(layer: Callable[[Any], Any], runs: int = 10_000) -> float:
    """Return in which share of runs the evidence ever reaches 1/α; at most α for a correct layer."""
    kept: Truths = np.asarray(layer(np.ones((runs, BITS), dtype=np.float32))) != 0
    counts = np.cumsum(kept, axis=1)
    evidence = bits_log(counts, np.broadcast_to(np.arange(1, BITS + 1), counts.shape), 1 - RATE)
    return float((evidence.max(axis=1) >= log(1 / ALPHA)).mean())


def main() -> int:
    """Print a line for each framework that is installed."""
    for name, layer in LAYERS.items():
        try:
            print(f"| {name} | {share_of_alarms(layer):.4f} |", flush=True)
        except ImportError:
            print(f"| {name} | not installed |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
