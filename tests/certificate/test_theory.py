"""The theory in Coq: what is committed beside it, and what its check refuses; the thorough profile runs all of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REALS = {"ClassicalDedekindReals.sig_forall_dec", "FunctionalExtensionality.functional_extensionality_dep"}


def run(proofs: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(proofs / "check"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)


def test_every_statement_is_proved_by_name_and_rests_on_the_reals(repository: Path) -> None:
    theory = repository / "proofs" / "theory"
    stated = re.findall(r"^Definition (\w+) : Prop :=", (theory / "Statements.v").read_text("utf-8"), re.M)
    proved = re.findall(r"^Theorem (\w+) : Statements\.\1\.", (theory / "Proofs.v").read_text("utf-8"), re.M)
    rests_on = dict(line.split(": ") for line in (theory / "assumptions.txt").read_text("utf-8").splitlines())
    assert len(stated) >= 35
    assert stated == proved
    assert list(rests_on) == [*stated, "certificate_sound", "every_width_sound", "check_minimisers_sound"]
    for name, axioms in rests_on.items():
        roots = {"ClassicalDedekindReals.sig_not_dec"} if name == "theorem_7" else set()
        assert set(axioms.split(", ")) == REALS | roots


def test_the_readme_names_every_statement(repository: Path) -> None:
    page = (repository / "proofs" / "README.md").read_text("utf-8")
    for name in re.findall(
        r"^Definition (\w+) : Prop", (repository / "proofs/theory/Statements.v").read_text("utf-8"), re.M
    ):
        short = re.sub(r"^theorem_18(_[bc])$", r"\1", name)
        assert f"`{short}`" in page


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("Proofs", "Proof. exact Figure_1.figure_1_paper. Qed.", "Admitted.", "it says Admitted"),
        ("Definitions", "Definition relu", "Axiom cheat : False.\nDefinition relu", "it says Axiom"),
        ("Tables", "", "Definition one : nat := 1.", "_CoqProject does not list every file"),
        ("Definitions", "Rmax 0 t", "(* comment *) Parameter", "it says Parameter"),
    ],
)
def test_what_would_be_believed_is_refused(
    external: Callable[[str], str], repository: Path, tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    external("coqc")
    shutil.copytree(repository / "proofs", tmp_path / "proofs", ignore=shutil.ignore_patterns("certificates", "coq"))
    path = tmp_path / "proofs" / "theory" / f"{file}.v"
    text = path.read_text("utf-8") if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    done = run(tmp_path / "proofs")
    assert done.returncode == 1
    assert words in done.stderr


@pytest.mark.thorough
def test_the_whole_theory_is_accepted(external: Callable[[str], str], repository: Path) -> None:
    external("coqc")
    done = run(repository / "proofs", "--kernel")
    assert done.returncode == 0, done.stderr
    assert "accepted by coqchk" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("they rest on what theory/assumptions.txt says")
