"""What the formulas of a document are about: given with the call, changed by comment lines from their place on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from exactdropout.claims.documents.source import SettingLine
from exactdropout.claims.setting.shape import author_sizes
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["KEYS", "DocumentSetting", "setting_at"]

KEYS = ("architecture", "data", "q", "assume", "name")
_EXAMPLE = "exactdropout architecture: K-1, no biases; assume: w >= 0; name: q=p"


@dataclass(frozen=True)
class DocumentSetting:
    """Architecture, data, rates, assumptions and names, as :func:`exactdropout.claims.check` takes them."""

    architecture: Any = None
    data: Any = None
    q: Any = None
    assume: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def spoken(self) -> Mapping[str, str]:
        """Return the names of the text: those given, and what its architecture calls K and n."""
        return {**author_sizes(self.architecture), **self.names}

    def __str__(self) -> str:
        """Return the setting as a line of words."""
        data = "point(x, y)" if self.data is None else self.data
        parts = [
            f"architecture {self.architecture}",
            f"data {data}",
            "0 <= q < 1" if self.q is None else f"q = {self.q}",
        ]
        parts += [f"assuming {text}" for text in self.assume]
        return "; ".join([*parts, *(f"{name} written {own}" for name, own in self.names.items())])


def setting_at(start: DocumentSetting, lines: Iterable[SettingLine], position: int, line_of: Any) -> DocumentSetting:
    """Return the setting at a position of the document.

    Raises:
        InvalidInput: a comment line that does not fit, with its line.
    """
    found = start
    for line in lines:
        if line.position < position:
            found = _changed(found, line, line_of(line.position))
    return found


def _changed(setting: DocumentSetting, line: SettingLine, number: int) -> DocumentSetting:
    for part in line.text.split(";"):
        if not part.strip():
            continue
        key, colon, value = (piece.strip() for piece in part.partition(":"))
        if not colon or key not in KEYS or not value or len(value) > 1000:
            raise InvalidInput(
                f"Argument 'text' has in line {number} a setting that is not read, {show(part.strip())}; it is written "
                f"as in '{_EXAMPLE}', with the words {', '.join(KEYS)}."
            )
        if key == "assume":
            assumed = () if value == "none" else (*setting.assume, value)
            setting = replace(setting, assume=assumed)
        elif key == "name":
            pairs = [re.fullmatch(r"\s*([A-Za-z]+)\s*=\s*([A-Za-z]+)\s*", one) for one in value.split(",")]
            renamed = {pair[1]: pair[2] for pair in pairs if pair is not None}
            if value != "none" and len(renamed) < len(pairs):
                raise InvalidInput(
                    f"Argument 'text' has in line {number} a name that is not read, {show(value)}; write the symbol "
                    "and your name for it, as in 'name: w=a, relu=sigma', or 'name: none' to forget the names."
                )
            setting = replace(setting, names={} if value == "none" else {**setting.names, **renamed})
        else:
            given: dict[str, Any] = {key: value}
            setting = replace(setting, **given)
    return setting
