"""Vectors and matrices in a claim, written out as sums over entries.

A tensor is its lengths and its entry at given indices; a contraction makes a sum with an index of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.symbols import ALL_ENTRIES
from exactdropout.claims.language.syntax import Call, Expression, Name, Number, Power, Repeated
from exactdropout.claims.reading.surroundings import ONE, Surroundings
from exactdropout.claims.reading.trees import free_letter, letters, multiplied, put

__all__ = ["Tensor", "contracted", "matrix_product", "named_tensor", "squares"]

_places = itertools.count()
_TWO = Number(Fraction(2))


@dataclass(frozen=True)
class Tensor:
    """A vector, a transposed vector (``row``), a matrix, or the diagonal matrix of a vector (``diagonal``)."""

    lengths: tuple[Expression, ...]
    entry: Callable[..., Expression]
    row: bool = False
    diagonal: bool = False

    @property
    def matrix(self) -> bool:
        """Whether it has rows and columns."""
        return len(self.lengths) == 2 or self.diagonal

    @property
    def transposed(self) -> Tensor:
        """Return the transpose."""
        if self.diagonal:
            return self
        if len(self.lengths) == 1:
            return Tensor(self.lengths, self.entry, not self.row)
        return Tensor(self.lengths[::-1], lambda a, b: self.entry(b, a))

    def mapped(self, change: Callable[[Expression], Expression]) -> Tensor:
        """Return the tensor with every entry changed."""
        return Tensor(self.lengths, lambda *at: change(self.entry(*at)), self.row, self.diagonal)


def named_tensor(name: Name, around: Surroundings) -> Tensor | None:
    """Return what a name without all its indices stands for: w, x, W, W[l], a row W[k,:] or a column W[:,i]."""
    indices = name.indices
    if name.name == "x" and not indices:
        return Tensor((around.inputs,), lambda i: Name("x", (i,)))
    if name.name == "w" and not indices:
        return Tensor((around.before_output,), lambda i: Name("w", (i,)))
    if around.rows is not None and name.name == "y" and not indices:
        return Tensor((around.rows,), lambda s: Name("y", (s,)))
    if around.rows is not None and name.name == "R" and not indices:
        return Tensor((around.rows, around.inputs), lambda s, i: Name("R", (s, i)))
    if around.rows is not None and name.name == "X" and (not indices or ALL_ENTRIES in indices):
        if indices in ((), (ALL_ENTRIES, ALL_ENTRIES)):
            return Tensor((around.rows, around.inputs), lambda s, i: Name("X", (s, i)))
        if len(indices) == 2 and indices[1] == ALL_ENTRIES:
            return Tensor((around.inputs,), lambda i: Name("X", (indices[0], i)), row=True)
        if len(indices) == 2:
            return Tensor((around.rows,), lambda s: Name("X", (s, indices[1])))
    if name.name == "b" and len(indices) == 2 and indices[1] == ALL_ENTRIES:
        width = around.width(indices[0])
        shown = () if around.one_hidden_layer else indices[:1]
        if width is None or not isinstance(indices[0], Number) or indices[0].value < 1:
            return None
        return Tensor((width,), lambda j: Name("b", (*shown, j)))
    if name.name != "W":
        return None
    if not indices:
        return _matrix((ONE,), around) if around.one_hidden_layer else None
    if len(indices) == 1 and isinstance(indices[0], Number):
        return _matrix(indices, around)
    if len(indices) == 1 and around.one_hidden_layer and indices[0] != ALL_ENTRIES:  # W_j, the weights of unit j
        unit = indices[0]
        return Tensor((around.inputs,), lambda i: Name("W", (unit, i)))
    layer, entries = ((ONE,), indices) if len(indices) == 2 and around.one_hidden_layer else (indices[:1], indices[1:])
    whole = _matrix(layer, around)
    if whole is None or len(entries) != 2 or ALL_ENTRIES not in entries:
        return None
    if entries == (ALL_ENTRIES, ALL_ENTRIES):
        return whole
    if entries[1] == ALL_ENTRIES:
        return Tensor(whole.lengths[1:], lambda i: whole.entry(entries[0], i), row=True)
    return Tensor(whole.lengths[:1], lambda j: whole.entry(j, entries[1]))


def _matrix(layer: tuple[Expression, ...], around: Surroundings) -> Tensor | None:
    at = layer[0]
    if not isinstance(at, Number):
        return None
    after, before = around.width(at), around.width(Number(at.value - 1))
    if after is None or before is None or at.value < 1:
        return None
    shown = () if around.one_hidden_layer else layer
    return Tensor((after, before), lambda j, i: Name("W", (*shown, j, i)))


def contracted(length: Expression, body: Callable[[Expression], Expression], taken: set[str]) -> Expression:
    """Return the sum of a body over an index of its own up to a length."""
    place = f"\0{next(_places)}"
    inner = body(Name(place))
    index = free_letter(taken | letters(inner))
    return Repeated("sum", index, ONE, length, put(inner, {place: Name(index)}))


def matrix_product(left: Any, right: Any, taken: set[str]) -> Any | None:
    """Return the product of two tensors as matrices, or a vector; None where their lengths or forms do not fit."""
    if left.diagonal or right.diagonal:
        return _with_diagonal(left, right)
    if left.lengths[-1] != right.lengths[0] and not (len(left.lengths) == 1 and not left.row):
        return None

    def total(body: Callable[[Expression], Expression]) -> Any:
        return contracted(right.lengths[0], body, taken)

    match (len(left.lengths), left.row), (len(right.lengths), right.row):
        case (2, _), (2, _):
            return Tensor(
                (left.lengths[0], right.lengths[1]),
                lambda a, b: total(lambda k: multiplied((left.entry(a, k), right.entry(k, b)))),
            )
        case (2, _), (1, False):
            return Tensor(left.lengths[:1], lambda a: total(lambda k: multiplied((left.entry(a, k), right.entry(k)))))
        case (1, True), (2, _):
            return Tensor(
                right.lengths[1:], lambda b: total(lambda k: multiplied((left.entry(k), right.entry(k, b)))), row=True
            )
        case (1, True), (1, False):
            return total(lambda k: multiplied((left.entry(k), right.entry(k))))
        case (1, False), (1, True):
            return Tensor((left.lengths[0], right.lengths[0]), lambda a, b: multiplied((left.entry(a), right.entry(b))))
    return None


def _with_diagonal(left: Tensor, right: Tensor) -> Tensor | None:
    if left.diagonal and right.diagonal:
        same = left.lengths == right.lengths
        return (
            Tensor(left.lengths, lambda i: multiplied((left.entry(i), right.entry(i))), diagonal=True) if same else None
        )
    scale, other, at = (left, right, 0) if left.diagonal else (right, left, -1)
    fits = other.lengths[at] == scale.lengths[0]
    if not fits or (len(other.lengths) == 1 and other.row == left.diagonal):
        return None
    return Tensor(other.lengths, lambda *i: multiplied((scale.entry(i[at]), other.entry(*i))), other.row)


def squares(tensor: Tensor, taken: set[str], kind: str) -> Expression:
    """Return the sum of squares, or of absolute values, of all entries."""

    def part(value: Expression) -> Expression:
        return Call("abs", (value,)) if kind == "1" else Power(value, _TWO)

    if len(tensor.lengths) == 1:
        return contracted(tensor.lengths[0], lambda i: part(tensor.entry(i)), taken)
    rows, columns = tensor.lengths
    return contracted(rows, lambda a: contracted(columns, lambda b: part(tensor.entry(a, b)), taken), taken)
