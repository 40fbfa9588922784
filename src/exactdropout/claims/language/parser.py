"""A recursive-descent parser for claims: text or pasted LaTeX to a syntax tree. Nothing is evaluated.

Written by hand because a wrong claim deserves a caret under the exact place, and because the grammar is small:
docs/claims.md publishes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NoReturn, TypeAlias

from exactdropout.claims.language import words
from exactdropout.claims.language.author_names import meanings
from exactdropout.claims.language.syntax import (
    Add,
    Assignment,
    Call,
    Claim,
    Comparison,
    Divide,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    Statement,
    nested_exponents,
)
from exactdropout.claims.language.tokens import GREEK, WORDS, Token, fail, in_parentheses, tokens
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["MAX_EXPONENT", "MAX_NESTING", "parse_assumptions", "parse_claim", "parse_expression"]

Names: TypeAlias = Mapping[str, str] | None
MAX_NESTING = 50
MAX_EXPONENT = 64
MAX_FORMULA = 1_000_000  # characters
MAX_FORMULA_DIGITS = 4_000  # of a formula that is read back; Python itself refuses to read longer integers


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


class _Parser:
    def __init__(self, text: str, vocabulary: Mapping[str, bool] | None = None, names: Names = None) -> None:
        self.text = text
        self.vocabulary = vocabulary or {}
        self.formula = vocabulary is not None
        self.meant = meanings(names)
        if vocabulary is None:
            self.tokens = tokens(text, {*self.meant})
        else:
            self.tokens = tokens(text, {*vocabulary, "step"}, MAX_FORMULA, MAX_FORMULA_DIGITS)
        self.at = 0
        self.nesting = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        return self.next.kind != "end" and self.next.text in texts

    def takes(self, *texts: str) -> bool:
        found = self.sees(*texts)
        self.at += found
        return found

    def expect(self, text: str, where: str) -> Token:
        if not self.sees(text):
            self.error(f"'{text}' is expected {where}")
        return self.advance()

    def error(self, expected: str, token: Token | None = None) -> NoReturn:
        token = token or self.next
        came = "the end" if token.kind == "end" else f"'{token.text}'"
        fail(self.text, token.position, f"{expected}, not {came}.")

    def end(self) -> None:
        if self.next.kind != "end":
            self.error("the claim should end here, or continue with an operator")

    def claim(self) -> Claim:
        statement = self.statement()
        assumptions: tuple[Comparison, ...] = ()
        if self.next.text in words.ASSUMING:
            self.advance()
            assumptions = self.comparisons()
        self.end()
        return Claim(statement, assumptions, self.text)

    def statement(self) -> Statement:
        first = self.next
        left = self.expression()
        if self.takes("is"):
            if self.takes("invariant"):
                self.expect("under", "after 'invariant'")
                return Invariance(left, self.maps())
            direction = self.next.text
            if direction not in words.DIRECTIONS:
                self.error(f"'invariant under' or one of {', '.join(sorted(words.DIRECTIONS))} is expected")
            self.advance()
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

    def variable(self) -> Name:
        token = self.next
        found = self.power()
        if not isinstance(found, Name):
            self.error("a symbol such as q, y or w[1] is expected", token)
        return found

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

    def expression(self) -> Expression:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            fail(self.text, self.next.position, f"a claim nests at most {MAX_NESTING} levels.")
        position = self.next.position
        terms = [self.term()]
        while self.sees("+", "-"):
            sign = self.advance()
            term = self.term()
            terms.append(Negate(term, position=sign.position) if sign.text == "-" else term)
        self.nesting -= 1
        return terms[0] if len(terms) == 1 else Add(tuple(terms), position=position)

    def term(self) -> Expression:
        if self.sees("-", "+"):
            sign = self.advance()
            self.nesting += 1
            if self.nesting > MAX_NESTING:
                fail(self.text, sign.position, f"a claim nests at most {MAX_NESTING} levels.")
            operand = self.term()
            self.nesting -= 1
            return Negate(operand, position=sign.position) if sign.text == "-" else operand
        position = self.next.position
        product = [self.power()]
        divided, quotients = False, 0
        while True:
            if self.takes("*"):
                product.append(self.power())
                divided = False
            elif self.takes("/"):
                top = product[0] if len(product) == 1 else Multiply(tuple(product), position=position)
                product = [Divide(top, self.power(), position=position)]
                divided, quotients = True, quotients + 1
                if quotients > MAX_NESTING:
                    fail(self.text, self.next.position, f"a claim nests at most {MAX_NESTING} levels.")
            elif self.starts_factor():
                if isinstance(product[-1], Quantity) and in_parentheses(self.tokens[self.at :]):
                    self.error("'*' is needed, since penalty(q) reads two ways, as a product and as a value at q")
                if divided:
                    self.error("'*' or parentheses are needed after a quotient, which reads two ways")
                product.append(self.power())
            else:
                return product[0] if len(product) == 1 else Multiply(tuple(product), position=position)

    def starts_factor(self) -> bool:
        token = self.next
        if token.kind == "name":
            return token.text not in words.ASSUMING | {"is", "in", "and", "under", "minimises", "minimizes"}
        return token.kind == "number" or (token.kind == "operator" and token.text in ("(", "{"))

    def power(self) -> Expression:
        position = self.next.position
        base = self.primary()
        if not self.takes("^"):
            return base
        token = self.next
        exponent = self.script()
        if self.sees("^"):
            self.error("parentheses are needed: a power of a power reads two ways")
        found = Power(base, exponent, position=position)
        if (degree := nested_exponents(found)) > MAX_EXPONENT:
            fail(
                self.text,
                token.position,
                f"an exponent is at most {MAX_EXPONENT}, nested ones multiplied, not {degree}.",
            )
        return found

    def script(self) -> Expression:
        """Parse what stands after ``^``: a braced expression, or a signed atom."""
        if self.takes("{"):
            inner = self.expression()
            self.expect("}", "after an exponent")
            return inner
        if self.sees("-"):
            sign = self.advance()
            return Negate(self.primary(), position=sign.position)
        return self.primary()

    def primary(self) -> Expression:
        token = self.advance()
        if token.kind == "number":
            whole, _, part = token.text.partition(".")
            return Number(Fraction(int(whole + part), 10 ** len(part)), position=token.position)
        if token.kind == "operator":
            for opening, closing in (("(", ")"), ("{", "}"), ("[", "]")):
                if token.text == opening:
                    inner = self.expression()
                    self.expect(closing, f"to close the '{opening}' at position {token.position + 1}")
                    return inner
            if token.text == "|":
                inner = self.expression()
                self.expect("|", f"to close the '|' at position {token.position + 1}")
                return Call("abs", (inner,), position=token.position)
        if token.kind == "name":
            return self.named(token)
        self.error("a number, a symbol or a parenthesis is expected", token)

    def named(self, token: Token) -> Expression:
        word, position = token.text, token.position
        if word in self.vocabulary:
            return Name(word, self.indices(word, self.vocabulary[word]), position=position)
        if word in self.meant:
            meant = self.meant[word]
            if meant is None and not (word == "W" and self.sees("(")):
                self.error(f"the name that was given to {word} is expected", token)
            if meant is not None:
                return Name(meant, self.indices(meant) if meant in words.INDEXED else (), position=position)
        if word == "step" and self.formula:
            return self.call(word, position)
        if word in words.QUANTITY_WORDS:
            self.of_weights()
            return Quantity(words.QUANTITY_WORDS[word], position=position)
        if word == "second":
            self.expect("moment", "after 'second'")
            return Quantity("second_moment", position=position)
        if word == "frac":
            top = self.fraction_part()
            return Divide(top, self.fraction_part(), position=position)
        if word == "sqrt":
            return Call("sqrt", (self.braced_or_parenthesised(),), position=position)
        if word in words.FUNCTIONS:
            return self.call(words.FUNCTIONS[word], position)
        if word in words.REPEATED:
            return self.repeated(words.REPEATED[word], position)
        if word == "J":
            self.expect("_", "in J_D")
            braced = self.takes("{")
            self.expect("D", "in J_D")
            if braced:
                self.expect("}", "in J_{D}")
            self.of_weights()
            return Quantity("criterion", position=position)
        if word == "R":
            self.of_weights()
            return Quantity("risk", position=position)
        if word in ("E", "Var"):
            return self.expectation(word, position)
        if word == "W" and self.sees("("):
            self.advance()
            self.expect("x", "in W(x)")
            self.expect(")", "in W(x)")
            return Quantity("output", position=position)
        if word == "D":
            self.error("D stands in E[D], E[D^2] or Var[D]; a symbol is expected here", token)
        if word in words.INDEXED or word in words.PLAIN:
            return Name(word, self.indices(word), position=position)
        if (word in WORDS and word != "a") or (len(word) > 1 and word not in GREEK):
            self.error(f"a quantity or a symbol is expected ({words.GREEK_OR_LETTER})", token)
        if self.sees("["):
            self.error(f"the symbol {word} has no indices; an operator is expected")
        return Name(word, (), position=position)

    def of_weights(self) -> None:
        if self.sees("(") and self.tokens[self.at + 1].text in {"W", "w"} - self.meant.keys():
            self.at += 2
            self.expect(")", f"after ({self.tokens[self.at - 1].text}")

    def expectation(self, word: str, position: int) -> Expression:
        if self.sees("_"):
            self.error("the mean is over masks; '[D]' is expected")
        closing = {"[": "]", "(": ")"}.get(self.next.text)
        if closing:
            self.advance()
        self.expect("D", f"in {word}[D]")
        squared = False
        if word == "E" and self.takes("^"):
            braced = self.takes("{")
            self.expect("2", "in E[D^2]")
            if braced:
                self.expect("}", "in E[D^{2}]")
            squared = True
        if closing:
            self.expect(closing, f"to close {word}[D")
        name = "variance" if word == "Var" else "second_moment" if squared else "mean"
        return Quantity(name, position=position)

    def fraction_part(self) -> Expression:
        if self.takes("{"):
            inner = self.expression()
            self.expect("}", "in a fraction")
            return inner
        token = self.next
        if token.kind == "number" and len(token.text) > 1:
            self.error("braces are needed in a fraction of longer numbers", token)
        return self.primary()

    def braced_or_parenthesised(self) -> Expression:
        for opening, closing in (("{", "}"), ("(", ")")):
            if self.takes(opening):
                inner = self.expression()
                self.expect(closing, "after the argument of sqrt")
                return inner
        self.error("the argument of sqrt is expected in parentheses or braces")

    def call(self, function: str, position: int) -> Expression:
        self.expect("(", f"after {function}")
        arguments = [self.expression()]
        while self.takes(","):
            arguments.append(self.expression())
        self.expect(")", f"after the arguments of {function}")
        wanted = "at least two" if function in ("max", "min") else "one"
        if (len(arguments) > 1) != (function in ("max", "min")):
            fail(self.text, position, f"{function} has {wanted} argument(s), not {len(arguments)}.")
        return Call(function, tuple(arguments), position=position)

    def repeated(self, kind: str, position: int) -> Expression:
        if self.takes("("):
            body = self.expression()
            ranges = []
            while self.takes(","):
                ranges.append(self.range())
            if not ranges:
                self.error("a range such as i=1..K is expected")
            self.expect(")", f"after the ranges of the {kind}")
        else:
            ranges = [self.scripted_range()]
            body = self.term()
        for index, first, last in reversed(ranges):
            body = Repeated(kind, index, first, last, body, position=position)  # type: ignore[arg-type]
        return body

    def index_name(self) -> str:
        token = self.advance()
        if token.kind != "name" or len(token.text) > 1 or token.text in "xwWbyqpnKdDEJR" or token.text in self.meant:
            self.error("an index such as i, j or l is expected", token)
        return token.text

    def range(self) -> tuple[str, Expression, Expression]:
        index = self.index_name()
        self.expect("=", "in a range such as i=1..K")
        first = self.expression()
        self.expect("..", "in a range such as i=1..K")
        return index, first, self.expression()

    def scripted_range(self) -> tuple[str, Expression, Expression]:
        self.expect("_", "in a sum such as \\sum_{i=1}^{K}")
        self.expect("{", "in a sum such as \\sum_{i=1}^{K}")
        index = self.index_name()
        self.expect("=", "in a sum such as \\sum_{i=1}^{K}")
        first = self.expression()
        self.expect("}", "in a sum such as \\sum_{i=1}^{K}")
        self.expect("^", "in a sum such as \\sum_{i=1}^{K}")
        return index, first, self.script()

    def indices(self, word: str, layered: bool | None = None) -> tuple[Expression, ...]:
        found: list[Expression] = []
        upper = word in "Wb" if layered is None else layered
        if upper and self.sees("^") and [t.text for t in self.tokens[self.at + 1 : self.at + 3]] == ["{", "("]:
            self.at += 3
            found.append(self.expression())
            self.expect(")", "in an upper layer index")
            self.expect("}", "in an upper layer index")
        while self.sees("[", "_"):
            if word in words.PLAIN and layered is None:
                self.error(f"'{word}' has no indices; a relation is expected")
            if self.takes("["):
                found.append(self.expression())
                while self.takes(","):
                    found.append(self.expression())
                self.expect("]", "after indices")
            else:
                self.advance()
                found += self.subscripts()
        if len(found) > 3 and layered is None:
            self.error(f"{word} has at most 3 indices")
        return tuple(found)

    def subscripts(self) -> list[Expression]:
        if not self.takes("{"):
            return [self.primary()]
        found = [self.subscript()]
        while not self.takes("}"):
            self.takes(",")
            found.append(self.subscript())
        return found

    def subscript(self) -> Expression:
        """Parse one index: letters side by side are several indices, not a product."""
        position = self.next.position
        terms = [self.primary()]
        while self.sees("+", "-"):
            sign = self.advance()
            term = self.primary()
            terms.append(Negate(term, position=sign.position) if sign.text == "-" else term)
        return terms[0] if len(terms) == 1 else Add(tuple(terms), position=position)
