"""The forms in which examples come: tuples, arrays, data frames; and what is said of forms that are none of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import as_array, show

__all__ = ["example_parts"]

UNNAMED = "Unnamed: 0"
"""What pandas calls a column without a name, such as the index that it wrote to a file."""
_FORMS = "Examples, a list of (x, y) or (x, y, probability), arrays (X, y), or a data frame with label="


def example_parts(
    data: Any, label: str | Sequence[str] | None = None, probability: str | None = None
) -> tuple[Any, Any, Any]:
    """Return inputs, labels and probabilities (None for equal ones) of data in any of the forms.

    Raises:
        InvalidInput: another form, or one that can be read in two ways.
    """
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return _frame(data, label, probability)
    for value, name in ((label, "label"), (probability, "probability")):
        if value is not None:
            raise InvalidInput(
                f"Argument {name!r} names a column of a data frame, but 'data' is {show(data)}; leave it out."
            )
    if isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Iterable):
        instead = "; write a list of its items" if isinstance(data, Mapping) else ""
        raise InvalidInput(f"Argument 'data' must be {_FORMS}, not {show(data)}{instead}.")
    if isinstance(data, AbstractSet):
        raise InvalidInput(f"Argument 'data' must be in an order, which a set has not; write a list: {_FORMS}.")
    if getattr(data, "ndim", 0) == 2:
        raise InvalidInput(
            "Argument 'data' is one array and does not say which column is the label; write (X, y), for example "
            "(table[:, :-1], table[:, -1])."
        )
    if isinstance(data, (tuple, list)) and len(data) in (2, 3) and _is_table(data[0]):
        if not _are_examples(data):
            return data[0], data[1], data[2] if len(data) == 3 else None
        if isinstance(data, tuple):
            raise InvalidInput(
                "Argument 'data' can be read as arrays (X, y) and as a tuple of examples; write "
                "Examples.from_arrays(X, y), or a list of examples."
            )
    rows = list(data)
    if len(rows) > 1 and isinstance(data, tuple) and all(getattr(r, "ndim", 0) == 1 for r in rows[:2]):
        raise InvalidInput("Argument 'data' must have X of shape (m, K) in (X, y); write X[:, None] for one input.")
    for place, row in enumerate(rows):
        if isinstance(row, (str, bytes, AbstractSet, Mapping)) or not hasattr(row, "__len__") or len(row) not in (2, 3):
            raise InvalidInput(
                f"Argument 'data' must hold tuples (x, y) or (x, y, probability), not {show(row)} at place {place}; "
                "one example is written [((1, -1), 8)]."
            )
    if len({len(r) for r in rows}) > 1:
        raise InvalidInput("Argument 'data' must give a probability for every example or for none.")
    probabilities = [r[2] for r in rows] if rows and len(rows[0]) == 3 else None
    return [r[0] for r in rows], [r[1] for r in rows], probabilities


def _is_table(value: Any) -> bool:
    """Return whether a value has rows and columns."""
    axes = getattr(value, "ndim", None)
    if axes is not None:
        return bool(axes == 2)
    rows = value if isinstance(value, (list, tuple)) else ()
    return len(rows) > 0 and all(isinstance(r, (list, tuple)) or getattr(r, "ndim", 0) == 1 for r in rows)


def _are_examples(data: Sequence[Any]) -> bool:
    """Return whether nested sequences read as tuples (x, y) or (x, y, probability) too."""
    plain = all(isinstance(row, (list, tuple)) and len(row) in (2, 3) for row in data)
    return plain and all(isinstance(row[0], (list, tuple)) or getattr(row[0], "ndim", 0) == 1 for row in data)


def _frame(frame: Any, label: str | Sequence[str] | None, probability: str | None) -> tuple[Any, Any, Any]:
    names = list(frame.columns)
    if names and names[0] == UNNAMED and UNNAMED not in (label, probability):
        _refuse_other_index(frame)
        names = names[1:]
    shown = ", ".join(show(n) for n in names[:8]) + (", …" if len(names) > 8 else "")
    if len(set(names)) < len(names):
        raise InvalidInput(f"Argument 'data' must have columns of different names, not {shown}.")
    if label is None:
        raise InvalidInput(f"Argument 'label' must name the label column of the data frame, one of {shown}.")
    # a tuple may be the name of one column
    labels = (
        [label] if isinstance(label, str) or not isinstance(label, (list, tuple)) or label in names else list(label)
    )
    wanted = [*((name, "label") for name in labels), *(((probability, "probability"),) if probability else ())]
    for name, argument in wanted:
        if name not in names:
            raise InvalidInput(f"Argument {argument!r} must name columns of the data frame, {shown}, not {show(name)}.")
    inputs = [name for name in names if name not in (*labels, probability)]
    if not inputs:
        raise InvalidInput(f"Argument 'data' must have a column beside those of labels and probabilities, not {shown}.")
    if len(frame) == 0:
        raise InvalidInput("Argument 'data' must hold at least one example; it is empty.")
    probabilities = None if probability is None else as_array(frame[probability]).tolist()
    return _columns(frame, inputs), _columns(frame, labels), probabilities


def _refuse_other_index(frame: Any) -> None:
    """Refuse a first column without a name, unless it counts the rows as the index that pandas writes to a file."""
    count = as_array(frame[UNNAMED]).tolist()
    if count not in (list(range(len(count))), list(range(1, len(count) + 1))):
        raise InvalidInput(
            f"Argument 'data' has a first column {UNNAMED!r} that does not count the rows: rename it where it is an "
            "input, drop it, or write the file without it (pandas: index=False)."
        )


def _columns(frame: Any, names: Sequence[Any]) -> Any:
    """Return the columns as one array of floats, or as rows of numbers of any kind."""
    columns = [as_array(frame[name]) for name in names]
    if all(column.dtype.kind == "f" for column in columns):
        table = np.column_stack([column.astype(np.float64) for column in columns])
        for name, column in zip(names, columns, strict=True):
            wrong = np.flatnonzero(~np.isfinite(column))
            if len(wrong):
                raise InvalidInput(
                    f"Argument 'data' must hold finite numbers, not {column[wrong[0]]} in column {show(name)}, row "
                    f"{wrong[0]}; drop or fill such rows first."
                )
        return table
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
