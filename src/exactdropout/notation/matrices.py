"""Networks and examples in LaTeX: one matrix per layer, one row per example; one door to all LaTeX of the package."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Unpack

from exactdropout.errors import InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import approximate, dyadic, format_rational, show
from exactdropout.notation.document import document, table
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.names import entry, symbol_name
from exactdropout.notation.numbers import number_latex
from exactdropout.notation.style import Style, StyleOptions, styled

__all__ = ["latex"]

MOST_ENTRIES = 400
"""Entries that are printed; more are nothing that one reads."""
WIDEST = 8
"""Columns of a printed matrix that fit on a page."""
SHORT = 8
"""Letters of a fraction in a matrix; longer ones are rounded."""
MOST_EXAMPLES = 60
"""Rows of a table on one page."""


def latex(value: Any, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
    """Return the LaTeX of a network, of examples, or of any result, as its own ``latex`` returns it.

    A network is set as one matrix per layer, W_l and b_l (w and b at the output), in aligned lines, a matrix with more
    than 8 columns transposed; examples as a booktabs table, inputs, label and, where they differ, probabilities. Exact
    numbers of at most 8 letters are printed as they are; longer ones and floats rounded to 4 to 6 digits, behind ≈.

    Args:
        value: a :class:`Network`, :class:`Examples`, or anything with a method ``latex``.
        style, options: as in :class:`Style`; ``standalone=True`` returns a document that compiles as it stands.

    Raises:
        InvalidInput: no such value; a network with more than 400 entries or a layer with more than 8 rows and more
            than 8 columns; more than 60 examples or 8 inputs and labels together.

    >>> print(latex(Network([[[1, -1], ["1/2", 1]], [1, 1]])))
    \\begin{aligned}
    W_{1} &= \\left( \\begin{array}{rr} 1 & -1 \\\\ \\frac{1}{2} & 1 \\end{array} \\right) \\\\
    w &= \\left( \\begin{array}{rr} 1 & 1 \\end{array} \\right)
    \\end{aligned}
    """
    chosen = styled(style, options)
    if isinstance(value, Network):
        return _network(value, chosen)
    if isinstance(value, Examples):
        return _examples(value, chosen)
    method = getattr(value, "latex", None)
    if isinstance(value, type) or not callable(method):
        raise InvalidInput(
            f"Argument 'value' must be a Network, Examples or a result of this package, not {show(value)}."
        )
    return str(method(style, **options) if style is not None or options else method())


def _network(network: Network, style: Style) -> str:
    entries = sum(w.size for w in network.weights) + sum(b.size for b in network.biases if b is not None)
    if entries > MOST_ENTRIES:
        raise InvalidInput(f"Argument 'value' must have at most {MOST_ENTRIES} entries to be printed, not {entries}.")
    depth, lines = len(network.weights), []
    for layer, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        for letter, rows in (("W", weights.tolist()), ("b", [] if bias is None else [[b] for b in bias.tolist()])):
            if rows:  # W_1, b_1, ..., w, b, as the paper numbers the layers
                name = entry(letter, layer) if layer < depth else entry(letter.lower())
                lines.append(matrix_line(expression_latex(name, style), rows, "value", layer, style))
    return aligned(lines, style)


def aligned(lines: Sequence[str], style: Style) -> str:
    """Return lines with ``&`` at their relation in the environment that the style asks for, or ``aligned``."""
    environment = {"none": "aligned", "equation": "align", "equation*": "align*"}.get(
        style.environment, style.environment
    )
    environment = "align*" if style.standalone and environment == "aligned" else environment
    shown = f"\\begin{{{environment}}}\n" + " \\\\\n".join(lines) + f"\n\\end{{{environment}}}"
    return document(shown) if style.standalone else shown


def matrix_line(left: str, rows: list[list[Any]], argument: str, layer: int, style: Style | None = None) -> str:
    """Return ``left &= matrix``, transposed where it has more than 8 columns, ≈ where an entry is rounded.

    Raises:
        InvalidInput: more than 8 rows and more than 8 columns.
    """
    across, transposed = len(rows[0]), len(rows[0]) > WIDEST
    if transposed:
        if len(rows) > WIDEST:
            raise InvalidInput(
                f"Argument {argument!r} must have at most {WIDEST} rows or columns in each layer to be printed, not "
                f"{len(rows)} x {across} in layer {layer}; its arrays have all entries."
            )
        rows = [list(column) for column in zip(*rows, strict=True)]
    digits = 6 if len(rows[0]) <= 4 else 5 if len(rows[0]) <= 6 else 4
    cells = [[_entry(v, digits, style or Style()) for v in row] for row in rows]
    relation = "=" if all(exact for row in cells for _, exact in row) else r"\approx"
    body = r" \\ ".join(" & ".join(text for text, _ in row) for row in cells)
    matrix = rf"\left( \begin{{array}}{{{'r' * len(rows[0])}}} {body} \end{{array}} \right)"
    power = r"^{\mathsf T}" if transposed else ""
    return rf"{left}{power} &{relation} {matrix}"


def _entry(value: Any, digits: int, style: Style) -> tuple[str, bool]:
    """Return a number or a symbol in LaTeX, and whether it is the number itself."""
    if getattr(value, "is_Symbol", False):
        return expression_latex(symbol_name(str(value)), style), True
    if not isinstance(value, (int, float, Fraction)):
        raise InvalidInput(f"Argument 'value' must hold numbers and symbols to be printed, not {show(value)}.")
    if isinstance(value, (int, Fraction)) and len(format_rational(value)) <= SHORT:
        return number_latex(value), True
    rounded = float(approximate(dyadic(value), digits))
    return number_latex(rounded), rounded == value


def _examples(data: Examples, style: Style) -> str:
    rows, labels = data.inputs.tolist(), data.labels.tolist()
    inputs, outputs = len(rows[0]), len(labels[0])
    if len(rows) > MOST_EXAMPLES or inputs + outputs > WIDEST:
        raise InvalidInput(
            f"Argument 'value' must have at most {MOST_EXAMPLES} examples, and {WIDEST} inputs and labels together, to "
            f"be printed, not {len(rows)} and {inputs + outputs}."
        )
    weighted = len(set(data.probabilities)) > 1
    names = [f"x_{{{i}}}" if inputs > 1 else "x" for i in range(1, inputs + 1)]
    names += [f"y_{{{o}}}" if outputs > 1 else "y" for o in range(1, outputs + 1)] + (["P"] if weighted else [])
    cells = []
    for x, y, probability in zip(rows, labels, data.probabilities, strict=True):
        shown = [_entry(v, 6, style) for v in (*x, *y, *([probability] if weighted else []))]
        cells.append([f"${'' if exact else chr(92) + 'approx '}{text}$" for text, exact in shown])
    columns = "r" * inputs + "r" * outputs + ("r" if weighted else "")
    shown_table = table([f"${name}$" for name in names], cells, columns)
    return document(shown_table) if style.standalone else shown_table
