"""The grammar of symbols: their indices, and the ranges of sums over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from exactdropout.claims.language import words
from exactdropout.claims.language.stream import TokenStream
from exactdropout.claims.language.syntax import Add, Expression, Name, Negate, Number
from exactdropout.claims.language.tokens import Token

__all__ = ["ALL_ENTRIES", "SymbolParser"]

ALL_ENTRIES = Name(":")
"""The index of a whole row or column, as in W_{k,:}."""


class SymbolParser(TokenStream, ABC):
    """Parses the indices of symbols; expressions stand on it."""

    meant: dict[str, str | None]
    formula: bool
    one_hidden_layer: bool

    @abstractmethod
    def expression(self) -> Any:
        """Parse a sum."""

    @abstractmethod
    def primary(self) -> Any:
        """Parse a number, a symbol, or what stands in parentheses."""

    @abstractmethod
    def power(self) -> Any:
        """Parse a power."""

    @abstractmethod
    def script(self) -> Any:
        """Parse what stands after ``^``."""

    def texts(self, count: int, start: int = 0) -> list[str]:
        """Return the texts of the tokens that follow."""
        return [t.text for t in self.tokens[self.at + start : self.at + start + count]]

    def index_name(self) -> str:
        """Parse an index."""
        token = self.advance()
        if token.kind != "name" or len(token.text) > 1 or token.text in "xwWbyqpnKdDEJR" or token.text in self.meant:
            self.error("an index such as i, j or l is expected", token)
        return token.text

    def range(self) -> tuple[str, Any, Any]:
        """Parse i=1..K."""
        index = self.index_name()
        self.expect("=", "in a range such as i=1..K")
        first = self.expression()
        self.expect("..", "in a range such as i=1..K")
        return index, first, self.expression()

    def indices(self, word: str, layered: bool | None = None) -> tuple[Expression, ...]:
        """Parse the indices of a symbol."""
        found: list[Expression] = []
        upper = word in "Wb" if layered is None else layered
        if upper and self.sees("^") and self.texts(2, 1) == ["{", "("]:
            self.at += 3
            found.append(self.expression())
            self.expect(")", "in an upper layer index")
            self.expect("}", "in an upper layer index")
        above = len(found)
        groups = above
        if above and word == "b" and layered is None and not (self.sees("[", "_") and not self.is_positive_part()):
            found.append(ALL_ENTRIES)  # b^{(l)} is the vector of a layer, and no entry l of b
        while self.sees("[", "_") and not self.is_positive_part():
            groups += 1
            if word in words.PLAIN and layered is None:
                self.error(f"'{word}' has no indices; a relation is expected")
            if self.takes("["):
                found.append(self.expression())
                while self.takes(","):
                    found.append(self.expression())
                self.expect("]", "after indices")
            else:
                self.advance()
                wanted = 2 if word == "W" and (above or self.one_hidden_layer) else 0
                if word == "W" and not above and not self.one_hidden_layer:
                    wanted = 3
                found += self.subscripts(wanted if layered is None else 0)
        late = self.texts(3) == ["^", "{", "("]
        if upper and late and layered is None and len(found) == 1 + (word == "W"):
            self.at += 3
            found.insert(0, self.expression())
            self.expect(")", "in an upper layer index")
            self.expect("}", "in an upper layer index")
        elif word == "W" and layered is None and groups == len(found) == 2:
            self.error(
                "a weight of layer l is W[l][j,i], and W[j,i] with one hidden layer; ',' or an operator is expected"
            )
        if len(found) > 3 and layered is None:
            self.error(f"{word} has at most 3 indices")
        return tuple(found)

    def is_positive_part(self) -> bool:
        """Return whether what follows is a bracket of its own, as in p [z]_+, and no index."""
        if not self.sees("["):
            return False
        depth = 0
        for at in range(self.at, len(self.tokens)):
            depth += {"[": 1, "]": -1}.get(self.tokens[at].text, 0)
            if not depth:
                after = [t.text for t in self.tokens[at + 1 : at + 4]]
                return after[:2] == ["_", "+"] or after == ["_", "{", "+"]
        return False

    def subscripts(self, wanted: int = 0) -> list[Any]:
        """Parse what stands behind _; a number of as many digits as indices are wanted holds one in each, as W_{11}."""
        if not self.takes("{"):
            return [self.primary()]
        token = self.next
        alone = token.kind == "number" and self.texts(1, 1) == ["}"]
        if alone and wanted > 1 and len(token.text) == wanted and "0" not in token.text:
            self.at += 2
            return [Number(int(digit) * words.ONE, position=token.position) for digit in token.text]
        found = [self.subscript()]
        while not self.takes("}"):
            self.takes(",")
            found.append(self.subscript())
        return found

    def subscript(self) -> Any:
        """Parse one index: letters side by side are several indices, not a product."""
        if self.takes(":") or (self.sees("*") and self.texts(1, 1)[0] in ("}", ",")):
            self.takes("*")
            return ALL_ENTRIES
        position = self.next.position
        terms = [self.primary()]
        while self.sees("+", "-"):
            sign = self.advance()
            term = self.primary()
            terms.append(Negate(term, position=sign.position) if sign.text == "-" else term)
        return terms[0] if len(terms) == 1 else Add(tuple(terms), position=position)

    def variable(self) -> Name:
        """Parse a symbol."""
        token: Token = self.next
        found = self.power()
        if not isinstance(found, Name):
            self.error("a symbol such as q, y or w[1] is expected", token)
        return found
