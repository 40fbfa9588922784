"""Activation regions in weight space, with the criterion as a polynomial on each.

Where inputs and rates are numbers, the hinges relu(z) of a derivation cut the space of hidden weights into regions on
which every z keeps its sign; there the criterion is a polynomial in all weights. With one hidden layer the regions are
products of polyhedral cones, one for each unit, and the list is complete. In deeper networks the boundaries are no
hyperplanes: each sign pattern is listed with an exact interior point, excluded by an exact argument, or undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Unpack, overload

import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import QUANTITY_LATEX, measured
from exactdropout.notation.page import MOST_ROWS, Markup, block_html, latex_html, table_html
from exactdropout.notation.style import MIN_WIDTH, Style, StyleOptions, styled
from exactdropout.progress import Progress
from exactdropout.symbolic.criterion.formula import Formula, formula
from exactdropout.symbolic.criterion.problem import Problem
from exactdropout.symbolic.regions.search import Branch, Hinges, resolve
from exactdropout.symbolic.regions.sign_patterns import Component, Pattern
from exactdropout.symbolic.ring.ring import ReluPolynomial

if TYPE_CHECKING:
    from exactdropout.symbolic.regions.stationary import StationaryPoints

__all__ = ["Region", "Regions", "condition", "conditions_latex", "regions", "regions_latex"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Region:
    """An open region of weight space: a sign of every hinge, an interior point, and the polynomials on it.

    ``signs`` follows ``Regions.hinges`` (+1 on, −1 off, 0 for an argument that is 0 here); ``sample`` gives every
    weight that is a symbol; ``inequalities`` are polynomials that are > 0 on the region and nowhere else together,
    for one hidden layer without a redundant one.
    """

    signs: tuple[int, ...]
    sample: Mapping[sympy.Symbol, Fraction]
    inequalities: tuple[Formula, ...]
    _problem: Problem = field(repr=False)
    _branch: Branch = field(repr=False)

    @cached_property
    def criterion(self) -> Formula:
        """J_D on the region: no relu occurs."""
        loss = resolve(self._problem.loss, self._branch.known)
        return formula(self._problem.ring, [(loss,)], self._problem.loss_denominator)

    @cached_property
    def risk(self) -> Formula:
        """The risk on the region."""
        return formula(self._problem.ring, [(self._resolved_risk(),)], self._problem.ring.one)

    @cached_property
    def penalty(self) -> Formula:
        """J_D − risk on the region."""
        over = self._problem.loss_denominator
        loss = resolve(self._problem.loss, self._branch.known)
        return formula(self._problem.ring, [(loss - self._resolved_risk() * over,)], over)

    def stationary_points(self) -> StationaryPoints:
        """Return the stationary points of the criterion, in all weights that are symbols, inside the region.

        Solved for one hidden layer and one output, or output weights that are numbers, numbers everywhere else: see
        :mod:`exactdropout.symbolic.regions.stationary`. Each point is exact and inside, and every derivative vanishes
        there exactly. Otherwise the status is "not solved".
        """
        from exactdropout.symbolic.regions.stationary import StationaryPoints, stationary_points

        loss = resolve(self._problem.loss, self._branch.known)
        over = self._problem.loss_denominator.terms[()]
        if not over.is_constant():
            return StationaryPoints(status="not solved", reason="q is a symbol", points=())
        size = over.leading_coefficient()
        criterion = loss.terms.get((), self._problem.ring.context.constant(0))
        scale = Fraction(int(size.p), int(size.q))
        return stationary_points(self._problem, criterion, scale, self._branch.facets)

    def _resolved_risk(self) -> ReluPolynomial:
        if not self._problem.risk.atom_numbers() <= self._branch.known.keys():
            raise InvalidInput(
                "Argument 'quantity' must be 'penalty' for regions on which the risk is a polynomial too."
            )
        return resolve(self._problem.risk, self._branch.known)

    def contains(self, values: Mapping[Any, Any]) -> bool:
        """Return whether a point of weight space, by symbol or name, lies inside."""
        return all(f.evaluate(values) > 0 for f in self.inequalities)

    def __repr__(self) -> str:
        """Return the number of hinges that are on."""
        return f"<Region with {sum(s > 0 for s in self.signs)} of {len(self.signs)} hinges on>"


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Regions:
    """All regions that were found. ``complete`` says that these are all: ``undecided`` is then empty.

    ``hinges`` are the arguments z of all relu(z). ``undecided`` holds sign patterns (of the first hinges, as far as a
    pattern goes) that no interior point was found for and that were not excluded. A region is made when it is asked
    for, so that many thousands are cheap to count.
    """

    hinges: tuple[Formula, ...]
    undecided: tuple[tuple[int, ...], ...]
    _problem: Problem = field(repr=False)
    _search: Hinges = field(repr=False)
    _parts: tuple[tuple[Component, list[Pattern]], ...] = field(repr=False)
    _branches: tuple[Branch, ...] | None = field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether every region is listed."""
        return not self.undecided

    def __len__(self) -> int:
        """Return the number of regions listed."""
        if self._branches is not None:
            return len(self._branches)
        total = 1
        for _, patterns in self._parts:
            total *= len(patterns)
        return total

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Region, ...]: ...
    def __getitem__(self, index: int | slice) -> Region | tuple[Region, ...]:
        """Return a region by number."""
        if isinstance(index, slice):
            return tuple(self[k] for k in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        number = index % len(self)
        if self._branches is not None:
            return self._region(self._branches[number])
        chosen = []
        for part, patterns in reversed(self._parts):
            number, rest = divmod(number, len(patterns))
            chosen.append((part, patterns[rest]))
        return self._region(self._joined(chosen[::-1]))

    def __iter__(self) -> Iterator[Region]:
        """Yield the regions one by one."""
        return (self[k] for k in range(len(self)))

    def at(self, values: Mapping[Any, Any]) -> Region:
        """Return the region in whose interior a point of weight space lies, given by symbol or name.

        Raises:
            InvalidInput: the point lies on a boundary, or in no region that is listed.
        """
        signs = tuple((z > 0) - (z < 0) for z in (hinge.evaluate(values) for hinge in self.hinges))
        if self._branches is None:
            chosen = []
            for part, patterns in self._parts:
                mine = tuple(signs[k] for k in part.polynomials)
                chosen += [(part, pattern) for pattern in patterns if pattern.signs == mine][:1]
            if len(chosen) == len(self._parts):
                return self._region(self._joined(chosen))
        else:
            for branch in self._branches:
                if self._signs(branch) == signs:
                    return self._region(branch)
        raise InvalidInput("Argument 'values' must lie inside a region that is listed, not on a boundary or outside.")

    def _joined(self, chosen: Sequence[tuple[Component, Pattern]]) -> Branch:
        start = self._search.start()
        return self._search.joined(start, 0, chosen) if self._search.levels else start

    def _signs(self, branch: Branch) -> tuple[int, ...]:
        return tuple(branch.signs[n] for n in self._search.atoms if n in branch.signs)

    def _region(self, branch: Branch) -> Region:
        ring = self._problem.ring
        inside = branch.points[0]
        sample = {ring.generators[i]: inside.get(i, Fraction(1)) for i in weight_layers(self._problem)}
        positive = [formula(ring, [(ReluPolynomial(ring, {(): p}),)], ring.one) for p in branch.facets]
        return Region(
            signs=self._signs(branch), sample=sample, inequalities=tuple(positive), _problem=self._problem,
            _branch=branch,
        )  # fmt: skip

    def latex(self, style: Style | None = None, *, quantity: str = "penalty", **options: Unpack[StyleOptions]) -> str:
        """Return a quantity by ``cases``: its polynomial on each region with the inequalities; at most 64 regions.

        Raises:
            InvalidInput: more regions, or another quantity than penalty, criterion and risk.
        """
        return regions_latex(self, quantity, styled(style, options))

    def _repr_html_(self) -> str:
        rows = (
            [str(k), Markup("; ".join(latex_html(one) for one in conditions_latex(region, Style())) or "everywhere")]
            for k, region in enumerate(islice(self, MOST_ROWS))
        )
        shown = table_html(["region", "where"], rows, title="Regions on which no relu switches", count=len(self))
        return shown if self.complete else shown + block_html(f"{len(self.undecided)} sign patterns undecided")

    def plot(self, axes: Any = None, *, span: float = 3.0) -> Any:
        """Draw the regions of two free weights in the square [-span, span]², numbered as in the list, and return axes.

        Raises:
            InvalidInput: not exactly two weights are free.
            MissingExtra: Matplotlib is not installed.
        """
        from exactdropout.symbolic.regions.picture import draw

        return draw(self, axes, span)

    def __repr__(self) -> str:
        """Return the counts."""
        rest = "complete" if self.complete else f"{len(self.undecided)} patterns undecided"
        return f"<Regions: {len(self)}, {rest}>"


def weight_layers(problem: Problem) -> dict[int, int]:
    """Return the first layer of every weight and bias that is a symbol, by generator."""
    ring = problem.ring
    numbers = {g: i for i, g in enumerate(ring.generators)}
    found: dict[int, int] = {}
    layers = problem.dropped
    for layer, (rows, biases) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        for element in (*(w for row in rows for w in row), *biases):
            for coefficient in element.terms.values():
                for i, degree in enumerate(coefficient.degrees()):
                    if degree and numbers[ring.generators[i]] not in found:
                        found[i] = layer
    return found


def regions(
    problem: Problem, quantity: str, most: float, report: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> Regions:  # fmt: skip
    """Return the regions of a problem whose inputs are numbers; hinges must depend on weights alone.

    At most ``most`` regions are listed. ``announce`` is told in one line how many hinges and patterns there may be,
    before the search.
    """
    if quantity not in ("criterion", "penalty"):
        raise InvalidInput(f"Argument 'quantity' must be 'criterion' or 'penalty', not {show(quantity)}.")
    ring, layers = problem.ring, weight_layers(problem)
    elements = (problem.loss,) if quantity == "criterion" else (problem.loss, problem.risk)
    search = Hinges(ring, elements, layers, most)
    for n in search.atoms:
        for coefficient in ring.atoms[n].argument.terms.values():
            for i, degree in enumerate(coefficient.degrees()):
                if degree and (i not in layers or not ring.generators[i].is_Symbol):
                    raise InvalidInput(
                        "Argument 'data' must hold numbers, weights must be symbols or numbers, and with biases q must "
                        f"be a number, to cut weight space into regions: a hinge depends on {show(ring.generators[i])}."
                    )
    hinges = tuple(formula(ring, [(ring.atoms[n].argument,)], ring.one) for n in search.atoms)
    if announce is not None:
        announce(search.plan())
    start = search.start()
    first = search.linear(start, 0) if search.levels else []
    if first is not None and len(search.levels) <= 1:
        found = Regions(
            hinges=hinges, undecided=(), _problem=problem, _search=search, _parts=tuple(first), _branches=None
        )
        if len(found) > most:
            raise CostLimitExceeded(
                f"Argument 'max_cost' allows {most:.3g} regions, at some 4,000 a second, but there are "
                f"{len(found):.3g}; raise max_cost to allow them."
            )
        return found
    branches: list[Branch] = [start]
    undecided = []
    for level in range(len(search.levels)):
        following = []
        for number, branch in enumerate(branches):
            if report is not None:
                report(number, len(branches))
            for made in search.expand(branch, level):
                if made.points:
                    following.append(made)
                else:
                    undecided.append(tuple(made.signs[n] for n in search.atoms if n in made.signs))
                if len(following) + len(undecided) > most:
                    raise CostLimitExceeded(
                        f"Argument 'max_cost' allows {most:.3g} regions, at some 4,000 a second, but there are more."
                    )
        branches = following
    return Regions(
        hinges=hinges, undecided=tuple(undecided), _problem=problem, _search=search, _parts=(),
        _branches=tuple(branches),
    )  # fmt: skip


MAX_REGIONS = 64
WIDTH = 60
TALL = 30
"""Cases of more lines, which cannot be broken between pages, are set region by region."""
QUANTITIES = ("penalty", "criterion", "risk")


def condition(positive: Formula) -> tuple[Formula, str]:
    """Return what is compared with 0, and how: −w − u > 0 is written w + u < 0."""
    if not positive.text().startswith("-"):
        return positive, ">"
    pieces = [(-piece[0], *piece[1:]) for piece in positive.pieces]
    return formula(positive.ring, pieces, positive.denominator), "<"


def conditions_latex(region: Region, style: Style) -> list[str]:
    """Return the inequalities of a region, without delimiters."""
    inline = style.inline()
    return [f"{left.latex(inline)} {relation} 0" for left, relation in map(condition, region.inequalities)]


def regions_latex(regions: Regions, quantity: str, style: Style, limit: int | None = None) -> str:
    """Return the quantity by ``cases``; between regions it is continuous, so that strict inequalities say it all.

    With ``limit`` only so many regions are printed, and where ``cases`` would not fit on a page one equation each.
    """
    if quantity not in QUANTITIES:
        raise InvalidInput(f"Argument 'quantity' must be one of {', '.join(QUANTITIES)}, not {show(quantity)}.")
    if limit is None and len(regions) > MAX_REGIONS:
        raise InvalidInput(
            f"Argument 'regions' must hold at most {MAX_REGIONS} regions to be printed, not {len(regions)}."
        )
    chosen = list(islice(regions, limit))
    rows = [_row(region, quantity, style) for region in chosen]
    if limit is not None and sum(row.count(r"\\") + 1 for row in rows) > TALL:
        shown = _one_by_one(chosen, len(regions), quantity, style)
        return document(shown) if style.standalone else shown
    if len(chosen) < len(regions):
        left = len(regions) - len(chosen)
        rows.append(rf"\ldots, & \text{{in {left} more region{'s' if left > 1 else ''}}}")
    if not regions.complete:
        rows.append(r"\text{not decided}, & \text{otherwise}")
    shown = f"{QUANTITY_LATEX[quantity]} = \\begin{{cases}}\n" + " \\\\\n".join(rows) + "\n\\end{cases}"
    environment = display(style).environment
    if environment != "none":
        shown = f"\\begin{{{environment}}}\n{shown}\n\\end{{{environment}}}"
    return document(shown) if style.standalone else shown


def _row(region: Region, quantity: str, style: Style) -> str:
    inline, found = style.inline(), conditions_latex(region, style)
    inside = r",\ ".join(found)
    polynomial = getattr(region, quantity).latex(inline)
    if measured(polynomial) + measured(inside) > WIDTH and len(found) > 1:  # the inequalities in lines of their own
        inside = r"\begin{aligned}[t] " + r" \\ ".join(
            f"& {one}{',' if k + 1 < len(found) else ''}" for k, one in enumerate(found)
        ) + r" \end{aligned}"  # fmt: skip
    widest = max(map(measured, found), default=0) if r"\\" in inside else measured(inside)
    if measured(polynomial) + widest > WIDTH:  # the polynomial, too
        broken = replace(inline, width=max(MIN_WIDTH, int(WIDTH - widest)))
        polynomial = getattr(region, quantity).latex(broken).replace(r"\begin{split}", r"\begin{aligned}[t]")
        polynomial = polynomial.replace("\n\\end{split}", ",\n\\end{aligned}")
    comma = "" if polynomial.endswith(",\n\\end{aligned}") else ","
    everywhere = r"\text{everywhere}"
    return f"{polynomial}{comma} & {inside or everywhere}"


def _one_by_one(chosen: Sequence[Region], count: int, quantity: str, style: Style) -> str:
    inside = style.displayed(WIDTH, "equation*")
    blocks = []
    for region in chosen:
        where = ", ".join(f"${one}$" for one in conditions_latex(region, style))
        blocks.append(f"Where {where or 'nothing is asked'}:\n{getattr(region, quantity).latex(inside, left=quantity)}")
    if len(chosen) < count:
        blocks.append(f"The other {count - len(chosen)} regions are left out.")
    return "\n\n".join(blocks)
