"""``exactdropout certify``: shipped certificates, files of the user's, and exit codes that can fail."""

from __future__ import annotations

import json

import pytest

from exactdropout.certificate import shipped
from exactdropout.certificate.shipped import FILES, certificates_folder
from exactdropout.cli.main import main
from exactdropout.cli.recheck import recheck_certificates
from exactdropout.report.evidence import shipped_certificates


@pytest.mark.parametrize("part", ["K2", pytest.param("", marks=pytest.mark.thorough)])
def test_shipped_certificates_are_verified(capsys, part):
    assert main(["certify", "--only", part, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["certificates"]
    assert {row["name"] for row in rows} == {s.name for s in FILES if part in s.name}
    assert {row["verdict"] for row in rows} == {"VERIFIED"}


def test_rebuilding_gives_the_same_values(capsys):
    assert main(["certify", "--rebuild", "--only", "half-K2-n3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["certificates"]
    assert {row["verdict"] for row in rows} == {"VERIFIED, rebuilt"}
    assert len(rows) == 2


@pytest.mark.parametrize("options", [[], ["--rebuild", "--only", "half-K2-n1"]])
def test_one_foreign_file_in_place_of_all_proves_nothing(tmp_path, capsys, monkeypatch, options):
    foreign = certificates_folder().joinpath("half-K2-n1.json").read_bytes()
    for item in FILES:
        (tmp_path / f"{item.name}.json").write_bytes(foreign)
    monkeypatch.setattr(shipped, "certificates_folder", lambda: tmp_path)
    assert main(["certify", "--json", *options]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["certificates"]}
    assert rows.pop("half-K2-n1")["verdict"].startswith("VERIFIED")
    assert {row["verdict"] for row in rows.values()} == {"REJECTED"}
    assert all("another statement than its name promises" in row["statement"] for row in rows.values())
    rechecked = recheck_certificates()
    assert (rechecked.accepted, rechecked.total) == (1, len(FILES))
    assert sum(certificate.verified for certificate in shipped_certificates()) == 1


def test_a_false_and_a_broken_certificate(tmp_path, capsys):
    text = certificates_folder().joinpath("half-K2-n3.json").read_text(encoding="utf-8")
    good, false, broken = tmp_path / "good.json", tmp_path / "false.json", tmp_path / "broken.json"
    good.write_text(text)
    assert "111/670" in text
    false.write_text(text.replace("111/670", "111/671"))
    broken.write_text(text[:-20])
    assert main(["certify", str(good)]) == 0
    assert "1 of 1 verified" in capsys.readouterr().out
    assert main(["certify", str(good), str(false)]) == 1
    assert "REJECTED" in capsys.readouterr().out
    assert main(["certify", str(false), str(broken)]) == 2
    assert "MALFORMED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.json"], "cannot be read"),
        (["--only", "zzz"], "'--only' must match"),
        (["a.json", "--rebuild"], "name no"),
    ],
)
def test_bad_input(capsys, arguments, message):
    assert main(["certify", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_where(capsys):
    assert main(["certify", "--where"]) == 0
    assert "checker.py" in capsys.readouterr().out
