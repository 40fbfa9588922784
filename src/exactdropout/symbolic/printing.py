"""Derived formulas in LaTeX, MathML and text, in the style of the caller's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactdropout.errors import InvalidInput
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import QUANTITY_LATEX, breakable, equation_latex
from exactdropout.notation.mathml import equation_mathml
from exactdropout.notation.names import check_apart, symbol_name
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Expression
from exactdropout.symbolic.ring.from_sympy import tree

if TYPE_CHECKING:
    from exactdropout.symbolic.criterion.formula import Formula

__all__ = ["MAX_TERMS", "formula_latex", "formula_mathml", "formula_text", "formula_tree"]

MAX_TERMS = 20_000
"""Longer formulas are no longer read by anybody; their code is what one wants."""


def formula_tree(formula: Formula, style: Style) -> Expression:
    """Return the tree that is printed: the SymPy expression term by term, long numerators taken out of fractions.

    Raises:
        InvalidInput: a symbol that has no printable name, two symbols under one name, too many terms.
    """
    if formula.size > MAX_TERMS:
        raise InvalidInput(
            f"Argument 'formula' must have at most {MAX_TERMS} terms to be printed, not {formula.size}; use its code."
        )
    check_apart((str(s) for s in formula.symbols), style)
    return breakable(tree(formula.expr, symbol_name, argument="formula"), style)


def formula_latex(formula: Formula, style: Style, left: str | None = None) -> str:
    """Return LaTeX; ``left`` is the name of a quantity such as ``"penalty"``, or LaTeX, or None."""
    shown = equation_latex(_left(left), formula_tree(formula, style), display(style))
    return document(shown) if style.standalone else shown


def formula_mathml(formula: Formula, style: Style, left: str | None = None) -> str:
    """Return a ``math`` element in display style; ``left`` is the name of a quantity or None."""
    return equation_mathml(left, formula_tree(formula, style), style)


def formula_text(formula: Formula, style: Style) -> str:
    """Return plain text in the grammar of claims."""
    return expression_text(formula_tree(formula, style), style)


def _left(left: str | None) -> str | None:
    return None if left is None else QUANTITY_LATEX.get(left, left)
