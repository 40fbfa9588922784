"""Formulas as plain text in the grammar of claims."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exactdropout.notation.style import Style, has_layer
from exactdropout.notation.tree import (
    Add,
    Call,
    Derivative,
    Divide,
    Limit,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
)

__all__ = ["ATOM", "POWER", "PRODUCT", "QUANTITY_TEXT", "SUM", "digits", "expression_text"]

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly an expression binds; one that binds less than its place needs parentheses."""

QUANTITY_TEXT = {
    "criterion": "J_D", "risk": "R", "penalty": "penalty", "mean": "E[D]", "variance": "Var[D]",
    "second_moment": "E[D^2]", "output": "W(x)",
}  # fmt: skip
_PLAIN = Style()


def expression_text(node: Any, style: Style = _PLAIN) -> str:
    """Return one expression as text; indices stand in brackets, whatever the style.

    >>> expression_text(Divide(Name("q"), Name("p")))
    'q/p'
    """
    return _print(node, SUM, style)


def digits(value: Fraction) -> str:
    """Return an integer, the decimal digits of a number that was read from a decimal, or a quotient."""
    if value.denominator == 1:
        return str(value)
    for places in range(1, 61):
        scaled = value * 10**places
        if scaled.denominator == 1:
            shown = str(scaled.numerator).rjust(places + 1, "0")
            return f"{shown[:-places]}.{shown[-places:]}"
    return f"({value})"


def _print(node: Any, level: int, style: Style) -> str:
    text, own = _parts(node, style)
    return text if own >= level else f"({text})"


def _parts(node: Any, style: Style) -> tuple[str, int]:
    match node:
        case Number(value):
            return digits(value), ATOM if value >= 0 else SUM
        case Quantity(name):
            return QUANTITY_TEXT[name], ATOM
        case Name():
            return _name(node, style), ATOM
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
            first = _print(factors[0], PRODUCT if isinstance(factors[0], Divide) else POWER, style)
            return "*".join([first, *(_print(f, POWER, style) for f in factors[1:])]), PRODUCT
        case Divide(top, bottom):
            return f"{_print(top, PRODUCT, style)}/{_print(bottom, POWER, style)}", PRODUCT
        case Power(base, exponent):
            return f"{_print(base, ATOM, style)}^{_print(exponent, ATOM, style)}", POWER
        case Call("relu", (argument,)) if style.relu == "plus":
            return f"({_print(argument, SUM, style)})_+", ATOM
        case Call(function, arguments):
            return f"{function}({', '.join(_print(a, SUM, style) for a in arguments)})", ATOM
        case Repeated(kind, index, first, last, body):
            word = "Sum" if kind == "sum" else "Prod"
            ends = f"{index}={_print(first, SUM, style)}..{_print(last, SUM, style)}"
            return f"{word}({_print(body, SUM, style)}, {ends})", ATOM
        case Derivative(operand, variable):
            return f"diff({_print(operand, SUM, style)}, {_name(variable, style)})", ATOM
        case Limit(operand, variable, target, side):
            to = f"{_name(variable, style)} -> {_print(target, PRODUCT, style)}{f'^{side}' if side else ''}"
            return f"lim({_print(operand, SUM, style)}, {to})", ATOM
    raise TypeError(type(node).__name__)


def _name(node: Name, style: Style) -> str:
    name, shown = style.printed(node.name), [_print(i, SUM, style) for i in node.indices]
    if not shown:
        return name
    if len(shown) == 1 or not has_layer(node):
        return f"{name}[{','.join(shown)}]"
    return f"{name}[{shown[0]}][{','.join(shown[1:])}]"
