"""``exactdropout``: parse the command line, run one command, turn errors into one sentence and an exit code.

Exit codes: 0 holds, 1 refuted or changed, 2 bad input or a refused cost, 3 undecided, 130 interrupted.

Nothing of the package is imported before :func:`run` is ready for Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["main", "run"]

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    import argparse

    from exactdropout._version import __version__
    from exactdropout.cli import certify, check, derive, evaluate, example, law, minimize, phases, verify

    result = argparse.ArgumentParser(
        prog="exactdropout",
        description="Exact dropout criteria and penalties of ReLU networks: evaluated over all masks, and proved.",
        epilog="Exit codes: 0 holds, 1 refuted or changed, 2 bad input or a refused cost, 3 undecided, "
        "130 interrupted.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"exactdropout {__version__}")
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (verify, evaluate, derive, check, minimize, phases, certify, law, example):
        command.add(commands)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; bad input ends in one sentence on standard error, never a traceback."""
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        print("exactdropout: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _main(arguments: Sequence[str] | None) -> int:
    from exactdropout.errors import ExactDropoutError

    options = parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
    except ExactDropoutError as error:
        print(f"exactdropout: error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except MemoryError:
        print("exactdropout: error: not enough memory; a plan shows what a computation needs.", file=sys.stderr)
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing more to say
        return 0
    return int(code)


def run() -> int:
    """Entry point of the console script: Ctrl-C is quiet while modules are imported, and while the process ends."""
    try:
        code = main()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # from here on it ends the process without a traceback
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code
