"""No command writes wider than its terminal, or than 80 columns where its output goes elsewhere.

Formulas, code and completions are for other programs: where they go elsewhere they stay on their lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.cli.output import _side_by_side, _widths, print_table

pty = pytest.importorskip("pty", reason="a pseudo-terminal needs Unix")

Lines = list[str]
SURROUNDINGS = ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
PLAIN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COMMANDS = """
evaluate net.json data.csv --q 1/2 --per-example
evaluate net.json data.csv --q 1/3 --precision 40 --per-example
evaluate net.json data.csv --q-grid 0:1/2:4
estimate net.json data.csv --q 1/2 --gradient --per-example
compare net.json data.csv --q 1/2 --per-example --gradient --law 1
law net.json --x 1/7,2/11 --q 1/13
minimize --architecture '2-4-1 relu' --data 'half(1, 1)' --q 2/7
phases --architecture '2-3-1 relu' --data 'half(1, 1)'
check 'penalty >= 0' --architecture '2-2-1 relu, no biases'
check 'penalty >= 0' --architecture 'K-1, no biases'
check paper.md
verify --only figure-1 --only theorem-5 --steps
certify --only n1-
""".strip().splitlines()
FORMULAS = """
derive --architecture '2-2-1 relu, no biases' --quantity penalty
derive --architecture '2-2-1 relu' --data 'half(1, 1)' --gradient criterion
derive --architecture '2-1-1 relu, no biases' --data 'point(1, 1)' --q 1/2 --regions
derive --architecture 'K-1, no biases' --closed-form
""".strip().splitlines()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write a network, examples and a document."""
    xd.Network([[["1/3", 1], [1, 1]], [1, 1]]).save(tmp_path / "net.json")
    (tmp_path / "data.csv").write_text("x1,x2,y\n1,-1,8\n2,3/7,5\n")
    (tmp_path / "paper.md").write_text(
        "<!-- exactdropout architecture: K-1, no biases -->\n$$penalty = \\frac{q}{p} \\sum_i w_i^2 x_i^2 \\ge 0$$\n"
    )
    return tmp_path


@pytest.fixture
def piped(files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Lines]:
    """Return a function that gives the lines that a command writes where its output is no terminal."""

    def run(line: str) -> Lines:
        for name in SURROUNDINGS:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(files)
        main(shlex.split(line))
        out, err = capsys.readouterr()
        assert out, err
        return out.splitlines()

    return run


def on_a_terminal(folder: Path, line: str, columns: int) -> Lines:
    """Return what a command prints on a terminal of so many columns."""
    environment = {k: v for k, v in os.environ.items() if k not in SURROUNDINGS}
    environment |= {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "exactdropout", *shlex.split(line)],
        cwd=folder, stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    process.wait()
    shown = PLAIN.sub("", b"".join(pieces).decode("utf-8")).splitlines()
    assert shown
    return shown


@pytest.mark.parametrize("line", COMMANDS)
def test_a_pipe_gets_at_most_80_columns(piped: Callable[[str], Lines], line: str) -> None:
    assert [text for text in piped(line) if len(text) > 80 or text != text.rstrip()] == []


@pytest.mark.parametrize(
    "line",
    [COMMANDS[0], FORMULAS[0], *(pytest.param(f, marks=pytest.mark.thorough) for f in (COMMANDS[4], *FORMULAS[1:]))],
)
def test_a_terminal_of_80_columns_breaks_no_line(files: Path, line: str) -> None:
    assert [text for text in on_a_terminal(files, line, 80) if len(text) > 80] == []


@pytest.mark.parametrize("line", FORMULAS[:2])
def test_a_formula_stays_on_its_line_in_a_pipe(piped: Callable[[str], Lines], line: str) -> None:
    shown = piped(line)
    assert all(" = " in text for text in shown)
    assert max(map(len, shown)) > 200


def test_columns_that_do_not_fit_stand_in_tables_of_even_size() -> None:
    header = ["row", *"abcdefgh"]
    rows = [["1", *["0.123456789012"] * 8]]
    assert _side_by_side(header, rows, range(9), 200) == [[0, 1, 2, 3, 4, 5, 6, 7, 8]]
    assert _side_by_side(header, rows, range(9), 80) == [[0, 1, 2, 3, 4], [0, 5, 6, 7, 8]]
    assert _side_by_side(header, rows, range(9), 10) == [[0, i] for i in range(1, 9)]
    assert _side_by_side(["only"], [["1"]], [], 80) == [[0]]


def test_long_columns_share_what_is_left() -> None:
    columns = [["short"], ["one " * 30], ["two " * 10]]
    given = _widths(columns, [False, False, False], 60)
    assert given[0] == 5
    assert sum(given) + 2 * 3 == 60
    assert abs(given[1] - given[2]) <= 1


def test_a_value_stays_beside_its_name(piped: Callable[[str], Lines]) -> None:
    shown = "\n".join(piped(COMMANDS[8]))
    assert shown.startswith("refuted: penalty >= 0\n")
    for name in ("q", "x[1]", "x[2]", "y", "W[1,1]", "W[1,2]", "W[2,1]", "W[2,2]", "w[1]", "w[2]"):
        assert f"{name} = " in shown


def test_no_number_of_a_table_is_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    numbers = [f"{i}.12345678901234" for i in range(5)]
    print_table("A title that is longer than the table is", ("row", *"abcd"), [numbers], numeric=range(5))
    shown = capsys.readouterr().out
    assert all(number in shown for number in numbers)
    assert max(map(len, shown.splitlines())) <= 40
