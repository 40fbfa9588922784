"""Claims about every entry: w_i with an index that no sum binds, as in a gradient, is meant for all i.

Where everything else treats all units alike, a claim about unit i for all i is that about unit 1 at all sizes, since
units can be renumbered. Otherwise it is refused, and every entry is named by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Claim,
    Expression,
    Name,
    Number,
    Repeated,
    expression_text,
    rebuilt,
    walk,
)
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.setting.setting import Setting
from exactdropout.errors import InvalidInput

__all__ = ["at_first_units"]

_FIRST = Number(Fraction(1))
_ENTRIES = frozenset("xwWbXy")


def at_first_units(claim: Claim, setting: Setting, around: Surroundings) -> tuple[Claim, tuple[str, ...]]:
    """Return the claim about the first unit for each free index, and these indices.

    Raises:
        InvalidInput: units that are not alike, or two free indices over the same units.
    """
    ranges: dict[str, Expression] = {}
    for entry, bound in _entries(claim.statement, frozenset()):
        for at, end in zip(entry.indices, around.ranges_of(entry), strict=True):
            free = isinstance(at, Name) and not at.indices and at.name not in bound and _is_letter(at.name, setting)
            if isinstance(at, Name) and free and (end is None or ranges.setdefault(at.name, end) != end):
                raise InvalidInput(
                    f"Argument 'claim' has the free index {at.name}, whose range is not one number of units; name "
                    "the entries by their numbers."
                )
    if not ranges:
        return claim, ()
    shown = " and ".join(sorted(ranges))
    if len(set(map(expression_text, ranges.values()))) < len(ranges):
        raise InvalidInput(
            f"Argument 'claim' has the free indices {shown} over the same units, where equal and different ones may "
            "differ: write two claims, such as one with w[1] alone and one with w[1] and w[2]."
        )
    _alike(claim, setting, ranges, shown)
    for node in walk(claim.assumptions):
        if isinstance(node, Name) and any(isinstance(i, Name) and i.name in ranges for i in node.indices):
            raise InvalidInput(
                f"Argument 'claim' speaks of every {shown}, so that {expression_text(node)} in its assumption reads "
                f"two ways, as all entries or as the same one: write {node.name} for all of them, or the claim about "
                "unit 1."
            )

    def first(node: Any) -> Any:
        if isinstance(node, Name) and node.indices and node.name in _ENTRIES:
            changed = tuple(_FIRST if isinstance(i, Name) and i.name in ranges else i for i in node.indices)
            return Name(node.name, changed, position=node.position)
        return node

    found: Claim = rebuilt(claim, first)
    return found, tuple(sorted(ranges))


def _is_letter(name: str, setting: Setting) -> bool:
    if name == "m" and setting.design is not None:  # the number of examples
        return False
    return len(name) == 1 and name.islower() and name not in ("q", "p", "x", "y", "w", "b", *setting.shape.reserved)


def _entries(node: Any, bound: frozenset[str]) -> Any:
    """Yield every entry with the indices that sums around it bind."""
    if isinstance(node, tuple):
        for item in node:
            yield from _entries(item, bound)
    elif hasattr(node, "__dataclass_fields__"):
        if isinstance(node, Name) and node.indices and node.name in _ENTRIES:
            yield node, bound
        inner = bound | {node.index} if isinstance(node, Repeated) else bound
        for field in fields(node):
            yield from _entries(getattr(node, field.name), inner if field.name == "body" else bound)


def _alike(claim: Claim, setting: Setting, ranges: Mapping[str, Expression], shown: str) -> None:
    """Refuse what tells units apart: given entries, numbers as indices, sums over a part, an index as a number."""
    apart = ""
    keys = [key for key in (*setting.signs, *setting.definitions) if len(key[1]) > (key[0] in ("W", "b"))]
    if keys:
        apart = f"an assumption names {keys[0][0]}[{','.join(map(str, keys[0][1]))}]"
    elif isinstance(setting.inputs, tuple) or setting.network is not None or (setting.design and setting.design.table):
        apart = "inputs or weights are given one by one"
    for node in walk(claim):
        if isinstance(node, Repeated) and (node.first != _FIRST or not _whole(node.last, setting)):
            apart = f"a sum goes from {expression_text(node.first)} to {expression_text(node.last)}"
        if isinstance(node, Repeated) and node.index in ranges:
            apart = f"{node.index} is the index of a sum, too"
        if isinstance(node, Name) and node.indices and node.name in _ENTRIES:
            units = node.indices[1:] if len(node.indices) == 3 else node.indices
            if any(isinstance(i, Number) for i in units):
                apart = f"{expression_text(node)} is one unit"
            if any(not isinstance(i, (Number, Name)) for i in node.indices):
                apart = f"{expression_text(node)} has an index that is reckoned"
    inside = [i for n in walk(claim) if isinstance(n, Name) and n.name in _ENTRIES for i in n.indices]
    letters = [n for n in walk(claim) if isinstance(n, Name) and not n.indices and n.name in ranges]
    if len(letters) > sum(isinstance(i, Name) and i.name in ranges for i in inside):
        apart = "an index stands as a number"
    if apart:
        raise InvalidInput(
            f"Argument 'claim' has the free index {shown}, which is meant for all units, but {apart}: name the entries "
            "by their numbers."
        )


def _whole(last: Expression, setting: Setting) -> bool:
    shape = setting.shape
    sizes = {str(width) for width in (shape.inputs, *shape.hidden)} | {*shape.symbols}
    sizes |= {str(setting.design.rows), "m"} if setting.design is not None else set()
    return expression_text(last) in sizes | {"K", "n"}
