r"""The macros that a document defines, as plain text that is put in: nothing is executed.

Read are \newcommand, \renewcommand, \providecommand, \DeclareMathOperator and \def without arguments, outside of
groups, with bodies that put text together and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exactdropout.errors import InvalidInput

__all__ = ["Macro", "closing_brace", "expanded", "macros_of"]

MAX_MACROS = 500
MAX_BODY = 2_000
MAX_EXPANSIONS = 2_000
MAX_EXPANDED = 100_000
_DEFINES = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand)\*?\s*(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))\s*(?:\[([0-9])\]\s*(\[[^\[\]]*\])?)?"
    r"\s*(?=\{)|\\(DeclareMathOperator)\*?\s*(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))\s*(?=\{)|\\def\s*\\([A-Za-z]+)\s*(?=\{)"
)
_TRICKS = re.compile(
    r"\\(?:def|edef|gdef|xdef|let|csname|expandafter|catcode|input|include|write|read|open[io]n?|if[A-Za-z]*|else|fi|loop|"
    r"newcommand|renewcommand|special|immediate|directlua|noexpand|the|count|advance|futurelet|ensuremath@)(?![A-Za-z])"
)


@dataclass(frozen=True)
class Macro:
    """A macro: how many arguments it takes, the default of the first, and its body; ``tricks`` where it is not read."""

    name: str
    position: int
    arguments: int
    default: str | None
    body: str
    tricks: bool = False


def closing_brace(text: str, start: int) -> int | None:
    """Return where the brace that opens at ``start`` closes; None where it does not."""
    depth = 0
    at = start
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 2
            continue
        depth += (letter == "{") - (letter == "}")
        if not depth:
            return at
        at += 1
    return None


def macros_of(text: str) -> list[Macro]:
    """Return the macros that a text without comments defines, in order."""
    found = []
    for match in _DEFINES.finditer(text):
        end = closing_brace(text, match.end())
        name = next(filter(None, (match[k] for k in (1, 2, 6, 7, 8))), "")
        if end is None or not name:
            continue
        body = " ".join(text[match.end() + 1 : end].split())
        count = int(match[3] or 0)
        known = all(int(digit) <= count for digit in re.findall(r"#([0-9])", body)) and not re.search(
            r"#(?![1-9])", body
        )
        tricks = bool(_TRICKS.search(body)) or not known or len(body) > MAX_BODY or _depth(text, match.start()) > 0
        if match[5]:
            body = rf"\operatorname{{{body}}}"
        default = match[4][1:-1] if match[4] else None
        found.append(Macro(name, match.start(), count, default, body, tricks))
        if len(found) > MAX_MACROS:
            raise InvalidInput(f"Argument 'text' defines more than {MAX_MACROS} macros.")
    return found


def _depth(text: str, position: int) -> int:
    before = text[:position].replace(r"\{", "").replace(r"\}", "").replace("\\\\", "")
    return before.count("{") - before.count("}")


def expanded(text: str, macros: Mapping[str, Macro]) -> str:
    """Return the text with macros put in, and every line break outside of them kept.

    Raises:
        InvalidInput: a macro that is not read, too few arguments, or a macro without an end.
    """
    steps = 0
    at = 0
    while True:
        match = re.compile(r"\\([A-Za-z]+)").search(text, at)
        if match is None:
            return text
        macro = macros.get(match[1])
        if macro is None:
            at = match.end()
            continue
        if macro.tricks:
            raise InvalidInput(f"the macro \\{macro.name} is not expanded, since its definition is more than text.")
        steps += 1
        if steps > MAX_EXPANSIONS or len(text) > MAX_EXPANDED:
            raise InvalidInput(f"the macro \\{macro.name} has no end: {MAX_EXPANSIONS} expansions are the limit.")
        values, end = _arguments(text, match.end(), macro)
        body = _filled(macro.body, values)
        lines = text[match.start() : end].count("\n")
        gap = " " if body[-1:].isalpha() and text[end : end + 1].isalpha() else ""
        text = text[: match.start()] + body + gap + "\n" * max(0, lines - body.count("\n")) + text[end:]
        at = match.start()


def _filled(body: str, values: list[str]) -> str:
    return re.sub(r"#([1-9])", lambda m: values[int(m[1]) - 1], body)


def _arguments(text: str, at: int, macro: Macro) -> tuple[list[str], int]:
    values: list[str] = []
    if macro.default is not None:
        option = re.compile(r"\s*\[([^\[\]]*)\]").match(text, at)
        values.append(option[1] if option else macro.default)
        at = option.end() if option else at
    while len(values) < macro.arguments:
        space = re.compile(r"\s*").match(text, at)
        at = space.end() if space else at
        end = closing_brace(text, at) if text[at : at + 1] == "{" else None
        if end is not None:
            values.append(text[at + 1 : end])
            at = end + 1
        elif (single := re.compile(r"\\[A-Za-z]+|[^\\{}\s]").match(text, at)) is not None:
            values.append(single[0])
            at = single.end()
        else:
            raise InvalidInput(
                f"the macro \\{macro.name} has fewer arguments than the {macro.arguments} that it takes."
            )
    return values, at
