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

__all__ = ["bound_text", "json_number", "output_width", "print_json", "print_table", "print_words", "value_text"]

_WIDE = 118  # characters of a table when the output is no terminal


def bound_text(bound: Any) -> str:
    """Return an error bound for people, rounded up."""
    from exactdropout.numeric.result import dyadic

    exact = dyadic(bound)
    return rounded_up(exact) if exact else "exact" if isinstance(bound, Fraction) else "0"


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
    """Print a table; columns listed in ``numeric`` are right-aligned, those in ``whole`` are never broken.

    ``most``: of characters in a line, also where the output has room for more.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False)
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index in numeric else "left", overflow="fold", no_wrap=index in whole)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    width = output_width() if most is None else min(output_width(), most)
    Console(width=width, highlight=False).print(table)


_COLOURS = {
    "proved": "green", "holds": "green", "refuted": "bold red", "REFUTED": "bold red", "fails": "bold red",
    "undecided": "yellow",
}  # fmt: skip


def print_words(text: str) -> None:
    """Print lines: broken at spaces where a terminal would break them anywhere, as they are where they go elsewhere.

    What follows a broken line is indented four further columns. A verdict at the beginning of a line, after spaces or a
    number, has a colour where the terminal has colours and ``NO_COLOR`` is not set.
    """
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    width = output_width()
    console = Console(width=width, highlight=False)
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(
            line, width, subsequent_indent=indent + "    ", break_on_hyphens=False, drop_whitespace=True
        ) or [""]:
            shown = Text(part)
            found = _VERDICT.match(part)
            if found is not None:
                shown.stylize(_COLOURS[found[1]], *found.span(1))
            console.print(shown, soft_wrap=True)


_VERDICT = re.compile(rf"[\s\d]*({'|'.join(_COLOURS)})\b")


def output_width() -> int:
    """Return the columns of the terminal, or a fixed number where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
