"""``exactdropout``: parse the command line, run one command, turn errors into one sentence and an exit code.

Exit codes: 0 holds, 1 refuted or changed, 2 bad input or a refused cost, 3 undecided, 130 interrupted; 141 where the
reader of the output left before the answer was known.

Nothing of the package is imported before :func:`run` is ready for Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import FrameType
    from typing import Any

__all__ = ["main", "run"]

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_READER_LEFT = 141
INTERRUPTED = "interrupted"
TRACEBACK = "EXACTDROPOUT_TRACEBACK"

_pressed: list[int] = []
"""The interrupts that came while a command ran."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from exactdropout._version import __version__
    from exactdropout.cli import (
        certify,
        check,
        compare,
        completion,
        derive,
        estimate,
        evaluate,
        example,
        law,
        minimize,
        phases,
        verify,
    )
    from exactdropout.cli.examples import add_examples
    from exactdropout.cli.messages import Parser

    result = Parser(
        prog="exactdropout",
        description="Exact dropout criteria and penalties of ReLU networks: evaluated over all masks, and proved.",
        epilog="Exit codes: 0 holds, 1 refuted or changed, 2 bad input or a refused cost, 3 undecided, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"exactdropout {__version__}")
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (
        verify,
        evaluate,
        estimate,
        compare,
        derive,
        check,
        minimize,
        phases,
        certify,
        law,
        example,
        completion,
    ):
        command.add(commands)
    add_examples(commands)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong is one sentence on standard error.

    The environment variable ``EXACTDROPOUT_TRACEBACK=1`` shows the traceback of an unexpected exception, too.
    """
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        return _interrupted()


def _interrupted() -> int:
    from exactdropout.cli.messages import complain

    complain(INTERRUPTED)
    return EXIT_INTERRUPTED


def _main(arguments: Sequence[str] | None) -> int:
    code: int | None = None
    command = ""
    try:
        from exactdropout.cli.messages import as_typed, complain, unexpected
        from exactdropout.cli.streams import OutputError, abandon_output
        from exactdropout.errors import ExactDropoutError

        whole = parser()
        options = whole.parse_args(arguments)
        command = options.command
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, _press)
        code = int(options.run(options))
        sys.stdout.flush()
    except Exception as error:
        if _pressed:  # a library turned Ctrl-C into another exception
            raise KeyboardInterrupt from None
        if _lacks_memory(error):
            complain("error: not enough memory; a plan shows what a computation needs.")
            return EXIT_BAD_INPUT
        if isinstance(error, ExactDropoutError):
            complain(f"error: {as_typed(str(error), _help(whole, command))}")
            return EXIT_BAD_INPUT
        if isinstance(error, (OutputError, BrokenPipeError)):
            abandon_output()
            if getattr(error, "reader_left", True):
                return EXIT_READER_LEFT if code is None else code  # nothing more to say
            complain(f"error: standard output cannot be written: {error}.")
            return EXIT_BAD_INPUT
        if os.environ.get(TRACEBACK, "0") not in ("", "0"):
            import traceback

            traceback.print_exc()
        complain(unexpected(error))
        return EXIT_BAD_INPUT
    return code


def _lacks_memory(error: BaseException | None) -> bool:
    """Return whether an exception, or one that it comes from, says that memory is short; loaders say it in words."""
    while error is not None:
        said = str(error)
        if isinstance(error, MemoryError) or "llocate memory" in said or "failed to map segment" in said:
            return True
        error = error.__cause__ or error.__context__
    return False


def _help(whole: argparse.ArgumentParser, command: str) -> str:
    """Return the help of a command: what options it has."""
    import argparse

    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            return str(action.choices[command].format_help())
    return ""


def _leave(number: int, frame: FrameType | None) -> None:
    """Take Ctrl-C while modules are imported and nothing is open: libraries answer an exception there with noise."""
    os.write(2, b"exactdropout: interrupted\n")
    os._exit(EXIT_INTERRUPTED)


def _press(number: int, frame: FrameType | None) -> None:
    """Take Ctrl-C while a command runs."""
    _pressed.append(number)
    raise KeyboardInterrupt


def _unraisable(unraisable: Any) -> None:
    """Press again what was lost in a place that ignores exceptions, such as a destructor."""
    if unraisable.exc_type is KeyboardInterrupt:
        import threading

        threading.Timer(0.01, signal.raise_signal, (signal.SIGINT,)).start()
    else:
        sys.__unraisablehook__(unraisable)


def run() -> int:
    """Entry point of the console script: Ctrl-C is quiet while modules are imported, and while the process ends."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not in the background, where it is ignored
        signal.signal(signal.SIGINT, _leave)
    try:
        from exactdropout.cli.streams import OutputError, abandon_output, prepare_streams

        prepare_streams()
        sys.unraisablehook = _unraisable
        try:
            code = main()
        except SystemExit as left:  # of argparse: help, version, usage
            code = left.code if isinstance(left.code, int) else EXIT_BAD_INPUT
        try:
            sys.stdout.flush()
        except OutputError as error:
            abandon_output()
            if not error.reader_left:
                from exactdropout.cli.messages import complain

                complain(f"error: standard output cannot be written: {error}.")
                code = EXIT_BAD_INPUT
        if signal.getsignal(signal.SIGINT) in (_leave, _press):
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # from here on it ends the process without a traceback
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (MemoryError, ImportError):  # not even what reports errors could be loaded
        os.write(2, b"exactdropout: error: not enough memory to load the package.\n")
        return EXIT_BAD_INPUT
    return code
