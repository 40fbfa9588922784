"""Networks on disk: ``.json`` (readable, exact rationals as "3/7") and ``.npz`` (compact, no pickles).

JSON: ``{"format": "exactdropout-network", "version": 1, "kind": "exact" | "float64", "activations": [...],
"weights": [matrix, ...], "biases": [vector | null, ...]}``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model.files import (
    array_from_json,
    array_from_npz,
    array_to_json,
    array_to_npz,
    read_json,
    read_npz,
    write_atomically,
)
from exactdropout.model.network import Network
from exactdropout.model.numbers import show

__all__ = ["load_network", "save_network"]

FORMAT = "exactdropout-network"


def save_network(network: Network, path: str | Path) -> None:
    """Write ``.json`` or ``.npz``, by the ending; an existing file is replaced only when the new one is complete."""
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "kind": network.kind,
        "activations": [str(a) for a in network.architecture.activations],
    }
    suffix = Path(path).suffix
    if suffix == ".json":
        header["weights"] = [array_to_json(w) for w in network.weights]
        header["biases"] = [None if b is None else array_to_json(b) for b in network.biases]
        write_atomically(path, (json.dumps(header, indent=1, allow_nan=False) + "\n").encode())
    elif suffix == ".npz":
        header["biases"] = [b is not None for b in network.biases]
        arrays = {f"weights_{i}": array_to_npz(w) for i, w in enumerate(network.weights)}
        arrays |= {f"biases_{i}": array_to_npz(b) for i, b in enumerate(network.biases) if b is not None}
        arrays["header"] = np.array(json.dumps(header))
        write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))  # type: ignore[arg-type]
    else:
        raise InvalidInput(f"Argument 'path' must end in .json or .npz, not {show(str(path))}.")


def load_network(path: str | Path) -> Network:
    """Read a network; what :func:`save_network` wrote comes back equal, entry by entry."""
    suffix = Path(path).suffix
    if suffix == ".npz":
        header, arrays = read_npz(path, FORMAT)
        kind, flags = header.get("kind"), header.get("biases")
        if kind not in ("exact", "float64") or not isinstance(flags, list) or not flags:
            raise UnreadableFile(f"File {str(path)!r} has a damaged header.")
        try:
            weights = [array_from_npz(arrays[f"weights_{i}"], kind, f"weights[{i}]") for i in range(len(flags))]
            biases = [
                array_from_npz(arrays[f"biases_{i}"], kind, f"biases[{i}]") if flag else None
                for i, flag in enumerate(flags)
            ]
        except KeyError as error:
            raise UnreadableFile(f"File {str(path)!r} lacks the array {error}.") from None
    elif suffix == ".json":
        header = read_json(path, FORMAT)
        kind = header.get("kind")
        if kind not in ("exact", "float64"):
            raise UnreadableFile(f"File {str(path)!r} must have the kind 'exact' or 'float64', not {show(kind)}.")
        for key in ("weights", "biases"):
            if not isinstance(header.get(key), list) or not header[key]:
                raise UnreadableFile(f"File {str(path)!r} must hold {key!r} as a list with one entry per layer.")
        weights = [array_from_json(w, kind, f"weights[{i}]") for i, w in enumerate(header["weights"])]
        biases = [
            None if b is None else array_from_json(b, kind, f"biases[{i}]") for i, b in enumerate(header["biases"])
        ]
    else:
        raise InvalidInput(f"Argument 'path' must end in .json or .npz for a network, not {show(str(path))}.")
    names = header.get("activations")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise UnreadableFile(f"File {str(path)!r} must hold 'activations' as a list of names.")
    return Network(weights, None if all(b is None for b in biases) else biases, activation=names)
