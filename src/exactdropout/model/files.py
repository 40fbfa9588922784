"""What every file format of the package shares: bounded reading, strict JSON, atomic writing.

Nothing that a file says is ever evaluated. Sizes are checked before memory is taken, and a file that is not
what it claims to be is refused in one sentence.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable
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
    "read_json",
    "read_npz",
    "read_text",
    "write_atomically",
]

MAX_FILE_BYTES = 1 << 29
"""Largest file, and largest unpacked archive, that is read (512 MiB)."""


class _Decimal(str):
    """The digits of a JSON number with a point or an exponent, kept as text."""

    __slots__ = ()


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file of bounded size."""
    file = Path(path)
    try:
        if not file.is_file():
            what = "is not a file" if file.exists() else "does not exist"
            raise UnreadableFile(f"File {str(path)!r} {what}.")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableFile(f"File {str(path)!r} is larger than {MAX_FILE_BYTES >> 20} MiB.")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile(f"File {str(path)!r} must be UTF-8 text; it is not.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ExactDropoutError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"File {str(path)!r} cannot be read: {reason}.") from None


def read_json(path: str | Path, format_name: str) -> dict[str, Any]:
    """Return the top-level object of a JSON file whose ``format`` and ``version`` are the expected ones.

    Integers come as Fraction of any size up to the digit limit, numbers with a point as their digits.
    """
    text = read_text(path)

    def integer(digits: str) -> Fraction:
        return parse_rational(digits, str(path))

    def constant(name: str) -> Any:
        raise UnreadableFile(f"File {str(path)!r} holds {name}; numbers must be finite.")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise UnreadableFile(f"File {str(path)!r} repeats a key in one object.")
        return result

    try:
        value = json.loads(
            text, parse_int=integer, parse_float=_Decimal, parse_constant=constant, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        raise UnreadableFile(
            f"File {str(path)!r} is not complete JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise UnreadableFile(f"File {str(path)!r} is nested too deeply.") from None
    if not isinstance(value, dict) or value.get("format") != format_name:
        found = value.get("format") if isinstance(value, dict) else type(value).__name__
        raise UnreadableFile(f"File {str(path)!r} must be of the format {format_name!r}, not {show(found)}.")
    if value.get("version") != 1:
        raise UnreadableFile(f"File {str(path)!r} must be of version 1, not {show(value.get('version'))}.")
    return value


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


def array_from_json(value: Any, kind: str, name: str) -> Any:
    """Return nested lists of numbers from :func:`array_to_json`'s form; text is parsed, never evaluated."""
    if isinstance(value, list):
        return [array_from_json(item, kind, name) for item in value]
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


def read_npz(path: str | Path, format_name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays of an ``.npz`` file; pickles and archives that unpack too large are refused."""
    file = Path(path)
    if not file.is_file():
        raise UnreadableFile(f"File {str(path)!r} {'is not a file' if file.exists() else 'does not exist'}.")
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_FILE_BYTES:
                raise UnreadableFile(f"File {str(path)!r} unpacks to more than {MAX_FILE_BYTES >> 20} MiB.")
            if any(not info.filename.endswith(".npy") for info in archive.infolist()):
                raise UnreadableFile(f"File {str(path)!r} holds something that is no array.")
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(str(arrays.pop("header")))
    except KeyError:
        raise UnreadableFile(f"File {str(path)!r} has no header; write it with save().") from None
    except UnreadableFile:
        raise
    except Exception as error:  # a decoder that is fed a hostile archive can raise anything
        pickled = "pickle" in str(error).lower() or "object arrays" in str(error).lower()
        reason = "it holds a pickle, which is never loaded" if pickled else "it is damaged or no .npz archive"
        raise UnreadableFile(f"File {str(path)!r} cannot be read: {reason}.") from None
    if not isinstance(header, dict) or header.get("format") != format_name or header.get("version") != 1:
        raise UnreadableFile(f"File {str(path)!r} must be of the format {format_name!r}, version 1.")
    return header, arrays


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
    """Return a float64 array or nested lists of Fractions from :func:`array_to_npz`'s form."""
    wanted = "f" if kind == "float64" else "U"
    if array.dtype.kind != wanted:
        raise InvalidInput(
            f"Argument {name!r} must be stored as {'float64' if wanted == 'f' else 'text'} in this file."
        )
    if kind == "float64":
        return array
    return np.vectorize(lambda t: parse_rational(str(t), name), otypes=[object])(array).tolist()


def write_atomically(path: str | Path, content: bytes | Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all: a temporary file beside it is renamed when it is complete."""
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise UnreadableFile(f"File {str(path)!r} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                content(stream)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
