"""What every file format of the package shares: bounded reading, strict JSON, arrays in archives, atomic writing.

Nothing that a file says is ever evaluated. Sizes are checked before memory is taken, and a file that is not
what it claims to be is refused in one sentence.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import math
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile
from exactdropout.model.numbers import Array, format_rational, parse_rational, show

__all__ = [
    "MAX_FILE_BYTES",
    "array_from_json",
    "array_from_npz",
    "array_to_json",
    "array_to_npz",
    "beside",
    "file_ending",
    "kind_of_file",
    "named",
    "read_json",
    "read_npz",
    "text_lines",
    "write_atomically",
]

MAX_FILE_BYTES = 1 << 29
"""Largest file, and largest unpacked archive, that is read (512 MiB)."""

MAX_LINE = 1 << 26
"""Longest line of a table in characters."""


class _Decimal(str):
    """The digits of a JSON number with a point or an exponent, kept as text."""

    __slots__ = ()


def named(path: str | os.PathLike[str]) -> str:
    """Return the path as messages show it: quoted, on one line, of bounded length."""
    return show(os.fspath(path), 300)


def file_ending(path: object, argument: str) -> str:
    """Return the ending in lower case, ``.gz`` with the one before it."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise InvalidInput(f"Argument {argument!r} must be the path of a file, not {show(path)}.")
    endings = [suffix.lower() for suffix in Path(path).suffixes]
    return "".join(endings[-2:] if endings[-1:] == [".gz"] else endings[-1:])


@contextlib.contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a regular file of bounded size; whatever goes wrong while it is read is one sentence."""
    try:
        with open(path, "rb", opener=_patient) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile(f"File {named(path)} is not a file.")
            if status.st_size > MAX_FILE_BYTES:
                raise UnreadableFile(f"File {named(path)} is larger than {MAX_FILE_BYTES >> 20} MiB.")
            yield stream
    except ExactDropoutError:
        raise
    except FileNotFoundError:
        raise UnreadableFile(f"File {named(path)} does not exist{beside(path)}") from None
    except IsADirectoryError:
        raise UnreadableFile(f"File {named(path)} is not a file.") from None
    except UnicodeDecodeError:
        raise UnreadableFile(f"File {named(path)} must be UTF-8 text; it is not.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UnreadableFile(f"File {named(path)} is damaged or not compressed by gzip.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"File {named(path)} cannot be read: {reason}.") from None


def _patient(name: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe, which is refused anyway."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def text_lines(path: str | os.PathLike[str], progress: Callable[[int, int], None] | None = None) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, unpacked where it ends in ``.gz``, without holding it in memory.

    ``progress`` is told how many bytes of how many are read.
    """
    with _reading(path) as raw:
        total = os.fstat(raw.fileno()).st_size
        packed = str(path).lower().endswith(".gz")
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        read = count = 0
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise UnreadableFile(f"File {named(path)} has a line of more than {MAX_LINE >> 20} MiB.")
            read += len(line)
            if read > MAX_FILE_BYTES:
                raise UnreadableFile(f"File {named(path)} unpacks to more than {MAX_FILE_BYTES >> 20} MiB.")
            yield line
            count += 1
            if progress is not None and count % 10_000 == 0:
                progress(min(raw.tell(), total), total)
        if progress is not None:
            progress(total, total)
        text.detach()


def beside(path: str | os.PathLike[str]) -> str:
    """Return the end of a sentence about a missing file: the file in its folder that was probably meant."""
    folder, name = os.path.split(os.fspath(path))
    try:
        near = get_close_matches(name, os.listdir(folder or "."), 1)
    except (OSError, TypeError):
        return "."
    return f"; did you mean {named(os.path.join(folder, near[0]))}?" if near else "."


def read_json(path: str | os.PathLike[str], format_name: str) -> dict[str, Any]:
    """Return the top-level object of a JSON file whose ``format`` and ``version`` are the expected ones.

    Integers come as Fraction of any size up to the digit limit, numbers with a point as their digits.
    """
    with _reading(path) as stream:
        text = stream.read().decode("utf-8-sig")
    value = _json(text, path)
    _check_format(value, format_name, path)
    return value  # type: ignore[no-any-return]  # a dict, as _check_format says


def _json(text: str, path: str | os.PathLike[str]) -> Any:
    def integer(digits: str) -> Fraction:
        return parse_rational(digits, os.fspath(path))

    def constant(name: str) -> Any:
        raise UnreadableFile(f"File {named(path)} holds {name}; numbers must be finite.")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise UnreadableFile(f"File {named(path)} repeats a key in one object.")
        return result

    try:
        return json.loads(
            text, parse_int=integer, parse_float=_Decimal, parse_constant=constant, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        raise UnreadableFile(
            f"File {named(path)} is not complete JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise UnreadableFile(f"File {named(path)} is nested too deeply.") from None


def _check_format(value: Any, format_name: str, path: str | os.PathLike[str]) -> None:
    if not isinstance(value, dict) or value.get("format") != format_name:
        found = value.get("format") if isinstance(value, dict) else type(value).__name__
        raise UnreadableFile(f"File {named(path)} must be of the format {format_name!r}, not {show(found)}.")
    if isinstance(value.get("version"), bool) or value.get("version") != 1:
        raise UnreadableFile(f"File {named(path)} must be of version 1, not {show(value.get('version'))}.")


def kind_of_file(header: dict[str, Any], path: str | os.PathLike[str]) -> str:
    """Return the kind that a header names."""
    kind = header.get("kind")
    if kind not in ("exact", "float64"):
        raise UnreadableFile(f"File {named(path)} must have the kind 'exact' or 'float64', not {show(kind)}.")
    return str(kind)


def array_to_json(array: Array) -> Any:
    """Return nested lists: float64 as JSON numbers that read back identically, rationals as int or "3/7" text."""
    if array.dtype == np.float64:
        return array.tolist()

    def entry(value: Any) -> Any:
        if not isinstance(value, Fraction):
            raise InvalidInput("Argument 'network' or 'data' is symbolic; only exact and float64 ones can be written.")
        text = format_rational(value)
        return int(text) if value.denominator == 1 and len(text) < 16 else text

    return np.vectorize(entry, otypes=[object])(array).tolist() if array.size else array.tolist()


def array_from_json(value: Any, kind: str, name: str, axes: int = 2) -> Any:
    """Return nested lists of numbers from :func:`array_to_json`'s form; text is parsed, never evaluated."""
    if isinstance(value, list):
        if axes == 0:
            raise InvalidInput(f"Argument {name!r} must have fewer nested lists.")
        return [array_from_json(item, kind, name, axes - 1) for item in value]
    if kind == "float64":
        if isinstance(value, (Fraction, _Decimal)):
            return _float(value, name)
    elif isinstance(value, Fraction):
        return value
    elif isinstance(value, str) and not isinstance(value, _Decimal):
        return parse_rational(value, name)
    what = "a JSON number" if kind == "float64" else 'an integer or text such as "3/7"'
    raise InvalidInput(f"Argument {name!r} must hold {what} in a file of kind {kind!r}, not {show(value)}.")


def _float(value: Any, name: str) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if result in (float("inf"), float("-inf")):
        raise InvalidInput(f"Argument {name!r} must be within the range of float64, not {show(value)}.")
    return result


def read_npz(path: str | os.PathLike[str], format_name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header (empty where there is none) and the arrays of an ``.npz`` file.

    Pickles and archives that unpack too large are refused. Without a header the kind is read off the arrays: float64
    where one of them holds floats, else exact.
    """
    with _reading(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                if sum(info.file_size for info in archive.infolist()) > MAX_FILE_BYTES:
                    raise UnreadableFile(f"File {named(path)} unpacks to more than {MAX_FILE_BYTES >> 20} MiB.")
                names = [info.filename for info in archive.infolist()]
                if any(not name.endswith(".npy") for name in names):
                    raise UnreadableFile(f"File {named(path)} holds something that is no array.")
                if len(set(names)) != len(names):
                    raise UnreadableFile(f"File {named(path)} holds two arrays of one name.")
                for info in archive.infolist():
                    with archive.open(info) as member:
                        _check_shape(member, info, path)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (UnreadableFile, MemoryError):
            raise
        except Exception as error:  # a decoder that is fed a hostile archive can raise anything
            pickled = "pickle" in str(error).lower() or "object arrays" in str(error).lower()
            reason = "it holds a pickle, which is never loaded" if pickled else "it is damaged or no .npz archive"
            raise UnreadableFile(f"File {named(path)} cannot be read: {reason}.") from None
    if (header := arrays.pop("header", None)) is not None:
        if header.ndim or header.dtype.kind != "U":
            raise UnreadableFile(f"File {named(path)} must have the header as one text.")
        content = _json(str(header), path)
        _check_format(content, format_name, path)
    else:
        floats = any(array.dtype.kind == "f" for array in arrays.values())
        content = {"kind": "float64" if floats else "exact"}
    return content, arrays


def _check_shape(member: IO[bytes], info: zipfile.ZipInfo, path: str | os.PathLike[str]) -> None:
    """Refuse an array that is empty, whatever its length, or larger than what the archive holds of it."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise UnreadableFile(f"File {named(path)} holds the array {show(info.filename)} in an unknown format.")
    if 0 in shape:
        raise UnreadableFile(f"File {named(path)} holds the array {show(info.filename)} of shape {shape}: it is empty.")
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > info.file_size:
        raise UnreadableFile(f"File {named(path)} is damaged: {show(info.filename)} is cut short.")


def array_to_npz(array: Array) -> Array:
    """Return float64 as it is and rationals as an array of text."""
    if array.dtype == np.float64:
        return array
    texts = [format_rational(v) for v in _fractions(array)]
    return np.array(texts, dtype=np.str_).reshape(array.shape)


def _fractions(array: Array) -> list[Fraction]:
    values = array.ravel().tolist()
    if any(not isinstance(v, Fraction) for v in values):
        raise InvalidInput("Argument 'network' or 'data' is symbolic; only exact and float64 ones can be written.")
    return values


def array_from_npz(array: Array, kind: str, name: str) -> Any:
    """Return an array of numbers from :func:`array_to_npz`'s form, or from integers."""
    if array.dtype.kind in ("f" if kind == "float64" else "") or array.dtype.kind in "iu":
        return array
    if kind == "float64" or array.dtype.kind != "U":
        wanted = "floats" if kind == "float64" else 'integers or text such as "3/7"'
        raise InvalidInput(f"Argument {name!r} must be stored as {wanted} in a file of kind {kind!r}, "
                           f"not as {array.dtype.name}.")  # fmt: skip
    result = np.empty(array.size, dtype=object)
    for index, text in enumerate(array.ravel().tolist()):
        result[index] = parse_rational(text, name)
    return result.reshape(array.shape)


def write_atomically(path: str | os.PathLike[str], content: bytes | Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all: a temporary file beside it is renamed when the disk has it.

    A link stays and what it points to is replaced; an existing file keeps its permissions. What is no regular file,
    such as a pipe, is written directly.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with target.open("wb", buffering=0) as stream:
                _put(stream, content)
            return
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                _put(stream, content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_mask() if mode is None else stat.S_IMODE(mode))
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        if isinstance(error, ExactDropoutError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"File {named(path)} cannot be written: {reason}.") from None


def _put(stream: IO[bytes], content: bytes | Callable[[IO[bytes]], None]) -> None:
    if callable(content):
        whole = io.BytesIO()
        content(whole)
        content = whole.getvalue()
    left = memoryview(content)
    while left:
        left = left[stream.write(left) :]


def _mask() -> int:
    """Return the permissions that new files shall not have (reading the mask means to set it)."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
