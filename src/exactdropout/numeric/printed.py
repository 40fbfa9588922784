"""How evaluations and what belongs to them are shown: as LaTeX that an author keeps, and as tables in a notebook.

The results themselves ask this file, which therefore takes them as they are and imports none of their classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import dyadic
from exactdropout.notation.document import document, table
from exactdropout.notation.latex import QUANTITY_LATEX
from exactdropout.notation.matrices import MOST_ENTRIES, aligned, matrix_line
from exactdropout.notation.names import parameter_name
from exactdropout.notation.numbers import matched, matched_latex
from exactdropout.notation.page import MOST_ROWS, table_html
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text

__all__ = [
    "derivative_html",
    "evaluation_html",
    "evaluation_latex",
    "evaluation_lines",
    "gradient_latex",
    "per_example_html",
    "plan_html",
    "stack_html",
    "stack_latex",
]

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


def values(evaluation: Any) -> Iterator[tuple[str, Fraction, Fraction]]:
    """Yield the name of each quantity with its value and its bound, as rationals."""
    for name in QUANTITIES:
        yield name, dyadic(getattr(evaluation, name)), dyadic(evaluation.error_bounds[name])
    for number, value in enumerate(evaluation.mean, 1):
        index = f" of output {number}" if len(evaluation.mean) > 1 else ""
        yield f"mean{index}", dyadic(value), dyadic(evaluation.error_bounds["mean"])


def evaluation_latex(evaluation: Any, style: Style) -> str:
    """Return a booktabs table: value with the digits that its bound gives sense to, bound of what is printed."""
    rows = [[f"{name} {_symbol(name)}".strip(), *matched_latex(v, b)] for name, v, b in values(evaluation)]
    shown = table(["quantity", "value", "error at most"], rows, "lll")
    return document(shown) if style.standalone else shown


def evaluation_lines(evaluation: Any) -> str:
    """Return the values as aligned equations, which MathJax sets, too."""
    relation = "=" if evaluation.exactness == "exact" else r"\approx"
    lines = []
    for name, value, bound in values(evaluation):
        if name in QUANTITIES[:3]:
            shown = matched_latex(value, bound)[0].strip("$")
            sign = "" if shown.startswith(r"\approx") else f"{relation} "
            lines.append(f"{QUANTITY_LATEX[name]} &{sign}{shown}")
    return "\\begin{aligned} " + r" \\ ".join(lines) + " \\end{aligned}"


def _symbol(name: str) -> str:
    if name.startswith("mean"):
        return r"$\mathbb{E}[D]$"
    return f"${QUANTITY_LATEX[name]}$" if name in ("criterion", "risk", "variance") else ""


def evaluation_html(evaluation: Any) -> str:
    """Return a table of the quantities with their bounds, and how they were found."""
    plan = evaluation.plan
    return table_html(
        ["quantity", "value", "error at most"],
        [(name, *matched(value, bound)) for name, value, bound in values(evaluation)],
        title="Dropout criterion and its parts",
        notes=[f"{plan.strategy} ({plan.exactness}), 2^{plan.mask_bits} masks for each of {_many(evaluation)}"],
        numeric=[1, 2],
    )


def _many(evaluation: Any) -> str:
    count = len(evaluation.probabilities)
    return f"{count} example{'s' if count != 1 else ''}"


def stack_html(head: str, names: Iterable[str], evaluations: Iterable[Any], count: int) -> str:
    """Return one row for each of several evaluations: criterion, risk, penalty, and the criterion's bound."""

    def rows() -> Iterator[list[str]]:
        for name, one in zip(names, evaluations, strict=True):
            shown = [matched(value, bound) for _, value, bound in islice(values(one), 3)]
            yield [name, *(value for value, _ in shown), shown[0][1]]

    return table_html(
        [head, *QUANTITIES[:3], "criterion's error at most"], rows(), numeric=[0, 1, 2, 3, 4], count=count
    )


def stack_latex(head: str, names: Iterable[str], evaluations: Iterable[Any], style: Style) -> str:
    """Return the same as a booktabs table; all rows."""
    rows = []
    for name, one in zip(names, evaluations, strict=True):
        shown = [matched_latex(value, bound) for _, value, bound in islice(values(one), 3)]
        rows.append([name, *(value for value, _ in shown), shown[0][1]])
    header = [head, *(f"{name} {_symbol(name)}".strip() for name in QUANTITIES[:3]), "error of $J_D$ at most"]
    shown_table = table(header, rows, "rrrrl")
    return document(shown_table) if style.standalone else shown_table


def plan_html(plan: Any) -> str:
    """Return the lines of the plan as a table."""
    return table_html(["plan", ""], [(line[:11].strip(), line[11:]) for line in str(plan).splitlines()])


def per_example_html(rows: Any) -> str:
    """Return the first rows of the table."""
    names = ("criterion", "risk", "penalty")

    def row(k: int) -> list[str]:
        bounds = [rows.error_bounds[n][k] if n in rows.error_bounds else Fraction(0) for n in names]
        shown = [matched(dyadic(getattr(rows, n)[k]), dyadic(b)) for n, b in zip(names, bounds, strict=True)]
        return [str(k), *(value for value, _ in shown), shown[0][1]]

    return table_html(
        ["row", *names, "criterion's error at most"],
        (row(k) for k in range(min(len(rows), MOST_ROWS))),
        title="Each example on its own",
        numeric=[0, 1, 2, 3, 4],
        count=len(rows),
    )


def gradient_latex(gradient: Any, style: Style) -> str:
    """Return one matrix per layer, ∂J_D/∂W_l and ∂J_D/∂b_l, in aligned lines; wide ones transposed.

    Long numbers are rounded to 4 to 6 digits, behind ≈.

    Raises:
        InvalidInput: more than 400 entries, or a matrix with more than 8 rows and more than 8 columns.
    """
    entries = sum(w.size for w in gradient.weights)
    if entries > MOST_ENTRIES:
        raise InvalidInput(
            f"Argument 'gradient' must have at most {MOST_ENTRIES} entries to be printed, not {entries}."
        )
    lines = []
    for layer, (weights, bias) in enumerate(zip(gradient.weights, gradient.biases, strict=True), 1):
        for letter, rows in (("W", weights.tolist()), ("b", [] if bias is None else [[b] for b in bias.tolist()])):
            if rows:
                left = rf"\frac{{\partial J_D}}{{\partial {letter}_{{{layer}}}}}"
                lines.append(matrix_line(left, rows, "gradient", layer))
    return aligned(lines, style)


def derivative_html(derivative: Any, title: str) -> str:
    """Return one row for each entry with its bound, the first of them where there are many."""
    bounds, outputs = derivative.error_bounds, len(derivative.weights[-1])

    def entries() -> Iterator[tuple[str, ...]]:
        for arrays, errors in ((derivative.weights, bounds.weights), (derivative.biases, bounds.biases)):
            for layer, (array, error) in enumerate(zip(arrays, errors, strict=True)):
                if array is not None and error is not None:
                    for index in np.ndindex(array.shape):
                        source = index[1] if len(index) == 2 else None
                        at = parameter_name(layer, index[0], source, len(derivative.weights), outputs)
                        yield expression_text(at), *matched(dyadic(array[index]), dyadic(error[index]))

    count = sum(a.size for a in (*derivative.weights, *derivative.biases) if a is not None)
    return table_html(["in", "value", "error at most"], entries(), title=title, numeric=[1, 2], count=count)
