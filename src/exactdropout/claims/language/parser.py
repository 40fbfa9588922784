"""A recursive-descent parser for claims: text or pasted LaTeX to a syntax tree. Nothing is evaluated.

Written by hand because a wrong claim deserves a caret under the exact place, and because the grammar is small:
docs/claims.md publishes it.
"""

from __future__ import annotations

from collections.abc import Mapping

from exactdropout.claims.language import words
from exactdropout.claims.language.expressions import MAX_EXPONENT, MAX_NESTING, ExpressionParser, Names
from exactdropout.claims.language.syntax import (
    Assignment,
    Claim,
    Comparison,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Name,
    Statement,
)
from exactdropout.claims.language.tokens import Token
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["MAX_EXPONENT", "MAX_NESTING", "parse_assumptions", "parse_claim", "parse_expression"]


def parse_claim(text: str, names: Names = None) -> Claim:
    """Parse a claim in text or LaTeX; at most 10,000 characters, 50 levels deep, exponents up to 64.

    ``names`` says what the author calls the symbols of the grammar: ``{"w": "a", "W": "theta"}``.

    Raises:
        InvalidInput: one sentence with the position, and a caret under it.

    >>> parse_claim(r"J_D - R = \\frac{q}{p} \\sum_{i=1}^{K} w_i^2 x_i^2")  == parse_claim(
    ...     "criterion - risk = q/p * Sum(w[i]^2 * x[i]^2, i=1..K)")
    True
    """
    return _Parser(_text(text), names=names).claim()


def parse_assumptions(text: str, names: Names = None) -> tuple[Comparison, ...]:
    """Parse assumptions separated by commas, such as ``w >= 0, y = 2*c``; the empty text holds none."""
    parser = _Parser(_text(text), names=names)
    found = () if parser.next.kind == "end" else parser.comparisons()
    parser.end()
    return found


def parse_expression(text: str, vocabulary: Mapping[str, bool] | None = None) -> Expression:
    """Parse one expression.

    ``vocabulary`` names the symbols that a formula was printed with, and whether an upper index in parentheses, as in
    W^{(1)}_{2,3}, is a layer of theirs: these take precedence over the names of the grammar, ``step`` is a function,
    and a formula may be long.
    """
    parser = _Parser(_text(text), vocabulary)
    found = parser.expression()
    if parser.formula and parser.takes("="):  # a formula may stand behind its name, as in J_D = ...
        found = parser.expression()
    parser.end()
    return found


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidInput(f"Argument 'claim' must be text or a SymPy relation, not {show(text)}.")
    return text


class _Parser(ExpressionParser):
    def claim(self) -> Claim:
        statement = self.statement()
        assumptions: tuple[Comparison, ...] = ()
        while self.next.text in words.ASSUMING:
            quantifier = self.advance().text == "for" and self.takes("all", "every", "any")
            if quantifier:  # everything that is free is meant for all its values
                self.quantified()
            else:
                assumptions += self.comparisons()
        self.end()
        return Claim(statement, assumptions, self.text)

    def quantified(self) -> None:
        """Pass over the symbols of "for all w, b" or "for all j"."""
        while True:
            self.variable()
            if not self.takes(",", "and"):
                return

    def direction(self) -> str:
        """Parse "increasing", "strictly increasing" or "non-decreasing"."""
        strictly = self.takes("strictly")
        if self.takes("non"):
            self.takes("-")
            word = "non" + self.next.text
        else:
            word = self.next.text
        if word not in words.DIRECTIONS or (strictly and word not in ("increasing", "decreasing")):
            self.error(f"'invariant under' or one of {', '.join(sorted(words.DIRECTIONS))} is expected")
        self.advance()
        return word

    def statement(self) -> Statement:
        first = self.next
        left = self.expression()
        if self.takes("is"):
            if self.takes("invariant"):
                self.expect("under", "after 'invariant'")
                return Invariance(left, self.maps())
            direction = self.direction()
            self.expect("in", f"after '{direction}'")
            return Monotonicity(left, direction, self.variable())  # type: ignore[arg-type]
        comparisons = [self.chain(left)]
        while self.takes(",", "and"):
            comparisons.append(self.comparison())
        minimises = self.takes("minimises", "minimizes")
        if not minimises and self.takes("is"):
            self.takes("a", "the")
            if not self.takes("minimiser", "minimizer"):
                self.error("'minimiser of' is expected")
            self.expect("of", "after 'minimiser'")
            minimises = True
        if minimises:
            return Minimiser(tuple(self.assignment(c, first) for c in comparisons), self.expression())
        if len(comparisons) > 1:
            self.error("one relation is expected, or several values followed by 'is a minimiser of'")
        return comparisons[0]

    def assignment(self, comparison: Comparison, token: Token) -> Assignment:
        target = comparison.sides[0]
        if comparison.relations != ("=",) or not isinstance(target, Name):
            self.error("a minimiser is named by values of weights such as w[1] = 2", token)
        return target, comparison.sides[1]

    def maps(self) -> tuple[Assignment, ...]:
        found = []
        while True:
            target = self.variable()
            self.expect("->", "in a map such as w -> c*w")
            found.append((target, self.expression()))
            if not self.takes(",", "and"):
                return tuple(found)

    def comparisons(self) -> tuple[Comparison, ...]:
        found = [self.comparison()]
        while self.takes(",", "and"):
            found.append(self.comparison())
        return tuple(found)

    def comparison(self) -> Comparison:
        return self.chain(self.expression())

    def chain(self, left: Expression) -> Comparison:
        sides, relations = [left], []
        while self.next.kind == "operator" and self.next.text in words.RELATIONS:
            relations.append(self.advance().text)
            sides.append(self.expression())
        if not relations:
            self.error("a relation such as = or >= is expected, or 'is'")
        return Comparison(tuple(sides), tuple(relations))  # type: ignore[arg-type]
