"""Files are read in one sitting, typed, and free of what a committed file must not hold."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata, resources
from pathlib import Path

import exactdropout

MAX_LINES = 500
MAX_CHECKER_LINES = 700  # a checker is one file that a sceptic reads whole


def sources(repository: Path) -> list[Path]:
    folders = ("src", "tests", "docs", ".ci")
    return [p for f in folders for p in (repository / f).rglob("*.py") if "_build" not in p.parts]


def test_no_source_file_is_too_long(repository: Path) -> None:
    lengths = {str(p.relative_to(repository)): len(p.read_text("utf-8").splitlines()) for p in sources(repository)}
    assert len(lengths) > 10
    limits = {name: MAX_CHECKER_LINES if "checker" in Path(name).name else MAX_LINES for name in lengths}
    assert {name: n for name, n in lengths.items() if n > limits[name]} == {}


def test_package_is_marked_as_typed() -> None:
    assert resources.files(exactdropout).joinpath("py.typed").is_file()


def test_version_is_told_in_one_place() -> None:
    assert metadata.version("exactdropout") == exactdropout.__version__


def test_citation_and_changelog_know_the_version(repository: Path) -> None:
    assert f"version: {exactdropout.__version__}\n" in (repository / "CITATION.cff").read_text("utf-8")
    assert f"## {exactdropout.__version__}" in (repository / "docs" / "changelog.md").read_text("utf-8")


def test_no_file_names_a_machine_or_a_registry(repository: Path) -> None:
    # in parts, so that this file does not hold what it looks for
    machine, registry = "/(?:work|root|home)" + "/[a-z]", "(?:pypi|pythonhosted|npmjs)" + r"\.(?:org|com)"
    pattern = re.compile(f"(?<![A-Za-z0-9._-]){machine}|{registry}")
    texts = [*sources(repository), *repository.glob("*.md"), *repository.glob("*.toml"), repository / ".ci" / "run"]
    texts += [p for p in (repository / "docs").rglob("*.md") if "_build" not in p.parts]
    found = {str(p.relative_to(repository)): m[0] for p in texts if (m := pattern.search(p.read_text("utf-8")))}
    assert found == {}


def test_lower_bounds_file_agrees_with_the_declared_bounds(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["plot"], *extras["dask"], *extras["notebooks"], *extras["test"]]
    lowest = sorted(d.replace(">=", "==").partition(",")[0] for d in declared if not d.startswith("exactdropout["))
    recorded = (repository / "tests" / "lower-bounds.txt").read_text("utf-8").splitlines()
    assert [line for line in recorded if not line.startswith("#")] == lowest
