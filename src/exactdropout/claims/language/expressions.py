"""The grammar of expressions, by recursive descent: sums, products, powers, quantities, symbols with indices."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from exactdropout.claims.language import words
from exactdropout.claims.language.author_names import meanings
from exactdropout.claims.language.stream import TokenStream
from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    nested_exponents,
)
from exactdropout.claims.language.tokens import GREEK, WORDS, Token, fail, in_parentheses, tokens

__all__ = ["MAX_EXPONENT", "MAX_NESTING", "ExpressionParser", "Names"]

Names: TypeAlias = Mapping[str, str] | None
MAX_NESTING = 50
MAX_EXPONENT = 64
MAX_FORMULA = 1_000_000  # characters
MAX_FORMULA_DIGITS = 4_000  # of a formula that is read back; Python itself refuses to read longer integers


class ExpressionParser(TokenStream):
    """Parses expressions; the grammar of claims stands on it."""

    def __init__(self, text: str, vocabulary: Mapping[str, bool] | None = None, names: Names = None) -> None:
        """Read the tokens; ``vocabulary`` as for a printed formula, ``names`` as an author gives them."""
        self.vocabulary = vocabulary or {}
        self.formula = vocabulary is not None
        self.meant = meanings(names)
        if vocabulary is None:
            read = tokens(text, {*self.meant})
        else:
            read = tokens(text, {*vocabulary, "step"}, MAX_FORMULA, MAX_FORMULA_DIGITS)
        super().__init__(text, read)
        self.nesting = 0

    def expression(self) -> Expression:
        """Parse a sum."""
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
        """Parse a product, perhaps with a sign."""
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
                self.no_function(product[-1])
                if divided and self.next.text not in words.REPEATED:
                    self.error("'*' or parentheses are needed after a quotient, which reads two ways")
                product.append(self.power())
                divided = False
            else:
                return product[0] if len(product) == 1 else Multiply(tuple(product), position=position)

    def no_function(self, before: Expression) -> None:
        """Refuse what may be the value of a function, or an equation number, in place of a product."""
        if self.formula or not self.sees("("):
            return
        inner = self.tokens[self.at + 1 : self.at + 3]
        alone = len(inner) == 2 and inner[1].text == ")"
        if isinstance(before, Quantity) and alone and inner[0].kind == "number":
            self.error("'*' is needed before a number in parentheses, which may be the number of an equation")
        letter = isinstance(before, Name) and not before.indices and before.name not in words.PRODUCTS
        if letter and isinstance(before, Name) and (alone or before.name in words.FUNCTION_LETTERS):
            self.error(f"'*' is needed after {before.name}, which reads as a function here; relu(z) is the activation")

    def starts_factor(self) -> bool:
        """Return whether a factor without an operator follows."""
        token = self.next
        if token.kind == "name":
            return token.text not in words.ASSUMING | {"is", "in", "and", "under", "minimises", "minimizes"}
        return token.kind == "number" or (token.kind == "operator" and token.text in ("(", "{", "["))

    def power(self) -> Expression:
        """Parse a power."""
        position = self.next.position
        base = self.primary()
        if not self.takes("^"):
            return base
        token = self.next
        if [t.text for t in self.tokens[self.at : self.at + 2]] == ["{", "("] and isinstance(base, Name):
            at = next((k for k in range(self.at, len(self.tokens)) if self.tokens[k].text == ")"), self.at)
            if self.tokens[at + 1].text == "}" and at <= self.at + 3:
                self.error("an index of a layer in parentheses stands at W and b only, as in W^{(1)}_{j,i}")
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
        """Parse a number, a symbol, or what stands in parentheses."""
        token = self.advance()
        if token.kind == "number":
            whole, _, part = token.text.partition(".")
            return Number(Fraction(int(whole + part), 10 ** len(part)), position=token.position)
        if token.kind == "operator":
            for opening, closing in (("(", ")"), ("{", "}"), ("[", "]")):
                if token.text == opening:
                    inner = self.expression()
                    self.expect(closing, f"to close the '{opening}' at position {token.position + 1}")
                    positive = opening != "{" and self.positive_part()
                    return Call("relu", (inner,), position=token.position) if positive else inner
            if token.text == "|":
                inner = self.expression()
                self.expect("|", f"to close the '|' at position {token.position + 1}")
                return Call("abs", (inner,), position=token.position)
        if token.kind == "name":
            return self.named(token)
        self.error("a number, a symbol or a parenthesis is expected", token)

    def positive_part(self) -> bool:
        """Parse the + of (z)_+ or [z]_{+}."""
        ahead = [t.text for t in self.tokens[self.at : self.at + 4]]
        length = 2 if ahead[:2] == ["_", "+"] else 4 if ahead == ["_", "{", "+", "}"] else 0
        self.at += length
        return length > 0

    def named(self, token: Token) -> Expression:
        """Parse what starts with a word."""
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
            self.no_derivative(token)
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
        """Pass over (W) behind J_D or R."""
        if self.sees("(") and self.tokens[self.at + 1].text in {"W", "w"} - self.meant.keys():
            self.at += 2
            self.expect(")", f"after ({self.tokens[self.at - 1].text}")

    def expectation(self, word: str, position: int) -> Expression:
        """Parse E[D], E[D^2], Var[D]."""
        if self.sees("_"):  # E_r and E_R say what the mean is over: the masks
            ahead = [token.text for token in self.tokens[self.at + 1 : self.at + 4]]
            length = 2 if ahead[:1] in (["r"], ["R"]) else 4 if ahead in (["{", "r", "}"], ["{", "R", "}"]) else 0
            if not length:
                self.error("the mean is over masks r; '[D]' is expected")
            self.at += length
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

    def no_derivative(self, token: Token) -> None:
        """Refuse d/dq, which would read as d divided by d q."""
        ahead = self.tokens[self.at : self.at + 60]
        if self.formula or [t.text for t in ahead[:2]] != ["{", "d"]:
            return
        close = next((k for k, t in enumerate(ahead) if t.text == "}" and k + 3 < len(ahead)), None)
        if close is not None and ahead[close + 1].text == "{" and ahead[close + 2].text == "d":
            self.error(
                "a derivative is not part of the grammar (write 'E[D] is constant in q', or 'is nondecreasing in q'); "
                "a quotient is expected",
                token,
            )

    def fraction_part(self) -> Expression:
        """Parse a part of a LaTeX fraction."""
        if self.takes("{"):
            inner = self.expression()
            self.expect("}", "in a fraction")
            return inner
        token = self.next
        if token.kind == "number" and len(token.text) > 1:
            self.error("braces are needed in a fraction of longer numbers", token)
        return self.primary()

    def braced_or_parenthesised(self) -> Expression:
        """Parse the argument of a root."""
        for opening, closing in (("{", "}"), ("(", ")")):
            if self.takes(opening):
                inner = self.expression()
                self.expect(closing, "after the argument of sqrt")
                return inner
        self.error("the argument of sqrt is expected in parentheses or braces")

    def call(self, function: str, position: int) -> Expression:
        """Parse the arguments of a function."""
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
        """Parse a sum or product over indices."""
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
        """Parse an index."""
        token = self.advance()
        if token.kind != "name" or len(token.text) > 1 or token.text in "xwWbyqpnKdDEJR" or token.text in self.meant:
            self.error("an index such as i, j or l is expected", token)
        return token.text

    def range(self) -> tuple[str, Expression, Expression]:
        """Parse i=1..K."""
        index = self.index_name()
        self.expect("=", "in a range such as i=1..K")
        first = self.expression()
        self.expect("..", "in a range such as i=1..K")
        return index, first, self.expression()

    def scripted_range(self) -> tuple[str, Expression, Expression]:
        """Parse the range of a LaTeX sum."""
        self.expect("_", "in a sum such as \\sum_{i=1}^{K}")
        self.expect("{", "in a sum such as \\sum_{i=1}^{K}")
        index = self.index_name()
        self.expect("=", "in a sum such as \\sum_{i=1}^{K}")
        first = self.expression()
        self.expect("}", "in a sum such as \\sum_{i=1}^{K}")
        self.expect("^", "in a sum such as \\sum_{i=1}^{K}")
        return index, first, self.script()

    def indices(self, word: str, layered: bool | None = None) -> tuple[Expression, ...]:
        """Parse the indices of a symbol."""
        found: list[Expression] = []
        upper = word in "Wb" if layered is None else layered
        if upper and self.sees("^") and [t.text for t in self.tokens[self.at + 1 : self.at + 3]] == ["{", "("]:
            self.at += 3
            found.append(self.expression())
            self.expect(")", "in an upper layer index")
            self.expect("}", "in an upper layer index")
        groups = len(found)
        while self.sees("[", "_"):
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
                found += self.subscripts()
        late = [t.text for t in self.tokens[self.at : self.at + 3]] == ["^", "{", "("]
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

    def subscripts(self) -> list[Expression]:
        """Parse what stands behind _."""
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

    def variable(self) -> Name:
        """Parse a symbol."""
        token = self.next
        found = self.power()
        if not isinstance(found, Name):
            self.error("a symbol such as q, y or w[1] is expected", token)
        return found
