"""What import-linter does not say: which room may import which outside library, and that the checker stands alone."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import exactdropout

PACKAGE = Path(exactdropout.__file__).parent
OWNERS = {  # outside library -> rooms that may import it; a library that is not listed may be used nowhere
    "numpy": None,  # everywhere
    "flint": None,
    "hypothesis": {"testing"},
    "pytest": {"testing"},
    "numba": {"numeric", "optimum", "estimation"},
    "llvmlite": {"numeric"},
    "scipy": {"numeric", "comparison", "optimum", "symbolic", "theorems", "testing"},
    "daqp": {"optimum"},
    "mpmath": {"numeric", "optimum", "theorems", "symbolic", "claims", "cli"},
    "sympy": {"symbolic", "optimum", "certificate", "claims", "theorems", "report", "evaluation", "cli", "testing"},
    "rich": {"progress", "cli", "theorems", "report", "estimation"},
    "matplotlib": {"notation", "optimum", "report", "theorems"},
    "latex2mathml": {"notation", "report"},
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


Statement = ast.Import | ast.ImportFrom | ast.Assert


@cache
def statements(path: Path) -> tuple[Statement, ...]:
    """Return the imports and assertions of a file, wherever in it they stand; each file is read once in a test run."""
    return tuple(node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, Statement))


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in statements(path):
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
        for node in statements(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_checkers_import_the_standard_library_only() -> None:
    checkers = list((PACKAGE / "certificate").glob("checker*.py"))
    assert checkers
    for path in checkers:
        assert {m for m in imports(path) if m.partition(".")[0] not in sys.stdlib_module_names} == set()
        # python -O strips assert; a checker raises
        assert not [node for node in statements(path) if isinstance(node, ast.Assert)]


def edges() -> dict[str, set[str]]:
    """Return which modules of the package each one imports: anywhere in it, lazily and for annotations too."""
    names = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        targets = set()
        for node in statements(path):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("exactdropout"):
                inside = {f"{node.module}.{alias.name}" for alias in node.names} & set(names)
                targets |= inside or {node.module}
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names} & set(names)
        found[name] = targets - {name}
    return found


def module_name(path: Path) -> str:
    parts = ("exactdropout", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of more than one module that all reach each other."""
    reached = {name: set(targets) & set(graph) for name, targets in graph.items()}
    changed = True
    while changed:
        changed = False
        for name, targets in reached.items():
            wider = targets.union(*(reached[t] for t in targets)) if targets else targets
            if len(wider) > len(targets):
                reached[name], changed = wider, True
    groups = [frozenset({name} | {t for t in reached[name] if name in reached[t]}) for name in reached]
    return [set(group) for group in set(groups) if len(group) > 1]


def test_no_files_import_each_other_in_a_circle() -> None:
    # a room's own door names what is inside, and a file inside may ask the door of another room
    doors = {module_name(path) for path in PACKAGE.rglob("__init__.py")}
    graph = {name: targets for name, targets in edges().items() if name not in doors}
    assert len(graph) > 100
    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [{"b", "c"}]
