"""How kernels are compiled: serial, without the GIL, kept on disk where a cache folder can be written.

Numba stamps what it keeps with the function's own file. A kernel calls kernels of other files, whose machine code is
inlined into its own, so an upgrade that mends one of those would never reach a user: here the stamp is all kernels
(:func:`engine_stamp`), it is part of every file's name, and every file is sealed with its SHA-256.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
import numpy as np
from numba.core import caching, event

from exactdropout.numeric.runs.fingerprint import fingerprint, source_fingerprint

__all__ = ["compiled", "engine_stamp", "subroutine"]

F = TypeVar("F", bound=Callable[..., Any])
FunctionCache: Any = caching.FunctionCache
IndexDataCacheFile: Any = caching.IndexDataCacheFile
Listener: Any = event.Listener
SETTINGS = ("OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DISABLE_INTEL_SVML", "DEBUGINFO_DEFAULT")
"""Settings of Numba that change the machine code; the processor and its features are in Numba's own key."""


def bounds_checked() -> bool | None:
    """Return True where EXACTDROPOUT_BOUNDS_CHECK is set: every index of a kernel is then checked against its array.

    An index out of bounds raises IndexError instead of reading memory of others; kernels run several times slower. None
    leaves it to NUMBA_BOUNDSCHECK. Vector operations (:mod:`.panels`) take addresses, which nothing checks.
    """
    return True if os.environ.get("EXACTDROPOUT_BOUNDS_CHECK", "0") not in ("", "0") else None


@cache
def engine_stamp() -> str:
    """Return the SHA-256 of what a kernel is compiled from and by; empty text where no source is on disk.

    That is the source of all kernels (they call nothing outside their room), and the versions and settings of what
    compiles them.
    """
    source = source_fingerprint(Path(__file__).parents[1])
    by = (numba.__version__, llvmlite.__version__, np.__version__)
    settings = (*(str(getattr(numba.config, name, None)) for name in SETTINGS), str(bounds_checked()))
    return source and fingerprint((source, by, settings))


class SealedFiles(IndexDataCacheFile):  # type: ignore[misc]  # Numba's classes are untyped
    """The files of one kept function: under names with their stamp, sealed, the only ones of that function."""

    def __init__(self, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        """Name the files after the engine and the function's own file."""
        self._stem = f"{filename_base}."
        self._stamp = fingerprint((engine_stamp(), repr(source_stamp)))
        super().__init__(cache_path, f"{self._stem}{self._stamp[:16]}", self._stamp)

    def save(self, key: Any, data: Any) -> None:
        """Keep a compiled function, and remove what another engine left of it."""
        super().save(key, data)
        for path in Path(self._cache_path).glob(f"{self._stem}*.nb[ic]"):
            if self._stamp[:16] not in path.name:
                path.unlink(missing_ok=True)

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception:  # a damaged pickle can raise anything; the next function that is kept writes a new index
            return {}

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(self._seal(content) + content)

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        if content[:32] != self._seal(content[32:]):
            raise pickle.UnpicklingError("a file of the cache is damaged")
        return pickle.loads(content[32:])

    def _seal(self, content: bytes) -> bytes:
        return hashlib.sha256(self._stamp.encode() + content).digest()


class ForgivingCache(FunctionCache):  # type: ignore[misc]  # Numba's classes are untyped
    """Numba's cache on disk, without which everything works too.

    A full disk, a folder that vanished and a damaged file are no errors.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Find a folder for the function's files."""
        super().__init__(function)
        self._cache_file = SealedFiles(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep a compiled function if that is possible."""
        with contextlib.suppress(Exception):  # no space, no right to write, no folder any more
            super().save_overload(signature, data)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return a kept function, or None where there is none that can be read."""
        try:
            return super().load_overload(signature, target)
        except Exception:  # what was kept cannot be read; the function is compiled anew
            return None


class Undisturbed(Listener):  # type: ignore[misc]  # Numba's classes are untyped
    """No collection of cyclic garbage while one of our kernels compiles.

    What a compiler builds is garbage only at its end; looking through all of it again and again takes a twelfth of the
    time. Kernels compile under Numba's lock, one at a time.
    """

    def __init__(self) -> None:
        """Nothing compiles yet."""
        self._running = 0
        self._collected = False

    def on_start(self, event: Any) -> None:
        """Stop the collector as the outermost of our kernels begins."""
        if self._ours(event):
            if self._running == 0:
                self._collected = gc.isenabled()
                gc.disable()
            self._running += 1

    def on_end(self, event: Any) -> None:
        """Let it go on as the outermost one ends, where it was on."""
        if self._ours(event):
            self._running -= 1
            if self._running == 0 and self._collected:
                gc.enable()

    @staticmethod
    def _ours(event: Any) -> bool:
        return str(event.data["dispatcher"].py_func.__module__).startswith("exactdropout.")


register: Any = event.register
register("numba:compile", Undisturbed())


def _options() -> dict[str, Any]:
    return {
        "nogil": True,
        "error_model": "numpy",
        "boundscheck": bounds_checked(),
        "no_cfunc_wrapper": True,  # C calls none of them
    }


def subroutine(function: F) -> F:
    """Return the plain function, which kernels that call it find compiled, with no way in from Python.

    That way in costs a part of what a fresh installation waits for. Nor is an integer that is written out in a call a
    type of its own here, which would be one more copy.
    """
    registered: Any = numba.extending.register_jitable(**_options(), no_cpython_wrapper=True)
    return cast(F, registered(function))


def compiled(function: F) -> F:
    """Return the function compiled by Numba; the plain one stays as its ``py_func``.

    No fast-math: every operation is the IEEE one that docs/error-bounds.md analyses. Where no cache folder can
    be written, now or later, or the source of the kernels is not there, the function is compiled anew in each process.
    """
    result: Any = numba.njit(**_options())(function)
    if not engine_stamp():
        return cast(F, result)
    with contextlib.suppress(RuntimeError):  # Numba found no folder for its cache
        result._cache = ForgivingCache(function)
    return cast(F, result)
