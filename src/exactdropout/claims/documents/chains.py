"""A displayed formula as chains of steps: a = b <= c is two claims, each line of an align goes on or begins anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from exactdropout.claims.language.typesetting import SPACE, without_typesetting

__all__ = ["Chain", "chains"]

_RELATION = re.compile(
    r"\\(?:overset|stackrel)\{[^{}]*\}\{\s*(?P<over>=|\\[lg]eq?|[<>])\s*\}"
    r"|\\(?P<word>leq|le|geq|ge|leqslant|geqslant|neq|ne|lt|gt|coloneqq|coloneq|triangleq|equiv|approx|sim|simeq|propto|"
    r"to|rightarrow|mapsto|iff|implies|Rightarrow|Leftrightarrow|Longrightarrow)(?![A-Za-z])"
    r"|(?P<sign>:=|<=|>=|!=|->|[=<>≤≥≠])"
)
_JUDGED = {
    "=": "=", ":=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "≤": "<=", "≥": ">=", "≠": "!=",
    "leq": "<=", "le": "<=", "leqslant": "<=", "geq": ">=", "ge": ">=", "geqslant": ">=", "neq": "!=", "ne": "!=",
    "lt": "<", "gt": ">", "coloneqq": "=", "coloneq": "=", "triangleq": "=", "equiv": "=",
    r"\le": "<=", r"\leq": "<=", r"\ge": ">=", r"\geq": ">=",
}  # fmt: skip
_TAIL = re.compile(
    r"(?:,|\\q?quad|\\[ ,;:])*\s*(?:\\(?:text|mbox|textrm|mathrm)\{\s*(?:,\s*)?"
    r"(?:if|for|where|when|with|assuming|whenever|provided|"
    r"since|because|by|as|and|so|is|does|increases|decreases|minimi[sz]es)(?![A-Za-z])|\\forall(?![A-Za-z])"
    r"|(?<![A-Za-z\\{])(?:if|for|where|assuming|is|does)(?= ))"
)
_GOES_ON = re.compile(r"[-+*/]|\\(?:cdot|times|pm)(?![A-Za-z])")
_WORDS = re.compile(
    r"\\(?:text|mbox|textrm|mathrm)\{\s*(?:,\s*)?(is|does|increases|decreases|minimi[sz]es)(?![A-Za-z])"
    r"|(?<![A-Za-z\\{])(is|does) "
)
_ALONE = (
    r"(?:(?:\\mathbb\{?E\}?|\\(?:operatorname\*?|mathrm|text)\{\s*(?:E|Var)\s*\}|E|Var)\s*(?:_\{?[A-Za-z]\}?)?\s*"
    r"(?:\\(?:left|[bB]igl?))?\s*[\[(]\s*D\s*(?:\^\{?2\}?)?\s*(?:\\(?:right|[bB]igr?))?\s*[\])]"
    r"|J_\{?D\}?|R(?![A-Za-z_(])|\\text\{\s*penalty\s*\})\s*&?\s*=(?!>)"
)
"""A quantity, alone on the left of an equals sign."""
_EQUATION = re.compile(r"(?:\s|\\[ ,;:!]|&)*" + _ALONE)
_NEXT_EQUATION = re.compile(
    r",?\s*(?:\\q?quad(?![A-Za-z])\s*(?:\\(?:text|mbox)\{\s*and\s*\}\s*)?)+(?=(?:\s|\\[ ,;:!]|&)*" + _ALONE + ")"
)
_INNER = re.compile(r"\\(begin|end)\{(?!split|aligned|gathered)")
_PIECES = re.compile(
    r"\\(?:left|right|middle|[bB]ig[lrm]?)(?![A-Za-z])\s*[<>]?|\\[{}|]|\\begin\{[^{}]*\}|\\end\{[^{}]*\}|[{}()\[\]]|"
    + _RELATION.pattern
)


@dataclass(frozen=True)
class Chain:
    """Sides and the relations between them, as text, what stands behind, and where each side begins.

    ``relations`` are those of the grammar, or "" for one that is not judged, such as ≈.
    """

    text: str
    sides: tuple[str, ...]
    relations: tuple[str, ...]
    tail: str
    positions: tuple[int, ...]

    def step(self, number: int) -> str:
        """Return one step as the text of a claim."""
        tail = f" {self.tail}" if self.tail else ""
        return f"{self.sides[number]} {self.relations[number]} {self.sides[number + 1]}{tail}"


def chains(text: str) -> Iterator[Chain]:
    """Yield the chains of a displayed formula; positions count in the text."""
    start = 0
    rows = [*_rows(text)]
    for number, (begin, end) in enumerate(rows):
        after = rows[number + 1] if number + 1 < len(rows) else None
        if after is None or not _goes_on(text[after[0] : after[1]]):
            for first, last in _statements(text, start, end):
                yield _chain(text[first:last], first)
            start = after[0] if after is not None else end
        del begin


def _statements(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a chain that are equations for a quantity each: E[D] = a, \\quad Var[D] = b.

    Conditions behind the last of them may be meant for all, and then nothing is parted. What else stands behind
    \\quad may be a condition, and stays where it is. In a single claim equations for several quantities are all
    claimed, too.
    """
    if _EQUATION.match(text, start, end) is not None and _cut(_NEXT_EQUATION.sub(" ", text[start:end])) is None:
        for match in _NEXT_EQUATION.finditer(text, start, end):
            yield start, match.start()
            start = match.end()
    yield start, end


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each row of an align stands: rows end at \\\\ outside of braces and inner environments."""
    depth = start = 0
    for match in re.finditer(r"\\\\(?:\[[^\[\]]*\])?|\\[{}]|\\begin\{(\w+)\*?\}|\\end\{(\w+)\*?\}|[{}]", text):
        token = match[0]
        inner = match[1] or match[2]
        if inner and inner not in ("split", "aligned", "align", "gathered"):
            depth += 1 if match[1] else -1
        elif token in "{}":
            depth += 1 if token == "{" else -1
        elif token.startswith("\\\\") and depth == 0:
            yield start, match.end()
            start = match.end()
    yield start, len(text)


def _bare(text: str) -> str:
    at = 0
    plain = without_typesetting(text)
    if (space := SPACE.match(plain)) is not None:
        at = space.end()
    return plain[at:]


def _goes_on(row: str) -> bool:
    bare = _bare(row)
    return not bare.strip() or bool(_RELATION.match(bare) or _GOES_ON.match(bare))


def _chain(text: str, offset: int) -> Chain:
    body, tail = text, ""
    cut = _cut(text)
    if _WORDS.search(text):  # "... is nondecreasing in q": one statement
        return Chain(text, (text,), (), "", (offset + _lead(text),))
    if cut is not None:
        body, tail = text[:cut], text[cut:].lstrip(", ")
    sides, relations, positions = [], [], []
    at = depth = 0
    scan = 0
    while (match := _PIECES.search(body, scan)) is not None:
        token = match[0]
        scan = match.end()
        if token in ("{", "(", "[", r"\{"):
            depth += 1
        elif token in ("}", ")", "]", r"\}"):
            depth -= 1
        elif (inner := _INNER.match(token)) is not None:
            depth += 1 if inner[1] == "begin" else -1
        elif depth <= 0 and (match["over"] or match["word"] or match["sign"]):
            sides.append(body[at : match.start()])
            positions.append(at)
            relations.append(_JUDGED.get(match["over"] or match["word"] or match["sign"], ""))
            at = match.end()
    sides.append(body[at:])
    positions.append(at)
    plain = [_cleaned(side) for side in sides]
    starts = [offset + p + _lead(s) for p, s in zip(positions, sides, strict=True)]
    if relations and not plain[0].strip():  # a row that goes on from nothing
        plain, relations, starts = plain[1:], relations[1:], starts[1:]
    return Chain(text, tuple(plain), tuple(relations), _cleaned(tail), tuple(starts))


def _cut(text: str) -> int | None:
    """Return where the conditions behind a chain begin, outside of braces."""
    for match in _TAIL.finditer(text):
        before = text[: match.start()].replace(r"\{", "").replace(r"\}", "")
        if before.count("{") == before.count("}"):
            return match.start()
    return None


def _lead(text: str) -> int:
    match = SPACE.match(text)
    return match.end() if match else 0


def _cleaned(text: str) -> str:
    """Return a side without alignment, environments, labels and a final full stop; LaTeX stays LaTeX."""
    plain = without_typesetting(text)
    parts, at = [], 0
    while at < len(plain):
        space = SPACE.match(plain, at)
        if space is not None:
            parts.append(" ")
            at = space.end()
        elif plain[at] == "\\":
            match = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL).match(plain, at)
            parts.append(match[0] if match else plain[at])
            at = match.end() if match else at + 1
        else:
            parts.append(plain[at])
            at += 1
    return " ".join("".join(parts).split())
