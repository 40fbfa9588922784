"""docs/theorems.md lists every entry as it is registered; ``python tests/theorems/test_page.py`` writes its table."""

from __future__ import annotations

from pathlib import Path

from exactdropout import theorems

START, END = "<!-- entries -->\n", "<!-- end of the entries -->\n"
HEAD = "| entry | source | statement | verdict | scope |\n|---|---|---|---|---|\n"


def cell(text: str) -> str:
    """Return plain text for a cell of a table: nothing in it is markup."""
    return "".join("\\" + c if c in "|*_<>[]$`\\" else c for c in text)


def table() -> str:
    rows = (
        f"| `{t.id}` | {cell(t.number)} | {cell(t.statement)} | {t.verdict} | {cell(t.scope)} |\n"
        for t in theorems.catalogue()
    )
    return HEAD + "".join(rows)


def test_the_page_lists_every_entry(repository: Path) -> None:
    page = (repository / "docs" / "theorems.md").read_text("utf-8")
    assert page.count(START) == page.count(END) == 1
    assert page[page.index(START) + len(START) : page.index(END)] == table()


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[2] / "docs" / "theorems.md"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index(START) + len(START)] + table() + text[text.index(END) :], "utf-8")
