"""The grammar of norms, matrices, means, sums, binomial coefficients and derivatives, as papers write them."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from dataclasses import replace
from typing import Any

from exactdropout.claims.language import words
from exactdropout.claims.language.calculus import CalculusParser
from exactdropout.claims.language.forms import (
    Binomial,
    Diagonal,
    Inner,
    Mean,
    Norm,
    Trace,
    Unranged,
)
from exactdropout.claims.language.syntax import Add, Call, Name, Number, Quantity, Repeated, walk
from exactdropout.claims.language.tokens import Token

__all__ = ["LargerFormsParser"]

_OF_OUTPUT = frozenset({"x", "w", "W", "r", "R", "theta", ",", "b"})
_NORMS = {"2": "2", "F": "F", "1": "1"}
_OVER = frozenset(
    {"r", "R", "x", "y", "P", "D", "Bern", "Bernoulli", "Ber", "~", "p", "(", ")", ",", "{", "}", "_", "i"}
)


class LargerFormsParser(CalculusParser):
    """Parses what is larger than a symbol and has a form of its own."""

    random = 0
    """How many means are open: in them D and r_i are random."""
    mask_letter = ""
    """What the mean that is open calls its masks, where that is not r."""
    mask_letters: set[str]
    plain: set[str]
    bars = ""
    """The kind of bars that are open, which the next of their kind close."""

    def norm(self, position: int, bars: str = "‖") -> Any:
        """Parse what stands in double bars, and the kind behind them."""
        bars, self.bars = self.bars, bars
        inner = self.expression()
        self.bars = bars
        if self.texts(2) == ["|", "|"]:
            self.at += 2
        else:
            self.expect("‖", "to close the norm")
        return Norm(inner, self.norm_kind(), position=position)  # type: ignore[arg-type]

    def norm_kind(self) -> str:
        """Parse the index of a norm."""
        if not self.sees("_"):
            return ""
        token = self.next
        braced = self.texts(1, 1) == ["{"]
        kind = "".join(self.texts(1, 1 + braced))
        if kind not in _NORMS or (braced and self.texts(1, 3) != ["}"]):
            self.error(
                "a norm is Euclidean, \\|z\\|_2, Frobenius, \\|A\\|_F, or the sum \\|z\\|_1; an operator is expected",
                token,
            )
        self.at += 4 if braced else 2
        return _NORMS[kind]

    def inner_product(self, position: int) -> Any:
        """Parse ⟨a, b⟩."""
        left = self.expression()
        if not self.takes(",", "|"):
            self.error("',' is expected in an inner product")
        right = self.expression()
        self.expect("⟩", "to close the inner product")
        return Inner(left, right, position=position)

    def of_matrix(self, word: str, position: int) -> Any:
        """Parse diag(...) and tr(...)."""
        if self.takes("("):
            inner = self.expression()
            self.expect(")", f"after {word}(")
        else:
            inner = self.power()
        return (Diagonal if word in ("diag", "Diag") else Trace)(inner, position=position)

    def binomial(self, position: int) -> Any:
        """Parse the two parts of a binomial coefficient."""
        if self.takes("("):
            top = self.expression()
            self.expect(",", "in binom(n, k)")
            bottom = self.expression()
            self.expect(")", "after binom(n, k")
        else:
            top = self.fraction_part()
            bottom = self.fraction_part()
        return Binomial(top, bottom, position=position)

    def expectation(self, word: str, position: int) -> Any:
        """Parse E[D], E[D^2], Var[D], and the mean or variance of another expression in D or in masks."""
        outside, examples_alone = self.mask_letter, self.over_examples_alone(word)
        self.mask_letter = self.mean_over() or self.mask_letter
        while word == "E" and self.sees("E"):  # the mean over examples of the mean over masks
            self.advance()
            examples_alone = self.over_examples_alone(word)
            self.mask_letter = self.mean_over() or self.mask_letter
        if word == "E" and self.sees("Var") and self.texts(1, 1)[0] in ("[", "(", "_", "D"):
            return self.expectation("Var", self.advance().position)
        closing = {"[": "]", "(": ")", "{": "}"}.get(self.next.text)
        if closing is None and not self.sees("D", "‖"):
            self.error(f"'[D]' is expected after {word}")
        name = "variance" if word == "Var" else "mean"
        if closing:
            self.advance()
        bars, self.bars = self.bars, ""
        self.random += not examples_alone
        body = self.expression() if closing else self.power()
        self.random -= not examples_alone
        self.bars, self.mask_letter = bars, outside
        if closing:
            self.expect(closing, f"to close {word}[D")
            if closing != "]" and self.sees("^") and body not in (Name("D"), words.SQUARED_OUTPUT):
                self.error(f"{word}(z)^2 reads two ways: {word}[z^2] or ({word}[z])^2 is expected")
        if body == Name("D"):
            return Quantity(name, position=position)
        if word == "E" and body == words.SQUARED_OUTPUT:
            return Quantity("second_moment", position=position)
        return Mean(name, body, position=position)  # type: ignore[arg-type]

    def over_examples_alone(self, word: str) -> bool:
        """Return whether a subscript follows that names inputs or labels and no masks: D stays random under it.

        E over (x, y) of P is the mean over everything: no other reading makes a number of (D - y)^2.
        """
        if not self.sees("_"):
            return False
        length = 1
        if self.texts(1, 1) == ["{"]:
            length = sum(1 for _ in itertools.takewhile(lambda t: t.text != "}", self.tokens[self.at + 1 :]))
        named = set(self.texts(length, 1))
        if not named & {"x", "y", "P"} or named & {"r", "R", *words.MASK_LETTERS}:
            return False
        return word != "E" or not (named >= {"x", "y"} or "P" in named)

    def mean_over(self) -> str:
        """Pass over what the mean is over: masks r, perhaps with their law Bern(p), or examples (x, y) of P.

        Return what the masks are called, where that is not r.
        """
        if not self.sees("_"):
            return ""
        token = self.next
        if self.texts(1, 1) != ["{"]:
            inner, length = self.texts(1, 1), 2
        else:
            depth, at = 0, self.at + 1
            while at < len(self.tokens):
                depth += {"{": 1, "}": -1}.get(self.tokens[at].text, 0)
                if not depth:
                    break
                at += 1
            inner = [t.text for t in self.tokens[self.at + 2 : at]]
            length = at + 1 - self.at
        called = next((t for t in inner if t in words.MASK_LETTERS), "")
        if called and (called in self.meant or called in self.plain):
            self.error(f"{called} means something else in this claim; masks are called r, and '[D]' is expected", token)
        if called:
            self.mask_letters.add(called)
            inner = [t for t in inner if t != called] or ["r"]
        keeps = {"p", *(letter for letter, meaning in self.meant.items() if meaning == "p")} - {
            letter for letter, meaning in self.meant.items() if meaning != "p"
        }
        law = [
            t for k, t in enumerate(inner) if k and inner[k - 1] == "(" and inner[k - 2] in ("Bern", "Bernoulli", "Ber")
        ]
        if not inner or any(t not in _OVER | keeps for t in inner) or any(t not in keeps for t in law):
            self.error("the mean is over masks r, kept with probability p (r ~ Bern(p)); '[D]' is expected", token)
        self.at += length
        return called

    def random_output(self, token: Token) -> Any:
        """Parse D, perhaps as D(x), where a mean is open."""
        if not self.random:
            self.error(
                "D stands in E[D], E[D^2] or Var[D], since it is random, under a mean over examples alone too; claims "
                "about every mask have no engine; a symbol is expected here",
                token,
            )
        if self.sees("_") and self.texts(1, 1)[0] in ("r", "R"):
            self.at += 2
        if self.sees("("):
            at = self.at + 1
            while at < len(self.tokens) and self.tokens[at].text in _OF_OUTPUT:
                at += 1
            if at > self.at + 1 and self.tokens[at].text == ")":
                self.at = at + 1
        return Name("D", (), position=token.position)

    def fraction_part(self) -> Any:
        """Parse a part of a LaTeX fraction."""
        if self.takes("{"):
            inner = self.expression()
            self.expect("}", "in a fraction")
            return inner
        token = self.next
        if token.kind == "number" and len(token.text) > 1 and token.text.isdecimal():  # \frac12 is 1/2, as TeX sets it
            digits = [replace(token, text=token.text[:1]), Token("number", token.text[1:], token.position + 1)]
            self.tokens = [*self.tokens[: self.at], *digits, *self.tokens[self.at + 1 :]]
        elif token.kind == "number" and len(token.text) > 1:
            self.error("braces are needed in a fraction of longer numbers", token)
        return self.primary()

    def repeated(self, kind: Any, position: int) -> Any:
        """Parse a sum or product over indices."""
        if self.sees("("):
            return self.repeated_in_text(kind, position)
        body_of = self.scripted_range(kind, position)
        bars, self.bars = self.bars, ""
        body = self.summand()
        self.bars = bars
        return body_of(body)

    @abstractmethod
    def summand(self) -> Any:
        """Parse what a LaTeX sum extends over."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Return whether a factor without an operator follows."""

    def repeated_in_text(self, kind: Any, position: int) -> Any:
        """Parse Sum(w[i], i=1..K), or Sum(w[i], i) over all entries."""
        self.advance()
        body = self.expression()
        if self.sees("for"):
            return self.comprehension(kind, body, position)
        ranges: list[tuple[str, Any, Any]] = []
        free: list[str] = []
        while self.takes(","):
            if not ranges and self.next.kind == "name" and self.texts(1, 1)[0] in (",", ")"):
                free.append(self.index_name())
            else:
                ranges.append(self.range())
        if not ranges and not free:
            self.error("a range such as i=1..K is expected")
        self.expect(")", f"after the ranges of the {kind}")
        for index, first, last in reversed(ranges):
            body = Repeated(kind, index, first, last, body, position=position)
        return Unranged(kind, tuple(free), "", None, None, body, position=position) if free else body

    def comprehension(self, kind: Any, body: Any, position: int) -> Any:
        """Parse "for i in range(K)" of Python over all entries, where it makes no difference what i counts from."""
        told = "a range such as i=1..K is expected, which counts from 1 and holds its end"
        token = self.advance()
        index = self.index_name()
        if self.texts(3) != ["in", "range", "("]:
            self.error(told, token)
        self.at += 3
        last, one = self.expression(), Number(words.ONE)
        if last == one and self.takes(","):  # range(1, K+1) counts from 1
            end = self.expression()
            if not isinstance(end, Add) or end.terms[1:] != (one,):
                self.error(told, token)
            self.expect(")", "after range(1, K+1")
            self.expect(")", f"after the range of the {kind}")
            return Repeated(kind, index, one, end.terms[0], body, position=position)
        self.expect(")", "after range(K")
        self.expect(")", f"after the range of the {kind}")
        places = [i for node in walk(body) if isinstance(node, Name) for i in node.indices]
        if sum(node == Name(index) for node in walk(body)) > places.count(Name(index)):
            self.error(f"{told}, since {index} is more than the index of an entry here", token)
        units = [i for n in walk(body) if isinstance(n, Name) for i in (n.indices[-2:] if n.name == "W" else n.indices)]
        if any(isinstance(i, Number) for i in units):
            self.error(f"{told}, since an entry that is named by a number may count from 0 here", token)
        return Unranged(kind, (index,), "", None, last, body, position=position)

    def scripted_range(self, kind: Any, position: int) -> Any:
        r"""Parse what stands under and over a LaTeX sum: \sum_{i=1}^{K}, \sum_i, \sum_{i,j=1}^K, \sum_{i \ne j}."""
        self.expect("_", "in a sum such as \\sum_{i=1}^{K}")
        if self.texts(4, 0)[:1] == ["{"] and self.texts(1, 2) in (["<="], ["in"]):
            return self.range_of_set(kind, position)
        if not self.takes("{"):
            indices, relation, first = [self.index_name()], "", None
        else:
            indices, relation, first = [self.index_name()], "", None
            while self.takes(","):
                indices.append(self.index_name())
            if self.takes("!=", "<"):
                relation = self.tokens[self.at - 1].text
                indices.append(self.index_name())
            elif self.takes("="):
                first = self.expression()
            elif self.sees("in", "<=", ">"):
                self.error("a range is written \\sum_{i=1}^{K}; '=', '\\ne' or '<' is expected")
            self.expect("}", "in a sum such as \\sum_{i=1}^{K}")
        last = self.script() if self.takes("^") else None
        if (first is None) != (last is None) and not (relation and last is not None):
            self.error("both ends are needed in a sum such as \\sum_{i=1}^{K}; '^' is expected")
        if len(set(indices)) < len(indices) or (relation and len(indices) != 2):
            self.error("a sum has each index once, and a relation between two; a summand is expected")

        def around(body: Any) -> Any:
            if first is not None and last is not None and not relation:
                for index in reversed(indices):
                    body = Repeated(kind, index, first, last, body, position=position)
                return body
            return Unranged(kind, tuple(indices), relation, None, last, body, position=position)  # type: ignore[arg-type]

        return around

    def range_of_set(self, kind: Any, position: int) -> Any:
        r"""Parse \sum_{1 \le i \le K}, \sum_{i \in [K]} and \sum_{i \in \{1, \dots, K\}}."""
        told = "a range is written \\sum_{i=1}^{K}; '=', '\\ne' or '<' is expected"
        self.advance()
        token = self.next
        if token.text == "1" and self.texts(1, 1) == ["<="]:
            self.at += 2
            index = self.index_name()
            self.expect("<=", "in a sum such as \\sum_{1 \\le i \\le K}")
            last = self.expression()
        else:
            index = self.index_name()
            if not self.takes("in"):
                self.error(told)
            listed = self.texts(5)
            if self.takes("["):
                last = self.expression()
                self.expect("]", "in a sum such as \\sum_{i \\in [K]}")
            elif listed == ["(", "1", ",", "..", ","]:
                self.at += 5
                last = self.expression()
                self.expect(")", "in a sum such as \\sum_{i \\in \\{1, \\dots, K\\}}")
            else:
                self.error(told)
        self.expect("}", "in a sum such as \\sum_{i=1}^{K}")
        if self.sees("^"):
            self.error("a sum over a set has no upper end; a summand is expected")
        one = Number(words.ONE)
        return lambda body: Repeated(kind, index, one, last, body, position=position)

    def call(self, function: str, position: int) -> Any:
        """Parse the arguments of a function."""
        if function in ("max", "min") and self.sees("_"):
            self.error(
                f"{function} over something is not part of the grammar: write the bound and where it is attained as "
                "two claims, J_D >= c and w = ... is a minimiser of J_D; '(' is expected"
            )
        pairs = {"(": ")", "{": "}", "[": "]"}
        opening = self.next.text
        if opening not in pairs or (opening != "(" and function not in ("max", "min", "relu")):
            self.expect("(", f"after {function}")
        self.advance()
        bars, self.bars = self.bars, ""
        arguments = [self.expression()]
        while self.takes(","):
            arguments.append(self.expression())
        self.bars = bars
        self.expect(pairs[opening], f"after the arguments of {function}")
        wanted = "at least two" if function in ("max", "min") else "one"
        if (len(arguments) > 1) != (function in ("max", "min")):
            self.fail_at(position, f"{function} has {wanted} argument(s), not {len(arguments)}.")
        return Call(function, tuple(arguments), position=position)
