"""What authors write beyond the grammar of the engines: norms, matrices, sums without a range, means of expressions.

:mod:`exactdropout.claims.reading` writes each of them out for an architecture, or refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from exactdropout.claims.language.syntax import Comparison, Derivative, Limit, Statement

__all__ = [
    "FORMS",
    "Binomial",
    "Definition",
    "Diagonal",
    "Entry",
    "Form",
    "Hadamard",
    "IndexRange",
    "Inner",
    "Mean",
    "Norm",
    "RawClaim",
    "Trace",
    "Transposed",
    "Unranged",
]


@dataclass(frozen=True)
class _Form:
    position: int = field(default=0, compare=False, kw_only=True, repr=False)


@dataclass(frozen=True)
class Norm(_Form):
    """‖z‖: Euclidean, Frobenius ("F") or of sum of absolute values ("1")."""

    operand: Any
    kind: Literal["", "2", "F", "1"]


@dataclass(frozen=True)
class Transposed(_Form):
    """A transposed vector or matrix."""

    operand: Any


@dataclass(frozen=True)
class Entry(_Form):
    """An entry of a vector or matrix in parentheses, as in (W x)_j."""

    operand: Any
    indices: tuple[Any, ...]


@dataclass(frozen=True)
class Hadamard(_Form):
    """The product by entries; ``grouped`` where parentheses stand around it."""

    left: Any
    right: Any
    grouped: bool = False


@dataclass(frozen=True)
class Inner(_Form):
    """⟨a, b⟩."""

    left: Any
    right: Any


@dataclass(frozen=True)
class Diagonal(_Form):
    """The diagonal matrix of a vector."""

    operand: Any


@dataclass(frozen=True)
class Trace(_Form):
    """The trace of a matrix."""

    operand: Any


@dataclass(frozen=True)
class Unranged(_Form):
    """A sum or product over indices whose range is left to the reader: sum_i, sum_{i != j}, sum_{i < j}."""

    kind: Literal["sum", "product"]
    indices: tuple[str, ...]
    relation: Literal["", "!=", "<"]
    first: Any
    last: Any
    body: Any


@dataclass(frozen=True)
class Mean(_Form):
    """The mean or the variance over masks of an expression in D, or in masks r_i."""

    kind: Literal["mean", "variance"]
    body: Any


@dataclass(frozen=True)
class Binomial(_Form):
    """A binomial coefficient."""

    top: Any
    bottom: Any


Form: TypeAlias = (
    Norm | Transposed | Entry | Hadamard | Inner | Diagonal | Trace | Unranged | Mean | Binomial | Derivative | Limit
)
FORMS = (Norm, Transposed, Entry, Hadamard, Inner, Diagonal, Trace, Unranged, Mean, Binomial, Derivative, Limit)


@dataclass(frozen=True)
class Definition:
    """A named intermediate: z_j = …, with its indices as letters."""

    name: str
    indices: tuple[str, ...]
    value: Any
    position: int = 0


@dataclass(frozen=True)
class IndexRange:
    """j = 1, …, n behind what is said of entries with the index j."""

    index: str
    first: Any
    last: Any
    position: int = 0


@dataclass(frozen=True)
class RawClaim:
    """A claim as it stands in the text, before it is written out for an architecture."""

    statement: Statement
    assumptions: tuple[Comparison, ...]
    definitions: tuple[Definition, ...]
    ranges: tuple[IndexRange, ...]
    text: str
