"""A quantity by cases, one for each activation region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import QUANTITY_LATEX, measured
from exactdropout.notation.style import MIN_WIDTH, Style
from exactdropout.symbolic.criterion.formula import Formula, formula

if TYPE_CHECKING:
    from exactdropout.symbolic.regions.regions import Region, Regions

__all__ = ["QUANTITIES", "condition", "conditions_latex", "regions_latex"]

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
    environment = "equation*" if style.environment == "none" else style.environment
    inside = replace(style, environment=environment, width=style.width or WIDTH, standalone=False)
    blocks = []
    for region in chosen:
        where = ", ".join(f"${one}$" for one in conditions_latex(region, style))
        blocks.append(f"Where {where or 'nothing is asked'}:\n{getattr(region, quantity).latex(inside, left=quantity)}")
    if len(chosen) < count:
        blocks.append(f"The other {count - len(chosen)} regions are left out.")
    return "\n\n".join(blocks)
