"""The notebooks of the documentation run, and show what is committed."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

NAMES = ("checking-a-derivation", "from-formula-to-test", "where-the-penalty-is-negative")


@pytest.fixture(scope="module")
def runner(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", repository / "docs" / "notebooks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_is_complete(runner: ModuleType) -> None:
    assert tuple(sorted(path.stem for path in runner.FOLDER.glob("*.ipynb"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_committed(runner: ModuleType, name: str, external) -> None:
    external("nbclient")
    external("ipykernel")
    import nbformat

    path = runner.FOLDER / f"{name}.ipynb"
    committed = nbformat.read(path, as_version=4)
    assert runner.outputs(runner.executed(path)) == runner.outputs(committed)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_machine_is_committed(runner: ModuleType, name: str) -> None:
    text = (runner.FOLDER / f"{name}.ipynb").read_text("utf-8")
    machine = "/(?:work|root|home|tmp|Users)" + "/"  # in parts: this file holds no such path
    assert re.search(machine, text) is None
    assert "execution_time" not in text
    assert '"ename"' not in text
    assert '"stderr"' not in text


def test_each_has_text_code_and_outputs(runner: ModuleType) -> None:
    for name in NAMES:
        cells = json.loads((runner.FOLDER / f"{name}.ipynb").read_text("utf-8"))["cells"]
        assert "".join(cells[0]["source"]).startswith("# ")
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert sum(bool(cell["outputs"]) for cell in code) >= 5
        assert all(cell["execution_count"] for cell in code)
