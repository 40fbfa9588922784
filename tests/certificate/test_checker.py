"""The checker against corpora of certificates that must be verified, rejected and refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exactdropout.algebra.cones import cells
from exactdropout.certificate import checker, document, write_certificate, writer
from exactdropout.certificate.shipped import EVERY_WIDTH, FILES, SHIPPED, Shipped, certificates_folder
from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.result import Leaf, Split, Tree
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


def test_shipped_certificates_are_verified_and_say_what_their_names_say(check_once: Any) -> None:
    folder = certificates_folder()
    assert {f"{item.name}.json" for item in FILES} == {entry.name for entry in folder.iterdir()}
    values = {}
    for item in SHIPPED:
        statement = check_once(item, folder.joinpath(f"{item.name}.json").read_text("utf-8"))
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


def test_shipped_bounds_for_every_width_are_the_closed_forms(check_once: Any) -> None:
    """On P_(1,1) with biases q^K/(2(1 + q^K)), non-negative q/(2(Kp + 2q)); on the point mass q^K and q/(Kp + q)."""
    for item in EVERY_WIDTH:
        k, q = item.inputs, Fraction(1, 2)
        if item.biases:
            bound = q / (2 * (k * (1 - q) + 2 * q)) if item.nonnegative else q**k / (2 * (1 + q**k))
        else:
            bound = q / (k * (1 - q) + q) if item.nonnegative else q**k
        statement = check_once(item, item.read())
        assert (statement.lower, statement.every_width, statement.nonnegative) == (bound, True, item.nonnegative)
        assert bound < statement.upper
        exact = Shipped(inputs=k, width=k, biases=item.biases, nonnegative=item.nonnegative)
        assert statement.upper == check_once(exact, exact.read()).upper


def test_a_bound_for_every_width_is_no_minimum_and_the_other_way_round() -> None:
    wide, exact = EVERY_WIDTH[0], SHIPPED[2]
    assert (wide.name, exact.name) == ("half-K2-any", "half-K2-n2")
    for item, other in ((wide, exact), (exact, wide)):
        with pytest.raises((checker.RejectedError, checker.MalformedError)):
            item.check(other.read())


def test_written_file_is_the_document(tmp_path: Path) -> None:
    best = minimize(Architecture(2, (3,)), Examples.half((1, 1), 1), "1/2", compare=False)
    write_certificate(best, tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text("utf-8")) == document(best, minimisers=True)


def run_alone(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    (folder / "checker.py").write_text(Path(checker.__file__).read_text("utf-8"), "utf-8")
    command = [sys.executable, str(folder / "checker.py"), *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, cwd=folder, **options)


def test_modules_beside_the_checker_are_not_imported(tmp_path: Path) -> None:
    for name in ("fractions", "json", "math", "hashlib", "os", "collections", "contextlib"):
        (tmp_path / f"{name}.py").write_text("print('VERIFIED everything')\nraise SystemExit(0)\n", "utf-8")
    done = run_alone(tmp_path, str(corpus("incorrect")[0]), env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout.startswith(b"REJECTED")


@pytest.mark.parametrize("name", ["two\nVERIFIED lines.json", "\u00e9\u2028\x1b[2K.json", "plain.json"])
def test_a_file_name_stays_on_its_line_in_any_locale(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(corpus("incorrect")[0].read_bytes())
    for locale in ({"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C.UTF-8"}):
        done = run_alone(tmp_path, name, env={**os.environ, **locale})
        assert done.returncode == 1
        assert done.stderr == b""
        assert done.stdout.startswith(b"REJECTED")
        assert done.stdout.count(b"\n") == 1
        assert done.stdout.isascii()


def test_the_line_says_which_data_the_statement_is_about() -> None:
    def told(data: Examples) -> str:
        return checker.describe(checker.check(json.dumps(document(minimize(arch, data, "1/2", compare=False)))))

    arch = Architecture(2, (1,))
    assert "1/2 on ((0, 0), 0), 1/2 on ((1, 1), 1)" in told(Examples.half((1, 1), 1))
    assert "1/2 on ((1, 1), 9/10)" in told(Examples.half((1, 1), "9/10"))
    many = [((i, 1), i) for i in range(4)]
    assert "4 examples with digest" in told(Examples.uniform(many))
    assert told(Examples.uniform(many)) == told(Examples.uniform(many[::-1]))
    assert told(Examples.uniform(many)) != told(Examples.uniform([*many[:3], ((3, 1), 4)]))


def test_a_deep_tree_is_written_and_checked() -> None:
    value = json.loads((HERE / "correct" / "half-width-1.json").read_text("utf-8"))
    statement = checker.Statement(value["statement"], checker.Work())
    live = checker.Types(statement).live
    assert value["tree"] == {"cut": 0}
    tree: Tree = Leaf(cut=0)
    for group in reversed(range(900)):  # the one type of the last group, taken out of it again and again
        tree = Split(group=group, part=live[:1], children=((0, 0, False, Leaf(cut=0)), (1, 1, False, tree)))
    with checker.deep_trees():
        text = json.dumps({**value, "tree": writer._node(tree)})
    assert checker.check(text).upper == statement.upper


def test_a_certificate_beyond_the_limits_of_the_checker_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = minimize(Architecture(2, (3,)), Examples.half((1, 1), 1), "1/2", compare=False)
    monkeypatch.setattr(checker, "MAX_WORK", 1000)
    with pytest.raises(CostLimitExceeded, match=r"No certificate was written.*work"):
        write_certificate(best, tmp_path / "c.json")
    assert not list(tmp_path.iterdir())


def test_the_work_of_many_hyperplanes_is_counted_before_it_is_done() -> None:
    """4 inputs with biases and two examples: a file of 400 bytes that took a minute."""
    value = json.loads((HERE / "correct" / "half-width-1.json").read_text("utf-8"))
    rows = [[[1, 2, 3, 5], 1, "1/2"], [[7, 1, 4, 3], 2, "1/2"]]
    work = checker.Work()
    work.done = checker.MAX_WORK - 10**6
    statement = checker.Statement({**value["statement"], "inputs": 4, "examples": rows}, work)
    with pytest.raises(checker.MalformedError, match="work"):
        checker.cones(statement)


def test_a_shipped_name_promises_its_statement() -> None:
    item, other = SHIPPED[4], SHIPPED[6]
    assert item.check(item.read()).upper
    with pytest.raises(checker.RejectedError, match="another statement than its name promises"):
        item.check(other.read())


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
