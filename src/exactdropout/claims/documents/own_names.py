r"""Names that a document gives to what it defines, where the grammar has no letter for them: \mathcal{L}(w), f(x).

Each gets a letter that stands nowhere in the document, by which its formulas are read: \ell(w) - y becomes \tau - y.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from exactdropout.claims.language import words

__all__ = ["OwnName", "own_name", "with_letters"]

_SIZE = r"(?:\\(?:left|right|[bB]ig+[lr]?)(?![A-Za-z])\s*)?"
_SPACE = r"(?:\s|~|\\[,;:! ])*"
_NAME = re.compile(
    r"(?P<core>\\(?:mathcal|mathscr|mathfrak|mathbf|bm|boldsymbol|hat|widehat|tilde|widetilde|bar|overline|dot)\s*"
    r"(?:\{\s*(?:[A-Za-z]|\\[A-Za-z]+)\s*\}|[A-Za-z](?![A-Za-z])|\\[A-Za-z]+)|\\[A-Za-z]+|[A-Za-z])"
    r"(?P<index>\s*_\s*(?:[A-Z0-9]|\{\s*(?:[A-Z]|[0-9]+)\s*\}|"
    r"\{?\s*\\(?:text|mathrm|operatorname|textrm|textnormal)\{[A-Za-z -]+\}\s*\}?))?"
    rf"(?P<arguments>{_SPACE}{_SIZE}\((?:[A-Za-z\\{{}}\s,;|]|_\{{?[0-9]+)*?{_SIZE}\))?\s*\Z"
)
_LETTERS = (*("tau", "mu", "nu", "gamma", "alpha", "beta"), *"AZUQCSMBevuct")
_TAKEN = frozenset({"D", "E", "R", "P", "T", "r", "V", *words.OWN})
"""Letters that the grammar reads with arguments, or that mean a quantity, in every alphabet that it reads."""
_FUNCTIONS = frozenset({
    "relu", "leaky", "max", "min", "sqrt", "abs", "diag", "tr", "frac", "sum", "prod", "nabla", "partial", "lim",
    "infty", "dots", "ldots", "cdots", "quad", "qquad", "forall", "exists", "sin", "cos", "log", "exp", "sgn", "Var",
    "EE", "int",
})  # fmt: skip
_PARTS = re.compile(r"\\[A-Za-z]+|\\.|[^\s~]")


@dataclass(frozen=True)
class OwnName:
    """A name as the document writes it, the letter that it is read by, and where the name stands in a text."""

    written: str
    letter: str
    pattern: re.Pattern[str]
    alone: str

    @property
    def printed(self) -> str:
        """Return the letter as LaTeX has it."""
        return self.letter if len(self.letter) == 1 else f"\\{self.letter}"

    def occurs(self, text: str) -> bool:
        """Return whether a text speaks of what is named so, with any arguments."""
        return re.search(rf"(?<![A-Za-z\\]){self.alone}(?![A-Za-z])", text) is not None


def own_name(side: str, document: str, taken: Collection[str], before: Collection[OwnName] = ()) -> OwnName | None:
    r"""Return the name that the left side of a definition consists of, with a letter of its own; None where it is none.

    ``taken`` are letters that mean something else here. Where arguments stand behind a name, as in f(x), the name alone
    means the same; f with other arguments is not read, and gets no letter: what is said of it is a claim. ``before``
    are the names that were given so far.

    >>> found = own_name(r"\ell(a, V)", "", ())
    >>> with_letters(r"\ell( a,V ) - \ell^2 - \ell(0)", [found])
    ' \\tau  -  \\tau ^2 - \\ell(0)'
    """
    match = _NAME.match(side.strip())
    if match is None:
        return None
    core = "".join(re.findall(r"[A-Za-z]+", re.sub(r"^\\[a-z]+(?=[\s{\\])", "", match["core"])))
    plain = re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", match["core"]) is not None
    index = match["index"] or ""
    same_alphabet = plain or "\\math" in match["core"]
    if core in _FUNCTIONS or ("\\" not in index and same_alphabet and core in {*_TAKEN, *taken}):
        return None
    name = _pattern(match["core"] + index)
    alone = rf"(?![A-Za-z]|{_SPACE}{_SIZE}[(\['_]|{_SPACE}\^\s*\{{?\s*\()"
    whole = name + (_SPACE + _pattern(match["arguments"]) if match["arguments"] else "") + alone
    pattern = re.compile(
        rf"(?<![A-Za-z\\])(?:{whole}|{name}{alone})" if name[0] != "\\" else rf"(?:{whole}|{name}{alone})"
    )
    letter = next(
        (x for x in _LETTERS if not re.search(rf"(?<![A-Za-z]){x}(?![A-Za-z])", document) and x not in taken), None
    )
    if letter is None or any(name == known.alone for known in before):
        return None
    return OwnName(side.strip(), letter, pattern, name)


def with_letters(text: str, names: Collection[OwnName]) -> str:
    """Return the text with the letters of names in place of them."""
    for name in names:
        text = name.pattern.sub(f" {name.printed} ".replace("\\", r"\\"), text)
    return text


def _pattern(written: str) -> str:
    """Return a pattern of what is written; spaces, sizes of parentheses and braces around one sign do not matter."""
    text = re.sub(r"\\(?:left|right|[bB]ig+[lr]?)(?![A-Za-z])|\\[,;:! ]", " ", written)
    text = re.sub(r"(?<!text)(?<!mathrm)(?<!operatorname)\{\s*([A-Za-z0-9]|\\[A-Za-z]+)\s*\}", r" \1 ", text)
    found = []
    for part in _PARTS.findall(text):
        sign = re.escape(part)
        one = re.fullmatch(r"[A-Za-z0-9]|\\[A-Za-z]+", part) is not None
        found.append(rf"(?:{sign}|\{{\s*{sign}\s*\}})" if one else (_SIZE if part in "()" else "") + sign)
    return _SPACE.join(found)
