"""Exit with a message if a built page loads anything from outside: scripts, styles, images, fonts.

Links that a reader may follow are allowed.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

_OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_CSS = re.compile(r"(?:url\(\s*|@import\s+)['\"]?((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


class _Loaded(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = ("href",) if tag == "link" else () if tag == "a" else ("src", "srcset", "data", "poster", "href")
        self.addresses += [v for k, v in attrs if k in wanted and v and _OUTSIDE.match(v)]


def main(folder: str) -> None:
    """Read every page and style sheet below the folder."""
    pages = list(Path(folder).rglob("*.html"))
    found: list[str] = []
    for page in pages:
        parser = _Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.name}: {address}" for address in parser.addresses]
    for sheet in [*pages, *Path(folder).rglob("*.css")]:
        found += [f"{sheet.name}: {address}" for address in _CSS.findall(sheet.read_text(encoding="utf-8"))]
    if found or not pages:
        sys.exit("\n".join(["pages load from outside:", *found]) if pages else "no page was built")
    print(f"{len(pages)} pages load nothing from outside")


if __name__ == "__main__":
    main(sys.argv[1])
