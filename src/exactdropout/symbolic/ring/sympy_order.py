"""SymPy sums and products put together in SymPy's own order, without its search for like terms.

``Add`` and ``Mul`` flatten, collect and compare their arguments at every construction; a ring element holds each
monomial once, so that only the order is left to do. The order is that of ``Basic.compare`` (class, number of parts,
parts), as a key that is made once for each subexpression. The results are equal, hash and all, to what ``Add`` and
``Mul`` return; tests compare them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core import basic

__all__ = ["Order"]

_CLASSES = {name: rank for rank, name in enumerate(basic.ordering_of_classes)}
_UNKNOWN = len(_CLASSES) + 1


class Order:
    """The order of ``Basic.compare``, remembered for each subexpression.

    >>> x, y = sympy.symbols("x y")
    >>> Order().sum([x * y, sympy.Integer(3), x]) == x + x * y + 3
    True
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[Any, tuple[Any, ...]] = {}

    def key(self, expression: Any) -> tuple[Any, ...]:
        """Return a key that sorts as ``Basic.compare`` does."""
        if expression.is_Number:  # hashing a number costs more than its key
            return self._made(expression)
        found = self._known.get(expression)
        if found is None:
            found = self._known[expression] = self._made(expression)
        return found

    def _made(self, expression: Any) -> tuple[Any, ...]:
        name = type(expression).__name__
        parts = expression._hashable_content()
        key = self.key
        entries = tuple([key(p) if isinstance(p, sympy.Basic) else p for p in parts])
        return _CLASSES.get(name, _UNKNOWN), name, len(parts), entries

    def product(self, number: Any, factors: Sequence[Any]) -> Any:
        """Return number · ∏ factors, for commutative powers of different bases that are no numbers or products."""
        if number is sympy.S.One and len(factors) == 1:
            return factors[0]
        if len(factors) == 0 or (len(factors) == 1 and factors[0].is_Add):
            return sympy.Mul(number, *factors)  # SymPy distributes a number over a sum
        ordered = sorted(factors, key=self.key)
        if number is not sympy.S.One:
            ordered.insert(0, number)
        return sympy.Mul._from_args(ordered, is_commutative=True)

    def sum(self, terms: Sequence[Any]) -> Any:
        """Return Σ terms, for commutative terms of which no two are equal up to a number; sums among them join."""
        flat: list[Any] = []
        number = sympy.S.Zero
        for term in terms:
            for part in term.args if term.is_Add else (term,):
                if part.is_Number:
                    number += part
                else:
                    flat.append(part)
        flat.sort(key=self._made)  # each term is met once
        if number is not sympy.S.Zero:
            flat.insert(0, number)
        return sympy.Add._from_args(flat, is_commutative=True)
