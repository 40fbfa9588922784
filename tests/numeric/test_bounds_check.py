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


@pytest.mark.thorough
def test_the_engine_indexes_nothing_beyond_its_arrays():
    files = sorted(
        str(path)
        for path in Path(__file__).parent.glob("test_*.py")
        if any(
            word in path.name for word in ("walk", "float64", "meet", "merge", "gradient", "hessian", "tiny", "agree")
        )
    )
    found = run(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files], "1", EXACTDROPOUT_PROFILE="quick")
    assert found.returncode == 0, found.stdout[-3000:]
