"""The journal of a long evaluation: every finished chunk on disk, so that a run that is killed goes on where it was.

The file is a line of magic text and records. A record is

    head    tag (4 bytes), length of the body (u64), CRC-32 of these 12 bytes (u32), little-endian
    body    ``HEAD`` and ``WORK``: JSON; ``PART``: work (u32), place (u64), kind ``d`` or ``q``, dimensions (u8), their
            lengths (u64 each), then float64 or int64 numbers, little-endian; ``DONE``: nothing
    seal    SHA-256 of the seal of the first record (nothing for that one itself), head and body

so that no flipped bit and no record of another journal passes. Only a last record that is cut short is dropped: that is
what a kill leaves. Each record goes to the system in one write as soon as its chunk is finished, which a kill of the
process does not undo; the disk is told to keep it (fsync) once a second, at the end, and when the file is made, so that
a power failure loses about a second. What cannot be written is cut off again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model.numbers import Array, show
from exactdropout.numeric.runs.fingerprint import fingerprint
from exactdropout.numeric.runs.work import Work

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

__all__ = ["FORMAT", "Journal", "journal"]

FORMAT = 1
MAGIC = f"exactdropout journal {FORMAT}\n".encode()
HEAD = struct.Struct("<4sQI")
PLACE = struct.Struct("<IQcB")
KINDS = {b"d": np.dtype("<f8"), b"q": np.dtype("<i8")}
SEAL = 32
SYNC_SECONDS = 1.0
WHAT = {
    "package": "version of exactdropout",
    "engine": "build of the engine",
    "numba": "version of Numba",
    "numpy": "version of NumPy",
    "network": "network",
    "data": "data set",
    "q": "drop probability",
    "gradient": "choice of 'gradient'",
    "hessian product": "direction of 'hessian_product'",
    "moments": "choice of 'moments'",
    "strategy": "strategy",
    "seed": "seed",
    "rows": "choice of 'rows'",
    "name": "kind of work",
    "grid": "grid of chunks",
    "payload": "machine or library (the prepared numbers differ in their last bits)",
}

_held: set[int] = set()
"""Descriptors of the journals that this process holds."""


def _let_go() -> None:
    """Point the descriptors elsewhere in a forked worker: it must neither hold the lock nor write the file."""
    for descriptor in _held:
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(nowhere, descriptor, inheritable=False)
        os.close(nowhere)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class Journal:
    """An open, locked journal. Its works are begun in the order in which the evaluation reaches them."""

    def __init__(self, path: str, descriptor: int, identity: Mapping[str, str]) -> None:
        """Read the file, or make it where it is empty or holds the beginning of its first record."""
        self._path, self._descriptor, self._lock = path, descriptor, threading.Lock()
        self._works: list[Mapping[str, str]] = []
        self._parts: list[dict[int, Array]] = []
        self._current = -1
        self._size, self._seal = 0, b""
        self._synced = self._written = time.monotonic()
        self.finished = False
        first = _framed(b"HEAD", json.dumps(dict(identity), sort_keys=True).encode(), b"")
        with open(descriptor, "rb", closefd=False) as file:
            length = os.fstat(descriptor).st_size
            fresh = length < len(MAGIC + first) and (MAGIC + first).startswith(file.read())
            if not fresh:
                file.seek(0)
                self._read(file, length, identity)
        if fresh:
            self._cut(0)
            self._write(MAGIC + first)
            self._seal = first[-SEAL:]
            self._sync(folder=True)
        elif self._size < length:
            self._cut(self._size)

    def begin(self, work: Work) -> dict[int, Array]:
        """Return the known results of the chunks of ``work``, by place; what is recorded next belongs to it."""
        own = {
            "name": work.name,
            "grid": fingerprint((work.chunks, work.weights)),
            "payload": fingerprint(work.payload),
        }
        self._current += 1
        if self._current < len(self._works):
            self._compare(self._works[self._current], own)
            known = self._parts[self._current]
            if known and max(known) >= len(work.chunks):
                raise self._refused("holds a chunk beyond the grid")
            return dict(known)
        if self.finished:
            raise self._refused("is marked complete, but work is missing")
        self._works.append(own)
        self._parts.append({})
        self._append(b"WORK", json.dumps(own, sort_keys=True).encode())
        return {}

    def record(self, place: int, result: Array) -> None:
        """Write one finished chunk; any thread may."""
        kind = b"q" if result.dtype.kind == "i" else b"d"
        numbers = np.ascontiguousarray(result, dtype=KINDS[kind])
        shape = struct.pack(f"<{numbers.ndim}Q", *numbers.shape)
        self._append(b"PART", PLACE.pack(self._current, place, kind, numbers.ndim) + shape + numbers.tobytes())

    def finish(self) -> None:
        """Mark the journal complete; a later run reads every chunk from it."""
        if not self.finished:
            self._append(b"DONE", b"")
            self.finished = True

    def close(self) -> None:
        """Have the disk keep what was written last."""
        if self._written > self._synced:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)

    def _append(self, tag: bytes, body: bytes) -> None:
        with self._lock:
            self._write(_framed(tag, body, self._seal))
            if tag != b"PART" or self._written - self._synced > SYNC_SECONDS:
                self._sync()

    def _write(self, record: bytes) -> None:
        """Append all of the record or nothing."""
        try:
            left = memoryview(record)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BaseException as error:
            with contextlib.suppress(OSError):
                self._cut(self._size)
            if isinstance(error, OSError):
                raise _unwritable(self._path, error, "; the chunks it holds are intact") from None
            raise
        self._size += len(record)
        self._written = time.monotonic()

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)

    def _sync(self, folder: bool = False) -> None:
        try:
            os.fsync(self._descriptor)
            if folder:
                above = os.open(os.path.dirname(os.path.abspath(self._path)), os.O_RDONLY)
                try:
                    os.fsync(above)
                finally:
                    os.close(above)
        except OSError as error:
            raise _unwritable(self._path, error) from None
        self._synced = time.monotonic()

    def _read(self, file: BinaryIO, length: int, identity: Mapping[str, str]) -> None:
        """Take in all whole records; ``_size`` is where they end."""
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            known = MAGIC.rstrip(b"0123456789\n")
            if magic.startswith(known) and magic.endswith(b"\n"):
                raise self._refused(f"has the format {show(magic[len(known) :].decode(errors='replace').strip())}, "
                                    f"not {FORMAT}")  # fmt: skip
            raise self._refused("is not a journal of exactdropout")
        self._size = len(MAGIC)
        for tag, body in self._records(file, length):
            if (tag == b"HEAD") != (not self._seal) or self.finished:
                raise self._refused(f"is damaged after byte {self._size}")
            if tag == b"HEAD":
                self._compare(self._json(body), identity)
            elif tag == b"WORK":
                self._works.append(self._json(body))
                self._parts.append({})
            elif tag == b"PART":
                self._part(body)
            else:
                self.finished = True
        if not self._seal:
            raise self._refused("is damaged at its beginning")

    def _records(self, file: BinaryIO, length: int) -> Iterator[tuple[bytes, bytes]]:
        while self._size + HEAD.size <= length:
            head = file.read(HEAD.size)
            tag, size, check = HEAD.unpack(head)
            if check != zlib.crc32(head[:12]) or tag not in (b"HEAD", b"WORK", b"PART", b"DONE"):
                raise self._refused(f"is damaged after byte {self._size}")
            if self._size + HEAD.size + size + SEAL > length:
                return
            body, seal = file.read(size), file.read(SEAL)
            if seal != hashlib.sha256(self._seal + head + body).digest():
                raise self._refused(f"is damaged after byte {self._size}")
            yield tag, body
            self._seal = self._seal or seal
            self._size += HEAD.size + size + SEAL

    def _part(self, body: bytes) -> None:
        work, place, kind, dimensions = PLACE.unpack_from(body)
        shape = struct.unpack_from(f"<{dimensions}Q", body, PLACE.size)
        numbers = np.frombuffer(body, dtype=KINDS[kind], offset=PLACE.size + 8 * dimensions).reshape(shape)
        if work != len(self._works) - 1 or place in self._parts[work]:
            raise self._refused(f"is damaged after byte {self._size}")
        self._parts[work][place] = numbers.astype(numbers.dtype.newbyteorder("="))  # a copy: strategies fold in place

    def _json(self, body: bytes) -> dict[str, str]:
        content: dict[str, str] = json.loads(body)
        return content

    def _compare(self, found: Mapping[str, str], own: Mapping[str, str]) -> None:
        for name, value in own.items():
            if found.get(name) != value:
                raise self._refused(
                    f"belongs to another {WHAT[name]}: {_short(found.get(name))} there, {_short(value)} here"
                )

    def _refused(self, why: str) -> UnreadableFile:
        return UnreadableFile(
            f"Argument 'checkpoint' names {show(self._path, 300)}, which {why}; name another file, or remove this one "
            "to begin anew."
        )


@contextlib.contextmanager
def journal(path: str | os.PathLike[str], identity: Mapping[str, str]) -> Iterator[Journal]:
    """Open the journal at ``path`` for what ``identity`` says, or make it; locked until the block ends.

    Raises:
        UnreadableFile: the file is no journal, is damaged, or belongs to something else; the message names what.
        InvalidInput: the file cannot be written, or another process holds it.
    """
    if not isinstance(path, (str, Path)):
        raise InvalidInput(f"Argument 'checkpoint' must be the path of a file, not {show(path)}.")
    name = os.fspath(path)
    if fcntl is None:
        raise InvalidInput("Argument 'checkpoint' must be None here: this system has no file locks (flock).")
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except (OSError, ValueError) as error:
        raise _unwritable(name, error) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput(f"Argument 'checkpoint' must name a regular file, not {show(name, 300)}.")
        with _locked(name, descriptor):
            opened = Journal(name, descriptor, identity)
            try:
                yield opened
            finally:
                opened.close()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(path: str, descriptor: int) -> Iterator[None]:
    """Hold the lock of the open file.

    It excludes every other opening of the file, in this process too, and ends with this process, however that ends.
    ``flock`` and not ``lockf``: POSIX locks belong to the process and are lost when any descriptor of the file closes.
    Forked workers inherit the opening, and let go of it at once.
    """
    _held.add(descriptor)  # before the lock is taken: a fork of another thread may come in between
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(
                f"Argument 'checkpoint' names {show(path, 300)}, which another run is writing."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None
        yield
    finally:
        _held.discard(descriptor)


def _framed(tag: bytes, body: bytes, seal: bytes) -> bytes:
    head = struct.pack("<4sQ", tag, len(body))
    head += struct.pack("<I", zlib.crc32(head))
    return head + body + hashlib.sha256(seal + head + body).digest()


def _unwritable(path: str, error: Exception, also: str = "") -> InvalidInput:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidInput(f"Argument 'checkpoint' names {show(path, 300)}, which cannot be written: {reason}{also}.")


def _short(value: Any) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else show(text, 60)
