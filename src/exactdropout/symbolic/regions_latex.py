"""A quantity by cases, one for each activation region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import QUANTITY_LATEX, measured
from exactdropout.notation.style import MIN_WIDTH, Style

if TYPE_CHECKING:
    from exactdropout.symbolic.regions import Regions

__all__ = ["regions_latex"]

MAX_REGIONS = 64
WIDTH = 60
QUANTITIES = ("penalty", "criterion", "risk")


def regions_latex(regions: Regions, quantity: str, style: Style) -> str:
    """Return the quantity by ``cases``; between regions it is continuous, so that strict inequalities say it all."""
    if quantity not in QUANTITIES:
        raise InvalidInput(f"Argument 'quantity' must be one of {', '.join(QUANTITIES)}, not {show(quantity)}.")
    if len(regions) > MAX_REGIONS:
        raise InvalidInput(
            f"Argument 'regions' must hold at most {MAX_REGIONS} regions to be printed, not {len(regions)}."
        )
    inline, everywhere = style.inline(), r"\text{everywhere}"
    rows = []
    for region in regions:
        inside = r",\ ".join(f"{found.latex(inline)} > 0" for found in region.inequalities)
        polynomial = getattr(region, quantity).latex(inline)
        if measured(polynomial) + measured(inside) > WIDTH:  # the polynomial in lines of its own
            broken = replace(inline, width=max(MIN_WIDTH, int(WIDTH - measured(inside))))
            polynomial = getattr(region, quantity).latex(broken).replace("{split}", "{aligned}")
        rows.append(f"{polynomial}, & {inside or everywhere}")
    if not regions.complete:
        rows.append(r"\text{not decided}, & \text{otherwise}")
    shown = f"{QUANTITY_LATEX[quantity]} = \\begin{{cases}}\n" + " \\\\\n".join(rows) + "\n\\end{cases}"
    environment = display(style).environment
    if environment != "none":
        shown = f"\\begin{{{environment}}}\n{shown}\n\\end{{{environment}}}"
    return document(shown) if style.standalone else shown
