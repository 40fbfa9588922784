"""What a minimisation returns: the value with its proof, and minimisers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, TypeAlias, Unpack

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Network
from exactdropout.model.numbers import format_rational
from exactdropout.notation.document import document, table
from exactdropout.notation.network_picture import plot_network
from exactdropout.notation.numbers import number_latex, value_text, vector_latex
from exactdropout.notation.page import table_html
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.optimum.every_width import EveryWidth, bounds_for_every_width
from exactdropout.optimum.reduced_problem import ReducedProblem
from exactdropout.optimum.unit_types import Arrangement, Vector

__all__ = ["Leaf", "Minimiser", "Optimum", "Proof", "ProofCut", "Split", "Unit", "joined_pattern"]


NARROW = 60
"""Letters of a line below which minimisers are a list: a table has about that many."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Equal hidden units of a minimiser, up to the rescaling a_j relu(w_j·x) = s_j relu(c_j·x).

    ``weights`` is c_j for the inputs, times the factor 1 − q₀ that makes it a weight of the network with output weight
    ±1, and ``bias`` its bias (None without hidden biases). The response on the masked inputs is the same in every
    minimiser of this kind; ``unique`` says whether it determines c_j. Where it does not, the admissible c_j are the
    polyhedron c·u = response(u) where that is positive and c·u ≤ 0 elsewhere, and ``weights`` is one point of it.
    """

    sign: int
    weights: Vector
    bias: Fraction | None
    multiplicity: int
    unique: bool

    @property
    def pattern(self) -> str:
        """Signs of the output weight, of the input weights and of the bias, for example ``+(+-|-)``."""
        inputs = "".join(_sign(w) for w in self.weights)
        return f"{_sign(self.sign)}({inputs}{'' if self.bias is None else '|' + _sign(self.bias)})"


def _sign(value: int | Fraction) -> str:
    return "+" if value > 0 else "-" if value < 0 else "0"


def joined_pattern(units: Iterable[tuple[str, int]]) -> str:
    """Return patterns of units with multiplicities as one text.

    >>> joined_pattern([("-(+)", 1), ("+(+)", 2), ("-(+)", 1)])
    '2x+(+) 2x-(+)'
    """
    count: Counter[str] = Counter()
    for pattern, multiplicity in units:
        count[pattern] += multiplicity
    return " ".join(f"{count[pattern]}x{pattern}" for pattern in sorted(count)) or "all weights zero"


@dataclass(frozen=True, kw_only=True)
class Minimiser:
    """One minimiser up to rescaling, permuting units and permuting inputs that the data does not tell apart."""

    units: tuple[Unit, ...]
    output_bias: Fraction
    network: Network

    @property
    def pattern(self) -> str:
        """The sign patterns of the units with their multiplicities, sorted, equal ones counted together.

        It does not depend on the order of units, of equivalent inputs or of the examples, nor on positive scales of
        the inputs: of minimisers that permutations of equivalent inputs map to each other the one with the first
        pattern is listed, and of weights that the response leaves open those of least norm.
        """
        return joined_pattern((u.pattern, u.multiplicity) for u in self.units)


@dataclass(frozen=True, kw_only=True)
class ProofCut:
    """A dual cut: z on the points, and the witnesses h of the types that need one."""

    residual: Vector
    witnesses: tuple[tuple[int, Vector], ...]


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A leaf of the proof tree: the cut that bounds it."""

    cut: int


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split of a group: part, then children (low, high, orbit, node) that cover 0 … capacity."""

    group: int
    part: tuple[int, ...]
    children: tuple[tuple[int, int, bool, Split | Leaf], ...]


Tree: TypeAlias = Split | Leaf


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Everything a checker needs: the statement lower ≤ min J_D ≤ upper, a network that attains upper, cuts and tree.

    ``units`` are the reduced variables (s_j, c_j) of one network, one entry per unit that is not zero. ``ordered``:
    types are those of c_1 ≥ … ≥ c_k alone, for one unit on exchangeable inputs.
    """

    problem: ReducedProblem
    lower: Fraction
    upper: Fraction
    units: tuple[tuple[int, Vector], ...]
    output_bias: Fraction
    cuts: tuple[ProofCut, ...]
    tree: Tree
    ordered: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class Optimum:
    """The global minimum of the dropout criterion over all weights of one architecture.

    ``lower`` ≤ min J_D ≤ ``upper``, both exact and proved by ``proof``; ``status`` is ``"certified"`` when they are
    equal (then ``value`` is the minimum) and ``"interval"`` when time ran out. ``network`` attains ``upper``.

    ``minimisers`` are what the search found in the leaves of its tree that touch the minimum, up to rescaling and
    permuting units and equivalent inputs; ``leaves_exhausted`` says that it went through each of those leaves to the
    end. ``write_certificate`` then writes a proof that there are no others.

    ``nonnegative`` is the optimum under non-negative weights (None when this is that problem already, or when the
    comparison was not asked for); ``needs_negative_weight`` says whether every minimiser has a negative weight: None
    where the proved intervals do not decide it. ``infinite_width`` is inf over n of the minimum, which no finite width
    attains when it is below ``value``; None where time ran out before it was found, and where one unit was
    taken with its weights in order (beyond 100,000 cones). ``nodes`` counts relaxations, ``seconds`` is wall time.
    """

    lower: Fraction
    upper: Fraction
    minimisers: tuple[Minimiser, ...]
    leaves_exhausted: bool
    network: Network
    infinite_width: Fraction | None
    nonnegative: Optimum | None
    proof: Proof
    nodes: int
    seconds: float

    @property
    def status(self) -> Literal["certified", "interval"]:
        """Whether the minimum is known exactly."""
        return "certified" if self.lower == self.upper else "interval"

    @property
    def value(self) -> Fraction | None:
        """The exact minimum, None where only an interval is proved."""
        return self.upper if self.lower == self.upper else None

    @property
    def needs_negative_weight(self) -> bool | None:
        """Whether every minimiser uses a negative weight; biases may have any sign."""
        if self.proof.problem.nonnegative:
            return False
        if self.nonnegative is None:
            return None
        if self.nonnegative.lower > self.upper:
            return True
        return False if self.nonnegative.upper == self.lower else None

    @cached_property
    def every_width(self) -> EveryWidth:
        """Bounds on the minimum for every width of this layer at once, proved and rational.

        J_∞ + A/(n + B) ≤ J_n ≤ J_∞ + A′/(n − m); A and A′ are close to the limit of n (J_n − J_∞). Computed when it is
        asked for: all cones once more and one relaxation.

        Raises:
            InvalidInput: the minimum over non-negative weights.
            CostLimitExceeded: one unit was taken with its weights in order, because there are too many cones.

        >>> from exactdropout import Examples, minimize
        >>> minimize("2-3-1 relu, no biases", Examples.point((1, 1), 1), "1/2").every_width
        EveryWidth(J_n - 1/4 from about 1.199759/(n + 1.933) to 1.199763/(n - 3))
        """
        if self.proof.ordered:
            raise CostLimitExceeded(
                "Bounds for every width were not started: they need all cones of a unit, and those with weights in "
                "order alone were listed."
            )
        return bounds_for_every_width(Arrangement(self.proof.problem, math.inf))

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the proved value and a booktabs table of the minimisers.

        With ``width`` below 60, such as ``width=45`` for a page of two columns, a list in place of the table.
        """
        return _optimum_latex(self, styled(style, options))

    def plot(self, axes: Any = None) -> Any:
        """Draw the network of the first minimiser on Matplotlib axes, new ones or those given, and return them.

        Raises:
            InvalidInput: no minimiser is known.
            MissingExtra: Matplotlib is not installed.
        """
        if not self.minimisers:
            raise InvalidInput("Argument 'optimum' must have a minimiser to be drawn; an interval alone was proved.")
        on = plot_network(self.minimisers[0].network, axes)
        value = number_latex(self.upper).replace(r"\approx", r"\approx ")
        sign = "=" if self.lower == self.upper else r"\leq"
        more = len(self.minimisers) - 1
        on.set_title(
            f"$\\min\\, J_D {sign} {value}$" + (f" (one of {more + 1} minimisers)" if more else ""), fontsize=10
        )
        return on

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {_value_latex(self)}$"

    def _repr_html_(self) -> str:
        return _optimum_html(self)

    def __repr__(self) -> str:
        """Return a short description."""
        patterns = f", patterns={[m.pattern for m in self.minimisers]}" if self.minimisers else ""
        if self.status == "certified":
            return f"Optimum(value={format_rational(self.upper)}, certified{patterns})"
        return f"Optimum(lower={format_rational(self.lower)}, upper={format_rational(self.upper)}, interval)"


def _value_latex(optimum: Optimum) -> str:
    """Return the proved statement as a formula."""
    if optimum.lower == optimum.upper:
        return rf"\min_W J_D = {number_latex(optimum.upper)}"
    return rf"{number_latex(optimum.lower)} \le \min_W J_D \le {number_latex(optimum.upper)}"


def _optimum_html(optimum: Optimum) -> str:
    """Return the value and a row for each unit of each minimiser that is listed."""
    words = {True: "yes", False: "no", None: "not decided"}
    if optimum.value is None:
        value = f"between {value_text(optimum.lower)} and {value_text(optimum.upper)}"
    else:
        value = value_text(optimum.value)
    rows = [["minimum of the criterion, proved", value]]
    if optimum.infinite_width is not None:
        rows.append(["infimum over all widths", value_text(optimum.infinite_width)])
    if optimum.nonnegative is not None:
        rows.append(["non-negative weights", value_text(optimum.nonnegative.upper)])
        rows.append(["every minimiser has a negative weight", words[optimum.needs_negative_weight]])
    units = []
    for number, minimiser in enumerate(optimum.minimisers, 1):
        for unit in minimiser.units:
            bias = "" if unit.bias is None else format_rational(unit.bias)
            weights = ", ".join(map(format_rational, unit.weights))
            units.append([str(number), str(unit.multiplicity), _sign(unit.sign), weights, bias])
    shown = table_html(["quantity", "value"], rows, title="Global minimum")
    if not units:
        return shown
    head = ["minimiser", "units", "output sign", "input weights", "bias"]
    return shown + table_html(head, units, title="Minimisers, up to rescaling and symmetry", count=len(units))


def _listed(optimum: Optimum) -> str:
    """Return the minimisers as a list whose lines may be broken between the numbers."""
    items = []
    for minimiser in optimum.minimisers:
        parts = []
        for unit in minimiser.units:
            weights = ", ".join(f"${number_latex(w)}$" for w in unit.weights)
            bias = "" if unit.bias is None else f" and bias ${number_latex(unit.bias)}$"
            count = f"{unit.multiplicity} units" if unit.multiplicity > 1 else "one unit"
            parts.append(f"{count} with output weight ${'+' if unit.sign > 0 else '-'}1$, weights ({weights}){bias}")
        parts.append(f"output bias ${number_latex(minimiser.output_bias)}$")
        items.append(rf"\item {'; '.join(parts)}.")
    return "\n".join([r"\begin{enumerate}\raggedright", *items, r"\end{enumerate}"])


def _optimum_latex(optimum: Optimum, style: Style) -> str:
    """Return the value and a table of the minimisers, unit by unit."""
    rows = []
    for number, minimiser in enumerate(optimum.minimisers, 1):
        bias = f"${number_latex(minimiser.output_bias)}$"
        if not minimiser.units:
            rows.append([str(number), "---", "---", "---", "---", bias])
        for place, unit in enumerate(minimiser.units):
            first = place == 0
            rows.append([
                str(number) if first else "", str(unit.multiplicity), "$+1$" if unit.sign > 0 else "$-1$",
                f"${vector_latex(unit.weights)}$", "---" if unit.bias is None else f"${number_latex(unit.bias)}$",
                bias if first else "",
            ])  # fmt: skip
    head = ["minimiser", "units", "output weight", "weights", "bias", "output bias"]
    narrow = style.width is not None and style.width < NARROW
    value = _value_latex(optimum)
    environment = "equation*" if style.environment == "none" else style.environment
    lines = [f"\\begin{{{environment}}}\n{value}\n\\end{{{environment}}}"]
    if rows:
        found = "the search found no others" if optimum.leaves_exhausted else "there may be others"
        lines.append(f"Minimisers, up to rescaling and permuting units ({found}):\\par\\smallskip")
        lines.append(_listed(optimum) if narrow else table(head, rows, "rrrlll"))
    shown = "\n".join(lines)
    return document(shown) if style.standalone else shown
