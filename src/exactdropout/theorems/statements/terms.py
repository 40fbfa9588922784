"""Formulas as objects: written with Python's operators, printed as they are written, checked as rational functions.

A term keeps its layout (a tree of :mod:`exactdropout.notation`), so that nothing is regrouped when it is printed as
text, LaTeX or MathML; :meth:`Term.expression` is the same tree as a SymPy expression, for the checks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Literal, TypeAlias

import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation import expression_latex, expression_mathml, expression_text
from exactdropout.notation.mathml import comparison_mathml
from exactdropout.notation.tree import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
)

__all__ = ["Operand", "Relation", "Sign", "Term", "apply", "equal", "number", "symbol", "symbols"]

Sign: TypeAlias = Literal["=", "<=", "<", ">=", ">"]
_LATEX = {"=": "=", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}


@dataclass(frozen=True)
class Term:
    """A formula; ``+ - * / **`` and the comparisons ``>= > <= <`` with terms, int and Fraction build larger ones.

    >>> K, p = symbols("K p")
    >>> print(1 / (K * p + 2 * (1 - p)))
    1/(K p + 2 (1 - p))
    """

    node: Expression

    def __add__(self, other: Operand) -> Term:
        """Return the sum, written in this order."""
        left, right = self.node, _node(other)
        return Term(Add((*(left.terms if isinstance(left, Add) else (left,)), right)))

    def __radd__(self, other: Operand) -> Term:
        """Return the sum, written in this order."""
        return Term(_node(other)) + self

    def __sub__(self, other: Operand) -> Term:
        """Return the difference."""
        left, right = self.node, _node(other)
        return Term(Add((*(left.terms if isinstance(left, Add) else (left,)), Negate(right))))

    def __rsub__(self, other: Operand) -> Term:
        """Return the difference."""
        return Term(_node(other)) - self

    def __mul__(self, other: Operand) -> Term:
        """Return the product, written in this order."""
        left, right = self.node, _node(other)
        before = left.factors if isinstance(left, Multiply) else (left,)
        return Term(Multiply((*before, *(right.factors if isinstance(right, Multiply) else (right,)))))

    def __rmul__(self, other: Operand) -> Term:
        """Return the product, written in this order."""
        return Term(_node(other)) * self

    def __truediv__(self, other: Operand) -> Term:
        """Return the quotient."""
        return Term(Divide(self.node, _node(other)))

    def __rtruediv__(self, other: Operand) -> Term:
        """Return the quotient."""
        return Term(Divide(_node(other), self.node))

    def __pow__(self, other: Operand) -> Term:
        """Return the power."""
        return Term(Power(self.node, _node(other)))

    def __neg__(self) -> Term:
        """Return the negative."""
        return Term(Negate(self.node))

    def __ge__(self, other: Operand) -> Relation:
        """Return the claim that this is at least ``other``."""
        return Relation(self, ">=", Term(_node(other)))

    def __gt__(self, other: Operand) -> Relation:
        """Return the claim that this is larger than ``other``."""
        return Relation(self, ">", Term(_node(other)))

    def __le__(self, other: Operand) -> Relation:
        """Return the claim that this is at most ``other``."""
        return Relation(self, "<=", Term(_node(other)))

    def __lt__(self, other: Operand) -> Relation:
        """Return the claim that this is less than ``other``."""
        return Relation(self, "<", Term(_node(other)))

    def __str__(self) -> str:
        """Return plain text."""
        text = re.sub(r"\[([A-Za-z0-9]+)\]", r"_\1", expression_text(self.node))
        return text.replace("*", " ")

    def latex(self) -> str:
        """Return LaTeX, without delimiters; parentheses of fixed size, so that lines may end inside them."""
        return expression_latex(self.node).replace(r"\left( ", "(").replace(r" \right)", ")")

    def mathml(self) -> str:
        """Return a ``math`` element."""
        return expression_mathml(self.node)

    def expression(self) -> Any:
        """Return the SymPy expression."""
        return _expression(self.node)

    def value(self, values: Mapping[Term, Fraction]) -> Fraction:
        """Return the number at given values of the symbols; sums, products, quotients and integer powers only.

        >>> (1 / (1 + symbol("x") ** 2)).value({symbol("x"): Fraction(1, 2)})
        Fraction(4, 5)
        """
        return _value(self.node, {name.node: found for name, found in values.items()})

    def at(self, values: Mapping[Term, Operand]) -> Term:
        """Return the term with symbols replaced, all at once."""
        found = {key.node: _node(value) for key, value in values.items()}
        return Term(_replaced(self.node, found))


Operand: TypeAlias = Term | int | Fraction


@dataclass(frozen=True)
class Relation:
    """A claim that compares two terms.

    >>> K, n = symbols("K n")
    >>> print((K - 1) * n**2 <= K)
    (K - 1) n^2 <= K
    """

    left: Term
    sign: Sign
    right: Term

    def __bool__(self) -> bool:
        """Refuse a truth value: a chained comparison would keep its last part only."""
        raise InvalidInput(f"The relation {self} has no truth value; write two relations for a < b < c.")

    def __str__(self) -> str:
        """Return plain text."""
        return f"{self.left} {self.sign} {self.right}"

    def latex(self) -> str:
        """Return LaTeX, without delimiters."""
        return f"{self.left.latex()} {_LATEX[self.sign]} {self.right.latex()}"

    def mathml(self) -> str:
        """Return a ``math`` element."""
        return comparison_mathml([self.left.node, self.right.node], [self.sign])

    @property
    def strict(self) -> bool:
        """Whether equality is excluded."""
        return self.sign in ("<", ">")

    def gap(self) -> Any:
        """Return what the claim says to be positive, not negative, or 0: the larger side less the smaller one."""
        left, right = self.left.expression(), self.right.expression()
        return right - left if self.sign in ("<", "<=") else left - right

    def holds_at(self, values: Mapping[Term, Fraction]) -> bool:
        """Return whether the claim is true at given values of the symbols."""
        left, right = self.left.value(values), self.right.value(values)
        return {"=": left == right, "<=": left <= right, "<": left < right, ">=": left >= right, ">": left > right}[
            self.sign
        ]

    def at(self, values: Mapping[Term, Operand]) -> Relation:
        """Return the claim with symbols replaced, all at once."""
        return Relation(self.left.at(values), self.sign, self.right.at(values))


def equal(left: Operand, right: Operand) -> Relation:
    """Return the claim that two terms are equal.

    >>> a, b = symbols("a b")
    >>> print(equal((a + b) ** 2, a**2 + 2 * a * b + b**2))
    (a + b)^2 = a^2 + 2 a b + b^2
    """
    return Relation(Term(_node(left)), "=", Term(_node(right)))


def symbol(name: str, *indices: int | Term | str) -> Term:
    """Return a symbol; an index is a number, a term or a word.

    >>> print(symbol("J", "neg"), symbol("lambda"), symbol("T", symbol("n")))
    J_neg lambda T_n
    """
    shown = (Name(i) if isinstance(i, str) else _node(i) for i in indices)
    return Term(Name(name, tuple(shown)))


def symbols(names: str) -> tuple[Term, ...]:
    """Return symbols, named in one text."""
    return tuple(symbol(name) for name in names.split())


def apply(function: str, *arguments: Operand) -> Term:
    """Return ``relu``, ``sqrt``, ``abs``, ``max``, ``min`` or a function without a definition, such as a mean ``E``.

    >>> print(apply("relu", 2 * symbol("z")))
    relu(2 z)
    """
    return Term(Call(function, tuple(_node(a) for a in arguments)))


def number(value: Operand) -> Term:
    """Return a number as a term."""
    return Term(_node(value))


def _node(value: Operand) -> Expression:
    if isinstance(value, Term):
        return value.node
    if isinstance(value, Fraction) and value.denominator != 1:
        quotient = Divide(Number(Fraction(abs(value.numerator))), Number(Fraction(value.denominator)))
        return Negate(quotient) if value < 0 else quotient
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Negate(Number(Fraction(-value))) if value < 0 else Number(Fraction(value))
    raise InvalidInput(f"A formula is made of terms, int and Fraction, not of {show(value)}.")


def _replaced(node: Any, values: Mapping[Any, Any]) -> Any:
    """Return the tree with symbols replaced; an index is part of its name and stays."""
    if node in values:
        return values[node]
    match node:
        case Add(terms):
            return Add(tuple(_replaced(t, values) for t in terms))
        case Multiply(factors):
            return Multiply(tuple(_replaced(f, values) for f in factors))
        case Divide(top, bottom):
            return Divide(_replaced(top, values), _replaced(bottom, values))
        case Negate(operand):
            return Negate(_replaced(operand, values))
        case Power(base, exponent):
            return Power(_replaced(base, values), _replaced(exponent, values))
        case Call(function, arguments):
            return Call(function, tuple(_replaced(a, values) for a in arguments))
    return node


def _value(node: Expression, values: Mapping[Any, Fraction]) -> Fraction:
    if node in values:
        return values[node]
    match node:
        case Number(value):
            return value
        case Add(terms):
            return sum((_value(t, values) for t in terms), Fraction(0))
        case Multiply(factors):
            return math.prod((_value(f, values) for f in factors), start=Fraction(1))
        case Divide(top, bottom):
            return _value(top, values) / _value(bottom, values)
        case Negate(operand):
            return -_value(operand, values)
        case Power(base, exponent):
            power = _value(exponent, values)
            if power.denominator == 1:
                return Fraction(_value(base, values) ** power.numerator)
    raise InvalidInput(f"The formula {Term(node)} has no rational value here; give a number for every symbol.")


@cache
def _expression(node: Expression) -> Any:
    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Name():
            return sympy.Symbol(str(Term(node)))
        case Add(terms):
            return sympy.Add(*map(_expression, terms))
        case Multiply(factors):
            return sympy.Mul(*map(_expression, factors))
        case Divide(top, bottom):
            return _expression(top) / _expression(bottom)
        case Negate(operand):
            return -_expression(operand)
        case Power(base, exponent):
            return _expression(base) ** _expression(exponent)
        case Call("sqrt", (argument,)):
            return sympy.sqrt(_expression(argument))
        case Call("abs", (argument,)):
            return sympy.Abs(_expression(argument))
        case Call("max" | "min" as function, arguments):
            return (sympy.Max if function == "max" else sympy.Min)(*map(_expression, arguments))
        case Call(function, arguments):
            return sympy.Function(function)(*map(_expression, arguments))
    raise InvalidInput(f"The formula {Term(node)} has no expression that can be checked.")
