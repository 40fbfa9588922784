"""Claims as text and as LaTeX; the parser reads both back to an equal tree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exactdropout.claims.syntax import Claim, Comparison, Invariance, Minimiser, Monotonicity
from exactdropout.notation.latex import equation_latex, expression_latex
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text

__all__ = ["aligned_latex", "claim_latex", "claim_text", "expression_latex", "expression_text"]

_RELATIONS = {"=": "=", "!=": r"\ne", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}
_PLAIN = Style()


def claim_text(claim: Claim) -> str:
    """Return the text form."""
    return _claim(claim, latex=False)


def claim_latex(claim: Claim, style: Style = _PLAIN) -> str:
    """Return the LaTeX form in one line."""
    return _claim(claim, latex=True, style=style)


def _claim(claim: Claim, *, latex: bool, style: Style = _PLAIN) -> str:
    def shown(node: Any) -> str:
        return expression_latex(node, style) if latex else expression_text(node, style)

    def words(text: str) -> str:
        return rf" \text{{ {text} }} " if latex else f" {text} "

    def comparison(node: Comparison) -> str:
        parts = [shown(node.sides[0])]
        for relation, side in zip(node.relations, node.sides[1:], strict=True):
            parts += [_RELATIONS[relation] if latex else relation, shown(side)]
        return " ".join(parts)

    def pairs(items: Any, between: str) -> str:
        return ", ".join(f"{shown(a)} {between} {shown(b)}" for a, b in items)

    statement = claim.statement
    if isinstance(statement, Comparison):
        text = comparison(statement)
    elif isinstance(statement, Monotonicity):
        where = shown(statement.variable)
        text = shown(statement.expression) + words(f"is {statement.direction} in") + where
    elif isinstance(statement, Invariance):
        arrow = r"\to" if latex else "->"
        text = shown(statement.expression) + words("is invariant under") + pairs(statement.map, arrow)
    else:
        assert isinstance(statement, Minimiser)
        text = pairs(statement.assignments, "=") + words("is a minimiser of")
        text += shown(statement.expression)
    if claim.assumptions:
        text += words("if") + ", ".join(map(comparison, claim.assumptions))
    return " ".join(text.split())


def aligned_latex(claim: Claim, width: int = 90, style: Style = _PLAIN) -> str:
    """Return an equation or inequality with its last side broken into aligned lines (``split``).

    ``width`` counts printed letters. The parser reads the result back to the same claim.
    """
    statement = claim.statement
    if not isinstance(statement, Comparison) or len(statement.sides) != 2 or claim.assumptions:
        return claim_latex(claim, style)
    left, right = statement.sides
    relation = _RELATIONS[statement.relations[0]]
    return equation_latex(expression_latex(left, style), right, replace(style, width=width), relation)
