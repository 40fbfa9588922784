"""Profiles of Hypothesis, the marker ``thorough``, and programs that tests need from outside.

Environment:

- ``EXACTDROPOUT_PROFILE=thorough`` runs the long profile and the tests marked ``thorough``;
- ``EXACTDROPOUT_REQUIRE_EXTERNAL=1`` makes every skipped test a failure: a machine that is meant to have
  everything must not pass by skipping;
- ``EXACTDROPOUT_PASSED_TO=FILE`` writes the names of the tests that passed;
- ``EXACTDROPOUT_PASSED_IN=FILE`` leaves those out that passed there and that the profile does not change, so that
  the thorough profile after a quick one runs what it adds: what is marked ``thorough``, the tests of Hypothesis that
  draw more examples than in the quick one, those that read the profile, and what was skipped or failed before.
"""

from __future__ import annotations

import ast
import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# images of containers often forbid bytecode; each process that a test starts would then compile the package anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_SLOW_MACHINES = (HealthCheck.too_slow, HealthCheck.data_too_large)
QUICK_CASES = 12
"""The most that the quick profile draws for a test without the marker ``quick_cases``; the thorough one draws 200, or
what the test asks for itself."""
# derandomize: the same cases on every machine and in every run; no example database is written into a clone
settings.register_profile(
    "quick",
    max_examples=QUICK_CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW_MACHINES,
)
settings.register_profile(
    "thorough",
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW_MACHINES,
    print_blob=True,
)

PROFILE = os.environ.get("EXACTDROPOUT_PROFILE", "quick")
settings.load_profile(PROFILE)

REQUIRE_EXTERNAL = os.environ.get("EXACTDROPOUT_REQUIRE_EXTERNAL", "") not in ("", "0")

PASSED_TO, PASSED_IN = (os.environ.get(f"EXACTDROPOUT_PASSED_{way}", "") for way in ("TO", "IN"))
PASSED: set[str] = set()
FAILED: set[str] = set()

PROGRAMS = {
    "pdflatex": "apt install texlive-latex-base texlive-latex-recommended texlive-pictures",
    "latexmk": "apt install latexmk",
    "pdftotext": "apt install poppler-utils",
    "pdftoppm": "apt install poppler-utils",
    "pdffonts": "apt install poppler-utils",
    "pdfinfo": "apt install poppler-utils",
    "chromium": "apt install chromium",
    "coqc": "apt install coq",
    "cc": "apt install gcc libc6-dev",
    "git": "apt install git",
    "bash": "apt install bash",
    "zsh": "apt install zsh",
    "fish": "apt install fish",
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


@pytest.fixture(scope="session")
def check_once() -> Callable[[Any, str], Any]:
    """Return a function that checks the text of a shipped certificate, each once in a test run."""
    from exactdropout.certificate.shipped import Shipped

    kept: dict[tuple[str, str], Any] = {}
    original = Shipped.check  # a test may put this function in its place

    def check(item: Any, text: str) -> Any:
        if (item.name, text) not in kept:
            kept[item.name, text] = original(item, text)
        return kept[item.name, text]

    return check


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked ``thorough`` in the quick profile, and what passed before where a file says so."""
    passed = frozenset(Path(PASSED_IN).read_text("utf-8").splitlines()) if PASSED_IN else frozenset()
    left_out = [
        item for item in items if (item.nodeid in passed and not _changes_with_profile(item)) or _too_long(item)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    if PROFILE == "quick":
        for item in items:
            _draw_fewer(item)
    # what was imported stays: no collection of cyclic garbage has to look through it again
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    # the long ones first: of several processes none is left with them at the end
    items.sort(key=lambda item: item.get_closest_marker("thorough") is None)


def _too_long(item: pytest.Item) -> bool:
    return PROFILE != "thorough" and item.get_closest_marker("thorough") is not None


def _quick_cases(item: pytest.Item) -> int:
    """Return how many examples of Hypothesis the quick profile draws for a test at most."""
    marker = item.get_closest_marker("quick_cases")
    return int(marker.args[0]) if marker is not None else QUICK_CASES


def _draw_fewer(item: pytest.Item) -> None:
    """Let a test of Hypothesis that asks for a number of examples draw at most those of the quick profile."""
    test, most = getattr(item, "obj", None), _quick_cases(item)
    own = getattr(test, "_hypothesis_internal_use_settings", None)
    if test is not None and own is not None and own.max_examples > most:
        test._hypothesis_internal_use_settings = settings(own, max_examples=most)


def _changes_with_profile(item: pytest.Item) -> bool:
    """Return whether a test does more in the thorough profile: it draws as many cases as that says, or reads it."""
    if item.get_closest_marker("thorough") is not None:
        return True
    test = getattr(item, "obj", None)
    if getattr(test, "is_hypothesis_test", False):
        own = getattr(test, "_hypothesis_internal_use_settings", settings.default)
        if own.max_examples > _quick_cases(item):
            return True  # cases are not drawn at random: with as many as in the quick profile it repeats them
    readers = _readers_of_profile(item.path)
    return readers is None or getattr(item, "originalname", item.name) in readers


@cache
def _readers_of_profile(path: Path) -> frozenset[str] | None:
    """Return the tests of a file that depend on the profile by what they name; None where others than tests do."""
    body = ast.parse(path.read_text("utf-8")).body
    constants = [n for n in body if isinstance(n, ast.Assign) and _names(n, {"EXACTDROPOUT_PROFILE"})]
    names = {t.id for n in constants for t in n.targets if isinstance(t, ast.Name)} | {"EXACTDROPOUT_PROFILE"}
    found = set()
    for node in body:
        test = isinstance(node, ast.FunctionDef) and node.name.startswith("test")
        drawn_within = test and any(_names(part, {"given"}) for part in node.body)
        if node not in constants and (drawn_within or _names(node, names)):
            if not test:
                return None
            found.add(node.name)
    return frozenset(found)


def _names(node: ast.AST, wanted: set[str]) -> bool:
    """Return whether a piece of code uses or quotes one of these names."""
    return any(
        (isinstance(n, ast.Name) and n.id in wanted) or (isinstance(n, ast.Constant) and n.value in wanted)
        for n in ast.walk(node)
    )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what passed, setup and teardown included."""
    (FAILED if report.outcome != "passed" else PASSED).add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what passed, where that is asked for; with several processes, the first of them does."""
    if PASSED_TO and not hasattr(session.config, "workerinput"):
        Path(PASSED_TO).write_text("".join(f"{name}\n" for name in sorted(PASSED - FAILED)), "utf-8")


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
