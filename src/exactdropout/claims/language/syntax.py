"""The syntax tree of a claim; positions do not count in comparisons, so that printing and parsing is a round trip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, Unpack

from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.notation.tree import (
    Add,
    Call,
    Divide,
    Expression,
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
    "Divide",
    "Expression",
    "Invariance",
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
    "nested_exponents",
    "rebuilt",
    "walk",
]

QUANTITIES = ("criterion", "risk", "penalty", "mean", "variance", "second_moment", "output")
"""What a claim can be about: J_D, R, J_D − R, E D, Var D, E D², W(x)."""

Relation: TypeAlias = Literal["=", "!=", "<=", "<", ">=", ">"]
Direction: TypeAlias = Literal["nondecreasing", "nonincreasing", "increasing", "decreasing", "constant"]
Assignment: TypeAlias = tuple[Name, Expression]


@dataclass(frozen=True)
class Comparison:
    """``sides[0] relations[0] sides[1] relations[1] …``."""

    sides: tuple[Expression, ...]
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class Monotonicity:
    """An expression is monotone, or constant, in one variable."""

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


Statement: TypeAlias = Comparison | Monotonicity | Invariance | Minimiser


@dataclass(frozen=True)
class Claim:
    """A statement under assumptions; everything free in it is universally quantified."""

    statement: Statement
    assumptions: tuple[Comparison, ...] = ()
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Return the claim in the text form of the grammar."""
        from exactdropout.claims.printing import claim_text

        return claim_text(self)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the claim as LaTeX, in one line by default; ``style`` and ``options`` as for a formula.

        In the default style the parser reads it back to an equal claim.
        """
        from exactdropout.claims.printing import aligned_latex
        from exactdropout.notation.document import display, document

        chosen = styled(style, options)
        shown = aligned_latex(self, display(chosen))
        return document(shown) if chosen.standalone else shown

    def mathml(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a MathML ``math`` element of an equation or inequality."""
        from exactdropout.claims.printing import claim_mathml

        return claim_mathml(self, styled(style, options))
