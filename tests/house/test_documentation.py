"""What the documentation must not forget, and the tools that build it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import exactdropout

DESCRIBED_BY_ITS_HELP = {"__main__", "cli"}


@pytest.fixture
def docs(repository: Path) -> Path:
    return repository / "docs"


def outside_addresses(docs: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(docs / "_ext" / "outside_addresses.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_room_has_a_reference_page(docs: Path) -> None:
    rooms = {m.name for m in pkgutil.iter_modules(exactdropout.__path__) if not m.name.startswith("_")}
    rooms -= DESCRIBED_BY_ITS_HELP
    reference = "\n".join(p.read_text("utf-8") for p in (docs / "api").glob("*.md"))
    assert {room for room in rooms if f"automodule:: exactdropout.{room}" not in reference} == set()


def test_every_name_of_the_face_is_in_its_table(docs: Path) -> None:
    table = (docs / "api" / "exactdropout.md").read_text("utf-8")
    names = set(exactdropout.__all__) - {"__version__"}
    assert {name for name in names if f"`{name} <exactdropout." not in table} == set()


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        '<img srcset="https://example.org/x.png 2x">',
        "<style>@import 'https://example.org/x.css';</style>",
        '<p style="background: url(https://example.org/x.png)">',
    ],
)
def test_pages_that_load_from_outside_are_found(docs: Path, tmp_path: Path, page: str) -> None:
    (tmp_path / "page.html").write_text(page)
    done = outside_addresses(docs, tmp_path)
    assert done.returncode == 1
    assert "example.org" in done.stderr


def test_links_and_own_files_are_no_outside_addresses(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<a href="https://example.org">paper</a><script src="_static/x.js"></script>')
    (tmp_path / "page.css").write_text("p { background: url(own.png) }")
    assert outside_addresses(docs, tmp_path).returncode == 0
