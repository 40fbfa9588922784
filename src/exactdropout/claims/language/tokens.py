"""From text or pasted LaTeX to one stream of tokens."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal, NoReturn

from exactdropout.claims.language.typesetting import SPACE, without_typesetting
from exactdropout.errors import InvalidInput

__all__ = [
    "GREEK",
    "MAX_CHARACTERS",
    "MAX_DIGITS",
    "MAX_TOKENS",
    "WORDS",
    "Token",
    "fail",
    "in_parentheses",
    "likely_meant",
    "tokens",
]

MAX_CHARACTERS = 10_000
MAX_TOKENS = 3_000
MAX_DIGITS = 60
MAX_LETTERS = 3
"""Letters side by side that LaTeX shows as a product; more are a word."""

_NUMBER = re.compile(r"[0-9]+(?:\.(?!\.)[0-9]*)?")
_EXPONENT = re.compile(r"[eE][+-]?[0-9]")
_WORD = re.compile(r"[A-Za-z]+")
_LATEX = re.compile(r"\\|[_^]\{")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_ACCENT = re.compile(
    r"\\(?:wide)?(hat|tilde|bar|dot)(?![A-Za-z])\s*(?:([A-Za-z])(?![A-Za-z])|\{\s*\\?([A-Za-z]+)\s*\})?"
    r"|\\(overline)(?![A-Za-z])"
)
_OF = re.compile(r"\s*\}?\s*(?:\\left\s*)?[\[(_]")
_EQUIVALENT = ("iff", "Leftrightarrow", "Longleftrightarrow")
_ONES = re.compile(r"\\(?:mathbf|mathbb|bm|boldsymbol|vec|mathds|bf)\s*(?:\{\s*([01])\s*\}|([01])(?![0-9]))")
_OPERATOR = re.compile(r"\*\*|\.\.\.?|<=|>=|!=|==|:=|->|\\\||\\[{}]|[-+*/^_=<>()\[\]{},|:;]")
GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "lambda",
    "mu",
    "nu",
    "rho",
    "sigma",
    "tau",
    "theta",
    "eta",
    "xi",
    "zeta",
)
_COMMANDS = {
    "cdot": "*", "times": "*", "ge": ">=", "geq": ">=", "geqslant": ">=", "le": "<=", "leq": "<=", "leqslant": "<=",
    "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "to": "->", "mapsto": "->", "rightarrow": "->",
    "lvert": "|", "rvert": "|", "vert": "|", "dots": "..", "ldots": "..", "cdots": "..", "dotsc": "..",
    "lVert": "‖", "rVert": "‖", "Vert": "‖", "odot": "⊙", "circ": "⊙", "top": "⊤", "intercal": "⊤", "sim": "~",
    "langle": "⟨", "rangle": "⟩", "coloneqq": "=", "coloneq": "=", "triangleq": "=", "equiv": "=", "lbrace": "(",
    "rbrace": ")", "lbrack": "[", "rbrack": "]", "colon": ":", "mid": "|", "longrightarrow": "->", "gets": "->",
    "uparrow": "↑", "nearrow": "↑", "downarrow": "↓", "searrow": "↓", "implies": "⇒", "Rightarrow": "⇒",
    "Longrightarrow": "⇒", "star": "*", "ast": "*",
}  # fmt: skip
_CHARACTERS = {
    "≥": ">=", "≤": "<=", "⩾": ">=", "⩽": "<=", "²": "^2", "³": "^3", "⁴": "^4",
    "≠": "!=", "→": "->", "↦": "->", "·": "*", "×": "*", "−": "-", "…": "..", "‖": "‖", "∥": "‖", "⊙": "⊙", "∘": "⊙",
    "⊤": "⊤", "⟨": "⟨", "⟩": "⟩", "∼": "~", "≔": "=", "∙": "*", "⋅": "*", "⇒": "⇒", "↑": "↑", "↓": "↓",
}  # fmt: skip
_PLAIN_OPERATORS = {
    "**": "^", "==": "=", ":=": "=", "...": "..", "\\|": "‖", "\\{": "(", "\\}": ")",
}  # fmt: skip
_NAMED = {
    "λ": "lambda",
    "Σ": "sum",
    "∑": "sum",
    "∏": "prod",
    "∀": "forall",
    "∈": "in",
    "∞": "infty",
    "∂": "partial",
    "∇": "nabla",
}
_WRAPPERS = (
    "text", "operatorname", "mathrm", "mathbb", "mathcal", "mathbf", "mathit", "boldsymbol", "textrm", "bm", "mathsf",
    "vec", "textnormal", "textit", "mbox", "mathop", "mathscr",
)  # fmt: skip
_REMARKS = ("text", "textrm", "textnormal", "textit", "textsf", "mbox")
_FUNCTIONS = {
    "frac": "frac", "tfrac": "frac", "dfrac": "frac", "sqrt": "sqrt", "sum": "sum", "prod": "prod", "max": "max",
    "min": "min", "binom": "binom", "tbinom": "binom", "dbinom": "binom", "forall": "forall", "in": "in", "E": "E",
    "EE": "E", "Var": "Var", "relu": "relu", "ReLU": "relu", "diag": "diag", "tr": "tr", "Tr": "tr", "ell": "ell",
    "arg": "arg", "argmin": "argmin", "partial": "partial", "exists": "some",
    "lim": "lim", "infty": "infty", "nabla": "nabla", "leaky": "leaky",
}  # fmt: skip
WORDS = frozenset({
    "penalty", "criterion", "risk", "mean", "variance", "output", "weights", "biases", "relu", "leaky", "abs", "sqrt",
    "max", "min", "sum", "Sum", "prod", "Prod", "product", "Product", "Var", "second", "moment", "is", "in",
    "invariant", "under", "a", "an", "the", "minimiser", "minimizer", "of", "minimises", "minimizes", "and", "if",
    "for", "where", "assuming", "increasing", "decreasing", "nondecreasing", "nonincreasing", "constant", "frac",
    "Abs", "Max", "Min", "ReLU", "Relu", "RELU", "all", "every", "any", "strictly", "non",
    "Penalty", "Criterion", "Risk", "Mean", "Variance", "Output", "forall", "with", "does", "do", "not", "depend",
    "depends", "on", "independent", "increases", "decreases", "some", "exists", "there", "convex", "concave", "tr",
    "Tr", "trace", "diag", "Diag", "binom", "Bern", "Bernoulli", "Ber", "monotonically", "monotone", "argmin", "arg",
    "partial", "lim", "infty", "nabla", "diff", "as", "permutation",
    "ell", "units", "unit", "inputs", "input", "permuting", "when", "whenever", "provided", "that", "at", "then",
    "function", "weakly", "increase", "decrease", "range", "If",
})  # fmt: skip
_BLACKBOARD = {"R": "ℝ", "N": "ℕ", "V": "Var"}
_ELSEWHERE = frozenset({"sin", "cos", "tan", "log", "exp", "ln", "sgn", "sup", "inf", "det", "dim", "Cov", "Pr", "erf"})
"""Words of other formulas, which are no products of their letters."""
_SYMBOLS = frozenset("xywWbqpKndX")
SPLIT_AFTER = frozenset("_^")


@dataclass(frozen=True)
class Token:
    """A number, a name, an operator, or the end."""

    kind: Literal["number", "name", "operator", "end"]
    text: str
    position: int


_ENTRIES = frozenset({"w", "W", "x", "b"})
"""Letters that stand for vectors and matrices: w1 is an entry, and no product."""
_OTHER_WORDS = {
    **dict.fromkeys(("loss", "cost", "objective", "mse", "ell"), "'J_D' (the criterion) or 'R' (the risk)"),
    **dict.fromkeys(("var", "varianse"), "'Var[D]'"),
    **dict.fromkeys(("mean", "expectation", "average"), "'E[D]'"),
    "crit": "'J_D'",
}
"""What people call the quantities elsewhere."""


def fail(text: str, position: int, message: str) -> NoReturn:
    """Raise the one error of the parser: a sentence, the place in the text and a caret under it.

    Raises:
        InvalidInput: always.
    """
    start = max(0, position - 40)
    window = text[start : position + 30]
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in window)
    lead, trail = "..." * (start > 0), "..." * (position + 30 < len(text))
    caret = " " * (len(lead) + position - start) + "^"
    raise InvalidInput(f"Argument 'claim' at position {position + 1}: {message}\n  {lead}{shown}{trail}\n  {caret}")


def tokens(
    text: str,
    names: Set[str] = frozenset(),
    max_characters: int = MAX_CHARACTERS,
    max_digits: int = MAX_DIGITS,
    *,
    formula_names: bool = False,
) -> list[Token]:
    """Return the tokens of a claim, an end token last.

    ``names`` are further words that are one symbol each, Greek ones also as commands; ``formula_names`` says that these
    are all there are, as in a formula that was printed.

    A text with a backslash, ``_{`` or ``^{`` is LaTeX: there, letters that form no known word are symbols
    side by side, and more than one digit after ``_`` or ``^`` needs braces, as TeX has it.
    """
    if len(text) > max_characters:
        fail(text[:80], 0, f"a claim has at most {max_characters} characters, not {len(text)}.")
    latex = _LATEX.search(text) is not None
    text = without_typesetting(text)
    found: list[Token] = []
    wrapped: list[int] = []  # depths of braces that only wrap a word, as in \text{penalty}
    scripts: list[bool] = []  # open braces, and whether each is that of an index or exponent
    latex_letters = ""
    depth = at = 0
    while at < len(text):
        if space := SPACE.match(text, at):
            at = space.end()
        elif accent := _ACCENT.match(text, at):
            letter = accent[2] or accent[3] or ""
            if not letter or (len(letter) > 1 and letter not in GREEK):
                fail(text, at, f"\\{accent[1] or accent[4]} stands over one letter; another symbol is expected.")
            found.append(Token("name", f"{accent[1]} {letter}", at))
            at = accent.end()
        elif ones := _ONES.match(text, at):
            digit = ones[1] or ones[2]
            other = "the number 0, or each entry" if digit == "0" else "a sum such as \\sum_i w_i, or each entry"
            fail(text, at, f"the vector of {digit}s has no symbol here; {other} is expected.")
        elif command := _COMMAND.match(text, at):
            name, start, at = command[1], at, command.end()
            latex_letters = name
            if name in _WRAPPERS:
                opening = re.compile(r"\s*\*?\s*\{").match(text, at)
                if opening and text[opening.end() : opening.end() + 1] == "(" and name in _REMARKS:
                    fail(
                        text, start,
                        f"\\{name}{{(...)}} is a remark and no part of a formula; it is read over behind && or \\quad.",
                    )  # fmt: skip
                if opening:
                    depth += 1
                    wrapped.append(depth)
                    at = opening.end()
            elif name in _COMMANDS:
                found.append(Token("operator", _COMMANDS[name], start))
            elif name in _FUNCTIONS or name in GREEK or name in names:
                found.append(Token("name", _FUNCTIONS.get(name, name), start))
            elif name in _EQUIVALENT:
                fail(text, start, "an equivalence is two claims, one 'if' the other; a relation is expected.")
            else:
                fail(text, start, f"the LaTeX command \\{name[:30]} is not part of the grammar.")
            if latex_letters in ("mathbb", "mathbf", "bm", "boldsymbol", "vec", "mathsf") and (
                bare := re.compile(r"\s*(?=[A-Za-z])").match(text, at)
            ):
                at = bare.end()
        elif number := _NUMBER.match(text, at):
            digits = number[0]
            if latex and found and found[-1].text in SPLIT_AFTER and len(digits) > 1:
                fail(
                    text, at,
                    f"TeX sets {found[-1].text}{digits} as {found[-1].text}{digits[0]} with {digits[1:]} behind it; "
                    f"{found[-1].text}{{{digits}}} is expected.",
                )  # fmt: skip
            if len(digits) > max_digits:
                fail(text, at, f"a number has at most {max_digits} digits, not {len(digits)}.")
            if digits == number[0] and (power := _EXPONENT.match(text, at + len(digits))):
                fail(text, at + len(digits), f"{digits}{power[0]} reads two ways; a power of ten is written 10^3.")
            found.append(Token("number", digits, at))
            at += len(digits)
        elif turned_round := re.compile(r"=[<>](?!=)").match(text, at):
            implied = ", or 'conclusion if condition' for an implication" if turned_round[0] == "=>" else ""
            fail(text, at, f"'{turned_round[0]}' is no relation; write '{turned_round[0][::-1]}'{implied}.")
        elif word := _WORD.match(text, at):
            if not latex and word[0] in _ENTRIES and (digits_behind := re.compile(r"\d+").match(text, word.end())):
                entry = f"{word[0]}[{digits_behind[0]}]"
                fail(text, at, f"'{word[0]}{digits_behind[0]}' reads two ways; write {entry} for an entry.")
            if word[0] == "var" and _OF.match(text, at + 3) and (wrapped or not latex) and word[0] not in names:
                found.append(Token("name", "Var", at))
                at = word.end()
                continue
            if wrapped and word[0] not in names:
                _refuse_unknown(text, at, word[0], latex_letters)
            elif latex and len(word[0]) > MAX_LETTERS and word[0] not in WORDS and word[0] not in names:
                fail(text, at, f"'{word[0][:30]}' is no word of the grammar; write a product with '*' or spaces.")
            if latex_letters == "mathbb" and wrapped and word[0] in _BLACKBOARD:
                found.append(Token("name", _BLACKBOARD[word[0]], at))
            elif latex and word[0] not in WORDS and word[0] not in names:
                turned = found[-1:] and found[-1].text == "^"  # w^Tx
                if not (scripts[-1:] == [True] or turned or formula_names) and not _is_product(word[0], text):
                    fail(text, at, f"'{word[0]}' is no word of the grammar; write a product with '*' or spaces.")
                found += [Token("name", letter, at + i) for i, letter in enumerate(word[0])]
            else:
                found.append(Token("name", word[0], at))
            at = word.end()
        elif operator := _OPERATOR.match(text, at):
            symbol, start, at = operator[0], at, operator.end()
            if symbol == "{":
                scripts.append(bool(found) and found[-1].text in SPLIT_AFTER)
            depth += (symbol == "{") - (symbol == "}")
            if symbol == "}" and wrapped and wrapped[-1] == depth + 1:
                wrapped.pop()
            else:
                if symbol == "}" and scripts:
                    scripts.pop()
                found.append(Token("operator", _PLAIN_OPERATORS.get(symbol, symbol), start))
        elif text[at] in _CHARACTERS:
            written = _CHARACTERS[text[at]]
            if written[0] == "^":
                found += [Token("operator", "^", at), Token("number", written[1:], at)]
            else:
                found.append(Token("operator", written, at))
            at += 1
        elif text[at] in _NAMED:
            found.append(Token("name", _NAMED[text[at]], at))
            at += 1
        elif text[at] in "'′":
            fail(
                text,
                at,
                "a prime makes another symbol of a letter and is not part of the grammar; write w -> c*w for a map.",
            )
        else:
            fail(text, at, "this character is not part of the grammar.")
        if len(found) > max_characters * MAX_TOKENS // MAX_CHARACTERS:
            fail(text, at, f"a claim has at most {max_characters * MAX_TOKENS // MAX_CHARACTERS} symbols.")
    return [*found, Token("end", "", len(text))]


def likely_meant(word: str) -> str:
    """Return what a word that the grammar does not know is likely to mean, as the end of a message.

    >>> likely_meant("penatly"), likely_meant("loss"), likely_meant("zzz")
    ("; did you mean 'penalty'?", "; did you mean 'J_D' (the criterion) or 'R' (the risk)?", '')
    """
    if word.lower() in _OTHER_WORDS:
        return f"; did you mean {_OTHER_WORDS[word.lower()]}?"
    near = difflib.get_close_matches(word, sorted(WORDS), n=1, cutoff=0.7)
    return f"; did you mean '{near[0]}'?" if near and near[0] != word else ""  # a word that is known stands wrongly


def _is_product(word: str, text: str) -> bool:
    """Return whether letters side by side are each a symbol: of the grammar, or one that stands alone elsewhere."""
    if word in _ELSEWHERE:
        return False
    unknown = {*word} - _SYMBOLS - ({*"JRd"} if word[0] == "d" else set())
    return len(word) == 1 or all(
        re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", text) is not None for letter in unknown
    )


def _refuse_unknown(text: str, at: int, word: str, command: str) -> None:
    """Refuse a word in \\text, \\mathrm, … that the grammar does not know, and a letter in \\mathcal or \\mathbb."""
    letter = {"mathbb": "EVRN", "mathcal": "JRED"}.get(command)
    if (len(word) > 1 and word not in WORDS) or (len(word) == 1 and letter is not None and word not in letter):
        fail(
            text, at,
            f"'{word[:30]}' is no word of the grammar; quantities are J_D (the criterion), R, penalty, E[D], Var[D], "
            "E[D^2] and W(x), and functions relu, max, min, abs, sqrt.",
        )  # fmt: skip


def in_parentheses(ahead: Sequence[Token]) -> bool:
    """Return whether a single name in parentheses follows."""
    return len(ahead) > 2 and (ahead[0].text, ahead[1].kind, ahead[2].text) == ("(", "name", ")")
