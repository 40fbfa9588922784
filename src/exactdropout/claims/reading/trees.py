"""Small algebra of syntax trees: sums and products, fresh letters for indices, substitution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.forms import Unranged
from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Repeated,
    rebuilt,
    walk,
)

__all__ = [
    "LETTERS",
    "ZERO",
    "added",
    "all_apart",
    "bound_by",
    "free_letter",
    "free_names",
    "leaky",
    "letters",
    "multiplied",
    "negated",
    "put",
    "renamed_apart",
    "with_relu",
]

ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
LETTERS = "ijklmrstuvzaceghou"


def added(terms: Iterable[Expression]) -> Expression:
    """Return a sum without zeros and without sums in it."""
    found: list[Expression] = []
    for term in terms:
        if term != ZERO:
            found += term.terms if isinstance(term, Add) else (term,)
    return ZERO if not found else found[0] if len(found) == 1 else Add(tuple(found))


def negated(term: Expression) -> Expression:
    """Return the negative."""
    if term == ZERO:
        return ZERO
    return term.operand if isinstance(term, Negate) else Negate(term)


def multiplied(factors: Iterable[Expression]) -> Expression:
    """Return a product without ones and products in it, its sign in front, equal factors as a power."""
    found: dict[Expression, int] = {}
    minus = False
    waiting = list(factors)
    while waiting:
        factor = waiting.pop(0)
        if factor == ZERO:
            return ZERO
        if isinstance(factor, Negate):
            minus = not minus
            waiting.insert(0, factor.operand)
        elif isinstance(factor, Multiply):
            waiting[:0] = factor.factors
        elif factor != ONE:
            found[factor] = found.get(factor, 0) + 1
    parts = tuple(_power(factor, times) for factor, times in found.items())
    product = ONE if not parts else parts[0] if len(parts) == 1 else Multiply(parts)
    return Negate(product) if minus else product


def _power(base: Expression, times: int) -> Expression:
    if times == 1:
        return base
    if isinstance(base, Power) and isinstance(base.exponent, Number):
        return Power(base.base, Number(base.exponent.value * times))
    return Power(base, Number(Fraction(times)))


def letters(*trees: Any) -> set[str]:
    """Return every name and index that occurs."""
    found: set[str] = set()
    for node in walk(trees):
        if isinstance(node, Name):
            found.add(node.name)
        elif isinstance(node, Repeated):
            found.add(node.index)
        elif isinstance(node, Unranged):
            found.update(node.indices)
    return found


def free_names(tree: Any, bound: frozenset[str] = frozenset()) -> set[str]:
    """Return the names that occur and are no index of a sum around them."""
    if isinstance(tree, tuple):
        return set().union(*(free_names(item, bound) for item in tree))
    if not hasattr(tree, "__dataclass_fields__"):
        return set()
    found = {tree.name} - bound if isinstance(tree, Name) else set()
    inner = bound | {*bound_by(tree)}
    for f in fields(tree):
        found |= free_names(getattr(tree, f.name), inner if f.name == "body" else bound)
    return found


def free_letter(taken: set[str]) -> str:
    """Return a letter for an index that nothing else has.

    Raises:
        LookupError: all letters are taken.
    """
    for letter in LETTERS:
        if letter not in taken:
            return letter
    raise LookupError


def put(tree: Any, values: Mapping[str, Expression]) -> Any:
    """Return the tree with free symbols replaced; what is put in must not meet an index of its own name on the way."""
    if isinstance(tree, tuple):
        return tuple(put(item, values) for item in tree)
    if not hasattr(tree, "__dataclass_fields__"):
        return tree
    if isinstance(tree, Name) and not tree.indices:
        return values.get(tree.name, tree)
    bound = bound_by(tree)
    inner = {name: value for name, value in values.items() if name not in bound} if bound else values
    changed = {f.name: put(getattr(tree, f.name), inner if f.name == "body" else values) for f in fields(tree)}
    return replace(tree, **changed)


def bound_by(node: Any) -> tuple[str, ...]:
    """Return the indices that a sum or product binds in its body."""
    return (node.index,) if isinstance(node, Repeated) else node.indices if isinstance(node, Unranged) else ()


def _with_index(node: Any, index: str, other: str) -> Any:
    body = put(node.body, {index: Name(other)})
    if isinstance(node, Repeated):
        return replace(node, index=other, body=body)
    return replace(node, indices=tuple(other if i == index else i for i in node.indices), body=body)


def renamed_apart(tree: Any, taken: set[str]) -> Any:
    """Return the tree with every index that a sum binds renamed, where something else has its name.

    What is put under these sums then keeps its meaning.
    """
    if isinstance(tree, tuple):
        return tuple(renamed_apart(item, taken) for item in tree)
    if not hasattr(tree, "__dataclass_fields__"):
        return tree
    for index in bound_by(tree):
        if index in taken:
            tree = _with_index(tree, index, free_letter(taken | letters(tree)))
    return replace(tree, **{f.name: renamed_apart(getattr(tree, f.name), taken) for f in fields(tree)})


def all_apart(tree: Any) -> Any:
    """Return the tree with an index of its own for every sum."""
    used: set[str] = set()
    everything = letters(tree)

    def change(node: Any) -> Any:
        if isinstance(node, tuple):
            return tuple(change(item) for item in node)
        if not hasattr(node, "__dataclass_fields__"):
            return node
        for index in bound_by(node):
            other = free_letter(everything | used) if index in used else index
            if other != index:
                node = _with_index(node, index, other)
            used.add(other)
        return replace(node, **{f.name: change(getattr(node, f.name)) for f in fields(node)})

    return change(tree)


def leaky(z: Expression, slope: Fraction) -> Expression:
    """Return the unit of a leaky relu network in the grammar of the engines: s z + (1 − s) relu(z)."""
    return Add((Multiply((Number(slope), z)), Multiply((Number(1 - slope), Call("relu", (z,))))))


def with_relu(tree: Any, slope: Fraction | None) -> Any:
    """Return the tree with leaky(z) written out; it stays where units are not leaky."""

    def change(node: Any) -> Any:
        if not isinstance(node, Call) or node.function != "leaky" or slope is None or slope in (0, 1):
            return node
        return leaky(node.arguments[0], slope)

    return rebuilt(tree, change)
