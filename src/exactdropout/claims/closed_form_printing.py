"""Closed forms as an author would write them: a square of a sum for a double sum, no layer where there is one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Divide,
    Expression,
    Multiply,
    Name,
    Number,
    Power,
    Repeated,
    rebuilt,
    walk,
)
from exactdropout.claims.reading.trees import multiplied, put

__all__ = ["as_written"]

_FIRST, _TWO = Number(Fraction(1)), Number(Fraction(2))


def as_written(expression: Expression, *, one_hidden_layer: bool) -> Expression:
    """Return an equal expression with squares for double sums, and W[j,i], b[j] where there is one hidden layer.

    Σ_i Σ_j a_i a_j (t Σ_k c_k b_ik b_jk) is t Σ_k c_k (Σ_i a_i b_ik)².
    """
    found: Expression = rebuilt(rebuilt(expression, _square), _without_ones)
    return rebuilt(found, _without_layer) if one_hidden_layer else found


def _without_layer(node: Any) -> Any:
    if (
        isinstance(node, Name)
        and node.indices[:1] == (_FIRST,)
        and (node.name, len(node.indices)) in (("W", 3), ("b", 2))
    ):
        return Name(node.name, node.indices[1:])
    return node


def _without_ones(node: Any) -> Any:
    return multiplied(node.factors) if isinstance(node, Multiply) and _FIRST in node.factors else node


def _square(node: Any) -> Any:
    """Return the square for a double sum whose body is a product that is symmetric in its two indices."""
    if not (isinstance(node, Repeated) and isinstance(node.body, Repeated)):
        return node
    i, j = node.index, node.body.index
    if node.kind != "sum" or node.body.kind != "sum" or (node.first, node.last) != (node.body.first, node.body.last):
        return node
    outer = _factors(node.body.body)
    sums = [f for f in outer if isinstance(f, Repeated) and _depends(f, i) and _depends(f, j)]
    if i == j or len(sums) != 1 or sums[0].kind != "sum":
        return node
    inner, k = _factors(sums[0].body), sums[0].index
    ends = (sums[0].first, sums[0].last)
    if k in (i, j) or any(_depends(end, index) for end in ends for index in (i, j)):
        return node
    rest = [f for f in outer if f is not sums[0]]
    parts = [_parted(part, i, j) for part in (rest, inner)]
    if any(part is None for part in parts):
        return node
    (outside, common), (inside, shared) = parts  # type: ignore[misc]
    root = Repeated("sum", i, node.first, node.last, multiplied((*outside, *inside)))
    return multiplied((*common, Repeated("sum", k, *ends, multiplied((*shared, Power(root, _TWO))))))


def _parted(factors: list[Any], i: str, j: str) -> tuple[list[Any], list[Any]] | None:
    """Return the factors in i, which those in j repeat, and those in neither; None where it is not so."""
    in_i = [f for f in factors if _depends(f, i)]
    in_j = [f for f in factors if _depends(f, j)]
    neither = [f for f in factors if not _depends(f, i) and not _depends(f, j)]
    mirrored = [put(f, {j: Name(i)}) for f in in_j]
    if len(in_i) + len(in_j) + len(neither) != len(factors) or sorted(map(repr, in_i)) != sorted(map(repr, mirrored)):
        return None
    return in_i, neither


def _factors(node: Any) -> list[Any]:
    """Return the factors of a product, of a quotient too, where the divisor is one of 1/c."""
    if isinstance(node, Multiply):
        return [g for f in node.factors for g in _factors(f)]
    if isinstance(node, Divide) and isinstance(node.top, (Multiply, Repeated)):
        return [*_factors(node.top), Divide(_FIRST, node.bottom)]
    return [node]


def _depends(node: Any, index: str) -> bool:
    return any(n == Name(index) for n in walk(node))
