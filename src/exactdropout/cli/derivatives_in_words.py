"""Derivatives, stretches and regions of ``exactdropout derive`` in LaTeX, for an author's page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactdropout.notation.latex import QUANTITY_LATEX, expression_latex
from exactdropout.notation.names import symbol_name
from exactdropout.notation.style import GREEK_LETTERS, Style

__all__ = ["latex_blocks"]

_WORDS = {"criterion": "$J_D$", "risk": "the risk $R$"}


def latex_blocks(derivation: Any, content: Mapping[str, Any], style: Style, *, stationary: bool) -> list[str]:
    """Return one block of LaTeX for each thing asked for.

    Derivatives are formulas in the environment of the style. Stretches and regions come with words, so that their
    formulas stand in an environment in any case.
    """
    blocks = []
    if "gradient" in content:
        slopes = derivation.gradient(content["gradient"]["quantity"], max_cost=float("inf"))
        blocks.append(slopes.latex(style, standalone=False))
    if "hessian" in content:
        blocks.append(
            derivation.hessian(content["hessian"]["quantity"], max_cost=float("inf")).latex(style, standalone=False)
        )
    for name, forms in content.get("derivative_q", {}).items():
        blocks.append(forms.formula.latex(style, left=_slope(name, derivation, style), standalone=False))
    written = style if style.environment != "none" else replace(style, environment="equation*")
    for name, found in content.get("monotone", {}).items():
        blocks += _monotone(name, derivation.monotone(name), found, written)
    if "regions" in content:
        blocks += _regions(content["regions"], replace(written, standalone=False), stationary)
    return blocks


def _letter(style: Style) -> str:
    own = style.printed("q")
    return rf"\{own}" if own in GREEK_LETTERS else own


def _left(name: str) -> str:
    return QUANTITY_LATEX.get(name, rf"\text{{{name}}}")


def _slope(name: str, derivation: Any, style: Style) -> str:
    q, rate = _letter(style), derivation.rates[0]
    shown = rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} {q}}} {_left(name)}"
    if any(getattr(r, "free_symbols", ()) for r in derivation.rates):
        return shown
    return rf"\left. {shown} \right|_{{{q} = {_number(Fraction(str(rate)))}}}"


def _number(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return rf"{'-' if value < 0 else ''}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _monotone(name: str, found: Any, content: Mapping[str, Any], style: Style) -> list[str]:
    def renamed(latex: str) -> str:
        return re.sub(r"(?<![A-Za-z\\])q(?![A-Za-z])", lambda _: _letter(style), latex)

    stretches = [
        f"{stretch.direction} on $({stretch.low.latex()}, {stretch.high.latex()})$" for stretch in found.stretches
    ]
    listed = stretches[0] if len(stretches) == 1 else ", ".join(stretches[:-1]) + " and " + stretches[-1]
    formula = renamed(found.latex())
    return [
        f"\\begin{{{style.environment}}}\n{_left(name)} = {formula}\n\\end{{{style.environment}}}\n"
        f"As a function of ${_letter(style)}$, {_WORDS.get(name, f'the {name}')} is {listed}."
    ]


def _regions(content: Mapping[str, Any], style: Style, stationary: bool) -> list[str]:
    from exactdropout.symbolic.regions.regions import conditions_latex, regions_latex

    regions, listed = content["regions"].regions, content["regions"]
    count = content["count"]
    state = (
        "this list is complete"
        if content["complete"]
        else f"{content['undecided']} sign patterns of units are undecided"
    )
    blocks = [
        f"The space of weights has {count} activation region{'s' if count != 1 else ''}; {state}."
        if content["complete"]
        else f"In the space of weights {count} activation regions are known; {state}."
    ]
    if count:
        blocks += [regions_latex(regions, name, style, limit=len(listed)) for name in content["quantities"]]
    if stationary:
        rows = [r"\begin{itemize}\raggedright"]
        for number in range(len(listed)):
            region = regions[number]
            where = ", ".join(f"${one}$" for one in conditions_latex(region, style)) or "everywhere"
            found = region.stationary_points()
            rows.append(rf"\item Where {where}: {_stationary(found, style)}.")
        rows.append(r"\end{itemize}")
        blocks.append("\n".join(["Stationary points of the criterion inside the regions:", *rows]))
    return blocks


def _stationary(found: Any, style: Style) -> str:
    if found.status != "all":
        return f"not solved ({found.reason})"
    inline, shown = style.inline(), []
    for point in found.points:
        values = ", ".join(f"${_name(symbol, inline)} = {_number(value)}$" for symbol, value in point.values.items())
        text = f"{values}, with $J_D = {_number(point.value)}$"
        if point.rescaled:
            text += f", up to rescaling of {', '.join(f'${_name(s, inline)}$' for s in point.rescaled)}"
        if point.free:
            text += f", in a family of {point.free} more dimension{'s' if point.free > 1 else ''}"
        shown.append(text)
    return "; ".join(shown) or "none"


def _name(symbol: Any, style: Style) -> str:
    return expression_latex(symbol_name(str(symbol)), style)
