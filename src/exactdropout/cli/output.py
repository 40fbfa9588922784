"""How answers are printed: tables for people, versioned JSON for programs."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from exactdropout._version import __version__
from exactdropout.model.numbers import format_rational, rounded_up
from exactdropout.notation.numbers import value_text

__all__ = [
    "bound_text",
    "counted",
    "json_number",
    "output_width",
    "print_formula",
    "print_json",
    "print_table",
    "print_words",
    "value_text",
]

_WIDE = 80  # characters of a line when the output is no terminal and COLUMNS is not set
_SHORT = 14  # a cell of so many characters is not broken
_LONG = 30  # a longer word, such as the path of a file, is broken
_NARROWEST = 20  # a terminal may say 0 or 1
_GAP = 3  # spaces between two columns


def bound_text(bound: Any) -> str:
    """Return an error bound for people, rounded up."""
    from exactdropout.numeric.result import dyadic

    exact = dyadic(bound)
    return rounded_up(exact) if exact else "exact" if isinstance(bound, Fraction) else "0"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "example"), counted(442, "example")
    ('1 example', '442 examples')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def json_number(value: Any) -> Any:
    """Return exact numbers as text "3/7", floats as JSON numbers, mpmath numbers as decimal text."""
    if isinstance(value, (Fraction, int)) and not isinstance(value, bool):
        return format_rational(value)
    if isinstance(value, float):
        return value
    from mpmath import mp

    return str(mp.nstr(value, max(15, int(value._mpf_[3] * 0.302) + 2)))


def print_json(command: str, content: dict[str, Any]) -> None:
    """Print one object: ``schema``, ``version``, the package's version, then the content."""
    head = {"schema": f"exactdropout/{command}", "version": 1, "exactdropout": __version__}
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print(json.dumps(head | content, indent=1, ensure_ascii=not unicode))


def print_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: Sequence[int] = (),
    whole: Sequence[int] = (),
    most: int | None = None,
) -> None:
    """Print a table; columns listed in ``numeric`` are right-aligned, those and the ones in ``whole`` are never broken.

    Text is broken at spaces. Where that is not enough the columns are printed in several tables one below the other, as
    even as possible, each with the first column. ``most``: of characters in a line, also where the
    output has room for more.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [tuple(row) for row in rows]
    width = output_width() if most is None else min(output_width(), most)
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        for line in textwrap.wrap(title, width, break_on_hyphens=False):
            console.print(Text(line, style="bold"))
        for shown in _side_by_side(header, cells, {*numeric, *whole}, width):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            columns = [[header[index], *(row[index] for row in cells)] for index in shown]
            widths = _widths(columns, [index in {*numeric, *whole} for index in shown], width)
            for index, wide in zip(shown, widths, strict=True):
                table.add_column(
                    header[index], justify="right" if index in numeric else "left", overflow="fold", width=wide
                )
            for row in cells:
                table.add_row(*(Text(row[index]) for index in shown))
            console.print()
            console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
    print()


def _side_by_side(
    header: Sequence[str], rows: Sequence[Sequence[str]], whole: Iterable[int], width: int
) -> list[list[int]]:
    """Return the columns of each table: one table where the columns fit, else as few as possible of even size.

    >>> _side_by_side(["row", "mean", "deviation"], [["1", "0.123456789", "0.987654321"]], [], 20)
    [[0, 1], [0, 2]]
    """
    kept = set(whole)
    least = [_least([name, *(row[index] for row in rows)], index in kept) for index, name in enumerate(header)]
    others = range(1, len(header))
    for tables in range(1, len(header)):
        size = -(-len(others) // tables)
        parts = [[0, *others[start : start + size]] for start in range(0, len(others), size)]
        if all(sum(least[i] for i in part) + _GAP * (len(part) - 1) <= width for part in parts):
            return parts
    return [[0, i] for i in others] or [[0]]


def _least(column: Sequence[str], whole: bool) -> int:
    """Return the width below which a column breaks its words, or its cells where they are short or stay whole."""
    natural = max(map(len, column))
    if whole or natural <= _SHORT:
        return natural
    return min(_LONG, max(_SHORT, *(len(word) for text in column for word in text.split())))


def _widths(columns: Sequence[Sequence[str]], whole: Sequence[bool], width: int) -> list[int]:
    """Return what each column gets: all that it wants, or equally much of what is left above the least."""
    wanted = [max(map(len, column)) for column in columns]
    given = [_least(column, kept) for column, kept in zip(columns, whole, strict=True)]
    spare = width - _GAP * (len(columns) - 1) - sum(given)
    while spare > 0 and (wanting := [i for i, wide in enumerate(given) if wide < wanted[i]]):
        given[min(wanting, key=given.__getitem__)] += 1
        spare -= 1
    return given


_COLOURS = {
    "proved": "green", "holds": "green", "refuted": "bold red", "REFUTED": "bold red", "fails": "bold red",
    "undecided": "yellow",
}  # fmt: skip


def print_formula(text: str) -> None:
    """Print formulas: as :func:`print_words` on a terminal, on one line where a program may read them."""
    if sys.stdout.isatty():
        print_words(text)
    else:
        print(text)


def print_words(text: str) -> None:
    """Print lines, broken at spaces.

    What follows a broken line is indented four further columns. A verdict at the beginning of a line, after spaces or a
    number, has a colour where the terminal has colours and ``NO_COLOR`` is not set.
    """
    from rich.console import Console
    from rich.text import Text

    width = output_width()
    console = Console(width=width, highlight=False)
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(
            _VALUE.sub(_TOGETHER, line), width, subsequent_indent=indent + "    ", break_on_hyphens=False
        ) or [""]:
            shown = Text(part.replace(_TOGETHER, " = "))
            found = _VERDICT.match(part)
            if found is not None:
                shown.stylize(_COLOURS[found[1]], *found.span(1))
            console.print(shown, soft_wrap=True)


_VALUE = re.compile(r"(?<=[\w\]]) = (?=-?\d+(?:/\d+)?(?:,|$))")
_TOGETHER = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
_VERDICT = re.compile(rf"[\s\d]*({'|'.join(_COLOURS)})\b")


def output_width() -> int:
    """Return the columns of the terminal; where the output goes elsewhere what ``COLUMNS`` says, or 80."""
    return max(_NARROWEST, shutil.get_terminal_size((_WIDE, 24)).columns)
