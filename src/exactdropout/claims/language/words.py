"""The words of the grammar, by what they do."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args

from exactdropout.claims.language.syntax import Direction, Name, Number, Power, Relation

__all__ = [
    "ASSUMING",
    "DIRECTIONS",
    "FUNCTIONS",
    "FUNCTION_LETTERS",
    "GREEK_OR_LETTER",
    "INDEXED",
    "MASK_LETTERS",
    "MINIMISING",
    "NOT_A_FACTOR",
    "ONE",
    "OWN",
    "PARAMETERS",
    "PLAIN",
    "PRODUCTS",
    "QUANTITY_WORDS",
    "RELATIONS",
    "REPEATED",
    "SETTINGS_OF",
    "SQUARED_OUTPUT",
]

RELATIONS = frozenset(get_args(Relation))
DIRECTIONS = frozenset(get_args(Direction))
_PLAINLY = ("penalty", "criterion", "risk", "mean", "variance", "output")
QUANTITY_WORDS = {w: w for w in _PLAINLY} | {w.capitalize(): w for w in _PLAINLY}
FUNCTIONS = {
    "relu": "relu",
    "ReLU": "relu",
    "Relu": "relu",
    "RELU": "relu",
    "leaky": "leaky",
    "abs": "abs",
    "Abs": "abs",
    "max": "max",
    "Max": "max",
    "min": "min",
    "Min": "min",
}
REPEATED = {"sum": "sum", "Sum": "sum", **dict.fromkeys(("prod", "Prod", "product", "Product"), "product")}
PRODUCTS = frozenset({"q", "p", "K", "n", "d", "y", "b", "x", "w", "W", "weights", "biases"})
FUNCTION_LETTERS = frozenset({"f", "g", "h", "F", "G", "H", "L", "l", "sigma", "phi", "psi", "rho"})
INDEXED = frozenset("xwWbqpn")
SETTINGS_OF = frozenset({"q", "p", "x", "y"})
"""What may stand behind weights in J_D(w, q): the names say what a quantity depends on."""
MASK_LETTERS = frozenset({"xi", "epsilon", "eta", "delta", "zeta", "m", "s", "z"})
"""What papers call masks, beside r, in a mean over them."""
PARAMETERS = frozenset({"W", "w", "b", "theta", "weights"})
PLAIN = frozenset({"weights", "biases"})
GREEK_OR_LETTER = (
    "a symbol is one letter or the name of a Greek one; quantities are J_D, R, penalty, E[D], Var[D], W(x)"
)
ASSUMING = frozenset({"if", "for", "where", "assuming", "with", "forall", "when", "whenever", "provided", "at"})
NOT_A_FACTOR = ASSUMING | {
    "is", "in", "and", "under", "minimises", "minimizes", "increases", "decreases", "does", "do", "on", "as", "then",
    "function",
}  # fmt: skip
OWN = PRODUCTS
"""Letters with a meaning of their own, which no definition changes."""
MINIMISING = frozenset({"minimiser", "minimizer", "minimises", "minimizes", "arg", "argmin"})
ONE = Fraction(1)
SQUARED_OUTPUT = Power(Name("D"), Number(Fraction(2)))
