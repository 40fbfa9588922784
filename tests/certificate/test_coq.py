"""The generated Coq files: Coq accepts them, and refuses a false variant."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exactdropout.certificate.coq import COQ_SHIPPED, coq_file, coq_name
from exactdropout.certificate.shipped import SHIPPED
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import reduced_problem


def compile_coq(coqc: str, folder: Path, name: str) -> int:
    done = subprocess.run([coqc, "-q", f"{name}.v"], cwd=folder, capture_output=True, check=False, timeout=300)
    return done.returncode


def test_every_shipped_certificate_but_one_has_its_file(repository: Path) -> None:
    files = {p.stem for p in (repository / "proofs" / "coq").glob("*.v")}
    assert files == {coq_name(item) for item in COQ_SHIPPED} | {"Minimum"}
    assert {item.name for item in set(SHIPPED) - set(COQ_SHIPPED)} == {"point-K4-n4"}


def test_coq_accepts_true_files_and_refuses_false_ones(
    external: Callable[[str], str], repository: Path, tmp_path: Path
) -> None:
    coqc = external("coqc")
    shutil.copy(repository / "proofs" / "coq" / "Minimum.v", tmp_path)
    assert compile_coq(coqc, tmp_path, "Minimum") == 0
    for name, arch, data, nonnegative in (
        ("tie", Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), False),
        ("bias", Architecture(2, (4,)), Examples.half((1, 1), 1), False),
        ("data", Architecture(2, (2,), output_bias=False), Examples.uniform([((1, 2), 3), ((2, "-1/2"), 1)]), False),
        ("positive", Architecture(2, (2,)), Examples.half((1, 1), 1), True),
    ):
        best = solve_problem(reduced_problem(arch, data, ("1/3", "1/2"), nonnegative=nonnegative), symmetric=False)
        text = coq_file(best)
        (tmp_path / f"{name}.v").write_text(text, "utf-8")
        assert compile_coq(coqc, tmp_path, name) == 0
        lower = text.split("(IZR (")[1].split(")")[0]
        higher = text.replace(f"({lower})", f"({int(lower) + 1})")
        assert higher != text
        (tmp_path / f"{name}_false.v").write_text(higher, "utf-8")
        assert compile_coq(coqc, tmp_path, f"{name}_false") != 0


def test_proofs_by_symmetry_are_refused() -> None:
    best = minimize(Architecture(3, (3,), biases=False), Examples.point((1, 1, 1), 1), "1/2", compare=False)
    with pytest.raises(InvalidInput, match="symmetries"):
        coq_file(best)
