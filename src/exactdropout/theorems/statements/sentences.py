"""Sentences of a proof: words with places for formulas, which are inserted and cannot be typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Relation, Term

__all__ = ["Sentence", "say"]

_TYPED = re.compile(r"[$=<>^_\\+*|\[\]≤≥∑λ]|\{(?!\d+\}|claim\})")


@dataclass(frozen=True)
class Sentence:
    """Words with places ``{0}``, ``{1}``, … for formulas, and ``{claim}`` for the claim of a line."""

    words: str
    formulas: tuple[Term | Relation | Variable, ...] = ()

    def __post_init__(self) -> None:
        """Refuse formulas that are typed instead of inserted."""
        if _TYPED.search(self.words):
            raise InvalidInput(
                f"Argument 'words' must hold words and places for formulas, not {show(self.words, 200)}."
            )

    def latex(self, claim: Relation | None = None) -> str:
        """Return the sentence with formulas in LaTeX between dollars."""
        return self._filled(claim, lambda f: f"${f.latex()}$")

    def text(self, claim: Relation | None = None) -> str:
        """Return the sentence as plain text."""
        return self._filled(claim, str)

    def _filled(self, claim: Relation | None, shown: Callable[[Any], str]) -> str:
        places = {"claim": shown(claim)} if claim is not None else {}
        return self.words.format(*map(shown, self.formulas), **places)


def say(words: str, *formulas: Term | Relation | Variable) -> Sentence:
    """Return a sentence; formulas are inserted at ``{0}``, ``{1}``, ….

    >>> from exactdropout.theorems.statements.terms import symbols
    >>> K, p = symbols("K p")
    >>> say("The mean of {0} kept inputs is {1}.", K, K * p).latex()
    'The mean of $K$ kept inputs is $K p$.'
    """
    return Sentence(words, formulas)
