"""A finite example distribution P over pairs (x, y)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, UnreadableFile
from exactdropout.model.calls import told_what_is_missing
from exactdropout.model.display import MOST_ROWS, matrix_html
from exactdropout.model.example_forms import example_parts
from exactdropout.model.files import (
    array_from_json,
    array_from_npz,
    array_to_json,
    array_to_npz,
    file_ending,
    kind_of_file,
    named,
    read_json,
    read_npz,
    write_atomically,
)
from exactdropout.model.frozen import Frozen
from exactdropout.model.numbers import (
    Array,
    Kind,
    Number,
    as_array,
    common_kind,
    exact_fraction,
    format_rational,
    freeze,
    joined,
    number_array,
    same_entries,
    scalar,
    show,
)
from exactdropout.model.tables import TABLES, read_table
from exactdropout.progress import Progress, reporting

__all__ = ["Examples"]

FORMAT = "exactdropout-examples"


class Examples(Frozen):
    """A finite example distribution: inputs x, labels y and their probabilities.

    Args:
        data: one of four forms. A list or other iterable of ``(x, y)``, all equally likely, or of ``(x, y,
            probability)``; a label is a number, or a sequence of numbers for several outputs. Arrays ``(X, y)`` or
            ``(X, y, probabilities)`` of shapes (m, K), (m,) or (m, outputs), and (m,). A data frame, of pandas, Polars
            or any library whose frames have ``columns``. Other Examples.
        label: for a data frame, the name of the label's column, or a list of names for several outputs; the others
            are inputs.
        probability: for a data frame, the name of a column of probabilities; equal ones by default.

    Probabilities are exact, positive rationals that sum to exactly 1. Floats are welcome as probabilities of
    float data if they sum to 1 up to rounding; they are then divided by their exact sum. Examples may repeat.

    Raises:
        InvalidInput: no example, ragged inputs, NaN, probabilities that are not positive or do not sum to 1.
        MixedNumbers: floats beside fractions.

    >>> data = Examples.half((1, 1), 1)
    >>> len(data), data.probabilities
    (2, (Fraction(1, 2), Fraction(1, 2)))
    """

    __slots__ = ("_inputs", "_kind", "_labels", "_probabilities")
    _inputs: Array
    _labels: Array
    _kind: Kind
    _probabilities: tuple[Number, ...]

    @told_what_is_missing
    def __init__(
        self,
        data: Examples | Iterable[Any],
        *,
        label: str | Sequence[str] | None = None,
        probability: str | None = None,
    ) -> None:
        """Validate once and copy."""
        if isinstance(data, Examples):
            self._fill(data.inputs, data.labels, data.probabilities)
        else:
            self._fill(*example_parts(data, label, probability))

    def _fill(self, inputs: Any, labels: Any, probabilities: Any) -> None:
        inputs, labels = as_array(inputs, nested=True), as_array(labels, nested=True)
        if len(inputs) == 0:
            raise InvalidInput("Argument 'data' must hold at least one example; it is empty.")
        if len(labels) != len(inputs):
            raise InvalidInput(f"Argument 'labels' must have {len(inputs)} rows, one per input, not {len(labels)}.")
        x, x_kind = number_array(inputs, "inputs", 2)
        nested = isinstance(labels[0], (Sequence, np.ndarray)) and not isinstance(labels[0], (str, bytes))
        y, y_kind = number_array(labels, "labels", 2 if nested and np.ndim(labels[0]) == 1 else 1)
        kind = common_kind((x_kind, y_kind), "inputs and labels")
        x, y = joined(x, kind, "inputs"), joined(y, kind, "labels")
        kind = "exact" if kind == "integer" else kind
        self._set(
            _inputs=freeze(x),
            _labels=freeze(y.reshape(len(x), -1)),
            _kind=kind,
            _probabilities=_probabilities(probabilities, len(x), kind),
        )

    @classmethod
    def point(cls, x: Sequence[Any], y: Any) -> Examples:
        """Return the point mass P_{x,y} (Appendix A of the paper)."""
        return cls([(x, y, 1)])

    @classmethod
    def half(cls, x: Sequence[Any], y: Any) -> Examples:
        """Return P_(x,y) of Definition 1: ½ on (x, y) and ½ on (0, 0)."""
        zero_label = [0] * len(y) if isinstance(y, (Sequence, np.ndarray)) and not isinstance(y, str) else 0
        half = Fraction(1, 2)
        return cls([(x, y, half), ([0] * len(x), zero_label, half)])

    @classmethod
    def uniform(cls, data: Iterable[Sequence[Any]]) -> Examples:
        """Return equal probabilities on pairs (x, y)."""
        pairs = [tuple(e) for e in data]
        if any(len(p) != 2 for p in pairs):
            raise InvalidInput("Argument 'data' must hold pairs (x, y) for a uniform distribution.")
        return cls(pairs)

    @classmethod
    def from_arrays(cls, inputs: Any, labels: Any, probabilities: Any = None) -> Examples:
        """Return examples from an (m, K) array, an (m,) or (m, outputs) array and m probabilities (or equal ones)."""
        if not hasattr(inputs, "__len__") or not hasattr(labels, "__len__"):
            raise InvalidInput("Arguments 'inputs' and 'labels' must be arrays with one row per example.")
        self = cls.__new__(cls)
        self._fill(inputs, labels, probabilities)
        return self

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        label: str | Sequence[str] | None = None,
        probability: str | None = None,
        header: bool | None = None,
        progress: Progress | bool | None = None,
    ) -> Examples:
        """Read a table (``.csv``, ``.tsv``, packed as ``.csv.gz``); a decimal is the rational that its digits say.

        The last column is the label unless ``label`` names another; ``probability`` names a column of
        probabilities. A first row that holds a cell which is no number is the header, unless ``header`` says
        whether it is; names need one. Cells are split at commas, semicolons or tabs. A first column without a name
        that counts the rows, as pandas writes its index, is left out.

        Args:
            path: the file.
            label: the name of the label column, or a list of names.
            probability: the name of the column of probabilities.
            header: True or False where the first row, such as ``0,1,2``, may be names or an example.
            progress: True for a bar on standard error, or a callable that is told (bytes read, bytes).

        Raises:
            UnreadableFile: the file is missing, damaged, ragged, or can be read in two ways.
            InvalidInput: a cell is no number (the message names its row and column), or a column is not there.

        Cost: about 4 µs and 100 bytes a cell.
        """
        if header is not None and not isinstance(header, bool):
            raise InvalidInput(f"Argument 'header' must be True, False or None, not {show(header)}.")
        file_ending(path, "path")
        with reporting(progress, "bytes read") as report:
            inputs, targets, weights = read_table(
                path, label=label, probability=probability, header=header, progress=report
            )
        return cls.from_arrays(inputs, targets, weights)

    def save(self, path: str | Path) -> None:
        """Write ``.json`` or ``.npz`` (no pickles), by the ending, atomically."""
        if self._kind == "symbolic":
            raise InvalidInput("Argument 'data' is symbolic; only exact and float64 examples can be written.")
        ending = file_ending(path, "path")
        header: dict[str, Any] = {"format": FORMAT, "version": 1, "kind": self._kind}
        if ending == ".json":
            header["inputs"] = array_to_json(self._inputs)
            header["labels"] = array_to_json(self._labels)
            header["probabilities"] = [format_rational(p) for p in self._probabilities]
            write_atomically(path, (json.dumps(header, indent=1, allow_nan=False) + "\n").encode())
        elif ending == ".npz":
            arrays: dict[str, Any] = {
                "inputs": array_to_npz(self._inputs),
                "labels": array_to_npz(self._labels),
                "probabilities": np.array([format_rational(p) for p in self._probabilities], dtype=np.str_),
                "header": np.array(json.dumps(header)),
            }
            write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))
        else:
            raise InvalidInput(f"Argument 'path' must end in .json or .npz, not {show(str(path))}.")

    @classmethod
    def load(cls, path: str | Path, *, progress: Progress | bool | None = None) -> Examples:
        """Read ``.json``, ``.npz`` or a table such as ``.csv`` (:meth:`from_csv`), by the ending."""
        ending = file_ending(path, "data")
        if ending in TABLES:
            return cls.from_csv(path, progress=progress)
        if ending == ".npz":
            header, arrays = read_npz(path, FORMAT)
            kind = kind_of_file(header, path)
            if missing := {"inputs", "labels"} - set(arrays):
                held = f"; it holds {show(', '.join(sorted(arrays)), 200)}" if arrays else ""
                raise UnreadableFile(f"File {named(path)} lacks the array {min(missing)!r}{held}.")
            if unknown := set(arrays) - {"inputs", "labels", "probabilities"}:
                raise UnreadableFile(
                    f"File {named(path)} holds an array {show(min(unknown))} that means nothing here; examples have "
                    "inputs and labels, and may have probabilities and a header."
                )
            inputs, labels = (array_from_npz(arrays[name], kind, name) for name in ("inputs", "labels"))
            chances = arrays.get("probabilities")
            floats = chances is not None and chances.dtype.kind == "f"
            return cls.from_arrays(
                inputs, labels,
                None if chances is None else chances if floats else array_from_npz(chances, "exact", "probabilities"),
            )  # fmt: skip
        if ending == ".json":
            header = read_json(path, FORMAT)
            kind = kind_of_file(header, path)
            for key in ("inputs", "labels", "probabilities"):
                if not isinstance(header.get(key), list):
                    raise UnreadableFile(f"File {named(path)} must hold {key!r} as a list with one entry per example.")
            inputs, labels = (array_from_json(header[key], kind, key) for key in ("inputs", "labels"))
            return cls.from_arrays(
                inputs, labels, array_from_json(header["probabilities"], "exact", "probabilities", 1)
            )
        raise InvalidInput(
            f"Argument 'data' must be a file ending in {', '.join(TABLES)}, .json or .npz, not {show(str(path))}."
        )

    @property
    def inputs(self) -> Array:
        """Read-only array of shape (m, K)."""
        return self._inputs

    @property
    def labels(self) -> Array:
        """Read-only array of shape (m, outputs)."""
        return self._labels

    @property
    def probabilities(self) -> tuple[Number, ...]:
        """M positive Fractions that sum to 1 (SymPy expressions in symbolic data)."""
        return self._probabilities

    @property
    def kind(self) -> Kind:
        """``"exact"``, ``"float64"`` or ``"symbolic"``: the kind of inputs and labels."""
        return self._kind

    def exact(self) -> Examples:
        """Return inputs and labels in exact rationals: every float64 is the dyadic rational that it denotes."""
        if self._kind == "symbolic":
            raise MixedNumbers("Argument 'data' is symbolic and has no exact rational form.")
        if self._kind == "exact":
            return self
        return Examples.from_arrays(
            [[exact_fraction(v) for v in row] for row in self._inputs.tolist()],
            [[exact_fraction(v) for v in row] for row in self._labels.tolist()],
            self._probabilities,
        )

    def __len__(self) -> int:
        """Return the number of examples m."""
        return len(self._inputs)

    def __eq__(self, other: object) -> bool:
        """Return whether kind, order, entries (bit for bit) and probabilities agree."""
        if not isinstance(other, Examples):
            return NotImplemented
        return (
            self._kind == other._kind
            and self._probabilities == other._probabilities
            and same_entries(self._inputs, other._inputs)
            and same_entries(self._labels, other._labels)
        )

    def __hash__(self) -> int:
        """Hash the labels and probabilities."""
        return hash((self._kind, self._probabilities, tuple(self._labels.ravel().tolist())))

    def __repr__(self) -> str:
        """Return a short description."""
        m, k = self._inputs.shape
        counts = ((m, "row"), (k, "input"), (self._labels.shape[1], "label"))
        rows, inputs, labels = (f"{n} {word}{'s' if n != 1 else ''}" for n, word in counts)
        return f"<Examples: {rows} of {inputs} and {labels}, {self._kind}>"

    def _repr_html_(self) -> str:
        """Return a table of the first examples."""
        (_, inputs), outputs = self._inputs.shape, self._labels.shape[1]
        names = [f"x{k}" for k in range(1, inputs + 1)]
        names += ["y"] if outputs == 1 else [f"y{k}" for k in range(1, outputs + 1)]
        table = [self._inputs[:MOST_ROWS], self._labels[:MOST_ROWS]]
        if len(set(self._probabilities)) > 1:
            names.append("probability")
            chances = np.empty((min(len(self), MOST_ROWS), 1), dtype=object)
            chances[:, 0] = self._probabilities[:MOST_ROWS]
            table.append(chances)
        shown = matrix_html(repr(self)[1:-1], names, np.column_stack(table))
        more = len(self) - MOST_ROWS
        return shown + (f"<div>… and {more:,} more row{'s' if more > 1 else ''}</div>" if more > 0 else "")


def _probabilities(values: Any, count: int, kind: Kind) -> tuple[Number, ...]:
    if values is None:
        return (Fraction(1, count),) * count
    numbers: list[Number] = []
    kinds: list[Kind] = []
    for index, value in enumerate(as_array(values, nested=True)):
        number, value_kind = scalar(value, f"probabilities[{index}]")
        numbers.append(number)
        kinds.append(value_kind)
    if len(numbers) != count:
        raise InvalidInput(f"Argument 'probabilities' must have {count} entries, one per example, not {len(numbers)}.")
    found = common_kind(kinds, "probabilities")
    if found == "symbolic":
        return tuple(numbers)
    if found == "float64" and kind != "float64":
        raise MixedNumbers(
            "Argument 'probabilities' holds floats beside exact inputs; write fractions, for example Fraction(1, 3)."
        )
    exact = [exact_fraction(v) for v in numbers]
    if bad := [v for v in exact if v <= 0]:
        raise InvalidInput(f"Argument 'probabilities' must hold positive numbers, not {show(bad[0])}.")
    total = sum(exact, Fraction(0))
    if found == "float64" and abs(total - 1) <= Fraction(count, 2**50):
        return tuple(v / total for v in exact)
    if total != 1:
        shown = format_rational(total) if found != "float64" else repr(float(total))
        raise InvalidInput(f"Argument 'probabilities' must sum to 1, not {show(shown).strip(chr(39))}.")
    return tuple(exact)
