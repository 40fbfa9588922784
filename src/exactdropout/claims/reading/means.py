"""Means over masks of expressions in D or in masks r_i, by what a mean of a polynomial of degree 2 is."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Add,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    rebuilt,
    walk,
)
from exactdropout.claims.reading.trees import ZERO, added, multiplied, negated, put

__all__ = ["NoMean", "mean_in_masks", "mean_in_output", "mean_in_rows"]

_TWO = Number(Fraction(2))
_OUTPUT = Name("D")
_Y = Name("y")


class NoMean(Exception):
    """The mean of this expression is not known here; the message says why."""


def mean_in_output(kind: str, body: Any, *, one_example: bool) -> Expression:
    """Return the mean or variance of a polynomial of degree 2 in D.

    Raises:
        NoMean: another expression; with several examples anything but the quantities themselves.
    """
    square = body.base if isinstance(body, Power) and body.exponent == _TWO else None
    if kind == "mean" and isinstance(square, Add):
        if set(square.terms) in ({_OUTPUT, Negate(_Y)}, {_Y, Negate(_OUTPUT)}) and len(square.terms) == 2:
            return Quantity("criterion")
        around_mean = ({_OUTPUT, Negate(Quantity("mean"))}, {Quantity("mean"), Negate(_OUTPUT)})
        if one_example and set(square.terms) in around_mean and len(square.terms) == 2:
            return Quantity("variance")
        plain = ({Quantity("output"), Negate(_Y)}, {_Y, Negate(Quantity("output"))})
        if set(square.terms) in plain and len(square.terms) == 2:
            return Quantity("risk")
    if not one_example:
        raise NoMean(
            "with several examples only E[D], E[D^2], Var[D], E[(D - y)^2] and E[(W(x) - y)^2] have a meaning; one of "
            "these is expected"
        )
    parts = _in_output(body)
    if kind == "variance":
        if parts.keys() - {0, 1}:
            raise NoMean("the variance of D^2 is not known here; Var[D] is expected")
        return multiplied((Power(parts.get(1, Number(Fraction(0))), _TWO), Quantity("variance")))
    values: dict[int, Expression] = {0: Number(Fraction(1)), 1: Quantity("mean"), 2: Quantity("second_moment")}
    return added(multiplied((parts[degree], values[degree])) for degree in sorted(parts, reverse=True))


def _in_output(body: Any) -> dict[int, Expression]:
    """Return the coefficients of the powers of D."""
    if not any(node == _OUTPUT for node in walk(body)):
        return {0: body}
    found: dict[int, list[Expression]] = {}
    match body:
        case Name("D"):
            return {1: Number(Fraction(1))}
        case Negate(operand):
            return {k: negated(v) for k, v in _in_output(operand).items()}
        case Add(terms):
            for term in terms:
                for k, v in _in_output(term).items():
                    found.setdefault(k, []).append(v)
            return {k: added(v) for k, v in found.items()}
        case Multiply(factors):
            product: dict[int, Expression] = {0: Number(Fraction(1))}
            for factor in factors:
                product = _times(product, _in_output(factor))
            return product
        case Divide(top, bottom) if not any(node == _OUTPUT for node in walk(bottom)):
            return {k: Divide(v, bottom) for k, v in _in_output(top).items()}
        case Power(base, Number(exponent)) if exponent == 2:
            return _times(_in_output(base), _in_output(base))
    raise NoMean("the mean of a polynomial of degree 2 in D is known here, and of nothing else; E[D] is expected")


def _times(left: dict[int, Expression], right: dict[int, Expression]) -> dict[int, Expression]:
    found: dict[int, list[Expression]] = {}
    for j, a in left.items():
        for k, b in right.items():
            if j + k > 2:
                raise NoMean("moments of D beyond the second are not known here; E[D^2] is expected")
            found.setdefault(j + k, []).append(multiplied((a, b)))
    return {k: added(v) for k, v in found.items()}


@dataclass(frozen=True)
class _Sum:
    """A sum over one index of coefficient times r with that index; without a range, the one mask r[index]."""

    index: Any
    first: Any
    last: Any
    coefficient: Expression


@dataclass(frozen=True)
class _Masks:
    """constant + linear sums in r + squares, of which only the mean is kept."""

    constant: Expression
    linear: tuple[_Sum, ...] = ()
    squares: Expression = ZERO


def mean_in_masks(kind: str, body: Any, apart: Set[frozenset[Any]] = frozenset()) -> Expression:
    r"""Return the mean of a polynomial of degree 2 in masks: E r_i = p, E r_i r_j = p^2 + p q [i = j].

    ``apart`` are pairs of indices that are assumed to differ.

    Raises:
        NoMean: another expression.
    """
    found = _in_masks(body, apart)
    mean = added((found.constant, *(_total(s, Name("p")) for s in found.linear), found.squares))
    if kind == "mean":
        return mean
    if found.squares != Number(Fraction(0)):
        raise NoMean("the variance of a square of masks is not known here; a linear expression in masks is expected")
    noise = Multiply((Name("p"), Name("q")))
    return added(multiplied((noise, _shared(a, b, apart))) for a in found.linear for b in found.linear)


def mean_in_rows(body: Any) -> Expression:
    """Return the mean of a sum over rows s of polynomials of degree 2 in the masks R[s,i] of one row each.

    Raises:
        NoMean: another expression.
    """
    if not _rows(body):
        return body  # type: ignore[no-any-return]
    match body:
        case Negate(operand):
            return negated(mean_in_rows(operand))
        case Add(terms) if len({row for term in terms for row in _rows(term)}) > 1:
            return added(map(mean_in_rows, terms))
        case Add(terms) if any(isinstance(term, (Repeated, Negate)) for term in terms):
            return added(map(mean_in_rows, terms))
        case Divide(top, bottom) if not _rows(bottom):
            return Divide(mean_in_rows(top), bottom)
        case Multiply(factors) if sum(bool(_rows(factor)) for factor in factors) == 1:
            return multiplied(mean_in_rows(factor) for factor in factors)
        case Repeated("sum", index, first, last, inner) if Name(index) in _rows(inner):
            if len(_rows(inner)) == 1:
                return Repeated("sum", index, first, last, mean_in_masks("mean", _of_one_row(inner)))
    bound = {Name(node.index) for node in walk(body) if isinstance(node, Repeated)}
    if len(_rows(body)) == 1 and not bound & _rows(body):
        return mean_in_masks("mean", _of_one_row(body))
    raise NoMean("the mean of a sum over rows s of squares in R_{s,i} is known here; that is expected")


def _of_one_row(body: Any) -> Any:
    """Return what masks R[s,i] of one row give as an expression in masks r[i]."""
    return rebuilt(body, lambda n: Name("r", n.indices[1:]) if isinstance(n, Name) and n.name == "R" else n)


def _rows(body: Any) -> set[Any]:
    """Return the first indices of the masks R[s,i]."""
    return {node.indices[0] for node in walk(body) if isinstance(node, Name) and node.name == "R" and node.indices}


def _total(item: _Sum, factor: Expression) -> Expression:
    if item.first is None:
        return multiplied((factor, item.coefficient))
    return multiplied((factor, Repeated("sum", item.index, item.first, item.last, item.coefficient)))


def _shared(a: _Sum, b: _Sum, apart: Set[frozenset[Any]]) -> Expression:
    """Return the sum of products of coefficients of the masks that two sums share."""
    if a.first is None and b.first is None:
        if isinstance(a.index, Number) and isinstance(b.index, Number) and a.index != b.index:
            return ZERO
        if frozenset((a.index, b.index)) in apart:
            return ZERO
        if a.index != b.index:
            raise NoMean(
                "E[r_i r_j] is p^2 for i != j and p for i = j: add 'for i != j', or write r_i r_i, which is expected"
            )
        return multiplied((a.coefficient, b.coefficient))
    if a.first is None or b.first is None or (a.first, a.last) != (b.first, b.last):
        raise NoMean("products of sums of masks are known over one range only; the same range is expected")
    same = put(b.coefficient, {b.index: Name(a.index)})
    return Repeated("sum", a.index, a.first, a.last, multiplied((a.coefficient, same)))


def _in_masks(body: Any, apart: Set[frozenset[Any]]) -> _Masks:
    if not any(isinstance(node, Name) and node.name == "r" for node in walk(body)):
        return _Masks(body)
    zero = Number(Fraction(0))
    match body:
        case Name("r", (index,)):
            return _Masks(zero, (_Sum(index, None, None, Number(Fraction(1))),))
        case Negate(operand):
            return _scaled(_in_masks(operand, apart), negated)
        case Add(terms):
            parts = [_in_masks(term, apart) for term in terms]
            return _Masks(
                added(p.constant for p in parts),
                tuple(s for p in parts for s in p.linear),
                added(p.squares for p in parts),
            )
        case Multiply(factors):
            product = _Masks(Number(Fraction(1)))
            for factor in factors:
                product = _product(product, _in_masks(factor, apart), apart)
            return product
        case Divide(top, bottom) if not any(isinstance(n, Name) and n.name == "r" for n in walk(bottom)):
            return _scaled(_in_masks(top, apart), lambda v: Divide(v, bottom))
        case Power(base, Number(exponent)) if exponent == 2:
            return _product(_in_masks(base, apart), _in_masks(base, apart), apart)
        case Repeated("sum", index, first, last, inner):
            part = _in_masks(inner, apart)
            if any(s.first is not None or s.index != Name(index) for s in part.linear) or len(part.linear) > 1:
                raise NoMean("a sum of masks has the mask of its own index; r_i under a sum over i is expected")

            def total(value: Expression) -> Expression:
                return zero if value == zero else Repeated("sum", index, first, last, value)

            linear = tuple(_Sum(index, first, last, s.coefficient) for s in part.linear)
            return _Masks(total(part.constant), linear, total(part.squares))
    raise NoMean("the mean of a polynomial of degree 2 in masks is known here, and of nothing else; r_i is expected")


def _scaled(value: _Masks, change: Any) -> _Masks:
    zero = Number(Fraction(0))
    linear = tuple(_Sum(s.index, s.first, s.last, change(s.coefficient)) for s in value.linear)
    constant, squares = (part if part == zero else change(part) for part in (value.constant, value.squares))
    return _Masks(constant, linear, squares)


def _product(a: _Masks, b: _Masks, apart: Set[frozenset[Any]]) -> _Masks:
    zero = Number(Fraction(0))
    if (a.squares != zero and (b.linear or b.squares != zero)) or (b.squares != zero and a.linear):
        raise NoMean("products of more than two masks are not known here; a square is expected")
    linear = [
        *(
            _Sum(s.index, s.first, s.last, multiplied((b.constant, s.coefficient)))
            for s in a.linear
            if b.constant != zero
        ),
        *(
            _Sum(s.index, s.first, s.last, multiplied((a.constant, s.coefficient)))
            for s in b.linear
            if a.constant != zero
        ),
    ]
    squares = [multiplied((b.constant, a.squares)), multiplied((a.constant, b.squares))]
    for s in a.linear:
        for t in b.linear:
            both = multiplied((_total(s, Name("p")), _total(t, Name("p"))))
            squares += [both, multiplied((Name("p"), Name("q"), _shared(s, t, apart)))]
    return _Masks(multiplied((a.constant, b.constant)), tuple(linear), added(squares))
