"""SHA-256 fingerprints of what determines a result: network, data, rates, the work itself, and the engine."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout._version import __version__
from exactdropout.model import Examples, Network

__all__ = ["engine_identity", "fingerprint", "identity", "source_fingerprint"]


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of nested numbers, text, arrays, sequences and mappings, as 64 hexadecimal digits.

    Every part carries its type and length, so different values have different preimages; 0.0 and −0.0 differ, as their
    bits do. Arrays are taken in little-endian order with their shape.

    >>> fingerprint((1, 2)) == fingerprint([1, 2]), fingerprint((1, 2)) == fingerprint((12,))
    (True, False)
    """
    digest = hashlib.sha256()
    _feed(digest.update, value)
    return digest.hexdigest()


def _feed(update: Callable[[Any], None], value: Any) -> None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype != object:
        plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        update(f"array {plain.dtype.str} {value.shape};".encode())
        update(plain.reshape(-1).view(np.uint8))
    elif isinstance(value, np.ndarray):
        update(f"array object {value.shape};".encode())
        for part in value.ravel().tolist():
            _feed(update, part)
    elif isinstance(value, Mapping):
        update(f"mapping {len(value)};".encode())
        for key in sorted(value):
            _feed(update, key)
            _feed(update, value[key])
    elif isinstance(value, (tuple, list)):
        update(f"sequence {len(value)};".encode())
        for part in value:
            _feed(update, part)
    elif isinstance(value, float):
        update(b"float " + struct.pack("<d", value))
    elif value is None or isinstance(value, (bool, int, Fraction, str)):
        text = str(value).encode()
        update(f"{type(value).__name__} {len(text)};".encode() + text)
    else:
        raise TypeError(f"no fingerprint is defined for {type(value).__name__}")


def source_fingerprint(room: Path) -> str:
    """Return the fingerprint of all Python files in a folder and below; empty text where there are none on disk."""
    source = [(path.relative_to(room).as_posix(), path.read_text(encoding="utf-8")) for path in room.rglob("*.py")]
    return fingerprint(sorted(source)) if source else ""


@cache
def engine_identity() -> Mapping[str, str]:
    """Return what computes: the version of the package, its numeric source, and the libraries below it."""
    return {
        "package": __version__,
        "engine": source_fingerprint(Path(__file__).parents[1]),
        "numba": version("numba"),
        "numpy": version("numpy"),
    }


def identity(
    network: Network,
    data: Examples,
    rates: tuple[Fraction, ...],
    *,
    gradient: bool,
    moments: int,
    strategy: str,
    direction: tuple[Any, ...] | None = None,
) -> dict[str, str]:
    """Return what a journal of an evaluation belongs to, part by part: engine, network, data, rates and options."""
    slopes = tuple(activation.slope for activation in network.architecture.activations)
    return {
        **engine_identity(),
        "network": fingerprint((network.weights, network.biases, slopes)),
        "data": fingerprint((data.inputs, data.labels, tuple(data.probabilities))),
        "q": ", ".join(str(rate) for rate in rates),
        "gradient": str(gradient),
        "hessian product": fingerprint(direction),
        "moments": str(moments),
        "strategy": strategy,
    }
