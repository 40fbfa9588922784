"""What LaTeX says of the look of a formula and not of its meaning: blanked out, so that every position stays."""

from __future__ import annotations

import re

__all__ = ["SPACE", "without_typesetting"]

_ENVIRONMENTS = r"split|aligned|(?:align|equation|gather|multline|eqnarray|displaymath|math|flalign)\*?"
SPACE = re.compile(
    r"(?:(?:&&|\\q?quad)\s*\\(?:text(?:rm|it|sf|normal)?|mbox)\{\((?:[^{}]|\{[^{}]*\})*\)\}"
    r"|\s|~|&|\$|\\(?:label|tag)\*?\{[^{}]*\}"
    r"|\\\\\[[0-9.]+(?:pt|em|ex|cm|mm)\]"
    rf"|\\(?:[,;:! \\\[\]()]|(?:begin|end)\{{(?:{_ENVIRONMENTS})\}}|[hv]space\*?\{{[^{{}}]*\}}"
    r"|(?:left\.|right\.)|(?:quad|qquad|left|right|middle|[bB]ig+[lrm]?|displaystyle|textstyle|limits|nolimits|notag"
    r"|nonumber|qedhere|qed|thinspace|allowbreak)(?![A-Za-z])))+"
)
"""Spaces, alignment, environments, labels and sizes of brackets."""
_TAIL = 300
_CLOSED = (
    r"(?:\s|\$|\\\]|\\\)|\\\\|\\(?:label|tag)\*?\{[^{}]*\}|\\(?:nonumber|notag|qedhere|qed)"
    rf"|\\end\{{(?:{_ENVIRONMENTS})\}})*\Z"
)
_NUMBERED = re.compile(rf"(?:\\q?quad|\\[;:, ]|\s{{2,}})\s*\([0-9]{{1,3}}[a-z]?\)(?={_CLOSED})")
_FULL_STOP = re.compile(rf"[.,;](?={_CLOSED})")
_OVER = re.compile(r"\\(?:overset|stackrel)\{[^{}]*\}\{\s*(:?=|\\[lg]eq?|[<>])\s*\}")
_UNDER = re.compile(r"\\underset\{[^{}]*\}\{\s*(\\mathbb\{E\}|\\operatorname\{E\})\s*\}")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")


def without_typesetting(text: str) -> str:
    """Return the text with spaces for comments, an equation number, a final full stop, what stands over a relation."""

    def spaces(match: re.Match[str]) -> str:
        return " " * len(match[0])

    def kept(match: re.Match[str]) -> str:
        return match[1].rjust(len(match[0]))

    if "\\" in text:
        text = _COMMENT.sub(spaces, text)
    for pattern in (_FULL_STOP, _NUMBERED, _FULL_STOP):  # all stand at the end; a long text is not searched
        text = text[:-_TAIL] + pattern.sub(spaces, text[-_TAIL:])
    return _UNDER.sub(kept, _OVER.sub(kept, text))
