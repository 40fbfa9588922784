"""Standard output and standard error as they may be: closed, full, left by their reader, or not in UTF-8."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from typing import Any

__all__ = ["OutputError", "abandon_output", "prepare_streams"]


class OutputError(Exception):
    """Standard output cannot be written; no :class:`OSError`, so that nobody takes it for the fault of another file."""

    def __init__(self, error: OSError) -> None:
        """Keep the reason."""
        super().__init__(error.strerror or str(error))
        self.reader_left = isinstance(error, BrokenPipeError)


class _Output:
    """Standard output, or what stands for a closed one; a failure to write is an :class:`OutputError`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if self._stream is None:
            raise OutputError(OSError(errno.EBADF, "it is closed"))
        try:
            return int(self._stream.write(text))
        except OSError as error:
            raise OutputError(error) from None

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            raise OutputError(error) from None

    def isatty(self) -> bool:
        return self._stream is not None and bool(self._stream.isatty())

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError(errno.EBADF, "standard output is closed")
        return int(self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_HANDLER = "exactdropout.plain"
_RESEMBLES = {
    "\N{ALMOST EQUAL TO}": "~", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-",
    "\N{REPLACEMENT CHARACTER}": "?",
}  # fmt: skip


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed in place of characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_RESEMBLES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


codecs.register_error(_HANDLER, _plain)


def prepare_streams() -> None:
    """Make the streams of this process safe to print to.

    A character that the encoding does not have is printed as one that resembles it, others as their escapes.
    A closed standard error swallows what it is
    told: ``print`` to None would print to standard output.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)
    output: Any = _Output(sys.stdout)
    sys.stdout = output


def abandon_output() -> None:
    """Have nothing more written to standard output, not even what waits in its buffer when the process ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # there is none
        return
