"""Seconds of ``import exactdropout`` in a new process; the goal is under 0.2 s above an empty process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.parametrize("statement", ["pass", "import numpy", "import exactdropout"])
def test_import_time(benchmark: BenchmarkFixture, statement: str) -> None:
    command = [sys.executable, "-I", "-c", statement]
    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=10, warmup_rounds=1)
