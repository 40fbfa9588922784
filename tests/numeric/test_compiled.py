"""Kernels compile without a cache folder and where it cannot be written any more; an upgrade reaches all of them."""

from __future__ import annotations

import os
import shutil
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
    ("acts", "hits"),
    [(["keep", "keep"], ["0", "1"]), (["vanish"], ["0"]), (["damage", "keep", "keep"], ["0", "0", "1"])],
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


HELPER = """
from exactdropout.numeric.kernels.simd.compiled import compiled

@compiled
def scaled(x):
    return {factor} * x
"""
CALLER = """
from exactdropout.numeric.kernels.simd.compiled import compiled
from exactdropout.numeric.kernels.walk.scaled_of_a_test import scaled

@compiled
def scaled_and_shifted(x):
    return scaled(x) + 1
"""
CALL = """
from exactdropout.numeric.kernels.meet.shifted_of_a_test import scaled_and_shifted
print(scaled_and_shifted(20), scaled_and_shifted.stats.cache_hits.total())
"""


def test_a_mended_helper_kernel_reaches_the_kernels_that_call_it(tmp_path: Path):
    """The upgrade of a copy of the package: the caller's own file stays as it is, to the second."""
    package = tmp_path / "site" / "exactdropout"
    shutil.copytree(Path(module.__file__).parents[3], package, ignore=shutil.ignore_patterns("__pycache__"))
    kernels, folder = package / "numeric" / "kernels", tmp_path / "cache"
    helper, caller = kernels / "walk" / "scaled_of_a_test.py", kernels / "meet" / "shifted_of_a_test.py"
    caller.write_text(CALLER)
    said = []
    for factor in (2, 2, 3, 3):
        helper.write_text(HELPER.format(factor=factor))
        environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(package.parent)}
        done = subprocess.run(
            [sys.executable, "-B", "-c", CALL], env=environment, capture_output=True, text=True, check=False
        )
        said.append(done.stdout.split() or done.stderr)
    assert said == [["41", "0"], ["41", "1"], ["61", "0"], ["61", "1"]]
    assert len([*folder.rglob("*.scaled_and_shifted-*.nbi")]) == 1  # what the old engine left is removed


def test_settings_that_change_the_machine_code_do_not_share_it(tmp_path: Path):
    program, folder = tmp_path / "program.py", tmp_path / "cache"
    program.write_text(PROGRAM)
    folder.mkdir()
    for checks, hit in (("0", "0"), ("1", "0"), ("1", "1")):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "NUMBA_BOUNDSCHECK": checks}
        done = subprocess.run(
            [sys.executable, str(program), str(folder), "keep"],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout.split() == ["42", hit], done.stderr


def test_machine_code_with_a_flipped_bit_is_never_run(tmp_path: Path):
    program, folder = tmp_path / "program.py", tmp_path / "cache"
    program.write_text(PROGRAM)
    folder.mkdir()
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    call = [sys.executable, str(program), str(folder), "keep"]
    subprocess.run(call, env=environment, capture_output=True, check=True)
    (kept,) = folder.rglob("*.nbc")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["42", "0"]
