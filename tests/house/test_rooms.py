"""What import-linter does not say: which room may import which outside library, and that the checker stands alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import exactdropout

PACKAGE = Path(exactdropout.__file__).parent
OWNERS = {  # outside library -> rooms that may import it; a library that is not listed may be used nowhere
    "numpy": None,  # everywhere
    "flint": None,
    "hypothesis": {"testing"},
    "pytest": {"testing"},
    "numba": {"numeric", "optimum"},
    "llvmlite": {"numeric"},
    "scipy": {"numeric", "optimum", "symbolic", "theorems", "testing"},
    "daqp": {"optimum"},
    "mpmath": {"numeric", "optimum", "theorems", "symbolic", "claims", "cli"},
    "sympy": {"symbolic", "optimum", "certificate", "claims", "theorems", "report", "evaluation", "cli", "testing"},
    "rich": {"progress", "cli", "theorems", "report"},
    "matplotlib": {"cli", "report", "theorems"},
    "latex2mathml": {"report"},
    "lark": {"claims"},
    "torch": {"interop", "testing"},
    "keras": {"interop", "testing"},
    "jax": {"interop", "testing"},
    "flax": {"interop", "testing"},
    "equinox": {"interop", "testing"},
    "onnx": {"interop", "testing"},
    "onnxruntime": {"interop", "testing"},
    "safetensors": {"interop"},
    "h5py": {"interop"},
    "sklearn": {"interop"},
}


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("exactdropout" if node.level else str(node.module))
    return found


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def test_outside_libraries_stay_in_their_rooms() -> None:
    strangers = []
    for path in PACKAGE.rglob("*.py"):
        for module in imports(path):
            library = module.partition(".")[0]
            if library == "exactdropout" or library in sys.stdlib_module_names:
                continue
            rooms = OWNERS.get(library, set())
            if rooms is not None and room(path) not in rooms:
                strangers.append(f"{path.relative_to(PACKAGE)} imports {library}")
    assert strangers == []


def test_no_relative_imports() -> None:
    relative = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_checkers_import_the_standard_library_only() -> None:
    checkers = list((PACKAGE / "certificate").glob("checker*.py"))
    assert checkers
    for path in checkers:
        assert {m for m in imports(path) if m.partition(".")[0] not in sys.stdlib_module_names} == set()
        # python -O strips assert; a checker raises
        assert not [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Assert)]
