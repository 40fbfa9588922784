"""Long evaluations from the command line: cost in advance, progress, journal, worker processes, Ctrl-C, kill."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.progress import amount, reporting


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write a network whose evaluation takes a second or so, and one whose evaluation takes minutes."""
    rng = np.random.default_rng(1)
    for name, inputs in (("short", 16), ("long", 28)):
        xd.Network([rng.normal(size=(6, inputs)), rng.normal(size=(6, 6)), rng.normal(size=(1, 6))]).save(
            tmp_path / f"{name}.json"
        )
        row = ",".join(str(v) for v in rng.integers(1, 9, size=inputs + 1))
        (tmp_path / f"{name}.csv").write_text(row + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SHORT = ["evaluate", "short.json", "short.csv", "--q", "1/2", "--json", "--strategy", "walk"]
LONG = ["evaluate", "long.json", "long.csv", "--q", "1/2", "--strategy", "walk", "--max-cost", "inf"]


def test_a_journal_is_kept_and_read_and_refused_for_another_q(files, capsys):
    assert main([*SHORT, "--checkpoint", "run.journal"]) == 0
    first = capsys.readouterr().out
    written = Path("run.journal").read_bytes()
    assert main([*SHORT, "--checkpoint", "run.journal", "--threads", "1"]) == 0
    assert capsys.readouterr().out == first
    assert Path("run.journal").read_bytes() == written
    assert main([*SHORT, "--checkpoint", "run.journal", "--q", "1/3"]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert "run.journal', which belongs to another drop probability: '1/2, 1/2, 1/2' there" in found.err
    assert found.err.count("\n") == 1
    assert main([*SHORT, "--checkpoint", "run.journal", "--q-grid", "0:1/2:3"]) == 2
    assert "'--checkpoint' holds one evaluation" in capsys.readouterr().err


def test_worker_processes_print_the_same_bits(files, capsys):
    assert main([*SHORT, "--threads", "2"]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert main([*SHORT, "--workers", "2"]) == 0
    assert json.loads(capsys.readouterr().out) == expected
    assert main([*SHORT, "--workers", "0"]) == 2
    assert capsys.readouterr().err == ("exactdropout: error: Argument '--workers' must be a positive integer, not 0.\n")


def growing(process, size):
    """Wait until the journal is larger than ``size``."""
    path, deadline = Path("run.journal"), time.monotonic() + 100
    while not (path.exists() and path.stat().st_size > size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits an ignored one
if __name__ == "__main__":
    from exactdropout.cli.main import run
    sys.exit(run())
"""


@pytest.mark.parametrize("who", [["--threads", "2"], pytest.param(["--workers", "2"], marks=pytest.mark.thorough)])
def test_ctrl_c_says_that_the_journal_holds_what_was_finished(files, who):
    """As on a terminal, where Ctrl-C reaches the workers too: the whole process group gets the signal."""
    Path("child.py").write_text(CHILD)
    size = 1000
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "child.py", *LONG, *who, "--checkpoint", "run.journal"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                growing(process, size)
                os.killpg(process.pid, signal.SIGINT)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert (process.returncode, out) == (130, "")
        assert err == (
            "exactdropout: run.journal holds what was finished; the same command goes on from it\n"
            "exactdropout: interrupted\n"
        )
        size = Path("run.journal").stat().st_size
    assert gone(process.pid)


def living(group):
    """Return the processes of a group that are not zombies."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[2]) == group:
            found.append(int(status.parent.name))
    return found


def gone(group):
    """Return whether a group ends within a minute."""
    deadline = time.monotonic() + 60
    while living(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not living(group)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
def test_workers_end_with_a_command_that_is_killed(files):
    process = subprocess.Popen(
        [sys.executable, "-m", "exactdropout", *LONG, "--workers", "2", "--checkpoint", "run.journal"],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        growing(process, 1000)
        assert len(living(process.pid)) >= 3
        process.kill()
        process.wait()
        assert gone(process.pid)
    finally:
        for left in living(process.pid):
            os.kill(left, signal.SIGKILL)


def test_a_person_sees_the_cost_in_advance_and_how_far_it_is(files):
    """On a terminal: one line with masks and seconds, then a bar with counts, elapsed and remaining time."""
    shown = r"\d:\d\d:\d\d remaining .*\d% [\d,.e]+ of 1\.\d+e9 masks \d:\d\d:\d\d"
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "exactdropout", *LONG],
        stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    ) as process:  # fmt: skip
        os.close(theirs)
        text = ""
        try:
            while not re.search(shown, text) and len(text) < 1 << 16:
                text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(ours, 1 << 12).decode(errors="replace"))
        finally:
            process.kill()
            os.close(ours)
    assert "all 2^40 masks by walk: " in text
    assert " s on one core" in text
    assert re.search(shown, text)


def test_the_bar_starts_anew_with_each_part_and_at_what_a_journal_holds(monkeypatch):
    from rich import progress

    told = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress.Progress, "reset", lambda *_, **k: told.append(("reset", k["completed"], k["total"])))
    monkeypatch.setattr(progress.Progress, "update", lambda *_, **k: told.append(("update", k["completed"])))
    with reporting(True, "masks") as report:
        for done, total in ((40, 100), (70, 100), (100, 100), (0, 100), (50, 100), (0, 30)):
            report(done, total)
    assert told == [
        ("reset", 40, 100), ("update", 70), ("update", 100), ("reset", 0, 100), ("update", 50), ("reset", 0, 30)
    ]  # fmt: skip


def test_elsewhere_long_work_writes_a_line_a_minute_with_what_remains_first(monkeypatch, capsys):
    from exactdropout import progress

    with reporting(True, "masks") as report:
        report(1, 2)
    assert capsys.readouterr() == ("", "")  # nothing of what takes less than a minute
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.3)
    with reporting(True, "masks") as report:
        report(1_000, 4_000)  # a journal holds these
        time.sleep(0.1)
        report(2_000, 4_000)
        time.sleep(0.6)
    out, err = capsys.readouterr()
    assert out == ""
    first = err.splitlines()[0]
    assert re.fullmatch(r"exactdropout: masks, 2,000 of 4,000 after 0 s, ~[1-9]\d* s left", first)


def test_verify_says_into_a_file_which_theorem_it_proves(monkeypatch, capsys):
    from exactdropout import progress
    from exactdropout.cli.verify import _prove

    class Slow:
        id = "slow-theorem"

        def prove(self, full):
            time.sleep(0.4)

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.3)
    _prove([Slow(), Slow()], quiet=False, full=False)
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "exactdropout: slow-theorem, 0 of 2 after 0 s"
    _prove([Slow()], quiet=True, full=False)
    assert capsys.readouterr().err == ""


def test_lines_elsewhere_fit_80_columns_whatever_they_are_about(monkeypatch, capsys):
    from exactdropout import progress

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    for name in ("exactdropout-2026-smallest-width", "theorem-" * 20):
        with progress.display("theorems") as tell:
            tell(0, 48, name)
            time.sleep(0.1)
            tell(32, 48, name)
            time.sleep(0.1)
        lines = capsys.readouterr().err.splitlines()
        assert lines
        assert max(map(len, lines)) < 80
        assert all(re.search(r", (?:0|32) of 48 after 0 s", line) for line in lines)


def test_sampling_writes_lines_elsewhere_too(tmp_path, monkeypatch, capsys):
    """A run of hours into a file says that it lives: estimate, compare and law --band as every other command."""
    from exactdropout import progress

    rng = np.random.default_rng(3)
    network = xd.Network([rng.standard_normal((30, 30)), rng.standard_normal(30)])
    network.save(tmp_path / "wide.json")
    xd.Examples((rng.standard_normal((2, 30)), rng.standard_normal(2))).save(tmp_path / "two.json")
    files = [str(tmp_path / "wide.json"), str(tmp_path / "two.json")]
    xd.estimate(network, xd.Examples.point([1.0] * 30, 1.0), "1/2", seconds=0.1)  # kernels are compiled
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    x = ",".join(["1"] * 30)
    for line, said in (
        (["estimate", *files, "--q", "1/2", "--seconds", "0.6"], r"criterion \d\S*% wide, [\d,.e]+ masks after \d s"),
        (
            ["compare", *files, "--q", "1/2", "--seconds", "0.6", "--max-cost", "1/100"],
            r"criterion \d\S*% wide, [\d,.e]+ masks after \d s",
        ),
        (
            ["law", files[0], "--x", x, "--q", "1/2", "--band", "--seconds", "0.6"],
            r"masks, [\d,]+ of [\d,]+ after \d s",
        ),
    ):
        assert main(line) == 0
        err = capsys.readouterr().err.splitlines()
        assert any(re.match("exactdropout: " + said, each) for each in err), (line, err)
        assert max(map(len, err)) < 80


def test_amounts_are_short():
    assert [amount(n) for n in (0, 999_999, 1_000_000, 1 << 40)] == ["0", "999,999", "1e6", "1.1e12"]


IMPORTING = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Pressing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressing())
from exactdropout.cli.main import run
sys.exit(run())
"""


@pytest.mark.parametrize(
    "module",
    ["argparse", "exactdropout.errors", "exactdropout.cli.verify", "numpy", "exactdropout.evaluation", "numba"],
)
def test_ctrl_c_while_modules_are_imported_is_quiet(files, module):
    code = f"MODULE = {module!r}\n{IMPORTING}"
    done = subprocess.run([sys.executable, "-c", code, *SHORT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "exactdropout: interrupted\n")
