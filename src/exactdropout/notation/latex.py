"""Formulas as LaTeX (amsmath): one line, or lines of a given width aligned at the relation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from exactdropout.notation.style import GREEK_LETTERS, Style, has_layer
from exactdropout.notation.text import ATOM, POWER, PRODUCT, SUM, digits
from exactdropout.notation.tree import (
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
    rebuilt,
)

__all__ = ["QUANTITY_LATEX", "breakable", "equation_latex", "expression_latex", "measured", "pieces"]

QUANTITY_LATEX = {
    "criterion": "J_D", "risk": "R", "penalty": r"\text{penalty}", "mean": r"\mathbb{E}[D]",
    "variance": r"\operatorname{Var}[D]", "second_moment": r"\mathbb{E}[D^{2}]", "output": "W(x)",
}  # fmt: skip
_PLAIN = Style()
_INDENT = 4
_TALL = 24
"""An equation of more lines becomes an align, which may be broken between pages."""
_SHORT = 16
"""Shorter factors stay beside the one before them."""
_ONE = Fraction(1)
_CALLED = re.compile(r"\\left\( [A-Za-z] \\right\)_")


def expression_latex(node: Any, style: Style = _PLAIN) -> str:
    """Return one expression in one line, without delimiters.

    >>> expression_latex(Divide(Name("q"), Name("w", (Number(1), Number(2)))), Style(names={"w": "a"}))
    '\\\\frac{q}{a_{1,2}}'
    """
    return _print(node, SUM, style)


def equation_latex(
    left: str | None, node: Expression, style: Style = _PLAIN, relation: str = "=", conditions: Sequence[str] = ()
) -> str:
    """Return ``left = node``, broken into aligned lines where it is wider than ``style.width``.

    ``left`` is LaTeX, None for the formula alone. Lines are broken before + and − (also inside parentheses, which
    then have a fixed size) and before factors; numbers, fractions and single symbols are never broken. The parser of
    claims reads every result back. ``conditions`` follow, in lines of their own where there is no room.
    """
    environment = style.environment
    # the place of alignment stands before the relation, or before the formula where there is none
    head, plain = ("& ", "") if left is None else (f"{left} &{relation} ", f"{left} {relation} ")
    lines = _lines(plain, node, style)
    for text in conditions:
        if style.width is None or measured(lines[-1]) + measured(text) <= style.width:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    if environment.startswith("equation") and len(lines) > _TALL:
        environment = "align*" if environment.endswith("*") else "align"
    align = environment.startswith("align")
    inside = lines[0]
    if align or len(lines) > 1:
        inside = head + lines[0].removeprefix(plain)
        inside = " \\\\\n".join([inside, *(rf"&\quad {line}" for line in lines[1:])])
    if environment == "align":  # one number for the formula, at its last line
        inside = inside.replace(" \\\\\n", " \\notag \\\\\n")
    elif len(lines) > 1 and not align:
        inside = f"\\begin{{split}}\n{inside}\n\\end{{split}}"
    return inside if environment == "none" else f"\\begin{{{environment}}}\n{inside}\n\\end{{{environment}}}"


def _lines(head: str, node: Expression, style: Style) -> list[str]:
    if style.width is None:
        return [head + _print(node, SUM, style)]
    parts = pieces(node, SUM, style.width - min(measured(head), style.width // 2), style)
    lines, used = [head + parts[0]], measured(head + parts[0])
    for part in parts[1:]:
        width = measured(part)
        if used + width > style.width:
            lines.append(part.lstrip())
            used = _INDENT + width
        else:
            lines[-1] += part
            used += width
    return lines


def breakable(node: Expression, style: Style) -> Expression:
    """Return the tree with long sums taken out of numerators, where no line can be broken: a/b becomes (1/b) a."""
    if style.width is None:
        return node
    room = 0.8 * style.width

    def change(found: Any) -> Any:
        if not isinstance(found, Divide) or measured(_print(found.top, SUM, style)) <= room:
            return found
        minus = isinstance(found.top, Negate)
        top = found.top.operand if isinstance(found.top, Negate) else found.top
        factors = top.factors if isinstance(top, Multiply) else (top,)
        plain = tuple(f for f in factors if not _long(f, style))
        long = tuple(f for f in factors if _long(f, style))
        if not long:
            return found
        numerator = Multiply(plain) if len(plain) > 1 else plain[0] if plain else Number(_ONE)
        product = Multiply((Divide(numerator, found.bottom), *long))
        return Negate(product) if minus else product

    return _flat(rebuilt(node, change))


def _flat(node: Expression) -> Expression:
    """Return the tree with products inside products written as one, as they are read."""

    def change(found: Any) -> Any:
        if isinstance(found, Multiply) and any(isinstance(f, Multiply) for f in found.factors):
            inner = (f.factors if isinstance(f, Multiply) else (f,) for f in found.factors)
            return Multiply(tuple(x for group in inner for x in group))
        return found

    return rebuilt(node, change)  # type: ignore[no-any-return]


def _long(node: Any, style: Style) -> bool:
    return isinstance(node, (Add, Call, Power, Multiply)) and measured(_print(node, SUM, style)) > 20


def pieces(node: Any, level: int, room: float, style: Style) -> list[str]:
    """Return the LaTeX of a node as strings; a line may end between any two of them."""
    text, own = _parts(node, style)
    flat = text if own >= level else _parenthesised(text)
    if measured(flat) <= room:
        return [flat]
    if own < level:
        return _around(r"\bigl( ", pieces(node, SUM, room, style), r" \bigr)")
    match node:
        case Add(terms):
            found = pieces(terms[0], SUM if isinstance(terms[0], Negate) else PRODUCT, room, style)
            for term in terms[1:]:
                minus = isinstance(term, Negate)
                inner = pieces(term.operand if isinstance(term, Negate) else term, PRODUCT, room, style)
                found += _around(" - " if minus else " + ", inner, "")
            return found
        case Negate(operand) if not isinstance(operand, Negate):
            return _around("-", pieces(operand, PRODUCT, room, style), "")
        case Multiply(factors):
            found = pieces(factors[0], POWER, room, style)
            for place, (before, factor) in enumerate(pairwise(factors), 2):
                last = place == len(factors) and isinstance(factor, Repeated)
                inner = pieces(factor, PRODUCT if last else POWER, room, style)
                if len(inner) > 1 or measured(inner[0]) > _SHORT:
                    found += _around(r" \cdot ", inner, "")
                else:
                    found[-1] += (r" \cdot " if _needs_dot(before, factor, inner[0], style) else " ") + inner[0]
            return found
        case Power(base, exponent):
            return _around("", pieces(base, ATOM, room, style), f"^{{{_print(exponent, SUM, style)}}}")
        case Call("relu", (argument,)) if style.relu == "plus":
            return _around(r"\bigl( ", pieces(argument, SUM, room, style), r" \bigr)_{+}")
        case Call(function, arguments) if function not in ("sqrt", "abs"):
            inner = pieces(arguments[0], SUM, room, style)
            for argument in arguments[1:]:
                inner += _around(", ", pieces(argument, SUM, room, style), "")
            return _around(rf"{_function(function)}\bigl( ", inner, r" \bigr)")
        case Repeated(body=body):
            sign = text[: len(text) - len(_print(body, PRODUCT, style))]
            return _around(sign, pieces(body, PRODUCT, room, style), "")
    return [flat]


def _around(before: str, parts: list[str], after: str) -> list[str]:
    parts = [before + parts[0], *parts[1:]]
    parts[-1] += after
    return parts


def measured(latex: str) -> float:
    """Return about how many letters wide a formula is: a fraction as wide as its wider part, scripts seven tenths.

    Letters have the widths of Computer Modern; the unit is a little less than the width of x, so that 76 fill a line.

    >>> round(measured(r"\\frac{a+b}{2} x_{12}"), 2)
    7.08
    """
    width, _ = _measured(latex, 0, "")
    return _UNIT * width


_UNIT = 1.1
_WORDS = re.compile(r"\\(?:text|operatorname)\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+|.)")
_NO_WIDTH = frozenset({"mathbb", "begin", "end", "displaystyle", "right", "bigr"})
_DELIMITER = {"left": 0.65, "bigl": 0.3}
"""How much wider than plain ones a pair of parentheses is, with the thin space before \\left."""
_WIDTHS = {"sum": 3.0, "prod": 3.0, "qquad": 4.0, "quad": 2.0, "cdot": 1.3, "omega": 1.15, "theta": 0.9}
_LETTERS = dict(zip(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    (0.93, 0.75, 0.76, 0.91, 0.82, 1.05, 0.9, 1.01, 0.6, 0.8, 0.97, 0.55, 1.54, 1.05, 0.85, 0.88, 0.82, 0.84, 0.82,
     0.63, 1.0, 0.91, 1.3, 1.0, 0.92, 0.89, 1.31, 1.42, 1.38, 1.5, 1.4, 1.37, 1.38, 1.6, 0.9, 1.14, 1.61, 1.19, 1.89,
     1.6, 1.38, 1.37, 1.39, 1.34, 1.18, 1.26, 1.38, 1.4, 1.9, 1.59, 1.41, 1.32), strict=True,
))  # fmt: skip
_OTHERS = {**dict.fromkeys(" &}\n", 0.0), **dict.fromkeys("+-", 2.1), **dict.fromkeys("=<>", 2.35), ",": 0.8,
           **dict.fromkeys("()", 0.75), **dict.fromkeys("[]|", 0.55)}  # fmt: skip


def _measured(latex: str, at: int, closing: str) -> tuple[float, int]:
    width = 0.0
    while at < len(latex):
        character = latex[at]
        if closing and character == closing:
            return width, at + 1
        if word := _WORDS.match(latex, at):
            width += len(word[1])
            at = word.end()
        elif command := _COMMAND.match(latex, at):
            at = command.end()
            if command[1] == "frac":
                top, at = _measured(latex, at + 1, "}")
                bottom, at = _measured(latex, at + 1, "}")
                width += max(top, bottom) + 0.4
            elif command[1] in _DELIMITER:
                width += _DELIMITER[command[1]]
            elif command[1] not in _NO_WIDTH:
                width += _WIDTHS.get(command[1], 1.1)
        elif character in "_^":
            if latex[at + 1 : at + 2] == "{":
                script, at = _measured(latex, at + 2, "}")
            else:
                script, at = 1.0, at + 2
            width += 0.7 * script
        elif character == "{":
            inner, at = _measured(latex, at + 1, "}")
            width += inner
        else:
            width += _LETTERS.get(character, _OTHERS.get(character, 0.9))
            at += 1
    return width, at


def _print(node: Any, level: int, style: Style) -> str:
    text, own = _parts(node, style)
    return text if own >= level else _parenthesised(text)


def _parenthesised(text: str) -> str:
    return rf"\left( {text} \right)"


def _parts(node: Any, style: Style) -> tuple[str, int]:
    match node:
        case Number(value):
            return digits(value), ATOM if value >= 0 else SUM
        case Quantity(name):
            return QUANTITY_LATEX[name], ATOM
        case Name():
            return _name(node, style)
        case Add(terms):
            text = _print(terms[0], SUM if isinstance(terms[0], Negate) else PRODUCT, style)
            for term in terms[1:]:
                minus = isinstance(term, Negate)
                text += f" {'-' if minus else '+'} " + _print(
                    term.operand if isinstance(term, Negate) else term, PRODUCT, style
                )
            return text, SUM
        case Negate(operand):
            if isinstance(operand, Negate):
                return "-" + _parts(operand, style)[0], SUM
            return "-" + _print(operand, PRODUCT, style), SUM
        case Multiply(factors):
            shown = [_print(f, POWER, style) for f in factors[:-1]]
            shown.append(_print(factors[-1], PRODUCT if isinstance(factors[-1], Repeated) else POWER, style))
            text = shown[0]
            for before, factor, after in zip(factors, factors[1:], shown[1:], strict=False):
                text += (r" \cdot " if _needs_dot(before, factor, after, style) else " ") + after
            return text, PRODUCT
        case Divide(top, bottom):
            return rf"\frac{{{_print(top, SUM, style)}}}{{{_print(bottom, SUM, style)}}}", ATOM
        case Power(base, exponent):
            below = _print(base, ATOM, style)
            below = _parenthesised(below) if isinstance(base, Divide) else below
            return f"{below}^{{{_print(exponent, SUM, style)}}}", POWER
        case Call(function, arguments):
            return _call(function, arguments, style), ATOM
        case Repeated(kind, index, first, last, body):
            sign = r"\sum" if kind == "sum" else r"\prod"
            ends = f"_{{{index}={_print(first, SUM, style)}}}^{{{_print(last, SUM, style)}}}"
            return f"{sign}{ends} {_print(body, PRODUCT, style)}", PRODUCT
        case Derivative(operand, variable):
            by = _print(variable, ATOM, style)
            if isinstance(operand, Quantity):
                return rf"\frac{{\partial {_print(operand, ATOM, style)}}}{{\partial {by}}}", ATOM
            return rf"\frac{{\partial}}{{\partial {by}}} {_parenthesised(_print(operand, SUM, style))}", PRODUCT
        case Limit(operand, variable, target, side):
            end = r"\infty" if target == Name("infty") else _print(target, PRODUCT, style)
            to = rf"{_print(variable, ATOM, style)} \to {end}" + (f"^{{{side}}}" if side else "")
            return rf"\lim_{{{to}}} {_print(operand, PRODUCT, style)}", SUM
    raise TypeError(type(node).__name__)


def _needs_dot(before: Any, factor: Any, printed: str, style: Style) -> bool:
    """Return whether two factors side by side could be read as something else: 2 3, 2 ½, W(x), J_D (W)."""
    if printed[0].isdigit() or (isinstance(before, Number) and isinstance(factor, Divide)):
        return True
    if isinstance(before, Name) and _CALLED.match(printed):
        return True  # x (y)_+, where x reads as a function
    plain = isinstance(before, Name) and not before.indices
    named = isinstance(before, Quantity) or (plain and style.printed(before.name) == "W")
    return named and printed.startswith(r"\left")


def _name(node: Name, style: Style) -> tuple[str, int]:
    printed = style.printed(node.name)
    symbol = rf"\{printed}" if printed in GREEK_LETTERS else rf"\text{{{printed}}}" if len(printed) > 1 else printed
    if not node.indices:
        return symbol, ATOM
    if style.index == "bracket":
        groups = [node.indices[:1], node.indices[1:]] if has_layer(node) else [node.indices]
        inner = (",".join(_print(i, SUM, style) for i in group) for group in groups if group)
        return symbol + "".join(f"[{text}]" for text in inner), ATOM
    shown = [_print(i, ATOM, style) for i in node.indices]  # a product of two letters would read as two indices
    if style.index == "superscript-layer" and has_layer(node):
        below = f"_{{{','.join(shown[1:])}}}" if shown[1:] else ""
        return f"{symbol}^{{({shown[0]})}}{below}", POWER  # a second superscript needs parentheses
    return f"{symbol}_{{{','.join(shown)}}}", ATOM


def _function(function: str) -> str:
    if len(function) == 1:
        return function
    return rf"\{function}" if function in ("max", "min", *GREEK_LETTERS) else rf"\operatorname{{{function}}}"


def _call(function: str, arguments: tuple[Any, ...], style: Style) -> str:
    shown = ", ".join(_print(a, SUM, style) for a in arguments)
    if function == "relu" and style.relu == "plus":
        return rf"{_parenthesised(shown)}_{{+}}"
    if function == "sqrt":
        return rf"\sqrt{{{shown}}}"
    if function == "abs":
        return rf"\left| {shown} \right|"
    return rf"{_function(function)}\left( {shown} \right)"
