"""What the documentation must not forget, and the tools that build it."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import exactdropout

DESCRIBED_BY_ITS_HELP = {"__main__", "cli"}


@pytest.fixture
def docs(repository: Path) -> Path:
    return repository / "docs"


def test_every_name_of_the_face_has_its_reference(docs: Path) -> None:
    table = (docs / "api" / "exactdropout.md").read_text("utf-8")
    pages = "\n".join(p.read_text("utf-8") for p in (docs / "api").glob("*.md"))
    shown = set(re.findall(r"automodule:: (\S+)", pages))
    targets = re.findall(r"{py:(\w+)}`\w+ <([\w.]+)>`", table)
    assert len(targets) > 30
    homes = {target if kind == "mod" else target.rpartition(".")[0] for kind, target in targets}
    assert homes - shown == set()


def test_the_page_of_the_command_line_names_every_command_where_nothing_is_built_too(docs: Path) -> None:
    """A directive shows nothing to those who read a clone: the table does, in the words of the help."""
    from exactdropout.cli.main import parser

    page = (docs / "command-line.md").read_text("utf-8")
    (commands,) = (a for a in parser()._actions if hasattr(a, "choices") and isinstance(a.choices, dict))
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| ", page, re.MULTILINE))
    assert list(rows) == list(commands.choices)
    helps = {a.dest: a.help for a in commands._choices_actions}
    assert {name: rows[name] for name in rows if name != "check"} == {n: helps[n] for n in rows if n != "check"}


def test_no_directive_of_a_page_is_empty_where_it_is_not_built(docs: Path) -> None:
    empty = {
        str(path.relative_to(docs))
        for path in docs.rglob("*.md")
        for block in re.findall(r"^```\{[\w-]+\}[^\n]*\n```$", path.read_text("utf-8"), re.MULTILINE)
        if "literalinclude" not in block
    }
    assert empty == set()


def gallery(docs: Path) -> ModuleType:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("gallery", docs / "figures" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gallery_shows_every_figure_and_names_its_command(docs: Path) -> None:
    page = (docs / "gallery.md").read_text("utf-8")
    pictures = sorted(p.name for p in (docs / "figures").glob("*.svg"))
    assert [name for name in pictures if f"(figures/{name})" not in page] == []
    assert len(pictures) >= 12
    names = list(gallery(docs).FIGURES)
    assert [name for name in names if f"gallery.py {name}`" not in page] == []
    assert {f"gallery-{name}.svg" for name in names} == {name for name in pictures if name.startswith("gallery-")}


@pytest.mark.parametrize("name", ["stretches", "laws", "regions", "depth"])
def test_figures_of_the_gallery_are_what_the_package_draws_now(docs: Path, name: str) -> None:
    from matplotlib import pyplot, use

    use("Agg")
    figure = gallery(docs).FIGURES[name]()
    shown = (docs / "figures" / f"gallery-{name}.svg").read_text("utf-8")
    words = [text.get_text() for axes in figure.axes for text in (axes.title, axes._right_title, axes.xaxis.label)]
    pyplot.close(figure)
    assert any(words)
    # Matplotlib writes each text into the file as a comment
    assert [word for word in words if word and f"<!-- {word} -->" not in shown] == []


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


def test_signatures_that_python_cannot_read_back_are_made_readable(docs: Path) -> None:
    """Sphinx sets what it cannot parse as it comes, with a tilde before every name; five classes had such a one."""
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("plain_docstrings", docs / "_ext" / "plain_docstrings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def shown(signature: str) -> object:
        return module.short_signature(None, "class", "", None, None, signature, None)

    assert shown("(*, truth: ~a.b.Truth, left: ~collections.abc.Mapping[str, str] = <factory>)") == (
        "(*, truth: Truth, left: Mapping[str, str] = ...)", None
    )  # fmt: skip
    assert shown("(kind: str = <Kind.A: 1>, n: int = <object object at 0x7f>)") == (
        "(kind: str = ..., n: int = ...)",
        None,
    )
    assert shown("(x: int = 1, less: bool = (1 < 2) > 0)") is None
