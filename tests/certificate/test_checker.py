"""The checker against corpora of certificates that must be verified, rejected and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from exactdropout.algebra.cones import cells
from exactdropout.certificate import checker, document, write_certificate
from exactdropout.certificate.shipped import SHIPPED, certificates_folder
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import separators, unit_cones

HERE = Path(__file__).parent


def corpus(name: str) -> list[Path]:
    files = sorted((HERE / name).glob("*.json"))
    assert len(files) >= 10
    return files


@pytest.mark.parametrize("path", corpus("correct"), ids=lambda p: p.stem)
def test_correct_certificates_are_verified(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main([str(path)]) == 0
    assert capsys.readouterr().out.startswith("VERIFIED")


@pytest.mark.parametrize("path", corpus("incorrect"), ids=lambda p: p.stem)
def test_incorrect_certificates_are_rejected(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(path.read_text("utf-8"))["comment"]  # each says what it attacks
    assert checker.main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("REJECTED")


@pytest.mark.parametrize("path", corpus("malformed"), ids=lambda p: p.stem)
def test_malformed_files_are_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main([str(path)]) == 2
    out = capsys.readouterr().out
    assert out.startswith("MALFORMED")
    assert out.count("\n") == 1


def test_checker_runs_alone_and_without_assertions(tmp_path: Path) -> None:
    alone = tmp_path / "checker.py"
    alone.write_text(Path(checker.__file__).read_text("utf-8"), "utf-8")
    files = [corpus("correct")[0], corpus("incorrect")[0], corpus("malformed")[0]]
    for count in (1, 2, 3):
        command = [sys.executable, "-I", "-O", str(alone), *map(str, files[:count])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
        assert done.returncode == count - 1
        assert done.stderr == ""
    assert subprocess.run([sys.executable, "-I", str(alone)], capture_output=True, check=False).returncode == 2
    assert (
        subprocess.run([sys.executable, "-I", str(alone), "absent"], capture_output=True, check=False).returncode == 2
    )


def test_cones_of_the_checker_are_those_of_the_solver() -> None:
    for inputs, biases, nonnegative in ((2, True, False), (3, True, True), (3, False, False)):
        arch = Architecture(inputs, (1,), biases=biases)
        data = Examples.uniform([((1,) * inputs, 1), (tuple(range(-1, inputs - 1)), "2/3")])
        claim = document(minimize(arch, data, "1/2", nonnegative=nonnegative, compare=False))["statement"]
        problem = reduced_problem(arch, data, "1/2", nonnegative=nonnegative)
        statement = checker.Statement(claim, checker.Work())
        assert statement.points == list(problem.points)
        assert checker.hyperplanes(statement) == (list(separators(problem)[0]), separators(problem)[1])
        theirs = {signs: set(rays) for signs, rays in checker.cones(statement)}
        assert theirs == {c.signs: set(c.rays) for c in unit_cones(problem, 10**6)}
        assert len(theirs) == len(cells(*separators(problem)))


def test_shipped_certificates_are_verified_and_say_what_their_names_say() -> None:
    folder = certificates_folder()
    assert {f"{item.name}.json" for item in SHIPPED} == {entry.name for entry in folder.iterdir()}
    values = {}
    for item in SHIPPED:
        statement = checker.check(folder.joinpath(f"{item.name}.json").read_text("utf-8"))
        shape = (statement.inputs, statement.width, statement.hidden_biases, statement.output_bias)
        assert shape == (item.inputs, item.width, item.biases, item.biases)
        assert statement.nonnegative is item.nonnegative
        ones = [Fraction(1)] * item.inputs
        half = Fraction(1, 2)
        point = [(ones, 1, 1)]
        both = [(ones, 1, half), ([Fraction(0)] * item.inputs, 0, half)]
        assert statement.examples == (both if item.biases else point)
        assert statement.q == [half, half]
        assert statement.lower == statement.upper
        values[item.name] = statement.upper
    assert values["point-K2-n3"] == values["point-K2-n3-nonnegative"] == Fraction(1, 2)
    assert values["point-K2-n4"] < values["point-K2-n4-nonnegative"]


def test_written_file_is_the_document(tmp_path: Path) -> None:
    best = minimize(Architecture(2, (3,)), Examples.half((1, 1), 1), "1/2", compare=False)
    write_certificate(best, tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text("utf-8")) == document(best)


@pytest.mark.parametrize("limit", [0, 10, 100, 1000])
def test_work_is_bounded(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_WORK", limit)
    with pytest.raises(checker.MalformedError, match="work"):
        checker.check((HERE / "correct" / "half-width-4.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_BYTES", 100), ("MAX_POINTS", 1), ("MAX_CONES", 3), ("MAX_NODES", 1), ("MAX_KAPPAS", 1)]
)
def test_sizes_are_bounded(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, name, value)
    with pytest.raises(checker.MalformedError):
        checker.check((HERE / "correct" / "half-width-4.json").read_text("utf-8"))
