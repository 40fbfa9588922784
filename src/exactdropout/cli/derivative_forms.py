"""Derivatives of ``exactdropout derive`` as source text and MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from exactdropout.notation.mathml import derivative_mathml, equation_mathml
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Name

__all__ = ["formula_forms"]


def formula_forms(
    formulas: Mapping[str, Any],
    content: Mapping[str, Any],
    names: Mapping[str, Name],
    language: str | None,
    style: Style,
) -> dict[str, dict[str, str]]:
    """Return code in a language, or MathML, of each formula by the name of its function.

    ``content`` holds the derivatives as they are printed, ``names`` the tree of each weight by its text.
    """
    shown = {}
    for name, quantity, by, formula in _named(formulas, content, names, style):
        if language is not None:
            shown[name] = {"code": formula.code(language, name)}
        elif by:
            shown[name] = {"mathml": derivative_mathml(quantity, by, formula.tree(style), style)}
        else:
            shown[name] = {"mathml": equation_mathml(quantity, formula.tree(style), style)}
    return shown


def _named(
    formulas: Mapping[str, Any], content: Mapping[str, Any], names: Mapping[str, Name], style: Style
) -> Iterator[tuple[str, str, list[Name], Any]]:
    """Yield the name of a function, the quantity, what it is differentiated by, and the formula."""
    for name, formula in formulas.items():
        yield name, name, [], formula
    for kind, word, places in (("gradient", "d", ("parameter",)), ("hessian", "d2", ("row", "column"))):
        found = content.get(kind, {})
        for entry in found.get("entries", ()):
            by = [names[entry[place]] for place in places]
            plain = "".join(f"_d_{_word(expression_text(parameter, Style()))}" for parameter in by)
            yield f"{word}_{found['quantity']}{plain}", found["quantity"], by, entry.formula
    for name, forms in content.get("derivative_q", {}).items():
        yield f"d_{name}_d_q", name, [Name("q")], forms.formula


def _word(text: str) -> str:
    """Return W_1_1_2 for W[1][1,2]."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
