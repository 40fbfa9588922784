"""Docstrings use ``|x|`` as mathematicians do; reStructuredText would read it as a substitution."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

# literals (double or single backticks) and doctest lines stay as they are
_LITERAL = re.compile(r"(``.*?``|`[^`]*`)")


def escape_bars(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the bars of absolute values outside literals."""
    doctest = False
    for index, line in enumerate(lines):
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if not doctest:
            parts = _LITERAL.split(line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[index] = "".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Run after napoleon (priority 500) has made reStructuredText of the sections."""
    app.connect("autodoc-process-docstring", escape_bars, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
