"""Progress of long work: a callable that is told how much is done, and the bar that the command line shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["Progress", "reporting"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called as ``progress(done, total)`` in units of the plan, from the calling thread, a few times a second at most."""


@contextmanager
def reporting(progress: Progress | bool | None, title: str) -> Iterator[Progress | None]:
    """Yield a callable for ``progress=``: the user's own, a bar on standard error for True, or None."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    elif callable(progress):
        yield progress
    else:
        raise InvalidInput(f"Argument 'progress' must be True, False, None or a callable, not {show(progress)}.")
