"""Tables of numbers on disk: ``.csv`` and ``.tsv``, also packed by gzip; every decimal is an exact rational.

Read row by row. What could be read in two ways is refused with a sentence that says how to decide it: a first row
``0,1,2`` that may be a header of pandas or an example, ``1,234`` that may be 1234 or 1.234.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model.files import named, text_lines
from exactdropout.model.numbers import Array, parse_rational, show

__all__ = ["TABLES", "read_table"]

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""The endings of tables."""

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?\Z")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+\Z")
_POWERS = [10**k for k in range(19)]
_UNNAMED = ("", "Unnamed: 0")
_KEPT = 1 << 16  # distinct cells that are remembered, so that a number that returns is one object


def read_table(
    path: str | os.PathLike[str],
    *,
    label: str | Sequence[str] | None,
    probability: str | None,
    header: bool | None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Array, Array, list[Fraction] | None]:
    """Return inputs, labels and probabilities of a table; see :meth:`Examples.from_csv`."""
    rows = _rows(path, progress)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile(f"File {named(path)} must hold at least one example; it is empty.")
    second = next(rows, None)
    if header is None:
        header = _is_header(path, first[1], second and second[1])
    names = [cell.strip() for cell in first[1]] if header else None
    body = itertools.chain([second] if second else [], rows) if header else itertools.chain(
        [first], [second] if second else [], rows
    )  # fmt: skip
    if header and second is None:
        raise UnreadableFile(f"File {named(path)} must hold at least one example below its header.")
    counted = names is not None and names[0] in _UNNAMED
    label_columns, probability_column = _columns(path, names, len(first[1]), label, probability, counted)
    special = {*label_columns, probability_column, 0 if counted else None}
    input_columns = [c for c in range(len(first[1])) if c not in special]
    if not input_columns:
        raise InvalidInput(f"File {named(path)} must have at least one input column beside the labels.")
    return _read(path, body, names, counted, input_columns, label_columns, probability_column)


def _rows(path: str | os.PathLike[str], progress: Callable[[int, int], None] | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of every row that is not blank."""
    lines = text_lines(path, progress)
    beginning: list[str] = []
    for line in lines:
        beginning.append(line)
        if sum(bool(text.strip()) for text in beginning) == 2:
            break
    reader = csv.reader(itertools.chain(beginning, lines), delimiter=_delimiter(path, beginning), strict=True)
    try:
        for number, row in enumerate(reader, 1):
            if any(cell and not cell.isspace() for cell in row):
                yield number, row
    except csv.Error as error:
        raise UnreadableFile(f"File {named(path)} is not CSV near line {reader.line_num}: {error}.") from None


def _delimiter(path: str | os.PathLike[str], beginning: Sequence[str]) -> str:
    """Return what splits the first two lines into equally many cells; semicolons and tabs before commas."""
    if ".tsv" in str(path).lower()[-7:]:
        return "\t"
    lines = [line for line in beginning if line.strip()]
    for delimiter in (";", "\t", ","):
        counts = {len(next(csv.reader([line], delimiter=delimiter))) for line in lines}
        if len(counts) == 1 and counts != {1}:
            return delimiter
    return ","


def _is_header(path: str | os.PathLike[str], first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Return whether the first row holds names; refuse a row that may be pandas' names or an example."""
    cells = [cell.strip() for cell in first]
    counting = [str(k) for k in range(len(cells))]
    if cells[0] == "" and cells[1:] == counting[:-1] and len(cells) > 1:
        return True
    if cells == counting and len(cells) > 1 and second is not None:
        row = show(",".join(cells))
        raise UnreadableFile(
            f"File {named(path)} begins with the row {row}, which may be an example or the column names that pandas "
            "writes by default: say header=True or header=False (--header yes or --header no)."
        )
    return not all(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        parse_rational(cell)
    except InvalidInput:
        known = cell.lower().lstrip("+-") in ("nan", "inf", "infinity", "")  # a bad number, not a name
        return known or cell[:1].isdigit() or bool(_DECIMAL_COMMA.match(cell))
    return True


def _columns(
    path: str | os.PathLike[str],
    names: list[str] | None,
    count: int,
    label: str | Sequence[str] | None,
    probability: str | None,
    counted: bool,
) -> tuple[list[int], int | None]:
    """Return the label columns and the column of probabilities."""
    if names is not None and len(set(names)) != len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise InvalidInput(
            f"File {named(path)} must have distinct column names in its header, but {show(twice)} comes twice."
        )

    def index(name: object, argument: str) -> int:
        if names is None or name not in names:
            known = show(", ".join(names), 200) if names else "the file has no header"
            near = get_close_matches(str(name).lower(), [n.lower() for n in names or ()], 1)
            meant = f"; did you mean {next(show(n) for n in names or () if n.lower() == near[0])}?" if near else "."
            raise InvalidInput(f"Argument {argument!r} must name a column ({known}), not {show(name)}{meant}")
        return names.index(str(name))

    chosen = None if probability is None else index(probability, "probability")
    if label is None:
        left = [c for c in range(1 if counted else 0, count) if c != chosen]
        return left[-1:], chosen
    wanted = [label] if isinstance(label, str) else label
    if not isinstance(wanted, Iterable) or not (wanted := list(wanted)):
        raise InvalidInput(f"Argument 'label' must name at least one column, not {show(label)}.")
    found = [index(name, "label") for name in wanted]
    if len({*found, chosen}) != len(found) + 1:
        raise InvalidInput(f"Argument 'label' must name distinct columns other than 'probability', not {show(wanted)}.")
    return found, chosen


class _Cells:
    """Parses cells; a comma is a decimal comma where nothing speaks against it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self.kept: dict[str, Fraction] = {}
        self.points = self.commas = self.not_thousands = ""  # the first cell of its sort

    def parse(self, cell: str, row: int, column: object) -> Fraction:
        known = self.kept.get(cell)
        if known is not None:
            return known
        value = self._parsed(cell, row, column)
        if len(self.kept) < _KEPT:
            self.kept[cell] = value
        return value

    def _parsed(self, cell: str, row: int, column: object) -> Fraction:
        whole, point, part = cell.partition(".")
        digits = whole + part
        if point and not self.points:
            self.points = cell
        if len(digits) < 19 and digits.isascii() and digits.removeprefix("-").isdigit():
            return Fraction(int(digits), _POWERS[len(part)])  # nearly every cell
        text = cell.strip()
        if "," in text:
            if _THOUSANDS.match(text):
                self.commas = self.commas or text
            elif _DECIMAL_COMMA.match(text):
                self.commas = self.commas or text
                self.not_thousands = text
            text = text.replace(",", ".", 1) if text.count(",") == 1 and _DECIMAL_COMMA.match(text) else text
        title = " ".join(str(column).split())[:60]
        where = f"row {row}, column {title}"
        if not text:
            raise InvalidInput(f"Argument {where!r} must be a number; the cell is empty.")
        return parse_rational(text, where)

    def check(self) -> None:
        """Refuse a file whose commas have more than one meaning."""
        if self.commas and self.points:
            raise UnreadableFile(
                f"File {named(self.path)} must write decimals in one way, but has {show(self.commas)} and "
                f"{show(self.points.strip())}."
            )
        if self.commas and not self.not_thousands:
            raise UnreadableFile(
                f"File {named(self.path)} holds {show(self.commas)}, which may have a decimal comma or a comma between "
                "thousands; write a decimal point, or no comma."
            )


def _read(
    path: str | os.PathLike[str],
    rows: Iterable[tuple[int, list[str]]],
    names: list[str] | None,
    counted: bool,
    input_columns: list[int],
    label_columns: list[int],
    probability_column: int | None,
) -> tuple[Array, Array, list[Fraction] | None]:
    titles: Sequence[Any] = names or range(1, len(input_columns) + len(label_columns) + 2)
    columns = len(names) if names else len(input_columns) + len(label_columns) + (probability_column is not None)
    cells = _Cells(path)
    inputs: list[Fraction] = []
    targets: list[Fraction] = []
    weights: list[Fraction] = []
    start = None
    for place, (line, row) in enumerate(rows):
        if len(row) != columns:
            raise UnreadableFile(f"File {named(path)} must have {columns} cells in row {line}, not {len(row)}.")
        if counted:
            start = row[0].strip() if start is None else start
            if start not in ("0", "1") or row[0].strip() != str(int(start) + place):
                raise UnreadableFile(
                    f"File {named(path)} has a first column without a name that does not count the rows, as row {line} "
                    f"with {show(row[0])} shows: give it a name, or write the file without it (pandas: index=False)."
                )
        inputs += [cells.parse(row[c], line, titles[c]) for c in input_columns]
        targets += [cells.parse(row[c], line, titles[c]) for c in label_columns]
        if probability_column is not None:
            weights.append(cells.parse(row[probability_column], line, titles[probability_column]))
    cells.check()
    return (
        _array(inputs, len(input_columns)),
        _array(targets, len(label_columns)),
        weights if probability_column is not None else None,
    )


def _array(values: list[Fraction], columns: int) -> Array:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    values.clear()
    return result.reshape(-1, columns)
