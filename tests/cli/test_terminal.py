"""What a terminal shows: lines broken at spaces, numbers never, colours only where they are wanted."""

import os
import re
import subprocess
import sys

import pytest

from exactdropout.cli.main import main

pty = pytest.importorskip("pty", reason="a pseudo-terminal needs Unix")

PLAIN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CLAIM = ["check", "penalty >= 0", "--architecture"]


def on_terminal(arguments, columns, expected=0, **settings):
    """Return what a command prints on a terminal of so many columns; progress goes elsewhere."""
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color", **settings}
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "exactdropout", *arguments], stdout=theirs, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, env=environment,
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
    assert done.wait() == expected
    return b"".join(pieces).decode("utf-8").replace("\r\n", "\n")


def lines(shown):
    return PLAIN.sub("", shown).splitlines()


@pytest.mark.parametrize("columns", [80, 200])
def test_phases_break_no_number_and_explain_their_signs(columns):
    shown = lines(on_terminal(["phases", "--architecture", "2-3-1 relu", "--data", "half(1, 1)"], columns))
    assert max(map(len, shown)) <= columns
    text = "\n".join(shown)
    assert re.search(r"0\.3691024 +0\.4728187", text)  # the ends of a piece
    assert "0.3691023861849" in text  # the breakpoint in full
    assert "signs: units as output weight (input weights|bias)" in text
    assert "formula 1: (q + 3*q^2" in text


def test_a_formula_is_broken_at_spaces():
    shown = lines(on_terminal(["derive", "--architecture", "2-2-1 relu, no biases", "--quantity", "penalty"], 80))
    assert len(shown) > 5
    assert max(map(len, shown)) <= 80
    assert "2*q*y*w[2]*relu(W[2,1]*x[1] + W[2,2]*x[2])" in re.sub(r"\s+", " ", " ".join(shown))


def test_a_verdict_has_its_colour_where_colours_are_wanted():
    shown = on_terminal([*CLAIM, "2-2-1 relu, no biases"], 80, 1)
    assert shown.startswith("\x1b[1;31mrefuted\x1b[0m: penalty >= 0")
    assert max(map(len, lines(shown))) <= 80
    assert on_terminal([*CLAIM, "K-1, no biases"], 80).startswith("\x1b[32mproved\x1b[0m")
    plain = on_terminal([*CLAIM, "K-1, no biases"], 80, NO_COLOR="1")
    assert plain.startswith("proved: ")
    assert "\x1b" not in plain
    assert "\x1b" not in on_terminal([*CLAIM, "K-1, no biases"], 80, TERM="dumb")


def test_a_pipe_gets_lines_as_they_are(capsys):
    assert main(["derive", "--architecture", "2-2-1 relu, no biases", "--quantity", "penalty"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "\x1b" not in out


def test_a_picture_is_named(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    file = tmp_path / "phases.svg"
    assert (
        main(["phases", "--architecture", "2-1-1 relu, no biases", "--data", "point(1, 1)", "--plot", str(file)]) == 0
    )
    assert f"wrote {file}" in capsys.readouterr().err
    assert file.read_text("utf-8").startswith("<?xml")
