"""The command line in odd surroundings: output closed, full or left, other encodings, little memory, Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.cli.messages import as_typed

CALL = [sys.executable, "-m", "exactdropout"]
EVALUATE = ["evaluate", "net.json", "data.csv", "--q", "1/2"]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


def quick(chosen, others):
    """Return parameters of which the quick profile takes the first."""
    return [*chosen, *(pytest.param(value, marks=pytest.mark.thorough) for value in others)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write a network and an example, and go there."""
    monkeypatch.chdir(tmp_path)
    xd.Network([[["1/3", 1], [1, 1]], [1, 1]]).save("net.json")
    Path("data.csv").write_text("x1,x2,y\n1,-1,8\n")
    return tmp_path


def shell(command, **environment):
    """Run a command in a shell, with ``exactdropout`` for the package."""
    command = command.replace("exactdropout", f"{sys.executable} -m exactdropout")
    return subprocess.run(
        ["bash", "-c", command], env={**os.environ, **environment}, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command", ["evaluate net.json data.csv --q 1/2", "evaluate net.json data.csv --q 1/2 --json", "--version"]
)
def test_closed_output_is_one_sentence(files, command):
    done = shell(f"exactdropout {command} >&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "exactdropout: error: standard output cannot be written: it is closed.\n"


@FULL
@pytest.mark.parametrize(
    "command", ["evaluate net.json data.csv --q 1/2", "evaluate net.json data.csv --q 1/2 --json", "--help"]
)
def test_full_output_is_one_sentence(files, command):
    done = shell(f"exactdropout {command} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "exactdropout: error: standard output cannot be written: No space left on device.\n"


def test_a_closed_standard_error_is_silent_and_does_not_get_into_the_answer(files):
    done = shell("exactdropout evaluate net.json data.csv --q 1/2 --json 2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == "exactdropout/evaluate"
    done = shell("exactdropout evaluate none.json data.csv --q 1/2 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_reader_that_leaves_never_looks_like_an_answer(files, form):
    """Exit code 1 would say refuted; where the answer was known when the reader was missed, the code is its own."""
    done = shell(f"exactdropout evaluate net.json data.csv --q 1/2 {form} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode in (0, 141)
    assert done.stderr == ""
    done = shell('exactdropout check "J_D <= 0" --architecture 1-1-1 | true; exit ${PIPESTATUS[0]}')
    assert done.returncode in (1, 141)
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", quick(["ascii", "utf-16"], ["latin-1", "cp1252", "utf-8"]))
@pytest.mark.parametrize("form", ["", "--json"])
def test_any_encoding_of_the_output(files, encoding, form):
    done = subprocess.run(
        [*CALL, *EVALUATE, *form.split()], env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "1/9" in text or "/" in text
    if form:
        assert json.loads(text)["q"] == "1/2"


def test_an_old_locale(files):
    done = shell("exactdropout evaluate net.json data.csv --q 1/2", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, "")


def test_names_are_printed_on_one_line(files, capsys):
    for arguments in (
        ["evaluate", "a\nb.json", "data.csv", "--q", "1"],
        ["evaluate", "net.json", "a\rb\x1b[31m.csv", "--q", "1"],
    ):
        assert main(arguments) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert err[:-1].isprintable()
    done = subprocess.run([*CALL, *EVALUATE, "a\nb\x1b[31m", "c"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("exactdropout: error: unrecognized arguments: a")
    assert "\x1b" not in done.stderr
    done = subprocess.run([*CALL, "evaluate", b"\xff.json", "data.csv", "--q", "1"], capture_output=True, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 20,) * 2)
sys.argv[1:2] = []
from exactdropout.cli.main import run
sys.exit(run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
@pytest.mark.parametrize("mebibytes", quick([60, 150, 300], [100, 200, 500]))
@pytest.mark.parametrize("form", [[], ["--precision", "20"]])
def test_too_little_memory_is_one_sentence(files, mebibytes, form):
    Path("data.csv").write_text("x1,x2,y\n" + "".join(f"{k}.5,{k},{k}\n" for k in range(400 if form else 2000)))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(mebibytes), *EVALUATE, *form, "--max-cost", "inf"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.count("memory") == 1, done.stderr


def test_an_unexpected_exception_is_one_sentence_with_a_way_to_see_more(files, capsys, monkeypatch):
    from exactdropout.cli import arguments

    def broken(path):
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr(arguments.Network, "load", broken)
    assert main(EVALUATE) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "exactdropout: error: ZeroDivisionError: a (a fault of exactdropout that should be reported; "
        "EXACTDROPOUT_TRACEBACK=1 shows where it happened).\n"
    )
    monkeypatch.setenv("EXACTDROPOUT_TRACEBACK", "1")
    assert main(EVALUATE) == 2
    assert "in broken" in capsys.readouterr().err


def test_sentences_name_the_option_as_it_was_typed(files, capsys):
    for arguments, said in [
        ([*EVALUATE[:3], "--q", "2"], "Argument '--q' must satisfy 0 <= q < 1, not 2"),
        ([*EVALUATE, "--strategy", "guess"], "Argument '--strategy' must be"),
        ([*EVALUATE, "--precision", "0"], "Argument '--precision' must satisfy"),
        ([*EVALUATE, "--threads", "0"], "Argument '--threads' must be a positive integer"),
        ([*EVALUATE, "--label", "z"], "Argument '--label' must name a column"),
        ([*EVALUATE, "--checkpoint", "none/j"], "Argument '--checkpoint'"),
        ([*EVALUATE, "--max-cost", "1e-30"], "--max-cost"),
        (["derive", "--architecture", "2-0-1"], "Argument '--architecture'"),
    ]:
        assert main(arguments) == 2, arguments
        err = capsys.readouterr().err
        assert said in err, err
        assert "max_cost" not in err


def test_what_the_user_wrote_is_not_changed():
    help_text = "--max-cost --q --data"
    for kept in (
        "File 'max_cost.csv' does not exist.",
        "Argument 'network' must be such, not 'data'.",
        "q <= max_costs",
    ):
        assert as_typed(kept, help_text) == kept
    assert as_typed("Arguments 'data' and 'q' go together; q=1/2.", help_text) == (
        "Arguments '--data' and '--q' go together; --q 1/2."
    )


PRESSING = """
import builtins, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
before, left = builtins.__import__, [int(sys.argv[1])]
known = set()
def pressing(name, *rest, **named):
    if left[0] >= 0 and name not in sys.modules and name not in known:
        known.add(name)
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGINT)
    return before(name, *rest, **named)
sys.argv[1:2] = []
from exactdropout.cli.main import run
builtins.__import__ = pressing
sys.exit(run())
"""


@pytest.mark.parametrize("place", quick([0, 2, 8, 34, 144], [1, 3, 5, 13, 21, 55, 89, 233]))
def test_ctrl_c_at_any_import_is_quiet(files, place):
    done = subprocess.run(
        [sys.executable, "-c", PRESSING, str(place), *EVALUATE],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if done.returncode == 0:
        assert place > 30, "fewer modules are imported than that"
        return
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "exactdropout: interrupted\n")


def test_the_module_is_the_script(files):
    script = Path(sys.executable).with_name("exactdropout")
    if not script.exists():
        pytest.skip("the package is installed without its script")
    for arguments in (EVALUATE, []):
        results = [
            subprocess.run([*call, *arguments], capture_output=True, text=True, check=False)
            for call in ([str(script)], CALL)
        ]
        assert (results[0].returncode, results[0].stdout, results[0].stderr) == (
            results[1].returncode, results[1].stdout, results[1].stderr
        )  # fmt: skip


def test_the_place_in_a_claim_is_shown_below_the_sentence(capsys):
    assert main(["check", "J_D >= 1e-99999", "--architecture", "1-1-1"]) == 2
    sentence, claim, place = capsys.readouterr().err.splitlines()
    assert sentence.startswith("exactdropout: error: Argument 'claim' at position 9")
    assert claim.strip() == "J_D >= 1e-99999"
    assert place.strip() == "^"
    assert claim.index("e-9") == place.index("^")


def test_without_utf_8_signs_are_those_that_resemble_them(tmp_path):
    command = [sys.executable, "-m", "exactdropout", "minimize", "--architecture", "2-1-1 relu, no biases"]
    done = subprocess.run(
        [*command, "--data", "point(1, 1)", "--q", "1/2"], capture_output=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    shown = done.stdout.decode("ascii")
    assert done.returncode == 0
    assert "2/3 ~ 0.666666666667" in shown
    assert "1/4 = 0.25" in shown
    assert "1 dual cut, 1 relaxation, " in shown
    assert "\\u" not in shown


def test_one_example_is_singular(tmp_path):
    xd.Network([[[1, 2]]]).save(tmp_path / "net.json")
    (tmp_path / "one.csv").write_text("1,2,3\n")
    command = [sys.executable, "-m", "exactdropout", "evaluate", "net.json", "one.csv", "--q", "1/2"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=tmp_path)
    assert "2-1 linear, no biases, 1 example, q = 1/2" in done.stdout
