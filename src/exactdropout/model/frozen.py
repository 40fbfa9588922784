"""What frozen means here: no attribute can be set, no array can be made writable, and a copy is the object itself."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np

from exactdropout.model.numbers import freeze

__all__ = ["Frozen"]


class Frozen:
    """Base of objects whose fields are set once, by :meth:`_set`.

    >>> from exactdropout.model import Network
    >>> network = Network([[[1, 2]]])
    >>> network.kind = "float64"
    Traceback (most recent call last):
        ...
    AttributeError: a Network is frozen: make a new one instead of setting 'kind'
    """

    __slots__ = ()

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse."""
        raise AttributeError(f"a {type(self).__name__} is frozen: make a new one instead of setting {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse."""
        raise AttributeError(f"a {type(self).__name__} is frozen: {name!r} cannot be deleted")

    def __copy__(self) -> Self:
        """Return the object itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the object itself."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, for pickle."""
        names: tuple[str, ...] = tuple(type(self).__slots__)
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the fields; arrays come back from pickle writable."""
        self._set(**{name: _frozen(value) for name, value in state.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return freeze(value)
    return tuple(_frozen(part) for part in value) if type(value) is tuple else value
