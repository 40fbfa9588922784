"""Claims in the author's own letters: which symbol of the grammar each of them stands for."""

from __future__ import annotations

from collections.abc import Mapping

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.style import Style

__all__ = ["meanings"]

_RENAMED = ("x", "y", "w", "W", "b", "q", "p", "K", "n", "d", "relu")
_QUANTITIES = {
    "criterion J_D J": "J_D",
    "risk R": "R",
    "penalty": r"'penalty' or \text{penalty}",
    "mean": "E[D]",
    "variance": "Var[D]",
    "output W(x) f": "W(x)",
}
_FIXED = frozenset(_RENAMED)
_SCALARS = frozenset("qpKnd")
"""Letters that may take the place of each other: a drop rate p, a number d of inputs."""


def meanings(names: Mapping[str, str] | None) -> dict[str, str | None]:
    """Return what each of the author's names means, None for a letter of the grammar that lost its meaning to another.

    ``{"w": "a"}`` means that a is w, and that w itself must not occur: a claim that mixes both is refused, since one of
    the two would be read as something that its author did not mean.

    Raises:
        InvalidInput: another symbol than x, y, w, W, b, q, p is renamed; two get one name; a name means something else.
    """
    if names is None:
        return {}
    for name in names if isinstance(names, Mapping) else ():
        if name not in _RENAMED:
            written = next((form for words, form in _QUANTITIES.items() if name in words.split()), "")
            raise InvalidInput(
                f"Argument 'names' must rename {', '.join(_RENAMED)}, not {show(name)}"
                + (f"; a claim writes that quantity {written}." if written else ".")
            )
    changed = {name: printed for name, printed in Style(names=names).names.items() if name != printed}
    for name, printed in changed.items():
        exchanged = name in _SCALARS and printed in _SCALARS
        if printed == "W" or (printed in _FIXED and printed not in changed and not exchanged):
            meaning = "the output W(x)" if printed == "W" else "a symbol of the grammar"
            raise InvalidInput(f"Argument 'names' must not call {name} by {printed}, which is {meaning}.")
    if len(set(changed.values())) < len(changed):
        raise InvalidInput("Argument 'names' must give each symbol a name of its own.")
    found: dict[str, str | None] = dict.fromkeys(changed)
    return found | {printed: name for name, printed in changed.items()}
