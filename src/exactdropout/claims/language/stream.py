"""The tokens of a claim as a stream: look ahead, take, expect, and fail at the exact place."""

from __future__ import annotations

from typing import NoReturn

from exactdropout.claims.language.tokens import Token, fail

__all__ = ["TokenStream"]


class TokenStream:
    """The state of a parser: text, tokens and the place among them."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        """Start at the first token."""
        self.text, self.tokens, self.at = text, tokens, 0

    @property
    def next(self) -> Token:
        """Return the next token."""
        return self.tokens[self.at]

    def advance(self) -> Token:
        """Return the next token and go behind it."""
        token = self.next
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        """Return whether the next token is one of some texts."""
        return self.next.kind != "end" and self.next.text in texts

    def takes(self, *texts: str) -> bool:
        """Go behind the next token if it is one of some texts, and say whether it was."""
        found = self.sees(*texts)
        self.at += found
        return found

    def expect(self, text: str, where: str) -> Token:
        """Return the next token, which must be a given text."""
        if not self.sees(text):
            self.error(f"'{text}' is expected {where}")
        return self.advance()

    def error(self, expected: str, token: Token | None = None) -> NoReturn:
        """Fail at a token, the next one by default."""
        token = token or self.next
        came = "the end" if token.kind == "end" else f"'{token.text}'"
        expected, meant, what = expected.partition("; did you mean")
        fail(self.text, token.position, f"{expected}, not {came}{meant}{what}{'' if meant else '.'}")

    def fail_at(self, position: int, message: str) -> NoReturn:
        """Fail at a place of the text."""
        fail(self.text, position, message)

    def end(self) -> None:
        """Fail unless everything is read."""
        if self.next.kind != "end":
            self.error("the claim should end here, or continue with an operator")
