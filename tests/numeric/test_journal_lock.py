"""One run writes a journal at a time: the lock excludes every other opening, in this process and in others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from exactdropout.errors import InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.model import Examples, Network
from exactdropout.numeric.runs.journal import journal

PROBLEM = Network([[[0.5, -1.25], [2.0, 1.0]], [1.0, -0.5]]), Examples.point((1.0, 2.0), 0.5)
HOLDING = """
import sys, time
from exactdropout.numeric.runs.journal import journal
with journal(sys.argv[1], {"package": "1"}):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_on_one_journal_are_refused(tmp_path):
    path = tmp_path / "run.journal"
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InvalidInput, match="which another run is writing"):
            evaluate(*PROBLEM, "1/2", checkpoint=path)
        holder.kill()
    with journal(path, {"package": "1"}), pytest.raises(InvalidInput, match="which another run is writing"):
        evaluate(*PROBLEM, "1/2", checkpoint=path)  # in one process too
    path.unlink()
    evaluate(*PROBLEM, "1/2", checkpoint=path)


TRYING = """
import sys
from exactdropout.errors import InvalidInput
from exactdropout.numeric.runs.journal import journal
try:
    with journal(sys.argv[1], {"package": "1"}):
        print("got in")
except InvalidInput as error:
    print(error)
"""


def second_process(path):
    """Return what a second process says that tries to hold the journal."""
    command = [sys.executable, "-c", TRYING, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_lock_survives_another_descriptor_that_closes(tmp_path):
    """A backup thread that copies the journal, or a second open of it, ends POSIX locks; this one it does not end."""
    path = tmp_path / "run.journal"
    with journal(path, {"package": "1"}):
        path.read_bytes()
        with pytest.raises(InvalidInput, match="another run"), journal(path, {"package": "1"}):
            pass
        assert "which another run is writing" in second_process(path)
    assert second_process(path) == "got in\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_worker_that_lives_on_neither_holds_the_lock_nor_writes(tmp_path):
    path = tmp_path / "run.journal"
    ready, go = os.pipe(), os.pipe()
    with journal(path, {"package": "1"}) as log:
        before = path.read_bytes()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                log.finish()
            os.write(ready[1], b".")
            os.read(go[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        assert path.read_bytes() == before
        assert "which another run is writing" in second_process(path)
    said = second_process(path)  # the worker still lives
    os.write(go[1], b".")
    os.waitpid(child, 0)
    assert said == "got in\n"
