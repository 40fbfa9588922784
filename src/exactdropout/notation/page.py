"""What notebooks show: tables and formulas as HTML, bounded in size.

No script, colour or address is in them, so that they follow a page's own light or dark look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from exactdropout.errors import InvalidInput

__all__ = ["MOST_LETTERS", "MOST_ROWS", "Markup", "block_html", "formula_html", "latex_html", "list_html", "table_html"]

MOST_ROWS = 20
"""Rows of a table; the rest is counted in a last line."""
MOST_LETTERS = 20_000
"""Letters of a formula's markup: longer ones are not sent to a browser."""


class Markup(str):
    """HTML that is not escaped again, such as a ``math`` element."""

    __slots__ = ()


def formula_html(mathml: str, otherwise: str) -> Markup:
    """Return a formula's ``math`` element, or, where it is too long for a page, the given words.

    >>> formula_html("<math><mi>q</mi></math>", "long")
    '<math><mi>q</mi></math>'
    """
    return Markup(mathml if len(mathml) <= MOST_LETTERS else f"<em>{escape(otherwise)}</em>")


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
        return "<tr>" + "".join(f'<{tag} style="text-align:{side}">{_cell(c)}</{tag}>' for c, side in shown) + "</tr>"

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
    caption = f'<caption style="caption-side:top;text-align:left">{_cell(title)}</caption>' if title else ""
    table = f"<table>{caption}{row(header, 'th')}{''.join(row(r, 'td') for r in taken)}</table>"
    more = [f"… and {rest:,} more row{'s' if rest > 1 else ''}"] if rest > 0 else []
    return table + "".join(f"<div>{_cell(note)}</div>" for note in (*more, *notes))


def block_html(*lines: str) -> str:
    """Return lines one below the other; each is text, or :class:`Markup`.

    >>> block_html("a < b", Markup("<b>c</b>"))
    '<div>a &lt; b</div><div><b>c</b></div>'
    """
    return "".join(f"<div>{_cell(line)}</div>" for line in lines)


def list_html(items: Iterable[str]) -> Markup:
    """Return a numbered list."""
    return Markup("<ol>" + "".join(f"<li>{_cell(item)}</li>" for item in items) + "</ol>")


def _cell(text: Any) -> str:
    return str(text) if isinstance(text, Markup) else escape(str(text))


def latex_html(source: str) -> Markup:
    """Return LaTeX of a short formula as a ``math`` element, or as its source where it cannot be converted or is long.

    >>> latex_html("x")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>'
    """
    if len(source) > MOST_LETTERS // 4:
        return Markup(f"<em>a formula of {len(source):,} letters; latex() returns it</em>")
    from latex2mathml.converter import convert

    try:
        return Markup(convert(source))
    except Exception:  # whatever the converter stumbles over, the source is still readable
        return Markup(f"<code>{escape(source)}</code>")
