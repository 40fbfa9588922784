"""Formulas inside plain sentences, as authors type them: ``J_D >= q/(2(Kp + 2q)) for every K``.

A sentence is cut into text and formulas by a few rules, and each formula is set token by token: no operator is moved
and nothing is regrouped, so that LaTeX says exactly what the plain text says. Formulas between dollars are LaTeX
already and are taken as they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from exactdropout.notation.markup import latex_text, split_formulas
from exactdropout.notation.style import GREEK_LETTERS

__all__ = ["Segment", "html_sentence", "latex_sentence", "sentence"]


@dataclass(frozen=True)
class Segment:
    """A part of a sentence: ``source`` as it stands there, and LaTeX of it where it is a formula (else None)."""

    source: str
    latex: str | None = None


@dataclass
class _Item:
    """A token, or a bracketed group with its items."""

    source: str
    latex: str | None
    """LaTeX if it may stand in a formula."""
    operand: bool = False
    items: list[_Item] = field(default_factory=list)
    close: str = ""

    @property
    def text(self) -> str:
        return self.source + "".join(i.text for i in self.items) + self.close


_GREEK = dict(zip("αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΦΨΩ", (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Phi",
    "Psi", "Omega",
), strict=True))  # fmt: skip
_WORDS = {
    "sum": r"\sum", "prod": r"\prod", "sqrt": r"\sqrt", "min": r"\min", "max": r"\max", "exp": r"\exp", "log": r"\log",
    "Pr": r"\Pr", "Var": r"\operatorname{Var}", "diag": r"\operatorname{diag}", "Diag": r"\operatorname{Diag}",
    "argmin": r"\operatorname{argmin}", "aversion": r"\operatorname{aversion}", "Kp": "Kp", "Kn": "Kn", "mK": "mK",
    "UV": "UV", "neg": r"\text{neg}", **{name: rf"\{name}" for name in GREEK_LETTERS},
}  # fmt: skip
_OPERATORS = {
    ">=": r"\ge ", "<=": r"\le ", "!=": r"\ne ", "->": r"\to ", "+-": r"\pm ", "=": "=", "<": "<", ">": ">", "+": "+",
    "-": "-", "*": r"\cdot ", "/": "/", "|": "|", "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "≈": r"\approx ",
    "→": r"\to ", "−": "-", "·": r"\cdot ", "∘": r"\circ ", "×": r"\times ", "±": r"\pm ", "⋯": r"\cdots ",
    "^": "^", "_": "_",
}  # fmt: skip
_OPERANDS = {"∞": r"\infty ", "½": r"\tfrac12 ", "Σ": r"\sum ", "∏": r"\prod ", "ᵀ": r"^{\mathsf T}"}
_SCRIPTS = {**dict(zip("₀₁₂₃₄₅₆₇₈₉", range(10), strict=True)), **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", range(10), strict=True))}
_BELOW = frozenset("₀₁₂₃₄₅₆₇₈₉")
_CLOSING = {"(": ")]", "[": "])", "{": "}"}
_BOTH = frozenset({"a", "A", "I"})  # words of English, too
_LAYER = r"[A-Za-z0-9]{1,9}(?:\^\([A-Za-z0-9+-]{1,20}\))?"
_TOKEN = re.compile(
    rf"(?P<shape>(?=[^\s]*[A-Za-z])(?![^\s]*[a-z]{{3}}){_LAYER}(?:-{_LAYER}){{1,9}}(?= (?:relu|linear|leaky)))"
    r"|(?P<bare>(?<![\w.+)\]}])(?:[0-9]+|K)(?:-(?:[0-9]+|[a-z]))*-(?:[a-z](?:-[0-9]+)*-)[0-9]+(?![\w(-]))"
    r"|(?P<scientific>[0-9]+(?:\.[0-9]+)?e[+-]?[0-9]+\b)"
    r"|(?P<space>\s+)"
    r"|(?P<dots>(?P<dotted>[a-z])1\.\.\.(?P=dotted)d\b)"
    r"|(?P<plain>e\.g\.|i\.e\.|(?:half|point)-K[0-9]+-n[0-9*]+(?:-[a-z]+)?|[0-9]+(?:-[0-9]+)+|[0-9]+/[0-9]+-(?=[a-z])|[A-Za-z]{2,}[0-9]+\b)"
    r"|(?P<word>[A-Za-z]{2,}(?:['-][A-Za-z]{2,})*(?:'s\b)?|[A-Za-z]-[A-Za-z]{2,})"
    r"|(?P<indexed>[A-Za-z](?=[0-9])[0-9]{1,3}\b(?![.]))"
    r"|(?P<letter>[A-Za-z](?:~|(?:'(?!s\b))+)?)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:'s\b)?)"
    r"|(?P<operator>>=|<=|!=|->|\+-|.)",
    re.DOTALL,
)


def sentence(text: str) -> list[Segment]:
    """Return a sentence as segments; their sources are the text again.

    >>> [(s.source, s.latex) for s in sentence("weights >= 0 give J_D >= q^K/2, for every K")][1:4]
    [('>= 0', '\\\\ge 0'), (' give ', None), ('J_D >= q^K/2', 'J_D\\\\ge q^K/2')]
    """
    found: list[Segment] = []
    for part, is_formula in split_formulas(text):
        found += [Segment(part, part)] if is_formula else _segments(_items(part))
    return found


def latex_sentence(text: str) -> str:
    """Return LaTeX for a sentence: formulas between dollars, every other character escaped.

    >>> print(latex_sentence("50% of x_1"))
    50\\% of $x_1$
    """
    return "".join(latex_text(s.source) if s.latex is None else f"${s.latex}$" for s in sentence(text))


def html_sentence(text: str, formula: Callable[[str], str]) -> str:
    """Return HTML for a sentence; ``formula`` turns LaTeX into markup."""
    return "".join(html.escape(s.source) if s.latex is None else formula(s.latex) for s in sentence(text))


def _items(text: str) -> list[_Item]:
    """Return the tokens, bracketed groups as one item each; a bracket without a partner is a token."""
    stack: list[_Item] = [_Item("", None)]
    for match in _TOKEN.finditer(text):
        token = match[0]
        items = stack[-1].items
        if token in _CLOSING:
            stack.append(_Item(token, None))
        elif len(stack) > 1 and token in _CLOSING[stack[-1].source]:
            group = stack.pop()
            group.close = token
            stack[-1].items.append(group)
        else:
            items.append(_token(match, items))
    while len(stack) > 1:  # never closed
        group = stack.pop()
        stack[-1].items += [_Item(group.source, None), *group.items]
    return stack[0].items


def _token(match: re.Match[str], before: list[_Item]) -> _Item:
    token, kind = match[0], match.lastgroup
    if match["scientific"]:
        mantissa, _, exponent = token.partition("e")
        front = "" if mantissa == "1" else rf"{mantissa} \cdot "
        return _Item(token, f"{front}10^{{{int(exponent)}}}", True)
    if match["shape"] or match["bare"]:  # the hyphens of K-n-1 are no minus signs
        layers = re.split(r"-(?![^()]*\))", token)
        return _Item(token, r"\text{-}".join(_latex(_items(layer)) for layer in layers), True)
    if match["dots"]:
        letter = token[0]
        return _Item(token, rf"{letter}_1\cdots {letter}_d", True)
    if match["space"]:
        return _Item(token, " ")
    if match["word"]:
        latex = _WORDS.get(token)
        return _Item(token, latex + " " if latex and latex.startswith("\\") else latex, True)
    if match["indexed"]:
        return _Item(token, f"{token[0]}_{{{token[1:]}}}", True)
    if match["letter"]:
        plain = token in _BOTH and not _touches_operator(match)
        if token == "E":
            return _Item(token, r"\mathbb{E}\,", True)
        latex = rf"\tilde {token[0]}" if token.endswith("~") else token
        return _Item(token, None if plain else latex, True)
    if match["number"]:
        return _Item(token, None if token.endswith("s") else token, True)
    if kind == "operator":
        if token in _GREEK:
            return _Item(token, rf"\{_GREEK[token]} ", True)
        if token in _SCRIPTS:
            return _Item(token, f"{'_' if token in _BELOW else '^'}{{{_SCRIPTS[token]}}}", True)
        if token in _OPERANDS:
            return _Item(token, _OPERANDS[token], True)
        if token == "." and _between_letters(match):
            return _Item(token, r"\cdot ")
        if token in _OPERATORS:
            return _Item(token, _OPERATORS[token])
        if token in "'′" and before and (before[-1].close or before[-1].operand):
            return _Item(token, "'" if before[-1].latex is not None or before[-1].close else None)
    return _Item(token, None)


def _touches_operator(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(), match.end()
    after = text[end : end + 2].lstrip()[:1]
    before = text[max(0, start - 2) : start].rstrip()[-1:]
    return text[end : end + 1] == "(" or after in set("_^=<>+*/∘≥≤") - {""} or before in set("=<>+*/∘≥≤") - {""}


def _between_letters(match: re.Match[str]) -> bool:
    text, at = match.string, match.start()
    return bool(re.match(r"[A-Za-z]\.[A-Za-z](?![A-Za-z])", text[at - 1 : at + 3])) if at else False


def _is_formula(item: _Item) -> bool:
    if item.close:
        inner = [i for i in item.items if i.source.strip() not in ("", ",", ":", "...", "…")]
        return bool(inner) and all(map(_is_formula, inner))
    return item.latex is not None


def _segments(items: list[_Item]) -> list[Segment]:
    found: list[Segment] = []
    at = 0
    while at < len(items):
        end = at
        while end < len(items) and _is_formula(items[end]) and not _label(items, end):
            end += 1
        first, last = at, end
        while first < last and items[first].source.isspace():
            first += 1
        while last > first and items[last - 1].source.isspace():
            last -= 1
        span = items[first:last]
        if _worth_setting(span):
            found += [Segment("".join(i.text for i in items[at:first]))] if first > at else []
            found.append(Segment("".join(i.text for i in span), _latex(span)))
            found += [Segment("".join(i.text for i in items[last:end]))] if end > last else []
        elif end > at:
            found.append(Segment("".join(i.text for i in items[at:end])))
        if end < len(items):
            item = items[end]
            if item.close and not _label(items, end):
                found += [Segment(item.source), *_segments(item.items), Segment(item.close)]
            else:
                found.append(Segment(item.text))
        at = end + 1
    return _joined(found)


def _label(items: list[_Item], at: int) -> bool:
    """Return whether a group is (a), (b), … at the start of a word: a label, not a factor."""
    item = items[at]
    one = len(item.items) == 1 and len(item.items[0].source) == 1 and item.items[0].source.islower()
    return bool(item.close) and one and (at == 0 or items[at - 1].source.isspace())


def _worth_setting(span: list[_Item]) -> bool:
    """Return whether a formula is more than numbers, brackets around numbers, or lone operators."""
    if len(span) == 1 and span[0].source in _WORDS and span[0].source not in GREEK_LETTERS:
        return False  # "the sum" is a word
    symbols = [i for i in span if i.close or (i.operand and (not i.source[0].isdigit() or i.latex != i.source))]
    relations = [i for i in span if i.source in _OPERATORS and i.source not in "-|_^*"]
    operands = [i for i in span if i.operand or i.close]
    return bool(symbols) or (bool(relations) and bool(operands))


def _latex(items: list[_Item]) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(items):
        item = items[at]
        if item.source in ("^", "_") and at + 1 < len(items):
            end = at + 1
            sign = ""
            if items[end].source in ("-", "−") and end + 1 < len(items):
                sign, end = "-", end + 1
            script = items[end]
            # brackets of a script only group it; a pair in them keeps its brackets, as in P_(1,1)
            keeps = script.close and any(i.source == "," for i in script.items)
            inner = _latex(script.items) if script.close and not keeps else _latex([script])
            inner = "*" if script.source == "*" else inner
            if _script_of(script):
                pieces.append(
                    f"{item.source}{{{sign}{inner}}}" if len(sign + inner.strip()) > 1 else item.source + inner
                )
                at = end + 1
                continue
            pieces.append(r"\wedge " if item.source == "^" else r"\_")
        elif item.source in ("^", "_"):
            pieces.append(r"\wedge " if item.source == "^" else r"\_")
        elif item.source == "*" and at and items[at - 1].operand and _is_star(items[at + 1 :]):
            pieces.append("^*")
        elif item.close:
            inner = _latex(item.items)
            root = bool(pieces) and pieces[-1].strip() == r"\sqrt"
            pieces[-1:] = [r"\sqrt"] if root else pieces[-1:]
            shown = {"{": r"\{", "}": r"\}"}
            pieces.append(
                f"{{{inner}}}"
                if root
                else shown.get(item.source, item.source) + inner + shown.get(item.close, item.close)
            )
        elif item.source.strip() in (",", ":"):
            pieces.append(item.source.strip())
        elif item.source.isspace():
            words = r"\,"  # a product of what stands apart
            apart = bool(pieces) and at + 1 < len(items) and items[at - 1].operand and _starts_product(items[at + 1])
            pieces.append(words if apart and not pieces[-1].endswith((" ", ",")) else "")
        else:
            pieces.append(item.latex or "")
        at += 1
    text = "".join(pieces)
    return re.sub(r"\\sqrt (?!\{)", r"\\surd ", text).strip()


def _is_star(behind: list[_Item]) -> bool:
    """Return whether an asterisk is part of a name, as in n* or n*(K, q), by what stands behind it."""
    return not behind or (bool(behind[0].close) and any(i.source == "," for i in behind[0].items))


def _starts_product(item: _Item) -> bool:
    return item.operand or item.source in _CLOSING


def _script_of(item: _Item) -> bool:
    return item.operand or bool(item.close) or item.source == "*"


def _joined(segments: list[Segment]) -> list[Segment]:
    found: list[Segment] = []
    for segment in segments:
        if found and segment.latex is None and found[-1].latex is None:
            found[-1] = Segment(found[-1].source + segment.source)
        elif segment.source:
            found.append(segment)
    return found
