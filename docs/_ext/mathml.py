"""Formulas as MathML, written at build time: the pages need no script and no outside address.

``aligned`` and ``gathered`` are rewritten as ``split``, which latex2mathml renders rightly. A formula that it does
not understand would show its backslashes; such a page stops the build.
"""

from __future__ import annotations

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_logger = logging.getLogger(__name__)
_ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|align\*?|gathered|gather\*?)\}")
_UNREAD = re.compile(r"<m(?:i|o|text)>[^<]*(?:\\[A-Za-z]|&amp;)[^<]*</m(?:i|o|text)>")
# bars and slashes are set tight: browsers give an operator between operands the space of a relation
_TIGHT = re.compile(r"<mo(?: stretchy=\"false\")?>(&#x0007C;|&#x0002F;|\||/)</mo>")
_DEFINED = re.compile(r"<m[io]>:</m[io]><mo>(?:&#x0003D;|=)</mo>")


def to_mathml(formula: str, display: str, node: nodes.Node) -> str:
    """Return MathML; warn (with -W: fail) where LaTeX is left over."""
    source = _ALIGNED.sub(r"\\\1{split}", formula.strip())
    result = _TIGHT.sub(r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', convert(source, display=display))
    result = _DEFINED.sub("<mo>:=</mo>", result)
    if unread := _UNREAD.search(result):
        _logger.warning("formula is not rendered: %s in %s", unread[0], formula, location=node)
    return result


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(f'<span class="formula">{to_mathml(node.astext(), "inline", node)}</span>')
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    self.body.append(f'<div class="formula">{to_mathml(node.astext(), "block", node)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
