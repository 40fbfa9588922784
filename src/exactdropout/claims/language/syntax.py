"""The syntax tree of a claim and its printed forms, text and LaTeX; the parser reads both back to an equal tree.

Positions do not count in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, Unpack

from exactdropout.errors import InvalidInput
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import breakable, equation_latex, expression_latex
from exactdropout.notation.mathml import comparison_mathml
from exactdropout.notation.style import Style, StyleOptions, check_free, styled
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import (
    Add,
    Call,
    Derivative,
    Divide,
    Expression,
    Limit,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    nested_exponents,
    rebuilt,
    walk,
)

__all__ = [
    "QUANTITIES",
    "Add",
    "Call",
    "Claim",
    "Comparison",
    "Conjunction",
    "Derivative",
    "Direction",
    "Divide",
    "Expression",
    "Invariance",
    "Limit",
    "Minimiser",
    "Monotonicity",
    "Multiply",
    "Name",
    "Negate",
    "Number",
    "Power",
    "Quantity",
    "Repeated",
    "Statement",
    "aligned_latex",
    "broken",
    "check_names_apart",
    "claim_latex",
    "claim_mathml",
    "claim_text",
    "expression_latex",
    "expression_text",
    "nested_exponents",
    "rebuilt",
    "walk",
]

QUANTITIES = ("criterion", "risk", "penalty", "mean", "variance", "second_moment", "output")
"""What a claim can be about: J_D, R, J_D − R, E D, Var D, E D², W(x)."""

Relation: TypeAlias = Literal["=", "!=", "<=", "<", ">=", ">"]
Direction: TypeAlias = Literal[
    "nondecreasing", "nonincreasing", "increasing", "decreasing", "constant", "convex", "concave"
]
Assignment: TypeAlias = tuple[Name, Expression]


@dataclass(frozen=True)
class Comparison:
    """``sides[0] relations[0] sides[1] relations[1] …``."""

    sides: tuple[Expression, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Monotonicity:
    """An expression is monotone, constant, convex or concave in one variable."""

    expression: Expression
    direction: Direction
    variable: Name


@dataclass(frozen=True)
class Invariance:
    """An expression keeps its value under a simultaneous map of weights, inputs, labels."""

    expression: Expression
    map: tuple[Assignment, ...]


@dataclass(frozen=True)
class Minimiser:
    """An expression is at its global minimum over the named weights where they have these values."""

    assignments: tuple[Assignment, ...]
    expression: Expression


@dataclass(frozen=True)
class Conjunction:
    """Several comparisons at once, each of them a statement about dropout."""

    statements: tuple[Comparison, ...]


Statement: TypeAlias = Comparison | Monotonicity | Invariance | Minimiser | Conjunction


@dataclass(frozen=True)
class Claim:
    """A statement under assumptions; everything free in it is universally quantified."""

    statement: Statement
    assumptions: tuple[Comparison, ...] = ()
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Return the claim in the text form of the grammar."""
        return claim_text(self)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the claim as LaTeX, in one line by default; ``style`` and ``options`` as for a formula.

        In the default style the parser reads it back to an equal claim.
        """
        chosen = styled(style, options)
        shown = aligned_latex(self, display(chosen))
        return document(shown) if chosen.standalone else shown

    def mathml(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a MathML ``math`` element of an equation or inequality."""
        return claim_mathml(self, styled(style, options))


_RELATIONS = {"=": "=", "!=": r"\ne", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}
_PLAIN = Style()


def claim_text(claim: Claim, style: Style = _PLAIN) -> str:
    """Return the text form, under the names of the style."""
    return _claim(claim, latex=False, style=style)


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
    elif isinstance(statement, Conjunction):
        text = words("and").join(map(comparison, statement.statements))
    else:
        assert isinstance(statement, Minimiser)
        text = pairs(statement.assignments, "=") + words("is a minimiser of")
        text += shown(statement.expression)
    if claim.assumptions:
        text += words("if") + ", ".join(map(comparison, claim.assumptions))
    return " ".join(text.split())


def broken(claim: Claim, style: Style) -> Claim:
    """Return an equation with long sums taken out of numerators on its right, where no line can be broken."""
    statement = claim.statement
    if not isinstance(statement, Comparison):
        return claim
    *first, last = statement.sides
    return Claim(Comparison((*first, breakable(last, style)), statement.relations), claim.assumptions)


def aligned_latex(claim: Claim, style: Style = _PLAIN) -> str:
    """Return a claim in a style: an equation or inequality with its last side broken into aligned lines.

    Assumptions follow, in lines of their own where there is no room; other statements stay in one line. The parser
    reads the result back to the same claim, where names are those of the grammar.

    Raises:
        InvalidInput: the names of the style make two symbols one.
    """
    check_names_apart(claim, style)
    statement = claim.statement
    if isinstance(statement, Comparison) and len(statement.sides) == 2:
        left, right = statement.sides
        relation = _RELATIONS[statement.relations[0]]
        conditions = [_claim(Claim(c), latex=True, style=style) for c in claim.assumptions]
        conditions = [text + "," * (k + 1 < len(conditions)) for k, text in enumerate(conditions)]
        if conditions:
            conditions[0] = rf"\text{{ if }} {conditions[0]}"
        return equation_latex(expression_latex(left, style), right, style, relation, conditions)
    shown, environment = claim_latex(claim, style), style.environment
    return shown if environment == "none" else f"\\begin{{{environment}}}\n{shown}\n\\end{{{environment}}}"


def claim_mathml(claim: Claim, style: Style = _PLAIN) -> str:
    """Return a ``math`` element in display style for a comparison with its assumptions.

    Raises:
        InvalidInput: another kind of statement; the names of the style make two symbols one.
    """
    check_names_apart(claim, style)
    if not isinstance(claim.statement, Comparison):
        raise InvalidInput("Argument 'claim' must be an equation or inequality to be printed in MathML.")
    parts = [comparison_mathml(c.sides, c.relations, style) for c in (claim.statement, *claim.assumptions)]
    conditions = "<mo>,</mo>".join(parts[1:])
    when = f"<mtext>&#xA0;if&#xA0;</mtext>{conditions}" if conditions else ""
    return f'<math display="block"><mrow>{parts[0]}{when}</mrow></math>'


def check_names_apart(claim: Claim, style: Style) -> None:
    """Refuse a style under which two symbols of the claim would look the same.

    Raises:
        InvalidInput: two symbols with one printed form, or a name that means something else.
    """
    seen: dict[Any, Name] = {}
    for node in walk((claim.statement, claim.assumptions)):
        if isinstance(node, Name):
            printed = style.printed(node.name)
            if printed != node.name:
                check_free(node.name, printed)
            other = seen.setdefault((printed, node.indices), node)
            if other.name != node.name:
                raise InvalidInput(
                    f"Argument 'names' must keep symbols apart, but {other.name} and {node.name} both become {printed}."
                )
        if isinstance(node, Repeated) and node.index in style.names.values():
            raise InvalidInput(f"Argument 'names' must not use {node.index}, which is the index of a sum.")
