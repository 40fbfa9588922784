"""A build that checks every index of the kernels: the switch works, and the engine's tests pass under it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BEYOND = """
import numpy as np
from exactdropout.numeric.kernels.simd.compiled import compiled

@compiled
def entry(array, place):
    return array[place]

print(entry(np.zeros(3), 2))
entry(np.zeros(3), 3)
"""


def run(arguments, check, **more):
    environment = {**os.environ, "EXACTDROPOUT_BOUNDS_CHECK": check, **more}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_an_index_beyond_its_array_is_an_error_where_asked_for(tmp_path):
    script = tmp_path / "beyond.py"
    script.write_text(BEYOND)
    found = run([str(script)], "1")
    assert found.returncode == 1
    assert "IndexError" in found.stderr
    assert found.stdout.startswith("0.0")


PARTS = {
    "gradient": (),
    "walk tiny agree": ("gradient",),
    "float64 merge": ("gradient", "walk"),
    "meet hessian": ("merge",),
}
"""Words in the names of files with tests, and those of files that another part runs; parts keep several cores busy."""


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """Return the folder of the kernels that check, for all parts of a test run, in whichever process they run."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "kernels that check"


@pytest.mark.thorough
@pytest.mark.parametrize("words", PARTS)
def test_the_engine_indexes_nothing_beyond_its_arrays(kernels, words):
    def named(path, parts):
        return any(part in path.name for part in parts)

    paths = sorted(Path(__file__).parent.glob("test_*.py"))
    files = [str(path) for path in paths if named(path, words.split()) and not named(path, PARTS[words])]
    assert len(files) >= 4
    # kernels that check would take the place of those of all other tests; what passed without them is run here too
    apart = {"NUMBA_CACHE_DIR": str(kernels), "EXACTDROPOUT_PASSED_TO": "", "EXACTDROPOUT_PASSED_IN": ""}
    command = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    found = run(command, "1", EXACTDROPOUT_PROFILE="quick", **apart)
    assert found.returncode == 0, found.stdout[-3000:]
