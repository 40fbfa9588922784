"""Optima and phases in LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactdropout.notation.document import document, table
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.numbers import number_latex, vector_latex
from exactdropout.notation.style import Style
from exactdropout.notation.tree import Name

if TYPE_CHECKING:
    from exactdropout.optimum.phases.result import Phases
    from exactdropout.optimum.result import Optimum

__all__ = ["optimum_latex", "optimum_value_latex", "phases_latex"]


def optimum_value_latex(optimum: Optimum) -> str:
    """Return the proved statement as a formula."""
    if optimum.lower == optimum.upper:
        return rf"\min_W J_D = {number_latex(optimum.upper)}"
    return rf"{number_latex(optimum.lower)} \le \min_W J_D \le {number_latex(optimum.upper)}"


def optimum_latex(optimum: Optimum, style: Style) -> str:
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
    value = optimum_value_latex(optimum)
    environment = "equation*" if style.environment == "none" else style.environment
    lines = [f"\\begin{{{environment}}}\n{value}\n\\end{{{environment}}}"]
    if rows:
        complete = "All minimisers" if optimum.minimisers_complete else "Some minimisers"
        lines.append(f"{complete}, up to rescaling and permuting units:\\par\\smallskip")
        lines.append(table(head, rows, "rrrlll"))
    shown = "\n".join(lines)
    return document(shown) if style.standalone else shown


def phases_latex(phases: Phases, style: Style) -> str:
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
