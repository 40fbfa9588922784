"""The compiled theory in Coq, on top of which tests of certificates compile their texts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

BASE = ("Definitions", "Expectations", "Rationals", "Theorem_5", "Last_layer", "Every_network", "Theorem_18")
PARTS = ("walk", "cover", "order", "tree", "choices", "minimisers")
CHECKER = ("Certificate", *(f"Certificate_{part}" for part in PARTS))


@pytest.fixture(scope="session")
def theory(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, external: Callable[[str], str]
) -> Callable[[str, str], str]:
    """Return a function that compiles a text on top of the theory and returns what Coq complains about."""
    external("coqc")
    folder = tmp_path_factory.mktemp("theory")

    def compiled(name: str, text: str) -> str:
        (folder / f"{name}.v").write_text(text, "utf-8")
        command = ["coqc", "-q", "-w", "-all", "-Q", ".", "Dropout", f"{name}.v"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
        assert bool(done.stderr) == bool(done.returncode)
        return done.stderr

    for name in (*BASE, *CHECKER):
        assert compiled(name, (repository / "proofs" / "theory" / f"{name}.v").read_text("utf-8")) == ""
    return compiled
