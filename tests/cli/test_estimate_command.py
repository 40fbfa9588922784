"""``exactdropout estimate``: what it prints, when it stops, its exit codes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    network = xd.Network([random.normal(size=(20, 12)), random.normal(size=20)])
    network.save("net.json")
    rows = random.normal(size=(6, 13)).round(3)
    (tmp_path / "data.csv").write_text("\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n")
    return network


ASKED = ["estimate", "net.json", "data.csv", "--q", "1/2", "--max-cost", "0"]


def test_a_width_in_percent(files, capsys):
    assert main([*ASKED, "--width", "20%"]) == 0
    out = capsys.readouterr().out
    assert "with probability at least 1 - 1e-9" in out
    assert "at least" in out
    assert "masks sampled" in out
    truth = xd.evaluate(files, xd.Examples.load("data.csv"), "1/2")
    assert main([*ASKED, "--width", "0.2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["certain"] is False
    assert content["truth"] == "with probability at least 1 - 1e-9"
    assert content["confidence"] == "999999999/1000000000"
    assert content["width_reached"] is True
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        assert content[name]["at_least"] <= getattr(truth, name) <= content[name]["at_most"]


def test_each_row_has_its_intervals(files, capsys):
    assert main([*ASKED, "--width", "20%", "--per-example"]) == 0
    out = capsys.readouterr().out
    assert "standard deviation at least" in out
    assert main([*ASKED, "--width", "0.2", "--per-example", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["per_example"]
    table = xd.evaluate(files, xd.Examples.load("data.csv"), "1/2").per_example
    for row, mean, variance in zip(rows, table.mean[:, 0], table.variance[:, 0], strict=True):
        assert row["mean"][0]["at_least"] <= mean <= row["mean"][0]["at_most"]
        assert row["deviation"][0]["at_least"] ** 2 <= variance <= row["deviation"][0]["at_most"] ** 2


def test_a_width_that_time_does_not_allow_is_an_open_interval(files, capsys):
    assert main([*ASKED, "--width", "1e-7", "--seconds", "0.01"]) == 3
    shown = capsys.readouterr()
    assert "with probability at least" in shown.out
    assert "wide, not 1e-7" in shown.err


def test_what_can_be_enumerated_is_certain(files, capsys):
    assert main([*ASKED[:-2], "--seconds", "30"]) == 0
    out = capsys.readouterr().out
    assert "certain: all masks were evaluated" in out
    assert "probability at least" not in out


def test_ctrl_c_prints_what_is_known(files, capsys, monkeypatch):
    found = xd.estimate(files, xd.Examples.load("data.csv"), "1/2", width=0.5, max_cost=0)
    object.__setattr__(found, "interrupted", True)
    monkeypatch.setattr(xd, "estimate", lambda *_, **__: found)
    assert main(ASKED) == 130
    shown = capsys.readouterr()
    assert "with probability at least" in shown.out
    assert "interrupted" in shown.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--width", "wide"], "'--width'"), (["--width=-5%"], "'--width'"), (["--seconds", "0"], "'--seconds'"),
        (["--confidence", "1"], "'--confidence'"), (["--seed", "-1"], "'--seed'"), (["--max-cost=-1"], "'--max-cost'"),
    ],
)  # fmt: skip
def test_bad_options_are_one_sentence(files, capsys, options, words):
    assert main([*ASKED, *options]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_run_goes_on_from_its_checkpoint(files, capsys):
    assert main([*ASKED, "--width", "20%", "--checkpoint", "run.journal"]) == 0
    assert main([*ASKED, "--width", "5%", "--checkpoint", "run.journal", "--json"]) == 0
    again = json.loads(capsys.readouterr().out.partition("seed 0.\n")[2])
    assert main([*ASKED, "--width", "5%", "--json"]) == 0
    assert again == json.loads(capsys.readouterr().out)
    assert main([*ASKED, "--width", "5%", "--checkpoint", "run.journal", "--seed", "1"]) == 2
    assert "'--checkpoint' names 'run.journal', which belongs to another seed" in capsys.readouterr().err


def test_tables_fit_eighty_columns(files, capsys, tmp_path):
    """Piped; with several outputs, with rows and with gradients."""
    random = np.random.default_rng(1)
    xd.Network([random.normal(size=(20, 12)), random.normal(size=(11, 20)) / 10]).save("wide.npz")
    x, y = random.normal(size=(5, 12)), random.normal(size=(5, 11)) / 100
    xd.Examples((x, y)).save("wide_data.npz")
    asked = ["estimate", "wide.npz", "wide_data.npz", "--q", "1/2", "--max-cost", "0", "--width", "10%"]
    for options in ([], ["--per-example"], ["--gradient"]):
        assert main([*asked, *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert any(line.split()[:2] == ["mean", "11"] for line in lines)


def test_q_is_needed(files, capsys):
    assert main([*ASKED[:3], "--width", "20%"]) == 2
    assert "'--q' must be given" in capsys.readouterr().err


def test_a_refused_evaluation_names_estimate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    xd.Network([random.normal(size=(50, 40)), random.normal(size=50)]).save("net.json")
    (tmp_path / "data.csv").write_text(",".join(map(str, random.normal(size=41).round(3).tolist())) + "\n")
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2"]) == 2
    err = capsys.readouterr().err
    assert "exactdropout estimate gives in 10 s of processor time an interval with a proved probability, about" in err
    assert "with drop probabilities 0, 1/2 it would take about" in err
