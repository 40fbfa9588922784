"""Progress of long work: a callable that is told how much is done, and the bar that the command line shows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from exactdropout.errors import InvalidInput

__all__ = ["Progress", "amount", "reporting"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called as ``progress(done, total)`` in units of the plan, from the calling thread, a few times a second at most.

Work in several parts, such as a value and its gradient, begins anew with each part; work that goes on from a journal
begins with what is done already.
"""


@contextmanager
def reporting(progress: Progress | bool | None, title: str) -> Iterator[Progress | None]:
    """Yield a callable for ``progress=``: the user's own, a bar on standard error for True, or None.

    The bar shows the share and the number of units done, the time since the part began and the time that remains.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counts]} {task.description}"),
            TimeElapsedColumn(),
            TextColumn("remaining"),
            Remaining(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None, counts="")
            before: tuple[int, int] | None = None

            def tell(done: int, total: int) -> None:
                nonlocal before
                counts = f"{amount(done)} of {amount(total)}"
                if before is None or total != before[1] or done < before[0]:
                    bar.reset(task, completed=done, total=total, counts=counts)  # the speed counts from here
                else:
                    bar.update(task, completed=done, counts=counts)
                before = done, total

            yield tell
    elif callable(progress):
        yield progress
    else:
        raise InvalidInput(
            f"Argument 'progress' must be True, False, None or a callable, "
            f"not an object of type {type(progress).__name__}."
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
