"""Assumptions on entries that do not exist, or that read two ways, are refused: they would say nothing, or too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from exactdropout.claims.language.syntax import Claim, Invariance, Minimiser, Name, walk
from exactdropout.errors import InvalidInput

if TYPE_CHECKING:
    from exactdropout.claims.setting.setting import Problem, Shape

__all__ = ["refuse_missing", "refuse_two_readings"]

Key = tuple[str, tuple[int, ...]]


def refuse_missing(shape: Shape, keys: Iterable[Key]) -> None:
    """Refuse an assumption on an entry or a layer that no size has.

    Raises:
        InvalidInput: the entry, and the shape.
    """
    for name, indices in keys:
        if name in ("w", "W", "b", "x") and indices and not _may_exist(shape, name, indices):
            entry = name + "".join(f"[{i}]" for i in indices)
            layers = f"; b[l] is hidden layer l, one of its units b[l][j], and {shape} has {len(shape.hidden)}"
            told = layers if name == "b" and not shape.symbolic_depth else f" in {shape}"
            raise InvalidInput(f"Argument 'assume' names {entry}, which does not exist{told}.")


def _may_exist(shape: Shape, name: str, indices: tuple[int, ...]) -> bool:
    """Return whether a size has the entry: indices start at 1 and end at widths that are numbers."""
    widths: list[int | str] = [shape.inputs, *shape.hidden]
    if shape.symbolic_depth:
        widths = [shape.inputs, *([shape.hidden[0]] * max(indices[0], 1))]
    if min(indices) < 1:
        return False
    if name in ("x", "w"):
        return len(indices) == 1 and _fits(indices[0], widths[0] if name == "x" else widths[-1])
    if len(indices) > (3 if name == "W" else 2) or (name == "W" and len(indices) == 2) or indices[0] >= len(widths):
        return False
    layer = indices[0]
    ends = (widths[layer], widths[layer - 1])
    return all(_fits(i, width) for i, width in zip(indices[1:], ends, strict=False))


def _fits(index: int, width: int | str) -> bool:
    return isinstance(width, str) or index <= width


def refuse_two_readings(claim: Claim, problem: Problem) -> None:
    """Refuse b[1] for the layer in an assumption beside b[j] for a unit in the claim, with one hidden layer.

    Raises:
        InvalidInput: how to write both apart.
    """
    shape = problem.shape
    keys = {*problem.signs, *problem.definitions}
    if len(shape.hidden) != 1 or shape.symbolic_depth or shape.hidden == (1,) or ("b", (1,)) not in keys:
        return
    statement = claim.statement
    groups = set()
    if isinstance(statement, Invariance):
        groups = {id(node) for pair in statement.map for node in walk(pair)}
    elif isinstance(statement, Minimiser):
        groups = {id(node) for pair in statement.assignments for node in walk(pair)}
    for node in walk(statement):
        if isinstance(node, Name) and node.name == "b" and len(node.indices) == 1 and id(node) not in groups:
            raise InvalidInput(
                "Argument 'assume' names b[1], which reads two ways beside a unit's b[j] in the claim: write b[1][j] "
                "for a unit, so that b[1] is the hidden layer."
            )
