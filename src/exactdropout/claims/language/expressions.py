"""The grammar of expressions, by recursive descent: sums, products, powers, quantities, symbols with indices."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

from exactdropout.claims.language import words
from exactdropout.claims.language.author_names import meanings
from exactdropout.claims.language.forms import Entry, Hadamard, Transposed
from exactdropout.claims.language.larger_forms import LargerFormsParser
from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Derivative,
    Divide,
    Expression,
    Limit,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    nested_exponents,
)
from exactdropout.claims.language.tokens import GREEK, WORDS, Token, fail, in_parentheses, likely_meant, tokens

__all__ = ["MAX_EXPONENT", "MAX_NESTING", "ExpressionParser", "Names"]

Names: TypeAlias = Mapping[str, str] | None
MAX_NESTING = 50
_HALVES = (Number(Fraction(1, 2)), Divide(Number(Fraction(1)), Number(Fraction(2))))
MAX_EXPONENT = 64
MAX_FORMULA = 1_000_000  # characters
MAX_FORMULA_DIGITS = 4_000  # of a formula that is read back; Python itself refuses to read longer integers


class ExpressionParser(LargerFormsParser):
    """Parses expressions; the grammar of claims stands on it."""

    def __init__(
        self, text: str, vocabulary: Mapping[str, bool] | None = None, names: Names = None,
        defined: Set[str] = frozenset(), *, one_hidden_layer: bool = False, several_examples: bool = False,
    ) -> None:  # fmt: skip
        """Read the tokens; ``vocabulary`` as for a printed formula, ``names`` as an author gives them.

        ``defined`` are letters that stand for named intermediates, which may have indices.
        """
        self.vocabulary = vocabulary or {}
        self.formula = vocabulary is not None
        self.one_hidden_layer = one_hidden_layer
        self.several_examples = several_examples
        self.indexed = words.INDEXED | ({"X", "y"} if several_examples else set())
        self.meant = meanings(names)
        if vocabulary is None:
            read = tokens(text, {*self.meant})
        else:
            read = tokens(text, {*vocabulary, "step"}, MAX_FORMULA, MAX_FORMULA_DIGITS, formula_names=True)
        super().__init__(text, read)
        self.nesting = 0
        self.mask_letters: set[str] = set()  # what means call their masks
        self.plain: set[str] = set()  # symbols without a meaning in the grammar, outside of means over masks
        self.defined = defined
        self.may_define = not self.formula and any(t.text in ("where", "with") for t in read)

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
        product: list[Any] = [self.power()]
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
            elif self.sees("⊙"):
                self.advance()
                product.append(Hadamard(product.pop(), self.power(), position=position))
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
        alone = len(inner) == 2 and inner[1].text == ")" and inner[0].kind in ("name", "number")
        if isinstance(before, (Derivative, Limit)) and alone:
            self.error("'*' is needed, since a derivative before (0) reads two ways, as a factor and as its value at 0")
        if isinstance(before, (Quantity, Power, Call, Repeated)) and alone and inner[0].kind == "number":
            self.error("'*' is needed before a number in parentheses, which may be the number of an equation")
        if isinstance(before, Name) and (alone or (before.name in words.FUNCTION_LETTERS and not before.indices)):
            declared = "; relu(z) is the activation, which names may call sigma" if before.name == "sigma" else ""
            output = "" if before.name == "sigma" else "the criterion is J_D, the output of the network is W(x), "
            self.fail_at(
                self.next.position,
                f"'*' is needed after {before.name}, which reads as a function here"
                f"{declared or f'; {output}the activation relu(z)'}.",
            )

    def starts_factor(self) -> bool:
        """Return whether a factor without an operator follows."""
        token = self.next
        if token.kind == "name":
            return token.text not in words.NOT_A_FACTOR
        if token.text == "|" and self.texts(2, 1) == ["_", "{"]:  # J_D |_{q=0}
            return False
        if token.text in ("|", "‖") and token.kind == "operator":
            return self.bars != token.text and not self.formula
        return token.kind == "number" or (token.kind == "operator" and token.text in ("(", "{", "[", "⟨"))

    def power(self) -> Any:
        """Parse a power."""
        position = self.next.position
        base = self.primary()
        if not self.takes("^"):
            return base
        token = self.next
        if not self.formula and isinstance(base, Name) and self.star():
            return base
        if base == Name("e") and not self.formula and "e" not in self.meant and self.lone_base("e"):
            self.error(
                "e^z reads as the exponential function, which is not part of the grammar; a bound in powers, or "
                "another letter for the base, is expected", token
            )  # fmt: skip
        if not self.formula and (
            self.sees("T", "⊤") or (self.texts(3)[::2] == ["{", "}"] and self.texts(2)[1] in "T⊤")
        ):
            self.at += 3 if self.sees("{") else 1
            return Transposed(base, position=position)
        if [t.text for t in self.tokens[self.at : self.at + 2]] == ["{", "("] and isinstance(base, Name):
            at = next((k for k in range(self.at, len(self.tokens)) if self.tokens[k].text == ")"), self.at)
            if self.tokens[at + 1].text == "}" and at <= self.at + 3:
                self.error("an index of a layer in parentheses stands at W and b only, as in W^{(1)}_{j,i}")
        exponent = self.script()
        if self.sees("^"):
            self.error("parentheses are needed: a power of a power reads two ways")
        if not self.formula and exponent in _HALVES:
            return Call("sqrt", (base,), position=position)
        found = Power(base, exponent, position=position)
        if (degree := nested_exponents(found)) > MAX_EXPONENT:
            fail(
                self.text,
                token.position,
                f"an exponent is at most {MAX_EXPONENT}, nested ones multiplied, not {degree}.",
            )
        return found

    def star(self) -> bool:
        """Go behind the star of w^*, the name of a minimiser, where the claim names one."""
        length = 1 if self.sees("*") else 3 if self.texts(3) == ["{", "*", "}"] else 0
        if length and not any(t.text in words.MINIMISING for t in self.tokens):
            self.error("w^* is read as a minimiser, 'w^* = ... is a minimiser of J_D'; an exponent is expected")
        self.at += length
        return length > 0

    def lone_base(self, letter: str) -> bool:
        """Return whether a letter stands in powers of it alone, so that nothing says what it is."""
        ahead = zip(self.tokens, self.tokens[1:], strict=False)
        return all(after.text == "^" for token, after in ahead if token.text == letter and token.kind == "name")

    def script(self) -> Any:
        """Parse what stands after ``^``: a braced expression, or a signed atom."""
        if self.takes("{"):
            inner = self.expression()
            self.expect("}", "after an exponent")
            return inner
        if self.sees("-"):
            sign = self.advance()
            return Negate(self.primary(), position=sign.position)
        return self.primary()

    def primary(self) -> Any:
        """Parse a number, a symbol, or what stands in parentheses."""
        token = self.advance()
        if token.kind == "number":
            whole, _, part = token.text.partition(".")
            return Number(Fraction(int(whole + part), 10 ** len(part)), position=token.position)
        if token.kind == "operator":
            for opening, closing in (("(", ")"), ("{", "}"), ("[", "]")):
                if token.text == opening:
                    bars, self.bars = self.bars, ""
                    inner: Any = self.expression()
                    self.bars = bars
                    self.expect(closing, f"to close the '{opening}' at position {token.position + 1}")
                    if isinstance(inner, Hadamard):
                        inner = replace(inner, grouped=True)
                    positive = opening != "{" and self.positive_part()
                    if opening != "{" and not self.formula and self.sees("_") and self.texts(1, 1)[0] not in ("+", ""):
                        inner, positive = self.entry_of(inner, token)
                    return Call("relu", (inner,), position=token.position) if positive else inner
            if token.text == "‖" and not self.formula:
                return self.norm(token.position)
            if token.text == "⟨":
                return self.inner_product(token.position)
            if token.text == "|":
                if self.sees("|") and self.next.position == token.position + 1 and not self.formula:
                    self.advance()
                    return self.norm(token.position, bars="|")
                bars, self.bars = self.bars, "|"
                inner = self.expression()
                self.bars = bars
                self.expect("|", f"to close the '|' at position {token.position + 1}")
                return Call("abs", (inner,), position=token.position)
        if token.kind == "name":
            return self.named(token)
        self.error("a number, a symbol or a parenthesis is expected", token)

    def entry_of(self, inner: Any, token: Token) -> tuple[Any, bool]:
        """Parse the index of (W x)_j or [W x]_{+,j}; return the entry, and whether it is the positive part."""
        positive = self.texts(4)[:2] == ["_", "{"] and self.texts(2, 2) == ["+", ","]
        if positive:
            self.at += 4
            found = [self.subscript()]
            self.expect("}", "after an index")
        else:
            self.advance()
            found = self.subscripts()
        return Entry(inner, tuple(found), position=token.position), positive

    def positive_part(self) -> bool:
        """Parse the + of (z)_+ or [z]_{+}."""
        ahead = [t.text for t in self.tokens[self.at : self.at + 4]]
        length = 2 if ahead[:2] == ["_", "+"] else 4 if ahead == ["_", "{", "+", "}"] else 0
        self.at += length
        return length > 0

    def named(self, token: Token) -> Any:
        """Parse what starts with a word."""
        word, position = token.text, token.position
        if word in self.vocabulary:
            return Name(word, self.indices(word, self.vocabulary[word]), position=position)
        if word in self.meant:
            meant = self.meant[word]
            if meant is None and not (word == "W" and self.sees("(")):
                self.error(f"the name that was given to {word} is expected", token)
            if meant == "relu":
                return self.call("relu", position)
            if meant is not None and meant not in self.indexed and self.sees("[", "_"):
                self.error(f"the symbol {word} has no indices; an operator is expected")
            if meant is not None:
                return Name(meant, self.indices(meant) if meant in self.indexed else (), position=position)
        if (sloped := self.slash_derivative(token)) is not None:
            return sloped
        if word == "lim":
            return self.limit(token)
        if word == "diff":
            return self.in_call("diff", token)
        if word == "nabla" or (word == "partial" and self.sees("_")):
            return self.gradient(token)
        if word == "step" and self.formula:
            return self.call(word, position)
        if word in words.QUANTITY_WORDS:
            self.of_weights()
            return Quantity(words.QUANTITY_WORDS[word], position=position)
        if word == "second":
            self.expect("moment", "after 'second'")
            return Quantity("second_moment", position=position)
        if word == "frac":
            if (derivative := self.derivative(token)) is not None:
                return derivative
            top = self.fraction_part()
            return Divide(top, self.fraction_part(), position=position)
        if word == "sqrt":
            return Call("sqrt", (self.braced_or_parenthesised(),), position=position)
        if word in words.FUNCTIONS:
            return self.call(words.FUNCTIONS[word], position)
        if word in words.REPEATED:
            return self.repeated(words.REPEATED[word], position)
        if word in ("diag", "Diag", "tr", "Tr", "trace"):
            return self.of_matrix(word, position)
        if word == "binom":
            return self.binomial(position)
        if word == "J":
            self.expect("_", "in J_D")
            braced = self.takes("{")
            self.expect("D", "in J_D")
            if braced:
                self.expect("}", "in J_{D}")
            self.of_weights()
            return Quantity("criterion", position=position)
        if word == "R" and self.random and self.several_examples:  # masks R[s,i] of a design
            return Name(word, self.indices(word), position=position)
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
            return self.random_output(token)
        if word == (self.mask_letter or "r") and self.random and (self.mask_letter or self.sees("_", "[")):
            self.mask_letters.add(word)
            return Name("r", self.indices("r"), position=position)
        if word in self.indexed or word in words.PLAIN:
            squared = self.power_before_index(word, position)
            return Name(word, self.indices(word), position=position) if squared is None else squared
        if word in ("partial", "arg", "argmin"):
            self.error(
                "a derivative is written \\frac{\\partial J_D}{\\partial w_1} or dJ_D/dq, a minimiser 'w[1] = ... is a "
                "minimiser of J_D'; a symbol is expected here",
                token,
            )
        if word in words.DIRECTIONS:
            self.error(
                f"'is' is expected before '{word}', as in 'J_D is {word} in q'; a symbol is expected here", token
            )
        if " " in word:  # a letter with an accent
            accent, letter = word.split()
            if not (self.may_define or word in self.defined):
                self.error(
                    f"\\{accent} makes another symbol of a letter, and none with an accent has a meaning of its own: a "
                    "masked input is written r_i x_i/p inside a mean, or defined behind the claim, "
                    f"'... where \\{accent}{{{letter}}}_i = r_i x_i/p', and a minimiser 'w[1] = ... is a minimiser of "
                    "J_D'; another symbol is expected",
                    token,
                )
            return Name(word, self.indices(word) if self.sees("[", "_") else (), position=position)
        if (word in WORDS and word != "a") or (len(word) > 1 and word not in GREEK):
            self.error(f"a quantity or a symbol is expected ({words.GREEK_OR_LETTER}){likely_meant(word)}", token)
        if self.sees("[", "_") and (self.may_define or word in self.defined):
            return Name(word, self.indices(word), position=position)
        if self.sees("[", "_") and not self.is_positive_part() and self.texts(2)[:2] != ["_", "+"]:
            group = "W" if word.isupper() else "w"
            self.fail_at(
                self.next.position,
                f"the symbol {word} has no indices, and an operator is expected; if {word} is what the grammar calls "
                f"{group}, say so: names={{'{group}': '{word}'}}, or --name {group}={word}; a letter of your own is "
                f"defined behind the claim, '... where {word}_j = ...', or in a document by a formula before it.",
            )
        if word in self.mask_letters:
            self.error(
                f"{word} is the name of masks in a mean here, and something else outside; an operator is expected",
                token,
            )
        self.plain.add(word)
        return Name(word, (), position=position)

    def power_before_index(self, word: str, position: int) -> Expression | None:
        """Parse w^2_i, the square of w_i, as TeX sets it."""
        number, index = (2, 4) if self.texts(1, 1) == ["{"] else (1, 2)
        if self.formula or not self.sees("^") or self.texts(1, index) != ["_"]:
            return None
        token = self.tokens[self.at + number]
        if token.kind != "number" or word in "Wb":
            self.error(f"write ({word}_{{...}})^2 for a power, and W^{{(l)}} for a layer; an operator is expected")
        self.at += index
        return Power(Name(word, self.indices(word), position=position), Number(Fraction(token.text)), position=position)

    def summand(self) -> Expression:
        """Parse what a LaTeX sum extends over: the product behind it."""
        return self.term()

    def of_weights(self) -> None:
        """Pass over (W), (w, b) or (theta) behind a quantity, where these say what it depends on."""
        if not self.sees("("):
            return
        at, letters = self.at + 1, list[str]()
        known = words.PARAMETERS - self.meant.keys()
        while self.tokens[at].text in known | (words.SETTINGS_OF if letters else set()):
            letters.append(self.tokens[at].text)
            at += 1 + (self.tokens[at + 1].text in (",", ";"))
        if self.tokens[at].text != ")" or letters in ([], ["b"]):
            return
        elsewhere = sum(t.text == "theta" for t in self.tokens) - sum(
            a.text in ("(", ",") and t.text == "theta" and b.text in (")", ",")
            for a, t, b in zip(self.tokens, self.tokens[1:], self.tokens[2:], strict=False)
        )
        if "theta" in letters and elsewhere:
            return
        self.at = at + 1

    def braced_or_parenthesised(self) -> Expression:
        """Parse the argument of a root."""
        for opening, closing in (("{", "}"), ("(", ")")):
            if self.takes(opening):
                inner = self.expression()
                self.expect(closing, "after the argument of sqrt")
                return inner
        self.error("the argument of sqrt is expected in parentheses or braces")
