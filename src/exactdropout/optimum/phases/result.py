"""What the phases of an optimum are: pieces of q with one formula each, exact breakpoints, and what stayed open."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, Unpack

from exactdropout.algebra.algebraic import Algebraic, RationalFunction
from exactdropout.model import Architecture, Examples
from exactdropout.notation.document import document
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.page import latex_html, table_html
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.notation.tree import Name
from exactdropout.optimum.phases.cell_proof import CellProof
from exactdropout.optimum.result import Minimiser

__all__ = ["Cell", "Phases", "Piece", "UnitFamily"]


@dataclass(frozen=True, kw_only=True)
class UnitFamily:
    """Equal hidden units of a minimiser as functions of q, up to the rescaling a_j relu(w_j·x) = s_j relu(c_j·x).

    ``weights`` and ``bias`` (None without hidden biases) are those of a network with output weight ``sign``.
    """

    sign: int
    weights: tuple[RationalFunction, ...]
    bias: RationalFunction | None
    multiplicity: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One certified interval [lower, upper] ∩ (0, 1).

    The dual cuts of ``leaves`` leaves of the search tree at q = ``sample``, continued as rational functions of q, prove
    that nothing is below the piece's value on all of it. ``proof`` holds them where they were asked for.
    """

    lower: Algebraic
    upper: Algebraic
    sample: Fraction
    leaves: int
    proof: CellProof | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """An open interval of q on which one formula, proved for every q of it, gives the global minimum.

    ``value`` is the minimum of J_D, attained by the network of ``units`` and ``output_bias``; the signs of its weights
    are constant on the piece and are ``pattern``. ``needs_negative_weight`` says, for every q of the piece, whether
    every minimiser has a negative weight: None where that is not the same on the whole piece, or was not decided.
    ``minimisers`` are minimisers at q = ``sample``; ``leaves_exhausted`` says that the search there went through
    every leaf that touches the minimum.
    ``cells`` cover the piece: each is one proof.
    """

    lower: Algebraic
    upper: Algebraic
    value: RationalFunction
    units: tuple[UnitFamily, ...]
    output_bias: RationalFunction
    pattern: str
    sample: Fraction
    needs_negative_weight: bool | None
    minimisers: tuple[Minimiser, ...]
    leaves_exhausted: bool
    cells: tuple[Cell, ...]

    def __contains__(self, q: Fraction) -> bool:
        """Return whether a rational q lies strictly inside."""
        return self.lower < q and self.upper > q

    def __repr__(self) -> str:
        """Return a short description."""
        return f"Piece({self.lower} < q < {self.upper}: {self.pattern}, J = {self.value})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Phases:
    """The global minimum of the dropout criterion as a function of q in (0, 1), or ``between`` two numbers, in pieces.

    ``breakpoints`` are the numbers where two certified pieces meet: another formula, another sign pattern, or both.
    ``uncertified`` are the open intervals that no proof covers; nothing is claimed there. ``restricted`` says that only
    non-negative weights were admitted; ``nonnegative`` are the phases under that restriction, where they were asked
    for. ``seconds`` is wall time, ``solved`` the number of minimisations at single q.
    """

    architecture: Architecture
    data: Examples
    between: tuple[Fraction, Fraction]
    restricted: bool
    nonnegative: Phases | None
    pieces: tuple[Piece, ...]
    uncertified: tuple[tuple[Algebraic, Algebraic], ...]
    solved: int
    seconds: float

    @property
    def breakpoints(self) -> tuple[Algebraic, ...]:
        """The exact numbers at which two certified pieces meet, in order."""
        return tuple(a.upper for a, b in pairwise(self.pieces) if a.upper == b.lower)

    @property
    def complete(self) -> bool:
        """Whether every q in (0, 1), or in the interval asked for, is covered by a proof."""
        return not self.uncertified

    def piece(self, q: Fraction) -> Piece | None:
        """Return the piece whose closure holds q; None where nothing is certified."""
        return next((p for p in self.pieces if not (p.lower > q or p.upper < q)), None)

    def value(self, q: Fraction) -> Fraction | None:
        """Return the exact minimum at a rational q; None where nothing is certified."""
        found = self.piece(q)
        return None if found is None else found.value(q)

    def __repr__(self) -> str:
        """Return a short description."""
        at = ", ".join(str(b) for b in self.breakpoints)
        left = f", uncertified={[(str(a), str(b)) for a, b in self.uncertified]}" if self.uncertified else ""
        many = f"{len(self.pieces)} piece{'s' if len(self.pieces) != 1 else ''}"
        return f"Phases({self.architecture}, {many}, breakpoints=[{at}]{left})"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the optimal value by cases (``cases``); ends of degree 2 in roots, of higher degree in decimals."""
        return _phases_latex(self, styled(style, options))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        words = {True: "yes", False: "no", None: "not the same everywhere, or not decided"}
        rows: list[list[str]] = [
            [
                latex_html(p.lower.latex()), latex_html(p.upper.latex()), latex_html(p.value.latex()), p.pattern,
                words[p.needs_negative_weight],
            ]
            for p in self.pieces
        ]  # fmt: skip
        rows += [[latex_html(a.latex()), latex_html(b.latex()), "not certified", "", ""] for a, b in self.uncertified]
        kind = ", non-negative weights" if self.restricted else ""
        return table_html(
            [
                "q from",
                "to",
                "minimum of the criterion",
                "signs of a minimiser",
                "every minimiser has a negative weight",
            ],
            rows,
            title=f"{self.architecture}{kind}: the global minimum, proved for every q of each interval",
            count=len(rows),
        )

    def plot(self, axes: Any = None) -> Any:
        """Draw the pieces as a bar over q on Matplotlib axes, new ones or those given, and return them.

        Raises:
            MissingExtra: Matplotlib is not installed.
        """
        from exactdropout.optimum.phases.picture import draw

        return draw([self], axes)


def _phases_latex(phases: Phases, style: Style) -> str:
    """Return the optimal value as a function of q by cases; intervals without a proof are a case of their own."""
    q = expression_latex(Name("q"), style.inline())
    ranges = [(p.lower, p.upper, p.value.latex(q)) for p in phases.pieces]
    ranges += [(low, high, r"\text{not certified}") for low, high in phases.uncertified]
    ranges.sort(key=lambda r: r[0])
    rows = [f"{value}, & {low.latex()} < {q} < {high.latex()}" for low, high, value in ranges]
    shown = "\\min_W J_D = \\begin{cases}\n" + " \\\\[1ex]\n".join(rows) + "\n\\end{cases}"
    environment = "equation*" if style.standalone and style.environment == "none" else style.environment
    if environment != "none":
        shown = f"\\begin{{{environment}}}\n{shown}\n\\end{{{environment}}}"
    return document(shown) if style.standalone else shown
