"""Named intermediates, z_j = ..., put in where they stand; a bare z is then the vector of all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from exactdropout.claims.language.forms import Definition
from exactdropout.claims.language.syntax import Name, walk
from exactdropout.claims.reading.sums import SumReader
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.reading.tensors import Tensor
from exactdropout.claims.reading.trees import letters, put, renamed_apart

__all__ = ["IntermediateReader"]

_MAX_DEFINITIONS = 50


class IntermediateReader(SumReader):
    """Reads names that a claim defines."""

    def __init__(self, text: str, around: Surroundings | None, definitions: Iterable[Definition]) -> None:
        """Take the definitions."""
        super().__init__(text, around)
        self.definitions = {d.name: d for d in definitions}
        self.open = 0  # definitions that are being put in

    @abstractmethod
    def value(self, node: Any) -> Any:
        """Return an expression, or a tensor."""

    def refuse_accents(self, trees: Any) -> None:
        """Refuse a letter with an accent that nothing defines, wherever it stands."""
        for node in walk(trees):
            if isinstance(node, Name) and " " in node.name and node.name not in self.definitions:
                accent, letter = node.name.split()
                self.refuse(
                    node,
                    f"nothing says what \\{accent}{{{letter}}} is; '... where \\{accent}{{{letter}}}_i = ...' behind "
                    "the claim is expected.",
                )

    def is_unknown(self, node: Name) -> bool:
        """Return whether a symbol with indices is none of the grammar."""
        several = self.around is not None and self.around.rows is not None and node.name in ("X", "y", "R")
        return bool(node.indices) and node.name not in ("x", "w", "W", "b", "q", "p", "n", "r") and not several

    def defined(self, node: Name, definition: Definition) -> Any:
        """Return what a named intermediate stands for."""
        if not node.indices and len(definition.indices) == 1:
            return self.vector(node, definition)
        if len(node.indices) != len(definition.indices):
            self.refuse(
                node, f"{node.name} was defined with {len(definition.indices)} indices, not {len(node.indices)}."
            )
        self.open += 1
        if self.open > _MAX_DEFINITIONS:
            self.refuse(node, f"the definition of {node.name} leads back to itself.")
        indices = [self.scalar(index) for index in node.indices]
        apart = letters(*indices) | {*definition.indices}
        value = renamed_apart(definition.value, apart)
        # first to places of their own: an index may have the name of another
        places = [f"\0{self.open}.{k}" for k in range(len(indices))]
        value = put(value, dict(zip(definition.indices, map(Name, places), strict=True)))
        value = put(value, dict(zip(places, indices, strict=True)))
        found = self.value(value)
        self.open -= 1
        return found

    def vector(self, node: Name, definition: Definition) -> Tensor:
        """Return the vector of all z_j, as many as there are entries with the index j in its definition."""
        (index,) = definition.indices
        ends: set[Any] = set()
        for entry in walk(definition.value):
            if isinstance(entry, Name) and entry.indices:
                around = self.known(node)
                pairs = zip(entry.indices, around.ranges_of(entry), strict=True)
                ends |= {end for at, end in pairs if at == Name(index)}
        if len(ends) != 1 or None in ends:
            self.refuse(node, f"{node.name} was defined with 1 indices, not 0, and their number is not clear.")
        place = f"\0{node.name}"
        inner = self.defined(Name(node.name, (Name(place),), position=node.position), definition)
        if isinstance(inner, Tensor):
            self.refuse(node, f"an entry {node.name}_{index} is a number; its definition gives a vector.")
        return Tensor((ends.pop(),), lambda i: put(renamed_apart(inner, letters(i)), {place: i}))
