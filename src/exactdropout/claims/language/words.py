"""The words of the grammar, by what they do."""

from __future__ import annotations

from typing import get_args

from exactdropout.claims.language.syntax import Direction, Relation

__all__ = [
    "ASSUMING",
    "DIRECTIONS",
    "FUNCTIONS",
    "GREEK_OR_LETTER",
    "INDEXED",
    "PLAIN",
    "QUANTITY_WORDS",
    "RELATIONS",
    "REPEATED",
]

RELATIONS = frozenset(get_args(Relation))
DIRECTIONS = frozenset(get_args(Direction))
QUANTITY_WORDS = {w: w for w in ("penalty", "criterion", "risk", "mean", "variance", "output")}
FUNCTIONS = {"relu": "relu", "abs": "abs", "Abs": "abs", "max": "max", "Max": "max", "min": "min", "Min": "min"}
REPEATED = {"sum": "sum", "Sum": "sum", **dict.fromkeys(("prod", "Prod", "product", "Product"), "product")}
INDEXED = frozenset("xwWbqpn")
PLAIN = frozenset({"weights", "biases"})
GREEK_OR_LETTER = "a symbol is one letter or the name of a Greek one"
ASSUMING = frozenset({"if", "for", "where", "assuming"})
