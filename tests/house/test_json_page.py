"""Every key that a command prints with --json is described on the page about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import exactdropout as xd
from exactdropout.cli.main import main

COMMANDS = {
    "certify": ["certify", "--only", "half-K2-n1"],
    "check": ["check", "penalty = 1", "--architecture", "1-1, no biases"],
    "check-document": ["check", "paper.tex", "--architecture", "1-1, no biases"],
    "compare": ["compare", "net.json", "data.csv", "--q", "1/2", "--gradient", "--law", "1", "--per-example"],
    "compare, interval": [
        "compare",
        "net.json",
        "data.csv",
        "--q",
        "1/2",
        "--max-cost",
        "1e-4",
        "--method",
        "scaled",
        "--seconds",
        "0.2",
    ],
    "derive": ["derive", "--architecture", "1-1, no biases"],
    "estimate": ["estimate", "net.json", "data.csv", "--q", "1/2", "--per-example", "--gradient"],
    "evaluate": ["evaluate", "net.json", "data.csv", "--q", "1/2", "--per-example"],
    "law": ["law", "net.json", "--q", "1/2", "--x=1,-1"],
    "law, band": ["law", "net.json", "--q", "1/2", "--x=1,-1", "--band", "--width", "0.1", "--output", "all"],
    "minimize": ["minimize", "--architecture", "2-1-1 relu, no biases", "--data", "point(1, 1)", "--q", "1/2"],
    "phases": ["phases", "--architecture", "2-2-1 relu, no biases", "--data", "point(1, 1)"],
    "verify": ["verify", "--only", "figure-1"],
}


def keys(value: object) -> set[str]:
    """Return all keys, nested ones included, except those that are data."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    nested = (keys(v) for k, v in value.items() if k not in ("error_bounds", "standard_error", "quantiles", "values"))
    return set(value).union(*nested)


def section(page: str, name: str) -> str:
    match = re.search(rf"^## `{name}`, version (\d+)$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    assert match is not None, f"no section about {name}"
    assert match[1] == "1"
    return match[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_key_is_described(
    name: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    xd.Network([[[1, 1], [1, 1]], [1, 1]]).save("net.json")
    (tmp_path / "data.csv").write_text("1,-1,8\n")
    (tmp_path / "paper.tex").write_text("$$ J_D = R $$ $J_D = 0$")
    assert main([*COMMANDS[name], "--json"]) == (1 if name.startswith("check") else 0)
    content = json.loads(capsys.readouterr().out)
    name = name.partition(",")[0]
    assert content["schema"] == f"exactdropout/{name}"
    assert content["version"] == 1
    page = (repository / "docs" / "json.md").read_text("utf-8")
    head = page[: page.index("## ")]
    described = set(re.findall(r"`(\w+)`", head + section(page, name)))
    assert keys(content) - described == set()
