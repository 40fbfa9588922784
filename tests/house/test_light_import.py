"""`import exactdropout` is quick because it loads no engine, no display and no extra."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "sympy", "numba", "llvmlite", "scipy", "matplotlib", "hypothesis", "rich", "mpmath", "daqp", "torch", "pytest",
)  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    # -S -E would hide the editable install; -I keeps the caller's folder and PYTHON* variables out
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_import_loads_no_engine_and_no_extra() -> None:
    assert loaded_by("import exactdropout").isdisjoint(HEAVY)


def test_the_command_line_loads_what_its_command_needs() -> None:
    """Help, version and usage errors come at once."""
    assert loaded_by("from exactdropout.cli.main import parser; parser()").isdisjoint(HEAVY)


@pytest.mark.parametrize("statement", ["import exactdropout.model", "import exactdropout.data"])
def test_rooms_without_engine_stay_light(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_the_probe_sees_what_is_loaded() -> None:
    assert "rich" in loaded_by("import rich")


def test_numeric_engine_does_not_load_sympy() -> None:
    assert "sympy" not in loaded_by(
        "import importlib, pkgutil\n"
        "import exactdropout.numeric as room\n"
        "for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "    importlib.import_module(module.name)"
    )
