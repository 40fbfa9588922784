"""Formulas as MathML Core, written from the tree: no converter in between, no attribute that browsers ignore."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
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
)

__all__ = ["comparison_mathml", "derivative_mathml", "equation_mathml", "expression_mathml", "flowing_mathml"]

_PLAIN = Style()
_RELATIONS = {"=": "=", "!=": "≠", "<=": "≤", "<": "&lt;", ">=": "≥", ">": "&gt;"}
_TIMES = "<mo>&#x2062;</mo>"  # invisible
_APPLY = "<mo>&#x2061;</mo>"
_MINUS = "<mo>−</mo>"


def expression_mathml(node: Any, style: Style = _PLAIN) -> str:
    """Return a ``math`` element for a formula inside a line.

    >>> expression_mathml(Divide(Name("q"), Name("p")))
    '<math><mfrac><mi>q</mi><mi>p</mi></mfrac></math>'
    """
    return f"<math>{_print(node, SUM, style)}</math>"


def equation_mathml(left: str | Expression | None, node: Expression, style: Style = _PLAIN) -> str:
    """Return a ``math`` element in display style; ``left`` is a tree, or the name of a quantity such as ``penalty``."""
    side = Quantity(left) if isinstance(left, str) else left
    head = "" if side is None else f"{_print(side, SUM, style)}<mo>=</mo>"
    return f'<math display="block"><mrow>{head}{_print(node, SUM, style)}</mrow></math>'


def derivative_mathml(quantity: str, by: Sequence[Name], node: Expression, style: Style = _PLAIN) -> str:
    """Return the equation of a derivative of a quantity in q, or of a partial one in weights, in display style."""
    letter = "<mi>d</mi>" if by[0] == Name("q") else "<mo>∂</mo>"
    power = letter if len(by) == 1 else f"<msup>{letter}<mn>{len(by)}</mn></msup>"
    below = "".join(f"{letter}{_print(name, ATOM, style)}" for name in by)
    left = f"<mfrac><mrow>{power}{_quantity(quantity)}</mrow><mrow>{below}</mrow></mfrac>"
    return f'<math display="block"><mrow>{left}<mo>=</mo>{_print(node, SUM, style)}</mrow></math>'


def comparison_mathml(sides: Sequence[Expression], relations: Sequence[str], style: Style = _PLAIN) -> str:
    """Return the ``mrow`` of a chain of relations such as ``0 <= q < 1``."""
    markup = _print(sides[0], SUM, style)
    for relation, side in zip(relations, sides[1:], strict=True):
        markup += f"<mo>{_RELATIONS[relation]}</mo>{_print(side, SUM, style)}"
    return f"<mrow>{markup}</mrow>"


def flowing_mathml(sides: Sequence[Expression], relations: Sequence[str], style: Style = _PLAIN) -> list[str]:
    """Return a chain of relations as ``math`` elements between which a line may break: before relations and signs.

    >>> [piece.count("<mo") for piece in flowing_mathml((Name("q"), Add((Name("x"), Negate(Name("y"))))), ("=",))]
    [0, 1, 1]
    """
    pieces = []
    for number, side in enumerate(sides):
        head = f"<mo>{_RELATIONS[relations[number - 1]]}</mo>" if number else ""
        terms = side.terms if isinstance(side, Add) else (side,)
        first = SUM if len(terms) == 1 or isinstance(terms[0], Negate) else PRODUCT
        pieces.append(head + _print(terms[0], first, style))
        for term in terms[1:]:
            minus = isinstance(term, Negate)
            sign = '<mo form="infix">−</mo>' if minus else '<mo form="infix">+</mo>'
            pieces.append(sign + _print(term.operand if isinstance(term, Negate) else term, PRODUCT, style))
    return [f'<math displaystyle="true"><mrow>{piece}</mrow></math>' for piece in pieces]


def _quantity(name: str) -> str:
    inside = {"mean": "<mi>D</mi>", "second_moment": "<msup><mi>D</mi><mn>2</mn></msup>", "variance": "<mi>D</mi>"}
    if name in inside:
        operator = "<mi>Var</mi>" if name == "variance" else "<mi>𝔼</mi>"
        return f"<mrow>{operator}{_APPLY}<mrow><mo>[</mo>{inside[name]}<mo>]</mo></mrow></mrow>"
    if name == "criterion":
        return "<msub><mi>J</mi><mi>D</mi></msub>"
    if name == "output":
        return f"<mrow><mi>W</mi>{_APPLY}<mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow></mrow>"
    return "<mi>R</mi>" if name == "risk" else f"<mtext>{escape(name, quote=False)}</mtext>"


def _print(node: Any, level: int, style: Style) -> str:
    markup, own = _parts(node, style)
    return markup if own >= level else f"<mrow><mo>(</mo>{markup}<mo>)</mo></mrow>"


def _parts(node: Any, style: Style) -> tuple[str, int]:
    match node:
        case Number(value):
            shown = digits(value)
            return (f"<mrow>{_MINUS}<mn>{shown[1:]}</mn></mrow>", SUM) if value < 0 else (f"<mn>{shown}</mn>", ATOM)
        case Quantity(name):
            return _quantity(name), ATOM
        case Name():
            return _name(node, style)
        case Add(terms):
            markup: str = _print(terms[0], SUM if isinstance(terms[0], Negate) else PRODUCT, style)
            for term in terms[1:]:
                minus = isinstance(term, Negate)
                markup += _MINUS if minus else "<mo>+</mo>"
                markup += _print(term.operand if isinstance(term, Negate) else term, PRODUCT, style)
            return f"<mrow>{markup}</mrow>", SUM
        case Negate(operand):
            inner = _parts(operand, style)[0] if isinstance(operand, Negate) else _print(operand, PRODUCT, style)
            return f"<mrow>{_MINUS}{inner}</mrow>", SUM
        case Multiply(factors):
            printed = [_print(f, POWER, style) for f in factors]
            markup = printed[0]
            for before, after, factor in zip(factors, factors[1:], printed[1:], strict=False):
                dotted = isinstance(before, (Number, Divide)) and isinstance(after, (Number, Divide))
                markup += ("<mo>·</mo>" if dotted else _TIMES) + factor
            return f"<mrow>{markup}</mrow>", PRODUCT
        case Divide(top, bottom):
            return f"<mfrac>{_print(top, SUM, style)}{_print(bottom, SUM, style)}</mfrac>", POWER
        case Power(base, exponent):
            return f"<msup>{_print(base, ATOM, style)}{_print(exponent, SUM, style)}</msup>", POWER
        case Call(function, arguments):
            return _call(function, arguments, style), ATOM
        case Repeated(kind, index, first, last, body):
            sign = "∑" if kind == "sum" else "∏"
            start = f"<mrow><mi>{index}</mi><mo>=</mo>{_print(first, SUM, style)}</mrow>"
            ends = f'<munderover><mo movablelimits="false">{sign}</mo>{start}{_print(last, SUM, style)}</munderover>'
            return f"<mrow>{ends}{_print(body, PRODUCT, style)}</mrow>", PRODUCT
        case Derivative(operand, variable):
            below = f"<mrow><mo>∂</mo>{_print(variable, ATOM, style)}</mrow>"
            if isinstance(operand, Quantity):
                return f"<mfrac><mrow><mo>∂</mo>{_print(operand, ATOM, style)}</mrow>{below}</mfrac>", POWER
            inside = f"<mrow><mo>(</mo>{_print(operand, SUM, style)}<mo>)</mo></mrow>"
            return f"<mrow><mfrac><mo>∂</mo>{below}</mfrac>{inside}</mrow>", PRODUCT
        case Limit(operand, variable, target, side):
            end = "<mi>∞</mi>" if target == Name("infty") else _print(target, PRODUCT, style)
            end = f"<msup>{end}<mo>{side}</mo></msup>" if side else end
            under = f"<mrow>{_print(variable, ATOM, style)}<mo>→</mo>{end}</mrow>"
            return f"<mrow><munder><mi>lim</mi>{under}</munder>{_print(operand, PRODUCT, style)}</mrow>", SUM
    raise TypeError(type(node).__name__)


def _name(node: Name, style: Style) -> tuple[str, int]:
    printed = style.printed(node.name)
    plain = len(printed) == 1 or printed in GREEK_LETTERS
    symbol = (
        f"<mi>{GREEK_LETTERS.get(printed, printed)}</mi>" if plain else f"<mtext>{escape(printed, quote=False)}</mtext>"
    )
    if not node.indices:
        return symbol, ATOM
    if style.index == "bracket":
        groups = [node.indices[:1], node.indices[1:]] if has_layer(node) else [node.indices]
        inner = "".join(f"<mrow><mo>[</mo>{_list(group, style)}<mo>]</mo></mrow>" for group in groups if group)
        return f"<mrow>{symbol}{inner}</mrow>", ATOM
    if style.index == "superscript-layer" and has_layer(node):
        layer = f"<mrow><mo>(</mo>{_print(node.indices[0], SUM, style)}<mo>)</mo></mrow>"
        if not node.indices[1:]:
            return f"<msup>{symbol}{layer}</msup>", POWER
        return f"<msubsup>{symbol}{_list(node.indices[1:], style)}{layer}</msubsup>", POWER
    return f"<msub>{symbol}{_list(node.indices, style)}</msub>", ATOM


def _list(indices: tuple[Any, ...], style: Style) -> str:
    shown = "<mo>,</mo>".join(_print(i, SUM, style) for i in indices)
    return shown if len(indices) == 1 else f"<mrow>{shown}</mrow>"


def _call(function: str, arguments: tuple[Any, ...], style: Style) -> str:
    shown = "<mo>,</mo>".join(_print(a, SUM, style) for a in arguments)
    if function == "relu" and style.relu == "plus":
        return f"<msub><mrow><mo>(</mo>{shown}<mo>)</mo></mrow><mo>+</mo></msub>"
    if function == "sqrt":
        return f"<msqrt>{shown}</msqrt>"
    if function == "abs":
        return f"<mrow><mo>|</mo>{shown}<mo>|</mo></mrow>"
    return (
        f"<mrow><mi>{GREEK_LETTERS.get(function, function)}</mi>{_APPLY}<mrow><mo>(</mo>{shown}<mo>)</mo></mrow></mrow>"
    )
