"""The formulas of a document, LaTeX or Markdown, each with its place; and the settings that its comments give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from exactdropout.errors import InvalidInput

__all__ = [
    "MAX_CHARACTERS",
    "Formula",
    "SettingLine",
    "formulas",
    "sentence_around",
    "setting_lines",
    "without_comments",
]

MAX_CHARACTERS = 2_000_000
MAX_FORMULAS = 5_000
_ENVIRONMENTS = ("equation", "align", "gather", "multline", "eqnarray", "displaymath", "flalign", "math", "alignat")
_BEGIN = re.compile(rf"\\begin\{{({'|'.join(_ENVIRONMENTS)})(\*?)\}}")
_HIDDEN = re.compile(r"\\begin\{(verbatim|lstlisting|comment|minted|filecontents)(\*?)\}.*?\\end\{\1\2\}", re.DOTALL)
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)\n(.*?)^\1?\2[ \t]*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_STOP = re.compile(
    r"(?<=[.?!])\s|[.?!](?=\$)\$\s|\n\s*\n|\\(?:section|subsection|paragraph|begin|end|item)\b[^\n]*|^[#>*-][^\n]*\n",
    re.MULTILINE,
)
_SETTING = re.compile(r"(?:%+|<!--)[ \t]*exactdropout\b:?[ \t]*(.*?)[ \t]*(?:-->|$)", re.MULTILINE)


@dataclass(frozen=True)
class Formula:
    """A formula in a document: its text, where it begins, and whether it stands on lines of its own."""

    text: str
    position: int
    kind: Literal["display", "inline"]


@dataclass(frozen=True)
class SettingLine:
    """A comment line that says what the formulas below it are about."""

    text: str
    position: int


def setting_lines(text: str) -> list[SettingLine]:
    """Return the comment lines that begin with "exactdropout"."""
    return [SettingLine(match[1], match.start()) for match in _SETTING.finditer(text)]


def without_comments(text: str, *, markdown: bool) -> str:
    """Return the text with comments, code and verbatim parts as spaces, every position kept."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    if markdown:
        # a fence of mathematics is a formula
        def fence(match: re.Match[str]) -> str:
            if match[3].strip() != "math":
                return blank(match)
            inner = match[4]
            head = len(match[0]) - len(inner) - (len(match[0]) - match[0].rindex(match[2]))
            return (
                "$$".ljust(head - 1)[: head - 1] + "\n" + inner + "$$" + " " * (len(match[0]) - head - len(inner) - 2)
            )

        text = _CODE.sub(blank, _FENCE.sub(fence, text))
        return re.sub(r"<!--.*?-->", blank, text, flags=re.DOTALL)
    text = _HIDDEN.sub(blank, text)
    text = _COMMENT.sub(lambda m: m[1] + " " * (len(m[0]) - len(m[1])), text)
    begin = text.find(r"\begin{document}")
    end = text.find(r"\end{document}")
    if begin >= 0:
        text = re.sub(r"[^\n]", " ", text[:begin]) + text[begin:]
    return text if end < 0 else text[:end] + re.sub(r"[^\n]", " ", text[end:])


def formulas(text: str, line_of: LineCounter) -> Iterator[Formula]:
    """Yield the formulas of a text without comments.

    Raises:
        InvalidInput: one that does not end, with its line.
    """
    opening = re.compile(rf"\\\\|\\\$|{_BEGIN.pattern}|\$\$|\$|\\\[|\\\(")
    at = count = 0
    while (match := opening.search(text, at)) is not None:
        token, start = match[0], match.end()
        if token in ("\\\\", r"\$"):
            at = start
            continue
        if match[1]:
            closer = f"\\end{{{match[1]}{match[2]}}}"
        else:
            closer = {"$$": "$$", "$": "$", r"\[": r"\]", r"\(": r"\)"}[token]
        inline = token in ("$", r"\(") or match[1] == "math"
        end = _end(text, start, closer)
        gap = re.search(r"\n\s*\n", text[start:end]) if end is not None and inline else None
        if end is None or gap is not None:
            if token == "$":  # a dollar sign, as in a price
                at = start
                continue
            raise InvalidInput(f"Argument 'text' has a formula in line {line_of(match.start())} without its {closer}.")
        if match[1] == "alignat":
            start = max(start, text.find("}", start, end) + 1)
        count += 1
        if count > MAX_FORMULAS:
            raise InvalidInput(f"Argument 'text' has more than {MAX_FORMULAS} formulas.")
        yield Formula(text[start:end], start, "inline" if inline else "display")
        at = end + len(closer)


def sentence_around(text: str, formula: Formula) -> tuple[int, int]:
    """Return where the sentence begins and ends in which a formula stands: at full stops, empty lines, headings."""
    stops = [match.end() for match in _STOP.finditer(text)]
    after = formula.position + len(formula.text)
    start = max((stop for stop in stops if stop <= formula.position), default=0)
    return start, min((stop for stop in stops if stop >= after), default=len(text))


def _end(text: str, start: int, closer: str) -> int | None:
    at = start
    while (found := text.find(closer, at)) >= 0:
        escaped = len(text[:found]) - len(text[:found].rstrip("\\"))
        if closer[0] != "$" or escaped % 2 == 0:
            return found
        at = found + 1
    return None


class LineCounter:
    """Which line a position is in."""

    def __init__(self, text: str) -> None:
        """Remember the text."""
        self.text = text

    def __call__(self, position: int) -> int:
        """Return the number of the line, from 1."""
        return self.text.count("\n", 0, position) + 1
