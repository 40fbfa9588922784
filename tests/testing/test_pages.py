"""Every block of Python on the pages of the oracle runs, and what the page shows of its output is what comes."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exactdropout.errors import DropoutFault

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("oracle.md", "interop.md", "strategies.md")
FRAMEWORKS = ("torch", "keras", "flax", "equinox", "onnx", "safetensors")
SLOW = ("import keras", "import equinox", "from flax", "attention_weights", "evaluate")


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Yield the Python blocks of a page with the block of text that follows at most four lines later."""
    code, shown, language, since = "", "", "", 0
    for line in text.splitlines(keepends=True):
        if line.startswith("```"):
            opened = line.strip("`\n")
            if opened == "python":
                if code:
                    yield code, shown
                code, shown = "", ""
            language, since = (opened, 0) if not language else ("", 0)
            continue
        since += 1
        if language == "python":
            code += line
        elif language == "text" and code:
            shown += line
        elif not language and since > 4 and code:
            yield code, shown
            code, shown = "", ""
    if code:
        yield code, shown


def blocks() -> Iterator[Any]:
    for page in PAGES:
        before: list[str] = []
        text = (DOCS / page).read_text("utf-8")
        for number, (code, shown) in enumerate(fences(text)):
            before = [] if "import" in code else before  # a block without imports goes on with the one before
            marks = [pytest.mark.thorough] if any(word in code for word in SLOW) else []
            yield pytest.param(page, code, shown, tuple(before), id=f"{page}-{number}", marks=marks)
            before = [*before, code]


def shape_of(text: str) -> list[str]:
    """Return the lines without numbers, which depend on the version of a framework."""
    return [re.sub(r"[\d.,e]*\d[\d.,e]*", "#", line).rstrip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("page", "code", "shown", "before"), list(blocks()))
def test_a_block_runs_and_shows_what_the_page_shows(
    page: str, code: str, shown: str, before: tuple[str, ...], external: Callable[[str], str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for framework in FRAMEWORKS:
        if re.search(rf"(import|from) {framework}\b", "\n".join([*before, code])):
            external(framework)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for earlier in before:
        with contextlib.suppress(DropoutFault):
            exec(compile(earlier, f"docs/{page}", "exec"), names)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(code, f"docs/{page}", "exec"), names)
    except DropoutFault as fault:
        if not shown:
            raise  # a page shows what fails
        said.write(str(fault))
    if shown:
        assert shape_of(said.getvalue())[: len(shape_of(shown))] == shape_of(shown)


def test_the_pages_have_blocks() -> None:
    assert sum(1 for _ in blocks()) >= 10
