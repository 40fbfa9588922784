"""What README.md and the first guide page show is what the package prints."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from exactdropout.cli.main import main

TUTORIALS = ("theorist", "author", "engineer", "teacher")
PAGES = ("README.md", "docs/getting-started.md", "docs/latex.md", *(f"docs/tutorials/{name}.md" for name in TUTORIALS))
INSTALLATION = ("pip", "python", "pytest", ".")  # what .ci/run does; everything else is run here
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BOUND = re.compile(r"\b\d\.\de-\d+\b")  # last digits and bounds may differ between processors
LONG = re.compile(r"\b\d+\.\d{9,}")
SECONDS = re.compile(r"(?<![\w.])\d+\.\d+(?= s$|$)")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, repository: Path) -> str:
    return (repository / request.param).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page) if found == language]


def lines(output: str) -> list[str]:
    """Return the lines that are not blank, without spacing; seconds and bounds replaced, floats to 12 digits."""
    found = []
    for line in output.splitlines():
        rounded = LONG.sub(lambda number: f"{float(number[0]):.12g}", line)
        found.append(" ".join(SECONDS.sub("#", BOUND.sub("#", rounded).rstrip()).split()))
    return [line for line in found if line]


def test_python_blocks(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # pages may write files, which their commands then read
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    source = "\n".join(blocks(page, "python"))
    test = doctest.DocTestParser().get_doctest(source, {}, "page", None, 0)
    assert len(test.examples) >= 3
    report: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    assert report == []


def commands(block: str) -> list[tuple[list[str], str]]:
    """Return the commands of a console block, each with the output printed under it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(shlex.split(first), output) for first, _, output in (part.partition("\n") for part in parts)]


def test_console_blocks(
    page: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran, shown = 0, blocks(page, "console")
    for text in blocks(page, "markdown"):  # the file that the next command reads
        (tmp_path / "note.md").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    monkeypatch.setenv("COLUMNS", "118")
    for block in shown:
        for words, expected in commands(block):
            if words[0] == "python" and words[1].endswith(".py"):
                script = [sys.executable, str(repository / words[1]), *words[2:]]
                done = subprocess.run(script, capture_output=True, text=True, encoding="utf-8", check=False)
                status, output, errors = done.returncode, done.stdout, done.stderr
            elif words[0] in INSTALLATION:
                continue
            else:
                assert words[0] == "exactdropout"
                status = main(words[1:])
                output, errors = capsys.readouterr()
            assert status == (1 if re.search("^refuted:|REFUTED", expected) else 0), errors
            ran += 1
            if lines(expected):
                assert lines(output) == lines(expected)
    assert ran >= 1 or not shown


def test_the_two_commands_stand_in_the_readme(repository: Path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    assert "pip install . && exactdropout verify" in text
    assert "pip install -e '.[test]' && pytest" in text


def test_links_lead_to_files(repository: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (repository / "README.md").read_text("utf-8"))
    assert links
    assert [link for link in links if not (repository / link).exists()] == []
