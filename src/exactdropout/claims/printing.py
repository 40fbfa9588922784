"""Claims as text and as LaTeX; the parser reads both back to an equal tree."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from exactdropout.claims.syntax import (
    Add,
    Call,
    Claim,
    Comparison,
    Divide,
    Invariance,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
)
from exactdropout.claims.tokens import GREEK

__all__ = ["aligned_latex", "claim_latex", "claim_text", "expression_latex", "expression_text"]

_TEXT = {
    "criterion": "J_D", "risk": "R", "penalty": "penalty", "mean": "E[D]", "variance": "Var[D]",
    "second_moment": "E[D^2]", "output": "W(x)",
}  # fmt: skip
_LATEX = {
    "criterion": "J_D", "risk": "R", "penalty": r"\text{penalty}", "mean": r"\mathbb{E}[D]",
    "variance": r"\operatorname{Var}[D]", "second_moment": r"\mathbb{E}[D^{2}]", "output": "W(x)",
}  # fmt: skip
_RELATIONS = {"=": "=", "!=": r"\ne", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def claim_text(claim: Claim) -> str:
    """Return the text form."""
    return _claim(claim, latex=False)


def claim_latex(claim: Claim) -> str:
    """Return the LaTeX form."""
    return _claim(claim, latex=True)


def expression_text(node: Any) -> str:
    """Return one expression as text."""
    return _print(node, _SUM, latex=False)


def expression_latex(node: Any) -> str:
    """Return one expression as LaTeX."""
    return _print(node, _SUM, latex=True)


def _claim(claim: Claim, *, latex: bool) -> str:
    def words(text: str) -> str:
        return rf" \text{{ {text} }} " if latex else f" {text} "

    def comparison(node: Comparison) -> str:
        parts = [_print(node.sides[0], _SUM, latex)]
        for relation, side in zip(node.relations, node.sides[1:], strict=True):
            parts += [_RELATIONS[relation] if latex else relation, _print(side, _SUM, latex)]
        return " ".join(parts)

    def pairs(items: Any, between: str) -> str:
        return ", ".join(f"{_print(a, _SUM, latex)} {between} {_print(b, _SUM, latex)}" for a, b in items)

    statement = claim.statement
    if isinstance(statement, Comparison):
        text = comparison(statement)
    elif isinstance(statement, Monotonicity):
        where = _print(statement.variable, _SUM, latex)
        text = _print(statement.expression, _SUM, latex) + words(f"is {statement.direction} in") + where
    elif isinstance(statement, Invariance):
        arrow = r"\to" if latex else "->"
        text = _print(statement.expression, _SUM, latex) + words("is invariant under") + pairs(statement.map, arrow)
    else:
        assert isinstance(statement, Minimiser)
        text = pairs(statement.assignments, "=") + words("is a minimiser of")
        text += _print(statement.expression, _SUM, latex)
    if claim.assumptions:
        text += words("if") + ", ".join(map(comparison, claim.assumptions))
    return " ".join(text.split())


def _print(node: Any, level: int, latex: bool) -> str:
    text, own = _parts(node, latex)
    if own >= level:
        return text
    return rf"\left( {text} \right)" if latex else f"({text})"


def _parts(node: Any, latex: bool) -> tuple[str, int]:
    match node:
        case Number(value):
            return _number(value, latex)
        case Quantity(name):
            return (_LATEX if latex else _TEXT)[name], _ATOM
        case Name(name, indices):
            return _name(name, indices, latex), _ATOM
        case Add(terms):
            text = _print(terms[0], _SUM if isinstance(terms[0], Negate) else _PRODUCT, latex)
            for term in terms[1:]:
                minus = isinstance(term, Negate)
                operand = term.operand if isinstance(term, Negate) else term
                text += f" {'-' if minus else '+'} " + _print(operand, _PRODUCT, latex)
            return text, _SUM
        case Negate(operand):
            if isinstance(operand, Negate):
                return "-" + _parts(operand, latex)[0], _SUM
            return "-" + _print(operand, _PRODUCT, latex), _SUM
        case Multiply(factors):
            if not latex:
                first = _print(factors[0], _PRODUCT if isinstance(factors[0], Divide) else _POWER, False)
                return "*".join([first, *(_print(f, _POWER, False) for f in factors[1:])]), _PRODUCT
            shown = [_print(f, _POWER, True) for f in factors[:-1]]
            shown.append(_print(factors[-1], _PRODUCT if isinstance(factors[-1], Repeated) else _POWER, True))
            text = shown[0]
            for factor in shown[1:]:  # a digit or a parenthesis side by side could be read as something else
                text += (r" \cdot " if factor[0].isdigit() or factor.startswith(r"\left") else " ") + factor
            return text, _PRODUCT
        case Divide(top, bottom):
            if latex:
                return rf"\frac{{{_print(top, _SUM, True)}}}{{{_print(bottom, _SUM, True)}}}", _ATOM
            return f"{_print(top, _PRODUCT, False)}/{_print(bottom, _POWER, False)}", _PRODUCT
        case Power(base, exponent):
            if latex:
                return f"{_print(base, _ATOM, True)}^{{{_print(exponent, _SUM, True)}}}", _POWER
            return f"{_print(base, _ATOM, False)}^{_print(exponent, _ATOM, False)}", _POWER
        case Call(function, arguments):
            return _call(function, arguments, latex), _ATOM
        case Repeated(kind, index, first, last, body):
            low, high = _print(first, _SUM, latex), _print(last, _SUM, latex)
            if latex:
                sign = r"\sum" if kind == "sum" else r"\prod"
                return rf"{sign}_{{{index}={low}}}^{{{high}}} {_print(body, _PRODUCT, True)}", _PRODUCT
            word = "Sum" if kind == "sum" else "Prod"
            return f"{word}({_print(body, _SUM, False)}, {index}={low}..{high})", _ATOM
    raise TypeError(type(node).__name__)


def _number(value: Fraction, latex: bool) -> tuple[str, int]:
    if value.denominator == 1:
        return str(value), _ATOM if value >= 0 else _SUM
    digits = _decimal(value)
    return digits, _ATOM


def _decimal(value: Fraction) -> str:
    """Return the decimal digits of a number that was read from a decimal, or a quotient."""
    for places in range(1, 61):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(scaled.numerator).rjust(places + 1, "0")
            return f"{digits[:-places]}.{digits[-places:]}"
    return f"({value})"


def _name(name: str, indices: tuple[Any, ...], latex: bool) -> str:
    # a product of two letters would read as two indices
    shown = [_print(i, _ATOM if latex else _SUM, latex) for i in indices]
    if latex:
        symbol = rf"\{name}" if name in GREEK else rf"\text{{{name}}}" if len(name) > 1 else name
        return symbol + (f"_{{{','.join(shown)}}}" if shown else "")
    if not shown:
        return name
    return f"{name}[{shown[0]}][{','.join(shown[1:])}]" if len(shown) > 1 else f"{name}[{shown[0]}]"


def _call(function: str, arguments: tuple[Any, ...], latex: bool) -> str:
    shown = ", ".join(_print(a, _SUM, latex) for a in arguments)
    if not latex:
        return f"{function}({shown})"
    if function == "sqrt":
        return rf"\sqrt{{{shown}}}"
    if function == "abs":
        return rf"\left| {shown} \right|"
    symbol = rf"\{function}" if function in ("max", "min") else r"\operatorname{relu}"
    return rf"{symbol}\left( {shown} \right)"


def aligned_latex(claim: Claim, width: int = 90) -> str:
    """Return an equation or inequality with the terms of its last side broken into aligned lines (``split``).

    ``width`` counts printed characters, LaTeX commands about one each; a single term is never broken. The parser reads
    the result back to the same claim.
    """
    statement = claim.statement
    if not isinstance(statement, Comparison) or len(statement.sides) != 2 or claim.assumptions:
        return claim_latex(claim)
    left, right = statement.sides
    head = f"{expression_latex(left)} &{_RELATIONS[statement.relations[0]]} "
    terms = right.terms if isinstance(right, Add) else (right,)
    first = _print(terms[0], _SUM if isinstance(terms[0], Negate) else _PRODUCT, latex=True)
    lines, used = [head + first], _printed(head + first)
    for term in terms[1:]:
        operand = term.operand if isinstance(term, Negate) else term
        text = f" {'-' if isinstance(term, Negate) else '+'} " + _print(operand, _PRODUCT, latex=True)
        if used + _printed(text) > width:
            lines.append(r"&\quad" + text)
            used = 4 + _printed(text)
        else:
            lines[-1] += text
            used += _printed(text)
    if len(lines) == 1:
        return lines[0].replace(" &", " ", 1)
    return "\\begin{split}\n" + " \\\\\n".join(lines) + "\n\\end{split}"


def _printed(latex: str) -> int:
    """Return about how many characters of the width of a letter are printed."""
    plain = re.sub(r"\\(?:left|right|operatorname|text|mathbb)\b", "", latex)
    plain = re.sub(r"\\[a-z]+", "m", plain)
    return len(re.sub(r"[{}_^ &]", "", plain))
