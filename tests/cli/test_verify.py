"""``exactdropout verify``: the catalogue, a user's own file, and exit codes that can fail."""

from __future__ import annotations

import json

import pytest

from exactdropout.cli.main import main

OWN = """
from exactdropout.theorems import conclude, register, step

@register(id="me-2026-{name}", title="t", source="me2026", number="1", printed="$1+1={sum}$",
          statement="1 + 1 = {sum}", verdict="{verdict}", scope="all sizes")
def mine():
    return conclude("holds", "all sizes", [step("1 + 1 = {sum}", "identity", 1 + 1 == {sum})])
"""


def test_the_catalogue_reproduces_its_verdicts(capsys):
    assert main(["verify", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    ids = [row["id"] for row in content["theorems"]]
    for name in ("figure-1", "theorem-4", "theorem-5", "theorem-6", "theorem-19", "theorem-20"):
        assert f"helmbold-2017-{name}" in ids
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
    assert "all 1 entries reproduce the verdicts they declare" in out


@pytest.mark.parametrize(("total", "verdict", "code"), [(2, "holds", 0), (3, "holds", 1), (2, "fails as printed", 1)])
def test_a_users_own_file(tmp_path, capsys, total, verdict, code):
    file = tmp_path / "mine.py"
    file.write_text(OWN.format(name="lemma", sum=total, verdict=verdict))
    assert main(["verify", str(file)]) == code
    out = capsys.readouterr().out
    assert ("do not reproduce" in out) == (code == 1)


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
