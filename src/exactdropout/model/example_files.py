"""Examples on disk: ``.csv`` (decimals are exact rationals), ``.json`` and ``.npz`` (no pickles)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model.examples import Examples
from exactdropout.model.files import (
    array_from_json,
    array_from_npz,
    array_to_json,
    array_to_npz,
    read_json,
    read_npz,
    read_text,
    write_atomically,
)
from exactdropout.model.numbers import format_rational, parse_rational, show

__all__ = ["load_examples", "read_csv", "save_examples"]

FORMAT = "exactdropout-examples"


def read_csv(path: str | Path, *, labels: Sequence[str] | None = None, probability: str | None = None) -> Examples:
    """Read a CSV file with one example per row; see :meth:`Examples.from_csv`."""
    text = read_text(path)
    try:
        numbered = [(n, row) for n, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1) if any(row)]
    except csv.Error as error:
        raise UnreadableFile(f"File {str(path)!r} is not CSV: {error}.") from None
    if not numbered:
        raise UnreadableFile(f"File {str(path)!r} must hold at least one example; it is empty.")
    header = None if all(_is_number(c) for c in numbered[0][1]) else [c.strip() for c in numbered.pop(0)[1]]
    if not numbered:
        raise UnreadableFile(f"File {str(path)!r} must hold at least one example below its header.")
    columns = len(header or numbered[0][1])
    label_columns, probability_column = _columns(header, columns, labels, probability)
    excluded = {*label_columns} | ({probability_column} if probability_column is not None else set())
    input_columns = [c for c in range(columns) if c not in excluded]
    if not input_columns:
        raise InvalidInput(f"File {str(path)!r} must have at least one input column beside the labels.")
    inputs, targets, weights = [], [], []
    for line, row in numbered:
        if len(row) != columns:
            raise UnreadableFile(f"File {str(path)!r} must have {columns} cells in row {line}, not {len(row)}.")
        values = [
            parse_rational(cell, f"row {line}, column {header[c] if header else c + 1}") for c, cell in enumerate(row)
        ]
        inputs.append([values[c] for c in input_columns])
        targets.append([values[c] for c in label_columns])
        if probability_column is not None:
            weights.append(values[probability_column])
    return Examples.from_arrays(inputs, targets, weights or None)


def _is_number(cell: str) -> bool:
    try:
        parse_rational(cell)
    except InvalidInput:
        return cell.strip().lower().lstrip("+-") in ("nan", "inf", "infinity", "")  # a bad number, not a name
    return True


def _columns(
    header: list[str] | None, columns: int, labels: Sequence[str] | None, probability: str | None
) -> tuple[list[int], int | None]:
    """Return the label columns and the column of probabilities."""
    if header is not None and len(set(header)) != len(header):
        raise InvalidInput("Argument 'data' must have distinct column names in its header.")

    def index(name: str, argument: str) -> int:
        if header is None or name not in header:
            known = ", ".join(header) if header else "the file has no header"
            raise InvalidInput(f"Argument {argument!r} must name a column ({show(known, 200)}), not {show(name)}.")
        return header.index(name)

    chosen = None if probability is None else index(probability, "probability")
    if isinstance(labels, str):
        labels = [labels]
    if labels is None:
        return [max(c for c in range(columns) if c != chosen)], chosen
    if not labels:
        raise InvalidInput("Argument 'labels' must name at least one column; it is empty.")
    return [index(name, "labels") for name in labels], chosen


def save_examples(data: Examples, path: str | Path) -> None:
    """Write ``.json`` or ``.npz``, by the ending."""
    header: dict[str, Any] = {"format": FORMAT, "version": 1, "kind": data.kind}
    suffix = Path(path).suffix
    if data.kind == "symbolic":
        raise InvalidInput("Argument 'data' is symbolic; only exact and float64 examples can be written.")
    if suffix == ".json":
        header["inputs"] = array_to_json(data.inputs)
        header["labels"] = array_to_json(data.labels)
        header["probabilities"] = [format_rational(p) for p in data.probabilities]
        encoded = (json.dumps(header, indent=1, allow_nan=False) + "\n").encode()
        write_atomically(path, encoded)
    elif suffix == ".npz":
        arrays = {
            "inputs": array_to_npz(data.inputs),
            "labels": array_to_npz(data.labels),
            "probabilities": np.array([format_rational(p) for p in data.probabilities], dtype=np.str_),
            "header": np.array(json.dumps(header)),
        }
        write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))  # type: ignore[arg-type]
    else:
        raise InvalidInput(f"Argument 'path' must end in .json or .npz, not {show(str(path))}.")


def load_examples(path: str | Path) -> Examples:
    """Read ``.csv``, ``.json`` or ``.npz``, by the ending."""
    suffix = Path(path).suffix
    if suffix == ".csv":
        return read_csv(path)
    if suffix == ".npz":
        header, arrays = read_npz(path, FORMAT)
        kind = header.get("kind")
        if kind not in ("exact", "float64") or not {"inputs", "labels", "probabilities"} <= set(arrays):
            raise UnreadableFile(f"File {str(path)!r} has a damaged header or lacks an array.")
        inputs, labels = (array_from_npz(arrays[k], kind, k) for k in ("inputs", "labels"))
        probabilities = array_from_npz(arrays["probabilities"], "exact", "probabilities")
    elif suffix == ".json":
        header = read_json(path, FORMAT)
        kind = header.get("kind")
        if kind not in ("exact", "float64"):
            raise UnreadableFile(f"File {str(path)!r} must have the kind 'exact' or 'float64', not {show(kind)}.")
        for key in ("inputs", "labels", "probabilities"):
            if not isinstance(header.get(key), list):
                raise UnreadableFile(f"File {str(path)!r} must hold {key!r} as a list with one entry per example.")
        inputs, labels = (array_from_json(header[k], kind, k) for k in ("inputs", "labels"))
        probabilities = array_from_json(header["probabilities"], "exact", "probabilities")
    else:
        raise InvalidInput(f"Argument 'data' must be a file ending in .csv, .json or .npz, not {show(str(path))}.")
    return Examples.from_arrays(inputs, labels, probabilities)
