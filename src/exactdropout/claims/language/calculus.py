r"""The grammar of derivatives and limits: \frac{\partial F}{\partial w_i}, dF/dq, \nabla_w F, \lim_{q \to 0} F."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

from exactdropout.claims.language.symbols import SymbolParser
from exactdropout.claims.language.syntax import Derivative, Divide, Limit, Name, Negate
from exactdropout.claims.language.tokens import Token

__all__ = ["INFINITY", "CalculusParser"]

INFINITY = Name("infty")
_DERIVED = ("J", "R", "E", "Var", "W", "penalty", "criterion", "risk", "variance", "mean")


class CalculusParser(SymbolParser):
    """Parses derivatives and limits; both extend over the product behind them."""

    @abstractmethod
    def summand(self) -> Any:
        """Parse what a LaTeX sum extends over."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Return whether a factor without an operator follows."""

    def derivative(self, token: Token) -> Any | None:
        r"""Parse \frac{d F}{d q}, \frac{d}{d q} F and the same with \partial; None where it is a plain fraction."""
        sign = self.texts(1, 1)
        if self.formula or not self.sees("{") or sign not in (["d"], ["partial"]):
            return None
        close = self.closing(self.at)
        if close is None or self.tokens[close + 1].text != "{" or self.tokens[close + 2].text != sign[0]:
            return None
        self.at += 2
        order = self.order(token) if self.sees("^") else 1
        operand = None if self.sees("}") else self.expression()
        self.expect("}", "in a derivative")
        self.at += 1
        variables: list[Name] = []
        while self.takes(sign[0]):
            variable = self.variable_of_derivative()
            variables += [variable] * (self.order(token) if self.sees("^") else 1)
        self.expect("}", "in a derivative")
        if len(variables) != order:
            self.error(f"a derivative of order {order} names {order} variable(s), not {len(variables)}; it is", token)
        return self.derived(operand, variables, token)

    def order(self, token: Token) -> int:
        """Parse the order of a derivative."""
        self.advance()
        braced = self.takes("{")
        if not self.sees("1", "2"):
            self.error("derivatives of higher order than 2 are not part of the grammar; 2 is expected", token)
        number = int(self.advance().text)
        if braced:
            self.expect("}", "after the order of a derivative")
        return number

    def variable_of_derivative(self) -> Name:
        """Parse a symbol, without the power behind it, which is the order."""
        token = self.next
        found = self.primary()
        if not isinstance(found, Name):
            self.error("a symbol such as q, y or w[1] is expected", token)
        return found

    def derived(self, operand: Any, variables: list[Name], token: Token) -> Any:
        """Return a derivative, of what stands behind it where nothing stands in it."""
        if operand is None:
            operand = self.power()
            if self.starts_factor() or self.sees("*", "/"):
                self.error("parentheses are needed around what is derived; a relation is expected")
        for variable in variables:
            operand = Derivative(operand, variable, position=token.position)
        return operand

    def slash_derivative(self, token: Token) -> Any | None:
        """Parse dJ_D/dq and ∂J_D/∂q from their first sign; None where it is a product, such as d J_D."""
        start, tokens, word = self.at, self.tokens, token.text
        if self.formula:
            return None
        if word[0] == "d" and word[1:] in _DERIVED:  # one word in text, letters in LaTeX
            self.tokens = [*tokens]
            self.at -= 1
            self.tokens[self.at] = replace(token, text=word[1:], position=token.position + 1)
        else:
            apart = word == "d" and self.next.position != token.position + 1
            if word not in ("d", "partial") or not self.sees(*_DERIVED) or apart:
                return None
        operand = self.power()
        if self.takes("/"):
            sign = self.next
            if word == "partial" and self.takes("partial"):
                return self.derived(operand, [self.variable_of_derivative()], token)
            if word != "partial" and sign.kind == "name" and sign.text[0] == "d" and len(sign.text) == 2:
                self.tokens = [*self.tokens]
                self.tokens[self.at] = replace(sign, text=sign.text[1:], position=sign.position + 1)
                return self.derived(operand, [self.variable_of_derivative()], token)
            if word != "partial" and sign.text == "d" and self.tokens[self.at + 1].position == sign.position + 1:
                self.advance()
                return self.derived(operand, [self.variable_of_derivative()], token)
        self.at, self.tokens = start, tokens
        return None

    def gradient(self, token: Token) -> Any:
        r"""Parse \nabla_w F and \partial_q F from their first sign."""
        self.expect("_", f"after \\{token.text}, which names what is varied, as in \\nabla_w J_D")
        braced = self.takes("{")
        variable = self.variable_of_derivative()
        if braced:
            self.expect("}", "after what is varied")
        return self.derived(None, [variable], token)

    def in_call(self, word: str, token: Token) -> Any:
        """Parse diff(F, q) and lim(F, q -> 0)."""
        self.expect("(", f"after {word}")
        operand = self.expression()
        self.expect(",", f"in {word}(F, q ...)")
        if word == "diff":
            found: Any = Derivative(operand, self.variable_of_derivative(), position=token.position)
        else:
            found = replace(self.approach(token), operand=operand)
        self.expect(")", f"after {word}(F, q ...")
        return found

    def limit(self, token: Token) -> Any:
        r"""Parse \lim_{q \to 0} F, which extends over the product behind it."""
        if self.sees("("):
            return self.in_call("lim", token)
        self.expect("_", "in a limit such as \\lim_{q \\to 0}")
        self.expect("{", "in a limit such as \\lim_{q \\to 0}")
        found = self.approach(token)
        self.expect("}", "in a limit such as \\lim_{q \\to 0}")
        return replace(found, operand=self.summand())

    def approach(self, token: Token) -> Limit:
        """Parse q -> 0, perhaps from one side, q -> 0^+; what goes there is put in by the caller."""
        variable = self.variable_of_derivative()
        monotone = {"↑": "-", "↓": "+"}.get(self.next.text, "")
        if monotone:
            self.advance()
        else:
            self.expect("->", "in a limit such as q -> 0")
        minus = self.sees("-", "+") and self.advance().text == "-"
        if self.takes("infty"):
            if minus or monotone == "+":
                self.error("a limit goes to a number or to infinity; 'infty' is expected", token)
            return Limit(variable, variable, INFINITY, position=token.position)
        target: Any = self.primary()
        if self.takes("/"):
            from_top, bottom = target, self.primary()
            target = Divide(from_top, bottom)
        side: Any = monotone
        if not monotone and self.takes("^"):
            braced = self.takes("{")
            if not self.sees("+", "-"):
                self.error("'+' or '-' is expected, the side from which the limit is taken")
            side = self.advance().text
            if braced:
                self.expect("}", "after the side of a limit")
        return Limit(variable, variable, Negate(target) if minus else target, side, position=token.position)

    def closing(self, start: int) -> int | None:
        """Return where the brace that opens at a place is closed."""
        depth = 0
        for at in range(start, len(self.tokens)):
            depth += {"{": 1, "}": -1}.get(self.tokens[at].text, 0)
            if not depth:
                return at
        return None
