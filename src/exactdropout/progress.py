"""Progress of long work: a callable that is told how much is done, and what the command line shows of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeAlias

from exactdropout.errors import InvalidInput

__all__ = ["Progress", "amount", "display", "on_a_screen", "reporting"]

SECONDS_BETWEEN_LINES = 60.0
_COLUMNS = 79
"""Of a line where nobody says how wide lines may be, such as in a file: a terminal of 80 columns shows it whole."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called as ``progress(done, total)`` in units of the plan, from the calling thread, a few times a second at most.

Work in several parts, such as a value and its gradient, begins anew with each part; work that goes on from a journal
begins with what is done already.
"""


@contextmanager
def reporting(progress: Progress | bool | None, title: str) -> Iterator[Progress | None]:
    """Yield a callable for ``progress=``: the user's own, a display on standard error for True, or None.

    On a terminal the display is a bar: the time that remains, the share and the number of units done, and the time
    since the part began. Elsewhere, such as in a file, it is a line for each minute, and none for what takes less.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        with display(title) as tell:
            yield tell
    elif callable(progress):
        yield progress
    else:
        raise InvalidInput(
            f"Argument 'progress' must be True, False, None or a callable, "
            f"not an object of type {type(progress).__name__}."
        )


class Display(Protocol):
    """What shows how far work is; ``what`` takes the place of the title."""

    def __call__(self, done: int, total: int, what: str | None = None) -> None:
        """Show a state."""


@contextmanager
def display(title: str) -> Iterator[Display]:
    """Show progress on standard error: a bar on a terminal, elsewhere a line for each minute."""
    with (_bar if on_a_screen() else _lines)(title) as tell:
        yield tell


def on_a_screen() -> bool:
    """Return whether standard error is a terminal or a notebook, where a line can be drawn anew."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


@contextmanager
def _bar(title: str) -> Iterator[Display]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        Remaining(),
        TextColumn("remaining"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]} {task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, counts="")
        before: tuple[int, int] | None = None

        def tell(done: int, total: int, what: str | None = None) -> None:
            nonlocal before
            counts = f"{amount(done)} of {amount(total)}"
            if before is None or total != before[1] or done < before[0]:
                bar.reset(task, completed=done, total=total, counts=counts)  # the speed counts from here
            else:
                bar.update(task, completed=done, counts=counts)
            if what is not None:
                bar.update(task, description=what)
            before = done, total

        yield tell


@contextmanager
def _lines(title: str) -> Iterator[Display]:
    """Write a line for each minute, by a thread, since work may be long between two reports."""
    begun = since = time.monotonic()
    shown: tuple[int, int, str] = (0, 0, title)
    at_first = 0
    over = threading.Event()

    def tell(done: int, total: int, what: str | None = None) -> None:
        nonlocal shown, since, at_first
        if total != shown[1] or done < shown[0]:
            since, at_first = time.monotonic(), done
        shown = done, total, what or title

    def write() -> None:
        while not over.wait(SECONDS_BETWEEN_LINES):
            done, total, what = shown
            now = time.monotonic()
            counts = f", {amount(done)} of {amount(total)}" if total else ""
            remains = (now - since) * (total - done) / (done - at_first) if done > at_first else None
            left = "" if remains is None else f", ~{duration(remains)} left"
            with suppress(OSError, ValueError):  # nobody reads it
                write_line(_within_columns("exactdropout: ", what, f"{counts} after {duration(now - begun)}{left}"))

    writer = threading.Thread(target=write, name="exactdropout-progress", daemon=True)
    writer.start()
    try:
        yield tell
    finally:
        over.set()
        writer.join()


def _within_columns(before: str, what: str, behind: str) -> str:
    """Return a line that fits 80 columns; the name in its middle gives way, never a number.

    >>> _within_columns("exactdropout: ", "theorem-" + "5" * 60, ", 3 of 4 after 60 s")
    'exactdropout: theorem-55555555555555555555555555555555555..., 3 of 4 after 60 s'
    """
    room = max(8, _COLUMNS - len(before) - len(behind))
    return f"{before}{what if len(what) <= room else what[: room - 3] + '...'}{behind}"


def duration(seconds: float) -> str:
    """Return a time in a few characters.

    >>> duration(42.4), duration(200), duration(7300)
    ('42 s', '3 min', '2.0 h')
    """
    return (
        f"{seconds:.0f} s"
        if seconds < 99.5
        else f"{seconds / 60:.0f} min"
        if seconds < 5970
        else f"{seconds / 3600:.1f} h"
    )


def write_line(text: str) -> None:
    """Write one line to standard error, above a bar that is shown there."""
    print(text, file=sys.stderr, flush=True)


def amount(number: int) -> str:
    """Return a count in a few characters.

    >>> amount(48_000), amount(1 << 30)
    ('48,000', '1.07e9')
    """
    return f"{number:,}" if number < 1_000_000 else f"{number:.3g}".replace("e+0", "e").replace("e+", "e")
