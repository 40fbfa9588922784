"""``exactdropout verify``: the catalogue, a user's own file, and exit codes that can fail."""

from __future__ import annotations

import json

import pytest

from exactdropout import theorems
from exactdropout.certificate.shipped import FILES, Shipped
from exactdropout.cli import verify
from exactdropout.cli.main import main
from exactdropout.cli.recheck import CoqRun, Recheck

OWN = """
from exactdropout.theorems import conclude, register, step

@register(id="me-2026-{name}", title="t", source="me2026", number="1", printed="$1+1={sum}$",
          statement="1 + 1 = {sum}", verdict="{verdict}", scope="all sizes")
def mine():
    return conclude("holds", "all sizes", [step("1 + 1 = {sum}", "identity", 1 + 1 == {sum})])
"""


@pytest.mark.parametrize("part", ["helmbold-2017-lemma", pytest.param("", marks=pytest.mark.thorough)])
def test_the_catalogue_reproduces_its_verdicts(capsys, monkeypatch, prove_once, part):
    kept = {t.id: prove_once(t) for t in theorems.catalogue() if part in t.id}
    monkeypatch.setattr(theorems.Theorem, "prove", lambda theorem, *, full: kept[theorem.id])
    assert main(["verify", "--only", part, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    ids = [row["id"] for row in content["theorems"]]
    assert ids == list(kept)
    for name in ("figure-1", "theorem-4", "theorem-5", "theorem-6", "theorem-19", "theorem-20", "lemma-9", "lemma-16"):
        assert (f"helmbold-2017-{name}" in ids) == (part in f"helmbold-2017-{name}")
    assert content["changed"] == []
    for row in content["theorems"]:
        assert row["verdict"] == row["declared"]
        assert row["scope"]
        assert any(s["holds"] is True for s in row["steps"])
        assert all(s["holds"] is not False for s in row["steps"])


def test_the_table_and_the_steps(capsys):
    assert main(["verify", "--only", "figure-1", "--steps"]) == 0
    out = capsys.readouterr().out
    assert "helmbold-2017-figure-1" in out.replace("\n", "")
    assert "[enumeration, checked]" in out
    assert out.splitlines()[-1].startswith("1 holds; the entry reproduces the verdict it declares, in ")


@pytest.mark.parametrize("width", [30, 60, 80, 111, 112, 120, 200])
def test_identifiers_are_never_broken(monkeypatch, capsys, width):
    monkeypatch.setattr(verify, "output_width", lambda: width)
    monkeypatch.setattr("exactdropout.cli.output.output_width", lambda: width)
    assert main(["verify", "--only", "figure-1", "--only", "mianjy-2019"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("helmbold-2017-figure-1", "mianjy-2019-deep-linear"):
        assert sum(name in line for line in lines) == 1
    assert all(len(line) <= width for line in lines[:-1]) or width < 60


def test_what_is_added_to_a_statement_that_holds_is_no_correction(capsys):
    assert main(["verify", "--only", "theorem-5", "--only", "lemma-9", "--steps"]) == 0
    out = capsys.readouterr().out
    assert out.count("Remark: ") == out.count("Corrected statement: ") == 1
    assert main(["verify", "--only", "theorem-5", "--only", "lemma-9", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["theorems"]
    assert first["remark"]
    assert not first["correction"]
    assert second["correction"]
    assert not second["remark"]


@pytest.mark.parametrize(("total", "verdict", "code"), [(2, "holds", 0), (3, "holds", 1), (2, "fails as printed", 1)])
def test_a_users_own_file(tmp_path, capsys, total, verdict, code):
    file = tmp_path / "mine.py"
    file.write_text(OWN.format(name="lemma", sum=total, verdict=verdict))
    assert main(["verify", str(file)]) == code
    out = capsys.readouterr().out
    assert ("1 entry does not reproduce the declared verdict: me-2026-" in out) == (code == 1)


FULL = """
from exactdropout.theorems import conclude, register, step

@register(id="me-2026-lemma", title="t", source="me2026", number="1", printed="$1+1=2$", statement="1 + 1 = 2",
          verdict="holds", scope="all sizes", full=lambda: [step("2 + 2 = 4", "identity", 2 + 2 == {sum})])
def mine():
    return conclude("holds", "all sizes", [step("1 + 1 = 2", "identity", 1 + 1 == 2)])
"""


@pytest.mark.parametrize(("total", "code"), [(4, 0), (5, 1)])
def test_full_also_runs_the_further_steps_and_the_certificates(tmp_path, capsys, monkeypatch, check_once, total, code):
    monkeypatch.setattr(Shipped, "check", check_once)
    monkeypatch.setattr(verify, "start_coq", lambda: CoqRun(None, "not run: a test"))
    file = tmp_path / "mine.py"
    file.write_text(FULL.format(sum=total))
    assert main(["verify", str(file)]) == 0
    assert "shipped certificates" not in capsys.readouterr().out
    assert main(["verify", str(file), "--full", "--json"]) == code
    content = json.loads(capsys.readouterr().out)
    assert len(content["theorems"][0]["steps"]) == 2
    certificates, coq = content["rechecked"]
    assert certificates["accepted"] == certificates["total"] == len(FILES)
    assert (coq["total"], coq["note"]) == (0, "not run: a test")


def coq_folder(tmp_path, script):
    folder = tmp_path / "coq"
    folder.mkdir()
    (folder / "check").write_text(
        f"import sys, time\nassert sys.argv[1:] == ['certificates']\nprint('3 files')\n{script}\n"
    )
    return folder


@pytest.mark.parametrize(
    ("script", "accepted", "holds"),
    [
        ("for name in 'abc': print('accepted', name)", 3, True),
        ("print('accepted a'); sys.exit('REFUSED b')", 1, False),
        ("for name in 'abc': print('accepted', name)\nsys.exit(1)", 2, False),
    ],
)
def test_what_coq_accepts_is_counted(tmp_path, script, accepted, holds):
    run = CoqRun(coq_folder(tmp_path, script))
    found = run.result()
    run.stop()  # once it raised: a pipe that had been read to its end
    assert (found.accepted, found.total, found.holds) == (accepted, 3, holds)


def test_coq_is_stopped(tmp_path):
    run = CoqRun(coq_folder(tmp_path, "time.sleep(60)"))
    run.stop()
    assert run.process is not None
    assert run.process.poll() is not None


def test_full_with_coq_ends_well(tmp_path, capsys, monkeypatch, check_once):
    monkeypatch.setattr(Shipped, "check", check_once)
    folder = coq_folder(tmp_path, "print('accepted a')")
    monkeypatch.setattr(verify, "start_coq", lambda: CoqRun(folder))
    file = tmp_path / "mine.py"
    file.write_text(FULL.format(sum=4))
    assert main(["verify", str(file), "--full"]) == 0
    assert "theory and certificates, by coqc: 3 of 3 accepted" in capsys.readouterr().out


def test_a_refused_certificate_is_exit_code_1(tmp_path, capsys, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text(FULL.format(sum=4))
    monkeypatch.setattr(verify, "start_coq", lambda: CoqRun(None, "not run: a test"))
    monkeypatch.setattr(
        verify, "recheck_certificates", lambda: Recheck(kind="certificates", accepted=1, total=2, seconds=0.0)
    )
    assert main(["verify", str(file), "--full"]) == 1
    assert "not everything was accepted: certificates" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/0", "ZeroDivisionError"),
        ("def f(:", "line 1"),
        ("x = 1", "registers no theorem"),
        ("import sys; sys.exit(0)", "could not be run"),
        (OWN.format(name="a", sum=2, verdict="maybe"), "'verdict' must be one of"),
        (OWN.format(name="A b", sum=2, verdict="holds"), "'id' must be"),
        (OWN.format(name="l", sum=2, verdict="holds").replace("return conclude", "return 5 #"), "must return a Proof"),
        (OWN.format(name="l", sum=2, verdict="holds").replace("return", "1/0 #"), "ZeroDivisionError"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, capsys, text, message):
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert main(["verify", str(file)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("only", "says"),
    [
        (["theorem5"], "'theorem5' is of none; did you mean 'helmbold-2017-theorem-5'"),
        (["Figure-1"], "did you mean 'helmbold-2017-figure-1'"),
        (["theroem-5"], "helmbold-2017-theorem-5"),
        (["figure-1", "no such one"], "'no such one' is of none, which are such as 'helmbold-2017-"),
        (["qq"], "'qq' is of none, which are such as"),
    ],
)
def test_an_id_that_is_mistyped_is_told_what_was_meant_and_none_is_left_out_silently(capsys, only, says):
    assert main(["verify", *(f"--only={text}" for text in only)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
