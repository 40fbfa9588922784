"""Where a claim says something: no divisor is 0 there, and nothing under a root is negative."""

from __future__ import annotations

from fractions import Fraction

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    walk,
)
from exactdropout.claims.setting.named_sizes import parts

__all__ = ["where_defined"]

_KEPT = Add((Number(Fraction(1)), Negate(Name("q"))))
_SQUARES = ("criterion", "risk", "variance", "second_moment")


def where_defined(claim: Claim) -> list[str]:
    """Return what restricts the points that a claim speaks of, as far as its form does not exclude them."""
    nodes = [node for part in parts(claim) for node in walk(part)]
    divisors = [n.bottom for n in nodes if isinstance(n, Divide)]
    divisors += [n.base for n in nodes if isinstance(n, Power) and not _counts(n.exponent)]
    under = [n.arguments[0] for n in nodes if isinstance(n, Call) and n.function == "sqrt"]
    under += [n.base for n in nodes if isinstance(n, Power) and any(isinstance(e, Divide) for e in walk(n.exponent))]
    said = [] if all(map(_positive, divisors)) else ["wherever no divisor is 0"]
    return said if all(map(_nonnegative, under)) else [*said, "wherever nothing under a root is negative"]


def _positive(node: Expression) -> bool:
    """Return whether an expression is positive by its form: numbers, sizes, p and 1 - q, under +, *, / and powers."""
    match node:
        case Number(value):
            return value > 0
        case Name(name):
            return name in ("K", "n", "d", "p")
        case Add(terms):
            return node == _KEPT or all(map(_positive, terms))
        case Multiply(factors):
            return all(map(_positive, factors))
        case Divide(top, bottom):
            return _positive(top) and _positive(bottom)
        case Power(base, _):
            return _positive(base)
    return False


def _nonnegative(node: Expression) -> bool:
    """Return whether an expression is never negative by its form: squares, rates, and sums and products of such."""
    match node:
        case Number(value):
            return value >= 0
        case Name(name):
            return name in ("K", "n", "d", "p", "q")
        case Quantity(name):
            return name in _SQUARES
        case Call(function, _):
            return function in ("relu", "abs", "sqrt")
        case Add(terms):
            return node == _KEPT or all(map(_nonnegative, terms))
        case Multiply(factors):
            return all(map(_nonnegative, factors))
        case Divide(top, bottom):
            return _nonnegative(top) and _nonnegative(bottom)
        case Power(base, exponent):
            even = isinstance(exponent, Number) and exponent.value % 2 == 0
            return even or _nonnegative(base)
        case Repeated(_, _, _, _, body):
            return _nonnegative(body)
    return False


def _counts(exponent: Expression) -> bool:
    """Return whether an exponent is never negative: a number, a size, or a size less 1."""
    if isinstance(exponent, Number):
        return exponent.value >= 0
    if isinstance(exponent, Divide):
        return _counts(exponent.top) and isinstance(exponent.bottom, Number)
    if isinstance(exponent, Add) and len(exponent.terms) == 2 and exponent.terms[1] == Negate(Number(Fraction(1))):
        exponent = exponent.terms[0]
    return isinstance(exponent, Name) and exponent.name in ("K", "n", "d")
