"""The door to Matplotlib: axes to draw on, and a picture written to a file; loaded by the first picture only."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exactdropout.errors import InvalidInput, MissingExtra, NumericalRange
from exactdropout.model.numbers import show

__all__ = [
    "SUFFIXES",
    "axes_of",
    "check_matplotlib",
    "check_suffix",
    "cut_poles",
    "drawn",
    "without_display",
    "write_picture",
]

SUFFIXES = (".svg", ".png", ".pdf")


def check_suffix(path: str | os.PathLike[str], argument: str = "path") -> None:
    """Check that a picture can be written in the format that a file's name asks for."""
    if Path(path).suffix not in SUFFIXES:
        raise InvalidInput(f"Argument {argument!r} must end in .svg, .png or .pdf, not {show(str(path))}.")


def check_matplotlib(argument: str = "plot") -> None:
    """Check that Matplotlib is installed.

    Raises:
        MissingExtra: it is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra(
            f"Argument {argument!r} needs matplotlib; install it with: pip install 'exactdropout[plot]'."
        ) from None


def without_display(argument: str = "--plot") -> None:
    """Draw into files only, as a command line does, whatever screen there is.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    check_matplotlib(argument)
    import matplotlib as mpl

    mpl.use("Agg")


def axes_of(axes: Any = None, size: tuple[float, float] = (6.4, 4.0)) -> Any:
    """Return the axes that were given, or new ones on a figure of their own, of ``size`` inches.

    Raises:
        MissingExtra: Matplotlib is not installed.
        InvalidInput: ``axes`` has no ``plot``.
    """
    check_matplotlib()
    if axes is not None:
        if not callable(getattr(axes, "plot", None)):
            raise InvalidInput(f"Argument 'axes' must be Matplotlib axes or None, not {show(axes)}.")
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def drawn(value: Any) -> float:
    """Return a number as the float that is drawn.

    Raises:
        NumericalRange: it is beyond float64.
    """
    try:
        return float(value)
    except OverflowError:
        raise NumericalRange("Argument 'plot' can draw numbers up to 1e308 only.") from None


def cut_poles(axes: Any, heights: Iterable[float]) -> None:
    """Limit the heights that are shown where a few of them, beside a pole, would flatten all the others."""
    known = sorted(height for height in heights if math.isfinite(height))
    if not known:
        return
    low, high = known[len(known) // 10], known[len(known) * 17 // 20]
    room = 0.3 * (high - low) or 1.0
    bottom, top = known[0] - room / 5, known[-1] + room / 5
    if known[-1] > high + 10 * room:
        top = high + room
    if known[0] < low - 10 * room:
        bottom = low - room
    axes.set_ylim(bottom, top)


def write_picture(axes: Any, path: str | os.PathLike[str], argument: str = "path") -> None:
    """Write the figure of these axes to a file, in the format of its suffix, and close it.

    Raises:
        InvalidInput: the suffix is none of .svg, .png and .pdf, or the file cannot be written.
    """
    from matplotlib import pyplot

    check_suffix(path, argument)
    figure = axes.get_figure()
    try:
        figure.savefig(path)
    except OSError as error:
        raise InvalidInput(
            f"Argument {argument!r} names {show(str(path))}, which cannot be written: {error.strerror}."
        ) from None
    finally:
        pyplot.close(figure)
