"""One thread for the linear algebra of samples: they share out their own work, and their bits must not depend on it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

__all__ = ["one_blas_thread"]

_lock = Lock()
_inside: list[Any] = []
"""One entry for each block that runs; the first holds what lifts the limit again."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's linear algebra to one thread until the last such block of the process ends."""
    with _lock:
        _inside.append(None if _inside else _pools().limit(limits=1, user_api="blas"))
        lift = _inside[0]
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if _inside:
                _inside[0] = lift
            else:
                lift.restore_original_limits()


@cache
def _pools() -> Any:
    return importlib.import_module("threadpoolctl").ThreadpoolController()
