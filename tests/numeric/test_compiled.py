"""Kernels compile without a cache folder, and where it cannot be written any more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching

from exactdropout.numeric.kernels.simd import compiled as module
from exactdropout.numeric.kernels.simd.compiled import compiled

PROGRAM = """
import shutil, sys
from pathlib import Path
from exactdropout.numeric.kernels.simd.compiled import compiled

@compiled
def twice(x):
    return 2 * x

folder = Path(sys.argv[1])
if sys.argv[2] == "vanish":
    shutil.rmtree(folder)
    folder.write_text("a file")
print(twice(21), twice.stats.cache_hits.total())
if sys.argv[2] == "damage":
    for kept in folder.rglob("*.nb?"):
        kept.write_bytes(b"damaged")
"""


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    def refusing(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(module, "ForgivingCache", refusing)

    @compiled
    def twice(x):
        return 2 * x

    assert twice(21) == 42
    assert not isinstance(twice._cache, caching.FunctionCache)


@pytest.mark.parametrize(
    ("acts", "hits"), [(["keep", "keep"], ["0", "1"]), (["vanish"], ["0"]), (["damage", "keep"], ["0", "0"])]
)
def test_a_cache_is_used_and_never_needed(tmp_path: Path, acts, hits):
    program, folder = tmp_path / "program.py", tmp_path / "cache"
    program.write_text(PROGRAM)
    folder.mkdir()
    source = Path(module.__file__).parents[3]
    for act, hit in zip(acts, hits, strict=True):
        done = subprocess.run(
            [sys.executable, str(program), str(folder), act],
            env={"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(source), "PATH": ""},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.split() == ["42", hit], done.stderr
