"""The scripts that complete the command line, in each shell itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exactdropout.cli.main import main

External = Callable[[str], str]


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def run(*command: str, cwd: Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd, timeout=60).stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (["ev"], {"evaluate"}),
        (["derive", "--quan"], {"--quantity"}),
        (["derive", "--quantity", "p"], {"penalty"}),
        (["evaluate", "net"], {"net.json"}),
        (["evaluate", "net.json", "data.csv", "--plot", "n"], {"net.json"}),
        (["evaluate", "da"], {"data 2.csv"}),
        (["evaluate", "--max"], {"--max-cost"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
    ],
)
def test_bash(
    external: External, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: list[str], offered: set[str]
) -> None:
    for name in ("net.json", "data 2.csv"):
        (tmp_path / name).touch()
    words = " ".join(f"'{word}'" for word in ["exactdropout", *line])
    code = f'COMP_WORDS=({words}); COMP_CWORD={len(line)}; _exactdropout; printf "%s\\n" "${{COMPREPLY[@]}}"'
    found = run(external("bash"), "-c", script("bash", capsys) + code, cwd=tmp_path)
    assert set(found.splitlines()) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("exactdropout ev", {"evaluate"}), ("exactdropout derive --quan", {"--quantity"}),
        ("exactdropout derive --quantity p", {"penalty"}), ("exactdropout evaluate net", {"net.json"}),
        ("exactdropout completion ", {"bash", "zsh", "fish"}),
    ],
)  # fmt: skip
def test_fish(
    external: External, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str, offered: set[str]
) -> None:
    (tmp_path / "net.json").touch()
    code = script("fish", capsys) + f"complete -C '{line}'\n"
    found = run(external("fish"), "--no-config", "-c", code, cwd=tmp_path)
    assert {text.partition("\t")[0] for text in found.splitlines()} == offered


def test_zsh(external: External, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The script is read, and its function calls what zsh has for options with each command's own."""
    code = (
        "compdef() { print -r -- compdef $@ }\n_describe() { print -rl -- ${(P)2} }\n_arguments() { print -rl -- $@ }\n"
        + script("zsh", capsys)
        + "words=(exactdropout d); CURRENT=2; _exactdropout\n"
        + "words=(exactdropout derive --q); CURRENT=3; _exactdropout\n"
    )
    found = run(external("zsh"), "-f", "-c", code, cwd=tmp_path).splitlines()
    assert found[0] == "compdef _exactdropout exactdropout"
    assert any(line.startswith("evaluate:") for line in found)
    quantity = next(line for line in found if line.startswith("*--quantity["))
    assert quantity.endswith(":value:(criterion risk penalty mean variance)")
    assert "*:file:_files" in found


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "powershell"])
    assert "choose from 'bash', 'zsh', 'fish'" in capsys.readouterr().err
