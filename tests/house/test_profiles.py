"""The thorough profile after a quick run repeats nothing that the profile does not change, and leaves nothing out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CASES = """
import pytest
from hypothesis import given, strategies as st

def test_plain(): pass
def test_wrong(): assert {right}
def test_skipped(): pytest.skip("not here")
@pytest.mark.parametrize("n", [1, 2])
def test_parameters(n): assert n < 3
@given(st.integers())
def test_drawn(n): pass
@pytest.mark.thorough
def test_long(): pass
"""


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
    assert first == {"test_plain": "PASSED", "test_wrong": "FAILED", "[1]": "SKIPPED", "test_drawn": "PASSED",
                     "test_parameters[1]": "PASSED", "test_parameters[2]": "PASSED"}  # fmt: skip
    assert passed.read_text().split() == [f"test_cases.py::test_{name}" for name in
                                          ("drawn", "parameters[1]", "parameters[2]", "plain")]  # fmt: skip
    cases.write_text(CASES.format(right=True))
    again = outcomes(tmp_path, EXACTDROPOUT_PROFILE="thorough", EXACTDROPOUT_PASSED_IN=str(passed))
    assert again == {"test_wrong": "PASSED", "[1]": "SKIPPED", "test_drawn": "PASSED", "test_long": "PASSED"}


def test_a_module_that_reads_the_profile_is_run_again(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).resolve().parents[1] / "conftest.py", tmp_path)
    cases, passed = tmp_path / "test_cases.py", tmp_path / "passed"
    cases.write_text("import os\nMORE = os.environ.get('EXACTDROPOUT_PROFILE')\ndef test_plain(): pass\n")
    outcomes(tmp_path, EXACTDROPOUT_PROFILE="quick", EXACTDROPOUT_PASSED_TO=str(passed))
    assert passed.read_text().split() == ["test_cases.py::test_plain"]
    again = outcomes(tmp_path, EXACTDROPOUT_PROFILE="thorough", EXACTDROPOUT_PASSED_IN=str(passed))
    assert again == {"test_plain": "PASSED"}
