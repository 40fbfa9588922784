"""What results look like: formulas as text, LaTeX and MathML, documents that compile, drawings of networks.

A formula is a tree (:mod:`exactdropout.notation.tree`); :class:`Style` says under which names and with which indices it
is printed, and where long lines are broken. The parser of claims reads printed formulas back, in every style.
"""

from exactdropout.notation.document import document, table, theorem
from exactdropout.notation.latex import equation_latex, expression_latex
from exactdropout.notation.mathml import equation_mathml, expression_mathml
from exactdropout.notation.network_picture import plot_network
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text
from exactdropout.notation.tikz import tikz_drawing

__all__ = [
    "Style",
    "document",
    "equation_latex",
    "equation_mathml",
    "expression_latex",
    "expression_mathml",
    "expression_text",
    "plot_network",
    "table",
    "theorem",
    "tikz_drawing",
]
