"""The words of the grammar, by what they do."""

from __future__ import annotations

from typing import get_args

from exactdropout.claims.language.syntax import Direction, Relation

__all__ = [
    "ASSUMING",
    "DIRECTIONS",
    "FUNCTIONS",
    "FUNCTION_LETTERS",
    "GREEK_OR_LETTER",
    "INDEXED",
    "PLAIN",
    "PRODUCTS",
    "QUANTITY_WORDS",
    "RELATIONS",
    "REPEATED",
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
    "abs": "abs",
    "Abs": "abs",
    "max": "max",
    "Max": "max",
    "min": "min",
    "Min": "min",
}
REPEATED = {"sum": "sum", "Sum": "sum", **dict.fromkeys(("prod", "Prod", "product", "Product"), "product")}
PRODUCTS = frozenset({"q", "p", "K", "n", "d", "y", "b", "x", "w", "W", "weights", "biases"})
FUNCTION_LETTERS = frozenset({"f", "g", "h", "F", "G", "H", "sigma", "phi", "psi", "rho"})
INDEXED = frozenset("xwWbqpn")
PLAIN = frozenset({"weights", "biases"})
GREEK_OR_LETTER = "a symbol is one letter or the name of a Greek one"
ASSUMING = frozenset({"if", "for", "where", "assuming"})
