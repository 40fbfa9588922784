"""The thorough profile after a quick run repeats nothing that the profile does not change, and leaves nothing out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest
from hypothesis import given, settings, strategies as st
DRAWN = []

def test_plain(): pass
def test_wrong(): assert {right}
def test_skipped(): pytest.skip("not here")
@pytest.mark.parametrize("n", [1, 2])
def test_parameters(n): assert n < 3
@given(st.integers())
def test_drawn(n): pass
@settings(deadline=None)
@given(st.integers())
def test_drawn_in_time(n): pass
@settings(max_examples=7)
@given(st.integers())
def test_seven_drawn(n): pass
@pytest.mark.quick_cases(3)
@settings(max_examples=7)
@given(st.integers())
def test_dear(n): pass
@settings(max_examples=70)
@given(st.integers())
def test_seventy_drawn(n):
    DRAWN.append(n)
    with open("drawn", "w") as file: print(len(DRAWN), file=file)
def test_drawn_within():
    @given(st.integers())
    def check(n): pass
    check()
@pytest.mark.thorough
def test_long(): pass
"""
DRAWN = ("dear", "drawn", "drawn_in_time", "drawn_within", "seventy_drawn")


def outcomes(folder: Path, **environment: str) -> dict[str, str]:
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-q", "-p", "no:cacheprovider", "-W", "ignore", "test_cases.py"],
        env={**os.environ, "EXACTDROPOUT_REQUIRE_EXTERNAL": "", **environment},
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line.split() for line in found.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "SKIPPED"))]
    return {words[1].rpartition("::")[2]: words[0] for words in lines}


def test_what_passed_is_not_repeated_and_the_rest_is(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).resolve().parents[1] / "conftest.py", tmp_path)
    cases, passed = tmp_path / "test_cases.py", tmp_path / "passed"
    cases.write_text(CASES.format(right=False))
    first = outcomes(tmp_path, EXACTDROPOUT_PROFILE="quick", EXACTDROPOUT_PASSED_TO=str(passed))
    good = sorted((*DRAWN, "parameters[1]", "parameters[2]", "plain", "seven_drawn"))
    assert first == {"test_wrong": "FAILED", "[1]": "SKIPPED", **{f"test_{name}": "PASSED" for name in good}}
    assert passed.read_text().split() == [f"test_cases.py::test_{name}" for name in good]
    assert (tmp_path / "drawn").read_text() == "12\n"
    cases.write_text(CASES.format(right=True))
    again = outcomes(tmp_path, EXACTDROPOUT_PROFILE="thorough", EXACTDROPOUT_PASSED_IN=str(passed))
    repeated = {f"test_{name}": "PASSED" for name in (*DRAWN, "wrong", "long")}
    assert again == {"[1]": "SKIPPED", **repeated}
    assert (tmp_path / "drawn").read_text() == "70\n"


@pytest.mark.parametrize(
    ("helper", "repeated"), [("", ["test_more"]), ("def f(): return MORE", ["test_more", "test_plain"])]
)
def test_what_reads_the_profile_is_run_again(tmp_path: Path, helper: str, repeated: list[str]) -> None:
    """A test that names a constant made from it; all tests of a file where a function or another constant does."""
    shutil.copy(Path(__file__).resolve().parents[1] / "conftest.py", tmp_path)
    cases, passed = tmp_path / "test_cases.py", tmp_path / "passed"
    head = f"import os\nMORE = os.environ.get('EXACTDROPOUT_PROFILE')\n{helper}\n"
    cases.write_text(head + "def test_plain(): pass\ndef test_more(): assert MORE\n")
    outcomes(tmp_path, EXACTDROPOUT_PROFILE="quick", EXACTDROPOUT_PASSED_TO=str(passed))
    assert passed.read_text().split() == ["test_cases.py::test_more", "test_cases.py::test_plain"]
    again = outcomes(tmp_path, EXACTDROPOUT_PROFILE="thorough", EXACTDROPOUT_PASSED_IN=str(passed))
    assert again == dict.fromkeys(repeated, "PASSED")
