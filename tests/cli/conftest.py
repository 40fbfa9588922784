"""Running a command in a process of its own and pressing Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

# a test run in the background inherits an ignored SIGINT, so the child asks for Python's own handler
CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from exactdropout.cli.main import main
print("started", file=sys.stderr, flush=True)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def interrupted(tmp_path: Path) -> Callable[[Sequence[str], float], tuple[int, str, str]]:
    """Return a function that runs a command in ``tmp_path``, interrupts it, and gives its exit code and output."""

    def run(arguments: Sequence[str], seconds: float) -> tuple[int, str, str]:
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stderr is not None
                assert process.stderr.readline() == "started\n"
                time.sleep(seconds)
                assert process.poll() is None, process.stderr.read()
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        return process.returncode, out, err

    return run
