"""Reading printed formulas back: from text or LaTeX, under the style it was printed in, to SymPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import sympy

from exactdropout.claims.language.parser import parse_expression
from exactdropout.errors import InvalidInput
from exactdropout.notation.names import check_apart, symbol_name
from exactdropout.notation.style import Style, StyleOptions, has_layer, styled
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Add, Call, Divide, Expression, Multiply, Name, Negate, Number, Power
from exactdropout.symbolic.ring.relu import Leaky, relu, step

__all__ = ["read_formula", "read_tree"]

_FUNCTIONS = {
    "relu": relu,
    "leaky": Leaky,
    "step": step,
    "abs": sympy.Abs,
    "sqrt": sympy.sqrt,
    "max": sympy.Max,
    "min": sympy.Min,
}


def read_formula(
    text: str, symbols: Iterable[sympy.Symbol], style: Style | None = None, **options: Unpack[StyleOptions]
) -> sympy.Expr:
    """Return the SymPy expression of a formula that was printed as text or LaTeX in a given style.

    Args:
        text: what ``latex`` or ``text`` of a :class:`Formula` returned, perhaps edited by hand; a left side such as
            ``J_D =`` and the environment around it may be there.
        symbols: the symbols that may occur, such as ``formula.symbols``.
        style: the style it was printed in; further fields as keyword arguments.

    Text is parsed by the grammar of claims and never evaluated. At most 1,000,000 characters.

    Raises:
        InvalidInput: one sentence with the position and a caret; or a symbol that is none of those given.

    >>> from exactdropout import Architecture, derive
    >>> penalty = derive(Architecture(1, (), biases=False)).penalty
    >>> print(penalty.latex(names={"w": "a"}))
    \\frac{q a_{1}^{2} x_{1}^{2}}{1 - q}
    >>> read_formula(penalty.latex(names={"w": "a"}), penalty.symbols, names={"w": "a"}) == penalty.expr
    True
    """
    known = list(symbols)
    chosen = styled(style, options)
    table = _table(known, chosen)

    def build(node: Any) -> Any:
        match node:
            case Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Name(name, indices):
                if (name, indices) not in table:
                    raise InvalidInput(f"Argument 'text' holds {expression_text(node)}, which is none of the symbols.")
                return table[name, indices]
            case Add(terms):
                return sympy.Add(*map(build, terms))
            case Multiply(factors):
                return sympy.Mul(*map(build, factors))
            case Divide(top, bottom):
                # factor by factor: SymPy would multiply out 2 (1 − q)
                below = bottom.factors if isinstance(bottom, Multiply) else (bottom,)
                return sympy.Mul(build(top), *(1 / build(factor) for factor in below))
            case Negate(operand):
                return -build(operand)
            case Power(base, exponent):
                return build(base) ** build(exponent)
            case Call(function, arguments):
                return _FUNCTIONS[function](*map(build, arguments))
        raise InvalidInput(f"Argument 'text' holds {expression_text(node)}, which is no part of a formula in symbols.")

    return build(read_tree(text, known, chosen))


def read_tree(text: str, symbols: Iterable[sympy.Symbol], style: Style) -> Expression:
    """Return the tree of a printed formula, with the printed names."""
    names = [symbol_name(str(s)) for s in symbols]
    vocabulary: dict[str, bool] = {}
    for name in names:
        printed = style.printed(name.name)
        vocabulary[printed] = vocabulary.get(printed, False) or has_layer(name)
    return parse_expression(text, vocabulary)


def _table(symbols: list[sympy.Symbol], style: Style) -> dict[Any, sympy.Symbol]:
    check_apart(map(str, symbols), style)
    table = {}
    for symbol in symbols:
        name = symbol_name(str(symbol))
        table[style.printed(name.name), name.indices] = symbol
    return table
