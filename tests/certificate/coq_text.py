"""Texts for Coq that tests write or damage."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def q(value: Any) -> str:
    value = Fraction(value)
    return f"(({value.numerator})#{value.denominator})"


def many(values: Any) -> str:
    return "[" + "; ".join(values) + "]"


def end_of_side(text: str, start: int) -> int:
    """Return the place behind a side of a split: a word, or what is in parentheses."""
    depth, place = 0, start
    while True:
        depth += (text[place] == "(") - (text[place] == ")")
        place += 1
        if depth == 0 and text[place] in " )":
            return place


def without_a_side(text: str) -> str:
    """Return a generated file whose cover leaves out one side of its first split, as if its sign were known."""
    start = text.index("(CSplit ")
    left = start + len("(CSplit ")
    middle = end_of_side(text, left)
    end = end_of_side(text, middle + 1)
    assert text[middle] + text[end] == " )"
    return f"{text[:start]}(CKnown true (sparse 1 []) {text[left:middle]}{text[end:]}"
