"""Tables as HTML, bounded in size: what notebooks show of networks and examples, and of every result.

No script, colour or address is in them, so that they follow a page's own light or dark look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array, approximate, format_rational, show

__all__ = ["MOST_ROWS", "Markup", "cell_html", "entry_text", "matrix_html", "table_html"]

MOST_COLUMNS = 12
"""Columns of a matrix; the rest is counted in a last note."""
LONGEST = 12
"""Letters of a fraction; longer ones are shown as decimals behind ≈."""
MOST_ROWS = 20
"""Rows of a table; the rest is counted in a last line."""


class Markup(str):
    """HTML that is not escaped again, such as a ``math`` element."""

    __slots__ = ()


def table_html(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    numeric: Sequence[int] = (),
    count: int | None = None,
) -> str:
    """Return a table with a caption above and notes below; cells are text, or :class:`Markup`.

    At most ``MOST_ROWS`` rows are taken from ``rows``; where ``count``, the number of all rows, is larger, a last note
    says how many more there are. Columns in ``numeric`` are aligned to the right.

    >>> table_html(["q", "J_D"], [["1/2", "54"]], numeric=[1])[-85:]
    '<td style="text-align:left">1/2</td><td style="text-align:right">54</td></tr></table>'
    """
    sides = ["right" if k in numeric else "left" for k in range(len(header))]

    def row(cells: Sequence[str], tag: str) -> str:
        if len(cells) != len(header):
            raise InvalidInput(f"Argument 'rows' must have {len(header)} cells in each row, one per column.")
        shown = zip(cells, sides, strict=True)
        return (
            "<tr>" + "".join(f'<{tag} style="text-align:{side}">{cell_html(c)}</{tag}>' for c, side in shown) + "</tr>"
        )

    taken: list[Sequence[str]] = []
    rest = 0
    for given in rows:
        if len(taken) < MOST_ROWS:
            taken.append(given)
        else:
            rest += 1
            if count is not None:
                break
    rest = rest if count is None else count - len(taken)
    caption = f'<caption style="caption-side:top;text-align:left">{cell_html(title)}</caption>' if title else ""
    table = f"<table>{caption}{row(header, 'th')}{''.join(row(r, 'td') for r in taken)}</table>"
    more = [f"… and {rest:,} more row{'s' if rest > 1 else ''}"] if rest > 0 else []
    return table + "".join(f"<div>{cell_html(note)}</div>" for note in (*more, *notes))


def cell_html(text: Any) -> str:
    """Return text escaped, and markup as it is."""
    return str(text) if isinstance(text, Markup) else escape(str(text))


def entry_text(value: Any) -> str:
    """Return an entry in a few letters.

    >>> entry_text(Fraction(1, 3)), entry_text(0.1234567891), entry_text(Fraction(10**8 + 1, 3**9))
    ('1/3', '0.123457', '≈ 5080.53')
    """
    if isinstance(value, Fraction):
        text = format_rational(value)
        return text if len(text) <= LONGEST else f"\N{ALMOST EQUAL TO} {approximate(value, 6)}"
    return f"{value:.6g}" if isinstance(value, float) else show(value, 40)


def matrix_html(title: str, names: Sequence[str], matrix: Array, rows: Sequence[str] | None = None) -> str:
    """Return a matrix with the names of its columns, and of its rows; at most 20 rows and 12 columns are shown."""
    kept = min(len(names), MOST_COLUMNS) if len(names) > MOST_COLUMNS + 1 else len(names)
    left = len(names) - kept
    notes = [f"… and {left:,} more columns"] if left else []
    first = [] if rows is None else [""]
    cells = (
        [*([] if rows is None else [rows[place]]), *(entry_text(value) for value in row[:kept].tolist())]
        for place, row in enumerate(matrix)
    )
    header = [*first, *names[:kept]]
    numeric = range(len(first), len(header))
    table = table_html(header, cells, notes=notes, numeric=numeric, count=len(matrix))
    return f"<div>{cell_html(title)}</div>{table}"
