"""Evaluations in LaTeX: a table of the quantities with their bounds, and matrices of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactdropout.errors import InvalidInput
from exactdropout.notation.document import document, table
from exactdropout.notation.latex import QUANTITY_LATEX
from exactdropout.notation.numbers import bound_latex, number_latex
from exactdropout.notation.style import Style

if TYPE_CHECKING:
    from exactdropout.numeric.result import Evaluation, Gradient

__all__ = ["evaluation_latex", "evaluation_lines", "gradient_latex"]

MAX_ENTRIES = 400
_NAMES = ("criterion", "risk", "penalty", "variance", "bias")


def evaluation_latex(evaluation: Evaluation, style: Style) -> str:
    """Return a booktabs table: quantity, value, bound of the error."""
    from exactdropout.numeric.result import dyadic

    rows = []
    for name in _NAMES:
        bound = dyadic(evaluation.error_bounds[name])
        rows.append(
            [f"{name} {_symbol(name)}".strip(), f"${number_latex(getattr(evaluation, name))}$", bound_latex(bound)]
        )
    for number, value in enumerate(evaluation.mean, 1):
        index = f" of output {number}" if len(evaluation.mean) > 1 else ""
        bound = dyadic(evaluation.error_bounds["mean"])
        rows.append([rf"mean{index} $\mathbb{{E}}[D]$", f"${number_latex(value)}$", bound_latex(bound)])
    shown = table(["quantity", "value", "error at most"], rows, "lll")
    return document(shown) if style.standalone else shown


def evaluation_lines(evaluation: Evaluation) -> str:
    """Return the values as aligned equations, which MathJax sets, too."""
    relation = "=" if evaluation.exactness == "exact" else r"\approx"
    lines = []
    for name in _NAMES[:3]:
        shown = number_latex(getattr(evaluation, name))
        sign = "" if shown.startswith(r"\approx") else f"{relation} "
        lines.append(f"{QUANTITY_LATEX[name]} &{sign}{shown}")
    return "\\begin{aligned} " + r" \\ ".join(lines) + " \\end{aligned}"


def _symbol(name: str) -> str:
    return f"${QUANTITY_LATEX[name]}$" if name in ("criterion", "risk", "variance") else ""


def gradient_latex(gradient: Gradient, style: Style) -> str:
    """Return one matrix per layer, ∂J_D/∂W_l and ∂J_D/∂b_l, in aligned lines.

    Raises:
        InvalidInput: more than 400 entries.
    """
    entries = sum(w.size for w in gradient.weights)
    if entries > MAX_ENTRIES:
        raise InvalidInput(f"Argument 'gradient' must have at most {MAX_ENTRIES} entries to be printed, not {entries}.")
    lines = []
    for layer, (weights, bias) in enumerate(zip(gradient.weights, gradient.biases, strict=True), 1):
        lines.append(_line("W", layer, weights.tolist(), gradient))
        if bias is not None:
            lines.append(_line("b", layer, [[b] for b in bias.tolist()], gradient))
    environment = {"none": "aligned", "equation": "align", "equation*": "align*"}.get(
        style.environment, style.environment
    )
    environment = "align*" if style.standalone and environment == "aligned" else environment
    shown = f"\\begin{{{environment}}}\n" + " \\\\\n".join(lines) + f"\n\\end{{{environment}}}"
    return document(shown) if style.standalone else shown


def _line(name: str, layer: int, rows: list[list[Any]], gradient: Gradient) -> str:
    relation = "=" if gradient.error_bound == 0 else r"\approx"
    body = r" \\ ".join(" & ".join(number_latex(v).removeprefix(r"\approx ") for v in row) for row in rows)
    matrix = rf"\left( \begin{{array}}{{{'r' * len(rows[0])}}} {body} \end{{array}} \right)"
    return rf"\frac{{\partial J_D}}{{\partial {name}_{{{layer}}}}} &{relation} {matrix}"
