"""What notebooks show: tables and formulas as HTML, bounded in size.

No script, colour or address is in them, so that they follow a page's own light or dark look.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from exactdropout.model.display import MOST_ROWS, Markup, cell_html, table_html

__all__ = ["MOST_LETTERS", "MOST_ROWS", "Markup", "block_html", "formula_html", "latex_html", "list_html", "table_html"]

MOST_LETTERS = 20_000
"""Letters of a formula's markup: longer ones are not sent to a browser."""


def formula_html(mathml: str, otherwise: str) -> Markup:
    """Return a formula's ``math`` element, or, where it is too long for a page, the given words.

    >>> formula_html("<math><mi>q</mi></math>", "long")
    '<math><mi>q</mi></math>'
    """
    return Markup(mathml if len(mathml) <= MOST_LETTERS else f"<em>{escape(otherwise)}</em>")


def block_html(*lines: str) -> str:
    """Return lines one below the other; each is text, or :class:`Markup`.

    >>> block_html("a < b", Markup("<b>c</b>"))
    '<div>a &lt; b</div><div><b>c</b></div>'
    """
    return "".join(f"<div>{cell_html(line)}</div>" for line in lines)


def list_html(items: Iterable[str]) -> Markup:
    """Return a numbered list."""
    return Markup("<ol>" + "".join(f"<li>{cell_html(item)}</li>" for item in items) + "</ol>")


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
