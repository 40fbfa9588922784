"""Formulas as trees: what derivations print and claims parse. Pure Python: no SymPy, no engine.

Positions (of the text a tree was read from) do not count in comparisons, so that printing and reading is a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cache
from typing import Any, Literal, TypeAlias

__all__ = [
    "Add",
    "Call",
    "Derivative",
    "Divide",
    "Expression",
    "Limit",
    "Multiply",
    "Name",
    "Negate",
    "Number",
    "Power",
    "Quantity",
    "Repeated",
    "nested_exponents",
    "rebuilt",
    "walk",
]


@dataclass(frozen=True)
class _Node:
    position: int = field(default=0, compare=False, kw_only=True, repr=False)


@dataclass(frozen=True)
class Number(_Node):
    """A rational number."""

    value: Fraction


@dataclass(frozen=True)
class Quantity(_Node):
    """A quantity of dropout, such as ``criterion``, by its name."""

    name: str


@dataclass(frozen=True)
class Name(_Node):
    """A symbol with indices: ``q``, ``x[i]``, ``W[1][j,i]`` (indices layer, unit, unit before), ``weights``.

    ``layered`` says whether the first index is that of a layer; None where the number of indices tells. It decides how
    indices are set and does not count in comparisons.
    """

    name: str
    indices: tuple[Expression, ...] = ()
    layered: bool | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Add(_Node):
    """A sum."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Multiply(_Node):
    """A product."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Divide(_Node):
    """A quotient."""

    top: Expression
    bottom: Expression


@dataclass(frozen=True)
class Negate(_Node):
    """The negative."""

    operand: Expression


@dataclass(frozen=True)
class Power(_Node):
    """A power."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Call(_Node):
    """``relu``, ``step``, ``abs`` or ``sqrt`` of one argument, ``max`` or ``min`` of several."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Repeated(_Node):
    """A sum or a product over an index from ``first`` to ``last``."""

    kind: Literal["sum", "product"]
    index: str
    first: Expression
    last: Expression
    body: Expression


@dataclass(frozen=True)
class Derivative(_Node):
    """The partial derivative of ``operand`` by one symbol."""

    operand: Expression
    variable: Name


@dataclass(frozen=True)
class Limit(_Node):
    """The limit of ``operand`` as ``variable`` goes to ``target`` (``infty``: infinity), from one side or both."""

    operand: Expression
    variable: Name
    target: Expression
    side: Literal["", "+", "-"] = ""


Expression: TypeAlias = (
    Number | Quantity | Name | Add | Multiply | Divide | Negate | Power | Call | Repeated | Derivative | Limit
)


def _names_of_parts(kind: Any) -> tuple[str, ...] | None:
    """Return the names of what a node of a kind consists of, None for what is no node."""
    return tuple(f.name for f in fields(kind)) if hasattr(kind, "__dataclass_fields__") else None


_parts: Callable[[Any], tuple[str, ...] | None] = cache(_names_of_parts)


def walk(node: Any) -> Iterator[Any]:
    """Yield every node below a node, itself first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting.extend(reversed(current))
        elif (parts := _parts(type(current))) is not None:
            yield current
            waiting.extend([getattr(current, name) for name in reversed(parts)])


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return the tree with ``change`` applied from the leaves up; it returns its argument where nothing changes."""
    if isinstance(node, tuple):
        return tuple(rebuilt(item, change) for item in node)
    parts = _parts(type(node))
    if parts is None:
        return node
    values = {name: rebuilt(getattr(node, name), change) for name in parts}
    changed = {name: value for name, value in values.items() if value is not getattr(node, name)}
    return change(replace(node, **changed) if changed else node)


def nested_exponents(node: Expression) -> Fraction:
    """Return the greatest product of numeric exponents along a path: what a power of a power grows to."""
    found = Fraction(1)
    waiting: list[tuple[Any, Fraction]] = [(node, Fraction(1))]
    while waiting:
        current, product = waiting.pop()
        if isinstance(current, tuple):
            waiting += [(item, product) for item in current]
        elif (parts := _parts(type(current))) is not None:
            if isinstance(current, Power):
                numbers = [abs(n.value) for n in walk(current.exponent) if isinstance(n, Number)]
                product *= max([Fraction(1), *numbers])
                found = max(found, product)
            waiting += [(getattr(current, name), product) for name in parts]
    return found
