"""Docstrings write formulas as plain text (``|x|``, ``J_D``, ``W_{d−1}``), which reads well in a terminal.

For the pages, bars are escaped, which reStructuredText would read as substitutions, and subscripts are set as such.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_UNTOUCHED = re.compile(r"(``.*?``|:[a-z:]+:`[^`]*`|`[^`]*`|^\s*:[^:`]+:)")  # literals, roles, field names
_SUBSCRIPT = re.compile(r"(?<![\w`\\])([^\W\d_]{1,3})_(?:\{([^{}]+)\}|([^\W_]))(?![\w{])")
_NO_EXPRESSION = re.compile(r"\s*=\s*<[^<>]*(?:<[^<>]*>[^<>]*)*>")
_LONG_NAME = re.compile(r"~(?:\w+\.)+")
_COLON = "\N{PRESENTATION FORM FOR VERTICAL COLON}"  # stands for a colon while napoleon runs


def _plain_to_markup(text: str) -> str:
    text = text.replace("|", r"\|")
    return _SUBSCRIPT.sub(lambda m: rf"{m[1]}\ :sub:`{m[2] or m[3]}`\ ", text)


def set_formulas(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines in place; doctests stay as they are."""
    doctest = False
    for index, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if not doctest:
            parts = _UNTOUCHED.split(line)
            parts[::2] = [_plain_to_markup(part) for part in parts[::2]]
            lines[index] = "".join(parts).replace(_COLON, ":")


def hide_colon(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading the first sentence of a property as "type: description"."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(":", _COLON)


def short_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, result: str | None
) -> tuple[str | None, str | None] | None:
    """Make a signature with a default that is no expression one that is read, and set as the others are.

    ``= <factory>`` of a dataclass hides the whole signature from the parser, and names stand there as
    ``~exactdropout.model.Network``.
    """
    if signature is None or not _NO_EXPRESSION.search(signature):
        return None
    return _LONG_NAME.sub("", _NO_EXPRESSION.sub(" = ...", signature)), result


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before and after napoleon (priority 500), which makes reStructuredText of the sections."""
    app.connect("autodoc-process-signature", short_signature)
    app.connect("autodoc-process-docstring", hide_colon, priority=400)
    app.connect("autodoc-process-docstring", set_formulas, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
