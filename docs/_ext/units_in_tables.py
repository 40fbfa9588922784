"""A number and its unit, alone in a cell of a table, stay on one line: 0.3 ms, 13 %, 2.5 million."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

_NUMBER = re.compile(r"[<>≈-]?\s?\d[\d.,]*(?: \d{3})*( )(?:%|×|[µnm]?s|million|billion|[KMG]iB|GB|MB)\Z")


def keep_together(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put a space that does not break between them."""
    for cell in doctree.findall(nodes.entry):
        for text in [*cell.findall(nodes.Text)]:
            if _NUMBER.match(text.strip()):
                text.parent.replace(text, nodes.Text(text.strip().replace(" ", "\N{NO-BREAK SPACE}")))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run when the references of a page are resolved."""
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
