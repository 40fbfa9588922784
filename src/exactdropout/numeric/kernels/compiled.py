"""How kernels are compiled: serial, without the GIL, kept on disk where a cache folder can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled by Numba; the plain one stays as its ``py_func``.

    No fast-math: every operation is the IEEE one that docs/error-bounds.md analyses. Where no cache folder can
    be written, the function is compiled anew in each process.
    """
    try:
        result = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # Numba found no folder for its cache
        result = numba.njit(nogil=True, error_model="numpy")(function)
    return cast(F, result)
