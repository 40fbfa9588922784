"""The public names are a promise: each change of them shows up as a changed line in public_names.txt.

Regenerate after a change that is meant: ``python tests/house/test_public_names.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import exactdropout

SNAPSHOT = Path(__file__).resolve().parents[1] / "public_names.txt"


def public_names() -> list[str]:
    """Return ``module.name`` for the package itself and each of its rooms (one level deep)."""
    rooms = [m.name for m in pkgutil.iter_modules(exactdropout.__path__) if not m.name.startswith("_")]
    modules = [exactdropout, *(importlib.import_module(f"exactdropout.{room}") for room in sorted(rooms))]
    return [f"{module.__name__}.{name}" for module in modules for name in sorted(getattr(module, "__all__", ()))]


def test_public_names_are_as_recorded() -> None:
    assert public_names() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_every_public_name_exists() -> None:
    for name in public_names():
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
