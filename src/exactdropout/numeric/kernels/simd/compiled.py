"""How kernels are compiled: serial, without the GIL, kept on disk where a cache folder can be written."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import caching

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])
FunctionCache: Any = caching.FunctionCache
UNREADABLE = (OSError, EOFError, pickle.UnpicklingError)


class ForgivingCache(FunctionCache):  # type: ignore[misc]  # Numba's classes are untyped
    """Numba's cache on disk, without which everything works too.

    A full disk, a folder that vanished and a damaged file are no errors.
    """

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep a compiled function if that is possible."""
        try:
            super().save_overload(signature, data)
        except UNREADABLE:
            return

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return a kept function, or None where there is none that can be read."""
        try:
            return super().load_overload(signature, target)
        except UNREADABLE:
            return None


def compiled(function: F) -> F:
    """Return the function compiled by Numba; the plain one stays as its ``py_func``.

    No fast-math: every operation is the IEEE one that docs/error-bounds.md analyses. Where no cache folder can
    be written, now or later, the function is compiled anew in each process.
    """
    result: Any = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        result._cache = ForgivingCache(function)
    except RuntimeError:  # Numba found no folder for its cache
        return cast(F, result)
    return cast(F, result)
