"""Profiles of Hypothesis, the marker ``thorough``, and programs that tests need from outside.

Environment:

- ``EXACTDROPOUT_PROFILE=thorough`` runs the long profile and the tests marked ``thorough``;
- ``EXACTDROPOUT_REQUIRE_EXTERNAL=1`` makes every skipped test a failure: a machine that is meant to have
  everything must not pass by skipping.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SLOW_MACHINES = (HealthCheck.too_slow, HealthCheck.data_too_large)
# derandomize: the same cases on every machine and in every run; no example database is written into a clone
settings.register_profile(
    "quick", max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW_MACHINES
)
settings.register_profile(
    "thorough",
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW_MACHINES,
    print_blob=True,
)

PROFILE = os.environ.get("EXACTDROPOUT_PROFILE", "quick")
settings.load_profile(PROFILE)

REQUIRE_EXTERNAL = os.environ.get("EXACTDROPOUT_REQUIRE_EXTERNAL", "") not in ("", "0")

PROGRAMS = {
    "pdflatex": "apt install texlive-latex-base texlive-latex-recommended texlive-pictures",
    "latexmk": "apt install latexmk",
    "pdftotext": "apt install poppler-utils",
    "pdftoppm": "apt install poppler-utils",
    "pdffonts": "apt install poppler-utils",
    "chromium": "apt install chromium",
    "coqc": "apt install coq",
    "cc": "apt install gcc libc6-dev",
    "git": "apt install git",
}
LIBRARIES = {
    "torch": "pip install torch==2.13.0",  # the CPU build
    "keras": "pip install 'exactdropout[keras]'",
    "flax": "pip install 'exactdropout[flax]'",
    "equinox": "pip install 'exactdropout[equinox]'",
    "onnx": "pip install 'exactdropout[onnx]'",
    "onnxruntime": "pip install 'exactdropout[onnx]'",
    "safetensors": "pip install 'exactdropout[onnx]'",
    "sklearn": "pip install 'exactdropout[sklearn]'",
    "pandas": "pip install pandas",
    "polars": "pip install polars",
    "nbclient": "pip install 'exactdropout[notebooks]'",
    "ipykernel": "pip install 'exactdropout[notebooks]'",
    "distributed": "pip install 'exactdropout[dask]'",
}


@pytest.fixture(scope="session")
def external() -> Callable[[str], str]:
    """Return a function that finds a program or library by name, or skips and says what to install.

    ``external("pdflatex")`` returns the program's path; ``external("torch")`` the library's name.
    """

    def find(name: str) -> str:
        if name in LIBRARIES:
            found = name if importlib.util.find_spec(name) is not None else None
            install = LIBRARIES[name]
        else:
            found = shutil.which(name)
            install = PROGRAMS[name]
        if found is None:
            pytest.skip(f"{name} is missing; install it with: {install}")
        return found

    return find


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the top folder of the clone; skip where tests run without one."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("pyproject.toml is missing; run from a clone of the repository")
    return root


@pytest.fixture(scope="session")
def prove_once() -> Callable[[Any], Any]:
    """Return a function that proves an entry of the catalogue, each once in a test run."""
    kept: dict[str, Any] = {}

    def prove(theorem: Any) -> Any:
        if theorem.id not in kept:
            kept[theorem.id] = theorem.prove()
        return kept[theorem.id]

    return prove


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked ``thorough`` out of the quick profile."""
    if PROFILE == "thorough":
        return
    long = [item for item in items if item.get_closest_marker("thorough")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything must be present; benchmarks are skipped on purpose."""
    report = yield
    benchmark = "benchmark" in getattr(item, "fixturenames", ())
    if REQUIRE_EXTERNAL and report.skipped and not hasattr(report, "wasxfail") and not benchmark:
        report.outcome = "failed"
        report.longrepr = f"EXACTDROPOUT_REQUIRE_EXTERNAL=1 allows no skip: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure where everything must be present."""
    report = yield
    if REQUIRE_EXTERNAL and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"EXACTDROPOUT_REQUIRE_EXTERNAL=1 allows no skip: {report.longrepr}"
    return report
