"""Text with formulas between dollars, as the theorems write it, turned into LaTeX or HTML."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

from exactdropout.notation.style import GREEK_LETTERS

__all__ = ["html_text", "latex_text", "split_formulas"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
    "−": r"$-$",
    "·": r"$\cdot$",
    "∘": r"$\circ$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "≠": r"$\ne$",
    "≈": r"$\approx$",
    "→": r"$\to$",
    "∞": r"$\infty$",
    "Σ": r"$\Sigma$",
    "∏": r"$\prod$",
    "√": r"$\sqrt{\ }$",
    "×": r"$\times$",
    "½": r"$\tfrac12$",
    "ᵀ": r"$^{\mathsf T}$",
    "⁻": r"$^{-}$",
    "\u2013": "--",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u2026": r"\dots{}",
    "\u00a0": "~",
    "'": "'",
}
_GREEK = {letter: name for name, letter in GREEK_LETTERS.items()} | {"φ": "varphi"}
_SUBSCRIPTS = {chr(0x2080 + d): f"$_{{{d}}}$" for d in range(10)}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", (f"$^{{{d}}}$" for d in range(10)), strict=True))


def split_formulas(text: str) -> list[tuple[str, bool]]:
    """Return the pieces of a text with a flag that marks formulas; an unpaired dollar is plain text.

    >>> split_formulas("so $x = 1$.")
    [('so ', False), ('x = 1', True), ('.', False)]
    """
    parts = re.split(r"(?<!\\)\$", text)
    if len(parts) % 2 == 0:
        parts[-2:] = ["$".join(parts[-2:])]
    return [(part, bool(index % 2)) for index, part in enumerate(parts) if part]


def _latex_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _GREEK:
        return rf"$\{_GREEK[character]}$"
    if character in _SUBSCRIPTS or character in _SUPERSCRIPTS:
        return {**_SUBSCRIPTS, **_SUPERSCRIPTS}[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if character in "äöüÄÖÜßéèêëáàâíìîóòôúùûñçÉÈÇøåæŁłőű":
        return character  # letters that TeX builds from an accent
    base = unicodedata.normalize("NFKD", character)
    if base.isascii() and base.isprintable() and base:
        return "".join(_SPECIAL.get(c, c) for c in base)
    return rf"\texttt{{U+{ord(character):04X}}}"  # never a missing glyph


def latex_text(text: str) -> str:
    """Return LaTeX for a text with formulas between dollars; every other character is escaped.

    >>> latex_text("50% of $x_1$")
    '50\\\\% of $x_1$'
    """
    return "".join(
        f"${part}$" if formula else "".join(map(_latex_character, part)) for part, formula in split_formulas(text)
    )


def html_text(text: str, formula: Callable[[str], str]) -> str:
    """Return HTML for a text with formulas, each turned into markup by ``formula``."""
    return "".join(formula(part) if is_formula else html.escape(part) for part, is_formula in split_formulas(text))
